/*
 * Tunnel interfaces that carry their packets in GRE: around the path, not in it. What is read from
 * such a TUN becomes a packet between the tunnel's ends before a policy is asked; what was opened
 * by an SA of that interface has to be one, and is taken out before it is written to the TUN.
 */
#include "dataplane/dp.h"
#include "dataplane/ip.h"
#include <errno.h>
#include <stdlib.h>

static struct gre *gre_of(const struct dp *dp, uint32_t ifid)
{
    return ifid <= TANDEM_IFIDS ? dp->gre[ifid] : NULL;
}

/* The kernel's own IPv6 multicast on a fresh interface. */
static bool is_noise(const struct pkt *p)
{
    return p->len >= IP6_HLEN && p->data[0] >> 4 == 6 && p->data[24] == 0xff;
}

void dp_tunnel(struct dp *dp, uint32_t ifid, struct pkt **p, size_t n)
{
    struct gre *g = gre_of(dp, ifid);
    size_t out = 0;
    for (size_t i = 0; g && i < n; i++) {
        if (is_noise(p[i]))
            continue;
        if (gre_wrap(g, p[i]))
            p[out++] = p[i];
        else
            dp_count(dp->total, DP_BAD_INNER, 1);
    }
    dp_outbound(dp, ifid, false, p, g ? out : n);
}

size_t dp_unwrap(struct dp *dp, struct pkt **p, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        const struct gre *g = gre_of(dp, p[i]->sa->ifid);
        if (!g || gre_unwrap(g, p[i]))
            p[out++] = p[i];
        else
            dp_count(p[i]->sa->ctr, DP_BAD_INNER, 1);
    }
    return out;
}

int dp_set_encap(struct dp *dp, const struct sadb_encap *m)
{
    if (!m->ifid || m->ifid > TANDEM_IFIDS)
        return -EINVAL;
    struct gre **at = &dp->gre[m->ifid];
    if (!m->gre) {
        free(*at);
        *at = NULL;
        return 0;
    }
    if (m->local.family != AF_INET || m->remote.family != AF_INET)
        return -EAFNOSUPPORT;
    if (!*at && (*at = calloc(1, sizeof **at)) == NULL)
        return -ENOMEM;
    (*at)->local = m->local;
    (*at)->remote = m->remote;
    (*at)->has_key = m->has_key != 0;
    (*at)->key = m->has_key ? m->key : 0;
    return 0;
}
