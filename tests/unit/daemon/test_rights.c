/* What is left to a process that has dropped its rights. Each case runs in a process of its own. */
#include "daemon/rights.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* Runs fn in a child; its return value, or -1 when it was killed. */
static int in_child(int (*fn)(void *arg), void *arg)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn(arg));
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static bool status_says(const char *want)
{
    char buf[8192];
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
    if (n < 0)
        return false;
    buf[n] = '\0';
    close(fd);
    return strstr(buf, want) != NULL;
}

#define CHECK(step, condition)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return step;                                                                           \
    } while (0)

static int nothing_left(void *arg)
{
    struct rights r = {0};
    struct rlimit core, urgent;
    const char *what;
    int sig = 0;
    (void)arg;
    CHECK(1, rights_lookup("nobody", &r) == 0 && r.uid != 0);
    CHECK(2, rights_drop(&r, &what) == 0);
    CHECK(3, getuid() == r.uid && geteuid() == r.uid && getgid() == r.gid && getegid() == r.gid);
    CHECK(4, getgroups(0, NULL) == 0);
    CHECK(5, status_says("CapPrm:\t0000000000000000") && status_says("CapEff:\t0000000000000000"));
    CHECK(6, status_says("CapInh:\t0000000000000000") && status_says("CapBnd:\t0000000000000000"));
    CHECK(7, status_says("CapAmb:\t0000000000000000") && status_says("NoNewPrivs:\t1"));
    CHECK(8, prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    CHECK(9, getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
    CHECK(10, setuid(0) != 0 && seteuid(0) != 0 && setgid(0) != 0);
    CHECK(11, socket(AF_INET, SOCK_RAW, 1) < 0);
    CHECK(12, prctl(PR_GET_PDEATHSIG, &sig, 0, 0, 0) == 0 && sig == SIGKILL);
    CHECK(13, chroot("/") != 0);
    CHECK(14, getrlimit(RLIMIT_RTTIME, &urgent) == 0 && urgent.rlim_max <= 1000000);
    return 0;
}

static void drops_everything(void **state)
{
    (void)state;
    assert_int_equal(in_child(nothing_left, NULL), 0);
}

static int sees_nothing(void *arg)
{
    struct rights r = {0};
    const char *what;
    CHECK(1, rights_lookup("nobody", &r) == 0);
    r.root = (const char *)arg;
    CHECK(2, rights_drop(&r, &what) == 0);
    CHECK(3, open("/etc/passwd", O_RDONLY) < 0 && open("/proc/self/status", O_RDONLY) < 0);
    CHECK(4, open("../../../etc/passwd", O_RDONLY) < 0);
    CHECK(5, open("/file", O_WRONLY | O_CREAT, 0600) < 0);
    return 0;
}

static void chroot_is_empty(void **state)
{
    char dir[] = "/tmp/tandem-empty-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(in_child(sees_nothing, dir), 0);
    assert_int_equal(rmdir(dir), 0);
}

static int no_directory(void *arg)
{
    struct rights r = {.uid = 65534, .gid = 65534, .root = "/nonexistent/empty"};
    const char *what = "";
    (void)arg;
    CHECK(1, rights_drop(&r, &what) < 0);
    CHECK(2, strcmp(what, "chroot") == 0);
    return 0;
}

static void says_which_step_failed(void **state)
{
    (void)state;
    assert_int_equal(in_child(no_directory, NULL), 0);
}

/* All memory is locked, or nothing: a limit that is reached later would fail an allocation. */
static int locks_or_says_no(void *arg)
{
    struct rights r = {.uid = 65534, .gid = 65534};
    const char *what;
    (void)arg;
    int limited = rights_limits();
    int err = rights_lock_memory();
    CHECK(1, (err != 0) == (limited != 0));
    CHECK(2, err || !status_says("VmLck:\t       0 kB"));
    CHECK(3, rights_drop(&r, &what) == 0);
    volatile char *big = (volatile char *)malloc(64u << 20);
    CHECK(4, big != NULL);
    for (size_t i = 0; i < 64u << 20; i += 4096)
        big[i] = 1;
    return 0;
}

static void memory_is_locked_or_left_alone(void **state)
{
    (void)state;
    assert_int_equal(in_child(locks_or_says_no, NULL), 0);
}

static int keeps_few(void *arg)
{
    struct rights r = {.uid = 65534, .gid = 65534};
    const char *what;
    (void)arg;
    CHECK(1, rights_keep_few() == 0 && getuid() == 0);
    CHECK(2, status_says("CapEff:\t00000000008435e0") && status_says("CapBnd:\t00000000008435e0"));
    CHECK(3, mount("none", "/", NULL, MS_REMOUNT, NULL) < 0);
    CHECK(4, rights_keep_few() == 0); /* again is no harm */
    CHECK(5, socket(AF_INET, SOCK_RAW, 1) >= 0);
    CHECK(6, rights_drop(&r, &what) == 0 && status_says("CapEff:\t0000000000000000"));
    return 0;
}

static void the_launcher_keeps_few(void **state)
{
    (void)state;
    assert_int_equal(in_child(keeps_few, NULL), 0);
}

static void falls_back_to_nobody_and_never_to_root(void **state)
{
    struct rights r = {0};
    (void)state;
    assert_int_equal(rights_lookup("no-such-user-here", &r), 1);
    assert_true(r.uid != 0);
    assert_true(rights_lookup("root", &r) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drops_everything),
        cmocka_unit_test(chroot_is_empty),
        cmocka_unit_test(says_which_step_failed),
        cmocka_unit_test(memory_is_locked_or_left_alone),
        cmocka_unit_test(the_launcher_keeps_few),
        cmocka_unit_test(falls_back_to_nobody_and_never_to_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
