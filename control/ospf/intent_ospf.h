/* OSPF as the configuration wants it: plain data, part of control/intent.h. */
#ifndef TANDEM_CONTROL_OSPF_INTENT_OSPF_H
#define TANDEM_CONTROL_OSPF_INTENT_OSPF_H

#include "lib/addr.h"
#include <stdbool.h>
#include <stdint.h>

/* As IOS has them where nothing is said. */
#define OSPF_HELLO           10u
#define OSPF_DEAD            40u
#define OSPF_PRIORITY        1u
#define OSPF_EXTERNAL_METRIC 20u
#define OSPF_DEFAULT_METRIC  1u /* of the default route */
#define OSPF_DISTANCE        110u
#define OSPF_REFERENCE_KBPS  100000u /* a line of this bandwidth costs 1 */
#define OSPF_AREAS           32u

/* How neighbours of an interface prove who they are (RFC 2328 appendix D). */
enum ospf_auth { OSPF_AUTH_NULL, OSPF_AUTH_SIMPLE, OSPF_AUTH_DIGEST };
#define OSPF_KEYS     4u /* for digests, of one interface */
#define OSPF_KEY_SIZE 17

enum ospf_net_kind { OSPF_BROADCAST, OSPF_NBMA, OSPF_POINT, OSPF_MULTIPOINT };

/* Of one interface. */
struct intent_ospf_if {
    bool on;        /* takes part, with its first address */
    bool passive;   /* its network is told of, no hellos are sent */
    uint32_t area;  /* of its first address */
    uint32_t addr2; /* bit i: its secondary address number i is told of in the same area */
    uint32_t kbps;  /* `bandwidth`; 0 = the line's */
    uint16_t cost;  /* 0 = by bandwidth */
    uint16_t hello, dead;
    uint8_t priority;
    bool has_kind;
    enum ospf_net_kind kind;
    enum ospf_auth auth; /* its own, else that of its area */
    uint8_t n_digest;
    uint8_t digest_id[OSPF_KEYS];
    char key[OSPF_KEY_SIZE], digest[OSPF_KEYS][OSPF_KEY_SIZE]; /* "" = none */
};

/* Routes from elsewhere that the others are told of. */
struct intent_ospf_external {
    bool on;
    bool subnets; /* not only of whole classes; always in the default route's */
    bool always;  /* the default route: even where there is none */
    uint8_t type; /* 1 or 2 */
    uint32_t metric, tag;
};

struct intent_ospf_area {
    uint32_t number;
    bool nssa; /* else stub */
    bool totally;
};

struct intent_ospf {
    uint16_t process; /* 0 = there is none */
    struct addr id;   /* unset: chosen among the addresses */
    bool silent;      /* no log-adjacency-changes */
    bool detail;      /* each step of an adjacency is told */
    struct intent_ospf_external statics, connected, originate;
    uint32_t n_area;
    struct intent_ospf_area area[OSPF_AREAS];
};

#endif
