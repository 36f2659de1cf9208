/*
 * The security policy database: per crypto interface one ordered list, the crypto map with
 * its ACL lines, and a cache of the flows that were decided lately.
 *
 * A line either wants protection (SPD_PROTECT, by an SA of its policy) or is an ACL's deny
 * (SPD_SKIP): the packet leaves this crypto map entry and goes on with the next sequence
 * number. What no line wants is handed back to the kernel in clear.
 */
#ifndef TANDEM_DATAPLANE_SPD_H
#define TANDEM_DATAPLANE_SPD_H

#include "dataplane/pkt.h"
#include "dataplane/queue.h"
#include "dataplane/sadb.h"

#define SPD_ENTRIES_MAX 65536u
#define SPD_INTERFACES  256u
#define SPD_CACHE       1024u

struct spd_line {
    struct selector sel;
    uint32_t map_seq;
    uint8_t action;
    struct policy *policy; /* SPD_PROTECT */
};

struct spd_cached {
    struct flow flow; /* family 0: empty */
    struct policy *policy;
};

struct spd {
    struct spd *next;
    uint32_t ifid;
    uint32_t generation; /* that its policies bear */
    uint32_t n;
    struct spd_cached *cache; /* SPD_CACHE slots */
    struct spd_line *lines;
};

/* A set that arrives in several frames. */
struct spd_pending {
    uint32_t ifid, n, cap;
    struct sadb_spd_entry *entries;
};

struct spd_table {
    struct spd *list;
    uint32_t n, generation;
    struct spd_pending pending;
};

/* Adds entries to the pending set of ifid; another ifid starts a new one. 0, -EINVAL (a bad
 * entry), -ENOSPC or -ENOMEM; after an error the pending set is empty. */
int spd_collect(struct spd_table *t, uint32_t ifid, const struct sadb_spd_entry *e, uint32_t n);
void spd_forget_pending(struct spd_table *t);
/* The pending set becomes the policy of its ifid. 0, or -EINVAL, -ENOSPC, -ENOMEM and the old
 * one stays. A policy that is new or took another slot has ctr NULL: the caller sets it. */
int spd_commit(struct spd_table *t, struct policies *ps, uint32_t ifid);
/* ifid 0: all. Their policies go with their queues. */
void spd_flush(struct spd_table *t, struct policies *ps, uint32_t ifid);

struct spd *spd_find(const struct spd_table *t, uint32_t ifid);
/* The policy that wants the flow, or NULL: in clear. */
struct policy *spd_lookup(struct spd *s, const struct flow *f);

#endif
