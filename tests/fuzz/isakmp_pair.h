/*
 * Two engines of IKEv1 for fuzzing: no network, messages wait until they are delivered, the key
 * agreement is the cheapest, everything is the same at each run except OpenSSL's key pairs.
 */
#ifndef TESTS_FUZZ_ISAKMP_PAIR_H
#define TESTS_FUZZ_ISAKMP_PAIR_H

#include "control/isakmp/codec.h"
#include "control/isakmp/isakmp.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Nothing, main mode message by message, quick mode message by message, established, phase 1 gone;
 * then the same with aggressive mode. */
#define PAIR_STAGES 12
#define PAIR_QUEUE  64

struct pair;
struct pair_side {
    struct pair *pair;
    struct isakmp *k;
    struct addr addr;
    struct isakmp_policy policy;
    struct ike_esp_proposal esp;
    struct ike_child_cfg cfg;
};
struct pair {
    struct manual_time time;
    struct clock clk;
    struct timerq q;
    struct pair_side side[2];
    struct {
        uint8_t *msg;
        size_t len;
        int to;
        struct ike_path path;
    } queue[PAIR_QUEUE];
    unsigned n;
    bool aggressive;
    uint8_t last[16]; /* cookies of the last message sent */
    uint32_t random;
    long children; /* installed minus removed: never below zero */
};

static inline int pair_send(void *h, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    struct pair_side *s = h;
    struct pair *pair = s->pair;

    if (len < ISK_HEADER_LEN)
        abort();
    memcpy(pair->last, msg, 16);
    if (pair->n == PAIR_QUEUE)
        return 0;
    uint8_t *copy = malloc(len);
    memcpy(copy, msg, len);
    pair->queue[pair->n].msg = copy;
    pair->queue[pair->n].len = len;
    pair->queue[pair->n].to = s == &pair->side[0];
    pair->queue[pair->n++].path = (struct ike_path){p->remote, p->local, p->rport, p->lport};
    return 0;
}

static inline void pair_deliver_one(struct pair *p)
{
    if (p->n == 0)
        return;
    uint8_t *msg = p->queue[0].msg;
    size_t len = p->queue[0].len;
    int to = p->queue[0].to;
    struct ike_path path = p->queue[0].path;
    memmove(&p->queue[0], &p->queue[1], --p->n * sizeof p->queue[0]);
    isakmp_input(p->side[to].k, &path, msg, len);
    free(msg);
}

/* Delivers what waits, and what that causes, for a bounded time. */
static inline void pair_deliver(struct pair *p)
{
    for (unsigned round = 0; p->n > 0 && round < 256; round++)
        pair_deliver_one(p);
}

static inline void pair_inject(struct pair *p, unsigned to, uint16_t port, const uint8_t *msg,
                               size_t len)
{
    struct ike_path path = {p->side[to].addr, p->side[!to].addr, port, port};
    isakmp_input(p->side[to].k, &path, msg, len);
}

static inline const struct isakmp_policy *pair_policies(void *h, const struct addr *local,
                                                        size_t *n)
{
    struct pair_side *s = h;
    (void)local;
    *n = 1;
    return &s->policy;
}

static inline bool pair_peer(void *h, const struct ike_path *p, const struct ike_identity *id,
                             struct isakmp_peer_cfg *out)
{
    (void)p;
    (void)id;
    *out = (struct isakmp_peer_cfg){.psk = (const uint8_t *)"cisco",
                                    .psk_len = 5,
                                    .aggressive = ((struct pair_side *)h)->pair->aggressive,
                                    .dpd_seconds = 10,
                                    .dpd_retry = 2,
                                    .dpd_periodic = true,
                                    .fragmentation = true};
    return true;
}

static inline int pair_accept(void *h, const struct ike_sa_state *sa,
                              const struct selector *offered, size_t n, struct ike_child_cfg *cfg)
{
    struct pair_side *s = h;
    (void)sa;
    *cfg = s->cfg;
    for (size_t i = 0; i < n; i++)
        if (ike_selector_narrow(&s->cfg.sel, &offered[i], &cfg->sel))
            return 0;
    return -ENOENT;
}

static inline int pair_cfg(void *h, const struct ike_sa_state *sa, const struct ike_child_state *c,
                           struct ike_child_cfg *cfg)
{
    (void)sa;
    (void)c;
    *cfg = ((struct pair_side *)h)->cfg;
    return 0;
}

static inline int pair_alloc(void *h, struct ike_child_state *c)
{
    (void)h;
    c->sa_in = c->spi_in;
    c->sa_out = c->spi_out;
    return 0;
}

static inline int pair_up(void *h, const struct ike_sa_state *sa, const struct ike_child_state *c,
                          const struct ike_child_keys *keys, const struct ike_child_cfg *cfg)
{
    struct pair_side *s = h;
    (void)sa;
    (void)cfg;
    if (c->n_ts != 1 || keys->encr[0].key_len > SADB_KEY_MAX ||
        keys->integ[0].key_len > SADB_KEY_MAX || c->spi_in < 256 || c->spi_out < 256)
        abort();
    s->pair->children++;
    return 0;
}

static inline void pair_down(void *h, const struct ike_sa_state *sa,
                             const struct ike_child_state *c, enum ike_reason why)
{
    struct pair_side *s = h;
    (void)sa;
    (void)c;
    (void)why;
    if (--s->pair->children < 0)
        abort();
}

static inline void pair_failed(void *h, uint32_t policy, const struct ike_path *p,
                               enum ike_reason why)
{
    (void)h;
    (void)policy;
    (void)p;
    (void)why;
}

static inline bool pair_debug_on(void *h, enum isakmp_debug cls)
{
    (void)h;
    (void)cls;
    return true;
}

static inline void pair_debug(void *h, enum isakmp_debug cls, const char *text)
{
    (void)h;
    (void)cls;
    if (strlen(text) > 600)
        abort();
}

static inline void pair_random(void *h, uint8_t *p, size_t n)
{
    struct pair_side *s = h;
    for (size_t i = 0; i < n; i++) {
        s->pair->random = s->pair->random * 1664525u + 1013904223u;
        p[i] = (uint8_t)(s->pair->random >> 24);
    }
}

static inline void pair_side_set(struct pair *p, int i)
{
    static const struct isakmp_host host = {.base = {.send = pair_send,
                                                     .accept_child = pair_accept,
                                                     .child_cfg = pair_cfg,
                                                     .child_alloc = pair_alloc,
                                                     .child_up = pair_up,
                                                     .child_down = pair_down,
                                                     .initiate_failed = pair_failed,
                                                     .random = pair_random},
                                            .policies = pair_policies,
                                            .peer = pair_peer,
                                            .debug_on = pair_debug_on,
                                            .debug = pair_debug};
    struct pair_side *s = &p->side[i];
    struct addr net[2];

    s->pair = p;
    addr_parse(i ? "203.0.113.1" : "192.0.2.1", &s->addr);
    addr_parse("10.10.10.0", &net[i]);
    addr_parse("192.168.10.0", &net[!i]);
    s->policy = (struct isakmp_policy){.priority = 1,
                                       .encr = {ENCR_AES_CBC, 128},
                                       .hash = PRF_SHA256,
                                       .group = DH_ECP256,
                                       .auth = 1,
                                       .lifetime = 3000};
    s->esp = (struct ike_esp_proposal){.encr = {{ENCR_AES_CBC, 256}},
                                       .integ = {INTEG_SHA256_128},
                                       .n_encr = 1,
                                       .n_integ = 1};
    s->cfg = (struct ike_child_cfg){.policy = 7,
                                    .ifid = 3,
                                    .proposal = {&s->esp},
                                    .n_proposal = 1,
                                    .mode = SADB_TUNNEL,
                                    .life_seconds = 2000};
    s->cfg.sel.lport[1] = s->cfg.sel.rport[1] = 65535;
    struct prefix l = prefix_make(&net[0], 24), r = prefix_make(&net[1], 24);
    s->cfg.sel.local = prefix_range(&l);
    s->cfg.sel.remote = prefix_range(&r);
    s->k = isakmp_new(&host, s, &p->q, &p->clk);
    if (!s->k)
        abort();
}

/* The engines are made once: loading OpenSSL's providers costs more than a run. */
static inline struct pair *pair_get(void)
{
    static struct pair *kept;

    if (!kept) {
        kept = calloc(1, sizeof *kept);
        kept->time.mono_us = 1000 * USEC_PER_SEC;
        kept->clk = clock_manual(&kept->time);
        for (int i = 0; i < 2; i++)
            pair_side_set(kept, i);
    }
    kept->random = 1;
    return kept;
}

static inline bool pair_first(void *ctx, const struct ike_sa_state *sa)
{
    *(struct ike_sa_state *)ctx = *sa;
    return false;
}

static inline void pair_sleep(struct pair *p, unsigned seconds)
{
    p->time.mono_us += seconds * USEC_PER_SEC;
    timerq_run(&p->q, p->time.mono_us, 64);
}

static inline void pair_advance(struct pair *p, unsigned stage)
{
    struct ike_path path = {p->side[0].addr, p->side[1].addr, 500, 500};
    struct ike_sa_state sa = {0};
    static const uint8_t messages[PAIR_STAGES] = {0, 0, 1, 2, 3, 4, 5, 6, 7, 255, 255, 2};

    p->aggressive = stage == PAIR_STAGES - 1;
    if (stage == 0)
        return;
    isakmp_initiate(p->side[0].k, &path, &p->side[0].cfg);
    for (unsigned i = 0; i < messages[stage] && p->n > 0; i++)
        pair_deliver_one(p);
    if (stage == 10) { /* children without phase 1 */
        isakmp_each(p->side[0].k, pair_first, &sa);
        isakmp_clear_one(p->side[0].k, sa.tunnel_id);
        pair_deliver(p);
    }
}

/* Bytes of a real message changed at places: triples of a 16-bit offset and a value. */
static inline void pair_edit(uint8_t *msg, size_t len, const uint8_t *edits, size_t n)
{
    for (; n >= 3 && len > 0; edits += 3, n -= 3)
        msg[(size_t)(edits[0] << 8 | edits[1]) % len] = edits[2];
}

static inline bool pair_any(void *ctx, const struct ike_sa_state *sa)
{
    (void)sa;
    *(bool *)ctx = true;
    return false;
}

/* The network is dead from here on: whatever was begun must end by itself, and leave nothing. */
static inline void pair_finish(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        isakmp_clear(p->side[i].k, NULL, 0);
    for (int i = 0; i < 200; i++) {
        p->time.mono_us += 2 * USEC_PER_SEC;
        timerq_run(&p->q, p->time.mono_us, 64);
        while (p->n > 0)
            free(p->queue[--p->n].msg);
    }
    bool left = p->children != 0 || timerq_next(&p->q) >= 0;
    for (int i = 0; i < 2; i++)
        isakmp_each(p->side[i].k, pair_any, &left);
    if (left)
        abort();
}

#endif
