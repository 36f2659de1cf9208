/*
 * The launcher. See launcher.h.
 *
 * One loop, three children. Each child is this same binary, executed again with another role, so
 * that no two of them share memory layout or secrets. What it gets beyond that: handover.c.
 *
 * Going down, for good or for a reload: children get SIGTERM, after GRACE SIGKILL; when the last
 * is reaped the broker removes what is ours, and the loop ends or everything starts afresh.
 */
#include "daemon/launcher.h"
#include "daemon/launcher_priv.h"
#include "daemon/processes.h"
#include "daemon/sockets.h"
#include "daemon/spawn.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE (2 * USEC_PER_SEC)
#define EARLY (10 * USEC_PER_SEC) /* a child that lived less died early */
/* What early deaths add up to: longer pauses, and in the end suspicion against what was kept for
 * the engine. Being killed from outside says less about that than dying by itself. */
#define DIED_ITSELF 4
#define WAS_KILLED  1
#define POISONED    (3 * DIED_ITSELF)

usec_t launcher_backoff(unsigned deaths)
{
    usec_t wait = 100 * USEC_PER_MSEC;
    if (deaths == 0)
        return 0;
    while (--deaths && wait < 10 * USEC_PER_SEC)
        wait *= 2;
    return wait < 10 * USEC_PER_SEC ? wait : 10 * USEC_PER_SEC;
}

static void arm(struct event *ev, usec_t in)
{
    struct timeval tv = {.tv_sec = in / USEC_PER_SEC, .tv_usec = in % USEC_PER_SEC};
    event_add(ev, &tv);
}

static void on_sockets(evutil_socket_t fd, short what, void *arg)
{
    struct launcher *l = (struct launcher *)arg;
    (void)fd;
    (void)what;
    if (!handover_sockets(l))
        arm(l->ev_sockets, RETRY_SOCKETS);
}

/* --- children -----------------------------------------------------------------------------------
 */

static void forget_running(struct launcher *l)
{
    if (l->running >= 0)
        close(l->running);
    l->running = -1;
}

/* What an engine kept for its successor, the next one does not get. */
static void forget_engine(struct launcher *l)
{
    forget_running(l);
    if (l->sock[SOCK_JOURNAL] >= 0)
        close(l->sock[SOCK_JOURNAL]);
    l->sock[SOCK_JOURNAL] = -1;
    handover_sockets(l);
}

/* The newest running-config replaces the one before. False: it is no such request. */
static bool keep_running(struct launcher *l, struct ipc_msg *m, struct lm_reply *reply)
{
    struct lr_keep r;
    if (m->type != LR_KEEP || m->len != sizeof(r) || m->nfds != 1)
        return false;
    memcpy(&r, m->data, sizeof(r));
    forget_running(l);
    l->running = m->fds[0];
    m->fds[0] = -1;
    *reply = (struct lm_reply){.id = r.id};
    return true;
}

/* What runs, as one frame before the reply. False: it is no such request. */
static bool list_processes(struct launcher *l, const struct ipc_msg *m, struct lm_reply *reply)
{
    struct lr_processes r;
    struct process_root roots[3 + LAST_ROLE] = {{.kind = PROCESS_LAUNCHER, .pid = getpid()}};
    size_t n = 1;
    if (m->type != LR_PROCESSES || m->len != sizeof(r))
        return false;
    memcpy(&r, m->data, sizeof(r));
    *reply = (struct lm_reply){.id = r.id};
    for (unsigned k = ROLE_ENGINE; k <= LAST_ROLE; k++)
        if (l->child[k].pid)
            roots[n++] = (struct process_root){.kind = k,
                                               .pid = l->child[k].pid,
                                               .restarts = l->child[k].restarts};
    n += routing_roots(l->routing, &roots[n]);
    struct lm_process *list = (struct lm_process *)calloc(PROCESSES_MAX, sizeof(*list));
    size_t found = list ? processes_list(roots, n, list, PROCESSES_MAX) : 0;
    reply->err = list
                     ? ipc_send(l->child[ROLE_ENGINE].ch, LM_PROCESSES, list, found * sizeof(*list))
                     : -ENOMEM;
    free(list);
    return true;
}

/* A socket of a probe, as one frame before the reply. False: it is no such request. */
static bool open_probe(struct launcher *l, const struct ipc_msg *m, struct lm_reply *reply)
{
    struct lr_probe r;
    if (m->type != LR_PROBE || m->len != sizeof(r))
        return false;
    memcpy(&r, m->data, sizeof(r));
    *reply = (struct lm_reply){.id = r.id};
    int fd = probe_socket(&l->probes, clock_mono(&l->clock), &r);
    if (fd < 0) {
        reply->err = fd;
        return true;
    }
    const struct lm_probe p = {.id = r.id};
    reply->err = ipc_send_fds(l->child[ROLE_ENGINE].ch, LM_PROBE, &p, sizeof(p), &fd, 1);
    close(fd);
    return true;
}

/* A thread of the engine, and nobody else's. False: it is no such request. */
static bool make_urgent(struct launcher *l, const struct ipc_msg *m, struct lm_reply *reply)
{
    struct lr_urgent r;
    struct sched_param least = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    char path[64];
    if (m->type != LR_URGENT || m->len != sizeof(r))
        return false;
    memcpy(&r, m->data, sizeof(r));
    least.sched_priority += r.first != 0;
    *reply = (struct lm_reply){.id = r.id};
    snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)l->child[ROLE_ENGINE].pid, (int)r.tid);
    if (access(path, F_OK) < 0)
        reply->err = -ESRCH;
    else if (sched_setscheduler(r.tid, SCHED_FIFO | SCHED_RESET_ON_FORK, &least) < 0)
        reply->err = -errno;
    return true;
}

/* FRR's daemons. False: it is no such request. */
static bool want_routing(struct launcher *l, const struct ipc_msg *m, struct lm_reply *reply)
{
    struct lr_routing r;
    if (m->type != LR_ROUTING || m->len != sizeof(r))
        return false;
    memcpy(&r, m->data, sizeof(r));
    *reply = (struct lm_reply){.id = r.id, .err = routing_want(l->routing, r.ospf)};
    return true;
}

static void on_request(struct ipc *ch, struct ipc_msg *m, void *ctx)
{
    struct child *c = (struct child *)ctx;
    struct launcher *l = c->l;
    struct lm_reply reply;
    char text[BROKER_TEXT];
    uint64_t held;
    /* Only the engine has wishes; in the other two a request is a sign of a break-in. */
    if (c->role == ROLE_ENGINE &&
        (keep_running(l, m, &reply) || list_processes(l, m, &reply) || open_probe(l, m, &reply) ||
         want_routing(l, m, &reply) || make_urgent(l, m, &reply))) {
        ipc_send(ch, LM_REPLY, &reply, sizeof(reply));
        return;
    }
    if (c->role == ROLE_ENGINE &&
        broker_request(l->broker, m->type, m->data, m->len, m->nfds == 1 ? m->fds[0] : -1, &reply,
                       text, sizeof(text)) == 0) {
        if (ipc_send2(ch, LM_REPLY, &reply, sizeof(reply), text, reply.err ? strlen(text) : 0) < 0)
            kill(c->pid, SIGKILL);
        return;
    }
    if (log_limit_pass(&l->odd_requests, clock_mono(&l->clock), USEC_PER_SEC, &held))
        log_line(&l->log, LOGL_ERROR, "launcher",
                 "%s sent a request of type %u and %zu bytes that it may not make (%llu more)",
                 role_name(c->role), m->type, m->len, (unsigned long long)held);
}

/* The channel broke, with the process or before it. Its end is noticed by SIGCHLD. */
static void on_channel_closed(struct ipc *ch, void *ctx)
{
    struct child *c = (struct child *)ctx;
    ipc_free(ch);
    c->ch = NULL;
    if (c->pid)
        kill(c->pid, SIGKILL);
}

static int spawn(struct child *c)
{
    struct launcher *l = c->l;
    int sv[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
        return -errno;
    int pid = spawn_role(l->build.fd, c->role, &l->p.rights,
                         c->role == ROLE_ACCESS ? l->p.empty_dir : NULL, sv[1]);
    int err = pid < 0 ? pid : 0;
    close(sv[1]);
    if (!err) {
        c->pid = pid;
        c->born = clock_mono(&l->clock);
        c->ch = ipc_new(l->base, sv[0], on_request, on_channel_closed, c);
        if (c->ch)
            return 0;
        kill(pid, SIGKILL); /* reaped as any other */
        err = -ENOMEM;
    }
    close(sv[0]);
    return err;
}

static void start(struct child *c)
{
    struct launcher *l = c->l;
    int err = spawn(c);
    if (err) {
        log_line(&l->log, LOGL_ERROR, "launcher", "cannot start %s: %s", role_name(c->role),
                 strerror(-err));
        if (!c->pid)
            arm(c->again, launcher_backoff((c->suspicion += DIED_ITSELF) / DIED_ITSELF));
        return;
    }
    log_line(&l->log, LOGL_INFO, "launcher", "%s is process %d", role_name(c->role), (int)c->pid);
    hand_over(c);
}

static void start_all(struct launcher *l)
{
    l->p.box.boot_wall_us = clock_wall(&l->clock);
    for (unsigned r = ROLE_ENGINE; r <= LAST_ROLE; r++) {
        l->child[r].suspicion = 0;
        l->child[r].ran = false;
        l->child[r].restarts = 0;
    }
    /* The engine last: its configuration then finds its partners. */
    for (unsigned r = LAST_ROLE; r >= ROLE_ENGINE; r--)
        start(&l->child[r]);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    struct child *c = (struct child *)arg;
    (void)fd;
    (void)what;
    if (c->l->phase == UP && !c->pid)
        start(c);
}

/* --- going down ---------------------------------------------------------------------------------
 */

static bool anybody(const struct launcher *l)
{
    for (unsigned r = ROLE_ENGINE; r <= LAST_ROLE; r++)
        if (l->child[r].pid)
            return true;
    return routing_running(l->routing);
}

static void signal_all(struct launcher *l, int sig)
{
    routing_stop(l->routing, sig);
    for (unsigned r = ROLE_ENGINE; r <= LAST_ROLE; r++)
        if (l->child[r].pid)
            kill(l->child[r].pid, sig);
}

/* The last child is gone. */
static void all_down(struct launcher *l)
{
    event_del(l->ev_kill);
    if (l->phase == STOPPING) {
        event_base_loopbreak(l->base);
        return;
    }
    broker_reset(l->broker);
    l->phase = UP;
    forget_engine(l); /* a reload means: what was not saved is lost */
    start_all(l);
}

static void go_down(struct launcher *l, enum phase phase)
{
    if (l->phase == STOPPING)
        return;
    l->phase = phase;
    for (unsigned r = ROLE_ENGINE; r <= LAST_ROLE; r++)
        event_del(l->child[r].again);
    signal_all(l, SIGTERM);
    arm(l->ev_kill, anybody(l) ? GRACE : 0);
}

static void on_kill(evutil_socket_t fd, short what, void *arg)
{
    struct launcher *l = (struct launcher *)arg;
    (void)fd;
    (void)what;
    signal_all(l, SIGKILL);
    if (!anybody(l))
        all_down(l);
}

static void on_stop(evutil_socket_t sig, short what, void *arg)
{
    struct launcher *l = (struct launcher *)arg;
    (void)what;
    log_line(&l->log, LOGL_NOTICE, "launcher", "%s: going down", strsignal(sig));
    go_down(l, STOPPING);
}

static void on_reload(void *ctx)
{
    struct launcher *l = (struct launcher *)ctx;
    if (l->phase != UP)
        return;
    log_line(&l->log, LOGL_NOTICE, "launcher", "reload asked for");
    go_down(l, RELOADING);
}

/* A death that nobody wished. Returns the pause before the next start. */
static usec_t mourn(struct child *c, int status)
{
    struct launcher *l = c->l;
    bool early = clock_mono(&l->clock) - c->born < EARLY;
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    char how[64] = "was killed by its system call filter";
    c->suspicion = (early ? c->suspicion : 0) + (killed ? WAS_KILLED : DIED_ITSELF);
    usec_t wait = launcher_backoff((c->suspicion - 1) / DIED_ITSELF);
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGSYS)
        snprintf(how, sizeof(how), "was killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (!WIFSIGNALED(status))
        snprintf(how, sizeof(how), "ended with status %d", WEXITSTATUS(status));
    log_line(&l->log, LOGL_ERROR, "launcher", "%s %s; restarting it in %lld ms", role_name(c->role),
             how, (long long)(wait / USEC_PER_MSEC));
    if (c->role == ROLE_ENGINE && c->suspicion >= POISONED) {
        log_line(&l->log, LOGL_ERROR, "launcher",
                 "the engine dies soon after its start again and again; going on from "
                 "startup-config, without the SAs that it had");
        forget_engine(l);
    }
    return wait;
}

static void died(struct child *c, int status)
{
    struct launcher *l = c->l;
    c->pid = 0;
    if (c->ch)
        ipc_free(c->ch);
    c->ch = NULL;
    if (l->phase != UP) {
        if (!anybody(l))
            all_down(l);
        return;
    }
    c->restarts++;
    bool wished = c->replaced;
    c->replaced = false;
    arm(c->again, wished ? 0 : mourn(c, status));
}

static void on_child(evutil_socket_t sig, short what, void *arg)
{
    struct launcher *l = (struct launcher *)arg;
    (void)sig;
    (void)what;
    for (unsigned r = ROLE_ENGINE; r <= LAST_ROLE; r++) {
        int status;
        if (l->child[r].pid && waitpid(l->child[r].pid, &status, WNOHANG) == l->child[r].pid)
            died(&l->child[r], status);
    }
    bool routing = routing_running(l->routing);
    if (routing && !routing_reap(l->routing) && l->phase != UP && !anybody(l))
        all_down(l);
}

/* --- another build -------------------------------------------------------------------------------
 */

/* Its successor goes on with what it has kept, as after a crash. */
static void replace(struct child *c)
{
    if (!c->pid)
        return; /* starts soon anyway */
    c->replaced = true;
    kill(c->pid, SIGKILL);
}

/* A new build takes over: the engine, with it the access process (its sessions end with the
 * engine), and the datapath where the two could not talk to each other any more. */
static void on_upgrade(evutil_socket_t sig, short what, void *arg)
{
    struct launcher *l = (struct launcher *)arg;
    bool whole;
    (void)sig;
    (void)what;
    if (l->phase != UP || build_next(&l->build, &l->log, &whole) < 0)
        return;
    log_line(&l->log, LOGL_NOTICE, "launcher", "engine and access%s go on from %s",
             whole ? " and datapath" : "", l->build.path);
    if (whole)
        replace(&l->child[ROLE_DATAPATH]);
    replace(&l->child[ROLE_ENGINE]);
    replace(&l->child[ROLE_ACCESS]);
}

/* --- life ---------------------------------------------------------------------------------------
 */

static int make_events(struct launcher *l)
{
    l->base = event_base_new();
    if (!l->base)
        return -ENOMEM;
    l->ev_term = evsignal_new(l->base, SIGTERM, on_stop, l);
    l->ev_int = evsignal_new(l->base, SIGINT, on_stop, l);
    l->ev_hup = evsignal_new(l->base, SIGHUP, on_upgrade, l);
    l->ev_child = evsignal_new(l->base, SIGCHLD, on_child, l);
    l->ev_sockets = evtimer_new(l->base, on_sockets, l);
    l->ev_kill = evtimer_new(l->base, on_kill, l);
    if (!l->ev_term || !l->ev_int || !l->ev_hup || !l->ev_child || !l->ev_sockets || !l->ev_kill)
        return -ENOMEM;
    for (unsigned r = ROLE_ENGINE; r <= LAST_ROLE; r++) {
        struct child *c = &l->child[r];
        *c = (struct child){.l = l, .role = (enum launch_role)r};
        c->again = evtimer_new(l->base, on_again, c);
        if (!c->again)
            return -ENOMEM;
    }
    return event_add(l->ev_term, NULL) || event_add(l->ev_int, NULL) ||
                   event_add(l->ev_hup, NULL) || event_add(l->ev_child, NULL)
               ? -ENOMEM
               : 0;
}

static int come_up(struct launcher *l)
{
    char why[160];
    struct broker_opts bo = {.log = &l->log, .tun = handover_tun, .reload = on_reload, .ctx = l};
    if (build_running(&l->build, &l->log) < 0 || prepare(l->o, &l->log, &l->p) < 0 ||
        make_events(l) < 0)
        return -1;
    bo.state_dir = l->p.state_dir;
    l->broker = broker_new(&bo, why, sizeof(why));
    if (!l->broker) {
        log_line(&l->log, LOGL_ERROR, "launcher", "%s", why);
        return -1;
    }
    l->routing = routing_new(l);
    if (!l->routing) {
        log_line(&l->log, LOGL_ERROR, "launcher", "no memory");
        return -1;
    }
    on_sockets(-1, 0, l);
    start_all(l);
    return 0;
}

static void free_event(struct event *ev)
{
    if (ev)
        event_free(ev);
}

static void clean_up(struct launcher *l)
{
    routing_free(l->routing);
    broker_free(l->broker);
    for (unsigned r = ROLE_ENGINE; r <= LAST_ROLE; r++)
        free_event(l->child[r].again);
    free_event(l->ev_term);
    free_event(l->ev_int);
    free_event(l->ev_hup);
    free_event(l->ev_child);
    free_event(l->ev_sockets);
    free_event(l->ev_kill);
    if (l->base)
        event_base_free(l->base);
    if (l->sock[SOCK_CLI] >= 0)
        socket_cli_remove(l->o->run_dir);
    for (size_t i = 0; i < SOCKETS; i++)
        if (l->sock[i] >= 0)
            close(l->sock[i]);
    forget_running(l);
    build_close(&l->build);
    prepared_free(&l->p);
}

int launcher_run(const struct launcher_opts *o)
{
    struct launcher l = {.o = o,
                         .clock = clock_system(),
                         .p = {.state_dir = -1, .lock = -1},
                         .running = -1,
                         .build = {.fd = -1}};
    for (size_t i = 0; i < SOCKETS; i++)
        l.sock[i] = -1;
    log_init(&l.log, "launcher", STDERR_FILENO, o->box.verbose ? LOGL_INFO : LOGL_NOTICE);
    int err = come_up(&l);
    if (!err) {
        event_base_dispatch(l.base);
        log_line(&l.log, LOGL_NOTICE, "launcher", "down");
    }
    clean_up(&l);
    return err ? 1 : 0;
}
