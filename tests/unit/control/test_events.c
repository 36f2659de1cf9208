/* What the box tells of its links, and of what comes to it and belongs to nothing. */
#include "bench.h"
#include "told.h"

#define PORT "GigabitEthernet0/0"

static struct bench *begin(void **state, bool asa)
{
    struct bench *b = (struct bench *)*state;
    struct wish w = seed_wish();
    bench_link(b, "eth0", true, 1500);
    bench_link(b, "eth1", true, 1500);
    control_set_ports(b->c, PORT " eth0\nGigabitEthernet0/1 eth1\n", asa);
    wish_apply(b, &w);
    pass(b, 4); /* ports came up */
    syslog_clear(b->c->syslog);
    return b;
}

static void shut(struct bench *b, bool on)
{
    struct wish w = seed_wish();
    w.shutdown = on;
    wish_apply(b, &w);
}

static void carrier(struct bench *b, bool on)
{
    bench_find(b, "eth0")->carrier = on;
    control_kick(b->c);
    settle(b);
}

/* Seed 003: the link two seconds behind `shutdown`, its protocol one more. */
static void ios_waits_for_a_link_to_settle(void **state)
{
    struct bench *b = begin(state, false);
    shut(b, true);
    assert_int_equal(told(b, "changed state"), 0);
    pass(b, 2);
    assert_int_equal(told(b, "%LINK-5-CHANGED: Interface " PORT
                             ", changed state to administratively down"),
                     1);
    assert_int_equal(told(b, "changed state"), 1);
    pass(b, 1);
    assert_int_equal(told(b, "%LINEPROTO-5-UPDOWN: Line protocol on Interface " PORT
                             ", changed state to down"),
                     1);
    assert_int_equal(told(b, "changed state"), 2);
    shut(b, false);
    assert_int_equal(told(b, "changed state"), 2);
    pass(b, 2);
    assert_int_equal(told(b, "%LINK-3-UPDOWN: Interface " PORT ", changed state to up"), 1);
    assert_int_equal(told(b, "changed state"), 3);
    pass(b, 1);
    assert_int_equal(told(b, "%LINEPROTO-5-UPDOWN: Line protocol on Interface " PORT
                             ", changed state to up"),
                     1);
    pass(b, 10);
    assert_int_equal(told(b, "changed state"), 4);
}

static void a_short_interruption_is_not_told_on_ios(void **state)
{
    struct bench *b = begin(state, false);
    carrier(b, false);
    pass(b, 1);
    carrier(b, true);
    pass(b, 10);
    assert_int_equal(told(b, "changed state"), 0);
    carrier(b, false);
    pass(b, 10);
    assert_int_equal(told(b, "%LINK-3-UPDOWN: Interface " PORT ", changed state to down"), 1);
    assert_int_equal(told(b, "changed state"), 2);
}

static void the_asa_tells_at_once(void **state)
{
    struct bench *b = begin(state, true);
    shut(b, true);
    assert_int_equal(told(b, "%ASA-4-411003: Interface " PORT
                             ", changed state to administratively down"),
                     1);
    assert_int_equal(told(b, "%ASA-4-411002: Line protocol on Interface " PORT
                             ", changed state to down"),
                     1);
    carrier(b, true);
    pass(b, 10);
    assert_int_equal(told(b, "changed state"), 2);
}

static void unknown_spi(struct bench *b, uint32_t spi)
{
    struct sadb_event e;
    memset(&e, 0, sizeof(e));
    e.kind = EV_UNKNOWN_SPI;
    e.proto = SADB_ESP;
    e.spi = spi;
    e.path.local = adr("192.0.2.1");
    e.path.remote = adr("203.0.113.1");
    ipc_send(b->dp_end, SADB_EVENT, &e, sizeof(e));
    settle(b);
}

static void packets_of_no_sa(void **state)
{
    struct bench *b = begin(state, false);
    unknown_spi(b, 54272379);
    assert_int_equal(
        told(b, "%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for "
                "destaddr=192.0.2.1, prot=50, spi=0x33C217B(54272379), srcaddr=203.0.113.1, input "
                "interface=" PORT "\n"),
        1);
    pass(b, 50);
    unknown_spi(b, 54272380);
    assert_int_equal(told(b, "RECVD_PKT_INV_SPI"), 1);
    pass(b, 11);
    unknown_spi(b, 54272381);
    assert_int_equal(told(b, "RECVD_PKT_INV_SPI"), 2);
}

/* An encrypted message of an exchange that is known to nobody. */
static void stray_message(struct bench *b, uint8_t exchange, uint64_t spi_r)
{
    const struct ike_path p = {.local = adr("192.0.2.1"),
                               .remote = adr("203.0.113.1"),
                               .lport = 500,
                               .rport = 500};
    uint8_t m[28 + 32] = {1, 2, 3, 4, 5, 6, 7, 8, [16] = 8, 0x10, exchange, 1, [27] = sizeof(m)};
    m[15] = (uint8_t)spi_r;
    m[23] = exchange == 2 ? 0 : 9; /* the message ID */
    isakmp_input(b->c->isakmp, &p, m, sizeof(m));
}

static void messages_of_no_sa(void **state)
{
    static const uint8_t exchange[] = {2, 5, 32}; /* main, informational, quick mode */
    struct bench *b = begin(state, false);
    for (size_t i = 0; i < sizeof(exchange); i++) {
        stray_message(b, exchange[i], 7);
        assert_int_equal(told(b, "%CRYPTO-4-IKMP_NO_SA: IKE message from 203.0.113.1 has no SA and "
                                 "is not an initialization offer\n"),
                         i + 1);
        stray_message(b, exchange[i], 7);
        assert_int_equal(told(b, "IKMP_NO_SA"), i + 1);
        pass(b, 61);
    }
    stray_message(b, 2, 0); /* the beginning of an exchange, if a bad one */
    assert_int_equal(told(b, "IKMP_NO_SA"), 3);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_up, bench_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(ios_waits_for_a_link_to_settle),
        T(a_short_interruption_is_not_told_on_ios),
        T(the_asa_tells_at_once),
        T(packets_of_no_sa),
        T(messages_of_no_sa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
