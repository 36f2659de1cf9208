/* What the tests of rekeying share. */
#ifndef TESTS_ISAKMP_REKEY_H
#define TESTS_ISAKMP_REKEY_H

#include "tests/unit/isakmp/sim.h"

static inline struct sim *lives(uint64_t seed, uint32_t child, uint32_t phase1)
{
    struct sim *s = sim_new(seed, DH_ECP256);
    for (int i = 0; i < 2; i++) {
        s->node[i].entry[0].cfg.life_seconds = child;
        s->node[i].policy[0].lifetime = phase1;
    }
    return s;
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
