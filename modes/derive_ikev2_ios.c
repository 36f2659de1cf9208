/*
 * IKEv2 on IOS in the intent: policies made of proposals, peers made of profiles and keyrings, and
 * limits.
 *
 * A peer of the intent is one block of a keyring together with one profile that uses it and one of
 * the profile's `match identity remote`: the initiator finds it by the address of the block, the
 * responder by what the peer calls itself.
 */
#include "control/ike/wire.h"
#include "lib/str.h"
#include "modes/derive.h"
#include <string.h>

#define LIFETIME       86400u
#define DEFAULT        "default"
#define IN_TABLE(t, i) ((unsigned)(i) < sizeof(t) / sizeof *(t))

/* In the order of the enums of grammars/ikev2-ios.cg. */
static const struct ike_alg cipher[] = {
    {ENCR_DES, 0},       {ENCR_3DES, 0},        {ENCR_AES_CBC, 128},   {ENCR_AES_CBC, 192},
    {ENCR_AES_CBC, 256}, {ENCR_AES_GCM16, 128}, {ENCR_AES_GCM16, 256},
};
static const uint16_t integ[] = {INTEG_MD5_96, INTEG_SHA1_96, INTEG_SHA256_128, INTEG_SHA384_192,
                                 INTEG_SHA512_256};
static const uint16_t prf[] = {PRF_MD5, PRF_SHA1, PRF_SHA256, PRF_SHA384, PRF_SHA512};

/* --- policies ------------------------------------------------------------------------------------
 */

/* Smart defaults: what the proposal and the policy of this name are where nobody has configured
 * them (config-ios.md §6). */
static void default_proposal(struct ike_policy *p)
{
    static const struct ike_policy smart = {
        .encr = {{ENCR_AES_CBC, 256}},
        .integ = {INTEG_SHA512_256, INTEG_SHA384_192},
        .prf = {PRF_SHA512, PRF_SHA384},
        .group = {DH_ECP256, DH_2048, DH_ECP521, DH_1536},
        .n_encr = 1,
        .n_integ = 2,
        .n_prf = 2,
        .n_group = 4,
        .lifetime = LIFETIME,
    };
    *p = smart;
}

static void algorithms(const struct cfg_node *n, struct ike_policy *p)
{
    cfg_each(n, E_IOS2_ENCR, e)
    {
        int i = CFG_ARGS(e, ios2_encr)->alg;
        if (p->n_encr < IKE_ALGS && IN_TABLE(cipher, i))
            p->encr[p->n_encr++] = cipher[i];
    }
    cfg_each(n, E_IOS2_INTEG, e)
    {
        int i = CFG_ARGS(e, ios2_integ)->alg;
        if (p->n_integ < IKE_ALGS && IN_TABLE(integ, i))
            p->integ[p->n_integ++] = integ[i];
        /* the function is that of the hash where none is said */
        if (!cfg_first(n, E_IOS2_PRF) && p->n_prf < IKE_ALGS && IN_TABLE(prf, i))
            p->prf[p->n_prf++] = prf[i];
    }
    cfg_each(n, E_IOS2_PRF, e)
    {
        int i = CFG_ARGS(e, ios2_prf)->alg;
        if (p->n_prf < IKE_ALGS && IN_TABLE(prf, i))
            p->prf[p->n_prf++] = prf[i];
    }
    cfg_each(n, E_IOS2_GROUP, e)
    {
        if (p->n_group < IKE_ALGS)
            p->group[p->n_group++] = derive_ios_group(CFG_ARGS(e, ios2_group)->group);
    }
}

bool derive_ios2_proposal(const struct cfg_node *root, const char *name, struct ike_policy *p)
{
    const struct cfg_node *n = cfg_find_word(root, E_IOS2_PROPOSAL, name);
    *p = (struct ike_policy){.lifetime = LIFETIME};
    if (n)
        algorithms(n, p);
    if (strcmp(name, DEFAULT) == 0 && !p->n_encr && !p->n_integ && !p->n_group)
        default_proposal(p);
    return p->n_encr && p->n_group && p->n_prf; /* a cipher without a hash is not offered */
}

/* The policy for an address: the first that names it, else the first that names none. Without one
 * the policy `default`. */
static const struct cfg_node *policy_for(const struct cfg_node *root, const struct addr *local)
{
    const struct cfg_node *open = NULL;
    cfg_each(root, E_IOS2_POLICY, n)
    {
        cfg_each(n, E_IOS2_POLICY_LOCAL, l)
        {
            if (addr_eq(&CFG_ARGS(l, ios2_policy_local)->addr, local))
                return n;
        }
        if (!open && !cfg_first(n, E_IOS2_POLICY_LOCAL) && cfg_first(n, E_IOS2_POLICY_PROPOSAL))
            open = n;
    }
    return open;
}

static struct ike_policy *one_policy(struct derive *d, const struct cfg_node *n, uint32_t *count)
{
    const struct cfg_node *root = d->tree->root;
    size_t most = n ? cfg_count(n, E_IOS2_POLICY_PROPOSAL) : 1;
    struct ike_policy *v = arena_array(&d->out->arena, struct ike_policy, most ? most : 1);
    *count = 0;
    if (!v)
        return NULL;
    if (!n)
        *count = derive_ios2_proposal(root, DEFAULT, v);
    cfg_each(n, E_IOS2_POLICY_PROPOSAL, l)
    {
        if (derive_ios2_proposal(root, CFG_ARGS(l, ios2_policy_proposal)->proposal, &v[*count]))
            (*count)++;
    }
    for (uint32_t i = 0; i < *count; i++)
        v[i].priority = i + 1;
    return v;
}

void derive_ios2_policies(struct derive *d)
{
    const struct addr any = {0};
    const struct cfg_node *common = policy_for(d->tree->root, &any);
    struct intent *out = d->out;
    out->policy = one_policy(d, common, &out->n_policy);
    for (uint32_t i = 0; i < out->n_if; i++) {
        struct intent_if *f = &out->ifs[i];
        const struct addr *local = f->redundancy[0] ? &f->vip : &f->addr.addr;
        const struct cfg_node *n = addr_is_set(local) ? policy_for(d->tree->root, local) : common;
        if (n != common)
            f->policy = one_policy(d, n, &f->n_policy);
    }
}

/* --- peers ---------------------------------------------------------------------------------------
 */

struct keys {
    const char *local, *remote;
};

static void set_identity(struct intent_id *id, uint8_t type, const char *name, bool domain)
{
    *id = (struct intent_id){.type = type, .domain = domain};
    str_copy(id->name, sizeof id->name, name);
}

static void set_network(struct intent_id *id, const struct prefix *net)
{
    *id = (struct intent_id){.type = net->addr.family == AF_INET6 ? ID_IPV6 : ID_IPV4, .net = *net};
}

static struct prefix network(const struct addr *a, bool has_mask, const struct addr *mask)
{
    int len = has_mask ? addr_mask_to_len(mask) : (int)addr_bits(a);
    return prefix_make(a, len < 0 ? addr_bits(a) : (unsigned)len);
}

/* `match identity remote` of a profile. */
static void match_of(const struct a_ios2_match *a, struct intent_id *id)
{
    struct prefix net;
    if (a->has_fqdn || a->has_fqdn_domain)
        set_identity(id, ID_FQDN, a->has_fqdn ? a->fqdn : a->fqdn_domain, a->has_fqdn_domain);
    else if (a->has_email || a->has_email_domain)
        set_identity(id, ID_RFC822, a->has_email ? a->email : a->email_domain, a->has_email_domain);
    else if (a->has_keyid)
        set_identity(id, ID_KEY, a->keyid, false);
    else {
        net = a->has_net ? prefix_make(&a->net.addr, a->net.len)
                         : network(&a->addr, a->has_mask, &a->mask);
        set_network(id, &net);
    }
}

/* `identity` of a block; false: it has none. */
static bool block_identity(const struct cfg_node *block, struct intent_id *id)
{
    const struct cfg_node *l = cfg_first(block, E_IOS2_PEER_IDENTITY);
    struct prefix net;
    if (!l)
        return false;
    const struct a_ios2_peer_identity *a = CFG_ARGS(l, ios2_peer_identity);
    if (a->has_fqdn || a->has_fqdn_domain)
        set_identity(id, ID_FQDN, a->has_fqdn ? a->fqdn : a->fqdn_domain, a->has_fqdn_domain);
    else if (a->has_email || a->has_email_domain)
        set_identity(id, ID_RFC822, a->has_email ? a->email : a->email_domain, a->has_email_domain);
    else if (a->has_keyid)
        set_identity(id, ID_KEY, a->keyid, false);
    else {
        net = network(&a->addr, false, NULL);
        set_network(id, &net);
    }
    return true;
}

/* What both allow; false: nothing. Names are compared as they are written: a block for one name
 * of a domain that the profile matches is the narrower one. */
static bool both(const struct intent_id *profile, const struct intent_id *block,
                 struct intent_id *out)
{
    *out = *block;
    if (!profile->type)
        return true;
    if (profile->type != block->type)
        return false;
    if (profile->net.addr.family) {
        bool inside = prefix_covers(&profile->net, &block->net);
        if (!inside)
            *out = *profile;
        return inside || prefix_covers(&block->net, &profile->net);
    }
    size_t n = strlen(profile->name), m = strlen(block->name);
    if (n == m)
        return profile->domain == block->domain && strcmp(profile->name, block->name) == 0;
    return profile->domain && m > n + 1 && strcmp(block->name + m - n, profile->name) == 0;
}

static void own_identity(const struct cfg_node *profile, struct ike_identity *id)
{
    const struct cfg_node *l = cfg_first(profile, E_IOS2_LOCAL_ID);
    if (!l)
        return;
    const struct a_ios2_local_id *a = CFG_ARGS(l, ios2_local_id);
    if (a->has_fqdn)
        derive_identity(id, ID_FQDN, a->fqdn);
    else if (a->has_email)
        derive_identity(id, ID_RFC822, a->email);
    else if (a->has_keyid)
        derive_identity(id, ID_KEY, a->keyid);
    else if (a->has_addr)
        derive_address_identity(id, &a->addr);
}

static void dpd(struct ike_peer_cfg *c, uint32_t seconds, uint32_t retry, int when)
{
    c->dpd_seconds = seconds;
    c->dpd_retry = retry;
    c->dpd_periodic = when == ENUM_DPD_WHEN_PERIODIC;
    c->dpd_on_demand = when == ENUM_DPD_WHEN_ON_DEMAND;
}

/* What a profile says of all its peers. */
static void profile_cfg(const struct cfg_node *root, const struct cfg_node *profile,
                        struct ike_peer_cfg *c)
{
    const struct cfg_node *l;
    *c = (struct ike_peer_cfg){.lifetime = LIFETIME};
    own_identity(profile, &c->local_id);
    if ((l = cfg_first(profile, E_IOS2_PROFILE_LIFETIME)))
        c->lifetime = (uint32_t)CFG_ARGS(l, ios2_profile_lifetime)->seconds;
    if ((l = cfg_first(profile, E_IOS2_PROFILE_DPD))) {
        const struct a_ios2_profile_dpd *a = CFG_ARGS(l, ios2_profile_dpd);
        dpd(c, (uint32_t)a->seconds, (uint32_t)a->retry, a->when);
    } else if ((l = cfg_first(root, E_IOS2_DPD))) {
        const struct a_ios2_dpd *a = CFG_ARGS(l, ios2_dpd);
        dpd(c, (uint32_t)a->seconds, (uint32_t)a->retry, a->when);
    }
}

/* The keys of a block: one for both directions, or one for each. */
static struct keys block_keys(const struct cfg_node *block)
{
    const struct cfg_node *l;
    struct keys k = {0};
    if ((l = cfg_first(block, E_IOS2_PEER_KEY)) && !CFG_ARGS(l, ios2_peer_key)->encrypted)
        k.local = k.remote = CFG_ARGS(l, ios2_peer_key)->key;
    if ((l = cfg_first(block, E_IOS2_PEER_LOCAL_KEY)) &&
        !CFG_ARGS(l, ios2_peer_local_key)->encrypted)
        k.local = CFG_ARGS(l, ios2_peer_local_key)->key;
    if ((l = cfg_first(block, E_IOS2_PEER_REMOTE_KEY)) &&
        !CFG_ARGS(l, ios2_peer_remote_key)->encrypted)
        k.remote = CFG_ARGS(l, ios2_peer_remote_key)->key;
    return k;
}

/* Keys that stand in the profile itself. False: it does not authenticate by keys. */
static bool profile_keys(const struct cfg_node *profile, struct keys *k)
{
    const struct cfg_node *l = cfg_first(profile, E_IOS2_AUTH_LOCAL),
                          *r = cfg_first(profile, E_IOS2_AUTH_REMOTE);
    *k = (struct keys){0};
    if (!l || !r || !CFG_ARGS(l, ios2_auth_local)->share || !CFG_ARGS(r, ios2_auth_remote)->share)
        return false;
    const struct a_ios2_auth_local *al = CFG_ARGS(l, ios2_auth_local);
    const struct a_ios2_auth_remote *ar = CFG_ARGS(r, ios2_auth_remote);
    k->local = al->has_key && !al->encrypted ? al->key : NULL;
    k->remote = ar->has_key && !ar->encrypted ? ar->key : NULL;
    return true;
}

struct profile {
    struct derive *d;
    const struct cfg_node *node;
    const char *name;
    struct ike_peer_cfg cfg;
    struct addr local;
    uint32_t nat_keepalive;
    struct keys keys;
};

static struct intent_peer *add(const struct profile *p, const struct keys *k)
{
    struct intent *out = p->d->out;
    const char *local = p->keys.local ? p->keys.local : k->local;
    const char *remote = p->keys.remote ? p->keys.remote : k->remote;
    if (!local || !remote)
        return NULL;
    struct intent_peer *peer = &out->peer[out->n_peer++];
    *peer = (struct intent_peer){.local = p->local,
                                 .profile = p->name,
                                 .nat_keepalive = p->nat_keepalive,
                                 .cfg = p->cfg};
    peer->cfg.local_psk = derive_key(out, local, &peer->cfg.local_psk_len);
    peer->cfg.remote_psk = derive_key(out, remote, &peer->cfg.remote_psk_len);
    return peer;
}

/* A block of the keyring, for peers that call themselves so. */
static void block_peers(const struct profile *p, const struct cfg_node *block,
                        const struct intent_id *match)
{
    const struct cfg_node *l = cfg_first(block, E_IOS2_PEER_ADDRESS);
    struct keys k = block_keys(block);
    struct intent_id own, id;
    struct intent_peer *peer;
    if (l && (peer = add(p, &k)) != NULL) {
        const struct a_ios2_peer_address *a = CFG_ARGS(l, ios2_peer_address);
        peer->id = *match;
        peer->remote = a->has_net ? prefix_make(&a->net.addr, a->net.len)
                                  : network(&a->addr, a->has_mask, &a->mask);
    }
    if (block_identity(block, &own) && both(match, &own, &id) && (peer = add(p, &k)) != NULL) {
        peer->id = id;
        peer->by_id = true;
    }
}

static void matched_peers(const struct profile *p, const struct intent_id *match)
{
    const struct cfg_node *l = cfg_first(p->node, E_IOS2_PROFILE_KEYRING), *ring;
    const struct keys none = {0};
    struct intent_peer *peer;
    if (p->keys.local && p->keys.remote) {
        if ((peer = add(p, &none)) != NULL)
            peer->id = *match;
        return;
    }
    ring =
        l ? cfg_find_word(p->d->tree->root, E_IOS2_KEYRING, CFG_ARGS(l, ios2_profile_keyring)->name)
          : NULL;
    cfg_each(ring, E_IOS2_PEER, block) block_peers(p, block, match);
}

static void one_profile(struct derive *d, const struct cfg_node *n)
{
    const struct cfg_node *l;
    struct profile p = {.d = d, .node = n};
    struct intent_id match = {0};
    if (!profile_keys(n, &p.keys))
        return;
    if ((l = cfg_first(n, E_IOS2_PROFILE_LOCAL)))
        p.local = CFG_ARGS(l, ios2_profile_local)->has_addr
                      ? CFG_ARGS(l, ios2_profile_local)->addr
                      : derive_if_address(d, CFG_ARGS(l, ios2_profile_local)->ifname);
    if ((l = cfg_first(n, E_IOS2_PROFILE_NAT)))
        p.nat_keepalive = (uint32_t)CFG_ARGS(l, ios2_profile_nat)->seconds;
    else if ((l = cfg_first(d->tree->root, E_IOS2_NAT)))
        p.nat_keepalive = (uint32_t)CFG_ARGS(l, ios2_nat)->seconds;
    p.name = arena_strdup(&d->out->arena, CFG_ARGS(n, ios2_profile)->profile);
    profile_cfg(d->tree->root, n, &p.cfg);
    cfg_each(n, E_IOS2_MATCH, m)
    {
        match_of(CFG_ARGS(m, ios2_match), &match);
        matched_peers(&p, &match);
    }
    match = (struct intent_id){0};
    if (cfg_first(n, E_IOS2_MATCH_ANY))
        matched_peers(&p, &match);
}

static size_t most_peers(const struct cfg_node *root)
{
    size_t n = 0;
    cfg_each(root, E_IOS2_PROFILE, p)
    {
        const struct cfg_node *l = cfg_first(p, E_IOS2_PROFILE_KEYRING);
        const struct cfg_node *ring =
            l ? cfg_find_word(root, E_IOS2_KEYRING, CFG_ARGS(l, ios2_profile_keyring)->name) : NULL;
        n += (1 + 2 * cfg_count(ring, E_IOS2_PEER)) * (1 + cfg_count(p, E_IOS2_MATCH));
    }
    return n;
}

void derive_ios2_peers(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    d->out->peer = arena_array(&d->out->arena, struct intent_peer, most_peers(root) + 1);
    if (!d->out->peer)
        return;
    cfg_each(root, E_IOS2_PROFILE, n) one_profile(d, n);
}

/* --- limits --------------------------------------------------------------------------------------
 */

void derive_ios2_limits(struct derive *d)
{
    const struct cfg_node *root = d->tree->root, *n;
    struct ike_limits *l = &d->out->limits;
    *l = (struct ike_limits){.sas = IKE_LIMIT_SAS,
                             .half_open = IKE_LIMIT_HALF_OPEN,
                             .cookie_at = IKE_LIMIT_HALF_OPEN / 2};
    if ((n = cfg_first(root, E_CALL_LIMIT_IKE))) /* of both versions */
        l->sas = (uint32_t)CFG_ARGS(n, call_limit_ike)->count;
    if ((n = cfg_first(root, E_CALL_LIMIT_NEGOTIATING))) {
        l->half_open = (uint32_t)CFG_ARGS(n, call_limit_negotiating)->count;
        l->cookie_at = l->half_open / 2;
    }
    if ((n = cfg_first(root, E_IOS2_MAX_SA)))
        l->sas = (uint32_t)CFG_ARGS(n, ios2_max_sa)->count;
    if ((n = cfg_first(root, E_IOS2_MAX_NEGOTIATING))) {
        l->half_open = (uint32_t)CFG_ARGS(n, ios2_max_negotiating)->count;
        l->cookie_at = l->half_open / 2;
    }
    if ((n = cfg_first(root, E_IOS2_FRAGMENTATION)) && CFG_ARGS(n, ios2_fragmentation)->has_mtu)
        l->fragment =
            (uint32_t)CFG_ARGS(n, ios2_fragmentation)->mtu - (uint32_t)IKE_FRAGMENT_OVERHEAD;
    if ((n = cfg_first(root, E_IOS2_COOKIE)))
        l->cookie_at = (uint32_t)CFG_ARGS(n, ios2_cookie)->count;
}
