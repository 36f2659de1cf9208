/* The state table. See state.h. */
#include "control/hsrp/state.h"

#define A HSRP_DO_ACTIVE_TIMER
#define B HSRP_DO_STANDBY_TIMER
#define C HSRP_DO_ACTIVE_STOP
#define D HSRP_DO_STANDBY_STOP
#define E HSRP_DO_LEARN
#define F HSRP_DO_HELLO
#define G HSRP_DO_COUP
#define H HSRP_DO_RESIGN
#define I HSRP_DO_ANNOUNCE

#define ALWAYS  0, 0
#define VIP     HSRP_IF_ADDRESS, HSRP_IF_ADDRESS
#define NO_VIP  0, HSRP_IF_ADDRESS
#define MAY     HSRP_IF_PREEMPT, HSRP_IF_PREEMPT
#define MAY_NOT 0, HSRP_IF_PREEMPT
#define INIT    HSRP_INIT
#define LEARN   HSRP_LEARN
#define LISTEN  HSRP_LISTEN
#define SPEAK   HSRP_SPEAK
#define STANDBY HSRP_STANDBY
#define ACTIVE  HSRP_ACTIVE

static const struct hsrp_row rows[] = {
    {INIT, HSRP_EV_ENABLED, VIP, LISTEN, A | B},
    {INIT, HSRP_EV_ENABLED, NO_VIP, LEARN, 0},

    {LEARN, HSRP_EV_DISABLED, ALWAYS, INIT, C | D},
    {LEARN, HSRP_EV_ACTIVE_HIGHER, ALWAYS, LISTEN, E | A | B},
    {LEARN, HSRP_EV_ACTIVE_LOWER, ALWAYS, LISTEN, E | A | B},

    {LISTEN, HSRP_EV_DISABLED, ALWAYS, INIT, C | D},
    {LISTEN, HSRP_EV_ACTIVE_TIMER, ALWAYS, SPEAK, A | B},
    {LISTEN, HSRP_EV_STANDBY_TIMER, ALWAYS, SPEAK, B},
    {LISTEN, HSRP_EV_ACTIVE_HIGHER, ALWAYS, LISTEN, E | A},
    {LISTEN, HSRP_EV_ACTIVE_LOWER, MAY_NOT, LISTEN, E | A},
    {LISTEN, HSRP_EV_ACTIVE_LOWER, MAY, ACTIVE, B | G | I},
    {LISTEN, HSRP_EV_RESIGN, ALWAYS, SPEAK, A | B},
    {LISTEN, HSRP_EV_STANDBY_HIGHER, ALWAYS, LISTEN, B},
    {LISTEN, HSRP_EV_STANDBY_LOWER, ALWAYS, SPEAK, B},

    {SPEAK, HSRP_EV_DISABLED, ALWAYS, INIT, C | D},
    {SPEAK, HSRP_EV_STANDBY_TIMER, ALWAYS, STANDBY, D},
    {SPEAK, HSRP_EV_HELLO_TIMER, ALWAYS, SPEAK, F},
    {SPEAK, HSRP_EV_SPEAK_HIGHER, ALWAYS, LISTEN, B},
    {SPEAK, HSRP_EV_ACTIVE_HIGHER, ALWAYS, SPEAK, E | A},
    {SPEAK, HSRP_EV_ACTIVE_LOWER, MAY_NOT, SPEAK, E | A},
    {SPEAK, HSRP_EV_ACTIVE_LOWER, MAY, ACTIVE, B | G | I},
    {SPEAK, HSRP_EV_RESIGN, ALWAYS, SPEAK, A},
    {SPEAK, HSRP_EV_STANDBY_HIGHER, ALWAYS, LISTEN, B},
    {SPEAK, HSRP_EV_STANDBY_LOWER, ALWAYS, STANDBY, D},

    {STANDBY, HSRP_EV_DISABLED, ALWAYS, INIT, C | D},
    {STANDBY, HSRP_EV_ACTIVE_TIMER, ALWAYS, ACTIVE, C | D | F | I},
    {STANDBY, HSRP_EV_HELLO_TIMER, ALWAYS, STANDBY, F},
    {STANDBY, HSRP_EV_SPEAK_HIGHER, ALWAYS, LISTEN, B},
    {STANDBY, HSRP_EV_ACTIVE_HIGHER, ALWAYS, STANDBY, E | A},
    {STANDBY, HSRP_EV_ACTIVE_LOWER, MAY_NOT, STANDBY, E | A},
    {STANDBY, HSRP_EV_ACTIVE_LOWER, MAY, ACTIVE, B | G | I},
    {STANDBY, HSRP_EV_RESIGN, ALWAYS, ACTIVE, C | F | I},
    {STANDBY, HSRP_EV_STANDBY_HIGHER, ALWAYS, LISTEN, B},

    {ACTIVE, HSRP_EV_DISABLED, ALWAYS, INIT, C | D | H},
    {ACTIVE, HSRP_EV_HELLO_TIMER, ALWAYS, ACTIVE, F},
    {ACTIVE, HSRP_EV_ACTIVE_HIGHER, ALWAYS, SPEAK, A | B},
    {ACTIVE, HSRP_EV_ACTIVE_LOWER, ALWAYS, ACTIVE, G},
    {ACTIVE, HSRP_EV_COUP, ALWAYS, SPEAK, A | B | H},
    {ACTIVE, HSRP_EV_STANDBY_HIGHER, ALWAYS, ACTIVE, B},
    {ACTIVE, HSRP_EV_STANDBY_LOWER, ALWAYS, ACTIVE, B},
};

const struct hsrp_row *hsrp_rows(size_t *n)
{
    *n = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

const struct hsrp_row *hsrp_step(enum hsrp_state s, enum hsrp_event e, unsigned facts)
{
    size_t n;
    const struct hsrp_row *r = hsrp_rows(&n);
    for (; n; n--, r++)
        if (r->state == s && r->event == e && (facts & r->of) == r->facts)
            return r;
    return NULL;
}

const char *hsrp_event_name(enum hsrp_event e)
{
    static const char *const names[HSRP_EVENTS] = {
        "a/HSRP enabled",
        "b/HSRP disabled",
        "c/Active timer expired",
        "d/Standby timer expired",
        "e/Hello timer expired",
        "f/Hello rcvd from higher pri Speak router",
        "g/Hello rcvd from higher pri Active router",
        "h/Hello rcvd from lower pri Active router",
        "i/Resign rcvd",
        "j/Coup rcvd from higher pri router",
        "k/Hello rcvd from higher pri Standby router",
        "l/Hello rcvd from lower pri Standby router",
    };
    return names[e];
}
