/* The groups of this box. See hsrp.h. */
#include "control/hsrp/host_priv.h"
#include "lib/str.h"
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FULL_EVERY (60 * USEC_PER_SEC)

/* --- what a group asks for ------------------------------------------------------------------- */

static unsigned row_of(const struct hsrp *h, const struct hsrp_member *m)
{
    unsigned row = 0;
    while (h->member[row] != m)
        row++;
    return row;
}

static bool same_row(const struct pacer_row *a, const struct pacer_row *b)
{
    return a->ifindex == b->ifindex && a->every == b->every && a->n == b->n &&
           memcmp(a->frame, b->frame, a->n) == 0;
}

static void pace(void *ctx, struct hsrp_group *g, const uint8_t *frame, size_t n, usec_t every,
                 bool at_once)
{
    struct hsrp *h = (struct hsrp *)ctx;
    struct hsrp_member *m = (struct hsrp_member *)g;
    struct pacer_row r = {0};
    if (n) {
        r.ifindex = m->ifindex;
        r.every = every;
        r.n = n;
        memcpy(r.frame, frame, n);
    }
    if (!at_once && same_row(&r, &m->hello))
        return;
    m->hello = r;
    r.next = !n ? 0 : at_once ? clock_mono(&h->c->o.clock) : m->next;
    m->next = 0;
    pacer_set(h->pacer, row_of(h, m), &r);
    hsrp_keep(h, g);
}

static usec_t next_hello(void *ctx, const struct hsrp_group *g)
{
    const struct hsrp *h = (const struct hsrp *)ctx;
    return pacer_next(h->pacer, row_of(h, hsrp_member_of(g)));
}

static void changed(void *ctx, struct hsrp_group *g, enum hsrp_state was)
{
    struct hsrp *h = (struct hsrp *)ctx;
    hsrp_vip(h, (const struct hsrp_member *)g);
    if (was != g->state)
        hsrp_tell_change(h, g, was);
    for (unsigned i = 0; i < h->n_listeners; i++)
        h->listener[i].fn(h->listener[i].ctx, g, was);
    control_kick(h->c);
}

static enum hsrp_known tracked(void *ctx, const struct hsrp_track *t)
{
    const struct hsrp *h = (const struct hsrp *)ctx;
    const struct control *c = h->c;
    bool up;
    if (t->object)
        return !track_state(c->track, t->object, &up) ? HSRP_UNKNOWN : up ? HSRP_UP : HSRP_DOWN;
    const struct port *p = ports_named(&c->ports, t->ifname);
    const struct world_link *l = p ? ports_link(p, &c->world) : NULL;
    return p && p->ifp && !p->ifp->shutdown && l && l->up && l->carrier ? HSRP_UP : HSRP_DOWN;
}

bool hsrp_settled(const struct control *c)
{
    const struct hsrp *h = c->hsrp;
    for (unsigned i = 0; i < h->n; i++)
        if (h->member[i] && !hsrp_group_settled(&h->member[i]->g))
            return false;
    return true;
}

static bool may_preempt(void *ctx)
{
    const struct hsrp *h = (const struct hsrp *)ctx;
    return clock_mono(&h->c->o.clock) >= h->hold_until && (!h->together || hsrp_settled(h->c));
}

static void on_told(evutil_socket_t fd, short what, void *arg)
{
    struct hsrp *h = (struct hsrp *)arg;
    uint64_t n;
    (void)what;
    if (read((int)fd, &n, sizeof(n)) < 0)
        return;
    for (unsigned i = 0; i < h->n; i++) {
        n = h->member[i] ? pacer_sent(h->pacer, i) : 0;
        if (n)
            hsrp_group_sent(&h->member[i]->g, n);
    }
}

/* --- life ------------------------------------------------------------------------------------ */

int hsrp_open(struct control *c)
{
    struct hsrp *h = (struct hsrp *)calloc(1, sizeof(*h));
    c->hsrp = h;
    if (!h)
        return -ENOMEM;
    h->c = c;
    h->hears = h->arp = -1;
    h->host = (struct hsrp_host){.timers = &c->timers,
                                 .clock = &c->o.clock,
                                 .send = hsrp_send,
                                 .pace = pace,
                                 .next_hello = next_hello,
                                 .drain = hsrp_drain,
                                 .changed = changed,
                                 .save = hsrp_keep,
                                 .tracked = tracked,
                                 .may_preempt = may_preempt,
                                 .tell = hsrp_tell,
                                 .debugs = hsrp_debugs,
                                 .debug = hsrp_debug_line,
                                 .ctx = h};
    h->told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    h->ev_told =
        h->told >= 0 ? event_new(c->o.base, h->told, EV_READ | EV_PERSIST, on_told, h) : NULL;
    h->pacer = h->ev_told && event_add(h->ev_told, NULL) == 0 ? pacer_new(h->told) : NULL;
    return h->pacer ? 0 : -ENOMEM;
}

/* "Tracked by" of the shows: those that it follows, and not those that it followed. */
static void follow(const struct hsrp *h, const struct hsrp_member *m, const struct hsrp_cfg *next)
{
    char client[TRACK_CLIENT];
    snprintf(client, sizeof(client), "HSRP %s %u", m->g.link.name, m->g.cfg.number);
    for (unsigned i = 0; i < m->g.cfg.n_track; i++)
        if (m->g.cfg.track[i].object)
            track_unfollow(h->c->track, m->g.cfg.track[i].object, client);
    for (unsigned i = 0; next && i < next->n_track; i++)
        if (next->track[i].object)
            track_follow(h->c->track, next->track[i].object, client);
}

static void member_free(struct hsrp *h, unsigned row)
{
    struct hsrp_member *m = h->member[row];
    follow(h, m, NULL);
    hsrp_group_end(&m->g);
    m->ifindex = 0;
    hsrp_join(h, m);
    h->member[row] = NULL;
    free(m);
}

void hsrp_close(struct control *c)
{
    struct hsrp *h = c->hsrp;
    if (!h)
        return;
    for (unsigned i = 0; i < h->n; i++)
        if (h->member[i])
            member_free(h, i);
    pacer_free(h->pacer);
    hsrp_socket_close(h);
    if (h->ev_told)
        event_free(h->ev_told);
    if (h->told >= 0)
        close(h->told);
    free(h);
    c->hsrp = NULL;
}

static void on_urgent(void *ctx, int err)
{
    const struct control *c = (const struct control *)ctx;
    if (err && !c->closing)
        log_line(c->o.log, LOGL_INFO, "hsrp",
                 "hellos go out like other work, late where the machine has too much of it: %s",
                 strerror(-err));
}

void hsrp_socket(struct control *c, enum launch_socket kind, int fd)
{
    struct lr_urgent r = {.tid = pacer_thread(c->hsrp->pacer), .first = 1};
    hsrp_socket_open(c->hsrp, kind, fd);
    if (kind != SOCK_HSRP)
        return;
    hsrp_continue(c->hsrp);
    launch_call(&c->launch, LR_URGENT, &r, sizeof(r), -1, on_urgent, c);
}

/* --- a round --------------------------------------------------------------------------------- */

static struct hsrp_link link_of(const struct control *c, const char *ifname, uint32_t *ifindex)
{
    const struct port *p = ports_named(&c->ports, ifname);
    const struct world_link *l = p && p->ifp ? ports_link(p, &c->world) : NULL;
    struct hsrp_link out = {0};
    str_copy(out.name, sizeof(out.name), ifname);
    snprintf(out.shortname, sizeof(out.shortname), "%.2s%.12s", ifname,
             ifname + strcspn(ifname, "0123456789"));
    *ifindex = l ? l->ifindex : 0;
    if (!l)
        return out;
    out.up = !p->ifp->shutdown && p->has_addr && l->up && l->carrier;
    out.addr = p->ifp->addr.addr;
    memcpy(out.mac, l->mac, sizeof(out.mac));
    return out;
}

static struct hsrp_member *find(const struct hsrp *h, const char *ifname, uint16_t number)
{
    for (unsigned i = 0; i < h->n; i++) {
        struct hsrp_member *m = h->member[i];
        if (m && m->g.cfg.number == number && strcmp(m->g.link.name, ifname) == 0)
            return m;
    }
    return NULL;
}

/* Rows that hellos of the engine before are in are not given to somebody else meanwhile. */
static struct hsrp_member *make(struct hsrp *h)
{
    uint64_t held;
    unsigned row = 0;
    while (row < h->n && (h->member[row] || pacer_next(h->pacer, row) >= 0))
        row++;
    struct hsrp_member *m = row < PACER_ROWS ? (struct hsrp_member *)calloc(1, sizeof(*m)) : NULL;
    if (!m) {
        if (log_limit_pass(&h->full, clock_mono(&h->c->o.clock), FULL_EVERY, &held))
            log_line(h->c->o.log, LOGL_ERROR, "hsrp", "no room for more than %d groups",
                     PACER_ROWS);
        return NULL;
    }
    h->member[row] = m;
    if (row == h->n)
        h->n++;
    return m;
}

static void apply_one(struct hsrp *h, const struct intent_hsrp *i)
{
    uint32_t ifindex;
    struct hsrp_saved kept;
    struct hsrp_link link = link_of(h->c, i->ifname, &ifindex);
    struct hsrp_member *m = find(h, i->ifname, i->cfg.number);
    bool born = !m;
    if (born)
        m = make(h);
    if (!m)
        return;
    m->wanted = true;
    if (m->ifindex && m->ifindex != ifindex) /* another device */
        hsrp_group_set(&m->g, &i->cfg, &(struct hsrp_link){0});
    m->ifindex = ifindex;
    if (born) {
        hsrp_group_init(&m->g, &h->host, !h->booted && !h->c->adopt.kept);
        if (!h->booted && hsrp_kept(h, &i->cfg, &link, &kept)) {
            m->next = kept.epoch;
            hsrp_group_resume(&m->g, &kept, &i->cfg, &link);
        }
    }
    if (!born)
        follow(h, m, &i->cfg);
    hsrp_group_set(&m->g, &i->cfg, &link);
    if (born)
        follow(h, m, &i->cfg);
    hsrp_join(h, m);
}

void hsrp_apply(struct control *c)
{
    struct hsrp *h = c->hsrp;
    if (c->intent.n_hsrp)
        hsrp_socket_bind(h);
    for (unsigned i = 0; i < h->n; i++)
        if (h->member[i])
            h->member[i]->wanted = false;
    for (uint32_t i = 0; i < c->intent.n_hsrp; i++)
        apply_one(h, &c->intent.hsrp[i]);
    for (unsigned i = 0; i < h->n; i++)
        if (h->member[i] && !h->member[i]->wanted)
            member_free(h, i);
    if (!h->booted)
        hsrp_kept_end(h);
    h->booted = true;
    hsrp_vips(h);
}

/* --- for others ------------------------------------------------------------------------------ */

const struct hsrp_group *hsrp_named(const struct control *c, const char *name)
{
    return hsrp_named_on(c, NULL, name);
}

const struct hsrp_group *hsrp_named_on(const struct control *c, const char *ifname,
                                       const char *name)
{
    for (unsigned i = 0; i < c->hsrp->n; i++) {
        const struct hsrp_member *m = c->hsrp->member[i];
        if (m && strcmp(m->g.cfg.name, name) == 0 &&
            (!ifname || strcmp(m->g.link.name, ifname) == 0))
            return &m->g;
    }
    return NULL;
}

void hsrp_hold(struct control *c, usec_t until)
{
    c->hsrp->hold_until = until;
}

void hsrp_together(struct control *c, bool on)
{
    c->hsrp->together = on;
}

int hsrp_listen(struct control *c,
                void (*fn)(void *ctx, const struct hsrp_group *g, enum hsrp_state was), void *ctx)
{
    struct hsrp *h = c->hsrp;
    if (h->n_listeners == HSRP_LISTENERS)
        return -ENOSPC;
    h->listener[h->n_listeners].fn = fn;
    h->listener[h->n_listeners++].ctx = ctx;
    return 0;
}

void hsrp_hand_over(struct control *c, enum hsrp_handover how)
{
    struct hsrp *h = c->hsrp;
    for (unsigned i = 0; i < h->n; i++) {
        struct hsrp_member *m = h->member[i];
        if (!m)
            continue;
        m->g.yields = how == HSRP_GIVING && m->g.state == HSRP_ACTIVE;
        m->keeps = m->g.yields || (how == HSRP_TAKING && m->g.state == HSRP_STANDBY);
        hsrp_vip(h, m);
    }
    control_kick(c);
}

bool hsrp_has_standby(const struct control *c)
{
    const struct hsrp *h = c->hsrp;
    for (unsigned i = 0; i < h->n; i++)
        if (h->member[i] && h->member[i]->g.state == HSRP_ACTIVE &&
            !addr_is_set(&h->member[i]->g.standby.addr))
            return false;
    return true;
}

bool hsrp_ready(const struct control *c)
{
    const struct hsrp *h = c->hsrp;
    for (unsigned i = 0; i < h->n; i++)
        if (h->member[i] && h->member[i]->keeps && !hsrp_vip_stands(h, h->member[i]))
            return false;
    return true;
}

void hsrp_take(struct control *c)
{
    const struct hsrp *h = c->hsrp;
    for (unsigned i = 0; i < h->n; i++)
        if (h->member[i] && h->member[i]->keeps)
            hsrp_group_take(&h->member[i]->g);
}

void query_hsrp(const struct control *c,
                bool (*fn)(void *ctx, const struct hsrp_group *g, usec_t next_hello), void *ctx)
{
    const struct hsrp *h = c->hsrp;
    for (uint32_t i = 0; i < c->intent.n_hsrp; i++) { /* in the order of the configuration */
        const struct intent_hsrp *in = &c->intent.hsrp[i];
        const struct hsrp_member *m = find(h, in->ifname, in->cfg.number);
        if (m && !fn(ctx, &m->g, pacer_next(h->pacer, row_of(h, m))))
            return;
    }
}

const uint64_t *query_hsrp_bad(const struct control *c)
{
    return c->hsrp->bad;
}
