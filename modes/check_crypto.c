/*
 * Checks of IKE, IPsec, crypto maps and tunnel groups. See check_system.c for what a check may do.
 */
#include "modes/derive.h"
#include "modes/internal.h"
#include <string.h>

/* --- IKEv2 policies ------------------------------------------------------------------------------
 */

/* A policy always has all of its lines: what is missing gets the platform's default. */
static int fill_policy(struct txn *t, struct cfg_node *p)
{
    struct a_ikev2_encr e = {.has_alg = true, .alg = ENUM_IKEV2_ENCRYPTION_AES};
    struct a_ikev2_integ i = {.has_alg = true, .alg = ENUM_IKEV2_INTEGRITY_SHA};
    struct a_ikev2_group g = {.has_group = true, .group = ENUM_DH_GROUP_14};
    struct a_ikev2_prf f = {.has_alg = true, .alg = ENUM_IKEV2_PRF_SHA};
    if (!cfg_first(p, E_IKEV2_ENCR) && !txn_set(t, p, E_IKEV2_ENCR, &e))
        return -1;
    if (!cfg_first(p, E_IKEV2_INTEG) && !txn_set(t, p, E_IKEV2_INTEG, &i))
        return -1;
    if (!cfg_first(p, E_IKEV2_GROUP) && !txn_set(t, p, E_IKEV2_GROUP, &g))
        return -1;
    if (!cfg_first(p, E_IKEV2_PRF) && !txn_set(t, p, E_IKEV2_PRF, &f))
        return -1;
    return 0;
}

int ikev2_policy_check(struct txn *t, struct cfg_node *n, const struct a_ikev2_policy *a,
                       bool negate)
{
    (void)a;
    return negate ? 0 : fill_policy(t, n);
}

int ikev2_encr_check(struct txn *t, struct cfg_node *n, const struct a_ikev2_encr *a, bool negate)
{
    (void)a;
    return negate ? fill_policy(t, n->parent) : 0;
}

int ikev2_integ_check(struct txn *t, struct cfg_node *n, const struct a_ikev2_integ *a, bool negate)
{
    (void)a;
    return negate ? fill_policy(t, n->parent) : 0;
}

int ikev2_group_check(struct txn *t, struct cfg_node *n, const struct a_ikev2_group *a, bool negate)
{
    (void)a;
    return negate ? fill_policy(t, n->parent) : 0;
}

int ikev2_prf_check(struct txn *t, struct cfg_node *n, const struct a_ikev2_prf *a, bool negate)
{
    (void)a;
    return negate ? fill_policy(t, n->parent) : 0;
}

int ikev2_enable_check(struct txn *t, struct cfg_node *n, const struct a_ikev2_enable *a,
                       bool negate)
{
    (void)n;
    if (!negate)
        if_expected(t, a->nameif);
    return 0;
}

int ikev1_enable_check(struct txn *t, struct cfg_node *n, const struct a_ikev1_enable *a,
                       bool negate)
{
    (void)n;
    if (!negate)
        if_expected(t, a->nameif);
    return 0;
}

/* --- proposals -----------------------------------------------------------------------------------
 */

int ipsec_proposal_check(struct txn *t, struct cfg_node *n, const struct a_ipsec_proposal *a,
                         bool negate)
{
    (void)n;
    if (!negate)
        return 0;
    cfg_each(t->tree->root, E_CRYPTO_MAP, m)
    {
        cfg_each(m, E_MAP_ENTRY, e)
        {
            cfg_each(e, E_MAP_PROPOSAL, p)
            {
                if (strcmp(CFG_ARGS(p, map_proposal)->proposal, a->name) == 0)
                    return txn_refuse(t,
                                      "ERROR: unable to remove proposal %s: it is used by "
                                      "crypto map %s",
                                      a->name, CFG_ARGS(m, crypto_map)->name);
            }
        }
    }
    return 0;
}

/* --- crypto maps ---------------------------------------------------------------------------------
 */

static bool complete(const struct cfg_node *entry)
{
    if (cfg_first(entry, E_MAP_DYNAMIC))
        return true; /* what it needs is the template's matter */
    return cfg_first(entry, E_MAP_MATCH) && cfg_first(entry, E_MAP_PEER) &&
           (cfg_first(entry, E_MAP_PROPOSAL) || cfg_first(entry, E_MAP_TRANSFORM));
}

static bool applied(const struct cfg_node *map)
{
    return cfg_first(map, E_MAP_INTERFACE) != NULL;
}

/* The platform warns when a map with an unfinished entry goes to work (config-asa.md §5): once at
 * `crypto map M interface`, and when a line of an applied map leaves its entry unfinished. */
static void warn_incomplete(struct txn *t)
{
    txn_note(t, "WARNING: The crypto map entry is incomplete!");
}

int map_interface_check(struct txn *t, struct cfg_node *n, const struct a_map_interface *a,
                        bool negate)
{
    if (negate)
        return 0;
    if_expected(t, a->nameif);
    /* One map per interface: applying another one takes the place of the first. */
    cfg_each(t->tree->root, E_CRYPTO_MAP, m)
    {
        if (m == n->parent)
            continue;
        const struct cfg_node *next;
        for (const struct cfg_node *i = cfg_first(m, E_MAP_INTERFACE); i; i = next) {
            next = cfg_next(i);
            if (strcmp(CFG_ARGS(i, map_interface)->nameif, a->nameif) == 0)
                txn_remove(t, txn_node(t, i));
        }
    }
    cfg_each(n->parent, E_MAP_ENTRY, e)
    {
        if (!complete(e)) {
            warn_incomplete(t);
            break;
        }
    }
    return 0;
}

int map_match_check(struct txn *t, struct cfg_node *n, const struct a_map_match *a, bool negate)
{
    if (!negate)
        acl_expected(t, a->acl);
    if (!negate && applied(n->parent->parent) && !complete(n->parent))
        warn_incomplete(t);
    return 0;
}

int dmap_match_check(struct txn *t, struct cfg_node *n, const struct a_dmap_match *a, bool negate)
{
    (void)n;
    if (!negate)
        acl_expected(t, a->acl);
    return 0;
}

int dmap_peer_check(struct txn *t, struct cfg_node *n, const struct a_dmap_peer *a, bool negate)
{
    (void)a;
    if (!negate && cfg_count(n->parent, E_DMAP_PEER) > INTENT_PEERS)
        return txn_refuse(t, "ERROR: At most %d peers can be set in one crypto map entry",
                          INTENT_PEERS);
    return 0;
}

/* A line may carry both lifetimes: the tree keeps one node of each, a `no` takes both away. */
struct lives {
    bool has_seconds, has_kilobytes, unlimited;
    uint64_t seconds, kilobytes;
};

#define LIVES(a)                                                                                   \
    (struct lives)                                                                                 \
    {                                                                                              \
        .has_seconds = (a)->has_seconds, .has_kilobytes = (a)->has_kilobytes,                      \
        .unlimited = (a)->unlimited, .seconds = (a)->seconds, .kilobytes = (a)->kilobytes          \
    }

/* args NULL: as if there were no line. */
static int life(struct txn *t, struct cfg_node *up, uint16_t entry, const void *args)
{
    const struct cfg_node *n = cfg_first(up, entry);
    if (args)
        return txn_set(t, up, entry, args) ? 0 : -1;
    return n ? txn_remove(t, txn_node(t, n)) : 0;
}

static int map_lives(struct txn *t, struct cfg_node *up, struct lives l, bool negate)
{
    struct a_map_life_seconds time = {.has_seconds = true, .seconds = l.seconds};
    struct a_map_life_kilobytes volume = {.has_kilobytes = l.has_kilobytes,
                                          .kilobytes = l.kilobytes,
                                          .unlimited = l.unlimited};
    if (!l.has_seconds || (!l.has_kilobytes && !l.unlimited))
        return 0;
    int err = life(t, up, E_MAP_LIFE_SECONDS, negate ? NULL : &time);
    return err ? err : life(t, up, E_MAP_LIFE_KILOBYTES, negate ? NULL : &volume);
}

int map_life_seconds_check(struct txn *t, struct cfg_node *n, const struct a_map_life_seconds *a,
                           bool negate)
{
    const struct a_map_life_seconds *said = (const struct a_map_life_seconds *)t->said;
    (void)a;
    return map_lives(t, n->parent, LIVES(said), negate);
}

int map_life_kilobytes_check(struct txn *t, struct cfg_node *n,
                             const struct a_map_life_kilobytes *a, bool negate)
{
    const struct a_map_life_kilobytes *said = (const struct a_map_life_kilobytes *)t->said;
    (void)a;
    return map_lives(t, n->parent, LIVES(said), negate);
}

/* What a line says that would hold without it is not kept. */
static int global_lives(struct txn *t, struct cfg_node *up, struct lives l, bool negate)
{
    struct a_ipsec_life_seconds time = {.has_seconds = true, .seconds = l.seconds};
    struct a_ipsec_life_kilobytes volume = {.has_kilobytes = l.has_kilobytes,
                                            .kilobytes = l.kilobytes,
                                            .unlimited = l.unlimited};
    if (!l.has_seconds || (!l.has_kilobytes && !l.unlimited))
        return 0;
    bool keep = !negate && l.seconds != ASA_LIFE_SECONDS;
    int err = life(t, up, E_IPSEC_LIFE_SECONDS, keep ? &time : NULL);
    keep = !negate && (l.unlimited || l.kilobytes != ASA_LIFE_KBYTES);
    return err ? err : life(t, up, E_IPSEC_LIFE_KILOBYTES, keep ? &volume : NULL);
}

int ipsec_life_seconds_check(struct txn *t, struct cfg_node *n,
                             const struct a_ipsec_life_seconds *a, bool negate)
{
    const struct a_ipsec_life_seconds *said = (const struct a_ipsec_life_seconds *)t->said;
    (void)a;
    return global_lives(t, n->parent, LIVES(said), negate);
}

int ipsec_life_kilobytes_check(struct txn *t, struct cfg_node *n,
                               const struct a_ipsec_life_kilobytes *a, bool negate)
{
    const struct a_ipsec_life_kilobytes *said = (const struct a_ipsec_life_kilobytes *)t->said;
    (void)a;
    return global_lives(t, n->parent, LIVES(said), negate);
}

int map_peer_check(struct txn *t, struct cfg_node *n, const struct a_map_peer *a, bool negate)
{
    (void)a;
    if (negate)
        return 0;
    size_t count = cfg_count(n->parent, E_MAP_PEER);
    if (count > INTENT_PEERS)
        return txn_refuse(t, "ERROR: At most %d peers can be set in one crypto map entry",
                          INTENT_PEERS);
    const struct cfg_node *c = cfg_first(n->parent, E_MAP_CONNECTION);
    if (count > 1 && c && CFG_ARGS(c, map_connection)->type != ENUM_CONNECTION_TYPE_BIDIRECTIONAL)
        return txn_refuse(t, "ERROR: Several peers need the connection type bidirectional");
    return 0;
}

int map_transform_check(struct txn *t, struct cfg_node *n, const struct a_map_transform *a,
                        bool negate)
{
    (void)a;
    if (negate)
        return 0;
    if (cfg_count(n->parent, E_MAP_TRANSFORM) > IKE_PROPOSALS)
        return txn_refuse(t, "ERROR: At most %d transform sets can be set in one crypto map entry",
                          IKE_PROPOSALS);
    cfg_each(n->parent, E_MAP_TRANSFORM, p)
    {
        const char *name = CFG_ARGS(p, map_transform)->set;
        if (!cfg_find_word(t->tree->root, E_TRANSFORM1, name))
            txn_note(t,
                     "WARNING: transform-set \"%s\" is not configured yet; this line takes effect "
                     "when it is.",
                     name);
    }
    return 0;
}

int map_proposal_check(struct txn *t, struct cfg_node *n, const struct a_map_proposal *a,
                       bool negate)
{
    (void)a;
    if (!negate && cfg_count(n->parent, E_MAP_PROPOSAL) > IKE_PROPOSALS)
        return txn_refuse(t, "ERROR: At most %d proposals can be set in one crypto map entry",
                          IKE_PROPOSALS);
    if (!negate) {
        cfg_each(n->parent, E_MAP_PROPOSAL, p)
        {
            const char *name = CFG_ARGS(p, map_proposal)->proposal;
            if (!cfg_find_word(t->tree->root, E_IPSEC_PROPOSAL, name))
                txn_note(t,
                         "WARNING: ipsec-proposal \"%s\" is not configured yet; this line takes "
                         "effect when it is.",
                         name);
        }
    }
    return 0;
}

/* --- tunnel groups
 * --------------------------------------------------------------------------------- */

int tunnel_group_check(struct txn *t, struct cfg_node *n, const struct a_tunnel_group *a,
                       bool negate)
{
    struct addr addr;
    (void)n;
    if (!negate && a->type == ENUM_TUNNEL_TYPE_IPSEC_L2L && addr_parse(a->name, &addr) < 0)
        txn_note(t, "WARNING: L2L tunnel-groups that have names which are not an IP\n"
                    "address may only be used if the tunnel authentication\n"
                    "method is Digital Certificates and/or The peer is\n"
                    "configured to use Aggressive Mode");
    return 0;
}

static int need_group(struct txn *t, const struct cfg_node *group)
{
    const struct a_tunnel_group *a = CFG_ARGS(group, tunnel_group);
    if (a->has_type || strcmp(a->name, DERIVE_DEFAULT_GROUP) == 0)
        return 0;
    return txn_refuse(t, "ERROR: tunnel-group %s does not exist; give its type first", a->name);
}

int tunnel_general_check(struct txn *t, struct cfg_node *n, const struct a_tunnel_general *a,
                         bool negate)
{
    (void)a;
    return negate ? 0 : need_group(t, n->parent);
}

int tunnel_ipsec_check(struct txn *t, struct cfg_node *n, const struct a_tunnel_ipsec *a,
                       bool negate)
{
    (void)a;
    return negate ? 0 : need_group(t, n->parent);
}

/* A configuration copied from a show has its keys masked; pasting it back must not go unseen. */
static int key_check(struct txn *t, const char *key)
{
    if (key && *key && key[strspn(key, "*")] == '\0')
        txn_note(t,
                 "WARNING: the key is %s itself, as a masked configuration shows it; the tunnel "
                 "needs the real one (more system:running-config)",
                 key);
    return 0;
}

int tunnel_remote_key_check(struct txn *t, struct cfg_node *n, const struct a_tunnel_remote_key *a,
                            bool negate)
{
    (void)n;
    return negate ? 0 : key_check(t, a->key);
}

int tunnel_key1_check(struct txn *t, struct cfg_node *n, const struct a_tunnel_key1 *a, bool negate)
{
    (void)n;
    return negate ? 0 : key_check(t, a->key);
}

int tunnel_local_key_check(struct txn *t, struct cfg_node *n, const struct a_tunnel_local_key *a,
                           bool negate)
{
    (void)n;
    return negate ? 0 : key_check(t, a->key);
}
