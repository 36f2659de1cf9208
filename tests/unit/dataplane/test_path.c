/* The packet path whole: from a host's packet to the wire and back, with every way it may end. */
#include <stdio.h>
#include "world.h"

static const struct combo gcm = {"gcm256", ENCR_AES_GCM16, 36, INTEG_NONE, 0, true};
static const struct combo cbc = {"aes256-sha256", ENCR_AES_CBC, 32, INTEG_SHA256_128, 32, true};

static struct sadb_sa out_sa(void)
{
    struct sadb_sa m = make_sa(&gcm, SADB_OUT, true, 5000);
    m.slot = 1;
    return m;
}

static struct sadb_sa in_sa(void)
{
    struct sadb_sa m = make_sa(&gcm, SADB_IN, false, 5000);
    m.slot = 2;
    return m;
}

static void pair(struct world **a, struct world **b)
{
    struct sadb_spd_entry e = usual();
    *a = world_new();
    *b = world_new();
    assert_int_equal(set_policy(*a, 1, &e, 1, 0), 0);
    assert_int_equal(add(*a, out_sa()), 0);
    assert_int_equal(add(*b, in_sa()), 0);
}

static void test_there(void **state)
{
    (void)state;
    struct world *a, *b;
    pair(&a, &b);
    from_host(a, "10.10.10.1", "192.168.10.1", 40, 200);
    assert_int_equal(a->n_wire, 40);
    assert_int_equal(a->n_tun, 0);
    arrive(b, a->wire, 40);
    assert_int_equal(b->n_tun, 40);
    for (uint16_t i = 0; i < 40; i++) {
        uint8_t want[200];
        make_ip4(want, "10.10.10.1", "192.168.10.1", IPPROTO_UDP, i, 9, 200);
        assert_int_equal(b->tun[i].ifid, 1);
        assert_int_equal(b->tun[i].len, 200);
        assert_memory_equal(b->tun[i].data, want, 200);
    }
    const struct dp_counters *out = &a->stats->slot[1], *in = &b->stats->slot[2];
    assert_int_equal(dp_read(&out->packets), 40);
    assert_int_equal(dp_read(&out->bytes), 40 * 200);
    assert_int_equal(dp_read(&out->seq), 40);
    assert_int_equal(dp_read(&in->packets), 40);
    assert_int_equal(dp_read(&in->bytes), 40 * 200);
    assert_int_equal(dp_read(&in->seq), 40);
    assert_int_equal(dp_read(&in->window[0]), (UINT64_C(1) << 40) - 1);
    assert_int_equal(atomic_load(&in->last_us), b->time.mono_us);
    assert_int_equal(dp_read(&a->stats->slot[7].packets), 40); /* the policy's */
    arrive(b, a->wire, 3);                                     /* again */
    assert_int_equal(drops(in, DP_REPLAY), 3);
    assert_int_equal(b->n_tun, 40);
    assert_int_equal(world_count(b, SADB_EVENT), 1); /* rate limited */
    world_free(a);
    world_free(b);
}

static void test_clear(void **state)
{
    (void)state;
    struct world *a, *b;
    pair(&a, &b);
    from_host(a, "10.10.10.1", "203.0.113.5", 3, 100);
    assert_int_equal(a->n_wire, 0);
    assert_int_equal(a->n_tun, 3);
    assert_int_equal(a->tun[0].ifid, 0);
    assert_int_equal(a->tun[0].data[8], IP_OUTER_TTL + 1);
    assert_int_equal(ip_checksum(a->tun[0].data, IP4_HLEN, 0), 0);
    /* a tunnel interface has no bypass, and an interface without policy is shut */
    struct pkt *p = &a->v->p[0];
    pkt_reset(p);
    p->len = make_ip4(p->data, "10.10.10.1", "203.0.113.5", 17, 1, 2, 100);
    dp_outbound(a->dp, 1, false, &p, 1);
    pkt_reset(p);
    p->len = make_ip4(p->data, "10.10.10.1", "203.0.113.5", 17, 1, 2, 100);
    dp_outbound(a->dp, 2, true, &p, 1);
    assert_int_equal(a->n_tun, 3);
    assert_int_equal(drops(&a->stats->total, DP_NO_SA), 2);
    pkt_reset(p);
    p->len = 100;
    memset(p->data, 0, 100);
    dp_outbound(a->dp, 1, true, &p, 1);
    assert_int_equal(drops(&a->stats->total, DP_BAD_INNER), 1);
    a->tun_cause = DP_TUN_ERROR;
    from_host(a, "10.10.10.1", "203.0.113.5", 2, 100);
    assert_int_equal(drops(&a->stats->total, DP_TUN_ERROR), 2);
    world_free(a);
    world_free(b);
}

/* The first packets are not lost: they wait, and leave in order when the SA comes. */
static void test_waiting(void **state)
{
    (void)state;
    struct world *a = world_new(), *b = world_new();
    struct sadb_spd_entry e = usual();
    struct sadb_acquire q;
    assert_int_equal(set_policy(a, 1, &e, 1, 0), 0);
    assert_int_equal(add(b, in_sa()), 0);
    world_clear(a);
    from_host(a, "10.10.10.3", "192.168.10.1", 5, 100);
    assert_int_equal(a->n_wire + a->n_tun, 0);
    assert_int_equal(world_count(a, SADB_ACQUIRE), 1);
    assert_true(world_heard(a, SADB_ACQUIRE, &q, sizeof q));
    struct addr src = ip4("10.10.10.3");
    assert_int_equal(q.ifid, 1);
    assert_int_equal(q.policy, 10);
    assert_true(addr_eq(&q.packet.local.lo, &src) && addr_eq(&q.packet.local.hi, &src));
    assert_int_equal(q.packet.proto, IPPROTO_UDP);
    assert_int_equal(q.packet.rport[0], 9);
    /* while they wait it is asked again, but not for every packet */
    for (int i = 0; i < 10; i++) {
        a->time.mono_us += USEC_PER_SEC / 5;
        from_host(a, "10.10.10.3", "192.168.10.1", 1, 100);
    }
    assert_int_equal(world_count(a, SADB_ACQUIRE), 3);
    a->time.mono_us += ACQUIRE_INTERVAL;
    dp_tick(a->dp);
    assert_int_equal(world_count(a, SADB_ACQUIRE), 4);
    assert_int_equal(add(a, out_sa()), 0);
    assert_int_equal(a->n_wire, 15);
    arrive(b, a->wire, 15);
    assert_int_equal(b->n_tun, 15);
    for (int i = 0; i < 5; i++)
        assert_int_equal(b->tun[i].data[21], i);
    assert_int_equal(a->dp->policies.queued_bytes, 0);
    world_free(a);
    world_free(b);
}

static void test_waiting_in_vain(void **state)
{
    (void)state;
    struct world *a = world_new();
    struct sadb_spd_entry e = usual();
    struct dp_counters *c = &a->stats->slot[7];
    assert_int_equal(set_policy(a, 1, &e, 1, 0), 0);
    for (int i = 0; i < 2; i++)
        from_host(a, "10.10.10.1", "192.168.10.1", 50, 100);
    assert_int_equal(drops(c, DP_QUEUE_FULL), 100 - QUEUE_PACKETS);
    assert_int_equal(ref(a, SADB_ACQUIRE_FAILED, (struct sadb_ref){.policy = 10}), 0);
    assert_int_equal(drops(c, DP_NO_SA), QUEUE_PACKETS);
    world_clear(a);
    from_host(a, "10.10.10.1", "192.168.10.1", 1, 100); /* too soon to ask again */
    assert_int_equal(world_count(a, SADB_ACQUIRE), 0);
    a->time.mono_us += ACQUIRE_INTERVAL;
    from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
    assert_int_equal(world_count(a, SADB_ACQUIRE), 1);
    a->time.mono_us += QUEUE_MAX_AGE;
    dp_tick(a->dp);
    assert_int_equal(drops(c, DP_NO_SA), QUEUE_PACKETS + 2);
    assert_int_equal(ref(a, SADB_ACQUIRE_FAILED, (struct sadb_ref){.policy = 11}), -ENOENT);
    /* nobody heard the question: it is asked at the next chance, not after the interval */
    a->engine_error = -ENOTCONN;
    a->time.mono_us += ACQUIRE_INTERVAL;
    from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
    a->engine_error = 0;
    world_clear(a);
    dp_engine_new(a->dp);
    dp_tick(a->dp);
    assert_int_equal(world_count(a, SADB_ACQUIRE), 1);
    /* answer-only: never asked for, never kept */
    e.accept_only = 1;
    assert_int_equal(set_policy(a, 1, &e, 1, 0), 0);
    uint64_t before = drops(c, DP_NO_SA);
    a->time.mono_us += 10 * ACQUIRE_INTERVAL;
    world_clear(a);
    from_host(a, "10.10.10.1", "192.168.10.1", 3, 100);
    assert_int_equal(world_count(a, SADB_ACQUIRE), 0);
    assert_int_equal(drops(c, DP_NO_SA), before + 3);
    world_free(a);
}

/* RFC 4301 §5.2: what was decrypted must be what was agreed. */
static void test_selectors(void **state)
{
    (void)state;
    struct world *a = world_new(), *b = world_new();
    struct sadb_spd_entry e = usual();
    struct sadb_sa wide = out_sa();
    e.sel = sel("10.0.0.0", 8, "192.168.0.0", 16, 0);
    wide.ts[0] = e.sel;
    assert_int_equal(set_policy(a, 1, &e, 1, 0), 0);
    assert_int_equal(add(a, wide), 0);
    assert_int_equal(add(b, in_sa()), 0);
    from_host(a, "10.10.11.1", "192.168.10.1", 1, 100);
    from_host(a, "10.10.10.1", "192.168.11.1", 1, 100);
    from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
    assert_int_equal(a->n_wire, 3);
    arrive(b, a->wire, 3);
    assert_int_equal(b->n_tun, 1);
    assert_int_equal(drops(&b->stats->slot[2], DP_SELECTOR), 2);
    assert_int_equal(dp_read(&b->stats->slot[2].packets), 3);
    world_free(a);
    world_free(b);
}

/* An SA narrower than its policy carries only what it covers; the rest asks for its own. */
static void test_narrow_sa(void **state)
{
    (void)state;
    struct world *a = world_new();
    struct sadb_spd_entry e = usual();
    struct sadb_sa m = out_sa();
    m.ts[0] = sel("10.10.10.1", 32, "192.168.10.1", 32, 0);
    assert_int_equal(set_policy(a, 1, &e, 1, 0), 0);
    assert_int_equal(add(a, m), 0);
    world_clear(a);
    from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
    assert_int_equal(a->n_wire, 1);
    from_host(a, "10.10.10.2", "192.168.10.1", 1, 100);
    assert_int_equal(a->n_wire, 1);
    assert_int_equal(world_count(a, SADB_ACQUIRE), 1);
    /* a rekeyed SA takes over at once, and the old one carries on when it goes */
    m.sa = 77;
    m.spi = 6000;
    assert_int_equal(add(a, m), 0);
    from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
    assert_int_equal(a->wire[1].data[2] << 8 | a->wire[1].data[3], 6000);
    struct sadb_delete d = {.seq = 1, .sa = 77};
    assert_int_equal(request(a, SADB_DELETE, &d, sizeof d), 0);
    from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
    assert_int_equal(a->wire[2].data[2] << 8 | a->wire[2].data[3], 5000);
    assert_int_equal(request(a, SADB_DELETE, &d, sizeof d), -ENOENT);
    world_free(a);
}

/* One on standby carries what the one before it leaves: when that goes, or is worn out. */
static void test_standby(void **state)
{
    (void)state;
    struct world *a = world_new();
    struct sadb_spd_entry e = usual();
    struct sadb_sa m = out_sa();
    assert_int_equal(set_policy(a, 1, &e, 1, 0), 0);
    m.hard_bytes = 2000;
    assert_int_equal(add(a, m), 0);
    m.hard_bytes = 0;
    for (uint32_t i = 1; i < 3; i++) {
        m.sa = 76 + i;
        m.spi = 6000 + i;
        m.flags |= SADB_F_STANDBY;
        assert_int_equal(add(a, m), 0);
    }
    static const unsigned spis[] = {5000, 6001, 6002};
    from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
    from_host(a, "10.10.10.1", "192.168.10.1", 40, 100); /* wears the first one out */
    assert_int_equal(a->n_wire, 41);
    assert_int_equal(a->wire[0].data[2] << 8 | a->wire[0].data[3], spis[0]);
    assert_int_equal(a->wire[40].data[2] << 8 | a->wire[40].data[3], spis[1]);
    struct sadb_delete d = {.seq = 1, .sa = 77};
    assert_int_equal(request(a, SADB_DELETE, &d, sizeof d), 0);
    from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
    assert_int_equal(a->wire[41].data[2] << 8 | a->wire[41].data[3], spis[2]);
    world_free(a);
}

static void test_lifetime(void **state)
{
    (void)state;
    struct world *a = world_new();
    struct sadb_spd_entry e = usual();
    struct sadb_sa m = out_sa();
    struct sadb_expire x;
    m.soft_bytes = 1000;
    m.hard_bytes = 2000;
    assert_int_equal(set_policy(a, 1, &e, 1, 0), 0);
    assert_int_equal(add(a, m), 0);
    world_clear(a);
    from_host(a, "10.10.10.1", "192.168.10.1", 9, 100);
    assert_int_equal(world_count(a, SADB_EXPIRE), 0);
    for (int i = 0; i < 3; i++)
        from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
    assert_int_equal(world_count(a, SADB_EXPIRE), 1);
    assert_true(world_heard(a, SADB_EXPIRE, &x, sizeof x));
    assert_int_equal(x.sa, m.sa);
    assert_int_equal(x.hard, 0);
    world_clear(a);
    a->n_wire = 0;
    from_host(a, "10.10.10.1", "192.168.10.1", 20, 100); /* in one vector, and exactly */
    assert_int_equal(a->n_wire, 8);
    assert_int_equal(drops(&a->stats->slot[1], DP_HARD_LIFETIME), 12);
    assert_true(world_heard(a, SADB_EXPIRE, &x, sizeof x));
    assert_int_equal(x.hard, 1);
    a->n_wire = 0;
    from_host(a, "10.10.10.1", "192.168.10.1", 4, 100);
    assert_int_equal(a->n_wire, 0);
    assert_int_equal(drops(&a->stats->slot[1], DP_HARD_LIFETIME), 16);
    struct sadb_update u;
    memset(&u, 0, sizeof u);
    u.sa = m.sa;
    u.hard_bytes = UINT64_MAX;
    assert_int_equal(request(a, SADB_UPDATE, &u, sizeof u), 0);
    from_host(a, "10.10.10.1", "192.168.10.1", 4, 100);
    assert_int_equal(a->n_wire, 4);
    /* numbers run out: said softly before, and hard at the end */
    ref(a, SADB_FLUSH, (struct sadb_ref){0});
    m.soft_bytes = m.hard_bytes = 0;
    m.seq_first = UINT32_MAX - 1;
    assert_int_equal(add(a, m), 0);
    world_clear(a);
    from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
    assert_true(world_heard(a, SADB_EXPIRE, &x, sizeof x) && !x.hard);
    world_clear(a);
    from_host(a, "10.10.10.1", "192.168.10.1", 4, 100);
    assert_true(world_heard(a, SADB_EXPIRE, &x, sizeof x) && x.hard);
    assert_int_equal(a->n_wire, 1);
    assert_int_equal(drops(&a->stats->slot[1], DP_SEQ_OVERFLOW), 3);
    world_free(a);
}

static void test_outer_header(void **state)
{
    (void)state;
    static const struct {
        uint32_t flags;
        uint8_t inner_df, want;
    } rows[] = {{SADB_DF_COPY, 0, 0},
                {SADB_DF_COPY, 1, 1},
                {SADB_DF_SET, 0, 1},
                {SADB_DF_SET, 1, 1},
                {SADB_DF_CLEAR, 1, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *a = world_new();
        struct sadb_spd_entry e = usual();
        struct sadb_sa m = out_sa();
        m.flags = rows[i].flags | SADB_F_UDP;
        m.local_port = 4500;
        m.remote_port = 1024;
        assert_int_equal(set_policy(a, 1, &e, 1, 0), 0);
        assert_int_equal(add(a, m), 0);
        struct pkt *p = &a->v->p[0];
        struct addr src = ip4("10.10.10.1"), dst = ip4("192.168.10.1");
        pkt_reset(p);
        p->len = make_ip4(p->data, "10.10.10.1", "192.168.10.1", 17, 1, 2, 60);
        ip4_build(p->data, &src, &dst, 17, 60, 0xb9, rows[i].inner_df, 1);
        dp_outbound(a->dp, 1, true, &p, 1);
        assert_int_equal(a->n_wire, 1);
        assert_int_equal(a->wire[0].df, rows[i].want);
        assert_int_equal(a->wire[0].tos, 0xb9);
        assert_int_equal(a->wire[0].udp, 1);
        assert_int_equal(a->wire[0].rport, 1024);
        assert_true(addr_eq(&a->wire[0].remote, &m.remote));
        world_free(a);
    }
}

static void test_send_errors(void **state)
{
    (void)state;
    struct world *a, *b;
    pair(&a, &b);
    a->wire_cause = DP_TOO_BIG;
    from_host(a, "10.10.10.1", "192.168.10.1", 3, 100);
    assert_int_equal(drops(&a->stats->slot[1], DP_TOO_BIG), 3);
    assert_int_equal(dp_read(&a->stats->slot[1].packets), 0);
    assert_int_equal(dp_read(&a->stats->slot[1].seq), 3); /* used all the same */
    world_free(a);
    world_free(b);
}

struct overheard {
    char text[512];
};

static void hear(void *ctx, enum log_level level, const char *area, const char *text)
{
    struct overheard *s = (struct overheard *)ctx;
    (void)level;
    (void)area;
    if (strstr(text, "unknown SPI"))
        snprintf(s->text, sizeof s->text, "%s", text);
}

static void test_bad_arrivals(void **state)
{
    (void)state;
    struct world *a, *b;
    struct sadb_event ev;
    pair(&a, &b);
    from_host(a, "10.10.10.1", "192.168.10.1", 4, 100);
    a->wire[1].data[3] ^= 1; /* another SPI */
    a->wire[2].data[30] ^= 1;
    a->wire[3].len -= 2;
    struct overheard said = {""};
    b->dp->log.level = LOGL_WARNING;
    b->dp->log.sink = hear;
    b->dp->log.ctx = &said;
    world_clear(b);
    arrive(b, a->wire, 4);
    assert_int_equal(b->n_tun, 1);
    assert_non_null(strstr(said.text, "SPI 0x00001389")); /* the packet's own */
    assert_int_equal(drops(&b->stats->total, DP_UNKNOWN_SPI), 1);
    assert_int_equal(drops(&b->stats->slot[2], DP_BAD_ICV), 1);
    assert_int_equal(drops(&b->stats->slot[2], DP_BAD_LENGTH), 1);
    assert_true(world_heard(b, SADB_EVENT, &ev, sizeof ev));
    assert_int_equal(ev.kind, EV_UNKNOWN_SPI);
    assert_int_equal(ev.spi, 5001);
    struct addr peer = ip4("192.0.2.1");
    assert_true(addr_eq(&ev.path.remote, &peer));
    /* shorter than a header; and any length of noise under a true SPI */
    uint64_t seed = 3;
    for (uint32_t len = 0; len < 300; len++) {
        struct kept k = a->wire[0];
        rnd_fill(&seed, k.data + 4, 300);
        k.len = len;
        arrive(b, &k, 1);
    }
    assert_int_equal(drops(&b->stats->total, DP_BAD_LENGTH), 8);
    assert_int_equal(b->n_tun, 1);
    assert_true(world_count(b, SADB_EVENT) <= 3);
    world_free(a);
    world_free(b);
}

static void test_local_addresses(void **state)
{
    (void)state;
    struct world *a, *b;
    struct {
        struct sadb_ref r;
        struct addr a[2];
    } m;
    pair(&a, &b);
    memset(&m, 0, sizeof m);
    const size_t len = sizeof m.r + sizeof m.a;
    m.r.count = 2;
    m.a[0] = ip4("192.0.2.77");
    m.a[1] = ip4("192.0.2.78");
    assert_int_equal(request(b, SADB_LOCAL_ADDRS, &m, len), 0);
    from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
    arrive(b, a->wire, 1);
    assert_int_equal(b->n_tun, 0);
    m.a[1] = ip4("192.0.2.2");
    assert_int_equal(request(b, SADB_LOCAL_ADDRS, &m, len), 0);
    arrive(b, a->wire, 1);
    assert_int_equal(b->n_tun, 1);
    assert_int_equal(request(b, SADB_LOCAL_ADDRS, &m, len - 1), -EINVAL);
    m.r.count = UINT32_MAX;
    assert_int_equal(request(b, SADB_LOCAL_ADDRS, &m, len), -EINVAL);
    world_free(a);
    world_free(b);
}

static void test_nat_moved(void **state)
{
    (void)state;
    struct world *a = world_new(), *b = world_new();
    struct sadb_spd_entry e = usual();
    struct sadb_sa out = make_sa(&cbc, SADB_OUT, true, 5000);
    struct sadb_sa in = make_sa(&cbc, SADB_IN, false, 5000);
    struct sadb_event ev;
    out.flags = in.flags = SADB_F_UDP;
    out.local_port = out.remote_port = in.local_port = 4500;
    in.remote_port = 1111; /* arrive() says 4500 */
    assert_int_equal(set_policy(a, 1, &e, 1, 0), 0);
    assert_int_equal(add(a, out), 0);
    assert_int_equal(add(b, in), 0);
    from_host(a, "10.10.10.1", "192.168.10.1", 2, 100);
    world_clear(b);
    a->wire[0].data[40] ^= 1; /* not authentic: tells nothing */
    arrive(b, a->wire, 1);
    assert_true(world_heard(b, SADB_EVENT, &ev, sizeof ev));
    assert_int_equal(ev.kind, EV_BAD_ICV);
    world_clear(b);
    arrive(b, a->wire + 1, 1);
    assert_true(world_heard(b, SADB_EVENT, &ev, sizeof ev));
    assert_int_equal(ev.kind, EV_NAT_MOVED);
    assert_int_equal(ev.path.remote_port, 4500);
    assert_int_equal(b->n_tun, 1);
    struct sadb_update u;
    memset(&u, 0, sizeof u);
    u.sa = in.sa;
    u.remote_port = 4500;
    assert_int_equal(request(b, SADB_UPDATE, &u, sizeof u), 0);
    from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
    b->time.mono_us += DP_EVENT_INTERVAL;
    world_clear(b);
    arrive(b, a->wire + 2, 1);
    assert_int_equal(world_count(b, SADB_EVENT), 0);
    world_free(a);
    world_free(b);
}

/* RFC 3948 §4: only behind a NAT, only while nothing else is sent. */
static void test_keepalive(void **state)
{
    (void)state;
    struct world *a = world_new();
    struct sadb_spd_entry e = usual();
    struct sadb_sa m = out_sa();
    m.local_port = 4500;
    m.remote_port = 1024;
    m.flags = SADB_F_UDP;
    assert_int_equal(set_policy(a, 1, &e, 1, 0), 0);
    assert_int_equal(add(a, m), 0);
    dp_tick(a->dp);
    assert_int_equal(a->n_ike, 0);
    ref(a, SADB_FLUSH, (struct sadb_ref){0});
    m.flags |= SADB_F_KEEPALIVE;
    assert_int_equal(add(a, m), 0);
    from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
    for (int i = 0; i < 59; i++) {
        a->time.mono_us += USEC_PER_SEC;
        if (i == 30)
            from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
        dp_tick(a->dp);
    }
    assert_int_equal(a->n_ike, 2);
    assert_int_equal(a->ike[0].len, 0);
    assert_int_equal(a->ike[0].rport, 1024);
    assert_true(addr_eq(&a->ike[0].remote, &m.remote));
    ref(a, SADB_FLUSH, (struct sadb_ref){0});
    m.nat_keepalive = 5; /* as configured */
    a->n_ike = 0;
    assert_int_equal(add(a, m), 0);
    from_host(a, "10.10.10.1", "192.168.10.1", 1, 100);
    for (int i = 0; i < 11; i++) {
        a->time.mono_us += USEC_PER_SEC;
        dp_tick(a->dp);
    }
    assert_int_equal(a->n_ike, 2);
    world_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there),        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_waiting),      cmocka_unit_test(test_waiting_in_vain),
        cmocka_unit_test(test_selectors),    cmocka_unit_test(test_narrow_sa),
        cmocka_unit_test(test_standby),      cmocka_unit_test(test_lifetime),
        cmocka_unit_test(test_outer_header), cmocka_unit_test(test_send_errors),
        cmocka_unit_test(test_bad_arrivals), cmocka_unit_test(test_local_addresses),
        cmocka_unit_test(test_nat_moved),    cmocka_unit_test(test_keepalive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
