/*
 * The engine's end of the SADB channel (dataplane/sadb.h).
 *
 * Requests are numbered so that an answer can be told apart: the number of a SADB_ADD is the
 * handle of the SA itself, all others have the top bit set. A refused SADB_ADD ends the child,
 * because an SA without its datapath half would swallow traffic. What comes in is checked for
 * its length; a channel that breaks is given up, and the launcher brings a new one.
 */
#include "control/crypto/pathmtu.h"
#include "control/priv.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEQ_OTHER    0x80000000u
#define DRAINED_LOW  (64u * 1024)
#define CHANNEL_MOST (32u * 1024 * 1024) /* a policy of 100,000 lines fits as a whole */

uint32_t dp_seq(struct control *c)
{
    return SEQ_OTHER | ++c->dp_seq;
}

int dp_send(struct control *c, uint16_t type, const void *a, size_t alen, const void *b,
            size_t blen)
{
    return c->dp ? ipc_send2(c->dp, type, a, alen, b, blen) : -ENOTCONN;
}

void dp_close(struct control *c)
{
    ipc_free(c->dp);
    c->dp = NULL;
    timer_cancel(&c->timers, &c->dp_wait);
}

/* --- what the datapath says
 * ------------------------------------------------------------------------- */

static void on_ack(struct control *c, const struct sadb_ack *a)
{
    if (a->seq == c->wanted.dump_seq && !c->wanted.known) {
        wanted_dumped(c, a->err);
        adopt_policies(c);
        control_reconcile(c);
        return;
    }
    if (position_acked(c, a))
        return;
    if (!(a->seq & SEQ_OTHER))
        outbox_acked(c);
    if (!a->err) {
        wanted_confirmed(c, a->seq);
        return;
    }
    if (a->seq & SEQ_OTHER) {
        /* -ENOENT: an SA or a policy went while the request was under way */
        if (a->err != -ENOENT)
            log_line(c->o.log, LOGL_WARNING, "sadb", "the datapath refused a request: %s",
                     strerror(-a->err));
        return;
    }
    log_line(c->o.log, LOGL_ERROR, "sadb", "the datapath refused SA %u: %s", a->seq,
             strerror(-a->err));
    wanted_lost(c, a->seq);
}

static void on_ike(struct control *c, const uint8_t *data, size_t len)
{
    struct sadb_ike h;
    if (len < sizeof(h) || !c->applied)
        return; /* the peer says it again when we know who it is */
    memcpy(&h, data, sizeof(h));
    struct ike_path p = {.local = h.local,
                         .remote = h.remote,
                         .lport = h.local_port,
                         .rport = h.remote_port};
    keyex_input(c, &p, data + sizeof(h), len - sizeof(h));
}

/* A NAT has moved (RFC 7296 §2.23): where IKE follows, every child of its SA follows. */
struct move {
    struct control *c;
    uint32_t sa;
    const struct ike_path *to;
};

static bool move_children(void *ctx, const struct ike_sa_state *s)
{
    const struct move *m = (const struct move *)ctx;
    bool mine = false;
    for (uint32_t i = 0; i < s->n_children; i++)
        mine = mine || s->child[i].sa_in == m->sa || s->child[i].sa_out == m->sa;
    if (!mine)
        return true;
    if (!addr_eq(&s->path.remote, &m->to->remote) || s->path.rport != m->to->rport)
        return false; /* IKE does not believe it */
    for (uint32_t i = 0; i < s->n_children; i++) {
        wanted_move(m->c, s->child[i].sa_in, m->to);
        wanted_move(m->c, s->child[i].sa_out, m->to);
    }
    return false;
}

/* A configured peer sends on an SA that is not there: it may have missed its end. Packets that a
 * new datapath finds before its SAs are back say nothing, nor do those to an address that is about
 * to be another box's. */
static void on_unknown_spi(struct control *c, const struct ike_path *p, const struct sadb_event *e)
{
    if (!c->wanted.known || wanted_inbound(c, e->spi) || !endpoint_is_ours(c, &p->local))
        return;
    events_unknown_spi(c, p, e->proto, e->spi);
    /* ESP and AH by themselves have no ports: IKE with that peer has its own */
    struct ike_path ike = *p;
    if (!ike.lport)
        ike.lport = ike.rport = PORT_IKE;
    if (keyex_knows(c, IKE_V2, &ike) || keyex_knows(c, IKE_V1, &ike))
        keyex_invalid_spi(c, &ike, e->spi);
}

static void on_event(struct control *c, const struct sadb_event *e)
{
    if (e->kind == EV_PMTU || e->kind == EV_TOO_BIG)
        path_event(c, e);
    struct ike_path p = {.local = e->path.local,
                         .remote = e->path.remote,
                         .lport = e->path.local_port,
                         .rport = e->path.remote_port};
    if (e->kind == EV_UNKNOWN_SPI)
        on_unknown_spi(c, &p, e);
    if (e->kind != EV_NAT_MOVED)
        return; /* counted and logged by the datapath */
    struct move m = {.c = c, .sa = e->sa, .to = &p};
    keyex_nat_moved(c, e->sa, &p);
    const struct wanted_sa *w = wanted_find(c, e->sa);
    if (w)
        keyex_each_of(c, w->m.policy, move_children, &m);
}

static void take(struct control *c, const struct ipc_msg *m)
{
    union {
        struct sadb_ack ack;
        struct sadb_acquire acquire;
        struct sadb_expire expire;
        struct sadb_event event;
        struct sadb_lease lease;
        struct sadb_sa info;
    } u;
    switch (m->type) {
    case SADB_ACK:
        if (m->len == sizeof(u.ack)) {
            memcpy(&u.ack, m->data, sizeof(u.ack));
            on_ack(c, &u.ack);
        }
        break;
    case SADB_ACQUIRE:
        if (m->len == sizeof(u.acquire)) {
            memcpy(&u.acquire, m->data, sizeof(u.acquire));
            tunnel_acquire(c, &u.acquire);
        }
        break;
    case SADB_EXPIRE:
        if (m->len == sizeof(u.expire)) {
            memcpy(&u.expire, m->data, sizeof(u.expire));
            keyex_expired(c, u.expire.sa, u.expire.hard);
        }
        break;
    case SADB_SA_INFO:
        if (m->len == sizeof(u.info) && !c->wanted.known) {
            memcpy(&u.info, m->data, sizeof(u.info));
            wanted_seen(c, &u.info);
        }
        break;
    case SADB_IKE_RECV:
        on_ike(c, m->data, m->len);
        break;
    case SADB_EVENT:
        if (m->len == sizeof(u.event)) {
            memcpy(&u.event, m->data, sizeof(u.event));
            on_event(c, &u.event);
        }
        break;
    case SADB_LEASE:
        if (m->len == sizeof(u.lease)) {
            memcpy(&u.lease, m->data, sizeof(u.lease));
            position_lease(c, &u.lease);
        }
        break;
    default:
        break;
    }
}

static void on_waited(struct timer *t, void *owner)
{
    struct control *c = (struct control *)owner;
    (void)t;
    if (c->dp)
        ipc_pause(c->dp, false);
}

/* A thousand SAs that come up or expire at once are a thousand messages. Their order stays. */
static void on_message(struct ipc *ipc, struct ipc_msg *m, void *ctx)
{
    struct control *c = (struct control *)ctx;
    usec_t begin = clock_mono(&c->o.clock);
    take(c, m);
    usec_t now = clock_mono(&c->o.clock);
    c->dp_work += now - begin;
    if (c->dp_work < CONTROL_TURN || c->dp != ipc)
        return;
    c->dp_work = 0;
    if (timer_set(&c->timers, &c->dp_wait, now) == 0)
        ipc_pause(ipc, true);
}

static void on_closed(struct ipc *ipc, void *ctx)
{
    struct control *c = (struct control *)ctx;
    log_line(c->o.log, LOGL_WARNING, "sadb", "the datapath is gone; waiting for a new one");
    if (c->dp == ipc)
        c->dp = NULL;
    ipc_free(ipc);
    c->wanted.known = false;
    outbox_flush(c);
}

static void on_drained(struct ipc *ipc, void *ctx)
{
    (void)ipc;
    control_kick(ctx); /* what did not fit is told in the next round */
}

/* --- the channel
 * -------------------------------------------------------------------------------------- */

/* Whether it is new or an earlier engine has used it: it is asked what it holds, and gets the
 * rest. Before the first configuration there is nothing to hold that against (adopt.c). */
void control_set_datapath(struct control *c, int fd)
{
    dp_close(c);
    outbox_flush(c);
    c->wanted.known = false;
    c->dp = ipc_new(c->o.base, fd, on_message, on_closed, c);
    if (!c->dp) {
        close(fd);
        log_line(c->o.log, LOGL_ERROR, "sadb", "no memory for the datapath's channel");
        return;
    }
    timer_init(&c->dp_wait, on_waited, c);
    position_channel(c);
    ipc_set_limit(c->dp, CHANNEL_MOST);
    ipc_on_drained(c->dp, DRAINED_LOW, on_drained);
    for (size_t i = 0; i <= PORTS_MAX; i++)
        c->shadow[i].spd_told = false;
    free(c->told_addrs);
    c->told_addrs = NULL;
    c->n_told_addrs = 0;
    c->told_go = false;
    if (c->applied)
        wanted_dump(c);
}

/* A datapath that is new reads packets from here on: SAs, policies and addresses are before this
 * in the channel. What did not fit there is told in a later round, and so is this. */
void dp_go(struct control *c)
{
    if (c->told_go || !c->wanted.known)
        return;
    for (size_t i = 0; i < c->ports.n; i++) {
        const struct shadow *s = &c->shadow[c->ports.v[i]->ifid];
        if (s->wanted && !s->spd_told)
            return;
    }
    struct sadb_ref r = {.seq = dp_seq(c)};
    c->told_go = dp_send(c, SADB_GO, &r, sizeof(r), NULL, 0) == 0;
}

/* Where ESP to us may arrive: the addresses of interfaces that bear a map, and of its tunnels. */
void dp_local_addrs(struct control *c)
{
    struct addr v[2 * PORTS_MAX * INTENT_ADDRS];
    size_t n = 0;
    memset(v, 0, sizeof(v));
    for (size_t i = 0; i < c->ports.n; i++) {
        const struct intent_if *ifp = c->ports.v[i]->ifp;
        if (!c->shadow[c->ports.v[i]->ifid].wanted)
            continue;
        n += intent_if_addrs(ifp, v + n);
        if (ifp->redundancy[0] || ifp->tunnel.mode)
            n += endpoint_addrs(c, ifp, v + n);
        else if (intent_if_end(ifp) != ifp)
            n += intent_if_addrs(intent_if_end(ifp), v + n);
    }
    bool same = n == c->n_told_addrs;
    for (size_t i = 0; same && i < n; i++)
        same = addr_eq(&v[i], &c->told_addrs[i]);
    if (same || !c->wanted.known)
        return;
    struct sadb_ref r = {.seq = dp_seq(c), .count = (uint32_t)n};
    struct addr *copy = (struct addr *)malloc(n ? n * sizeof(*v) : 1);
    if (!copy || dp_send(c, SADB_LOCAL_ADDRS, &r, sizeof(r), v, n * sizeof(*v)) < 0) {
        free(copy);
        return;
    }
    memcpy(copy, v, n * sizeof(*v));
    free(c->told_addrs);
    c->told_addrs = copy;
    c->n_told_addrs = n;
}
