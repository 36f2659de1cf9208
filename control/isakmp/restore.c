/*
 * An SA of phase 1 taken over from a process that is no more.
 *
 * A child that stands in two records, since a crash came between them, belongs to the younger SA.
 */
#include "control/isakmp/internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RESTORE_SPREAD (USEC_PER_SEC / 2)

static void drop_child(struct isk_sa *sa, unsigned i)
{
    ike_index_no_child(&sa->k->index, &sa->s.child[i], sa);
    sa->s.n_children--;
    memmove(&sa->s.child[i], &sa->s.child[i + 1], (sa->s.n_children - i) * sizeof sa->s.child[0]);
}

/* What both claim is the younger one's. */
static void settle_children(struct isk_sa *a, struct isk_sa *b)
{
    struct isk_sa *older = a->serial < b->serial ? a : b, *younger = older == a ? b : a;

    for (unsigned i = older->s.n_children; i-- > 0;)
        if (isk_child_by_spi(younger, older->s.child[i].spi_in) >= 0)
            drop_child(older, i);
}

static void forget(struct isk_sa *sa)
{
    sa->told_down = true; /* the host never heard of it */
    ike_index_no_children(&sa->k->index, &sa->s, sa);
    sa->s.n_children = 0;
    isk_sa_end(sa, IKE_R_INTERNAL, false);
}

static bool empty_shell(const struct isk_sa *sa)
{
    return sa->s.state == IKE_IDLE && sa->s.n_children == 0;
}

/* One that claims a child of sa; a child keeps its handles wherever it is. */
static struct isk_sa *rival_of(const struct isakmp *k, const struct isk_sa *sa)
{
    for (unsigned i = 0; i < sa->s.n_children; i++) {
        const struct ike_child_state *c = &sa->s.child[i];
        struct isk_sa *o;
        uint32_t at = 0;
        while ((o = ike_index_next(&k->index, IKE_BY_HANDLE, c->sa_in, &at)) != NULL)
            if (isk_child_by_spi(o, c->spi_in) >= 0)
                return o;
    }
    return NULL;
}

static int settle_claims(struct isakmp *k, struct isk_sa *sa)
{
    struct isk_sa *o;

    if (isk_sa_twin(k, sa))
        return -EEXIST;
    while ((o = rival_of(k, sa)) != NULL) {
        settle_children(o, sa); /* what they share is one's now */
        if (empty_shell(o))
            forget(o);
    }
    return empty_shell(sa) ? -ESTALE : 0;
}

/* Numbers of ours go on where the engine before stopped. */
static void go_on_counting(struct isakmp *k, const struct isk_numbers *n)
{
    if (!k->head && !k->dead && k->spis == 0)
        k->hash_key = n->hash_key;
    if (k->hash_key == n->hash_key && n->spis > k->spis)
        k->spis = n->spis;
    if (n->conn_id > k->conn_id)
        k->conn_id = n->conn_id;
}

/* What comes later has higher ones. */
static void count_on(struct isakmp *k, const struct isk_sa *sa)
{
    if (sa->serial > k->serial)
        k->serial = sa->serial;
    for (unsigned i = 0; i < sa->s.n_children; i++)
        if (sa->s.child[i].conn_id > k->conn)
            k->conn = sa->s.child[i].conn_id;
}

/* What waits for an answer is said again soon, but not all at once. What is done ends when it would
 * have ended: with a new time at each of many failovers it would stay for ever. */
static int arm(struct isk_sa *sa)
{
    struct isakmp *k = sa->k;
    usec_t now = isk_now(k);

    for (struct isk_node *n = sa->nodes; n; n = n->next) {
        usec_t when = now + isk_below(k, RESTORE_SPREAD);
        if (n->state == NODE_DONE)
            when = n->until = n->until < now + ISK_LINGER ? n->until : now + ISK_LINGER;
        if (timer_set(k->q, &n->t, when) < 0)
            return -ENOMEM;
    }
    isk_arm_life(sa);
    if (isk_sa_alive(sa))
        isk_arm_dpd(sa);
    return isk_sa_alive(sa) ? 0 : -ENOMEM;
}

void isk_sa_discard(struct isk_sa *sa)
{
    while (sa->nodes) {
        struct isk_node *n = sa->nodes;
        sa->nodes = n->next;
        isk_node_free(n);
    }
    isk_sa_wipe(sa);
}

int isk_sa_take_over(struct isk_sa *sa, bool saved)
{
    struct isakmp *k = sa->k;
    int err = settle_claims(k, sa);

    if (err < 0) {
        isk_sa_discard(sa);
        return err;
    }
    count_on(k, sa);
    isk_sa_link(sa);
    sa->saved = saved;
    if ((err = ike_index_children(&k->index, &sa->s, sa)) < 0 || (err = arm(sa)) < 0)
        forget(sa);
    return err;
}

/* Without isk_enter(): nothing is said and nothing saved, so the host may do this while it walks
 * through its records. */
int isakmp_restore(struct isakmp *k, const uint8_t *p, size_t n)
{
    struct isk_sa *sa = calloc(1, sizeof *sa);
    struct isk_numbers numbers = {0};

    if (!sa)
        return -ENOMEM;
    isk_sa_init(k, sa);
    int err = isk_sa_unpack(sa, &numbers, p, n, 0);
    if (err < 0) {
        isk_sa_discard(sa);
        return err;
    }
    go_on_counting(k, &numbers);
    return isk_sa_take_over(sa, true);
}
