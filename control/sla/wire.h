/* Probes of this box: sla.h bound to the engine's sockets, timers and ports. */
#ifndef TANDEM_CONTROL_SLA_WIRE_H
#define TANDEM_CONTROL_SLA_WIRE_H

#include "control/sla/sla.h"

struct control;

int sla_open(struct control *c); /* 0 or -errno */
void sla_close(struct control *c);

#endif
