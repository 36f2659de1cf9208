/*
 * What happens in control/ and is told as a message of the box, and how messages leave it.
 */
#ifndef TANDEM_CONTROL_LOG_EVENTS_H
#define TANDEM_CONTROL_LOG_EVENTS_H

#include "control/log/syslog.h"

struct control;
struct identity;
struct ike_child_state;

/* Makes c->syslog. 0 or -ENOMEM. */
int events_open(struct control *c);
void events_close(struct control *c);
/* Interfaces that went up or down since the last round. */
void events_links(struct control *c);
/* A pair of SAs of this line of a map came or went; it is the first or was the last one. */
void events_child_up(struct control *c, const struct identity *id,
                     const struct ike_child_state *child, bool first);
void events_child_down(struct control *c, const struct identity *id,
                       const struct ike_child_state *child, bool last);

#endif
