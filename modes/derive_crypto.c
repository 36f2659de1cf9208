/*
 * IKE and IPsec in the intent: policies, proposals, crypto maps, peers.
 */
#include "modes/derive.h"
#include "lib/str.h"
#include <stdlib.h>
#include <string.h>

#define REPLAY      8192u /* docs/differences.md */
#define PMTU_AGE    600u  /* RFC 1191 §6.3 */
#define DPD_SECONDS 10u
#define DPD_RETRY   2u

/* The tables below stand in the order of the enums in grammars/ikev2.cg and grammars/ipsec.cg. */
static const struct ike_alg ikev2_encr[] = {
    {ENCR_AES_CBC, 128},   {ENCR_AES_CBC, 192},   {ENCR_AES_CBC, 256},
    {ENCR_AES_GCM16, 128}, {ENCR_AES_GCM16, 192}, {ENCR_AES_GCM16, 256},
    {ENCR_3DES, 0},        {ENCR_DES, 0},         {ENCR_NULL, 0},
};
static const uint16_t ikev2_integ[] = {INTEG_MD5_96,     INTEG_SHA1_96,    INTEG_SHA256_128,
                                       INTEG_SHA384_192, INTEG_SHA512_256, INTEG_NONE};
static const uint16_t ikev2_prf[] = {PRF_MD5, PRF_SHA1, PRF_SHA256, PRF_SHA384, PRF_SHA512};
static const uint16_t dh_group[] = {DH_768,    DH_1024,   DH_1536,   DH_2048,     DH_3072,  DH_4096,
                                    DH_ECP256, DH_ECP384, DH_ECP521, DH_2048_256, DH_X25519};
static const struct ike_alg esp_encr[] = {
    {ENCR_AES_CBC, 128},   {ENCR_AES_CBC, 192},   {ENCR_AES_CBC, 256},  {ENCR_AES_GCM16, 128},
    {ENCR_AES_GCM16, 192}, {ENCR_AES_GCM16, 256}, {ENCR_AES_GMAC, 128}, {ENCR_AES_GMAC, 192},
    {ENCR_AES_GMAC, 256},  {ENCR_3DES, 0},        {ENCR_DES, 0},        {ENCR_NULL, 0},
};
static const uint16_t esp_integ[] = {INTEG_MD5_96,     INTEG_SHA1_96,    INTEG_SHA256_128,
                                     INTEG_SHA384_192, INTEG_SHA512_256, INTEG_NONE};
static const uint16_t replay_size[] = {64, 128, 256, 512, 1024, 2048, 4096, 8192};

#define IN_TABLE(t, i) ((unsigned)(i) < sizeof(t) / sizeof *(t))

/* --- policies ----------------------------------------------------------------------------------
 */

static void one_policy(const struct cfg_node *n, struct ike_policy *p)
{
    p->priority = (uint32_t)CFG_ARGS(n, ikev2_policy)->priority;
    p->lifetime = 86400;
    cfg_each(n, E_IKEV2_ENCR, e)
    {
        int i = CFG_ARGS(e, ikev2_encr)->alg;
        if (p->n_encr < IKE_ALGS && IN_TABLE(ikev2_encr, i))
            p->encr[p->n_encr++] = ikev2_encr[i];
    }
    cfg_each(n, E_IKEV2_INTEG, e)
    {
        int i = CFG_ARGS(e, ikev2_integ)->alg;
        if (p->n_integ < IKE_ALGS && IN_TABLE(ikev2_integ, i))
            p->integ[p->n_integ++] = ikev2_integ[i];
    }
    cfg_each(n, E_IKEV2_PRF, e)
    {
        int i = CFG_ARGS(e, ikev2_prf)->alg;
        if (p->n_prf < IKE_ALGS && IN_TABLE(ikev2_prf, i))
            p->prf[p->n_prf++] = ikev2_prf[i];
    }
    cfg_each(n, E_IKEV2_GROUP, e)
    {
        int i = CFG_ARGS(e, ikev2_group)->group;
        if (p->n_group < IKE_ALGS && IN_TABLE(dh_group, i))
            p->group[p->n_group++] = dh_group[i];
    }
    const struct cfg_node *l = cfg_first(n, E_IKEV2_LIFETIME);
    if (l)
        p->lifetime =
            CFG_ARGS(l, ikev2_lifetime)->none ? 0 : (uint32_t)CFG_ARGS(l, ikev2_lifetime)->seconds;
}

void derive_policies(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    out->policy = arena_array(&out->arena, struct ike_policy, cfg_count(root, E_IKEV2_POLICY));
    if (!out->policy)
        return;
    cfg_each(root, E_IKEV2_POLICY, n) /* sorted in the tree */
        one_policy(n, &out->policy[out->n_policy++]);
}

/* Without a line the limits that the memory of a small box bears; the platform's cookie threshold
 * is half of what may be in negotiation. */
void derive_limits(struct derive *d)
{
    const struct cfg_node *root = d->tree->root, *n;
    struct ike_limits *l = &d->out->limits;
    uint32_t percent = 50;
    l->sas = IKE_LIMIT_SAS;
    l->half_open = IKE_LIMIT_HALF_OPEN;
    if ((n = cfg_first(root, E_IKEV2_MAX_SA)))
        l->sas = (uint32_t)CFG_ARGS(n, ikev2_max_sa)->count;
    if ((n = cfg_first(root, E_IKEV2_MAX_NEGOTIATING)))
        l->half_open = (l->sas * (uint32_t)CFG_ARGS(n, ikev2_max_negotiating)->percent + 99) / 100;
    n = cfg_first(root, E_IKEV2_COOKIE);
    if (n && !CFG_ARGS(n, ikev2_cookie)->always && !CFG_ARGS(n, ikev2_cookie)->never)
        percent = (uint32_t)CFG_ARGS(n, ikev2_cookie)->percent;
    l->cookie_at = l->half_open * percent / 100;
    if (n && CFG_ARGS(n, ikev2_cookie)->always)
        l->cookie_at = 0;
    else if (n && CFG_ARGS(n, ikev2_cookie)->never)
        l->cookie_at = IKE_NO_COOKIES;
}

/* --- proposals ---------------------------------------------------------------------------------
 */

static void one_proposal(const struct cfg_node *n, struct ike_esp_proposal *p)
{
    str_copy(p->name, sizeof p->name, CFG_ARGS(n, ipsec_proposal)->name);
    cfg_each(n, E_ESP_ENCRYPTION, e)
    {
        int i = CFG_ARGS(e, esp_encryption)->alg;
        if (p->n_encr < IKE_ALGS && IN_TABLE(esp_encr, i))
            p->encr[p->n_encr++] = esp_encr[i];
    }
    cfg_each(n, E_ESP_INTEGRITY, e)
    {
        int i = CFG_ARGS(e, esp_integrity)->alg;
        if (p->n_integ < IKE_ALGS && IN_TABLE(esp_integ, i))
            p->integ[p->n_integ++] = esp_integ[i];
    }
    p->esn = cfg_first(n, E_ESP_ESN) != NULL;
}

void derive_proposals(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    out->proposal =
        arena_array(&out->arena, struct ike_esp_proposal, cfg_count(root, E_IPSEC_PROPOSAL));
    if (!out->proposal)
        return;
    cfg_each(root, E_IPSEC_PROPOSAL, n) one_proposal(n, &out->proposal[out->n_proposal++]);
}

static const struct ike_esp_proposal *find_proposal(const struct intent *i, const char *name)
{
    for (uint32_t k = 0; k < i->n_proposal; k++)
        if (strcmp(i->proposal[k].name, name) == 0)
            return &i->proposal[k];
    return NULL;
}

/* --- crypto maps -------------------------------------------------------------------------------
 */

/* In the order of the enums df-policy and df-policy-ios. */
static const uint32_t df_policy[] = {SADB_DF_CLEAR, SADB_DF_COPY, SADB_DF_SET};

static void set_df(struct intent_if *f, int policy)
{
    f->path_flags &= ~(SADB_DF_CLEAR | SADB_DF_SET);
    if (IN_TABLE(df_policy, policy))
        f->path_flags |= df_policy[policy];
}

static void set_cut(struct intent_if *f, int place)
{
    f->path_flags &= ~SADB_F_FRAG_AFTER;
    if (place == ENUM_CUT_PLACE_AFTER_ENCRYPTION)
        f->path_flags |= SADB_F_FRAG_AFTER;
}

/* IOS says it for the box and below an interface, which wins; the ASA by the interface's name. */
void derive_path(struct derive *d)
{
    const struct cfg_node *root = d->tree->root, *l;
    d->out->pmtu_age = cfg_first(root, E_IPSEC_PMTU_AGING) ? 0 : PMTU_AGE;
    for (uint32_t i = 0; i < d->out->n_if; i++) {
        struct intent_if *f = &d->out->ifs[i];
        const struct cfg_node *n = cfg_find_word(root, E_INTERFACE, f->name);
        if ((l = cfg_first(root, E_IPSEC_DF_IOS)))
            set_df(f, CFG_ARGS(l, ipsec_df_ios)->policy);
        if ((l = cfg_first(root, E_IPSEC_CUT_IOS)))
            set_cut(f, CFG_ARGS(l, ipsec_cut_ios)->place);
        if ((l = cfg_first(n, E_IF_DF_IOS)))
            set_df(f, CFG_ARGS(l, if_df_ios)->policy);
        if ((l = cfg_first(n, E_IF_CUT_IOS)))
            set_cut(f, CFG_ARGS(l, if_cut_ios)->place);
    }
    cfg_each(root, E_IPSEC_DF, n)
    {
        struct intent_if *f = derive_find_if(d, CFG_ARGS(n, ipsec_df)->nameif);
        if (f)
            set_df(f, CFG_ARGS(n, ipsec_df)->policy);
    }
    cfg_each(root, E_IPSEC_CUT, n)
    {
        struct intent_if *f = derive_find_if(d, CFG_ARGS(n, ipsec_cut)->nameif);
        if (f)
            set_cut(f, CFG_ARGS(n, ipsec_cut)->place);
    }
}

struct defaults {
    uint32_t seconds, replay;
    uint64_t kbytes;
};

static struct defaults global_defaults(const struct cfg_node *root)
{
    struct defaults g = {.seconds = ASA_LIFE_SECONDS, .replay = REPLAY, .kbytes = ASA_LIFE_KBYTES};
    const struct cfg_node *n = cfg_first(root, E_IPSEC_LIFE_SECONDS);
    if (n)
        g.seconds = (uint32_t)CFG_ARGS(n, ipsec_life_seconds)->seconds;
    n = cfg_first(root, E_IPSEC_LIFE_KILOBYTES);
    if (n)
        g.kbytes = CFG_ARGS(n, ipsec_life_kilobytes)->unlimited
                       ? 0
                       : CFG_ARGS(n, ipsec_life_kilobytes)->kilobytes;
    n = cfg_first(root, E_IPSEC_REPLAY);
    if (n && CFG_ARGS(n, ipsec_replay)->disable)
        g.replay = 0;
    else if (n && IN_TABLE(replay_size, CFG_ARGS(n, ipsec_replay)->size))
        g.replay = replay_size[CFG_ARGS(n, ipsec_replay)->size];
    return g;
}

static void entry_life(const struct cfg_node *n, struct intent_map_entry *e)
{
    const struct cfg_node *l = cfg_first(n, E_MAP_LIFE_SECONDS);
    if (l)
        e->life_seconds = (uint32_t)CFG_ARGS(l, map_life_seconds)->seconds;
    l = cfg_first(n, E_MAP_LIFE_KILOBYTES);
    if (l)
        e->life_kbytes = CFG_ARGS(l, map_life_kilobytes)->unlimited
                             ? 0
                             : CFG_ARGS(l, map_life_kilobytes)->kilobytes;
}

static void set_peer(struct intent_map_entry *e, const struct addr *a)
{
    if (e->n_peer < INTENT_PEERS)
        e->peer[e->n_peer++] = *a;
}

static void set_proposal(const struct derive *d, struct intent_map_entry *e, const char *name)
{
    const struct ike_esp_proposal *q = find_proposal(d->out, name);
    if (q && e->n_proposal < IKE_PROPOSALS)
        e->proposal[e->n_proposal++] = q;
}

/* A bare `set pfs` means group 14; the enum lists the groups as dh-group does. */
static uint16_t pfs_of(bool given, int group)
{
    return given && IN_TABLE(dh_group, group) ? dh_group[group] : DH_2048;
}

static void entry_df(struct intent_map_entry *e, int policy)
{
    e->has_df = IN_TABLE(df_policy, policy);
    e->df = e->has_df ? df_policy[policy] : 0;
}

static void one_entry(struct derive *d, const struct cfg_node *n, const struct defaults *g,
                      struct intent_map_entry *e)
{
    const struct cfg_node *l;
    e->seq = (uint32_t)CFG_ARGS(n, map_entry)->seq;
    e->life_seconds = g->seconds;
    e->life_kbytes = g->kbytes;
    e->replay_window = g->replay;
    if ((l = cfg_first(n, E_MAP_MATCH)))
        e->acl = derive_find_acl(d, CFG_ARGS(l, map_match)->acl);
    cfg_each(n, E_MAP_PEER, p) set_peer(e, &CFG_ARGS(p, map_peer)->addr);
    cfg_each(n, E_MAP_PROPOSAL, p) set_proposal(d, e, CFG_ARGS(p, map_proposal)->proposal);
    if ((l = cfg_first(n, E_MAP_PFS)))
        e->pfs_group = pfs_of(CFG_ARGS(l, map_pfs)->has_group, CFG_ARGS(l, map_pfs)->group);
    if ((l = cfg_first(n, E_MAP_CONNECTION))) {
        int type = CFG_ARGS(l, map_connection)->type;
        e->connection = type == ENUM_CONNECTION_TYPE_ORIGINATE_ONLY ? CONN_ORIGINATE
                        : type == ENUM_CONNECTION_TYPE_ANSWER_ONLY  ? CONN_ANSWER
                                                                    : CONN_BIDIR;
    }
    if ((l = cfg_first(n, E_MAP_DF)))
        entry_df(e, CFG_ARGS(l, map_df)->policy);
    if ((l = cfg_first(n, E_MAP_REVERSE_ROUTE))) {
        e->rri.on = true;
        e->rri.always = !CFG_ARGS(l, map_reverse_route)->dynamic;
    }
    derive_entry_ikev1(d, n, e);
    entry_life(n, e);
}

/* --- templates -----------------------------------------------------------------------------------
 */

/* Routes are those of SAs, whatever the line says: there is nothing else to tell where to. */
static void one_template(struct derive *d, const struct cfg_node *n, const struct defaults *g,
                         struct intent_map_entry *e)
{
    const struct cfg_node *l;
    e->dynamic = true;
    e->connection = CONN_ANSWER;
    e->template = (uint32_t)CFG_ARGS(n, template_entry)->seq;
    e->template_name = arena_strdup(&d->out->arena, CFG_ARGS(n->parent, asa_template)->name);
    e->life_seconds = g->seconds;
    e->life_kbytes = g->kbytes;
    e->replay_window = g->replay;
    e->any = !cfg_first(n, E_DMAP_MATCH);
    e->rri.on = cfg_first(n, E_DMAP_REVERSE_ROUTE) != NULL;
    if ((l = cfg_first(n, E_DMAP_MATCH)))
        e->acl = derive_find_acl(d, CFG_ARGS(l, dmap_match)->acl);
    cfg_each(n, E_DMAP_PEER, p) set_peer(e, &CFG_ARGS(p, dmap_peer)->addr);
    cfg_each(n, E_DMAP_PROPOSAL, p) set_proposal(d, e, CFG_ARGS(p, dmap_proposal)->proposal);
    cfg_each(n, E_DMAP_TRANSFORM, s) derive_entry_set(d, e, CFG_ARGS(s, dmap_transform)->set);
    if ((l = cfg_first(n, E_DMAP_PFS)))
        e->pfs_group = pfs_of(CFG_ARGS(l, dmap_pfs)->has_group, CFG_ARGS(l, dmap_pfs)->group);
    if ((l = cfg_first(n, E_DMAP_DF)))
        entry_df(e, CFG_ARGS(l, dmap_df)->policy);
    if ((l = cfg_first(n, E_DMAP_LIFE_SECONDS)))
        e->life_seconds = (uint32_t)CFG_ARGS(l, dmap_life_seconds)->seconds;
    if ((l = cfg_first(n, E_DMAP_LIFE_KILOBYTES)))
        e->life_kbytes = CFG_ARGS(l, dmap_life_kilobytes)->unlimited
                             ? 0
                             : CFG_ARGS(l, dmap_life_kilobytes)->kilobytes;
}

/* The template that a line of a map stands for; false: it is an entry of its own. */
static bool template_of(const struct derive *d, const struct cfg_node *n,
                        const struct cfg_node **out)
{
    const struct cfg_node *l = cfg_first(n, E_MAP_DYNAMIC);
    *out =
        l ? cfg_find_word(d->tree->root, E_ASA_TEMPLATE, CFG_ARGS(l, map_dynamic)->template) : NULL;
    return l != NULL;
}

static size_t entries(const struct derive *d, const struct cfg_node *map)
{
    const struct cfg_node *t;
    size_t n = 0;
    cfg_each(map, E_MAP_ENTRY, e) n += template_of(d, e, &t) ? cfg_count(t, E_TEMPLATE_ENTRY) : 1;
    return n;
}

static void one_map(struct derive *d, const struct cfg_node *n, const struct defaults *g,
                    struct intent_map *m)
{
    const struct cfg_node *t;
    str_copy(m->name, sizeof m->name, CFG_ARGS(n, crypto_map)->name);
    m->entry = arena_array(&d->out->arena, struct intent_map_entry, entries(d, n));
    if (!m->entry)
        return;
    cfg_each(n, E_MAP_ENTRY, e) /* sorted in the tree */
    {
        if (!template_of(d, e, &t)) {
            one_entry(d, e, g, &m->entry[m->n++]);
            continue;
        }
        cfg_each(t, E_TEMPLATE_ENTRY, k)
        {
            m->entry[m->n].seq = (uint32_t)CFG_ARGS(e, map_entry)->seq;
            one_template(d, k, g, &m->entry[m->n++]);
        }
    }
    cfg_each(n, E_MAP_INTERFACE, i)
    {
        struct intent_if *f = derive_find_if(d, CFG_ARGS(i, map_interface)->nameif);
        if (f)
            f->map = m;
    }
}

void derive_maps(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    struct defaults g = global_defaults(root);
    out->map = arena_array(&out->arena, struct intent_map, cfg_count(root, E_CRYPTO_MAP));
    if (!out->map)
        return;
    cfg_each(root, E_CRYPTO_MAP, n) one_map(d, n, &g, &out->map[out->n_map++]);
}

/* --- peers ---------------------------------------------------------------------------------------
 */

const uint8_t *derive_key(struct intent *out, const char *key, uint16_t *len)
{
    *len = (uint16_t)strlen(key);
    return (const uint8_t *)arena_memdup(&out->arena, key, (size_t)*len + 1);
}

static void one_peer(struct derive *d, const struct cfg_node *ipsec, struct intent_peer *p)
{
    const struct cfg_node *l;
    p->cfg.dpd_seconds = DPD_SECONDS;
    p->cfg.dpd_retry = DPD_RETRY;
    if (!ipsec)
        return;
    if ((l = cfg_first(ipsec, E_TUNNEL_LOCAL_KEY)))
        p->cfg.local_psk =
            derive_key(d->out, CFG_ARGS(l, tunnel_local_key)->key, &p->cfg.local_psk_len);
    if ((l = cfg_first(ipsec, E_TUNNEL_REMOTE_KEY)))
        p->cfg.remote_psk =
            derive_key(d->out, CFG_ARGS(l, tunnel_remote_key)->key, &p->cfg.remote_psk_len);
    if ((l = cfg_first(ipsec, E_TUNNEL_KEEPALIVE))) {
        const struct a_tunnel_keepalive *k = CFG_ARGS(l, tunnel_keepalive);
        p->cfg.dpd_seconds = k->disable ? 0 : (uint32_t)k->threshold;
        p->cfg.dpd_retry = k->has_retry ? (uint32_t)k->retry : DPD_RETRY;
    }
}

void derive_peers(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    out->peer = arena_array(&out->arena, struct intent_peer, cfg_count(root, E_TUNNEL_GROUP));
    if (!out->peer)
        return;
    cfg_each(root, E_TUNNEL_GROUP, n)
    {
        const struct a_tunnel_group *a = CFG_ARGS(n, tunnel_group);
        bool any = strcmp(a->name, DERIVE_DEFAULT_GROUP) == 0;
        struct addr addr;
        if (a->type != ENUM_TUNNEL_TYPE_IPSEC_L2L || (!any && addr_parse(a->name, &addr) < 0))
            continue;
        struct intent_peer *p = &out->peer[out->n_peer++];
        if (!any)
            p->remote = prefix_make(&addr, addr_bits(&addr));
        one_peer(d, cfg_first(n, E_TUNNEL_IPSEC), p);
    }
}
