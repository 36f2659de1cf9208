/*
 * Checks of interfaces: names, levels, addresses, MTU. See check_system.c for what a check may do.
 */
#include "modes/internal.h"
#include <string.h>
#include <strings.h>

const struct cfg_node *if_by_nameif(const struct cfg_tree *tree, const char *nameif)
{
    cfg_each(tree->root, E_INTERFACE, n)
    {
        const struct cfg_node *l = cfg_first(n, E_NAMEIF);
        if (l && strcasecmp(CFG_ARGS(l, nameif)->name, nameif) == 0)
            return n;
    }
    return NULL;
}

static unsigned default_level(const char *nameif)
{
    return strcasecmp(nameif, "inside") == 0 ? 100 : 0;
}

static int set_security(struct txn *t, struct cfg_node *ifn, unsigned level)
{
    struct a_security_level s = {.has_level = true, .level = level};
    return txn_set(t, ifn, E_SECURITY_LEVEL, &s) ? 0 : -1;
}

/* Lines that speak of a name that no interface has any more. */
void if_forget_names(struct txn *t)
{
    static const uint16_t entry[] = {E_MTU, E_ROUTE, E_IKEV2_ENABLE, E_SSH_ALLOW, E_TELNET_ALLOW};
    for (size_t i = 0; i < sizeof entry / sizeof *entry; i++) {
        const struct cfg_node *next;
        for (const struct cfg_node *n = cfg_first(t->tree->root, entry[i]); n; n = next) {
            next = cfg_next(n);
            const char *name = entry[i] == E_MTU            ? CFG_ARGS(n, mtu)->nameif
                               : entry[i] == E_ROUTE        ? CFG_ARGS(n, route)->nameif
                               : entry[i] == E_IKEV2_ENABLE ? CFG_ARGS(n, ikev2_enable)->nameif
                               : entry[i] == E_SSH_ALLOW    ? CFG_ARGS(n, ssh_allow)->nameif
                                                            : CFG_ARGS(n, telnet_allow)->nameif;
            if (!if_by_nameif(t->tree, name))
                txn_remove(t, txn_node(t, n));
        }
    }
    cfg_each(t->tree->root, E_CRYPTO_MAP, m)
    {
        const struct cfg_node *next;
        for (const struct cfg_node *n = cfg_first(m, E_MAP_INTERFACE); n; n = next) {
            next = cfg_next(n);
            if (!if_by_nameif(t->tree, CFG_ARGS(n, map_interface)->nameif))
                txn_remove(t, txn_node(t, n));
        }
    }
}

int interface_check(struct txn *t, struct cfg_node *n, const struct a_interface *a, bool negate)
{
    (void)n;
    (void)a;
    if (negate) /* its name is gone with the rest */
        if_forget_names(t);
    return 0;
}

int nameif_check(struct txn *t, struct cfg_node *n, const struct a_nameif *a, bool negate)
{
    if (negate) {
        const struct cfg_node *level = cfg_first(n->parent, E_SECURITY_LEVEL);
        if (level)
            txn_remove(t, txn_node(t, level));
        if_forget_names(t);
        return 0;
    }
    cfg_each(t->tree->root, E_INTERFACE, other)
    {
        const struct cfg_node *l = cfg_first(other, E_NAMEIF);
        if (l && l != n && strcasecmp(CFG_ARGS(l, nameif)->name, a->name) == 0)
            return txn_refuse(t, "ERROR: Name \"%s\" has been assigned to interface %s", a->name,
                              CFG_ARGS(other, interface)->name);
    }
    /* Another name than before: what depended on the old one goes. */
    if_forget_names(t);
    struct a_mtu mtu = {.has_nameif = true, .nameif = a->name, .has_bytes = true, .bytes = 1500};
    bool has_mtu = false;
    cfg_each(t->tree->root, E_MTU, m) has_mtu =
        has_mtu || strcmp(CFG_ARGS(m, mtu)->nameif, a->name) == 0;
    if (!has_mtu && !txn_set(t, t->tree->root, E_MTU, &mtu))
        return -1;
    if (cfg_first(n->parent, E_SECURITY_LEVEL))
        return 0;
    unsigned level = default_level(a->name);
    txn_note(t, "INFO: Security level for \"%s\" set to %u by default.", a->name, level);
    return set_security(t, n->parent, level);
}

int security_level_check(struct txn *t, struct cfg_node *n, const struct a_security_level *a,
                         bool negate)
{
    (void)a;
    if (!negate)
        return 0;
    /* A named interface always has a level: `no` goes back to the name's own. */
    const struct cfg_node *l = cfg_first(n->parent, E_NAMEIF);
    return l ? set_security(t, n->parent, default_level(CFG_ARGS(l, nameif)->name)) : 0;
}

int mtu_check(struct txn *t, struct cfg_node *n, const struct a_mtu *a, bool negate)
{
    (void)n;
    if (negate) {
        if (!a->has_nameif || !if_by_nameif(t->tree, a->nameif))
            return 0;
        struct a_mtu back = {.has_nameif = true,
                             .nameif = a->nameif,
                             .has_bytes = true,
                             .bytes = 1500};
        return txn_set(t, t->tree->root, E_MTU, &back) ? 0 : -1;
    }
    if (!if_by_nameif(t->tree, a->nameif))
        return txn_refuse(t, "ERROR: Invalid interface name: %s", a->nameif);
    return 0;
}

/* An address that can be a host's: neither the network nor its broadcast. */
static bool host_address(const struct addr *a, unsigned len)
{
    uint32_t v = addr_v4(a), mask = len ? UINT32_MAX << (32 - len) : 0;
    if (v == 0 || v >> 28 == 0xe || v >> 24 == 127)
        return false;
    return len >= 31 || ((v & ~mask) != 0 && (v & ~mask) != ~mask);
}

int if_address_check(struct txn *t, struct cfg_node *n, const struct a_if_address *a, bool negate)
{
    char text[ADDR_STRLEN], mask[ADDR_STRLEN];
    if (negate)
        return 0;
    int len = addr_mask_to_len(&a->mask);
    addr_print(&a->addr, text, sizeof text);
    if (len < 1 || !host_address(&a->addr, (unsigned)len)) {
        if (!t->asa)
            return txn_refuse(t, "Bad mask /%d for address %s", len, text);
        return txn_refuse(t, "ERROR: The address %s is not valid with the mask %s", text,
                          addr_print(&a->mask, mask, sizeof mask));
    }
    struct prefix mine = prefix_make(&a->addr, (unsigned)len);
    cfg_each(t->tree->root, E_INTERFACE, other)
    {
        const struct cfg_node *l = cfg_first(other, E_IF_ADDRESS);
        if (!l || other == n->parent)
            continue;
        const struct a_if_address *o = CFG_ARGS(l, if_address);
        int olen = addr_mask_to_len(&o->mask);
        if (olen < 0)
            continue;
        struct prefix theirs = prefix_make(&o->addr, (unsigned)olen);
        if (!prefix_covers(&mine, &theirs) && !prefix_covers(&theirs, &mine))
            continue;
        const char *name = CFG_ARGS(other, interface)->name;
        char net[ADDR_STRLEN];
        addr_print(&mine.addr, net, sizeof net);
        if (t->asa)
            return txn_refuse(t, "ERROR: %s overlaps with the network of interface %s", text, name);
        return txn_refuse(t, "%% %s overlaps with %s", net, name);
    }
    return 0;
}
