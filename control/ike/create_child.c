/*
 * CREATE_CHILD_SA for children: further ones (RFC 7296 §1.3.1) and such that replace another
 * (§1.3.3). The IKE SA itself is replaced in rekey.c.
 *
 * Make before break: the responder has both directions of the new child ready before it answers
 * but goes on sending on the old one; the initiator, once it has the answer, sends on the new one
 * and deletes the old one, which receives until the peer has confirmed that. When both sides
 * replace the same child (§2.8.1), the exchange with the lowest of the four nonces loses and its
 * initiator ends what it made; requests that cross a delete get the answers of §2.25.
 */
#include "control/ike/internal.h"
#include <errno.h>

/* --- initiator ---------------------------------------------------------------------------- */

static void send_request(struct ike_sa *sa, struct ike_dh_job *j)
{
    struct ike *ike = sa->ike;
    struct ike_want *want = sa->active;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);

    if (!want) { /* the SA is going */
        ike_sa_kick(sa);
        return;
    }
    bool dh = want->cfg.pfs_group != DH_NONE;

    int err = j ? j->err : 0;
    if (j && err == 0) {
        ike_dh_free(want->dh); /* of an attempt that was refused */
        want->dh = j->dh;
        j->dh = NULL;
    }
    if (want->rekey_spi) /* §1.3.3 */
        ike_w_notify_spi(&w, N_REKEY_SA, PROTO_ESP, want->rekey_spi);
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

/* Takes the first wish that is due; those that have become pointless are dropped. */
static struct ike_want *next_want(struct ike_sa *sa)
{
    struct ike_want **at = &sa->wants, *w;

    while ((w = *at) != NULL) {
        int old = w->rekey_spi ? ike_child_by_spi(sa, w->rekey_spi) : -1;
        bool pointless = w->rekey_spi && (old < 0 || sa->s.child[old].leaving ||
                                          ike_child_replaced(sa, &sa->s.child[old]));
        if (!pointless && w->after > ike_now(sa->ike)) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        w->next = NULL;
        if (!pointless)
            return w;
        ike_want_free(w);
    }
    return NULL;
}

bool ike_create_child_start(struct ike_sa *sa)
{
    struct ike_want *want = next_want(sa);

    if (!want)
        return false;
    want->child.initiator = true;
    sa->active = want;
    if (want->cfg.pfs_group == DH_NONE) {
        send_request(sa, NULL);
    } else if (ike_job_start(sa, want->cfg.pfs_group, NULL, NULL, 0, send_request) < 0) {
        sa->active = NULL;
        ike_want_failed(sa, want, IKE_R_INTERNAL);
    }
    return true;
}

/* What the peer believes to be up but is not acceptable here is deleted again. */
static void reject(struct ike_sa *sa, struct ike_want *want, uint16_t error)
{
    int old = want->rekey_spi ? ike_child_by_spi(sa, want->rekey_spi) : -1;

    ike_debug_error(sa, "Child answer not acceptable: %s", ike_notify_name(error));
    if (old >= 0 && error == N_TEMPORARY_FAILURE) { /* the trouble is ours and may pass */
        sa->s.child[old].rekey_at = ike_retry_time(sa->ike);
        ike_sa_arm_life(sa);
    }
    if (sa->n_gone < IKE_CHILDREN_ALL)
        sa->gone[sa->n_gone++] = want->child.spi_in;
    ike_want_failed(sa, want, ike_reason_of(error));
    ike_sa_kick(sa);
}

/* §2.8.1: both sides have replaced the child. The one with the lowest nonce goes, ended by its
 * creator. Whether the peer's still stands does not matter: it may have a successor by now. */
static bool lost(const struct ike_want *want)
{
    struct bytes ni = {want->ni, want->ni_len}, nr = {want->nr, want->nr_len};
    struct bytes rival = {want->rival, want->rival_len};

    return want->rival_spi && ike_nonce_lower(ike_nonce_lower(ni, nr) ? ni : nr, rival);
}

/* The old child of a finished rekey: the peer is told that it ends. */
static void retire(struct ike_sa *sa, uint32_t old_spi, uint32_t rival_spi, uint32_t new_spi)
{
    int old = ike_child_by_spi(sa, old_spi);
    int rival = rival_spi ? ike_child_by_spi(sa, rival_spi) : -1;

    if (rival >= 0) /* it has lost, and its creator will end it */
        sa->s.child[rival].replaced_by = new_spi;
    if (old < 0)
        return;
    sa->s.child[old].replaced_by = new_spi;
    ike_child_leave(sa, (unsigned)old);
}

static void install_initiated(struct ike_sa *sa, struct ike_want *want, struct bytes secret)
{
    uint32_t old = want->rekey_spi, rival = want->rival_spi, spi = want->child.spi_in;

    if (lost(want)) {
        ike_debug_sa(sa, 4, "Both sides have rekeyed child SA 0x%x, ours goes", old);
        if (sa->n_gone < IKE_CHILDREN_ALL)
            sa->gone[sa->n_gone++] = spi;
        ike_want_free(want);
        ike_sa_kick(sa);
        return;
    }
    if (ike_child_install(sa, want, true, (struct bytes){want->ni, want->ni_len},
                          (struct bytes){want->nr, want->nr_len}, secret) == 0)
        ike_want_free(want);
    else
        reject(sa, want, N_TEMPORARY_FAILURE);
    if (old && ike_child_by_spi(sa, spi) >= 0)
        retire(sa, old, rival, spi);
    ike_sa_kick(sa);
}

static void initiator_has_secret(struct ike_sa *sa, struct ike_dh_job *j)
{
    struct ike_want *want = sa->active;

    sa->active = NULL;
    if (!want) /* the SA is going */
        ike_sa_kick(sa);
    else if (j->err < 0)
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

/* Asks again a little later. */
static void later(struct ike_sa *sa, struct ike_want *want)
{
    uint8_t tries = (uint8_t)(want->tries + 1);

    want->tries = tries;
    want->after = ike_retry_time(sa->ike);
    ike_want_append(sa, want);
    ike_sa_arm_life(sa);
}

/* A wish that is to replace nothing any more. */
static void without_old(struct ike_want *want)
{
    want->rekey_spi = want->child.replaces = 0;
    want->rival_spi = 0;
}

/* §2.25.1: what it means that the peer will not replace a child. False: nothing can be done. */
static bool rekey_again(struct ike_sa *sa, struct ike_want *want, uint16_t error)
{
    int old = ike_child_by_spi(sa, want->rekey_spi);
    bool stands =
        old >= 0 && !sa->s.child[old].leaving && !ike_child_replaced(sa, &sa->s.child[old]);

    if (!stands) {
        ike_want_free(want); /* the peer has replaced or deleted it meanwhile */
        return true;
    }
    if (error == N_TEMPORARY_FAILURE) {
        later(sa, want);
        return true;
    }
    if (error == N_CHILD_SA_NOT_FOUND) {
        /* The peer does not have it: it goes without a word, and a fresh one is asked for. */
        without_old(want);
        want->after = 0;
        ike_want_append(sa, want);
        ike_child_remove(sa, (unsigned)old, IKE_R_PEER_DELETE, false);
        return true;
    }
    return false;
}

static bool again(struct ike_sa *sa, struct ike_want *want, uint16_t error)
{
    if (want->rekey_spi && rekey_again(sa, want, error))
        return true;
    if (error == N_TEMPORARY_FAILURE && want->tries < IKE_TRIES_MAX) {
        later(sa, want);
        return true;
    }
    if (error == N_NO_ADDITIONAL_SAS) {
        /* §1.3: a peer may be minimal; an IKE SA of its own does for this child. */
        struct ike_path p = sa->s.path;
        without_old(want);
        ike_begin(sa->ike, &p, want);
        return true;
    }
    return false;
}

void ike_on_child_refusal(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    struct ike_want *want = sa->active;
    struct ike_notify_pl n;
    uint16_t error = ike_notify_error(&rx->pl, &n);

    (void)ike;
    ike_request_done(sa);
    if (sa->rekey) {
        ike_rekey_refused(sa, error, &n);
        return;
    }
    sa->active = NULL;
    ike_debug_error(sa, "Child refused: %s", ike_notify_name(error));
    if (want && !again(sa, want, error))
        ike_want_failed(sa, want, ike_reason_of(error));
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

/* What the peer has replaced: our own attempt at the same child has a rival (§2.8.1). */
static void note_replaced(struct ike_sa *sa, const struct ike_want *want)
{
    int old = want->rekey_spi ? ike_child_by_spi(sa, want->rekey_spi) : -1;
    struct ike_want *own = sa->active;
    struct bytes ni = {want->ni, want->ni_len}, nr = {want->nr, want->nr_len};

    if (old < 0)
        return;
    sa->s.child[old].replaced_by = want->child.spi_in;
    if (!own || own->rekey_spi != want->rekey_spi)
        return;
    struct bytes low = ike_nonce_lower(ni, nr) ? ni : nr;
    own->rival_spi = want->child.spi_in;
    own->rival_len = low.n;
    memcpy(own->rival, low.p, low.n);
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
    note_replaced(sa, want);
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
    ike_sa_arm_life(sa);
    ike_sa_kick(sa);
}

static void responder_has_secret(struct ike_sa *sa, struct ike_dh_job *j)
{
    struct ike_want *want = sa->peer_want;

    sa->peer_want = NULL;
    if (!want)
        ike_sa_kick(sa); /* freed with the end of the SA */
    else if (sa->s.state != IKE_ESTABLISHED)
        refuse_late(sa, want, N_TEMPORARY_FAILURE);
    else if (j->err < 0)
        refuse_late(sa, want, j->err == -EBADMSG ? N_INVALID_SYNTAX : N_TEMPORARY_FAILURE);
    else
        answer(sa, want, j);
}

/* Which child the peer wants to replace, by the SPI it receives on (§1.3.3). 0, or the notify of
 * §2.25.1: what we do not have, what we are ending ourselves, what has a successor. */
static uint16_t find_old(const struct ike_sa *sa, const struct ike_notify_pl *n, int *old)
{
    for (unsigned i = 0; i < sa->s.n_children; i++)
        if (sa->s.child[i].spi_out == n->spi)
            *old = (int)i;
    if (n->proto != PROTO_ESP || *old < 0)
        return N_CHILD_SA_NOT_FOUND;
    const struct ike_child_state *c = &sa->s.child[*old];
    return c->leaving || ike_child_replaced(sa, c) ? N_TEMPORARY_FAILURE : 0;
}

/* The request once it is read: the wish for it, or what to refuse it with. */
static uint16_t read_request(struct ike_sa *sa, const struct ike_rx *rx, struct ike_ke *ke,
                             struct ike_want **want)
{
    const struct ike_payload *nonce = ike_payload_find(&rx->pl, PL_NONCE);
    const struct ike_payload *ke_pl = ike_payload_find(&rx->pl, PL_KE);
    struct ike_notify_pl n;
    int old = -1;
    uint16_t error = 0;

    if (nonce->len > IKE_NONCE_MAX || (ke_pl && ike_ke_read(ke_pl, ke) < 0))
        return N_INVALID_SYNTAX;
    if (sa->rekey || sa->in_doubt) /* §2.25.2: while the IKE SA is being replaced */
        return N_TEMPORARY_FAILURE;
    if (ike_notify_find(&rx->pl, N_REKEY_SA, &n))
        error = find_old(sa, &n, &old);
    if (error == 0)
        error = ike_child_choose(sa, &rx->pl, true, old < 0 ? NULL : &sa->s.child[old], want);
    if (error == 0 && old >= 0 && ike_sa_alive(sa))
        (*want)->rekey_spi = (*want)->child.replaces = sa->s.child[old].spi_in;
    return error;
}

static void refuse_now(struct ike_sa *sa, const struct ike_rx *rx, uint16_t error)
{
    struct ike *ike = sa->ike;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);
    struct ike_notify_pl n;

    if (error != N_CHILD_SA_NOT_FOUND || !ike_notify_find(&rx->pl, N_REKEY_SA, &n)) {
        ike_reply_notify(sa, rx, error, NULL, 0);
        return;
    }
    ike_w_notify_spi(&w, error, PROTO_ESP, n.spi); /* §3.10.1: it says which */
    ike_send_reply(sa, rx->path, X_CREATE_CHILD, rx->h.mid, &w);
}

void ike_on_child_request(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    const struct ike_payload *nonce = ike_payload_find(&rx->pl, PL_NONCE);
    struct ike_ke ke = {0};
    struct ike_want *want = NULL;

    uint16_t error = read_request(sa, rx, &ke, &want);
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
        refuse_now(sa, rx, error);
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

void ike_on_child_late(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    (void)ike;
    ike_reply_notify(sa, rx, N_TEMPORARY_FAILURE, NULL, 0); /* §2.25.2 */
}
