/*
 * The legal steps of IKEv2 as data. One row is one message that may come in one state; what
 * has no row is dropped and counted.
 */
#ifndef TANDEM_CONTROL_IKE_STEPS_H
#define TANDEM_CONTROL_IKE_STEPS_H

#include "control/ike/sa.h"
#include <stddef.h>

/* Why a message was dropped; index of ike_stats.dropped. */
enum ike_drop {
    IKE_DROP_NONE,
    IKE_DROP_HEADER,  /* too short, lying length, impossible flags */
    IKE_DROP_VERSION, /* not IKEv2 */
    IKE_DROP_UNKNOWN_SA,
    IKE_DROP_UNEXPECTED, /* no step for it in this state */
    IKE_DROP_PAYLOADS,   /* malformed, or not the payloads the step wants */
    IKE_DROP_INTEGRITY,  /* does not verify */
    IKE_DROP_MESSAGE_ID, /* outside the window */
    IKE_DROP_BUSY,       /* its answer is being computed */
    IKE_DROP_LIMIT,
    IKE_DROP_DISABLED, /* IKEv2 is not enabled on that interface */
    IKE_DROP_COOKIE,   /* asked for a cookie instead */
    IKE_DROP_MEMORY,
    IKE_DROP_PART,     /* a fragment, kept until the others are here: not a drop */
    IKE_DROP_OVERLOAD, /* more came than can be answered */
    IKE_DROPS
};
const char *ike_drop_text(enum ike_drop d);

enum ike_role { ROLE_INITIATOR = 1, ROLE_RESPONDER = 2, ROLE_ANY = 3 }; /* of the IKE SA */

struct ike;
struct ike_sa;
struct ike_rx;
/* sa is NULL for the step that makes one (IKE_SA_INIT request). */
typedef void ike_step_fn(struct ike *ike, struct ike_sa *sa, struct ike_rx *rx);

struct ike_step {
    enum ike_state state;
    uint8_t exchange;
    bool response;
    uint8_t role;
    uint64_t must, may; /* PL_BIT sets; inside SK where there is one */
    ike_step_fn *fn;
    enum ike_state next; /* where it leads when all goes well */
    const char *story;
};

/* The step for a message, or NULL with *why: UNEXPECTED when there is none for this exchange,
 * PAYLOADS when there is but its payload sets do not fit. */
const struct ike_step *ike_step_find(enum ike_state state, uint8_t exchange, bool response,
                                     bool initiator, uint64_t seen, enum ike_drop *why);
const struct ike_step *ike_step_at(size_t i); /* NULL past the end */

ike_step_fn ike_on_init_request, ike_on_init_reply, ike_on_init_refusal, ike_on_auth_request,
    ike_on_auth_incomplete, ike_on_auth_reply, ike_on_auth_refusal, ike_on_child_request,
    ike_on_rekey_request, ike_on_rekey_reply, ike_on_child_reply, ike_on_child_refusal,
    ike_on_child_late, ike_on_info_request, ike_on_info_reply, ike_on_rekeyed_reply,
    ike_on_last_request, ike_on_last_reply;

#endif
