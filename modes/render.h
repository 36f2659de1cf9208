/*
 * The layouts of the shows, as functions from plain state to text, so that tests can call them
 * with states made by hand. The hooks in show_*.c collect the state and print.
 */
#ifndef TANDEM_MODES_RENDER_H
#define TANDEM_MODES_RENDER_H

#include "control/query.h"
#include "lib/str.h"
#include "parser/tree.h"

/* show crypto ikev2 sa [detail]; now is monotonic. */
void render_ikev2_sas(struct str *out, const struct ike_sa_state *const *sa, size_t n, usec_t now,
                      bool detail);

void render_ikev2_sas_ios(struct str *out, const struct ike_sa_state *const *sa, size_t n,
                          usec_t now, bool detail);
/* show crypto ikev2 session (IOS); sorts the list. */
void render_ikev2_sessions_ios(struct str *out, const struct ike_sa_state **sa, size_t n,
                               usec_t now, bool detail);
/* "Child sa: ..." and the lines below. */
void render_ikev2_child(struct str *out, const struct ike_child_state *c, bool detail, bool ios);

/* An address, or the text of a name. */
void render_identity(struct str *out, const struct ike_identity *id);

/* What one block of show crypto ipsec sa needs beside the identity. */
struct ipsec_view {
    const struct query_identity *q;
    const struct dp_counters *in, *out; /* NULL: no datapath */
    const struct dp_counters *line;     /* of the identity, whatever SAs it has */
    const char *ifname;
    uint32_t mtu;
    usec_t now;
    bool detail, identity;
};
void render_ipsec_sa(struct str *out, const struct ipsec_view *v);
void render_ipsec_sa_ios(struct str *out, const struct ipsec_view *v);

/* "access-list N extended permit ip A M B M", without a newline. */
void render_ace(struct str *out, const char *acl, const struct intent_ace *e, bool asa);
/* "A.B.C.D M.M.M.M", "host A", "any" or "range A B" */
void render_range(struct str *out, const struct addr_range *r, bool asa);

/* How many IKE SAs there are, by who began them. */
struct ike_counts {
    uint8_t version; /* of which (enum ike_version) */
    unsigned in_active, in_busy, out_active, out_busy;
};
void render_isakmp_stats(struct str *out, const struct isakmp_stats *s, const struct ike_counts *n);
void render_ikev2_stats(struct str *out, const struct ike_stats *s, const struct ike_counts *n);

/* The routes of one family, in order: route_collect() is for query_routes(). r is the caller's. */
struct route_list {
    struct query_route *r;
    size_t n, cap;
    uint8_t family;
};
bool route_collect(void *ctx, const struct query_route *r);
/* It is longer than its class of network. */
bool route_is_subnet(const struct query_route *r);
/* The gateway of the default route, 0.0.0.0 where that has none; unset: there is no such route. */
struct addr route_last_resort(const struct route_list *l);
/* One line of show route, wrapped as the platform wraps it. again: further path of one prefix. */
void render_route_asa(struct str *out, const struct query_route *r, bool again);
/* now is monotonic. */
void render_routes_ios(struct str *out, const struct query_route *r, size_t n, usec_t now);
/* The codes and the gateway of last resort. */
void render_route_head(struct str *out, bool asa, const struct addr *gateway);
/* The two lines of a route of show ipv6 route, and its head. */
void render_route6(struct str *out, const struct query_route *r, bool asa);
void render_route6_head(struct str *out, size_t n, bool asa);

/* The blocks of show ipv6 interface and of its brief. */
void render_ipv6_interface(struct str *out, const struct query_port *p, bool asa);
void render_ipv6_brief(struct str *out, const struct query_port *p, bool asa);

/* One line of show (ip) interface (ip) brief. method: "CONFIG", "manual", … */
void render_brief(struct str *out, const struct query_port *p, bool asa, const char *method);

/* Blocks of the shows of measurements; the tree tells the zone, and what nothing acts on. */
const char *sla_code_text(enum sla_code code);
void render_sla_state(struct str *out, const struct cfg_tree *tree, const struct sla_view *v);
void render_sla_config(struct str *out, const struct cfg_tree *tree, const struct sla_view *v,
                       bool asa);
void render_sla_statistics(struct str *out, const struct cfg_tree *tree, const struct sla_view *v,
                           bool details);
void render_sla_summary(struct str *out, const struct sla_view *v, usec_t wall);

/* show standby: one group in full, and its line of brief. next_hello: -1 = none is sent. */
void render_standby(struct str *out, const struct hsrp_group *g, usec_t next_hello, usec_t now);
void render_standby_brief(struct str *out, const struct hsrp_group *g);

/* Stateful failover. What the shows of it need beside the status. */
struct redundancy_view {
    struct cmd *c; /* for what asks the tree or prints line by line; NULL: only layouts */
    const struct sso_status *s;
    usec_t now, wall;
    int64_t uptime; /* seconds */
    const char *reason, *version, *group_state;
};
void render_redundancy(struct str *out, const struct redundancy_view *v);
void render_redundancy_states(struct str *out, const struct sso_status *s, unsigned debug_mask);
void render_inter_device(struct str *out, const struct redundancy_view *v);
void render_redundancy_clients(struct str *out);
void render_redundancy_counters(struct str *out, const struct sso_status *s);
void render_redundancy_event(struct str *out, const struct redundancy_view *v,
                             const struct sso_event *e);
void render_config_sync(struct str *out, const struct sso_status *s);
enum ipc_show { IPC_STATUS, IPC_NODES, IPC_PORTS, IPC_SESSIONS, IPC_ZONES, IPC_ASSOCIATIONS };
void render_ipc(struct str *out, const struct sso_status *s, enum ipc_show what);
/* show crypto ha of n virtual addresses. */
void render_crypto_ha(struct str *out, const struct addr *vip, size_t n, uint32_t epoch);

#endif
