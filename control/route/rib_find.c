/* Looking things up in the RIB. See rib.h. */
#include "control/route/rib_priv.h"

size_t rib_last_before(const struct query_route *v, size_t n, const struct addr *a)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (addr_cmp(&v[mid].dst.addr, a) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Sorted by address and length, the last entry at or before an address is in every prefix around
 * that address, or is not far from one: `around` leads to those. */
const struct query_route *rib_way(const struct query_route *v, const uint32_t *around, size_t n,
                                  const struct addr *a, rib_fits *fits, const void *ctx)
{
    size_t i = rib_last_before(v, n, a);
    while (i && !(prefix_contains(&v[i - 1].dst, a) && fits(ctx, &v[i - 1])))
        i = around[i - 1];
    if (!i)
        return NULL;
    const struct query_route *q = &v[i - 1]; /* the last of its paths */
    while (q > v && prefix_cmp(&q[-1].dst, &q->dst) == 0 && fits(ctx, &q[-1]))
        q--;
    return q;
}

static bool normal(const void *ctx, const struct query_route *q)
{
    (void)ctx;
    return !q->tunneled && q->source != RIB_VPN;
}

const struct query_route *rib_lookup(const struct rib *r, const struct addr *a)
{
    return rib_way(r->v, r->around, r->n, a, normal, NULL);
}

const struct query_route *rib_find(const struct rib *r, const struct prefix *dst)
{
    size_t lo = 0, hi = r->n;
    while (lo < hi) { /* the first that is not before it */
        size_t mid = (lo + hi) / 2;
        if (prefix_cmp(&r->v[mid].dst, dst) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < r->n && prefix_cmp(&r->v[lo].dst, dst) == 0 && !r->v[lo].tunneled ? &r->v[lo]
                                                                                  : NULL;
}

bool rib_moved(const struct rib *r, const struct addr *a)
{
    for (size_t i = 0; i < r->n_moved; i++)
        if (prefix_contains(&r->moved[i], a))
            return true;
    return false;
}
