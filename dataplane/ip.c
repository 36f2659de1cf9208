/*
 * IP headers as the packet path sees them. See ip.h.
 *
 * Later fragments have no ports. Such a flow is marked FLOW_NO_PORTS and matches a selector by
 * addresses and protocol alone; who may use that is decided in spd.c (RFC 4301 §7). A first
 * fragment too small to hold its ports is refused, so ports can be neither hidden nor lied about
 * by overlapping fragments.
 */
#include "dataplane/ip.h"
#include "lib/buf.h"
#include <netinet/in.h>
#include <string.h>

#define IP6_EXTENSIONS 8 /* more than this is nothing a host sends */

static void set_v4(struct addr *a, const uint8_t *b)
{
    a->family = AF_INET;
    memcpy(a->b, b, 4);
}

static void set_v6(struct addr *a, const uint8_t *b)
{
    a->family = AF_INET6;
    memcpy(a->b, b, 16);
}

/* Ports of the transport header at r, where the protocol has any. */
static int read_ports(struct rbuf *r, struct flow *f, bool inbound)
{
    uint16_t src, dst;
    switch (f->proto) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_SCTP:
    case IPPROTO_DCCP:
        src = rbuf_u16(r);
        dst = rbuf_u16(r);
        f->lport = inbound ? dst : src;
        f->rport = inbound ? src : dst;
        break;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6: /* RFC 4301 §4.4.1.1: type and code as one number */
        f->lport = f->rport = rbuf_u16(r);
        break;
    default:
        break;
    }
    return r->bad ? -1 : 0;
}

static int parse4(const uint8_t *p, size_t len, bool inbound, struct ip_info *o)
{
    struct rbuf r = rbuf_make(p, len);
    uint8_t vihl = rbuf_u8(&r);
    o->tos = rbuf_u8(&r);
    o->total = rbuf_u16(&r);
    rbuf_u16(&r);
    uint16_t frag = rbuf_u16(&r);
    rbuf_u8(&r);
    o->flow.proto = rbuf_u8(&r);
    rbuf_u16(&r);
    const uint8_t *addrs = rbuf_bytes(&r, 8);
    size_t hlen = (size_t)(vihl & 15) * 4;
    if (!addrs || hlen < IP4_HLEN || o->total < hlen || o->total > len)
        return -1;
    o->df = (frag & IP4_DF) != 0;
    set_v4(inbound ? &o->flow.remote : &o->flow.local, addrs);
    set_v4(inbound ? &o->flow.local : &o->flow.remote, addrs + 4);
    if (frag & 0x1fff) {
        o->flow.flags = FLOW_NO_PORTS;
        return 0;
    }
    r = rbuf_make(p + hlen, o->total - hlen);
    return read_ports(&r, &o->flow, inbound);
}

/* Walks the extension headers to the transport header (RFC 8200 §4). */
static int parse6_rest(struct rbuf *r, uint8_t next, struct flow *f, bool inbound)
{
    for (int i = 0; i < IP6_EXTENSIONS; i++) {
        switch (next) {
        case IPPROTO_HOPOPTS:
        case IPPROTO_ROUTING:
        case IPPROTO_DSTOPTS: {
            next = rbuf_u8(r);
            size_t rest = (size_t)rbuf_u8(r) * 8 + 6;
            rbuf_bytes(r, rest);
            break;
        }
        case IPPROTO_FRAGMENT: {
            next = rbuf_u8(r);
            rbuf_u8(r);
            uint16_t frag = rbuf_u16(r);
            rbuf_u32(r);
            if (!r->bad && (frag & 0xfff8)) {
                f->proto = next;
                f->flags = FLOW_NO_PORTS;
                return 0;
            }
            break;
        }
        default:
            f->proto = next;
            return read_ports(r, f, inbound);
        }
        if (r->bad)
            return -1;
    }
    return -1;
}

static int parse6(const uint8_t *p, size_t len, bool inbound, struct ip_info *o)
{
    struct rbuf r = rbuf_make(p, len);
    uint32_t first = rbuf_u32(&r);
    o->tos = (uint8_t)(first >> 20);
    o->total = (uint32_t)rbuf_u16(&r) + IP6_HLEN;
    uint8_t next = rbuf_u8(&r);
    rbuf_u8(&r);
    const uint8_t *addrs = rbuf_bytes(&r, 32);
    if (!addrs || o->total > len)
        return -1;
    o->df = 1; /* routers never fragment IPv6 */
    set_v6(inbound ? &o->flow.remote : &o->flow.local, addrs);
    set_v6(inbound ? &o->flow.local : &o->flow.remote, addrs + 16);
    struct rbuf rest = rbuf_make(p + IP6_HLEN, o->total - IP6_HLEN);
    return parse6_rest(&rest, next, &o->flow, inbound);
}

int ip_parse(const uint8_t *p, size_t len, bool inbound, struct ip_info *out)
{
    memset(out, 0, sizeof *out);
    if (len < 1)
        return -1;
    switch (p[0] >> 4) {
    case 4:
        return parse4(p, len, inbound, out);
    case 6:
        return parse6(p, len, inbound, out);
    default:
        return -1;
    }
}

static bool in_range(const struct addr_range *r, const struct addr *a)
{
    unsigned n = addr_size(a);
    return r->lo.family == a->family && n && memcmp(a->b, r->lo.b, n) >= 0 &&
           memcmp(a->b, r->hi.b, n) <= 0;
}

static bool in_ports(const uint16_t r[2], uint16_t port)
{
    return port >= r[0] && port <= r[1];
}

bool selector_match(const struct selector *s, const struct flow *f)
{
    if (s->proto && s->proto != f->proto)
        return false;
    if (!in_range(&s->local, &f->local) || !in_range(&s->remote, &f->remote))
        return false;
    if (f->flags & FLOW_NO_PORTS)
        return true;
    return in_ports(s->lport, f->lport) && in_ports(s->rport, f->rport);
}

struct selector selector_of_flow(const struct flow *f)
{
    struct selector s = {.local = {f->local, f->local},
                         .remote = {f->remote, f->remote},
                         .proto = f->proto,
                         .lport = {f->lport, f->lport},
                         .rport = {f->rport, f->rport}};
    if (f->flags & FLOW_NO_PORTS) {
        s.lport[0] = s.rport[0] = 0;
        s.lport[1] = s.rport[1] = UINT16_MAX;
    }
    return s;
}

uint16_t ip_checksum(const void *data, size_t len, uint32_t sum)
{
    const uint8_t *p = data;
    uint64_t s = sum;
    for (; len > 1; p += 2, len -= 2)
        s += (uint32_t)p[0] << 8 | p[1];
    if (len)
        s += (uint32_t)p[0] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)~s;
}

void ip4_build(uint8_t *h, const struct addr *src, const struct addr *dst, uint8_t proto,
               uint16_t total, uint8_t tos, bool df, uint16_t id)
{
    struct wbuf w = wbuf_make(h, IP4_HLEN);
    wbuf_u8(&w, 0x45);
    wbuf_u8(&w, tos);
    wbuf_u16(&w, total);
    wbuf_u16(&w, id);
    wbuf_u16(&w, df ? IP4_DF : 0);
    wbuf_u8(&w, IP_OUTER_TTL);
    wbuf_u8(&w, proto);
    wbuf_u16(&w, 0);
    wbuf_bytes(&w, src->b, 4);
    wbuf_bytes(&w, dst->b, 4);
    wbuf_put_u16(&w, 10, ip_checksum(h, IP4_HLEN, 0));
}

void ip6_build(uint8_t *h, const struct addr *src, const struct addr *dst, uint8_t proto,
               uint16_t len, uint8_t tos, uint8_t hops)
{
    struct wbuf w = wbuf_make(h, IP6_HLEN);
    wbuf_u32(&w, UINT32_C(6) << 28 | (uint32_t)tos << 20);
    wbuf_u16(&w, len);
    wbuf_u8(&w, proto);
    wbuf_u8(&w, hops);
    wbuf_bytes(&w, src->b, 16);
    wbuf_bytes(&w, dst->b, 16);
}

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

void ip_retitle(uint8_t *h, unsigned hlen, uint8_t proto, uint32_t total)
{
    if (h[0] >> 4 == 6) {
        unsigned next = 6;
        for (unsigned at = IP6_HLEN; at + 8 <= hlen; at += (h[at + 1] + 1u) * 8)
            next = at;
        put16(h + 4, (uint16_t)(total - IP6_HLEN));
        h[next] = proto;
        return;
    }
    put16(h + 2, (uint16_t)total);
    h[6] &= IP4_DF >> 8;
    h[7] = 0;
    h[9] = proto;
    put16(h + 10, 0);
    put16(h + 10, ip_checksum(h, hlen, 0));
}

/* The sum over the pseudo header (RFC 9293 §3.1, RFC 8200 §8.1): addresses, protocol, length. */
static uint32_t pseudo(const uint8_t *p, uint32_t len, uint8_t proto)
{
    bool v6 = p[0] >> 4 == 6;
    uint32_t sum = len + proto;
    for (unsigned i = v6 ? 8 : 12; i < (v6 ? 40u : 20u); i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    return sum;
}

void ip_checksum_renew(uint8_t *p, uint32_t len, unsigned hlen, uint8_t proto)
{
    unsigned at = proto == IPPROTO_TCP ? 16 : 6, least = proto == IPPROTO_TCP ? 20 : 8;
    if ((proto != IPPROTO_TCP && proto != IPPROTO_UDP) || len < hlen + least)
        return;
    uint8_t *l4 = p + hlen;
    if (proto == IPPROTO_UDP && p[0] >> 4 == 4 && l4[at] == 0 && l4[at + 1] == 0)
        return; /* RFC 768: the sender made none */
    put16(l4 + at, 0);
    uint16_t sum = ip_checksum(l4, len - hlen, pseudo(p, len - hlen, proto));
    put16(l4 + at, sum || proto == IPPROTO_TCP ? sum : 0xffff);
}

/* RFC 1624 §3: the header checksum after one 16-bit word changed. */
static void fix_checksum(uint8_t *h, uint16_t was, uint16_t is)
{
    uint32_t s = (uint16_t) ~(h[10] << 8 | h[11]);
    s += (uint16_t)~was;
    s += is;
    s = (s & 0xffff) + (s >> 16);
    s = (s & 0xffff) + (s >> 16);
    h[10] = (uint8_t)(~s >> 8);
    h[11] = (uint8_t)~s;
}

void ip_ttl_give_back(uint8_t *p)
{
    if (p[0] >> 4 == 6) {
        if (p[7] < 255)
            p[7]++;
        return;
    }
    if (p[8] == 255)
        return;
    uint16_t was = (uint16_t)(p[8] << 8 | p[9]);
    p[8]++;
    fix_checksum(p, was, (uint16_t)(p[8] << 8 | p[9]));
}

int ip_ecn_take(uint8_t *inner, uint8_t outer_tos)
{
    if ((outer_tos & ECN_MASK) != ECN_CE)
        return 0;
    bool v6 = inner[0] >> 4 == 6;
    uint8_t ecn = v6 ? (inner[1] >> 4) & ECN_MASK : inner[1] & ECN_MASK;
    if (ecn == 0)
        return -1;
    if (ecn == ECN_CE)
        return 0; /* it says so already; its checksum stays as it came */
    if (v6) {
        inner[1] |= ECN_CE << 4;
    } else {
        uint16_t was = (uint16_t)(inner[0] << 8 | inner[1]);
        inner[1] |= ECN_CE;
        fix_checksum(inner, was, (uint16_t)(inner[0] << 8 | inner[1]));
    }
    return 0;
}
