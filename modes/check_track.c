/*
 * Checks of tracked objects. See check_system.c for what a check may do.
 */
#include "modes/derive.h"
#include "modes/internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_DEPTH 1000 /* as many objects as there can be */

/* ASA: an object stays while a route follows it. */
int track_check(struct txn *t, struct cfg_node *n, const struct a_track *a, bool negate)
{
    (void)a;
    if (!negate)
        return 0;
    uint64_t id = CFG_ARGS(n, track)->id;
    cfg_each(t->tree->root, E_ROUTE, r)
    {
        const struct a_route *route = CFG_ARGS(r, route);
        if (route->has_track && route->track == id)
            return txn_refuse(t, "ERROR: Removing track %u not allowed, it is being used.",
                              (unsigned)id);
    }
    return 0;
}

static bool has_thing(const struct a_ios_track *a)
{
    return a->has_ifname || a->has_sla || a->has_dst || a->has_net || a->all || a->any ||
           a->weight || a->percent;
}

static bool same_words(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_thing(const struct a_ios_track *a, const struct a_ios_track *b)
{
    return same_words(a->ifname, b->ifname) && a->sla == b->sla && addr_eq(&a->dst, &b->dst) &&
           addr_eq(&a->mask, &b->mask) && a->line == b->line && a->routing == b->routing &&
           a->reach == b->reach && a->present == b->present && a->metric == b->metric &&
           a->all == b->all && a->any == b->any && a->weight == b->weight &&
           a->percent == b->percent;
}

/* "10.0.0.0/8" */
static bool read_net(const char *text, struct addr *dst, struct addr *mask)
{
    char buf[24], *slash, *end;
    if (!str_copy(buf, sizeof buf, text) || !(slash = strchr(buf, '/')))
        return false;
    *slash++ = '\0';
    unsigned long len = strtoul(slash, &end, 10);
    if (addr_parse(buf, dst) < 0 || dst->family != AF_INET || *end || end == slash || len > 32)
        return false;
    *mask = addr_len_to_mask(AF_INET, (unsigned)len);
    return true;
}

static bool is_network(const struct a_ios_track *a)
{
    int len = addr_mask_to_len(&a->mask);
    struct prefix p = prefix_make(&a->dst, len < 0 ? 0 : (unsigned)len);
    return len >= 0 && addr_eq(&p.addr, &a->dst);
}

int ios_track_check(struct txn *t, struct cfg_node *n, const struct a_ios_track *a, bool negate)
{
    const struct a_ios_track *was = (const struct a_ios_track *)txn_before(t, E_IOS_TRACK, 0);
    struct a_ios_track plain = *a;
    if (negate)
        return 0;
    if (!has_thing(a)) /* its number alone */
        return txn_refuse(t, "%% Incomplete command.");
    if (a->has_net) {
        if (!read_net(a->net, &plain.dst, &plain.mask))
            return txn_refuse(t, "%%Invalid prefix");
        plain.has_net = false;
        plain.net = NULL;
        plain.has_dst = plain.has_mask = true;
    }
    if (plain.has_dst && !is_network(&plain))
        return txn_refuse(t, "%%Inconsistent address and mask");
    if (was && !txn_created(t, n) && !same_thing(was, &plain))
        return txn_refuse(t, "Cannot change tracked object %u - delete old config first",
                          (unsigned)a->id);
    return !a->has_net || txn_set(t, n->parent, E_IOS_TRACK, &plain) ? 0 : -1;
}

/* --- lists --------------------------------------------------------------------------------------
 */

static const struct cfg_node *object_of(const struct cfg_tree *tree, uint64_t id)
{
    cfg_each(tree->root, E_IOS_TRACK, n)
    {
        if (CFG_ARGS(n, ios_track)->id == id)
            return n;
    }
    return NULL;
}

/* Does `list` rest on `id`, by itself or through other lists? The tree held no circle before. */
static bool rests_on(const struct cfg_tree *tree, const struct cfg_node *list, uint64_t id,
                     unsigned depth)
{
    if (CFG_ARGS(list, ios_track)->id == id || !depth)
        return true;
    cfg_each(list, E_TRACK_OBJECT, m)
    {
        const struct cfg_node *o = object_of(tree, CFG_ARGS(m, track_object)->object);
        if (o && rests_on(tree, o, id, depth - 1))
            return true;
    }
    return false;
}

int track_object_check(struct txn *t, struct cfg_node *n, const struct a_track_object *a,
                       bool negate)
{
    const struct a_ios_track *list = CFG_ARGS(n->parent, ios_track);
    unsigned id = (unsigned)list->id, member = (unsigned)a->object;
    if (negate)
        return 0;
    if (!list->all && !list->any && !list->weight && !list->percent)
        return txn_refuse(t, "%% Tracked object %u is not a list", id);
    if (a->turned && !list->all && !list->any)
        return txn_refuse(t, "%% \"not\" is for boolean lists");
    if (a->has_share && !list->weight)
        return txn_refuse(t, "%% \"weight\" is for lists with a weight threshold");
    const struct cfg_node *o = object_of(t->tree, a->object);
    if (member == id)
        return txn_refuse(t, "%% Tracked object %u cannot be a member of itself", id);
    if (o && rests_on(t->tree, o, list->id, LIST_DEPTH))
        return txn_refuse(t, "%% Tracked object %u rests on object %u: it cannot be a member",
                          member, id);
    return 0;
}

/* --- two values that may be typed on a line each ------------------------------------------------
 */

/* Fills in what the line leaves out and the one before it said. */
#define KEEP(was, a, name)                                                                         \
    do {                                                                                           \
        if (!(a)->has_##name && (was) && (was)->has_##name) {                                      \
            (a)->has_##name = true;                                                                \
            (a)->name = (was)->name;                                                               \
        }                                                                                          \
    } while (0)

static int kind_refused(struct txn *t, const struct cfg_node *n, bool fits, const char *what)
{
    return fits ? 0
                : txn_refuse(t, "%% Tracked object %u has no threshold of %s",
                             (unsigned)CFG_ARGS(n->parent, ios_track)->id, what);
}

static int in_order(struct txn *t, bool both, bool ok)
{
    return !both || ok ? 0 : txn_refuse(t, "%% The thresholds of up and down overlap");
}

int track_weight_check(struct txn *t, struct cfg_node *n, const struct a_track_weight *a,
                       bool negate)
{
    const struct a_track_weight *was =
        (const struct a_track_weight *)txn_before(t, E_TRACK_WEIGHT, 0);
    struct a_track_weight now = *a;
    if (negate)
        return 0;
    KEEP(was, &now, most);
    KEEP(was, &now, least);
    if (kind_refused(t, n, CFG_ARGS(n->parent, ios_track)->weight, "weight") < 0 ||
        in_order(t, now.has_most && now.has_least, now.most > now.least) < 0)
        return -1;
    return txn_set(t, n->parent, E_TRACK_WEIGHT, &now) ? 0 : -1;
}

int track_percent_check(struct txn *t, struct cfg_node *n, const struct a_track_percent *a,
                        bool negate)
{
    const struct a_track_percent *was =
        (const struct a_track_percent *)txn_before(t, E_TRACK_PERCENT, 0);
    struct a_track_percent now = *a;
    if (negate)
        return 0;
    KEEP(was, &now, most);
    KEEP(was, &now, least);
    if (kind_refused(t, n, CFG_ARGS(n->parent, ios_track)->percent, "percentage") < 0 ||
        in_order(t, now.has_most && now.has_least, now.most > now.least) < 0)
        return -1;
    return txn_set(t, n->parent, E_TRACK_PERCENT, &now) ? 0 : -1;
}

int track_metric_check(struct txn *t, struct cfg_node *n, const struct a_track_metric *a,
                       bool negate)
{
    const struct a_track_metric *was =
        (const struct a_track_metric *)txn_before(t, E_TRACK_METRIC, 0);
    struct a_track_metric now = *a;
    if (negate)
        return 0;
    KEEP(was, &now, upto);
    KEEP(was, &now, beyond);
    if (kind_refused(t, n, CFG_ARGS(n->parent, ios_track)->metric, "metric") < 0 ||
        in_order(t, now.has_upto && now.has_beyond, now.upto < now.beyond) < 0)
        return -1;
    return txn_set(t, n->parent, E_TRACK_METRIC, &now) ? 0 : -1;
}

/* A delay of 0 is none and is not printed. */
int track_delay_check(struct txn *t, struct cfg_node *n, const struct a_track_delay *a, bool negate)
{
    const struct a_track_delay *was = (const struct a_track_delay *)txn_before(t, E_TRACK_DELAY, 0);
    struct a_track_delay now = *a;
    if (negate)
        return 0;
    KEEP(was, &now, rise);
    KEEP(was, &now, fall);
    now.has_rise = now.has_rise && now.rise;
    now.has_fall = now.has_fall && now.fall;
    if (!now.has_rise && !now.has_fall)
        return txn_remove(t, n);
    return txn_set(t, n->parent, E_TRACK_DELAY, &now) ? 0 : -1;
}
