/*
 * Generic routing encapsulation (RFC 2784, key of RFC 2890) over IPv4: what a tunnel interface puts
 * around a packet before it is protected, and takes off again. Pure.
 *
 * The wrapped packet is one between the tunnel's two ends; policy, SA and ESP see nothing else.
 */
#ifndef TANDEM_DATAPLANE_GRE_H
#define TANDEM_DATAPLANE_GRE_H

#include "dataplane/pkt.h"
#include "dataplane/sadb.h"

#define GRE_MOST 28 /* bytes that are put in front: IPv4, GRE, key */

struct gre {
    struct addr local, remote; /* IPv4 */
    uint32_t key;
    uint8_t has_key;
    uint16_t id; /* of the last packet */
};

/* Bytes in front of the packet that it carries. */
uint32_t gre_overhead(const struct gre *g);
/* Puts outer headers in front of the IPv4 or IPv6 packet at p->data. False: it is neither, or too
 * long. */
bool gre_wrap(struct gre *g, struct pkt *p);
/* Takes them off a whole IPv4 packet. False: it is no packet of this tunnel (another end or key, a
 * fragment, routing or sequence numbers, neither IPv4 nor IPv6 inside), or lies about lengths. */
bool gre_unwrap(const struct gre *g, struct pkt *p);

#endif
