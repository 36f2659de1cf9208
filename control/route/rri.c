/* Reverse route injection. See rri.h. */
#include "control/route/rri.h"
#include "control/priv.h"
#include "lib/str.h"
#include <stdlib.h>
#include <string.h>

struct gather {
    const struct control *c;
    struct intent_route *v;
    size_t n, cap;
    bool bad;
};

static void add(struct gather *g, const struct identity *id, const struct selector *s,
                const struct addr *peer)
{
    const struct intent_rri *rri = &id->entry->rri;
    struct intent_route r = {.vpn = true,
                             .distance = rri->distance ? rri->distance : 1,
                             .tag = rri->tag,
                             .gateway = addr_is_set(&rri->gateway) ? rri->gateway : *peer};
    if (!range_to_prefix(&s->remote, &r.dst) || !addr_is_set(&r.gateway))
        return; /* half a network is not a route */
    if (!VEC_ROOM(g->v, g->cap, g->n + 1)) {
        g->bad = true;
        return;
    }
    str_copy(r.ifname, sizeof(r.ifname), id->ifp->name);
    g->v[g->n++] = r;
}

static bool of_sa(void *ctx, const struct ike_sa_state *sa)
{
    struct gather *g = (struct gather *)ctx;
    for (uint32_t i = 0; !sa->passive && i < sa->n_children; i++) {
        const struct ike_child_state *k = &sa->child[i];
        const struct identity *id = identity_by_policy(&g->c->ids, k->policy);
        if (!id || !id->entry->rri.on)
            continue;
        for (uint32_t t = 0; t < k->n_ts; t++)
            add(g, id, &k->ts[t], &sa->path.remote);
    }
    return true;
}

static bool any(const struct intent *i)
{
    for (uint32_t m = 0; m < i->n_map; m++)
        for (uint32_t e = 0; e < i->map[m].n; e++)
            if (i->map[m].entry[e].rri.on)
                return true;
    return false;
}

struct intent_route *rri_routes(const struct control *c, size_t *n)
{
    struct gather g = {.c = c};
    if (!VEC_ROOM(g.v, g.cap, 1))
        return NULL;
    if (any(&c->intent)) {
        for (size_t i = 0; i < c->ids.n; i++) {
            const struct identity *id = c->ids.by_policy[i];
            if (id->entry->rri.on && id->entry->rri.always && id->entry->n_peer &&
                endpoint_here(c, id->ifp))
                add(&g, id, &id->sel, &id->entry->peer[0]);
        }
        keyex_each(c, of_sa, &g);
    }
    if (g.bad) {
        free(g.v);
        return NULL;
    }
    *n = g.n;
    return g.v;
}

void rri_changed(struct control *c, uint32_t policy)
{
    const struct identity *id = identity_by_policy(&c->ids, policy);
    if (id && id->entry->rri.on && !id->entry->rri.always)
        control_kick(c);
}
