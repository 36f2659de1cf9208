/*
 * When no proposal is chosen: what the peer offered and what is configured, side by side, for
 * `debug crypto ikev2 protocol` and the log. Only names of algorithms appear here.
 *
 * A peer can make this happen as often as it likes and offer as much as fits its message, so
 * the texts are cut at a bound and the host limits the rate of the log.
 */
#include "control/ike/internal.h"
#include "lib/str.h"

#define TEXT_MOST 360 /* of one side */

static void put_name(struct str *s, uint8_t type, uint16_t id, uint16_t bits)
{
    const struct transform *t = transform_find(type, id, bits);
    if (type == T_DH)
        str_printf(s, "group %u", id);
    else if (type == T_INTEG && id == INTEG_NONE)
        str_add(s, "no hash");
    else if (t)
        str_printf(s, type == T_PRF ? "PRF-%s" : "%s", t->ike);
    else
        str_printf(s, "type %u transform %u", type, id);
    if (type == T_ENCR && bits)
        str_printf(s, "-%u", bits);
}

static void put_comma(struct str *s, size_t start)
{
    if (s->len > start)
        str_add(s, ", ");
}

/* What the peer offered, one pair of braces per proposal. */
static void put_offer(struct str *s, const struct ike_offer *o)
{
    for (unsigned i = 0; i < o->n && s->len < TEXT_MOST; i++) {
        const struct ike_prop *p = &o->prop[i];
        str_add(s, i ? " {" : "{");
        size_t start = s->len;
        for (unsigned k = p->first; k < p->first + p->n && s->len < TEXT_MOST; k++) {
            if (o->x[k].type == T_ESN)
                continue;
            put_comma(s, start);
            put_name(s, o->x[k].type, o->x[k].id, o->x[k].keybits);
        }
        str_addc(s, '}');
    }
    if (s->len >= TEXT_MOST)
        str_add(s, " ...");
}

static void put_list(struct str *s, size_t start, uint8_t type, const uint16_t *id, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        put_comma(s, start);
        put_name(s, type, id[i], 0);
    }
}

static void put_ciphers(struct str *s, size_t start, const struct ike_alg *a, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        put_comma(s, start);
        put_name(s, T_ENCR, a[i].id, a[i].keybits);
    }
}

static void put_policies(struct str *s, const struct ike_policy *p, size_t n)
{
    for (size_t i = 0; i < n && s->len < TEXT_MOST; i++) {
        str_printf(s, i ? " %u {" : "%u {", p[i].priority);
        size_t start = s->len;
        put_ciphers(s, start, p[i].encr, p[i].n_encr);
        put_list(s, start, T_INTEG, p[i].integ, p[i].n_integ);
        put_list(s, start, T_PRF, p[i].prf, p[i].n_prf);
        put_list(s, start, T_DH, p[i].group, p[i].n_group);
        str_addc(s, '}');
    }
    if (s->len >= TEXT_MOST)
        str_add(s, " ...");
}

static void put_proposals(struct str *s, const struct ike_child_cfg *cfg, bool dh)
{
    for (unsigned i = 0; i < cfg->n_proposal && i < IKE_PROPOSALS && s->len < TEXT_MOST; i++) {
        const struct ike_esp_proposal *p = cfg->proposal[i];
        str_printf(s, i ? " %s {" : "%s {", p->name);
        size_t start = s->len;
        put_ciphers(s, start, p->encr, p->n_encr);
        put_list(s, start, T_INTEG, p->integ, p->n_integ);
        if (dh && cfg->pfs_group)
            put_list(s, start, T_DH, &cfg->pfs_group, 1);
        str_addc(s, '}');
    }
    if (s->len >= TEXT_MOST)
        str_add(s, " ...");
}

static void tell(struct ike *ike, const struct ike_sa *sa, const struct ike_path *p,
                 const char *what, struct str *offered, struct str *own)
{
    char peer[ADDR_STRLEN];
    struct str line = {0};
    addr_print(&p->remote, peer, sizeof peer);
    if (ike_debugging(ike, IKE_DBG_ERROR, 2)) {
        char head[64];
        ike_debug_head(ike, sa, "PROTO", 2, head, sizeof head);
        const char *side[] = {"peer offered", str_text(offered), "configured", str_text(own)};
        for (unsigned i = 0; i < 4; i += 2) {
            str_clear(&line);
            str_printf(&line, "%sNo %s proposal chosen: %s %s", head, what, side[i], side[i + 1]);
            ike->host.debug(ike->h, IKE_DBG_ERROR, 2, str_text(&line));
        }
    }
    str_clear(&line);
    str_printf(&line, "no %s proposal chosen with %s: offered %s; configured %s", what, peer,
               str_text(offered), str_text(own));
    if (ike->host.event)
        ike->host.event(ike->h, IKE_EV_NO_PROPOSAL, sa ? &sa->s : NULL, str_text(&line));
    str_free(&line);
    str_free(offered);
    str_free(own);
}

void ike_mismatch_ike(struct ike *ike, const struct ike_path *p, const struct ike_offer *offer,
                      const struct ike_policy *policy, size_t n)
{
    struct str offered = {0}, own = {0};
    put_offer(&offered, offer);
    put_policies(&own, policy, n);
    tell(ike, NULL, p, "IKE", &offered, &own);
}

void ike_mismatch_esp(const struct ike_sa *sa, const struct ike_offer *offer,
                      const struct ike_child_cfg *cfg, bool dh)
{
    struct str offered = {0}, own = {0};
    put_offer(&offered, offer);
    put_proposals(&own, cfg, dh);
    tell(sa->ike, sa, &sa->s.path, "ESP", &offered, &own);
}
