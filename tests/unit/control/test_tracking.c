/* Objects and routes together: a box whose default route follows a probe, an interface or a route,
 * what the kernel gets of it, and what is told. */
#include "bench.h"
#include "told.h"

#define OUT1 "GigabitEthernet0/0"
#define OUT2 "GigabitEthernet0/1"

/* VPN-PEER-2 of seed 000 by its ports, with an inside. */
static void plan_ports(struct intent *i, bool asa)
{
    static const char *const name[] = {OUT1, OUT2, "GigabitEthernet0/2"};
    static const char *const nameif[] = {"PRIMARY-ISP", "BACKUP-ISP", "inside"};
    static const char *const addr[] = {"203.0.113.1", "198.51.100.1", "192.168.10.2"};
    i->n_if = 3;
    i->ifs = arena_array(&i->arena, struct intent_if, 3);
    for (int k = 0; k < 3; k++) {
        str_copy(i->ifs[k].name, sizeof i->ifs[k].name, name[k]);
        str_copy(i->ifs[k].nameif, sizeof i->ifs[k].nameif, nameif[k]);
        i->ifs[k].addr = pfx(addr[k], 24);
    }
    i->log = (struct syslog_cfg){.asa = asa, .on = true, .size = 65536};
    i->log.sink[SYSLOG_BUFFER].on = true;
    i->log.sink[SYSLOG_BUFFER].level = 7;
    i->route = arena_array(&i->arena, struct intent_route, 16);
    i->track = arena_array(&i->arena, struct intent_track, 8);
    for (int k = 0; k < 8; k++)
        i->track[k].member = arena_array(&i->arena, struct intent_member, 4);
}

static struct intent_route *add_route(struct intent *i, const char *ifname, const char *dst,
                                      unsigned len, const char *gw, uint8_t distance)
{
    struct intent_route *r = &i->route[i->n_route++];
    *r = (struct intent_route){.dst = pfx(dst, len), .gateway = adr(gw), .distance = distance};
    str_copy(r->ifname, sizeof r->ifname, ifname);
    return r;
}

static struct intent_track *add_track(struct intent *i, enum intent_track_kind kind)
{
    struct intent_track *t = &i->track[i->n_track++];
    t->number = i->n_track;
    t->kind = kind;
    return t;
}

static struct bench *begin(void **state, struct intent *i, bool asa)
{
    struct bench *b = (struct bench *)*state;
    for (int k = 0; k < 3; k++) {
        char dev[8];
        snprintf(dev, sizeof(dev), "eth%d", k);
        bench_link(b, dev, true, 1500);
    }
    control_set_ports(b->c,
                      OUT1 " eth0\n" OUT2 " eth1\n"
                           "GigabitEthernet0/2 eth2\n",
                      asa);
    control_apply(b->c, i);
    settle(b);
    syslog_clear(b->c->syslog); /* of ports that came up */
    return b;
}

/* The one route of `main` to this prefix. */
static const struct lr_route *in_main(struct bench *b, const char *dst, unsigned len)
{
    struct prefix p = pfx(dst, len);
    const struct lr_route *found = NULL;
    world_settle(&b->c->world);
    for (size_t i = 0; i < b->c->world.n_route; i++) {
        const struct lr_route *r = &b->c->world.route[i].r;
        if (r->table != 254 || prefix_cmp(&r->dst, &p) != 0)
            continue;
        assert_null(found);
        found = r;
    }
    return found;
}

static bool goes_to(struct bench *b, const char *gw)
{
    const struct lr_route *r = in_main(b, "0.0.0.0", 0);
    struct addr a = adr(gw);
    return r && addr_eq(&r->gw, &a);
}

static void carrier(struct bench *b, const char *dev, bool on)
{
    bench_find(b, dev)->carrier = on;
    control_kick(b->c); /* as the kernel's news do */
    settle(b);
}

static void plan_seed(struct intent *i, bool asa)
{
    plan_ports(i, asa);
    strcpy(add_track(i, TRACK_LINE)->ifname, OUT1);
    add_route(i, OUT1, "0.0.0.0", 0, "203.0.113.2", 1)->track = 1;
    add_route(i, OUT2, "0.0.0.0", 0, "198.51.100.2", 254);
}

static void a_floating_route_on_the_asa(void **state)
{
    struct intent i = {0};
    plan_seed(&i, true);
    struct bench *b = begin(state, &i, true);
    assert_true(goes_to(b, "203.0.113.2"));
    carrier(b, "eth0", false);
    assert_true(goes_to(b, "198.51.100.2"));
    assert_int_equal(told(b, "%ASA-6-622001: Removing tracked route 0.0.0.0 0.0.0.0 203.0.113.2, "
                             "distance 1, table default, on interface PRIMARY-ISP"),
                     1);
    carrier(b, "eth0", true);
    assert_true(goes_to(b, "203.0.113.2"));
    assert_int_equal(told(b, "%ASA-6-622001: Adding tracked route 0.0.0.0 0.0.0.0 203.0.113.2, "
                             "distance 1, table default, on interface PRIMARY-ISP"),
                     1);
    assert_int_equal(told(b, "TRACKING"), 0);
}

/* Seed 003: the object is told before the link. */
static void an_interface_on_ios(void **state)
{
    struct intent i = {0};
    struct str s = {0};
    plan_seed(&i, false);
    struct bench *b = begin(state, &i, false);
    control_debug(b->c, CONTROL_DEBUG_TRACK, 1);
    carrier(b, "eth0", false);
    pass(b, 3);
    syslog_each(b->c->syslog, keep_line, &s);
    const char *t = strstr(str_text(&s), "%TRACKING-5-STATE: 1 interface Gi0/0 line-protocol "
                                         "Up->Down");
    const char *l = strstr(str_text(&s), "%LINK-3-UPDOWN");
    assert_non_null(t);
    assert_non_null(l);
    assert_true(t < l);
    str_free(&s);
    assert_non_null(strstr(b->notice, "Track: 1 Change #3 interface Gi0/0 line-protocol Up->Down"));
    carrier(b, "eth0", true);
    assert_int_equal(told(b, "%TRACKING-5-STATE: 1 interface Gi0/0 line-protocol Down->Up"), 1);
    assert_int_equal(told(b, "622001"), 0);
}

/* An object that is not there, and a probe that is not there, are down. */
static void what_is_unknown_is_down(void **state)
{
    struct intent i = {0};
    plan_seed(&i, true);
    i.track[0].kind = TRACK_SLA_REACH;
    i.track[0].sla = 77;
    add_route(&i, "GigabitEthernet0/2", "10.1.0.0", 16, "192.168.10.9", 1)->track = 9;
    struct bench *b = begin(state, &i, true);
    assert_true(goes_to(b, "198.51.100.2"));
    assert_null(in_main(b, "10.1.0.0", 16));
}

/* A new engine finds the tracked route in the kernel: it stays until the probe says otherwise. */
static void an_engine_that_takes_over(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct intent i = {0};
    plan_seed(&i, true);
    i.track[0].kind = TRACK_SLA_REACH;
    i.track[0].sla = 500;
    i.sla = arena_new(&i.arena, struct intent_sla);
    *i.sla = (struct intent_sla){.number = 500,
                                 .target = adr("203.0.113.2"),
                                 .packets = 1,
                                 .frequency = 5,
                                 .timeout = 3000,
                                 .size = 28,
                                 .start = SLA_START_AFTER,
                                 .start_time = 4,
                                 .scheduled = true,
                                 .life = SLA_FOREVER};
    i.n_sla = 1;
    for (int k = 0; k < 3; k++) {
        char dev[8];
        snprintf(dev, sizeof(dev), "eth%d", k);
        bench_link(b, dev, true, 1500);
        bench_find(b, dev)->up = bench_find(b, dev)->carrier = true;
        struct lr_addr a = {.ifindex = bench_find(b, dev)->ifindex, .add = 1};
        a.addr = i.ifs[k].addr;
        do_addr(&b->c->world, &a);
    }
    struct lr_route r = {.add = 1,
                         .type = RT_UNICAST,
                         .table = 254,
                         .oif = bench_find(b, "eth0")->ifindex,
                         .metric = 1,
                         .dst = pfx("0.0.0.0", 0),
                         .gw = adr("203.0.113.2")};
    do_route(&b->c->world, &r);
    control_set_ports(b->c, OUT1 " eth0\n" OUT2 " eth1\nGigabitEthernet0/2 eth2\n", true);
    control_apply(b->c, &i);
    settle(b);
    assert_int_equal(ASKED(b, LR_ROUTE), 0); /* neither taken away nor put back */
    assert_true(goes_to(b, "203.0.113.2"));
    pass(b, 20); /* there is no socket to probe with */
    assert_true(goes_to(b, "198.51.100.2"));
}

/* Equal routes are one of the kernel with several ways, and fewer when one goes. */
static void equal_routes(void **state)
{
    struct intent i = {0};
    plan_ports(&i, false);
    add_route(&i, OUT1, "0.0.0.0", 0, "203.0.113.2", 1);
    add_route(&i, OUT2, "0.0.0.0", 0, "198.51.100.2", 1);
    add_route(&i, OUT1, "0.0.0.0", 0, "203.0.113.3", 1);
    struct bench *b = begin(state, &i, false);
    const struct lr_route *r = in_main(b, "0.0.0.0", 0);
    assert_non_null(r);
    assert_int_equal(r->n_more, 2);
    assert_int_equal(r->oif, bench_find(b, "eth0")->ifindex);
    assert_int_equal(r->more[0].oif, bench_find(b, "eth1")->ifindex);
    pass(b, 5);
    forget_frames(b);
    control_reconcile(b->c); /* as wanted: nothing is asked for */
    settle(b);
    assert_int_equal(ASKED(b, LR_ROUTE), 0);
    carrier(b, "eth1", false);
    r = in_main(b, "0.0.0.0", 0);
    assert_int_equal(r->n_more, 1);
    carrier(b, "eth0", false);
    assert_null(in_main(b, "0.0.0.0", 0));
    carrier(b, "eth1", true);
    r = in_main(b, "0.0.0.0", 0);
    assert_int_equal(r->n_more, 0);
    assert_int_equal(r->oif, bench_find(b, "eth1")->ifindex);
}

/* Two gateways behind one neighbour are one way. */
static void equal_routes_that_meet(void **state)
{
    struct intent i = {0};
    plan_ports(&i, false);
    add_route(&i, OUT1, "0.0.0.0", 0, "203.0.113.2", 1);
    add_route(&i, "", "10.1.0.0", 16, "8.8.8.8", 1)->recursive = true;
    add_route(&i, "", "10.1.0.0", 16, "8.8.4.4", 1)->recursive = true;
    struct bench *b = begin(state, &i, false);
    const struct lr_route *r = in_main(b, "10.1.0.0", 16);
    assert_non_null(r);
    assert_int_equal(r->n_more, 0);
}

/* It keeps its place, so that packets do not take a wider route; but they get nowhere. */
static void a_permanent_route(void **state)
{
    struct intent i = {0};
    plan_ports(&i, false);
    add_route(&i, OUT2, "0.0.0.0", 0, "198.51.100.2", 1);
    add_route(&i, "", "10.1.0.0", 16, "203.0.113.9", 1)->permanent = true;
    struct bench *b = begin(state, &i, false);
    assert_int_equal(in_main(b, "10.1.0.0", 16)->type, RT_UNICAST);
    carrier(b, "eth0", false);
    assert_int_equal(in_main(b, "10.1.0.0", 16)->type, RT_UNREACHABLE);
    carrier(b, "eth0", true);
    assert_int_equal(in_main(b, "10.1.0.0", 16)->type, RT_UNICAST);
}

static void an_object_that_is_a_route(void **state)
{
    struct intent i = {0};
    plan_ports(&i, false);
    add_track(&i, TRACK_ROUTE)->dst = pfx("0.0.0.0", 0);
    add_route(&i, OUT1, "0.0.0.0", 0, "203.0.113.2", 1);
    add_route(&i, "GigabitEthernet0/2", "10.1.0.0", 16, "192.168.10.9", 1)->track = 1;
    struct bench *b = begin(state, &i, false);
    pass(b, 2);
    assert_non_null(in_main(b, "10.1.0.0", 16));
    carrier(b, "eth0", false);
    pass(b, 2);
    assert_null(in_main(b, "10.1.0.0", 16));
    assert_true(told(b, "%TRACKING-5-STATE: 1 ip route 0.0.0.0/0 reachability Up->Down") == 1);
}

/* A route that is there while it is not there: it comes and goes, once a second, and the box has
 * time for everything else. */
static void a_route_that_denies_itself(void **state)
{
    struct intent i = {0};
    bool up;
    plan_ports(&i, false);
    add_track(&i, TRACK_ROUTE)->dst = pfx("10.1.0.0", 16);
    struct intent_track *t = add_track(&i, TRACK_AND);
    t->member[t->n_member++] = (struct intent_member){.number = 1, .negated = true};
    add_route(&i, "GigabitEthernet0/2", "10.1.0.0", 16, "192.168.10.9", 1)->track = 2;
    struct bench *b = begin(state, &i, false);
    struct track_view before, after;
    pass(b, 3);
    forget_frames(b);
    assert_true(track_view(b->c->track, 1, &before));
    pass(b, 10);
    assert_true(track_view(b->c->track, 1, &after));
    assert_in_range(after.changes - before.changes, 8, 11);
    assert_in_range(ASKED(b, LR_ROUTE), 8, 11);
    assert_true(track_state(b->c->track, 2, &up));
}

static void a_circle_of_gateways(void **state)
{
    struct intent i = {0};
    plan_ports(&i, false);
    add_route(&i, OUT1, "0.0.0.0", 0, "203.0.113.2", 1);
    add_route(&i, "", "10.1.0.0", 16, "10.2.0.1", 1)->recursive = true;
    add_route(&i, "", "10.2.0.0", 16, "10.1.0.1", 1)->recursive = true;
    struct bench *b = begin(state, &i, false);
    carrier(b, "eth0", false);
    carrier(b, "eth0", true);
    for (int k = 0; k < 5; k++) {
        control_reconcile(b->c);
        settle(b);
    }
    assert_int_equal(told(b, "%IPRT-3-RIB_LOOP: Resolution loop formed by routes in RIB"), 1);
    assert_true(!in_main(b, "10.1.0.0", 16) != !in_main(b, "10.2.0.0", 16)); /* one is left out */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, bench_up, bench_down)
    const struct CMUnitTest tests[] = {
        T(a_floating_route_on_the_asa),
        T(an_interface_on_ios),
        T(what_is_unknown_is_down),
        T(an_engine_that_takes_over),
        T(equal_routes),
        T(equal_routes_that_meet),
        T(a_permanent_route),
        T(an_object_that_is_a_route),
        T(a_route_that_denies_itself),
        T(a_circle_of_gateways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
