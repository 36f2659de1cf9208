/* See build.h. */
#include "daemon/build.h"
#include "dataplane/sadb.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int build_running(struct build *b, struct log *log)
{
    ssize_t n = readlink("/proc/self/exe", b->path, sizeof(b->path) - 1);
    b->path[n > 0 ? n : 0] = '\0';
    b->speaks = (struct protocols){.launch = LAUNCH_VERSION, .sadb = SADB_VERSION};
    b->fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    if (b->fd >= 0)
        return 0;
    log_line(log, LOGL_ERROR, "launcher", "cannot open the program itself: %s; is /proc mounted?",
             strerror(errno));
    return -1;
}

int build_next(struct build *b, struct log *log, bool *other_sadb)
{
    struct protocols speaks = {0};
    int fd = open(b->path, O_PATH | O_CLOEXEC);
    int err = fd < 0 ? -errno : spawn_protocols(fd, &speaks);
    if (!err && speaks.launch == LAUNCH_VERSION) {
        *other_sadb = speaks.sadb != b->speaks.sadb;
        close(b->fd);
        b->fd = fd;
        b->speaks = speaks;
        return 0;
    }
    if (err)
        log_line(log, LOGL_ERROR, "launcher", "%s: %s; nothing is replaced", b->path,
                 strerror(-err));
    else
        log_line(log, LOGL_ERROR, "launcher",
                 "%s talks to its launcher otherwise; the box has to be started anew for it",
                 b->path);
    if (fd >= 0)
        close(fd);
    return -1;
}

void build_close(struct build *b)
{
    if (b->fd >= 0)
        close(b->fd);
    b->fd = -1;
}
