/*
 * Aggressive mode with pre-shared keys, RFC 2409 §5.4:
 *
 *   I: SA, KE, Ni, IDii
 *   R: SA, KE, Nr, IDir, HASH_R [, NAT-D, NAT-D]
 *   I: HASH_I [, NAT-D, NAT-D] (encrypted by us)
 *
 * The identity comes first, so that the key may be looked up by name; and in clear, with a hash
 * that a listener can try keys on. There is one group only: that of the first policy.
 */
#include "control/isakmp/internal.h"
#include "lib/mem.h"
#include <errno.h>

/* --- the initiator's first message ---------------------------------------------------------------
 */

static void on_own_keys(struct isk_sa *sa, struct isk_node *node, struct ike_dh_job *j)
{
    struct isk_nego *g = sa->nego;
    struct isakmp_peer_cfg cfg;
    struct isk_out m;
    struct bytes id;

    (void)node;
    if (j->err < 0 || !isk_peer_cfg_quiet(sa, &cfg)) {
        isk_failed(sa, IKE_R_INTERNAL);
        return;
    }
    g->dh = j->dh;
    j->dh = NULL;
    g->pub_len = j->pub_len;
    memcpy(g->pub_i, j->pub, j->pub_len);
    isk_new_nonce(sa->k, g->ni, &g->ni_len);
    isk_begin(sa, &m, ISX_AGGRESSIVE, 0, false);
    ike_w_payload(&m.w, ISP_SA, g->sa_i.p, g->sa_i.len);
    ike_w_payload(&m.w, ISP_KE, g->pub_i, g->pub_len);
    ike_w_payload(&m.w, ISP_NONCE, g->ni, g->ni_len);
    isk_w_own_id(sa, &m.w, &cfg, &id);
    int err = m.w.w.bad ? -EMSGSIZE : isk_keep(&g->own_id, id.p, id.n);
    isk_w_vendors_first(sa, &m.w, cfg.fragmentation);
    isk_w_vendors_keys(sa, &m.w);
    isk_debug_input(sa, "IKE_MESG_FROM_IPSEC, IKE_SA_REQ_AM");
    isk_move(sa, ISK_I_AM1);
    isk_debug_sa(sa, " beginning Aggressive Mode exchange");
    sa->s.phase1 = ISAKMP_AG_INIT_EXCH;
    if (err < 0 || isk_send_plain(sa, &m, true) < 0)
        isk_failed(sa, IKE_R_INTERNAL);
}

void isk_aggressive_start(struct isk_sa *sa, const struct isakmp_policy *policy, size_t n)
{
    struct ike_writer w = ike_writer_make(sa->k->out, sizeof sa->k->out);

    sa->s.aggressive = true;
    sa->s.phase1 = ISAKMP_AG_NO_STATE;
    isk_debug_new_peer(sa);
    if (isk_w_offer1(sa, &w, policy, n) < 0 ||
        isk_job_start(sa, NULL, sa->nego->policy[0].group, NULL, NULL, 0, on_own_keys) < 0)
        isk_failed(sa, IKE_R_NO_POLICY);
}

/* --- the responder
 * --------------------------------------------------------------------------------- */

static void send_answer(struct isk_sa *sa, const struct isakmp_peer_cfg *cfg)
{
    struct isk_nego *g = sa->nego;
    uint8_t hash[IKE_PRF_MAX];
    struct isk_out m;
    struct bytes id;

    isk_begin(sa, &m, ISX_AGGRESSIVE, 0, false);
    ike_w_payload(&m.w, ISP_SA, g->choice.p, g->choice.len);
    ike_w_payload(&m.w, ISP_KE, g->pub_r, g->pub_len);
    ike_w_payload(&m.w, ISP_NONCE, g->nr, g->nr_len);
    isk_w_own_id(sa, &m.w, cfg, &id);
    int err = m.w.w.bad ? -EMSGSIZE : isk_own_hash(sa, id, hash);
    ike_w_payload(&m.w, ISP_HASH, hash, ike_prf_len(sa->s.suite.prf));
    isk_w_vendors_answer(sa, &m.w, cfg->fragmentation);
    isk_w_vendors_keys(sa, &m.w);
    isk_w_natd(sa, &m.w);
    sa->s.phase1 = ISAKMP_AG_INIT_EXCH;
    if (err < 0 || isk_send_plain(sa, &m, true) < 0) {
        isk_failed(sa, IKE_R_INTERNAL);
        return;
    }
    isk_debug_input(sa, "IKE_MESG_INTERNAL, IKE_PROCESS_COMPLETE");
    isk_move(sa, ISK_R_AM2);
}

static void on_responder_keys(struct isk_sa *sa, struct isk_node *node, struct ike_dh_job *j)
{
    struct isk_nego *g = sa->nego;
    struct isakmp_peer_cfg cfg;

    (void)node;
    if (j->err == 0) {
        g->pub_len = j->pub_len;
        memcpy(g->pub_r, j->pub, j->pub_len);
        isk_new_nonce(sa->k, g->nr, &g->nr_len);
    }
    if (j->err < 0 || !isk_peer_cfg_quiet(sa, &cfg) || isk_make_keys(sa, &cfg, j) < 0)
        isk_failed(sa, j->err == -EBADMSG ? IKE_R_MALFORMED : IKE_R_INTERNAL);
    else
        send_answer(sa, &cfg);
}

/* Everything of the first message but the key agreement. */
static enum isk_drop take_first(struct isk_sa *sa, struct isk_rx *rx)
{
    struct isakmp *k = sa->k;
    struct isk_nego *g = sa->nego;
    const struct ike_payload *pl = isk_payload_find(&rx->pl, ISP_SA, 0);
    const struct ike_payload *id = isk_payload_find(&rx->pl, ISP_ID, 0);
    struct isakmp_peer_cfg cfg;
    struct isk_offer offer;
    size_t n;
    const struct isakmp_policy *policy = k->host.policies(k->h, &sa->s.path.local, &n);

    isk_debug_sa(sa, " processing SA payload. message ID = 0");
    if (isk_offer_read(pl, &offer) < 0 || !isk_take_id(sa, id))
        return ISK_DROP_PAYLOADS;
    isk_take_vendors(sa, rx);
    if (!isk_peer_cfg(sa, &sa->s.remote_id, &cfg))
        return ISK_DROP_NO_KEY;
    if (cfg.refuse_aggressive)
        return ISK_DROP_AGGRESSIVE;
    if (isk_keep(&g->sa_i, pl->p, pl->len) < 0 || isk_keep(&g->peer_id, id->p, id->len) < 0)
        return ISK_DROP_MEMORY;
    if (isk_choose1(sa, &offer, policy, n) < 0) {
        isk_refuse_first(k, rx, ISN_NO_PROPOSAL_CHOSEN);
        return ISK_DROP_PAYLOADS;
    }
    isk_debug_lifetime(sa);
    if (!isk_ke_read(rx, sa->s.suite.group, g->pub_i) || !isk_nonce_read(rx, g->ni, &g->ni_len))
        return ISK_DROP_PAYLOADS;
    isk_number(sa);
    return ISK_DROP_NONE;
}

void isk_on_am1(struct isakmp *k, struct isk_sa *none, struct isk_rx *rx)
{
    size_t n;

    (void)none;
    isk_debug_received(k, NULL, rx->path);
    if (!k->host.policies(k->h, &rx->path->local, &n)) {
        isk_dropped(k, NULL, ISK_DROP_DISABLED);
        return;
    }
    struct isk_sa *sa = isk_sa_new(k, false, rx->h.spi_i, rx->path);
    if (!sa) {
        isk_dropped(k, NULL, ISK_DROP_LIMIT);
        return;
    }
    k->stats.responded++;
    sa->s.aggressive = true;
    sa->s.phase1 = ISAKMP_AG_NO_STATE;
    isk_debug_new_peer(sa);
    isk_debug_input(sa, "IKE_MESG_FROM_PEER, IKE_AM_EXCH");
    isk_move(sa, ISK_R_AM1);
    enum isk_drop why = take_first(sa, rx);
    if (why != ISK_DROP_NONE) {
        isk_dropped(k, sa, why);
        isk_failed(sa, IKE_R_NO_PROPOSAL);
        return;
    }
    isk_event(sa, IKE_EV_INIT_RECEIVED, "%s", "aggressive mode");
    isk_answered(sa, rx);
    if (timer_set(k->q, &sa->t_life, isk_now(k) + ISK_HALF_OPEN) < 0 ||
        isk_job_start(sa, NULL, sa->s.suite.group, NULL, sa->nego->pub_i,
                      ike_dh_pub_len(sa->s.suite.group), on_responder_keys) < 0)
        isk_failed(sa, IKE_R_INTERNAL);
}

/* --- the initiator's last message
 * ------------------------------------------------------------------ */

/* The answer does not prove to know the key. The true one may still come: back to waiting. */
static void not_proven(struct isk_sa *sa)
{
    struct isakmp *k = sa->k;

    isk_dropped(k, sa, ISK_DROP_HASH);
    isk_debug_sa(sa, "IKE message from peer failed its sanity check or is malformed "
                     "(possible key mismatch)");
    sa->wrong_key = true;
    sa->s.spi_r = 0;
    sa->any_in = false;
    sa->step = ISK_I_AM1;
    sa->s.phase1 = ISAKMP_AG_INIT_EXCH;
    sa->repeating = true;
    sa->sends++; /* not for ever */
    if (sa->sends >= k->schedule.n ||
        timer_set(k->q, &sa->t_send, isk_now(k) + k->schedule.wait[0]) < 0)
        isk_failed(sa, IKE_R_RETRANSMIT);
}

static int send_last(struct isk_sa *sa)
{
    const struct isk_nego *g = sa->nego;
    uint8_t hash[IKE_PRF_MAX];
    struct isk_out m;
    size_t len = 0;
    int err = isk_own_hash(sa, (struct bytes){g->own_id.p, g->own_id.len}, hash);

    isk_begin(sa, &m, ISX_AGGRESSIVE, 0, false);
    ike_w_payload(&m.w, ISP_HASH, hash, ike_prf_len(sa->s.suite.prf));
    isk_float(sa); /* the hashes are about the ports that it goes by */
    isk_w_natd(sa, &m.w);
    if (isk_needs_contact(sa))
        isk_w_contact(sa, &m.w);
    if (err == 0)
        err = isk_finish(sa, &m, sa->iv, &len);
    return err < 0 ? err : isk_send_phase1(sa, len, false);
}

static void on_initiator_secret(struct isk_sa *sa, struct isk_node *node, struct ike_dh_job *j)
{
    struct isk_nego *g = sa->nego;
    const struct ike_payload hash = {ISP_HASH, g->peer_hash.p, g->peer_hash.len};
    struct isakmp_peer_cfg cfg;

    (void)node;
    g->dh = j->dh;
    j->dh = NULL;
    if (j->err < 0 || !isk_peer_cfg_quiet(sa, &cfg) || isk_make_keys(sa, &cfg, j) < 0) {
        isk_failed(sa, j->err == -EBADMSG ? IKE_R_MALFORMED : IKE_R_INTERNAL);
        return;
    }
    if (!isk_peer_hash(sa, (struct bytes){g->peer_id.p, g->peer_id.len}, &hash)) {
        not_proven(sa);
        return;
    }
    isk_say_authenticated(sa);
    isk_debug_sa(sa, "Send initial contact");
    if (send_last(sa) < 0) {
        isk_failed(sa, IKE_R_INTERNAL);
        return;
    }
    isk_debug_input(sa, "IKE_MESG_FROM_PEER, IKE_AM_EXCH");
    isk_move(sa, ISK_P1_COMPLETE);
    isk_debug_complete(sa);
    isk_sa_established(sa);
}

void isk_on_am2(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx)
{
    struct isk_nego *g = sa->nego;
    const struct ike_payload *id = isk_payload_find(&rx->pl, ISP_ID, 0);
    const struct ike_payload *hash = isk_payload_find(&rx->pl, ISP_HASH, 0);
    struct isk_offer answer;
    struct ike_dh *dh = g->dh;

    isk_debug_sa(sa, " processing SA payload. message ID = 0");
    if (!addr_eq(&rx->path->remote, &sa->s.path.remote) ||
        isk_offer_read(isk_payload_find(&rx->pl, ISP_SA, 0), &answer) < 0 ||
        isk_accept1(sa, &answer) < 0 || !isk_ke_read(rx, sa->s.suite.group, g->pub_r) ||
        !isk_nonce_read(rx, g->nr, &g->nr_len) || !isk_take_id(sa, id) ||
        isk_keep(&g->peer_id, id->p, id->len) < 0 ||
        isk_keep(&g->peer_hash, hash->p, hash->len) < 0) {
        isk_dropped(k, sa, ISK_DROP_PAYLOADS);
        return;
    }
    sa->s.spi_r = rx->h.spi_r;
    isk_number(sa);
    isk_take_vendors(sa, rx);
    isk_take_natd(sa, rx);
    isk_answered(sa, rx);
    sa->s.phase1 = ISAKMP_AG_AUTH;
    sa->step = ISK_I_AM2;
    g->dh = NULL;
    if (isk_job_start(sa, NULL, sa->s.suite.group, dh, g->pub_r, g->pub_len, on_initiator_secret) <
        0)
        isk_failed(sa, IKE_R_INTERNAL);
}

void isk_on_am3(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx)
{
    const struct isk_nego *g = sa->nego;

    isk_debug_input(sa, "IKE_MESG_FROM_PEER, IKE_AM_EXCH");
    if (!isk_peer_hash(sa, (struct bytes){g->peer_id.p, g->peer_id.len},
                       isk_payload_find(&rx->pl, ISP_HASH, 0))) {
        sa->wrong_key = true;
        isk_dropped(k, sa, ISK_DROP_HASH);
        return;
    }
    if (rx->h.flags & ISK_F_ENCRYPTED)
        memcpy(sa->iv, rx->iv, sizeof sa->iv);
    isk_take_natd(sa, rx);
    isk_answered(sa, rx);
    isk_follow(sa, rx->path);
    isk_take_notifies(sa, rx);
    if (!isk_sa_alive(sa))
        return;
    isk_msg_free(&sa->out); /* answered for good */
    isk_move(sa, ISK_P1_COMPLETE);
    isk_debug_complete(sa);
    isk_sa_established(sa);
}
