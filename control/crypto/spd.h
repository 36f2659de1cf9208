/*
 * A crypto map as policy lines, in the order in which the datapath tries them: entries by
 * sequence number, within each its access list from the top. permit protects, deny leaves the
 * entry (semantics.md §1). Pure.
 */
#ifndef TANDEM_CONTROL_CRYPTO_SPD_H
#define TANDEM_CONTROL_CRYPTO_SPD_H

#include "control/intent.h"

struct identity;

struct spd_line {
    const struct intent_map_entry *entry;
    const struct intent_ace *ace;
    struct identity *id; /* of what a peer got by a template; NULL: of the list */
    uint8_t action;      /* enum spd_action */
    bool accept_only;    /* nothing to initiate with: protected all the same, never in clear */
};

/* What peers got by templates (crypto/dynamic.h, n_got lines by entry) stands before the list of
 * its entry. *out is to be freed by the caller. 0 or -ENOMEM. */
int spd_flatten(const struct intent_map *m, const struct spd_line *got, size_t n_got,
                struct spd_line **out, size_t *n);

#endif
