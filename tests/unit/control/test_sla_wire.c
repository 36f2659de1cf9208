/* Probes of a box: their routes and rules, and real sockets on the loopback of a network namespace
 * of our own (this wants root, as make test does). */
#include "bench.h"
#include "lib/str.h"
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>

static struct intent_sla *wanted(struct intent *i, uint32_t n)
{
    i->sla = arena_array(&i->arena, struct intent_sla, n);
    i->n_sla = n;
    for (uint32_t k = 0; k < n; k++)
        i->sla[k] = (struct intent_sla){.number = k + 1,
                                        .target = adr("127.0.0.1"),
                                        .packets = 1,
                                        .frequency = 60,
                                        .timeout = 5000,
                                        .threshold = 5000,
                                        .size = 28,
                                        .pattern = 0xabcdabcd,
                                        .scheduled = true,
                                        .start = SLA_START_NOW,
                                        .life = SLA_FOREVER};
    return i->sla;
}

/* --- routes and rules ----------------------------------------------------------------------------
 */

/* Two providers with a default route each; the first one's follows a tracked object. */
static struct intent two_ways(void)
{
    struct intent i = {.n_if = 2, .n_route = 3};
    i.ifs = arena_array(&i.arena, struct intent_if, 2);
    i.route = arena_array(&i.arena, struct intent_route, 3);
    strcpy(i.ifs[0].name, "GigabitEthernet0/0");
    strcpy(i.ifs[0].nameif, "PRIMARY");
    i.ifs[0].addr = pfx("203.0.113.1", 24);
    strcpy(i.ifs[1].name, "GigabitEthernet0/1");
    strcpy(i.ifs[1].nameif, "BACKUP");
    i.ifs[1].addr = pfx("198.51.100.1", 24);
    const char *gw[] = {"203.0.113.2", "198.51.100.2", "203.0.113.3"};
    for (unsigned k = 0; k < 3; k++) {
        i.route[k] = (struct intent_route){.dst = pfx("0.0.0.0", 0),
                                           .gateway = adr(gw[k]),
                                           .distance = k == 1 ? 254 : 1};
        str_copy(i.route[k].ifname, sizeof i.route[k].ifname, i.ifs[k == 1].name);
    }
    i.route[0].track = 1;
    i.route[2].dst = pfx("192.0.2.0", 24);
    struct intent_sla *s = wanted(&i, 5);
    const char *target[] = {"209.165.200.226", "209.165.200.226", "192.0.2.9", "203.0.113.77",
                            "209.165.200.226"};
    for (unsigned k = 0; k < 5; k++) {
        s[k].target = adr(target[k]);
        s[k].bound = k < 4;
        str_copy(s[k].ifname, sizeof s[k].ifname, k == 4 ? "" : i.ifs[k == 1].name);
    }
    return i;
}

static const struct world_route *probe_route(struct bench *b, const char *dst, const char *gw)
{
    struct prefix p = pfx(dst, 32);
    struct addr g = adr(gw);
    world_settle(&b->c->world);
    for (size_t i = 0; i < b->c->world.n_route; i++) {
        const struct lr_route *r = &b->c->world.route[i].r;
        if (r->table == TANDEM_PROBE_TABLE && prefix_cmp(&r->dst, &p) == 0 && addr_eq(&r->gw, &g))
            return &b->c->world.route[i];
    }
    return NULL;
}

static unsigned probe_things(struct bench *b)
{
    unsigned n = 0;
    for (size_t i = 0; i < b->c->world.n_route; i++)
        n += b->c->world.route[i].r.table == TANDEM_PROBE_TABLE;
    for (size_t i = 0; i < b->c->world.n_rule; i++)
        n += b->c->world.rule[i].mark == TANDEM_PROBE_MARK;
    return n;
}

static void bound_probes_have_their_way(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct intent i = two_ways(), none = {0};
    bench_link(b, "eth0", true, 1500);
    bench_link(b, "eth1", true, 1500);
    control_set_ports(b->c, "GigabitEthernet0/0 eth0\nGigabitEthernet0/1 eth1\n", true);
    control_apply(b->c, &i);
    settle(b);
    /* the tracked route need not be in main for that */
    const struct world_route *first = probe_route(b, "209.165.200.226", "203.0.113.2");
    const struct world_route *second = probe_route(b, "209.165.200.226", "198.51.100.2");
    assert_non_null(first);
    assert_non_null(second);
    assert_int_not_equal(first->r.oif, second->r.oif);
    assert_int_not_equal(first->r.metric, second->r.metric);
    assert_non_null(probe_route(b, "192.0.2.9", "203.0.113.3")); /* the longest prefix */
    assert_int_equal(probe_things(b),
                     3 + 2); /* a neighbour needs no route, nor one that is not bound */
    unsigned lookups = 0, skips = 0;
    for (size_t k = 0; k < b->c->world.n_rule; k++) {
        const struct lr_rule *r = &b->c->world.rule[k];
        lookups +=
            r->mark == TANDEM_PROBE_MARK && r->table == TANDEM_PROBE_TABLE && r->priority < 32000;
        skips += r->mark == TANDEM_PROBE_MARK && r->goto_priority == 32766 && r->priority < 32000;
    }
    assert_int_equal(lookups, 1);
    assert_int_equal(skips, 1);
    bench_find(b, "eth0")->carrier = false;
    control_reconcile(b->c);
    settle(b);
    assert_null(probe_route(b, "209.165.200.226", "203.0.113.2"));
    assert_non_null(probe_route(b, "209.165.200.226", "198.51.100.2"));
    control_apply(b->c, &none);
    settle(b);
    assert_int_equal(probe_things(b), 0);
}

/* --- real sockets --------------------------------------------------------------------------------
 */

static struct bench *on_loopback(void **state)
{
    struct ifreq r = {.ifr_flags = IFF_UP | IFF_LOOPBACK};
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    strcpy(r.ifr_name, "lo");
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &r), 0);
    close(fd);
    return (struct bench *)*state;
}

static void give(struct bench *b, enum launch_socket kind, int family, int type, int protocol)
{
    int fd = socket(family, type | SOCK_NONBLOCK, protocol);
    assert_true(fd >= 0);
    control_set_socket(b->c, kind, fd);
}

static void apply(struct bench *b, struct intent *i)
{
    control_apply(b->c, i);
    settle(b);
}

static struct sla_view view(struct bench *b, uint32_t number)
{
    struct sla_view v;
    assert_true(query_sla_one(b->c, number, &v));
    return v;
}

/* Until the operation has ended; the kernel may take its time. */
static enum sla_code result(struct bench *b, uint32_t number)
{
    for (int i = 0; i < 3000 && view(b, number).successes + view(b, number).failures == 0; i++) {
        settle(b);
        poll(NULL, 0, 1);
    }
    return view(b, number).code;
}

static void echo(void **state)
{
    struct bench *b = on_loopback(state);
    struct intent i = {0};
    struct intent_sla *s = wanted(&i, 4);
    s[1].source = adr("127.0.0.3");
    s[1].tos = 184;
    s[1].size = 16384;
    s[1].verify = true;
    s[2].target = adr("::1");
    s[2].source = adr("::1");
    s[2].tos = 8;
    s[3].source = adr("198.51.100.1"); /* not ours */
    give(b, SOCK_PROBE4, AF_INET, SOCK_RAW, IPPROTO_ICMP);
    give(b, SOCK_PROBE6, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    apply(b, &i);
    b->t.mono_us += 10 * USEC_PER_MSEC;
    assert_int_equal(result(b, 1), SLA_OK);
    assert_int_equal(result(b, 2), SLA_OK);
    assert_int_equal(result(b, 3), SLA_OK);
    b->t.mono_us += 6 * USEC_PER_SEC;
    assert_int_equal(result(b, 4), SLA_NO_CONNECTION);
}

static void interface_that_is_not_there(void **state)
{
    struct bench *b = on_loopback(state);
    struct intent i = {0};
    struct intent_sla *s = wanted(&i, 3);
    s[0].bound = true; /* its name is not known */
    s[1].bound = true;
    strcpy(s[1].ifname, "GigabitEthernet0/0");
    strcpy(s[2].ifname, "GigabitEthernet0/0");
    give(b, SOCK_PROBE4, AF_INET, SOCK_RAW, IPPROTO_ICMP);
    give(b, SOCK_PROBE_IF4, AF_INET, SOCK_RAW, IPPROTO_ICMP);
    apply(b, &i);
    for (unsigned k = 0; k < 7; k++) {
        b->t.mono_us += USEC_PER_SEC;
        settle(b);
    }
    for (uint32_t k = 1; k <= 3; k++)
        assert_int_equal(result(b, k), SLA_NO_CONNECTION);
}

static int bound_socket(int type, uint16_t *port)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sin);
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&sin, sizeof(sin)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
    *port = ntohs(sin.sin_port);
    return fd;
}

static void echo_datagram(int fd)
{
    uint8_t p[2048];
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    struct pollfd w = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&w, 1, 30000), 1);
    ssize_t n = recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&from, &len);
    assert_int_equal(n, 28);
    assert_int_equal(sendto(fd, p, (size_t)n, 0, (const struct sockaddr *)&from, len), n);
}

static void datagram(void **state)
{
    struct bench *b = on_loopback(state);
    struct intent i = {0};
    struct intent_sla *s = wanted(&i, 1);
    int fd = bound_socket(SOCK_DGRAM, &s->port);
    s->type = SLA_UDP_ECHO;
    give(b, SOCK_PROBE_UDP4, AF_INET, SOCK_DGRAM, 0);
    apply(b, &i);
    b->t.mono_us += USEC_PER_MSEC;
    settle(b);
    echo_datagram(fd);
    assert_int_equal(result(b, 1), SLA_OK);
    close(fd);
}

/* What the launcher does on an LR_PROBE. */
static int connected(int type, uint16_t port)
{
    struct sockaddr_in sin = {.sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    (void)!connect(fd, (const struct sockaddr *)&sin, sizeof(sin));
    return fd;
}

/* The operation asks; the socket comes before the answer. */
static void begin_with(struct bench *b, int fd)
{
    b->t.mono_us += USEC_PER_MSEC;
    timerq_run(&b->c->timers, b->t.mono_us, 100);
    if (fd >= 0)
        control_launcher_probe(b->c, fd);
    settle(b);
    assert_int_equal(ASKED(b, LR_PROBE), 1);
    forget_frames(b);
}

static void sockets_of_their_own(void **state)
{
    struct bench *b = on_loopback(state);
    struct intent i = {0}, j = {0}, k = {0};
    struct intent_sla *s = wanted(&i, 1);
    uint16_t port;
    int server = bound_socket(SOCK_STREAM, &port);
    assert_int_equal(listen(server, 5), 0);
    s->type = SLA_TCP_CONNECT;
    s->port = port;
    control_apply(b->c, &i);
    forget_frames(b);
    begin_with(b, connected(SOCK_STREAM, port));
    assert_int_equal(result(b, 1), SLA_OK);
    int got = accept(server, NULL, NULL); /* and it was closed on the other side */
    char c;
    struct pollfd w = {.fd = got, .events = POLLIN};
    assert_int_equal(poll(&w, 1, 30000), 1);
    assert_int_equal(read(got, &c, 1), 0);
    close(got);
    close(server);

    s = wanted(&j, 1);
    s->type = SLA_TCP_CONNECT;
    s->port = port; /* nobody listens any more */
    s->tos = 4;
    control_apply(b->c, &j);
    forget_frames(b);
    begin_with(b, connected(SOCK_STREAM, port));
    assert_int_equal(result(b, 1), SLA_NO_CONNECTION);

    s = wanted(&k, 1);
    s->type = SLA_UDP_ECHO;
    server = bound_socket(SOCK_DGRAM, &s->port);
    s->source_port = 4000;
    port = s->port;
    control_apply(b->c, &k);
    forget_frames(b);
    begin_with(b, connected(SOCK_DGRAM, port));
    echo_datagram(server);
    assert_int_equal(result(b, 1), SLA_OK);
    close(server);
}

/* The launcher refuses, or answers when nobody waits any more, or gives what nobody asked for. */
static void launcher_is_late(void **state)
{
    struct bench *b = on_loopback(state);
    struct intent i = {0}, none = {0};
    struct intent_sla *s = wanted(&i, 1);
    s->type = SLA_TCP_CONNECT;
    s->port = 9;
    b->refuse = LR_PROBE;
    apply(b, &i);
    b->t.mono_us += USEC_PER_MSEC;
    assert_int_equal(result(b, 1), SLA_ERROR); /* EPERM will not come right */
    b->refuse = 0;
    assert_true(control_sla_restart(b->c, 1));
    b->t.mono_us += USEC_PER_MSEC;
    timerq_run(&b->c->timers, b->t.mono_us, 100); /* it has asked … */
    control_apply(b->c, &none);                   /* … and is gone */
    control_launcher_probe(b->c, socket(AF_INET, SOCK_STREAM, 0));
    control_launcher_probe(b->c, socket(AF_INET, SOCK_STREAM, 0));
    settle(b);
    struct sla_view v;
    assert_false(query_sla_one(b->c, 1, &v));
}

static void debugging(void **state)
{
    struct bench *b = on_loopback(state);
    struct intent i = {0};
    wanted(&i, 2);
    give(b, SOCK_PROBE4, AF_INET, SOCK_RAW, IPPROTO_ICMP);
    control_debug(b->c, CONTROL_DEBUG_SLA + SLA_TRACE_STEP, 2);
    apply(b, &i);
    b->t.mono_us += 100; /* the first begins */
    settle(b);
    assert_string_equal(b->notice, "");
    b->t.mono_us += USEC_PER_MSEC;
    settle(b);
    assert_int_equal(result(b, 2), SLA_OK);
    assert_non_null(strstr(b->notice, "IP SLAs(2) Scheduler: Updating result"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_up, bench_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(bound_probes_have_their_way),
        T(echo),
        T(interface_that_is_not_there),
        T(datagram),
        T(sockets_of_their_own),
        T(debugging),
        T(launcher_is_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
