/*
 * Peers that are known to be dead (`crypto skip-dead-peers`, off by default: the originals try
 * them each time).
 *
 * A peer is dead while every probe of its address fails, and for a minute after IKE has given it
 * up. The walk passes by such a peer as long as its list has another one. When its probe fails
 * while there are SAs with it, these end, so that the next packet finds another peer.
 *
 * A probe alone would find a path's loss up to its frequency late. So where packets go out to a
 * probed peer and none has come back for as long as the probe's timeout, or while IKE asks it for
 * an SA, the probe runs at once.
 */
#ifndef TANDEM_CONTROL_CRYPTO_DEAD_H
#define TANDEM_CONTROL_CRYPTO_DEAD_H

#include "control/crypto/identity.h"
#include "control/ike/ike.h"

#define DEAD_KEPT 64 /* peers that IKE gave up and that are remembered */

struct dead_peers {
    struct timer look;
    struct {
        struct addr peer;
        usec_t until;
    } kept[DEAD_KEPT];
    size_t n;
    struct dead_probe {
        struct addr peer;
        uint32_t number, timeout; /* of the operation; milliseconds */
    } * probe;                    /* by peer */
    size_t n_probe, cap_probe;
};

void dead_init(struct control *c);
void dead_free(struct control *c);
/* After a new configuration. */
void dead_apply(struct control *c);
/* The walk may leave this one out. */
bool dead_skip(const struct control *c, const struct intent_map_entry *e, const struct addr *peer);
/* IKE gave it up, or has an SA with it. */
void dead_given_up(struct control *c, const struct addr *peer, enum ike_reason why);
void dead_alive(struct control *c, const struct addr *peer);
/* The result of this probe is another one. */
void dead_probed(struct control *c, uint32_t number);

#endif
