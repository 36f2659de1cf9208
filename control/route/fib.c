/*
 * What the kernel's routing must hold because of us: the static routes of the RIB in `main`, the
 * crypto table, and the inbound tables. Compared with what stands there under our tag; differences
 * become requests.
 *
 * Additions go out before removals, so that a change of a route leaves no moment without one:
 * in the crypto table such a moment would let a packet out in clear. For the same reason a
 * protected prefix whose shadow TUN is not there yet is `unreachable`, not absent, and where `main`
 * changes the crypto table protects by the old routes and by the new ones until it has.
 */
#include "control/crypto/dynamic.h"
#include "control/crypto/table.h"
#include "control/priv.h"
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define CRYPTO_METRIC 1
#define CLOSED_METRIC 2

struct wanted {
    struct lr_route *v;
    size_t n, cap;
    bool bad; /* out of memory: do not remove anything on this picture */
};

static struct lr_route *add(struct wanted *w)
{
    if (!VEC_ROOM(w->v, w->cap, w->n + 1)) {
        w->bad = true;
        return NULL;
    }
    struct lr_route *r = &w->v[w->n++];
    memset(r, 0, sizeof(*r));
    return r;
}

static uint32_t ifid_of(const struct control *c, const struct intent_if *ifp)
{
    const struct port *p = ifp ? ports_named(&c->ports, ifp->name) : NULL;
    return p ? p->ifid : 0;
}

static void add_statics(struct control *c, struct wanted *w)
{
    for (size_t i = 0; i < c->rib.n; i++) {
        const struct query_route *q = &c->rib.v[i];
        const struct port *p = q->ifp ? ports_named(&c->ports, q->ifp->name) : NULL;
        const struct world_link *l = p ? ports_link(p, &c->world) : NULL;
        if ((q->source != RIB_STATIC && q->source != RIB_VPN) || q->tunneled || (q->ifp && !l))
            continue;
        struct lr_route *r = add(w);
        if (!r)
            return;
        r->type = q->ifp ? RT_UNICAST : RT_UNREACHABLE;
        r->table = RT_TABLE_MAIN;
        r->oif = l ? l->ifindex : 0;
        r->metric = q->distance;
        r->dst = q->dst;
        r->gw = addr_is_set(&q->hop) ? q->hop : q->gateway;
    }
}

/* --- probes
 * ---------------------------------------------------------------------------------------- */

static void add_probe(void *ctx, const struct lr_route *r)
{
    struct lr_route *to = add((struct wanted *)ctx);
    if (to)
        *to = *r;
}

/* --- the crypto table
 * ----------------------------------------------------------------------------- */

struct inputs {
    struct table_in *rib, *prot;
    size_t n_rib, cap_rib, n_prot, cap_prot;
};

static bool family_ok(const struct control *c, uint8_t family)
{
    return family == AF_INET || (family == AF_INET6 && shadow_ipv6(c));
}

/* What peers got by templates is protected like what the lists permit. */
struct got {
    const struct control *c;
    struct inputs *in;
    uint32_t ifid; /* to be noted with it */
};

static bool add_got(void *ctx, const struct addr_range *r)
{
    const struct got *g = (const struct got *)ctx;
    return !family_ok(g->c, r->lo.family) ||
           table_add_range(&g->in->prot, &g->in->n_prot, &g->in->cap_prot, r, g->ifid);
}

static bool gather_protected(const struct control *c, struct inputs *in, const struct port *p)
{
    struct got g = {.c = c, .in = in, .ifid = p->ifid};
    const struct intent_map *m = p->ifp->map;
    for (uint32_t e = 0; e < m->n; e++) {
        const struct intent_acl *acl = m->entry[e].acl;
        for (uint32_t i = 0; acl && i < acl->n; i++) {
            const struct intent_ace *a = &acl->ace[i];
            if (a->permit && family_ok(c, a->sel.remote.lo.family) &&
                !table_add_range(&in->prot, &in->n_prot, &in->cap_prot, &a->sel.remote, p->ifid))
                return false;
        }
    }
    return dynamic_ranges(c, p->ifid, true, add_got, &g);
}

/* What belongs to a link (RFC 4291 §2.5.6, §2.7) goes past every map, as neighbour discovery
 * does: no interface with a number is its egress. */
static bool gather_links(struct inputs *in)
{
    static const struct prefix link[] = {{{AF_INET6, {0xfe, 0x80}}, 10}, {{AF_INET6, {0xff}}, 8}};
    for (size_t i = 0; i < sizeof(link) / sizeof(link[0]); i++) {
        if (!VEC_ROOM(in->rib, in->cap_rib, in->n_rib + 1))
            return false;
        in->rib[in->n_rib++] = (struct table_in){.dst = link[i]};
    }
    return true;
}

static bool gather(struct control *c, struct inputs *in)
{
    for (size_t i = 0; i < c->ports.n; i++)
        if (c->shadow[c->ports.v[i]->ifid].wanted && !gather_protected(c, in, c->ports.v[i]))
            return false;
    for (size_t i = 0; in->n_prot && i < c->rib.n; i++) {
        const struct query_route *q = &c->rib.v[i];
        if (q->source == RIB_LOCAL || q->tunneled)
            continue;
        if (!VEC_ROOM(in->rib, in->cap_rib, in->n_rib + 1))
            return false;
        in->rib[in->n_rib++] = (struct table_in){.dst = q->dst, .ifid = ifid_of(c, q->ifp)};
    }
    return !in->n_prot || !shadow_ipv6(c) || gather_links(in);
}

/* Behind each way into a shadow stands a wall: should all of us be killed at once, the kernel
 * takes the TUN and its routes away, and main would lead the packet out in clear. */
static void add_closed(struct wanted *w, uint32_t table, const struct prefix *dst)
{
    struct lr_route *r = add(w);
    if (!r)
        return;
    r->table = table;
    r->metric = CLOSED_METRIC;
    r->dst = *dst;
    r->type = RT_UNREACHABLE;
}

/* Does the address that packets of this family get stand on the device, if there is one? */
static bool has_address(const struct port *p, uint8_t family)
{
    struct addr a = intent_if_local(p->ifp, family);
    return !addr_is_set(&a) || (family == AF_INET6 ? p->has_addr6 & 1 : p->has_addr);
}

static void add_table(struct control *c, struct wanted *w)
{
    struct inputs in = {0};
    struct table_entry *t = NULL;
    size_t n = 0;
    if (!gather(c, &in) ||
        table_compute(in.rib, in.n_rib, in.prot, in.n_prot, (uint32_t)c->ports.n, &t, &n) < 0)
        w->bad = true;
    for (size_t i = 0; i < n; i++) {
        struct lr_route *r = add(w);
        if (!r)
            break;
        r->table = TANDEM_RT_TABLE;
        r->metric = CRYPTO_METRIC;
        r->dst = t[i].dst;
        r->type = RT_THROW;
        if (!t[i].ifid)
            continue;
        const struct port *p = ports_by_ifid(&c->ports, t[i].ifid);
        uint32_t tun = shadow_ready(c, &c->shadow[t[i].ifid].out);
        r->type = RT_UNREACHABLE;
        if (tun && has_address(p, t[i].dst.addr.family)) {
            r->type = RT_UNICAST;
            r->oif = tun;
            /* else the box's own packets would take the address of another interface */
            r->src = intent_if_local(p->ifp, t[i].dst.addr.family);
            add_closed(w, TANDEM_RT_TABLE, &t[i].dst);
        }
    }
    free(t);
    free(in.rib);
    free(in.prot);
}

/* --- the inbound tables
 * --------------------------------------------------------------------------- */

static int by_dst(const void *x, const void *y)
{
    return prefix_cmp(&((const struct table_in *)x)->dst, &((const struct table_in *)y)->dst);
}

static bool gather_local(const struct control *c, struct inputs *in, const struct port *p)
{
    const struct intent_map *m = p->ifp->map;
    struct got g = {.c = c, .in = in};
    for (uint32_t e = 0; e < m->n; e++) {
        const struct intent_acl *acl = m->entry[e].acl;
        for (uint32_t i = 0; acl && i < acl->n; i++) {
            const struct intent_ace *a = &acl->ace[i];
            if (a->permit && family_ok(c, a->sel.local.lo.family) &&
                !table_add_range(&in->prot, &in->n_prot, &in->cap_prot, &a->sel.local, 0))
                return false;
        }
    }
    return dynamic_ranges(c, p->ifid, false, add_got, &g);
}

/* What came in by this port for a network that its map protects goes to the inbound TUN, and is
 * refused while there is none. Sorted, a prefix comes after those that cover it: what the last
 * one taken covers is left out. */
static void add_inbound(struct control *c, const struct port *p, struct wanted *w)
{
    struct inputs in = {0};
    const struct prefix *last = NULL;
    uint32_t tun = shadow_ready(c, &c->shadow[p->ifid].in);
    w->bad = !gather_local(c, &in, p) || w->bad;
    if (in.n_prot)
        qsort(in.prot, in.n_prot, sizeof(*in.prot), by_dst);
    for (size_t i = 0; i < in.n_prot; i++) {
        const struct prefix *dst = &in.prot[i].dst;
        if (last && prefix_covers(last, dst))
            continue;
        last = dst;
        struct lr_route *r = add(w);
        if (!r)
            break;
        r->table = TANDEM_RT_TABLE + p->ifid;
        r->metric = CRYPTO_METRIC;
        r->dst = *dst;
        r->type = tun ? RT_UNICAST : RT_UNREACHABLE;
        r->oif = tun;
        if (tun)
            add_closed(w, TANDEM_RT_TABLE + p->ifid, dst);
    }
    free(in.prot);
}

/* --- comparison
 * ------------------------------------------------------------------------------------ */

static int by_place(const void *x, const void *y)
{
    return world_route_cmp((const struct lr_route *)x, (const struct lr_route *)y);
}

static bool same(const struct lr_route *want, const struct lr_route *have)
{
    if (want->type != have->type)
        return false;
    return want->type != RT_UNICAST || (want->oif == have->oif && addr_eq(&want->gw, &have->gw) &&
                                        addr_eq(&want->src, &have->src));
}

static void ask(struct control *c, const struct lr_route *from, bool on)
{
    /* Field by field: the request is compared as bytes, so padding must be zero. */
    struct lr_route r;
    memset(&r, 0, sizeof(r));
    r.add = on;
    r.type = from->type;
    r.table = from->table;
    r.oif = from->oif;
    r.metric = from->metric;
    r.dst = from->dst;
    r.gw = from->gw;
    r.src = from->src;
    const struct launch_op *op = launch_want(&c->launch, LR_ROUTE, &r, sizeof(r));
    for (size_t i = 0; on && op && op->fails && i < c->ports.n; i++) {
        const struct world_link *l = ports_link(c->ports.v[i], &c->world);
        const struct shadow *s = &c->shadow[c->ports.v[i]->ifid];
        if (l &&
            (l->ifindex == r.oif || (r.oif && (s->out.ifindex == r.oif || s->in.ifindex == r.oif))))
            ports_trouble(c->ports.v[i], "route", op);
    }
}

static const struct world_route *find(const struct world *w, const struct lr_route *r)
{
    size_t lo = 0, hi = w->n_route;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int cmp = world_route_cmp(&w->route[mid].r, r);
        if (cmp == 0)
            return &w->route[mid];
        if (cmp < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* A packet leaves in clear where the crypto table has a hole (`throw`) for it, by the interface
 * that `main` names. The table that fits one state of `main` may have a hole that lets packets out
 * unprotected in another, so while `main` changes only what is a hole before and after may be one:
 * walls first, which closes the old holes; then `main`; then the new holes. */
enum { WALLS = 1, MAIN = 2, HOLES = 4 };

static unsigned stage_of(const struct lr_route *r, bool on)
{
    if (r->table == RT_TABLE_MAIN)
        return MAIN;
    return (r->type == RT_THROW) == on ? HOLES : WALLS;
}

/* Asks for what is different in these stages, or just says how much that is. */
static size_t differences(struct control *c, const struct wanted *w, unsigned stages, bool asking)
{
    size_t n = 0;
    for (size_t i = w->n; i-- > 0;) {
        const struct world_route *have = find(&c->world, &w->v[i]);
        if (!(stage_of(&w->v[i], true) & stages) || (have && same(&w->v[i], &have->r)))
            continue;
        n++;
        if (asking)
            ask(c, &w->v[i], true);
    }
    size_t n_have = w->bad || !c->world.route ? 0 : c->world.n_route;
    for (size_t i = 0; i < n_have; i++) {
        const struct lr_route *have = &c->world.route[i].r;
        if (!(stage_of(have, false) & stages) ||
            (w->n && bsearch(have, w->v, w->n, sizeof(*w->v), by_place)))
            continue;
        n++;
        if (asking)
            ask(c, have, false);
    }
    return n;
}

void fib_apply(struct control *c)
{
    struct wanted w = {0};
    add_statics(c, &w);
    sla_each_route(c, add_probe, &w);
    add_table(c, &w);
    for (size_t i = 0; i < c->ports.n; i++)
        if (c->shadow[c->ports.v[i]->ifid].wanted)
            add_inbound(c, c->ports.v[i], &w);
    if (w.n)
        qsort(w.v, w.n, sizeof(*w.v), by_place);
    /* Where `main` stays as it is all holes are true now: from the narrowest, so that no wall
     * stands without those that are in it. */
    if (differences(c, &w, MAIN, false) == 0) {
        differences(c, &w, WALLS | HOLES, true);
    } else {
        differences(c, &w, WALLS, true);
        differences(c, &w, MAIN, true);
        differences(c, &w, HOLES, true);
    }
    free(w.v);
}
