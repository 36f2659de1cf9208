/*
 * System call filters. See sandbox.h.
 *
 * One table holds what each role may do, and why. Everything else ends the process: an
 * unexpected call is either a break-in or a mistake of ours, and in neither case is it wise to
 * go on. Calls that libraries try and can do without are answered with an error instead.
 *
 * Descriptors are the whole of what a role can reach: nothing here opens, connects or executes.
 */
#include "daemon/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define ENFORCED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ENFORCED 0
#endif
#endif
#ifndef ENFORCED
#define ENFORCED 1
#endif

#define E    (1u << SANDBOX_ENGINE)
#define D    (1u << SANDBOX_DATAPATH)
#define A    (1u << SANDBOX_ACCESS)
#define C    (1u << SANDBOX_CONNECTION)
#define S    (1u << SANDBOX_SESSION)
#define SSH  (A | C | S)
#define ALL  (E | D | SSH)
#define FORK (CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD)

struct allowed {
    int call;
    unsigned roles;
    uint64_t mask; /* these bits of the argument that decides … */
    uint64_t want; /* … have this value */
    unsigned arg;  /* which one, counted from 1; 0 = any */
    unsigned zero; /* another argument, counted from 1, that must be 0; 0 = none */
};

#define CALL_IF_ZERO(name, roles, arg, mask, want, zero)                                           \
    {                                                                                              \
        SCMP_SYS(name), roles, mask, want, arg, zero                                               \
    }
#define CALL_IF(name, roles, arg, mask, want) CALL_IF_ZERO(name, roles, arg, mask, want, 0)
#define CALL(name, roles)                     CALL_IF(name, roles, 0, 0, 0)

/* A forked process keeps the filters of its parents: access may what a connection may, and that
 * what a session may. */
static const struct allowed allowed[] = {
    /* descriptors that it was given */
    CALL(read, ALL), CALL(write, ALL), CALL(readv, ALL), CALL(writev, ALL), CALL(close, ALL),
    CALL(lseek, ALL), CALL(fcntl, ALL), CALL(dup, ALL), CALL(fstat, ALL),
    CALL_IF(newfstatat, ALL, 4, AT_EMPTY_PATH, AT_EMPTY_PATH), /* fstat() of glibc */
    CALL(recvfrom, ALL), CALL(recvmsg, ALL), CALL(sendto, ALL), CALL(sendmsg, ALL),
    /* waiting */
    CALL(poll, ALL), CALL(ppoll, ALL), CALL(select, ALL), CALL(pselect6, ALL),
    CALL(epoll_wait, E | D | A), CALL(epoll_pwait, E | D | A), CALL(epoll_ctl, E | D | A),
    CALL(epoll_create1, E | D | A), /* libevent's loop, and its wake-up for signals */
    CALL(pipe2, E | D | A), CALL(clock_nanosleep, ALL), CALL(nanosleep, ALL),
    CALL(restart_syscall, ALL),
    /* the clock, where the vDSO cannot tell it */
    CALL(clock_gettime, ALL), CALL(clock_getres, ALL), CALL(gettimeofday, ALL), CALL(time, ALL),
    /* memory, none of it executable */
    CALL(brk, ALL), CALL_IF(mmap, ALL, 3, PROT_EXEC, 0), CALL_IF(mprotect, ALL, 3, PROT_EXEC, 0),
    CALL(munmap, ALL), CALL(mremap, ALL), CALL(madvise, ALL),
    CALL(sysinfo, ALL), /* qsort() asks how much there is */
    /* signals to itself and the end: abort() needs the process's own numbers */
    CALL(rt_sigaction, ALL), CALL(rt_sigprocmask, ALL), CALL(rt_sigreturn, ALL), CALL(tgkill, ALL),
    CALL(getpid, ALL), CALL(gettid, ALL), CALL(exit, ALL), CALL(exit_group, ALL),
    /* locks; OpenSSL and libevent have some even without threads */
    CALL(futex, ALL), CALL(sched_yield, ALL), CALL(sched_getaffinity, ALL),
    CALL(set_robust_list, ALL), /* after a fork, and in a new thread */
    CALL(rseq, ALL),
    /* random numbers; libevent and OpenSSL look whether they run set-user-id */
    CALL(getrandom, ALL), CALL(getuid, ALL), CALL(geteuid, ALL), CALL(getgid, ALL),
    CALL(getegid, ALL),
    /* packets in batches, and options of the sockets that the launcher opened */
    CALL(recvmmsg, E | D), CALL(sendmmsg, E | D), CALL(setsockopt, E | D | A | C),
    CALL(getsockopt, E | D | A | C), CALL(getsockname, E | A | C), CALL(getpeername, A | C),
    CALL(shutdown, E | A | C),
    /* the engine: helper threads for key agreement and their wake-up */
    CALL_IF(clone, E, 1, CLONE_THREAD, CLONE_THREAD), CALL(eventfd2, E),
    /* their priority: of the thread that makes the call (0), no other process, no group or user */
    CALL_IF_ZERO(setpriority, E, 1, UINT64_MAX, PRIO_PROCESS, 2),
    /* the loop gives its real-time priority up, which it has for a limited time */
    CALL_IF_ZERO(sched_setscheduler, E, 2, UINT64_MAX, SCHED_OTHER | SCHED_RESET_ON_FORK, 1),
    CALL(sched_getscheduler, E), CALL_IF_ZERO(prlimit64, E, 2, UINT64_MAX, RLIMIT_RTTIME, 1),
    /* the engine: rtnetlink, to read links, addresses and routes; nothing else can be made */
    CALL_IF(socket, E, 1, UINT64_MAX, AF_NETLINK), CALL(bind, E),
    /* the engine: the configuration's text for the launcher, its journal */
    CALL(memfd_create, E), CALL(ftruncate, E), CALL(pread64, E), CALL(pwrite64, E),
    /* sessions on the CLI's listener, connections on the SSH listener */
    CALL(accept4, E | A),
    /* access forks a connection, that forks sessions: with channels, descriptors put in place,
     * and an end that is waited for or, when the client left, made */
    CALL_IF(clone, A | C, 1, UINT64_MAX, FORK), CALL(socketpair, A | C), CALL(dup2, A | C),
    CALL(close_range, A | C), CALL(wait4, A | C), CALL(kill, A | C),
    CALL(alarm, A | C), /* the time in which to authenticate */
    /* the engine: usrsctp gives the thread that it starts a name */
    CALL_IF(prctl, E, 1, UINT64_MAX, PR_SET_NAME),
    CALL_IF(prctl, SSH, 1, UINT64_MAX, PR_SET_PDEATHSIG), CALL(mlockall, SSH),
    CALL_IF(prlimit64, SSH, 3, UINT64_MAX, 0), /* locks are not inherited by a fork */
    CALL(seccomp, SSH),                        /* what was forked narrows its own filter */
};

#define REFUSE_UNLESS(name, roles, arg, except, err)                                               \
    {                                                                                              \
        SCMP_SYS(name), roles, err, arg, except                                                    \
    }
#define REFUSE(name, roles, err) REFUSE_UNLESS(name, roles, 0, 0, err)

static const struct refused {
    int call;
    unsigned roles;
    int err;
    unsigned arg;    /* this argument, counted from 1; 0 = any call … */
    uint64_t except; /* … has another value */
} refused[] = {
    /* Its flags lie in memory where no filter can look; glibc then takes clone(). */
    REFUSE(clone3, ALL, ENOSYS),
    /* In the empty directory that access lives in nothing is found: libssh asks for its moduli
     * at each group exchange, readline for /dev/null and the terminal's description. */
    REFUSE(open, SSH, ENOENT),
    REFUSE(openat, SSH, ENOENT),
    REFUSE(access, SSH, ENOENT),
    REFUSE(faccessat2, SSH, ENOENT),
    REFUSE(stat, SSH, ENOENT),
    REFUSE(readlink, SSH, ENOENT),
    /* readline asks its (absent) terminal */
    REFUSE(ioctl, SSH, ENOTTY),
    /* usrsctp asks for the devices of the host, which are nothing to it here */
    REFUSE_UNLESS(socket, E, 1, AF_NETLINK, EACCES),
};

struct sandbox_files {
    OSSL_LIB_CTX *lib;
};

struct sandbox_files *sandbox_prepare(void)
{
    struct sandbox_files *f = (struct sandbox_files *)calloc(1, sizeof(*f));
    setenv("TZ", ":/etc/localtime", 0); /* unset, it would be looked at again by each strftime() */
    tzset();
    json_object_seed(0); /* of the hashes of objects; it is read from a file */
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
    if (!f)
        return NULL;
    /* A module that is loaded is not opened again for another context. */
    f->lib = OSSL_LIB_CTX_new();
    if (f->lib && OSSL_PROVIDER_load(f->lib, "default"))
        OSSL_PROVIDER_load(f->lib, "legacy");
    return f;
}

void sandbox_release(struct sandbox_files *f)
{
    if (f)
        OSSL_LIB_CTX_free(f->lib);
    free(f);
}

static int refuse(scmp_filter_ctx f, const struct refused *r)
{
    const struct scmp_arg_cmp when = {.arg = r->arg - 1, .op = SCMP_CMP_NE, .datum_a = r->except};
    return seccomp_rule_add_array(f, SCMP_ACT_ERRNO((uint32_t)r->err), r->call, r->arg ? 1 : 0,
                                  &when);
}

static int add_rules(scmp_filter_ctx f, unsigned role)
{
    int err = 0;
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && !err; i++) {
        const struct allowed *a = &allowed[i];
        if (!(a->roles & role))
            continue;
        struct scmp_arg_cmp when[2] = {
            {.arg = a->arg - 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = a->mask, .datum_b = a->want},
            {.arg = a->zero - 1, .op = SCMP_CMP_EQ, .datum_a = 0}};
        unsigned n = !a->arg ? 0 : a->zero ? 2 : 1;
        err = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, a->call, n, when);
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]) && !err; i++)
        if (refused[i].roles & role)
            err = refuse(f, &refused[i]);
    return err;
}

int sandbox_enter(enum sandbox_role role)
{
    if (!ENFORCED)
        return 1;
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!f)
        return -ENOMEM;
    /* no_new_privs is set with the rights; calls of another ABI are as forbidden as any */
    int err = seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, 0);
    if (!err)
        err = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (!err)
        err = add_rules(f, 1u << role);
    if (!err)
        err = seccomp_load(f);
    seccomp_release(f);
    return err;
}

int sandbox_foreign(void)
{
    static const int granted[] = {SCMP_SYS(geteuid), SCMP_SYS(capset), SCMP_SYS(setgroups)};
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    if (!f)
        return -ENOMEM;
    int err = seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, 0);
    for (size_t i = 0; i < sizeof(granted) / sizeof(granted[0]) && !err; i++)
        err = seccomp_rule_add(f, SCMP_ACT_ERRNO(0), granted[i], 0);
    if (!err)
        err = seccomp_load(f);
    seccomp_release(f);
    return err;
}
