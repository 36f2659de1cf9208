/*
 * IPsec processing (RFC 4301 §5) for vectors of packets: ESP, AH, or ESP inside AH, in tunnel and
 * in transport mode, as the packet's SA has it.
 *
 * Both calls take packets whose `sa` is set, work in place, and set `cause` where a packet must
 * be dropped. They know nothing of policies, sockets, or clocks.
 */
#ifndef TANDEM_DATAPLANE_IPSEC_H
#define TANDEM_DATAPLANE_IPSEC_H

#include "dataplane/batch.h"
#include "dataplane/sad.h"

/* data: an IP packet, in transport mode not a fragment → what goes to the wire: the IPv4 header
 * where transport mode or AH has written it (p->head), else the first header behind it. p->proto
 * says which that is. n <= PKT_BATCH. */
void ipsec_seal(struct ipsec_batch *b, struct pkt **p, size_t n);
/* data: the first header behind IP, of protocol p->proto → an IP packet, its flow parsed; nothing
 * (len 0) of a dummy. */
void ipsec_open(struct ipsec_batch *b, struct pkt **p, size_t n);
/* Bytes that sealing adds at most, without the outer header of tunnel mode. */
unsigned ipsec_overhead(const struct sa *sa);
/* The longest packet that sealing makes no longer than `mtu`, all headers counted. */
uint32_t ipsec_room(const struct sa *sa, uint32_t mtu);

#endif
