/* Shedding first messages: the filter on real sockets, and when it changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/crypto/shed.h"
#include "control/ike/codec.h"
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANY 4096

struct pair {
    int family, to, from; /* `from` is connected to `to` */
    struct addr self;
};

static int bound(const struct addr *a, struct sockaddr_storage *ss, socklen_t *len)
{
    int fd = socket(a->family, SOCK_DGRAM, 0), n = addr_to_sockaddr(a, 0, ss);
    *len = sizeof(*ss);
    if (fd < 0 || bind(fd, (struct sockaddr *)ss, (socklen_t)n) < 0) {
        close(fd);
        return -1;
    }
    assert_int_equal(getsockname(fd, (struct sockaddr *)ss, len), 0);
    return fd;
}

static bool open_pair(struct pair *p, const char *self)
{
    struct sockaddr_storage ss;
    socklen_t len;
    memset(p, 0, sizeof(*p));
    assert_int_equal(addr_parse(self, &p->self), 0);
    p->family = p->self.family;
    p->from = bound(&p->self, &ss, &len);
    if (p->from < 0)
        return false; /* a host without IPv6 */
    p->to = bound(&p->self, &ss, &len);
    assert_true(p->to >= 0);
    assert_int_equal(connect(p->from, (struct sockaddr *)&ss, len), 0);
    return true;
}

static void close_pair(const struct pair *p)
{
    close(p->to);
    close(p->from);
}

/* How many of n such messages are let in. */
static unsigned let_in(const struct pair *p, uint8_t exchange, uint8_t flags, uint8_t next,
                       size_t len, unsigned n)
{
    uint8_t msg[200] = {0}, in[200];
    unsigned got = 0;
    msg[16] = next;
    msg[18] = exchange;
    msg[19] = flags;
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(send(p->from, msg, len, 0), (ssize_t)len);
        got += recv(p->to, in, sizeof(in), MSG_DONTWAIT) == (ssize_t)len;
    }
    return got;
}

static unsigned firsts(const struct pair *p)
{
    return let_in(p, X_SA_INIT, IKE_F_INITIATOR, PL_SA, 200, MANY);
}

static void others_pass(const struct pair *p)
{
    assert_int_equal(let_in(p, X_SA_INIT, IKE_F_RESPONSE, PL_SA, 200, 100), 100);
    assert_int_equal(let_in(p, X_AUTH, IKE_F_INITIATOR, PL_SK, 200, 100), 100);
    assert_int_equal(let_in(p, X_CREATE_CHILD, 0, PL_SK, IKE_HEADER_LEN, 100), 100);
    assert_int_equal(let_in(p, X_SA_INIT, IKE_F_INITIATOR, PL_SA, IKE_HEADER_LEN - 1, 100), 100);
    assert_int_equal(let_in(p, 0, 0, 0, 1, 100), 100);
}

/* False: the host does not have this family. */
static bool filter_of(const char *self, const char *other)
{
    struct pair p;
    struct addr peers[SHED_PEERS + 2];
    if (!open_pair(&p, self))
        return false;
    uint8_t family = (uint8_t)p.family;
    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
        assert_int_equal(addr_parse(i & 1 ? other : "192.0.2.77", &peers[i]), 0);

    assert_int_equal(firsts(&p), MANY);
    /* by chance: one in two, one in 128; the limits are many deviations away */
    assert_int_equal(shed_attach(p.to, family, 1, peers, 2), 0);
    assert_in_range(firsts(&p), MANY / 4, MANY * 3 / 4);
    assert_int_equal(shed_attach(p.to, family, 7, NULL, 0), 0);
    assert_in_range(firsts(&p), 1, MANY / 16);
    others_pass(&p);
    /* with a cookie */
    assert_int_equal(let_in(&p, X_SA_INIT, IKE_F_INITIATOR, PL_NOTIFY, 200, 100), 100);
    /* from a peer, which may be the last of many */
    assert_int_equal(shed_attach(p.to, family, 7, &p.self, 1), 0);
    assert_int_equal(firsts(&p), MANY);
    assert_int_equal(shed_attach(p.to, family, 7, peers, SHED_PEERS + 2), 0);
    assert_in_range(firsts(&p), 1, MANY / 16);
    others_pass(&p);
    peers[SHED_PEERS - 1] = p.self;
    assert_int_equal(shed_attach(p.to, family, 7, peers, SHED_PEERS), 0);
    assert_int_equal(firsts(&p), MANY);
    /* at the last level neither counts */
    assert_int_equal(shed_attach(p.to, family, SHED_MOST, &p.self, 1), 0);
    assert_in_range(firsts(&p), 0, MANY / 16);
    assert_in_range(let_in(&p, X_SA_INIT, IKE_F_INITIATOR, PL_NOTIFY, 200, MANY), 0, MANY / 16);
    others_pass(&p);
    assert_int_equal(shed_attach(p.to, family, 0, NULL, 0), 0);
    assert_int_equal(firsts(&p), MANY);
    close_pair(&p);
    return true;
}

static void filters(void **state)
{
    (void)state;
    assert_true(filter_of("127.0.0.1", "127.0.0.2"));
    if (!filter_of("::1", "::2"))
        print_message("this host has no IPv6: its filter is not tried\n");
}

#define SIZE 1000000u

static void the_level_follows_the_buffer(void **state)
{
    struct shed s = {0};
    usec_t now = USEC_PER_SEC;
    (void)state;
    assert_false(shed_step(&s, now, SIZE / 4, SIZE));
    assert_true(shed_step(&s, now, SIZE / 2, SIZE)); /* at once */
    assert_int_equal(s.level, 1);
    /* what was there before the filter says nothing about it */
    assert_false(shed_step(&s, now + USEC_PER_SEC / 100, SIZE / 2, SIZE));
    for (unsigned i = 2; i <= SHED_MOST; i++) {
        now += USEC_PER_SEC / 10;
        assert_true(shed_step(&s, now, SIZE / 2, SIZE));
        assert_int_equal(s.level, i);
    }
    assert_false(shed_step(&s, now + USEC_PER_SEC, SIZE, SIZE));
    /* between full and empty it stays */
    assert_false(shed_step(&s, now + USEC_PER_SEC, SIZE / 8, SIZE));
    assert_false(shed_step(&s, now + USEC_PER_SEC / 10, 0, SIZE));
    for (unsigned i = SHED_MOST; i-- > 0;) {
        now += USEC_PER_SEC;
        assert_true(shed_step(&s, now, 0, SIZE));
        assert_int_equal(s.level, i);
    }
    assert_false(shed_step(&s, now + USEC_PER_SEC, 0, SIZE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters),
        cmocka_unit_test(the_level_follows_the_buffer),
    };
    return cmocka_run_group_tests_name("shed", tests, NULL, NULL);
}
