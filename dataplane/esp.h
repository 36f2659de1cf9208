/*
 * One ESP header (RFC 4303), around whatever it protects. ipsec.h puts modes and headers together.
 *
 * Each direction has two steps, before and after the crypto: `begin` describes the operation
 * b->ops[i] and `end` looks at what came out. All return PKT_OK or the cause of a drop.
 */
#ifndef TANDEM_DATAPLANE_ESP_H
#define TANDEM_DATAPLANE_ESP_H

#include "dataplane/batch.h"
#include "dataplane/sad.h"

#define ESP_HLEN    8
#define ESP_TRAILER 2 /* pad length, next header */

/* data: what is protected, of protocol p->proto → an ESP header and what follows. p->seq is set. */
uint8_t esp_seal_begin(struct ipsec_batch *b, size_t i, struct pkt *p);
uint8_t esp_seal_end(struct ipsec_batch *b, size_t i, struct pkt *p);
/* data: an ESP header and what follows → what is inside, p->proto says of which protocol. */
uint8_t esp_open_begin(struct ipsec_batch *b, size_t i, struct pkt *p);
uint8_t esp_open_end(struct ipsec_batch *b, size_t i, struct pkt *p);

/* Bytes before what is protected. */
static inline unsigned esp_head(const struct sa *sa)
{
    return ESP_HLEN + sa->iv_len;
}

/* Bytes that sealing adds at most. */
static inline unsigned esp_overhead(const struct sa *sa)
{
    return esp_head(sa) + sa->align - 1u + ESP_TRAILER + sa->icv_len;
}

/* The longest payload that sealing makes no longer than `most`. */
uint32_t esp_room(const struct sa *sa, uint32_t most);

#endif
