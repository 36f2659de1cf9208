/*
 * `redundancy switchover`: the active role is handed over and no packet is lost (docs/sso.md,
 * "Planned").
 *
 *   active                                     standby
 *   yields in HSRP        -- PREPARE -->       addresses stand, packets are held back
 *                                              is active in HSRP, so the switches turn to it
 *   goes on with          <-- TAKEN --
 *   what still comes,
 *   fences, reloads       -- BYE -->           goes on, first with what waited
 *
 * Each step has its time; when that is over each box does what HSRP says, as after a crash. It is
 * less than SADB_HOLD_MOST.
 */
#include "control/sso/sso_priv.h"
#include <errno.h>

#define LOOK         (2 * USEC_PER_MSEC)
#define PREPARE_MOST (500 * USEC_PER_MSEC)
#define TAKE_MOST    (400 * USEC_PER_MSEC)
#define DRAIN_MOST   (100 * USEC_PER_MSEC)
#define QUIET        5 /* looks without a packet: nothing is on its way to us any more */
_Static_assert(PREPARE_MOST + TAKE_MOST < SADB_HOLD_MOST, "a hold ends by a word of ours");

static void enter(struct sso *s, enum sso_handover_step step, usec_t most)
{
    usec_t now = clock_mono(&s->c->o.clock);
    s->handover.step = step;
    s->handover.until = now + most;
    if (step == SSO_HANDOVER_NONE)
        timer_cancel(&s->c->timers, &s->handover.timer);
    else
        (void)timer_set(&s->c->timers, &s->handover.timer, now + LOOK);
}

/* As HSRP has it, from here on. */
static void leave(struct sso *s)
{
    enter(s, SSO_HANDOVER_NONE, 0);
    hsrp_hand_over(s->c, HSRP_NO_HANDOVER);
    sso_follow(s);
    sso_roles_apply(s);
}

/* Packets of all SAs that are shared, both ways. */
static uint64_t packets(const struct control *c)
{
    uint64_t n = 0;
    for (size_t i = 0; c->stats && i < c->wanted.n; i++) {
        const struct wanted_sa *w = c->wanted.v[i];
        if (w->m.slot < DPSTATS_SLOTS && wanted_is_shared(w->m.sa))
            n += dp_read(&c->stats->slot[w->m.slot].packets);
    }
    return n;
}

/* --- the active box ---------------------------------------------------------------------------
 */

static void on_taken(struct sso *s)
{
    s->handover.packets = packets(s->c);
    s->handover.quiet = 0;
    enter(s, SSO_HANDOVER_DRAINS, DRAIN_MOST);
}

static void drain(struct sso *s, bool late)
{
    uint64_t n = packets(s->c);
    s->handover.quiet = n == s->handover.packets ? s->handover.quiet + 1 : 0;
    s->handover.packets = n;
    if (s->handover.quiet < QUIET && !late)
        return;
    enter(s, SSO_HANDOVER_NONE, 0);
    sso_lose_role(s); /* its addresses stay until it reloads */
}

/* --- the standby ------------------------------------------------------------------------------
 */

static void on_prepare(struct sso *s)
{
    struct sso_sync_info f;
    const struct hsrp_group *g = hsrp_named(s->c, s->group);
    sso_sync_info(s->sync, &f);
    if (!s->on || !f.holds || !g || g->state != HSRP_STANDBY) {
        sso_sync_switch(s->sync, SSO_SWITCH_REFUSED);
        return;
    }
    enter(s, SSO_HANDOVER_PREPARES, PREPARE_MOST);
    hsrp_hand_over(s->c, HSRP_TAKING);
    sso_roles_apply(s);
}

static void prepare(struct sso *s, bool late)
{
    if (late) {
        sso_sync_switch(s->sync, SSO_SWITCH_REFUSED);
        leave(s);
    } else if (hsrp_ready(s->c) && position_settled(s->c)) {
        enter(s, SSO_HANDOVER_TAKES, TAKE_MOST);
        hsrp_take(s->c);
        sso_sync_switch(s->sync, SSO_SWITCH_TAKEN);
    }
}

void sso_handover_bye(struct sso *s)
{
    if (s->handover.step != SSO_HANDOVER_TAKES)
        return;
    s->planned = true;
    leave(s);
}

/* --- both ------------------------------------------------------------------------------------- */

void sso_handover_step(struct sso *s, enum sso_switch_step step)
{
    enum sso_handover_step is = s->handover.step;
    if (step == SSO_SWITCH_PREPARE && is == SSO_HANDOVER_NONE && !sso_sync_is_active(s->sync)) {
        on_prepare(s);
    } else if (step == SSO_SWITCH_TAKEN && is == SSO_HANDOVER_ASKS) {
        on_taken(s);
    } else if (step == SSO_SWITCH_REFUSED && is == SSO_HANDOVER_ASKS) {
        log_line(s->c->o.log, LOGL_WARNING, "sso", "the other box cannot take over now");
        leave(s);
    }
}

static void on_timer(struct timer *t, void *owner)
{
    struct sso *s = (struct sso *)owner;
    usec_t now = clock_mono(&s->c->o.clock);
    bool late = now >= s->handover.until;
    (void)timer_set(&s->c->timers, t, now + LOOK);
    switch (s->handover.step) {
    case SSO_HANDOVER_DRAINS:
        drain(s, late);
        break;
    case SSO_HANDOVER_PREPARES:
        prepare(s, late);
        break;
    case SSO_HANDOVER_ASKS:
    case SSO_HANDOVER_TAKES:
        if (!late)
            break;
        log_line(s->c->o.log, LOGL_WARNING, "sso", "the other box does not answer in a switchover");
        leave(s);
        break;
    case SSO_HANDOVER_NONE:
        timer_cancel(&s->c->timers, t);
        break;
    }
}

void sso_handover_open(struct sso *s)
{
    timer_init(&s->handover.timer, on_timer, s);
}

int sso_switchover(struct control *c)
{
    struct sso *s = c->sso;
    struct sso_sync_info f;
    sso_sync_info(s->sync, &f);
    if (!sso_sync_is_active(s->sync))
        return -EPERM;
    if (!f.hot)
        return -ENOTCONN;
    if (s->handover.step != SSO_HANDOVER_NONE || s->fencing)
        return -EBUSY;
    hsrp_hand_over(c, HSRP_GIVING);
    enter(s, SSO_HANDOVER_ASKS, PREPARE_MOST + TAKE_MOST);
    sso_sync_switch(s->sync, SSO_SWITCH_PREPARE);
    return 0;
}
