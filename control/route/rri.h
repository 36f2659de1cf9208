/*
 * Reverse route injection: a route to what an SA protects on the other side, as long as there is
 * such an SA (or always, `reverse-route static`). The next hop shown is the peer; the packets of
 * such a route are taken by the crypto table of its interface.
 */
#ifndef TANDEM_CONTROL_ROUTE_RRI_H
#define TANDEM_CONTROL_ROUTE_RRI_H

#include "control/intent.h"

struct control;

/* The routes of SAs, *n of them; the caller frees them. NULL: out of memory. */
struct intent_route *rri_routes(const struct control *c, size_t *n);
/* A child of this policy came or went: another round where that moves a route. */
void rri_changed(struct control *c, uint32_t policy);

#endif
