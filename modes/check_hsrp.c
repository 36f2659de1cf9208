/*
 * Checks of HSRP. See check_system.c for what a check may do.
 */
#include "control/hsrp/hsrp.h"
#include "lib/mem.h"
#include "modes/derive.h"
#include "modes/internal.h"
#include "modes/password.h"
#include <string.h>

#define MSEC_HELLO_LEAST 15
#define SEC_HELLO_MOST   254
#define MSEC_HOLD_LEAST  50
#define SEC_HOLD_MOST    255

static const struct cfg_node *interface_of(const struct cfg_node *group)
{
    return group->parent;
}

static unsigned version_of(const struct cfg_node *ifn)
{
    const struct cfg_node *n = cfg_first(ifn, E_STANDBY_VERSION);
    return n ? (unsigned)CFG_ARGS(n, standby_version)->version : 1;
}

static unsigned number_of(const struct cfg_node *group)
{
    return (unsigned)CFG_ARGS(group, standby_group)->group;
}

/* What a group may be at all; each of its lines may be the first one. */
static int group_check(struct txn *t, const struct cfg_node *group)
{
    const char *name = CFG_ARGS(interface_of(group), interface)->name;
    size_t n = 0;
    if (!if_is_lan(name))
        return txn_refuse(t, "%% HSRP needs a LAN interface: %s is none", name);
    if (number_of(group) >= hsrp_groups(version_of(interface_of(group))))
        return txn_refuse(t,
                          "%% Group number %u is for HSRP version 2; this interface has "
                          "version 1 (0-255)",
                          number_of(group));
    cfg_each(t->tree->root, E_INTERFACE, ifn) n += cfg_count(ifn, E_STANDBY_GROUP);
    return n <= HSRP_GROUPS ? 0 : txn_refuse(t, "%% At most %d groups", HSRP_GROUPS);
}

int standby_version_check(struct txn *t, struct cfg_node *n, const struct a_standby_version *a,
                          bool negate)
{
    if (!negate && a->version != 1)
        return 0;
    cfg_each(n->parent, E_STANDBY_GROUP, g)
    {
        if (number_of(g) >= hsrp_groups(1))
            return txn_refuse(t, "%% Group %u needs HSRP version 2: version 1 has 0-255",
                              number_of(g));
    }
    return 0;
}

/* --- addresses ------------------------------------------------------------------------------- */

static bool in_subnet(const struct cfg_node *ifn, const struct addr *a)
{
    const struct cfg_node *n = cfg_first(ifn, E_IF_ADDRESS);
    if (n) {
        const struct a_if_address *own = CFG_ARGS(n, if_address);
        int len = addr_mask_to_len(&own->mask);
        if (len > 0 && prefix_contains(&(struct prefix){own->addr, (uint8_t)len}, a))
            return true;
    }
    cfg_each(ifn, E_IF_ADDRESS2, s)
    {
        const struct a_if_address2 *own = CFG_ARGS(s, if_address2);
        int len = addr_mask_to_len(&own->mask);
        if (len > 0 && prefix_contains(&(struct prefix){own->addr, (uint8_t)len}, a))
            return true;
    }
    return false;
}

static bool is_own(const struct cfg_node *ifn, const struct addr *a)
{
    const struct cfg_node *n = cfg_first(ifn, E_IF_ADDRESS);
    if (n && addr_eq(&CFG_ARGS(n, if_address)->addr, a))
        return true;
    cfg_each(ifn, E_IF_ADDRESS2, s)
    {
        if (addr_eq(&CFG_ARGS(s, if_address2)->addr, a))
            return true;
    }
    return false;
}

bool hsrp_group_has(const struct cfg_node *g, const struct cfg_node *except, const struct addr *a)
{
    const struct cfg_node *n = cfg_first(g, E_STANDBY_IP);
    if (n && n != except && CFG_ARGS(n, standby_ip)->has_addr &&
        addr_eq(&CFG_ARGS(n, standby_ip)->addr, a))
        return true;
    cfg_each(g, E_STANDBY_IP2, s)
    {
        if (s != except && addr_eq(&CFG_ARGS(s, standby_ip2)->addr, a))
            return true;
    }
    return false;
}

int hsrp_own_check(struct txn *t, const struct cfg_node *ifn, const struct addr *a)
{
    char text[ADDR_STRLEN];
    cfg_each(ifn, E_STANDBY_GROUP, g)
    {
        if (hsrp_group_has(g, NULL, a))
            return txn_refuse(t, "%% Address %s in use by group %u on %s",
                              addr_print(a, text, sizeof text), number_of(g),
                              CFG_ARGS(ifn, interface)->name);
    }
    return 0;
}

static int check_address(struct txn *t, const struct cfg_node *n, const struct addr *a)
{
    const struct cfg_node *group = n->parent, *ifn = interface_of(group);
    char text[ADDR_STRLEN];
    if (is_own(ifn, a))
        return txn_refuse(t, "%% Address cannot equal interface IP address");
    if (a->b[0] == 0 || a->b[0] == 127 || a->b[0] >= 224)
        return txn_refuse(t, "%% %s is not an address of a router",
                          addr_print(a, text, sizeof text));
    cfg_each(t->tree->root, E_INTERFACE, other)
    {
        cfg_each(other, E_STANDBY_GROUP, g)
        {
            if (hsrp_group_has(g, n, a))
                return txn_refuse(t, "%% Address %s in use by group %u on %s",
                                  addr_print(a, text, sizeof text), number_of(g),
                                  CFG_ARGS(other, interface)->name);
        }
    }
    if (ipc_virtual_check(t, a) < 0)
        return -1;
    if (!in_subnet(ifn, a))
        txn_note(t, "%% Warning: address is not within a subnet on this interface");
    return 0;
}

int standby_ip_check(struct txn *t, struct cfg_node *n, const struct a_standby_ip *a, bool negate)
{
    if (negate)
        return 0;
    if (group_check(t, n->parent) < 0)
        return -1;
    return a->has_addr ? check_address(t, n, &a->addr) : 0;
}

int standby_ip2_check(struct txn *t, struct cfg_node *n, const struct a_standby_ip2 *a, bool negate)
{
    if (negate)
        return 0;
    if (group_check(t, n->parent) < 0)
        return -1;
    if (cfg_count(n->parent, E_STANDBY_IP2) > HSRP_SECONDS)
        return txn_refuse(t, "%% At most %d secondary addresses in one group", HSRP_SECONDS);
    return check_address(t, n, &a->addr);
}

/* --- timers, names, what is tracked ---------------------------------------------------------- */

int standby_timers_check(struct txn *t, struct cfg_node *n, const struct a_standby_timers *a,
                         bool negate)
{
    if (negate)
        return 0;
    if (a->hello_msec ? a->hello < MSEC_HELLO_LEAST : a->hello > SEC_HELLO_MOST)
        return txn_refuse(t, "%% Hello time is 1-254 seconds, or 15-999 milliseconds");
    if (a->hold_msec ? a->hold < MSEC_HOLD_LEAST : a->hold > SEC_HOLD_MOST)
        return txn_refuse(t, "%% Hold time is up to 255 seconds, or 50-3000 milliseconds");
    if (a->hold * (a->hold_msec ? 1 : 1000) <= a->hello * (a->hello_msec ? 1 : 1000))
        return txn_refuse(t, "%% Hold time must be greater than hello time");
    return group_check(t, n->parent);
}

int standby_name_check(struct txn *t, struct cfg_node *n, const struct a_standby_name *a,
                       bool negate)
{
    if (negate)
        return 0;
    cfg_each(t->tree->root, E_INTERFACE, ifn)
    {
        cfg_each(ifn, E_STANDBY_GROUP, g)
        {
            const struct cfg_node *other = cfg_first(g, E_STANDBY_NAME);
            if (other && other != n && strcmp(CFG_ARGS(other, standby_name)->name, a->name) == 0)
                return txn_refuse(t, "%% Name %s in use by group %u on %s", a->name, number_of(g),
                                  CFG_ARGS(ifn, interface)->name);
        }
    }
    return group_check(t, n->parent);
}

static int tracks_check(struct txn *t, const struct cfg_node *group)
{
    if (cfg_count(group, E_STANDBY_TRACK) + cfg_count(group, E_STANDBY_TRACK_IF) > HSRP_TRACKS)
        return txn_refuse(t, "%% At most %d objects in one group", HSRP_TRACKS);
    return group_check(t, group);
}

/* The platform writes the decrement of an object whether it was typed or not. */
int standby_track_check(struct txn *t, struct cfg_node *n, const struct a_standby_track *a,
                        bool negate)
{
    struct a_standby_track full = *a;
    if (negate)
        return 0;
    full.has_decrement = true;
    full.decrement = 10;
    if (!a->has_decrement && !a->shutdown && !txn_set(t, n->parent, E_STANDBY_TRACK, &full))
        return -1;
    return tracks_check(t, n->parent);
}

int standby_track_if_check(struct txn *t, struct cfg_node *n, const struct a_standby_track_if *a,
                           bool negate)
{
    (void)a;
    return negate ? 0 : tracks_check(t, n->parent);
}

int standby_mac_check(struct txn *t, struct cfg_node *n, const struct a_standby_mac *a, bool negate)
{
    uint8_t mac[6];
    if (negate)
        return 0;
    if (!derive_mac(a->mac, mac) || mac[0] & 1)
        return txn_refuse(t, "%% Invalid MAC address");
    return group_check(t, n->parent);
}

/* --- keys ------------------------------------------------------------------------------------ */

/* A key as it was typed, or hidden, in clear. False: it is none. */
static bool clear_key(const char *typed, bool hidden, char out[HSRP_KEY + 1])
{
    if (hidden)
        return password_reveal(typed, out, HSRP_KEY + 1) == 0;
    return str_copy(out, HSRP_KEY + 1, typed);
}

static int refuse_key(struct txn *t)
{
    return txn_refuse(t, "%% Invalid key string: at most %d characters, hidden ones in type 7",
                      HSRP_KEY);
}

int chain_string_check(struct txn *t, struct cfg_node *n, const struct a_chain_string *a,
                       bool negate)
{
    char key[HSRP_KEY + 1];
    struct a_chain_string plain = {.has_string = true, .string = key};
    if (negate)
        return 0;
    if (!clear_key(a->string, a->hidden, key))
        return refuse_key(t);
    int err = !a->hidden || txn_set(t, n->parent, E_CHAIN_STRING, &plain) ? 0 : -1;
    mem_wipe(key, sizeof key);
    return err;
}

int standby_auth_check(struct txn *t, struct cfg_node *n, const struct a_standby_auth *a,
                       bool negate)
{
    char key[HSRP_KEY + 1];
    struct a_standby_auth plain = *a;
    int err = 0;
    if (negate || group_check(t, n->parent) < 0)
        return negate ? 0 : -1;
    if (!a->has_string)
        return 0;
    if (!clear_key(a->string, a->hidden, key))
        return refuse_key(t);
    plain.hidden = false;
    plain.string = key;
    if (a->hidden && !txn_set(t, n->parent, E_STANDBY_AUTH, &plain))
        err = -1;
    mem_wipe(key, sizeof key);
    return err;
}
