/* Roles of interfaces, positions of SAs. See position.h. */
#include "control/crypto/position.h"
#include "control/priv.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN     (100 * USEC_PER_MSEC) /* the channel was full */
#define STEP      256                   /* parts of a volume: the other box is so far ahead */
#define STEP_MOST 16                    /* … of a small one this far … */
#define STEP_MIN  (UINT64_C(64) << 10)  /* … or so many bytes */

static const struct dp_counters *counters(const struct control *c, const struct wanted_sa *w)
{
    /* before the datapath has confirmed it they are of whoever had the slot before */
    return w->state == WANTED_SETTLED && c->stats && w->m.slot < DPSTATS_SLOTS
               ? &c->stats->slot[w->m.slot]
               : NULL;
}

/* --- roles --------------------------------------------------------------------------------- */

static void tell_role(struct control *c, uint32_t ifid)
{
    struct sadb_role_set m;
    memset(&m, 0, sizeof(m));
    m.seq = dp_seq(c);
    m.ifid = ifid;
    m.role = c->positions.at[ifid].role;
    c->positions.at[ifid].seq = dp_send(c, SADB_ROLE, &m, sizeof(m), NULL, 0) == 0 ? m.seq : 0;
}

void position_role(struct control *c, uint32_t ifid, enum sadb_role role)
{
    if (ifid == 0 || ifid > PORTS_MAX)
        return;
    position_flush(c);
    c->positions.at[ifid].told = true;
    c->positions.at[ifid].role = (uint8_t)role;
    tell_role(c, ifid);
}

bool position_settled(const struct control *c)
{
    for (uint32_t i = 1; i <= PORTS_MAX; i++)
        if (c->positions.at[i].seq)
            return false;
    return c->dp != NULL;
}

enum sadb_role position_role_of(const struct control *c, uint32_t ifid)
{
    return ifid <= PORTS_MAX ? (enum sadb_role)c->positions.at[ifid].role : SADB_ROLE_ACTIVE;
}

void position_channel(struct control *c)
{
    c->positions.barrier_seq = 0;
    for (uint32_t i = 1; i <= PORTS_MAX; i++) {
        c->positions.at[i].seq = 0;
        if (c->positions.at[i].told)
            tell_role(c, i);
    }
}

bool position_acked(struct control *c, const struct sadb_ack *a)
{
    struct positions *p = &c->positions;
    uint32_t i = 1;
    if (p->barrier_seq && p->barrier_seq == a->seq) {
        p->barrier_seq = 0;
        p->barrier = false;
        if (p->ops && p->ops->barrier)
            p->ops->barrier(p->ctx);
        return true;
    }
    while (i <= PORTS_MAX && (!p->at[i].seq || p->at[i].seq != a->seq))
        i++;
    if (i > PORTS_MAX)
        return false;
    p->at[i].seq = 0;
    if (a->err)
        log_line(c->o.log, LOGL_ERROR, "sadb", "the datapath refused a role: %s",
                 strerror(-a->err));
    else if (p->ops && p->ops->role)
        p->ops->role(p->ctx, i, (enum sadb_role)p->at[i].role);
    return true;
}

/* --- ceilings ------------------------------------------------------------------------------ */

void position_leased(struct control *c, uint32_t ifid, bool on)
{
    if (ifid <= PORTS_MAX)
        c->positions.at[ifid].leased = on;
}

void position_start(const struct control *c, struct sadb_sa *m)
{
    if (m->dir != SADB_OUT || m->ifid > PORTS_MAX || !c->positions.at[m->ifid].leased)
        return;
    m->flags |= SADB_F_CEILING;
    m->ceiling = 0;
    m->block = 0;
}

/* What this engine has said counts, else what the memory says that the one before it did. */
void position_resume(const struct control *c, const struct wanted_sa *w, struct sadb_sa *m)
{
    const struct dp_counters *k = counters(c, w);
    if (!k)
        return;
    uint64_t first = dp_read(m->dir == SADB_OUT ? &k->lease : &k->seq) + 1;
    m->flags |= SADB_F_RESUME;
    if (first > m->seq_first)
        m->seq_first = first;
    if (m->dir != SADB_OUT || w->positioned)
        return;
    m->ceiling = dp_read(&k->ceiling);
    m->flags |= SADB_F_CEILING;
}

void position_lease(struct control *c, const struct sadb_lease *l)
{
    if (c->positions.ops && c->positions.ops->lease && wanted_find(c, l->sa))
        c->positions.ops->lease(c->positions.ctx, l->sa, l->last);
}

/* --- positions ----------------------------------------------------------------------------- */

static void leave_at(struct control *c, usec_t when)
{
    if (!timer_armed(&c->positions.timer))
        (void)timer_set(&c->timers, &c->positions.timer, when);
}

static int make_due(struct control *c, struct wanted_sa *w)
{
    struct positions *ps = &c->positions;
    if (w->due)
        return 0;
    if (!VEC_ROOM(ps->due, ps->cap_due, ps->n_due + 1))
        return -ENOMEM;
    w->due = true;
    ps->due[ps->n_due++] = w->m.sa;
    leave_at(c, clock_mono(&c->o.clock));
    return 0;
}

int position_set(struct control *c, uint32_t sa, const struct position *p)
{
    struct wanted_sa *w = wanted_find(c, sa);
    if (!w)
        return -ENOENT;
    if (p->next > w->m.seq_first)
        w->m.seq_first = p->next;
    if (w->m.dir == SADB_OUT) {
        w->m.flags |= SADB_F_CEILING;
        w->m.ceiling = p->ceiling;
        w->m.block = p->block;
    }
    w->positioned = true;
    return make_due(c, w);
}

int position_bytes(struct control *c, uint32_t sa, uint64_t before)
{
    struct wanted_sa *w = wanted_find(c, sa);
    if (!w)
        return -ENOENT;
    if (before <= w->m.bytes_before)
        return 0;
    w->m.bytes_before = before;
    return make_due(c, w);
}

/* As many as a frame takes, from `at` on. How many were looked at, or -errno. */
static int send_some(struct control *c, size_t at)
{
    struct sadb_position v[SADB_POSITIONS];
    const struct positions *ps = &c->positions;
    struct sadb_ref r = {.seq = dp_seq(c)};
    size_t i = at;
    for (; i < ps->n_due && r.count < SADB_POSITIONS; i++) {
        const struct wanted_sa *w = wanted_find(c, ps->due[i]);
        if (w)
            v[r.count++] = (struct sadb_position){.sa = w->m.sa,
                                                  .block = w->m.block,
                                                  .next = w->m.seq_first,
                                                  .ceiling = w->m.ceiling,
                                                  .before = w->m.bytes_before};
    }
    int err = r.count ? dp_send(c, SADB_POSITION, &r, sizeof(r), v, r.count * sizeof(*v)) : 0;
    return err ? err : (int)(i - at);
}

static void send_barrier(struct control *c)
{
    struct sadb_ref r = {.seq = dp_seq(c)};
    if (dp_send(c, SADB_POSITION, &r, sizeof(r), NULL, 0) == 0)
        c->positions.barrier_seq = r.seq;
    else
        leave_at(c, clock_mono(&c->o.clock) + AGAIN);
}

void position_flush(struct control *c)
{
    struct positions *ps = &c->positions;
    size_t sent = 0;
    if (!c->dp || !c->wanted.known)
        return; /* with the dump's answer */
    for (int n; sent < ps->n_due && (n = send_some(c, sent)) > 0; sent += (size_t)n)
        for (int i = 0; i < n; i++) {
            struct wanted_sa *w = wanted_find(c, ps->due[sent + (size_t)i]);
            if (w)
                w->due = false;
        }
    if (!sent && ps->n_due)
        leave_at(c, clock_mono(&c->o.clock) + AGAIN);
    if (sent && sent < ps->n_due)
        memmove(ps->due, ps->due + sent, (ps->n_due - sent) * sizeof(*ps->due));
    ps->n_due -= sent;
    if (ps->barrier && !ps->barrier_seq && !ps->n_due)
        send_barrier(c);
}

void position_barrier(struct control *c)
{
    c->positions.barrier = true;
    c->positions.barrier_seq = 0;
    position_flush(c);
}

void position_limit(struct control *c, uint32_t sa, uint64_t limit)
{
    struct wanted_sa *w = wanted_find(c, sa);
    if (w && w->limit != limit)
        wanted_limit(c, w, limit);
}

uint64_t position_limit_of(const struct control *c, uint32_t sa)
{
    const struct wanted_sa *w = wanted_find(c, sa);
    return w ? w->limit : 0;
}

static void on_timer(struct timer *t, void *owner)
{
    (void)t;
    position_flush((struct control *)owner);
}

/* --- numbers ------------------------------------------------------------------------------- */

static uint64_t last_of(const struct wanted_sa *w, const struct dp_counters *k)
{
    uint64_t before = w->m.seq_first ? w->m.seq_first - 1 : 0;
    uint64_t last = k ? dp_read(&k->seq) : 0;
    return last > before ? last : before;
}

bool position_of(const struct control *c, uint32_t sa, struct sa_numbers *out)
{
    const struct wanted_sa *w = wanted_find(c, sa);
    if (!w)
        return false;
    const struct dp_counters *k = counters(c, w);
    out->last = last_of(w, k);
    out->ceiling = SADB_NO_CEILING;
    if (w->m.dir == SADB_OUT && k && !w->positioned)
        out->ceiling = dp_read(&k->ceiling);
    else if (w->m.flags & SADB_F_CEILING)
        out->ceiling = w->m.ceiling;
    return true;
}

void position_each(struct control *c, uint64_t least, position_fn *fn, void *ctx)
{
    for (size_t i = 0; i < c->wanted.n; i++) {
        struct wanted_sa *w = c->wanted.v[i];
        const struct dp_counters *k = counters(c, w);
        uint64_t last = k ? dp_read(&k->seq) : 0;
        if (last > w->heard && last - w->heard >= least && fn(ctx, w, last))
            w->heard = last;
    }
}

/* --- volumes ------------------------------------------------------------------------------- */

/* The other box counts ahead of us, so that after a crash a volume ends early rather than late. It
 * hears of more when half of the step is used, and a fast SA is ahead by what it uses from one look
 * to the next but one. */
static uint64_t step_of(const struct wanted_sa *w)
{
    uint64_t hard = w->m.hard_bytes, step = hard / STEP;
    if (step < STEP_MIN)
        step = STEP_MIN;
    return step < hard / STEP_MOST ? step : hard / STEP_MOST;
}

static uint64_t used_by(const struct wanted_sa *w, const struct dp_counters *k)
{
    return w->m.bytes_before + (k ? dp_read(&k->bytes) : 0);
}

/* Up to where the other box is to count; 0: it counts far enough. */
static uint64_t charge(const struct wanted_sa *w, uint64_t used)
{
    uint64_t grown = w->looked && used > w->looked ? used - w->looked : 0, step = step_of(w);
    uint64_t near = grown > step / 2 ? grown : step / 2;
    return w->m.hard_bytes && used && used + near >= w->charged ? used + 2 * near : 0;
}

void position_bytes_each(struct control *c, position_fn *fn, void *ctx)
{
    for (size_t i = 0; i < c->wanted.n; i++) {
        struct wanted_sa *w = c->wanted.v[i];
        uint64_t used = used_by(w, counters(c, w)), to = charge(w, used);
        w->looked = used;
        if (to && fn(ctx, w, to))
            w->charged = to;
    }
}

void position_snapshot(const struct control *c, struct wanted_sa *w, struct sadb_sa *out)
{
    const struct dp_counters *k = counters(c, w);
    uint64_t to = charge(w, used_by(w, k));
    if (to)
        w->charged = to;
    w->heard = last_of(w, k);
    memset(out, 0, sizeof(*out));
    memcpy(out, &w->m, wanted_size(&w->m));
    if (w->m.dir == SADB_IN)
        out->seq_first = w->heard + 1;
    out->bytes_before = w->charged;
}

/* --- life ---------------------------------------------------------------------------------- */

void position_watch(struct control *c, const struct position_ops *ops, void *ctx)
{
    c->positions.ops = ops;
    c->positions.ctx = ctx;
}

void position_open(struct control *c)
{
    timer_init(&c->positions.timer, on_timer, c);
}

void position_close(struct control *c)
{
    timer_cancel(&c->timers, &c->positions.timer);
    free(c->positions.due);
    c->positions = (struct positions){0};
}
