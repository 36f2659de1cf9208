/*
 * What peers get by templates (dynamic crypto maps): an identity for each pair of networks that a
 * peer has proposed, as if it were a line of the map. Before the peer comes there is none, and none
 * is left when its SA goes.
 */
#ifndef TANDEM_CONTROL_CRYPTO_DYNAMIC_H
#define TANDEM_CONTROL_CRYPTO_DYNAMIC_H

#include "control/crypto/identity.h"
#include "control/crypto/spd.h"
#include "control/world/ports.h"

/* The identity for these selectors, a new one where there is none; packets do not meet it before
 * it has an SA. NULL: there are too many. */
struct identity *dynamic_identity(struct control *c, const struct port *p,
                                  const struct intent_map_entry *e, const struct selector *sel);
/* It has an SA now: the peer hears of it only when the routes stand. */
void dynamic_up(struct control *c, struct identity *id);
void dynamic_down(struct control *c, struct identity *id); /* … and now it has none */

/* In a round: those whose entry, or SA, is no more go; pointers of the others are refreshed. */
void dynamic_apply(struct control *c);
/* The live ones of an interface as lines, in the order in which packets meet them. To be freed.
 * 0 or -ENOMEM. */
int dynamic_lines(const struct control *c, uint32_t ifid, struct spd_line **out, size_t *n);
/* Their networks, there or here. False as soon as add() returns that. */
bool dynamic_ranges(const struct control *c, uint32_t ifid, bool remote,
                    bool (*add)(void *ctx, const struct addr_range *r), void *ctx);

/* One of the engine before, whose SA is still to be found … */
void dynamic_restore(struct control *c, uint32_t ifid, uint32_t seq, const struct selector *sel,
                     uint32_t policy, uint32_t slot);
void dynamic_restored(struct control *c); /* … and what has none goes */
/* One of another box, whose SAs are passive here; packets meet it as if they were ours. seq: as of
 * struct identity. NULL: no template here allows it, or there are too many. */
struct identity *dynamic_mirrored(struct control *c, const struct port *p, uint32_t seq,
                                  const struct selector *sel);

#endif
