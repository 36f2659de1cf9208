/*
 * Quick mode, RFC 2409 §5.5:
 *
 *   I: HASH(1), SA, Ni [, KE] [, IDci, IDcr]
 *   R: HASH(2), SA, Nr [, KE] [, IDci, IDcr]
 *   I: HASH(3)
 *
 * The responder has both directions ready before it answers, so that the first packets find them;
 * what it sends stays on the SA before, where there is one, until the third message is here. Both
 * sides repeat what is not answered.
 */
#include "control/isakmp/internal.h"
#include "lib/mem.h"
#include <errno.h>

#define QM_MUST (ISP_BIT(ISP_HASH) | ISP_BIT(ISP_SA) | ISP_BIT(ISP_NONCE))
#define QM_MAY                                                                                     \
    (QM_MUST | ISP_BIT(ISP_KE) | ISP_BIT(ISP_ID) | ISP_BIT(ISP_NATOA) | ISP_BIT(ISP_NOTIFY) |      \
     ISP_BIT(ISP_VENDOR))

static bool payloads_fit(const struct isk_rx *rx, uint64_t must, uint64_t may)
{
    return (must & ~rx->pl.seen) == 0 && (rx->pl.seen & ~may) == 0;
}

/* --- selectors ------------------------------------------------------------------------------- */

/* One side as identity: a port of 0 means all. */
static bool side_of(const struct isk_id *id, struct addr_range *range, uint16_t port[2])
{
    if (!isk_id_range(id, range))
        return false;
    port[0] = id->port;
    port[1] = id->port ? id->port : UINT16_MAX;
    return true;
}

/* Both identities as selector; without them the two ends (RFC 2409 §5.5). */
static bool read_selector(const struct isk_sa *sa, const struct isk_rx *rx, bool peer_initiates,
                          struct selector *out)
{
    const struct ike_payload *first = isk_payload_find(&rx->pl, ISP_ID, 0);
    const struct ike_payload *second = isk_payload_find(&rx->pl, ISP_ID, 1);
    struct isk_id i, r;

    *out = (struct selector){.lport = {0, UINT16_MAX}, .rport = {0, UINT16_MAX}};
    if (!first && !second) {
        out->local.lo = out->local.hi = sa->s.path.local;
        out->remote.lo = out->remote.hi = sa->s.path.remote;
        return true;
    }
    if (!second || isk_payload_find(&rx->pl, ISP_ID, 2) || isk_id_read(first, &i) < 0 ||
        isk_id_read(second, &r) < 0 || i.proto != r.proto)
        return false;
    const struct isk_id *local = peer_initiates ? &r : &i, *remote = peer_initiates ? &i : &r;
    out->proto = i.proto;
    return side_of(local, &out->local, out->lport) && side_of(remote, &out->remote, out->rport) &&
           out->local.lo.family == out->remote.lo.family;
}

struct selector isakmp_selector(const struct selector *s)
{
    struct selector out = *s;

    if (out.lport[0] != out.lport[1])
        out.lport[0] = 0, out.lport[1] = UINT16_MAX;
    if (out.rport[0] != out.rport[1])
        out.rport[0] = 0, out.rport[1] = UINT16_MAX;
    return out;
}

/* --- the initiator's first message -------------------------------------------------------------
 */

static void send_qm1(struct isk_node *n, const uint8_t *pub, size_t pub_len)
{
    struct isk_sa *sa = n->sa;
    const struct ike_child_cfg *cfg = &n->want->cfg;
    struct isk_out m;
    size_t len = 0;

    isk_begin(sa, &m, ISX_QUICK, n->mid, true);
    int err = isk_w_offer2(sa, &m.w, n);
    ike_w_payload(&m.w, ISP_NONCE, n->ni, n->ni_len);
    if (pub_len)
        ike_w_payload(&m.w, ISP_KE, pub, pub_len);
    isk_w_id_selector(&m.w, &cfg->sel, true);
    isk_w_id_selector(&m.w, &cfg->sel, false);
    if (n->child.udp && isk_mode_for(sa, cfg, cfg->proposal[0]) == SADB_TRANSPORT)
        isk_w_natoa(sa, &m.w, true);
    if (err == 0)
        err = isk_fill_hash(sa, &m, n->mid, (struct bytes){NULL, 0});
    if (err == 0)
        err = isk_finish(sa, &m, n->iv, &len);
    n->state = NODE_I_QM1;
    if (err == 0)
        err = isk_node_send(n, len, true);
    if (err < 0) {
        isk_node_end(n, err == -ENOENT ? IKE_R_NO_PROPOSAL : IKE_R_INTERNAL);
        return;
    }
    isk_node_moved(n, "IKE_QM_READY", "IKE_QM_I_QM1", "IKE_MESG_INTERNAL, IKE_INIT_QM");
}

static void on_own_pub(struct isk_sa *sa, struct isk_node *n, struct ike_dh_job *j)
{
    (void)sa;
    if (j->err < 0) {
        isk_node_end(n, IKE_R_INTERNAL);
        return;
    }
    n->dh = j->dh;
    j->dh = NULL;
    send_qm1(n, j->pub, j->pub_len);
}

int isk_quick_start(struct isk_sa *sa, struct isk_want *want)
{
    struct isakmp *k = sa->k;
    struct isk_node *n = isk_node_new(sa, isk_random_mid(sa));

    if (!n) {
        isk_want_free(want);
        return -ENOBUFS;
    }
    n->want = want;
    n->old_spi = want->rekey_spi;
    isk_child_from_cfg(sa, n, &want->cfg);
    n->child.spi_in = isk_random_spi(k);
    n->child.ah_spi_in = isk_random_spi(k);
    n->child.ts[0] = isakmp_selector(&want->cfg.sel);
    n->child.n_ts = 1;
    if (!ike_selector_covers(&want->cfg.sel, &n->child.ts[0]))
        isk_widened(sa, &want->cfg);
    isk_new_nonce(k, n->ni, &n->ni_len);
    if (!sa->s.ifid)
        sa->s.ifid = want->cfg.ifid;
    isk_debug_sa(sa, "beginning Quick Mode exchange, M-ID of %u", n->mid);
    if (!want->cfg.pfs_group)
        send_qm1(n, NULL, 0);
    else if (isk_job_start(sa, n, want->cfg.pfs_group, NULL, NULL, 0, on_own_pub) < 0)
        isk_node_end(n, IKE_R_INTERNAL);
    return 0;
}

/* --- the responder -----------------------------------------------------------------------------
 */

/* The node stays for a while, to say so again when it is asked again. */
static void refuse(struct isk_sa *sa, struct isk_node *n, uint16_t notify, uint32_t spi)
{
    const uint8_t b[4] = {(uint8_t)(spi >> 24), (uint8_t)(spi >> 16), (uint8_t)(spi >> 8),
                          (uint8_t)spi};
    char local[ADDR_STRLEN], remote[ADDR_STRLEN];

    isk_debug_sa(sa, " phase 2 SA policy not acceptable! (local %s remote %s)",
                 addr_print(&sa->s.path.local, local, sizeof local),
                 addr_print(&sa->s.path.remote, remote, sizeof remote));
    if (!isk_node_alive(n))
        return;
    isk_msg_free(&n->out);
    isk_send_info(sa, isk_put_notify,
                  &(struct isk_notify_pl){.proto = ISPROTO_ESP,
                                          .type = notify,
                                          .spi = b,
                                          .spi_len = spi ? sizeof b : 0},
                  &n->out);
    isk_debug_sa(sa, "deleting node %u error TRUE reason \"QM rejected\"", n->mid);
    isk_node_done(n);
}

/* The child that this one is to replace, which nothing in quick mode says: one for the same
 * traffic, of several the oldest that the peer has begun, as that is due first. When two exchanges
 * cross, at most one side finds the other's child there. */
static uint32_t replaced_child(const struct isk_sa *sa, const struct isk_node *n)
{
    const struct ike_child_state *best = NULL;

    for (const struct isk_sa *o = isk_peer_first(sa->k, &sa->s.path); o; o = o->peer_next)
        for (unsigned i = 0; isk_same_as(o, sa) && i < o->s.n_children; i++) {
            const struct ike_child_state *c = &o->s.child[i];
            if (!c->leaving && isk_same_traffic(c, &n->child) &&
                (!best || (best->initiator && !c->initiator) ||
                 (best->initiator == c->initiator && c->conn_id < best->conn_id)))
                best = c;
        }
    return best ? best->spi_in : 0;
}

static uint16_t lifetime_notify(const struct isk_node *n, uint8_t data[24])
{
    struct wbuf b = wbuf_make(data, 24);

    if (n->child.life_seconds) {
        wbuf_u16(&b, IKE_ATTR_TV | ISB_LIFE_TYPE);
        wbuf_u16(&b, ISL_SECONDS);
        wbuf_u16(&b, ISB_LIFE);
        wbuf_u16(&b, 4);
        wbuf_u32(&b, n->child.life_seconds);
    }
    if (n->child.life_kbytes && n->child.life_kbytes <= UINT32_MAX) {
        wbuf_u16(&b, IKE_ATTR_TV | ISB_LIFE_TYPE);
        wbuf_u16(&b, ISL_KBYTES);
        wbuf_u16(&b, ISB_LIFE);
        wbuf_u16(&b, 4);
        wbuf_u32(&b, (uint32_t)n->child.life_kbytes);
    }
    return (uint16_t)b.len;
}

static void w_qm2(struct isk_node *n, struct isk_out *m, const uint8_t *pub, size_t pub_len)
{
    struct isk_sa *sa = n->sa;
    const struct ike_child_state *c = &n->child;
    uint8_t data[24];
    const uint8_t spi[4] = {(uint8_t)(c->spi_in >> 24), (uint8_t)(c->spi_in >> 16),
                            (uint8_t)(c->spi_in >> 8), (uint8_t)c->spi_in};

    isk_begin(sa, m, ISX_QUICK, n->mid, true);
    ike_w_payload(&m->w, ISP_SA, n->choice.p, n->choice.len);
    ike_w_payload(&m->w, ISP_NONCE, n->nr, n->nr_len);
    if (pub_len)
        ike_w_payload(&m->w, ISP_KE, pub, pub_len);
    if (n->ids.len) {
        ike_w_payload(&m->w, ISP_ID, n->ids.p, n->first_id);
        ike_w_payload(&m->w, ISP_ID, n->ids.p + n->first_id, n->ids.len - n->first_id);
    }
    if (n->shortened) /* RFC 2407 §4.6.3.1 */
        isk_w_notify(&m->w, ISN_RESPONDER_LIFETIME, c->proto == SADB_AH ? ISPROTO_AH : ISPROTO_ESP,
                     spi, sizeof spi, data, lifetime_notify(n, data));
    if (c->udp && c->mode == SADB_TRANSPORT)
        isk_w_natoa(sa, &m->w, false);
}

/* Both directions first, then the answer. */
static void answer(struct isk_node *n, const uint8_t *pub, size_t pub_len, struct bytes secret)
{
    struct isk_sa *sa = n->sa;
    struct isk_out m;
    size_t len = 0;

    isk_new_nonce(sa->k, n->nr, &n->nr_len);
    isk_debug_creating(sa, n);
    int err = isk_child_install(n, false, secret, &n->want->cfg);
    if (!isk_node_alive(n))
        return;
    if (err < 0) {
        refuse(sa, n, ISN_NO_PROPOSAL_CHOSEN, n->child.spi_out);
        return;
    }
    n->state = NODE_R_QM2;
    w_qm2(n, &m, pub, pub_len);
    err = isk_fill_hash(sa, &m, n->mid, (struct bytes){n->ni, n->ni_len});
    if (err == 0)
        err = isk_finish(sa, &m, n->iv, &len);
    if (err == 0)
        err = isk_node_send(n, len, true);
    isk_node_moved(n, "IKE_QM_SPI_STARVE", "IKE_QM_R_QM2", "IKE_MESG_INTERNAL, IKE_GOT_SPI");
    isk_debug_created(sa, &n->child);
    if (err < 0)
        isk_node_end(n, IKE_R_INTERNAL);
}

static void on_responder_secret(struct isk_sa *sa, struct isk_node *n, struct ike_dh_job *j)
{
    (void)sa;
    if (j->err < 0)
        isk_node_end(n, IKE_R_INTERNAL);
    else
        answer(n, j->pub, j->pub_len, (struct bytes){j->secret, j->secret_len});
}

static int keep_ids(struct isk_node *n, const struct isk_rx *rx)
{
    const struct ike_payload *a = isk_payload_find(&rx->pl, ISP_ID, 0);
    const struct ike_payload *b = isk_payload_find(&rx->pl, ISP_ID, 1);
    uint8_t buf[256];

    if (!a || !b)
        return 0;
    if (a->len + b->len > sizeof buf)
        return -EMSGSIZE;
    memcpy(buf, a->p, a->len);
    memcpy(buf + a->len, b->p, b->len);
    n->first_id = a->len;
    return isk_keep(&n->ids, buf, a->len + b->len);
}

/* The group of the KE payload, if there is one: every transform has to name it. */
static bool read_group(const struct isk_rx *rx, const struct isk_offer *o, uint16_t *group)
{
    const struct ike_payload *ke = isk_payload_find(&rx->pl, ISP_KE, 0);
    const struct isk_attr *a = isk_attr_find(&o->x[0], ISB_GROUP);

    *group = a ? (uint16_t)a->value : DH_NONE;
    return ke ? *group != DH_NONE && ke->len == ike_dh_pub_len(*group) : *group == DH_NONE;
}

/* Which line of ours is meant. A part of what is offered cannot be agreed on in IKEv1. */
static bool find_line(struct isk_sa *sa, struct isk_node *n, const struct selector *offered)
{
    struct isakmp *k = sa->k;
    struct ike_child_cfg cfg = {0};

    if (k->host.base.accept_child(k->h, &sa->s, offered, 1, &cfg) < 0 ||
        !ike_selector_covers(&cfg.sel, offered) || !isk_node_alive(n))
        return false;
    n->want = isk_want_new(k, &cfg);
    if (!n->want)
        return false;
    n->want->peers = true;
    isk_child_from_cfg(sa, n, &cfg);
    n->child.ts[0] = *offered;
    n->child.n_ts = 1;
    if (!sa->s.ifid)
        sa->s.ifid = cfg.ifid;
    return true;
}

static void respond(struct isk_sa *sa, struct isk_node *n, struct isk_rx *rx)
{
    const struct ike_payload *ke = isk_payload_find(&rx->pl, ISP_KE, 0);
    struct isk_offer offer;
    struct selector sel = {0};
    uint16_t group;

    isk_debug_sa(sa, " processing HASH payload. message ID = %u", n->mid);
    isk_debug_sa(sa, " processing SA payload. message ID = %u", n->mid);
    if (isk_offer_read(isk_payload_find(&rx->pl, ISP_SA, 0), &offer) < 0 ||
        !isk_nonce_read(rx, n->ni, &n->ni_len) || !read_group(rx, &offer, &group)) {
        isk_dropped(sa->k, sa, ISK_DROP_PAYLOADS);
        refuse(sa, n, ISN_PAYLOAD_MALFORMED, 0);
        return;
    }
    uint32_t spi = offer.prop[0].spi;
    bool told = read_selector(sa, rx, true, &sel), line = told && find_line(sa, n, &sel);
    n->child.pfs_group = group;
    bool chosen = line && isk_choose2(sa, &offer, n, &n->want->cfg) == 0;
    if (!isk_node_alive(n))
        return;
    isk_debug_offer2(sa, &offer);
    isk_debug_sa(sa, line && !chosen ? "atts not acceptable." : "atts are acceptable.");
    if (told)
        isk_debug_proposal(sa, n, &sel);
    if (!line) {
        isk_mismatch_proxies(sa, &sel);
        refuse(sa, n, ISN_INVALID_ID_INFORMATION, spi);
        return;
    }
    if (!chosen) {
        isk_mismatch2(sa, &offer, n);
        refuse(sa, n, ISN_NO_PROPOSAL_CHOSEN, spi);
        return;
    }
    isk_debug_sa(sa, " processing NONCE payload. message ID = %u", n->mid);
    if (ke)
        isk_debug_sa(sa, " processing KE payload. message ID = %u", n->mid);
    isk_debug_sa(sa, " processing ID payload. message ID = %u", n->mid);
    isk_debug_sa(sa, " processing ID payload. message ID = %u", n->mid);
    isk_debug_sa(sa, "QM Responder gets spi");
    n->old_spi = replaced_child(sa, n);
    n->state = NODE_R_STARVE;
    isk_node_moved(n, "IKE_QM_READY", "IKE_QM_SPI_STARVE", "IKE_MESG_FROM_PEER, IKE_QM_EXCH");
    int err = keep_ids(n, rx);
    if (err == 0 && ke)
        err = isk_job_start(sa, n, group, NULL, ke->p, ke->len, on_responder_secret);
    else if (err == 0)
        answer(n, NULL, 0, (struct bytes){NULL, 0});
    if (err < 0 && isk_node_alive(n))
        refuse(sa, n, ISN_PAYLOAD_MALFORMED, spi);
}

static void on_qm1(struct isk_sa *sa, struct isk_rx *rx)
{
    struct isakmp *k = sa->k;

    if (isk_mid_seen(sa, rx->h.mid)) {
        isk_dropped(k, sa, ISK_DROP_REPEATED);
        return;
    }
    if (isk_iv_phase2(k->c, &sa->s.suite, sa->iv, rx->h.mid, rx->iv) < 0)
        return;
    enum isk_drop why = isk_open(sa, rx);
    if (why == ISK_DROP_NONE && !isk_hash_good(sa, rx, (struct bytes){NULL, 0}))
        why = ISK_DROP_HASH;
    if (why == ISK_DROP_NONE && !payloads_fit(rx, QM_MUST, QM_MAY))
        why = ISK_DROP_PAYLOADS;
    if (why != ISK_DROP_NONE) {
        isk_dropped(k, sa, why);
        return;
    }
    isk_debug(k, ISAKMP_DBG_ISAKMP, "ISAKMP: set new node %u to QM_IDLE      ", rx->h.mid);
    sa->s.last_in = isk_now(k);
    isk_follow(sa, rx->path);
    struct isk_node *n = isk_node_new(sa, rx->h.mid);
    if (!n) {
        isk_dropped(k, sa, ISK_DROP_LIMIT);
        return;
    }
    memcpy(n->iv, rx->iv, sizeof n->iv);
    memcpy(n->last_in, rx->digest, sizeof n->last_in);
    n->any_in = true;
    respond(sa, n, rx);
}

/* HASH(3) = prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b) */
static bool hash3_good(struct isk_sa *sa, const struct isk_node *n, const struct isk_rx *rx)
{
    size_t len = ike_prf_len(sa->s.suite.prf);
    const struct bytes part[] = {{n->ni, n->ni_len}, {n->nr, n->nr_len}};
    uint8_t want[IKE_PRF_MAX];
    const struct ike_payload *hash = &rx->pl.v[0];

    return rx->pl.n > 0 && hash->type == ISP_HASH && hash->len == len &&
           isk_hash_message(sa->k->c, &sa->s, true, n->mid, part, 2, want) == 0 &&
           mem_equal_ct(want, hash->p, len);
}

/* What this peer began for the same traffic before, and did not end: the engine that did may be
 * gone, and its successor has begun anew. Without what both were to replace it would be next to be
 * sent on. */
static bool is_overtaken(const struct isk_sa *sa, const struct isk_node *n,
                         const struct ike_child_state *by)
{
    int i = n->state == NODE_R_QM2 ? isk_child_by_spi(sa, n->child.spi_in) : -1;
    return i >= 0 && sa->s.child[i].conn_id < by->conn_id && isk_same_traffic(&sa->s.child[i], by);
}

static void end_overtaken(const struct isk_sa *sa, const struct ike_child_state *by)
{
    for (struct isk_sa *o = isk_peer_first(sa->k, &sa->s.path), *next; o; o = next) {
        next = o->peer_next;
        if (!isk_same_as(o, sa))
            continue;
        for (struct isk_node *n = o->nodes, *after; n; n = after) {
            after = n->next;
            if (is_overtaken(o, n, by))
                isk_node_end(n, IKE_R_REKEYED);
        }
    }
}

static void on_qm3(struct isk_sa *sa, struct isk_node *n, struct isk_rx *rx)
{
    struct isk_sa *o;
    unsigned i;
    uint32_t old = n->old_spi;
    memcpy(n->last_in, rx->digest, sizeof n->last_in);
    isk_debug_sa(sa, "deleting node %u error FALSE reason \"QM done (await)\"", n->mid);
    isk_node_moved(n, "IKE_QM_R_QM2", "IKE_QM_PHASE2_COMPLETE", "IKE_MESG_FROM_PEER, IKE_QM_EXCH");
    isk_debug_enabled(sa, &n->child);
    isk_msg_free(&n->out); /* answered for good */
    isk_node_done(n);
    int at = isk_child_by_spi(sa, n->child.spi_in);
    if (at >= 0) {
        struct ike_child_state by = sa->s.child[at];
        end_overtaken(sa, &by);
    }
    if (old && isk_child_find(sa->k, &sa->s.path, old, 0, &o, &i))
        isk_child_leave(o, i, ISK_OVERLAP_PEER);
}

/* --- the initiator's last message ---------------------------------------------------------------
 */

static int send_qm3(struct isk_node *n)
{
    struct isk_sa *sa = n->sa;
    const struct bytes part[] = {{n->ni, n->ni_len}, {n->nr, n->nr_len}};
    struct isk_out m;
    size_t len = 0;

    isk_begin(sa, &m, ISX_QUICK, n->mid, true);
    int err = isk_hash_message(sa->k->c, &sa->s, true, n->mid, part, 2, m.w.w.p + m.hash_at);
    if (err == 0)
        err = isk_finish(sa, &m, n->iv, &len);
    return err < 0 ? err : isk_node_send(n, len, false);
}

static void finish(struct isk_node *n, struct bytes secret)
{
    struct isk_sa *sa = n->sa;
    struct isk_sa *o;
    unsigned i;
    uint32_t old = n->old_spi;

    isk_debug_creating(sa, n);
    int err = isk_child_install(n, true, secret, &n->want->cfg);
    if (!isk_node_alive(n))
        return;
    if (err < 0) {
        isk_tell_child(sa, &n->child); /* the peer has it already */
        isk_node_end(n, IKE_R_INTERNAL);
        return;
    }
    if (send_qm3(n) < 0) {
        isk_node_end(n, IKE_R_INTERNAL);
        return;
    }
    isk_debug_sa(sa, "deleting node %u error FALSE reason \"No Error\"", n->mid);
    isk_node_moved(n, "IKE_QM_I_QM1", "IKE_QM_PHASE2_COMPLETE", "IKE_MESG_FROM_PEER, IKE_QM_EXCH");
    isk_debug_created(sa, &n->child);
    isk_debug_enabled(sa, &n->child);
    isk_node_done(n);
    /* The new one is used at once; the old one receives for a while (semantics.md §2). */
    if (old && isk_child_find(sa->k, &sa->s.path, old, 0, &o, &i))
        isk_child_leave(o, i, ISK_OVERLAP);
}

static void on_initiator_secret(struct isk_sa *sa, struct isk_node *n, struct ike_dh_job *j)
{
    (void)sa;
    if (j->err < 0)
        isk_node_end(n, IKE_R_MALFORMED);
    else
        finish(n, (struct bytes){j->secret, j->secret_len});
}

/* Reads the lifetime that the responder keeps. */
static void take_lifetime(struct isk_node *n, const struct isk_rx *rx)
{
    struct ike_child_state *c = &n->child;
    struct isk_notify_pl notify;
    struct isk_xform x;
    uint64_t seconds, kbytes;

    if (!isk_notify_find(&rx->pl, ISN_RESPONDER_LIFETIME, &notify) ||
        isk_attrs_read(notify.data, notify.len, &x) < 0)
        return;
    isk_life_read(&x, &seconds, &kbytes);
    isk_debug_sa(n->sa, " processing NOTIFY RESPONDER_LIFETIME protocol %u", notify.proto);
    if (seconds && (!c->life_seconds || seconds < c->life_seconds))
        c->life_seconds = (uint32_t)seconds;
    if (kbytes && (!c->life_kbytes || kbytes < c->life_kbytes))
        c->life_kbytes = kbytes;
}

static void on_qm2(struct isk_sa *sa, struct isk_node *n, struct isk_rx *rx)
{
    const struct ike_payload *ke = isk_payload_find(&rx->pl, ISP_KE, 0);
    uint16_t group = n->want->cfg.pfs_group;
    struct isk_offer answer;
    struct selector sel, own = n->child.ts[0];

    if (!payloads_fit(rx, QM_MUST, QM_MAY)) {
        isk_dropped(sa->k, sa, ISK_DROP_PAYLOADS);
        isk_node_end(n, IKE_R_MALFORMED);
        return;
    }
    isk_debug_sa(sa, " processing HASH payload. message ID = %u", n->mid);
    isk_debug_sa(sa, " processing SA payload. message ID = %u", n->mid);
    bool good = isk_offer_read(isk_payload_find(&rx->pl, ISP_SA, 0), &answer) == 0 &&
                isk_nonce_read(rx, n->nr, &n->nr_len) &&
                (group ? ke && ke->len == ike_dh_pub_len(group) : !ke);
    if (good)
        isk_debug_offer2(sa, &answer);
    /* §5.5: identities come back as they were sent; none mean the two ends. */
    if (!good || isk_accept2(sa, &answer, n) < 0 || !read_selector(sa, rx, false, &sel) ||
        !ike_selector_covers(&own, &sel) || !ike_selector_covers(&sel, &own)) {
        isk_tell_child(sa, &n->child);
        isk_node_end(n, good ? IKE_R_NO_PROPOSAL : IKE_R_MALFORMED);
        return;
    }
    take_lifetime(n, rx);
    memcpy(n->last_in, rx->digest, sizeof n->last_in);
    n->any_in = true;
    timer_cancel(sa->k->q, &n->t);
    n->state = NODE_I_SECRET;
    if (!group) {
        finish(n, (struct bytes){NULL, 0});
        return;
    }
    struct ike_dh *dh = n->dh;
    n->dh = NULL;
    if (isk_job_start(sa, n, group, dh, ke->p, ke->len, on_initiator_secret) < 0)
        isk_node_end(n, IKE_R_INTERNAL);
}

/* --- input ---------------------------------------------------------------------------------------
 */

/* The same message again gets the same answer. */
static bool repeated(struct isk_node *n, const struct isk_rx *rx)
{
    if (!n->any_in || memcmp(n->last_in, rx->digest, ISK_DIGEST) != 0)
        return false;
    if (n->out.p && (n->state == NODE_R_QM2 || n->state == NODE_DONE))
        isk_node_repeat(n);
    isk_dropped(n->sa->k, n->sa, ISK_DROP_REPEATED);
    return true;
}

void isk_quick_input(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx)
{
    struct isk_node *n = isk_node_find(sa, rx->h.mid);
    enum isk_drop why;

    if (!n) {
        on_qm1(sa, rx);
        mem_wipe(k->plain, rx->len);
        return;
    }
    if (repeated(n, rx))
        return;
    if (n->state != NODE_I_QM1 && n->state != NODE_R_QM2) {
        isk_dropped(k, sa, ISK_DROP_UNEXPECTED);
        return;
    }
    memcpy(rx->iv, n->iv, sizeof rx->iv);
    why = isk_open(sa, rx);
    bool good = why == ISK_DROP_NONE &&
                (n->state == NODE_I_QM1 ? isk_hash_good(sa, rx, (struct bytes){n->ni, n->ni_len})
                                        : hash3_good(sa, n, rx));
    if (why == ISK_DROP_NONE && !good)
        why = ISK_DROP_HASH;
    if (why != ISK_DROP_NONE) {
        isk_dropped(k, sa, why);
    } else {
        sa->s.last_in = isk_now(k);
        isk_follow(sa, rx->path);
        memcpy(n->iv, rx->iv, sizeof n->iv);
        if (n->state == NODE_I_QM1)
            on_qm2(sa, n, rx);
        else
            on_qm3(sa, n, rx);
    }
    mem_wipe(k->plain, rx->len);
}
