/*
 * How probes that are bound to an interface find their way out of it.
 *
 * A tracked route is out of `main` while its probe fails; the probe has to go on along that route,
 * or nobody would see the path come back. So each of them has a route of its own, in a table that
 * only probes look at.
 */
#include "control/priv.h"
#include <stdlib.h>
#include <string.h>

struct sla_path {
    const struct intent_if *ifp;
    struct addr target, gateway;
};

static const struct intent_if *interface(const struct intent *i, const char *name)
{
    for (uint32_t k = 0; k < i->n_if; k++)
        if (strcmp(i->ifs[k].name, name) == 0)
            return &i->ifs[k];
    return NULL;
}

static bool neighbour(const struct intent_if *f, const struct addr *a)
{
    bool in = addr_is_set(&f->addr.addr) && prefix_contains(&f->addr, a);
    for (unsigned k = 0; !in && k < f->n_addr2; k++)
        in = prefix_contains(&f->addr2[k], a);
    for (unsigned k = 0; !in && k < f->n_addr6; k++)
        in = prefix_contains(&f->addr6[k], a);
    return in;
}

/* The gateway of the best static route out of this interface, whatever it follows. */
static struct addr gateway(const struct intent *i, const struct intent_if *f,
                           const struct addr *target)
{
    const struct intent_route *best = NULL;
    for (uint32_t k = 0; k < i->n_route; k++) {
        const struct intent_route *r = &i->route[k];
        if (r->discard || r->tunneled || !addr_is_set(&r->gateway) ||
            !prefix_contains(&r->dst, target) || strcmp(r->ifname, f->name) != 0)
            continue;
        if (!best || r->dst.len > best->dst.len ||
            (r->dst.len == best->dst.len && r->distance < best->distance))
            best = r;
    }
    return best ? best->gateway : (struct addr){0};
}

static int by_place(const void *x, const void *y)
{
    const struct sla_path *a = (const struct sla_path *)x, *b = (const struct sla_path *)y;
    int cmp = addr_cmp(&a->target, &b->target);
    return cmp ? cmp : (a->ifp > b->ifp) - (a->ifp < b->ifp);
}

void sla_paths_find(struct sla_paths *p, const struct intent *i)
{
    free(p->v);
    *p = (struct sla_paths){.v = (struct sla_path *)calloc(i->n_sla ? i->n_sla : 1, sizeof(*p->v))};
    size_t all = 0;
    for (uint32_t k = 0; p->v && k < i->n_sla; k++) {
        const struct intent_sla *s = &i->sla[k];
        const struct intent_if *f = s->bound ? interface(i, s->ifname) : NULL;
        p->bound = p->bound || s->bound;
        if (f && !neighbour(f, &s->target))
            p->v[all++] = (struct sla_path){.ifp = f, .target = s->target};
    }
    if (all)
        qsort(p->v, all, sizeof(*p->v), by_place);
    for (size_t k = 0; k < all; k++) { /* thousands may ask for one */
        if (k && by_place(&p->v[k], &p->v[k - 1]) == 0)
            continue;
        struct sla_path found = p->v[k];
        found.gateway = gateway(i, found.ifp, &found.target);
        if (addr_is_set(&found.gateway))
            p->v[p->n++] = found;
    }
}

void sla_each_route(const struct control *c, void (*fn)(void *ctx, const struct lr_route *r),
                    void *ctx)
{
    for (size_t k = 0; k < c->sla_paths.n; k++) {
        const struct sla_path *path = &c->sla_paths.v[k];
        const struct port *p = ports_named(&c->ports, path->ifp->name);
        const struct world_link *l = p ? ports_link(p, &c->world) : NULL;
        if (!l || !p->has_addr || !ports_up(&c->ports, p, &c->world))
            continue;
        struct lr_route r;
        memset(&r, 0, sizeof(r));
        r.type = RT_UNICAST;
        r.table = TANDEM_PROBE_TABLE;
        r.oif = l->ifindex;
        /* One target may be asked by several interfaces. */
        r.metric = 1 + (uint32_t)(path->ifp - c->intent.ifs);
        r.dst = prefix_make(&path->target, addr_bits(&path->target));
        r.gw = path->gateway;
        fn(ctx, &r);
    }
}
