/* Cursors, text, arenas, timers, log limits. */
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "lib/timer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void cursors_stop_at_the_end(void **state)
{
    (void)state;
    uint8_t mem[16];
    struct wbuf w = wbuf_make(mem, 15);
    wbuf_u8(&w, 1);
    wbuf_u16(&w, 0x0203);
    wbuf_u32(&w, 0x04050607);
    wbuf_u64(&w, 0x08090a0b0c0d0e0fULL);
    assert_false(w.bad);
    wbuf_u8(&w, 1);
    assert_true(w.bad);
    struct rbuf r = rbuf_make(mem, 15);
    assert_int_equal(rbuf_u8(&r), 1);
    assert_int_equal(rbuf_u16(&r), 0x0203);
    assert_int_equal(rbuf_u32(&r), 0x04050607);
    struct rbuf sub = rbuf_sub(&r, 4);
    assert_int_equal(rbuf_u32(&sub), 0x08090a0b);
    assert_int_equal(rbuf_u8(&sub), 0);
    assert_true(sub.bad);
    assert_false(r.bad);
    assert_null(rbuf_bytes(&r, 5));
    assert_true(r.bad);
    assert_int_equal(rbuf_left(&r), 0);
    wbuf_put_u16(&w, 14, 1);
    assert_int_equal(mem[15 - 1], 0x0f);
}

static void text_grows_and_pads(void **state)
{
    (void)state;
    struct str s = {0};
    assert_string_equal(str_text(&s), "");
    for (int i = 0; i < 1000; i++)
        str_printf(&s, "%d,", i);
    assert_int_equal(s.len, 3890);
    str_clear(&s);
    str_add(&s, "one\nab");
    str_pad(&s, 5);
    str_addc(&s, '|');
    assert_string_equal(s.s, "one\nab   |");
    str_free(&s);
    char small[4];
    assert_false(str_copy(small, sizeof(small), "abcdef"));
    assert_string_equal(small, "abc");
}

/* Around the sizes at which room is made: whole, terminated, and as long as it says. */
static void text_is_printed_whole(void **state)
{
    (void)state;
    for (int first = 0; first < 300; first++) {
        for (int n = 120; n < 264; n++) {
            struct str s = {0};
            str_printf(&s, "%*s", first, "");
            str_printf(&s, "<%0*d>", n, 7);
            assert_false(s.bad);
            assert_int_equal(s.len, first + n + 2);
            assert_int_equal(strlen(s.s), s.len);
            assert_memory_equal(s.s + s.len - 2, "7>", 2);
            str_free(&s);
        }
    }
}

static void bytes_as_digits(void **state)
{
    static const uint8_t b[] = {0x00, 0x0f, 0xa0, 0xff, 0x42};
    char text[2 * sizeof(b) + 1];
    struct str s = {0};
    (void)state;
    hex_write(text, b, sizeof(b));
    assert_string_equal(text, "000fa0ff42");
    str_add(&s, "0x");
    str_hex(&s, b, sizeof(b));
    str_hex(&s, b, 0);
    assert_string_equal(s.s, "0x000fa0ff42");
    assert_int_equal(s.len, 12);
    str_free(&s);
}

static void arenas_are_bounded(void **state)
{
    (void)state;
    struct arena a = {.limit = 100000};
    unsigned char *p = arena_array(&a, unsigned char, 50000);
    assert_non_null(p);
    for (int i = 0; i < 50000; i++)
        assert_int_equal(p[i], 0);
    assert_null(arena_alloc(&a, 60000));
    assert_null(arena_alloc(&a, SIZE_MAX - 3));
    assert_string_equal(arena_strdup(&a, "kept"), "kept");
    arena_free(&a);
    assert_int_equal(a.used, 0);
}

static usec_t last_fired;
static int fired;

static void on_timer(struct timer *t, void *owner)
{
    (void)owner;
    assert_true(t->when >= last_fired);
    last_fired = t->when;
    fired++;
}

static void timers_fire_in_order(void **state)
{
    (void)state;
    enum { N = 500 };
    struct timerq q = {0};
    struct timer t[N];
    srandom(7);
    for (int i = 0; i < N; i++) {
        timer_init(&t[i], on_timer, NULL);
        timer_set(&q, &t[i], random() % 1000);
    }
    for (int i = 0; i < N; i += 3)
        timer_set(&q, &t[i], random() % 1000);
    for (int i = 0; i < N; i += 5)
        timer_cancel(&q, &t[i]);
    last_fired = -1;
    fired = 0;
    size_t n = timerq_run(&q, 400, SIZE_MAX);
    assert_int_equal(n, fired);
    assert_true(last_fired <= 400);
    assert_true(timerq_next(&q) > 400);
    timerq_run(&q, 1000, SIZE_MAX);
    assert_int_equal(fired, N - N / 5);
    assert_int_equal(timerq_next(&q), -1);
    assert_false(timer_armed(&t[1]));
    timerq_free(&q);
}

static void log_limit_counts_what_it_holds(void **state)
{
    (void)state;
    struct log_limit l = {0};
    uint64_t held = 9;
    assert_true(log_limit_pass(&l, 100, 50, &held));
    assert_int_equal(held, 0);
    assert_false(log_limit_pass(&l, 120, 50, &held));
    assert_false(log_limit_pass(&l, 149, 50, &held));
    assert_true(log_limit_pass(&l, 150, 50, &held));
    assert_int_equal(held, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cursors_stop_at_the_end),
        cmocka_unit_test(text_grows_and_pads),
        cmocka_unit_test(text_is_printed_whole),
        cmocka_unit_test(bytes_as_digits),
        cmocka_unit_test(arenas_are_bounded),
        cmocka_unit_test(timers_fire_in_order),
        cmocka_unit_test(log_limit_counts_what_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
