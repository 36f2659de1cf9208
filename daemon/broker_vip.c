/*
 * The broker's request for virtual addresses: a macvlan device on a port, with the MAC address that
 * goes with them (HSRP).
 *
 * The kernel answers ARP for any of its addresses on any device, and asks from any of them. Here
 * that would tell the world that a virtual address is at the port's own MAC address, or the port's
 * at the virtual one. So both devices answer for what stands on themselves only (arp_ignore 1), and
 * ask from the port's own address (arp_announce 2).
 */
#include "daemon/broker_priv.h"
#include "daemon/tun.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *key, *value;
} arp_of_parent[BROKER_ARP] = {{"arp_ignore", "1"}, {"arp_announce", "2"}};

static const struct {
    const char *family, *key, *value;
    bool may_lack;
} of_device[] = {
    {"ipv4", "arp_ignore", "1", false},     {"ipv4", "arp_announce", "2", false},
    {"ipv4", "rp_filter", "0", false}, /* the way back is the port */
    {"ipv4", "send_redirects", "0", false}, {"ipv6", "disable_ipv6", "1", true},
};

static void arp_path(const char *name, size_t i, char *path, size_t cap)
{
    snprintf(path, cap, "ipv4/conf/%s/%s", name, arp_of_parent[i].key);
}

static int arp_tame(struct was *w)
{
    char path[64];
    int err = 0;
    for (size_t i = 0; i < BROKER_ARP && !err; i++) {
        if (w->arp[i].changed)
            continue;
        arp_path(w->link.name, i, path, sizeof(path));
        err = sysctl_net_read(path, w->arp[i].before, sizeof(w->arp[i].before));
        if (!err)
            err = sysctl_net_write(path, arp_of_parent[i].value);
        w->arp[i].changed = err == 0;
    }
    return err;
}

void broker_arp_restore(struct was *w)
{
    char path[64];
    for (size_t i = 0; i < BROKER_ARP; i++) {
        arp_path(w->link.name, i, path, sizeof(path));
        if (w->arp[i].changed)
            sysctl_net_write(path, w->arp[i].before);
    }
}

static int device_tame(const char *name)
{
    int err = 0;
    for (size_t i = 0; i < sizeof(of_device) / sizeof(of_device[0]) && !err; i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s/conf/%s/%s", of_device[i].family, name, of_device[i].key);
        err = sysctl_net_write(path, of_device[i].value);
        err = err == -ENOENT && of_device[i].may_lack ? 0 : err;
    }
    return err;
}

static int remove_device(struct answer *a, const struct lr_vip *r)
{
    int ours = kernel_vlan_find(a->b->k, r->name);
    int err = ours > 0 ? kernel_link_del(a->b->k, (uint32_t)ours) : 0;
    return err == -ENODEV ? 0 : broker_kernel_said(a, err, "virtual addresses");
}

/* The index of the device, made if need be, or -errno with the answer written. */
static int device(struct answer *a, const struct lr_vip *r, const struct kernel_link *parent)
{
    struct kernel_link l;
    char what[64];
    int ours = kernel_vlan_find(a->b->k, r->name);
    if (ours > 0 && kernel_link_get(a->b->k, (uint32_t)ours, &l) == 0 &&
        memcmp(l.mac, r->mac, sizeof(l.mac)) == 0)
        return ours;
    if (ours > 0)
        kernel_link_del(a->b->k, (uint32_t)ours);
    snprintf(what, sizeof(what), "virtual addresses on %s", parent->name);
    int err = kernel_macvlan_add(a->b->k, r->name, parent->ifindex, r->mac);
    if (err == -EOPNOTSUPP)
        return broker_refuse(a, err, "%s: this kernel has no macvlan (modprobe macvlan)", what);
    if (err)
        return broker_kernel_said(a, err, what);
    err = device_tame(r->name);
    if (err)
        return broker_refuse(a, err, "%s: settings below /proc/sys/net: %s", what, strerror(-err));
    ours = kernel_vlan_find(a->b->k, r->name);
    return ours > 0 ? ours : broker_kernel_said(a, -ENODEV, what);
}

static int set_up(struct answer *a, const struct lr_vip *r, uint32_t ifindex)
{
    struct prefix v[LAUNCH_VIPS];
    int err = 0;
    for (size_t i = 0; i < r->n && !err; i++) {
        v[i] = (struct prefix){.addr = r->addr[i], .len = 32};
        err = kernel_addr_add(a->b->k, ifindex, &v[i]);
        err = err == -EEXIST ? 0 : err;
    }
    if (!err)
        err = kernel_addr_keep(a->b->k, ifindex, v, r->n);
    if (!err)
        err = kernel_link_set(a->b->k, ifindex, 1, 0, 0);
    return broker_kernel_said(a, err, "virtual addresses");
}

/* A MAC address of one device that is not nobody's. */
static bool mac_ok(const uint8_t mac[6])
{
    static const uint8_t none[6];
    return !(mac[0] & 1) && memcmp(mac, none, sizeof(none)) != 0;
}

int broker_do_vip(struct answer *a, const struct lr_vip *r)
{
    struct kernel_link parent;
    if (!broker_ifname_ok(r->name) ||
        strncmp(r->name, LAUNCH_VIP_NAME, strlen(LAUNCH_VIP_NAME)) != 0)
        return broker_refuse(a, -EPERM, "not a name of ours");
    if (!r->on)
        return remove_device(a, r);
    if (r->n > LAUNCH_VIPS || !mac_ok(r->mac))
        return broker_refuse(a, -EPERM, "not a virtual address");
    for (size_t i = 0; i < r->n; i++) {
        const struct prefix p = {.addr = r->addr[i], .len = 32};
        if (p.addr.family != AF_INET || !broker_addr_usable(&p))
            return broker_refuse(a, -EPERM, "not a virtual address");
    }
    if (kernel_link_get(a->b->k, r->parent, &parent) < 0 || parent.loopback)
        return broker_refuse(a, -ENODEV, "no interface with index %u", r->parent);
    struct was *w = broker_remember_link(a->b, &parent);
    int err = w ? arp_tame(w) : -ENOMEM;
    if (err)
        return broker_refuse(a, err, "ARP of %s: %s", parent.name, strerror(-err));
    int ifindex = device(a, r, &parent);
    return ifindex < 0 ? ifindex : set_up(a, r, (uint32_t)ifindex);
}
