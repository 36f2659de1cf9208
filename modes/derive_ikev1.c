/*
 * IKEv1 of the ASA in the intent: policies, transform sets, the keys of tunnel groups.
 */
#include "modes/derive.h"
#include "lib/str.h"
#include <string.h>

#define AUTH_PSK       1u /* RFC 2409 appendix A */
#define AUTH_RSA_SIG   3u
#define ID_FQDN        2 /* RFC 2407 §4.6.2.1 */
#define ID_KEY_ID      11
#define DPD_SECONDS    10u
#define DPD_RETRY      2u
#define NO_LIFETIME    2147483647u /* the longest that can be configured */
#define IN_TABLE(t, i) ((unsigned)(i) < sizeof(t) / sizeof *(t))

/* In the order of the enums of grammars/ikev1.cg. */
static const uint16_t auth[] = {AUTH_RSA_SIG, AUTH_PSK, AUTH_RSA_SIG};
static const struct ike_alg cipher[] = {
    {ENCR_3DES, 0}, {ENCR_AES_CBC, 128}, {ENCR_AES_CBC, 192}, {ENCR_AES_CBC, 256}, {ENCR_DES, 0}};
static const uint16_t hash[] = {PRF_MD5, PRF_SHA1};
static const uint16_t group[] = {DH_768, DH_1024, DH_1536, DH_2048};
static const struct ike_alg esp_cipher[] = {{ENCR_3DES, 0},      {ENCR_AES_CBC, 128},
                                            {ENCR_AES_CBC, 192}, {ENCR_AES_CBC, 256},
                                            {ENCR_DES, 0},       {ENCR_NULL, 0}};
static const uint16_t esp_hash[] = {INTEG_MD5_96, INTEG_NONE, INTEG_SHA1_96};

/* --- policies ------------------------------------------------------------------------------------
 */

static void one_policy(const struct cfg_node *n, struct isakmp_policy *p)
{
    const struct cfg_node *l;
    *p = (struct isakmp_policy){.priority = (uint32_t)CFG_ARGS(n, ikev1_policy)->priority,
                                .encr = {ENCR_3DES, 0},
                                .hash = PRF_SHA1,
                                .group = DH_1024,
                                .auth = AUTH_PSK,
                                .lifetime = 86400};
    if ((l = cfg_first(n, E_IKEV1_AUTH)) && IN_TABLE(auth, CFG_ARGS(l, ikev1_auth)->method))
        p->auth = auth[CFG_ARGS(l, ikev1_auth)->method];
    if ((l = cfg_first(n, E_IKEV1_ENCR)) && IN_TABLE(cipher, CFG_ARGS(l, ikev1_encr)->alg))
        p->encr = cipher[CFG_ARGS(l, ikev1_encr)->alg];
    if ((l = cfg_first(n, E_IKEV1_HASH)) && IN_TABLE(hash, CFG_ARGS(l, ikev1_hash)->alg))
        p->hash = hash[CFG_ARGS(l, ikev1_hash)->alg];
    if ((l = cfg_first(n, E_IKEV1_GROUP)) && IN_TABLE(group, CFG_ARGS(l, ikev1_group)->group))
        p->group = group[CFG_ARGS(l, ikev1_group)->group];
    if ((l = cfg_first(n, E_IKEV1_LIFETIME)))
        p->lifetime = CFG_ARGS(l, ikev1_lifetime)->none
                          ? NO_LIFETIME
                          : (uint32_t)CFG_ARGS(l, ikev1_lifetime)->seconds;
}

static void policies(struct derive *d)
{
    struct intent *out = d->out;
    out->isakmp =
        arena_array(&out->arena, struct isakmp_policy, cfg_count(d->tree->root, E_IKEV1_POLICY));
    if (!out->isakmp)
        return;
    cfg_each(d->tree->root, E_IKEV1_POLICY, n) /* sorted in the tree */
        one_policy(n, &out->isakmp[out->n_isakmp++]);
}

/* --- transform sets ------------------------------------------------------------------------------
 */

static void one_set(const struct cfg_node *root, const struct a_transform1 *a,
                    struct ike_esp_proposal *p)
{
    str_copy(p->name, sizeof p->name, a->name);
    if (IN_TABLE(esp_cipher, a->encr))
        p->encr[p->n_encr++] = esp_cipher[a->encr];
    if (a->has_integ && IN_TABLE(esp_hash, a->integ) && esp_hash[a->integ] != INTEG_NONE)
        p->integ[p->n_integ++] = esp_hash[a->integ];
    p->mode = cfg_find_word(root, E_TRANSFORM1_MODE, a->name) ? SADB_TRANSPORT : SADB_TUNNEL;
}

static void sets(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    out->transform =
        arena_array(&out->arena, struct ike_esp_proposal, cfg_count(root, E_TRANSFORM1));
    if (!out->transform)
        return;
    cfg_each(root, E_TRANSFORM1, n)
        one_set(root, CFG_ARGS(n, transform1), &out->transform[out->n_transform++]);
}

/* --- the lines of map entries ------------------------------------------------------------------
 */

void derive_entry_set(const struct derive *d, struct intent_map_entry *e, const char *name)
{
    const struct ike_esp_proposal *p = derive_find_transform(d->out, name);
    if (p && e->n_transform < IKE_PROPOSALS)
        e->transform[e->n_transform++] = p;
}

void derive_entry_ikev1(struct derive *d, const struct cfg_node *n, struct intent_map_entry *e)
{
    const struct cfg_node *l = cfg_first(n, E_MAP_PHASE1_MODE);
    e->aggressive = l && CFG_ARGS(l, map_phase1_mode)->aggressive;
    cfg_each(n, E_MAP_TRANSFORM, s) derive_entry_set(d, e, CFG_ARGS(s, map_transform)->set);
}

/* --- keys ----------------------------------------------------------------------------------------
 */

static struct ike_identity own_identity(const struct cfg_node *root)
{
    struct ike_identity id = {0};
    char name[IKE_ID_MAX];
    const struct cfg_node *l = cfg_first(root, E_ISAKMP_IDENTITY_ASA);
    const struct a_isakmp_identity_asa *a = l ? CFG_ARGS(l, isakmp_identity_asa) : NULL;
    if (a && a->hostname) {
        derive_fqdn(root, "ciscoasa", name, sizeof name);
        derive_identity(&id, ID_FQDN, name);
    } else if (a && a->has_text) {
        derive_identity(&id, ID_KEY_ID, a->text);
    }
    return id;
}

static void keepalive(const struct cfg_node *ipsec, struct isakmp_peer_cfg *c)
{
    const struct cfg_node *l = cfg_first(ipsec, E_TUNNEL_KEEPALIVE);
    const struct a_tunnel_keepalive *k = l ? CFG_ARGS(l, tunnel_keepalive) : NULL;
    c->dpd_seconds = !k ? DPD_SECONDS : k->disable ? 0 : (uint32_t)k->threshold;
    c->dpd_retry = k && k->has_retry ? (uint32_t)k->retry : DPD_RETRY;
}

/* A group is for the peer of this address, or of this name where aggressive mode tells it. */
static void one_key(struct derive *d, const struct cfg_node *tunnel,
                    const struct isakmp_peer_cfg *common)
{
    const struct cfg_node *ipsec = cfg_first(tunnel, E_TUNNEL_IPSEC);
    const struct cfg_node *l = ipsec ? cfg_first(ipsec, E_TUNNEL_KEY1) : NULL;
    const char *name = CFG_ARGS(tunnel, tunnel_group)->name;
    const struct prefix everybody = {.addr = {.family = AF_INET}};
    struct addr addr;
    if (!l || CFG_ARGS(tunnel, tunnel_group)->type != ENUM_TUNNEL_TYPE_IPSEC_L2L)
        return;
    struct intent_key *k = &d->out->key[d->out->n_key++];
    *k = (struct intent_key){.cfg = *common};
    k->cfg.psk = derive_key(d->out, CFG_ARGS(l, tunnel_key1)->key, &k->cfg.psk_len);
    keepalive(ipsec, &k->cfg);
    if (strcmp(name, DERIVE_DEFAULT_GROUP) == 0)
        k->remote = everybody;
    else if (addr_parse(name, &addr) == 0)
        k->remote = prefix_make(&addr, addr_bits(&addr));
    else
        str_copy(k->host, sizeof k->host, name);
}

static void keys(struct derive *d)
{
    const struct cfg_node *root = d->tree->root, *l = cfg_first(root, E_ISAKMP_NATT_ASA);
    const struct isakmp_peer_cfg common = {
        .local_id = own_identity(root),
        .refuse_aggressive = cfg_first(root, E_IKEV1_AM_DISABLE) != NULL,
        .nat_keepalive = l ? (uint32_t)CFG_ARGS(l, isakmp_natt_asa)->seconds : 0,
        .fragmentation = true};
    d->out->key = arena_array(&d->out->arena, struct intent_key, cfg_count(root, E_TUNNEL_GROUP));
    if (!d->out->key)
        return;
    cfg_each(root, E_TUNNEL_GROUP, n) one_key(d, n, &common);
}

void derive_ikev1(struct derive *d)
{
    policies(d);
    sets(d);
    keys(d);
}
