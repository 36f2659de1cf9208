/*
 * Framed messages between our processes over a unix stream socket, with file
 * descriptors beside them (SCM_RIGHTS).
 *
 * A frame on the wire: u32 length of the payload, u16 type, u16 count of fds, payload.
 * Integers are in host order: both ends are one machine. The decoder is pure
 * (ipc_decode) and has a fuzz target; a frame that lies about its size or its fds
 * closes the channel. Everything is bounded: IPC_MAX_PAYLOAD per frame and `limit`
 * bytes waiting to be written per channel.
 *
 * A channel is driven by libevent when it is given a base, or by ipc_recv_blocking()
 * and ipc_send() in simple programs (the shell).
 */
#ifndef TANDEM_LIB_IPC_H
#define TANDEM_LIB_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IPC_MAX_PAYLOAD (256u * 1024)
#define IPC_MAX_FDS     4

struct ipc_header {
    uint32_t len;
    uint16_t type;
    uint16_t nfds;
};

struct ipc_msg {
    uint16_t type;
    const uint8_t *data; /* valid during the handler only */
    size_t len;
    int fds[IPC_MAX_FDS]; /* the handler takes them by setting the slot to -1;
                             what it leaves is closed */
    unsigned nfds;
};

/* Looks at the front of a byte stream. Returns the bytes of the complete frame and
 * fills *hdr, 0 when more input is needed, -1 when the header is not acceptable. */
long ipc_decode(const uint8_t *data, size_t len, struct ipc_header *hdr);

struct ipc;
struct event_base;
typedef void ipc_msg_fn(struct ipc *c, struct ipc_msg *m, void *ctx);
typedef void ipc_closed_fn(struct ipc *c, void *ctx); /* the peer went away, or broke the rules */

/* Takes fd (made non-blocking and close-on-exec when base is given). base may be NULL for
 * blocking use. Returns NULL on exhaustion. on_closed may free the channel. */
struct ipc *ipc_new(struct event_base *base, int fd, ipc_msg_fn *on_msg, ipc_closed_fn *on_closed,
                    void *ctx);
void ipc_free(
    struct ipc *c); /* closes the socket and queued fds; NULL is fine; safe in a handler */
int ipc_fd(const struct ipc *c);
/* Queues one frame; fds are duplicated, the caller keeps its own. Returns 0, -EMSGSIZE,
 * -ENOBUFS when the limit is reached (the message is not queued), or -EPIPE. */
int ipc_send(struct ipc *c, uint16_t type, const void *data, size_t len);
int ipc_send_fds(struct ipc *c, uint16_t type, const void *data, size_t len, const int *fds,
                 unsigned nfds);
/* The two halves of a payload, without joining them first. */
int ipc_send2(struct ipc *c, uint16_t type, const void *a, size_t alen, const void *b, size_t blen);
size_t ipc_pending(const struct ipc *c);         /* bytes waiting to be written */
void ipc_set_limit(struct ipc *c, size_t bytes); /* default 4 MiB */
/* While paused nothing is read, so the peer is pushed back. Used to bound work per client. */
void ipc_pause(struct ipc *c, bool paused);
/* Called once pending falls to `low` or below after an ipc_send left more than that. */
void ipc_on_drained(struct ipc *c, size_t low, void (*fn)(struct ipc *c, void *ctx));

/* Blocking use: waits for one frame and calls on_msg. Returns 1, 0 at end of stream, or -errno. */
int ipc_recv_blocking(struct ipc *c);
/* True when a whole frame already waits in the buffer, so that poll() on ipc_fd() may stay
 * silent though ipc_recv_blocking() would return at once. */
bool ipc_ready(const struct ipc *c);

/* Server side: listens on a unix path (an old socket file is replaced), mode bits as given. */
int ipc_listen(const char *path, unsigned mode); /* fd or -errno */
int ipc_connect(const char *path);               /* fd or -errno */

#endif
