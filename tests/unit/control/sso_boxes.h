/*
 * Two boxes of control/sso/sync.h, a network between them and a datapath in each, all by hand. A
 * box may crash, come back, be cut off, or believe wrongly that it is active; what the datapaths
 * seal is counted, and a number that is used twice fails the test at once.
 */
#ifndef TANDEM_TESTS_CONTROL_SSO_BOXES_H
#define TANDEM_TESTS_CONTROL_SSO_BOXES_H

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
    uint64_t inbound, volume;       /* of SA 1000 */
    uint64_t moves;                 /* packets of it from one look to the next */
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

/* As if 1000 were configured. */
static void host_moved(void *ctx, uint64_t least)
{
    struct box *b = (struct box *)ctx;
    bool far = b->moves >= least || b->moves >= 1000;
    if (far && sso_sync_inbound(b->sync, 1000, b->inbound + 1))
        b->inbound++;
    if (far && sso_sync_bytes(b->sync, 1000, b->volume + 1000))
        b->volume += 1000;
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
    if (sa == 1000 && next > b->inbound)
        b->inbound = next;
    else if (sa == 1000)
        return;
    else if (b->last[sa])
        tell_dp(b, (struct order){SET, sa, 0, next, ceiling, false});
}

static void host_volume(void *ctx, uint32_t sa, uint64_t bytes)
{
    struct box *b = (struct box *)ctx;
    if (sa == 1000 && bytes > b->volume)
        b->volume = bytes;
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
                              .volume = host_volume,
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
    sso_sync_exact(b->sync);
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
        w->box[i].moves = 100;
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

#endif
