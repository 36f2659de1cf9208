/* What the tests of rekeying share. */
#ifndef TESTS_ISAKMP_REKEY_H
#define TESTS_ISAKMP_REKEY_H

#include "tests/unit/isakmp/sim.h"

static inline const struct sim_child *outbound(const struct sim_node *n, uint32_t policy)
{
    const struct sim_child *best = NULL;
    for (size_t i = 0; i < n->n_child; i++)
        if (n->child[i].up && !n->child[i].retired && n->child[i].policy == policy &&
            (!best || n->child[i].rank > best->rank))
            best = &n->child[i];
    return best;
}

static inline bool receives(const struct sim_node *n, uint32_t spi)
{
    for (size_t i = 0; i < n->n_child; i++)
        if (n->child[i].up && n->child[i].spi_in == spi)
            return true;
    return false;
}

static inline void no_black_hole(struct sim *s)
{
    for (int i = 0; i < 2; i++) {
        const struct sim_child *c = outbound(&s->node[i], 7);
        assert_non_null(c);
        assert_true(receives(&s->node[!i], c->spi_out));
    }
}

static inline struct sim *lives(uint64_t seed, uint32_t child, uint32_t phase1)
{
    struct sim *s = sim_new(seed, DH_ECP256);
    for (int i = 0; i < 2; i++) {
        s->node[i].entry[0].cfg.life_seconds = child;
        s->node[i].policy[0].lifetime = phase1;
    }
    return s;
}

static inline void begin(struct sim *s)
{
    assert_int_equal(sim_initiate(s, 0, 1, 0), 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    s->after = no_black_hole;
}

static inline void rekey_child(struct sim *s, int node)
{
    const struct sim_child *c = outbound(&s->node[node], 7);
    isakmp_expired(s->node[node].k, c->sa_in, false);
}

static inline void rekey_phase1(struct sim *s, int node)
{
    struct isakmp *k = s->node[node].k;
    isk_enter(k);
    isk_phase1_anew(k->head);
    isk_leave(k);
}

/* Nothing is under way: each side has one SA of phase 1 that is up, with the same keys and the
 * children in question; twins all of them. */
static inline void settled(struct sim *s, unsigned children)
{
    const struct isk_sa *a = s->node[0].k->head, *b = s->node[1].k->head;
    assert_tunnel(s, children);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(s->node[i].k->n_sas, 1);
        assert_int_equal(s->node[i].k->n_half_open, 0);
        assert_null(s->node[i].k->dead);
        assert_null(s->node[i].k->dead_nodes);
        assert_true(isk_up(s->node[i].k->head));
        assert_int_equal(s->node[i].k->head->s.n_children, children);
    }
    assert_int_equal(a->s.spi_i, b->s.spi_i);
    assert_int_equal(a->s.spi_r, b->s.spi_r);
    assert_int_not_equal(a->s.initiator, b->s.initiator);
    assert_memory_equal(&a->s.keys, &b->s.keys, sizeof a->s.keys);
}

#endif
