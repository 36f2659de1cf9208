/* HSRP on the wire: what is written, what is read, and what is not taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/hsrp/auth.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct addr adr(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static size_t hex(const char *text, uint8_t *out)
{
    size_t n = 0;
    for (unsigned v; sscanf(text, "%2x", &v) == 1; text += 2)
        out[n++] = (uint8_t)v;
    return n;
}

/* What was read says all that the bytes did. */
static void reads_back(const struct hsrp_message *back, const uint8_t *want, size_t n)
{
    uint8_t again[HSRP_MESSAGE];
    assert_int_equal(hsrp_write(back, again), n);
    assert_memory_equal(again, want, n);
}

/* RFC 2281 §5.1: the figure, byte by byte. */
static void v1_hello(void **state)
{
    const struct hsrp_message m = {.version = 1,
                                   .op = HSRP_HELLO,
                                   .state = HSRP_STANDBY,
                                   .group = 10,
                                   .priority = 105,
                                   .hello_ms = 3000,
                                   .hold_ms = 10000,
                                   .vip = adr("10.1.0.100"),
                                   .auth = HSRP_AUTH_TEXT,
                                   .text = "cisco"};
    uint8_t out[HSRP_MESSAGE], want[HSRP_MESSAGE];
    struct hsrp_message back;
    (void)state;
    size_t n = hex("000008030a690a00636973636f0000000a010064", want);
    assert_int_equal(hsrp_write(&m, out), n);
    assert_memory_equal(out, want, n);
    assert_int_equal(hsrp_parse(1, out, n, &back), HSRP_GOOD);
    reads_back(&back, want, n);
    assert_int_equal(back.hold_ms, m.hold_ms);
}

/* Of version 1 each state has a bit; a time with milliseconds is not told. */
static void v1_codes(void **state)
{
    static const uint8_t code[HSRP_STATES] = {0, 0, 1, 2, 4, 8, 16};
    (void)state;
    for (unsigned s = HSRP_INIT; s < HSRP_STATES; s++) {
        const struct hsrp_message m = {.version = 1,
                                       .state = (enum hsrp_state)s,
                                       .hello_ms = 500,
                                       .hold_ms = 2000};
        uint8_t out[HSRP_MESSAGE];
        struct hsrp_message back;
        size_t n = hsrp_write(&m, out);
        assert_int_equal(out[2], code[s]);
        assert_int_equal(out[3], 0);
        assert_int_equal(out[4], 2);
        assert_int_equal(hsrp_parse(1, out, n, &back), HSRP_GOOD);
        assert_int_equal(back.state, s);
    }
}

static const struct hsrp_message v2 = {.version = 2,
                                       .op = HSRP_COUP,
                                       .state = HSRP_ACTIVE,
                                       .group = 4095,
                                       .priority = 200,
                                       .hello_ms = 50,
                                       .hold_ms = 200,
                                       .vip = {AF_INET, {10, 1, 0, 100}},
                                       .mac = {2, 0, 0, 1, 2, 3},
                                       .auth = HSRP_AUTH_TEXT,
                                       .text = "cisco"};

static void v2_hello(void **state)
{
    uint8_t out[HSRP_MESSAGE], want[HSRP_MESSAGE];
    struct hsrp_message back;
    (void)state;
    size_t n = hex("0128020106040fff020000010203000000c800000032000000c8"
                   "0a010064000000000000000000000000"
                   "0308636973636f000000",
                   want);
    assert_int_equal(hsrp_write(&v2, out), n);
    assert_memory_equal(out, want, n);
    assert_int_equal(hsrp_parse(2, out, n, &back), HSRP_GOOD);
    reads_back(&back, want, n);
    assert_true(addr_eq(&back.vip, &v2.vip));
}

/* Digests that routers of the vendor sent, with the passwords that they had. */
static void digests_of_others(void **state)
{
    static const struct {
        const char *key, *message, *digest;
    } v[] = {
        {"password12345",
         "000004030a64010000000000000000000a000064"
         "041c010000000a0000140000000000000000000000000000000000000000",
         "52e1db09d18d695b8fefb3730ff8d9d6"},
        {"openwall",
         "000004030a5a01000000000000000000ac102801"
         "041c01000000ac1028140000000000000000000000000000000000000000",
         "f15dfa631a0679e0801f8e6b0c0c17ac"},
        {"openwall12345",
         "000010030a64010000000000000000000a000064"
         "041c010000000a0000140000000000000000000000000000000000000000",
         "f02fc41b1b516e2d1261d8800d39ccea"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        uint8_t message[HSRP_MESSAGE], want[HSRP_MD5], got[HSRP_MD5], again[HSRP_MESSAGE];
        struct hsrp_message m;
        size_t n = hex(v[i].message, message);
        hex(v[i].digest, want);
        assert_int_equal(hsrp_digest((const uint8_t *)v[i].key, strlen(v[i].key), message, n, got),
                         0);
        assert_memory_equal(got, want, HSRP_MD5);
        assert_int_equal(hsrp_parse(1, message, n, &m), HSRP_GOOD);
        assert_int_equal(m.auth, HSRP_AUTH_MD5);
        assert_int_equal(hsrp_write(&m, again), n);
        assert_memory_equal(again, message, n);
    }
}

static void digest_covers_all(void **state)
{
    struct hsrp_message m = v2;
    uint8_t p[HSRP_MESSAGE], a[HSRP_MD5], b[HSRP_MD5], key[HSRP_KEY + 1] = "k";
    (void)state;
    m.auth = HSRP_AUTH_MD5;
    size_t n = hsrp_write(&m, p);
    assert_int_equal(hsrp_digest(key, 1, p, n, a), 0);
    for (size_t i = 0; i < hsrp_digest_at(n); i++) {
        p[i] ^= 1;
        assert_int_equal(hsrp_digest(key, 1, p, n, b), 0);
        assert_memory_not_equal(a, b, HSRP_MD5);
        p[i] ^= 1;
    }
    assert_int_equal(hsrp_digest(key, HSRP_KEY + 1, p, n, b), -1);
}

static void bad_v1(void **state)
{
    static const struct {
        const char *p;
        enum hsrp_bad why;
    } v[] = {
        {"", HSRP_BAD_LENGTH},
        {"00", HSRP_BAD_LENGTH},
        {"000004030a640100636973636f0000000a0000", HSRP_BAD_LENGTH},
        {"000004030a640100636973636f0000000a00006400", HSRP_BAD_LENGTH},
        {"010004030a640100636973636f0000000a000064", HSRP_BAD_VERSION},
        {"000404030a640100636973636f0000000a000064", HSRP_BAD_OPCODE},
        {"000003030a640100636973636f0000000a000064", HSRP_BAD_STATE},
        {"0003000100", HSRP_BAD_LENGTH},
        {"00030001000a01000000000100000000", HSRP_GOOD},
        {"000004030a640100636973636f0000000a000064"
         "051c010000000a0000140000000000000000000000000000000000000000",
         HSRP_BAD_TLV},
        {"000004030a640100636973636f0000000a000064"
         "041b010000000a0000140000000000000000000000000000000000000000",
         HSRP_BAD_TLV},
        {"000004030a640100636973636f0000000a000064"
         "041c020000000a0000140000000000000000000000000000000000000000",
         HSRP_BAD_TLV},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        uint8_t p[HSRP_MESSAGE];
        struct hsrp_message m;
        size_t n = hex(v[i].p, p);
        assert_int_equal(hsrp_parse(1, p, n, &m), v[i].why);
    }
}

static enum hsrp_bad with(size_t at, uint8_t value)
{
    uint8_t p[HSRP_MESSAGE];
    struct hsrp_message m;
    size_t n = hsrp_write(&v2, p);
    p[at] = value;
    return hsrp_parse(2, p, n, &m);
}

static void bad_v2(void **state)
{
    uint8_t p[2 * HSRP_MESSAGE];
    struct hsrp_message m;
    (void)state;
    assert_int_equal(with(1, 39), HSRP_BAD_TLV);
    assert_int_equal(with(2, 1), HSRP_BAD_VERSION);
    assert_int_equal(with(3, 3), HSRP_BAD_OPCODE);
    assert_int_equal(with(4, 7), HSRP_BAD_STATE);
    assert_int_equal(with(5, 6), HSRP_BAD_FAMILY);
    assert_int_equal(with(6, 0x10), HSRP_BAD_GROUP);
    assert_int_equal(with(43, 7), HSRP_BAD_TLV);
    assert_int_equal(with(43, 9), HSRP_BAD_LENGTH);
    assert_int_equal(with(42, 77), HSRP_GOOD); /* a TLV that nobody knows */
    size_t n = hsrp_write(&v2, p);
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(hsrp_parse(2, p, cut, &m), cut == 42 ? HSRP_GOOD : HSRP_BAD_LENGTH);
    n += hsrp_write(&v2, p + n);
    assert_int_equal(hsrp_parse(2, p, n, &m), HSRP_BAD_TLV); /* two groups */
    assert_int_equal(hsrp_parse(2, (const uint8_t *)"\x02\x04\0\0\0\0", 6, &m), HSRP_GOOD);
    assert_int_equal(m.op, HSRP_ADVERTISE);
}

static void virtual_addresses(void **state)
{
    uint8_t mac[HSRP_MAC];
    const uint8_t v1[] = {0, 0, 0x0c, 0x07, 0xac, 0x0a}, of2[] = {0, 0, 0x0c, 0x9f, 0xff, 0xfe};
    (void)state;
    hsrp_virtual_mac(1, 10, mac);
    assert_memory_equal(mac, v1, sizeof(mac));
    hsrp_virtual_mac(2, 4094, mac);
    assert_memory_equal(mac, of2, sizeof(mac));
}

static void frames(void **state)
{
    const uint8_t mac[HSRP_MAC] = {2, 0, 0, 0, 0, 9};
    uint8_t message[HSRP_MESSAGE], f[HSRP_FRAME];
    struct addr src = adr("10.1.0.3");
    struct hsrp_datagram d;
    (void)state;
    for (unsigned version = 1; version <= 2; version++) {
        struct hsrp_message m = v2;
        m.version = (uint8_t)version;
        size_t n = hsrp_write(&m, message);
        size_t len = hsrp_frame(mac, &src, version, message, n, f);
        const uint8_t to[] = {1, 0, 0x5e, 0, 0, version == 1 ? 2 : 0x66};
        assert_memory_equal(f, to, sizeof(to));
        assert_int_equal(f[22], 1); /* TTL */
        assert_true(hsrp_unframe(f, len, false, &d));
        assert_int_equal(d.version, version);
        assert_int_equal(d.n, n);
        assert_memory_equal(d.p, message, n);
        assert_memory_equal(d.mac, mac, sizeof(mac));
        assert_true(addr_eq(&d.src, &src));
        for (size_t cut = 0; cut < len; cut++)
            assert_false(hsrp_unframe(f, cut, false, &d));
        for (size_t i = 12; i < len; i++) { /* every byte is in a checksum, or the type */
            f[i] ^= 0x40;
            assert_false(hsrp_unframe(f, len, false, &d));
            f[i] ^= 0x40;
        }
        f[len - 1] ^= 1;
        assert_true(hsrp_unframe(f, len, true, &d));
    }
}

static void arp(void **state)
{
    const uint8_t mac[HSRP_MAC] = {0, 0, 0x0c, 0x07, 0xac, 1};
    uint8_t f[ARP_FRAME], who[HSRP_MAC];
    struct addr a = adr("10.1.0.100"), of;
    (void)state;
    arp_announcement(mac, &a, f);
    assert_true(arp_claim(f, sizeof(f), who, &of));
    assert_memory_equal(who, mac, sizeof(mac));
    assert_true(addr_eq(&a, &of));
    assert_false(arp_claim(f, sizeof(f) - 1, who, &of));
    memset(f + 28, 0, 4); /* a probe */
    assert_false(arp_claim(f, sizeof(f), who, &of));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v1_hello),
        cmocka_unit_test(v1_codes),
        cmocka_unit_test(v2_hello),
        cmocka_unit_test(digests_of_others),
        cmocka_unit_test(digest_covers_all),
        cmocka_unit_test(bad_v1),
        cmocka_unit_test(bad_v2),
        cmocka_unit_test(virtual_addresses),
        cmocka_unit_test(frames),
        cmocka_unit_test(arp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
