/* What a process may do: the user it becomes, and everything it gives up. */
#ifndef TANDEM_DAEMON_RIGHTS_H
#define TANDEM_DAEMON_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct rights {
    uid_t uid;
    gid_t gid;
    const char *root; /* chroot into this directory first; NULL = stay */
};

/* Finds the user, or `nobody` where it does not exist. 0: found, 1: nobody taken instead, or
 * -errno. */
int rights_lookup(const char *user, struct rights *r);
/* Gives up root for good: chroot, groups, ids, all capabilities (bounding set too), no gain by
 * exec, no core, no ptrace by others, and death with the parent. On -errno *what says which step;
 * the process must then end. */
int rights_drop(const struct rights *r, const char **what);
/* For a program that is not ours and is executed next: becomes the user, with no capability, or
 * with just CAP_NET_RAW, which stays across the execution; no gain by exec, no core. 0 or -errno.
 */
int rights_foreign(const struct rights *r, bool raw);
/* No core files; room for many descriptors and for locked memory. For the launcher, inherited by
 * all. 0, or -errno when memory must stay under a limit and so will not be locked. */
int rights_limits(void);
/* The launcher stays root, with the few capabilities that its work needs; children start with no
 * more. What it lacks already (a container's root) is not asked for. 0 or -errno. */
int rights_keep_few(void);
/* The name of capability number n without its "cap_", NULL behind the last. For the shows. */
const char *rights_capability(unsigned n);
/* Secrets never go to swap: all memory, now and later, is locked as it is touched. 0 or -errno. */
int rights_lock_memory(void);

#endif
