/* A datapath core with everything around it in memory: what it sends is kept and looked at. */
#ifndef TANDEM_TESTS_DATAPLANE_WORLD_H
#define TANDEM_TESTS_DATAPLANE_WORLD_H

#include "support.h"
#include "dataplane/dp.h"
#include "dataplane/wire.h"
#include <errno.h>
#include <netinet/in.h>

#define KEPT 512

struct kept {
    uint32_t ifid; /* TUN only */
    uint32_t len;
    struct addr local, remote;
    uint16_t rport;
    uint8_t udp, tos, df, ttl, proto;
    uint8_t hlen; /* wire: of an IP header at the front of data */
    uint8_t data[2048];
};

struct said {
    uint16_t type;
    size_t len;
    uint8_t data[2048];
};

struct world {
    struct dp *dp;
    struct manual_time time;
    struct pktvec *v;
    struct dpstats *stats;
    struct kept wire[KEPT], tun[KEPT], back[KEPT], ike[4];
    struct said said[KEPT];
    size_t n_wire, n_tun, n_back, n_said, n_ike;
    int engine_error;   /* what the channel answers */
    size_t engine_room; /* messages until -ENOBUFS */
    uint8_t wire_cause, tun_cause;
    uint32_t seq; /* of requests */
};

static inline void keep_packet(struct kept *k, const struct pkt *p, uint32_t ifid)
{
    k->ifid = ifid;
    k->len = p->len;
    k->local = p->local;
    k->remote = p->remote;
    k->rport = p->rport;
    k->udp = p->udp;
    k->tos = p->tos;
    k->df = p->df;
    k->ttl = p->ttl;
    k->proto = p->proto;
    k->hlen = p->head == p->data ? p->hlen : 0;
    assert_true(p->len <= sizeof k->data);
    memcpy(k->data, p->data, p->len);
}

static inline void world_wire(void *ctx, struct pkt **p, size_t n)
{
    struct world *w = ctx;
    for (size_t i = 0; i < n; i++) {
        p[i]->cause = w->wire_cause;
        if (w->n_wire < KEPT)
            keep_packet(&w->wire[w->n_wire++], p[i], 0);
    }
}

static inline void world_tun(void *ctx, uint32_t ifid, struct pkt **p, size_t n)
{
    struct world *w = ctx;
    for (size_t i = 0; i < n; i++) {
        p[i]->cause = w->tun_cause;
        if (w->n_tun < KEPT)
            keep_packet(&w->tun[w->n_tun++], p[i], ifid);
    }
}

static inline void world_back(void *ctx, uint32_t ifid, struct pkt **p, size_t n)
{
    struct world *w = ctx;
    for (size_t i = 0; i < n; i++) {
        p[i]->cause = w->tun_cause;
        if (w->n_back < KEPT)
            keep_packet(&w->back[w->n_back++], p[i], ifid);
    }
}

static inline int world_engine(void *ctx, uint16_t type, const void *a, size_t alen, const void *b,
                               size_t blen)
{
    struct world *w = ctx;
    if (w->engine_error)
        return w->engine_error;
    if (w->n_said >= w->engine_room)
        return -ENOBUFS;
    struct said *s = &w->said[w->n_said++];
    s->type = type;
    s->len = alen + blen;
    assert_true(s->len <= sizeof s->data);
    memcpy(s->data, a, alen);
    if (blen)
        memcpy(s->data + alen, b, blen);
    return 0;
}

static inline void world_ike(void *ctx, const struct sadb_ike *path, const uint8_t *msg, size_t len)
{
    struct world *w = ctx;
    struct kept *k = &w->ike[w->n_ike++ % 4];
    k->local = path->local;
    k->remote = path->remote;
    k->rport = path->remote_port;
    k->len = (uint32_t)len;
    if (len && len <= sizeof k->data)
        memcpy(k->data, msg, len);
}

static const struct dp_io world_io = {.wire = world_wire,
                                      .tun = world_tun,
                                      .back = world_back,
                                      .engine = world_engine,
                                      .ike = world_ike};

static inline struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    struct log log = {.who = "test", .level = LOGL_ERROR, .fd = -1};
    assert_non_null(w);
    w->time.mono_us = 1000 * USEC_PER_SEC;
    w->wire_cause = w->tun_cause = PKT_OK;
    w->engine_room = KEPT;
    w->v = pktvec_new();
    w->stats = calloc(1, sizeof *w->stats);
    w->dp = dp_new(clock_manual(&w->time), &log, crypto_new(CRYPTO_AUTO), &world_io, w);
    assert_non_null(w->dp);
    dp_set_stats(w->dp, w->stats);
    return w;
}

static inline void world_free(struct world *w)
{
    dp_free(w->dp);
    pktvec_free(w->v);
    free(w->stats);
    free(w);
}

static inline void world_clear(struct world *w)
{
    w->n_wire = w->n_tun = w->n_back = w->n_said = w->n_ike = 0;
}

/* The next message of a type that the core sent; its data is copied out. */
static inline bool world_heard(const struct world *w, uint16_t type, void *out, size_t len)
{
    for (size_t i = 0; i < w->n_said; i++)
        if (w->said[i].type == type) {
            assert_int_equal(w->said[i].len, len);
            memcpy(out, w->said[i].data, len);
            return true;
        }
    return false;
}

static inline size_t world_count(const struct world *w, uint16_t type)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n_said; i++)
        n += w->said[i].type == type;
    return n;
}

/* Sends a request and returns what its ACK says. Everything said before is forgotten. */
static inline int request(struct world *w, uint16_t type, const void *data, size_t len)
{
    struct sadb_ack a;
    uint32_t seq;
    memcpy(&seq, data, sizeof seq);
    w->n_said = 0;
    dp_message(w->dp, type, data, len);
    assert_true(world_heard(w, SADB_ACK, &a, sizeof a));
    assert_int_equal(a.seq, seq);
    return a.err;
}

static inline int add(struct world *w, struct sadb_sa m)
{
    m.seq = ++w->seq;
    return request(w, SADB_ADD, &m, sizeof m);
}

static inline int ref(struct world *w, uint16_t type, struct sadb_ref r)
{
    r.seq = ++w->seq;
    return request(w, type, &r, sizeof r);
}

static inline int set_policy(struct world *w, uint32_t ifid, const struct sadb_spd_entry *e,
                             uint32_t n, uint8_t more)
{
    uint8_t frame[16384];
    struct sadb_spd_set s;
    memset(&s, 0, sizeof s);
    s.seq = ++w->seq;
    s.ifid = ifid;
    s.count = n;
    s.more = more;
    assert_true(sizeof s + n * sizeof *e <= sizeof frame);
    memcpy(frame, &s, sizeof s);
    if (n)
        memcpy(frame + sizeof s, e, n * sizeof *e);
    return request(w, SADB_SPD_SET, frame, sizeof s + n * sizeof *e);
}

/* The usual policy: 10.10.10.0/24 to 192.168.10.0/24 by policy 10 on interface 1. */
static inline struct sadb_spd_entry usual(void)
{
    struct sadb_spd_entry e;
    memset(&e, 0, sizeof e);
    e.policy = 10;
    e.map_seq = 10;
    e.action = SPD_PROTECT;
    e.slot = 7;
    e.sel = sel("10.10.10.0", 24, "192.168.10.0", 24, 0);
    return e;
}

/* n packets from the shadow TUN; the i-th has source port i. */
static inline void from_host(struct world *w, const char *src, const char *dst, size_t n,
                             uint16_t len)
{
    struct pkt *p[PKT_BATCH];
    for (size_t i = 0; i < n; i++) {
        p[i] = &w->v->p[i];
        pkt_reset(p[i]);
        p[i]->len = make_ip4(p[i]->data, src, dst, IPPROTO_UDP, (uint16_t)i, 9, len);
    }
    dp_outbound(w->dp, 1, true, p, n);
}

/* The header that the kernel took off. */
static inline void arrive_header6(struct pkt *p)
{
    p->hlen = IP6_HLEN;
    p->head = p->data - IP6_HLEN;
    ip6_build(p->head, &p->remote, &p->local, p->proto, (uint16_t)p->len, p->tos,
              p->ttl ? p->ttl : IP_OUTER_TTL);
}

/* Hands kept ESP and AH packets of one world to another. */
static inline void arrive(struct world *to, const struct kept *k, size_t n)
{
    struct pkt *p[PKT_BATCH];
    for (size_t i = 0; i < n; i++) {
        p[i] = &to->v->p[i];
        pkt_reset(p[i]);
        memcpy(p[i]->data, k[i].data, k[i].len);
        p[i]->len = k[i].len;
        p[i]->local = k[i].remote;
        p[i]->remote = k[i].local;
        p[i]->udp = k[i].udp;
        p[i]->lport = p[i]->rport = k[i].udp ? 4500 : 0;
        p[i]->tos = k[i].tos;
        p[i]->ttl = k[i].ttl;
        p[i]->proto = k[i].proto;
        if (k[i].hlen && p[i]->data[0] >> 4 == 4)
            assert_int_equal(wire_strip_ip4(p[i]), 0);
        else if (k[i].hlen)
            strip_ip6(p[i]);
        else if (k[i].local.family == AF_INET6 && !k[i].udp)
            arrive_header6(p[i]);
    }
    dp_inbound(to->dp, p, n);
}

static inline uint64_t drops(const struct dp_counters *c, enum dp_cause cause)
{
    return dp_read(&c->drops[cause]);
}

#endif
