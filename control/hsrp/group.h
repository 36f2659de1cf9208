/*
 * One HSRP group on one interface: what the state table (state.h) leaves open. Timers, who is
 * active and who is standby, what is learnt, priority and tracking, authentication, and what is
 * sent.
 *
 * No I/O: the host sends frames, keeps hellos going, and moves the virtual address. Hellos are not
 * sent from here: the group prepares the frame, and somebody whom nothing delays (pacer.h) sends it
 * again and again and says how often.
 */
#ifndef TANDEM_CONTROL_HSRP_GROUP_H
#define TANDEM_CONTROL_HSRP_GROUP_H

#include "control/hsrp/auth.h"
#include "control/hsrp/state.h"
#include "lib/log.h"
#include "lib/timer.h"

#define HSRP_NAME    26 /* of a group, with its end */
#define HSRP_IFNAME  64
#define HSRP_SHORT   16 /* "Fa1/0" */
#define HSRP_TRACKS  16
#define HSRP_SECONDS 5  /* addresses beside the first */
#define HSRP_KEYS    16 /* in one key chain */

#define HSRP_HELLO_MS 3000 /* RFC 2281 §5.1 */
#define HSRP_HOLD_MS  10000
#define HSRP_PRIORITY 100

struct hsrp_key {
    uint32_t id;
    uint16_t len;
    uint8_t key[HSRP_KEY];
};

/* Something whose end lowers the priority. */
struct hsrp_track {
    uint32_t object;          /* a track object, or 0: an interface */
    char ifname[HSRP_IFNAME]; /* canonical */
    uint8_t decrement;
    bool shutdown; /* the group is disabled meanwhile, instead */
};

enum hsrp_known { HSRP_DOWN, HSRP_UP, HSRP_UNKNOWN };

struct hsrp_cfg {
    uint16_t number;
    uint8_t version;
    bool ip;         /* `standby N ip` stands in the configuration: the group runs */
    struct addr vip; /* unset: learnt */
    struct addr second[HSRP_SECONDS];
    uint8_t n_second;
    uint8_t priority;
    bool preempt;
    uint16_t preempt_min, preempt_reload, preempt_sync; /* seconds */
    bool timers;                                        /* configured, so not learnt */
    uint32_t hello_ms, hold_ms;
    bool hello_msec, hold_msec; /* as they are written */
    bool named;
    char name[HSRP_NAME];
    uint8_t n_track;
    struct hsrp_track track[HSRP_TRACKS];
    enum hsrp_auth auth;
    uint8_t text[HSRP_TEXT];
    bool chain; /* the keys are those of a chain */
    char chain_name[HSRP_IFNAME];
    uint8_t n_key;
    struct hsrp_key key[HSRP_KEYS];
    uint32_t key_timeout; /* seconds for which a key that was replaced is still taken */
    bool use_bia, has_mac;
    uint8_t mac[HSRP_MAC];            /* configured */
    uint32_t delay_min, delay_reload; /* seconds after the interface came up, or the box */
};

/* The interface, as it is now. */
struct hsrp_link {
    char name[HSRP_IFNAME], shortname[HSRP_SHORT];
    bool up;
    struct addr addr; /* its primary address; unset: none */
    uint8_t mac[HSRP_MAC];
};

/* Another router of the group. */
struct hsrp_peer {
    struct addr addr; /* unset: unknown */
    uint32_t priority;
};

enum hsrp_tell { HSRP_TELL_AUTH, HSRP_TELL_VIP, HSRP_TELL_ADDRESS, HSRP_TELLS };

enum hsrp_debug { HSRP_DBG_ERRORS, HSRP_DBG_EVENTS, HSRP_DBG_PACKETS, HSRP_DBG_TERSE, HSRP_DBGS };

struct hsrp_group;
struct hsrp_host {
    struct timerq *timers;
    const struct clock *clock;
    /* One frame, now. */
    void (*send)(void *ctx, const struct hsrp_group *g, const uint8_t *frame, size_t n);
    /* This frame every `every`, at once for the first time if `now`. n = 0: none any more. */
    void (*pace)(void *ctx, struct hsrp_group *g, const uint8_t *frame, size_t n, usec_t every,
                 bool now);
    usec_t (*next_hello)(void *ctx, const struct hsrp_group *g); /* monotonic; -1: none */
    /* What has arrived and waits is put in, before anything is concluded from silence. */
    void (*drain)(void *ctx);
    /* It has another state, or its addresses changed (was == its state). */
    void (*changed)(void *ctx, struct hsrp_group *g, enum hsrp_state was);
    /* What its successor has to know has changed. */
    void (*save)(void *ctx, const struct hsrp_group *g);
    enum hsrp_known (*tracked)(void *ctx, const struct hsrp_track *t);
    /* A group that may take over from a living router by its own configuration really may. */
    bool (*may_preempt)(void *ctx);
    void (*tell)(void *ctx, const struct hsrp_group *g, enum hsrp_tell what,
                 const struct hsrp_message *m, const struct addr *from, const uint8_t *mac);
    bool (*debugs)(void *ctx, enum hsrp_debug cls);
    void (*debug)(void *ctx, const char *line);
    void *ctx;
};

struct hsrp_group {
    const struct hsrp_host *host;
    struct hsrp_cfg cfg;
    struct hsrp_link link;
    enum hsrp_state state;
    struct hsrp_peer active, standby; /* others; unset where it is us, or nobody is known */
    uint8_t active_mac[HSRP_MAC];     /* the active router's, as virtual router; 0: not heard yet */
    struct addr vip;                  /* in use: configured or learnt */
    uint32_t hello_ms, hold_ms;       /* in use */
    uint8_t priority;                 /* in use */
    bool track_shut;                  /* a tracked object has it disabled */
    bool yields; /* it is being handed over: who says that he is active is, whatever his priority */
    usec_t taken_until; /* handed over to us: whose hello is on its way yet is not believed */
    enum hsrp_known track[HSRP_TRACKS];
    uint32_t changes;
    usec_t changed; /* monotonic; since it has its state */
    usec_t preempt_after;
    bool rebooted; /* the box, not the interface, came up last */
    struct timer active_t, standby_t, delay_t, announce_t;
    unsigned announcements;  /* that are still to be made */
    struct hsrp_key old_key; /* still taken until … */
    usec_t old_key_until;
    struct log_limit told[HSRP_TELLS];
    uint64_t in[HSRP_ADVERTISE + 1], out[HSRP_ADVERTISE + 1];
};

void hsrp_group_init(struct hsrp_group *g, const struct hsrp_host *host, bool rebooted);
/* Resigns if it is active, and forgets everything. */
void hsrp_group_end(struct hsrp_group *g);
/* The same without a word to anybody: a successor goes on. */
void hsrp_group_drop(struct hsrp_group *g);

/* The configuration, and the interface; the same ones again change nothing. */
void hsrp_group_set(struct hsrp_group *g, const struct hsrp_cfg *cfg, const struct hsrp_link *link);
/* Something that is tracked may have changed. */
void hsrp_group_track(struct hsrp_group *g);
/* A message for it. p, n: as it came, for the digest; mac: who sent the frame. False: it is not
 * authentic. */
bool hsrp_group_input(struct hsrp_group *g, const struct hsrp_message *m, const struct addr *from,
                      const uint8_t mac[HSRP_MAC], const uint8_t *p, size_t n);
/* From standby to active at once, as if the active router had resigned. */
void hsrp_group_take(struct hsrp_group *g);
/* It has found its place: it is active or standby, others are both, or it cannot take part. Any
 * other state is on the way to one of these. */
bool hsrp_group_settled(const struct hsrp_group *g);
/* So many hellos have gone out. */
void hsrp_group_sent(struct hsrp_group *g, uint64_t n);
/* Somebody at this MAC address says that he has this address. */
void hsrp_group_claim(struct hsrp_group *g, const struct addr *a, const uint8_t mac[HSRP_MAC]);

/* The MAC address that it has as active router, and whether a device of its own is needed. */
void hsrp_group_mac(const struct hsrp_group *g, uint8_t mac[HSRP_MAC]);
static inline bool hsrp_speaks(enum hsrp_state s)
{
    return s == HSRP_SPEAK || s == HSRP_STANDBY || s == HSRP_ACTIVE;
}

/* --- for a successor ------------------------------------------------------------------------- */

#define HSRP_SAVED 1 /* version */
struct hsrp_saved {
    uint32_t version, ifindex; /* ifindex: the host's */
    char ifname[HSRP_IFNAME];
    uint16_t number;
    uint8_t proto, state;
    struct hsrp_peer active, standby;
    struct addr vip, from; /* from: the interface's address */
    uint32_t hello_ms, hold_ms, changes;
    usec_t changed, preempt_after;
    usec_t every, epoch; /* hellos: of the host */
    uint16_t n;
    uint8_t frame[HSRP_FRAME];
};
void hsrp_group_save(const struct hsrp_group *g, struct hsrp_saved *out);
/* Before the first hsrp_group_set(), which takes it up if it fits. */
bool hsrp_group_resume(struct hsrp_group *g, const struct hsrp_saved *s, const struct hsrp_cfg *cfg,
                       const struct hsrp_link *link);

#endif
