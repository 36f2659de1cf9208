/*
 * The SADB boundary between engine and datapath (frames of lib/ipc.h).
 *
 * The vocabulary is PF_KEY's (RFC 2367): ADD UPDATE DELETE GET ACQUIRE EXPIRE FLUSH DUMP,
 * and the same for the SPD. Both ends are builds of one tree on one host, so a message is
 * a struct of this file; a receiver still checks length and every field.
 *
 * Numbers: `ifid` is the engine's number of a crypto interface (its shadow TUN); `policy`
 * is the engine's number of one SPD entry (one protected proxy identity); `sa` is the
 * engine's handle of one SA direction. Counters live in shared memory (dpstats.h) at
 * `slot`, chosen by the engine, so that reading them costs no message.
 */
#ifndef TANDEM_DATAPLANE_SADB_H
#define TANDEM_DATAPLANE_SADB_H

#include "lib/addr.h"
#include <stdint.h>

/* To be raised when a struct or its meaning changes: an engine of another version gets a datapath
 * of its own build. Where struct sadb_sa changes, JOURNAL_VERSION changes, too. */
#define SADB_VERSION 5u

#define SADB_KEY_MAX    64 /* AES-256-GCM: key and salt; HMAC-SHA-512: 64 */
#define SADB_TS_MAX     8  /* selector pairs per SA */
#define SADB_IKE_MAX    65535
#define SADB_NO_SLOT    UINT32_MAX
#define SADB_NO_CEILING UINT64_MAX
#define SADB_POSITIONS  1024u          /* of one frame at most */
#define SADB_HOLD_MOST  (1000u * 1000) /* microseconds that SADB_ROLE_HOLD may last */

enum sadb_msg {
    /* engine → datapath; each is answered by SADB_ACK */
    SADB_ADD = 1,        /* struct sadb_sa */
    SADB_UPDATE,         /* struct sadb_update: endpoints (NAT mapping), lifetimes */
    SADB_DELETE,         /* struct sadb_delete */
    SADB_FLUSH,          /* struct sadb_ref: every SA, or those of ifid */
    SADB_GET,            /* struct sadb_ref → SADB_SA_INFO */
    SADB_DUMP,           /* struct sadb_ref → SADB_SA_INFO …, SADB_ACK */
    SADB_ACQUIRE_FAILED, /* struct sadb_ref.policy: drop what is queued, ask again later */
    SADB_SPD_SET,     /* struct sadb_spd_set + entries: the whole policy of one ifid, atomically */
    SADB_SPD_FLUSH,   /* struct sadb_ref: the policy of ifid goes, with its queues */
    SADB_IKE_SEND,    /* struct sadb_ike + message: send from UDP 4500; no message: a NAT
                         keepalive (RFC 3948 §4). The only request without an ACK */
    SADB_LOCAL_ADDRS, /* struct sadb_ref.count × struct addr: where ESP to us may arrive */
    SADB_GO,          /* struct sadb_ref: SAs and policies are complete. Before the first of these
                         a datapath reads no packet: they wait in the kernel's queues */
    SADB_ROLE,        /* struct sadb_role_set: what becomes of packets of ifid */
    SADB_POSITION, /* struct sadb_ref.count × struct sadb_position: from where numbers go on, and
                      how far. -ENOENT: one of them is of no SA; the others count */
    SADB_ENCAP,    /* struct sadb_encap: packets of this TUN are carried in GRE, or not */
    /* datapath → engine */
    SADB_ACK = 64, /* struct sadb_ack */
    SADB_ACQUIRE,  /* struct sadb_acquire */
    SADB_EXPIRE,   /* struct sadb_expire */
    SADB_IKE_RECV, /* struct sadb_ike + message that came on UDP 4500 */
    SADB_SA_INFO,  /* struct sadb_sa without keys */
    SADB_EVENT,    /* struct sadb_event: unknown SPI, NAT mapping moved, … (rate limited) */
    SADB_LEASE,    /* struct sadb_lease: of the last block below the ceiling half is left. Once for
                      each ceiling */
};

/* What an interface's SAs may do (docs/sso.md). Before the first SADB_ROLE they are active. */
enum sadb_role {
    SADB_ROLE_ACTIVE,
    /* Nothing is sealed or opened, no replay window moves, the engine hears of no packet. */
    SADB_ROLE_PASSIVE,
    /* Soon active: what goes out waits in the queue of its TUN, what comes in for its SAs in the
     * datapath, and all that comes to UDP 4500, IKE, too, in the sockets. After SADB_HOLD_MOST
     * without a word it is passive again, as the engine that wanted it does not live. */
    SADB_ROLE_HOLD,
    SADB_ROLES
};

enum sadb_proto { SADB_ESP = 50, SADB_AH = 51 };
enum sadb_dir { SADB_IN = 1, SADB_OUT = 2 };
enum sadb_mode { SADB_TUNNEL = 1, SADB_TRANSPORT = 2 };

#define SADB_F_ESN       0x01u /* RFC 4304 extended sequence numbers */
#define SADB_F_UDP       0x02u /* RFC 3948 encapsulation */
#define SADB_F_NOREPLAY  0x04u
#define SADB_F_KEEPALIVE 0x08u /* outbound with SADB_F_UDP: we are behind a NAT; RFC 3948 §4 */
#define SADB_F_STANDBY   0x40u /* outbound: used only when no older SA of its policy is left */
/* The SA goes on where an earlier datapath ended: what its slot has counted stays and counts
 * against its lifetimes. seq_first then says from where (outbound: behind the lease in the slot;
 * inbound: behind the highest number accepted, as nobody knows which below it were seen). */
#define SADB_F_RESUME 0x80u
#define SADB_DF_COPY  0x00u /* inner DF to outer (default) */
#define SADB_DF_SET   0x10u
#define SADB_DF_CLEAR 0x20u
/* What does not fit is cut after encryption, and not before as by default (outbound). */
#define SADB_F_FRAG_AFTER 0x100u
/* Outbound: `ceiling` counts; without this there is none. */
#define SADB_F_CEILING 0x200u
/* How packets meet the size of the path: what SADB_UPDATE may change. */
#define SADB_F_PATH (SADB_DF_SET | SADB_DF_CLEAR | SADB_F_FRAG_AFTER)

/* Algorithms by their IKEv2 transform IDs (IANA), also for SAs of IKEv1. */
struct sadb_alg {
    uint16_t id;
    uint16_t key_len; /* bytes in key[], GCM: with the 4-byte salt at the end */
    uint8_t key[SADB_KEY_MAX];
};

/* One traffic selector pair as RFC 7296 §3.13.1 has it, seen from this box. */
struct selector {
    struct addr_range local, remote;
    uint8_t proto;               /* 0 = any */
    uint16_t lport[2], rport[2]; /* inclusive; 0..65535 = any. ICMP: type<<8|code as ports */
};

struct sadb_sa {
    uint32_t seq; /* request number, comes back in the ACK */
    uint32_t sa, ifid, policy, slot;
    uint32_t spi; /* host order */
    uint8_t proto, dir, mode, pad;
    uint32_t flags;
    struct sadb_alg encr, integ;
    /* ESP inside AH (RFC 2401 §4.3, IKEv1): one SA of two headers that count alike. id INTEG_NONE:
     * without. AH alone is proto SADB_AH with its key in integ and no encr. */
    struct sadb_alg ah;
    uint32_t ah_spi;
    struct addr local, remote;
    uint16_t local_port, remote_port; /* with SADB_F_UDP */
    uint32_t replay_window;           /* packets, inbound */
    uint64_t soft_bytes, hard_bytes;  /* 0 = no limit */
    uint64_t bytes_before;            /* count against these limits already: another box's */
    uint64_t seq_first;     /* outbound: first sequence number that may be used; inbound: numbers
                               below it are refused. 0 = 1 */
    uint64_t ceiling;       /* outbound, with SADB_F_CEILING: the last number that may be used; 0:
                               packets wait, for SADB_POSITION */
    uint32_t block;         /* outbound: of half of this many numbers below the ceiling SADB_LEASE
                               tells; 0: never */
    uint32_t mtu;           /* outbound: of the interface; 0 = nobody knows */
    uint32_t pmtu_age;      /* outbound: seconds a smaller path MTU is believed; 0 = for ever */
    uint32_t nat_keepalive; /* with SADB_F_KEEPALIVE: after so many seconds; 0 = RFC 3948's 20 */
    uint32_t n_ts;
    struct selector ts[SADB_TS_MAX];
};

struct sadb_update {
    uint32_t seq;
    uint32_t sa;
    uint8_t path; /* 1: take flags (of SADB_F_PATH), mtu and pmtu_age */
    uint32_t flags;
    uint32_t mtu, pmtu_age;
    struct addr local, remote;        /* unset = leave */
    uint16_t local_port, remote_port; /* 0 = leave */
    uint64_t soft_bytes, hard_bytes;  /* 0 = leave; UINT64_MAX: no limit */
};

struct sadb_delete {
    uint32_t seq;
    uint32_t sa;
};

struct sadb_role_set {
    uint32_t seq;
    uint32_t ifid;
    uint8_t role; /* enum sadb_role */
};

struct sadb_position {
    uint32_t sa;
    uint32_t block;   /* outbound, as in struct sadb_sa */
    uint64_t next;    /* outbound: go on here, inbound: refuse what is below; numbers never go back,
                         so 0 leaves them */
    uint64_t ceiling; /* outbound; SADB_NO_CEILING: none */
    uint64_t before;  /* bytes_before; it never goes back either, so 0 leaves it */
};

struct sadb_ref {
    uint32_t seq;
    uint32_t ifid; /* 0 = all */
    uint32_t policy;
    uint32_t sa;
    uint32_t count;
};

enum spd_action {
    SPD_PROTECT = 1, /* needs an SA of `policy`; queued and ACQUIREd without one */
    SPD_SKIP = 2,    /* ACL deny: leave this crypto map entry, go on with the next */
};

struct sadb_spd_entry {
    uint32_t policy;     /* unique per SPD_PROTECT line */
    uint32_t map_seq;    /* crypto map sequence number; entries come sorted by it */
    uint8_t action;      /* enum spd_action */
    uint8_t accept_only; /* never ACQUIREs (answer-only, dynamic map) */
    uint8_t resume;      /* what its slot has counted stays, as an earlier datapath left it */
    uint32_t slot;       /* counters of the policy */
    struct selector sel;
};

struct sadb_spd_set {
    uint32_t seq;
    uint32_t ifid;
    uint32_t count; /* entries that follow in this frame */
    uint8_t more;   /* 1: another frame continues this set; it takes effect with the last */
};

struct sadb_ack {
    uint32_t seq;
    int32_t err; /* 0 or -errno */
};

struct sadb_acquire {
    uint32_t ifid, policy;
    struct selector packet; /* the packet that asked: single addresses and ports */
};

struct sadb_expire {
    uint32_t sa;
    uint8_t hard;
};

struct sadb_lease {
    uint32_t sa;
    uint64_t last; /* number used */
};

struct sadb_encap {
    uint32_t seq;
    uint32_t ifid;
    uint8_t gre;     /* 0: what is read and written is protected as it is */
    uint8_t has_key; /* RFC 2890 */
    uint32_t key;
    struct addr local, remote; /* ends, IPv4 */
};

struct sadb_ike {
    struct addr local, remote;
    uint16_t local_port, remote_port;
};

enum sadb_event_kind {
    EV_UNKNOWN_SPI = 1,
    EV_NAT_MOVED,
    EV_REPLAY,
    EV_BAD_ICV,
    EV_CLEAR_INBOUND,
    EV_PMTU,    /* a router told a smaller path MTU, which was believed */
    EV_TOO_BIG, /* a sender was told that its packet does not fit */
    EV_KINDS
};

struct sadb_event {
    uint8_t kind;
    uint8_t proto; /* EV_TOO_BIG */
    uint32_t sa, spi;
    /* EV_PMTU: old and new; EV_TOO_BIG: length of the packet and what would fit */
    uint32_t was, mtu;
    struct addr router;   /* EV_PMTU: who said so */
    struct sadb_ike path; /* EV_TOO_BIG: addresses of the inner packet */
};

#endif
