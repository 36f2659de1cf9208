/* Sockets of probes as the launcher opens them, on the loopback of a namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/probe.h"
#include "ns.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct addr adr(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static struct lr_probe to(const char *target, uint8_t protocol, uint16_t port)
{
    return (struct lr_probe){.target = adr(target), .protocol = protocol, .port = port};
}

static int ask(const struct lr_probe *r)
{
    struct probe_budget b = {0};
    return probe_socket(&b, USEC_PER_SEC, r);
}

static void what_may_not_be_asked_for(void **state)
{
    struct lr_probe r = to("127.0.0.1", IPPROTO_ICMP, 1);
    (void)state;
    assert_int_equal(ask(&r), -EPERM);
    r = to("224.0.0.1", IPPROTO_UDP, 1);
    assert_int_equal(ask(&r), -EPERM);
    r = to("255.255.255.255", IPPROTO_UDP, 1);
    assert_int_equal(ask(&r), -EPERM);
    r = to("0.0.0.0", IPPROTO_TCP, 1);
    assert_int_equal(ask(&r), -EPERM);
    r = to("ff02::1", IPPROTO_UDP, 1);
    assert_int_equal(ask(&r), -EPERM);
    r = to("127.0.0.1", IPPROTO_TCP, 0);
    assert_int_equal(ask(&r), -EPERM);
    r = to("127.0.0.1", IPPROTO_TCP, 1);
    r.source = adr("::1");
    assert_int_equal(ask(&r), -EPERM);
    r.source = adr("198.51.100.9"); /* nobody's */
    assert_int_equal(ask(&r), -EADDRNOTAVAIL);
    r = (struct lr_probe){.protocol = IPPROTO_TCP, .port = 1};
    assert_int_equal(ask(&r), -EPERM);
}

static void connects(void **state)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sin);
    int server = socket(AF_INET, SOCK_STREAM, 0), tos = 0;
    (void)state;
    assert_int_equal(bind(server, (const struct sockaddr *)&sin, sizeof(sin)), 0);
    assert_int_equal(listen(server, 5), 0);
    assert_int_equal(getsockname(server, (struct sockaddr *)&sin, &len), 0);
    struct lr_probe r = to("127.0.0.1", IPPROTO_TCP, ntohs(sin.sin_port));
    r.source = adr("127.0.0.7");
    r.source_port = 40007;
    r.tos = 0xb8;
    for (int i = 0; i < 3; i++) { /* the same port again and again */
        int fd = ask(&r), err = -1;
        assert_true(fd >= 0);
        struct pollfd w = {.fd = fd, .events = POLLOUT};
        assert_int_equal(poll(&w, 1, 30000), 1);
        len = sizeof(err);
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
        assert_int_equal(err, 0);
        len = sizeof(tos);
        assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_TOS, &tos, &len), 0);
        assert_int_equal(tos, 0xb8);
        len = sizeof(sin);
        int peer = accept(server, (struct sockaddr *)&sin, &len);
        assert_true(peer >= 0);
        assert_int_equal(ntohs(sin.sin_port), 40007);
        assert_int_equal(ntohl(sin.sin_addr.s_addr), 0x7f000007);
        close(fd);
        close(peer);
    }
    close(server);
}

static void so_many_in_a_second(void **state)
{
    struct lr_probe r = to("127.0.0.1", IPPROTO_UDP, 9);
    struct probe_budget b = {0};
    usec_t now = 77 * USEC_PER_SEC;
    unsigned opened = 0;
    (void)state;
    for (unsigned i = 0; i < PROBE_RATE + 10; i++) {
        int fd = probe_socket(&b, now, &r);
        opened += fd >= 0;
        if (fd >= 0)
            close(fd);
        else
            assert_int_equal(fd, -EAGAIN);
    }
    assert_int_equal(opened, PROBE_RATE);
    for (unsigned ms = 0; ms < 500; ms++) /* and with time some more */
        for (unsigned k = 0; k < 10; k++) {
            int fd = probe_socket(&b, now + (usec_t)(ms + 1) * USEC_PER_MSEC, &r);
            opened += fd >= 0;
            if (fd >= 0)
                close(fd);
        }
    assert_int_equal(opened, PROBE_RATE + PROBE_RATE / 2);
}

static int network(void **state)
{
    (void)state;
    return ns_enter();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_not_be_asked_for),
        cmocka_unit_test(connects),
        cmocka_unit_test(so_many_in_a_second),
    };
    return cmocka_run_group_tests(tests, network, NULL);
}
