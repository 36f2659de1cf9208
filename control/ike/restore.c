/*
 * An SA taken over from a process that is no more.
 *
 * Records are saved one by one, and a crash may fall between two that belong together: an heir
 * is saved first, with children that the record of the SA before it still holds, too. Then
 * nothing has been said of that, so the older record is right. The heir is dropped (our own is made
 * again from the answer that is asked for again), or waits in doubt if the older knows it.
 */
#include "control/ike/internal.h"
#include <errno.h>
#include <stdlib.h>

static bool share_child(const struct ike_sa *a, const struct ike_sa *b)
{
    for (unsigned i = 0; i < a->s.n_children; i++)
        if (ike_child_by_spi(b, a->s.child[i].spi_in) >= 0)
            return true;
    return false;
}

/* It may be in the index already or not. */
static void no_children(struct ike_sa *sa)
{
    ike_index_no_children(&sa->ike->index, &sa->s, sa);
    sa->s.n_children = 0;
}

/* False: it must go. */
static bool keep_younger(const struct ike_sa *older, struct ike_sa *younger)
{
    if (younger->s.initiator || older->s.heir_i != younger->s.spi_i ||
        older->s.heir_r != younger->s.spi_r)
        return false;
    no_children(younger);
    younger->in_doubt = true;
    return true;
}

static void forget(struct ike_sa *sa)
{
    sa->told_down = true; /* the host never heard of it */
    no_children(sa);
    ike_want_free(sa->active);
    sa->active = NULL;
    ike_sa_end(sa, IKE_R_INTERNAL);
}

/* One that claims a child of sa; a child keeps its handles wherever it is. */
static struct ike_sa *rival_of(const struct ike *ike, const struct ike_sa *sa)
{
    for (unsigned i = 0; i < sa->s.n_children; i++) {
        struct ike_sa *o;
        uint32_t at = 0;
        while ((o = ike_index_next(&ike->index, IKE_BY_HANDLE, sa->s.child[i].sa_in, &at)) != NULL)
            if (share_child(o, sa))
                return o;
    }
    return NULL;
}

/* 0, -EEXIST for an SA that is there already, -ESTALE for one that an older record contradicts. */
static int settle_claims(struct ike *ike, struct ike_sa *sa)
{
    struct ike_sa *o = ike_sa_find(ike, sa->s.spi_i, sa->s.spi_r, sa->s.initiator);

    if (o && o->s.spi_r == sa->s.spi_r)
        return -EEXIST;
    while ((o = rival_of(ike, sa)) != NULL) { /* each time one of the two loses what they share */
        bool new_is_older = sa->s.created < o->s.created;
        if (new_is_older && !keep_younger(sa, o))
            forget(o);
        else if (!new_is_older && !keep_younger(o, sa))
            return -ESTALE;
    }
    return 0;
}

/* Numbers of ours go on where the engine before stopped, in the same order of the same key, so
 * that none comes twice. */
static void go_on_counting(struct ike *ike, const struct ike_numbers *n)
{
    if (!ike->head && !ike->dead && ike->tunnels == 0 && ike->esp_spis == 0)
        ike->hash_key = n->hash_key;
    if (ike->hash_key != n->hash_key)
        return;
    if (n->tunnels > ike->tunnels)
        ike->tunnels = n->tunnels;
    if (n->esp_spis > ike->esp_spis)
        ike->esp_spis = n->esp_spis;
}

/* What comes later has higher ones. */
static void count_on(struct ike *ike, const struct ike_sa *sa)
{
    if (sa->s.session_id > ike->session)
        ike->session = sa->s.session_id;
    for (unsigned i = 0; i < sa->s.n_children; i++)
        if (sa->s.child[i].conn_id > ike->conn)
            ike->conn = sa->s.child[i].conn_id;
}

static int into_index(struct ike_sa *sa)
{
    struct ike_index *x = &sa->ike->index;
    int err = ike_index_children(x, &sa->s, sa);

    if (err == 0)
        err = ike_index_add(x, IKE_BY_IDENTITY, ike_identity_hash(sa), sa);
    if (err == 0 && sa->s.state == IKE_REKEYED)
        err = ike_index_add(x, IKE_BY_SESSION, sa->s.session_id, sa);
    return err;
}

static int arm(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;
    int err = 0;

    /* What was open is repeated, and what waits is said; soon, but not all SAs at once. */
    if (sa->req.open || sa->want_delete || sa->n_gone > 0)
        err = timer_set(ike->q, &sa->t_send, ike_now(ike) + ike_below(ike, IKE_RESTORE_SPREAD));
    if (err == 0 && sa->s.state == IKE_REKEYED)
        err = timer_set(ike->q, &sa->t_life, ike_now(ike) + IKE_REKEYED_WAIT);
    if (err < 0)
        return -ENOMEM;
    ike_sa_arm_life(sa);
    ike_sa_arm_dpd(sa);
    return ike_sa_alive(sa) ? 0 : -ENOMEM;
}

int ike_sa_take_over(struct ike_sa *sa, bool saved)
{
    struct ike *ike = sa->ike;
    int err = settle_claims(ike, sa);

    if (err < 0) {
        ike_sa_wipe(sa);
        return err;
    }
    count_on(ike, sa);
    ike_sa_link(sa);
    sa->saved = saved;
    if (sa->active)
        ike_want_of(sa, sa->active);
    if ((err = into_index(sa)) < 0 || (err = arm(sa)) < 0)
        forget(sa);
    return err;
}

/* Without ike_enter(): nothing is said and nothing saved, so the host may do this while it walks
 * through its records. */
int ike_restore(struct ike *ike, const uint8_t *p, size_t n)
{
    struct ike_sa *sa = calloc(1, sizeof *sa);
    struct ike_numbers numbers = {0};

    if (!sa)
        return -ENOMEM;
    ike_sa_init(ike, sa);
    int err = ike_sa_unpack(ike, sa, &numbers, p, n, 0);
    if (err < 0) {
        ike_sa_wipe(sa);
        return err;
    }
    go_on_counting(ike, &numbers);
    return ike_sa_take_over(sa, true);
}
