/* What the system call filters leave to each role. Each case runs in a process of its own. */
#include "control/sso/link.h"
#include "daemon/rights.h"
#include "daemon/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define ALL ((1u << SANDBOX_ROLES) - 1)
#define E   (1u << SANDBOX_ENGINE)
#define D   (1u << SANDBOX_DATAPATH)
#define A   (1u << SANDBOX_ACCESS)
#define C   (1u << SANDBOX_CONNECTION)
#define S   (1u << SANDBOX_SESSION)

/* Return 0 when the call did what it should. */
static int do_open(void)
{
    return open("/etc/passwd", O_RDONLY) >= 0 ? 0 : errno;
}
static int do_create(void)
{
    return (int)syscall(SYS_creat, "/tmp/never", 0600);
}
static int do_exec(void)
{
    static char name[] = "/bin/true", *argv[] = {name, NULL};
    return execve(name, argv, NULL);
}
static int do_execveat(void)
{
    static char *none[] = {NULL};
    return (int)syscall(SYS_execveat, 0, "", none, none, 0x1000);
}
static int do_ptrace(void)
{
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
static int do_inet(void)
{
    return socket(AF_INET, SOCK_DGRAM, 0) < 0;
}
static int do_packet(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0) < 0;
}
static int do_netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) < 0;
}
static int do_connect(void)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "/x"};
    return connect(0, (const struct sockaddr *)&sun, sizeof(sun));
}
static int do_unlink(void)
{
    return unlink("/tmp/never");
}
static int do_setuid(void)
{
    return setuid(0);
}
static int do_mount(void)
{
    return (int)syscall(SYS_mount, "", "", "", 0, NULL);
}
static int do_bpf(void)
{
    return (int)syscall(SYS_bpf, 0, NULL, 0);
}
static int do_keyctl(void)
{
    return (int)syscall(SYS_keyctl, 0, 0, 0, 0, 0);
}
static int do_vm_read(void)
{
    return (int)syscall(SYS_process_vm_readv, getppid, NULL, 0, NULL, 0, 0);
}
static int do_io_uring(void)
{
    return (int)syscall(SYS_io_uring_setup, 1, NULL);
}
static int do_unshare(void)
{
    return (int)syscall(SYS_unshare, 0x10000000);
}
static int do_exec_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
           MAP_FAILED;
}
static int do_make_exec(void)
{
    void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}
static int do_kill(void)
{
    return kill(1, 0);
}
static int do_memory(void)
{
    char *p = (char *)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return 1;
    p[0] = 1;
    return mprotect(p, 8192, PROT_READ) | munmap(p, 8192);
}
static int do_files(void)
{
    int fd = dup(2), flags = fcntl(fd, F_GETFL);
    return flags < 0 || close(fd) < 0;
}
static int do_text(void)
{
    char text[64];
    time_t now = time(NULL);
    struct tm tm;
    return !localtime_r(&now, &tm) || !strftime(text, sizeof(text), "%c %Z", &tm);
}
static int do_memfd(void)
{
    int fd = memfd_create("x", MFD_CLOEXEC);
    return fd < 0 || ftruncate(fd, 4096) < 0;
}
static void *nothing(void *arg)
{
    return arg;
}
static int do_thread(void)
{
    pthread_t t;
    return pthread_create(&t, NULL, nothing, NULL) || pthread_join(t, NULL);
}
static int do_nice(void)
{
    return setpriority(PRIO_PROCESS, 0, 19);
}
static int do_nice_another(void)
{
    return setpriority(PRIO_PROCESS, 1, 19);
}
static int do_nice_user(void)
{
    return setpriority(PRIO_USER, 0, 19);
}
static void link_transmit(void *ctx, unsigned path, const uint8_t *p, size_t n)
{
    (void)path;
    (void)p;
    *(unsigned *)ctx += n > 0;
}
static void link_event(void *ctx)
{
    (void)ctx;
}
static void link_down(void *ctx, const char *why)
{
    (void)ctx;
    (void)why;
}
static void link_message(void *ctx, enum sso_stream s, const uint8_t *p, size_t n)
{
    (void)ctx;
    (void)s;
    (void)p;
    (void)n;
}
/* It calls, calls again, and ends. */
static int do_link(void)
{
    static const struct sso_link_ops ops = {link_transmit, link_event, link_down, link_message,
                                            link_event};
    const struct sso_cfg cfg = {.n_local = 1,
                                .n_remote = 1,
                                .local_port = 5000,
                                .remote_port = 5000,
                                .rto_min = 300,
                                .rto_max = 600,
                                .path_retransmit = 4,
                                .assoc_retransmit = 4,
                                .hold = SSO_HOLD};
    struct manual_time t = {0};
    struct clock clock = clock_manual(&t);
    struct timerq q = {0};
    unsigned sent = 0;
    struct sso_link *l = sso_link_new(&cfg, &ops, &sent, &q, &clock);
    if (!l)
        return 1;
    for (; t.mono_us < 10 * USEC_PER_SEC; t.mono_us += 20 * USEC_PER_MSEC)
        timerq_run(&q, t.mono_us, 10);
    sso_link_free(l);
    timerq_free(&q);
    return sent < 5;
}
static int do_ordinary(void)
{
    const struct sched_param none = {0};
    return sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none) ||
           sched_getscheduler(0) != (SCHED_OTHER | SCHED_RESET_ON_FORK);
}
static int do_ordinary_another(void)
{
    const struct sched_param none = {0};
    return sched_setscheduler(1, SCHED_OTHER | SCHED_RESET_ON_FORK, &none);
}
static int do_urgent(void)
{
    const struct sched_param least = {.sched_priority = 1};
    return sched_setscheduler(0, SCHED_FIFO, &least);
}
static int do_urgent_time(void)
{
    struct rlimit r;
    return getrlimit(RLIMIT_RTTIME, &r) || setrlimit(RLIMIT_RTTIME, &r);
}
static int do_limit(void)
{
    const struct rlimit r = {1, 1};
    return setrlimit(RLIMIT_CORE, &r);
}
static int do_fork(void)
{
    int status = 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid < 0 || waitpid(pid, &status, 0) != pid || status;
}

static const struct {
    const char *name;
    int (*fn)(void);
    unsigned lives;  /* roles for which it works */
    unsigned refuse; /* roles that are told no; all others are killed */
} cases[] = {
    {"open", do_open, 0, A | C | S},
    {"creat", do_create, 0, 0},
    {"execve", do_exec, 0, 0},
    {"execveat", do_execveat, 0, 0},
    {"ptrace", do_ptrace, 0, 0},
    {"socket inet", do_inet, 0, E},
    {"socket packet", do_packet, 0, E},
    {"socket netlink", do_netlink, E, 0},
    {"connect", do_connect, 0, 0},
    {"unlink", do_unlink, 0, 0},
    {"setuid", do_setuid, 0, 0},
    {"mount", do_mount, 0, 0},
    {"bpf", do_bpf, 0, 0},
    {"keyctl", do_keyctl, 0, 0},
    {"process_vm_readv", do_vm_read, 0, 0},
    {"io_uring", do_io_uring, 0, 0},
    {"unshare", do_unshare, 0, 0},
    {"executable memory", do_exec_memory, 0, 0},
    {"memory made executable", do_make_exec, 0, 0},
    {"kill", do_kill, 0, A | C}, /* init is not its own: the kernel says no */
    {"memory", do_memory, ALL, 0},
    {"descriptors", do_files, ALL, 0},
    {"local time", do_text, ALL, 0},
    {"memfd", do_memfd, E, 0},
    {"thread", do_thread, E, 0},
    {"own priority", do_nice, E, 0},
    {"priority of another", do_nice_another, 0, 0},
    {"priority of a user", do_nice_user, 0, 0},
    {"ordinary priority", do_ordinary, E, 0},
    {"ordinary priority of another", do_ordinary_another, 0, 0},
    {"real-time priority", do_urgent, 0, 0},
    {"limit of real time", do_urgent_time, E, 0},
    {"another limit", do_limit, 0, 0},
    {"fork", do_fork, A | C, 0},
    {"link of stateful failover", do_link, E, 0},
};

/* In a child of its own: the rights of a role, its filter, one call. 0 it worked, 1 refused, 2 it
 * could not be tried, 3 there is no filter; -1 killed by the filter, -2 by something else. */
static int try(enum sandbox_role role, int (*fn)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct rights r = {.uid = 65534, .gid = 65534};
        const char *what;
        sandbox_prepare();
        if (rights_drop(&r, &what) < 0)
            _exit(2);
        int err = sandbox_enter(role);
        if (err)
            _exit(err > 0 ? 3 : 2);
        _exit(fn() ? 1 : 0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 2;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    return WTERMSIG(status) == SIGSYS ? -1 : -2;
}

static void each_role_may_do_what_its_table_says(void **state)
{
    unsigned wrong = 0;
    bool filtered = try(SANDBOX_ENGINE, do_memory) != 3;
    (void)state;
    for (unsigned role = 0; role < SANDBOX_ROLES; role++)
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            int want = -1, got = try((enum sandbox_role)role, cases[i].fn);
            if (cases[i].lives & 1u << role)
                want = 0;
            else if (cases[i].refuse & 1u << role)
                want = 1;
            if (!filtered)
                want = 3; /* built with AddressSanitizer */
            if (got != want)
                fprintf(stderr, "role %u, %s: %d instead of %d\n", role, cases[i].name, got, want);
            wrong += got != want;
        }
    assert_int_equal(wrong, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
    assert_true(filtered);
#endif
}

/* As the processes of access are forked from each other. */
static int narrow(void)
{
    if (sandbox_enter(SANDBOX_CONNECTION) || do_fork() || sandbox_enter(SANDBOX_SESSION))
        return 1;
    do_fork();
    return 0;
}

/* What a session does reaches three filters. */
static int all_of_a_session(void)
{
    if (sandbox_enter(SANDBOX_CONNECTION) || shutdown(2, SHUT_WR) == 0 || kill(1, 0) == 0 ||
        sandbox_enter(SANDBOX_SESSION))
        return 1;
    return do_memory() || do_files() || do_text() || do_open() != ENOENT || isatty(0);
}

static void a_session_lives_under_the_filters_of_its_parents(void **state)
{
    (void)state;
    int got = try(SANDBOX_ACCESS, all_of_a_session);
    assert_true(got == 0 || got == 3);
}

static void a_forked_process_narrows_itself(void **state)
{
    (void)state;
    int got = try(SANDBOX_ACCESS, narrow);
    assert_true(got == -1 || got == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_may_do_what_its_table_says),
        cmocka_unit_test(a_session_lives_under_the_filters_of_its_parents),
        cmocka_unit_test(a_forked_process_narrows_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
