/* What FRR's ospfd says, as text: its routes, and changes of neighbours. Pure and bounded. */
#ifndef TANDEM_CONTROL_OSPF_LEARN_H
#define TANDEM_CONTROL_OSPF_LEARN_H

#include "control/query.h"

#define OSPF_STATE 16

/* A way of a route of OSPF's; those of one route stand together. What is directly connected is left
 * out: the box has it itself. */
struct ospf_route {
    struct prefix dst;
    struct addr gateway;
    char netdev[16];
    enum ospf_path path;
    uint32_t metric, tag;
};

struct ospf_routes {
    struct ospf_route *v;
    size_t n, cap;
};

void ospf_routes_free(struct ospf_routes *r);
/* Reads `show ip ospf route json`. 0, or -errno: then *out is empty. */
int ospf_read_routes(const char *text, size_t len, struct ospf_routes *out);

/* A neighbour took another state, as ospfd's log has it. */
struct ospf_change {
    struct addr neighbor; /* its router id */
    char netdev[16];
    char from[OSPF_STATE], to[OSPF_STATE]; /* as IOS writes them: "FULL", "DOWN" */
    const char *why;                       /* the same: "Loading Done" */
};
/* False: the line is about something else. */
bool ospf_read_change(const char *line, struct ospf_change *out);

#endif
