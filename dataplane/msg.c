/*
 * The engine's messages. See sadb.h for the vocabulary and dp.h for the core.
 *
 * Every request is copied out of the frame before it is looked at, its length must be exactly
 * right, and it is answered by SADB_ACK with the request's number. Frames may hold keys: the
 * copies are wiped.
 */
#include "dataplane/dp.h"
#include "dataplane/pmtu.h"
#include "dataplane/reasm.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct dp *dp_new(struct clock clock, const struct log *log, struct crypto *crypto,
                  const struct dp_io *io, void *io_ctx)
{
    struct dp *dp = calloc(1, sizeof *dp);
    if (!dp)
        return NULL;
    dp->clock = clock;
    dp->log = *log;
    dp->io = io;
    dp->io_ctx = io_ctx;
    dp->total = &dp->own_total;
    dp->spare = pktvec_new();
    dp->pieces = pktvec_new();
    dp->reasm = reasm_new();
    if (!dp->spare || !dp->pieces || !dp->reasm) {
        pktvec_free(dp->spare);
        pktvec_free(dp->pieces);
        reasm_free(dp->reasm);
        free(dp);
        return NULL;
    }
    dp->crypto = dp->batch.crypto = crypto;
    dp->pmtu_left = PMTU_PER_SECOND;
    dp->tell_left = TELL_PER_SECOND;
    return dp;
}

void dp_free(struct dp *dp)
{
    if (!dp)
        return;
    sad_flush(&dp->sad, 0);
    spd_forget_pending(&dp->spd);
    spd_flush(&dp->spd, &dp->policies, 0);
    crypto_free(dp->crypto);
    hold_clear(&dp->hold);
    pktvec_free(dp->spare);
    pktvec_free(dp->pieces);
    reasm_free(dp->reasm);
    free(dp->locals);
    for (uint32_t i = 0; i <= TANDEM_IFIDS; i++)
        free(dp->gre[i]);
    mem_wipe(dp, sizeof *dp);
    free(dp);
}

void dp_set_stats(struct dp *dp, struct dpstats *stats)
{
    dp->stats = stats;
    stats->magic = DPSTATS_MAGIC;
    stats->slots = DPSTATS_SLOTS;
    dp->total = &stats->total;
}

struct dp_counters *dp_slot(struct dp *dp, uint32_t slot)
{
    return dp->stats && slot < DPSTATS_SLOTS ? &dp->stats->slot[slot] : NULL;
}

static int send_engine(struct dp *dp, uint16_t type, const void *data, size_t len)
{
    return dp->io->engine(dp->io_ctx, type, data, len, NULL, 0);
}

static void ack(struct dp *dp, uint32_t seq, int err)
{
    struct sadb_ack a = {.seq = seq, .err = err};
    send_engine(dp, SADB_ACK, &a, sizeof a);
}

static bool slot_ok(uint32_t slot)
{
    return slot < DPSTATS_SLOTS || slot == SADB_NO_SLOT;
}

/* --- SAs ----------------------------------------------------------------------------------- */

static void on_add(struct dp *dp, const uint8_t *data, size_t len)
{
    struct sadb_sa m;
    struct sa *sa = NULL;
    memcpy(&m, data, len);
    int err =
        slot_ok(m.slot) ? sad_add(&dp->sad, dp->crypto, &m, dp_slot(dp, m.slot), &sa) : -EINVAL;
    ack(dp, m.seq, err);
    mem_wipe(&m, sizeof m);
    if (err || sa->dir != SADB_OUT)
        return;
    pmtu_start(&dp->sad, sa);
    dp_release(dp, sa->policy);
}

static void on_update(struct dp *dp, const uint8_t *data, size_t len)
{
    struct sadb_update m;
    memcpy(&m, data, len);
    struct sa *sa = sad_find(&dp->sad, m.sa);
    bool moved = sa && addr_is_set(&m.remote) && !addr_eq(&m.remote, &sa->remote);
    int err = sad_update(&dp->sad, &m);
    if (!err && sa && sa->dir == SADB_OUT)
        pmtu_update(sa, &m, moved);
    ack(dp, m.seq, err);
}

static void on_delete(struct dp *dp, const uint8_t *data, size_t len)
{
    struct sadb_delete m;
    memcpy(&m, data, len);
    ack(dp, m.seq, sad_delete(&dp->sad, m.sa));
}

static int send_info(struct dp *dp, const struct sa *sa, uint32_t seq)
{
    struct sadb_sa info;
    sad_describe(sa, &info);
    info.seq = seq;
    return send_engine(dp, SADB_SA_INFO, &info, sizeof info);
}

static void on_flush(struct dp *dp, const struct sadb_ref *r)
{
    sad_flush(&dp->sad, r->ifid);
    ack(dp, r->seq, 0);
}

static void on_get(struct dp *dp, const struct sadb_ref *r)
{
    const struct sa *sa = sad_find(&dp->sad, r->sa);
    ack(dp, r->seq, sa ? send_info(dp, sa, r->seq) : -ENOENT);
}

/* One bucket at a time: it is sent whole or again, when the channel has room. */
void dp_dump_more(struct dp *dp)
{
    for (; dp->dump.active && dp->dump.bucket < SAD_BUCKETS; dp->dump.bucket++)
        for (const struct sa *sa = dp->sad.ids[dp->dump.bucket]; sa; sa = sa->by_id) {
            if (dp->dump.ifid && sa->ifid != dp->dump.ifid)
                continue;
            int err = send_info(dp, sa, dp->dump.seq);
            if (err == -ENOBUFS)
                return;
            if (err) {
                dp->dump.active = false;
                return;
            }
        }
    if (dp->dump.active) {
        dp->dump.active = false;
        ack(dp, dp->dump.seq, 0);
    }
}

static void on_dump(struct dp *dp, const struct sadb_ref *r)
{
    if (dp->dump.active) {
        ack(dp, r->seq, -EBUSY);
        return;
    }
    dp->dump.active = true;
    dp->dump.seq = r->seq;
    dp->dump.ifid = r->ifid;
    dp->dump.bucket = 0;
    dp_dump_more(dp);
}

/* --- policy -------------------------------------------------------------------------------- */

static void on_acquire_failed(struct dp *dp, const struct sadb_ref *r)
{
    struct policy *p = policy_find(&dp->policies, r->policy);
    if (p) {
        dp_count(p->ctr, DP_NO_SA, queue_clear(&dp->policies, p));
        p->next_acquire = clock_mono(&dp->clock) + ACQUIRE_INTERVAL;
    }
    ack(dp, r->seq, p ? 0 : -ENOENT);
}

/* Gives counters to the policies of a set that has just taken effect. */
static void give_slots(struct dp *dp, const struct spd *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        struct policy *p = s->lines[i].policy;
        if (!p || p->ctr)
            continue;
        p->ctr = dp_slot(dp, p->slot);
        if (!p->ctr)
            p->ctr = &p->own;
        if (!p->resume)
            memset((void *)p->ctr, 0, sizeof *p->ctr);
    }
}

/* Packets whose policy went have nowhere to go. */
static void count_swept(struct dp *dp)
{
    dp_count(dp->total, DP_NO_SA, dp->policies.swept);
    dp->policies.swept = 0;
}

static int take_entries(struct dp *dp, const struct sadb_spd_set *m, const uint8_t *data,
                        size_t len)
{
    if (m->ifid == 0 || len % sizeof(struct sadb_spd_entry) ||
        m->count != len / sizeof(struct sadb_spd_entry))
        return -EINVAL;
    struct sadb_spd_entry *e = malloc(len ? len : 1);
    if (!e)
        return -ENOMEM;
    memcpy(e, data, len);
    int err = 0;
    for (uint32_t i = 0; !err && i < m->count; i++)
        if (!slot_ok(e[i].slot))
            err = -EINVAL;
    if (err)
        spd_forget_pending(&dp->spd);
    else
        err = spd_collect(&dp->spd, m->ifid, e, m->count);
    free(e);
    return err;
}

static void on_spd_set(struct dp *dp, const uint8_t *data, size_t len)
{
    struct sadb_spd_set m;
    if (len < sizeof m) {
        ack(dp, 0, -EINVAL);
        return;
    }
    memcpy(&m, data, sizeof m);
    int err = take_entries(dp, &m, data + sizeof m, len - sizeof m);
    if (err || m.more) {
        ack(dp, m.seq, err);
        return;
    }
    err = spd_commit(&dp->spd, &dp->policies, m.ifid);
    count_swept(dp);
    const struct spd *s = spd_find(&dp->spd, m.ifid);
    if (!err && s)
        give_slots(dp, s);
    ack(dp, m.seq, err);
    if (!err) /* it may give the SA that a packet waits for to another line */
        dp_release_all(dp, m.ifid);
}

static void on_spd_flush(struct dp *dp, const struct sadb_ref *r)
{
    spd_flush(&dp->spd, &dp->policies, r->ifid);
    count_swept(dp);
    ack(dp, r->seq, 0);
}

/* --- the rest ------------------------------------------------------------------------------ */

static int take_locals(struct dp *dp, uint32_t count, const uint8_t *data, size_t len)
{
    if (count > DP_LOCAL_MAX || len != count * sizeof(struct addr))
        return -EINVAL;
    struct addr *a = NULL;
    if (count) {
        a = malloc(len);
        if (!a)
            return -ENOMEM;
        memcpy(a, data, len);
    }
    free(dp->locals);
    dp->locals = a;
    dp->n_locals = count;
    return 0;
}

static void on_local_addrs(struct dp *dp, const uint8_t *data, size_t len)
{
    struct sadb_ref r;
    if (len < sizeof r) {
        ack(dp, 0, -EINVAL);
        return;
    }
    memcpy(&r, data, sizeof r);
    ack(dp, r.seq, take_locals(dp, r.count, data + sizeof r, len - sizeof r));
}

static void on_encap(struct dp *dp, const uint8_t *data, size_t len)
{
    struct sadb_encap m;
    memcpy(&m, data, len);
    ack(dp, m.seq, dp_set_encap(dp, &m));
}

static void on_go(struct dp *dp, const struct sadb_ref *r)
{
    dp->go = true;
    ack(dp, r->seq, 0);
}

static void on_role(struct dp *dp, const uint8_t *data, size_t len)
{
    struct sadb_role_set m;
    memcpy(&m, data, len);
    bool ok = m.ifid && m.ifid <= TANDEM_IFIDS && m.role < SADB_ROLES;
    if (ok)
        role_set(dp, m.ifid, (enum sadb_role)m.role);
    ack(dp, m.seq, ok ? 0 : -EINVAL);
}

static void on_position(struct dp *dp, const uint8_t *data, size_t len)
{
    struct sadb_ref r;
    if (len < sizeof r) {
        ack(dp, 0, -EINVAL);
        return;
    }
    memcpy(&r, data, sizeof r);
    bool ok = r.count <= SADB_POSITIONS && len - sizeof r == r.count * sizeof(struct sadb_position);
    ack(dp, r.seq, ok ? role_positions(dp, data + sizeof r, r.count) : -EINVAL);
}

static void on_ike_send(struct dp *dp, const uint8_t *data, size_t len)
{
    struct sadb_ike path;
    if (len < sizeof path || len - sizeof path > SADB_IKE_MAX)
        return; /* has no number that an ACK could name */
    memcpy(&path, data, sizeof path);
    if (addr_size(&path.local) && path.local.family == path.remote.family && path.remote_port)
        dp->io->ike(dp->io_ctx, &path, data + sizeof path, len - sizeof path);
}

typedef void data_fn(struct dp *dp, const uint8_t *data, size_t len);
typedef void ref_fn(struct dp *dp, const struct sadb_ref *r);

struct handler {
    uint16_t type;
    size_t exact; /* 0: the handler checks */
    data_fn *data;
    ref_fn *ref; /* takes a struct sadb_ref */
};

static const struct handler handlers[] = {
    {SADB_ADD, sizeof(struct sadb_sa), on_add, NULL},
    {SADB_UPDATE, sizeof(struct sadb_update), on_update, NULL},
    {SADB_DELETE, sizeof(struct sadb_delete), on_delete, NULL},
    {SADB_FLUSH, sizeof(struct sadb_ref), NULL, on_flush},
    {SADB_GET, sizeof(struct sadb_ref), NULL, on_get},
    {SADB_DUMP, sizeof(struct sadb_ref), NULL, on_dump},
    {SADB_ACQUIRE_FAILED, sizeof(struct sadb_ref), NULL, on_acquire_failed},
    {SADB_SPD_SET, 0, on_spd_set, NULL},
    {SADB_SPD_FLUSH, sizeof(struct sadb_ref), NULL, on_spd_flush},
    {SADB_IKE_SEND, 0, on_ike_send, NULL},
    {SADB_LOCAL_ADDRS, 0, on_local_addrs, NULL},
    {SADB_GO, sizeof(struct sadb_ref), NULL, on_go},
    {SADB_ROLE, sizeof(struct sadb_role_set), on_role, NULL},
    {SADB_POSITION, 0, on_position, NULL},
    {SADB_ENCAP, sizeof(struct sadb_encap), on_encap, NULL},
};

/* The number of a request whose length is wrong: it comes first in every struct. */
static uint32_t number_of(const uint8_t *data, size_t len)
{
    uint32_t seq = 0;
    if (len >= sizeof seq)
        memcpy(&seq, data, sizeof seq);
    return seq;
}

void dp_message(struct dp *dp, uint16_t type, const uint8_t *data, size_t len)
{
    const struct handler *h = NULL;
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
        if (handlers[i].type == type)
            h = &handlers[i];
    if (!h) {
        ack(dp, number_of(data, len), -ENOSYS);
        return;
    }
    if (h->exact && len != h->exact) {
        ack(dp, number_of(data, len), -EINVAL);
        return;
    }
    if (h->data) {
        h->data(dp, data, len);
        return;
    }
    struct sadb_ref r;
    memcpy(&r, data, sizeof r);
    h->ref(dp, &r);
}

void dp_engine_new(struct dp *dp)
{
    spd_forget_pending(&dp->spd);
    dp->dump.active = false;
    for (uint32_t i = 0; i < POLICY_BUCKETS; i++)
        for (struct policy *p = dp->policies.buckets[i]; p; p = p->chain)
            p->next_acquire = 0;
    for (uint32_t i = 0; i < SAD_BUCKETS; i++)
        for (struct sa *sa = dp->sad.ids[i]; sa; sa = sa->by_id)
            sa->soft_sent = sa->hard_sent = false, sa_ask_again(sa);
}
