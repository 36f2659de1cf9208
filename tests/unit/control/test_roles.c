/*
 * Who is active, in process: what follows from the group of the scheme, that the loser fences
 * before it says a word, and when a box may take over from a living one.
 */
#include "sso_pair.h"

static void active_is(struct pair *t, bool yes)
{
    assert_int_equal(sso_sync_is_active(t->s->sync), yes);
    assert_int_equal(told_role(t), yes ? SADB_ROLE_ACTIVE : SADB_ROLE_PASSIVE);
    assert_int_equal(t->s->rf.mine == RF_ACTIVE, yes);
}

static struct bench *loses(struct pair *t)
{
    other_says(t, "HA", HSRP_HELLO, HSRP_ACTIVE, 200);
    assert_int_not_equal(state_of(t), HSRP_ACTIVE);
    return t->b;
}

static void on_switch(void *ctx, const struct sso_switch *w)
{
    str_copy((char *)ctx, sizeof(w->reason), w->reason);
}

static void as_hsrp_says(void **state)
{
    struct wish w = stateful_wish();
    struct pair *t = pair_up(state, &w);
    char reason[sizeof(((struct sso_switch *)0)->reason)] = "";
    active_is(t, false); /* until there is an answer nothing is sealed */
    assert_int_equal(t->s->rf.mine, RF_NEGOTIATION);
    until_active(t);
    active_is(t, true);
    sso_switches(t->b->c, on_switch, reason);
    assert_string_equal(reason, ""); /* it took over from nobody */
    pair_down(t);
}

static void as_after_a_crash(void **state)
{
    struct pair *t = standby_pair(state);
    char reason[sizeof(((struct sso_switch *)0)->reason)] = "";
    cut(t);
    assert_int_equal(t->s->rf.mine, RF_STANDBY_HOT); /* it could go on with what it has */
    pass(t->b, 8);
    assert_int_equal(state_of(t), HSRP_STANDBY);
    until_active(t);
    active_is(t, true);
    assert_int_equal(TOLD(t->b, SADB_ROLE), 1);
    sso_switches(t->b->c, on_switch, reason);
    assert_string_equal(reason, "active unit failed");
    pair_down(t);
}

static void a_loser_with_a_standby_reloads(void **state)
{
    struct pair *t = active_pair(state);
    loses(t);
    active_is(t, false);
    assert_int_equal(t->events[SSO_SYNC_BYE], 1);
    assert_int_equal(ASKED(t->b, LR_RELOAD), 1);
    pair_down(t);
}

static void a_loser_on_its_own_waits(void **state)
{
    struct wish w = stateful_wish();
    struct pair *t = pair_up(state, &w);
    until_active(t);
    loses(t);
    active_is(t, false);
    assert_int_equal(t->s->rf.mine, RF_NEGOTIATION);
    assert_int_equal(ASKED(t->b, LR_RELOAD), 0);
    until_active(t); /* the other one dies */
    active_is(t, true);
    pair_down(t);
}

static void on_unanswered(struct ipc *ipc, struct ipc_msg *m, void *ctx)
{
    struct bench *b = (struct bench *)ctx;
    (void)ipc;
    keep_frame(b->told, &b->n_told, m);
}

static void mute_datapath(struct pair *t)
{
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    t->mute = ipc_new(t->b->base, fd[1], on_unanswered, NULL, t->b);
    assert_non_null(t->mute);
    control_set_datapath(t->b->c, fd[0]);
    pump(t);
    forget_frames(t->b);
}

/* A datapath that says nothing may still be sealing. */
static void fenced_before_a_word(void **state)
{
    struct pair *t = active_pair(state);
    mute_datapath(t);
    loses(t);
    assert_int_equal(told_role(t), SADB_ROLE_PASSIVE);
    pass_ms(t, 1900);
    assert_int_equal(t->events[SSO_SYNC_BYE], 0);
    assert_int_equal(ASKED(t->b, LR_RELOAD), 0);
    assert_true(sso_sync_is_active(t->s->sync));
    pass_ms(t, 200);
    assert_int_equal(ASKED(t->b, LR_RELOAD), 1);
    pair_down(t);
}

static void reload_by_hand(void **state)
{
    struct pair *t = active_pair(state);
    bool split = true;
    control_reload(t->b->c);
    control_reload(t->b->c); /* typed twice */
    pump(t);
    assert_int_equal(told_role(t), SADB_ROLE_PASSIVE);
    assert_int_equal(t->events[SSO_SYNC_BYE], 1);
    assert_true(sso_sync_activate(t->peer, &split));
    assert_false(split);
    pair_down(t);
}

/* The word that we are fenced may be on its way by what the reload ends. */
static void a_word_that_is_heard(void **state)
{
    struct pair *t = active_pair(state);
    t->deaf = true;
    loses(t);
    assert_int_equal(told_role(t), SADB_ROLE_PASSIVE);
    pass_ms(t, 480);
    assert_int_equal(ASKED(t->b, LR_RELOAD), 0);
    pass_ms(t, 40); /* nobody answers */
    assert_int_equal(ASKED(t->b, LR_RELOAD), 1);
    pair_down(t);
}

static void a_word_that_nobody_can_hear(void **state)
{
    struct pair *t = active_pair(state);
    t->deaf = true;
    loses(t);
    assert_int_equal(ASKED(t->b, LR_RELOAD), 0);
    cut(t);
    assert_int_equal(ASKED(t->b, LR_RELOAD), 1);
    pass_ms(t, 1000);
    assert_int_equal(ASKED(t->b, LR_RELOAD), 1);
    pair_down(t);
}

/* Typed while a loser without a standby is being fenced: it is not forgotten. */
static void reload_in_the_middle(void **state)
{
    struct wish w = stateful_wish();
    struct pair *t = pair_up(state, &w);
    until_active(t);
    mute_datapath(t);
    loses(t);
    control_reload(t->b->c);
    pump(t);
    assert_int_equal(ASKED(t->b, LR_RELOAD), 0);
    pass_ms(t, 2100);
    assert_int_equal(ASKED(t->b, LR_RELOAD), 1);
    pair_down(t);
}

static void reload_without_a_standby(void **state)
{
    struct wish w = stateful_wish();
    struct pair *t = pair_up(state, &w);
    until_active(t);
    forget_frames(t->b);
    control_reload(t->b->c);
    pump(t);
    assert_int_equal(ASKED(t->b, LR_RELOAD), 1);
    assert_int_equal(TOLD(t->b, SADB_ROLE), 0);
    pair_down(t);
}

/* --- taking over from a living router ---------------------------------------------------------
 */

/* Seconds in which another router of this priority says that it is active, in these groups. */
static void hears(struct pair *t, unsigned seconds, const char *one, const char *other,
                  uint32_t priority)
{
    for (unsigned i = 0; i < seconds; i++) {
        if (one)
            other_says(t, one, HSRP_HELLO, HSRP_ACTIVE, priority);
        if (other)
            other_says(t, other, HSRP_HELLO, HSRP_ACTIVE, priority);
        pass(t->b, 1);
        pump(t);
    }
}

static void not_before_it_has_everything(void **state)
{
    struct wish w = stateful_wish();
    w.preempt = true;
    struct pair *t = pair_up(state, &w);
    hears(t, 50, "HA", NULL, 50);
    assert_int_equal(state_of(t), HSRP_STANDBY);
    peer_acts(t);
    connect_boxes(t);
    assert_int_equal(state_of(t), HSRP_STANDBY);
    hears(t, 1, "HA", NULL, 50);
    assert_int_equal(state_of(t), HSRP_ACTIVE);
    pair_down(t);
}

/* A box that nobody tells anything is not held for ever. */
static void a_minute_at_most(void **state)
{
    struct wish w = stateful_wish();
    w.preempt = true;
    struct pair *t = pair_up(state, &w);
    hears(t, 58, "HA", NULL, 50);
    assert_int_equal(state_of(t), HSRP_STANDBY);
    hears(t, 4, "HA", NULL, 50);
    assert_int_equal(state_of(t), HSRP_ACTIVE);
    pair_down(t);
}

static void carrier(struct pair *t, bool on)
{
    bench_find(t->b, "eth1")->carrier = on;
    control_reconcile(t->b->c);
    pump(t);
}

/* The port inside comes back, and with it what the priority outside depends on. */
static void all_groups_together(void **state)
{
    struct wish w = stateful_wish();
    w.preempt = w.inside = true;
    struct pair *t = pair_up(state, &w);
    peer_acts(t);
    connect_boxes(t);
    hears(t, 30, "HA", "IN", 200);
    assert_int_equal(state_of(t), HSRP_STANDBY);
    assert_int_equal(group(t, "IN")->state, HSRP_STANDBY);
    carrier(t, false);
    assert_int_equal(group(t, "IN")->state, HSRP_INIT);
    carrier(t, true);
    for (unsigned i = 0; i < 60 && group(t, "IN")->state != HSRP_STANDBY; i++) {
        assert_int_equal(state_of(t), HSRP_STANDBY);
        hears(t, 1, "HA", "IN", 50);
    }
    hears(t, 1, "HA", NULL, 50);
    assert_int_equal(state_of(t), HSRP_ACTIVE);
    other_says(t, "IN", HSRP_RESIGN, HSRP_ACTIVE, 50); /* the loser leaves */
    assert_int_equal(group(t, "IN")->state, HSRP_ACTIVE);
    pair_down(t);
}

/* A port that is down keeps nobody from taking over. */
static void a_port_that_stays_down(void **state)
{
    struct wish w = stateful_wish();
    w.preempt = w.inside = true;
    struct pair *t = pair_up(state, &w);
    peer_acts(t);
    connect_boxes(t);
    carrier(t, false);
    hears(t, 30, "HA", NULL, 200);
    assert_int_equal(state_of(t), HSRP_STANDBY);
    hears(t, 1, "HA", NULL, 50);
    assert_int_equal(state_of(t), HSRP_ACTIVE);
    pair_down(t);
}

/* --- the end ------------------------------------------------------------------------------------
 */

static void without_the_scheme(void **state)
{
    struct pair *t = standby_pair(state);
    struct wish w = stateful_wish();
    w.scheme = false;
    w.preempt = true;
    wish_apply(t->b, &w);
    pump(t);
    assert_int_equal(told_role(t), SADB_ROLE_ACTIVE); /* the map decides, as without all this */
    assert_int_equal(t->s->rf.mine, RF_DISABLED);
    hears(t, 1, "HA", NULL, 50);
    assert_int_equal(state_of(t), HSRP_ACTIVE);
    assert_int_equal(t->s->rf.mine, RF_DISABLED);
    pair_down(t);
}

static void asked_for_anew(void **state)
{
    struct pair *t = standby_pair(state);
    struct sso_sync_info f;
    assert_true(sso_resync(t->b->c));
    sso_sync_info(t->s->sync, &f);
    assert_false(f.holds); /* it could not go on now … */
    cut(t);                /* … and the link is made anew */
    connect_boxes(t);
    sso_sync_info(t->s->sync, &f);
    assert_true(f.hot && f.holds);
    pair_down(t);
}

static void nothing_to_ask_for(void **state)
{
    struct pair *t = active_pair(state);
    assert_false(sso_resync(t->b->c));
    pair_down(t);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, bench_up, bench_down)
    const struct CMUnitTest tests[] = {
        T(as_hsrp_says),
        T(as_after_a_crash),
        T(a_loser_with_a_standby_reloads),
        T(a_loser_on_its_own_waits),
        T(fenced_before_a_word),
        T(reload_by_hand),
        T(a_word_that_is_heard),
        T(a_word_that_nobody_can_hear),
        T(reload_in_the_middle),
        T(reload_without_a_standby),
        T(not_before_it_has_everything),
        T(a_minute_at_most),
        T(all_groups_together),
        T(a_port_that_stays_down),
        T(without_the_scheme),
        T(asked_for_anew),
        T(nothing_to_ask_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
