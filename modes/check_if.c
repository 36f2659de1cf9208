/*
 * Checks of interfaces: names, levels, addresses, MTU. See check_system.c for what a check may do.
 */
#include "modes/internal.h"
#include <stddef.h>
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

/* --- lines that speak of an interface by its name ------------------------------------------------
 */

struct naming {
    uint16_t entry, parent; /* parent: 0 = the root, or the entry whose nodes hold them */
    size_t at, size;        /* where the name stands in the arguments, and their size */
};
#define NAMING(e, p, s)                                                                            \
    {                                                                                              \
        e, p, offsetof(struct s, nameif), sizeof(struct s)                                         \
    }

static const struct naming naming[] = {
    NAMING(E_MTU, 0, a_mtu),
    NAMING(E_ROUTE, 0, a_route),
    NAMING(E_ROUTE6, 0, a_route6),
    NAMING(E_IKEV2_ENABLE, 0, a_ikev2_enable),
    NAMING(E_SSH_ALLOW, 0, a_ssh_allow),
    NAMING(E_SSH_ALLOW6, 0, a_ssh_allow6),
    NAMING(E_TELNET_ALLOW, 0, a_telnet_allow),
    NAMING(E_HTTP_ALLOW, 0, a_http_allow),
    NAMING(E_LOGGING_HOST, 0, a_logging_host),
    NAMING(E_ACCESS_GROUP, 0, a_access_group),
    NAMING(E_IPSEC_DF, 0, a_ipsec_df),
    NAMING(E_IPSEC_CUT, 0, a_ipsec_cut),
    NAMING(E_MAP_INTERFACE, E_CRYPTO_MAP, a_map_interface),
    NAMING(E_SLA_TYPE, E_SLA_MONITOR, a_sla_type), /* no key: changed where it stands */
};
#define ARGS_MOST 256

static const struct cfg_node *mtu_of(const struct cfg_tree *tree, const char *nameif)
{
    cfg_each(tree->root, E_MTU, m)
    {
        if (strcasecmp(CFG_ARGS(m, mtu)->nameif, nameif) == 0)
            return m;
    }
    return NULL;
}

static int rename_node(struct txn *t, const struct naming *k, struct cfg_node *n, char *to)
{
    _Alignas(16) unsigned char args[ARGS_MOST];
    struct cfg_node *parent = n->parent;
    memcpy(args, n->args, k->size);
    memcpy(args + k->at, &to, sizeof to);
    if (k->entry == E_MTU && mtu_of(t->tree, to) && mtu_of(t->tree, to) != n)
        return txn_remove(t, n); /* the new name's own line was there first */
    /* The strings in args are the old node's, which lives until the transaction ends. */
    if (k->entry != E_SLA_TYPE && txn_remove(t, n) < 0)
        return -1;
    return txn_set(t, parent, k->entry, args) ? 0 : -1;
}

/* The lines below parent that name `from` get another name, or go (to NULL). */
static int change_below(struct txn *t, const struct cfg_node *parent, const struct naming *k,
                        const char *from, char *to)
{
    const struct cfg_node *n = cfg_first(parent, k->entry), *next;
    size_t left = cfg_count(parent, k->entry); /* what is renamed comes again at the end */
    for (; n && left--; n = next) {
        char *name;
        next = cfg_next(n);
        memcpy(&name, (const unsigned char *)n->args + k->at, sizeof name);
        if (!name || strcasecmp(name, from) != 0)
            continue;
        struct cfg_node *node = txn_node(t, n);
        if (!to && k->entry == E_SLA_TYPE)
            continue; /* the measurement stays, with nowhere to go out */
        if (to ? rename_node(t, k, node, to) : txn_remove(t, node))
            return -1;
    }
    return 0;
}

static int change_name(struct txn *t, const char *from, char *to)
{
    for (size_t i = 0; i < sizeof naming / sizeof *naming; i++) {
        const struct naming *k = &naming[i];
        if (!k->parent && change_below(t, t->tree->root, k, from, to) < 0)
            return -1;
        if (!k->parent)
            continue;
        cfg_each(t->tree->root, k->parent, p)
        {
            if (change_below(t, p, k, from, to) < 0)
                return -1;
        }
    }
    return 0;
}

int if_forget_names(struct txn *t)
{
    const struct a_nameif *was;
    for (size_t i = 0; (was = (const struct a_nameif *)txn_before(t, E_NAMEIF, i)) != NULL; i++)
        if (!if_by_nameif(t->tree, was->name) && change_name(t, was->name, NULL) < 0)
            return -1;
    return 0;
}

/* Lines may be pasted in any order: one that names what is still to come is kept, and has its
 * effect from then on (derive.c finds it). */
static void expect_if(struct txn *t, const char *nameif, bool negate)
{
    if (!negate && nameif && !if_by_nameif(t->tree, nameif))
        txn_note(t,
                 "WARNING: interface \"%s\" is not configured yet; this line takes effect when it "
                 "is.",
                 nameif);
}

void if_expected(struct txn *t, const char *nameif)
{
    expect_if(t, nameif, false);
}

int ssh_allow_check(struct txn *t, struct cfg_node *n, const struct a_ssh_allow *a, bool negate)
{
    (void)n;
    expect_if(t, a->nameif, negate);
    return 0;
}

int ssh_allow6_check(struct txn *t, struct cfg_node *n, const struct a_ssh_allow6 *a, bool negate)
{
    (void)n;
    expect_if(t, a->nameif, negate);
    return 0;
}

int ipsec_df_check(struct txn *t, struct cfg_node *n, const struct a_ipsec_df *a, bool negate)
{
    (void)n;
    expect_if(t, a->nameif, negate);
    return 0;
}

int ipsec_cut_check(struct txn *t, struct cfg_node *n, const struct a_ipsec_cut *a, bool negate)
{
    (void)n;
    expect_if(t, a->nameif, negate);
    return 0;
}

int telnet_allow_check(struct txn *t, struct cfg_node *n, const struct a_telnet_allow *a,
                       bool negate)
{
    (void)n;
    expect_if(t, a->nameif, negate);
    return 0;
}

int http_allow_check(struct txn *t, struct cfg_node *n, const struct a_http_allow *a, bool negate)
{
    (void)n;
    expect_if(t, a->nameif, negate);
    return 0;
}

int logging_host_check(struct txn *t, struct cfg_node *n, const struct a_logging_host *a,
                       bool negate)
{
    (void)n;
    expect_if(t, a->nameif, negate);
    return 0;
}

int sla_type_check(struct txn *t, struct cfg_node *n, const struct a_sla_type *a, bool negate)
{
    (void)n;
    expect_if(t, a->nameif, negate);
    return 0;
}

int interface_check(struct txn *t, struct cfg_node *n, const struct a_interface *a, bool negate)
{
    if (!t->asa)
        return if_ios_check(t, n, a->name, negate);
    return negate ? if_forget_names(t) : 0; /* its name is gone with the rest */
}

/* Do the mtu lines stand as mtu_lines() wants them? What is in order is not touched, so that a
 * line typed again changes nothing. */
static bool mtu_in_order(const struct cfg_tree *tree)
{
    const struct cfg_node *m = cfg_first(tree->root, E_MTU);
    while (m && !if_by_nameif(tree, CFG_ARGS(m, mtu)->nameif))
        m = cfg_next(m);
    cfg_each(tree->root, E_INTERFACE, i)
    {
        const struct cfg_node *l = cfg_first(i, E_NAMEIF);
        if (!l)
            continue;
        if (!m || strcmp(CFG_ARGS(m, mtu)->nameif, CFG_ARGS(l, nameif)->name) != 0)
            return false;
        m = cfg_next(m);
    }
    return !m;
}

/* Each name has an mtu line, and these lines stand in the order of the interfaces however they
 * came; those of names that are still to come stand first. */
static int mtu_lines(struct txn *t, char *fresh)
{
    struct a_mtu mtu = {.has_nameif = true, .nameif = fresh, .has_bytes = true, .bytes = 1500};
    if (!mtu_of(t->tree, fresh) && !txn_set(t, t->tree->root, E_MTU, &mtu))
        return -1;
    if (mtu_in_order(t->tree))
        return 0;
    cfg_each(t->tree->root, E_INTERFACE, i)
    {
        const struct cfg_node *l = cfg_first(i, E_NAMEIF);
        const struct cfg_node *m = l ? mtu_of(t->tree, CFG_ARGS(l, nameif)->name) : NULL;
        if (!m)
            continue;
        struct a_mtu copy = *CFG_ARGS(m, mtu);
        copy.nameif = CFG_ARGS(l, nameif)->name;
        if (txn_remove(t, txn_node(t, m)) < 0 || !txn_set(t, t->tree->root, E_MTU, &copy))
            return -1;
    }
    return 0;
}

int nameif_check(struct txn *t, struct cfg_node *n, const struct a_nameif *a, bool negate)
{
    if (negate) {
        const struct cfg_node *level = cfg_first(n->parent, E_SECURITY_LEVEL);
        if (level)
            txn_remove(t, txn_node(t, level));
        return if_forget_names(t);
    }
    cfg_each(t->tree->root, E_INTERFACE, other)
    {
        const struct cfg_node *l = cfg_first(other, E_NAMEIF);
        if (l && l != n && strcasecmp(CFG_ARGS(l, nameif)->name, a->name) == 0)
            return txn_refuse(t, "ERROR: Name \"%s\" has been assigned to interface %s", a->name,
                              CFG_ARGS(other, interface)->name);
    }
    /* Another name than before: what speaks of the old one follows it. */
    const struct a_nameif *was = (const struct a_nameif *)txn_before(t, E_NAMEIF, 0);
    if (was && strcmp(was->name, a->name) != 0 && change_name(t, was->name, a->name) < 0)
        return -1;
    if (mtu_lines(t, a->name) < 0)
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
    expect_if(t, a->nameif, negate);
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

/* The network of an address in the tree; its mask was looked at when it was typed. */
static bool network(const struct addr *a, const struct addr *mask, struct prefix *out)
{
    int len = addr_mask_to_len(mask);
    *out = prefix_make(a, len < 0 ? 0 : (unsigned)len);
    return len >= 0;
}

/* Does p meet a network of this interface? */
static bool on_interface(const struct cfg_node *ifn, const struct prefix *p)
{
    struct prefix theirs;
    const struct cfg_node *l = cfg_first(ifn, E_IF_ADDRESS);
    if (l && network(&CFG_ARGS(l, if_address)->addr, &CFG_ARGS(l, if_address)->mask, &theirs) &&
        (prefix_covers(p, &theirs) || prefix_covers(&theirs, p)))
        return true;
    cfg_each(ifn, E_IF_ADDRESS2, s)
    {
        const struct a_if_address2 *o = CFG_ARGS(s, if_address2);
        if (network(&o->addr, &o->mask, &theirs) &&
            (prefix_covers(p, &theirs) || prefix_covers(&theirs, p)))
            return true;
    }
    return false;
}

int if_network_check(struct txn *t, const struct cfg_node *ifn, const struct addr *addr,
                     const struct addr *netmask)
{
    char text[ADDR_STRLEN], mask[ADDR_STRLEN], net[ADDR_STRLEN];
    int len = addr_mask_to_len(netmask);
    addr_print(addr, text, sizeof text);
    if (len < 1 || !host_address(addr, (unsigned)len)) {
        if (!t->asa)
            return txn_refuse(t, "Bad mask /%d for address %s", len, text);
        return txn_refuse(t, "ERROR: The address %s is not valid with the mask %s", text,
                          addr_print(netmask, mask, sizeof mask));
    }
    struct prefix mine = prefix_make(addr, (unsigned)len);
    cfg_each(t->tree->root, E_INTERFACE, other)
    {
        if (other == ifn || !on_interface(other, &mine))
            continue;
        const char *name = CFG_ARGS(other, interface)->name;
        if (t->asa)
            return txn_refuse(t, "ERROR: %s overlaps with the network of interface %s", text, name);
        return txn_refuse(t, "%% %s overlaps with %s", addr_print(&mine.addr, net, sizeof net),
                          name);
    }
    if (ipc_own_check(t, CFG_ARGS(ifn, interface)->name, addr) < 0)
        return -1;
    return hsrp_own_check(t, ifn, addr);
}

int if_address_check(struct txn *t, struct cfg_node *n, const struct a_if_address *a, bool negate)
{
    if (negate || !a->has_addr)
        return if_without_address(t, n->parent, !negate && a->dhcp);
    if (if_network_check(t, n->parent, &a->addr, &a->mask) < 0)
        return -1;
    return if_own_secondary(t, n->parent, &a->addr);
}

/* A unicast address beyond the link: those of the link make themselves (`ipv6 enable`). */
static bool host_address6(const struct addr *a, unsigned len)
{
    static const uint8_t zero[15];
    bool low = memcmp(a->b, zero, 15) == 0 && a->b[15] <= 1; /* :: and ::1 */
    bool mapped = memcmp(a->b, zero, 10) == 0 && a->b[10] == 0xff && a->b[11] == 0xff;
    return len > 0 && !low && !mapped && !addr_is_link_local(a) && a->b[0] != 0xff;
}

static bool overlap(const struct prefix *a, const struct prefix *b)
{
    struct prefix x = prefix_make(&a->addr, a->len), y = prefix_make(&b->addr, b->len);
    return prefix_covers(&x, &y) || prefix_covers(&y, &x);
}

/* The interface, other than this one, whose IPv6 networks meet p. */
static const char *meets(const struct cfg_tree *tree, const struct cfg_node *self,
                         const struct prefix *p)
{
    cfg_each(tree->root, E_INTERFACE, other)
    {
        cfg_each(other, E_IF_ADDRESS6, l)
        {
            if (other != self && overlap(p, &CFG_ARGS(l, if_address6)->addr))
                return CFG_ARGS(other, interface)->name;
        }
    }
    return NULL;
}

/* One address stands once: with another length it takes the place of the first. */
static void forget_other_lengths(struct txn *t, const struct cfg_node *n)
{
    const struct prefix *p = &CFG_ARGS(n, if_address6)->addr;
    const struct cfg_node *next;
    for (const struct cfg_node *l = cfg_first(n->parent, E_IF_ADDRESS6); l; l = next) {
        next = cfg_next(l);
        if (l != n && addr_eq(&CFG_ARGS(l, if_address6)->addr.addr, &p->addr))
            txn_remove(t, txn_node(t, l));
    }
}

int if_address6_check(struct txn *t, struct cfg_node *n, const struct a_if_address6 *a, bool negate)
{
    char text[PREFIX_STRLEN];
    if (negate)
        return 0;
    prefix_print(&a->addr, text, sizeof text);
    if (!host_address6(&a->addr.addr, a->addr.len))
        return txn_refuse(t,
                          t->asa ? "ERROR: %s is not a valid address for an interface"
                                 : "%% %s is not a valid address for an interface",
                          text);
    const char *name = meets(t->tree, n->parent, &a->addr);
    if (name)
        return txn_refuse(t,
                          t->asa ? "ERROR: %s overlaps with the network of interface %s"
                                 : "%% %s overlaps with %s",
                          text, name);
    forget_other_lengths(t, n);
    if (cfg_count(n->parent, E_IF_ADDRESS6) > INTENT_ADDR6)
        return txn_refuse(t, "%s At most %d IPv6 addresses can be set on one interface",
                          t->asa ? "ERROR:" : "%", INTENT_ADDR6);
    return 0;
}
