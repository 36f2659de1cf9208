/*
 * The error queue of a socket (IP_RECVERR, IPV6_RECVERR): what routers say about ESP and AH
 * packets of ours.
 *
 * The kernel has matched the ICMP error with the socket, and no more: whether the packet that it
 * quotes was ever ours is for pmtu.c to say. All other errors are taken out and forgotten.
 */
#ifndef TANDEM_DATAPLANE_ERRQ_H
#define TANDEM_DATAPLANE_ERRQ_H

#include "dataplane/pmtu.h"

typedef void errq_fn(void *ctx, const struct pmtu_error *e);

/* Asks for errors, and that the kernel leaves the path MTU to us. */
void errq_open(int fd, bool v6);
/* Empties the queue of fd, whose packets begin with a header of proto (ESP or AH). header: errors
 * quote the IP header, as they do on a socket that writes it. */
void errq_read(int fd, bool header, uint8_t proto, errq_fn *fn, void *ctx);
/* Pure, for tests: reads what an error quotes. raw: an IP header stands before ESP or AH. True when
 * it has all that is needed. e->remote is kept unless the quote says it. */
bool errq_quote(const uint8_t *p, size_t len, bool raw, uint8_t proto, struct pmtu_error *e);

#endif
