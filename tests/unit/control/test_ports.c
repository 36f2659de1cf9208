/* Ports: binding by text and in order, and what is asked of the launcher for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/world/logical.h"
#include "control/world/ports.h"
#include "lib/str.h"
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add_link(struct world *w, uint32_t ifindex, const char *name, const char *kind,
                     bool ether)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    w->link = (struct world_link *)realloc(w->link, (w->n_link + 1) * sizeof(*w->link));
    assert_non_null(w->link);
    struct world_link l = {.ifindex = ifindex, .ether = ether, .mtu = 1500};
    str_copy(l.name, sizeof l.name, name);
    str_copy(l.kind, sizeof l.kind, kind);
    memcpy(l.mac, mac, sizeof(mac));
    w->link[w->n_link++] = l;
}

static void in_order(void **state)
{
    struct world w = {0};
    struct ports p = {0};
    (void)state;
    add_link(&w, 1, "lo", "", false);
    add_link(&w, 9, "eth9", "", true);
    add_link(&w, 3, "eth1", "veth", true);
    add_link(&w, 5, "br0", "bridge", true);
    add_link(&w, 6, "tds1", "tun", false);
    ports_bind(&p, NULL, true, &w);
    assert_int_equal(p.n, 2);
    assert_string_equal(ports_named(&p, "GigabitEthernet0/0")->netdev, "eth1");
    assert_string_equal(ports_named(&p, "GigabitEthernet0/1")->netdev, "eth9");
    assert_int_equal(ports_named(&p, "GigabitEthernet0/1")->ifid, 2);

    add_link(&w, 2, "eth2", "", true); /* comes later: the next name, whatever its index */
    ports_refresh(&p, &w);
    assert_string_equal(ports_named(&p, "GigabitEthernet0/2")->netdev, "eth2");
    assert_string_equal(ports_named(&p, "GigabitEthernet0/0")->netdev, "eth1");
    ports_refresh(&p, &w);
    assert_int_equal(p.n, 3);
    ports_free(&p);
    free(w.link);
}

static void by_text(void **state)
{
    struct world w = {0};
    struct ports p = {0};
    (void)state;
    add_link(&w, 3, "eth1", "", true);
    add_link(&w, 4, "eth2", "", true);
    ports_bind(&p,
               "# a comment\nGigabitEthernet0/1 eth1\n\nGigabitEthernet0/0\teth7 # absent\nrubbish",
               true, &w);
    assert_int_equal(p.n, 2);
    assert_string_equal(ports_named(&p, "GigabitEthernet0/1")->netdev, "eth1");
    assert_ptr_equal(ports_link(ports_named(&p, "GigabitEthernet0/1"), &w), &w.link[0]);
    assert_null(ports_link(ports_named(&p, "GigabitEthernet0/0"), &w));
    ports_free(&p);
    free(w.link);
}

static void overlong_text(void **state)
{
    char text[4096];
    struct world w = {0};
    struct ports p = {0};
    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    text[100] = ' ';
    text[2000] = '\n';
    ports_bind(&p, text, true, &w);
    for (size_t i = 0; i < p.n; i++)
        assert_true(strlen(p.v[i]->name) < INTENT_NAME && strlen(p.v[i]->netdev) < LAUNCH_IFNAME);
    ports_free(&p);
}

/* --- what is asked for ------------------------------------------------------------------------ */

struct asked {
    struct launch l;
    struct timerq q;
    struct manual_time t;
    struct clock clock;
    struct log log;
};

static void no_kick(void *ctx)
{
    (void)ctx;
}

static void asked_init(struct asked *a)
{
    memset(a, 0, sizeof(*a));
    a->clock = clock_manual(&a->t);
    log_init(&a->log, "test", 2, LOGL_ERROR);
    launch_init(&a->l, &a->q, &a->clock, &a->log, no_kick, NULL);
}

static unsigned count(const struct asked *a, uint16_t type)
{
    unsigned n = 0;
    for (size_t i = 0; i < LAUNCH_BUCKETS; i++)
        for (const struct launch_op *op = a->l.by_key[i]; op; op = op->next_key)
            n += op->type == type && op->round == a->l.round;
    return n;
}

static void round_of(struct asked *a, struct ports *p, struct world *w)
{
    launch_round_begin(&a->l);
    ports_look(p, w);
    ports_apply(p, w, &a->l);
    launch_round_end(&a->l);
}

static void wanted_state(void **state)
{
    struct asked a;
    struct world w = {0};
    struct ports p = {0};
    struct intent_if i = {.shutdown = true};
    struct intent in = {.n_if = 1, .ifs = &i};
    struct world_addr addrs[2];
    (void)state;
    asked_init(&a);
    add_link(&w, 3, "eth1", "", true);
    w.link[0].up = true; /* somebody uses it */
    w.addr = addrs;
    addrs[0] = (struct world_addr){.ifindex = 3, .addr = {addr_from_v4(0x0a000001), 24}};
    w.n_addr = 1;
    strcpy(i.name, "GigabitEthernet0/0");
    ports_bind(&p, NULL, true, &w);
    ports_set_intent(&p, &in);
    round_of(&a, &p, &w); /* only `shutdown`: untouched */
    assert_int_equal(count(&a, LR_LINK) + count(&a, LR_ADDR), 0);

    i.addr = (struct prefix){addr_from_v4(0xc0000201), 24};
    strcpy(i.nameif, "OUTSIDE");
    round_of(&a, &p, &w); /* configured and shut: down it goes; the foreign address stays */
    assert_int_equal(count(&a, LR_LINK), 1);
    assert_int_equal(count(&a, LR_ADDR), 1);
    assert_non_null(strstr(p.v[0]->trouble, "cannot be")); /* there is no launcher to ask */

    addrs[1] = (struct world_addr){.ifindex = 3, .addr = i.addr, .ours = true};
    w.n_addr = 2;
    i.shutdown = false;
    round_of(&a, &p, &w); /* everything is as wanted */
    assert_int_equal(count(&a, LR_LINK) + count(&a, LR_ADDR), 0);
    assert_string_equal(p.v[0]->trouble, "");
    assert_true(p.v[0]->has_addr);

    i.addr.len = 30;
    i.mtu = 1400;
    round_of(&a, &p, &w); /* the old one goes, the new one comes; MTU */
    assert_int_equal(count(&a, LR_ADDR), 2);
    assert_int_equal(count(&a, LR_LINK), 1);
    w.link[0].mtu = 1400;
    i.mtu = 0;
    round_of(&a, &p, &w); /* the MTU that it had before */
    assert_int_equal(count(&a, LR_LINK), 1);
    w.link[0].mtu = 1500;

    in.n_if = 0;
    ports_set_intent(&p, &in);
    round_of(&a, &p, &w); /* unconfigured: our address goes, the admin state stays */
    assert_int_equal(count(&a, LR_ADDR), 1);
    assert_int_equal(count(&a, LR_LINK), 0);
    launch_free(&a.l);
    timerq_free(&a.q);
    ports_free(&p);
    free(w.link);
}

/* Each secondary address is asked for, looked for, and removed on its own. */
static void secondaries(void **state)
{
    struct asked a;
    struct world w = {0};
    struct ports p = {0};
    struct intent_if i = {.name = "GigabitEthernet0/0",
                          .addr = {addr_from_v4(0x0a000001), 24},
                          .addr2 = {{addr_from_v4(0x0a000002), 24}, {addr_from_v4(0x0a010001), 16}},
                          .n_addr2 = 2};
    struct intent in = {.n_if = 1, .ifs = &i};
    struct world_addr addrs[3];
    (void)state;
    asked_init(&a);
    add_link(&w, 3, "eth1", "", true);
    w.link[0].up = w.link[0].carrier = true;
    w.addr = addrs;
    ports_bind(&p, NULL, false, &w);
    ports_set_intent(&p, &in);
    round_of(&a, &p, &w);
    assert_int_equal(count(&a, LR_ADDR), 3);
    addrs[0] = (struct world_addr){.ifindex = 3, .addr = i.addr, .ours = true};
    addrs[1] = (struct world_addr){.ifindex = 3, .addr = i.addr2[1], .ours = true};
    w.n_addr = 2;
    round_of(&a, &p, &w);
    assert_int_equal(count(&a, LR_ADDR), 1);
    assert_int_equal(p.v[0]->has_addr2, 2);
    assert_true(ports_owns(p.v[0], &i.addr2[0].addr));
    assert_true(ports_up(&p, p.v[0], &w));
    addrs[2] = (struct world_addr){.ifindex = 3, .addr = i.addr2[0], .ours = true};
    w.n_addr = 3;
    i.n_addr2 = 1;
    round_of(&a, &p, &w); /* the last one goes */
    assert_int_equal(count(&a, LR_ADDR), 1);
    launch_free(&a.l);
    timerq_free(&a.q);
    ports_free(&p);
    free(w.link);
}

static void logical_round(struct asked *a, struct ports *p, struct world *w)
{
    launch_round_begin(&a->l);
    ports_look(p, w);
    logical_apply(p, w, &a->l);
    ports_apply(p, w, &a->l);
    launch_round_end(&a->l);
}

/* A loopback and a VLAN are asked for until they are there, and taken away when they are no more
 * wanted: by an engine that has just come, too. */
static void logical(void **state)
{
    struct asked a;
    struct world w = {0};
    struct ports p = {0};
    struct intent_if i[] = {
        {.name = "Loopback7", .kind = IF_LOOPBACK, .number = 7, .addr = {addr_from_v4(1), 32}},
        {.name = "GigabitEthernet0/0.30", .kind = IF_VLAN},
        {.name = "Tunnel1", .kind = IF_TUNNEL}};
    struct intent in = {.n_if = 3, .ifs = i};
    (void)state;
    asked_init(&a);
    add_link(&w, 12, "eth1", "", true);
    ports_bind(&p, NULL, false, &w);
    ports_set_intent(&p, &in);
    logical_round(&a, &p, &w);
    assert_int_equal(count(&a, LR_TUN), 1);
    assert_int_equal(count(&a, LR_VLAN), 0);
    logical_round(&a, &p, &w);
    struct port *lo = ports_named(&p, "Loopback7"), *sub = ports_named(&p, i[1].name);
    assert_string_equal(lo->netdev, "tdl7");
    assert_non_null(strstr(sub->trouble, "no VLAN"));
    struct port *tunnel = ports_named(&p, "Tunnel1");
    assert_string_equal(tunnel->trouble, "");
    i[2].unnumbered = true;
    logical_round(&a, &p, &w);
    assert_non_null(strstr(tunnel->trouble, "needs a source"));
    i[2].tunnel.mode = TUNNEL_GRE; /* its device is made by others, and may come later */
    ports_look(&p, &w);
    assert_string_equal(tunnel->trouble, "");
    i[1].vlan = 30;
    logical_round(&a, &p, &w);
    assert_int_equal(count(&a, LR_VLAN), 1);
    assert_string_equal(sub->netdev, "tdv12.30");
    add_link(&w, 13, "tdl7", "tun", false);
    add_link(&w, 14, "tdv12.30", "vlan", true);
    logical_round(&a, &p, &w);
    assert_int_equal(count(&a, LR_TUN) + count(&a, LR_VLAN), 0);
    assert_int_equal(count(&a, LR_ADDR), 1);
    i[1].vlan = 31; /* another tag is another device */
    logical_round(&a, &p, &w);
    assert_int_equal(count(&a, LR_VLAN), 2);
    in.n_if = 0;
    ports_set_intent(&p, &in);
    logical_round(&a, &p, &w);
    assert_int_equal(count(&a, LR_TUN), 1);
    assert_int_equal(count(&a, LR_VLAN), 1);
    assert_string_equal(lo->netdev, "");
    ports_free(&p);
    p = (struct ports){0};
    ports_bind(&p, NULL, false, &w);
    logical_round(&a, &p, &w); /* the next engine, which never heard of them */
    assert_int_equal(count(&a, LR_TUN), 1);
    assert_int_equal(count(&a, LR_VLAN), 1);
    launch_free(&a.l);
    timerq_free(&a.q);
    ports_free(&p);
    free(w.link);
}

/* Interfaces that come and go do not use the table up. */
static void places_again(void **state)
{
    struct ports p = {0};
    struct world w = {0};
    struct intent_if i[2] = {{.kind = IF_LOOPBACK}, {.name = "Loopback1", .kind = IF_LOOPBACK}};
    struct intent in = {.n_if = 2, .ifs = i};
    (void)state;
    ports_bind(&p, "", false, &w);
    for (unsigned k = 2; k < 2 * PORTS_MAX; k++) {
        snprintf(i[0].name, sizeof(i[0].name), "Loopback%u", k);
        ports_set_intent(&p, &in);
        assert_non_null(ports_named(&p, i[0].name));
        assert_ptr_equal(ports_named(&p, i[0].name)->ifp, &i[0]);
        assert_ptr_equal(ports_named(&p, "Loopback1")->ifp, &i[1]);
    }
    assert_int_equal(p.n, PORTS_MAX);
    ports_free(&p);
}

static void missing_port(void **state)
{
    struct asked a;
    struct world w = {0};
    struct ports p = {0};
    struct intent_if i = {.addr = {addr_from_v4(0x0a000001), 24}};
    struct intent in = {.n_if = 1, .ifs = &i};
    (void)state;
    asked_init(&a);
    strcpy(i.name, "GigabitEthernet0/7");
    strcpy(i.nameif, "x");
    ports_bind(&p, "", true, &w);
    ports_set_intent(&p, &in);
    round_of(&a, &p, &w);
    assert_int_equal(p.n, 1);
    assert_string_equal(p.v[0]->trouble, "this host has no such port");
    assert_false(ports_up(&p, p.v[0], &w));
    launch_free(&a.l);
    timerq_free(&a.q);
    ports_free(&p);
}

/* What is wrong with a port is said once, and once more when it is over. */
static void told_once(void **state)
{
    struct asked a;
    struct world w = {0};
    struct ports p = {0};
    struct log log;
    char text[1024];
    int fd[2];
    (void)state;
    asked_init(&a);
    assert_int_equal(pipe(fd), 0);
    log_init(&log, "test", fd[1], LOGL_NOTICE);
    ports_bind(&p, "GigabitEthernet0/0 eth9\n", true, &w);
    for (unsigned i = 0; i < 3; i++) {
        if (i == 2)
            add_link(&w, 3, "eth9", "", true);
        round_of(&a, &p, &w);
        ports_tell(&p, &log);
    }
    ssize_t n = read(fd[0], text, sizeof(text) - 1);
    assert_true(n > 0);
    text[n] = '\0';
    const char *first = strstr(text, "GigabitEthernet0/0: its device eth9 is not there");
    assert_non_null(first);
    assert_null(strstr(strstr(first, "ports file"), "eth9"));
    assert_non_null(strstr(first, "GigabitEthernet0/0: as it should be again"));
    close(fd[0]);
    close(fd[1]);
    launch_free(&a.l);
    timerq_free(&a.q);
    ports_free(&p);
    free(w.link);
}

static void nothing_changed(void *ctx)
{
    (void)ctx;
}

/* The counters of a real device; one that is not there spoils nothing for the next question. */
static void traffic(void **state)
{
    struct event_base *base = event_base_new();
    struct log log;
    struct world w;
    struct world_traffic x;
    (void)state;
    log_init(&log, "test", 2, LOGL_ERROR);
    assert_int_equal(world_open(&w, base, &log, nothing_changed, NULL), 0);
    const struct world_link *lo = world_link_named(&w, "lo");
    assert_non_null(lo);
    assert_true(world_traffic(&w, 0x7ffffff0, &x) < 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(world_traffic(&w, lo->ifindex, &x), 0);
    assert_int_equal(x.rx_packets, x.tx_packets); /* what goes into lo comes out of it */
    world_close(&w);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),      cmocka_unit_test(by_text),
        cmocka_unit_test(overlong_text), cmocka_unit_test(wanted_state),
        cmocka_unit_test(missing_port),  cmocka_unit_test(told_once),
        cmocka_unit_test(traffic),       cmocka_unit_test(secondaries),
        cmocka_unit_test(logical),       cmocka_unit_test(places_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
