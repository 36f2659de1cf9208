/*
 * Reading rtnetlink with libnl-3. See world.h.
 *
 * One function takes a message apart and updates the picture; dumps and the monitor both feed it.
 * News about routes are only appended and sorted out in world_settle(), so that ten thousand of
 * them cost one sort.
 */
#include "control/world/world.h"
#include "lib/vec.h"
#include <errno.h>
#include <event2/event.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <net/if_arp.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>

#define MONITOR_BUFFER (1 << 20)
#define READS_AT_ONCE  64
#define READS_MOST     (MONITOR_BUFFER / 64) /* more messages do not fit into the buffer */

static struct addr attr_addr(const struct nlattr *a, uint8_t family)
{
    struct addr out = {.family = family};
    if (a)
        nla_memcpy(out.b, a, (int)addr_size(&out));
    return out;
}

/* --- links --------------------------------------------------------------------------------- */

static struct world_link *link_slot(struct world *w, uint32_t ifindex)
{
    for (size_t i = 0; i < w->n_link; i++)
        if (w->link[i].ifindex == ifindex)
            return &w->link[i];
    return NULL;
}

static void link_gone(struct world *w, uint32_t ifindex)
{
    struct world_link *l = link_slot(w, ifindex);
    if (!l)
        return;
    *l = w->link[--w->n_link];
    w->routes_stale = true;
}

static void read_kind(struct nlattr *info, struct world_link *l)
{
    struct nlattr *kind[IFLA_INFO_MAX + 1];
    if (info && nla_parse_nested(kind, IFLA_INFO_MAX, info, NULL) == 0 && kind[IFLA_INFO_KIND])
        nla_strlcpy(l->kind, kind[IFLA_INFO_KIND], sizeof(l->kind));
}

static void on_link(struct world *w, struct nlmsghdr *h)
{
    struct nlattr *tb[IFLA_MAX + 1];
    if (nlmsg_parse(h, sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) < 0)
        return;
    const struct ifinfomsg *i = (const struct ifinfomsg *)nlmsg_data(h);
    if (i->ifi_family != AF_UNSPEC || !tb[IFLA_IFNAME]) /* AF_BRIDGE speaks about ports */
        return;
    if (h->nlmsg_type == RTM_DELLINK) {
        link_gone(w, (uint32_t)i->ifi_index);
        return;
    }
    struct world_link l = {.ifindex = (uint32_t)i->ifi_index,
                           .ether = i->ifi_type == ARPHRD_ETHER && !(i->ifi_flags & IFF_LOOPBACK),
                           .up = i->ifi_flags & IFF_UP,
                           .carrier =
                               (i->ifi_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING),
                           .mtu = tb[IFLA_MTU] ? nla_get_u32(tb[IFLA_MTU]) : 0};
    nla_strlcpy(l.name, tb[IFLA_IFNAME], sizeof(l.name));
    read_kind(tb[IFLA_LINKINFO], &l);
    if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == (int)sizeof(l.mac))
        memcpy(l.mac, nla_data(tb[IFLA_ADDRESS]), sizeof(l.mac));
    struct world_link *old = link_slot(w, l.ifindex);
    if (!old) {
        if (!VEC_ROOM(w->link, w->cap_link, w->n_link + 1))
            return;
        old = &w->link[w->n_link++];
    } else if (old->up != l.up) {
        w->routes_stale = true; /* the kernel drops routes with their link and says nothing */
    }
    *old = l;
}

/* --- addresses ------------------------------------------------------------------------------ */

static void on_addr(struct world *w, struct nlmsghdr *h)
{
    struct nlattr *tb[IFA_PROTO + 1];
    if (nlmsg_parse(h, sizeof(struct ifaddrmsg), tb, IFA_PROTO, NULL) < 0)
        return;
    const struct ifaddrmsg *a = (const struct ifaddrmsg *)nlmsg_data(h);
    struct nlattr *at = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
    if ((a->ifa_family != AF_INET && a->ifa_family != AF_INET6) || !at)
        return;
    struct world_addr n = {.ifindex = a->ifa_index,
                           .addr = {.addr = attr_addr(at, a->ifa_family), .len = a->ifa_prefixlen},
                           .ours = tb[IFA_PROTO] && nla_get_u8(tb[IFA_PROTO]) == TANDEM_RTPROT};
    struct world_addr *old = (struct world_addr *)world_addr_on(w, n.ifindex, &n.addr);
    if (h->nlmsg_type == RTM_DELADDR) {
        if (old)
            *old = w->addr[--w->n_addr];
        w->routes_stale = true;
    } else if (old) {
        *old = n;
    } else if (VEC_ROOM(w->addr, w->cap_addr, w->n_addr + 1)) {
        w->addr[w->n_addr++] = n;
    }
}

/* --- routes and rules ------------------------------------------------------------------------ */

/* A next hop whose link is gone is none. */
static void read_hops(struct nlattr *ways, uint8_t family, struct lr_route *r)
{
    struct rtnexthop *h = (struct rtnexthop *)nla_data(ways);
    int left = nla_len(ways);
    bool first = true;
    for (; left >= (int)sizeof(*h) && h->rtnh_len >= sizeof(*h) && h->rtnh_len <= left;
         left -= (int)NLMSG_ALIGN(h->rtnh_len), h = RTNH_NEXT(h)) {
        struct nlattr *tb[RTA_MAX + 1];
        struct lr_hop hop = {.oif = (uint32_t)h->rtnh_ifindex};
        if ((h->rtnh_flags & RTNH_F_DEAD) || nla_parse(tb, RTA_MAX, (struct nlattr *)RTNH_DATA(h),
                                                       h->rtnh_len - (int)sizeof(*h), NULL) < 0)
            continue;
        if (tb[RTA_GATEWAY])
            hop.gw = attr_addr(tb[RTA_GATEWAY], family);
        if (first) {
            r->oif = hop.oif;
            r->gw = hop.gw;
        } else if (r->n_more < LR_MORE) {
            r->more[r->n_more++] = hop;
        }
        first = false;
    }
}

static void on_route(struct world *w, struct nlmsghdr *h)
{
    struct nlattr *tb[RTA_MAX + 1];
    if (nlmsg_parse(h, sizeof(struct rtmsg), tb, RTA_MAX, NULL) < 0)
        return;
    const struct rtmsg *t = (const struct rtmsg *)nlmsg_data(h);
    uint32_t table = tb[RTA_TABLE] ? nla_get_u32(tb[RTA_TABLE]) : t->rtm_table;
    if ((t->rtm_family != AF_INET && t->rtm_family != AF_INET6) ||
        t->rtm_protocol != TANDEM_RTPROT || (t->rtm_flags & RTM_F_CLONED) ||
        (table != RT_TABLE_MAIN && !rt_table_is_ours(table)))
        return;
    if (!VEC_ROOM(w->route, w->cap_route, w->n_route + 1)) {
        w->routes_stale = true;
        return;
    }
    struct world_route *n = &w->route[w->n_route++];
    memset(n, 0, sizeof(*n));
    n->serial = w->serial++;
    n->gone = h->nlmsg_type == RTM_DELROUTE;
    n->r.table = table;
    n->r.type = t->rtm_type == RTN_THROW         ? RT_THROW
                : t->rtm_type == RTN_UNREACHABLE ? RT_UNREACHABLE
                                                 : RT_UNICAST;
    n->r.metric = tb[RTA_PRIORITY] ? nla_get_u32(tb[RTA_PRIORITY]) : 0;
    n->r.oif = tb[RTA_OIF] ? nla_get_u32(tb[RTA_OIF]) : 0;
    n->r.dst.addr = attr_addr(tb[RTA_DST], t->rtm_family);
    n->r.dst.len = t->rtm_dst_len;
    if (tb[RTA_GATEWAY])
        n->r.gw = attr_addr(tb[RTA_GATEWAY], t->rtm_family);
    if (tb[RTA_MULTIPATH])
        read_hops(tb[RTA_MULTIPATH], t->rtm_family, &n->r);
    if (tb[RTA_PREFSRC])
        n->r.src = attr_addr(tb[RTA_PREFSRC], t->rtm_family);
    w->routes_dirty = true;
}

bool world_same_rule(const struct lr_rule *a, const struct lr_rule *b)
{
    return a->family == b->family && a->priority == b->priority && a->mark == b->mark &&
           a->not_mark == b->not_mark && a->table == b->table &&
           a->goto_priority == b->goto_priority && strcmp(a->iif, b->iif) == 0 &&
           addr_eq(&a->no_sctp, &b->no_sctp);
}

static void on_rule(struct world *w, struct nlmsghdr *h)
{
    struct nlattr *tb[FRA_MAX + 1];
    if (nlmsg_parse(h, sizeof(struct fib_rule_hdr), tb, FRA_MAX, NULL) < 0)
        return;
    const struct fib_rule_hdr *r = (const struct fib_rule_hdr *)nlmsg_data(h);
    w->ipv6 = w->ipv6 || r->family == AF_INET6; /* the kernel's own rules are among them */
    if ((r->family != AF_INET && r->family != AF_INET6) || !tb[FRA_PROTOCOL] ||
        nla_get_u8(tb[FRA_PROTOCOL]) != TANDEM_RTPROT)
        return;
    struct lr_rule n = {.family = r->family, .not_mark = (r->flags & FIB_RULE_INVERT) != 0};
    n.priority = tb[FRA_PRIORITY] ? nla_get_u32(tb[FRA_PRIORITY]) : 0;
    n.mark = tb[FRA_FWMARK] ? nla_get_u32(tb[FRA_FWMARK]) : 0;
    n.goto_priority = tb[FRA_GOTO] ? nla_get_u32(tb[FRA_GOTO]) : 0;
    n.table = n.goto_priority ? 0 : tb[FRA_TABLE] ? nla_get_u32(tb[FRA_TABLE]) : r->table;
    if (r->action == FR_ACT_BLACKHOLE)
        n.no_sctp = attr_addr(tb[FRA_DST], r->family);
    else if (tb[FRA_IIFNAME])
        nla_strlcpy(n.iif, tb[FRA_IIFNAME], sizeof(n.iif));
    size_t i = 0;
    while (i < w->n_rule && !world_same_rule(&w->rule[i], &n))
        i++;
    if (h->nlmsg_type == RTM_DELRULE) {
        if (i < w->n_rule)
            w->rule[i] = w->rule[--w->n_rule];
    } else if (i == w->n_rule && VEC_ROOM(w->rule, w->cap_rule, w->n_rule + 1)) {
        w->rule[w->n_rule++] = n;
    }
}

static int on_message(struct nl_msg *msg, void *arg)
{
    struct world *w = (struct world *)arg;
    struct nlmsghdr *h = nlmsg_hdr(msg);
    switch (h->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        on_link(w, h);
        break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        on_addr(w, h);
        break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        on_route(w, h);
        break;
    case RTM_NEWRULE:
    case RTM_DELRULE:
        on_rule(w, h);
        break;
    default:
        return NL_SKIP;
    }
    return NL_OK;
}

/* --- dumps ----------------------------------------------------------------------------------- */

static int ask(struct world *w, int type, const void *head, size_t len)
{
    int n = nl_send_simple(w->dump, type, NLM_F_DUMP, (void *)(uintptr_t)head, len);
    if (n >= 0)
        n = nl_recvmsgs_default(w->dump);
    return n < 0 ? -EIO : 0;
}

static int dump_routes(struct world *w)
{
    /* With strict checking the kernel itself leaves out what is not ours: a host may carry a
     * full table. */
    struct rtmsg t = {.rtm_family = AF_INET, .rtm_protocol = TANDEM_RTPROT};
    struct rtmsg t6 = {.rtm_family = AF_INET6, .rtm_protocol = TANDEM_RTPROT};
    w->n_route = w->n_settled = 0;
    w->routes_dirty = true;
    int err = ask(w, RTM_GETROUTE, &t, sizeof(t));
    if (!err && w->ipv6)
        err = ask(w, RTM_GETROUTE, &t6, sizeof(t6));
    w->routes_stale = err != 0;
    return err;
}

/* Once something found no room in the monitor's socket the kernel drops all that follows, without
 * saying so again, until the socket has been emptied: what comes after the dump is to be heard. */
static void empty_monitor(struct world *w)
{
    for (int i = 0; i < READS_MOST; i++)
        if (nl_recvmsgs_default(w->monitor) == -NLE_AGAIN)
            return;
}

static int dump_all(struct world *w)
{
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    struct ifaddrmsg addr = {.ifa_family = AF_INET}, addr6 = {.ifa_family = AF_INET6};
    struct fib_rule_hdr rule = {.family = AF_INET}, rule6 = {.family = AF_INET6};
    empty_monitor(w);
    w->n_link = w->n_addr = w->n_rule = 0;
    int err = ask(w, RTM_GETLINK, &link, sizeof(link));
    if (!err)
        err = ask(w, RTM_GETADDR, &addr, sizeof(addr));
    if (!err)
        err = ask(w, RTM_GETRULE, &rule, sizeof(rule));
    if (!err)
        err = ask(w, RTM_GETRULE, &rule6, sizeof(rule6));
    if (!err && w->ipv6)
        err = ask(w, RTM_GETADDR, &addr6, sizeof(addr6));
    if (!err)
        err = dump_routes(w);
    w->all_stale = err != 0;
    if (err)
        log_line(w->log, LOGL_WARNING, "world", "the kernel's state could not be read; will retry");
    return err;
}

/* --- order ----------------------------------------------------------------------------------- */

int world_route_cmp(const struct lr_route *a, const struct lr_route *b)
{
    if (a->table != b->table)
        return a->table < b->table ? -1 : 1;
    int c = prefix_cmp(&a->dst, &b->dst);
    if (c)
        return c;
    return a->metric < b->metric ? -1 : a->metric > b->metric;
}

static int by_route(const void *x, const void *y)
{
    const struct world_route *a = (const struct world_route *)x;
    const struct world_route *b = (const struct world_route *)y;
    int c = world_route_cmp(&a->r, &b->r);
    return c ? c : a->serial < b->serial ? -1 : a->serial > b->serial;
}

/* Puts the news, which are sorted, among what is settled; false: no memory for it. */
static bool merge_news(struct world *w)
{
    size_t n_news = w->n_route - w->n_settled, at = w->n_route;
    struct world_route *news = (struct world_route *)malloc((n_news + 1) * sizeof(*news));
    if (!news)
        return false;
    memcpy(news, w->route + w->n_settled, n_news * sizeof(*news));
    for (size_t old = w->n_settled; n_news;) {
        if (old && by_route(&w->route[old - 1], &news[n_news - 1]) > 0)
            w->route[--at] = w->route[--old];
        else
            w->route[--at] = news[--n_news];
    }
    free(news);
    return true;
}

/* The last news about each route stands. The kernel keys ours by table, destination, metric. */
static void settle_routes(struct world *w)
{
    if (w->n_settled > w->n_route)
        w->n_settled = 0;
    qsort(w->route + w->n_settled, w->n_route - w->n_settled, sizeof(*w->route), by_route);
    if (!merge_news(w))
        qsort(w->route, w->n_route, sizeof(*w->route), by_route);
    size_t out = 0;
    for (size_t i = 0; i < w->n_route; i++) {
        bool last = i + 1 == w->n_route || world_route_cmp(&w->route[i].r, &w->route[i + 1].r) != 0;
        if (!last || w->route[i].gone)
            continue;
        if (out != i)
            w->route[out] = w->route[i];
        out++;
    }
    w->n_route = w->n_settled = out;
    w->routes_dirty = false;
}

void world_settle(struct world *w)
{
    if (w->dump && w->all_stale)
        dump_all(w);
    else if (w->dump && w->routes_stale)
        dump_routes(w);
    if (w->routes_dirty && w->n_route)
        settle_routes(w);
}

/* --- the monitor ------------------------------------------------------------------------------ */

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct world *w = (struct world *)arg;
    (void)fd;
    (void)what;
    for (int i = 0; i < READS_AT_ONCE; i++) {
        int n = nl_recvmsgs_default(w->monitor);
        if (n == -NLE_AGAIN)
            break;
        if (n < 0) { /* the buffer ran over: what we know may be wrong */
            w->all_stale = true;
            break;
        }
    }
    w->changed(w->ctx);
}

static struct nl_sock *open_socket(struct world *w)
{
    struct nl_sock *s = nl_socket_alloc();
    if (!s)
        return NULL;
    nl_socket_disable_seq_check(s);
    nl_socket_modify_cb(s, NL_CB_VALID, NL_CB_CUSTOM, on_message, w);
    if (nl_connect(s, NETLINK_ROUTE) < 0) {
        nl_socket_free(s);
        return NULL;
    }
    return s;
}

int world_open(struct world *w, struct event_base *base, struct log *log, void (*changed)(void *),
               void *ctx)
{
    int on = 1;
    *w = (struct world){.log = log, .changed = changed, .ctx = ctx, .all_stale = true};
    w->monitor = open_socket(w);
    w->dump = open_socket(w);
    if (!w->monitor || !w->dump)
        goto fail;
    nl_socket_set_buffer_size(w->monitor, MONITOR_BUFFER, 0);
    nl_socket_set_nonblocking(w->monitor);
    if (nl_socket_add_memberships(w->monitor, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE,
                                  RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE,
                                  RTNLGRP_IPV6_RULE, 0) < 0)
        goto fail;
    setsockopt(nl_socket_get_fd(w->dump), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
    w->ev = event_new(base, nl_socket_get_fd(w->monitor), EV_READ | EV_PERSIST, on_readable, w);
    if (!w->ev || event_add(w->ev, NULL) < 0)
        goto fail;
    return dump_all(w);
fail:
    world_close(w);
    return -EIO;
}

void world_close(struct world *w)
{
    if (w->ev)
        event_free(w->ev);
    if (w->monitor)
        nl_socket_free(w->monitor);
    if (w->dump)
        nl_socket_free(w->dump);
    free(w->link);
    free(w->addr);
    free(w->route);
    free(w->rule);
    memset(w, 0, sizeof(*w));
}

/* --- traffic ---------------------------------------------------------------------------------- */

struct traffic_reply {
    uint32_t ifindex;
    bool found;
    struct rtnl_link_stats64 s;
};

static int on_traffic(struct nl_msg *msg, void *arg)
{
    struct traffic_reply *r = (struct traffic_reply *)arg;
    struct nlmsghdr *h = nlmsg_hdr(msg);
    struct nlattr *tb[IFLA_MAX + 1];
    if (h->nlmsg_type != RTM_NEWLINK ||
        nlmsg_parse(h, sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) < 0)
        return NL_SKIP;
    const struct ifinfomsg *i = (const struct ifinfomsg *)nlmsg_data(h);
    if ((uint32_t)i->ifi_index != r->ifindex || !tb[IFLA_STATS64])
        return NL_SKIP;
    /* An older kernel's structure is shorter; what it lacks stays zero. */
    nla_memcpy(&r->s, tb[IFLA_STATS64], sizeof(r->s));
    r->found = true;
    return NL_OK;
}

/* As the sockets have it: one request is under way at a time. */
static int any_number(struct nl_msg *msg, void *arg)
{
    (void)msg;
    (void)arg;
    return NL_OK;
}

int world_traffic(const struct world *w, uint32_t ifindex, struct world_traffic *out)
{
    struct ifinfomsg ask_for = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
    struct traffic_reply r = {.ifindex = ifindex};
    struct nl_cb *cb = w->dump ? nl_cb_alloc(NL_CB_DEFAULT) : NULL;
    if (!cb)
        return -ENOMEM;
    nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_traffic, &r);
    nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, any_number, NULL);
    int n = nl_send_simple(w->dump, RTM_GETLINK, 0, &ask_for, sizeof(ask_for));
    if (n >= 0)
        n = nl_recvmsgs(w->dump, cb);
    if (n >= 0)
        (void)nl_wait_for_ack(w->dump); /* read away; what counts is whether `r` was filled */
    nl_cb_put(cb);
    if (!r.found)
        return -EIO;
    *out = (struct world_traffic){.rx_packets = r.s.rx_packets,
                                  .rx_bytes = r.s.rx_bytes,
                                  .rx_dropped = r.s.rx_dropped,
                                  .rx_errors = r.s.rx_errors,
                                  .tx_packets = r.s.tx_packets,
                                  .tx_bytes = r.s.tx_bytes,
                                  .tx_dropped = r.s.tx_dropped,
                                  .tx_errors = r.s.tx_errors};
    return 0;
}

/* --- lookups ---------------------------------------------------------------------------------- */

const struct world_link *world_link_named(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->n_link; i++)
        if (strcmp(w->link[i].name, name) == 0)
            return &w->link[i];
    return NULL;
}

const struct world_link *world_link_at(const struct world *w, uint32_t ifindex)
{
    for (size_t i = 0; i < w->n_link; i++)
        if (w->link[i].ifindex == ifindex)
            return &w->link[i];
    return NULL;
}

const struct world_addr *world_addr_on(const struct world *w, uint32_t ifindex,
                                       const struct prefix *p)
{
    for (size_t i = 0; i < w->n_addr; i++)
        if (w->addr[i].ifindex == ifindex && prefix_cmp(&w->addr[i].addr, p) == 0)
            return &w->addr[i];
    return NULL;
}
