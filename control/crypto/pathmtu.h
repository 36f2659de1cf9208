/*
 * How the packets of an identity meet the size of the path (dataplane/pmtu.h): its DF bit, where
 * they are cut, how long a path MTU is believed. A change counts for SAs in force, too.
 */
#ifndef TANDEM_CONTROL_CRYPTO_PATHMTU_H
#define TANDEM_CONTROL_CRYPTO_PATHMTU_H

#include "control/crypto/identity.h"
#include "control/crypto/wanted.h"

/* The MTU of the interface that sealed packets leave by; of a tunnel interface, the one that has
 * its source. 0: nobody knows. */
uint32_t path_mtu(const struct control *c, const struct intent_if *f);
/* What the configuration wants of the identity's outbound SAs. */
struct path_policy path_policy(const struct control *c, const struct identity *id);
/* Tells the datapath what has changed. */
void path_apply(struct control *c);
/* EV_PMTU and EV_TOO_BIG, for the log. */
void path_event(struct control *c, const struct sadb_event *e);

#endif
