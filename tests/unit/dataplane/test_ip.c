/* Reading inner packets, selectors, and corrections of headers. */
#include <stdio.h>
#include "support.h"
#include <netinet/in.h>

static void test_flow_of_ipv4(void **state)
{
    (void)state;
    uint8_t p[128];
    struct ip_info i;
    uint32_t n = make_ip4(p, "10.10.10.1", "192.168.10.1", IPPROTO_TCP, 1234, 80, 100);
    assert_int_equal(ip_parse(p, n, false, &i), 0);
    struct addr l = ip4("10.10.10.1"), r = ip4("192.168.10.1");
    assert_true(addr_eq(&i.flow.local, &l) && addr_eq(&i.flow.remote, &r));
    assert_int_equal(i.flow.lport, 1234);
    assert_int_equal(i.flow.rport, 80);
    assert_int_equal(i.total, 100);
    assert_int_equal(i.df, 0);
    assert_int_equal(ip_parse(p, n, true, &i), 0);
    assert_true(addr_eq(&i.flow.local, &r) && addr_eq(&i.flow.remote, &l));
    assert_int_equal(i.flow.lport, 80);
    assert_int_equal(i.flow.rport, 1234);
    n = make_ip4(p, "10.10.10.1", "192.168.10.1", IPPROTO_ICMP, 0x0800, 0, 84);
    assert_int_equal(ip_parse(p, n, false, &i), 0);
    assert_int_equal(i.flow.lport, 0x0800);
    assert_int_equal(i.flow.rport, 0x0800);
    n = make_ip4(p, "10.10.10.1", "192.168.10.1", 89, 7, 7, 22); /* no ports */
    assert_int_equal(ip_parse(p, n, false, &i), 0);
    assert_int_equal(i.flow.lport, 0);
    /* more bytes than the header says: padding, not part of the packet */
    n = make_ip4(p, "10.10.10.1", "192.168.10.1", IPPROTO_UDP, 1, 2, 40);
    assert_int_equal(ip_parse(p, n + 50, false, &i), 0);
    assert_int_equal(i.total, 40);
}

static void test_malformed_ipv4(void **state)
{
    (void)state;
    uint8_t p[128];
    struct ip_info i;
    uint32_t n = make_ip4(p, "10.0.0.1", "10.0.0.2", IPPROTO_UDP, 1, 2, 60);
    for (uint32_t len = 0; len < n; len++)
        assert_int_equal(ip_parse(p, len, false, &i), -1);
    assert_int_equal(ip_parse(p, n, false, &i), 0);
    p[0] = 0x44; /* header of 16 bytes */
    assert_int_equal(ip_parse(p, n, false, &i), -1);
    p[0] = 0x4f; /* of 60: no room for ports */
    assert_int_equal(ip_parse(p, n, false, &i), -1);
    p[0] = 0x55;
    assert_int_equal(ip_parse(p, n, false, &i), -1);
    n = make_ip4(p, "10.0.0.1", "10.0.0.2", IPPROTO_UDP, 1, 2, 60);
    p[3] = 19; /* total below the header */
    assert_int_equal(ip_parse(p, n, false, &i), -1);
    p[3] = 23; /* half a port */
    assert_int_equal(ip_parse(p, n, false, &i), -1);
    p[3] = 24;
    assert_int_equal(ip_parse(p, n, false, &i), 0);
}

static void test_fragments(void **state)
{
    (void)state;
    uint8_t p[128];
    struct ip_info i;
    uint32_t n = make_ip4(p, "10.0.0.1", "10.0.0.2", IPPROTO_UDP, 1000, 2000, 60);
    p[6] = 0x20; /* first */
    assert_int_equal(ip_parse(p, n, false, &i), 0);
    assert_int_equal(i.flow.flags, 0);
    assert_int_equal(i.flow.lport, 1000);
    p[7] = 1; /* later */
    assert_int_equal(ip_parse(p, n, false, &i), 0);
    assert_int_equal(i.flow.flags, FLOW_NO_PORTS);
    assert_int_equal(i.flow.lport, 0);
    struct selector s = sel("10.0.0.0", 24, "10.0.0.0", 24, IPPROTO_UDP);
    s.lport[0] = s.lport[1] = 53;
    assert_true(selector_match(&s, &i.flow)); /* by addresses and protocol alone */
    i.flow.flags = 0;
    assert_false(selector_match(&s, &i.flow));
    struct selector exact = selector_of_flow(&i.flow);
    assert_int_equal(exact.lport[1], 0);
    i.flow.flags = FLOW_NO_PORTS;
    exact = selector_of_flow(&i.flow);
    assert_int_equal(exact.lport[1], 65535);
    p[6] = 0x40;
    p[7] = 0;
    assert_int_equal(ip_parse(p, n, false, &i), 0);
    assert_int_equal(i.df, 1);
}

static uint8_t *v6_head(uint8_t *p, uint16_t payload, uint8_t next)
{
    memset(p, 0, 200);
    p[0] = 0x60;
    p[4] = (uint8_t)(payload >> 8);
    p[5] = (uint8_t)payload;
    p[6] = next;
    p[7] = 64;
    p[8] = 0x20;
    p[23] = 1;
    p[24] = 0x20;
    p[39] = 2;
    return p + 40;
}

static void test_ipv6(void **state)
{
    (void)state;
    uint8_t p[200], *x;
    struct ip_info i;
    x = v6_head(p, 16, IPPROTO_HOPOPTS); /* 8 bytes of options, then UDP */
    x[0] = IPPROTO_UDP;
    x[9] = 53;
    x[11] = 99;
    assert_int_equal(ip_parse(p, 56, false, &i), 0);
    assert_int_equal(i.flow.proto, IPPROTO_UDP);
    assert_int_equal(i.flow.lport, 53);
    assert_int_equal(i.flow.rport, 99);
    assert_int_equal(i.flow.local.family, AF_INET6);
    for (size_t len = 0; len < 56; len++)
        assert_int_equal(ip_parse(p, len, false, &i), -1);
    x[1] = 200; /* options longer than the packet */
    assert_int_equal(ip_parse(p, 56, false, &i), -1);
    x = v6_head(p, 8, IPPROTO_FRAGMENT);
    x[0] = IPPROTO_TCP;
    x[3] = 0x08; /* offset 1 */
    assert_int_equal(ip_parse(p, 48, false, &i), 0);
    assert_int_equal(i.flow.flags, FLOW_NO_PORTS);
    assert_int_equal(i.flow.proto, IPPROTO_TCP);
    v6_head(p, 160, IPPROTO_DSTOPTS); /* extensions without an end */
    assert_int_equal(ip_parse(p, 200, false, &i), -1);
}

static void test_selectors(void **state)
{
    (void)state;
    struct flow f = {.local = ip4("10.1.1.5"), .remote = ip4("10.2.2.5"), .proto = 6};
    f.lport = 1024;
    f.rport = 443;
    struct selector s = sel("10.1.1.0", 24, "10.2.2.5", 32, 0);
    assert_true(selector_match(&s, &f));
    s.proto = 17;
    assert_false(selector_match(&s, &f));
    s.proto = 6;
    s.rport[0] = s.rport[1] = 443;
    assert_true(selector_match(&s, &f));
    s.lport[0] = 1025;
    assert_false(selector_match(&s, &f));
    s.lport[0] = 1000;
    f.remote = ip4("10.2.2.6");
    assert_false(selector_match(&s, &f));
    s.remote.hi = ip4("10.2.2.6"); /* a range that is no prefix */
    assert_true(selector_match(&s, &f));
    f.remote.family = AF_INET6;
    assert_false(selector_match(&s, &f));
}

static bool checksum_good(const uint8_t *p)
{
    return ip_checksum(p, IP4_HLEN, 0) == 0;
}

static void test_ttl(void **state)
{
    (void)state;
    uint8_t p[64], before[64];
    make_ip4(p, "10.0.0.1", "203.0.113.9", 1, 0, 0, 40);
    for (int ttl = IP_OUTER_TTL; ttl < 255; ttl++) {
        assert_int_equal(p[8], ttl);
        ip_ttl_give_back(p);
        assert_true(checksum_good(p));
    }
    memcpy(before, p, 40);
    ip_ttl_give_back(p); /* 255 stays */
    assert_memory_equal(p, before, 40);
}

/* RFC 6040 figure 4 */
static void test_ecn(void **state)
{
    (void)state;
    static const struct {
        int ret;
        uint8_t inner, outer, want;
    } rows[] = {{0, 0, 0, 0}, {-1, 0, 3, 0}, {0, 1, 0, 1}, {0, 2, 0, 2}, {0, 3, 0, 3},
                {0, 2, 1, 2}, {0, 1, 3, 3},  {0, 2, 3, 3}, {0, 3, 3, 3}};
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        uint8_t p[64];
        struct addr a = ip4("10.0.0.1");
        ip4_build(p, &a, &a, 17, 20, (uint8_t)(0xb8 | rows[k].inner), true, 1);
        assert_int_equal(ip_ecn_take(p, (uint8_t)(0x20 | rows[k].outer)), rows[k].ret);
        assert_int_equal(p[1], 0xb8 | rows[k].want);
        assert_true(checksum_good(p));
    }
    /* Nothing is to be changed: a sum of 0xffff is not made its other form, 0. */
    uint8_t p[20], before[20];
    struct addr a = ip4("10.0.0.1");
    ip4_build(p, &a, &a, 17, 20, 3, true, 1);
    p[10] = p[11] = 0xff;
    memcpy(before, p, sizeof p);
    assert_int_equal(ip_ecn_take(p, 3), 0);
    assert_memory_equal(p, before, sizeof p);
}

/* RFC 1071 §3 and a header from everyday life */
static void test_checksum(void **state)
{
    (void)state;
    uint8_t b[20];
    hex("0001f203f4f5f6f7", b);
    assert_int_equal(ip_checksum(b, 8, 0), (uint16_t)~0xddf2);
    hex("450000730000400040110000c0a80001c0a800c7", b);
    assert_int_equal(ip_checksum(b, 20, 0), 0xb861);
    assert_int_equal(ip_checksum(b, 1, 0), (uint16_t)~0x4500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flow_of_ipv4), cmocka_unit_test(test_malformed_ipv4),
        cmocka_unit_test(test_fragments),    cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_selectors),    cmocka_unit_test(test_ttl),
        cmocka_unit_test(test_ecn),          cmocka_unit_test(test_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
