/*
 * Packet crypto behind one batch-shaped call, with two backends.
 *
 * intel-ipsec-mb runs the jobs of a batch side by side; OpenSSL is always there, does the
 * algorithms that the other has not (DES, 3DES, HMAC-MD5), and keeps its contexts per SA and
 * direction, so that a packet only sets its IV. A `struct crypto` belongs to one worker thread
 * and so do the keys made with it; several workers have one each.
 */
#ifndef TANDEM_DATAPLANE_CRYPTO_H
#define TANDEM_DATAPLANE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_IV_MAX  16
#define CRYPTO_TAG_MAX 64

enum crypto_want { CRYPTO_AUTO, CRYPTO_MB, CRYPTO_OSSL };

/* How the pieces of an operation fit together. */
enum crypto_kind {
    CRYPTO_HMAC, /* cipher (or none) and HMAC (or none): encrypt-then-MAC */
    CRYPTO_GCM,  /* RFC 4106 */
    CRYPTO_GMAC, /* RFC 4543: everything is AAD, nothing is encrypted */
};

struct crypto_spec {
    bool encrypt;
    bool bare;                 /* inside AH: neither encryption nor integrity is fine */
    uint16_t encr, integ;      /* IANA transform IDs */
    const uint8_t *key, *ikey; /* GCM, GMAC: the 4-byte salt ends the key */
    size_t key_len, ikey_len;
};

struct crypto_key;

enum crypto_status { CRYPTO_OK = 0, CRYPTO_BAD_ICV, CRYPTO_FAILED };

struct crypto_op {
    struct crypto_key *key;
    uint8_t *text; /* worked on in place */
    size_t text_len;
    const uint8_t *iv;   /* CBC: a block; GCM and GMAC: the 8 bytes after the salt */
    const uint8_t *auth; /* HMAC: all that is authenticated, text included; GCM, GMAC: the AAD */
    size_t auth_len;
    uint8_t *icv; /* encrypt: written last, so it may overlap the end of `auth`;
                     decrypt: compared, must not overlap */
    enum crypto_status status;
    /* scratch of the backends */
    uint8_t tag[CRYPTO_TAG_MAX];
    uint8_t nonce[12];
};

struct crypto;
/* NULL when there is no memory, or CRYPTO_MB was asked for and the CPU cannot do it. */
struct crypto *crypto_new(enum crypto_want want);
void crypto_free(struct crypto *c); /* after its keys */
/* "intel-ipsec-mb" or "OpenSSL": what a key gets by default. */
const char *crypto_name(const struct crypto *c);

/* NULL and *err (-EINVAL: lengths or combination, -EOPNOTSUPP, -ENOMEM). */
struct crypto_key *crypto_key_new(struct crypto *c, const struct crypto_spec *spec, int *err);
void crypto_key_free(struct crypto_key *k); /* wipes; NULL is fine */
enum crypto_kind crypto_key_kind(const struct crypto_key *k);
unsigned crypto_key_iv_len(const struct crypto_key *k);
unsigned crypto_key_block(const struct crypto_key *k);
unsigned crypto_key_icv_len(const struct crypto_key *k);
/* The backend that this key uses. */
const char *crypto_key_backend(const struct crypto_key *k);

/* Runs n operations with any mixture of keys; the order among them does not matter. Sets
 * every status and returns how many are not CRYPTO_OK. */
size_t crypto_run(struct crypto *c, struct crypto_op *ops, size_t n);

/* Unpredictable bytes (CBC IVs, RFC 3602 §3), drawn in blocks. 0 or -1. */
int crypto_random(struct crypto *c, uint8_t *out, size_t n);

#endif
