/*
 * The reconciler: takes wanted state (intent.h) and makes it so through the world
 * (launcher requests), the datapath (SADB) and IKE. Runs on one libevent loop; all state
 * hangs from `struct control`, the engine's root context for everything below modes/.
 */
#ifndef TANDEM_CONTROL_CONTROL_H
#define TANDEM_CONTROL_CONTROL_H

#include "control/intent.h"
#include "control/sla/sla.h"
#include "lib/clock.h"
#include "lib/ipc.h"
#include "lib/launchproto.h"
#include "lib/log.h"
#include "lib/timer.h"

struct event_base;
struct control;

struct control_opts {
    struct event_base *base;
    struct clock clock;
    struct log *log;
    /* Text for sessions that asked for it (debug, later terminal monitor). May be NULL. */
    void (*notice)(void *ctx, const char *line);
    /* A message of the box for terminals: those on the console, those that monitor. May be NULL. */
    void (*terminal)(void *ctx, bool console, bool monitor, const char *line);
    void *ctx;
    bool lab; /* keep copies of keys, for query_lab_keys() */
};

struct control *control_new(const struct control_opts *o);
void control_free(struct control *c); /* removes nothing from the kernel: the launcher does */

/* Channels and descriptors as the launcher hands them over. */
void control_set_launcher(struct control *c, struct ipc *launcher);
/* The loop, which is the calling thread, goes before other work of the machine (urgent.h). */
void control_set_urgent(struct control *c);
void control_set_datapath(struct control *c, int fd); /* takes fd; again after a restart */
void control_set_socket(struct control *c, enum launch_socket kind, int fd); /* takes fd */
/* FRR's ospfd runs: a connection to its commands, and its log; again after a restart. */
void control_set_ospfd(struct control *c, int vty, int log); /* takes both */
/* What is known of FRR before it was asked for: it is not installed. */
void control_set_routing_absent(struct control *c, bool absent);
void control_launcher_reply(struct control *c, const struct lm_reply *r, const char *text);

/* Replaces the wanted state; takes what *i holds. Work is done before it returns, as far as
 * it needs no answer; the rest follows on the loop. */
void control_apply(struct control *c, struct intent *i);

/* Ports of this box: canonical name ↔ netdev, from a ports text ("GigabitEthernet0/0 eth0"
 * per line) or, when text is NULL, in order of ifindex. */
void control_set_ports(struct control *c, const char *text, bool asa);

/* What LM_BOX says and the options could not know yet. */
void control_set_lab(struct control *c, bool lab);
void control_set_booted(struct control *c, usec_t wall);

struct event_base *control_base(struct control *c);
const struct clock *control_clock(struct control *c);
struct timerq *control_timers(struct control *c);
struct log *control_log(struct control *c);
struct syslog *control_syslog(const struct control *c); /* the messages of the box */

/* Asks the launcher to save or erase a file; fn is called with 0 or -errno. */
int control_save(struct control *c, const char *name, const void *text, size_t len,
                 void (*fn)(void *ctx, int err), void *ctx);
/* Gives the launcher the running-config (with its secrets), in memory only, for an engine that
 * has to take over from this one. 0 or -errno. */
int control_keep(struct control *c, const void *text, size_t len);
/* Asks what runs of this box: fn is called with 0, and query_processes() then has it until fn
 * returns, or with -errno. */
int control_processes(struct control *c, void (*fn)(void *ctx, int err), void *ctx);
void control_launcher_processes(struct control *c, const void *list, size_t len);
/* The socket that an LR_PROBE asked for; its LM_REPLY follows at once. Takes fd. */
void control_launcher_probe(struct control *c, int fd);
int control_erase(struct control *c, const char *name, void (*fn)(void *ctx, int err), void *ctx);
void control_reload(struct control *c);

/* Actions of EXEC commands. */
/* IKE SAs of a version (enum ike_version; 0: both) end. How many there were. */
size_t control_clear_ike(struct control *c, unsigned version, const struct ike_which *w,
                         enum ike_clear_how how);
/* Which children are meant: what is set has to agree. */
struct control_children {
    struct addr remote;
    const char *map;
    struct addr dst; /* the SA to this address, ours or the peer's, */
    uint8_t proto;   /* enum sadb_proto, */
    uint32_t spi;    /* and its SPI */
    bool replaced;   /* only what a successor has replaced */
};
/* These children end; their IKE SAs stay. How many there were. */
size_t control_clear_children(struct control *c, const struct control_children *w);
size_t control_clear_ipsec_counters(struct control *c);
/* `debug crypto ikev2 …` of IOS: each is a choice of enum ike_debug's classes. */
enum control_debug_ios {
    CONTROL_DEBUG_DEFAULT = IKE_DBG_CLASSES,
    CONTROL_DEBUG_ERROR,
    CONTROL_DEBUG_INTERNAL,
    CONTROL_DEBUG_PACKET,
    CONTROL_DEBUG_V1
};
/* Classes of debug text: the ASA's of enum ike_debug, IOS's, then enum isakmp_debug, then those of
 * this room, the last of them enum hsrp_debug and enum sso_debug. */
#define CONTROL_DEBUG_TRACK   (CONTROL_DEBUG_V1 + ISAKMP_DBG_CLASSES)
#define CONTROL_DEBUG_SLA     (CONTROL_DEBUG_TRACK + 1) /* then enum sla_trace */
#define CONTROL_DEBUG_HSRP    (CONTROL_DEBUG_SLA + SLA_TRACES)
#define CONTROL_DEBUG_SSO     (CONTROL_DEBUG_HSRP + HSRP_DBGS)
#define CONTROL_DEBUG_CLASSES (CONTROL_DEBUG_SSO + SSO_DBGS)
#define CONTROL_DEBUG_ALL     UINT32_MAX /* of SLA, where the level is the number of one */
void control_debug(struct control *c, unsigned cls, unsigned level); /* 0 = off */
unsigned control_debug_level(const struct control *c, unsigned cls);

/* A measurement begins anew, with its counters; 0: all. false: there is no such one. */
bool control_sla_restart(struct control *c, uint32_t number);

struct ping_opts {
    struct addr dst, src;             /* src unset: chosen by the route */
    uint32_t count, size, timeout_ms; /* size: whole IP datagram as IOS counts it */
    bool df;
};
struct ping; /* one running ping */
/* result: '!' '.' 'U' 'N' 'H' 'M' '?' '&'; then done with min/avg/max in ms. */
struct ping *control_ping(struct control *c, const struct ping_opts *o,
                          void (*result)(void *ctx, char mark, unsigned rtt_us),
                          void (*done)(void *ctx), void *ctx);
void control_ping_abort(struct ping *p); /* done is not called */

#endif
