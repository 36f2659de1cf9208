/*
 * Two IKE engines for fuzzing: no network, messages wait until they are delivered, the key
 * agreement is the cheapest, everything is the same at each run except OpenSSL's key pairs.
 */
#ifndef TESTS_FUZZ_IKE_PAIR_H
#define TESTS_FUZZ_IKE_PAIR_H

#include "control/ike/codec.h"
#include "control/ike/ike.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* nothing, first message out, responder half open, IKE_AUTH out, established, leaving */
#define PAIR_STAGES 10
#define PAIR_QUEUE  64

struct pair;
struct pair_side {
    struct pair *pair;
    struct ike *ike;
    struct addr addr;
    struct ike_policy policy;
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
    uint8_t last[16]; /* SPIs of the last message sent */
    uint32_t random;
    long children; /* installed minus removed: never below zero */
};

static inline int pair_send(void *h, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    struct pair_side *s = h;
    struct pair *pair = s->pair;

    if (len < IKE_HEADER_LEN)
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

/* Delivers what waits, and what that causes, for a bounded time. */
static inline void pair_deliver(struct pair *p)
{
    for (unsigned round = 0; p->n > 0 && round < 256; round++) {
        uint8_t *msg = p->queue[0].msg;
        size_t len = p->queue[0].len;
        int to = p->queue[0].to;
        struct ike_path path = p->queue[0].path;
        memmove(&p->queue[0], &p->queue[1], --p->n * sizeof p->queue[0]);
        ike_input(p->side[to].ike, &path, msg, len);
        free(msg);
    }
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
    ike_input(p->side[to].ike, &path, msg, len);
    free(msg);
}

static inline void pair_inject(struct pair *p, unsigned to, uint16_t port, const uint8_t *msg,
                               size_t len)
{
    struct ike_path path = {p->side[to].addr, p->side[!to].addr, port, port};
    ike_input(p->side[to].ike, &path, msg, len);
}

static inline const struct ike_policy *pair_policies(void *h, const struct addr *local, size_t *n)
{
    struct pair_side *s = h;
    (void)local;
    *n = 1;
    return &s->policy;
}

static inline bool pair_peer(void *h, const struct ike_path *p, const struct ike_identity *id,
                             struct ike_peer_cfg *out)
{
    (void)h;
    (void)id;
    (void)p;
    *out = (struct ike_peer_cfg){.local_psk = (const uint8_t *)"cisco",
                                 .remote_psk = (const uint8_t *)"cisco",
                                 .local_psk_len = 5,
                                 .remote_psk_len = 5,
                                 .dpd_seconds = 10,
                                 .dpd_retry = 2,
                                 .sync_ids = true};
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
    if (c->n_ts == 0 || c->n_ts > SADB_TS_MAX || keys->encr[0].key_len > SADB_KEY_MAX ||
        keys->integ[0].key_len > SADB_KEY_MAX)
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

static inline bool pair_debug_on(void *h, enum ike_debug cls, unsigned level)
{
    (void)h;
    (void)cls;
    (void)level;
    return true;
}

static inline void pair_debug(void *h, enum ike_debug cls, unsigned level, const char *text)
{
    (void)h;
    (void)cls;
    (void)level;
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

/* The engines are made once: loading OpenSSL's providers costs more than a run. */
static inline struct pair *pair_get(void)
{
    static struct pair *kept;
    static const struct ike_host host = {.send = pair_send,
                                         .policies = pair_policies,
                                         .peer = pair_peer,
                                         .accept_child = pair_accept,
                                         .child_cfg = pair_cfg,
                                         .child_alloc = pair_alloc,
                                         .child_up = pair_up,
                                         .child_down = pair_down,
                                         .initiate_failed = pair_failed,
                                         .debug_on = pair_debug_on,
                                         .debug = pair_debug,
                                         .random = pair_random};
    struct pair *p = kept;

    if (kept) {
        kept->random = 1;
        return kept;
    }
    kept = p = calloc(1, sizeof *p);
    p->time.mono_us = 1000 * USEC_PER_SEC;
    p->clk = clock_manual(&p->time);
    p->random = 1;
    for (int i = 0; i < 2; i++) {
        struct pair_side *s = &p->side[i];
        struct addr net[2];
        s->pair = p;
        addr_parse(i ? "203.0.113.1" : "192.0.2.1", &s->addr);
        addr_parse("10.10.10.0", &net[i]);
        addr_parse("192.168.10.0", &net[!i]);
        s->policy = (struct ike_policy){.priority = 1,
                                        .encr = {{ENCR_AES_GCM16, 128}},
                                        .prf = {PRF_SHA256},
                                        .group = {DH_X25519},
                                        .n_encr = 1,
                                        .n_prf = 1,
                                        .n_group = 1,
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
        s->ike = ike_new(&host, s, &p->q, &p->clk);
        if (!s->ike)
            abort();
    }
    return p;
}

static inline void pair_sleep(struct pair *p, unsigned seconds)
{
    p->time.mono_us += seconds * USEC_PER_SEC;
    timerq_run(&p->q, p->time.mono_us, 64);
}

static inline void pair_advance(struct pair *p, unsigned stage)
{
    struct ike_path path = {p->side[0].addr, p->side[1].addr, 500, 500};

    if (stage == 0)
        return;
    ike_initiate(p->side[0].ike, &path, &p->side[0].cfg);
    for (unsigned i = 1; i < stage && i < 4; i++)
        pair_deliver_one(p); /* request, response, IKE_AUTH */
    if (stage >= 4)
        pair_deliver(p);
    if (stage == 5)
        ike_clear(p->side[0].ike, NULL, 0);
    /* Lifetimes: the child is rekeyed by one side or by both, then the IKE SA is. */
    if (stage >= 6)
        pair_sleep(p, 1901);
    if (stage == 7)
        pair_sleep(p, 75);
    if (stage >= 8) {
        pair_deliver(p);
        pair_sleep(p, 950);
    }
    if (stage == 9)
        pair_sleep(p, 90);
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
        ike_clear(p->side[i].ike, NULL, 0);
    for (int i = 0; i < 200; i++) {
        p->time.mono_us += 2 * USEC_PER_SEC;
        timerq_run(&p->q, p->time.mono_us, 64);
        while (p->n > 0)
            free(p->queue[--p->n].msg);
    }
    bool left = p->children != 0 || timerq_next(&p->q) >= 0;
    for (int i = 0; i < 2; i++)
        ike_each(p->side[i].ike, pair_any, &left);
    if (left)
        abort();
}

#endif
