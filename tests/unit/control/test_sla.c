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

#define SENT 8192

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
};

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_path_that_fails_and_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(forged_answers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
