/* What does not fit the path: pieces, errors to senders, errors from routers. */
#include <stdio.h>
#include "world.h"
#include "dataplane/errq.h"
#include "dataplane/frag.h"
#include "dataplane/pmtu.h"

static const struct combo cbc = {"aes256-sha256", ENCR_AES_CBC, 32, INTEG_SHA256_128, 32, true};

#define SPI 5000
#define MTU 1300
/* 20 IP, 8 ESP, 16 IV, blocks of 16 with 2 of trailer, 16 ICV */
#define FITS 1230

static struct sadb_sa out_sa(uint32_t mtu, uint32_t flags)
{
    struct sadb_sa m = make_sa(&cbc, SADB_OUT, true, SPI);
    m.slot = 1;
    m.mtu = mtu;
    m.flags = flags;
    m.pmtu_age = 600;
    return m;
}

static struct world *sender(uint32_t mtu, uint32_t flags)
{
    struct world *w = world_new();
    struct sadb_spd_entry e = usual();
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    assert_int_equal(add(w, out_sa(mtu, flags)), 0);
    world_clear(w);
    return w;
}

/* One packet of a host; df as its sender says. */
static void send_one(struct world *w, uint16_t len, bool df)
{
    struct pkt *p = &w->v->p[0];
    struct addr src = ip4("10.10.10.1"), dst = ip4("192.168.10.1");
    world_clear(w);
    pkt_reset(p);
    p->len = make_ip4(p->data, "10.10.10.1", "192.168.10.1", IPPROTO_UDP, 5, 9, len);
    ip4_build(p->data, &src, &dst, IPPROTO_UDP, len, 0, df, 77);
    dp_outbound(w->dp, 1, true, &p, 1);
}

static void router_says(struct world *w, uint32_t spi, uint32_t mtu)
{
    struct pmtu_error e = {.remote = ip4("192.0.2.2"),
                           .router = ip4("203.0.113.9"),
                           .spi = spi,
                           .proto = NH_ESP};
    e.mtu = mtu;
    pmtu_learn(w->dp, &e);
}

static uint64_t path(const struct world *w)
{
    return dp_read(&w->stats->slot[1].pmtu);
}

/* --- fragments ----------------------------------------------------------------------------- */

/* Cuts, joins again, and compares; pieces of pieces too. */
static void pieces_are_the_whole(void **state)
{
    uint8_t whole[4000], joined[4000];
    (void)state;
    uint64_t seed = 7;
    for (unsigned run = 0; run < 300; run++) {
        uint16_t len = (uint16_t)(21 + rnd(&seed) % 3900);
        uint32_t mtu = 28 + rnd(&seed) % 1500, end = 0;
        make_ip4(whole, "10.10.10.1", "192.168.10.1", IPPROTO_UDP, 1, 2, len);
        struct frag f;
        const uint8_t *data;
        assert_true(frag_begin(&f, whole, len, mtu));
        for (uint32_t n; (n = frag_next(&f, &data));) {
            uint32_t word = (uint32_t)f.header[6] << 8 | f.header[7], at = (word & 0x1fff) * 8;
            assert_true(f.hlen + n <= mtu);
            assert_int_equal(f.header[2] << 8 | f.header[3], f.hlen + n);
            assert_int_equal(ip_checksum(f.header, f.hlen, 0), 0);
            assert_int_equal(at, end);
            assert_int_equal((word & 0x2000) != 0, at + n < len - 20u);
            assert_true(n % 8 == 0 || at + n == len - 20u);
            memcpy(joined + at, data, n);
            end = at + n;
        }
        assert_int_equal(end, len - 20);
        assert_memory_equal(joined, whole + 20, end);
    }
}

static void a_piece_can_be_cut_again(void **state)
{
    uint8_t p[820];
    struct frag f;
    const uint8_t *data;
    (void)state;
    make_ip4(p, "10.10.10.1", "192.168.10.1", IPPROTO_UDP, 1, 2, 820);
    p[6] = 0x20 | 0x01; /* more follow; at 0x100 * 8 */
    assert_true(frag_begin(&f, p, 820, 420));
    assert_int_equal(frag_next(&f, &data), 400);
    assert_int_equal(f.header[6] << 8 | f.header[7], 0x2100);
    assert_int_equal(frag_next(&f, &data), 400);
    assert_int_equal(f.header[6] << 8 | f.header[7], 0x2100 + 50);
    assert_int_equal(frag_next(&f, &data), 0);
}

/* RFC 791 §3.1: router alert (copied) goes with every piece, record route only with the first. */
static void options(void **state)
{
    uint8_t p[132];
    struct frag f;
    const uint8_t *data;
    (void)state;
    make_ip4(p, "10.10.10.1", "192.168.10.1", IPPROTO_UDP, 1, 2, 132);
    p[0] = 0x48;
    memcpy(p + 20, "\x94\x04\0\0\x07\x07\x04\0\0\0\0\0", 12);
    assert_true(frag_begin(&f, p, 132, 80));
    assert_int_equal(frag_next(&f, &data), 48);
    assert_memory_equal(f.header + 20, "\x94\x04\0\0\x07\x07\x04\0\0\0\0\0", 12);
    assert_int_equal(frag_next(&f, &data), 48);
    assert_memory_equal(f.header + 20, "\x94\x04\0\0\1\1\1\1\1\1\1\0", 12);
    assert_int_equal(frag_next(&f, &data), 4);
    p[24] = 0;  /* the list ends before the rest */
    p[21] = 60; /* and an option longer than the header is left alone */
    assert_true(frag_begin(&f, p, 132, 80));
    while (frag_next(&f, &data))
        ;
    assert_false(frag_begin(&f, p, 132, 39));
    assert_false(frag_begin(&f, p, 30, 80));
    assert_false(frag_begin(&f, p, 0, 80));
}

/* --- errors to senders ----------------------------------------------------------------------- */

static uint32_t sum6(const uint8_t *p, uint32_t len)
{
    uint32_t s = len - 40 + 58;
    for (unsigned i = 8; i < 40; i += 2)
        s += (uint32_t)p[i] << 8 | p[i + 1];
    return s;
}

static void errors_are_well_formed(void **state)
{
    uint8_t p[1500], out[IP6_MTU_LEAST];
    struct ip_info in;
    struct addr box = ip4("192.0.2.1"), box6 = ip4("2001:db8::1");
    (void)state;
    make_ip4(p, "10.10.10.1", "192.168.10.1", IPPROTO_UDP, 5, 9, 1400);
    assert_int_equal(ip_parse(p, 1400, false, &in), 0);
    assert_int_equal(icmp_too_big(out, &box, p, 1400, &in.flow, FITS), ICMP_ERROR_MOST);
    assert_int_equal(ip_checksum(out, 20, 0), 0);
    assert_int_equal(ip_checksum(out + 20, ICMP_ERROR_MOST - 20, 0), 0);
    assert_memory_equal(out + 12, box.b, 4);
    assert_memory_equal(out + 16, p + 12, 4);
    assert_memory_equal(out + 20, "\3\4", 2);
    assert_int_equal(out[26] << 8 | out[27], FITS);
    assert_memory_equal(out + 28, p, ICMP_ERROR_MOST - 28);
    assert_int_equal(icmp_too_big(out, &box6, p, 1400, &in.flow, FITS), 0);

    memset(p, 0, sizeof p);
    memcpy(p, "\x60\0\0\0\5\xb4\x11\x40\x20\x01\x0d\xb8", 12);
    p[23] = 2;
    memcpy(p + 24, p + 8, 16);
    assert_int_equal(ip_parse(p, 1500, false, &in), 0);
    assert_int_equal(icmp_too_big(out, &box6, p, 1500, &in.flow, 1400), IP6_MTU_LEAST);
    assert_int_equal(ip_checksum(out + 40, IP6_MTU_LEAST - 40, sum6(out, IP6_MTU_LEAST)), 0);
    assert_memory_equal(out + 40, "\2\0", 2);
    assert_memory_equal(out + 44, "\0\0\5\x78", 4);
    assert_memory_equal(out + 48, p, 1200);
}

static void some_are_never_told(void **state)
{
    static const struct {
        const char *src, *dst;
        uint8_t proto, type, flags;
    } never[] = {
        {"10.10.10.1", "192.168.10.1", IPPROTO_ICMP, 3, 0},
        {"10.10.10.1", "192.168.10.1", IPPROTO_ICMP, 11, 0},
        {"10.10.10.1", "192.168.10.1", IPPROTO_UDP, 0, FLOW_NO_PORTS},
        {"10.10.10.1", "224.0.0.5", IPPROTO_UDP, 0, 0},
        {"224.0.0.5", "192.168.10.1", IPPROTO_UDP, 0, 0},
        {"0.0.0.0", "192.168.10.1", IPPROTO_UDP, 0, 0},
        {"127.0.0.1", "192.168.10.1", IPPROTO_UDP, 0, 0},
        {"::", "2001:db8::1", IPPROTO_UDP, 0, 0},
        {"ff02::1", "2001:db8::1", IPPROTO_UDP, 0, 0},
        {"2001:db8::2", "2001:db8::1", IPPROTO_ICMPV6, 1, 0},
    };
    uint8_t out[IP6_MTU_LEAST], p[100] = {0};
    (void)state;
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        struct flow f = {.local = ip4(never[i].src), .remote = ip4(never[i].dst)};
        f.proto = never[i].proto;
        f.flags = never[i].flags;
        f.lport = f.rport = (uint16_t)(never[i].type << 8);
        assert_int_equal(icmp_too_big(out, &f.local, p, 100, &f, 1280), 0);
    }
}

/* --- the path ------------------------------------------------------------------------------- */

static void room_is_exact(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_COMBOS; i++)
        for (uint32_t mtu = 600; mtu < 640; mtu++) {
            struct world *w = world_new();
            struct sadb_spd_entry e = usual();
            struct sadb_sa m = make_sa(&combos[i], SADB_OUT, true, SPI);
            m.mtu = mtu;
            assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
            assert_int_equal(add(w, m), 0);
            uint16_t room = (uint16_t)sad_find(&w->dp->sad, m.sa)->room;
            send_one(w, room, true);
            assert_int_equal(w->n_wire, 1);
            assert_true(w->wire[0].len + 20 <= mtu);
            send_one(w, (uint16_t)(room + 1), true);
            assert_int_equal(w->n_wire, 0);
            assert_int_equal(w->n_tun, 1);
            send_one(w, (uint16_t)(room + 1), false);
            assert_int_equal(w->n_wire, 2);
            world_free(w);
        }
}

static void what_does_not_fit(void **state)
{
    /* flags; inside DF → DF of the packets on the wire, how many, an error to the sender */
    static const struct {
        uint32_t flags;
        bool df;
        uint8_t outer_df;
        size_t wire, told;
    } rows[] = {
        {SADB_DF_COPY, false, 0, 2, 0},
        {SADB_DF_COPY, true, 0, 0, 1},
        {SADB_DF_SET, false, 1, 2, 0},
        {SADB_DF_SET, true, 0, 0, 1},
        {SADB_DF_CLEAR, false, 0, 2, 0},
        {SADB_DF_CLEAR, true, 0, 1, 0},
        {SADB_F_FRAG_AFTER, false, 0, 1, 0},
        {SADB_F_FRAG_AFTER, true, 0, 0, 1},
        {SADB_F_FRAG_AFTER | SADB_DF_SET, false, 1, 2, 0},
        {SADB_F_FRAG_AFTER | SADB_DF_CLEAR, true, 0, 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *w = sender(MTU, rows[i].flags);
        const struct dp_counters *c = &w->stats->slot[1];
        send_one(w, 1400, rows[i].df);
        assert_int_equal(w->n_wire, rows[i].wire);
        for (size_t k = 0; k < w->n_wire; k++)
            assert_int_equal(w->wire[k].df, rows[i].outer_df);
        assert_int_equal(w->n_tun, rows[i].told);
        assert_int_equal(dp_read(&c->pmtu_sent), rows[i].told);
        assert_int_equal(drops(c, DP_TOO_BIG), rows[i].told);
        assert_int_equal(dp_read(&c->pieces), rows[i].wire == 2 ? 2 : 0);
        assert_int_equal(dp_read(&c->packets), rows[i].wire);
        if (rows[i].told) {
            struct sadb_event e;
            assert_memory_equal(w->tun[0].data + 26, "\4\xce", 2); /* FITS */
            assert_int_equal(w->tun[0].ifid, 1);
            assert_true(world_heard(w, SADB_EVENT, &e, sizeof e));
            assert_int_equal(e.kind, EV_TOO_BIG);
            assert_int_equal(e.was, 1400);
            assert_int_equal(e.mtu, FITS);
        }
        world_free(w);
    }
}

/* Pieces take numbers and volume like packets, in the order of the vector. */
static void pieces_keep_their_place(void **state)
{
    struct world *w = sender(MTU, 0);
    struct pkt *p[3];
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        p[i] = &w->v->p[i];
        pkt_reset(p[i]);
        p[i]->len = make_ip4(p[i]->data, "10.10.10.1", "192.168.10.1", IPPROTO_UDP, 5, 9,
                             i == 1 ? 4000 : 100);
    }
    dp_outbound(w->dp, 1, true, p, 3);
    assert_int_equal(w->n_wire, 6); /* 1, 4, 1 */
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(w->wire[i].data[7], i + 1);
    assert_true(w->wire[0].len < 200 && w->wire[1].len > 1000 && w->wire[5].len < 200);
    assert_int_equal(dp_read(&w->stats->slot[1].bytes), 200 + 4000 + 3 * 20);
    assert_int_equal(sad_find(&w->dp->sad, SPI * 2 + SADB_OUT)->bytes, 200 + 4000 + 3 * 20);
    world_free(w);
}

/* The longest packet there is makes more pieces than a vector holds. */
static void many_pieces(void **state)
{
    struct world *w = sender(576, 0);
    struct pkt *p = &w->v->p[0];
    (void)state;
    pkt_reset(p);
    p->len = make_ip4(p->data, "10.10.10.1", "192.168.10.1", IPPROTO_UDP, 5, 9, 65535);
    dp_outbound(w->dp, 1, true, &p, 1);
    uint32_t step = (sad_find(&w->dp->sad, SPI * 2 + SADB_OUT)->room - 20) / 8 * 8;
    assert_int_equal(w->n_wire, (65515 + step - 1) / step);
    assert_true(w->n_wire > 2 * PKT_BATCH);
    world_free(w);
}

static void an_error_is_believed_with_care(void **state)
{
    struct world *w = sender(1500, 0);
    struct sadb_event e;
    (void)state;
    assert_int_equal(path(w), 1500);
    router_says(w, SPI + 1, 1300); /* not ours */
    assert_int_equal(path(w), 1500);
    assert_int_equal(w->n_said, 0);
    struct pmtu_error other = {.remote = ip4("192.0.2.3"),
                               .spi = SPI,
                               .mtu = 1300,
                               .proto = NH_ESP};
    pmtu_learn(w->dp, &other); /* another peer's */
    assert_int_equal(path(w), 1500);
    router_says(w, SPI, 1500); /* not smaller */
    router_says(w, SPI, 9000);
    assert_int_equal(path(w), 1500);
    router_says(w, SPI, 1300);
    assert_int_equal(path(w), 1300);
    assert_int_equal(dp_read(&w->stats->slot[1].pmtu_rcvd), 3);
    assert_true(world_heard(w, SADB_EVENT, &e, sizeof e));
    assert_int_equal(e.kind, EV_PMTU);
    assert_int_equal(e.was, 1500);
    assert_int_equal(e.mtu, 1300);
    router_says(w, SPI, 1400); /* never up */
    assert_int_equal(path(w), 1300);
    router_says(w, SPI, 0); /* below what every path can carry */
    assert_int_equal(path(w), PMTU_LEAST4);
    world_free(w);
}

static void errors_are_rationed(void **state)
{
    struct world *w = sender(1500, 0);
    (void)state;
    for (unsigned i = 0; i < PMTU_PER_SECOND; i++)
        router_says(w, 99, 1300);
    router_says(w, SPI, 1300);
    assert_int_equal(path(w), 1500);
    dp_tick(w->dp);
    router_says(w, SPI, 1300);
    assert_int_equal(path(w), 1300);
    for (unsigned i = 0; i < TELL_PER_SECOND + 5; i++)
        send_one(w, 1400, true);
    assert_int_equal(dp_read(&w->stats->slot[1].pmtu_sent), TELL_PER_SECOND);
    world_free(w);
}

static void it_ages(void **state)
{
    struct world *w = sender(1500, 0);
    (void)state;
    router_says(w, SPI, 1300);
    assert_int_equal(atomic_load(&w->stats->slot[1].pmtu_until_us),
                     w->time.mono_us + 600 * USEC_PER_SEC);
    w->time.mono_us += 599 * USEC_PER_SEC;
    dp_tick(w->dp);
    assert_int_equal(path(w), 1300);
    w->time.mono_us += USEC_PER_SEC;
    dp_tick(w->dp);
    assert_int_equal(path(w), 1500);
    assert_int_equal(atomic_load(&w->stats->slot[1].pmtu_until_us), 0);
    send_one(w, 1400, true);
    assert_int_equal(w->n_wire, 1);
    world_free(w);
}

static void others_to_the_same_peer_and_successors_know_it(void **state)
{
    struct world *w = sender(1500, 0);
    struct sadb_sa m = out_sa(1500, 0);
    (void)state;
    m.sa += 100;
    m.spi = SPI + 100;
    m.policy = 11;
    m.slot = 2;
    assert_int_equal(add(w, m), 0);
    router_says(w, SPI, 1300);
    assert_int_equal(path(w), 1300);
    assert_int_equal(dp_read(&w->stats->slot[2].pmtu), 1300);
    m = out_sa(1500, SADB_F_STANDBY);
    m.sa += 200;
    m.spi = SPI + 200;
    m.slot = 3;
    assert_int_equal(add(w, m), 0);
    assert_int_equal(dp_read(&w->stats->slot[3].pmtu), 1300);
    m.sa++;
    m.spi++;
    m.slot = 4;
    m.remote = ip4("192.0.2.77");
    assert_int_equal(add(w, m), 0);
    assert_int_equal(dp_read(&w->stats->slot[4].pmtu), 1500);
    world_free(w);
}

static void updates(void **state)
{
    struct world *w = sender(1500, 0);
    struct sadb_update u;
    (void)state;
    memset(&u, 0, sizeof u);
    u.sa = SPI * 2 + SADB_OUT;
    u.path = 1;
    u.flags = SADB_DF_SET | SADB_F_ESN; /* only what belongs to the path is taken */
    u.mtu = 1500;
    router_says(w, SPI, 1300);
    assert_int_equal(request(w, SADB_UPDATE, &u, sizeof u), 0);
    assert_int_equal(path(w), 1300);
    assert_int_equal(dp_read(&w->stats->slot[1].flags), SADB_DF_SET);
    send_one(w, 100, false);
    assert_int_equal(w->wire[0].df, 1);
    u.mtu = 1000;
    assert_int_equal(request(w, SADB_UPDATE, &u, sizeof u), 0);
    assert_int_equal(path(w), 1000);
    u.path = 0; /* a NAT has moved: another path */
    u.mtu = u.flags = 0;
    router_says(w, SPI, 900);
    u.remote = ip4("192.0.2.9");
    assert_int_equal(request(w, SADB_UPDATE, &u, sizeof u), 0);
    assert_int_equal(path(w), 1000);
    assert_int_equal(dp_read(&w->stats->slot[1].flags), SADB_DF_SET);
    world_free(w);
}

static void small_ipv6_packets_are_cut_outside(void **state)
{
    struct world *w = world_new();
    struct sadb_spd_entry e = usual();
    struct sadb_sa m = out_sa(1300, 0);
    struct pkt *p = &w->v->p[0];
    (void)state;
    e.sel = m.ts[0] = sel("2001:db8:1::", 48, "2001:db8:2::", 48, 0);
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    assert_int_equal(add(w, m), 0);
    for (uint16_t len = 1280; len <= 1281; len++) {
        world_clear(w);
        pkt_reset(p);
        memset(p->data, 0, len);
        p->len = len;
        memcpy(p->data, "\x60\0\0\0\0\0\x11\x40\x20\x01\x0d\xb8\0\1", 14);
        p->data[4] = (uint8_t)((len - 40) >> 8);
        p->data[5] = (uint8_t)(len - 40);
        memcpy(p->data + 24, p->data + 8, 16);
        p->data[23] = 1;
        p->data[29] = 2;
        dp_outbound(w->dp, 1, true, &p, 1);
        assert_int_equal(w->n_wire, len == 1280);
        assert_int_equal(w->n_tun, len == 1281);
    }
    assert_memory_equal(w->tun[0].data + 40, "\2\0", 2);
    assert_memory_equal(w->tun[0].data + 44, "\0\0\5\0", 4); /* 1,280 */
    world_free(w);
}

/* What a router quotes is anybody's text. */
static void quotes(void **state)
{
    uint8_t p[128];
    struct pmtu_error e;
    (void)state;
    memset(&e, 0, sizeof e);
    make_ip4(p, "192.0.2.1", "192.0.2.2", IPPROTO_ESP, 0x1234, 0x5678, 100);
    assert_true(errq_quote(p, 100, true, NH_ESP, &e));
    assert_int_equal(e.spi, 0x12345678);
    struct addr b = ip4("192.0.2.2");
    assert_true(addr_eq(&e.remote, &b));
    assert_true(errq_quote(p, 24, true, NH_ESP, &e));
    for (size_t len = 0; len < 24; len++)
        assert_false(errq_quote(p, len, true, NH_ESP, &e));
    p[9] = IPPROTO_UDP;
    assert_false(errq_quote(p, 100, true, NH_ESP, &e));
    assert_true(errq_quote(p, 4, false, NH_ESP, &e));
    assert_false(errq_quote(p, 3, false, NH_ESP, &e));
    uint64_t seed = 3;
    for (unsigned i = 0; i < 10000; i++) {
        rnd_fill(&seed, p, sizeof p);
        errq_quote(p, rnd(&seed) % sizeof p, i & 1, i & 2 ? NH_AH : NH_ESP, &e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_the_whole),
        cmocka_unit_test(a_piece_can_be_cut_again),
        cmocka_unit_test(options),
        cmocka_unit_test(errors_are_well_formed),
        cmocka_unit_test(some_are_never_told),
        cmocka_unit_test(room_is_exact),
        cmocka_unit_test(what_does_not_fit),
        cmocka_unit_test(pieces_keep_their_place),
        cmocka_unit_test(many_pieces),
        cmocka_unit_test(an_error_is_believed_with_care),
        cmocka_unit_test(errors_are_rationed),
        cmocka_unit_test(it_ages),
        cmocka_unit_test(others_to_the_same_peer_and_successors_know_it),
        cmocka_unit_test(updates),
        cmocka_unit_test(small_ipv6_packets_are_cut_outside),
        cmocka_unit_test(quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
