/*
 * Framed messages over unix stream sockets. See ipc.h.
 *
 * Sending: a frame is written at once as far as the socket takes it; the rest waits in a list
 * of chunks. Descriptors travel with the first byte of their frame. Receiving: bytes collect in
 * one buffer, descriptors in one queue; the kernel keeps both in order, so a frame's fds are the
 * next `nfds` of the queue when its last byte is there.
 */
#include "lib/ipc.h"
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define HDR           sizeof(struct ipc_header)
#define FD_QUEUE      32
#define LIMIT         (4u * 1024 * 1024)
#define READS_AT_ONCE 32

struct chunk {
    struct chunk *next;
    size_t off, len;
    unsigned nfds;
    int fds[IPC_MAX_FDS];
    uint8_t data[];
};

struct ipc {
    struct event_base *base;
    struct event *rd, *wr;
    int fd;
    ipc_msg_fn *on_msg;
    ipc_closed_fn *on_closed;
    void *ctx;
    uint8_t *in;
    size_t in_len, in_cap;
    int in_fds[FD_QUEUE];
    unsigned n_in_fds;
    struct chunk *out, **out_tail;
    size_t pending, limit, low;
    void (*drained)(struct ipc *c, void *ctx);
    unsigned busy; /* handlers running; freeing waits for 0 */
    bool paused, broken, dead;
};

long ipc_decode(const uint8_t *data, size_t len, struct ipc_header *hdr)
{
    if (len < HDR)
        return 0;
    memcpy(hdr, data, HDR);
    if (hdr->len > IPC_MAX_PAYLOAD || hdr->nfds > IPC_MAX_FDS)
        return -1;
    return len - HDR < hdr->len ? 0 : (long)(HDR + hdr->len);
}

static void close_all(int *fds, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static void destroy(struct ipc *c)
{
    if (c->rd)
        event_free(c->rd);
    if (c->wr)
        event_free(c->wr);
    while (c->out) {
        struct chunk *k = c->out;
        c->out = k->next;
        close_all(k->fds, k->nfds);
        explicit_bzero(k->data, k->len);
        free(k);
    }
    close_all(c->in_fds, c->n_in_fds);
    if (c->in)
        explicit_bzero(c->in, c->in_cap); /* keys and passwords pass through */
    free(c->in);
    close(c->fd);
    free(c);
}

void ipc_free(struct ipc *c)
{
    if (!c)
        return;
    c->dead = true;
    if (!c->busy)
        destroy(c);
}

/* The peer is gone or broke the rules: tell the owner once. */
static void fail(struct ipc *c)
{
    if (c->broken || c->dead)
        return;
    c->broken = true;
    if (c->rd)
        event_del(c->rd);
    if (c->wr)
        event_del(c->wr);
    if (c->on_closed) {
        c->busy++;
        c->on_closed(c, c->ctx);
        c->busy--;
    }
}

static void leave(struct ipc *c)
{
    if (c->dead && !c->busy)
        destroy(c);
}

/* --- sending ---------------------------------------------------------------------------- */

static ssize_t write_chunk(struct ipc *c, struct chunk *k)
{
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(sizeof(int) * IPC_MAX_FDS)];
    } ctl;
    struct iovec iov = {.iov_base = k->data + k->off, .iov_len = k->len - k->off};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (k->nfds) {
        memset(&ctl, 0, sizeof(ctl));
        m.msg_control = ctl.room;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * k->nfds);
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(sizeof(int) * k->nfds);
        memcpy(CMSG_DATA(h), k->fds, sizeof(int) * k->nfds);
    }
    ssize_t n;
    do
        n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n > 0 && k->nfds) {
        close_all(k->fds, k->nfds);
        k->nfds = 0;
    }
    return n;
}

/* Writes what waits. 0, or -errno when the socket is of no more use. */
static int flush(struct ipc *c)
{
    while (c->out) {
        struct chunk *k = c->out;
        ssize_t n = write_chunk(c, k);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (c->base)
                return event_add(c->wr, NULL) == 0 ? 0 : -ENOMEM;
            struct pollfd p = {.fd = c->fd, .events = POLLOUT};
            poll(&p, 1, -1);
            continue;
        }
        if (n < 0)
            return -errno;
        k->off += (size_t)n;
        c->pending -= (size_t)n;
        if (k->off == k->len) {
            c->out = k->next;
            if (!c->out)
                c->out_tail = &c->out;
            explicit_bzero(k->data, k->len);
            free(k);
        }
    }
    return 0;
}

static struct chunk *chunk_new(uint16_t type, const void *a, size_t alen, const void *b,
                               size_t blen, const int *fds, unsigned nfds)
{
    struct ipc_header h = {.len = (uint32_t)(alen + blen), .type = type, .nfds = (uint16_t)nfds};
    struct chunk *k = (struct chunk *)malloc(sizeof(*k) + HDR + alen + blen);
    if (!k)
        return NULL;
    *k = (struct chunk){.len = HDR + alen + blen};
    memcpy(k->data, &h, HDR);
    if (alen)
        memcpy(k->data + HDR, a, alen);
    if (blen)
        memcpy(k->data + HDR + alen, b, blen);
    for (; k->nfds < nfds; k->nfds++) {
        k->fds[k->nfds] = fcntl(fds[k->nfds], F_DUPFD_CLOEXEC, 0);
        if (k->fds[k->nfds] < 0) {
            close_all(k->fds, k->nfds);
            free(k);
            return NULL;
        }
    }
    return k;
}

static int send_all(struct ipc *c, uint16_t type, const void *a, size_t alen, const void *b,
                    size_t blen, const int *fds, unsigned nfds)
{
    if (c->broken || c->dead)
        return -EPIPE;
    if (alen > IPC_MAX_PAYLOAD || blen > IPC_MAX_PAYLOAD - alen || nfds > IPC_MAX_FDS)
        return -EMSGSIZE;
    if (c->pending + HDR + alen + blen > c->limit)
        return -ENOBUFS;
    struct chunk *k = chunk_new(type, a, alen, b, blen, fds, nfds);
    if (!k)
        return -ENOBUFS;
    bool idle = c->out == NULL;
    *c->out_tail = k;
    c->out_tail = &k->next;
    c->pending += k->len;
    if (!idle)
        return 0;
    int err = flush(c);
    /* The reader sees the end of the stream too and tells the owner from the loop. */
    return err;
}

int ipc_send(struct ipc *c, uint16_t type, const void *data, size_t len)
{
    return send_all(c, type, data, len, NULL, 0, NULL, 0);
}

int ipc_send_fds(struct ipc *c, uint16_t type, const void *data, size_t len, const int *fds,
                 unsigned nfds)
{
    return send_all(c, type, data, len, NULL, 0, fds, nfds);
}

int ipc_send2(struct ipc *c, uint16_t type, const void *a, size_t alen, const void *b, size_t blen)
{
    return send_all(c, type, a, alen, b, blen, NULL, 0);
}

size_t ipc_pending(const struct ipc *c)
{
    return c->pending;
}

void ipc_set_limit(struct ipc *c, size_t bytes)
{
    c->limit = bytes;
}

void ipc_on_drained(struct ipc *c, size_t low, void (*fn)(struct ipc *c, void *ctx))
{
    c->low = low;
    c->drained = fn;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct ipc *c = (struct ipc *)arg;
    (void)fd;
    (void)what;
    size_t before = c->pending;
    c->busy++;
    if (flush(c) < 0)
        fail(c);
    else if (c->drained && before > c->low && c->pending <= c->low)
        c->drained(c, c->ctx);
    c->busy--;
    leave(c);
}

/* --- receiving --------------------------------------------------------------------------- */

/* One complete frame at the front of the buffer goes to the handler. */
static void deliver(struct ipc *c, const struct ipc_header *h)
{
    struct ipc_msg m = {.type = h->type, .data = c->in + HDR, .len = h->len, .nfds = h->nfds};
    for (unsigned i = 0; i < h->nfds; i++)
        m.fds[i] = c->in_fds[i];
    c->n_in_fds -= h->nfds;
    memmove(c->in_fds, c->in_fds + h->nfds, c->n_in_fds * sizeof(int));
    if (c->on_msg)
        c->on_msg(c, &m, c->ctx);
    close_all(m.fds, m.nfds);
}

/* Delivers complete frames; `most` bounds them. Returns how many, or -1 for a broken stream. */
static int dispatch(struct ipc *c, int most)
{
    size_t at = 0;
    int done = 0;
    c->busy++;
    while (done < most && !c->dead && !c->broken && !c->paused) {
        struct ipc_header h;
        long n = c->in ? ipc_decode(c->in + at, c->in_len - at, &h) : 0;
        if (n < 0 || (n > 0 && h.nfds > c->n_in_fds)) {
            done = -1;
            break;
        }
        if (n == 0)
            break;
        /* deliver() looks at the front of the buffer: move its view, not the bytes */
        uint8_t *base = c->in;
        c->in += at;
        deliver(c, &h);
        c->in = base;
        at += (size_t)n;
        done++;
    }
    if (at) {
        memmove(c->in, c->in + at, c->in_len - at);
        c->in_len -= at;
        explicit_bzero(c->in + c->in_len, at); /* what was moved away or consumed */
    }
    c->busy--;
    return done;
}

static int make_room(struct ipc *c)
{
    if (c->in_cap - c->in_len >= 4096)
        return 0;
    size_t cap = c->in_cap ? c->in_cap * 2 : 16384;
    if (cap > 2 * (HDR + IPC_MAX_PAYLOAD))
        return c->in_cap > c->in_len ? 0 : -ENOBUFS;
    uint8_t *p = (uint8_t *)malloc(cap);
    if (!p)
        return -ENOMEM;
    if (c->in) {
        memcpy(p, c->in, c->in_len);
        explicit_bzero(c->in, c->in_cap);
        free(c->in);
    }
    c->in = p;
    c->in_cap = cap;
    return 0;
}

static int take_fds(struct ipc *c, struct msghdr *m)
{
    for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        unsigned n = (unsigned)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (unsigned i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
            if (c->n_in_fds == FD_QUEUE) {
                close(fd);
                return -EMFILE;
            }
            c->in_fds[c->n_in_fds++] = fd;
        }
    }
    return m->msg_flags & MSG_CTRUNC ? -EPROTO : 0;
}

/* Reads once. Bytes, 0 at the end, or -errno. */
static ssize_t read_some(struct ipc *c)
{
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(sizeof(int) * IPC_MAX_FDS)];
    } ctl;
    int err = make_room(c);
    if (err < 0)
        return err;
    struct iovec iov = {.iov_base = c->in + c->in_len, .iov_len = c->in_cap - c->in_len};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = ctl.room,
                       .msg_controllen = sizeof(ctl.room)};
    ssize_t n;
    do
        n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    err = take_fds(c, &m);
    if (err < 0)
        return err;
    c->in_len += (size_t)n;
    return n;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct ipc *c = (struct ipc *)arg;
    (void)fd;
    (void)what;
    c->busy++;
    /* Frames that a pause left in the buffer go first: the socket may stay silent. */
    bool ok = dispatch(c, INT32_MAX) >= 0;
    for (int i = 0; ok && i < READS_AT_ONCE && !c->dead && !c->broken && !c->paused; i++) {
        ssize_t n = read_some(c);
        if (n == -EAGAIN || n == -EWOULDBLOCK)
            break;
        ok = n > 0 && dispatch(c, INT32_MAX) >= 0;
    }
    if (!ok)
        fail(c);
    c->busy--;
    leave(c);
}

/* After a pause frames may already be in the buffer; the socket need not become readable. */
void ipc_pause(struct ipc *c, bool paused)
{
    if (c->paused == paused || !c->base || c->broken)
        return;
    c->paused = paused;
    if (paused) {
        event_del(c->rd);
    } else {
        event_add(c->rd, NULL);
        if (c->in_len)
            event_active(c->rd, EV_READ, 0);
    }
}

int ipc_recv_blocking(struct ipc *c)
{
    for (;;) {
        int n = dispatch(c, 1);
        if (n < 0)
            return -EPROTO;
        if (n > 0) {
            leave(c);
            return 1;
        }
        ssize_t got = read_some(c);
        if (got == -EAGAIN || got == -EWOULDBLOCK) {
            struct pollfd p = {.fd = c->fd, .events = POLLIN};
            if (poll(&p, 1, -1) < 0 && errno == EINTR)
                return -EINTR;
            continue;
        }
        if (got <= 0)
            return (int)got;
    }
}

bool ipc_ready(const struct ipc *c)
{
    struct ipc_header h;
    return c->in_len && ipc_decode(c->in, c->in_len, &h) != 0;
}

/* --- making channels ----------------------------------------------------------------------- */

struct ipc *ipc_new(struct event_base *base, int fd, ipc_msg_fn *on_msg, ipc_closed_fn *on_closed,
                    void *ctx)
{
    struct ipc *c = (struct ipc *)calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    *c = (struct ipc){.base = base,
                      .fd = fd,
                      .on_msg = on_msg,
                      .on_closed = on_closed,
                      .ctx = ctx,
                      .limit = LIMIT};
    c->out_tail = &c->out;
    if (!base)
        return c;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    c->rd = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
    c->wr = event_new(base, fd, EV_WRITE, on_writable, c);
    if (!c->rd || !c->wr || event_add(c->rd, NULL) < 0) {
        if (c->rd)
            event_free(c->rd);
        if (c->wr)
            event_free(c->wr);
        free(c);
        return NULL; /* the caller keeps fd */
    }
    return c;
}

int ipc_fd(const struct ipc *c)
{
    return c->fd;
}

static int unix_address(const char *path, struct sockaddr_un *sun)
{
    memset(sun, 0, sizeof(*sun));
    sun->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof(sun->sun_path))
        return -ENAMETOOLONG;
    memcpy(sun->sun_path, path, strlen(path));
    return 0;
}

int ipc_listen(const char *path, unsigned mode)
{
    struct sockaddr_un sun;
    int err = unix_address(path, &sun);
    if (err)
        return err;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    unlink(path);
    if (bind(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0 || chmod(path, mode) < 0 ||
        listen(fd, 64) < 0) {
        err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

int ipc_connect(const char *path)
{
    struct sockaddr_un sun;
    int err = unix_address(path, &sun);
    if (err)
        return err;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0) {
        err = -errno;
        close(fd);
        return err;
    }
    return fd;
}
