/* Framed channels: framing, descriptors, bounds, pause, ends. */
#include "lib/ipc.h"
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

struct seen {
    unsigned n, closed;
    size_t bytes;
    uint16_t last_type;
    int fd;
    bool pause_each, free_on_first;
};

static void on_msg(struct ipc *c, struct ipc_msg *m, void *ctx)
{
    struct seen *s = (struct seen *)ctx;
    s->n++;
    s->bytes += m->len;
    s->last_type = m->type;
    for (size_t i = 0; i < m->len; i++)
        assert_int_equal(m->data[i], (uint8_t)m->type);
    if (m->nfds) {
        s->fd = m->fds[0];
        m->fds[0] = -1;
    }
    if (s->pause_each)
        ipc_pause(c, true);
    if (s->free_on_first)
        ipc_free(c);
}

static void on_closed(struct ipc *c, void *ctx)
{
    (void)c;
    ((struct seen *)ctx)->closed++;
}

static void pair(int fd[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
}

static void many_frames_arrive_whole_and_in_order(void **state)
{
    (void)state;
    int fd[2];
    pair(fd);
    struct event_base *base = event_base_new();
    struct seen s = {.fd = -1};
    struct ipc *a = ipc_new(base, fd[0], NULL, NULL, NULL);
    struct ipc *b = ipc_new(base, fd[1], on_msg, on_closed, &s);
    uint8_t data[IPC_MAX_PAYLOAD];
    size_t total = 0;
    for (unsigned i = 1; i <= 200; i++) {
        size_t len = (i * 7919) % 20000;
        memset(data, (int)i & 0xff, len);
        assert_int_equal(ipc_send(a, (uint16_t)i, data, len), 0);
        total += len;
    }
    while (s.n < 200)
        event_base_loop(base, EVLOOP_ONCE);
    assert_int_equal(s.bytes, total);
    assert_int_equal(s.last_type, 200);
    memset(data, 0, sizeof(data));
    assert_int_equal(ipc_send(a, 256, data, sizeof(data)), 0);
    assert_int_equal(ipc_send(a, 1, data, sizeof(data) + 1), -EMSGSIZE);
    while (s.n < 201)
        event_base_loop(base, EVLOOP_ONCE);
    ipc_free(a);
    event_base_loop(base, EVLOOP_ONCE);
    assert_int_equal(s.closed, 1);
    ipc_free(b);
    event_base_free(base);
}

static void descriptors_travel_with_their_frame(void **state)
{
    (void)state;
    int fd[2], p[2];
    pair(fd);
    assert_int_equal(pipe(p), 0);
    struct seen s = {.fd = -1};
    struct ipc *a = ipc_new(NULL, fd[0], NULL, NULL, NULL);
    struct ipc *b = ipc_new(NULL, fd[1], on_msg, NULL, &s);
    ipc_send(a, 1, "\1\1", 2);
    assert_int_equal(ipc_send_fds(a, 2, "\2", 1, &p[1], 1), 0);
    ipc_send(a, 3, NULL, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ipc_recv_blocking(b), 1);
    assert_true(s.fd >= 0);
    assert_int_equal(write(s.fd, "x", 1), 1);
    char c = 0;
    assert_int_equal(read(p[0], &c, 1), 1);
    assert_int_equal(c, 'x');
    close(s.fd);
    close(p[0]);
    close(p[1]);
    ipc_free(a);
    assert_int_equal(ipc_recv_blocking(b), 0);
    ipc_free(b);
}

static void a_lying_header_ends_the_channel(void **state)
{
    (void)state;
    struct ipc_header bad[] = {{.len = IPC_MAX_PAYLOAD + 1, .type = 1},
                               {.len = 0, .nfds = 5},
                               {.len = 0, .nfds = 1} /* claims a descriptor it lacks */};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        int fd[2];
        pair(fd);
        struct event_base *base = event_base_new();
        struct seen s = {.fd = -1};
        struct ipc *b = ipc_new(base, fd[1], on_msg, on_closed, &s);
        assert_int_equal(write(fd[0], &bad[i], sizeof(bad[i])), sizeof(bad[i]));
        event_base_loop(base, EVLOOP_ONCE);
        assert_int_equal(s.closed, 1);
        assert_int_equal(s.n, 0);
        ipc_free(b);
        close(fd[0]);
        event_base_free(base);
    }
}

static void waiting_output_is_bounded(void **state)
{
    (void)state;
    int fd[2], err = 0;
    pair(fd);
    struct event_base *base = event_base_new();
    struct ipc *a = ipc_new(base, fd[0], NULL, NULL, NULL);
    static uint8_t data[65536];
    unsigned sent = 0;
    while ((err = ipc_send(a, 0, data, sizeof(data))) == 0 && sent < 10000)
        sent++;
    assert_int_equal(err, -ENOBUFS);
    assert_true(ipc_pending(a) <= 4u * 1024 * 1024);
    ipc_free(a);
    close(fd[1]);
    event_base_free(base);
}

static void a_paused_reader_gets_the_rest_later(void **state)
{
    (void)state;
    int fd[2];
    pair(fd);
    struct event_base *base = event_base_new();
    struct seen s = {.fd = -1, .pause_each = true};
    struct ipc *a = ipc_new(base, fd[0], NULL, NULL, NULL);
    struct ipc *b = ipc_new(base, fd[1], on_msg, on_closed, &s);
    for (int i = 0; i < 3; i++)
        ipc_send(a, 5, "\5", 1);
    for (unsigned want = 1; want <= 3; want++) {
        event_base_loop(base, EVLOOP_ONCE);
        event_base_loop(base, EVLOOP_NONBLOCK);
        assert_int_equal(s.n, want);
        ipc_pause(b, false);
    }
    ipc_free(a);
    ipc_free(b);
    event_base_free(base);
}

static void a_handler_may_free_its_channel(void **state)
{
    (void)state;
    int fd[2];
    pair(fd);
    struct event_base *base = event_base_new();
    struct seen s = {.fd = -1, .free_on_first = true};
    struct ipc *a = ipc_new(base, fd[0], NULL, NULL, NULL);
    ipc_new(base, fd[1], on_msg, on_closed, &s);
    ipc_send(a, 5, "\5", 1);
    ipc_send(a, 5, "\5", 1);
    event_base_loop(base, EVLOOP_ONCE);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.closed, 0);
    ipc_free(a);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_frames_arrive_whole_and_in_order),
        cmocka_unit_test(descriptors_travel_with_their_frame),
        cmocka_unit_test(a_lying_header_ends_the_channel),
        cmocka_unit_test(waiting_output_is_bounded),
        cmocka_unit_test(a_paused_reader_gets_the_rest_later),
        cmocka_unit_test(a_handler_may_free_its_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
