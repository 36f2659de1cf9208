/* What the files that bind stateful failover to this box share. */
#ifndef TANDEM_CONTROL_SSO_PRIV_H
#define TANDEM_CONTROL_SSO_PRIV_H

#include "control/priv.h"
#include "control/sso/carrier.h"
#include "control/sso/rf.h"
#include "control/sso/sync.h"

#define SSO_SWITCHES 16

/* A planned switchover (switchover.c). */
enum sso_handover_step {
    SSO_HANDOVER_NONE,
    SSO_HANDOVER_ASKS,     /* active: the standby is asked */
    SSO_HANDOVER_DRAINS,   /* active: the switches turn away, the last packets come */
    SSO_HANDOVER_PREPARES, /* standby: addresses and holds are on their way */
    SSO_HANDOVER_TAKES     /* standby: active in HSRP; the other one is to fence */
};

struct sso {
    struct control *c;
    struct sso_carrier *carrier;
    struct sso_sync *sync;
    struct rf rf;
    struct timer restart; /* of the link, not from within it */
    char why[64];
    char group[HSRP_NAME]; /* of the scheme in force */
    bool on;               /* there is one */
    bool pending;          /* another one waits for a reload */
    bool fencing;          /* the role is lost, and the datapath is being stopped */
    bool reloads;          /* … and then the box reloads itself */
    bool leaves;           /* the box reloads: nothing is taken over any more */
    bool goes;             /* fenced; the peer is to say that it knows, before the box reloads */
    bool held;             /* HSRP takes over from nobody until we have what it takes */
    bool planned;          /* the other box is handing over */
    struct {
        enum sso_handover_step step;
        struct timer timer;
        usec_t until;
        uint64_t packets;
        unsigned quiet;
        void (*fn)(void *ctx, enum sso_outcome o); /* who asked for it */
        void *ctx;
        bool served; /* the datapath has served its queues since the last look */
    } handover;
    bool told_fence[PORTS_MAX + 1];
    struct timer fence; /* so long the datapath may take */
    struct {
        bool known;
        uint8_t role; /* enum sadb_role, as told */
    } at[PORTS_MAX + 1];
    uint64_t link_ups, link_downs;
    uint32_t switchovers, failures, n_switch;
    struct sso_switch sw[SSO_SWITCHES];
};

/* sso.c: what the link says; ctx is the struct sso */
extern const struct sso_link_ops sso_link_ops;

/* host.c: what the protocol asks for */
struct sso_sync_host sso_host(struct sso *s);

/* roles.c */
/* The interface's SAs are shared with the peer. */
bool sso_shares(const struct port *p);
void sso_roles_open(struct sso *s);
void sso_follow(struct sso *s); /* the group, the peer: what that makes of us */
void sso_roles_apply(struct sso *s);
void sso_lose_role(struct sso *s);
void sso_peer_knows(struct sso *s); /* it answers, or will not any more */
void sso_fence_taken(struct sso *s, uint32_t ifid, enum sadb_role role);
void sso_rf(struct sso *s, enum rf_event e);
void sso_end(struct sso *s); /* not configured any more */

/* switchover.c */
void sso_handover_open(struct sso *s);
void sso_handover_step(struct sso *s, enum sso_switch_step step); /* a word of the peer */
void sso_handover_bye(struct sso *s);                             /* it has fenced */
void sso_handover_end(struct sso *s);                             /* not configured any more */
void sso_handover_barrier(struct sso *s); /* the datapath has answered position_barrier() */

/* events.c: what people are told */
void sso_debug(const struct sso *s, enum sso_debug cls, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void sso_tell_peer(struct sso *s, bool there);
void sso_tell_differ(const struct sso *s);
void sso_tell_takeover(const struct sso *s);
void sso_tell_reload(const struct sso *s);

#endif
