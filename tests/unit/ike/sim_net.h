/*
 * Two (or three) engines of IKE in one process, under a clock that the test moves and on a network
 * that loses, doubles, reorders and delays by a seed. Both versions of IKE use it, by
 * tests/unit/ike/sim.h and tests/unit/isakmp/sim.h; everything is static. Who includes it has said:
 *
 *   SIM_ENGINE  the library's engine, SIM_FIELD its name in a node
 *   SIM_LIB(x)  the library's public function x
 *   SIM_POLICY  a policy of the library
 *   SIM_OWN     members of a node that the library's version of IKE has for itself
 */
#ifndef TESTS_IKE_SIM_NET_H
#define TESTS_IKE_SIM_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/ike/shared.h"
#include <errno.h>
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
    struct sadb_alg encr[2], integ[2], ah[2];
    uint8_t proto;
    uint32_t ah_spi_in, ah_spi_out;
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
    SIM_ENGINE *SIM_FIELD;
    SIM_ENGINE *standby; /* of the other box of a pair (crash.h), which gets what is saved */
    bool far;            /* the engine runs on the other box, by its clock */
    struct addr addr;
    bool behind_nat;
    SIM_POLICY policy[4];
    size_t n_policy;
    struct ike_esp_proposal esp[2];
    struct sim_entry entry[4];
    size_t n_entry;
    SIM_OWN
    bool dead;         /* hears and says nothing */
    bool no_rekey;     /* children end with their lifetime */
    bool slow_jobs;    /* key agreements take simulated time */
    int fail_child_up; /* error to give */
    struct sim_child child[SIM_CHILDREN];
    size_t n_child;
    int front, back;
    uint32_t handles;
    unsigned sa_up, sa_down, failed, retransmits, mismatches, no_line, widened;
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
    bool debug;
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
        if (!d->SIM_FIELD)
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
    if (n->SIM_FIELD && !n->dead && (!s->tap || s->tap(s, &k)))
        SIM_LIB(input)(n->SIM_FIELD, &k.path, k.data, k.len);
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

/* Runs on until nothing is on its way. */
static inline void sim_settle(struct sim *s)
{
    for (int i = 0; i < 100 && (s->n_packet || s->jobs); i++)
        sim_for(s, 0.5);
}

#endif
