/*
 * show standby, and debug standby.
 */
#include "modes/internal.h"
#include "modes/render.h"
#include <stdio.h>
#include <string.h>

static void mac_text(const uint8_t *m, char out[16])
{
    snprintf(out, 16, "%02x%02x.%02x%02x.%02x%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

static const char *state_of(const struct hsrp_group *g)
{
    return hsrp_state_name(g->cfg.ip ? g->state : HSRP_DISABLED);
}

/* --- show standby ---------------------------------------------------------------------------- */

static void addresses(struct str *out, const struct hsrp_group *g)
{
    char a[ADDR_STRLEN];
    if (addr_is_set(&g->vip))
        str_printf(out, "  Virtual IP address is %s%s\n", addr_print(&g->vip, a, sizeof a),
                   addr_is_set(&g->cfg.vip) ? "" : " (learnt)");
    else
        str_add(out, "  Virtual IP address is unknown\n");
    for (unsigned i = 0; i < g->cfg.n_second; i++)
        str_printf(out, "    Secondary virtual IP address %s\n",
                   addr_print(&g->cfg.second[i], a, sizeof a));
}

static void macs(struct str *out, const struct hsrp_group *g)
{
    static const uint8_t none[HSRP_MAC];
    uint8_t own[HSRP_MAC], active[HSRP_MAC];
    char text[16];
    hsrp_group_mac(g, own);
    memcpy(active, g->state == HSRP_ACTIVE ? own : g->active_mac, HSRP_MAC);
    if (memcmp(active, none, HSRP_MAC) == 0) /* taken over from another engine, not heard yet */
        hsrp_virtual_mac(g->cfg.version, g->cfg.number, active);
    mac_text(active, text);
    if (g->state == HSRP_ACTIVE || addr_is_set(&g->active.addr))
        str_printf(out, "  Active virtual MAC address is %s\n", text);
    else
        str_add(out, "  Active virtual MAC address is unknown\n");
    mac_text(own, text);
    str_printf(out, "    Local virtual MAC address is %s (%s)\n", text,
               g->cfg.has_mac        ? "confgd"
               : g->cfg.use_bia      ? "bia"
               : g->cfg.version == 1 ? "v1 default"
                                     : "v2 default");
}

static void duration(struct str *out, const char *what, uint32_t ms)
{
    if (ms % 1000)
        str_printf(out, "%s %u msec", what, ms);
    else
        str_printf(out, "%s %u sec", what, ms / 1000);
}

static void seconds(struct str *out, usec_t left)
{
    if (left < 0)
        left = 0;
    str_printf(out, "%llu.%03u", (unsigned long long)(left / USEC_PER_SEC),
               (unsigned)(left % USEC_PER_SEC / USEC_PER_MSEC));
}

static void times(struct str *out, const struct hsrp_group *g, usec_t next_hello, usec_t now)
{
    duration(out, "  Hello time", g->hello_ms);
    duration(out, ", hold time", g->hold_ms);
    str_addc(out, '\n');
    if (next_hello < 0)
        return;
    str_add(out, "    Next hello sent in ");
    seconds(out, next_hello - now);
    str_add(out, " secs\n");
}

static void authentication(struct str *out, const struct hsrp_cfg *c)
{
    if (c->auth == HSRP_AUTH_MD5 && c->chain)
        str_printf(out, "  Authentication MD5, key-chain \"%s\"\n", c->chain_name);
    else if (c->auth == HSRP_AUTH_MD5)
        str_add(out, "  Authentication MD5, key-string\n");
    else if (memcmp(c->text, "cisco\0\0", HSRP_TEXT) != 0)
        str_printf(out, "  Authentication text, string \"%.8s\"\n", (const char *)c->text);
}

static void preemption(struct str *out, const struct hsrp_cfg *c)
{
    str_add(out, c->preempt ? "  Preemption enabled" : "  Preemption disabled");
    if (c->preempt && (c->preempt_min || c->preempt_reload || c->preempt_sync)) {
        const char *sep = ", delay";
        if (c->preempt_min)
            str_printf(out, "%s min %u secs", sep, c->preempt_min);
        sep = c->preempt_min ? "," : sep;
        if (c->preempt_reload)
            str_printf(out, "%s reload %u secs", sep, c->preempt_reload);
        sep = c->preempt_reload ? "," : sep;
        if (c->preempt_sync)
            str_printf(out, "%s sync %u secs", sep, c->preempt_sync);
    }
    str_addc(out, '\n');
}

static void router(struct str *out, const char *what, bool local, const struct hsrp_peer *p,
                   const struct timer *t, usec_t now)
{
    char a[ADDR_STRLEN];
    str_printf(out, "  %s router is ", what);
    if (local) {
        str_add(out, "local\n");
        return;
    }
    if (!addr_is_set(&p->addr)) {
        str_add(out, "unknown\n");
        return;
    }
    str_printf(out, "%s, priority %u", addr_print(&p->addr, a, sizeof a), p->priority);
    if (timer_armed(t)) {
        str_add(out, " (expires in ");
        seconds(out, t->when - now);
        str_add(out, " sec)");
    }
    str_addc(out, '\n');
}

static void tracks(struct str *out, const struct hsrp_group *g)
{
    for (unsigned i = 0; i < g->cfg.n_track; i++) {
        const struct hsrp_track *t = &g->cfg.track[i];
        if (t->object)
            str_printf(out, "    Track object %u", t->object);
        else
            str_printf(out, "    Track interface %s", t->ifname);
        if (g->track[i] == HSRP_UNKNOWN)
            str_add(out, " (unknown)\n");
        else if (t->shutdown)
            str_printf(out, " state %s shutdown\n", g->track[i] == HSRP_UP ? "Up" : "Down");
        else
            str_printf(out, " state %s decrement %u\n", g->track[i] == HSRP_UP ? "Up" : "Down",
                       t->decrement);
    }
}

void render_standby(struct str *out, const struct hsrp_group *g, usec_t next_hello, usec_t now)
{
    char age[16];
    const struct hsrp_cfg *c = &g->cfg;
    str_printf(out, "%s - Group %u%s\n", g->link.name, c->number,
               c->version == 2 ? " (version 2)" : "");
    str_printf(out, "  State is %s%s\n", state_of(g),
               c->ip && g->state == HSRP_INIT && !g->link.up ? " (interface down)" : "");
    cmd_age(age, sizeof age, (now - g->changed) / USEC_PER_SEC);
    if (g->changes)
        str_printf(out, "    %u state change%s, last state change %s\n", g->changes,
                   g->changes == 1 ? "" : "s", age);
    addresses(out, g);
    macs(out, g);
    times(out, g, next_hello, now);
    authentication(out, c);
    preemption(out, c);
    router(out, "Active", g->state == HSRP_ACTIVE, &g->active, &g->active_t, now);
    router(out, "Standby", g->state == HSRP_STANDBY, &g->standby, &g->standby_t, now);
    str_printf(out, "  Priority %u (%s %u)\n", g->priority,
               c->priority == HSRP_PRIORITY ? "default" : "configured", c->priority);
    tracks(out, g);
    str_printf(out, "  Group name is \"%s\" (%s)\n", c->name, c->named ? "cfgd" : "default");
}

static const char *who(bool local, const struct hsrp_peer *p, char *buf)
{
    if (local)
        return "local";
    return addr_is_set(&p->addr) ? addr_print(&p->addr, buf, ADDR_STRLEN) : "unknown";
}

void render_standby_brief(struct str *out, const struct hsrp_group *g)
{
    char a[ADDR_STRLEN], s[ADDR_STRLEN], v[ADDR_STRLEN] = "unknown";
    if (addr_is_set(&g->vip))
        addr_print(&g->vip, v, sizeof v);
    str_printf(out, "%-12s%-5u%-4u%-2s%-8s%-16s%-16s%s\n", g->link.shortname, g->cfg.number,
               g->priority, g->cfg.preempt ? "P" : "", state_of(g),
               who(g->state == HSRP_ACTIVE, &g->active, a),
               who(g->state == HSRP_STANDBY, &g->standby, s), v);
}

struct listing {
    const struct a_show_standby *a;
    struct str *out;
    usec_t now;
};

static bool one(void *ctx, const struct hsrp_group *g, usec_t next_hello)
{
    const struct listing *l = (const struct listing *)ctx;
    if (l->a->has_name && strcmp(l->a->name, g->link.name) != 0)
        return true;
    if (l->a->has_group && l->a->group != g->cfg.number)
        return true;
    if (!g->cfg.ip && !l->a->all)
        return true;
    if (l->a->brief)
        render_standby_brief(l->out, g);
    else
        render_standby(l->out, g, next_hello, l->now);
    return true;
}

int show_standby(struct cmd *c, const struct a_show_standby *a)
{
    struct str out = {0};
    struct listing l = {.a = a, .out = &out, .now = clock_mono(control_clock(c->control))};
    if (a->brief)
        str_add(&out, "                     P indicates configured to preempt.\n"
                      "                     |\n"
                      "Interface   Grp  Pri P State   Active          Standby         "
                      "Virtual IP\n");
    query_hsrp(c->control, one, &l);
    cmd_puts(c, str_text(&out));
    str_free(&out);
    return CMD_OK;
}

int show_standby_delay(struct cmd *c, const struct a_show_standby_delay *a)
{
    const struct intent *i = query_intent(c->control);
    const char *before = "";
    cmd_puts(c, "\nInterface          Minimum Reload \n");
    for (uint32_t k = 0; k < i->n_hsrp; k++) {
        const struct intent_hsrp *h = &i->hsrp[k];
        if (strcmp(before, h->ifname) == 0 || (a->has_name && strcmp(a->name, h->ifname) != 0))
            continue;
        before = h->ifname;
        cmd_printf(c, "%-18s %-7u %u\n", h->ifname, h->cfg.delay_min, h->cfg.delay_reload);
    }
    return CMD_OK;
}

int show_standby_internal(struct cmd *c, const struct a_show_standby_internal *a)
{
    const uint64_t *bad = query_hsrp_bad(c->control);
    bool on = query_intent(c->control)->n_hsrp > 0;
    (void)a;
    cmd_printf(c, "HSRP common process %srunning\n", on ? "" : "not ");
    if (!on)
        return CMD_OK;
    cmd_printf(c, "Messages taken: %llu\nMessages ignored:\n", (unsigned long long)bad[HSRP_GOOD]);
    for (unsigned i = HSRP_GOOD + 1; i < HSRP_BADS; i++)
        cmd_printf(c, "  %-22s %llu\n", hsrp_bad_name((enum hsrp_bad)i),
                   (unsigned long long)bad[i]);
    return CMD_OK;
}

/* --- debug ----------------------------------------------------------------------------------- */

int debug_standby(struct cmd *c, const struct a_debug_standby *a)
{
    bool on = !c->line->negate && !a->off;
    bool all = !a->errors && !a->events && !a->packets;
    const bool want[HSRP_DBGS] = {[HSRP_DBG_ERRORS] = all || a->errors,
                                  [HSRP_DBG_EVENTS] = all || a->events,
                                  [HSRP_DBG_PACKETS] = all || (a->packets && !a->terse),
                                  [HSRP_DBG_TERSE] = all || a->packets};
    for (unsigned i = 0; i < HSRP_DBGS; i++)
        if (want[i])
            control_debug(c->control, CONTROL_DEBUG_HSRP + i, on);
    if (on)
        c->session->debugging = true;
    cmd_printf(c, "HSRP%s debugging is %s\n",
               all         ? ""
               : a->errors ? " Errors"
               : a->events ? " Events"
                           : " Packets",
               on ? "on" : "off");
    return CMD_OK;
}
