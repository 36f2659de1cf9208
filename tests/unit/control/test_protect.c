/* What protects stateful failover: routes, rules and TUNs, and when something may be sent. */
#include "control/sso/protect.h"
#include "bench.h"
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#define LOCAL "10.0.0.1"
#define PEER  "10.0.0.2"

struct want {
    bool security, made; /* in the configuration; and it has become an interface */
    bool shut;           /* the interface with LOCAL is, and a default route leads elsewhere */
    bool own_map;        /* that interface has a map of its own, for everything */
};

static struct intent_map *map_of(struct intent *i, const char *name, struct selector s)
{
    struct intent_map *m = arena_new(&i->arena, struct intent_map);
    struct intent_map_entry *e = m->entry = arena_new(&i->arena, struct intent_map_entry);
    struct intent_acl *acl = arena_new(&i->arena, struct intent_acl);
    acl->ace = arena_new(&i->arena, struct intent_ace);
    *acl->ace = (struct intent_ace){.permit = true, .line = 1, .sel = s};
    acl->n = 1;
    str_copy(m->name, sizeof(m->name), name);
    m->n = 1;
    e->seq = 10;
    e->acl = acl;
    e->peer[0] = adr(PEER);
    e->n_peer = 1;
    e->transform[0] = i->transform;
    e->n_transform = 1;
    return m;
}

static void add_peer(struct intent *i)
{
    struct intent_if *f = &i->ifs[i->n_if++];
    struct selector s = sel(LOCAL, 32, PEER, 32);
    s.proto = IPPROTO_SCTP;
    protect_name(0, f->name, sizeof(f->name));
    f->kind = IF_PEER;
    f->of = &i->ifs[0];
    f->unnumbered = true;
    f->ikev1 = true;
    f->shutdown = i->ifs[0].shutdown;
    f->tunnel = (struct intent_tunnel){.mode = TUNNEL_IPSEC,
                                       .source = adr(LOCAL),
                                       .destination = adr(PEER)};
    f->map = map_of(i, "SSO1-head-0", s);
    struct intent_route *r = &i->route[i->n_route++];
    *r = (struct intent_route){.dst = pfx(PEER, 32), .distance = 1};
    str_copy(r->ifname, sizeof(r->ifname), i->ifs[0].name);
}

static void apply(struct bench *b, struct want w)
{
    struct intent i = {0};
    i.ifs = arena_array(&i.arena, struct intent_if, 3);
    i.route = arena_array(&i.arena, struct intent_route, 2);
    i.transform = arena_new(&i.arena, struct ike_esp_proposal);
    i.transform->n_encr = i.n_transform = 1;
    i.n_if = 2;
    strcpy(i.ifs[0].name, "Ethernet0/0");
    i.ifs[0].addr = pfx(LOCAL, 24);
    i.ifs[0].shutdown = w.shut;
    i.ifs[0].ikev1 = true;
    strcpy(i.ifs[1].name, "Ethernet0/1");
    i.ifs[1].addr = pfx("192.0.2.1", 24);
    i.route[0] =
        (struct intent_route){.dst = pfx("0.0.0.0", 0), .gateway = adr("192.0.2.9"), .distance = 1};
    strcpy(i.route[0].ifname, "Ethernet0/1");
    i.n_route = 1;
    if (w.own_map)
        i.ifs[0].map = map_of(&i, "MAP", sel("0.0.0.0", 0, "0.0.0.0", 0));
    i.sso = (struct sso_cfg){.inter_device = true,
                             .association = true,
                             .n_local = 1,
                             .n_remote = 1,
                             .local = {adr(LOCAL)},
                             .remote = {adr(PEER)},
                             .rto_min = 300,
                             .rto_max = 600};
    if (w.security)
        strcpy(i.sso.security, "sso-secure");
    if (w.made)
        add_peer(&i);
    control_apply(b->c, &i);
    settle(b);
}

static struct bench *box(void **state, struct want w)
{
    struct bench *b = (struct bench *)*state;
    bench_link(b, "eth0", true, 1500);
    bench_link(b, "eth1", true, 1500);
    control_set_ports(b->c, "Ethernet0/0 eth0\nEthernet0/1 eth1\n", false);
    apply(b, w);
    return b;
}

static const struct lr_route *table_route(struct bench *b, const char *dst)
{
    struct prefix p = pfx(dst, 32);
    world_settle(&b->c->world);
    for (size_t i = 0; i < b->c->world.n_route; i++) {
        const struct lr_route *r = &b->c->world.route[i].r;
        if (r->table == TANDEM_RT_TABLE && prefix_cmp(&r->dst, &p) == 0 &&
            r->type != RT_UNREACHABLE)
            return r;
    }
    return NULL;
}

static struct protect look(struct bench *b)
{
    struct protect p;
    protect_look(b->c, &p);
    return p;
}

/* Rules that keep the kernel from answering in our place. */
static unsigned sctp_rules(const struct bench *b)
{
    const struct addr peer = adr(PEER);
    unsigned n = 0;
    for (size_t i = 0; i < b->c->world.n_rule; i++)
        if (addr_eq(&b->c->world.rule[i].no_sctp, &peer)) {
            assert_int_equal(b->c->world.rule[i].family, AF_INET);
            assert_int_equal(b->c->world.rule[i].priority, 31997);
            n++;
        }
    return n;
}

static void the_kernel_answers_no_sctp(void **state)
{
    struct bench *b = box(state, (struct want){0});
    assert_int_equal(sctp_rules(b), 1);
    apply(b, (struct want){.security = true, .made = true});
    assert_int_equal(sctp_rules(b), 1);
    struct intent nothing = {0};
    control_apply(b->c, &nothing);
    settle(b);
    assert_int_equal(sctp_rules(b), 0);
    assert_int_equal(b->c->world.n_rule, 0);
}

static void all_that_goes_to_the_peer_meets_the_map(void **state)
{
    struct bench *b = box(state, (struct want){.security = true, .made = true});
    const struct world_link *tun = bench_find(b, "tds3");
    const struct lr_route *r = table_route(b, PEER);
    struct addr local = adr(LOCAL);
    assert_non_null(tun);
    assert_non_null(r);
    assert_int_equal(r->oif, tun->ifindex);
    assert_true(addr_eq(&r->src, &local));
    assert_null(bench_find(b, "tdi3")); /* nothing comes in by it in clear … */
    for (size_t i = 0; i < b->c->world.n_rule; i++)
        assert_string_equal(b->c->world.rule[i].iif, i ? "" : "tdbypass"); /* … nor is looked at */
    struct protect p = look(b);
    assert_true(protect_ready(&p, 0));
    assert_true(protect_admits(&p, 0, tun->ifindex));
    assert_false(protect_admits(&p, 0, bench_find(b, "eth0")->ifindex));
    assert_false(protect_admits(&p, 0, 0));
    assert_false(protect_ready(&p, 1)); /* there is no second one */
    const struct ike_path path = {.local = local, .remote = adr(PEER)};
    const struct port *port = endpoint_port(b->c, &path);
    assert_non_null(port);
    assert_string_equal(port->name, "SSO1");
}

static void in_clear_where_nobody_asks(void **state)
{
    struct bench *b = box(state, (struct want){0});
    struct protect p = look(b);
    assert_true(protect_ready(&p, 0));
    assert_true(protect_admits(&p, 0, bench_find(b, "eth0")->ifindex));
    /* a profile that is missing is not "in clear" */
    apply(b, (struct want){.security = true});
    p = look(b);
    assert_false(protect_ready(&p, 0));
    assert_false(protect_admits(&p, 0, bench_find(b, "eth0")->ifindex));
    apply(b, (struct want){.security = true, .made = true});
    p = look(b);
    assert_true(protect_ready(&p, 0));
    apply(b, (struct want){0});
    assert_null(bench_find(b, "tds3"));
    assert_null(table_route(b, PEER));
}

/* No other way to the peer is taken, even where there is one. */
static void another_route_is_no_way_round(void **state)
{
    struct bench *b = box(state, (struct want){.security = true, .made = true});
    bench_find(b, "eth0")->carrier = false;
    control_reconcile(b->c);
    settle(b);
    const struct lr_route *r = table_route(b, PEER);
    assert_non_null(r);
    assert_int_equal(r->oif, bench_find(b, "tds3")->ifindex);
}

/* Before the kernel has the way, nothing may be sent. */
static void nothing_is_sent_too_early(void **state)
{
    struct bench *b = (struct bench *)*state;
    b->refuse = LR_ROUTE;
    box(state, (struct want){.security = true, .made = true});
    struct protect p = look(b);
    assert_false(protect_ready(&p, 0));
    b->refuse = 0;
    pass(b, 60);
    p = look(b);
    assert_true(protect_ready(&p, 0));
    bench_find(b, "tds3")->up = false; /* the TUN goes */
    p = look(b);
    assert_false(protect_ready(&p, 0));
}

static void before_a_map_of_the_interface(void **state)
{
    struct bench *b = box(state, (struct want){.security = true, .made = true, .own_map = true});
    const struct lr_route *r = table_route(b, PEER);
    assert_non_null(r);
    assert_int_equal(r->oif, bench_find(b, "tds3")->ifindex);
    const struct ike_path other = {.local = adr(LOCAL), .remote = adr("10.0.0.77")};
    assert_string_equal(endpoint_port(b->c, &other)->name, "Ethernet0/0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_kernel_answers_no_sctp, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(all_that_goes_to_the_peer_meets_the_map, bench_up,
                                        bench_down),
        cmocka_unit_test_setup_teardown(in_clear_where_nobody_asks, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(another_route_is_no_way_round, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(nothing_is_sent_too_early, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(before_a_map_of_the_interface, bench_up, bench_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
