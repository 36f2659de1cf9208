/*
 * Ports: the canonical names people configure, bound to devices of the host, and their addresses,
 * admin state and MTU made as wanted.
 *
 * A ports text binds by name; without one, Ethernet devices are taken in order of ifindex. A name
 * keeps its device and its number (ifid) as long as the engine lives; a device that comes later
 * gets the next name. A port without configuration is left alone altogether, and only addresses
 * that carry our tag are ever removed.
 */
#ifndef TANDEM_CONTROL_WORLD_PORTS_H
#define TANDEM_CONTROL_WORLD_PORTS_H

#include "control/intent.h"
#include "control/launch.h"
#include "control/world/rates.h"
#include "control/world/world.h"

#define PORTS_MAX TANDEM_IFIDS
#define PORT_VIPS 8

struct port {
    char name[INTENT_NAME];
    char netdev[LAUNCH_IFNAME]; /* as bound; the device may be absent */
    const struct intent_if *ifp;
    uint32_t ifid;      /* 1 … */
    bool logical;       /* its device is made for it */
    bool managed;       /* had configuration once: its admin state is ours */
    bool has_addr;      /* the wanted IPv4 address stands on the device */
    uint32_t has_addr2; /* bit i: the secondary address number i does */
    uint8_t has_addr6;  /* bit i: the IPv6 address number i does */
    uint32_t mtu_was;   /* before we changed it; 0 = we did not */
    struct rate_meter rate;
    uint32_t mtu_kept, mtu_index; /* what the journal has of it, and of which device */
    struct prefix vip[PORT_VIPS]; /* addresses of groups, as long as they are ours (hsrp/vip.c) */
    uint8_t n_vip;
    bool told_state, told_shut, told_line, told_proto; /* what was said of it (log/events.h) */
    usec_t link_at, proto_at;                          /* when more is to be said */
    char trouble[160];                                 /* for people */
    char told[160]; /* the trouble that the log has been told about */
};

struct ports {
    size_t n;
    struct port *v[PORTS_MAX];
    bool asa, in_order;
};

void ports_free(struct ports *p);
/* Replaces the binding: text, or NULL for "in order". */
void ports_bind(struct ports *p, const char *text, bool asa, const struct world *w);
/* Names devices that came since, when bound in order. */
void ports_refresh(struct ports *p, const struct world *w);
/* Points ports at their configuration; those that only the intent knows are added, without a
 * device (logical.h may make one). */
void ports_set_intent(struct ports *p, const struct intent *i);
struct port *ports_named(const struct ports *p, const char *name);
struct port *ports_by_ifid(const struct ports *p, uint32_t ifid);
const struct world_link *ports_link(const struct port *p, const struct world *w);
/* True when nobody has typed it, and nobody sees it. */
static inline bool ports_hidden(const struct port *p)
{
    return p->ifp && p->ifp->kind == IF_PEER;
}
/* True when the port takes part in forwarding: configured, and on the ASA named. */
bool ports_active(const struct ports *p, const struct port *port);
/* Link, name and an address are there, so routes over it count. */
bool ports_up(const struct ports *p, const struct port *port, const struct world *w);
/* Is this one of its configured addresses? */
bool ports_owns(const struct port *port, const struct addr *a);

/* Writes what keeps a wanted state from being true, unless something is written already. op:
 * the request concerned, NULL or never refused = nothing to say. */
void ports_trouble(struct port *p, const char *what, const struct launch_op *op);
/* Notes which addresses are there and what devices are missing; a round starts with it. */
void ports_look(struct ports *p, const struct world *w);
/* Notes the MTU of devices that are about to get another one, before anybody is asked. */
void ports_keep_mtu(struct ports *p, const struct world *w);
/* Compares and asks the launcher for what differs. */
void ports_apply(struct ports *p, const struct world *w, struct launch *l);
/* One more sample of what goes over each. */
void ports_measure(struct ports *p, const struct world *w, usec_t now);
/* One log line for each port whose trouble is new, or over. */
void ports_tell(struct ports *p, struct log *log);

#endif
