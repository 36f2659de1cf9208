/*
 * The loop goes before other work of the machine: a command, a peer that asks whether we live, and
 * a timer wait for no computation, be it that of our own helper threads.
 *
 * The launcher gives the loop's thread the least real-time priority. It holds for short work only:
 * a loop that computes for a tenth of a second without waiting for anything is like any other
 * process from then on, for a second at least, so that it cannot take the machine from the
 * datapath. The kernel keeps the account (RLIMIT_RTTIME) and says so by a signal.
 */
#ifndef TANDEM_CONTROL_URGENT_H
#define TANDEM_CONTROL_URGENT_H

struct control;

/* Once; the calling thread is the process's first one, and runs the loop. */
void urgent_begin(struct control *c);
void urgent_end(struct control *c);

#endif
