/*
 * An engine is killed and another one takes over what was saved: what the host does then. It is a
 * successor in the same box, or the standby of a pair of boxes, which has taken every record when
 * it was saved and is made active now; the other box comes back as standby. For both versions of
 * IKE, by crash.h of each; beside what sim_net.h needs:
 *
 *   SIM_SA        an SA inside the library
 *   SIM_INNER(x)  the library's own function x
 */
#ifndef TESTS_IKE_KILLED_H
#define TESTS_IKE_KILLED_H

#include "tests/unit/ike/sim_host.h"

static inline struct ike_child_state *claimed(struct sim_node *n, uint32_t spi_in)
{
    for (SIM_SA *sa = n->SIM_FIELD->head; sa; sa = sa->next) {
        int i = SIM_INNER(child_by_spi)(sa, spi_in);
        if (i >= 0)
            return &sa->s.child[i];
    }
    return NULL;
}

static inline bool installed(const struct sim_node *n, uint32_t spi_in)
{
    for (size_t i = 0; i < n->n_child; i++)
        if (n->child[i].up && n->child[i].spi_in == spi_in)
            return true;
    return false;
}

/* What no SA knows leaves the datapath; what the datapath does not have is ended with notice. */
static inline void reconcile(struct sim_node *n)
{
    uint32_t lost[SIM_CHILDREN];
    unsigned n_lost = 0;

    for (size_t i = 0; i < n->n_child; i++) {
        struct sim_child *h = &n->child[i];
        const struct ike_child_state *c = claimed(n, h->spi_in);
        if (h->up && !c)
            h->up = false;
        else if (h->up)
            h->retired = c->leaving != IKE_STAYS;
    }
    for (SIM_SA *sa = n->SIM_FIELD->head; sa; sa = sa->next)
        for (unsigned i = 0; sa->s.child && i < sa->s.n_children; i++)
            if (!installed(n, sa->s.child[i].spi_in))
                lost[n_lost++] = sa->s.child[i].sa_in;
    for (unsigned i = 0; i < n_lost; i++)
        SIM_LIB(end_child)(n->SIM_FIELD, lost[i], IKE_R_INTERNAL);
}

/* A standby for this node, in the other box: it takes all there is. */
static inline void pair_up(struct sim *s, int node)
{
    struct sim_node *n = &s->node[node];

    n->standby = sim_engine(s, node, !n->far);
    for (size_t i = 0; i < n->n_record; i++)
        sim_mirror(n, n->record[i].key, n->record[i].p, n->record[i].n);
}

static inline void switch_over(struct sim *s, int node)
{
    struct sim_node *n = &s->node[node];

    while (n->n_record) /* the other box has a journal of its own */
        sim_forget(n, &n->record[0]);
    n->SIM_FIELD = n->standby;
    n->standby = NULL;
    n->far = !n->far;
    SIM_LIB(activate)(n->SIM_FIELD);
    reconcile(n);
    pair_up(s, node);
}

static inline void restart(struct sim *s, int node)
{
    struct sim_node *n = &s->node[node];

    SIM_LIB(free)(n->SIM_FIELD);
    n->halted = false;
    n->kill_in = 0;
    if (n->standby) {
        switch_over(s, node);
        return;
    }
    sim_node_start(s, node);
    for (size_t i = 0; i < n->n_record;) {
        int err = SIM_LIB(restore)(n->SIM_FIELD, n->record[i].p, n->record[i].n);
        assert_true(err == 0 || err == -ESTALE);
        if (err == 0)
            i++;
        else
            sim_forget(n, &n->record[i]);
    }
    reconcile(n);
}

#endif
