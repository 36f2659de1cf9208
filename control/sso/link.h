/*
 * One SCTP association with the peer (RFC 9260), over one or two pairs of addresses. usrsctp in its
 * no-thread mode does the protocol; nothing here touches a socket, reads a clock or looks at the
 * configuration: packets, time and messages go in and out by the functions below. usrsctp keeps its
 * state for the whole process, so there is one link of a process at a time (tests: two of them,
 * that talk to each other, are fine).
 *
 * Both sides call and both listen; the association is made again for ever. With two pairs of
 * addresses every packet goes by both paths and the receiver takes what comes first: a path that
 * fails delays nothing, and which ones work is told by what arrives.
 */
#ifndef TANDEM_CONTROL_SSO_LINK_H
#define TANDEM_CONTROL_SSO_LINK_H

#include "control/sso/sso.h"
#include "lib/clock.h"
#include "lib/timer.h"

enum sso_stream { SSO_STREAM_CONTROL, SSO_STREAM_RECORDS, SSO_STREAM_COUNTERS, SSO_STREAMS };
#define SSO_MESSAGE_MAX 65536u /* bytes of one message; longer ones are refused both ways */

struct sso_link_ops {
    /* None of them may free the link.
     * One SCTP packet (common header and chunks) by this path (index of local[] and remote[]). */
    void (*transmit)(void *ctx, unsigned path, const uint8_t *p, size_t n);
    void (*up)(void *ctx);
    void (*down)(void *ctx, const char *why); /* after up only */
    void (*message)(void *ctx, enum sso_stream s, const uint8_t *p, size_t n);
    void (*writable)(void *ctx); /* after sso_link_send() said -EAGAIN */
};

struct sso_link;
struct sso_link *sso_link_new(const struct sso_cfg *cfg, const struct sso_link_ops *ops, void *ctx,
                              struct timerq *q, const struct clock *clk); /* NULL: no memory */
void sso_link_free(struct sso_link *l); /* aborts the association */
/* One packet that came over a path, as it was on the wire, from the SCTP header on. */
void sso_link_input(struct sso_link *l, unsigned path, const uint8_t *p, size_t n);
/* 0, -EAGAIN (its buffer is full; writable() comes), -ENOTCONN, -EMSGSIZE. */
int sso_link_send(struct sso_link *l, enum sso_stream s, const uint8_t *p, size_t n);
/* Ends the association, down() included, and calls again. Nothing when there is none. */
void sso_link_restart(struct sso_link *l, const char *why);
bool sso_link_is_up(const struct sso_link *l);
void sso_link_paths(const struct sso_link *l, struct sso_path out[SSO_ADDRS], uint8_t *n);

#endif
