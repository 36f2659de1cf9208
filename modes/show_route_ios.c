/*
 * show ip route with more words: one network, or the routes of one source.
 */
#include "modes/internal.h"
#include "modes/render.h"
#include <stdlib.h>
#include <string.h>

static const char *source_name(enum rib_source s)
{
    return s == RIB_CONNECTED || s == RIB_LOCAL ? "connected" : s == RIB_OSPF ? "ospf" : "static";
}

static void entry(struct cmd *c, const struct query_route *r)
{
    char text[PREFIX_STRLEN];
    bool direct = !addr_is_set(&r->gateway);
    const char *name = r->ifp ? r->ifp->name : "Null0";
    const char *source = source_name(r->source);
    bool connected = strcmp(source, "connected") == 0;
    cmd_printf(c, "Routing entry for %s%s\n", prefix_print(&r->dst, text, sizeof text),
               r->dst.len == 0 ? ", supernet" : "");
    cmd_printf(c, "  Known via \"%s\", distance %u, metric %u%s%s\n", source, r->distance,
               r->metric,
               connected ? " (connected, via interface)"
               : direct  ? " (connected)"
                         : "",
               r->dst.len == 0 ? ", candidate default path" : "");
    if (r->tag)
        cmd_printf(c, "  Tag %u\n", r->tag);
    cmd_puts(c, "  Routing Descriptor Blocks:\n");
    if (direct)
        cmd_printf(c, "  * directly connected, via %s\n", name);
    else
        cmd_printf(c, r->named || r->source == RIB_OSPF ? "  * %s, via %s\n" : "  * %s\n",
                   addr_print(&r->gateway, text, sizeof text), name);
    cmd_printf(c, "      Route metric is %u, traffic share count is 1\n", r->metric);
    if (r->tag)
        cmd_printf(c, "      Route tag %u\n", r->tag);
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
        entry(c, r);
    else
        cmd_puts(c, has_classful(l, &a->addr) ? "% Subnet not in table\n"
                                              : "% Network not in table\n");
}

static bool is_source(const struct a_show_ip_route *a, enum rib_source s)
{
    if (a->ospf)
        return s == RIB_OSPF;
    return a->statics ? s == RIB_STATIC || s == RIB_VPN : s == RIB_CONNECTED || s == RIB_LOCAL;
}

static void one_source(struct cmd *c, struct route_list *l, const struct a_show_ip_route *a)
{
    struct str out = {0};
    struct addr gateway = route_last_resort(l);
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (is_source(a, l->r[i].source))
            l->r[n++] = l->r[i];
    }
    render_route_head(&out, false, &gateway);
    render_routes_ios(&out, l->r, n, clock_mono(control_clock(c->control)));
    cmd_puts(c, str_text(&out));
    str_free(&out);
}

int show_ip_route(struct cmd *c, const struct a_show_ip_route *a)
{
    struct route_list l = {.family = AF_INET};
    query_routes(c->control, route_collect, &l);
    if (a->has_addr)
        one_network(c, &l, a);
    else
        one_source(c, &l, a);
    free(l.r);
    return CMD_OK;
}
