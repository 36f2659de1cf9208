/*
 * Access lists of IOS: wildcard masks become address ranges, port names and ICMP messages become
 * selectors.
 *
 * A wildcard need not be contiguous: each of its bits above the lowest run doubles the ranges, up
 * to DERIVE_WILD_BITS (the check refuses more). What a selector of RFC 4301 cannot express
 * (precedence, DSCP, `established`, fragments, a time range) is ignored where the rule permits,
 * so that more is protected than was asked, and makes a rule that denies have no effect, so
 * that never less is.
 */
#include "modes/derive.h"
#include "lib/str.h"
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

void acl_ios_name(const struct cfg_node *n, char name[INTENT_NAME])
{
    uint64_t number = 0;
    const char *word = "";
    if (n->entry == E_ACL_STD) {
        const struct a_acl_std *a = CFG_ARGS(n, acl_std);
        number = a->has_number ? a->number : a->expanded;
        word = a->has_name ? a->name : word;
    } else {
        const struct a_acl_ext *a = CFG_ARGS(n, acl_ext);
        number = a->has_number ? a->number : a->expanded;
        word = a->has_name ? a->name : word;
    }
    if (*word)
        str_copy(name, INTENT_NAME, word);
    else
        snprintf(name, INTENT_NAME, "%u", (unsigned)number);
}

/* --- addresses ------------------------------------------------------------------------------- */

/* The bits of w above its lowest run of ones. */
static unsigned scattered(uint32_t w, unsigned bit[32])
{
    unsigned n = 0, at = 0;
    while (at < 32 && w >> at & 1)
        at++;
    for (; at < 32; at++)
        if (w >> at & 1)
            bit[n++] = at;
    return n;
}

bool derive_wildcard_ok(const struct addr *wild)
{
    unsigned bit[32];
    return scattered(addr_v4(wild), bit) <= DERIVE_WILD_BITS;
}

static void add_wild(struct ranges *s, const struct addr *a, const struct addr *wild)
{
    uint32_t w = addr_v4(wild), base = addr_v4(a) & ~w, run = 0;
    unsigned bit[32], n = scattered(w, bit);
    if (n > DERIVE_WILD_BITS)
        return;
    while (run != UINT32_MAX && (w & (run << 1 | 1)) == (run << 1 | 1))
        run = run << 1 | 1;
    for (uint32_t k = 0; k < 1u << n; k++) {
        uint32_t lo = base;
        for (unsigned i = 0; i < n; i++)
            lo |= (k >> i & 1) << bit[i];
        struct addr_range r = {.lo = addr_from_v4(lo), .hi = addr_from_v4(lo | run)};
        ranges_add(s, &r);
    }
}

/* One end of a rule: any, a host, a group, an address with a wildcard, or (standard lists) without
 * one. */
struct end {
    bool any, has_host, has_addr, has_wild;
    const struct addr *host, *addr, *wild;
    const char *group;
};

static void end_ranges(const struct cfg_tree *tree, const struct end *e, struct ranges *s)
{
    if (e->any)
        ranges_add_any(s, true, false);
    else if (e->group)
        derive_group_ios(tree, e->group, s);
    else if (e->has_host)
        ranges_add_host(s, e->host);
    else if (e->has_addr && e->has_wild)
        add_wild(s, e->addr, e->wild);
    else if (e->has_addr)
        ranges_add_host(s, e->addr);
}

/* --- ports and messages ---------------------------------------------------------------------- */

struct port_args {
    unsigned n;
    uint64_t eq[DERIVE_PORTS];
    bool has_neq, has_gt, has_lt, has_range;
    uint64_t neq, gt, lt, lo, hi;
};

/* The arguments of @ios-ports for one side. */
#define PORT_ARGS(a, side)                                                                         \
    {                                                                                              \
        .n = (unsigned)((a)->has_##side##_eq + (a)->has_##side##_eq2 + (a)->has_##side##_eq3 +     \
                        (a)->has_##side##_eq4 + (a)->has_##side##_eq5),                            \
        .eq = {(a)->side##_eq, (a)->side##_eq2, (a)->side##_eq3, (a)->side##_eq4,                  \
               (a)->side##_eq5},                                                                   \
        .has_neq = (a)->has_##side##_neq, .has_gt = (a)->has_##side##_gt,                          \
        .has_lt = (a)->has_##side##_lt, .has_range = (a)->has_##side##_lo, .neq = (a)->side##_neq, \
        .gt = (a)->side##_gt, .lt = (a)->side##_lt, .lo = (a)->side##_lo, .hi = (a)->side##_hi     \
    }

static struct port_set ports(const struct port_args *a)
{
    struct port_set p = {0};
    for (unsigned i = 0; i < a->n; i++)
        port_set_add(&p, (uint32_t)a->eq[i], (uint32_t)a->eq[i]);
    if (a->has_neq) {
        if (a->neq > 0)
            port_set_add(&p, 0, (uint32_t)a->neq - 1);
        port_set_add(&p, (uint32_t)a->neq + 1, UINT16_MAX);
    } else if (a->has_gt) {
        port_set_add(&p, (uint32_t)a->gt + 1, UINT16_MAX);
    } else if (a->has_lt && a->lt > 0) {
        port_set_add(&p, 0, (uint32_t)a->lt - 1);
    } else if (a->has_range) {
        port_set_add(&p, (uint32_t)a->lo, (uint32_t)a->hi);
    } else if (!a->n && !a->has_lt) {
        port_set_add(&p, 0, UINT16_MAX);
    }
    return p;
}

void rule_icmp_ios(struct rule *r, int named)
{
    static const struct {
        uint8_t type;
        int8_t code;
    } message[] = {[ENUM_ICMP_IOS_ADMINISTRATIVELY_PROHIBITED] = {3, 13},
                   [ENUM_ICMP_IOS_ECHO] = {8, -1},
                   [ENUM_ICMP_IOS_ECHO_REPLY] = {0, -1},
                   [ENUM_ICMP_IOS_HOST_UNREACHABLE] = {3, 1},
                   [ENUM_ICMP_IOS_INFORMATION_REPLY] = {16, -1},
                   [ENUM_ICMP_IOS_INFORMATION_REQUEST] = {15, -1},
                   [ENUM_ICMP_IOS_MASK_REPLY] = {18, -1},
                   [ENUM_ICMP_IOS_MASK_REQUEST] = {17, -1},
                   [ENUM_ICMP_IOS_NET_UNREACHABLE] = {3, 0},
                   [ENUM_ICMP_IOS_PACKET_TOO_BIG] = {3, 4},
                   [ENUM_ICMP_IOS_PARAMETER_PROBLEM] = {12, -1},
                   [ENUM_ICMP_IOS_PORT_UNREACHABLE] = {3, 3},
                   [ENUM_ICMP_IOS_PROTOCOL_UNREACHABLE] = {3, 2},
                   [ENUM_ICMP_IOS_REDIRECT] = {5, -1},
                   [ENUM_ICMP_IOS_ROUTER_ADVERTISEMENT] = {9, -1},
                   [ENUM_ICMP_IOS_ROUTER_SOLICITATION] = {10, -1},
                   [ENUM_ICMP_IOS_SOURCE_QUENCH] = {4, -1},
                   [ENUM_ICMP_IOS_TIME_EXCEEDED] = {11, -1},
                   [ENUM_ICMP_IOS_TIMESTAMP_REPLY] = {14, -1},
                   [ENUM_ICMP_IOS_TIMESTAMP_REQUEST] = {13, -1},
                   [ENUM_ICMP_IOS_TRACEROUTE] = {30, -1},
                   [ENUM_ICMP_IOS_TTL_EXCEEDED] = {11, 0},
                   [ENUM_ICMP_IOS_UNREACHABLE] = {3, -1}};
    if ((unsigned)named < sizeof message / sizeof *message)
        rule_icmp(r, message[named].type, message[named].code);
}

static void icmp_message(const struct a_ace_ext *a, struct rule *r)
{
    if (a->has_icmp)
        rule_icmp_ios(r, a->icmp);
    else if (a->has_icmpnum)
        rule_icmp(r, (unsigned)a->icmpnum, a->has_icmpcode ? (int)a->icmpcode : -1);
}

/* --- lists ----------------------------------------------------------------------------------- */

static bool beyond_selectors(const struct a_ace_ext *a)
{
    return a->m_established || a->m_fragments || a->has_m_precedence || a->has_m_prec ||
           a->has_m_tos || a->has_m_service || a->has_m_dscp || a->has_m_range;
}

static void expand_service(struct rule *r, void *ctx)
{
    rule_expand(r, (struct ace_buf *)ctx);
}

static void extended_rule(const struct cfg_tree *tree, const struct a_ace_ext *a, uint32_t line,
                          struct ace_buf *b)
{
    const struct port_args sp = PORT_ARGS(a, sport), dp = PORT_ARGS(a, dport);
    const struct end src = {a->src_any,      a->has_src_host,
                            a->has_src_addr, a->has_src_wild,
                            &a->src_host,    &a->src_addr,
                            &a->src_wild,    a->has_src_group ? a->src_group : NULL};
    const struct end dst = {a->dst_any,      a->has_dst_host,
                            a->has_dst_addr, a->has_dst_wild,
                            &a->dst_host,    &a->dst_addr,
                            &a->dst_wild,    a->has_dst_group ? a->dst_group : NULL};
    struct rule r = {.permit = a->action == ENUM_ACL_ACTION_PERMIT,
                     .proto = (uint8_t)a->proto,
                     .line = line,
                     .sport = ports(&sp),
                     .dport = ports(&dp)};
    if (!r.permit && beyond_selectors(a))
        return;
    end_ranges(tree, &src, &r.src);
    end_ranges(tree, &dst, &r.dst);
    icmp_message(a, &r);
    if (a->has_service)
        derive_services_ios(tree, a->service, &r, expand_service, b);
    else
        rule_expand(&r, b);
    rule_free(&r);
}

void derive_acl_ext(struct derive *d, const struct cfg_node *n, struct intent_acl *out)
{
    struct ace_buf b = {0};
    uint32_t line = 0;
    acl_ios_name(n, out->name);
    cfg_each(n, E_ACE_EXT, e)
    {
        line++; /* remarks count, as query_acl_hits() is asked by place */
        if (CFG_ARGS(e, ace_ext)->has_action)
            extended_rule(d->tree, CFG_ARGS(e, ace_ext), line, &b);
    }
    ace_buf_store(d, &b, out);
}

static void standard_rule(const struct a_ace_std *a, uint32_t line, struct ace_buf *b)
{
    const struct end src = {a->any,   a->has_host, a->has_addr, a->has_wild,
                            &a->host, &a->addr,    &a->wild,    NULL};
    struct rule r = {.permit = a->action == ENUM_ACL_ACTION_PERMIT, .line = line};
    end_ranges(NULL, &src, &r.src);
    ranges_add_any(&r.dst, true, false);
    port_set_add(&r.sport, 0, UINT16_MAX);
    port_set_add(&r.dport, 0, UINT16_MAX);
    rule_expand(&r, b);
    rule_free(&r);
}

void derive_acl_std(struct derive *d, const struct cfg_node *n, struct intent_acl *out)
{
    struct ace_buf b = {0};
    uint32_t line = 0;
    acl_ios_name(n, out->name);
    cfg_each(n, E_ACE_STD, e)
    {
        line++;
        if (CFG_ARGS(e, ace_std)->has_action)
            standard_rule(CFG_ARGS(e, ace_std), line, &b);
    }
    ace_buf_store(d, &b, out);
}
