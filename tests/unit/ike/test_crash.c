/* Engines killed at any effect they have on the world, in any exchange; a successor takes over what
 * was saved, in the same box or in the other one of a pair. The peer must not notice. */
#include "crash.h"

static uint64_t runs(void)
{
    const char *text = getenv("TANDEM_IKE_RUNS");
    return text ? strtoull(text, NULL, 10) : 40;
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

/* The clocks of the other boxes are so much ahead, or they came up when all had begun already. */
#define AHEAD  (INT64_C(5000) * SEC)
#define BEHIND (INT64_C(-10000) * SEC - SEC / 2)

/* Each node is a pair of boxes from now on. */
static void pairs(struct sim *s, usec_t ahead)
{
    sim_for(s, 1);
    s->ahead = ahead;
    for (int i = 0; i < 2; i++)
        pair_up(s, i);
}

/* The host of a killed engine starts the next one. */
static void bury(struct sim *s)
{
    for (int i = 0; i < 2; i++)
        if (s->node[i].halted)
            restart(s, i);
}

static void bury_no_gap(struct sim *s)
{
    bury(s);
    no_black_hole(s);
}

/* What is saved is what there is: no SA without its record, and none of another's. */
static void journal_is_true(struct sim *s)
{
    for (int i = 0; i < 2; i++) {
        struct sim_node *n = &s->node[i];
        unsigned counted = 0;
        for (struct ike_sa *sa = n->ike->head; sa; sa = sa->next) {
            struct sim_record *r = sim_record(n, sa->s.initiator ? sa->s.spi_i : sa->s.spi_r);
            assert_non_null(r);
            uint8_t *p = malloc(IKE_RECORD_MAX);
            counted++;
            assert_true(ike_sa_pack(sa, p, IKE_RECORD_MAX) > 0);
            free(p);
        }
        assert_int_equal(counted, n->n_record);
        assert_null(n->ike->changed);
    }
}

static void slow(struct sim *s)
{
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

/* One of the two dies at one of its next effects, whatever they will be. */
static void doom(struct sim *s)
{
    struct sim_node *n = &s->node[sim_random(s) & 1];
    if (!n->halted)
        n->kill_in = 1 + (unsigned)(sim_random(s) % 12);
}

static void calm(struct sim *s)
{
    s->loss = s->dup = 0;
    s->delay_max = s->delay_min;
    s->node[0].kill_in = s->node[1].kill_in = 0;
}

static void ends_well(struct sim *s)
{
    /* What is half done or double ends by its timers: a double child with its lifetime, maybe just
     * after its IKE SA was replaced, which then goes with its own. */
    sim_for(s, 600);
    if (sim_up_count(&s->node[0]) == 0)
        sim_initiate(s, 0, 1, 0);
    for (int i = 0; i < 200 && !quiet(s); i++)
        sim_for(s, 0.5);
    assert_true(quiet(s));
    settled(s, 1);
    no_black_hole(s);
    journal_is_true(s);
}

/* Everything at once: loss, reordering, deletes of all kinds, and crashes in between. */
static void on_bad_networks(bool pair)
{
    uint64_t total = runs();

    for (uint64_t seed = 9000000; seed < 9000000 + total; seed++) {
        struct sim *s = lives(seed, 60 + (uint32_t)(seed % 50), 150 + (uint32_t)(seed % 90));
        for (int i = 0; i < 2; i++)
            s->node[i].entry[0].cfg.pfs_group = seed & 1 ? DH_X25519 : DH_NONE;
        s->after = bury;
        s->loss = (unsigned)(sim_random(s) % 30);
        s->dup = (unsigned)(sim_random(s) % 30);
        s->delay_min = 500;
        s->delay_max = 500 + (usec_t)(sim_random(s) % (uint64_t)(3 * SEC));
        slow(s);
        if (pair)
            pairs(s, seed & 1 ? AHEAD : BEHIND);
        doom(s);
        sim_initiate(s, 0, 1, 0);
        for (int i = 0; i < 25 && s->node[0].n_child < SIM_CHILDREN / 2; i++) {
            bury(s);
            sim_for(s, (double)(sim_random(s) % 30000) / 1000);
            doom(s);
            act(s);
            bury(s);
            if (sim_random(s) & 1)
                act(s);
        }
        bury(s);
        calm(s);
        ends_well(s);
        sim_free(s);
    }
}

static void bad_network(void **state)
{
    (void)state;
    on_bad_networks(false);
    on_bad_networks(true);
}

/* Delay and reordering, rekeys of both kinds, no deliberate ends: whoever dies whenever, neither
 * side ever sends on an SA that the other does not receive on. */
static void without_a_gap(bool pair)
{
    uint64_t total = runs();

    for (uint64_t seed = 11000000; seed < 11000000 + total; seed++) {
        struct sim *s = lives(seed, 60 + (uint32_t)(seed % 50), 150 + (uint32_t)(seed % 90));
        for (int i = 0; i < 2; i++)
            s->node[i].entry[0].cfg.pfs_group = seed & 1 ? DH_X25519 : DH_NONE;
        begin(s);
        if (pair)
            pairs(s, seed & 2 ? AHEAD : BEHIND);
        s->after = bury_no_gap;
        s->dup = (unsigned)(sim_random(s) % 30);
        s->delay_max = 1000 + (usec_t)(sim_random(s) % 500000);
        slow(s);
        for (int i = 0; i < 20; i++) {
            sim_for(s, (double)(sim_random(s) % 20000) / 1000);
            doom(s);
            if (sim_random(s) % 4)
                rekey_child(s, (int)(sim_random(s) & 1));
            else if (sa_of(s, 0)->s.state == IKE_ESTABLISHED && !sa_of(s, 0)->in_doubt)
                rekey_ike(s, 0);
            bury_no_gap(s);
        }
        calm(s);
        sim_for(s, 60);
        for (int i = 0; i < 100 && !quiet(s); i++)
            sim_for(s, 0.5);
        settled(s, 1);
        journal_is_true(s);
        assert_int_equal(s->node[0].sa_down + s->node[1].sa_down > 0, true);
        sim_free(s);
    }
}

static void never_a_gap(void **state)
{
    (void)state;
    without_a_gap(false);
    without_a_gap(true);
}

/* Every single effect of one exchange, one after the other: the tunnel stands, nothing is left. */
static void steps_of(struct sim *(*make)(void), void (*go)(struct sim *s), unsigned children,
                     bool pair)
{
    for (int node = 0; node < 2; node++) {
        for (unsigned k = 1; k < 100; k++) {
            struct sim *s = make();
            if (pair)
                pairs(s, node ? AHEAD : BEHIND);
            s->after = bury;
            s->node[node].kill_in = k;
            go(s);
            bury(s);
            sim_for(s, 40);
            bool died = s->node[node].kill_in == 0;
            s->node[node].kill_in = 0;
            for (int i = 0; i < 600 && !(quiet(s) && sim_up_count(&s->node[0]) >= children); i++) {
                if (children > 0 && quiet(s))
                    sim_initiate(s, 0, 1, 0); /* traffic asks again */
                sim_for(s, 0.5);
            }
            if (children > 0) {
                settled(s, children);
                journal_is_true(s);
            } else {
                sim_for(s, 200);
                if (s->node[0].ike->n_sas > 0) { /* died before that was decided */
                    settled(s, sim_up_count(&s->node[0]));
                } else {
                    assert_nothing(s);
                    assert_int_equal(s->node[0].n_record + s->node[1].n_record, 0);
                }
            }
            sim_free(s);
            if (!died) {
                assert_true(k > 1);
                break;
            }
        }
    }
}

static void at_every_step(struct sim *(*make)(void), void (*go)(struct sim *s), unsigned children)
{
    steps_of(make, go, children, false);
    steps_of(make, go, children, true);
}

static struct sim *nothing_yet(void)
{
    struct sim *s = sim_new(3, DH_X25519);
    for (int i = 0; i < 2; i++) {
        s->node[i].dpd_seconds = 10;
        s->node[i].dpd_retry = 2;
        s->node[i].entry[0].cfg.pfs_group = DH_ECP256;
    }
    return s;
}

static struct sim *tunnel(void)
{
    struct sim *s = nothing_yet();
    begin(s);
    return s;
}

static void initiate(struct sim *s)
{
    sim_initiate(s, 0, 1, 0);
}
static void child(struct sim *s)
{
    rekey_child(s, 0);
}
static void both_children(struct sim *s)
{
    rekey_child(s, 0);
    rekey_child(s, 1);
}
static void heir(struct sim *s)
{
    rekey_ike(s, 0);
}
static void both_heirs(struct sim *s)
{
    rekey_ike(s, 0);
    if (!s->node[0].halted)
        rekey_ike(s, 1);
}
static void end(struct sim *s)
{
    ike_clear(s->node[0].ike, NULL, 0);
}
static void end_child(struct sim *s)
{
    ike_end_child(s->node[0].ike, outbound(&s->node[0], 7)->sa_in, IKE_R_LOCAL_DELETE);
}
static void liveness(struct sim *s)
{
    sim_for(s, 11);
}

static void every_step(void **state)
{
    (void)state;
    at_every_step(nothing_yet, initiate, 1);
    at_every_step(tunnel, child, 1);
    at_every_step(tunnel, both_children, 1);
    at_every_step(tunnel, heir, 1);
    at_every_step(tunnel, both_heirs, 1);
    at_every_step(tunnel, end, 0);
    at_every_step(tunnel, end_child, 1);
    at_every_step(tunnel, liveness, 1);
}

/* Numbers go on; the peer sees the same SA. */
static void same_again(void **state)
{
    struct sim *s = tunnel();
    struct ike_sa_state was = sa_of(s, 1)->s;
    struct ike_child_state child = was.child[0];
    (void)state;

    unsigned down = s->node[0].sa_down, up = s->node[0].sa_up;
    restart(s, 1);
    struct ike_sa_state *now = &sa_of(s, 1)->s;
    assert_memory_equal(now->child, &child, sizeof child);
    was.child = now->child;
    was.room = now->room;
    assert_memory_equal(now, &was, sizeof was);
    restart(s, 0);
    sim_for(s, 30);
    assert_int_equal(s->node[0].sa_up, up);
    assert_int_equal(s->node[0].sa_down, down);
    rekey_child(s, 1);
    sim_for(s, 10);
    settled(s, 1);
    assert_int_not_equal(sa_of(s, 1)->s.child[0].spi_in, child.spi_in);
    assert_true(sa_of(s, 1)->s.child[0].conn_id > child.conn_id);
    rekey_ike(s, 0);
    sim_for(s, 10);
    settled(s, 1);
    assert_int_not_equal(sa_of(s, 1)->s.tunnel_id, was.tunnel_id);
    struct sim_record *r = &s->node[0].record[0];
    assert_int_equal(ike_restore(s->node[0].ike, r->p, r->n), -EEXIST);
    sim_free(s);
}

/* Nothing is saved that did not change, and an engine without a journal does without. */
static void only_changes(void **state)
{
    struct sim *s = sim_new(1, DH_X25519);
    (void)state;

    begin(s);
    unsigned saves = s->node[0].n_saves;
    sim_for(s, 3600);
    assert_int_equal(s->node[0].n_saves, saves);
    s->node[1].dead = true;
    s->node[0].dpd_seconds = 10;
    rekey_child(s, 0);
    assert_int_equal(s->node[0].n_saves, saves + 1);
    sim_for(s, 20); /* repeated meanwhile */
    assert_true(s->node[0].retransmits > 0);
    assert_int_equal(s->node[0].n_saves, saves + 1);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_again),  cmocka_unit_test(only_changes), cmocka_unit_test(every_step),
        cmocka_unit_test(never_a_gap), cmocka_unit_test(bad_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
