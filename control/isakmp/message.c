/* Messages being built, sealed and opened: RFC 2409 appendix B, and the hashes of §5.5 and §5.7. */
#include "control/isakmp/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

void isk_begin(struct isk_sa *sa, struct isk_out *m, uint8_t exchange, uint32_t mid, bool hash)
{
    static const uint8_t zero[IKE_PRF_MAX];
    struct ike_header h = {.spi_i = sa->s.spi_i,
                           .spi_r = sa->s.spi_r,
                           .version = ISK_VERSION,
                           .exchange = exchange,
                           .mid = mid};

    *m = (struct isk_out){.w = ike_writer_make(sa->k->out, sizeof sa->k->out)};
    ike_w_header(&m->w, &h);
    if (hash) {
        m->hash_at = m->w.w.len + 4;
        ike_w_payload(&m->w, ISP_HASH, zero, ike_prf_len(sa->s.suite.prf));
    }
    m->rest_at = m->w.w.len;
}

int isk_fill_hash(struct isk_sa *sa, struct isk_out *m, uint32_t mid, struct bytes before)
{
    struct bytes part[] = {before, {m->w.w.p + m->rest_at, m->w.w.len - m->rest_at}};

    if (m->w.w.bad)
        return -EMSGSIZE;
    return isk_hash_message(sa->k->c, &sa->s, false, mid, part, 2, m->w.w.p + m->hash_at);
}

int isk_finish(struct isk_sa *sa, struct isk_out *m, uint8_t *iv, size_t *len)
{
    int err = ike_w_finish(&m->w, len);

    if (err < 0 || !iv)
        return err;
    m->w.w.p[19] |= ISK_F_ENCRYPTED;
    return isk_encrypt(sa->k->c, &sa->s.suite, sa->s.keys.sk_ei, iv, m->w.w.p, len,
                       sizeof sa->k->out);
}

int isk_keep(struct isk_msg *to, const void *p, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, p, len);
    isk_msg_free(to);
    to->p = copy;
    to->len = len;
    return 0;
}

void isk_msg_free(struct isk_msg *m)
{
    free(m->p);
    *m = (struct isk_msg){0};
}

enum isk_drop isk_open(struct isk_sa *sa, struct isk_rx *rx)
{
    struct isakmp *k = sa->k;
    size_t n = rx->len - ISK_HEADER_LEN;

    if (isk_decrypt(k->c, &sa->s.suite, sa->s.keys.sk_ei, rx->iv, rx->msg + ISK_HEADER_LEN, n,
                    k->plain) < 0)
        return ISK_DROP_PAYLOADS;
    rx->body = k->plain;
    rx->end = k->plain + n;
    if (isk_payloads_read(rx->h.next, k->plain, n, true, &rx->pl) < 0)
        return ISK_DROP_SANITY;
    return ISK_DROP_NONE;
}

bool isk_hash_good(struct isk_sa *sa, const struct isk_rx *rx, struct bytes before)
{
    const struct ike_payload *hash = rx->pl.n ? &rx->pl.v[0] : NULL;
    size_t len = ike_prf_len(sa->s.suite.prf);
    uint8_t want[IKE_PRF_MAX];

    if (!hash || hash->type != ISP_HASH || hash->len != len)
        return false;
    const uint8_t *rest = hash->p + hash->len;
    struct bytes part[] = {before, {rest, (size_t)(rx->body + rx->pl.used - rest)}};
    return isk_hash_message(sa->k->c, &sa->s, false, rx->h.mid, part, 2, want) == 0 &&
           mem_equal_ct(want, hash->p, len);
}

void isk_digest(struct isakmp *k, struct isk_rx *rx)
{
    struct bytes part = {rx->msg, rx->len};

    if (ike_sha1(k->c, &part, 1, rx->digest) < 0)
        memset(rx->digest, 0, sizeof rx->digest);
}
