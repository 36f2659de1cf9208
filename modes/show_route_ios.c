/*
 * show ip route, and show route of the ASA, with more words: one network, the routes of one source
 * or interface, how many there are.
 */
#include "control/route/rib.h"
#include "modes/internal.h"
#include "modes/render.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *source_name(enum rib_source s)
{
    return s == RIB_CONNECTED || s == RIB_LOCAL ? "connected" : s == RIB_OSPF ? "ospf" : "static";
}

static void path(struct cmd *c, const struct query_route *r, bool first)
{
    char text[ADDR_STRLEN];
    const char *name = r->ifp ? if_shown_name(r->ifp, c->asa) : "Null0";
    cmd_puts(c, first ? "  * " : "    ");
    if (!addr_is_set(&r->gateway))
        cmd_printf(c, "directly connected, via %s\n", name);
    else
        cmd_printf(c, c->asa || r->named || r->source == RIB_OSPF ? "%s, via %s\n" : "%s\n",
                   addr_print(&r->gateway, text, sizeof text), name);
    cmd_printf(c, "      Route metric is %u, traffic share count is 1\n", r->metric);
    if (r->tag)
        cmd_printf(c, "      Route tag %u\n", r->tag);
}

static void net_text(const struct prefix *p, bool asa, char *buf, size_t cap)
{
    char net[ADDR_STRLEN], mask[ADDR_STRLEN];
    struct addr m = addr_len_to_mask(AF_INET, p->len);
    if (asa)
        snprintf(buf, cap, "%s %s", addr_print(&p->addr, net, sizeof net),
                 addr_print(&m, mask, sizeof mask));
    else
        prefix_print(p, buf, cap);
}

/* r: the first of its paths, of n routes. */
static void entry(struct cmd *c, const struct query_route *r, size_t n)
{
    char text[2 * ADDR_STRLEN];
    bool direct = !addr_is_set(&r->gateway);
    const char *source = source_name(r->source);
    bool connected = strcmp(source, "connected") == 0;
    net_text(&r->dst, c->asa, text, sizeof text);
    cmd_printf(c, "Routing entry for %s%s\n", text, r->dst.len == 0 ? ", supernet" : "");
    cmd_printf(c, "  Known via \"%s\", distance %u, metric %u%s%s\n", source, r->distance,
               r->metric,
               connected ? " (connected, via interface)"
               : direct  ? " (connected)"
                         : "",
               r->dst.len == 0 ? ", candidate default path" : "");
    if (r->tag)
        cmd_printf(c, "  Tag %u\n", r->tag);
    cmd_puts(c, "  Routing Descriptor Blocks:\n");
    for (size_t i = 0; i < n && prefix_cmp(&r[i].dst, &r->dst) == 0 && !r[i].tunneled; i++)
        path(c, &r[i], i == 0);
}

/* The longest match; the default route is found by its own address alone. */
static const struct query_route *find(const struct route_list *l, const struct a_show_ip_route *a)
{
    const struct query_route *best = NULL;
    int len = a->has_mask ? addr_mask_to_len(&a->mask) : -1;
    for (size_t i = 0; i < l->n; i++) {
        const struct query_route *r = &l->r[i];
        bool fits = len >= 0          ? r->dst.len == len && addr_eq(&r->dst.addr, &a->addr)
                    : r->dst.len == 0 ? !addr_v4(&a->addr)
                                      : prefix_contains(&r->dst, &a->addr);
        if (fits && !r->tunneled && (!best || r->dst.len > best->dst.len))
            best = r;
    }
    return best;
}

static bool has_classful(const struct route_list *l, const struct addr *a)
{
    uint32_t v = addr_v4(a);
    struct prefix net = prefix_make(a, v >> 31 == 0 ? 8 : v >> 30 == 2 ? 16 : 24);
    for (size_t i = 0; i < l->n; i++)
        if (prefix_covers(&net, &l->r[i].dst))
            return true;
    return false;
}

static void one_network(struct cmd *c, const struct route_list *l, const struct a_show_ip_route *a)
{
    const struct query_route *r = find(l, a);
    if (r)
        entry(c, r, (size_t)(l->r + l->n - r));
    else
        cmd_puts(c, has_classful(l, &a->addr) ? "% Subnet not in table\n"
                                              : "% Network not in table\n");
}

static bool is_wanted(const struct a_show_ip_route *a, const struct query_route *r)
{
    enum rib_source s = r->source;
    if (a->has_nameif)
        return r->ifp && strcasecmp(r->ifp->nameif, a->nameif) == 0;
    if (a->ospf)
        return s == RIB_OSPF;
    return a->statics ? s == RIB_STATIC || s == RIB_VPN : s == RIB_CONNECTED || s == RIB_LOCAL;
}

/* The routes of one source or interface, as the whole table is shown. */
static void some(struct cmd *c, struct route_list *l, const struct a_show_ip_route *a)
{
    struct addr gateway = route_last_resort(l);
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (is_wanted(a, &l->r[i]))
            l->r[n++] = l->r[i];
    }
    l->n = n;
    show_route_list(c, l, &gateway);
}

struct tally {
    unsigned networks, subnets;
};

static void summary_line(struct cmd *c, const char *source, const struct tally *t)
{
    unsigned n = t->networks + t->subnets;
    cmd_printf(c, "%-15s %-11u %-11u 0           %-11zu %zu\n", source, t->networks, t->subnets,
               n * sizeof(uint32_t), n * sizeof(struct query_route));
}

/* Memory is ours: of the table, and beside it of the search in it. */
static void summary(struct cmd *c, const struct route_list *l)
{
    struct tally t[4] = {0}; /* connected, static, of OSPF, all */
    for (size_t i = 0; i < l->n; i++) {
        const struct query_route *r = &l->r[i];
        unsigned k = r->source == RIB_OSPF ? 2 : r->source == RIB_STATIC || r->source == RIB_VPN;
        bool subnet = route_is_subnet(r);
        if (i && prefix_cmp(&r->dst, &r[-1].dst) == 0)
            continue;
        *(subnet ? &t[k].subnets : &t[k].networks) += 1;
        *(subnet ? &t[3].subnets : &t[3].networks) += 1;
    }
    if (!c->asa)
        cmd_puts(c, "IP routing table name is default (0x0)\n");
    cmd_printf(c,
               "IP routing table maximum-paths is %u\nRoute Source    Networks    Subnets     "
               "Replicates  Overhead    Memory (bytes)\n",
               RIB_PATHS);
    summary_line(c, "connected", &t[0]);
    summary_line(c, "static", &t[1]);
    if (t[2].networks + t[2].subnets)
        summary_line(c, "ospf", &t[2]);
    summary_line(c, "Total", &t[3]);
}

int show_ip_route(struct cmd *c, const struct a_show_ip_route *a)
{
    struct route_list l = {.family = AF_INET};
    query_routes(c->control, route_collect, &l);
    if (a->has_addr)
        one_network(c, &l, a);
    else if (a->summary)
        summary(c, &l);
    else
        some(c, &l, a);
    free(l.r);
    return CMD_OK;
}
