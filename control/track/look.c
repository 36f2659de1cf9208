/*
 * What stands behind tracked objects here, and what is told of their changes.
 *
 * IOS tells of each change (%TRACKING-5-STATE), the ASA of the static routes that come or go with
 * an object (622001).
 */
#include "control/track/look.h"
#include "control/priv.h"
#include "lib/str.h"
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

/* --- looking -------------------------------------------------------------------------------------
 */

static void look_sla(const struct control *c, const struct intent_track *t, struct track_input *in)
{
    struct sla_view v;
    if (!sla_view(c->sla, t->sla, &v))
        return;
    if (v.code == SLA_NONE) { /* it begins, or begins anew */
        in->state = v.state == SLA_INACTIVE ? INPUT_UNKNOWN : INPUT_KEEP;
        return;
    }
    bool ok = v.code == SLA_OK || (t->kind == TRACK_SLA_REACH && v.code == SLA_OVER_THRESHOLD);
    in->state = ok ? INPUT_UP : INPUT_DOWN;
}

static void look_interface(const struct control *c, const struct intent_track *t,
                           struct track_input *in)
{
    const struct port *p = ports_named(&c->ports, t->ifname);
    const struct world_link *l = p ? ports_link(p, &c->world) : NULL;
    in->state = INPUT_DOWN;
    if (p && p->ifp && p->ifp->shutdown)
        in->why = "hw admin-down";
    else if (!p || !p->ifp || !l || !l->carrier)
        in->why = "hw down";
    else if (t->kind == TRACK_IP_ROUTING && !addr_is_set(&p->ifp->addr.addr))
        in->why = "no IP addr";
    else
        in->state = INPUT_UP;
}

static const char *source_name(enum rib_source s)
{
    static const char *const name[] = {[RIB_CONNECTED] = "connected",
                                       [RIB_LOCAL] = "connected",
                                       [RIB_STATIC] = "static",
                                       [RIB_OSPF] = "OSPF",
                                       [RIB_VPN] = "static"};
    return name[s];
}

/* A metric is low enough at `least_up`, too high from `most_down` on, and between as it was. */
static int metric_state(const struct intent_track *t, uint32_t metric)
{
    if (t->kind == TRACK_ROUTE || metric <= t->least_up)
        return INPUT_UP;
    return metric >= t->most_down ? INPUT_DOWN : INPUT_KEEP;
}

static void look_route(const struct control *c, const struct intent_track *t,
                       struct track_input *in)
{
    const struct query_route *r = rib_find(&c->rib, &t->dst);
    in->state = r ? metric_state(t, r->metric) : INPUT_DOWN;
    in->why = r ? source_name(r->source) : t->kind == TRACK_ROUTE ? "no ip route" : "no route";
    if (r && r->ifp)
        str_copy(in->hop, sizeof(in->hop), r->ifp->name);
}

typedef void look_fn(const struct control *c, const struct intent_track *t, struct track_input *in);

/* One row per kind: where to look, and how messages name it. */
static const struct kind {
    look_fn *look; /* NULL: a list */
    const char *parameter;
} kind[TRACK_KINDS] = {
    [TRACK_SLA_REACH] = {look_sla, "reachability"},
    [TRACK_SLA_STATE] = {look_sla, "state"},
    [TRACK_LINE] = {look_interface, "line-protocol"},
    [TRACK_IP_ROUTING] = {look_interface, "ip routing"},
    [TRACK_ROUTE] = {look_route, "reachability"},
    [TRACK_METRIC] = {look_route, "metric threshold"},
    [TRACK_AND] = {NULL, "boolean and"},
    [TRACK_OR] = {NULL, "boolean or"},
    [TRACK_WEIGHT] = {NULL, "threshold weight"},
    [TRACK_PERCENT] = {NULL, "threshold percentage"},
};

/* Does a static route that follows this object stand in the kernel? */
static bool is_routed_by(const struct control *c, const struct intent_track *t)
{
    for (uint32_t i = 0; i < c->intent.n_route; i++) {
        const struct intent_route *r = &c->intent.route[i];
        const struct lr_route key = {.table = RT_TABLE_MAIN, .dst = r->dst, .metric = r->distance};
        for (size_t k = 0; r->track == t->number && k < c->world.n_route; k++)
            if (world_route_cmp(&c->world.route[k].r, &key) == 0 &&
                addr_eq(&c->world.route[k].r.gw, &r->gateway))
                return true;
    }
    return false;
}

/* An engine that takes over knows no result and no route yet. What its predecessor has left in the
 * kernel says that the object was up: it stays so until something else is known, for else the
 * routes would go and come back. */
static void look(void *ctx, const struct intent_track *t, struct track_input *in)
{
    const struct control *c = (const struct control *)ctx;
    bool first = c->n_applied == 1 && !c->rib.builds;
    if (first && kind[t->kind].look != look_interface && is_routed_by(c, t))
        in->state = INPUT_UP;
    else
        kind[t->kind].look(c, t, in);
}

/* --- telling -------------------------------------------------------------------------------------
 */

/* "Fa0/0" */
static void short_name(const char *ifname, char *buf, size_t cap)
{
    snprintf(buf, cap, "%.2s%s", ifname, ifname + strcspn(ifname, "0123456789"));
}

/* "interface Fa0/0", "ip sla 1": what messages call the thing that is looked at. */
static void thing(const struct intent_track *t, char *buf, size_t cap)
{
    char name[INTENT_NAME];
    if (kind[t->kind].look == look_sla) {
        snprintf(buf, cap, "ip sla %u ", t->sla);
    } else if (kind[t->kind].look == look_interface) {
        short_name(t->ifname, name, sizeof(name));
        snprintf(buf, cap, "interface %s ", name);
    } else if (kind[t->kind].look == look_route) {
        snprintf(buf, cap, "ip route %s ", prefix_print(&t->dst, name, sizeof(name)));
    } else {
        str_copy(buf, cap, "list ");
    }
}

static void tell_routes(struct control *c, const struct track_view *v)
{
    char net[ADDR_STRLEN], mask[ADDR_STRLEN], gw[ADDR_STRLEN];
    for (uint32_t i = 0; v->routes && i < c->intent.n_route; i++) {
        const struct intent_route *r = &c->intent.route[i];
        const struct port *p = ports_named(&c->ports, r->ifname);
        struct addr m = addr_len_to_mask(r->dst.addr.family, r->dst.len);
        if (r->track != v->cfg->number)
            continue;
        syslog_asa(c->syslog, 6, 622001,
                   "%s tracked route %s %s %s, distance %u, table default, on interface %s",
                   v->up ? "Adding" : "Removing", addr_print(&r->dst.addr, net, sizeof(net)),
                   addr_print(&m, mask, sizeof(mask)), addr_print(&r->gateway, gw, sizeof(gw)),
                   r->distance, p && p->ifp ? p->ifp->nameif : r->ifname);
    }
}

static void debug(struct control *c, const struct track_view *v, enum track_event e)
{
    static const char *const word[] = {"Down", "Up"};
    const struct intent_track *t = v->cfg;
    char line[200], what[96];
    bool to = e == TRACK_CHANGED || e == TRACK_EXPIRED ? v->up : !v->up;
    if (e == TRACK_CHANGED) {
        thing(t, what, sizeof(what));
        snprintf(line, sizeof(line), "Track: %u Change #%u %s%s %s->%s", t->number, v->changes,
                 what, kind[t->kind].parameter, word[!to], word[to]);
    } else if (e == TRACK_DELAYED) {
        snprintf(line, sizeof(line), "Track: %u %s change delayed for %u secs", t->number, word[to],
                 to ? t->delay_up : t->delay_down);
    } else {
        snprintf(line, sizeof(line), "Track: %u %s change delay %s", t->number, word[to],
                 e == TRACK_KEPT ? "cancelled" : "expired");
    }
    control_notice(c, line);
}

static void told(void *ctx, const struct track_view *v, enum track_event e)
{
    struct control *c = (struct control *)ctx;
    char what[96];
    if (e == TRACK_CHANGED) {
        thing(v->cfg, what, sizeof(what));
        syslog_ios(c->syslog, "TRACKING", 5, "STATE", "%u %s%s %s", v->cfg->number, what,
                   kind[v->cfg->kind].parameter, v->up ? "Down->Up" : "Up->Down");
        tell_routes(c, v);
    }
    if (c->debug[CONTROL_DEBUG_TRACK])
        debug(c, v, e);
}

/* --- news ----------------------------------------------------------------------------------------
 */

static void on_probe(void *ctx, uint32_t number)
{
    struct control *c = (struct control *)ctx;
    if (!c->closing)
        dead_probed(c, number);
    if (!c->in_round && !c->closing) /* else the round has looked, or will */
        track_look(c->track);
}

/* A state that others rest on: routes, and whatever listens by itself. */
static void on_change(void *ctx, uint32_t number, bool up)
{
    (void)number;
    (void)up;
    control_kick(ctx);
}

int tracking_open(struct control *c)
{
    const struct track_host host = {.look = look, .told = told, .ctx = c};
    c->track = track_new(&c->timers, &c->o.clock, &host);
    if (!c->track)
        return -ENOMEM;
    sla_listen(c->sla, on_probe, c);
    return track_listen(c->track, on_change, c);
}

void tracking_close(struct control *c)
{
    track_free(c->track);
    c->track = NULL;
}
