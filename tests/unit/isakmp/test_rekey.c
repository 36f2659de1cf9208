/* Both phases replaced before they end, by either side, by both at once, on bad networks. */
#include "tests/unit/isakmp/rekey.h"

static uint64_t runs(uint64_t usual)
{
    const char *text = getenv("TANDEM_IKE_RUNS");
    return text ? strtoull(text, NULL, 10) : usual;
}

/* Who began a child replaces it half a minute before its end, and both use the new one. */
static void by_time(void **state)
{
    struct sim *s = lives(1, 600, 86400);
    (void)state;
    begin(s);
    uint32_t first = s->node[0].child[0].spi_in;
    sim_for(s, 550);
    assert_int_equal(s->node[0].n_child, 1);
    sim_for(s, 35);
    assert_int_equal(s->node[0].n_child, 2);
    assert_int_equal(outbound(&s->node[0], 7)->spi_out, outbound(&s->node[1], 7)->spi_in);
    assert_int_not_equal(outbound(&s->node[0], 7)->spi_in, first);
    assert_true(s->node[0].child[1].up && s->node[1].child[1].up);
    sim_for(s, 600 + 100);
    assert_int_equal(s->node[0].n_child, 3); /* one each ten minutes: nobody does it twice */
    assert_int_equal(sim_sas(s, 0).n, 1);
    assert_int_equal(s->node[0].last_child_down, IKE_R_REKEYED);
    sim_free(s);
}

/* The other side does it, a bit later, when the first one cannot. */
static void by_the_other(void **state)
{
    struct sim *s = lives(2, 600, 86400);
    (void)state;
    s->node[0].no_rekey = true;
    begin(s);
    sim_for(s, 640);
    assert_tunnel(s, 1);
    assert_int_equal(s->node[1].n_child, 2);
    sim_free(s);
}

/* Nobody wants it any more: it ends with its lifetime, and the peer is told. */
static void by_nobody(void **state)
{
    struct sim *s = lives(3, 600, 86400);
    (void)state;
    s->node[0].no_rekey = s->node[1].no_rekey = true;
    begin(s);
    s->after = NULL;
    sim_for(s, 590);
    assert_tunnel(s, 1);
    sim_for(s, 15);
    assert_tunnel(s, 0);
    sim_free(s);
}

static void phase1_by_time(void **state)
{
    struct sim *s = lives(4, 3600, 600);
    (void)state;
    begin(s);
    sim_for(s, 700);
    settled(s, 1);
    assert_int_equal(sim_sas(s, 0).last->tunnel_id, 1002);
    assert_int_equal(s->node[0].n_child, 1); /* the child has moved, it was not made anew */
    sim_for(s, 20 * 600);
    settled(s, 1);
    assert_true(sim_sas(s, 1).last->tunnel_id > 1015);
    sim_free(s);
}

/* Phase 1 that carries nothing just ends. */
static void phase1_without_children(void **state)
{
    struct sim *s = lives(5, 3600, 600);
    (void)state;
    begin(s);
    s->after = NULL;
    isakmp_end_child(s->node[0].k, s->node[0].child[0].sa_in, IKE_R_LOCAL_DELETE);
    sim_for(s, 610);
    assert_nothing(s);
    sim_free(s);
}

static void by_bytes(void **state)
{
    (void)state;
    for (int node = 0; node < 2; node++) {
        struct sim *s = lives(6, 3600, 86400);
        begin(s);
        rekey_child(s, node);
        rekey_child(s, node); /* once is enough */
        sim_for(s, 1);
        assert_int_equal(s->node[0].n_child, 2);
        sim_for(s, 100);
        settled(s, 1);
        sim_free(s);
    }
}

/* What is on its way out may be there on one side only. */
static bool in_use_have_twins(struct sim *s, int node)
{
    for (size_t i = 0; i < s->node[node].n_child; i++) {
        const struct sim_child *c = &s->node[node].child[i];
        if (c->up && !c->retired && !sim_twin(&s->node[!node], c))
            return false;
    }
    return true;
}

static void both_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct sim *s = lives(seed, 600, 86400);
        begin(s);
        s->delay_max = 200000;
        s->node[0].slow_jobs = s->node[1].slow_jobs = seed % 2;
        rekey_child(s, 0);
        rekey_child(s, 1);
        sim_for(s, 5);
        /* two or one; the second of two goes when they are due */
        assert_true(sim_all_twins(s, 0, 1));
        sim_for(s, 5000);
        sim_settle(s);
        assert_in_range(sim_up_count(&s->node[0]), 1, 4);
        assert_true(in_use_have_twins(s, 0) && in_use_have_twins(s, 1));
        sim_free(s);
    }
}

static void both_phase1_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct sim *s = lives(seed, 3600, 600);
        begin(s);
        s->delay_max = 200000;
        rekey_phase1(s, 0);
        rekey_phase1(s, 1);
        sim_for(s, 5000);
        assert_tunnel(s, 1);
        assert_true(sim_sas(s, 0).established >= 1);
        assert_int_equal(sim_sas(s, 0).established, sim_sas(s, 1).established);
        sim_free(s);
    }
}

static void act(struct sim *s)
{
    int node = sim_random(s) & 1;
    const struct sim_child *c = outbound(&s->node[node], 7);
    struct isakmp *k = s->node[node].k;

    if (!c) {
        sim_initiate(s, node, !node, 0);
        return;
    }
    switch (sim_random(s) % 9) {
    case 0:
        isakmp_end_child(k, c->sa_in, IKE_R_LOCAL_DELETE);
        break;
    case 1:
        isakmp_clear(k, NULL, 0);
        break;
    case 2:
    case 3:
        rekey_phase1(s, node);
        break;
    case 4:
        isakmp_clear_one(k, k->head->s.tunnel_id);
        break;
    default:
        rekey_child(s, node);
    }
}

/* Deletes in IKEv1 are said once: what one side has lost the other keeps until DPD or its lifetime
 * ends it, or the host says that the SPI is unknown. In the end one working tunnel is there. */
static void bad_network(void **state)
{
    uint64_t total = runs(150);
    (void)state;
    for (uint64_t seed = 5000000; seed < 5000000 + total; seed++) {
        struct sim *s = lives(seed, 120 + (uint32_t)(seed % 50), 250 + (uint32_t)(seed % 90));
        for (int i = 0; i < 2; i++) {
            s->node[i].entry[0].cfg.pfs_group = seed & 1 ? DH_ECP256 : DH_NONE;
            s->node[i].slow_jobs = sim_random(s) & 1;
            s->node[i].peer.dpd_seconds = 10;
            s->node[i].peer.dpd_periodic = true;
        }
        s->loss = (unsigned)(sim_random(s) % 25);
        s->dup = (unsigned)(sim_random(s) % 30);
        s->delay_min = 500;
        s->delay_max = 500 + (usec_t)(sim_random(s) % (uint64_t)(2 * SEC));
        sim_initiate(s, 0, 1, 0);
        for (int i = 0; i < 25; i++) {
            sim_for(s, (double)(sim_random(s) % 40000) / 1000);
            act(s);
            if (sim_random(s) & 1)
                act(s);
        }
        s->loss = s->dup = 0;
        s->delay_max = s->delay_min;
        sim_for(s, 600); /* what is half done or double ends by its timers */
        if (sim_up_count(&s->node[0]) == 0)
            sim_initiate(s, 0, 1, 0);
        sim_for(s, 100);
        sim_settle(s);
        assert_true(in_use_have_twins(s, 0) && in_use_have_twins(s, 1));
        assert_true(sim_up_count(&s->node[0]) >= 1);
        no_black_hole(s);
        sim_free(s);
    }
}

/* Delay, reordering and doubling, but no loss: no packet of the tunnel is lost. */
static void never_a_gap(void **state)
{
    uint64_t total = runs(100);
    (void)state;
    for (uint64_t seed = 7000000; seed < 7000000 + total; seed++) {
        struct sim *s = lives(seed, 120 + (uint32_t)(seed % 50), 250 + (uint32_t)(seed % 90));
        begin(s);
        s->dup = (unsigned)(sim_random(s) % 30);
        s->delay_max = 1000 + (usec_t)(sim_random(s) % 500000);
        s->node[0].slow_jobs = s->node[1].slow_jobs = seed & 1;
        for (int i = 0; i < 20; i++) {
            sim_for(s, (double)(sim_random(s) % 30000) / 1000);
            rekey_child(s, (int)(sim_random(s) & 1));
            if (sim_random(s) & 1)
                rekey_child(s, (int)(sim_random(s) & 1));
            if (sim_random(s) % 4 == 0)
                rekey_phase1(s, (int)(sim_random(s) & 1));
        }
        sim_for(s, 200);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_time),
        cmocka_unit_test(by_the_other),
        cmocka_unit_test(by_nobody),
        cmocka_unit_test(phase1_by_time),
        cmocka_unit_test(phase1_without_children),
        cmocka_unit_test(by_bytes),
        cmocka_unit_test(both_at_once),
        cmocka_unit_test(both_phase1_at_once),
        cmocka_unit_test(bad_network),
        cmocka_unit_test(never_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
