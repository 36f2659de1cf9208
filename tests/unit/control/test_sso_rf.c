/* The redundancy facility: every pair of state and event, the history, names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/sso/rf.h"
#include <string.h>

/* By the platform's numbers: where each event leads from states 1 to 13; 0: nowhere. */
static const uint8_t expected[RF_EVENTS][14] = {
    /*                     -  1  2  3  4  5  6  7  8  9 10 11 12 13 */
    [RF_EV_CONFIGURED] = {0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    [RF_EV_REMOVED] = {0, 0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1},
    [RF_EV_START] = {0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    [RF_EV_GO_ACTIVE] = {0, 0, 0, 9, 9, 0, 0, 9, 9, 0, 0, 0, 0, 0},
    [RF_EV_GO_STANDBY] = {0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    [RF_EV_STEP] = {0, 0, 0, 0, 0, 6, 7, 0, 0, 10, 11, 12, 13, 0},
    [RF_EV_BULK] = {0, 0, 0, 0, 5, 0, 0, 0, 7, 0, 0, 0, 0, 0},
    [RF_EV_END] = {0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0},
    [RF_EV_PEER_LOST] = {0, 0, 0, 0, 3, 0, 0, 3, 0, 0, 0, 0, 0, 0},
    [RF_EV_LOST] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3},
};

static void every_pair(void **state)
{
    size_t n, listed = 0;
    (void)state;
    (void)rf_rows(&n);
    for (unsigned e = 0; e < RF_EVENTS; e++)
        for (unsigned s = RF_DISABLED; s <= RF_ACTIVE; s++) {
            const struct rf_row *r = rf_find((enum rf_state)s, (enum rf_event)e);
            assert_int_equal(r ? r->next : 0, expected[e][s]);
            listed += expected[e][s] != 0;
            struct rf f;
            rf_init(&f, 1);
            f.mine = (enum rf_state)s;
            bool moved = rf_step(&f, (enum rf_event)e, 7);
            assert_int_equal(moved, r != NULL);
            if (!moved) {
                assert_int_equal(f.mine, s);
                assert_int_equal(f.events, 0);
                assert_int_equal(f.since, 1);
            }
        }
    assert_int_equal(n, listed); /* no row is hidden behind another one */
}

struct seen {
    unsigned n;
    enum rf_state mine[SSO_HISTORY];
    char last[48];
};

static void see(void *ctx, const struct sso_event *e)
{
    struct seen *s = (struct seen *)ctx;
    s->mine[s->n++] = e->mine;
    memcpy(s->last, e->text, sizeof(s->last));
}

/* From the start to the active role and to the standby one: no step is left out of the history. */
static void the_way(void **state)
{
    static const enum rf_state active[] = {
        RF_INITIALIZATION,   RF_NEGOTIATION,       RF_ACTIVE_FAST, RF_ACTIVE_DRAIN,
        RF_ACTIVE_PRECONFIG, RF_ACTIVE_POSTCONFIG, RF_ACTIVE};
    static const enum rf_state standby[] = {RF_INITIALIZATION, RF_NEGOTIATION,     RF_STANDBY_COLD,
                                            RF_STANDBY_CONFIG, RF_STANDBY_FILESYS, RF_STANDBY_BULK,
                                            RF_STANDBY_HOT};
    struct rf f;
    struct seen s = {0};
    (void)state;
    rf_init(&f, 0);
    assert_true(rf_step(&f, RF_EV_CONFIGURED, 1) && rf_step(&f, RF_EV_START, 2) &&
                rf_step(&f, RF_EV_GO_ACTIVE, 3));
    rf_history(&f, see, &s);
    assert_int_equal(s.n, 7);
    assert_memory_equal(s.mine, active, sizeof(active));
    assert_int_equal(f.since, 3);

    s = (struct seen){0};
    rf_init(&f, 0);
    assert_true(rf_step(&f, RF_EV_CONFIGURED, 1) && rf_step(&f, RF_EV_START, 2) &&
                rf_step(&f, RF_EV_GO_STANDBY, 3) && rf_step(&f, RF_EV_BULK, 4) &&
                rf_step(&f, RF_EV_END, 5));
    rf_history(&f, see, &s);
    assert_int_equal(s.n, 7);
    assert_memory_equal(s.mine, standby, sizeof(standby));
}

static void history_is_a_ring(void **state)
{
    struct rf f;
    struct seen s = {0};
    (void)state;
    rf_init(&f, 0);
    for (unsigned i = 0; i < SSO_HISTORY + 3; i++)
        assert_true(rf_peer(&f, i % 2 ? RF_DISABLED : RF_ACTIVE, i));
    assert_false(rf_peer(&f, f.peer, 999));
    rf_note(&f, SSO_EV_LINK, "RF_STATUS_PEER_COMM(401) op=1", 1000);
    rf_history(&f, see, &s);
    assert_int_equal(s.n, SSO_HISTORY);
    assert_string_equal(s.last, "RF_STATUS_PEER_COMM(401) op=1");
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(rf_name(RF_STANDBY_HOT), "STANDBY HOT");
    assert_string_equal(rf_name(RF_ACTIVE), "ACTIVE");
    assert_string_equal(rf_name((enum rf_state)0), "UNKNOWN");
    assert_string_equal(rf_name((enum rf_state)14), "UNKNOWN");
    for (unsigned s = RF_DISABLED; s <= RF_ACTIVE; s++)
        assert_string_not_equal(rf_name((enum rf_state)s), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair),
        cmocka_unit_test(the_way),
        cmocka_unit_test(history_is_a_ring),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
