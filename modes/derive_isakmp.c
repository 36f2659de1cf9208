/*
 * Policies of IKEv1 in the intent, of IOS (crypto isakmp) and of the ASA (crypto ikev1).
 */
#include "modes/derive.h"

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

uint16_t derive_ios_group(int group)
{
    return IN_TABLE(dh_group, group) ? dh_group[group] : DH_768;
}

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
    if ((l = cfg_first(n, E_ISAKMP_GROUP)))
        p->group = derive_ios_group(CFG_ARGS(l, isakmp_group)->group);
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
