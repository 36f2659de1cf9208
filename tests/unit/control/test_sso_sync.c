/*
 * Two boxes, a network between them and a datapath in each, all by hand: what the standby has, what
 * is safe to rely on, and that no sequence number is ever used twice, whatever is cut, restarted or
 * believed wrongly.
 */
#include "sso_boxes.h"

/* --- tests ----------------------------------------------------------------------------------- */

static void bulk_and_live(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    assert_true(hash_of(a) == hash_of(b) && hash_of(a) != 0);
    assert_int_equal(sso_sync_safe(a->sync), sso_sync_number(a->sync));
    change(a, 3, 7 * 11); /* a long one */
    change(a, 4, 0);
    assert_true(sso_sync_safe(a->sync) < sso_sync_number(a->sync));
    run_timers(w);
    assert_true(sso_sync_safe(a->sync) < sso_sync_number(a->sync)); /* on its way */
    unsigned safe = a->safe;
    settle(w);
    assert_true(a->safe > safe);
    assert_int_equal(sso_sync_safe(a->sync), sso_sync_number(a->sync));
    assert_true(hash_of(a) == hash_of(b));
    assert_int_equal(b->value[3], 77);
    world_free(w);
}

/* The copy begins behind the ceiling, and the active stops there until it was told. */
static void ceilings(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    assert_int_equal(a->dp[1].ceiling, 6000);
    assert_int_equal(b->dp[1].next, 6001);
    assert_int_equal(b->dp[1].ceiling, 6000 + SSO_SPLIT);
    traffic(a, 1, 10000);
    assert_int_equal(a->dp[1].next, 6001);
    traffic(a, 1, 1);
    assert_int_equal(a->dp[1].next, 6001);
    settle(w);
    assert_int_equal(a->dp[1].ceiling, 7000);
    assert_int_equal(b->dp[1].next, 7001);
    uint32_t sa = new_sa(a); /* may go at once, for a block */
    obey_all(a);
    assert_int_equal(a->dp[sa].ceiling, 1000);
    traffic(a, sa, 10);
    assert_int_equal(a->dp[sa].next, 11);
    settle(w);
    assert_int_equal(b->dp[sa].next, 1001);
    world_free(w);
}

/* Packets go on while a ceiling is on its way to the datapath. */
static void a_ceiling_that_comes_late(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    link_down(a);
    link_down(b);
    obey_all(a);
    link_up(w);
    while (a->orders == 0 || a->channel[a->orders - 1].what != BARRIER) {
        run_timers(w);
        for (unsigned i = 0; i < 2; i++)
            deliver(&w->box[i], SSO_STREAM_CONTROL);
    }
    uint64_t asked = a->channel[0].ceiling;
    assert_int_equal(a->channel[0].sa, 1);
    traffic(a, 1, 5000);
    assert_true(a->dp[1].next > asked + 1);
    settle(w);
    assert_true(info(b).hot);
    assert_true(b->dp[1].next > a->dp[1].next);
    assert_int_equal(b->dp[1].next, a->dp[1].ceiling + 1);
    world_free(w);
}

/* A lease that was told and not acknowledged when the engine died. */
static void an_engine_dies(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    uint64_t before = hash_of(a);
    traffic(a, 1, 800);
    run_timers(w);
    deliver(a, SSO_STREAM_RECORDS); /* the standby begins behind 7000 now */
    engine_dies(a);
    obey_all(a);
    link_down(b);
    assert_true(become_active(b)); /* and believes that it should */
    obey_all(b);
    traffic(a, 1, 5000);
    traffic(b, 1, 5000);
    traffic(a, 1, SSO_SPLIT);
    traffic(b, 1, SSO_SPLIT);
    assert_int_equal(b->dp[1].next, 7000 + SSO_SPLIT + 1);
    assert_false(w->twice);
    give_up_role(b);
    link_up(w);
    settle(w);
    assert_true(info(a).hot && info(b).hot && hash_of(b) == before);
    world_free(w);
}

static void take_over_after_a_crash(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    uint64_t before = hash_of(b);
    uint32_t epoch = info(a).epoch;
    crash(a);
    link_down(b); /* noticed before HSRP does, or after */
    assert_true(info(b).holds);
    assert_true(become_active(b));
    obey_all(b);
    assert_true(hash_of(b) == before && info(b).epoch > epoch);
    traffic(b, 1, 100);
    assert_int_equal(b->dp[1].next, 6101);
    assert_int_equal(b->dp[1].ceiling, 6000 + SSO_SPLIT);
    assert_int_equal(b->replaced, 0);
    /* The other one comes back, and becomes its standby. */
    link_up(w);
    settle(w);
    assert_true(info(a).hot && info(b).hot && hash_of(a) == before);
    assert_int_equal(a->dp[1].next, b->dp[1].ceiling + 1);
    assert_int_equal(a->dp[1].ceiling, 6000 + SSO_SPLIT); /* the limit goes with it */
    assert_false(w->twice);
    world_free(w);
}

/* The loser fences and says so: what is behind the ceiling is all of the new active's. */
static void the_loser_fences(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    assert_true(become_active(b)); /* HSRP says so on both sides, in this order */
    give_up_role(a);
    settle(w);
    assert_int_equal(b->events[SSO_SYNC_BYE], 1);
    assert_true(info(a).hot && info(b).hot); /* the other way round now */
    assert_true(b->dp[1].ceiling < SSO_SPLIT);
    sso_sync_state(a->sync, RF_DISABLED);
    sso_sync_bye(a->sync);
    settle(w);
    assert_int_equal(b->dp[1].ceiling, SSO_NO_LAST); /* and not what a split leaves */
    world_free(w);

    w = pair(1000);
    a = &w->box[0], b = &w->box[1];
    give_up_role(a); /* and in the other one: it is told before it takes over */
    settle(w);
    link_down(b);
    assert_true(become_active(b));
    obey_all(b);
    assert_int_equal(b->dp[1].next, 6001);
    assert_int_equal(b->dp[1].ceiling, SSO_NO_LAST);
    world_free(w);
}

/* The streams do not wait for each other, but where SAs stood at the last packet is there before
 * the word that lets the other box go on. */
static void the_last_numbers_come_before_the_word(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    pass(w, USEC_PER_SEC);
    assert_true(b->inbound > 0 && b->inbound == a->inbound && b->volume == a->volume);
    a->inbound = 4710;
    a->volume = 9000;
    for (unsigned i = 0; i < 10; i++) { /* 4711 is told, and is on its way for long */
        w->t.mono_us += 100 * USEC_PER_MSEC;
        timerq_run(&a->timers, w->t.mono_us, 64);
    }
    assert_int_equal(a->out[SSO_STREAM_COUNTERS].n, 1);
    give_up_role(a);
    while (a->out[SSO_STREAM_CONTROL].n)
        deliver(a, SSO_STREAM_CONTROL);
    assert_int_equal(b->events[SSO_SYNC_BYE], 1);
    assert_true(become_active(b));
    assert_true(a->inbound > 4711 && b->inbound == a->inbound);
    assert_true(a->volume > 10000 && b->volume == a->volume);
    uint64_t bad = info(b).bad;
    deliver(a, SSO_STREAM_COUNTERS); /* too late, and nobody minds */
    assert_int_equal(b->inbound, a->inbound);
    assert_int_equal(info(b).bad, bad);
    world_free(w);
}

/* What did not fit into the link is told when it does. */
static void numbers_wait_for_the_link(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    a->window = 0;
    for (unsigned i = 0; i < 20; i++) {
        w->t.mono_us += 100 * USEC_PER_MSEC;
        timerq_run(&a->timers, w->t.mono_us, 64);
    }
    a->window = WIRE;
    sso_sync_writable(a->sync);
    a->inbound = 100; /* … and nothing of this was lost meanwhile */
    pass(w, 1200 * USEC_PER_MSEC);
    assert_true(a->inbound > 100 && b->inbound == a->inbound && b->volume == a->volume);
    world_free(w);
}

/* Far at once, some packets each second, and a trickle seldom. */
static void how_often_numbers_are_told(void **state)
{
    static const struct {
        uint64_t moves, told; /* in 20 seconds */
    } of[] = {{1, 2}, {15, 2}, {16, 20}, {999, 20}, {1000, 200}};
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
        uint64_t before = a->inbound;
        a->moves = of[i].moves;
        pass(w, 20 * USEC_PER_SEC);
        assert_int_equal(a->inbound - before, of[i].told);
        assert_int_equal(a->inbound, b->inbound);
    }
    a->moves = 1;
    uint64_t before = b->inbound;
    give_up_role(a); /* all of it, however little */
    settle(w);
    assert_int_equal(b->inbound, before + 1);
    world_free(w);
}

/* A standby that is cut off may be active now: what it owns is left to it. */
static void a_standby_is_lost(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    change(a, 1, 4712);
    assert_true(sso_sync_safe(a->sync) < sso_sync_number(a->sync));
    link_down(a);
    assert_int_equal(sso_sync_safe(a->sync), sso_sync_number(a->sync));
    assert_int_equal(a->events[SSO_SYNC_LOST], 1);
    assert_false(a->leased);
    obey_all(a);
    assert_int_equal(a->dp[1].next, 6000 + SSO_SPLIT + 1);
    assert_int_equal(a->dp[1].ceiling, SSO_NO_LAST);
    link_down(b);
    become_active(b);
    obey_all(b);
    for (unsigned i = 0; i < 10; i++) {
        traffic(a, 1, SSO_SPLIT);
        traffic(b, 1, SSO_SPLIT);
    }
    assert_int_equal(b->dp[1].next, 6000 + SSO_SPLIT + 1); /* the end of what it owns */
    assert_true(b->replaced > 0);
    assert_false(w->twice);
    world_free(w);
}

/* One that leaves properly gets nothing. */
static void a_standby_leaves(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    sso_sync_state(b->sync, RF_DISABLED);
    sso_sync_bye(b->sync);
    settle(w);
    assert_int_equal(a->events[SSO_SYNC_LOST], 1);
    assert_int_equal(a->dp[1].next, 5001);
    assert_int_equal(a->dp[1].ceiling, SSO_NO_LAST);
    assert_false(info(b).holds);
    world_free(w);
}

static void a_standby_that_does_not_read(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    /* It takes nothing: after the configured patience nothing waits for it any more. */
    change(a, 1, 2);
    w->t.mono_us += 3 * USEC_PER_SEC - 1;
    timerq_run(&a->timers, w->t.mono_us, 64);
    assert_false(a->restart);
    w->t.mono_us += 1;
    timerq_run(&a->timers, w->t.mono_us, 64);
    assert_true(a->restart);
    assert_string_equal(a->why, "the standby acknowledges nothing");
    assert_int_equal(sso_sync_safe(a->sync), sso_sync_number(a->sync));
    link_up(w);
    settle(w);
    assert_true(info(a).hot && hash_of(a) == hash_of(b));
    /* The link takes nothing, and there is more and more: bounded. */
    a->window = 0;
    a->restart = false;
    unsigned n = 0;
    for (; n < 4000 && !a->restart; n++) {
        change(a, n % RECORDS, 7 * (n + 1));
        timerq_run(&a->timers, w->t.mono_us, 64);
    }
    assert_true(a->restart && n > 100 && n < 2000);
    assert_string_equal(a->why, "the standby does not read");
    a->window = WIRE;
    link_up(w);
    settle(w);
    assert_true(info(a).hot && hash_of(a) == hash_of(b));
    world_free(w);
}

/* Both believe to be active; then one is told that it is not. */
static void two_active_boxes(void **state)
{
    struct world *w = world_new(3, 100);
    struct box *a = &w->box[0], *b = &w->box[1];
    (void)state;
    become_active(a);
    become_active(b);
    change(a, 1, 1);
    change(b, 2, 2);
    change(b, 3, 2);
    link_up(w);
    settle(w);
    assert_false(info(a).hot || info(b).hot);
    assert_int_equal(a->value[2], 0);
    give_up_role(a);
    settle(w);
    assert_true(info(a).hot && info(b).hot);
    assert_true(a->value[1] == 0 && a->value[2] == 2);
    world_free(w);
}

/* Whoever was active while the other one was away says so by its epoch. */
static void an_old_active_is_ignored(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    struct sso_message m = {.type = SSO_BULK_BEGIN, .epoch = info(a).epoch};
    uint8_t bytes[64];
    struct wbuf out = wbuf_make(bytes, sizeof(bytes));
    (void)state;
    assert_true(become_active(b));
    settle(w);
    give_up_role(b); /* b has the higher epoch, a has not noticed anything */
    assert_true(info(b).epoch > m.epoch);
    assert_int_equal(sso_wire_write(&out, &m), 0);
    uint64_t ignored = info(b).ignored;
    sso_sync_input(b->sync, SSO_STREAM_RECORDS, bytes, out.len);
    assert_int_equal(info(b).ignored, ignored + 1);
    assert_false(info(b).hot);
    /* Told of it, a begins another one and is believed. */
    pass(w, 5 * USEC_PER_SEC);
    link_up(w);
    settle(w);
    assert_true(info(a).hot && info(b).hot && info(a).epoch > m.epoch);
    world_free(w);
}

static void sections(void **state)
{
    struct world *w = pair(1000);
    struct box *a = &w->box[0], *b = &w->box[1];
    struct sso_section x[2] = {{"isakmp policy", {1}}, {"crypto map", {2}}};
    struct sso_section y[2] = {{"isakmp policy", {1}}, {"crypto map", {3}}};
    (void)state;
    assert_int_equal(a->events[SSO_SYNC_DIFFERS] + b->events[SSO_SYNC_DIFFERS], 0);
    sso_sync_configure(a->sync, "1.0", x, 2, 3 * USEC_PER_SEC);
    sso_sync_configure(b->sync, "1.0", y, 2, 3 * USEC_PER_SEC);
    settle(w);
    assert_true(a->events[SSO_SYNC_DIFFERS] > 0 && b->events[SSO_SYNC_DIFFERS] > 0);
    assert_int_equal(info(a).n_differ, 1);
    assert_string_equal(info(a).differ[0], "crypto map");
    assert_true(info(a).hot); /* what goes with both goes on */
    sso_sync_configure(b->sync, "1.0", x, 2, 3 * USEC_PER_SEC);
    settle(w);
    assert_int_equal(info(a).n_differ, 0);
    assert_int_equal(info(b).n_differ, 0);
    world_free(w);
}

/* Truncated, changed, on the wrong stream, twice, out of order: ignored or synchronised anew. */
static void a_peer_that_lies(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 400; seed++) {
        struct world *w = pair(1000);
        struct box *a = &w->box[0], *b = &w->box[1];
        w->rnd = seed * 7919;
        for (unsigned i = 0; i < 20; i++) {
            change(a, (unsigned)rnd(w, RECORDS), 1 + (uint32_t)rnd(w, 1000));
            run_timers(w);
            struct box *from = rnd(w, 2) ? a : b;
            enum sso_stream s = (enum sso_stream)rnd(w, SSO_STREAMS);
            struct pipe *q = &from->out[s];
            if (q->n) {
                struct letter *l = &q->v[q->head];
                uint64_t how = rnd(w, 4);
                if (how == 0)
                    l->n = rnd(w, l->n);
                else if (how == 1) /* the header: what is in records is the peer's own affair */
                    l->p[rnd(w, l->n < 26 ? l->n : 26)] ^= (uint8_t)(1 + rnd(w, 255));
                else if (how == 2)
                    sso_sync_input(other(from)->sync, s, l->p, l->n);
                else
                    sso_sync_input(other(from)->sync, (enum sso_stream)((s + 1) % SSO_STREAMS),
                                   l->p, l->n);
            }
            for (unsigned k = 0; k < 2; k++)
                for (s = SSO_STREAM_CONTROL; s < SSO_STREAMS; s++) {
                    struct letter l = w->box[k].out[s].v[w->box[k].out[s].head];
                    if (!w->box[k].out[s].n)
                        continue;
                    w->box[k].out[s].head = (w->box[k].out[s].head + 1) % WIRE;
                    w->box[k].out[s].n--;
                    sso_sync_input(other(&w->box[k])->sync, s, l.p, l.n);
                    free(l.p);
                }
        }
        /* A link without lies mends all of it. */
        link_up(w);
        settle(w);
        assert_true(info(a).hot && info(b).hot && hash_of(a) == hash_of(b));
        world_free(w);
    }
}

/* --- the property ---------------------------------------------------------------------------- */

static void step(struct world *w)
{
    struct box *b = &w->box[rnd(w, 2)];
    uint64_t what = rnd(w, 1000);
    if (what < 300)
        traffic(b, 1 + (uint32_t)rnd(w, SAS - 1), 1 + rnd(w, rnd(w, 50) ? w->block : SSO_SPLIT));
    else if (what < 450)
        deliver(b, (enum sso_stream)rnd(w, SSO_STREAMS));
    else if (what < 600 && b->orders)
        obey(b);
    else if (what < 700) {
        w->t.mono_us += (usec_t)rnd(w, 200 * USEC_PER_MSEC);
        run_timers(w);
    } else if (what < 800)
        change(b, (unsigned)rnd(w, RECORDS), (uint32_t)rnd(w, 1000));
    else if (what < 830)
        (void)new_sa(b);
    else if (what < 835)
        end_sa(b, 1 + (uint32_t)rnd(w, SAS - 1));
    else if (what < 850)
        become_active(b);
    else if (what < 860)
        give_up_role(b);
    else if (what < 870)
        link_down(b);
    else if (what < 885 && !(w->box[0].linked && w->box[1].linked))
        link_up(w);
    else if (what < 888)
        crash(b);
    else if (what < 891)
        engine_dies(b);
    else if (what < 900)
        b->window = 1 + rnd(w, WIRE);
    else if (what < 930)
        settle(w);
    if (b->restart || other(b)->restart) {
        link_down(b);
        link_down(other(b));
    }
    if (w->box[0].orders > CHANNEL / 2 || w->box[1].orders > CHANNEL / 2) {
        obey_all(&w->box[0]);
        obey_all(&w->box[1]);
    }
}

static void no_number_twice(void **state)
{
    unsigned hot = 0, over = 0, replaced = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct world *w = world_new(seed, seed % 3 ? 100 : 5000);
        for (unsigned i = 0; i < 1500; i++) {
            step(w);
            compare(w);
            if (w->twice)
                fail_msg("seed %u: a number was used twice in step %u", (unsigned)seed, i);
        }
        for (unsigned i = 0; i < 2; i++) {
            hot += w->box[i].events[SSO_SYNC_HOT];
            over += w->box[i].events[SSO_SYNC_END];
            replaced += w->box[i].replaced;
        }
        world_free(w);
    }
    /* It was about something. */
    assert_true(hot > 3000 && over > 3000 && replaced > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bulk_and_live),
        cmocka_unit_test(ceilings),
        cmocka_unit_test(a_ceiling_that_comes_late),
        cmocka_unit_test(an_engine_dies),
        cmocka_unit_test(take_over_after_a_crash),
        cmocka_unit_test(the_loser_fences),
        cmocka_unit_test(the_last_numbers_come_before_the_word),
        cmocka_unit_test(numbers_wait_for_the_link),
        cmocka_unit_test(how_often_numbers_are_told),
        cmocka_unit_test(a_standby_is_lost),
        cmocka_unit_test(a_standby_leaves),
        cmocka_unit_test(a_standby_that_does_not_read),
        cmocka_unit_test(two_active_boxes),
        cmocka_unit_test(an_old_active_is_ignored),
        cmocka_unit_test(sections),
        cmocka_unit_test(a_peer_that_lies),
        cmocka_unit_test(no_number_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
