/*
 * Main mode with pre-shared keys, RFC 2409 §5.4:
 *
 *   I: SA                        R: SA
 *   I: KE, Ni [, NAT-D, NAT-D]   R: KE, Nr [, NAT-D, NAT-D]
 *   I: ID, HASH_I (encrypted)    R: ID, HASH_R
 *
 * The key is looked up by address, as the identity comes too late for it. The initiator repeats
 * what is not answered; the responder repeats an answer only when it is asked again, so that
 * nobody can make it send more than he does.
 */
#include "control/isakmp/internal.h"
#include <errno.h>

int isk_send_plain(struct isk_sa *sa, struct isk_out *m, bool ask)
{
    size_t len = 0;
    int err = isk_finish(sa, m, NULL, &len);
    return err < 0 ? err : isk_send_phase1(sa, len, ask);
}

/* --- messages 1 and 2 --------------------------------------------------------------------------
 */

void isk_main_start(struct isk_sa *sa, const struct isakmp_policy *policy, size_t n)
{
    struct isakmp_peer_cfg cfg;
    struct isk_out m;

    isk_debug_new_peer(sa);
    isk_debug_sa(sa, "Can not start Aggressive mode, trying Main mode.");
    if (!isk_peer_cfg_quiet(sa, &cfg)) {
        isk_failed(sa, IKE_R_NO_POLICY);
        return;
    }
    isk_begin(sa, &m, ISX_MAIN, 0, false);
    int err = isk_w_offer1(sa, &m.w, policy, n);
    isk_w_vendors_first(sa, &m.w, cfg.fragmentation);
    isk_debug_input(sa, "IKE_MESG_FROM_IPSEC, IKE_SA_REQ_MM");
    isk_move(sa, ISK_I_MM1);
    isk_debug_sa(sa, " beginning Main Mode exchange");
    if (err == 0)
        err = isk_send_plain(sa, &m, true);
    if (err < 0)
        isk_failed(sa, err == -ENOENT ? IKE_R_NO_POLICY : IKE_R_INTERNAL);
}

static bool read_offer(struct isk_sa *sa, const struct isk_rx *rx, struct isk_offer *o)
{
    isk_debug_sa(sa, " processing SA payload. message ID = 0");
    return isk_offer_read(isk_payload_find(&rx->pl, ISP_SA, 0), o) == 0;
}

static bool start_responder(struct isk_sa *sa, struct isk_rx *rx, struct isakmp_peer_cfg *cfg)
{
    struct isakmp *k = sa->k;
    const struct ike_payload *pl = isk_payload_find(&rx->pl, ISP_SA, 0);
    struct isk_offer offer;
    size_t n;
    const struct isakmp_policy *policy = k->host.policies(k->h, &sa->s.path.local, &n);

    if (!read_offer(sa, rx, &offer)) {
        isk_dropped(k, sa, ISK_DROP_PAYLOADS);
        return false;
    }
    isk_take_vendors(sa, rx);
    if (!isk_peer_cfg(sa, NULL, cfg)) {
        isk_debug_sa(sa, "pre-shared authentication offered but does not match policy!");
        isk_dropped(k, sa, ISK_DROP_NO_KEY);
        return false;
    }
    isk_debug_sa(sa, " local preshared key found");
    isk_debug(k, ISAKMP_DBG_ISAKMP, "ISAKMP : Scanning profiles for xauth ...");
    if (isk_keep(&sa->nego->sa_i, pl->p, pl->len) < 0)
        return false;
    if (isk_choose1(sa, &offer, policy, n) < 0) {
        isk_refuse_first(k, rx, ISN_NO_PROPOSAL_CHOSEN);
        return false;
    }
    isk_debug_lifetime(sa);
    isk_take_vendors(sa, rx); /* as IOS does; its debug shows them twice */
    return true;
}

void isk_on_mm1(struct isakmp *k, struct isk_sa *none, struct isk_rx *rx)
{
    struct isakmp_peer_cfg cfg;
    struct isk_out m;
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
    isk_debug_new_peer(sa);
    isk_debug_input(sa, "IKE_MESG_FROM_PEER, IKE_MM_EXCH");
    isk_move(sa, ISK_R_MM1);
    if (!start_responder(sa, rx, &cfg)) {
        isk_failed(sa, IKE_R_NO_PROPOSAL);
        return;
    }
    isk_event(sa, IKE_EV_INIT_RECEIVED, "%s", "main mode");
    isk_answered(sa, rx);
    isk_debug_input(sa, "IKE_MESG_INTERNAL, IKE_PROCESS_MAIN_MODE");
    isk_move(sa, ISK_R_MM1);
    isk_begin(sa, &m, ISX_MAIN, 0, false);
    ike_w_payload(&m.w, ISP_SA, sa->nego->choice.p, sa->nego->choice.len);
    isk_w_vendors_answer(sa, &m.w, cfg.fragmentation);
    sa->s.phase1 = ISAKMP_MM_SA_SETUP;
    if (isk_send_plain(sa, &m, false) < 0 ||
        timer_set(k->q, &sa->t_life, isk_now(k) + ISK_HALF_OPEN) < 0) {
        isk_failed(sa, IKE_R_INTERNAL);
        return;
    }
    isk_debug_input(sa, "IKE_MESG_INTERNAL, IKE_PROCESS_COMPLETE");
    isk_move(sa, ISK_R_MM2);
}

/* --- messages 3 and 4 --------------------------------------------------------------------------
 */

static void w_keys(struct isk_sa *sa, struct isk_out *m)
{
    const struct isk_nego *g = sa->nego;
    bool i = sa->s.initiator;

    isk_begin(sa, m, ISX_MAIN, 0, false);
    ike_w_payload(&m->w, ISP_KE, i ? g->pub_i : g->pub_r, g->pub_len);
    ike_w_payload(&m->w, ISP_NONCE, i ? g->ni : g->nr, i ? g->ni_len : g->nr_len);
    isk_w_vendors_keys(sa, &m->w);
    isk_w_natd(sa, &m->w);
}

static void on_own_keys(struct isk_sa *sa, struct isk_node *node, struct ike_dh_job *j)
{
    struct isk_nego *g = sa->nego;
    struct isk_out m;

    (void)node;
    if (j->err < 0) {
        isk_failed(sa, IKE_R_INTERNAL);
        return;
    }
    g->dh = j->dh;
    j->dh = NULL;
    g->pub_len = j->pub_len;
    memcpy(g->pub_i, j->pub, j->pub_len);
    isk_new_nonce(sa->k, g->ni, &g->ni_len);
    sa->s.phase1 = ISAKMP_MM_SA_SETUP;
    w_keys(sa, &m);
    if (isk_send_plain(sa, &m, true) < 0) {
        isk_failed(sa, IKE_R_INTERNAL);
        return;
    }
    isk_debug_input(sa, "IKE_MESG_INTERNAL, IKE_PROCESS_COMPLETE");
    isk_move(sa, ISK_I_MM3);
}

void isk_on_mm2(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx)
{
    struct isk_offer answer;

    if (!addr_eq(&rx->path->remote, &sa->s.path.remote)) {
        isk_dropped(k, sa, ISK_DROP_UNKNOWN_SA);
        return;
    }
    isk_debug_input(sa, "IKE_MESG_FROM_PEER, IKE_MM_EXCH");
    isk_move(sa, ISK_I_MM2);
    if (!read_offer(sa, rx, &answer) || isk_accept1(sa, &answer) < 0) {
        sa->step = ISK_I_MM1; /* it makes no sense: the true answer may still come */
        isk_dropped(k, sa, ISK_DROP_PAYLOADS);
        return;
    }
    isk_take_vendors(sa, rx);
    isk_debug_lifetime(sa);
    sa->s.spi_r = rx->h.spi_r;
    isk_answered(sa, rx);
    isk_debug_input(sa, "IKE_MESG_INTERNAL, IKE_PROCESS_MAIN_MODE");
    isk_move(sa, ISK_I_MM2);
    if (isk_job_start(sa, NULL, sa->s.suite.group, NULL, NULL, 0, on_own_keys) < 0)
        isk_failed(sa, IKE_R_INTERNAL);
}

/* Responder: everything is there for the keys. */
static void on_responder_keys(struct isk_sa *sa, struct isk_node *node, struct ike_dh_job *j)
{
    struct isk_nego *g = sa->nego;
    struct isakmp_peer_cfg cfg;
    struct isk_out m;

    (void)node;
    if (j->err == 0) {
        g->pub_len = j->pub_len;
        memcpy(g->pub_r, j->pub, j->pub_len);
        isk_new_nonce(sa->k, g->nr, &g->nr_len);
    }
    if (j->err < 0 || !isk_peer_cfg_quiet(sa, &cfg) || isk_make_keys(sa, &cfg, j) < 0) {
        isk_failed(sa, j->err == -EBADMSG ? IKE_R_MALFORMED : IKE_R_INTERNAL);
        return;
    }
    sa->s.phase1 = ISAKMP_MM_KEY_EXCH;
    isk_debug_input(sa, "IKE_MESG_INTERNAL, IKE_PROCESS_MAIN_MODE");
    isk_move(sa, ISK_R_MM3);
    w_keys(sa, &m);
    if (isk_send_plain(sa, &m, false) < 0) {
        isk_failed(sa, IKE_R_INTERNAL);
        return;
    }
    isk_debug_input(sa, "IKE_MESG_INTERNAL, IKE_PROCESS_COMPLETE");
    isk_move(sa, ISK_R_MM4);
}

/* What messages three and four have in common for their receiver. NAT detection comes before the
 * keys: they are only as good as what authenticates later anyway. */
static bool take_keys(struct isk_sa *sa, const struct isk_rx *rx, uint8_t *pub, uint8_t *nonce,
                      size_t *nonce_len, struct isakmp_peer_cfg *cfg)
{
    isk_debug_sa(sa, " processing KE payload. message ID = 0");
    isk_debug_sa(sa, " processing NONCE payload. message ID = 0");
    if (!isk_ke_read(rx, sa->s.suite.group, pub) || !isk_nonce_read(rx, nonce, nonce_len)) {
        isk_dropped(sa->k, sa, ISK_DROP_PAYLOADS);
        return false;
    }
    if (!isk_peer_cfg(sa, NULL, cfg)) {
        isk_failed(sa, IKE_R_NO_POLICY);
        return false;
    }
    isk_number(sa);
    isk_take_vendors(sa, rx);
    isk_take_natd(sa, rx);
    return true;
}

void isk_on_mm3(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx)
{
    struct isk_nego *g = sa->nego;
    struct isakmp_peer_cfg cfg;

    (void)k;
    isk_debug_input(sa, "IKE_MESG_FROM_PEER, IKE_MM_EXCH");
    isk_move(sa, ISK_R_MM3);
    if (!take_keys(sa, rx, g->pub_i, g->ni, &g->ni_len, &cfg)) {
        if (isk_sa_alive(sa))
            sa->step = ISK_R_MM2;
        return;
    }
    isk_peer_shown(sa, &cfg);
    isk_answered(sa, rx);
    isk_msg_free(&sa->out); /* the answer to this one is still to come */
    if (isk_job_start(sa, NULL, sa->s.suite.group, NULL, g->pub_i,
                      ike_dh_pub_len(sa->s.suite.group), on_responder_keys) < 0)
        isk_failed(sa, IKE_R_INTERNAL);
}

/* --- messages 5 and 6 --------------------------------------------------------------------------
 */

/* Our identity and what proves it. */
static int send_identity(struct isk_sa *sa, const struct isakmp_peer_cfg *cfg, bool ask)
{
    uint8_t hash[IKE_PRF_MAX];
    struct bytes id;
    struct isk_out m;
    size_t len = 0;

    isk_begin(sa, &m, ISX_MAIN, 0, false);
    isk_w_own_id(sa, &m.w, cfg, &id);
    int err = m.w.w.bad ? -EMSGSIZE : isk_own_hash(sa, id, hash);
    ike_w_payload(&m.w, ISP_HASH, hash, ike_prf_len(sa->s.suite.prf));
    if (ask && isk_needs_contact(sa))
        isk_w_contact(sa, &m.w);
    if (!ask)
        isk_w_lifetime(sa, &m.w);
    if (err == 0)
        err = isk_finish(sa, &m, sa->iv, &len);
    return err < 0 ? err : isk_send_phase1(sa, len, ask);
}

static void on_initiator_secret(struct isk_sa *sa, struct isk_node *node, struct ike_dh_job *j)
{
    struct isakmp_peer_cfg cfg;

    (void)node;
    if (j->err < 0 || !isk_peer_cfg_quiet(sa, &cfg) || isk_make_keys(sa, &cfg, j) < 0) {
        isk_failed(sa, j->err == -EBADMSG ? IKE_R_MALFORMED : IKE_R_INTERNAL);
        return;
    }
    sa->s.phase1 = ISAKMP_MM_KEY_EXCH;
    isk_debug_input(sa, "IKE_MESG_INTERNAL, IKE_PROCESS_MAIN_MODE");
    isk_move(sa, ISK_I_MM4);
    isk_debug_sa(sa, "Send initial contact");
    isk_float(sa);
    if (send_identity(sa, &cfg, true) < 0) {
        isk_failed(sa, IKE_R_INTERNAL);
        return;
    }
    isk_debug_input(sa, "IKE_MESG_INTERNAL, IKE_PROCESS_COMPLETE");
    isk_move(sa, ISK_I_MM5);
}

void isk_on_mm4(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx)
{
    struct isk_nego *g = sa->nego;
    struct isakmp_peer_cfg cfg;
    struct ike_dh *dh = g->dh;

    (void)k;
    isk_debug_input(sa, "IKE_MESG_FROM_PEER, IKE_MM_EXCH");
    isk_move(sa, ISK_I_MM4);
    if (!take_keys(sa, rx, g->pub_r, g->nr, &g->nr_len, &cfg)) {
        if (isk_sa_alive(sa))
            sa->step = ISK_I_MM3;
        return;
    }
    isk_answered(sa, rx);
    g->dh = NULL;
    if (isk_job_start(sa, NULL, sa->s.suite.group, dh, g->pub_r, g->pub_len, on_initiator_secret) <
        0)
        isk_failed(sa, IKE_R_INTERNAL);
}

/* The identity first, then its proof; nothing of the SA changes before that is right. */
static bool verify(struct isk_sa *sa, struct isk_rx *rx)
{
    const struct ike_payload *id = isk_payload_find(&rx->pl, ISP_ID, 0);
    const struct ike_payload *hash = isk_payload_find(&rx->pl, ISP_HASH, 0);
    struct ike_identity before = sa->s.remote_id;

    if (isk_take_id(sa, id) && isk_peer_hash(sa, (struct bytes){id->p, id->len}, hash)) {
        memcpy(sa->iv, rx->iv, sizeof sa->iv);
        return true;
    }
    sa->s.remote_id = before;
    isk_dropped(sa->k, sa, ISK_DROP_HASH);
    return false;
}

static void complete(struct isk_sa *sa)
{
    isk_debug_complete(sa);
    isk_sa_established(sa);
}

void isk_on_mm5(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx)
{
    struct isakmp_peer_cfg cfg;

    (void)k;
    isk_debug_input(sa, "IKE_MESG_FROM_PEER, IKE_MM_EXCH");
    isk_move(sa, ISK_R_MM5);
    if (!verify(sa, rx) || !isk_peer_cfg_quiet(sa, &cfg)) {
        sa->step = ISK_R_MM4;
        return;
    }
    isk_answered(sa, rx);
    isk_follow(sa, rx->path);
    isk_take_notifies(sa, rx);
    if (!isk_sa_alive(sa))
        return;
    isk_debug_inserted(sa);
    isk_debug_input(sa, "IKE_MESG_INTERNAL, IKE_PROCESS_MAIN_MODE");
    isk_move(sa, ISK_R_MM5);
    isk_debug(sa->k, ISAKMP_DBG_IPSEC,
              "IPSEC(key_engine): got a queue event with 1 KMI message(s)");
    if (send_identity(sa, &cfg, false) < 0) {
        isk_failed(sa, IKE_R_INTERNAL);
        return;
    }
    isk_debug_input(sa, "IKE_MESG_INTERNAL, IKE_PROCESS_COMPLETE");
    isk_move(sa, ISK_P1_COMPLETE);
    complete(sa);
}

void isk_on_mm6(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx)
{
    (void)k;
    isk_debug_input(sa, "IKE_MESG_FROM_PEER, IKE_MM_EXCH");
    isk_move(sa, ISK_I_MM6);
    if (!verify(sa, rx)) {
        sa->step = ISK_I_MM5;
        return;
    }
    isk_answered(sa, rx);
    isk_follow(sa, rx->path);
    isk_take_notifies(sa, rx);
    if (!isk_sa_alive(sa))
        return;
    isk_msg_free(&sa->out); /* answered for good */
    isk_debug_input(sa, "IKE_MESG_INTERNAL, IKE_PROCESS_MAIN_MODE");
    isk_move(sa, ISK_I_MM6);
    isk_debug_input(sa, "IKE_MESG_INTERNAL, IKE_PROCESS_COMPLETE");
    isk_move(sa, ISK_P1_COMPLETE);
    complete(sa);
}
