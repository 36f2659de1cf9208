/*
 * SAs of the other box in our datapath: passive ones (wanted.h), which stand where that box says.
 */
#ifndef TANDEM_CONTROL_SSO_COPY_H
#define TANDEM_CONTROL_SSO_COPY_H

#include "dataplane/sadb.h"

struct control;

/* m as it is to be here, its slot aside. Again for one that we have: 0, -EINVAL (it is ours),
 * -ENOMEM. */
int copy_put(struct control *c, struct sadb_sa *m);
void copy_gone(struct control *c, uint32_t sa);
/* Outbound: next number and ceiling; inbound: the highest seen + 1. */
void copy_position(struct control *c, uint32_t sa, uint64_t next, uint64_t ceiling);
void copy_bytes(struct control *c, uint32_t sa, uint64_t used); /* of its volume */

#endif
