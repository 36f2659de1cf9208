/*
 * Intent: what the configuration wants, as plain data.
 *
 * modes/ derives it from the config tree (one function per feature), control/ makes it so.
 * It knows no text form and no dialect. Everything lives in `arena` and is replaced as a
 * whole; control keeps the one in force and compares.
 */
#ifndef TANDEM_CONTROL_INTENT_H
#define TANDEM_CONTROL_INTENT_H

#include "control/hsrp/group.h"
#include "control/isakmp/isakmp.h"
#include "control/log/syslog.h"
#include "control/ospf/intent_ospf.h"
#include "control/sso/sso.h"
#include "lib/addr.h"
#include "lib/mem.h"
#include <stdbool.h>
#include <stdint.h>

#define INTENT_NAME  64
#define INTENT_ADDR2 16 /* secondary IPv4 addresses of one interface */
#define INTENT_ADDR6 8  /* IPv6 addresses of one interface */
#define INTENT_ADDRS (1 + INTENT_ADDR2 + INTENT_ADDR6)

/* A port is there or not; a loopback and a VLAN are made (world/logical.h); the others are kept
 * without a device. */
enum intent_if_kind {
    IF_PORT,
    IF_LOOPBACK,
    IF_VLAN,
    IF_TUNNEL,
    IF_OTHER,
    IF_PEER /* what protects stateful failover on a path (sso/protect.h): nobody has typed it */
};

/* What carries the packets of a tunnel interface: GRE (RFC 2784), or ESP by itself. */
enum intent_tunnel_mode { TUNNEL_OFF, TUNNEL_GRE, TUNNEL_IPSEC };

struct intent_tunnel {
    enum intent_tunnel_mode mode; /* TUNNEL_OFF: not complete, or not protected: no packet passes */
    struct addr source, destination;
    bool has_key; /* GRE */
    uint32_t key;
};

struct intent_if {
    char name[INTENT_NAME];   /* canonical: "GigabitEthernet0/0" */
    char nameif[INTENT_NAME]; /* ASA name, "" = none: the port takes no part in forwarding */
    uint8_t security;
    bool shutdown;
    enum intent_if_kind kind;
    uint32_t number;                   /* of a loopback */
    uint16_t vlan;                     /* 0 = not told yet */
    struct intent_tunnel tunnel;       /* … whose map is what protects it */
    const struct intent_if *of;        /* IF_PEER: the interface with its source, as it is shown */
    bool unnumbered;                   /* speaks IPv4 with the address of another interface */
    struct prefix addr;                /* address with its mask (host bits kept); unset = none */
    struct prefix addr2[INTENT_ADDR2]; /* secondary ones */
    uint8_t n_addr2;
    struct prefix addr6[INTENT_ADDR6]; /* the same of IPv6; the first one speaks for the box */
    uint8_t n_addr6;
    bool ipv6;                       /* IPv6 with addresses or without (ipv6 enable) */
    uint16_t mtu;                    /* 0 = leave as it is */
    uint16_t load_interval;          /* seconds over which rates are averaged; 0: the default */
    bool ikev1, ikev2;               /* crypto ikev1 enable, crypto ikev2 enable; IOS: everywhere */
    const struct ike_policy *policy; /* those for its address (IOS); NULL: the intent's */
    uint32_t n_policy;
    uint32_t path_flags;          /* SADB_DF_*, SADB_F_FRAG_AFTER */
    const struct intent_map *map; /* crypto map applied here, or NULL */
    /* The standby group of this interface whose virtual address the map's tunnels have, while it is
     * active here; "": none, they have the interface's. It may not exist (yet). */
    char redundancy[HSRP_NAME];
    struct addr vip; /* its configured one; unset: it is learnt, or there is none */
    bool stateful;   /* … and their state is shared with the other box */
    struct intent_ospf_if ospf;
};

/* The address by which this interface meets peers of a family; unset: it has none. */
static inline struct addr intent_if_local(const struct intent_if *i, uint8_t family)
{
    return family == AF_INET6 ? i->addr6[0].addr : i->addr.addr;
}

static inline bool intent_if_speaks(const struct intent_if *i, uint8_t version)
{
    return version == IKE_V1 ? i->ikev1 : i->ikev2;
}

/* All its addresses; v has room for INTENT_ADDRS. Returns how many. */
static inline size_t intent_if_addrs(const struct intent_if *i, struct addr *v)
{
    size_t n = 0;
    if (addr_is_set(&i->addr.addr))
        v[n++] = i->addr.addr;
    for (unsigned k = 0; k < i->n_addr2; k++)
        v[n++] = i->addr2[k].addr;
    for (unsigned k = 0; k < i->n_addr6; k++)
        v[n++] = i->addr6[k].addr;
    return n;
}

struct intent_route {
    char ifname[INTENT_NAME]; /* canonical name of the egress interface */
    struct prefix dst;
    struct addr gateway;
    uint8_t distance;
    uint32_t tag;
    uint16_t track; /* 0 = none */
    bool tunneled;
    bool vpn;       /* of an SA (route/rri.h): the gateway need not be a neighbour */
    bool recursive; /* the gateway may stand behind another route */
    bool discard;   /* what it leads to goes nowhere (Null0) */
    bool permanent; /* stays when its interface goes down */
};

/* What a tracked object looks at (track/track.h). */
enum intent_track_kind {
    TRACK_SLA_REACH,  /* a probe gets answers, in time or not */
    TRACK_SLA_STATE,  /* it is OK */
    TRACK_LINE,       /* an interface's line protocol */
    TRACK_IP_ROUTING, /* … and it has an address */
    TRACK_ROUTE,      /* a prefix stands in the routing table */
    TRACK_METRIC,     /* … with a metric that is low enough */
    TRACK_AND,
    TRACK_OR,
    TRACK_WEIGHT,
    TRACK_PERCENT,
    TRACK_KINDS
};

struct intent_member {
    uint32_t number;
    bool negated;
    uint32_t weight;
};

struct intent_track {
    uint32_t number;
    enum intent_track_kind kind;
    uint32_t sla;
    char ifname[INTENT_NAME];
    struct prefix dst;
    uint32_t delay_up, delay_down; /* seconds */
    uint32_t least_up, most_down;  /* of a threshold; of a metric the other way round */
    bool default_up;               /* the state while there is nothing to look at */
    uint32_t n_member;
    struct intent_member *member;
};

/* One line of an access list, protocol level already resolved (objects expanded). */
struct intent_ace {
    bool permit;
    uint32_t line;       /* 1-based place in its list */
    struct selector sel; /* local = source */
};

struct intent_acl {
    char name[INTENT_NAME];
    uint32_t n;
    struct intent_ace *ace;
};

#define INTENT_PEERS 10

/* Routes to what an entry's SAs protect on the other side (reverse-route). */
struct intent_rri {
    bool on, always;  /* always: without an SA, too */
    uint8_t distance; /* 0 = 1 */
    uint32_t tag;
    struct addr gateway; /* unset: the peer */
};

/* What a peer may call itself (IOS: match identity remote, identity of a keyring). */
struct intent_id {
    uint8_t type;           /* of an ID payload (RFC 7296 §3.5); 0: anything */
    bool domain;            /* of names: all of this domain */
    struct prefix net;      /* of addresses */
    char name[INTENT_NAME]; /* of names and key IDs */
};

struct intent_map_entry {
    uint32_t seq;
    uint32_t template; /* dynamic: number of the template's entry, 1..65535; else 0 */
    const char *template_name;
    const struct intent_acl *acl; /* NULL: unknown or missing; the entry is inert */
    const struct ike_esp_proposal *proposal[IKE_PROPOSALS];
    const struct ike_esp_proposal *transform[IKE_PROPOSALS]; /* transform sets: for IKEv1 */
    const char *profile;         /* of IKEv2: only peers that it meets; NULL: any */
    const char *isakmp_profile;  /* the same of IKEv1 */
    const struct intent_id *who; /* what the peer must call itself, one of them */
    uint32_t n_who;
    uint64_t life_kbytes;
    uint32_t life_seconds;
    uint32_t replay_window;
    uint32_t df; /* SADB_DF_* */
    enum { CONN_BIDIR, CONN_ORIGINATE, CONN_ANSWER } connection;
    struct intent_rri rri;
    uint16_t pfs_group;
    bool has_who;          /* `who` counts; without any of them nobody is meant */
    bool has_df;           /* df counts, and not the interface's */
    uint32_t idle_seconds; /* IOS: SAs without traffic go; 0 = never */
    bool idle_default;     /* … and the next walk begins at the first peer */
    bool follow;           /* IOS: a walk begins at the peer in use before, not at the first */
    bool aggressive;       /* ASA: set ikev1 phase1-mode aggressive */
    bool dynamic; /* from a template: peers come that nobody has listed, and only they begin */
    bool any;     /* dynamic, without an access list: what such a peer wants protected */
    uint8_t n_peer, n_proposal, n_transform;
    struct addr peer[INTENT_PEERS];
};

static inline bool intent_entry_lists(const struct intent_map_entry *e, const struct addr *peer)
{
    for (uint8_t i = 0; i < e->n_peer; i++)
        if (addr_eq(&e->peer[i], peer))
            return true;
    return false;
}

/* An entry for this peer; a template without peers is for all. */
static inline bool intent_entry_takes(const struct intent_map_entry *e, const struct addr *peer)
{
    return intent_entry_lists(e, peer) || (e->dynamic && !e->n_peer);
}

/* What an entry offers in a version of IKE, *n of them. */
static inline const struct ike_esp_proposal *const *
intent_entry_proposals(const struct intent_map_entry *e, uint8_t version, uint8_t *n)
{
    *n = version == IKE_V1 ? e->n_transform : e->n_proposal;
    return version == IKE_V1 ? e->transform : e->proposal;
}

static inline bool intent_entry_speaks(const struct intent_map_entry *e, uint8_t version)
{
    return version == IKE_V1 ? e->n_transform > 0 : e->n_proposal > 0;
}

struct by_addr; /* crypto/by_addr.h */
struct intent_map {
    char name[INTENT_NAME];
    const struct intent_if *local; /* tunnels have its addresses (IOS: local-address); NULL: those
                                      of the interface that bears the map */
    /* Packets until sequence numbers are told to the other box again, where the map is stateful. */
    uint32_t replay_in, replay_out;
    uint32_t n;
    struct intent_map_entry *entry; /* by seq */
    const struct by_addr *peers;    /* which entry is for whom; NULL: to be looked for */
};

/* Whose addresses the tunnels of an interface's map have, where they are no virtual ones. */
static inline const struct intent_if *intent_if_end(const struct intent_if *i)
{
    return i->map && i->map->local ? i->map->local : i;
}

/* The address that tunnels of an interface's map have with peers of a family, as far as the
 * configuration tells; unset: none, or it is learnt. Whether it is here: crypto/endpoint.h. */
static inline struct addr intent_if_endpoint(const struct intent_if *i, uint8_t family)
{
    if (i->tunnel.mode)
        return family == i->tunnel.source.family ? i->tunnel.source : (struct addr){0};
    if (i->redundancy[0])
        return family == AF_INET ? i->vip : (struct addr){0};
    return intent_if_local(intent_if_end(i), family);
}

/* A pre-shared key of IKEv1: of one peer or of all in a prefix; the longest match counts. */
struct intent_key {
    const char *profile; /* of IKEv1; NULL: none */
    /* What a peer must call itself, one of them: the profile matches names, and not the address.
     * None: anything. */
    const struct intent_id *id;
    struct isakmp_peer_cfg cfg;
    uint32_t n_id;
    struct addr local; /* keyring's local-address; unset = any */
    struct prefix remote;
    char host[INTENT_NAME]; /* by name instead (aggressive mode), "" = by address */
};

/* A tunnel-group of type ipsec-l2l; on IOS a peer of a keyring with a profile that uses it. The
 * longest match of the address counts, then the first. */
struct intent_peer {
    struct prefix remote; /* unset: any */
    bool by_id;           /* found by what it calls itself alone */
    struct addr local;    /* only where this is our address; unset: any */
    struct intent_id id;
    const char *profile;    /* of IKEv2; NULL: none */
    uint32_t nat_keepalive; /* seconds; 0: the datapath's */
    struct ike_peer_cfg cfg;
};

/* A measurement (sla/sla.h). */
enum intent_sla_type { SLA_ICMP_ECHO, SLA_UDP_ECHO, SLA_TCP_CONNECT };
enum intent_sla_start { SLA_START_PENDING, SLA_START_NOW, SLA_START_AFTER, SLA_START_AT };

#define SLA_FOREVER UINT32_MAX

struct intent_sla {
    uint32_t number;
    enum intent_sla_type type;
    struct addr target, source;     /* source unset: the interface's, or the route's */
    char ifname[INTENT_NAME];       /* canonical; "": any */
    bool bound;                     /* leaves by this interface, whatever the routing says */
    bool verify;                    /* the answer has to bring back every byte */
    uint8_t tos;                    /* of IPv6 the traffic class */
    uint16_t port, source_port;     /* source_port 0: any */
    uint32_t packets;               /* of one operation */
    uint32_t frequency;             /* seconds */
    uint32_t timeout, threshold;    /* milliseconds */
    uint32_t size;                  /* bytes of payload */
    uint32_t pattern;               /* that the payload repeats */
    enum intent_sla_start start;    /* pending, too, where there is no schedule */
    uint32_t start_time;            /* after: seconds; at: second of the day */
    struct clock_zone zone;         /* … of this zone */
    uint8_t start_month, start_day; /* at: 1 …; 0: the next such time */
    bool scheduled, recurring;
    uint32_t life, ageout; /* seconds; life SLA_FOREVER; ageout 0 = never */
};

/* A group of HSRP on an interface. */
struct intent_hsrp {
    char ifname[INTENT_NAME];
    struct hsrp_cfg cfg;
};

struct intent {
    struct arena arena;
    uint32_t pmtu_age; /* seconds; 0 = for ever */
    uint32_t n_if, n_route, n_acl, n_map, n_policy, n_proposal, n_peer;
    uint32_t n_isakmp, n_transform, n_key, n_track, n_sla, n_hsrp;
    struct intent_if *ifs;
    struct intent_route *route;
    struct intent_track *track; /* by number */
    struct intent_hsrp *hsrp;   /* by interface and number */
    struct intent_acl *acl;
    struct intent_map *map;
    struct ike_policy *policy;                    /* by priority */
    struct ike_limits limits;                     /* all 0: as they are */
    struct ike_schedule retransmit1, retransmit2; /* of IKEv1 and IKEv2; n 0: the engine's own */
    struct ike_esp_proposal *proposal;
    struct intent_peer *peer;
    struct isakmp_policy *isakmp;       /* by priority */
    struct ike_esp_proposal *transform; /* transform sets */
    struct intent_key *key;
    struct intent_sla *sla;             /* by number */
    const struct by_addr *peers, *keys; /* of peer and key; NULL: to be looked for */
    bool invalid_spi_recovery;
    bool skip_dead;              /* a walk passes by peers that are known to be dead */
    bool log_session, log_ikev2; /* crypto logging session, ikev2 */
    struct syslog_cfg log;
    struct intent_ospf ospf;
    struct sso_cfg sso;
};

static inline void intent_free(struct intent *i)
{
    arena_free(&i->arena);
    *i = (struct intent){0};
}

#endif
