/*
 * Keys, hashes and ciphers of IKEv1 with pre-shared keys: RFC 2409 §5 and appendix B, on the
 * primitives that IKEv2 uses (control/ike/crypto.h).
 *
 * Where the SAs' state keeps them (struct ike_keys): sk_d is SKEYID_d, sk_ai is SKEYID_a and sk_ei
 * the cipher's key made from SKEYID_e; the others are empty. The prf is always the HMAC of the
 * negotiated hash (suite.prf).
 */
#ifndef TANDEM_CONTROL_ISAKMP_KEYS_H
#define TANDEM_CONTROL_ISAKMP_KEYS_H

#include "control/ike/crypto.h"
#include "control/ike/ike.h"
#include "control/isakmp/wire.h"

#define ISK_BLOCK_MAX 16

/* SKEYID = prf(pre-shared key, Ni_b | Nr_b). out has ike_prf_len() bytes. */
int isk_skeyid(const struct ike_crypto *c, uint16_t prf, struct bytes psk, struct bytes ni,
               struct bytes nr, uint8_t *out);
/* SKEYID_d, _a and the key made from _e. -ENOTSUP for a cipher that is not CBC. */
int isk_derive(const struct ike_crypto *c, const struct ike_suite *s, const uint8_t *skeyid,
               struct bytes secret, uint64_t cky_i, uint64_t cky_r, struct ike_keys *out);

/* HASH_I: own is g^xi; HASH_R: own is g^xr, and its cookie comes first. id is the ID payload's
 * body, sa the initiator's SA payload's body. */
struct isk_auth {
    struct bytes own, other, sa, id;
    uint64_t cky_own, cky_other;
};
int isk_hash_auth(const struct ike_crypto *c, uint16_t prf, const uint8_t *skeyid,
                  const struct isk_auth *a, uint8_t *out);
/* HASH(1) to HASH(3) and the hash of informational exchanges: zero: a zero octet goes first. */
int isk_hash_message(const struct ike_crypto *c, const struct ike_sa_state *s, bool zero,
                     uint32_t mid, const struct bytes *part, size_t n, uint8_t *out);

/* The first IV of a chain: phase 1 from both public values, later exchanges from the last block of
 * phase 1 and the message ID. */
int isk_iv_phase1(const struct ike_crypto *c, uint16_t hash, struct bytes pub_i, struct bytes pub_r,
                  uint8_t iv[ISK_BLOCK_MAX]);
int isk_iv_phase2(const struct ike_crypto *c, const struct ike_suite *s, const uint8_t *last,
                  uint32_t mid, uint8_t iv[ISK_BLOCK_MAX]);
size_t isk_block(const struct ike_suite *s); /* of its cipher; 0 for none that phase 1 can use */

/* Encrypts what follows the header in place: msg has len bytes and room for padding up to cap. The
 * new length is in its header and in *len, the last block in iv. */
int isk_encrypt(const struct ike_crypto *c, const struct ike_suite *s, const uint8_t *key,
                uint8_t iv[ISK_BLOCK_MAX], uint8_t *msg, size_t *len, size_t cap);
/* Decrypts n bytes to `plain`; iv becomes the last block. */
int isk_decrypt(const struct ike_crypto *c, const struct ike_suite *s, const uint8_t *key,
                uint8_t iv[ISK_BLOCK_MAX], const uint8_t *in, size_t n, uint8_t *plain);

/* KEYMAT of a child, RFC 2409 §5.5: one stream per SPI, and so per protocol of a bundle. out[0] is
 * inbound. secret.n = 0 without PFS. */
int isk_derive_child(const struct ike_crypto *c, const struct ike_sa_state *s,
                     const struct ike_child_state *child, struct bytes ni, struct bytes nr,
                     struct bytes secret, struct ike_child_keys *out);

#endif
