/*
 * From IOS configuration text to the intent: OSPF, and which interfaces take part.
 */
#include "derive_bench.h"

static const struct intent_ospf_if *on(const struct box *b, unsigned n)
{
    assert_true(n < b->c->intent.n_if);
    return &b->c->intent.ifs[n].ospf;
}

static void test_narrowest_network_counts(void **state)
{
    struct box b =
        box_of(false, "interface GigabitEthernet0/0\n ip address 10.2.0.3 255.255.255.0\n"
                      "interface GigabitEthernet0/1\n ip address 10.3.0.3 255.255.255.0\n"
                      "interface GigabitEthernet0/2\n ip address 192.0.2.1 255.255.255.0\n"
                      "router ospf 7\n network 10.0.0.0 0.255.255.255 area 5\n"
                      " network 10.2.0.99 0.0.0.255 area 0.0.1.2\n"
                      " passive-interface GigabitEthernet0/1\n");
    (void)state;
    assert_int_equal(b.c->intent.ospf.process, 7);
    assert_true(on(&b, 0)->on);
    assert_int_equal(on(&b, 0)->area, 258);
    assert_false(on(&b, 0)->passive);
    assert_true(on(&b, 1)->on);
    assert_int_equal(on(&b, 1)->area, 5);
    assert_true(on(&b, 1)->passive);
    assert_false(on(&b, 2)->on);
    drop(&b);
}

static void test_wildcards_need_not_be_masks(void **state)
{
    struct box b =
        box_of(false, "interface GigabitEthernet0/0\n ip address 10.2.0.3 255.255.255.0\n"
                      "interface GigabitEthernet0/1\n ip address 10.3.0.3 255.255.255.0\n"
                      "router ospf 1\n network 10.2.0.0 0.4.255.255 area 0\n");
    (void)state;
    assert_true(on(&b, 0)->on);
    assert_false(on(&b, 1)->on); /* 2 and 6 only */
    drop(&b);
}

static void test_lines_of_interfaces(void **state)
{
    struct box b =
        box_of(false, "interface GigabitEthernet0/0\n ip address 10.2.0.3 255.255.255.0\n"
                      " ip address 10.22.0.3 255.255.255.0 secondary\n"
                      " bandwidth 64\n ip ospf 1 area 9\n ip ospf hello-interval 2\n"
                      " ip ospf priority 0\n"
                      "interface GigabitEthernet0/1\n ip address 10.3.0.3 255.255.255.0\n"
                      " ip ospf 2 area 9\n ip ospf network non-broadcast\n"
                      " ip ospf cost 3\n"
                      "interface GigabitEthernet0/2\n ip ospf 1 area 9\n"
                      " ip ospf dead-interval 7\n"
                      "router ospf 1\n");
    const struct intent_ospf_if *o = on(&b, 0);
    (void)state;
    assert_true(o->on && o->area == 9 && o->hello == 2 && o->dead == 8 && o->priority == 0);
    assert_int_equal(o->kbps, 64);
    assert_true(o->addr2 & 1);
    o = on(&b, 1); /* of another process */
    assert_false(o->on);
    assert_true(o->hello == 30 && o->dead == 120 && o->cost == 3 && o->priority == 1);
    o = on(&b, 2); /* it has no address */
    assert_false(o->on);
    assert_int_equal(o->dead, 7);
    drop(&b);
}

static void test_routes_from_elsewhere(void **state)
{
    struct box b =
        box_of(false, "router ospf 1\n redistribute static subnets\n"
                      " redistribute connected metric 5 metric-type 1 tag 3\n"
                      " default-information originate always metric 9\n"
                      " area 1 stub no-summary\n area 2 nssa\n passive-interface default\n"
                      "interface GigabitEthernet0/0\n ip address 10.2.0.3 255.255.255.0\n"
                      " ip ospf 1 area 0\n");
    const struct intent_ospf *o = &b.c->intent.ospf;
    (void)state;
    assert_true(o->statics.on && o->statics.subnets && o->statics.type == 2);
    assert_int_equal(o->statics.metric, 20);
    assert_true(o->connected.on && !o->connected.subnets && o->connected.type == 1);
    assert_true(o->connected.metric == 5 && o->connected.tag == 3);
    assert_true(o->originate.on && o->originate.always && o->originate.metric == 9);
    assert_int_equal(o->n_area, 2);
    assert_true(!o->area[0].nssa && o->area[0].totally && o->area[1].nssa && !o->area[1].totally);
    assert_true(on(&b, 0)->on && on(&b, 0)->passive);
    drop(&b);
}

static void test_passive_with_exceptions(void **state)
{
    struct box b =
        box_of(false, "interface GigabitEthernet0/0\n ip address 10.2.0.3 255.255.255.0\n"
                      "interface GigabitEthernet0/1\n ip address 10.3.0.3 255.255.255.0\n"
                      "router ospf 1\n network 10.0.0.0 0.255.255.255 area 0\n"
                      " passive-interface default\n no passive-interface GigabitEthernet0/1\n");
    (void)state;
    assert_true(on(&b, 0)->passive);
    assert_false(on(&b, 1)->passive);
    drop(&b);
}

static void test_authentication(void **state)
{
    struct box b =
        box_of(false, "router ospf 1\n area 4 authentication message-digest\n"
                      "interface GigabitEthernet0/0\n ip address 10.2.0.3 255.255.255.0\n"
                      " ip ospf 1 area 4\n ip ospf message-digest-key 9 md5 nine\n"
                      " ip ospf message-digest-key 2 md5 two\n"
                      "interface GigabitEthernet0/1\n ip address 10.3.0.3 255.255.255.0\n"
                      " ip ospf 1 area 4\n ip ospf authentication\n"
                      " ip ospf authentication-key secret\n"
                      "interface GigabitEthernet0/2\n ip address 10.4.0.3 255.255.255.0\n"
                      " ip ospf 1 area 4\n ip ospf authentication null\n");
    const struct intent_ospf_if *o = on(&b, 0);
    (void)state;
    assert_int_equal(o->auth, OSPF_AUTH_DIGEST); /* the area's */
    assert_true(o->n_digest == 2 && o->digest_id[0] == 2 && o->digest_id[1] == 9);
    assert_string_equal(o->digest[1], "nine");
    assert_int_equal(on(&b, 1)->auth, OSPF_AUTH_SIMPLE);
    assert_string_equal(on(&b, 1)->key, "secret");
    assert_int_equal(on(&b, 2)->auth, OSPF_AUTH_NULL);
    drop(&b);
}

static void test_without_a_process(void **state)
{
    struct box b =
        box_of(false, "interface GigabitEthernet0/0\n ip address 10.2.0.3 255.255.255.0\n"
                      " ip ospf 1 area 0\n");
    (void)state;
    assert_int_equal(b.c->intent.ospf.process, 0);
    assert_false(on(&b, 0)->on);
    drop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_narrowest_network_counts),
        cmocka_unit_test(test_wildcards_need_not_be_masks),
        cmocka_unit_test(test_lines_of_interfaces),
        cmocka_unit_test(test_routes_from_elsewhere),
        cmocka_unit_test(test_passive_with_exceptions),
        cmocka_unit_test(test_authentication),
        cmocka_unit_test(test_without_a_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
