/*
 * Probes of this box: sla.h bound to the engine's sockets, timers, ports and routes.
 *
 * All echo probes share one socket of each kind. A probe that is bound to an interface (ASA) goes
 * out by it whatever the routing says, with TANDEM_PROBE_MARK: that is past the crypto table, and
 * to the gateway of the static routes of that interface even while a tracked object keeps them out
 * of `main`; TANDEM_PROBE_TABLE has them. Other probes are routed, and protected, like any packet
 * of the box.
 */
#ifndef TANDEM_CONTROL_SLA_WIRE_H
#define TANDEM_CONTROL_SLA_WIRE_H

#include "control/sla/sla.h"
#include "lib/launchproto.h"

struct control;
struct sla_wire;

int sla_open(struct control *c); /* 0 or -errno */
void sla_close(struct control *c);
/* Results of the engine before, from its journal; before the first configuration. */
void sla_adopt(struct control *c);
/* One of the launcher's sockets for probes; takes fd. */
void sla_set_socket(struct control *c, enum launch_socket kind, int fd);

/* path.c */
struct sla_paths {
    struct sla_path *v;
    size_t n;
    bool bound; /* there is a probe of an interface */
};
/* Finds the gateways of bound probes, for a new intent. */
void sla_paths_find(struct sla_paths *p, const struct intent *i);
/* The routes of TANDEM_PROBE_TABLE, in their order (world_route_cmp). */
void sla_each_route(const struct control *c, void (*fn)(void *ctx, const struct lr_route *r),
                    void *ctx);

#endif
