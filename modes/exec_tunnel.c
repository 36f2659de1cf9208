/*
 * Debugging tunnels, and ping.
 */
#include "modes/derive.h"
#include "modes/internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PING_WRAP 70 /* marks on one line */

/* --- debug --------------------------------------------------------------------------------- */

static const char ikev2_group[] = "IKEV2", crypto_group[] = "Cryptographic Subsystem";

/* What is on, as each dialect calls it; IOS's groups stand together. */
static const struct {
    const char *asa, *ios, *group;
} debug_name[CONTROL_DEBUG_CLASSES] = {
    [IKE_DBG_PLATFORM] = {.asa = "debug crypto ikev2 platform"},
    [IKE_DBG_PROTOCOL] = {.asa = "debug crypto ikev2 protocol"},
    [CONTROL_DEBUG_DEFAULT] = {NULL, "IKEv2 default", ikev2_group},
    [CONTROL_DEBUG_ERROR] = {NULL, "IKEv2 error", ikev2_group},
    [CONTROL_DEBUG_INTERNAL] = {NULL, "IKEv2 internal", ikev2_group},
    [CONTROL_DEBUG_PACKET] = {NULL, "IKEv2 packet", ikev2_group},
    [CONTROL_DEBUG_V1 + ISAKMP_DBG_ISAKMP] = {"debug crypto ikev1", "Crypto ISAKMP", crypto_group},
    [CONTROL_DEBUG_V1 + ISAKMP_DBG_IPSEC] = {"debug crypto ipsec", "Crypto IPSEC", crypto_group},
    [CONTROL_DEBUG_TRACK] = {"debug track", "Track", NULL},
    [CONTROL_DEBUG_HSRP + HSRP_DBG_ERRORS] = {NULL, "HSRP Errors", NULL},
    [CONTROL_DEBUG_HSRP + HSRP_DBG_EVENTS] = {NULL, "HSRP Events", NULL},
    [CONTROL_DEBUG_HSRP + HSRP_DBG_PACKETS] = {NULL, "HSRP Packets", NULL},
    [CONTROL_DEBUG_HSRP + HSRP_DBG_TERSE] = {NULL, "HSRP Packets (terse)", NULL},
    [CONTROL_DEBUG_SSO + SSO_DBG_SWITCHOVER] = {NULL, "Redundancy as-switchover", NULL},
    [CONTROL_DEBUG_SSO + SSO_DBG_EHSA] = {NULL, "Redundancy ehsa", NULL},
    [CONTROL_DEBUG_SSO + SSO_DBG_ERRORS] = {NULL, "Redundancy errors", NULL},
    [CONTROL_DEBUG_SSO + SSO_DBG_FSM] = {NULL, "Redundancy fsm", NULL},
    [CONTROL_DEBUG_SSO + SSO_DBG_KPA] = {NULL, "Redundancy kpa", NULL},
    [CONTROL_DEBUG_SSO + SSO_DBG_MSG] = {NULL, "Redundancy msg", NULL},
    [CONTROL_DEBUG_SSO + SSO_DBG_PROGRESSION] = {NULL, "Redundancy progression", NULL},
    [CONTROL_DEBUG_SSO + SSO_DBG_STATUS] = {NULL, "Redundancy status", NULL},
    [CONTROL_DEBUG_SSO + SSO_DBG_TIMER] = {NULL, "Redundancy timer", NULL},
    [CONTROL_DEBUG_SSO + SSO_DBG_HA] = {NULL, "Crypto High Availability Manager", crypto_group},
    [CONTROL_DEBUG_SSO + SSO_DBG_IPSEC] = {NULL, "Crypto IPSEC High Availability", crypto_group},
    [CONTROL_DEBUG_SSO +
        SSO_DBG_IPSEC_DETAIL] = {NULL, "Crypto IPSEC High Availability detail", crypto_group},
    [CONTROL_DEBUG_SSO +
        SSO_DBG_IPSEC_UPDATE] = {NULL, "Crypto IPSEC High Availability update", crypto_group},
    [CONTROL_DEBUG_SSO + SSO_DBG_ISAKMP] = {NULL, "Crypto ISAKMP High Availability", crypto_group},
    [CONTROL_DEBUG_SSO +
        SSO_DBG_ISAKMP_DETAIL] = {NULL, "Crypto ISAKMP High Availability detail", crypto_group},
    [CONTROL_DEBUG_SSO +
        SSO_DBG_ISAKMP_UPDATE] = {NULL, "Crypto ISAKMP High Availability update", crypto_group},
    [CONTROL_DEBUG_SLA + SLA_TRACE_ERROR] = {"debug sla monitor error", "IP SLA ERROR", NULL},
    [CONTROL_DEBUG_SLA + SLA_TRACE_STEP] = {"debug sla monitor trace", "IP SLA TRACE", NULL},
};

static void set_debug(struct cmd *c, unsigned cls, unsigned level)
{
    control_debug(c->control, cls, level);
    if (level)
        c->session->debugging = true;
}

/* The class of a line, by dialect. */
static unsigned ikev2_class(const struct cmd *c, const struct a_debug_ikev2 *a)
{
    if (c->asa)
        return a->platform ? IKE_DBG_PLATFORM : IKE_DBG_PROTOCOL;
    return a->error      ? CONTROL_DEBUG_ERROR
           : a->internal ? CONTROL_DEBUG_INTERNAL
           : a->packet   ? CONTROL_DEBUG_PACKET
                         : CONTROL_DEBUG_DEFAULT;
}

int debug_ikev2(struct cmd *c, const struct a_debug_ikev2 *a)
{
    bool on = !c->line->negate && !a->off;
    unsigned cls = ikev2_class(c, a);
    set_debug(c, cls, !on ? 0 : a->has_level ? (unsigned)a->level : 1);
    if (!c->asa)
        cmd_printf(c, "%s debugging is %s\n", debug_name[cls].ios, on ? "on" : "off");
    return CMD_OK;
}

int debug_ipsec(struct cmd *c, const struct a_debug_ipsec *a)
{
    /* What IPsec has to say of IKEv2 is how the exchange meets the datapath: the platform class. */
    set_debug(c, IKE_DBG_PLATFORM, a->has_level ? (unsigned)a->level : 1);
    set_debug(c, CONTROL_DEBUG_V1 + ISAKMP_DBG_IPSEC, 1);
    if (!c->asa)
        cmd_puts(c, "Crypto IPSEC debugging is on\n");
    return CMD_OK;
}

int undebug_ipsec(struct cmd *c, const struct a_undebug_ipsec *a)
{
    (void)a;
    set_debug(c, IKE_DBG_PLATFORM, 0);
    set_debug(c, CONTROL_DEBUG_V1 + ISAKMP_DBG_IPSEC, 0);
    if (!c->asa)
        cmd_puts(c, "Crypto IPSEC debugging is off\n");
    return CMD_OK;
}

int debug_isakmp(struct cmd *c, const struct a_debug_isakmp *a)
{
    bool on = !c->line->negate && !a->off;
    set_debug(c, CONTROL_DEBUG_V1 + ISAKMP_DBG_ISAKMP, on);
    if (!c->asa)
        cmd_printf(c, "Crypto ISAKMP debugging is %s\n", on ? "on" : "off");
    return CMD_OK;
}

/* Turns these classes on or off and says how each is called now. */
static void sso_debug(struct cmd *c, bool on, unsigned first, unsigned n, const bool *want)
{
    for (unsigned i = 0; i < n; i++) {
        if (!want[i])
            continue;
        set_debug(c, CONTROL_DEBUG_SSO + first + i, on);
        cmd_printf(c, "%s debugging is %s\n", debug_name[CONTROL_DEBUG_SSO + first + i].ios,
                   on ? "on" : "off");
    }
}

int debug_redundancy(struct cmd *c, const struct a_debug_redundancy *a)
{
    bool all = !a->as_switchover && !a->ehsa && !a->errors && !a->fsm && !a->kpa && !a->msg &&
               !a->progression && !a->status && !a->timer;
    const bool want[SSO_DBG_HA] = {[SSO_DBG_SWITCHOVER] = all || a->as_switchover,
                                   [SSO_DBG_EHSA] = all || a->ehsa,
                                   [SSO_DBG_ERRORS] = all || a->errors,
                                   [SSO_DBG_FSM] = all || a->fsm,
                                   [SSO_DBG_KPA] = all || a->kpa,
                                   [SSO_DBG_MSG] = all || a->msg,
                                   [SSO_DBG_PROGRESSION] = all || a->progression,
                                   [SSO_DBG_STATUS] = all || a->status,
                                   [SSO_DBG_TIMER] = all || a->timer};
    sso_debug(c, !c->line->negate && !a->off, 0, SSO_DBG_HA, want);
    return CMD_OK;
}

int debug_crypto_ha(struct cmd *c, const struct a_debug_crypto_ha *a)
{
    unsigned first = a->ipsec ? SSO_DBG_IPSEC : a->isakmp ? SSO_DBG_ISAKMP : SSO_DBG_HA;
    const bool want[] = {!a->detail && !a->update, a->detail, a->update};
    sso_debug(c, !c->line->negate && !a->off, first, first == SSO_DBG_HA ? 1 : 3, want);
    return CMD_OK;
}

int undebug_all(struct cmd *c, const struct a_undebug_all *a)
{
    (void)a;
    for (unsigned i = 0; i < CONTROL_DEBUG_CLASSES; i++)
        set_debug(c, i, 0);
    for (struct session *s = c->session->cli->sessions; s; s = s->next)
        s->debugging = false;
    if (!c->asa)
        cmd_puts(c, "All possible debugging has been turned off\n");
    return CMD_OK;
}

static bool shows_ios(const struct cmd *c, unsigned cls)
{
    return control_debug_level(c->control, cls) && debug_name[cls].ios;
}

/* Those of a group stand below its title, where the first of them is. */
static void show_debug_ios(struct cmd *c)
{
    for (unsigned i = 0; i < CONTROL_DEBUG_CLASSES; i++) {
        const char *group = debug_name[i].group;
        unsigned first = 0;
        if (!shows_ios(c, i))
            continue;
        if (!group) {
            cmd_printf(c, "%s debugging is on\n", debug_name[i].ios);
            continue;
        }
        while (debug_name[first].group != group || !shows_ios(c, first))
            first++;
        if (first != i)
            continue;
        cmd_printf(c, "%s:\n", group);
        for (unsigned k = i; k < CONTROL_DEBUG_CLASSES; k++)
            if (debug_name[k].group == group && shows_ios(c, k))
                cmd_printf(c, "  %s debugging is on\n", debug_name[k].ios);
    }
}

int show_debug(struct cmd *c, const struct a_show_debug *a)
{
    (void)a;
    if (!c->asa) {
        show_debug_ios(c);
        return CMD_OK;
    }
    for (unsigned i = 0; i < CONTROL_DEBUG_CLASSES; i++) {
        unsigned level = control_debug_level(c->control, i);
        if (level && debug_name[i].asa && i >= CONTROL_DEBUG_SLA)
            cmd_printf(c, "%s enabled\n", debug_name[i].asa);
        else if (level && debug_name[i].asa)
            cmd_printf(c, "%s enabled at level %u\n", debug_name[i].asa, level);
    }
    return CMD_OK;
}

/* --- ping ---------------------------------------------------------------------------------- */

struct ping_state {
    struct ping *ping;
    uint64_t sent, good, min, max, sum; /* microseconds */
    unsigned column;
    bool starting;
    bool over;
};

static void ping_summary(struct cmd *c, const struct ping_state *p)
{
    if (p->column)
        cmd_puts(c, "\n");
    cmd_printf(c, "Success rate is %llu percent (%llu/%llu)",
               (unsigned long long)(p->sent ? p->good * 100 / p->sent : 0),
               (unsigned long long)p->good, (unsigned long long)p->sent);
    if (p->good) /* rounded up: the platforms never print 0 */
        cmd_printf(c, ", round-trip min/avg/max = %llu/%llu/%llu ms",
                   (unsigned long long)(p->min + 999) / 1000,
                   (unsigned long long)(p->sum / p->good + 999) / 1000,
                   (unsigned long long)(p->max + 999) / 1000);
    cmd_puts(c, "\n");
}

static void ping_end(struct cmd *c, struct ping_state *p)
{
    int rc = p->good ? CMD_OK : CMD_REFUSED;
    ping_summary(c, p);
    c->state = NULL;
    free(p);
    cmd_done(c, rc);
}

static void ping_result(void *ctx, char mark, unsigned rtt)
{
    struct cmd *c = (struct cmd *)ctx;
    struct ping_state *p = (struct ping_state *)c->state;
    p->sent++;
    if (mark == '!') {
        if (!p->good || rtt < p->min)
            p->min = rtt;
        if (rtt > p->max)
            p->max = rtt;
        p->sum += rtt;
        p->good++;
    }
    /* The ASA knows fewer marks: everything that is not an answer or silence is '?'. */
    char shown = c->asa && !strchr("!.?", mark) ? '?' : mark;
    cmd_printf(c, "%c", shown);
    if (++p->column == PING_WRAP) {
        cmd_puts(c, "\n");
        p->column = 0;
    }
    cmd_flush(c);
}

static void ping_done(void *ctx)
{
    struct cmd *c = (struct cmd *)ctx;
    struct ping_state *p = (struct ping_state *)c->state;
    if (p->starting)
        p->over = true; /* control_ping() has not returned yet */
    else
        ping_end(c, p);
}

static void ping_abort(struct cmd *c)
{
    struct ping_state *p = (struct ping_state *)c->state;
    control_ping_abort(p->ping);
    ping_end(c, p);
}

/* An interface's address of a family, by its canonical name or its nameif. */
static bool address_of(struct cmd *c, const char *ifname, const char *nameif, uint8_t family,
                       struct addr *out)
{
    const struct intent *want = query_intent(c->control);
    for (uint32_t i = 0; want && i < want->n_if; i++) {
        const struct intent_if *f = &want->ifs[i];
        if ((ifname && strcmp(f->name, ifname) == 0) ||
            (nameif && strcasecmp(f->nameif, nameif) == 0)) {
            *out = intent_if_local(f, family);
            return addr_is_set(out);
        }
    }
    return false;
}

/* Fills o->dst and o->src, or says why not. */
static bool ping_ends(struct cmd *c, const struct a_ping *a, struct ping_opts *o)
{
    o->dst = a->dst;
    if (a->has_host && !host_address(c->tree->root, a->host, &o->dst)) {
        cmd_puts(c, "% Unrecognized host or address, or protocol not running.\n");
        return false;
    }
    if (a->has_source) {
        o->src = a->source;
        return true;
    }
    if (!a->has_ifname && !a->has_nameif)
        return true;
    if (address_of(c, a->has_ifname ? a->ifname : NULL, a->has_nameif ? a->nameif : NULL,
                   o->dst.family, &o->src))
        return true;
    if (c->asa)
        cmd_printf(c, "ERROR: %% Interface %s has no address or does not exist\n", a->nameif);
    else
        cmd_puts(c, "% Invalid source interface - IP not enabled or interface is down\n");
    return false;
}

int exec_ping(struct cmd *c, const struct a_ping *a)
{
    struct ping_opts o = {.count = a->has_count ? (uint32_t)a->count : 5,
                          .size = a->has_size ? (uint32_t)a->size : 100,
                          .timeout_ms = (a->has_timeout ? (uint32_t)a->timeout : 2) * 1000,
                          .df = a->df};
    char text[ADDR_STRLEN];
    if (!ping_ends(c, a, &o))
        return CMD_REFUSED;
    if (a->has_source && a->source.family != o.dst.family) {
        cmd_puts(c, "% Source and destination are of different IP versions\n");
        return CMD_REFUSED;
    }
    struct ping_state *p = (struct ping_state *)calloc(1, sizeof *p);
    if (!p)
        return CMD_REFUSED;
    cmd_printf(c,
               "Type escape sequence to abort.\nSending %u, %u-byte ICMP Echos to %s, "
               "timeout is %u seconds:\n",
               o.count, o.size, addr_print(&o.dst, text, sizeof text), o.timeout_ms / 1000);
    if (addr_is_set(&o.src) && !c->asa)
        cmd_printf(c, "Packet sent with a source address of %s \n",
                   addr_print(&o.src, text, sizeof text));
    if (o.df)
        cmd_puts(c, "Packet sent with the DF bit set\n");
    cmd_flush(c);
    p->starting = true;
    c->state = p;
    c->on_abort = ping_abort;
    p->ping = control_ping(c->control, &o, ping_result, ping_done, c);
    p->starting = false;
    if (p->ping && !p->over)
        return CMD_ASYNC;
    if (!p->ping && !p->over && !p->sent)
        cmd_puts(c, "% Unrecognized host or address, or protocol not running.\n");
    else
        ping_summary(c, p);
    int rc = p->good ? CMD_OK : CMD_REFUSED;
    free(p);
    c->state = NULL;
    c->on_abort = NULL;
    return rc;
}
