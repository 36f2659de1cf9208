/*
 * Stateful failover in the intent: the scheme, the association with the other box, and a digest of
 * each part of the configuration that both boxes must have alike.
 *
 * A digest is SHA-256 over what the nodes of the tree say, keys in clear: the digest of the keys
 * tells that they differ, and nothing of a single one. Where the platform does not ask for an
 * order, neither does the digest; texts for people do not count.
 */
#include "lib/vec.h"
#include "modes/derive.h"
#include "modes/internal.h"
#include "parser/print.h"
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* Defaults of the platform (config-ios.md §10). */
#define RTO_MIN     300u /* milliseconds */
#define RTO_MAX     600u
#define RETRANSMITS 4u

/* --- digests ---------------------------------------------------------------------------------- */

/* A digest in the making. */
struct sum {
    EVP_MD_CTX *md;
};

static struct sum sum_begin(void)
{
    struct sum s = {EVP_MD_CTX_new()};
    if (s.md)
        EVP_DigestInit_ex(s.md, EVP_sha256(), NULL);
    return s;
}

static void sum_add(const struct sum *s, const void *p, size_t n)
{
    if (s->md)
        EVP_DigestUpdate(s->md, p, n);
}

/* Texts end with their zero, so that none runs into the next. */
static void sum_text(const struct sum *s, const char *text)
{
    sum_add(s, text, strlen(text) + 1);
}

static void sum_end(struct sum *s, uint8_t out[SSO_DIGEST])
{
    if (s->md)
        EVP_DigestFinal_ex(s->md, out, NULL);
    EVP_MD_CTX_free(s->md);
}

/* Digests of things that may stand in any order. */
struct bag {
    uint8_t (*v)[SSO_DIGEST];
    size_t n, cap;
};

static void bag_add(struct bag *b, const uint8_t digest[SSO_DIGEST])
{
    if (VEC_ROOM(b->v, b->cap, b->n + 1))
        memcpy(b->v[b->n++], digest, SSO_DIGEST);
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, SSO_DIGEST);
}

static void sum_bag(const struct sum *s, struct bag *b)
{
    if (b->n)
        qsort(b->v, b->n, sizeof *b->v, by_bytes);
    for (size_t i = 0; i < b->n; i++)
        sum_add(s, b->v[i], SSO_DIGEST);
    free(b->v);
    *b = (struct bag){0};
}

/* Texts for people. */
static bool is_comment(const struct cfg_node *n)
{
    switch (n->entry) {
    case E_ENTRY_DESCRIPTION:
    case E_KEYRING_DESCRIPTION:
    case E_PEER_DESCRIPTION:
    case E_PROFILE_DESCRIPTION:
    case E_IOS2_PEER_DESCRIPTION:
    case E_IOS2_PROFILE_DESCRIPTION:
        return true;
    case E_ACE_EXT:
        return CFG_ARGS(n, ace_ext)->has_remark;
    case E_ACE_STD:
        return CFG_ARGS(n, ace_std)->has_remark;
    default:
        return false;
    }
}

static void node_digest(const struct cfg_node *n, bool ordered, uint8_t out[SSO_DIGEST]);

/* What is below a node, in the order in which it stands there or in any. */
static void sum_children(const struct sum *s, const struct cfg_node *n, bool ordered)
{
    struct bag b = {0};
    for (const struct cfg_node *k = n->first; k; k = k->next) {
        uint8_t digest[SSO_DIGEST] = {0};
        if (is_comment(k))
            continue;
        node_digest(k, ordered, digest);
        if (ordered)
            sum_add(s, digest, sizeof digest);
        else
            bag_add(&b, digest);
    }
    sum_bag(s, &b);
}

/* What the node says and what is below it. */
static void node_digest(const struct cfg_node *n, bool ordered, uint8_t out[SSO_DIGEST])
{
    struct str text = {0};
    struct sum s = sum_begin();
    print_plain(n, &text);
    sum_text(&s, str_text(&text));
    str_wipe(&text);
    sum_children(&s, n, ordered);
    sum_end(&s, out);
}

/* --- sections --------------------------------------------------------------------------------- */

static bool is_of(const struct cfg_node *n, const uint16_t *entry)
{
    for (; *entry; entry++)
        if (n->entry == *entry)
            return true;
    return false;
}

/* All nodes of these entries that stand at the top. */
static void bag_top(const struct derive *d, const uint16_t *entry, bool ordered, struct bag *b)
{
    for (const struct cfg_node *n = d->tree->root->first; n; n = n->next) {
        uint8_t digest[SSO_DIGEST] = {0};
        if (!is_of(n, entry))
            continue;
        node_digest(n, ordered, digest);
        bag_add(b, digest);
    }
}

static void section(struct derive *d, const char *name, struct bag *b)
{
    struct sso_cfg *c = &d->out->sso;
    struct sum s = sum_begin();
    if (c->n_section < SSO_SECTIONS) {
        struct sso_section *to = &c->section[c->n_section++];
        str_copy(to->name, sizeof to->name, name);
        sum_text(&s, name);
        sum_bag(&s, b);
        sum_end(&s, to->digest);
        return;
    }
    free(b->v);
    EVP_MD_CTX_free(s.md);
}

/* Sections that are whole entries of the configuration. Settings are what stands alone on a line.
 */
static const struct {
    const char *name;
    uint16_t entry[20];
    bool ordered;
} whole[] = {
    {"ikev2 proposal", {E_IOS2_PROPOSAL}, true},
    {"ikev2 policy", {E_IOS2_POLICY}, true},
    {"ikev2 keyring", {E_IOS2_KEYRING}, false},
    {"ikev2 profile", {E_IOS2_PROFILE}, false},
    {"isakmp policy", {E_ISAKMP_POLICY, E_ISAKMP_NO_DEFAULT}, true},
    {"isakmp key", {E_ISAKMP_KEY}, true},
    {"isakmp peer", {E_ISAKMP_PEER}, true},
    {"keyring", {E_KEYRING}, false},
    {"isakmp profile", {E_ISAKMP_PROFILE}, false},
    {"client configuration group", {E_CLIENT_GROUP}, true},
    {"transform-set", {E_TRANSFORM_SET}, true},
    {"ipsec profile", {E_IPSEC_PROFILE}, true},
    {"ip local pool", {E_LOCAL_POOL}, true},
    {"crypto settings",
     {E_ISAKMP_OFF, E_ISAKMP_IDENTITY, E_ISAKMP_KEEPALIVE, E_ISAKMP_NAT_KEEPALIVE,
      E_ISAKMP_RETRANSMIT, E_ISAKMP_FRAGMENTATION, E_ISAKMP_NO_AGGRESSIVE, E_ISAKMP_SPI_RECOVERY,
      E_ISAKMP_POOL, E_IOS2_DPD, E_IOS2_NAT, E_IOS2_FRAGMENTATION, E_IOS2_RETRANSMIT,
      E_IOS_LIFE_SECONDS, E_IOS_LIFE_KILOBYTES, E_IOS_REPLAY, E_IPSEC_DF_IOS, E_IPSEC_CUT_IOS,
      E_CRYPTO_IDENTITY},
     true},
};

static void whole_sections(struct derive *d)
{
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        struct bag b = {0};
        bag_top(d, whole[i].entry, whole[i].ordered, &b);
        section(d, whole[i].name, &b);
    }
}

/* Names of access lists that stateful maps use. */
struct names {
    const char **v;
    size_t n, cap;
};

static void add_name(struct names *u, const struct cfg_node *entry)
{
    const struct cfg_node *l = cfg_first(entry, E_ENTRY_MATCH);
    if (l && VEC_ROOM(u->v, u->cap, u->n + 1))
        u->v[u->n++] = CFG_ARGS(l, entry_match)->acl;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void acl_section(struct derive *d, struct names *u)
{
    struct bag b = {0};
    if (u->n)
        qsort(u->v, u->n, sizeof *u->v, by_name);
    for (const struct cfg_node *n = u->n ? d->tree->root->first : NULL; n; n = n->next) {
        char name[INTENT_NAME];
        const char *key = name;
        uint8_t digest[SSO_DIGEST] = {0};
        if (n->entry != E_ACL_STD && n->entry != E_ACL_EXT)
            continue;
        acl_ios_name(n, name);
        if (!bsearch(&key, u->v, u->n, sizeof *u->v, by_name))
            continue;
        node_digest(n, true, digest);
        bag_add(&b, digest);
    }
    section(d, "access-list", &b);
}

/* A map by its lines and entries, with the templates of these; its access lists go to `acls`. */
static void map_digest(const struct derive *d, const struct cfg_node *map, const char *group,
                       struct names *acls, uint8_t out[SSO_DIGEST])
{
    uint8_t own[SSO_DIGEST] = {0};
    struct sum s = sum_begin();
    sum_text(&s, group);
    node_digest(map, true, own);
    sum_add(&s, own, sizeof own);
    cfg_each(map, E_IOS_ENTRY, e)
    {
        const struct a_ios_entry *a = CFG_ARGS(e, ios_entry);
        const struct cfg_node *t =
            a->has_template ? cfg_find_word(d->tree->root, E_DYNAMIC_MAP, a->template) : NULL;
        add_name(acls, e);
        if (!t)
            continue;
        sum_children(&s, t, true);
        cfg_each(t, E_DYNAMIC_ENTRY, k) add_name(acls, k);
    }
    sum_end(&s, out);
}

/* A tunnel interface of a stateful profile stands for a map. */
static void bag_tunnel(const struct derive *d, const struct cfg_node *ifn, struct bag *b)
{
    static const uint16_t said[] = {E_TUNNEL_SOURCE, E_TUNNEL_MODE,       E_TUNNEL_DESTINATION,
                                    E_TUNNEL_KEY,    E_TUNNEL_PROTECTION, 0};
    const struct cfg_node *l = cfg_first(ifn, E_TUNNEL_PROTECTION), *p;
    uint8_t digest[SSO_DIGEST] = {0};
    struct sum s;
    if (!l)
        return;
    p = cfg_find_word(d->tree->root, E_IPSEC_PROFILE, CFG_ARGS(l, tunnel_protection)->profile);
    if (!p || !cfg_first(p, E_PROFILE_REDUNDANCY))
        return;
    s = sum_begin();
    for (l = ifn->first; l; l = l->next) {
        if (!is_of(l, said))
            continue;
        node_digest(l, true, digest);
        sum_add(&s, digest, sizeof digest);
    }
    sum_end(&s, digest);
    bag_add(b, digest);
}

static void map_sections(struct derive *d)
{
    struct bag maps = {0};
    struct names acls = {0};
    cfg_each(d->tree->root, E_INTERFACE, i)
    {
        const struct cfg_node *l = cfg_first(i, E_IF_CRYPTO_MAP), *map;
        uint8_t digest[SSO_DIGEST] = {0};
        bag_tunnel(d, i, &maps);
        if (!l || !CFG_ARGS(l, if_crypto_map)->stateful)
            continue;
        map = cfg_find_word(d->tree->root, E_IOS_MAP, CFG_ARGS(l, if_crypto_map)->name);
        if (!map)
            continue;
        map_digest(d, map, CFG_ARGS(l, if_crypto_map)->group, &acls, digest);
        bag_add(&maps, digest);
    }
    section(d, "crypto map", &maps);
    acl_section(d, &acls);
    free((void *)acls.v);
}

/* --- the scheme and the association ------------------------------------------------------------
 */

static void set_scheme(const struct cfg_node *red, struct sso_cfg *c)
{
    const struct cfg_node *l;
    if (!red)
        return;
    c->inter_device = true;
    if ((l = cfg_first(red, E_RED_SCHEME)))
        str_copy(c->group, sizeof c->group, CFG_ARGS(l, red_scheme)->group);
    if ((l = cfg_first(red, E_RED_SECURITY)))
        str_copy(c->security, sizeof c->security, CFG_ARGS(l, red_security)->profile);
}

static void set_local(const struct cfg_node *n, struct sso_cfg *c)
{
    const struct cfg_node *l;
    c->local_port = (uint16_t)CFG_ARGS(n, ipc_local)->port;
    if ((l = cfg_first(n, E_IPC_LOCAL_IP))) {
        c->local[c->n_local++] = CFG_ARGS(l, ipc_local_ip)->addr;
        if (CFG_ARGS(l, ipc_local_ip)->has_second)
            c->local[c->n_local++] = CFG_ARGS(l, ipc_local_ip)->second;
    }
    if ((l = cfg_first(n, E_IPC_RTO))) {
        c->rto_min = (uint32_t)CFG_ARGS(l, ipc_rto)->least;
        c->rto_max = (uint32_t)CFG_ARGS(l, ipc_rto)->most;
    }
    if ((l = cfg_first(n, E_IPC_PATH_RETRANSMIT)))
        c->path_retransmit = (uint8_t)CFG_ARGS(l, ipc_path_retransmit)->count;
    if ((l = cfg_first(n, E_IPC_ASSOC_RETRANSMIT)))
        c->assoc_retransmit = (uint8_t)CFG_ARGS(l, ipc_assoc_retransmit)->count;
    if ((l = cfg_first(n, E_IPC_INIT_TIMEOUT)))
        c->init_timeout = (uint32_t)CFG_ARGS(l, ipc_init_timeout)->ms;
    if ((l = cfg_first(n, E_IPC_KEEPALIVE)))
        c->keepalive = (uint32_t)CFG_ARGS(l, ipc_keepalive)->ms;
}

static void set_remote(const struct cfg_node *n, struct sso_cfg *c)
{
    const struct cfg_node *l = cfg_first(n, E_IPC_REMOTE_IP);
    c->remote_port = (uint16_t)CFG_ARGS(n, ipc_remote)->port;
    if (!l)
        return;
    c->remote[c->n_remote++] = CFG_ARGS(l, ipc_remote_ip)->addr;
    if (CFG_ARGS(l, ipc_remote_ip)->has_second)
        c->remote[c->n_remote++] = CFG_ARGS(l, ipc_remote_ip)->second;
}

static void set_association(const struct cfg_node *assoc, struct sso_cfg *c)
{
    const struct cfg_node *sctp = cfg_first(assoc, E_IPC_SCTP), *n;
    c->number = (uint32_t)CFG_ARGS(assoc, ipc_assoc)->id;
    if (!sctp)
        return;
    if ((n = cfg_first(sctp, E_IPC_LOCAL)))
        set_local(n, c);
    if ((n = cfg_first(sctp, E_IPC_REMOTE)))
        set_remote(n, c);
    c->association = !cfg_first(assoc, E_IPC_SHUTDOWN) && c->n_local && c->n_local == c->n_remote &&
                     c->local_port && c->remote_port;
}

void derive_sso(struct derive *d)
{
    struct sso_cfg *c = &d->out->sso;
    const struct cfg_node *root = d->tree->root, *zone = cfg_first(root, E_IPC_ZONE);
    const struct cfg_node *assoc = zone ? cfg_first(zone, E_IPC_ASSOC) : NULL;
    c->rto_min = RTO_MIN;
    c->rto_max = RTO_MAX;
    c->path_retransmit = c->assoc_retransmit = RETRANSMITS;
    const struct cfg_node *hold = cfg_first(root, E_IPC_HOLDQ_UPPER);
    c->hold = hold ? (uint32_t)CFG_ARGS(hold, ipc_holdq_upper)->count : SSO_HOLD;
    set_scheme(cfg_first(root, E_RED_INTERDEVICE), c);
    if (assoc)
        set_association(assoc, c);
    if (!c->inter_device || !c->association)
        return; /* nobody compares */
    whole_sections(d);
    map_sections(d);
}
