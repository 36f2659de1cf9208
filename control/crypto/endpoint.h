/*
 * Where the tunnels of an interface's crypto map end on this box: at the interface's addresses, at
 * those of another one (`crypto map N local-address`), or at the virtual address of a standby group
 * (`crypto map N redundancy GROUP` on the interface). Those of a tunnel interface end at its
 * source.
 *
 * A virtual address is ours only while the group is active here. Otherwise another box has it: then
 * nothing is begun and nothing answered, nothing leaves from it, and what SAs there were have ended
 * without a word. Packets that the map protects are dropped, never sent in clear.
 */
#ifndef TANDEM_CONTROL_CRYPTO_ENDPOINT_H
#define TANDEM_CONTROL_CRYPTO_ENDPOINT_H

#include "control/intent.h"
#include "control/world/ports.h"

struct control;

int endpoint_open(struct control *c); /* after hsrp_open(); 0 or -errno */
/* The address of this box in tunnels with peers of a family; unset: none. It may be elsewhere. */
struct addr endpoint_addr(const struct control *c, const struct intent_if *ifp, uint8_t family);
/* Tunnels of the interface's map may be here. */
bool endpoint_here(const struct control *c, const struct intent_if *ifp);
/* Where they end; v has room for INTENT_ADDRS. Returns how many: none while they are not here. */
size_t endpoint_addrs(const struct control *c, const struct intent_if *ifp, struct addr *v);
/* The interface whose map has tunnels on this path, here: the tunnel interface between the two
 * addresses, else the one with a map. NULL: there is none. */
struct port *endpoint_port(const struct control *c, const struct ike_path *p);
/* The interface with a virtual address that tunnels have here; NULL: none has this one. */
struct port *endpoint_vip_port(const struct control *c, const struct addr *local);
/* Peers that have to do with this address may be told something: we have it, whatever for. */
bool endpoint_stays(const struct control *c, const struct addr *local);
/* False: a virtual address that another box has, or nobody. */
bool endpoint_is_ours(const struct control *c, const struct addr *local);

#endif
