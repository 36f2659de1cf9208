/* The public face: engines, initiation, ending, reading. Input is input.c. */
#include "control/ike/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

/* semantics.md §1.1: sends at 0, 2, 6, 14, 30, 62 s, given up at 126 s. */
static const struct ike_schedule asa_schedule = {.n = 6,
                                                 .wait = {2 * USEC_PER_SEC, 4 * USEC_PER_SEC,
                                                          8 * USEC_PER_SEC, 16 * USEC_PER_SEC,
                                                          32 * USEC_PER_SEC, 64 * USEC_PER_SEC}};
static const struct ike_limits default_limits = {.half_open = IKE_LIMIT_HALF_OPEN,
                                                 .cookie_at = IKE_LIMIT_HALF_OPEN / 2,
                                                 .sas = IKE_LIMIT_SAS};

struct ike *ike_new(const struct ike_host *host, void *h, struct timerq *q, const struct clock *clk)
{
    struct ike *ike = calloc(1, sizeof *ike);

    if (!ike)
        return NULL;
    ike->c = ike_crypto_new();
    if (!ike->c) {
        free(ike);
        return NULL;
    }
    ike->host = *host;
    ike->h = h;
    ike->q = q;
    ike->clk = *clk;
    ike->schedule = asa_schedule;
    ike->limits = default_limits;
    ike->fragment_size = IKE_FRAGMENT_SIZE;
    host->random(h, (uint8_t *)&ike->hash_key, sizeof ike->hash_key);
    return ike;
}

void ike_free(struct ike *ike)
{
    if (!ike)
        return;
    /* Nobody is called back: the host is going, too. */
    while (ike->head) {
        struct ike_sa *sa = ike->head;
        sa->told_down = true;
        sa->s.n_children = 0;
        ike_rekey_free(sa->peer_rekey);
        sa->peer_rekey = NULL;
        struct ike_want *lists[] = {sa->wants, sa->active, sa->peer_want};
        sa->wants = sa->active = sa->peer_want = NULL;
        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
            while (lists[i]) {
                struct ike_want *next = lists[i]->next;
                ike_want_free(lists[i]);
                lists[i] = next;
            }
        }
        ike_sa_end(sa, IKE_R_LOCAL_DELETE);
    }
    ike_sa_reap(ike);
    ike_passive_free(ike);
    ike_queue_free(ike);
    for (struct ike_sa_job *j = ike->jobs; j; j = j->next)
        j->ike = NULL;
    ike_crypto_unref(ike->c);
    ike_index_free(&ike->index);
    mem_wipe(ike, sizeof *ike);
    free(ike);
}

void ike_set_schedule(struct ike *ike, const struct ike_schedule *s)
{
    ike->schedule = *s;
    if (ike->schedule.n > sizeof s->wait / sizeof *s->wait)
        ike->schedule.n = sizeof s->wait / sizeof *s->wait;
    if (ike->schedule.n == 0)
        ike->schedule = asa_schedule;
}

void ike_set_fragment_size(struct ike *ike, size_t bytes)
{
    ike->fragment_size = bytes;
}

void ike_set_limits(struct ike *ike, const struct ike_limits *l)
{
    ike->limits = *l;
}

void ike_enter(struct ike *ike)
{
    ike->depth++;
}

void ike_leave(struct ike *ike)
{
    if (ike->depth == 1) {
        ike_commit(ike);
        ike_sa_reap(ike);
    }
    ike->depth--;
}

/* --- initiating ------------------------------------------------------------------------------ */

int ike_begin(struct ike *ike, const struct ike_path *p, struct ike_want *want)
{
    struct ike_path path = *p;
    struct ike_sa *sa;

    /* A path learned from an SA behind a NAT starts over at 500. */
    if (path.lport == IKE_PORT_NAT || path.lport == 0 || path.rport == 0)
        path.lport = path.rport = IKE_PORT;
    sa = ike_sa_new(ike, true, ike_random_spi(ike), &path);
    if (!sa) {
        uint32_t policy = want->cfg.policy;
        bool told = want->child.initiator;
        ike_want_free(want);
        if (told)
            ike->host.initiate_failed(ike->h, policy, &path, IKE_R_LIMIT);
        return -ENOBUFS;
    }
    want->child.initiator = true;
    sa->s.ifid = want->cfg.ifid;
    ike_want_append(sa, want);
    ike_init_start(sa);
    return 0;
}

/* May a wish of ours wait here? */
static bool serves(const struct ike_sa *sa)
{
    return sa->s.state != IKE_DELETING && sa->s.state != IKE_REKEYED && !sa->in_doubt;
}

/* So many wishes wait for their turn; `this` is among them, or is under way. */
static unsigned count_wants(const struct ike_sa *sa, const struct ike_want *this, bool *there)
{
    unsigned n = 0;

    *there = this && sa->active == this;
    for (const struct ike_want *w = sa->wants; w; w = w->next, n++)
        *there |= w == this;
    return n;
}

/* Replacements do not count: where traffic asks, what they replace is not enough. */
static bool asked_for(const struct ike *ike, uint32_t policy)
{
    const struct ike_want *w;
    uint32_t at = 0;
    bool there;

    while ((w = ike_index_next(&ike->index, IKE_BY_WISH, policy, &at)) != NULL) {
        if (w->rekey_spi || !ike_sa_alive(w->sa) || !serves(w->sa))
            continue;
        count_wants(w->sa, w, &there);
        if (there)
            return true;
    }
    return false;
}

int ike_initiate(struct ike *ike, const struct ike_path *p, const struct ike_child_cfg *cfg)
{
    struct ike_sa *host_sa = NULL;
    int err = 0;

    if (asked_for(ike, cfg->policy))
        return 0;
    for (struct ike_sa *sa = ike_peer_first(ike, p); sa; sa = sa->peer_next) {
        bool there;
        unsigned n = count_wants(sa, NULL, &there);
        if (!serves(sa))
            continue;
        /* One that we began serves whether it is up yet or not; one of the peer's when it is. */
        if ((sa->s.state == IKE_ESTABLISHED || sa->s.initiator) && n < IKE_WANTS_MAX &&
            sa->s.n_children + n < IKE_CHILDREN_MAX && addr_eq(&sa->s.path.local, &p->local) &&
            addr_eq(&sa->s.path.remote, &p->remote) && (!host_sa || sa->s.state == IKE_ESTABLISHED))
            host_sa = sa;
    }
    struct ike_want *want = ike_want_new(cfg);
    if (!want)
        return -ENOMEM;
    ike_enter(ike);
    if (host_sa) {
        want->child.initiator = true;
        ike_want_append(host_sa, want);
        ike_sa_kick(host_sa);
    } else {
        err = ike_begin(ike, p, want);
    }
    ike_leave(ike);
    return err;
}

/* --- ending ---------------------------------------------------------------------------------- */

/* Deletes every SA that fn chooses. The list may change under us: when the next one has gone, too,
 * it is walked anew; what was deleted is in IKE_DELETING or gone and not chosen again. An SA that a
 * callback begins meanwhile (with the next peer, say) is not meant: session numbers count up. */
static size_t delete_where(struct ike *ike, bool (*fn)(const struct ike_sa *sa, const void *ctx),
                           const void *ctx, bool tell)
{
    size_t n = 0;
    uint32_t last = ike->session;
    struct ike_sa *sa, *next;

    ike_enter(ike); /* until ike_leave() the memory of what ended stays */
    for (sa = ike->head; sa;) {
        next = sa->next;
        if (sa->s.state == IKE_DELETING || (tell && sa->s.state == IKE_REKEYED) ||
            sa->s.session_id > last || !fn(sa, ctx)) {
            sa = next;
            continue;
        }
        if (tell)
            ike_sa_delete(sa, IKE_R_LOCAL_DELETE);
        else
            ike_sa_end(sa, IKE_R_LOCAL_DELETE);
        n++;
        sa = next && !ike_sa_alive(next) ? ike->head : next;
    }
    ike_leave(ike);
    return n;
}

static bool to_clear(const struct ike_sa *sa, const void *ctx)
{
    return ike_is_meant(&sa->s, ctx);
}

size_t ike_clear_which(struct ike *ike, const struct ike_which *w, enum ike_clear_how how)
{
    return delete_where(ike, to_clear, w, how != IKE_CLEAR_SILENT);
}

size_t ike_clear(struct ike *ike, const struct addr *remote, uint32_t ifid)
{
    struct ike_which w = {.ifid = ifid};
    if (remote)
        w.remote = *remote;
    return ike_clear_which(ike, &w, IKE_CLEAR_ALL);
}

struct chosen {
    const struct addr *addr;
    uint32_t ifid;
    size_t n; /* addresses */
};

static bool to_drop(const struct ike_sa *sa, const void *ctx)
{
    const struct chosen *c = ctx;
    if (c->ifid != sa->s.ifid)
        return false;
    for (size_t i = 0; i < c->n; i++)
        if (addr_eq(&c->addr[i], &sa->s.path.local))
            return false;
    return true;
}

void ike_interface_changed(struct ike *ike, uint32_t ifid, const struct addr *local, size_t n)
{
    struct chosen c = {local, ifid, n};
    /* Nothing can be sent from an address that is gone. */
    delete_where(ike, to_drop, &c, false);
}

/* The SA of a SADB handle and the index of its child. */
static struct ike_sa *by_handle(struct ike *ike, uint32_t handle, unsigned *child)
{
    struct ike_sa *sa;
    uint32_t at = 0;

    while ((sa = ike_index_next(&ike->index, IKE_BY_HANDLE, handle, &at)) != NULL)
        for (unsigned i = 0; i < sa->s.n_children; i++)
            if (sa->s.child[i].sa_in == handle || sa->s.child[i].sa_out == handle) {
                *child = i;
                return sa;
            }
    return NULL;
}

void ike_end_child(struct ike *ike, uint32_t handle, enum ike_reason why)
{
    unsigned i;
    struct ike_sa *sa = by_handle(ike, handle, &i);

    if (!sa)
        return;
    ike_enter(ike);
    ike_child_remove(sa, i, why, true);
    if (why == IKE_R_REPLACED && ike_sa_alive(sa) && ike_sa_alone(sa)) {
        ike_sa_delete(sa, why);
    } else if (ike_sa_alive(sa)) {
        ike_sa_arm_life(sa);
        ike_sa_kick(sa);
    }
    ike_leave(ike);
}

void ike_expired(struct ike *ike, uint32_t handle, bool hard)
{
    unsigned i;
    struct ike_sa *sa = by_handle(ike, handle, &i);

    if (!sa)
        return;
    ike_debug_sa(sa, 4, "Child SA 0x%x reached its %s lifetime", sa->s.child[i].spi_in,
                 hard ? "hard" : "soft");
    if (hard) {
        ike_end_child(ike, handle, IKE_R_LIFETIME);
        return;
    }
    ike_enter(ike);
    if (sa->s.state == IKE_ESTABLISHED) {
        ike_child_rekey(sa, i);
        ike_sa_kick(sa);
    }
    ike_leave(ike);
}

void ike_nat_moved(struct ike *ike, uint32_t handle, const struct ike_path *p)
{
    unsigned i;
    struct ike_sa *sa = by_handle(ike, handle, &i);

    if (!sa)
        return;
    ike_enter(ike);
    ike_follow_nat(sa, p);
    ike_leave(ike);
}

/* --- reading --------------------------------------------------------------------------------- */

static bool each_of_list(const struct ike_sa *sa,
                         bool (*fn)(void *ctx, const struct ike_sa_state *sa), void *ctx)
{
    for (; sa; sa = sa->next)
        if (!sa->lingering && sa->s.state != IKE_REKEYED && !fn(ctx, &sa->s))
            return false;
    return true;
}

void ike_each(const struct ike *ike, bool (*fn)(void *ctx, const struct ike_sa_state *sa),
              void *ctx)
{
    if (each_of_list(ike->head, fn, ctx))
        each_of_list(ike->passive, fn, ctx);
}

void ike_each_of(const struct ike *ike, uint32_t policy,
                 bool (*fn)(void *ctx, const struct ike_sa_state *sa), void *ctx)
{
    const struct ike_sa *sa;
    uint32_t at = 0;

    while ((sa = ike_index_next(&ike->index, IKE_BY_POLICY, policy, &at)) != NULL)
        if (!sa->lingering && sa->s.state != IKE_REKEYED && !fn(ctx, &sa->s))
            return;
}

const struct ike_stats *ike_stats(const struct ike *ike)
{
    return &ike->stats;
}
