/*
 * How much goes over an interface: rates of what the kernel counts, as exponential averages.
 *
 * Each sample pulls the average towards the rate since the one before, the more the longer that
 * is: by dt / (interval + dt), which needs no regular clock. Pure.
 */
#ifndef TANDEM_CONTROL_WORLD_RATES_H
#define TANDEM_CONTROL_WORLD_RATES_H

#include "control/world/world.h"
#include "lib/clock.h"

#define RATES_EVERY 5   /* seconds from sample to sample */
#define RATES_SHORT 60  /* the ASA's first interval */
#define RATES_LONG  300 /* its second one, and that of IOS unless load-interval says another */

/* Per second. */
struct rates {
    double rx_packets, rx_bytes, rx_dropped;
    double tx_packets, tx_bytes;
};

struct rate_meter {
    usec_t at; /* of the last sample; 0: none yet */
    struct world_traffic last;
    struct rates brief, lasting; /* over RATES_SHORT, over the given interval */
};

/* One more sample. Counters that went back begin anew, as those of another device do. */
void rates_add(struct rate_meter *m, usec_t now, const struct world_traffic *t, unsigned interval);

#endif
