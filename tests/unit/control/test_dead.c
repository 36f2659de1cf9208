/* Peers that are known to be dead, by their probes or by IKE: crypto skip-dead-peers. */
#include "bench.h"
#include <netinet/in.h>

#define MS USEC_PER_MSEC

/* A probe's wire: what is sent comes back while the path is whole. */
struct wire {
    struct bench *b;
    struct sla *real;
    struct dpstats *stats;
    bool whole;
    uint8_t ip[20 + 256];
    size_t len; /* of an answer that is on its way */
};

static int on_send(void *ctx, const struct intent_sla *op, uint32_t key, const uint8_t *msg,
                   size_t len)
{
    struct wire *w = (struct wire *)ctx;
    (void)key;
    if (!w->whole)
        return 0;
    assert_true(len <= sizeof(w->ip) - 20);
    memset(w->ip, 0, 20);
    w->ip[0] = 0x45;
    w->ip[9] = IPPROTO_ICMP;
    memcpy(w->ip + 12, op->target.b, 4);
    memcpy(w->ip + 20, msg, len);
    w->ip[20] = 0; /* an echo */
    w->len = 20 + len;
    return 0;
}

static uint64_t on_random(void *ctx)
{
    (void)ctx;
    return 4; /* chosen by a fair die */
}

static void on_changed(void *ctx, uint32_t number)
{
    dead_probed(((struct wire *)ctx)->b->c, number);
}

static void open_wire(struct wire *w, struct bench *b)
{
    *w = (struct wire){.b = b, .real = b->c->sla, .whole = true};
    w->stats = (struct dpstats *)calloc(1, sizeof(*w->stats));
    struct sla_host h = {.timers = &b->c->timers,
                         .clock = &b->c->o.clock,
                         .send = on_send,
                         .random = on_random,
                         .ctx = w};
    b->c->sla = sla_new(&h);
    assert_non_null(b->c->sla);
    sla_listen(b->c->sla, on_changed, w);
    b->c->stats = w->stats;
}

static void close_wire(struct wire *w)
{
    sla_free(w->b->c->sla);
    w->b->c->sla = w->real;
    w->b->c->stats = NULL;
    free(w->stats);
}

/* Ten milliseconds at a time; `t`: packets go through its SAs all the while. */
static void run(struct wire *w, const struct tunnel *t, usec_t us)
{
    struct bench *b = w->b;
    for (usec_t end = b->t.mono_us + us; b->t.mono_us < end;) {
        b->t.mono_us += 10 * MS;
        if (t)
            atomic_store(&w->stats->slot[t->child.slot_out].last_us, (uint64_t)b->t.mono_us);
        if (t && w->whole)
            atomic_store(&w->stats->slot[t->child.slot_in].last_us, (uint64_t)b->t.mono_us);
        settle(b);
        if (w->whole && w->len)
            sla_icmp4(b->c->sla, w->ip, w->len);
        w->len = 0;
        settle(b);
    }
}

static struct wish skipping(void)
{
    struct wish w = seed_wish();
    w.skip_dead = w.probe = true;
    return w;
}

static const struct intent_map_entry *entry(struct bench *b)
{
    return b->c->ids.by_policy[0]->entry;
}

static void a_failed_probe_sends_traffic_to_the_next(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = skipping();
    struct addr first = adr("203.0.113.1"), second = adr("198.51.100.1");
    struct wire wire;
    open_wire(&wire, b);
    wish_apply(b, &w);
    run(&wire, NULL, 1500 * MS);
    acquire(b, policy_of(b));
    assert_string_equal(talking_to(b), "203.0.113.1");
    wire.whole = false;
    run(&wire, NULL, 720 * MS); /* the one that is being tried is left, too */
    assert_string_equal(talking_to(b), "198.51.100.1");
    assert_true(dead_skip(b->c, entry(b), &first));
    assert_false(dead_skip(b->c, entry(b), &second));
    assert_string_equal(b->notice, ""); /* nobody listens */
    wire.whole = true;
    run(&wire, NULL, 1100 * MS);
    assert_false(dead_skip(b->c, entry(b), &first));
    w.skip_dead = false; /* the platform's way: the dead one is tried */
    wish_apply(b, &w);
    wire.whole = false;
    run(&wire, NULL, 1500 * MS);
    assert_false(dead_skip(b->c, entry(b), &first));
    close_wire(&wire);
}

/* Whenever the path is lost: twice the timeout, and a tenth to notice. */
static void silence_hurries_the_probe(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = skipping();
    struct addr first = adr("203.0.113.1");
    struct wire wire;
    struct tunnel t;
    usec_t most = 0;
    open_wire(&wire, b);
    wish_apply(b, &w);
    sa_up(b, &t, "203.0.113.1");
    for (int i = 0; i < 40; i++) {
        run(&wire, &t, 3000 * MS + i * 30 * MS);
        assert_false(dead_skip(b->c, entry(b), &first));
        wire.whole = false;
        usec_t lost = b->t.mono_us;
        while (!dead_skip(b->c, entry(b), &first)) {
            run(&wire, &t, 10 * MS);
            assert_true(b->t.mono_us - lost < 2000 * MS);
        }
        most = b->t.mono_us - lost > most ? b->t.mono_us - lost : most;
        wire.whole = true;
    }
    print_message("the loss of the path was known after %d ms at most\n", (int)(most / MS));
    assert_true(most <= 720 * MS);
    close_wire(&wire);
}

/* One that only receives or is only sent to is asked no more often than it takes to answer. */
static void one_way_traffic_costs_few_probes(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = skipping();
    struct wire wire;
    struct tunnel t;
    struct sla_view v;
    open_wire(&wire, b);
    wish_apply(b, &w);
    sa_up(b, &t, "203.0.113.1");
    for (int i = 0; i < 1000; i++) {
        atomic_store(&wire.stats->slot[t.child.slot_out].last_us, (uint64_t)b->t.mono_us);
        run(&wire, NULL, 10 * MS);
    }
    assert_true(sla_view(b->c->sla, 1, &v));
    assert_in_range(v.attempted, 20, 45); /* in ten seconds */
    assert_int_equal(v.failures, 0);
    close_wire(&wire);
}

static void ike_remembers_for_a_minute(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    struct addr first = adr("203.0.113.1"), second = adr("198.51.100.1");
    struct tunnel t;
    w.skip_dead = true;
    wish_apply(b, &w);
    acquire(b, policy_of(b));
    assert_string_equal(talking_to(b), "203.0.113.1");
    pass(b, 127);
    assert_string_equal(talking_to(b), "198.51.100.1");
    assert_true(dead_skip(b->c, entry(b), &first));
    sa_up(b, &t, "198.51.100.1");
    sa_down(b, &t, IKE_R_PEER_DELETE);
    keyex_clear(b->c, NULL, 0);
    pass(b, 1);
    acquire(b, policy_of(b));
    assert_string_equal(talking_to(b), "198.51.100.1"); /* at once */
    keyex_clear(b->c, NULL, 0);
    pass(b, 60);
    assert_false(dead_skip(b->c, entry(b), &first));
    dead_given_up(b->c, &first, IKE_R_DPD);
    dead_given_up(b->c, &second, IKE_R_RETRANSMIT);
    assert_false(dead_skip(b->c, entry(b), &first)); /* nobody is left: all are tried */
    dead_alive(b->c, &second);
    assert_true(dead_skip(b->c, entry(b), &first));
    for (unsigned i = 0; i < 2 * DEAD_KEPT; i++) { /* bounded */
        struct addr a = first;
        a.b[3] = (uint8_t)(100 + i);
        dead_given_up(b->c, &a, IKE_R_DPD);
    }
    assert_int_equal(b->c->dead.n, DEAD_KEPT);
}

static void off_unless_asked_for(void **state)
{
    struct bench *b = bench_seed(state);
    struct addr first = adr("203.0.113.1");
    dead_given_up(b->c, &first, IKE_R_DPD);
    assert_int_equal(b->c->dead.n, 0);
    assert_false(dead_skip(b->c, entry(b), &first));
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_up, bench_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_failed_probe_sends_traffic_to_the_next),
        T(silence_hurries_the_probe),
        T(one_way_traffic_costs_few_probes),
        T(ike_remembers_for_a_minute),
        T(off_unless_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
