/*
 * AH and transport mode: any bytes from the wire, and any packet from a host. Two cores, A that
 * seals and B that opens, with an SA of each kind from A to B.
 *
 * Input: 1 byte of flags, 1 byte, then the packet. Flags: bits 0 to 2 choose the SA. Bit 3: the
 * packet comes to B from the wire, behind an IP header that is right (the second byte: how much of
 * the data is options or extension headers) and with the SA's SPI; else a host hands it to A, with
 * the addresses that the SA is for. Bit 4: what A seals is changed where the second byte says. Bit
 * 5: each packet comes twice. What A seals must open at B, if it is not changed.
 */
#include "dataplane/dp.h"
#include "dataplane/ip.h"
#include "dataplane/wire.h"
#include "lib/transform.h"
#include "tests/fuzz/fuzz.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define KINDS 8

struct fuzz {
    struct dp *a, *b;
    struct pktvec *v, *w;
    struct manual_time time;
    uint8_t flags, at;
};

static const struct kind {
    bool v6, transport, udp, ah, esp;
    uint32_t flags;
} kinds[KINDS] = {
    {.ah = true},
    {.ah = true, .transport = true},
    {.ah = true, .esp = true},
    {.ah = true, .esp = true, .transport = true},
    {.v6 = true, .ah = true, .transport = true, .flags = SADB_F_ESN},
    {.v6 = true, .ah = true, .esp = true, .transport = true},
    {.v6 = true, .esp = true, .transport = true},
    {.udp = true, .esp = true, .transport = true, .flags = SADB_F_UDP},
};

static const struct kind *kind(const struct fuzz *f)
{
    return &kinds[f->flags % KINDS];
}

static struct addr end_of(const struct kind *k, bool b)
{
    struct addr a = addr_from_v4(b ? 0xc0000202 : 0xc0000201);
    if (k->v6)
        addr_parse(b ? "2001:db8::2" : "2001:db8::1", &a);
    return a;
}

/* The header that a raw socket gives with it, or that the kernel has taken off. Returns false when
 * it would give no packet at all. */
static bool put_on(struct pkt *p, const struct pkt *from)
{
    pkt_reset(p);
    memset(p->data, 0xee, from->len + PKT_TAIL);
    memcpy(p->data, from->data, from->len);
    p->len = from->len;
    p->local = from->remote;
    p->remote = from->local;
    p->udp = from->udp;
    p->proto = from->proto;
    p->tos = from->tos;
    p->ttl = from->ttl;
    if (p->udp)
        return true;
    if (p->local.family == AF_INET)
        return from->head ? wire_strip_ip4(p) == 0 : true;
    p->hlen = from->head ? from->hlen : IP6_HLEN;
    if (from->head) {
        p->head = p->data;
        p->data += p->hlen;
        p->len -= p->hlen;
    } else {
        p->head = p->data - IP6_HLEN;
        ip6_build(p->head, &p->remote, &p->local, p->proto, (uint16_t)p->len, p->tos, 64);
    }
    return true;
}

static void arrive(struct fuzz *f, struct pkt **from, size_t n)
{
    struct pkt *p[PKT_BATCH];
    size_t have = 0;
    for (size_t i = 0; i < n; i++)
        if (put_on(&f->w->p[have], from[i])) {
            p[have] = &f->w->p[have];
            have++;
        }
    if (have)
        dp_inbound(f->b, p, have);
}

static uint64_t dropped(const struct dp *dp)
{
    uint64_t n = 0;
    for (int c = 0; c < DP_CAUSES; c++) {
        n += dp_read(&dp->total->drops[c]);
        for (uint32_t i = 0; i < KINDS; i++)
            n += dp_read(&sad_find(&dp->sad, i + 1)->ctr->drops[c]);
    }
    return n;
}

static void on_wire(void *ctx, struct pkt **p, size_t n)
{
    struct fuzz *f = ctx;
    uint64_t before = dropped(f->b);
    for (size_t i = 0; i < n; i++) {
        p[i]->cause = PKT_OK;
        if ((f->flags & 0x10) && p[i]->len)
            p[i]->data[f->at % p[i]->len] ^= 1;
    }
    arrive(f, p, n);
    if (!(f->flags & 0x10) && dropped(f->b) != before)
        abort();
}

static void on_tun(void *ctx, uint32_t ifid, struct pkt **p, size_t n)
{
    struct fuzz *f = ctx;
    const struct kind *k = kind(f);
    struct addr local = end_of(k, true), remote = end_of(k, false);
    for (size_t i = 0; i < n; i++) {
        struct ip_info in; /* what reaches the kernel is whole, and from whom it should be */
        p[i]->cause = PKT_OK;
        if (ifid != 1 || ip_parse(p[i]->data, p[i]->len, true, &in) || in.total != p[i]->len)
            abort();
        if (k->transport &&
            (!addr_eq(&in.flow.local, &local) || !addr_eq(&in.flow.remote, &remote)))
            abort();
    }
}

static int on_engine(void *ctx, uint16_t type, const void *a, size_t alen, const void *b,
                     size_t blen)
{
    (void)ctx;
    (void)a;
    (void)b;
    if (alen + blen > sizeof(struct sadb_sa) || type < SADB_ACK)
        abort();
    return 0;
}

static void on_ike(void *ctx, const struct sadb_ike *path, const uint8_t *msg, size_t len)
{
    (void)ctx;
    (void)path;
    (void)msg;
    (void)len;
}

static const struct dp_io io = {
    .wire = on_wire, .tun = on_tun, .back = on_tun, .engine = on_engine, .ike = on_ike};

static void install(struct dp *dp, uint32_t i, uint8_t dir)
{
    const struct kind *k = &kinds[i];
    struct sadb_sa m;
    memset(&m, 0, sizeof m);
    m.sa = i + 1;
    m.ifid = 1;
    m.policy = i + 1;
    m.spi = 0x1000 + i;
    m.ah_spi = 0x2000 + i;
    m.slot = SADB_NO_SLOT;
    m.proto = k->esp ? SADB_ESP : SADB_AH;
    m.dir = dir;
    m.mode = k->transport ? SADB_TRANSPORT : SADB_TUNNEL;
    m.flags = k->flags;
    if (k->esp)
        m.encr = (struct sadb_alg){.id = ENCR_AES_CBC, .key_len = 16};
    if (k->esp && k->ah)
        m.ah = (struct sadb_alg){.id = INTEG_SHA1_96, .key_len = 20};
    else
        m.integ = (struct sadb_alg){.id = INTEG_SHA256_128, .key_len = 32};
    m.local = end_of(k, dir == SADB_IN);
    m.remote = end_of(k, dir == SADB_OUT);
    m.local_port = m.remote_port = 4500;
    m.replay_window = 64;
    if (k->transport) { /* ESP does not cover the addresses: the selectors (RFC 4301 §5.2) do */
        m.n_ts = 1;
        m.ts[0] = (struct selector){.local = {m.local, m.local},
                                    .remote = {m.remote, m.remote},
                                    .lport = {0, 65535},
                                    .rport = {0, 65535}};
    }
    dp_message(dp, SADB_ADD, (const uint8_t *)&m, sizeof m);
    if (!sad_find(&dp->sad, m.sa))
        abort();
}

/* Whatever a host sends is for the SA of this input. */
static void set_policy(struct dp *dp, uint32_t policy)
{
    struct {
        struct sadb_spd_set s;
        struct sadb_spd_entry e[2];
    } m;
    memset(&m, 0, sizeof m);
    m.s.ifid = 1;
    m.s.count = 2;
    for (int i = 0; i < 2; i++) {
        struct prefix all = {.addr.family = i ? AF_INET6 : AF_INET};
        m.e[i].policy = policy;
        m.e[i].action = SPD_PROTECT;
        m.e[i].slot = SADB_NO_SLOT;
        m.e[i].sel = (struct selector){.local = prefix_range(&all),
                                       .remote = prefix_range(&all),
                                       .lport = {0, 65535},
                                       .rport = {0, 65535}};
    }
    dp_message(dp, SADB_SPD_SET, (const uint8_t *)&m, sizeof m);
}

static void start(struct fuzz *f)
{
    struct log log = {.who = "fuzz", .level = LOGL_ERROR, .fd = -1};
    f->v = pktvec_new();
    f->w = pktvec_new();
    f->a = dp_new(clock_manual(&f->time), &log, crypto_new(CRYPTO_OSSL), &io, f);
    f->b = dp_new(clock_manual(&f->time), &log, crypto_new(CRYPTO_OSSL), &io, f);
    if (!f->v || !f->w || !f->a || !f->b)
        abort();
    for (uint32_t i = 0; i < KINDS; i++) {
        install(f->a, i, SADB_OUT);
        install(f->b, i, SADB_IN);
    }
}

/* Each input starts with fresh windows and numbers, and no pieces of the one before, so that a
 * crash can be repeated. */
static void reset(struct fuzz *f)
{
    for (uint32_t i = 0; i < KINDS; i++) {
        struct sa *in = sad_find(&f->b->sad, i + 1), *out = sad_find(&f->a->sad, i + 1);
        replay_free(&in->replay);
        replay_init(&in->replay, 64, 0);
        out->seq = 0;
    }
    f->time.mono_us += 60 * USEC_PER_SEC;
    dp_tick(f->a);
    set_policy(f->a, f->flags % KINDS + 1u);
}

static void from_wire(struct fuzz *f, const uint8_t *data, uint32_t len)
{
    const struct kind *k = kind(f);
    struct pkt p, *one[2] = {&p, &p};
    uint8_t buf[PKT_HEAD + 4096 + IP_HEAD_MOST], *h = buf + PKT_HEAD;
    struct addr to = end_of(k, true), from = end_of(k, false);
    uint8_t proto = k->ah ? NH_AH : NH_ESP;
    uint32_t extra = f->at % (k->v6 ? IP6_EXT_MOST + 8u : 44u) & (k->v6 ? ~7u : ~3u);
    uint32_t fixed = k->v6 ? IP6_HLEN : IP4_HLEN, spi = k->ah && k->esp ? 0x2000 : 0x1000;
    if (k->udp)
        fixed = extra = 0;
    extra = extra > len ? 0 : extra;
    memset(&p, 0, sizeof p);
    p.buf = buf;
    memcpy(h + fixed, data, len);
    if (k->v6)
        ip6_build(h, &from, &to, proto, (uint16_t)len, 0, 64);
    else if (!k->udp)
        ip4_build(h, &from, &to, proto, (uint16_t)(fixed + len), 0, false, 1);
    if (!k->v6 && !k->udp)
        h[0] = (uint8_t)(0x40 | (fixed + extra) / 4);
    uint32_t at = fixed + extra + (k->ah ? 4 : 0);
    if (at + 4 <= fixed + len) {
        h[at] = h[at + 1] = 0;
        h[at + 2] = (uint8_t)(spi >> 8);
        h[at + 3] = (uint8_t)(f->flags % KINDS);
    }
    p.data = p.head = h;
    p.hlen = (uint8_t)(fixed + extra);
    p.len = fixed + len;
    p.proto = proto;
    p.udp = k->udp;
    p.local = from;
    p.remote = to;
    arrive(f, one, f->flags & 0x20 ? 2 : 1);
}

static void from_host(struct fuzz *f, const uint8_t *data, uint32_t len)
{
    const struct kind *k = kind(f);
    struct pkt *p[2];
    struct addr src = end_of(k, false), dst = end_of(k, true);
    size_t n = f->flags & 0x20 ? 2 : 1;
    for (size_t i = 0; i < n; i++) {
        p[i] = &f->v->p[i];
        pkt_reset(p[i]);
        memcpy(p[i]->data, data, len);
        p[i]->len = len;
        uint8_t *h = p[i]->data;
        if (k->transport && len >= (k->v6 ? IP6_HLEN : IP4_HLEN)) {
            h[0] = (uint8_t)(k->v6 ? 0x60 | (h[0] & 15) : 0x40 | (h[0] & 15));
            memcpy(h + (k->v6 ? 8 : 12), src.b, k->v6 ? 16 : 4);
            memcpy(h + (k->v6 ? 24 : 16), dst.b, k->v6 ? 16 : 4);
        }
    }
    dp_outbound(f->a, 1, false, p, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct fuzz f;
    if (!f.a)
        start(&f);
    if (len < 2 || len > 4096)
        return 0;
    f.flags = data[0];
    f.at = data[1];
    reset(&f);
    if (f.flags & 8)
        from_wire(&f, data + 2, (uint32_t)len - 2);
    else
        from_host(&f, data + 2, (uint32_t)len - 2);
    return 0;
}
