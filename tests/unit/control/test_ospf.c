/* OSPF: the configuration for FRR, the way from one to another, and what ospfd says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/ospf/config.h"
#include "control/ospf/learn.h"
#include "control/ospf/vty.h"
#include "control/route/rib.h"
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct prefix pfx(const char *a, unsigned len)
{
    struct prefix p = {.len = (uint8_t)len};
    assert_int_equal(addr_parse(a, &p.addr), 0);
    return p;
}

/* R3 of seed 003: one interface that takes part, one to the outside, a loopback. */
struct box {
    struct intent_if ifs[3];
    struct intent intent;
    struct query_route route[4];
    struct ospf_view v;
};

static const char *netdev(void *ctx, const struct intent_if *ifp)
{
    const struct box *b = (const struct box *)ctx;
    static const char *const names[] = {"eth0", "eth1", NULL};
    return names[ifp - b->ifs];
}

static void box_init(struct box *b)
{
    *b = (struct box){0};
    strcpy(b->ifs[0].name, "FastEthernet0/0");
    b->ifs[0].addr = pfx("10.2.0.3", 24);
    b->ifs[0].ospf = (struct intent_ospf_if){.on = true, .hello = 10, .dead = 40, .priority = 1};
    strcpy(b->ifs[1].name, "Ethernet1/0");
    b->ifs[1].addr = pfx("10.1.0.3", 24);
    strcpy(b->ifs[2].name, "Loopback0");
    b->ifs[2].kind = IF_LOOPBACK;
    b->intent = (struct intent){.ifs = b->ifs, .n_if = 3, .ospf = {.process = 1}};
    b->route[0] = (struct query_route){.source = RIB_CONNECTED,
                                       .dst = pfx("10.1.0.0", 24),
                                       .ifp = &b->ifs[1]};
    b->route[1] = (struct query_route){.source = RIB_CONNECTED,
                                       .dst = pfx("10.2.0.0", 24),
                                       .ifp = &b->ifs[0]};
    b->route[2] =
        (struct query_route){.source = RIB_VPN, .dst = pfx("10.0.0.6", 32), .ifp = &b->ifs[1]};
    b->route[3] =
        (struct query_route){.source = RIB_OSPF, .dst = pfx("10.9.0.0", 16), .ifp = &b->ifs[0]};
    b->v = (struct ospf_view){.intent = &b->intent,
                              .id = pfx("10.2.0.3", 32).addr,
                              .route = b->route,
                              .n_route = 4,
                              .netdev = netdev,
                              .ctx = b};
}

static void expect_config(struct box *b, const char *want)
{
    struct str out = {0};
    ospf_config(&b->v, &out);
    assert_string_equal(str_text(&out), want);
    str_free(&out);
}

#define HEAD "debug ospf zebra redistribute\n"
#define ROUTER                                                                                     \
    "router ospf\n ospf router-id 10.2.0.3\n log-adjacency-changes detail\n"                       \
    " timers throttle lsa all 1100\n"
#define PORT                                                                                       \
    "interface eth0\n ip ospf network broadcast\n ip ospf cost 1\n ip ospf hello-interval 10\n"    \
    " ip ospf dead-interval 40\n ip ospf priority 1\n ip ospf authentication null\n"

static void interfaces_are_named_one_by_one(void **state)
{
    struct box b;
    (void)state;
    box_init(&b);
    expect_config(&b, HEAD ROUTER PORT " ip ospf area 0.0.0.0 10.2.0.3\n");
    b.ifs[0].ospf.passive = true;
    b.ifs[0].ospf.area = 258;
    b.ifs[0].n_addr2 = 2;
    b.ifs[0].addr2[1] = pfx("10.22.0.3", 16);
    b.ifs[0].ospf.addr2 = 2;
    expect_config(&b, HEAD ROUTER PORT " ip ospf passive 10.2.0.3\n"
                                       " ip ospf area 0.0.1.2 10.2.0.3\n"
                                       " ip ospf passive 10.22.0.3\n"
                                       " ip ospf area 0.0.1.2 10.22.0.3\n");
    b.ifs[0].shutdown = true;
    expect_config(&b, HEAD ROUTER);
    b.v.id = (struct addr){0};
    expect_config(&b, ""); /* nobody without a name */
}

static void keys_of_neighbours(void **state)
{
    struct box b;
    struct str out = {0};
    (void)state;
    box_init(&b);
    struct intent_ospf_if *o = &b.ifs[0].ospf;
    o->auth = OSPF_AUTH_DIGEST;
    o->n_digest = 2;
    o->digest_id[0] = 1;
    o->digest_id[1] = 7;
    memcpy(o->digest[0], "one", 4);
    memcpy(o->digest[1], "seven", 6);
    memcpy(o->key, "clear", 6);
    ospf_config(&b.v, &out);
    assert_non_null(strstr(str_text(&out), " ip ospf authentication message-digest\n"
                                           " ip ospf authentication-key clear\n"
                                           " ip ospf message-digest-key 1 md5 one\n"
                                           " ip ospf message-digest-key 7 md5 seven\n"
                                           " ip ospf area 0.0.0.0 10.2.0.3\n"));
    str_free(&out);
}

static void routes_of_sas_are_told_of_as_static_ones(void **state)
{
    struct box b;
    (void)state;
    box_init(&b);
    b.ifs[0].ospf.on = false;
    b.intent.ospf.statics = (struct intent_ospf_external){
        .on = true, .subnets = true, .type = 2, .metric = 20, .tag = 7};
    expect_config(&b,
                  HEAD "ip prefix-list tandem-static permit 10.0.0.6/32\n"
                       "ip prefix-list tandem-static permit 255.255.255.255/32\n"
                       "route-map tandem-static permit 10\n"
                       " match ip address prefix-list tandem-static\n"
                       " set tag 7\n" ROUTER
                       " redistribute kernel metric 20 metric-type 2 route-map tandem-static\n");
    b.intent.ospf.statics.subnets = false; /* a host is no whole class */
    b.intent.ospf.statics.tag = 0;
    expect_config(&b,
                  HEAD "ip prefix-list tandem-static permit 255.255.255.255/32\n"
                       "route-map tandem-static permit 10\n"
                       " match ip address prefix-list tandem-static\n" ROUTER
                       " redistribute kernel metric 20 metric-type 2 route-map tandem-static\n");
}

static void connected_networks_without_those_that_take_part(void **state)
{
    struct box b;
    struct str out = {0};
    (void)state;
    box_init(&b);
    b.intent.ospf.connected =
        (struct intent_ospf_external){.on = true, .subnets = true, .type = 1, .metric = 5};
    ospf_config(&b.v, &out);
    assert_non_null(strstr(str_text(&out), "ip prefix-list tandem-connected permit 10.1.0.0/24\n"
                                           "ip prefix-list tandem-connected permit 255."));
    assert_non_null(
        strstr(str_text(&out),
               " redistribute connected metric 5 metric-type 1 route-map tandem-connected\n"));
    str_free(&out);
}

static void the_default_route_is_told_of_while_there_is_one_of_our_own(void **state)
{
    struct box b;
    static const char line[] = " default-information originate always metric 1 metric-type 2\n";
    (void)state;
    box_init(&b);
    b.ifs[0].ospf.on = false;
    b.intent.ospf.originate =
        (struct intent_ospf_external){.on = true, .subnets = true, .type = 2, .metric = 1};
    expect_config(&b, HEAD ROUTER);
    b.route[3].dst = pfx("0.0.0.0", 0);
    expect_config(&b, HEAD ROUTER); /* it is OSPF's */
    b.route[3].source = RIB_STATIC;
    struct str want = {0};
    str_printf(&want, HEAD ROUTER "%s", line);
    expect_config(&b, str_text(&want));
    b.route[3].source = RIB_OSPF;
    b.intent.ospf.originate.always = true;
    expect_config(&b, str_text(&want));
    str_free(&want);
}

static void the_name_of_the_router(void **state)
{
    struct box b;
    (void)state;
    box_init(&b);
    struct addr id = ospf_choose_id(&b.v), want = pfx("10.2.0.3", 32).addr;
    assert_true(addr_eq(&id, &want));
    b.ifs[2].addr = pfx("1.1.1.1", 32); /* it has no device yet */
    id = ospf_choose_id(&b.v);
    assert_true(addr_eq(&id, &want));
    b.ifs[1].kind = IF_LOOPBACK; /* loopbacks first, though their address is lower */
    id = ospf_choose_id(&b.v);
    want = pfx("10.1.0.3", 32).addr;
    assert_true(addr_eq(&id, &want));
}

static void cost_by_bandwidth(void **state)
{
    struct box b;
    (void)state;
    box_init(&b);
    assert_int_equal(ospf_cost(&b.ifs[0]), 1);
    assert_int_equal(ospf_cost(&b.ifs[1]), 10);
    b.ifs[0].ospf.kbps = 64;
    assert_int_equal(ospf_cost(&b.ifs[0]), 1562);
    b.ifs[0].ospf.kbps = 1;
    assert_int_equal(ospf_cost(&b.ifs[0]), 65535);
    b.ifs[0].ospf.cost = 77;
    assert_int_equal(ospf_cost(&b.ifs[0]), 77);
    assert_int_equal(ospf_cost(&b.ifs[2]), 1);
}

/* --- differences ---------------------------------------------------------------------------------
 */

static void expect_diff(const char *old, const char *new, const char *want)
{
    struct str out = {0};
    ospf_diff(old, new, &out);
    assert_string_equal(str_text(&out), want);
    str_free(&out);
}

static void only_what_differs_is_said(void **state)
{
    (void)state;
    expect_diff("", "", "");
    expect_diff("a\nrouter ospf\n x 1\n y\n", "a\nrouter ospf\n x 1\n y\n", "");
    expect_diff("", "router ospf\n x\ninterface e\n y\n",
                "router ospf\nx\nexit\ninterface e\ny\nexit\n");
    expect_diff("router ospf\n x\ninterface e\n y\n", "",
                "no router ospf\ninterface e\nno y\nexit\n");
    expect_diff("ip prefix-list a permit 1.0.0.0/8\n", "ip prefix-list a permit 2.0.0.0/8\n",
                "no ip prefix-list a permit 1.0.0.0/8\nip prefix-list a permit 2.0.0.0/8\n");
    expect_diff("router ospf\n area 1 stub\n", "router ospf\n",
                "router ospf\nno area 1 stub\nexit\n");
}

static void a_setting_is_replaced_without_its_default_between(void **state)
{
    (void)state;
    expect_diff("interface e\n ip ospf cost 1\ninterface f\n ip ospf cost 1\n",
                "interface e\n ip ospf cost 2\ninterface f\n",
                "interface f\nno ip ospf cost 1\nexit\ninterface e\nip ospf cost 2\nexit\n");
    expect_diff("interface e\n ip ospf area 0.0.0.0 1.1.1.1\n",
                "interface e\n ip ospf area 0.0.0.1 1.1.1.1\n",
                "interface e\nno ip ospf area 0.0.0.0 1.1.1.1\nexit\n"
                "interface e\nip ospf area 0.0.0.1 1.1.1.1\nexit\n");
}

static void keys_are_replaced(void **state)
{
    (void)state;
    expect_diff("interface e\n ip ospf authentication message-digest\n"
                " ip ospf authentication-key a\n ip ospf message-digest-key 1 md5 b\n",
                "interface e\n ip ospf authentication null\n ip ospf message-digest-key 1 md5 c\n",
                "interface e\nno ip ospf authentication-key a\n"
                "no ip ospf message-digest-key 1 md5 b\nexit\n"
                "interface e\nip ospf authentication null\n"
                "ip ospf message-digest-key 1 md5 c\nexit\n");
}

/* --- what ospfd says -----------------------------------------------------------------------------
 */

static const char routes[] =
    "{\"10.2.0.0/"
    "24\":{\"routeType\":\"N\",\"cost\":10,\"area\":\"0.0.0.0\",\"nexthops\":[{\"ip\":\" "
    "\",\"directly attached to\":\"v2\"}]},"
    "\"10.3.0.0/24\":{\"routeType\":\"N IA\",\"cost\":2,\"area\":\"0.0.0.0\",\"nexthops\":[{\"ip\":"
    "\"10.2.0.3\",\"via\":\"eth0\"},{\"ip\":\"10.2.0.4\",\"via\":\"eth0\"}]},"
    "\"10.3.0.3\":{\"routeType\":\"R \",\"cost\":1,\"area\":\"0.0.0.0\",\"routerType\":\"asbr\","
    "\"nexthops\":[{\"ip\":\"10.2.0.3\",\"via\":\"eth0\"}]},"
    "\"10.0.0.6/32\":{\"routeType\":\"N E2\",\"cost\":1,\"type2cost\":20,\"tag\":9,\"nexthops\":[{"
    "\"ip\":\"10.2.0.3\",\"via\":\"eth0\"}]},"
    "\"10.5.0.0/99\":{\"routeType\":\"N\",\"nexthops\":[{\"ip\":\"10.2.0.3\",\"via\":\"eth0\"}]}}";

static void routes_are_read(void **state)
{
    struct ospf_routes r;
    (void)state;
    assert_int_equal(ospf_read_routes(routes, sizeof(routes) - 1, &r), 0);
    assert_int_equal(r.n, 3); /* not the connected one, the router, nor what is no prefix */
    struct prefix p = pfx("10.3.0.0", 24);
    assert_int_equal(prefix_cmp(&r.v[0].dst, &p), 0);
    assert_int_equal(r.v[0].path, OSPF_INTER);
    assert_int_equal(r.v[0].metric, 2);
    assert_string_equal(r.v[0].netdev, "eth0");
    assert_true(addr_eq(&r.v[0].gateway, &(struct addr){AF_INET, {10, 2, 0, 3}}));
    assert_int_equal(prefix_cmp(&r.v[1].dst, &p), 0);
    assert_true(addr_eq(&r.v[1].gateway, &(struct addr){AF_INET, {10, 2, 0, 4}}));
    assert_int_equal(r.v[2].path, OSPF_E2);
    assert_int_equal(r.v[2].metric, 20);
    assert_int_equal(r.v[2].tag, 9);
    ospf_routes_free(&r);
    assert_int_equal(ospf_read_routes("{}", 2, &r), 0);
    assert_int_equal(r.n, 0);
    assert_int_equal(ospf_read_routes("% no", 4, &r), -EINVAL);
    assert_null(r.v);
}

static void expect_change(const char *line, const char *from, const char *to, const char *why)
{
    struct ospf_change c;
    assert_true(ospf_read_change(line, &c));
    assert_string_equal(c.from, from);
    assert_string_equal(c.to, to);
    assert_string_equal(c.why, why);
    assert_string_equal(c.netdev, "eth0");
    assert_true(addr_eq(&c.neighbor, &(struct addr){AF_INET, {10, 0, 0, 1}}));
}

static void changes_of_neighbours_are_read(void **state)
{
    struct ospf_change c;
    (void)state;
    expect_change("2026/11/21 12:01:08 OSPF: [Y05P2-YJVXY] AdjChg: Nbr 10.0.0.1, NbrIP 10.2.0.1 "
                  "(default) on eth0:10.2.0.2: Exchange -> Full (ExchangeDone)",
                  "EXCHANGE", "FULL", "Loading Done");
    expect_change("AdjChg: Nbr 10.0.0.1(default) on eth0:10.2.0.2: Full -> Down (InactivityTimer)",
                  "FULL", "DOWN", "Neighbor Down: Dead timer expired");
    expect_change("AdjChg: Nbr 10.0.0.1, NbrIP 10.2.0.1 (default) on eth0:10.2.0.2: Full -> "
                  "Deleted (KillNbr)",
                  "FULL", "DOWN", "Neighbor Down: Interface down or detached");
    expect_change("AdjChg: Nbr 10.0.0.1, NbrIP 10.2.0.1 (default) on eth0:10.2.0.2: 2-Way -> "
                  "ExStart (AdjOK?)",
                  "2WAY", "EXSTART", "AdjOK?");
    assert_false(ospf_read_change("", &c));
    assert_false(ospf_read_change("Zebra: Route add 10.2.0.0/24", &c));
    assert_false(ospf_read_change("AdjChg: Nbr ", &c));
    assert_false(ospf_read_change("AdjChg: Nbr 10.0.0.1 on eth0:10.2.0.2: Full", &c));
}

static void answers_are_found_wherever_they_are_cut(void **state)
{
    static const char data[] = "one\0two\0\0\0\1rest";
    (void)state;
    for (size_t cut = 0; cut < 12; cut++) {
        size_t from = 0, text = 0;
        uint8_t result = 9;
        assert_int_equal(vty_decode(data, cut < 11 ? cut : 10, &from, &text, &result), 0);
        assert_int_equal(vty_decode(data, sizeof(data), &from, &text, &result), 11);
        assert_int_equal(text, 7);
        assert_int_equal(result, 1);
    }
}

/* --- a connection --------------------------------------------------------------------------------
 */

struct seen {
    struct str text;
    int result;
    bool closed;
};

static void on_answer(void *ctx, int result, const char *text, size_t len, const char *command)
{
    struct seen *s = (struct seen *)ctx;
    s->result = result;
    str_printf(&s->text, "[%s:%.*s]", command, (int)len, text);
}

static void on_closed(void *ctx)
{
    ((struct seen *)ctx)->closed = true;
}

static void commands_go_out_one_by_one(void **state)
{
    struct event_base *base = event_base_new();
    struct seen s = {0};
    char buf[64];
    int sv[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
    struct vty *v = vty_new(base, sv[0], on_closed, &s);
    assert_non_null(v);
    vty_send(v, "first", 5, on_answer, &s);
    vty_send(v, "second", 6, on_answer, &s);
    assert_int_equal(read(sv[1], buf, sizeof(buf)), 6);
    assert_string_equal(buf, "first");
    assert_int_equal(write(sv[1], "A\0\0\0", 4), 4);
    event_base_loop(base, EVLOOP_ONCE);
    assert_int_equal(s.text.len, 0); /* its result is not there yet */
    assert_int_equal(write(sv[1], "\0", 1), 1);
    event_base_loop(base, EVLOOP_ONCE);
    assert_string_equal(str_text(&s.text), "[first:A]");
    assert_int_equal(read(sv[1], buf, sizeof(buf)), 7);
    assert_string_equal(buf, "second");
    close(sv[1]);
    event_base_loop(base, EVLOOP_ONCE);
    assert_true(s.closed);
    vty_free(v);
    assert_int_equal(s.result, -EPIPE);
    str_free(&s.text);
    event_base_free(base);
}

/* --- in the routing table ------------------------------------------------------------------------
 */

static void routes_compete_in_the_rib(void **state)
{
    struct box b;
    struct rib r = {0};
    (void)state;
    box_init(&b);
    struct rib_if ifs[2] = {{.ifp = &b.ifs[0], .up = true}, {.ifp = &b.ifs[1], .up = true}};
    struct intent_route floating = {.dst = pfx("10.9.0.0", 16),
                                    .gateway = pfx("10.1.0.5", 32).addr,
                                    .distance = 200};
    struct query_route found[2] = {b.route[3], b.route[3]};
    for (unsigned i = 0; i < 2; i++) {
        found[i].distance = OSPF_DISTANCE;
        found[i].gateway = pfx(i ? "10.2.0.4" : "10.2.0.2", 32).addr;
        found[i].metric = 12;
    }
    struct rib_in in = {.ifs = ifs, .n_if = 2, .found = found};
    assert_int_equal(rib_set_static(&r, &floating, 1), 0);
    for (int round = 0; round < 3; round++) {
        in.n_found = round < 2 ? 2 : 0;
        ifs[0].up = round != 1;
        assert_int_equal(rib_build(&r, &in), 0);
        const struct query_route *got = rib_find(&r, &floating.dst);
        assert_non_null(got);
        /* the better distance; but not by an interface that is down, nor when it is gone */
        assert_int_equal(got->source, round ? RIB_STATIC : RIB_OSPF);
        assert_int_equal(got->metric, round ? 0 : 12);
        if (!round) /* both ways */
            assert_true(got[1].source == RIB_OSPF && addr_eq(&got[1].gateway, &found[1].gateway));
    }
    rib_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interfaces_are_named_one_by_one),
        cmocka_unit_test(keys_of_neighbours),
        cmocka_unit_test(routes_of_sas_are_told_of_as_static_ones),
        cmocka_unit_test(connected_networks_without_those_that_take_part),
        cmocka_unit_test(the_default_route_is_told_of_while_there_is_one_of_our_own),
        cmocka_unit_test(the_name_of_the_router),
        cmocka_unit_test(cost_by_bandwidth),
        cmocka_unit_test(only_what_differs_is_said),
        cmocka_unit_test(a_setting_is_replaced_without_its_default_between),
        cmocka_unit_test(keys_are_replaced),
        cmocka_unit_test(routes_are_read),
        cmocka_unit_test(changes_of_neighbours_are_read),
        cmocka_unit_test(answers_are_found_wherever_they_are_cut),
        cmocka_unit_test(commands_go_out_one_by_one),
        cmocka_unit_test(routes_compete_in_the_rib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
