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

uint32_t esp_room(const struct sa *sa, uint32_t most)
{
    uint32_t around = ESP_HLEN + sa->iv_len + sa->icv_len;
    uint32_t align = sa->align;
    return most >= around + align ? (most - around) / align * align - ESP_TRAILER : 0;
}

/* Points the operation's `auth` at what its kind authenticates. p->data: the ESP header; icv:
 * where the ICV stands in the packet. Before this the ICV of an inbound packet was saved. */
static void set_auth(struct ipsec_batch *b, size_t i, struct pkt *p, uint8_t *icv)
{
    struct crypto_op *op = &b->ops[i];
    const struct sa *sa = p->sa;
    uint32_t high = (uint32_t)(p->seq >> 32);
    op->auth = p->data;
    switch (sa->kind) {
    case CRYPTO_HMAC:
        op->auth_len = (size_t)(icv - p->data);
        if (sa_esn(sa) && sa->icv_len) {
            put32(icv, high);
            op->auth_len += 4;
        }
        break;
    case CRYPTO_GCM:
        op->auth_len = ESP_HLEN;
        if (sa_esn(sa)) {
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
        if (sa_esn(sa)) {
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
static void restore(struct ipsec_batch *b, size_t i, struct pkt *p)
{
    if (sa_esn(p->sa) && p->sa->kind == CRYPTO_GMAC)
        memcpy(p->data - 4, b->side[i].saved, 8);
}

/* --- outbound ------------------------------------------------------------------------------ */

/* CBC: unpredictable (RFC 3602 §3). GCM, GMAC: the number, which never comes twice under one
 * key (RFC 4106 §3.1); after a restart it goes on behind the lease. */
static int set_iv(struct ipsec_batch *b, struct pkt *p, uint8_t *iv)
{
    unsigned n = p->sa->iv_len;
    if (p->sa->kind == CRYPTO_HMAC)
        return n ? crypto_random(b->crypto, iv, n) : 0;
    put32(iv, (uint32_t)(p->seq >> 32));
    put32(iv + 4, (uint32_t)p->seq);
    return 0;
}

uint8_t esp_seal_begin(struct ipsec_batch *b, size_t i, struct pkt *p)
{
    struct sa *sa = p->sa;
    struct crypto_op *op = &b->ops[i];
    unsigned iv_len = sa->iv_len, pad = -(p->len + ESP_TRAILER) & (sa->align - 1u);
    uint8_t *end = p->data + p->len;
    for (unsigned k = 1; k <= pad; k++) /* RFC 4303 §2.4 */
        *end++ = (uint8_t)k;
    *end++ = (uint8_t)pad;
    *end++ = p->proto;
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
    p->len = (uint32_t)(end - p->data) + sa->icv_len;
    p->proto = NH_ESP;
    return PKT_OK;
}

uint8_t esp_seal_end(struct ipsec_batch *b, size_t i, struct pkt *p)
{
    restore(b, i, p);
    return b->ops[i].status == CRYPTO_OK ? PKT_OK : DP_CRYPTO_ERROR;
}

/* --- inbound ------------------------------------------------------------------------------- */

uint8_t esp_open_begin(struct ipsec_batch *b, size_t i, struct pkt *p)
{
    struct sa *sa = p->sa;
    struct crypto_op *op = &b->ops[i];
    unsigned iv_len = sa->iv_len, icv_len = sa->icv_len;
    unsigned align = sa->align, around = ESP_HLEN + iv_len + icv_len;
    if (p->len < around + align || ((p->len - around) & (align - 1)))
        return DP_BAD_LENGTH;
    if (!sa->ah) {
        p->seq = replay_extend(&sa->replay, get32(p->data + 4), sa_esn(sa));
        if (!replay_fresh(&sa->replay, p->seq))
            return DP_REPLAY;
    } else if (get32(p->data) != sa->spi) {
        return DP_BAD_INNER; /* authentic, but another bundle's */
    }
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

/* RFC 4303 §2.4 to §2.6: takes padding and trailer off. */
static uint8_t unwrap(struct pkt *p)
{
    const struct sa *sa = p->sa;
    unsigned head = esp_head(sa);
    uint8_t *text = p->data + head;
    uint32_t len = p->len - head - sa->icv_len;
    uint8_t pad = text[len - 2];
    p->proto = text[len - 1];
    if ((uint32_t)pad + ESP_TRAILER > len)
        return DP_BAD_PADDING;
    const uint8_t *padding = text + len - ESP_TRAILER - pad;
    for (unsigned k = 0; k < pad; k++)
        if (padding[k] != k + 1)
            return DP_BAD_PADDING;
    p->data = text;
    p->len = len - ESP_TRAILER - pad;
    return PKT_OK;
}

uint8_t esp_open_end(struct ipsec_batch *b, size_t i, struct pkt *p)
{
    enum crypto_status status = b->ops[i].status;
    restore(b, i, p);
    if (status == CRYPTO_BAD_ICV)
        return DP_BAD_ICV;
    if (status != CRYPTO_OK)
        return DP_CRYPTO_ERROR;
    if (!p->sa->ah && !replay_accept(&p->sa->replay, p->seq))
        return DP_REPLAY;
    return unwrap(p);
}
