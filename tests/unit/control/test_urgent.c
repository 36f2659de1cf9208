/* The loop's priority: asked for, lost by computing for too long, asked for again. */
#include "control/urgent.h"
#include "tests/unit/control/bench.h"
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

static struct lr_urgent last_asked(const struct bench *b)
{
    struct lr_urgent r = {0};
    for (size_t i = 0; i < b->n_asked; i++)
        if (b->asked[i].type == LR_URGENT)
            memcpy(&r, b->asked[i].data, sizeof(r));
    return r;
}

/* What the launcher does; false: not even root may, in some containers. */
static bool promote(void)
{
    const struct sched_param least = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &least) == 0;
}

static bool is_urgent(void)
{
    return (sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_FIFO;
}

/* Without a wait, until the priority is lost; a machine that does not take it stops the test. */
static void compute(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    for (time_t end = t.tv_sec + 60; is_urgent() && t.tv_sec < end;)
        clock_gettime(CLOCK_MONOTONIC, &t);
}

static void it_lasts_for_short_work(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct rlimit limit = {USEC_PER_SEC * 10, USEC_PER_SEC * 10};
    assert_int_equal(setrlimit(RLIMIT_RTTIME, &limit), 0);
    control_set_urgent(b->c);
    settle(b);
    assert_int_equal(ASKED(b, LR_URGENT), 1);
    assert_int_equal(last_asked(b).tid, getpid());
    assert_int_equal(last_asked(b).first, 0);
    bool may = promote();
    assert_int_equal(is_urgent(), may);
    pass(b, 3); /* as long as it has the priority it does not ask */
    assert_int_equal(ASKED(b, LR_URGENT), may ? 1 : 4);
    compute();
    assert_false(is_urgent());
    forget_frames(b);
    pass(b, 1);
    assert_int_equal(ASKED(b, LR_URGENT), 1);
    promote();
    assert_int_equal(getrlimit(RLIMIT_RTTIME, &limit), 0);
    assert_true(limit.rlim_cur < USEC_PER_SEC);
    compute(); /* again */
    assert_false(is_urgent());
}

static void a_refusal_is_accepted(void **state)
{
    struct bench *b = (struct bench *)*state;
    b->refuse = LR_URGENT;
    control_set_urgent(b->c);
    settle(b);
    pass(b, 10);
    assert_int_equal(ASKED(b, LR_URGENT), 1);
}

/* Turns of so much, one behind the other, with a wait of so much before each: what was computed
 * in `for_long`, and whether it lasted. */
struct work {
    usec_t now, computed, longest;
    unsigned rests;
    bool lasted;
};

static void work(struct urgent_share *s, struct work *w, usec_t turn, usec_t wait, usec_t for_long)
{
    for (usec_t end = w->now + for_long; w->now < end;) {
        bool lasting;
        w->now += wait + turn;
        w->computed += turn;
        usec_t rest = urgent_share_rest(s, w->now, w->computed, &lasting);
        w->now += rest;
        w->rests += rest > 0;
        w->longest = rest > w->longest ? rest : w->longest;
        w->lasted |= lasting;
    }
}

static void who_waits_does_not_rest(void **state)
{
    struct urgent_share s = {0};
    struct work w = {.now = 77 * USEC_PER_SEC};
    (void)state;
    work(&s, &w, 400, 500, USEC_PER_SEC);
    assert_int_equal(w.rests, 0);
    work(&s, &w, 5000, 60 * USEC_PER_SEC, 600 * USEC_PER_SEC); /* a long turn now and then */
    assert_int_equal(w.rests, 0);
    assert_false(w.lasted);
}

static void who_does_not_wait_leaves_half_to_others(void **state)
{
    static const usec_t turns[] = {10, 100, 1000, 3000};
    (void)state;
    for (size_t i = 0; i < sizeof(turns) / sizeof(*turns); i++) {
        struct urgent_share s = {0};
        struct work w = {.now = 77 * USEC_PER_SEC};
        work(&s, &w, turns[i], 0, USEC_PER_SEC / 3);
        usec_t took = w.now - 77 * USEC_PER_SEC;
        assert_in_range(w.computed, took * 2 / 5, took * 3 / 5);
        assert_in_range(w.longest, 1, 2 * CONTROL_TURN);
        assert_false(w.lasted);
        /* waits that are far too short for it count as they are */
        w.rests = 0;
        work(&s, &w, turns[i], turns[i] / 10, USEC_PER_SEC / 100);
        assert_true(w.rests > 0);
    }
}

static void half_a_second_of_it_is_too_much(void **state)
{
    struct urgent_share s = {0};
    struct work w = {.now = 77 * USEC_PER_SEC};
    (void)state;
    for (int i = 0; i < 10; i++) {
        work(&s, &w, 1000, 0, USEC_PER_SEC / 4);
        work(&s, &w, 1000, 10000, USEC_PER_SEC / 10);
    }
    assert_false(w.lasted);
    work(&s, &w, 1000, 0, USEC_PER_SEC * 3 / 5);
    assert_true(w.lasted);
}

static long waits(void)
{
    struct rusage u;
    assert_int_equal(getrusage(RUSAGE_THREAD, &u), 0);
    return u.ru_nvcsw;
}

static usec_t computed(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
    return t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

/* Turns that compute for so long, on a clock of their own; how often they waited. */
static long turns(struct urgent_share *s, struct manual_time *t, unsigned n)
{
    const struct clock clock = clock_manual(t);
    long before = waits();
    for (; n > 0; n--) {
        for (usec_t end = computed() + CONTROL_TURN; computed() < end;)
            ;
        t->mono_us += CONTROL_TURN;
        urgent_turned(s, &clock);
    }
    return waits() - before;
}

static void only_who_has_the_priority_rests(void **state)
{
    struct urgent_share s = {0};
    struct manual_time t = {.mono_us = USEC_PER_SEC};
    (void)state;
    assert_true(turns(&s, &t, 60) < 10); /* for a page at most */
    bool may = promote();
    long rested = turns(&s, &t, 60);
    assert_true(may ? rested >= 15 : rested < 10);
    assert_int_equal(is_urgent(), may);
    turns(&s, &t, USEC_PER_SEC / CONTROL_TURN);
    assert_false(is_urgent());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_lasts_for_short_work, bench_up, bench_down),
        cmocka_unit_test(who_waits_does_not_rest),
        cmocka_unit_test(who_does_not_wait_leaves_half_to_others),
        cmocka_unit_test(half_a_second_of_it_is_too_much),
        cmocka_unit_test(only_who_has_the_priority_rests),
        cmocka_unit_test_setup_teardown(a_refusal_is_accepted, bench_up, bench_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
