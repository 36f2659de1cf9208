/*
 * A crypto map as policy lines, in the order in which the datapath tries them: entries by
 * sequence number, within each its access list from the top. permit protects, deny leaves the
 * entry (semantics.md §1). Pure.
 */
#ifndef TANDEM_CONTROL_CRYPTO_SPD_H
#define TANDEM_CONTROL_CRYPTO_SPD_H

#include "control/intent.h"

struct spd_line {
    const struct intent_map_entry *entry;
    const struct intent_ace *ace;
    uint8_t action;   /* enum spd_action */
    bool accept_only; /* nothing to initiate with: protected all the same, never in clear */
};

/* *out is to be freed by the caller. 0 or -ENOMEM. */
int spd_flatten(const struct intent_map *m, struct spd_line **out, size_t *n);

#endif
