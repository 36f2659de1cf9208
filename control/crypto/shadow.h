/*
 * TUNs of the datapath. Each interface that bears a crypto map has a shadow TUN for what leaves
 * by it and an inbound TUN for what came in by it, in clear, for a protected network; one bypass
 * TUN serves what no map wants. With the rules that put our routing tables before `main`.
 *
 * A tunnel interface is its own TUN: whatever is routed into it is what its map protects, so it has
 * no part in the crypto table.
 */
#ifndef TANDEM_CONTROL_CRYPTO_SHADOW_H
#define TANDEM_CONTROL_CRYPTO_SHADOW_H

#include "control/intent.h"
#include "dataplane/sadb.h"

struct control;

struct shadow_tun {
    bool open;
    uint32_t ifindex; /* 0 while there is no device */
    uint32_t mtu;     /* wanted */
};

struct shadow {
    bool wanted;
    bool tunnel;               /* the TUN is a tunnel interface */
    bool lone;                 /* there is only out: nothing comes in by it in clear */
    struct shadow_tun out, in; /* of number 0 (bypass) there is only out */
    /* what the datapath was told */
    struct sadb_spd_entry *spd;
    size_t n_spd;
    bool spd_told;
    struct sadb_encap encap; /* of a tunnel interface; seq 0 */
    /* what IKE was told */
    struct addr local[INTENT_ADDRS];
    size_t n_local;
};

void shadow_apply(struct control *c);
/* The device of a TUN; `in`: of the inbound one. */
void shadow_name(uint32_t ifid, bool in, char *buf, size_t cap);
/* The device while it can carry packets, else 0. */
uint32_t shadow_ready(const struct control *c, const struct shadow_tun *t);
/* Does any interface speak IPv6? Else its rules and tables are left out. */
bool shadow_ipv6(const struct control *c);

#endif
