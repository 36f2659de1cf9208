/* Rekeying of both kinds from both sides, thousands of runs, on a network that loses, doubles,
 * reorders and delays; with deletes in between, and without. */
#include "rekey.h"

static uint64_t runs(void)
{
    const char *text = getenv("TANDEM_IKE_RUNS");
    return text ? strtoull(text, NULL, 10) : 1000;
}

static bool quiet(struct sim *s)
{
    if (s->n_packet || s->jobs)
        return false;
    for (int i = 0; i < 2; i++)
        for (struct ike_sa *sa = sa_of(s, i); sa; sa = sa->next)
            if (sa->req.open || sa->job || sa->active || sa->wants || sa->n_gone ||
                sa->s.state != IKE_ESTABLISHED)
                return false;
    return true;
}

static void shake(struct sim *s)
{
    s->after = NULL;
    s->loss = (unsigned)(sim_random(s) % 30);
    s->dup = (unsigned)(sim_random(s) % 30);
    s->delay_min = 500;
    s->delay_max = 500 + (usec_t)(sim_random(s) % (uint64_t)(3 * SEC));
    for (int i = 0; i < 2; i++) {
        s->node[i].slow_jobs = sim_random(s) & 1;
        s->node[i].dpd_seconds = 10;
        s->node[i].dpd_retry = 2;
    }
}

static void act(struct sim *s)
{
    int node = sim_random(s) & 1;
    const struct sim_child *c = outbound(&s->node[node], 7);
    struct ike_sa *sa = sa_of(s, node);

    if (!c) {
        sim_initiate(s, node, !node, 0);
        return;
    }
    switch (sim_random(s) % 8) {
    case 0:
        ike_end_child(s->node[node].ike, c->sa_in, IKE_R_LOCAL_DELETE);
        break;
    case 1:
        ike_clear(s->node[node].ike, NULL, 0);
        break;
    case 2:
    case 3:
        if (sa && sa->s.state == IKE_ESTABLISHED && !sa->in_doubt && sa->s.n_children)
            rekey_ike(s, node);
        break;
    default:
        rekey_child(s, node);
    }
}

static void bad_network(void **state)
{
    uint64_t total = runs(), rekeyed = 0;
    (void)state;

    for (uint64_t seed = 5000000; seed < 5000000 + total; seed++) {
        struct sim *s = lives(seed, 60 + (uint32_t)(seed % 50), 150 + (uint32_t)(seed % 90));
        for (int i = 0; i < 2; i++)
            s->node[i].entry[0].cfg.pfs_group = seed & 1 ? DH_X25519 : DH_NONE;
        shake(s);
        sim_initiate(s, 0, 1, 0);
        for (int i = 0; i < 25 && s->node[0].n_child < SIM_CHILDREN / 2; i++) {
            sim_for(s, (double)(sim_random(s) % 30000) / 1000);
            act(s);
            if (sim_random(s) & 1)
                act(s);
        }
        rekeyed += s->node[0].last_child_down == IKE_R_REKEYED;
        s->loss = s->dup = 0;
        s->delay_max = s->delay_min;
        sim_for(s, 400); /* what is half done or double ends by its timers */
        if (sim_up_count(&s->node[0]) == 0)
            sim_initiate(s, 0, 1, 0);
        for (int i = 0; i < 100 && !quiet(s); i++)
            sim_for(s, 0.5);
        assert_true(quiet(s));
        settled(s, 1);
        no_black_hole(s);
        sim_free(s);
    }
    assert_true(sim_share(rekeyed, total, 8));
}

/* Delay, reordering and doubling, but no deliberate ends: no packet of the tunnel is lost. */
static void never_a_gap(void **state)
{
    uint64_t total = runs() / 2;
    (void)state;

    for (uint64_t seed = 7000000; seed < 7000000 + total; seed++) {
        struct sim *s = lives(seed, 60 + (uint32_t)(seed % 50), 150 + (uint32_t)(seed % 90));
        begin(s);
        s->dup = (unsigned)(sim_random(s) % 30);
        s->delay_max = 1000 + (usec_t)(sim_random(s) % 500000);
        s->node[0].slow_jobs = s->node[1].slow_jobs = seed & 1;
        for (int i = 0; i < 20; i++) {
            sim_for(s, (double)(sim_random(s) % 20000) / 1000);
            rekey_child(s, (int)(sim_random(s) & 1));
            if (sim_random(s) & 1)
                rekey_child(s, (int)(sim_random(s) & 1));
        }
        s->loss = s->dup = 0;
        sim_for(s, 20);
        for (int i = 0; i < 100 && !quiet(s); i++)
            sim_for(s, 0.5);
        settled(s, 1);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_network),
        cmocka_unit_test(never_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
