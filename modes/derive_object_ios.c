/*
 * Groups of IOS: of addresses as ranges, of services as what a rule says of protocol and ports.
 */
#include "modes/derive.h"
#include <netinet/in.h>

static void add_group(const struct cfg_tree *tree, const char *name, struct ranges *s,
                      unsigned depth)
{
    const struct cfg_node *g = cfg_find_word(tree->root, E_GROUP_NET_IOS, name);
    if (!g || depth == 0)
        return;
    cfg_each(g, E_NET_MEMBER_IOS, m)
    {
        const struct a_net_member_ios *a = CFG_ARGS(m, net_member_ios);
        struct addr_range r = {.lo = a->lo, .hi = a->hi};
        if (a->any)
            ranges_add_any(s, true, false);
        else if (a->has_host)
            ranges_add_host(s, &a->host);
        else if (a->has_addr)
            ranges_add_subnet(s, &a->addr, &a->mask);
        else if (a->has_lo)
            ranges_add(s, &r);
        else if (a->has_group)
            add_group(tree, a->group, s, depth - 1);
    }
}

void derive_group_ios(const struct cfg_tree *tree, const char *name, struct ranges *s)
{
    add_group(tree, name, s, DERIVE_GROUP_DEPTH);
}

/* --- services ----------------------------------------------------------------------------------
 */

struct port_args {
    bool eq, gt, lt, range;
    uint64_t value_eq, value_gt, value_lt, lo, hi;
};

static struct port_set ports(const struct port_args *a)
{
    struct port_set p = {0};
    if (a->eq)
        port_set_add(&p, (uint32_t)a->value_eq, (uint32_t)a->value_eq);
    else if (a->gt)
        port_set_add(&p, (uint32_t)a->value_gt + 1, UINT16_MAX);
    else if (a->lt && a->value_lt > 0)
        port_set_add(&p, 0, (uint32_t)a->value_lt - 1);
    else if (a->range)
        port_set_add(&p, (uint32_t)a->lo, (uint32_t)a->hi);
    else if (!a->lt)
        port_set_add(&p, 0, UINT16_MAX);
    return p;
}

static void one_service(const struct a_service_member_ios *a, struct rule *r,
                        void (*fn)(struct rule *r, void *ctx), void *ctx)
{
    const struct port_args src = {a->has_sport_eq, a->has_sport_gt, a->has_sport_lt,
                                  a->has_sport_lo, a->sport_eq,     a->sport_gt,
                                  a->sport_lt,     a->sport_lo,     a->sport_hi};
    const struct port_args dst = {a->has_dport_eq, a->has_dport_gt, a->has_dport_lt,
                                  a->has_dport_lo, a->dport_eq,     a->dport_gt,
                                  a->dport_lt,     a->dport_lo,     a->dport_hi};
    r->sport = ports(&src);
    r->dport = ports(&dst);
    r->proto = a->tcpudp ? IPPROTO_TCP : (uint8_t)a->proto;
    if (a->has_icmp)
        rule_icmp_ios(r, a->icmp);
    else if (a->has_icmpnum)
        rule_icmp(r, (unsigned)a->icmpnum, -1);
    fn(r, ctx);
    if (!a->tcpudp)
        return;
    r->proto = IPPROTO_UDP;
    fn(r, ctx);
}

static void services(const struct cfg_tree *tree, const char *name, struct rule *r,
                     void (*fn)(struct rule *r, void *ctx), void *ctx, unsigned depth)
{
    const struct cfg_node *g = cfg_find_word(tree->root, E_GROUP_SERVICE_IOS, name);
    if (!g || depth == 0)
        return;
    cfg_each(g, E_SERVICE_MEMBER_IOS, m)
    {
        const struct a_service_member_ios *a = CFG_ARGS(m, service_member_ios);
        if (a->has_group)
            services(tree, a->group, r, fn, ctx, depth - 1);
        else
            one_service(a, r, fn, ctx);
    }
}

void derive_services_ios(const struct cfg_tree *tree, const char *name, struct rule *r,
                         void (*fn)(struct rule *r, void *ctx), void *ctx)
{
    services(tree, name, r, fn, ctx, DERIVE_GROUP_DEPTH);
}
