/* Where tunnels end. See endpoint.h. */
#include "control/crypto/endpoint.h"
#include "control/priv.h"
#include "control/query.h"
#include <string.h>

static const struct hsrp_group *group_of(const struct control *c, const struct intent_if *ifp)
{
    if (!ifp->redundancy[0])
        return NULL;
    if (ifp->tunnel.mode) { /* the group stands on the interface that the packets leave by */
        const struct hsrp_group *g = hsrp_named(c, ifp->redundancy);
        return g && addr_eq(&g->vip, &ifp->tunnel.source) ? g : NULL;
    }
    return hsrp_named_on(c, ifp->name, ifp->redundancy);
}

struct addr endpoint_addr(const struct control *c, const struct intent_if *ifp, uint8_t family)
{
    const struct hsrp_group *g = group_of(c, ifp);
    if (g && family == AF_INET && addr_is_set(&g->vip))
        return g->vip;
    return intent_if_endpoint(ifp, family);
}

/* The kernel has it, so that messages can come and go. */
static bool stands(const struct world *w, const struct addr *a)
{
    for (size_t i = 0; i < w->n_addr; i++)
        if (addr_eq(&w->addr[i].addr.addr, a))
            return true;
    return false;
}

bool endpoint_here(const struct control *c, const struct intent_if *ifp)
{
    const struct hsrp_group *g = group_of(c, ifp);
    if (!ifp->redundancy[0])
        return !ifp->tunnel.mode || stands(&c->world, &ifp->tunnel.source);
    /* who hands over has the address and the tunnels until it has fenced */
    return g && (g->state == HSRP_ACTIVE || g->yields) && stands(&c->world, &g->vip);
}

size_t endpoint_addrs(const struct control *c, const struct intent_if *ifp, struct addr *v)
{
    const struct intent_if *end = intent_if_end(ifp);
    if (!ifp->redundancy[0] && !ifp->tunnel.mode)
        return end->shutdown ? 0 : intent_if_addrs(end, v);
    if (!endpoint_here(c, ifp))
        return 0;
    v[0] = endpoint_addr(c, ifp, AF_INET);
    return 1;
}

static bool has_vip(const struct control *c, const struct port *p, const struct addr *a)
{
    if (!p->ifp || !p->ifp->map || !p->ifp->redundancy[0] || a->family != AF_INET)
        return false;
    struct addr vip = endpoint_addr(c, p->ifp, AF_INET);
    return addr_eq(&vip, a);
}

struct port *endpoint_vip_port(const struct control *c, const struct addr *local)
{
    for (size_t i = 0; i < c->ports.n; i++) {
        struct port *p = c->ports.v[i];
        if (has_vip(c, p, local) && ports_active(&c->ports, p) && endpoint_here(c, p->ifp))
            return p;
    }
    return NULL;
}

static struct port *tunnel_between(const struct control *c, const struct ike_path *path)
{
    for (size_t i = 0; i < c->ports.n; i++) {
        struct port *p = c->ports.v[i];
        if (ports_active(&c->ports, p) && p->ifp->tunnel.mode &&
            addr_eq(&p->ifp->tunnel.source, &path->local) &&
            addr_eq(&p->ifp->tunnel.destination, &path->remote) && endpoint_here(c, p->ifp))
            return p;
    }
    return NULL;
}

/* With redundancy the virtual address is the only one that has the map. */
struct port *endpoint_port(const struct control *c, const struct ike_path *path)
{
    struct port *t = tunnel_between(c, path);
    struct port *p = t ? NULL : control_port_of(c, &path->local);
    if (!p || !p->ifp->map || (p->ifp->redundancy[0] && !has_vip(c, p, &path->local)))
        return t;
    return p;
}

bool endpoint_is_ours(const struct control *c, const struct addr *local)
{
    for (size_t i = 0; i < c->ports.n; i++) {
        const struct port *p = c->ports.v[i];
        if (has_vip(c, p, local) && !endpoint_here(c, p->ifp))
            return false;
    }
    return true;
}

struct look {
    const struct addr *vip;
    bool active;
};

static bool look(void *ctx, const struct hsrp_group *g, usec_t next_hello)
{
    struct look *l = (struct look *)ctx;
    (void)next_hello;
    l->active = g->state == HSRP_ACTIVE && addr_eq(&g->vip, l->vip);
    return !l->active;
}

bool endpoint_stays(const struct control *c, const struct addr *local)
{
    struct look l = {.vip = local};
    if (control_port_of(c, local))
        return true;
    query_hsrp(c, look, &l);
    return l.active;
}

static bool follows(const struct port *p, const struct hsrp_group *g)
{
    return strcmp(p->ifp->redundancy, g->cfg.name) == 0 &&
           (p->ifp->tunnel.mode || strcmp(p->name, g->link.name) == 0);
}

/* The role is lost at once, before anything else is said from the address. How it comes is a matter
 * of the next round, when the address stands. */
static void on_group(void *ctx, const struct hsrp_group *g, enum hsrp_state was)
{
    struct control *c = (struct control *)ctx;
    (void)was;
    for (size_t i = 0; !c->closing && c->applied && i < c->ports.n; i++) {
        struct port *p = c->ports.v[i];
        if (!p->ifp || !follows(p, g))
            continue;
        if (!endpoint_here(c, p->ifp))
            walk_stop(c, p->ifid);
        tunnel_check_interface(c, p);
    }
}

int endpoint_open(struct control *c)
{
    return hsrp_listen(c, on_group, c);
}
