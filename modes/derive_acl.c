/*
 * Access lists of the intent: objects and groups are resolved, ports become ranges, so that one
 * line of the configuration may become several entries with the same line number.
 *
 * The number of entries is bounded (DERIVE_ACES per list); `neq` becomes two ranges. A line whose
 * objects are missing or are names (fqdn) that nobody resolves yet has no entries. ICMP types
 * stand in the ports as RFC 4301 §4.4.1.1 has them: type<<8|code.
 */
#include "modes/derive.h"
#include "lib/str.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_DEPTH 16

/* --- addresses ------------------------------------------------------------------------------- */

static void ranges_add(struct ranges *s, const struct addr_range *r)
{
    if (s->n >= DERIVE_RANGES)
        return;
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 8;
        struct addr_range *p = (struct addr_range *)realloc(s->r, cap * sizeof *p);
        if (!p)
            return;
        s->r = p;
        s->cap = cap;
    }
    s->r[s->n++] = *r;
}

static void ranges_add_host(struct ranges *s, const struct addr *a)
{
    struct addr_range r = {.lo = *a, .hi = *a};
    ranges_add(s, &r);
}

static void ranges_add_subnet(struct ranges *s, const struct addr *a, const struct addr *mask)
{
    int len = addr_mask_to_len(mask);
    if (len < 0)
        return;
    struct prefix p = prefix_make(a, (unsigned)len);
    struct addr_range r = prefix_range(&p);
    ranges_add(s, &r);
}

static void ranges_add_prefix(struct ranges *s, const struct prefix *p)
{
    struct addr_range r = prefix_range(p);
    ranges_add(s, &r);
}

static void ranges_add_any(struct ranges *s, bool v4, bool v6)
{
    struct prefix all = {.addr.family = AF_INET};
    if (v4)
        ranges_add_prefix(s, &all);
    all.addr.family = AF_INET6;
    if (v6)
        ranges_add_prefix(s, &all);
}

static void add_object(const struct cfg_tree *tree, const char *name, struct ranges *s)
{
    const struct cfg_node *o = cfg_find_word(tree->root, E_OBJECT_NETWORK, name);
    const struct cfg_node *v = o ? cfg_first(o, E_OBJECT_VALUE) : NULL;
    if (!v)
        return;
    const struct a_object_value *a = CFG_ARGS(v, object_value);
    struct addr_range r = {.lo = a->lo, .hi = a->hi};
    if (a->has_host)
        ranges_add_host(s, &a->host);
    else if (a->has_addr)
        ranges_add_subnet(s, &a->addr, &a->mask);
    else if (a->has_net)
        ranges_add_prefix(s, &a->net);
    else if (a->has_lo)
        ranges_add(s, &r);
}

static void add_group(const struct cfg_tree *tree, const char *name, struct ranges *s,
                      unsigned depth)
{
    const struct cfg_node *g = cfg_find_word(tree->root, E_GROUP_NETWORK, name);
    if (!g || depth == 0)
        return;
    cfg_each(g, E_GROUP_MEMBER, m)
    {
        const struct a_group_member *a = CFG_ARGS(m, group_member);
        if (a->has_host)
            ranges_add_host(s, &a->host);
        else if (a->has_addr)
            ranges_add_subnet(s, &a->addr, &a->mask);
        else if (a->has_net)
            ranges_add_prefix(s, &a->net);
        else if (a->has_object)
            add_object(tree, a->object, s);
        else if (a->has_group)
            add_group(tree, a->group, s, depth - 1);
    }
}

static void source_ranges(const struct cfg_tree *tree, const struct a_ace *a, struct ranges *s)
{
    if (a->src_any || a->src_any4 || a->src_any6)
        ranges_add_any(s, !a->src_any6, !a->src_any4);
    else if (a->has_src_host)
        ranges_add_host(s, &a->src_host);
    else if (a->has_src_addr)
        ranges_add_subnet(s, &a->src_addr, &a->src_mask);
    else if (a->has_src_net)
        ranges_add_prefix(s, &a->src_net);
    else if (a->has_src_object)
        add_object(tree, a->src_object, s);
    else if (a->has_src_group)
        add_group(tree, a->src_group, s, GROUP_DEPTH);
}

static void destination_ranges(const struct cfg_tree *tree, const struct a_ace *a, struct ranges *s)
{
    if (a->dst_any || a->dst_any4 || a->dst_any6)
        ranges_add_any(s, !a->dst_any6, !a->dst_any4);
    else if (a->has_dst_host)
        ranges_add_host(s, &a->dst_host);
    else if (a->has_dst_addr)
        ranges_add_subnet(s, &a->dst_addr, &a->dst_mask);
    else if (a->has_dst_net)
        ranges_add_prefix(s, &a->dst_net);
    else if (a->has_dst_object)
        add_object(tree, a->dst_object, s);
    else if (a->has_dst_group)
        add_group(tree, a->dst_group, s, GROUP_DEPTH);
}

/* --- ports -------------------------------------------------------------------------------------
 */

struct ports {
    unsigned n;
    uint16_t r[2][2];
};

static void ports_add(struct ports *p, uint32_t lo, uint32_t hi)
{
    if (lo > hi || hi > UINT16_MAX || p->n == 2)
        return;
    p->r[p->n][0] = (uint16_t)lo;
    p->r[p->n++][1] = (uint16_t)hi;
}

struct port_args {
    bool eq, neq, gt, lt, range;
    uint64_t value_eq, value_neq, value_gt, value_lt, lo, hi;
};

static struct ports port_ranges(const struct port_args *a)
{
    struct ports p = {0};
    if (a->eq) {
        ports_add(&p, (uint32_t)a->value_eq, (uint32_t)a->value_eq);
    } else if (a->neq) {
        if (a->value_neq > 0)
            ports_add(&p, 0, (uint32_t)a->value_neq - 1);
        ports_add(&p, (uint32_t)a->value_neq + 1, UINT16_MAX);
    } else if (a->gt) {
        ports_add(&p, (uint32_t)a->value_gt + 1, UINT16_MAX);
    } else if (a->lt) {
        if (a->value_lt > 0)
            ports_add(&p, 0, (uint32_t)a->value_lt - 1);
    } else if (a->range) {
        ports_add(&p, (uint32_t)a->lo, (uint32_t)a->hi);
    } else {
        ports_add(&p, 0, UINT16_MAX);
    }
    return p;
}

static struct ports source_ports(const struct a_ace *a)
{
    struct port_args p = {a->has_sport_eq, a->has_sport_neq, a->has_sport_gt, a->has_sport_lt,
                          a->has_sport_lo, a->sport_eq,      a->sport_neq,    a->sport_gt,
                          a->sport_lt,     a->sport_lo,      a->sport_hi};
    return port_ranges(&p);
}

static struct ports destination_ports(const struct a_ace *a)
{
    struct port_args p = {a->has_dport_eq, a->has_dport_neq, a->has_dport_gt, a->has_dport_lt,
                          a->has_dport_lo, a->dport_eq,      a->dport_neq,    a->dport_gt,
                          a->dport_lt,     a->dport_lo,      a->dport_hi};
    return port_ranges(&p);
}

static int icmp_type(const struct a_ace *a)
{
    /* in the order of enum icmp-type (grammars/acl.cg) */
    static const uint8_t type[] = {0, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
    if (a->has_icmpnum)
        return (int)a->icmpnum;
    if (a->has_icmp && (unsigned)a->icmp < sizeof type)
        return type[a->icmp];
    return -1;
}

/* --- rules -------------------------------------------------------------------------------------
 */

struct building {
    struct intent_ace *ace;
    size_t n, cap;
};

static void put(struct building *b, const struct intent_ace *e)
{
    if (b->n >= DERIVE_ACES)
        return;
    if (b->n == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 16;
        struct intent_ace *p = (struct intent_ace *)realloc(b->ace, cap * sizeof *p);
        if (!p)
            return;
        b->ace = p;
        b->cap = cap;
    }
    b->ace[b->n++] = *e;
}

static void put_ports(struct building *b, struct intent_ace *e, const struct a_ace *a)
{
    struct ports sp = source_ports(a), dp = destination_ports(a);
    int icmp = icmp_type(a);
    if (icmp >= 0) {
        e->sel.lport[0] = (uint16_t)(icmp << 8);
        e->sel.lport[1] = (uint16_t)(icmp << 8 | 0xff);
        e->sel.rport[1] = UINT16_MAX;
        put(b, e);
        return;
    }
    for (unsigned i = 0; i < sp.n; i++) {
        for (unsigned k = 0; k < dp.n; k++) {
            memcpy(e->sel.lport, sp.r[i], sizeof e->sel.lport);
            memcpy(e->sel.rport, dp.r[k], sizeof e->sel.rport);
            put(b, e);
        }
    }
}

/* `any` is of both families, and there is an ICMP for each. */
static bool pair_ok(const struct a_ace *a, const struct addr_range *src,
                    const struct addr_range *dst)
{
    uint8_t family = src->lo.family;
    return family == dst->lo.family && !(a->proto == IPPROTO_ICMP && family == AF_INET6) &&
           !(a->proto == IPPROTO_ICMPV6 && family == AF_INET);
}

static void expand(struct derive *d, const struct a_ace *a, uint32_t line, struct building *b)
{
    struct ranges src = {0}, dst = {0};
    source_ranges(d->tree, a, &src);
    if (a->has_proto)
        destination_ranges(d->tree, a, &dst);
    else
        ranges_add_any(&dst, true, true); /* a standard list has no destination */
    for (size_t i = 0; i < src.n; i++) {
        for (size_t k = 0; k < dst.n; k++) {
            if (!pair_ok(a, &src.r[i], &dst.r[k]))
                continue;
            struct intent_ace e = {.permit = a->action == ENUM_ACL_ACTION_PERMIT, .line = line};
            e.sel.local = src.r[i];
            e.sel.remote = dst.r[k];
            e.sel.proto = (uint8_t)a->proto;
            put_ports(b, &e, a);
        }
    }
    free(src.r);
    free(dst.r);
}

size_t derive_ace_count(const struct cfg_tree *tree, const struct a_ace *a)
{
    struct ranges src = {0}, dst = {0};
    struct ports sp = source_ports(a), dp = destination_ports(a);
    source_ranges(tree, a, &src);
    size_t pairs = 0;
    destination_ranges(tree, a, &dst);
    for (size_t i = 0; i < src.n; i++)
        for (size_t k = 0; k < dst.n; k++)
            pairs += pair_ok(a, &src.r[i], &dst.r[k]);
    size_t n = (a->has_proto ? pairs : src.n) * (icmp_type(a) >= 0 ? 1 : sp.n * dp.n);
    free(src.r);
    free(dst.r);
    return n;
}

static void one_acl(struct derive *d, const struct cfg_node *n, struct intent_acl *out)
{
    struct building b = {0};
    uint32_t line = 0;
    str_copy(out->name, sizeof out->name, CFG_ARGS(n, acl)->name);
    cfg_each(n, E_ACE, e)
    {
        const struct a_ace *a = CFG_ARGS(e, ace);
        line++; /* remarks count: their lines have numbers too */
        if (a->has_action && !a->inactive)
            expand(d, a, line, &b);
    }
    if (b.n)
        out->ace = (struct intent_ace *)arena_memdup(&d->out->arena, b.ace, b.n * sizeof *b.ace);
    out->n = out->ace ? (uint32_t)b.n : 0;
    free(b.ace);
}

static int compare_acl(const void *a, const void *b)
{
    const struct intent_acl *const *x = (const struct intent_acl *const *)a;
    const struct intent_acl *const *y = (const struct intent_acl *const *)b;
    return strcmp((*x)->name, (*y)->name);
}

void derive_acls(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    size_t n = cfg_count(root, E_ACL);
    out->acl = arena_array(&out->arena, struct intent_acl, n);
    d->by_name = arena_array(&out->arena, const struct intent_acl *, n);
    if (!out->acl || !d->by_name)
        return;
    cfg_each(root, E_ACL, a)
    {
        d->by_name[out->n_acl] = &out->acl[out->n_acl];
        one_acl(d, a, &out->acl[out->n_acl++]);
    }
    qsort(d->by_name, out->n_acl, sizeof *d->by_name, compare_acl);
}

const struct intent_acl *derive_find_acl(struct derive *d, const char *name)
{
    struct intent_acl wanted;
    const struct intent_acl *key = &wanted;
    str_copy(wanted.name, sizeof wanted.name, name);
    if (!d->out->n_acl)
        return NULL;
    const struct intent_acl **hit =
        (const struct intent_acl **)bsearch(&key, d->by_name, d->out->n_acl, sizeof *d->by_name,
                                            compare_acl);
    return hit ? *hit : NULL;
}
