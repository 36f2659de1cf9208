/*
 * Proposals of phase 1: one proposal, a transform per policy (RFC 2409 §5, appendix A). The
 * responder answers with the transform that it takes as it came (RFC 2408 §4.2).
 */
#include "control/isakmp/internal.h"
#include <errno.h>

/* RFC 2409 appendix A and the IANA registry; by transform IDs of IKEv2. */
static const struct {
    uint16_t encr, wire;
} ciphers[] = {{ENCR_DES, 1}, {ENCR_3DES, 5}, {ENCR_AES_CBC, 7}};
static const struct {
    uint16_t prf, wire;
} hashes[] = {{PRF_MD5, 1}, {PRF_SHA1, 2}, {PRF_SHA256, 4}, {PRF_SHA384, 5}, {PRF_SHA512, 6}};

static uint16_t cipher_wire(uint16_t encr)
{
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++)
        if (ciphers[i].encr == encr)
            return ciphers[i].wire;
    return 0;
}

static uint16_t hash_wire(uint16_t prf)
{
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        if (hashes[i].prf == prf)
            return hashes[i].wire;
    return 0;
}

uint16_t isk_cipher_of_wire(uint64_t wire)
{
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++)
        if (ciphers[i].wire == wire)
            return ciphers[i].encr;
    return 0;
}

uint16_t isk_hash_of_wire(uint64_t wire)
{
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        if (hashes[i].wire == wire)
            return hashes[i].prf;
    return 0;
}

/* A policy that can be spoken: its algorithms are there and the key is shared. */
static bool usable(const struct isk_sa *sa, const struct isakmp_policy *p)
{
    const struct ike_crypto *c = sa->k->c;

    return p->auth == ISK_AUTH_PSK && cipher_wire(p->encr.id) && hash_wire(p->hash) &&
           ike_crypto_has(c, T_ENCR, p->encr.id, p->encr.keybits) && ike_prf_len(p->hash) > 0 &&
           ike_dh_pub_len(p->group) > 0;
}

static uint64_t attr(const struct isk_xform *x, uint16_t type)
{
    const struct isk_attr *a = isk_attr_find(x, type);
    return a ? a->value : 0;
}

uint64_t isk_life1(const struct isk_xform *x)
{
    /* A duration follows its type; of several types only seconds count here. */
    for (unsigned i = 0; i + 1 < x->n_attr; i++)
        if (x->attr[i].type == ISA_LIFE_TYPE && x->attr[i].value == ISL_SECONDS &&
            x->attr[i + 1].type == ISA_LIFE)
            return x->attr[i + 1].value;
    return 0;
}

enum isk_mismatch isk_match1(const struct isk_xform *x, const struct isakmp_policy *p)
{
    uint64_t bits = attr(x, ISA_KEY_LENGTH);

    if (x->id != ISK_TRANSFORM_IKE || attr(x, ISA_ENCR) != cipher_wire(p->encr.id))
        return ISK_OTHER_CIPHER;
    if (bits != p->encr.keybits && (p->encr.id == ENCR_AES_CBC || bits != 0))
        return ISK_OTHER_KEY_LENGTH;
    if (attr(x, ISA_HASH) != hash_wire(p->hash))
        return ISK_OTHER_HASH;
    if (attr(x, ISA_AUTH) != ISK_AUTH_PSK)
        return ISK_OTHER_AUTH;
    if (attr(x, ISA_GROUP) != p->group)
        return ISK_OTHER_GROUP;
    return ISK_MATCHES;
}

int isk_w_offer1(struct isk_sa *sa, struct ike_writer *w, const struct isakmp_policy *policy,
                 size_t n)
{
    struct isk_nego *g = sa->nego;
    struct isk_sa_w s;
    size_t start = w->w.len + 4;

    g->n_policy = 0;
    for (size_t i = 0; i < n && g->n_policy < ISK_POLICIES_MAX; i++)
        if (usable(sa, &policy[i]) &&
            (!sa->s.aggressive || !g->n_policy || policy[i].group == g->policy[0].group))
            g->policy[g->n_policy++] = policy[i];
    if (g->n_policy == 0)
        return -ENOENT;
    s = isk_w_sa_begin(w);
    isk_w_prop_begin(&s, 1, ISPROTO_ISAKMP, NULL);
    for (size_t i = 0; i < g->n_policy; i++) {
        const struct isakmp_policy *p = &g->policy[i];
        isk_w_xform_begin(&s, (uint8_t)(i + 1), ISK_TRANSFORM_IKE);
        isk_w_attr(&s, ISA_ENCR, cipher_wire(p->encr.id));
        if (p->encr.id == ENCR_AES_CBC)
            isk_w_attr(&s, ISA_KEY_LENGTH, p->encr.keybits);
        isk_w_attr(&s, ISA_HASH, hash_wire(p->hash));
        isk_w_attr(&s, ISA_GROUP, p->group);
        isk_w_attr(&s, ISA_AUTH, ISK_AUTH_PSK);
        if (p->lifetime) {
            isk_w_attr(&s, ISA_LIFE_TYPE, ISL_SECONDS);
            isk_w_attr_long(&s, ISA_LIFE, p->lifetime, false);
        }
        isk_w_xform_end(&s);
    }
    isk_w_prop_end(&s);
    isk_w_sa_end(&s);
    return w->w.bad ? -EMSGSIZE : isk_keep(&g->sa_i, w->w.p + start, w->w.len - start);
}

static void take(struct isk_sa *sa, const struct isakmp_policy *p, const struct isk_xform *x)
{
    uint64_t theirs = isk_life1(x);

    sa->s.suite = (struct ike_suite){.encr = p->encr.id,
                                     .encr_bits = p->encr.keybits,
                                     .prf = p->hash,
                                     .group = p->group};
    sa->s.policy_priority = p->priority;
    sa->s.lifetime = p->lifetime;
    if (theirs && (!p->lifetime || theirs < p->lifetime))
        sa->s.lifetime = (uint32_t)theirs;
    sa->shortened = theirs && p->lifetime && p->lifetime < theirs;
}

/* The body of our SA payload: the transform taken, to the byte. */
static int keep_choice(struct isk_sa *sa, const struct isk_prop *p, const struct isk_xform *x)
{
    uint8_t buf[512];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    struct isk_sa_w s = isk_w_sa_begin(&w);

    isk_w_prop_begin(&s, p->num, ISPROTO_ISAKMP, NULL);
    isk_w_xform_begin(&s, x->num, x->id);
    wbuf_bytes(&w.w, x->raw, x->raw_len);
    isk_w_xform_end(&s);
    isk_w_prop_end(&s);
    isk_w_sa_end(&s);
    return w.w.bad ? -EMSGSIZE : isk_keep(&sa->nego->choice, buf + 4, w.w.len - 4);
}

int isk_choose1(struct isk_sa *sa, const struct isk_offer *offer,
                const struct isakmp_policy *policy, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct isakmp_policy *p = &policy[i];
        for (unsigned j = 0; j < offer->n && usable(sa, p); j++) {
            const struct isk_prop *prop = &offer->prop[j];
            for (unsigned t = 0; prop->proto == ISPROTO_ISAKMP && t < prop->n; t++) {
                const struct isk_xform *x = &offer->x[prop->first + t];
                enum isk_mismatch m = isk_match1(x, p);
                isk_debug_xform1(sa, x, x->num, p->priority);
                isk_debug_verdict1(sa, m, t + 1 < prop->n ? 3 : 0);
                if (m != ISK_MATCHES)
                    continue;
                take(sa, p, x);
                return keep_choice(sa, prop, x);
            }
        }
    }
    isk_mismatch1(sa, offer, policy, n);
    return -ENOENT;
}

int isk_accept1(struct isk_sa *sa, const struct isk_offer *answer)
{
    const struct isk_nego *g = sa->nego;
    const struct isk_xform *x = &answer->x[0];

    if (answer->n != 1 || answer->n_x != 1 || answer->prop[0].proto != ISPROTO_ISAKMP)
        return -EBADMSG;
    for (size_t i = 0; i < g->n_policy; i++) {
        enum isk_mismatch m = isk_match1(x, &g->policy[i]);
        isk_debug_xform1(sa, x, x->num, g->policy[i].priority);
        isk_debug_verdict1(sa, m, 0);
        if (m == ISK_MATCHES) {
            take(sa, &g->policy[i], x);
            return 0;
        }
    }
    return -EBADMSG;
}
