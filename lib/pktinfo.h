/*
 * Packet information of UDP and raw sockets (RFC 3542 §6 for IPv6): the address that a datagram
 * was sent to, and the one to send from.
 */
#ifndef TANDEM_LIB_PKTINFO_H
#define TANDEM_LIB_PKTINFO_H

#include "lib/addr.h"
#include <netinet/in.h>
#include <sys/socket.h>

/* Room for the control message of one datagram. */
union pktinfo {
    struct cmsghdr h;
    char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* Where a received message was sent to; unset when the kernel did not say. */
struct addr pktinfo_to(struct msghdr *m);
/* The device that a received message came in by; 0 when the kernel did not say. */
uint32_t pktinfo_ifindex(struct msghdr *m);
/* Makes m leave from this address. `ctl` must live until it is sent. */
void pktinfo_from(struct msghdr *m, union pktinfo *ctl, const struct addr *a);

#endif
