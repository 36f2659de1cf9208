/* The state table against RFC 2281 §5.7, cell by cell: every pair of state and event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/hsrp/state.h"
#include <stdio.h>
#include <string.h>

/* As the RFC prints it: actions/next state, nothing where there is no next state or no row. Two
 * texts: without the fact that a cell depends on, and with it. */
struct cell {
    const char *without, *with;
};
#define NONE                                                                                       \
    {                                                                                              \
        "", ""                                                                                     \
    }
#define SAME(t)                                                                                    \
    {                                                                                              \
        t, t                                                                                       \
    }
#define EITHER(a, b)                                                                               \
    {                                                                                              \
        a, b                                                                                       \
    }

static const struct cell table[HSRP_EVENTS][6] = {
    /* a */ {EITHER("/2", "AB/3"), NONE, NONE, NONE, NONE, NONE},
    /* b */ {NONE, SAME("CD/1"), SAME("CD/1"), SAME("CD/1"), SAME("CD/1"), SAME("CDH/1")},
    /* c */ {NONE, NONE, SAME("AB/4"), NONE, SAME("CDFI/6"), NONE},
    /* d */ {NONE, NONE, SAME("B/4"), SAME("D/5"), NONE, NONE},
    /* e */ {NONE, NONE, NONE, SAME("F"), SAME("F"), SAME("F")},
    /* f */ {NONE, NONE, NONE, SAME("B/3"), SAME("B/3"), NONE},
    /* g */ {NONE, SAME("ABE/3"), SAME("AE"), SAME("AE"), SAME("AE"), SAME("AB/4")},
    /* h */
    {NONE, SAME("ABE/3"), EITHER("AE", "BGI/6"), EITHER("AE", "BGI/6"), EITHER("AE", "BGI/6"),
     SAME("G")},
    /* i */ {NONE, NONE, SAME("AB/4"), SAME("A"), SAME("CFI/6"), NONE},
    /* j */ {NONE, NONE, NONE, NONE, NONE, SAME("ABH/4")},
    /* k */ {NONE, NONE, SAME("B"), SAME("B/3"), SAME("B/3"), SAME("B")},
    /* l */ {NONE, NONE, SAME("B/4"), SAME("D/5"), NONE, SAME("B")},
};

static void text_of(const struct hsrp_row *r, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = '\0';
    if (!r)
        return;
    for (unsigned i = 0; i < 9; i++)
        if (r->actions & 1u << i)
            out[n++] = (char)('A' + i);
    if (r->next != r->state)
        snprintf(out + n, cap - n, "/%u", r->next);
    else
        out[n] = '\0';
}

static void every_pair(void **state)
{
    (void)state;
    for (unsigned e = 0; e < HSRP_EVENTS; e++) {
        unsigned fact = e == HSRP_EV_ENABLED ? HSRP_IF_ADDRESS : HSRP_IF_PREEMPT;
        unsigned other = fact ^ (HSRP_IF_ADDRESS | HSRP_IF_PREEMPT);
        for (unsigned s = HSRP_INIT; s <= HSRP_ACTIVE; s++) {
            const struct cell *c = &table[e][s - HSRP_INIT];
            for (unsigned f = 0; f < 4; f++) {
                char got[32];
                unsigned facts = (f & 1 ? fact : 0) | (f & 2 ? other : 0);
                text_of(hsrp_step((enum hsrp_state)s, (enum hsrp_event)e, facts), got, sizeof(got));
                assert_string_equal(got, f & 1 ? c->with : c->without);
            }
        }
        assert_null(hsrp_step(HSRP_DISABLED, (enum hsrp_event)e, 3));
    }
}

/* No row stands behind another one that holds wherever it does. */
static void no_row_is_dead(void **state)
{
    size_t n;
    const struct hsrp_row *r = hsrp_rows(&n);
    (void)state;
    for (size_t i = 0; i < n; i++) {
        bool met = false;
        for (unsigned facts = 0; facts < 4; facts++)
            met = met || hsrp_step((enum hsrp_state)r[i].state, (enum hsrp_event)r[i].event,
                                   facts) == &r[i];
        assert_true(met);
    }
}

static void names(void **state)
{
    (void)state;
    for (unsigned e = 0; e < HSRP_EVENTS; e++) {
        assert_int_equal(hsrp_event_name((enum hsrp_event)e)[0], 'a' + e);
        assert_int_equal(hsrp_event_name((enum hsrp_event)e)[1], '/');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair),
        cmocka_unit_test(no_row_is_dead),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
