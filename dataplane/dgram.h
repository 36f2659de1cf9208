/*
 * A vector of datagrams of either family, as recvmmsg() and sendmmsg() take them: addresses and
 * traffic class go in control messages, so that one socket serves every local address.
 */
#ifndef TANDEM_DATAPLANE_DGRAM_H
#define TANDEM_DATAPLANE_DGRAM_H

#include "dataplane/ip.h"
#include "dataplane/pkt.h"
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/uio.h>

union dgram_control {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(struct in6_pktinfo)) + 3 * CMSG_SPACE(sizeof(int)) +
              3 * CMSG_SPACE(IP6_EXT_MOST)];
};

struct dgrams {
    struct mmsghdr mm[PKT_BATCH];
    struct iovec iov[PKT_BATCH];
    struct sockaddr_storage name[PKT_BATCH];
    union dgram_control ctl[PKT_BATCH];
};

/* Reads up to PKT_BATCH datagrams into the packets of v, which start anew; v->n is 0 afterwards.
 * Returns how many came, 0 for none, or -errno. */
int dgrams_receive(struct dgrams *g, int fd, struct pktvec *v);
/* The i-th as a packet: length, addresses, remote port, traffic class, TTL. False: it was cut
 * short. */
bool dgrams_read(struct dgrams *g, size_t i, struct pkt *p);
/* A raw IPv6 socket keeps headers to itself: puts that of the i-th, p, back before its data
 * (p->head), with the extension headers that came with it. False: they are too long. */
bool dgrams_header6(struct dgrams *g, size_t i, struct pkt *p);

/* The i-th message to send: its one buffer, its destination. */
void dgrams_to(struct dgrams *g, size_t i, const void *data, size_t len, const struct addr *to,
               uint16_t port);
/* … from this address, with this traffic class unless NULL. */
void dgrams_from(struct dgrams *g, size_t i, const struct addr *from, const uint8_t *tos);
/* … with the TTL (hop limit) of p, if it has one. */
void dgrams_hops(struct dgrams *g, size_t i, const struct pkt *p);
/* … IPv6 only: not to be fragmented here. IPv4 has it as a socket option. */
void dgrams_dont_fragment(struct dgrams *g, size_t i);
/* Sends the first n; a packet whose message could not be sent gets its cause. */
void dgrams_send(struct dgrams *g, int fd, struct pkt **p, size_t n);

#endif
