/*
 * The datapath process. See datapath.h.
 *
 * One libevent loop: each readable descriptor is drained by at most ROUNDS vectors before the
 * others get their turn. A descriptor that the launcher sends again replaces the one before;
 * a new engine finds SAs and policies as its predecessor left them.
 *
 * Nothing is read before the engine has said what is to become of it (SADB_GO): a datapath that
 * follows a killed one would drop what came meanwhile, and has it wait in the kernel instead. So it
 * does with TUNs and UDP 4500 while an interface is about to be ours (SADB_ROLE_HOLD).
 */
#include "dataplane/datapath.h"
#include "dataplane/dp.h"
#include "dataplane/pmtu.h"
#include "dataplane/tun.h"
#include "dataplane/wire.h"
#include "lib/ipc.h"
#include "lib/launchproto.h"
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS   4
#define TUNS_MAX (2 * SPD_INTERFACES + 1) /* two each, and the bypass TUN */
/* What the channel to the engine may hold (bytes) for a message still to be put into it: what
 * others can make us say goes first when the engine is slow, answers and expiries last. */
#define IKE_PENDING     (1u << 19)
#define DUMP_PENDING    (1u << 20)
#define ACQUIRE_PENDING (2u << 20)
#define ANY_PENDING     (8u << 20)
#define LOG_IO          (5 * USEC_PER_SEC)

struct tun {
    struct tun *next;
    struct datapath *d;
    struct lm_tun info;
    int fd;
    struct event *ev;
};

struct datapath {
    struct event_base *base;
    struct ipc *launcher, *engine;
    struct dp *dp;
    struct wire *wire;
    struct socket {
        struct datapath *d;
        enum wire_socket kind;
        int fd; /* of wire's */
        struct event *ev;
    } sock[WIRE_SOCKETS];
    struct event *tick;
    struct tun *tuns;
    unsigned n_tuns;
    bool reading;        /* since SADB_GO */
    uint64_t roles_seen; /* dp->roles_said, as followed */
    struct dpstats *stats;
    struct pktvec *vec;
    struct log log;
    struct clock clock;
    struct log_limit io_log;
};

/* --- what the core asks for ---------------------------------------------------------------- */

static void io_wire(void *ctx, struct pkt **p, size_t n)
{
    struct datapath *d = ctx;
    wire_send(d->wire, p, n);
}

/* ifid 0 has the bypass TUN; any other one a TUN for inspection and one for what is protected. */
static struct tun *find_tun(struct datapath *d, uint32_t ifid, bool inbound)
{
    struct tun *t = d->tuns;
    while (t && (t->info.ifid != ifid || (t->info.kind == TUN_INBOUND) != inbound))
        t = t->next;
    return t;
}

static void write_to(struct tun *t, struct pkt **p, size_t n)
{
    if (t) {
        tun_write(t->fd, p, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        p[i]->cause = DP_TUN_ERROR;
}

static void io_tun(void *ctx, uint32_t ifid, struct pkt **p, size_t n)
{
    write_to(find_tun(ctx, ifid, false), p, n);
}

static void io_back(void *ctx, uint32_t ifid, struct pkt **p, size_t n)
{
    write_to(find_tun(ctx, ifid, true), p, n);
}

static size_t room_for(uint16_t type)
{
    switch (type) {
    case SADB_IKE_RECV:
        return IKE_PENDING;
    case SADB_SA_INFO:
        return DUMP_PENDING;
    case SADB_ACQUIRE:
    case SADB_EVENT:
        return ACQUIRE_PENDING;
    default:
        return ANY_PENDING;
    }
}

static int io_engine(void *ctx, uint16_t type, const void *a, size_t alen, const void *b,
                     size_t blen)
{
    struct datapath *d = ctx;
    if (!d->engine)
        return -ENOTCONN;
    if (ipc_pending(d->engine) > room_for(type))
        return -ENOBUFS;
    return ipc_send2(d->engine, type, a, alen, b, blen);
}

static void io_ike(void *ctx, const struct sadb_ike *path, const uint8_t *msg, size_t len)
{
    struct datapath *d = ctx;
    uint64_t held;
    int err = wire_send_ike(d->wire, path, msg, len);
    if (err && log_limit_pass(&d->io_log, clock_mono(&d->clock), LOG_IO, &held))
        log_line(&d->log, LOGL_WARNING, "wire", "cannot send IKE from UDP 4500: %s",
                 strerror(-err));
}

static const struct dp_io io = {
    .wire = io_wire, .tun = io_tun, .back = io_back, .engine = io_engine, .ike = io_ike};

static void on_ike(void *ctx, const struct sadb_ike *path, const uint8_t *msg, size_t len)
{
    struct datapath *d = ctx;
    if (io_engine(d, SADB_IKE_RECV, path, sizeof *path, msg, len))
        dp_count(d->dp->total, DP_IKE_BUSY, 1);
}

/* --- descriptors that became readable ------------------------------------------------------ */

static size_t pointers(struct pktvec *v, struct pkt **p)
{
    for (size_t i = 0; i < v->n; i++)
        p[i] = &v->p[i];
    return v->n;
}

/* Events watch the descriptor, so the old one goes before the socket is replaced. */
static void unwatch(struct event **ev)
{
    if (*ev)
        event_free(*ev);
    *ev = NULL;
}

static void on_tun(evutil_socket_t fd, short what, void *arg)
{
    struct tun *t = arg;
    struct datapath *d = t->d;
    (void)what;
    for (int round = 0; round < ROUNDS; round++) {
        struct pkt *p[PKT_BATCH];
        unsigned bad = 0;
        int err = tun_read(fd, d->vec, &bad);
        dp_count(d->dp->total, DP_TUN_ERROR, bad);
        size_t n = pointers(d->vec, p);
        if (n && t->info.kind == TUN_INBOUND)
            dp_inspect(d->dp, t->info.ifid, p, n);
        else if (n && t->info.kind == TUN_TUNNEL)
            dp_tunnel(d->dp, t->info.ifid, p, n);
        else if (n && t->info.kind == TUN_SHADOW) /* nothing is routed into the bypass TUN */
            dp_outbound(d->dp, t->info.ifid, true, p, n);
        if (err) {
            log_line(&d->log, LOGL_ERROR, "tun", "%s: %s; it is not read any more", t->info.name,
                     strerror(-err));
            unwatch(&t->ev);
        }
        if (err || n + bad < PKT_BATCH)
            return;
    }
}

static void on_error(void *ctx, const struct pmtu_error *e)
{
    struct datapath *d = ctx;
    pmtu_learn(d->dp, e);
}

/* Errors make a socket readable, too. */
static void on_wire(evutil_socket_t fd, short what, void *arg)
{
    const struct socket *s = arg;
    struct datapath *d = s->d;
    (void)fd;
    (void)what;
    for (int round = 0; round < ROUNDS; round++) {
        struct pkt *p[PKT_BATCH];
        int got = wire_recv(d->wire, s->kind, d->vec);
        size_t n = pointers(d->vec, p);
        if (n)
            dp_inbound(d->dp, p, n);
        if (got <= 0 && round == 0)
            wire_recv_errors(d->wire, on_error, d);
        if (got < PKT_BATCH)
            return;
    }
}

/* Reads it, or leaves what comes in the kernel's queue. */
static void listen_to(struct event *ev, bool on)
{
    if (!ev)
        return;
    if (on)
        event_add(ev, NULL);
    else
        event_del(ev);
}

static void follow_roles(struct datapath *d)
{
    for (const struct tun *t = d->tuns; t; t = t->next)
        listen_to(t->ev,
                  t->info.kind == TUN_INBOUND || dp_role(d->dp, t->info.ifid) != SADB_ROLE_HOLD);
    /* IKE on UDP 4500 would find an engine that may not answer yet. */
    listen_to(d->sock[WIRE_NATT4].ev, d->dp->n_hold == 0);
    listen_to(d->sock[WIRE_NATT6].ev, d->dp->n_hold == 0);
    d->roles_seen = d->dp->roles_said;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct datapath *d = arg;
    (void)fd;
    (void)what;
    dp_count(d->dp->total, DP_RX_OVERFLOW, wire_lost(d->wire));
    dp_tick(d->dp);
    if (d->dp->roles_said != d->roles_seen)
        follow_roles(d);
}

static struct event *watch(struct datapath *d, int fd, event_callback_fn fn, void *arg)
{
    struct event *ev = event_new(d->base, fd, EV_READ | EV_PERSIST, fn, arg);
    if (ev && event_add(ev, NULL) == 0)
        return ev;
    if (ev)
        event_free(ev);
    log_line(&d->log, LOGL_ERROR, "loop", "cannot watch a descriptor");
    return NULL;
}

/* False: it cannot be read. */
static bool watch_tun(struct tun *t)
{
    t->ev = watch(t->d, t->fd, on_tun, t);
    return t->ev != NULL;
}

static void watch_socket(struct socket *s)
{
    s->ev = watch(s->d, s->fd, on_wire, s);
}

static void start_reading(struct datapath *d)
{
    d->reading = true;
    for (struct tun *t = d->tuns; t; t = t->next)
        watch_tun(t);
    for (unsigned k = 0; k < WIRE_SOCKETS; k++)
        if (d->sock[k].d) /* it has come */
            watch_socket(&d->sock[k]);
    follow_roles(d);
}

/* --- the engine ---------------------------------------------------------------------------- */

static void on_drained(struct ipc *c, void *ctx)
{
    struct datapath *d = ctx;
    (void)c;
    dp_dump_more(d->dp);
}

static void on_engine(struct ipc *c, struct ipc_msg *m, void *ctx)
{
    struct datapath *d = ctx;
    if (c != d->engine)
        return;
    dp_message(d->dp, m->type, m->data, m->len);
    if (d->dp->go && !d->reading)
        start_reading(d);
    else if (d->dp->roles_said != d->roles_seen)
        follow_roles(d);
}

static void on_engine_gone(struct ipc *c, void *ctx)
{
    struct datapath *d = ctx;
    if (c == d->engine) {
        log_line(&d->log, LOGL_WARNING, "engine", "the engine is gone; SAs and policies stay");
        d->engine = NULL;
    }
    ipc_free(c);
}

static void take_peer(struct datapath *d, struct ipc_msg *m)
{
    struct lm_peer peer;
    if (m->len != sizeof peer || m->nfds != 1)
        return;
    memcpy(&peer, m->data, sizeof peer);
    if (peer.role != ROLE_ENGINE)
        return;
    struct ipc *old = d->engine;
    d->engine = ipc_new(d->base, m->fds[0], on_engine, on_engine_gone, d);
    m->fds[0] = -1;
    ipc_free(old);
    if (!d->engine) {
        log_line(&d->log, LOGL_ERROR, "engine", "no memory for the engine's channel");
        return;
    }
    ipc_set_limit(d->engine, ANY_PENDING);
    ipc_on_drained(d->engine, DUMP_PENDING / 2, on_drained);
    dp_engine_new(d->dp);
}

/* --- the launcher -------------------------------------------------------------------------- */

static void take_stats(struct datapath *d, int fd)
{
    struct stat st;
    if (d->stats)
        return; /* SAs count there already */
    if (fstat(fd, &st) || st.st_size < (off_t)sizeof(struct dpstats)) {
        log_line(&d->log, LOGL_ERROR, "stats", "the counters' memory is too small");
        return;
    }
    void *at = mmap(NULL, sizeof(struct dpstats), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        log_line(&d->log, LOGL_ERROR, "stats", "cannot map the counters: %s", strerror(errno));
        return;
    }
    d->stats = at;
    dp_set_stats(d->dp, d->stats);
}

static void take_wire(struct datapath *d, enum wire_socket kind, struct ipc_msg *m)
{
    struct socket *s = &d->sock[kind];
    s->d = d;
    s->kind = kind;
    unwatch(&s->ev);
    s->fd = m->fds[0];
    wire_set(d->wire, kind, s->fd);
    m->fds[0] = -1;
    evutil_make_socket_nonblocking(s->fd);
    if (d->reading)
        watch_socket(s);
    follow_roles(d);
}

static void take_socket(struct datapath *d, struct ipc_msg *m)
{
    struct lm_socket s;
    if (m->len != sizeof s || m->nfds != 1)
        return;
    memcpy(&s, m->data, sizeof s);
    switch (s.kind) {
    case SOCK_ESP4:
        take_wire(d, WIRE_ESP4, m);
        break;
    case SOCK_NATT4:
        take_wire(d, WIRE_NATT4, m);
        break;
    case SOCK_ESP6:
        take_wire(d, WIRE_ESP6, m);
        break;
    case SOCK_NATT6:
        take_wire(d, WIRE_NATT6, m);
        break;
    case SOCK_AH4:
        take_wire(d, WIRE_AH4, m);
        break;
    case SOCK_AH6:
        take_wire(d, WIRE_AH6, m);
        break;
    case SOCK_STATS:
        take_stats(d, m->fds[0]);
        break;
    default: /* not for us: closed by the channel */
        break;
    }
}

static void tun_free(struct tun *t)
{
    unwatch(&t->ev);
    if (t->fd >= 0)
        close(t->fd);
    free(t);
}

static void drop_tun(struct datapath *d, const struct lm_tun *info)
{
    for (struct tun **at = &d->tuns, *t; (t = *at); at = &t->next) {
        if (t->info.kind != info->kind || t->info.ifid != info->ifid)
            continue;
        *at = t->next;
        tun_free(t);
        d->n_tuns--;
        return;
    }
}

static void take_tun(struct datapath *d, struct ipc_msg *m, bool gone)
{
    struct lm_tun info;
    if (m->len != sizeof info)
        return;
    memcpy(&info, m->data, sizeof info);
    info.name[LAUNCH_IFNAME - 1] = 0;
    drop_tun(d, &info);
    if (gone || m->nfds != 1)
        return;
    if ((info.kind == TUN_BYPASS) != (info.ifid == 0) || d->n_tuns >= TUNS_MAX) {
        log_line(&d->log, LOGL_ERROR, "tun", "%s: not accepted", info.name);
        return;
    }
    struct tun *t = calloc(1, sizeof *t);
    if (!t)
        return;
    t->d = d;
    t->info = info;
    t->fd = m->fds[0];
    m->fds[0] = -1;
    evutil_make_socket_nonblocking(t->fd);
    if (d->reading && !watch_tun(t)) {
        tun_free(t);
        return;
    }
    t->next = d->tuns;
    d->tuns = t;
    d->n_tuns++;
    follow_roles(d);
}

static void on_launcher(struct ipc *c, struct ipc_msg *m, void *ctx)
{
    struct datapath *d = ctx;
    (void)c;
    switch (m->type) {
    case LM_PEER:
        take_peer(d, m);
        break;
    case LM_SOCKET:
        take_socket(d, m);
        break;
    case LM_TUN:
        take_tun(d, m, false);
        break;
    case LM_TUN_GONE:
        take_tun(d, m, true);
        break;
    case LM_READY:
        log_line(&d->log, LOGL_INFO, "start", "ready, %u TUNs, crypto by %s", d->n_tuns,
                 crypto_name(d->dp->crypto));
        break;
    default:
        break;
    }
}

static void on_launcher_gone(struct ipc *c, void *ctx)
{
    struct datapath *d = ctx;
    (void)c;
    event_base_loopbreak(d->base);
}

/* --- life ---------------------------------------------------------------------------------- */

/* The core takes the crypto object, or it is freed. */
static int make_core(struct datapath *d, enum crypto_want want)
{
    struct crypto *crypto = crypto_new(want);
    if (!crypto) {
        log_line(&d->log, LOGL_ERROR, "start", "the crypto backend is not available here");
        return -1;
    }
    d->dp = dp_new(d->clock, &d->log, crypto, &io, d);
    if (!d->dp)
        crypto_free(crypto);
    return d->dp ? 0 : -1;
}

static int start_tick(struct datapath *d)
{
    struct timeval second = {.tv_sec = 1};
    d->tick = event_new(d->base, -1, EV_PERSIST, on_tick, d);
    return d->tick ? event_add(d->tick, &second) : -1;
}

struct datapath *datapath_new(int launch_fd, enum crypto_want want)
{
    struct datapath *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    log_init(&d->log, "datapath", STDERR_FILENO, LOGL_INFO);
    d->clock = clock_system();
    d->base = event_base_new();
    d->wire = wire_new(on_ike, d);
    d->vec = pktvec_new();
    bool ok = d->base && d->wire && d->vec && make_core(d, want) == 0 && start_tick(d) == 0;
    if (ok)
        d->launcher = ipc_new(d->base, launch_fd, on_launcher, on_launcher_gone, d);
    if (d->launcher)
        return d;
    log_line(&d->log, LOGL_ERROR, "start", "cannot start");
    datapath_free(d);
    return NULL;
}

int datapath_run(struct datapath *d)
{
    return event_base_dispatch(d->base) < 0 ? 1 : 0;
}

void datapath_free(struct datapath *d)
{
    if (!d)
        return;
    while (d->tuns) {
        struct tun *t = d->tuns;
        d->tuns = t->next;
        tun_free(t);
    }
    for (unsigned k = 0; k < WIRE_SOCKETS; k++)
        unwatch(&d->sock[k].ev);
    unwatch(&d->tick);
    wire_free(d->wire);
    ipc_free(d->engine);
    ipc_free(d->launcher);
    dp_free(d->dp);
    pktvec_free(d->vec);
    if (d->stats)
        munmap(d->stats, sizeof *d->stats);
    if (d->base)
        event_base_free(d->base);
    free(d);
}

int datapath_main(int launch_fd)
{
    const char *choice = getenv("TANDEM_CRYPTO");
    enum crypto_want want = CRYPTO_AUTO;
    if (choice && strcmp(choice, "mb") == 0)
        want = CRYPTO_MB;
    else if (choice && strcmp(choice, "openssl") == 0)
        want = CRYPTO_OSSL;
    struct datapath *d = datapath_new(launch_fd, want);
    if (!d)
        return 1;
    int status = datapath_run(d);
    datapath_free(d);
    return status;
}
