/*
 * The state of one IKE SA and its children.
 *
 * Everything that another box would need to go on lives in `struct ike_sa_state`, so that it can be
 * journalled and sent (stateful failover). It is flat but for its children, which are an array of
 * their own: a copy of the struct shares them and is for reading only.
 * What belongs to this process (timers, links, a half-finished job) lives around it in
 * `struct ike_sa`, private to control/ike. Show renderers read `const struct ike_sa_state`.
 */
#ifndef TANDEM_CONTROL_IKE_SA_H
#define TANDEM_CONTROL_IKE_SA_H

#include "dataplane/sadb.h"
#include "lib/addr.h"
#include "lib/clock.h"
#include <stdbool.h>
#include <stdint.h>

#define IKE_NONCE_MAX    256
#define IKE_KEY_MAX      64
#define IKE_PUB_MAX      512 /* group 16: 4,096 bits */
#define IKE_ID_MAX       64
#define IKE_CHILDREN_MAX 64
/* Room beyond that for successors, which stand beside what they replace for a moment. */
#define IKE_CHILDREN_SPARE 8
#define IKE_CHILDREN_ALL   (IKE_CHILDREN_MAX + IKE_CHILDREN_SPARE)

struct ike_path {
    struct addr local, remote;
    uint16_t lport, rport;
};

/* Protocol states, RFC 7296. Names in ike_state_name(). */
enum ike_state {
    IKE_IDLE = 0,
    IKE_INIT_SENT, /* initiator: IKE_SA_INIT request out */
    IKE_AUTH_SENT, /* initiator: IKE_AUTH request out */
    IKE_INIT_DONE, /* responder: IKE_SA_INIT answered */
    IKE_ESTABLISHED,
    IKE_REKEYED,  /* its children live in another SA; the peer will delete it */
    IKE_DELETING, /* our delete is out */
    IKE_DEAD,
    IKE_STATES
};

struct ike_identity {
    uint8_t type; /* RFC 7296 §3.5: 1 IPv4, 2 FQDN, 3 RFC822, 5 IPv6, 9 DN, 11 key-id */
    uint8_t len;
    uint8_t data[IKE_ID_MAX];
};

struct ike_suite {
    uint16_t encr, encr_bits, integ, prf, group;
};

struct ike_keys {
    uint8_t sk_d[IKE_KEY_MAX], sk_ai[IKE_KEY_MAX], sk_ar[IKE_KEY_MAX];
    uint8_t sk_ei[IKE_KEY_MAX], sk_er[IKE_KEY_MAX];
    uint8_t sk_pi[IKE_KEY_MAX], sk_pr[IKE_KEY_MAX];
};

/* A child that has a successor stays, to receive, until the peer has heard of its end. */
enum ike_leaving { IKE_STAYS, IKE_LEAVING, IKE_LEFT /* our delete is out */ };

struct ike_child_state {
    uint32_t policy, ifid;  /* which proxy identity it serves */
    uint32_t sa_in, sa_out; /* SADB handles */
    uint32_t slot_in, slot_out;
    uint32_t spi_in, spi_out;
    uint16_t encr, encr_bits, integ, pfs_group;
    uint16_t ah_integ;              /* AH around ESP (IKEv1); INTEG_NONE: none */
    uint32_t ah_spi_in, ah_spi_out; /* of that AH */
    uint8_t proto;                  /* enum sadb_proto; AH: spi_* and integ are AH's, encr is 0 */
    uint8_t mode;                   /* enum sadb_mode */
    bool esn, udp, initiator;
    uint32_t life_seconds;
    uint64_t life_kbytes;    /* 0 = unlimited */
    usec_t created, expires; /* monotonic */
    usec_t rekey_at;         /* when we replace it; 0 = never */
    uint32_t replaces;       /* inbound SPI of what it was made to replace; 0 = none */
    uint32_t replaced_by;    /* inbound SPI of what replaces it */
    uint8_t leaving;         /* enum ike_leaving */
    uint32_t conn_id;
    uint32_t n_ts;
    struct selector ts[SADB_TS_MAX];
    char map[64];
    uint32_t map_seq;
};

/* Major version of the protocol. */
enum ike_version { IKE_V1 = 1, IKE_V2 = 2 };

struct ike_sa_state {
    uint32_t tunnel_id; /* as shown; unique in this box, whatever the version */
    bool passive;       /* another box's; this one is ready to go on with it (ike_import()) */
    uint8_t version;    /* enum ike_version */
    uint8_t phase1;     /* IKEv1: enum isakmp_state */
    bool aggressive;    /* IKEv1 */
    bool dpd_periodic;  /* asked always, whatever else comes from the peer */
    bool dpd_on_demand; /* IKEv2: asked only when there is something to send; IKEv1: unless
                           periodic */
    bool peer_dpd;      /* IKEv1: the peer has said that it understands RFC 3706 */
    uint32_t session_id;
    enum ike_state state;
    bool initiator;
    bool nat_local, nat_remote; /* RFC 7296 §2.23: who is behind a NAT */
    bool peer_fragments;        /* RFC 7383 notify seen */
    bool sync_ids;              /* RFC 6311 agreed */
    uint64_t spi_i, spi_r;
    struct ike_path path;
    uint32_t ifid; /* crypto interface it belongs to */
    struct ike_identity local_id, remote_id;
    struct ike_suite suite;
    struct ike_keys keys; /* secret */
    uint32_t policy_priority;
    uint32_t lifetime;           /* seconds */
    usec_t created, established; /* monotonic; established 0 = not yet */
    usec_t expires, rekey_at;    /* monotonic; 0 = never */
    /* Both sides are replacing this SA: the one the peer has made, and the lowest nonce of it */
    uint64_t heir_i, heir_r;
    uint8_t heir_nonce[IKE_NONCE_MAX];
    uint32_t heir_nonce_len;
    uint32_t next_send_mid, next_recv_mid; /* RFC 7296 §2.2 */
    uint32_t window;
    uint32_t dpd_seconds, dpd_retry;
    usec_t last_in; /* last fresh protected message */
    uint32_t n_children, room;
    struct ike_child_state *child; /* n_children of them, room for so many (children.c) */
};

/* Room for one child behind the last, zeroed when it is new: 0 or -ENOMEM. Children may move. */
int ike_child_room(struct ike_sa_state *s);
/* The children of `from` become those of `to`, which had none. */
void ike_children_move(struct ike_sa_state *from, struct ike_sa_state *to);
void ike_children_free(struct ike_sa_state *s);

const char *ike_state_name(enum ike_state s); /* "READY", "IN-NEG", "DELETE" for shows */

#endif
