/*
 * The one clock interface. Code that needs time is given a `struct clock`; tests
 * give it one that they move by hand, so no unit test sleeps.
 */
#ifndef TANDEM_LIB_CLOCK_H
#define TANDEM_LIB_CLOCK_H

#include <stdint.h>

typedef int64_t usec_t; /* microseconds */
#define USEC_PER_SEC  INT64_C(1000000)
#define USEC_PER_MSEC INT64_C(1000)

/* A zone: its name ("": UTC) and how far its clocks are before those of UTC. */
struct clock_zone {
    char name[8];
    int32_t minutes;
};
/* The wall clock's time as gmtime_r() wants it for the clocks of this zone. */
static inline usec_t clock_local(usec_t wall, const struct clock_zone *z)
{
    return wall + z->minutes * 60 * USEC_PER_SEC;
}

struct clock {
    usec_t (*mono)(void *ctx); /* monotonic, for timers and ages */
    usec_t (*wall)(void *ctx); /* since 1970 UTC, for timestamps people read */
    void *ctx;
};

static inline usec_t clock_mono(const struct clock *c)
{
    return c->mono(c->ctx);
}
static inline usec_t clock_wall(const struct clock *c)
{
    return c->wall(c->ctx);
}
struct clock clock_system(void);

/* A clock that tests move: struct clock c = clock_manual(&t); t.mono_us += ... */
struct manual_time {
    usec_t mono_us, wall_us;
};
struct clock clock_manual(struct manual_time *t);

#endif
