/*
 * IKEv2 (RFC 7296) as a library: messages and timers in, messages and SAs out.
 *
 * It does no I/O, reads no clock and no configuration of its own: everything comes through
 * `struct ike_host`, so two engines can talk in one process under a test's clock. A step of
 * the protocol is a row of the const table in steps.c; what is not there is dropped and
 * counted. Nothing a peer sends may grow memory without bound: half-open SAs, children and
 * queued work are limited.
 */
#ifndef TANDEM_CONTROL_IKE_IKE_H
#define TANDEM_CONTROL_IKE_IKE_H

#include "control/ike/sa.h"
#include "lib/clock.h"
#include "lib/timer.h"
#include "lib/transform.h"

#define IKE_ALGS 12

struct ike_alg {
    uint16_t id, keybits;
};

/* `crypto ikev2 policy N`: lists in order of preference. */
struct ike_policy {
    uint32_t priority;
    struct ike_alg encr[IKE_ALGS];
    uint16_t integ[IKE_ALGS], prf[IKE_ALGS], group[IKE_ALGS];
    uint8_t n_encr, n_integ, n_prf, n_group;
    uint32_t lifetime; /* seconds; 0 = none */
};

/* `crypto ipsec ikev2 ipsec-proposal`, or a transform set: that has one of each, and maybe AH,
 * alone (n_encr = 0) or around ESP (RFC 2401 §4.3). AH is negotiated with IKEv1 only. */
struct ike_esp_proposal {
    char name[64];
    struct ike_alg encr[IKE_ALGS];
    uint16_t integ[IKE_ALGS];
    uint8_t n_encr, n_integ;
    bool esn;     /* extended sequence numbers are preferred */
    uint16_t ah;  /* integrity transform of AH; INTEG_NONE: no AH */
    uint8_t mode; /* enum sadb_mode of a transform set; 0: tunnel */
};

#define IKE_PROPOSALS 11

/* One protected proxy identity of a crypto map entry: what a child SA is made from. */
struct ike_child_cfg {
    uint32_t policy, ifid;
    char map[64];
    uint32_t map_seq;
    struct selector sel;
    const struct ike_esp_proposal *proposal[IKE_PROPOSALS];
    uint8_t n_proposal;
    uint16_t pfs_group; /* 0 = none */
    uint8_t mode;       /* enum sadb_mode */
    uint32_t life_seconds;
    uint64_t life_kbytes;
    uint32_t replay_window;
    uint32_t flags; /* SADB_DF_* */
};

/* How to authenticate with one peer (tunnel-group). Keys are borrowed from the intent. */
struct ike_peer_cfg {
    const uint8_t *local_psk, *remote_psk;
    uint16_t local_psk_len, remote_psk_len;
    struct ike_identity local_id;     /* type 0: the local address */
    uint32_t dpd_seconds, dpd_retry;  /* 0 = off */
    bool dpd_periodic, dpd_on_demand; /* asked although its ESP comes; only when we send */
    uint32_t lifetime;                /* of the IKE SA, seconds; 0 = what the policy says */
    bool listed;                      /* the configuration has it by this very address */
    bool sync_ids;                    /* RFC 6311 is offered: another box may go on with its SAs */
};

/* Why something ended, for logs, `debug` and the tunnel manager. Texts: ike_reason_text(). */
enum ike_reason {
    IKE_R_NONE,
    IKE_R_RETRANSMIT,
    IKE_R_NO_PROPOSAL,
    IKE_R_AUTH_FAILED,
    IKE_R_TS_UNACCEPTABLE,
    IKE_R_NO_POLICY,
    IKE_R_PEER_DELETE,
    IKE_R_LOCAL_DELETE,
    IKE_R_DPD,
    IKE_R_LIFETIME,
    IKE_R_MALFORMED,
    IKE_R_LIMIT,
    IKE_R_INTERNAL,
    IKE_R_REPLACED,
    IKE_R_REKEYED,
    IKE_REASONS
};
const char *ike_reason_text(enum ike_reason r);

enum ike_event {
    IKE_EV_SA_UP,
    IKE_EV_SA_DOWN,
    IKE_EV_CHILD_UP,
    IKE_EV_CHILD_DOWN,
    IKE_EV_INIT_RECEIVED,
    IKE_EV_RETRANSMIT,
    IKE_EV_DROPPED,
    IKE_EV_NO_PROPOSAL /* the text says what was offered and what is configured */
};

/* Debug classes: those of the ASA's `debug crypto ikev2 {platform|protocol} N`, and the parts of
 * them, packets of the first and errors of the second, that IOS has alone, too. */
enum ike_debug {
    IKE_DBG_PLATFORM,
    IKE_DBG_PROTOCOL,
    IKE_DBG_PACKET,
    IKE_DBG_ERROR,
    IKE_DBG_CLASSES
};

/* A slow computation (key agreement). The host runs work() anywhere, then done() on its loop. */
struct ike_job {
    void (*work)(struct ike_job *j);
    void (*done)(struct ike_job *j);
};

/* Keys of a child's two directions: [0] inbound, [1] outbound. */
struct ike_child_keys {
    struct sadb_alg encr[2], integ[2];
    struct sadb_alg ah[2]; /* of AH around ESP; id INTEG_NONE without */
};

struct ike_host {
    /* Sends one IKE message. path.lport 4500 means with the non-ESP marker, added by the host. */
    int (*send)(void *h, const struct ike_path *p, const uint8_t *msg, size_t len);
    /* Policies in force on the interface that owns p->local; NULL when IKEv2 is not enabled there.
     */
    const struct ike_policy *(*policies)(void *h, const struct addr *local, size_t *n);
    /* false: no key for this peer. id is what it calls itself, NULL until it has said so: it may be
     * another than the path lets expect. The pointers live until the next configuration change. */
    bool (*peer)(void *h, const struct ike_path *p, const struct ike_identity *id,
                 struct ike_peer_cfg *out);
    /* Responder: which entry accepts these selectors (local/remote as seen from us)? On success
     * *cfg.sel is the narrowed selector. Returns 0, -ENOENT (TS_UNACCEPTABLE). */
    int (*accept_child)(void *h, const struct ike_sa_state *sa, const struct selector *offered,
                        size_t n, struct ike_child_cfg *cfg);
    /* The configuration in force for a child that is to be replaced, its selectors included.
     * -ENOENT: its line is gone, it ends with its lifetime. NULL: children are never replaced. */
    int (*child_cfg)(void *h, const struct ike_sa_state *sa, const struct ike_child_state *c,
                     struct ike_child_cfg *cfg);
    /* Numbers for a new child: SADB handles and counter slots. Asked for directly before
     * child_up; given back by child_down, which also follows a child_up that failed. */
    int (*child_alloc)(void *h, struct ike_child_state *c);
    /* Both directions are ready: install them. The keys are wiped by the caller. When c->replaces
     * is set and we are not the initiator, what we send stays on the old child until that goes: the
     * peer may not be ready before it says so (RFC 7296 §2.8). */
    int (*child_up)(void *h, const struct ike_sa_state *sa, const struct ike_child_state *c,
                    const struct ike_child_keys *keys, const struct ike_child_cfg *cfg);
    /* The child has a successor and is about to be deleted: nothing is to be sent on it any more,
     * but it receives until child_down. May be NULL. */
    void (*child_retired)(void *h, const struct ike_sa_state *sa, const struct ike_child_state *c);
    void (*child_down)(void *h, const struct ike_sa_state *sa, const struct ike_child_state *c,
                       enum ike_reason why);
    /* An initiation for cfg->policy ended without a child; the tunnel manager may try the next
     * peer. */
    void (*initiate_failed)(void *h, uint32_t policy, const struct ike_path *p,
                            enum ike_reason why);
    void (*event)(void *h, enum ike_event ev, const struct ike_sa_state *sa, const char *text);
    /* Debug text for people; level 1..255. May be NULL. Called only when debug_on says so. */
    bool (*debug_on)(void *h, enum ike_debug cls, unsigned level);
    void (*debug)(void *h, enum ike_debug cls, unsigned level, const char *text);
    bool (*debug_ios)(void *h); /* in the layout of IOS; may be NULL: in the ASA's */
    void (*run_job)(void *h, struct ike_job *j);
    void (*random)(void *h, uint8_t *p, size_t n);
    /* Keep these bytes, which ike_restore() understands and which hold keys, under this key until
     * they are replaced; NULL: forget them. Called before any message leaves that rests on the new
     * state ("acknowledge before the wire"). May be NULL. */
    void (*save)(void *h, const struct ike_sa_state *sa, uint64_t key, const uint8_t *p, size_t n);
    /* When ESP of this SA's children last came in, monotonic, 0 = never. May be NULL; with it a
     * peer that sends traffic is not asked whether it is alive (RFC 7296 §2.4). */
    usec_t (*last_traffic)(void *h, const struct ike_sa_state *sa);
    /* When ESP of this SA's children last went out. May be NULL; on demand a peer is asked whether
     * it is alive only when something was sent to it and nothing came. */
    usec_t (*last_sent)(void *h, const struct ike_sa_state *sa);
};

/* The retransmission schedule: sends at once and then after each wait; the last wait ends it.
 * ASA (seed 000): 2,4,8,16,32 s and 64 s to give up: five retransmissions, about two minutes. */
struct ike_schedule {
    uint8_t n;
    usec_t wait[12];
};

struct ike_limits {
    uint32_t half_open; /* responder SAs without IKE_AUTH, besides those of listed peers */
    uint32_t cookie_at; /* half-open SAs that turn cookies on (RFC 7296 §2.6); 0: always */
    uint32_t sas;
    uint32_t fragment; /* what ike_set_fragment_size() is told by the host; 0: its default */
};
#define IKE_LIMIT_SAS       16384
#define IKE_LIMIT_HALF_OPEN 512
#define IKE_NO_COOKIES      UINT32_MAX

struct ike_stats {
    uint64_t rx, tx, retransmits, initiated, responded, established, failed;
    uint64_t dropped[16]; /* by enum ike_drop of steps.h */
};

struct ike;
struct ike *ike_new(const struct ike_host *host, void *h, struct timerq *q,
                    const struct clock *clk);
void ike_free(struct ike *ike); /* sends nothing; wipes every key */
void ike_set_schedule(struct ike *ike, const struct ike_schedule *s);
/* Protected messages longer than this are sent in fragments when the peer understands that
 * (RFC 7383). 0 = never. Default: IKE_FRAGMENT_SIZE, the platform's packet of 576 bytes less IP
 * and UDP headers. */
#define IKE_FRAGMENT_OVERHEAD 28
#define IKE_FRAGMENT_SIZE     (576 - IKE_FRAGMENT_OVERHEAD)
void ike_set_fragment_size(struct ike *ike, size_t bytes);
void ike_set_limits(struct ike *ike, const struct ike_limits *l);

/* Takes over an SA from what save() brought, maybe of an engine that was killed at any moment: it
 * goes on with its children, message IDs and timers, and repeats the request that was open. No
 * callback is called before this returns, and child_up for these children never. The bytes are
 * checked like a peer's. 0, -EPROTO (another version), -EINVAL (they make no sense), -EEXIST (it is
 * there already), -ESTALE (the crash came before it counted), -ENOMEM. What is not restored is to
 * be forgotten, except after -EEXIST. */
int ike_restore(struct ike *ike, const uint8_t *p, size_t n);
/* Passive SAs: what another box has, kept so that this one can go on at any moment. They run no
 * timers, say nothing, hear nothing and are ended by nothing but these functions; ike_each() shows
 * them. How numbers of the other box become ours: */
struct ike_import {
    usec_t shift; /* our monotonic clock less the other's */
    /* A line of the other box: its number here, and its interface. 0 or -ENOENT. */
    int (*line)(void *ctx, uint32_t *policy, uint32_t *ifid);
    /* Then the interface of the SA, and handles and slots of its children, whose lines are ours
     * already. 0 or an error, with which ike_import() returns. */
    int (*numbers)(void *ctx, struct ike_sa_state *s);
    void *ctx;
};
/* Takes what the other box's save() brought under this key, in the place of what came before under
 * it. As ike_restore(); after an error what was there before has gone. -EEXIST: it is our own. */
int ike_import(struct ike *ike, uint64_t key, const uint8_t *p, size_t n,
               const struct ike_import *how);
void ike_forget(struct ike *ike, uint64_t key); /* silently, if it is there */
/* Every SA of our own as save() has it, for who comes to be told all. One for which an answer is
 * being computed is left out: it is saved anew in a moment. */
void ike_each_record(struct ike *ike,
                     void (*fn)(void *ctx, const struct ike_sa_state *sa, uint64_t key,
                                const uint8_t *p, size_t n),
                     void *ctx);
/* All of them are our own now: timers run, an open request is repeated within half a second, and
 * they are saved. The callbacks save() and send() apart, nothing is called back. How many. */
size_t ike_activate(struct ike *ike);

/* Wants a child for cfg with this peer: uses an established SA of the same path or starts one.
 * Several calls for one policy while one is under way are one. 0 or -errno. */
int ike_initiate(struct ike *ike, const struct ike_path *p, const struct ike_child_cfg *cfg);
/* One datagram, without the non-ESP marker. Never fails towards the caller. */
void ike_input(struct ike *ike, const struct ike_path *p, const uint8_t *msg, size_t len);
/* True for a request to make an SA: anybody can send it, and it belongs to nothing yet. */
bool ike_is_first(const uint8_t *msg, size_t len);
/* So many messages were not given to ike_input(), because more came than can be answered. */
void ike_overloaded(struct ike *ike, uint64_t n);

/* Which SAs are meant: what is set has to agree. */
struct ike_which {
    struct addr local, remote;
    uint16_t lport, rport;
    uint32_t ifid, tunnel_id;
};
bool ike_is_meant(const struct ike_sa_state *s, const struct ike_which *w);
/* Whether peers are told; with IKEv1 also whether children end with their SA of phase 1. */
enum ike_clear_how { IKE_CLEAR_ALL, IKE_CLEAR_SILENT, IKE_CLEAR_PHASE1 };
/* Ends these SAs; how many there were. */
size_t ike_clear_which(struct ike *ike, const struct ike_which *w, enum ike_clear_how how);
/* Ends SAs: all, or those with this remote address, or of this interface. Peers are told. */
size_t ike_clear(struct ike *ike, const struct addr *remote, uint32_t ifid);
/* Ends SAs of ifid whose local address is none of the n that it still has. */
void ike_interface_changed(struct ike *ike, uint32_t ifid, const struct addr *local, size_t n);
/* The datapath says an SA direction has reached a lifetime: soft, it is replaced; hard, it ends. */
void ike_expired(struct ike *ike, uint32_t sa, bool hard);
/* Ends the child of this SADB handle for a reason of the host's; the peer is told. */
void ike_end_child(struct ike *ike, uint32_t sa, enum ike_reason why);
/* ESP with an SPI of no SA came over this path: the peer is told, in the IKE SA with it when there
 * is one. The caller limits how often; at most one message is on its way. False: there is nothing
 * at all of that peer, not even on its way. */
bool ike_invalid_spi(struct ike *ike, const struct ike_path *p, uint32_t spi);
void ike_nat_moved(struct ike *ike, uint32_t sa, const struct ike_path *p);

/* Reading, for shows: visits every SA until fn returns false, the passive ones last. */
void ike_each(const struct ike *ike, bool (*fn)(void *ctx, const struct ike_sa_state *sa),
              void *ctx);
/* The same for those of our own with a child of this line, maybe more than once. */
void ike_each_of(const struct ike *ike, uint32_t policy,
                 bool (*fn)(void *ctx, const struct ike_sa_state *sa), void *ctx);
const struct ike_stats *ike_stats(const struct ike *ike);

#endif
