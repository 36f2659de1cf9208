/* Starting a child: this binary again, in another role. */
#ifndef TANDEM_DAEMON_SPAWN_H
#define TANDEM_DAEMON_SPAWN_H

#include "daemon/rights.h"
#include "lib/launchproto.h"
#include <stdbool.h>

const char *role_name(enum launch_role role);
enum launch_role role_by_name(const char *name); /* 0: unknown */

/* Forks and executes the binary `exe` (a descriptor) as "tandemd: ROLE" with `fd` as LAUNCH_FD and
 * no other descriptor beyond 2. The new process is to become r and, when root is not NULL, to
 * chroot there; it is told so on its command line and does it itself (role_run). pid or -errno. */
int spawn_role(int exe, enum launch_role role, const struct rights *r, const char *root, int fd);

/* Runs a program that is not ours as r, with no rights, or with just CAP_NET_RAW; what it
 * prints goes to `out` (-1: nowhere). It ends with us. pid or -errno. */
int spawn_foreign(const char *const *argv, const struct rights *r, bool raw, int out);

/* Which of our protocols a build speaks: its processes understand those of another build when
 * these are equal. */
struct protocols {
    unsigned launch, sadb; /* LAUNCH_VERSION, SADB_VERSION */
};
/* Asks the binary `exe` (tandemd --protocols), which has two seconds. 0, or -errno: it does not
 * run here, or answers something else. */
int spawn_protocols(int exe, struct protocols *out);

#endif
