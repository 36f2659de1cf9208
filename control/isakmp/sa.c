/*
 * The SAs of phase 1 of one engine: list, hash, birth and death.
 *
 * When phase 1 ends its children do not (RFC 2409 §5.5): they move to the newest SA with the same
 * peer, or stay in the shell of the one that ended. Who wants a peer gone with everything calls
 * isk_peer_end().
 */
#include "control/isakmp/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

static unsigned hash_of(const struct isakmp *k, uint64_t cky_i)
{
    /* The peer chooses this number; the key keeps it from choosing the bucket. */
    uint64_t x = (cky_i ^ k->hash_key) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 29;
    x *= k->hash_key | 1;
    return (unsigned)(x >> 40) & (ISK_BUCKETS - 1);
}

uint64_t isk_random_cookie(struct isakmp *k)
{
    uint64_t v = 0;

    k->host.base.random(k->h, (uint8_t *)&v, sizeof v);
    return v ? v : 1;
}

/* By a child that another box has made. */
static bool spi_taken(const struct isakmp *k, uint32_t spi)
{
    uint32_t at = 0;

    return ike_index_next(&k->index, IKE_BY_SPI, spi, &at) != NULL;
}

uint32_t isk_random_spi(struct isakmp *k)
{
    uint32_t v;

    do
        v = ike_permute(k->hash_key, k->spis++, 16);
    while (v < 256 || spi_taken(k, v)); /* RFC 4303 §2.1: 1..255 are reserved, 0 is none */
    return v;
}

usec_t isk_below(struct isakmp *k, usec_t span)
{
    uint32_t v = 0;

    k->host.base.random(k->h, (uint8_t *)&v, sizeof v);
    return span > 0 ? (usec_t)(v % (uint64_t)span) : 0;
}

/* --- birth ----------------------------------------------------------------------------------- */

void isk_sa_init(struct isakmp *k, struct isk_sa *sa)
{
    sa->k = k;
    timer_init(&sa->t_send, isk_on_send_timer, sa);
    timer_init(&sa->t_life, isk_on_life_timer, sa);
    timer_init(&sa->t_dpd, isk_on_dpd_timer, sa);
}

static void peer_unlink(struct isk_sa *sa)
{
    if (!sa->peer_at)
        return;
    *sa->peer_at = sa->peer_next;
    if (sa->peer_next)
        sa->peer_next->peer_at = sa->peer_at;
    sa->peer_at = NULL;
}

void isk_sa_moved(struct isk_sa *sa)
{
    struct isk_sa **at = &sa->k->by_peer[ike_peer_bucket(sa->k->hash_key, &sa->s.path)];

    peer_unlink(sa);
    sa->peer_next = *at;
    sa->peer_at = at;
    if (*at)
        (*at)->peer_at = &sa->peer_next;
    *at = sa;
}

void isk_sa_link(struct isk_sa *sa)
{
    struct isakmp *k = sa->k;
    unsigned b = hash_of(k, sa->s.spi_i);

    sa->prev = NULL;
    sa->next = k->head;
    if (k->head)
        k->head->prev = sa;
    k->head = sa;
    sa->hash_next = k->bucket[b];
    k->bucket[b] = sa;
    k->n_sas++;
    isk_sa_moved(sa);
}

struct isk_sa *isk_sa_new(struct isakmp *k, bool initiator, uint64_t cookie,
                          const struct ike_path *p)
{
    if (k->n_sas >= k->limits.sas || (!initiator && k->n_half_open >= k->limits.half_open))
        return NULL;
    struct isk_sa *sa = calloc(1, sizeof *sa);
    struct isk_nego *nego = calloc(1, sizeof *nego);
    if (!sa || !nego) {
        free(sa);
        free(nego);
        return NULL;
    }
    isk_sa_init(k, sa);
    sa->nego = nego;
    sa->serial = ++k->serial;
    sa->s.version = IKE_V1;
    sa->s.initiator = initiator;
    sa->s.spi_i = cookie;
    sa->s.spi_r = initiator ? 0 : isk_random_cookie(k);
    sa->s.path = *p;
    sa->s.state = initiator ? IKE_INIT_SENT : IKE_INIT_DONE;
    sa->s.phase1 = ISAKMP_MM_NO_STATE;
    sa->s.created = sa->s.last_in = isk_now(k);
    if (!initiator) {
        sa->half_open = true;
        k->n_half_open++;
    }
    isk_sa_link(sa);
    return sa;
}

/* --- finding --------------------------------------------------------------------------------- */

/* In its first answer an initiator learns the responder's cookie. */
struct isk_sa *isk_sa_find(struct isakmp *k, uint64_t cky_i, uint64_t cky_r)
{
    for (struct isk_sa *sa = k->bucket[hash_of(k, cky_i)]; sa; sa = sa->hash_next)
        if (sa->s.spi_i == cky_i && sa->s.state != IKE_IDLE &&
            (sa->s.spi_r == cky_r || (sa->s.spi_r == 0 && sa->s.initiator)))
            return sa;
    return NULL;
}

struct isk_sa *isk_sa_twin(struct isakmp *k, const struct isk_sa *of)
{
    for (struct isk_sa *sa = k->bucket[hash_of(k, of->s.spi_i)]; sa; sa = sa->hash_next)
        if (sa->s.initiator == of->s.initiator && sa->s.spi_i == of->s.spi_i &&
            sa->s.spi_r == of->s.spi_r)
            return sa;
    return NULL;
}

struct isk_sa *isk_sa_find_first(struct isakmp *k, uint64_t cky_i, const struct ike_path *p)
{
    for (struct isk_sa *sa = k->bucket[hash_of(k, cky_i)]; sa; sa = sa->hash_next)
        if (sa->s.spi_i == cky_i && !sa->s.initiator && sa->s.state != IKE_IDLE &&
            addr_eq(&sa->s.path.remote, &p->remote))
            return sa;
    return NULL;
}

struct isk_sa *isk_peer_first(const struct isakmp *k, const struct ike_path *p)
{
    return k->by_peer[ike_peer_bucket(k->hash_key, p)];
}

bool isk_same_peer(const struct isk_sa *sa, const struct ike_path *p)
{
    return addr_eq(&sa->s.path.remote, &p->remote) && addr_eq(&sa->s.path.local, &p->local);
}

/* Behind one NAT there may be several peers, which have names of their own. */
bool isk_same_as(const struct isk_sa *a, const struct isk_sa *b)
{
    const struct ike_identity *x = &a->s.remote_id, *y = &b->s.remote_id;

    return isk_same_peer(a, &b->s.path) &&
           (!x->type || !y->type ||
            (x->type == y->type && x->len == y->len && memcmp(x->data, y->data, x->len) == 0));
}

static struct isk_sa *newest(struct isakmp *k, const struct ike_path *p, const struct isk_sa *like)
{
    struct isk_sa *best = NULL;

    for (struct isk_sa *sa = isk_peer_first(k, p); sa; sa = sa->peer_next)
        if (sa != like && isk_up(sa) && isk_same_peer(sa, p) && (!like || isk_same_as(sa, like)) &&
            (!best || sa->serial > best->serial))
            best = sa;
    return best;
}

struct isk_sa *isk_sa_with(struct isakmp *k, const struct ike_path *p)
{
    return newest(k, p, NULL);
}

struct isk_sa *isk_sa_other(struct isk_sa *sa)
{
    return newest(sa->k, &sa->s.path, sa);
}

/* --- death ----------------------------------------------------------------------------------- */

static void unlink_sa(struct isk_sa *sa)
{
    struct isakmp *k = sa->k;
    struct isk_sa **at = &k->bucket[hash_of(k, sa->s.spi_i)];

    while (*at != sa)
        at = &(*at)->hash_next;
    *at = sa->hash_next;
    if (sa->prev)
        sa->prev->next = sa->next;
    else
        k->head = sa->next;
    if (sa->next)
        sa->next->prev = sa->prev;
    k->n_sas--;
    peer_unlink(sa);
    sa->prev = NULL;
    sa->next = k->dead;
    k->dead = sa;
}

void isk_nego_free(struct isk_nego *n)
{
    if (!n)
        return;
    ike_dh_free(n->dh);
    isk_msg_free(&n->sa_i);
    isk_msg_free(&n->choice);
    isk_msg_free(&n->own_id);
    isk_msg_free(&n->peer_id);
    isk_msg_free(&n->peer_hash);
    mem_wipe(n, sizeof *n);
    free(n);
}

static void not_half_open(struct isk_sa *sa)
{
    if (sa->half_open && !sa->known)
        sa->k->n_half_open--;
    sa->half_open = sa->known = false;
}

void isk_peer_shown(struct isk_sa *sa, const struct isakmp_peer_cfg *cfg)
{
    struct isakmp *k = sa->k;
    uint32_t share = k->limits.half_open / 8, n = 0;

    for (const struct isk_sa *o = isk_peer_first(k, &sa->s.path); o; o = o->peer_next)
        n += o->known && isk_same_peer(o, &sa->s.path);
    if (!cfg->listed || !sa->half_open || sa->known || n >= (share > 8 ? share : 8))
        return;
    sa->known = true;
    k->n_half_open--;
}

static void say_down(struct isk_sa *sa, enum ike_reason why)
{
    if (sa->told_down)
        return;
    sa->told_down = true;
    if (!sa->s.established)
        sa->k->stats.failed++;
    isk_debug_sa(sa, "deleting SA reason \"%s\" state %s", ike_reason_text(why),
                 isk_state_text(sa));
    /* A half-open SA that anybody may have begun is a counter, not an event; but a peer that
     * cannot authenticate is what people look for. */
    if (sa->s.established || sa->s.initiator || why == IKE_R_AUTH_FAILED)
        isk_event(sa, IKE_EV_SA_DOWN, "%s", ike_reason_text(why));
}

/* What needs the keys ends here: exchanges under way, timers, the keys themselves. */
static void end_phase1(struct isk_sa *sa, enum ike_reason why)
{
    struct isakmp *k = sa->k;

    not_half_open(sa);
    timer_cancel(k->q, &sa->t_send);
    timer_cancel(k->q, &sa->t_dpd);
    timer_cancel(k->q, &sa->t_life);
    isk_job_forget(&sa->job);
    isk_nego_free(sa->nego);
    sa->nego = NULL;
    isk_msg_free(&sa->out);
    isk_parts_free(sa->parts);
    sa->parts = NULL;
    mem_wipe(&sa->s.keys, sizeof sa->s.keys);
    sa->step = ISK_DEST_SA;
    isk_nodes_end(sa, why);
    isk_wants_failed(sa, why);
}

void isk_sa_end(struct isk_sa *sa, enum ike_reason why, bool tell)
{
    struct isk_sa *heir;

    if (!isk_sa_alive(sa))
        return;
    if (sa->s.state != IKE_IDLE) {
        if (tell && isk_up(sa))
            isk_send_delete(sa, ISPROTO_ISAKMP, 0);
        say_down(sa, why);
    }
    isk_sa_changed(sa);
    heir = isk_sa_other(sa);
    if (heir)
        isk_children_move(sa, heir);
    if (sa->s.n_children > 0) {
        sa->s.state = IKE_IDLE;
        sa->s.expires = sa->s.rekey_at = 0;
        end_phase1(sa, why);
        if (isk_sa_alive(sa))
            isk_arm_life(sa);
        return;
    }
    unlink_sa(sa);
    sa->s.state = IKE_DEAD;
    end_phase1(sa, why);
}

/* Callbacks may change the list, so it is walked anew after each child. */
static struct isk_sa *with_children(struct isakmp *k, const struct isk_sa *like, uint32_t serial)
{
    for (struct isk_sa *sa = isk_peer_first(k, &like->s.path); sa; sa = sa->peer_next)
        if (sa->serial <= serial && sa->s.n_children > 0 && isk_same_as(sa, like))
            return sa;
    return NULL;
}

void isk_peer_end(struct isk_sa *sa, enum ike_reason why, bool tell)
{
    struct isakmp *k = sa->k;
    struct isk_sa *o;

    while ((o = with_children(k, sa, sa->serial)) != NULL)
        isk_child_remove(o, o->s.n_children - 1, why, tell);
    isk_sa_end(sa, why, tell);
}

/* --- up -------------------------------------------------------------------------------------- */

/* Those that were up when this one was begun have a successor now. Initiations that cross leave
 * two, and both may stay. */
static void replace_older(struct isk_sa *sa)
{
    usec_t wait = sa->s.initiator ? ISK_OVERLAP : ISK_OVERLAP_PEER;

    for (struct isk_sa *o = isk_peer_first(sa->k, &sa->s.path); o; o = o->peer_next) {
        usec_t end = isk_now(sa->k) + wait;
        if (o == sa || !isk_up(o) || o->replaced || !isk_same_as(o, sa) ||
            o->s.established > sa->s.created)
            continue;
        o->replaced = true;
        o->s.rekey_at = 0;
        if (!o->s.expires || o->s.expires > end)
            o->s.expires = end;
        timer_cancel(sa->k->q, &o->t_dpd);
        isk_sa_changed(o);
        isk_arm_life(o);
    }
}

static void take_children(struct isk_sa *sa)
{
    struct isk_sa *o = isk_peer_first(sa->k, &sa->s.path);

    while (o) {
        struct isk_sa *next = o->peer_next;
        if (o != sa && o->s.n_children > 0 && o->serial < sa->serial && isk_same_as(o, sa)) {
            isk_children_move(o, sa);
            if (o->s.state == IKE_IDLE)
                isk_sa_end(o, IKE_R_REKEYED, false);
        }
        o = next;
    }
}

void isk_sa_established(struct isk_sa *sa)
{
    struct isakmp *k = sa->k;
    char remote[ADDR_STRLEN];
    usec_t life = (usec_t)sa->s.lifetime * USEC_PER_SEC;

    sa->s.state = IKE_ESTABLISHED;
    sa->s.phase1 = ISAKMP_QM_IDLE;
    sa->s.established = sa->s.last_in = isk_now(k);
    sa->s.expires = life ? sa->s.established + life : 0;
    sa->s.rekey_at = life ? isk_rekey_time(k, sa->s.initiator, sa->s.established, sa->s.expires,
                                           ISK_MARGIN_PHASE1)
                          : 0;
    timer_cancel(k->q, &sa->t_life);
    not_half_open(sa);
    isk_nego_free(sa->nego);
    sa->nego = NULL;
    k->stats.established++;
    isk_sa_changed(sa);
    take_children(sa);
    replace_older(sa);
    isk_arm_life(sa);
    if (isk_sa_alive(sa))
        isk_arm_dpd(sa);
    if (isk_sa_alive(sa))
        isk_event(sa, IKE_EV_SA_UP, "%s", addr_print(&sa->s.path.remote, remote, sizeof remote));
    isk_wants_begin(sa);
}

/* --- wants ----------------------------------------------------------------------------------- */

/* Phase 1 anew with this peer. */
static int begin(struct isakmp *k, const struct ike_path *p, struct isk_want *want)
{
    struct ike_path path = *p;

    if (path.lport == 0 || path.rport == 0)
        path.lport = path.rport = ISK_PORT;
    struct isk_sa *sa = isk_sa_new(k, true, isk_random_cookie(k), &path);
    if (!sa) {
        isk_want_free(want);
        return -ENOBUFS;
    }
    if (want)
        sa->s.ifid = want->cfg.ifid;
    sa->wants = want;
    k->stats.initiated++;
    isk_begin_phase1(sa);
    return 0;
}

static unsigned count_wants(const struct isk_sa *sa)
{
    unsigned n = 0;

    for (const struct isk_want *w = sa->wants; w; w = w->next)
        n++;
    return n;
}

int isk_want_start(struct isakmp *k, const struct ike_path *p, struct isk_want *want)
{
    struct isk_sa *sa = isk_sa_with(k, p);

    if (want && sa && sa->s.n_children + sa->n_nodes < IKE_CHILDREN_MAX)
        return isk_quick_start(sa, want);
    for (sa = isk_peer_first(k, p); want && sa; sa = sa->peer_next)
        if (sa->s.initiator && sa->nego && isk_same_peer(sa, p) &&
            count_wants(sa) < ISK_WANTS_MAX) {
            want->next = sa->wants;
            sa->wants = want;
            return 0;
        }
    return begin(k, p, want);
}

void isk_phase1_anew(struct isk_sa *sa)
{
    struct isakmp *k = sa->k;

    for (const struct isk_sa *o = isk_peer_first(k, &sa->s.path); o; o = o->peer_next)
        if (o != sa && o->nego && isk_same_as(o, sa))
            return;                    /* one is on its way */
    (void)begin(k, &sa->s.path, NULL); /* else it ends with its lifetime */
    if (isk_sa_alive(sa))
        isk_sa_changed(sa); /* a successor of this engine begins another one */
}

void isk_sa_reap(struct isakmp *k)
{
    struct isk_sa *sa;

    while ((sa = k->dead) != NULL) {
        k->dead = sa->next;
        isk_sa_wipe(sa);
    }
}

void isk_sa_wipe(struct isk_sa *sa)
{
    isk_nego_free(sa->nego);
    isk_msg_free(&sa->out);
    isk_parts_free(sa->parts);
    ike_children_free(&sa->s);
    mem_wipe(sa, sizeof *sa);
    free(sa);
}
