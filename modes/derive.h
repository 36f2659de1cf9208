/*
 * The parts of the intent's derivation, one per feature, and what they share. Each part only
 * reads the tree and allocates from out->arena.
 */
#ifndef TANDEM_MODES_DERIVE_H
#define TANDEM_MODES_DERIVE_H

#include "control/intent.h"
#include "g_args.h"
#include "parser/tree.h"

/* Lifetimes of child SAs where the ASA's configuration has none. */
#define ASA_LIFE_SECONDS 28800u
#define ASA_LIFE_KBYTES  4608000u

/* How often sequence numbers are told to the other box, in packets, where nothing says it. */
#define DERIVE_REPLAY_IN  1000u
#define DERIVE_REPLAY_OUT 100000u

struct derive {
    const struct cfg_tree *tree;
    bool asa;
    struct intent *out;
    const struct intent_acl **by_name; /* access lists, sorted by name */
};

/* In this order: each may point into what the ones before it made. */
void derive_interfaces(struct derive *d);
void derive_routes(struct derive *d);
void derive_acls(struct derive *d);
void derive_proposals(struct derive *d);
void derive_policies(struct derive *d);
void derive_limits(struct derive *d);
void derive_path(struct derive *d); /* after the interfaces */
void derive_maps(struct derive *d); /* also ties maps to interfaces */
void derive_peers(struct derive *d);
void derive_retransmit(struct derive *d);
void derive_log(struct derive *d); /* after the interfaces */
void derive_track(struct derive *d);
void derive_hsrp(struct derive *d);
/* The name of a standby group of this interface: its own, or the one that it has without. */
void derive_group_name(const char *ifname, const struct cfg_node *g, char name[HSRP_NAME]);
/* "0000.0c07.ac01" */
bool derive_mac(const char *text, uint8_t mac[6]);
void derive_sla(struct derive *d); /* after the interfaces */
/* IOS */
void derive_redundancy(struct derive *d); /* after the groups of HSRP */
void derive_ospf(struct derive *d);       /* after the interfaces */
void derive_isakmp(struct derive *d);     /* policies of IKEv1 */
void derive_keys(struct derive *d);
void derive_ios2_limits(struct derive *d);
/* The IKEv2 proposal of this name as the configuration says. False: it is not complete, or there is
 * none. */
bool derive_ios2_proposal(const struct cfg_node *root, const char *name, struct ike_policy *p);
void derive_ios2_policies(struct derive *d); /* after the interfaces */
void derive_ios2_peers(struct derive *d);
void derive_transforms(struct derive *d);
void derive_ios_maps(struct derive *d); /* as derive_maps() */
void derive_sso(struct derive *d);

/* ASA: the tunnel-group of peers that have none of their own; it need not be made. */
#define DERIVE_DEFAULT_GROUP "DefaultL2LGroup"

struct intent_if *derive_find_if(struct derive *d, const char *nameif);
/* A key as the intent keeps it. */
const uint8_t *derive_key(struct intent *out, const char *key, uint16_t *len);
void derive_identity(struct ike_identity *id, uint8_t type, const char *text);
void derive_address_identity(struct ike_identity *id, const struct addr *a);
/* The box's whole name; `unnamed` is the platform's name of a box that has none. */
void derive_fqdn(const struct cfg_node *root, const char *unnamed, char *buf, size_t cap);
uint16_t derive_ios_group(int group);           /* of the enums dh-group-ios and pfs-group-ios */
uint16_t derive_aes_bits(bool given, int bits); /* of the enum aes-bits; 128 unless given */
const struct ike_esp_proposal *derive_find_transform(const struct intent *i, const char *name);
struct addr derive_if_address(const struct derive *d, const char *name); /* IOS; unset: none */
const struct intent_acl *derive_find_acl(struct derive *d, const char *name);

/* Entries that one list may expand to. What goes beyond is refused where it is typed, and told
 * to the log where it comes about by a group that grew (cli.c). */
#define DERIVE_ACES 65536
struct a_ace;
/* How many entries a line stands for, with the objects as they are now. */
size_t derive_ace_count(const struct cfg_tree *tree, const struct a_ace *a);

/* --- derive_rule.c: a rule of an access list, in no dialect ---------------------------------- */

/* A set of address ranges, bounded; what an object, group or address of a rule means. */
#define DERIVE_RANGES 4096
struct ranges {
    struct addr_range *r;
    size_t n, cap;
};
void ranges_add(struct ranges *s, const struct addr_range *r);
void ranges_add_host(struct ranges *s, const struct addr *a);
void ranges_add_subnet(struct ranges *s, const struct addr *a, const struct addr *mask);
void ranges_add_prefix(struct ranges *s, const struct prefix *p);
void ranges_add_any(struct ranges *s, bool v4, bool v6);

/* IOS takes several ports behind `eq`; `neq` becomes two ranges. */
#define DERIVE_PORTS 5
struct port_set {
    unsigned n;
    uint16_t r[DERIVE_PORTS][2];
};
/* Adds lo..hi; what is no range of ports is left out. */
void port_set_add(struct port_set *p, uint32_t lo, uint32_t hi);

struct rule {
    bool permit;
    uint8_t proto; /* 0 = any */
    uint32_t line;
    struct ranges src, dst;
    struct port_set sport, dport;
};
/* Makes it one of an ICMP type; code -1: of all its codes. */
void rule_icmp(struct rule *r, unsigned type, int code);
/* How many entries rule_expand() would make. */
size_t rule_count(const struct rule *r);
void rule_free(struct rule *r);

/* The entries of a list while it is being made. */
struct ace_buf {
    struct intent_ace *ace;
    size_t n, cap;
};
void rule_expand(const struct rule *r, struct ace_buf *b);
/* Moves them into the intent. */
void ace_buf_store(struct derive *d, struct ace_buf *b, struct intent_acl *out);

/* host.c */
/* The address of a name by `ip host`, as it is or in the domain of the box; an address is its own.
 * False: nobody knows it. */
bool host_address(const struct cfg_node *root, const char *name, struct addr *out);

/* derive_log.c */
struct clock_zone derive_zone(const struct cfg_node *root); /* clock timezone */

/* derive_ikev1.c (ASA) */
void derive_ikev1(struct derive *d);
/* One more transform set of an entry, for IKEv1. */
void derive_entry_set(const struct derive *d, struct intent_map_entry *e, const char *name);
void derive_entry_ikev1(struct derive *d, const struct cfg_node *n, struct intent_map_entry *e);

/* derive_ios.c */
struct derive_life {
    uint32_t seconds;
    uint64_t kbytes; /* 0: no limit */
};
/* The group of `set pfs` of an entry or profile; 0 without. */
uint16_t derive_pfs_ios(const struct cfg_node *of);
/* How long SAs live: as said for all, and in `of`, a map entry or a profile (NULL: for all). */
struct derive_life derive_life_ios(const struct cfg_node *root, const struct cfg_node *of);

struct intent_if *derive_find_if_name(const struct derive *d, const char *name); /* or NULL */
/* The entry that a profile of IPsec makes by itself. False: it has no transform set, or is not
 * there. */
bool derive_profile_entry(struct derive *d, const char *profile, struct intent_map_entry *e);

/* derive_tunnel.c (IOS) */
void derive_tunnels(struct derive *d);

/* derive_protect.c (IOS): behind derive_sso() and the maps */
void derive_protect(struct derive *d);

/* derive_object_ios.c */
#define DERIVE_GROUP_DEPTH 16 /* of groups in groups */
void derive_group_ios(const struct cfg_tree *tree, const char *name, struct ranges *s);
/* Calls fn for every service of a group, with protocol and ports of r set to it. */
void derive_services_ios(const struct cfg_tree *tree, const char *name, struct rule *r,
                         void (*fn)(struct rule *r, void *ctx), void *ctx);

/* derive_acl_ios.c */
/* A message of ICMP by the name that IOS has for it. */
void rule_icmp_ios(struct rule *r, int message);
/* What a list of IOS is called: its number or name. */
void acl_ios_name(const struct cfg_node *n, char name[INTENT_NAME]);
void derive_acl_std(struct derive *d, const struct cfg_node *n, struct intent_acl *out);
void derive_acl_ext(struct derive *d, const struct cfg_node *n, struct intent_acl *out);
/* The most bits of a wildcard that may have counting ones below them: each doubles the ranges. */
#define DERIVE_WILD_BITS 12
bool derive_wildcard_ok(const struct addr *wild);

#endif
