/*
 * Comparing what the kernel's routing must hold with what stands there under our tag: differences
 * become requests.
 *
 * Additions go out before removals, so that a change of a route leaves no moment without one: in
 * the crypto table such a moment would let a packet out in clear. For the same reason, where `main`
 * changes, the crypto table protects by the old routes and by the new ones until it has.
 */
#include "control/route/fib.h"
#include "control/priv.h"
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

static int by_place(const void *x, const void *y)
{
    return world_route_cmp((const struct lr_route *)x, (const struct lr_route *)y);
}

static bool has_way(const struct lr_route *r, uint32_t oif, const struct addr *gw)
{
    bool has = r->oif == oif && addr_eq(&r->gw, gw);
    for (unsigned i = 0; !has && i < r->n_more; i++)
        has = r->more[i].oif == oif && addr_eq(&r->more[i].gw, gw);
    return has;
}

/* The same ways, in any order. */
static bool same_ways(const struct lr_route *a, const struct lr_route *b)
{
    bool same = a->n_more == b->n_more && has_way(b, a->oif, &a->gw);
    for (unsigned i = 0; same && i < a->n_more; i++)
        same = has_way(b, a->more[i].oif, &a->more[i].gw);
    return same;
}

static bool same(const struct lr_route *want, const struct lr_route *have)
{
    if (want->type != have->type)
        return false;
    return want->type != RT_UNICAST || (same_ways(want, have) && addr_eq(&want->src, &have->src));
}

static void ask(struct control *c, const struct lr_route *from, bool on)
{
    /* Field by field: the request is compared as bytes, so padding must be zero. */
    struct lr_route r;
    memset(&r, 0, sizeof(r));
    r.add = on;
    r.type = from->type;
    r.table = from->table;
    r.oif = from->oif;
    r.metric = from->metric;
    r.dst = from->dst;
    r.gw = from->gw;
    r.src = from->src;
    r.n_more = from->n_more;
    for (unsigned i = 0; i < from->n_more; i++) {
        r.more[i].oif = from->more[i].oif;
        r.more[i].gw = from->more[i].gw;
    }
    const struct launch_op *op = launch_want(&c->launch, LR_ROUTE, &r, sizeof(r));
    for (size_t i = 0; on && op && op->fails && i < c->ports.n; i++) {
        const struct world_link *l = ports_link(c->ports.v[i], &c->world);
        const struct shadow *s = &c->shadow[c->ports.v[i]->ifid];
        if (l &&
            (l->ifindex == r.oif || (r.oif && (s->out.ifindex == r.oif || s->in.ifindex == r.oif))))
            ports_trouble(c->ports.v[i], "route", op);
    }
}

/* A packet leaves in clear where the crypto table has a hole (`throw`) for it, by the interface
 * that `main` names. The table that fits one state of `main` may have a hole that lets packets out
 * unprotected in another, so while `main` changes only what is a hole before and after may be one:
 * walls first, which closes the old holes; then `main`; then the new holes. */
enum { WALLS = 1, MAIN = 2, HOLES = 4 };

static unsigned stage_of(const struct lr_route *r, bool on)
{
    if (r->table == RT_TABLE_MAIN)
        return MAIN;
    return (r->type == RT_THROW) == on ? HOLES : WALLS;
}

/* What is different: `on` is wanted and not there, or there in another form. */
struct difference {
    const struct lr_route *r;
    unsigned stage;
    bool on;
};

struct differences {
    struct difference *v;
    size_t n, cap;
    unsigned stages; /* all of them */
    bool bad;
};

static void note(struct differences *d, const struct lr_route *r, bool on)
{
    if (!VEC_ROOM(d->v, d->cap, d->n + 1)) {
        d->bad = true;
        return;
    }
    unsigned stage = stage_of(r, on);
    d->v[d->n++] = (struct difference){.r = r, .stage = stage, .on = on};
    d->stages |= stage;
}

/* One pass over what is wanted and what is there, both sorted. */
static void find_differences(const struct control *c, const struct fib_wanted *w,
                             struct differences *d)
{
    const struct world_route *have = c->world.route;
    size_t n_have = have ? c->world.n_route : 0;
    for (size_t i = 0, k = 0; i < w->n || k < n_have;) {
        int cmp = i == w->n ? 1 : k == n_have ? -1 : world_route_cmp(&w->v[i], &have[k].r);
        if (cmp < 0 || (cmp == 0 && !same(&w->v[i], &have[k].r)))
            note(d, &w->v[i], true);
        else if (cmp > 0 && !w->bad)
            note(d, &have[k].r, false);
        i += cmp <= 0;
        k += cmp >= 0;
    }
}

/* Wanted ones from the narrowest, then what goes. */
static void ask_for(struct control *c, const struct differences *d, unsigned stages)
{
    for (size_t i = d->n; i-- > 0;)
        if (d->v[i].on && (d->v[i].stage & stages))
            ask(c, d->v[i].r, true);
    for (size_t i = 0; i < d->n; i++)
        if (!d->v[i].on && (d->v[i].stage & stages))
            ask(c, d->v[i].r, false);
}

void fib_compare(struct control *c, const struct fib_wanted *w)
{
    struct differences d = {0};
    for (size_t i = 1; i < w->n; i++)
        if (by_place(&w->v[i - 1], &w->v[i]) > 0) {
            qsort(w->v, w->n, sizeof(*w->v), by_place);
            break;
        }
    find_differences(c, w, &d);
    /* Where `main` stays as it is all holes are true now: from the narrowest, so that no wall
     * stands without those that are in it. */
    if (d.bad) {
        log_line(c->o.log, LOGL_ERROR, "route", "out of memory: the kernel's routes stay");
    } else if (d.stages & MAIN) {
        ask_for(c, &d, WALLS);
        ask_for(c, &d, MAIN);
        ask_for(c, &d, HOLES);
    } else {
        ask_for(c, &d, WALLS | HOLES);
    }
    free(d.v);
}
