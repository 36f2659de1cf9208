/* Templates: what peers bring is protected as long as their SA is up. */
#include "bench.h"
#include "control/crypto/spd.h"
#include <errno.h>

struct guest {
    struct ike_sa_state sa;
    struct ike_child_state child;
    struct ike_child_cfg cfg;
    struct ike_child_keys keys;
};

static void apply(struct bench *b, bool open)
{
    struct wish w = seed_wish();
    w.templ = true;
    w.open = open;
    wish_apply(b, &w);
}

static int offer(struct bench *b, struct guest *g, const char *from, struct selector s)
{
    memset(g, 0, sizeof(*g));
    g->sa.version = IKE_V2;
    g->sa.path = (struct ike_path){.local = adr("192.0.2.1"),
                                   .remote = adr(from),
                                   .lport = 500,
                                   .rport = 500};
    return control_ike_host.accept_child(b->c, &g->sa, &s, 1, &g->cfg);
}

static void raise_child(struct bench *b, struct guest *g)
{
    g->child = (struct ike_child_state){.policy = g->cfg.policy,
                                        .ifid = 1,
                                        .spi_in = 0x1000 + g->cfg.policy,
                                        .spi_out = 0x2000 + g->cfg.policy,
                                        .encr = ENCR_AES_CBC,
                                        .encr_bits = 256,
                                        .integ = INTEG_SHA256_128,
                                        .proto = SADB_ESP,
                                        .mode = SADB_TUNNEL,
                                        .n_ts = 1,
                                        .ts = {g->cfg.sel}};
    for (int i = 0; i < 2; i++) {
        g->keys.encr[i] = (struct sadb_alg){.id = ENCR_AES_CBC, .key_len = 32};
        g->keys.integ[i] = (struct sadb_alg){.id = INTEG_SHA256_128, .key_len = 32};
    }
    assert_int_equal(control_ike_host.child_alloc(b->c, &g->child), 0);
    assert_int_equal(control_ike_host.child_up(b->c, &g->sa, &g->child, &g->keys, &g->cfg), 0);
}

static void up(struct bench *b, struct guest *g, const char *from, struct selector s)
{
    assert_int_equal(offer(b, g, from, s), 0);
    raise_child(b, g);
    settle(b);
}

static void down(struct bench *b, const struct guest *g)
{
    control_ike_host.child_down(b->c, &g->sa, &g->child, IKE_R_PEER_DELETE);
    settle(b);
}

/* How the crypto table leads to this prefix; -1: it does not know it. */
static int way_to(const struct bench *b, const char *net, unsigned len)
{
    struct prefix p = pfx(net, len);
    for (size_t i = 0; i < b->c->world.n_route; i++) {
        const struct world_route *r = &b->c->world.route[i];
        if (!r->gone && r->r.table == TANDEM_RT_TABLE && r->r.metric == 1 &&
            prefix_cmp(&r->r.dst, &p) == 0)
            return r->r.type;
    }
    return -1;
}

static const struct selector *line(const struct bench *b, size_t i)
{
    assert_true(i < b->c->shadow[1].n_spd);
    assert_int_equal(b->c->shadow[1].spd[i].action, SPD_PROTECT);
    assert_true(b->c->shadow[1].spd[i].accept_only);
    return &b->c->shadow[1].spd[i].sel;
}

static void assert_sel(const struct selector *a, struct selector b)
{
    assert_int_equal(selector_cmp(a, &b), 0);
}

static void a_peer_brings_its_network(void **state)
{
    struct bench *b = bench_seed(state);
    struct selector s = sel("10.10.10.0", 24, "172.16.5.0", 24);
    struct guest g;
    apply(b, true);
    assert_int_equal(b->c->ids.n, 0);
    assert_int_equal(offer(b, &g, "203.0.113.1", s), 0);
    assert_sel(&g.cfg.sel, s);
    assert_int_equal(g.cfg.map_seq, 1);
    settle(b);
    assert_int_equal(b->c->shadow[1].n_spd, 0); /* there is no SA yet */
    assert_int_equal(way_to(b, "172.16.5.0", 24), -1);
    raise_child(b, &g);
    assert_true(b->c->outbox.held); /* our answer waits for the routes */
    settle(b);
    assert_false(b->c->outbox.held);
    assert_int_equal(b->c->shadow[1].n_spd, 1);
    assert_sel(line(b, 0), s);
    assert_int_equal(b->c->shadow[1].spd[0].policy, g.cfg.policy);
    assert_int_equal(way_to(b, "172.16.5.0", 24), RT_UNICAST);
    down(b, &g);
    assert_int_equal(b->c->ids.n, 0);
    assert_int_equal(b->c->shadow[1].n_spd, 0);
    assert_int_equal(way_to(b, "172.16.5.0", 24), -1);
}

static void each_has_its_own(void **state)
{
    struct bench *b = bench_seed(state);
    struct guest wide, narrow, same;
    apply(b, true);
    up(b, &wide, "203.0.113.1", sel("10.10.10.0", 24, "172.16.0.0", 16));
    up(b, &narrow, "198.51.100.1", sel("10.10.10.0", 24, "172.16.5.0", 24));
    assert_int_not_equal(wide.cfg.policy, narrow.cfg.policy);
    assert_int_equal(b->c->shadow[1].n_spd, 2);
    assert_sel(line(b, 0), narrow.cfg.sel); /* a wide one takes nothing from it */
    assert_sel(line(b, 1), wide.cfg.sel);
    up(b, &same, "203.0.113.9", narrow.cfg.sel); /* who comes last has it */
    assert_int_equal(same.cfg.policy, narrow.cfg.policy);
    assert_int_equal(identity_by_policy(&b->c->ids, same.cfg.policy)->sa_in, same.child.sa_in);
    down(b, &narrow);
    assert_int_equal(b->c->shadow[1].n_spd, 2);
    down(b, &same);
    assert_int_equal(b->c->shadow[1].n_spd, 1);
}

static void an_offer_alone_goes(void **state)
{
    struct bench *b = bench_seed(state);
    struct guest g;
    apply(b, true);
    assert_int_equal(offer(b, &g, "203.0.113.1", sel("10.10.10.0", 24, "172.16.5.0", 24)), 0);
    pass(b, 59);
    control_reconcile(b->c);
    assert_int_equal(b->c->ids.n, 1);
    pass(b, 2);
    control_reconcile(b->c);
    assert_int_equal(b->c->ids.n, 0);
}

/* A list says what peers may bring, and is protected with nobody there. */
static void with_a_list(void **state)
{
    struct bench *b = bench_seed(state);
    struct guest g;
    apply(b, false); /* 10.10.10.0/24 to 192.168.10.0/24 */
    assert_int_equal(b->c->shadow[1].n_spd, 1);
    assert_int_equal(offer(b, &g, "203.0.113.1", sel("10.10.10.0", 24, "172.16.5.0", 24)), -ENOENT);
    up(b, &g, "203.0.113.1", sel("10.10.0.0", 16, "192.168.10.0", 26));
    assert_sel(&g.cfg.sel, sel("10.10.10.0", 24, "192.168.10.0", 26));
    assert_int_equal(b->c->shadow[1].n_spd, 2);
    assert_sel(line(b, 0), g.cfg.sel);
    assert_sel(line(b, 1), sel("10.10.10.0", 24, "192.168.10.0", 24));
    struct guest whole; /* exactly the line */
    up(b, &whole, "203.0.113.2", sel("10.10.10.0", 24, "192.168.10.0", 24));
    assert_int_not_equal(whole.cfg.policy, b->c->shadow[1].spd[2].policy);
    assert_int_equal(b->c->shadow[1].n_spd, 3);
}

static void a_changed_configuration(void **state)
{
    struct bench *b = bench_seed(state);
    struct guest in, out;
    apply(b, true);
    up(b, &in, "203.0.113.1", sel("10.10.10.0", 24, "192.168.10.0", 26));
    up(b, &out, "203.0.113.1", sel("10.10.10.0", 24, "172.16.5.0", 24));
    apply(b, true);
    assert_int_equal(b->c->shadow[1].n_spd, 2);
    apply(b, false); /* now there is a list, which permits one of them */
    assert_non_null(identity_by_policy(&b->c->ids, in.cfg.policy));
    assert_null(identity_by_policy(&b->c->ids, out.cfg.policy));
    assert_int_equal(way_to(b, "172.16.5.0", 24), -1);
    struct wish w = seed_wish();
    wish_apply(b, &w); /* not a template any more */
    assert_null(identity_by_policy(&b->c->ids, in.cfg.policy));
    assert_int_equal(b->c->ids.n_dynamic, 0);
}

static void only_of_its_profile(void **state)
{
    struct bench *b = bench_seed(state);
    struct selector s = sel("10.10.10.0", 24, "172.16.5.0", 24);
    struct wish w = seed_wish();
    struct guest g;
    w.templ = w.open = true;
    w.profile = "P";
    wish_apply(b, &w);
    assert_int_equal(offer(b, &g, "203.0.113.1", s), 0); /* its key is of no profile */
    b->c->intent.peer[0].profile = "Q";
    assert_int_equal(offer(b, &g, "203.0.113.1", s), -ENOENT);
    b->c->intent.peer[0].profile = "P";
    assert_int_equal(offer(b, &g, "203.0.113.1", s), 0);
    assert_int_equal(offer(b, &g, "203.0.113.77", s), -ENOENT); /* there is no key at all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_peer_brings_its_network, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(each_has_its_own, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(an_offer_alone_goes, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(with_a_list, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(a_changed_configuration, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(only_of_its_profile, bench_up, bench_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
