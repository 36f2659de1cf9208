/* Tracked objects. See track.h. */
#include "control/track/track.h"
#include "lib/str.h"
#include "lib/vec.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A route that an object follows may itself rest on that object. So that the two do not chase
 * each other, an object takes news of a route at most this often. */
#define ROUTE_PAUSE USEC_PER_SEC

enum state { S_NEW, S_DOWN, S_UP, S_RISING, S_FALLING, STATES };
enum event { E_DOWN, E_UP, E_TIME, EVENTS };
enum action { A_NONE, A_SET, A_ARM, A_KEEP, A_EXPIRE };

/* What may happen. What is not here changes nothing. A_ARM without a delay is followed by E_TIME
 * at once. */
static const struct step {
    enum state to;
    enum action action;
} table[STATES][EVENTS] = {
    [S_NEW] = {[E_DOWN] = {S_DOWN, A_SET}, [E_UP] = {S_UP, A_SET}},
    [S_DOWN] = {[E_UP] = {S_RISING, A_ARM}},
    [S_RISING] = {[E_DOWN] = {S_DOWN, A_KEEP}, [E_TIME] = {S_UP, A_EXPIRE}},
    [S_UP] = {[E_DOWN] = {S_FALLING, A_ARM}},
    [S_FALLING] = {[E_UP] = {S_UP, A_KEEP}, [E_TIME] = {S_DOWN, A_EXPIRE}},
};

struct object {
    struct track *t;
    const struct intent_track *cfg;
    enum state state;
    struct track_input in;
    const char *why; /* of the state */
    struct timer delay;
    usec_t since, news; /* when state and input changed last */
    uint32_t changes, sum;
    enum { RANK_NONE, RANK_OPEN, RANK_DONE } rank; /* while lists are put in order */
    bool looped, routes;
    bool stays;   /* is of the configuration that comes */
    bool changed; /* listeners are to be told */
};

struct client {
    uint32_t number;
    char name[TRACK_CLIENT];
};

struct track {
    struct timerq *timers;
    const struct clock *clock;
    struct track_host host;
    struct object **v; /* by number */
    size_t n;
    struct object **list; /* lists, each behind those that it rests on */
    size_t n_list, cap_list;
    struct client *client;
    size_t n_client, cap_client;
    struct timer again;
    struct {
        void (*changed)(void *ctx, uint32_t number, bool up);
        void *ctx;
    } listener[TRACK_LISTENERS];
    unsigned n_listener;
};

static bool is_list(const struct intent_track *t)
{
    return t->kind >= TRACK_AND;
}

static bool is_up(const struct object *o)
{
    return o->state == S_UP || o->state == S_FALLING;
}

static struct object *find(const struct track *t, uint32_t number)
{
    size_t lo = 0, hi = t->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (t->v[mid]->cfg->number == number)
            return t->v[mid];
        if (t->v[mid]->cfg->number < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* --- one object --------------------------------------------------------------------------------
 */

static void view_of(const struct object *o, struct track_view *v)
{
    usec_t left = o->delay.when - clock_mono(o->t->clock);
    *v = (struct track_view){.cfg = o->cfg,
                             .in = o->in,
                             .why = o->why,
                             .up = is_up(o),
                             .delayed = o->state == S_RISING || o->state == S_FALLING,
                             .changes = o->changes,
                             .since = o->since,
                             .looped = o->looped,
                             .sum = o->sum,
                             .routes = o->routes};
    if (v->delayed)
        v->remaining = left > 0 ? left : 0;
}

static void tell(const struct object *o, enum track_event e)
{
    struct track_view v;
    if (!o->t->host.told)
        return;
    view_of(o, &v);
    o->t->host.told(o->t->host.ctx, &v, e);
}

static void changed(struct object *o, bool first)
{
    o->changes++;
    o->since = clock_mono(o->t->clock);
    o->changed = true;
    if (!first)
        tell(o, TRACK_CHANGED);
}

static void step(struct object *o, enum event e)
{
    const struct step *s = &table[o->state][e];
    if (s->action == A_NONE)
        return;
    o->state = s->to;
    uint32_t delay = s->to == S_RISING ? o->cfg->delay_up : o->cfg->delay_down;
    switch (s->action) {
    case A_SET:
        changed(o, true);
        break;
    case A_ARM:
        if (delay && timer_set(o->t->timers, &o->delay,
                               clock_mono(o->t->clock) + (usec_t)delay * USEC_PER_SEC) == 0) {
            tell(o, TRACK_DELAYED);
        } else {
            o->state = table[o->state][E_TIME].to;
            changed(o, false);
        }
        break;
    case A_KEEP:
        timer_cancel(o->t->timers, &o->delay);
        tell(o, TRACK_KEPT);
        break;
    case A_EXPIRE:
        tell(o, TRACK_EXPIRED);
        changed(o, false);
        break;
    default:
        break;
    }
}

static void feed(struct object *o, const struct track_input *in)
{
    usec_t now = clock_mono(o->t->clock);
    if (in->state == INPUT_KEEP && o->state != S_NEW)
        return;
    bool route = o->cfg->kind == TRACK_ROUTE || o->cfg->kind == TRACK_METRIC;
    if (in->state != o->in.state && o->state != S_NEW) {
        usec_t next = o->news + ROUTE_PAUSE;
        if (route && now < next) {
            if (!timer_armed(&o->t->again) || next < o->t->again.when)
                timer_set(o->t->timers, &o->t->again, next);
            return;
        }
        o->news = now;
    }
    o->in = *in;
    bool known = in->state == INPUT_UP || in->state == INPUT_DOWN;
    bool up = known ? in->state == INPUT_UP : o->cfg->default_up;
    step(o, up ? E_UP : E_DOWN);
    if (up == is_up(o))
        o->why = in->why;
}

/* --- lists --------------------------------------------------------------------------------------
 */

/* Reads a list's members. A member that is not there is not up, and no more so when negated. */
static void evaluate(struct object *o)
{
    const struct intent_track *c = o->cfg;
    struct track_input in = {.state = INPUT_DOWN};
    uint32_t up = 0, weight = 0;
    for (uint32_t i = 0; i < c->n_member; i++) {
        const struct object *m = find(o->t, c->member[i].number);
        if (m && m->state != S_NEW && is_up(m) != c->member[i].negated) {
            up++;
            weight += c->member[i].weight;
        }
    }
    o->sum = c->kind == TRACK_WEIGHT ? weight : c->n_member ? up * 100 / c->n_member : 0;
    bool most = o->sum > c->most_down && o->in.state == INPUT_UP; /* between: as it was */
    if (o->looped)
        in.why = "loop";
    else if (c->kind == TRACK_AND  ? c->n_member && up == c->n_member
             : c->kind == TRACK_OR ? up > 0
                                   : c->least_up && c->n_member && (o->sum >= c->least_up || most))
        in.state = INPUT_UP;
    feed(o, &in);
}

/* Puts a list behind all that it rests on. False: it is among them, or one of them is so. */
static bool rank(struct track *t, struct object *o)
{
    if (!is_list(o->cfg) || o->rank == RANK_DONE)
        return !o->looped;
    if (o->rank == RANK_OPEN)
        return false;
    o->rank = RANK_OPEN;
    for (uint32_t i = 0; i < o->cfg->n_member; i++) {
        struct object *m = find(t, o->cfg->member[i].number);
        if (m && !rank(t, m))
            o->looped = true;
    }
    o->rank = RANK_DONE;
    t->list[t->n_list++] = o; /* there is room: track_configure() */
    return !o->looped;
}

static void notify(struct track *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct object *o = t->v[i];
        if (!o->changed)
            continue;
        o->changed = false;
        for (unsigned k = 0; k < t->n_listener; k++)
            t->listener[k].changed(t->listener[k].ctx, o->cfg->number, is_up(o));
    }
}

static void evaluate_lists(struct track *t)
{
    for (size_t i = 0; i < t->n_list; i++)
        evaluate(t->list[i]);
    notify(t);
}

void track_look(struct track *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct object *o = t->v[i];
        struct track_input in = {0};
        if (is_list(o->cfg))
            continue;
        t->host.look(t->host.ctx, o->cfg, &in);
        feed(o, &in);
    }
    evaluate_lists(t);
}

static void on_delay(struct timer *timer, void *owner)
{
    struct object *o = (struct object *)owner;
    (void)timer;
    step(o, E_TIME);
    o->why = o->in.why;
    evaluate_lists(o->t);
}

static void on_again(struct timer *timer, void *owner)
{
    (void)timer;
    track_look((struct track *)owner);
}

/* --- configuration ------------------------------------------------------------------------------
 */

static bool same_thing(const struct intent_track *a, const struct intent_track *b)
{
    return a->kind == b->kind && a->sla == b->sla && strcmp(a->ifname, b->ifname) == 0 &&
           prefix_cmp(&a->dst, &b->dst) == 0;
}

static struct object *object_new(struct track *t, const struct intent_track *cfg)
{
    struct object *o = (struct object *)calloc(1, sizeof(*o));
    if (!o)
        return NULL;
    o->t = t;
    o->cfg = cfg;
    timer_init(&o->delay, on_delay, o);
    return o;
}

static void object_free(struct object *o)
{
    timer_cancel(o->t->timers, &o->delay);
    free(o);
}

/* The objects to come: those that stay what they were, and new ones. */
static bool next_objects(struct track *t, const struct intent *i, struct object **v)
{
    bool ok = true;
    for (size_t k = 0; k < t->n; k++)
        t->v[k]->stays = false;
    for (uint32_t k = 0; k < i->n_track; k++) {
        struct object *old = find(t, i->track[k].number);
        v[k] = old && same_thing(old->cfg, &i->track[k]) ? old : object_new(t, &i->track[k]);
        if (v[k])
            v[k]->stays = true;
        ok = ok && v[k];
    }
    return ok;
}

static void drop_gone(struct track *t, struct object **old, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        uint32_t number = old[k]->cfg->number;
        if (old[k]->stays)
            continue;
        object_free(old[k]);
        for (unsigned l = 0; l < t->n_listener && !find(t, number); l++)
            t->listener[l].changed(t->listener[l].ctx, number, false);
    }
}

static void note_routes(struct track *t, const struct intent *i)
{
    for (uint32_t k = 0; k < i->n_route; k++) {
        struct object *o = i->route[k].track ? find(t, i->route[k].track) : NULL;
        if (o)
            o->routes = true;
    }
}

/* Without memory there are no objects: what the old ones were made from goes away. */
static int forget_all(struct track *t, const struct intent *i, struct object **v)
{
    for (uint32_t k = 0; v && k < i->n_track; k++)
        if (v[k] && v[k]->cfg == &i->track[k])
            object_free(v[k]); /* made just now */
    free(v);
    for (size_t k = 0; k < t->n; k++)
        object_free(t->v[k]);
    t->n = t->n_list = 0;
    return -ENOMEM;
}

int track_configure(struct track *t, const struct intent *i)
{
    struct object **v = (struct object **)calloc((size_t)i->n_track + 1, sizeof(*v));
    if (!v || !VEC_ROOM(t->list, t->cap_list, (size_t)i->n_track + 1) || !next_objects(t, i, v))
        return forget_all(t, i, v);
    struct object **old = t->v;
    size_t n_old = t->n;
    t->v = v;
    t->n = i->n_track;
    t->n_list = 0;
    for (size_t k = 0; k < t->n; k++) {
        v[k]->cfg = &i->track[k];
        v[k]->rank = RANK_NONE;
        v[k]->looped = v[k]->routes = false;
    }
    for (size_t k = 0; k < t->n; k++)
        rank(t, v[k]);
    note_routes(t, i);
    drop_gone(t, old, n_old);
    free(old);
    return 0;
}

struct track *track_new(struct timerq *timers, const struct clock *clock,
                        const struct track_host *host)
{
    struct track *t = (struct track *)calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->timers = timers;
    t->clock = clock;
    t->host = *host;
    timer_init(&t->again, on_again, t);
    return t;
}

void track_free(struct track *t)
{
    if (!t)
        return;
    timer_cancel(t->timers, &t->again);
    for (size_t i = 0; i < t->n; i++)
        object_free(t->v[i]);
    free(t->v);
    free(t->list);
    free(t->client);
    free(t);
}

/* --- what others see ----------------------------------------------------------------------------
 */

bool track_state(const struct track *t, uint32_t number, bool *up)
{
    const struct object *o = find(t, number);
    *up = o && is_up(o);
    return o != NULL;
}

bool track_view(const struct track *t, uint32_t number, struct track_view *v)
{
    const struct object *o = find(t, number);
    if (o)
        view_of(o, v);
    return o != NULL;
}

void track_each(const struct track *t, bool (*fn)(void *ctx, const struct track_view *v), void *ctx)
{
    struct track_view v;
    for (size_t i = 0; i < t->n; i++) {
        view_of(t->v[i], &v);
        if (!fn(ctx, &v))
            return;
    }
}

int track_listen(struct track *t, void (*fn)(void *ctx, uint32_t number, bool up), void *ctx)
{
    if (t->n_listener == TRACK_LISTENERS)
        return -ENOSPC;
    t->listener[t->n_listener].changed = fn;
    t->listener[t->n_listener++].ctx = ctx;
    return 0;
}

static struct client *client_of(const struct track *t, uint32_t number, const char *name)
{
    for (size_t i = 0; i < t->n_client; i++)
        if (t->client[i].number == number && strcmp(t->client[i].name, name) == 0)
            return &t->client[i];
    return NULL;
}

int track_follow(struct track *t, uint32_t number, const char *name)
{
    if (client_of(t, number, name))
        return 0;
    if (!VEC_ROOM(t->client, t->cap_client, t->n_client + 1))
        return -ENOMEM;
    struct client *c = &t->client[t->n_client++];
    c->number = number;
    str_copy(c->name, sizeof(c->name), name);
    return 0;
}

void track_unfollow(struct track *t, uint32_t number, const char *name)
{
    struct client *c = client_of(t, number, name);
    if (!c)
        return;
    t->n_client--;
    memmove(c, c + 1, (size_t)(t->client + t->n_client - c) * sizeof(*c));
}

void track_clients(const struct track *t, uint32_t number,
                   void (*fn)(void *ctx, const char *client), void *ctx)
{
    for (size_t i = 0; i < t->n_client; i++)
        if (t->client[i].number == number)
            fn(ctx, t->client[i].name);
}
