/*
 * The redundancy facility: which state this box is in and which one its peer, and how they came
 * there. A table of legal steps; what has no row leaves the state as it is. Pure.
 */
#ifndef TANDEM_CONTROL_SSO_RF_H
#define TANDEM_CONTROL_SSO_RF_H

#include "control/sso/sso.h"

enum rf_event {
    RF_EV_CONFIGURED, /* redundancy inter-device, with a scheme */
    RF_EV_REMOVED,
    RF_EV_START,      /* the scheme's group runs */
    RF_EV_GO_ACTIVE,  /* it is active here */
    RF_EV_GO_STANDBY, /* it is active on the peer, which we have heard of */
    RF_EV_STEP,       /* the step before is done */
    RF_EV_BULK,       /* the active begins with all that there is */
    RF_EV_END,        /* … and has told all of it */
    RF_EV_PEER_LOST,  /* the link went while there was not everything */
    RF_EV_LOST,       /* the group is active here no more */
    RF_EVENTS
};

struct rf_row {
    uint8_t state, event, next; /* enum rf_state, rf_event, rf_state */
};

struct rf {
    enum rf_state mine, peer;
    usec_t since, peer_since;
    struct sso_event ring[SSO_HISTORY];
    size_t events; /* in all; the last SSO_HISTORY are kept */
};

void rf_init(struct rf *f, usec_t now);
/* The row for this; NULL: no such step. */
const struct rf_row *rf_find(enum rf_state s, enum rf_event e);
const struct rf_row *rf_rows(size_t *n);
/* Takes the step, if there is one, and then those that follow by themselves. True: it moved. */
bool rf_step(struct rf *f, enum rf_event e, usec_t now);
/* What the peer says of itself; RF_DISABLED: it is not there. True: it moved. */
bool rf_peer(struct rf *f, enum rf_state s, usec_t now);
/* Something for the history. */
void rf_note(struct rf *f, enum sso_event_kind kind, const char *text, usec_t now);
void rf_history(const struct rf *f, void (*fn)(void *ctx, const struct sso_event *e), void *ctx);
const char *rf_name(enum rf_state s); /* "STANDBY HOT" */

#endif
