/*
 * The state table of HSRP (RFC 2281 §5.7), as rows: in this state this event leads there, and these
 * actions are taken on the way. What has no row is ignored. Pure.
 */
#ifndef TANDEM_CONTROL_HSRP_STATE_H
#define TANDEM_CONTROL_HSRP_STATE_H

#include "control/hsrp/codec.h"

/* In the order of the RFC's letters, which debugging shows. */
enum hsrp_event {
    HSRP_EV_ENABLED,        /* a: configured, on an interface that is up */
    HSRP_EV_DISABLED,       /* b */
    HSRP_EV_ACTIVE_TIMER,   /* c: nothing was heard of the active router for a hold time */
    HSRP_EV_STANDBY_TIMER,  /* d: the same of the standby router */
    HSRP_EV_HELLO_TIMER,    /* e: it is time for a hello */
    HSRP_EV_SPEAK_HIGHER,   /* f: a hello of higher priority from a router in Speak */
    HSRP_EV_ACTIVE_HIGHER,  /* g: … from the active router */
    HSRP_EV_ACTIVE_LOWER,   /* h: of lower priority from the active router */
    HSRP_EV_RESIGN,         /* i: the active router resigns */
    HSRP_EV_COUP,           /* j: a router of higher priority takes over */
    HSRP_EV_STANDBY_HIGHER, /* k: a hello of higher priority from the standby router */
    HSRP_EV_STANDBY_LOWER,  /* l: of lower priority */
    HSRP_EVENTS
};

/* Actions, by the RFC's letters. A message that is sent on leaving a state tells of the state that
 * is left; a hello tells of the new one. */
enum {
    HSRP_DO_ACTIVE_TIMER = 1 << 0,  /* A: start it */
    HSRP_DO_STANDBY_TIMER = 1 << 1, /* B */
    HSRP_DO_ACTIVE_STOP = 1 << 2,   /* C: stop it */
    HSRP_DO_STANDBY_STOP = 1 << 3,  /* D */
    HSRP_DO_LEARN = 1 << 4,         /* E: timers and address, as far as they are not configured */
    HSRP_DO_HELLO = 1 << 5,         /* F: send one */
    HSRP_DO_COUP = 1 << 6,          /* G */
    HSRP_DO_RESIGN = 1 << 7,        /* H */
    HSRP_DO_ANNOUNCE = 1 << 8,      /* I: gratuitous ARP */
};

/* What some rows depend on. */
enum {
    HSRP_IF_ADDRESS = 1, /* the virtual address is known */
    HSRP_IF_PREEMPT = 2, /* we may take over from a living active router, now */
};

struct hsrp_row {
    uint8_t state, event;
    uint8_t facts, of; /* holds where the facts of `of` are those in `facts` */
    uint8_t next;
    uint16_t actions;
};

/* The row that holds, or NULL. facts: HSRP_IF_…. */
const struct hsrp_row *hsrp_step(enum hsrp_state s, enum hsrp_event e, unsigned facts);
/* All of them, for the test that holds them against the RFC. */
const struct hsrp_row *hsrp_rows(size_t *n);
/* "c/Active timer expired" */
const char *hsrp_event_name(enum hsrp_event e);

#endif
