/*
 * The HSRP groups of this box: the configured ones, bound to their interfaces, sockets and virtual
 * addresses. What one group does: group.h.
 *
 * Who depends on a group asks for it by the name that `standby N name` gave it, and listens for
 * changes:
 *
 *     const struct hsrp_group *g = hsrp_named(c, "VPN");
 *     if (g && g->state == HSRP_ACTIVE) … g->vip, g->link.name …
 */
#ifndef TANDEM_CONTROL_HSRP_HSRP_H
#define TANDEM_CONTROL_HSRP_HSRP_H

#include "control/hsrp/group.h"
#include "lib/launchproto.h"

#define HSRP_LISTENERS 8
#define HSRP_GROUPS    256 /* of a box; each has a row of the pacer */

struct control;
struct hsrp;
struct port;

int hsrp_open(struct control *c); /* 0 or -ENOMEM */
/* Resigns everywhere: the box goes down and means it. After a crash nobody calls this. */
void hsrp_close(struct control *c);
/* SOCK_HSRP or SOCK_ARP; takes fd. */
void hsrp_socket(struct control *c, enum launch_socket kind, int fd);
/* A step of a round: groups as configured, on interfaces as they are. Before the ports: who leaves
 * says so while his interface is still up. */
void hsrp_apply(struct control *c);

/* The group of this name; NULL: there is none. Good until the next round. */
const struct hsrp_group *hsrp_named(const struct control *c, const char *name);
/* The same of one interface: groups of several may share a name. */
const struct hsrp_group *hsrp_named_on(const struct control *c, const char *ifname,
                                       const char *name);
/* fn is told after each change of a group's state or of its addresses (was: the state before), also
 * of one that goes (it is in Init then). 0, or -ENOSPC after HSRP_LISTENERS. */
int hsrp_listen(struct control *c,
                void (*fn)(void *ctx, const struct hsrp_group *g, enum hsrp_state was), void *ctx);
/* Before this instant (monotonic) no group takes over from a living active router, whatever its
 * priority: the tunnels of that one would be lost. */
void hsrp_hold(struct control *c, usec_t until);
/* All groups of this box move together: none takes over from a living router while another one is
 * still on its way (hsrp_settled()). Else that router, which ends with the first group that it
 * loses, leaves one that nobody is standby in. */
void hsrp_together(struct control *c, bool on);
bool hsrp_settled(const struct control *c); /* every group has found its place */
/* A hand-over between two boxes without loss (docs/sso.md): before the one takes the active role,
 * its addresses stand, so that what the switches turn to it is not lost; the other one keeps its
 * own until it has nothing left to do. GIVING: groups in which this box is active; another router
 * that says it is active is believed, whatever its priority. TAKING: those in which it is standby.
 */
enum hsrp_handover { HSRP_NO_HANDOVER, HSRP_GIVING, HSRP_TAKING };
void hsrp_hand_over(struct control *c, enum hsrp_handover how);
/* In each group in which this box is active somebody is standby. */
bool hsrp_has_standby(const struct control *c);
bool hsrp_ready(const struct control *c); /* the addresses stand */
void hsrp_take(struct control *c);        /* TAKING: now */

/* Devices that carry virtual addresses of a port's groups, whether they are there now or not: what
 * comes in by one of them has come in by the port. Returns how many; at most cap. */
size_t hsrp_devices(const struct control *c, const struct port *p, char (*name)[LAUNCH_IFNAME],
                    size_t cap);

#endif
