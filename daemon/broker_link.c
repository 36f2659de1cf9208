/*
 * The broker's requests for the host's interfaces: their state, MTU and addresses.
 *
 * How a link was before we first touched it, and each address we were asked for, is remembered, so
 * that it can be put back.
 */
#include "daemon/broker_priv.h"
#include "daemon/tun.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINKS 4096
#define ADDRS 16384

static int link_of(struct answer *a, uint32_t ifindex, struct kernel_link *l)
{
    int err = kernel_link_get(a->b->k, ifindex, l);
    return err ? broker_refuse(a, err, "no interface with index %u", ifindex) : 0;
}

/* --- links ---------------------------------------------------------------------------------- */

static int set_ipv6_off(const char *name, bool off)
{
    char path[64];
    snprintf(path, sizeof(path), "ipv6/conf/%s/disable_ipv6", name);
    return sysctl_net_write(path, off ? "1" : "0");
}

struct was *broker_remember_link(struct broker *b, const struct kernel_link *l)
{
    for (struct was *w = b->links; w; w = w->next)
        if (w->link.ifindex == l->ifindex)
            return w;
    struct was *w = b->n_links < LINKS ? (struct was *)calloc(1, sizeof(*w)) : NULL;
    if (!w)
        return NULL;
    *w = (struct was){.next = b->links, .link = *l};
    b->links = w;
    b->n_links++;
    return w;
}

int broker_do_link(struct answer *a, const struct lr_link *r)
{
    struct kernel_link l;
    char what[64];
    int err = link_of(a, r->ifindex, &l);
    if (err)
        return err;
    if (l.loopback)
        return broker_refuse(a, -EPERM, "%s is the loopback: not ours to change", l.name);
    if (r->mtu && r->mtu < MTU_MIN)
        return broker_refuse(a, -EPERM, "MTU %u is below the least that IPv4 allows (%u)", r->mtu,
                             MTU_MIN);
    if (!broker_remember_link(a->b, &l))
        return broker_refuse(a, -ENOMEM, "too many interfaces");
    snprintf(what, sizeof(what), "interface %s", l.name);
    return broker_kernel_said(
        a, kernel_link_set(a->b->k, r->ifindex, r->set_up ? r->up != 0 : -1, r->mtu, 0), what);
}

void broker_restore_links(struct broker *b)
{
    while (b->links) {
        struct was *w = b->links;
        struct kernel_link now;
        b->links = w->next;
        if (w->ipv6_off)
            set_ipv6_off(w->link.name, true);
        broker_arp_restore(w);
        if (kernel_link_get(b->k, w->link.ifindex, &now) == 0) {
            uint32_t mtu = now.mtu != w->link.mtu ? w->link.mtu : 0;
            /* Up again what was up; but what is up now may carry others' routes: it stays. */
            int up = w->link.up && !now.up ? 1 : -1;
            if (mtu || up >= 0)
                kernel_link_set(b->k, w->link.ifindex, up, mtu, 0);
        }
        free(w);
    }
    b->n_links = 0;
}

/* --- addresses ------------------------------------------------------------------------------- */

static struct held **held_find(struct broker *b, uint32_t ifindex, const struct prefix *p)
{
    struct held **h = &b->addrs;
    while (*h &&
           ((*h)->ifindex != ifindex || (*h)->p.len != p->len || !addr_eq(&(*h)->p.addr, &p->addr)))
        h = &(*h)->next;
    return h;
}

/* ::, ::1, and what embeds an IPv4 address there. */
static bool addr_is_low6(const struct addr *a)
{
    static const uint8_t zero[10];
    return memcmp(a->b, zero, sizeof(zero)) == 0;
}

bool broker_addr_usable(const struct prefix *p)
{
    if (p->addr.family == AF_INET6)
        return p->len >= 1 && p->len <= 128 && p->addr.b[0] != 0xff &&
               !addr_is_link_local(&p->addr) && !addr_is_low6(&p->addr);
    uint32_t v4 = addr_v4(&p->addr);
    return p->addr.family == AF_INET && p->len >= 1 && p->len <= 32 && v4 >> 24 != 0 &&
           v4 >> 24 != 127 && v4 >> 24 < 224;
}

/* Where IPv6 is turned off on the device, an address of it turns it on. */
static int kernel_addr(struct broker *b, const struct kernel_link *l, const struct prefix *p)
{
    int err = kernel_addr_add(b->k, l->ifindex, p);
    struct was *w =
        err == -EACCES && p->addr.family == AF_INET6 ? broker_remember_link(b, l) : NULL;
    if (!w)
        return err;
    w->ipv6_off = set_ipv6_off(l->name, false) == 0;
    return kernel_addr_add(b->k, l->ifindex, p);
}

static int addr_add(struct answer *a, const struct lr_addr *r, const struct kernel_link *l,
                    const char *what)
{
    struct broker *b = a->b;
    struct held **at = held_find(b, r->ifindex, &r->addr);
    int err = kernel_addr(b, l, &r->addr);
    if (err && err != -EEXIST)
        return broker_kernel_said(a, err, what);
    if (*at) {
        (*at)->foreign &= err == -EEXIST;
        return 0;
    }
    struct held *h = b->n_addrs < ADDRS ? (struct held *)calloc(1, sizeof(*h)) : NULL;
    if (!h) {
        if (!err)
            kernel_addr_del(b->k, r->ifindex, &r->addr);
        return broker_refuse(a, -ENOMEM, "too many addresses");
    }
    *h = (struct held){.ifindex = r->ifindex, .p = r->addr};
    h->foreign = err == -EEXIST && kernel_addr_is_ours(b->k, r->ifindex, &r->addr) != 1;
    *at = h;
    b->n_addrs++;
    return 0;
}

static int addr_del(struct answer *a, const struct lr_addr *r, const char *what)
{
    struct broker *b = a->b;
    struct held **at = held_find(b, r->ifindex, &r->addr), *h = *at;
    if (!h)
        return broker_refuse(a, -EPERM, "%s is not an address of ours", what);
    int err = h->foreign ? 0 : kernel_addr_del(b->k, r->ifindex, &r->addr);
    if (err && err != -EADDRNOTAVAIL && err != -ENODEV)
        return broker_kernel_said(a, err, what);
    *at = h->next;
    b->n_addrs--;
    free(h);
    return 0;
}

int broker_do_addr(struct answer *a, const struct lr_addr *r)
{
    char p[PREFIX_STRLEN], what[PREFIX_STRLEN + LAUNCH_IFNAME + 16];
    struct kernel_link l;
    if (!broker_addr_usable(&r->addr))
        return broker_refuse(a, -EPERM, "not a unicast address with its mask");
    prefix_print(&r->addr, p, sizeof(p));
    if (kernel_link_get(a->b->k, r->ifindex, &l) < 0) {
        if (r->add)
            return broker_refuse(a, -ENODEV, "no interface with index %u", r->ifindex);
        l = (struct kernel_link){0};
        snprintf(l.name, sizeof(l.name), "#%u", r->ifindex);
    }
    if (l.loopback && r->add)
        return broker_refuse(a, -EPERM, "%s is the loopback: not ours to change", l.name);
    snprintf(what, sizeof(what), "address %s on %s", p, l.name);
    return r->add ? addr_add(a, r, &l, what) : addr_del(a, r, what);
}

void broker_forget_addrs(struct broker *b)
{
    while (b->addrs) {
        struct held *h = b->addrs;
        b->addrs = h->next;
        if (!h->foreign) /* a kernel before 5.18 keeps no tag: the list is what we have */
            kernel_addr_del(b->k, h->ifindex, &h->p);
        free(h);
    }
    b->n_addrs = 0;
}

/* --- VLAN devices ---------------------------------------------------------------------------- */

/* The engine names them by parent and VLAN, so one of ours that has the name is what it wants. */
int broker_do_vlan(struct answer *a, const struct lr_vlan *r)
{
    char what[96];
    struct kernel_link l;
    if (!broker_ifname_ok(r->name))
        return broker_refuse(a, -EPERM, "not an interface name");
    if (r->vlan < 1 || r->vlan > 4094)
        return broker_refuse(a, -EPERM, "VLAN %u is outside of 1..4094", r->vlan);
    int ours = kernel_vlan_find(a->b->k, r->name);
    if (!r->add) {
        int err = ours > 0 ? kernel_link_del(a->b->k, (uint32_t)ours) : 0;
        return err == -ENODEV ? 0 : broker_kernel_said(a, err, "VLAN device");
    }
    if (ours > 0)
        return 0;
    int err = link_of(a, r->parent, &l);
    if (err)
        return err;
    err = kernel_vlan_add(a->b->k, r->name, r->parent, r->vlan);
    if (err == -EOPNOTSUPP)
        return broker_refuse(a, err, "VLAN %u on %s: this kernel has no VLANs (modprobe 8021q)",
                             r->vlan, l.name);
    snprintf(what, sizeof(what), "VLAN %u on %s", r->vlan, l.name);
    return broker_kernel_said(a, err, what);
}
