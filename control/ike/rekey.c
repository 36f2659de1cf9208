/*
 * The IKE SA itself replaced, RFC 7296 §1.3.2 and §2.18.
 *
 * A CREATE_CHILD_SA exchange with a new key agreement makes the heir: new SPIs, keys from the old
 * SK_d, message IDs from 0, the same path, identities and session. The children move to the heir
 * as they are, the old SA is deleted by the initiator of the exchange; the responder keeps it in
 * IKE_REKEYED until then, and only so long.
 *
 * When both sides do this at once (§2.8.2) each answers the other's request and so knows two
 * heirs. The one whose exchange had the lowest nonce loses: its initiator deletes it, the
 * children move to the other. A side that did not see the crossing (the other's request came
 * when its own exchange was over) answers TEMPORARY_FAILURE, and what it replaced first counts.
 */
#include "control/ike/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

void ike_rekey_free(struct ike_rekey *r)
{
    if (!r)
        return;
    ike_dh_free(r->dh);
    free(r->offer);
    mem_wipe(r, sizeof *r);
    free(r);
}

static struct ike_rekey *take(struct ike_rekey **from)
{
    struct ike_rekey *r = *from;

    *from = NULL;
    return r;
}

/* --- heirs --------------------------------------------------------------------------------- */

/* The heir with its keys, established but without children. NULL when memory or OpenSSL fail. */
static struct ike_sa *make_heir(struct ike_sa *old, const struct ike_rekey *r, bool initiator,
                                const struct ike_dh_job *j)
{
    struct ike *ike = old->ike;
    /* It is there already when a crash came between saving the heir and the old SA. */
    struct ike_sa *sa = ike_sa_find(ike, r->spi_i, r->spi_r, initiator);

    if (sa)
        return sa;
    sa = ike_sa_bare(ike, initiator, r->spi_i, &old->s.path);
    if (!sa)
        return NULL;
    sa->s.spi_r = r->spi_r;
    sa->s.suite = r->suite;
    sa->s.policy_priority = r->priority;
    sa->s.lifetime = ike_auth_lifetime(old, r->lifetime);
    sa->s.session_id = old->s.session_id;
    sa->s.nat_local = old->s.nat_local;
    sa->s.nat_remote = old->s.nat_remote;
    sa->s.peer_fragments = old->s.peer_fragments;
    sa->s.sync_ids = old->s.sync_ids;
    sa->s.ifid = old->s.ifid;
    sa->s.local_id = old->s.local_id;
    sa->s.remote_id = old->s.remote_id;
    sa->s.dpd_seconds = old->s.dpd_seconds;
    sa->s.dpd_retry = old->s.dpd_retry;
    sa->s.dpd_periodic = old->s.dpd_periodic;
    sa->s.dpd_on_demand = old->s.dpd_on_demand;
    if (ike_derive_rekeyed(ike->c, old->s.suite.prf, old->s.keys.sk_d, &r->suite,
                           (struct bytes){r->ni, r->ni_len}, (struct bytes){r->nr, r->nr_len},
                           (struct bytes){j->secret, j->secret_len}, r->spi_i, r->spi_r,
                           &sa->s.keys) < 0) {
        sa->told_down = true;
        ike_sa_end(sa, IKE_R_INTERNAL);
        return NULL;
    }
    ike_sa_established(sa);
    return sa;
}

/* Children, wishes and unspoken deletes go over. */
static void inherit(struct ike_sa *old, struct ike_sa *heir)
{
    struct ike_want **at = &heir->wants;

    ike_sa_changed(heir);
    ike_sa_changed(old);
    ike_index_no_children(&old->ike->index, &old->s, old);
    ike_children_move(&old->s, &heir->s);
    (void)ike_index_children(&heir->ike->index, &heir->s, heir); /* as many as went out */
    memcpy(heir->gone, old->gone, old->n_gone * sizeof old->gone[0]);
    heir->n_gone = old->n_gone;
    old->n_gone = 0;
    while (*at)
        at = &(*at)->next;
    *at = old->wants;
    old->wants = NULL;
    for (struct ike_want *w = *at; w; w = w->next)
        ike_want_of(heir, w);
    heir->in_doubt = false;
    old->want_rekey = false;
    old->s.heir_i = old->s.heir_r = 0;
    ike_debug_sa(old, 4, "Rekeyed: %u children move to the new SA", heir->s.n_children);
    ike_sa_arm_life(heir);
    ike_sa_kick(heir);
}

/* The peer's heir, as long as it lives. */
static struct ike_sa *rival(const struct ike_sa *sa)
{
    struct ike_sa *h =
        sa->s.heir_i ? ike_sa_find(sa->ike, sa->s.heir_i, sa->s.heir_r, false) : NULL;

    return h && h->s.state == IKE_ESTABLISHED ? h : NULL;
}

/* From here on the old SA only waits for the peer's delete. One per session does so: a peer that
 * replaces and never deletes gathers nothing here. */
static void wait_for_delete(struct ike_sa *old)
{
    struct ike_index *x = &old->ike->index;
    struct ike_sa *o;
    uint32_t at = 0;

    while ((o = ike_index_next(x, IKE_BY_SESSION, old->s.session_id, &at)) != NULL) {
        ike_sa_end(o, IKE_R_REKEYED); /* and is not in the index any more */
        at = 0;
    }
    if (old->s.state != IKE_ESTABLISHED) /* ended from a callback */
        return;
    old->s.state = IKE_REKEYED;
    (void)ike_index_add(x, IKE_BY_SESSION, old->s.session_id, old); /* else it ends by itself */
    ike_sa_changed(old);
    timer_cancel(old->ike->q, &old->t_dpd);
    if (timer_set(old->ike->q, &old->t_life, ike_now(old->ike) + IKE_REKEYED_WAIT) < 0)
        ike_sa_end(old, IKE_R_INTERNAL);
}

bool ike_rekey_inherit(struct ike_sa *sa)
{
    struct ike_sa *h = rival(sa);

    if (!h || sa->s.state != IKE_ESTABLISHED)
        return false;
    inherit(sa, h);
    return true;
}

/* --- initiator ----------------------------------------------------------------------------- */

static void again_later(struct ike_sa *sa)
{
    sa->s.rekey_at = ike_retry_time(sa->ike);
    ike_sa_arm_life(sa);
}

static int write_request(struct ike_sa *sa, struct ike_rekey *r, const struct ike_dh_job *j,
                         struct ike_writer *w)
{
    struct ike *ike = sa->ike;
    size_t n = 0;
    const struct ike_policy *policy = ike->host.policies(ike->h, &sa->s.path.local, &n);

    int err = policy ? ike_w_sa_ike(w, ike->c, policy, n, r->spi_i, &r->origin) : -ENOENT;
    if (err < 0)
        return err;
    if (w->w.bad)
        return -EMSGSIZE;
    free(r->offer);
    r->offer_len = w->w.len - 4;
    r->offer = malloc(r->offer_len);
    if (!r->offer)
        return -ENOMEM;
    memcpy(r->offer, w->w.p + 4, r->offer_len);
    ike_w_payload(w, PL_NONCE, r->ni, r->ni_len);
    ike_w_ke(w, j->group, j->pub, j->pub_len);
    return 0;
}

static void send_request(struct ike_sa *sa, struct ike_dh_job *j)
{
    struct ike *ike = sa->ike;
    struct ike_rekey *r = sa->rekey;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);

    /* Nothing is out yet, so an SA that is going needs nothing more. */
    int err = j->err ? j->err : sa->s.state == IKE_ESTABLISHED ? 0 : -ECANCELED;
    if (err == 0) {
        ike_dh_free(r->dh);
        r->dh = j->dh;
        j->dh = NULL;
        r->group = j->group;
        err = write_request(sa, r, j, &w);
    }
    if (err == 0) {
        ike_debug_sa(sa, 4, "Rekeying the IKE SA, DH group %u", r->group);
        err = ike_send_request(sa, X_CREATE_CHILD, &w);
    }
    if (err < 0) {
        ike_rekey_free(take(&sa->rekey)); /* the SA ends with its lifetime */
        ike_sa_kick(sa);
    }
}

/* The group to begin with: the present one when it is still ours to offer. */
static uint16_t first_group(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);
    struct ike_offer_origin origin;
    struct ike_offer offer;
    size_t n = 0;
    const struct ike_policy *policy = ike->host.policies(ike->h, &sa->s.path.local, &n);

    if (!policy || ike_w_sa_ike(&w, ike->c, policy, n, 1, &origin) < 0 || w.w.bad)
        return DH_NONE;
    struct ike_payload pl = {PL_SA, ike->plain_out + 4, w.w.len - 4};
    if (ike_offer_read(&pl, &offer) < 0)
        return DH_NONE;
    return ike_offer_has_group(&offer, sa->s.suite.group) ? sa->s.suite.group
                                                          : ike_offer_group(&offer);
}

void ike_rekey_start(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;
    uint16_t group = first_group(sa);

    sa->want_rekey = false;
    if (group == DH_NONE || rival(sa))
        return;
    struct ike_rekey *r = calloc(1, sizeof *r);
    if (!r)
        return;
    sa->rekey = r;
    r->spi_i = ike_random_spi(ike);
    r->ni_len = IKE_NONCE_OUT;
    ike->host.random(ike->h, r->ni, r->ni_len);
    if (ike_job_start(sa, group, NULL, NULL, 0, send_request) < 0)
        ike_rekey_free(take(&sa->rekey));
}

/* §2.8.2: does the heir of our own exchange lose against the peer's? */
static bool lost(const struct ike_sa *sa, const struct ike_rekey *r)
{
    struct bytes ni = {r->ni, r->ni_len}, nr = {r->nr, r->nr_len};
    struct bytes other = {sa->s.heir_nonce, sa->s.heir_nonce_len};

    return ike_nonce_lower(ike_nonce_lower(ni, nr) ? ni : nr, other);
}

/* Both heirs are known now, or the only one. */
static void settle(struct ike_sa *old, struct ike_sa *heir, const struct ike_rekey *r)
{
    struct ike_sa *other = rival(old);

    if (old->s.state == IKE_DELETING) { /* it was ended while the answer was on its way */
        ike_sa_delete(heir, old->why);
        ike_sa_kick(old);
    } else if (other && lost(old, r)) {
        inherit(old, other);
        wait_for_delete(old);
        ike_sa_delete(heir, IKE_R_REKEYED);
    } else if (heir->s.state != IKE_ESTABLISHED) { /* ended from a callback */
        ike_sa_delete(old, IKE_R_LOCAL_DELETE);
    } else {
        if (other) { /* its creator ends it; should it not, we do */
            other->replaced = true;
            ike_sa_changed(other);
            other->s.rekey_at = 0;
            other->s.expires = ike_now(old->ike) + IKE_RIVAL_WAIT;
            ike_sa_arm_life(other);
        }
        inherit(old, heir);
        ike_sa_delete(old, IKE_R_REKEYED);
    }
}

static void initiator_has_secret(struct ike_sa *sa, struct ike_dh_job *j)
{
    struct ike_rekey *r = take(&sa->rekey);
    struct ike_sa *heir = j->err == 0 ? make_heir(sa, r, true, j) : NULL;

    /* Without the heir that the peer now holds, both sides do best to begin anew. */
    if (!heir)
        ike_sa_delete(sa, j->err == -EBADMSG ? IKE_R_MALFORMED : IKE_R_INTERNAL);
    else if (ike_sa_alive(heir) && ike_sa_alive(sa))
        settle(sa, heir, r);
    ike_rekey_free(r);
}

static bool accept_answer(struct ike_sa *sa, struct ike_rekey *r, const struct ike_rx *rx,
                          struct ike_ke *ke)
{
    const struct ike_payload *nonce = ike_payload_find(&rx->pl, PL_NONCE);
    const struct ike_payload own = {PL_SA, r->offer, r->offer_len};
    struct ike_offer offered, answer;

    (void)sa;
    if (ike_offer_read(&own, &offered) < 0 ||
        ike_offer_read(ike_payload_find(&rx->pl, PL_SA), &answer) < 0 || answer.n == 0 ||
        ike_ke_read(ike_payload_find(&rx->pl, PL_KE), ke) < 0 || nonce->len > IKE_NONCE_MAX ||
        ike_accept_ike(&offered, &answer, &r->suite, &r->num) < 0 || r->suite.group != r->group ||
        ke->group != r->group || ke->len != ike_dh_pub_len(r->group))
        return false;
    r->spi_r = ike_offer_spi(&answer, r->num);
    r->priority = r->origin.v[r->num - 1].priority;
    r->lifetime = r->origin.v[r->num - 1].lifetime;
    r->nr_len = nonce->len;
    memcpy(r->nr, nonce->p, nonce->len);
    return r->spi_r != 0;
}

void ike_on_rekey_reply(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    struct ike_rekey *r = sa->rekey;
    struct ike_ke ke = {0};

    (void)ike;
    ike_request_done(sa);
    if (!r || !accept_answer(sa, r, rx, &ke)) {
        ike_rekey_free(take(&sa->rekey));
        ike_sa_delete(sa, IKE_R_MALFORMED); /* the peer has moved to something we cannot follow */
        ike_sa_kick(sa);
        return;
    }
    struct ike_dh *dh = r->dh;
    r->dh = NULL; /* the job's from here */
    if (ike_job_start(sa, r->group, dh, ke.data, ke.len, initiator_has_secret) < 0) {
        ike_rekey_free(take(&sa->rekey));
        ike_sa_delete(sa, IKE_R_INTERNAL);
    }
}

bool ike_rekey_late(struct ike_sa *sa, struct ike_rx *rx)
{
    const uint64_t all = PL_BIT(PL_SA) | PL_BIT(PL_NONCE) | PL_BIT(PL_KE);

    if ((rx->pl.seen & all) != all) {
        ike_rekey_free(take(&sa->rekey));
        return false;
    }
    ike_on_rekey_reply(sa->ike, sa, rx);
    return true;
}

/* §1.3: the peer wants another group. True when it was one that we offered. */
static bool other_group(struct ike_sa *sa, const struct ike_notify_pl *n)
{
    struct ike_rekey *r = sa->rekey;
    const struct ike_payload own = {PL_SA, r->offer, r->offer_len};
    struct ike_offer offered;

    if (n->len != 2 || r->restarts++ >= IKE_RESTARTS_MAX || ike_offer_read(&own, &offered) < 0)
        return false;
    uint16_t group = (uint16_t)(n->data[0] << 8 | n->data[1]);
    if (group == r->group || !ike_offer_has_group(&offered, group))
        return false;
    return ike_job_start(sa, group, NULL, NULL, 0, send_request) == 0;
}

void ike_rekey_refused(struct ike_sa *sa, uint16_t error, const struct ike_notify_pl *n)
{
    struct ike_sa *other = rival(sa);

    ike_debug_error(sa, "Rekeying of the IKE SA refused: %s", ike_notify_name(error));
    if (!other && error == N_INVALID_KE_PAYLOAD && other_group(sa, n))
        return;
    ike_rekey_free(take(&sa->rekey));
    if (other) { /* §2.25.2: the peer was first, and is closing this one */
        inherit(sa, other);
        wait_for_delete(sa);
    } else if (error == N_TEMPORARY_FAILURE) {
        again_later(sa);
    }
    ike_sa_kick(sa); /* anything else: it ends with its lifetime */
}

/* --- responder ----------------------------------------------------------------------------- */

static void refuse_late(struct ike_sa *sa, const struct ike_rekey *r, uint16_t error)
{
    struct ike *ike = sa->ike;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);

    ike_w_notify(&w, error, NULL, 0);
    ike_send_reply(sa, &r->path, X_CREATE_CHILD, r->mid, &w);
    ike_sa_kick(sa);
}

static void answer(struct ike_sa *sa, const struct ike_rekey *r, const struct ike_dh_job *j)
{
    struct ike *ike = sa->ike;
    struct bytes ni = {r->ni, r->ni_len}, nr = {r->nr, r->nr_len};
    struct ike_sa *heir = make_heir(sa, r, false, j);

    if (!heir) {
        refuse_late(sa, r, N_TEMPORARY_FAILURE);
        return;
    }
    if (!ike_sa_alive(sa) || !ike_sa_alive(heir))
        return;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);
    ike_w_sa_ike_choice(&w, &r->suite, r->num, r->spi_r);
    ike_w_payload(&w, PL_NONCE, r->nr, r->nr_len);
    ike_w_ke(&w, j->group, j->pub, j->pub_len);
    if (ike_send_reply(sa, &r->path, X_CREATE_CHILD, r->mid, &w) < 0) {
        ike_sa_end(heir, IKE_R_INTERNAL);
        ike_sa_end(sa, IKE_R_INTERNAL);
    } else if (sa->rekey) { /* §2.8.2: which of the two it will be, our own answer tells */
        struct bytes low = ike_nonce_lower(ni, nr) ? ni : nr;
        heir->in_doubt = true;
        sa->s.heir_i = heir->s.spi_i;
        sa->s.heir_r = heir->s.spi_r;
        sa->s.heir_nonce_len = (uint32_t)low.n;
        memcpy(sa->s.heir_nonce, low.p, low.n);
    } else if (sa->s.state == IKE_ESTABLISHED && heir->s.state == IKE_ESTABLISHED) {
        inherit(sa, heir);
        if (ike_sa_alive(sa))
            wait_for_delete(sa);
    } else { /* ended meanwhile: so is what came of it */
        ike_sa_delete(heir, IKE_R_LOCAL_DELETE);
        ike_sa_delete(sa, IKE_R_LOCAL_DELETE);
        ike_sa_kick(sa);
    }
}

static void responder_has_secret(struct ike_sa *sa, struct ike_dh_job *j)
{
    struct ike_rekey *r = take(&sa->peer_rekey);

    if (!r) {
        ike_sa_kick(sa); /* freed with the end of the SA; the peer will hear of that */
        return;
    }
    if (j->err < 0)
        refuse_late(sa, r, j->err == -EBADMSG ? N_INVALID_SYNTAX : N_TEMPORARY_FAILURE);
    else
        answer(sa, r, j);
    ike_rekey_free(r);
}

/* §2.25.2: not while a child of this SA is being made, replaced or deleted by us. */
static bool busy(const struct ike_sa *sa)
{
    return (sa->req.open && !sa->req.probe && !sa->rekey) || sa->active || sa->in_doubt ||
           rival(sa);
}

static uint16_t choose(struct ike_sa *sa, const struct ike_rx *rx, struct ike_rekey *r,
                       struct ike_ke *ke)
{
    struct ike *ike = sa->ike;
    const struct ike_payload *nonce = ike_payload_find(&rx->pl, PL_NONCE);
    struct ike_offer offer;
    size_t n = 0;

    if (ike_offer_read(ike_payload_find(&rx->pl, PL_SA), &offer) < 0 || offer.n == 0 ||
        ike_ke_read(ike_payload_find(&rx->pl, PL_KE), ke) < 0 || nonce->len > IKE_NONCE_MAX)
        return N_INVALID_SYNTAX;
    const struct ike_policy *policy = ike->host.policies(ike->h, &sa->s.path.local, &n);
    int which = policy ? ike_choose_ike(&offer, ike->c, policy, n, &r->suite, &r->num) : -ENOENT;
    if (which < 0)
        return N_NO_PROPOSAL_CHOSEN;
    r->group = r->suite.group;
    r->spi_i = ike_offer_spi(&offer, r->num);
    if (r->spi_i == 0)
        return N_INVALID_SYNTAX;
    if (ke->group != r->group)
        return N_INVALID_KE_PAYLOAD;
    if (ke->len != ike_dh_pub_len(r->group))
        return N_INVALID_SYNTAX;
    r->priority = policy[which].priority;
    r->lifetime = policy[which].lifetime;
    r->ni_len = nonce->len;
    memcpy(r->ni, nonce->p, nonce->len);
    return 0;
}

void ike_on_rekey_request(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx)
{
    struct ike_ke ke = {0};
    struct ike_rekey *r = busy(sa) ? NULL : calloc(1, sizeof *r);

    if (!r) {
        ike_reply_notify(sa, rx, N_TEMPORARY_FAILURE, NULL, 0);
        return;
    }
    uint16_t error = choose(sa, rx, r, &ke);
    if (error) {
        const uint8_t group[2] = {(uint8_t)(r->group >> 8), (uint8_t)r->group};
        ike_reply_notify(sa, rx, error, group, error == N_INVALID_KE_PAYLOAD ? sizeof group : 0);
        ike_rekey_free(r);
        return;
    }
    r->path = *rx->path;
    r->mid = rx->h.mid;
    r->spi_r = ike_random_spi(ike);
    r->nr_len = IKE_NONCE_OUT;
    ike->host.random(ike->h, r->nr, r->nr_len);
    sa->peer_rekey = r;
    if (ike_job_start(sa, r->group, NULL, ke.data, ke.len, responder_has_secret) < 0) {
        sa->peer_rekey = NULL;
        refuse_late(sa, r, N_TEMPORARY_FAILURE);
        ike_rekey_free(r);
    }
}
