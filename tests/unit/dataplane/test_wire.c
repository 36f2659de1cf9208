/* Sockets and TUN: what is read and written, over loopback and a socket pair. */
#include <stdio.h>
#include "support.h"
#include "dataplane/tun.h"
#include "dataplane/wire.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static struct {
    unsigned n;
    struct sadb_ike path;
    uint8_t msg[2048];
    size_t len;
} ike;

static void on_ike(void *ctx, const struct sadb_ike *path, const uint8_t *msg, size_t len)
{
    (void)ctx;
    ike.n++;
    ike.path = *path;
    ike.len = len;
    assert_true(len <= sizeof ike.msg);
    memcpy(ike.msg, msg, len);
}

static void test_classify(void **state)
{
    (void)state;
    static const uint8_t zero[28], ka[] = {0xff}, esp[] = {0, 0, 1, 0, 0, 0, 0, 1};
    assert_int_equal(wire_classify(ka, 1), WIRE_KEEPALIVE);
    assert_int_equal(wire_classify(zero, 28), WIRE_IKE);
    assert_int_equal(wire_classify(zero, 4), WIRE_IKE);
    assert_int_equal(wire_classify(esp, 8), WIRE_ESP);
    assert_int_equal(wire_classify(zero, 3), WIRE_BAD);
    assert_int_equal(wire_classify(zero, 1), WIRE_BAD);
    assert_int_equal(wire_classify(zero, 0), WIRE_BAD);
}

static void test_strip(void **state)
{
    (void)state;
    uint8_t room[PKT_HEAD + 128];
    struct pkt p = {.buf = room};
    struct addr src = ip4("192.0.2.1"), dst = ip4("192.0.2.2");
    for (int i = 0; i < 7; i++) {
        p.data = room + PKT_HEAD;
        p.len = 60;
        ip4_build(p.data, &src, &dst, NH_ESP, 60, 3, false, 1);
        switch (i) {
        case 1:
            p.len = 19;
            break;
        case 2:
            p.data[0] = 0x43;
            break;
        case 3:
            p.data[0] = 0x65;
            break;
        case 4:
            p.data[3] = 61;
            break;
        case 5:
            p.data[3] = 19;
            break;
        case 6:
            p.data[9] = 17;
            break;
        default:
            break;
        }
        assert_int_equal(wire_strip_ip4(&p), i ? -1 : 0);
        if (i == 0) {
            assert_int_equal(p.len, 40);
            assert_int_equal(p.tos, 3);
            assert_true(addr_eq(&p.remote, &src) && addr_eq(&p.local, &dst));
        }
    }
    p.data = room + PKT_HEAD; /* options are skipped */
    p.len = 60;
    ip4_build(p.data, &src, &dst, NH_ESP, 60, 0, false, 1);
    p.data[0] = 0x46;
    assert_int_equal(wire_strip_ip4(&p), 0);
    assert_int_equal(p.len, 36);
}

/* A UDP socket on 127.0.0.`last` with the options that the launcher sets. */
static int udp(unsigned last, uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof a;
    int one = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    a.sin_addr.s_addr = htonl(0x7f000000u | last);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static void readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 100000), 1);
}

static void test_udp(void **state)
{
    (void)state;
    uint16_t pa, pb;
    int fa = udp(1, &pa), fb = udp(2, &pb);
    struct wire *a = wire_new(on_ike, NULL), *b = wire_new(on_ike, NULL);
    struct pktvec *v = pktvec_new(), *r = pktvec_new();
    struct pkt *p[PKT_BATCH];
    wire_set(a, WIRE_NATT4, fa);
    wire_set(b, WIRE_NATT4, fb);
    for (unsigned i = 0; i < 20; i++) {
        p[i] = &v->p[i];
        pkt_reset(p[i]);
        p[i]->len = 100 + i;
        memset(p[i]->data, (int)i + 1, p[i]->len);
        p[i]->udp = 1;
        p[i]->df = i % 2;
        p[i]->tos = (uint8_t)(i % 3 ? 0xb8 : 1);
        p[i]->local = ip4("127.0.0.1");
        p[i]->remote = ip4("127.0.0.2");
        p[i]->rport = pb;
    }
    p[20] = &v->p[20]; /* native, but there is no raw socket */
    pkt_reset(p[20]);
    p[20]->len = 100;
    wire_send(a, p, 21);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(p[i]->cause, PKT_OK);
    assert_int_equal(p[20]->cause, DP_SEND_ERROR);
    struct sadb_ike path = {.local = ip4("127.0.0.1"), .remote = ip4("127.0.0.2")};
    path.remote_port = pb;
    assert_int_equal(wire_send_ike(a, &path, (const uint8_t *)"hello", 5), 0);
    assert_int_equal(wire_send_ike(a, &path, NULL, 0), 0); /* keepalive: vanishes */

    bool seen[20] = {false};
    unsigned n = 0;
    ike.n = 0;
    for (int left = 22; left > 0;) {
        readable(fb);
        int got = wire_recv(b, WIRE_NATT4, r);
        assert_true(got > 0);
        left -= got;
        for (size_t i = 0; i < r->n; i++, n++) {
            struct pkt *q = &r->p[i];
            unsigned k = q->data[0] - 1u;
            assert_true(k < 20 && !seen[k]);
            seen[k] = true;
            assert_int_equal(q->len, 100 + k);
            assert_int_equal(q->udp, 1);
            assert_int_equal(q->rport, pa);
            assert_int_equal(q->tos, k % 3 ? 0xb8 : 1);
            struct addr l = ip4("127.0.0.2"), m = ip4("127.0.0.1");
            assert_true(addr_eq(&q->local, &l) && addr_eq(&q->remote, &m));
        }
    }
    assert_int_equal(n, 20);
    assert_int_equal(ike.n, 1);
    assert_int_equal(ike.len, 5);
    assert_memory_equal(ike.msg, "hello", 5);
    assert_int_equal(ike.path.remote_port, pa);
    assert_int_equal(wire_recv(b, WIRE_NATT4, r), 0);
    /* larger than any datagram */
    p[0]->len = 65530;
    wire_send(a, p, 1);
    assert_int_equal(p[0]->cause, DP_TOO_BIG);
    wire_free(a);
    wire_free(b);
    pktvec_free(v);
    pktvec_free(r);
}

static struct addr loopback6(void)
{
    struct addr a = {.family = AF_INET6};
    a.b[15] = 1;
    return a;
}

/* An IPv6 socket with the options that the launcher sets; *port: UDP only. */
static int socket6(int type, int protocol, uint16_t *port)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = sizeof a;
    int one = 1, fd = socket(AF_INET6, type | SOCK_CLOEXEC, protocol);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof one), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin6_port);
    return fd;
}

/* ESP of 20 packets from one wire to another, natively or in UDP, by IPv6. */
static void over_ipv6(enum wire_socket kind, bool udp_too)
{
    int type = udp_too ? SOCK_DGRAM : SOCK_RAW, protocol = udp_too ? 0 : NH_ESP;
    uint16_t pa, pb;
    int fa = socket6(type, protocol, &pa), fb = socket6(type, protocol, &pb);
    struct wire *a = wire_new(on_ike, NULL), *b = wire_new(on_ike, NULL);
    struct pktvec *v = pktvec_new(), *r = pktvec_new();
    struct pkt *p[PKT_BATCH];
    struct addr here = loopback6();
    wire_set(a, kind, fa);
    wire_set(b, kind, fb);
    for (unsigned i = 0; i < 20; i++) {
        p[i] = &v->p[i];
        pkt_reset(p[i]);
        p[i]->len = 100 + i;
        memset(p[i]->data, (int)i + 1, p[i]->len);
        p[i]->udp = udp_too;
        p[i]->df = i % 2;
        p[i]->tos = (uint8_t)(i % 3 ? 0xb8 : 1);
        p[i]->local = p[i]->remote = here;
        p[i]->rport = pb;
    }
    wire_send(a, p, 20);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(p[i]->cause, PKT_OK);
    unsigned n = 0;
    while (n < 20) {
        readable(fb);
        assert_true(wire_recv(b, kind, r) > 0);
        for (size_t i = 0; i < r->n; i++, n++) {
            const struct pkt *q = &r->p[i];
            assert_int_equal(q->data[0], n + 1);
            assert_int_equal(q->len, 100 + n);
            assert_int_equal(q->tos, n % 3 ? 0xb8 : 1);
            assert_int_equal(q->udp, udp_too);
            assert_int_equal(q->rport, udp_too ? pa : 0);
            assert_true(addr_eq(&q->local, &here) && addr_eq(&q->remote, &here));
        }
    }
    if (udp_too) {
        struct sadb_ike path = {.local = here, .remote = here, .remote_port = pb};
        ike.n = 0;
        assert_int_equal(wire_send_ike(a, &path, (const uint8_t *)"hello", 5), 0);
        assert_int_equal(wire_send_ike(a, &path, NULL, 0), 0);
        for (int left = 2; left > 0;) {
            readable(fb);
            left -= wire_recv(b, kind, r);
        }
        assert_int_equal(ike.n, 1);
        assert_memory_equal(ike.msg, "hello", 5);
        assert_true(addr_eq(&ike.path.remote, &here) && ike.path.remote_port == pa);
    }
    wire_free(a);
    wire_free(b);
    pktvec_free(v);
    pktvec_free(r);
}

static void test_udp6(void **state)
{
    (void)state;
    over_ipv6(WIRE_NATT6, true);
}

static void test_esp6(void **state)
{
    (void)state;
    over_ipv6(WIRE_ESP6, false);
}

static void test_tun(void **state)
{
    (void)state;
    int fd[2];
    uint8_t raw[2048];
    unsigned bad = 0;
    struct pktvec *v = pktvec_new();
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd), 0);
    assert_int_equal(tun_read(fd[0], v, &bad), 0);
    assert_int_equal(v->n, 0);
    for (unsigned i = 0; i < 6; i++) {
        memset(raw, 0, sizeof raw);
        make_ip4(raw + TUN_HDR, "10.0.0.1", "10.0.0.2", 17, (uint16_t)i, 53, 60);
        if (i == 2)
            raw[1] = 1; /* TCP segmentation, never asked for */
        if (i == 3) {   /* a checksum left to us: UDP's, at 20 + 6 */
            raw[0] = 1;
            raw[6] = 20;
            raw[8] = 6;
            raw[TUN_HDR + 26] = raw[TUN_HDR + 27] = 0;
        }
        if (i == 4) { /* one outside of the packet */
            raw[0] = 1;
            raw[6] = 59;
            raw[8] = 6;
        }
        assert_int_equal(write(fd[1], raw, i == 5 ? TUN_HDR : 70), i == 5 ? TUN_HDR : 70);
    }
    assert_int_equal(tun_read(fd[0], v, &bad), 0);
    assert_int_equal(v->n, 3);
    assert_int_equal(bad, 3);
    assert_int_equal(v->p[1].data[21], 1);
    assert_int_equal(v->p[2].data[21], 3);
    assert_int_equal(v->p[2].len, 60);
    assert_int_equal(ip_checksum(v->p[2].data + 20, 40, 0), 0); /* over what it covers */
    struct pkt *p = &v->p[0];
    tun_write(fd[0], &p, 1);
    assert_int_equal(p->cause, PKT_OK);
    assert_int_equal(read(fd[1], raw, sizeof raw), 70);
    for (int i = 0; i < TUN_HDR; i++)
        assert_int_equal(raw[i], 0);
    assert_memory_equal(raw + TUN_HDR, p->data, 60);
    close(fd[1]);
    tun_write(fd[0], &p, 1);
    assert_int_equal(p->cause, DP_TUN_ERROR);
    assert_true(tun_read(fd[0], v, &bad) < 0);
    close(fd[0]);
    pktvec_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classify), cmocka_unit_test(test_strip), cmocka_unit_test(test_udp),
        cmocka_unit_test(test_udp6),     cmocka_unit_test(test_esp6),  cmocka_unit_test(test_tun),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
