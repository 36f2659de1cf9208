/*
 * Two (or three) IKE engines in one process, under a clock that the test moves and on a network
 * that loses, doubles, reorders and delays by a seed. Included by tests; everything is static.
 */
#ifndef TESTS_IKE_SIM_H
#define TESTS_IKE_SIM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/ike/codec.h"
#include "control/ike/export.h"
#include "control/ike/internal.h"
#include "control/ike/ike.h"
#include "control/ike/steps.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIM_NODES    3
#define SIM_PACKETS  512
#define SIM_CHILDREN 256
#define SIM_RECORDS  64
#define SEC          USEC_PER_SEC

struct sim;

struct sim_child { /* one pair of SAs as the host installed it */
    bool up, retired;
    uint32_t policy, spi_in, spi_out, sa_in;
    bool udp, esn;
    uint8_t mode;
    int rank; /* the highest is sent on */
    struct sadb_alg encr[2], integ[2];
    struct ike_path path;
    struct selector ts;
};

struct sim_record { /* what a successor of the engine would find */
    uint64_t key;
    uint8_t *p;
    size_t n;
};

struct sim_entry { /* what a node accepts and initiates */
    struct ike_child_cfg cfg;
};

struct sim_node {
    struct sim *sim;
    int index;
    struct ike *ike;
    struct ike *standby; /* of the other box of a pair (crash.h), which gets what is saved */
    bool far;            /* the engine runs on the other box, by its clock */
    struct addr addr;
    bool behind_nat;
    struct ike_policy policy[4];
    size_t n_policy;
    struct ike_esp_proposal esp[2];
    struct sim_entry entry[4];
    size_t n_entry;
    const char *psk_local, *psk_remote;
    uint32_t dpd_seconds, dpd_retry, lifetime;
    bool dpd_periodic, dpd_on_demand;
    struct ike_identity local_id, only_id; /* own name; whom we have a key for (type 0: anybody) */
    bool lists_peers;                      /* by address */
    bool sync_ids;                         /* it is a pair of boxes that offers RFC 6311 */
    bool dead;                             /* hears and says nothing */
    bool no_rekey;                         /* children end with their lifetime */
    bool slow_jobs;                        /* key agreements take simulated time */
    int fail_child_up;                     /* error to give */
    struct sim_child child[SIM_CHILDREN];
    size_t n_child;
    int front, back;
    uint32_t handles;
    unsigned sa_up, sa_down, failed, retransmits, mismatches;
    enum ike_reason last_failure, last_down, last_child_down;
    usec_t sent_at[64];
    unsigned n_sent;
    void (*on_failed)(struct sim_node *n);
    void (*on_sa_up)(struct sim_node *n);
    void (*on_child_up)(struct sim_node *n);
    struct sim_record record[SIM_RECORDS];
    size_t n_record;
    unsigned n_saves;
    /* The engine is killed at its kill_in-th effect on the world from now on: that one and all
     * that follow do not happen (halted). sim_restart() makes the next engine. */
    unsigned kill_in;
    bool halted;
    bool debug, ios;
    char log[32768];
};

struct sim_packet {
    usec_t when;
    uint64_t order;
    struct ike_path path; /* as the receiver sees it */
    int to;
    size_t len;
    uint8_t *data;
};

struct sim_job {
    struct timer t;
    struct ike_job *job;
    struct sim *sim;
    struct sim_job *next;
};

struct sim {
    struct manual_time time;
    struct clock clk;
    struct timerq q;
    /* The other box of each pair, whose clock is so much ahead. */
    struct timerq far_q;
    struct clock far_clk;
    usec_t ahead;
    uint64_t seed;
    unsigned loss, dup; /* per cent */
    usec_t delay_min, delay_max;
    struct sim_packet packet[SIM_PACKETS];
    size_t n_packet;
    uint64_t order;
    struct sim_node node[SIM_NODES];
    struct sim_job *jobs;
    /* Sees every packet that is about to be delivered; false loses it. */
    bool (*tap)(struct sim *s, struct sim_packet *p);
    void *tap_ctx;
    uint64_t delivered;
    void (*after)(struct sim *s); /* called after every event */
};

static inline uint64_t sim_random(struct sim *s)
{
    uint64_t z = s->seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline bool sim_effect(struct sim_node *n)
{
    if (n->kill_in && --n->kill_in == 0)
        n->halted = true;
    return !n->halted;
}

/* --- the network ------------------------------------------------------------------------- */

#define NAT_ADDR  0xc6336401u /* 198.51.100.1 stands for a node behind a NAT */
#define NAT_SHIFT 20000

static inline void sim_queue(struct sim *s, int to, const struct ike_path *p, const uint8_t *msg,
                             size_t len)
{
    if (s->n_packet == SIM_PACKETS)
        return;
    struct sim_packet *k = &s->packet[s->n_packet++];
    usec_t span = s->delay_max - s->delay_min;
    k->when = s->time.mono_us + s->delay_min +
              (span ? (usec_t)(sim_random(s) % (uint64_t)(span + 1)) : 0);
    k->order = s->order++;
    k->to = to;
    k->path = *p;
    k->len = len;
    k->data = malloc(len);
    memcpy(k->data, msg, len);
}

static inline int sim_send(void *h, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    struct sim_node *n = h;
    struct sim *s = n->sim;
    /* As the receiver sees it: its own side first. */
    struct ike_path in = {p->remote, p->local, p->rport, p->lport};
    int to = -1;

    if (!sim_effect(n))
        return 0;
    if (n->n_sent < 64)
        n->sent_at[n->n_sent++] = s->time.mono_us;
    if (n->dead)
        return 0;
    if (n->behind_nat) {
        in.remote = addr_from_v4(NAT_ADDR);
        in.rport = (uint16_t)(p->lport + NAT_SHIFT);
    }
    for (int i = 0; i < SIM_NODES; i++) {
        struct sim_node *d = &s->node[i];
        if (!d->ike)
            continue;
        if (!d->behind_nat && addr_eq(&d->addr, &in.local)) {
            to = i;
        } else if (d->behind_nat && addr_v4(&in.local) == NAT_ADDR && in.lport >= NAT_SHIFT) {
            to = i;
            in.local = d->addr;
            in.lport = (uint16_t)(in.lport - NAT_SHIFT);
        }
    }
    if (to < 0)
        return 0;
    if (sim_random(s) % 100 >= s->loss)
        sim_queue(s, to, &in, msg, len);
    if (s->dup && sim_random(s) % 100 < s->dup)
        sim_queue(s, to, &in, msg, len);
    return 0;
}

static inline void sim_deliver(struct sim *s)
{
    size_t best = 0;

    for (size_t i = 1; i < s->n_packet; i++)
        if (s->packet[i].when < s->packet[best].when ||
            (s->packet[i].when == s->packet[best].when &&
             s->packet[i].order < s->packet[best].order))
            best = i;
    struct sim_packet k = s->packet[best];
    s->packet[best] = s->packet[--s->n_packet];
    struct sim_node *n = &s->node[k.to];
    s->delivered++;
    if (n->ike && !n->dead && (!s->tap || s->tap(s, &k)))
        ike_input(n->ike, &k.path, k.data, k.len);
    free(k.data);
}

static inline usec_t sim_next_packet(const struct sim *s)
{
    usec_t t = -1;
    for (size_t i = 0; i < s->n_packet; i++)
        if (t < 0 || s->packet[i].when < t)
            t = s->packet[i].when;
    return t;
}

/* When a timer of the other boxes is due, by our clock. */
static inline usec_t sim_next_far(const struct sim *s)
{
    usec_t t = timerq_next(&s->far_q);
    return t < 0 || t - s->ahead >= 0 ? t - (t < 0 ? 0 : s->ahead) : 0;
}

/* Runs packets and timers in order until nothing is due before `until`. */
static inline void sim_run(struct sim *s, usec_t until)
{
    for (;;) {
        usec_t p = sim_next_packet(s), t = timerq_next(&s->q), far = sim_next_far(s);
        usec_t next = p < 0 ? t : t < 0 ? p : p < t ? p : t;
        next = next < 0 || (far >= 0 && far < next) ? far : next;
        if (next < 0 || next > until)
            break;
        if (next > s->time.mono_us)
            s->time.mono_us = next;
        if (next == p)
            sim_deliver(s);
        else if (next == t)
            timerq_run(&s->q, s->time.mono_us, 1);
        else
            timerq_run(&s->far_q, s->time.mono_us + s->ahead, 1);
        if (s->after)
            s->after(s);
    }
    if (until > s->time.mono_us)
        s->time.mono_us = until;
}

static inline void sim_for(struct sim *s, double seconds)
{
    sim_run(s, s->time.mono_us + (usec_t)(seconds * (double)SEC));
}

/* --- the host ---------------------------------------------------------------------------- */

static inline const struct ike_policy *sim_policies(void *h, const struct addr *local, size_t *cnt)
{
    struct sim_node *n = h;
    *cnt = n->n_policy;
    return n->n_policy && addr_eq(local, &n->addr) ? n->policy : NULL;
}

static inline bool sim_peer(void *h, const struct ike_path *p, const struct ike_identity *id,
                            struct ike_peer_cfg *out)
{
    struct sim_node *n = h;
    (void)p;
    if (!n->psk_local)
        return false;
    if (id && n->only_id.type && memcmp(id, &n->only_id, sizeof *id) != 0)
        return false;
    *out = (struct ike_peer_cfg){.local_psk = (const uint8_t *)n->psk_local,
                                 .remote_psk = (const uint8_t *)n->psk_remote,
                                 .local_psk_len = (uint16_t)strlen(n->psk_local),
                                 .remote_psk_len = (uint16_t)strlen(n->psk_remote),
                                 .local_id = n->local_id,
                                 .listed = n->lists_peers,
                                 .sync_ids = n->sync_ids,
                                 .lifetime = n->lifetime,
                                 .dpd_seconds = n->dpd_seconds,
                                 .dpd_retry = n->dpd_retry,
                                 .dpd_periodic = n->dpd_periodic,
                                 .dpd_on_demand = n->dpd_on_demand};
    return true;
}

static inline int sim_accept(void *h, const struct ike_sa_state *sa, const struct selector *offered,
                             size_t cnt, struct ike_child_cfg *cfg)
{
    struct sim_node *n = h;
    (void)sa;
    for (size_t i = 0; i < cnt; i++)
        for (size_t k = 0; k < n->n_entry; k++) {
            struct selector narrowed;
            if (!ike_selector_narrow(&n->entry[k].cfg.sel, &offered[i], &narrowed))
                continue;
            *cfg = n->entry[k].cfg;
            cfg->sel = narrowed;
            return 0;
        }
    return -ENOENT;
}

static inline int sim_cfg(void *h, const struct ike_sa_state *sa, const struct ike_child_state *c,
                          struct ike_child_cfg *cfg)
{
    struct sim_node *n = h;
    (void)sa;
    for (size_t k = 0; k < n->n_entry && !n->no_rekey; k++)
        if (n->entry[k].cfg.policy == c->policy) {
            *cfg = n->entry[k].cfg;
            return 0;
        }
    return -ENOENT;
}

static inline int sim_alloc(void *h, struct ike_child_state *c)
{
    struct sim_node *n = h;
    c->sa_in = ++n->handles;
    c->sa_out = ++n->handles;
    return 0;
}

static inline int sim_up(void *h, const struct ike_sa_state *sa, const struct ike_child_state *c,
                         const struct ike_child_keys *keys, const struct ike_child_cfg *cfg)
{
    struct sim_node *n = h;
    (void)cfg;
    if (!sim_effect(n))
        return 0;
    if (n->fail_child_up)
        return n->fail_child_up;
    assert_true(n->n_child < SIM_CHILDREN);
    struct sim_child *s = &n->child[n->n_child++];
    *s = (struct sim_child){.up = true,
                            .policy = c->policy,
                            .spi_in = c->spi_in,
                            .spi_out = c->spi_out,
                            .sa_in = c->sa_in,
                            .udp = c->udp,
                            .esn = c->esn,
                            .mode = c->mode,
                            .rank = c->replaces && !c->initiator ? --n->back : ++n->front,
                            .path = sa->path,
                            .ts = c->ts[0]};
    memcpy(s->encr, keys->encr, sizeof s->encr);
    memcpy(s->integ, keys->integ, sizeof s->integ);
    if (n->on_child_up)
        n->on_child_up(n);
    return 0;
}

static inline void sim_retired(void *h, const struct ike_sa_state *sa,
                               const struct ike_child_state *c)
{
    struct sim_node *n = h;
    (void)sa;
    if (!sim_effect(n))
        return;
    for (size_t i = 0; i < n->n_child; i++)
        if (n->child[i].up && n->child[i].spi_in == c->spi_in)
            n->child[i].retired = true;
}

static inline void sim_down(void *h, const struct ike_sa_state *sa, const struct ike_child_state *c,
                            enum ike_reason why)
{
    struct sim_node *n = h;
    (void)sa;
    if (!sim_effect(n))
        return;
    n->last_child_down = why;
    for (size_t i = 0; i < n->n_child; i++)
        if (n->child[i].up && n->child[i].spi_in == c->spi_in)
            n->child[i].up = false;
}

static inline void sim_failed(void *h, uint32_t policy, const struct ike_path *p,
                              enum ike_reason why)
{
    struct sim_node *n = h;
    (void)policy;
    (void)p;
    if (n->halted)
        return;
    n->failed++;
    n->last_failure = why;
    if (n->on_failed)
        n->on_failed(n);
}

static inline void sim_event(void *h, enum ike_event ev, const struct ike_sa_state *sa,
                             const char *text)
{
    struct sim_node *n = h;
    (void)sa;
    n->mismatches += ev == IKE_EV_NO_PROPOSAL && strstr(text, "offered") != NULL;
    n->sa_up += ev == IKE_EV_SA_UP;
    n->sa_down += ev == IKE_EV_SA_DOWN;
    n->retransmits += ev == IKE_EV_RETRANSMIT;
    if (ev == IKE_EV_SA_UP && n->on_sa_up)
        n->on_sa_up(n);
}

static inline bool sim_debug_on(void *h, enum ike_debug cls, unsigned level)
{
    struct sim_node *n = h;
    (void)cls;
    (void)level;
    return n->debug;
}

static inline bool sim_debug_ios(void *h)
{
    return ((struct sim_node *)h)->ios;
}

static inline void sim_debug(void *h, enum ike_debug cls, unsigned level, const char *text)
{
    struct sim_node *n = h;
    size_t len = strlen(n->log);
    (void)cls;
    (void)level;
    snprintf(n->log + len, sizeof n->log - len, "%s\n", text);
}

static inline void sim_job_fire(struct timer *t, void *owner)
{
    struct sim_job *j = owner, **at = &j->sim->jobs;
    (void)t;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    struct ike_job *job = j->job;
    free(j);
    job->done(job);
}

static inline void sim_run_job(void *h, struct ike_job *job)
{
    struct sim_node *n = h;
    struct sim *s = n->sim;

    job->work(job);
    if (!n->slow_jobs) {
        job->done(job);
        return;
    }
    struct sim_job *j = calloc(1, sizeof *j);
    j->job = job;
    j->sim = s;
    j->next = s->jobs;
    s->jobs = j;
    timer_init(&j->t, sim_job_fire, j);
    timer_set(&s->q, &j->t, s->time.mono_us + (usec_t)(sim_random(s) % 200000));
}

static inline void sim_bytes(void *h, uint8_t *p, size_t cnt)
{
    struct sim_node *n = h;
    for (size_t i = 0; i < cnt; i++)
        p[i] = (uint8_t)(sim_random(n->sim) >> 24);
}

static inline struct sim_record *sim_record(struct sim_node *n, uint64_t key)
{
    for (size_t i = 0; i < n->n_record; i++)
        if (n->record[i].key == key)
            return &n->record[i];
    return NULL;
}

static inline void sim_forget(struct sim_node *n, struct sim_record *r)
{
    free(r->p);
    *r = n->record[--n->n_record];
}

static inline int sim_line(void *ctx, uint32_t *policy, uint32_t *ifid)
{
    (void)ctx;
    (void)policy;
    (void)ifid;
    return 0;
}

static inline int sim_numbers(void *ctx, struct ike_sa_state *sa)
{
    (void)ctx;
    (void)sa;
    return 0;
}

/* The other box gets it before anything leaves. */
static inline void sim_mirror(struct sim_node *n, uint64_t key, const uint8_t *p, size_t cnt)
{
    const struct ike_import how = {.shift = n->far ? -n->sim->ahead : n->sim->ahead,
                                   .line = sim_line,
                                   .numbers = sim_numbers};
    if (n->standby && p)
        assert_int_equal(ike_import(n->standby, key, p, cnt, &how), 0);
    else if (n->standby)
        ike_forget(n->standby, key);
}

static inline void sim_save(void *h, const struct ike_sa_state *of, uint64_t key, const uint8_t *p,
                            size_t cnt)
{
    struct sim_node *n = h;
    (void)of;
    if (!sim_effect(n))
        return;
    struct sim_record *r = sim_record(n, key);
    n->n_saves++;
    sim_mirror(n, key, p, cnt);
    if (!p) {
        assert_non_null(r);
        sim_forget(n, r);
        return;
    }
    assert_true(cnt > 0);
    struct ike_numbers numbers;
    struct ike_sa *sa = calloc(1, sizeof *sa); /* whatever is saved can be restored */
    assert_int_equal(ike_sa_unpack(n->ike, sa, &numbers, p, cnt, 0), 0);
    ike_sa_wipe(sa);
    if (!r) {
        assert_true(n->n_record < SIM_RECORDS);
        r = &n->record[n->n_record++];
        *r = (struct sim_record){.key = key};
    }
    free(r->p);
    r->p = malloc(cnt);
    memcpy(r->p, p, cnt);
    r->n = cnt;
}

static const struct ike_host sim_host = {
    .send = sim_send,
    .policies = sim_policies,
    .peer = sim_peer,
    .accept_child = sim_accept,
    .child_cfg = sim_cfg,
    .child_alloc = sim_alloc,
    .child_up = sim_up,
    .child_retired = sim_retired,
    .child_down = sim_down,
    .initiate_failed = sim_failed,
    .event = sim_event,
    .debug_on = sim_debug_on,
    .debug = sim_debug,
    .debug_ios = sim_debug_ios,
    .run_job = sim_run_job,
    .random = sim_bytes,
    .save = sim_save,
};

/* --- set-up ------------------------------------------------------------------------------ */

static inline struct selector sim_selector(const char *local, const char *remote, unsigned len)
{
    struct addr l, r;
    struct selector s = {.lport = {0, 65535}, .rport = {0, 65535}};
    addr_parse(local, &l);
    addr_parse(remote, &r);
    struct prefix pl = prefix_make(&l, len), pr = prefix_make(&r, len);
    s.local = prefix_range(&pl);
    s.remote = prefix_range(&pr);
    return s;
}

static inline struct ike_policy sim_policy(uint16_t encr, uint16_t bits, uint16_t integ,
                                           uint16_t prf, uint16_t group)
{
    return (struct ike_policy){.priority = 1,
                               .encr = {{encr, bits}},
                               .integ = {integ},
                               .prf = {prf},
                               .group = {group},
                               .n_encr = 1,
                               .n_integ = 1,
                               .n_prf = 1,
                               .n_group = 1,
                               .lifetime = 86400};
}

static inline struct ike *sim_engine(struct sim *s, int i, bool far)
{
    struct ike *e = far ? ike_new(&sim_host, &s->node[i], &s->far_q, &s->far_clk)
                        : ike_new(&sim_host, &s->node[i], &s->q, &s->clk);
    assert_non_null(e);
    return e;
}

static inline void sim_node_start(struct sim *s, int i)
{
    s->node[i].ike = sim_engine(s, i, s->node[i].far);
}

static inline usec_t sim_far_mono(void *ctx)
{
    struct sim *s = ctx;
    return s->time.mono_us + s->ahead;
}

static inline usec_t sim_far_wall(void *ctx)
{
    return ((struct sim *)ctx)->time.wall_us;
}

/* Node 0 is 192.0.2.1 with 10.10.10.0/24 behind it, node 1 203.0.113.1 with 192.168.10.0/24:
 * the boxes of seed 000. */
static inline struct sim *sim_new(uint64_t seed, uint16_t group)
{
    struct sim *s = calloc(1, sizeof *s);

    s->seed = seed;
    s->time.mono_us = 10000 * SEC;
    s->clk = clock_manual(&s->time);
    s->far_clk = (struct clock){sim_far_mono, sim_far_wall, s};
    s->delay_min = s->delay_max = 1000;
    for (int i = 0; i < 2; i++) {
        struct sim_node *n = &s->node[i];
        n->sim = s;
        n->index = i;
        addr_parse(i ? "203.0.113.1" : "192.0.2.1", &n->addr);
        n->policy[0] = sim_policy(ENCR_AES_CBC, 256, INTEG_SHA256_128, PRF_SHA256, group);
        n->n_policy = 1;
        n->esp[0] = (struct ike_esp_proposal){.name = "PROPOSAL",
                                              .encr = {{ENCR_AES_CBC, 256}},
                                              .integ = {INTEG_SHA256_128},
                                              .n_encr = 1,
                                              .n_integ = 1};
        n->entry[0].cfg =
            (struct ike_child_cfg){.policy = 7,
                                   .ifid = 3,
                                   .map = "MAP",
                                   .map_seq = 1,
                                   .sel = i ? sim_selector("192.168.10.0", "10.10.10.0", 24)
                                            : sim_selector("10.10.10.0", "192.168.10.0", 24),
                                   .proposal = {&n->esp[0]},
                                   .n_proposal = 1,
                                   .mode = SADB_TUNNEL,
                                   .life_seconds = 28800,
                                   .replay_window = 64};
        n->n_entry = 1;
        n->psk_local = n->psk_remote = "cisco";
        sim_node_start(s, i);
    }
    return s;
}

static inline void sim_free(struct sim *s)
{
    for (int i = 0; i < SIM_NODES; i++) {
        ike_free(s->node[i].ike);
        ike_free(s->node[i].standby);
        while (s->node[i].n_record)
            sim_forget(&s->node[i], &s->node[i].record[0]);
    }
    while (s->jobs) { /* what a helper thread would still hold */
        struct sim_job *j = s->jobs;
        s->jobs = j->next;
        timer_cancel(&s->q, &j->t);
        j->job->done(j->job);
        free(j);
    }
    for (size_t i = 0; i < s->n_packet; i++)
        free(s->packet[i].data);
    timerq_free(&s->q);
    timerq_free(&s->far_q);
    free(s);
}

static inline struct ike_path sim_path(struct sim *s, int from, int to)
{
    return (struct ike_path){s->node[from].addr, s->node[to].addr, 500, 500};
}

static inline int sim_initiate(struct sim *s, int from, int to, int entry)
{
    struct ike_path p = sim_path(s, from, to);
    return ike_initiate(s->node[from].ike, &p, &s->node[from].entry[entry].cfg);
}

/* --- looking ----------------------------------------------------------------------------- */

struct sim_seen {
    unsigned n, established;
    const struct ike_sa_state *last;
};

static inline bool sim_see(void *ctx, const struct ike_sa_state *sa)
{
    struct sim_seen *v = ctx;
    v->n++;
    v->established += sa->state == IKE_ESTABLISHED;
    v->last = sa;
    return true;
}

static inline struct sim_seen sim_sas(struct sim *s, int i)
{
    struct sim_seen v = {0};
    ike_each(s->node[i].ike, sim_see, &v);
    return v;
}

static inline unsigned sim_up_count(const struct sim_node *n)
{
    unsigned c = 0;
    for (size_t i = 0; i < n->n_child; i++)
        c += n->child[i].up;
    return c;
}

static inline bool sim_alg_eq(const struct sadb_alg *a, const struct sadb_alg *b)
{
    return a->id == b->id && a->key_len == b->key_len && memcmp(a->key, b->key, a->key_len) == 0;
}

/* The other half of a child, or NULL; keys must agree crosswise. */
static inline const struct sim_child *sim_twin(const struct sim_node *other,
                                               const struct sim_child *c)
{
    for (size_t i = 0; i < other->n_child; i++) {
        const struct sim_child *o = &other->child[i];
        if (o->up && o->spi_in == c->spi_out && o->spi_out == c->spi_in &&
            sim_alg_eq(&o->encr[0], &c->encr[1]) && sim_alg_eq(&o->encr[1], &c->encr[0]) &&
            sim_alg_eq(&o->integ[0], &c->integ[1]) && sim_alg_eq(&o->integ[1], &c->integ[0]))
            return o;
    }
    return NULL;
}

static inline bool sim_all_twins(struct sim *s, int a, int b)
{
    for (size_t i = 0; i < s->node[a].n_child; i++)
        if (s->node[a].child[i].up && !sim_twin(&s->node[b], &s->node[a].child[i]))
            return false;
    return true;
}

static inline void assert_tunnel(struct sim *s, unsigned children)
{
    assert_int_equal(sim_up_count(&s->node[0]), children);
    assert_int_equal(sim_up_count(&s->node[1]), children);
    assert_true(sim_all_twins(s, 0, 1));
    assert_true(sim_all_twins(s, 1, 0));
}

static inline void assert_nothing(struct sim *s)
{
    assert_int_equal(sim_up_count(&s->node[0]), 0);
    assert_int_equal(sim_up_count(&s->node[1]), 0);
    assert_int_equal(sim_sas(s, 0).n, 0);
    assert_int_equal(sim_sas(s, 1).n, 0);
}

static inline struct sim *up(uint16_t group)
{
    struct sim *s = sim_new(1, group);
    assert_int_equal(sim_initiate(s, 0, 1, 0), 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    return s;
}

/* Whether n of total runs may be what comes of a share of 1 in `of` or more: at least the mean less
 * three standard deviations. It holds for any number of runs, and the more there are the more it
 * says. */
static inline bool sim_share(uint64_t n, uint64_t total, unsigned of)
{
    double p = 1.0 / of, less = (double)total * p - (double)n;
    return less <= 0 || less * less <= 9 * (double)total * p * (1 - p);
}

#endif
