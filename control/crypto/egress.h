/*
 * Which interface leads to a peer, by the routing table. On the ASA a tunnel belongs to the
 * interface that its peer is reached by: when a route moves the peer to another one, its SAs there
 * are torn down, and traffic asks anew from where it leaves now, with that interface's address
 * (semantics.md §4, seed 000). On IOS an SA stays until its peer is found dead.
 */
#ifndef TANDEM_CONTROL_CRYPTO_EGRESS_H
#define TANDEM_CONTROL_CRYPTO_EGRESS_H

#include "lib/addr.h"
#include <stdbool.h>
#include <stdint.h>

struct control;

/* A route leads to this peer, by another interface than this one, and the platform minds. */
bool egress_elsewhere(const struct control *c, uint32_t ifid, const struct addr *peer);
/* After a change of routes: ends the SAs that no longer fit. */
void egress_apply(struct control *c);

#endif
