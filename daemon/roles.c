/* See roles.h. */
#include "daemon/roles.h"
#include "daemon/spawn.h"
#include "lib/log.h"
#include "shell/access.h"
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int role_run(enum launch_role role, const struct rights *r)
{
    const char *what;
    struct log log;
    log_init(&log, role_name(role), STDERR_FILENO, LOGL_NOTICE);
    prctl(PR_SET_NAME, "tandemd", 0, 0, 0); /* "exe" says nothing in ps and top */
    if (role == ROLE_ACCESS)
        access_prepare();
    int err = rights_drop(r, &what);
    if (err) {
        log_line(&log, LOGL_ERROR, "rights", "cannot give up root (%s): %s; not starting", what,
                 strerror(-err));
        return 1;
    }
    switch (role) {
    case ROLE_ENGINE:
        return engine_main(LAUNCH_FD);
    case ROLE_DATAPATH:
        return role_datapath();
    case ROLE_ACCESS:
        return role_access();
    }
    return 1;
}
