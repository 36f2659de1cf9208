/*
 * First messages (IKE_SA_INIT requests) that the kernel throws away for us, when more of them come
 * than can be answered.
 *
 * Anybody can send them from any address, and each costs being queued, read and answered with a
 * cookie. A socket whose buffer fills gets a filter that lets in one of them in 2^level, by chance:
 * who is honest repeats his. All other messages pass, so what belongs to an SA finds room; so do
 * first messages with a cookie, or from an address of a configured peer. At the last level these
 * two count no more: the attacker then knows a peer, or makes cookies up.
 */
#ifndef TANDEM_CONTROL_CRYPTO_SHED_H
#define TANDEM_CONTROL_CRYPTO_SHED_H

#include "lib/addr.h"
#include "lib/clock.h"
#include <stdbool.h>
#include <stddef.h>

#define SHED_MOST  8
#define SHED_PEERS 128 /* of one family; the others of a larger configuration have their luck */

struct shed {
    unsigned level; /* 0: no filter */
    usec_t changed;
};

/* Looks at a buffer of `size` bytes with `used` in it. True: the level is another one now. */
bool shed_step(struct shed *s, usec_t now, uint32_t used, uint32_t size);

/* Gives a UDP socket of `family` the filter of a level; peers of other families are passed over.
 * 0 or -errno: the filter before stays. */
int shed_attach(int fd, uint8_t family, unsigned level, const struct addr *peers, size_t n);

#endif
