/*
 * The OpenSSL backend: every algorithm of the transform table.
 *
 * Contexts are made once per key, with cipher and digest fetched and the key schedule done, so
 * that a packet only sets its IV. DES lives in OpenSSL's legacy provider; it is loaded into a
 * library context of our own, so nothing else in the process sees it.
 */
#include "dataplane/crypto_priv.h"
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <stdlib.h>
#include <string.h>

struct ossl {
    OSSL_LIB_CTX *lib;
    OSSL_PROVIDER *def, *legacy; /* legacy: NULL where it is not installed */
    EVP_MAC *hmac;
};

struct ossl_keys {
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
};

static void ossl_close(void *self)
{
    struct ossl *o = self;
    EVP_MAC_free(o->hmac);
    if (o->legacy)
        OSSL_PROVIDER_unload(o->legacy);
    if (o->def)
        OSSL_PROVIDER_unload(o->def);
    OSSL_LIB_CTX_free(o->lib);
    free(o);
}

static void *ossl_open(void)
{
    struct ossl *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->lib = OSSL_LIB_CTX_new();
    if (o->lib) {
        o->def = OSSL_PROVIDER_load(o->lib, "default");
        o->legacy = OSSL_PROVIDER_load(o->lib, "legacy");
        o->hmac = EVP_MAC_fetch(o->lib, "HMAC", NULL);
    }
    if (o->def && o->hmac)
        return o;
    ossl_close(o);
    return NULL;
}

static void ossl_key_done(struct crypto_key *k)
{
    struct ossl_keys *s = k->keys;
    if (!s)
        return;
    EVP_CIPHER_CTX_free(s->cipher);
    EVP_MAC_CTX_free(s->mac);
    free(s);
    k->keys = NULL;
}

static int init_cipher(struct ossl *o, struct crypto_key *k, const struct crypto_spec *spec)
{
    struct ossl_keys *s = k->keys;
    EVP_CIPHER *c = EVP_CIPHER_fetch(o->lib, k->encr->ossl, NULL);
    if (!c)
        return -EOPNOTSUPP;
    s->cipher = EVP_CIPHER_CTX_new();
    int ok =
        s->cipher && EVP_CipherInit_ex2(s->cipher, c, spec->key, NULL, spec->encrypt, NULL) == 1;
    if (ok && k->kind == CRYPTO_HMAC)
        ok = EVP_CIPHER_CTX_set_padding(s->cipher, 0);
    EVP_CIPHER_free(c); /* the context holds its own reference */
    return ok ? 0 : -ENOMEM;
}

static int init_mac(struct ossl *o, struct crypto_key *k, const struct crypto_spec *spec)
{
    struct ossl_keys *s = k->keys;
    char digest[16];
    OSSL_PARAM params[2];
    strncpy(digest, k->integ->ossl, sizeof digest - 1);
    digest[sizeof digest - 1] = 0;
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
    params[1] = OSSL_PARAM_construct_end();
    s->mac = EVP_MAC_CTX_new(o->hmac);
    if (!s->mac || EVP_MAC_init(s->mac, spec->ikey, spec->ikey_len, params) != 1)
        return -ENOMEM;
    return 0;
}

static int ossl_key_init(void *self, struct crypto_key *k, const struct crypto_spec *spec)
{
    struct ossl *o = self;
    k->keys = calloc(1, sizeof(struct ossl_keys));
    int err = k->keys ? 0 : -ENOMEM;
    if (!err && k->encr->id != ENCR_NULL)
        err = init_cipher(o, k, spec);
    if (!err && k->integ)
        err = init_mac(o, k, spec);
    if (err)
        ossl_key_done(k);
    return err;
}

static bool run_cipher(const struct ossl_keys *s, struct crypto_op *op)
{
    int n;
    if (!s->cipher)
        return true; /* NULL encryption, RFC 2410 */
    return EVP_CipherInit_ex2(s->cipher, NULL, NULL, op->iv, -1, NULL) == 1 &&
           EVP_CipherUpdate(s->cipher, op->text, &n, op->text, (int)op->text_len) == 1 &&
           (size_t)n == op->text_len;
}

static bool run_mac(const struct ossl_keys *s, struct crypto_op *op)
{
    size_t n;
    return EVP_MAC_init(s->mac, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(s->mac, op->auth, op->auth_len) == 1 &&
           EVP_MAC_final(s->mac, op->tag, &n, sizeof op->tag) == 1;
}

static void run_hmac(const struct ossl_keys *s, struct crypto_op *op)
{
    const struct crypto_key *k = op->key;
    op->status = CRYPTO_OK;
    if (k->encrypt && !run_cipher(s, op))
        op->status = CRYPTO_FAILED;
    if (k->integ && op->status == CRYPTO_OK) {
        if (run_mac(s, op))
            crypto_finish_tag(op);
        else
            op->status = CRYPTO_FAILED;
    }
    /* what is not authentic is not decrypted */
    if (!k->encrypt && op->status == CRYPTO_OK && !run_cipher(s, op))
        op->status = CRYPTO_FAILED;
}

static void run_gcm(const struct ossl_keys *s, struct crypto_op *op)
{
    EVP_CIPHER_CTX *c = s->cipher;
    const struct crypto_key *k = op->key;
    int n;
    crypto_make_nonce(op);
    if (EVP_CipherInit_ex2(c, NULL, NULL, op->nonce, -1, NULL) != 1 ||
        EVP_CipherUpdate(c, NULL, &n, op->auth, (int)op->auth_len) != 1)
        return;
    if (op->text_len && EVP_CipherUpdate(c, op->text, &n, op->text, (int)op->text_len) != 1)
        return;
    if (!k->encrypt) {
        if (EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, k->icv_len, op->icv) != 1)
            return;
        op->status = EVP_CipherFinal_ex(c, op->tag, &n) == 1 ? CRYPTO_OK : CRYPTO_BAD_ICV;
        return;
    }
    if (EVP_CipherFinal_ex(c, op->tag, &n) == 1 &&
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, k->icv_len, op->icv) == 1)
        op->status = CRYPTO_OK;
}

static void ossl_run(void *self, struct crypto_op *ops, size_t n)
{
    (void)self;
    for (size_t i = 0; i < n; i++) {
        struct crypto_op *op = &ops[i];
        if (op->key->be != &crypto_ossl)
            continue;
        if (op->key->kind == CRYPTO_HMAC)
            run_hmac(op->key->keys, op);
        else
            run_gcm(op->key->keys, op);
    }
}

const struct crypto_backend crypto_ossl = {
    .name = "OpenSSL",
    .open = ossl_open,
    .close = ossl_close,
    .key_init = ossl_key_init,
    .key_done = ossl_key_done,
    .run = ossl_run,
};
