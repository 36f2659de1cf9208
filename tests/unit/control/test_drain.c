/*
 * A planned switchover on the box that hands over, with a datapath whose words are the test's: it
 * fences when nothing comes any more, and not because nobody looks.
 */
#include "control/sso/sso_priv.h"
#include "side.h"

#define LOOK (2 * USEC_PER_MSEC)

static struct side *drains(void **state)
{
    struct side *s = begin(state);
    struct sso *sso = s->b->c->sso;
    give_counters(s);
    connect_datapath(s);
    answer(s, 0);
    struct sadb_sa m = sa(WANTED_SHARED, SADB_IN);
    m.slot = 1;
    assert_int_equal(wanted_add(s->b->c, &m), 0);
    turn(s);
    sso->handover.step = SSO_HANDOVER_ASKS;
    sso_handover_step(sso, SSO_SWITCH_TAKEN);
    assert_int_equal(sso->handover.step, SSO_HANDOVER_DRAINS);
    turn(s);
    return s;
}

static void look(struct side *s, unsigned n)
{
    for (; n > 0; n--) {
        s->b->t.mono_us += LOOK;
        (void)timerq_run(&s->b->c->timers, s->b->t.mono_us, 1000);
        turn(s);
        assert_true(s->n < 60);
    }
}

/* The datapath answers the last barrier, after so many packets. */
static void serve(struct side *s, unsigned packets)
{
    struct sadb_ref r;
    size_t i = s->n;
    atomic_fetch_add(&s->stats->slot[1].packets, packets);
    while (i > 0 && s->heard[i - 1].type != SADB_POSITION)
        i--;
    assert_true(i > 0);
    memcpy(&r, s->heard[i - 1].data, sizeof(r));
    struct sadb_ack a = {.seq = r.seq};
    assert_int_equal(ipc_send(s->end, SADB_ACK, &a, sizeof(a)), 0);
    turn(s);
}

/* Packets wait in its queues then. */
static void a_datapath_that_does_not_run_is_not_quiet(void **state)
{
    struct side *s = drains(state);
    const struct sso *sso = s->b->c->sso;
    look(s, 40);
    assert_int_equal(sso->handover.step, SSO_HANDOVER_DRAINS);
    serve(s, 100);
    look(s, 40);
    assert_int_equal(sso->handover.step, SSO_HANDOVER_DRAINS);
    end(s);
}

static void it_fences_when_nothing_comes(void **state)
{
    struct side *s = drains(state);
    const struct sso *sso = s->b->c->sso;
    for (unsigned i = 0; i < 10; i++) {
        serve(s, 1);
        look(s, 1);
    }
    assert_int_equal(sso->handover.step, SSO_HANDOVER_DRAINS);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(sso->handover.step, SSO_HANDOVER_DRAINS);
        serve(s, 0);
        look(s, 1);
    }
    assert_int_equal(sso->handover.step, SSO_HANDOVER_NONE);
    end(s);
}

static void it_has_a_limit(void **state)
{
    struct side *s = drains(state);
    const struct sso *sso = s->b->c->sso;
    look(s, 130); /* the standby would wait no longer */
    assert_int_equal(sso->handover.step, SSO_HANDOVER_NONE);
    end(s);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, bench_up, bench_down)
    const struct CMUnitTest tests[] = {
        TEST(a_datapath_that_does_not_run_is_not_quiet),
        TEST(it_fences_when_nothing_comes),
        TEST(it_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
