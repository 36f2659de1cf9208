/*
 * When operations run: start-time, life, frequency, recurring, ageout.
 *
 * Operations keep the grid that their first one set: start + k · frequency. Those that begin at
 * one moment (a configuration with thousands of them) are given starts PACE apart, so that they
 * never come in one burst afterwards either.
 */
#include "control/sla/internal.h"
#include <time.h>

#define PACE 200 /* µs: 5,000 in one second */
#define DAY  86400
/* The wall clock may be set meanwhile; times of day are looked at again after this. */
#define LOOK_AGAIN (60 * USEC_PER_SEC)

static usec_t wall_of(const struct intent_sla *cfg, struct tm tm)
{
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    usec_t local = ((usec_t)timegm(&tm) + cfg->start_time) * USEC_PER_SEC;
    return local - clock_local(0, &cfg->zone);
}

usec_t sla_start_time(const struct intent_sla *cfg, usec_t wall)
{
    time_t now = (time_t)(clock_local(wall, &cfg->zone) / USEC_PER_SEC);
    struct tm tm;
    if (!gmtime_r(&now, &tm))
        return wall;
    if (!cfg->start_month) {
        usec_t at = wall_of(cfg, tm);
        return at >= wall ? at : at + DAY * USEC_PER_SEC;
    }
    tm.tm_mon = cfg->start_month - 1;
    tm.tm_mday = cfg->start_day;
    usec_t at = wall_of(cfg, tm);
    if (at >= wall)
        return at;
    tm.tm_year++;
    return wall_of(cfg, tm);
}

static void tick_at(struct sla_op *op, usec_t when)
{
    /* Without memory for a timer it stands still, which its counters show. */
    (void)timer_set(op->sla->host.timers, &op->tick, when);
}

/* --- waiting for the start
 * -------------------------------------------------------------------------
 */

static void begin(struct sla_op *op, usec_t now)
{
    struct sla *s = op->sla;
    usec_t at = s->paced + PACE;
    s->paced = at > now ? at : now;
    op->state = SLA_ACTIVE;
    op->starts = 0;
    op->next = s->paced;
    op->life_end =
        op->cfg.life == SLA_FOREVER ? -1 : op->next + (usec_t)op->cfg.life * USEC_PER_SEC;
    tick_at(op, op->next);
}

static void wait_for_clock(struct sla_op *op, usec_t now)
{
    usec_t left = op->starts - clock_wall(op->sla->host.clock);
    if (left <= 0)
        begin(op, now);
    else
        tick_at(op, now + (left < LOOK_AGAIN ? left : LOOK_AGAIN));
}

static void age(struct sla_op *op, usec_t now)
{
    if (op->cfg.ageout)
        tick_at(op, now + (usec_t)op->cfg.ageout * USEC_PER_SEC);
}

static void age_out(struct sla_op *op)
{
    op->aged = true;
    sla_run_abort(op);
    sla_set_code(op, SLA_NONE);
    sla_tell(op);
}

/* --- running
 * ---------------------------------------------------------------------------------------
 */

static void end_life(struct sla_op *op, usec_t now)
{
    op->state = SLA_INACTIVE;
    if (op->cfg.recurring && op->cfg.start == SLA_START_AT) {
        op->state = SLA_PENDING;
        op->starts = sla_start_time(&op->cfg, clock_wall(op->sla->host.clock));
        wait_for_clock(op, now);
        return;
    }
    age(op, now);
}

static void turn(struct sla_op *op, usec_t now)
{
    usec_t every = (usec_t)op->cfg.frequency * USEC_PER_SEC;
    if (op->life_end >= 0 && now >= op->life_end) {
        end_life(op, now);
        return;
    }
    for (op->next += every; op->next <= now; op->next += every)
        op->view.skipped++; /* we were away */
    tick_at(op, op->life_end >= 0 && op->life_end < op->next ? op->life_end : op->next);
    if (op->running)
        op->view.skipped++;
    else
        sla_run(op);
}

static void on_tick(struct timer *t, void *owner)
{
    struct sla_op *op = (struct sla_op *)owner;
    usec_t now = sla_now(op->sla);
    (void)t;
    if (op->state == SLA_ACTIVE)
        turn(op, now);
    else if (op->state == SLA_PENDING && op->starts)
        wait_for_clock(op, now);
    else if (op->state == SLA_PENDING && op->cfg.start == SLA_START_AFTER)
        begin(op, now);
    else
        age_out(op);
}

void sla_schedule(struct sla_op *op)
{
    const struct sla *s = op->sla;
    usec_t now = sla_now(s);
    timer_init(&op->tick, on_tick, op);
    op->state = SLA_PENDING;
    op->starts = 0;
    switch (op->cfg.start) {
    case SLA_START_NOW:
        begin(op, now);
        break;
    case SLA_START_AFTER:
        tick_at(op, now + (usec_t)op->cfg.start_time * USEC_PER_SEC);
        break;
    case SLA_START_AT:
        op->starts = sla_start_time(&op->cfg, clock_wall(s->host.clock));
        wait_for_clock(op, now);
        break;
    case SLA_START_PENDING:
        if (op->cfg.scheduled)
            age(op, now);
        break;
    }
}
