/* Tunnels: SAs into the datapath, and what ends them. */
#include "bench.h"

static void removing_the_line_ends_the_walk(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    acquire(b, policy_of(b));
    w.lines = 0;
    wish_apply(b, &w);
    assert_int_equal(b->c->ids.n, 0);
    pass(b, 400); /* what IKE still reports about it falls on nobody */
    assert_int_equal(TOLD(b, SADB_ACQUIRE_FAILED), 0);
}

/* --- SAs
 * ------------------------------------------------------------------------------------------ */

struct pair {
    struct ike_sa_state sa;
    struct ike_child_state child;
    struct ike_child_cfg cfg;
    struct ike_child_keys keys;
};

static void make_child(struct bench *b, struct pair *p)
{
    memset(p, 0, sizeof(*p));
    p->sa.version = IKE_V2;
    p->sa.path = (struct ike_path){.local = adr("192.0.2.1"),
                                   .remote = adr("203.0.113.1"),
                                   .lport = 500,
                                   .rport = 500};
    tunnel_child_cfg(b->c->ids.by_policy[0], IKE_V2, &p->cfg);
    p->child = (struct ike_child_state){.policy = policy_of(b),
                                        .ifid = 1,
                                        .spi_in = 0x1001,
                                        .spi_out = 0x2002,
                                        .encr = ENCR_AES_CBC,
                                        .encr_bits = 256,
                                        .integ = INTEG_SHA256_128,
                                        .proto = SADB_ESP,
                                        .mode = SADB_TUNNEL,
                                        .life_kbytes = 1000,
                                        .n_ts = 1,
                                        .ts = {p->cfg.sel}};
    for (int i = 0; i < 2; i++) {
        p->keys.encr[i] = (struct sadb_alg){.id = ENCR_AES_CBC, .key_len = 32};
        p->keys.integ[i] = (struct sadb_alg){.id = INTEG_SHA256_128, .key_len = 32};
        memset(p->keys.encr[i].key, 0x10 + i, 32);
        memset(p->keys.integ[i].key, 0x20 + i, 32);
    }
    assert_int_equal(control_ike_host.child_alloc(b->c, &p->child), 0);
}

static int raise_child(struct bench *b, struct pair *p)
{
    int err = control_ike_host.child_up(b->c, &p->sa, &p->child, &p->keys, &p->cfg);
    settle(b);
    return err;
}

/* The n-th message of this type. */
static const struct frame *nth(struct bench *b, uint16_t type, unsigned n)
{
    size_t i = 0;
    while (i < b->n_told && (b->told[i].type != type || n-- > 0))
        i++;
    assert_true(i < b->n_told);
    return &b->told[i];
}

static void keys_line(void *ctx, const char *line)
{
    if (strstr(line, "0x00002002"))
        str_copy((char *)ctx, 512, line);
}

static void inbound_before_outbound(void **state)
{
    struct bench *b = bench_seed(state);
    struct pair p;
    struct sadb_sa in, out;
    char line[512] = "";
    make_child(b, &p);
    assert_true(p.child.sa_in && p.child.sa_out && p.child.sa_in != p.child.sa_out);
    assert_int_not_equal(p.child.slot_in, p.child.slot_out);
    assert_int_equal(raise_child(b, &p), 0);
    assert_int_equal(TOLD(b, SADB_ADD), 2);
    memcpy(&in, nth(b, SADB_ADD, 0)->data, sizeof(in));
    memcpy(&out, nth(b, SADB_ADD, 1)->data, sizeof(out));
    assert_int_equal(in.dir, SADB_IN);
    assert_int_equal(in.spi, 0x1001);
    assert_int_equal(in.encr.key[0], 0x10);
    assert_int_equal(in.sa, p.child.sa_in);
    assert_int_equal(out.dir, SADB_OUT);
    assert_int_equal(out.spi, 0x2002);
    assert_int_equal(out.integ.key[0], 0x21);
    assert_int_equal(out.policy, policy_of(b));
    assert_int_equal(out.hard_bytes, 1024000);
    assert_int_equal(out.soft_bytes, 998400); /* as responder: later than the initiator */
    assert_int_equal(out.seq_first, 1);
    assert_int_equal(in.replay_window, 64);
    assert_int_equal(in.flags, 0);
    query_lab_keys(b->c, keys_line, line);
    assert_string_equal(line, "esp \"IPv4\",\"192.0.2.1\",\"203.0.113.1\",\"0x00002002\","
                              "\"AES-CBC [RFC3602]\",\"0x1111111111111111111111111111111111111111"
                              "111111111111111111111111\",\"HMAC-SHA-256-128 [RFC4868]\",\"0x2121"
                              "212121212121212121212121212121212121212121212121212121212121\"");

    control_ike_host.child_down(b->c, &p.sa, &p.child, IKE_R_PEER_DELETE);
    settle(b);
    assert_int_equal(TOLD(b, SADB_DELETE), 2);
    struct pair q; /* slots are taken again, handles never */
    make_child(b, &q);
    assert_int_equal(q.child.slot_in, p.child.slot_in);
    assert_true(q.child.sa_in > p.child.sa_out);
}

/* A child replaced: ours is sent on at once, the peer's when the old one goes. */
static void replaced(void **state)
{
    struct bench *b = bench_seed(state);
    struct pair p, q;
    struct sadb_sa out;
    struct ike_child_cfg cfg;
    make_child(b, &p);
    p.child.initiator = true;
    assert_int_equal(raise_child(b, &p), 0);
    memcpy(&out, nth(b, SADB_ADD, 1)->data, sizeof(out));
    assert_in_range(out.soft_bytes, 1024000 * 0.925, 1024000 * 0.95);
    assert_int_equal(control_ike_host.child_cfg(b->c, &p.sa, &p.child, &cfg), 0);
    assert_int_equal(cfg.policy, policy_of(b));
    for (int initiator = 0; initiator < 2; initiator++) {
        unsigned adds = TOLD(b, SADB_ADD), deletes = TOLD(b, SADB_DELETE);
        make_child(b, &q);
        q.child.initiator = initiator;
        q.child.replaces = p.child.spi_in;
        q.child.spi_in += 1 + (unsigned)initiator;
        assert_int_equal(raise_child(b, &q), 0);
        memcpy(&out, nth(b, SADB_ADD, adds)->data, sizeof(out));
        assert_int_equal(out.flags & SADB_F_STANDBY, 0);
        memcpy(&out, nth(b, SADB_ADD, adds + 1)->data, sizeof(out));
        assert_int_equal(out.flags & SADB_F_STANDBY, initiator ? 0 : SADB_F_STANDBY);
        assert_int_equal(b->c->ids.by_policy[0]->sa_in, q.child.sa_in);
        if (initiator) {
            struct sadb_delete d;
            control_ike_host.child_retired(b->c, &p.sa, &p.child);
            settle(b);
            assert_int_equal(TOLD(b, SADB_DELETE), deletes + 1);
            memcpy(&d, nth(b, SADB_DELETE, deletes)->data, sizeof(d));
            assert_int_equal(d.sa, p.child.sa_out);
            p.child.leaving = IKE_LEFT;
        }
        control_ike_host.child_down(b->c, &p.sa, &p.child, IKE_R_REKEYED);
        settle(b);
        /* it receives a little longer: its last packets may be behind the delete */
        assert_int_equal(TOLD(b, SADB_DELETE), deletes + 1);
        pass(b, 3);
        assert_int_equal(TOLD(b, SADB_DELETE), deletes + 2);
        assert_int_equal(b->c->ids.by_policy[0]->sa_in, q.child.sa_in);
        p = q;
    }
    p.child.policy = 9999;
    assert_int_equal(control_ike_host.child_cfg(b->c, &p.sa, &p.child, &cfg), -ENOENT);
}

static void nat_and_no_replay(void **state)
{
    struct bench *b = bench_seed(state);
    struct pair p;
    struct sadb_sa in;
    make_child(b, &p);
    p.child.udp = true;
    p.sa.nat_local = true;
    p.sa.path.lport = p.sa.path.rport = 4500;
    p.cfg.replay_window = 0;
    assert_int_equal(raise_child(b, &p), 0);
    memcpy(&in, nth(b, SADB_ADD, 0)->data, sizeof(in));
    assert_int_equal(in.flags, SADB_F_UDP | SADB_F_NOREPLAY);
    assert_int_equal(in.remote_port, 4500);
    memcpy(&in, nth(b, SADB_ADD, 1)->data, sizeof(in)); /* we are behind the NAT */
    assert_int_equal(in.flags, SADB_F_UDP | SADB_F_NOREPLAY | SADB_F_KEEPALIVE);
    uint8_t msg[3] = {1, 2, 3};
    assert_int_equal(control_ike_host.send(b->c, &p.sa.path, msg, 3), 0);
    settle(b);
    const struct frame *f = nth(b, SADB_IKE_SEND, 0);
    assert_int_equal(f->len, sizeof(struct sadb_ike) + 3);
    p.sa.path.lport = 500; /* there is no socket for that in here */
    assert_int_equal(control_ike_host.send(b->c, &p.sa.path, msg, 3), -ENOTCONN);
}

/* The peer may send ESP as soon as it has our answer: the SA must be there by then. */
static void answers_wait_for_the_datapath(void **state)
{
    struct bench *b = bench_seed(state);
    struct pair p;
    uint8_t first = 1, second = 2, third = 3;
    make_child(b, &p);
    p.sa.path.lport = p.sa.path.rport = 4500; /* by the datapath, where the test can see it */
    assert_int_equal(control_ike_host.child_up(b->c, &p.sa, &p.child, &p.keys, &p.cfg), 0);
    control_ike_host.send(b->c, &p.sa.path, &first, 1);
    control_ike_host.send(b->c, &p.sa.path, &second, 1);
    assert_int_equal(b->c->outbox.asked - b->c->outbox.answered, 2);
    while (b->c->outbox.asked > b->c->outbox.answered) {
        assert_int_equal(TOLD(b, SADB_IKE_SEND), 0);
        event_base_loop(b->base, EVLOOP_ONCE);
    }
    control_ike_host.send(b->c, &p.sa.path, &third, 1); /* nothing to wait for */
    settle(b);
    assert_int_equal(TOLD(b, SADB_IKE_SEND), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(nth(b, SADB_IKE_SEND, i)->data[sizeof(struct sadb_ike)], i + 1);

    make_child(b, &p);
    p.sa.path.lport = p.sa.path.rport = 4500;
    control_ike_host.child_up(b->c, &p.sa, &p.child, &p.keys, &p.cfg);
    control_ike_host.send(b->c, &p.sa.path, &first, 1);
    forget_frames(b);
    bench_datapath(b); /* the one that was asked is gone: nobody will answer */
    settle(b);
    assert_true(b->c->outbox.asked == b->c->outbox.answered);
    assert_null(b->c->outbox.head);

    outbox_added(b->c); /* what is asked later holds nobody up */
    control_ike_host.send(b->c, &p.sa.path, &second, 1);
    outbox_added(b->c);
    control_ike_host.send(b->c, &p.sa.path, &third, 1);
    outbox_acked(b->c);
    assert_int_equal(b->c->outbox.bytes, 1);
    outbox_acked(b->c);
    assert_null(b->c->outbox.head);
}

static void a_child_without_its_line(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    struct pair p;
    make_child(b, &p);
    w.lines = 0;
    wish_apply(b, &w);
    assert_int_equal(raise_child(b, &p), -ENOENT);
    assert_int_equal(TOLD(b, SADB_ADD), 0);
}

static void the_walk_ends_with_a_child(void **state)
{
    struct bench *b = bench_seed(state);
    struct pair p;
    acquire(b, policy_of(b));
    make_child(b, &p);
    raise_child(b, &p); /* the peer was faster than we */
    assert_false(b->c->ids.by_policy[0]->walking);
    pass(b, 300);
    assert_int_equal(TOLD(b, SADB_ACQUIRE_FAILED), 0);
}

/* --- what ends SAs
 * ----------------------------------------------------------------------------------- */

static void changes_end_the_talk(void **state)
{
    static const struct wish base = {.outside = "192.0.2.1",
                                     .psk = "cisco",
                                     .peers = 2,
                                     .lines = 1,
                                     .ikev2 = true,
                                     .map = true,
                                     .proposal = true};
    struct bench *b = bench_seed(state);
    struct wish change[7];
    for (size_t i = 0; i < 7; i++)
        change[i] = base;
    change[0].psk = "other";
    change[1].psk = NULL;
    change[2].peers = 0;
    change[3].map = false;
    change[4].ikev2 = false;
    change[5].outside = "192.0.2.7";
    change[6].shutdown = true;
    for (size_t i = 0; i < 7; i++) {
        wish_apply(b, &base);
        pass(b, 3);
        acquire(b, b->c->ids.by_policy[b->c->ids.n - 1]->policy);
        assert_string_equal(talking_to(b), "203.0.113.1");
        wish_apply(b, &change[i]);
        if (i == 0) /* another key: on to the next peer, as after any failure */
            assert_string_equal(talking_to(b), "198.51.100.1");
        else
            assert_string_equal(talking_to(b), "");
        pass(b, 300);
    }
}

static void unrelated_changes_leave_it(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    const struct ike_sa_state *before = NULL, *after = NULL;
    acquire(b, policy_of(b));
    query_ike_sas(b->c, first_sa, &before);
    uint64_t spi = before->spi_i;
    w.lines = 4;
    w.deny_first = true;
    wish_apply(b, &w);
    query_ike_sas(b->c, first_sa, &after);
    assert_non_null(after);
    assert_true(after->spi_i == spi);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_up, bench_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(removing_the_line_ends_the_walk),
        T(inbound_before_outbound),
        T(replaced),
        T(nat_and_no_replay),
        T(answers_wait_for_the_datapath),
        T(a_child_without_its_line),
        T(the_walk_ends_with_a_child),
        T(changes_end_the_talk),
        T(unrelated_changes_leave_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
