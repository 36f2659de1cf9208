/*
 * OSPF's configuration as FRR reads it. Pure.
 *
 * It is made new from what is wanted, whenever something may have changed, and compared line by
 * line with what ospfd was told: ospf_diff() has the commands that lead from one to the other.
 *
 * Interfaces are named one by one, and no `network` line is used: the devices of the host that are
 * no ports of the box never take part, and the rules of IOS decide which do.
 */
#ifndef TANDEM_CONTROL_OSPF_CONFIG_H
#define TANDEM_CONTROL_OSPF_CONFIG_H

#include "control/query.h"
#include "lib/str.h"

struct ospf_view {
    const struct intent *intent;
    struct addr id;                  /* of the router */
    const struct query_route *route; /* the routes in force */
    size_t n_route;
    /* The device of an interface, NULL while it has none. */
    const char *(*netdev)(void *ctx, const struct intent_if *ifp);
    void *ctx;
};

/* The router's name where none is configured: the highest address of a loopback, else the highest
 * of all (RFC 2328 appendix C.1 leaves the choice open; this is the platform's). */
struct addr ospf_choose_id(const struct ospf_view *v);
/* What an interface costs. */
uint32_t ospf_cost(const struct intent_if *ifp);
/* The whole configuration; lines of a block begin with a blank. */
void ospf_config(const struct ospf_view *v, struct str *out);
/* One command per line: from the configuration `old` to `new`. */
void ospf_diff(const char *old, const char *new, struct str *out);

#endif
