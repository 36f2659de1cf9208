/*
 * show track, and debug track.
 */
#include "modes/internal.h"
#include "modes/render.h"
#include <stdio.h>
#include <string.h>

/* Per kind: the words of show track brief, of the first line and of the line with the state. */
static const struct words {
    const char *type, *parameter, *subject;
} words[TRACK_KINDS] = {
    [TRACK_SLA_REACH] = {"ip sla", "reachability", "Reachability"},
    [TRACK_SLA_STATE] = {"ip sla", "state", "State"},
    [TRACK_LINE] = {"interface", "line-protocol", "Line protocol"},
    [TRACK_IP_ROUTING] = {"interface", "ip routing", "IP routing"},
    [TRACK_ROUTE] = {"ip route", "reachability", "Reachability"},
    [TRACK_METRIC] = {"ip route", "metric threshold", "Metric threshold"},
    [TRACK_AND] = {"list", "and", "Boolean AND"},
    [TRACK_OR] = {"list", "or", "Boolean OR"},
    [TRACK_WEIGHT] = {"list", "weight", "Threshold weight"},
    [TRACK_PERCENT] = {"list", "percentage", "Threshold percentage"},
};

static bool is_sla(const struct intent_track *t)
{
    return t->kind == TRACK_SLA_REACH || t->kind == TRACK_SLA_STATE;
}

static bool is_list(const struct intent_track *t)
{
    return t->kind >= TRACK_AND;
}

static const char *up_down(bool up)
{
    return up ? "Up" : "Down";
}

static void first_line(struct cmd *c, const struct intent_track *t)
{
    char net[ADDR_STRLEN], mask[ADDR_STRLEN];
    const char *parameter = words[t->kind].parameter;
    struct addr m = addr_len_to_mask(AF_INET, t->dst.len);
    if (is_sla(t))
        cmd_printf(c, "  %s %u %s\n", c->asa ? "Response Time Reporter" : "IP SLA", t->sla,
                   parameter);
    else if (t->ifname[0])
        cmd_printf(c, "  Interface %s %s\n", t->ifname, parameter);
    else if (is_list(t))
        cmd_printf(c, "  List %s %s\n", t->kind < TRACK_WEIGHT ? "boolean" : "threshold",
                   parameter);
    else
        cmd_printf(c, "  IP route %s %s %s\n", addr_print(&t->dst.addr, net, sizeof net),
                   addr_print(&m, mask, sizeof mask), parameter);
}

static uint32_t whole_weight(const struct intent_track *t)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < t->n_member; i++)
        sum += t->member[i].weight;
    return sum;
}

/* "  Reachability is Down (no ip route), delayed Up (1 sec remaining) (connected)" */
static void state_line(struct cmd *c, const struct track_view *v)
{
    cmd_printf(c, "  %s is %s", words[v->cfg->kind].subject, up_down(v->up));
    if (v->cfg->kind == TRACK_WEIGHT)
        cmd_printf(c, " (%u/%u)", v->sum, whole_weight(v->cfg));
    else if (v->cfg->kind == TRACK_PERCENT)
        cmd_printf(c, " (%u%%)", v->sum);
    if (v->why)
        cmd_printf(c, " (%s)", v->why);
    if (v->delayed) {
        cmd_printf(c, ", delayed %s (%u sec remaining)", up_down(!v->up),
                   (unsigned)((v->remaining + USEC_PER_SEC - 1) / USEC_PER_SEC));
        if (v->in.why)
            cmd_printf(c, " (%s)", v->in.why);
    }
    cmd_puts(c, "\n");
}

static void delay_line(struct cmd *c, const struct intent_track *t)
{
    if (t->delay_up && t->delay_down)
        cmd_printf(c, "  Delay up %u secs, down %u secs\n", t->delay_up, t->delay_down);
    else if (t->delay_up || t->delay_down)
        cmd_printf(c, "  Delay %s %u secs\n", t->delay_up ? "up" : "down",
                   t->delay_up + t->delay_down);
}

static void member_lines(struct cmd *c, const struct intent_track *t)
{
    const struct track *track = query_tracks(c->control);
    const char *in = t->kind == TRACK_WEIGHT ? "weight" : "percentage";
    for (uint32_t i = 0; i < t->n_member; i++) {
        const struct intent_member *m = &t->member[i];
        bool up, known = track_state(track, m->number, &up);
        cmd_printf(c, "    object %u %s%s", m->number, m->negated ? "not " : "",
                   known ? up_down(up) : "Undefined");
        if (t->kind == TRACK_WEIGHT)
            cmd_printf(c, " (%u/%u)", up ? m->weight : 0, m->weight);
        else if (t->kind == TRACK_PERCENT)
            cmd_printf(c, " (%u%%)", up ? 100 / t->n_member : 0);
        cmd_puts(c, "\n");
    }
    if (t->kind >= TRACK_WEIGHT)
        cmd_printf(c, "    Threshold %s down %u up %u\n", in, t->most_down, t->least_up);
}

static void probe_lines(struct cmd *c, const struct intent_track *t)
{
    static const char *const code[] = {[SLA_NONE] = "Unknown",
                                       [SLA_OK] = "OK",
                                       [SLA_OVER_THRESHOLD] = "Over threshold",
                                       [SLA_TIMEOUT] = "Timeout",
                                       [SLA_NO_CONNECTION] = "No connection",
                                       [SLA_VERIFY_ERROR] = "Verify error",
                                       [SLA_ERROR] = "Internal error"};
    struct sla_view v;
    bool known = query_sla_one(c->control, t->sla, &v);
    cmd_printf(c, "  Latest operation return code: %s\n", code[known ? v.code : SLA_NONE]);
    if (known && (v.code == SLA_OK || v.code == SLA_OVER_THRESHOLD))
        cmd_printf(c, "  Latest RTT (%s) %u\n", c->asa ? "milliseconds" : "millisecs", v.rtt);
}

struct followers {
    struct cmd *c;
    uint32_t number;
    bool any;
};

static void follower(void *ctx, const char *client)
{
    struct followers *f = (struct followers *)ctx;
    if (!f->any)
        cmd_puts(f->c, "  Tracked by:\n");
    f->any = true;
    cmd_printf(f->c, "    %s\n", client);
}

static bool list_follows(void *ctx, const struct track_view *v)
{
    struct followers *f = (struct followers *)ctx;
    char name[32];
    for (uint32_t i = 0; i < v->cfg->n_member; i++) {
        if (v->cfg->member[i].number != f->number)
            continue;
        snprintf(name, sizeof name, "Track-list %u", v->cfg->number);
        follower(f, name);
    }
    return true;
}

static void one_object(struct cmd *c, const struct track_view *v)
{
    const struct track *track = query_tracks(c->control);
    struct followers f = {.c = c, .number = v->cfg->number};
    char age[16];
    usec_t now = clock_mono(control_clock(c->control));
    cmd_printf(c, "Track %u\n", v->cfg->number);
    first_line(c, v->cfg);
    state_line(c, v);
    cmd_age(age, sizeof age, (now - v->since) / USEC_PER_SEC);
    cmd_printf(c, "%s%u change%s, last change %s\n", c->asa ? "  " : "    ", v->changes,
               v->changes == 1 ? "" : "s", age);
    if (is_list(v->cfg))
        member_lines(c, v->cfg);
    if (v->cfg->kind == TRACK_METRIC)
        cmd_printf(c, "    Metric threshold down %u up %u\n", v->cfg->most_down, v->cfg->least_up);
    delay_line(c, v->cfg);
    if (v->cfg->kind == TRACK_ROUTE || v->cfg->kind == TRACK_METRIC)
        cmd_printf(c, "  First-hop interface is %s\n", v->in.hop[0] ? v->in.hop : "unknown");
    if (is_sla(v->cfg))
        probe_lines(c, v->cfg);
    track_clients(track, v->cfg->number, follower, &f);
    if (v->routes)
        follower(&f, c->asa ? "STATIC-IP-ROUTING 0" : "Static IP Routing 0");
    track_each(track, list_follows, &f);
}

static void brief_line(struct cmd *c, const struct track_view *v)
{
    const struct intent_track *t = v->cfg;
    char instance[INTENT_NAME], age[16];
    usec_t now = clock_mono(control_clock(c->control));
    cmd_age(age, sizeof age, (now - v->since) / USEC_PER_SEC);
    if (is_sla(t))
        snprintf(instance, sizeof instance, "%u", t->sla);
    else if (is_list(t))
        str_copy(instance, sizeof instance, t->kind < TRACK_WEIGHT ? "boolean" : "threshold");
    else if (t->ifname[0])
        str_copy(instance, sizeof instance, t->ifname);
    else
        prefix_print(&t->dst, instance, sizeof instance);
    cmd_printf(c, "%-5u %-11s %-26s %-16s %-5s %s\n", t->number, words[t->kind].type, instance,
               words[t->kind].parameter, up_down(v->up), age);
}

struct filter {
    struct cmd *c;
    const struct a_show_track *a;
    bool any;
};

static bool wanted(const struct a_show_track *a, const struct intent_track *t)
{
    if (a->has_id)
        return a->id == t->number;
    if (a->interface)
        return t->ifname[0];
    if (a->route)
        return t->kind == TRACK_ROUTE || t->kind == TRACK_METRIC;
    return a->sla ? is_sla(t) : a->list ? is_list(t) : true;
}

static bool each (void *ctx, const struct track_view *v)
{
    struct filter *f = (struct filter *)ctx;
    if (!wanted(f->a, v->cfg))
        return true;
    if (f->a->brief && !f->any)
        cmd_puts(f->c, "Track Type        Instance                   Parameter        State Last "
                       "Change\n");
    f->any = true;
    if (f->a->brief)
        brief_line(f->c, v);
    else
        one_object(f->c, v);
    return true;
}

int show_track(struct cmd *c, const struct a_show_track *a)
{
    struct filter f = {.c = c, .a = a};
    track_each(query_tracks(c->control), each, &f);
    if (!f.any && a->has_id)
        cmd_printf(c, c->asa ? "ERROR: track %u does not exist\n" : "%% Track %u does not exist\n",
                   (unsigned)a->id);
    return CMD_OK;
}

int debug_track(struct cmd *c, const struct a_debug_track *a)
{
    bool on = !c->line->negate && !a->off;
    control_debug(c->control, CONTROL_DEBUG_TRACK, on);
    if (on)
        c->session->debugging = true;
    if (!c->asa)
        cmd_printf(c, "Track debugging is %s\n", on ? "on" : "off");
    return CMD_OK;
}
