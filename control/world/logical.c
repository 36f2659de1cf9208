/* Devices of logical interfaces. See logical.h. */
#include "control/world/logical.h"
#include "lib/str.h"
#include <stdio.h>
#include <string.h>

#define NAME_LOOPBACK "tdl"
#define NAME_VLAN     "tdv"
#define LOOPBACK_MTU  1500

static const struct world_link *parent_of(const struct ports *p, const struct world *w,
                                          const struct port *sub)
{
    char name[INTENT_NAME];
    str_copy(name, sizeof(name), sub->name);
    name[strcspn(name, ".")] = '\0';
    const struct port *parent = ports_named(p, name);
    return parent ? ports_link(parent, w) : NULL;
}

/* The name of the device that a port should have; "" when it should have none. */
static void device_name(const struct ports *p, const struct world *w, const struct port *port,
                        char *buf, size_t cap)
{
    const struct intent_if *i = port->ifp;
    buf[0] = '\0';
    if (i->kind == IF_LOOPBACK)
        snprintf(buf, cap, NAME_LOOPBACK "%u", i->number);
    if (i->kind == IF_TUNNEL && i->tunnel.mode)
        snprintf(buf, cap, LOGICAL_TUNNEL "%u", port->ifid);
    if (i->kind == IF_PEER)
        snprintf(buf, cap, LOGICAL_PEER "%u", port->ifid);
    const struct world_link *l = i->kind == IF_VLAN && i->vlan ? parent_of(p, w, port) : NULL;
    if (l && snprintf(buf, cap, NAME_VLAN "%u.%u", l->ifindex, i->vlan) >= (int)cap)
        buf[0] = '\0';
}

static const struct launch_op *want_loopback(struct launch *launch, uint32_t number, uint16_t mtu,
                                             const char *name, bool open)
{
    struct lr_tun t;
    memset(&t, 0, sizeof(t));
    t.open = open;
    t.ifid = number;
    t.kind = TUN_LOOPBACK;
    t.mtu = !open ? 0 : mtu ? mtu : LOOPBACK_MTU;
    str_copy(t.name, sizeof(t.name), name);
    return launch_want(launch, LR_TUN, &t, sizeof(t));
}

static const struct launch_op *want_vlan(struct launch *launch, uint32_t parent, uint16_t vlan,
                                         const char *name, bool add)
{
    struct lr_vlan v;
    memset(&v, 0, sizeof(v));
    v.add = add;
    v.parent = parent;
    v.vlan = vlan;
    str_copy(v.name, sizeof(v.name), name);
    return launch_want(launch, LR_VLAN, &v, sizeof(v));
}

static void make(const struct ports *p, const struct world *w, struct port *port,
                 struct launch *launch)
{
    const struct intent_if *i = port->ifp;
    const struct world_link *parent;
    if (i->kind == IF_LOOPBACK)
        ports_trouble(port, "cannot be made",
                      want_loopback(launch, i->number, i->mtu, port->netdev, true));
    else if ((parent = parent_of(p, w, port)) != NULL)
        ports_trouble(port, "cannot be made",
                      want_vlan(launch, parent->ifindex, i->vlan, port->netdev, true));
}

static bool bound(const struct ports *p, const char *netdev)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->v[i]->ifp && strcmp(p->v[i]->netdev, netdev) == 0)
            return true;
    return false;
}

/* Only the launcher knows whether it made a device of this name; it removes no other. */
static void remove_stale(const struct ports *p, const struct world *w, struct launch *launch)
{
    for (size_t i = 0; i < w->n_link; i++) {
        const char *name = w->link[i].name;
        unsigned a, b;
        char rest;
        if (bound(p, name))
            continue;
        if (sscanf(name, NAME_LOOPBACK "%u%c", &a, &rest) == 1)
            want_loopback(launch, a, 0, name, false);
        else if (sscanf(name, NAME_VLAN "%u.%u%c", &a, &b, &rest) == 2)
            want_vlan(launch, a, (uint16_t)b, name, false);
    }
}

void logical_apply(struct ports *p, const struct world *w, struct launch *launch)
{
    for (size_t i = 0; i < p->n; i++) {
        struct port *port = p->v[i];
        if (port->logical && !port->ifp)
            port->netdev[0] = '\0';
        if (!port->ifp || port->ifp->kind == IF_PORT)
            continue;
        port->logical = true;
        device_name(p, w, port, port->netdev, sizeof(port->netdev));
        if (port->ifp->kind == IF_TUNNEL || port->ifp->kind == IF_PEER)
            continue;
        if (port->netdev[0] && !world_link_named(w, port->netdev))
            make(p, w, port, launch);
    }
    remove_stale(p, w, launch);
}

const char *logical_trouble(const struct port *p)
{
    if (p->ifp->kind == IF_VLAN && !p->ifp->vlan)
        return "it has no VLAN yet (encapsulation dot1Q)";
    if (p->ifp->kind == IF_TUNNEL && !p->ifp->tunnel.mode &&
        (addr_is_set(&p->ifp->addr.addr) || p->ifp->unnumbered))
        return "it needs a source, a destination, and the protection of a profile with a transform "
               "set";
    if (p->ifp->kind == IF_VLAN && !p->netdev[0])
        return "its port is not there";
    return "";
}
