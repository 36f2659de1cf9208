/*
 * What the kernel's routing must hold because of us: the static routes of the RIB in `main`, the
 * crypto table, the inbound tables, and that of probes. fib_diff.c compares it with what stands
 * there.
 *
 * A protected prefix whose shadow TUN is not there yet is `unreachable`, not absent: a moment
 * without a route would let a packet out in clear. For the same reason a wall stands behind each
 * way into a TUN: should all of us be killed at once, the kernel takes the TUN and its routes away.
 *
 * All of it is made anew in each round, in the order of the comparison and without sorting: with
 * ten thousand routes that takes less than looking for what has changed and what follows from it
 * would take code.
 */
#include "control/route/fib.h"
#include "control/crypto/dynamic.h"
#include "control/priv.h"
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define CRYPTO_METRIC  1
#define CLOSED_METRIC  2
#define KERNEL_METRIC6 256 /* that of an IPv6 address's own network */

static struct lr_route *add(struct fib_wanted *w)
{
    if (!VEC_ROOM(w->v, w->cap, w->n + 1)) {
        w->bad = true;
        return NULL;
    }
    struct lr_route *r = &w->v[w->n++];
    memset(r, 0, sizeof(*r));
    return r;
}

/* The port of a RIB entry: interfaces of the intent are an array. */
struct by_if {
    const struct port **v;
    size_t n;
};

static bool by_if_open(const struct control *c, struct by_if *x)
{
    x->n = c->intent.n_if;
    x->v = (const struct port **)calloc(x->n + 1, sizeof(const struct port *));
    for (size_t i = 0; x->v && i < c->ports.n; i++) {
        const struct port *p = c->ports.v[i];
        if (p->ifp)
            x->v[p->ifp - c->intent.ifs] = p;
    }
    return x->v != NULL;
}

static const struct port *port_of(const struct control *c, const struct by_if *x,
                                  const struct query_route *q)
{
    return q->ifp ? x->v[q->ifp - c->intent.ifs] : NULL;
}

/* One more way of a route. Two gateways may be behind one neighbour. */
static void add_way(struct lr_route *r, uint32_t oif, const struct addr *gw)
{
    bool there = r->oif == oif && addr_eq(&r->gw, gw);
    for (unsigned i = 0; i < r->n_more; i++)
        there = there || (r->more[i].oif == oif && addr_eq(&r->more[i].gw, gw));
    if (there || r->n_more == LR_MORE)
        return;
    r->more[r->n_more].oif = oif;
    r->more[r->n_more++].gw = *gw;
}

/* A wall: what meets it is refused. */
static void add_closed(struct fib_wanted *w, uint32_t table, uint32_t metric,
                       const struct prefix *dst)
{
    struct lr_route *r = add(w);
    if (!r)
        return;
    r->table = table;
    r->metric = metric;
    r->dst = *dst;
    r->type = RT_UNREACHABLE;
}

/* Where the last prefix of `main` stands among what is wanted. */
struct last_static {
    const struct query_route *way; /* NULL: it has none that others could share */
    size_t at;
    struct prefix walled;
    bool wall;
};

static void add_static(const struct query_route *q, const struct world_link *l,
                       struct last_static *last, struct fib_wanted *w)
{
    bool unicast = q->ifp && !q->held;
    const struct addr *gw = addr_is_set(&q->hop) ? &q->hop : &q->gateway;
    if (last->way && unicast && prefix_cmp(&last->way->dst, &q->dst) == 0) {
        add_way(&w->v[last->at], l->ifindex, gw);
        return;
    }
    last->at = w->n;
    struct lr_route *r = add(w);
    last->way = r && unicast ? q : NULL;
    if (!r)
        return;
    r->type = unicast ? RT_UNICAST : RT_UNREACHABLE;
    r->table = RT_TABLE_MAIN;
    r->oif = unicast ? l->ifindex : 0;
    r->metric = q->distance;
    r->dst = q->dst;
    if (unicast)
        r->gw = *gw;
}

/* Right behind each way into a tunnel interface, its own network among them, stands a wall, and
 * alone as long as there is no device: should all of us be killed at once, the kernel takes the
 * TUN and its routes away, and another route, the default one above all, would lead the packet out
 * in clear. */
static void add_tunnel_wall(const struct query_route *q, struct last_static *last,
                            struct fib_wanted *w)
{
    bool own6 = q->source == RIB_CONNECTED && q->dst.addr.family == AF_INET6;
    if (q->ifp->kind != IF_TUNNEL || (last->wall && prefix_cmp(&last->walled, &q->dst) == 0))
        return;
    last->wall = true;
    last->walled = q->dst;
    add_closed(w, RT_TABLE_MAIN, (own6 ? KERNEL_METRIC6 : q->distance) + 1u, &q->dst);
}

static void add_statics(struct control *c, const struct by_if *x, struct fib_wanted *w)
{
    struct last_static last = {0};
    for (size_t i = 0; i < c->rib.n; i++) {
        const struct query_route *q = &c->rib.v[i];
        if (q->source == RIB_LOCAL || q->tunneled)
            continue;
        const struct port *p = port_of(c, x, q);
        const struct world_link *l = p ? ports_link(p, &c->world) : NULL;
        if (q->source != RIB_CONNECTED && (!q->ifp || l || q->held))
            add_static(q, l, &last, w);
        if (q->ifp)
            add_tunnel_wall(q, &last, w);
    }
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

/* Whose map the tables follow: a tunnel interface gets what is routed into it. */
static bool has_table(const struct control *c, const struct port *p)
{
    return c->shadow[p->ifid].wanted && !c->shadow[p->ifid].tunnel;
}

static bool gather_protected(const struct control *c, struct inputs *in, const struct port *p)
{
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
    return true;
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

static int by_dst(const void *x, const void *y)
{
    return prefix_cmp(&((const struct table_in *)x)->dst, &((const struct table_in *)y)->dst);
}

/* FNV-1a over what the lists' prefixes depend on. Never 0. */
static uint64_t stamp_of(const struct control *c)
{
    uint64_t h = 14695981039346656037u ^ c->n_applied;
    for (size_t i = 0; i < c->ports.n; i++)
        if (has_table(c, c->ports.v[i]))
            h = (h ^ c->ports.v[i]->ifid) * 1099511628211u;
    return ((h ^ shadow_ipv6(c)) * 1099511628211u) | 1;
}

/* What lists protect, from the last time if nothing about it has changed. */
static bool protect_by_lists(struct control *c)
{
    struct inputs in = {.prot = c->fib.prot, .cap_prot = c->fib.cap_prot};
    uint64_t stamp = stamp_of(c);
    bool ok = true;
    if (stamp == c->fib.stamp)
        return true;
    for (size_t i = 0; ok && i < c->ports.n; i++)
        if (has_table(c, c->ports.v[i]))
            ok = gather_protected(c, &in, c->ports.v[i]);
    if (in.n_prot)
        qsort(in.prot, in.n_prot, sizeof(*in.prot), by_dst);
    c->fib = (struct fib){.prot = in.prot,
                          .n_prot = in.n_prot,
                          .cap_prot = in.cap_prot,
                          .stamp = ok ? stamp : 0};
    return ok;
}

/* Lists and templates together. */
static bool protect(struct control *c, struct inputs *in)
{
    if (!protect_by_lists(c) || !VEC_ROOM(in->prot, in->cap_prot, c->fib.n_prot + 1))
        return false;
    if (in->prot && c->fib.n_prot)
        memcpy(in->prot, c->fib.prot, c->fib.n_prot * sizeof(*in->prot));
    in->n_prot = c->fib.n_prot;
    for (size_t i = 0; i < c->ports.n; i++) {
        struct got g = {.c = c, .in = in, .ifid = c->ports.v[i]->ifid};
        if (c->shadow[g.ifid].wanted && !dynamic_ranges(c, g.ifid, true, add_got, &g))
            return false;
    }
    return true;
}

/* The other box of stateful failover, by what protects the path to it, whatever route there is or
 * comes about (sso/protect.h): in front of routes to the same address. Those whose place is before
 * `next` (NULL: all), from interface *at of the intent on. */
static bool gather_peers(const struct control *c, struct inputs *in, uint32_t *at,
                         const struct prefix *next)
{
    for (; *at < c->intent.n_if; ++*at) {
        const struct intent_if *f = &c->intent.ifs[*at];
        if (f->kind != IF_PEER)
            continue;
        struct prefix dst = prefix_make(&f->tunnel.destination, addr_bits(&f->tunnel.destination));
        if (next && prefix_cmp(&dst, next) > 0)
            break;
        const struct port *p = ports_named(&c->ports, f->name);
        if (!p || !c->shadow[p->ifid].wanted)
            continue;
        if (!VEC_ROOM(in->rib, in->cap_rib, in->n_rib + 1))
            return false;
        in->rib[in->n_rib++] = (struct table_in){.dst = dst, .ifid = p->ifid};
    }
    return true;
}

static bool gather(struct control *c, const struct by_if *x, struct inputs *in)
{
    if (!protect(c, in))
        return false;
    uint32_t at = 0;
    for (size_t i = 0; in->n_prot && i < c->rib.n; i++) {
        const struct query_route *q = &c->rib.v[i];
        if (q->source == RIB_LOCAL || q->tunneled)
            continue;
        if (!gather_peers(c, in, &at, &q->dst))
            return false;
        if (!VEC_ROOM(in->rib, in->cap_rib, in->n_rib + 1))
            return false;
        const struct port *p = port_of(c, x, q);
        in->rib[in->n_rib++] = (struct table_in){.dst = q->dst, .ifid = p ? p->ifid : 0};
    }
    if (in->n_prot && !gather_peers(c, in, &at, NULL))
        return false;
    return !in->n_prot || !shadow_ipv6(c) || gather_links(in);
}

/* Does the address that packets of this family get stand on the device, if there is one? */
static bool has_address(const struct control *c, const struct port *p, uint8_t family)
{
    struct addr a = intent_if_local(p->ifp, family);
    if (ports_hidden(p))
        return endpoint_here(c, p->ifp);
    return !addr_is_set(&a) || (family == AF_INET6 ? p->has_addr6 & 1 : p->has_addr);
}

static void add_table(struct control *c, const struct by_if *x, struct fib_wanted *w)
{
    struct inputs in = {0};
    struct table_entry *t = NULL;
    size_t n = 0;
    if (!gather(c, x, &in) ||
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
        if (tun && has_address(c, p, t[i].dst.addr.family)) {
            r->type = RT_UNICAST;
            r->oif = tun;
            /* else the box's own packets would take the address of another interface */
            r->src = ports_hidden(p) ? p->ifp->tunnel.source
                                     : intent_if_local(p->ifp, t[i].dst.addr.family);
            add_closed(w, TANDEM_RT_TABLE, CLOSED_METRIC, &t[i].dst);
        }
    }
    free(t);
    free(in.rib);
    free(in.prot);
}

/* --- the inbound tables
 * --------------------------------------------------------------------------- */

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
static void add_inbound(struct control *c, const struct port *p, struct fib_wanted *w)
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
            add_closed(w, TANDEM_RT_TABLE + p->ifid, CLOSED_METRIC, dst);
    }
    free(in.prot);
}

static void add_probe(void *ctx, const struct lr_route *r)
{
    struct lr_route *to = add((struct fib_wanted *)ctx);
    if (to)
        *to = *r;
}

void fib_apply(struct control *c)
{
    struct fib_wanted w = {0};
    struct by_if x = {0};
    w.bad = !by_if_open(c, &x);
    if (!w.bad) {
        add_statics(c, &x, &w);
        add_table(c, &x, &w);
    }
    for (size_t i = 0; i < c->ports.n; i++)
        if (c->shadow[c->ports.v[i]->ifid].wanted && !c->shadow[c->ports.v[i]->ifid].lone)
            add_inbound(c, c->ports.v[i], &w);
    sla_each_route(c, add_probe, &w); /* the last table */
    fib_compare(c, &w);
    free(x.v);
    free(w.v);
}
