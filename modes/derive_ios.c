/*
 * IPsec on IOS in the intent: transform sets, crypto maps with their templates, and the interfaces
 * that bear them.
 */
#include "control/ike/wire.h"
#include "modes/derive.h"
#include "lib/str.h"
#include <stdlib.h>
#include <string.h>

/* Defaults of the platform (config-ios.md §5). */
#define LIFE_SECONDS   3600u
#define LIFE_KBYTES    4608000u
#define REPLAY         8192u /* docs/differences.md */
#define IN_TABLE(t, i) ((unsigned)(i) < sizeof(t) / sizeof *(t))

/* In the order of the enums of grammars/transform.cg and grammars/ios-map.cg. */
static const uint16_t hash[] = {INTEG_MD5_96, INTEG_SHA1_96, INTEG_SHA256_128, INTEG_SHA384_192,
                                INTEG_SHA512_256};
static const uint16_t cipher[] = {ENCR_DES, ENCR_3DES,
                                  ENCR_NULL}; /* and SEAL, which is not there */
static const uint16_t cipher_bits[] = {ENCR_AES_CBC, ENCR_AES_GCM16, ENCR_AES_GMAC};
static const uint16_t replay_size[] = {64, 128, 256, 512, 1024, 2048, 4096, 8192};

uint16_t derive_aes_bits(bool given, int bits)
{
    static const uint16_t table[] = {128, 192, 256};
    return given && IN_TABLE(table, bits) ? table[bits] : 128;
}

/* --- transform sets ------------------------------------------------------------------------------
 */

/* False for what is not implemented: the set is as if it were not there. */
static bool one_set(const struct cfg_node *n, struct ike_esp_proposal *p)
{
    const struct a_transform_set *a = CFG_ARGS(n, transform_set);
    const struct cfg_node *mode = cfg_first(n, E_TRANSFORM_MODE);
    *p = (struct ike_esp_proposal){.mode = SADB_TUNNEL};
    str_copy(p->name, sizeof p->name, a->name);
    if (a->has_ah && IN_TABLE(hash, a->ah))
        p->ah = hash[a->ah];
    if (mode && CFG_ARGS(mode, transform_mode)->transport)
        p->mode = SADB_TRANSPORT;
    if (a->has_cipher && !IN_TABLE(cipher, a->cipher))
        return false;
    if (!a->has_cipher && !a->has_aes)
        return p->ah != INTEG_NONE;
    if (a->has_cipher)
        p->encr[0] = (struct ike_alg){cipher[a->cipher], 0};
    else if (IN_TABLE(cipher_bits, a->aes))
        p->encr[0] = (struct ike_alg){cipher_bits[a->aes], derive_aes_bits(a->has_bits, a->bits)};
    p->n_encr = 1;
    p->integ[0] = a->has_hash && IN_TABLE(hash, a->hash) ? hash[a->hash] : INTEG_NONE;
    p->n_integ = 1;
    return true;
}

void derive_transforms(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    out->transform =
        arena_array(&out->arena, struct ike_esp_proposal, cfg_count(root, E_TRANSFORM_SET));
    if (!out->transform)
        return;
    cfg_each(root, E_TRANSFORM_SET, n)
    {
        if (one_set(n, &out->transform[out->n_transform]))
            out->n_transform++;
    }
}

const struct ike_esp_proposal *derive_find_transform(const struct intent *i, const char *name)
{
    for (uint32_t k = 0; k < i->n_transform; k++)
        if (strcmp(i->transform[k].name, name) == 0)
            return &i->transform[k];
    return NULL;
}

/* --- entries of crypto maps ----------------------------------------------------------------------
 */

static uint32_t window(bool disabled, int size)
{
    return disabled ? 0 : IN_TABLE(replay_size, size) ? replay_size[size] : REPLAY;
}

static uint64_t kilobytes(bool disabled, uint64_t n)
{
    return disabled ? 0 : n;
}

/* The lines of an entry, a template or a profile. */
static void own_life(const struct cfg_node *n, struct derive_life *life)
{
    const struct cfg_node *l;
    if ((l = cfg_first(n, E_ENTRY_LIFE_SECONDS)))
        life->seconds = (uint32_t)CFG_ARGS(l, entry_life_seconds)->seconds;
    if ((l = cfg_first(n, E_ENTRY_LIFE_KILOBYTES)))
        life->kbytes = kilobytes(CFG_ARGS(l, entry_life_kilobytes)->disable,
                                 (uint64_t)CFG_ARGS(l, entry_life_kilobytes)->kilobytes);
}

uint16_t derive_pfs_ios(const struct cfg_node *of)
{
    const struct cfg_node *l = cfg_first(of, E_ENTRY_PFS);
    if (!l)
        return 0;
    const struct a_entry_pfs *a = CFG_ARGS(l, entry_pfs); /* group 1 where none is said */
    return derive_ios_group(a->has_group ? a->group : ENUM_DH_GROUP_IOS_1);
}

struct derive_life derive_life_ios(const struct cfg_node *root, const struct cfg_node *of)
{
    struct derive_life life = {LIFE_SECONDS, LIFE_KBYTES};
    const struct cfg_node *l;
    if ((l = cfg_first(root, E_IOS_LIFE_SECONDS)))
        life.seconds = (uint32_t)CFG_ARGS(l, ios_life_seconds)->seconds;
    if ((l = cfg_first(root, E_IOS_LIFE_KILOBYTES)))
        life.kbytes = kilobytes(CFG_ARGS(l, ios_life_kilobytes)->disable,
                                (uint64_t)CFG_ARGS(l, ios_life_kilobytes)->kilobytes);
    if (of)
        own_life(of, &life);
    return life;
}

static void global_defaults(const struct cfg_node *root, struct intent_map_entry *e)
{
    const struct cfg_node *l;
    const struct derive_life life = derive_life_ios(root, NULL);
    *e = (struct intent_map_entry){.life_seconds = life.seconds,
                                   .life_kbytes = life.kbytes,
                                   .replay_window = REPLAY};
    if ((l = cfg_first(root, E_IOS_REPLAY)))
        e->replay_window = window(CFG_ARGS(l, ios_replay)->disable, CFG_ARGS(l, ios_replay)->size);
    if ((l = cfg_first(root, E_IOS_IDLE_TIME)))
        e->idle_seconds = (uint32_t)CFG_ARGS(l, ios_idle_time)->seconds;
}

/* The preferred peer first, the others as they were typed. Names that stand here are resolved when
 * they are needed (`dynamic`). */
static void entry_peers(const struct derive *d, const struct cfg_node *n,
                        struct intent_map_entry *e)
{
    e->follow = true;
    for (int preferred = 1; preferred >= 0; preferred--) {
        cfg_each(n, E_ENTRY_PEER, p)
        {
            const struct a_entry_peer *a = CFG_ARGS(p, entry_peer);
            struct addr addr;
            if (a->preferred == preferred && e->n_peer < INTENT_PEERS &&
                host_address(d->tree->root, a->peer, &addr))
                e->peer[e->n_peer++] = addr;
            if (a->preferred)
                e->follow = false;
        }
    }
}

static void entry_transforms(struct derive *d, const struct cfg_node *n, struct intent_map_entry *e)
{
    if (cfg_first(n, E_ENTRY_TRANSFORM))
        e->n_transform = 0;
    cfg_each(n, E_ENTRY_TRANSFORM, t)
    {
        const struct ike_esp_proposal *p =
            derive_find_transform(d->out, CFG_ARGS(t, entry_transform)->set);
        if (p && e->n_transform < IKE_PROPOSALS)
            e->transform[e->n_transform++] = p;
    }
}

/* The transform sets are what IKEv1 proposes; in an entry with an IKEv2 profile IKEv2 does, and
 * there is no IKEv1. IKEv2 does not negotiate AH here: such a set is not offered without it. */
static void for_ikev2(struct intent_map_entry *e)
{
    for (uint8_t i = 0; i < e->n_transform; i++)
        if (e->transform[i]->ah == INTEG_NONE)
            e->proposal[e->n_proposal++] = e->transform[i];
    e->n_transform = 0;
}

static void entry_routes(const struct cfg_node *n, struct intent_map_entry *e)
{
    const struct cfg_node *l;
    if ((l = cfg_first(n, E_ENTRY_REVERSE_ROUTE))) {
        const struct a_entry_reverse_route *a = CFG_ARGS(l, entry_reverse_route);
        e->rri.on = true;
        e->rri.always = a->constant;
        e->rri.tag = a->has_tag ? (uint32_t)a->tag : 0;
        if (a->has_gateway)
            e->rri.gateway = a->gateway;
    }
    if ((l = cfg_first(n, E_ENTRY_ROUTE_DISTANCE)))
        e->rri.distance = (uint8_t)CFG_ARGS(l, entry_route_distance)->distance;
    if ((l = cfg_first(n, E_ENTRY_ROUTE_TAG)))
        e->rri.tag = (uint32_t)CFG_ARGS(l, entry_route_tag)->tag;
}

/* `set identity`: names of a `crypto identity`. Names of certificates (dn) are nobody's here. */
static void entry_identity(struct derive *d, const char *name, struct intent_map_entry *e)
{
    const struct cfg_node *n = cfg_find_word(d->tree->root, E_CRYPTO_IDENTITY, name);
    struct intent_id *id =
        arena_array(&d->out->arena, struct intent_id, cfg_count(n, E_IDENTITY_FQDN));
    e->has_who = true;
    e->who = id;
    e->n_who = 0;
    cfg_each(n, E_IDENTITY_FQDN, f)
    {
        if (!id)
            return;
        id[e->n_who].type = ID_FQDN;
        str_copy(id[e->n_who++].name, sizeof id->name, CFG_ARGS(f, identity_fqdn)->name);
    }
}

/* The lines that entries, templates and profiles share. */
static void entry_lines(struct derive *d, const struct cfg_node *n, struct intent_map_entry *e)
{
    const struct cfg_node *l;
    if ((l = cfg_first(n, E_ENTRY_MATCH)))
        e->acl = derive_find_acl(d, CFG_ARGS(l, entry_match)->acl);
    struct derive_life life = {e->life_seconds, e->life_kbytes};
    own_life(n, &life);
    e->life_seconds = life.seconds;
    e->life_kbytes = life.kbytes;
    if ((l = cfg_first(n, E_ENTRY_REPLAY)))
        e->replay_window =
            window(CFG_ARGS(l, entry_replay)->disable, CFG_ARGS(l, entry_replay)->size);
    if ((l = cfg_first(n, E_ENTRY_IDLE))) {
        e->idle_seconds = (uint32_t)CFG_ARGS(l, entry_idle)->seconds;
        e->idle_default = CFG_ARGS(l, entry_idle)->preferred;
    }
    if (cfg_first(n, E_ENTRY_PFS))
        e->pfs_group = derive_pfs_ios(n);
    if (cfg_first(n, E_PROFILE_RESPONDER))
        e->connection = CONN_ANSWER;
    if ((l = cfg_first(n, E_ENTRY_ISAKMP_PROFILE)))
        e->isakmp_profile =
            arena_strdup(&d->out->arena, CFG_ARGS(l, entry_isakmp_profile)->profile);
    if ((l = cfg_first(n, E_ENTRY_IKEV2_PROFILE)))
        e->profile = arena_strdup(&d->out->arena, CFG_ARGS(l, entry_ikev2_profile)->profile);
    if ((l = cfg_first(n, E_ENTRY_IDENTITY)))
        entry_identity(d, CFG_ARGS(l, entry_identity)->identity, e);
    entry_peers(d, n, e);
    entry_transforms(d, n, e);
    entry_routes(n, e);
}

/* `profile` speaks first, the entry's own lines win. */
static void one_entry(struct derive *d, const struct cfg_node *n, const char *profile,
                      struct intent_map_entry *e)
{
    const struct cfg_node *p =
        profile ? cfg_find_word(d->tree->root, E_IPSEC_PROFILE, profile) : NULL;
    global_defaults(d->tree->root, e);
    if (p)
        entry_lines(d, p, e);
    entry_lines(d, n, e);
    if (e->profile)
        for_ikev2(e);
}

struct intent_if *derive_find_if_name(const struct derive *d, const char *name)
{
    for (uint32_t i = 0; i < d->out->n_if; i++)
        if (strcmp(d->out->ifs[i].name, name) == 0)
            return &d->out->ifs[i];
    return NULL;
}

bool derive_profile_entry(struct derive *d, const char *profile, struct intent_map_entry *e)
{
    const struct cfg_node *p = cfg_find_word(d->tree->root, E_IPSEC_PROFILE, profile);
    if (!p)
        return false;
    global_defaults(d->tree->root, e);
    entry_lines(d, p, e);
    if (e->profile)
        for_ikev2(e);
    return e->n_transform || e->n_proposal;
}

/* --- crypto maps ---------------------------------------------------------------------------------
 */

/* The entries that a line of a map stands for: itself, or those of its template. */
static const struct cfg_node *template_of(const struct derive *d, const struct cfg_node *n)
{
    const struct a_ios_entry *a = CFG_ARGS(n, ios_entry);
    return a->has_template ? cfg_find_word(d->tree->root, E_DYNAMIC_MAP, a->template) : NULL;
}

static size_t entries(const struct derive *d, const struct cfg_node *map)
{
    size_t n = 0;
    cfg_each(map, E_IOS_ENTRY, e)
    {
        const struct cfg_node *t = template_of(d, e);
        n += CFG_ARGS(e, ios_entry)->has_template ? cfg_count(t, E_DYNAMIC_ENTRY) : 1;
    }
    return n;
}

static void one_map(struct derive *d, const struct cfg_node *n, struct intent_map *m)
{
    const struct cfg_node *l = cfg_first(n, E_IOS_MAP_LOCAL);
    str_copy(m->name, sizeof m->name, CFG_ARGS(n, ios_map)->name);
    m->local = l ? derive_find_if_name(d, CFG_ARGS(l, ios_map_local)->ifname) : NULL;
    l = cfg_first(n, E_IOS_MAP_INTERVAL);
    m->replay_in = l ? (uint32_t)CFG_ARGS(l, ios_map_interval)->inbound : DERIVE_REPLAY_IN;
    m->replay_out = l ? (uint32_t)CFG_ARGS(l, ios_map_interval)->outbound : DERIVE_REPLAY_OUT;
    m->entry = arena_array(&d->out->arena, struct intent_map_entry, entries(d, n));
    if (!m->entry)
        return;
    cfg_each(n, E_IOS_ENTRY, e) /* sorted in the tree */
    {
        const struct a_ios_entry *a = CFG_ARGS(e, ios_entry);
        if (!a->has_template) {
            one_entry(d, e, a->has_profile ? a->profile : NULL, &m->entry[m->n]);
            if (a->manual || a->gdoi) /* protected with nobody, as there are no keys */
                m->entry[m->n].n_transform = m->entry[m->n].n_proposal = 0;
            m->entry[m->n++].seq = (uint32_t)a->seq;
            continue;
        }
        cfg_each(template_of(d, e), E_DYNAMIC_ENTRY, t)
        {
            one_entry(d, t, NULL, &m->entry[m->n]);
            m->entry[m->n].seq = (uint32_t)a->seq;
            m->entry[m->n].dynamic = true;
            m->entry[m->n].any = !cfg_first(t, E_ENTRY_MATCH);
            m->entry[m->n].template = (uint32_t)CFG_ARGS(t, dynamic_entry)->seq;
            m->entry[m->n].template_name = arena_strdup(&d->out->arena, a->template);
            m->entry[m->n++].connection = CONN_ANSWER;
        }
    }
}

struct addr derive_if_address(const struct derive *d, const char *name)
{
    const struct intent_if *f = derive_find_if_name(d, name);
    return f ? f->addr.addr : (struct addr){0};
}

static const struct intent_map *find_map(const struct intent *out, const char *name)
{
    for (uint32_t i = 0; i < out->n_map; i++)
        if (strcmp(out->map[i].name, name) == 0)
            return &out->map[i];
    return NULL;
}

void derive_redundancy(struct derive *d)
{
    struct intent *out = d->out;
    cfg_each(d->tree->root, E_INTERFACE, i)
    {
        const struct cfg_node *l = cfg_first(i, E_IF_CRYPTO_MAP);
        const struct a_if_crypto_map *a = l ? CFG_ARGS(l, if_crypto_map) : NULL;
        struct intent_if *f =
            a && a->has_group ? derive_find_if_name(d, CFG_ARGS(i, interface)->name) : NULL;
        if (!f)
            continue;
        str_copy(f->redundancy, sizeof f->redundancy, a->group);
        f->stateful = a->stateful;
        for (uint32_t k = 0; k < out->n_hsrp; k++)
            if (strcmp(out->hsrp[k].ifname, f->name) == 0 &&
                strcmp(out->hsrp[k].cfg.name, f->redundancy) == 0)
                f->vip = out->hsrp[k].cfg.vip;
    }
}

void derive_ios_maps(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    out->map = arena_array(&out->arena, struct intent_map, cfg_count(root, E_IOS_MAP) + SSO_ADDRS);
    if (!out->map)
        return;
    cfg_each(root, E_IOS_MAP, n) one_map(d, n, &out->map[out->n_map++]);
    cfg_each(root, E_INTERFACE, i)
    {
        const struct cfg_node *l = cfg_first(i, E_IF_CRYPTO_MAP);
        struct intent_if *f = l ? derive_find_if_name(d, CFG_ARGS(i, interface)->name) : NULL;
        if (f)
            f->map = find_map(out, CFG_ARGS(l, if_crypto_map)->name);
    }
}
