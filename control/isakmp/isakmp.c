/*
 * The public face of IKEv1: engines, input of datagrams, initiation, ending, reading.
 *
 * A datagram passes, in this order: header, version, the SA it belongs to, repetition, decryption,
 * payload chain, the table of steps (phase 1) or the hash (phase 2), handler. Nothing of an SA
 * changes before its hash is right, in phase 1 nothing that a true message could not change again.
 */
#include "control/isakmp/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

/* semantics.md §1.1: every 10 s, five repetitions, then "Death by retransmission". */
static const struct ike_schedule ios_schedule = {.n = 6,
                                                 .wait = {10 * USEC_PER_SEC, 10 * USEC_PER_SEC,
                                                          10 * USEC_PER_SEC, 10 * USEC_PER_SEC,
                                                          10 * USEC_PER_SEC, 10 * USEC_PER_SEC}};
static const struct ike_limits default_limits = {.half_open = IKE_LIMIT_HALF_OPEN,
                                                 .sas = IKE_LIMIT_SAS};
#define FIRST_CONN_ID 1001

struct isakmp *isakmp_new(const struct isakmp_host *host, void *h, struct timerq *q,
                          const struct clock *clk)
{
    struct isakmp *k = calloc(1, sizeof *k);

    if (!k)
        return NULL;
    k->c = ike_crypto_new();
    if (!k->c) {
        free(k);
        return NULL;
    }
    k->host = *host;
    k->h = h;
    k->q = q;
    k->clk = *clk;
    k->schedule = ios_schedule;
    k->limits = default_limits;
    k->conn_id = FIRST_CONN_ID;
    host->base.random(h, (uint8_t *)&k->hash_key, sizeof k->hash_key);
    return k;
}

void isakmp_free(struct isakmp *k)
{
    if (!k)
        return;
    /* Nobody is called back: the host is going, too. */
    k->depth++;
    while (k->head) {
        struct isk_sa *sa = k->head;
        sa->told_down = true;
        sa->s.n_children = 0;
        while (sa->wants) {
            struct isk_want *w = sa->wants;
            sa->wants = w->next;
            isk_want_free(w);
        }
        for (struct isk_node *n = sa->nodes; n; n = n->next) {
            isk_want_free(n->want);
            n->want = NULL;
        }
        isk_sa_end(sa, IKE_R_LOCAL_DELETE, false);
    }
    isk_sa_reap(k);
    isk_nodes_reap(k);
    isk_passive_free(k);
    isk_queue_free(k);
    for (struct isk_job *j = k->jobs; j; j = j->next)
        j->k = NULL;
    ike_crypto_unref(k->c);
    ike_index_free(&k->index);
    mem_wipe(k, sizeof *k);
    free(k);
}

void isakmp_set_schedule(struct isakmp *k, const struct ike_schedule *s)
{
    k->schedule = s->n > 0 ? *s : ios_schedule;
    if (k->schedule.n > sizeof s->wait / sizeof *s->wait)
        k->schedule.n = sizeof s->wait / sizeof *s->wait;
}

void isakmp_set_limits(struct isakmp *k, const struct ike_limits *l)
{
    k->limits = *l;
}

void isakmp_set_end_alone(struct isakmp *k, bool on)
{
    k->end_alone = on;
}

void isakmp_set_first(struct isakmp *k, uint32_t first)
{
    k->conn_id = first;
}

void isk_enter(struct isakmp *k)
{
    k->depth++;
}

void isk_leave(struct isakmp *k)
{
    if (k->depth == 1) {
        isk_commit(k);
        isk_sa_reap(k);
        isk_nodes_reap(k);
    }
    k->depth--;
}

const char *isakmp_drop_text(unsigned cause)
{
    static const char *const text[ISK_DROPS] = {
        "none",
        "malformed header",
        "unsupported version",
        "unknown SA",
        "unexpected message",
        "malformed or unexpected payloads",
        "failed its sanity check or is malformed (possible key mismatch)",
        "hash does not verify",
        "repeated message",
        "duplicate while busy",
        "limit reached",
        "IKEv1 not enabled on the interface",
        "no pre-shared key for the peer",
        "aggressive mode is disabled",
        "not encrypted",
        "out of memory",
        "fragment kept",
        "overload",
    };
    return cause < ISK_DROPS ? text[cause] : NULL;
}

void isk_dropped(struct isakmp *k, const struct isk_sa *sa, enum isk_drop why)
{
    k->stats.dropped[why]++;
    if (k->host.base.event)
        k->host.base.event(k->h, IKE_EV_DROPPED, sa ? &sa->s : NULL, isakmp_drop_text(why));
}

void isk_stray(struct isakmp *k, const struct isk_rx *rx)
{
    isk_dropped(k, NULL, ISK_DROP_UNKNOWN_SA);
    if (k->host.stray)
        k->host.stray(k->h, rx->path);
}

/* --- input ----------------------------------------------------------------------------------- */

/* The same message again gets the same answer; it is known by its digest. */
static bool repeated(struct isk_sa *sa, const struct isk_rx *rx)
{
    if (!sa->any_in || memcmp(sa->last_in, rx->digest, ISK_DIGEST) != 0)
        return false;
    if (sa->out.p && !sa->repeating && !sa->job) {
        isk_debug_sa(sa, " phase 1 packet is a duplicate of a previous packet.");
        isk_debug_sa(sa, " retransmitting due to retransmit phase 1");
        isk_send(sa, rx->path, sa->out.p, sa->out.len);
    }
    isk_dropped(sa->k, sa, ISK_DROP_REPEATED);
    return true;
}

/* A message of main or aggressive mode. */
static void phase1_input(struct isakmp *k, struct isk_rx *rx)
{
    struct isk_sa *sa;
    enum isk_drop why;

    isk_digest(k, rx);
    if (rx->h.mid != 0) {
        isk_dropped(k, NULL, ISK_DROP_HEADER);
        return;
    }
    if (rx->h.spi_r == 0)
        sa = isk_sa_find_first(k, rx->h.spi_i, rx->path);
    else
        sa = isk_sa_find(k, rx->h.spi_i, rx->h.spi_r);
    if (!sa && rx->h.spi_r != 0) {
        isk_stray(k, rx);
        return;
    }
    if (sa && repeated(sa, rx))
        return;
    if (sa && (rx->h.spi_r == 0 || sa->job)) {
        isk_dropped(k, sa, ISK_DROP_BUSY);
        return;
    }
    if (sa)
        isk_debug_received(k, sa, rx->path);
    bool encrypted = rx->h.flags & ISK_F_ENCRYPTED;
    if (encrypted && (!sa || !sa->nego || !isk_step_encrypted(sa->step))) {
        isk_dropped(k, sa, ISK_DROP_UNEXPECTED);
        return;
    }
    if (encrypted) {
        memcpy(rx->iv, sa->iv, sizeof rx->iv);
        why = isk_open(sa, rx);
    } else {
        why = isk_payloads_read(rx->h.next, rx->body, rx->len - ISK_HEADER_LEN, false, &rx->pl) < 0
                  ? ISK_DROP_PAYLOADS
                  : ISK_DROP_NONE;
    }
    const struct isk_step_row *row = NULL;
    if (why == ISK_DROP_NONE)
        row = isk_step_find(sa ? sa->step : ISK_READY, rx, &why);
    if (row) {
        row->fn(k, sa, rx);
    } else {
        /* A peer with another key: its messages decrypt to nonsense. A forger's may, too, so that
         * the exchange goes on waiting. */
        if (encrypted && (why == ISK_DROP_SANITY || why == ISK_DROP_PAYLOADS)) {
            sa->wrong_key = true;
            isk_debug_sa(sa, "IKE message from peer failed its sanity check or is malformed "
                             "(possible key mismatch)");
            why = ISK_DROP_SANITY;
        }
        isk_dropped(k, sa, why);
    }
    if (encrypted)
        mem_wipe(k->plain, rx->len);
}

static void phase2_input(struct isakmp *k, struct isk_rx *rx)
{
    struct isk_sa *sa = isk_sa_find(k, rx->h.spi_i, rx->h.spi_r);

    isk_digest(k, rx);
    if (sa)
        isk_debug_received(k, sa, rx->path);
    if (rx->h.exchange == ISX_INFO)
        isk_info_input(k, sa, rx);
    else if (!sa)
        isk_stray(k, rx);
    else if (!isk_up(sa))
        isk_dropped(k, sa, ISK_DROP_UNEXPECTED);
    else if (!(rx->h.flags & ISK_F_ENCRYPTED) || rx->h.mid == 0)
        isk_dropped(k, sa, ISK_DROP_CLEAR);
    else
        isk_quick_input(k, sa, rx);
}

static void input(struct isakmp *k, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    struct isk_rx rx = {
        .path = p, .msg = msg, .len = len, .body = msg + ISK_HEADER_LEN, .end = msg + len};

    if (len > ISK_IN_MAX || isk_header_read(msg, len, &rx.h) < 0)
        isk_dropped(k, NULL, ISK_DROP_HEADER);
    else if (rx.h.version != ISK_VERSION) /* RFC 2408 §3.1: no higher minor version either */
        isk_dropped(k, NULL, ISK_DROP_VERSION);
    else if (rx.h.exchange == ISX_MAIN || rx.h.exchange == ISX_AGGRESSIVE)
        phase1_input(k, &rx);
    else if (rx.h.exchange == ISX_QUICK || rx.h.exchange == ISX_INFO)
        phase2_input(k, &rx);
    else
        isk_dropped(k, NULL, ISK_DROP_UNEXPECTED);
}

void isakmp_input(struct isakmp *k, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    isk_enter(k);
    k->stats.rx++;
    if (isk_is_fragment(msg, len))
        isk_fragment_in(k, p, msg, len, input);
    else
        input(k, p, msg, len);
    isk_leave(k);
}

bool isakmp_is_first(const uint8_t *msg, size_t len)
{
    static const uint8_t none[8];
    return len >= ISK_HEADER_LEN && (msg[18] == ISX_MAIN || msg[18] == ISX_AGGRESSIVE) &&
           memcmp(msg + 8, none, sizeof none) == 0;
}

void isakmp_overloaded(struct isakmp *k, uint64_t n)
{
    k->stats.dropped[ISK_DROP_OVERLOAD] += n;
}

/* --- initiating ------------------------------------------------------------------------------ */

static bool asked_for(const struct isakmp *k, uint32_t policy)
{
    const struct isk_want *w;
    uint32_t at = 0;

    while ((w = ike_index_next(&k->index, IKE_BY_WISH, policy, &at)) != NULL)
        if (!w->peers && !w->rekey_spi)
            return true;
    return false;
}

int isakmp_initiate(struct isakmp *k, const struct ike_path *p, const struct ike_child_cfg *cfg)
{
    if (asked_for(k, cfg->policy))
        return 0;
    struct isk_want *want = isk_want_new(k, cfg);
    if (!want)
        return -ENOMEM;
    isk_enter(k);
    int err = isk_want_start(k, p, want);
    isk_leave(k);
    return err;
}

/* --- ending ---------------------------------------------------------------------------------- */

struct chosen {
    const struct addr *addr;
    uint32_t ifid;
    size_t n; /* addresses */
};

static bool homeless(const struct isk_sa *sa, const void *ctx)
{
    const struct chosen *c = ctx;
    if (c->ifid != sa->s.ifid)
        return false;
    for (size_t i = 0; i < c->n; i++)
        if (addr_eq(&c->addr[i], &sa->s.path.local))
            return false;
    return true;
}

static bool is_meant(const struct isk_sa *sa, const void *ctx)
{
    return ike_is_meant(&sa->s, ctx);
}

/* The shell of one that has ended is none of phase 1. */
static bool is_phase1(const struct isk_sa *sa, const void *ctx)
{
    return sa->s.state != IKE_IDLE && ike_is_meant(&sa->s, ctx);
}

/* Ends what fn chooses. Callbacks may change the list: when the next one has gone, too, it is
 * walked anew; an SA that they begin meanwhile is not meant. */
static size_t end_where(struct isakmp *k, bool (*fn)(const struct isk_sa *sa, const void *ctx),
                        const void *ctx, enum ike_clear_how how)
{
    uint32_t last = k->serial;
    size_t n = 0;

    isk_enter(k); /* until isk_leave() the memory of what ended stays */
    for (struct isk_sa *sa = k->head, *next; sa;) {
        next = sa->next;
        if (sa->serial > last || !fn(sa, ctx)) {
            sa = next;
            continue;
        }
        if (how == IKE_CLEAR_PHASE1)
            isk_sa_end(sa, IKE_R_LOCAL_DELETE, true);
        else
            isk_peer_end(sa, IKE_R_LOCAL_DELETE, how == IKE_CLEAR_ALL);
        n++;
        sa = next && !isk_sa_alive(next) ? k->head : next;
    }
    isk_leave(k);
    return n;
}

size_t isakmp_clear_which(struct isakmp *k, const struct ike_which *w, enum ike_clear_how how)
{
    return end_where(k, how == IKE_CLEAR_PHASE1 ? is_phase1 : is_meant, w, how);
}

size_t isakmp_clear(struct isakmp *k, const struct addr *remote, uint32_t ifid)
{
    struct ike_which w = {.ifid = ifid};
    if (remote)
        w.remote = *remote;
    return isakmp_clear_which(k, &w, IKE_CLEAR_ALL);
}

void isakmp_interface_changed(struct isakmp *k, uint32_t ifid, const struct addr *local, size_t n)
{
    struct chosen c = {.addr = local, .ifid = ifid, .n = n};
    /* Nothing can be sent from an address that is gone. */
    end_where(k, homeless, &c, IKE_CLEAR_SILENT);
}

bool isakmp_clear_one(struct isakmp *k, uint32_t tunnel_id)
{
    struct ike_which w = {.tunnel_id = tunnel_id};
    return tunnel_id && isakmp_clear_which(k, &w, IKE_CLEAR_PHASE1) > 0;
}

/* --- by the datapath's handles --------------------------------------------------------------- */

static struct isk_sa *by_handle(struct isakmp *k, uint32_t handle, unsigned *child)
{
    struct isk_sa *sa;
    uint32_t at = 0;

    while ((sa = ike_index_next(&k->index, IKE_BY_HANDLE, handle, &at)) != NULL)
        for (unsigned i = 0; i < sa->s.n_children; i++)
            if (sa->s.child[i].sa_in == handle || sa->s.child[i].sa_out == handle) {
                *child = i;
                return sa;
            }
    return NULL;
}

void isakmp_end_child(struct isakmp *k, uint32_t handle, enum ike_reason why)
{
    unsigned i;
    struct isk_sa *sa = by_handle(k, handle, &i);

    if (!sa)
        return;
    isk_enter(k);
    if (why == IKE_R_REPLACED)
        isk_child_taken(sa, i);
    else
        isk_child_remove(sa, i, why, true);
    isk_leave(k);
}

void isakmp_expired(struct isakmp *k, uint32_t handle, bool hard)
{
    unsigned i;
    struct isk_sa *sa = by_handle(k, handle, &i);

    if (!sa)
        return;
    isk_enter(k);
    if (hard) {
        isk_child_remove(sa, i, IKE_R_LIFETIME, true);
    } else {
        isk_child_rekey(sa, i);
        if (isk_sa_alive(sa))
            isk_arm_life(sa);
    }
    isk_leave(k);
}

void isakmp_nat_moved(struct isakmp *k, uint32_t handle, const struct ike_path *p)
{
    unsigned i;
    struct isk_sa *sa = by_handle(k, handle, &i);

    if (!sa)
        return;
    isk_enter(k);
    isk_follow(sa, p);
    isk_leave(k);
}

void isakmp_invalid_spi(struct isakmp *k, const struct ike_path *p, uint32_t spi)
{
    struct isk_sa *sa = isk_sa_with(k, p);
    uint8_t b[4] = {(uint8_t)(spi >> 24), (uint8_t)(spi >> 16), (uint8_t)(spi >> 8), (uint8_t)spi};

    isk_enter(k);
    if (sa) {
        isk_send_notify(sa, ISN_INVALID_SPI, ISPROTO_ESP, b, sizeof b, b, sizeof b);
    } else {
        /* Nobody to say it to under a key: a new phase 1, whose INITIAL-CONTACT ends at the peer
         * what we do not have (`crypto isakmp invalid-spi-recovery`). One at a time. */
        bool under_way = false;
        for (sa = isk_peer_first(k, p); sa; sa = sa->peer_next)
            under_way |= isk_same_peer(sa, p) && sa->s.state != IKE_IDLE;
        if (!under_way)
            isk_want_start(k, p, NULL);
    }
    isk_leave(k);
}

/* --- reading --------------------------------------------------------------------------------- */

void isakmp_each_of(const struct isakmp *k, uint32_t policy,
                    bool (*fn)(void *ctx, const struct ike_sa_state *sa), void *ctx)
{
    const struct isk_sa *sa;
    uint32_t at = 0;

    while ((sa = ike_index_next(&k->index, IKE_BY_POLICY, policy, &at)) != NULL)
        if (!fn(ctx, &sa->s))
            return;
}

static bool each_of_list(const struct isk_sa *sa,
                         bool (*fn)(void *ctx, const struct ike_sa_state *sa), void *ctx)
{
    for (; sa; sa = sa->next)
        if (!fn(ctx, &sa->s))
            return false;
    return true;
}

void isakmp_each(const struct isakmp *k, bool (*fn)(void *ctx, const struct ike_sa_state *sa),
                 void *ctx)
{
    if (each_of_list(k->head, fn, ctx))
        each_of_list(k->passive, fn, ctx);
}

const struct isakmp_stats *isakmp_stats(const struct isakmp *k)
{
    return &k->stats;
}
