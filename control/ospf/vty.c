/* Talking to FRR's daemons. See vty.h. */
#include "control/ospf/vty.h"
#include "lib/vec.h"
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct command {
    struct command *next;
    vty_fn *fn;
    void *ctx;
    size_t len; /* with the NUL */
    char text[];
};

struct vty {
    int fd;
    struct event *ev;
    char *in; /* what has come of the answer */
    size_t n, cap;
    void (*closed)(void *ctx);
    void *ctx;
    struct command *first, **last;
    bool sent; /* the first one is */
    size_t from;
};

size_t vty_decode(const char *data, size_t len, size_t *from, size_t *text, uint8_t *result)
{
    static const char end[3] = {0};
    while (*from + sizeof(end) + 1 <= len) {
        const char *at = (const char *)memchr(data + *from, '\0', len - *from);
        size_t where = at ? (size_t)(at - data) : len;
        *from = where;
        if (!at || where + sizeof(end) + 1 > len)
            return 0;
        if (memcmp(at, end, sizeof(end)) == 0) {
            *text = where;
            *result = (uint8_t)at[sizeof(end)];
            *from = 0;
            return where + sizeof(end) + 1;
        }
        *from = where + 1;
    }
    return 0;
}

/* One command is out at a time and each is short, so the socket always has room for it. */
static void send_next(struct vty *v)
{
    if (v->sent || !v->first)
        return;
    ssize_t n = send(v->fd, v->first->text, v->first->len, MSG_NOSIGNAL);
    if (n == (ssize_t)v->first->len)
        v->sent = true;
    else
        event_active(v->ev, EV_READ, 0); /* on_read() finds out that it is broken */
}

static struct command *take_first(struct vty *v)
{
    struct command *c = v->first;
    v->first = c->next;
    if (!v->first)
        v->last = &v->first;
    v->sent = false;
    return c;
}

static void answer(struct vty *v, int result, const char *text, size_t len)
{
    struct command *c = take_first(v);
    if (c->fn)
        c->fn(c->ctx, result, text, len, c->text);
    free(c);
}

static void read_answers(struct vty *v)
{
    size_t text;
    uint8_t result;
    size_t n = vty_decode(v->in, v->n, &v->from, &text, &result);
    if (!n)
        return;
    answer(v, result, v->in, text);
    v->n -= n;
    memmove(v->in, v->in + n, v->n);
    if (!v->n) { /* routes may have been long */
        free(v->in);
        v->in = NULL;
        v->cap = 0;
    }
    send_next(v);
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
    struct vty *v = (struct vty *)arg;
    char buf[16384];
    (void)what;
    ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR) && (v->sent || !v->first))
        return;
    /* An answer that nobody waits for, or that never ends, breaks the rules, too. */
    if (n <= 0 || !v->sent || v->n > VTY_ANSWER_MAX || !VEC_ROOM(v->in, v->cap, v->n + (size_t)n)) {
        v->closed(v->ctx);
        return;
    }
    memcpy(v->in + v->n, buf, (size_t)n);
    v->n += (size_t)n;
    read_answers(v);
}

struct vty *vty_new(struct event_base *base, int fd, void (*closed)(void *ctx), void *ctx)
{
    struct vty *v = (struct vty *)calloc(1, sizeof(*v));
    if (!v) {
        close(fd);
        return NULL;
    }
    *v = (struct vty){.fd = fd, .closed = closed, .ctx = ctx};
    v->last = &v->first;
    v->ev = event_new(base, fd, EV_READ | EV_PERSIST, on_read, v);
    if (v->ev && event_add(v->ev, NULL) == 0)
        return v;
    vty_free(v);
    return NULL;
}

void vty_free(struct vty *v)
{
    if (!v)
        return;
    if (v->ev)
        event_free(v->ev);
    free(v->in);
    close(v->fd);
    while (v->first)
        answer(v, -EPIPE, "", 0);
    free(v);
}

int vty_send(struct vty *v, const char *command, size_t len, vty_fn *fn, void *ctx)
{
    struct command *c = (struct command *)malloc(sizeof(*c) + len + 1);
    if (!c)
        return -ENOMEM;
    *c = (struct command){.fn = fn, .ctx = ctx, .len = len + 1};
    memcpy(c->text, command, len);
    c->text[len] = '\0';
    *v->last = c;
    v->last = &c->next;
    send_next(v);
    return 0;
}

bool vty_idle(const struct vty *v)
{
    return !v->first;
}
