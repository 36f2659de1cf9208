/*
 * The anti-replay window of one inbound SA: RFC 4303 §3.4.3, kept as the ring of words of
 * RFC 6479, so that moving the window clears whole words and never shifts. Pure.
 */
#ifndef TANDEM_DATAPLANE_REPLAY_H
#define TANDEM_DATAPLANE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_MAX 8192

struct replay {
    uint64_t top;    /* highest number accepted */
    uint32_t window; /* numbers that are remembered; 0 = no check */
    uint32_t mask;   /* words - 1 */
    uint32_t full;   /* words that the window needs; fewer while the numbers are small */
    uint64_t *bits;  /* NULL where nothing is checked */
};

/* window is taken up to REPLAY_MAX. Every number up to `top` counts as seen. 0 or -ENOMEM. */
int replay_init(struct replay *r, uint32_t window, uint64_t top);
void replay_free(struct replay *r);
/* RFC 4303 §3.4.3 and appendix A: the 64-bit number that the 32 bits on the wire stand for;
 * without ESN just these. */
uint64_t replay_extend(const struct replay *r, uint32_t low, bool esn);
/* True when seq may still be accepted: not 0, not too old, not seen. */
bool replay_fresh(const struct replay *r, uint64_t seq);
/* The same, and marks it as seen. Only after its ICV was good. */
bool replay_accept(struct replay *r, uint64_t seq);
/* From now on every number up to `top` counts as seen. Never goes back. */
void replay_raise(struct replay *r, uint64_t top);
/* The newest 1,024 numbers, bit 0 of out[0] being `top`. */
void replay_export(const struct replay *r, uint64_t out[16]);

#endif
