/*
 * The world as the kernel tells it: links, addresses, and those routes and rules that carry our
 * tag. Reading only; it needs no rights. A monitor socket keeps the picture fresh, and a dump
 * replaces it where the kernel says nothing (routes that go with their interface) or where
 * messages were lost.
 */
#ifndef TANDEM_CONTROL_WORLD_WORLD_H
#define TANDEM_CONTROL_WORLD_WORLD_H

#include "lib/launchproto.h"
#include "lib/log.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;
struct event_base;
struct nl_sock;

struct world_link {
    uint32_t ifindex, mtu;
    char name[LAUNCH_IFNAME];
    char kind[16]; /* of a virtual link: "veth", "bridge", …; "" for hardware */
    bool ether, up, carrier;
    uint8_t mac[6];
};

struct world_addr {
    uint32_t ifindex;
    struct prefix addr; /* host bits kept */
    bool ours;          /* carries our tag */
};

/* Requests without an id say what stands in the kernel. `serial` orders news about one route. */
struct world_route {
    struct lr_route r;
    uint32_t serial;
    bool gone;
};

struct world {
    struct log *log;
    struct nl_sock *monitor, *dump;
    struct event *ev;
    void (*changed)(void *ctx);
    void *ctx;
    struct world_link *link;
    struct world_addr *addr;
    struct world_route *route; /* after world_settle(): by table and destination, none gone */
    struct lr_rule *rule;
    size_t n_link, n_addr, n_route, n_rule;
    size_t n_settled; /* so many of the routes are in order */
    size_t cap_link, cap_addr, cap_route, cap_rule;
    uint32_t serial;
    bool routes_dirty, routes_stale, all_stale;
    bool ipv6; /* the kernel speaks it */
};

/* Whatever is asked for with them. */
bool world_same_rule(const struct lr_rule *a, const struct lr_rule *b);
/* Opens the sockets and reads everything once. changed() is called from the loop, maybe often.
 * 0 or -errno; world_settle() tries again. */
int world_open(struct world *w, struct event_base *base, struct log *log, void (*changed)(void *),
               void *ctx);
void world_close(struct world *w);
/* Brings the picture up to date before somebody compares with it. */
void world_settle(struct world *w);

/* What the kernel has counted on a device, read now. */
struct world_traffic {
    uint64_t rx_packets, rx_bytes, rx_dropped, rx_errors;
    uint64_t tx_packets, tx_bytes, tx_dropped, tx_errors;
};
/* 0 or -errno. */
int world_traffic(const struct world *w, uint32_t ifindex, struct world_traffic *out);

const struct world_link *world_link_named(const struct world *w, const char *name);
const struct world_link *world_link_at(const struct world *w, uint32_t ifindex);
const struct world_addr *world_addr_on(const struct world *w, uint32_t ifindex,
                                       const struct prefix *p);
/* Order of routes: table, destination, metric. */
int world_route_cmp(const struct lr_route *a, const struct lr_route *b);

#endif
