/* Policy order, deny lines, the flow cache, and the bounds of the queues. */
#include <stdio.h>
#include "support.h"
#include "dataplane/spd.h"
#include <errno.h>
#include <netinet/in.h>

struct box {
    struct spd_table t;
    struct policies ps;
};

static struct sadb_spd_entry line(uint8_t action, uint32_t map_seq, uint32_t policy,
                                  struct selector s)
{
    return (struct sadb_spd_entry){
        .policy = policy, .map_seq = map_seq, .action = action, .slot = SADB_NO_SLOT, .sel = s};
}

static struct flow flow(const char *local, const char *remote, uint8_t proto, uint16_t rport)
{
    struct flow f;
    memset(&f, 0, sizeof f);
    f.local = ip4(local);
    f.remote = ip4(remote);
    f.proto = proto;
    f.lport = 40000;
    f.rport = rport;
    return f;
}

static void set(struct box *b, uint32_t ifid, const struct sadb_spd_entry *e, uint32_t n)
{
    assert_int_equal(spd_collect(&b->t, ifid, e, n), 0);
    assert_int_equal(spd_commit(&b->t, &b->ps, ifid), 0);
}

static void done(struct box *b)
{
    spd_forget_pending(&b->t);
    spd_flush(&b->t, &b->ps, 0);
    assert_int_equal(b->ps.n, 0);
    assert_int_equal(b->ps.queued_bytes, 0);
    assert_null(b->t.list);
    free(b);
}

static struct box *box_new(void)
{
    struct box *b = calloc(1, sizeof *b);
    assert_non_null(b);
    return b;
}

/* 0: in clear */
static uint32_t wanted(struct box *b, uint32_t ifid, struct flow f)
{
    struct policy *p = spd_lookup(spd_find(&b->t, ifid), &f);
    struct policy *again = spd_lookup(spd_find(&b->t, ifid), &f); /* from the cache */
    assert_ptr_equal(p, again);
    return p ? p->id : 0;
}

static void test_order_and_skip(void **state)
{
    (void)state;
    struct box *b = box_new();
    struct sadb_spd_entry e[] = {
        /* entry 10: deny one host, permit its network */
        line(SPD_SKIP, 10, 0, sel("10.1.0.5", 32, "10.9.0.0", 16, 0)),
        line(SPD_PROTECT, 10, 101, sel("10.1.0.0", 16, "10.9.0.0", 16, 0)),
        line(SPD_PROTECT, 10, 102, sel("10.1.0.5", 32, "10.9.0.0", 16, 0)),
        /* entry 20 takes what 10 denied, but not its telnet */
        line(SPD_SKIP, 20, 0, sel("10.1.0.0", 16, "10.9.0.0", 16, IPPROTO_TCP)),
        line(SPD_PROTECT, 20, 201, sel("10.1.0.5", 32, "10.9.0.0", 16, 0)),
        line(SPD_PROTECT, 30, 301, sel("10.0.0.0", 8, "10.9.9.9", 32, IPPROTO_TCP)),
    };
    e[3].sel.rport[0] = e[3].sel.rport[1] = 23;
    set(b, 1, e, 6);
    assert_int_equal(wanted(b, 1, flow("10.1.0.6", "10.9.1.1", IPPROTO_UDP, 53)), 101);
    assert_int_equal(wanted(b, 1, flow("10.1.0.5", "10.9.1.1", IPPROTO_UDP, 53)), 201);
    assert_int_equal(wanted(b, 1, flow("10.1.0.5", "10.9.1.1", IPPROTO_TCP, 22)), 201);
    assert_int_equal(wanted(b, 1, flow("10.1.0.5", "10.9.1.1", IPPROTO_TCP, 23)), 0);
    assert_int_equal(wanted(b, 1, flow("10.1.0.5", "10.9.9.9", IPPROTO_TCP, 23)), 301);
    assert_int_equal(wanted(b, 1, flow("10.2.0.5", "10.8.0.1", IPPROTO_TCP, 23)), 0);
    /* a later fragment passes the deny that asks for a port: it is protected */
    struct flow f = flow("10.1.0.5", "10.9.1.1", IPPROTO_TCP, 0);
    f.lport = 0;
    f.flags = FLOW_NO_PORTS;
    assert_int_equal(wanted(b, 1, f), 201);
    done(b);
}

static void test_replacing(void **state)
{
    (void)state;
    struct box *b = box_new();
    struct sadb_spd_entry e = line(SPD_PROTECT, 10, 1, sel("10.1.0.0", 16, "10.9.0.0", 16, 0));
    struct flow f = flow("10.1.0.1", "10.9.0.1", 1, 0);
    set(b, 1, &e, 1);
    set(b, 2, &e, 0); /* an interface with an empty map */
    assert_int_equal(wanted(b, 1, f), 1);
    assert_int_equal(wanted(b, 2, f), 0);
    assert_null(spd_find(&b->t, 3));
    struct policy *p = policy_find(&b->ps, 1);
    struct pktvec *v = pktvec_new();
    v->p[0].len = make_ip4(v->p[0].data, "10.1.0.1", "10.9.0.1", 1, 8, 0, 84);
    assert_int_equal(queue_push(&b->ps, p, &v->p[0], 0), PKT_OK);
    set(b, 1, &e, 1); /* the same policy keeps what waits */
    assert_ptr_equal(policy_find(&b->ps, 1), p);
    assert_int_equal(p->n, 1);
    e.policy = 2;
    set(b, 1, &e, 1);
    assert_null(policy_find(&b->ps, 1));
    assert_int_equal(b->ps.queued_bytes, 0);
    assert_int_equal(wanted(b, 1, f), 2);
    /* one policy in two interfaces is refused, and all stays as it was */
    e.sel = sel("10.3.0.0", 16, "10.9.0.0", 16, 0);
    assert_int_equal(spd_collect(&b->t, 2, &e, 1), 0);
    assert_int_equal(spd_commit(&b->t, &b->ps, 2), -EINVAL);
    assert_int_equal(wanted(b, 1, f), 2);
    assert_int_equal(wanted(b, 2, f), 0);
    assert_int_equal(b->ps.n, 1);
    pktvec_free(v);
    done(b);
}

static void test_bad_entries(void **state)
{
    (void)state;
    struct box *b = box_new();
    struct sadb_spd_entry good = line(SPD_PROTECT, 10, 1, sel("10.1.0.0", 16, "10.9.0.0", 16, 0));
    struct sadb_spd_entry bad[6];
    for (int i = 0; i < 6; i++)
        bad[i] = good;
    bad[0].action = 9;
    bad[1].sel.local.hi.family = AF_INET6;
    bad[2].sel.remote.lo.family = 77;
    bad[3].sel.local.lo = ip4("11.0.0.0"); /* above hi */
    bad[4].sel.remote.hi.family = 0;
    bad[5].map_seq = 9; /* out of order */
    for (int i = 0; i < 6; i++) {
        assert_int_equal(spd_collect(&b->t, 1, &good, 1), 0);
        assert_int_equal(spd_collect(&b->t, 1, &bad[i], 1), -EINVAL);
        assert_int_equal(b->t.pending.n, 0);
    }
    struct sadb_spd_entry *many = calloc(4096, sizeof *many);
    for (int i = 0; i < 4096; i++)
        many[i] = good;
    int err = 0;
    uint32_t frames = 0;
    for (; !err && frames < 100; frames++)
        err = spd_collect(&b->t, 1, many, 4096);
    assert_int_equal(err, -ENOSPC);
    assert_int_equal(frames, SPD_ENTRIES_MAX / 4096 + 1);
    assert_int_equal(b->t.pending.n, 0);
    assert_int_equal(spd_collect(&b->t, 1, &good, UINT32_MAX), -ENOSPC);
    free(many);
    for (uint32_t i = 1; i <= SPD_INTERFACES; i++)
        set(b, i, &good, 0);
    assert_int_equal(spd_commit(&b->t, &b->ps, SPD_INTERFACES + 1), -ENOSPC);
    done(b);
}

/* Against a walk without a cache, with more flows than the cache has room for. */
static void test_cache(void **state)
{
    (void)state;
    struct box *b = box_new();
    struct sadb_spd_entry e[64];
    uint64_t seed = 11;
    for (uint32_t i = 0; i < 64; i++) {
        char l[32];
        snprintf(l, sizeof l, "10.%u.0.0", i);
        e[i] = line(i % 5 == 4 ? SPD_SKIP : SPD_PROTECT, i / 3, 1000 + i,
                    sel(l, 16, "10.200.0.0", 16, 0));
    }
    set(b, 1, e, 64);
    for (int i = 0; i < 20000; i++) {
        unsigned net = rnd(&seed) % 70;
        char l[32];
        snprintf(l, sizeof l, "10.%u.0.%u", net, rnd(&seed) % 50);
        struct flow f = flow(l, "10.200.3.3", 17, (uint16_t)(rnd(&seed) % 3));
        uint32_t want = net < 64 && net % 5 != 4 ? 1000 + net : 0;
        assert_int_equal(wanted(b, 1, f), want);
    }
    done(b);
}

static void test_queue_bounds(void **state)
{
    (void)state;
    struct box *b = box_new();
    struct pktvec *v = pktvec_new();
    struct pkt *k = &v->p[0];
    struct policy *p = policy_get(&b->ps, 1, 1);
    for (uint32_t i = 0; i < QUEUE_PACKETS + 10; i++) {
        k->len = make_ip4(k->data, "10.1.0.1", "10.9.0.1", 17, (uint16_t)i, 0, 100);
        uint8_t want = i < QUEUE_PACKETS ? PKT_OK : DP_QUEUE_FULL;
        assert_int_equal(queue_push(&b->ps, p, k, i), want);
    }
    /* the first ones were kept, in order */
    for (uint32_t i = 0; i < QUEUE_PACKETS; i++) {
        struct queued *q = queue_pop(&b->ps, p);
        assert_int_equal(q->data[21], i);
        free(q);
    }
    assert_null(queue_pop(&b->ps, p));
    assert_int_equal(b->ps.queued_bytes, 0);
    /* all queues together */
    k->len = 60000;
    unsigned full = 0;
    for (uint32_t i = 0; i < 300; i++)
        full += queue_push(&b->ps, policy_get(&b->ps, 1 + i % 100, 1), k, 0) != PKT_OK;
    assert_true(full > 100);
    assert_true(b->ps.queued_bytes <= QUEUE_TOTAL_BYTES);
    policies_sweep(&b->ps, 0, UINT32_MAX);
    assert_int_equal(b->ps.queued_bytes, 0);
    pktvec_free(v);
    done(b);
}

static void test_queue_age(void **state)
{
    (void)state;
    struct box *b = box_new();
    struct pktvec *v = pktvec_new();
    struct policy *p = policy_get(&b->ps, 1, 1);
    v->p[0].len = 100;
    for (int i = 0; i < 10; i++)
        queue_push(&b->ps, p, &v->p[0], i * USEC_PER_SEC);
    assert_int_equal(queue_expire(&b->ps, p, QUEUE_MAX_AGE - 1), 0);
    assert_int_equal(queue_expire(&b->ps, p, QUEUE_MAX_AGE + 3 * USEC_PER_SEC), 4);
    assert_int_equal(p->n, 6);
    assert_int_equal(queue_clear(&b->ps, p), 6);
    assert_true(policy_may_acquire(p, 5));
    assert_false(policy_may_acquire(p, 6));
    assert_true(policy_may_acquire(p, 5 + ACQUIRE_INTERVAL));
    p->accept_only = true;
    assert_false(policy_may_acquire(p, 100 * USEC_PER_SEC));
    policies_sweep(&b->ps, 0, UINT32_MAX);
    pktvec_free(v);
    done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_skip), cmocka_unit_test(test_replacing),
        cmocka_unit_test(test_bad_entries),    cmocka_unit_test(test_cache),
        cmocka_unit_test(test_queue_bounds),   cmocka_unit_test(test_queue_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
