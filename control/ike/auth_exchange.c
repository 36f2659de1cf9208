/*
 * IKE_AUTH, RFC 7296 §1.2, §2.15: who are you, proof of it, and the first child.
 *
 * The IKE SA and its first child succeed or fail apart: a child that is refused leaves an IKE
 * SA behind (§1.2). As initiator we have no use for one and delete it.
 */
#include "control/ike/internal.h"
#include "lib/mem.h"
#include <errno.h>

static struct bytes psk_of(const struct ike_peer_cfg *cfg, bool local)
{
    return local ? (struct bytes){cfg->local_psk, cfg->local_psk_len}
                 : (struct bytes){cfg->remote_psk, cfg->remote_psk_len};
}

static bool ask_host(const struct ike_sa *sa, const struct ike_path *p, struct ike_peer_cfg *cfg)
{
    const struct ike_identity *id = sa->s.remote_id.type ? &sa->s.remote_id : NULL;

    *cfg = (struct ike_peer_cfg){0};
    return sa->ike->host.peer(sa->ike->h, p, id, cfg);
}

uint32_t ike_auth_lifetime(const struct ike_sa *sa, uint32_t of_policy)
{
    struct ike_peer_cfg cfg;
    return ask_host(sa, &sa->s.path, &cfg) && cfg.lifetime ? cfg.lifetime : of_policy;
}

/* The configuration for the other side; false when there is none with keys. */
static bool peer_of(struct ike_sa *sa, const struct ike_path *p, struct ike_peer_cfg *cfg)
{
    if (!ask_host(sa, p, cfg) || !cfg->local_psk_len || !cfg->remote_psk_len)
        return false;
    if (cfg->lifetime)
        sa->s.lifetime = cfg->lifetime;
    sa->s.dpd_seconds = cfg->dpd_seconds;
    sa->s.dpd_retry = cfg->dpd_retry;
    sa->s.dpd_periodic = cfg->dpd_periodic;
    sa->s.dpd_on_demand = cfg->dpd_on_demand;
    sa->s.local_id = cfg->local_id;
    if (cfg->local_id.type == 0) {
        const struct addr *a = &sa->s.path.local;
        sa->s.local_id.type = a->family == AF_INET ? ID_IPV4 : ID_IPV6;
        sa->s.local_id.len = (uint8_t)addr_size(a);
        memcpy(sa->s.local_id.data, a->b, addr_size(a));
    }
    return true;
}

/* AUTH of one side: what it sent first, the other's nonce, its own SK_p and identity. */
static int auth_data(const struct ike_sa *sa, bool of_initiator, struct bytes psk, uint8_t *out)
{
    const struct ike_nego *n = sa->nego;
    bool ours = of_initiator == sa->s.initiator;
    struct bytes msg = of_initiator ? (struct bytes){n->init_i, n->init_i_len}
                                    : (struct bytes){n->init_r, n->init_r_len};
    struct bytes nonce =
        of_initiator ? (struct bytes){n->nr, n->nr_len} : (struct bytes){n->ni, n->ni_len};

    return ike_auth_psk(sa->ike->c, sa->s.suite.prf, psk, msg, nonce,
                        of_initiator ? sa->s.keys.sk_pi : sa->s.keys.sk_pr,
                        ours ? &sa->s.local_id : &sa->s.remote_id, out);
}

static int write_auth(const struct ike_sa *sa, struct ike_writer *w, const struct ike_peer_cfg *cfg)
{
    uint8_t data[IKE_PRF_MAX];
    int err = auth_data(sa, sa->s.initiator, psk_of(cfg, true), data);

    if (err == 0)
        ike_w_auth(w, AUTH_PSK, data, ike_prf_len(sa->s.suite.prf));
    return err;
}

/* Who the peer says it is: what is configured for it may depend on that. */
static bool read_identity(struct ike_sa *sa, const struct ike_rx *rx)
{
    return ike_id_read(ike_payload_find(&rx->pl, sa->s.initiator ? PL_IDR : PL_IDI),
                       &sa->s.remote_id) == 0;
}

/* AUTH of the peer. False: it is not who it says. */
static bool verify_peer(const struct ike_sa *sa, const struct ike_rx *rx,
                        const struct ike_peer_cfg *cfg)
{
    uint8_t data[IKE_PRF_MAX];
    size_t len = ike_prf_len(sa->s.suite.prf);
    struct ike_auth_pl auth;
    bool peer_is_initiator = !sa->s.initiator;

    if (ike_auth_read(ike_payload_find(&rx->pl, PL_AUTH), &auth) < 0 || auth.method != AUTH_PSK ||
        auth.len != len)
        return false;
    return auth_data(sa, peer_is_initiator, psk_of(cfg, false), data) == 0 &&
           mem_equal_ct(data, auth.data, len);
}

/* Another live SA with the same peer. */
static bool has_other(const struct ike_sa *sa)
{
    for (const struct ike_sa *o = ike_peer_first(sa->ike, &sa->s.path); o; o = o->peer_next)
        if (o != sa && o->s.state == IKE_ESTABLISHED &&
            addr_eq(&o->s.path.remote, &sa->s.path.remote) &&
            addr_eq(&o->s.path.local, &sa->s.path.local))
            return true;
    return false;
}

static bool same_identity(const struct ike_identity *a, const struct ike_identity *b)
{
    return a->type == b->type && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* §2.4: the peer knows of no other SA with us, so the older ones are dead. An SA that was
 * established after this one began is not meant: both sides may initiate at the same time, and
 * then the notify was written before the other SA existed. */
static void initial_contact(struct ike_sa *sa)
{
    const struct ike_index *x = &sa->ike->index;
    struct ike_sa *o;
    uint32_t at = 0;

    while ((o = ike_index_next(x, IKE_BY_IDENTITY, ike_identity_hash(sa), &at)) != NULL)
        if (o != sa && o->s.state == IKE_ESTABLISHED && o->s.established < sa->s.created &&
            addr_eq(&o->s.path.local, &sa->s.path.local) &&
            same_identity(&o->s.remote_id, &sa->s.remote_id)) {
            ike_sa_end(o, IKE_R_REPLACED); /* and is not in the index any more */
            at = 0;
        }
}

/* --- initiator ---------------------------------------------------------------------------- */

void ike_auth_start(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);
    struct ike_want *want = sa->wants;
    struct ike_peer_cfg cfg;

    if (!peer_of(sa, &sa->s.path, &cfg)) {
        ike_sa_end(sa, IKE_R_AUTH_FAILED);
        return;
    }
    sa->wants = want->next;
    want->next = NULL;
    sa->active = want;
    ike_w_id(&w, PL_IDI, &sa->s.local_id);
    int err = write_auth(sa, &w, &cfg);
    if (!has_other(sa))
        ike_w_notify(&w, N_INITIAL_CONTACT, NULL, 0);
    if (cfg.sync_ids)
        ike_w_notify(&w, N_MESSAGE_ID_SYNC_SUPPORTED, NULL, 0); /* RFC 6311 §3 */
    if (err == 0)
        err = ike_child_offer(sa, &w, want, false);
    ike_w_ts(&w, PL_TSI, &want->cfg.sel, 1, true);
    ike_w_ts(&w, PL_TSR, &want->cfg.sel, 1, false);
    sa->s.next_send_mid = 1;
    if (err == 0)
        err = ike_send_request(sa, X_AUTH, &w);
    if (err < 0)
        ike_sa_end(sa, err == -ENOENT ? IKE_R_NO_PROPOSAL : IKE_R_INTERNAL);
}

/* The first child of an SA that has just been established, or the end of both. */
static void first_child(struct ike_sa *sa, const struct ike_rx *rx, struct bytes ni,
                        struct bytes nr)
{
    const uint64_t all = PL_BIT(PL_SA) | PL_BIT(PL_TSI) | PL_BIT(PL_TSR);
    struct ike_want *want = sa->active;
    struct ike_notify_pl n;
    uint16_t error = 0;

    sa->active = NULL;
    if ((rx->pl.seen & all) == all)
        error = ike_child_accept(sa, want, &rx->pl, false);
    else if ((error = ike_notify_error(&rx->pl, &n)) == 0)
        error = N_INVALID_SYNTAX;
    if (error == 0) {
        if (ike_child_install(sa, want, true, ni, nr, (struct bytes){NULL, 0}) == 0) {
            ike_want_free(want);
            return;
        }
        ike_want_failed(sa, want, IKE_R_INTERNAL);
        if (ike_sa_alive(sa))
            ike_sa_delete(sa, IKE_R_INTERNAL);
        return;
    }
    ike_debug_error(sa, "First child refused: %s", ike_notify_name(error));
    ike_want_failed(sa, want, ike_reason_of(error));
    if (ike_sa_alive(sa))
        ike_sa_delete(sa, ike_reason_of(error));
}

void ike_on_auth_reply(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    struct ike_nego *n = sa->nego;
    uint8_t ni[IKE_NONCE_MAX], nr[IKE_NONCE_MAX];
    struct ike_peer_cfg cfg;
    struct ike_notify_pl notify;

    (void)ike;
    ike_request_done(sa);
    if (!read_identity(sa, rx) || !peer_of(sa, &sa->s.path, &cfg) || !verify_peer(sa, rx, &cfg)) {
        /* §2.21.2: the responder believes the SA is up, so it is told why it is not. */
        ike_debug_error(sa, "Failed to authenticate the peer");
        sa->tell = N_AUTHENTICATION_FAILED;
        ike_sa_delete(sa, IKE_R_AUTH_FAILED);
        return;
    }
    struct bytes b_ni = {ni, n->ni_len}, b_nr = {nr, n->nr_len};
    memcpy(ni, n->ni, n->ni_len);
    memcpy(nr, n->nr, n->nr_len);
    sa->s.sync_ids = cfg.sync_ids && ike_notify_find(&rx->pl, N_MESSAGE_ID_SYNC_SUPPORTED, &notify);
    if (ike_notify_find(&rx->pl, N_INITIAL_CONTACT, &notify))
        initial_contact(sa);
    sa->holding = true;
    if (ike_sa_alive(sa))
        ike_sa_established(sa);
    if (ike_sa_alive(sa) && sa->s.state == IKE_ESTABLISHED)
        first_child(sa, rx, b_ni, b_nr);
    sa->holding = false;
    mem_wipe(ni, sizeof ni);
    mem_wipe(nr, sizeof nr);
    ike_sa_kick(sa);
}

void ike_on_auth_refusal(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    struct ike_notify_pl n;
    uint16_t error = ike_notify_error(&rx->pl, &n);

    (void)ike;
    ike_request_done(sa);
    ike_debug_error(sa, "Peer refuses: %s", ike_notify_name(error));
    ike_sa_end(sa, ike_reason_of(error));
}

/* --- responder ---------------------------------------------------------------------------- */

static void refuse(struct ike_sa *sa, const struct ike_rx *rx, uint16_t notify)
{
    ike_reply_notify(sa, rx, notify, NULL, 0);
    ike_sa_linger(sa, ike_reason_of(notify));
}

void ike_on_auth_incomplete(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    (void)ike;
    /* Without AUTH the initiator wants EAP (§2.16), which we do not offer; without a child it
     * wants RFC 6023. */
    refuse(sa, rx, rx->pl.seen & PL_BIT(PL_AUTH) ? N_INVALID_SYNTAX : N_AUTHENTICATION_FAILED);
}

/* Child and IKE SA are up or not: says so to the initiator. Callbacks are over by now, so the
 * engine's buffers are ours. */
static int reply(struct ike_sa *sa, const struct ike_rx *rx, const uint8_t *auth,
                 const struct ike_want *want, uint16_t error)
{
    struct ike *ike = sa->ike;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);

    ike_w_id(&w, PL_IDR, &sa->s.local_id);
    ike_w_auth(&w, AUTH_PSK, auth, ike_prf_len(sa->s.suite.prf));
    if (sa->s.sync_ids)
        ike_w_notify(&w, N_MESSAGE_ID_SYNC_SUPPORTED, NULL, 0); /* who offers it gets it */
    if (error == 0) {
        ike_child_answer(&w, want);
        ike_w_ts(&w, PL_TSI, &want->cfg.sel, 1, false);
        ike_w_ts(&w, PL_TSR, &want->cfg.sel, 1, true);
    } else {
        ike_debug_error(sa, "Child refused: %s", ike_notify_name(error));
        ike_w_notify(&w, error, NULL, 0);
    }
    return ike_send_reply(sa, rx->path, X_AUTH, rx->h.mid, &w);
}

/* The SA is established; its first child is chosen and installed before the answer leaves, so
 * that the initiator's first packets find it (§2.8 says the same of rekeying). */
static void establish(struct ike_sa *sa, const struct ike_rx *rx, const uint8_t *auth)
{
    struct ike_nego *n = sa->nego;
    uint8_t ni[IKE_NONCE_MAX], nr[IKE_NONCE_MAX];
    struct bytes b_ni = {ni, n->ni_len}, b_nr = {nr, n->nr_len};
    struct ike_want *want = NULL;
    uint16_t error = N_TEMPORARY_FAILURE;

    memcpy(ni, n->ni, n->ni_len);
    memcpy(nr, n->nr, n->nr_len);
    sa->holding = true;
    ike_sa_established(sa);
    if (sa->s.state == IKE_ESTABLISHED)
        error = ike_child_choose(sa, &rx->pl, false, NULL, &want);
    if (error == 0 && ike_child_install(sa, want, false, b_ni, b_nr, (struct bytes){NULL, 0}) < 0)
        error = N_TEMPORARY_FAILURE;
    mem_wipe(ni, sizeof ni);
    mem_wipe(nr, sizeof nr);
    sa->holding = false;
    if (ike_sa_alive(sa) && reply(sa, rx, auth, want, error) < 0)
        ike_sa_end(sa, IKE_R_INTERNAL);
    ike_want_free(want);
    ike_sa_kick(sa);
}

void ike_on_auth_request(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    struct ike_peer_cfg cfg;
    struct ike_notify_pl notify;
    uint8_t auth[IKE_PRF_MAX];

    (void)ike;
    sa->s.path = *rx->path; /* maybe on 4500 now */
    ike_sa_moved(sa);
    if (!read_identity(sa, rx) || !peer_of(sa, rx->path, &cfg) || !verify_peer(sa, rx, &cfg) ||
        auth_data(sa, false, psk_of(&cfg, true), auth) < 0) {
        ike_debug_error(sa, "Failed to authenticate the peer");
        refuse(sa, rx, N_AUTHENTICATION_FAILED);
        return;
    }
    sa->s.sync_ids = ike_notify_find(&rx->pl, N_MESSAGE_ID_SYNC_SUPPORTED, &notify);
    if (ike_notify_find(&rx->pl, N_INITIAL_CONTACT, &notify))
        initial_contact(sa);
    if (ike_sa_alive(sa))
        establish(sa, rx, auth);
}
