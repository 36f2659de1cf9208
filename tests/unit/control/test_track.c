/* Tracked objects: the steps of one, delays, lists, lists in circles, who is told, who follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/track/track.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OBJECTS 64

struct stage {
    struct manual_time time;
    struct clock clock;
    struct timerq timers;
    struct track *t;
    struct intent_track cfg[OBJECTS];
    struct intent_member member[OBJECTS][4];
    struct intent_route route;
    struct intent i;
    struct track_input in[OBJECTS + 1]; /* by number */
    char told[1024], log[1024];         /* "1+ 2- " by listeners; by the host */
    unsigned looks;
};

static void look(void *ctx, const struct intent_track *t, struct track_input *in)
{
    struct stage *s = (struct stage *)ctx;
    s->looks++;
    *in = s->in[t->number];
}

static void host_told(void *ctx, const struct track_view *v, enum track_event e)
{
    static const char *const name[] = {"changed", "delayed", "kept", "expired"};
    struct stage *s = (struct stage *)ctx;
    size_t n = strlen(s->log);
    snprintf(s->log + n, sizeof(s->log) - n, "%u %s %s; ", v->cfg->number, name[e],
             v->up ? "up" : "down");
}

static void listener(void *ctx, uint32_t number, bool up)
{
    struct stage *s = (struct stage *)ctx;
    size_t n = strlen(s->told);
    snprintf(s->told + n, sizeof(s->told) - n, "%u%c ", number, up ? '+' : '-');
}

static int stage_up(void **state)
{
    static struct stage stage;
    struct stage *s = &stage;
    memset(s, 0, sizeof(*s));
    const struct track_host host = {.look = look, .told = host_told, .ctx = s};
    s->time.mono_us = 5000 * USEC_PER_SEC;
    s->clock = clock_manual(&s->time);
    s->t = track_new(&s->timers, &s->clock, &host);
    s->i.track = s->cfg;
    s->i.route = &s->route;
    assert_non_null(s->t);
    assert_int_equal(track_listen(s->t, listener, s), 0);
    *state = s;
    return 0;
}

static int stage_down(void **state)
{
    struct stage *s = (struct stage *)*state;
    track_free(s->t);
    timerq_free(&s->timers);
    return 0;
}

static struct intent_track *object(struct stage *s, uint32_t number, enum intent_track_kind kind)
{
    struct intent_track *t = &s->cfg[s->i.n_track];
    *t = (struct intent_track){.number = number, .kind = kind, .member = s->member[s->i.n_track++]};
    return t;
}

static void member(struct intent_track *t, uint32_t number, bool negated, uint32_t weight)
{
    t->member[t->n_member++] =
        (struct intent_member){.number = number, .negated = negated, .weight = weight};
}

static void begin(struct stage *s)
{
    assert_int_equal(track_configure(s->t, &s->i), 0);
    track_look(s->t);
}

static void input(struct stage *s, uint32_t number, bool up)
{
    s->in[number].state = up ? INPUT_UP : INPUT_DOWN;
    track_look(s->t);
}

static void wait_ms(struct stage *s, unsigned ms)
{
    s->time.mono_us += ms * USEC_PER_MSEC;
    timerq_run(&s->timers, s->time.mono_us, 1000);
}

static bool up(const struct stage *s, uint32_t number)
{
    bool is;
    assert_true(track_state(s->t, number, &is));
    return is;
}

static struct track_view view(const struct stage *s, uint32_t number)
{
    struct track_view v;
    assert_true(track_view(s->t, number, &v));
    return v;
}

#define SAYS(buffer, text)                                                                         \
    do {                                                                                           \
        assert_string_equal(buffer, text);                                                         \
        (buffer)[0] = '\0';                                                                        \
    } while (0)

/* The first state counts as a change and is no message: seed 000 is up at 12 and down at 13. */
static void one_object(void **state)
{
    struct stage *s = (struct stage *)*state;
    bool is = true;
    object(s, 1, TRACK_SLA_REACH);
    assert_false(track_state(s->t, 1, &is));
    assert_false(is);
    begin(s);
    assert_false(up(s, 1)); /* nothing known of the probe yet */
    assert_int_equal(view(s, 1).changes, 1);
    SAYS(s->told, "1- ");
    SAYS(s->log, "");
    wait_ms(s, 7000);
    input(s, 1, true);
    assert_true(up(s, 1));
    assert_int_equal(view(s, 1).changes, 2);
    assert_int_equal(view(s, 1).since, s->time.mono_us);
    SAYS(s->told, "1+ ");
    SAYS(s->log, "1 changed up; ");
    track_look(s->t); /* the same again is nothing */
    SAYS(s->told, "");
    for (int n = 3; n <= 13; n++)
        input(s, 1, n % 2 == 0);
    assert_int_equal(view(s, 1).changes, 13);
    assert_false(up(s, 1));
}

static void default_state(void **state)
{
    struct stage *s = (struct stage *)*state;
    object(s, 1, TRACK_SLA_STATE)->default_up = true;
    begin(s);
    assert_true(up(s, 1));
    input(s, 1, false);
    assert_false(up(s, 1));
}

/* A probe that begins anew says nothing: the state stays. */
static void what_says_nothing(void **state)
{
    struct stage *s = (struct stage *)*state;
    object(s, 1, TRACK_SLA_REACH);
    s->in[1].state = INPUT_KEEP;
    begin(s);
    assert_false(up(s, 1));
    input(s, 1, true);
    s->in[1].state = INPUT_KEEP;
    track_look(s->t);
    assert_true(up(s, 1));
    s->in[1].state = INPUT_UNKNOWN;
    track_look(s->t);
    assert_false(up(s, 1));
}

static void delays(void **state)
{
    struct stage *s = (struct stage *)*state;
    struct intent_track *t = object(s, 1, TRACK_LINE);
    t->delay_up = 20;
    t->delay_down = 5;
    s->in[1].state = INPUT_UP;
    begin(s); /* the first state does not wait */
    assert_true(up(s, 1));
    input(s, 1, false);
    assert_true(up(s, 1));
    assert_true(view(s, 1).delayed);
    SAYS(s->log, "1 delayed up; ");
    wait_ms(s, 4000);
    assert_int_equal(view(s, 1).remaining, USEC_PER_SEC);
    input(s, 1, true); /* went back in time */
    SAYS(s->log, "1 kept up; ");
    wait_ms(s, 60000);
    assert_int_equal(view(s, 1).changes, 1);
    input(s, 1, false);
    wait_ms(s, 4999);
    assert_true(up(s, 1));
    wait_ms(s, 1);
    assert_false(up(s, 1));
    SAYS(s->log, "1 delayed up; 1 expired down; 1 changed down; ");
    SAYS(s->told, "1+ 1- ");
    input(s, 1, true);
    wait_ms(s, 19999);
    assert_false(up(s, 1));
    wait_ms(s, 1);
    assert_true(up(s, 1));
    assert_int_equal(view(s, 1).changes, 3);
}

static void boolean_lists(void **state)
{
    struct stage *s = (struct stage *)*state;
    object(s, 1, TRACK_LINE);
    object(s, 2, TRACK_LINE);
    struct intent_track *all = object(s, 3, TRACK_AND), *any = object(s, 4, TRACK_OR);
    struct intent_track *none = object(s, 5, TRACK_AND);
    member(all, 1, false, 0);
    member(all, 2, false, 0);
    member(any, 1, false, 0);
    member(any, 2, true, 0);
    object(s, 6, TRACK_AND);  /* empty */
    member(none, 9, true, 0); /* what is not there is not down either */
    s->in[1].state = s->in[2].state = INPUT_UP;
    begin(s);
    assert_true(up(s, 3));
    assert_true(up(s, 4));
    assert_false(up(s, 5));
    assert_false(up(s, 6));
    s->told[0] = '\0';
    input(s, 1, false);
    assert_false(up(s, 3));
    assert_false(up(s, 4));
    SAYS(s->told, "1- 3- 4- ");
    input(s, 2, false);
    assert_true(up(s, 4));
}

static void thresholds(void **state)
{
    struct stage *s = (struct stage *)*state;
    for (uint32_t n = 1; n <= 4; n++)
        object(s, n, TRACK_LINE);
    struct intent_track *w = object(s, 10, TRACK_WEIGHT), *p = object(s, 11, TRACK_PERCENT);
    struct intent_track *unset = object(s, 12, TRACK_PERCENT);
    w->least_up = 30;
    w->most_down = 10;
    member(w, 1, false, 20);
    member(w, 2, false, 15);
    p->least_up = 75;
    p->most_down = 25;
    for (uint32_t n = 1; n <= 4; n++)
        member(p, n, false, 0);
    member(unset, 1, false, 0);
    begin(s);
    assert_false(up(s, 10));
    input(s, 1, true);
    assert_int_equal(view(s, 10).sum, 20);
    assert_false(up(s, 10)); /* between the two: as it was */
    assert_false(up(s, 12)); /* no threshold is never reached */
    input(s, 2, true);
    assert_true(up(s, 10));
    input(s, 1, false);
    assert_true(up(s, 10)); /* 15 is between */
    input(s, 2, false);
    assert_false(up(s, 10));
    for (uint32_t n = 1; n <= 3; n++)
        input(s, n, true);
    assert_int_equal(view(s, 11).sum, 75);
    assert_true(up(s, 11));
    input(s, 1, false);
    assert_true(up(s, 11));
    input(s, 2, false);
    assert_false(up(s, 11));
}

/* Lists of lists are evaluated behind their members, whatever their numbers. */
static void lists_of_lists(void **state)
{
    struct stage *s = (struct stage *)*state;
    struct intent_track *t = NULL;
    for (uint32_t n = 1; n < OBJECTS; n++) {
        t = object(s, n, TRACK_AND);
        member(t, n + 1, false, 0);
    }
    object(s, OBJECTS, TRACK_LINE);
    begin(s);
    s->told[0] = s->log[0] = '\0';
    input(s, OBJECTS, true);
    for (uint32_t n = 1; n <= OBJECTS; n++)
        assert_true(up(s, n) && view(s, n).changes == 2);
}

static void circles(void **state)
{
    struct stage *s = (struct stage *)*state;
    struct intent_track *self = object(s, 1, TRACK_OR), *a = object(s, 2, TRACK_OR);
    struct intent_track *b = object(s, 3, TRACK_OR), *c = object(s, 4, TRACK_OR);
    struct intent_track *on = object(s, 5, TRACK_OR), *fine = object(s, 6, TRACK_OR);
    object(s, 9, TRACK_LINE);
    member(self, 1, false, 0);
    member(a, 3, false, 0);
    member(b, 4, true, 0);
    member(c, 2, false, 0);
    member(c, 9, false, 0);
    member(on, 4, true, 0); /* rests on a circle, is in none */
    member(fine, 9, false, 0);
    s->in[9].state = INPUT_UP;
    begin(s);
    for (uint32_t n = 1; n <= 5; n++) {
        assert_true(view(s, n).looped);
        assert_string_equal(view(s, n).in.why, "loop");
        assert_false(up(s, n));
    }
    assert_false(view(s, 6).looped);
    assert_true(up(s, 6));
    c->n_member = 0; /* the circle is cut */
    begin(s);
    assert_false(view(s, 2).looped);
    assert_true(up(s, 3));
    assert_true(up(s, 2));
    assert_true(view(s, 1).looped);
}

/* `object N not` of a route that follows the list: each news would cause the next one. */
static void a_route_is_looked_at_once_a_second(void **state)
{
    struct stage *s = (struct stage *)*state;
    object(s, 1, TRACK_ROUTE);
    begin(s);
    wait_ms(s, 1500);
    for (int i = 0; i < 1000; i++) /* as fast as rounds can be */
        input(s, 1, !up(s, 1));
    assert_int_equal(view(s, 1).changes, 2);
    assert_true(up(s, 1));
    s->in[1].state = INPUT_DOWN;
    wait_ms(s, 999);
    assert_true(up(s, 1));
    wait_ms(s, 1); /* it looks by itself */
    assert_false(up(s, 1));
    assert_int_equal(view(s, 1).changes, 3);
}

static void another_configuration(void **state)
{
    struct stage *s = (struct stage *)*state;
    struct intent_track now[3];
    struct intent i = {.track = now, .route = &s->route, .n_route = 1};
    struct intent_track *t = object(s, 1, TRACK_LINE);
    object(s, 2, TRACK_LINE);
    object(s, 3, TRACK_LINE);
    strcpy(t->ifname, "GigabitEthernet0/0");
    s->in[1].state = s->in[2].state = s->in[3].state = INPUT_UP;
    begin(s);
    input(s, 1, false);
    s->told[0] = '\0';
    now[0] = s->cfg[0]; /* keeps its counters: only the delay is another one */
    now[0].delay_up = 3;
    now[1] = s->cfg[2]; /* another interface: a new object */
    strcpy(now[1].ifname, "GigabitEthernet0/1");
    i.n_track = 2;
    s->route.track = 3;
    assert_int_equal(track_configure(s->t, &i), 0);
    SAYS(s->told, "2- "); /* gone */
    track_look(s->t);
    SAYS(s->told, "3+ ");
    assert_int_equal(view(s, 1).changes, 2);
    assert_int_equal(view(s, 3).changes, 1);
    assert_false(view(s, 1).routes);
    assert_true(view(s, 3).routes);
    bool is;
    assert_false(track_state(s->t, 2, &is));
    input(s, 1, true);
    assert_true(view(s, 1).delayed);
    i.n_track = 0; /* its timer goes with it */
    assert_int_equal(track_configure(s->t, &i), 0);
    wait_ms(s, 10000);
    SAYS(s->told, "1- 3- ");
}

#define CLIENTS 200 /* characters */

static void add_client(void *ctx, const char *client)
{
    char *text = (char *)ctx;
    size_t n = strlen(text);
    (void)snprintf(text + n, CLIENTS - n, "%s; ", client);
}

static void followers(void **state)
{
    struct stage *s = (struct stage *)*state;
    char text[CLIENTS] = "";
    assert_int_equal(track_follow(s->t, 1, "HSRP FastEthernet1/0 10"), 0);
    assert_int_equal(track_follow(s->t, 2, "HSRP FastEthernet1/0 10"), 0);
    assert_int_equal(track_follow(s->t, 1, "HSRP FastEthernet1/0 11"), 0);
    assert_int_equal(track_follow(s->t, 1, "HSRP FastEthernet1/0 10"), 0);
    track_clients(s->t, 1, add_client, text);
    SAYS(text, "HSRP FastEthernet1/0 10; HSRP FastEthernet1/0 11; ");
    track_unfollow(s->t, 1, "HSRP FastEthernet1/0 10");
    track_unfollow(s->t, 7, "nobody");
    track_clients(s->t, 1, add_client, text);
    track_clients(s->t, 2, add_client, text);
    SAYS(text, "HSRP FastEthernet1/0 11; HSRP FastEthernet1/0 10; ");
    for (unsigned i = 1; i < TRACK_LISTENERS; i++)
        assert_int_equal(track_listen(s->t, listener, s), 0);
    assert_int_equal(track_listen(s->t, listener, s), -ENOSPC);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, stage_up, stage_down)
    const struct CMUnitTest tests[] = {
        T(one_object),
        T(default_state),
        T(what_says_nothing),
        T(delays),
        T(boolean_lists),
        T(thresholds),
        T(lists_of_lists),
        T(circles),
        T(a_route_is_looked_at_once_a_second),
        T(another_configuration),
        T(followers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
