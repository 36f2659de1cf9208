/*
 * Two engines of IKE for fuzzing: no network, messages wait until they are delivered, the key
 * agreement is the cheapest, everything is the same at each run except OpenSSL's key pairs. Both
 * versions of IKE use it, by ike_pair.h and isakmp_pair.h. Who includes it has said:
 *
 *   PAIR_ENGINE  the library's engine, PAIR_FIELD its name in a side
 *   PAIR_LIB(x)  the library's public function x
 *   PAIR_POLICY  a policy of the library
 *   PAIR_HEADER  what every message has at least, in bytes
 */
#ifndef TESTS_FUZZ_PAIR_H
#define TESTS_FUZZ_PAIR_H

#include "control/ike/shared.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAIR_QUEUE 64

struct pair;
struct pair_side {
    struct pair *pair;
    PAIR_ENGINE *PAIR_FIELD;
    struct addr addr;
    PAIR_POLICY policy;
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
    uint8_t last[16]; /* SPIs (cookies) of the last message sent */
    uint32_t random;
    bool aggressive; /* IKEv1 */
    long children;   /* installed minus removed: never below zero */
};

/* The library's own: its engine, its policy, what it may install. */
static void pair_own(struct pair_side *s);
static bool pair_child_ok(const struct ike_child_state *c);

static inline int pair_send(void *h, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    struct pair_side *s = h;
    struct pair *pair = s->pair;

    if (len < PAIR_HEADER)
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
    PAIR_LIB(input)(p->side[to].PAIR_FIELD, &path, msg, len);
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
    PAIR_LIB(input)(p->side[to].PAIR_FIELD, &path, msg, len);
}

static inline const PAIR_POLICY *pair_policies(void *h, const struct addr *local, size_t *n)
{
    struct pair_side *s = h;
    (void)local;
    *n = 1;
    return &s->policy;
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
    if (!pair_child_ok(c) || keys->encr[0].key_len > SADB_KEY_MAX ||
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
    struct pair_side *s = &p->side[i];
    struct addr net[2];

    s->pair = p;
    addr_parse(i ? "203.0.113.1" : "192.0.2.1", &s->addr);
    addr_parse("10.10.10.0", &net[i]);
    addr_parse("192.168.10.0", &net[!i]);
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
    pair_own(s);
    if (!s->PAIR_FIELD)
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

static inline void pair_sleep(struct pair *p, unsigned seconds)
{
    p->time.mono_us += seconds * USEC_PER_SEC;
    timerq_run(&p->q, p->time.mono_us, 64);
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
        PAIR_LIB(clear)(p->side[i].PAIR_FIELD, NULL, 0);
    for (int i = 0; i < 200; i++) {
        p->time.mono_us += 2 * USEC_PER_SEC;
        timerq_run(&p->q, p->time.mono_us, 64);
        while (p->n > 0)
            free(p->queue[--p->n].msg);
    }
    bool left = p->children != 0 || timerq_next(&p->q) >= 0;
    for (int i = 0; i < 2; i++)
        PAIR_LIB(each)(p->side[i].PAIR_FIELD, pair_any, &left);
    if (left)
        abort();
}

#endif
