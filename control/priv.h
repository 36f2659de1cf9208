/*
 * What the files of control/ share: the root context and the steps of a round.
 *
 * A round (control_reconcile) compares everything wanted with everything known and asks for what
 * differs. It may run at any time and as often as one likes; it is run after every change of the
 * configuration, after news from the kernel, and after answers of the launcher. No step calls
 * another one's reconciler: order is given in one place, control.c.
 */
#ifndef TANDEM_CONTROL_PRIV_H
#define TANDEM_CONTROL_PRIV_H

#include "control/control.h"
#include "control/crypto/adopt.h"
#include "control/crypto/dead.h"
#include "control/crypto/endpoint.h"
#include "control/crypto/identity.h"
#include "control/crypto/grace.h"
#include "control/crypto/keyex.h"
#include "control/crypto/outbox.h"
#include "control/crypto/position.h"
#include "control/crypto/shadow.h"
#include "control/crypto/wanted.h"
#include "control/hsrp/hsrp.h"
#include "control/job.h"
#include "control/lab.h"
#include "control/log/events.h"
#include "control/launch.h"
#include "control/ospf/ospf.h"
#include "lib/vec.h"
#include "control/route/fib.h"
#include "control/route/rib.h"
#include "control/route/rri.h"
#include "control/sla/wire.h"
#include "control/sso/mirror.h"
#include "control/track/look.h"
#include "control/world/logical.h"
#include "control/world/ports.h"
#include "control/world/world.h"
#include "dataplane/dpstats.h"

/* What one source of work (a socket, a channel, the timers) may take of a turn of the loop before
 * the others have theirs: a command and a peer that asks whether we live wait for some of these. */
#define CONTROL_TURN (2 * USEC_PER_MSEC)

/* Where IKE listens, and behind a NAT (RFC 7296 §2, §2.23). */
#define PORT_IKE 500
#define PORT_NAT 4500

#define COUNTER_RING 256
struct counter_ring {
    struct dp_counters v[COUNTER_RING];
    size_t next;
};

/* One socket of each family. */
enum { FAMILY_4, FAMILY_6, FAMILIES };
struct family_socket {
    int fd; /* -1: none */
    struct event *ev;
};

static inline unsigned family_index(uint8_t family)
{
    return family == AF_INET6 ? FAMILY_6 : FAMILY_4;
}

struct control;
typedef void socket_fn(int fd, short what, void *control);
/* Takes fd in the place of what s has and calls fn when it can be read. 0 or -ENOMEM. */
int socket_watch(struct control *c, struct family_socket *s, int fd, socket_fn *fn);
void socket_drop(struct family_socket *s);

struct control {
    struct control_opts o;
    struct timerq timers;
    struct event *tick;  /* the earliest timer */
    struct event *again; /* another round */
    struct timer measure, link_news, urgent;
    struct launch launch;
    struct world world;
    struct ports ports;
    struct intent intent;
    struct rib rib;
    struct fib fib;
    struct shadow shadow[PORTS_MAX + 1]; /* by ifid; 0 is the bypass TUN */
    struct identities ids;
    struct ipc *dp;
    uint32_t dp_seq;
    usec_t dp_work;       /* for its messages since they were last made to wait */
    struct timer dp_wait; /* until the others have had their turn */
    struct outbox outbox;
    struct grace grace;
    struct journal *journal; /* NULL: nobody could take over */
    struct adopt adopt;
    struct dead_peers dead;
    struct wanted_table wanted;
    struct positions positions;
    struct addr *told_addrs; /* as in the last SADB_LOCAL_ADDRS */
    size_t n_told_addrs;
    bool told_go;         /* the datapath on this channel reads packets */
    uint64_t routes_seen; /* crypto/egress.c */
    const struct dpstats *stats;
    size_t stats_len;
    struct counter_ring *ring; /* query.c, once counters were cleared */
    struct ike *ike;
    struct isakmp *isakmp;
    struct family_socket ike_sock[FAMILIES];
    struct udp_rx *ike_rx;
    struct log_limit dropped, mismatch, unsaved;
    struct log_limit told_spi, told_no_sa; /* log/events.h */
    struct jobs *jobs;
    struct family_socket icmp_sock[FAMILIES], log_sock[FAMILIES];
    struct syslog *syslog;
    struct ping *pings;
    struct sla *sla;
    struct sla_wire *sla_wire;
    struct sla_paths sla_paths;
    struct track *track;
    struct hsrp *hsrp;
    struct sso *sso;
    struct mirror *mirror; /* NULL: no standby, and never was one */
    uint16_t ping_id;
    unsigned debug[CONTROL_DEBUG_CLASSES];
    struct ospf ospf;
    struct lab *lab;
    usec_t booted;
    uint64_t n_applied; /* configurations so far */
    bool applied;       /* one is in force */
    bool in_round, closing;
    struct lm_process *processes; /* while the answer to control_processes() is told */
    size_t n_processes;
};

void control_reconcile(struct control *c);
void control_kick(void *control); /* a round, soon */
void control_notice(struct control *c, const char *line);

/* The interface that owns a local address, or whose map has tunnels there; NULL: none. Whether it
 * is its map that has them is for endpoint_port(). */
struct port *control_port_of(const struct control *c, const struct addr *local);

/* query.c: a slot is about to be given back; what it counted as dropped stays in the sums. */
void drops_kept(struct control *c, uint32_t slot);

/* route/fib.c: static routes and the crypto table into the kernel. */
void fib_apply(struct control *c);

/* crypto/datapath.c */
int dp_send(struct control *c, uint16_t type, const void *a, size_t alen, const void *b,
            size_t blen);
uint32_t dp_seq(struct control *c); /* for requests other than ADD, whose seq is the SA handle */
void dp_local_addrs(struct control *c);
void dp_go(struct control *c);
void dp_close(struct control *c);

/* crypto/spd.c */
void spd_apply(struct control *c);
void spd_forget(struct control *c, struct identity *id); /* and free it */

/* crypto/walk.c: the walk through a peer list */
void walk_init(struct control *c, struct identity *id);
void walk_end(struct control *c, struct identity *id);
/* A peer of IKEv2 sends on SAs that we have not: a new one makes it forget them (INITIAL_CONTACT).
 */
void walk_recover(struct control *c, const struct ike_path *p);
/* Ends those of an interface; packets begin them anew. */
void walk_stop(struct control *c, uint32_t ifid);
void tunnel_acquire(struct control *c, const struct sadb_acquire *a);
void tunnel_initiate_failed(struct control *c, uint8_t version, uint32_t policy,
                            const struct ike_path *p, enum ike_reason why);
/* There is an SA with this peer; whoever began it, the walk is over. */
void walk_arrived(struct control *c, struct identity *id, const struct addr *peer);
/* The last SA with the current peer ended. */
void walk_lost(struct identity *id, enum ike_reason why);

/* crypto/tunnel.c */
int tunnel_child_up(struct control *c, const struct ike_sa_state *sa,
                    const struct ike_child_state *child, const struct ike_child_keys *keys,
                    const struct ike_child_cfg *cfg);
void tunnel_child_adopted(struct control *c, const struct ike_sa_state *sa,
                          const struct ike_child_state *child);
void tunnel_child_retired(struct control *c, const struct ike_child_state *child);
void tunnel_child_down(struct control *c, const struct ike_child_state *child, enum ike_reason why);
int tunnel_rekey_cfg(const struct control *c, uint8_t version, const struct ike_child_state *child,
                     struct ike_child_cfg *cfg);
void tunnel_child_cfg(const struct identity *id, uint8_t version, struct ike_child_cfg *cfg);
/* Ends SAs whose reason is gone. `old` is the intent before the present one, or NULL. */
void tunnel_prune(struct control *c, const struct intent *old);
/* Ends the SAs of addresses that an interface's map has not any more. */
void tunnel_check_interface(struct control *c, const struct port *p);

/* crypto/ikehost.c, crypto/accept.c */
extern const struct ike_host control_ike_host;
/* When a packet was last counted in a slot, monotonic; 0 = never. */
usec_t slot_last_used(const struct control *c, uint32_t slot);
/* Puts one message on the wire, by the socket that its path asks for. */
int ike_transport_send(struct control *c, const struct ike_path *p, const uint8_t *msg, size_t len);
/* What a peer has got by an entry would still be given to it. */
bool accept_allows(const struct intent_map_entry *e, const struct selector *sel);
int accept_child(struct control *c, const struct ike_sa_state *sa, const struct selector *offered,
                 size_t n, struct ike_child_cfg *cfg);
const struct intent_peer *control_peer(const struct intent *i, const struct ike_path *p,
                                       const struct ike_identity *id);
/* The key of IKEv1 for this path, the one of the longest prefix; NULL: none. id is NULL until the
 * peer has said what it calls itself. */
const struct intent_key *control_key(const struct intent *i, const struct ike_path *p,
                                     const struct ike_identity *id);
/* `set identity`: the entry means a peer that calls itself so. */
bool control_entry_means(const struct intent_map_entry *e, const struct ike_identity *id);
/* The key goes with what the peer calls itself; NULL: it has not said so yet. */
bool control_key_fits(const struct intent_key *k, const struct ike_identity *id);

/* crypto/isakmphost.c */
struct isakmp_host isakmp_host_of_control(void);
/* Keeps a record of an SA for a successor (kind: enum journal_kind) and the standby, or forgets it.
 */
void keyex_save(struct control *c, unsigned kind, const struct ike_sa_state *sa, uint64_t key,
                const uint8_t *p, size_t n);

/* crypto/udp.c: the IKE sockets */
void udp_open(struct control *c, unsigned family, int fd);
void udp_close(struct control *c);
int udp_send(struct control *c, const struct ike_path *p, const uint8_t *msg, size_t len);

/* ping.c */
void ping_open(struct control *c, unsigned family, int fd);
void ping_close(struct control *c);

#endif
