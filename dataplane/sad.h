/*
 * The security association database: every SA of the datapath with its keys, its replay
 * window or sequence numbers, and its counters.
 *
 * Found by the engine's handle; inbound by protocol and SPI of the first header (RFC 4301 §4.1);
 * outbound by policy, newest first, so that a rekeyed SA takes over as soon as it is added; or when
 * the one before it goes (SADB_F_STANDBY). An SA belongs to the worker that uses it.
 */
#ifndef TANDEM_DATAPLANE_SAD_H
#define TANDEM_DATAPLANE_SAD_H

#include "dataplane/crypto.h"
#include "dataplane/dpstats.h"
#include "dataplane/pkt.h"
#include "dataplane/replay.h"
#include "dataplane/sadb.h"
#include "lib/clock.h"

#define SAD_BUCKETS 8192u
#define SAD_MAX     65536u
/* Sequence numbers are leased in the shared counters by blocks of this size before they are
 * used, so that a successor of this process knows where it may start. Below a ceiling by an eighth
 * of what the standby gives at a time, so that the successor finds some of it left. */
#define SAD_LEASE 4096u

#define SAD_KEEPALIVE (20 * USEC_PER_SEC) /* RFC 3948 §4: the default */

struct sa {
    struct sa *by_id, *by_key; /* hash chains: handle; SPI (inbound) or policy (outbound) */
    uint32_t id, ifid, policy, slot;
    uint32_t spi;   /* of ESP, or of AH where there is no ESP */
    uint32_t first; /* SPI of the first header: of AH where there is one */
    uint8_t proto;  /* and its protocol: SADB_ESP, SADB_AH */
    uint8_t dir, mode;
    uint32_t flags;         /* SADB_F_*, SADB_DF_* */
    struct crypto_key *key; /* of ESP; NULL: AH alone */
    struct crypto_key *ah;  /* of AH; NULL: ESP alone */
    /* What each packet needs to know of them: bytes of ESP's IV and ICV, what its payload is padded
     * to, a power of two (RFC 4303 §2.4: the cipher's block, and four bytes in any case); of AH's
     * ICV. */
    uint8_t iv_len, icv_len, align, ah_icv_len;
    enum crypto_kind kind;
    struct dp_counters *ctr;
    /* outbound: last number used; the last there is; the last that may be used now; SADB_LEASE is
     * due from `ask` on */
    uint64_t seq, seq_max, limit, lease, ask;
    uint64_t ceiling;
    uint32_t block;
    uint64_t bytes, soft_bytes, hard_bytes;
    bool soft_sent, hard_sent, dirty;
    usec_t last; /* when a packet came or went */
    struct addr local, remote;
    uint16_t local_port, remote_port;
    /* outbound (pmtu.c): of the interface and of the path as far as known; what fits inside */
    uint32_t mtu, pmtu, room;
    uint32_t pmtu_age;                 /* seconds; 0 = for ever */
    usec_t keepalive;                  /* of a NAT's mapping */
    usec_t pmtu_until;                 /* 0: pmtu is the interface's, or believed for ever */
    uint16_t encr_id, integ_id, ah_id; /* for SADB_SA_INFO */
    struct replay replay;              /* inbound */
    struct dp_counters *own;           /* where the engine gave no slot */
    uint32_t n_ts;
    struct selector ts[]; /* nearly always one */
};

struct sad {
    struct sa *ids[SAD_BUCKETS], *spis[SAD_BUCKETS], *policies[SAD_BUCKETS];
    uint32_t n;
};

/* Checks every field and installs the SA. ctr: its shared counters, or NULL. Returns 0 and
 * *out, or -EINVAL, -EEXIST, -ENOSPC, -ENOMEM, -EAFNOSUPPORT, -EOPNOTSUPP,
 * -EPROTONOSUPPORT. */
int sad_add(struct sad *s, struct crypto *c, const struct sadb_sa *m, struct dp_counters *ctr,
            struct sa **out);
int sad_update(struct sad *s, const struct sadb_update *m); /* 0, -ENOENT or -EAFNOSUPPORT */
int sad_delete(struct sad *s, uint32_t id);                 /* 0 or -ENOENT */
/* From where its numbers go on, and how far. */
void sa_position(struct sa *sa, const struct sadb_position *m);
void sad_flush(struct sad *s, uint32_t ifid); /* 0 = every SA */
struct sa *sad_find(const struct sad *s, uint32_t id);
struct sa *sad_inbound(const struct sad *s, uint8_t proto, uint32_t spi);
/* The newest SA of a policy that may carry this flow, those on standby last; one whose volume or
 * numbers are used up, or at their ceiling, only when there is no other. */
struct sa *sad_outbound(const struct sad *s, uint32_t policy, const struct flow *f);
/* The outbound SA of the same policy and peer that was there before this one, or NULL. */
const struct sa *sad_older(const struct sad *s, const struct sa *sa);
/* What SADB_SA_INFO says: no keys. */
void sad_describe(const struct sa *sa, struct sadb_sa *out);

bool sa_covers(const struct sa *sa, const struct flow *f);

static inline bool sa_transport(const struct sa *sa)
{
    return sa->mode == SADB_TRANSPORT;
}

static inline bool sa_esn(const struct sa *sa)
{
    return (sa->flags & SADB_F_ESN) != 0;
}

/* When there is a number, PKT_OK; else DP_SEQ_OVERFLOW (RFC 4303 §3.3.3), or DP_LEASE: there will
 * be one. */
static inline uint8_t sa_has_seq(const struct sa *sa)
{
    if (sa->seq < sa->limit)
        return PKT_OK;
    return sa->limit < sa->seq_max ? DP_LEASE : DP_SEQ_OVERFLOW;
}

/* The next one, leased. */
uint64_t sa_next_seq(struct sa *sa);
void sa_publish_in(struct sa *sa); /* inbound: number and window into the counters */
void sa_ask_again(struct sa *sa);  /* SADB_LEASE is due again, if it was */

/* One writer per counter: no locked instruction is needed. */
static inline void dp_add(_Atomic uint64_t *c, uint64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

#endif
