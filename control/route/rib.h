/*
 * The routing table as the box sees it: connected, local and static routes, the best of each
 * prefix. Pure: interfaces and wanted routes in, routes in force out.
 *
 * An interface that is down takes its connected, local and static routes with it
 * (semantics.md §8). Of several static routes for one prefix the lowest distance wins; between
 * equals the first configured. Distance 255 is never used. `tunneled` routes stand beside the
 * others: they are for decrypted traffic only. A route of an SA (rri.h) may have a gateway behind
 * others, and so may a static one of IOS: it holds while a route leads to its gateway.
 */
#ifndef TANDEM_CONTROL_ROUTE_RIB_H
#define TANDEM_CONTROL_ROUTE_RIB_H

#include "control/query.h"

struct rib_if {
    const struct intent_if *ifp;
    uint32_t up2; /* bit i: its secondary address number i counts */
    bool up;      /* its IPv4 address counts */
    uint8_t up6;  /* bit i: its IPv6 address number i counts */
    bool link6;   /* IPv6 is spoken on its link */
};

struct rib {
    struct query_route *v; /* by prefix; tunneled after the normal one */
    size_t n, cap;
};

void rib_free(struct rib *r);
/* Rebuilds *r; ages of routes that stay are kept. 0 or -ENOMEM (then *r is as before). */
int rib_build(struct rib *r, const struct rib_if *ifs, size_t n_if,
              const struct intent_route *routes, size_t n_routes, usec_t now);

/* The route to exactly this prefix that decrypted traffic need not have; NULL: none. */
const struct query_route *rib_find(const struct rib *r, const struct prefix *dst);

#endif
