/* Preparations. See prepare.h. */
#include "daemon/prepare.h"
#include "daemon/serial.h"
#include "daemon/sockets.h"
#include "lib/str.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AREA "launcher"

static int make_dir(struct log *log, const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0 || errno == EEXIST)
        return 0;
    log_line(log, LOGL_ERROR, AREA, "cannot make the directory %s: %s", path, strerror(errno));
    return -errno;
}

/* The directory that the access process is locked into belongs to nobody but root. */
static int check_empty(struct log *log, const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 && !(st.st_mode & 022))
        return 0;
    log_line(log, LOGL_ERROR, AREA, "%s must be a directory that only root may write to; remove it",
             path);
    return -EPERM;
}

static int make_dirs(const struct launcher_opts *o, struct log *log, struct prepared *p)
{
    if (snprintf(p->empty_dir, sizeof(p->empty_dir), "%s/empty", o->run_dir) >=
        (int)sizeof(p->empty_dir)) {
        log_line(log, LOGL_ERROR, AREA, "the name of the --run directory is too long");
        return -ENAMETOOLONG;
    }
    if (make_dir(log, o->state_dir, 0700) || make_dir(log, o->run_dir, 0755) ||
        make_dir(log, p->empty_dir, 0555) || check_empty(log, p->empty_dir))
        return -1;
    p->state_dir = open(o->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->state_dir >= 0)
        return 0;
    log_line(log, LOGL_ERROR, AREA, "cannot open the directory %s: %s", o->state_dir,
             strerror(errno));
    return -1;
}

/* What show version says, where the command line does not. */
static void describe_box(const struct launcher_opts *o, struct log *log, struct prepared *p)
{
    struct lm_box *b = &p->box;
    *b = o->box;
    if (!b->version[0])
        str_copy(b->version, sizeof(b->version), b->asa ? "9.16(2)" : "15.2(4)S1");
    int err = b->serial[0] ? 0 : serial_get(p->state_dir, b->serial, sizeof(b->serial));
    if (err)
        log_line(log, LOGL_WARNING, AREA, "no serial number: %s/%s: %s", o->state_dir, SERIAL_FILE,
                 strerror(-err));
}

static int find_user(const struct launcher_opts *o, struct log *log, struct prepared *p)
{
    int found = rights_lookup(o->user, &p->rights);
    if (found == 1)
        log_line(log, LOGL_NOTICE, AREA,
                 "there is no user %s: the children run as nobody (adduser --system %s)", o->user,
                 o->user);
    if (found < 0)
        log_line(log, LOGL_ERROR, AREA, "no user to run the children as (%s): %s", o->user,
                 found == -EINVAL ? "it is root" : strerror(-found));
    return found < 0 ? found : 0;
}

static int lock_namespace(struct log *log, struct prepared *p)
{
    p->lock = namespace_lock();
    if (p->lock >= 0)
        return 0;
    log_line(log, LOGL_ERROR, AREA, "%s",
             p->lock == -EADDRINUSE
                 ? "another tandemd runs in this network namespace; stop it first"
                 : strerror(-p->lock));
    return -1;
}

int prepare(const struct launcher_opts *o, struct log *log, struct prepared *p)
{
    if (geteuid() != 0) {
        log_line(log, LOGL_ERROR, AREA, "tandemd must be started as root");
        return -EPERM;
    }
    int err = rights_limits();
    if (err)
        log_line(log, LOGL_NOTICE, AREA,
                 "memory cannot be locked, keys may go to swap: the limit (RLIMIT_MEMLOCK) may not "
                 "be raised here: %s",
                 strerror(-err));
    signal(SIGPIPE, SIG_IGN); /* a log that nobody reads any more is no reason to die */
    err = rights_keep_few();
    if (err) {
        log_line(log, LOGL_ERROR, AREA, "cannot give up what is not needed of root: %s",
                 strerror(-err));
        return err;
    }
    if (lock_namespace(log, p) || find_user(o, log, p) || make_dirs(o, log, p))
        return -1;
    describe_box(o, log, p);
    return 0;
}

void prepared_free(struct prepared *p)
{
    if (p->state_dir >= 0)
        close(p->state_dir);
    if (p->lock >= 0)
        close(p->lock);
}
