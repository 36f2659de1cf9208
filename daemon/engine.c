/*
 * The engine process: the composition root of everything above the datapath.
 *
 * It owns the loop and three kinds of channels: the launcher's (LAUNCH_FD), the access process's
 * (each AM_SESSION frame brings a new CLI session), and the CLI's listener. All it does itself is
 * to give what arrives to the room that wants it: control/ gets sockets, the datapath's channel
 * and the launcher's answers, modes/ gets sessions and the startup-config. The first message is
 * LM_BOX; control and CLI live from then on.
 */
#include "control/control.h"
#include "control/urgent.h"
#include "daemon/roles.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "modes/session.h"
#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONFIG_MAX      (64u * 1024 * 1024)
#define ACCEPTS_AT_ONCE 16
#define ACCEPT_PAUSE    USEC_PER_SEC /* after running out of descriptors */

struct engine {
    struct event_base *base;
    struct log log;
    struct clock clock;
    struct ipc *launcher, *access;
    struct event *ev_term, *ev_accept, *ev_resume;
    int cli_listener;
    struct lm_box box;
    struct control *control;
    struct cli *cli;
    struct log_limit accept_trouble, refused;
    struct str running; /* of the engine before this one, until startup-config is there */
};

static void on_notice(void *ctx, const char *line)
{
    const struct engine *e = (const struct engine *)ctx;
    if (e->cli)
        cli_notice(e->cli, line);
}

static void on_terminal(void *ctx, bool console, bool monitor, const char *line)
{
    const struct engine *e = (const struct engine *)ctx;
    if (e->cli)
        cli_terminal(e->cli, console, monitor, line);
}

/* Takes the fd at `slot` out of a message. */
static int take_fd(struct ipc_msg *m, unsigned slot)
{
    if (slot >= m->nfds)
        return -1;
    int fd = m->fds[slot];
    m->fds[slot] = -1;
    return fd;
}

/* --- sessions ------------------------------------------------------------------------------------
 */

/* Sessions can be refused as fast as somebody asks for them: one line in ten seconds. */
static void attached(struct engine *e, int err)
{
    uint64_t held;
    if (err && log_limit_pass(&e->refused, clock_mono(&e->clock), 10 * USEC_PER_SEC, &held))
        log_line(&e->log, LOGL_WARNING, "engine", "a CLI session could not start: %s",
                 strerror(-err));
}

/* Somebody on this host: the kernel says who. */
static void attach_local(struct engine *e, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0) {
        attached(e, cli_attach_local(e->cli, fd, peer.uid));
        return;
    }
    attached(e, -errno);
    close(fd);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    struct engine *e = (struct engine *)arg;
    (void)what;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        uint64_t held;
        int s = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (s >= 0) {
            attach_local(e, s);
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ECONNABORTED || errno == EINTR)
            return;
        if (log_limit_pass(&e->accept_trouble, clock_mono(&e->clock), 10 * USEC_PER_SEC, &held))
            log_line(&e->log, LOGL_ERROR, "engine", "cannot take a CLI session: %s",
                     strerror(errno));
        /* The listener stays readable: look away for a while. */
        struct timeval tv = {.tv_sec = ACCEPT_PAUSE / USEC_PER_SEC};
        event_del(e->ev_accept);
        event_add(e->ev_resume, &tv);
        return;
    }
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
    struct engine *e = (struct engine *)arg;
    (void)fd;
    (void)what;
    if (e->ev_accept)
        event_add(e->ev_accept, NULL);
}

static void listen_cli(struct engine *e, int fd)
{
    if (e->ev_accept) {
        event_free(e->ev_accept);
        close(e->cli_listener);
    }
    e->cli_listener = fd;
    e->ev_accept = event_new(e->base, fd, EV_READ | EV_PERSIST, on_accept, e);
    if (!e->ev_accept || event_add(e->ev_accept, NULL) < 0)
        log_line(&e->log, LOGL_ERROR, "engine", "no memory to listen for CLI sessions");
}

static void on_access(struct ipc *c, struct ipc_msg *m, void *ctx)
{
    struct engine *e = (struct engine *)ctx;
    (void)c;
    if (m->type == AM_SESSION && m->nfds == 1)
        attached(e, cli_attach(e->cli, take_fd(m, 0), false));
}

static void on_access_closed(struct ipc *c, void *ctx)
{
    struct engine *e = (struct engine *)ctx;
    ipc_free(c);
    if (e->access == c)
        e->access = NULL;
}

static void set_peer(struct engine *e, const struct lm_peer *p, int fd)
{
    if (p->role == ROLE_DATAPATH) {
        control_set_datapath(e->control, fd);
        return;
    }
    struct ipc *c =
        p->role == ROLE_ACCESS ? ipc_new(e->base, fd, on_access, on_access_closed, e) : NULL;
    if (!c) {
        close(fd);
        return;
    }
    ipc_free(e->access);
    e->access = c;
}

/* --- what the launcher says
 * ------------------------------------------------------------------------ */

static void make_box(struct engine *e)
{
    const struct lm_box *box = &e->box;
    static const enum log_level levels[] = {LOGL_NOTICE, LOGL_INFO, LOGL_DEBUG};
    e->log.level = levels[box->verbose < 2 ? box->verbose : 2];
    struct control_opts o = {
        .base = e->base,
        .clock = e->clock,
        .log = &e->log,
        .notice = on_notice,
        .terminal = on_terminal,
        .ctx = e,
        .lab = box->lab,
    };
    e->control = control_new(&o);
    e->cli = e->control ? cli_new(e->control, box) : NULL;
    if (!e->cli) {
        log_line(&e->log, LOGL_ERROR, "engine", "cannot build the box: no memory");
        event_base_loopbreak(e->base);
        return;
    }
    control_set_booted(e->control, box->boot_wall_us);
    control_set_routing_absent(e->control, box->no_frr);
    control_set_launcher(e->control, e->launcher);
    control_set_urgent(e->control);
}

/* Reads all of fd. 0 or -errno. */
static int read_all(int fd, struct str *out)
{
    char buf[16384];
    int err = 0;
    for (;;) {
        ssize_t n = read(fd, buf, sizeof(buf));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            err = n < 0 ? -errno : 0;
            break;
        }
        str_addn(out, buf, (size_t)n);
        if (out->bad || out->len > CONFIG_MAX) {
            err = out->bad ? -ENOMEM : -EFBIG;
            break;
        }
    }
    mem_wipe(buf, sizeof(buf));
    return err;
}

/* Takes fd; -1 reads as empty. */
static void read_config(struct engine *e, int fd, const char *what, struct str *text)
{
    if (fd < 0)
        return;
    int err = read_all(fd, text);
    if (err)
        log_line(&e->log, LOGL_ERROR, "engine", "%s: %s; what was read is used", what,
                 strerror(-err));
    close(fd);
}

static void load_config(struct engine *e, int fd)
{
    struct str text = {0};
    read_config(e, fd, "startup-config", &text);
    if (e->running.len)
        cli_resume(e->cli, str_text(&text), text.len, str_text(&e->running), e->running.len);
    else
        cli_load(e->cli, str_text(&text), text.len);
    str_wipe(&text);
    str_wipe(&e->running);
}

static void set_ports(struct engine *e, const char *text, size_t len)
{
    struct str ports = {0};
    str_addn(&ports, text, len);
    control_set_ports(e->control, len ? str_text(&ports) : NULL, e->box.asa);
    str_free(&ports);
    cli_ports_changed(e->cli);
}

static void set_socket(struct engine *e, enum launch_socket kind, int fd)
{
    if (kind == SOCK_CLI)
        listen_cli(e, fd);
    else
        control_set_socket(e->control, kind, fd);
}

static void reply(struct engine *e, const struct ipc_msg *m)
{
    struct lm_reply r;
    char text[256];
    size_t n = m->len - sizeof(r);
    memcpy(&r, m->data, sizeof(r));
    if (n >= sizeof(text))
        n = sizeof(text) - 1;
    memcpy(text, m->data + sizeof(r), n);
    text[n] = '\0';
    control_launcher_reply(e->control, &r, text);
}

static void set_ospfd(struct engine *e, struct ipc_msg *m)
{
    int vty = take_fd(m, 0), log = take_fd(m, 1);
    control_set_ospfd(e->control, vty, log);
}

static void on_launcher(struct ipc *c, struct ipc_msg *m, void *ctx)
{
    struct engine *e = (struct engine *)ctx;
    struct lm_peer peer;
    struct lm_socket sock;
    (void)c;
    if (m->type == LM_BOX && m->len == sizeof(struct lm_box) && !e->control) {
        memcpy(&e->box, m->data, sizeof(e->box));
        make_box(e);
        return;
    }
    if (!e->cli)
        return; /* nothing is sent before LM_BOX */
    switch ((enum launch_msg)m->type) {
    case LM_PEER:
        if (m->len == sizeof(peer) && m->nfds == 1) {
            memcpy(&peer, m->data, sizeof(peer));
            set_peer(e, &peer, take_fd(m, 0));
        }
        break;
    case LM_SOCKET:
        if (m->len == sizeof(sock) && m->nfds == 1) {
            memcpy(&sock, m->data, sizeof(sock));
            set_socket(e, (enum launch_socket)sock.kind, take_fd(m, 0));
        }
        break;
    case LM_PORTS:
        set_ports(e, (const char *)m->data, m->len);
        break;
    case LM_RUNNING:
        str_wipe(&e->running);
        read_config(e, take_fd(m, 0), "running-config of the engine before", &e->running);
        break;
    case LM_CONFIG:
        load_config(e, take_fd(m, 0));
        break;
    case LM_REPLY:
        if (m->len >= sizeof(struct lm_reply))
            reply(e, m);
        break;
    case LM_PROBE:
        if (m->len == sizeof(struct lm_probe) && m->nfds == 1)
            control_launcher_probe(e->control, take_fd(m, 0));
        break;
    case LM_ROUTING:
        if (m->nfds == 2)
            set_ospfd(e, m);
        break;
    case LM_PROCESSES:
        control_launcher_processes(e->control, m->data, m->len);
        break;
    case LM_BOX:
    case LM_READY:
    case LM_TUN:
    case LM_TUN_GONE:
        break;
    }
}

static void on_launcher_closed(struct ipc *c, void *ctx)
{
    struct engine *e = (struct engine *)ctx;
    (void)c;
    event_base_loopbreak(e->base);
}

/* --- life
 * ------------------------------------------------------------------------------------------ */

static void on_term(evutil_socket_t sig, short what, void *arg)
{
    struct engine *e = (struct engine *)arg;
    (void)sig;
    (void)what;
    event_base_loopbreak(e->base);
}

static int compose(struct engine *e, int launch_fd)
{
    /* Key agreement runs in helper threads, which wake the loop. */
    if (evthread_use_pthreads() < 0)
        return -ENOMEM;
    e->base = event_base_new();
    if (!e->base)
        return -ENOMEM;
    e->ev_term = evsignal_new(e->base, SIGTERM, on_term, e);
    e->ev_resume = evtimer_new(e->base, on_resume, e);
    e->launcher = ipc_new(e->base, launch_fd, on_launcher, on_launcher_closed, e);
    if (!e->ev_term || event_add(e->ev_term, NULL) < 0 || !e->ev_resume || !e->launcher)
        return -ENOMEM;
    return 0;
}

static void dissolve(struct engine *e)
{
    ipc_free(e->access);
    cli_free(e->cli);
    control_free(e->control);
    ipc_free(e->launcher);
    if (e->ev_accept) {
        event_free(e->ev_accept);
        close(e->cli_listener);
    }
    if (e->ev_resume)
        event_free(e->ev_resume);
    if (e->ev_term)
        event_free(e->ev_term);
    if (e->base)
        event_base_free(e->base);
}

static void run(const struct engine *e)
{
    struct urgent_share share = {0};
    while (event_base_loop(e->base, EVLOOP_ONCE) == 0 && !event_base_got_break(e->base))
        urgent_turned(&share, &e->clock);
}

int engine_main(int launch_fd)
{
    struct engine e = {.clock = clock_system(), .cli_listener = -1};
    log_init(&e.log, "engine", STDERR_FILENO, LOGL_NOTICE);
    int err = compose(&e, launch_fd);
    if (!err)
        run(&e);
    else
        log_line(&e.log, LOGL_ERROR, "engine", "cannot start: %s", strerror(-err));
    dissolve(&e);
    return err ? 1 : 0;
}
