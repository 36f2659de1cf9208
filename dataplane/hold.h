/*
 * Packets of the wire that wait for the end of a hold (SADB_ROLE_HOLD), in their order. Their SA
 * may not be used yet, while others on the same sockets go on: not least those that protect what
 * the other box says, which is what ends the hold.
 */
#ifndef TANDEM_DATAPLANE_HOLD_H
#define TANDEM_DATAPLANE_HOLD_H

#include "dataplane/pkt.h"
#include <stdbool.h>

#define HOLD_BYTES (8u << 20) /* as much as a socket's buffer holds */

struct held;
struct hold {
    struct held *head, *last;
    size_t bytes;
};

/* Copies the packet, ESP or AH as it came, to the end. False: there is no room for it. */
bool hold_push(struct hold *h, const struct pkt *p);
/* Takes everything out: the list belongs to the caller now. */
struct held *hold_take(struct hold *h);
/* Makes p the first packet of a list, frees that, and returns the rest. */
struct held *hold_next(struct held *list, struct pkt *p);
void hold_clear(struct hold *h);

#endif
