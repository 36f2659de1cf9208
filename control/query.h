/*
 * The one way to read state: what show renderers may see of the engine. All pointers are
 * const and valid until the caller returns to the loop.
 */
#ifndef TANDEM_CONTROL_QUERY_H
#define TANDEM_CONTROL_QUERY_H

#include "control/control.h"
#include "control/hsrp/group.h"
#include "control/track/track.h"
#include "control/world/rates.h"
#include "control/world/world.h"
#include "dataplane/dpstats.h"

void query_ike_sas(const struct control *c, bool (*fn)(void *ctx, const struct ike_sa_state *sa),
                   void *ctx);
const struct ike_stats *query_ike_stats(const struct control *c);
const struct isakmp_stats *query_isakmp_stats(const struct control *c);
/* Counters of a slot (SA or policy); NULL when there is no datapath yet. */
const struct dp_counters *query_counters(const struct control *c, uint32_t slot);
const struct dp_counters *query_total(const struct control *c);
/* Packets that the datapath dropped, by cause: of all SAs, ended ones too, of all policies, and
 * those that belonged to none. false: there is no datapath. */
bool query_drops(const struct control *c, uint64_t drops[DP_CAUSES]);
const struct intent *query_intent(const struct control *c);

/* One protected proxy identity, up or down (show crypto ipsec sa shows both). */
struct query_identity {
    uint32_t policy, ifid, slot;
    const struct intent_if *ifp;
    const struct intent_map *map;
    const struct intent_map_entry *entry;
    const struct intent_ace *ace;
    struct addr local, current_peer; /* current_peer unset when none was tried */
    const struct ike_sa_state *sa;   /* NULL when down */
    const struct ike_child_state *child;
};
void query_identities(const struct control *c,
                      bool (*fn)(void *ctx, const struct query_identity *q), void *ctx);

enum rib_source { RIB_CONNECTED, RIB_LOCAL, RIB_STATIC, RIB_OSPF, RIB_VPN };
/* How OSPF knows of a route (RFC 2328 §11). */
enum ospf_path { OSPF_INTRA, OSPF_INTER, OSPF_E1, OSPF_E2 };

struct query_route {
    const struct intent_if *ifp; /* NULL: discarded */
    usec_t since;
    enum rib_source source;
    enum ospf_path path; /* RIB_OSPF */
    uint32_t metric, tag;
    struct prefix dst;
    struct addr gateway; /* unset: directly connected */
    struct addr hop;     /* the neighbour that leads to a gateway which is none; else unset */
    uint8_t distance;
    bool named; /* the configuration names the interface */
    bool tunneled;
    bool held; /* permanent, and its interface is down */
};
/* Routes in force, ordered by prefix. */
void query_routes(const struct control *c, bool (*fn)(void *ctx, const struct query_route *r),
                  void *ctx);

/* Whether OSPF can run: false when FRR is not installed on this host. */
bool query_routing_present(const struct control *c);
/* The name of OSPF's router; unset: none yet. */
struct addr query_ospf_id(const struct control *c);
/* The port of a device, or the device's own name. */
const char *query_port_of(const struct control *c, const char *netdev);
/* Asks ospfd (`show ip ospf neighbor json`) and calls fn with the answer; err: -ENOENT when FRR is
 * not installed, -ENOTCONN when ospfd does not run (yet), -EPIPE when it ended meanwhile, -EPROTO
 * when it refuses. 0 or -errno; then fn is not called. */
int query_ospf(struct control *c, const char *command,
               void (*fn)(void *ctx, int err, const char *text, size_t len), void *ctx);

/* One port or logical interface of the box, configured or not, in canonical order. */
struct query_port {
    const char *name;            /* canonical */
    const char *netdev;          /* "" when missing: configured here, absent on the host */
    const struct intent_if *ifp; /* NULL when not configured */
    bool admin_up, carrier;
    uint8_t mac[6];
    uint32_t mtu;
    struct prefix addr; /* what is on the device now */
    struct addr link6;  /* its address of the link (RFC 4291 §2.5.6); unset = none */
    bool counted;       /* the kernel's counters of the device, where they could be read */
    struct world_traffic traffic;
    const struct rate_meter *rate; /* NULL: not measured */
    const char *trouble; /* "" or what keeps the wanted state from being true, for people */
};
void query_ports(const struct control *c, bool (*fn)(void *ctx, const struct query_port *p),
                 void *ctx);
/* Groups of HSRP in the order of the configuration; next_hello is monotonic, -1 = none is sent. */
void query_hsrp(const struct control *c,
                bool (*fn)(void *ctx, const struct hsrp_group *g, usec_t next_hello), void *ctx);
const uint64_t *query_hsrp_bad(const struct control *c); /* messages not taken, by enum hsrp_bad */
const struct track *query_tracks(const struct control *c); /* tracked objects */
/* Measurements, by number. */
void query_sla(const struct control *c, bool (*fn)(void *ctx, const struct sla_view *v), void *ctx);
bool query_sla_one(const struct control *c, uint32_t number, struct sla_view *v);
usec_t query_booted(const struct control *c); /* wall clock */
/* How many times a line of an access list matched (crypto ACLs: packets). */
uint64_t query_acl_hits(const struct control *c, const char *acl, uint32_t line);
/* Lab boxes only (control_opts.lab): one line per key, "ike " or "esp " and then a line of
 * tshark's ikev2_decryption_table or esp_sa. Keys of ended SAs stay for a while. */
/* The list that control_processes() brought; NULL and 0 outside of its callback. */
const struct lm_process *query_processes(const struct control *c, size_t *n);
void query_lab_keys(const struct control *c, void (*fn)(void *ctx, const char *line), void *ctx);

#endif
