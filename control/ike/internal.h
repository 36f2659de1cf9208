/*
 * What the files of control/ike share: the engine, an SA with what belongs to this process, and
 * the functions between them.
 *
 * An SA that ends is unlinked at once but freed only when the outermost entry into the library
 * returns (ike_enter/ike_leave), since a host callback may have ended it while a handler
 * further up still holds it. Handlers therefore test ike_sa_alive() after a callback.
 */
#ifndef TANDEM_CONTROL_IKE_INTERNAL_H
#define TANDEM_CONTROL_IKE_INTERNAL_H

#include "control/ike/crypto.h"
#include "control/ike/ike.h"
#include "control/ike/proposal.h"
#include "control/ike/shared.h"
#include "control/ike/steps.h"

#define IKE_OUT_MAX        16384
#define IKE_IN_MAX         65535
#define IKE_BUCKETS        4096 /* power of two */
#define IKE_SOURCES        256  /* one byte of a hash */
#define IKE_NONCE_OUT      32
#define IKE_WANTS_MAX      64
#define IKE_RESTARTS_MAX   5 /* cookies and other groups, §2.6.1 */
#define IKE_PORT           500
#define IKE_PORT_NAT       4500
#define IKE_INIT_TIMEOUT   (60 * USEC_PER_SEC) /* responder waits for IKE_AUTH */
#define IKE_LINGER         (30 * USEC_PER_SEC) /* a refused SA answers repeated requests */
#define IKE_REKEYED_WAIT   (60 * USEC_PER_SEC) /* for the peer's delete of what it replaced */
#define IKE_RIVAL_WAIT     (30 * USEC_PER_SEC) /* for its delete of what lost (§2.8.2) */
#define IKE_TRIES_MAX      5                   /* after TEMPORARY_FAILURE */
#define IKE_FRAGMENTS_MAX  64
#define IKE_DELETE_SENDS   3
#define IKE_DPD_SENDS      5 /* semantics.md §2: five misses */
#define IKE_RESTORE_SPREAD (USEC_PER_SEC / 2)
#define IKE_RECORD_MAX     (160u * 1024) /* an SA with all it can have */

struct ike_sa;

/* A child in the making, on either side. Owns its copy of the configuration. */
struct ike_want {
    struct ike_want *next;
    struct ike_sa *sa; /* where it waits or is asked for; then it is in the index */
    struct ike_child_cfg cfg;
    struct ike_esp_proposal prop[IKE_PROPOSALS];
    struct ike_child_state child;
    uint8_t ni[IKE_NONCE_MAX], nr[IKE_NONCE_MAX];
    size_t ni_len, nr_len;
    struct ike_dh *dh;    /* initiator with PFS */
    struct ike_path path; /* responder: where the request came from */
    uint32_t mid;
    uint8_t num;
    bool transport;
    uint32_t rekey_spi; /* inbound SPI of the child to be replaced; 0 = a further child */
    usec_t after;       /* not before this, after TEMPORARY_FAILURE */
    uint8_t tries;
    /* The peer replaces the same child: what it has made, and the lowest nonce of that (§2.8.1) */
    uint32_t rival_spi;
    uint8_t rival[IKE_NONCE_MAX];
    size_t rival_len;
};

/* An IKE SA in the making that shall replace another (§2.18), on either side. */
struct ike_rekey {
    uint8_t ni[IKE_NONCE_MAX], nr[IKE_NONCE_MAX];
    size_t ni_len, nr_len;
    uint64_t spi_i, spi_r;
    struct ike_suite suite;
    uint32_t priority, lifetime;
    uint8_t num;
    struct ike_dh *dh;
    uint16_t group;
    unsigned restarts;
    /* initiator: what was offered */
    struct ike_offer_origin origin;
    uint8_t *offer;
    size_t offer_len;
    /* responder */
    struct ike_path path;
    uint32_t mid;
};

/* A key agreement for an SA. */
struct ike_sa_job {
    struct ike_dh_job d;
    struct ike_sa_job *next, **at; /* what points to this one */
    struct ike *ike;               /* NULL: the engine is gone */
    struct ike_sa *sa;             /* NULL: the SA is gone */
    void (*then)(struct ike_sa *sa, struct ike_dh_job *j);
};

/* What only the first two exchanges need. */
struct ike_nego {
    uint8_t ni[IKE_NONCE_MAX], nr[IKE_NONCE_MAX];
    size_t ni_len, nr_len;
    uint8_t *init_i, *init_r; /* first messages as sent, for AUTH (§2.15) */
    size_t init_i_len, init_r_len;
    struct ike_dh *dh;
    uint16_t group;
    uint8_t pub[IKE_PUB_MAX];
    size_t pub_len;
    uint8_t cookie[IKE_COOKIE_MAX];
    size_t cookie_len;
    unsigned restarts;
    struct ike_offer_origin origin;
    uint8_t num; /* responder: proposal taken */
};

/* A message that comes in fragments (RFC 7383 §2.6): one per direction of asking, since the
 * window is one. Only verified fragments get here. */
struct ike_parts {
    uint32_t mid;
    uint16_t total, have;
    uint8_t exchange, first;
    size_t bytes;
    struct {
        uint8_t *p;
        size_t len;
    } part[IKE_FRAGMENTS_MAX];
};

/* A message as sent; in fragments it is several, one after the other in msg. */
struct ike_request {
    bool open;
    bool probe;  /* liveness: own schedule … */
    bool hinted; /* … and that of all requests, where it is quicker */
    uint8_t exchange;
    unsigned sends;
    uint32_t mid;
    uint8_t *msg;
    size_t len;
};

struct ike_response {
    uint8_t *msg; /* NULL: nothing answered yet */
    size_t len;
    uint32_t mid;
};

struct ike_sa {
    struct ike *ike;
    struct ike_sa *next, *prev, *hash_next, *next_changed;
    struct ike_sa *peer_next, **peer_at; /* with the same bucket of addresses */
    struct timer t_send, t_life, t_dpd;
    struct ike_request req;     /* window of one, §2.3 */
    struct ike_response resp;   /* the last one, for repeated requests (§2.1) */
    struct ike_parts *parts[2]; /* of requests, of responses */
    struct ike_nego *nego;
    struct ike_sa_job *job;
    struct ike_want *wants;          /* waiting; the head is asked for first */
    struct ike_want *active;         /* in the open exchange */
    struct ike_want *peer_want;      /* the peer's, while its key agreement is computed */
    struct ike_rekey *rekey;         /* ours: the exchange that replaces this SA is open */
    struct ike_rekey *peer_rekey;    /* the peer's, while its key agreement is computed */
    uint32_t gone[IKE_CHILDREN_ALL]; /* inbound SPIs of which the peer must be told */
    unsigned n_gone;
    enum ike_reason why;
    uint32_t sync_next; /* the peer's next synchronization of message IDs has this or more */
    struct {
        bool open;      /* asked */
        uint8_t doubts; /* since a takeover: nothing has come that proves our numbers (RFC 6311) */
        uint8_t tries;
        uint32_t nonce, send, recv;
        usec_t after; /* not again before this */
    } sync;
    usec_t hint_after; /* no check of liveness for a hint before this */
    bool hinted;       /* the next check is for one */
    uint16_t tell;     /* error notify that goes with the delete */
    uint8_t source;    /* while proven: where it counts in half_open_from */
    bool known;        /* half-open with a listed peer: counts for that alone */
    bool half_open, proven, want_delete, want_probe, want_rekey, lingering, told_down;
    bool in_doubt;       /* made by the peer while we replace the same SA: not used yet */
    bool replaced;       /* lost that, and ends */
    bool changed, saved; /* since the last save(); the host has a record of it */
    bool holding;        /* a handler is at work on it: nothing of ours goes out in between */
    struct ike_sa_state s;
};

struct ike {
    struct ike_host host;
    void *h;
    struct timerq *q;
    struct clock clk;
    struct ike_crypto *c;
    struct ike_schedule schedule;
    struct ike_limits limits;
    struct ike_stats stats;
    struct ike_sa *head, *dead, *changed, *changed_last;
    struct ike_sa *passive; /* in no other list */
    struct ike_outq queue;  /* waits for the end of this entry */
    uint8_t *record;        /* room for one, from the first save() on */
    struct ike_sa *bucket[IKE_BUCKETS];
    struct ike_sa *by_peer[IKE_PEER_BUCKETS];
    struct ike_index index;
    struct ike_sa_job *jobs;
    uint64_t hash_key;
    unsigned depth;
    uint32_t n_sas, n_half_open;
    uint32_t half_open_from[IKE_SOURCES]; /* by a hash of the address */
    size_t fragment_size;
    uint32_t session, conn;
    uint32_t tunnels, esp_spis;   /* how many numbers of each kind were given */
    uint8_t cookie_secret[2][32]; /* now and before, §2.6 */
    usec_t cookie_since;
    usec_t hint_after; /* no INVALID_SPI in clear before this */
    uint8_t plain_out[IKE_OUT_MAX], out[2 * IKE_OUT_MAX];
    uint8_t plain_in[IKE_IN_MAX + 1];
};

/* One received message on its way through the steps. */
struct ike_rx {
    const struct ike_path *path;
    struct ike_header h;
    const uint8_t *msg;
    size_t len;
    struct ike_payloads pl;
};

static inline bool ike_sa_alive(const struct ike_sa *sa)
{
    return sa->s.state != IKE_DEAD;
}
/* Neither children nor anybody who waits for one. */
static inline bool ike_sa_alone(const struct ike_sa *sa)
{
    return sa->s.n_children == 0 && !sa->wants && !sa->active;
}
static inline usec_t ike_now(const struct ike *ike)
{
    return clock_mono(&ike->clk);
}
static inline struct ike_sk_key ike_key_of(const struct ike_sa_state *s, bool from_initiator)
{
    return (struct ike_sk_key){s->suite.encr, s->suite.encr_bits, s->suite.integ,
                               from_initiator ? s->keys.sk_ei : s->keys.sk_er,
                               from_initiator ? s->keys.sk_ai : s->keys.sk_ar};
}

/* --- ike.c: entering and leaving --- */
void ike_enter(struct ike *ike);
void ike_leave(struct ike *ike);

/* --- input.c --- */
/* A verified message, or ESP, came by this path: a peer behind a NAT may be there now. */
void ike_follow_nat(struct ike_sa *sa, const struct ike_path *p);

/* --- jobs.c --- */
/* Starts a key agreement for sa: a new key pair when dh is NULL, the secret when peer is given.
 * `then` gets the result (j->err) on the loop, maybe before this returns. */
int ike_job_start(struct ike_sa *sa, uint16_t group, struct ike_dh *dh, const uint8_t *peer,
                  size_t peer_len, void (*then)(struct ike_sa *sa, struct ike_dh_job *j));

/* --- commit.c: saved before it is said --- */
void ike_queue_message(struct ike *ike, const struct ike_path *p, const uint8_t *msg, size_t len);
void ike_queue_free(struct ike *ike);
void ike_sa_changed(struct ike_sa *sa); /* it is saved before anything leaves */
uint64_t ike_record_key(const struct ike_sa *sa);
void ike_commit(struct ike *ike);

/* --- restore.c, passive.c --- */
/* An SA that is in no list goes on here, or it is gone: 0, -EEXIST, -ESTALE, -ENOMEM. */
int ike_sa_take_over(struct ike_sa *sa, bool saved);
void ike_passive_free(struct ike *ike);

/* --- state.c: an SA as bytes --- */
/* Everything that ike_restore() needs; at most IKE_RECORD_MAX bytes. */
size_t ike_sa_pack(struct ike_sa *sa, uint8_t *p, size_t cap);
/* The same back, into an SA that is in no list and has no timer: 0, -EPROTO, -EINVAL, -ENOMEM.
 * After an error, too, ike_sa_wipe() frees it. shift: our clock less the one it was packed by. */
struct ike_numbers {
    uint64_t hash_key;
    uint32_t tunnels, esp_spis;
};
int ike_sa_unpack(struct ike *ike, struct ike_sa *sa, struct ike_numbers *n, const uint8_t *p,
                  size_t len, usec_t shift);

/* --- sa.c: the list of SAs --- */
struct ike_sa *ike_sa_new(struct ike *ike, bool initiator, uint64_t spi_i,
                          const struct ike_path *p);
/* An address that has brought its cookie back may have a share of the half-open SAs; one that has
 * not is not counted, or whoever forges it could use its share up. */
bool ike_source_full(const struct ike *ike, const struct ike_path *p, bool known);
void ike_source_proven(struct ike_sa *sa, bool known);
/* One without a first exchange, for the place of another; beyond the limit of SAs. */
struct ike_sa *ike_sa_bare(struct ike *ike, bool initiator, uint64_t spi_i,
                           const struct ike_path *p);
/* Every SA between these two addresses, and some others: on with sa->peer_next. */
struct ike_sa *ike_peer_first(const struct ike *ike, const struct ike_path *p);
void ike_sa_moved(struct ike_sa *sa); /* to other addresses */
/* By the header of a message: for one that the original initiator sent, we are the responder. */
struct ike_sa *ike_sa_find(struct ike *ike, uint64_t spi_i, uint64_t spi_r, bool initiator);
/* A responder's SA by what a first message shows. */
struct ike_sa *ike_sa_find_init(struct ike *ike, uint64_t spi_i, const struct ike_path *p);
void ike_sa_end(struct ike_sa *sa, enum ike_reason why);    /* now, nobody is told */
void ike_sa_delete(struct ike_sa *sa, enum ike_reason why); /* the peer is told */
/* Keeps a refused SA for a while, only to answer repeated requests. */
void ike_sa_linger(struct ike_sa *sa, enum ike_reason why);
void ike_sa_established(struct ike_sa *sa);
void ike_sa_reap(struct ike *ike); /* frees what ended */
/* An SA that is in no list, with its timers; into the lists; and out of the world. */
void ike_sa_init(struct ike *ike, struct ike_sa *sa);
uint64_t ike_identity_hash(const struct ike_sa *sa); /* of the peer, as it is met from here */
void ike_sa_link(struct ike_sa *sa);
void ike_sa_wipe(struct ike_sa *sa);
void ike_nego_free(struct ike_nego *n);
/* Sends what waits, when no exchange is open: deletes first, then children, then liveness. */
void ike_sa_kick(struct ike_sa *sa);
void ike_sa_arm_dpd(struct ike_sa *sa);
uint64_t ike_random_spi(struct ike *ike);
uint32_t ike_random_esp_spi(struct ike *ike);
uint32_t ike_tunnel_id(struct ike *ike);

/* --- fragment.c --- */
/* A message with SKF: the fragment is verified and kept; with the last one the whole is in
 * ike->plain_in, *n bytes, and IKE_DROP_NONE comes back; until then IKE_DROP_PART. */
enum ike_drop ike_fragment_in(struct ike_sa *sa, struct ike_rx *rx, const struct ike_sk_key *key,
                              size_t *n);
void ike_parts_free(struct ike_parts *p);
/* Seals payloads as fragments into ike->out, if the message is to be sent so: then true, and
 * *len bytes or *err. */
bool ike_fragment_out(struct ike_sa *sa, const struct ike_sk_key *key, const struct ike_header *h,
                      const struct ike_writer *w, const uint8_t *iv, size_t *len, int *err);

/* --- life.c: lifetimes, and what is to be replaced when --- */
void ike_sa_arm_life(struct ike_sa *sa);
void ike_on_life_timer(struct timer *t, void *owner);
/* When to replace what lives from `created` for `life`; 0 for no lifetime. */
usec_t ike_rekey_time(struct ike *ike, bool initiator, usec_t created, usec_t life);
usec_t ike_below(struct ike *ike, usec_t span); /* random */
usec_t ike_retry_time(struct ike *ike);         /* after TEMPORARY_FAILURE */
/* Replaces a child now, unless that is under way or it has a successor. */
void ike_child_rekey(struct ike_sa *sa, unsigned i);
/* Ends a child that the peer has lost, and asks for another. */
void ike_child_anew(struct ike_sa *sa, unsigned i);
/* RFC 7296 §2.8.1: compared octet by octet. */
bool ike_nonce_lower(struct bytes a, struct bytes b);

/* --- rekey.c: the IKE SA replaced, §1.3.2, §2.18 --- */
void ike_rekey_start(struct ike_sa *sa);
void ike_rekey_free(struct ike_rekey *r);
/* The peer deletes or loses this SA while both sides replace it: its heir takes the children. */
bool ike_rekey_inherit(struct ike_sa *sa);
/* The answer to our rekey came after the decision to end the SA: what the peer has made from it
 * must end, too. False: it made nothing. */
bool ike_rekey_late(struct ike_sa *sa, struct ike_rx *rx);
void ike_rekey_refused(struct ike_sa *sa, uint16_t error, const struct ike_notify_pl *n);

/* --- child.c --- */
struct ike_want *ike_want_new(const struct ike_child_cfg *cfg);
void ike_want_free(struct ike_want *w);
void ike_want_of(struct ike_sa *sa, struct ike_want *w); /* it waits there from now on */
void ike_want_failed(struct ike_sa *sa, struct ike_want *w, enum ike_reason why); /* frees w */
/* Initiator: SA, TSi, TSr and what goes with them. 0 or -errno. */
int ike_child_offer(struct ike_sa *sa, struct ike_writer *w, struct ike_want *want, bool dh);
/* Initiator: takes the answer. 0, or the notify that says what is wrong with it. */
uint16_t ike_child_accept(struct ike_sa *sa, struct ike_want *want, const struct ike_payloads *pl,
                          bool dh);
/* Responder: what becomes of the request; *out is a want on success. 0 or the notify. */
uint16_t ike_child_choose(struct ike_sa *sa, const struct ike_payloads *pl, bool dh,
                          const struct ike_child_state *old, struct ike_want **out);
void ike_child_answer(struct ike_writer *w, const struct ike_want *want);
/* Makes the keys and hands both directions to the host. 0 or -errno; want stays the caller's. */
int ike_child_install(struct ike_sa *sa, struct ike_want *want, bool initiator, struct bytes ni,
                      struct bytes nr, struct bytes secret);
void ike_child_remove(struct ike_sa *sa, unsigned i, enum ike_reason why, bool tell);
/* The child has a successor: the peer is told, and until it answers the child still receives. */
void ike_child_leave(struct ike_sa *sa, unsigned i);
int ike_child_by_spi(const struct ike_sa *sa, uint32_t spi_in); /* index or -1 */
bool ike_child_replaced(const struct ike_sa *sa, const struct ike_child_state *c);
void ike_want_append(struct ike_sa *sa, struct ike_want *w);
enum ike_reason ike_reason_of(uint16_t notify);

/* --- retransmit.c --- */
usec_t ike_next_wait(const struct ike_sa *sa); /* for the open request's answer */
/* Seals payloads as our next request, sends it and repeats it by the schedule. */
int ike_send_request(struct ike_sa *sa, uint8_t exchange, const struct ike_writer *w);
/* The same for a clear message already complete (IKE_SA_INIT). */
int ike_send_init(struct ike_sa *sa, const uint8_t *msg, size_t len);
void ike_request_done(struct ike_sa *sa);
int ike_send_reply(struct ike_sa *sa, const struct ike_path *p, uint8_t exchange, uint32_t mid,
                   const struct ike_writer *w);
/* An INFORMATIONAL message outside of the window, with message ID 0; number: none before had it. */
int ike_send_aside(struct ike_sa *sa, const struct ike_path *p, bool response, uint32_t number,
                   const struct ike_writer *w);
int ike_keep_reply(struct ike_sa *sa, const uint8_t *msg, size_t len, uint32_t mid);
/* A reply of one notify. */
void ike_reply_notify(struct ike_sa *sa, const struct ike_rx *rx, uint16_t type, const void *data,
                      size_t len);
void ike_repeat_reply(struct ike_sa *sa, const struct ike_path *p);
void ike_transmit(struct ike *ike, const struct ike_path *p, const uint8_t *msg, size_t len);
void ike_on_send_timer(struct timer *t, void *owner);

/* --- init.c, auth_exchange.c, create_child.c, info.c --- */
void ike_init_start(struct ike_sa *sa);
void ike_auth_start(struct ike_sa *sa);
/* Seconds that an IKE SA with this peer lives, when the policy says so many. */
uint32_t ike_auth_lifetime(const struct ike_sa *sa, uint32_t of_policy);
bool ike_create_child_start(struct ike_sa *sa); /* false: no wish is due */
int ike_send_deletes(struct ike_sa *sa);
int ike_send_delete_ike(struct ike_sa *sa);
int ike_send_probe(struct ike_sa *sa);
/* Starts an SA of its own for this want, which it takes. 0 or -errno (want freed). */
int ike_begin(struct ike *ike, const struct ike_path *p, struct ike_want *want);

/* --- sync_ids.c: RFC 6311 --- */
/* A message with ID 0 that has been opened: true when it was about message IDs. */
bool ike_sync_input(struct ike_sa *sa, const struct ike_rx *rx);
/* There is reason to doubt them; heard: the ID of a request that verified (0: none did). */
void ike_sync_doubt(struct ike_sa *sa, uint32_t heard);

/* --- invalid_spi.c --- */
/* A clear message of no SA that says so: true when it was one about an SA of ours. */
bool ike_spi_hint(struct ike *ike, struct ike_rx *rx);
/* A request inside an SA that may carry the notify. */
void ike_spi_notified(struct ike_sa *sa, const struct ike_rx *rx);

/* --- debug.c --- */
bool ike_debugging(const struct ike *ike, enum ike_debug cls, unsigned level);
void ike_debug_plat(struct ike *ike, unsigned level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void ike_debug_sa(const struct ike_sa *sa, unsigned level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What goes wrong; level 4. */
void ike_debug_error(const struct ike_sa *sa, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* What stands in front of a line: sa NULL where there is none yet. */
void ike_debug_head(const struct ike *ike, const struct ike_sa *sa, const char *cls, unsigned level,
                    char *buf, size_t cap);
void ike_debug_packet(struct ike *ike, const char *what, const struct ike_path *p,
                      const uint8_t *msg, size_t len);
/* A message that was understood. */
void ike_debug_received(struct ike *ike, const struct ike_sa *sa, const struct ike_rx *rx);
void ike_event(struct ike_sa *sa, enum ike_event ev, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void ike_dropped(struct ike *ike, const struct ike_sa *sa, enum ike_drop why);

/* mismatch.c: nothing of the peer's offer is acceptable */
void ike_mismatch_ike(struct ike *ike, const struct ike_path *p, const struct ike_offer *offer,
                      const struct ike_policy *policy, size_t n);
void ike_mismatch_esp(const struct ike_sa *sa, const struct ike_offer *offer,
                      const struct ike_child_cfg *cfg, bool dh);

#endif
