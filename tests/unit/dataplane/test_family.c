/* Either family inside either family, natively and in UDP: what leaves one box enters the other. */
#include <stdio.h>
#include "world.h"

static const struct combo gcm = {"gcm256", ENCR_AES_GCM16, 36, INTEG_NONE, 0, true};
static const struct combo cbc = {"aes256-sha256", ENCR_AES_CBC, 32, INTEG_SHA256_128, 32, true};

#define LEFT  "2001:db8:a::1"
#define RIGHT "2001:db8:b::1"

static struct selector sel6(const char *local, const char *remote)
{
    struct prefix l = {.addr = ip6(local), .len = 48}, r = {.addr = ip6(remote), .len = 48};
    return (struct selector){.local = prefix_range(&l),
                             .remote = prefix_range(&r),
                             .lport = {0, 65535},
                             .rport = {0, 65535}};
}

/* An SA between the boxes, whose outer and inner addresses are of these families. */
static struct sadb_sa between(const struct combo *c, uint8_t dir, bool left, bool outer6,
                              bool inner6, bool udp)
{
    struct sadb_sa m = make_sa(c, dir, left, 5000);
    if (outer6) {
        m.local = ip6(left ? "2001:db8:ffff::1" : "2001:db8:ffff::2");
        m.remote = ip6(left ? "2001:db8:ffff::2" : "2001:db8:ffff::1");
    }
    if (inner6)
        m.ts[0] = sel6(left ? LEFT : RIGHT, left ? RIGHT : LEFT);
    if (udp) {
        m.flags |= SADB_F_UDP;
        m.local_port = m.remote_port = 4500;
    }
    m.flags |= SADB_F_ESN;
    m.slot = 1;
    return m;
}

static void from_host6(struct world *w, size_t n, uint16_t len, uint8_t class)
{
    struct pkt *p[PKT_BATCH];
    for (size_t i = 0; i < n; i++) {
        p[i] = &w->v->p[i];
        pkt_reset(p[i]);
        p[i]->len = make_ip6(p[i]->data, LEFT, RIGHT, IPPROTO_UDP, (uint16_t)i, 9, len);
        p[i]->data[0] = (uint8_t)(0x60 | class >> 4);
        p[i]->data[1] = (uint8_t)(class << 4);
    }
    dp_outbound(w->dp, 1, true, p, n);
}

static void one_way(const struct combo *c, bool outer6, bool inner6, bool udp)
{
    struct world *a = world_new(), *b = world_new();
    struct sadb_spd_entry e = usual();
    if (inner6)
        e.sel = sel6(LEFT, RIGHT);
    assert_int_equal(set_policy(a, 1, &e, 1, 0), 0);
    /* before there is an SA the first packets wait */
    if (inner6)
        from_host6(a, 2, 200, 0xb9);
    else
        from_host(a, "10.10.10.1", "192.168.10.1", 2, 200);
    assert_int_equal(a->n_wire + a->n_tun, 0);
    assert_int_equal(world_count(a, SADB_ACQUIRE), 1);
    assert_int_equal(add(a, between(c, SADB_OUT, true, outer6, inner6, udp)), 0);
    assert_int_equal(add(b, between(c, SADB_IN, false, outer6, inner6, udp)), 0);
    if (inner6)
        from_host6(a, 3, 1400, 0xb9);
    else
        from_host(a, "10.10.10.1", "192.168.10.1", 3, 1400);
    assert_int_equal(a->n_wire, 5);
    struct sadb_sa m = between(c, SADB_OUT, true, outer6, inner6, udp);
    for (size_t i = 0; i < 5; i++) {
        assert_true(addr_eq(&a->wire[i].remote, &m.remote));
        assert_int_equal(a->wire[i].udp, udp);
        if (inner6) /* RFC 4301 §5.1.2: class and ECN are the inner packet's */
            assert_int_equal(a->wire[i].tos, 0xb9);
    }
    if (inner6)
        a->wire[4].tos |= ECN_CE; /* a router was congested */
    arrive(b, a->wire, 5);
    assert_int_equal(b->n_tun, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(b->tun[i].data[0] >> 4, inner6 ? 6 : 4);
        assert_int_equal(b->tun[i].len, i < 2 ? 200 : 1400);
    }
    if (inner6) {
        assert_int_equal((b->tun[3].data[1] >> 4) & ECN_MASK, 1);
        assert_int_equal((b->tun[4].data[1] >> 4) & ECN_MASK, ECN_CE);
    }
    arrive(b, a->wire, 5);
    assert_int_equal(b->n_tun, 5);
    world_free(a);
    world_free(b);
}

static void test_families(void **state)
{
    (void)state;
    const struct combo *c[] = {&gcm, &cbc};
    for (unsigned i = 0; i < 16; i++)
        one_way(c[i & 1], (i & 2) != 0, (i & 4) != 0, (i & 8) != 0);
}

/* What was decrypted must fit the SA, family included. */
static void test_selectors(void **state)
{
    (void)state;
    struct world *a = world_new(), *b = world_new();
    struct sadb_spd_entry e = usual();
    struct sadb_sa in = between(&gcm, SADB_IN, false, true, true, false);
    e.sel = sel6(LEFT, RIGHT);
    assert_int_equal(set_policy(a, 1, &e, 1, 0), 0);
    assert_int_equal(add(a, between(&gcm, SADB_OUT, true, true, true, false)), 0);
    in.ts[0] = sel("192.168.10.0", 24, "10.10.10.0", 24, 0);
    assert_int_equal(add(b, in), 0);
    from_host6(a, 1, 200, 0);
    arrive(b, a->wire, 1);
    assert_int_equal(b->n_tun, 0);
    assert_int_equal(drops(&b->stats->slot[1], DP_SELECTOR), 1);
    world_free(a);
    world_free(b);
}

/* Endpoints of two families, or of none, make no SA. */
static void test_mixed_endpoints(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sadb_sa m = make_sa(&gcm, SADB_OUT, true, 5000);
    m.local = ip6("2001:db8::1");
    assert_int_equal(add(w, m), -EAFNOSUPPORT);
    memset(&m.local, 0, sizeof m.local);
    assert_int_equal(add(w, m), -EAFNOSUPPORT);
    m.local.family = m.remote.family = 77;
    assert_int_equal(add(w, m), -EAFNOSUPPORT);
    world_free(w);
}

/* An IKE message goes out by the family of its path. */
static void test_ike(void **state)
{
    (void)state;
    struct world *w = world_new();
    uint8_t frame[sizeof(struct sadb_ike) + 5];
    struct sadb_ike path = {.local = ip6("2001:db8::1"), .remote = ip6("2001:db8::2")};
    path.remote_port = 4500;
    memcpy(frame, &path, sizeof path);
    memcpy(frame + sizeof path, "hello", 5);
    dp_message(w->dp, SADB_IKE_SEND, frame, sizeof frame);
    assert_int_equal(w->n_ike, 1);
    path.local = ip4("192.0.2.1");
    memcpy(frame, &path, sizeof path);
    dp_message(w->dp, SADB_IKE_SEND, frame, sizeof frame);
    assert_int_equal(w->n_ike, 1);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_selectors),
        cmocka_unit_test(test_mixed_endpoints),
        cmocka_unit_test(test_ike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
