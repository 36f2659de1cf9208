/*
 * Counters of the datapath in shared memory: the datapath writes, the engine reads.
 *
 * Slots are chosen by the engine (sadb.h) and zeroed by the datapath when an SA or policy
 * takes one. Fields are updated with relaxed atomic stores by one writer per slot.
 */
#ifndef TANDEM_DATAPLANE_DPSTATS_H
#define TANDEM_DATAPLANE_DPSTATS_H

#include <stdatomic.h>
#include <stdint.h>

/* Another with another layout, and then another LAUNCH_VERSION: the memory is the launcher's. */
#define DPSTATS_MAGIC 0x54444d34u
#define DPSTATS_SLOTS 32768

/* Why a packet was not forwarded. Names in dpstats_cause_name(). */
enum dp_cause {
    DP_NO_SA, /* protect, no SA yet, queue full or acquire failed */
    DP_QUEUE_FULL,
    DP_SEQ_OVERFLOW, /* RFC 4303 §3.3.3 */
    DP_SEND_ERROR,
    DP_TOO_BIG,
    DP_UNKNOWN_SPI, /* RFC 4303 §3.4.2 */
    DP_REPLAY,
    DP_BAD_ICV,
    DP_BAD_LENGTH, /* truncated, lying, or not a whole number of blocks */
    DP_BAD_PADDING,
    DP_BAD_INNER,     /* next header or inner packet not acceptable */
    DP_SELECTOR,      /* RFC 4301 §5.2: decrypted but outside of the SA's selectors */
    DP_CLEAR_INBOUND, /* arrived in clear though policy wants protection */
    DP_HARD_LIFETIME,
    DP_TUN_ERROR,
    DP_CRYPTO_ERROR,
    DP_IKE_BUSY,    /* IKE on UDP 4500 faster than the engine takes it */
    DP_RX_OVERFLOW, /* the socket's buffer was full */
    DP_PASSIVE,     /* the interface is another box's now */
    DP_LEASE,       /* the standby has not acknowledged further numbers, and no room to wait */
    DP_CAUSES
};
const char *dpstats_cause_name(enum dp_cause c);

struct dp_counters {
    _Atomic uint64_t packets, bytes; /* payload bytes, for the kilobyte lifetime */
    _Atomic uint64_t before;         /* … behind those of another box's */
    _Atomic uint64_t drops[DP_CAUSES];
    _Atomic uint64_t cut, cut_failed, pieces; /* out: packets to be cut, and what came of them */
    _Atomic uint64_t pmtu_sent, pmtu_rcvd;    /* out: ICMP to senders, and from routers */
    _Atomic uint64_t pmtu;                    /* out: path MTU; 0: nobody knows */
    _Atomic int64_t pmtu_until_us;            /* out: monotonic, when it is forgotten; 0: never */
    _Atomic uint64_t flags;                   /* SADB_F_*, SADB_DF_* */
    _Atomic uint64_t replay_window;           /* in: 0 = none */
    _Atomic uint64_t seq;        /* out: last number used; in: highest number accepted */
    _Atomic uint64_t lease;      /* out: numbers up to here may have been used */
    _Atomic uint64_t ceiling;    /* out: none above this is used; SADB_NO_CEILING */
    _Atomic uint64_t window[16]; /* in: newest 1,024 of the replay window, [0] bit 0 = seq */
    _Atomic int64_t last_us;     /* monotonic time of the last packet */
};

struct dpstats {
    uint32_t magic, slots;
    struct dp_counters total; /* what belongs to no SA */
    struct dp_counters slot[DPSTATS_SLOTS];
};

static inline uint64_t dp_read(const _Atomic uint64_t *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

#endif
