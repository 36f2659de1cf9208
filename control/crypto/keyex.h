/*
 * The key exchange, whichever version: what the rest of control/ asks of IKE. SAs of both look
 * alike (struct ike_sa_state); handles and SPIs come from one source, so a question about one finds
 * the engine that made it.
 */
#ifndef TANDEM_CONTROL_CRYPTO_KEYEX_H
#define TANDEM_CONTROL_CRYPTO_KEYEX_H

#include "control/isakmp/isakmp.h"

struct control;

int keyex_open(struct control *c); /* 0 or -ENOMEM */
void keyex_close(struct control *c);
/* What the intent says of IKE altogether: limits and retransmission. */
void keyex_configure(struct control *c);

/* One datagram, without the non-ESP marker. */
void keyex_input(struct control *c, const struct ike_path *p, const uint8_t *msg, size_t len);
/* True for the first message of an exchange: anybody can send it, and it belongs to nothing yet. */
bool keyex_is_first(const uint8_t *msg, size_t len);
void keyex_overloaded(struct control *c, uint64_t n);

/* Wants a child with this peer. -EPROTONOSUPPORT for a version that is not spoken. */
int keyex_initiate(struct control *c, enum ike_version v, const struct ike_path *p,
                   const struct ike_child_cfg *cfg);
/* As the functions of control/ike/ike.h that end so. */
size_t keyex_clear(struct control *c, const struct addr *remote, uint32_t ifid);
size_t keyex_clear_version(struct control *c, enum ike_version v, const struct addr *remote,
                           uint32_t ifid);
/* Those of a version (0: both) that are meant. */
size_t keyex_clear_which(struct control *c, unsigned version, const struct ike_which *w,
                         enum ike_clear_how how);
void keyex_interface_changed(struct control *c, uint32_t ifid, const struct addr *local, size_t n);
void keyex_expired(struct control *c, uint32_t sa, bool hard);
void keyex_end_child(struct control *c, uint32_t sa, enum ike_reason why);
void keyex_invalid_spi(struct control *c, const struct ike_path *p, uint32_t spi);
void keyex_nat_moved(struct control *c, uint32_t sa, const struct ike_path *p);
/* Takes over every SA of the journal; what is no good is forgotten there. */
void keyex_restore(struct control *c);
/* There is a key for this peer. */
bool keyex_knows(const struct control *c, enum ike_version v, const struct ike_path *p);
/* Visits every SA of both versions until fn returns false. */
void keyex_each(const struct control *c, bool (*fn)(void *ctx, const struct ike_sa_state *sa),
                void *ctx);
/* The same for those with a child of this line, maybe more than once. */
void keyex_each_of(const struct control *c, uint32_t policy,
                   bool (*fn)(void *ctx, const struct ike_sa_state *sa), void *ctx);

#endif
