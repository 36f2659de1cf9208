/*
 * Puts pieces of the box's own packets together again, as transport mode protects whole packets
 * only (RFC 4303 §3.3.4, RFC 4302 §3.3.4) and the kernel has cut them for the shadow TUN.
 *
 * They come from this host's kernel by one TUN, in order and one packet after the other; so a
 * piece that does not continue what is there ends it. Pure but for memory.
 */
#ifndef TANDEM_DATAPLANE_REASM_H
#define TANDEM_DATAPLANE_REASM_H

#include "dataplane/pkt.h"
#include "lib/clock.h"
#include <stdbool.h>

#define REASM_SLOTS 16u /* packets at a time; the oldest goes when there are more */
#define REASM_AGE   (5 * USEC_PER_SEC)

struct reasm;

struct reasm *reasm_new(void); /* NULL on exhaustion */
void reasm_free(struct reasm *r);
/* Is this IP packet, which ip_parse() has read, a piece? */
bool reasm_is_piece(const uint8_t *p);
/* Takes a piece. True with the last one: p is the whole packet then. */
bool reasm_add(struct reasm *r, struct pkt *p, usec_t now);
/* Forgets what is too old. Returns how many pieces were lost since the last call. */
unsigned reasm_expire(struct reasm *r, usec_t now);

#endif
