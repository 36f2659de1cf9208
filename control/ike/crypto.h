/*
 * The cryptography of IKEv2, on OpenSSL 3: key agreement, prf, the SK payload, PSK AUTH. IKEv1
 * (control/isakmp) uses its primitives.
 *
 * One `struct ike_crypto` belongs to one engine and holds its own library context, in which the
 * legacy provider is loaded once for single DES. Lengths and OpenSSL's names come from
 * lib/transform.h; nothing here knows a packet beyond the SK payload.
 */
#ifndef TANDEM_CONTROL_IKE_CRYPTO_H
#define TANDEM_CONTROL_IKE_CRYPTO_H

#include "control/ike/codec.h"
#include "lib/transform.h"

#define IKE_PRF_MAX    64
#define IKE_SECRET_MAX IKE_PUB_MAX
#define IKE_KEYMAT_MAX (4 * SADB_KEY_MAX)

/* Counted, since a key agreement may still run in a helper thread when its engine ends.
 * Taking and giving back happen on the loop only. */
struct ike_crypto;
struct ike_crypto *ike_crypto_new(void);
struct ike_crypto *ike_crypto_ref(struct ike_crypto *c);
void ike_crypto_unref(struct ike_crypto *c);
/* False for an algorithm that this OpenSSL does not offer (DES without the legacy provider). */
bool ike_crypto_has(const struct ike_crypto *c, uint8_t type, uint16_t id, uint16_t keybits);

struct bytes {
    const void *p;
    size_t n;
};

/* --- prf.c ------------------------------------------------------------------------------- */
size_t ike_prf_len(uint16_t prf); /* 0 when unknown */
/* HMAC over the parts joined; out has ike_prf_len() bytes. 0 or -errno. */
int ike_prf(const struct ike_crypto *c, uint16_t prf, struct bytes key, const struct bytes *part,
            size_t n, uint8_t *out);
/* The same with the digest of an integrity transform; out has its full digest length. */
int ike_hmac(const struct ike_crypto *c, const char *digest, struct bytes key,
             const struct bytes *part, size_t n, uint8_t *out, size_t cap);
/* prf+ of §2.13. */
int ike_prf_plus(const struct ike_crypto *c, uint16_t prf, struct bytes key,
                 const struct bytes *part, size_t n, uint8_t *out, size_t len);

struct ike_key_lens {
    size_t d, a, e, p; /* SK_d, SK_a*, SK_e* (with salt), SK_p* */
};
/* -ENOTSUP for a suite that is not of the transform table. */
int ike_key_lens(const struct ike_suite *s, struct ike_key_lens *out);
/* SKEYSEED and SK_*, §2.14. */
int ike_derive_keys(const struct ike_crypto *c, const struct ike_suite *s, struct bytes ni,
                    struct bytes nr, struct bytes secret, uint64_t spi_i, uint64_t spi_r,
                    struct ike_keys *out);
/* The same for an IKE SA that replaces another, §2.18: `old` gives the prf and SK_d of the SEED. */
int ike_derive_rekeyed(const struct ike_crypto *c, uint16_t old_prf, const uint8_t *old_sk_d,
                       const struct ike_suite *s, struct bytes ni, struct bytes nr,
                       struct bytes secret, uint64_t spi_i, uint64_t spi_r, struct ike_keys *out);
/* KEYMAT of a child, §2.17, cut into its four keys. secret.n = 0 without PFS. [0] protects what
 * the exchange's initiator sends, [1] what its responder sends. */
int ike_derive_child(const struct ike_crypto *c, const struct ike_suite *ike,
                     const struct ike_keys *k, const struct ike_child_state *child, struct bytes ni,
                     struct bytes nr, struct bytes secret, struct sadb_alg encr[2],
                     struct sadb_alg integ[2]);
/* A digest by OpenSSL's name; out has its length. */
int ike_digest(const struct ike_crypto *c, const char *name, const struct bytes *part, size_t n,
               uint8_t *out);
int ike_sha1(const struct ike_crypto *c, const struct bytes *part, size_t n, uint8_t out[20]);
int ike_sha256(const struct ike_crypto *c, const struct bytes *part, size_t n, uint8_t out[32]);

/* --- dh.c -------------------------------------------------------------------------------- */
struct ike_dh;
/* A fresh key pair; NULL where the group is unknown or OpenSSL fails. */
struct ike_dh *ike_dh_new(const struct ike_crypto *c, uint16_t group);
void ike_dh_free(struct ike_dh *d);
size_t ike_dh_pub_len(uint16_t group); /* bytes in a KE payload; 0 = unknown group */
int ike_dh_pub(const struct ike_dh *d, uint8_t *out, size_t cap);
/* The private half as bytes, and the pair made from both. NULL for what is no pair of the group. */
int ike_dh_private(const struct ike_dh *d, uint8_t *out, size_t cap, size_t *len);
struct ike_dh *ike_dh_restore(const struct ike_crypto *c, uint16_t group, const uint8_t *pub,
                              const uint8_t *priv, size_t len);
/* The shared secret as §2.14 wants it (left-padded; x coordinate only). -EBADMSG for a public
 * value that is not of the group (RFC 6989). */
int ike_dh_shared(const struct ike_dh *d, const uint8_t *peer, size_t len, uint8_t *out, size_t cap,
                  size_t *out_len);

/* --- sk.c -------------------------------------------------------------------------------- */
/* One pass of a cipher without its own padding, in place. iv NULL only with NULL encryption. */
int ike_cbc(const struct ike_crypto *c, const struct transform *e, bool seal, const uint8_t *key,
            const uint8_t *iv, uint8_t *data, size_t n);
struct ike_sk_key {
    uint16_t encr, encr_bits, integ;
    const uint8_t *ke, *ka;
};
/* Header, SK payload, checksum around payloads of which the first has type `first`. `iv` is
 * at least 16 bytes: random for CBC; for GCM its first 8 must never repeat under one key. */
int ike_seal(const struct ike_crypto *c, const struct ike_sk_key *k, const struct ike_header *h,
             uint8_t first, const uint8_t *plain, size_t n, const uint8_t *iv, uint8_t *out,
             size_t cap, size_t *out_len);
/* The same as one fragment of a message, RFC 7383 §2.5: an SKF payload. num counts from 1; `first`
 * counts in the first one only. */
struct ike_fragment {
    uint16_t num, total;
};
int ike_seal_fragment(const struct ike_crypto *c, const struct ike_sk_key *k,
                      const struct ike_header *h, uint8_t first, const struct ike_fragment *f,
                      const uint8_t *plain, size_t n, const uint8_t *iv, uint8_t *out, size_t cap,
                      size_t *out_len);
/* How much of a message goes into a fragment of `limit` bytes; 0 when nothing does. */
size_t ike_fragment_room(const struct ike_sk_key *k, size_t limit);
/* msg is a whole message whose last payload is SK with its body at msg + sk_off; of SKF,
 * the body behind the fragment's numbers. The payloads
 * inside go to plain (as large as msg). -EBADMSG when it does not verify. */
int ike_open(const struct ike_crypto *c, const struct ike_sk_key *k, const uint8_t *msg, size_t len,
             size_t sk_off, uint8_t *plain, size_t *n);

/* --- auth.c ------------------------------------------------------------------------------ */
/* AUTH with a shared key, §2.15: msg is the signer's own first message, nonce the other side's,
 * sk_p and id the signer's. out has ike_prf_len() bytes. */
int ike_auth_psk(const struct ike_crypto *c, uint16_t prf, struct bytes psk, struct bytes msg,
                 struct bytes nonce, const uint8_t *sk_p, const struct ike_identity *id,
                 uint8_t *out);

/* --- nat.c ------------------------------------------------------------------------------- */
/* Data of a NAT_DETECTION notify, §2.23. */
int ike_nat_hash(const struct ike_crypto *c, uint64_t spi_i, uint64_t spi_r, const struct addr *a,
                 uint16_t port, uint8_t out[20]);
struct ike_nat {
    bool supported, local, remote; /* notifies seen; who is behind a NAT */
};
/* Reads the notifies of a received message that came over path. */
void ike_nat_detect(const struct ike_crypto *c, const struct ike_payloads *l, uint64_t spi_i,
                    uint64_t spi_r, const struct ike_path *path, struct ike_nat *out);
void ike_nat_write(const struct ike_crypto *c, struct ike_writer *w, uint64_t spi_i, uint64_t spi_r,
                   const struct ike_path *path);

#endif
