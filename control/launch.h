/*
 * Requests to the launcher, which alone may write to the kernel.
 *
 * A reconciler compares wanted and real state over and over, so it asks for the same thing many
 * times. launch_want() makes that harmless: a request under way is not repeated, a refused one is
 * repeated after a growing pause, and its text stays readable as the reason why something is not
 * as wanted. Requests nobody asked for in the last round are forgotten.
 */
#ifndef TANDEM_CONTROL_LAUNCH_H
#define TANDEM_CONTROL_LAUNCH_H

#include "lib/clock.h"
#include "lib/ipc.h"
#include "lib/launchproto.h"
#include "lib/log.h"
#include "lib/timer.h"
#include <stdbool.h>

#define LAUNCH_TEXT    120
#define LAUNCH_BODY    160
#define LAUNCH_BUCKETS 4096 /* power of two */

struct launch_op {
    struct launch_op *next_key, *next_id; /* chains by content and by request number */
    uint32_t id;
    uint32_t round; /* the last one that wanted it */
    uint16_t type, len;
    enum { OP_NEW, OP_SENT, OP_DONE, OP_FAILED } state;
    int err;
    unsigned fails;
    usec_t until; /* done: when to look again; failed: when to try again */
    char text[LAUNCH_TEXT];
    uint8_t body[LAUNCH_BODY]; /* starts with the id, as every request does */
};

struct launch_call; /* a single request with its own answer */

struct launch {
    struct ipc *ipc;
    struct timerq *timers;
    const struct clock *clock;
    struct log *log;
    struct log_limit refusals;
    void (*kick)(void *ctx); /* another round, please */
    void *ctx;
    struct timer retry;
    struct launch_op *by_key[LAUNCH_BUCKETS], *by_id[LAUNCH_BUCKETS];
    struct launch_call *calls;
    uint32_t next_id, round;
};

void launch_init(struct launch *l, struct timerq *q, const struct clock *clock, struct log *log,
                 void (*kick)(void *ctx), void *ctx);
void launch_free(struct launch *l);
void launch_set_channel(struct launch *l,
                        struct ipc *ipc); /* borrowed; what was under way is lost */

void launch_round_begin(struct launch *l);
void launch_round_end(struct launch *l);
/* Makes this request true: sends it unless that has just been done. body is a zeroed lr_* struct
 * without its id. Returns the request's record (its err and text speak of the last try), or NULL
 * when out of memory. */
const struct launch_op *launch_want(struct launch *l, uint16_t type, const void *body, size_t len);
/* One request with an answer of its own: fn gets 0 or -errno, from the loop. */
int launch_call(struct launch *l, uint16_t type, void *body, size_t len, int fd,
                void (*fn)(void *ctx, int err), void *ctx);
/* Nothing that was asked for is under way. */
bool launch_idle(const struct launch *l);
void launch_reply(struct launch *l, const struct lm_reply *r, const char *text);

#endif
