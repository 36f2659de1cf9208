/* Netlink writes: routes and rules. See kernel.h. */
#include "daemon/kernel.h"
#include "daemon/kernel_priv.h"
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>

/* --- routes -------------------------------------------------------------------------------- */

static int kernel_type(uint8_t type)
{
    return type == RT_THROW ? RTN_THROW : type == RT_UNREACHABLE ? RTN_UNREACHABLE : RTN_UNICAST;
}

static void put_hop(struct nl_msg *m, uint32_t oif, const struct addr *gw)
{
    struct rtnexthop *h = (struct rtnexthop *)nlmsg_reserve(m, sizeof(*h), NLMSG_ALIGNTO);
    if (!h)
        return;
    size_t at = (size_t)((uint8_t *)h - (uint8_t *)nlmsg_hdr(m));
    *h = (struct rtnexthop){.rtnh_ifindex = (int)oif};
    if (addr_is_set(gw))
        kernel_put_addr(m, RTA_GATEWAY, gw);
    h = (struct rtnexthop *)((uint8_t *)nlmsg_hdr(m) + at);
    h->rtnh_len = (unsigned short)(nlmsg_hdr(m)->nlmsg_len - at);
}

/* Where it goes. One of many ways is taken away as a whole: the kernel needs none of them for it.
 */
static void put_ways(struct nl_msg *m, int type, const struct lr_route *r)
{
    if (r->n_more && type == RTM_DELROUTE)
        return;
    if (!r->n_more) {
        if (r->oif)
            nla_put_u32(m, RTA_OIF, r->oif);
        if (addr_is_set(&r->gw))
            kernel_put_addr(m, RTA_GATEWAY, &r->gw);
        return;
    }
    struct nlattr *ways = nla_nest_start(m, RTA_MULTIPATH);
    put_hop(m, r->oif, &r->gw);
    for (unsigned i = 0; i < r->n_more; i++)
        put_hop(m, r->more[i].oif, &r->more[i].gw);
    if (ways)
        nla_nest_end(m, ways);
}

static struct nl_msg *route_message(int type, int flags, const struct lr_route *r)
{
    struct rtmsg t = {.rtm_family = r->dst.addr.family,
                      .rtm_dst_len = r->dst.len,
                      .rtm_table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC,
                      .rtm_protocol = TANDEM_RTPROT,
                      .rtm_type = (uint8_t)kernel_type(r->type)};
    if (type == RTM_DELROUTE)
        t.rtm_scope = RT_SCOPE_NOWHERE; /* any */
    else if (r->type == RT_UNICAST && !addr_is_set(&r->gw))
        t.rtm_scope = RT_SCOPE_LINK;
    struct nl_msg *m = kernel_message(type, flags, &t, sizeof(t));
    if (!m)
        return NULL;
    nla_put_u32(m, RTA_TABLE, r->table);
    kernel_put_addr(m, RTA_DST, &r->dst.addr);
    if (r->metric)
        nla_put_u32(m, RTA_PRIORITY, r->metric);
    put_ways(m, type, r);
    if (addr_is_set(&r->src))
        kernel_put_addr(m, RTA_PREFSRC, &r->src);
    return m;
}

struct found_route {
    struct lr_route r;
    uint8_t proto;
};

static int on_route(struct nl_msg *msg, void *arg)
{
    struct found *f = (struct found *)arg;
    const struct nlmsghdr *h = nlmsg_hdr(msg);
    struct nlattr *tb[RTA_MAX + 1];
    if (h->nlmsg_type != RTM_NEWROUTE ||
        nlmsg_parse(nlmsg_hdr(msg), sizeof(struct rtmsg), tb, RTA_MAX, NULL) < 0)
        return NL_SKIP;
    const struct rtmsg *t = (const struct rtmsg *)nlmsg_data(h);
    uint32_t table = tb[RTA_TABLE] ? nla_get_u32(tb[RTA_TABLE]) : t->rtm_table;
    if (table != RT_TABLE_MAIN && !rt_table_is_ours(table))
        return NL_SKIP;
    struct found_route *x = (struct found_route *)kernel_found_add(f);
    if (!x)
        return NL_OK;
    *x = (struct found_route){.proto = t->rtm_protocol,
                              .r = {.table = table,
                                    .metric = tb[RTA_PRIORITY] ? nla_get_u32(tb[RTA_PRIORITY]) : 0,
                                    .oif = tb[RTA_OIF] ? nla_get_u32(tb[RTA_OIF]) : 0,
                                    .type = t->rtm_type == RTN_THROW         ? RT_THROW
                                            : t->rtm_type == RTN_UNREACHABLE ? RT_UNREACHABLE
                                                                             : RT_UNICAST,
                                    .dst = {.addr = kernel_attr_addr(tb[RTA_DST], t->rtm_family),
                                            .len = t->rtm_dst_len}}};
    return NL_OK;
}

static int find_routes(struct kernel *k, struct found *f)
{
    struct rtmsg t = {0};
    *f = (struct found){.size = sizeof(struct found_route)};
    return kernel_find_all(k, RTM_GETROUTE, &t, sizeof(t), &t.rtm_family, on_route, f);
}

/* The kernel refused r because that place is taken: by one of ours? 1, 0 or -errno. */
static int taken_by_us(struct kernel *k, const struct lr_route *r)
{
    struct found f;
    int err = find_routes(k, &f), ours = 0;
    const struct found_route *x = (const struct found_route *)f.items;
    for (size_t i = 0; i < f.n; i++)
        if (x[i].r.table == r->table && x[i].r.metric == r->metric &&
            prefix_cmp(&x[i].r.dst, &r->dst) == 0)
            ours |= x[i].proto == TANDEM_RTPROT;
    free(f.items);
    return err ? err : ours;
}

int kernel_route_add(struct kernel *k, const struct lr_route *r)
{
    struct nl_msg *m = route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, r);
    int err = m ? kernel_request(k, m) : -ENOMEM;
    /* In a table of ours nobody else has routes; asking would take reading all there are. */
    if (err != -EEXIST || (!rt_table_is_ours(r->table) && taken_by_us(k, r) != 1))
        return err;
    m = route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, r);
    return m ? kernel_request(k, m) : -ENOMEM;
}

int kernel_route_del(struct kernel *k, const struct lr_route *r)
{
    /* A protocol in the request makes the kernel pass over routes of others. */
    struct nl_msg *m = route_message(RTM_DELROUTE, 0, r);
    return m ? kernel_request(k, m) : -ENOMEM;
}

int kernel_sweep_routes(struct kernel *k)
{
    struct found f;
    int err = find_routes(k, &f), n = 0;
    const struct found_route *x = (const struct found_route *)f.items;
    for (size_t i = 0; !err && i < f.n; i++)
        if (x[i].proto == TANDEM_RTPROT)
            n += kernel_route_del(k, &x[i].r) == 0;
    free(f.items);
    return err ? err : n;
}

/* --- rules --------------------------------------------------------------------------------- */

/* fib_rules: a device "lo" means what the box sends itself, and a mask makes 0 a mark. */
static void put_no_sctp(struct nl_msg *m, const struct addr *to)
{
    kernel_put_addr(m, FRA_DST, to);
    nla_put_u8(m, FRA_IP_PROTO, IPPROTO_SCTP);
    nla_put_u32(m, FRA_FWMARK, 0);
    nla_put_u32(m, FRA_FWMASK, UINT32_MAX);
    nla_put_string(m, FRA_IIFNAME, "lo");
}

static void put_where(struct nl_msg *m, const struct lr_rule *r)
{
    if (r->goto_priority)
        nla_put_u32(m, FRA_GOTO, r->goto_priority);
    else
        nla_put_u32(m, FRA_TABLE, r->table);
    if (r->mark) {
        nla_put_u32(m, FRA_FWMARK, r->mark);
        nla_put_u32(m, FRA_FWMASK, UINT32_MAX);
    }
    if (r->iif[0])
        nla_put_string(m, FRA_IIFNAME, r->iif);
}

int kernel_rule(struct kernel *k, const struct lr_rule *r)
{
    bool drops = addr_is_set(&r->no_sctp);
    struct fib_rule_hdr h = {.family = r->family,
                             .dst_len = drops ? addr_bits(&r->no_sctp) : 0,
                             .action = drops              ? FR_ACT_BLACKHOLE
                                       : r->goto_priority ? FR_ACT_GOTO
                                                          : FR_ACT_TO_TBL,
                             .flags = r->not_mark ? FIB_RULE_INVERT : 0,
                             .table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC};
    struct nl_msg *m = kernel_message(r->add ? RTM_NEWRULE : RTM_DELRULE,
                                      r->add ? NLM_F_CREATE | NLM_F_EXCL : 0, &h, sizeof(h));
    if (!m)
        return -ENOMEM;
    nla_put_u32(m, FRA_PRIORITY, r->priority);
    if (drops)
        put_no_sctp(m, &r->no_sctp);
    else
        put_where(m, r);
    nla_put_u8(m, FRA_PROTOCOL, TANDEM_RTPROT);
    return kernel_request(k, m);
}

static int on_rule(struct nl_msg *msg, void *arg)
{
    struct found *f = (struct found *)arg;
    const struct nlmsghdr *h = nlmsg_hdr(msg);
    struct nlattr *tb[FRA_MAX + 1];
    if (h->nlmsg_type != RTM_NEWRULE ||
        nlmsg_parse(nlmsg_hdr(msg), sizeof(struct fib_rule_hdr), tb, FRA_MAX, NULL) < 0)
        return NL_SKIP;
    const struct fib_rule_hdr *r = (const struct fib_rule_hdr *)nlmsg_data(h);
    if (!tb[FRA_PROTOCOL] || nla_get_u8(tb[FRA_PROTOCOL]) != TANDEM_RTPROT)
        return NL_SKIP;
    struct lr_rule *x = (struct lr_rule *)kernel_found_add(f);
    if (!x)
        return NL_OK;
    *x = (struct lr_rule){
        .family = r->family,
        .not_mark = (r->flags & FIB_RULE_INVERT) != 0,
        .priority = tb[FRA_PRIORITY] ? nla_get_u32(tb[FRA_PRIORITY]) : 0,
        .mark = tb[FRA_FWMARK] ? nla_get_u32(tb[FRA_FWMARK]) : 0,
        .table = tb[FRA_TABLE] ? nla_get_u32(tb[FRA_TABLE]) : r->table,
        .goto_priority = tb[FRA_GOTO] ? nla_get_u32(tb[FRA_GOTO]) : 0,
    };
    if (r->action == FR_ACT_BLACKHOLE)
        x->no_sctp = kernel_attr_addr(tb[FRA_DST], r->family);
    else if (tb[FRA_IIFNAME])
        nla_strlcpy(x->iif, tb[FRA_IIFNAME], sizeof(x->iif));
    return NL_OK;
}

int kernel_sweep_rules(struct kernel *k)
{
    struct fib_rule_hdr h = {0};
    struct found f = {.size = sizeof(struct lr_rule)};
    int err = kernel_find_all(k, RTM_GETRULE, &h, sizeof(h), &h.family, on_rule, &f), n = 0;
    const struct lr_rule *x = (const struct lr_rule *)f.items;
    for (size_t i = 0; !err && i < f.n; i++)
        n += kernel_rule(k, &x[i]) == 0;
    free(f.items);
    return err ? err : n;
}
