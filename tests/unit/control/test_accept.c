/* The responder's choice among map entries, and maps as policy lines. */
#include "bench.h"
#include "control/crypto/spd.h"

struct offer {
    struct ike_sa_state sa;
    struct selector v[8];
    size_t n;
    struct ike_child_cfg cfg;
};

static struct offer offer_of(struct selector s)
{
    struct offer o = {.v = {s}, .n = 1};
    o.sa.path = (struct ike_path){.local = adr("192.0.2.1"),
                                  .remote = adr("203.0.113.1"),
                                  .lport = 500,
                                  .rport = 500};
    return o;
}

static int ask(struct bench *b, struct offer *o)
{
    memset(&o->cfg, 0, sizeof(o->cfg));
    return control_ike_host.accept_child(b->c, &o->sa, o->v, o->n, &o->cfg);
}

static void assert_sel(const struct selector *a, struct selector b)
{
    assert_int_equal(selector_cmp(a, &b), 0);
}

static void the_mirror_image(void **state)
{
    struct bench *b = bench_seed(state);
    struct offer o = offer_of(sel("10.10.10.0", 24, "192.168.10.0", 24));
    assert_int_equal(ask(b, &o), 0);
    assert_sel(&o.cfg.sel, sel("10.10.10.0", 24, "192.168.10.0", 24));
    assert_int_equal(o.cfg.ifid, 1);
    assert_int_equal(o.cfg.policy, b->c->ids.by_policy[0]->policy);
    assert_string_equal(o.cfg.map, "MAP-2");
    assert_int_equal(o.cfg.n_proposal, 1);
    assert_int_equal(o.cfg.replay_window, 64);
    assert_int_equal(o.cfg.life_seconds, 28800);
}

static void narrowing(void **state)
{
    struct bench *b = bench_seed(state);
    struct offer o = offer_of(sel("0.0.0.0", 0, "0.0.0.0", 0)); /* more than we want */
    assert_int_equal(ask(b, &o), 0);
    assert_sel(&o.cfg.sel, sel("10.10.10.0", 24, "192.168.10.0", 24));
    o = offer_of(sel("10.10.10.7", 32, "192.168.10.0", 26)); /* less */
    assert_int_equal(ask(b, &o), 0);
    assert_sel(&o.cfg.sel, sel("10.10.10.7", 32, "192.168.10.0", 26));
    o = offer_of(sel("10.10.10.0", 24, "192.168.0.0", 16)); /* less here, more there */
    o.v[0].local.hi = adr("10.10.10.127");
    assert_int_equal(ask(b, &o), 0);
    struct selector half = sel("10.10.10.0", 25, "192.168.10.0", 24);
    assert_sel(&o.cfg.sel, half);
    o.v[0].proto = 6;
    o.v[0].rport[0] = o.v[0].rport[1] = 80;
    assert_int_equal(ask(b, &o), 0);
    assert_int_equal(o.cfg.sel.proto, 6);
    assert_int_equal(o.cfg.sel.rport[1], 80);
    o = offer_of(sel("10.10.11.0", 24, "192.168.10.0", 24));
    assert_int_equal(ask(b, &o), -ENOENT);
}

static void narrowing_ports(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    struct offer o = offer_of(sel("10.10.10.0", 24, "192.168.10.0", 24));
    w.port = 1000;
    wish_apply(b, &w);
    o.v[0].rport[0] = 990;
    o.v[0].rport[1] = 1004;
    assert_int_equal(ask(b, &o), 0);
    assert_int_equal(o.cfg.sel.proto, 6);
    assert_int_equal(o.cfg.sel.rport[0], 1000);
    assert_int_equal(o.cfg.sel.rport[1], 1004);
    o.v[0].rport[0] = 1003;
    o.v[0].rport[1] = 2000;
    assert_int_equal(ask(b, &o), 0);
    assert_int_equal(o.cfg.sel.rport[0], 1003);
    assert_int_equal(o.cfg.sel.rport[1], 1010);
    o.v[0].rport[0] = 990;
    o.v[0].rport[1] = 999;
    assert_int_equal(ask(b, &o), -ENOENT);
    o.v[0].rport[1] = 1004;
    o.v[0].proto = 17;
    assert_int_equal(ask(b, &o), -ENOENT);
}

static void the_packet_that_asked(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    w.lines = 3;
    wish_apply(b, &w);
    struct offer o = offer_of(sel("10.10.10.5", 32, "192.168.11.9", 32));
    o.v[1] = sel("10.10.10.0", 24, "192.168.0.0", 16); /* overlaps every line; one has the packet */
    o.n = 2;
    assert_int_equal(ask(b, &o), 0);
    assert_sel(&o.cfg.sel, sel("10.10.10.0", 24, "192.168.11.0", 24));
    o.v[0] = sel("10.10.10.5", 32, "192.168.99.9", 32);
    assert_int_equal(ask(b, &o), -ENOENT);
}

static void the_best_line(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    w.lines = 3;
    wish_apply(b, &w);
    struct offer o = offer_of(sel("10.10.10.0", 24, "192.168.12.0", 24));
    assert_int_equal(ask(b, &o), 0);
    assert_sel(&o.cfg.sel, o.v[0]);
    assert_int_equal(o.cfg.policy, b->c->ids.by_policy[2]->policy);
}

/* IKEv1 agrees on what was offered or on nothing: a line that is less than that does not count, be
 * it before one that is enough. */
static void ikev1_does_not_narrow(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    w.ikev1 = true;
    wish_apply(b, &w);
    struct offer o = offer_of(sel("10.10.0.0", 16, "192.168.0.0", 16));
    assert_int_equal(ask(b, &o), 0); /* IKEv2 takes the part */
    o.sa.version = IKE_V1;
    assert_int_equal(ask(b, &o), -ENOENT);
    w.any = true; /* behind the line of the seed */
    wish_apply(b, &w);
    assert_int_equal(ask(b, &o), 0);
    assert_sel(&o.cfg.sel, o.v[0]);
    assert_int_equal(o.cfg.policy, b->c->ids.by_policy[1]->policy);
    o.v[0] = sel("10.10.10.7", 32, "192.168.10.0", 26);
    assert_int_equal(ask(b, &o), 0);
    assert_sel(&o.cfg.sel, o.v[0]);
    assert_int_equal(o.cfg.policy, b->c->ids.by_policy[0]->policy);
}

/* It says a range of ports as all: who mirrors the line, too, is understood. */
static void ikev1_widens_ports(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    w.ikev1 = true;
    w.port = 8000; /* to 8010, TCP */
    wish_apply(b, &w);
    struct offer o = offer_of(sel("10.10.10.0", 24, "192.168.10.0", 24));
    o.sa.version = IKE_V1;
    assert_int_equal(ask(b, &o), -ENOENT); /* everything is more than TCP */
    o.v[0].proto = 6;
    assert_int_equal(ask(b, &o), 0);
    assert_sel(&o.cfg.sel, o.v[0]);
    o.sa.version = IKE_V2;
    assert_int_equal(ask(b, &o), 0);
    assert_int_equal(o.cfg.sel.rport[1], 8010);
}

static void denied(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    w.deny_first = true; /* 192.168.10.128/25 */
    wish_apply(b, &w);
    struct offer o = offer_of(sel("10.10.10.0", 24, "192.168.10.192", 26));
    assert_int_equal(ask(b, &o), -ENOENT);
    o = offer_of(sel("10.10.10.0", 24, "192.168.10.0", 24)); /* the deny is for packets, then */
    assert_int_equal(ask(b, &o), 0);
}

static void who_may(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    struct offer o = offer_of(sel("10.10.10.0", 24, "192.168.10.0", 24));
    o.sa.path.remote = adr("198.51.100.1"); /* the second of the list may ask as well */
    assert_int_equal(ask(b, &o), 0);
    o.sa.path.remote = adr("198.51.100.9");
    assert_int_equal(ask(b, &o), -ENOENT);
    o.sa.path.remote = adr("203.0.113.1");
    o.sa.path.local = adr("10.10.10.2"); /* another interface, without a map */
    assert_int_equal(ask(b, &o), -ENOENT);
    o.sa.path.local = adr("192.0.2.1");
    size_t n;
    assert_non_null(control_ike_host.policies(b->c, &o.sa.path.local, &n));
    assert_int_equal(n, 1);
    w.ikev2 = false;
    wish_apply(b, &w);
    assert_int_equal(ask(b, &o), -ENOENT);
    assert_null(control_ike_host.policies(b->c, &o.sa.path.local, &n));
    w.ikev2 = true;
    w.proposal = false;
    wish_apply(b, &w);
    assert_int_equal(ask(b, &o), -ENOENT);
}

static void keys(void **state)
{
    struct bench *b = bench_seed(state);
    struct ike_path p = {.local = adr("192.0.2.1"), .remote = adr("198.51.100.1")};
    struct ike_peer_cfg cfg;
    assert_true(control_ike_host.peer(b->c, &p, NULL, &cfg));
    assert_int_equal(cfg.local_psk_len, 5);
    assert_memory_equal(cfg.local_psk, "cisco", 5);
    p.remote = adr("198.51.100.2");
    assert_false(control_ike_host.peer(b->c, &p, NULL, &cfg));
}

/* --- flattening ---------------------------------------------------------------------------------
 */

static void flatten(void **state)
{
    struct intent_ace a1[] = {{.permit = false,
                               .line = 1,
                               .sel = sel("10.0.0.0", 8, "10.9.0.0", 16)},
                              {.permit = true, .line = 2, .sel = sel("10.0.0.0", 8, "0.0.0.0", 0)},
                              {.permit = true, .line = 3}}; /* nothing: passed over */
    struct intent_ace a2[] = {{.permit = true, .line = 1, .sel = sel("0.0.0.0", 0, "0.0.0.0", 0)}};
    struct intent_acl acl1 = {.n = 3, .ace = a1}, acl2 = {.n = 1, .ace = a2};
    static const struct ike_esp_proposal prop = {.n_encr = 1};
    struct intent_map_entry e[] = {
        {.seq = 5, .acl = &acl1, .n_peer = 1, .n_proposal = 1, .proposal = {&prop}},
        {.seq = 7, .acl = NULL, .n_peer = 1},
        {.seq = 9, .acl = &acl2, .n_peer = 1, .n_proposal = 1, .connection = CONN_ANSWER},
        {.seq = 11, .acl = &acl2, .n_peer = 1, .n_proposal = 0},
    };
    struct intent_map m = {.n = 4, .entry = e};
    struct spd_line *l;
    size_t n;
    (void)state;
    assert_int_equal(spd_flatten(&m, NULL, 0, &l, &n), 0);
    assert_int_equal(n, 4);
    assert_int_equal(l[0].action, SPD_SKIP);
    assert_int_equal(l[0].accept_only, 0);
    assert_int_equal(l[1].action, SPD_PROTECT);
    assert_int_equal(l[1].accept_only, 0);
    assert_int_equal(l[1].entry->seq, 5);
    assert_int_equal(l[2].entry->seq, 9);
    assert_int_equal(l[2].accept_only, 1);
    assert_int_equal(l[3].accept_only, 1);
    free(l);
}

/* --- numbers
 * -------------------------------------------------------------------------------------- */

static void identities(void **state)
{
    enum { N = 400 };
    static struct identities ids;
    struct selector s[N];
    uint32_t policy[N];
    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        char dst[32];
        snprintf(dst, sizeof(dst), "10.%u.%u.0", (i * 37) % 251, i % 250);
        s[i] = sel("172.16.0.0", 12, dst, 24);
        struct identity *id = identity_add(&ids, 1 + i % 3, i % 7, &s[i], 0, 0);
        assert_non_null(id);
        policy[i] = id->policy;
    }
    for (uint32_t i = 0; i < N; i += 2)
        identity_remove(&ids, identity_find(&ids, 1 + i % 3, i % 7, &s[i]));
    assert_int_equal(ids.n, N / 2);
    for (uint32_t i = 0; i < N; i++) {
        const struct identity *a = identity_find(&ids, 1 + i % 3, i % 7, &s[i]);
        const struct identity *p = identity_by_policy(&ids, policy[i]);
        assert_ptr_equal(a, p);
        assert_int_equal(a != NULL, i % 2);
    }
    identities_free(&ids);
}

static void slots_run_out(void **state)
{
    static struct identities ids;
    (void)state;
    for (uint32_t i = 0; i < DPSTATS_SLOTS; i++)
        assert_true(slot_take(&ids) < DPSTATS_SLOTS);
    assert_int_equal(slot_take(&ids), SADB_NO_SLOT);
    slot_give(&ids, SADB_NO_SLOT);
    slot_give(&ids, 77);
    assert_int_equal(slot_take(&ids), 77);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_up, bench_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_mirror_image),
        T(narrowing),
        T(narrowing_ports),
        T(the_packet_that_asked),
        T(the_best_line),
        T(ikev1_does_not_narrow),
        T(ikev1_widens_ports),
        T(denied),
        T(who_may),
        T(keys),
        cmocka_unit_test(flatten),
        cmocka_unit_test(identities),
        cmocka_unit_test(slots_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
