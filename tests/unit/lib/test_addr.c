/* Addresses, prefixes, ranges. */
#include "lib/addr.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static struct addr a(const char *s)
{
    struct addr x;
    assert_int_equal(addr_parse(s, &x), 0);
    return x;
}

static void parses_what_people_write(void **state)
{
    (void)state;
    char buf[ADDR_STRLEN];
    struct addr x = a("255.255.255.00"); /* seed 000 */
    assert_string_equal(addr_print(&x, buf, sizeof(buf)), "255.255.255.0");
    assert_int_equal(addr_mask_to_len(&x), 24);
    x = a("2001:db8::1");
    assert_string_equal(addr_print(&x, buf, sizeof(buf)), "2001:db8::1");
    const char *bad[] = {"",         "1",      "1.2.3",      "1.2.3.4.5", "256.1.1.1",
                         "1.2.3.4x", "1..2.3", "1.2.3.0004", "::g"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(addr_parse(bad[i], &x), -1);
}

static void masks_must_be_contiguous(void **state)
{
    (void)state;
    struct addr m = a("255.0.255.0");
    assert_int_equal(addr_mask_to_len(&m), -1);
    for (unsigned len = 0; len <= 32; len++) {
        m = addr_len_to_mask(AF_INET, len);
        assert_int_equal(addr_mask_to_len(&m), len);
    }
}

static void prefixes_and_ranges(void **state)
{
    (void)state;
    char buf[PREFIX_STRLEN];
    struct addr host = a("10.10.10.77");
    struct prefix p = prefix_make(&host, 24), q = prefix_make(&host, 26), back;
    assert_string_equal(prefix_print(&q, buf, sizeof(buf)), "10.10.10.64/26");
    assert_true(prefix_covers(&p, &q));
    assert_false(prefix_covers(&q, &p));
    struct addr_range r = prefix_range(&q), s = prefix_range(&p), both;
    assert_true(range_to_prefix(&r, &back));
    assert_int_equal(prefix_cmp(&back, &q), 0);
    assert_true(range_intersect(&r, &s, &both));
    assert_true(addr_eq(&both.lo, &r.lo) && addr_eq(&both.hi, &r.hi));
    r.lo = a("10.10.10.65");
    assert_false(range_to_prefix(&r, &back));
    s.lo = s.hi = a("10.10.11.1");
    assert_false(range_intersect(&r, &s, &both));
}

static void socket_addresses_round_trip(void **state)
{
    (void)state;
    const char *text[] = {"192.0.2.1", "2001:db8::7"};
    for (int i = 0; i < 2; i++) {
        struct sockaddr_storage ss;
        struct addr x = a(text[i]), y;
        uint16_t port = 0;
        assert_true(addr_to_sockaddr(&x, 4500, &ss) > 0);
        assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &y, &port), 0);
        assert_true(addr_eq(&x, &y));
        assert_int_equal(port, 4500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_what_people_write),
        cmocka_unit_test(masks_must_be_contiguous),
        cmocka_unit_test(prefixes_and_ranges),
        cmocka_unit_test(socket_addresses_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
