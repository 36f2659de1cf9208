/*
 * INFORMATIONAL, RFC 7296 §1.4: deletes of children and of the IKE SA, liveness (an empty
 * message), notifies. Every request gets a response, most of them empty.
 */
#include "control/ike/internal.h"

/* --- ours --------------------------------------------------------------------------------- */

int ike_send_deletes(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);

    ike_w_delete(&w, sa->gone, sa->n_gone);
    sa->n_gone = 0;
    for (unsigned i = 0; i < sa->s.n_children; i++)
        if (sa->s.child[i].leaving == IKE_LEAVING)
            sa->s.child[i].leaving = IKE_LEFT;
    return ike_send_request(sa, X_INFORMATIONAL, &w);
}

int ike_send_delete_ike(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);

    if (sa->tell)
        ike_w_notify(&w, sa->tell, NULL, 0);
    ike_w_delete(&w, NULL, 0);
    return ike_send_request(sa, X_INFORMATIONAL, &w);
}

int ike_send_probe(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);
    int err = ike_send_request(sa, X_INFORMATIONAL, &w);

    /* The liveness schedule counts from the first repetition on. */
    if (err == 0 && ike_sa_alive(sa) && sa->req.open) {
        sa->req.probe = true;
        sa->req.hinted = sa->hinted;
        err = timer_set(ike->q, &sa->t_send, ike_now(ike) + ike_next_wait(sa));
    }
    sa->hinted = false;
    return err;
}

void ike_on_info_reply(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    /* §1.4.1: the response to our delete names the other halves. Those of replaced children have
     * received until now. */
    (void)ike;
    (void)rx;
    ike_request_done(sa);
    for (unsigned i = sa->s.n_children; i-- > 0 && i < sa->s.n_children;)
        if (sa->s.child[i].leaving == IKE_LEFT)
            ike_child_remove(sa, i, IKE_R_REKEYED, false);
    ike_sa_kick(sa);
}

void ike_on_last_reply(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    (void)ike;
    (void)rx;
    ike_request_done(sa);
    if (sa->rekey && ike_rekey_late(sa, rx))
        return;
    if (sa->want_delete)
        ike_sa_kick(sa); /* what was open before; now our delete may go */
    else
        ike_sa_end(sa, sa->why);
}

/* --- the peer's --------------------------------------------------------------------------- */

/* Which children a delete means: SPIs are those the peer receives on (§1.4.1). Collects our own
 * SPIs of these children for the response. */
static unsigned delete_children(struct ike_sa *sa, const struct ike_delete_pl *d, uint32_t *own,
                                unsigned max)
{
    struct rbuf r = rbuf_make(d->spis, (size_t)d->n * ESP_SPI_LEN);
    unsigned n = 0;

    for (unsigned i = 0; i < d->n && ike_sa_alive(sa); i++) {
        uint32_t spi = rbuf_u32(&r);
        for (unsigned k = 0; k < sa->s.n_children; k++) {
            if (sa->s.child[k].spi_out != spi || n == max)
                continue;
            bool replaced = ike_child_replaced(sa, &sa->s.child[k]);
            if (!sa->s.child[k].leaving) /* §1.4.1: not when our own delete of it is out, too */
                own[n++] = sa->s.child[k].spi_in;
            ike_child_remove(sa, k, replaced ? IKE_R_REKEYED : IKE_R_PEER_DELETE, false);
            break;
        }
    }
    return n;
}

/* True when the request deletes the IKE SA; -1 in *n when a payload is malformed. */
static bool read_deletes(struct ike_sa *sa, const struct ike_rx *rx, uint32_t *own, unsigned max,
                         int *n)
{
    bool all = false;

    *n = 0;
    for (unsigned i = 0; i < rx->pl.n; i++) {
        struct ike_delete_pl d;
        if (rx->pl.v[i].type != PL_DELETE)
            continue;
        if (ike_delete_read(&rx->pl.v[i], &d) < 0) {
            *n = -1;
            return false;
        }
        if (d.proto == PROTO_IKE)
            all = true;
        else if (d.proto == PROTO_ESP)
            *n += (int)delete_children(sa, &d, own + *n, max - (unsigned)*n);
    }
    return all;
}

static bool names_children(const struct ike_rx *rx)
{
    struct ike_delete_pl d;

    for (unsigned i = 0; i < rx->pl.n; i++)
        if (rx->pl.v[i].type == PL_DELETE && ike_delete_read(&rx->pl.v[i], &d) == 0 &&
            d.proto != PROTO_IKE)
            return true;
    return false;
}

void ike_on_info_request(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    uint32_t own[IKE_CHILDREN_ALL];
    struct ike_notify_pl notify;
    int n;

    /* Whose children these are is not settled yet (§2.8.2). It will be when this is repeated. */
    if (sa->in_doubt && names_children(rx))
        return;
    bool all = read_deletes(sa, rx, own, IKE_CHILDREN_ALL, &n);
    if (!ike_sa_alive(sa))
        return;
    if (n < 0) {
        ike_reply_notify(sa, rx, N_INVALID_SYNTAX, NULL, 0);
        return;
    }
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);
    if (n > 0 && !all)
        ike_w_delete(&w, own, (size_t)n);
    ike_send_reply(sa, rx->path, X_INFORMATIONAL, rx->h.mid, &w);
    bool refused = ike_notify_find(&rx->pl, N_AUTHENTICATION_FAILED, &notify); /* §2.21.2 */
    if (all || refused) {
        ike_sa_end(sa, refused ? IKE_R_AUTH_FAILED : IKE_R_PEER_DELETE);
        return;
    }
    ike_spi_notified(sa, rx);
    ike_sa_arm_life(sa);
    ike_sa_kick(sa);
}

void ike_on_last_request(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);
    uint32_t own[1];
    int n;

    bool all = read_deletes(sa, rx, own, 0, &n);
    ike_send_reply(sa, rx->path, X_INFORMATIONAL, rx->h.mid, &w);
    if (all) /* it replaced this SA; or both took leave at the same time (§2.25.2) */
        ike_sa_end(sa, sa->s.state == IKE_REKEYED ? IKE_R_REKEYED : sa->why);
}

void ike_on_rekeyed_reply(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    (void)ike;
    (void)rx;
    ike_request_done(sa);
}
