/* What a process may do: the user it becomes, and everything it gives up. */
#ifndef TANDEM_DAEMON_RIGHTS_H
#define TANDEM_DAEMON_RIGHTS_H

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
/* No core files; room for many descriptors. For the launcher, inherited by all. */
void rights_limits(void);

#endif
