/*
 * Policies and the packets that wait for their SA.
 *
 * A policy is one SPD_PROTECT line. Packets for which it has no SA wait in its queue, bounded
 * per policy and for the whole datapath; the first ones are kept, because they open the
 * connection. ACQUIRE goes out with the first and again while more keep coming or waiting, at
 * a bounded rate. The struct lives as long as an SPD names it.
 */
#ifndef TANDEM_DATAPLANE_QUEUE_H
#define TANDEM_DATAPLANE_QUEUE_H

#include "dataplane/dpstats.h"
#include "dataplane/pkt.h"
#include "lib/clock.h"

#define QUEUE_PACKETS     64         /* per policy */
#define QUEUE_TOTAL_BYTES (8u << 20) /* of all policies together */
#define QUEUE_MAX_AGE     (30 * USEC_PER_SEC)
#define ACQUIRE_INTERVAL  (1 * USEC_PER_SEC)
#define POLICY_BUCKETS    4096u
#define POLICY_MAX        65536u

struct queued {
    struct queued *next;
    usec_t since;
    uint32_t len;
    struct flow flow;
    uint8_t data[];
};

struct policy {
    struct policy *chain;
    uint32_t id, ifid, slot;
    uint32_t generation; /* of the SPD set that named it last */
    bool accept_only;
    bool resume;         /* its counters go on as they stand in the slot */
    usec_t next_acquire; /* not before; 0 = at once */
    struct flow asked;   /* the packet of the last ACQUIRE */
    struct queued *head, **tail;
    uint32_t n;
    struct dp_counters *ctr, own;
};

struct policies {
    struct policy *buckets[POLICY_BUCKETS];
    uint32_t n;
    size_t queued_bytes;
    uint64_t swept; /* packets that went with their policy; whoever counts them zeroes it */
};

struct policy *policy_find(const struct policies *ps, uint32_t id);
/* Finds or makes it; NULL when there are too many, or no memory. */
struct policy *policy_get(struct policies *ps, uint32_t id, uint32_t ifid);
/* Frees those of ifid (0 = all) that the given generation does not name, with their queues. */
void policies_sweep(struct policies *ps, uint32_t ifid, uint32_t generation);
/* Copies the packet to the end of the queue. Returns PKT_OK, DP_QUEUE_FULL. */
uint8_t queue_push(struct policies *ps, struct policy *p, const struct pkt *pkt, usec_t now);
/* Takes the oldest out; the caller frees it. NULL when empty. */
struct queued *queue_pop(struct policies *ps, struct policy *p);
/* Drops what waits longer than QUEUE_MAX_AGE (or everything); returns how many. */
unsigned queue_expire(struct policies *ps, struct policy *p, usec_t now);
unsigned queue_clear(struct policies *ps, struct policy *p);
/* True when an ACQUIRE may go out now, and notes that it does. */
bool policy_may_acquire(struct policy *p, usec_t now);

#endif
