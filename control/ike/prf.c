/*
 * prf, prf+ and the keys made with them: RFC 7296 §2.13, §2.14, §2.17. Every prf we know is
 * an HMAC, so the key may have any length.
 */
#include "control/ike/crypto_priv.h"
#include "lib/mem.h"
#include <errno.h>
#include <openssl/core_names.h>
#include <stdlib.h>

struct ike_crypto *ike_crypto_new(void)
{
    struct ike_crypto *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->refs = 1;
    c->lib = OSSL_LIB_CTX_new();
    if (c->lib) {
        c->base = OSSL_PROVIDER_load(c->lib, "default");
        c->legacy = OSSL_PROVIDER_load(c->lib, "legacy");
        c->hmac = EVP_MAC_fetch(c->lib, "HMAC", NULL);
    }
    if (!c->base || !c->hmac) {
        ike_crypto_unref(c);
        return NULL;
    }
    return c;
}

struct ike_crypto *ike_crypto_ref(struct ike_crypto *c)
{
    c->refs++;
    return c;
}

void ike_crypto_unref(struct ike_crypto *c)
{
    if (!c || --c->refs > 0)
        return;
    EVP_MAC_free(c->hmac);
    if (c->legacy)
        OSSL_PROVIDER_unload(c->legacy);
    if (c->base)
        OSSL_PROVIDER_unload(c->base);
    OSSL_LIB_CTX_free(c->lib);
    free(c);
}

bool ike_crypto_has(const struct ike_crypto *c, uint8_t type, uint16_t id, uint16_t keybits)
{
    if (!transform_find(type, id, keybits))
        return false;
    return type != T_ENCR || id != ENCR_DES || c->legacy;
}

size_t ike_prf_len(uint16_t prf)
{
    const struct transform *t = transform_find(T_PRF, prf, 0);
    return t ? t->icv_len : 0;
}

/* With its key, for any number of hmac_sum(); NULL when OpenSSL fails. */
static EVP_MAC_CTX *hmac_new(const struct ike_crypto *c, const char *digest, struct bytes key)
{
    OSSL_PARAM param[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                           (char *)(uintptr_t)digest, 0),
                          OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(c->hmac);
    /* OpenSSL takes a NULL key as "the one already set", so an empty one needs an address. */
    if (ctx && EVP_MAC_init(ctx, key.n ? key.p : (const uint8_t *)"", key.n, param))
        return ctx;
    EVP_MAC_CTX_free(ctx);
    return NULL;
}

static int hmac_sum(EVP_MAC_CTX *ctx, const struct bytes *part, size_t n, uint8_t *out, size_t cap)
{
    size_t len = 0;
    int ok = ctx && EVP_MAC_init(ctx, NULL, 0, NULL);

    for (size_t i = 0; ok && i < n; i++)
        ok = part[i].n == 0 || EVP_MAC_update(ctx, part[i].p, part[i].n);
    return ok && EVP_MAC_final(ctx, out, &len, cap) ? 0 : -EIO;
}

int ike_hmac(const struct ike_crypto *c, const char *digest, struct bytes key,
             const struct bytes *part, size_t n, uint8_t *out, size_t cap)
{
    EVP_MAC_CTX *ctx = hmac_new(c, digest, key);
    int err = hmac_sum(ctx, part, n, out, cap);
    EVP_MAC_CTX_free(ctx);
    return err;
}

int ike_prf(const struct ike_crypto *c, uint16_t prf, struct bytes key, const struct bytes *part,
            size_t n, uint8_t *out)
{
    const struct transform *t = transform_find(T_PRF, prf, 0);
    return t ? ike_hmac(c, t->ossl, key, part, n, out, t->icv_len) : -ENOTSUP;
}

int ike_prf_plus(const struct ike_crypto *c, uint16_t prf, struct bytes key,
                 const struct bytes *part, size_t n, uint8_t *out, size_t len)
{
    const struct transform *f = transform_find(T_PRF, prf, 0);
    uint8_t t[IKE_PRF_MAX], counter = 0;
    struct bytes in[8];
    size_t block = f ? f->icv_len : 0, done = 0;
    int err = 0;

    /* §2.13: the counter is one octet, so 255 blocks and no more. */
    if (block == 0 || n > 6 || len > 255 * block)
        return -EINVAL;
    EVP_MAC_CTX *ctx = hmac_new(c, f->ossl, key);
    while (done < len && err == 0) {
        size_t k = 0;
        if (counter > 0)
            in[k++] = (struct bytes){t, block};
        for (size_t i = 0; i < n; i++)
            in[k++] = part[i];
        counter++;
        in[k++] = (struct bytes){&counter, 1};
        err = hmac_sum(ctx, in, k, t, block);
        size_t take = len - done < block ? len - done : block;
        if (err == 0)
            memcpy(out + done, t, take);
        done += take;
    }
    EVP_MAC_CTX_free(ctx);
    mem_wipe(t, sizeof t);
    return err;
}

int ike_key_lens(const struct ike_suite *s, struct ike_key_lens *out)
{
    const struct transform *e = transform_find(T_ENCR, s->encr, s->encr_bits);
    const struct transform *a = transform_find(T_INTEG, s->integ, 0);
    size_t prf = ike_prf_len(s->prf);

    if (!e || !a || prf == 0)
        return -ENOTSUP;
    /* RFC 5282 §7.1: the salt follows the key; §2.14: SK_a* are empty with an AEAD. */
    *out = (struct ike_key_lens){.d = prf,
                                 .p = prf,
                                 .e = (size_t)e->key_len + e->salt_len,
                                 .a = e->icv_len ? 0 : a->key_len};
    return 0;
}

static void put_u64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* Takes n bytes off a stream of key material. */
static void cut(const uint8_t **from, uint8_t *to, size_t n)
{
    memcpy(to, *from, n);
    *from += n;
}

/* The SK_* of §2.14 from SKEYSEED, which is wiped. */
static int expand(const struct ike_crypto *c, const struct ike_suite *s, uint8_t seed[IKE_PRF_MAX],
                  size_t seed_len, const struct bytes nonce[2], uint64_t spi_i, uint64_t spi_r,
                  struct ike_keys *out)
{
    uint8_t spis[16], stream[3 * IKE_PRF_MAX + 4 * IKE_KEY_MAX];
    struct ike_key_lens l;
    int err = ike_key_lens(s, &l);

    put_u64(spis, spi_i);
    put_u64(spis + 8, spi_r);
    struct bytes in[] = {nonce[0], nonce[1], {spis, sizeof spis}};
    if (err == 0)
        err = ike_prf_plus(c, s->prf, (struct bytes){seed, seed_len}, in, 3, stream,
                           l.d + 2 * (l.a + l.e + l.p));
    if (err == 0) {
        const uint8_t *p = stream;
        cut(&p, out->sk_d, l.d);
        cut(&p, out->sk_ai, l.a);
        cut(&p, out->sk_ar, l.a);
        cut(&p, out->sk_ei, l.e);
        cut(&p, out->sk_er, l.e);
        cut(&p, out->sk_pi, l.p);
        cut(&p, out->sk_pr, l.p);
    }
    mem_wipe(seed, IKE_PRF_MAX);
    mem_wipe(stream, sizeof stream);
    return err;
}

int ike_derive_keys(const struct ike_crypto *c, const struct ike_suite *s, struct bytes ni,
                    struct bytes nr, struct bytes secret, uint64_t spi_i, uint64_t spi_r,
                    struct ike_keys *out)
{
    uint8_t nonces[2 * IKE_NONCE_MAX], seed[IKE_PRF_MAX];

    if (ni.n > IKE_NONCE_MAX || nr.n > IKE_NONCE_MAX)
        return -EINVAL;
    /* SKEYSEED = prf(Ni | Nr, g^ir) */
    memcpy(nonces, ni.p, ni.n);
    memcpy(nonces + ni.n, nr.p, nr.n);
    int err = ike_prf(c, s->prf, (struct bytes){nonces, ni.n + nr.n}, &secret, 1, seed);
    if (err < 0)
        return err;
    return expand(c, s, seed, ike_prf_len(s->prf), (const struct bytes[2]){ni, nr}, spi_i, spi_r,
                  out);
}

int ike_derive_rekeyed(const struct ike_crypto *c, uint16_t old_prf, const uint8_t *old_sk_d,
                       const struct ike_suite *s, struct bytes ni, struct bytes nr,
                       struct bytes secret, uint64_t spi_i, uint64_t spi_r, struct ike_keys *out)
{
    uint8_t seed[IKE_PRF_MAX];
    const struct bytes in[] = {secret, ni, nr};
    size_t len = ike_prf_len(old_prf);

    /* SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr), with the prf of the old SA */
    int err = len ? ike_prf(c, old_prf, (struct bytes){old_sk_d, len}, in, 3, seed) : -ENOTSUP;
    if (err < 0)
        return err;
    return expand(c, s, seed, len, (const struct bytes[2]){ni, nr}, spi_i, spi_r, out);
}

int ike_derive_child(const struct ike_crypto *c, const struct ike_suite *ike,
                     const struct ike_keys *k, const struct ike_child_state *child, struct bytes ni,
                     struct bytes nr, struct bytes secret, struct sadb_alg encr[2],
                     struct sadb_alg integ[2])
{
    const struct transform *e = transform_find(T_ENCR, child->encr, child->encr_bits);
    const struct transform *a = transform_find(T_INTEG, child->integ, 0);
    uint8_t stream[IKE_KEYMAT_MAX];
    struct bytes in[3];
    size_t n = 0;

    if (!e || !a)
        return -ENOTSUP;
    size_t el = (size_t)e->key_len + e->salt_len, al = a->key_len;
    if (secret.n > 0)
        in[n++] = secret;
    in[n++] = ni;
    in[n++] = nr;
    int err = ike_prf_plus(c, ike->prf, (struct bytes){k->sk_d, ike_prf_len(ike->prf)}, in, n,
                           stream, 2 * (el + al));
    const uint8_t *p = stream;
    /* §2.17: all keys of the initiator's direction first, encryption before integrity. */
    for (int i = 0; err == 0 && i < 2; i++) {
        encr[i] = (struct sadb_alg){.id = child->encr, .key_len = (uint16_t)el};
        integ[i] = (struct sadb_alg){.id = child->integ, .key_len = (uint16_t)al};
        cut(&p, encr[i].key, el);
        cut(&p, integ[i].key, al);
    }
    mem_wipe(stream, sizeof stream);
    return err;
}

int ike_digest(const struct ike_crypto *c, const char *name, const struct bytes *part, size_t n,
               uint8_t *out)
{
    EVP_MD *md = EVP_MD_fetch(c->lib, name, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = md && ctx && EVP_DigestInit_ex(ctx, md, NULL);

    for (size_t i = 0; ok && i < n; i++)
        ok = EVP_DigestUpdate(ctx, part[i].p, part[i].n);
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL);
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    return ok ? 0 : -EIO;
}

int ike_sha1(const struct ike_crypto *c, const struct bytes *part, size_t n, uint8_t out[20])
{
    return ike_digest(c, "SHA1", part, n, out);
}

int ike_sha256(const struct ike_crypto *c, const struct bytes *part, size_t n, uint8_t out[32])
{
    return ike_digest(c, "SHA256", part, n, out);
}
