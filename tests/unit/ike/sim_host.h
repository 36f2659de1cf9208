/*
 * What an engine's host does in the simulator (sim_net.h): children, records, helper threads; how a
 * simulation begins and ends, and what tests look at.
 */
#ifndef TESTS_IKE_SIM_HOST_H
#define TESTS_IKE_SIM_HOST_H

#include "tests/unit/ike/sim_net.h"

/* The library's own: a record that was saved, what a node has at
 * first, and its engine. */
static void sim_saved(struct sim_node *n, const uint8_t *p, size_t cnt);
static void sim_defaults(struct sim_node *n, uint16_t group);
static SIM_ENGINE *sim_make(struct sim_node *n, struct timerq *q, const struct clock *clk);

/* --- the host ---------------------------------------------------------------------------- */

static inline const SIM_POLICY *sim_policies(void *h, const struct addr *local, size_t *cnt)
{
    struct sim_node *n = h;
    *cnt = n->n_policy;
    return n->n_policy && addr_eq(local, &n->addr) ? n->policy : NULL;
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
                            .proto = c->proto,
                            .ah_spi_in = c->ah_spi_in,
                            .ah_spi_out = c->ah_spi_out,
                            .rank = c->replaces && !c->initiator ? --n->back : ++n->front,
                            .path = sa->path,
                            .ts = c->ts[0]};
    memcpy(s->encr, keys->encr, sizeof s->encr);
    memcpy(s->integ, keys->integ, sizeof s->integ);
    memcpy(s->ah, keys->ah, sizeof s->ah);
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
    n->no_line += ev == IKE_EV_NO_PROPOSAL && strstr(text, "no access list permits") != NULL;
    n->widened += ev == IKE_EV_NO_PROPOSAL && strstr(text, "range of ports") != NULL;
    n->sa_up += ev == IKE_EV_SA_UP;
    n->sa_down += ev == IKE_EV_SA_DOWN;
    n->retransmits += ev == IKE_EV_RETRANSMIT;
    if (ev == IKE_EV_SA_UP && n->on_sa_up)
        n->on_sa_up(n);
}

static inline void sim_log(struct sim_node *n, const char *text)
{
    size_t len = strlen(n->log);
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
        assert_int_equal(SIM_LIB(import)(n->standby, key, p, cnt, &how), 0);
    else if (n->standby)
        SIM_LIB(forget)(n->standby, key);
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
    sim_saved(n, p, cnt);
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

static inline SIM_ENGINE *sim_engine(struct sim *s, int i, bool far)
{
    SIM_ENGINE *e =
        far ? sim_make(&s->node[i], &s->far_q, &s->far_clk) : sim_make(&s->node[i], &s->q, &s->clk);
    assert_non_null(e);
    return e;
}

static inline void sim_node_start(struct sim *s, int i)
{
    s->node[i].SIM_FIELD = sim_engine(s, i, s->node[i].far);
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
 * the boxes of seed 000. What they speak is the library's own: sim_defaults(). */
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
                                   .replay_window = 64};
        n->n_entry = 1;
        sim_defaults(n, group);
        sim_node_start(s, i);
    }
    return s;
}

static inline void sim_free(struct sim *s)
{
    for (int i = 0; i < SIM_NODES; i++) {
        SIM_LIB(free)(s->node[i].SIM_FIELD);
        SIM_LIB(free)(s->node[i].standby);
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
    return SIM_LIB(initiate)(s->node[from].SIM_FIELD, &p, &s->node[from].entry[entry].cfg);
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
    SIM_LIB(each)(s->node[i].SIM_FIELD, sim_see, &v);
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
            sim_alg_eq(&o->integ[0], &c->integ[1]) && sim_alg_eq(&o->integ[1], &c->integ[0]) &&
            sim_alg_eq(&o->ah[0], &c->ah[1]) && sim_alg_eq(&o->ah[1], &c->ah[0]) &&
            o->mode == c->mode && o->proto == c->proto && o->ah_spi_in == c->ah_spi_out)
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

/* The child on which a node sends. */
static inline const struct sim_child *outbound(const struct sim_node *n, uint32_t policy)
{
    const struct sim_child *best = NULL;
    for (size_t i = 0; i < n->n_child; i++)
        if (n->child[i].up && !n->child[i].retired && n->child[i].policy == policy &&
            (!best || n->child[i].rank > best->rank))
            best = &n->child[i];
    return best;
}

static inline bool receives(const struct sim_node *n, uint32_t spi)
{
    for (size_t i = 0; i < n->n_child; i++)
        if (n->child[i].up && n->child[i].spi_in == spi)
            return true;
    return false;
}

static inline void no_black_hole(struct sim *s)
{
    for (int i = 0; i < 2; i++) {
        const struct sim_child *c = outbound(&s->node[i], 7);
        assert_non_null(c);
        assert_true(receives(&s->node[!i], c->spi_out));
    }
}

/* One tunnel, and from now on a packet of either side always finds an SA that takes it. */
static inline void begin(struct sim *s)
{
    assert_int_equal(sim_initiate(s, 0, 1, 0), 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    s->after = no_black_hole;
}

#endif
