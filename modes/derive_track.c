/* From the tree to the intent: tracked objects (control/track/track.h). */
#include "lib/str.h"
#include "modes/derive.h"

static enum intent_track_kind kind_of(const struct a_ios_track *a)
{
    if (a->has_ifname)
        return a->line ? TRACK_LINE : TRACK_IP_ROUTING;
    if (a->has_sla)
        return a->reach ? TRACK_SLA_REACH : TRACK_SLA_STATE;
    if (a->has_dst)
        return a->present ? TRACK_ROUTE : TRACK_METRIC;
    if (a->all || a->any)
        return a->all ? TRACK_AND : TRACK_OR;
    return a->weight ? TRACK_WEIGHT : TRACK_PERCENT;
}

static void members(struct derive *d, const struct cfg_node *n, struct intent_track *t)
{
    t->member = arena_array(&d->out->arena, struct intent_member, cfg_count(n, E_TRACK_OBJECT) + 1);
    if (!t->member)
        return;
    cfg_each(n, E_TRACK_OBJECT, m)
    {
        const struct a_track_object *a = CFG_ARGS(m, track_object);
        t->member[t->n_member++] =
            (struct intent_member){.number = (uint32_t)a->object,
                                   .negated = a->turned,
                                   .weight = a->has_share ? (uint32_t)a->share : 10};
    }
}

/* A metric is too high from 255 on, which no route has. */
static void thresholds(const struct cfg_node *n, struct intent_track *t)
{
    const struct cfg_node *w = cfg_first(n, E_TRACK_WEIGHT), *p = cfg_first(n, E_TRACK_PERCENT);
    const struct cfg_node *m = cfg_first(n, E_TRACK_METRIC);
    if (t->kind == TRACK_WEIGHT && w) {
        t->least_up = (uint32_t)CFG_ARGS(w, track_weight)->most;
        t->most_down = (uint32_t)CFG_ARGS(w, track_weight)->least;
    } else if (t->kind == TRACK_PERCENT && p) {
        t->least_up = (uint32_t)CFG_ARGS(p, track_percent)->most;
        t->most_down = (uint32_t)CFG_ARGS(p, track_percent)->least;
    } else if (t->kind == TRACK_METRIC) {
        const struct a_track_metric *a = m ? CFG_ARGS(m, track_metric) : NULL;
        t->least_up = a && a->has_upto ? (uint32_t)a->upto : 254;
        t->most_down = a && a->has_beyond ? (uint32_t)a->beyond : 255;
    }
}

static void ios_track(struct derive *d, const struct cfg_node *n, struct intent_track *t)
{
    const struct a_ios_track *a = CFG_ARGS(n, ios_track);
    const struct cfg_node *l;
    t->number = (uint32_t)a->id;
    t->kind = kind_of(a);
    t->sla = (uint32_t)a->sla;
    if (a->has_ifname)
        str_copy(t->ifname, sizeof t->ifname, a->ifname);
    int len = a->has_mask ? addr_mask_to_len(&a->mask) : 0;
    if (a->has_dst)
        t->dst = prefix_make(&a->dst, len < 0 ? 0 : (unsigned)len);
    if ((l = cfg_first(n, E_TRACK_DELAY))) {
        t->delay_up = (uint32_t)CFG_ARGS(l, track_delay)->rise;
        t->delay_down = (uint32_t)CFG_ARGS(l, track_delay)->fall;
    }
    if ((l = cfg_first(n, E_TRACK_DEFAULT)))
        t->default_up = CFG_ARGS(l, track_default)->rises;
    members(d, n, t);
    thresholds(n, t);
}

void derive_track(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    size_t n = cfg_count(root, E_TRACK) + cfg_count(root, E_IOS_TRACK);
    out->track = n ? arena_array(&out->arena, struct intent_track, n) : NULL;
    if (!out->track)
        return;
    cfg_each(root, E_TRACK, t)
    {
        const struct a_track *a = CFG_ARGS(t, track);
        out->track[out->n_track++] = (struct intent_track){.number = (uint32_t)a->id,
                                                           .kind = TRACK_SLA_REACH,
                                                           .sla = (uint32_t)a->sla};
    }
    cfg_each(root, E_IOS_TRACK, t) ios_track(d, t, &out->track[out->n_track++]);
}
