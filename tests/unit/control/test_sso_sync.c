/*
 * Two boxes, a network between them and a datapath in each, all by hand: what the standby has, what
 * is safe to rely on, and that no sequence number is ever used twice, whatever is cut, restarted or
 * believed wrongly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/sso/sync.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SAS      24
#define RECORDS  32
#define CHANNEL  512
#define WIRE     256
#define LOG_MASK 0xffffu

/* --- the world ------------------------------------------------------------------------------- */

struct letter {
    uint8_t *p;
    size_t n;
};

struct pipe { /* one stream in one direction */
    struct letter v[WIRE];
    unsigned head, n;
};

struct dp_sa {
    bool there;
    uint64_t next, ceiling;
    uint32_t block;
    bool low_told;
};

struct order { /* to a datapath, which takes them one after the other, some time */
    enum { SET, BARRIER, ADD, GONE, ROLE } what;
    uint32_t sa, block;
    uint64_t next, ceiling;
    bool on;
};

struct box {
    struct world *w;
    unsigned me;
    struct sso_sync *sync;
    struct timerq timers;
    struct pipe out[SSO_STREAMS];
    bool linked, restart, full;
    size_t window;     /* messages of a stream that fit */
    bool leased, runs; /* runs: its datapath is active */
    struct dp_sa dp[SAS];
    struct order channel[CHANNEL];
    unsigned orders;
    uint32_t value[RECORDS];        /* IKE records; 0: none */
    uint64_t last[SAS];             /* SA records; 0: none */
    uint64_t limit[SAS];            /* as a successor would read it */
    uint64_t hash_at[LOG_MASK + 1]; /* of all records, by number */
    uint64_t logged;                /* so far */
    uint64_t inbound;
    unsigned events[SSO_SYNC_BAD + 1], replaced, purged, safe;
    const char *why;
};

struct range {
    uint64_t from, to;
};

struct world {
    struct manual_time t;
    struct clock clk;
    struct box box[2];
    uint64_t rnd;
    uint32_t next_sa; /* SAs have keys of their own: no two of them are the same number */
    struct range *used[SAS];
    size_t n_used[SAS], cap_used[SAS];
    uint32_t block;
    unsigned boots;
    bool twice; /* a number was used twice */
};

static uint64_t rnd(struct world *w, uint64_t below)
{
    w->rnd ^= w->rnd << 13;
    w->rnd ^= w->rnd >> 7;
    w->rnd ^= w->rnd << 17;
    return below ? (w->rnd >> 11) % below : 0;
}

static struct box *other(struct box *b)
{
    return &b->w->box[!b->me];
}

/* --- the host -------------------------------------------------------------------------------- */

static int host_send(void *ctx, enum sso_stream s, const uint8_t *p, size_t n)
{
    struct box *b = (struct box *)ctx;
    struct pipe *q = &b->out[s];
    if (!b->linked)
        return -ENOTCONN;
    if (q->n >= b->window) {
        b->full = true;
        return -EAGAIN;
    }
    struct letter *l = &q->v[(q->head + q->n++) % WIRE];
    l->p = (uint8_t *)malloc(n);
    assert_non_null(l->p);
    memcpy(l->p, p, n);
    l->n = n;
    return 0;
}

static void host_restart(void *ctx, const char *why)
{
    struct box *b = (struct box *)ctx;
    b->restart = true;
    b->why = why;
}

static void host_event(void *ctx, enum sso_sync_event e)
{
    ((struct box *)ctx)->events[e]++;
}

static void host_safe(void *ctx)
{
    ((struct box *)ctx)->safe++;
}

static uint64_t mix(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t h = (a * UINT64_C(0x9e3779b97f4a7c15)) ^ (b + UINT64_C(0x517cc1b727220a95));
    h ^= h >> 29;
    h = (h + c) * UINT64_C(0xbf58476d1ce4e5b9);
    return h ^ h >> 32;
}

static uint64_t hash_of(const struct box *b)
{
    uint64_t h = 0;
    for (unsigned i = 0; i < RECORDS; i++)
        if (b->value[i])
            h ^= mix(SSO_IKE, i, b->value[i]);
    for (unsigned i = 0; i < SAS; i++)
        if (b->last[i])
            h ^= mix(SSO_SA, i, b->last[i]);
    return h;
}

/* What there is goes with all numbers since the last one. */
static void log_hash(struct box *b)
{
    uint64_t n = sso_sync_number(b->sync), h = hash_of(b);
    while (b->logged < n)
        b->hash_at[++b->logged & LOG_MASK] = h;
}

/* A record, long ones now and then: their contents follow from the value. */
static void put(struct box *b, enum sso_kind kind, uint64_t key, uint64_t value)
{
    static uint8_t bytes[3 * SSO_PART];
    size_t n = value % 7 == 0 ? 2 * SSO_PART + 5 : sizeof(value);
    memset(bytes, (uint8_t)value, n);
    memcpy(bytes, &value, sizeof(value));
    sso_sync_put(b->sync, kind, key, bytes, value ? n : 0);
    log_hash(b);
}

static void host_bulk(void *ctx)
{
    struct box *b = (struct box *)ctx;
    for (unsigned i = 0; i < SAS; i++)
        if (b->last[i])
            put(b, SSO_SA, i, b->last[i]);
    for (unsigned i = 0; i < RECORDS; i++)
        if (b->value[i])
            put(b, SSO_IKE, i, b->value[i]);
}

static void host_moved(void *ctx, bool all)
{
    struct box *b = (struct box *)ctx;
    if (all)
        sso_sync_inbound(b->sync, 1000, ++b->inbound);
}

static uint64_t host_used(void *ctx, uint32_t sa)
{
    const struct dp_sa *d = &((struct box *)ctx)->dp[sa];
    return d->there ? d->next - 1 : 0;
}

static uint32_t host_block(void *ctx, uint32_t sa)
{
    (void)sa;
    return ((struct box *)ctx)->w->block;
}

static void host_leased(void *ctx, bool on)
{
    ((struct box *)ctx)->leased = on;
}

static void tell_dp(struct box *b, struct order o)
{
    assert_true(b->orders < CHANNEL);
    b->channel[b->orders++] = o;
}

static void host_ceiling(void *ctx, uint32_t sa, uint64_t next, uint64_t ceiling, uint32_t block)
{
    tell_dp((struct box *)ctx, (struct order){SET, sa, block, next, ceiling, false});
}

static void host_barrier(void *ctx)
{
    tell_dp((struct box *)ctx, (struct order){.what = BARRIER});
}

static void host_limited(void *ctx, uint32_t sa, uint64_t limit)
{
    struct box *b = (struct box *)ctx;
    b->limit[sa] = limit; /* whether its record has come or not */
}

static void host_replace(void *ctx, uint32_t sa)
{
    (void)sa;
    ((struct box *)ctx)->replaced++;
}

static void clear(struct box *b)
{
    memset(b->value, 0, sizeof(b->value));
    memset(b->last, 0, sizeof(b->last));
    for (uint32_t i = 0; i < SAS; i++)
        tell_dp(b, (struct order){.what = GONE, .sa = i});
}

static uint64_t natural(uint32_t sa)
{
    return sa % 2 ? UINT32_MAX : SSO_NO_LAST;
}

static uint8_t brought[2][SSO_KINDS][64]; /* by a bulk */

static void host_begin(void *ctx)
{
    memset(brought[((struct box *)ctx)->me], 0, sizeof(brought[0]));
}

static int host_take(void *ctx, enum sso_kind kind, uint64_t key, const uint8_t *p, size_t n,
                     int64_t shift)
{
    struct box *b = (struct box *)ctx;
    uint64_t value = 0;
    (void)shift;
    brought[b->me][kind][key] = 1;
    if (n) {
        assert_true(n >= sizeof(value));
        memcpy(&value, p, sizeof(value));
        for (size_t i = sizeof(value); i < n; i++)
            assert_int_equal(p[i], (uint8_t)value);
        assert_int_equal(n, value % 7 == 0 ? 2 * SSO_PART + 5 : sizeof(value));
    }
    if (kind == SSO_IKE) {
        b->value[key] = (uint32_t)value;
        return 0;
    }
    if (value && !b->last[key])
        tell_dp(b, (struct order){.what = ADD, .sa = (uint32_t)key, .ceiling = SSO_NO_LAST});
    if (!value)
        tell_dp(b, (struct order){.what = GONE, .sa = (uint32_t)key});
    b->last[key] = value;
    b->limit[key] = natural((uint32_t)key);
    return 0;
}

static void host_end(void *ctx)
{
    struct box *b = (struct box *)ctx;
    for (unsigned i = 0; i < RECORDS; i++)
        if (!brought[b->me][SSO_IKE][i])
            b->value[i] = 0;
    for (unsigned i = 0; i < SAS; i++)
        if (!brought[b->me][SSO_SA][i] && b->last[i]) {
            b->last[i] = 0;
            tell_dp(b, (struct order){.what = GONE, .sa = i});
        }
}

static void host_position(void *ctx, uint32_t sa, uint64_t next, uint64_t ceiling)
{
    struct box *b = (struct box *)ctx;
    if (sa == 1000)
        b->inbound = next;
    else if (b->last[sa])
        tell_dp(b, (struct order){SET, sa, 0, next, ceiling, false});
}

static void host_purge(void *ctx)
{
    struct box *b = (struct box *)ctx;
    b->purged++;
    clear(b);
}

static void boot(struct box *b)
{
    struct sso_sync_host h = {.timers = &b->timers,
                              .clock = &b->w->clk,
                              .send = host_send,
                              .restart = host_restart,
                              .event = host_event,
                              .safe = host_safe,
                              .bulk = host_bulk,
                              .moved = host_moved,
                              .used = host_used,
                              .block = host_block,
                              .leased = host_leased,
                              .ceiling = host_ceiling,
                              .barrier = host_barrier,
                              .limited = host_limited,
                              .replace = host_replace,
                              .begin = host_begin,
                              .end = host_end,
                              .take = host_take,
                              .position = host_position,
                              .purge = host_purge,
                              .ctx = b};
    b->sync = sso_sync_new(&h, ++b->w->boots);
    b->logged = 0;
    assert_non_null(b->sync);
    b->leased = false;
    sso_sync_configure(b->sync, "1.0", NULL, 0, 3 * USEC_PER_SEC);
    sso_sync_state(b->sync, RF_NEGOTIATION);
}

/* --- datapaths ------------------------------------------------------------------------------- */

static void use(struct world *w, uint32_t sa, uint64_t from, uint64_t to)
{
    struct range *r = w->used[sa];
    for (size_t i = 0; i < w->n_used[sa]; i++)
        if (from <= r[i].to && r[i].from <= to)
            w->twice = true;
    if (w->n_used[sa] && r[w->n_used[sa] - 1].to + 1 == from) {
        r[w->n_used[sa] - 1].to = to;
        return;
    }
    if (w->n_used[sa] == w->cap_used[sa]) {
        w->cap_used[sa] = w->cap_used[sa] ? 2 * w->cap_used[sa] : 64;
        w->used[sa] = (struct range *)realloc(w->used[sa], w->cap_used[sa] * sizeof(*r));
        assert_non_null(w->used[sa]);
    }
    w->used[sa][w->n_used[sa]++] = (struct range){from, to};
}

/* Packets: so many numbers of this SA, as far as it may. */
static void traffic(struct box *b, uint32_t sa, uint64_t n)
{
    struct dp_sa *d = &b->dp[sa];
    if (!b->runs || !d->there || d->next > d->ceiling || !n)
        return;
    uint64_t room = d->ceiling - d->next;
    uint64_t to = n - 1 < room ? d->next + n - 1 : d->ceiling;
    use(b->w, sa, d->next, to);
    d->next = to + 1;
    if (d->block && !d->low_told && d->ceiling - to < d->block / 2) {
        d->low_told = true;
        sso_sync_low(b->sync, sa);
    }
}

static void obey(struct box *b)
{
    struct order o = b->channel[0];
    struct dp_sa *d = &b->dp[o.sa];
    memmove(b->channel, b->channel + 1, --b->orders * sizeof(o));
    switch (o.what) {
    case SET:
        if (o.next > d->next)
            d->next = o.next;
        d->ceiling = o.ceiling;
        d->block = o.block;
        d->low_told = false;
        break;
    case BARRIER:
        sso_sync_barrier(b->sync);
        break;
    case ADD:
        *d = (struct dp_sa){.there = true, .next = 1, .ceiling = o.ceiling};
        break;
    case GONE:
        d->there = false;
        break;
    case ROLE:
        b->runs = o.on;
        break;
    }
}

static void obey_all(struct box *b)
{
    while (b->orders)
        obey(b);
}

/* --- the network ----------------------------------------------------------------------------- */

static void drop_pipes(struct box *b)
{
    for (unsigned s = 0; s < SSO_STREAMS; s++)
        for (struct pipe *q = &b->out[s]; q->n; q->n--) {
            free(q->v[q->head].p);
            q->head = (q->head + 1) % WIRE;
        }
    b->full = false;
}

static void link_down(struct box *b)
{
    if (!b->linked)
        return;
    b->linked = b->restart = false;
    drop_pipes(b); /* what is on the way to the other one is lost with the association */
    sso_sync_down(b->sync);
}

static void link_up(struct world *w)
{
    for (unsigned i = 0; i < 2; i++)
        link_down(&w->box[i]);
    for (unsigned i = 0; i < 2; i++)
        w->box[i].linked = true;
    for (unsigned i = 0; i < 2; i++)
        sso_sync_up(w->box[i].sync);
}

/* What both know of each other where both are in step. */
static void compare(struct world *w)
{
    for (unsigned i = 0; i < 2; i++) {
        struct box *a = &w->box[i], *b = other(a);
        struct sso_sync_info x, y;
        if (sso_sync_is_active(a->sync))
            log_hash(a);
        sso_sync_info(a->sync, &x);
        sso_sync_info(b->sync, &y);
        if (!sso_sync_is_active(a->sync) || sso_sync_is_active(b->sync) || !x.hot || !y.hot ||
            !a->linked || !b->linked || x.epoch != y.epoch)
            continue;
        assert_true(sso_sync_safe(a->sync) <= y.have);
        assert_true(y.have <= sso_sync_number(a->sync));
        assert_true(hash_of(b) == a->hash_at[y.have & LOG_MASK]);
    }
}

static void deliver(struct box *from, enum sso_stream s)
{
    struct pipe *q = &from->out[s];
    struct box *to = other(from);
    if (!q->n)
        return;
    struct letter l = q->v[q->head];
    q->head = (q->head + 1) % WIRE;
    q->n--;
    if (to->linked)
        sso_sync_input(to->sync, s, l.p, l.n);
    free(l.p);
    compare(from->w);
    if (from->full && from->linked) {
        from->full = false;
        sso_sync_writable(from->sync);
    }
}

static void run_timers(struct world *w)
{
    for (unsigned i = 0; i < 2; i++)
        timerq_run(&w->box[i].timers, w->t.mono_us, 64);
}

/* Until nothing moves any more. */
static void settle(struct world *w)
{
    for (bool busy = true; busy;) {
        busy = false;
        run_timers(w);
        for (unsigned i = 0; i < 2; i++) {
            struct box *b = &w->box[i];
            obey_all(b);
            for (unsigned s = 0; s < SSO_STREAMS; s++)
                while (b->out[s].n) {
                    deliver(b, (enum sso_stream)s);
                    busy = true;
                }
            busy = busy || b->orders;
        }
    }
}

static void pass(struct world *w, usec_t t)
{
    for (; t > 0; t -= 50 * USEC_PER_MSEC) {
        w->t.mono_us += 50 * USEC_PER_MSEC;
        settle(w);
    }
}

/* --- what happens to boxes ------------------------------------------------------------------- */

static bool become_active(struct box *b)
{
    bool split;
    if (sso_sync_is_active(b->sync))
        return false;
    sso_sync_state(b->sync, RF_ACTIVE);
    bool went_on = sso_sync_activate(b->sync, &split);
    log_hash(b);
    tell_dp(b, (struct order){.what = ROLE, .on = true});
    return went_on;
}

static void give_up_role(struct box *b)
{
    if (!sso_sync_is_active(b->sync))
        return;
    tell_dp(b, (struct order){.what = ROLE, .on = false});
    obey_all(b); /* the fence is up before anybody hears of it */
    clear(b);
    sso_sync_state(b->sync, RF_NEGOTIATION);
    sso_sync_deactivate(b->sync);
}

/* The box dies, and comes back with nothing. */
static void crash(struct box *b)
{
    b->linked = false;
    drop_pipes(b);
    b->orders = 0;
    b->runs = b->restart = false;
    memset(b->dp, 0, sizeof(b->dp));
    memset(b->value, 0, sizeof(b->value));
    memset(b->last, 0, sizeof(b->last));
    sso_sync_free(b->sync);
    boot(b);
}

/* Only the engine dies: datapath, role and records go on (the journal). */
static void engine_dies(struct box *b)
{
    bool was = sso_sync_is_active(b->sync), split;
    b->linked = false;
    drop_pipes(b);
    obey_all(b); /* what it had said it had said */
    sso_sync_free(b->sync);
    boot(b);
    if (!was) {
        clear(b);
        return;
    }
    sso_sync_state(b->sync, RF_ACTIVE);
    (void)sso_sync_activate(b->sync, &split);
    b->runs = true;
    for (uint32_t i = 0; i < SAS; i++)
        if (b->last[i])
            sso_sync_adopt(b->sync, i, b->dp[i].ceiling, b->dp[i].block, b->limit[i]);
    log_hash(b);
}

static uint32_t new_sa(struct box *b)
{
    uint32_t sa = 0;
    if (!sso_sync_is_active(b->sync) || b->w->next_sa + 1 >= SAS)
        return 0;
    sa = ++b->w->next_sa;
    tell_dp(b, (struct order){.what = ADD, .sa = sa, .ceiling = b->leased ? 0 : SSO_NO_LAST});
    b->limit[sa] = natural(sa);
    sso_sync_sa(b->sync, sa, natural(sa));
    log_hash(b);
    b->last[sa] = 1 + rnd(b->w, 1000);
    put(b, SSO_SA, sa, b->last[sa]);
    return sa;
}

static void end_sa(struct box *b, uint32_t sa)
{
    if (!sso_sync_is_active(b->sync) || !b->last[sa])
        return;
    log_hash(b);
    b->last[sa] = 0;
    tell_dp(b, (struct order){.what = GONE, .sa = sa});
    sso_sync_sa_gone(b->sync, sa);
    put(b, SSO_SA, sa, 0);
}

static void change(struct box *b, unsigned key, uint32_t value)
{
    if (!sso_sync_is_active(b->sync))
        return;
    log_hash(b);
    b->value[key] = value;
    put(b, SSO_IKE, key, value);
}

static struct world *world_new(uint64_t seed, uint32_t block)
{
    struct world *w = (struct world *)calloc(1, sizeof(*w));
    assert_non_null(w);
    w->rnd = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    w->block = block;
    w->t.mono_us = 1000 * USEC_PER_SEC;
    w->clk = clock_manual(&w->t);
    for (unsigned i = 0; i < 2; i++) {
        w->box[i].w = w;
        w->box[i].me = i;
        w->box[i].window = WIRE;
        boot(&w->box[i]);
    }
    return w;
}

static void world_free(struct world *w)
{
    for (unsigned i = 0; i < 2; i++) {
        drop_pipes(&w->box[i]);
        sso_sync_free(w->box[i].sync);
        timerq_free(&w->box[i].timers);
    }
    for (unsigned i = 0; i < SAS; i++)
        free(w->used[i]);
    free(w);
}

static struct sso_sync_info info(const struct box *b)
{
    struct sso_sync_info f;
    sso_sync_info(b->sync, &f);
    return f;
}

/* Box 0 is active with two SAs and some records, box 1 its hot standby. */
static struct world *pair(uint32_t block)
{
    struct world *w = world_new(1, block);
    struct box *a = &w->box[0];
    become_active(a);
    assert_int_equal(new_sa(a), 1);
    assert_int_equal(new_sa(a), 2);
    settle(w);
    traffic(a, 1, 5 * (uint64_t)block);
    for (unsigned i = 0; i < 10; i++)
        change(a, i, 100 + i);
    assert_int_equal(sso_sync_safe(a->sync), sso_sync_number(a->sync));
    link_up(w);
    settle(w);
    assert_true(info(a).hot && info(&w->box[1]).hot);
    assert_int_equal(a->events[SSO_SYNC_HOT], 1);
    assert_int_equal(w->box[1].events[SSO_SYNC_END], 1);
    return w;
}

/* --- tests ----------------------------------------------------------------------------------- */

static void bulk_and_live(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    assert_true(hash_of(a) == hash_of(b) && hash_of(a) != 0);
    assert_int_equal(sso_sync_safe(a->sync), sso_sync_number(a->sync));
    change(a, 3, 7 * 11); /* a long one */
    change(a, 4, 0);
    assert_true(sso_sync_safe(a->sync) < sso_sync_number(a->sync));
    run_timers(w);
    assert_true(sso_sync_safe(a->sync) < sso_sync_number(a->sync)); /* on its way */
    unsigned safe = a->safe;
    settle(w);
    assert_true(a->safe > safe);
    assert_int_equal(sso_sync_safe(a->sync), sso_sync_number(a->sync));
    assert_true(hash_of(a) == hash_of(b));
    assert_int_equal(b->value[3], 77);
    world_free(w);
}

/* The copy begins behind the ceiling, and the active stops there until it was told. */
static void ceilings(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    assert_int_equal(a->dp[1].ceiling, 6000);
    assert_int_equal(b->dp[1].next, 6001);
    assert_int_equal(b->dp[1].ceiling, 6000 + SSO_SPLIT);
    traffic(a, 1, 10000);
    assert_int_equal(a->dp[1].next, 6001);
    traffic(a, 1, 1);
    assert_int_equal(a->dp[1].next, 6001);
    settle(w);
    assert_int_equal(a->dp[1].ceiling, 7000);
    assert_int_equal(b->dp[1].next, 7001);
    uint32_t sa = new_sa(a); /* may go at once, for a block */
    obey_all(a);
    assert_int_equal(a->dp[sa].ceiling, 1000);
    traffic(a, sa, 10);
    assert_int_equal(a->dp[sa].next, 11);
    settle(w);
    assert_int_equal(b->dp[sa].next, 1001);
    world_free(w);
}

/* Packets go on while a ceiling is on its way to the datapath. */
static void a_ceiling_that_comes_late(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    link_down(a);
    link_down(b);
    obey_all(a);
    link_up(w);
    while (a->orders == 0 || a->channel[a->orders - 1].what != BARRIER) {
        run_timers(w);
        for (unsigned i = 0; i < 2; i++)
            deliver(&w->box[i], SSO_STREAM_CONTROL);
    }
    uint64_t asked = a->channel[0].ceiling;
    assert_int_equal(a->channel[0].sa, 1);
    traffic(a, 1, 5000);
    assert_true(a->dp[1].next > asked + 1);
    settle(w);
    assert_true(info(b).hot);
    assert_true(b->dp[1].next > a->dp[1].next);
    assert_int_equal(b->dp[1].next, a->dp[1].ceiling + 1);
    world_free(w);
}

/* A lease that was told and not acknowledged when the engine died. */
static void an_engine_dies(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    uint64_t before = hash_of(a);
    traffic(a, 1, 800);
    run_timers(w);
    deliver(a, SSO_STREAM_RECORDS); /* the standby begins behind 7000 now */
    engine_dies(a);
    obey_all(a);
    link_down(b);
    assert_true(become_active(b)); /* and believes that it should */
    obey_all(b);
    traffic(a, 1, 5000);
    traffic(b, 1, 5000);
    traffic(a, 1, SSO_SPLIT);
    traffic(b, 1, SSO_SPLIT);
    assert_int_equal(b->dp[1].next, 7000 + SSO_SPLIT + 1);
    assert_false(w->twice);
    give_up_role(b);
    link_up(w);
    settle(w);
    assert_true(info(a).hot && info(b).hot && hash_of(b) == before);
    world_free(w);
}

static void take_over_after_a_crash(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    uint64_t before = hash_of(b);
    uint32_t epoch = info(a).epoch;
    crash(a);
    link_down(b); /* noticed before HSRP does, or after */
    assert_true(info(b).holds);
    assert_true(become_active(b));
    obey_all(b);
    assert_true(hash_of(b) == before && info(b).epoch > epoch);
    traffic(b, 1, 100);
    assert_int_equal(b->dp[1].next, 6101);
    assert_int_equal(b->dp[1].ceiling, 6000 + SSO_SPLIT);
    assert_int_equal(b->replaced, 0);
    /* The other one comes back, and becomes its standby. */
    link_up(w);
    settle(w);
    assert_true(info(a).hot && info(b).hot && hash_of(a) == before);
    assert_int_equal(a->dp[1].next, b->dp[1].ceiling + 1);
    assert_int_equal(a->dp[1].ceiling, 6000 + SSO_SPLIT); /* the limit goes with it */
    assert_false(w->twice);
    world_free(w);
}

/* The loser fences and says so: what is behind the ceiling is all of the new active's. */
static void the_loser_fences(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    assert_true(become_active(b)); /* HSRP says so on both sides, in this order */
    give_up_role(a);
    settle(w);
    assert_int_equal(b->events[SSO_SYNC_BYE], 1);
    assert_true(info(a).hot && info(b).hot); /* the other way round now */
    assert_true(b->dp[1].ceiling < SSO_SPLIT);
    sso_sync_state(a->sync, RF_DISABLED);
    sso_sync_bye(a->sync);
    settle(w);
    assert_int_equal(b->dp[1].ceiling, SSO_NO_LAST); /* and not what a split leaves */
    world_free(w);

    w = pair(1000);
    a = &w->box[0], b = &w->box[1];
    give_up_role(a); /* and in the other one: it is told before it takes over */
    settle(w);
    link_down(b);
    assert_true(become_active(b));
    obey_all(b);
    assert_int_equal(b->dp[1].next, 6001);
    assert_int_equal(b->dp[1].ceiling, SSO_NO_LAST);
    world_free(w);
}

/* A standby that is cut off may be active now: what it owns is left to it. */
static void a_standby_is_lost(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    change(a, 1, 4712);
    assert_true(sso_sync_safe(a->sync) < sso_sync_number(a->sync));
    link_down(a);
    assert_int_equal(sso_sync_safe(a->sync), sso_sync_number(a->sync));
    assert_int_equal(a->events[SSO_SYNC_LOST], 1);
    assert_false(a->leased);
    obey_all(a);
    assert_int_equal(a->dp[1].next, 6000 + SSO_SPLIT + 1);
    assert_int_equal(a->dp[1].ceiling, SSO_NO_LAST);
    link_down(b);
    become_active(b);
    obey_all(b);
    for (unsigned i = 0; i < 10; i++) {
        traffic(a, 1, SSO_SPLIT);
        traffic(b, 1, SSO_SPLIT);
    }
    assert_int_equal(b->dp[1].next, 6000 + SSO_SPLIT + 1); /* the end of what it owns */
    assert_true(b->replaced > 0);
    assert_false(w->twice);
    world_free(w);
}

/* One that leaves properly gets nothing. */
static void a_standby_leaves(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    sso_sync_state(b->sync, RF_DISABLED);
    sso_sync_bye(b->sync);
    settle(w);
    assert_int_equal(a->events[SSO_SYNC_LOST], 1);
    assert_int_equal(a->dp[1].next, 5001);
    assert_int_equal(a->dp[1].ceiling, SSO_NO_LAST);
    assert_false(info(b).holds);
    world_free(w);
}

static void a_standby_that_does_not_read(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    /* It takes nothing: after the configured patience nothing waits for it any more. */
    change(a, 1, 2);
    w->t.mono_us += 3 * USEC_PER_SEC - 1;
    timerq_run(&a->timers, w->t.mono_us, 64);
    assert_false(a->restart);
    w->t.mono_us += 1;
    timerq_run(&a->timers, w->t.mono_us, 64);
    assert_true(a->restart);
    assert_string_equal(a->why, "the standby acknowledges nothing");
    assert_int_equal(sso_sync_safe(a->sync), sso_sync_number(a->sync));
    link_up(w);
    settle(w);
    assert_true(info(a).hot && hash_of(a) == hash_of(b));
    /* The link takes nothing, and there is more and more: bounded. */
    a->window = 0;
    a->restart = false;
    unsigned n = 0;
    for (; n < 4000 && !a->restart; n++) {
        change(a, n % RECORDS, 7 * (n + 1));
        timerq_run(&a->timers, w->t.mono_us, 64);
    }
    assert_true(a->restart && n > 100 && n < 2000);
    assert_string_equal(a->why, "the standby does not read");
    a->window = WIRE;
    link_up(w);
    settle(w);
    assert_true(info(a).hot && hash_of(a) == hash_of(b));
    world_free(w);
}

/* Both believe to be active; then one is told that it is not. */
static void two_active_boxes(void **state)
{
    struct world *w = world_new(3, 100);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    become_active(a);
    become_active(b);
    change(a, 1, 1);
    change(b, 2, 2);
    change(b, 3, 2);
    link_up(w);
    settle(w);
    assert_false(info(a).hot || info(b).hot);
    assert_int_equal(a->value[2], 0);
    give_up_role(a);
    settle(w);
    assert_true(info(a).hot && info(b).hot);
    assert_true(a->value[1] == 0 && a->value[2] == 2);
    world_free(w);
}

/* Whoever was active while the other one was away says so by its epoch. */
static void an_old_active_is_ignored(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    struct sso_message m = {.type = SSO_BULK_BEGIN, .epoch = info(a).epoch};
    uint8_t bytes[64];
    struct wbuf out = wbuf_make(bytes, sizeof(bytes));
    (void)state;
    assert_true(become_active(b));
    settle(w);
    give_up_role(b); /* b has the higher epoch, a has not noticed anything */
    assert_true(info(b).epoch > m.epoch);
    assert_int_equal(sso_wire_write(&out, &m), 0);
    uint64_t ignored = info(b).ignored;
    sso_sync_input(b->sync, SSO_STREAM_RECORDS, bytes, out.len);
    assert_int_equal(info(b).ignored, ignored + 1);
    assert_false(info(b).hot);
    /* Told of it, a begins another one and is believed. */
    pass(w, 5 * USEC_PER_SEC);
    link_up(w);
    settle(w);
    assert_true(info(a).hot && info(b).hot && info(a).epoch > m.epoch);
    world_free(w);
}

static void sections(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    struct sso_section x[2] = {{"isakmp policy", {1}}, {"crypto map", {2}}};
    struct sso_section y[2] = {{"isakmp policy", {1}}, {"crypto map", {3}}};
    (void)state;
    assert_int_equal(a->events[SSO_SYNC_DIFFERS] + b->events[SSO_SYNC_DIFFERS], 0);
    sso_sync_configure(a->sync, "1.0", x, 2, 3 * USEC_PER_SEC);
    sso_sync_configure(b->sync, "1.0", y, 2, 3 * USEC_PER_SEC);
    settle(w);
    assert_true(a->events[SSO_SYNC_DIFFERS] > 0 && b->events[SSO_SYNC_DIFFERS] > 0);
    assert_int_equal(info(a).n_differ, 1);
    assert_string_equal(info(a).differ[0], "crypto map");
    assert_true(info(a).hot); /* what goes with both goes on */
    sso_sync_configure(b->sync, "1.0", x, 2, 3 * USEC_PER_SEC);
    settle(w);
    assert_int_equal(info(a).n_differ, 0);
    assert_int_equal(info(b).n_differ, 0);
    world_free(w);
}

/* Truncated, changed, on the wrong stream, twice, out of order: ignored or synchronised anew. */
static void a_peer_that_lies(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 400; seed++) {
        struct world *w = pair(1000);
        struct box *a = &w->box[0], *b = &w->box[1];
        w->rnd = seed * 7919;
        for (unsigned i = 0; i < 20; i++) {
            change(a, (unsigned)rnd(w, RECORDS), 1 + (uint32_t)rnd(w, 1000));
            run_timers(w);
            struct box *from = rnd(w, 2) ? a : b;
            enum sso_stream s = (enum sso_stream)rnd(w, SSO_STREAMS);
            struct pipe *q = &from->out[s];
            if (q->n) {
                struct letter *l = &q->v[q->head];
                uint64_t how = rnd(w, 4);
                if (how == 0)
                    l->n = rnd(w, l->n);
                else if (how == 1) /* the header: what is in records is the peer's own affair */
                    l->p[rnd(w, l->n < 26 ? l->n : 26)] ^= (uint8_t)(1 + rnd(w, 255));
                else if (how == 2)
                    sso_sync_input(other(from)->sync, s, l->p, l->n);
                else
                    sso_sync_input(other(from)->sync, (enum sso_stream)((s + 1) % SSO_STREAMS),
                                   l->p, l->n);
            }
            for (unsigned k = 0; k < 2; k++)
                for (s = SSO_STREAM_CONTROL; s < SSO_STREAMS; s++) {
                    struct letter l = w->box[k].out[s].v[w->box[k].out[s].head];
                    if (!w->box[k].out[s].n)
                        continue;
                    w->box[k].out[s].head = (w->box[k].out[s].head + 1) % WIRE;
                    w->box[k].out[s].n--;
                    sso_sync_input(other(&w->box[k])->sync, s, l.p, l.n);
                    free(l.p);
                }
        }
        /* A link without lies mends all of it. */
        link_up(w);
        settle(w);
        assert_true(info(a).hot && info(b).hot && hash_of(a) == hash_of(b));
        world_free(w);
    }
}

/* --- the property ---------------------------------------------------------------------------- */

static void step(struct world *w)
{
    struct box *b = &w->box[rnd(w, 2)];
    uint64_t what = rnd(w, 1000);
    if (what < 300)
        traffic(b, 1 + (uint32_t)rnd(w, SAS - 1), 1 + rnd(w, rnd(w, 50) ? w->block : SSO_SPLIT));
    else if (what < 450)
        deliver(b, (enum sso_stream)rnd(w, SSO_STREAMS));
    else if (what < 600 && b->orders)
        obey(b);
    else if (what < 700) {
        w->t.mono_us += (usec_t)rnd(w, 200 * USEC_PER_MSEC);
        run_timers(w);
    } else if (what < 800)
        change(b, (unsigned)rnd(w, RECORDS), (uint32_t)rnd(w, 1000));
    else if (what < 830)
        (void)new_sa(b);
    else if (what < 835)
        end_sa(b, 1 + (uint32_t)rnd(w, SAS - 1));
    else if (what < 850)
        become_active(b);
    else if (what < 860)
        give_up_role(b);
    else if (what < 870)
        link_down(b);
    else if (what < 885 && !(w->box[0].linked && w->box[1].linked))
        link_up(w);
    else if (what < 888)
        crash(b);
    else if (what < 891)
        engine_dies(b);
    else if (what < 900)
        b->window = 1 + rnd(w, WIRE);
    else if (what < 930)
        settle(w);
    if (b->restart || other(b)->restart) {
        link_down(b);
        link_down(other(b));
    }
    if (w->box[0].orders > CHANNEL / 2 || w->box[1].orders > CHANNEL / 2) {
        obey_all(&w->box[0]);
        obey_all(&w->box[1]);
    }
}

static void no_number_twice(void **state)
{
    unsigned hot = 0, over = 0, replaced = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct world *w = world_new(seed, seed % 3 ? 100 : 5000);
        for (unsigned i = 0; i < 1500; i++) {
            step(w);
            compare(w);
            if (w->twice)
                fail_msg("seed %u: a number was used twice in step %u", (unsigned)seed, i);
        }
        for (unsigned i = 0; i < 2; i++) {
            hot += w->box[i].events[SSO_SYNC_HOT];
            over += w->box[i].events[SSO_SYNC_END];
            replaced += w->box[i].replaced;
        }
        world_free(w);
    }
    /* It was about something. */
    assert_true(hot > 3000 && over > 3000 && replaced > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bulk_and_live),
        cmocka_unit_test(ceilings),
        cmocka_unit_test(a_ceiling_that_comes_late),
        cmocka_unit_test(an_engine_dies),
        cmocka_unit_test(take_over_after_a_crash),
        cmocka_unit_test(the_loser_fences),
        cmocka_unit_test(a_standby_is_lost),
        cmocka_unit_test(a_standby_leaves),
        cmocka_unit_test(a_standby_that_does_not_read),
        cmocka_unit_test(two_active_boxes),
        cmocka_unit_test(an_old_active_is_ignored),
        cmocka_unit_test(sections),
        cmocka_unit_test(a_peer_that_lies),
        cmocka_unit_test(no_number_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
