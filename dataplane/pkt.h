/*
 * A packet on its way through the datapath, and the vectors it travels in.
 *
 * Packets are read in vectors of up to PKT_BATCH into buffers that were allocated at start
 * and are worked on in place: PKT_HEAD bytes before and PKT_TAIL bytes behind the data leave
 * room for the outer header, IV, padding and ICV. Every stage takes an array of pointers to
 * packets, marks the ones it drops with a cause, and the path sorts the survivors out.
 */
#ifndef TANDEM_DATAPLANE_PKT_H
#define TANDEM_DATAPLANE_PKT_H

#include "dataplane/dpstats.h"
#include "lib/addr.h"
#include <stddef.h>
#include <stdint.h>

#define PKT_BATCH 64
#define PKT_HEAD  160 /* vnet header, GRE, outer IPv6 + UDP or AH + ESP + IV fit */
#define PKT_TAIL  384 /* 255 bytes of padding, trailer, 4 of ESN, 32 of ICV */
#define PKT_DATA  65536
#define PKT_ROOM  (PKT_HEAD + PKT_DATA + PKT_TAIL)

#define PKT_OK DP_CAUSES /* pkt.cause of a packet that nobody dropped */

#define FLOW_NO_PORTS 0x01u /* a later fragment: only addresses and protocol are known */

/* What selectors look at, seen from this box. No padding: compared and hashed as bytes. */
struct flow {
    struct addr local, remote;
    uint8_t proto;
    uint8_t flags;         /* FLOW_* */
    uint16_t lport, rport; /* host order; ICMP: type<<8|code in both */
};
_Static_assert(sizeof(struct flow) == 2 * sizeof(struct addr) + 6, "flow has no padding");

struct sa;
struct policy;

struct pkt {
    uint8_t *buf;  /* PKT_ROOM bytes */
    uint8_t *data; /* where the packet, or what is left of it, starts */
    /* The outer IP header where it is in the buffer: of a raw socket's packet as it came; what
     * transport mode or AH wrote. NULL: the kernel had it, or will write it. */
    uint8_t *head;
    uint32_t len;
    uint8_t cause; /* enum dp_cause, or PKT_OK */
    uint8_t proto; /* of what `data` starts with, between IP and the inner packet */
    uint8_t hlen;  /* bytes at `head`, options and extension headers included */
    uint8_t ttl;   /* of the outer header; outgoing: 0 = the usual */
    uint8_t udp;   /* came in, or goes out, in UDP 4500 */
    uint8_t tos;   /* of the outer header */
    uint8_t df;    /* of the outer header */
    uint16_t lport, rport;
    uint32_t mtu;              /* outgoing without df: longer ones are cut; 0 = never */
    uint32_t payload;          /* bytes of the inner packet, for the counters */
    struct addr local, remote; /* outer addresses */
    uint64_t seq;
    struct sa *sa;
    struct policy *policy;
    struct flow flow;
};

struct pktvec {
    size_t n;
    struct pkt p[PKT_BATCH];
};

/* NULL on exhaustion. */
struct pktvec *pktvec_new(void);
void pktvec_free(struct pktvec *v);
/* An empty packet that starts PKT_HEAD bytes into its buffer. */
void pkt_reset(struct pkt *p);

#endif
