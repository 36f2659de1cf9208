/*
 * Texts and questions that go to the launcher and back: configurations to be saved or kept for a
 * successor, the list of processes, a reload.
 */
#include "control/priv.h"
#include "lib/str.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A memfd with this text, to be read from its start. fd or -errno. */
static int text_fd(const char *name, const void *text, size_t len)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    for (size_t at = 0; at < len;) {
        ssize_t n = write(fd, (const char *)text + at, len - at);
        if (n < 0 && errno != EINTR) {
            int err = -errno;
            close(fd);
            return err;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

int control_save(struct control *c, const char *name, const void *text, size_t len,
                 void (*fn)(void *ctx, int err), void *ctx)
{
    struct lr_save r;
    memset(&r, 0, sizeof(r));
    if (!str_copy(r.name, sizeof(r.name), name))
        return -ENAMETOOLONG;
    int fd = text_fd("tandem-save", text, len);
    if (fd < 0)
        return fd;
    int err = launch_call(&c->launch, LR_SAVE, &r, sizeof(r), fd, fn, ctx);
    close(fd);
    return err;
}

int control_keep(struct control *c, const void *text, size_t len)
{
    struct lr_keep r;
    memset(&r, 0, sizeof(r));
    int fd = text_fd("tandem-running", text, len);
    if (fd < 0)
        return fd;
    int err = launch_call(&c->launch, LR_KEEP, &r, sizeof(r), fd, NULL, NULL);
    close(fd);
    return err;
}

int control_processes(struct control *c, void (*fn)(void *ctx, int err), void *ctx)
{
    struct lr_processes r = {0};
    return launch_call(&c->launch, LR_PROCESSES, &r, sizeof(r), -1, fn, ctx);
}

/* The reply follows at once on the same channel; control_launcher_reply() forgets the list. */
void control_launcher_processes(struct control *c, const void *list, size_t len)
{
    size_t n = len / sizeof(struct lm_process);
    free(c->processes);
    c->processes =
        n && n <= PROCESSES_MAX ? (struct lm_process *)calloc(n, sizeof(*c->processes)) : NULL;
    c->n_processes = c->processes ? n : 0;
    if (c->processes)
        memcpy(c->processes, list, n * sizeof(*c->processes));
}

int control_erase(struct control *c, const char *name, void (*fn)(void *ctx, int err), void *ctx)
{
    struct lr_save r;
    memset(&r, 0, sizeof(r));
    r.erase = 1;
    if (!str_copy(r.name, sizeof(r.name), name))
        return -ENAMETOOLONG;
    return launch_call(&c->launch, LR_SAVE, &r, sizeof(r), -1, fn, ctx);
}

void control_reload(struct control *c)
{
    struct lr_reload r;
    memset(&r, 0, sizeof(r));
    if (sso_leave(c))
        return;
    keyex_clear(c, NULL, 0); /* peers are told before we go */
    if (launch_call(&c->launch, LR_RELOAD, &r, sizeof(r), -1, NULL, NULL) < 0)
        log_line(c->o.log, LOGL_ERROR, "control", "the launcher cannot be asked to reload");
}
