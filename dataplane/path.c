/*
 * The packet path: stages over vectors. See dp.h.
 *
 * Outbound: read the flow → SPD → SA, queue, or clear → seal → wire.
 * Inbound: SA by protocol and SPI → open → selectors → TUN of the SA's interface.
 * In clear from outside: read the flow → mirrored SPD → drop, or back to the kernel.
 *
 * A packet that is dropped is counted where it belongs: on its SA, else on its policy, else in
 * the total; one line per cause and interval goes to the log.
 */
#include "dataplane/dp.h"
#include "dataplane/ip.h"
#include "dataplane/pmtu.h"
#include "dataplane/reasm.h"
#include <inttypes.h>
#include <string.h>

void dp_count(struct dp_counters *c, enum dp_cause cause, uint64_t n)
{
    dp_add(&c->drops[cause], n);
}

/* Where the SPI ends: it is the first word of ESP (RFC 4303 §2.1), the second of AH (RFC 4302
 * §2). */
static uint32_t spi_end(const struct pkt *p)
{
    return p->proto == SADB_AH ? 8 : 4;
}

static uint32_t wire_spi(const struct pkt *p)
{
    const uint8_t *s = p->data + spi_end(p) - 4;
    return (uint32_t)s[0] << 24 | (uint32_t)s[1] << 16 | (uint32_t)s[2] << 8 | s[3];
}

/* What to call a packet in the log: by its SA, or by what came from outside. */
static uint32_t spi_of(const struct pkt *p)
{
    if (p->sa)
        return p->sa->first;
    return addr_is_set(&p->remote) && p->len >= spi_end(p) ? wire_spi(p) : 0;
}

void dp_drop(struct dp *dp, struct dp_counters *c, const struct pkt *p, enum dp_cause cause)
{
    uint64_t held;
    dp_count(c, cause, 1);
    usec_t now = clock_mono(&dp->clock);
    if (!log_limit_pass(&dp->drop_log[cause], now, DP_LOG_INTERVAL, &held))
        return;
    char from[ADDR_STRLEN], to[ADDR_STRLEN];
    bool outer = addr_is_set(&p->remote);
    addr_print(outer ? &p->remote : &p->flow.remote, from, sizeof from);
    addr_print(outer ? &p->local : &p->flow.local, to, sizeof to);
    log_line(&dp->log, LOGL_WARNING, "path",
             "dropped: %s (%s %s, local %s, SPI 0x%08" PRIx32 "), %" PRIu64 " more not shown",
             dpstats_cause_name(cause), outer ? "peer" : "remote", from, to, spi_of(p), held);
}

static void event(struct dp *dp, enum sadb_event_kind kind, const struct pkt *p, uint32_t spi)
{
    uint64_t held;
    if (!log_limit_pass(&dp->event_limit[kind], clock_mono(&dp->clock), DP_EVENT_INTERVAL, &held))
        return;
    struct sadb_event e;
    memset(&e, 0, sizeof e);
    e.kind = (uint8_t)kind;
    e.proto = p->sa ? p->sa->proto : p->proto;
    e.sa = p->sa ? p->sa->id : 0;
    e.spi = spi;
    /* what came in clear has no outer header */
    e.path.local = kind == EV_CLEAR_INBOUND ? p->flow.local : p->local;
    e.path.remote = kind == EV_CLEAR_INBOUND ? p->flow.remote : p->remote;
    e.path.local_port = p->lport;
    e.path.remote_port = p->rport;
    dp->io->engine(dp->io_ctx, SADB_EVENT, &e, sizeof e, NULL, 0);
}

/* --- lifetimes ----------------------------------------------------------------------------- */

static void expire(struct dp *dp, struct sa *sa, bool hard)
{
    bool *sent = hard ? &sa->hard_sent : &sa->soft_sent;
    if (*sent)
        return;
    struct sadb_expire e;
    memset(&e, 0, sizeof e);
    e.sa = sa->id;
    e.hard = hard;
    if (dp->io->engine(dp->io_ctx, SADB_EXPIRE, &e, sizeof e, NULL, 0) == 0)
        *sent = true;
}

/* After packets were counted: volume (RFC 4301 §4.4.2.1) and numbers that come to their end. */
static void check_lifetime(struct dp *dp, struct sa *sa)
{
    if (sa->hard_bytes && sa->bytes >= sa->hard_bytes)
        expire(dp, sa, true);
    else if ((sa->soft_bytes && sa->bytes >= sa->soft_bytes) ||
             (sa->dir == SADB_OUT && sa->seq > sa->seq_max - sa->seq_max / 16))
        expire(dp, sa, false);
}

static bool worn_out(struct dp *dp, struct sa *sa)
{
    if (!sa->hard_bytes || sa->bytes < sa->hard_bytes)
        return false;
    expire(dp, sa, true);
    return true;
}

static void count_sa(struct sa *sa, const struct pkt *p)
{
    dp_add(&sa->ctr->packets, 1);
    dp_add(&sa->ctr->bytes, p->payload);
}

/* Once per vector and SA: what does not need to be exact within one. */
static void publish(struct dp *dp, struct pkt **p, size_t n)
{
    usec_t now = clock_mono(&dp->clock);
    for (size_t i = 0; i < n; i++)
        p[i]->sa->dirty = true;
    for (size_t i = 0; i < n; i++) {
        struct sa *sa = p[i]->sa;
        if (!sa->dirty)
            continue;
        sa->dirty = false;
        sa->last = now;
        if (sa->dir == SADB_IN)
            sa_publish_in(sa);
        else
            atomic_store_explicit(&sa->ctr->seq, sa->seq, memory_order_relaxed);
        if (sa->dir == SADB_OUT && sa->seq >= sa->ask)
            role_ask(dp, sa);
        atomic_store_explicit(&sa->ctr->last_us, now, memory_order_relaxed);
        check_lifetime(dp, sa);
    }
}

/* --- outbound ------------------------------------------------------------------------------ */

/* What the outer header says: RFC 4301 §5.1.2.1, ECN as in RFC 6040 §4.1. */
static void set_outer(struct pkt *p, const struct sa *sa, const struct ip_info *in)
{
    p->local = sa->local;
    p->remote = sa->remote;
    p->lport = sa->local_port;
    p->rport = sa->remote_port;
    p->udp = (sa->flags & SADB_F_UDP) != 0;
    p->mtu = sa->pmtu;
    p->tos = in->tos;
    p->df = in->df;
    if (sa->flags & SADB_DF_SET)
        p->df = 1;
    else if (sa->flags & SADB_DF_CLEAR)
        p->df = 0;
}

enum way { WAY_NONE, WAY_SEAL, WAY_CUT, WAY_CLEAR };

/* True when the packet of a TUN has a flow, and there is a policy to ask about it. */
static bool readable(struct dp *dp, const struct spd *spd, bool inbound, struct pkt *p,
                     struct ip_info *in)
{
    if (ip_parse(p->data, p->len, inbound, in)) {
        dp_drop(dp, dp->total, p, DP_BAD_INNER);
        return false;
    }
    p->flow = in->flow;
    p->len = in->total;
    if (p->data[0] >> 4 == 6 && p->data[24] == 0xff)
        return false; /* the kernel's own multicast on a fresh interface */
    if (!spd)         /* no policy was ever set: never in clear by default */
        dp_drop(dp, dp->total, p, DP_NO_SA);
    return spd != NULL;
}

/* What becomes of a packet too long for its SA's path. */
static enum way fit(struct dp *dp, struct pkt *p, const struct ip_info *in)
{
    switch (pmtu_fit(p, in)) {
    case FIT_WHOLE:
        return WAY_SEAL;
    case FIT_CUT:
        return WAY_CUT;
    case FIT_NOT:
        break;
    }
    pmtu_tell(dp, p); /* also the engine, which has the line for the log */
    dp_count(p->sa->ctr, DP_TOO_BIG, 1);
    return WAY_NONE;
}

static bool between_ends(const struct sa *sa, const struct flow *f)
{
    return addr_eq(&f->local, &sa->local) && addr_eq(&f->remote, &sa->remote);
}

static enum way decide(struct dp *dp, struct spd *spd, bool bypass, bool cut, struct pkt *p);

/* A piece of what goes by transport mode, which protects whole packets only (RFC 4303 §3.3.4): the
 * last one becomes the whole, and is looked at again. What came in pieces may leave in pieces. */
static enum way gather(struct dp *dp, struct spd *spd, bool bypass, struct pkt *p)
{
    if (!reasm_add(dp->reasm, p, clock_mono(&dp->clock)))
        return WAY_NONE;
    p->sa = NULL;
    return decide(dp, spd, bypass, true, p);
}

/* cut: p was put together from pieces. */
static enum way decide(struct dp *dp, struct spd *spd, bool bypass, bool cut, struct pkt *p)
{
    struct ip_info in;
    if (!readable(dp, spd, false, p, &in))
        return WAY_NONE;
    struct policy *pol = spd_lookup(spd, &p->flow);
    if (!pol) {
        if (bypass)
            return WAY_CLEAR;
        dp_drop(dp, dp->total, p, DP_NO_SA);
        return WAY_NONE;
    }
    p->policy = pol;
    enum sadb_role role = dp_role(dp, spd->ifid);
    if (role != SADB_ROLE_ACTIVE) {
        if (role == SADB_ROLE_HOLD)
            dp_wait_for_word(dp, pol, p, DP_PASSIVE);
        else
            dp_drop(dp, pol->ctr, p, DP_PASSIVE);
        return WAY_NONE;
    }
    struct sa *sa = sad_outbound(&dp->sad, pol->id, &p->flow);
    if (!sa) {
        dp_wait_for_sa(dp, pol, p);
        return WAY_NONE;
    }
    p->sa = sa;
    if (worn_out(dp, sa)) {
        dp_drop(dp, sa->ctr, p, DP_HARD_LIFETIME);
        return WAY_NONE;
    }
    if (sa_transport(sa)) {
        if (!between_ends(sa, &p->flow)) { /* RFC 4301 §4.1: for the two ends only */
            dp_drop(dp, sa->ctr, p, DP_SELECTOR);
            return WAY_NONE;
        }
        if (reasm_is_piece(p->data))
            return gather(dp, spd, bypass, p);
    }
    in.df = in.df && !cut;
    set_outer(p, sa, &in);
    enum way way = p->len <= sa->room ? WAY_SEAL : fit(dp, p, &in);
    if (way == WAY_SEAL)
        sa->bytes += p->len; /* now: the next packet of this vector must see it */
    return way;
}

/* Keeps those that are still fine, in order. */
static size_t survivors(struct dp *dp, struct pkt **p, size_t n)
{
    size_t ok = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i]->cause == PKT_OK)
            p[ok++] = p[i];
        else
            dp_drop(dp, p[i]->sa ? p[i]->sa->ctr : dp->total, p[i], p[i]->cause);
    }
    return ok;
}

/* Those that found no number: their SA is used up, or they wait for the next block. */
static size_t numbered(struct dp *dp, struct pkt **p, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i]->cause == DP_SEQ_OVERFLOW)
            expire(dp, p[i]->sa, true);
        if (p[i]->cause != DP_LEASE) {
            p[kept++] = p[i];
            continue;
        }
        p[i]->sa->bytes -= p[i]->len; /* it is not on its way yet */
        dp_wait_for_word(dp, p[i]->policy, p[i], DP_LEASE);
    }
    return kept;
}

static void protect(struct dp *dp, struct pkt **p, size_t n)
{
    struct pkt *all[PKT_BATCH];
    size_t n_all = n;
    memcpy(all, p, n * sizeof *p);
    ipsec_seal(&dp->batch, p, n);
    n = numbered(dp, p, n);
    n = survivors(dp, p, n);
    dp->io->wire(dp->io_ctx, p, n);
    n = survivors(dp, p, n);
    for (size_t i = 0; i < n; i++) {
        count_sa(p[i]->sa, p[i]);
        dp_add(&p[i]->policy->ctr->packets, 1);
        dp_add(&p[i]->policy->ctr->bytes, p[i]->payload);
    }
    publish(dp, all, n_all);
}

/* RFC 4301 §7: the pieces are all protected by the SA that the whole was matched with. */
static void cut(struct dp *dp, struct pkt *p)
{
    struct frag f;
    struct pkt *v[PKT_BATCH];
    if (!frag_begin(&f, p->data, p->len, p->sa->room)) {
        dp_add(&p->sa->ctr->cut_failed, 1);
        dp_drop(dp, p->sa->ctr, p, DP_TOO_BIG);
        return;
    }
    dp_add(&p->sa->ctr->cut, 1);
    for (size_t n; (n = pmtu_pieces(dp, &f, p, v));)
        protect(dp, v, n);
}

static void in_clear(struct dp *dp, struct pkt **p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ip_ttl_give_back(p[i]->data);
    dp->io->tun(dp->io_ctx, 0, p, n);
    survivors(dp, p, n);
}

void dp_outbound(struct dp *dp, uint32_t ifid, bool bypass, struct pkt **p, size_t n)
{
    struct spd *spd = spd_find(&dp->spd, ifid);
    struct pkt *seal[PKT_BATCH], *clear[PKT_BATCH];
    size_t n_seal = 0, n_clear = 0;
    for (size_t i = 0; i < n; i++) {
        switch (decide(dp, spd, bypass, false, p[i])) {
        case WAY_SEAL:
            seal[n_seal++] = p[i];
            break;
        case WAY_CUT:
            if (n_seal) /* in order */
                protect(dp, seal, n_seal);
            n_seal = 0;
            cut(dp, p[i]);
            break;
        case WAY_CLEAR:
            clear[n_clear++] = p[i];
            break;
        case WAY_NONE:
            break;
        }
    }
    if (n_seal)
        protect(dp, seal, n_seal);
    if (n_clear)
        in_clear(dp, clear, n_clear);
}

/* --- in clear from outside ----------------------------------------------------------------- */

/* RFC 4301 §5.2: what arrives in clear although the policy wants it protected is discarded. The
 * flow of an inbound packet has its destination as the local side, so the SPD's lines match as
 * the mirror of themselves that they are for this direction, deny lines and their order too. */
static bool may_pass(struct dp *dp, struct spd *spd, struct pkt *p)
{
    struct ip_info in;
    if (!readable(dp, spd, true, p, &in))
        return false;
    const struct policy *pol = spd_lookup(spd, &p->flow);
    if (!pol)
        return true;
    dp_drop(dp, pol->ctr, p, DP_CLEAR_INBOUND);
    if (dp_role(dp, spd->ifid) == SADB_ROLE_ACTIVE)
        event(dp, EV_CLEAR_INBOUND, p, 0);
    return false;
}

void dp_inspect(struct dp *dp, uint32_t ifid, struct pkt **p, size_t n)
{
    struct spd *spd = spd_find(&dp->spd, ifid);
    struct pkt *pass[PKT_BATCH];
    size_t n_pass = 0;
    for (size_t i = 0; i < n; i++)
        if (may_pass(dp, spd, p[i])) {
            ip_ttl_give_back(p[i]->data);
            pass[n_pass++] = p[i];
        }
    if (!n_pass)
        return;
    dp->io->back(dp->io_ctx, ifid, pass, n_pass);
    survivors(dp, pass, n_pass);
}

/* --- inbound ------------------------------------------------------------------------------- */

static bool for_us(const struct dp *dp, const struct addr *a)
{
    for (uint32_t i = 0; i < dp->n_locals; i++)
        if (addr_eq(&dp->locals[i], a))
            return true;
    return dp->n_locals == 0;
}

/* True when the packet has an SA that may still be used. */
static bool find_sa(struct dp *dp, struct pkt *p)
{
    if (p->len < spi_end(p) + 4) { /* and a number */
        dp_drop(dp, dp->total, p, DP_BAD_LENGTH);
        return false;
    }
    if (!for_us(dp, &p->local)) {
        dp_drop(dp, dp->total, p, DP_UNKNOWN_SPI);
        return false;
    }
    uint32_t spi = wire_spi(p);
    p->sa = sad_inbound(&dp->sad, p->proto, spi);
    if (!p->sa) {
        dp_drop(dp, dp->total, p, DP_UNKNOWN_SPI);
        event(dp, EV_UNKNOWN_SPI, p, spi);
        return false;
    }
    enum sadb_role role = dp_role(dp, p->sa->ifid);
    if (role == SADB_ROLE_HOLD && hold_push(&dp->hold, p))
        return false;
    if (role != SADB_ROLE_ACTIVE) {
        dp_drop(dp, p->sa->ctr, p, role == SADB_ROLE_HOLD ? DP_QUEUE_FULL : DP_PASSIVE);
        return false;
    }
    if (worn_out(dp, p->sa)) {
        dp_drop(dp, p->sa->ctr, p, DP_HARD_LIFETIME);
        return false;
    }
    return true;
}

/* RFC 7296 §2.23: an authentic packet from elsewhere tells that the NAT moved its mapping. The
 * engine decides and answers with SADB_UPDATE. */
static void check_path(struct dp *dp, const struct pkt *p)
{
    const struct sa *sa = p->sa;
    if (p->udp && (sa->flags & SADB_F_UDP) &&
        (p->rport != sa->remote_port || !addr_eq(&p->remote, &sa->remote)))
        event(dp, EV_NAT_MOVED, p, sa->spi);
}

static void report(struct dp *dp, struct pkt **p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i]->cause == DP_REPLAY)
            event(dp, EV_REPLAY, p[i], p[i]->sa->spi);
        else if (p[i]->cause == DP_BAD_ICV)
            event(dp, EV_BAD_ICV, p[i], p[i]->sa->spi);
    }
}

/* Runs of one interface go to its TUN in one call. */
static void deliver(struct dp *dp, struct pkt **p, size_t n)
{
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && p[i + run]->sa->ifid == p[i]->sa->ifid; run++)
            ;
        dp->io->tun(dp->io_ctx, p[i]->sa->ifid, p + i, run);
    }
    survivors(dp, p, n);
}

void dp_inbound(struct dp *dp, struct pkt **p, size_t n)
{
    struct pkt *have[PKT_BATCH], *good[PKT_BATCH];
    size_t n_have = 0, n_good;
    for (size_t i = 0; i < n; i++)
        if (find_sa(dp, p[i]))
            have[n_have++] = p[i];
    if (!n_have)
        return;
    memcpy(good, have, n_have * sizeof *have);
    ipsec_open(&dp->batch, good, n_have);
    report(dp, good, n_have);
    n_good = survivors(dp, good, n_have);
    size_t out = 0;
    for (size_t i = 0; i < n_good; i++) {
        struct pkt *q = good[i];
        count_sa(q->sa, q);
        q->sa->bytes += q->payload;
        check_path(dp, q);
        if (q->len == 0)
            continue; /* a dummy packet, RFC 4303 §2.6 */
        if (sa_covers(q->sa, &q->flow))
            good[out++] = q;
        else /* RFC 4301 §5.2 step 4 */
            dp_drop(dp, q->sa->ctr, q, DP_SELECTOR);
    }
    /* Before they are forwarded: after a kill in between nothing is taken a second time. */
    publish(dp, have, n_have);
    deliver(dp, good, dp_unwrap(dp, good, out));
}
