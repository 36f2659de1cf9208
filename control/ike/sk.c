/*
 * The Encrypted payload (SK), RFC 7296 §3.14, and with combined-mode ciphers RFC 5282; as a
 * fragment (SKF) RFC 7383 §2.5.
 *
 * Encrypt-then-MAC: SK_a covers everything from the header to the last encrypted byte. With
 * GCM the header up to and with the generic header of SK is the associated data (RFC 5282 §5.1)
 * and the nonce is salt | IV (RFC 5282 §4).
 */
#include "control/ike/crypto_priv.h"
#include "lib/mem.h"
#include <errno.h>

#define SK_HEAD     4 /* generic payload header */
#define SKF_NUMBERS 4 /* fragment number and total, RFC 7383 §2.5 */

struct sk_algs {
    const struct transform *e, *a;
    size_t icv;
};

static int algs_of(const struct ike_sk_key *k, struct sk_algs *out)
{
    out->e = transform_find(T_ENCR, k->encr, k->encr_bits);
    out->a = transform_find(T_INTEG, k->integ, 0);
    if (!out->e || (!out->e->icv_len && (!out->a || !out->a->icv_len)))
        return -ENOTSUP;
    out->icv = out->e->icv_len ? out->e->icv_len : out->a->icv_len;
    return 0;
}

int ike_cbc(const struct ike_crypto *c, const struct transform *e, bool seal, const uint8_t *key,
            const uint8_t *iv, uint8_t *data, size_t n)
{
    int len = 0, last = 0;

    if (e->id == ENCR_NULL)
        return 0;
    EVP_CIPHER *ci = EVP_CIPHER_fetch(c->lib, e->ossl, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int ok = ci && ctx && EVP_CipherInit_ex2(ctx, ci, key, iv, seal, NULL) &&
             EVP_CIPHER_CTX_set_padding(ctx, 0) &&
             EVP_CipherUpdate(ctx, data, &len, data, (int)n) &&
             EVP_CipherFinal_ex(ctx, data + len, &last) && (size_t)len + (size_t)last == n;
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(ci);
    return ok ? 0 : -EBADMSG;
}

static int gcm(const struct ike_crypto *c, const struct transform *e, bool seal, const uint8_t *key,
               const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n,
               uint8_t *tag)
{
    uint8_t nonce[12];
    int len = 0, last = 0;

    memcpy(nonce, key + e->key_len, 4);
    memcpy(nonce + 4, iv, 8);
    EVP_CIPHER *ci = EVP_CIPHER_fetch(c->lib, e->ossl, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int ok = ci && ctx && EVP_CipherInit_ex2(ctx, ci, key, nonce, seal, NULL) &&
             EVP_CipherUpdate(ctx, NULL, &len, aad, (int)aad_len);
    if (ok && !seal)
        ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, e->icv_len, tag);
    ok = ok && EVP_CipherUpdate(ctx, data, &len, data, (int)n) &&
         EVP_CipherFinal_ex(ctx, data + len, &last) > 0;
    if (ok && seal)
        ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, e->icv_len, tag);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(ci);
    mem_wipe(nonce, sizeof nonce);
    return ok ? 0 : -EBADMSG;
}

/* The checksum of encrypt-then-MAC over the message without its last icv bytes. */
static int checksum(const struct ike_crypto *c, const struct transform *a, const uint8_t *ka,
                    const uint8_t *msg, size_t n, uint8_t out[IKE_PRF_MAX])
{
    struct bytes part = {msg, n};
    return ike_hmac(c, a->ossl, (struct bytes){ka, a->key_len}, &part, 1, out, IKE_PRF_MAX);
}

/* The header and all of the payload before the IV. */
static size_t write_heads(const struct ike_header *h, uint8_t first, const struct ike_fragment *f,
                          size_t total, uint8_t *out, size_t cap)
{
    struct ike_writer w = ike_writer_make(out, cap);
    struct ike_header head = *h;

    head.next = f ? PL_SKF : PL_SK;
    head.len = (uint32_t)total;
    ike_w_header(&w, &head);
    wbuf_u8(&w.w, f && f->num > 1 ? PL_NONE : first);
    wbuf_u8(&w.w, 0);
    wbuf_u16(&w.w, (uint16_t)(total - IKE_HEADER_LEN));
    if (f) {
        wbuf_u16(&w.w, f->num);
        wbuf_u16(&w.w, f->total);
    }
    return w.w.len;
}

int ike_seal(const struct ike_crypto *c, const struct ike_sk_key *k, const struct ike_header *h,
             uint8_t first, const uint8_t *plain, size_t n, const uint8_t *iv, uint8_t *out,
             size_t cap, size_t *out_len)
{
    return ike_seal_fragment(c, k, h, first, NULL, plain, n, iv, out, cap, out_len);
}

size_t ike_fragment_room(const struct ike_sk_key *k, size_t limit)
{
    struct sk_algs g;

    if (algs_of(k, &g) < 0)
        return 0;
    size_t block = g.e->block ? g.e->block : 1;
    size_t rest = IKE_HEADER_LEN + SK_HEAD + SKF_NUMBERS + g.e->iv_len + g.icv;
    size_t body = limit > rest ? (limit - rest) / block * block : 0;
    return body > 1 ? body - 1 : 0;
}

int ike_seal_fragment(const struct ike_crypto *c, const struct ike_sk_key *k,
                      const struct ike_header *h, uint8_t first, const struct ike_fragment *f,
                      const uint8_t *plain, size_t n, const uint8_t *iv, uint8_t *out, size_t cap,
                      size_t *out_len)
{
    struct sk_algs g;
    int err = algs_of(k, &g);

    if (err < 0)
        return err;
    /* The encrypted part ends with padding and its length; we pad as little as the block wants. */
    size_t block = g.e->block ? g.e->block : 1;
    size_t pad = (block - (n + 1) % block) % block;
    size_t body = n + pad + 1;
    size_t total = IKE_HEADER_LEN + SK_HEAD + (f ? SKF_NUMBERS : 0) + g.e->iv_len + body + g.icv;
    if (total > cap || total - IKE_HEADER_LEN > UINT16_MAX)
        return -EMSGSIZE;

    size_t aad = write_heads(h, first, f, total, out, cap);
    memcpy(out + aad, iv, g.e->iv_len);
    uint8_t *data = out + aad + g.e->iv_len;
    memcpy(data, plain, n);
    memset(data + n, 0, pad);
    data[n + pad] = (uint8_t)pad;
    uint8_t *tag = data + body;
    if (g.e->icv_len) {
        err = gcm(c, g.e, true, k->ke, iv, out, aad, data, body, tag);
    } else {
        uint8_t mac[IKE_PRF_MAX];
        err = ike_cbc(c, g.e, true, k->ke, iv, data, body);
        if (err == 0)
            err = checksum(c, g.a, k->ka, out, total - g.icv, mac);
        if (err == 0)
            memcpy(tag, mac, g.icv);
    }
    *out_len = total;
    return err;
}

int ike_open(const struct ike_crypto *c, const struct ike_sk_key *k, const uint8_t *msg, size_t len,
             size_t sk_off, uint8_t *plain, size_t *n)
{
    struct sk_algs g;
    int err = algs_of(k, &g);

    if (err < 0)
        return err;
    size_t block = g.e->block ? g.e->block : 1;
    if (sk_off > len || len - sk_off < g.e->iv_len + g.icv + 1u)
        return -EBADMSG;
    size_t body = len - sk_off - g.e->iv_len - g.icv;
    const uint8_t *iv = msg + sk_off, *data = iv + g.e->iv_len, *tag = data + body;
    if (body % block != 0)
        return -EBADMSG;
    if (g.e->icv_len) {
        uint8_t t[16];
        memcpy(t, tag, sizeof t);
        memcpy(plain, data, body);
        err = gcm(c, g.e, false, k->ke, iv, msg, sk_off, plain, body, t);
    } else {
        uint8_t mac[IKE_PRF_MAX];
        err = checksum(c, g.a, k->ka, msg, len - g.icv, mac);
        if (err == 0 && !mem_equal_ct(mac, tag, g.icv))
            err = -EBADMSG;
        if (err == 0) {
            memcpy(plain, data, body);
            err = ike_cbc(c, g.e, false, k->ke, iv, plain, body);
        }
    }
    if (err < 0)
        return -EBADMSG;
    size_t pad = plain[body - 1];
    if (pad + 1 > body)
        return -EBADMSG;
    *n = body - pad - 1;
    return 0;
}
