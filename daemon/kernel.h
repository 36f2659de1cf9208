/*
 * Writes to the kernel's links, addresses, routes and rules over one netlink socket (libnl-3).
 *
 * This layer knows how, not whether: limits are the broker's. Whatever it creates carries
 * TANDEM_RTPROT as its originator (RTA, FRA and IFA_PROTO; a VLAN device an alias), so that a later
 * run can tell it from what the host's other owners put there. Calls are synchronous; the kernel
 * answers at once.
 */
#ifndef TANDEM_DAEMON_KERNEL_H
#define TANDEM_DAEMON_KERNEL_H

#include "lib/launchproto.h"
#include <stdbool.h>
#include <stddef.h>

struct kernel;

struct kernel *kernel_open(void); /* NULL with errno */
void kernel_close(struct kernel *k);
/* The kernel's own words about the last refusal; "" when it gave none. */
const char *kernel_why(const struct kernel *k);

struct kernel_link {
    uint32_t ifindex;
    bool up, loopback;
    uint32_t mtu;
    uint8_t mac[6];
    char name[LAUNCH_IFNAME];
};
/* All return 0 or -errno. */
int kernel_link_get(struct kernel *k, uint32_t ifindex, struct kernel_link *out);
/* up: 1, 0, or -1 to leave it; mtu and txqlen: 0 to leave them. */
int kernel_link_set(struct kernel *k, uint32_t ifindex, int up, uint32_t mtu, uint32_t txqlen);
/* A VLAN device that is marked as ours. -EEXIST when the name is taken. */
int kernel_vlan_add(struct kernel *k, const char *name, uint32_t parent, uint16_t vlan);
/* The same: a device with a MAC address of its own on its parent; it is down. */
int kernel_macvlan_add(struct kernel *k, const char *name, uint32_t parent, const uint8_t mac[6]);
/* The index of the VLAN or macvlan device of ours that has this name, or -ENODEV. */
int kernel_vlan_find(struct kernel *k, const char *name);
int kernel_link_del(struct kernel *k, uint32_t ifindex);
int kernel_addr_add(struct kernel *k, uint32_t ifindex, const struct prefix *p);
int kernel_addr_del(struct kernel *k, uint32_t ifindex, const struct prefix *p);
/* Removes what stands on the device with our tag and is not among these n. 0 or -errno. */
int kernel_addr_keep(struct kernel *k, uint32_t ifindex, const struct prefix *v, size_t n);
/* Whether exactly this address stands on the device with our tag. 1, 0 or -errno. */
int kernel_addr_is_ours(struct kernel *k, uint32_t ifindex, const struct prefix *p);
/* Adds, or replaces one of ours; -EEXIST when the same route is there and not ours. */
int kernel_route_add(struct kernel *k, const struct lr_route *r);
/* Removes only a route with our tag. -ESRCH when there is none. */
int kernel_route_del(struct kernel *k, const struct lr_route *r);
int kernel_rule(struct kernel *k, const struct lr_rule *r); /* adds or removes by r->add */

/* Removes every rule, route, address, VLAN and macvlan device that carries our tag. Returns how
 * many, or -errno. */
int kernel_sweep(struct kernel *k);

#endif
