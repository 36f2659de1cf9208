/* Engines killed at any effect they have on the world, in any exchange; a successor takes over what
 * was saved, in the same box or in the other one of a pair, and the peer need not know. */
#include "tests/unit/isakmp/crash.h"

static uint64_t runs(uint64_t usual)
{
    const char *text = getenv("TANDEM_IKE_RUNS");
    return text ? strtoull(text, NULL, 10) : usual;
}

/* --- records ------------------------------------------------------------------------------------
 */

static struct sim *tunnel(void)
{
    struct sim *s = lives(3, 3600, 86400);
    for (int i = 0; i < 2; i++) {
        s->node[i].peer.dpd_seconds = 10;
        s->node[i].peer.dpd_periodic = true;
        s->node[i].entry[0].cfg.pfs_group = DH_ECP256;
        s->node[i].esp[0].ah = INTEG_SHA1_96;
    }
    assert_int_equal(sim_initiate(s, 0, 1, 0), 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    return s;
}

/* Read and written again a record is the same to the byte. */
static void the_same_again(void **state)
{
    struct sim *s = tunnel();
    (void)state;
    rekey_phase1(s, 1);
    rekey_child(s, 0);
    sim_for(s, 2);
    for (int i = 0; i < 2; i++) {
        struct sim_node *n = &s->node[i];
        assert_true(n->n_record >= 2);
        for (size_t r = 0; r < n->n_record; r++) {
            struct isakmp *k = isakmp_new(&sim_host, n, &s->q, &s->clk);
            uint8_t *p = malloc(ISK_RECORD_MAX);
            assert_int_equal(isakmp_restore(k, n->record[r].p, n->record[r].n), 0);
            assert_int_equal(isakmp_restore(k, n->record[r].p, n->record[r].n), -EEXIST);
            assert_int_equal(isk_sa_pack(k->head, p, ISK_RECORD_MAX), n->record[r].n);
            assert_memory_equal(p, n->record[r].p, n->record[r].n);
            free(p);
            isakmp_free(k);
        }
    }
    sim_free(s);
}

/* On another box a line has a number 100 higher, an interface one 10 higher. */
static int line_there(void *ctx, uint32_t *policy, uint32_t *ifid)
{
    const uint32_t *missing = ctx;
    if (*policy == *missing)
        return -ENOENT;
    *policy += 100;
    *ifid += 10;
    return 0;
}

static int numbers_there(void *ctx, struct ike_sa_state *sa)
{
    (void)ctx;
    sa->ifid += 10;
    for (uint32_t i = 0; i < sa->n_children; i++)
        sa->child[i].slot_in = sa->child[i].slot_out = 5;
    return 0;
}

static void same_bytes(const struct isk_msg *a, const struct isk_msg *b)
{
    assert_int_equal(a->len, b->len);
    if (a->len > 0)
        assert_memory_equal(a->p, b->p, a->len);
}

static void same_nodes(const struct isk_node *a, const struct isk_node *b, usec_t shift)
{
    for (; a && b; a = a->next, b = b->next) {
        assert_int_equal(a->mid, b->mid);
        assert_int_equal(a->state, b->state);
        assert_memory_equal(a->iv, b->iv, sizeof a->iv);
        assert_memory_equal(a->last_in, b->last_in, sizeof a->last_in);
        same_bytes(&a->out, &b->out);
        assert_int_equal(a->ni_len, b->ni_len);
        assert_memory_equal(a->ni, b->ni, sizeof a->ni);
        assert_memory_equal(a->nr, b->nr, sizeof a->nr);
        assert_int_equal(a->child.spi_in, b->child.spi_in);
        assert_int_equal(a->old_spi, b->old_spi);
        assert_int_equal(a->until ? a->until + shift : 0, b->until);
        assert_false(timer_armed(&b->t));
    }
    assert_true(!a && !b);
}

static void move(usec_t *t, usec_t shift)
{
    if (*t)
        *t += shift;
}

/* a: as it is on its own box; b: on the other one. */
static void same_there(struct isk_sa *a, const struct isk_sa *b, usec_t shift)
{
    struct ike_sa_state want = a->s, got = b->s;
    usec_t *const when[] = {&want.created, &want.established, &want.expires, &want.rekey_at,
                            &want.last_in};

    assert_int_equal(want.n_children, got.n_children);
    for (uint32_t i = 0; i < want.n_children; i++) {
        struct ike_child_state c = want.child[i];
        c.policy += 100;
        c.ifid += 10;
        c.slot_in = c.slot_out = 5;
        move(&c.created, shift);
        move(&c.expires, shift);
        move(&c.rekey_at, shift);
        assert_memory_equal(&c, &got.child[i], sizeof c);
    }
    for (size_t i = 0; i < sizeof when / sizeof *when; i++)
        move(when[i], shift);
    want.ifid += 10;
    want.passive = true;
    want.child = got.child;
    want.room = got.room;
    assert_memory_equal(&want, &got, sizeof want);
    assert_memory_equal(a->iv, b->iv, sizeof a->iv);
    assert_memory_equal(a->last_in, b->last_in, sizeof a->last_in);
    assert_memory_equal(a->mids, b->mids, sizeof a->mids);
    assert_int_equal(a->dpd_seq_out, b->dpd_seq_out);
    assert_int_equal(a->vendors, b->vendors);
    assert_int_equal(a->serial, b->serial);
    assert_int_equal(a->replaced, b->replaced);
    assert_int_equal(a->step, b->step);
    same_bytes(&a->out, &b->out);
    same_nodes(a->nodes, b->nodes, shift);
}

static void imported(void **state)
{
    static const usec_t shift[] = {0, 77 * SEC, -77 * SEC};
    struct sim *s = tunnel();
    struct sim_node *n = &s->node[0];
    uint32_t missing = 0;
    unsigned nodes = 0;
    (void)state;
    sim_for(s, 40);
    rekey_phase1(s, 0);
    sim_for(s, 2);
    rekey_child(s, 0);
    sim_for(s, 2);
    assert_true(n->n_record >= 2);
    for (size_t r = 0; r < 3 * n->n_record; r++) {
        struct sim_record *one = &n->record[r % n->n_record];
        struct ike_import how = {.shift = shift[r / n->n_record],
                                 .line = line_there,
                                 .numbers = numbers_there,
                                 .ctx = &missing};
        struct isakmp *here = isakmp_new(&sim_host, n, &s->q, &s->clk);
        struct isakmp *there = isakmp_new(&sim_host, n, &s->q, &s->clk);
        assert_int_equal(isakmp_restore(here, one->p, one->n), 0);
        for (int i = 0; i < 2; i++) /* and again in its place */
            assert_int_equal(isakmp_import(there, one->key, one->p, one->n, &how), 0);
        assert_null(there->passive->next);
        assert_int_equal(there->n_sas, 0);
        same_there(here->head, there->passive, how.shift);
        nodes += there->passive->n_nodes;
        isakmp_forget(there, one->key);
        assert_true(!there->passive && there->index.n == 0);
        assert_int_equal(isakmp_import(there, one->key + 1, one->p, one->n, &how), -EINVAL);
        missing = here->head->s.n_children ? here->head->s.child[0].policy : 0;
        if (missing)
            assert_int_equal(isakmp_import(there, one->key, one->p, one->n, &how), -ENOENT);
        missing = 0;
        assert_true(!there->passive && there->index.n == 0);
        assert_int_equal(isakmp_import(here, one->key, one->p, one->n, &how), -EEXIST);
        n->halted = true; /* what they say does not matter */
        isakmp_free(here);
        isakmp_free(there);
        n->halted = false;
    }
    assert_true(nodes > 0);
    sim_free(s);
}

/* Bytes that lie are refused or mean something that can be; the engine stays whole. */
static void lies(void **state)
{
    struct sim *s = tunnel();
    struct sim_node *n = &s->node[1];
    struct isakmp *k = isakmp_new(&sim_host, n, &s->q, &s->clk);
    unsigned refused = 0;
    (void)state;
    struct sim_record *r = &n->record[0];
    size_t len = r->n ? r->n : 1;
    for (size_t cut = 0; cut < r->n; cut++)
        assert_true(isakmp_restore(k, r->p, cut) < 0);
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t *p = malloc(len);
        memcpy(p, r->p, len);
        for (unsigned b = 0; b < 1 + i % 3; b++)
            p[sim_random(s) % len] = (uint8_t)sim_random(s);
        refused += isakmp_restore(k, p, r->n) < 0;
        free(p);
        n->halted = true; /* what it says does not matter */
        isakmp_interface_changed(k, k->head ? k->head->s.ifid : 0, NULL, 0);
        n->halted = false;
    }
    assert_true(refused > 1000);
    n->halted = true;
    isakmp_free(k);
    n->halted = false;
    sim_free(s);
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

/* --- successors ---------------------------------------------------------------------------------
 */

static void goes_on(void **state)
{
    struct sim *s = tunnel();
    (void)state;
    s->after = no_black_hole;
    restart(s, 0);
    restart(s, 1);
    settled(s, 1);
    assert_int_equal(sim_sas(s, 0).last->tunnel_id, 1001);
    sim_for(s, 100); /* liveness is asked and answered */
    settled(s, 1);
    rekey_child(s, 1);
    sim_for(s, 110);
    settled(s, 1);
    rekey_phase1(s, 0);
    sim_for(s, 110);
    settled(s, 1);
    assert_int_equal(sim_sas(s, 0).last->tunnel_id, 1002);
    journal_is_true(s);
    sim_free(s);
}

/* Failovers that follow each other sooner than that do not keep exchanges that are done. */
static void done_is_forgotten(void **state)
{
    struct sim *s = tunnel();
    unsigned before = 0, after = 0;
    (void)state;
    pairs(s, AHEAD);
    rekey_child(s, 0);
    sim_for(s, 2);
    for (int i = 0; i < 4; i++) {
        for (int node = 0; node < 2; node++) {
            restart(s, node); /* the other box of the pair goes on */
            before += s->node[node].k->head->n_nodes;
        }
        sim_for(s, 20);
    }
    for (int node = 0; node < 2; node++)
        after += s->node[node].k->head->n_nodes;
    assert_true(before > 0);
    assert_int_equal(after, 0);
    settled(s, 1);
    sim_free(s);
}

static bool no_quick_mode_to_0(struct sim *s, struct sim_packet *p)
{
    (void)s;
    return p->to != 0 || p->data[18] != ISX_QUICK;
}

/* The successor begins the exchange anew, and what the peer has of the first one is nothing to be
 * sent on. */
static void begun_twice(void **state)
{
    struct sim *s = tunnel();
    (void)state;
    s->after = no_black_hole;
    s->tap = no_quick_mode_to_0;
    rekey_child(s, 0);
    sim_for(s, 1);
    s->tap = NULL;
    restart(s, 0);
    rekey_child(s, 0);
    sim_for(s, 2);
    assert_int_equal(s->node[1].n_child, 3);
    assert_non_null(sim_twin(&s->node[0], outbound(&s->node[1], 7)));
    sim_for(s, 120); /* what was replaced has gone */
    settled(s, 1);
    sim_free(s);
}

static void shell_goes_on(void **state)
{
    struct sim *s = tunnel();
    (void)state;
    isakmp_clear_one(s->node[0].k, 1001);
    sim_for(s, 1);
    restart(s, 0);
    restart(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(sim_sas(s, 0).last->state, IKE_IDLE);
    s->after = no_black_hole;
    sim_for(s, 3650);
    settled(s, 1);
    journal_is_true(s);
    sim_free(s);
}

static void act(struct sim *s)
{
    int node = sim_random(s) & 1;
    const struct sim_child *c = outbound(&s->node[node], 7);

    if (!c)
        sim_initiate(s, node, !node, 0);
    else if (sim_random(s) % 8 == 0)
        isakmp_clear(s->node[node].k, NULL, 0);
    else if (sim_random(s) % 4 == 0 && s->node[node].k->head)
        rekey_phase1(s, node);
    else
        rekey_child(s, node);
}

static void doom(struct sim *s)
{
    struct sim_node *n = &s->node[sim_random(s) & 1];
    if (!n->halted)
        n->kill_in = 1 + (unsigned)(sim_random(s) % 12);
}

static bool in_use_have_twins(struct sim *s, int node)
{
    for (size_t i = 0; i < s->node[node].n_child; i++) {
        const struct sim_child *c = &s->node[node].child[i];
        if (c->up && !c->retired && !sim_twin(&s->node[!node], c))
            return false;
    }
    return true;
}

/* Loss, reordering, deletes and crashes at once: in the end there is one working tunnel. */
static void on_bad_networks(bool pair)
{
    uint64_t total = runs(60);

    for (uint64_t seed = 9000000; seed < 9000000 + total; seed++) {
        struct sim *s = lives(seed, 120 + (uint32_t)(seed % 50), 250 + (uint32_t)(seed % 90));
        for (int i = 0; i < 2; i++) {
            s->node[i].entry[0].cfg.pfs_group = seed & 1 ? DH_ECP256 : DH_NONE;
            s->node[i].slow_jobs = sim_random(s) & 1;
            s->node[i].peer.dpd_seconds = 10;
            s->node[i].peer.dpd_periodic = true;
        }
        s->after = bury;
        s->loss = (unsigned)(sim_random(s) % 25);
        s->dup = (unsigned)(sim_random(s) % 30);
        s->delay_min = 500;
        s->delay_max = 500 + (usec_t)(sim_random(s) % (uint64_t)(2 * SEC));
        if (pair)
            pairs(s, seed & 1 ? AHEAD : BEHIND);
        doom(s);
        sim_initiate(s, 0, 1, 0);
        for (int i = 0; i < 20; i++) {
            bury(s);
            sim_for(s, (double)(sim_random(s) % 30000) / 1000);
            doom(s);
            act(s);
        }
        bury(s);
        s->loss = s->dup = 0;
        s->delay_max = s->delay_min;
        s->node[0].kill_in = s->node[1].kill_in = 0;
        sim_for(s, 600);
        if (sim_up_count(&s->node[0]) == 0)
            sim_initiate(s, 0, 1, 0);
        sim_for(s, 100);
        sim_settle(s);
        assert_true(in_use_have_twins(s, 0) && in_use_have_twins(s, 1));
        no_black_hole(s);
        journal_is_true(s);
        sim_free(s);
    }
}

static void bad_network(void **state)
{
    (void)state;
    on_bad_networks(false);
    on_bad_networks(true);
}

/* ESP that its receiver has no SA for: its datapath says so, and the host IKE. */
static void lost_spis(struct sim *s)
{
    for (int i = 0; i < 2; i++) {
        const struct sim_child *c = outbound(&s->node[i], 7);
        struct ike_path p = sim_path(s, !i, i);
        if (c && !receives(&s->node[!i], c->spi_out))
            isakmp_invalid_spi(s->node[!i].k, &p, c->spi_out);
    }
    sim_for(s, 5);
}

/* Every single effect of one exchange, one after the other. */
static void phase1(struct sim *s)
{
    rekey_phase1(s, 0);
}

static void steps_of(struct sim *(*make)(void), void (*go)(struct sim *s), bool pair)
{
    for (int node = 0; node < 2; node++)
        for (unsigned k = 1; k < 60; k++) {
            struct sim *s = make();
            if (pair)
                pairs(s, node ? AHEAD : BEHIND);
            s->after = bury;
            s->node[node].kill_in = k;
            go(s);
            bury(s);
            sim_for(s, 20);
            bool died = s->node[node].kill_in == 0;
            s->node[node].kill_in = 0;
            sim_for(s, 200); /* what nobody confirms ends */
            if (go == phase1)
                assert_true(in_use_have_twins(s, 0) && in_use_have_twins(s, 1));
            lost_spis(s);
            for (int i = 0; i < 20 && !outbound(&s->node[0], 7); i++) {
                sim_initiate(s, 0, 1, 0); /* traffic asks again */
                sim_for(s, 10);
            }
            sim_settle(s);
            assert_true(in_use_have_twins(s, 0) && in_use_have_twins(s, 1));
            no_black_hole(s);
            journal_is_true(s);
            sim_free(s);
            if (!died) {
                assert_true(k > 1);
                break;
            }
        }
}

static void at_every_step(struct sim *(*make)(void), void (*go)(struct sim *s))
{
    steps_of(make, go, false);
    steps_of(make, go, true);
}

static struct sim *nothing_yet(void)
{
    struct sim *s = lives(5, 3600, 86400);
    for (int i = 0; i < 2; i++) {
        s->node[i].peer.dpd_seconds = 10;
        s->node[i].peer.dpd_periodic = true;
    }
    return s;
}

static struct sim *aggressive(void)
{
    struct sim *s = nothing_yet();
    for (int i = 0; i < 2; i++)
        s->node[i].peer.aggressive = true;
    return s;
}

static void initiate(struct sim *s)
{
    sim_initiate(s, 0, 1, 0);
}
static void end(struct sim *s)
{
    isakmp_clear(s->node[0].k, NULL, 0);
}
static void end_child(struct sim *s)
{
    isakmp_end_child(s->node[0].k, outbound(&s->node[0], 7)->sa_in, IKE_R_LOCAL_DELETE);
}
static void end_phase1(struct sim *s)
{
    isakmp_clear_one(s->node[0].k, 1001);
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
static void in_every_exchange(void **state)
{
    (void)state;
    at_every_step(nothing_yet, initiate);
    at_every_step(aggressive, initiate);
    at_every_step(tunnel, child);
    at_every_step(tunnel, both_children);
    at_every_step(tunnel, phase1);
    at_every_step(tunnel, end);
    at_every_step(tunnel, end_child);
    at_every_step(tunnel, end_phase1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_again),
        cmocka_unit_test(imported),
        cmocka_unit_test(lies),
        cmocka_unit_test(goes_on),
        cmocka_unit_test(done_is_forgotten),
        cmocka_unit_test(begun_twice),
        cmocka_unit_test(shell_goes_on),
        cmocka_unit_test(in_every_exchange),
        cmocka_unit_test(bad_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
