/*
 * See link.h.
 *
 * One socket of the one-to-many kind calls and listens at the same time. So when both boxes call at
 * once their INITs collide in one endpoint, which makes one association of them (RFC 9260 §5.2.1),
 * and of a peer that has started anew there is no second one (§5.2.4). Nobody else is heard:
 * packets with other ports are dropped before they get here.
 *
 * Addresses in SCTP are numbers of links (AF_CONN): usrsctp knows nothing of IP, and its cookies,
 * which travel in clear, tell nothing of our memory. The packets are those of SCTP over IP.
 *
 * usrsctp calls back with its locks held, therefore nothing is done there but to hand a packet on;
 * what came is fetched after each packet and each tick.
 */
#include "control/sso/link.h"
#include "control/sso/paths.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <usrsctp.h>

/* Of usrsctp's timers; no configured time is below 300 ms. */
#define TICK       (20 * USEC_PER_MSEC)
#define SACK_MS    20   /* an acknowledgement waits for a second packet so long */
#define PACKET_MAX 1280 /* fits through IPsec on any link, as nothing cuts it on its way */
#define HEADER     12   /* ports, verification tag, checksum (RFC 9260 §3.1) */
/* Bytes; how many messages wait is configured, as small ones cost more. */
#define SEND_BUFFER 4194304
#define RECV_BUFFER 524288

struct sso_link {
    struct sso_link *next;
    uintptr_t id; /* its address in SCTP */
    const struct sso_link_ops *ops;
    void *ctx;
    struct timerq *q;
    const struct clock *clk;
    struct sockaddr_conn local, remote;
    uint32_t rto_max;        /* ms */
    uint32_t keepalive;      /* ms */
    uint32_t hold;           /* messages that may wait */
    struct sctp_rtoinfo rto; /* of an association that is up */
    struct socket *so;
    sctp_assoc_t assoc; /* while up */
    bool up, blocked, busy;
    unsigned waiting; /* messages since the last time when all were acknowledged */
    usec_t call_at;   /* when to call next, unless we are up by then */
    struct timer tick;
    struct paths paths;
    uint8_t rx[SSO_MESSAGE_MAX];
    /* Messages that come in pieces. */
    struct {
        uint32_t n;
        uint8_t p[SSO_MESSAGE_MAX];
    } part[SSO_STREAMS];
};

/* usrsctp's state is the process's, and so is this: whose packets it sends, and until when its
 * timers have run. */
static struct {
    struct sso_link *links;
    uintptr_t last_id;
    usec_t wound;
    bool there;
} stack;

static int on_packet(void *addr, void *p, size_t n, uint8_t tos, uint8_t df)
{
    (void)tos;
    (void)df;
    for (struct sso_link *l = stack.links; l; l = l->next)
        if (l->id == (uintptr_t)addr) {
            for (unsigned i = 0; i < l->paths.n; i++) {
                l->paths.path[i].tx++;
                l->ops->transmit(l->ctx, i, (const uint8_t *)p, n);
            }
            return 0;
        }
    return EHOSTUNREACH;
}

/* --- the association's state --------------------------------------------------------------- */

static void forget(struct sso_link *l)
{
    for (unsigned s = 0; s < SSO_STREAMS; s++)
        l->part[s].n = 0;
    l->up = l->blocked = l->busy = false;
    l->waiting = 0;
    l->assoc = 0;
}

static bool set(struct socket *so, int level, int option, const void *p, socklen_t n)
{
    return usrsctp_setsockopt(so, level, option, p, n) == 0;
}

static void set_up(struct sso_link *l, sctp_assoc_t id)
{
    struct sctp_rtoinfo rto = l->rto;
    rto.srto_assoc_id = id;
    (void)set(l->so, IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof(rto));
    l->assoc = id;
    l->up = true;
    l->ops->up(l->ctx);
}

static void set_down(struct sso_link *l, const char *why)
{
    if (!l->up)
        return; /* the call is repeated in its time */
    forget(l);
    l->call_at = clock_mono(l->clk) + l->rto_max * USEC_PER_MSEC;
    l->ops->down(l->ctx, why);
}

/* Ends the association here and at the peer. The reason is in the ABORT (RFC 9260 §3.3.10.12);
 * without one usrsctp sends none. */
static void refuse(struct sso_link *l, sctp_assoc_t id, const char *why)
{
    struct sctp_sndinfo info = {.snd_flags = SCTP_ABORT, .snd_assoc_id = id};
    (void)usrsctp_sendv(l->so, why, strlen(why), NULL, 0, &info, sizeof(info), SCTP_SENDV_SNDINFO,
                        0);
    set_down(l, why);
}

static void changed(struct sso_link *l, const struct sctp_assoc_change *c)
{
    switch (c->sac_state) {
    case SCTP_RESTART:
        /* usrsctp does not forget the message that it was in the middle of, and waits for its rest
         * for ever. So this association goes, and a new one comes at once. */
        refuse(l, c->sac_assoc_id, "peer restarted");
        l->call_at = 0;
        break;
    case SCTP_COMM_UP:
        if (c->sac_inbound_streams != SSO_STREAMS || c->sac_outbound_streams != SSO_STREAMS)
            refuse(l, c->sac_assoc_id, "peer has other streams");
        else
            set_up(l, c->sac_assoc_id);
        break;
    case SCTP_COMM_LOST:
    case SCTP_SHUTDOWN_COMP:
    case SCTP_CANT_STR_ASSOC:
        if (l->up && c->sac_assoc_id != l->assoc)
            break;
        /* The chunk that ended it is told when it came from the peer. */
        set_down(l, c->sac_length > sizeof(*c) ? "aborted by peer" : "peer does not answer");
        break;
    default:
        break;
    }
}

static void notified(struct sso_link *l, const uint8_t *p, size_t n)
{
    const union sctp_notification *u = (const union sctp_notification *)(const void *)p;
    if (n < sizeof(u->sn_header) || u->sn_header.sn_length > n)
        return;
    if (u->sn_header.sn_type == SCTP_ASSOC_CHANGE && n >= sizeof(u->sn_assoc_change))
        changed(l, &u->sn_assoc_change);
    else if (u->sn_header.sn_type == SCTP_PARTIAL_DELIVERY_EVENT &&
             n >= sizeof(u->sn_pdapi_event) && u->sn_pdapi_event.pdapi_stream < SSO_STREAMS)
        l->part[u->sn_pdapi_event.pdapi_stream].n = 0; /* its rest does not come */
    else if (u->sn_header.sn_type == SCTP_SENDER_DRY_EVENT) {
        bool was = l->blocked;
        l->waiting = 0;
        l->blocked = false;
        if (was)
            l->ops->writable(l->ctx);
    }
}

static void received(struct sso_link *l, const struct sctp_rcvinfo *info, size_t n, bool last)
{
    unsigned s = info->rcv_sid;
    if (!l->up || info->rcv_assoc_id != l->assoc)
        return; /* of an association that we have refused */
    if (s >= SSO_STREAMS || n > SSO_MESSAGE_MAX - l->part[s].n) {
        refuse(l, l->assoc, "message of the peer too long");
        return;
    }
    if (last && !l->part[s].n) {
        l->ops->message(l->ctx, (enum sso_stream)s, l->rx, n);
        return;
    }
    memcpy(l->part[s].p + l->part[s].n, l->rx, n);
    l->part[s].n += (uint32_t)n;
    if (last) {
        size_t all = l->part[s].n;
        l->part[s].n = 0;
        l->ops->message(l->ctx, (enum sso_stream)s, l->part[s].p, all);
    }
}

/* --- the socket ------------------------------------------------------------------------------ */

static bool status_of(const struct sso_link *l, struct sctp_status *st)
{
    socklen_t n = sizeof(*st);
    memset(st, 0, sizeof(*st));
    st->sstat_assoc_id = l->assoc;
    return usrsctp_getsockopt(l->so, IPPROTO_SCTP, SCTP_STATUS, st, &n) == 0;
}

/* Fetches what has come. */
static void fetch(struct sso_link *l)
{
    for (;;) {
        struct sockaddr_conn from;
        socklen_t from_len = sizeof(from);
        struct sctp_rcvinfo info = {0};
        socklen_t info_len = sizeof(info);
        unsigned kind = 0;
        int flags = 0;
        ssize_t n = usrsctp_recvv(l->so, l->rx, sizeof(l->rx), (struct sockaddr *)&from, &from_len,
                                  &info, &info_len, &kind, &flags);
        if (n < 0 || (n == 0 && !(flags & MSG_EOR)))
            break;
        if (flags & MSG_NOTIFICATION)
            notified(l, l->rx, (size_t)n);
        else if (kind == SCTP_RECVV_RCVINFO)
            received(l, &info, (size_t)n, flags & MSG_EOR);
    }
}

/* One comes an RTO behind this time (RFC 9260 §8.3). */
static uint32_t heartbeats(const struct sso_link *l)
{
    return SPP_HB_ENABLE | (l->keepalive ? 0 : SPP_HB_TIME_IS_ZERO);
}

/* Heartbeats are for an idle path (RFC 9260 §8.3). Beside data that is sent again they would count
 * as failures, too, and the peer would be given up after half of the configured retries. */
static void choose_heartbeats(struct sso_link *l, const struct sctp_status *st)
{
    bool busy = st->sstat_unackdata || st->sstat_penddata;
    if (busy == l->busy)
        return;
    l->busy = busy;
    struct sctp_paddrparams path = {.spp_address.ss_family = AF_CONN,
                                    .spp_assoc_id = l->assoc,
                                    .spp_hbinterval = l->keepalive,
                                    .spp_flags = busy ? SPP_HB_DISABLE : heartbeats(l)};
    (void)set(l->so, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof(path));
}

static void on_tick(struct timer *t, void *owner)
{
    struct sso_link *l = (struct sso_link *)owner;
    usec_t now = clock_mono(l->clk), ms = (now - stack.wound) / USEC_PER_MSEC;
    struct sctp_status st;
    (void)timer_set(l->q, t, now + TICK);
    if (ms > 0) {
        stack.wound += ms * USEC_PER_MSEC;
        usrsctp_handle_timers((uint32_t)ms);
    }
    fetch(l);
    paths_watch(&l->paths, now);
    if (l->up && !status_of(l, &st))
        set_down(l, "association lost");
    if (l->up)
        choose_heartbeats(l, &st);
    if (!l->up && now >= l->call_at) {
        l->call_at = now + l->rto_max * USEC_PER_MSEC;
        /* Where a call is under way already, ours or the peer's, this one is refused. */
        (void)usrsctp_connect(l->so, (struct sockaddr *)&l->remote, sizeof(l->remote));
    }
}

/* What the configuration says of times and retries. Until it is up an association has RTOs of its
 * own: the first one is T1-init (RFC 9260 §5.1), which may be longer than any other. */
static bool set_times(struct sso_link *l, const struct sso_cfg *cfg)
{
    /* Before anything is measured a second (RFC 9260 §16), within the configured bounds. */
    uint32_t first = cfg->rto_max < 1000 ? cfg->rto_max : 1000;
    if (first < cfg->rto_min)
        first = cfg->rto_min;
    uint32_t call = cfg->init_timeout ? cfg->init_timeout : first;
    uint32_t most = call > cfg->rto_max ? call : cfg->rto_max;
    l->rto = (struct sctp_rtoinfo){.srto_initial = first,
                                   .srto_max = cfg->rto_max,
                                   .srto_min = cfg->rto_min};
    struct sctp_rtoinfo rto = {.srto_initial = call,
                               .srto_max = most,
                               .srto_min = call < cfg->rto_min ? call : cfg->rto_min};
    struct sctp_assocparams assoc = {.sasoc_asocmaxrxt = cfg->assoc_retransmit};
    /* A heartbeat each RTO (§8.3) unless something else is configured, so that a peer that falls
     * silent is found as soon without traffic as with it. */
    struct sctp_paddrparams path = {.spp_address.ss_family = AF_CONN,
                                    .spp_hbinterval = l->keepalive,
                                    .spp_pathmaxrxt = cfg->path_retransmit,
                                    .spp_pathmtu = PACKET_MAX,
                                    .spp_flags = heartbeats(l) | SPP_PMTUD_DISABLE};
    struct sctp_initmsg init = {.sinit_num_ostreams = SSO_STREAMS,
                                .sinit_max_instreams = SSO_STREAMS,
                                .sinit_max_attempts = cfg->assoc_retransmit,
                                .sinit_max_init_timeo =
                                    (uint16_t)(cfg->init_timeout ? call : cfg->rto_max)};
    return set(l->so, IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof(rto)) &&
           set(l->so, IPPROTO_SCTP, SCTP_ASSOCINFO, &assoc, sizeof(assoc)) &&
           set(l->so, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof(path)) &&
           set(l->so, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof(init));
}

static bool set_events(struct socket *so)
{
    static const uint16_t events[] = {SCTP_ASSOC_CHANGE, SCTP_PARTIAL_DELIVERY_EVENT,
                                      SCTP_SENDER_DRY_EVENT};
    for (unsigned i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        struct sctp_event e = {.se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = events[i], .se_on = 1};
        if (!set(so, IPPROTO_SCTP, SCTP_EVENT, &e, sizeof(e)))
            return false;
    }
    return true;
}

static bool set_options(struct sso_link *l, const struct sso_cfg *cfg)
{
    struct socket *so = l->so;
    const int on = 1, tx = SEND_BUFFER, rx = RECV_BUFFER, whole = SSO_MESSAGE_MAX;
    struct linger abort = {.l_onoff = 1, .l_linger = 0};
    struct sctp_sack_info sack = {.sack_delay = SACK_MS, .sack_freq = 2};
    return set_times(l, cfg) && set_events(so) && set(so, SOL_SOCKET, SO_SNDBUF, &tx, sizeof(tx)) &&
           set(so, SOL_SOCKET, SO_RCVBUF, &rx, sizeof(rx)) &&
           set(so, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)) &&
           set(so, IPPROTO_SCTP, SCTP_DELAYED_SACK, &sack, sizeof(sack)) &&
           set(so, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof(on)) &&
           set(so, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof(on)) &&
           set(so, IPPROTO_SCTP, SCTP_PARTIAL_DELIVERY_POINT, &whole, sizeof(whole)) &&
           usrsctp_set_non_blocking(so, 1) == 0;
}

/* What nobody here needs is not spoken: extensions, and changes of addresses above all. */
static void set_process(void)
{
    usrsctp_init_nothreads(0, on_packet, NULL);
    stack.there = true;
    usrsctp_sysctl_set_sctp_auto_asconf(0);
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_pr_enable(0);
    usrsctp_sysctl_set_sctp_reconfig_enable(0);
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
}

static bool open_socket(struct sso_link *l, const struct sso_cfg *cfg)
{
    usrsctp_register_address((void *)l->id);
    l->so = usrsctp_socket(AF_CONN, SOCK_SEQPACKET, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    return l->so && set_options(l, cfg) &&
           usrsctp_bind(l->so, (struct sockaddr *)&l->local, sizeof(l->local)) == 0 &&
           usrsctp_listen(l->so, 1) == 0;
}

/* --- for the others ------------------------------------------------------------------------- */

struct sso_link *sso_link_new(const struct sso_cfg *cfg, const struct sso_link_ops *ops, void *ctx,
                              struct timerq *q, const struct clock *clk)
{
    struct sso_link *l = (struct sso_link *)calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    usec_t now = clock_mono(clk);
    if (!stack.there)
        set_process();
    if (!stack.links)
        stack.wound = now;
    l->id = ++stack.last_id;
    l->ops = ops;
    l->ctx = ctx;
    l->q = q;
    l->clk = clk;
    l->rto_max = cfg->rto_max;
    l->keepalive = cfg->keepalive;
    l->hold = cfg->hold ? cfg->hold : 1;
    l->call_at = now;
    l->local = (struct sockaddr_conn){.sconn_family = AF_CONN,
                                      .sconn_port = htons(cfg->local_port),
                                      .sconn_addr = (void *)l->id};
    l->remote = l->local;
    l->remote.sconn_port = htons(cfg->remote_port);
    paths_init(&l->paths, cfg);
    timer_init(&l->tick, on_tick, l);
    l->next = stack.links;
    stack.links = l;
    if (!open_socket(l, cfg) || timer_set(q, &l->tick, now)) {
        sso_link_free(l);
        return NULL;
    }
    return l;
}

void sso_link_free(struct sso_link *l)
{
    if (!l)
        return;
    timer_cancel(l->q, &l->tick);
    if (l->so)
        usrsctp_close(l->so);
    usrsctp_deregister_address((void *)l->id);
    for (struct sso_link **p = &stack.links; *p; p = &(*p)->next)
        if (*p == l) {
            *p = l->next;
            break;
        }
    /* It refuses while something of a closed socket is waited for; then it stays for the next. */
    if (!stack.links && usrsctp_finish() == 0)
        stack.there = false;
    OPENSSL_cleanse(l->rx, sizeof(l->rx));
    OPENSSL_cleanse(l->part, sizeof(l->part));
    free(l);
}

void sso_link_input(struct sso_link *l, unsigned path, const uint8_t *p, size_t n)
{
    if (path >= l->paths.n || n < HEADER || n > UINT16_MAX ||
        memcmp(p, &l->remote.sconn_port, 2) != 0 || memcmp(p + 2, &l->local.sconn_port, 2) != 0 ||
        !paths_first(&l->paths, path, p, n, clock_mono(l->clk)))
        return;
    usrsctp_conninput((void *)l->id, p, n, 0);
    fetch(l);
}

int sso_link_send(struct sso_link *l, enum sso_stream s, const uint8_t *p, size_t n)
{
    if (!n || n > SSO_MESSAGE_MAX)
        return -EMSGSIZE;
    if (!l->up)
        return -ENOTCONN;
    struct sctp_sndinfo info = {.snd_sid = (uint16_t)s, .snd_assoc_id = l->assoc};
    if (l->waiting >= l->hold)
        errno = EAGAIN;
    else if (usrsctp_sendv(l->so, p, n, NULL, 0, &info, sizeof(info), SCTP_SENDV_SNDINFO, 0) >= 0) {
        l->waiting++;
        return 0;
    }
    if (errno == ENOTCONN || errno == ECONNRESET || errno == EPIPE || errno == ENOENT ||
        errno == EINVAL)
        return -ENOTCONN;
    l->blocked = true;
    return -EAGAIN;
}

void sso_link_restart(struct sso_link *l, const char *why)
{
    if (l->up)
        refuse(l, l->assoc, why);
}

bool sso_link_is_up(const struct sso_link *l)
{
    return l->up;
}

void sso_link_paths(const struct sso_link *l, struct sso_path out[SSO_ADDRS], uint8_t *n)
{
    memcpy(out, l->paths.path, sizeof(l->paths.path));
    *n = l->paths.n;
}
