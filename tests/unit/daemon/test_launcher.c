/*
 * The launcher with stand-ins for its children.
 *
 * The launcher executes /proc/self/exe for each role: here that is this test program, whose
 * main() then plays the child: it reports every message that it gets, as one line of text to the
 * test (an abstract datagram socket), and does what the test writes to it (requests to the
 * launcher). Everything runs in a network namespace of its own.
 */
#include "daemon/launcher.h"
#include "daemon/roles.h"
#include "daemon/sandbox.h"
#include "daemon/spawn.h"
#include "dataplane/dpstats.h"
#include "dataplane/sadb.h"
#include "lib/ipc.h"
#include "tests/unit/daemon/ns.h"
#include "lib/str.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <net/if.h>
#include <cmocka.h>

#define WAIT_MS 100000
#define LINES   400

static struct sockaddr_un abstract_name(const char *name, socklen_t *len)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    snprintf(sun.sun_path + 1, sizeof(sun.sun_path) - 1, "tandem-test-%s", name);
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(sun.sun_path + 1));
    return sun;
}

/* --- the stand-in -------------------------------------------------------------------------------
 */

struct stub {
    enum launch_role role;
    struct ipc *launcher;
    int report, orders;
    int peer[ROLE_ACCESS + 1];
};

__attribute__((format(printf, 2, 3))) static void tell(struct stub *s, const char *fmt, ...)
{
    char line[512];
    int n = snprintf(line, sizeof(line), "%s ", role_name(s->role));
    va_list ap;
    va_start(ap, fmt);
    n += vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
    va_end(ap);
    if (send(s->report, line, (size_t)n, 0) < 0)
        _exit(1);
}

static void tell_socket(struct stub *s, uint32_t kind, int fd)
{
    int mark = -1, writable = -1;
    socklen_t len = sizeof(mark);
    getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &len);
    if (kind == SOCK_STATS) {
        writable = mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED;
        const struct dpstats *st = (const struct dpstats *)mmap(NULL, sizeof(struct dpstats),
                                                                PROT_READ, MAP_SHARED, fd, 0);
        tell(s, "stats writable=%d good=%d", writable,
             st != MAP_FAILED && st->magic == DPSTATS_MAGIC && st->slots == DPSTATS_SLOTS &&
                 dp_read(&st->slot[DPSTATS_SLOTS - 1].packets) == 0);
        return;
    }
    if (kind == SOCK_JOURNAL) { /* whose turn it was before is written there */
        char was[16] = "";
        if (pread(fd, was, sizeof(was) - 1, 0) < 0 || pwrite(fd, "mine", 4, 0) != 4)
            strcpy(was, "?");
        tell(s, "journal was=%s.", was);
        return;
    }
    tell(s, "socket %u open=%d mark=%d", kind, fcntl(fd, F_GETFD) >= 0, mark == TANDEM_FWMARK);
}

static void on_launcher(struct ipc *c, struct ipc_msg *m, void *ctx)
{
    struct stub *s = (struct stub *)ctx;
    struct lm_box box;
    struct lm_tun tun;
    struct lm_reply reply;
    uint32_t n = 0;
    char text[256] = "";
    int fd = m->nfds == 1 ? m->fds[0] : -1;
    (void)c;
    switch (m->type) {
    case LM_BOX:
        memcpy(&box, m->data, sizeof(box));
        tell(s, "box pid=%d restarted=%d lab=%d asa=%d port=%d model=%s", (int)getpid(),
             box.restarted, box.lab, box.asa, box.ssh_port, box.model);
        return;
    case LM_PORTS:
        tell(s, "ports %.*s", (int)m->len, (const char *)m->data);
        return;
    case LM_SOCKET:
        memcpy(&n, m->data, sizeof(n));
        tell_socket(s, n, fd);
        return;
    case LM_PEER:
        memcpy(&n, m->data, sizeof(n));
        if (s->peer[n]) { /* the new one came before the end of the old was seen */
            close(s->peer[n]);
            tell(s, "lost %u", n);
        }
        s->peer[n] = fd;
        m->fds[0] = -1;
        tell(s, "peer %u", n);
        return;
    case LM_TUN:
    case LM_TUN_GONE:
        memcpy(&tun, m->data, sizeof(tun));
        tell(s, "tun%s %s fd=%d index=%u", m->type == LM_TUN ? "" : "-gone", tun.name, fd >= 0,
             tun.ifindex);
        return;
    case LM_CONFIG:
    case LM_RUNNING:
        if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
            strcpy(text, "?");
        tell(s, "%s fd=%d %s", m->type == LM_CONFIG ? "config" : "running", fd >= 0, text);
        return;
    case LM_REPLY:
        memcpy(&reply, m->data, sizeof(reply));
        tell(s, "reply %u %d", reply.id, reply.err);
        return;
    default:
        tell(s, "message %u", m->type);
    }
}

static void send_text(struct stub *s, uint16_t type, const void *req, size_t len, const char *text)
{
    int fd = memfd_create("text", MFD_CLOEXEC);
    if (write(fd, text, strlen(text)) == (ssize_t)strlen(text))
        ipc_send_fds(s->launcher, type, req, len, &fd, 1);
    close(fd);
}

/* One order of the test. */
static void obey(struct stub *s)
{
    char order[64];
    ssize_t n = recv(s->orders, order, sizeof(order) - 1, 0);
    order[n > 0 ? n : 0] = '\0';
    if (strcmp(order, "tun") == 0) {
        struct lr_tun r = {
            .id = 1, .open = 1, .ifid = 3, .kind = TUN_SHADOW, .mtu = 1400, .name = "tdm3"};
        ipc_send(s->launcher, LR_TUN, &r, sizeof(r));
    } else if (strcmp(order, "save") == 0) {
        struct lr_save r = {.id = 2, .name = "startup-config"};
        send_text(s, LR_SAVE, &r, sizeof(r), "hostname x");
    } else if (strncmp(order, "keep ", 5) == 0) {
        struct lr_keep r = {.id = 5};
        send_text(s, LR_KEEP, &r, sizeof(r), order + 5);
    } else if (strcmp(order, "addr") == 0) {
        struct lr_addr r = {.id = 3,
                            .add = 1,
                            .ifindex = if_nametoindex("p1"),
                            .addr = ns_prefix("10.1.1.1", 24)};
        ipc_send(s->launcher, LR_ADDR, &r, sizeof(r));
    } else if (strncmp(order, "urgent ", 7) == 0) {
        char *rest;
        struct lr_urgent r = {.id = 6, .tid = (int32_t)strtol(order + 7, &rest, 10)};
        r.first = strcmp(rest, " first") == 0;
        ipc_send(s->launcher, LR_URGENT, &r, sizeof(r));
    } else if (strcmp(order, "reload") == 0) {
        struct lr_reload r = {.id = 4};
        ipc_send(s->launcher, LR_RELOAD, &r, sizeof(r));
    } else if (strncmp(order, "say ", 4) == 0) {
        unsigned to = (unsigned)order[4] - '0';
        ssize_t done = write(s->peer[to], "x", 1);
        tell(s, "said %zd", done);
    } else if (strcmp(order, "break in") == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (sandbox_enter(SANDBOX_DATAPATH) == 1)
            raise(SIGSYS); /* AddressSanitizer: no filter; as if there were one */
        open("/etc/passwd", O_RDONLY);
        tell(s, "opened a file");
    } else if (strcmp(order, "close") == 0) {
        ipc_free(s->launcher);
        for (;;)
            pause(); /* a child that hangs with its channel closed */
    }
}

static int play(enum launch_role role)
{
    struct stub s = {.role = role};
    socklen_t len;
    struct sockaddr_un to = abstract_name("report", &len), me;
    s.report = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (connect(s.report, (const struct sockaddr *)&to, len) < 0)
        return 3;
    me = abstract_name(role_name(role), &len);
    s.orders = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(s.orders, (const struct sockaddr *)&me, len) < 0)
        return 4;
    s.launcher = ipc_new(NULL, LAUNCH_FD, on_launcher, NULL, &s);
    for (;;) {
        struct pollfd p[5] = {{.fd = LAUNCH_FD, .events = POLLIN},
                              {.fd = s.orders, .events = POLLIN}};
        for (unsigned r = 1; r <= ROLE_ACCESS; r++)
            p[1 + r] = (struct pollfd){.fd = s.peer[r] ? s.peer[r] : -1, .events = POLLIN};
        if (!ipc_ready(s.launcher))
            poll(p, 5, -1);
        if (ipc_ready(s.launcher) || p[0].revents) {
            if (ipc_recv_blocking(s.launcher) <= 0)
                return 0;
            continue; /* it may have been another peer's socket: what poll() said is old */
        }
        if (p[1].revents)
            obey(&s);
        for (unsigned r = 1; r <= ROLE_ACCESS; r++) {
            char c;
            if (!p[1 + r].revents)
                continue;
            if (read(s.peer[r], &c, 1) == 1) {
                tell(&s, "heard %u", r);
            } else {
                close(s.peer[r]);
                s.peer[r] = 0;
                tell(&s, "lost %u", r);
            }
        }
    }
}

/* --- the test -----------------------------------------------------------------------------------
 */

struct bench {
    char dir[32], state[64], run[64];
    pid_t launcher;
    int report;
    char line[LINES][512];
    int n, from; /* lines seen; those from `from` on are new to expect() */
};

static int setup(void **state)
{
    struct bench *b = (struct bench *)calloc(1, sizeof(*b));
    socklen_t len;
    struct sockaddr_un me = abstract_name("report", &len);
    strcpy(b->dir, "/tmp/tandem-launch-XXXXXX");
    if (ns_enter() < 0 || !mkdtemp(b->dir))
        return -1;
    snprintf(b->state, sizeof(b->state), "%s/state", b->dir);
    snprintf(b->run, sizeof(b->run), "%s/run", b->dir);
    b->report = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    *state = b;
    return bind(b->report, (const struct sockaddr *)&me, len);
}

static int teardown(void **state)
{
    struct bench *b = (struct bench *)*state;
    char cmd[64];
    snprintf(cmd, sizeof(cmd), "rm -rf %s", b->dir);
    int err = system(cmd);
    free(b);
    return err;
}

/* A test that failed must not leave its launcher to the next. */
static int end_of_test(void **state)
{
    struct bench *b = (struct bench *)*state;
    if (b->launcher > 0 && kill(b->launcher, SIGTERM) == 0)
        waitpid(b->launcher, NULL, 0);
    b->launcher = 0;
    return 0;
}

static void launch(struct bench *b)
{
    b->n = b->from = 0;
    while (recv(b->report, b->line[0], sizeof(b->line[0]), MSG_DONTWAIT) >= 0)
        ; /* last words of the test before */
    b->launcher = fork();
    if (b->launcher != 0)
        return;
    struct launcher_opts o = {.state_dir = b->state,
                              .run_dir = b->run,
                              .user = "nobody",
                              .ports = "GigabitEthernet0/0 p0\n",
                              .box = {.asa = 1, .lab = 1, .ssh_port = 2222, .model = "box"}};
    close_range(3, ~0U, 0); /* as after an exec */
    char path[96];
    snprintf(path, sizeof(path), "%s/log", b->dir);
    dup2(open(path, O_WRONLY | O_CREAT | O_APPEND, 0600), 2);
    if (chdir(b->dir) < 0)
        _exit(9);
    _exit(launcher_run(&o));
}

static void show_log(const struct bench *b)
{
    char path[96], line[256];
    snprintf(path, sizeof(path), "%s/log", b->dir);
    FILE *f = fopen(path, "r");
    fputs("the launcher's log:\n", stderr);
    while (f && fgets(line, sizeof(line), f))
        fprintf(stderr, "  %s", line);
    if (f)
        fclose(f);
}

/* Waits until a line that starts with `want` has come since the last rewind; its place. */
static int expect(struct bench *b, const char *want)
{
    for (int i = b->from;; i++) {
        if (i == b->n) {
            struct pollfd p = {.fd = b->report, .events = POLLIN};
            if (b->n == LINES || poll(&p, 1, WAIT_MS) != 1)
                break;
            ssize_t n = recv(b->report, b->line[i], sizeof(b->line[i]) - 1, 0);
            b->line[i][n > 0 ? n : 0] = '\0';
            b->n++;
        }
        if (strncmp(b->line[i], want, strlen(want)) == 0)
            return i;
    }
    fprintf(stderr, "no line \"%s\"; there were:\n", want);
    for (int i = b->from; i < b->n; i++)
        fprintf(stderr, "  %s\n", b->line[i]);
    show_log(b);
    fail();
    return 0;
}

/* Whether such a line is among those that have come so far. */
static bool seen(const struct bench *b, const char *want)
{
    for (int i = b->from; i < b->n; i++)
        if (strncmp(b->line[i], want, strlen(want)) == 0)
            return true;
    return false;
}

/* From here on only new lines count. */
static void rewind_to_now(struct bench *b)
{
    b->from = b->n;
}

static pid_t pid_of(struct bench *b, const char *role)
{
    char want[64];
    int pid = 0;
    snprintf(want, sizeof(want), "%s box", role);
    assert_int_equal(sscanf(strstr(b->line[expect(b, want)], "pid="), "pid=%d", &pid), 1);
    return pid;
}

static void order(const char *role, const char *text)
{
    socklen_t len;
    struct sockaddr_un to = abstract_name(role, &len);
    int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(sendto(s, text, strlen(text), 0, (const struct sockaddr *)&to, len),
                     (ssize_t)strlen(text));
    close(s);
}

static int stop(struct bench *b)
{
    int status;
    kill(b->launcher, SIGTERM);
    assert_int_equal(waitpid(b->launcher, &status, 0), b->launcher);
    b->launcher = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void all_up(struct bench *b)
{
    expect(b, "engine message 8"); /* LM_READY */
    expect(b, "datapath message 8");
    expect(b, "access message 8");
    expect(b, "datapath peer 1");
    expect(b, "access peer 1");
}

static void everything_is_handed_over(void **state)
{
    struct bench *b = (struct bench *)*state;
    launch(b);
    all_up(b);
    expect(b, "engine box");
    int box = expect(b, "engine box"), ports = expect(b, "engine ports GigabitEthernet0/0 p0\n"),
        config = expect(b, "engine config fd=0"), ready = expect(b, "engine message 8");
    assert_non_null(strstr(b->line[box], "restarted=0 lab=1 asa=1 port=2222 model=box"));
    assert_true(box < ports && ports < config && config < ready);
    expect(b, "engine journal was=.");
    expect(b, "engine socket 1 open=1 mark=1"); /* IKE */
    expect(b, "engine socket 4 open=1 mark=0"); /* ping: as any host's */
    expect(b, "engine socket 5 open=1");
    expect(b, "engine stats writable=0 good=1");
    expect(b, "datapath stats writable=1 good=1");
    expect(b, "datapath socket 2 open=1 mark=1");
    expect(b, "datapath socket 3 open=1 mark=1");
    expect(b, "access socket 6 open=1");
    expect(b, "access socket 8 open=1");
    assert_true(expect(b, "engine peer 2") < config && expect(b, "engine peer 3") < config);
    assert_false(seen(b, "access config"));
    assert_false(seen(b, "datapath journal"));
    assert_false(seen(b, "access journal"));
    assert_false(seen(b, "datapath ports"));
    order("engine", "say 2");
    expect(b, "datapath heard 1");
    order("access", "say 1");
    expect(b, "engine heard 3");

    char path[128];
    struct stat st;
    snprintf(path, sizeof(path), "%s/tandem.sock", b->run);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666);
    /* The launcher's own children: the machine's other processes are none of our business. */
    char ps[64];
    snprintf(ps, sizeof(ps), "ps --ppid %d -o args", (int)b->launcher);
    assert_true(ns_shows(ps, "tandemd: engine --role engine"));
    assert_true(ns_shows(ps, "tandemd: datapath --role datapath"));
    assert_true(ns_shows(ps, "/run/empty"));
    assert_int_equal(stop(b), 0);
    assert_int_equal(stat(path, &st), -1);
}

/* A line of the launcher's log has these words. */
static bool logged(const struct bench *b, const char *words)
{
    char path[96], line[512];
    bool found = false;
    snprintf(path, sizeof(path), "%s/log", b->dir);
    FILE *f = fopen(path, "r");
    while (f && !found && fgets(line, sizeof(line), f))
        found = strstr(line, words) != NULL;
    if (f)
        fclose(f);
    return found;
}

static void what_the_filter_kills_is_named_and_replaced(void **state)
{
    struct bench *b = (struct bench *)*state;
    launch(b);
    all_up(b);
    pid_t old = pid_of(b, "datapath");
    rewind_to_now(b);
    order("datapath", "break in");
    assert_true(pid_of(b, "datapath") != old);
    expect(b, "datapath message 8");
    assert_non_null(strstr(b->line[expect(b, "datapath box")], "restarted=1"));
    assert_false(seen(b, "datapath opened a file"));
    assert_true(logged(b, "datapath was killed by its system call filter; restarting it"));
    assert_int_equal(stop(b), 0);
}

static bool status_has(pid_t pid, const char *line)
{
    char path[64], text[256];
    bool found = false;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && !found && fgets(text, sizeof(text), f))
        found = strncmp(text, line, strlen(line)) == 0;
    if (f)
        fclose(f);
    return found;
}

static void the_launcher_keeps_few_capabilities(void **state)
{
    struct bench *b = (struct bench *)*state;
    /* KILL SETGID SETUID SETPCAP, NET_BIND_SERVICE NET_ADMIN NET_RAW, SYS_CHROOT, SYS_NICE */
    static const char few[] = "00000000008435e0";
    launch(b);
    all_up(b);
    const char *sets[] = {"CapPrm", "CapEff", "CapBnd"};
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        char line[64];
        snprintf(line, sizeof(line), "%s:\t%s", sets[i], few);
        assert_true(status_has(b->launcher, line));
        if (i == 2) /* a child begins with no more */
            assert_true(status_has(pid_of(b, "engine"), line));
    }
    assert_true(status_has(b->launcher, "CapInh:\t0000000000000000"));
    assert_true(status_has(b->launcher, "CapAmb:\t0000000000000000"));
    assert_int_equal(stop(b), 0);
}

static void a_killed_child_gets_everything_again(void **state)
{
    struct bench *b = (struct bench *)*state;
    launch(b);
    all_up(b);
    order("engine", "tun");
    expect(b, "engine reply 1 0");
    char first[512];
    str_copy(first, sizeof first, b->line[expect(b, "datapath tun tdm3 fd=1 index=")]);
    order("engine", "save");
    expect(b, "engine reply 2 0");

    pid_t dp = pid_of(b, "datapath");
    rewind_to_now(b);
    kill(dp, SIGKILL);
    assert_true(pid_of(b, "datapath") != dp);
    expect(b, "datapath message 8");
    assert_non_null(strstr(b->line[expect(b, "datapath box")], "restarted=1"));
    expect(b, "datapath socket 2 open=1 mark=1");
    expect(b, "datapath socket 3 open=1 mark=1");
    expect(b, "datapath stats writable=1 good=1");
    assert_string_equal(b->line[expect(b, "datapath tun tdm3")], first); /* the same device */
    expect(b, "engine lost 2");
    expect(b, "engine peer 2");
    expect(b, "datapath peer 1");
    assert_false(seen(b, "engine box"));
    order("datapath", "say 1");
    expect(b, "engine heard 2");

    rewind_to_now(b);
    order("engine", "close"); /* it hangs without its channel: killed and replaced */
    expect(b, "engine message 8");
    assert_non_null(strstr(b->line[expect(b, "engine box")], "restarted=1"));
    expect(b, "engine config fd=1 hostname x");
    expect(b, "engine socket 1 open=1 mark=1");
    expect(b, "engine peer 2");
    expect(b, "engine peer 3");
    expect(b, "access peer 1");
    assert_true(if_nametoindex("tdm3") != 0);
    order("engine", "say 3");
    expect(b, "access heard 1");
    assert_int_equal(stop(b), 0);
    assert_int_equal(if_nametoindex("tdm3"), 0);
}

static void a_killed_engine_gets_back_what_was_running(void **state)
{
    struct bench *b = (struct bench *)*state;
    launch(b);
    all_up(b);
    assert_false(seen(b, "engine running"));
    pid_t pid = pid_of(b, "engine");
    order("engine", "keep first");
    expect(b, "engine reply 5 0");
    rewind_to_now(b);
    order("engine", "keep second");
    expect(b, "engine reply 5 0");
    for (int i = 0; i < 5; i++) { /* each time it is read from its start again */
        rewind_to_now(b);
        kill(pid, i < 3 ? SIGKILL : SIGABRT);
        pid = pid_of(b, "engine");
        expect(b, "engine message 8");
        expect(b, "engine running fd=1 second");
        expect(b, "engine journal was=mine.");
        expect(b, "engine config");
    }
    /* died early by itself for the third time: what it was given is under suspicion */
    rewind_to_now(b);
    kill(pid, SIGABRT);
    expect(b, "engine message 8");
    assert_false(seen(b, "engine running"));
    expect(b, "engine journal was=.");
    /* and a reload forgets it */
    order("engine", "keep third");
    expect(b, "engine reply 5 0");
    rewind_to_now(b);
    order("engine", "reload");
    all_up(b);
    assert_false(seen(b, "engine running"));
    expect(b, "engine journal was=.");
    assert_int_equal(stop(b), 0);
}

/* What a build that is found on disk answers to --protocols. */
static void next_build_says(const struct bench *b, const char *text)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/protocols", b->dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void a_new_build_takes_over(void **state)
{
    struct bench *b = (struct bench *)*state;
    char text[64];
    launch(b);
    all_up(b);
    pid_t engine = pid_of(b, "engine"), access = pid_of(b, "access");
    order("engine", "keep this");
    expect(b, "engine reply 5 0");
    rewind_to_now(b);
    kill(b->launcher, SIGHUP);
    assert_true(pid_of(b, "engine") != engine && pid_of(b, "access") != access);
    expect(b, "engine journal was=mine.");
    expect(b, "engine running fd=1 this");
    expect(b, "access message 8");
    assert_false(seen(b, "datapath box"));
    /* another vocabulary between engine and datapath */
    snprintf(text, sizeof(text), "launch %u sadb %u\n", LAUNCH_VERSION, SADB_VERSION + 1);
    next_build_says(b, text);
    rewind_to_now(b);
    kill(b->launcher, SIGHUP);
    expect(b, "engine journal was=mine.");
    expect(b, "datapath box");
    all_up(b);
    /* one that the launcher cannot serve, and one that does not run: nothing changes */
    snprintf(text, sizeof(text), "launch %u sadb %u\n", LAUNCH_VERSION + 1, SADB_VERSION);
    next_build_says(b, text);
    rewind_to_now(b);
    kill(b->launcher, SIGHUP);
    next_build_says(b, "Segmentation fault\n");
    kill(b->launcher, SIGHUP);
    order("engine", "addr");
    expect(b, "engine reply 3 0");
    assert_false(seen(b, "engine box"));
    assert_int_equal(stop(b), 0);
}

static void only_the_engine_may_ask(void **state)
{
    struct bench *b = (struct bench *)*state;
    launch(b);
    all_up(b);
    order("access", "addr");
    order("datapath", "tun");
    order("engine", "addr"); /* answered after the launcher has seen the others' */
    expect(b, "engine reply 3 0");
    order("engine", "tun");
    expect(b, "engine reply 1 0");
    assert_false(seen(b, "access reply"));
    assert_false(seen(b, "datapath reply"));
    assert_int_equal(stop(b), 0);
    assert_false(ns_shows("ip addr show dev p1", "10.1.1.1"));
}

static void ask_for_urgent(struct bench *b, pid_t tid, const char *first, int want)
{
    char text[64];
    rewind_to_now(b);
    snprintf(text, sizeof(text), "urgent %d%s", (int)tid, first);
    order("engine", text);
    snprintf(text, sizeof(text), "engine reply 6 %d", want);
    expect(b, text);
}

static void a_thread_of_the_engine_goes_first_and_nobody_else(void **state)
{
    struct bench *b = (struct bench *)*state;
    const struct sched_param least = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    const struct sched_param none = {0};
    /* in some containers not even root may */
    int want = sched_setscheduler(0, SCHED_FIFO, &least) < 0 ? -errno : 0;
    sched_setscheduler(0, SCHED_OTHER, &none);
    launch(b);
    pid_t engine = pid_of(b, "engine");
    all_up(b);
    ask_for_urgent(b, getpid(), "", -ESRCH);
    assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
    ask_for_urgent(b, engine, "", want);
    assert_int_equal(sched_getscheduler(engine),
                     want ? SCHED_OTHER : SCHED_FIFO | SCHED_RESET_ON_FORK);
    struct sched_param is;
    assert_int_equal(sched_getparam(engine, &is), 0);
    assert_int_equal(is.sched_priority, want ? 0 : least.sched_priority);
    ask_for_urgent(b, engine, " first", want);
    assert_int_equal(sched_getparam(engine, &is), 0);
    assert_int_equal(is.sched_priority, want ? 0 : least.sched_priority + 1);
    assert_int_equal(stop(b), 0);
}

static void reload_is_a_fresh_start(void **state)
{
    struct bench *b = (struct bench *)*state;
    launch(b);
    all_up(b);
    order("engine", "save");
    order("engine", "addr");
    order("engine", "tun");
    expect(b, "engine reply 1 0");
    expect(b, "datapath tun tdm3");
    pid_t before = pid_of(b, "access");
    rewind_to_now(b);
    order("engine", "reload");
    all_up(b);
    assert_true(pid_of(b, "access") != before);
    assert_non_null(strstr(b->line[expect(b, "engine box")], "restarted=0"));
    expect(b, "engine config fd=1 hostname x");
    assert_false(seen(b, "datapath tun"));
    assert_int_equal(if_nametoindex("tdm3"), 0);
    assert_false(ns_shows("ip addr show dev p1", "10.1.1.1"));
    assert_int_equal(stop(b), 0);
}

static void an_occupied_port_comes_later(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(500)};
    int u = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(u, (const struct sockaddr *)&sin, sizeof(sin)), 0);
    launch(b);
    all_up(b);
    assert_false(seen(b, "engine socket 1 "));
    assert_true(seen(b, "engine socket 4"));
    close(u);
    expect(b, "engine socket 1 open=1 mark=1");
    assert_int_equal(stop(b), 0);
}

static void two_in_one_namespace_do_not_fight(void **state)
{
    struct bench *b = (struct bench *)*state;
    int status;
    launch(b);
    all_up(b);
    pid_t first = b->launcher;
    b->launcher = fork();
    if (b->launcher == 0) {
        struct launcher_opts o = {.state_dir = b->state,
                                  .run_dir = b->run,
                                  .user = "nobody",
                                  .ports = ""};
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 2);
        _exit(launcher_run(&o));
    }
    assert_int_equal(waitpid(b->launcher, &status, 0), b->launcher);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    b->launcher = first;
    rewind_to_now(b);
    order("engine", "addr"); /* the first one works on */
    expect(b, "engine reply 3 0");
    assert_int_equal(stop(b), 0);
}

static void children_die_with_a_killed_launcher(void **state)
{
    struct bench *b = (struct bench *)*state;
    launch(b);
    all_up(b);
    pid_t pids[3] = {pid_of(b, "engine"), pid_of(b, "datapath"), pid_of(b, "access")};
    order("engine", "tun");
    expect(b, "engine reply 1 0");
    kill(b->launcher, SIGKILL);
    assert_int_equal(waitpid(b->launcher, NULL, 0), b->launcher);
    for (int i = 0; i < 3; i++) {
        struct timespec ms = {.tv_nsec = 1000000};
        int left = WAIT_MS;
        while (kill(pids[i], 0) == 0 && left--)
            nanosleep(&ms, NULL);
        assert_true(left > 0);
    }
    assert_int_equal(if_nametoindex("tdm3"), 0); /* the last descriptor of it is closed */
    launch(b);                                   /* and a new one finds nothing in its way */
    all_up(b);
    assert_int_equal(stop(b), 0);
}

static void backoff_grows_and_ends(void **state)
{
    (void)state;
    assert_int_equal(launcher_backoff(0), 0);
    usec_t last = 0;
    for (unsigned n = 1; n < 8; n++) {
        assert_true(launcher_backoff(n) > last);
        last = launcher_backoff(n);
    }
    assert_int_equal(launcher_backoff(1), 100 * USEC_PER_MSEC);
    assert_int_equal(launcher_backoff(20), 10 * USEC_PER_SEC);
    assert_int_equal(launcher_backoff(UINT32_MAX), 10 * USEC_PER_SEC);
}

/* As tandemd answers; or what the test has written, in the launcher's directory. */
static int protocols(void)
{
    char text[64] = "";
    FILE *f = fopen("protocols", "r");
    if (f && !fgets(text, sizeof(text), f))
        text[0] = '\0';
    if (f)
        fclose(f);
    return f ? fputs(text, stdout) < 0
             : printf("launch %u sadb %u\n", LAUNCH_VERSION, SADB_VERSION) < 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--protocols") == 0)
        return protocols();
    if (argc > 2 && strcmp(argv[1], "--role") == 0)
        return play(role_by_name(argv[2]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(backoff_grows_and_ends, end_of_test),
        cmocka_unit_test_teardown(everything_is_handed_over, end_of_test),
        cmocka_unit_test_teardown(the_launcher_keeps_few_capabilities, end_of_test),
        cmocka_unit_test_teardown(what_the_filter_kills_is_named_and_replaced, end_of_test),
        cmocka_unit_test_teardown(a_killed_child_gets_everything_again, end_of_test),
        cmocka_unit_test_teardown(a_killed_engine_gets_back_what_was_running, end_of_test),
        cmocka_unit_test_teardown(a_new_build_takes_over, end_of_test),
        cmocka_unit_test_teardown(only_the_engine_may_ask, end_of_test),
        cmocka_unit_test_teardown(a_thread_of_the_engine_goes_first_and_nobody_else, end_of_test),
        cmocka_unit_test_teardown(reload_is_a_fresh_start, end_of_test),
        cmocka_unit_test_teardown(an_occupied_port_comes_later, end_of_test),
        cmocka_unit_test_teardown(two_in_one_namespace_do_not_fight, end_of_test),
        cmocka_unit_test_teardown(children_die_with_a_killed_launcher, end_of_test),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
