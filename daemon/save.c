/*
 * Saving. See save.h.
 *
 * The text goes to a temporary file beside the target, fsync() makes it lasting, rename() puts
 * it in place, and fsync() of the directory makes the rename lasting. A temporary file that a
 * crash left behind is removed by the next save.
 */
#include "daemon/save.h"
#include "lib/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool save_name_ok(const char *name, size_t cap)
{
    static const char *const names[] = {"startup-config"};
    if (strnlen(name, cap) == cap)
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int copy(int to, int from, size_t len)
{
    char buf[16384]; /* may hold pre-shared keys */
    int err = 0;
    off_t at = 0;
    while (!err && (size_t)at < len) {
        size_t want = len - (size_t)at < sizeof(buf) ? len - (size_t)at : sizeof(buf);
        ssize_t n = pread(from, buf, want, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) { /* shorter than it was: its owner is still writing */
            err = n < 0 ? -errno : -EAGAIN;
            break;
        }
        err = write_all(to, buf, (size_t)n);
        at += n;
    }
    mem_wipe(buf, sizeof(buf));
    return err;
}

/* Opens the temporary file of name. */
static int temp_open(int dir, const char *name, char *temp, size_t cap)
{
    if (snprintf(temp, cap, ".%s.new", name) >= (int)cap)
        return -ENAMETOOLONG;
    if (unlinkat(dir, temp, 0) < 0 && errno != ENOENT)
        return -errno;
    int fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

/* Makes the temporary file the file. Takes fd; err: what went wrong before. */
static int temp_commit(int dir, const char *name, const char *temp, int fd, int err)
{
    if (!err && fsync(fd) < 0)
        err = -errno;
    if (close(fd) < 0 && !err)
        err = -errno;
    if (!err && renameat(dir, temp, dir, name) < 0)
        err = -errno;
    if (err)
        unlinkat(dir, temp, 0);
    else if (fsync(dir) < 0)
        err = -errno;
    return err;
}

int save_bytes(int dir, const char *name, const void *data, size_t len)
{
    char temp[64];
    int fd = temp_open(dir, name, temp, sizeof(temp));
    if (fd < 0)
        return fd;
    return temp_commit(dir, name, temp, fd, write_all(fd, (const char *)data, len));
}

int save_fd(int dir, const char *name, int from)
{
    struct stat st;
    char temp[64];
    if (fstat(from, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (st.st_size > (off_t)SAVE_MAX)
        return -EFBIG;
    int fd = temp_open(dir, name, temp, sizeof(temp));
    if (fd < 0)
        return fd;
    return temp_commit(dir, name, temp, fd, copy(fd, from, (size_t)st.st_size));
}

int save_erase(int dir, const char *name)
{
    if (unlinkat(dir, name, 0) < 0)
        return errno == ENOENT ? 0 : -errno;
    return fsync(dir) < 0 ? -errno : 0;
}
