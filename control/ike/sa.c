/*
 * The SAs of one engine: list, hash, birth and death.
 *
 * An SA ends in one of three ways: ike_sa_delete() tells the peer first, ike_sa_end() does not,
 * ike_sa_linger() keeps the empty shell so that repeated requests get the refusal again.
 * Whichever it is, children go down, waiting wishes fail and the host hears of it once.
 */
#include "control/ike/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

static unsigned hash_of(const struct ike *ike, uint64_t spi_i)
{
    /* The peer chooses this number; the key keeps it from choosing the bucket. */
    uint64_t x = (spi_i ^ ike->hash_key) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 29;
    x *= ike->hash_key | 1;
    return (unsigned)(x >> 40) & (IKE_BUCKETS - 1);
}

uint64_t ike_random_spi(struct ike *ike)
{
    uint64_t v = 0;

    ike->host.random(ike->h, (uint8_t *)&v, sizeof v);
    return v ? v : 1;
}

/* By a child that another box has made. */
static bool spi_taken(const struct ike *ike, uint32_t spi)
{
    uint32_t at = 0;

    return ike_index_next(&ike->index, IKE_BY_SPI, spi, &at) != NULL;
}

uint32_t ike_random_esp_spi(struct ike *ike)
{
    uint32_t v;

    do
        v = ike_permute(ike->hash_key, ike->esp_spis++, 16);
    while (v < 256 || spi_taken(ike, v)); /* RFC 4303 §2.1: 1..255 are reserved, 0 is none */
    return v;
}

/* Nine digits that look like nothing, as in the shows of the ASA. */
uint32_t ike_tunnel_id(struct ike *ike)
{
    uint32_t v;

    do
        v = ike_permute(ike->hash_key, ike->tunnels++, 15);
    while (v >= 900000000u);
    return 100000000u + v;
}

static void on_dpd_timer(struct timer *t, void *owner);

/* Addresses that share a number share what it may have; which ones do, nobody outside knows. */
static uint8_t source_of(const struct ike *ike, const struct addr *a)
{
    return (uint8_t)(ike_hash(ike->hash_key, a->b, addr_size(a)) >> 56);
}

/* Of a listed peer this many are half-open. */
static uint32_t known_from(const struct ike *ike, const struct ike_path *p)
{
    uint32_t n = 0;

    for (const struct ike_sa *sa = ike_peer_first(ike, p); sa; sa = sa->peer_next)
        n += sa->known && addr_eq(&sa->s.path.remote, &p->remote);
    return n;
}

bool ike_source_full(const struct ike *ike, const struct ike_path *p, bool known)
{
    uint32_t share = ike->limits.half_open / 8;
    uint32_t n = known ? known_from(ike, p) : ike->half_open_from[source_of(ike, &p->remote)];

    /* A NAT with many peers behind it needs several at once */
    return n >= (share > 8 ? share : 8);
}

void ike_source_proven(struct ike_sa *sa, bool known)
{
    if (known) {
        sa->known = true;
        sa->ike->n_half_open--;
        return;
    }
    sa->proven = true;
    sa->source = source_of(sa->ike, &sa->s.path.remote);
    sa->ike->half_open_from[sa->source]++;
}

struct ike_sa *ike_sa_new(struct ike *ike, bool initiator, uint64_t spi_i, const struct ike_path *p)
{
    struct ike_sa *sa = ike->n_sas < ike->limits.sas ? ike_sa_bare(ike, initiator, spi_i, p) : NULL;

    if (!sa)
        return NULL;
    sa->nego = calloc(1, sizeof *sa->nego);
    if (!sa->nego) {
        ike_sa_end(sa, IKE_R_INTERNAL);
        return NULL;
    }
    if (!initiator) {
        sa->half_open = true;
        ike->n_half_open++;
    }
    return sa;
}

struct ike_sa *ike_sa_bare(struct ike *ike, bool initiator, uint64_t spi_i,
                           const struct ike_path *p)
{
    struct ike_sa *sa = calloc(1, sizeof *sa);

    if (!sa)
        return NULL;
    ike_sa_init(ike, sa);
    sa->s.initiator = initiator;
    sa->s.spi_i = spi_i;
    sa->s.path = *p;
    sa->s.version = IKE_V2;
    sa->s.state = IKE_IDLE;
    sa->s.window = 1;
    sa->s.created = sa->s.last_in = ike_now(ike);
    sa->s.tunnel_id = ike_tunnel_id(ike);
    sa->s.session_id = ++ike->session;
    ike_sa_link(sa);
    return sa;
}

void ike_sa_init(struct ike *ike, struct ike_sa *sa)
{
    sa->ike = ike;
    timer_init(&sa->t_send, ike_on_send_timer, sa);
    timer_init(&sa->t_life, ike_on_life_timer, sa);
    timer_init(&sa->t_dpd, on_dpd_timer, sa);
}

struct ike_sa *ike_peer_first(const struct ike *ike, const struct ike_path *p)
{
    return ike->by_peer[ike_peer_bucket(ike->hash_key, p)];
}

static void peer_unlink(struct ike_sa *sa)
{
    if (!sa->peer_at)
        return;
    *sa->peer_at = sa->peer_next;
    if (sa->peer_next)
        sa->peer_next->peer_at = sa->peer_at;
    sa->peer_at = NULL;
}

void ike_sa_moved(struct ike_sa *sa)
{
    struct ike_sa **at = &sa->ike->by_peer[ike_peer_bucket(sa->ike->hash_key, &sa->s.path)];

    peer_unlink(sa);
    sa->peer_next = *at;
    sa->peer_at = at;
    if (*at)
        (*at)->peer_at = &sa->peer_next;
    *at = sa;
}

void ike_sa_link(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;
    unsigned b = hash_of(ike, sa->s.spi_i);

    sa->next = ike->head;
    if (ike->head)
        ike->head->prev = sa;
    ike->head = sa;
    sa->hash_next = ike->bucket[b];
    ike->bucket[b] = sa;
    ike->n_sas++;
    ike_sa_moved(sa);
}

struct ike_sa *ike_sa_find(struct ike *ike, uint64_t spi_i, uint64_t spi_r, bool initiator)
{
    for (struct ike_sa *sa = ike->bucket[hash_of(ike, spi_i)]; sa; sa = sa->hash_next)
        if (sa->s.spi_i == spi_i && sa->s.initiator == initiator &&
            (sa->s.spi_r == spi_r || (sa->s.spi_r == 0 && initiator)))
            return sa;
    return NULL;
}

struct ike_sa *ike_sa_find_init(struct ike *ike, uint64_t spi_i, const struct ike_path *p)
{
    for (struct ike_sa *sa = ike->bucket[hash_of(ike, spi_i)]; sa; sa = sa->hash_next)
        if (sa->s.spi_i == spi_i && !sa->s.initiator && addr_eq(&sa->s.path.remote, &p->remote))
            return sa;
    return NULL;
}

uint64_t ike_identity_hash(const struct ike_sa *sa)
{
    const struct ike_identity *id = &sa->s.remote_id;
    uint64_t x = ike_hash(sa->ike->hash_key, sa->s.path.local.b, addr_size(&sa->s.path.local));

    return ike_hash(ike_hash(x, &id->type, sizeof id->type), id->data, id->len);
}

static void unlink_sa(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;
    struct ike_sa **at = &ike->bucket[hash_of(ike, sa->s.spi_i)];

    while (*at != sa)
        at = &(*at)->hash_next;
    *at = sa->hash_next;
    if (sa->prev)
        sa->prev->next = sa->next;
    else
        ike->head = sa->next;
    if (sa->next)
        sa->next->prev = sa->prev;
    ike->n_sas--;
    peer_unlink(sa);
    ike_index_remove(&ike->index, IKE_BY_IDENTITY, ike_identity_hash(sa), sa);
    ike_index_remove(&ike->index, IKE_BY_SESSION, sa->s.session_id, sa);
    sa->prev = NULL;
    sa->next = ike->dead;
    ike->dead = sa;
}

void ike_nego_free(struct ike_nego *n)
{
    if (!n)
        return;
    ike_dh_free(n->dh);
    free(n->init_i);
    free(n->init_r);
    mem_wipe(n, sizeof *n);
    free(n);
}

static void not_half_open(struct ike_sa *sa)
{
    if (sa->half_open && !sa->known)
        sa->ike->n_half_open--;
    if (sa->proven)
        sa->ike->half_open_from[sa->source]--;
    sa->half_open = sa->proven = sa->known = false;
}

/* Children down, wishes failed, the host told: what every end begins with. */
static void take_down(struct ike_sa *sa, enum ike_reason why)
{
    struct ike_want *w;

    sa->why = why;
    while (sa->s.n_children > 0)
        ike_child_remove(sa, sa->s.n_children - 1, why, false);
    sa->n_gone = 0;
    if (!sa->told_down) {
        sa->told_down = true;
        if (!sa->s.established)
            sa->ike->stats.failed++;
        ike_debug_sa(sa, 4, "Deleting SA: %s", ike_reason_text(why));
        /* A half-open SA that anybody may have begun is a counter, not an event; but a peer that
         * cannot authenticate is what people look for. */
        if (sa->s.established || sa->s.initiator || why == IKE_R_AUTH_FAILED)
            ike_event(sa, IKE_EV_SA_DOWN, "%s", ike_reason_text(why));
    }
    ike_want_free(sa->peer_want);
    sa->peer_want = NULL;
    ike_rekey_free(sa->peer_rekey);
    sa->peer_rekey = NULL;
    if ((w = sa->active) != NULL) {
        sa->active = NULL;
        ike_want_failed(sa, w, why);
    }
    while ((w = sa->wants) != NULL) {
        sa->wants = w->next;
        ike_want_failed(sa, w, why);
    }
}

void ike_sa_end(struct ike_sa *sa, enum ike_reason why)
{
    struct ike *ike = sa->ike;

    if (!ike_sa_alive(sa))
        return;
    /* Both sides were replacing it, and the peer got further: its children live on there. */
    if (why == IKE_R_PEER_DELETE || why == IKE_R_RETRANSMIT)
        ike_rekey_inherit(sa);
    not_half_open(sa);
    ike_sa_changed(sa);
    unlink_sa(sa);
    sa->s.state = IKE_DEAD;
    ike_request_done(sa);
    timer_cancel(ike->q, &sa->t_life);
    timer_cancel(ike->q, &sa->t_dpd);
    if (sa->job) {
        sa->job->sa = NULL;
        sa->job = NULL;
    }
    ike_rekey_free(sa->rekey);
    sa->rekey = NULL;
    take_down(sa, why);
}

void ike_sa_delete(struct ike_sa *sa, enum ike_reason why)
{
    /* Before IKE_AUTH is through there is nobody who could be told. */
    if (sa->s.state == IKE_DELETING || !ike_sa_alive(sa))
        return;
    if (sa->s.state != IKE_ESTABLISHED && sa->s.state != IKE_REKEYED && sa->tell == 0) {
        ike_sa_end(sa, why);
        return;
    }
    sa->s.state = IKE_DELETING;
    sa->want_delete = true;
    ike_sa_changed(sa);
    timer_cancel(sa->ike->q, &sa->t_life);
    timer_cancel(sa->ike->q, &sa->t_dpd);
    take_down(sa, why);
    if (ike_sa_alive(sa))
        ike_sa_kick(sa);
}

void ike_sa_linger(struct ike_sa *sa, enum ike_reason why)
{
    if (!ike_sa_alive(sa))
        return;
    sa->s.state = IKE_DELETING;
    sa->lingering = true;
    take_down(sa, why);
    if (ike_sa_alive(sa) && timer_set(sa->ike->q, &sa->t_life, ike_now(sa->ike) + IKE_LINGER) < 0)
        ike_sa_end(sa, why);
}

void ike_sa_established(struct ike_sa *sa)
{
    char remote[ADDR_STRLEN];

    sa->s.state = IKE_ESTABLISHED;
    ike_sa_changed(sa);
    sa->s.established = sa->s.last_in = ike_now(sa->ike);
    usec_t life = (usec_t)sa->s.lifetime * USEC_PER_SEC;
    sa->s.expires = life ? sa->s.established + life : 0;
    sa->s.rekey_at = ike_rekey_time(sa->ike, sa->s.initiator, sa->s.established, life);
    not_half_open(sa);
    ike_nego_free(sa->nego);
    sa->nego = NULL;
    /* Without memory INITIAL_CONTACT does not find it, and liveness ends it. */
    (void)ike_index_add(&sa->ike->index, IKE_BY_IDENTITY, ike_identity_hash(sa), sa);
    sa->ike->stats.established++;
    ike_sa_arm_life(sa);
    ike_sa_arm_dpd(sa);
    ike_debug_sa(sa, 4,
                 "IKEV2 SA created; inserting SA into database. SA lifetime timer (%u sec) started",
                 sa->s.lifetime);
    ike_event(sa, IKE_EV_SA_UP, "%s", addr_print(&sa->s.path.remote, remote, sizeof remote));
}

void ike_sa_reap(struct ike *ike)
{
    struct ike_sa *sa;

    while ((sa = ike->dead) != NULL) {
        ike->dead = sa->next;
        ike_sa_wipe(sa);
    }
}

void ike_sa_wipe(struct ike_sa *sa)
{
    ike_nego_free(sa->nego);
    ike_want_free(sa->active);
    ike_rekey_free(sa->rekey);
    free(sa->req.msg);
    free(sa->resp.msg);
    ike_parts_free(sa->parts[0]);
    ike_parts_free(sa->parts[1]);
    ike_children_free(&sa->s);
    mem_wipe(sa, sizeof *sa);
    free(sa);
}

void ike_sa_kick(struct ike_sa *sa)
{
    int err = 0;

    if (sa->req.open || sa->job || sa->active || sa->rekey || sa->holding || !ike_sa_alive(sa))
        return;
    if (sa->s.state == IKE_DELETING && sa->want_delete) {
        sa->want_delete = false;
        err = ike_send_delete_ike(sa);
    } else if (sa->s.state == IKE_ESTABLISHED && sa->n_gone > 0) {
        err = ike_send_deletes(sa);
    } else if (sa->s.state == IKE_ESTABLISHED && ike_create_child_start(sa)) {
        return;
    } else if (sa->s.state == IKE_ESTABLISHED && sa->want_rekey) {
        ike_rekey_start(sa);
    } else if (sa->s.state == IKE_ESTABLISHED && sa->want_probe) {
        sa->want_probe = false;
        err = ike_send_probe(sa);
    }
    if (err < 0)
        ike_sa_end(sa, IKE_R_INTERNAL);
}

/* --- liveness ----------------------------------------------------------------------------- */

/* The last sign of life: an IKE message, or ESP when the host can tell. Periodic checks do not
 * count on ESP: the peer is asked at each interval. */
static usec_t last_heard(const struct ike_sa *sa)
{
    const struct ike *ike = sa->ike;
    usec_t t = sa->s.last_in;

    if (ike->host.last_traffic && !sa->s.dpd_periodic) {
        usec_t esp = ike->host.last_traffic(ike->h, &sa->s);
        if (esp > t)
            t = esp;
    }
    return t;
}

/* On demand only who sends and hears nothing asks. A host that cannot tell always may send. */
static bool sends(const struct ike_sa *sa)
{
    const struct ike *ike = sa->ike;
    return !sa->s.dpd_on_demand || !ike->host.last_sent ||
           ike->host.last_sent(ike->h, &sa->s) > last_heard(sa);
}

void ike_sa_arm_dpd(struct ike_sa *sa)
{
    if (sa->s.dpd_seconds == 0 || sa->s.state != IKE_ESTABLISHED)
        return;
    usec_t when = last_heard(sa) + (usec_t)sa->s.dpd_seconds * USEC_PER_SEC;
    /* On demand: nothing heard, but nothing sent either: look again. */
    usec_t soonest = ike_now(sa->ike) +
                     (sa->s.dpd_on_demand && sa->s.dpd_retry ? sa->s.dpd_retry : 1) * USEC_PER_SEC;
    if (timer_set(sa->ike->q, &sa->t_dpd, when > soonest ? when : soonest) < 0)
        ike_sa_end(sa, IKE_R_INTERNAL);
}

static void on_dpd_timer(struct timer *t, void *owner)
{
    struct ike_sa *sa = owner;
    struct ike *ike = sa->ike;

    (void)t;
    ike_enter(ike);
    if (ike_sa_alive(sa) && sa->s.state == IKE_ESTABLISHED) {
        usec_t due = last_heard(sa) + (usec_t)sa->s.dpd_seconds * USEC_PER_SEC;
        /* An open request of any kind is a liveness check by itself (§2.4). */
        if (ike_now(ike) >= due && !sa->req.open && sends(sa)) {
            sa->want_probe = true;
            ike_debug_sa(sa, 4, "Sending DPD/liveness query");
            ike_sa_kick(sa);
        }
        if (ike_sa_alive(sa))
            ike_sa_arm_dpd(sa);
    }
    ike_leave(ike);
}
