/*
 * Modes and bundles on the path: what one core sends enters another one as it was, in tunnel and
 * transport mode, over both families, natively and in UDP; and what transport mode does not take.
 */
#include <stdio.h>
#include "world.h"
#include "dataplane/frag.h"
#include "dataplane/pmtu.h"
#include <netinet/in.h>

enum headers { ESP_ONLY, AH_ONLY, BUNDLE };

struct way {
    enum headers headers;
    bool transport, v6, udp;
};

static const struct combo cbc = {"aes256-sha256", ENCR_AES_CBC, 32, INTEG_SHA256_128, 32, true};
static const struct combo none = {"sha1", 0, 0, INTEG_SHA1_96, 20, true};

static struct addr end_of(const struct way *k, bool left)
{
    if (k->v6)
        return ip6(left ? "2001:db8:ffff::1" : "2001:db8:ffff::2");
    return ip4(left ? "192.0.2.1" : "192.0.2.2");
}

static struct selector between(const struct addr *local, const struct addr *remote)
{
    return (struct selector){.local = {*local, *local},
                             .remote = {*remote, *remote},
                             .lport = {0, 65535},
                             .rport = {0, 65535}};
}

static struct sadb_sa describe(const struct way *k, uint8_t dir, bool left)
{
    struct sadb_sa m = make_sa(k->headers == AH_ONLY ? &none : &cbc, dir, left, 5000);
    m.proto = k->headers == AH_ONLY ? SADB_AH : SADB_ESP;
    m.mode = k->transport ? SADB_TRANSPORT : SADB_TUNNEL;
    m.slot = 1;
    m.local = end_of(k, left);
    m.remote = end_of(k, !left);
    if (k->headers == BUNDLE) {
        m.ah.id = INTEG_SHA1_96;
        m.ah.key_len = 20;
        m.ah_spi = 6000;
    }
    if (k->udp) {
        m.flags |= SADB_F_UDP;
        m.local_port = m.remote_port = 4500;
    }
    if (k->transport)
        m.ts[0] = between(&m.local, &m.remote);
    return m;
}

static void policy(struct world *w, const struct way *k)
{
    struct sadb_spd_entry e = usual();
    struct addr local = end_of(k, true), remote = end_of(k, false);
    if (k->transport)
        e.sel = between(&local, &remote);
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
}

static void pair(const struct way *k, struct world **a, struct world **b)
{
    *a = world_new();
    *b = world_new();
    policy(*a, k);
    assert_int_equal(add(*a, describe(k, SADB_OUT, true)), 0);
    assert_int_equal(add(*b, describe(k, SADB_IN, false)), 0);
}

static void free_pair(struct world *a, struct world *b)
{
    world_free(a);
    world_free(b);
}

/* A packet between the SA's ends, or between hosts behind them; its checksum is right. */
static uint32_t make(const struct way *k, uint8_t *p, uint8_t proto, uint16_t len)
{
    unsigned hlen = k->transport && k->v6 ? IP6_HLEN : IP4_HLEN;
    if (!k->transport)
        make_ip4(p, "10.10.10.1", "192.168.10.1", proto, 5, 6, len);
    else if (k->v6)
        make_ip6(p, "2001:db8:ffff::1", "2001:db8:ffff::2", proto, 5, 6, len);
    else
        make_ip4(p, "192.0.2.1", "192.0.2.2", proto, 5, 6, len);
    if (k->transport && k->v6) {
        p[1] = 0x80; /* class */
        p[7] = 17;
    } else {
        p[1] = 0x08;
        p[6] = IP4_DF >> 8;
        p[8] = 17;
        ip_retitle(p, IP4_HLEN, proto, len);
    }
    ip_checksum_renew(p, len, hlen, proto);
    return len;
}

static void hand(struct world *w, const uint8_t *data, uint32_t len)
{
    struct pkt *p = &w->v->p[0];
    pkt_reset(p);
    memcpy(p->data, data, len);
    p->len = len;
    dp_outbound(w->dp, 1, false, &p, 1);
}

/* What the two cores and the kernel between them may choose. */
static void same(const struct way *k, const struct kept *got, const uint8_t *want, uint32_t len)
{
    uint8_t copy[2048];
    assert_int_equal(got->len, len);
    memcpy(copy, want, len);
    if (k->transport && !k->v6) {
        memcpy(copy + 4, got->data + 4, 2); /* identification */
        if (k->udp)
            copy[6] = got->data[6]; /* and DF, which UDP's socket does not tell */
        ip_retitle(copy, IP4_HLEN, copy[9], len);
    }
    assert_memory_equal(got->data, copy, len);
}

/* held: it waits until an interface is ours. */
static void one_way(const struct way *k, bool held)
{
    struct world *a, *b;
    uint8_t p[2048];
    pair(k, &a, &b);
    for (uint32_t len = 60; len < 160; len += 9) {
        make(k, p, len % 2 ? IPPROTO_TCP : IPPROTO_UDP, (uint16_t)len);
        world_clear(a);
        hand(a, p, len);
        assert_int_equal(a->n_wire, 1);
        const struct kept *s = &a->wire[0];
        struct addr from = end_of(k, true), to = end_of(k, false);
        assert_true(addr_eq(&s->local, &from) && addr_eq(&s->remote, &to));
        assert_int_equal(s->proto, k->headers == ESP_ONLY ? NH_ESP : NH_AH);
        assert_int_equal(s->udp, k->udp);
        assert_int_equal(s->tos, 8);
        assert_int_equal(s->ttl, k->transport ? 17 : 0);
        world_clear(b);
        struct kept twice[2] = {*s, *s};
        role_set(b->dp, 1, held ? SADB_ROLE_HOLD : SADB_ROLE_ACTIVE);
        arrive(b, twice, 2); /* in one vector */
        if (held) {
            assert_int_equal(b->n_tun, 0);
            role_set(b->dp, 1, SADB_ROLE_ACTIVE);
        }
        assert_int_equal(b->n_tun, 1);
        assert_int_equal(b->tun[0].ifid, 1);
        same(k, &b->tun[0], p, len);
        world_clear(b);
        arrive(b, s, 1); /* again */
        assert_int_equal(b->n_tun, 0);
    }
    const struct dp_counters *out = &a->stats->slot[1], *in = &b->stats->slot[1];
    assert_int_equal(dp_read(&out->packets), 12);
    assert_int_equal(dp_read(&in->packets), 12);
    assert_int_equal(dp_read(&in->bytes), dp_read(&out->bytes));
    assert_int_equal(drops(in, DP_REPLAY), 24);
    free_pair(a, b);
}

static void both_ways(const struct way *k)
{
    one_way(k, false);
    one_way(k, true);
}

static void all_ways(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++)
        for (int transport = 0; transport < 2; transport++) {
            struct way k = {.v6 = v6, .transport = transport};
            for (k.headers = ESP_ONLY; k.headers <= BUNDLE; k.headers++)
                both_ways(&k);
            k.headers = ESP_ONLY;
            k.udp = true;
            both_ways(&k);
        }
}

/* RFC 4301 §4.1: an SA in transport mode is for its two ends. */
static void only_between_the_ends(void **state)
{
    (void)state;
    const struct way k = {.headers = AH_ONLY, .transport = true};
    struct world *a, *b;
    uint8_t p[100];
    pair(&k, &a, &b);
    struct sadb_spd_entry e = usual();
    e.sel = sel("0.0.0.0", 0, "0.0.0.0", 0, 0);
    assert_int_equal(set_policy(a, 1, &e, 1, 0), 0);
    struct sadb_sa m = describe(&k, SADB_OUT, true);
    m.n_ts = 0;
    m.sa++;
    assert_int_equal(add(a, m), 0);
    make_ip4(p, "10.10.10.1", "192.0.2.2", IPPROTO_UDP, 5, 6, 100);
    hand(a, p, 100);
    make_ip4(p, "192.0.2.1", "192.168.10.1", IPPROTO_UDP, 5, 6, 100);
    hand(a, p, 100);
    assert_int_equal(a->n_wire, 0);
    assert_int_equal(drops(&a->stats->slot[1], DP_SELECTOR), 2);
    make_ip4(p, "192.0.2.1", "192.0.2.2", IPPROTO_UDP, 5, 6, 100);
    hand(a, p, 100);
    assert_int_equal(a->n_wire, 1);
    free_pair(a, b);
}

static size_t hand_pieces(struct world *w, const uint8_t *whole, uint32_t len, uint32_t mtu)
{
    struct frag f;
    const uint8_t *data;
    size_t n = 0;
    uint8_t piece[2048];
    assert_true(frag_begin(&f, whole, len, mtu));
    for (uint32_t k; (k = frag_next(&f, &data)); n++) {
        memcpy(piece, f.header, f.hlen);
        memcpy(piece + f.hlen, data, k);
        assert_int_equal(w->n_wire, 0);
        hand(w, piece, f.hlen + k);
    }
    return n;
}

/* What came in pieces may leave in pieces, though nobody may cut IPv6 on its way. */
static void long_ones_of_pieces(void **state)
{
    (void)state;
    const struct way k = {.headers = BUNDLE, .transport = true, .v6 = true};
    struct world *a, *b;
    uint8_t p[1800], piece[1000];
    pair(&k, &a, &b);
    struct sadb_sa m = describe(&k, SADB_OUT, true);
    m.sa++;
    m.mtu = 1400;
    assert_int_equal(add(a, m), 0);
    make(&k, p, IPPROTO_UDP, sizeof p);
    for (uint32_t at = 0; at < sizeof p - IP6_HLEN; at += 880) {
        struct wbuf w = wbuf_make(piece + IP6_HLEN, 8);
        assert_int_equal(a->n_wire, 0);
        memcpy(piece, p, IP6_HLEN);
        wbuf_u16(&w, IPPROTO_UDP << 8);
        wbuf_u16(&w, (uint16_t)(at | (at == 0)));
        wbuf_u32(&w, 7);
        ip_retitle(piece, IP6_HLEN, IPPROTO_FRAGMENT, IP6_HLEN + 8 + 880);
        memcpy(piece + IP6_HLEN + 8, p + IP6_HLEN + at, 880);
        hand(a, piece, IP6_HLEN + 8 + 880);
    }
    assert_int_equal(a->n_wire, 1);
    assert_int_equal(a->wire[0].df, 0);
    arrive(b, a->wire, 1);
    assert_int_equal(b->n_tun, 1);
    same(&k, &b->tun[0], p, sizeof p);
    world_clear(a);
    hand(a, p, sizeof p); /* one that did not is told */
    assert_int_equal(a->n_wire, 0);
    assert_int_equal(a->n_tun, 1);
    free_pair(a, b);
}

/* RFC 4303 §3.3.4, RFC 4302 §3.3.4: whole packets are protected, whatever the kernel has cut. */
static void pieces_are_put_together(void **state)
{
    (void)state;
    for (int h = ESP_ONLY; h <= BUNDLE; h++) {
        const struct way k = {.headers = (enum headers)h, .transport = true};
        struct world *a, *b;
        uint8_t p[1800];
        pair(&k, &a, &b);
        make_ip4(p, "192.0.2.1", "192.0.2.2", IPPROTO_UDP, 5, 6, sizeof p);
        assert_int_equal(hand_pieces(a, p, sizeof p, 576), 4);
        assert_int_equal(a->n_wire, 1);
        arrive(b, a->wire, 1);
        assert_int_equal(b->n_tun, 1);
        same(&k, &b->tun[0], p, sizeof p);
        assert_int_equal(dp_read(&a->stats->slot[1].packets), 1);
        world_clear(a);
        make_ip4(p, "192.0.2.1", "192.0.2.2", IPPROTO_UDP, 5, 6, 576);
        p[6] = 0x20; /* the first of more that never come */
        hand(a, p, 576);
        uint64_t before = drops(&a->stats->total, DP_BAD_INNER);
        a->time.mono_us += 60 * USEC_PER_SEC;
        dp_tick(a->dp);
        assert_int_equal(drops(&a->stats->total, DP_BAD_INNER), before + 1);
        free_pair(a, b);
    }
}

/* Of IPv6, hop-by-hop options stay in front; what would lead elsewhere is not taken. */
static void extension_headers(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        uint8_t first;
        uint8_t cause; /* PKT_OK: it goes through */
        bool outside;
    } cases[] = {
        {"1100050200003e00", IPPROTO_HOPOPTS, PKT_OK, true},
        {"1100010400000000", IPPROTO_DSTOPTS, PKT_OK, false},
        {"3c000502000001001100010400000000", IPPROTO_HOPOPTS, PKT_OK, true},
        {"1100040000000000", IPPROTO_ROUTING, DP_BAD_INNER, false},
        {"2b000502000001001100040000000000", IPPROTO_HOPOPTS, DP_BAD_INNER, false},
        {"2c000502000001001100000100000007", IPPROTO_HOPOPTS, DP_BAD_INNER, false},
    };
    for (int h = ESP_ONLY; h <= BUNDLE; h++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            const struct way k = {.headers = (enum headers)h, .transport = true, .v6 = true};
            struct world *a, *b;
            uint8_t p[200], ext[64];
            size_t n = hex(cases[i].bytes, ext);
            uint32_t len = (uint32_t)(100 + n);
            pair(&k, &a, &b);
            make(&k, p, IPPROTO_UDP, 100);
            memmove(p + IP6_HLEN + n, p + IP6_HLEN, 60);
            memcpy(p + IP6_HLEN, ext, n);
            p[5] = (uint8_t)(len - IP6_HLEN);
            p[6] = cases[i].first;
            hand(a, p, len);
            assert_int_equal(a->n_wire, cases[i].cause == PKT_OK);
            if (cases[i].cause != PKT_OK) {
                assert_int_equal(drops(&a->stats->slot[1], cases[i].cause), 1);
            } else {
                assert_int_equal(a->wire[0].hlen, cases[i].outside ? IP6_HLEN + 8 : 0);
                arrive(b, a->wire, 1);
                assert_int_equal(b->n_tun, 1);
                assert_int_equal(b->tun[0].len, len);
                assert_memory_equal(b->tun[0].data, p, len);
            }
            free_pair(a, b);
        }
}

/* RFC 3948 §3.1.2: a NAT has changed the address that the sender's checksum covers. */
static void checksums_behind_a_nat(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        const struct way k = {.transport = true, .v6 = v6, .udp = true};
        static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP, 253};
        struct world *a, *b;
        struct addr nat = v6 ? ip6("2001:db8:eeee::9") : ip4("203.0.113.9");
        pair(&k, &a, &b);
        struct sadb_sa m = describe(&k, SADB_IN, false);
        m.remote = nat; /* as B sees A */
        m.ts[0] = between(&m.local, &nat);
        m.sa++;
        m.spi++;
        assert_int_equal(add(b, m), 0);
        m = describe(&k, SADB_OUT, true);
        m.sa++;
        m.spi++;
        assert_int_equal(add(a, m), 0);
        for (size_t i = 0; i < sizeof protos; i++) {
            uint8_t p[120], want[120];
            unsigned hlen = v6 ? IP6_HLEN : IP4_HLEN,
                     at = hlen + (protos[i] == IPPROTO_TCP ? 16 : 6);
            make(&k, p, protos[i], sizeof p);
            if (i == 2 && !v6) /* none was made */
                p[at] = p[at + 1] = 0;
            world_clear(a);
            world_clear(b);
            hand(a, p, sizeof p);
            assert_int_equal(a->n_wire, 1);
            a->wire[0].local = nat;
            arrive(b, a->wire, 1);
            assert_int_equal(b->n_tun, 1);
            memcpy(want, p, sizeof p);
            memcpy(want + (v6 ? 8 : 12), nat.b, v6 ? 16 : 4);
            ip_checksum_renew(want, sizeof want, hlen, protos[i]);
            same(&k, &b->tun[0], want, sizeof want);
            bool changed = memcmp(want + at, p + at, 2) != 0;
            assert_int_equal(changed, i < 2 || (i == 2 && v6));
        }
        free_pair(a, b);
    }
}

/* An error of a router quotes the first header; what is too long for transport mode is cut behind
 * it. */
static void path_mtu(void **state)
{
    (void)state;
    for (int h = ESP_ONLY; h <= BUNDLE; h++) {
        const struct way k = {.headers = (enum headers)h, .transport = true};
        struct world *a, *b;
        uint8_t p[1400];
        pair(&k, &a, &b);
        struct sadb_sa m = describe(&k, SADB_OUT, true);
        m.sa++;
        m.mtu = 1500;
        assert_int_equal(add(a, m), 0);
        struct sa *sa = sad_find(&a->dp->sad, m.sa);
        struct pmtu_error e = {.remote = m.remote,
                               .spi = h == BUNDLE ? m.ah_spi : m.spi,
                               .proto = h == ESP_ONLY ? NH_AH : NH_ESP,
                               .mtu = 1000};
        dp_tick(a->dp);
        pmtu_learn(a->dp, &e); /* about another protocol's SPI */
        assert_int_equal(sa->pmtu, 1500);
        e.proto = h == ESP_ONLY ? NH_ESP : NH_AH;
        pmtu_learn(a->dp, &e);
        assert_int_equal(sa->pmtu, 1000);
        world_clear(a);
        make_ip4(p, "192.0.2.1", "192.0.2.2", IPPROTO_UDP, 5, 6, sizeof p);
        hand(a, p, sizeof p);
        assert_int_equal(a->n_wire, 1); /* whole, and to be cut */
        assert_int_equal(a->wire[0].df, 0);
        arrive(b, a->wire, 1);
        assert_int_equal(b->n_tun, 1);
        p[6] = IP4_DF >> 8;
        world_clear(a);
        hand(a, p, sizeof p);
        assert_int_equal(a->n_wire, 0);
        assert_int_equal(a->n_tun, 1); /* its sender is told: by the other end, not by itself */
        assert_memory_equal(a->tun[0].data + 12, m.remote.b, 4);
        assert_memory_equal(a->tun[0].data + 16, m.local.b, 4);
        assert_int_equal((a->tun[0].data[26] << 8) + a->tun[0].data[27], sa->room);
        free_pair(a, b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_ways),
        cmocka_unit_test(only_between_the_ends),
        cmocka_unit_test(pieces_are_put_together),
        cmocka_unit_test(long_ones_of_pieces),
        cmocka_unit_test(extension_headers),
        cmocka_unit_test(checksums_behind_a_nat),
        cmocka_unit_test(path_mtu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
