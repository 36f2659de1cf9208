/*
 * What the two crypto backends share with crypto.c and nobody else.
 */
#ifndef TANDEM_DATAPLANE_CRYPTO_PRIV_H
#define TANDEM_DATAPLANE_CRYPTO_PRIV_H

#include "dataplane/crypto.h"
#include "lib/transform.h"

struct crypto_backend {
    const char *name;
    void *(*open)(void); /* NULL: not on this CPU, or no memory */
    void (*close)(void *self);
    /* k is filled in but for `keys`; 0, -EOPNOTSUPP or -ENOMEM. */
    int (*key_init)(void *self, struct crypto_key *k, const struct crypto_spec *spec);
    void (*key_done)(struct crypto_key *k);
    /* Runs those of the ops whose key is of this backend. */
    void (*run)(void *self, struct crypto_op *ops, size_t n);
};

struct crypto_key {
    const struct crypto_backend *be;
    const struct transform *encr, *integ; /* integ NULL: none, or an AEAD */
    enum crypto_kind kind;
    bool encrypt;
    uint8_t iv_len, icv_len;
    uint8_t salt[4];
    void *keys; /* the backend's */
};

extern const struct crypto_backend crypto_mb, crypto_ossl;

/* Encrypt: writes the computed tag out. Decrypt: compares it, and sets the status. */
void crypto_finish_tag(struct crypto_op *op);
/* RFC 4106 §4: salt and explicit IV. */
void crypto_make_nonce(struct crypto_op *op);

#endif
