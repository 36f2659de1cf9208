/*
 * ESP in tunnel mode (RFC 4303) for vectors of packets.
 *
 * Both calls take packets whose `sa` is set, work in place, and set `cause` where a packet
 * must be dropped. They know nothing of policies, sockets, or clocks.
 */
#ifndef TANDEM_DATAPLANE_ESP_H
#define TANDEM_DATAPLANE_ESP_H

#include "dataplane/crypto.h"
#include "dataplane/pkt.h"
#include "dataplane/sad.h"

#define ESP_HLEN 8

/* One worker's room for a vector in flight. */
struct esp_batch {
    struct crypto *crypto;
    struct crypto_op ops[PKT_BATCH];
    struct {
        uint8_t aad[12];  /* GCM with ESN: SPI, high and low number */
        uint8_t icv[64];  /* inbound: the ICV as received */
        uint8_t saved[8]; /* GMAC with ESN: what the AAD covers for a moment */
    } side[PKT_BATCH];
    struct pkt *pkts[PKT_BATCH];
    size_t n;
};

/* data: an IP packet → an ESP header and what follows. n <= PKT_BATCH. */
void esp_seal(struct esp_batch *b, struct pkt **p, size_t n);
/* data: an ESP header and what follows → the inner IP packet, its flow parsed. */
void esp_open(struct esp_batch *b, struct pkt **p, size_t n);
/* Bytes that sealing adds at most, without the outer header. */
unsigned esp_overhead(const struct sa *sa);
/* The longest packet that sealing makes no longer than `most`. */
uint32_t esp_room(const struct sa *sa, uint32_t most);

#endif
