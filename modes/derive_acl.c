/*
 * Access lists of the intent: objects and groups are resolved, ports become ranges, so that one
 * line of the configuration may become several entries with the same line number.
 *
 * The number of entries is bounded (DERIVE_ACES per list); `neq` becomes two ranges. A line whose
 * objects are missing or are names (fqdn) that nobody resolves yet has no entries.
 */
#include "modes/derive.h"
#include "lib/str.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_DEPTH 16

/* --- addresses ------------------------------------------------------------------------------- */

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

struct port_args {
    bool eq, neq, gt, lt, range;
    uint64_t value_eq, value_neq, value_gt, value_lt, lo, hi;
};

static struct port_set port_ranges(const struct port_args *a)
{
    struct port_set p = {0};
    if (a->eq) {
        port_set_add(&p, (uint32_t)a->value_eq, (uint32_t)a->value_eq);
    } else if (a->neq) {
        if (a->value_neq > 0)
            port_set_add(&p, 0, (uint32_t)a->value_neq - 1);
        port_set_add(&p, (uint32_t)a->value_neq + 1, UINT16_MAX);
    } else if (a->gt) {
        port_set_add(&p, (uint32_t)a->value_gt + 1, UINT16_MAX);
    } else if (a->lt) {
        if (a->value_lt > 0)
            port_set_add(&p, 0, (uint32_t)a->value_lt - 1);
    } else if (a->range) {
        port_set_add(&p, (uint32_t)a->lo, (uint32_t)a->hi);
    } else {
        port_set_add(&p, 0, UINT16_MAX);
    }
    return p;
}

static struct port_set source_ports(const struct a_ace *a)
{
    struct port_args p = {a->has_sport_eq, a->has_sport_neq, a->has_sport_gt, a->has_sport_lt,
                          a->has_sport_lo, a->sport_eq,      a->sport_neq,    a->sport_gt,
                          a->sport_lt,     a->sport_lo,      a->sport_hi};
    return port_ranges(&p);
}

static struct port_set destination_ports(const struct a_ace *a)
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

/* The rule of a line. Its sets are the caller's to free. */
static struct rule rule_of(const struct cfg_tree *tree, const struct a_ace *a)
{
    struct rule r = {.permit = a->action == ENUM_ACL_ACTION_PERMIT,
                     .proto = (uint8_t)a->proto,
                     .sport = source_ports(a),
                     .dport = destination_ports(a)};
    int icmp = icmp_type(a);
    source_ranges(tree, a, &r.src);
    if (a->has_proto)
        destination_ranges(tree, a, &r.dst);
    else
        ranges_add_any(&r.dst, true, true); /* a standard list has no destination */
    if (icmp >= 0)
        rule_icmp(&r, (unsigned)icmp, -1);
    return r;
}

size_t derive_ace_count(const struct cfg_tree *tree, const struct a_ace *a)
{
    struct rule r = rule_of(tree, a);
    size_t n = rule_count(&r);
    rule_free(&r);
    return n;
}

static void one_acl(struct derive *d, const struct cfg_node *n, struct intent_acl *out)
{
    struct ace_buf b = {0};
    uint32_t line = 0;
    str_copy(out->name, sizeof out->name, CFG_ARGS(n, acl)->name);
    cfg_each(n, E_ACE, e)
    {
        const struct a_ace *a = CFG_ARGS(e, ace);
        line++; /* remarks count: their lines have numbers too */
        if (!a->has_action || a->inactive)
            continue;
        struct rule r = rule_of(d->tree, a);
        r.line = line;
        rule_expand(&r, &b);
        rule_free(&r);
    }
    ace_buf_store(d, &b, out);
}

static int compare_acl(const void *a, const void *b)
{
    const struct intent_acl *const *x = (const struct intent_acl *const *)a;
    const struct intent_acl *const *y = (const struct intent_acl *const *)b;
    return strcmp((*x)->name, (*y)->name);
}

static void add_lists(struct derive *d, uint16_t entry,
                      void (*one)(struct derive *d, const struct cfg_node *n,
                                  struct intent_acl *out))
{
    struct intent *out = d->out;
    cfg_each(d->tree->root, entry, a)
    {
        struct intent_acl *acl = &out->acl[out->n_acl];
        d->by_name[out->n_acl++] = acl;
        one(d, a, acl);
    }
}

void derive_acls(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    size_t n = cfg_count(root, E_ACL) + cfg_count(root, E_ACL_STD) + cfg_count(root, E_ACL_EXT);
    out->acl = arena_array(&out->arena, struct intent_acl, n);
    d->by_name = arena_array(&out->arena, const struct intent_acl *, n);
    if (!out->acl || !d->by_name)
        return;
    add_lists(d, E_ACL, one_acl);
    add_lists(d, E_ACL_STD, derive_acl_std);
    add_lists(d, E_ACL_EXT, derive_acl_ext);
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
