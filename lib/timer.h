/*
 * One heap of timers per loop. A timer is embedded in the object that owns it and
 * must be cancelled before that object dies. The queue does not read a clock: its
 * owner passes the time in, so tests drive it.
 */
#ifndef TANDEM_LIB_TIMER_H
#define TANDEM_LIB_TIMER_H

#include "lib/clock.h"
#include <stdbool.h>
#include <stddef.h>

struct timer;
typedef void timer_fn(struct timer *t, void *owner);

struct timer {
    usec_t when;
    timer_fn *fn;
    void *owner;
    size_t slot; /* place in the heap + 1; 0 = not armed */
};

struct timerq {
    struct timer **heap;
    size_t n, cap;
    /* Called when the earliest deadline may have changed (may be NULL). */
    void (*changed)(struct timerq *q, void *ctx);
    void *ctx;
};

void timerq_free(struct timerq *q); /* disarms all; timers stay their owners' */
void timer_init(struct timer *t, timer_fn *fn, void *owner);
/* Arms or re-arms for the monotonic instant `when`. 0 or -1 (no memory). */
int timer_set(struct timerq *q, struct timer *t, usec_t when);
void timer_cancel(struct timerq *q, struct timer *t); /* harmless when not armed */
static inline bool timer_armed(const struct timer *t)
{
    return t->slot != 0;
}
/* The earliest deadline, or -1 when nothing is armed. */
usec_t timerq_next(const struct timerq *q);
/* Fires what is due at `now`, earliest first; timers armed by a handler for an
 * instant <= now fire in the same call, at most `n` of them all together. */
size_t timerq_run(struct timerq *q, usec_t now, size_t n);

#endif
