/*
 * CREATE_CHILD_SA for further children, RFC 7296 §1.3.1. Requests to rekey (§1.3.2, §1.3.3) are
 * declined with NO_ADDITIONAL_SAS, which leaves the peer its old SA until that expires.
 */
#include "control/ike/internal.h"
#include <errno.h>

/* --- initiator ---------------------------------------------------------------------------- */

static void send_request(struct ike_sa *sa, struct ike_dh_job *j)
{
    struct ike *ike = sa->ike;
    struct ike_want *want = sa->active;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);
    bool dh = want->cfg.pfs_group != DH_NONE;

    int err = j ? j->err : 0;
    if (j && err == 0) {
        want->dh = j->dh;
        j->dh = NULL;
    }
    want->ni_len = IKE_NONCE_OUT;
    ike->host.random(ike->h, want->ni, want->ni_len);
    if (err == 0)
        err = ike_child_offer(sa, &w, want, dh);
    ike_w_payload(&w, PL_NONCE, want->ni, want->ni_len);
    if (dh && j)
        ike_w_ke(&w, j->group, j->pub, j->pub_len);
    ike_w_ts(&w, PL_TSI, &want->cfg.sel, 1, true);
    ike_w_ts(&w, PL_TSR, &want->cfg.sel, 1, false);
    if (err == 0)
        err = ike_send_request(sa, X_CREATE_CHILD, &w);
    if (err < 0) {
        sa->active = NULL;
        ike_want_failed(sa, want, err == -ENOENT ? IKE_R_NO_PROPOSAL : IKE_R_INTERNAL);
        ike_sa_kick(sa);
    }
}

void ike_create_child_start(struct ike_sa *sa)
{
    struct ike_want *want = sa->wants;

    sa->wants = want->next;
    want->next = NULL;
    want->child.initiator = true;
    sa->active = want;
    if (want->cfg.pfs_group == DH_NONE) {
        send_request(sa, NULL);
    } else if (ike_job_start(sa, want->cfg.pfs_group, NULL, NULL, 0, send_request) < 0) {
        sa->active = NULL;
        ike_want_failed(sa, want, IKE_R_INTERNAL);
    }
}

/* What the peer believes to be up but is not acceptable here is deleted again. */
static void reject(struct ike_sa *sa, struct ike_want *want, uint16_t error)
{
    ike_debug_sa(sa, 4, "Child answer not acceptable: %s", ike_notify_name(error));
    if (sa->n_gone < IKE_CHILDREN_MAX)
        sa->gone[sa->n_gone++] = want->child.spi_in;
    ike_want_failed(sa, want, ike_reason_of(error));
    ike_sa_kick(sa);
}

static void install_initiated(struct ike_sa *sa, struct ike_want *want, struct bytes secret)
{
    if (ike_child_install(sa, want, true, (struct bytes){want->ni, want->ni_len},
                          (struct bytes){want->nr, want->nr_len}, secret) == 0)
        ike_want_free(want);
    else
        reject(sa, want, N_TEMPORARY_FAILURE);
    ike_sa_kick(sa);
}

static void initiator_has_secret(struct ike_sa *sa, struct ike_dh_job *j)
{
    struct ike_want *want = sa->active;

    sa->active = NULL;
    if (j->err < 0)
        reject(sa, want, N_INVALID_SYNTAX);
    else
        install_initiated(sa, want, (struct bytes){j->secret, j->secret_len});
}

void ike_on_child_reply(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    struct ike_want *want = sa->active;
    const struct ike_payload *nonce = ike_payload_find(&rx->pl, PL_NONCE);
    const struct ike_payload *ke_pl = ike_payload_find(&rx->pl, PL_KE);
    bool dh = want && want->cfg.pfs_group != DH_NONE;
    struct ike_ke ke = {0};

    (void)ike;
    ike_request_done(sa);
    if (!want) {
        ike_sa_kick(sa);
        return;
    }
    uint16_t error = ike_child_accept(sa, want, &rx->pl, dh);
    if (error == 0 && nonce->len > IKE_NONCE_MAX)
        error = N_INVALID_SYNTAX;
    if (error == 0 && dh &&
        (!ke_pl || ike_ke_read(ke_pl, &ke) < 0 || ke.group != want->cfg.pfs_group))
        error = N_INVALID_SYNTAX;
    if (error) {
        sa->active = NULL;
        reject(sa, want, error);
        return;
    }
    want->nr_len = nonce->len;
    memcpy(want->nr, nonce->p, nonce->len);
    if (!dh) {
        sa->active = NULL;
        install_initiated(sa, want, (struct bytes){NULL, 0});
        return;
    }
    struct ike_dh *key = want->dh;
    want->dh = NULL;
    if (ike_job_start(sa, ke.group, key, ke.data, ke.len, initiator_has_secret) < 0) {
        sa->active = NULL;
        reject(sa, want, N_TEMPORARY_FAILURE);
    }
}

void ike_on_child_refusal(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    struct ike_want *want = sa->active;
    struct ike_notify_pl n;
    uint16_t error = ike_notify_error(&rx->pl, &n);

    sa->active = NULL;
    ike_request_done(sa);
    ike_debug_sa(sa, 4, "Child refused: %s", ike_notify_name(error));
    if (want && error == N_NO_ADDITIONAL_SAS) {
        /* §1.3: a peer may be minimal; an IKE SA of its own does for this child. */
        struct ike_path p = sa->s.path;
        ike_begin(ike, &p, want);
    } else if (want) {
        ike_want_failed(sa, want, ike_reason_of(error));
    }
    ike_sa_kick(sa);
}

/* --- responder ---------------------------------------------------------------------------- */

static void refuse_late(struct ike_sa *sa, struct ike_want *want, uint16_t error)
{
    struct ike *ike = sa->ike;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);

    ike_w_notify(&w, error, NULL, 0);
    if (ike_sa_alive(sa))
        ike_send_reply(sa, &want->path, X_CREATE_CHILD, want->mid, &w);
    ike_want_free(want);
    ike_sa_kick(sa);
}

static void answer(struct ike_sa *sa, struct ike_want *want, const struct ike_dh_job *j)
{
    struct ike *ike = sa->ike;
    struct bytes secret = j ? (struct bytes){j->secret, j->secret_len} : (struct bytes){NULL, 0};

    sa->holding = true;
    int err = ike_child_install(sa, want, false, (struct bytes){want->ni, want->ni_len},
                                (struct bytes){want->nr, want->nr_len}, secret);
    sa->holding = false;
    if (err < 0 || !ike_sa_alive(sa)) {
        refuse_late(sa, want, N_TEMPORARY_FAILURE);
        return;
    }
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);
    ike_child_answer(&w, want);
    ike_w_payload(&w, PL_NONCE, want->nr, want->nr_len);
    if (j)
        ike_w_ke(&w, j->group, j->pub, j->pub_len);
    ike_w_ts(&w, PL_TSI, &want->cfg.sel, 1, false);
    ike_w_ts(&w, PL_TSR, &want->cfg.sel, 1, true);
    err = ike_send_reply(sa, &want->path, X_CREATE_CHILD, want->mid, &w);
    ike_want_free(want);
    if (err < 0)
        ike_sa_end(sa, IKE_R_INTERNAL);
    ike_sa_kick(sa);
}

static void responder_has_secret(struct ike_sa *sa, struct ike_dh_job *j)
{
    struct ike_want *want = sa->peer_want;

    sa->peer_want = NULL;
    if (sa->s.state != IKE_ESTABLISHED)
        refuse_late(sa, want, N_TEMPORARY_FAILURE);
    else if (j->err < 0)
        refuse_late(sa, want, j->err == -EBADMSG ? N_INVALID_SYNTAX : N_TEMPORARY_FAILURE);
    else
        answer(sa, want, j);
}

void ike_on_child_request(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    const struct ike_payload *nonce = ike_payload_find(&rx->pl, PL_NONCE);
    const struct ike_payload *ke_pl = ike_payload_find(&rx->pl, PL_KE);
    struct ike_notify_pl n;
    struct ike_ke ke = {0};
    struct ike_want *want = NULL;

    if (ike_notify_find(&rx->pl, N_REKEY_SA, &n)) {
        ike_on_child_rekey(ike, sa, rx);
        return;
    }
    uint16_t error = 0;
    if (nonce->len > IKE_NONCE_MAX || (ke_pl && ike_ke_read(ke_pl, &ke) < 0))
        error = N_INVALID_SYNTAX;
    if (error == 0)
        error = ike_child_choose(sa, &rx->pl, true, &want);
    if (!ike_sa_alive(sa)) {
        ike_want_free(want);
        return;
    }
    uint16_t group = error == 0 ? want->child.pfs_group : DH_NONE;
    if (error == 0 && group != DH_NONE && ke.group != group) {
        const uint8_t wanted[2] = {(uint8_t)(group >> 8), (uint8_t)group};
        ike_want_free(want);
        ike_reply_notify(sa, rx, N_INVALID_KE_PAYLOAD, wanted, sizeof wanted);
        return;
    }
    if (error) {
        ike_reply_notify(sa, rx, error, NULL, 0);
        return;
    }
    want->path = *rx->path;
    want->mid = rx->h.mid;
    want->ni_len = nonce->len;
    memcpy(want->ni, nonce->p, nonce->len);
    want->nr_len = IKE_NONCE_OUT;
    ike->host.random(ike->h, want->nr, want->nr_len);
    if (group == DH_NONE) {
        answer(sa, want, NULL);
        return;
    }
    sa->peer_want = want;
    if (ike_job_start(sa, group, NULL, ke.data, ke.len, responder_has_secret) < 0) {
        sa->peer_want = NULL;
        refuse_late(sa, want, N_TEMPORARY_FAILURE);
    }
}

void ike_on_child_rekey(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    (void)ike;
    ike_reply_notify(sa, rx, N_NO_ADDITIONAL_SAS, NULL, 0);
}

void ike_on_child_late(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    (void)ike;
    ike_reply_notify(sa, rx, N_TEMPORARY_FAILURE, NULL, 0); /* §2.25.2 */
}
