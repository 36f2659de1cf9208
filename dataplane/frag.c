/*
 * Fragments and ICMP errors. See frag.h.
 */
#include "dataplane/frag.h"
#include "dataplane/ip.h"
#include "lib/buf.h"
#include <netinet/in.h>
#include <string.h>

#define IP4_MF     0x2000u
#define IP4_OFFSET 0x1fffu
#define OPT_END    0
#define OPT_NOP    1
#define OPT_COPIED 0x80 /* RFC 791 §3.1: in every fragment */

#define ICMP_HLEN        8
#define ICMP4_UNREACH    3
#define ICMP4_TOO_BIG    4 /* code: fragmentation needed and DF set */
#define ICMP6_TOO_BIG    2
#define ICMP6_INFO       128  /* types from here on are no errors */
#define TOS_INTERCONTROL 0xc0 /* RFC 1812 §4.3.2.5 */

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* --- fragments ----------------------------------------------------------------------------- */

bool frag_begin(struct frag *f, const uint8_t *p, size_t len, uint32_t mtu)
{
    memset(f, 0, sizeof *f);
    f->hlen = len ? (uint32_t)(p[0] & 15) * 4 : 0;
    if (f->hlen < IP4_HLEN || len < f->hlen || p[0] >> 4 != 4 || mtu < f->hlen + 8)
        return false;
    memcpy(f->header, p, f->hlen);
    f->word = (uint16_t)(p[6] << 8 | p[7]);
    f->data = p + f->hlen;
    f->len = (uint32_t)len - f->hlen;
    f->step = (mtu - f->hlen) & ~7u;
    return true;
}

/* Later pieces carry only the options that say so; the others make room for no-operations. */
static void drop_options(struct frag *f)
{
    for (uint32_t i = IP4_HLEN; i < f->hlen && f->header[i] != OPT_END;) {
        uint32_t n = f->header[i] == OPT_NOP ? 1 : i + 1 < f->hlen ? f->header[i + 1] : 0;
        if (n == 0 || n > f->hlen - i)
            return;
        if (!(f->header[i] & OPT_COPIED))
            memset(f->header + i, OPT_NOP, n);
        i += n;
    }
}

uint32_t frag_next(struct frag *f, const uint8_t **data)
{
    uint32_t left = f->len - f->at, n = left < f->step ? left : f->step;
    if (n == 0)
        return 0;
    if (f->at)
        drop_options(f);
    uint16_t word = (uint16_t)((f->word & ~IP4_OFFSET) | ((f->word & IP4_OFFSET) + f->at / 8));
    if (n < left)
        word |= IP4_MF;
    put16(f->header + 2, (uint16_t)(f->hlen + n));
    put16(f->header + 6, word);
    put16(f->header + 10, 0);
    put16(f->header + 10, ip_checksum(f->header, f->hlen, 0));
    *data = f->data + f->at;
    f->at += n;
    return n;
}

/* --- errors -------------------------------------------------------------------------------- */

static bool one_host(const struct addr *a)
{
    if (a->family == AF_INET6)
        return a->b[0] != 0xff && (a->b[0] || memcmp(a->b, a->b + 1, 15) != 0);
    return a->b[0] != 0 && a->b[0] != 127 && a->b[0] < 224;
}

/* Never about an error, a later fragment, or what has no single sender. */
static bool may_tell(const struct flow *f)
{
    uint8_t type = (uint8_t)(f->lport >> 8);
    if (!one_host(&f->local) || (f->flags & FLOW_NO_PORTS))
        return false;
    if (f->proto == IPPROTO_ICMPV6)
        return type >= ICMP6_INFO;
    if (f->proto == IPPROTO_ICMP) /* unreachable, quench, redirect, time, parameter */
        return type != 3 && type != 4 && type != 5 && type != 11 && type != 12;
    return f->remote.family == AF_INET6 || one_host(&f->remote);
}

static void checksum(uint8_t *icmp, uint32_t len, uint32_t sum)
{
    put16(icmp + 2, ip_checksum(icmp, len, sum));
}

static uint32_t too_big4(uint8_t *out, const struct addr *from, const struct addr *to,
                         const uint8_t *p, uint32_t len, uint32_t mtu)
{
    uint32_t most = ICMP_ERROR_MOST - IP4_HLEN - ICMP_HLEN, quote = len < most ? len : most;
    uint32_t total = IP4_HLEN + ICMP_HLEN + quote;
    struct wbuf w = wbuf_make(out + IP4_HLEN, total - IP4_HLEN);
    wbuf_u8(&w, ICMP4_UNREACH);
    wbuf_u8(&w, ICMP4_TOO_BIG);
    wbuf_u16(&w, 0);
    wbuf_u16(&w, 0);
    wbuf_u16(&w, (uint16_t)(mtu > UINT16_MAX ? UINT16_MAX : mtu)); /* RFC 1191 §4 */
    wbuf_bytes(&w, p, quote);
    checksum(out + IP4_HLEN, total - IP4_HLEN, 0);
    ip4_build(out, from, to, IPPROTO_ICMP, (uint16_t)total, TOS_INTERCONTROL, false, 0);
    return total;
}

/* RFC 8200 §8.1: the sum over the pseudo header. */
static uint32_t pseudo6(const uint8_t *addresses, uint32_t len, uint8_t next)
{
    uint32_t sum = len + next;
    for (unsigned i = 0; i < 32; i += 2)
        sum += (uint32_t)addresses[i] << 8 | addresses[i + 1];
    return sum;
}

static uint32_t too_big6(uint8_t *out, const struct addr *from, const struct addr *to,
                         const uint8_t *p, uint32_t len, uint32_t mtu)
{
    uint32_t most = IP6_MTU_LEAST - IP6_HLEN - ICMP_HLEN, quote = len < most ? len : most;
    uint32_t body = ICMP_HLEN + quote;
    struct wbuf w = wbuf_make(out, IP6_HLEN + body);
    wbuf_u32(&w, UINT32_C(6) << 28 | (uint32_t)TOS_INTERCONTROL << 20);
    wbuf_u16(&w, (uint16_t)body);
    wbuf_u8(&w, IPPROTO_ICMPV6);
    wbuf_u8(&w, IP_OUTER_TTL);
    wbuf_bytes(&w, from->b, 16);
    wbuf_bytes(&w, to->b, 16);
    wbuf_u8(&w, ICMP6_TOO_BIG);
    wbuf_u8(&w, 0);
    wbuf_u16(&w, 0);
    wbuf_u32(&w, mtu);
    wbuf_bytes(&w, p, quote);
    checksum(out + IP6_HLEN, body, pseudo6(out + 8, body, IPPROTO_ICMPV6));
    return IP6_HLEN + body;
}

uint32_t icmp_too_big(uint8_t *out, const struct addr *from, const uint8_t *p, uint32_t len,
                      const struct flow *f, uint32_t mtu)
{
    if (!may_tell(f) || from->family != f->local.family)
        return 0;
    return f->local.family == AF_INET6 ? too_big6(out, from, &f->local, p, len, mtu)
                                       : too_big4(out, from, &f->local, p, len, mtu);
}
