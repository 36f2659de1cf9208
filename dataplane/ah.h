/*
 * One Authentication Header (RFC 4302), around whatever it protects. The steps are those of
 * esp.h.
 */
#ifndef TANDEM_DATAPLANE_AH_H
#define TANDEM_DATAPLANE_AH_H

#include "dataplane/batch.h"
#include "dataplane/sad.h"

#define AH_HLEN 12 /* without the ICV */

/* data: what is protected, of protocol p->proto → an AH and what follows. p->head: the header of
 * transport mode, right before the room for AH (ah_len()); NULL: one of tunnel mode is made. */
uint8_t ah_seal_begin(struct ipsec_batch *b, size_t i, struct pkt *p);
uint8_t ah_seal_end(struct ipsec_batch *b, size_t i, struct pkt *p);
/* data: an AH and what follows → what it protects, p->proto says of which protocol. The outer
 * header stands right before it (p->head). */
uint8_t ah_open_begin(struct ipsec_batch *b, size_t i, struct pkt *p);
uint8_t ah_open_end(struct ipsec_batch *b, size_t i, struct pkt *p);

/* Length of the header that this SA writes. */
unsigned ah_len(const struct sa *sa);
/* Pure: zeroes what the ICV does not cover of an IPv4 header (RFC 4302 §3.3.3.1.1). False when
 * its options are malformed, or change where it goes on its way. */
bool ah_mute4(uint8_t *h, unsigned hlen);
/* … of an IPv6 header and its extension headers (§3.3.3.1.2). */
bool ah_mute6(uint8_t *h, unsigned hlen);

#endif
