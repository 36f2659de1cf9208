/* What the tests of rekeying share. */
#ifndef TESTS_IKE_REKEY_H
#define TESTS_IKE_REKEY_H

#include "sim.h"

static inline struct ike_sa *sa_of(struct sim *s, int node)
{
    return s->node[node].ike->head;
}

static inline struct sim *lives(uint64_t seed, uint32_t child, uint32_t ike)
{
    struct sim *s = sim_new(seed, DH_X25519);
    for (int i = 0; i < 2; i++) {
        s->node[i].entry[0].cfg.life_seconds = child;
        s->node[i].policy[0].lifetime = ike;
    }
    return s;
}

static inline void rekey_child(struct sim *s, int node)
{
    const struct sim_child *c = outbound(&s->node[node], 7);
    ike_expired(s->node[node].ike, c->sa_in, false);
}

static inline void rekey_ike(struct sim *s, int node)
{
    struct ike_sa *sa = sa_of(s, node);
    ike_enter(sa->ike);
    sa->want_rekey = true;
    ike_sa_kick(sa);
    ike_leave(s->node[node].ike);
}

/* Nothing is under way: what the two sides hold must be the same, to the byte. */
static inline void settled(struct sim *s, unsigned children)
{
    assert_tunnel(s, children);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(s->node[i].ike->n_sas, 1);
        assert_int_equal(s->node[i].ike->n_half_open, 0);
        assert_null(s->node[i].ike->dead);
        assert_int_equal(sa_of(s, i)->s.n_children, children);
        assert_int_equal(sa_of(s, i)->s.state, IKE_ESTABLISHED);
        assert_null(sa_of(s, i)->rekey);
        assert_null(sa_of(s, i)->active);
        assert_false(sa_of(s, i)->in_doubt);
        for (unsigned k = 0; k < children; k++)
            assert_int_equal(sa_of(s, i)->s.child[k].leaving, IKE_STAYS);
    }
    const struct ike_sa_state *a = &sa_of(s, 0)->s, *b = &sa_of(s, 1)->s;
    assert_int_equal(a->spi_i, b->spi_i);
    assert_int_equal(a->spi_r, b->spi_r);
    assert_int_not_equal(a->initiator, b->initiator);
    assert_memory_equal(&a->keys, &b->keys, sizeof a->keys);
}

static inline uint32_t spi(struct sim *s)
{
    return outbound(&s->node[0], 7)->spi_out;
}

#endif
