/* The RIB. See rib.h. */
#include "control/route/rib.h"
#include "lib/vec.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECURSION 4 /* static routes behind static routes */

void rib_free(struct rib *r)
{
    free(r->v);
    *r = (struct rib){0};
}

static struct query_route *add(struct rib *r)
{
    if (!VEC_ROOM(r->v, r->cap, r->n + 1))
        return NULL;
    struct query_route *q = &r->v[r->n++];
    memset(q, 0, sizeof(*q));
    return q;
}

static int add_connected(struct rib *r, const struct intent_if *ifp, const struct prefix *addr)
{
    struct query_route *c = add(r);
    if (!c)
        return -ENOMEM;
    *c = (struct query_route){.source = RIB_CONNECTED,
                              .dst = prefix_make(&addr->addr, addr->len),
                              .ifp = ifp};
    if (addr->len == addr_bits(&addr->addr))
        return 0; /* a host address is its own connected route */
    struct query_route *l = add(r);
    if (!l)
        return -ENOMEM;
    *l = (struct query_route){.source = RIB_LOCAL,
                              .dst = {.addr = addr->addr, .len = (uint8_t)addr_bits(&addr->addr)},
                              .ifp = ifp};
    return 0;
}

/* The addresses of an interface that count. */
static size_t addresses(const struct rib_if *i, const struct prefix *out[INTENT_ADDRS])
{
    size_t n = 0;
    if (i->up)
        out[n++] = &i->ifp->addr;
    for (unsigned k = 0; k < i->ifp->n_addr2; k++)
        if (i->up2 >> k & 1)
            out[n++] = &i->ifp->addr2[k];
    for (unsigned k = 0; k < i->ifp->n_addr6; k++)
        if (i->up6 >> k & 1)
            out[n++] = &i->ifp->addr6[k];
    return n;
}

/* Does this interface lead to the gateway? An address of the link is on every link that speaks
 * IPv6; a route without a gateway needs an address of its own family. */
static bool leads_to(const struct rib_if *i, const struct intent_route *s)
{
    const struct prefix *a[INTENT_ADDRS];
    size_t n = addresses(i, a);
    if (s->vpn)
        return i->up || i->up6;
    if (addr_is_link_local(&s->gateway))
        return s->ifname[0] && i->link6;
    for (size_t k = 0; k < n; k++) {
        struct prefix net = prefix_make(&a[k]->addr, a[k]->len);
        if (!addr_is_set(&s->gateway) ? s->ifname[0] && a[k]->addr.family == s->dst.addr.family
                                      : prefix_contains(&net, &s->gateway))
            return true;
    }
    return false;
}

/* The interface a static route leaves by, or NULL while it cannot be used: named and up with the
 * gateway in its subnet, or, unnamed, whichever is connected to the gateway. */
static const struct intent_if *egress(const struct rib_if *ifs, size_t n,
                                      const struct intent_route *s)
{
    for (size_t i = 0; i < n; i++) {
        if (s->ifname[0] && strcmp(ifs[i].ifp->name, s->ifname) != 0)
            continue;
        if (leads_to(&ifs[i], s))
            return ifs[i].ifp;
    }
    return NULL;
}

/* Order of the table: prefix, then normal before tunneled, then the better one first. `metric`
 * holds the place in the configuration while candidates compete. */
static int by_merit(const void *x, const void *y)
{
    const struct query_route *a = (const struct query_route *)x;
    const struct query_route *b = (const struct query_route *)y;
    int c = prefix_cmp(&a->dst, &b->dst);
    if (c)
        return c;
    if (a->tunneled != b->tunneled)
        return a->tunneled ? 1 : -1;
    if (a->distance != b->distance)
        return a->distance < b->distance ? -1 : 1;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return a->metric < b->metric ? -1 : a->metric > b->metric;
}

static bool same_place(const struct query_route *a, const struct query_route *b)
{
    return prefix_cmp(&a->dst, &b->dst) == 0 && a->tunneled == b->tunneled;
}

/* Leaves the best of each place; the others are gone for good. */
static void keep_best(struct rib *r)
{
    size_t out = 0;
    if (r->n)
        qsort(r->v, r->n, sizeof(*r->v), by_merit);
    for (size_t i = 0; i < r->n; i++)
        if (i == 0 || !same_place(&r->v[i], &r->v[out - 1]))
            r->v[out++] = r->v[i];
    r->n = out;
}

/* Which neighbour leads to a gateway: the kernel wants one as next hop. The longest prefix counts,
 * among routes that are not of SAs themselves. */
static const struct query_route *way_to(const struct rib *r, const struct addr *a)
{
    const struct query_route *best = NULL;
    for (size_t i = 0; i < r->n; i++) {
        const struct query_route *q = &r->v[i];
        if (q->source != RIB_VPN && q->source != RIB_LOCAL && !q->tunneled && q->ifp &&
            prefix_contains(&q->dst, a) && (!best || q->dst.len > best->dst.len))
            best = q;
    }
    return best;
}

static struct addr hop_of(const struct query_route *way)
{
    if (way->source == RIB_CONNECTED)
        return (struct addr){0};
    return addr_is_set(&way->hop) ? way->hop : way->gateway;
}

static void find_hops(struct rib *r)
{
    for (size_t i = 0; i < r->n; i++) {
        struct query_route *q = &r->v[i];
        const struct query_route *way = q->source == RIB_VPN ? way_to(r, &q->gateway) : NULL;
        if (way)
            q->hop = hop_of(way);
    }
}

static int by_place(const void *x, const void *y)
{
    const struct query_route *a = (const struct query_route *)x;
    const struct query_route *b = (const struct query_route *)y;
    int c = prefix_cmp(&a->dst, &b->dst);
    return c ? c : (int)a->tunneled - (int)b->tunneled;
}

static void keep_ages(struct rib *r, const struct rib *old, usec_t now)
{
    for (size_t i = 0; i < r->n; i++) {
        struct query_route *q = &r->v[i];
        const struct query_route *was =
            old->n
                ? (const struct query_route *)bsearch(q, old->v, old->n, sizeof(*old->v), by_place)
                : NULL;
        q->metric = 0;
        q->since = was && was->source == q->source && was->distance == q->distance &&
                           addr_eq(&was->gateway, &q->gateway)
                       ? was->since
                       : now;
    }
}

static int add_static(struct rib *r, const struct intent_route *s, uint32_t place,
                      const struct intent_if *out, const struct addr *hop)
{
    struct query_route *q = add(r);
    if (!q)
        return -ENOMEM;
    *q = (struct query_route){.source = s->vpn ? RIB_VPN : RIB_STATIC,
                              .dst = prefix_make(&s->dst.addr, s->dst.len),
                              .gateway = s->gateway,
                              .hop = *hop,
                              .ifp = out,
                              .named = s->ifname[0] && !s->vpn,
                              .tag = s->tag,
                              .distance = s->tunneled ? 255 : s->distance,
                              .metric = place,
                              .tunneled = s->tunneled};
    return 0;
}

/* Routes whose gateway is no neighbour, once the others are known. One may lead to the next: each
 * pass finds those whose way was found in the one before. A way that a gateway's own route would
 * be does not count, as that route was not there yet when it was looked for. */
static int add_recursive(struct rib *r, const struct rib_if *ifs, size_t n_if,
                         const struct intent_route *routes, size_t n_routes)
{
    for (unsigned pass = 0; pass < RECURSION; pass++) {
        size_t before = r->n;
        for (size_t i = 0; i < n_routes; i++) {
            const struct intent_route *s = &routes[i];
            if (!s->recursive || s->distance == 255 || egress(ifs, n_if, s))
                continue;
            const struct query_route *way = way_to(r, &s->gateway);
            struct addr hop = way ? hop_of(way) : (struct addr){0};
            /* through a route without a gateway the kernel would have to ask for it on the link */
            if (way && addr_is_set(&hop) && add_static(r, s, (uint32_t)i, way->ifp, &hop) < 0)
                return -ENOMEM;
        }
        keep_best(r);
        if (r->n == before)
            return 0;
    }
    return 0;
}

int rib_build(struct rib *r, const struct rib_if *ifs, size_t n_if,
              const struct intent_route *routes, size_t n_routes, usec_t now)
{
    static const struct addr direct = {0};
    struct rib n = {0};
    for (size_t i = 0; i < n_if; i++) {
        const struct prefix *a[INTENT_ADDRS];
        for (size_t k = addresses(&ifs[i], a); k-- > 0;)
            if (add_connected(&n, ifs[i].ifp, a[k]) < 0)
                goto fail;
    }
    for (size_t i = 0; i < n_routes; i++) {
        const struct intent_route *s = &routes[i];
        const struct intent_if *out = s->discard ? NULL : egress(ifs, n_if, s);
        if ((!out && !s->discard) || (s->distance == 255 && !s->tunneled))
            continue;
        if (add_static(&n, s, (uint32_t)i, out, &direct) < 0)
            goto fail;
    }
    keep_best(&n);
    if (add_recursive(&n, ifs, n_if, routes, n_routes) < 0)
        goto fail;
    find_hops(&n);
    keep_ages(&n, r, now);
    rib_free(r);
    *r = n;
    return 0;
fail:
    rib_free(&n);
    return -ENOMEM;
}

const struct query_route *rib_find(const struct rib *r, const struct prefix *dst)
{
    const struct query_route key = {.dst = *dst};
    return r->n ? (const struct query_route *)bsearch(&key, r->v, r->n, sizeof(*r->v), by_place)
                : NULL;
}
