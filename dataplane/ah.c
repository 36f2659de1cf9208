/*
 * AH encode and decode. See ah.h.
 *
 *   next header 1 | length 1 | reserved 2 | SPI 4 | number 4 | ICV, padding
 *
 * The ICV covers the IP header in front, with zeros where routers may write, this header with
 * zeros for the ICV, and all that follows (RFC 4302 §3.3.3). So the IP header is written before
 * the crypto runs, a copy is kept, and the copy comes back behind it. With extended sequence
 * numbers the high half is authenticated behind the packet and not sent (§2.5.1).
 *
 * IPv6 sockets give and take packets without IP headers; the one that the ICV needs is built from
 * addresses, length, and the extension headers that the kernel tells apart (dgrams_header6()).
 */
#include "dataplane/ah.h"
#include "dataplane/ip.h"
#include "lib/buf.h"
#include <netinet/in.h>
#include <string.h>

#define OPT_END              0
#define OPT_NOP              1
#define OPT_SECURITY         130
#define OPT_LOOSE_ROUTE      131
#define OPT_EXT_SECURITY     133
#define OPT_COMM_SECURITY    134
#define OPT_STRICT_ROUTE     137
#define OPT_ROUTER_ALERT     148
#define OPT_MULTIDESTINATION 149

#define OPT6_PAD1    0
#define OPT6_CHANGES 0x20 /* RFC 8200 §4.2: the data of this option may change on its way */

static bool is_v6(const struct pkt *p)
{
    return p->sa->local.family == AF_INET6;
}

/* RFC 4302 §2.6: with its padding a multiple of 4 bytes, IPv6 of 8. */
static unsigned padded(const struct sa *sa, unsigned align)
{
    return (AH_HLEN + sa->ah_icv_len + align - 1) / align * align;
}

unsigned ah_len(const struct sa *sa)
{
    return padded(sa, sa->local.family == AF_INET6 ? 8 : 4);
}

/* --- the IP header ------------------------------------------------------------------------- */

/* RFC 4302 appendix A1: these arrive as they were sent. */
static bool immutable(uint8_t option)
{
    switch (option) {
    case OPT_NOP:
    case OPT_SECURITY:
    case OPT_EXT_SECURITY:
    case OPT_COMM_SECURITY:
    case OPT_ROUTER_ALERT:
    case OPT_MULTIDESTINATION:
        return true;
    default:
        return false;
    }
}

/* §3.3.3.1.1.2: an option that may change is zeroed whole. */
static bool mute_options(uint8_t *o, unsigned len)
{
    for (unsigned i = 0; i < len && o[i] != OPT_END;) {
        unsigned n = o[i] == OPT_NOP ? 1 : i + 1 < len ? o[i + 1] : 0;
        if (n == 0 || n > len - i || (n == 1 && o[i] != OPT_NOP))
            return false;
        if (o[i] == OPT_LOOSE_ROUTE || o[i] == OPT_STRICT_ROUTE)
            return false; /* the destination is another one at the end */
        if (!immutable(o[i]))
            memset(o + i, 0, n);
        i += n;
    }
    return true;
}

bool ah_mute4(uint8_t *h, unsigned hlen)
{
    h[1] = 0;               /* DSCP, ECN */
    h[6] = h[7] = h[8] = 0; /* flags, offset, TTL */
    h[10] = h[11] = 0;      /* checksum */
    return mute_options(h + IP4_HLEN, hlen - IP4_HLEN);
}

/* Options of a hop-by-hop or destination header (appendix A2): data that may change is zeroed,
 * type and length are covered. */
static bool mute_options6(uint8_t *o, unsigned len)
{
    for (unsigned i = 0; i < len;) {
        if (o[i] == OPT6_PAD1) {
            i++;
            continue;
        }
        if (i + 2 > len || o[i + 1] > len - i - 2)
            return false;
        if (o[i] & OPT6_CHANGES)
            memset(o + i + 2, 0, o[i + 1]);
        i += 2u + o[i + 1];
    }
    return true;
}

/* §3.3.3.1.2: a routing header is covered as it is at the end of its way. */
static bool mute_extension(uint8_t type, uint8_t *x, unsigned len)
{
    switch (type) {
    case IPPROTO_HOPOPTS:
    case IPPROTO_DSTOPTS:
        return mute_options6(x + 2, len - 2);
    case IPPROTO_ROUTING:
        return x[3] == 0; /* segments left */
    default:
        return false;
    }
}

bool ah_mute6(uint8_t *h, unsigned hlen)
{
    uint8_t type = h[6];
    h[0] = 6 << 4; /* class and flow label; */
    h[1] = h[2] = h[3] = 0;
    h[7] = 0; /* hop limit */
    for (unsigned at = IP6_HLEN, len; at < hlen; at += len) {
        len = at + 8 <= hlen ? (h[at + 1] + 1u) * 8 : 0;
        if (len == 0 || len > hlen - at || !mute_extension(type, h + at, len))
            return false;
        type = h[at];
    }
    return true;
}

/* Keeps the header and zeroes what may change on the way. */
static bool mute(struct ipsec_batch *b, size_t i, uint8_t *h, unsigned hlen)
{
    memcpy(b->header[i], h, hlen);
    return h[0] >> 4 == 6 ? ah_mute6(h, hlen) : ah_mute4(h, hlen);
}

/* --- outbound ------------------------------------------------------------------------------ */

static void write_header(struct ipsec_batch *b, struct pkt *p)
{
    const struct sa *sa = p->sa;
    if (!p->head && is_v6(p)) {
        p->hlen = IP6_HLEN;
        p->head = p->data - IP6_HLEN;
        ip6_build(p->head, &sa->local, &sa->remote, NH_AH, (uint16_t)p->len, p->tos, IP_OUTER_TTL);
    } else if (!p->head) {
        p->hlen = IP4_HLEN;
        p->head = p->data - IP4_HLEN;
        ip4_build(p->head, &sa->local, &sa->remote, NH_AH, (uint16_t)(p->len + IP4_HLEN), p->tos,
                  p->df, batch_ip_id(b));
    } else {
        ip_retitle(p->head, p->hlen, NH_AH, p->len + p->hlen);
    }
}

/* Describes the operation over everything from the IP header on; icv: where the tag is. */
static void set_op(struct ipsec_batch *b, size_t i, struct pkt *p, uint8_t *icv)
{
    struct crypto_op *op = &b->ops[i];
    uint8_t *from = p->head, *end = p->data + p->len;
    if (sa_esn(p->sa)) {
        struct wbuf w = wbuf_make(end, 4);
        wbuf_u32(&w, (uint32_t)(p->seq >> 32));
        end += 4;
    }
    op->key = p->sa->ah;
    op->text = from;
    op->text_len = 0;
    op->iv = NULL;
    op->auth = from;
    op->auth_len = (size_t)(end - from);
    op->icv = icv;
}

uint8_t ah_seal_begin(struct ipsec_batch *b, size_t i, struct pkt *p)
{
    const struct sa *sa = p->sa;
    unsigned len = ah_len(sa);
    p->data -= len;
    p->len += len;
    struct wbuf w = wbuf_make(p->data, len);
    memset(p->data, 0, len);
    wbuf_u8(&w, p->proto);
    wbuf_u8(&w, (uint8_t)(len / 4 - 2)); /* §2.2 */
    wbuf_u16(&w, 0);
    wbuf_u32(&w, sa->first);
    wbuf_u32(&w, (uint32_t)p->seq);
    p->proto = NH_AH;
    write_header(b, p);
    if (!mute(b, i, p->head, p->hlen))
        return DP_BAD_INNER;
    set_op(b, i, p, p->data + AH_HLEN);
    return PKT_OK;
}

uint8_t ah_seal_end(struct ipsec_batch *b, size_t i, struct pkt *p)
{
    memcpy(p->head, b->header[i], p->hlen);
    return b->ops[i].status == CRYPTO_OK ? PKT_OK : DP_CRYPTO_ERROR;
}

/* --- inbound ------------------------------------------------------------------------------- */

uint8_t ah_open_begin(struct ipsec_batch *b, size_t i, struct pkt *p)
{
    struct sa *sa = p->sa;
    unsigned icv_len = sa->ah_icv_len;
    if (p->len < AH_HLEN)
        return DP_BAD_LENGTH;
    unsigned len = (p->data[1] + 2u) * 4;
    /* some pad IPv4 to 8 bytes, too */
    if ((len != padded(sa, 4) && len != padded(sa, 8)) || len > p->len || !p->head)
        return DP_BAD_LENGTH;
    struct rbuf r = rbuf_make(p->data + 8, 4);
    p->seq = replay_extend(&sa->replay, rbuf_u32(&r), sa_esn(sa));
    if (!replay_fresh(&sa->replay, p->seq))
        return DP_REPLAY;
    if (!mute(b, i, p->head, p->hlen))
        return DP_BAD_LENGTH;
    memcpy(b->side[i].icv, p->data + AH_HLEN, icv_len);
    memset(p->data + AH_HLEN, 0, icv_len);
    set_op(b, i, p, b->side[i].icv);
    return PKT_OK;
}

uint8_t ah_open_end(struct ipsec_batch *b, size_t i, struct pkt *p)
{
    memcpy(p->head, b->header[i], p->hlen); /* transport mode goes on with it */
    if (b->ops[i].status == CRYPTO_BAD_ICV)
        return DP_BAD_ICV;
    if (b->ops[i].status != CRYPTO_OK)
        return DP_CRYPTO_ERROR;
    if (!replay_accept(&p->sa->replay, p->seq))
        return DP_REPLAY;
    unsigned len = (p->data[1] + 2u) * 4;
    p->proto = p->data[0];
    p->data += len;
    p->len -= len;
    /* authentic, but not the bundle that was agreed on */
    return p->sa->key && p->proto != NH_ESP ? DP_BAD_INNER : PKT_OK;
}
