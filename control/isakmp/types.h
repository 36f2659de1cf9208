/*
 * What the files of control/isakmp work on: the engine, an SA of phase 1, the exchanges of phase 2.
 *
 * As in IKEv2 an SA that ends is unlinked at once and freed when the outermost entry into the
 * library returns, since a host callback may have ended it while a handler further up holds it.
 * Handlers test isk_sa_alive() after a callback. An exchange of phase 2 (a node, as IOS calls it)
 * ends the same way: isk_node_alive().
 *
 * Children hang on the newest SA of phase 1 with their peer. When that ends without a successor,
 * what is left of it is a shell (IKE_IDLE) without keys that only holds them: a child outlives its
 * phase 1 (RFC 2409 §5.5).
 */
#ifndef TANDEM_CONTROL_ISAKMP_TYPES_H
#define TANDEM_CONTROL_ISAKMP_TYPES_H

#include "control/ike/shared.h"
#include "control/isakmp/codec.h"
#include "control/isakmp/isakmp.h"
#include "control/isakmp/keys.h"

#define ISK_OUT_MAX       12288
#define ISK_IN_MAX        65535
#define ISK_BUCKETS       4096 /* power of two */
#define ISK_NONCE_OUT     20
#define ISK_WANTS_MAX     64
#define ISK_NODES_MAX     64 /* open exchanges of phase 2 per SA */
#define ISK_POLICIES_MAX  20
#define ISK_MIDS          32 /* message IDs remembered against repetition */
#define ISK_PORT          500
#define ISK_PORT_NAT      4500
#define ISK_DIGEST        20
#define ISK_HALF_OPEN     (60 * USEC_PER_SEC) /* a responder waits for the rest of phase 1 */
#define ISK_LINGER        (60 * USEC_PER_SEC) /* a node that is done answers repetitions */
#define ISK_OVERLAP       (30 * USEC_PER_SEC) /* what was replaced still receives */
#define ISK_OVERLAP_PEER  (90 * USEC_PER_SEC) /* the same, when the peer is to delete it */
#define ISK_GRACE         (5 * USEC_PER_SEC)  /* what the peer was told to end still receives */
#define ISK_LEFT_TWICE    (IKE_LEFT + 1)      /* a child's `leaving`: our second delete is out */
#define ISK_MARGIN_PHASE1 (60 * USEC_PER_SEC) /* before its end an SA is replaced */
#define ISK_MARGIN_CHILD  (30 * USEC_PER_SEC) /* semantics.md §2 */
#define ISK_DPD_SENDS     5                   /* semantics.md §2: five misses */

/* Why a message was dropped; index of isakmp_stats.dropped. */
enum isk_drop {
    ISK_DROP_NONE,
    ISK_DROP_HEADER,
    ISK_DROP_VERSION,
    ISK_DROP_UNKNOWN_SA,
    ISK_DROP_UNEXPECTED,
    ISK_DROP_PAYLOADS,
    ISK_DROP_SANITY, /* decrypted to nonsense */
    ISK_DROP_HASH,
    ISK_DROP_REPEATED,
    ISK_DROP_BUSY,
    ISK_DROP_LIMIT,
    ISK_DROP_DISABLED,
    ISK_DROP_NO_KEY,
    ISK_DROP_AGGRESSIVE,
    ISK_DROP_CLEAR, /* not encrypted where it must be */
    ISK_DROP_MEMORY,
    ISK_DROP_PART, /* a fragment, kept: not a drop */
    ISK_DROP_OVERLOAD,
    ISK_DROPS
};

/* How far phase 1 is, by what IOS's debug calls it. The odd ones of an initiator and the even ones
 * of a responder are those in which it waits. */
enum isk_step {
    ISK_READY,
    ISK_I_MM1,
    ISK_I_MM2,
    ISK_I_MM3,
    ISK_I_MM4,
    ISK_I_MM5,
    ISK_I_MM6,
    ISK_R_MM1,
    ISK_R_MM2,
    ISK_R_MM3,
    ISK_R_MM4,
    ISK_R_MM5,
    ISK_I_AM1,
    ISK_I_AM2,
    ISK_R_AM1,
    ISK_R_AM2,
    ISK_P1_COMPLETE,
    ISK_DEST_SA,
    ISK_STEPS
};

/* What the peer said by its vendor IDs. */
enum isk_vendor {
    VID_RFC3947 = 1u << 0,
    VID_NATT_07 = 1u << 1,
    VID_NATT_03 = 1u << 2,
    VID_NATT_02 = 1u << 3,
    VID_DPD = 1u << 4,
    VID_XAUTH = 1u << 5,
    VID_UNITY = 1u << 6,
    VID_FRAGMENT = 1u << 7,
    VID_TANDEM = 1u << 8
};
#define VID_NATT (VID_RFC3947 | VID_NATT_07 | VID_NATT_03 | VID_NATT_02)

struct isk_sa;
struct isk_node;

/* A message as sent, for repetitions. */
struct isk_msg {
    uint8_t *p;
    size_t len;
};

/* A wish for a child. Owns its copy of the configuration. */
struct isk_want {
    struct isk_want *next;
    struct isakmp *k;
    struct ike_child_cfg cfg;
    struct ike_esp_proposal prop[IKE_PROPOSALS];
    uint32_t rekey_spi; /* inbound SPI of the child to be replaced; 0 = a further child */
    bool peers;         /* what a peer asks for: nobody of ours waits for it */
};

/* What only phase 1 needs. */
struct isk_nego {
    uint8_t ni[IKE_NONCE_MAX], nr[IKE_NONCE_MAX];
    size_t ni_len, nr_len;
    uint8_t pub_i[IKE_PUB_MAX], pub_r[IKE_PUB_MAX];
    size_t pub_len;
    struct ike_dh *dh;
    struct isk_msg sa_i; /* body of the initiator's SA payload */
    uint8_t skeyid[IKE_PRF_MAX];
    struct isakmp_policy policy[ISK_POLICIES_MAX]; /* initiator: as offered */
    size_t n_policy;
    struct isk_msg choice;                     /* responder: body of the SA payload of the answer */
    struct isk_msg own_id, peer_id, peer_hash; /* aggressive mode: bodies of payloads */
};

/* A key agreement for an SA, or for a node of it. */
struct isk_job {
    struct ike_dh_job d;
    struct isk_job *next, **at; /* what points to this one */
    struct isakmp *k;           /* NULL: the engine is gone */
    struct isk_sa *sa;          /* NULL: the SA is gone */
    struct isk_node *node;      /* NULL with of_node: the node is gone */
    bool of_node;
    void (*then)(struct isk_sa *sa, struct isk_node *node, struct ike_dh_job *j);
};

enum isk_node_state {
    NODE_STARTING, /* our key pair is computed */
    NODE_I_QM1,    /* asked */
    NODE_I_SECRET, /* answered; the secret is computed */
    NODE_R_STARVE, /* asked; key pair and secret are computed */
    NODE_R_QM2,    /* answered, waiting for QM3 */
    NODE_DONE,     /* only repeats its last message */
    NODE_DEAD
};

/* One exchange of phase 2. */
struct isk_node {
    struct isk_node *next;
    struct isk_sa *sa;
    struct timer t;
    uint32_t mid;
    enum isk_node_state state;
    uint8_t iv[ISK_BLOCK_MAX];
    bool any_in;
    uint8_t last_in[ISK_DIGEST]; /* of the last message that was handled */
    struct isk_msg out;          /* what answers it, or asks */
    unsigned sends;
    usec_t until; /* NODE_DONE: when it is forgotten */
    struct isk_job *job;
    struct isk_want *want;
    struct ike_child_state child;
    struct ike_dh *dh;
    uint8_t ni[IKE_NONCE_MAX], nr[IKE_NONCE_MAX];
    size_t ni_len, nr_len;
    uint32_t old_spi; /* inbound SPI of what this child replaces */
    /* responder */
    struct isk_msg choice; /* SA payload of the answer without our SPIs, which it has room for */
    struct isk_msg ids;    /* both ID payloads as they came; empty without */
    size_t first_id;       /* length of the first of them */
    bool shortened;        /* we take a shorter lifetime than was offered */
};

struct isk_parts;

struct isk_sa {
    struct isakmp *k;
    struct isk_sa *next, *prev, *hash_next, *next_changed;
    struct isk_sa *peer_next, **peer_at; /* with the same bucket of addresses */
    struct timer t_send, t_life, t_dpd;
    enum isk_step step;
    struct isk_nego *nego;
    struct isk_job *job;
    struct isk_msg out; /* the last message of phase 1 that we sent */
    unsigned sends;
    bool repeating;              /* until it is answered */
    uint8_t last_in[ISK_DIGEST]; /* the last message of phase 1 that was handled */
    bool any_in;
    uint8_t iv[ISK_BLOCK_MAX]; /* last block of phase 1 */
    struct isk_want *wants;
    struct isk_node *nodes;
    unsigned n_nodes;
    uint32_t mids[ISK_MIDS];
    unsigned next_mid;
    uint32_t vendors;
    bool shortened;  /* our lifetime is shorter than what was offered */
    bool natt_draft; /* encapsulation modes as numbered by the drafts */
    bool known; /* half-open with a listed peer that has shown its address: counts for that alone */
    bool half_open, told_down, changed, saved, wrong_key, contact;
    bool replaced;   /* has a successor: it goes soon */
    bool recovering; /* begun to tell the peer that its SAs are unknown here */
    bool fragments;  /* configured: long messages are cut, if the peer understands it */
    enum ike_reason why;
    uint32_t serial; /* counts up; younger is larger */
    uint32_t dpd_seq_out;
    unsigned dpd_missed;
    usec_t dpd_asked, hint_after; /* since when; no question for a hint before this */
    struct isk_parts *parts;
    uint16_t fragment_id; /* of the last message that we cut */
    struct ike_sa_state s;
};

struct isakmp {
    struct isakmp_host host;
    void *h;
    struct timerq *q;
    struct clock clk;
    struct ike_crypto *c;
    struct ike_schedule schedule;
    struct ike_limits limits;
    struct isakmp_stats stats;
    struct isk_sa *head, *dead, *changed, *changed_last;
    struct isk_sa *passive; /* in no other list */
    struct isk_node *dead_nodes;
    struct isk_sa *bucket[ISK_BUCKETS];
    struct isk_sa *by_peer[IKE_PEER_BUCKETS];
    struct ike_index index;
    struct isk_job *jobs;
    struct ike_outq queue;
    uint8_t *record;
    uint64_t hash_key;
    unsigned depth;
    bool end_alone; /* isakmp_set_end_alone() */
    uint32_t n_sas, n_half_open, serial, conn_id, conn, spis;
    uint8_t out[ISK_OUT_MAX];
    uint8_t plain[ISK_IN_MAX + 1];
};

/* One received message. */
struct isk_rx {
    const struct ike_path *path;
    struct ike_header h;
    const uint8_t *msg;
    size_t len;
    struct isk_payloads pl;
    const uint8_t *body; /* of the payload chain, decrypted if need be */
    const uint8_t *end;  /* of the buffer that holds it */
    uint8_t iv[ISK_BLOCK_MAX];
    uint8_t digest[ISK_DIGEST];
};

static inline bool isk_sa_alive(const struct isk_sa *sa)
{
    return sa->s.state != IKE_DEAD;
}
static inline bool isk_node_alive(const struct isk_node *n)
{
    return n->state != NODE_DEAD;
}
static inline usec_t isk_now(const struct isakmp *k)
{
    return clock_mono(&k->clk);
}
static inline bool isk_up(const struct isk_sa *sa)
{
    return sa->s.state == IKE_ESTABLISHED;
}

#endif
