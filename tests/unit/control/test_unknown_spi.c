/* A peer that sends on an SA that nobody has is told so where it listens: on the port of IKE. */
#include "tests/unit/control/bench.h"
#include "tests/unit/daemon/ns.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

#define PATIENCE 60000 /* ms; only a message that never comes takes so long */

static int udp_at(const char *address, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, address, &at.sin_addr);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static void esp_without_ports(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct wish w = seed_wish();
    int peer = udp_at("203.0.113.1", 500);
    uint8_t msg[256];
    bench_link(b, "eth0", true, 1500);
    bench_link(b, "eth1", true, 1500);
    control_set_ports(b->c, "GigabitEthernet0/0 eth0\nGigabitEthernet0/1 eth1\n", true);
    wish_apply(b, &w);
    settle(b);
    control_set_socket(b->c, SOCK_IKE4, udp_at("0.0.0.0", 501));
    struct sadb_event e;
    memset(&e, 0, sizeof(e));
    e.kind = EV_UNKNOWN_SPI;
    e.proto = SADB_ESP;
    e.spi = 0x12345678;
    e.path.local = adr("192.0.2.1");
    e.path.remote = adr("203.0.113.1");
    ipc_send(b->dp_end, SADB_EVENT, &e, sizeof(e));
    settle(b);
    struct pollfd p = {.fd = peer, .events = POLLIN};
    assert_int_equal(poll(&p, 1, PATIENCE), 1);
    assert_true(recv(peer, msg, sizeof(msg), 0) > 28);
    assert_int_equal(msg[18], 37); /* INFORMATIONAL */
    close(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(esp_without_ports, bench_up, bench_down),
    };
    if (ns_enter() < 0 || system("ip addr add 192.0.2.1/32 dev lo && "
                                 "ip addr add 203.0.113.1/32 dev lo") != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
