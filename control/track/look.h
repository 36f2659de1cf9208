/* Tracked objects of this box: track.h bound to probes, ports and routes, and their messages. */
#ifndef TANDEM_CONTROL_TRACK_LOOK_H
#define TANDEM_CONTROL_TRACK_LOOK_H

#include "control/track/track.h"

struct control;

int tracking_open(struct control *c); /* 0 or -errno */
void tracking_close(struct control *c);

#endif
