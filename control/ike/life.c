/*
 * Lifetimes: when a child or an IKE SA is replaced, and when it ends.
 *
 * RFC 7296 §2.8 leaves both to each side's own policy. Ours: whoever created the SA replaces it
 * after about 95 % of its lifetime, less a random part so that many tunnels do not meet in one
 * moment; the other side waits longer and does so only when the first has failed to. What could
 * not be replaced ends with its lifetime, the peer is told, and traffic asks anew. An IKE SA
 * that carries nothing is not worth a successor.
 *
 * One timer per SA stands for whatever comes first.
 */
#include "control/ike/internal.h"

usec_t ike_below(struct ike *ike, usec_t span)
{
    uint32_t v = 0;

    ike->host.random(ike->h, (uint8_t *)&v, sizeof v);
    return span > 0 ? (usec_t)(v % (uint64_t)span) : 0;
}

usec_t ike_rekey_time(struct ike *ike, bool initiator, usec_t created, usec_t life)
{
    /* Ten seconds are a request repeated twice; a short lifetime gives up an eighth for it. */
    usec_t least = life / 8 < 10 * USEC_PER_SEC ? life / 8 : 10 * USEC_PER_SEC;
    usec_t margin = life / 20 > least ? life / 20 : least;

    if (life == 0)
        return 0;
    if (initiator)
        return created + life - margin - ike_below(ike, margin / 2);
    return created + life - margin / 2 - ike_below(ike, margin / 8);
}

usec_t ike_retry_time(struct ike *ike)
{
    return ike_now(ike) + USEC_PER_SEC + ike_below(ike, 2 * USEC_PER_SEC);
}

bool ike_nonce_lower(struct bytes a, struct bytes b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = memcmp(a.p, b.p, n);

    return c < 0 || (c == 0 && a.n < b.n);
}

/* --- children ------------------------------------------------------------------------------ */

static bool under_way(const struct ike_sa *sa, const struct ike_child_state *c)
{
    if (sa->active && sa->active->rekey_spi == c->spi_in)
        return true;
    for (const struct ike_want *w = sa->wants; w; w = w->next)
        if (w->rekey_spi == c->spi_in)
            return true;
    return false;
}

static bool to_replace(const struct ike_sa *sa, const struct ike_child_state *c)
{
    return !c->leaving && !ike_child_replaced(sa, c) && !under_way(sa, c);
}

static uint32_t mark(const struct ike_child_state *c)
{
    return c->spi_in < c->spi_out ? c->spi_in : c->spi_out;
}

/* Initiations that cross leave two children for one thing; one is enough. Both sides see the
 * same marks, so they do not each end the other's choice. */
static bool redundant(const struct ike_sa *sa, const struct ike_child_state *c)
{
    for (const struct ike_sa *o = ike_peer_first(sa->ike, &sa->s.path); o; o = o->peer_next) {
        if (o->s.state != IKE_ESTABLISHED || !addr_eq(&o->s.path.remote, &sa->s.path.remote))
            continue;
        for (unsigned i = 0; i < o->s.n_children; i++) {
            const struct ike_child_state *k = &o->s.child[i];
            if (k != c && k->policy == c->policy && k->n_ts == 1 && c->n_ts == 1 &&
                ike_selector_covers(&k->ts[0], &c->ts[0]) &&
                ike_selector_covers(&c->ts[0], &k->ts[0]) && !k->leaving &&
                !ike_child_replaced(o, k) && mark(k) > mark(c))
                return true;
        }
    }
    return false;
}

void ike_child_rekey(struct ike_sa *sa, unsigned i)
{
    struct ike *ike = sa->ike;
    struct ike_child_state *c = &sa->s.child[i];
    struct ike_child_cfg cfg = {0};

    c->rekey_at = 0;
    if (!to_replace(sa, c))
        return;
    if (redundant(sa, c)) {
        ike_debug_sa(sa, 4, "Child SA 0x%x is one of two, ending it", c->spi_in);
        ike_child_leave(sa, i);
        return;
    }
    if (!ike->host.child_cfg || ike->host.child_cfg(ike->h, &sa->s, c, &cfg) < 0)
        return; /* not wanted any more: it ends with its lifetime */
    struct ike_want *w = ike_want_new(&cfg);
    if (!w)
        return;
    w->rekey_spi = w->child.replaces = c->spi_in;
    w->child.initiator = true;
    ike_want_append(sa, w);
}

void ike_child_anew(struct ike_sa *sa, unsigned i)
{
    struct ike *ike = sa->ike;
    struct ike_child_cfg cfg = {0};
    bool wanted =
        ike->host.child_cfg && ike->host.child_cfg(ike->h, &sa->s, &sa->s.child[i], &cfg) == 0;
    struct ike_want *w = wanted ? ike_want_new(&cfg) : NULL;

    if (w) {
        w->child.initiator = true;
        ike_want_append(sa, w);
    }
    ike_child_remove(sa, i, IKE_R_PEER_DELETE, true);
}

/* --- the timer ----------------------------------------------------------------------------- */

static void earlier(usec_t *when, usec_t t)
{
    if (t && (!*when || t < *when))
        *when = t;
}

void ike_sa_arm_life(struct ike_sa *sa)
{
    usec_t when = 0;

    if (sa->s.state != IKE_ESTABLISHED)
        return;
    earlier(&when, sa->s.expires);
    if (!sa->want_rekey && !sa->rekey)
        earlier(&when, sa->s.rekey_at);
    for (unsigned i = 0; i < sa->s.n_children; i++) {
        earlier(&when, sa->s.child[i].expires);
        if (to_replace(sa, &sa->s.child[i]))
            earlier(&when, sa->s.child[i].rekey_at);
    }
    for (const struct ike_want *w = sa->wants; w; w = w->next)
        if (w->after > ike_now(sa->ike))
            earlier(&when, w->after);
    if (!when)
        timer_cancel(sa->ike->q, &sa->t_life);
    else if (timer_set(sa->ike->q, &sa->t_life, when) < 0)
        ike_sa_end(sa, IKE_R_INTERNAL);
}

static void expire_children(struct ike_sa *sa, usec_t now)
{
    for (unsigned i = sa->s.n_children; i-- > 0 && i < sa->s.n_children;) {
        struct ike_child_state *c = &sa->s.child[i];
        if (c->expires && c->expires <= now)
            ike_child_remove(sa, i, IKE_R_LIFETIME, true);
        else if (c->rekey_at && c->rekey_at <= now)
            ike_child_rekey(sa, i);
    }
}

static void due(struct ike_sa *sa)
{
    usec_t now = ike_now(sa->ike);

    if (sa->s.expires && now >= sa->s.expires) {
        ike_sa_delete(sa, sa->replaced ? IKE_R_REKEYED : IKE_R_LIFETIME);
        return;
    }
    expire_children(sa, now);
    if (!ike_sa_alive(sa) || sa->s.state != IKE_ESTABLISHED)
        return;
    if (sa->s.rekey_at && sa->s.rekey_at <= now && !sa->rekey) {
        sa->s.rekey_at = 0;
        if (sa->s.n_children == 0 && !sa->wants && !sa->active) {
            ike_sa_delete(sa, IKE_R_LIFETIME);
            return;
        }
        sa->want_rekey = true;
    }
    ike_sa_arm_life(sa);
    ike_sa_kick(sa);
}

void ike_on_life_timer(struct timer *t, void *owner)
{
    struct ike_sa *sa = owner;
    struct ike *ike = sa->ike;

    (void)t;
    ike_enter(ike);
    if (sa->s.state == IKE_DELETING)
        ike_sa_end(sa, sa->why);
    else if (sa->s.state == IKE_REKEYED)
        ike_sa_delete(sa, IKE_R_REKEYED); /* the peer has forgotten to */
    else if (sa->s.state == IKE_ESTABLISHED)
        due(sa);
    else if (ike_sa_alive(sa))
        ike_sa_end(sa, IKE_R_RETRANSMIT); /* half open for too long */
    ike_leave(ike);
}
