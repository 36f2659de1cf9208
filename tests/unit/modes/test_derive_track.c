/* From the tree to the intent: tracked objects of both dialects. */
#include "derive_bench.h"

static void asa_objects(void **state)
{
    struct box b = box_of(true, "track 7 rtr 500 reachability\ntrack 2 rtr 9 reachability\n");
    const struct intent *i = &b.c->intent;
    (void)state;
    assert_int_equal(i->n_track, 2);
    assert_int_equal(i->track[0].number, 2); /* by number */
    assert_int_equal(i->track[1].number, 7);
    assert_int_equal(i->track[1].sla, 500);
    assert_int_equal(i->track[1].kind, TRACK_SLA_REACH);
    drop(&b);
}

static void ios_objects(void **state)
{
    struct box b = box_of(false, "track 1 interface fa0/0 line-protocol\n delay up 5\n"
                                 " delay down 2\n"
                                 "track 2 interface fa0/0 ip routing\n"
                                 "track 3 ip sla 5\n default-state up\n"
                                 "track 4 rtr 5 reachability\n"
                                 "track 5 ip route 10.9.0.0/16 reachability\n"
                                 "track 6 ip route 10.9.0.0 255.255.0.0 metric threshold\n"
                                 "track 7 ip route 0.0.0.0 0.0.0.0 metric threshold\n"
                                 " threshold metric up 10 down 20\n");
    const struct intent_track *t = b.c->intent.track;
    (void)state;
    assert_int_equal(b.c->intent.n_track, 7);
    for (uint32_t k = 0; k < 7; k++)
        assert_int_equal(t[k].number, k + 1);
    assert_int_equal(t[0].kind, TRACK_LINE);
    assert_string_equal(t[0].ifname, "FastEthernet0/0");
    assert_true(t[0].delay_up == 5 && t[0].delay_down == 2);
    assert_int_equal(t[1].kind, TRACK_IP_ROUTING);
    assert_int_equal(t[2].kind, TRACK_SLA_STATE);
    assert_true(t[2].default_up && t[2].sla == 5 && !t[2].delay_up);
    assert_int_equal(t[3].kind, TRACK_SLA_REACH);
    assert_int_equal(t[4].kind, TRACK_ROUTE);
    is_addr(&t[4].dst.addr, "10.9.0.0");
    assert_int_equal(t[4].dst.len, 16);
    assert_int_equal(t[5].kind, TRACK_METRIC);
    assert_true(t[5].least_up == 254 && t[5].most_down == 255);
    assert_true(t[6].least_up == 10 && t[6].most_down == 20 && t[6].dst.len == 0);
    drop(&b);
}

static void lists(void **state)
{
    struct box b = box_of(false, "track 1 list boolean and\n object 3\n object 2 not\n"
                                 "track 2 list boolean or\n"
                                 "track 4 list threshold weight\n object 3 weight 20\n object 9\n"
                                 " threshold weight up 25 down 15\n"
                                 "track 5 list threshold percentage\n object 3\n"
                                 " threshold percentage down 40\n threshold percentage up 51\n");
    const struct intent_track *t = b.c->intent.track;
    (void)state;
    assert_int_equal(t[0].kind, TRACK_AND);
    assert_int_equal(t[0].n_member, 2);
    assert_true(t[0].member[0].number == 2 && t[0].member[0].negated);
    assert_true(t[0].member[1].number == 3 && !t[0].member[1].negated);
    assert_true(t[1].kind == TRACK_OR && t[1].n_member == 0);
    assert_true(t[2].member[0].weight == 20 && t[2].member[1].weight == 10);
    assert_true(t[2].least_up == 25 && t[2].most_down == 15);
    assert_true(t[3].least_up == 51 && t[3].most_down == 40);
    drop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asa_objects),
        cmocka_unit_test(ios_objects),
        cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
