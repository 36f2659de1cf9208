/* The access process: by now in an empty directory, as a user who may do nothing. */
#include "shell/access.h"
#include "daemon/rights.h"
#include "daemon/roles.h"
#include "daemon/sandbox.h"
#include <unistd.h>

static void confine(enum access_process p)
{
    rights_lock_memory(); /* a fork inherits no locks; access has said it where they are refused */
    if (sandbox_enter(p == ACCESS_SESSION ? SANDBOX_SESSION : SANDBOX_CONNECTION) < 0)
        _exit(1);
}

int role_access(void)
{
    return access_main(LAUNCH_FD, confine) ? 1 : 0;
}
