/* One group: its life, its steps and its timers. See group.h. */
#include "control/hsrp/group.h"
#include "control/hsrp/internal.h"
#include "lib/mem.h"
#include <stdio.h>
#include <string.h>

#define ANNOUNCEMENTS 3 /* gratuitous ARP, in case one is lost */
#define ANNOUNCE_NEXT (1 * USEC_PER_SEC)
#define OWN_LEAST_MS  15 /* hello times below are no timers of anybody */

static usec_t now(const struct hsrp_group *g)
{
    return clock_mono(g->host->clock);
}

bool hsrp_is_higher(const struct hsrp_group *g, uint32_t priority, const struct addr *addr)
{
    if (priority != g->priority)
        return priority > g->priority;
    return addr_cmp(addr, &g->link.addr) > 0; /* RFC 2281 §5.1 */
}

/* --- what is sent ---------------------------------------------------------------------------- */

static void send_now(struct hsrp_group *g, enum hsrp_op op)
{
    uint8_t frame[HSRP_FRAME];
    size_t n = hsrp_group_frame(g, op, frame);
    if (!n)
        return;
    g->host->send(g->host->ctx, g, frame, n);
    hsrp_group_told_out(g, op, 1);
}

/* The hello that goes out again and again is what the group is now. */
static void prepare(struct hsrp_group *g, bool at_once)
{
    uint8_t frame[HSRP_FRAME];
    size_t n = hsrp_speaks(g->state) ? hsrp_group_frame(g, HSRP_HELLO, frame) : 0;
    if (!n && hsrp_speaks(g->state))
        hsrp_debug(g, HSRP_DBG_ERRORS, "no key: nothing is sent");
    g->host->pace(g->host->ctx, g, frame, n, (usec_t)g->hello_ms * USEC_PER_MSEC, at_once);
}

static void announce_one(struct hsrp_group *g, const struct addr *a)
{
    uint8_t mac[HSRP_MAC], frame[ARP_FRAME];
    hsrp_group_mac(g, mac);
    arp_announcement(mac, a, frame);
    g->host->send(g->host->ctx, g, frame, sizeof(frame));
}

static void announce(struct hsrp_group *g)
{
    if (g->state != HSRP_ACTIVE)
        return;
    if (addr_is_set(&g->vip))
        announce_one(g, &g->vip);
    for (unsigned i = 0; i < g->cfg.n_second; i++)
        announce_one(g, &g->cfg.second[i]);
    if (g->announcements && --g->announcements)
        timer_set(g->host->timers, &g->announce_t, now(g) + ANNOUNCE_NEXT);
}

static void on_announce(struct timer *t, void *owner)
{
    (void)t;
    announce((struct hsrp_group *)owner);
}

static void announce_all(struct hsrp_group *g)
{
    g->announcements = ANNOUNCEMENTS;
    announce(g);
}

/* --- steps ----------------------------------------------------------------------------------- */

void hsrp_set_peer(struct hsrp_group *g, struct hsrp_peer *which, const struct hsrp_peer *p)
{
    char was[ADDR_STRLEN] = "unknown", is[ADDR_STRLEN] = "unknown";
    bool active = which == &g->active;
    if (addr_eq(&which->addr, &p->addr)) {
        which->priority = p->priority;
        return;
    }
    if (active)
        memset(g->active_mac, 0, HSRP_MAC);
    if (addr_is_set(&which->addr))
        addr_print(&which->addr, was, sizeof(was));
    if (addr_is_set(&p->addr))
        addr_print(&p->addr, is, sizeof(is));
    else if (g->state == (active ? HSRP_ACTIVE : HSRP_STANDBY))
        snprintf(is, sizeof(is), "local");
    hsrp_debug(g, HSRP_DBG_EVENTS, "%s router is %s, was %s", active ? "Active" : "Standby", is,
               was);
    *which = *p;
    g->host->save(g->host->ctx, g);
}

static void forget_peer(struct hsrp_group *g, struct hsrp_peer *which)
{
    hsrp_set_peer(g, which, &(struct hsrp_peer){0});
}

/* RFC 2281 §5.1: timers that are not configured are those of the active router. */
static void learn(struct hsrp_group *g, const struct hsrp_message *m)
{
    bool sound =
        m->hello_ms >= OWN_LEAST_MS && m->hold_ms > m->hello_ms && m->hold_ms <= HSRP_HOLD_MOST;
    if (!addr_is_set(&g->cfg.vip) && addr_is_set(&m->vip) && !addr_eq(&g->vip, &m->vip)) {
        g->vip = m->vip;
        g->host->save(g->host->ctx, g);
    }
    if (g->cfg.timers || !sound || (g->hello_ms == m->hello_ms && g->hold_ms == m->hold_ms))
        return;
    hsrp_debug(g, HSRP_DBG_EVENTS, "hello time %u ms and hold time %u ms are learnt", m->hello_ms,
               m->hold_ms);
    g->hello_ms = m->hello_ms;
    g->hold_ms = m->hold_ms;
    prepare(g, false);
}

static void start(struct hsrp_group *g, struct timer *t, const struct hsrp_heard *h)
{
    uint32_t ms = h && h->m->hold_ms ? h->m->hold_ms : g->hold_ms;
    if (ms > HSRP_HOLD_MOST)
        ms = HSRP_HOLD_MOST;
    timer_set(g->host->timers, t, now(g) + (usec_t)ms * USEC_PER_MSEC);
}

static void timers(struct hsrp_group *g, unsigned actions, const struct hsrp_heard *h)
{
    if (actions & HSRP_DO_ACTIVE_STOP)
        timer_cancel(g->host->timers, &g->active_t);
    if (actions & HSRP_DO_STANDBY_STOP)
        timer_cancel(g->host->timers, &g->standby_t);
    if (actions & HSRP_DO_ACTIVE_TIMER)
        start(g, &g->active_t, h);
    if (actions & HSRP_DO_STANDBY_TIMER)
        start(g, &g->standby_t, h);
}

/* Who it was about, as the platform tells it. */
static void explain(const struct hsrp_group *g, enum hsrp_event e, const struct hsrp_heard *h,
                    char *buf, size_t cap)
{
    const struct hsrp_peer *p = e == HSRP_EV_ACTIVE_TIMER ? &g->active : &g->standby;
    char a[ADDR_STRLEN] = "unknown";
    buf[0] = '\0';
    if (h) {
        snprintf(buf, cap, " (%u/%s)", h->m->priority, addr_print(h->from, a, sizeof(a)));
    } else if (e == HSRP_EV_ACTIVE_TIMER || e == HSRP_EV_STANDBY_TIMER) {
        if (addr_is_set(&p->addr))
            addr_print(&p->addr, a, sizeof(a));
        snprintf(buf, cap, " (%s)", a);
    }
}

static void enter(struct hsrp_group *g, enum hsrp_state next)
{
    enum hsrp_state was = g->state;
    char name[HSRP_IFNAME];
    g->state = next;
    g->changes++;
    g->changed = now(g);
    hsrp_debug(g, HSRP_DBG_EVENTS, "%s -> %s", hsrp_state_name(was), hsrp_state_name(next));
    snprintf(name, sizeof(name), "Redundancy \"%s\" state", g->cfg.name);
    hsrp_debug(g, HSRP_DBG_EVENTS, "%s %s -> %s", name, hsrp_state_name(was),
               hsrp_state_name(next));
    if (next == HSRP_ACTIVE || next == HSRP_INIT)
        forget_peer(g, &g->active);
    if (next == HSRP_STANDBY || next == HSRP_INIT)
        forget_peer(g, &g->standby);
    if (next == HSRP_ACTIVE)
        timer_cancel(g->host->timers, &g->active_t); /* RFC 2281 §5.5: it has none */
    prepare(g, hsrp_speaks(next));
    g->host->changed(g->host->ctx, g, was);
    g->host->save(g->host->ctx, g);
    /* In Speak the active timer may run out unheard (the table has no row for it), and it is only
     * now that this means something. */
    if (next == HSRP_STANDBY && !timer_armed(&g->active_t))
        timer_set(g->host->timers, &g->active_t, now(g));
}

void hsrp_event(struct hsrp_group *g, enum hsrp_event e, const struct hsrp_heard *h)
{
    char about[64];
    bool may = g->cfg.preempt && now(g) >= g->preempt_after && g->host->may_preempt(g->host->ctx);
    unsigned facts = (addr_is_set(&g->vip) ? HSRP_IF_ADDRESS : 0) | (may ? HSRP_IF_PREEMPT : 0);
    const struct hsrp_row *r = hsrp_step(g->state, e, facts);
    if (!r)
        return;
    if (r->next != g->state || r->actions & HSRP_DO_COUP) {
        explain(g, e, h, about, sizeof(about));
        hsrp_debug(g, HSRP_DBG_EVENTS, "%s: %s%s", hsrp_state_name(g->state), hsrp_event_name(e),
                   about);
    }
    if (r->actions & HSRP_DO_COUP)
        send_now(g, HSRP_COUP);
    if (r->actions & HSRP_DO_RESIGN)
        send_now(g, HSRP_RESIGN);
    if (r->actions & HSRP_DO_LEARN && h)
        learn(g, h->m);
    timers(g, r->actions, h);
    if (r->next != g->state)
        enter(g, (enum hsrp_state)r->next);
    if (r->actions & HSRP_DO_ANNOUNCE)
        announce_all(g);
}

void hsrp_group_sent(struct hsrp_group *g, uint64_t n)
{
    hsrp_group_told_out(g, HSRP_HELLO, n);
    hsrp_event(g, HSRP_EV_HELLO_TIMER, NULL); /* the hello of this event is out */
}

void hsrp_group_take(struct hsrp_group *g)
{
    if (g->state != HSRP_STANDBY)
        return;
    g->taken_until = clock_mono(g->host->clock) + (usec_t)g->hold_ms * USEC_PER_MSEC;
    hsrp_event(g, HSRP_EV_RESIGN, NULL);
}

/* --- timers ---------------------------------------------------------------------------------- */

/* Nobody is declared dead while his hellos wait to be read. */
static bool still_expired(struct hsrp_group *g, const struct timer *t)
{
    g->host->drain(g->host->ctx);
    return !timer_armed(t);
}

static void on_active(struct timer *t, void *owner)
{
    struct hsrp_group *g = (struct hsrp_group *)owner;
    if (!still_expired(g, t))
        return;
    hsrp_event(g, HSRP_EV_ACTIVE_TIMER, NULL);
    if (g->state != HSRP_ACTIVE && !timer_armed(t))
        forget_peer(g, &g->active);
}

static void on_standby(struct timer *t, void *owner)
{
    struct hsrp_group *g = (struct hsrp_group *)owner;
    if (!still_expired(g, t))
        return;
    hsrp_event(g, HSRP_EV_STANDBY_TIMER, NULL);
    if (g->state != HSRP_STANDBY)
        forget_peer(g, &g->standby);
}

static void on_delay(struct timer *t, void *owner)
{
    struct hsrp_group *g = (struct hsrp_group *)owner;
    uint32_t wait = g->cfg.preempt_min;
    (void)t;
    if (g->rebooted && g->cfg.preempt_reload > wait)
        wait = g->cfg.preempt_reload;
    g->rebooted = false;
    g->preempt_after = now(g) + wait * USEC_PER_SEC;
    hsrp_event(g, HSRP_EV_ENABLED, NULL);
}

/* --- the configuration ----------------------------------------------------------------------- */

static bool runs(const struct hsrp_cfg *c, const struct hsrp_link *l, bool shut)
{
    return c->ip && l->up && addr_is_set(&l->addr) && !shut;
}

/* What cannot change while others know us by it. */
static bool other_router(const struct hsrp_group *g, const struct hsrp_cfg *c,
                         const struct hsrp_link *l)
{
    return g->cfg.version != c->version || !addr_eq(&g->link.addr, &l->addr) ||
           addr_is_set(&g->cfg.vip) != addr_is_set(&c->vip);
}

static void set_priority(struct hsrp_group *g)
{
    unsigned lost = 0;
    bool shut = false;
    for (unsigned i = 0; i < g->cfg.n_track; i++) {
        const struct hsrp_track *t = &g->cfg.track[i];
        g->track[i] = g->host->tracked(g->host->ctx, t);
        if (g->track[i] != HSRP_DOWN)
            continue;
        shut = shut || t->shutdown;
        lost += t->shutdown ? 0 : t->decrement;
    }
    uint8_t p = (uint8_t)(g->cfg.priority > lost ? g->cfg.priority - lost : 0);
    if (p != g->priority)
        hsrp_debug(g, HSRP_DBG_EVENTS, "Priority %u -> %u", g->priority, p);
    g->priority = p;
    g->track_shut = shut;
}

static void set_timers(struct hsrp_group *g, const struct hsrp_cfg *c)
{
    if (c->timers) {
        g->hello_ms = c->hello_ms;
        g->hold_ms = c->hold_ms;
    } else if (g->cfg.timers || !g->hello_ms) {
        g->hello_ms = HSRP_HELLO_MS;
        g->hold_ms = HSRP_HOLD_MS;
    }
}

/* Starts or ends, as the configuration, the interface and what is tracked have it. */
static void settle(struct hsrp_group *g, usec_t delay)
{
    bool on = runs(&g->cfg, &g->link, g->track_shut);
    if (!on) {
        timer_cancel(g->host->timers, &g->delay_t);
        hsrp_event(g, HSRP_EV_DISABLED, NULL);
    } else if (g->state == HSRP_INIT && !timer_armed(&g->delay_t)) {
        if (delay)
            timer_set(g->host->timers, &g->delay_t, now(g) + delay);
        else
            on_delay(&g->delay_t, g);
    }
}

static usec_t delay_of(const struct hsrp_group *g, bool came_up)
{
    uint32_t s = came_up || g->rebooted ? g->cfg.delay_min : 0;
    if (g->rebooted && g->cfg.delay_reload > s)
        s = g->cfg.delay_reload;
    return s * USEC_PER_SEC;
}

static bool same_addresses(const struct hsrp_cfg *a, const struct hsrp_cfg *b)
{
    bool same = addr_eq(&a->vip, &b->vip) && a->n_second == b->n_second &&
                a->use_bia == b->use_bia && a->has_mac == b->has_mac &&
                memcmp(a->mac, b->mac, HSRP_MAC) == 0;
    for (unsigned i = 0; same && i < a->n_second; i++)
        same = addr_eq(&a->second[i], &b->second[i]);
    return same;
}

static void take(struct hsrp_group *g, const struct hsrp_cfg *cfg, const struct hsrp_link *link)
{
    hsrp_group_retire_key(g, cfg);
    set_timers(g, cfg);
    if (addr_is_set(&cfg->vip) || addr_is_set(&g->cfg.vip))
        g->vip = cfg->vip; /* else what was learnt stays */
    g->cfg = *cfg;
    g->link = *link;
    set_priority(g);
}

void hsrp_group_set(struct hsrp_group *g, const struct hsrp_cfg *cfg, const struct hsrp_link *link)
{
    bool first = !g->cfg.version, came_up = !first && link->up && !g->link.up;
    bool moved = !same_addresses(&g->cfg, cfg);
    if (!first && other_router(g, cfg, link))
        hsrp_event(g, HSRP_EV_DISABLED, NULL);
    /* What is said on leaving is said as the one that we were. */
    if (!first && !runs(cfg, link, g->track_shut))
        hsrp_event(g, HSRP_EV_DISABLED, NULL);
    take(g, cfg, link);
    settle(g, delay_of(g, came_up));
    prepare(g, false);
    if (moved && !first && g->state == HSRP_ACTIVE) {
        g->host->changed(g->host->ctx, g, g->state);
        announce_all(g);
    }
}

void hsrp_group_track(struct hsrp_group *g)
{
    uint8_t was = g->priority;
    set_priority(g);
    settle(g, 0);
    if (g->priority != was)
        prepare(g, false); /* the next hello tells it */
}

bool hsrp_group_settled(const struct hsrp_group *g)
{
    switch (g->state) {
    case HSRP_INIT: /* it may be waiting for its delay */
        return !runs(&g->cfg, &g->link, g->track_shut);
    case HSRP_LISTEN:
        return addr_is_set(&g->standby.addr);
    case HSRP_SPEAK:
        return false;
    default: /* in Learn nobody has told the virtual address */
        return true;
    }
}

/* --- life ------------------------------------------------------------------------------------ */

void hsrp_group_init(struct hsrp_group *g, const struct hsrp_host *host, bool rebooted)
{
    *g = (struct hsrp_group){.host = host, .state = HSRP_INIT, .rebooted = rebooted};
    g->changed = now(g);
    timer_init(&g->active_t, on_active, g);
    timer_init(&g->standby_t, on_standby, g);
    timer_init(&g->delay_t, on_delay, g);
    timer_init(&g->announce_t, on_announce, g);
}

void hsrp_group_drop(struct hsrp_group *g)
{
    timer_cancel(g->host->timers, &g->active_t);
    timer_cancel(g->host->timers, &g->standby_t);
    timer_cancel(g->host->timers, &g->delay_t);
    timer_cancel(g->host->timers, &g->announce_t);
    mem_wipe(&g->cfg, sizeof(g->cfg));
    mem_wipe(&g->old_key, sizeof(g->old_key));
}

void hsrp_group_end(struct hsrp_group *g)
{
    timer_cancel(g->host->timers, &g->delay_t);
    hsrp_event(g, HSRP_EV_DISABLED, NULL);
    hsrp_group_drop(g);
}

/* --- for a successor ------------------------------------------------------------------------- */

void hsrp_group_save(const struct hsrp_group *g, struct hsrp_saved *out)
{
    *out = (struct hsrp_saved){.version = HSRP_SAVED,
                               .number = g->cfg.number,
                               .proto = g->cfg.version,
                               .state = (uint8_t)g->state,
                               .active = g->active,
                               .standby = g->standby,
                               .vip = g->vip,
                               .from = g->link.addr,
                               .hello_ms = g->hello_ms,
                               .hold_ms = g->hold_ms,
                               .changes = g->changes,
                               .changed = g->changed,
                               .preempt_after = g->preempt_after};
    memcpy(out->ifname, g->link.name, sizeof(out->ifname));
}

/* Only one that would have got there by itself: nobody has moved meanwhile. */
static bool fits(const struct hsrp_saved *s, const struct hsrp_cfg *cfg,
                 const struct hsrp_link *link)
{
    return s->state > HSRP_INIT && s->state < HSRP_STATES && s->proto == cfg->version &&
           s->number == cfg->number && runs(cfg, link, false) && addr_eq(&s->from, &link->addr) &&
           (!addr_is_set(&cfg->vip) || addr_eq(&cfg->vip, &s->vip));
}

bool hsrp_group_resume(struct hsrp_group *g, const struct hsrp_saved *s, const struct hsrp_cfg *cfg,
                       const struct hsrp_link *link)
{
    if (s->version != HSRP_SAVED || !fits(s, cfg, link))
        return false;
    g->state = (enum hsrp_state)s->state;
    g->active = s->active;
    g->standby = s->standby;
    g->vip = s->vip;
    g->hello_ms = s->hello_ms;
    g->hold_ms = s->hold_ms;
    g->changes = s->changes;
    g->changed = s->changed;
    g->preempt_after = s->preempt_after;
    g->rebooted = false;
    take(g, cfg, link);
    /* Others have one hold time from now, whatever they had left. */
    if (g->state != HSRP_ACTIVE && g->state != HSRP_LEARN)
        start(g, &g->active_t, NULL);
    if (g->state != HSRP_STANDBY && g->state != HSRP_LEARN)
        start(g, &g->standby_t, NULL);
    prepare(g, false);
    return true;
}
