/*
 * Objects whose state others follow (`track N …`): static routes, HSRP groups, other objects.
 *
 * An object has an input, which is a probe's result, an interface, a route, or what a list makes
 * of its members. Its state is the input's, later by the configured delay. What may happen to an
 * object is a table in track.c, one row per legal step. Nothing here knows the world: the host
 * looks at what stands behind an object.
 *
 * The first state that an object takes counts as its first change. An object that a list cannot
 * be evaluated without because it is the list itself, through whatever others, is down.
 */
#ifndef TANDEM_CONTROL_TRACK_TRACK_H
#define TANDEM_CONTROL_TRACK_TRACK_H

#include "control/intent.h"
#include "lib/clock.h"
#include "lib/timer.h"

#define TRACK_LISTENERS 8
#define TRACK_CLIENT    96

struct track;

/* What the host sees behind an object. */
struct track_input {
    /* Unknown: default-state holds. Keep: nothing new, the state stays; a new object is as if
     * nothing were known. */
    enum { INPUT_UNKNOWN, INPUT_KEEP, INPUT_DOWN, INPUT_UP } state;
    const char *why; /* a literal for the shows: "hw admin-down", "static"; NULL = nothing to say */
    char hop[INTENT_NAME]; /* of a route: its interface */
};

enum track_event {
    TRACK_CHANGED, /* the state did */
    TRACK_DELAYED, /* a change waits for the delay */
    TRACK_KEPT,    /* … and was called off, as the input went back */
    TRACK_EXPIRED  /* … and its time is up; TRACK_CHANGED follows */
};

struct track_view;
struct track_host {
    void (*look)(void *ctx, const struct intent_track *t, struct track_input *in);
    /* For messages and debugging; v->up is the new state of a change. May be NULL. */
    void (*told)(void *ctx, const struct track_view *v, enum track_event e);
    void *ctx;
};

/* NULL without memory. */
struct track *track_new(struct timerq *timers, const struct clock *clock,
                        const struct track_host *host);
void track_free(struct track *t);

/* Takes the objects of the intent, and which of them its static routes follow. Those that stay as
 * they were keep state and counters; new ones are down until track_look(). The intent must stay
 * until the next call has returned. 0 or -ENOMEM (then there are no objects). */
int track_configure(struct track *t, const struct intent *i);
/* Looks at everything that objects rest on. Cheap where nothing changed. Not from a listener. */
void track_look(struct track *t);

/* False: no such object. */
bool track_state(const struct track *t, uint32_t number, bool *up);

/* changed() is told of every object that took another state, or its first one, and of those that
 * went away (up = false). It is called from track_look(), track_configure() or a timer, when all
 * objects have their new states, and may ask for them. 0, or -ENOSPC after TRACK_LISTENERS. */
int track_listen(struct track *t, void (*changed)(void *ctx, uint32_t number, bool up), void *ctx);

/* Who follows an object, as "Tracked by" names it: "HSRP FastEthernet1/0 10". The object need not
 * exist. Static routes and lists need not be named. Following twice is following once. */
int track_follow(struct track *t, uint32_t number, const char *client); /* 0 or -ENOMEM */
void track_unfollow(struct track *t, uint32_t number, const char *client);

/* An object as the shows see it. */
struct track_view {
    const struct intent_track *cfg;
    struct track_input in;
    const char *why; /* of the state, as in.why is of the input */
    bool up;
    bool delayed;     /* a change is under way … */
    usec_t remaining; /* … and comes after this time */
    uint32_t changes;
    usec_t since; /* monotonic; the last change */
    bool looped;  /* a list that is a member of itself */
    uint32_t sum; /* of a threshold: the weights that are up, or percent */
    bool routes;  /* static routes follow it */
};
bool track_view(const struct track *t, uint32_t number, struct track_view *v);
/* By number, while fn returns true. */
void track_each(const struct track *t, bool (*fn)(void *ctx, const struct track_view *v),
                void *ctx);
void track_clients(const struct track *t, uint32_t number,
                   void (*fn)(void *ctx, const char *client), void *ctx);

#endif
