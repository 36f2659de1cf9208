/*
 * A connection to one of FRR's daemons, as its own shell has it: a command and a NUL go out; text,
 * three NULs and a result come back. Commands are sent one at a time, in order.
 */
#ifndef TANDEM_CONTROL_OSPF_VTY_H
#define TANDEM_CONTROL_OSPF_VTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct vty;

#define VTY_ANSWER_MAX (64u * 1024 * 1024)

enum { VTY_OK = 0, VTY_WARNING = 1 }; /* of FRR's results; from 2 on the command was refused */

/* The end of the answer at the front of a stream: bytes of the text, and its result. Returns the
 * bytes that it takes with its end, or 0 when more has to come. `from`: where to go on looking,
 * kept by the caller. Pure. */
size_t vty_decode(const char *data, size_t len, size_t *from, size_t *text, uint8_t *result);

/* result: as above, or -errno when the connection broke. The text is valid until fn returns, and
 * ends with a NUL. It may send, but not free the connection. */
typedef void vty_fn(void *ctx, int result, const char *text, size_t len, const char *command);

/* Takes fd. closed(): the daemon is gone; it may free the connection. NULL without memory. */
struct vty *vty_new(struct event_base *base, int fd, void (*closed)(void *ctx), void *ctx);
/* Commands that were not answered get -EPIPE. NULL is fine. */
void vty_free(struct vty *v);
/* 0 or -ENOMEM; fn may be NULL. */
int vty_send(struct vty *v, const char *command, size_t len, vty_fn *fn, void *ctx);
bool vty_idle(const struct vty *v);

#endif
