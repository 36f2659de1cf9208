/*
 * Virtual addresses. The active router has them on a device with the virtual MAC address, a macvlan
 * that the launcher makes on the group's port when the group becomes active, and takes away when it
 * is not any more. With `standby use-bia` they stand on the port itself (ports.h).
 */
#include "control/hsrp/host_priv.h"
#include "lib/str.h"
#include <stdio.h>
#include <string.h>

static void device_name(const struct hsrp_member *m, char name[LAUNCH_IFNAME])
{
    snprintf(name, LAUNCH_IFNAME, LAUNCH_VIP_NAME "%u.%u", m->ifindex % 1000000,
             m->g.cfg.number % 4096u);
}

static bool wants_device(const struct hsrp_member *m)
{
    return (m->g.state == HSRP_ACTIVE || m->keeps) && m->ifindex && addr_is_set(&m->g.vip) &&
           (!m->g.cfg.use_bia || m->g.cfg.has_mac);
}

static size_t addresses(const struct hsrp_group *g, struct addr v[LAUNCH_VIPS])
{
    size_t n = 0;
    v[n++] = g->vip;
    for (unsigned i = 0; i < g->cfg.n_second; i++)
        v[n++] = g->cfg.second[i];
    return n;
}
_Static_assert(LAUNCH_VIPS == 1 + HSRP_SECONDS, "a request has room for all of a group");

static const struct launch_op *ask(struct hsrp *h, const char *name, const struct hsrp_member *m)
{
    struct lr_vip r;
    memset(&r, 0, sizeof(r));
    str_copy(r.name, sizeof(r.name), name);
    if (m) {
        struct addr v[LAUNCH_VIPS];
        r.on = 1;
        r.turn = m->g.changes;
        r.parent = m->ifindex;
        hsrp_group_mac(&m->g, r.mac);
        r.n = (uint8_t)addresses(&m->g, v);
        for (unsigned i = 0; i < r.n; i++)
            r.addr[i] = v[i];
    }
    return launch_want(&h->c->launch, LR_VIP, &r, sizeof(r));
}

void hsrp_vip(struct hsrp *h, const struct hsrp_member *m)
{
    char name[LAUNCH_IFNAME];
    if (!m->ifindex)
        return; /* with the port the device has gone */
    device_name(m, name);
    if (wants_device(m))
        ask(h, name, m);
    else if (world_link_named(&h->c->world, name))
        ask(h, name, NULL);
}

/* As it should be, no more and no less. */
static bool stands(const struct world *w, const char *name, const struct hsrp_member *m)
{
    const struct world_link *l = world_link_named(w, name);
    struct addr v[LAUNCH_VIPS];
    uint8_t mac[HSRP_MAC];
    size_t n = addresses(&m->g, v), have = 0;
    hsrp_group_mac(&m->g, mac);
    if (!l || !l->up || memcmp(l->mac, mac, HSRP_MAC) != 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!world_addr_on(w, l->ifindex, &(struct prefix){.addr = v[i], .len = 32}))
            return false;
    for (size_t i = 0; i < w->n_addr; i++)
        have += w->addr[i].ifindex == l->ifindex && w->addr[i].ours;
    return have == n;
}

static const struct hsrp_member *owner(const struct hsrp *h, const char *device)
{
    char name[LAUNCH_IFNAME];
    for (unsigned i = 0; i < h->n; i++) {
        if (!h->member[i] || !wants_device(h->member[i]))
            continue;
        device_name(h->member[i], name);
        if (strcmp(name, device) == 0)
            return h->member[i];
    }
    return NULL;
}

/* On the port itself: ports_apply() puts them there. */
static void on_port(struct hsrp *h, const struct hsrp_member *m)
{
    struct port *p = ports_named(&h->c->ports, m->g.link.name);
    struct addr v[LAUNCH_VIPS];
    if (!p || m->g.state != HSRP_ACTIVE || !addr_is_set(&m->g.vip) || wants_device(m))
        return;
    size_t n = addresses(&m->g, v);
    for (size_t i = 0; i < n && p->n_vip < PORT_VIPS; i++)
        p->vip[p->n_vip++] = (struct prefix){.addr = v[i], .len = 32};
}

void hsrp_vips(struct hsrp *h)
{
    const struct world *w = &h->c->world;
    char name[LAUNCH_IFNAME];
    for (size_t i = 0; i < h->c->ports.n; i++)
        h->c->ports.v[i]->n_vip = 0;
    for (unsigned i = 0; i < h->n; i++) {
        const struct hsrp_member *m = h->member[i];
        if (!m)
            continue;
        on_port(h, m);
        device_name(m, name);
        struct port *p = ports_named(&h->c->ports, m->g.link.name);
        if (wants_device(m) && !stands(w, name, m) && p)
            ports_trouble(p, "virtual address cannot be set", ask(h, name, m));
    }
    for (size_t i = 0; i < w->n_link; i++)
        if (strncmp(w->link[i].name, LAUNCH_VIP_NAME, strlen(LAUNCH_VIP_NAME)) == 0 &&
            !owner(h, w->link[i].name))
            ask(h, w->link[i].name, NULL);
}

bool hsrp_vip_stands(const struct hsrp *h, const struct hsrp_member *m)
{
    char name[LAUNCH_IFNAME];
    device_name(m, name);
    return !wants_device(m) || stands(&h->c->world, name, m);
}

size_t hsrp_devices(const struct control *c, const struct port *p, char (*name)[LAUNCH_IFNAME],
                    size_t cap)
{
    size_t n = 0;
    for (unsigned i = 0; i < c->hsrp->n && n < cap; i++) {
        const struct hsrp_member *m = c->hsrp->member[i];
        if (m && m->ifindex && strcmp(m->g.link.name, p->name) == 0)
            device_name(m, name[n++]);
    }
    return n;
}
