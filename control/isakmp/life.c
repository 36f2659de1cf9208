/*
 * Lifetimes. Who began an SA replaces it first, the other side a bit later and only when the first
 * has failed to (semantics.md §2). What could not be replaced ends with its lifetime. Phase 1 that
 * carries nothing is not worth a successor. One timer per SA stands for whatever comes first.
 */
#include "control/isakmp/internal.h"

usec_t isk_rekey_time(struct isakmp *k, bool initiator, usec_t created, usec_t expires,
                      usec_t margin)
{
    usec_t life = expires - created;

    /* A short lifetime gives up a quarter of it. */
    if (margin > life / 4)
        margin = life / 4;
    if (initiator)
        return expires - margin - isk_below(k, margin / 4);
    return expires - margin / 2 - isk_below(k, margin / 8);
}

/* --- children -------------------------------------------------------------------------------- */

bool isk_rekey_under_way(const struct isakmp *k, const struct ike_child_state *c)
{
    const struct isk_want *w;
    uint32_t at = 0;

    while ((w = ike_index_next(&k->index, IKE_BY_WISH, c->policy, &at)) != NULL)
        if (w->rekey_spi == c->spi_in)
            return true;
    return false;
}

static bool to_replace(const struct isk_sa *sa, const struct ike_child_state *c)
{
    return !c->leaving && !isk_child_replaced(sa, c) && !isk_rekey_under_way(sa->k, c);
}

static uint32_t mark(const struct ike_child_state *c)
{
    return c->spi_in < c->spi_out ? c->spi_in : c->spi_out;
}

bool isk_same_traffic(const struct ike_child_state *a, const struct ike_child_state *b)
{
    return a->policy == b->policy && a->n_ts == b->n_ts && a->n_ts == 1 &&
           ike_selector_covers(&a->ts[0], &b->ts[0]) && ike_selector_covers(&b->ts[0], &a->ts[0]);
}

/* Initiations that cross leave two children for one thing; one is enough. Both sides see the same
 * marks, so they do not each end the other's choice. What the peer has left when this one came we
 * have been told by the time this one is so old. */
static bool redundant(const struct isk_sa *sa, const struct ike_child_state *c)
{
    if (isk_now(sa->k) - c->created < ISK_OVERLAP_PEER + 2 * ISK_GRACE)
        return false;
    for (const struct isk_sa *o = isk_peer_first(sa->k, &sa->s.path); o; o = o->peer_next)
        for (unsigned i = 0; isk_same_peer(o, &sa->s.path) && i < o->s.n_children; i++) {
            const struct ike_child_state *b = &o->s.child[i];
            if (b != c && isk_same_traffic(b, c) && !b->leaving && !isk_child_replaced(o, b) &&
                mark(b) > mark(c))
                return true;
        }
    return false;
}

void isk_child_rekey(struct isk_sa *sa, unsigned i)
{
    struct isakmp *k = sa->k;
    struct ike_child_state *c = &sa->s.child[i];
    struct ike_child_cfg cfg = {0};

    c->rekey_at = 0;
    if (!to_replace(sa, c))
        return;
    if (redundant(sa, c)) {
        isk_child_leave(sa, i, 0);
        return;
    }
    if (!k->host.base.child_cfg || k->host.base.child_cfg(k->h, &sa->s, c, &cfg) < 0)
        return; /* not wanted any more: it ends with its lifetime */
    struct isk_want *w = isk_want_new(k, &cfg);
    if (!w)
        return;
    w->rekey_spi = c->spi_in;
    (void)isk_want_start(k, &sa->s.path, w); /* else it ends with its lifetime */
}

/* --- the timer ------------------------------------------------------------------------------- */

static void earlier(usec_t *when, usec_t t)
{
    if (t && (!*when || t < *when))
        *when = t;
}

void isk_arm_life(struct isk_sa *sa)
{
    usec_t when = 0;

    if (!isk_up(sa) && sa->s.state != IKE_IDLE)
        return;
    earlier(&when, sa->s.expires);
    earlier(&when, sa->s.rekey_at);
    for (unsigned i = 0; i < sa->s.n_children; i++) {
        earlier(&when, sa->s.child[i].expires);
        earlier(&when, sa->s.child[i].rekey_at);
    }
    if (!when)
        timer_cancel(sa->k->q, &sa->t_life);
    else if (timer_set(sa->k->q, &sa->t_life, when) < 0)
        isk_sa_end(sa, IKE_R_INTERNAL, false);
}

/* What has a successor receives a bit longer than the peer is told, who may send on it still. It is
 * told twice, since nothing in IKEv1 says that it has heard. */
static void expire(struct isk_sa *sa, unsigned i, usec_t now)
{
    struct ike_child_state *c = &sa->s.child[i];

    if (c->leaving != IKE_LEAVING && c->leaving != IKE_LEFT) {
        isk_child_remove(sa, i, c->leaving ? IKE_R_REKEYED : IKE_R_LIFETIME, !c->leaving);
        return;
    }
    c->leaving = c->leaving == IKE_LEAVING ? IKE_LEFT : ISK_LEFT_TWICE;
    c->expires = now + ISK_GRACE;
    isk_tell_child(sa, c);
    isk_sa_changed(sa);
}

/* One child whose time has come; false when there is none. */
static bool child_due(struct isk_sa *sa, usec_t now)
{
    for (unsigned i = 0; i < sa->s.n_children; i++) {
        struct ike_child_state *c = &sa->s.child[i];
        if (c->expires && c->expires <= now) {
            expire(sa, i, now);
            return true;
        }
        if (c->rekey_at && c->rekey_at <= now) {
            isk_child_rekey(sa, i);
            return true;
        }
    }
    return false;
}

static void due(struct isk_sa *sa)
{
    usec_t now = isk_now(sa->k);

    while (isk_sa_alive(sa) && child_due(sa, now))
        ;
    if (!isk_sa_alive(sa))
        return;
    if (isk_up(sa) && sa->s.expires && sa->s.expires <= now) {
        isk_sa_end(sa, sa->replaced ? IKE_R_REKEYED : IKE_R_LIFETIME, true);
        return;
    }
    if (isk_up(sa) && sa->s.rekey_at && sa->s.rekey_at <= now) {
        sa->s.rekey_at = 0;
        if (sa->s.n_children > 0)
            isk_phase1_anew(sa);
    }
    if (isk_sa_alive(sa))
        isk_arm_life(sa);
}

void isk_on_life_timer(struct timer *t, void *owner)
{
    struct isk_sa *sa = owner;
    struct isakmp *k = sa->k;

    (void)t;
    isk_enter(k);
    if (isk_up(sa) || sa->s.state == IKE_IDLE)
        due(sa);
    else if (isk_sa_alive(sa))
        isk_failed(sa, IKE_R_RETRANSMIT); /* half open for too long */
    isk_leave(k);
}
