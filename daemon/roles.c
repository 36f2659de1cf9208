/* See roles.h. */
#include "daemon/roles.h"
#include "daemon/sandbox.h"
#include "daemon/spawn.h"
#include "lib/log.h"
#include "shell/access.h"
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* From the rights of root to those of the role. 0 or negative, said on the log. */
static int confine(enum launch_role role, const struct rights *r, struct log *log)
{
    static const enum sandbox_role sandbox[] = {[ROLE_ENGINE] = SANDBOX_ENGINE,
                                                [ROLE_DATAPATH] = SANDBOX_DATAPATH,
                                                [ROLE_ACCESS] = SANDBOX_ACCESS};
    const char *what;
    rights_lock_memory(); /* where it is refused, the launcher has said so */
    int err = rights_drop(r, &what);
    if (err) {
        log_line(log, LOGL_ERROR, "rights", "cannot give up root (%s): %s; not starting", what,
                 strerror(-err));
        return err;
    }
    err = sandbox_enter(sandbox[role]);
    if (err < 0)
        log_line(log, LOGL_ERROR, "rights", "no system call filter: %s; not starting",
                 strerror(-err));
    if (err > 0)
        log_line(log, LOGL_WARNING, "rights",
                 "built with AddressSanitizer: there is no system call filter");
    return err < 0 ? err : 0;
}

static int run(enum launch_role role)
{
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

int role_run(enum launch_role role, const struct rights *r)
{
    struct log log;
    log_init(&log, role_name(role), STDERR_FILENO, LOGL_NOTICE);
    prctl(PR_SET_NAME, "tandemd", 0, 0, 0); /* "exe" says nothing in ps and top */
    struct sandbox_files *files = sandbox_prepare();
    if (role == ROLE_ACCESS)
        access_prepare();
    int status = confine(role, r, &log) ? 1 : run(role);
    sandbox_release(files);
    return status;
}
