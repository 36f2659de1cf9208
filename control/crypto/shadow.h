/*
 * Shadow TUNs: one per interface that bears a crypto map, and one bypass TUN for what no map
 * wants; with the two rules that put our routing table before `main`.
 */
#ifndef TANDEM_CONTROL_CRYPTO_SHADOW_H
#define TANDEM_CONTROL_CRYPTO_SHADOW_H

#include "control/intent.h"
#include "dataplane/sadb.h"

struct control;

struct shadow {
    bool wanted, open;
    uint32_t ifindex; /* 0 while there is no device */
    uint32_t mtu;     /* wanted */
    /* what the datapath was told */
    struct sadb_spd_entry *spd;
    size_t n_spd;
    bool spd_told;
    /* what IKE was told */
    struct addr local;
};

void shadow_apply(struct control *c);
void shadow_name(uint32_t ifid, char *buf, size_t cap);
/* The largest packet that still fits `mtu` after the costliest encapsulation of the map. */
uint32_t shadow_mtu(const struct intent_map *m, uint32_t mtu);

#endif
