/* The system's clock and the tests' clock. See clock.h. */
#include "lib/clock.h"
#include <stddef.h>
#include <time.h>

static usec_t read_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (usec_t)ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

static usec_t system_mono(void *ctx)
{
    (void)ctx;
    return read_clock(CLOCK_MONOTONIC);
}

static usec_t system_wall(void *ctx)
{
    (void)ctx;
    return read_clock(CLOCK_REALTIME);
}

struct clock clock_system(void)
{
    return (struct clock){.mono = system_mono, .wall = system_wall, .ctx = NULL};
}

static usec_t manual_mono(void *ctx)
{
    return ((const struct manual_time *)ctx)->mono_us;
}

static usec_t manual_wall(void *ctx)
{
    return ((const struct manual_time *)ctx)->wall_us;
}

struct clock clock_manual(struct manual_time *t)
{
    return (struct clock){.mono = manual_mono, .wall = manual_wall, .ctx = t};
}
