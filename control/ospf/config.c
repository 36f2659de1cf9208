/* OSPF's configuration for FRR. See config.h. */
#include "control/ospf/config.h"
#include <stdlib.h>
#include <string.h>

/* A static route that comes is in the list of those to tell of a moment after it is in the kernel.
 * ospfd looks again after this interval, which RFC 2328 appendix B has as MinLSInterval: 5 s. Below
 * MinLSArrival, 1 s, the neighbours would throw away what comes (§13 (5a)). */
#define LSA_INTERVAL_MS 1100

#define STATIC_LIST    "tandem-static"
#define CONNECTED_LIST "tandem-connected"

static bool usable(const struct ospf_view *v, const struct intent_if *i)
{
    return !i->shutdown && i->addr.addr.family == AF_INET && v->netdev(v->ctx, i);
}

struct addr ospf_choose_id(const struct ospf_view *v)
{
    struct addr best = {0};
    bool loopback = false;
    for (uint32_t k = 0; k < v->intent->n_if; k++) {
        const struct intent_if *i = &v->intent->ifs[k];
        bool lo = i->kind == IF_LOOPBACK;
        if (!usable(v, i) || (loopback && !lo))
            continue;
        if (!addr_is_set(&best) || (lo && !loopback) || addr_cmp(&i->addr.addr, &best) > 0)
            best = i->addr.addr;
        loopback = loopback || lo;
    }
    return best;
}

static uint32_t bandwidth(const struct intent_if *i)
{
    static const struct {
        const char *type;
        uint32_t kbps;
    } line[] = {{"Ethernet", 10000}, {"Serial", 1544}, {"Tunnel", 100}, {"FastEthernet", 100000}};
    for (size_t k = 0; k < sizeof(line) / sizeof(line[0]); k++)
        if (strncmp(i->name, line[k].type, strlen(line[k].type)) == 0)
            return line[k].kbps;
    return 1000000;
}

uint32_t ospf_cost(const struct intent_if *i)
{
    if (i->ospf.cost)
        return i->ospf.cost;
    if (i->kind == IF_LOOPBACK)
        return 1;
    uint32_t kbps = i->ospf.kbps ? i->ospf.kbps : bandwidth(i);
    uint32_t cost = OSPF_REFERENCE_KBPS / kbps;
    return cost < 1 ? 1 : cost > 65535 ? 65535 : cost;
}

/* --- interfaces ----------------------------------------------------------------------------------
 */

static void area_line(struct str *out, uint32_t area, const struct addr *a, bool passive)
{
    char text[ADDR_STRLEN];
    addr_print(a, text, sizeof(text));
    if (passive)
        str_printf(out, " ip ospf passive %s\n", text);
    str_printf(out, " ip ospf area %u.%u.%u.%u %s\n", area >> 24, area >> 16 & 255, area >> 8 & 255,
               area & 255, text);
}

static void authentication(struct str *out, const struct intent_ospf_if *o)
{
    static const char *const ways[] = {[OSPF_AUTH_NULL] = " null",
                                       [OSPF_AUTH_SIMPLE] = "",
                                       [OSPF_AUTH_DIGEST] = " message-digest"};
    str_printf(out, " ip ospf authentication%s\n", ways[o->auth]);
    if (o->key[0])
        str_printf(out, " ip ospf authentication-key %s\n", o->key);
    for (unsigned k = 0; k < o->n_digest; k++)
        str_printf(out, " ip ospf message-digest-key %u md5 %s\n", o->digest_id[k], o->digest[k]);
}

/* The area comes last: with it the interface begins, and its first timer is of the dead interval
 * that holds then. */
static void interface(struct str *out, const struct intent_if *i, const char *netdev)
{
    static const char *const kinds[] = {[OSPF_BROADCAST] = "broadcast",
                                        [OSPF_NBMA] = "non-broadcast",
                                        [OSPF_POINT] = "point-to-point",
                                        [OSPF_MULTIPOINT] = "point-to-multipoint"};
    const struct intent_ospf_if o = i->ospf;
    /* A loopback is a device that nobody reads. */
    bool passive = o.passive || i->kind == IF_LOOPBACK;
    str_printf(out, "interface %s\n", netdev);
    str_printf(out, " ip ospf network %s\n", kinds[o.has_kind ? o.kind : OSPF_BROADCAST]);
    str_printf(out, " ip ospf cost %u\n", ospf_cost(i));
    str_printf(out, " ip ospf hello-interval %u\n", o.hello);
    str_printf(out, " ip ospf dead-interval %u\n", o.dead);
    str_printf(out, " ip ospf priority %u\n", o.priority);
    authentication(out, &i->ospf);
    area_line(out, o.area, &i->addr.addr, passive);
    for (unsigned k = 0; k < i->n_addr2; k++)
        if (o.addr2 >> k & 1)
            area_line(out, o.area, &i->addr2[k].addr, true);
}

/* --- routes from elsewhere -----------------------------------------------------------------------
 */

static bool whole_class(const struct prefix *p)
{
    uint32_t v = addr_v4(&p->addr);
    return p->len == (v >> 31 == 0 ? 8 : v >> 30 == 2 ? 16 : 24);
}

/* The network of an interface that takes part is told of by that. */
static bool own_network(const struct query_route *r)
{
    struct prefix first = prefix_make(&r->ifp->addr.addr, r->ifp->addr.len);
    if (!r->ifp->ospf.on)
        return false;
    if (prefix_cmp(&first, &r->dst) == 0)
        return true;
    for (unsigned k = 0; k < r->ifp->n_addr2; k++) {
        struct prefix p = prefix_make(&r->ifp->addr2[k].addr, r->ifp->addr2[k].len);
        if (r->ifp->ospf.addr2 >> k & 1 && prefix_cmp(&p, &r->dst) == 0)
            return true;
    }
    return false;
}

static bool wanted(const struct query_route *r, const struct intent_ospf_external *e,
                   bool connected)
{
    if (r->dst.addr.family != AF_INET || r->dst.len == 0 || r->tunneled ||
        (!e->subnets && !whole_class(&r->dst)))
        return false;
    if (connected)
        return r->source == RIB_CONNECTED && r->ifp && !own_network(r);
    return r->source == RIB_STATIC || r->source == RIB_VPN;
}

/* The lists say which of the kernel's routes are ours to tell of. */
static void list(const struct ospf_view *v, struct str *out, const char *name,
                 const struct intent_ospf_external *e, bool connected)
{
    char text[PREFIX_STRLEN];
    if (!e->on)
        return;
    for (size_t k = 0; k < v->n_route; k++)
        if (wanted(&v->route[k], e, connected))
            str_printf(out, "ip prefix-list %s permit %s\n", name,
                       prefix_print(&v->route[k].dst, text, sizeof(text)));
    str_printf(out, "ip prefix-list %s permit 255.255.255.255/32\n", name); /* never empty */
    str_printf(out, "route-map %s permit 10\n match ip address prefix-list %s\n", name, name);
    if (e->tag)
        str_printf(out, " set tag %u\n", e->tag);
}

static void redistribute(struct str *out, const char *what, const char *name,
                         const struct intent_ospf_external *e)
{
    if (e->on)
        str_printf(out, " redistribute %s metric %u metric-type %u route-map %s\n", what, e->metric,
                   e->type, name);
}

/* The default route of OSPF's own does not count: it would tell the others of itself. */
static bool has_default(const struct ospf_view *v)
{
    for (size_t k = 0; k < v->n_route; k++)
        if (v->route[k].dst.addr.family == AF_INET && v->route[k].dst.len == 0 &&
            !v->route[k].tunneled && v->route[k].source != RIB_OSPF)
            return true;
    return false;
}

static void router(const struct ospf_view *v, struct str *out)
{
    const struct intent_ospf *o = &v->intent->ospf;
    char text[ADDR_STRLEN];
    str_add(out, "router ospf\n");
    str_printf(out, " ospf router-id %s\n", addr_print(&v->id, text, sizeof(text)));
    str_add(out, " log-adjacency-changes detail\n");
    str_printf(out, " timers throttle lsa all %d\n", LSA_INTERVAL_MS);
    for (uint32_t k = 0; k < o->n_area; k++)
        str_printf(out, " area %u %s%s\n", o->area[k].number, o->area[k].nssa ? "nssa" : "stub",
                   o->area[k].totally ? " no-summary" : "");
    redistribute(out, "kernel", STATIC_LIST, &o->statics);
    redistribute(out, "connected", CONNECTED_LIST, &o->connected);
    if (o->originate.on && (o->originate.always || has_default(v)))
        str_printf(out, " default-information originate always metric %u metric-type %u\n",
                   o->originate.metric, o->originate.type);
}

void ospf_config(const struct ospf_view *v, struct str *out)
{
    if (!v->intent->ospf.process || !addr_is_set(&v->id))
        return;
    str_add(out, "debug ospf zebra redistribute\n"); /* routes that come and go are a line each */
    list(v, out, STATIC_LIST, &v->intent->ospf.statics, false);
    list(v, out, CONNECTED_LIST, &v->intent->ospf.connected, true);
    router(v, out);
    for (uint32_t k = 0; k < v->intent->n_if; k++) {
        const struct intent_if *i = &v->intent->ifs[k];
        if (i->ospf.on && usable(v, i))
            interface(out, i, v->netdev(v->ctx, i));
    }
}
