/*
 * IKEv1 (RFC 2408, 2409) as a library: messages and timers in, messages and SAs out.
 *
 * It is built like IKEv2 (control/ike) and used like it: it does no I/O, reads no clock and no
 * configuration, and shares with IKEv2 the host, the cryptography, the state that shows read and
 * what a child SA is made from. Main mode, aggressive mode and quick mode with pre-shared keys,
 * informational exchanges, dead peer detection (RFC 3706), NAT traversal (RFC 3947).
 */
#ifndef TANDEM_CONTROL_ISAKMP_ISAKMP_H
#define TANDEM_CONTROL_ISAKMP_ISAKMP_H

#include "control/ike/ike.h"

/* How far phase 1 is, by what IOS calls it (show crypto isakmp sa). */
enum isakmp_state {
    ISAKMP_MM_NO_STATE,
    ISAKMP_MM_SA_SETUP,
    ISAKMP_MM_KEY_EXCH,
    ISAKMP_MM_KEY_AUTH,
    ISAKMP_AG_NO_STATE,
    ISAKMP_AG_INIT_EXCH,
    ISAKMP_AG_AUTH,
    ISAKMP_QM_IDLE,
    ISAKMP_STATES
};
const char *isakmp_state_name(enum isakmp_state s); /* "MM_NO_STATE" */

/* `crypto isakmp policy N` (ASA: `crypto ikev1 policy N`). */
struct isakmp_policy {
    uint32_t priority;
    struct ike_alg encr; /* transform IDs of IKEv2 (lib/transform.h) */
    uint16_t hash;       /* PRF_*: the hash of that name, also for HMAC */
    uint16_t group;
    uint16_t auth;     /* RFC 2409 appendix A: 1 pre-shared key; others are never offered */
    uint32_t lifetime; /* seconds */
};

/* How to speak with one peer. Keys are borrowed from the intent. */
struct isakmp_peer_cfg {
    const uint8_t *psk;
    uint16_t psk_len;
    struct ike_identity local_id;    /* type 0: the local address */
    bool listed;                     /* the configuration has it by this very address */
    bool aggressive;                 /* initiate so */
    bool refuse_aggressive;          /* `crypto isakmp aggressive-mode disable` */
    uint32_t dpd_seconds, dpd_retry; /* 0 = off */
    bool dpd_periodic;
    uint32_t nat_keepalive; /* seconds, 0 = default of the datapath */
    bool fragmentation;     /* `crypto isakmp fragmentation` */
};

/* Classes of `debug crypto isakmp` and `debug crypto ipsec`, whose texts are IOS's. */
enum isakmp_debug { ISAKMP_DBG_ISAKMP, ISAKMP_DBG_IPSEC, ISAKMP_DBG_CLASSES };

struct isakmp_host {
    /* What IKEv1 asks like IKEv2. Not used: policies, peer, debug_on, debug. The state given along
     * has version IKE_V1. */
    struct ike_host base;
    /* Policies in force on the interface that owns `local`, by priority; NULL where IKEv1 is not
     * enabled. They live until the next configuration change. */
    const struct isakmp_policy *(*policies)(void *h, const struct addr *local, size_t *n);
    /* false: no key. id is NULL until the peer has named itself (aggressive mode: at once). */
    bool (*peer)(void *h, const struct ike_path *p, const struct ike_identity *id,
                 struct isakmp_peer_cfg *out);
    bool (*debug_on)(void *h, enum isakmp_debug cls);
    void (*debug)(void *h, enum isakmp_debug cls, const char *text); /* one message, maybe several
                                                                        lines */
    /* A message came that belongs to no SA and cannot begin one. May be NULL. */
    void (*stray)(void *h, const struct ike_path *p);
    /* What the host has to say of the routes that come with a child. May be NULL. */
    void (*debug_routes)(void *h, const struct ike_sa_state *sa, const struct ike_child_state *c);
};

/* What quick mode can say of a selector: identities hold one port or all (RFC 2407 §4.6.2), so
 * ports that are neither are all. */
struct selector isakmp_selector(const struct selector *s);

struct isakmp_stats {
    uint64_t rx, tx, retransmits, initiated, responded, established, failed;
    uint64_t dropped[24]; /* by cause; names in isakmp_drop_text() */
};
const char *isakmp_drop_text(unsigned cause); /* NULL behind the last */

struct isakmp;
struct isakmp *isakmp_new(const struct isakmp_host *host, void *h, struct timerq *q,
                          const struct clock *clk);
void isakmp_free(struct isakmp *k); /* sends nothing; wipes every key */
void isakmp_set_schedule(struct isakmp *k, const struct ike_schedule *s);
void isakmp_set_limits(struct isakmp *k, const struct ike_limits *l);
/* Phase 1 goes with its last child when another peer takes that over (ASA; on IOS it stays). */
void isakmp_set_end_alone(struct isakmp *k, bool on);
/* The tunnel_id of the next SA of phase 1, `conn-id` of IOS: 1001 unless set. */
void isakmp_set_first(struct isakmp *k, uint32_t first);

/* As ike_restore(), ike_initiate(), … (control/ike/ike.h). */
int isakmp_restore(struct isakmp *k, const uint8_t *p, size_t n);
int isakmp_import(struct isakmp *k, uint64_t key, const uint8_t *p, size_t n,
                  const struct ike_import *how);
void isakmp_forget(struct isakmp *k, uint64_t key);
size_t isakmp_activate(struct isakmp *k);
void isakmp_each_record(struct isakmp *k,
                        void (*fn)(void *ctx, const struct ike_sa_state *sa, uint64_t key,
                                   const uint8_t *p, size_t n),
                        void *ctx);
int isakmp_initiate(struct isakmp *k, const struct ike_path *p, const struct ike_child_cfg *cfg);
/* One datagram whose header says major version 1, without the non-ESP marker. */
void isakmp_input(struct isakmp *k, const struct ike_path *p, const uint8_t *msg, size_t len);
/* True for a first message: anybody can send it. */
bool isakmp_is_first(const uint8_t *msg, size_t len);
void isakmp_overloaded(struct isakmp *k, uint64_t n);
size_t isakmp_clear(struct isakmp *k, const struct addr *remote, uint32_t ifid);
size_t isakmp_clear_which(struct isakmp *k, const struct ike_which *w, enum ike_clear_how how);
/* Ends the SA of phase 1 with this tunnel_id, not its children. */
bool isakmp_clear_one(struct isakmp *k, uint32_t tunnel_id);
void isakmp_interface_changed(struct isakmp *k, uint32_t ifid, const struct addr *local, size_t n);
void isakmp_expired(struct isakmp *k, uint32_t sa, bool hard);
void isakmp_end_child(struct isakmp *k, uint32_t sa, enum ike_reason why);
void isakmp_invalid_spi(struct isakmp *k, const struct ike_path *p, uint32_t spi);
void isakmp_nat_moved(struct isakmp *k, uint32_t sa, const struct ike_path *p);
void isakmp_each(const struct isakmp *k, bool (*fn)(void *ctx, const struct ike_sa_state *sa),
                 void *ctx);
/* The same for those with a child of this line, maybe more than once. */
void isakmp_each_of(const struct isakmp *k, uint32_t policy,
                    bool (*fn)(void *ctx, const struct ike_sa_state *sa), void *ctx);
const struct isakmp_stats *isakmp_stats(const struct isakmp *k);
/* One line of Wireshark's ikev1_decryption_table: the initiator's cookie and the cipher's key. For
 * lab boxes only. The length, or -EMSGSIZE, or -ENOTSUP for a cipher that phase 1 has not. */
int isakmp_export_key(const struct ike_sa_state *s, char *buf, size_t cap);

#endif
