/* RFC 2409 §5, §5.5, appendix B; RFC 4106 §8.1 for the salt of GCM. See keys.h. */
#include "control/isakmp/keys.h"
#include "lib/mem.h"
#include <errno.h>

static void put_u64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static void put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

int isk_skeyid(const struct ike_crypto *c, uint16_t prf, struct bytes psk, struct bytes ni,
               struct bytes nr, uint8_t *out)
{
    const struct bytes in[] = {ni, nr};
    return ike_prf(c, prf, psk, in, 2, out);
}

/* The cipher of phase 1: RFC 2409 knows CBC only. */
static const struct transform *cipher_of(const struct ike_suite *s)
{
    const struct transform *t = transform_find(T_ENCR, s->encr, s->encr_bits);
    return t && t->block > 1 && t->icv_len == 0 ? t : NULL;
}

size_t isk_block(const struct ike_suite *s)
{
    const struct transform *t = cipher_of(s);
    return t ? t->block : 0;
}

/* Appendix B: a key longer than SKEYID_e is K1 | K2 | …, K1 = prf(SKEYID_e, 0). */
static int cipher_key(const struct ike_crypto *c, uint16_t prf, const uint8_t *skeyid_e,
                      size_t need, uint8_t *out)
{
    size_t len = ike_prf_len(prf), done = 0;
    uint8_t k[IKE_PRF_MAX] = {0};
    struct bytes in = {k, 1};
    int err = 0;

    if (len >= need) {
        memcpy(out, skeyid_e, need);
        return 0;
    }
    while (done < need && err == 0) {
        err = ike_prf(c, prf, (struct bytes){skeyid_e, len}, &in, 1, k);
        size_t take = need - done < len ? need - done : len;
        memcpy(out + done, k, take);
        done += take;
        in.n = len;
    }
    mem_wipe(k, sizeof k);
    return err;
}

int isk_derive(const struct ike_crypto *c, const struct ike_suite *s, const uint8_t *skeyid,
               struct bytes secret, uint64_t cky_i, uint64_t cky_r, struct ike_keys *out)
{
    const struct transform *t = cipher_of(s);
    size_t len = ike_prf_len(s->prf);
    uint8_t cookies[ISK_COOKIES_LEN], number[3] = {0, 1, 2}, e[IKE_PRF_MAX];
    struct bytes key = {skeyid, len};

    if (!t || len == 0)
        return -ENOTSUP;
    put_u64(cookies, cky_i);
    put_u64(cookies + 8, cky_r);
    struct bytes in[] = {{NULL, 0}, secret, {cookies, sizeof cookies}, {&number[0], 1}};
    int err = ike_prf(c, s->prf, key, in, 4, out->sk_d);
    in[0] = (struct bytes){out->sk_d, len};
    in[3].p = &number[1];
    if (err == 0)
        err = ike_prf(c, s->prf, key, in, 4, out->sk_ai);
    in[0] = (struct bytes){out->sk_ai, len};
    in[3].p = &number[2];
    if (err == 0)
        err = ike_prf(c, s->prf, key, in, 4, e);
    if (err == 0)
        err = cipher_key(c, s->prf, e, t->key_len, out->sk_ei);
    mem_wipe(e, sizeof e);
    return err;
}

int isk_hash_auth(const struct ike_crypto *c, uint16_t prf, const uint8_t *skeyid,
                  const struct isk_auth *a, uint8_t *out)
{
    uint8_t cookies[ISK_COOKIES_LEN];

    put_u64(cookies, a->cky_own);
    put_u64(cookies + 8, a->cky_other);
    const struct bytes in[] = {a->own, a->other, {cookies, sizeof cookies}, a->sa, a->id};
    return ike_prf(c, prf, (struct bytes){skeyid, ike_prf_len(prf)}, in, 5, out);
}

int isk_hash_message(const struct ike_crypto *c, const struct ike_sa_state *s, bool zero,
                     uint32_t mid, const struct bytes *part, size_t n, uint8_t *out)
{
    uint8_t head[5] = {0};
    struct bytes in[4] = {{head + !zero, sizeof head - !zero}};

    if (n > 3)
        return -EINVAL;
    put_u32(head + 1, mid);
    for (size_t i = 0; i < n; i++)
        in[1 + i] = part[i];
    return ike_prf(c, s->suite.prf, (struct bytes){s->keys.sk_ai, ike_prf_len(s->suite.prf)}, in,
                   1 + n, out);
}

static int iv_of(const struct ike_crypto *c, uint16_t hash, const struct bytes in[2],
                 uint8_t iv[ISK_BLOCK_MAX])
{
    const struct transform *t = transform_find(T_PRF, hash, 0);
    uint8_t digest[IKE_PRF_MAX];
    int err = t ? ike_digest(c, t->ossl, in, 2, digest) : -ENOTSUP;

    if (err == 0)
        memcpy(iv, digest, ISK_BLOCK_MAX); /* every hash is at least as long */
    return err;
}

int isk_iv_phase1(const struct ike_crypto *c, uint16_t hash, struct bytes pub_i, struct bytes pub_r,
                  uint8_t iv[ISK_BLOCK_MAX])
{
    const struct bytes in[] = {pub_i, pub_r};
    return iv_of(c, hash, in, iv);
}

int isk_iv_phase2(const struct ike_crypto *c, const struct ike_suite *s, const uint8_t *last,
                  uint32_t mid, uint8_t iv[ISK_BLOCK_MAX])
{
    uint8_t id[4];
    const struct bytes in[] = {{last, isk_block(s)}, {id, sizeof id}};

    put_u32(id, mid);
    return iv_of(c, s->prf, in, iv);
}

int isk_encrypt(const struct ike_crypto *c, const struct ike_suite *s, const uint8_t *key,
                uint8_t iv[ISK_BLOCK_MAX], uint8_t *msg, size_t *len, size_t cap)
{
    const struct transform *t = cipher_of(s);

    if (!t)
        return -ENOTSUP;
    size_t body = *len - ISK_HEADER_LEN, pad = (t->block - body % t->block) % t->block;
    if (*len + pad > cap)
        return -EMSGSIZE;
    memset(msg + *len, 0, pad);
    body += pad;
    *len += pad;
    put_u32(msg + 24, (uint32_t)*len);
    int err = ike_cbc(c, t, true, key, iv, msg + ISK_HEADER_LEN, body);
    if (err == 0)
        memcpy(iv, msg + *len - t->block, t->block);
    return err;
}

int isk_decrypt(const struct ike_crypto *c, const struct ike_suite *s, const uint8_t *key,
                uint8_t iv[ISK_BLOCK_MAX], const uint8_t *in, size_t n, uint8_t *plain)
{
    const struct transform *t = cipher_of(s);

    if (!t)
        return -ENOTSUP;
    if (n == 0 || n % t->block != 0)
        return -EBADMSG;
    memcpy(plain, in, n);
    int err = ike_cbc(c, t, false, key, iv, plain, n);
    if (err == 0)
        memcpy(iv, in + n - t->block, t->block);
    return err;
}

/* --- children ------------------------------------------------------------------------------- */

/* `need` bytes of KEYMAT for one SPI. */
static int keymat(const struct ike_crypto *c, const struct ike_sa_state *s, uint8_t proto,
                  uint32_t spi, const struct bytes nonce[2], struct bytes secret, uint8_t *out,
                  size_t need)
{
    size_t len = ike_prf_len(s->suite.prf), done = 0;
    uint8_t k[IKE_PRF_MAX], head[5] = {proto};
    struct bytes in[] = {{NULL, 0}, secret, {head, sizeof head}, nonce[0], nonce[1]};
    int err = len ? 0 : -ENOTSUP;

    put_u32(head + 1, spi);
    while (done < need && err == 0) {
        err = ike_prf(c, s->suite.prf, (struct bytes){s->keys.sk_d, len}, in, 5, k);
        size_t take = need - done < len ? need - done : len;
        memcpy(out + done, k, take);
        done += take;
        in[0] = (struct bytes){k, len};
    }
    mem_wipe(k, sizeof k);
    return err;
}

static void cut(const uint8_t **from, struct sadb_alg *to, uint16_t id, size_t n)
{
    *to = (struct sadb_alg){.id = id, .key_len = (uint16_t)n};
    memcpy(to->key, *from, n);
    *from += n;
}

int isk_derive_child(const struct ike_crypto *c, const struct ike_sa_state *s,
                     const struct ike_child_state *child, struct bytes ni, struct bytes nr,
                     struct bytes secret, struct ike_child_keys *out)
{
    const struct transform *e = transform_find(T_ENCR, child->encr, child->encr_bits);
    const struct transform *a = transform_find(T_INTEG, child->integ, 0);
    const struct transform *h = transform_find(T_INTEG, child->ah_integ, 0);
    const uint32_t spi[2] = {child->spi_in, child->spi_out};
    const uint32_t ah_spi[2] = {child->ah_spi_in, child->ah_spi_out};
    const struct bytes nonce[2] = {ni, nr};
    bool ah = child->proto == SADB_AH;
    uint8_t stream[2 * SADB_KEY_MAX];
    int err = 0;

    memset(out, 0, sizeof *out);
    if ((!e && !ah) || !a || !h)
        return -ENOTSUP;
    size_t el = ah ? 0 : (size_t)e->key_len + e->salt_len, al = a->key_len;
    for (int i = 0; i < 2 && err == 0; i++) {
        const uint8_t *p = stream;
        err = keymat(c, s, ah ? ISPROTO_AH : ISPROTO_ESP, spi[i], nonce, secret, stream, el + al);
        if (err == 0) {
            cut(&p, &out->encr[i], child->encr, el);
            cut(&p, &out->integ[i], child->integ, al);
        }
        p = stream;
        if (err == 0 && child->ah_integ != INTEG_NONE) {
            err = keymat(c, s, ISPROTO_AH, ah_spi[i], nonce, secret, stream, h->key_len);
            if (err == 0)
                cut(&p, &out->ah[i], child->ah_integ, h->key_len);
        }
    }
    mem_wipe(stream, sizeof stream);
    if (err < 0)
        mem_wipe(out, sizeof *out);
    return err;
}
