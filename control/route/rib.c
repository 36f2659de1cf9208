/*
 * The RIB. See rib.h.
 *
 * A route whose gateway is no neighbour needs another route to get there, so a table with such
 * routes is built again and again, each time with the ways that the table before knew, until
 * nothing changes. It begins with those that need no help: no two routes hold each other up.
 */
#include "control/route/rib_priv.h"
#include "lib/vec.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECURSION 16 /* static routes behind static routes, and tables to find them all */

/* A route that may come into force, and what is known of its way. */
struct rib_wish {
    const struct intent_route *r; /* NULL: of an interface itself, or found */
    const struct query_route *found;
    const struct intent_if *ifp;   /* by which it leaves; NULL: not usable, or discarded */
    const struct intent_if *asked; /* whose name was found to be right for it */
    struct addr hop;               /* recursive: the neighbour */
    struct prefix dst;
    uint32_t place, via; /* in the configuration; its interface's place among rib_in's */
    uint8_t source, distance;
    bool tunneled, usable, behind, looped;
    bool held; /* permanent: its interface is down */
};

struct build {
    struct rib *r;
    const struct rib_in *in;
    struct rib_wish *few; /* connected, local, of SAs, found */
    size_t n_few, cap_few;
    size_t n; /* of the table that is written: r->spare */
};

void rib_free(struct rib *r)
{
    free(r->v);
    free(r->around);
    free(r->spare);
    free(r->spare_around);
    free(r->fixed);
    free(r->moved);
    *r = (struct rib){0};
}

/* Order of the table: prefix, then normal before tunneled, then the better one first. */
static int by_merit(const void *x, const void *y)
{
    const struct rib_wish *a = (const struct rib_wish *)x;
    const struct rib_wish *b = (const struct rib_wish *)y;
    int c = prefix_cmp(&a->dst, &b->dst);
    if (c)
        return c;
    if (a->tunneled != b->tunneled)
        return a->tunneled ? 1 : -1;
    if (a->distance != b->distance)
        return a->distance < b->distance ? -1 : 1;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static struct rib_wish wish_of(const struct intent_route *s, size_t place)
{
    return (struct rib_wish){.r = s,
                             .dst = prefix_make(&s->dst.addr, s->dst.len),
                             .place = (uint32_t)place,
                             .source = s->vpn ? RIB_VPN : RIB_STATIC,
                             .distance = s->tunneled ? 255 : s->distance,
                             .tunneled = s->tunneled};
}

int rib_set_static(struct rib *r, const struct intent_route *routes, size_t n)
{
    free(r->fixed);
    r->n_fixed = 0;
    r->fixed = (struct rib_wish *)calloc(n + 1, sizeof(*r->fixed));
    if (!r->fixed)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (routes[i].distance != 255 || routes[i].tunneled)
            r->fixed[r->n_fixed++] = wish_of(&routes[i], i);
    qsort(r->fixed, r->n_fixed, sizeof(*r->fixed), by_merit);
    return 0;
}

/* --- interfaces ---------------------------------------------------------------------------------
 */

/* The addresses of an interface that count. */
static size_t addresses(const struct rib_if *i, const struct prefix *out[INTENT_ADDRS])
{
    size_t n = 0;
    if (i->up && !i->ifp->unnumbered)
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
    if (i->ifp->unnumbered && i->up && s->ifname[0] && s->dst.addr.family == AF_INET)
        return true;
    if (addr_is_link_local(&s->gateway))
        return s->ifname[0] && i->link6;
    for (size_t k = 0; k < n; k++)
        if (!addr_is_set(&s->gateway) ? s->ifname[0] && a[k]->addr.family == s->dst.addr.family
                                      : prefix_contains(a[k], &s->gateway))
            return true;
    return false;
}

static bool may_leave_by(const struct rib_if *i, struct rib_wish *w)
{
    if (w->asked == i->ifp)
        return true;
    if (w->r->ifname[0] && strcmp(i->ifp->name, w->r->ifname) != 0)
        return false;
    w->asked = i->ifp;
    return true;
}

/* The interface a static route leaves by, or NULL while it cannot be used: named and up with the
 * gateway in its subnet, or, unnamed, whichever is connected to the gateway. The one of the last
 * time is asked first. */
static const struct intent_if *egress(const struct rib_in *in, struct rib_wish *w)
{
    if (w->via < in->n_if && may_leave_by(&in->ifs[w->via], w)) {
        if (leads_to(&in->ifs[w->via], w->r))
            return in->ifs[w->via].ifp;
        if (w->r->ifname[0])
            return NULL;
    }
    for (uint32_t i = 0; i < in->n_if; i++) {
        if (!may_leave_by(&in->ifs[i], w))
            continue;
        w->via = i;
        if (leads_to(&in->ifs[i], w->r))
            return in->ifs[i].ifp;
    }
    return NULL;
}

static bool same_name(const struct intent_if *a, const struct intent_if *b)
{
    return a == b || (a && b && strcmp(a->name, b->name) == 0);
}

static bool is_this(const struct query_route *q, const struct rib_wish *w)
{
    return q->source == RIB_STATIC && q->ifp && q->distance == w->distance &&
           addr_eq(&q->gateway, &w->r->gateway);
}

/* A permanent route that was there stays, with the interface that it had. */
static const struct intent_if *kept(const struct build *b, const struct rib_wish *w)
{
    const struct query_route *q = w->r->permanent ? rib_find(b->r, &w->dst) : NULL;
    if (!q)
        return NULL;
    const struct query_route *end = b->r->v + b->r->n;
    while (q < end && prefix_cmp(&q->dst, &w->dst) == 0 && !is_this(q, w))
        q++;
    if (q == end || !is_this(q, w) || prefix_cmp(&q->dst, &w->dst) != 0)
        return NULL;
    for (size_t i = 0; i < b->in->n_if; i++)
        if (same_name(b->in->ifs[i].ifp, q->ifp))
            return b->in->ifs[i].ifp;
    return NULL;
}

/* What can be said of a route before any table is there. */
static void look_at(const struct build *b, struct rib_wish *w)
{
    const struct intent_route *s = w->r;
    bool tracked = !s->track || (b->in->tracked && b->in->tracked(b->in->ctx, s->track));
    w->behind = w->looped = w->held = false;
    w->hop = (struct addr){0};
    w->ifp = tracked && !s->discard ? egress(b->in, w) : NULL;
    w->usable = tracked && (s->discard || w->ifp);
    if (w->usable || !tracked)
        return;
    w->behind = s->recursive;
    w->ifp = kept(b, w);
    w->usable = w->held = w->ifp != NULL;
}

static struct rib_wish *add_few(struct build *b)
{
    return VEC_ROOM(b->few, b->cap_few, b->n_few + 1) ? &b->few[b->n_few++] : NULL;
}

static bool add_connected(struct build *b, const struct intent_if *ifp, const struct prefix *addr)
{
    struct rib_wish *w = add_few(b);
    if (!w)
        return false;
    *w = (struct rib_wish){.source = RIB_CONNECTED,
                           .dst = prefix_make(&addr->addr, addr->len),
                           .place = (uint32_t)b->n_few,
                           .ifp = ifp,
                           .usable = true};
    if (addr->len == addr_bits(&addr->addr))
        return true; /* a host address is its own connected route */
    if (!(w = add_few(b)))
        return false;
    *w = (struct rib_wish){.source = RIB_LOCAL,
                           .dst = {.addr = addr->addr, .len = (uint8_t)addr_bits(&addr->addr)},
                           .place = (uint32_t)b->n_few,
                           .ifp = ifp,
                           .usable = true};
    return true;
}

/* A route that a protocol has found holds while its interface is up. */
static bool add_found(struct build *b, const struct query_route *q, size_t place)
{
    bool up = false;
    for (size_t i = 0; i < b->in->n_if && !up; i++)
        up = b->in->ifs[i].ifp == q->ifp && b->in->ifs[i].up;
    if (!up)
        return true;
    struct rib_wish *w = add_few(b);
    if (!w)
        return false;
    *w = (struct rib_wish){.found = q,
                           .source = (uint8_t)q->source,
                           .distance = q->distance,
                           .dst = q->dst,
                           .place = (uint32_t)place,
                           .ifp = q->ifp,
                           .usable = true};
    return true;
}

static bool gather_few(struct build *b)
{
    if (!VEC_ROOM(b->few, b->cap_few, 1) || (!b->r->fixed && rib_set_static(b->r, NULL, 0) < 0))
        return false; /* neither list is a null pointer */
    for (size_t i = 0; i < b->in->n_if; i++) {
        const struct prefix *a[INTENT_ADDRS];
        for (size_t k = addresses(&b->in->ifs[i], a); k-- > 0;)
            if (!add_connected(b, b->in->ifs[i].ifp, a[k]))
                return false;
    }
    for (size_t i = 0; i < b->in->n_vpn; i++) {
        struct rib_wish *w = add_few(b);
        if (!w)
            return false;
        *w = wish_of(&b->in->vpn[i], i);
        look_at(b, w);
    }
    for (size_t i = 0; i < b->in->n_found; i++)
        if (!add_found(b, &b->in->found[i], i))
            return false;
    if (b->n_few)
        qsort(b->few, b->n_few, sizeof(*b->few), by_merit);
    return true;
}

/* --- one table ----------------------------------------------------------------------------------
 */

static struct query_route route_of(const struct rib_wish *w)
{
    struct query_route q = {.source = (enum rib_source)w->source,
                            .dst = w->dst,
                            .ifp = w->ifp,
                            .hop = w->hop,
                            .distance = w->distance,
                            .tunneled = w->tunneled,
                            .held = w->held};
    if (w->found)
        return *w->found;
    if (w->r) {
        q.gateway = w->r->gateway;
        q.tag = w->r->tag;
        q.named = w->r->ifname[0] && !w->r->vpn;
    }
    return q;
}

static bool same_place(const struct rib_wish *a, const struct rib_wish *b)
{
    return prefix_cmp(&a->dst, &b->dst) == 0 && a->tunneled == b->tunneled;
}

static bool room(struct rib *r, size_t n)
{
    if (n <= r->spare_cap)
        return true;
    size_t cap = r->spare_cap;
    uint32_t *around = (uint32_t *)realloc(r->spare_around, (n + n / 2) * sizeof(*around));
    if (!around)
        return false;
    r->spare_around = around;
    if (!vec_room((void **)&r->spare, &cap, n, sizeof(*r->spare)))
        return false;
    r->spare_cap = cap < n + n / 2 ? cap : n + n / 2;
    return true;
}

static bool shares(const struct rib_wish *w)
{
    return w->source == RIB_STATIC || w->source == RIB_OSPF;
}

/* Writes the best of one place: the first that is usable, and others of its source as good as it.
 */
static void write_place(struct build *b, const struct rib_wish *const *w, size_t n)
{
    struct rib *r = b->r;
    const struct rib_wish *best = NULL;
    unsigned paths = 0;
    for (size_t i = 0; i < n && paths < RIB_PATHS; i++) {
        if (!w[i]->usable || w[i]->looped)
            continue;
        if (best && (!shares(best) || w[i]->source != best->source ||
                     w[i]->distance != best->distance || !best->ifp != !w[i]->ifp))
            break;
        best = best ? best : w[i];
        paths++;
        size_t around = b->n; /* the one before, where it holds this prefix */
        while (around && !prefix_covers(&r->spare[around - 1].dst, &w[i]->dst))
            around = r->spare_around[around - 1];
        r->spare_around[b->n] = (uint32_t)around;
        r->spare[b->n++] = route_of(w[i]);
    }
}

#define PLACE_MOST 64 /* candidates of one place that are looked at */

/* One pass over both sorted lists. */
static void write_table(struct build *b)
{
    struct rib_wish *f = b->r->fixed, *k = b->few;
    struct rib_wish *f_end = f ? f + b->r->n_fixed : f, *k_end = k ? k + b->n_few : k;
    b->n = 0;
    while (f < f_end || k < k_end) {
        const struct rib_wish *w[PLACE_MOST];
        size_t n = 0;
        const struct rib_wish *first = k == k_end || (f < f_end && by_merit(f, k) < 0) ? f : k;
        while ((f < f_end && same_place(f, first)) || (k < k_end && same_place(k, first))) {
            bool of_k = k < k_end && same_place(k, first) &&
                        (f == f_end || !same_place(f, first) || by_merit(k, f) < 0);
            const struct rib_wish *next = of_k ? k++ : f++;
            if (n < PLACE_MOST && next->usable)
                w[n++] = next;
        }
        write_place(b, w, n);
    }
}

/* --- gateways behind other routes ---------------------------------------------------------------
 */

/* Which routes lead to a gateway: not those of SAs, and not the route that has this gateway. */
static bool leads_on(const void *ctx, const struct query_route *q)
{
    const struct rib_wish *w = (const struct rib_wish *)ctx;
    return q->source != RIB_VPN && q->source != RIB_LOCAL && !q->tunneled && q->ifp && !q->held &&
           prefix_cmp(&q->dst, &w->dst) != 0;
}

static const struct query_route *way_of(const struct build *b, const struct rib_wish *w)
{
    return rib_way(b->r->spare, b->r->spare_around, b->n, &w->r->gateway, leads_on, w);
}

static struct addr hop_of(const struct query_route *way)
{
    if (way->source == RIB_CONNECTED)
        return (struct addr){0};
    return addr_is_set(&way->hop) ? way->hop : way->gateway;
}

/* Asks the table for the ways to gateways; true when something is new. */
static bool find_ways(struct build *b)
{
    bool news = false;
    for (size_t i = 0; i < b->r->n_fixed; i++) {
        struct rib_wish *w = &b->r->fixed[i];
        if (!w->behind || w->looped)
            continue;
        const struct query_route *way = way_of(b, w);
        /* through a route without a gateway the kernel would have to ask for it on the link */
        struct addr hop = way ? hop_of(way) : (struct addr){0};
        bool found = addr_is_set(&hop);
        const struct intent_if *ifp = found ? way->ifp : NULL;
        if (!found && w->held)
            continue;
        news = news || w->usable != found || w->ifp != ifp || !addr_eq(&w->hop, &hop);
        w->usable = found;
        w->held = false;
        w->ifp = ifp;
        w->hop = hop;
    }
    return news;
}

/* The route that was made from this one, if it is in force. */
static const struct rib_wish *wish_behind(const struct build *b, const struct query_route *q)
{
    size_t lo = 0, hi = b->r->n_fixed;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (prefix_cmp(&b->r->fixed[mid].dst, &q->dst) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < b->r->n_fixed && prefix_cmp(&b->r->fixed[lo].dst, &q->dst) == 0; lo++) {
        const struct rib_wish *w = &b->r->fixed[lo];
        if (w->usable && !w->looped && w->distance == q->distance && !w->tunneled &&
            addr_eq(&w->r->gateway, &q->gateway))
            return w;
    }
    return NULL;
}

/* Goes from gateway to gateway: a way that is longer than any should be is a circle. Taking one
 * route out of it opens it. */
static bool cut_circle(struct build *b)
{
    for (size_t i = 0; i < b->r->n_fixed; i++) {
        const struct rib_wish *w = &b->r->fixed[i];
        unsigned steps = 0;
        while (w && w->behind && w->usable && !w->held && steps <= RECURSION) {
            const struct query_route *way = way_of(b, w);
            w = way && way->source == RIB_STATIC ? wish_behind(b, way) : NULL;
            steps++;
        }
        if (steps > RECURSION) {
            b->r->fixed[i].looped = b->r->looped = true;
            return true;
        }
    }
    return false;
}

static void find_hops(struct build *b)
{
    for (size_t i = 0; i < b->n; i++) {
        struct query_route *q = &b->r->spare[i];
        if (q->source != RIB_VPN)
            continue;
        const struct intent_route s = {.gateway = q->gateway};
        const struct rib_wish w = {.r = &s, .dst = q->dst};
        const struct query_route *way = way_of(b, &w);
        if (way)
            q->hop = hop_of(way);
    }
}

static void write_tables(struct build *b)
{
    bool behind = false;
    b->r->looped = false;
    for (size_t i = 0; i < b->r->n_fixed; i++) {
        look_at(b, &b->r->fixed[i]);
        behind = behind || b->r->fixed[i].behind;
    }
    write_table(b);
    for (unsigned cuts = 0; behind && cuts <= RECURSION; cuts++) {
        for (unsigned pass = 0; pass < RECURSION && find_ways(b); pass++)
            write_table(b);
        if (!cut_circle(b))
            break;
        for (size_t i = 0; cuts == RECURSION && i < b->r->n_fixed; i++)
            b->r->fixed[i].looped = b->r->fixed[i].looped || b->r->fixed[i].behind;
        write_table(b);
    }
    find_hops(b);
}

/* --- what is new --------------------------------------------------------------------------------
 */

static int by_place(const struct query_route *a, const struct query_route *b)
{
    int c = prefix_cmp(&a->dst, &b->dst);
    return c ? c : (int)a->tunneled - (int)b->tunneled;
}

static bool same_way(const struct query_route *a, const struct query_route *b)
{
    return a->source == b->source && a->distance == b->distance && a->held == b->held &&
           addr_eq(&a->gateway, &b->gateway) && addr_eq(&a->hop, &b->hop) &&
           same_name(a->ifp, b->ifp);
}

static size_t paths_at(const struct query_route *v, size_t n, size_t i)
{
    size_t k = i;
    while (k < n && by_place(&v[k], &v[i]) == 0)
        k++;
    return k - i;
}

static bool note_moved(struct rib *r, const struct prefix *dst)
{
    if (r->n_moved && prefix_cmp(&r->moved[r->n_moved - 1], dst) == 0)
        return true;
    if (!VEC_ROOM(r->moved, r->cap_moved, r->n_moved + 1))
        return false;
    r->moved[r->n_moved++] = *dst;
    return true;
}

/* Walks through the old table and the new one together: ages that go on, places that moved. */
static bool compare(struct build *b)
{
    struct rib *r = b->r;
    size_t i = 0, k = 0;
    bool ok = true;
    r->n_moved = 0;
    while (ok && (i < r->n || k < b->n)) {
        int c = i == r->n ? 1 : k == b->n ? -1 : by_place(&r->v[i], &r->spare[k]);
        size_t n_old = c <= 0 ? paths_at(r->v, r->n, i) : 0;
        size_t n_new = c >= 0 ? paths_at(r->spare, b->n, k) : 0;
        bool same = n_old == n_new;
        for (size_t p = 0; p < n_new; p++) {
            struct query_route *q = &r->spare[k + p];
            const struct query_route *was = p < n_old ? &r->v[i + p] : NULL;
            q->since = was && was->source == q->source && was->distance == q->distance &&
                               addr_eq(&was->gateway, &q->gateway)
                           ? was->since
                           : b->in->now;
            same = same && was && same_way(was, q);
        }
        if (!same)
            ok = note_moved(r, n_new ? &r->spare[k].dst : &r->v[i].dst);
        i += n_old;
        k += n_new;
    }
    return ok;
}

static void take(struct build *b)
{
    struct rib *r = b->r;
    struct query_route *v = r->v;
    uint32_t *around = r->around;
    size_t cap = r->cap;
    r->v = r->spare;
    r->around = r->spare_around;
    r->cap = r->spare_cap;
    r->n = b->n;
    r->spare = v;
    r->spare_around = around;
    r->spare_cap = cap;
    r->builds += r->n_moved > 0;
}

int rib_build(struct rib *r, const struct rib_in *in)
{
    struct build b = {.r = r, .in = in};
    bool ok = gather_few(&b) && room(r, r->n_fixed + b.n_few + 1);
    if (ok) {
        write_tables(&b);
        ok = compare(&b);
    }
    free(b.few);
    if (!ok) {
        r->n = r->n_moved = 0;
        return -ENOMEM;
    }
    take(&b);
    return 0;
}
