/*
 * The outer side: ESP and AH on raw sockets and ESP in UDP 4500 (RFC 3948), in vectors.
 *
 * On port 4500 four zero bytes mark an IKE message, a single 0xff is a NAT keepalive, and all
 * else is ESP. Sockets come from the launcher and are the wire's to close.
 */
#ifndef TANDEM_DATAPLANE_WIRE_H
#define TANDEM_DATAPLANE_WIRE_H

#include "dataplane/pkt.h"
#include "dataplane/sadb.h"

struct wire;

/* What a router says about a packet of ours (pmtu.h). */
struct pmtu_error;
typedef void wire_error_fn(void *ctx, const struct pmtu_error *e);
typedef void wire_ike_fn(void *ctx, const struct sadb_ike *path, const uint8_t *msg, size_t len);

struct wire *wire_new(wire_ike_fn *on_ike, void *ctx);
void wire_free(struct wire *w);
enum wire_socket { WIRE_ESP4, WIRE_NATT4, WIRE_ESP6, WIRE_NATT6, WIRE_AH4, WIRE_AH6, WIRE_SOCKETS };
/* Takes a socket over, in place of the one before; -1: none. */
void wire_set(struct wire *w, enum wire_socket k, int fd);

/* Fills v with ESP or AH packets, `data` at that header, `proto` says which. Returns how many
 * datagrams were read (IKE and keepalives included), 0 when there are none, or -errno. */
int wire_recv(struct wire *w, enum wire_socket k, struct pktvec *v);

/* How many datagrams found no room in a socket's buffer since the last call. */
uint64_t wire_lost(struct wire *w);

/* Reads the errors that wait on the sockets. */
void wire_recv_errors(struct wire *w, wire_error_fn *fn, void *ctx);

/* Sends sealed packets to their outer addresses; one that could not be sent gets its cause. */
void wire_send(struct wire *w, struct pkt **p, size_t n);
/* An IKE message from UDP 4500, or with len 0 a NAT keepalive. 0 or -errno. */
int wire_send_ike(struct wire *w, const struct sadb_ike *path, const uint8_t *msg, size_t len);

/* Pure, for tests: takes the IP header off the ESP or AH packet that a raw socket gave; it stays at
 * p->head. 0 or -1. */
int wire_strip_ip4(struct pkt *p);
enum wire_kind { WIRE_ESP, WIRE_IKE, WIRE_KEEPALIVE, WIRE_BAD };
/* What a datagram on port 4500 is. */
enum wire_kind wire_classify(const uint8_t *data, size_t len);

#endif
