/* Every type: what it accepts, where its caret stands, what it prints. */
#include "tests/unit/parser/support.h"

#include "parser/value.h"

#include <string.h>

static bool accepts(struct g_arg a, const char *t)
{
    return value_accepts(&a, t, strlen(t));
}

static size_t viable(struct g_arg a, const char *t)
{
    return value_viable(&a, t, strlen(t));
}

/* Reads and prints again. */
static const char *canonical(struct g_arg a, const char *t)
{
    static char out[VALUE_TEXT];
    char buf[VALUE_TEXT];
    struct value v;
    struct str s = {0};
    if (value_read(&a, t, strlen(t), &v, buf) != 0)
        return "?";
    value_print(&a, &v, true, &s);
    assert_true(str_copy(out, sizeof(out), str_text(&s)));
    str_free(&s);
    return out;
}

static const struct g_arg number = {.type = GT_NUM, .lo = 5, .hi = 65535};
static const struct g_arg big = {.type = GT_NUM, .lo = 0, .hi = UINT64_MAX};
static const struct g_arg word = {.type = GT_WORD, .hi = 5};
static const struct g_arg rest = {.type = GT_REST, .hi = 10};
static const struct g_arg ip = {.type = GT_IP};
static const struct g_arg mask = {.type = GT_MASK};
static const struct g_arg wild = {.type = GT_WILDCARD};
static const struct g_arg ip6 = {.type = GT_IP6};
static const struct g_arg either = {.type = GT_ADDR};
static const struct g_arg prefix6 = {.type = GT_PREFIX6};
static const struct g_arg host = {.type = GT_HOST, .hi = 20};
static const struct g_arg ifname = {.type = GT_IFNAME};
static const struct g_arg when = {.type = GT_TIME};
static const struct g_arg hex = {.type = GT_HEX, .hi = 4};

static void test_number(void **state)
{
    (void)state;
    assert_true(accepts(number, "5"));
    assert_true(accepts(number, "65535"));
    assert_true(accepts(number, "00007"));
    assert_false(accepts(number, "4"));
    assert_false(accepts(number, "65536"));
    assert_false(accepts(number, "5x"));
    assert_false(accepts(number, "-5"));
    assert_false(accepts(number, "99999999999999999999999"));
    assert_true(accepts(big, "18446744073709551615"));
    assert_false(accepts(big, "18446744073709551616"));
    assert_int_equal(viable(number, "12x"), 2);
    assert_int_equal(viable(number, "65536"), 0);
    assert_string_equal(canonical(number, "00007"), "7");
}

static void test_text(void **state)
{
    (void)state;
    assert_true(accepts(word, "abcde"));
    assert_false(accepts(word, "abcdef"));
    assert_int_equal(viable(word, "abcdef"), 5);
    assert_true(accepts(rest, "ten chars!"));
    assert_false(accepts(rest, "eleven char"));
    assert_string_equal(canonical(rest, "a  b"), "a  b");
    assert_true(accepts(hex, "0aF9"));
    assert_false(accepts(hex, "0aF9b"));
    assert_false(accepts(hex, "0g"));
    assert_int_equal(viable(hex, "0g"), 1);
}

static void test_addresses(void **state)
{
    (void)state;
    assert_true(accepts(ip, "10.0.0.1"));
    assert_true(accepts(ip, "255.255.255.00"));
    assert_true(accepts(ip, "0"));
    assert_false(accepts(ip, "10.0.0"));
    assert_false(accepts(ip, "10.0.0.256"));
    assert_false(accepts(ip, "10.0.0.1.2"));
    assert_false(accepts(ip, "10.0.0.1x"));
    assert_false(accepts(ip, "1234"));
    assert_int_equal(viable(ip, "10.0.0.256"), 9);
    assert_int_equal(viable(ip, "10.0"), 4);
    assert_int_equal(viable(ip, "10..1"), 3);
    assert_string_equal(canonical(ip, "0"), "0.0.0.0");
    assert_true(accepts(mask, "255.255.255.00"));
    assert_string_equal(canonical(mask, "255.255.255.00"), "255.255.255.0");
    assert_false(accepts(mask, "255.0.255.0"));
    assert_int_equal(viable(mask, "255.0.255.0"), 0);
    assert_true(accepts(wild, "0.0.1.255"));
    assert_true(accepts(wild, "255.0.255.0"));
    assert_true(accepts(ip6, "2001:DB8::1"));
    assert_string_equal(canonical(ip6, "2001:DB8:0::1"), "2001:db8::1");
    assert_false(accepts(ip6, "10.0.0.1"));
    assert_false(accepts(ip6, "1::2::3"));
    assert_true(accepts(either, "10.0.0.1"));
    assert_true(accepts(either, "fd00::1"));
    assert_false(accepts(either, "fd00::1/64"));
    assert_int_equal(viable(either, "10.0.0.256"), 9);
    assert_int_equal(viable(either, "fd00::g"), 6);
    assert_string_equal(canonical(either, "FD00::0001"), "fd00::1");
    assert_true(accepts(prefix6, "2001:db8::1/64"));
    assert_true(accepts(prefix6, "::/0"));
    assert_true(accepts(prefix6, "::/128"));
    assert_false(accepts(prefix6, "::/129"));
    assert_false(accepts(prefix6, "2001:db8::1"));
    assert_false(accepts(prefix6, "2001:db8::1/"));
    assert_false(accepts(prefix6, "10.0.0.0/8"));
    assert_int_equal(viable(prefix6, "fd00::/6x"), 8);
    assert_int_equal(viable(prefix6, "10/6"), 2);
    assert_string_equal(canonical(prefix6, "2001:DB8:0::1/064"), "2001:db8::1/64");
    assert_true(accepts(host, "10.0.0.1"));
    assert_true(accepts(host, "a.example"));
    assert_false(accepts(host, "10.0.0.999"));
    assert_false(accepts(host, "a b"));
    assert_false(accepts(host, "a/b"));
}

static void test_interface_names(void **state)
{
    (void)state;
    assert_string_equal(canonical(ifname, "gi0/1"), "GigabitEthernet0/1");
    assert_string_equal(canonical(ifname, "GIGABITETHERNET0/1.20"), "GigabitEthernet0/1.20");
    assert_string_equal(canonical(ifname, "e 0/0"), "Ethernet0/0");
    assert_string_equal(canonical(ifname, "te0/0/0"), "TenGigabitEthernet0/0/0");
    assert_string_equal(canonical(ifname, "tu1"), "Tunnel1");
    assert_string_equal(canonical(ifname, "vt1"), "Virtual-Template1");
    assert_string_equal(canonical(ifname, "virtual-t1"), "Virtual-Template1");
    assert_string_equal(canonical(ifname, "vi1"), "Virtual-Access1");
    assert_string_equal(canonical(ifname, "m0/0"), "Management0/0");
    assert_string_equal(canonical(ifname, "se0/0:15"), "Serial0/0:15");
    assert_false(accepts(ifname, "t1")); /* TenGigabitEthernet or Tunnel */
    assert_false(accepts(ifname, "v1"));
    assert_false(accepts(ifname, "gi"));
    assert_false(accepts(ifname, "gi0/"));
    assert_false(accepts(ifname, "gi0//1"));
    assert_false(accepts(ifname, "gi0/1.2.3"));
    assert_false(accepts(ifname, "foo0/1"));
    assert_int_equal(viable(ifname, "gx0/1"), 1);
    assert_int_equal(viable(ifname, "gi0/x"), 4);
    assert_true(ifname_is_type("Ethernet", 8));
    assert_false(ifname_is_type("Ethernet0", 9));
}

static void test_time(void **state)
{
    (void)state;
    assert_string_equal(canonical(when, "1:2:3"), "01:02:03");
    assert_string_equal(canonical(when, "23:59"), "23:59:00");
    assert_false(accepts(when, "24:00:00"));
    assert_false(accepts(when, "1:60:00"));
    assert_false(accepts(when, "1:2:"));
    assert_false(accepts(when, "1"));
    assert_false(accepts(when, "1:2:3:4"));
    assert_false(accepts(when, "001:2"));
}

static const struct g_arg *arg_named(uint16_t entry, const char *name)
{
    for (uint16_t i = 0; i < g_entries[entry].narg; i++)
        if (strcmp(g_args[g_entries[entry].arg + i].name, name) == 0)
            return &g_args[g_entries[entry].arg + i];
    return NULL;
}

static void test_names_of_numbers(void **state)
{
    (void)state;
    const struct g_arg *proto = arg_named(E_RULE, "proto"), *port = arg_named(E_RULE, "eq");
    struct value v;
    char buf[VALUE_TEXT];
    assert_string_equal(canonical(*proto, "6"), "tcp");
    assert_string_equal(canonical(*proto, "IP"), "ip");
    assert_string_equal(canonical(*proto, "201"), "201");
    assert_false(accepts(*proto, "256"));
    assert_string_equal(canonical(*port, "80"), "www");
    assert_string_equal(canonical(*port, "http"), "www");
    assert_string_equal(canonical(*port, "https"), "https");
    assert_string_equal(canonical(*port, "514"), "514");
    assert_int_equal(value_read(port, "isakmp", 6, &v, buf), 0);
    assert_int_equal(v.num, 500);
    struct str s = {0}; /* IOS has no name for 443 */
    v.num = 443;
    value_print(port, &v, false, &s);
    assert_string_equal(str_text(&s), "443");
    str_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number),    cmocka_unit_test(test_text),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_interface_names),
        cmocka_unit_test(test_time),      cmocka_unit_test(test_names_of_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
