/* The datapath process: nothing of ours but the way there. */
#include "dataplane/datapath.h"
#include "daemon/roles.h"

int role_datapath(void)
{
    return datapath_main(LAUNCH_FD) ? 1 : 0;
}
