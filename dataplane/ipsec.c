/*
 * Modes, and bundles of ESP and AH. See ipsec.h.
 *
 *   tunnel     IP' | AH | ESP | IP payload          the outer header IP' is new
 *   transport  IP  | AH | ESP |    payload          the header stays, with another next protocol
 *
 * Each header is one stage over the whole vector: outbound ESP and then AH, inbound the other way
 * round (RFC 2401 §4.3). A bundle has one number for both headers and one replay window, which AH
 * keeps, as it covers ESP's number.
 *
 * In transport mode the IP header moves down first, to where it will stand, so that IV and headers
 * find their room between it and the payload. Over UDP and IPv6 the kernel writes the header; what
 * it does not know of the packet's own (TTL) travels beside. IPv4 options are lost over UDP.
 */
#include "dataplane/ipsec.h"
#include "dataplane/ah.h"
#include "dataplane/esp.h"
#include "dataplane/gre.h"
#include "dataplane/ip.h"
#include <netinet/in.h>
#include <string.h>

#define UDP_HLEN 8
_Static_assert(GRE_MOST + IP6_HLEN + ESP_HLEN + CRYPTO_IV_MAX + 48 <= PKT_HEAD,
               "GRE, IPv6, AH, ESP find room");
_Static_assert(IP_HEAD_MOST + 12 <= PKT_HEAD, "a header that is put back, and one of the TUN");

static unsigned above(const struct sa *sa)
{
    return (sa->key ? esp_head(sa) : 0) + (sa->ah ? ah_len(sa) : 0);
}

unsigned ipsec_overhead(const struct sa *sa)
{
    return (sa->key ? esp_overhead(sa) : 0) + (sa->ah ? ah_len(sa) : 0);
}

uint32_t ipsec_room(const struct sa *sa, uint32_t mtu)
{
    uint32_t ip = sa->remote.family == AF_INET6 ? IP6_HLEN : IP4_HLEN;
    uint32_t around = ip + (sa->flags & SADB_F_UDP ? UDP_HLEN : 0) + (sa->ah ? ah_len(sa) : 0);
    uint32_t left = mtu > around ? mtu - around : 0;
    if (sa->key)
        left = esp_room(sa, left);
    return left && sa_transport(sa) ? left + ip : left;
}

/* One header of all packets that have it and are still fine. */
typedef uint8_t step_fn(struct ipsec_batch *b, size_t i, struct pkt *p);

static inline void stage(struct ipsec_batch *b, struct pkt **p, size_t n, bool ah, step_fn *begin,
                         step_fn *end)
{
    b->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i]->cause != PKT_OK || !(ah ? p[i]->sa->ah : p[i]->sa->key))
            continue;
        p[i]->cause = begin(b, b->n, p[i]);
        if (p[i]->cause == PKT_OK)
            b->pkts[b->n++] = p[i];
    }
    if (b->n)
        crypto_run(b->crypto, b->ops, b->n);
    for (size_t i = 0; i < b->n; i++)
        b->pkts[i]->cause = end(b, i, b->pkts[i]);
}

/* --- outbound ------------------------------------------------------------------------------ */

/* The header that stays in front of ESP and AH, and the protocol behind it. 0: none can.
 * RFC 4303 §3.1.1: hop-by-hop options stay outside. Destination options go inside, as they may. A
 * packet that goes elsewhere first (RFC 8200 §4.4) is for another SA, and a fragment for none
 * (RFC 4303 §3.3.4). */
static unsigned outside6(const struct pkt *p, uint8_t *next)
{
    const uint8_t *h = p->data;
    unsigned hlen = IP6_HLEN;
    *next = h[6];
    if (*next == IPPROTO_HOPOPTS && p->len >= IP6_HLEN + 8) {
        hlen += (h[IP6_HLEN + 1] + 1u) * 8;
        *next = h[IP6_HLEN];
        if (hlen > IP_HEAD_MOST || hlen > p->len || (p->sa->flags & SADB_F_UDP))
            return 0;
    }
    return *next == IPPROTO_HOPOPTS || *next == IPPROTO_ROUTING || *next == IPPROTO_FRAGMENT ? 0
                                                                                             : hlen;
}

static unsigned outside(const struct pkt *p, uint8_t *next)
{
    const uint8_t *h = p->data;
    if (h[0] >> 4 == 6)
        return outside6(p, next);
    *next = h[9];
    return ((h[6] << 8 | h[7]) & ~IP4_DF) != 0 ? 0 : (h[0] & 15u) * 4;
}

/* Transport mode: moves the header to where it will stand. */
static uint8_t take_header(struct ipsec_batch *b, struct pkt *p)
{
    uint8_t *h = p->data;
    bool v6 = h[0] >> 4 == 6;
    unsigned hlen = outside(p, &p->proto);
    if (!hlen)
        return DP_BAD_INNER;
    p->ttl = v6 ? h[7] : h[8];
    if (!v6) {
        /* this host's like the packet's own, which may be zero for "not needed" */
        uint16_t id = batch_ip_id(b);
        h[4] = (uint8_t)(id >> 8);
        h[5] = (uint8_t)id;
        h[6] = p->df ? IP4_DF >> 8 : 0;
    }
    p->head = h - above(p->sa);
    p->hlen = (uint8_t)hlen;
    memmove(p->head, h, hlen);
    p->data += hlen;
    p->len -= hlen;
    return PKT_OK;
}

static uint8_t begin(struct ipsec_batch *b, struct pkt *p)
{
    struct sa *sa = p->sa;
    p->head = NULL;
    p->hlen = 0;
    if (p->len + ipsec_overhead(sa) > PKT_DATA - 1 - 60)
        return DP_TOO_BIG; /* than an outer IP packet can be */
    uint8_t cause = sa_has_seq(sa);
    if (cause != PKT_OK) /* the packet is as it was: it may wait */
        return cause;
    p->payload = p->len;
    p->proto = p->data[0] >> 4 == 6 ? NH_IPV6 : NH_IPV4;
    cause = sa_transport(sa) ? take_header(b, p) : PKT_OK;
    if (cause == PKT_OK)
        p->seq = sa_next_seq(sa);
    return cause;
}

/* An IPv4 header that is there goes along, but for UDP; IPv6's is the kernel's to write, unless
 * extension headers follow it. */
static void give_header(struct pkt *p)
{
    bool plain6 = p->head[0] >> 4 == 6 && p->hlen == IP6_HLEN;
    if (plain6 || (p->sa->flags & SADB_F_UDP)) {
        p->head = NULL;
        p->hlen = 0;
        return;
    }
    p->data = p->head;
    p->len += p->hlen;
    ip_retitle(p->head, p->hlen, p->proto, p->len);
}

void ipsec_seal(struct ipsec_batch *b, struct pkt **p, size_t n)
{
    bool ah = false;
    for (size_t i = 0; i < n; i++) {
        p[i]->cause = begin(b, p[i]);
        ah = ah || p[i]->sa->ah;
    }
    stage(b, p, n, false, esp_seal_begin, esp_seal_end);
    if (ah)
        stage(b, p, n, true, ah_seal_begin, ah_seal_end);
    for (size_t i = 0; i < n; i++)
        if (p[i]->head && p[i]->cause == PKT_OK)
            give_header(p[i]);
}

/* --- inbound ------------------------------------------------------------------------------- */

/* Transport mode: the IP header comes back before its payload. */
static uint8_t put_header(struct pkt *p)
{
    bool v6 = p->local.family == AF_INET6, own = p->head != NULL;
    unsigned hlen = own ? p->hlen : v6 ? IP6_HLEN : IP4_HLEN;
    uint8_t *h = p->data - hlen;
    uint8_t ttl = p->ttl ? p->ttl : IP_OUTER_TTL;
    if (p->len + hlen > UINT16_MAX)
        return DP_BAD_LENGTH;
    if (own)
        memmove(h, p->head, hlen);
    else if (v6)
        ip6_build(h, &p->remote, &p->local, p->proto, (uint16_t)p->len, p->tos, ttl);
    else
        ip4_build(h, &p->remote, &p->local, p->proto, 0, p->tos, false, 0);
    if (!own && !v6)
        h[8] = ttl;
    p->data = h;
    p->len += hlen;
    ip_retitle(h, hlen, p->proto, p->len);
    if (p->udp) /* a NAT has changed an address that the sender's checksum covers */
        ip_checksum_renew(h, p->len, hlen, p->proto);
    return PKT_OK;
}

/* Looks at what is inside: RFC 4303 §2.6, RFC 4302 §2.1. */
static uint8_t inside(struct pkt *p)
{
    struct ip_info in;
    bool transport = sa_transport(p->sa), v6 = p->proto == NH_IPV6;
    p->payload = p->len;
    if (p->proto == NH_NONE) { /* a dummy: counted, and nothing is left to forward */
        p->len = 0;
        return PKT_OK;
    }
    if (!transport && p->proto != NH_IPV4 && !v6)
        return DP_BAD_INNER;
    uint8_t cause = transport ? put_header(p) : PKT_OK;
    if (cause != PKT_OK)
        return cause;
    if (ip_parse(p->data, p->len, true, &in) ||
        (!transport && ((p->data[0] >> 4 == 6) != v6 || ip_ecn_take(p->data, p->tos))))
        return DP_BAD_INNER;
    p->flow = in.flow;
    p->len = p->payload = in.total; /* what lies behind is TFC padding (RFC 4303 §2.7) */
    return PKT_OK;
}

static uint8_t esp_opened(struct ipsec_batch *b, size_t i, struct pkt *p)
{
    uint8_t cause = esp_open_end(b, i, p);
    return cause == PKT_OK ? inside(p) : cause;
}

static uint8_t ah_opened(struct ipsec_batch *b, size_t i, struct pkt *p)
{
    uint8_t cause = ah_open_end(b, i, p);
    return cause == PKT_OK && !p->sa->key ? inside(p) : cause;
}

void ipsec_open(struct ipsec_batch *b, struct pkt **p, size_t n)
{
    bool ah = false;
    for (size_t i = 0; i < n; i++) {
        p[i]->cause = PKT_OK;
        ah = ah || p[i]->sa->ah;
    }
    if (ah)
        stage(b, p, n, true, ah_open_begin, ah_opened);
    stage(b, p, n, false, esp_open_begin, esp_opened);
}
