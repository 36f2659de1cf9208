/*
 * The engine's messages to the datapath, as a hostile engine could send them, with packets
 * of hosts in between.
 *
 * Input: steps of an operation byte, two bytes of length and so many bytes. Bit 7 of the operation
 * of a message: the bytes are the payload itself; else they are changes (place, value) to a request
 * that is right, so that the fuzzer need not guess long structs. Whatever is said, every request
 * is answered, what leaves stays within its bounds, and after a flush nothing is left.
 */
#include "dataplane/dp.h"
#include "dataplane/ip.h"
#include "lib/transform.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>
#include <string.h>

#define LINES 3

struct fuzz {
    struct dp *dp;
    struct pktvec *v;
    struct manual_time time;
    unsigned acks;
};

static void on_packets(struct pkt **p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i]->data < p[i]->buf || p[i]->data + p[i]->len > p[i]->buf + PKT_ROOM)
            abort();
}

static void on_wire(void *ctx, struct pkt **p, size_t n)
{
    on_packets(p, n);
    for (size_t i = 0; i < n; i++)
        if (!p[i]->sa || p[i]->sa->dir != SADB_OUT || p[i]->seq > p[i]->sa->limit ||
            dp_role(((struct fuzz *)ctx)->dp, p[i]->sa->ifid) != SADB_ROLE_ACTIVE)
            abort();
}

static void on_tun(void *ctx, uint32_t ifid, struct pkt **p, size_t n)
{
    (void)ctx;
    (void)ifid;
    on_packets(p, n);
}

static int on_engine(void *ctx, uint16_t type, const void *a, size_t alen, const void *b,
                     size_t blen)
{
    struct fuzz *f = ctx;
    (void)a;
    (void)b;
    if (alen + blen > sizeof(struct sadb_sa) || type < SADB_ACK)
        abort();
    f->acks += type == SADB_ACK;
    return 0;
}

static void on_ike(void *ctx, const struct sadb_ike *path, const uint8_t *msg, size_t len)
{
    (void)ctx;
    volatile uint8_t last = 0;
    for (size_t i = 0; i < len; i++)
        last = msg[i];
    (void)last;
    if (path->local.family != AF_INET && path->local.family != AF_INET6)
        abort();
}

static const struct dp_io io = {
    .wire = on_wire, .tun = on_tun, .back = on_tun, .engine = on_engine, .ike = on_ike};

static void start(struct fuzz *f)
{
    struct log log = {.who = "fuzz", .level = LOGL_ERROR, .fd = -1};
    struct crypto *c = crypto_new(CRYPTO_OSSL);
    f->v = pktvec_new();
    f->dp = c ? dp_new(clock_manual(&f->time), &log, c, &io, f) : NULL;
    if (!f->dp || !f->v)
        abort();
}

static struct selector any(void)
{
    return (struct selector){.local = {addr_from_v4(0x0a000000), addr_from_v4(0x0affffff)},
                             .remote = {addr_from_v4(0), addr_from_v4(0xffffffff)},
                             .lport = {0, 65535},
                             .rport = {0, 65535}};
}

static size_t good_sa(uint8_t *out, uint8_t dir)
{
    struct sadb_sa m;
    memset(&m, 0, sizeof m);
    m.seq = m.sa = dir;
    m.ifid = m.policy = 1;
    m.spi = 0x1000u + dir;
    m.slot = SADB_NO_SLOT;
    m.proto = SADB_ESP;
    m.dir = dir;
    m.mode = SADB_TUNNEL;
    m.encr = (struct sadb_alg){.id = ENCR_AES_GCM16, .key_len = 20};
    m.integ.id = INTEG_NONE;
    m.local = addr_from_v4(0xc0000201);
    m.remote = addr_from_v4(0xc0000202);
    m.replay_window = 64;
    m.ceiling = 10;
    m.block = 4;
    m.n_ts = 1;
    m.ts[0] = any();
    memcpy(out, &m, sizeof m);
    return sizeof m;
}

static size_t good_policy(uint8_t *out)
{
    struct {
        struct sadb_spd_set set;
        struct sadb_spd_entry e[LINES];
    } m;
    memset(&m, 0, sizeof m);
    m.set = (struct sadb_spd_set){.ifid = 1, .count = LINES};
    for (uint32_t i = 0; i < LINES; i++) {
        m.e[i].policy = i + 1;
        m.e[i].map_seq = 1 + i / 2;
        m.e[i].action = SPD_PROTECT;
        m.e[i].slot = SADB_NO_SLOT;
        m.e[i].sel = any();
    }
    memcpy(out, &m.set, sizeof m.set);
    memcpy(out + sizeof m.set, m.e, sizeof m.e);
    return sizeof m.set + sizeof m.e;
}

static size_t good_positions(uint8_t *out)
{
    struct sadb_ref r = {.count = 2};
    struct sadb_position p[2];
    memset(p, 0, sizeof p);
    p[0] = (struct sadb_position){.sa = SADB_IN, .next = 100};
    p[1] = (struct sadb_position){.sa = SADB_OUT, .ceiling = 20, .block = 8};
    memcpy(out, &r, sizeof r);
    memcpy(out + sizeof r, p, sizeof p);
    return sizeof r + sizeof p;
}

static size_t good_role(uint8_t how, uint8_t *out)
{
    struct sadb_role_set r;
    memset(&r, 0, sizeof r);
    r.ifid = 1;
    r.role = how % SADB_ROLES;
    memcpy(out, &r, sizeof r);
    return sizeof r;
}

/* A request of this type that makes sense, its length. */
static size_t good(uint16_t type, uint8_t how, uint8_t *out)
{
    memset(out, 0, 4096);
    switch (type) {
    case SADB_ADD:
        return good_sa(out, how & 1 ? SADB_IN : SADB_OUT);
    case SADB_UPDATE: {
        struct sadb_update u;
        memset(&u, 0, sizeof u);
        u.sa = 1;
        memcpy(out, &u, sizeof u);
        return sizeof u;
    }
    case SADB_DELETE:
        return sizeof(struct sadb_delete);
    case SADB_SPD_SET:
        return good_policy(out);
    case SADB_IKE_SEND: {
        struct sadb_ike i;
        memset(&i, 0, sizeof i);
        i.local = addr_from_v4(0xc0000201);
        i.remote = addr_from_v4(0xc0000202);
        i.local_port = i.remote_port = 4500;
        memcpy(out, &i, sizeof i);
        return sizeof i + 32;
    }
    case SADB_ROLE:
        return good_role(how, out);
    case SADB_POSITION:
        return good_positions(out);
    case SADB_LOCAL_ADDRS:
        return sizeof(struct sadb_ref);
    default:
        return sizeof(struct sadb_ref);
    }
}

static void message(struct fuzz *f, uint8_t op, const uint8_t *data, size_t len)
{
    uint16_t type = 1 + (op >> 1 & 15);
    uint8_t *m = malloc(4096);
    size_t n;
    if (op & 0x80) {
        n = len < 4096 ? len : 4096;
        memcpy(m, data, n);
    } else {
        n = good(type, len ? data[0] : 0, m);
        for (size_t i = 1; i + 3 <= len; i += 3)
            m[(size_t)(data[i] << 8 | data[i + 1]) % n] = data[i + 2];
    }
    uint8_t *exact = malloc(n ? n : 1); /* the sanitizer sees a read behind it */
    memcpy(exact, m, n);
    unsigned before = f->acks;
    dp_message(f->dp, type, exact, n);
    if (f->acks == before && type != SADB_IKE_SEND && !f->dp->dump.active)
        abort();
    free(exact);
    free(m);
}

static void packet(struct fuzz *f, uint8_t op, const uint8_t *data, size_t len)
{
    struct pkt *p = &f->v->p[0];
    pkt_reset(p);
    memcpy(p->data, data, len);
    p->len = (uint32_t)len;
    if (op & 0x10) {
        p->local = addr_from_v4(0xc0000201);
        p->remote = addr_from_v4(0xc0000202);
        dp_inbound(f->dp, &p, 1);
    } else if (op & 0x20) {
        dp_inspect(f->dp, 1, &p, 1);
    } else {
        dp_outbound(f->dp, 1, op & 0x40, &p, 1);
    }
    if (f->dp->policies.queued_bytes > QUEUE_TOTAL_BYTES || f->dp->policies.n > POLICY_MAX)
        abort();
}

static void finish(struct fuzz *f)
{
    struct sadb_ref all = {0};
    dp_engine_new(f->dp);
    dp_message(f->dp, SADB_FLUSH, (const uint8_t *)&all, sizeof all);
    dp_message(f->dp, SADB_SPD_FLUSH, (const uint8_t *)&all, sizeof all);
    dp_message(f->dp, SADB_LOCAL_ADDRS, (const uint8_t *)&all, sizeof all);
    for (uint32_t i = 1; i <= TANDEM_IFIDS; i++)
        role_set(f->dp, i, SADB_ROLE_ACTIVE);
    if (f->dp->n_hold)
        abort();
    if (f->dp->policies.n || f->dp->policies.queued_bytes || f->dp->spd.n)
        abort();
    for (uint32_t i = 0; i < SAD_BUCKETS; i++)
        if (f->dp->sad.ids[i] || f->dp->sad.policies[i])
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct fuzz f;
    if (!f.dp)
        start(&f);
    if (len > 8192)
        return 0;
    while (len >= 3) {
        uint8_t op = data[0];
        size_t n = (size_t)(data[1] << 8 | data[2]);
        data += 3;
        len -= 3;
        if (n > len)
            n = len;
        if (op & 1)
            message(&f, op, data, n);
        else if (op & 2)
            packet(&f, op, data, n);
        else if (op & 4)
            f.time.mono_us += (usec_t)op * 100000, dp_tick(f.dp);
        else
            dp_dump_more(f.dp);
        data += n;
        len -= n;
    }
    finish(&f);
    return 0;
}
