/*
 * Checks of stateful failover: the scheme, the association with the other box, and what a map or a
 * profile may not be whose SAs are shared. See check_system.c for what a check may do.
 *
 * What is said elsewhere may come later, so that it is missing is only told; what excludes itself
 * is refused whichever line comes last.
 */
#include "modes/derive.h"
#include "modes/internal.h"
#include <string.h>

bool if_is_lan(const char *name)
{
    static const char *const other[] = {"Vlan", "Port-channel", "BVI", "Management"};
    if (strstr(name, "Ethernet") || strstr(name, "GigE"))
        return true;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (strncmp(name, other[i], strlen(other[i])) == 0)
            return true;
    return false;
}

/* --- redundancy inter-device -------------------------------------------------------------------
 */

/* A group of this name on an interface, or on any. */
static bool group_named(const struct cfg_tree *tree, const struct cfg_node *only, const char *name)
{
    cfg_each(tree->root, E_INTERFACE, ifn)
    {
        cfg_each(ifn, E_STANDBY_GROUP, g)
        {
            char own[HSRP_NAME];
            derive_group_name(CFG_ARGS(ifn, interface)->name, g, own);
            if ((!only || ifn == only) && strcmp(own, name) == 0)
                return true;
        }
    }
    return false;
}

int red_scheme_check(struct txn *t, struct cfg_node *n, const struct a_red_scheme *a, bool negate)
{
    (void)n;
    if (negate)
        return 0;
    if (!group_named(t->tree, NULL, a->group))
        txn_note(t,
                 "WARNING: no standby group is named \"%s\" yet; this line takes effect when one "
                 "is.",
                 a->group);
    return 0;
}

int red_security_check(struct txn *t, struct cfg_node *n, const struct a_red_security *a,
                       bool negate)
{
    (void)n;
    if (!negate && !cfg_find_word(t->tree->root, E_IPSEC_PROFILE, a->profile))
        txn_note(t,
                 "WARNING: IPsec profile \"%s\" is not configured yet; until it is, the boxes do "
                 "not talk.",
                 a->profile);
    return 0;
}

/* --- ipc ---------------------------------------------------------------------------------------
 */

int ipc_assoc_check(struct txn *t, struct cfg_node *n, const struct a_ipc_assoc *a, bool negate)
{
    (void)a;
    if (!negate && cfg_count(n->parent, E_IPC_ASSOC) > 1)
        return txn_refuse(t, "%% Only one association is supported");
    return 0;
}

/* As many addresses of ours as of the other box: they are paths in pairs. Who changes their number
 * shuts the association down first. */
static int check_pairs(struct txn *t, const struct cfg_node *assoc)
{
    const struct cfg_node *sctp = cfg_first(assoc, E_IPC_SCTP);
    const struct cfg_node *l = sctp ? cfg_first(sctp, E_IPC_LOCAL) : NULL;
    const struct cfg_node *r = sctp ? cfg_first(sctp, E_IPC_REMOTE) : NULL;
    l = l ? cfg_first(l, E_IPC_LOCAL_IP) : NULL;
    r = r ? cfg_first(r, E_IPC_REMOTE_IP) : NULL;
    if (!l || !r || cfg_first(assoc, E_IPC_SHUTDOWN))
        return 0;
    bool two = CFG_ARGS(l, ipc_local_ip)->has_second;
    if (two == CFG_ARGS(r, ipc_remote_ip)->has_second)
        return 0;
    return txn_refuse(
        t,
        "%% local-ip has %s and remote-ip %s: both need as many; shut the association "
        "down to change both",
        two ? "two addresses" : "one address", two ? "one" : "two");
}

int ipc_shutdown_check(struct txn *t, struct cfg_node *n, const struct a_ipc_shutdown *a,
                       bool negate)
{
    (void)a;
    return negate ? check_pairs(t, n->parent) : 0;
}

static const struct cfg_node *virtual_of(const struct cfg_tree *tree, const struct addr *a,
                                         const struct cfg_node **ifn)
{
    for (*ifn = cfg_first(tree->root, E_INTERFACE); *ifn; *ifn = cfg_next(*ifn)) {
        cfg_each(*ifn, E_STANDBY_GROUP, g)
        {
            if (hsrp_group_has(g, NULL, a))
                return g;
        }
    }
    return NULL;
}

/* The interface with this address of its own. */
static const struct cfg_node *owner_of(const struct cfg_tree *tree, const struct addr *a)
{
    cfg_each(tree->root, E_INTERFACE, ifn)
    {
        const struct cfg_node *n = cfg_first(ifn, E_IF_ADDRESS);
        if (n && addr_eq(&CFG_ARGS(n, if_address)->addr, a))
            return ifn;
        cfg_each(ifn, E_IF_ADDRESS2, s)
        {
            if (addr_eq(&CFG_ARGS(s, if_address2)->addr, a))
                return ifn;
        }
    }
    return NULL;
}

/* The boxes meet by LANs (seed 002: WAN interfaces between them are not supported). A loopback is
 * reached by whatever there is. */
static int refuse_wan(struct txn *t, const struct addr *a, const char *name)
{
    char text[ADDR_STRLEN];
    if (if_is_lan(name) || strncmp(name, "Loopback", 8) == 0)
        return 0;
    return txn_refuse(t, "%% The boxes have to be connected by a LAN: %s with local-ip %s is none",
                      name, addr_print(a, text, sizeof text));
}

static int check_ipc_address(struct txn *t, const struct addr *a, bool local)
{
    const struct cfg_node *ifn;
    const struct cfg_node *g = virtual_of(t->tree, a, &ifn);
    const struct cfg_node *owner = owner_of(t->tree, a);
    char text[ADDR_STRLEN];
    addr_print(a, text, sizeof text);
    if (a->b[0] == 0 || a->b[0] == 127 || a->b[0] >= 224)
        return txn_refuse(t, "%% %s is not an address of a router", text);
    if (g)
        return txn_refuse(t,
                          "%% %s is the virtual address of group %u on %s: give the address of the "
                          "box itself",
                          text, (unsigned)CFG_ARGS(g, standby_group)->group,
                          CFG_ARGS(ifn, interface)->name);
    if (local && !owner)
        txn_note(t,
                 "WARNING: no interface has the address %s yet; this line takes effect when one "
                 "has.",
                 text);
    if (!local && owner)
        return txn_refuse(t, "%% %s is an address of this box", text);
    return local && owner ? refuse_wan(t, a, CFG_ARGS(owner, interface)->name) : 0;
}

int ipc_local_ip_check(struct txn *t, struct cfg_node *n, const struct a_ipc_local_ip *a,
                       bool negate)
{
    if (negate)
        return 0;
    if (a->has_second && addr_eq(&a->addr, &a->second))
        return txn_refuse(t, "%% Two addresses have to differ");
    if (check_ipc_address(t, &a->addr, true) < 0 ||
        (a->has_second && check_ipc_address(t, &a->second, true) < 0))
        return -1;
    return check_pairs(t, n->parent->parent->parent);
}

int ipc_remote_ip_check(struct txn *t, struct cfg_node *n, const struct a_ipc_remote_ip *a,
                        bool negate)
{
    if (negate)
        return 0;
    if (a->has_second && addr_eq(&a->addr, &a->second))
        return txn_refuse(t, "%% Two addresses have to differ");
    if (check_ipc_address(t, &a->addr, false) < 0 ||
        (a->has_second && check_ipc_address(t, &a->second, false) < 0))
        return -1;
    return check_pairs(t, n->parent->parent->parent);
}

int ipc_rto_check(struct txn *t, struct cfg_node *n, const struct a_ipc_rto *a, bool negate)
{
    (void)n;
    return negate || a->least <= a->most
               ? 0
               : txn_refuse(t, "%% The shortest time is longer than the longest one");
}

static bool local_has(const struct cfg_node *sctp, const struct addr *a)
{
    const struct cfg_node *n = cfg_first(sctp, E_IPC_LOCAL);
    n = n ? cfg_first(n, E_IPC_LOCAL_IP) : NULL;
    return n && (addr_eq(&CFG_ARGS(n, ipc_local_ip)->addr, a) ||
                 (CFG_ARGS(n, ipc_local_ip)->has_second &&
                  addr_eq(&CFG_ARGS(n, ipc_local_ip)->second, a)));
}

static bool remote_has(const struct cfg_node *sctp, const struct addr *a)
{
    const struct cfg_node *n = cfg_first(sctp, E_IPC_REMOTE);
    n = n ? cfg_first(n, E_IPC_REMOTE_IP) : NULL;
    return n && (addr_eq(&CFG_ARGS(n, ipc_remote_ip)->addr, a) ||
                 (CFG_ARGS(n, ipc_remote_ip)->has_second &&
                  addr_eq(&CFG_ARGS(n, ipc_remote_ip)->second, a)));
}

static const struct cfg_node *the_association(const struct cfg_tree *tree)
{
    const struct cfg_node *zone = cfg_first(tree->root, E_IPC_ZONE);
    return zone ? cfg_first(zone, E_IPC_ASSOC) : NULL;
}

int ipc_virtual_check(struct txn *t, const struct addr *a)
{
    const struct cfg_node *assoc = the_association(t->tree);
    const struct cfg_node *sctp = assoc ? cfg_first(assoc, E_IPC_SCTP) : NULL;
    char text[ADDR_STRLEN];
    if (!sctp || !(local_has(sctp, a) || remote_has(sctp, a)))
        return 0;
    return txn_refuse(t, "%% Address %s in use as %s of association %u",
                      addr_print(a, text, sizeof text),
                      local_has(sctp, a) ? "local-ip" : "remote-ip",
                      (unsigned)CFG_ARGS(assoc, ipc_assoc)->id);
}

int ipc_own_check(struct txn *t, const char *ifname, const struct addr *a)
{
    const struct cfg_node *assoc = the_association(t->tree);
    const struct cfg_node *sctp = assoc ? cfg_first(assoc, E_IPC_SCTP) : NULL;
    return sctp && local_has(sctp, a) ? refuse_wan(t, a, ifname) : 0;
}

/* --- maps and profiles whose SAs are shared ----------------------------------------------------
 */

static bool map_idles(const struct cfg_tree *tree, const struct cfg_node *map)
{
    cfg_each(map, E_IOS_ENTRY, e)
    {
        const struct a_ios_entry *a = CFG_ARGS(e, ios_entry);
        const struct cfg_node *d =
            a->has_template ? cfg_find_word(tree->root, E_DYNAMIC_MAP, a->template) : NULL;
        const struct cfg_node *p =
            a->has_profile ? cfg_find_word(tree->root, E_IPSEC_PROFILE, a->profile) : NULL;
        if (cfg_first(e, E_ENTRY_IDLE) || (p && cfg_first(p, E_ENTRY_IDLE)))
            return true;
        for (d = d ? cfg_first(d, E_DYNAMIC_ENTRY) : NULL; d; d = cfg_next(d))
            if (cfg_first(d, E_ENTRY_IDLE))
                return true;
    }
    return cfg_first(tree->root, E_IOS_IDLE_TIME) != NULL;
}

/* An SA that its box finds idle would go from one box alone: what the other sees is not counted. */
static int check_idle(struct txn *t)
{
    cfg_each(t->tree->root, E_INTERFACE, ifn)
    {
        const struct cfg_node *l = cfg_first(ifn, E_IF_CRYPTO_MAP), *map;
        if (!l || !CFG_ARGS(l, if_crypto_map)->stateful)
            continue;
        map = cfg_find_word(t->tree->root, E_IOS_MAP, CFG_ARGS(l, if_crypto_map)->name);
        if (map && map_idles(t->tree, map))
            return txn_refuse(t,
                              "%% Idle timers do not go with stateful failover (crypto map %s on "
                              "%s)",
                              CFG_ARGS(l, if_crypto_map)->name, CFG_ARGS(ifn, interface)->name);
    }
    cfg_each(t->tree->root, E_IPSEC_PROFILE, p)
    {
        if (cfg_first(p, E_PROFILE_REDUNDANCY) &&
            (cfg_first(p, E_ENTRY_IDLE) || cfg_first(t->tree->root, E_IOS_IDLE_TIME)))
            return txn_refuse(t,
                              "%% Idle timers do not go with stateful failover (IPsec profile %s)",
                              CFG_ARGS(p, ipsec_profile)->profile);
    }
    return 0;
}

int entry_idle_check(struct txn *t, struct cfg_node *n, const struct a_entry_idle *a, bool negate)
{
    (void)n;
    (void)a;
    return negate ? 0 : check_idle(t);
}

int ios_idle_time_check(struct txn *t, struct cfg_node *n, const struct a_ios_idle_time *a,
                        bool negate)
{
    (void)n;
    (void)a;
    return negate ? 0 : check_idle(t);
}

int stateful_entry_check(struct txn *t, const struct a_ios_entry *a)
{
    return a->has_template || a->has_profile ? check_idle(t) : 0;
}

int if_crypto_map_check(struct txn *t, struct cfg_node *n, const struct a_if_crypto_map *a,
                        bool negate)
{
    const char *name = CFG_ARGS(n->parent, interface)->name;
    const struct cfg_node *map = cfg_find_word(t->tree->root, E_IOS_MAP, a->name);
    if (negate || !a->has_group)
        return 0;
    if (a->stateful && !if_is_lan(name))
        return txn_refuse(t, "%% Stateful failover needs a LAN interface: %s is none", name);
    if (!group_named(t->tree, n->parent, a->group))
        txn_note(t,
                 "WARNING: no standby group of %s is named \"%s\" yet; this line takes effect when "
                 "one is.",
                 name, a->group);
    if (cfg_first(map, E_IOS_MAP_LOCAL))
        txn_note(t,
                 "WARNING: tunnels have the address of standby group \"%s\", not the map's "
                 "local-address.",
                 a->group);
    return a->stateful ? check_idle(t) : 0;
}

/* A tunnel that ends at a virtual address moves with it; one that ends at an interface stays. */
static int check_tunnels(struct txn *t)
{
    cfg_each(t->tree->root, E_INTERFACE, ifn)
    {
        const struct cfg_node *l = cfg_first(ifn, E_TUNNEL_PROTECTION), *other;
        const struct cfg_node *s = cfg_first(ifn, E_TUNNEL_SOURCE);
        const struct cfg_node *p = l ? cfg_find_word(t->tree->root, E_IPSEC_PROFILE,
                                                     CFG_ARGS(l, tunnel_protection)->profile)
                                     : NULL;
        char text[ADDR_STRLEN];
        if (!p || !s || !cfg_first(p, E_PROFILE_REDUNDANCY))
            continue;
        if (CFG_ARGS(s, tunnel_source)->has_name)
            return txn_refuse(t,
                              "%% With stateful failover the source of %s has to be a virtual "
                              "address, not an interface",
                              CFG_ARGS(ifn, interface)->name);
        addr_print(&CFG_ARGS(s, tunnel_source)->addr, text, sizeof text);
        if ((other = owner_of(t->tree, &CFG_ARGS(s, tunnel_source)->addr)))
            return txn_refuse(t,
                              "%% With stateful failover the source of %s has to be a virtual "
                              "address: %s is that of %s",
                              CFG_ARGS(ifn, interface)->name, text,
                              CFG_ARGS(other, interface)->name);
        if (!virtual_of(t->tree, &CFG_ARGS(s, tunnel_source)->addr, &other))
            txn_note(t,
                     "WARNING: no standby group has the address %s of %s yet; stateful failover "
                     "needs one.",
                     text, CFG_ARGS(ifn, interface)->name);
    }
    return 0;
}

int profile_redundancy_check(struct txn *t, struct cfg_node *n,
                             const struct a_profile_redundancy *a, bool negate)
{
    (void)n;
    (void)a;
    if (negate)
        return 0;
    return check_idle(t) < 0 ? -1 : check_tunnels(t);
}

int tunnel_source_check(struct txn *t, struct cfg_node *n, const struct a_tunnel_source *a,
                        bool negate)
{
    (void)n;
    (void)a;
    return negate ? 0 : check_tunnels(t);
}

int tunnel_protection_check(struct txn *t, struct cfg_node *n, const struct a_tunnel_protection *a,
                            bool negate)
{
    (void)n;
    (void)a;
    return negate ? 0 : check_tunnels(t);
}

/* --- routing tables of their own ---------------------------------------------------------------
 */

int vrf_check(struct txn *t, struct cfg_node *n, const struct a_vrf *a, bool negate)
{
    (void)n;
    return negate ? 0
                  : txn_refuse(t,
                               "%% VRF %s cannot be made: there is one routing table here, the "
                               "global one",
                               a->vrf);
}

int if_vrf_check(struct txn *t, struct cfg_node *n, const struct a_if_vrf *a, bool negate)
{
    const struct cfg_node *map = cfg_first(n->parent, E_IF_CRYPTO_MAP);
    const char *name = CFG_ARGS(n->parent, interface)->name;
    if (negate)
        return 0;
    if (map && CFG_ARGS(map, if_crypto_map)->stateful)
        return txn_refuse(t,
                          "%% A stateful crypto map is not supported on an interface in a VRF "
                          "(crypto map %s on %s)",
                          CFG_ARGS(map, if_crypto_map)->name, name);
    return txn_refuse(t, "%% VRF %s does not exist: all interfaces are in the global one", a->vrf);
}
