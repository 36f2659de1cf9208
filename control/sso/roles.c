/*
 * Who is active. HSRP decides, by the group of the scheme; here is what follows from it: taking
 * over, and for the loser the fence before anything else.
 */
#include "control/sso/sso_priv.h"
#include <string.h>

#define HOLD_MOST  (60 * USEC_PER_SEC)
#define FENCE_MOST (2 * USEC_PER_SEC)
#define BYE_MOST   (500 * USEC_PER_MSEC)

bool sso_shares(const struct port *p)
{
    return p->ifp && p->ifp->map && p->ifp->stateful && p->ifp->redundancy[0];
}

void sso_rf(struct sso *s, enum rf_event e)
{
    if (!rf_step(&s->rf, e, clock_mono(&s->c->o.clock)))
        return;
    sso_debug(s, SSO_DBG_FSM, "RF: *my state = %s(%u) peer state = %s(%u)", rf_name(s->rf.mine),
              s->rf.mine, rf_name(s->rf.peer), s->rf.peer);
    sso_debug(s, SSO_DBG_PROGRESSION, "RF: progression to %s", rf_name(s->rf.mine));
    sso_sync_state(s->sync, s->rf.mine);
}

/* --- interfaces ---------------------------------------------------------------------------------
 */

static void set_role(struct sso *s, uint32_t ifid, enum sadb_role role)
{
    if (s->at[ifid].known && s->at[ifid].role == role)
        return;
    s->at[ifid].known = true;
    s->at[ifid].role = (uint8_t)role;
    position_role(s->c, ifid, role);
}

void sso_roles_apply(struct sso *s)
{
    bool acts = !s->on || (sso_sync_is_active(s->sync) && !s->fencing);
    bool soon = s->handover.step == SSO_HANDOVER_PREPARES || s->handover.step == SSO_HANDOVER_TAKES;
    enum sadb_role idle = soon ? SADB_ROLE_HOLD : SADB_ROLE_PASSIVE;
    for (size_t i = 0; i < s->c->ports.n; i++) {
        const struct port *p = s->c->ports.v[i];
        if (s->on && sso_shares(p))
            set_role(s, p->ifid, acts ? SADB_ROLE_ACTIVE : idle);
        else if (s->at[p->ifid].known)
            set_role(s, p->ifid, SADB_ROLE_ACTIVE);
    }
}

/* --- active -------------------------------------------------------------------------------------
 */

static uint64_t last_of(const struct sadb_sa *m)
{
    return m->flags & SADB_F_ESN ? SSO_NO_LAST : UINT32_MAX;
}

/* SAs that are ours already: of the engine before, or from before there was a scheme. */
static void adopt_leases(struct sso *s)
{
    const struct control *c = s->c;
    for (size_t i = 0; i < c->wanted.n; i++) {
        const struct wanted_sa *w = c->wanted.v[i];
        struct sa_numbers n;
        if (w->m.dir != SADB_OUT || w->passive || !wanted_is_shared(w->m.sa) ||
            !position_of(c, w->m.sa, &n))
            continue;
        uint64_t limit = position_limit_of(c, w->m.sa);
        const struct port *p = ports_by_ifid(&c->ports, w->m.ifid);
        uint32_t block = p && sso_shares(p) ? p->ifp->map->replay_out : 0;
        sso_sync_adopt(s->sync, w->m.sa, n.ceiling, block, limit ? limit : last_of(&w->m));
    }
}

static void remember_switch(struct sso *s, bool planned, const char *reason)
{
    struct sso_switch *w = &s->sw[s->n_switch++ % SSO_SWITCHES];
    *w = (struct sso_switch){.wall_us = clock_wall(&s->c->o.clock), .planned = planned};
    str_copy(w->reason, sizeof(w->reason), reason);
    rf_note(&s->rf, SSO_EV_SWITCHOVER, reason, clock_mono(&s->c->o.clock));
    s->switchovers++;
}

static void go_active(struct sso *s)
{
    bool split, standby = s->rf.mine >= RF_STANDBY_COLD && s->rf.mine <= RF_STANDBY_HOT;
    sso_rf(s, RF_EV_START);
    sso_rf(s, RF_EV_GO_ACTIVE);
    bool went_on = sso_sync_activate(s->sync, &split);
    sso_roles_apply(s); /* packets first: their numbers are settled */
    if (standby)
        sso_tell_takeover(s);
    if (standby)
        remember_switch(s, s->planned, s->planned ? "user forced" : "active unit failed");
    s->planned = false;
    if (went_on && s->c->mirror)
        mirror_activate(s->c->mirror, split);
    else
        adopt_leases(s);
    log_line(s->c->o.log, LOGL_NOTICE, "sso", "this box is active%s",
             !went_on ? ""
             : split  ? ", with what the other box had"
                      : ", as was handed over");
    control_kick(s->c);
}

/* --- the loser ----------------------------------------------------------------------------------
 */

/* What is shared ends here without a word, as for any loser. */
static void forget_shared(struct sso *s)
{
    for (size_t i = 0; i < s->c->ports.n; i++) {
        const struct port *p = s->c->ports.v[i];
        struct ike_which w = {0};
        if (!sso_shares(p))
            continue;
        w.local = endpoint_addr(s->c, p->ifp, AF_INET);
        keyex_clear_which(s->c, 0, &w, IKE_CLEAR_SILENT);
    }
}

void sso_peer_knows(struct sso *s)
{
    if (!s->goes)
        return;
    s->goes = false;
    s->leaves = true; /* HSRP may still say that we are active */
    timer_cancel(&s->c->timers, &s->fence);
    control_reload(s->c);
}

/* The reload takes along what protects the link, and the word that we are fenced may still be on
 * its way: without it the peer goes on as after a crash. */
static void go(struct sso *s)
{
    struct sso_sync_info f;
    sso_sync_info(s->sync, &f);
    s->goes = true;
    if (f.up)
        (void)timer_set(&s->c->timers, &s->fence, clock_mono(&s->c->o.clock) + BYE_MOST);
    else
        sso_peer_knows(s);
}

/* Nothing is sent any more, and the peer may know. */
static void fenced(struct sso *s)
{
    bool reloads = s->reloads;
    timer_cancel(&s->c->timers, &s->fence);
    sso_sync_exact(s->sync);
    forget_shared(s); /* while nothing of that is told the peer */
    s->fencing = s->reloads = false;
    sso_sync_deactivate(s->sync);
    sso_rf(s, RF_EV_LOST);
    log_line(s->c->o.log, LOGL_NOTICE, "sso", "this box is not active any more");
    if (reloads)
        go(s);
    else
        sso_follow(s);
}

static bool is_fenced(const struct sso *s)
{
    for (uint32_t i = 1; i <= PORTS_MAX; i++)
        if (s->told_fence[i])
            return false;
    return true;
}

void sso_fence_taken(struct sso *s, uint32_t ifid, enum sadb_role role)
{
    if (!s->fencing || role != SADB_ROLE_PASSIVE)
        return;
    s->told_fence[ifid] = false;
    if (is_fenced(s))
        fenced(s);
}

/* Then nobody may be told that we are fenced: to the peer we are as one that died. */
static void on_fence_limit(struct timer *t, void *owner)
{
    struct sso *s = (struct sso *)owner;
    (void)t;
    if (!s->fencing) {
        sso_peer_knows(s);
        return;
    }
    log_line(s->c->o.log, LOGL_ERROR, "sso", "the datapath does not say that it has stopped");
    sso_carrier_restart(s->carrier, "not fenced");
    fenced(s);
}

static void fence(struct sso *s, bool reloads)
{
    s->fencing = true;
    (void)timer_set(&s->c->timers, &s->fence, clock_mono(&s->c->o.clock) + FENCE_MOST);
    s->reloads = reloads;
    memset(s->told_fence, 0, sizeof(s->told_fence));
    for (size_t i = 0; s->c->dp && i < s->c->ports.n; i++)
        s->told_fence[s->c->ports.v[i]->ifid] = sso_shares(s->c->ports.v[i]);
    sso_roles_apply(s);
}

/* The fence first. What ends now ends here only: nothing of it is told to the peer, which goes on
 * with it. A datapath that is not there sends nothing. */
void sso_lose_role(struct sso *s)
{
    struct sso_sync_info f;
    sso_sync_info(s->sync, &f);
    fence(s, s->rf.mine == RF_ACTIVE && (f.hot || s->rf.peer == RF_STANDBY_HOT));
    if (s->reloads)
        sso_tell_reload(s);
    if (is_fenced(s))
        fenced(s);
}

bool sso_leave(struct control *c)
{
    struct sso *s = c->sso;
    struct sso_sync_info f;
    sso_sync_info(s->sync, &f);
    if (s->fencing || s->goes) { /* it follows */
        s->reloads = s->fencing;
        return true;
    }
    if (!s->on || s->leaves || !sso_sync_is_active(s->sync) || !f.hot)
        return false;
    s->leaves = true;
    fence(s, true);
    if (is_fenced(s))
        fenced(s);
    return true;
}

/* --- following ----------------------------------------------------------------------------------
 */

static enum hsrp_state group_state(const struct sso *s)
{
    const struct hsrp_group *g = hsrp_named(s->c, s->group);
    return g ? g->state : HSRP_INIT;
}

/* A box that has just come back could take over from the active one by its priority, and would
 * have none of its SAs. So it has a minute to get them first. */
static void hold(struct sso *s, enum hsrp_state g, bool active)
{
    struct sso_sync_info f;
    sso_sync_info(s->sync, &f);
    if (f.holds || active) {
        hsrp_hold(s->c, 0);
        s->held = false;
    } else if (!s->held && g != HSRP_ACTIVE) {
        hsrp_hold(s->c, clock_mono(&s->c->o.clock) + HOLD_MOST);
        s->held = true;
    }
}

void sso_follow(struct sso *s)
{
    if (!s->on || s->handover.step != SSO_HANDOVER_NONE || s->fencing || s->leaves || s->goes)
        return;
    enum hsrp_state g = group_state(s);
    bool active = sso_sync_is_active(s->sync);
    if (g > HSRP_INIT && g != HSRP_DISABLED)
        sso_rf(s, RF_EV_START);
    hold(s, g, active);
    if (g == HSRP_ACTIVE && !active)
        go_active(s);
    else if (g != HSRP_ACTIVE && active)
        sso_lose_role(s);
    else if (!active && s->rf.peer >= RF_ACTIVE_FAST)
        sso_rf(s, RF_EV_GO_STANDBY);
}

static void on_group(void *ctx, const struct hsrp_group *g, enum hsrp_state was)
{
    struct control *c = (struct control *)ctx;
    if (c->sso && c->sso->on && !c->closing && g->state != was &&
        strcmp(g->cfg.name, c->sso->group) == 0)
        sso_follow(c->sso);
}

static void on_lease(void *ctx, uint32_t sa, uint64_t last)
{
    (void)last;
    sso_sync_low(((struct sso *)ctx)->sync, sa);
}

static void on_role(void *ctx, uint32_t ifid, enum sadb_role role)
{
    sso_fence_taken((struct sso *)ctx, ifid, role);
}

static void on_barrier(void *ctx)
{
    struct sso *s = (struct sso *)ctx;
    sso_sync_barrier(s->sync);
    sso_handover_barrier(s);
}

void sso_roles_open(struct sso *s)
{
    static const struct position_ops ops = {.lease = on_lease,
                                            .role = on_role,
                                            .barrier = on_barrier};
    timer_init(&s->fence, on_fence_limit, s);
    position_watch(s->c, &ops, s);
    if (hsrp_listen(s->c, on_group, s->c) < 0)
        log_line(s->c->o.log, LOGL_ERROR, "sso", "HSRP does not tell of its groups");
}

/* Roles as without all this. What we held for the peer goes. */
void sso_end(struct sso *s)
{
    sso_sync_state(s->sync, RF_DISABLED);
    sso_sync_bye(s->sync);
    mirror_free(s->c->mirror);
    timer_cancel(&s->c->timers, &s->fence);
    s->on = s->pending = s->fencing = s->reloads = s->held = s->goes = false;
    sso_handover_end(s);
    hsrp_hold(s->c, 0);
    hsrp_together(s->c, false);
    s->group[0] = '\0';
    sso_rf(s, RF_EV_REMOVED);
    sso_roles_apply(s);
}
