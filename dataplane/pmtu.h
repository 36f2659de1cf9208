/*
 * How large a packet may be: the path MTU of each outbound SA (RFC 4301 §8.2), and what becomes
 * of packets that do not fit.
 *
 * It starts as the interface's, and gets smaller when a router on the path says so; an SA that
 * replaces another one inherits. What a router says is believed only when it quotes the SPI of
 * an SA of ours to that address, only downwards, and not below what every path can carry
 * (RFC 4301 §8.2.1).
 */
#ifndef TANDEM_DATAPLANE_PMTU_H
#define TANDEM_DATAPLANE_PMTU_H

#include "dataplane/dp.h"
#include "dataplane/frag.h"
#include "dataplane/ip.h"

#define PMTU_LEAST4     576
#define PMTU_LEAST6     1280
#define PMTU_PER_SECOND 100u  /* errors from routers that are looked at */
#define TELL_PER_SECOND 1000u /* errors to senders */

/* What a router says about an ESP or AH packet of ours. */
struct pmtu_error {
    struct addr remote, router; /* where the packet went to; who could not forward it */
    uint32_t spi, mtu;          /* SPI of its first header */
    uint8_t proto;              /* and its protocol */
};

/* A new SA of the datapath: its path MTU is its interface's, or that of the one it replaces or
 * resumes. */
void pmtu_start(struct sad *s, struct sa *sa);
/* Its endpoints or its policy changed: computes anew what fits, and publishes it. */
void pmtu_refresh(struct sa *sa);
/* Takes the path fields of a SADB_UPDATE. moved: it has given the SA another peer address. */
void pmtu_update(struct sa *sa, const struct sadb_update *m, bool moved);
/* A router's error. */
void pmtu_learn(struct dp *dp, const struct pmtu_error *e);
/* Once a second. */
void pmtu_tick(struct dp *dp);

enum fit { FIT_WHOLE, FIT_CUT, FIT_NOT };
/* What to do with an outbound packet that is longer than sa->room; may take p->df away. */
enum fit pmtu_fit(struct pkt *p, const struct ip_info *in);
/* Tells its sender (FIT_NOT). */
void pmtu_tell(struct dp *dp, const struct pkt *p);
/* Fills v with the next pieces of a packet, ready to be sealed. Returns how many. */
size_t pmtu_pieces(struct dp *dp, struct frag *f, const struct pkt *whole, struct pkt **v);

#endif
