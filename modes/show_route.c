/*
 * show route and show ip route.
 */
#include "lib/vec.h"
#include "modes/internal.h"
#include "modes/render.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRAP 79 /* a longer ASA line breaks before the distance */

/* A route of an SA is a static one on IOS. */
static char source_letter(enum rib_source s, bool asa)
{
    static const char letter[] = {[RIB_CONNECTED] = 'C',
                                  [RIB_LOCAL] = 'L',
                                  [RIB_STATIC] = 'S',
                                  [RIB_OSPF] = 'O',
                                  [RIB_VPN] = 'V'};
    return letter[!asa && s == RIB_VPN ? RIB_STATIC : s];
}

static bool is_default(const struct query_route *r)
{
    return r->dst.len == 0 && !r->tunneled;
}

void render_route_head(struct str *out, bool asa, const struct addr *gateway)
{
    char text[ADDR_STRLEN];
    str_add(out, "Codes: L - local, C - connected, S - static, R - RIP, M - mobile, B - BGP\n");
    if (asa)
        str_add(out, "       D - EIGRP, EX - EIGRP external, O - OSPF, IA - OSPF inter area\n");
    else
        str_add(out, "       D - EIGRP, EX - EIGRP external, O - OSPF, IA - OSPF inter area \n");
    str_add(out, "       N1 - OSPF NSSA external type 1, N2 - OSPF NSSA external type 2\n");
    str_add(out, asa ? "       E1 - OSPF external type 1, E2 - OSPF external type 2, V - VPN\n"
                     : "       E1 - OSPF external type 1, E2 - OSPF external type 2\n");
    str_add(out, "       i - IS-IS, su - IS-IS summary, L1 - IS-IS level-1, L2 - IS-IS level-2\n"
                 "       ia - IS-IS inter area, * - candidate default, U - per-user static "
                 "route\n");
    str_add(out, asa ? "       o - ODR, P - periodic downloaded static route, + - replicated "
                       "route\n       SI - Static InterVRF\n"
                     : "       o - ODR, P - periodic downloaded static route, H - NHRP, l - "
                       "LISP\n       + - replicated route, % - next hop override\n\n");
    if (addr_is_set(gateway))
        str_printf(out, "Gateway of last resort is %s to network 0.0.0.0\n\n",
                   addr_print(gateway, text, sizeof text));
    else
        str_add(out, "Gateway of last resort is not set\n\n");
}

static void route_way(struct str *out, const struct query_route *r, bool asa, usec_t now)
{
    char gw[ADDR_STRLEN];
    const char *name = r->ifp ? if_shown_name(r->ifp, asa) : "Null0";
    if (asa && r->source == RIB_VPN) {
        str_printf(out, "connected by VPN (advertised), %s", name);
        return;
    }
    if (!addr_is_set(&r->gateway)) {
        str_printf(out, "is directly connected, %s", name);
        return;
    }
    str_printf(out, "[%u/%u] via %s", r->distance, r->metric,
               addr_print(&r->gateway, gw, sizeof gw));
    if (r->source == RIB_OSPF && !asa) {
        char age[32];
        cmd_age(age, sizeof age, (now - r->since) / USEC_PER_SEC);
        str_printf(out, ", %s", age);
    }
    if (asa || r->named || (r->source != RIB_STATIC && r->source != RIB_VPN))
        str_printf(out, ", %s", name);
    if (r->tunneled)
        str_add(out, " tunneled");
}

void render_route_asa(struct str *out, const struct query_route *r, bool again)
{
    char net[ADDR_STRLEN], mask[ADDR_STRLEN];
    struct str head = {0}, way = {0};
    struct addr m = addr_len_to_mask(AF_INET, r->dst.len);
    str_printf(&head, "%c%-8s%s %s ", source_letter(r->source, true), r->dst.len == 0 ? "*" : "",
               addr_print(&r->dst.addr, net, sizeof net), addr_print(&m, mask, sizeof mask));
    route_way(&way, r, true, 0);
    bool wrap = head.len + way.len > WRAP && addr_is_set(&r->gateway);
    if (again)
        str_printf(out, "%*s%s\n", wrap ? 11 : (int)head.len, "", str_text(&way));
    else if (wrap)
        str_printf(out, "%s\n           %s\n", str_text(&head), str_text(&way));
    else
        str_printf(out, "%s%s\n", str_text(&head), str_text(&way));
    str_free(&head);
    str_free(&way);
}

/* --- IOS: subnets stand below their classful network ---------------------------------------------
 */

static struct prefix classful(const struct addr *a)
{
    uint32_t v = addr_v4(a);
    return prefix_make(a, v >> 31 == 0 ? 8 : (v >> 30 == 2 ? 16 : 24));
}

bool route_is_subnet(const struct query_route *r)
{
    return r->dst.len > classful(&r->dst.addr).len;
}

/* "S*", "O E2", "O*E2": which source, whether it is the default route, and what kind. */
static const char *ios_code(const struct query_route *r, char code[8])
{
    static const char *const paths[] = {
        [OSPF_INTRA] = "", [OSPF_INTER] = "IA", [OSPF_E1] = "E1", [OSPF_E2] = "E2"};
    const char *path = r->source == RIB_OSPF ? paths[r->path] : "";
    snprintf(code, 8, "%c%s%s", source_letter(r->source, false),
             is_default(r) ? "*"
             : *path       ? " "
                           : "",
             path);
    return code;
}

/* again: a further path of the prefix in the line above; it stands below the first one. */
static void ios_line(struct str *out, const struct query_route *r, bool child, bool again,
                     usec_t now)
{
    char net[PREFIX_STRLEN], code[8];
    struct str head = {0};
    str_printf(&head, "%-*s%s ", child ? 9 : 6, ios_code(r, code),
               prefix_print(&r->dst, net, sizeof net));
    if (again)
        str_printf(out, "%*s", (int)head.len, "");
    else
        str_add(out, str_text(&head));
    route_way(out, r, false, now);
    str_addc(out, '\n');
    str_free(&head);
}

static bool is_again(const struct query_route *r, size_t i)
{
    return i && prefix_cmp(&r[i].dst, &r[i - 1].dst) == 0 && r[i].source == r[i - 1].source;
}

/* The line above a network's subnets: how many there are and with how many masks. */
static void parent_line(struct str *out, const struct query_route *r, size_t n,
                        const struct prefix *net)
{
    char text[PREFIX_STRLEN];
    unsigned masks = 0, subnets = 0, plen = r->dst.len;
    uint64_t seen = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || prefix_cmp(&r[i].dst, &r[i - 1].dst) != 0)
            subnets++;
        if (!(seen >> r[i].dst.len & 1))
            masks++;
        seen |= UINT64_C(1) << r[i].dst.len;
    }
    struct prefix shown = masks == 1 ? prefix_make(&net->addr, plen) : *net;
    if (masks == 1)
        str_printf(out, "      %s is subnetted, %u subnets\n",
                   prefix_print(&shown, text, sizeof text), subnets);
    else
        str_printf(out, "      %s is variably subnetted, %u subnets, %u masks\n",
                   prefix_print(&shown, text, sizeof text), subnets, masks);
}

void render_routes_ios(struct str *out, const struct query_route *r, size_t n, usec_t now)
{
    for (size_t i = 0; i < n;) {
        struct prefix net = classful(&r[i].dst.addr);
        size_t k = i;
        bool subnets = false;
        while (k < n && r[k].dst.len >= net.len && prefix_covers(&net, &r[k].dst))
            subnets = route_is_subnet(&r[k++]) || subnets;
        if (k == i) { /* shorter than its class: the default route, a supernet */
            ios_line(out, &r[i], false, is_again(r, i), now);
            i++;
            continue;
        }
        if (subnets)
            parent_line(out, r + i, k - i, &net);
        for (; i < k; i++)
            ios_line(out, &r[i], subnets, is_again(r, i), now);
    }
}

/* --- IPv6 ----------------------------------------------------------------------------------------
 */

static const char *large(char *text, bool asa)
{
    for (char *p = text; !asa && *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return text;
}

void render_route6(struct str *out, const struct query_route *r, bool asa)
{
    char text[PREFIX_STRLEN];
    const char *name = r->ifp ? if_shown_name(r->ifp, asa) : "";
    prefix_print(&r->dst, text, sizeof text);
    str_printf(out, "%c   %s [%u/%u]\n     via ", source_letter(r->source, asa), large(text, asa),
               r->distance, r->metric);
    if (addr_is_set(&r->gateway)) {
        addr_print(&r->gateway, text, sizeof text);
        str_add(out, large(text, asa));
        if (asa || addr_is_link_local(&r->gateway))
            str_printf(out, ", %s", name);
    } else if (asa) {
        str_printf(out, "::, %s", name);
    } else {
        str_printf(out, "%s, %s", name, r->source == RIB_LOCAL ? "receive" : "directly connected");
    }
    str_add(out, r->tunneled ? " tunneled\n" : "\n");
}

void render_route6_head(struct str *out, size_t n, bool asa)
{
    str_printf(out, "IPv6 Routing Table - %s%zu entries\n", asa ? "" : "default - ", n);
    str_add(out, asa ? "Codes: C - Connected, L - Local, S - Static\n"
                     : "Codes: C - Connected, L - Local, S - Static, U - Per-user Static route\n");
}

/* --- the hooks
 * ------------------------------------------------------------------------------------
 */

bool route_collect(void *ctx, const struct query_route *r)
{
    struct route_list *l = (struct route_list *)ctx;
    if (r->dst.addr.family != l->family)
        return true;
    if (!VEC_ROOM(l->r, l->cap, l->n + 1))
        return false;
    l->r[l->n++] = *r;
    return true;
}

struct addr route_last_resort(const struct route_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (is_default(&l->r[i]))
            return addr_is_set(&l->r[i].gateway) ? l->r[i].gateway : l->r[i].dst.addr;
    return (struct addr){0};
}

void show_route_list(struct cmd *c, const struct route_list *l, const struct addr *gateway)
{
    struct str out = {0};
    render_route_head(&out, c->asa, gateway);
    for (size_t i = 0; c->asa && i < l->n; i++)
        render_route_asa(&out, &l->r[i], is_again(l->r, i) && !l->r[i].tunneled);
    if (!c->asa)
        render_routes_ios(&out, l->r, l->n, clock_mono(control_clock(c->control)));
    cmd_puts(c, str_text(&out));
    if (c->asa)
        cmd_puts(c, "\n");
    str_free(&out);
}

int show_route(struct cmd *c, const struct a_show_route *a)
{
    struct route_list l = {.family = AF_INET};
    (void)a;
    query_routes(c->control, route_collect, &l);
    struct addr gateway = route_last_resort(&l);
    show_route_list(c, &l, &gateway);
    free(l.r);
    return CMD_OK;
}

int show_ipv6_route(struct cmd *c, const struct a_show_ipv6_route *a)
{
    struct route_list l = {.family = AF_INET6};
    struct str out = {0};
    (void)a;
    query_routes(c->control, route_collect, &l);
    render_route6_head(&out, l.n, c->asa);
    for (size_t i = 0; i < l.n; i++)
        render_route6(&out, &l.r[i], c->asa);
    cmd_puts(c, str_text(&out));
    str_free(&out);
    free(l.r);
    return CMD_OK;
}
