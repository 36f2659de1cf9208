/* Engines of IKEv1 that are killed (tests/unit/ike/killed.h), and whether their records are true.
 */
#ifndef TESTS_ISAKMP_CRASH_H
#define TESTS_ISAKMP_CRASH_H

#include "tests/unit/isakmp/rekey.h"

#define SIM_SA       struct isk_sa
#define SIM_INNER(x) isk_##x
#include "tests/unit/ike/killed.h"

/* The host of a killed engine starts the next one. */
static inline void bury(struct sim *s)
{
    for (int i = 0; i < 2; i++)
        if (s->node[i].halted)
            restart(s, i);
}

/* What is saved is what there is: no SA without its record, and none of another's. */
static inline void journal_is_true(struct sim *s)
{
    for (int i = 0; i < 2; i++) {
        struct sim_node *n = &s->node[i];
        unsigned counted = 0;
        for (struct isk_sa *sa = n->k->head; sa; sa = sa->next) {
            if (!sa->s.established)
                continue;
            assert_non_null(sim_record(n, sa->s.initiator ? sa->s.spi_i : sa->s.spi_r));
            counted++;
        }
        assert_int_equal(counted, n->n_record);
        assert_null(n->k->changed);
    }
}

#endif
