/*
 * When no proposal is chosen: what the peer offered and what is configured, side by side, for
 * `debug crypto isakmp` and the log. Only names of algorithms appear here. A peer can make this
 * happen as often as it likes, so the texts are cut at a bound and the host limits the log's rate.
 */
#include "control/isakmp/internal.h"
#include "lib/str.h"
#include <inttypes.h>

#define TEXT_MOST 360 /* of one side */

static void put_name(struct str *s, uint8_t type, uint16_t id, uint64_t bits)
{
    const struct transform *t = transform_find(type, id, (uint16_t)bits);

    if (!t && type == T_ENCR)
        t = transform_find(type, id, id == ENCR_AES_CBC ? 128 : 0);
    str_add(s, t ? t->ike : "unknown");
    if (type == T_ENCR && bits)
        str_printf(s, "-%" PRIu64, bits);
}

static uint64_t attr(const struct isk_xform *x, uint16_t type)
{
    const struct isk_attr *a = isk_attr_find(x, type);
    return a ? a->value : 0;
}

static void finish_side(struct str *s)
{
    if (s->len >= TEXT_MOST)
        str_add(s, " ...");
}

static void tell(struct isk_sa *sa, unsigned phase, struct str *offered, struct str *own)
{
    char peer[ADDR_STRLEN];

    finish_side(offered);
    finish_side(own);
    isk_debug_sa(sa, "no offers accepted! peer offered %s", str_text(offered));
    isk_debug_sa(sa, "no offers accepted! configured %s", str_text(own));
    isk_event(sa, IKE_EV_NO_PROPOSAL,
              "no phase %u proposal chosen with %s: offered %s; configured %s", phase,
              addr_print(&sa->s.path.remote, peer, sizeof peer), str_text(offered), str_text(own));
    str_free(offered);
    str_free(own);
}

/* --- phase 1 -------------------------------------------------------------------------------------
 */

static void put_xform1(struct str *s, const struct isk_xform *x)
{
    put_name(s, T_ENCR, isk_cipher_of_wire(attr(x, ISA_ENCR)), attr(x, ISA_KEY_LENGTH));
    str_add(s, ", ");
    put_name(s, T_PRF, isk_hash_of_wire(attr(x, ISA_HASH)), 0);
    str_printf(s, ", group %" PRIu64 ", %s", attr(x, ISA_GROUP),
               attr(x, ISA_AUTH) == ISK_AUTH_PSK ? "pre-share" : "other authentication");
}

void isk_mismatch1(struct isk_sa *sa, const struct isk_offer *offer,
                   const struct isakmp_policy *policy, size_t n)
{
    struct str offered = {0}, own = {0};

    for (unsigned i = 0; i < offer->n_x && offered.len < TEXT_MOST; i++) {
        str_add(&offered, i ? " {" : "{");
        put_xform1(&offered, &offer->x[i]);
        str_addc(&offered, '}');
    }
    for (size_t i = 0; i < n && own.len < TEXT_MOST; i++) {
        str_printf(&own, i ? " %" PRIu32 " {" : "%" PRIu32 " {", policy[i].priority);
        put_name(&own, T_ENCR, policy[i].encr.id, policy[i].encr.keybits);
        str_add(&own, ", ");
        put_name(&own, T_PRF, policy[i].hash, 0);
        str_printf(&own, ", group %u, %s}", policy[i].group,
                   policy[i].auth == ISK_AUTH_PSK ? "pre-share" : "other authentication");
    }
    isk_debug_sa(sa, "no offers accepted!");
    tell(sa, 1, &offered, &own);
}

/* --- phase 2 -------------------------------------------------------------------------------------
 */

static const char *mode_text(const struct isk_sa *sa, uint64_t wire)
{
    uint8_t mode = isk_mode_of_wire(sa, wire);
    return mode == SADB_TUNNEL      ? "tunnel"
           : mode == SADB_TRANSPORT ? "transport"
                                    : "of another mode";
}

static void put_prop2(const struct isk_sa *sa, struct str *s, const struct isk_prop *p,
                      const struct isk_xform *x)
{
    bool ah = p->proto == ISPROTO_AH;

    str_add(s, ah ? "AH" : "ESP ");
    if (!ah)
        put_name(s, T_ENCR, isk_esp_of_wire(x->id), attr(x, ISB_KEY_LENGTH));
    if (attr(x, ISB_AUTH)) {
        str_addc(s, ' ');
        put_name(s, T_INTEG, isk_integ_of_wire(attr(x, ISB_AUTH)), 0);
    }
    if (attr(x, ISB_GROUP))
        str_printf(s, " group %" PRIu64, attr(x, ISB_GROUP));
    str_printf(s, " %s", mode_text(sa, attr(x, ISB_MODE)));
}

static void put_own2(struct str *s, const struct ike_esp_proposal *p, const struct ike_child_cfg *c)
{
    str_printf(s, "%s {", p->name);
    if (p->ah != INTEG_NONE) {
        str_add(s, "AH ");
        put_name(s, T_INTEG, p->ah, 0);
        str_add(s, p->n_encr ? ", " : "");
    }
    for (unsigned i = 0; i < p->n_encr; i++) {
        str_add(s, i ? ", " : "ESP ");
        put_name(s, T_ENCR, p->encr[i].id, p->encr[i].keybits);
    }
    for (unsigned i = 0; i < p->n_integ; i++) {
        str_addc(s, ' ');
        put_name(s, T_INTEG, p->integ[i], 0);
    }
    if (c->pfs_group)
        str_printf(s, " group %u", c->pfs_group);
    str_printf(s, " %s}", (p->mode ? p->mode : c->mode) == SADB_TRANSPORT ? "transport" : "tunnel");
}

void isk_mismatch2(struct isk_sa *sa, const struct isk_offer *offer, const struct isk_node *n)
{
    const struct ike_child_cfg *cfg = &n->want->cfg;
    struct str offered = {0}, own = {0};

    for (unsigned i = 0; i < offer->n && offered.len < TEXT_MOST; i++)
        for (unsigned t = 0; t < offer->prop[i].n && offered.len < TEXT_MOST; t++) {
            str_add(&offered, offered.len ? " {" : "{");
            put_prop2(sa, &offered, &offer->prop[i], &offer->x[offer->prop[i].first + t]);
            str_addc(&offered, '}');
        }
    for (unsigned i = 0; i < cfg->n_proposal && i < IKE_PROPOSALS && own.len < TEXT_MOST; i++) {
        str_add(&own, i ? " " : "");
        put_own2(&own, cfg->proposal[i], cfg);
    }
    isk_debug_sa(sa, "transform proposal not supported for identity");
    tell(sa, 2, &offered, &own);
}

static void put_range(struct str *s, const char *what, const struct addr_range *r,
                      const uint16_t port[2])
{
    char lo[ADDR_STRLEN], hi[ADDR_STRLEN];

    str_printf(s, "%s %s - %s", what, addr_print(&r->lo, lo, sizeof lo),
               addr_print(&r->hi, hi, sizeof hi));
    if (port[0] != 0 || port[1] != UINT16_MAX)
        str_printf(s, port[0] == port[1] ? " port %u" : " ports %u - %u", port[0], port[1]);
}

void isk_widened(struct isk_sa *sa, const struct ike_child_cfg *cfg)
{
    struct str line = {0};
    char peer[ADDR_STRLEN];

    put_range(&line, "local", &cfg->sel.local, cfg->sel.lport);
    put_range(&line, ", remote", &cfg->sel.remote, cfg->sel.rport);
    isk_event(sa, IKE_EV_NO_PROPOSAL,
              "IKEv1 has no word for a range of ports: %s is asked for all, crypto map %s %u, %s",
              addr_print(&sa->s.path.remote, peer, sizeof peer), cfg->map, cfg->map_seq,
              str_text(&line));
    str_free(&line);
}

void isk_mismatch_proxies(struct isk_sa *sa, const struct selector *sel)
{
    struct str wanted = {0};
    char peer[ADDR_STRLEN];

    isk_debug_sa(sa, "IPSec policy invalidated proposal with error 32");
    if (!addr_is_set(&sel->local.lo) && !addr_is_set(&sel->remote.lo))
        str_add(&wanted, "identities that make no sense");
    else {
        put_range(&wanted, "local", &sel->local, sel->lport);
        put_range(&wanted, ", remote", &sel->remote, sel->rport);
        str_printf(&wanted, ", protocol %u", sel->proto);
    }
    isk_event(sa, IKE_EV_NO_PROPOSAL, "no access list permits what %s wants to be protected: %s",
              addr_print(&sa->s.path.remote, peer, sizeof peer), str_text(&wanted));
    str_free(&wanted);
}
