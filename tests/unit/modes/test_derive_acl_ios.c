/*
 * Access lists of IOS, from their text to the intent.
 */
#include "derive_bench.h"

static struct box load(const char *text)
{
    return box_of(false, text);
}

static const struct intent_acl *acl(const struct box *b, const char *name)
{
    for (uint32_t i = 0; i < b->c->intent.n_acl; i++)
        if (strcmp(b->c->intent.acl[i].name, name) == 0)
            return &b->c->intent.acl[i];
    fail_msg("no list %s", name);
    return NULL;
}

static void is_range(const struct addr_range *r, const char *lo, const char *hi)
{
    char got[ADDR_STRLEN];
    assert_string_equal(addr_print(&r->lo, got, sizeof got), lo);
    assert_string_equal(addr_print(&r->hi, got, sizeof got), hi);
}

/* The list of seed 004 that holds both directions makes two entries. */
static void test_both_directions(void **state)
{
    (void)state;
    struct box b = load("access-list 110 permit ip host 172.21.91.37 host 192.168.20.25\n"
                        "access-list 110 permit ip host 192.168.20.25 host 172.21.91.37\n"
                        "ip access-list extended GandD\n"
                        " permit ip host 192.168.20.25 172.21.90.0 0.0.1.255\n"
                        " permit icmp host 192.168.20.25 172.21.90.0 0.0.1.255\n");
    const struct intent_acl *a = acl(&b, "110");
    assert_int_equal(a->n, 2);
    is_range(&a->ace[0].sel.local, "172.21.91.37", "172.21.91.37");
    is_range(&a->ace[1].sel.local, "192.168.20.25", "192.168.20.25");
    a = acl(&b, "GandD");
    assert_int_equal(a->n, 2);
    is_range(&a->ace[0].sel.remote, "172.21.90.0", "172.21.91.255");
    assert_int_equal(a->ace[1].sel.proto, 1);
    assert_true(a->ace[1].permit);
    drop(&b);
}

static void test_wildcards(void **state)
{
    (void)state;
    struct box b = load("access-list 10 permit 10.1.0.0 0.0.4.255\n"
                        "access-list 11 permit 10.1.0.1\n"
                        "access-list 12 deny 0.0.0.0 255.255.255.255\n"
                        "access-list 13 permit 10.0.0.0 0.0.0.254\n");
    const struct intent_acl *a = acl(&b, "10");
    assert_int_equal(a->n, 2);
    is_range(&a->ace[0].sel.local, "10.1.0.0", "10.1.0.255");
    is_range(&a->ace[1].sel.local, "10.1.4.0", "10.1.4.255");
    is_range(&a->ace[0].sel.remote, "0.0.0.0", "255.255.255.255");
    is_range(&acl(&b, "11")->ace[0].sel.local, "10.1.0.1", "10.1.0.1");
    a = acl(&b, "12");
    assert_int_equal(a->n, 1);
    assert_false(a->ace[0].permit);
    is_range(&a->ace[0].sel.local, "0.0.0.0", "255.255.255.255");
    a = acl(&b, "13");
    assert_int_equal(a->n, 128); /* every second address */
    is_range(&a->ace[127].sel.local, "10.0.0.254", "10.0.0.254");
    drop(&b);
}

static void test_ports(void **state)
{
    (void)state;
    struct box b = load("ip access-list extended P\n"
                        " permit udp any eq isakmp any eq isakmp non500-isakmp\n"
                        " permit tcp any neq 80 any\n"
                        " permit tcp any any lt 1\n"
                        " permit icmp any any port-unreachable\n"
                        " permit icmp any any echo\n"
                        " deny tcp any any established\n"
                        " permit tcp any any established\n");
    const struct intent_acl *a = acl(&b, "P");
    assert_int_equal(a->n, 2 + 2 + 1 + 1 + 1 + 1); /* a deny that cannot be told is none */
    assert_int_equal(a->ace[0].sel.lport[0], 500);
    assert_int_equal(a->ace[1].sel.rport[0], 4500);
    assert_int_equal(a->ace[2].sel.lport[1], 79);
    assert_int_equal(a->ace[3].sel.lport[0], 81);
    assert_int_equal(a->ace[4].sel.rport[1], 0);
    assert_int_equal(a->ace[5].sel.lport[0], 3 << 8 | 3);
    assert_int_equal(a->ace[5].sel.lport[1], 3 << 8 | 3);
    assert_int_equal(a->ace[6].sel.lport[1], 8 << 8 | 255);
    assert_int_equal(a->ace[7].line, 7);
    drop(&b);
}

static void test_object_groups(void **state)
{
    (void)state;
    struct box b =
        load("object-group network INNER\n host 10.0.0.1\n"
             "object-group network NETS\n 10.1.1.9 255.255.255.0\n group-object INNER\n"
             " range 10.2.0.5 10.2.0.9\n"
             "object-group service WEB\n tcp source gt 1023 eq www\n"
             "object-group service S\n group-object WEB\n tcp-udp eq 53\n icmp echo\n 47\n"
             "ip access-list extended A\n"
             " permit ip object-group NETS host 10.9.9.9\n"
             " deny object-group S any object-group INNER\n"
             " permit ip object-group MISSING any\n"
             " permit object-group MISSING any any\n");
    const struct intent_acl *a = acl(&b, "A");
    assert_int_equal(a->n, 3 + 5);
    is_range(&a->ace[0].sel.local, "10.1.1.0", "10.1.1.255");
    is_range(&a->ace[1].sel.local, "10.0.0.1", "10.0.0.1");
    is_range(&a->ace[2].sel.local, "10.2.0.5", "10.2.0.9");
    is_range(&a->ace[2].sel.remote, "10.9.9.9", "10.9.9.9");
    const struct intent_ace *e = &a->ace[3];
    static const struct {
        uint8_t proto;
        uint16_t lport[2], rport[2];
    } want[] = {{6, {1024, 65535}, {80, 80}},
                {6, {0, 65535}, {53, 53}},
                {17, {0, 65535}, {53, 53}},
                {1, {8 << 8, 8 << 8 | 255}, {0, 65535}},
                {47, {0, 65535}, {0, 65535}}};
    for (unsigned i = 0; i < 5; i++) {
        assert_false(e[i].permit);
        assert_int_equal(e[i].line, 2);
        assert_int_equal(e[i].sel.proto, want[i].proto);
        assert_memory_equal(e[i].sel.lport, want[i].lport, 4);
        assert_memory_equal(e[i].sel.rport, want[i].rport, 4);
        is_range(&e[i].sel.remote, "10.0.0.1", "10.0.0.1");
    }
    drop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_directions),
        cmocka_unit_test(test_wildcards),
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_object_groups),
    };
    return cmocka_run_group_tests_name("derive-acl-ios", tests, NULL, NULL);
}
