/*
 * Proposals of quick mode, RFC 2407 §4.4 and §4.5: a numbered proposal per transform set and pair
 * of algorithms; AH and ESP of one set have the same number (RFC 2408 §4.2: both or none).
 */
#include "control/isakmp/internal.h"
#include <errno.h>

/* Transforms of ESP by transform IDs of IKEv2, RFC 2407 §4.4.4 and IANA. */
static const struct {
    uint16_t encr;
    uint8_t wire;
} ciphers[] = {{ENCR_DES, 2},      {ENCR_3DES, 3},       {ENCR_NULL, 11},
               {ENCR_AES_CBC, 12}, {ENCR_AES_GCM16, 20}, {ENCR_AES_GMAC, 23}};
/* Authentication algorithms §4.5, and the transforms of AH §4.4.3. */
static const struct {
    uint16_t integ;
    uint8_t auth, ah;
} hashes[] = {{INTEG_MD5_96, 1, 2},
              {INTEG_SHA1_96, 2, 3},
              {INTEG_SHA256_128, 5, 5},
              {INTEG_SHA384_192, 6, 6},
              {INTEG_SHA512_256, 7, 7}};

static uint8_t cipher_wire(uint16_t encr)
{
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++)
        if (ciphers[i].encr == encr)
            return ciphers[i].wire;
    return 0;
}

static uint8_t auth_wire(uint16_t integ)
{
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        if (hashes[i].integ == integ)
            return hashes[i].auth;
    return 0;
}

static uint8_t ah_wire(uint16_t integ)
{
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        if (hashes[i].integ == integ)
            return hashes[i].ah;
    return 0;
}

uint16_t isk_esp_of_wire(uint8_t wire)
{
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++)
        if (ciphers[i].wire == wire)
            return ciphers[i].encr;
    return 0;
}

uint16_t isk_integ_of_wire(uint64_t wire)
{
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        if (hashes[i].auth == wire)
            return hashes[i].integ;
    return INTEG_NONE;
}

/* --- what we can say ------------------------------------------------------------------------- */

/* One way to protect: what one proposal number means. */
struct combo {
    const struct ike_esp_proposal *from;
    struct ike_alg encr; /* id 0: AH alone */
    uint16_t integ, ah;  /* of ESP; of AH */
    uint8_t mode;
};

static bool fits(const struct ike_crypto *c, const struct combo *x)
{
    const struct transform *t = transform_find(T_ENCR, x->encr.id, x->encr.keybits);

    if (x->encr.id == 0)
        return x->ah != INTEG_NONE && ah_wire(x->ah);
    if (!t || !cipher_wire(x->encr.id) || !ike_crypto_has(c, T_ENCR, x->encr.id, x->encr.keybits) ||
        (x->integ != INTEG_NONE && !auth_wire(x->integ)))
        return false;
    /* An AEAD has its own integrity; another cipher needs some, be it AH's. */
    return t->icv_len ? x->integ == INTEG_NONE : x->integ != INTEG_NONE || x->ah != INTEG_NONE;
}

uint8_t isk_mode_for(const struct isk_sa *sa, const struct ike_child_cfg *cfg,
                     const struct ike_esp_proposal *p)
{
    const struct addr_range *l = &cfg->sel.local, *r = &cfg->sel.remote;
    uint8_t mode = p->mode ? p->mode : cfg->mode;

    /* Only between the two ends themselves: else there is nothing but tunnel mode. */
    if (mode != SADB_TRANSPORT || !addr_eq(&l->lo, &l->hi) || !addr_eq(&r->lo, &r->hi) ||
        !addr_eq(&l->lo, &sa->s.path.local) || !addr_eq(&r->lo, &sa->s.path.remote))
        return SADB_TUNNEL;
    return SADB_TRANSPORT;
}

/* Calls fn for each way of each proposal, in order, until it returns true. */
static bool each_combo(const struct isk_sa *sa, const struct ike_child_cfg *cfg,
                       bool (*fn)(void *ctx, const struct combo *x), void *ctx)
{
    for (unsigned i = 0; i < cfg->n_proposal && i < IKE_PROPOSALS; i++) {
        const struct ike_esp_proposal *p = cfg->proposal[i];
        unsigned n_e = p->n_encr ? p->n_encr : 1, n_a = p->n_integ ? p->n_integ : 1;
        for (unsigned e = 0; e < n_e; e++)
            for (unsigned a = 0; a < n_a; a++) {
                struct combo x = {.from = p, .ah = p->ah, .mode = isk_mode_for(sa, cfg, p)};
                if (p->n_encr) {
                    const struct transform *t =
                        transform_find(T_ENCR, p->encr[e].id, p->encr[e].keybits);
                    x.encr = p->encr[e];
                    x.integ = p->n_integ && !(t && t->icv_len) ? p->integ[a] : INTEG_NONE;
                }
                if (fits(sa->k->c, &x) && fn(ctx, &x))
                    return true;
            }
    }
    return false;
}

/* --- writing --------------------------------------------------------------------------------- */

struct offering {
    struct isk_sa *sa;
    struct isk_node *n;
    struct isk_sa_w s;
    uint8_t num;
};

static void w_attrs(struct offering *o, const struct combo *x, uint16_t integ, bool key)
{
    const struct ike_child_cfg *cfg = &o->n->want->cfg;
    struct isk_sa_w *s = &o->s;

    isk_w_attr(s, ISB_MODE, isk_wire_mode(o->sa, x->mode));
    if (cfg->life_seconds) {
        isk_w_attr(s, ISB_LIFE_TYPE, ISL_SECONDS);
        isk_w_attr_long(s, ISB_LIFE, cfg->life_seconds, true);
    }
    if (cfg->life_kbytes && cfg->life_kbytes <= UINT32_MAX) {
        isk_w_attr(s, ISB_LIFE_TYPE, ISL_KBYTES);
        isk_w_attr_long(s, ISB_LIFE, (uint32_t)cfg->life_kbytes, false);
    }
    if (integ != INTEG_NONE)
        isk_w_attr(s, ISB_AUTH, auth_wire(integ));
    if (key && x->encr.keybits)
        isk_w_attr(s, ISB_KEY_LENGTH, x->encr.keybits);
    if (cfg->pfs_group)
        isk_w_attr(s, ISB_GROUP, cfg->pfs_group);
}

static bool w_combo(void *ctx, const struct combo *x)
{
    struct offering *o = ctx;
    struct isk_sa_w *s = &o->s;
    const struct ike_child_state *c = &o->n->child;

    o->num++;
    if (x->ah != INTEG_NONE) {
        isk_w_prop_begin(s, o->num, ISPROTO_AH, x->encr.id ? &c->ah_spi_in : &c->spi_in);
        isk_w_xform_begin(s, 1, ah_wire(x->ah));
        w_attrs(o, x, x->ah, false);
        isk_w_xform_end(s);
        isk_w_prop_end(s);
    }
    if (x->encr.id) {
        isk_w_prop_begin(s, o->num, ISPROTO_ESP, &c->spi_in);
        isk_w_xform_begin(s, 1, cipher_wire(x->encr.id));
        w_attrs(o, x, x->integ, true);
        isk_w_xform_end(s);
        isk_w_prop_end(s);
    }
    return o->num == ISK_OFFER_PROPS / 2; /* what a reader of ours would take */
}

int isk_w_offer2(struct isk_sa *sa, struct ike_writer *w, struct isk_node *n)
{
    struct offering o = {.sa = sa, .n = n};

    o.s = isk_w_sa_begin(w);
    each_combo(sa, &n->want->cfg, w_combo, &o);
    isk_w_sa_end(&o.s);
    return o.num == 0 ? -ENOENT : w->w.bad ? -EMSGSIZE : 0;
}

/* --- matching -------------------------------------------------------------------------------- */

static uint64_t attr(const struct isk_xform *x, uint16_t type)
{
    const struct isk_attr *a = isk_attr_find(x, type);
    return a ? a->value : 0;
}

void isk_life_read(const struct isk_xform *x, uint64_t *seconds, uint64_t *kbytes)
{
    *seconds = *kbytes = 0;
    for (unsigned i = 0; i + 1 < x->n_attr; i++)
        if (x->attr[i].type == ISB_LIFE_TYPE && x->attr[i + 1].type == ISB_LIFE)
            *(x->attr[i].value == ISL_KBYTES ? kbytes : seconds) = x->attr[i + 1].value;
}

static bool xform_meets(const struct isk_sa *sa, const struct isk_xform *x, const struct combo *c,
                        bool ah)
{
    uint16_t integ = ah ? c->ah : c->integ;
    uint64_t bits = attr(x, ISB_KEY_LENGTH);
    uint8_t mode = isk_mode_of_wire(sa, isk_attr_find(x, ISB_MODE) ? attr(x, ISB_MODE) : 1);

    if (x->id != (ah ? ah_wire(c->ah) : cipher_wire(c->encr.id)) ||
        attr(x, ISB_AUTH) != (integ == INTEG_NONE ? 0 : auth_wire(integ)))
        return false;
    /* RFC 2407 §4.5: without the attribute AES has 128 bits */
    if (!ah && bits != c->encr.keybits && !(c->encr.keybits == 128 && bits == 0) &&
        c->encr.keybits != 0)
        return false;
    return mode != 0 && (mode == c->mode || c->mode == SADB_TRANSPORT);
}

/* A proposal number: its part of this protocol, and the transform of it that meets. */
static const struct isk_xform *part_meets(const struct isk_sa *sa, const struct isk_offer *o,
                                          uint8_t num, uint8_t proto, const struct combo *c,
                                          uint16_t group, const struct isk_prop **prop)
{
    for (unsigned i = 0; i < o->n; i++) {
        const struct isk_prop *p = &o->prop[i];
        if (p->num != num || p->proto != proto || p->spi_len != ESP_SPI_LEN || p->spi < 256)
            continue;
        for (unsigned t = 0; t < p->n; t++) {
            const struct isk_xform *x = &o->x[p->first + t];
            if (xform_meets(sa, x, c, proto == ISPROTO_AH) && attr(x, ISB_GROUP) == group) {
                *prop = p;
                return x;
            }
        }
    }
    return NULL;
}

static unsigned parts_of(const struct isk_offer *o, uint8_t num)
{
    unsigned n = 0;

    for (unsigned i = 0; i < o->n; i++)
        n += o->prop[i].num == num;
    return n;
}

struct choosing {
    struct isk_sa *sa;
    struct isk_node *n;
    const struct isk_offer *offer;
    uint16_t group; /* of the KE payload */
    const struct isk_prop *esp, *ah;
    const struct isk_xform *x_esp, *x_ah;
    struct combo combo;
};

static bool meets(struct choosing *c, uint8_t num, const struct combo *x)
{
    bool want_ah = x->ah != INTEG_NONE, want_esp = x->encr.id != 0;

    c->x_esp = c->x_ah = NULL;
    if (parts_of(c->offer, num) != (unsigned)want_ah + want_esp)
        return false;
    if (want_esp)
        c->x_esp = part_meets(c->sa, c->offer, num, ISPROTO_ESP, x, c->group, &c->esp);
    if (want_ah)
        c->x_ah = part_meets(c->sa, c->offer, num, ISPROTO_AH, x, c->group, &c->ah);
    return (!want_esp || c->x_esp) && (!want_ah || c->x_ah);
}

static bool choose(void *ctx, const struct combo *x)
{
    struct choosing *c = ctx;

    for (unsigned i = 0; i < c->offer->n; i++) {
        if (i > 0 && c->offer->prop[i].num == c->offer->prop[i - 1].num)
            continue;
        if (meets(c, c->offer->prop[i].num, x)) {
            c->combo = *x;
            return true;
        }
    }
    return false;
}

static void shorter(struct isk_node *n, const struct isk_xform *x)
{
    struct ike_child_state *c = &n->child;
    uint64_t seconds, kbytes;

    isk_life_read(x, &seconds, &kbytes);
    if (seconds && (!c->life_seconds || seconds < c->life_seconds))
        c->life_seconds = (uint32_t)seconds;
    else
        n->shortened |= seconds && c->life_seconds < seconds;
    if (kbytes && (!c->life_kbytes || kbytes < c->life_kbytes))
        c->life_kbytes = kbytes;
    else
        n->shortened |= kbytes && c->life_kbytes < kbytes;
}

/* What was agreed goes into the child. */
static void take(const struct choosing *c)
{
    struct ike_child_state *child = &c->n->child;
    const struct isk_xform *x = c->x_esp ? c->x_esp : c->x_ah;
    uint8_t mode = isk_mode_of_wire(c->sa, isk_attr_find(x, ISB_MODE) ? attr(x, ISB_MODE) : 1);
    bool alone = !c->x_esp;

    child->proto = alone ? SADB_AH : SADB_ESP;
    child->mode = mode;
    child->encr = c->combo.encr.id;
    child->encr_bits = c->combo.encr.keybits;
    child->integ = alone ? c->combo.ah : c->combo.integ;
    child->ah_integ = alone ? INTEG_NONE : c->combo.ah;
    child->spi_out = alone ? c->ah->spi : c->esp->spi;
    child->ah_spi_out = !alone && c->x_ah ? c->ah->spi : 0;
    if (alone || !c->x_ah)
        child->ah_spi_in = 0;
    child->pfs_group = c->group;
    shorter(c->n, x);
    if (c->x_esp && c->x_ah)
        shorter(c->n, c->x_ah);
}

static void w_part(struct isk_sa_w *s, const struct isk_prop *p, const struct isk_xform *x,
                   uint32_t spi)
{
    isk_w_prop_begin(s, p->num, p->proto, &spi);
    isk_w_xform_begin(s, x->num, x->id);
    wbuf_bytes(&s->w->w, x->raw, x->raw_len);
    isk_w_xform_end(s);
    isk_w_prop_end(s);
}

int isk_choose2(struct isk_sa *sa, const struct isk_offer *offer, struct isk_node *n,
                const struct ike_child_cfg *cfg)
{
    struct choosing c = {.sa = sa, .n = n, .offer = offer, .group = n->child.pfs_group};
    uint8_t buf[1024];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);

    /* Ours where we want forward secrecy, else what the peer wants (any that we know). */
    if ((cfg->pfs_group && cfg->pfs_group != c.group) || !each_combo(sa, cfg, choose, &c))
        return -ENOENT;
    take(&c);
    n->child.spi_in = isk_random_spi(sa->k);
    n->child.ah_spi_in = c.x_esp && c.x_ah ? isk_random_spi(sa->k) : 0;
    struct isk_sa_w s = isk_w_sa_begin(&w);
    if (c.x_ah)
        w_part(&s, c.ah, c.x_ah, c.x_esp ? n->child.ah_spi_in : n->child.spi_in);
    if (c.x_esp)
        w_part(&s, c.esp, c.x_esp, n->child.spi_in);
    isk_w_sa_end(&s);
    return w.w.bad ? -EMSGSIZE : isk_keep(&n->choice, buf + 4, w.w.len - 4);
}

int isk_accept2(struct isk_sa *sa, const struct isk_offer *answer, struct isk_node *n)
{
    struct choosing c = {.sa = sa, .n = n, .offer = answer, .group = n->want->cfg.pfs_group};

    /* One proposal, of each protocol one transform */
    for (unsigned i = 0; i < answer->n; i++)
        if (answer->prop[i].num != answer->prop[0].num || answer->prop[i].n != 1)
            return -EBADMSG;
    if (!each_combo(sa, &n->want->cfg, choose, &c))
        return -EBADMSG;
    take(&c);
    return 0;
}
