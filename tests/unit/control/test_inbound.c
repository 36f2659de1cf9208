/* What arrives in clear: one TUN, one rule and one table per interface with a crypto map. */
#include "bench.h"

#define TABLE(ifid) (TANDEM_RT_TABLE + (ifid))

static const struct lr_rule *rule_of(struct bench *b, const char *netdev)
{
    for (size_t i = 0; i < b->c->world.n_rule; i++)
        if (strcmp(b->c->world.rule[i].iif, netdev) == 0)
            return &b->c->world.rule[i];
    return NULL;
}

static const struct lr_route *route_to(struct bench *b, uint32_t table, const char *dst,
                                       unsigned len, uint32_t metric)
{
    struct prefix p = pfx(dst, len);
    for (size_t i = 0; i < b->c->world.n_route; i++) {
        const struct lr_route *r = &b->c->world.route[i].r;
        if (r->table == table && r->metric == metric && prefix_cmp(&r->dst, &p) == 0)
            return r;
    }
    return NULL;
}

static size_t routes_in(struct bench *b, uint32_t table)
{
    size_t n = 0;
    for (size_t i = 0; i < b->c->world.n_route; i++)
        n += b->c->world.route[i].r.table == table;
    return n;
}

static uint32_t priority_of(struct bench *b, uint32_t table)
{
    for (size_t i = 0; i < b->c->world.n_rule; i++)
        if (b->c->world.rule[i].table == table)
            return b->c->world.rule[i].priority;
    return 0;
}

static void local_networks_lead_to_the_inbound_tun(void **state)
{
    struct bench *b = bench_seed(state);
    const struct world_link *tun = bench_find(b, "tdi1");
    assert_non_null(tun);
    assert_int_equal(tun->mtu, 65535); /* it limits nothing that passes */
    const struct lr_rule *r = rule_of(b, "eth0");
    assert_non_null(r);
    assert_int_equal(r->table, TABLE(1));
    assert_int_equal(r->mark + r->not_mark + r->goto_priority, 0);
    assert_true(rule_of(b, "tdbypass")->priority < r->priority);
    assert_true(r->priority < priority_of(b, TANDEM_RT_TABLE));
    assert_null(rule_of(b, "eth1"));

    assert_int_equal(routes_in(b, TABLE(1)), 2);
    const struct lr_route *way = route_to(b, TABLE(1), "10.10.10.0", 24, 1);
    const struct lr_route *wall = route_to(b, TABLE(1), "10.10.10.0", 24, 2);
    assert_int_equal(way->type, RT_UNICAST);
    assert_int_equal(way->oif, tun->ifindex);
    assert_false(addr_is_set(&way->src) || addr_is_set(&way->gw));
    assert_int_equal(wall->type, RT_UNREACHABLE);
}

static void prefixes_inside_others_are_left_out(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    w.lines = 4; /* all from 10.10.10.0/24 */
    wish_apply(b, &w);
    assert_int_equal(routes_in(b, TABLE(1)), 2);
    w.any = true;
    wish_apply(b, &w);
    pass(b, 3);
    assert_int_equal(routes_in(b, TABLE(1)), 2);
    assert_non_null(route_to(b, TABLE(1), "0.0.0.0", 0, 1));
}

static void a_deny_line_alone_leads_nowhere(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    w.deny_first = true;
    w.lines = 0;
    wish_apply(b, &w);
    assert_int_equal(routes_in(b, TABLE(1)), 0);
}

static void each_interface_has_its_own(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    pass(b, 5);
    forget_frames(b);
    w.both = true;
    wish_apply(b, &w);
    pass(b, 3);
    assert_int_equal(rule_of(b, "eth0")->table, TABLE(1));
    assert_int_equal(rule_of(b, "eth1")->table, TABLE(2));
    assert_int_equal(rule_of(b, "eth0")->priority, rule_of(b, "eth1")->priority);
    assert_int_equal(route_to(b, TABLE(1), "10.10.10.0", 24, 1)->oif,
                     bench_find(b, "tdi1")->ifindex);
    assert_int_equal(route_to(b, TABLE(2), "10.10.10.0", 24, 1)->oif,
                     bench_find(b, "tdi2")->ifindex);
    assert_int_equal(ASKED(b, LR_RULE), 1); /* the first one's stays untouched */

    w.both = false;
    pass(b, 5);
    wish_apply(b, &w);
    assert_null(rule_of(b, "eth1"));
    assert_null(bench_find(b, "tdi2"));
    assert_int_equal(routes_in(b, TABLE(2)), 0);
    assert_int_equal(routes_in(b, TABLE(1)), 2);
    assert_non_null(rule_of(b, "eth0"));
}

/* It is looked at before the port can be spoken to; a port without a wish for one is not in use. */
static void it_does_not_wait_for_the_address(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct wish w = seed_wish();
    b->refuse = LR_ADDR;
    bench_seed(state);
    pass(b, 3);
    assert_int_equal(b->c->world.n_addr, 0);
    assert_int_equal(route_to(b, TABLE(1), "10.10.10.0", 24, 1)->type, RT_UNICAST);
    w.outside = NULL;
    wish_apply(b, &w);
    assert_int_equal(routes_in(b, TABLE(1)), 0);
    assert_null(rule_of(b, "eth0"));
}

static void closed_until_there_is_a_tun(void **state)
{
    struct bench *b = (struct bench *)*state;
    b->refuse = LR_TUN;
    bench_seed(state);
    assert_int_equal(route_to(b, TABLE(1), "10.10.10.0", 24, 1)->type, RT_UNREACHABLE);
    assert_int_equal(routes_in(b, TABLE(1)), 1);
    b->refuse = 0;
    pass(b, 10);
    assert_int_equal(route_to(b, TABLE(1), "10.10.10.0", 24, 1)->type, RT_UNICAST);
    bench_find(b, "tdi1")->up = false; /* somebody took it down */
    control_reconcile(b->c);
    pass(b, 3);
    assert_true(bench_find(b, "tdi1")->up);
    assert_int_equal(route_to(b, TABLE(1), "10.10.10.0", 24, 1)->type, RT_UNICAST);
}

static void all_goes_with_the_map_and_foreign_ones_of_ours_too(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    struct lr_rule left = {.add = 1, .priority = 32001, .table = TABLE(7), .iif = "eth9"};
    struct lr_route way = {.add = 1,
                           .type = RT_UNREACHABLE,
                           .table = TABLE(7),
                           .dst = pfx("10.0.0.0", 8)};
    do_rule(&b->c->world, &left); /* from an engine before this one */
    do_route(&b->c->world, &way);
    pass(b, 5);
    control_reconcile(b->c);
    settle(b);
    assert_null(rule_of(b, "eth9"));
    assert_int_equal(routes_in(b, TABLE(7)), 0);
    assert_non_null(rule_of(b, "eth0"));
    w.map = false;
    wish_apply(b, &w);
    assert_int_equal(b->c->world.n_rule, 0);
    assert_int_equal(routes_in(b, TABLE(1)), 0);
    assert_null(bench_find(b, "tdi1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(local_networks_lead_to_the_inbound_tun, bench_up,
                                        bench_down),
        cmocka_unit_test_setup_teardown(prefixes_inside_others_are_left_out, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(a_deny_line_alone_leads_nowhere, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(each_interface_has_its_own, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(it_does_not_wait_for_the_address, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(closed_until_there_is_a_tun, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(all_goes_with_the_map_and_foreign_ones_of_ours_too,
                                        bench_up, bench_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
