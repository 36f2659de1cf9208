/* Exchanges between two engines: set-up, refusals, NAT, deletes, liveness, lifetimes. */
#include "sim.h"

static void assert_tunnel(struct sim *s, unsigned children)
{
    assert_int_equal(sim_up_count(&s->node[0]), children);
    assert_int_equal(sim_up_count(&s->node[1]), children);
    assert_true(sim_all_twins(s, 0, 1));
    assert_true(sim_all_twins(s, 1, 0));
}

static void seed_suite(void **state)
{
    struct sim *s = sim_new(1, DH_ECP521);
    (void)state;
    assert_int_equal(sim_initiate(s, 0, 1, 0), 0);
    assert_int_equal(sim_initiate(s, 0, 1, 0), 0); /* several wishes are one */
    sim_for(s, 1);
    assert_tunnel(s, 1);
    struct sim_seen a = sim_sas(s, 0), b = sim_sas(s, 1);
    assert_int_equal(a.n, 1);
    assert_int_equal(b.n, 1);
    assert_string_equal(ike_state_name(a.last->state), "READY");
    assert_true(a.last->initiator);
    assert_false(b.last->initiator);
    assert_int_equal(a.last->spi_i, b.last->spi_i);
    assert_int_equal(a.last->spi_r, b.last->spi_r);
    assert_memory_equal(&a.last->keys, &b.last->keys, sizeof a.last->keys);
    assert_int_equal(a.last->suite.group, 21);
    assert_int_equal(a.last->lifetime, 86400);
    assert_int_equal(a.last->ifid, 3);
    assert_int_equal(b.last->ifid, 3);
    assert_false(s->node[0].child[0].udp);
    assert_int_equal(s->delivered, 4);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(seed_suite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
