/*
 * A planned switchover, step by step and in process: what stands against it, what the other box
 * answers, what comes too late, and when the loser fences.
 */
#include "sso_pair.h"

#define NOTHING_YET SSO_ASKED

static void on_outcome(void *ctx, enum sso_outcome o)
{
    enum sso_outcome *out = (enum sso_outcome *)ctx;
    assert_int_equal(*out, NOTHING_YET); /* once */
    *out = o;
}

static bool yields(struct pair *t)
{
    return group(t, "HA")->yields;
}

/* The box is as if nobody had asked. */
static void still_active(struct pair *t)
{
    assert_int_equal(t->s->handover.step, SSO_HANDOVER_NONE);
    assert_true(sso_sync_is_active(t->s->sync));
    assert_int_equal(state_of(t), HSRP_ACTIVE);
    assert_false(yields(t));
    assert_int_equal(ASKED(t->b, LR_RELOAD), 0);
    assert_int_equal(TOLD(t->b, SADB_ROLE), 0);
}

static void refused(struct pair *t, enum sso_outcome why)
{
    unsigned steps = t->steps;
    assert_int_equal(sso_switchover(t->b->c, NULL, NULL), why);
    pump(t);
    assert_int_equal(t->steps, steps);
    assert_int_equal(t->s->handover.step, SSO_HANDOVER_NONE);
}

/* --- what this box knows ----------------------------------------------------------------------
 */

static void without_a_scheme(void **state)
{
    struct wish w = stateful_wish();
    w.scheme = false;
    struct pair *t = pair_up(state, &w);
    until_active(t);
    refused(t, SSO_NO_SCHEME);
    pair_down(t);
}

static void on_the_standby(void **state)
{
    struct pair *t = standby_pair(state);
    refused(t, SSO_NOT_ACTIVE);
    pair_down(t);
}

static void without_a_peer(void **state)
{
    struct wish w = stateful_wish();
    struct pair *t = pair_up(state, &w);
    until_active(t);
    refused(t, SSO_NO_PEER);
    connect_boxes(t);
    cut(t);
    refused(t, SSO_NO_PEER);
    pair_down(t);
}

static void another_configuration(void **state)
{
    const struct sso_section other = {.name = "crypto map", .digest = {1}};
    struct pair *t = active_pair(state);
    sso_sync_configure(t->peer, "1.0", &other, 1, 3 * USEC_PER_SEC);
    pump(t);
    refused(t, SSO_DIFFERS);
    sso_sync_configure(t->peer, "1.0", NULL, 0, 3 * USEC_PER_SEC);
    pump(t);
    assert_int_equal(sso_switchover(t->b->c, NULL, NULL), SSO_ASKED);
    pair_down(t);
}

/* What the peer is told does not arrive: it never acknowledges the end of the bulk. */
static void a_bulk_that_goes_on(void **state)
{
    struct wish w = stateful_wish();
    struct pair *t = pair_up(state, &w);
    until_active(t);
    t->deaf = true;
    connect_boxes(t);
    refused(t, SSO_NOT_HOT);
    sso_sync_state(t->peer, RF_STANDBY_BULK);
    pump(t);
    refused(t, SSO_BULK_SYNC);
    pair_down(t);
}

static void nobody_stands_by_in_hsrp(void **state)
{
    struct pair *t = active_pair(state);
    pass(t->b, 11); /* longer than a hold time */
    refused(t, SSO_NO_STANDBY);
    other_says(t, "HA", HSRP_HELLO, HSRP_SPEAK, 50);
    refused(t, SSO_NO_STANDBY);
    other_says(t, "HA", HSRP_HELLO, HSRP_STANDBY, 50);
    assert_int_equal(sso_switchover(t->b->c, NULL, NULL), SSO_ASKED);
    pair_down(t);
}

/* --- what the other one answers -----------------------------------------------------------------
 */

static enum sso_outcome *asked(struct pair *t, enum sso_outcome *o)
{
    *o = NOTHING_YET;
    assert_int_equal(sso_switchover(t->b->c, on_outcome, o), SSO_ASKED);
    pump(t);
    assert_int_equal(t->step, SSO_SWITCH_PREPARE);
    assert_true(yields(t)); /* whoever says that he is active is believed */
    assert_int_equal(*o, NOTHING_YET);
    return o;
}

static void it_refuses(void **state)
{
    static const struct {
        enum sso_switch_step says;
        enum sso_outcome means;
    } v[] = {{SSO_SWITCH_EMPTY, SSO_PEER_EMPTY},
             {SSO_SWITCH_NO_HSRP, SSO_PEER_NOT_STANDBY},
             {SSO_SWITCH_LATE, SSO_PEER_LATE}};
    struct pair *t = active_pair(state);
    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        enum sso_outcome o;
        asked(t, &o);
        sso_sync_switch(t->peer, v[i].says);
        pump(t);
        assert_int_equal(o, v[i].means);
        still_active(t);
    }
    pass_ms(t, 2000); /* nothing comes behind it */
    still_active(t);
    pair_down(t);
}

static void it_does_not_answer(void **state)
{
    struct pair *t = active_pair(state);
    enum sso_outcome o;
    asked(t, &o);
    assert_int_equal(sso_switchover(t->b->c, NULL, NULL), SSO_BUSY);
    pass_ms(t, 850);
    assert_int_equal(o, NOTHING_YET);
    pass_ms(t, 100);
    assert_int_equal(o, SSO_NO_ANSWER);
    still_active(t);
    sso_sync_switch(t->peer, SSO_SWITCH_TAKEN); /* too late: HSRP says who is active */
    pump(t);
    pass_ms(t, 500);
    still_active(t);
    pair_down(t);
}

static void the_link_is_cut(void **state)
{
    struct pair *t = active_pair(state);
    enum sso_outcome o;
    asked(t, &o);
    cut(t);
    pass_ms(t, 950);
    assert_int_equal(o, SSO_NO_ANSWER);
    still_active(t);
    pair_down(t);
}

static void nobody_wants_to_hear(void **state)
{
    struct pair *t = active_pair(state);
    enum sso_outcome o;
    asked(t, &o);
    sso_switchover_forget(t->b->c);
    sso_sync_switch(t->peer, SSO_SWITCH_LATE);
    pump(t);
    assert_int_equal(o, NOTHING_YET);
    still_active(t);
    pair_down(t);
}

static void the_scheme_goes(void **state)
{
    struct pair *t = active_pair(state);
    struct wish w = stateful_wish();
    enum sso_outcome o;
    asked(t, &o);
    w.scheme = false;
    wish_apply(t->b, &w);
    pump(t);
    assert_int_equal(o, SSO_NO_SCHEME);
    assert_false(yields(t));
    pass_ms(t, 2000);
    assert_int_equal(state_of(t), HSRP_ACTIVE);
    assert_int_equal(ASKED(t->b, LR_RELOAD), 0);
    pair_down(t);
}

/* --- the loser ----------------------------------------------------------------------------------
 */

/* A pair with an SA that packets pass, and counters where the datapath would count them. */
static _Atomic uint64_t *counted(struct pair *t, struct tunnel *sa)
{
    int fd = memfd_create("stats", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, sizeof(struct dpstats)), 0);
    void *at = mmap(NULL, sizeof(struct dpstats), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    t->stats = (struct dpstats *)at;
    control_set_socket(t->b->c, SOCK_STATS, fd);
    sa_up(t->b, sa, "203.0.113.1");
    pump(t);
    const struct wanted_sa *w = wanted_find(t->b->c, sa->child.sa_in);
    assert_non_null(w);
    assert_true(wanted_is_shared(w->m.sa));
    forget_frames(t->b);
    return &t->stats->slot[w->m.slot].packets;
}

static void taken(struct pair *t, enum sso_outcome *o)
{
    asked(t, o);
    sso_sync_switch(t->peer, SSO_SWITCH_TAKEN);
    pump(t);
    assert_int_equal(*o, SSO_HANDED_OVER);
    assert_int_equal(t->s->handover.step, SSO_HANDOVER_DRAINS);
    assert_int_equal(TOLD(t->b, SADB_ROLE), 0); /* it goes on */
    assert_int_equal(t->events[SSO_SYNC_BYE], 0);
}

static void fenced_and_gone(struct pair *t)
{
    assert_int_equal(told_role(t), SADB_ROLE_PASSIVE);
    pass_ms(t, 20); /* the peer says that it knows */
    assert_int_equal(t->events[SSO_SYNC_BYE], 1);
    assert_int_equal(ASKED(t->b, LR_RELOAD), 1);
    assert_false(sso_sync_is_active(t->s->sync));
    bool split = true;
    assert_true(sso_sync_activate(t->peer, &split)); /* it goes on with what there is, … */
    assert_false(split);                             /* … and nobody else has a part of it */
}

static void it_goes_on_until_nothing_comes(void **state)
{
    struct pair *t = active_pair(state);
    struct tunnel sa;
    enum sso_outcome o;
    _Atomic uint64_t *packets = counted(t, &sa);
    taken(t, &o);
    for (unsigned i = 0; i < 20; i++) { /* one packet in each look */
        atomic_fetch_add(packets, 1);
        pass_ms(t, 2);
        assert_int_equal(TOLD(t->b, SADB_ROLE), 0);
    }
    pass_ms(t, 6);
    assert_int_equal(TOLD(t->b, SADB_ROLE), 0);
    pass_ms(t, 10);
    fenced_and_gone(t);
    pair_down(t);
}

static void packets_that_never_end(void **state)
{
    struct pair *t = active_pair(state);
    struct tunnel sa;
    enum sso_outcome o;
    _Atomic uint64_t *packets = counted(t, &sa);
    taken(t, &o);
    for (unsigned i = 0; i < 245; i++) {
        atomic_fetch_add(packets, 1);
        pass_ms(t, 1);
    }
    assert_int_equal(TOLD(t->b, SADB_ROLE), 0);
    for (unsigned i = 0; i < 10; i++) {
        atomic_fetch_add(packets, 1);
        pass_ms(t, 1);
    }
    fenced_and_gone(t);
    pair_down(t);
}

/* --- the standby --------------------------------------------------------------------------------
 */

static void ask_it(struct pair *t, enum sso_switch_step answer)
{
    unsigned steps = t->steps;
    sso_sync_switch(t->peer, SSO_SWITCH_PREPARE);
    pump(t);
    assert_int_equal(t->steps, steps + 1);
    assert_int_equal(t->step, answer);
}

static void it_has_not_everything(void **state)
{
    struct wish w = stateful_wish();
    struct pair *t = pair_up(state, &w);
    connect_boxes(t);
    until_standby(t, 200);
    ask_it(t, SSO_SWITCH_EMPTY);
    assert_int_equal(t->s->handover.step, SSO_HANDOVER_NONE);
    pair_down(t);
}

static void it_only_listens(void **state)
{
    struct wish w = stateful_wish();
    struct pair *t = pair_up(state, &w);
    peer_acts(t);
    connect_boxes(t);
    other_says(t, "HA", HSRP_HELLO, HSRP_ACTIVE, 200);
    assert_int_equal(state_of(t), HSRP_LISTEN);
    ask_it(t, SSO_SWITCH_NO_HSRP);
    until_standby(t, 200);
    sso_sync_switch(t->peer, SSO_SWITCH_PREPARE);
    pump(t);
    assert_int_equal(t->s->handover.step, SSO_HANDOVER_PREPARES);
    pair_down(t);
}

/* The group of the scheme is standby, and the one inside is not yet. */
static void one_group_of_two(void **state)
{
    struct wish w = stateful_wish();
    w.inside = true;
    struct pair *t = pair_up(state, &w);
    peer_acts(t);
    connect_boxes(t);
    for (unsigned i = 0; i < 30; i++) {
        other_says(t, "IN", HSRP_HELLO, HSRP_ACTIVE, 200);
        other_says(t, "IN", HSRP_HELLO, HSRP_SPEAK, 250); /* somebody else wants to be standby */
        other_says(t, "HA", HSRP_HELLO, HSRP_ACTIVE, 200);
        pass(t->b, 1);
        pump(t);
    }
    assert_int_equal(state_of(t), HSRP_STANDBY);
    assert_int_not_equal(group(t, "IN")->state, HSRP_STANDBY);
    ask_it(t, SSO_SWITCH_NO_HSRP);
    pair_down(t);
}

static void prepared(struct pair *t)
{
    sso_sync_switch(t->peer, SSO_SWITCH_PREPARE);
    pump(t);
    assert_int_equal(told_role(t), SADB_ROLE_HOLD);
    assert_int_equal(ASKED(t->b, LR_VIP), 1);
    assert_int_equal(t->steps, 0); /* both have to stand */
    assert_int_equal(state_of(t), HSRP_STANDBY);
    pass_ms(t, 2);
    assert_int_equal(t->step, SSO_SWITCH_TAKEN);
    assert_int_equal(state_of(t), HSRP_ACTIVE);
    assert_false(sso_sync_is_active(t->s->sync)); /* the other one still uses the SAs */
    assert_int_equal(told_role(t), SADB_ROLE_HOLD);
}

struct last_switch {
    unsigned n;
    struct sso_switch w;
};

static void on_switch(void *ctx, const struct sso_switch *w)
{
    struct last_switch *l = (struct last_switch *)ctx;
    l->n++;
    l->w = *w;
}

static void switched(struct pair *t, const char *reason)
{
    struct last_switch l = {0};
    assert_true(sso_sync_is_active(t->s->sync));
    assert_int_equal(told_role(t), SADB_ROLE_ACTIVE);
    assert_int_equal(t->s->rf.mine, RF_ACTIVE);
    assert_int_equal(t->s->handover.step, SSO_HANDOVER_NONE);
    sso_switches(t->b->c, on_switch, &l);
    assert_int_equal(l.n, 1);
    assert_string_equal(l.w.reason, reason);
}

static void it_takes_over(void **state)
{
    struct pair *t = standby_pair(state);
    prepared(t);
    pass_ms(t, 50);
    assert_false(sso_sync_is_active(t->s->sync));
    peer_leaves(t);
    switched(t, "user forced");
    pair_down(t);
}

/* The other one took the answer, and died. */
static void nobody_says_goodbye(void **state)
{
    struct pair *t = standby_pair(state);
    prepared(t);
    cut(t);
    pass_ms(t, 380);
    assert_false(sso_sync_is_active(t->s->sync));
    pass_ms(t, 40);
    switched(t, "active unit failed");
    pair_down(t);
}

static void its_addresses_do_not_stand(void **state)
{
    struct pair *t = standby_pair(state);
    t->b->refuse = LR_VIP;
    sso_sync_switch(t->peer, SSO_SWITCH_PREPARE);
    pump(t);
    assert_int_equal(told_role(t), SADB_ROLE_HOLD);
    pass_ms(t, 490);
    assert_int_equal(t->steps, 0);
    pass_ms(t, 20);
    assert_int_equal(t->step, SSO_SWITCH_LATE);
    assert_int_equal(t->s->handover.step, SSO_HANDOVER_NONE);
    assert_int_equal(told_role(t), SADB_ROLE_PASSIVE);
    assert_int_equal(state_of(t), HSRP_STANDBY);
    assert_false(sso_sync_is_active(t->s->sync));
    pair_down(t);
}

/* Words at a time when they mean nothing. */
static void words_out_of_place(void **state)
{
    struct pair *t = active_pair(state);
    for (int step = SSO_SWITCH_PREPARE; step < SSO_SWITCH_STEPS; step++) {
        sso_sync_switch(t->peer, (enum sso_switch_step)step);
        pump(t);
        still_active(t);
    }
    assert_int_equal(t->steps, 0);
    pair_down(t);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, bench_up, bench_down)
    const struct CMUnitTest tests[] = {
        T(without_a_scheme),
        T(on_the_standby),
        T(without_a_peer),
        T(another_configuration),
        T(a_bulk_that_goes_on),
        T(nobody_stands_by_in_hsrp),
        T(it_refuses),
        T(it_does_not_answer),
        T(the_link_is_cut),
        T(nobody_wants_to_hear),
        T(the_scheme_goes),
        T(it_goes_on_until_nothing_comes),
        T(packets_that_never_end),
        T(it_has_not_everything),
        T(it_only_listens),
        T(one_group_of_two),
        T(it_takes_over),
        T(nobody_says_goodbye),
        T(its_addresses_do_not_stand),
        T(words_out_of_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
