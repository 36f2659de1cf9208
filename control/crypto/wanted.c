/* What the datapath should hold. See wanted.h. */
#include "control/crypto/wanted.h"
#include "control/journal.h"
#include "control/priv.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In the journal: without the room for selectors that it does not have. */
struct wanted_record {
    uint32_t settled;
    uint64_t limit;
    struct sadb_sa m;
};

static size_t record_size(uint32_t n_ts)
{
    return offsetof(struct wanted_record, m.ts) + n_ts * sizeof(struct selector);
}

size_t wanted_size(const struct sadb_sa *m)
{
    return offsetof(struct sadb_sa, ts) + m->n_ts * sizeof(struct selector);
}

/* --- the table ----------------------------------------------------------------------------------
 */

static size_t place_of(const struct wanted_table *t, uint32_t sa)
{
    size_t lo = 0, hi = t->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (t->v[mid]->m.sa < sa)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct wanted_sa *wanted_find(const struct control *c, uint32_t sa)
{
    const struct wanted_table *t = &c->wanted;
    size_t i = place_of(t, sa);
    return i < t->n && t->v[i]->m.sa == sa ? t->v[i] : NULL;
}

bool wanted_inbound(const struct control *c, uint32_t spi)
{
    for (size_t i = 0; i < c->wanted.n; i++) {
        const struct sadb_sa *m = &c->wanted.v[i]->m;
        if (m->dir == SADB_IN && (m->spi == spi || (m->ah.id != INTEG_NONE && m->ah_spi == spi)))
            return true;
    }
    return false;
}

static struct wanted_sa *insert(struct control *c, const struct sadb_sa *m)
{
    struct wanted_table *t = &c->wanted;
    struct wanted_sa *w =
        VEC_ROOM(t->v, t->cap, t->n + 1) ? (struct wanted_sa *)calloc(1, sizeof(*w)) : NULL;
    if (!w)
        return NULL;
    size_t at = place_of(t, m->sa);
    w->m = *m;
    memmove(t->v + at + 1, t->v + at, (t->n - at) * sizeof(struct wanted_sa *));
    t->v[at] = w;
    t->n++;
    return w;
}

static void discard(struct control *c, size_t at)
{
    struct wanted_table *t = &c->wanted;
    struct wanted_sa *w = t->v[at];
    memmove(t->v + at, t->v + at + 1, (t->n - at - 1) * sizeof(struct wanted_sa *));
    t->n--;
    mem_wipe(w, sizeof(*w));
    free(w);
}

static int keep(struct control *c, const struct wanted_sa *w)
{
    struct wanted_record r;
    if (!c->journal || w->passive)
        return 0;
    memset(&r, 0, sizeof(r));
    r.m = w->m;
    r.settled = w->state == WANTED_SETTLED;
    r.limit = w->limit;
    int err = journal_put(c->journal, JOURNAL_SA, w->m.sa, &r, record_size(r.m.n_ts));
    mem_wipe(&r, sizeof(r));
    return err;
}

bool wanted_load(struct control *c, const uint8_t *p, size_t n)
{
    struct wanted_record r;
    memset(&r, 0, sizeof(r));
    bool good = n >= record_size(0) && n <= sizeof(r);
    if (good) {
        memcpy(&r, p, n);
        good = r.m.n_ts <= SADB_TS_MAX && n == record_size(r.m.n_ts) && r.m.sa &&
               r.m.sa <= INT32_MAX && r.m.slot < DPSTATS_SLOTS && !wanted_find(c, r.m.sa);
    }
    struct wanted_sa *w = good ? insert(c, &r.m) : NULL;
    if (w) {
        w->state = r.settled ? WANTED_SETTLED : WANTED_SENT;
        w->limit = r.limit;
    }
    mem_wipe(&r, sizeof(r));
    return w != NULL;
}

void wanted_free(struct control *c)
{
    while (c->wanted.n)
        discard(c, c->wanted.n - 1);
    free(c->wanted.v);
    c->wanted = (struct wanted_table){0};
}

/* --- telling the datapath -----------------------------------------------------------------------
 */

static int send_add(struct control *c, struct wanted_sa *w)
{
    struct sadb_sa m = w->m;
    m.seq = m.sa;
    if (w->state == WANTED_SETTLED) {
        position_resume(c, w, &m);
    } else {
        w->state = WANTED_SENT;
    }
    int err = dp_send(c, SADB_ADD, &m, sizeof(m), NULL, 0);
    mem_wipe(&m, sizeof(m));
    if (!err)
        outbox_added(c);
    return err;
}

static void send_delete(struct control *c, uint32_t sa)
{
    struct sadb_delete d = {.seq = dp_seq(c), .sa = sa};
    dp_send(c, SADB_DELETE, &d, sizeof(d), NULL, 0);
}

/* To a standby, before the datapath hears of it. */
static void share(struct control *c, struct wanted_sa *w)
{
    struct sadb_sa m;
    if (!wanted_is_shared(w->m.sa) || w->passive)
        return;
    position_snapshot(c, w, &m);
    sso_record(c, SSO_SA, m.sa, &m, wanted_size(&m));
    w->record = sso_put(c);
    mem_wipe(&m, sizeof(m));
}

static int install(struct control *c, struct wanted_sa *w)
{
    int err = c->wanted.known ? send_add(c, w) : 0;
    if (err)
        wanted_delete(c, w->m.sa);
    return err;
}

int wanted_add(struct control *c, const struct sadb_sa *m)
{
    struct wanted_sa *w = wanted_find(c, m->sa) ? NULL : insert(c, m);
    if (!w)
        return -ENOMEM;
    position_start(c, &w->m);
    int err = keep(c, w);
    if (err) /* it works, but nobody can take it over */
        log_line(c->o.log, LOGL_WARNING, "journal", "no room for an SA: %s", strerror(-err));
    share(c, w);
    return install(c, w);
}

int wanted_add_passive(struct control *c, const struct sadb_sa *m)
{
    struct wanted_sa *w = wanted_find(c, m->sa) ? NULL : insert(c, m);
    if (!w)
        return -ENOMEM;
    w->passive = true;
    if (m->dir == SADB_OUT) {
        w->m.flags |= SADB_F_CEILING;
        w->m.ceiling = 0;
        w->m.block = 0;
    }
    return install(c, w);
}

void wanted_own(struct control *c, struct wanted_sa *w)
{
    w->passive = false;
    if (keep(c, w))
        log_line(c->o.log, LOGL_WARNING, "journal", "no room for an SA");
    share(c, w); /* there may be another standby already */
}

void wanted_delete(struct control *c, uint32_t sa)
{
    size_t at = place_of(&c->wanted, sa);
    if (at == c->wanted.n || c->wanted.v[at]->m.sa != sa)
        return;
    bool passive = c->wanted.v[at]->passive;
    discard(c, at);
    /* First from the datapath: what the journal does not know is deleted there anyway. */
    send_delete(c, sa);
    if (passive)
        return;
    if (c->journal)
        journal_remove(c->journal, JOURNAL_SA, sa);
    if (wanted_is_shared(sa))
        sso_record(c, SSO_SA, sa, NULL, 0);
}

void wanted_move(struct control *c, uint32_t sa, const struct ike_path *to)
{
    struct wanted_sa *w = wanted_find(c, sa);
    struct sadb_update u;
    if (!w)
        return;
    w->m.remote = to->remote;
    w->m.remote_port = to->rport;
    keep(c, w);
    share(c, w);
    memset(&u, 0, sizeof(u));
    u.seq = dp_seq(c);
    u.sa = sa;
    u.remote = to->remote;
    u.remote_port = to->rport;
    dp_send(c, SADB_UPDATE, &u, sizeof(u), NULL, 0);
}

static void send_path(struct control *c, const struct sadb_sa *m)
{
    struct sadb_update u;
    memset(&u, 0, sizeof(u));
    u.seq = dp_seq(c);
    u.sa = m->sa;
    u.path = 1;
    u.flags = m->flags & SADB_F_PATH;
    u.mtu = m->mtu;
    u.pmtu_age = m->pmtu_age;
    dp_send(c, SADB_UPDATE, &u, sizeof(u), NULL, 0);
}

static bool same_path(const struct sadb_sa *m, uint32_t flags, uint32_t mtu, uint32_t age)
{
    return (m->flags & SADB_F_PATH) == (flags & SADB_F_PATH) && m->mtu == mtu && m->pmtu_age == age;
}

void wanted_path(struct control *c, struct wanted_sa *w, const struct path_policy *p)
{
    if (same_path(&w->m, p->flags, p->mtu, p->age))
        return;
    w->m.flags = (w->m.flags & ~SADB_F_PATH) | p->flags;
    w->m.mtu = p->mtu;
    w->m.pmtu_age = p->age;
    keep(c, w);
    send_path(c, &w->m);
}

void wanted_limit(struct control *c, struct wanted_sa *w, uint64_t limit)
{
    w->limit = limit;
    keep(c, w);
}

void wanted_confirmed(struct control *c, uint32_t sa)
{
    struct wanted_sa *w = wanted_find(c, sa);
    if (!w || w->state == WANTED_SETTLED)
        return;
    w->state = WANTED_SETTLED;
    keep(c, w);
}

/* --- a new channel ------------------------------------------------------------------------------
 */

void wanted_dump(struct control *c)
{
    struct sadb_ref all = {.seq = dp_seq(c)};
    for (size_t i = 0; i < c->wanted.n; i++)
        c->wanted.v[i]->present = false;
    c->wanted.known = false;
    c->wanted.dump_seq = all.seq;
    dp_send(c, SADB_DUMP, &all, sizeof(all), NULL, 0);
}

void wanted_seen(struct control *c, const struct sadb_sa *info)
{
    struct wanted_sa *w = wanted_find(c, info->sa);
    if (w && w->m.spi == info->spi && w->m.dir == info->dir && w->m.ifid == info->ifid &&
        w->m.policy == info->policy && w->m.slot == info->slot) {
        w->present = true;
        if (!same_path(&w->m, info->flags, info->mtu, info->pmtu_age))
            send_path(c, &w->m);
    } else {
        send_delete(c, info->sa);
    }
}

/* Whether an SA that is not there can be made again. One that a datapath may have used while we
 * cannot tell from where to go on is lost: no number may be used twice (RFC 4303 §3.3.3). */
static bool can_return(const struct control *c, const struct wanted_sa *w)
{
    return w->state == WANTED_NEW || w->passive || /* its other box says from where */
           (w->state == WANTED_SETTLED && c->stats && w->m.slot < DPSTATS_SLOTS);
}

void wanted_lost(struct control *c, uint32_t sa)
{
    const struct wanted_sa *w = wanted_find(c, sa);
    if (w && w->passive)
        wanted_delete(c, sa); /* when we take over its child has none, and ends */
    else
        keyex_end_child(c, sa, IKE_R_INTERNAL);
}

void wanted_dumped(struct control *c, int err)
{
    struct wanted_table *t = &c->wanted;
    uint32_t *lost = (uint32_t *)calloc(t->n ? t->n : 1, sizeof(*lost));
    size_t n_lost = 0, added = 0;
    if (err) {
        struct sadb_ref all = {.seq = dp_seq(c)};
        log_line(c->o.log, LOGL_ERROR, "sadb", "the datapath does not say what it holds: %s",
                 strerror(-err));
        dp_send(c, SADB_FLUSH, &all, sizeof(all), NULL, 0);
    }
    t->known = true;
    /* Oldest first: what is added last is used first, and standby stands behind what is there. */
    for (size_t i = 0; i < t->n; i++) {
        struct wanted_sa *w = t->v[i];
        if (w->present && !err)
            wanted_confirmed(c, w->m.sa);
        else if (can_return(c, w) && send_add(c, w) == 0)
            added++;
        else if (lost)
            lost[n_lost++] = w->m.sa;
    }
    if (added || n_lost)
        log_line(c->o.log, LOGL_NOTICE, "sadb",
                 "%zu SAs go on in the datapath, %zu could not and end", added, n_lost);
    position_flush(c);
    for (size_t i = 0; i < n_lost; i++)
        wanted_lost(c, lost[i]);
    free(lost);
}
