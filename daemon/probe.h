/*
 * Sockets of probes that need one of their own (tcp-connect; udp-echo from a given port): the
 * engine may neither open nor connect any.
 *
 * What it may ask for is little: TCP or UDP to a unicast address, so many in a second. The
 * descriptor is not kept.
 */
#ifndef TANDEM_DAEMON_PROBE_H
#define TANDEM_DAEMON_PROBE_H

#include "lib/clock.h"
#include "lib/launchproto.h"

#define PROBE_RATE 5000u /* sockets in a second, and as many at once */

struct probe_budget {
    usec_t at; /* when `left` was true */
    uint32_t left;
};

/* A socket that is connected or (TCP) about to be, or -errno; -EAGAIN: too many. */
int probe_socket(struct probe_budget *b, usec_t now, const struct lr_probe *r);

#endif
