/*
 * Stateful failover: this box and its peer (docs/sso.md).
 *
 * The rest of control/ knows of it only this: records are put and removed as they are in the
 * journal, messages ask whether they may leave, and shows read the status.
 */
#ifndef TANDEM_CONTROL_SSO_SSO_H
#define TANDEM_CONTROL_SSO_SSO_H

#include "lib/addr.h"
#include "lib/clock.h"
#include "lib/launchproto.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control;
struct sso;

enum sso_kind { SSO_LINE = 1, SSO_SA, SSO_IKE, SSO_ISAKMP, SSO_NUMBERS, SSO_KINDS };

/* States of the redundancy facility by the platform's numbers. */
enum rf_state {
    RF_DISABLED = 1,
    RF_INITIALIZATION,
    RF_NEGOTIATION,
    RF_STANDBY_COLD,
    RF_STANDBY_CONFIG,
    RF_STANDBY_FILESYS,
    RF_STANDBY_BULK,
    RF_STANDBY_HOT,
    RF_ACTIVE_FAST,
    RF_ACTIVE_DRAIN,
    RF_ACTIVE_PRECONFIG,
    RF_ACTIVE_POSTCONFIG,
    RF_ACTIVE
};

/* What the configuration wants (intent.h: struct intent.sso). */
#define SSO_ADDRS    2
#define SSO_SECTIONS 16
#define SSO_DIGEST   32   /* SHA-256 */
#define SSO_HOLD     8192 /* messages that wait by default */
struct sso_section {
    char name[32]; /* "isakmp policy", "isakmp key", "transform-set", "crypto map", … */
    uint8_t digest[SSO_DIGEST];
};
struct sso_cfg {
    bool inter_device; /* redundancy inter-device */
    char group[26];    /* scheme standby NAME; "": none */
    char security[64]; /* security ipsec PROFILE; "": in clear */
    bool association;  /* ipc zone default, association, complete and not shut down */
    uint32_t number;   /* of the association */
    uint8_t n_local, n_remote;
    struct addr local[SSO_ADDRS], remote[SSO_ADDRS];
    uint16_t local_port, remote_port;
    uint32_t rto_min, rto_max; /* milliseconds */
    uint8_t path_retransmit, assoc_retransmit;
    /* Milliseconds until an INIT is repeated, and between heartbeats beside the RTO; 0: the RTO. */
    uint32_t init_timeout, keepalive;
    uint32_t hold; /* messages that may wait to be sent */
    uint8_t n_section;
    struct sso_section section[SSO_SECTIONS]; /* what has to be the same on both boxes */
};

/* --- for the rest of control/ ------------------------------------------------------------- */

int sso_open(struct control *c); /* 0 or -ENOMEM */
void sso_close(struct control *c);
void sso_socket(struct control *c, enum launch_socket kind, int fd); /* SOCK_SCTP4, 6; takes fd */
void sso_apply(struct control *c); /* a step of a round: configured as in the intent */

/* A record was put or removed (n 0). Nothing happens without a standby. */
void sso_record(struct control *c, enum sso_kind kind, uint64_t key, const void *p, size_t n);
/* The number of the last record, and the highest one that may be relied upon: acknowledged, or all
 * without a standby. A message queued at sso_put() may leave when sso_safe() has reached that. */
uint64_t sso_put(const struct control *c);
uint64_t sso_safe(const struct control *c);
/* SAs of interfaces with a stateful map are another box's now: shown as standby, never used. */
bool sso_is_standby(const struct control *c, uint32_t ifid);
/* What comes of `redundancy switchover`. All but the first two: this box stays as it is. */
enum sso_outcome {
    SSO_HANDED_OVER,      /* the other box is active; this one reloads */
    SSO_ASKED,            /* the other box is asked, and what it says is told */
    SSO_NO_SCHEME,        /* there is no scheme in force */
    SSO_NOT_ACTIVE,       /* the other box is */
    SSO_BUSY,             /* the role is on its way already */
    SSO_NO_PEER,          /* the link is down, or nothing has come by it yet */
    SSO_DIFFERS,          /* both boxes are configured differently (struct sso_status) */
    SSO_BULK_SYNC,        /* the standby is still being told all that there is */
    SSO_NOT_HOT,          /* it is not, for another reason */
    SSO_NO_STANDBY,       /* a group in which this box is active has no standby router */
    SSO_PEER_EMPTY,       /* the other box says: it does not have everything */
    SSO_PEER_NOT_STANDBY, /* … it is not standby in each of its groups */
    SSO_PEER_LATE,        /* … it cannot get ready in time */
    SSO_NO_ANSWER,
    SSO_OUTCOMES
};
/* fn is told once, unless the answer is another one than SSO_ASKED. */
enum sso_outcome sso_switchover(struct control *c, void (*fn)(void *ctx, enum sso_outcome o),
                                void *ctx);
void sso_switchover_forget(struct control *c); /* nobody wants to hear any more */
/* The box is about to reload. True: what the standby goes on with is fenced first, then
 * control_reload() is called again; peers hear nothing of that. */
bool sso_leave(struct control *c);
/* clear crypto … standby: what we hold for the peer goes, and all of it is asked for anew. False:
 * we hold nothing. */
bool sso_resync(struct control *c);
/* The peer is there, and configured as this box is. */
bool sso_agrees(const struct control *c);

/* Classes of debug text, from CONTROL_DEBUG_SSO on: those of `debug redundancy`, then those of
 * `debug crypto [ipsec|isakmp] ha`. */
enum sso_debug {
    SSO_DBG_SWITCHOVER,
    SSO_DBG_EHSA,
    SSO_DBG_ERRORS,
    SSO_DBG_FSM,
    SSO_DBG_KPA,
    SSO_DBG_MSG,
    SSO_DBG_PROGRESSION,
    SSO_DBG_STATUS,
    SSO_DBG_TIMER,
    SSO_DBG_HA,
    SSO_DBG_IPSEC,
    SSO_DBG_IPSEC_DETAIL,
    SSO_DBG_IPSEC_UPDATE,
    SSO_DBG_ISAKMP,
    SSO_DBG_ISAKMP_DETAIL,
    SSO_DBG_ISAKMP_UPDATE,
    SSO_DBGS
};

/* --- for shows ---------------------------------------------------------------------------- */

enum sso_event_kind { SSO_EV_STATE, SSO_EV_PEER_STATE, SSO_EV_LINK, SSO_EV_SWITCHOVER };
struct sso_event {
    usec_t at; /* monotonic */
    enum sso_event_kind kind;
    enum rf_state mine, peer;
    char text[48]; /* "RF_STATUS_PEER_PRESENCE(400) op=1"; "" for states */
};
#define SSO_HISTORY 128

struct sso_path {
    struct addr local, remote;
    bool up;
    uint64_t tx, rx, lost; /* packets; times it failed */
};

struct sso_switch {
    int64_t wall_us;
    bool planned;
    char reason[40]; /* "user forced", "active unit failed" */
};

struct sso_status {
    const struct sso_cfg *cfg;
    char group[26]; /* of the scheme in force; "": none */
    enum rf_state mine, peer;
    usec_t since, peer_since; /* monotonic */
    bool link_up, hot;        /* hot: the standby has everything */
    bool pending;             /* the scheme waits for a reload */
    uint32_t epoch, peer_epoch;
    uint8_t n_path;
    struct sso_path path[SSO_ADDRS];
    uint64_t link_ups, link_downs;
    uint64_t tx, rx, tx_bytes, rx_bytes, bad; /* messages of SSO */
    uint64_t records_tx, records_rx, acked, bulks;
    usec_t bulk_took;
    uint32_t switchovers, standby_failures;
    uint32_t mirrored[SSO_KINDS]; /* records that we hold for the peer */
    char peer_version[32];
    uint8_t n_differ; /* sections whose digests differ */
    char differ[SSO_SECTIONS][32];
};
void sso_status(const struct control *c, struct sso_status *out);
/* Events, oldest first; at most SSO_HISTORY. */
void sso_history(const struct control *c, void (*fn)(void *ctx, const struct sso_event *e),
                 void *ctx);
void sso_switches(const struct control *c, void (*fn)(void *ctx, const struct sso_switch *s),
                  void *ctx);

#endif
