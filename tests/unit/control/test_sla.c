/* Probes: schedules and operations on a clock that the test moves, with a wire made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/sla/probe.h"
#include "control/sla/sla.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENT 16384

struct sent {
    struct intent_sla op;
    usec_t at;
    uint32_t key;
    size_t len;
    uint8_t msg[64];
};

struct net {
    struct manual_time t;
    struct clock clock;
    struct timerq timers;
    struct sla *sla;
    struct intent intent;
    struct sent *sent;
    size_t n_sent;
    int refuse;           /* what send() and connect() say */
    uint32_t key, closed; /* of the last connect() and disconnect() */
    uint64_t nonce;
    struct {
        uint32_t number;
        enum sla_code code;
        bool there;
    } told[64];
    size_t n_told;
    char trace[2048];
    struct {
        enum sla_code code;
        uint64_t config;
    } saved[4]; /* by number */
};

static void on_save(void *ctx, uint32_t number, enum sla_code code, uint64_t config)
{
    struct net *n = (struct net *)ctx;
    if (number < 4) {
        n->saved[number].code = code;
        n->saved[number].config = config;
    }
}

static int on_send(void *ctx, const struct intent_sla *op, uint32_t key, const uint8_t *msg,
                   size_t len)
{
    struct net *n = (struct net *)ctx;
    if (n->refuse)
        return n->refuse;
    assert_true(n->n_sent < SENT);
    struct sent *s = &n->sent[n->n_sent++];
    *s = (struct sent){.op = *op, .at = n->t.mono_us, .key = key, .len = len};
    memcpy(s->msg, msg, len < sizeof(s->msg) ? len : sizeof(s->msg));
    return 0;
}

static int on_connect(void *ctx, const struct intent_sla *op, uint32_t key)
{
    struct net *n = (struct net *)ctx;
    (void)op;
    n->key = key;
    return n->refuse;
}

static void on_disconnect(void *ctx, uint32_t key)
{
    ((struct net *)ctx)->closed = key;
}

static uint64_t on_random(void *ctx)
{
    struct net *n = (struct net *)ctx;
    return n->nonce += UINT64_C(0x9e3779b97f4a7c15);
}

static bool on_traced(void *ctx, enum sla_trace what, uint32_t number)
{
    (void)ctx;
    return what == SLA_TRACE_STEP && number == 1;
}

static void on_trace(void *ctx, enum sla_trace what, const struct intent_sla *op, const char *text)
{
    struct net *n = (struct net *)ctx;
    size_t at = strlen(n->trace);
    (void)what;
    (void)op;
    snprintf(n->trace + at, sizeof(n->trace) - at, "%s\n", text);
}

static void on_changed(void *ctx, uint32_t number)
{
    struct net *n = (struct net *)ctx;
    assert_true(n->n_told < sizeof(n->told) / sizeof(n->told[0]));
    n->told[n->n_told].number = number;
    n->told[n->n_told].there = sla_state(n->sla, number, &n->told[n->n_told].code);
    n->n_told++;
}

static int setup(void **state)
{
    struct net *n = (struct net *)calloc(1, sizeof(*n));
    n->sent = (struct sent *)calloc(SENT, sizeof(*n->sent));
    n->t = (struct manual_time){.mono_us = 5 * USEC_PER_SEC,
                                .wall_us = INT64_C(1385732248) * USEC_PER_SEC};
    n->clock = clock_manual(&n->t);
    struct sla_host h = {.timers = &n->timers,
                         .clock = &n->clock,
                         .send = on_send,
                         .connect = on_connect,
                         .disconnect = on_disconnect,
                         .random = on_random,
                         .save = on_save,
                         .traced = on_traced,
                         .trace = on_trace,
                         .ctx = n};
    n->sla = sla_new(&h);
    sla_listen(n->sla, on_changed, n);
    *state = n;
    return 0;
}

static int teardown(void **state)
{
    struct net *n = (struct net *)*state;
    sla_free(n->sla);
    assert_int_equal(n->timers.n, 0); /* nothing of it is left armed */
    timerq_free(&n->timers);
    free(n->intent.sla);
    free(n->sent);
    free(n);
    return 0;
}

static struct addr adr(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static struct intent_sla echo(uint32_t number)
{
    return (struct intent_sla){.number = number,
                               .target = adr("209.165.200.226"),
                               .packets = 1,
                               .frequency = 5,
                               .timeout = 1000,
                               .threshold = 500,
                               .size = 28,
                               .pattern = 0xabcdabcd,
                               .scheduled = true,
                               .start = SLA_START_NOW,
                               .life = SLA_FOREVER};
}

static void apply(struct net *n, const struct intent_sla *v, uint32_t count)
{
    free(n->intent.sla);
    n->intent.sla = (struct intent_sla *)calloc(count ? count : 1, sizeof(*v));
    if (count)
        memcpy(n->intent.sla, v, count * sizeof(*v));
    n->intent.n_sla = count;
    sla_apply(n->sla, &n->intent);
}

/* Time passes, timer by timer. */
static void pass(struct net *n, usec_t us)
{
    usec_t end = n->t.mono_us + us, wall = n->t.wall_us - n->t.mono_us;
    for (usec_t next = timerq_next(&n->timers); next >= 0 && next <= end;
         next = timerq_next(&n->timers)) {
        n->t.mono_us = next > n->t.mono_us ? next : n->t.mono_us;
        n->t.wall_us = wall + n->t.mono_us;
        timerq_run(&n->timers, n->t.mono_us, 1);
    }
    n->t.mono_us = end;
    n->t.wall_us = wall + end;
}

/* The echo that a host sends for a request, from any address. */
static void answer(struct net *n, const struct sent *s, const char *from)
{
    uint8_t ip[20 + sizeof(s->msg)] = {0x45};
    struct addr a = adr(from);
    ip[9] = IPPROTO_ICMP;
    memcpy(ip + 12, a.b, 4);
    memcpy(ip + 20, s->msg, s->len);
    ip[20] = 0;
    sla_icmp4(n->sla, ip, 20 + s->len);
}

static struct sent *last(struct net *n)
{
    assert_true(n->n_sent > 0);
    return &n->sent[n->n_sent - 1];
}

static enum sla_code code_of(struct net *n, uint32_t number)
{
    enum sla_code code = SLA_ERROR;
    assert_true(sla_state(n->sla, number, &code));
    return code;
}

static struct sla_view view(struct net *n, uint32_t number)
{
    struct sla_view v;
    assert_true(sla_view(n->sla, number, &v));
    return v;
}

#define TARGET "209.165.200.226"
#define MS     USEC_PER_MSEC

static void a_path_that_fails_and_comes_back(void **state)
{
    struct net *n = (struct net *)*state;
    struct intent_sla op = echo(1);
    apply(n, &op, 1);
    assert_int_equal(code_of(n, 1), SLA_NONE);
    assert_int_equal(n->n_told, 1); /* it came */
    pass(n, 10 * MS);
    assert_int_equal(n->n_sent, 1);
    answer(n, last(n), TARGET);
    assert_int_equal(code_of(n, 1), SLA_OK);
    assert_int_equal(n->n_told, 2);
    assert_int_equal(view(n, 1).rtt, 10);
    pass(n, 5000 * MS);
    answer(n, last(n), TARGET);
    assert_int_equal(n->n_sent, 2);
    assert_int_equal(n->n_told, 2); /* as before */
    pass(n, 5000 * MS);
    assert_int_equal(n->n_sent, 3);
    pass(n, 980 * MS);
    assert_int_equal(code_of(n, 1), SLA_OK); /* it still waits */
    pass(n, 20 * MS);
    assert_int_equal(code_of(n, 1), SLA_TIMEOUT);
    assert_int_equal(n->n_told, 3);
    assert_true(view(n, 1).timed_out);
    answer(n, last(n), TARGET); /* too late */
    assert_int_equal(code_of(n, 1), SLA_TIMEOUT);
    assert_int_equal(view(n, 1).late, 1);
    pass(n, 4000 * MS);
    answer(n, last(n), TARGET);
    assert_int_equal(code_of(n, 1), SLA_OK);
    assert_int_equal(n->n_told, 4);
    struct sla_view v = view(n, 1);
    assert_int_equal(v.attempted, 4);
    assert_int_equal(v.successes, 3);
    assert_int_equal(v.failures, 1);
}

static void forged_answers(void **state)
{
    struct net *n = (struct net *)*state;
    struct intent_sla op = echo(1);
    apply(n, &op, 1);
    pass(n, MS);
    answer(n, last(n), "198.51.100.9");
    assert_int_equal(code_of(n, 1), SLA_NONE);
    struct sent s = *last(n);
    s.msg[8] ^= 1; /* the nonce */
    answer(n, &s, TARGET);
    s = *last(n);
    s.msg[7] ^= 1; /* a request that was not made */
    answer(n, &s, TARGET);
    s = *last(n);
    s.len = 8; /* without payload */
    answer(n, &s, TARGET);
    assert_int_equal(code_of(n, 1), SLA_NONE);
    assert_int_equal(view(n, 1).forged, 3);
    assert_int_equal(view(n, 1).late, 1);
    answer(n, last(n), TARGET);
    assert_int_equal(code_of(n, 1), SLA_OK);
}

/* Not scheduled, begun later, and for a while. */
static void schedules(void **state)
{
    struct net *n = (struct net *)*state;
    struct intent_sla v[3] = {echo(1), echo(2), echo(3)};
    v[0].scheduled = false;
    v[0].start = SLA_START_PENDING;
    v[1].start = SLA_START_AFTER;
    v[1].start_time = 300;
    v[1].life = 12;
    v[1].ageout = 60;
    v[2].life = 4;
    apply(n, v, 3);
    assert_int_equal(view(n, 2).starts, n->t.wall_us + 300 * USEC_PER_SEC);
    pass(n, 299 * USEC_PER_SEC);
    assert_int_equal(n->n_sent, 1);
    assert_int_equal(last(n)->op.number, 3);
    assert_int_equal(view(n, 3).state, SLA_INACTIVE); /* one operation in its 4 seconds */
    assert_int_equal(view(n, 3).attempted, 1);
    assert_int_equal(view(n, 3).life_left, 0);
    assert_int_equal(view(n, 2).state, SLA_PENDING);
    assert_int_equal(view(n, 2).life_left, 12);
    pass(n, 13 * USEC_PER_SEC + 500 * MS);
    assert_int_equal(view(n, 2).attempted, 3); /* at 0, 5 and 10 seconds */
    assert_int_equal(view(n, 2).state, SLA_INACTIVE);
    pass(n, 59 * USEC_PER_SEC);
    struct sla_view v2;
    assert_true(sla_view(n->sla, 2, &v2));
    pass(n, USEC_PER_SEC);
    assert_false(sla_view(n->sla, 2, &v2)); /* aged out */
    assert_int_equal(n->told[n->n_told - 1].number, 2);
    assert_false(n->told[n->n_told - 1].there);
    apply(n, v, 3); /* the same configuration does not bring it back */
    assert_false(sla_view(n->sla, 2, &v2));
    v[1].ageout = 0;
    apply(n, v, 3);
    assert_true(sla_view(n->sla, 2, &v2));
    assert_int_equal(view(n, 1).attempted, 0);
    assert_int_equal(view(n, 1).state, SLA_PENDING);
}

/* A time of day in the box's zone, every day; the wall clock may be set meanwhile. */
static void at_a_time_of_day(void **state)
{
    struct net *n = (struct net *)*state;
    struct intent_sla v = echo(1);
    v.start = SLA_START_AT;
    v.start_time = 14 * 3600; /* 13:37:28 UTC is now */
    v.life = 60;
    v.recurring = true;
    apply(n, &v, 1);
    usec_t two = view(n, 1).starts;
    assert_int_equal(two - n->t.wall_us, (22 * 60 + 32) * USEC_PER_SEC);
    pass(n, 22 * 60 * USEC_PER_SEC);
    assert_int_equal(n->n_sent, 0);
    n->t.wall_us -= 3600 * USEC_PER_SEC; /* set back by an hour */
    pass(n, 3600 * USEC_PER_SEC);
    assert_int_equal(n->n_sent, 0);
    pass(n, 150 * USEC_PER_SEC);
    assert_int_equal(n->n_sent, 12);
    assert_int_equal(view(n, 1).state, SLA_PENDING); /* until tomorrow */
    assert_int_equal(view(n, 1).starts, two + 86400 * USEC_PER_SEC);
    pass(n, 86400 * USEC_PER_SEC);
    assert_int_equal(n->n_sent, 24);
    v.zone.minutes = -60; /* an hour behind UTC */
    apply(n, &v, 1);
    assert_int_equal(view(n, 1).starts, two + (86400 + 3600) * USEC_PER_SEC);
    v.start_month = 1;
    v.start_day = 2;
    apply(n, &v, 1); /* 2 January 2014, 14:00 */
    assert_int_equal(view(n, 1).starts, INT64_C(1388674800) * USEC_PER_SEC);
}

/* One answer of several is enough, and is waited for until the end. */
static void several_packets(void **state)
{
    struct net *n = (struct net *)*state;
    struct intent_sla v = echo(1);
    v.packets = 3;
    apply(n, &v, 1);
    pass(n, 50 * MS);
    assert_int_equal(n->n_sent, 3);
    assert_memory_not_equal(n->sent[0].msg + 4, n->sent[1].msg + 4, 4);
    answer(n, &n->sent[1], TARGET);
    answer(n, &n->sent[1], TARGET); /* a second time says nothing */
    assert_int_equal(code_of(n, 1), SLA_NONE);
    assert_int_equal(view(n, 1).rtts, 1);
    pass(n, 950 * MS);
    assert_int_equal(code_of(n, 1), SLA_OK);
    assert_int_equal(view(n, 1).rtt, 40);
    pass(n, 4100 * MS);
    assert_int_equal(n->n_sent, 6);
    for (size_t i = 3; i < 6; i++)
        answer(n, &n->sent[i], TARGET);
    struct sla_view w = view(n, 1);
    assert_int_equal(w.rtts, 3);
    assert_int_equal(w.rtt_max, 100);
    assert_int_equal(w.rtt_min, 80);
    assert_int_equal(w.rtt, 90);
    assert_int_equal(w.rtt_sum2, 80 * 80 + 90 * 90 + 100 * 100);
}

static void slow_refused_changed(void **state)
{
    struct net *n = (struct net *)*state;
    struct intent_sla v = echo(1);
    apply(n, &v, 1);
    pass(n, 501 * MS);
    answer(n, last(n), TARGET);
    assert_int_equal(code_of(n, 1), SLA_OVER_THRESHOLD);
    assert_true(view(n, 1).over);
    n->refuse = -ENETUNREACH;
    pass(n, 5000 * MS);
    assert_int_equal(code_of(n, 1), SLA_OVER_THRESHOLD); /* it may come right in time */
    pass(n, 500 * MS);
    assert_int_equal(code_of(n, 1), SLA_NO_CONNECTION);
    assert_true(view(n, 1).lost);
    size_t sent = n->n_sent;
    pass(n, 4400 * MS);
    assert_int_equal(n->n_sent, sent);
    n->refuse = 0; /* and does */
    pass(n, 110 * MS);
    assert_int_equal(n->n_sent, sent + 1);
    answer(n, last(n), TARGET);
    assert_int_equal(code_of(n, 1), SLA_OK);
    n->refuse = -ENOBUFS; /* lost on its way out */
    pass(n, 5000 * MS);
    assert_int_equal(code_of(n, 1), SLA_OK);
    pass(n, 1000 * MS);
    assert_int_equal(code_of(n, 1), SLA_TIMEOUT);
    n->refuse = 0;
    size_t told = n->n_told;
    apply(n, &v, 1); /* nothing new: counters stay */
    assert_int_equal(view(n, 1).attempted, 4);
    assert_int_equal(n->n_told, told);
    v.timeout = 300;
    apply(n, &v, 1); /* it begins anew */
    assert_int_equal(view(n, 1).attempted, 0);
    assert_int_equal(code_of(n, 1), SLA_NONE);
    assert_int_equal(n->n_told, told + 1);
    pass(n, 10 * MS);
    answer(n, last(n), TARGET);
    assert_true(sla_restart(n->sla, 1));
    assert_int_equal(view(n, 1).reset, n->t.wall_us);
    assert_int_equal(code_of(n, 1), SLA_NONE);
    assert_false(sla_restart(n->sla, 2));
    apply(n, NULL, 0);
    enum sla_code code;
    assert_false(sla_state(n->sla, 1, &code));
}

/* The frequency is shorter than the timeout, and nobody answers. */
static void skipped(void **state)
{
    struct net *n = (struct net *)*state;
    struct intent_sla v = echo(1);
    v.frequency = 1;
    v.timeout = 2500;
    apply(n, &v, 1);
    pass(n, 6900 * MS);
    struct sla_view w = view(n, 1);
    assert_int_equal(w.attempted, 3); /* at 0, 3 and 6 seconds */
    assert_int_equal(w.skipped, 4);
    assert_int_equal(w.failures, 2);
}

static void payload_is_verified(void **state)
{
    struct net *n = (struct net *)*state;
    struct intent_sla v = echo(1);
    apply(n, &v, 1);
    pass(n, 5 * MS);
    struct sent s = *last(n);
    s.msg[30] ^= 1;
    answer(n, &s, TARGET);
    assert_int_equal(code_of(n, 1), SLA_OK); /* not asked for */
    v.verify = true;
    apply(n, &v, 1);
    pass(n, 5 * MS);
    s = *last(n);
    s.msg[30] ^= 1;
    answer(n, &s, TARGET);
    assert_int_equal(code_of(n, 1), SLA_VERIFY_ERROR);
    pass(n, 5000 * MS);
    s = *last(n);
    s.len--;
    answer(n, &s, TARGET);
    assert_int_equal(view(n, 1).failures, 2);
    pass(n, 5000 * MS);
    answer(n, last(n), TARGET);
    assert_int_equal(code_of(n, 1), SLA_OK);
}

static void udp(void **state)
{
    struct net *n = (struct net *)*state;
    struct intent_sla v = echo(1);
    struct addr target = v.target, other = adr("10.0.0.1");
    v.type = SLA_UDP_ECHO;
    v.port = 7;
    v.size = 16;
    apply(n, &v, 1);
    pass(n, 5 * MS);
    struct sent s = *last(n);
    assert_int_equal(s.len, 16);
    assert_int_equal(s.key, 0);
    sla_udp(n->sla, &other, 7, s.msg, s.len);
    sla_udp(n->sla, &target, 8, s.msg, s.len);
    sla_udp(n->sla, &target, 7, s.msg, 3);
    assert_int_equal(code_of(n, 1), SLA_NONE);
    assert_int_equal(view(n, 1).forged, 2);
    sla_udp(n->sla, &target, 7, s.msg, s.len);
    assert_int_equal(code_of(n, 1), SLA_OK);
    v.source_port = 4000; /* a socket of its own, each time another */
    apply(n, &v, 1);
    pass(n, 5 * MS);
    size_t sent = n->n_sent;
    uint32_t key = n->key;
    sla_connected(n->sla, key ^ 1, 0); /* somebody else's */
    assert_int_equal(n->n_sent, sent);
    sla_connected(n->sla, key, 0);
    assert_int_equal(n->n_sent, sent + 1);
    assert_int_equal(last(n)->key, key);
    sla_udp(n->sla, &target, 7, last(n)->msg, last(n)->len);
    assert_int_equal(code_of(n, 1), SLA_OK);
    assert_int_equal(n->closed, key);
    pass(n, 5000 * MS);
    assert_int_not_equal(n->key, key);
}

static void tcp(void **state)
{
    struct net *n = (struct net *)*state;
    struct intent_sla v = echo(1);
    v.type = SLA_TCP_CONNECT;
    v.port = 22;
    apply(n, &v, 1);
    pass(n, 7 * MS);
    sla_connected(n->sla, n->key, 0);
    assert_int_equal(code_of(n, 1), SLA_OK);
    assert_int_equal(view(n, 1).rtt, 7);
    assert_int_equal(n->closed, n->key);
    uint32_t first = n->key;
    pass(n, 5000 * MS);
    sla_connected(n->sla, first, 0); /* of the operation before */
    assert_int_equal(view(n, 1).successes, 1);
    sla_connected(n->sla, n->key, -ECONNREFUSED);
    assert_int_equal(code_of(n, 1), SLA_NO_CONNECTION);
    pass(n, 5000 * MS);
    pass(n, 1000 * MS);
    assert_int_equal(code_of(n, 1), SLA_TIMEOUT);
    assert_int_equal(n->closed, n->key);
    n->refuse = -ENOTCONN; /* the launcher cannot be asked */
    pass(n, 5000 * MS);
    assert_int_equal(code_of(n, 1), SLA_ERROR);
    n->refuse = 0;
    pass(n, 4000 * MS);
    sla_connected(n->sla, n->key, -EADDRNOTAVAIL); /* our address is not there yet … */
    pass(n, 100 * MS);
    sla_connected(n->sla, n->key, 0); /* … and is */
    assert_int_equal(code_of(n, 1), SLA_OK);
    assert_int_equal(n->n_sent, 0);
}

static void traces(void **state)
{
    struct net *n = (struct net *)*state;
    struct intent_sla v[2] = {echo(1), echo(2)};
    apply(n, v, 2);
    pass(n, 3 * MS);
    answer(n, &n->sent[0], TARGET);
    assert_string_equal(n->trace, "Scheduler: Starting an operation\n"
                                  "echo operation: Sending an echo operation\n"
                                  "echo operation: RTT=3 OK\n"
                                  "Scheduler: Updating result\n");
}

/* A successor knows what was found, of operations that are what they were. */
static void a_successor_remembers(void **state)
{
    struct net *n = (struct net *)*state;
    struct intent_sla v[3] = {echo(1), echo(2), echo(3)};
    enum sla_code code;
    v[1].timeout = 400;
    apply(n, v, 3);
    pass(n, 450 * MS);
    answer(n, &n->sent[0], TARGET);
    answer(n, &n->sent[2], TARGET);
    assert_int_equal(n->saved[1].code, SLA_OK);
    assert_int_equal(n->saved[2].code, SLA_TIMEOUT);
    assert_int_equal(n->saved[3].code, SLA_OK);
    assert_int_equal(n->saved[1].config, n->saved[3].config);
    assert_int_not_equal(n->saved[1].config, n->saved[2].config);

    struct sla_host h = {.timers = &n->timers,
                         .clock = &n->clock,
                         .send = on_send,
                         .random = on_random,
                         .save = on_save,
                         .ctx = n};
    struct sla *s = sla_new(&h);
    for (uint32_t k = 3; k > 0; k--)
        sla_remember(s, k, n->saved[k].code, n->saved[k].config);
    sla_remember(s, 77, SLA_OK, 1);
    v[2].size = 100; /* another one now */
    sla_apply(s, &(struct intent){.n_sla = 3, .sla = v});
    assert_true(sla_state(s, 1, &code));
    assert_int_equal(code, SLA_OK);
    assert_true(sla_state(s, 2, &code));
    assert_int_equal(code, SLA_TIMEOUT);
    assert_true(sla_state(s, 3, &code));
    assert_int_equal(code, SLA_NONE);
    assert_int_equal(n->saved[3].code, SLA_NONE);
    sla_apply(s, &(struct intent){.n_sla = 1, .sla = v});
    assert_int_equal(n->saved[2].code, SLA_NONE);
    assert_int_equal(n->saved[1].code, SLA_OK);
    sla_free(s);
}

/* The errors of ICMP end nothing, and forged ones are nobody's. */
static void icmp_errors(void **state)
{
    struct net *n = (struct net *)*state;
    struct intent_sla v = echo(1);
    uint8_t ip[20 + 8 + 20 + 8] = {0x45};
    apply(n, &v, 1);
    pass(n, MS);
    ip[9] = IPPROTO_ICMP;
    ip[20] = 3;
    ip[28] = 0x45;
    ip[28 + 9] = IPPROTO_ICMP;
    memcpy(ip + 28 + 16, v.target.b, 4);
    memcpy(ip + 48, last(n)->msg, 8);
    for (size_t len = 0; len <= sizeof(ip); len++)
        sla_icmp4(n->sla, ip, len);
    assert_int_equal(code_of(n, 1), SLA_NONE);
    answer(n, last(n), TARGET);
    assert_int_equal(code_of(n, 1), SLA_OK);
    assert_int_equal(view(n, 1).forged + view(n, 1).late, 0);
}

/* Thousands that begin together are spread over a second, and stay so. */
static void thousands_are_spread(void **state)
{
    enum { MANY = 5000 };
    struct net *n = (struct net *)*state;
    struct intent_sla *v = (struct intent_sla *)calloc(MANY, sizeof(*v));
    sla_listen(n->sla, NULL, NULL);
    for (uint32_t i = 0; i < MANY; i++) {
        v[i] = echo(i + 1);
        v[i].frequency = 1;
        v[i].timeout = 300;
    }
    apply(n, v, MANY);
    assert_int_equal(n->n_sent, 0); /* nothing in the turn that configures them */
    usec_t begin = n->t.mono_us;
    pass(n, 3000 * MS - 1);
    unsigned together[3000] = {0};
    for (size_t i = 0; i < n->n_sent; i++)
        together[(n->sent[i].at - begin) / MS]++;
    for (unsigned ms = 0; ms < 3000; ms++)
        assert_int_equal(together[ms], 5);
    assert_int_equal(view(n, MANY).attempted, 3);
    assert_int_equal(view(n, 1).skipped, 0);
    struct sla_view w = view(n, 77);
    assert_int_equal(w.failures, 3);
    free(v);
    apply(n, NULL, 0);
}

/* More than there are numbers on the wire: those beyond do not run, and nothing breaks. */
static void more_than_slots(void **state)
{
    struct net *n = (struct net *)*state;
    uint32_t many = PROBE_SLOTS + 3;
    struct intent_sla *v = (struct intent_sla *)calloc(many, sizeof(*v));
    enum sla_code code;
    sla_listen(n->sla, NULL, NULL);
    for (uint32_t i = 0; i < many; i++) {
        v[i] = echo(i + 1);
        v[i].start = SLA_START_PENDING;
    }
    apply(n, v, many);
    assert_true(sla_state(n->sla, PROBE_SLOTS, &code));
    assert_false(sla_state(n->sla, PROBE_SLOTS + 1, &code));
    apply(n, v + 3, many - 3); /* room again */
    assert_true(sla_state(n->sla, many - 3, &code));
    assert_false(sla_state(n->sla, 1, &code));
    free(v);
    apply(n, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_path_that_fails_and_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(forged_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(schedules, setup, teardown),
        cmocka_unit_test_setup_teardown(at_a_time_of_day, setup, teardown),
        cmocka_unit_test_setup_teardown(several_packets, setup, teardown),
        cmocka_unit_test_setup_teardown(slow_refused_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(skipped, setup, teardown),
        cmocka_unit_test_setup_teardown(payload_is_verified, setup, teardown),
        cmocka_unit_test_setup_teardown(udp, setup, teardown),
        cmocka_unit_test_setup_teardown(tcp, setup, teardown),
        cmocka_unit_test_setup_teardown(traces, setup, teardown),
        cmocka_unit_test_setup_teardown(a_successor_remembers, setup, teardown),
        cmocka_unit_test_setup_teardown(icmp_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(thousands_are_spread, setup, teardown),
        cmocka_unit_test_setup_teardown(more_than_slots, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
