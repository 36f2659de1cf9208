/* The access process: by now in an empty directory, as a user who may do nothing. */
#include "shell/access.h"
#include "daemon/roles.h"

int role_access(void)
{
    return access_main(LAUNCH_FD) ? 1 : 0;
}
