/*
 * Rekeying: children and IKE SAs replaced from either side, what happens when both sides act at
 * once (RFC 7296 §2.8.1, §2.8.2, §2.25). While nothing is deleted on purpose, neither side may ever
 * send on an SA that the other no longer, or not yet, receives on.
 */
#include "rekey.h"

/* --- one side at a time -------------------------------------------------------------------- */

static void child_by_lifetime(void **state)
{
    (void)state;
    for (int pfs = 0; pfs < 2; pfs++)
        for (int by = 0; by < 2; by++) {
            struct sim *s = lives(30, 100, 0);
            s->node[!by].no_rekey = true;
            for (int i = 0; i < 2; i++) {
                s->node[i].slow_jobs = pfs;
                s->node[i].entry[0].cfg.pfs_group = pfs ? DH_ECP256 : DH_NONE;
            }
            begin(s);
            uint32_t before = spi(s);
            unsigned changes = 0;
            for (int t = 0; t < 1000; t++) {
                sim_for(s, 1);
                changes += spi(s) != before;
                before = spi(s);
            }
            settled(s, 1);
            assert_in_range(changes, 10, 12);
            assert_int_equal(s->node[0].last_child_down, IKE_R_REKEYED);
            assert_int_equal(s->node[1].last_child_down, IKE_R_REKEYED);
            assert_int_equal(sa_of(s, 0)->s.child[0].pfs_group, pfs ? DH_ECP256 : 0);
            assert_int_equal(s->node[0].failed + s->node[1].failed, 0);
            sim_free(s);
        }
}

static void ike_by_lifetime(void **state)
{
    (void)state;
    for (int by = 0; by < 2; by++) {
        struct sim *s = lives(31, 0, 0);
        s->node[by].policy[0].lifetime = 200;
        s->node[0].slow_jobs = s->node[1].slow_jobs = by;
        begin(s);
        const struct ike_keys first = sa_of(s, 0)->s.keys;
        uint32_t child = spi(s), session = sa_of(s, 0)->s.session_id;
        sim_for(s, 2000);
        settled(s, 1);
        assert_int_equal(spi(s), child); /* the child is the same all the time */
        assert_in_range(s->node[0].sa_up, 10, 12);
        assert_int_equal(s->node[0].sa_up, s->node[0].sa_down + 1);
        assert_int_equal(s->node[1].sa_up, s->node[1].sa_down + 1);
        assert_memory_not_equal(&first, &sa_of(s, 0)->s.keys, sizeof first);
        assert_int_equal(sa_of(s, 0)->s.session_id, session);
        s->after = NULL;
        ike_clear(s->node[!by].ike, NULL, 0); /* and the new keys work for more */
        sim_for(s, 1);
        assert_nothing(s);
        sim_free(s);
    }
}

/* A peer's own lifetime goes before the policy's, and its successor's, too. */
static void ike_lifetime_of_a_peer(void **state)
{
    struct sim *s = lives(9, 0, 86400);
    (void)state;
    s->node[1].lifetime = 200;
    begin(s);
    assert_int_equal(sim_sas(s, 0).last->lifetime, 86400);
    assert_int_equal(sim_sas(s, 1).last->lifetime, 200);
    uint64_t first = sim_sas(s, 1).last->spi_i;
    sim_for(s, 200);
    assert_int_equal(sim_sas(s, 1).n, 1);
    assert_int_not_equal(sim_sas(s, 1).last->spi_i, first);
    assert_int_equal(sim_sas(s, 1).last->lifetime, 200);
    sim_free(s);
}

static void by_volume(void **state)
{
    struct sim *s = lives(32, 0, 0);
    (void)state;
    begin(s);
    uint32_t before = spi(s);
    ike_expired(s->node[1].ike, outbound(&s->node[1], 7)->sa_in, false);
    ike_expired(s->node[1].ike, outbound(&s->node[1], 7)->sa_in, false);
    sim_for(s, 1);
    settled(s, 1);
    assert_int_not_equal(spi(s), before);
    assert_int_equal(s->node[1].n_child, 2);
    sim_free(s);
}

/* One of 64: there is room for its successor. */
static void child_of_many(void **state)
{
    struct sim *s = lives(33, 0, 0);
    (void)state;
    for (uint32_t i = 0; i < 64; i++) {
        struct ike_path p = sim_path(s, 0, 1);
        struct ike_child_cfg cfg = s->node[0].entry[0].cfg;
        cfg.policy = i ? 100 + i : 7;
        ike_initiate(s->node[0].ike, &p, &cfg);
    }
    sim_for(s, 5);
    settled(s, 64);
    rekey_child(s, 0);
    sim_for(s, 1);
    settled(s, 64);
    assert_int_equal(s->node[0].n_child, 65);
    sim_free(s);
}

/* --- refusals ------------------------------------------------------------------------------ */

static void child_not_found(void **state)
{
    struct sim *s = lives(34, 0, 0);
    (void)state;
    begin(s);
    s->after = NULL;
    ike_enter(s->node[1].ike);
    ike_child_remove(sa_of(s, 1), 0, IKE_R_INTERNAL, false); /* the peer is not told */
    ike_leave(s->node[1].ike);
    rekey_child(s, 0);
    sim_for(s, 1);
    settled(s, 1);
    sim_free(s);
}

static void no_proposal(void **state)
{
    struct sim *s = lives(35, 100, 0);
    (void)state;
    begin(s);
    s->node[1].no_rekey = true;
    s->node[1].esp[0].encr[0].keybits = 128;
    sim_for(s, 98);
    settled(s, 1); /* the old one serves to its end */
    assert_int_equal(s->node[0].failed, 0);
    s->after = NULL;
    sim_for(s, 3);
    assert_tunnel(s, 0);
    assert_int_equal(s->node[0].n_child, 1);
    sim_free(s);
}

static void temporary_failure(void **state)
{
    struct sim *s = lives(36, 0, 0);
    (void)state;
    begin(s);
    uint32_t before = spi(s);
    s->node[1].fail_child_up = -EIO;
    rekey_child(s, 0);
    sim_for(s, 4);
    assert_int_equal(spi(s), before);
    s->node[1].fail_child_up = 0;
    sim_for(s, 4);
    settled(s, 1);
    assert_int_not_equal(spi(s), before);
    assert_int_equal(s->node[0].failed, 0);
    /* ours to fail: the peer's half is ended again, and the old one goes on */
    before = spi(s);
    s->node[0].fail_child_up = -EIO;
    rekey_child(s, 0);
    sim_for(s, 4);
    assert_int_equal(spi(s), before);
    s->node[0].fail_child_up = 0;
    sim_for(s, 5);
    settled(s, 1);
    assert_int_not_equal(spi(s), before);
    sim_free(s);
}

static void ike_refused(void **state)
{
    struct sim *s = lives(37, 0, 200);
    (void)state;
    begin(s);
    s->node[1].policy[0].encr[0].keybits = 128; /* NO_PROPOSAL_CHOSEN, either way */
    sim_for(s, 198);
    settled(s, 1);
    assert_int_equal(s->node[0].sa_up, 1);
    s->after = NULL;
    sim_for(s, 3);
    assert_nothing(s);
    sim_free(s);
}

/* §1.3: another group is asked for, one of those offered. */
static void ike_other_group(void **state)
{
    struct sim *s = lives(38, 0, 0);
    (void)state;
    s->node[0].policy[0].group[1] = DH_ECP256;
    s->node[0].policy[0].n_group = 2;
    begin(s);
    s->node[1].policy[0].group[0] = DH_ECP256;
    rekey_ike(s, 0);
    sim_for(s, 1);
    settled(s, 1);
    assert_int_equal(sa_of(s, 0)->s.suite.group, DH_ECP256);
    assert_int_equal(s->node[0].sa_up, 2);
    sim_free(s);
}

/* An IKE SA without children is not replaced. */
static void empty_ike(void **state)
{
    struct sim *s = lives(39, 0, 200);
    (void)state;
    begin(s);
    s->after = NULL;
    ike_end_child(s->node[0].ike, outbound(&s->node[0], 7)->sa_in, IKE_R_LOCAL_DELETE);
    sim_for(s, 200);
    assert_nothing(s);
    assert_int_equal(s->node[0].sa_up, 1);
    sim_free(s);
}

/* Crossing initiations leave two children and two IKE SAs; a lifetime later there is one. */
static void doubles_go(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct sim *s = lives(seed, 100, 300);
        s->delay_min = s->delay_max = 20000;
        sim_initiate(s, 0, 1, 0);
        sim_initiate(s, 1, 0, 0);
        sim_for(s, 2);
        assert_tunnel(s, 2);
        sim_for(s, 700);
        settled(s, 1);
        sim_free(s);
    }
}

static bool no_deletes(struct sim *s, struct sim_packet *k)
{
    (void)s;
    return k->to == 0 || k->data[18] != X_INFORMATIONAL;
}

/* A peer that replaces the IKE SA all the time and never deletes one. */
static void never_deleted(void **state)
{
    struct sim *s = lives(41, 0, 0);
    (void)state;
    begin(s);
    s->tap = no_deletes;
    for (int i = 0; i < 20; i++) {
        rekey_ike(s, 0);
        sim_for(s, 0.1);
        assert_in_range(s->node[1].ike->n_sas, 1, 2);
    }
    s->tap = NULL;
    sim_for(s, 100);
    settled(s, 1);
    assert_int_equal(s->node[1].sa_up, 21);
    sim_free(s);
}

/* --- both at once -------------------------------------------------------------------------- */

static void both_rekey_child(void **state)
{
    unsigned won[2] = {0, 0};
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct sim *s = lives(seed, 0, 0);
        s->node[0].slow_jobs = s->node[1].slow_jobs = seed % 3 == 0;
        for (int i = 0; i < 2; i++)
            s->node[i].entry[0].cfg.pfs_group = seed & 1 ? DH_X25519 : DH_NONE;
        begin(s);
        /* equal delays: both see it; unequal ones: one side is through before */
        s->delay_min = 1000;
        s->delay_max = seed % 2 ? 1000 : 900000;
        rekey_child(s, 0);
        if (seed % 5 == 0)
            sim_for(s, (double)(sim_random(s) % 1000) / 1000);
        rekey_child(s, 1);
        sim_for(s, 60);
        settled(s, 1);
        won[sa_of(s, 0)->s.child[0].initiator]++;
        assert_int_equal(s->node[0].failed + s->node[1].failed, 0);
        sim_free(s);
    }
    assert_true(won[0] > 50 && won[1] > 50);
}

static void both_rekey_ike(void **state)
{
    unsigned won[2] = {0, 0};
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct sim *s = lives(seed, 0, 0);
        s->node[0].slow_jobs = s->node[1].slow_jobs = seed % 3 == 0;
        begin(s);
        uint32_t child = spi(s);
        s->delay_min = 1000;
        s->delay_max = seed % 2 ? 1000 : 900000;
        rekey_ike(s, 0);
        if (seed % 5 == 0)
            sim_for(s, (double)(sim_random(s) % 1000) / 1000);
        if (sa_of(s, 1)->s.state == IKE_ESTABLISHED)
            rekey_ike(s, 1);
        sim_for(s, 200);
        settled(s, 1);
        assert_int_equal(spi(s), child);
        won[sa_of(s, 0)->s.initiator]++;
        sim_free(s);
    }
    assert_true(won[0] > 50 && won[1] > 50);
}

static void child_rekey_meets_delete(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++)
        for (int by = 0; by < 2; by++) {
            struct sim *s = lives(seed, 0, 0);
            begin(s);
            s->after = NULL;
            s->delay_max = seed % 2 ? 1000 : 900000;
            rekey_child(s, by);
            ike_end_child(s->node[!by].ike, outbound(&s->node[!by], 7)->sa_in, IKE_R_LOCAL_DELETE);
            sim_for(s, 60);
            /* A delete that comes first ends the wish; or a fresh child came of it. */
            settled(s, sa_of(s, 0)->s.n_children);
            sim_free(s);
        }
}

static void ike_rekey_meets_delete(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++)
        for (int by = 0; by < 2; by++)
            for (int self = 0; self < 2; self++) {
                struct sim *s = lives(seed, 0, 0);
                s->node[0].slow_jobs = s->node[1].slow_jobs = seed % 3 == 0;
                begin(s);
                s->after = NULL;
                s->delay_max = seed % 2 ? 1000 : 300000;
                rekey_ike(s, by);
                sim_for(s, (double)(sim_random(s) % 600) / 1000);
                ike_clear(s->node[self ? by : !by].ike, NULL, 0);
                sim_for(s, 200);
                assert_nothing(s);
                assert_int_equal(s->node[0].ike->n_sas + s->node[1].ike->n_sas, 0);
                sim_free(s);
            }
}

static void child_rekey_meets_clear(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++)
        for (int by = 0; by < 2; by++)
            for (int self = 0; self < 2; self++) {
                struct sim *s = lives(seed, 0, 0);
                s->node[0].slow_jobs = s->node[1].slow_jobs = seed % 3 == 0;
                s->node[0].entry[0].cfg.pfs_group = s->node[1].entry[0].cfg.pfs_group = DH_X25519;
                begin(s);
                s->after = NULL;
                s->delay_max = 300000;
                rekey_child(s, by);
                sim_for(s, (double)(sim_random(s) % 600) / 1000);
                ike_clear(s->node[self ? by : !by].ike, NULL, 0);
                sim_for(s, 200);
                assert_nothing(s);
                sim_free(s);
            }
}

static void child_and_ike_rekey(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++)
        for (int by = 0; by < 2; by++) {
            struct sim *s = lives(seed, 0, 0);
            s->node[0].slow_jobs = s->node[1].slow_jobs = seed % 3 == 0;
            begin(s);
            uint32_t before = spi(s);
            s->delay_max = seed % 2 ? 1000 : 900000;
            rekey_ike(s, by);
            rekey_child(s, seed & 4 ? by : !by);
            sim_for(s, 100);
            settled(s, 1);
            assert_int_not_equal(spi(s), before); /* both came through in the end */
            assert_true(s->node[0].sa_up >= 2);
            sim_free(s);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_by_lifetime),
        cmocka_unit_test(ike_by_lifetime),
        cmocka_unit_test(ike_lifetime_of_a_peer),
        cmocka_unit_test(by_volume),
        cmocka_unit_test(child_of_many),
        cmocka_unit_test(child_not_found),
        cmocka_unit_test(no_proposal),
        cmocka_unit_test(temporary_failure),
        cmocka_unit_test(ike_refused),
        cmocka_unit_test(ike_other_group),
        cmocka_unit_test(empty_ike),
        cmocka_unit_test(doubles_go),
        cmocka_unit_test(never_deleted),
        cmocka_unit_test(both_rekey_child),
        cmocka_unit_test(both_rekey_ike),
        cmocka_unit_test(child_rekey_meets_delete),
        cmocka_unit_test(ike_rekey_meets_delete),
        cmocka_unit_test(child_rekey_meets_clear),
        cmocka_unit_test(child_and_ike_rekey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
