/*
 * ESP from the wire: any bytes, whole and cut, at a core with an SA of each kind installed.
 *
 * Input: 1 byte of flags, then the datagram. Flag bit 0: it comes as a raw socket gives it, with
 * its IP header; else as UDP 4500 does. Bits 1 to 3: the SPI is made that of an SA. Bit 4: the
 * same datagram twice in one vector. Bit 5: the payload is sealed by the peer's key first, so
 * that what is inside of an authentic packet is fuzzed too.
 */
#include "dataplane/dp.h"
#include "dataplane/ip.h"
#include "dataplane/wire.h"
#include "lib/transform.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>
#include <string.h>

#define KINDS 8

struct fuzz {
    struct dp *dp;
    struct pktvec *v;
    struct sad peer; /* the other ends of the SAs */
    struct ipsec_batch batch;
    struct manual_time time;
};

static void on_wire(void *ctx, struct pkt **p, size_t n)
{
    (void)ctx;
    (void)p;
    if (n)
        abort(); /* nothing that comes in may go out again */
}

static void on_tun(void *ctx, uint32_t ifid, struct pkt **p, size_t n)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        struct ip_info in; /* what reaches the kernel is whole, and was agreed */
        if (ifid != 1 || ip_parse(p[i]->data, p[i]->len, true, &in) || in.total != p[i]->len ||
            in.flow.local.b[0] != 10)
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

static const struct {
    uint16_t encr, key_len, integ, ikey_len;
    uint32_t flags;
} kinds[KINDS] = {
    {ENCR_AES_CBC, 16, INTEG_SHA1_96, 20, 0},
    {ENCR_AES_CBC, 32, INTEG_SHA256_128, 32, SADB_F_ESN},
    {ENCR_AES_CBC, 16, INTEG_NONE, 0, 0},
    {ENCR_AES_GCM16, 20, INTEG_NONE, 0, 0},
    {ENCR_AES_GCM16, 36, INTEG_NONE, 0, SADB_F_ESN},
    {ENCR_AES_GMAC, 20, INTEG_NONE, 0, SADB_F_ESN},
    {ENCR_NULL, 0, INTEG_SHA512_256, 64, 0},
    {ENCR_3DES, 24, INTEG_MD5_96, 16, 0},
};

static void install(struct fuzz *f, uint32_t i)
{
    struct sadb_sa m;
    struct sa *sa;
    memset(&m, 0, sizeof m);
    m.sa = i + 1;
    m.ifid = 1;
    m.spi = 0x1000 + i;
    m.slot = SADB_NO_SLOT;
    m.proto = SADB_ESP;
    m.dir = SADB_IN;
    m.mode = SADB_TUNNEL;
    m.flags = kinds[i].flags;
    m.encr.id = kinds[i].encr;
    m.encr.key_len = kinds[i].key_len;
    m.integ.id = kinds[i].integ;
    m.integ.key_len = kinds[i].ikey_len;
    memset(m.encr.key, 0x42, sizeof m.encr.key);
    m.local = addr_from_v4(0xc0000201);
    m.remote = addr_from_v4(0xc0000202);
    m.replay_window = 64;
    m.n_ts = 1;
    m.ts[0] = (struct selector){.local = {addr_from_v4(0x0a000000), addr_from_v4(0x0affffff)},
                                .remote = {addr_from_v4(0), addr_from_v4(0xffffffff)},
                                .lport = {0, 65535},
                                .rport = {0, 65535}};
    dp_message(f->dp, SADB_ADD, (const uint8_t *)&m, sizeof m);
    m.dir = SADB_OUT;
    if (!sad_find(&f->dp->sad, m.sa) || sad_add(&f->peer, f->batch.crypto, &m, NULL, &sa))
        abort();
}

static void start(struct fuzz *f)
{
    struct log log = {.who = "fuzz", .level = LOGL_ERROR, .fd = -1};
    struct crypto *c = crypto_new(CRYPTO_AUTO);
    f->v = pktvec_new();
    f->batch.crypto = crypto_new(CRYPTO_OSSL);
    if (!c || !f->v || !f->batch.crypto)
        abort();
    f->dp = dp_new(clock_manual(&f->time), &log, c, &io, f);
    if (!f->dp)
        abort();
    for (uint32_t i = 0; i < KINDS; i++)
        install(f, i);
}

/* Each input starts with fresh windows and numbers, so that a crash can be repeated. */
static void reset(struct fuzz *f)
{
    for (uint32_t i = 0; i < KINDS; i++) {
        struct sa *in = sad_find(&f->dp->sad, i + 1), *out = sad_find(&f->peer, i + 1);
        replay_free(&in->replay);
        replay_init(&in->replay, 64, 0);
        out->seq = 0;
    }
}

/* Pointers into an exactly sized copy would be better for the sanitizer, but the path works in
 * place and needs its room; what lies behind the data is filled with a pattern instead. */
static size_t load(struct fuzz *f, uint8_t flags, const uint8_t *data, size_t len)
{
    size_t n = flags & 0x10 ? 2 : 1;
    for (size_t i = 0; i < n; i++) {
        struct pkt *p = &f->v->p[i];
        pkt_reset(p);
        memset(p->data, 0xee, len + PKT_TAIL);
        memcpy(p->data, data, len);
        p->len = (uint32_t)len;
        p->udp = !(flags & 1);
        p->proto = NH_ESP;
        if (flags & 0x20) {
            struct pkt *one = p;
            p->sa = sad_find(&f->peer, 1 + (flags >> 1) % KINDS);
            ipsec_seal(&f->batch, &one, 1);
            p->sa = NULL;
            if (p->cause != PKT_OK)
                return 0;
        } else if (flags & 1) {
            if (wire_strip_ip4(p))
                return 0;
        } else if (wire_classify(p->data, p->len) != WIRE_ESP && p->len >= 4) {
            return 0;
        }
        if ((flags & 0x0e) && !(flags & 0x20) && p->len >= 4) {
            const uint8_t spi[4] = {0, 0, 0x10, (uint8_t)((flags >> 1) % KINDS)};
            memcpy(p->data, spi, 4);
        }
        p->local = addr_from_v4(0xc0000201);
        p->remote = addr_from_v4(0xc0000202);
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct fuzz f;
    if (!f.dp)
        start(&f);
    if (len < 1 || len > 4096)
        return 0;
    reset(&f);
    size_t n = load(&f, data[0], data + 1, len - 1);
    struct pkt *p[2] = {&f.v->p[0], &f.v->p[1]};
    if (n)
        dp_inbound(f.dp, p, n);
    return 0;
}
