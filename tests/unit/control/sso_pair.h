/*
 * A box with stateful failover, as control/ makes it, and the other box's side of the protocol
 * (sync.h), which the test moves by hand. The link between them is a queue; HSRP's other router is
 * a word of the test.
 */
#ifndef TANDEM_TESTS_CONTROL_SSO_PAIR_H
#define TANDEM_TESTS_CONTROL_SSO_PAIR_H

#include "bench.h"
#include "control/sso/sso_priv.h"

#include <sys/mman.h>

#define VIP  "192.0.2.100"
#define MSEC USEC_PER_MSEC

struct letter {
    struct letter *next;
    bool to_peer;
    enum sso_stream stream;
    size_t n;
    uint8_t p[];
};

struct pair {
    struct bench *b;
    struct sso *s;
    struct sso_sync *peer;
    struct letter *first, **last;
    bool linked, deaf, barrier; /* deaf: nothing that is for the peer arrives there */
    unsigned events[SSO_SYNC_BAD + 1], steps;
    enum sso_switch_step step; /* the last one that the peer heard */
    struct dpstats *stats;     /* of the box's SAs */
    struct ipc *mute;          /* a datapath that answers nothing */
};

/* --- the link -----------------------------------------------------------------------------------
 */

static inline int post(struct pair *t, bool to_peer, enum sso_stream s, const uint8_t *p, size_t n)
{
    if (!t->linked)
        return -ENOTCONN;
    struct letter *l = (struct letter *)malloc(sizeof(*l) + n);
    assert_non_null(l);
    *l = (struct letter){.to_peer = to_peer, .stream = s, .n = n};
    memcpy(l->p, p, n);
    *t->last = l;
    t->last = &l->next;
    return 0;
}

/* The protocol's ctx is the struct sso, and who made that knows the test. */
static inline int box_send(void *ctx, enum sso_stream s, const uint8_t *p, size_t n)
{
    const struct bench *b = (const struct bench *)((struct sso *)ctx)->c->o.ctx;
    return b->test ? post((struct pair *)b->test, true, s, p, n) : -ENOTCONN;
}

static inline void deliver(struct pair *t)
{
    struct letter *l = t->first;
    t->first = l->next;
    if (!t->first)
        t->last = &t->first;
    if (!l->to_peer)
        sso_link_ops.message(t->s, l->stream, l->p, l->n);
    else if (!t->deaf)
        sso_sync_input(t->peer, l->stream, l->p, l->n);
    free(l);
}

/* Everything that can happen without time passing. */
static inline void pump(struct pair *t)
{
    settle(t->b);
    while (t->first || t->barrier) {
        bool barrier = t->barrier;
        t->barrier = false;
        if (barrier)
            sso_sync_barrier(t->peer);
        if (t->first)
            deliver(t);
        settle(t->b);
    }
}

static inline void pass_ms(struct pair *t, unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        t->b->t.mono_us += MSEC;
        pump(t);
    }
}

static inline void cut(struct pair *t)
{
    t->linked = false;
    for (struct letter *l; (l = t->first);) {
        t->first = l->next;
        free(l);
    }
    t->last = &t->first;
    sso_sync_down(t->peer);
    sso_link_ops.down(t->s, "cut");
    pump(t);
}

static inline void connect_boxes(struct pair *t)
{
    t->linked = true;
    sso_sync_up(t->peer);
    sso_link_ops.up(t->s);
    pump(t);
}

/* --- the peer -----------------------------------------------------------------------------------
 */

static inline int peer_send(void *ctx, enum sso_stream s, const uint8_t *p, size_t n)
{
    return post((struct pair *)ctx, false, s, p, n);
}

static inline void peer_event(void *ctx, enum sso_sync_event e)
{
    struct pair *t = (struct pair *)ctx;
    t->events[e]++;
    if (e == SSO_SYNC_END)
        sso_sync_state(t->peer, RF_STANDBY_HOT);
}

static inline void peer_step(void *ctx, enum sso_switch_step step)
{
    struct pair *t = (struct pair *)ctx;
    t->steps++;
    t->step = step;
}

static inline void peer_barrier(void *ctx)
{
    ((struct pair *)ctx)->barrier = true;
}

static inline int peer_take(void *ctx, enum sso_kind kind, uint64_t key, const uint8_t *p, size_t n,
                            int64_t shift)
{
    (void)ctx;
    (void)kind;
    (void)key;
    (void)p;
    (void)n;
    (void)shift;
    return 0;
}

static inline void peer_restart(void *ctx, const char *why)
{
    (void)ctx;
    (void)why;
}

static inline void peer_nothing(void *ctx)
{
    (void)ctx;
}

static inline void peer_flag(void *ctx, bool on)
{
    (void)ctx;
    (void)on;
}

static inline void peer_moved(void *ctx, uint64_t least)
{
    (void)ctx;
    (void)least;
}

static inline uint64_t peer_used(void *ctx, uint32_t sa)
{
    (void)ctx;
    (void)sa;
    return 0;
}

static inline uint32_t peer_block(void *ctx, uint32_t sa)
{
    (void)ctx;
    (void)sa;
    return 1000;
}

static inline void peer_ceiling(void *ctx, uint32_t sa, uint64_t next, uint64_t ceiling,
                                uint32_t block)
{
    (void)ctx;
    (void)sa;
    (void)next;
    (void)ceiling;
    (void)block;
}

static inline void peer_limited(void *ctx, uint32_t sa, uint64_t limit)
{
    (void)ctx;
    (void)sa;
    (void)limit;
}

static inline void peer_replace(void *ctx, uint32_t sa)
{
    (void)ctx;
    (void)sa;
}

static inline void peer_position(void *ctx, uint32_t sa, uint64_t next, uint64_t ceiling)
{
    (void)ctx;
    (void)sa;
    (void)next;
    (void)ceiling;
}

static inline void peer_volume(void *ctx, uint32_t sa, uint64_t bytes)
{
    (void)ctx;
    (void)sa;
    (void)bytes;
}

static inline void make_peer(struct pair *t)
{
    const struct sso_sync_host h = {.timers = &t->b->c->timers,
                                    .clock = &t->b->c->o.clock,
                                    .send = peer_send,
                                    .restart = peer_restart,
                                    .event = peer_event,
                                    .safe = peer_nothing,
                                    .step = peer_step,
                                    .bulk = peer_nothing,
                                    .moved = peer_moved,
                                    .used = peer_used,
                                    .block = peer_block,
                                    .leased = peer_flag,
                                    .ceiling = peer_ceiling,
                                    .barrier = peer_barrier,
                                    .limited = peer_limited,
                                    .replace = peer_replace,
                                    .begin = peer_nothing,
                                    .end = peer_nothing,
                                    .take = peer_take,
                                    .position = peer_position,
                                    .volume = peer_volume,
                                    .purge = peer_nothing,
                                    .ctx = t};
    t->peer = sso_sync_new(&h, 77);
    assert_non_null(t->peer);
    sso_sync_configure(t->peer, "1.0", NULL, 0, 3 * USEC_PER_SEC);
    sso_sync_state(t->peer, RF_NEGOTIATION);
}

static inline void peer_acts(struct pair *t)
{
    bool split;
    sso_sync_state(t->peer, RF_ACTIVE);
    (void)sso_sync_activate(t->peer, &split);
}

/* It has fenced, and hands over what there is. */
static inline void peer_leaves(struct pair *t)
{
    sso_sync_exact(t->peer);
    sso_sync_deactivate(t->peer);
    sso_sync_state(t->peer, RF_NEGOTIATION);
    pump(t);
}

/* --- HSRP ---------------------------------------------------------------------------------------
 */

static inline struct hsrp_group *group(struct pair *t, const char *name)
{
    return (struct hsrp_group *)(uintptr_t)hsrp_named(t->b->c, name);
}

static inline enum hsrp_state state_of(struct pair *t)
{
    return group(t, "HA")->state;
}

/* The other router says in the group of this name what it is. */
static inline void other_says(struct pair *t, const char *name, enum hsrp_op op,
                              enum hsrp_state state, uint32_t priority)
{
    struct hsrp_group *g = group(t, name);
    struct hsrp_message m = {.version = 1,
                             .op = op,
                             .state = state,
                             .group = g->cfg.number,
                             .priority = priority,
                             .hello_ms = HSRP_HELLO_MS,
                             .hold_ms = HSRP_HOLD_MS,
                             .vip = g->cfg.vip,
                             .auth = HSRP_AUTH_TEXT,
                             .text = "cisco"};
    struct addr from = g->cfg.number == 10 ? adr("192.0.2.9") : adr("10.10.10.9");
    uint8_t mac[HSRP_MAC], p[HSRP_MESSAGE];
    hsrp_virtual_mac(1, g->cfg.number, mac);
    size_t n = hsrp_write(&m, p);
    assert_true(hsrp_group_input(g, &m, &from, mac, p, n));
    pump(t);
}

static inline void until_active(struct pair *t)
{
    for (unsigned i = 0; i < 60 && state_of(t) != HSRP_ACTIVE; i++) {
        pass(t->b, 1);
        pump(t);
    }
    assert_int_equal(state_of(t), HSRP_ACTIVE);
    control_reconcile(t->b->c); /* the kernel tells of the address */
    pump(t);
}

/* Another router is active, with this priority, all the time. */
static inline void until_standby(struct pair *t, uint32_t priority)
{
    for (unsigned i = 0; i < 60 && state_of(t) != HSRP_STANDBY; i++) {
        other_says(t, "HA", HSRP_HELLO, HSRP_ACTIVE, priority);
        pass(t->b, 1);
        pump(t);
    }
    assert_int_equal(state_of(t), HSRP_STANDBY);
}

/* --- life ---------------------------------------------------------------------------------------
 */

static inline struct wish stateful_wish(void)
{
    struct wish w = seed_wish();
    w.redundancy = "HA";
    w.vip = VIP;
    w.stateful = w.scheme = true;
    return w;
}

static inline struct pair *pair_up(void **state, const struct wish *w)
{
    struct pair *t = (struct pair *)calloc(1, sizeof(*t));
    struct bench *b = t->b = (struct bench *)*state;
    assert_non_null(t);
    t->last = &t->first;
    t->s = b->c->sso;
    b->test = t;
    struct sso_sync_host h = sso_host(t->s);
    h.send = box_send;
    sso_sync_free(t->s->sync);
    t->s->sync = sso_sync_new(&h, 1);
    assert_non_null(t->s->sync);
    make_peer(t);
    bench_link(b, "eth0", true, 1500);
    bench_link(b, "eth1", true, 1500);
    control_set_ports(b->c, "GigabitEthernet0/0 eth0\nGigabitEthernet0/1 eth1\n", false);
    wish_apply(b, w);
    pump(t);
    return t;
}

static inline void pair_down(struct pair *t)
{
    t->linked = false;
    for (struct letter *l; (l = t->first);) {
        t->first = l->next;
        free(l);
    }
    t->last = &t->first;
    sso_sync_free(t->peer);
    ipc_free(t->mute);
    if (t->stats)
        munmap(t->stats, sizeof(*t->stats));
    t->b->test = NULL;
    free(t);
}

/* The box is active, the peer its hot standby, also in HSRP. */
static inline struct pair *active_pair(void **state)
{
    struct wish w = stateful_wish();
    struct pair *t = pair_up(state, &w);
    struct sso_sync_info f;
    until_active(t);
    connect_boxes(t);
    sso_sync_info(t->s->sync, &f);
    assert_true(f.hot);
    assert_int_equal(t->s->rf.mine, RF_ACTIVE);
    assert_int_equal(t->s->rf.peer, RF_STANDBY_HOT);
    other_says(t, "HA", HSRP_HELLO, HSRP_STANDBY, 50);
    forget_frames(t->b);
    return t;
}

/* The peer is active, the box its hot standby, also in HSRP. */
static inline struct pair *standby_pair(void **state)
{
    struct wish w = stateful_wish();
    struct pair *t = pair_up(state, &w);
    peer_acts(t);
    connect_boxes(t);
    until_standby(t, 200);
    assert_int_equal(t->s->rf.mine, RF_STANDBY_HOT);
    forget_frames(t->b);
    return t;
}

/* The last role that the datapath was told of the outside. */
static inline enum sadb_role told_role(struct pair *t)
{
    struct sadb_role_set m = {.role = UINT8_MAX};
    for (size_t i = 0; i < t->b->n_told; i++)
        if (t->b->told[i].type == SADB_ROLE)
            memcpy(&m, t->b->told[i].data, sizeof(m));
    assert_int_not_equal(m.role, UINT8_MAX);
    return (enum sadb_role)m.role;
}

#endif
