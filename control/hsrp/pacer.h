/*
 * Hellos on time. The engine's loop may be busy with a configuration of a hundred thousand lines or
 * a long show; a hold time of others is not. So hellos are prepared by the loop and sent by a
 * thread that does nothing else: it sleeps until the next one is due.
 *
 * Due times are a row from a first instant on, so that being late once does not make the next one
 * late. The thread tells the loop, by an event descriptor, that something has been sent.
 */
#ifndef TANDEM_CONTROL_HSRP_PACER_H
#define TANDEM_CONTROL_HSRP_PACER_H

#include "control/hsrp/codec.h"
#include "lib/clock.h"

struct pacer;

/* NULL without memory or threads. told is written to when a frame has gone out; both descriptors
 * stay the caller's. fd: a packet socket; -1: nothing is sent yet. */
struct pacer *pacer_new(int told);
void pacer_free(struct pacer *p); /* ends the thread; nothing is sent any more */
void pacer_socket(struct pacer *p, int fd);
int pacer_thread(const struct pacer *p); /* its number, for who may set its priority */

/* A row of frames by its number (0 … PACER_ROWS - 1). */
#define PACER_ROWS 256
struct pacer_row {
    uint32_t ifindex;
    usec_t every; /* 0: nothing is sent */
    usec_t next;  /* monotonic, CLOCK_MONOTONIC; the first one */
    size_t n;
    uint8_t frame[HSRP_FRAME];
};
/* Replaces a row. With next = 0 it goes on at the times that it has, or begins now. */
void pacer_set(struct pacer *p, unsigned row, const struct pacer_row *r);
/* How many of a row have gone out since it was last asked. */
uint64_t pacer_sent(struct pacer *p, unsigned row);
usec_t pacer_next(struct pacer *p, unsigned row); /* -1: nothing is due */

#endif
