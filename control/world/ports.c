/* Ports. See ports.h. */
#include "control/world/ports.h"
#include "control/world/logical.h"
#include "lib/str.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ports_free(struct ports *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->v[i]);
    p->n = 0;
}

/* --- names and devices --------------------------------------------------------------------------
 */

struct port *ports_named(const struct ports *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->v[i]->name, name) == 0)
            return p->v[i];
    return NULL;
}

struct port *ports_by_ifid(const struct ports *p, uint32_t ifid)
{
    return ifid >= 1 && ifid <= p->n ? p->v[ifid - 1] : NULL;
}

static struct port *bound_to(const struct ports *p, const char *netdev)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->v[i]->netdev, netdev) == 0)
            return p->v[i];
    return NULL;
}

/* A place whose port had no device and has no configuration any more: loopbacks come and go. */
static struct port *unused(const struct ports *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (!p->v[i]->netdev[0] && !p->v[i]->ifp)
            return p->v[i];
    return NULL;
}

static struct port *port_get(struct ports *p, const char *name)
{
    struct port *port = ports_named(p, name);
    if (port)
        return port;
    port = p->n == PORTS_MAX ? unused(p) : (struct port *)calloc(1, sizeof(*port));
    if (!port)
        return NULL;
    if (p->n < PORTS_MAX) {
        p->v[p->n++] = port;
        port->ifid = (uint32_t)p->n;
    }
    *port = (struct port){.ifid = port->ifid};
    str_copy(port->name, sizeof(port->name), name);
    return port;
}

/* "GigabitEthernet0/0 eth0" per line; '#' starts a comment. */
static void bind_text(struct ports *p, const char *text)
{
    char line[160], name[INTENT_NAME], netdev[LAUNCH_IFNAME];
    while (*text) {
        size_t len = strcspn(text, "\n");
        size_t keep = len < sizeof(line) ? len : sizeof(line) - 1;
        memcpy(line, text, keep);
        line[keep] = '\0';
        line[strcspn(line, "#")] = '\0';
        text += len + (text[len] == '\n');
        if (sscanf(line, "%63s %15s", name, netdev) != 2)
            continue;
        struct port *port = port_get(p, name);
        if (port)
            str_copy(port->netdev, sizeof(port->netdev), netdev);
    }
}

/* Real ports and what containers and labs are given in their place; never bridges or TUNs. */
static bool eligible(const struct world_link *l)
{
    return l->ether && strncmp(l->name, LAUNCH_VIP_NAME, strlen(LAUNCH_VIP_NAME)) != 0 &&
           (!l->kind[0] || strcmp(l->kind, "veth") == 0 || strcmp(l->kind, "macvlan") == 0 ||
            strcmp(l->kind, "ipvlan") == 0);
}

static const struct world_link *next_unbound(const struct ports *p, const struct world *w)
{
    const struct world_link *best = NULL;
    for (size_t i = 0; i < w->n_link; i++) {
        const struct world_link *l = &w->link[i];
        if (eligible(l) && !bound_to(p, l->name) && (!best || l->ifindex < best->ifindex))
            best = l;
    }
    return best;
}

void ports_refresh(struct ports *p, const struct world *w)
{
    const struct world_link *l;
    unsigned number = 0;
    while (p->in_order && (l = next_unbound(p, w)) != NULL) {
        char name[INTENT_NAME];
        struct port *port;
        do {
            snprintf(name, sizeof(name), "GigabitEthernet0/%u", number++);
            port = port_get(p, name);
        } while (port && port->netdev[0]);
        if (!port)
            return;
        str_copy(port->netdev, sizeof(port->netdev), l->name);
    }
}

void ports_bind(struct ports *p, const char *text, bool asa, const struct world *w)
{
    p->asa = asa;
    p->in_order = text == NULL;
    for (size_t i = 0; i < p->n; i++)
        p->v[i]->netdev[0] = '\0';
    if (text)
        bind_text(p, text);
    ports_refresh(p, w);
}

void ports_set_intent(struct ports *p, const struct intent *in)
{
    struct port *port;
    for (size_t i = 0; i < p->n; i++)
        p->v[i]->ifp = NULL;
    for (uint32_t i = 0; i < in->n_if; i++)
        if ((port = ports_named(p, in->ifs[i].name)) != NULL)
            port->ifp = &in->ifs[i];
    for (uint32_t i = 0; i < in->n_if; i++) /* the new ones: the places of others are known now */
        if ((port = port_get(p, in->ifs[i].name)) != NULL)
            port->ifp = &in->ifs[i];
}

/* --- state
 * ---------------------------------------------------------------------------------------- */

const struct world_link *ports_link(const struct port *p, const struct world *w)
{
    return p->netdev[0] ? world_link_named(w, p->netdev) : NULL;
}

static bool has_address(const struct intent_if *i)
{
    return addr_is_set(&i->addr.addr) || i->n_addr2 || i->n_addr6 || i->unnumbered;
}

bool ports_owns(const struct port *port, const struct addr *a)
{
    for (unsigned i = 0; i < port->ifp->n_addr6; i++)
        if (addr_eq(&port->ifp->addr6[i].addr, a))
            return true;
    for (unsigned i = 0; i < port->ifp->n_addr2; i++)
        if (addr_eq(&port->ifp->addr2[i].addr, a))
            return true;
    return addr_eq(&port->ifp->addr.addr, a);
}

bool ports_active(const struct ports *p, const struct port *port)
{
    return port->ifp && !port->ifp->shutdown && has_address(port->ifp) &&
           (!p->asa || port->ifp->nameif[0]);
}

bool ports_up(const struct ports *p, const struct port *port, const struct world *w)
{
    const struct world_link *l = ports_link(port, w);
    return ports_active(p, port) && l && l->carrier &&
           (port->has_addr || port->has_addr2 || port->has_addr6 || port->ifp->unnumbered);
}

/* --- making it so
 * ----------------------------------------------------------------------------------- */

/* "Any configuration": `shutdown` alone is how an untouched interface looks. */
static bool configured(const struct intent_if *i)
{
    return i && (!i->shutdown || i->nameif[0] || has_address(i) || i->ipv6 || i->mtu || i->map);
}

void ports_trouble(struct port *p, const char *what, const struct launch_op *op)
{
    if (op && op->fails && !p->trouble[0])
        snprintf(p->trouble, sizeof(p->trouble), "%s: %s", what, op->text);
}

static void apply_link(struct port *p, const struct world_link *l, struct launch *launch)
{
    struct lr_link r;
    bool up = p->ifp && !p->ifp->shutdown;
    if (p->ifp && l->up != up) {
        memset(&r, 0, sizeof(r));
        r.ifindex = l->ifindex;
        r.set_up = 1;
        r.up = up;
        ports_trouble(p, up ? "cannot be enabled" : "cannot be shut down",
                      launch_want(launch, LR_LINK, &r, sizeof(r)));
    }
    uint32_t mtu = p->ifp && p->ifp->mtu ? p->ifp->mtu : p->mtu_was;
    if (mtu && mtu != l->mtu) {
        memset(&r, 0, sizeof(r));
        r.ifindex = l->ifindex;
        r.mtu = (uint16_t)mtu;
        ports_trouble(p, "MTU cannot be set", launch_want(launch, LR_LINK, &r, sizeof(r)));
    }
}

static const struct launch_op *want_addr(struct launch *launch, uint32_t ifindex, bool add,
                                         const struct prefix *a)
{
    struct lr_addr r;
    memset(&r, 0, sizeof(r));
    r.ifindex = ifindex;
    r.add = add;
    r.addr.addr.family = a->addr.family;
    memcpy(r.addr.addr.b, a->addr.b, addr_size(&a->addr));
    r.addr.len = a->len;
    return launch_want(launch, LR_ADDR, &r, sizeof(r));
}

/* A shut interface keeps its addresses, as it keeps its configuration. */
static bool addrs_wanted(const struct ports *ports, const struct port *p)
{
    return p->ifp && (!ports->asa || p->ifp->nameif[0]);
}

static bool is_wanted(const struct ports *ports, const struct port *p, const struct prefix *a)
{
    if (!addrs_wanted(ports, p))
        return false;
    for (unsigned i = 0; i < p->ifp->n_addr6; i++)
        if (prefix_cmp(a, &p->ifp->addr6[i]) == 0)
            return true;
    for (unsigned i = 0; i < p->ifp->n_addr2; i++)
        if (prefix_cmp(a, &p->ifp->addr2[i]) == 0)
            return true;
    for (unsigned i = 0; i < p->n_vip; i++)
        if (prefix_cmp(a, &p->vip[i]) == 0)
            return true;
    return prefix_cmp(a, &p->ifp->addr) == 0;
}

static void apply_addr(const struct ports *ports, struct port *p, const struct world_link *l,
                       const struct world *w, struct launch *launch)
{
    bool wanted = addrs_wanted(ports, p);
    for (size_t i = 0; i < w->n_addr; i++) {
        const struct world_addr *a = &w->addr[i];
        if (a->ifindex != l->ifindex || !a->ours || is_wanted(ports, p, &a->addr))
            continue;
        ports_trouble(p, "old address cannot be removed",
                      want_addr(launch, l->ifindex, false, &a->addr));
    }
    if (wanted && addr_is_set(&p->ifp->addr.addr) && !p->has_addr)
        ports_trouble(p, "address cannot be set",
                      want_addr(launch, l->ifindex, true, &p->ifp->addr));
    for (unsigned i = 0; wanted && i < p->ifp->n_addr2; i++)
        if (!(p->has_addr2 >> i & 1))
            ports_trouble(p, "secondary address cannot be set",
                          want_addr(launch, l->ifindex, true, &p->ifp->addr2[i]));
    for (unsigned i = 0; wanted && i < p->ifp->n_addr6; i++)
        if (!(p->has_addr6 >> i & 1))
            ports_trouble(p, "IPv6 address cannot be set",
                          want_addr(launch, l->ifindex, true, &p->ifp->addr6[i]));
    for (unsigned i = 0; wanted && i < p->n_vip; i++)
        if (!world_addr_on(w, l->ifindex, &p->vip[i]))
            ports_trouble(p, "virtual address cannot be set",
                          want_addr(launch, l->ifindex, true, &p->vip[i]));
}

static void look_for_addrs(const struct ports *p, struct port *port, const struct world *w,
                           const struct world_link *l)
{
    port->has_addr = false;
    port->has_addr2 = 0;
    port->has_addr6 = 0;
    if (!l || !port->managed || !addrs_wanted(p, port))
        return;
    port->has_addr =
        addr_is_set(&port->ifp->addr.addr) && world_addr_on(w, l->ifindex, &port->ifp->addr);
    for (unsigned i = 0; i < port->ifp->n_addr2; i++)
        if (world_addr_on(w, l->ifindex, &port->ifp->addr2[i]))
            port->has_addr2 |= UINT32_C(1) << i;
    for (unsigned i = 0; i < port->ifp->n_addr6; i++)
        if (world_addr_on(w, l->ifindex, &port->ifp->addr6[i]))
            port->has_addr6 |= (uint8_t)(1u << i);
}

void ports_look(struct ports *p, const struct world *w)
{
    for (size_t i = 0; i < p->n; i++) {
        struct port *port = p->v[i];
        const struct world_link *l = ports_link(port, w);
        port->trouble[0] = '\0';
        port->managed = port->managed || configured(port->ifp);
        look_for_addrs(p, port, w, l);
        if (!l && port->ifp && port->ifp->kind != IF_PORT)
            str_copy(port->trouble, sizeof(port->trouble), logical_trouble(port));
        else if (!l && port->netdev[0])
            snprintf(port->trouble, sizeof(port->trouble),
                     "its device %s is not there (see the ports file)", port->netdev);
        else if (!l && port->ifp)
            str_copy(port->trouble, sizeof(port->trouble), "this host has no such port");
    }
}

void ports_keep_mtu(struct ports *p, const struct world *w)
{
    for (size_t i = 0; i < p->n; i++) {
        struct port *port = p->v[i];
        const struct world_link *l = ports_link(port, w);
        uint32_t wanted = port->ifp ? port->ifp->mtu : 0;
        if (!l || !port->managed)
            continue;
        if (wanted && wanted != l->mtu && !port->mtu_was)
            port->mtu_was = l->mtu;
        else if (!wanted && port->mtu_was == l->mtu)
            port->mtu_was = 0; /* it has its own again */
    }
}

void ports_apply(struct ports *p, const struct world *w, struct launch *launch)
{
    ports_keep_mtu(p, w);
    for (size_t i = 0; i < p->n; i++) {
        struct port *port = p->v[i];
        const struct world_link *l = ports_link(port, w);
        if (!l || !port->managed)
            continue;
        apply_link(port, l, launch);
        apply_addr(p, port, l, w, launch);
    }
}

void ports_measure(struct ports *p, const struct world *w, usec_t now)
{
    for (size_t i = 0; i < p->n; i++) {
        struct port *port = p->v[i];
        const struct world_link *l = ports_link(port, w);
        struct world_traffic t;
        unsigned interval =
            port->ifp && port->ifp->load_interval ? port->ifp->load_interval : RATES_LONG;
        if (!l || world_traffic(w, l->ifindex, &t) < 0)
            port->rate = (struct rate_meter){0};
        else
            rates_add(&port->rate, now, &t, interval);
    }
}

void ports_tell(struct ports *p, struct log *log)
{
    for (size_t i = 0; i < p->n; i++) {
        struct port *port = p->v[i];
        if (strcmp(port->told, port->trouble) == 0)
            continue;
        str_copy(port->told, sizeof(port->told), port->trouble);
        if (port->trouble[0])
            log_line(log, LOGL_WARNING, "ports", "%s: %s", port->name, port->trouble);
        else
            log_line(log, LOGL_NOTICE, "ports", "%s: as it should be again", port->name);
    }
}
