/*
 * The loop goes before other work of the machine: a command, a peer that asks whether we live, and
 * a timer wait for no computation, be it that of our own helper threads.
 *
 * The launcher gives the loop's thread the least real-time priority. It holds for short work only:
 * a loop that computes for a tenth of a second without waiting for anything is like any other
 * process from then on, for a second at least, so that it cannot take the machine from the
 * datapath. The kernel keeps the account (RLIMIT_RTTIME) and says so by a signal.
 *
 * Much work in short turns is no better for those behind it: what is ready on that processor waits
 * for the last of them, since the kernel moves nobody away from a real-time thread in so short a
 * time. So the loop leaves half of each few milliseconds to others, between two turns. Who has had
 * to for half a second gives up the priority, too.
 */
#ifndef TANDEM_CONTROL_URGENT_H
#define TANDEM_CONTROL_URGENT_H

#include "lib/clock.h"
#include <stdbool.h>

struct control;

/* Once; the calling thread is the process's first one, and runs the loop. */
void urgent_begin(struct control *c);
void urgent_end(struct control *c);

/* What the loop computes, and what it leaves to others; all zero at first. */
struct urgent_share {
    usec_t begin, computed; /* of the span that is looked at */
    usec_t since;           /* one span after another was used up; 0: the last one was not */
};

/* By the loop's thread, after each turn: rests when it has to. */
void urgent_turned(struct urgent_share *s, const struct clock *clock);

/* Now, with so much computed in all: how long to rest before the next turn, mostly 0. *lasting:
 * it has been so for too long. */
usec_t urgent_share_rest(struct urgent_share *s, usec_t now, usec_t computed, bool *lasting);

#endif
