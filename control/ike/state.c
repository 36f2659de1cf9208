/*
 * An IKE SA as bytes, with everything that a successor needs to go on: the SA and its children,
 * the last response for requests that come again, the open request as it was sent, and what its
 * answer will be judged by (nonces, offer, the private half of a key agreement).
 *
 * A format version comes first; another one is not read. Wishes that wait are not kept: a child
 * that was to be replaced is due at once instead, and for further children traffic asks again.
 */
#include "control/ike/state_code.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

#define STATE_VERSION 4
#define DPD_RETRY_MAX 60 /* seconds; far above what can be configured */
#define DUE_AT_ONCE   1  /* as monotonic time: long ago */
#define MESSAGE_MAX   (2 * IKE_OUT_MAX)

/* --- children ------------------------------------------------------------------------------ */

/* When a wish to replace it waits in the queue, nothing but the child remembers that. */
static usec_t rekey_time(const struct ike_sa *sa, const struct ike_child_state *c)
{
    if (sa->active && !sa->req.open && sa->active->rekey_spi == c->spi_in)
        return DUE_AT_ONCE;
    for (const struct ike_want *w = sa->wants; w; w = w->next)
        if (w->rekey_spi == c->spi_in)
            return w->after ? w->after : DUE_AT_ONCE;
    return c->rekey_at;
}

static void code_own_child(struct coder *k, const struct ike_sa *sa, struct ike_child_state *c)
{
    usec_t rekey_at = code_reads(k) ? 0 : rekey_time(sa, c);

    c->proto = SADB_ESP;
    code_child(k, c, &rekey_at);
    code_check(k, transform_find(T_ENCR, c->encr, c->encr_bits) && c->leaving <= IKE_LEFT);
    if (code_reads(k))
        c->rekey_at = rekey_at;
}

static void code_children(struct coder *k, struct ike_sa *sa)
{
    uint32_t n = sa->s.n_children;

    code_u32(k, &n);
    code_check(k, n <= IKE_CHILDREN_ALL);
    for (uint32_t i = 0; i < n && code_good(k); i++) {
        if (code_reads(k) && ike_child_room(&sa->s) < 0) {
            k->no_memory = true;
            return;
        }
        code_own_child(k, sa, &sa->s.child[i]);
        if (!code_reads(k))
            continue;
        code_check(k, ike_child_by_spi(sa, sa->s.child[i].spi_in) < 0);
        sa->s.n_children = i + 1;
    }
}

/* --- the IKE SA ----------------------------------------------------------------------------- */

static void code_keys(struct coder *k, struct ike_sa_state *s)
{
    struct ike_key_lens n;
    bool known = ike_key_lens(&s->suite, &n) == 0;

    code_check(k, known);
    if (!known)
        return;
    code_fixed(k, s->keys.sk_d, n.d);
    code_fixed(k, s->keys.sk_ai, n.a);
    code_fixed(k, s->keys.sk_ar, n.a);
    code_fixed(k, s->keys.sk_ei, n.e);
    code_fixed(k, s->keys.sk_er, n.e);
    code_fixed(k, s->keys.sk_pi, n.p);
    code_fixed(k, s->keys.sk_pr, n.p);
}

static void code_sa_flags(struct coder *k, struct ike_sa *sa)
{
    bool *const flag[] = {&sa->s.initiator, &sa->s.nat_local,      &sa->s.nat_remote,
                          &sa->want_delete, &sa->s.peer_fragments, &sa->in_doubt,
                          &sa->replaced,    &sa->s.dpd_periodic,   &sa->s.dpd_on_demand,
                          &sa->s.sync_ids};
    uint8_t state = (uint8_t)sa->s.state, why = (uint8_t)sa->why;

    for (size_t i = 0; i < sizeof flag / sizeof *flag; i++)
        code_bool(k, flag[i]);
    code_u8(k, &state);
    code_u8(k, &why);
    code_u16(k, &sa->tell);
    code_u32(k, &sa->sync_next);
    code_check(k, (state == IKE_ESTABLISHED || state == IKE_REKEYED || state == IKE_DELETING) &&
                      why < IKE_REASONS);
    sa->s.state = (enum ike_state)state;
    sa->why = (enum ike_reason)why;
}

static void code_sa_numbers(struct coder *k, struct ike_sa_state *s)
{
    uint32_t *const number[] = {&s->tunnel_id,     &s->session_id,      &s->ifid,
                                &s->lifetime,      &s->policy_priority, &s->window,
                                &s->next_send_mid, &s->next_recv_mid,   &s->dpd_seconds,
                                &s->dpd_retry};
    uint64_t *const spi[] = {&s->spi_i, &s->spi_r, &s->heir_i, &s->heir_r};

    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        code_u32(k, number[i]);
    for (size_t i = 0; i < sizeof spi / sizeof *spi; i++)
        code_u64(k, spi[i]);
    code_check(k, s->spi_i && s->spi_r && s->window == 1 && s->dpd_retry <= DPD_RETRY_MAX);
}

static void code_sa(struct coder *k, struct ike_sa *sa)
{
    struct ike_sa_state *s = &sa->s;
    size_t n = s->heir_nonce_len;
    /* Our own replacement waits, or its request is not out yet. */
    usec_t rekey_at = sa->want_rekey || (sa->rekey && !sa->req.open) ? DUE_AT_ONCE : s->rekey_at;

    code_sa_flags(k, sa);
    code_sa_numbers(k, s);
    code_path(k, &s->path);
    code_identity(k, &s->local_id);
    code_identity(k, &s->remote_id);
    code_suite(k, &s->suite);
    code_keys(k, s);
    code_since(k, &s->created);
    code_since(k, &s->established);
    code_time(k, &s->expires);
    code_time(k, &rekey_at);
    code_since(k, &s->last_in);
    code_check(k, s->established != 0);
    code_blob(k, s->heir_nonce, &n, sizeof s->heir_nonce);
    s->heir_nonce_len = (uint32_t)n;
    if (code_reads(k))
        s->rekey_at = rekey_at;
}

static void code_gone(struct coder *k, struct ike_sa *sa)
{
    uint32_t n = sa->n_gone;

    code_u32(k, &n);
    code_check(k, n <= IKE_CHILDREN_ALL);
    for (uint32_t i = 0; i < n && code_good(k); i++) {
        code_u32(k, &sa->gone[i]);
        sa->n_gone = i + 1;
    }
}

/* --- exchanges ------------------------------------------------------------------------------ */

static void code_response(struct coder *k, struct ike_sa *sa)
{
    code_heap(k, &sa->resp.msg, &sa->resp.len, MESSAGE_MAX);
    code_u32(k, &sa->resp.mid);
    code_check(k, !sa->resp.msg ||
                      (sa->resp.len >= IKE_HEADER_LEN && sa->resp.mid + 1 == sa->s.next_recv_mid));
}

static void code_request(struct coder *k, struct ike_sa *sa)
{
    struct ike_request *q = &sa->req;
    uint8_t sends = (uint8_t)q->sends;

    code_bool(k, &q->open);
    code_check(k, q->open || sa->want_delete || sa->s.state != IKE_DELETING); /* it ends how? */
    if (!q->open)
        return;
    code_bool(k, &q->probe);
    code_u8(k, &q->exchange);
    code_u8(k, &sends);
    code_u32(k, &q->mid);
    code_heap(k, &q->msg, &q->len, MESSAGE_MAX);
    code_check(k, (q->exchange == X_CREATE_CHILD || q->exchange == X_INFORMATIONAL) &&
                      q->len >= IKE_HEADER_LEN && q->mid + 1 == sa->s.next_send_mid);
    q->sends = sends;
}

static void code_algs(struct coder *k, struct ike_alg *v, uint8_t *n)
{
    code_u8(k, n);
    code_check(k, *n <= IKE_ALGS);
    for (uint8_t i = 0; i < *n && code_good(k); i++) {
        code_u16(k, &v[i].id);
        code_u16(k, &v[i].keybits);
    }
}

static void code_esp_proposal(struct coder *k, struct ike_esp_proposal *p)
{
    code_text(k, p->name, sizeof p->name);
    code_algs(k, p->encr, &p->n_encr);
    code_u8(k, &p->n_integ);
    code_check(k, p->n_integ <= IKE_ALGS);
    for (uint8_t i = 0; i < p->n_integ && code_good(k); i++)
        code_u16(k, &p->integ[i]);
    code_bool(k, &p->esn);
}

static void code_cfg(struct coder *k, struct ike_want *w)
{
    struct ike_child_cfg *cfg = &w->cfg;
    uint32_t *const number[] = {&cfg->policy,       &cfg->ifid,          &cfg->map_seq,
                                &cfg->life_seconds, &cfg->replay_window, &cfg->flags};

    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        code_u32(k, number[i]);
    code_u64(k, &cfg->life_kbytes);
    code_u16(k, &cfg->pfs_group);
    code_u8(k, &cfg->mode);
    code_text(k, cfg->map, sizeof cfg->map);
    code_selector(k, &cfg->sel);
    code_u8(k, &cfg->n_proposal);
    code_check(k, cfg->n_proposal <= IKE_PROPOSALS &&
                      (cfg->mode == SADB_TUNNEL || cfg->mode == SADB_TRANSPORT));
    for (uint8_t i = 0; i < cfg->n_proposal && code_good(k); i++) {
        code_esp_proposal(k, &w->prop[i]);
        cfg->proposal[i] = &w->prop[i];
    }
}

static void code_own_nonce(struct coder *k, uint8_t *p, size_t *n)
{
    code_blob(k, p, n, IKE_NONCE_MAX);
    code_check(k, *n >= 16); /* §2.10 */
}

/* The child that the open request asks for. */
static void code_active(struct coder *k, struct ike_want *w)
{
    code_cfg(k, w);
    code_u32(k, &w->child.spi_in);
    code_u32(k, &w->rekey_spi);
    code_u32(k, &w->rival_spi);
    code_blob(k, w->rival, &w->rival_len, sizeof w->rival);
    code_u8(k, &w->tries);
    code_own_nonce(k, w->ni, &w->ni_len);
    if (w->cfg.pfs_group != DH_NONE)
        code_dh(k, w->cfg.pfs_group, &w->dh);
    code_check(k, w->child.spi_in != 0 && (!w->rival_spi || w->rival_len > 0));
    w->child.initiator = true;
    w->child.replaces = w->rekey_spi;
}

/* Answers pick from it by number, so those must be in order. */
static bool offer_is_ours(const struct ike_rekey *r)
{
    const struct ike_payload pl = {PL_SA, r->offer, r->offer_len};
    struct ike_offer o;

    if (!r->offer || ike_offer_read(&pl, &o) < 0)
        return false;
    for (unsigned i = 0; i < o.n; i++)
        if (o.prop[i].num == 0 || o.prop[i].num > r->origin.n)
            return false;
    return o.n > 0;
}

/* The successor of the SA that the open request asks for. */
static void code_rekey(struct coder *k, struct ike_rekey *r)
{
    uint8_t restarts = (uint8_t)r->restarts;

    code_own_nonce(k, r->ni, &r->ni_len);
    code_u64(k, &r->spi_i);
    code_u16(k, &r->group);
    code_u8(k, &restarts);
    code_heap(k, &r->offer, &r->offer_len, IKE_OUT_MAX);
    code_u8(k, &r->origin.n);
    code_check(k, r->origin.n <= IKE_PROPS_OUT);
    for (uint8_t i = 0; i < r->origin.n && code_good(k); i++) {
        code_u32(k, &r->origin.v[i].priority);
        code_u32(k, &r->origin.v[i].lifetime);
    }
    code_check(k, r->spi_i && code_good(k) && offer_is_ours(r));
    code_dh(k, r->group, &r->dh);
    r->restarts = restarts;
}

enum { ASKS_NOTHING, ASKS_CHILD, ASKS_HEIR };

static void code_asked(struct coder *k, struct ike_sa *sa)
{
    bool asks = sa->req.open && sa->req.exchange == X_CREATE_CHILD;
    uint8_t what = !asks ? ASKS_NOTHING : sa->active ? ASKS_CHILD : sa->rekey ? ASKS_HEIR : 0;

    code_u8(k, &what);
    code_check(k, what <= ASKS_HEIR && (asks || what == ASKS_NOTHING));
    if (!code_good(k))
        return;
    if (code_reads(k) && what == ASKS_CHILD)
        k->no_memory = (sa->active = calloc(1, sizeof *sa->active)) == NULL;
    if (code_reads(k) && what == ASKS_HEIR)
        k->no_memory = (sa->rekey = calloc(1, sizeof *sa->rekey)) == NULL;
    if (what == ASKS_CHILD && sa->active)
        code_active(k, sa->active);
    else if (what == ASKS_HEIR && sa->rekey)
        code_rekey(k, sa->rekey);
}

static void code_all(struct coder *k, struct ike_sa *sa, struct ike_numbers *n)
{
    void (*const part[])(struct coder *, struct ike_sa *) = {code_sa,      code_children,
                                                             code_gone,    code_response,
                                                             code_request, code_asked};

    code_u64(k, &n->hash_key);
    code_u32(k, &n->tunnels);
    code_u32(k, &n->esp_spis);
    for (size_t i = 0; i < sizeof part / sizeof *part && code_good(k); i++)
        part[i](k, sa);
}

/* --- the two ways --------------------------------------------------------------------------- */

size_t ike_sa_pack(struct ike_sa *sa, uint8_t *p, size_t cap)
{
    struct wbuf w = wbuf_make(p, cap);
    struct coder k = {.w = &w, .c = sa->ike->c};
    struct ike_numbers n = {sa->ike->hash_key, sa->ike->tunnels, sa->ike->esp_spis};

    wbuf_u16(&w, STATE_VERSION);
    code_all(&k, sa, &n);
    return code_good(&k) ? w.len : 0;
}

int ike_sa_unpack(struct ike *ike, struct ike_sa *sa, struct ike_numbers *n, const uint8_t *p,
                  size_t len, usec_t shift)
{
    struct rbuf r = rbuf_make(p, len);
    struct coder k = {.r = &r, .c = ike->c, .shift = shift};
    uint16_t version = rbuf_u16(&r);

    if (!r.bad && version != STATE_VERSION)
        return -EPROTO;
    sa->s.version = IKE_V2;
    code_all(&k, sa, n);
    if (k.no_memory)
        return -ENOMEM;
    return r.bad || rbuf_left(&r) > 0 ? -EINVAL : 0;
}
