/*
 * Devices of logical interfaces. A Loopback is a TUN that the launcher holds open and nobody
 * reads: every kernel that can run this has TUNs, and it goes when the launcher goes. A
 * sub-interface is a VLAN device on its port, where the kernel can make one.
 *
 * The device of a tunnel interface is a TUN of the datapath (crypto/shadow.h), which makes it; that
 * of a path of stateful failover is its shadow.
 *
 * Their names say what they are (tdl5: Loopback5; tdv12.30: VLAN 30 on the device with index 12;
 * tdt7: the tunnel interface whose number as a port is 7), so that an engine that follows another
 * finds them again.
 */
#ifndef TANDEM_CONTROL_WORLD_LOGICAL_H
#define TANDEM_CONTROL_WORLD_LOGICAL_H

#include "control/world/ports.h"

#define LOGICAL_TUNNEL "tdt"
#define LOGICAL_PEER   "tds" /* of IF_PEER: its shadow TUN */

/* Binds logical interfaces to their devices, asks for those that are missing, and has those
 * removed that nobody wants any more. */
void logical_apply(struct ports *p, const struct world *w, struct launch *launch);
/* What to say of a logical interface without a device; "" when there is nothing to say. */
const char *logical_trouble(const struct port *p);

#endif
