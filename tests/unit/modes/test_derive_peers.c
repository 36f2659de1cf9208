/*
 * Peer lists and how long a peer is waited for: from the configuration of both dialects to the
 * intent.
 */
#include "derive_bench.h"

static void waits(const struct ike_schedule *s, const char *want)
{
    char got[128] = "";
    size_t at = 0;
    for (unsigned i = 0; i < s->n; i++)
        at += (size_t)snprintf(got + at, sizeof got - at, "%s%lld", i ? " " : "",
                               (long long)(s->wait[i] / 1000));
    assert_string_equal(got, want);
}

/* semantics.md §1.1: 126 and 94 s with IKEv2, 32 and 60 s with IKEv1. */
static void each_platform_has_its_schedule(void **state)
{
    struct box b = box_of(true, "hostname fw\n");
    (void)state;
    waits(&b.c->intent.retransmit2, "2000 4000 8000 16000 32000 64000");
    waits(&b.c->intent.retransmit1, "8000 8000 8000 8000");
    drop(&b);
    b = box_of(false, "hostname r\n");
    waits(&b.c->intent.retransmit2, "2000 4000 8000 16000 32000 32000");
    waits(&b.c->intent.retransmit1, "10000 10000 10000 10000 10000 10000");
    drop(&b);
}

static void a_line_changes_it(void **state)
{
    struct box b =
        box_of(true, "crypto ikev2 retransmit 1 interval msec 100\ncrypto ikev1 retransmit 1\n");
    (void)state;
    waits(&b.c->intent.retransmit2, "100 200");
    waits(&b.c->intent.retransmit1, "8000 8000");
    drop(&b);
    b = box_of(false, "crypto ikev2 retransmit 10 interval 60\n"
                      "crypto isakmp retransmit 2 interval 3\n");
    waits(&b.c->intent.retransmit2,
          "60000 60000 60000 60000 60000 60000 60000 60000 60000 60000 60000");
    waits(&b.c->intent.retransmit1, "3000 3000 3000");
    drop(&b);
    b = box_of(false, "crypto ikev2 retransmit 7\nno crypto ikev2 retransmit\n"
                      "crypto isakmp retransmit 1 interval 1\nno crypto isakmp retransmit\n");
    waits(&b.c->intent.retransmit2, "2000 4000 8000 16000 32000 32000");
    waits(&b.c->intent.retransmit1, "10000 10000 10000 10000 10000 10000");
    drop(&b);
}

static const char ios[] = "crypto ipsec security-association idle-time 600\n"
                          "crypto map M 10 ipsec-isakmp\n set peer 192.0.2.1\n set peer 192.0.2.2\n"
                          "crypto map M 20 ipsec-isakmp\n set peer 192.0.2.1\n"
                          " set peer 192.0.2.2 default\n"
                          " set security-association idle-time 120 default\n";

static void where_ios_begins(void **state)
{
    struct box b = box_of(false, ios);
    const struct intent_map_entry *e = b.c->intent.map[0].entry;
    (void)state;
    assert_true(e[0].follow);
    is_addr(&e[0].peer[0], "192.0.2.1");
    assert_int_equal(e[0].idle_seconds, 600);
    assert_false(e[0].idle_default);
    assert_false(e[1].follow); /* always at the default, which comes first */
    is_addr(&e[1].peer[0], "192.0.2.2");
    is_addr(&e[1].peer[1], "192.0.2.1");
    assert_int_equal(e[1].idle_seconds, 120);
    assert_true(e[1].idle_default);
    drop(&b);
}

static void the_asa_begins_with_the_first(void **state)
{
    struct box b = box_of(true, "crypto map M 1 set peer 192.0.2.1 192.0.2.2\n");
    const struct intent_map_entry *e = b.c->intent.map[0].entry;
    (void)state;
    assert_false(e->follow);
    assert_int_equal(e->n_peer, 2);
    assert_int_equal(e->idle_seconds, 0);
    drop(&b);
}

static void dead_peers_are_skipped_when_asked_for(void **state)
{
    (void)state;
    for (int asa = 0; asa < 2; asa++)
        for (int line = 0; line < 3; line++) {
            static const char *const text[] = {
                "hostname x\n", "crypto skip-dead-peers\n",
                "crypto skip-dead-peers\nno crypto skip-dead-peers\n"};
            struct box b = box_of(asa, text[line]);
            assert_true(b.c->intent.skip_dead == (line == 1));
            drop(&b);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_platform_has_its_schedule),
        cmocka_unit_test(a_line_changes_it),
        cmocka_unit_test(where_ios_begins),
        cmocka_unit_test(the_asa_begins_with_the_first),
        cmocka_unit_test(dead_peers_are_skipped_when_asked_for),
    };
    return cmocka_run_group_tests_name("derive_peers", tests, NULL, NULL);
}
