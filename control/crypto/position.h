/*
 * What stateful failover says to the datapath and hears of it (docs/sso.md, "The datapath's part"):
 * roles of interfaces, from where the numbers of SAs go on and how far, where they stand.
 *
 * What is said here is said again to each new datapath: roles before anything else, positions with
 * the SA (struct wanted_sa). Positions are collected and leave together, before the next role.
 */
#ifndef TANDEM_CONTROL_CRYPTO_POSITION_H
#define TANDEM_CONTROL_CRYPTO_POSITION_H

#include "control/world/ports.h"
#include "dataplane/sadb.h"
#include "lib/timer.h"
#include <stdbool.h>
#include <stddef.h>

struct control;
struct wanted_sa;

struct position_ops {
    /* Of the last block of an outbound SA half is left: time for another ceiling. */
    void (*lease)(void *ctx, uint32_t sa, uint64_t last);
    /* The datapath has taken this role, which is still the wanted one. After PASSIVE the numbers
     * that position_of() tells stand still. */
    void (*role)(void *ctx, uint32_t ifid, enum sadb_role role);
    /* What was set before position_barrier() is in force. */
    void (*barrier)(void *ctx);
};

struct positions {
    const struct position_ops *ops;
    void *ctx;
    struct {
        bool told, leased;
        uint8_t role;
        uint32_t seq;    /* of the request under way; 0: none */
    } at[PORTS_MAX + 1]; /* by ifid */
    uint32_t *due;       /* SAs whose position the datapath is to hear of */
    size_t n_due, cap_due;
    struct timer timer;   /* they leave */
    bool barrier;         /* somebody waits for one */
    uint32_t barrier_seq; /* of the request under way; 0: none */
};

void position_open(struct control *c);
void position_close(struct control *c);
void position_watch(struct control *c, const struct position_ops *ops, void *ctx);

/* What an interface's SAs may do, from now on. An interface that nobody spoke of is active, but in
 * a datapath that an engine before has used, where it stays what that one said. */
void position_role(struct control *c, uint32_t ifid, enum sadb_role role);
bool position_settled(const struct control *c); /* the datapath has taken each role */
enum sadb_role position_role_of(const struct control *c, uint32_t ifid);
/* Outbound SAs that this interface gets from now on start with ceiling 0 (on), or without any. */
void position_leased(struct control *c, uint32_t ifid, bool on);

struct position {
    uint64_t next; /* numbers go on here (out), or are accepted from here on (in), unless they are
                      further already; 0: leave them */
    uint64_t ceiling; /* out: the last that may be used; SADB_NO_CEILING */
    uint32_t block;   /* out: `lease` is called when half of so many are left; 0: never */
};
/* 0, -ENOENT (no such SA), -ENOMEM. */
int position_set(struct control *c, uint32_t sa, const struct position *p);
/* So many bytes count against its lifetimes already, if they did not. The same errors. */
int position_bytes(struct control *c, uint32_t sa, uint64_t before);
void position_flush(struct control *c); /* what was set leaves now; else before the loop waits */
/* ops->barrier() is called once all that was set so far is in force: from then on no number above a
 * ceiling is used, and position_of() tells of each that was. Another call replaces one that waits.
 */
void position_barrier(struct control *c);
/* The last number of an SA that is ours, for an engine that follows this one; 0: any (journaled).
 */
void position_limit(struct control *c, uint32_t sa, uint64_t limit);
uint64_t position_limit_of(const struct control *c, uint32_t sa);

struct sa_numbers {
    uint64_t last;    /* out: used; in: highest accepted */
    uint64_t ceiling; /* out */
};
/* As the datapath counts at this moment. False: no such SA. */
bool position_of(const struct control *c, uint32_t sa, struct sa_numbers *out);
/* fn tells another box, and returns false where that is to be tried again. */
typedef bool position_fn(void *ctx, const struct wanted_sa *w, uint64_t value);
/* Calls fn for every SA that has moved by `least` numbers or more since fn last heard of it, with
 * the last one. Costs about ten nanoseconds for each SA that has not. */
void position_each(struct control *c, uint64_t least, position_fn *fn, void *ctx);
/* … and for those with a volume, with bytes up to which the other box is to count, before more than
 * that are used. To be called at regular times. */
void position_bytes_each(struct control *c, position_fn *fn, void *ctx);
/* An SA as another box is to have it now, by a record: what that says is not told once more. */
void position_snapshot(const struct control *c, struct wanted_sa *w, struct sadb_sa *out);

/* --- for datapath.c and wanted.c ------------------------------------------------------------ */

void position_channel(struct control *c);                         /* a new one: roles are told */
bool position_acked(struct control *c, const struct sadb_ack *a); /* true: it was a role's */
void position_lease(struct control *c, const struct sadb_lease *l);
/* An SA is about to be wanted: with which ceiling it starts. */
void position_start(const struct control *c, struct sadb_sa *m);
/* What SADB_ADD says of an SA that goes on behind what its counters tell. */
void position_resume(const struct control *c, const struct wanted_sa *w, struct sadb_sa *m);

#endif
