/*
 * A peer that lies or floods: one box of control/sso/sync.h, and what it hears is made by hand. Its
 * memory is bounded, people are not flooded with words, and it goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/sso/sync.h"
#include <stdlib.h>
#include <string.h>

struct box {
    struct sso_sync *sync;
    struct timerq timers;
    struct manual_time t;
    struct clock clock;
    unsigned events[SSO_SYNC_BAD + 1], sent, restarts;
};

static int on_send(void *ctx, enum sso_stream s, const uint8_t *p, size_t n)
{
    (void)s, (void)p, (void)n;
    ((struct box *)ctx)->sent++;
    return 0;
}

static void on_restart(void *ctx, const char *why)
{
    (void)why;
    ((struct box *)ctx)->restarts++;
}

static void on_event(void *ctx, enum sso_sync_event e)
{
    ((struct box *)ctx)->events[e]++;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

/* No SA is outbound here: the ceilings of none are in force at once. */
static void on_barrier(void *ctx)
{
    sso_sync_barrier(((struct box *)ctx)->sync);
}

static void on_moved(void *ctx, uint64_t least)
{
    (void)ctx, (void)least;
}

static void on_leased(void *ctx, bool on)
{
    (void)ctx, (void)on;
}

static int on_take(void *ctx, enum sso_kind kind, uint64_t key, const uint8_t *p, size_t n,
                   int64_t shift)
{
    (void)ctx, (void)kind, (void)key, (void)p, (void)n, (void)shift;
    return 0;
}

static void on_position(void *ctx, uint32_t sa, uint64_t next, uint64_t ceiling)
{
    (void)ctx, (void)sa, (void)next, (void)ceiling;
}

static int box_up(void **state)
{
    struct box *b = (struct box *)calloc(1, sizeof(*b));
    struct sso_section mine = {.name = "crypto map", .digest = {1}};
    assert_non_null(b);
    b->t.mono_us = 1000 * USEC_PER_SEC;
    b->clock = clock_manual(&b->t);
    const struct sso_sync_host h = {.timers = &b->timers,
                                    .clock = &b->clock,
                                    .send = on_send,
                                    .restart = on_restart,
                                    .event = on_event,
                                    .safe = nothing,
                                    .bulk = nothing,
                                    .moved = on_moved,
                                    .leased = on_leased,
                                    .barrier = on_barrier,
                                    .begin = nothing,
                                    .end = nothing,
                                    .take = on_take,
                                    .position = on_position,
                                    .purge = nothing,
                                    .ctx = b};
    b->sync = sso_sync_new(&h, 1);
    assert_non_null(b->sync);
    sso_sync_configure(b->sync, "1.0", &mine, 1, 3 * USEC_PER_SEC);
    sso_sync_state(b->sync, RF_NEGOTIATION);
    sso_sync_up(b->sync);
    *state = b;
    return 0;
}

static int box_down(void **state)
{
    struct box *b = (struct box *)*state;
    sso_sync_free(b->sync);
    timerq_free(&b->timers);
    free(b);
    return 0;
}

static void pass(struct box *b, usec_t us)
{
    b->t.mono_us += us;
    while (timerq_run(&b->timers, b->t.mono_us, 1000))
        ;
}

static void say(struct box *b, enum sso_stream stream, const struct sso_message *m)
{
    uint8_t bytes[8192];
    struct wbuf w = wbuf_make(bytes, sizeof(bytes));
    assert_int_equal(sso_wire_write(&w, m), 0);
    sso_sync_input(b->sync, stream, bytes, w.len);
}

static void say_hello(struct box *b, uint32_t epoch, uint8_t digest)
{
    struct sso_message m = {.type = SSO_HELLO, .epoch = epoch};
    m.hello.state = RF_NEGOTIATION;
    m.hello.n_section = 1;
    strcpy(m.hello.version, "1.0");
    strcpy(m.hello.section[0].name, "crypto map");
    m.hello.section[0].digest[0] = digest;
    say(b, SSO_STREAM_CONTROL, &m);
}

static struct sso_sync_info info(const struct box *b)
{
    struct sso_sync_info f;
    sso_sync_info(b->sync, &f);
    return f;
}

/* The highest epoch there is: ours must not begin at zero again, where every word of ours would
 * count as old. */
static void the_highest_epoch(void **state)
{
    struct box *b = (struct box *)*state;
    bool split;
    say_hello(b, UINT32_MAX, 1);
    assert_false(sso_sync_activate(b->sync, &split));
    assert_int_equal(info(b).epoch, UINT32_MAX);
    pass(b, USEC_PER_SEC);
    struct sso_message ack = {.type = SSO_ACK, .epoch = UINT32_MAX};
    ack.number = sso_sync_number(b->sync);
    say(b, SSO_STREAM_CONTROL, &ack);
    assert_true(info(b).hot);
    sso_sync_deactivate(b->sync);
    say_hello(b, 3, 1); /* the next one is honest */
    assert_false(sso_sync_activate(b->sync, &split));
    assert_int_equal(info(b).epoch, UINT32_MAX);
    pass(b, USEC_PER_SEC);
    ack.number = sso_sync_number(b->sync);
    say(b, SSO_STREAM_CONTROL, &ack);
    assert_true(info(b).hot);
}

/* Hello after hello, each with another configuration: people hear of it now and then, and of what
 * is true in the end. */
static void hellos_without_end(void **state)
{
    struct box *b = (struct box *)*state;
    say_hello(b, 1, 1);
    assert_int_equal(b->events[SSO_SYNC_DIFFERS], 0);
    for (unsigned i = 0; i < 30000; i++) {
        say_hello(b, 1, i % 2 ? 1 : 2);
        if (i % 1000 == 0)
            pass(b, USEC_PER_SEC);
    }
    assert_in_range(b->events[SSO_SYNC_DIFFERS], 2, 4);
    say_hello(b, 1, 2);
    assert_int_equal(info(b).n_differ, 1);
    unsigned told = b->events[SSO_SYNC_DIFFERS];
    pass(b, 20 * USEC_PER_SEC);
    assert_int_equal(b->events[SSO_SYNC_DIFFERS], told + 1);
    pass(b, 60 * USEC_PER_SEC);
    assert_int_equal(b->events[SSO_SYNC_DIFFERS], told + 1);
    say_hello(b, 1, 1); /* long after, it is told at once */
    assert_int_equal(b->events[SSO_SYNC_DIFFERS], told + 2);
}

/* Leases of SAs that nobody has: no more of them than an engine can have SAs. */
static void leases_without_end(void **state)
{
    struct box *b = (struct box *)*state;
    struct sso_message begin = {.type = SSO_BULK_BEGIN, .epoch = 1};
    static uint8_t bytes[8192 + 256];
    say_hello(b, 1, 1);
    say(b, SSO_STREAM_RECORDS, &begin);
    uint32_t sa = 0;
    while (sa < SSO_LEASES + 5000) {
        struct wbuf w = wbuf_make(bytes, sizeof(bytes));
        sso_wire_begin(&w, SSO_RECORDS, 1);
        while (w.len < 8192) {
            sa++;
            struct sso_item i = {.op = SSO_LEASE, .number = sa, .key = sa, .limit = UINT32_MAX};
            sso_wire_add_item(&w, &i);
        }
        sso_wire_end(&w);
        sso_sync_input(b->sync, SSO_STREAM_RECORDS, bytes, w.len);
    }
    assert_int_equal(b->restarts, 0);
    assert_true(sso_sync_has(b->sync, SSO_LEASES));
    assert_false(sso_sync_has(b->sync, SSO_LEASES + 1));
    pass(b, USEC_PER_SEC);
    assert_true(b->sent > 0); /* it answers */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_highest_epoch, box_up, box_down),
        cmocka_unit_test_setup_teardown(hellos_without_end, box_up, box_down),
        cmocka_unit_test_setup_teardown(leases_without_end, box_up, box_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
