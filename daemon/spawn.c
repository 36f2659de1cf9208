/*
 * Starting a child. See spawn.h.
 *
 * A fresh execution gives each role its own address space layout, and leaves nothing of the
 * launcher in its memory. Its command line says which role it is, so that ps and tests can tell;
 * its environment is empty but for the time zone and the sanitizers' options.
 */
#include "daemon/spawn.h"
#include "daemon/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS 2000

static const char *const role_names[] = {
    [ROLE_ENGINE] = "engine", [ROLE_DATAPATH] = "datapath", [ROLE_ACCESS] = "access"};

const char *role_name(enum launch_role role)
{
    return role_names[role];
}

enum launch_role role_by_name(const char *name)
{
    for (unsigned r = ROLE_ENGINE; r <= ROLE_ACCESS; r++)
        if (strcmp(name, role_names[r]) == 0)
            return (enum launch_role)r;
    return (enum launch_role)0;
}

static void default_signals(void)
{
    for (int s = 1; s < NSIG; s++)
        signal(s, s == SIGPIPE ? SIG_IGN : SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void execute(int exe, char **argv, char **env)
{
    default_signals();
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    execveat(exe, "", argv, env, AT_EMPTY_PATH);
    _exit(127);
}

/* Runs in the new process. Does not return. */
static void become(int exe, enum launch_role role, const struct rights *r, const char *root, int fd)
{
    char title[32], ids[32], *argv[8], *env[4];
    size_t n = 0, e = 0;
    static const char *const keep[] = {"TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS"};
    char kept[sizeof(keep) / sizeof(keep[0])][256];
    snprintf(title, sizeof(title), "tandemd: %s", role_name(role));
    snprintf(ids, sizeof(ids), "%u:%u", (unsigned)r->uid, (unsigned)r->gid);
    argv[n++] = title;
    argv[n++] = (char *)(uintptr_t) "--role";
    argv[n++] = (char *)(uintptr_t)role_name(role);
    argv[n++] = (char *)(uintptr_t) "--drop";
    argv[n++] = ids;
    if (root) {
        argv[n++] = (char *)(uintptr_t) "--root";
        argv[n++] = (char *)(uintptr_t)root;
    }
    argv[n] = NULL;
    for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
        const char *v = getenv(keep[i]);
        if (v && snprintf(kept[e], sizeof(kept[e]), "%s=%s", keep[i], v) < (int)sizeof(kept[e])) {
            env[e] = kept[e];
            e++;
        }
    }
    env[e] = NULL;
    setsid(); /* a Ctrl-C at the launcher's terminal is the launcher's alone */
    if (exe == LAUNCH_FD)
        exe = fcntl(exe, F_DUPFD_CLOEXEC, LAUNCH_FD + 1);
    if (fd == LAUNCH_FD)
        fcntl(fd, F_SETFD, 0);
    else if (dup2(fd, LAUNCH_FD) < 0)
        _exit(126);
    close_range(LAUNCH_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    execute(exe, argv, env);
}

/* 0 in the child, as fork(). The child must not run the launcher's handlers before it executes. */
static pid_t fork_quietly(void)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    int err = errno;
    if (pid != 0)
        sigprocmask(SIG_SETMASK, &before, NULL);
    errno = err;
    return pid;
}

int spawn_role(int exe, enum launch_role role, const struct rights *r, const char *root, int fd)
{
    pid_t pid = fork_quietly();
    if (pid == 0)
        become(exe, role, r, root, fd);
    return pid < 0 ? -errno : (int)pid;
}

/* Runs in the new process. Does not return. */
static void become_foreign(const char *const *argv, const struct rights *r, bool raw, int out)
{
    static char path[] = "PATH=/usr/bin:/bin";
    char *env[] = {path, NULL};
    if (out < 0)
        out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    setsid();
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
        _exit(126);
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    default_signals();
    if (rights_foreign(r, raw) < 0 || sandbox_foreign() < 0)
        _exit(125);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    execve(argv[0], (char *const *)(uintptr_t)argv, env);
    _exit(127);
}

int spawn_foreign(const char *const *argv, const struct rights *r, bool raw, int out)
{
    pid_t pid = fork_quietly();
    if (pid == 0)
        become_foreign(argv, r, raw, out);
    return pid < 0 ? -errno : (int)pid;
}

/* --- which build it is --------------------------------------------------------------------------
 */

static void ask(int exe, int out)
{
    char name[] = "tandemd", option[] = "--protocols";
    char *argv[] = {name, option, NULL}, *env[] = {NULL};
    if (dup2(out, STDOUT_FILENO) < 0)
        _exit(126);
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    execute(exe, argv, env);
}

/* One line, as tandemd --protocols prints it. */
static int read_answer(int fd, struct protocols *out)
{
    char line[64];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, ANSWER_MS) != 1)
        return -ETIMEDOUT;
    ssize_t n = read(fd, line, sizeof(line) - 1);
    line[n > 0 ? n : 0] = '\0';
    return sscanf(line, "launch %u sadb %u", &out->launch, &out->sadb) == 2 ? 0 : -ENOEXEC;
}

int spawn_protocols(int exe, struct protocols *out)
{
    int pipe_fd[2];
    if (pipe2(pipe_fd, O_CLOEXEC) < 0)
        return -errno;
    pid_t pid = fork_quietly();
    if (pid == 0)
        ask(exe, pipe_fd[1]);
    int err = pid < 0 ? -errno : 0;
    close(pipe_fd[1]);
    if (!err) {
        err = read_answer(pipe_fd[0], out);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    close(pipe_fd[0]);
    return err;
}
