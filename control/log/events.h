/*
 * What happens in control/ and is told as a message of the box, and how messages leave it.
 */
#ifndef TANDEM_CONTROL_LOG_EVENTS_H
#define TANDEM_CONTROL_LOG_EVENTS_H

#include "control/log/syslog.h"

struct control;
struct identity;
struct ike_child_state;
struct ike_path;

/* Makes c->syslog. 0 or -ENOMEM. */
int events_open(struct control *c);
void events_close(struct control *c);
/* Interfaces that went up or down since it was called last; on IOS they are told of when their link
 * has been so for two seconds, and their line protocol a second later. */
void events_links(struct control *c);
/* A pair of SAs of this line of a map came or went; it is the first or was the last one. */
void events_child_up(struct control *c, const struct identity *id,
                     const struct ike_child_state *child, bool first);
void events_child_down(struct control *c, const struct identity *id,
                       const struct ike_child_state *child, bool last);
/* ESP or AH (proto 50, 51) with an SPI, or a message of IKEv1, that belongs to no SA: once a minute
 * each. */
void events_unknown_spi(struct control *c, const struct ike_path *p, uint8_t proto, uint32_t spi);
void events_no_sa(struct control *c, const struct addr *from);

#endif
