/*
 * SA payloads: composing, choosing, checking.
 *
 * A configured policy is lists of algorithms; ciphers that bring their own integrity cannot
 * stand in one proposal with those that do not (RFC 7296 §3.3), so a policy with both becomes
 * two proposals. Encryption without any integrity is neither offered nor taken (RFC 8221 §4).
 */
#include "control/ike/proposal.h"
#include <errno.h>

#define XFORMS_OUT (4 * IKE_ALGS + 2)

/* A configured list of one kind, seen alike whether its elements carry key bits or not. */
struct want {
    uint8_t type;
    const struct ike_alg *alg; /* encr */
    const uint16_t *id;        /* the others */
    uint8_t n;
};

static struct ike_xform_w want_at(const struct want *w, unsigned i)
{
    struct ike_xform_w x = {.type = w->type, .id = w->alg ? w->alg[i].id : w->id[i]};
    /* Only ciphers with several key sizes carry the attribute (§3.3.5). */
    const struct transform *t = transform_find(w->type, x.id, w->alg ? w->alg[i].keybits : 0);
    x.keybits = t ? t->keybits : 0;
    return x;
}

static const struct transform *known(const struct ike_crypto *c, const struct ike_xform_w *x)
{
    return ike_crypto_has(c, x->type, x->id, x->keybits)
               ? transform_find(x->type, x->id, x->keybits)
               : NULL;
}

/* --- composing --------------------------------------------------------------------------- */

struct xform_list {
    struct ike_xform_w x[XFORMS_OUT];
    unsigned n;
};

/* Appends those of a list that we can do; for ciphers only those with (or without) an AEAD's
 * own integrity. Returns how many. */
static unsigned add(struct xform_list *l, const struct ike_crypto *c, const struct want *w,
                    bool aead)
{
    unsigned before = l->n;

    for (unsigned i = 0; i < w->n && i < IKE_ALGS; i++) {
        struct ike_xform_w x = want_at(w, i);
        const struct transform *t = known(c, &x);
        if (!t || l->n == XFORMS_OUT)
            continue;
        if (w->type == T_ENCR && (t->icv_len > 0) != aead)
            continue;
        if (w->type == T_INTEG && x.id == INTEG_NONE)
            continue;
        l->x[l->n++] = x;
    }
    return l->n - before;
}

static bool ike_list(struct xform_list *l, const struct ike_crypto *c, const struct ike_policy *p,
                     bool aead)
{
    const struct want encr = {T_ENCR, p->encr, NULL, p->n_encr};
    const struct want integ = {T_INTEG, NULL, p->integ, p->n_integ};
    const struct want prf = {T_PRF, NULL, p->prf, p->n_prf};
    const struct want group = {T_DH, NULL, p->group, p->n_group};

    l->n = 0;
    return add(l, c, &encr, aead) && add(l, c, &prf, aead) && (aead || add(l, c, &integ, aead)) &&
           add(l, c, &group, aead);
}

int ike_w_sa_ike(struct ike_writer *w, const struct ike_crypto *c, const struct ike_policy *policy,
                 size_t n, uint64_t spi, struct ike_offer_origin *origin)
{
    struct xform_list l[IKE_PROPS_OUT];

    unsigned xforms = 0;

    origin->n = 0;
    for (size_t i = 0; i < n; i++) {
        for (int aead = 0; aead < 2 && origin->n < IKE_PROPS_OUT; aead++) {
            struct xform_list *list = &l[origin->n];
            if (!ike_list(list, c, &policy[i], aead) || xforms + list->n > IKE_OFFER_XFORMS)
                continue;
            xforms += list->n;
            origin->v[origin->n].priority = policy[i].priority;
            origin->v[origin->n].lifetime = policy[i].lifetime;
            origin->n++;
        }
    }
    if (origin->n == 0)
        return -ENOENT;
    ike_w_begin(w, PL_SA);
    for (unsigned i = 0; i < origin->n; i++) {
        struct ike_prop p = {.num = (uint8_t)(i + 1),
                             .proto = PROTO_IKE,
                             .spi_len = spi ? IKE_SPI_LEN : 0,
                             .spi = spi};
        ike_w_proposal(w, &p, l[i].x, l[i].n, i + 1u == origin->n);
    }
    ike_w_end(w);
    return 0;
}

static bool esp_list(struct xform_list *l, const struct ike_crypto *c,
                     const struct ike_child_cfg *cfg, const struct ike_esp_proposal *p, bool aead,
                     bool dh)
{
    const struct want encr = {T_ENCR, p->encr, NULL, p->n_encr};
    const struct want integ = {T_INTEG, NULL, p->integ, p->n_integ};

    l->n = 0;
    if (!add(l, c, &encr, aead) || (!aead && !add(l, c, &integ, aead)))
        return false;
    if (dh && cfg->pfs_group && l->n < XFORMS_OUT)
        l->x[l->n++] = (struct ike_xform_w){T_DH, cfg->pfs_group, 0};
    if (p->esn && l->n < XFORMS_OUT)
        l->x[l->n++] = (struct ike_xform_w){T_ESN, 1, 0};
    if (l->n < XFORMS_OUT)
        l->x[l->n++] = (struct ike_xform_w){T_ESN, 0, 0};
    return true;
}

int ike_w_sa_esp(struct ike_writer *w, const struct ike_crypto *c, const struct ike_child_cfg *cfg,
                 uint32_t spi, bool dh)
{
    struct xform_list l[2 * IKE_PROPOSALS];
    unsigned n = 0;

    for (unsigned i = 0; i < cfg->n_proposal && i < IKE_PROPOSALS; i++)
        for (int aead = 0; aead < 2; aead++)
            if (esp_list(&l[n], c, cfg, cfg->proposal[i], aead, dh))
                n++;
    if (n == 0)
        return -ENOENT;
    ike_w_begin(w, PL_SA);
    for (unsigned i = 0; i < n; i++) {
        struct ike_prop p = {.num = (uint8_t)(i + 1),
                             .proto = PROTO_ESP,
                             .spi_len = ESP_SPI_LEN,
                             .spi = spi};
        ike_w_proposal(w, &p, l[i].x, l[i].n, i + 1 == n);
    }
    ike_w_end(w);
    return 0;
}

/* --- choosing ---------------------------------------------------------------------------- */

static bool has(const struct ike_offer *o, const struct ike_prop *p, const struct ike_xform_w *x)
{
    for (unsigned i = p->first; i < p->first + p->n; i++)
        if (o->x[i].usable && o->x[i].type == x->type && o->x[i].id == x->id &&
            (x->keybits == 0 || o->x[i].keybits == x->keybits))
            return true;
    return false;
}

static bool has_type(const struct ike_offer *o, const struct ike_prop *p, uint8_t type)
{
    for (unsigned i = p->first; i < p->first + p->n; i++)
        if (o->x[i].type == type)
            return true;
    return false;
}

/* §3.3.6: a proposal with a transform type that does not belong there cannot be chosen. */
static bool only_types(const struct ike_offer *o, const struct ike_prop *p, unsigned mask)
{
    for (unsigned i = p->first; i < p->first + p->n; i++)
        if (o->x[i].type > T_ESN || !(mask & 1u << o->x[i].type))
            return false;
    return true;
}

/* The first of a configured list that the proposal has; false when none. */
static bool pick(const struct ike_offer *o, const struct ike_prop *p, const struct ike_crypto *c,
                 const struct want *w, uint16_t *id)
{
    for (unsigned i = 0; i < w->n && i < IKE_ALGS; i++) {
        struct ike_xform_w x = want_at(w, i);
        if (x.id != 0 && known(c, &x) && has(o, p, &x)) {
            *id = x.id;
            return true;
        }
    }
    return false;
}

/* Cipher and integrity together: an AEAD wants no integrity, or "none" (RFC 5282 §8). */
static bool pick_cipher(const struct ike_offer *o, const struct ike_prop *p,
                        const struct ike_crypto *c, const struct want *encr,
                        const struct want *integ, uint16_t *id, uint16_t *bits, uint16_t *integ_id)
{
    const struct ike_xform_w none = {T_INTEG, INTEG_NONE, 0};

    for (unsigned i = 0; i < encr->n && i < IKE_ALGS; i++) {
        struct ike_xform_w x = want_at(encr, i);
        const struct transform *t = known(c, &x);
        if (!t || !has(o, p, &x))
            continue;
        *integ_id = INTEG_NONE;
        if (t->icv_len ? !has_type(o, p, T_INTEG) || has(o, p, &none)
                       : pick(o, p, c, integ, integ_id)) {
            *id = x.id;
            *bits = x.keybits;
            return true;
        }
    }
    return false;
}

/* One proposal against one policy with the e-th of its ciphers. */
static bool match_ike(const struct ike_offer *o, const struct ike_prop *p,
                      const struct ike_crypto *c, const struct ike_policy *pol, unsigned e,
                      struct ike_suite *s)
{
    const struct want encr = {T_ENCR, &pol->encr[e], NULL, 1};
    const struct want integ = {T_INTEG, NULL, pol->integ, pol->n_integ};
    const struct want prf = {T_PRF, NULL, pol->prf, pol->n_prf};
    const struct want group = {T_DH, NULL, pol->group, pol->n_group};

    return p->proto == PROTO_IKE &&
           only_types(o, p, 1u << T_ENCR | 1u << T_INTEG | 1u << T_PRF | 1u << T_DH) &&
           pick_cipher(o, p, c, &encr, &integ, &s->encr, &s->encr_bits, &s->integ) &&
           pick(o, p, c, &prf, &s->prf) && pick(o, p, c, &group, &s->group);
}

int ike_choose_ike(const struct ike_offer *offer, const struct ike_crypto *c,
                   const struct ike_policy *policy, size_t n, struct ike_suite *suite, uint8_t *num)
{
    for (size_t i = 0; i < n; i++) {
        /* Our order of ciphers counts for more than the order of the proposals, which is
         * also forced by the split between AEAD and others. */
        for (unsigned e = 0; e < policy[i].n_encr && e < IKE_ALGS; e++) {
            for (unsigned k = 0; k < offer->n; k++) {
                struct ike_suite s = {0};
                if (!match_ike(offer, &offer->prop[k], c, &policy[i], e, &s))
                    continue;
                *suite = s;
                *num = offer->prop[k].num;
                return (int)i;
            }
        }
    }
    return -ENOENT;
}

/* The group of a child: ours where we want PFS, else what the peer wants (any we know). */
static bool pick_pfs(const struct ike_offer *o, const struct ike_prop *p,
                     const struct ike_crypto *c, uint16_t wanted, uint16_t *group)
{
    const struct ike_xform_w none = {T_DH, DH_NONE, 0};

    *group = DH_NONE;
    if (wanted) {
        const struct want w = {T_DH, NULL, &wanted, 1};
        return pick(o, p, c, &w, group);
    }
    if (!has_type(o, p, T_DH) || has(o, p, &none))
        return true;
    for (unsigned i = p->first; i < p->first + p->n; i++) {
        if (o->x[i].type == T_DH && o->x[i].usable && ike_dh_pub_len(o->x[i].id) > 0) {
            *group = o->x[i].id;
            return true;
        }
    }
    return false;
}

/* Extended numbers where we prefer them, or where the peer takes nothing else (§3.3.2). */
static bool pick_esn(const struct ike_offer *o, const struct ike_prop *p, bool wanted, bool *esn)
{
    const struct ike_xform_w yes = {T_ESN, 1, 0}, no = {T_ESN, 0, 0};

    bool plain = has(o, p, &no) || !has_type(o, p, T_ESN);

    *esn = has(o, p, &yes) && (wanted || !plain);
    return *esn || plain;
}

static bool match_esp(const struct ike_offer *o, const struct ike_prop *p,
                      const struct ike_crypto *c, const struct ike_child_cfg *cfg,
                      const struct ike_esp_proposal *own, unsigned e, bool dh,
                      struct ike_child_state *child)
{
    const struct want encr = {T_ENCR, &own->encr[e], NULL, 1};
    const struct want integ = {T_INTEG, NULL, own->integ, own->n_integ};
    uint16_t group = DH_NONE;

    /* §1.2: in IKE_AUTH there is no key agreement for the child; a group that stands there
     * nevertheless is passed over. */
    if (p->proto != PROTO_ESP || p->spi_len != ESP_SPI_LEN ||
        !only_types(o, p, 1u << T_ENCR | 1u << T_INTEG | 1u << T_DH | 1u << T_ESN) ||
        !pick_cipher(o, p, c, &encr, &integ, &child->encr, &child->encr_bits, &child->integ) ||
        !pick_esn(o, p, own->esn, &child->esn) ||
        (dh && !pick_pfs(o, p, c, cfg->pfs_group, &group)))
        return false;
    child->pfs_group = group;
    child->spi_out = (uint32_t)p->spi;
    return true;
}

int ike_choose_esp(const struct ike_offer *offer, const struct ike_crypto *c,
                   const struct ike_child_cfg *cfg, bool dh, struct ike_child_state *child,
                   uint8_t *num)
{
    for (unsigned i = 0; i < cfg->n_proposal && i < IKE_PROPOSALS; i++) {
        const struct ike_esp_proposal *own = cfg->proposal[i];
        for (unsigned e = 0; e < own->n_encr && e < IKE_ALGS; e++) {
            for (unsigned k = 0; k < offer->n; k++) {
                if (!match_esp(offer, &offer->prop[k], c, cfg, own, e, dh, child))
                    continue;
                *num = offer->prop[k].num;
                return 0;
            }
        }
    }
    return -ENOENT;
}

void ike_w_sa_ike_choice(struct ike_writer *w, const struct ike_suite *suite, uint8_t num,
                         uint64_t spi)
{
    struct ike_xform_w x[4];
    struct ike_prop p = {.num = num,
                         .proto = PROTO_IKE,
                         .spi_len = spi ? IKE_SPI_LEN : 0,
                         .spi = spi};
    unsigned n = 0;

    x[n++] = (struct ike_xform_w){T_ENCR, suite->encr, suite->encr_bits};
    x[n++] = (struct ike_xform_w){T_PRF, suite->prf, 0};
    if (suite->integ != INTEG_NONE)
        x[n++] = (struct ike_xform_w){T_INTEG, suite->integ, 0};
    x[n++] = (struct ike_xform_w){T_DH, suite->group, 0};
    ike_w_begin(w, PL_SA);
    ike_w_proposal(w, &p, x, n, true);
    ike_w_end(w);
}

void ike_w_sa_esp_choice(struct ike_writer *w, const struct ike_child_state *child, uint8_t num)
{
    struct ike_xform_w x[4];
    struct ike_prop p = {.num = num,
                         .proto = PROTO_ESP,
                         .spi_len = ESP_SPI_LEN,
                         .spi = child->spi_in};
    unsigned n = 0;

    x[n++] = (struct ike_xform_w){T_ENCR, child->encr, child->encr_bits};
    if (child->integ != INTEG_NONE)
        x[n++] = (struct ike_xform_w){T_INTEG, child->integ, 0};
    if (child->pfs_group != DH_NONE)
        x[n++] = (struct ike_xform_w){T_DH, child->pfs_group, 0};
    x[n++] = (struct ike_xform_w){T_ESN, child->esn, 0};
    ike_w_begin(w, PL_SA);
    ike_w_proposal(w, &p, x, n, true);
    ike_w_end(w);
}

/* --- checking the answer ----------------------------------------------------------------- */

/* §2.7: exactly one proposal, with one transform of each type, all of them from ours of the
 * same number. chosen[] is by transform type. */
static int check_answer(const struct ike_offer *offered, const struct ike_offer *answer,
                        uint8_t proto, struct ike_xform chosen[T_ESN + 1])
{
    const struct ike_prop *a = &answer->prop[0], *o = NULL;

    if (answer->n != 1 || a->proto != proto)
        return -EBADMSG;
    for (unsigned i = 0; i < offered->n; i++)
        if (offered->prop[i].num == a->num)
            o = &offered->prop[i];
    if (!o)
        return -EBADMSG;
    memset(chosen, 0, (T_ESN + 1) * sizeof *chosen);
    for (unsigned i = a->first; i < a->first + a->n; i++) {
        const struct ike_xform *x = &answer->x[i];
        struct ike_xform_w w = {x->type, x->id, x->keybits};
        if (x->type == 0 || x->type > T_ESN || chosen[x->type].type != 0 || !x->usable)
            return -EBADMSG;
        bool none = x->id == 0 && (x->type == T_INTEG || x->type == T_DH);
        if (!has(offered, o, &w) && !(none && !has_type(offered, o, x->type)))
            return -EBADMSG;
        chosen[x->type] = *x;
    }
    /* A type that we offered must be answered. */
    for (unsigned t = T_ENCR; t <= T_ESN; t++)
        if (has_type(offered, o, (uint8_t)t) && chosen[t].type == 0 && t != T_ESN)
            return -EBADMSG;
    return 0;
}

int ike_accept_ike(const struct ike_offer *offered, const struct ike_offer *answer,
                   struct ike_suite *suite, uint8_t *num)
{
    struct ike_xform x[T_ESN + 1];
    int err = check_answer(offered, answer, PROTO_IKE, x);

    if (err < 0)
        return err;
    *suite = (struct ike_suite){.encr = x[T_ENCR].id,
                                .encr_bits = x[T_ENCR].keybits,
                                .integ = x[T_INTEG].id,
                                .prf = x[T_PRF].id,
                                .group = x[T_DH].id};
    *num = answer->prop[0].num;
    return 0;
}

int ike_accept_esp(const struct ike_offer *answer, const struct ike_crypto *c,
                   const struct ike_child_cfg *cfg, bool dh, struct ike_child_state *child)
{
    uint8_t buf[2 * IKE_PROPOSALS * (12 + 12 * XFORMS_OUT) + 16];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    struct ike_offer offered;
    struct ike_xform x[T_ESN + 1];

    /* What we offered is made again: the configuration of a wish does not change. */
    int err = ike_w_sa_esp(&w, c, cfg, child->spi_in, dh);
    if (err == 0 && w.w.bad)
        err = -EMSGSIZE;
    if (err < 0)
        return err;
    struct ike_payload pl = {PL_SA, buf + 4, w.w.len - 4};
    if (ike_offer_read(&pl, &offered) < 0 || answer->prop[0].spi_len != ESP_SPI_LEN ||
        check_answer(&offered, answer, PROTO_ESP, x) < 0)
        return -EBADMSG;
    child->encr = x[T_ENCR].id;
    child->encr_bits = x[T_ENCR].keybits;
    child->integ = x[T_INTEG].id;
    child->esn = x[T_ESN].id == 1;
    child->pfs_group = x[T_DH].id;
    child->spi_out = (uint32_t)answer->prop[0].spi;
    return 0;
}

uint64_t ike_offer_spi(const struct ike_offer *offer, uint8_t num)
{
    for (unsigned i = 0; i < offer->n; i++)
        if (offer->prop[i].num == num && offer->prop[i].spi_len == IKE_SPI_LEN)
            return offer->prop[i].spi;
    return 0;
}

bool ike_offer_has_group(const struct ike_offer *offered, uint16_t group)
{
    for (unsigned i = 0; i < offered->n_x; i++)
        if (offered->x[i].type == T_DH && offered->x[i].id == group)
            return true;
    return false;
}

uint16_t ike_offer_group(const struct ike_offer *offered)
{
    for (unsigned i = 0; i < offered->n_x; i++)
        if (offered->x[i].type == T_DH)
            return offered->x[i].id;
    return DH_NONE;
}
