/*
 * Groups on a network made by hand: routers hear each other's frames at once, hellos are sent by a
 * timer of the test, and the clock stands still until a test moves it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/hsrp/group.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUTERS 3

struct net;
struct router {
    struct net *net;
    struct hsrp_host host;
    struct hsrp_group g;
    struct hsrp_cfg cfg;
    struct hsrp_link link;
    struct timer hello;
    uint8_t frame[HSRP_FRAME];
    size_t n;
    usec_t every;
    bool deaf, silent; /* its engine is busy; it is cut off */
    bool held;         /* its host lets nobody take over from a living router */
    struct {
        uint8_t f[HSRP_FRAME];
        size_t n;
    } waiting[64];
    size_t n_waiting;
    char log[512]; /* "12 Standby>Active" … */
    enum hsrp_known object[8];
    unsigned told[HSRP_TELLS], announced, saved, sent[HSRP_ADVERTISE + 1];
    struct hsrp_message last;
    uint8_t last_mac[HSRP_MAC];
};

struct net {
    struct manual_time t;
    struct clock clock;
    struct timerq timers;
    struct router r[ROUTERS];
    unsigned n;
};

static struct addr adr(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static void hear(struct router *r, const uint8_t *f, size_t n)
{
    struct hsrp_datagram d;
    struct hsrp_message m;
    if (!hsrp_unframe(f, n, false, &d) || d.version != r->cfg.version)
        return;
    assert_int_equal(hsrp_parse(d.version, d.p, d.n, &m), HSRP_GOOD);
    if (m.group == r->cfg.number)
        hsrp_group_input(&r->g, &m, &d.src, d.mac, d.p, d.n);
}

static void drain(void *ctx)
{
    struct router *r = (struct router *)ctx;
    for (size_t i = 0; i < r->n_waiting; i++)
        hear(r, r->waiting[i].f, r->waiting[i].n);
    r->n_waiting = 0;
}

static void transmit(struct router *from, const uint8_t *f, size_t n)
{
    struct hsrp_datagram d;
    if (from->silent)
        return;
    if (!hsrp_unframe(f, n, false, &d)) {
        from->announced++;
        return;
    }
    assert_int_equal(hsrp_parse(d.version, d.p, d.n, &from->last), HSRP_GOOD);
    from->sent[from->last.op]++;
    memcpy(from->last_mac, d.mac, HSRP_MAC);
    for (unsigned i = 0; i < from->net->n; i++) {
        struct router *r = &from->net->r[i];
        if (r == from || r->silent)
            continue;
        if (r->deaf && r->n_waiting < 64) {
            memcpy(r->waiting[r->n_waiting].f, f, n);
            r->waiting[r->n_waiting++].n = n;
        } else {
            hear(r, f, n);
        }
    }
}

static void send_frame(void *ctx, const struct hsrp_group *g, const uint8_t *f, size_t n)
{
    (void)g;
    transmit((struct router *)ctx, f, n);
}

static void on_hello(struct timer *t, void *owner)
{
    struct router *r = (struct router *)owner;
    timer_set(&r->net->timers, t, r->net->t.mono_us + r->every);
    transmit(r, r->frame, r->n);
    hsrp_group_sent(&r->g, 1);
}

static void pace(void *ctx, struct hsrp_group *g, const uint8_t *f, size_t n, usec_t every,
                 bool at_once)
{
    struct router *r = (struct router *)ctx;
    (void)g;
    if (n)
        memcpy(r->frame, f, n);
    r->n = n;
    r->every = every;
    if (!n)
        timer_cancel(&r->net->timers, &r->hello);
    else if (at_once || !timer_armed(&r->hello))
        timer_set(&r->net->timers, &r->hello, r->net->t.mono_us);
}

static usec_t next_hello(void *ctx, const struct hsrp_group *g)
{
    (void)g;
    return ((struct router *)ctx)->hello.when;
}

static void changed(void *ctx, struct hsrp_group *g, enum hsrp_state was)
{
    struct router *r = (struct router *)ctx;
    size_t n = strlen(r->log);
    snprintf(r->log + n, sizeof(r->log) - n, "%s>%s ", hsrp_state_name(was),
             hsrp_state_name(g->state));
}

static void save(void *ctx, const struct hsrp_group *g)
{
    (void)g;
    ((struct router *)ctx)->saved++;
}

static enum hsrp_known tracked(void *ctx, const struct hsrp_track *t)
{
    return ((struct router *)ctx)->object[t->object];
}

static bool may_preempt(void *ctx)
{
    return !((const struct router *)ctx)->held;
}

static void tell(void *ctx, const struct hsrp_group *g, enum hsrp_tell what,
                 const struct hsrp_message *m, const struct addr *from, const uint8_t *mac)
{
    (void)g;
    (void)m;
    (void)from;
    (void)mac;
    ((struct router *)ctx)->told[what]++;
}

static bool debugs(void *ctx, enum hsrp_debug cls)
{
    (void)ctx;
    (void)cls;
    return true;
}

static void debug(void *ctx, const char *line)
{
    (void)ctx;
    assert_non_null(strstr(line, "HSRP: "));
}

static int make(void **state)
{
    struct net *net = (struct net *)calloc(1, sizeof(*net));
    assert_non_null(net);
    net->clock = clock_manual(&net->t);
    net->t.mono_us = 1000 * USEC_PER_SEC;
    *state = net;
    return 0;
}

static int unmake(void **state)
{
    struct net *net = (struct net *)*state;
    for (unsigned i = 0; i < net->n; i++) {
        timer_cancel(&net->timers, &net->r[i].hello);
        hsrp_group_drop(&net->r[i].g);
    }
    timerq_free(&net->timers);
    free(net);
    return 0;
}

/* 10.1.0.3 and up, no delays, not yet in force. */
static struct router *router(struct net *net, uint8_t priority, bool preempt)
{
    struct router *r = &net->r[net->n];
    char a[ADDR_STRLEN];
    r->net = net;
    r->host = (struct hsrp_host){.timers = &net->timers,
                                 .clock = &net->clock,
                                 .send = send_frame,
                                 .pace = pace,
                                 .next_hello = next_hello,
                                 .drain = drain,
                                 .changed = changed,
                                 .save = save,
                                 .tracked = tracked,
                                 .may_preempt = may_preempt,
                                 .tell = tell,
                                 .debugs = debugs,
                                 .debug = debug,
                                 .ctx = r};
    r->cfg = (struct hsrp_cfg){.number = 10,
                               .version = 1,
                               .ip = true,
                               .vip = adr("10.1.0.100"),
                               .priority = priority,
                               .preempt = preempt,
                               .name = "VPN",
                               .auth = HSRP_AUTH_TEXT,
                               .text = "cisco"};
    snprintf(a, sizeof(a), "10.1.0.%u", 3 + net->n);
    r->link = (struct hsrp_link){.name = "FastEthernet1/0",
                                 .shortname = "Fa1/0",
                                 .up = true,
                                 .addr = adr(a),
                                 .mac = {2, 0, 0, 0, 0, (uint8_t)(3 + net->n)}};
    for (unsigned i = 0; i < 8; i++)
        r->object[i] = HSRP_UP;
    timer_init(&r->hello, on_hello, r);
    hsrp_group_init(&r->g, &r->host, false);
    net->n++;
    return r;
}

static void set(struct router *r)
{
    hsrp_group_set(&r->g, &r->cfg, &r->link);
}

/* Time goes by. */
static void pass_ms(struct net *net, unsigned ms)
{
    usec_t until = net->t.mono_us + ms * USEC_PER_MSEC;
    for (usec_t next; (next = timerq_next(&net->timers)) >= 0 && next <= until;) {
        if (next > net->t.mono_us)
            net->t.mono_us = next;
        timerq_run(&net->timers, net->t.mono_us, 1);
    }
    net->t.mono_us = until;
}

/* Two that have found their roles: the first is active. */
static void pair(struct net *net, struct router **a, struct router **b, bool preempt)
{
    *a = router(net, 105, preempt);
    *b = router(net, 100, preempt);
    set(*a);
    set(*b);
    pass_ms(net, 60000);
    assert_int_equal((*a)->g.state, HSRP_ACTIVE);
    assert_int_equal((*b)->g.state, HSRP_STANDBY);
    (*a)->log[0] = (*b)->log[0] = '\0';
}

static void one_alone(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a = router(net, 100, false);
    set(a);
    pass_ms(net, 60000);
    assert_string_equal(a->log, "Init>Listen Listen>Speak Speak>Standby Standby>Active ");
    assert_int_equal(a->announced, 3);
    assert_false(addr_is_set(&a->g.active.addr));
}

static void higher_priority_wins(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    pair(net, &a, &b, false);
    assert_true(addr_eq(&b->g.active.addr, &a->link.addr));
    assert_int_equal(b->g.active.priority, 105);
    assert_true(addr_eq(&a->g.standby.addr, &b->link.addr));
}

/* RFC 2281 §5.1: of equal priorities the higher address. */
static void higher_address_wins(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a = router(net, 100, false), *b = router(net, 100, false);
    set(a);
    set(b);
    pass_ms(net, 60000);
    assert_int_equal(a->g.state, HSRP_STANDBY);
    assert_int_equal(b->g.state, HSRP_ACTIVE);
}

static void third_one_listens(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b, *c;
    pair(net, &a, &b, false);
    c = router(net, 90, false);
    set(c);
    pass_ms(net, 60000);
    assert_int_equal(c->g.state, HSRP_LISTEN);
    a->link.up = false; /* the active goes: the standby follows it, the third the standby */
    set(a);
    pass_ms(net, 60000);
    assert_int_equal(b->g.state, HSRP_ACTIVE);
    assert_int_equal(c->g.state, HSRP_STANDBY);
}

static void hold_time_without_a_word(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    pair(net, &a, &b, true);
    a->silent = true;
    pass_ms(net, 6900);
    assert_int_equal(b->g.state, HSRP_STANDBY);
    pass_ms(net, 3200);
    assert_string_equal(b->log, "Standby>Active ");
}

static void resigns(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    pair(net, &a, &b, true);
    a->link.up = false;
    set(a);
    assert_string_equal(a->log, "Active>Init ");
    assert_string_equal(b->log, "Standby>Active ");
    assert_int_equal(a->last.op, HSRP_RESIGN);
    assert_int_equal(a->last.state, HSRP_ACTIVE);
    assert_memory_equal(a->last_mac, a->link.mac, HSRP_MAC); /* the other one has the virtual MAC */
}

/* What the seed shows: Active → Speak → Standby here, Standby → Active there, and back. */
static void tracked_object(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    pair(net, &a, &b, true);
    a->cfg.n_track = 1;
    a->cfg.track[0] = (struct hsrp_track){.object = 1, .decrement = 10};
    set(a);
    assert_int_equal(a->g.priority, 105);
    a->object[1] = HSRP_DOWN;
    hsrp_group_track(&a->g);
    assert_int_equal(a->g.priority, 95);
    pass_ms(net, 3000); /* its next hello tells it, and the other takes over */
    assert_string_equal(a->log, "Active>Speak ");
    assert_string_equal(b->log, "Standby>Active ");
    assert_int_equal(b->sent[HSRP_COUP], 1);
    pass_ms(net, 10000);
    assert_string_equal(a->log, "Active>Speak Speak>Standby ");
    a->object[1] = HSRP_UP;
    hsrp_group_track(&a->g);
    pass_ms(net, 3000);
    assert_string_equal(a->log, "Active>Speak Speak>Standby Standby>Active ");
    assert_string_equal(b->log, "Standby>Active Active>Speak ");
}

static void lower_without_preempt(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    pair(net, &a, &b, false);
    a->cfg.priority = 10;
    set(a);
    pass_ms(net, 30000);
    assert_string_equal(a->log, "");
    assert_string_equal(b->log, "");
}

static void tracked_shutdown(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    pair(net, &a, &b, true);
    a->cfg.n_track = 1;
    a->cfg.track[0] = (struct hsrp_track){.object = 1, .shutdown = true};
    set(a);
    a->object[1] = HSRP_DOWN;
    hsrp_group_track(&a->g);
    assert_int_equal(a->g.state, HSRP_INIT);
    assert_int_equal(b->g.state, HSRP_ACTIVE);
    a->object[1] = HSRP_UP;
    hsrp_group_track(&a->g);
    pass_ms(net, 30000);
    assert_int_equal(a->g.state, HSRP_ACTIVE);
}

/* Both are active after a cut, and one hello after it was healed only one is. */
static void healed_link(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    pair(net, &a, &b, false);
    b->silent = true;
    pass_ms(net, 30000);
    assert_int_equal(a->g.state, HSRP_ACTIVE);
    assert_int_equal(b->g.state, HSRP_ACTIVE);
    a->log[0] = b->log[0] = '\0';
    b->silent = false;
    pass_ms(net, 3000);
    assert_string_equal(a->log, "");
    assert_string_equal(b->log, "Active>Speak ");
    pass_ms(net, 30000);
    assert_int_equal(b->g.state, HSRP_STANDBY);
}

/* An engine that was busy for longer than the hold time reads before it concludes. */
static void busy_engine(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    pair(net, &a, &b, true);
    b->deaf = true;
    pass_ms(net, 60000);
    b->deaf = false;
    drain(b);
    pass_ms(net, 1);
    assert_string_equal(b->log, "");
    assert_string_equal(a->log, "");
}

static void preempt_waits(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *b = router(net, 100, true), *a;
    set(b);
    pass_ms(net, 60000);
    a = router(net, 105, true);
    a->cfg.preempt_min = 20;
    set(a);
    pass_ms(net, 19000);
    assert_int_equal(b->g.state, HSRP_ACTIVE);
    pass_ms(net, 4000);
    assert_int_equal(a->g.state, HSRP_ACTIVE);
    assert_int_equal(b->g.state, HSRP_SPEAK);
}

/* Until it has what the active one has (control/sso): not by its priority, but when that dies. */
static void preempt_is_held(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *b = router(net, 100, true), *a;
    set(b);
    pass_ms(net, 60000);
    a = router(net, 105, true);
    a->held = true;
    set(a);
    pass_ms(net, 59000);
    assert_int_equal(b->g.state, HSRP_ACTIVE);
    assert_int_equal(a->g.state, HSRP_STANDBY);
    a->held = false;
    pass_ms(net, 4000);
    assert_int_equal(a->g.state, HSRP_ACTIVE);
    b->held = true;
    pass_ms(net, 30000);
    a->link.up = false;
    set(a);
    pass_ms(net, 15000);
    assert_int_equal(b->g.state, HSRP_ACTIVE);
}

/* A router is on its way until others have what it could be, too. */
static void settled(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a = router(net, 105, false), *b, *c;
    assert_true(hsrp_group_settled(&a->g)); /* not configured */
    a->cfg.delay_min = 5;
    a->link.up = false;
    set(a);
    assert_true(hsrp_group_settled(&a->g)); /* it cannot take part */
    a->link.up = true;
    set(a);
    assert_int_equal(a->g.state, HSRP_INIT);
    assert_false(hsrp_group_settled(&a->g)); /* it will */
    pass_ms(net, 6000);
    assert_int_equal(a->g.state, HSRP_LISTEN);
    assert_false(hsrp_group_settled(&a->g));
    pass_ms(net, 10000);
    assert_int_equal(a->g.state, HSRP_SPEAK);
    assert_false(hsrp_group_settled(&a->g));
    pass_ms(net, 20000);
    assert_int_equal(a->g.state, HSRP_ACTIVE);
    assert_true(hsrp_group_settled(&a->g));
    b = router(net, 100, false);
    set(b);
    pass_ms(net, 5000);
    assert_int_equal(b->g.state, HSRP_LISTEN);
    assert_false(hsrp_group_settled(&b->g)); /* nobody is standby */
    pass_ms(net, 30000);
    assert_int_equal(b->g.state, HSRP_STANDBY);
    assert_true(hsrp_group_settled(&b->g));
    c = router(net, 90, false);
    set(c);
    pass_ms(net, 5000);
    assert_int_equal(c->g.state, HSRP_LISTEN);
    assert_true(hsrp_group_settled(&c->g)); /* that is its place */
}

/* RFC 2281 §5.7, i in Listen: it speaks at once, and is active a hold time later. */
static void resign_to_a_listener(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a = router(net, 105, true), *b;
    set(a);
    pass_ms(net, 60000);
    b = router(net, 100, true);
    set(b);
    pass_ms(net, 5000);
    assert_int_equal(b->g.state, HSRP_LISTEN);
    a->link.up = false;
    set(a);
    assert_int_equal(b->g.state, HSRP_SPEAK);
    pass_ms(net, 9900);
    assert_int_equal(b->g.state, HSRP_SPEAK);
    pass_ms(net, 200);
    assert_int_equal(b->g.state, HSRP_ACTIVE);
}

static void preempt_after_boot(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *b = router(net, 100, true), *a;
    set(b);
    pass_ms(net, 60000);
    a = router(net, 105, true);
    hsrp_group_init(&a->g, &a->host, true);
    a->cfg.preempt_reload = 50;
    a->cfg.delay_min = 1;
    a->cfg.delay_reload = 5;
    set(a);
    pass_ms(net, 4900);
    assert_int_equal(a->g.state, HSRP_INIT);
    pass_ms(net, 49000);
    assert_int_equal(b->g.state, HSRP_ACTIVE);
    pass_ms(net, 6000);
    assert_int_equal(a->g.state, HSRP_ACTIVE);
}

static void delay_after_link(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a = router(net, 105, true);
    a->cfg.delay_min = 7;
    set(a);
    assert_int_equal(a->g.state, HSRP_LISTEN);
    a->link.up = false;
    set(a);
    a->link.up = true;
    set(a);
    pass_ms(net, 6900);
    assert_int_equal(a->g.state, HSRP_INIT);
    set(a); /* the same again does not begin anew */
    pass_ms(net, 200);
    assert_int_equal(a->g.state, HSRP_LISTEN);
}

/* Timers and address come from the active router where they are not configured. */
static void learns(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a = router(net, 105, true), *b = router(net, 100, true);
    a->cfg.timers = true;
    a->cfg.hello_ms = 1000;
    a->cfg.hold_ms = 4000;
    b->cfg.vip = (struct addr){0};
    set(b);
    pass_ms(net, 30000);
    assert_int_equal(b->g.state, HSRP_LEARN);
    set(a);
    pass_ms(net, 30000);
    assert_int_equal(b->g.state, HSRP_STANDBY);
    assert_true(addr_eq(&b->g.vip, &a->cfg.vip));
    assert_int_equal(b->g.hello_ms, 1000);
    assert_int_equal(b->g.hold_ms, 4000);
    a->silent = true;
    pass_ms(net, 4000);
    assert_int_equal(b->g.state, HSRP_ACTIVE);
}

static void active_learns_nothing(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    pair(net, &a, &b, false);
    b->cfg.timers = true;
    b->cfg.hello_ms = 1000;
    b->cfg.hold_ms = 4000;
    set(b);
    pass_ms(net, 30000);
    assert_int_equal(a->g.hello_ms, HSRP_HELLO_MS);
}

static void other_text(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    pair(net, &a, &b, true);
    b->cfg.priority = 200;
    memcpy(b->cfg.text, "other\0\0\0", HSRP_TEXT);
    set(b);
    pass_ms(net, 60000);
    assert_string_equal(a->log, ""); /* it goes on as if nobody were there */
    assert_int_equal(b->g.state, HSRP_ACTIVE);
    assert_true(a->told[HSRP_TELL_AUTH] >= 1);
    assert_true(a->told[HSRP_TELL_AUTH] <= 3); /* and does not say so each time */
}

static void set_key(struct router *r, const char *key)
{
    r->cfg.auth = HSRP_AUTH_MD5;
    r->cfg.n_key = 1;
    r->cfg.key[0] = (struct hsrp_key){.len = (uint16_t)strlen(key)};
    memcpy(r->cfg.key[0].key, key, strlen(key));
}

static void md5(void **state)
{
    struct net *net = (struct net *)*state;
    for (unsigned version = 1; version <= 2; version++) {
        struct router *a, *b;
        net->n = 0;
        a = router(net, 105, true);
        b = router(net, 100, true);
        a->cfg.version = b->cfg.version = (uint8_t)version;
        set_key(a, "secret");
        set_key(b, "secret");
        set(a);
        set(b);
        pass_ms(net, 60000);
        assert_int_equal(a->g.state, HSRP_ACTIVE);
        assert_int_equal(b->g.state, HSRP_STANDBY);
        /* A new key: the old one is taken for as long as was said. */
        a->cfg.key_timeout = b->cfg.key_timeout = 30;
        set_key(b, "another");
        set(b);
        pass_ms(net, 20000);
        assert_int_equal(b->g.state, HSRP_STANDBY);
        assert_int_equal(b->told[HSRP_TELL_AUTH], 0);
        pass_ms(net, 30000);
        assert_int_equal(b->g.state, HSRP_ACTIVE);
        assert_true(b->told[HSRP_TELL_AUTH] > 0);
        timer_cancel(&net->timers, &a->hello);
        timer_cancel(&net->timers, &b->hello);
        hsrp_group_drop(&a->g);
        hsrp_group_drop(&b->g);
        memset(net->r, 0, sizeof(net->r));
    }
    net->n = 0;
}

static void other_address(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    pair(net, &a, &b, true);
    b->cfg.vip = adr("10.1.0.200");
    set(b);
    pass_ms(net, 3000);
    assert_int_equal(b->told[HSRP_TELL_VIP], 1);
    assert_int_equal(b->g.state, HSRP_STANDBY);
}

/* What `show standby` calls the active virtual MAC address is the other router's. */
static void mac_of_the_active_router(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    uint8_t own[HSRP_MAC];
    const uint8_t none[HSRP_MAC] = {0};
    pair(net, &a, &b, true);
    pass_ms(net, 3000);
    hsrp_group_mac(&a->g, own);
    assert_memory_equal(b->g.active_mac, own, HSRP_MAC);
    assert_memory_equal(a->g.active_mac, none, HSRP_MAC);
    a->cfg.use_bia = true;
    set(a);
    pass_ms(net, 30000);
    assert_int_equal(a->g.state, HSRP_ACTIVE);
    assert_memory_equal(b->g.active_mac, a->link.mac, HSRP_MAC);
    a->silent = true;
    pass_ms(net, 11000);
    assert_int_equal(b->g.state, HSRP_ACTIVE);
    assert_memory_equal(b->g.active_mac, none, HSRP_MAC);
}

static void claimed_address(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    uint8_t own[HSRP_MAC];
    const uint8_t other[HSRP_MAC] = {2, 9, 9, 9, 9, 9};
    pair(net, &a, &b, true);
    hsrp_group_mac(&a->g, own);
    hsrp_group_claim(&a->g, &a->cfg.vip, own);
    hsrp_group_claim(&a->g, &b->link.addr, other);
    hsrp_group_claim(&b->g, &a->cfg.vip, other);
    assert_int_equal(a->told[HSRP_TELL_ADDRESS] + b->told[HSRP_TELL_ADDRESS], 0);
    hsrp_group_claim(&a->g, &a->cfg.vip, other);
    assert_int_equal(a->told[HSRP_TELL_ADDRESS], 1);
}

/* A successor of the engine is what its predecessor was, and nobody notices. */
static void successor(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    struct hsrp_saved s;
    pair(net, &a, &b, true);
    for (unsigned i = 0; i < 2; i++) {
        struct router *r = &net->r[i];
        hsrp_group_save(&r->g, &s);
        hsrp_group_drop(&r->g);
        pass_ms(net, 2000);
        hsrp_group_init(&r->g, &r->host, false);
        assert_true(hsrp_group_resume(&r->g, &s, &r->cfg, &r->link));
        set(r);
    }
    pass_ms(net, 60000);
    assert_string_equal(a->log, "");
    assert_string_equal(b->log, "");
    assert_int_equal(a->g.changes, 4);
    /* One with another address is not he. */
    hsrp_group_save(&a->g, &s);
    a->link.addr = adr("10.1.0.9");
    assert_false(hsrp_group_resume(&a->g, &s, &a->cfg, &a->link));
}

/* What does not matter to it does not move it. */
static void nothing_flaps(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    pair(net, &a, &b, true);
    unsigned sent = a->sent[HSRP_HELLO];
    for (unsigned i = 0; i < 100; i++) {
        set(a);
        set(b);
        hsrp_group_track(&a->g);
    }
    assert_int_equal(a->sent[HSRP_HELLO], sent);
    a->cfg.n_second = 1;
    a->cfg.second[0] = adr("10.1.0.101");
    snprintf(a->cfg.name, sizeof(a->cfg.name), "OTHER");
    set(a);
    pass_ms(net, 20000);
    assert_string_equal(a->log, "Active>Active "); /* its addresses are others */
    assert_string_equal(b->log, "");
}

/* Priorities say otherwise, and so does preemption; who hands over stays out of it. */
static void handed_over(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    pair(net, &a, &b, true);
    hsrp_group_take(&a->g); /* it is active already */
    assert_string_equal(a->log, "");
    a->g.yields = true;
    hsrp_group_take(&b->g);
    pass_ms(net, 10);
    assert_int_equal(a->g.state, HSRP_SPEAK);
    assert_int_equal(b->g.state, HSRP_ACTIVE);
    pass_ms(net, 30000);
    assert_string_equal(a->log, "Active>Speak Speak>Standby ");
    assert_string_equal(b->log, "Standby>Active ");
    assert_int_equal(a->sent[HSRP_COUP], 0);
    a->g.yields = false; /* from here on as configured */
    pass_ms(net, 30000);
    assert_string_equal(a->log, "Active>Speak Speak>Standby Standby>Active ");
}

/* Its last hello and our first one cross. */
static void handed_over_while_it_speaks(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    uint8_t f[HSRP_FRAME];
    pair(net, &a, &b, false);
    size_t n = a->n;
    memcpy(f, a->frame, n);
    a->g.yields = true;
    hsrp_group_take(&b->g);
    hear(b, f, n);
    pass_ms(net, 30000);
    assert_string_equal(a->log, "Active>Speak Speak>Standby ");
    assert_string_equal(b->log, "Standby>Active ");
    hear(b, f, n); /* later it is another one's word */
    assert_int_equal(b->g.state, HSRP_SPEAK);
}

static void no_more(void **state)
{
    struct net *net = (struct net *)*state;
    struct router *a, *b;
    pair(net, &a, &b, true);
    hsrp_group_end(&a->g);
    assert_int_equal(b->g.state, HSRP_ACTIVE);
    pass_ms(net, 30000);
    assert_string_equal(a->log, "Active>Init ");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make, unmake)
    const struct CMUnitTest tests[] = {
        T(one_alone),
        T(higher_priority_wins),
        T(higher_address_wins),
        T(third_one_listens),
        T(hold_time_without_a_word),
        T(resigns),
        T(tracked_object),
        T(settled),
        T(resign_to_a_listener),
        T(lower_without_preempt),
        T(tracked_shutdown),
        T(healed_link),
        T(busy_engine),
        T(preempt_waits),
        T(preempt_is_held),
        T(preempt_after_boot),
        T(delay_after_link),
        T(learns),
        T(active_learns_nothing),
        T(other_text),
        T(md5),
        T(other_address),
        T(mac_of_the_active_router),
        T(claimed_address),
        T(successor),
        T(nothing_flaps),
        T(handed_over),
        T(handed_over_while_it_speaks),
        T(no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
