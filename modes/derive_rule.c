/*
 * Rules of access lists, whatever dialect they were written in, as entries of the intent: sets of
 * address ranges and of port ranges, multiplied out.
 */
#include "lib/vec.h"
#include "modes/derive.h"
#include "lib/str.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* --- addresses ------------------------------------------------------------------------------- */

void ranges_add(struct ranges *s, const struct addr_range *r)
{
    if (s->n < DERIVE_RANGES && VEC_ROOM(s->r, s->cap, s->n + 1))
        s->r[s->n++] = *r;
}

void ranges_add_host(struct ranges *s, const struct addr *a)
{
    struct addr_range r = {.lo = *a, .hi = *a};
    ranges_add(s, &r);
}

void ranges_add_subnet(struct ranges *s, const struct addr *a, const struct addr *mask)
{
    int len = addr_mask_to_len(mask);
    if (len < 0)
        return;
    struct prefix p = prefix_make(a, (unsigned)len);
    struct addr_range r = prefix_range(&p);
    ranges_add(s, &r);
}

void ranges_add_prefix(struct ranges *s, const struct prefix *p)
{
    struct addr_range r = prefix_range(p);
    ranges_add(s, &r);
}

void ranges_add_any(struct ranges *s, bool v4, bool v6)
{
    struct prefix all = {.addr.family = AF_INET};
    if (v4)
        ranges_add_prefix(s, &all);
    all.addr.family = AF_INET6;
    if (v6)
        ranges_add_prefix(s, &all);
}

/* --- ports -------------------------------------------------------------------------------------
 */

void port_set_add(struct port_set *p, uint32_t lo, uint32_t hi)
{
    if (lo > hi || hi > UINT16_MAX || p->n == DERIVE_PORTS)
        return;
    p->r[p->n][0] = (uint16_t)lo;
    p->r[p->n++][1] = (uint16_t)hi;
}

static void put(struct ace_buf *b, const struct intent_ace *e)
{
    if (b->n < DERIVE_ACES && VEC_ROOM(b->ace, b->cap, b->n + 1))
        b->ace[b->n++] = *e;
}

/* `any` is of both families, and there is an ICMP for each. */
static bool pair_ok(const struct rule *r, const struct addr_range *src,
                    const struct addr_range *dst)
{
    uint8_t family = src->lo.family;
    return family == dst->lo.family && !(r->proto == IPPROTO_ICMP && family == AF_INET6) &&
           !(r->proto == IPPROTO_ICMPV6 && family == AF_INET);
}

static void put_ports(struct ace_buf *b, struct intent_ace *e, const struct rule *r)
{
    for (unsigned i = 0; i < r->sport.n; i++) {
        for (unsigned k = 0; k < r->dport.n; k++) {
            memcpy(e->sel.lport, r->sport.r[i], sizeof e->sel.lport);
            memcpy(e->sel.rport, r->dport.r[k], sizeof e->sel.rport);
            put(b, e);
        }
    }
}

void rule_expand(const struct rule *r, struct ace_buf *b)
{
    for (size_t i = 0; i < r->src.n; i++) {
        for (size_t k = 0; k < r->dst.n; k++) {
            if (b->n >= DERIVE_ACES)
                return;
            if (!pair_ok(r, &r->src.r[i], &r->dst.r[k]))
                continue;
            struct intent_ace e = {.permit = r->permit, .line = r->line};
            e.sel.local = r->src.r[i];
            e.sel.remote = r->dst.r[k];
            e.sel.proto = r->proto;
            put_ports(b, &e, r);
        }
    }
}

size_t rule_count(const struct rule *r)
{
    size_t pairs = 0;
    for (size_t i = 0; i < r->src.n; i++)
        for (size_t k = 0; k < r->dst.n; k++)
            pairs += pair_ok(r, &r->src.r[i], &r->dst.r[k]);
    return pairs * r->sport.n * r->dport.n;
}

/* An ICMP message as RFC 4301 §4.4.1.1 has it: type and code in the place of the ports. */
void rule_icmp(struct rule *r, unsigned type, int code)
{
    uint16_t lo = (uint16_t)(type << 8);
    r->sport.n = r->dport.n = 0;
    port_set_add(&r->sport, code < 0 ? lo : lo | (unsigned)code,
                 code < 0 ? lo | 0xffu : lo | (unsigned)code);
    port_set_add(&r->dport, 0, UINT16_MAX);
}

void rule_free(struct rule *r)
{
    free(r->src.r);
    free(r->dst.r);
}

void ace_buf_store(struct derive *d, struct ace_buf *b, struct intent_acl *out)
{
    if (b->n)
        out->ace = (struct intent_ace *)arena_memdup(&d->out->arena, b->ace, b->n * sizeof *b->ace);
    out->n = out->ace ? (uint32_t)b->n : 0;
    free(b->ace);
    *b = (struct ace_buf){0};
}
