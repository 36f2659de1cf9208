/*
 * IKEv1 in the intent: policies and keys, of IOS (crypto isakmp) and of the ASA (crypto ikev1).
 */
#include "modes/derive.h"
#include "lib/str.h"
#include <stdio.h>
#include <string.h>

#define LIFETIME       86400u
#define AUTH_PSK       1u /* RFC 2409 appendix A */
#define AUTH_RSA_SIG   3u
#define AUTH_RSA_ENCR  4u
#define DEFAULT_FIRST  65507u
#define IN_TABLE(t, i) ((unsigned)(i) < sizeof(t) / sizeof *(t))

/* In the order of the enums of grammars/isakmp.cg. */
static const struct ike_alg isakmp_cipher[] = {{ENCR_DES, 0}, {ENCR_3DES, 0}};
static const uint16_t isakmp_hash[] = {PRF_SHA1, PRF_MD5, PRF_SHA256, PRF_SHA384, PRF_SHA512};
static const uint16_t isakmp_auth[] = {AUTH_PSK, AUTH_RSA_SIG, AUTH_RSA_ENCR};
static const uint16_t dh_group[] = {DH_768,  DH_1024,   DH_1536,   DH_2048,   DH_3072,
                                    DH_4096, DH_ECP256, DH_ECP384, DH_ECP521, DH_2048_256};

/* --- policies ------------------------------------------------------------------------------------
 */

/* What a policy without lines is (config-ios.md §4). */
static void ios_policy(const struct cfg_node *n, struct isakmp_policy *p)
{
    const struct cfg_node *l;
    *p = (struct isakmp_policy){.priority = (uint32_t)CFG_ARGS(n, isakmp_policy)->priority,
                                .encr = {ENCR_DES, 0},
                                .hash = PRF_SHA1,
                                .group = DH_768,
                                .auth = AUTH_RSA_SIG,
                                .lifetime = LIFETIME};
    if ((l = cfg_first(n, E_ISAKMP_ENCR))) {
        const struct a_isakmp_encr *a = CFG_ARGS(l, isakmp_encr);
        if (a->aes)
            p->encr = (struct ike_alg){ENCR_AES_CBC, derive_aes_bits(a->has_bits, a->bits)};
        else if (IN_TABLE(isakmp_cipher, a->alg))
            p->encr = isakmp_cipher[a->alg];
    }
    if ((l = cfg_first(n, E_ISAKMP_HASH)) && IN_TABLE(isakmp_hash, CFG_ARGS(l, isakmp_hash)->alg))
        p->hash = isakmp_hash[CFG_ARGS(l, isakmp_hash)->alg];
    if ((l = cfg_first(n, E_ISAKMP_AUTH)) &&
        IN_TABLE(isakmp_auth, CFG_ARGS(l, isakmp_auth)->method))
        p->auth = isakmp_auth[CFG_ARGS(l, isakmp_auth)->method];
    if ((l = cfg_first(n, E_ISAKMP_GROUP)) && IN_TABLE(dh_group, CFG_ARGS(l, isakmp_group)->group))
        p->group = dh_group[CFG_ARGS(l, isakmp_group)->group];
    if ((l = cfg_first(n, E_ISAKMP_LIFETIME)))
        p->lifetime = (uint32_t)CFG_ARGS(l, isakmp_lifetime)->seconds;
}

/* IOS has eight policies where none is configured: `show crypto isakmp default policy`. */
static void default_policies(struct intent *out)
{
    static const struct {
        struct ike_alg encr;
        uint16_t group;
    } strength[] = {{{ENCR_AES_CBC, 128}, DH_1536}, {{ENCR_3DES, 0}, DH_1024}};
    out->isakmp = arena_array(&out->arena, struct isakmp_policy, 8);
    for (unsigned i = 0; out->isakmp && i < 8; i++)
        out->isakmp[out->n_isakmp++] =
            (struct isakmp_policy){.priority = DEFAULT_FIRST + i,
                                   .encr = strength[i / 4].encr,
                                   .hash = i / 2 % 2 ? PRF_MD5 : PRF_SHA1,
                                   .group = strength[i / 4].group,
                                   .auth = i % 2 ? AUTH_PSK : AUTH_RSA_SIG,
                                   .lifetime = LIFETIME};
}

void derive_isakmp(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    size_t n = cfg_count(root, E_ISAKMP_POLICY);
    out->invalid_spi_recovery = cfg_first(root, E_ISAKMP_SPI_RECOVERY) != NULL;
    if (!n && !cfg_first(root, E_ISAKMP_NO_DEFAULT)) {
        default_policies(out);
        return;
    }
    out->isakmp = arena_array(&out->arena, struct isakmp_policy, n);
    if (!out->isakmp)
        return;
    cfg_each(root, E_ISAKMP_POLICY, p) /* sorted in the tree */
        ios_policy(p, &out->isakmp[out->n_isakmp++]);
}

/* --- keys ----------------------------------------------------------------------------------------
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

void derive_fqdn(const struct cfg_node *root, char *buf, size_t cap)
{
    const struct cfg_node *h = cfg_first(root, E_HOSTNAME), *d = cfg_first(root, E_DOMAIN_NAME_IOS);
    str_copy(buf, cap, h ? CFG_ARGS(h, hostname)->name : "Router");
    if (!d)
        return;
    size_t n = strlen(buf);
    snprintf(buf + n, cap - n, ".%s", CFG_ARGS(d, domain_name_ios)->name);
}

/* How this end calls itself: by address unless `crypto isakmp identity hostname`, which is the
 * whole name. A name in a certificate needs one: without, the address. */
static struct ike_identity own_identity(const struct cfg_node *root)
{
    struct ike_identity id = {0};
    char name[IKE_ID_MAX];
    const struct cfg_node *l = cfg_first(root, E_ISAKMP_IDENTITY);
    if (l && CFG_ARGS(l, isakmp_identity)->hostname) {
        derive_fqdn(root, name, sizeof name);
        derive_identity(&id, 2, name); /* RFC 2407 §4.6.2.1: ID_FQDN */
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

/* Whose key a line gives: one address, those of a network, or a name. */
static void key_owner(const struct a_isakmp_key *a, struct intent_key *k)
{
    int len = a->has_mask ? addr_mask_to_len(&a->mask) : 32;
    if (a->has_net)
        k->remote = prefix_make(&a->net.addr, a->net.len);
    else if (a->has_addr && len >= 0)
        k->remote = prefix_make(&a->addr, (unsigned)len);
    if (a->has_host)
        str_copy(k->host, sizeof k->host, a->host);
}

void derive_keys(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    struct isakmp_peer_cfg common = {0};
    peer_defaults(root, &common);
    out->key = arena_array(&out->arena, struct intent_key, cfg_count(root, E_ISAKMP_KEY));
    if (!out->key)
        return;
    cfg_each(root, E_ISAKMP_KEY, n)
    {
        const struct a_isakmp_key *a = CFG_ARGS(n, isakmp_key);
        if (a->encrypted)
            continue; /* nobody here can read it */
        struct intent_key *k = &out->key[out->n_key++];
        k->cfg = common;
        k->cfg.no_xauth = a->no_xauth;
        k->cfg.psk = derive_key(out, a->key, &k->cfg.psk_len);
        key_owner(a, k);
    }
}
