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

#define LOOK         (2 * USEC_PER_MSEC)
#define PREPARE_MOST (500 * USEC_PER_MSEC)
#define TAKE_MOST    (400 * USEC_PER_MSEC)
#define DRAIN_MOST   (250 * USEC_PER_MSEC)
#define QUIET        5 /* looks without a packet: nothing is on its way to us any more */
_Static_assert(DRAIN_MOST < TAKE_MOST, "the standby waits for the fence");
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

/* Who asked for it hears of the first thing that came of it. */
static void tell(struct sso *s, enum sso_outcome o)
{
    void (*fn)(void *ctx, enum sso_outcome o) = s->handover.fn;
    s->handover.fn = NULL;
    if (fn)
        fn(s->handover.ctx, o);
}

/* As HSRP has it, from here on. */
static void leave(struct sso *s)
{
    enter(s, SSO_HANDOVER_NONE, 0);
    hsrp_hand_over(s->c, HSRP_NO_HANDOVER);
    sso_follow(s);
    sso_roles_apply(s);
}

static void fail(struct sso *s, enum sso_outcome o, const char *why)
{
    log_line(s->c->o.log, LOGL_WARNING, "sso", "no switchover: %s", why);
    leave(s);
    tell(s, o);
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
    s->handover.served = false;
    enter(s, SSO_HANDOVER_DRAINS, DRAIN_MOST);
    tell(s, SSO_HANDED_OVER);
    position_barrier(s->c);
}

void sso_handover_barrier(struct sso *s)
{
    s->handover.served = true;
}

/* A datapath that does not get to run has no packets either, and they wait in its queues. So what
 * counts is silence in which it has answered us, which it does in turn with its queues. */
static void drain(struct sso *s, bool late)
{
    uint64_t n = packets(s->c);
    if (!s->handover.served && !late)
        return;
    s->handover.quiet = n == s->handover.packets ? s->handover.quiet + 1 : 0;
    s->handover.packets = n;
    s->handover.served = false;
    if (s->handover.quiet < QUIET && !late) {
        position_barrier(s->c);
        return;
    }
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
    if (!s->on || !f.holds) {
        sso_sync_switch(s->sync, SSO_SWITCH_EMPTY);
        return;
    }
    if (!g || g->state != HSRP_STANDBY || !hsrp_settled(s->c)) {
        sso_sync_switch(s->sync, SSO_SWITCH_NO_HSRP);
        return;
    }
    enter(s, SSO_HANDOVER_PREPARES, PREPARE_MOST);
    hsrp_hand_over(s->c, HSRP_TAKING);
    sso_roles_apply(s);
}

static void prepare(struct sso *s, bool late)
{
    if (late) {
        sso_sync_switch(s->sync, SSO_SWITCH_LATE);
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

/* The answer to PREPARE. */
static void on_answer(struct sso *s, enum sso_switch_step step)
{
    switch (step) {
    case SSO_SWITCH_TAKEN:
        on_taken(s);
        break;
    case SSO_SWITCH_EMPTY:
        fail(s, SSO_PEER_EMPTY, "the other box does not have everything");
        break;
    case SSO_SWITCH_NO_HSRP:
        fail(s, SSO_PEER_NOT_STANDBY, "the other box is not standby in HSRP");
        break;
    case SSO_SWITCH_LATE:
        fail(s, SSO_PEER_LATE, "the other box does not get ready in time");
        break;
    case SSO_SWITCH_PREPARE:
    case SSO_SWITCH_STEPS:
        break;
    }
}

void sso_handover_step(struct sso *s, enum sso_switch_step step)
{
    enum sso_handover_step is = s->handover.step;
    if (is == SSO_HANDOVER_ASKS)
        on_answer(s, step);
    else if (step == SSO_SWITCH_PREPARE && is == SSO_HANDOVER_NONE && !sso_sync_is_active(s->sync))
        on_prepare(s);
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
        if (late)
            fail(s, SSO_NO_ANSWER, "the other box does not answer");
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

void sso_handover_end(struct sso *s)
{
    if (s->handover.step == SSO_HANDOVER_NONE)
        return;
    enter(s, SSO_HANDOVER_NONE, 0);
    hsrp_hand_over(s->c, HSRP_NO_HANDOVER);
    tell(s, SSO_NO_SCHEME);
}

/* Why a standby is not hot. */
static enum sso_outcome not_hot(const struct sso *s)
{
    return s->rf.peer >= RF_STANDBY_COLD && s->rf.peer < RF_STANDBY_HOT ? SSO_BULK_SYNC
                                                                        : SSO_NOT_HOT;
}

/* What speaks against it, as far as this box knows; the other one has its say afterwards. */
static enum sso_outcome objection(const struct sso *s)
{
    struct sso_sync_info f;
    sso_sync_info(s->sync, &f);
    return !s->on                                                ? SSO_NO_SCHEME
           : s->handover.step != SSO_HANDOVER_NONE || s->fencing ? SSO_BUSY
           : !sso_sync_is_active(s->sync)                        ? SSO_NOT_ACTIVE
           : !f.ready                                            ? SSO_NO_PEER
           : f.n_differ                                          ? SSO_DIFFERS
           : !f.hot                                              ? not_hot(s)
           : !hsrp_has_standby(s->c)                             ? SSO_NO_STANDBY
                                                                 : SSO_ASKED;
}

enum sso_outcome sso_switchover(struct control *c, void (*fn)(void *ctx, enum sso_outcome o),
                                void *ctx)
{
    struct sso *s = c->sso;
    enum sso_outcome o = objection(s);
    if (o != SSO_ASKED)
        return o;
    s->handover.fn = fn;
    s->handover.ctx = ctx;
    hsrp_hand_over(c, HSRP_GIVING);
    enter(s, SSO_HANDOVER_ASKS, PREPARE_MOST + TAKE_MOST);
    sso_sync_switch(s->sync, SSO_SWITCH_PREPARE);
    return o;
}

void sso_switchover_forget(struct control *c)
{
    if (c->sso)
        c->sso->handover.fn = NULL;
}
