/*
 * Keys of IKEv1 on IOS in the intent, and how to speak with the peers they belong to: what is said
 * for all (crypto isakmp …), by profiles with their keyrings, and by `crypto isakmp peer`.
 *
 * Of keys that fit a peer equally well the first counts: those of a peer, of profiles, of keyrings,
 * then those that are for all.
 */
#include "modes/derive.h"
#include "lib/str.h"
#include <stdio.h>
#include <string.h>

/* RFC 2407 §4.6.2.1 */
#define ID_IPV4      1
#define ID_FQDN      2
#define ID_USER_FQDN 3
#define ID_KEY_ID    11

/* --- names ---------------------------------------------------------------------------------------
 */

void derive_identity(struct ike_identity *id, uint8_t type, const char *text)
{
    size_t n = strlen(text);
    if (n > sizeof id->data)
        return; /* longer than an ID payload that we send: by address, then */
    id->type = type;
    id->len = (uint8_t)n;
    memcpy(id->data, text, n);
}

void derive_fqdn(const struct cfg_node *root, const char *unnamed, char *buf, size_t cap)
{
    const struct cfg_node *h = cfg_first(root, E_HOSTNAME);
    const struct cfg_node *ios = cfg_first(root, E_DOMAIN_NAME_IOS);
    const struct cfg_node *asa = cfg_first(root, E_DOMAIN_NAME);
    const char *domain = ios   ? CFG_ARGS(ios, domain_name_ios)->name
                         : asa ? CFG_ARGS(asa, domain_name)->name
                               : NULL;
    snprintf(buf, cap, "%s%s%s", h ? CFG_ARGS(h, hostname)->name : unnamed, domain ? "." : "",
             domain ? domain : "");
}

void derive_address_identity(struct ike_identity *id, const struct addr *a)
{
    id->type = a->family == AF_INET6 ? 5 : ID_IPV4;
    id->len = (uint8_t)addr_size(a);
    memcpy(id->data, a->b, id->len);
}

/* --- what is said for all ------------------------------------------------------------------------
 */

/* How this end calls itself: by address unless `crypto isakmp identity hostname`, which is the
 * whole name. A name in a certificate needs one: without, the address. */
static struct ike_identity own_identity(const struct cfg_node *root)
{
    struct ike_identity id = {0};
    char name[IKE_ID_MAX];
    const struct cfg_node *l = cfg_first(root, E_ISAKMP_IDENTITY);
    if (l && CFG_ARGS(l, isakmp_identity)->hostname) {
        derive_fqdn(root, "Router", name, sizeof name);
        derive_identity(&id, ID_FQDN, name);
    }
    return id;
}

/* What IOS says once for all peers. */
static void peer_defaults(const struct cfg_node *root, struct isakmp_peer_cfg *c)
{
    const struct cfg_node *l;
    c->local_id = own_identity(root);
    c->refuse_aggressive = cfg_first(root, E_ISAKMP_NO_AGGRESSIVE) != NULL;
    c->fragmentation = cfg_first(root, E_ISAKMP_FRAGMENTATION) != NULL;
    if ((l = cfg_first(root, E_ISAKMP_KEEPALIVE))) {
        const struct a_isakmp_keepalive *k = CFG_ARGS(l, isakmp_keepalive);
        c->dpd_seconds = (uint32_t)k->seconds;
        c->dpd_retry = k->has_retry ? (uint32_t)k->retry : 2;
        c->dpd_periodic = k->periodic;
    }
    if ((l = cfg_first(root, E_ISAKMP_NAT_KEEPALIVE)))
        c->nat_keepalive = (uint32_t)CFG_ARGS(l, isakmp_nat_keepalive)->seconds;
}

/* --- keys ----------------------------------------------------------------------------------------
 */

static struct prefix network(const struct addr *a, bool has_mask, const struct addr *mask)
{
    struct prefix none = {0};
    int len = has_mask ? addr_mask_to_len(mask) : 32;
    return len < 0 ? none : prefix_make(a, (unsigned)len);
}

static struct prefix global_remote(const struct a_isakmp_key *a)
{
    struct prefix none = {0};
    if (a->has_net)
        return prefix_make(&a->net.addr, a->net.len);
    return a->has_addr ? network(&a->addr, a->has_mask, &a->mask) : none;
}

static struct intent_key *add(struct derive *d, const struct isakmp_peer_cfg *cfg, const char *psk)
{
    struct intent_key *k = &d->out->key[d->out->n_key++];
    *k = (struct intent_key){.cfg = *cfg};
    k->cfg.psk = derive_key(d->out, psk, &k->cfg.psk_len);
    return k;
}

/* NULL for a key that nobody here can read. */
static struct intent_key *global_one(struct derive *d, const struct isakmp_peer_cfg *common,
                                     const struct a_isakmp_key *a)
{
    if (a->encrypted)
        return NULL;
    struct intent_key *k = add(d, common, a->key);
    k->remote = global_remote(a);
    if (a->has_host)
        str_copy(k->host, sizeof k->host, a->host);
    return k;
}

static void global_keys(struct derive *d, const struct isakmp_peer_cfg *common)
{
    cfg_each(d->tree->root, E_ISAKMP_KEY, n) global_one(d, common, CFG_ARGS(n, isakmp_key));
}

/* `crypto isakmp peer` gives the key of a peer that aggressive mode is begun with. */
static void peer_keys(struct derive *d, const struct isakmp_peer_cfg *common)
{
    cfg_each(d->tree->root, E_ISAKMP_PEER, n)
    {
        const struct a_isakmp_peer *a = CFG_ARGS(n, isakmp_peer);
        const struct cfg_node *l = cfg_first(n, E_PEER_PASSWORD),
                              *e = cfg_first(n, E_PEER_ENDPOINT);
        if (!l)
            continue;
        struct intent_key *k = add(d, common, CFG_ARGS(l, peer_password)->key);
        k->cfg.aggressive = true;
        if (a->has_addr)
            k->remote = prefix_make(&a->addr, 32);
        else
            str_copy(k->host, sizeof k->host, a->host);
        if (e && CFG_ARGS(e, peer_endpoint)->has_fqdn)
            derive_identity(&k->cfg.local_id, ID_FQDN, CFG_ARGS(e, peer_endpoint)->fqdn);
        else if (e && CFG_ARGS(e, peer_endpoint)->has_user)
            derive_identity(&k->cfg.local_id, ID_USER_FQDN, CFG_ARGS(e, peer_endpoint)->user);
        else if (e)
            derive_address_identity(&k->cfg.local_id, &CFG_ARGS(e, peer_endpoint)->addr);
    }
}

/* --- profiles ------------------------------------------------------------------------------------
 */

static struct prefix matched(const struct cfg_node *m)
{
    const struct a_profile_match_address *a = CFG_ARGS(m, profile_match_address);
    return network(&a->addr, a->has_mask, &a->mask);
}

static bool covers(const struct prefix *wide, const struct prefix *narrow)
{
    return wide->len <= narrow->len && prefix_contains(wide, &narrow->addr);
}

static bool matches_names(const struct cfg_node *profile)
{
    return cfg_first(profile, E_PROFILE_MATCH) != NULL;
}

static void name_match(const struct a_profile_match *a, struct intent_id *id)
{
    const char *name = a->has_host          ? a->host
                       : a->has_host_domain ? a->host_domain
                       : a->has_user        ? a->user
                       : a->has_user_domain ? a->user_domain
                                            : a->group;
    id->type = a->has_host || a->has_host_domain   ? ID_FQDN
               : a->has_user || a->has_user_domain ? ID_USER_FQDN
                                                   : ID_KEY_ID;
    id->domain = a->has_host_domain || a->has_user_domain;
    str_copy(id->name, sizeof id->name, name);
}

/* `match identity host`, `user`, `group`: what the peers of this key must call themselves. */
static void require_names(struct derive *d, const struct cfg_node *profile, struct intent_key *k)
{
    struct intent_id *id =
        arena_array(&d->out->arena, struct intent_id, cfg_count(profile, E_PROFILE_MATCH));
    if (!id)
        return;
    k->id = id;
    cfg_each(profile, E_PROFILE_MATCH, m) name_match(CFG_ARGS(m, profile_match), &id[k->n_id++]);
}

static void apply_profile(struct derive *d, const struct cfg_node *profile, struct intent_key *k)
{
    const struct cfg_node *l;
    char name[IKE_ID_MAX];
    k->profile = arena_strdup(&d->out->arena, CFG_ARGS(profile, isakmp_profile)->profile);
    if ((l = cfg_first(profile, E_PROFILE_SELF))) {
        const struct a_profile_self *a = CFG_ARGS(l, profile_self);
        k->cfg.local_id = (struct ike_identity){0};
        derive_fqdn(d->tree->root, "Router", name, sizeof name);
        if (a->fqdn)
            derive_identity(&k->cfg.local_id, ID_FQDN, name);
        else if (a->has_user)
            derive_identity(&k->cfg.local_id, ID_USER_FQDN, a->user);
        else if (a->has_addr)
            derive_address_identity(&k->cfg.local_id, &a->addr);
    }
    if ((l = cfg_first(profile, E_PROFILE_KEEPALIVE))) {
        k->cfg.dpd_seconds = (uint32_t)CFG_ARGS(l, profile_keepalive)->seconds;
        k->cfg.dpd_retry = (uint32_t)CFG_ARGS(l, profile_keepalive)->retry;
        k->cfg.dpd_periodic = false;
    }
    if (cfg_first(profile, E_PROFILE_AGGRESSIVE))
        k->cfg.aggressive = true;
    if ((l = cfg_first(profile, E_PROFILE_LOCAL))) {
        const struct a_profile_local *a = CFG_ARGS(l, profile_local);
        k->local = a->has_addr ? a->addr : derive_if_address(d, a->ifname);
    }
}

static struct prefix key_remote(const struct a_keyring_key *a)
{
    struct prefix none = {0};
    return a->has_addr ? network(&a->addr, a->has_mask, &a->mask) : none;
}

/* A key of a keyring, for the peers of a profile that uses it (NULL: none does). */
static struct intent_key *keyring_key(struct derive *d, const struct isakmp_peer_cfg *common,
                                      const struct cfg_node *n, const struct cfg_node *profile)
{
    const struct a_keyring_key *a = CFG_ARGS(n, keyring_key);
    const struct cfg_node *l = cfg_first(n->parent, E_KEYRING_LOCAL);
    struct intent_key *k = add(d, common, a->key);
    k->remote = key_remote(a);
    if (a->has_host)
        str_copy(k->host, sizeof k->host, a->host);
    if (profile)
        apply_profile(d, profile, k);
    if (l)
        k->local = CFG_ARGS(l, keyring_local)->has_addr
                       ? CFG_ARGS(l, keyring_local)->addr
                       : derive_if_address(d, CFG_ARGS(l, keyring_local)->ifname);
    return k;
}

/* The key for those whose address the profile matches, and for those whose name it does. False: for
 * nobody. */
static bool keyring_profile(struct derive *d, const struct isakmp_peer_cfg *common,
                            const struct cfg_node *n, const struct cfg_node *profile)
{
    struct prefix remote = key_remote(CFG_ARGS(n, keyring_key));
    bool used = CFG_ARGS(n, keyring_key)->has_host ||
                (!cfg_first(profile, E_PROFILE_MATCH_ADDRESS) && !matches_names(profile));
    if (used) { /* a key that goes by name, or a profile that says nothing of its peers */
        keyring_key(d, common, n, profile);
        return true;
    }
    cfg_each(profile, E_PROFILE_MATCH_ADDRESS, m)
    {
        struct prefix net = matched(m);
        if (covers(&net, &remote))
            net = remote;
        else if (!covers(&remote, &net))
            continue;
        keyring_key(d, common, n, profile)->remote = net;
        used = true;
    }
    if (matches_names(profile)) {
        require_names(d, profile, keyring_key(d, common, n, profile));
        used = true;
    }
    return used;
}

static void keyring_keys(struct derive *d, const struct isakmp_peer_cfg *common)
{
    cfg_each(d->tree->root, E_KEYRING, ring)
    {
        cfg_each(ring, E_KEYRING_KEY, n)
        {
            bool used = false;
            if (CFG_ARGS(n, keyring_key)->encrypted)
                continue;
            cfg_each(d->tree->root, E_ISAKMP_PROFILE, p)
            {
                if (cfg_find_word(p, E_PROFILE_KEYRING, CFG_ARGS(ring, keyring)->keyring))
                    used = keyring_profile(d, common, n, p) || used;
            }
            if (!used)
                keyring_key(d, common, n, NULL);
        }
    }
}

/* The key for all that fits these peers best. */
static const struct a_isakmp_key *global_key(const struct cfg_node *root, const struct prefix *net)
{
    const struct a_isakmp_key *best = NULL;
    unsigned len = 0;
    cfg_each(root, E_ISAKMP_KEY, n)
    {
        const struct a_isakmp_key *a = CFG_ARGS(n, isakmp_key);
        struct prefix p = global_remote(a);
        if (a->encrypted || a->has_host || !covers(&p, net) || (best && p.len <= len))
            continue;
        best = a;
        len = p.len;
    }
    return best;
}

/* The keys for all, for peers of a profile that matches names. */
static void named_keys(struct derive *d, const struct isakmp_peer_cfg *common,
                       const struct cfg_node *profile)
{
    cfg_each(d->tree->root, E_ISAKMP_KEY, n)
    {
        struct intent_key *k = global_one(d, common, CFG_ARGS(n, isakmp_key));
        if (!k)
            continue;
        apply_profile(d, profile, k);
        require_names(d, profile, k);
    }
}

/* A profile without a keyring: the peers it matches have their key from those for all. */
static void profile_keys(struct derive *d, const struct isakmp_peer_cfg *common)
{
    cfg_each(d->tree->root, E_ISAKMP_PROFILE, p)
    {
        if (cfg_first(p, E_PROFILE_KEYRING))
            continue;
        cfg_each(p, E_PROFILE_MATCH_ADDRESS, m)
        {
            struct prefix net = matched(m);
            const struct a_isakmp_key *a = global_key(d->tree->root, &net);
            if (!a)
                continue;
            struct intent_key *k = add(d, common, a->key);
            k->remote = net;
            apply_profile(d, p, k);
        }
        if (matches_names(p))
            named_keys(d, common, p);
    }
}

static size_t count_below(const struct cfg_node *root, uint16_t object, uint16_t entry)
{
    size_t n = 0;
    cfg_each(root, object, o) n += cfg_count(o, entry);
    return n;
}

void derive_keys(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct isakmp_peer_cfg common = {0};
    size_t profiles = cfg_count(root, E_ISAKMP_PROFILE);
    size_t addresses = count_below(root, E_ISAKMP_PROFILE, E_PROFILE_MATCH_ADDRESS);
    size_t n = cfg_count(root, E_ISAKMP_KEY) * (1 + profiles) + cfg_count(root, E_ISAKMP_PEER) +
               count_below(root, E_KEYRING, E_KEYRING_KEY) * (1 + profiles + addresses) + addresses;
    d->out->key = arena_array(&d->out->arena, struct intent_key, n);
    if (!d->out->key)
        return;
    peer_defaults(root, &common);
    peer_keys(d, &common);
    profile_keys(d, &common);
    keyring_keys(d, &common);
    global_keys(d, &common);
}
