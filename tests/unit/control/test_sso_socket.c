/* SCTP on real sockets: two links talk to each other on the loopback of a network namespace of our
 * own (this wants root, as make test does). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/sso/link.h"
#include "control/sso/socket.h"
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE (60 * USEC_PER_SEC) /* a slow machine */

struct end {
    struct sso_cfg cfg;
    struct sso_sockets *sockets;
    struct sso_link *link;
    bool up;
    unsigned heard, strange, messages;
    uint32_t ifindex;
    uint8_t last[100];
};

struct box {
    struct event_base *base;
    struct timerq timers;
    struct clock clock;
    struct end end[2];
    int sniffer;
};

static void on_packet(void *ctx, unsigned path, uint32_t ifindex, const uint8_t *p, size_t n)
{
    struct end *e = (struct end *)ctx;
    uint16_t port;
    memcpy(&port, p, 2);
    if (ntohs(port) != e->cfg.remote_port)
        e->strange++;
    e->heard++;
    e->ifindex = ifindex;
    if (e->link)
        sso_link_input(e->link, path, p, n);
}

static void on_transmit(void *ctx, unsigned path, const uint8_t *p, size_t n)
{
    struct end *e = (struct end *)ctx;
    assert_int_equal(sso_sockets_send(e->sockets, path, p, n), 0);
}

static void on_up(void *ctx)
{
    ((struct end *)ctx)->up = true;
}

static void on_down(void *ctx, const char *why)
{
    (void)why;
    ((struct end *)ctx)->up = false;
}

static void on_message(void *ctx, enum sso_stream s, const uint8_t *p, size_t n)
{
    struct end *e = (struct end *)ctx;
    assert_int_equal(s, SSO_STREAM_RECORDS);
    assert_int_equal(n, sizeof(e->last));
    memcpy(e->last, p, n);
    e->messages++;
}

static void on_writable(void *ctx)
{
    (void)ctx;
}

static const struct sso_link_ops ops = {on_transmit, on_up, on_down, on_message, on_writable};

/* As the launcher opens it. */
static int raw(int family)
{
    const int on = 1;
    int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_SCTP);
    assert_true(fd >= 0);
    assert_int_equal(family == AF_INET
                         ? setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on))
                         : setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)),
                     0);
    return fd;
}

/* CRC32c (RFC 9260 appendix A), bit by bit. */
static uint32_t crc32c(const uint8_t *p, size_t n)
{
    uint32_t c = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (unsigned k = 0; k < 8; k++)
            c = c >> 1 ^ (c & 1 ? 0x82f63b78u : 0);
    }
    return ~c;
}

/* Everything on the wire: each packet has its checksum in place. */
static unsigned sniff(struct box *b)
{
    unsigned n = 0;
    uint8_t p[4096];
    for (ssize_t got; (got = recv(b->sniffer, p, sizeof(p), MSG_DONTWAIT)) > 0; n++) {
        uint8_t *s = p + (p[0] & 15) * 4;
        size_t len = (size_t)got - (size_t)(s - p);
        assert_true(len >= 16);
        uint32_t sum = s[8] | s[9] << 8 | s[10] << 16 | (uint32_t)s[11] << 24;
        memset(s + 8, 0, 4);
        assert_int_equal(crc32c(s, len), sum);
    }
    return n;
}

static bool turn(struct box *b, usec_t until)
{
    struct timeval tv = {.tv_usec = 1000};
    event_base_loopexit(b->base, &tv);
    event_base_loop(b->base, EVLOOP_ONCE);
    usec_t now = clock_mono(&b->clock);
    timerq_run(&b->timers, now, 100);
    return now < until;
}

static struct box *box_new(unsigned paths, const char *const a[2][SSO_ADDRS])
{
    struct box *b = (struct box *)calloc(1, sizeof(*b));
    b->base = event_base_new();
    b->clock = clock_system();
    b->sniffer = raw(AF_INET);
    for (unsigned i = 0; i < 2; i++) {
        struct end *e = &b->end[i];
        e->cfg = (struct sso_cfg){.n_local = (uint8_t)paths,
                                  .n_remote = (uint8_t)paths,
                                  .local_port = (uint16_t)(5000 + i),
                                  .remote_port = (uint16_t)(5001 - i),
                                  .rto_min = 300,
                                  .rto_max = 600,
                                  .path_retransmit = 4,
                                  .assoc_retransmit = 4,
                                  .hold = SSO_HOLD};
        for (unsigned k = 0; k < paths; k++) {
            assert_int_equal(addr_parse(a[i][k], &e->cfg.local[k]), 0);
            assert_int_equal(addr_parse(a[!i][k], &e->cfg.remote[k]), 0);
        }
        e->sockets = sso_sockets_new(b->base, &b->clock, on_packet, e);
        assert_non_null(e->sockets);
        sso_sockets_take(e->sockets, AF_INET, raw(AF_INET));
        assert_int_equal(sso_sockets_use(e->sockets, &e->cfg), 0);
        sso_sockets_take(e->sockets, AF_INET6, raw(AF_INET6)); /* either order */
    }
    return b;
}

static void box_free(struct box *b)
{
    for (unsigned i = 0; i < 2; i++) {
        sso_link_free(b->end[i].link);
        sso_sockets_free(b->end[i].sockets);
    }
    timerq_free(&b->timers);
    event_base_free(b->base);
    close(b->sniffer);
    free(b);
}

static void talk(struct box *b, unsigned paths)
{
    usec_t until = clock_mono(&b->clock) + PATIENCE;
    uint8_t msg[sizeof(b->end[0].last)];
    memset(msg, 0x5a, sizeof(msg));
    for (unsigned i = 0; i < 2; i++)
        b->end[i].link = sso_link_new(&b->end[i].cfg, &ops, &b->end[i], &b->timers, &b->clock);
    while (!b->end[0].up || !b->end[1].up)
        assert_true(turn(b, until));
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(sso_link_send(b->end[i].link, SSO_STREAM_RECORDS, msg, sizeof(msg)), 0);
    while (!b->end[0].messages || !b->end[1].messages)
        assert_true(turn(b, until));
    for (unsigned i = 0; i < 2; i++) {
        struct sso_path path[SSO_ADDRS];
        uint8_t n;
        assert_memory_equal(b->end[i].last, msg, sizeof(msg));
        assert_int_equal(b->end[i].strange, 0);
        assert_int_equal(b->end[i].ifindex, if_nametoindex("lo"));
        do {
            sso_link_paths(b->end[i].link, path, &n);
            assert_int_equal(n, paths);
        } while (!(path[0].up && path[n - 1].up) && turn(b, until));
        assert_true(path[0].up && path[n - 1].up);
    }
}

static void test_ipv4(void **state)
{
    static const char *const a[2][SSO_ADDRS] = {{"127.0.0.1", "127.0.1.1"},
                                                {"127.0.0.2", "127.0.1.2"}};
    (void)state;
    struct box *b = box_new(2, a);
    talk(b, 2);
    assert_true(sniff(b) >= 8);
    box_free(b);
}

static void test_both_families(void **state)
{
    static const char *const a[2][SSO_ADDRS] = {{"127.0.0.1", "::1"}, {"127.0.0.2", "::1"}};
    (void)state;
    struct box *b = box_new(2, a);
    talk(b, 2);
    box_free(b);
}

/* From a socket that is bound to an address. */
static void throw(const char *from, const char *to, uint16_t sport, uint16_t dport)
{
    struct sockaddr_in src = {.sin_family = AF_INET}, dst = {.sin_family = AF_INET};
    uint8_t p[16] = {(uint8_t)(sport >> 8), (uint8_t)sport, (uint8_t)(dport >> 8), (uint8_t)dport};
    int fd = raw(AF_INET);
    inet_pton(AF_INET, from, &src.sin_addr);
    inet_pton(AF_INET, to, &dst.sin_addr);
    assert_int_equal(bind(fd, (const struct sockaddr *)&src, sizeof(src)), 0);
    assert_int_equal(sendto(fd, p, sizeof(p), 0, (const struct sockaddr *)&dst, sizeof(dst)), 16);
    close(fd);
}

static void test_others(void **state)
{
    static const char *const a[2][SSO_ADDRS] = {{"127.0.0.1"}, {"127.0.0.2"}};
    (void)state;
    struct box *b = box_new(1, a);
    struct end *e = &b->end[0];
    usec_t until = clock_mono(&b->clock) + PATIENCE;
    throw("127.0.0.2", "127.0.0.1", 5001, 5001); /* other ports */
    throw("127.0.0.2", "127.0.0.1", 5002, 5000);
    throw("127.0.0.3", "127.0.0.1", 5001, 5000); /* somebody else */
    throw("127.0.0.2", "127.0.0.3", 5001, 5000); /* at another of our addresses */
    throw("127.0.0.2", "127.0.0.1", 5001, 5000); /* the peer */
    while (!e->heard)
        assert_true(turn(b, until));
    assert_int_equal(e->heard, 1);
    /* nobody is configured: what comes now never arrives, as the next one after it shows */
    assert_int_equal(sso_sockets_use(e->sockets, NULL), 0);
    throw("127.0.0.2", "127.0.0.1", 5001, 5000);
    assert_int_equal(sso_sockets_send(e->sockets, 0, e->last, 16), -EINVAL);
    assert_int_equal(sso_sockets_use(e->sockets, &e->cfg), 0);
    throw("127.0.0.2", "127.0.0.1", 5001, 5000);
    while (e->heard < 2)
        assert_true(turn(b, until));
    assert_int_equal(e->heard, 2);
    box_free(b);
}

static int enter(void **state)
{
    struct ifreq r = {.ifr_name = "lo"};
    (void)state;
    if (unshare(CLONE_NEWNET) < 0)
        return -1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    r.ifr_flags = IFF_UP;
    int err = ioctl(fd, SIOCSIFFLAGS, &r);
    close(fd);
    return err;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipv4),
        cmocka_unit_test(test_both_families),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, enter, NULL);
}
