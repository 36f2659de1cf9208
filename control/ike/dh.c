/*
 * Key agreement: MODP (RFC 2409, 3526, 5114), ECP (RFC 5903) and X25519 (RFC 8031), with the
 * checks of public values that RFC 6989 asks for.
 *
 * Functions here may run in a helper thread: they touch nothing but their arguments.
 */
#include "control/ike/crypto_priv.h"
#include "lib/mem.h"
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/dh.h>
#include <openssl/param_build.h>
#include <stdlib.h>

enum dh_kind { DH_MODP, DH_EC, DH_X };

struct ike_dh {
    OSSL_LIB_CTX *lib;
    const struct transform *t;
    enum dh_kind kind;
    EVP_PKEY *key;
};

static enum dh_kind kind_of(uint16_t group)
{
    switch (group) {
    case DH_ECP256:
    case DH_ECP384:
    case DH_ECP521:
        return DH_EC;
    case DH_X25519:
        return DH_X;
    default:
        return DH_MODP;
    }
}

static const char *type_name(enum dh_kind kind)
{
    static const char *const names[] = {"DH", "EC", "X25519"};
    return names[kind];
}

size_t ike_dh_pub_len(uint16_t group)
{
    const struct transform *t = group ? transform_find(T_DH, group, 0) : NULL;
    return t ? t->ke_len : 0;
}

/* Adds what names the group. The two of RFC 2409 go as numbers. */
static int push_group(OSSL_PARAM_BLD *b, const struct transform *t, BIGNUM *p, BIGNUM *g)
{
    if (t->ossl)
        return OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, t->ossl, 0);
    return (t->id == DH_768 ? BN_get_rfc2409_prime_768(p) : BN_get_rfc2409_prime_1024(p)) &&
           BN_set_word(g, 2) && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_P, p) &&
           OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_G, g);
}

/* What OSSL_PARAM copied of a private key is wiped. */
static void free_params(OSSL_PARAM *params)
{
    OSSL_PARAM *p = params ? OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_PRIV_KEY) : NULL;

    if (p)
        mem_wipe(p->data, p->data_size);
    OSSL_PARAM_free(params);
}

/* A key object of the group: parameters alone, with a public value (pub not NULL), with both. */
static EVP_PKEY *import(OSSL_LIB_CTX *lib, const struct transform *t, enum dh_kind kind,
                        const uint8_t *pub, size_t len, struct bytes priv)
{
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    BIGNUM *p = BN_new(), *g = BN_new(), *y = NULL, *x = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(lib, type_name(kind), NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;
    uint8_t point[1 + IKE_PUB_MAX];
    int what = priv.n ? EVP_PKEY_KEYPAIR : pub ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEY_PARAMETERS;
    int ok = b && p && g && ctx && (kind == DH_X || push_group(b, t, p, g));

    if (ok && pub && kind == DH_MODP) {
        y = BN_bin2bn(pub, (int)len, NULL);
        ok = y && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PUB_KEY, y);
    } else if (ok && pub) {
        /* RFC 5903 §7: x | y without the octet that says "uncompressed". */
        size_t lead = kind == DH_EC ? 1 : 0;
        point[0] = 4;
        memcpy(point + lead, pub, len);
        ok = OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, len + lead);
    }
    if (ok && priv.n && kind == DH_X) {
        ok = OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PRIV_KEY, priv.p, priv.n);
    } else if (ok && priv.n) {
        x = BN_bin2bn(priv.p, (int)priv.n, NULL);
        ok = x && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, x);
    }
    params = ok ? OSSL_PARAM_BLD_to_param(b) : NULL;
    if (params && EVP_PKEY_fromdata_init(ctx) > 0 &&
        EVP_PKEY_fromdata(ctx, &key, what, params) <= 0)
        key = NULL;
    free_params(params);
    OSSL_PARAM_BLD_free(b);
    EVP_PKEY_CTX_free(ctx);
    BN_free(p);
    BN_free(g);
    BN_free(y);
    BN_clear_free(x);
    return key;
}

/* Without keys. */
static struct ike_dh *blank(const struct ike_crypto *c, uint16_t group)
{
    const struct transform *t = group ? transform_find(T_DH, group, 0) : NULL;
    struct ike_dh *d = t ? calloc(1, sizeof *d) : NULL;

    if (d)
        *d = (struct ike_dh){.lib = c->lib, .t = t, .kind = kind_of(group)};
    return d;
}

struct ike_dh *ike_dh_new(const struct ike_crypto *c, uint16_t group)
{
    struct ike_dh *d = blank(c, group);
    EVP_PKEY_CTX *ctx = NULL;
    EVP_PKEY *params = NULL;

    if (!d)
        return NULL;
    if (d->kind == DH_X) {
        ctx = EVP_PKEY_CTX_new_from_name(c->lib, "X25519", NULL);
    } else {
        params = import(c->lib, d->t, d->kind, NULL, 0, (struct bytes){NULL, 0});
        ctx = params ? EVP_PKEY_CTX_new_from_pkey(c->lib, params, NULL) : NULL;
    }
    if (!ctx || EVP_PKEY_keygen_init(ctx) <= 0 || EVP_PKEY_generate(ctx, &d->key) <= 0) {
        ike_dh_free(d);
        d = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(params);
    return d;
}

int ike_dh_private(const struct ike_dh *d, uint8_t *out, size_t cap, size_t *len)
{
    BIGNUM *x = NULL;
    int ok;

    *len = cap;
    if (d->kind == DH_X) {
        ok = EVP_PKEY_get_raw_private_key(d->key, out, len);
    } else {
        ok = EVP_PKEY_get_bn_param(d->key, OSSL_PKEY_PARAM_PRIV_KEY, &x) &&
             (size_t)BN_num_bytes(x) <= cap;
        *len = ok ? (size_t)BN_bn2bin(x, out) : 0;
        BN_clear_free(x);
    }
    return ok && *len > 0 ? 0 : -EIO;
}

struct ike_dh *ike_dh_restore(const struct ike_crypto *c, uint16_t group, const uint8_t *pub,
                              const uint8_t *priv, size_t len)
{
    struct ike_dh *d = len > 0 && len <= IKE_PUB_MAX ? blank(c, group) : NULL;

    if (!d)
        return NULL;
    d->key = import(d->lib, d->t, d->kind, pub, d->t->ke_len, (struct bytes){priv, len});
    uint8_t again[IKE_PUB_MAX];
    size_t n;
    /* OpenSSL takes a private value of zero; nothing can be made of that. */
    int err = d->key ? ike_dh_private(d, again, sizeof again, &n) : -EBADMSG;
    mem_wipe(again, sizeof again);
    if (err == 0)
        return d;
    ike_dh_free(d);
    return NULL;
}

void ike_dh_free(struct ike_dh *d)
{
    if (!d)
        return;
    EVP_PKEY_free(d->key); /* OpenSSL wipes private parts */
    free(d);
}

int ike_dh_pub(const struct ike_dh *d, uint8_t *out, size_t cap)
{
    size_t len = d->t->ke_len, got = 0;
    uint8_t point[1 + IKE_PUB_MAX];
    BIGNUM *y = NULL;
    int ok;

    if (cap < len)
        return -EMSGSIZE;
    switch (d->kind) {
    case DH_MODP:
        ok = EVP_PKEY_get_bn_param(d->key, OSSL_PKEY_PARAM_PUB_KEY, &y) &&
             BN_bn2binpad(y, out, (int)len) == (int)len;
        BN_free(y);
        break;
    case DH_EC:
        ok = EVP_PKEY_get_octet_string_param(d->key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
                                             sizeof point, &got) &&
             got == len + 1 && point[0] == 4;
        if (ok)
            memcpy(out, point + 1, len);
        break;
    default:
        ok = EVP_PKEY_get_raw_public_key(d->key, out, &len);
        break;
    }
    return ok ? 0 : -EIO;
}

/*
 * RFC 6989: 1 < y < p - 1 where p is a safe prime (§2.1), for such a group has no small subgroup
 * but that; y^q = 1 besides in those of RFC 5114 (§2.2); a point on the curve, whose cofactor is
 * one (§2.3). OpenSSL's quick check is just this. Its full one multiplies by the order in every
 * group, which in group 14 takes three times as long as the agreement. X25519 takes any value,
 * and OpenSSL refuses a secret of zeros (RFC 7748 §6.1).
 */
static bool is_of_group(OSSL_LIB_CTX *lib, EVP_PKEY *theirs)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(lib, theirs, NULL);
    bool ok = ctx && EVP_PKEY_public_check_quick(ctx) > 0;

    EVP_PKEY_CTX_free(ctx);
    return ok;
}

int ike_dh_shared(const struct ike_dh *d, const uint8_t *peer, size_t len, uint8_t *out, size_t cap,
                  size_t *out_len)
{
    if (len != d->t->ke_len)
        return -EBADMSG; /* §3.4: the length of a public value is that of its group */
    EVP_PKEY *theirs = import(d->lib, d->t, d->kind, peer, len, (struct bytes){NULL, 0});
    EVP_PKEY_CTX *ctx = theirs ? EVP_PKEY_CTX_new_from_pkey(d->lib, d->key, NULL) : NULL;
    int ok = ctx && is_of_group(d->lib, theirs) && EVP_PKEY_derive_init(ctx) > 0;

    /* §2.14: leading zeros of a MODP secret count */
    if (ok && d->kind == DH_MODP)
        ok = EVP_PKEY_CTX_set_dh_pad(ctx, 1) > 0;
    *out_len = cap;
    ok = ok && EVP_PKEY_derive_set_peer_ex(ctx, theirs, 0) > 0 &&
         EVP_PKEY_derive(ctx, out, out_len) > 0;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(theirs);
    return ok ? 0 : -EBADMSG;
}
