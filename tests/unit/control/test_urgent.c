/* The loop's priority: asked for, lost by computing for too long, asked for again. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_lasts_for_short_work, bench_up, bench_down),
        cmocka_unit_test_setup_teardown(a_refusal_is_accepted, bench_up, bench_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
