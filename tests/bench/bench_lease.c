/*
 * What being stateful costs the active box: packets from the TUN to the wire, with a ceiling that
 * moves by SADB_LEASE and SADB_POSITION, beside packets without one.
 *
 * The two run by turns in one process, and the best of several rounds counts, as in bench_esp. The
 * standby's answer is here at once: how long it takes changes no cost, as long as half a block
 * lasts.
 */
#include "dataplane/dp.h"
#include "dataplane/ip.h"
#include "lib/transform.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 40
#define BLOCK  1000u /* redundancy replay-interval outbound, its default */

struct side {
    struct dp *dp;
    struct pktvec *v;
    uint64_t left, asked; /* packets on the wire; blocks */
    uint64_t last;        /* number; of the lease that is due */
    bool due;
    double best; /* ns per packet */
};

static void on_wire(void *ctx, struct pkt **p, size_t n)
{
    struct side *s = ctx;
    (void)p;
    s->left += n;
}

static void on_tun(void *ctx, uint32_t ifid, struct pkt **p, size_t n)
{
    (void)ctx;
    (void)ifid;
    (void)p;
    (void)n;
}

static int on_engine(void *ctx, uint16_t type, const void *a, size_t alen, const void *b,
                     size_t blen)
{
    struct side *s = ctx;
    struct sadb_lease l;
    (void)b;
    (void)blen;
    if (type == SADB_LEASE && alen == sizeof l) {
        memcpy(&l, a, sizeof l);
        s->last = l.last;
        s->due = true;
    }
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

static void set_policy(struct dp *dp)
{
    struct {
        struct sadb_spd_set set;
        struct sadb_spd_entry e;
    } m;
    uint8_t frame[sizeof m];
    memset(&m, 0, sizeof m);
    m.set.ifid = 1;
    m.set.count = 1;
    m.e.policy = 1;
    m.e.map_seq = 10;
    m.e.action = SPD_PROTECT;
    m.e.slot = SADB_NO_SLOT;
    m.e.sel = (struct selector){.local = {addr_from_v4(0), addr_from_v4(UINT32_MAX)},
                                .remote = {addr_from_v4(0), addr_from_v4(UINT32_MAX)},
                                .lport = {0, 65535},
                                .rport = {0, 65535}};
    memcpy(frame, &m.set, sizeof m.set);
    memcpy(frame + sizeof m.set, &m.e, sizeof m.e);
    dp_message(dp, SADB_SPD_SET, frame, sizeof m.set + sizeof m.e);
}

static void add(struct dp *dp, uint32_t flags)
{
    struct sadb_sa m;
    memset(&m, 0, sizeof m);
    m.sa = m.ifid = m.policy = 1;
    m.slot = SADB_NO_SLOT;
    m.spi = 4096;
    m.proto = SADB_ESP;
    m.mode = SADB_TUNNEL;
    m.dir = SADB_OUT;
    m.flags = SADB_F_ESN | flags;
    m.encr.id = ENCR_AES_GCM16;
    m.encr.key_len = 20;
    m.integ.id = INTEG_NONE;
    m.local = m.remote = addr_from_v4(0xc0000201);
    m.ceiling = BLOCK;
    m.block = BLOCK;
    dp_message(dp, SADB_ADD, (const uint8_t *)&m, sizeof m);
}

static void answer(struct side *s)
{
    uint8_t frame[sizeof(struct sadb_ref) + sizeof(struct sadb_position)];
    struct sadb_ref r = {.count = 1};
    struct sadb_position p;
    memset(&p, 0, sizeof p);
    p.sa = 1;
    p.block = BLOCK;
    p.ceiling = s->last + BLOCK / 2 + BLOCK;
    memcpy(frame, &r, sizeof r);
    memcpy(frame + sizeof r, &p, sizeof p);
    s->due = false;
    s->asked++;
    dp_message(s->dp, SADB_POSITION, frame, sizeof frame);
}

static bool start(struct side *s, uint32_t flags)
{
    struct log log = {.who = "bench", .level = LOGL_ERROR, .fd = -1};
    struct crypto *c = crypto_new(CRYPTO_AUTO);
    s->v = pktvec_new();
    s->dp = c ? dp_new(clock_system(), &log, c, &io, s) : NULL;
    s->best = 1e12;
    if (!s->dp || !s->v)
        return false;
    set_policy(s->dp);
    add(s->dp, flags);
    return true;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* A hundred vectors: so many that blocks end among them. */
static void round_of(struct side *s, uint16_t len)
{
    struct pkt *p[PKT_BATCH];
    struct addr from = addr_from_v4(0x0a000001), to = addr_from_v4(0x0a000002);
    double spent = 0;
    for (int k = 0; k < 100; k++) {
        for (size_t i = 0; i < PKT_BATCH; i++) {
            p[i] = &s->v->p[i];
            pkt_reset(p[i]);
            ip4_build(p[i]->data, &from, &to, 253, len, 0, false, 1);
            p[i]->len = len;
        }
        double t = now();
        dp_outbound(s->dp, 1, true, p, PKT_BATCH);
        if (s->due)
            answer(s);
        spent += now() - t;
    }
    if (spent / (100 * PKT_BATCH) < s->best)
        s->best = spent / (100 * PKT_BATCH);
}

int main(void)
{
    static const uint16_t lens[] = {64, 512, 1400};
    struct side s[2] = {{0}, {0}};
    if (!start(&s[0], 0) || !start(&s[1], SADB_F_CEILING))
        return 1;
    printf("stateful failover: ns per packet from TUN to wire (aes-gcm-128), without and with "
           "ceilings in blocks of %u\n",
           BLOCK);
    for (size_t l = 0; l < sizeof lens / sizeof lens[0]; l++) {
        for (int i = 0; i < 2; i++)
            s[i].best = 1e12;
        for (int round = 0; round < ROUNDS; round++)
            for (int i = 0; i < 2; i++)
                round_of(&s[i], lens[l]);
        printf("  %5u bytes   %6.0f %6.0f  x%.3f\n", lens[l], s[0].best, s[1].best,
               s[1].best / s[0].best);
    }
    int bad = s[0].left != s[1].left || s[1].asked == 0;
    for (int i = 0; i < 2; i++) {
        dp_free(s[i].dp);
        pktvec_free(s[i].v);
    }
    return bad;
}
