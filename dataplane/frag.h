/*
 * IPv4 fragments, and the ICMP errors that tell a sender how large a packet may be. Pure.
 */
#ifndef TANDEM_DATAPLANE_FRAG_H
#define TANDEM_DATAPLANE_FRAG_H

#include "dataplane/pkt.h"
#include <stdbool.h>

#define FRAG_HEADER     60  /* the longest IPv4 header */
#define ICMP_ERROR_MOST 576 /* RFC 1812 §4.3.2.3 */
#define IP6_MTU_LEAST   1280

/* A packet on its way into pieces; it is read, not changed. */
struct frag {
    const uint8_t *data; /* behind the header */
    uint32_t len, at;    /* of the data: all, done */
    uint32_t step;       /* data bytes of a piece */
    uint32_t hlen;
    uint16_t word; /* flags and offset of the whole */
    uint8_t header[FRAG_HEADER];
};

/* Cuts the IPv4 packet p into pieces of at most mtu bytes. False: it has no room to be cut. */
bool frag_begin(struct frag *f, const uint8_t *p, size_t len, uint32_t mtu);
/* The next piece: its header is f->header, its data is *data. Returns the length of the data, 0
 * behind the last piece. */
uint32_t frag_next(struct frag *f, const uint8_t **data);

/* Writes the error "fragmentation needed" (IPv6: Packet Too Big) about the packet p of flow f to
 * its sender; out has ICMP_ERROR_MOST (IPv6: IP6_MTU_LEAST) bytes. Returns its length, or 0 when
 * nobody may be told about such a packet (RFC 1122 §3.2.2, RFC 4443 §2.4). */
uint32_t icmp_too_big(uint8_t *out, const struct addr *from, const uint8_t *p, uint32_t len,
                      const struct flow *f, uint32_t mtu);

#endif
