/*
 * The core of the datapath: what happens to a vector of packets, and to a message of the
 * engine. No descriptor, no event loop, no clock of its own: they are handed in, so that tests
 * drive it whole.
 *
 * Tables are read by the path and written only between two vectors. A second worker would get
 * its own crypto, batch and spare vector, and own the SAs that its packets use.
 *
 * What cannot be seen here: a packet that comes in clear from outside for the box itself. Checked
 * against policy is what was decrypted, and what the kernel routes into a TUN of ours: into a
 * shadow TUN what leaves, into an inbound TUN what came from outside for a protected network.
 */
#ifndef TANDEM_DATAPLANE_DP_H
#define TANDEM_DATAPLANE_DP_H

#include "dataplane/crypto.h"
#include "dataplane/gre.h"
#include "dataplane/hold.h"
#include "dataplane/ipsec.h"
#include "dataplane/queue.h"
#include "dataplane/sad.h"
#include "dataplane/spd.h"
#include "lib/clock.h"
#include "lib/launchproto.h"
#include "lib/log.h"

#define DP_LOCAL_MAX      1024u
#define DP_LOG_INTERVAL   (5 * USEC_PER_SEC) /* per cause */
#define DP_EVENT_INTERVAL (1 * USEC_PER_SEC) /* per kind */
#define DP_EVENT_KINDS    EV_KINDS

/* The outside, as the core sees it. */
struct dp_io {
    /* Sealed packets to the wire; sets `cause` of those that could not be sent. */
    void (*wire)(void *ctx, struct pkt **p, size_t n);
    /* Inner packets to the TUN of ifid (0: bypass); sets `cause` likewise. */
    void (*tun)(void *ctx, uint32_t ifid, struct pkt **p, size_t n);
    /* Packets that dp_inspect() lets pass, back into the inbound TUN of ifid; likewise. */
    void (*back)(void *ctx, uint32_t ifid, struct pkt **p, size_t n);
    /* A message to the engine: 0, -ENOBUFS, -ENOTCONN. */
    int (*engine)(void *ctx, uint16_t type, const void *a, size_t alen, const void *b, size_t blen);
    /* An IKE message to UDP 4500; len 0: a NAT keepalive. */
    void (*ike)(void *ctx, const struct sadb_ike *path, const uint8_t *msg, size_t len);
};

struct dp {
    struct clock clock;
    struct log log;
    const struct dp_io *io;
    void *io_ctx;
    struct crypto *crypto;
    struct sad sad;
    struct spd_table spd;
    struct policies policies;
    struct ipsec_batch batch;
    struct pktvec *spare;              /* for packets that come out of a queue */
    struct pktvec *pieces;             /* and for what one packet is cut into */
    struct gre *gre[TANDEM_IFIDS + 1]; /* of tunnel interfaces; NULL: none */
    struct reasm *reasm;               /* pieces on their way into transport mode */
    uint32_t pmtu_left, tell_left;     /* ICMP errors that may be read and sent in this second */
    struct dpstats *stats;
    struct dp_counters *total, own_total;
    struct addr *locals; /* where ESP may arrive; none: anywhere */
    uint32_t n_locals;
    bool go;                        /* the engine has said what is to become of packets */
    uint8_t role[TANDEM_IFIDS + 1]; /* enum sadb_role, by ifid */
    uint32_t n_hold;                /* interfaces in SADB_ROLE_HOLD */
    usec_t hold_until;
    struct hold hold;    /* what has come in for them */
    uint64_t roles_said; /* so many changes of role so far */
    struct {
        bool active;
        uint32_t seq, ifid, bucket;
    } dump;
    struct log_limit drop_log[DP_CAUSES], event_limit[DP_EVENT_KINDS];
};

/* Takes crypto. NULL on exhaustion. */
struct dp *dp_new(struct clock clock, const struct log *log, struct crypto *crypto,
                  const struct dp_io *io, void *io_ctx);
void dp_free(struct dp *dp);
/* From now on counters live there (at least sizeof(struct dpstats)); stays the caller's. */
void dp_set_stats(struct dp *dp, struct dpstats *stats);
struct dp_counters *dp_slot(struct dp *dp, uint32_t slot); /* NULL where there is none */

/* role.c: roles of interfaces and positions of SAs */
static inline enum sadb_role dp_role(const struct dp *dp, uint32_t ifid)
{
    return ifid <= TANDEM_IFIDS ? (enum sadb_role)dp->role[ifid] : SADB_ROLE_ACTIVE;
}
void role_set(struct dp *dp, uint32_t ifid, enum sadb_role role);
void role_tick(struct dp *dp);               /* a hold may have lasted too long */
void role_ask(struct dp *dp, struct sa *sa); /* SADB_LEASE, which is due */
/* Many positions. 0 or -ENOENT. */
int role_positions(struct dp *dp, const uint8_t *v, uint32_t n);

/* path.c */
/* Packets from the TUN of ifid. `bypass`: what no policy wants goes on in clear. */
void dp_outbound(struct dp *dp, uint32_t ifid, bool bypass, struct pkt **p, size_t n);
/* The same from the TUN of a tunnel interface: carried in GRE where SADB_ENCAP says so (encap.c).
 */
void dp_tunnel(struct dp *dp, uint32_t ifid, struct pkt **p, size_t n);
/* Opened packets, out of GRE where their interface carries it; returns how many are left. */
size_t dp_unwrap(struct dp *dp, struct pkt **p, size_t n);
int dp_set_encap(struct dp *dp, const struct sadb_encap *m); /* 0 or -errno */
/* Packets in clear from the inbound TUN of ifid: those that policy wants protected are dropped,
 * the others go back. */
void dp_inspect(struct dp *dp, uint32_t ifid, struct pkt **p, size_t n);
/* ESP and AH packets from the wire, `data` at that header, `proto` and outer addresses set. */
void dp_inbound(struct dp *dp, struct pkt **p, size_t n);
/* Counts a packet dropped, and says so in the log now and then. */
void dp_drop(struct dp *dp, struct dp_counters *c, const struct pkt *p, enum dp_cause cause);

/* wait.c */
/* Protection is wanted and there is no SA: waits for it, or says why not. */
void dp_wait_for_sa(struct dp *dp, struct policy *pol, struct pkt *p);
/* The SA is there and may not be used now: the interface is about to be ours, or the standby is to
 * acknowledge more numbers. Nobody is asked for anything. */
void dp_wait_for_word(struct dp *dp, struct policy *pol, const struct pkt *p, enum dp_cause cause);
/* Sends what waited for the policy's SA, or its numbers. */
void dp_release(struct dp *dp, uint32_t policy);
void dp_release_all(struct dp *dp, uint32_t ifid);
/* A hold has ended: what came in for its interface meanwhile comes in now. */
void dp_release_held(struct dp *dp);
/* Once a second: old packets leave the queues, unanswered ACQUIREs go out again, idle SAs
 * behind a NAT send a keepalive. */
void dp_tick(struct dp *dp);
/* Counts n packets dropped for a cause. */
void dp_count(struct dp_counters *c, enum dp_cause cause, uint64_t n);

/* msg.c */
/* One message of the engine. Whatever it says, it is answered and nothing breaks. */
void dp_message(struct dp *dp, uint16_t type, const uint8_t *data, size_t len);
/* Goes on with a SADB_DUMP that waited for the channel to drain. */
void dp_dump_more(struct dp *dp);
/* A new engine: half-sent sets are forgotten; whatever still waits is asked for again, and what
 * has come to the end of a lifetime is said again. */
void dp_engine_new(struct dp *dp);

#endif
