/* Helper threads: every job is worked on, and done() runs on the loop's thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/job.h"
#include <event2/event.h>
#include <pthread.h>
#include <string.h>

#define N 50

struct one {
    struct ike_job j;
    pthread_t loop;
    uint64_t value;
    bool worked, done, on_loop;
    unsigned *finished;
};

static void work(struct ike_job *j)
{
    struct one *o = (struct one *)j;
    for (uint64_t i = 1; i <= 1000; i++)
        o->value += i;
    o->worked = true;
}

static void done(struct ike_job *j)
{
    struct one *o = (struct one *)j;
    o->done = true;
    o->on_loop = pthread_equal(o->loop, pthread_self());
    ++*o->finished;
}

static void fill(struct one *v, unsigned *finished)
{
    memset(v, 0, N * sizeof(*v));
    for (int i = 0; i < N; i++)
        v[i] = (struct one){.j = {work, done}, .loop = pthread_self(), .finished = finished};
}

static void check(const struct one *v)
{
    for (int i = 0; i < N; i++)
        assert_true(v[i].worked && v[i].done && v[i].on_loop && v[i].value == 500500);
}

static void on_the_loop(void **state)
{
    struct event_base *base = event_base_new();
    struct jobs *jobs = jobs_new(base);
    struct one v[N];
    unsigned finished = 0;
    (void)state;
    assert_non_null(jobs);
    fill(v, &finished);
    for (int i = 0; i < N; i++)
        jobs_run(jobs, &v[i].j);
    while (finished < N)
        event_base_loop(base, EVLOOP_ONCE);
    check(v);
    jobs_free(jobs);
    event_base_free(base);
}

static void at_the_end(void **state)
{
    struct event_base *base = event_base_new();
    struct jobs *jobs = jobs_new(base);
    struct one v[N];
    unsigned finished = 0;
    (void)state;
    fill(v, &finished);
    for (int i = 0; i < N; i++)
        jobs_run(jobs, &v[i].j);
    jobs_free(jobs); /* finishes what was queued */
    assert_int_equal(finished, N);
    check(v);
    event_base_free(base);
}

static void without_threads(void **state)
{
    struct one v[N];
    unsigned finished = 0;
    (void)state;
    fill(v, &finished);
    for (int i = 0; i < N; i++)
        jobs_run(NULL, &v[i].j);
    check(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_the_loop),
        cmocka_unit_test(at_the_end),
        cmocka_unit_test(without_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
