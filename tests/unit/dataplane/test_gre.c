/* GRE alone, and tunnel interfaces whole: from one TUN to another through an SA. */
#include <stdio.h>
#include "world.h"
#include "dataplane/gre.h"
#include "dataplane/ip.h"

static const struct combo cbc = {"aes256-sha256", ENCR_AES_CBC, 32, INTEG_SHA256_128, 32, true};

static struct gre tunnel(bool left, bool keyed)
{
    return (struct gre){.local = ip4(left ? "192.0.2.1" : "192.0.2.2"),
                        .remote = ip4(left ? "192.0.2.2" : "192.0.2.1"),
                        .has_key = keyed,
                        .key = keyed ? 0xdeadbeef : 0};
}

struct room {
    uint8_t buf[PKT_HEAD + 2048];
    struct pkt p;
};

static struct pkt *packet(struct room *r, uint32_t len)
{
    memset(r, 0, sizeof *r);
    r->p.buf = r->buf;
    r->p.data = r->buf + PKT_HEAD;
    make_ip4(r->p.data, "10.1.1.1", "10.2.2.2", IPPROTO_UDP, 7, 9, (uint16_t)len);
    r->p.len = len;
    return &r->p;
}

static void test_bytes(void **state)
{
    (void)state;
    struct room r;
    struct gre g = tunnel(true, true);
    struct pkt *p = packet(&r, 100);
    p->data[1] = 0xb8; /* expedited forwarding */
    assert_true(gre_wrap(&g, p));
    assert_int_equal(p->len, 128);
    const uint8_t *h = p->data;
    assert_int_equal(h[0], 0x45);
    assert_int_equal(h[1], 0xb8);
    assert_int_equal(h[2] << 8 | h[3], 128);
    assert_int_equal(h[6] & 0x40, 0); /* may be cut */
    assert_int_equal(h[8], 255);
    assert_int_equal(h[9], 47);
    assert_int_equal(ip_checksum(h, 20, 0), 0);
    static const uint8_t gre[8] = {0x20, 0, 8, 0, 0xde, 0xad, 0xbe, 0xef};
    assert_memory_equal(h + 20, gre, 8);
    uint16_t id = (uint16_t)(h[4] << 8 | h[5]);
    p = packet(&r, 100);
    assert_true(gre_wrap(&g, p));
    assert_int_equal((p->data[4] << 8 | p->data[5]), id + 1);
}

static void test_there_and_back(void **state)
{
    (void)state;
    for (int keyed = 0; keyed < 2; keyed++) {
        struct room r;
        struct gre a = tunnel(true, keyed), b = tunnel(false, keyed);
        struct pkt *p = packet(&r, 300);
        uint8_t want[300];
        memcpy(want, p->data, 300);
        assert_true(gre_wrap(&a, p));
        assert_int_equal(p->len, 300 + gre_overhead(&a));
        assert_true(gre_unwrap(&b, p));
        assert_int_equal(p->len, 300);
        assert_memory_equal(p->data, want, 300);
        struct addr to = ip4("10.2.2.2");
        assert_true(addr_eq(&p->flow.local, &to));
    }
}

/* Each byte that says whose packet it is, and what is in it. */
static void test_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned at;
        uint8_t value;
    } lie[] = {
        {0, 0x65},  {3, 255},   {6, 0x20},  {7, 1},     {9, 17},   {12, 10},
        {16, 10},   {20, 0x60}, {20, 0x30}, {20, 0x00}, {21, 1},   {22, 9},
        {22, 0x86}, {23, 0xdd}, {24, 1},    {28, 0x65}, {31, 255}, {20, 0xa0},
    };
    for (size_t i = 0; i < sizeof lie / sizeof *lie; i++) {
        struct room r;
        struct gre a = tunnel(true, true), b = tunnel(false, true);
        struct pkt *p = packet(&r, 60);
        assert_true(gre_wrap(&a, p));
        p->data[lie[i].at] = lie[i].value;
        if (gre_unwrap(&b, p))
            fail_msg("byte %u as %u is believed", lie[i].at, lie[i].value);
    }
    struct room r;
    struct gre a = tunnel(true, true), other = tunnel(false, false);
    struct pkt *p = packet(&r, 60);
    assert_true(gre_wrap(&a, p));
    assert_false(gre_unwrap(&other, p)); /* a key where none is said */
    for (uint32_t n = 0; n < 88; n++) {
        struct gre b = tunnel(false, true);
        struct pkt cut = *p;
        cut.len = n;
        assert_false(gre_unwrap(&b, &cut));
    }
}

/* RFC 2784 §2.5: a sum is not made, but looked at. */
static void test_checksum(void **state)
{
    (void)state;
    struct room r;
    struct gre b = tunnel(false, false);
    for (int good = 0; good < 2; good++) {
        struct pkt *p = packet(&r, 61);
        uint8_t *h = p->data -= 28;
        p->len += 28;
        ip4_build(h, &b.remote, &b.local, 47, (uint16_t)p->len, 0, false, 1);
        memset(h + 20, 0, 8);
        h[20] = 0x80;
        h[22] = 8;
        uint16_t sum = ip_checksum(h + 20, p->len - 20, 0);
        h[24] = (uint8_t)(sum >> 8);
        h[25] = (uint8_t)(sum + !good);
        assert_int_equal(gre_unwrap(&b, p), good);
    }
}

static int encap(struct world *w, const struct gre *g, uint32_t ifid)
{
    struct sadb_encap m;
    memset(&m, 0, sizeof m);
    m.seq = ++w->seq;
    m.ifid = ifid;
    if (g) {
        m.gre = 1;
        m.local = g->local;
        m.remote = g->remote;
        m.has_key = g->has_key;
        m.key = g->key;
    }
    return request(w, SADB_ENCAP, &m, sizeof m);
}

static struct selector between(const struct gre *g)
{
    return (struct selector){.local = {g->local, g->local},
                             .remote = {g->remote, g->remote},
                             .proto = 47,
                             .lport = {0, 65535},
                             .rport = {0, 65535}};
}

static struct world *end(bool left, uint8_t mode, uint8_t dir)
{
    struct world *w = world_new();
    struct gre g = tunnel(left, false);
    struct sadb_spd_entry e = usual();
    e.sel = between(&g);
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    assert_int_equal(encap(w, &g, 1), 0);
    if (!dir)
        return w;
    struct sadb_sa m = make_sa(&cbc, dir, left, 5000);
    m.mode = mode;
    m.local = g.local;
    m.remote = g.remote;
    m.slot = 1;
    m.ts[0] = e.sel;
    assert_int_equal(add(w, m), 0);
    return w;
}

static void send_tunnel(struct world *w, unsigned n)
{
    struct pkt *p[PKT_BATCH];
    for (unsigned i = 0; i < n; i++) {
        p[i] = &w->v->p[i];
        pkt_reset(p[i]);
        make_ip4(p[i]->data, "10.1.1.1", "10.2.2.2", IPPROTO_UDP, (uint16_t)i, 9, 200);
        p[i]->len = 200;
    }
    dp_tunnel(w->dp, 1, p, n);
}

static void test_tunnel(void **state)
{
    (void)state;
    for (uint8_t mode = SADB_TUNNEL; mode <= SADB_TRANSPORT; mode++) {
        struct world *a = end(true, mode, SADB_OUT), *b = end(false, mode, SADB_IN);
        send_tunnel(a, 20);
        assert_int_equal(a->n_wire, 20);
        arrive(b, a->wire, 20);
        assert_int_equal(b->n_tun, 20);
        for (uint16_t i = 0; i < 20; i++) {
            uint8_t want[200];
            make_ip4(want, "10.1.1.1", "10.2.2.2", IPPROTO_UDP, i, 9, 200);
            assert_int_equal(b->tun[i].len, 200);
            assert_memory_equal(b->tun[i].data, want, 200);
        }
        /* Without GRE's being expected they are what they are: packets between the ends. */
        world_clear(b);
        assert_int_equal(encap(b, NULL, 1), 0);
        send_tunnel(a, 1);
        arrive(b, a->wire + 20, 1);
        assert_int_equal(b->n_tun, 1);
        assert_int_equal(b->tun[0].len, 224);
        world_free(a);
        world_free(b);
    }
}

/* What waited for an SA is not wrapped twice. */
static void test_waits(void **state)
{
    (void)state;
    struct world *a = end(true, SADB_TUNNEL, 0), *b = end(false, SADB_TUNNEL, SADB_IN);
    struct gre g = tunnel(true, false);
    struct sadb_acquire q;
    send_tunnel(a, 3);
    assert_int_equal(a->n_wire, 0);
    assert_true(world_heard(a, SADB_ACQUIRE, &q, sizeof q));
    assert_int_equal(q.packet.proto, 47);
    struct sadb_sa m = make_sa(&cbc, SADB_OUT, true, 5000);
    m.local = g.local;
    m.remote = g.remote;
    m.slot = 1;
    m.ts[0] = between(&g);
    assert_int_equal(add(a, m), 0);
    assert_int_equal(a->n_wire, 3);
    arrive(b, a->wire, 3);
    assert_int_equal(b->n_tun, 3);
    assert_int_equal(b->tun[0].len, 200);
    world_free(a);
    world_free(b);
}

/* An SA of the tunnel carries nothing but the tunnel's packets to its TUN. */
static void test_stranger(void **state)
{
    (void)state;
    struct world *a = end(true, SADB_TUNNEL, SADB_OUT), *b = end(false, SADB_TUNNEL, SADB_IN);
    struct gre keyed = tunnel(false, true);
    assert_int_equal(encap(b, &keyed, 1), 0);
    send_tunnel(a, 2);
    arrive(b, a->wire, 2);
    assert_int_equal(b->n_tun, 0);
    assert_int_equal(drops(&b->stats->slot[1], DP_BAD_INNER), 2);
    world_free(a);
    world_free(b);
}

static void test_bad_request(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct gre g = tunnel(true, false);
    assert_int_equal(encap(w, &g, 0), -EINVAL);
    assert_int_equal(encap(w, &g, TANDEM_IFIDS + 1), -EINVAL);
    g.remote.family = AF_INET6;
    assert_int_equal(encap(w, &g, 1), -EAFNOSUPPORT);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),    cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_tunnel),   cmocka_unit_test(test_waits),
        cmocka_unit_test(test_stranger), cmocka_unit_test(test_bad_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
