/*
 * ESP encode and decode. See esp.h.
 *
 *   SPI 4 | number 4 | IV | payload, padding, pad length 1, next header 1 | ICV
 *
 * With extended sequence numbers the high half is authenticated but not sent: HMAC takes it
 * behind the ciphertext (RFC 4303 §2.2.1), so it is written where the ICV comes or came; GCM has
 * it in its AAD (RFC 4106 §5); for GMAC, whose AAD is the packet itself (RFC 4543 §3.3), the SPI
 * moves four bytes down while the crypto runs.
 *
 * An inbound number is checked before and after the crypto: two packets of one vector may bear
 * the same one.
 */
#include "dataplane/esp.h"
#include "dataplane/ip.h"
#include "lib/mem.h"
#include <string.h>

#define TRAILER 2 /* pad length, next header */

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* RFC 4303 §2.4: the cipher's block, and four bytes in any case. */
static unsigned alignment(const struct sa *sa)
{
    unsigned block = crypto_key_block(sa->key);
    return block < 4 ? 4 : block;
}

unsigned esp_overhead(const struct sa *sa)
{
    return ESP_HLEN + crypto_key_iv_len(sa->key) + alignment(sa) - 1 + TRAILER +
           crypto_key_icv_len(sa->key);
}

uint32_t esp_room(const struct sa *sa, uint32_t most)
{
    uint32_t around = ESP_HLEN + crypto_key_iv_len(sa->key) + crypto_key_icv_len(sa->key);
    uint32_t align = alignment(sa);
    return most >= around + align ? (most - around) / align * align - TRAILER : 0;
}

static bool esn(const struct sa *sa)
{
    return (sa->flags & SADB_F_ESN) != 0;
}

/* Points the operation's `auth` at what its kind authenticates. p->data: the ESP header; icv:
 * where the ICV stands in the packet. Before this the ICV of an inbound packet was saved. */
static void set_auth(struct esp_batch *b, size_t i, struct pkt *p, uint8_t *icv)
{
    struct crypto_op *op = &b->ops[i];
    const struct sa *sa = p->sa;
    uint32_t high = (uint32_t)(p->seq >> 32);
    op->auth = p->data;
    switch (crypto_key_kind(sa->key)) {
    case CRYPTO_HMAC:
        op->auth_len = (size_t)(icv - p->data);
        if (esn(sa) && crypto_key_icv_len(sa->key)) {
            put32(icv, high);
            op->auth_len += 4;
        }
        break;
    case CRYPTO_GCM:
        op->auth_len = ESP_HLEN;
        if (esn(sa)) {
            put32(b->side[i].aad, sa->spi);
            put32(b->side[i].aad + 4, high);
            put32(b->side[i].aad + 8, (uint32_t)p->seq);
            op->auth = b->side[i].aad;
            op->auth_len = 12;
        }
        break;
    case CRYPTO_GMAC:
        op->auth_len = (size_t)(icv - p->data);
        op->text_len = 0;
        if (esn(sa)) {
            memcpy(b->side[i].saved, p->data - 4, 8);
            put32(p->data - 4, sa->spi);
            put32(p->data, high);
            op->auth = p->data - 4;
            op->auth_len += 4;
        }
        break;
    }
}

/* After the crypto: what set_auth moved comes back. */
static void restore(struct esp_batch *b, size_t i, struct pkt *p)
{
    if (esn(p->sa) && crypto_key_kind(p->sa->key) == CRYPTO_GMAC)
        memcpy(p->data - 4, b->side[i].saved, 8);
}

/* --- outbound ------------------------------------------------------------------------------ */

/* CBC: unpredictable (RFC 3602 §3). GCM, GMAC: the number, which never comes twice under one
 * key (RFC 4106 §3.1); after a restart it goes on behind the lease. */
static int set_iv(struct esp_batch *b, struct pkt *p, uint8_t *iv)
{
    unsigned n = crypto_key_iv_len(p->sa->key);
    if (crypto_key_kind(p->sa->key) == CRYPTO_HMAC)
        return n ? crypto_random(b->crypto, iv, n) : 0;
    put32(iv, (uint32_t)(p->seq >> 32));
    put32(iv + 4, (uint32_t)p->seq);
    return 0;
}

/* Lays the packet out and describes its operation. Returns a cause or PKT_OK. */
static uint8_t seal_prepare(struct esp_batch *b, size_t i, struct pkt *p)
{
    struct sa *sa = p->sa;
    struct crypto_op *op = &b->ops[i];
    unsigned iv_len = crypto_key_iv_len(sa->key), align = alignment(sa);
    uint8_t next = p->data[0] >> 4 == 6 ? NH_IPV6 : NH_IPV4;
    if (p->len + esp_overhead(sa) > PKT_DATA - 1 - 60)
        return DP_TOO_BIG; /* than an outer IP packet can be */
    if (!sa_next_seq(sa, &p->seq))
        return DP_SEQ_OVERFLOW;
    p->payload = p->len;
    unsigned pad = (align - (p->len + TRAILER) % align) % align;
    uint8_t *end = p->data + p->len;
    for (unsigned k = 1; k <= pad; k++) /* RFC 4303 §2.4 */
        *end++ = (uint8_t)k;
    *end++ = (uint8_t)pad;
    *end++ = next;
    op->text = p->data;
    op->text_len = (size_t)(end - p->data);
    p->data -= iv_len;
    op->iv = p->data;
    if (set_iv(b, p, p->data))
        return DP_CRYPTO_ERROR;
    p->data -= ESP_HLEN;
    put32(p->data, sa->spi);
    put32(p->data + 4, (uint32_t)p->seq);
    op->key = sa->key;
    op->icv = end;
    set_auth(b, i, p, end);
    p->len = (uint32_t)(end - p->data) + crypto_key_icv_len(sa->key);
    return PKT_OK;
}

void esp_seal(struct esp_batch *b, struct pkt **p, size_t n)
{
    b->n = 0;
    for (size_t i = 0; i < n; i++) {
        p[i]->cause = seal_prepare(b, b->n, p[i]);
        if (p[i]->cause == PKT_OK)
            b->pkts[b->n++] = p[i];
    }
    crypto_run(b->crypto, b->ops, b->n);
    for (size_t i = 0; i < b->n; i++) {
        restore(b, i, b->pkts[i]);
        if (b->ops[i].status != CRYPTO_OK)
            b->pkts[i]->cause = DP_CRYPTO_ERROR;
    }
}

/* --- inbound ------------------------------------------------------------------------------- */

static uint8_t open_prepare(struct esp_batch *b, size_t i, struct pkt *p)
{
    struct sa *sa = p->sa;
    struct crypto_op *op = &b->ops[i];
    unsigned iv_len = crypto_key_iv_len(sa->key), icv_len = crypto_key_icv_len(sa->key);
    unsigned align = alignment(sa), around = ESP_HLEN + iv_len + icv_len;
    if (p->len < around + align || (p->len - around) % align)
        return DP_BAD_LENGTH;
    p->seq = replay_extend(&sa->replay, get32(p->data + 4), esn(sa));
    if (!replay_fresh(&sa->replay, p->seq))
        return DP_REPLAY;
    uint8_t *icv = p->data + p->len - icv_len;
    memcpy(b->side[i].icv, icv, icv_len);
    op->key = sa->key;
    op->iv = p->data + ESP_HLEN;
    op->text = p->data + ESP_HLEN + iv_len;
    op->text_len = p->len - around;
    op->icv = b->side[i].icv;
    set_auth(b, i, p, icv);
    return PKT_OK;
}

/* RFC 4303 §2.4 to §2.7: takes padding and trailer off and looks at what is inside. */
static uint8_t unwrap(struct pkt *p)
{
    const struct sa *sa = p->sa;
    unsigned head = ESP_HLEN + crypto_key_iv_len(sa->key);
    uint8_t *text = p->data + head;
    uint32_t len = p->len - head - crypto_key_icv_len(sa->key);
    uint8_t pad = text[len - 2], next = text[len - 1];
    if ((uint32_t)pad + TRAILER > len)
        return DP_BAD_PADDING;
    const uint8_t *padding = text + len - TRAILER - pad;
    for (unsigned k = 0; k < pad; k++)
        if (padding[k] != k + 1)
            return DP_BAD_PADDING;
    len -= TRAILER + pad;
    p->data = text;
    p->len = 0;
    p->payload = len;
    if (next == NH_NONE) /* a dummy: counted, and nothing is left to forward */
        return PKT_OK;
    struct ip_info in;
    if ((next != NH_IPV4 && next != NH_IPV6) || ip_parse(text, len, true, &in) ||
        (text[0] >> 4 == 6) != (next == NH_IPV6))
        return DP_BAD_INNER;
    if (ip_ecn_take(text, p->tos))
        return DP_BAD_INNER;
    p->flow = in.flow;
    p->len = p->payload = in.total; /* what lies behind is TFC padding (§2.7) */
    return PKT_OK;
}

static uint8_t open_finish(struct pkt *p, enum crypto_status status)
{
    if (status == CRYPTO_BAD_ICV)
        return DP_BAD_ICV;
    if (status != CRYPTO_OK)
        return DP_CRYPTO_ERROR;
    if (!replay_accept(&p->sa->replay, p->seq))
        return DP_REPLAY;
    return unwrap(p);
}

void esp_open(struct esp_batch *b, struct pkt **p, size_t n)
{
    b->n = 0;
    for (size_t i = 0; i < n; i++) {
        p[i]->cause = open_prepare(b, b->n, p[i]);
        if (p[i]->cause == PKT_OK)
            b->pkts[b->n++] = p[i];
    }
    crypto_run(b->crypto, b->ops, b->n);
    for (size_t i = 0; i < b->n; i++) {
        restore(b, i, b->pkts[i]);
        b->pkts[i]->cause = open_finish(b->pkts[i], b->ops[i].status);
    }
}
