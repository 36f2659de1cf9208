/*
 * IOS: SAs that nothing has passed for a while go (`set security-association idle-time N`), and
 * with `default` behind it the next walk begins at the first peer again.
 */
#ifndef TANDEM_CONTROL_CRYPTO_IDLE_H
#define TANDEM_CONTROL_CRYPTO_IDLE_H

#include "control/crypto/identity.h"

void idle_init(struct identity *id);
/* Before a new child takes the place of the one in force, if there is one. */
void idle_child_up(struct control *c, struct identity *id);
void idle_end(struct control *c, struct identity *id);

#endif
