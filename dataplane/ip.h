/*
 * The little of IP that the packet path needs: reading the flow out of an inner packet,
 * selectors, and building or correcting IPv4 headers. Pure.
 */
#ifndef TANDEM_DATAPLANE_IP_H
#define TANDEM_DATAPLANE_IP_H

#include "dataplane/pkt.h"
#include "dataplane/sadb.h"

#define IP4_HLEN     20
#define IP6_HLEN     40
#define IP6_EXT_MOST 64  /* bytes of extension headers that are kept before AH and ESP */
#define IP_HEAD_MOST 104 /* of an IP header with its options or those */
#define IP4_DF       0x4000u
#define ECN_MASK     0x03u
#define ECN_CE       0x03u
#define NH_IPV4      4
#define NH_IPV6      41
#define NH_NONE      59 /* RFC 4303 §2.6: a dummy packet */
#define NH_ESP       50
#define NH_AH        51
#define IP_OUTER_TTL 64

struct ip_info {
    struct flow flow;
    uint32_t total; /* length by the header: <= the length given */
    uint8_t tos, df;
};

/* Reads an IPv4 or IPv6 packet of len bytes. `inbound`: its destination is the local side.
 * Returns 0 or -1 when it is malformed (its length, header, or ports are not all there). */
int ip_parse(const uint8_t *p, size_t len, bool inbound, struct ip_info *out);

bool selector_match(const struct selector *s, const struct flow *f);
/* The selector that holds exactly this flow (an ACQUIRE's packet). */
struct selector selector_of_flow(const struct flow *f);

/* Internet checksum (RFC 1071) of len bytes that start at `sum` already. */
uint16_t ip_checksum(const void *data, size_t len, uint32_t sum);
/* Writes a 20-byte outer header; total includes it. */
void ip4_build(uint8_t *h, const struct addr *src, const struct addr *dst, uint8_t proto,
               uint16_t total, uint8_t tos, bool df, uint16_t id);
/* Writes a 40-byte IPv6 header; len: what follows it. */
void ip6_build(uint8_t *h, const struct addr *src, const struct addr *dst, uint8_t proto,
               uint16_t len, uint8_t tos, uint8_t hops);
/* Turns a whole packet's IP header of hlen bytes (IPv6: extension headers included) into that of a
 * packet with this next protocol and total length; IPv4: not a fragment. */
void ip_retitle(uint8_t *h, unsigned hlen, uint8_t proto, uint32_t total);
/* Computes the checksum of a TCP or UDP header anew (RFC 3948 §3.1.2); other packets, and UDP
 * over IPv4 without one, stay as they are. p: a whole packet, its transport header at hlen. */
void ip_checksum_renew(uint8_t *p, uint32_t len, unsigned hlen, uint8_t proto);
/* Gives the TTL (hop limit) back that the kernel took on the way to a shadow TUN. */
void ip_ttl_give_back(uint8_t *p);
/* RFC 6040 §4.2: takes the outer header's congestion mark into the inner packet. Returns -1
 * when the packet must be dropped: the mark says CE and the inner sender cannot see it. */
int ip_ecn_take(uint8_t *inner, uint8_t outer_tos);

#endif
