/* The access process: accepting, forking, passing channels on. See access.h. */
#include "shell/access.h"
#include "lib/launchproto.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "shell/access_internal.h"
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <locale.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOST_KEY_MAX (16u * 1024)

struct access;

struct client {
    struct access *access;
    pid_t pid; /* 0 = free */
    struct ipc *ipc;
    bool authenticated;
    struct prefix net; /* where it comes from */
    char peer[ADDR_STRLEN];
};

struct access {
    struct event_base *base;
    struct ipc *launcher, *engine;
    int listener;
    struct event *on_accept, *on_child;
    ssh_key host_key;
    access_confine_fn *confine;
    struct client clients[ACCESS_CONNECTIONS];
    struct clock clock;
    struct log log;
    struct log_limit full, refused, filtered;
};

/* --- connections --------------------------------------------------------------------------- */

/* Somebody made a process try what it may not: worth a line, not a flood of them. */
static void say_filtered(struct client *k, const char *what)
{
    struct access *a = k->access;
    uint64_t held;
    if (log_limit_pass(&a->filtered, clock_mono(&a->clock), USEC_PER_SEC, &held))
        log_line(&a->log, LOGL_ERROR, "ssh", "a %s of %s was killed by its system call filter",
                 what, k->peer);
}

/* A connection wants a session: its channel goes on to the engine as it is. */
static void on_client(struct ipc *ipc, struct ipc_msg *m, void *ctx)
{
    struct client *k = (struct client *)ctx;
    (void)ipc;
    if (m->type == CONN_AUTHENTICATED)
        k->authenticated = true;
    if (m->type == CONN_FILTERED)
        say_filtered(k, "session");
    if (m->type != AM_SESSION || m->nfds != 1 || !k->access->engine)
        return; /* the descriptor is closed, which the connection notices */
    ipc_send_fds(k->access->engine, AM_SESSION, NULL, 0, m->fds, 1);
}

static void on_client_closed(struct ipc *ipc, void *ctx)
{
    struct client *k = (struct client *)ctx;
    ipc_free(ipc);
    k->ipc = NULL;
}

static void on_child(evutil_socket_t sig, short what, void *ctx)
{
    struct access *a = (struct access *)ctx;
    pid_t pid;
    int status;
    (void)sig;
    (void)what;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int i = 0; i < ACCESS_CONNECTIONS; i++)
            if (a->clients[i].pid == pid) {
                if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
                    say_filtered(&a->clients[i], "connection");
                ipc_free(a->clients[i].ipc);
                a->clients[i] = (struct client){.access = a};
            }
}

/* Who shares a limit: one address, and of IPv6 a /64, which is one link (RFC 4291 §2.5.1). */
static struct prefix net_of(const struct addr *peer)
{
    return prefix_make(peer, peer->family == AF_INET6 ? 64 : 32);
}

/* A place for one more connection; NULL when all are taken, or its network has enough. */
static struct client *free_client(struct access *a, const struct prefix *net)
{
    struct client *found = NULL;
    unsigned same = 0;
    for (int i = 0; i < ACCESS_CONNECTIONS; i++) {
        struct client *k = &a->clients[i];
        if (!k->pid)
            found = k;
        else
            same += !k->authenticated && prefix_cmp(&k->net, net) == 0;
    }
    return same < ACCESS_SAME_PEER ? found : NULL;
}

/* The child keeps its connection and its channel to us, as 3 and 4, and nothing else. */
static _Noreturn void become_connection(struct access *a, int fd, int channel, const char *peer)
{
    sigset_t none;
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* no connection outlives access */
    /* Above all descriptors of ours first, lest one overwrites the other. */
    int high_fd = fcntl(fd, F_DUPFD, 64), high_channel = fcntl(channel, F_DUPFD, 64);
    if (high_fd < 0 || high_channel < 0 || dup2(high_fd, 3) < 0 || dup2(high_channel, 4) < 0)
        _exit(1);
    if (close_range(5, ~0u, 0) < 0)
        for (int i = 5; i < 1024; i++)
            close(i);
    a->confine(ACCESS_CONNECTION);
    conn_main(3, 4, a->host_key, peer, a->confine);
}

static void start_connection(struct access *a, int fd, const struct addr *from)
{
    char peer[ADDR_STRLEN];
    struct prefix net = net_of(from);
    struct client *k = free_client(a, &net);
    addr_print(from, peer, sizeof(peer));
    uint64_t held;
    if (!k) {
        if (log_limit_pass(&a->full, clock_mono(&a->clock), 10 * USEC_PER_SEC, &held))
            log_line(&a->log, LOGL_WARNING, "ssh", "too many connections, %s is turned away", peer);
        return;
    }
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return;
    pid_t pid = fork();
    if (pid == 0)
        become_connection(a, fd, pair[1], peer);
    close(pair[1]);
    struct ipc *ipc = pid > 0 ? ipc_new(a->base, pair[0], on_client, on_client_closed, k) : NULL;
    if (!ipc)
        close(pair[0]); /* a child that was born ends at once */
    *k = (struct client){.access = a, .pid = pid > 0 ? pid : 0, .ipc = ipc, .net = net};
    str_copy(k->peer, sizeof(k->peer), peer);
}

/* The listener is one for both families: IPv4 is told by its mapped addresses. */
static struct addr address_of(const struct sockaddr_storage *from)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291 §2.5.5.2 */
    struct addr a;
    addr_from_sockaddr((const struct sockaddr *)from, &a, NULL);
    if (a.family != AF_INET6 || memcmp(a.b, mapped, sizeof(mapped)) != 0)
        return a;
    struct addr v4 = {.family = AF_INET};
    memcpy(v4.b, a.b + sizeof(mapped), 4);
    return v4;
}

static void on_accept(evutil_socket_t listener, short what, void *ctx)
{
    struct access *a = (struct access *)ctx;
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof(from);
    int one = 1;
    (void)what;
    int fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    struct addr peer = address_of(&from);
    start_connection(a, fd, &peer);
    close(fd);
}

/* --- what the launcher hands over ------------------------------------------------------------ */

static void listen_when_ready(struct access *a)
{
    if (a->listener < 0 || !a->host_key || a->on_accept)
        return;
    evutil_make_socket_nonblocking(a->listener);
    a->on_accept = event_new(a->base, a->listener, EV_READ | EV_PERSIST, on_accept, a);
    if (!a->on_accept || event_add(a->on_accept, NULL) < 0)
        log_line(&a->log, LOGL_ERROR, "ssh", "cannot watch the listening socket");
}

static void take_host_key(struct access *a, int fd)
{
    char pem[HOST_KEY_MAX];
    size_t len = 0;
    ssize_t n;
    lseek(fd, 0, SEEK_SET);
    while (len < sizeof(pem) - 1 && (n = read(fd, pem + len, sizeof(pem) - 1 - len)) > 0)
        len += (size_t)n;
    pem[len] = '\0';
    ssh_key key = NULL;
    /* libssh 0.10 reads an Ed25519 key in PKCS#8 without its public part; such a key is of no
     * use, and the handshake would fail without a word. */
    char *public_part = NULL;
    if (ssh_pki_import_privkey_base64(pem, NULL, NULL, NULL, &key) == SSH_OK &&
        ssh_pki_export_pubkey_base64(key, &public_part) == SSH_OK && *public_part) {
        ssh_key_free(a->host_key);
        a->host_key = key;
    } else {
        log_line(&a->log, LOGL_ERROR, "ssh", "the host key cannot be used: no ssh");
        ssh_key_free(key);
    }
    ssh_string_free_char(public_part);
    mem_wipe(pem, sizeof(pem));
}

static int take_fd(struct ipc_msg *m)
{
    int fd = m->fds[0];
    m->fds[0] = -1;
    return fd;
}

static void on_socket(struct access *a, struct ipc_msg *m)
{
    struct lm_socket s;
    if (m->len < sizeof(s) || m->nfds != 1)
        return;
    memcpy(&s, m->data, sizeof(s));
    if (s.kind == SOCK_HOSTKEY) {
        take_host_key(a, m->fds[0]);
    } else if (s.kind == SOCK_SSH) {
        if (a->on_accept)
            event_free(a->on_accept);
        a->on_accept = NULL;
        if (a->listener >= 0)
            close(a->listener);
        a->listener = take_fd(m);
    }
    listen_when_ready(a);
}

static void on_engine_closed(struct ipc *ipc, void *ctx)
{
    struct access *a = (struct access *)ctx;
    ipc_free(ipc);
    a->engine = NULL; /* the launcher sends a new one when the engine is back */
}

static void on_peer(struct access *a, struct ipc_msg *m)
{
    struct lm_peer p;
    if (m->len < sizeof(p) || m->nfds != 1)
        return;
    memcpy(&p, m->data, sizeof(p));
    if (p.role != ROLE_ENGINE)
        return;
    int fd = take_fd(m);
    ipc_free(a->engine);
    a->engine = ipc_new(a->base, fd, NULL, on_engine_closed, a);
    if (!a->engine)
        close(fd);
}

static void on_launcher(struct ipc *ipc, struct ipc_msg *m, void *ctx)
{
    struct access *a = (struct access *)ctx;
    (void)ipc;
    if (m->type == LM_SOCKET)
        on_socket(a, m);
    else if (m->type == LM_PEER)
        on_peer(a, m);
}

static void on_launcher_closed(struct ipc *ipc, void *ctx)
{
    struct access *a = (struct access *)ctx;
    (void)ipc;
    event_base_loopexit(a->base, NULL);
}

/* --- the process ------------------------------------------------------------------------------ */

static int set_up(struct access *a, int launch_fd)
{
    a->clock = clock_system();
    log_init(&a->log, "access", STDERR_FILENO, LOGL_INFO);
    signal(SIGPIPE, SIG_IGN);
    if (ssh_init() != SSH_OK)
        return -1;
    a->base = event_base_new();
    if (!a->base)
        return -1;
    a->launcher = ipc_new(a->base, launch_fd, on_launcher, on_launcher_closed, a);
    a->on_child = evsignal_new(a->base, SIGCHLD, on_child, a);
    return a->launcher && a->on_child && event_add(a->on_child, NULL) == 0 ? 0 : -1;
}

static void tear_down(struct access *a)
{
    for (int i = 0; i < ACCESS_CONNECTIONS; i++)
        ipc_free(a->clients[i].ipc);
    if (a->on_accept)
        event_free(a->on_accept);
    if (a->on_child)
        event_free(a->on_child);
    if (a->listener >= 0)
        close(a->listener);
    ssh_key_free(a->host_key);
    ipc_free(a->engine);
    ipc_free(a->launcher);
    if (a->base)
        event_base_free(a->base);
    ssh_finalize();
}

void access_prepare(void)
{
    /* readline finds the locale loaded, and knows where a character of UTF-8 ends */
    setlocale(LC_CTYPE, "C.UTF-8");
    ssh_init(); /* libcrypto looks for its configuration */
}

int access_main(int launch_fd, access_confine_fn *confine)
{
    struct access a = {.listener = -1, .confine = confine};
    for (int i = 0; i < ACCESS_CONNECTIONS; i++)
        a.clients[i].access = &a;
    int err = set_up(&a, launch_fd);
    if (!err)
        event_base_dispatch(a.base);
    tear_down(&a);
    return err ? 1 : 0;
}
