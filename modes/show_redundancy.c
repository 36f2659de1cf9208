/*
 * show redundancy …, and redundancy switchover: what this box and its peer are to each other. The
 * layouts are those of the platform's redundancy facility (RF).
 */
#include "control/sso/rf.h"
#include "modes/internal.h"
#include "modes/render.h"
#include <stdio.h>
#include <string.h>

#define LLU(x) (unsigned long long)(x)

static bool is_configured(const struct sso_status *s)
{
    return s->cfg->inter_device && (s->group[0] || s->cfg->group[0]);
}

static bool has_peer(const struct sso_status *s)
{
    return s->peer > RF_DISABLED;
}

static bool is_standby(const struct sso_status *s)
{
    return s->mine >= RF_STANDBY_COLD && s->mine <= RF_STANDBY_HOT;
}

static const char *mode_name(bool on)
{
    return on ? "sso" : "Non-redundant";
}

/* The end of a `Communications` line. */
static const char *communications(const struct sso_status *s)
{
    if (s->link_up)
        return "Up";
    return s->link_downs ? "Down      Reason: Failure" : "Down      Reason: Simplex mode";
}

/* --- show redundancy -------------------------------------------------------------------------- */

static void processor(struct str *out, const char *location, const char *state, int64_t seconds)
{
    char age[96];
    time_uptime(age, sizeof age, seconds, false);
    str_printf(out,
               "%30s = slot 0\n        Current Software state = %s\n"
               "       Uptime in current state = %s\n",
               location, state, age);
}

void render_redundancy(struct str *out, const struct redundancy_view *v)
{
    const struct sso_status *s = v->s;
    char up[96], peer[32];
    time_uptime(up, sizeof up, v->uptime, false);
    str_printf(out,
               "Redundant System Information :\n------------------------------\n"
               "       Available system uptime = %s\n"
               "Switchovers system experienced = %u\n"
               "              Standby failures = %u\n"
               "        Last switchover reason = %s\n\n",
               up, s->switchovers, s->standby_failures, v->reason[0] ? v->reason : "none");
    str_printf(out,
               "                 Hardware Mode = %s\n"
               "    Configured Redundancy Mode = %s\n"
               "     Operating Redundancy Mode = %s\n"
               "              Maintenance Mode = Disabled\n"
               "                Communications = %s\n\n",
               has_peer(s) ? "Duplex" : "Simplex", mode_name(is_configured(s)),
               mode_name(has_peer(s)), communications(s));
    str_add(out, "Current Processor Information :\n-------------------------------\n");
    processor(out, is_standby(s) ? "Standby Location" : "Active Location", rf_name(s->mine),
              s->since ? (v->now - s->since) / USEC_PER_SEC : v->uptime);
    str_printf(out, "                 Image Version = Tandem %s\n\n", v->version);
    str_add(out, "Peer Processor Information :\n----------------------------\n");
    if (!has_peer(s)) {
        str_printf(out, "Peer (slot: 0) information is not available because it is in '%s' state\n",
                   rf_name(RF_DISABLED));
        return;
    }
    snprintf(peer, sizeof peer, "%s ", rf_name(s->peer));
    processor(out, is_standby(s) ? "Active Location" : "Standby Location", peer,
              (v->now - s->peer_since) / USEC_PER_SEC);
    str_printf(out, "                 Image Version = Tandem %s\n", s->peer_version);
}

/* --- its parts -------------------------------------------------------------------------------- */

/* Who takes part, by the numbers that the platform gives them. */
static const struct {
    unsigned id, seq;
    const char *name;
} clients[] = {
    {0, 0, "RF_INTERNAL_MSG"},
    {3099, 282, "ISAKMP RF"},
    {3100, 283, "IPSEC RF"},
};
#define CLIENTS (sizeof clients / sizeof *clients)

void render_redundancy_states(struct str *out, const struct sso_status *s, unsigned debug_mask)
{
    str_printf(out, "       my state = %-2d -%s \n", s->mine, rf_name(s->mine));
    str_printf(out, "     peer state = %-2d -%s \n", s->peer, rf_name(s->peer));
    str_printf(out, "           Mode = %s\n           Unit = %s\n        Unit ID = 0\n\n",
               has_peer(s) ? "Duplex" : "Simplex", is_standby(s) ? "Secondary" : "Primary");
    str_printf(out,
               "Redundancy Mode (Operational) = %s\nRedundancy Mode (Configured)  = %s\n"
               "Redundancy State              = %s\n     Maintenance Mode = Disabled\n",
               mode_name(has_peer(s)), mode_name(is_configured(s)), mode_name(has_peer(s)));
    str_printf(out, "    Manual Swact = %s\n Communications = %s\n\n",
               !has_peer(s) ? "disabled (system is simplex (no peer unit))"
               : s->hot     ? "enabled"
                            : "disabled (the standby is not hot)",
               communications(s));
    str_printf(out,
               "   client count = %zu\n client_notification_TMR = 30000 milliseconds\n"
               "           RF debug mask = 0x%X   \n",
               CLIENTS, debug_mask);
}

/* PNC: the peer does not communicate. */
static const char *inter_device_state(const struct redundancy_view *v)
{
    const struct sso_status *s = v->s;
    if (!s->group[0] || s->mine <= RF_INITIALIZATION)
        return "INIT";
    if (s->mine == RF_ACTIVE)
        return "ACT";
    if (s->link_up)
        return "STDBY";
    return strcmp(v->group_state, "Standby") == 0 ? "HSRP_STDBY_PNC" : "PNC_NO_HSRP";
}

void render_inter_device(struct str *out, const struct redundancy_view *v)
{
    const struct sso_status *s = v->s;
    str_printf(out, "Redundancy inter-device state: RF_INTERDEV_STATE_%s\n", inter_device_state(v));
    if (s->pending)
        str_printf(out,
                   "  Pending Scheme: Standby (Will not take effect until next reload)\n"
                   "  Pending Groupname: %s\n",
                   s->cfg->group);
    if (s->group[0])
        str_printf(out, "  Scheme: Standby\n      Groupname: %s Group State: %s\n", s->group,
                   v->group_state);
    else
        str_add(out, "  Scheme: <NOT CONFIGURED>\n");
    str_printf(out, "  Peer present: %s\n",
               !s->group[0] ? "UNKNOWN"
               : s->link_up ? "RF_INTERDEV_PEER_COMM"
                            : "RF_INTERDEV_PEER_NO_COMM");
    if (s->cfg->security[0])
        str_printf(out, "  Security: IPSec profile %s\n", s->cfg->security);
    else
        str_add(out, "  Security: Not configured\n");
}

void render_redundancy_clients(struct str *out)
{
    for (size_t i = 0; i < CLIENTS; i++)
        str_printf(out, " clientID = %-6uclientSeq = %-6u%s\n", clients[i].id, clients[i].seq,
                   clients[i].name);
}

void render_redundancy_counters(struct str *out, const struct sso_status *s)
{
    str_printf(out,
               "Redundancy Facility OMs\n"
               "               comm link up = %llu\n             comm link down = %llu\n\n"
               "                 buffers tx = %llu\n                   bytes tx = %llu\n"
               "                 buffers rx = %llu\n                   bytes rx = %llu\n"
               "        errored peer msg rx = %llu\n\n",
               LLU(s->link_ups), LLU(s->link_downs), LLU(s->tx), LLU(s->tx_bytes), LLU(s->rx),
               LLU(s->rx_bytes), LLU(s->bad));
    str_printf(out,
               "                 records tx = %llu\n         acknowledged up to = %llu\n"
               "                 records rx = %llu\n                 bulk syncs = %llu\n"
               "        last bulk sync (ms) = %llu\n\n",
               LLU(s->records_tx), LLU(s->acked), LLU(s->records_rx), LLU(s->bulks),
               LLU(s->bulk_took / 1000));
    str_printf(out,
               "           lines held = %u\n       IPsec SAs held = %u\n      IKEv2 SAs held = %u\n"
               "     ISAKMP SAs held = %u\n",
               s->mirrored[SSO_LINE], s->mirrored[SSO_SA], s->mirrored[SSO_IKE],
               s->mirrored[SSO_ISAKMP]);
}

/* Instants are told as the uptime of the box then. */
void render_redundancy_event(struct str *out, const struct redundancy_view *v,
                             const struct sso_event *e)
{
    int64_t at = v->uptime - (v->now - e->at) / USEC_PER_SEC;
    if (at < 0)
        at = 0;
    str_printf(out, "%02lld:%02lld:%02lld ", (long long)(at / 3600), (long long)(at / 60 % 60),
               (long long)(at % 60));
    if (e->kind == SSO_EV_STATE || e->kind == SSO_EV_PEER_STATE)
        str_printf(out, "%cmy state = %s(%d) %cpeer state = %s(%d)\n",
                   e->kind == SSO_EV_STATE ? '*' : ' ', rf_name(e->mine), e->mine,
                   e->kind == SSO_EV_PEER_STATE ? '*' : ' ', rf_name(e->peer), e->peer);
    else
        str_printf(out, "%s\n", e->text);
}

static bool differs(const struct sso_status *s, const char *section)
{
    for (unsigned i = 0; i < s->n_differ; i++)
        if (strcmp(s->differ[i], section) == 0)
            return true;
    return false;
}

void render_config_sync(struct str *out, const struct sso_status *s)
{
    if (!s->cfg->n_section) {
        str_add(out, "Nothing is compared: the scheme or the association is not configured\n");
        return;
    }
    str_printf(out, "Peer: %s\n\nSection                          On the peer\n",
               has_peer(s) ? "present" : "not present");
    for (unsigned i = 0; i < s->cfg->n_section; i++) {
        const char *name = s->cfg->section[i].name;
        str_printf(out, "%-32s %s\n", name,
                   !has_peer(s)       ? "unknown"
                   : differs(s, name) ? "differs"
                                      : "the same");
    }
}

/* --- the hooks -------------------------------------------------------------------------------- */

/* The last switchover, for the summaries. */
static void last_switch(void *ctx, const struct sso_switch *w)
{
    struct sso_switch *last = (struct sso_switch *)ctx;
    *last = *w;
}

struct finding {
    const char *name, *state;
};

static bool group_state(void *ctx, const struct hsrp_group *g, usec_t next_hello)
{
    struct finding *f = (struct finding *)ctx;
    (void)next_hello;
    if (strcmp(g->cfg.name, f->name) == 0)
        f->state = hsrp_state_name(g->state);
    return true;
}

static void one_event(void *ctx, const struct sso_event *e)
{
    const struct redundancy_view *v = (const struct redundancy_view *)ctx;
    struct str line = {0};
    render_redundancy_event(&line, v, e);
    cmd_puts(v->c, str_text(&line));
    str_free(&line);
}

static unsigned debug_mask(const struct control *c)
{
    unsigned mask = 0;
    for (unsigned i = 0; i < SSO_DBG_HA; i++)
        mask |= control_debug_level(c, CONTROL_DEBUG_SSO + i) ? 1u << i : 0;
    return mask;
}

static void switchovers(struct str *out, const struct redundancy_view *v,
                        const struct sso_switch *last)
{
    char when[80], age[96];
    str_printf(out, "Switchovers this system has experienced : %u\n", v->s->switchovers);
    if (!last->wall_us)
        return;
    time_clock(when, sizeof when, v->c->tree, last->wall_us, false);
    time_uptime(age, sizeof age, (v->wall - last->wall_us) / USEC_PER_SEC, false);
    str_printf(out,
               "Last switchover reason                  : %s\n"
               "Last switchover time                    : %s\n"
               "Time since last switchover              : %s\n",
               last->reason, when, age);
}

int show_redundancy(struct cmd *c, const struct a_show_redundancy *a)
{
    struct sso_status s;
    struct sso_switch last = {0};
    struct finding group = {s.group, "Unknown"};
    struct str out = {0};
    sso_status(c->control, &s);
    sso_switches(c->control, last_switch, &last);
    query_hsrp(c->control, group_state, &group);
    struct redundancy_view v = {.c = c,
                                .s = &s,
                                .now = clock_mono(control_clock(c->control)),
                                .wall = clock_wall(control_clock(c->control)),
                                .reason = last.reason,
                                .version = TANDEM_VERSION,
                                .group_state = group.state};
    v.uptime = (v.wall - query_booted(c->control)) / USEC_PER_SEC;
    if (a->states)
        render_redundancy_states(&out, &s, debug_mask(c->control));
    else if (a->inter_device)
        render_inter_device(&out, &v);
    else if (a->clients)
        render_redundancy_clients(&out);
    else if (a->counters)
        render_redundancy_counters(&out, &s);
    else if (a->config_sync)
        render_config_sync(&out, &s);
    else if (a->switchover)
        switchovers(&out, &v, &last);
    else if (a->history)
        str_add(&out, "Redundancy Facility Event Log:\n");
    else
        render_redundancy(&out, &v);
    cmd_puts(c, str_text(&out));
    str_free(&out);
    if (a->history)
        sso_history(c->control, one_event, &v);
    return CMD_OK;
}

struct switch_table {
    struct cmd *c;
    unsigned n, own; /* own: the number of this box in the pair */
};

/* A box that loses its role begins anew: what it remembers is how it took over from its peer. */
static void switch_row(void *ctx, const struct sso_switch *w)
{
    struct switch_table *t = (struct switch_table *)ctx;
    char when[80];
    time_clock(when, sizeof when, t->c->tree, w->wall_us, false);
    if (!t->n)
        cmd_puts(t->c, "Index  Previous  Current  Switchover             Switchover\n"
                       "       active    active   reason                 time\n"
                       "-----  --------  -------  ----------             ----------\n");
    cmd_printf(t->c, "%4u%8u%9u     %-23s%s\n", ++t->n, 3 - t->own, t->own, w->reason, when);
}

/* Nothing says which box is the first one, so it is the one with the lower address of the
 * association: both boxes mean the same by a number. */
int show_switchovers(struct cmd *c, const struct a_show_switchovers *a)
{
    const struct sso_cfg *cfg = &query_intent(c->control)->sso;
    struct switch_table t = {.c = c, .own = addr_cmp(&cfg->local[0], &cfg->remote[0]) <= 0 ? 1 : 2};
    (void)a;
    sso_switches(c->control, switch_row, &t);
    return CMD_OK;
}

/* --- the scheme ------------------------------------------------------------------------------- */

void scheme_waits_text(const struct cli *cli, const struct line_result *line, struct str *out)
{
    const struct a_red_scheme *a = (const struct a_red_scheme *)(const void *)line->args;
    struct sso_status s;
    if (line->entry != E_RED_SCHEME || line->negate)
        return;
    sso_status(cli->control, &s);
    if (s.group[0] && strcmp(s.group, a->group) != 0)
        str_printf(out,
                   "WARNING: scheme standby %s is in force; the new one takes effect after the "
                   "next reload.\n",
                   s.group);
}

/* --- redundancy switchover -------------------------------------------------------------------- */

static void say_sections(struct cmd *c)
{
    struct sso_status s;
    sso_status(c->control, &s);
    cmd_puts(c, "% The boxes are configured differently in: ");
    for (unsigned i = 0; i < s.n_differ; i++)
        cmd_printf(c, "%s%s", i ? ", " : "", s.differ[i]);
    cmd_puts(c, "\n");
}

/* Where a switch would find nobody afterwards. */
static bool say_group(void *ctx, const struct hsrp_group *g, usec_t next_hello)
{
    struct cmd *c = (struct cmd *)ctx;
    (void)next_hello;
    if (g->state == HSRP_ACTIVE && !addr_is_set(&g->standby.addr))
        cmd_printf(c, "%% Group %u on %s has no standby router (yet)\n", g->cfg.number,
                   g->link.name);
    return true;
}

static void say_outcome(struct cmd *c, enum sso_outcome o)
{
    static const char *const text[SSO_OUTCOMES] = {
        [SSO_NO_SCHEME] = "There is no redundancy scheme: nothing is shared with another box",
        [SSO_NOT_ACTIVE] = "This box is not the active one: hand over on the other box",
        [SSO_BUSY] = "A switchover is going on already",
        [SSO_NO_PEER] = "There is no other box: nothing is heard of it (show ipc associations)",
        [SSO_BULK_SYNC] = "The standby is still being told all that there is: try again",
        [SSO_NOT_HOT] = "The standby is not hot (show redundancy states)",
        [SSO_PEER_EMPTY] = "The other box refuses: it does not have everything",
        [SSO_PEER_NOT_STANDBY] =
            "The other box refuses: it is not standby in all of its groups (yet)",
        [SSO_PEER_LATE] = "The other box refuses: it does not get ready in time",
        [SSO_NO_ANSWER] = "The other box does not answer: this one stays active",
    };
    if (o == SSO_DIFFERS)
        say_sections(c);
    else if (o == SSO_NO_STANDBY)
        query_hsrp(c->control, say_group, c);
    else if (text[o])
        cmd_printf(c, "%% %s\n", text[o]);
}

static void on_outcome(void *ctx, enum sso_outcome o)
{
    struct cmd *c = (struct cmd *)ctx;
    c->on_abort = NULL;
    say_outcome(c, o);
    cmd_done(c, o == SSO_HANDED_OVER ? CMD_OK : CMD_REFUSED);
}

/* It goes on; who typed it has the prompt back. */
static void on_switch_abort(struct cmd *c)
{
    sso_switchover_forget(c->control);
    cmd_done(c, CMD_REFUSED);
}

static int switchover(struct cmd *c)
{
    enum sso_outcome o = sso_switchover(c->control, on_outcome, c);
    if (o == SSO_ASKED) {
        c->on_abort = on_switch_abort;
        return CMD_ASYNC;
    }
    say_outcome(c, o);
    return CMD_REFUSED;
}

static void on_confirm(struct cmd *c, const char *text)
{
    bool yes = !text[0] || text[0] == 'y' || text[0] == 'Y';
    cmd_puts(c, "\n");
    int r = yes ? switchover(c) : CMD_OK;
    if (r != CMD_ASYNC)
        cmd_done(c, r);
}

int exec_switchover(struct cmd *c, const struct a_exec_switchover *a)
{
    (void)a;
    if (!c->session->hello.interactive)
        return switchover(c);
    cmd_ask(c, "This box hands over to its peer and reloads. Proceed with switchover? [confirm]", 1,
            true, on_confirm);
    return CMD_ASYNC;
}
