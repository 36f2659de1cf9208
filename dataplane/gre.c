/* GRE. See gre.h. */
#include "dataplane/gre.h"
#include "dataplane/ip.h"
#include "lib/buf.h"
#include <netinet/in.h>

/* RFC 2784 §2.1, RFC 2890 §2: flags and version. */
#define GRE_CHECKSUM 0x8000u
#define GRE_KEY      0x2000u
#define GRE_OTHERS   0x5fffu /* routing, sequence, recursion, reserved bits, version */
#define GRE_HLEN     4u
#define ETHER_IPV4   0x0800u
#define ETHER_IPV6   0x86ddu
#define IP4_TTL_AT   8

#define TUNNEL_TTL 255

uint32_t gre_overhead(const struct gre *g)
{
    return IP4_HLEN + GRE_HLEN + (g->has_key ? 4 : 0);
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

/* The outer header says the inner class of traffic (RFC 2983), a TTL of its own, and leaves the
 * packet free to be cut on its way: the inner DF is the tunnel device's matter, whose MTU leaves
 * room for all this. */
bool gre_wrap(struct gre *g, struct pkt *p)
{
    struct ip_info in;
    const uint32_t room = gre_overhead(g);
    if (ip_parse(p->data, p->len, false, &in) || in.total + room > UINT16_MAX)
        return false;
    bool v6 = p->data[0] >> 4 == 6;
    p->data -= room;
    p->len = in.total + room;
    ip4_build(p->data, &g->local, &g->remote, IPPROTO_GRE, (uint16_t)p->len, in.tos, false,
              ++g->id);
    p->data[IP4_TTL_AT] = TUNNEL_TTL;
    put16(p->data + 10, 0);
    put16(p->data + 10, ip_checksum(p->data, IP4_HLEN, 0));
    put16(p->data + IP4_HLEN, g->has_key ? GRE_KEY : 0);
    put16(p->data + IP4_HLEN + 2, v6 ? ETHER_IPV6 : ETHER_IPV4);
    if (g->has_key)
        put32(p->data + IP4_HLEN + GRE_HLEN, g->key);
    return true;
}

/* RFC 2784 §2.5: the sum of header and payload, its own field included, is 0. */
static bool sum_fits(const uint8_t *p, size_t n)
{
    return ip_checksum(p, n, 0) == 0;
}

/* Where the carried packet begins, or 0. */
static uint32_t header(const struct gre *g, const uint8_t *p, uint32_t len)
{
    struct rbuf r = rbuf_make(p, len);
    unsigned flags = rbuf_u16(&r), type = rbuf_u16(&r);
    uint32_t key = 0, n = GRE_HLEN;
    if (r.bad || (flags & GRE_OTHERS) || (type != ETHER_IPV4 && type != ETHER_IPV6))
        return 0;
    if (flags & GRE_CHECKSUM) {
        rbuf_u32(&r);
        n += 4;
        if (r.bad || !sum_fits(p, len))
            return 0;
    }
    if (flags & GRE_KEY) {
        key = rbuf_u32(&r);
        n += 4;
    }
    bool keyed = (flags & GRE_KEY) != 0;
    if (r.bad || keyed != (g->has_key != 0) || key != g->key)
        return 0;
    return n;
}

bool gre_unwrap(const struct gre *g, struct pkt *p)
{
    struct ip_info out, in;
    if (p->len < IP4_HLEN || p->data[0] >> 4 != 4 || ip_parse(p->data, p->len, true, &out))
        return false;
    uint32_t hlen = (uint32_t)(p->data[0] & 15) * 4, n;
    bool cut = (p->data[6] & 0x3f) || p->data[7]; /* more to come, or not the first */
    if (cut || out.flow.proto != IPPROTO_GRE || !addr_eq(&out.flow.local, &g->local) ||
        !addr_eq(&out.flow.remote, &g->remote))
        return false;
    n = header(g, p->data + hlen, out.total - hlen);
    if (!n)
        return false;
    const uint8_t *inner = p->data + hlen + n;
    uint32_t len = out.total - hlen - n;
    bool v6 = p->data[hlen + 2] == ETHER_IPV6 >> 8;
    if (ip_parse(inner, len, true, &in) || (inner[0] >> 4 == 6) != v6)
        return false;
    p->data += hlen + n;
    p->len = in.total;
    p->flow = in.flow;
    if (ip_ecn_take(p->data, out.tos))
        return false; /* RFC 6040 §4.2 */
    return true;
}
