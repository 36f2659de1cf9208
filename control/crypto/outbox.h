/*
 * IKE messages that wait for the datapath and for the standby.
 *
 * A responder's answer tells the peer that it may send ESP, and the peer does so within
 * microseconds. The inbound SA is another process's business by then; so our messages wait here, in
 * their order, until each SADB_ADD from before them is answered. What is asked later holds nobody
 * up: in a storm something is always unanswered. Bounded: what does not fit is sent at once.
 * So they do while routes to what a new peer protects are being made, a second at most.
 *
 * With a standby (control/sso/sso.h) a message also waits until that has what was recorded before:
 * what the peer hears of us the other box knows. How long it may take is the link's to say. That is
 * for tunnels that the other box would go on with; others do not wait, and among them the one that
 * carries the link itself (sso/protect.h): else nothing that waits for the link could renew it.
 */
#ifndef TANDEM_CONTROL_CRYPTO_OUTBOX_H
#define TANDEM_CONTROL_CRYPTO_OUTBOX_H

#include "control/ike/sa.h"
#include "lib/timer.h"
#include <stdbool.h>
#include <stddef.h>

struct control;
struct outbox_message;

struct outbox {
    uint64_t asked, answered; /* SADB_ADDs; the answers come in the order of the requests */
    bool held;                /* routes are to be made */
    struct timer limit;       /* of that */
    struct timer more;        /* what could go, too, when others have had their turn */
    struct outbox_message *head, **tail;
    size_t bytes;
};

void outbox_init(struct control *c);
void outbox_hold(struct control *c);  /* the next round makes routes … */
void outbox_look(struct control *c);  /* … and here they may stand: after each round */
void outbox_added(struct control *c); /* a SADB_ADD went out */
void outbox_acked(struct control *c); /* … and was answered */
/* True when the message was taken, to be sent later. */
bool outbox_take(struct control *c, const struct ike_path *p, const uint8_t *msg, size_t len);
void outbox_safe(struct control *c);  /* the standby has more of our records */
void outbox_flush(struct control *c); /* there is no datapath to wait for */
void outbox_free(struct control *c);

#endif
