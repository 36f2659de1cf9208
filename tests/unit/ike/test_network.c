/*
 * Thousands of exchanges on a network that loses, doubles, delays and reorders: each ends with
 * the same on both sides, or with nothing. And each algorithm that we know is used once.
 */
#include "sim.h"

/* How many runs; a long run sets TANDEM_IKE_RUNS. */
static uint64_t runs(void)
{
    const char *text = getenv("TANDEM_IKE_RUNS");
    return text ? strtoull(text, NULL, 10) : 2000;
}

static struct sim *bad_network(uint64_t seed)
{
    struct sim *s = sim_new(seed, DH_X25519);

    s->loss = (unsigned)(sim_random(s) % 60);
    s->dup = (unsigned)(sim_random(s) % 40);
    s->delay_min = 500;
    s->delay_max = 500 + (usec_t)(sim_random(s) % (uint64_t)(8 * SEC));
    for (int i = 0; i < 2; i++) {
        struct sim_node *n = &s->node[i];
        n->slow_jobs = sim_random(s) & 1;
        n->dpd_seconds = 10;
        n->dpd_retry = 2;
    }
    s->node[0].behind_nat = sim_random(s) % 4 == 0;
    if (sim_random(s) % 8 == 0) {
        struct ike_limits l = {.half_open = 100, .cookie_at = 0, .sas = 100};
        ike_set_limits(s->node[1].ike, &l);
    }
    return s;
}

static void same_on_both_sides(struct sim *s)
{
    assert_true(sim_all_twins(s, 0, 1));
    assert_true(sim_all_twins(s, 1, 0));
    struct sim_seen a = sim_sas(s, 0), b = sim_sas(s, 1);
    assert_int_equal(a.established, b.established);
    assert_int_equal(a.n, a.established);
    assert_int_equal(b.n, b.established);
    if (a.n == 1) {
        assert_int_equal(a.last->spi_i, b.last->spi_i);
        assert_int_equal(a.last->spi_r, b.last->spi_r);
        assert_memory_equal(&a.last->keys, &b.last->keys, sizeof a.last->keys);
    }
}

static void one_initiator(void **state)
{
    uint64_t up = 0, total = runs();
    (void)state;

    for (uint64_t seed = 0; seed < total; seed++) {
        struct sim *s = bad_network(seed);
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 400);
        /* What is half done is found out by liveness once the network behaves. */
        s->loss = s->dup = 0;
        s->delay_max = s->delay_min;
        sim_for(s, 100);
        same_on_both_sides(s);
        assert_true(sim_up_count(&s->node[0]) <= 1);
        up += sim_up_count(&s->node[0]);
        /* Whatever came of it: traffic asks again and gets its tunnel. */
        if (sim_up_count(&s->node[0]) == 0) {
            assert_int_equal(sim_initiate(s, 0, 1, 0), 0);
            sim_for(s, 5);
            same_on_both_sides(s);
            assert_int_equal(sim_up_count(&s->node[0]), 1);
        }
        sim_free(s);
    }
    /* Many make it and many do not, or the network above would prove nothing. */
    print_message("up at once: %" PRIu64 " of %" PRIu64 "\n", up, total);
    assert_true(sim_share(up, total, 4));
    assert_true(sim_share(total - up, total, 4));
}

static void both_initiate_and_delete(void **state)
{
    uint64_t total = runs() / 3;
    (void)state;

    for (uint64_t seed = 1000000; seed < 1000000 + total; seed++) {
        struct sim *s = bad_network(seed);
        s->node[0].behind_nat = false;
        s->loss /= 2;
        sim_initiate(s, 0, 1, 0);
        sim_for(s, (double)(sim_random(s) % 4000) / 1000);
        sim_initiate(s, 1, 0, 0);
        sim_for(s, (double)(sim_random(s) % 20000) / 1000);
        if (sim_random(s) & 1)
            ike_clear(s->node[sim_random(s) & 1].ike, NULL, 0);
        sim_for(s, (double)(sim_random(s) % 20000) / 1000);
        if (sim_up_count(&s->node[1]) == 0)
            sim_initiate(s, 1, 0, 0);
        sim_for(s, 400);
        s->loss = s->dup = 0;
        s->delay_max = s->delay_min;
        sim_for(s, 100);
        same_on_both_sides(s);
        sim_free(s);
    }
}

/* --- algorithms -------------------------------------------------------------------------- */

static void negotiate(const struct ike_policy *policy, const struct ike_esp_proposal *esp)
{
    struct sim *s = sim_new(7, DH_X25519);

    for (int i = 0; i < 2; i++) {
        s->node[i].policy[0] = *policy;
        s->node[i].esp[0] = *esp;
    }
    assert_int_equal(sim_initiate(s, 0, 1, 0), 0);
    sim_for(s, 1);
    same_on_both_sides(s);
    assert_int_equal(sim_up_count(&s->node[0]), 1);
    const struct ike_sa_state *sa = sim_sas(s, 0).last;
    const struct transform *e = transform_find(T_ENCR, policy->encr[0].id, policy->encr[0].keybits);
    assert_int_equal(sa->suite.encr, policy->encr[0].id);
    assert_int_equal(sa->suite.encr_bits, e->keybits);
    assert_int_equal(sa->suite.prf, policy->prf[0]);
    assert_int_equal(sa->suite.group, policy->group[0]);
    assert_int_equal(sa->suite.integ, e->icv_len ? INTEG_NONE : policy->integ[0]);
    const struct sim_child *c = &s->node[0].child[0];
    e = transform_find(T_ENCR, esp->encr[0].id, esp->encr[0].keybits);
    assert_int_equal(c->encr[0].id, esp->encr[0].id);
    assert_int_equal(c->encr[0].key_len, e->key_len + e->salt_len);
    assert_int_equal(c->integ[0].id, e->icv_len ? INTEG_NONE : esp->integ[0]);
    ike_clear(s->node[1].ike, NULL, 0); /* and the SK payload works in both directions */
    sim_for(s, 1);
    assert_int_equal(sim_sas(s, 0).n + sim_sas(s, 1).n, 0);
    sim_free(s);
}

static struct ike_esp_proposal esp_of(uint16_t encr, uint16_t bits, uint16_t integ)
{
    return (struct ike_esp_proposal){.encr = {{encr, bits}},
                                     .integ = {integ},
                                     .n_encr = 1,
                                     .n_integ = 1};
}

static void every_algorithm(void **state)
{
    const struct transform *t;
    unsigned n = 0;
    (void)state;

    for (size_t i = 0; (t = transform_at(i)) != NULL; i++) {
        struct ike_policy p =
            sim_policy(ENCR_AES_CBC, 256, INTEG_SHA256_128, PRF_SHA256, DH_X25519);
        struct ike_esp_proposal esp = esp_of(ENCR_AES_CBC, 256, INTEG_SHA256_128);
        if (t->type == T_ENCR) {
            p.encr[0] = (struct ike_alg){t->id, t->keybits};
            esp = esp_of(t->id, t->keybits, INTEG_SHA256_128);
            if (t->id == ENCR_AES_GMAC) /* ESP only */
                p.encr[0] = (struct ike_alg){ENCR_AES_CBC, 128};
        } else if (t->type == T_INTEG) {
            if (t->id == INTEG_NONE)
                continue;
            p.integ[0] = t->id;
            esp = esp_of(ENCR_AES_CBC, 128, t->id);
        } else if (t->type == T_PRF) {
            p.prf[0] = t->id;
        } else if (t->type == T_DH) {
            p.group[0] = t->id;
        } else {
            continue;
        }
        negotiate(&p, &esp);
        n++;
    }
    assert_true(n >= 12 + 5 + 5 + 11);
}

/* Every cipher with every integrity and every prf, with a cheap group. */
static void every_combination(void **state)
{
    static const struct ike_alg encr[] = {{ENCR_NULL, 0},        {ENCR_DES, 0},
                                          {ENCR_3DES, 0},        {ENCR_AES_CBC, 128},
                                          {ENCR_AES_CBC, 192},   {ENCR_AES_CBC, 256},
                                          {ENCR_AES_GCM16, 128}, {ENCR_AES_GCM16, 192},
                                          {ENCR_AES_GCM16, 256}};
    static const uint16_t integ[] = {INTEG_MD5_96, INTEG_SHA1_96, INTEG_SHA256_128,
                                     INTEG_SHA384_192, INTEG_SHA512_256};
    static const uint16_t prf[] = {PRF_MD5, PRF_SHA1, PRF_SHA256, PRF_SHA384, PRF_SHA512};
    (void)state;

    for (size_t e = 0; e < sizeof encr / sizeof *encr; e++)
        for (size_t i = 0; i < sizeof integ / sizeof *integ; i++)
            for (size_t k = 0; k < sizeof prf / sizeof *prf; k++) {
                struct ike_policy p =
                    sim_policy(encr[e].id, encr[e].keybits, integ[i], prf[k], DH_X25519);
                struct ike_esp_proposal esp = esp_of(encr[e].id, encr[e].keybits, integ[i]);
                negotiate(&p, &esp);
            }
}

/* One policy with everything in it, on both sides in opposite order. */
static void everything_offered(void **state)
{
    struct sim *s = sim_new(7, DH_X25519);
    const struct transform *t;
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct ike_policy *p = &s->node[i].policy[0];
        *p = (struct ike_policy){.priority = 1, .lifetime = 86400};
        for (size_t k = 0; (t = transform_at(k)) != NULL; k++) {
            if (t->type == T_ENCR && t->id != ENCR_AES_GMAC && p->n_encr < IKE_ALGS)
                p->encr[p->n_encr++] = (struct ike_alg){t->id, t->keybits};
            if (t->type == T_INTEG && p->n_integ < IKE_ALGS)
                p->integ[p->n_integ++] = t->id;
            if (t->type == T_PRF)
                p->prf[p->n_prf++] = t->id;
            if (t->type == T_DH)
                p->group[p->n_group++] = t->id;
        }
        if (i) { /* the responder likes the end of each list best */
            p->encr[0] = p->encr[p->n_encr - 1];
            p->group[0] = DH_ECP256;
        }
    }
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    same_on_both_sides(s);
    assert_int_equal(sim_up_count(&s->node[0]), 1);
    assert_int_equal(sim_sas(s, 0).last->suite.encr, ENCR_AES_GCM16);
    assert_int_equal(sim_sas(s, 0).last->suite.group, DH_ECP256);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_algorithm),          cmocka_unit_test(every_combination),
        cmocka_unit_test(everything_offered),       cmocka_unit_test(one_initiator),
        cmocka_unit_test(both_initiate_and_delete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
