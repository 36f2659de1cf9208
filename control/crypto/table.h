/*
 * The crypto table of design §5, as a pure function.
 *
 * Given the RIB's prefixes with their egress, and the destinations that crypto maps protect, it
 * says for which prefixes our routing table must send packets into the shadow TUN of an
 * interface, and for which it must pass them on to `main` (throw), so that the kernel's longest
 * match does what IOS does: the map applies to what is routed out of its interface.
 */
#ifndef TANDEM_CONTROL_CRYPTO_TABLE_H
#define TANDEM_CONTROL_CRYPTO_TABLE_H

#include "lib/addr.h"

/* A RIB prefix (ifid of the egress interface, 0 for one without a number), or a destination
 * protected by the map of ifid. A prefix with several ways stands there once for each: the first
 * whose map wants a packet has it, as none of them may take it away in clear. Where both lists are
 * sorted, computing is one pass. */
struct table_in {
    struct prefix dst;
    uint32_t ifid;
};

struct table_entry {
    struct prefix dst;
    uint32_t ifid; /* 0: throw */
};

/* Entries by prefix, to be freed by the caller. ifids are at most max_ifid. 0 or -ENOMEM. */
int table_compute(const struct table_in *rib, size_t n_rib, const struct table_in *prot,
                  size_t n_prot, uint32_t max_ifid, struct table_entry **out, size_t *n_out);

/* Appends the prefixes that make up a range; at most 2×bits−2. False when out of memory. */
bool table_add_range(struct table_in **v, size_t *n, size_t *cap, const struct addr_range *r,
                     uint32_t ifid);

#endif
