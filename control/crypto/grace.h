/*
 * Inbound SAs of replaced children, for a moment after their end.
 *
 * The peer's delete comes by way of IKE, its last packets by way of ESP, and nothing keeps the
 * two in order. So what was replaced receives a little longer; nothing is sent on it.
 */
#ifndef TANDEM_CONTROL_CRYPTO_GRACE_H
#define TANDEM_CONTROL_CRYPTO_GRACE_H

#include "lib/timer.h"
#include <stdbool.h>
#include <stdint.h>

struct control;
struct grace_sa;

struct grace {
    struct grace_sa *head, **tail; /* by time */
    struct timer timer;
    uint32_t n;
};

void grace_init(struct control *c);
/* Takes over an inbound SA and its counter slot; false when there is no room for it. */
bool grace_take(struct control *c, uint32_t sa, uint32_t slot);
void grace_free(struct control *c);

#endif
