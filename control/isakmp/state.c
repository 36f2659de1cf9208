/*
 * An SA of phase 1 as bytes, with everything that a successor needs to go on: keys, children, the
 * last message of phase 1, and the quick modes that a peer may still ask about.
 *
 * Of our own quick modes only the results are kept. One without an answer begins anew: a child that
 * was to be replaced is due at once, for others traffic asks again. A child that stands in two
 * records, since a crash came between them, belongs to the younger SA.
 */
#include "control/ike/state_code.h"
#include "control/isakmp/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

#define STATE_VERSION 0x1003
#define DPD_RETRY_MAX 60 /* seconds; far above what can be configured */
#define DUE_AT_ONCE   1  /* as monotonic time: long ago */

/* --- children -------------------------------------------------------------------------------- */

/* An exchange under way is not kept: a successor is to be asked for again. */
static usec_t rekey_time(const struct isk_sa *sa, const struct ike_child_state *c)
{
    return !c->rekey_at && isk_rekey_under_way(sa->k, c) ? DUE_AT_ONCE : c->rekey_at;
}

static void code_one_child(struct coder *k, const struct isk_sa *sa, struct ike_child_state *c)
{
    usec_t rekey_at = code_reads(k) ? 0 : rekey_time(sa, c);

    code_child(k, c, &rekey_at);
    code_u8(k, &c->proto);
    code_u16(k, &c->ah_integ);
    code_u32(k, &c->ah_spi_in);
    code_u32(k, &c->ah_spi_out);
    code_check(k, c->leaving <= ISK_LEFT_TWICE && transform_find(T_INTEG, c->ah_integ, 0) &&
                      (c->proto == SADB_AH ? c->encr == 0
                                           : c->proto == SADB_ESP &&
                                                 transform_find(T_ENCR, c->encr, c->encr_bits)));
    code_check(k, (c->ah_integ == INTEG_NONE) == (c->ah_spi_in == 0) &&
                      (c->ah_integ == INTEG_NONE) == (c->ah_spi_out == 0));
    if (code_reads(k))
        c->rekey_at = rekey_at;
}

static void code_children(struct coder *k, struct isk_sa *sa)
{
    uint32_t n = sa->s.n_children;

    code_u32(k, &n);
    code_check(k, n <= IKE_CHILDREN_ALL && (n > 0 || sa->s.state != IKE_IDLE));
    for (uint32_t i = 0; i < n && code_good(k); i++) {
        if (code_reads(k) && ike_child_room(&sa->s) < 0) {
            k->no_memory = true;
            return;
        }
        code_one_child(k, sa, &sa->s.child[i]);
        if (!code_reads(k))
            continue;
        code_check(k, isk_child_by_spi(sa, sa->s.child[i].spi_in) < 0);
        sa->s.n_children = i + 1;
    }
}

/* --- phase 1 -----------------------------------------------------------------------------------
 */

static void code_flags(struct coder *k, struct isk_sa *sa)
{
    bool *const flag[] = {
        &sa->s.initiator,      &sa->s.nat_local,  &sa->s.nat_remote,   &sa->s.peer_dpd,
        &sa->s.peer_fragments, &sa->s.aggressive, &sa->s.dpd_periodic, &sa->natt_draft,
        &sa->replaced,         &sa->fragments,    &sa->any_in};
    uint8_t state = (uint8_t)sa->s.state;

    for (size_t i = 0; i < sizeof flag / sizeof *flag; i++)
        code_bool(k, flag[i]);
    code_u8(k, &state);
    code_check(k, state == IKE_ESTABLISHED || state == IKE_IDLE);
    sa->s.state = (enum ike_state)state;
}

/* A successor that is being negotiated is not saved: the peer may have it already, and this SA as
 * replaced. So whoever takes over begins another one. */
static usec_t successor_time(const struct isk_sa *sa)
{
    const struct isk_sa *o = isk_up(sa) ? isk_peer_first(sa->k, &sa->s.path) : NULL;

    for (; o; o = o->peer_next)
        if (o != sa && o->nego && o->s.initiator && isk_same_as(o, sa))
            return DUE_AT_ONCE;
    return sa->s.rekey_at;
}

static void code_numbers(struct coder *k, struct isk_sa *sa)
{
    struct ike_sa_state *s = &sa->s;
    usec_t rekey_at = code_reads(k) ? 0 : successor_time(sa);
    uint32_t *const number[] = {&s->tunnel_id,       &s->ifid,         &s->lifetime,
                                &s->policy_priority, &s->dpd_seconds,  &s->dpd_retry,
                                &sa->serial,         &sa->dpd_seq_out, &sa->vendors};
    usec_t *const since[] = {&s->created, &s->established, &s->last_in};

    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        code_u32(k, number[i]);
    code_u64(k, &s->spi_i);
    code_u64(k, &s->spi_r);
    for (size_t i = 0; i < sizeof since / sizeof *since; i++)
        code_since(k, since[i]);
    code_time(k, &s->expires);
    code_time(k, &rekey_at);
    if (code_reads(k))
        s->rekey_at = rekey_at;
    code_check(k, s->spi_i && s->spi_r && s->established != 0 && s->dpd_retry <= DPD_RETRY_MAX &&
                      sa->serial > 0);
    code_check(k, s->state != IKE_IDLE || (s->expires == 0 && s->rekey_at == 0));
}

static void code_keys(struct coder *k, struct ike_sa_state *s)
{
    const struct transform *t = transform_find(T_ENCR, s->suite.encr, s->suite.encr_bits);
    size_t len = ike_prf_len(s->suite.prf);
    bool known = t && isk_block(&s->suite) > 0 && len > 0;

    code_check(k, known);
    if (!known || s->state == IKE_IDLE) /* a shell has none */
        return;
    code_fixed(k, s->keys.sk_d, len);
    code_fixed(k, s->keys.sk_ai, len);
    code_fixed(k, s->keys.sk_ei, t->key_len);
}

static void code_msg(struct coder *k, struct isk_msg *m)
{
    code_heap(k, &m->p, &m->len, ISK_OUT_MAX);
    code_check(k, m->len == 0 || m->len >= ISK_HEADER_LEN);
}

static void code_phase1(struct coder *k, struct isk_sa *sa)
{
    code_flags(k, sa);
    code_numbers(k, sa);
    code_path(k, &sa->s.path);
    code_identity(k, &sa->s.local_id);
    code_identity(k, &sa->s.remote_id);
    code_suite(k, &sa->s.suite);
    code_keys(k, &sa->s);
    code_fixed(k, sa->iv, sizeof sa->iv);
    code_fixed(k, sa->last_in, sizeof sa->last_in);
    code_msg(k, &sa->out);
    for (unsigned i = 0; i < ISK_MIDS; i++)
        code_u32(k, &sa->mids[i]);
}

/* --- quick modes ---------------------------------------------------------------------------------
 */

static bool to_be_kept(const struct isk_node *n)
{
    return n->state == NODE_R_QM2 || (n->state == NODE_DONE && n->out.p);
}

static void code_node(struct coder *k, struct isk_node *n)
{
    uint8_t state = (uint8_t)n->state;

    code_u32(k, &n->mid);
    code_u8(k, &state);
    code_fixed(k, n->iv, sizeof n->iv);
    code_bool(k, &n->any_in);
    code_fixed(k, n->last_in, sizeof n->last_in);
    code_msg(k, &n->out);
    code_blob(k, n->ni, &n->ni_len, sizeof n->ni);
    code_blob(k, n->nr, &n->nr_len, sizeof n->nr);
    code_u32(k, &n->child.spi_in);
    code_u32(k, &n->child.spi_out);
    code_u8(k, &n->child.proto);
    code_u32(k, &n->old_spi);
    code_time(k, &n->until);
    code_check(k, n->mid && n->out.p && (state == NODE_R_QM2 || state == NODE_DONE));
    code_check(k, (state == NODE_DONE) == (n->until != 0));
    n->state = (enum isk_node_state)state;
}

static void code_nodes(struct coder *k, struct isk_sa *sa)
{
    uint32_t count = 0;

    for (const struct isk_node *n = sa->nodes; n; n = n->next)
        count += to_be_kept(n);
    code_u32(k, &count);
    code_check(k, count <= ISK_NODES_MAX && (count == 0 || sa->s.state != IKE_IDLE));
    if (!code_reads(k)) {
        for (struct isk_node *n = sa->nodes; n; n = n->next)
            if (to_be_kept(n))
                code_node(k, n);
        return;
    }
    for (uint32_t i = 0; i < count && code_good(k); i++) {
        struct isk_node *n = calloc(1, sizeof *n);
        if (!n) {
            k->no_memory = true;
            return;
        }
        isk_node_init(sa, n);
        code_node(k, n);
    }
}

static void code_all(struct coder *k, struct isk_sa *sa, struct isk_numbers *n)
{
    void (*const part[])(struct coder *, struct isk_sa *) = {code_phase1, code_children,
                                                             code_nodes};

    code_u64(k, &n->hash_key);
    code_u32(k, &n->spis);
    code_u32(k, &n->conn_id);
    for (size_t i = 0; i < sizeof part / sizeof *part && code_good(k); i++)
        part[i](k, sa);
}

size_t isk_sa_pack(struct isk_sa *sa, uint8_t *p, size_t cap)
{
    struct wbuf w = wbuf_make(p, cap);
    struct coder k = {.w = &w, .c = sa->k->c};
    struct isk_numbers n = {sa->k->hash_key, sa->k->spis, sa->k->conn_id};

    wbuf_u16(&w, STATE_VERSION);
    code_all(&k, sa, &n);
    return code_good(&k) ? w.len : 0;
}

int isk_sa_unpack(struct isk_sa *sa, struct isk_numbers *n, const uint8_t *p, size_t len,
                  usec_t shift)
{
    struct rbuf r = rbuf_make(p, len);
    struct coder k = {.r = &r, .c = sa->k->c, .shift = shift};
    uint16_t version = rbuf_u16(&r);

    if (!r.bad && version != STATE_VERSION)
        return -EPROTO;
    sa->s.version = IKE_V1;
    sa->s.phase1 = ISAKMP_QM_IDLE;
    sa->step = ISK_P1_COMPLETE;
    code_all(&k, sa, n);
    if (k.no_memory)
        return -ENOMEM;
    return r.bad || rbuf_left(&r) > 0 ? -EINVAL : 0;
}
