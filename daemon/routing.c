/*
 * FRR's daemons. See routing.h.
 *
 * zebra starts first, as ospfd wants to find it; a daemon is there when its command socket takes a
 * connection. When one of the two ends the other has to, too, and both start anew: so does FRR's
 * own supervisor.
 */
#include "daemon/routing.h"
#include "daemon/launcher_priv.h"
#include "daemon/processes.h"
#include "daemon/spawn.h"
#include "lib/str.h"
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAMS "/usr/lib/frr/"
#define USER     "frr"
#define ASK      (20 * USEC_PER_MSEC) /* how often it is tried whether a daemon answers */
#define GRACE    (2 * USEC_PER_SEC)
#define EARLY    (10 * USEC_PER_SEC)
#define FDS      "1024"

enum { ZEBRA, OSPFD, DAEMONS };

static const struct {
    const char *name;
    uint32_t kind;
    bool raw; /* CAP_NET_RAW: the raw socket of protocol 89 */
} program[DAEMONS] = {
    [ZEBRA] = {"zebra", PROCESS_ZEBRA, false}, [OSPFD] = {"ospfd", PROCESS_OSPFD, true}};

struct daemon {
    pid_t pid; /* 0 = not running */
    bool answers;
    unsigned restarts;
};

struct routing {
    struct launcher *l;
    struct rights who;
    char dir[128];
    bool wanted;
    bool hand_over; /* the engine waits for its descriptors */
    bool falling;   /* both are to end before anything starts */
    struct daemon d[DAEMONS];
    int log; /* reading end of ospfd's standard output; -1 = none */
    usec_t born;
    unsigned deaths; /* in a row, soon after the start */
    struct event *step;
};

/* --- what is there -------------------------------------------------------------------------------
 */

static bool find_user(struct rights *r)
{
    const struct passwd *p = getpwnam(USER);
    if (!p || p->pw_uid == 0)
        return false;
    *r = (struct rights){.uid = p->pw_uid, .gid = p->pw_gid};
    return true;
}

bool routing_installed(void)
{
    struct rights r;
    for (size_t i = 0; i < DAEMONS; i++) {
        char path[64];
        snprintf(path, sizeof(path), PROGRAMS "%s", program[i].name);
        if (access(path, X_OK) < 0)
            return false;
    }
    return find_user(&r);
}

/* A folder in which FRR's user may make its sockets. We may not give things away (CAP_CHOWN), but
 * what is made with a group belongs to it. */
static int make_dir(struct routing *r)
{
    struct stat st;
    int before = setfsgid(r->who.gid);
    mode_t mask = umask(0);
    int err = mkdir(r->dir, 0770) < 0 ? -errno : 0;
    umask(mask);
    setfsgid((gid_t)before);
    if (err != -EEXIST)
        return err;
    if (lstat(r->dir, &st) < 0)
        return -errno;
    return S_ISDIR(st.st_mode) && st.st_uid == 0 && st.st_gid == r->who.gid ? 0 : -EPERM;
}

static void remove_files(const struct routing *r)
{
    static const char *const names[] = {"zebra.vty", "ospfd.vty", "zebra.pid", "ospfd.pid",
                                        "zserv.api"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[160];
        snprintf(path, sizeof(path), "%s/%s", r->dir, names[i]);
        unlink(path);
    }
}

/* --- starting ------------------------------------------------------------------------------------
 */

static int start(struct routing *r, unsigned which)
{
    char path[64], pid_file[160], zebra[160];
    int out[2] = {-1, -1};
    snprintf(path, sizeof(path), PROGRAMS "%s", program[which].name);
    snprintf(pid_file, sizeof(pid_file), "%s/%s.pid", r->dir, program[which].name);
    snprintf(zebra, sizeof(zebra), "%s/zserv.api", r->dir);
    const char *argv[] = {path,          "-u",        USER,    "-g",     USER,
                          "-f",          "/dev/null", "-i",    pid_file, "--vty_socket",
                          r->dir,        "-z",        zebra,   "-P",     "0",
                          "--limit-fds", FDS,         "--log", "stdout", "--log-level",
                          "debug",       NULL};
    if (which == OSPFD && pipe2(out, O_CLOEXEC) < 0)
        return -errno;
    /* Nobody reads while an engine is replaced: ospfd must not wait for that. */
    if (which == OSPFD)
        fcntl(out[1], F_SETFL, O_NONBLOCK);
    int pid = spawn_foreign(argv, &r->who, program[which].raw, out[1]);
    if (out[1] >= 0)
        close(out[1]);
    if (pid < 0) {
        if (out[0] >= 0)
            close(out[0]);
        return pid;
    }
    if (which == OSPFD) {
        if (r->log >= 0)
            close(r->log);
        r->log = out[0];
    }
    r->d[which].pid = pid;
    r->d[which].answers = false;
    log_line(&r->l->log, LOGL_INFO, "launcher", "%s is process %d", program[which].name, pid);
    return 0;
}

/* A connection to a daemon's commands. Its socket is there for its group. */
static int connect_to(const struct routing *r, unsigned which)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    if (snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s.vty", r->dir, program[which].name) >=
        (int)sizeof(sun.sun_path))
        return -ENAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int before = setfsgid(r->who.gid);
    int err = connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0 ? -errno : 0;
    setfsgid((gid_t)before);
    if (!err)
        return fd;
    close(fd);
    return err;
}

static void give_engine(struct routing *r, int fd)
{
    struct child *engine = &r->l->child[ROLE_ENGINE];
    int fds[2] = {fd, r->log};
    if (engine->ch && ipc_send_fds(engine->ch, LM_ROUTING, NULL, 0, fds, 2) < 0 && engine->pid)
        kill(engine->pid, SIGKILL); /* it takes nothing any more; its successor asks again */
    r->hand_over = false;
}

static void later(struct routing *r, usec_t in)
{
    struct timeval tv = {.tv_sec = in / USEC_PER_SEC, .tv_usec = in % USEC_PER_SEC};
    event_add(r->step, &tv);
}

static void cannot_start(struct routing *r, unsigned which, int err)
{
    log_line(&r->l->log, LOGL_ERROR, "launcher", "cannot start %s: %s", program[which].name,
             strerror(-err));
    later(r, launcher_backoff(++r->deaths));
}

bool routing_running(const struct routing *r)
{
    for (size_t i = 0; i < DAEMONS; i++)
        if (r->d[i].pid)
            return true;
    return false;
}

static void signal_them(const struct routing *r, int sig)
{
    for (size_t i = 0; i < DAEMONS; i++)
        if (r->d[i].pid)
            kill(r->d[i].pid, sig);
}

void routing_stop(struct routing *r, int sig)
{
    r->wanted = false;
    r->deaths = 0;
    event_del(r->step);
    r->falling = routing_running(r);
    if (!r->falling)
        return;
    signal_them(r, sig);
    later(r, GRACE);
}

/* Goes on with whatever comes next, until there is something to wait for. */
static void on_step(evutil_socket_t none, short what, void *arg)
{
    struct routing *r = (struct routing *)arg;
    (void)none;
    (void)what;
    if (r->falling) { /* asked to end, and still here */
        signal_them(r, SIGKILL);
        return;
    }
    if (!r->wanted || r->l->phase != UP)
        return;
    for (unsigned i = 0; i < DAEMONS; i++) {
        if (!r->d[i].pid) {
            if (i == ZEBRA)
                r->born = clock_mono(&r->l->clock);
            int err = start(r, i);
            if (err) {
                cannot_start(r, i, err);
                return;
            }
        }
        if (r->d[i].answers && !(i == OSPFD && r->hand_over))
            continue;
        int fd = connect_to(r, i);
        if (fd < 0) {
            later(r, ASK);
            return;
        }
        r->d[i].answers = true;
        if (i == OSPFD)
            give_engine(r, fd);
        close(fd);
    }
}

int routing_want(struct routing *r, bool on)
{
    if (!on) {
        routing_stop(r, SIGTERM);
        return 0;
    }
    if (!routing_installed() || !find_user(&r->who))
        return -ENOENT;
    int err = make_dir(r);
    if (err)
        return err;
    r->wanted = r->hand_over = true;
    if (!r->falling)
        later(r, 0);
    return 0;
}

/* --- ending --------------------------------------------------------------------------------------
 */

static void tell_end(const struct routing *r, unsigned which, int status)
{
    char how[64];
    if (WIFSIGNALED(status))
        snprintf(how, sizeof(how), "was killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(how, sizeof(how), "ended with status %d", WEXITSTATUS(status));
    log_line(&r->l->log, LOGL_ERROR, "launcher",
             "%s %s; zebra and ospfd start anew, and routes are learnt again", program[which].name,
             how);
}

static void ended(struct routing *r, unsigned which, int status)
{
    struct daemon *d = &r->d[which];
    bool early = clock_mono(&r->l->clock) - r->born < EARLY;
    *d = (struct daemon){.restarts = d->restarts + (r->wanted ? 1 : 0)};
    if (!r->falling && r->wanted) {
        tell_end(r, which, status);
        r->deaths = early ? r->deaths + 1 : 1;
        r->falling = r->hand_over = true;
        event_del(r->step);
        signal_them(r, SIGKILL);
    }
    if (routing_running(r))
        return;
    r->falling = false;
    event_del(r->step);
    if (r->wanted)
        later(r, launcher_backoff(r->deaths));
}

bool routing_reap(struct routing *r)
{
    for (unsigned i = 0; i < DAEMONS; i++) {
        int status;
        if (r->d[i].pid && waitpid(r->d[i].pid, &status, WNOHANG) == r->d[i].pid)
            ended(r, i, status);
    }
    return routing_running(r);
}

size_t routing_roots(const struct routing *r, struct process_root *out)
{
    size_t n = 0;
    for (size_t i = 0; i < DAEMONS; i++)
        if (r->d[i].pid)
            out[n++] = (struct process_root){.kind = program[i].kind,
                                             .pid = r->d[i].pid,
                                             .restarts = r->d[i].restarts};
    return n;
}

struct routing *routing_new(struct launcher *l)
{
    struct routing *r = (struct routing *)calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->l = l;
    r->log = -1;
    r->step = evtimer_new(l->base, on_step, r);
    if (!r->step ||
        snprintf(r->dir, sizeof(r->dir), "%s/frr", l->o->run_dir) >= (int)sizeof(r->dir)) {
        routing_free(r);
        return NULL;
    }
    return r;
}

void routing_free(struct routing *r)
{
    if (!r)
        return;
    if (r->log >= 0)
        close(r->log);
    if (r->step)
        event_free(r->step);
    if (r->dir[0]) {
        remove_files(r);
        rmdir(r->dir);
    }
    free(r);
}
