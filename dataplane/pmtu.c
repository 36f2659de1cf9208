/*
 * Path MTU. See pmtu.h.
 *
 * In front of the datapath stands the kernel, which cuts or refuses by the MTU of the shadow TUN.
 * So what comes here fits the interface, unless the configuration asks for whole packets; what is
 * decided here is how it fits a path that is narrower further on.
 */
#include "dataplane/pmtu.h"
#include <string.h>

static uint32_t least(const struct sa *sa)
{
    return sa->remote.family == AF_INET6 ? PMTU_LEAST6 : PMTU_LEAST4;
}

static void publish(struct sa *sa)
{
    atomic_store_explicit(&sa->ctr->pmtu, sa->pmtu, memory_order_relaxed);
    atomic_store_explicit(&sa->ctr->pmtu_until_us, sa->pmtu_until, memory_order_relaxed);
    atomic_store_explicit(&sa->ctr->flags, sa->flags, memory_order_relaxed);
}

void pmtu_refresh(struct sa *sa)
{
    sa->room = sa->pmtu ? ipsec_room(sa, sa->pmtu) : UINT32_MAX;
    publish(sa);
}

static void forget(struct sa *sa)
{
    sa->pmtu = sa->mtu;
    sa->pmtu_until = 0;
}

static void inherit(struct sa *sa, uint64_t pmtu, usec_t until)
{
    if (!pmtu || pmtu > UINT32_MAX || (sa->pmtu && pmtu >= sa->pmtu))
        return;
    sa->pmtu = (uint32_t)pmtu;
    sa->pmtu_until = until;
}

void pmtu_start(struct sad *s, struct sa *sa)
{
    const struct sa *before = sad_older(s, sa);
    forget(sa);
    if (before)
        inherit(sa, before->pmtu, before->pmtu_until);
    if (sa->flags & SADB_F_RESUME)
        inherit(sa, dp_read(&sa->ctr->pmtu),
                atomic_load_explicit(&sa->ctr->pmtu_until_us, memory_order_relaxed));
    pmtu_refresh(sa);
}

void pmtu_update(struct sa *sa, const struct sadb_update *m, bool moved)
{
    if (m->path) {
        bool learned = sa->pmtu != sa->mtu;
        sa->flags = (sa->flags & ~SADB_F_PATH) | (m->flags & SADB_F_PATH);
        sa->pmtu_age = m->pmtu_age;
        sa->mtu = m->mtu;
        if (!learned || (sa->mtu && sa->pmtu > sa->mtu))
            forget(sa);
    }
    if (moved) /* another path */
        forget(sa);
    pmtu_refresh(sa);
}

/* --- routers ------------------------------------------------------------------------------- */

static const struct sa *quoted(const struct dp *dp, const struct pmtu_error *e)
{
    for (uint32_t i = 0; i < SAD_BUCKETS; i++)
        for (const struct sa *sa = dp->sad.policies[i]; sa; sa = sa->by_key)
            if (sa->first == e->spi && sa->proto == e->proto && addr_eq(&sa->remote, &e->remote))
                return sa;
    return NULL;
}

static void tell_engine(struct dp *dp, const struct sa *sa, const struct pmtu_error *e,
                        uint32_t was)
{
    struct sadb_event ev;
    memset(&ev, 0, sizeof ev);
    ev.kind = EV_PMTU;
    ev.sa = sa->id;
    ev.spi = sa->spi;
    ev.was = was;
    ev.mtu = sa->pmtu;
    ev.router = e->router;
    ev.path.local = sa->local;
    ev.path.remote = sa->remote;
    dp->io->engine(dp->io_ctx, SADB_EVENT, &ev, sizeof ev, NULL, 0);
}

/* Every SA between the same two addresses takes the same path. */
static void narrow(struct dp *dp, const struct sa *one, const struct pmtu_error *e, uint32_t mtu)
{
    struct addr local = one->local, remote = one->remote;
    usec_t now = clock_mono(&dp->clock);
    for (uint32_t i = 0; i < SAD_BUCKETS; i++)
        for (struct sa *sa = dp->sad.policies[i]; sa; sa = sa->by_key) {
            if (!addr_eq(&sa->remote, &remote) || !addr_eq(&sa->local, &local) ||
                (sa->pmtu && sa->pmtu <= mtu))
                continue;
            uint32_t was = sa->pmtu;
            sa->pmtu = mtu;
            sa->pmtu_until = sa->pmtu_age ? now + sa->pmtu_age * USEC_PER_SEC : 0;
            pmtu_refresh(sa);
            if (sa == one)
                tell_engine(dp, sa, e, was);
        }
}

void pmtu_learn(struct dp *dp, const struct pmtu_error *e)
{
    if (dp->pmtu_left == 0) /* looking an SPI up costs: not for everybody who sends errors */
        return;
    dp->pmtu_left--;
    const struct sa *sa = quoted(dp, e);
    if (!sa)
        return;
    dp_add(&sa->ctr->pmtu_rcvd, 1);
    uint32_t mtu = e->mtu > least(sa) ? e->mtu : least(sa);
    if (!sa->pmtu || mtu < sa->pmtu)
        narrow(dp, sa, e, mtu);
}

void pmtu_tick(struct dp *dp)
{
    usec_t now = clock_mono(&dp->clock);
    dp->pmtu_left = PMTU_PER_SECOND;
    dp->tell_left = TELL_PER_SECOND;
    for (uint32_t i = 0; i < SAD_BUCKETS; i++)
        for (struct sa *sa = dp->sad.policies[i]; sa; sa = sa->by_key)
            if (sa->pmtu_until && now >= sa->pmtu_until) {
                forget(sa);
                pmtu_refresh(sa);
            }
}

/* --- packets that do not fit --------------------------------------------------------------- */

/* RFC 4301 §8.1 and appendix D, by the configured order:
 *   the whole may be cut outside   → later, when it is sealed, where that is configured, or where
 *                                    its sender forbids cutting inside but we clear the bit
 *   the sender lets it be cut      → before
 *   IPv6 of the least size         → outside: a sender need not send less (RFC 8200 §5)
 *   else                           → its sender is told
 * Transport mode protects whole packets only (RFC 4303 §3.3.4): there "before" is "later". */
enum fit pmtu_fit(struct pkt *p, const struct ip_info *in)
{
    bool v6 = p->flow.local.family == AF_INET6;
    if (!p->df && (in->df || (p->sa->flags & SADB_F_FRAG_AFTER)))
        return FIT_WHOLE;
    if (!in->df && !sa_transport(p->sa))
        return FIT_CUT;
    if (!in->df) {
        p->df = 0; /* whatever the policy says of whole packets: else it could never leave */
        return FIT_WHOLE;
    }
    if (v6 && p->len <= PMTU_LEAST6) {
        p->df = 0;
        return FIT_WHOLE;
    }
    return FIT_NOT;
}

/* An address of this box to speak from: the SA's, or any other; at last, where the packet goes. In
 * transport mode the sender is this box itself, and would not believe an error from itself. */
static struct addr speaker(const struct dp *dp, const struct pkt *p)
{
    uint8_t family = p->flow.local.family;
    if (sa_transport(p->sa))
        return p->flow.remote;
    if (p->sa->local.family == family)
        return p->sa->local;
    for (uint32_t i = 0; i < dp->n_locals; i++)
        if (dp->locals[i].family == family)
            return dp->locals[i];
    return p->flow.remote;
}

static void tell_too_big(struct dp *dp, const struct pkt *p, uint32_t mtu)
{
    uint64_t held;
    if (!log_limit_pass(&dp->event_limit[EV_TOO_BIG], clock_mono(&dp->clock), DP_EVENT_INTERVAL,
                        &held))
        return;
    struct sadb_event ev;
    memset(&ev, 0, sizeof ev);
    ev.kind = EV_TOO_BIG;
    ev.proto = p->flow.proto;
    ev.sa = p->sa->id;
    ev.spi = p->sa->spi;
    ev.was = p->len;
    ev.mtu = mtu;
    ev.path.local = p->flow.local;
    ev.path.remote = p->flow.remote;
    dp->io->engine(dp->io_ctx, SADB_EVENT, &ev, sizeof ev, NULL, 0);
}

void pmtu_tell(struct dp *dp, const struct pkt *p)
{
    struct sa *sa = p->sa;
    uint32_t mtu = sa->room;
    if (p->flow.local.family == AF_INET6 && mtu < PMTU_LEAST6)
        mtu = PMTU_LEAST6;
    tell_too_big(dp, p, mtu);
    if (dp->tell_left == 0)
        return;
    dp->tell_left--;
    struct pkt *icmp = &dp->pieces->p[0];
    struct addr from = speaker(dp, p);
    pkt_reset(icmp);
    icmp->len = icmp_too_big(icmp->data, &from, p->data, p->len, &p->flow, mtu);
    if (icmp->len == 0)
        return;
    dp->io->tun(dp->io_ctx, sa->ifid, &icmp, 1);
    if (icmp->cause == PKT_OK)
        dp_add(&sa->ctr->pmtu_sent, 1);
}

size_t pmtu_pieces(struct dp *dp, struct frag *f, const struct pkt *whole, struct pkt **v)
{
    const uint8_t *data;
    size_t n = 0;
    for (uint32_t len; n < PKT_BATCH && (len = frag_next(f, &data)); n++) {
        uint8_t *buf = dp->pieces->p[n].buf;
        v[n] = &dp->pieces->p[n];
        *v[n] = *whole;
        v[n]->buf = buf;
        v[n]->data = buf + PKT_HEAD;
        v[n]->len = f->hlen + len;
        memcpy(v[n]->data, f->header, f->hlen);
        memcpy(v[n]->data + f->hlen, data, len);
        whole->sa->bytes += v[n]->len;
    }
    dp_add(&whole->sa->ctr->pieces, n);
    return n;
}
