/*
 * Checks of routes, objects and access lists. See check_system.c for what a check may do.
 */
#include "modes/derive.h"
#include "modes/internal.h"
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#define GROUP_DEPTH 16

static uint64_t metric_of(const struct a_route *a)
{
    return a->has_metric ? a->metric : 1;
}

/* Routes of equal cost leave by one interface; one that follows an object, or
 * is of an interface still to come, may not be there. */
static bool equal_elsewhere(const struct cfg_tree *tree, const struct a_route *a)
{
    cfg_each(tree->root, E_ROUTE, n)
    {
        const struct a_route *b = CFG_ARGS(n, route);
        if (!b->tunneled && !a->has_track && !b->has_track && metric_of(a) == metric_of(b) &&
            addr_eq(&a->dst, &b->dst) && addr_eq(&a->mask, &b->mask) &&
            strcasecmp(a->nameif, b->nameif) != 0 && if_by_nameif(tree, b->nameif))
            return true;
    }
    return false;
}

/* Says that a route which follows an object still to come is not in force before. */
static void track_expected(struct txn *t, uint64_t number)
{
    cfg_each(t->tree->root, E_TRACK, n)
    {
        if (CFG_ARGS(n, track)->id == number)
            return;
    }
    txn_note(t,
             "WARNING: track %u is not configured yet; the route is not used before it is, and up.",
             (unsigned)number);
}

int route_check(struct txn *t, struct cfg_node *n, const struct a_route *a, bool negate)
{
    char net[ADDR_STRLEN], mask[ADDR_STRLEN];
    if (negate)
        return 0;
    int len = addr_mask_to_len(&a->mask);
    struct prefix p = prefix_make(&a->dst, len < 0 ? 0 : (unsigned)len);
    if (len < 0 || !addr_eq(&p.addr, &a->dst))
        return txn_refuse(t, "ERROR: Invalid address or mask: %s %s",
                          addr_print(&a->dst, net, sizeof net),
                          addr_print(&a->mask, mask, sizeof mask));
    if_expected(t, a->nameif);
    if (!a->tunneled && equal_elsewhere(t->tree, a))
        return txn_refuse(t, "ERROR: Cannot add route entry, conflict with existing routes");
    if (a->has_track)
        track_expected(t, a->track);
    if (a->has_metric)
        return 0;
    /* The distance is always printed (config-asa.md §2). */
    struct a_route full = *a;
    full.has_metric = true;
    full.metric = 1;
    return txn_set(t, n->parent, E_ROUTE, &full) ? 0 : -1;
}

static bool is_own(const struct cfg_tree *tree, const struct addr *a)
{
    cfg_each(tree->root, E_INTERFACE, i)
    {
        const struct cfg_node *l = cfg_first(i, E_IF_ADDRESS);
        if (l && CFG_ARGS(l, if_address)->has_addr && addr_eq(&CFG_ARGS(l, if_address)->addr, a))
            return true;
    }
    return false;
}

int ip_route_check(struct txn *t, struct cfg_node *n, const struct a_ip_route *a, bool negate)
{
    if (negate)
        return 0;
    int len = addr_mask_to_len(&a->mask);
    struct prefix p = prefix_make(&a->dst, len < 0 ? 0 : (unsigned)len);
    if (len < 0 || !addr_eq(&p.addr, &a->dst))
        return txn_refuse(t, "%%Inconsistent address and mask");
    /* The address may have come after the route: what was saved loads. */
    if (a->has_gateway && !t->loading && is_own(t->tree, &a->gateway))
        return txn_refuse(t, "%%Invalid next hop address (it's this router)");
    if (!a->has_distance || a->distance != 1)
        return 0;
    struct a_ip_route plain = *a; /* what stands for itself is not printed */
    plain.has_distance = false;
    plain.distance = 0;
    return txn_set(t, n->parent, E_IP_ROUTE, &plain) ? 0 : -1;
}

/* The address bits behind the length must be zero, as those behind a mask. */
static int check_prefix(struct txn *t, const struct prefix *p)
{
    char text[PREFIX_STRLEN];
    struct prefix net = prefix_make(&p->addr, p->len);
    if (addr_eq(&net.addr, &p->addr))
        return 0;
    return txn_refuse(t, "ERROR: Invalid IPv6 prefix: %s", prefix_print(p, text, sizeof text));
}

int route6_check(struct txn *t, struct cfg_node *n, const struct a_route6 *a, bool negate)
{
    if (negate)
        return 0;
    if (check_prefix(t, &a->dst) < 0)
        return -1;
    if_expected(t, a->nameif);
    if (!a->has_metric || a->metric != 1)
        return 0;
    /* The platform prints a distance only where it is not 1. */
    struct a_route6 plain = *a;
    plain.has_metric = false;
    return txn_set(t, n->parent, E_ROUTE6, &plain) ? 0 : -1;
}

void acl_expected(struct txn *t, const char *acl)
{
    if (!cfg_find_word(t->tree->root, E_ACL, acl))
        txn_note(
            t,
            "WARNING: access-list \"%s\" is not configured yet; this line takes effect when it "
            "is.",
            acl);
}

/* --- objects -----------------------------------------------------------------------------------
 */

/* A rule has no effect while one of its objects is missing (derive_acl.c). */
static void object_expected(struct txn *t, uint16_t entry, const char *name)
{
    if (!cfg_find_word(t->tree->root, entry, name))
        txn_note(t, "WARNING: %s \"%s\" is not configured yet; this line takes effect when it is.",
                 entry == E_GROUP_NETWORK ? "object-group" : "object", name);
}

static int check_subnet(struct txn *t, const struct addr *a, const struct addr *mask)
{
    char net[ADDR_STRLEN], m[ADDR_STRLEN];
    int len = addr_mask_to_len(mask);
    struct prefix p = prefix_make(a, len < 0 ? 0 : (unsigned)len);
    if (len >= 0 && addr_eq(&p.addr, a))
        return 0;
    return txn_refuse(t, "ERROR: IP address,mask <%s,%s> doesn't pair",
                      addr_print(a, net, sizeof net), addr_print(mask, m, sizeof m));
}

int object_value_check(struct txn *t, struct cfg_node *n, const struct a_object_value *a,
                       bool negate)
{
    (void)n;
    if (negate)
        return 0;
    if (a->has_lo && a->lo.family != a->hi.family)
        return txn_refuse(t, "ERROR: The range is of two families");
    if (a->has_lo && addr_cmp(&a->lo, &a->hi) > 0)
        return txn_refuse(t, "ERROR: The first address of the range is above the last");
    if (a->has_net)
        return check_prefix(t, &a->net);
    return a->has_addr ? check_subnet(t, &a->addr, &a->mask) : 0;
}

/* Does group (or one below it) hold `what`? Bounded, as nesting is. */
static bool group_holds(const struct cfg_tree *tree, const char *group, const char *what,
                        unsigned depth)
{
    if (strcmp(group, what) == 0 || depth == 0)
        return true;
    const struct cfg_node *g = cfg_find_word(tree->root, E_GROUP_NETWORK, group);
    if (!g)
        return false;
    cfg_each(g, E_GROUP_MEMBER, m)
    {
        const struct a_group_member *a = CFG_ARGS(m, group_member);
        if (a->has_group && group_holds(tree, a->group, what, depth - 1))
            return true;
    }
    return false;
}

int group_member_check(struct txn *t, struct cfg_node *n, const struct a_group_member *a,
                       bool negate)
{
    if (negate)
        return 0;
    if (a->has_object)
        object_expected(t, E_OBJECT_NETWORK, a->object);
    if (a->has_group) {
        const char *self = CFG_ARGS(n->parent, group_network)->name;
        object_expected(t, E_GROUP_NETWORK, a->group);
        if (group_holds(t->tree, a->group, self, GROUP_DEPTH))
            return txn_refuse(t, "ERROR: object-group %s would contain itself", a->group);
    }
    if (a->has_net)
        return check_prefix(t, &a->net);
    return a->has_addr ? check_subnet(t, &a->addr, &a->mask) : 0;
}

static bool names(bool has, const char *a, const char *b)
{
    return has && strcmp(a, b) == 0;
}

/* Is a network object, or a group of them, spoken of by a rule or by a group? */
static bool in_use(const struct cfg_tree *tree, const char *name, bool group)
{
    cfg_each(tree->root, E_ACL, acl)
    {
        cfg_each(acl, E_ACE, e)
        {
            const struct a_ace *a = CFG_ARGS(e, ace);
            if (group ? names(a->has_src_group, a->src_group, name) ||
                            names(a->has_dst_group, a->dst_group, name)
                      : names(a->has_src_object, a->src_object, name) ||
                            names(a->has_dst_object, a->dst_object, name))
                return true;
        }
    }
    cfg_each(tree->root, E_GROUP_NETWORK, g)
    {
        cfg_each(g, E_GROUP_MEMBER, m)
        {
            const struct a_group_member *a = CFG_ARGS(m, group_member);
            if (group ? names(a->has_group, a->group, name) : names(a->has_object, a->object, name))
                return true;
        }
    }
    return false;
}

int object_network_check(struct txn *t, struct cfg_node *n, const struct a_object_network *a,
                         bool negate)
{
    (void)a;
    const char *name = CFG_ARGS(n, object_network)->name;
    if (negate && in_use(t->tree, name, false))
        return txn_refuse(t, "ERROR: Removing object (%s) not allowed, it is being used.", name);
    return 0;
}

int group_network_check(struct txn *t, struct cfg_node *n, const struct a_group_network *a,
                        bool negate)
{
    (void)a;
    const char *name = CFG_ARGS(n, group_network)->name;
    if (negate && in_use(t->tree, name, true))
        return txn_refuse(t, "ERROR: Removing object-group (%s) not allowed, it is being used.",
                          name);
    return 0;
}

int access_group_check(struct txn *t, struct cfg_node *n, const struct a_access_group *a,
                       bool negate)
{
    (void)n;
    if (negate)
        return 0;
    acl_expected(t, a->acl);
    if (a->has_nameif)
        if_expected(t, a->nameif);
    return 0;
}

/* --- access lists --------------------------------------------------------------------------------
 */

struct end { /* one side of a rule */
    bool has_object, has_group, has_addr, has_net;
    const char *object, *group;
    const struct addr *addr, *mask;
    const struct prefix *net;
    unsigned families; /* that it speaks of: 1 IPv4, 2 IPv6; 3 is also what an object may turn out
                          to be */
};

static unsigned family_of(const struct addr *a)
{
    return a->family == AF_INET6 ? 2 : 1;
}

static struct end source(const struct a_ace *a)
{
    struct end e = {a->has_src_object, a->has_src_group,
                    a->has_src_addr,   a->has_src_net,
                    a->src_object,     a->src_group,
                    &a->src_addr,      &a->src_mask,
                    &a->src_net,       3};
    if (a->src_any4 || a->has_src_addr)
        e.families = 1;
    else if (a->src_any6 || a->has_src_net)
        e.families = 2;
    else if (a->has_src_host)
        e.families = family_of(&a->src_host);
    return e;
}

static struct end destination(const struct a_ace *a)
{
    struct end e = {a->has_dst_object, a->has_dst_group,
                    a->has_dst_addr,   a->has_dst_net,
                    a->dst_object,     a->dst_group,
                    &a->dst_addr,      &a->dst_mask,
                    &a->dst_net,       3};
    if (a->dst_any4 || a->has_dst_addr)
        e.families = 1;
    else if (a->dst_any6 || a->has_dst_net)
        e.families = 2;
    else if (a->has_dst_host)
        e.families = family_of(&a->dst_host);
    return e;
}

static int check_end(struct txn *t, const struct end *e)
{
    if (e->has_object)
        object_expected(t, E_OBJECT_NETWORK, e->object);
    if (e->has_group)
        object_expected(t, E_GROUP_NETWORK, e->group);
    if (e->has_net)
        return check_prefix(t, e->net);
    return e->has_addr ? check_subnet(t, e->addr, e->mask) : 0;
}

static bool has_ports(const struct a_ace *a)
{
    return a->has_sport_eq || a->has_sport_neq || a->has_sport_gt || a->has_sport_lt ||
           a->has_sport_lo || a->has_dport_eq || a->has_dport_neq || a->has_dport_gt ||
           a->has_dport_lt || a->has_dport_lo;
}

int ace_check(struct txn *t, struct cfg_node *n, const struct a_ace *a, bool negate)
{
    if (negate)
        return 0;
    if (!txn_created(t, n))
        txn_note(t, "WARNING: <%s> found duplicate element", CFG_ARGS(n->parent, acl)->name);
    if (a->has_remark)
        return 0;
    struct end src = source(a), dst = destination(a);
    if (check_end(t, &src) < 0 || check_end(t, &dst) < 0)
        return -1;
    if (!(src.families & dst.families) && a->has_proto)
        return txn_refuse(t, "ERROR: Source and destination are of different IP versions");
    if (has_ports(a) && a->proto != IPPROTO_TCP && a->proto != IPPROTO_UDP)
        return txn_refuse(t, "ERROR: %% Ports need the protocol tcp or udp");
    if ((a->has_icmp || a->has_icmpnum) && a->proto != IPPROTO_ICMP &&
        (a->has_icmp || a->proto != IPPROTO_ICMPV6))
        return txn_refuse(t, "ERROR: %% An ICMP type needs the protocol icmp");
    if ((a->has_sport_lo && a->sport_lo > a->sport_hi) ||
        (a->has_dport_lo && a->dport_lo > a->dport_hi))
        return txn_refuse(t, "ERROR: %% The first port of the range is above the last");
    if ((src.has_group || dst.has_group) && derive_ace_count(t->tree, a) > DERIVE_ACES)
        return txn_refuse(t, "ERROR: The groups of this line make more than %d elements",
                          DERIVE_ACES);
    return 0;
}
