/* Requests to the launcher: never twice, again after a refusal, forgotten when unwanted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/launch.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct bench {
    struct launch l;
    struct timerq q;
    struct manual_time t;
    struct clock clock;
    struct log log;
    struct ipc *ours, *theirs;
    unsigned kicks, requests;
    uint32_t last_id;
    int call_err;
};

static void on_kick(void *ctx)
{
    ((struct bench *)ctx)->kicks++;
}

static void on_request(struct ipc *c, struct ipc_msg *m, void *ctx)
{
    struct bench *b = (struct bench *)ctx;
    (void)c;
    b->requests++;
    memcpy(&b->last_id, m->data, sizeof(b->last_id));
}

static int setup(void **state)
{
    static struct bench b;
    int fd[2];
    memset(&b, 0, sizeof(b));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    b.ours = ipc_new(NULL, fd[0], NULL, NULL, NULL);
    b.theirs = ipc_new(NULL, fd[1], on_request, NULL, &b);
    b.t.mono_us = USEC_PER_SEC;
    b.clock = clock_manual(&b.t);
    log_init(&b.log, "test", STDERR_FILENO, LOGL_ERROR);
    launch_init(&b.l, &b.q, &b.clock, &b.log, on_kick, &b);
    launch_set_channel(&b.l, b.ours);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = (struct bench *)*state;
    launch_free(&b->l);
    timerq_free(&b->q);
    ipc_free(b->ours);
    ipc_free(b->theirs);
    return 0;
}

static const struct launch_op *want(struct bench *b, uint32_t ifindex)
{
    struct lr_link r;
    memset(&r, 0, sizeof(r));
    r.ifindex = ifindex;
    r.set_up = r.up = 1;
    launch_round_begin(&b->l);
    const struct launch_op *op = launch_want(&b->l, LR_LINK, &r, sizeof(r));
    launch_round_end(&b->l);
    return op;
}

static void take(struct bench *b, unsigned expected)
{
    unsigned before = b->requests;
    for (unsigned i = 0; i < expected; i++)
        assert_int_equal(ipc_recv_blocking(b->theirs), 1);
    assert_int_equal(b->requests - before, expected);
    char byte; /* and nothing more */
    assert_int_equal(recv(ipc_fd(b->theirs), &byte, 1, MSG_PEEK | MSG_DONTWAIT), -1);
}

static void reply(struct bench *b, int err, const char *text)
{
    struct lm_reply r = {.id = b->last_id, .err = err};
    launch_reply(&b->l, &r, text);
}

static void not_twice(void **state)
{
    struct bench *b = (struct bench *)*state;
    want(b, 3);
    want(b, 3);
    take(b, 1);
    reply(b, 0, "");
    assert_int_equal(b->kicks, 1);
    assert_int_equal(want(b, 3)->state, OP_DONE); /* the kernel's news may still be on its way */
    take(b, 0);
    b->t.mono_us += 3 * USEC_PER_SEC; /* but now it should have come */
    want(b, 3);
    take(b, 1);
}

static void refused_and_again(void **state)
{
    struct bench *b = (struct bench *)*state;
    usec_t waits[] = {1, 2, 4, 8, 16, 30, 30};
    want(b, 3);
    for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
        take(b, 1);
        reply(b, -EPERM, "not yours");
        const struct launch_op *op = want(b, 3);
        assert_int_equal(op->err, -EPERM);
        assert_string_equal(op->text, "not yours");
        take(b, 0);
        assert_int_equal(timerq_next(&b->q), b->t.mono_us + waits[i] * USEC_PER_SEC);
        b->t.mono_us += waits[i] * USEC_PER_SEC;
        unsigned kicks = b->kicks;
        assert_int_equal(timerq_run(&b->q, b->t.mono_us, 8), 1);
        assert_int_equal(b->kicks, kicks + 1);
        want(b, 3);
    }
    take(b, 1);
    reply(b, 0, "");
    assert_string_equal(want(b, 3)->text, "");
}

static void forgotten(void **state)
{
    struct bench *b = (struct bench *)*state;
    want(b, 3);
    take(b, 1);
    uint32_t first = b->last_id;
    want(b, 4); /* 3 is not wanted any more, but its answer is still due */
    take(b, 1);
    uint32_t second = b->last_id;
    b->last_id = first;
    reply(b, -EIO, "late");
    b->last_id = second;
    reply(b, 0, "");
    want(b, 4);
    size_t left = 0;
    for (size_t i = 0; i < LAUNCH_BUCKETS; i++)
        for (const struct launch_op *op = b->l.by_key[i]; op; op = op->next_key)
            left++;
    assert_int_equal(left, 1);
    b->last_id = 999; /* an answer to nothing */
    reply(b, 0, "");
}

static void new_channel(void **state)
{
    struct bench *b = (struct bench *)*state;
    launch_set_channel(&b->l, NULL);
    assert_int_equal(want(b, 3)->err, -ENOTCONN);
    launch_set_channel(&b->l, b->ours);
    want(b, 3); /* at once, without a pause */
    take(b, 1);
    launch_set_channel(&b->l, NULL); /* the answer to that will not come any more */
    launch_set_channel(&b->l, b->ours);
    want(b, 3);
    take(b, 1);
}

static void on_call(void *ctx, int err)
{
    ((struct bench *)ctx)->call_err = err;
}

static void single_calls(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct lr_save s;
    memset(&s, 0, sizeof(s));
    b->call_err = 1;
    assert_int_equal(launch_call(&b->l, LR_SAVE, &s, sizeof(s), -1, on_call, b), 0);
    take(b, 1);
    assert_int_equal(b->call_err, 1);
    reply(b, -ENOSPC, "full");
    assert_int_equal(b->call_err, -ENOSPC);
    assert_int_equal(launch_call(&b->l, LR_SAVE, &s, sizeof(s), -1, on_call, b), 0);
    launch_set_channel(&b->l, NULL); /* the answer cannot come any more */
    assert_int_equal(b->call_err, -EPIPE);
    assert_int_equal(launch_call(&b->l, LR_SAVE, &s, sizeof(s), -1, on_call, b), -ENOTCONN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(not_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_and_again, setup, teardown),
        cmocka_unit_test_setup_teardown(forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(new_channel, setup, teardown),
        cmocka_unit_test_setup_teardown(single_calls, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
