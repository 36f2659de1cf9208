/* What IKE messages wait for: SAs in the datapath, and records at the standby. */
#include "bench.h"
#include "control/sso/sso_priv.h"
#include "control/sso/sync_priv.h"

#define VIP   "192.0.2.100"
#define OTHER "192.0.2.1"

/* A box whose map's tunnels at VIP the other box would go on with. */
static struct bench *box(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct wish w = seed_wish();
    w.redundancy = "HA";
    w.vip = VIP;
    bench_link(b, "eth0", true, 1500);
    bench_link(b, "eth1", true, 1500);
    control_set_ports(b->c, "GigabitEthernet0/0 eth0\nGigabitEthernet0/1 eth1\n", false);
    wish_apply(b, &w);
    for (unsigned i = 0; i < 60; i++) /* until it is active */
        pass(b, 1);
    control_reconcile(b->c);
    settle(b);
    b->c->intent.ifs[0].stateful = true;
    assert_true(endpoint_here(b->c, &b->c->intent.ifs[0]));
    forget_frames(b);
    return b;
}

/* As with a standby that has everything but the last records. */
static void standby(struct bench *b, uint64_t put, uint64_t acked)
{
    struct sso_sync *s = b->c->sso->sync;
    s->active = true;
    s->phase = SSO_HOT;
    s->put = put;
    s->acked = acked;
}

static void say(struct bench *b, const char *local, char what)
{
    const struct ike_path p = {.local = adr(local),
                               .remote = adr("203.0.113.1"),
                               .lport = 4500,
                               .rport = 4500};
    if (!outbox_take(b->c, &p, (const uint8_t *)&what, 1))
        ike_transport_send(b->c, &p, (const uint8_t *)&what, 1);
}

/* What has left so far, a letter each. */
static void sent_is(struct bench *b, const char *want)
{
    char got[32] = "";
    size_t n = 0;
    settle(b);
    for (size_t i = 0; i < b->n_told; i++)
        if (b->told[i].type == SADB_IKE_SEND)
            got[n++] = (char)b->told[i].data[sizeof(struct sadb_ike)];
    got[n] = '\0';
    assert_string_equal(got, want);
}

static void records_come_first(void **state)
{
    struct bench *b = box(state);
    standby(b, 5, 5);
    say(b, VIP, 'a');
    sent_is(b, "a");
    standby(b, 6, 5);
    say(b, VIP, 'b');
    standby(b, 7, 5);
    say(b, VIP, 'c');
    sent_is(b, "a");
    standby(b, 7, 6);
    outbox_safe(b->c);
    sent_is(b, "ab");
    standby(b, 7, 7);
    outbox_safe(b->c);
    say(b, VIP, 'd');
    sent_is(b, "abcd");
}

/* Above all not what the link to the standby itself goes through. */
static void what_the_standby_has_no_part_in_does_not_wait(void **state)
{
    struct bench *b = box(state);
    standby(b, 6, 5);
    say(b, VIP, 'a');
    say(b, OTHER, 'x');
    sent_is(b, "x");
    /* an SA in the making: it waits for the datapath, and for that alone */
    outbox_added(b->c);
    say(b, OTHER, 'y');
    say(b, VIP, 'b');
    say(b, OTHER, 'z');
    sent_is(b, "x");
    outbox_acked(b->c);
    sent_is(b, "xyz");
    say(b, VIP, 'c');
    standby(b, 6, 6);
    outbox_safe(b->c);
    sent_is(b, "xyzabc");
    assert_int_equal(b->c->outbox.bytes, 0);
    say(b, VIP, 'd');
    sent_is(b, "xyzabcd");
}

/* A clock that goes on by a millisecond with each look at it. */
static usec_t busy(void *ctx)
{
    struct manual_time *t = (struct manual_time *)ctx;
    return t->mono_us += USEC_PER_MSEC;
}

/* Many that may go at once: a few per turn of the loop, and what is said meanwhile comes behind. */
static void a_turn_sends_a_few(void **state)
{
    struct bench *b = box(state);
    const struct clock still = b->c->o.clock;
    b->c->o.clock.mono = busy;
    b->c->o.clock.ctx = &b->t;
    outbox_added(b->c);
    for (char what = 'a'; what <= 'j'; what++)
        say(b, OTHER, what);
    sent_is(b, "");
    outbox_acked(b->c);
    assert_true(timer_armed(&b->c->outbox.more)); /* not all of them */
    assert_in_range(b->c->outbox.bytes, 5, 9);
    say(b, OTHER, 'k');
    b->c->o.clock = still;
    pass(b, 1);
    sent_is(b, "abcdefghijk");
    say(b, OTHER, 'l');
    sent_is(b, "abcdefghijkl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_come_first, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(what_the_standby_has_no_part_in_does_not_wait, bench_up,
                                        bench_down),
        cmocka_unit_test_setup_teardown(a_turn_sends_a_few, bench_up, bench_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
