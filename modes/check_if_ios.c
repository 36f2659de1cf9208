/*
 * Checks of interfaces of IOS: which may be removed, secondary addresses, VLANs, and the lines
 * that a port always has. See check_system.c for what a check may do.
 */
#include "modes/internal.h"
#include <stdlib.h>
#include <string.h>

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

enum intent_if_kind if_kind(const char *name)
{
    static const char *const logical[] = {"Vlan", "Port-channel", "Null", "Virtual-"};
    if (begins(name, "Loopback"))
        return IF_LOOPBACK;
    if (begins(name, "Tunnel"))
        return IF_TUNNEL;
    if (strchr(name, '.'))
        return IF_VLAN;
    for (size_t i = 0; i < sizeof logical / sizeof *logical; i++)
        if (begins(name, logical[i]))
            return IF_OTHER;
    return IF_PORT;
}

/* --- the line of a port: these commands are printed even where nobody typed them ----------------
 */

static bool is_copper(const char *name)
{
    return if_kind(name) == IF_PORT &&
           (begins(name, "FastEthernet") || begins(name, "GigabitEthernet"));
}

int if_line_defaults(struct txn *t, struct cfg_node *ifn)
{
    static const struct a_if_duplex_ios duplex = {.has_duplex = true, .duplex = ENUM_DUPLEX_AUTO};
    static const struct a_if_speed_ios speed = {.has_speed = true, .speed = ENUM_SPEED_AUTO};
    if (t->asa || !is_copper(CFG_ARGS(ifn, interface)->name))
        return 0;
    if (!cfg_first(ifn, E_IF_DUPLEX_IOS) && !txn_set(t, ifn, E_IF_DUPLEX_IOS, &duplex))
        return -1;
    return cfg_first(ifn, E_IF_SPEED_IOS) || txn_set(t, ifn, E_IF_SPEED_IOS, &speed) ? 0 : -1;
}

int if_duplex_check(struct txn *t, struct cfg_node *n, const struct a_if_duplex_ios *a, bool negate)
{
    (void)a;
    return negate ? if_line_defaults(t, n->parent) : 0;
}

/* `keepalive` and `no keepalive` take each other away. */
static int forget_line(struct txn *t, struct cfg_node *n, uint16_t other)
{
    const struct cfg_node *o = cfg_first(n->parent, other);
    return o ? txn_remove(t, txn_node(t, o)) : 0;
}

int if_keepalive_check(struct txn *t, struct cfg_node *n, const struct a_if_keepalive *a,
                       bool negate)
{
    (void)a;
    return negate ? 0 : forget_line(t, n, E_IF_NO_KEEPALIVE);
}

int if_no_keepalive_check(struct txn *t, struct cfg_node *n, const struct a_if_no_keepalive *a,
                          bool negate)
{
    (void)a;
    return negate ? 0 : forget_line(t, n, E_IF_KEEPALIVE);
}

int if_speed_check(struct txn *t, struct cfg_node *n, const struct a_if_speed_ios *a, bool negate)
{
    (void)a;
    return negate ? if_line_defaults(t, n->parent) : 0;
}

/* --- interfaces come and go ---------------------------------------------------------------------
 */

int if_ios_check(struct txn *t, struct cfg_node *n, const char *name, bool negate)
{
    bool port = if_kind(name) == IF_PORT;
    if (!negate)
        return txn_created(t, n) ? if_line_defaults(t, n) : 0;
    if (t->to_default)
        return if_line_defaults(t, n);
    if (port)
        return txn_refuse(t, "%% Removal of physical interfaces is not permitted");
    return txn_remove(t, n);
}

/* --- secondary addresses ------------------------------------------------------------------------
 */

/* Without a primary address there are none. */
int if_without_address(struct txn *t, struct cfg_node *ifn, bool dhcp)
{
    const struct cfg_node *n;
    if (dhcp)
        txn_note(t, "%% No DHCP server will be asked: this box needs an address from you");
    while ((n = cfg_first(ifn, E_IF_ADDRESS2)) != NULL)
        if (txn_remove(t, txn_node(t, n)) < 0)
            return -1;
    return 0;
}

int if_own_secondary(struct txn *t, const struct cfg_node *ifn, const struct addr *primary)
{
    char text[ADDR_STRLEN];
    cfg_each(ifn, E_IF_ADDRESS2, n)
    {
        if (addr_eq(&CFG_ARGS(n, if_address2)->addr, primary))
            return txn_refuse(t, "%% %s is a secondary address of this interface",
                              addr_print(primary, text, sizeof text));
    }
    return 0;
}

int if_address2_check(struct txn *t, struct cfg_node *n, const struct a_if_address2 *a, bool negate)
{
    char text[ADDR_STRLEN];
    const struct cfg_node *primary = cfg_first(n->parent, E_IF_ADDRESS);
    if (negate)
        return 0;
    /* A configuration has them in front of the primary one. */
    if (primary && !CFG_ARGS(primary, if_address)->has_addr)
        return txn_refuse(t, "%% A secondary address needs a primary one");
    if (if_network_check(t, n->parent, &a->addr, &a->mask) < 0)
        return -1;
    if (primary && addr_eq(&CFG_ARGS(primary, if_address)->addr, &a->addr))
        return txn_refuse(t, "%% %s is the primary address of this interface",
                          addr_print(&a->addr, text, sizeof text));
    if (cfg_count(n->parent, E_IF_ADDRESS2) > INTENT_ADDR2)
        return txn_refuse(t, "%% At most %d secondary addresses can be set on one interface",
                          INTENT_ADDR2);
    return 0;
}

/* --- sub-interfaces -----------------------------------------------------------------------------
 */

static bool same_parent(const char *a, const char *b)
{
    size_t n = strcspn(a, ".");
    return a[n] && n == strcspn(b, ".") && strncmp(a, b, n) == 0;
}

/* A sub-interface has one VLAN, in one of two spellings. */
static int check_vlan(struct txn *t, struct cfg_node *ifn, uint16_t other_spelling)
{
    const struct cfg_node *was = cfg_first(ifn, other_spelling);
    if (if_kind(CFG_ARGS(ifn, interface)->name) != IF_VLAN)
        return txn_refuse(t, "%% A VLAN is configured on a sub-interface");
    return was ? txn_remove(t, txn_node(t, was)) : 0;
}

int if_vlan_native_check(struct txn *t, struct cfg_node *n, const struct a_if_vlan_native *a,
                         bool negate)
{
    (void)a;
    return negate ? 0 : check_vlan(t, n->parent, E_IF_VLAN);
}

int if_vlan_check(struct txn *t, struct cfg_node *n, const struct a_if_vlan *a, bool negate)
{
    const char *name = CFG_ARGS(n->parent, interface)->name;
    if (negate)
        return 0;
    if (check_vlan(t, n->parent, E_IF_VLAN_NATIVE) < 0)
        return -1;
    cfg_each(t->tree->root, E_INTERFACE, other)
    {
        const struct cfg_node *l = cfg_first(other, E_IF_VLAN);
        const char *theirs = CFG_ARGS(other, interface)->name;
        if (other == n->parent || !l || CFG_ARGS(l, if_vlan)->vlan != a->vlan ||
            !same_parent(name, theirs))
            continue;
        return txn_refuse(t,
                          "%%Configuration of multiple subinterfaces of the same main\n"
                          "interface with the same VID (%u) is not permitted.\n"
                          "This VID is already configured on %s.",
                          (unsigned)a->vlan, theirs);
    }
    return 0;
}

static bool mac_text(const char *s)
{
    for (unsigned group = 0; group < 3; group++) {
        if (strspn(s, "0123456789abcdefABCDEF") != 4)
            return false;
        s += 4;
        if (*s != (group < 2 ? '.' : '\0'))
            return false;
        s++;
    }
    return true;
}

int if_mac_check(struct txn *t, struct cfg_node *n, const struct a_if_mac *a, bool negate)
{
    (void)n;
    return negate || mac_text(a->mac) ? 0 : txn_refuse(t, "%% Invalid MAC address");
}

int if_load_interval_check(struct txn *t, struct cfg_node *n, const struct a_if_load_interval *a,
                           bool negate)
{
    (void)n;
    if (negate || a->seconds % 30 == 0)
        return 0;
    return txn_refuse(t, "%% The interval is a multiple of 30 seconds");
}
