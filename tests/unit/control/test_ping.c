/* The box's own ping, on the loopback of a network namespace of its own. */
#include "bench.h"
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>

struct seen {
    char marks[32];
    size_t n;
    bool done;
    unsigned last_rtt;
    struct ping *abort_at_first; /* of another ping */
};

static void on_result(void *ctx, char mark, unsigned rtt_us)
{
    struct seen *s = (struct seen *)ctx;
    if (s->n + 1 < sizeof(s->marks))
        s->marks[s->n++] = mark;
    s->last_rtt = rtt_us;
    if (s->abort_at_first)
        control_ping_abort(s->abort_at_first);
    s->abort_at_first = NULL;
}

static void on_done(void *ctx)
{
    ((struct seen *)ctx)->done = true;
}

static void loopback_up(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq r = {.ifr_flags = IFF_UP | IFF_LOOPBACK};
    strcpy(r.ifr_name, "lo");
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &r), 0);
    close(fd);
}

/* Gives the bench its ICMP socket, in a network of its own: this wants root, as make test does. */
static struct bench *with_icmp(void **state)
{
    struct bench *b = (struct bench *)*state;
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    loopback_up();
    int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP);
    assert_true(fd >= 0);
    control_set_socket(b->c, SOCK_ICMP4, fd);
    return b;
}

static struct ping_opts to(const char *dst, uint32_t count)
{
    return (struct ping_opts){.dst = adr(dst), .count = count, .size = 100, .timeout_ms = 2000};
}

/* A millisecond of the manual clock, when the kernel has had ten of its own: a busy one brings an
 * answer when it finds the time, not before sendmsg() returns. */
static void step(struct bench *b)
{
    struct pollfd p = {.fd = b->c->icmp_sock[FAMILY_4].fd, .events = POLLIN};
    settle(b);
    if (poll(&p, 1, 10) == 0)
        b->t.mono_us += USEC_PER_MSEC;
}

static void until_done(struct bench *b, struct seen *s)
{
    for (int i = 0; i < 1500 && !s->done; i++)
        step(b);
    assert_true(s->done);
}

static void answered(void **state)
{
    struct bench *b = with_icmp(state);
    struct seen s = {0}, t = {0};
    struct ping_opts o = to("127.0.0.1", 5), p = to("127.0.0.9", 3);
    o.src = adr("127.0.0.2");
    p.size = 18024;
    assert_non_null(control_ping(b->c, &o, on_result, on_done, &s));
    assert_non_null(control_ping(b->c, &p, on_result, on_done, &t)); /* both at once */
    until_done(b, &s);
    until_done(b, &t);
    assert_string_equal(s.marks, "!!!!!");
    assert_string_equal(t.marks, "!!!");
    assert_null(b->c->pings);
}

static void not_answered(void **state)
{
    struct bench *b = with_icmp(state);
    struct seen s = {0};
    struct ping_opts o = to("192.0.2.1", 2); /* there is no route at all */
    control_ping(b->c, &o, on_result, on_done, &s);
    until_done(b, &s);
    assert_string_equal(s.marks, "NN");

    s = (struct seen){0};
    o = to("127.0.0.1", 2);
    o.size = 65535 + 1000; /* kept in bounds, and still too big for DF */
    o.df = true;
    struct ifreq r = {.ifr_mtu = 1500};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    strcpy(r.ifr_name, "lo");
    assert_int_equal(ioctl(fd, SIOCSIFMTU, &r), 0);
    close(fd);
    control_ping(b->c, &o, on_result, on_done, &s);
    until_done(b, &s);
    assert_string_equal(s.marks, "MM");
}

/* Nobody answers: the kernel's own echo is switched off in this namespace. */
static void timeouts(void **state)
{
    struct bench *b = with_icmp(state);
    struct seen s = {0};
    struct ping_opts o = to("127.0.0.1", 2);
    FILE *f = fopen("/proc/sys/net/ipv4/icmp_echo_ignore_all", "w");
    assert_non_null(f);
    fputs("1", f);
    fclose(f);
    control_ping(b->c, &o, on_result, on_done, &s);
    settle(b);
    assert_int_equal(s.n, 0);
    b->t.mono_us += 1999 * USEC_PER_MSEC;
    settle(b);
    assert_int_equal(s.n, 0);
    b->t.mono_us += USEC_PER_MSEC;
    settle(b);
    assert_string_equal(s.marks, ".");
    b->t.mono_us += 3 * USEC_PER_SEC;
    settle(b);
    b->t.mono_us += 3 * USEC_PER_SEC;
    until_done(b, &s);
    assert_string_equal(s.marks, "..");
}

static void aborted(void **state)
{
    struct bench *b = with_icmp(state);
    struct seen s = {0}, t = {0};
    struct ping_opts o = to("127.0.0.1", 5);
    struct ping *p = control_ping(b->c, &o, on_result, on_done, &s);
    control_ping_abort(p);
    settle(b);
    assert_false(s.done);
    assert_int_equal(s.n, 0);
    p = control_ping(b->c, &o, on_result, on_done, &t);
    t.abort_at_first = p; /* from within its own result */
    for (int i = 0; i < 1500 && t.n < 1; i++)
        step(b);
    for (int i = 0; i < 5; i++)
        step(b); /* and no more come */
    assert_int_equal(t.n, 1);
    assert_false(t.done);
    control_ping(b->c, &o, on_result, on_done, &s); /* left to control_free() */
}

static void no_socket(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct seen s = {0};
    struct ping_opts o = to("127.0.0.1", 1);
    assert_null(control_ping(b->c, &o, on_result, on_done, &s));
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_up, bench_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(no_socket), T(answered), T(not_answered), T(timeouts), T(aborted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
