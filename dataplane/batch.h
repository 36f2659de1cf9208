/*
 * One worker's room for a vector of packets in flight through ESP and AH.
 */
#ifndef TANDEM_DATAPLANE_BATCH_H
#define TANDEM_DATAPLANE_BATCH_H

#include "dataplane/crypto.h"
#include "dataplane/ip.h"
#include "dataplane/pkt.h"

struct ipsec_batch {
    struct crypto *crypto;
    struct crypto_op ops[PKT_BATCH];
    struct {
        uint8_t aad[12];  /* GCM with ESN: SPI, high and low number */
        uint8_t icv[64];  /* inbound: the ICV as received */
        uint8_t saved[8]; /* GMAC with ESN: what the AAD covers for a moment */
    } side[PKT_BATCH];
    uint8_t header[PKT_BATCH][IP_HEAD_MOST]; /* AH: the IP header while parts of it are zero */
    struct pkt *pkts[PKT_BATCH];
    size_t n;
    uint16_t ip_id; /* last identification used */
};

/* The next identification of an IPv4 packet. Never zero: the kernel would choose another one, and
 * AH covers it. */
static inline uint16_t batch_ip_id(struct ipsec_batch *b)
{
    if (++b->ip_id == 0)
        b->ip_id = 1;
    return b->ip_id;
}

#endif
