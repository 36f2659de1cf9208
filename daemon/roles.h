/* A child's life: it drops its rights and most system calls, then runs its room's main until the
 * launcher is gone. */
#ifndef TANDEM_DAEMON_ROLES_H
#define TANDEM_DAEMON_ROLES_H

#include "daemon/rights.h"
#include "lib/launchproto.h"

/* Returns the exit status. */
int role_run(enum launch_role role, const struct rights *r);

int engine_main(int launch_fd);
int role_datapath(void);
int role_access(void);

#endif
