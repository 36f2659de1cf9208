/*
 * Choice of the crypto backend and what both have in common. See crypto.h.
 */
#include "dataplane/crypto_priv.h"
#include "lib/mem.h"
#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define POOL 4096

struct crypto {
    void *mb, *ossl; /* mb: NULL when not used */
    uint8_t pool[POOL];
    size_t left;
};

struct crypto *crypto_new(enum crypto_want want)
{
    struct crypto *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    if (want != CRYPTO_OSSL)
        c->mb = crypto_mb.open();
    c->ossl = crypto_ossl.open();
    if (!c->ossl || (want == CRYPTO_MB && !c->mb)) {
        crypto_free(c);
        return NULL;
    }
    return c;
}

void crypto_free(struct crypto *c)
{
    if (!c)
        return;
    if (c->mb)
        crypto_mb.close(c->mb);
    if (c->ossl)
        crypto_ossl.close(c->ossl);
    mem_wipe(c, sizeof *c);
    free(c);
}

const char *crypto_name(const struct crypto *c)
{
    return c->mb ? crypto_mb.name : crypto_ossl.name;
}

/* Finds the transforms and checks that lengths and combination make sense. */
static int describe(struct crypto_key *k, const struct crypto_spec *s)
{
    bool aead = s->encr == ENCR_AES_GCM16 || s->encr == ENCR_AES_GMAC;
    size_t salt = aead ? sizeof k->salt : 0;
    if (s->key_len < salt)
        return -EINVAL;
    k->encrypt = s->encrypt;
    k->encr = transform_find(T_ENCR, s->encr, (uint16_t)((s->key_len - salt) * 8));
    if (!k->encr)
        return -EOPNOTSUPP;
    if (s->key_len != (size_t)k->encr->key_len + k->encr->salt_len)
        return -EINVAL;
    k->iv_len = k->encr->iv_len;
    if (aead) {
        if (s->integ != INTEG_NONE)
            return -EINVAL;
        k->kind = s->encr == ENCR_AES_GCM16 ? CRYPTO_GCM : CRYPTO_GMAC;
        k->icv_len = k->encr->icv_len;
        memcpy(k->salt, s->key + k->encr->key_len, sizeof k->salt);
        return 0;
    }
    k->kind = CRYPTO_HMAC;
    if (s->integ == INTEG_NONE) /* RFC 4303 §3.2: not both may be NULL */
        return s->encr == ENCR_NULL && !s->bare ? -EINVAL : 0;
    k->integ = transform_find(T_INTEG, s->integ, 0);
    if (!k->integ)
        return -EOPNOTSUPP;
    if (s->ikey_len != k->integ->key_len)
        return -EINVAL;
    k->icv_len = k->integ->icv_len;
    return 0;
}

struct crypto_key *crypto_key_new(struct crypto *c, const struct crypto_spec *spec, int *err)
{
    struct crypto_key *k = calloc(1, sizeof *k);
    if (!k) {
        *err = -ENOMEM;
        return NULL;
    }
    *err = describe(k, spec);
    if (*err == 0) {
        *err = -EOPNOTSUPP;
        if (c->mb) {
            k->be = &crypto_mb;
            *err = k->be->key_init(c->mb, k, spec);
        }
        if (*err == -EOPNOTSUPP) {
            k->be = &crypto_ossl;
            *err = k->be->key_init(c->ossl, k, spec);
        }
    }
    if (*err == 0)
        return k;
    mem_wipe(k, sizeof *k);
    free(k);
    return NULL;
}

void crypto_key_free(struct crypto_key *k)
{
    if (!k)
        return;
    k->be->key_done(k);
    mem_wipe(k, sizeof *k);
    free(k);
}

enum crypto_kind crypto_key_kind(const struct crypto_key *k)
{
    return k->kind;
}

unsigned crypto_key_iv_len(const struct crypto_key *k)
{
    return k->iv_len;
}

unsigned crypto_key_block(const struct crypto_key *k)
{
    return k->encr->block;
}

unsigned crypto_key_icv_len(const struct crypto_key *k)
{
    return k->icv_len;
}

const char *crypto_key_backend(const struct crypto_key *k)
{
    return k->be->name;
}

void crypto_finish_tag(struct crypto_op *op)
{
    const struct crypto_key *k = op->key;
    if (k->encrypt)
        memcpy(op->icv, op->tag, k->icv_len);
    else if (k->icv_len && !mem_equal_ct(op->icv, op->tag, k->icv_len))
        op->status = CRYPTO_BAD_ICV;
}

void crypto_make_nonce(struct crypto_op *op)
{
    memcpy(op->nonce, op->key->salt, 4);
    memcpy(op->nonce + 4, op->iv, 8);
}

size_t crypto_run(struct crypto *c, struct crypto_op *ops, size_t n)
{
    bool mb = false, ossl = false;
    for (size_t i = 0; i < n; i++) {
        ops[i].status = CRYPTO_FAILED; /* until its backend says otherwise */
        if (ops[i].key->be == &crypto_mb)
            mb = true;
        else
            ossl = true;
    }
    if (mb)
        crypto_mb.run(c->mb, ops, n);
    if (ossl)
        crypto_ossl.run(c->ossl, ops, n);
    size_t bad = 0;
    for (size_t i = 0; i < n; i++)
        bad += ops[i].status != CRYPTO_OK;
    return bad;
}

int crypto_random(struct crypto *c, uint8_t *out, size_t n)
{
    if (n > POOL)
        return -1;
    if (c->left < n) {
        if (RAND_bytes(c->pool, POOL) != 1)
            return -1;
        c->left = POOL;
    }
    uint8_t *from = c->pool + POOL - c->left;
    memcpy(out, from, n);
    mem_wipe(from, n);
    c->left -= n;
    return 0;
}
