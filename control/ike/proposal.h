/*
 * Negotiation of algorithms: SA payloads from configuration, choosing as responder, checking
 * the choice as initiator. RFC 7296 §2.7, §3.3. Pure, but for the question which algorithms
 * OpenSSL offers.
 */
#ifndef TANDEM_CONTROL_IKE_PROPOSAL_H
#define TANDEM_CONTROL_IKE_PROPOSAL_H

#include "control/ike/crypto.h"
#include "control/ike/ike.h"

#define IKE_PROPS_OUT 32 /* proposals in one offer of ours */

/* What proposal number i+1 of our offer came from. */
struct ike_offer_origin {
    uint8_t n;
    struct {
        uint32_t priority, lifetime;
    } v[IKE_PROPS_OUT];
};

/* Writes the SA payload for an IKE SA. spi: of the SA to come when an IKE SA is rekeyed, else 0
 * (§3.3.1: no SPI in IKE_SA_INIT). -ENOENT when the policies yield no proposal. */
int ike_w_sa_ike(struct ike_writer *w, const struct ike_crypto *c, const struct ike_policy *policy,
                 size_t n, uint64_t spi, struct ike_offer_origin *origin);
/* Responder: our policies in their order against all of the offer. Returns the index of the
 * policy with *suite and *num (of the proposal taken), or -ENOENT. */
int ike_choose_ike(const struct ike_offer *offer, const struct ike_crypto *c,
                   const struct ike_policy *policy, size_t n, struct ike_suite *suite,
                   uint8_t *num);
void ike_w_sa_ike_choice(struct ike_writer *w, const struct ike_suite *suite, uint8_t num,
                         uint64_t spi);
/* The SPI for an IKE SA that proposal `num` names; 0 when there is none. */
uint64_t ike_offer_spi(const struct ike_offer *offer, uint8_t num);
/* Initiator: is the answer one of what we offered? -EBADMSG when not. */
int ike_accept_ike(const struct ike_offer *offered, const struct ike_offer *answer,
                   struct ike_suite *suite, uint8_t *num);
/* True when a group stands in the offer: an INVALID_KE_PAYLOAD may ask for it. */
bool ike_offer_has_group(const struct ike_offer *offered, uint16_t group);
/* The group of the first proposal of our own offer. */
uint16_t ike_offer_group(const struct ike_offer *offered);

/* The same for ESP. dh: this exchange carries KE payloads (CREATE_CHILD_SA). */
int ike_w_sa_esp(struct ike_writer *w, const struct ike_crypto *c, const struct ike_child_cfg *cfg,
                 uint32_t spi, bool dh);
/* Fills encr, integ, esn, pfs_group and spi_out of *child. */
int ike_choose_esp(const struct ike_offer *offer, const struct ike_crypto *c,
                   const struct ike_child_cfg *cfg, bool dh, struct ike_child_state *child,
                   uint8_t *num);
void ike_w_sa_esp_choice(struct ike_writer *w, const struct ike_child_state *child, uint8_t num);
int ike_accept_esp(const struct ike_offer *answer, const struct ike_crypto *c,
                   const struct ike_child_cfg *cfg, bool dh, struct ike_child_state *child);

#endif
