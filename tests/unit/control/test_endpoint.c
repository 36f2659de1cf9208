/* Crypto maps whose tunnels have the virtual address of a standby group. */
#include "bench.h"

#define VIP "192.0.2.100"

static const struct hsrp_group *group(struct bench *b)
{
    return hsrp_named_on(b->c, "GigabitEthernet0/0", "HA");
}

static bool active(struct bench *b)
{
    return group(b) && group(b)->state == HSRP_ACTIVE;
}

static const struct intent_if *outside(struct bench *b)
{
    return &b->c->intent.ifs[0];
}

static struct wish vip_wish(void)
{
    struct wish w = seed_wish();
    w.redundancy = "HA";
    w.vip = VIP;
    return w;
}

/* A router with a map on a virtual address that nobody else has: it is on its way to be active. */
static struct bench *router(void **state, const struct wish *w)
{
    struct bench *b = (struct bench *)*state;
    bench_link(b, "eth0", true, 1500);
    bench_link(b, "eth1", true, 1500);
    control_set_ports(b->c, "GigabitEthernet0/0 eth0\nGigabitEthernet0/1 eth1\n", false);
    wish_apply(b, w);
    return b;
}

static void until_active(struct bench *b)
{
    for (unsigned i = 0; i < 60 && !active(b); i++)
        pass(b, 1);
    assert_true(active(b));
    control_reconcile(b->c); /* the kernel tells of the address */
    settle(b);
}

/* Another router says that it is active. */
static void other_router(struct bench *b, uint32_t priority)
{
    struct hsrp_message m = {.version = 1,
                             .op = HSRP_HELLO,
                             .state = HSRP_ACTIVE,
                             .group = 10,
                             .priority = priority,
                             .hello_ms = 3000,
                             .hold_ms = 10000,
                             .vip = adr(VIP),
                             .auth = HSRP_AUTH_TEXT,
                             .text = "cisco"};
    struct addr from = adr("192.0.2.9");
    uint8_t mac[HSRP_MAC], p[HSRP_MESSAGE];
    hsrp_virtual_mac(1, 10, mac);
    size_t n = hsrp_write(&m, p);
    assert_true(hsrp_group_input((struct hsrp_group *)(uintptr_t)group(b), &m, &from, mac, p, n));
}

static void lose(struct bench *b)
{
    other_router(b, 200);
    assert_false(active(b));
}

/* What the datapath was told last of the map: whether its first line asks for SAs. */
static bool asks(struct bench *b)
{
    const struct shadow *s = &b->c->shadow[1];
    assert_true(s->spd_told && s->n_spd > 0);
    return !s->spd[0].accept_only;
}

static bool told_address(struct bench *b, const char *a)
{
    struct addr x = adr(a);
    for (size_t i = 0; i < b->c->n_told_addrs; i++)
        if (addr_eq(&b->c->told_addrs[i], &x))
            return true;
    return false;
}

static bool knows_port(struct bench *b, const char *a)
{
    struct addr x = adr(a);
    const struct ike_path path = {.local = x};
    return endpoint_port(b->c, &path) != NULL;
}

static bool first_identity(void *ctx, const struct query_identity *q)
{
    *(struct query_identity *)ctx = *q;
    return false;
}

static void local_is(struct bench *b, const char *want)
{
    struct query_identity q = {0};
    char text[ADDR_STRLEN];
    query_identities(b->c, first_identity, &q);
    assert_string_equal(addr_print(&q.local, text, sizeof(text)), want);
}

static void tunnels_have_the_virtual_address(void **state)
{
    struct wish w = vip_wish();
    struct bench *b = router(state, &w);
    const struct ike_sa_state *sa = NULL;
    struct addr vip = adr(VIP);
    char text[ADDR_STRLEN];
    size_t n;
    until_active(b);
    assert_true(asks(b));
    assert_true(told_address(b, VIP));
    local_is(b, VIP);
    assert_true(knows_port(b, VIP));
    assert_false(knows_port(b, "192.0.2.1")); /* its own address has no map any more */
    assert_non_null(control_ike_host.policies(b->c, &vip, &n));
    acquire(b, policy_of(b));
    query_ike_sas(b->c, first_sa, &sa);
    assert_non_null(sa);
    assert_string_equal(addr_print(&sa->path.local, text, sizeof(text)), VIP);
}

static void whoever_is_not_active_does_nothing(void **state)
{
    struct wish w = vip_wish();
    struct bench *b = router(state, &w);
    struct addr vip = adr(VIP);
    struct ike_path p = {.local = vip, .remote = adr("203.0.113.1"), .lport = 500, .rport = 500};
    size_t n;
    assert_false(active(b));
    assert_false(asks(b)); /* packets are dropped and counted, and ask for nothing */
    assert_false(told_address(b, VIP));
    local_is(b, VIP); /* the shows say where it would be */
    assert_false(knows_port(b, VIP));
    assert_null(control_ike_host.policies(b->c, &vip, &n));
    assert_false(endpoint_is_ours(b->c, &vip));
    assert_int_equal(ike_transport_send(b->c, &p, (const uint8_t *)"x", 1), -EADDRNOTAVAIL);
    uint64_t before = query_ike_stats(b->c)->rx;
    keyex_input(b->c, &p, (const uint8_t *)"x", 1);
    assert_int_equal(query_ike_stats(b->c)->rx, before); /* for another box */
    acquire(b, policy_of(b));
    assert_string_equal(talking_to(b), "");
    assert_int_equal(TOLD(b, SADB_ACQUIRE_FAILED), 1);
}

static void the_role_goes_with_everything(void **state)
{
    struct wish w = vip_wish();
    w.ikev1 = true;
    struct bench *b = router(state, &w);
    until_active(b);
    acquire(b, policy_of(b));
    assert_string_equal(talking_to(b), "203.0.113.1");
    forget_frames(b);
    lose(b); /* at once, before the loop turns */
    assert_string_equal(talking_to(b), "");
    settle(b);
    assert_false(asks(b));
    assert_int_equal(TOLD(b, SADB_ACQUIRE_FAILED), 1);
    assert_string_equal(talking_to(b), "");
    assert_false(told_address(b, VIP));
    assert_false(knows_port(b, VIP));
    local_is(b, VIP);
    pass(b, 5);
    assert_string_equal(talking_to(b), "");
}

static bool has_route(struct bench *b)
{
    struct prefix p = pfx("192.168.10.0", 24);
    return rib_find(&b->c->rib, &p) != NULL;
}

/* Others are not told of a way that ends here. */
static void static_routes_are_where_the_role_is(void **state)
{
    struct wish w = vip_wish();
    w.rri = true;
    struct bench *b = router(state, &w);
    assert_false(has_route(b));
    until_active(b);
    control_reconcile(b->c);
    settle(b);
    assert_true(has_route(b));
    lose(b);
    settle(b);
    assert_false(has_route(b));
}

/* `standby 10 ip` alone: the address is the other router's. */
static void a_virtual_address_is_learnt(void **state)
{
    struct wish w = vip_wish();
    w.vip = "";
    struct bench *b = router(state, &w);
    pass(b, 10);
    local_is(b, "");
    other_router(b, 100);
    settle(b);
    local_is(b, VIP);
    assert_false(asks(b));
    until_active(b); /* the other one is silent */
    assert_true(asks(b));
    assert_true(knows_port(b, VIP));
}

static void without_redundancy_nothing_changes(void **state)
{
    struct wish w = vip_wish();
    w.redundancy = NULL;
    struct bench *b = router(state, &w);
    until_active(b);
    assert_true(asks(b));
    local_is(b, "192.0.2.1");
    assert_true(knows_port(b, "192.0.2.1"));
    assert_false(knows_port(b, VIP));
    acquire(b, policy_of(b));
    assert_string_equal(talking_to(b), "203.0.113.1");
    lose(b);
    settle(b);
    assert_string_equal(talking_to(b), "203.0.113.1");
    assert_true(asks(b));
}

static void a_map_waits_for_its_group(void **state)
{
    struct wish w = vip_wish();
    w.vip = NULL;
    struct bench *b = router(state, &w);
    pass(b, 30);
    assert_false(asks(b));
    local_is(b, "");
    acquire(b, policy_of(b));
    assert_string_equal(talking_to(b), "");
    w.vip = VIP;
    wish_apply(b, &w);
    until_active(b);
    assert_true(asks(b));
    w.redundancy = "OTHER";
    wish_apply(b, &w);
    assert_false(asks(b));
    assert_false(endpoint_here(b->c, outside(b)));
}

/* Peers hear of it when the map moves to the virtual address, and not when that goes elsewhere. */
static void the_virtual_address_may_change(void **state)
{
    struct wish w = vip_wish();
    struct bench *b = router(state, &w);
    until_active(b);
    acquire(b, policy_of(b));
    assert_string_equal(talking_to(b), "203.0.113.1");
    w.vip = "192.0.2.200";
    wish_apply(b, &w);
    settle(b);
    assert_string_equal(talking_to(b), "");
    local_is(b, "192.0.2.200");
    assert_true(active(b));
    control_reconcile(b->c);
    settle(b);
    assert_true(knows_port(b, "192.0.2.200"));
    assert_false(knows_port(b, VIP));
}

static void add_line(void *ctx, const char *line)
{
    str_add((struct str *)ctx, line);
    str_addc((struct str *)ctx, '\n');
}

static unsigned logged(struct bench *b, const char *what)
{
    struct str s = {0};
    unsigned n = 0;
    syslog_each(b->c->syslog, add_line, &s);
    for (const char *p = str_text(&s); (p = strstr(p, what)) != NULL; p++)
        n++;
    str_free(&s);
    return n;
}

static void spi_event(struct bench *b, const char *local)
{
    struct sadb_event e = {.kind = EV_UNKNOWN_SPI, .proto = SADB_ESP, .spi = 0x33c217b};
    e.path.local = adr(local);
    e.path.remote = adr("203.0.113.1");
    ipc_send(b->dp_end, SADB_EVENT, &e, sizeof(e));
    settle(b);
}

/* The lines of seed 003: what the peer still sends to the box that has the address now. */
static void what_belongs_to_the_other_box_s_sas_is_told(void **state)
{
    static const char spi[] =
        "%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for "
        "destaddr=192.0.2.100, prot=50, spi=0x33C217B(54272379), srcaddr=203.0.113.1, input "
        "interface=GigabitEthernet0/0\n";
    static const char no_sa[] =
        "%CRYPTO-4-IKMP_NO_SA: IKE message from 203.0.113.1 has no SA and is "
        "not an initialization offer\n";
    /* an informational message of IKEv1 with cookies that nobody has */
    static const uint8_t info[] = {1, 2, 3,    4, 5, 6, 7, 8, 8, 7, 6, 5, 4,  3, 2,
                                   1, 8, 0x10, 5, 1, 0, 0, 0, 1, 0, 0, 0, 44, 1, 2,
                                   3, 4, 5,    6, 7, 8, 1, 2, 3, 4, 5, 6, 7,  8};
    struct wish w = vip_wish();
    struct bench *b = router(state, &w);
    struct ike_path p = {.local = adr(VIP),
                         .remote = adr("203.0.113.1"),
                         .lport = 500,
                         .rport = 500};
    spi_event(b, VIP);
    keyex_input(b->c, &p, info, sizeof(info));
    assert_int_equal(logged(b, "%CRYPTO"), 0); /* not ours (yet) */
    until_active(b);
    spi_event(b, VIP);
    assert_int_equal(logged(b, spi), 1);
    keyex_input(b->c, &p, info, sizeof(info));
    assert_int_equal(logged(b, no_sa), 1);
}

/* `crypto isakmp invalid-spi-recovery`: the peer of IKEv2 forgets what we have not by the SA that
 * we begin; one at a time, and not beside one that there is. */
static void recovery_begins_an_sa(void **state)
{
    struct wish w = vip_wish();
    w.lines = 2;
    struct bench *b = router(state, &w);
    until_active(b);
    spi_event(b, VIP);
    assert_string_equal(talking_to(b), "");
    b->c->intent.invalid_spi_recovery = true;
    pass(b, 2);
    spi_event(b, "192.0.2.1"); /* no tunnel ends there */
    assert_string_equal(talking_to(b), "");
    spi_event(b, VIP);
    assert_string_equal(talking_to(b), "203.0.113.1");
    uint64_t begun = query_ike_stats(b->c)->initiated;
    spi_event(b, VIP);
    assert_int_equal(query_ike_stats(b->c)->initiated, begun);
    lose(b);
    settle(b);
    spi_event(b, VIP);
    assert_string_equal(talking_to(b), "");
}

#define BENCH(t) cmocka_unit_test_setup_teardown(t, bench_up, bench_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH(tunnels_have_the_virtual_address),
        BENCH(whoever_is_not_active_does_nothing),
        BENCH(the_role_goes_with_everything),
        BENCH(static_routes_are_where_the_role_is),
        BENCH(a_virtual_address_is_learnt),
        BENCH(without_redundancy_nothing_changes),
        BENCH(a_map_waits_for_its_group),
        BENCH(the_virtual_address_may_change),
        BENCH(what_belongs_to_the_other_box_s_sas_is_told),
        BENCH(recovery_begins_an_sa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
