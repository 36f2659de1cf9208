/* Tunnel interfaces: what is routed into one never takes another way. */
#include "bench.h"
#include <linux/rtnetlink.h>

#define FAR "10.2.2.0" /* behind Tunnel1 */

struct want {
    bool unnumbered, shut, second; /* of Tunnel1; FAR is behind Tunnel2, too */
};

static void add_tunnel(struct intent *i, unsigned number, struct want w)
{
    struct intent_if *f = &i->ifs[i->n_if++];
    snprintf(f->name, sizeof(f->name), "Tunnel%u", number);
    f->kind = IF_TUNNEL;
    f->number = number;
    f->shutdown = w.shut;
    f->unnumbered = w.unnumbered;
    if (!w.unnumbered)
        f->addr = pfx(number == 1 ? "10.0.1.1" : "10.0.2.1", 30);
    f->tunnel = (struct intent_tunnel){.mode = TUNNEL_GRE,
                                       .source = adr("192.0.2.1"),
                                       .destination = adr("192.0.2.2")};
    f->map = arena_new(&i->arena, struct intent_map);
    struct intent_route *r = &i->route[i->n_route++];
    *r = (struct intent_route){.dst = pfx(FAR, 24), .distance = 1};
    str_copy(r->ifname, sizeof(r->ifname), f->name);
}

static void apply(struct bench *b, struct want w)
{
    struct intent i = {0};
    i.ifs = arena_array(&i.arena, struct intent_if, 3);
    i.route = arena_array(&i.arena, struct intent_route, 3);
    i.n_if = i.n_route = 1;
    strcpy(i.ifs[0].name, "Ethernet0/0");
    i.ifs[0].addr = pfx("192.0.2.1", 24);
    i.route[0] =
        (struct intent_route){.dst = pfx("0.0.0.0", 0), .gateway = adr("192.0.2.9"), .distance = 1};
    add_tunnel(&i, 1, w);
    if (w.second)
        add_tunnel(&i, 2, w);
    control_apply(b->c, &i);
    settle(b);
    pass(b, 5);
}

static struct bench *box(void **state, struct want w)
{
    struct bench *b = (struct bench *)*state;
    bench_link(b, "eth0", true, 1500);
    control_set_ports(b->c, "Ethernet0/0 eth0\n", false);
    apply(b, w);
    return b;
}

static const struct lr_route *in_main(struct bench *b, const char *dst, unsigned len, uint8_t type)
{
    struct prefix p = pfx(dst, len);
    world_settle(&b->c->world);
    for (size_t i = 0; i < b->c->world.n_route; i++) {
        const struct lr_route *r = &b->c->world.route[i].r;
        if (r->table == RT_TABLE_MAIN && r->type == type && prefix_cmp(&r->dst, &p) == 0)
            return r;
    }
    return NULL;
}

static void a_wall_stands_behind_each_way_into_a_tunnel(void **state)
{
    struct bench *b = box(state, (struct want){0});
    const struct lr_route *way = in_main(b, FAR, 24, RT_UNICAST);
    const struct lr_route *wall = in_main(b, FAR, 24, RT_UNREACHABLE);
    const struct lr_route *net = in_main(b, "10.0.1.0", 30, RT_UNREACHABLE);
    assert_non_null(way);
    assert_non_null(wall);
    assert_non_null(net); /* the kernel's own route stands before it */
    assert_int_equal(way->oif, bench_find(b, "tdt2")->ifindex);
    assert_true(wall->metric > way->metric);
    assert_true(net->metric > 0);
    /* what leads elsewhere has none */
    assert_null(in_main(b, "0.0.0.0", 0, RT_UNREACHABLE));
    assert_null(in_main(b, "192.0.2.0", 24, RT_UNREACHABLE));
}

static void one_wall_behind_two_ways(void **state)
{
    struct bench *b = box(state, (struct want){.unnumbered = true, .second = true});
    const struct lr_route *way = in_main(b, FAR, 24, RT_UNICAST);
    size_t walls = 0;
    assert_non_null(way);
    assert_int_equal(way->n_more, 1);
    for (size_t i = 0; i < b->c->world.n_route; i++)
        walls += b->c->world.route[i].r.type == RT_UNREACHABLE;
    assert_int_equal(walls, 1);
}

/* Else packets would follow the default route until it is there. */
static void the_wall_stands_before_the_device(void **state)
{
    static const struct want both[] = {{.unnumbered = true}, {.unnumbered = false}};
    struct bench *b = (struct bench *)*state;
    b->refuse = LR_TUN;
    box(state, both[0]);
    for (size_t i = 0; i < 2; i++) {
        apply(b, both[i]);
        assert_null(bench_find(b, "tdt2"));
        assert_null(in_main(b, FAR, 24, RT_UNICAST));
        assert_non_null(in_main(b, FAR, 24, RT_UNREACHABLE));
    }
    b->refuse = 0;
    pass(b, 40);
    assert_non_null(in_main(b, FAR, 24, RT_UNICAST));
    assert_non_null(in_main(b, FAR, 24, RT_UNREACHABLE));
}

/* A tunnel that somebody shuts is no way any more: other routes count. */
static void no_wall_for_a_tunnel_that_is_shut(void **state)
{
    struct bench *b = box(state, (struct want){0});
    apply(b, (struct want){.shut = true});
    assert_null(in_main(b, FAR, 24, RT_UNICAST));
    assert_null(in_main(b, FAR, 24, RT_UNREACHABLE));
    assert_null(in_main(b, "10.0.1.0", 30, RT_UNREACHABLE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_wall_stands_behind_each_way_into_a_tunnel, bench_up,
                                        bench_down),
        cmocka_unit_test_setup_teardown(one_wall_behind_two_ways, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(the_wall_stands_before_the_device, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(no_wall_for_a_tunnel_that_is_shut, bench_up, bench_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
