/*
 * Frames between our processes: any bytes, cut anywhere.
 *
 * The same input goes through the pure decoder and through a real channel. Both must see the
 * same frames, and a frame that lies about its size or its descriptors ends the channel.
 */
#include "lib/ipc.h"
#include "tests/fuzz/fuzz.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct seen {
    size_t frames, bytes;
    unsigned types;
};

static void note(struct seen *s, uint16_t type, size_t len)
{
    s->frames++;
    s->bytes += len;
    s->types = s->types * 31 + type;
}

static void on_msg(struct ipc *c, struct ipc_msg *m, void *ctx)
{
    (void)c;
    volatile uint8_t last = 0; /* touch every byte: the sanitizer sees a length that lies */
    for (size_t i = 0; i < m->len; i++)
        last = m->data[i];
    (void)last;
    note((struct seen *)ctx, m->type, m->len);
}

/* What the decoder makes of the bytes: frames without descriptors, up to the first bad one. */
static struct seen decode(const uint8_t *data, size_t len)
{
    struct seen s = {0};
    struct ipc_header h;
    for (;;) {
        long n = ipc_decode(data, len, &h);
        if (n <= 0 || h.nfds)
            return s; /* the channel refuses a frame whose descriptors did not come */
        if ((size_t)n > len || (size_t)n != sizeof h + h.len)
            abort();
        note(&s, h.type, h.len);
        data += n;
        len -= (size_t)n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct seen want = decode(data, len), got = {0};
    int fd[2];

    if (len > 64 * 1024 || socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
        return 0; /* more than a socket buffer takes at once would block */
    size_t first = len ? data[len - 1] % len : 0; /* two writes: frames arrive in pieces */
    if (write(fd[1], data, first) != (ssize_t)first ||
        write(fd[1], data + first, len - first) != (ssize_t)(len - first))
        abort();
    close(fd[1]);
    struct ipc *c = ipc_new(NULL, fd[0], on_msg, NULL, &got);
    if (!c)
        return 0;
    while (ipc_recv_blocking(c) > 0)
        ;
    ipc_free(c);
    if (memcmp(&want, &got, sizeof want) != 0)
        abort();
    return 0;
}
