/* Whole rounds: from the configuration of seed 000 to the kernel's and the datapath's state. */
#include "bench.h"
#include <linux/rtnetlink.h>

static const struct world_route *route_to(struct bench *b, const char *dst, unsigned len,
                                          uint32_t table)
{
    struct prefix p = pfx(dst, len);
    for (size_t i = 0; i < b->c->world.n_route; i++)
        if (b->c->world.route[i].r.table == table &&
            prefix_cmp(&b->c->world.route[i].r.dst, &p) == 0)
            return &b->c->world.route[i];
    return NULL;
}

static void the_seed_comes_up(void **state)
{
    struct bench *b = bench_seed(state);
    struct world *w = &b->c->world;
    assert_true(bench_find(b, "eth0")->up);
    assert_int_equal(w->n_addr, 2);
    const struct world_route *d = route_to(b, "0.0.0.0", 0, 254);
    assert_non_null(d);
    assert_int_equal(d->r.oif, bench_find(b, "eth0")->ifindex);
    assert_int_equal(d->r.metric, 1);

    const struct world_link *tun = bench_find(b, "tds1");
    assert_non_null(tun);
    assert_non_null(bench_find(b, "tdbypass"));
    assert_int_equal(tun->mtu, 1500); /* what does not fit an SA is the datapath's matter */
    const struct world_route *p = route_to(b, "192.168.10.0", 24, TANDEM_RT_TABLE);
    assert_non_null(p);
    assert_int_equal(p->r.type, RT_UNICAST);
    assert_int_equal(p->r.oif, tun->ifindex);
    struct addr src = adr("192.0.2.1");
    assert_true(addr_eq(&p->r.src, &src));

    assert_int_equal(w->n_rule, 3);
    for (size_t i = 0; i < 3; i++) {
        bool bypass = strcmp(w->rule[i].iif, "tdbypass") == 0;
        if (w->rule[i].iif[0] && !bypass)
            continue; /* test_inbound.c */
        assert_int_equal(w->rule[i].goto_priority, bypass ? 32766 : 0);
        assert_int_equal(w->rule[i].not_mark, !bypass);
        assert_int_equal(w->rule[i].mark, bypass ? 0 : TANDEM_FWMARK);
    }
}

/* The n-th LR_ROUTE that was asked for. */
static struct lr_route route_asked(struct bench *b, unsigned n)
{
    struct lr_route r = {0};
    size_t i = 0;
    while (i < b->n_asked && (b->asked[i].type != LR_ROUTE || n-- > 0))
        i++;
    assert_true(i < b->n_asked);
    memcpy(&r, b->asked[i].data, sizeof(r));
    return r;
}

static void our_tables_come_first_and_go_last(void **state)
{
    struct bench *b = bench_seed(state);
    struct intent none = {0};
    assert_true(ASKED(b, LR_ROUTE) >= 2);
    assert_true(rt_table_is_ours(route_asked(b, 0).table));
    assert_int_equal(route_asked(b, ASKED(b, LR_ROUTE) - 1).table, 254);
    pass(b, 5);
    forget_frames(b);
    control_apply(b->c, &none);
    settle(b);
    assert_int_equal(route_asked(b, 0).table, 254);
    assert_int_equal(route_asked(b, 0).add, 0);
    assert_true(rt_table_is_ours(route_asked(b, 1).table));
}

/* What the kernel does with a packet to this address: the type and device of the best route of a
 * table, as the requests so far have made it. */
static struct lr_route best(const struct world *w, uint32_t table, const char *dst)
{
    struct addr a = adr(dst);
    struct lr_route found = {.type = RT_THROW};
    for (size_t i = 0; i < w->n_route; i++) {
        const struct lr_route *r = &w->route[i].r;
        if (r->table == table && prefix_contains(&r->dst, &a) &&
            (!found.table || r->dst.len > found.dst.len ||
             (r->dst.len == found.dst.len && r->metric < found.metric)))
            found = *r;
    }
    return found;
}

/* Carries out what was asked one request after the other; none lets a packet of the protected
 * network out by the outside in clear. Returns how many there were. */
static unsigned never_in_clear(struct bench *b, struct world *w, uint32_t outside)
{
    unsigned n = ASKED(b, LR_ROUTE);
    for (unsigned i = 0; i < n; i++) {
        struct lr_route r = route_asked(b, i);
        do_route(w, &r);
        world_settle(w);
        bool hole = best(w, TANDEM_RT_TABLE, "192.168.10.200").type == RT_THROW;
        assert_false(hole && best(w, RT_TABLE_MAIN, "192.168.10.200").oif == outside);
    }
    forget_frames(b);
    return n;
}

static void routes_that_move_leave_nothing_in_clear(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    struct world kernel = {0}; /* as it was before the requests that are looked at */
    uint32_t outside = bench_find(b, "eth0")->ifindex;
    pass(b, 5);
    for (size_t i = 0; i < b->c->world.n_route; i++) {
        struct lr_route r = b->c->world.route[i].r;
        r.add = 1;
        do_route(&kernel, &r);
    }
    world_settle(&kernel);
    for (int turn = 0; turn < 4; turn++) {
        forget_frames(b);
        w.behind = !w.behind;
        wish_apply(b, &w);
        assert_true(never_in_clear(b, &kernel, outside) >= 2);
        assert_int_equal(best(&kernel, TANDEM_RT_TABLE, "192.168.10.200").type,
                         w.behind ? RT_THROW : RT_UNICAST);
    }
    free(kernel.route);
}

static void applying_again_is_free(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    pass(b, 5); /* also past the grace of finished requests */
    forget_frames(b);
    wish_apply(b, &w);
    control_reconcile(b->c);
    pass(b, 5);
    assert_int_equal(b->n_asked, 0);
    assert_int_equal(b->n_told, 0);
}

static void nothing_before_a_configuration(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct lr_addr left = {.ifindex = 1, .add = 1, .addr = pfx("192.0.2.1", 24)};
    bench_link(b, "eth0", true, 1500);
    struct lr_rule rule = {.add = 1, .priority = 32001, .table = TANDEM_RT_TABLE};
    struct lr_route route = {.add = 1,
                             .type = RT_THROW,
                             .table = TANDEM_RT_TABLE,
                             .dst = pfx("10.0.0.0", 8)};
    do_addr(&b->c->world, &left); /* from an engine before this one */
    do_rule(&b->c->world, &rule);
    do_route(&b->c->world, &route);
    control_set_ports(b->c, NULL, true);
    pass(b, 3);
    assert_int_equal(b->n_asked, 0);
    struct intent none = {0};
    control_apply(b->c, &none); /* now it is known that nothing is wanted */
    settle(b);
    assert_int_equal(b->c->world.n_rule + b->c->world.n_route, 0);
}

static void a_wall_stands_behind_the_shadow(void **state)
{
    struct bench *b = bench_seed(state);
    struct prefix p = pfx("192.168.10.0", 24);
    unsigned ways = 0, walls = 0;
    for (size_t i = 0; i < b->c->world.n_route; i++) {
        const struct lr_route *r = &b->c->world.route[i].r;
        if (r->table != TANDEM_RT_TABLE || prefix_cmp(&r->dst, &p) != 0)
            continue;
        ways += r->type == RT_UNICAST && r->metric == 1;
        walls += r->type == RT_UNREACHABLE && r->metric == 2;
    }
    assert_int_equal(ways, 1);
    assert_int_equal(walls, 1);
}

static void a_line_twice_is_one_identity(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    w.twice = true;
    wish_apply(b, &w);
    assert_int_equal(b->c->ids.n, 1);
    assert_int_equal(b->c->shadow[1].n_spd, 1);
}

static void everything_goes_with_its_cause(void **state)
{
    struct bench *b = bench_seed(state);
    struct intent none = {0};
    pass(b, 5);
    control_apply(b->c, &none);
    settle(b);
    assert_int_equal(b->c->world.n_addr, 0);
    assert_int_equal(b->c->world.n_rule, 0);
    assert_int_equal(b->c->world.n_route, 0);
    assert_null(bench_find(b, "tds1"));
    assert_null(bench_find(b, "tdbypass"));
    assert_int_equal(TOLD(b, SADB_SPD_FLUSH), 2); /* the first greeted the datapath */
    assert_true(bench_find(b, "eth0")->up);       /* left as it is */
}

static void interface_down_and_up(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    pass(b, 5);
    bench_find(b, "eth0")->carrier = false;
    control_reconcile(b->c);
    settle(b);
    assert_null(route_to(b, "0.0.0.0", 0, 254));
    assert_null(route_to(b, "192.168.10.0", 24, TANDEM_RT_TABLE));
    assert_int_equal(b->c->world.n_addr, 2);
    bench_find(b, "eth0")->carrier = true;
    pass(b, 5);
    control_reconcile(b->c);
    settle(b);
    assert_non_null(route_to(b, "192.168.10.0", 24, TANDEM_RT_TABLE));

    w.shutdown = true;
    wish_apply(b, &w);
    assert_false(bench_find(b, "eth0")->up);
    assert_null(bench_find(b, "tds1"));
}

static void no_clear_text_without_a_shadow(void **state)
{
    struct bench *b = (struct bench *)*state;
    b->refuse = LR_TUN;
    bench_seed(state);
    const struct world_route *p = route_to(b, "192.168.10.0", 24, TANDEM_RT_TABLE);
    assert_non_null(p);
    assert_int_equal(p->r.type, RT_UNREACHABLE);
    b->refuse = 0;
    pass(b, 10); /* it keeps trying */
    p = route_to(b, "192.168.10.0", 24, TANDEM_RT_TABLE);
    assert_int_equal(p->r.type, RT_UNICAST);
}

static void the_shadow_follows_the_mtu(void **state)
{
    struct bench *b = bench_seed(state);
    bench_find(b, "eth0")->mtu = 1400;
    control_reconcile(b->c);
    settle(b);
    assert_int_equal(bench_find(b, "tds1")->mtu, 1400);
}

static bool port_trouble(void *ctx, const struct query_port *p)
{
    if (strcmp(p->name, "GigabitEthernet0/0") == 0)
        str_copy((char *)ctx, 160, p->trouble);
    return true;
}

static void a_refusal_is_told_and_tried_again(void **state)
{
    struct bench *b = (struct bench *)*state;
    char text[160] = "";
    b->refuse = LR_ADDR;
    bench_seed(state);
    query_ports(b->c, port_trouble, text);
    assert_string_equal(text, "address cannot be set: refused");
    b->refuse = 0;
    pass(b, 10);
    query_ports(b->c, port_trouble, text);
    assert_string_equal(text, "");
    assert_int_equal(b->c->world.n_addr, 2);
}

static void troubles_of_routes_and_shadows(void **state)
{
    struct bench *b = (struct bench *)*state;
    char text[160] = "";
    b->refuse = LR_TUN;
    bench_seed(state);
    query_ports(b->c, port_trouble, text);
    assert_string_equal(text, "crypto map: refused");
    b->refuse = LR_ROUTE;
    pass(b, 5);
    query_ports(b->c, port_trouble, text);
    assert_string_equal(text, "route: refused");
    b->refuse = 0;
    pass(b, 40);
    query_ports(b->c, port_trouble, text);
    assert_string_equal(text, "");
    assert_non_null(route_to(b, "0.0.0.0", 0, 254));
}

/* --- policies ------------------------------------------------------------------------------------
 */

static const struct frame *last_told(struct bench *b, uint16_t type)
{
    for (size_t i = b->n_told; i-- > 0;)
        if (b->told[i].type == type)
            return &b->told[i];
    return NULL;
}

static size_t spd_of(struct bench *b, struct sadb_spd_entry *e, size_t max)
{
    const struct frame *f = last_told(b, SADB_SPD_SET);
    struct sadb_spd_set s;
    assert_non_null(f);
    if (!f)
        return 0;
    memcpy(&s, f->data, sizeof(s));
    assert_int_equal(s.ifid, 1);
    assert_int_equal(s.more, 0);
    assert_true(s.count <= max && f->len == sizeof(s) + s.count * sizeof(*e));
    memcpy(e, f->data + sizeof(s), s.count * sizeof(*e));
    return s.count;
}

static void policies_keep_their_numbers(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    struct sadb_spd_entry e[8] = {0};
    assert_int_equal(spd_of(b, e, 8), 1);
    assert_int_equal(e[0].action, SPD_PROTECT);
    uint32_t policy = e[0].policy, slot = e[0].slot;
    assert_true(policy && slot < DPSTATS_SLOTS);

    w.deny_first = true;
    w.lines = 3;
    wish_apply(b, &w);
    assert_int_equal(spd_of(b, e, 8), 4);
    assert_int_equal(e[0].action, SPD_SKIP);
    assert_int_equal(e[1].policy, policy); /* the same line, further down now */
    assert_int_equal(e[1].slot, slot);
    assert_int_not_equal(e[2].policy, policy);
    uint32_t third = e[3].policy;

    w.lines = 1;
    wish_apply(b, &w);
    assert_int_equal(spd_of(b, e, 8), 2);
    assert_int_equal(e[1].policy, policy);
    w.lines = 3;
    wish_apply(b, &w);
    assert_int_equal(spd_of(b, e, 8), 4);
    assert_true(e[3].policy > third); /* a number never comes back */
}

static void incomplete_entries_protect(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    struct sadb_spd_entry e[8] = {0};
    w.peers = 0;
    wish_apply(b, &w);
    assert_int_equal(spd_of(b, e, 8), 1);
    assert_int_equal(e[0].action, SPD_PROTECT);
    assert_int_equal(e[0].accept_only, 1);
    assert_non_null(route_to(b, "192.168.10.0", 24, TANDEM_RT_TABLE));
}

static void a_new_datapath_is_told_everything(void **state)
{
    struct bench *b = bench_seed(state);
    forget_frames(b);
    bench_datapath(b);
    settle(b);
    assert_int_equal(TOLD(b, SADB_DUMP), 1);
    assert_int_equal(TOLD(b, SADB_FLUSH), 0);
    assert_int_equal(TOLD(b, SADB_SPD_SET), 1);
    assert_int_equal(TOLD(b, SADB_LOCAL_ADDRS), 1);
    assert_int_equal(b->n_asked, 0);
    /* after all of it, that packets may come */
    assert_int_equal(TOLD(b, SADB_GO), 1);
    assert_int_equal(b->told[b->n_told - 1].type, SADB_GO);
    control_reconcile(b->c);
    settle(b);
    assert_int_equal(TOLD(b, SADB_GO), 1);
}

static bool see_identity(void *ctx, const struct query_identity *q)
{
    struct addr local = adr("192.0.2.1");
    assert_true(addr_eq(&q->local, &local));
    assert_string_equal(q->ifp->nameif, "OUTSIDE");
    assert_string_equal(q->map->name, "MAP-2");
    assert_null(q->sa);
    assert_false(addr_is_set(&q->current_peer));
    ++*(unsigned *)ctx;
    return true;
}

static void identities_show_when_down(void **state)
{
    struct bench *b = bench_seed(state);
    struct wish w = seed_wish();
    unsigned n = 0;
    w.lines = 3;
    wish_apply(b, &w);
    query_identities(b->c, see_identity, &n);
    assert_int_equal(n, 3);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_up, bench_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_seed_comes_up),
        T(our_tables_come_first_and_go_last),
        T(routes_that_move_leave_nothing_in_clear),
        T(applying_again_is_free),
        T(nothing_before_a_configuration),
        T(a_wall_stands_behind_the_shadow),
        T(a_line_twice_is_one_identity),
        T(everything_goes_with_its_cause),
        T(interface_down_and_up),
        T(no_clear_text_without_a_shadow),
        T(the_shadow_follows_the_mtu),
        T(troubles_of_routes_and_shadows),
        T(a_refusal_is_told_and_tried_again),
        T(policies_keep_their_numbers),
        T(incomplete_entries_protect),
        T(a_new_datapath_is_told_everything),
        T(identities_show_when_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
