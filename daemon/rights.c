/* Dropping rights. See rights.h. */
#include "daemon/rights.h"
#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define OPEN_FILES 65536
/* A thread of real-time priority that does not wait for anything for so long has run away: the
 * process is killed before it takes the box along. */
#define URGENT_US 1000000

int rights_lookup(const char *user, struct rights *r)
{
    int instead = 0;
    errno = 0;
    const struct passwd *p = getpwnam(user);
    if (!p) {
        instead = 1;
        p = getpwnam("nobody");
    }
    if (!p)
        return errno ? -errno : -ENOENT;
    if (p->pw_uid == 0)
        return -EINVAL; /* there would be nothing to drop */
    r->uid = p->pw_uid;
    r->gid = p->pw_gid;
    return instead;
}

/* What the launcher does as root, and no more. */
static const struct {
    int capability;
    const char *why;
} keeps[] = {
    {CAP_NET_ADMIN, "TUNs, addresses, routes, rules, marks, settings below /proc/sys/net"},
    {CAP_NET_RAW, "raw sockets of ESP, AH and ICMP, packet sockets"},
    {CAP_NET_BIND_SERVICE, "UDP 500, TCP 22"},
    {CAP_SETUID, "children become their user"},
    {CAP_SETGID, "and their group"},
    {CAP_SETPCAP, "and empty their bounding set"},
    {CAP_SYS_CHROOT, "access locks itself into an empty directory"},
    {CAP_SYS_NICE, "the engine's loop, and the thread that sends hellos, go before other work"},
    {CAP_KILL, "children of another user are told to end"},
};
#define KEEPS (sizeof(keeps) / sizeof(keeps[0]))

int rights_keep_few(void)
{
    bool have[KEEPS];
    if (capng_get_caps_process() < 0)
        return -EPERM;
    for (size_t i = 0; i < KEEPS; i++)
        have[i] = capng_have_capability(CAPNG_PERMITTED, (unsigned)keeps[i].capability);
    capng_clear(CAPNG_SELECT_ALL);
    for (size_t i = 0; i < KEEPS; i++)
        if (have[i])
            capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
                         (unsigned)keeps[i].capability);
    /* The bounding set first, while the right to change it is there. */
    if (capng_apply(CAPNG_SELECT_BOUNDS) < 0 || capng_apply(CAPNG_SELECT_CAPS) < 0)
        return -EPERM;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

const char *rights_capability(unsigned n)
{
    return n <= (unsigned)CAP_LAST_CAP ? capng_capability_to_name(n) : NULL;
}

int rights_lock_memory(void)
{
    struct rlimit now;
    /* Under a limit the allocation that reaches it would fail, which is worse than swap. */
    if (getrlimit(RLIMIT_MEMLOCK, &now) < 0 || now.rlim_cur != RLIM_INFINITY)
        return -EPERM;
    /* On fault: a stack or an arena that is reserved and never touched costs nothing. */
    return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0 ? -errno : 0;
}

int rights_drop(const struct rights *r, const char **what)
{
    struct rlimit no_core = {0, 0}, urgent = {URGENT_US, URGENT_US};
    *what = "chroot";
    if (r->root && (chroot(r->root) < 0 || chdir("/") < 0))
        return -errno;
    *what = "capabilities";
    capng_clear(CAPNG_SELECT_ALL);
    if (capng_apply(CAPNG_SELECT_BOUNDS) < 0)
        return -EPERM;
    *what = "groups";
    if (setgroups(0, NULL) < 0)
        return -errno;
    *what = "group id";
    if (setresgid(r->gid, r->gid, r->gid) < 0)
        return -errno;
    *what = "user id"; /* leaving uid 0 empties the permitted and effective sets */
    if (setresuid(r->uid, r->uid, r->uid) < 0)
        return -errno;
    *what = "capabilities after the change of user";
    if (capng_get_caps_process() < 0 || capng_have_capabilities(CAPNG_SELECT_CAPS) > CAPNG_NONE)
        return -EPERM;
    *what = "prctl";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return -errno;
    *what = "core limit";
    if (setrlimit(RLIMIT_CORE, &no_core) < 0)
        return -errno;
    *what = "limit of real time";
    if (setrlimit(RLIMIT_RTTIME, &urgent) < 0)
        return -errno;
    *what = "return to root that should be impossible";
    return setuid(0) == 0 ? -EPERM : 0;
}

int rights_foreign(const struct rights *r, bool raw)
{
    const capng_type_t keep = CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE;
    struct rlimit no_core = {0, 0};
    capng_clear(CAPNG_SELECT_ALL);
    if (raw)
        capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, CAP_NET_RAW);
    if (capng_apply(CAPNG_SELECT_BOUNDS) < 0)
        return -EPERM;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
        setresgid(r->gid, r->gid, r->gid) < 0 || setresuid(r->uid, r->uid, r->uid) < 0)
        return -errno;
    capng_clear(CAPNG_SELECT_CAPS);
    if (raw)
        capng_update(CAPNG_ADD, keep, CAP_NET_RAW);
    if (capng_apply(CAPNG_SELECT_CAPS) < 0)
        return -EPERM;
    if (raw && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) < 0)
        return -errno;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0)
        return -errno;
    return 0;
}

int rights_limits(void)
{
    struct rlimit no_core = {0, 0}, files = {OPEN_FILES, OPEN_FILES}, now;
    struct rlimit locked = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &no_core);
    if (getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_max < OPEN_FILES &&
        setrlimit(RLIMIT_NOFILE, &files) < 0)
        files.rlim_max = now.rlim_max; /* a container's limit */
    else if (now.rlim_max > OPEN_FILES)
        files.rlim_max = now.rlim_max;
    files.rlim_cur = OPEN_FILES < files.rlim_max ? OPEN_FILES : files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return setrlimit(RLIMIT_MEMLOCK, &locked) < 0 ? -errno : 0;
}
