/* Addresses, prefixes and ranges. See addr.h. */
#include "lib/addr.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

struct addr addr_from_v4(uint32_t host_order)
{
    struct addr a = {.family = AF_INET};
    a.b[0] = (uint8_t)(host_order >> 24);
    a.b[1] = (uint8_t)(host_order >> 16);
    a.b[2] = (uint8_t)(host_order >> 8);
    a.b[3] = (uint8_t)host_order;
    return a;
}

uint32_t addr_v4(const struct addr *a)
{
    if (a->family != AF_INET)
        return 0;
    return (uint32_t)a->b[0] << 24 | (uint32_t)a->b[1] << 16 | (uint32_t)a->b[2] << 8 | a->b[3];
}

/* Our own dotted quad: inet_pton() refuses the leading zeros that people write in masks. */
static int parse_v4(const char *text, struct addr *out)
{
    uint32_t v = 0;
    const char *p = text;
    for (int i = 0; i < 4; i++) {
        unsigned octet = 0, digits = 0;
        while (*p >= '0' && *p <= '9' && digits < 3) {
            octet = octet * 10 + (unsigned)(*p++ - '0');
            digits++;
        }
        if (!digits || octet > 255)
            return -1;
        if (i < 3 && *p++ != '.')
            return -1;
        v = v << 8 | octet;
    }
    if (*p)
        return -1;
    *out = addr_from_v4(v);
    return 0;
}

int addr_parse(const char *text, struct addr *out)
{
    struct in6_addr v6;
    if (!strchr(text, ':'))
        return parse_v4(text, out);
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return -1;
    out->family = AF_INET6;
    memcpy(out->b, &v6, 16);
    return 0;
}

char *addr_print(const struct addr *a, char *buf, size_t cap)
{
    if (!cap)
        return buf;
    buf[0] = '\0';
    if (a->family == AF_INET || a->family == AF_INET6) {
        if (!inet_ntop(a->family, a->b, buf, (socklen_t)cap))
            buf[0] = '\0';
    }
    return buf;
}

unsigned addr_size(const struct addr *a)
{
    return a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
}

unsigned addr_bits(const struct addr *a)
{
    return addr_size(a) * 8;
}

int addr_cmp(const struct addr *a, const struct addr *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->b, b->b, addr_size(a));
}

bool addr_is_any(const struct addr *a)
{
    unsigned n = addr_size(a);
    for (unsigned i = 0; i < n; i++)
        if (a->b[i])
            return false;
    return n > 0;
}

bool addr_is_link_local(const struct addr *a)
{
    return a->family == AF_INET6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

int addr_mask_to_len(const struct addr *mask)
{
    unsigned bits = addr_bits(mask), len = 0;
    while (len < bits && (mask->b[len / 8] & (0x80u >> len % 8)))
        len++;
    for (unsigned i = len; i < bits; i++)
        if (mask->b[i / 8] & (0x80u >> i % 8))
            return -1;
    return bits ? (int)len : -1;
}

struct addr addr_len_to_mask(uint8_t family, unsigned len)
{
    struct addr m = {.family = family};
    for (unsigned i = 0; i < len && i < addr_bits(&m); i++)
        m.b[i / 8] |= (uint8_t)(0x80u >> i % 8);
    return m;
}

struct prefix prefix_make(const struct addr *a, unsigned len)
{
    unsigned bits = addr_bits(a);
    struct prefix p = {.addr = *a, .len = (uint8_t)(len > bits ? bits : len)};
    for (unsigned i = p.len; i < bits; i++)
        p.addr.b[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
    return p;
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
    if (p->addr.family != a->family)
        return false;
    unsigned whole = p->len / 8, rest = p->len % 8;
    if (memcmp(p->addr.b, a->b, whole) != 0)
        return false;
    if (!rest)
        return true;
    uint8_t mask = (uint8_t)(0xff00u >> rest);
    return (p->addr.b[whole] & mask) == (a->b[whole] & mask);
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
    return inner->len >= outer->len && prefix_contains(outer, &inner->addr);
}

int prefix_cmp(const struct prefix *a, const struct prefix *b)
{
    int c = addr_cmp(&a->addr, &b->addr);
    if (c)
        return c;
    return a->len < b->len ? -1 : a->len > b->len;
}

struct addr_range prefix_range(const struct prefix *p)
{
    struct addr_range r = {.lo = prefix_make(&p->addr, p->len).addr};
    r.hi = r.lo;
    for (unsigned i = p->len; i < addr_bits(&p->addr); i++)
        r.hi.b[i / 8] |= (uint8_t)(0x80u >> i % 8);
    return r;
}

char *prefix_print(const struct prefix *p, char *buf, size_t cap)
{
    char a[ADDR_STRLEN];
    snprintf(buf, cap, "%s/%u", addr_print(&p->addr, a, sizeof(a)), p->len);
    return buf;
}

bool range_to_prefix(const struct addr_range *r, struct prefix *out)
{
    if (r->lo.family != r->hi.family)
        return false;
    unsigned bits = addr_bits(&r->lo), len = 0;
    while (len < bits && !((r->lo.b[len / 8] ^ r->hi.b[len / 8]) & (0x80u >> len % 8)))
        len++;
    struct prefix p = {.addr = r->lo, .len = (uint8_t)len};
    struct addr_range whole = prefix_range(&p);
    if (!bits || !addr_eq(&whole.lo, &r->lo) || !addr_eq(&whole.hi, &r->hi))
        return false;
    *out = p;
    return true;
}

bool range_covers(const struct addr_range *outer, const struct addr_range *inner)
{
    return outer->lo.family == inner->lo.family && addr_cmp(&outer->lo, &inner->lo) <= 0 &&
           addr_cmp(&outer->hi, &inner->hi) >= 0;
}

bool range_intersect(const struct addr_range *a, const struct addr_range *b, struct addr_range *out)
{
    if (a->lo.family != b->lo.family || addr_size(&a->lo) == 0)
        return false;
    struct addr_range r;
    r.lo = addr_cmp(&a->lo, &b->lo) >= 0 ? a->lo : b->lo;
    r.hi = addr_cmp(&a->hi, &b->hi) <= 0 ? a->hi : b->hi;
    if (addr_cmp(&r.lo, &r.hi) > 0)
        return false;
    *out = r;
    return true;
}

int addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *ss)
{
    memset(ss, 0, sizeof(*ss));
    if (a->family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)ss;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, a->b, 4);
        return (int)sizeof(*in);
    }
    if (a->family == AF_INET6) {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)ss;
        in->sin6_family = AF_INET6;
        in->sin6_port = htons(port);
        memcpy(&in->sin6_addr, a->b, 16);
        return (int)sizeof(*in);
    }
    return -1;
}

int addr_from_sockaddr(const struct sockaddr *sa, struct addr *a, uint16_t *port)
{
    memset(a, 0, sizeof(*a));
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
        a->family = AF_INET;
        memcpy(a->b, &in->sin_addr, 4);
        if (port)
            *port = ntohs(in->sin_port);
        return 0;
    }
    if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)sa;
        a->family = AF_INET6;
        memcpy(a->b, &in->sin6_addr, 16);
        if (port)
            *port = ntohs(in->sin6_port);
        return 0;
    }
    return -1;
}
