/*
 * The routing table as the box sees it: connected, local and static routes, the best of each
 * prefix. Pure: interfaces and wanted routes in, routes in force out.
 *
 * An interface that is down takes its connected, local and static routes with it
 * (semantics.md §8), except what is `permanent`: that stays once it was there, and leads nowhere
 * meanwhile. A route that follows a tracked object is used while that is up. Of several static
 * routes for one prefix the lowest distance wins; equals share the prefix, RIB_PATHS at most, in
 * the order of the configuration. Distance 255 is never used. `tunneled` routes stand beside the
 * others: they are for decrypted traffic only. A route of an SA (rri.h) may have a gateway behind
 * others, and so may a static one of IOS: it holds while a route leads to its gateway, and while
 * it does not get there by itself, through whatever others.
 *
 * Building is one pass over sorted routes, so that one change among ten thousand costs as little
 * as it does: static routes are sorted once per configuration.
 */
#ifndef TANDEM_CONTROL_ROUTE_RIB_H
#define TANDEM_CONTROL_ROUTE_RIB_H

#include "control/query.h"

#define RIB_PATHS 4 /* maximum-paths of IOS; the ASA has three */

struct rib_if {
    const struct intent_if *ifp;
    uint32_t up2; /* bit i: its secondary address number i counts */
    bool up;      /* its IPv4 address counts */
    uint8_t up6;  /* bit i: its IPv6 address number i counts */
    bool link6;   /* IPv6 is spoken on its link */
};

/* What changes between two builds. */
struct rib_in {
    const struct rib_if *ifs;
    size_t n_if;
    const struct intent_route *vpn; /* of SAs */
    size_t n_vpn;
    const struct query_route *found; /* by a routing protocol */
    size_t n_found;
    bool (*tracked)(void *ctx, uint32_t number); /* is this object up? NULL: none is */
    void *ctx;
    usec_t now;
};

struct rib_wish; /* rib.c: a route that may come into force */

struct rib {
    struct query_route *v; /* by prefix; tunneled after the normal ones; paths in their order */
    uint32_t *around;      /* of each: the one before it in the next wider prefix, + 1; 0 = none */
    size_t n, cap;
    struct query_route *spare; /* what the next table is written to */
    uint32_t *spare_around;
    size_t spare_cap;
    struct rib_wish *fixed; /* static routes of the configuration, sorted */
    size_t n_fixed;
    struct prefix *moved; /* where the last build changed something, sorted */
    size_t n_moved, cap_moved;
    uint64_t builds; /* that changed something */
    bool looped;     /* routes were left out as they led to each other's gateways */
};

void rib_free(struct rib *r);
/* Takes the static routes of a configuration, which must stay until the next call. 0 or -ENOMEM
 * (then there are none). */
int rib_set_static(struct rib *r, const struct intent_route *routes, size_t n);
/* Rebuilds *r; ages of routes that stay are kept. What the last build was given must still be
 * there. 0 or -ENOMEM (then the table is empty). */
int rib_build(struct rib *r, const struct rib_in *in);

/* The first route to exactly this prefix, or to the longest prefix around an address, for which
 * routes of SAs do not count: they lead to what those protect. Tunneled ones never count. NULL:
 * none. */
const struct query_route *rib_find(const struct rib *r, const struct prefix *dst);
const struct query_route *rib_lookup(const struct rib *r, const struct addr *a);
/* Has the last build changed anything about the routes that lead to this address? If so, compare
 * rib_lookup() with what was known before. */
bool rib_moved(const struct rib *r, const struct addr *a);

#endif
