/*
 * show sla monitor, show ip sla, and their debugging: what the probes of control/sla/ found.
 */
#include "modes/internal.h"
#include "modes/render.h"
#include <stdio.h>

/* --- words ---------------------------------------------------------------------------------------
 */

static const char *yes(bool b)
{
    return b ? "TRUE" : "FALSE";
}

const char *sla_code_text(enum sla_code code)
{
    switch (code) {
    case SLA_OK:
        return "OK";
    case SLA_OVER_THRESHOLD:
        return "Over threshold";
    case SLA_TIMEOUT:
        return "Timeout";
    case SLA_NO_CONNECTION:
        return "No connection";
    case SLA_VERIFY_ERROR:
        return "Verify error";
    case SLA_ERROR:
        return "Internal error";
    case SLA_NONE:
        break;
    }
    return "Unknown";
}

static const char *life_text(const struct sla_view *v)
{
    static const char *const text[] = {
        [SLA_PENDING] = "Pending", [SLA_ACTIVE] = "Active", [SLA_INACTIVE] = "Inactive"};
    return text[v->state];
}

static const char *type_text(const struct sla_view *v)
{
    static const char *const text[] = {[SLA_ICMP_ECHO] = "icmp-echo",
                                       [SLA_UDP_ECHO] = "udp-echo",
                                       [SLA_TCP_CONNECT] = "tcp-connect"};
    return text[v->cfg->type];
}

static bool measured(const struct sla_view *v)
{
    return v->code == SLA_OK || v->code == SLA_OVER_THRESHOLD;
}

static void clock_line(struct str *out, const char *label, const struct cfg_tree *tree, usec_t wall,
                       bool msec, const char *never)
{
    char when[64];
    time_clock(when, sizeof when, tree, wall, msec);
    str_printf(out, "%s: %s\n", label, wall ? when : never);
}

/* --- show sla monitor operational-state
 * -----------------------------------------------------------
 */

static void state_head(struct str *out, const struct cfg_tree *tree, const struct sla_view *v)
{
    str_printf(out, "Entry number: %u\n", (unsigned)v->cfg->number);
    clock_line(out, "Modification time", tree, v->modified, true, "Never");
    str_printf(out, "Number of Octets Used by this Entry: %u\n", (unsigned)v->octets);
    str_printf(out, "Number of operations attempted: %llu\n", (unsigned long long)v->attempted);
    str_printf(out, "Number of operations skipped: %llu\n", (unsigned long long)v->skipped);
    if (v->life_left < 0)
        str_add(out, "Current seconds left in Life: Forever\n");
    else
        str_printf(out, "Current seconds left in Life: %lld\n", (long long)v->life_left);
    str_printf(out, "Operational state of entry: %s\n", life_text(v));
    clock_line(out, "Last time this entry was reset", tree, v->reset, true, "Never");
}

void render_sla_state(struct str *out, const struct cfg_tree *tree, const struct sla_view *v)
{
    state_head(out, tree, v);
    str_printf(out, "Connection loss occurred: %s\n", yes(v->lost));
    str_printf(out, "Timeout occurred: %s\n", yes(v->timed_out));
    str_printf(out, "Over thresholds occurred: %s\n", yes(v->over));
    if (measured(v))
        str_printf(out, "Latest RTT (milliseconds): %u\n", (unsigned)v->rtt);
    else
        str_add(out, "Latest RTT (milliseconds) :\n");
    clock_line(out, "Latest operation start time", tree, v->started, true, "Unknown");
    str_printf(out, "Latest operation return code: %s\n", sla_code_text(v->code));
    str_add(out, "RTT Values:\n");
    str_printf(out, "RTTAvg: %u\tRTTMin: %u\tRTTMax: %u\n", (unsigned)v->rtt, (unsigned)v->rtt_min,
               (unsigned)v->rtt_max);
    str_printf(out, "NumOfRTT: %u\tRTTSum: %llu\tRTTSum2: %llu\n\n", (unsigned)v->rtts,
               (unsigned long long)v->rtt_sum, (unsigned long long)v->rtt_sum2);
}

/* --- configuration
 * --------------------------------------------------------------------------------
 */

static void schedule_lines(struct str *out, const struct cfg_tree *tree, const struct sla_view *v,
                           const char *in)
{
    const struct intent_sla *c = v->cfg;
    char when[64] = "Pending trigger";
    if (v->state != SLA_PENDING)
        snprintf(when, sizeof when, "Start Time already passed");
    else if (v->starts)
        time_clock(when, sizeof when, tree, v->starts, false);
    str_printf(out, "%sNext Scheduled Start Time: %s\n", in, when);
    str_printf(out, "%sGroup Scheduled : FALSE\n", in);
    if (*in)
        str_printf(out, "%sRandomly Scheduled : FALSE\n", in);
    if (c->life == SLA_FOREVER)
        str_printf(out, "%sLife (seconds): Forever\n", in);
    else
        str_printf(out, "%sLife (seconds): %u\n", in, (unsigned)c->life);
    if (c->ageout)
        str_printf(out, "%sEntry Ageout (seconds): %u\n", in, (unsigned)c->ageout);
    else
        str_printf(out, "%sEntry Ageout (seconds): never\n", in);
    str_printf(out, "%sRecurring (Starting Everyday): %s\n", in, yes(c->recurring));
    str_printf(out, "%sStatus of entry (SNMP RowStatus): %s\n", in,
               c->scheduled ? "Active" : "notInService");
}

static void config_asa(struct str *out, const struct cfg_tree *tree, const struct cfg_node *n,
                       const struct sla_view *v)
{
    const struct intent_sla *c = v->cfg;
    const struct cfg_node *type = cfg_first(n, E_SLA_TYPE);
    char target[ADDR_STRLEN];
    str_printf(out, "Entry number: %u\nOwner: \nTag: \n", (unsigned)c->number);
    str_printf(out, "Type of operation to perform: echo\nTarget address: %s\n",
               addr_print(&c->target, target, sizeof target));
    str_printf(out, "Interface: %s\n", type ? CFG_ARGS(type, sla_type)->nameif : "");
    str_printf(out, "Number of packets: %u\n", (unsigned)c->packets);
    str_printf(out, "Request size (ARR data portion): %u\n", (unsigned)c->size);
    str_printf(out, "Operation timeout (milliseconds): %u\n", (unsigned)c->timeout);
    str_printf(out, "Type Of Service parameters: 0x%x\nVerify data: No\n", c->tos);
    str_printf(out, "Operation frequency (seconds): %u\n", (unsigned)c->frequency);
    schedule_lines(out, tree, v, "");
    str_add(out, "Enhanced History:\n\n");
}

static void target_lines(struct str *out, const struct sla_view *v)
{
    const struct intent_sla *c = v->cfg;
    char target[ADDR_STRLEN], source[ADDR_STRLEN];
    addr_print(&c->target, target, sizeof target);
    if (c->ifname[0])
        str_printf(out, "Target address/Source interface: %s/%s\n", target, c->ifname);
    else
        str_printf(out, "Target address/Source address: %s/%s\n", target,
                   addr_is_set(&c->source) ? addr_print(&c->source, source, sizeof source)
                                           : "0.0.0.0");
    if (c->type != SLA_ICMP_ECHO)
        str_printf(out, "Target port/Source port: %u/%u\n", c->port, c->source_port);
    str_printf(out, "Type Of Service parameter: 0x%x\n", c->tos);
}

/* The number of a leaf that nothing acts on, or what holds without it. */
#define KEPT(type, entry, struct_name, otherwise)                                                  \
    (cfg_first(type, entry) ? (unsigned)CFG_ARGS(cfg_first(type, entry), struct_name)->n           \
                            : (unsigned)(otherwise))

static const char *filter(const struct cfg_node *type)
{
    const struct cfg_node *n = cfg_first(type, E_IP_SLA_FILTER);
    const struct a_ip_sla_filter *a = n ? CFG_ARGS(n, ip_sla_filter) : NULL;
    if (!a || a->none)
        return "None";
    return a->all ? "All" : a->over ? "Over Threshold" : "Failures";
}

static void history_lines(struct str *out, const struct cfg_node *type)
{
    str_printf(out, "Distribution Statistics:\n   Number of statistic hours kept: %u\n",
               KEPT(type, E_IP_SLA_HOURS, ip_sla_hours, 2));
    str_printf(out, "   Number of statistic distribution buckets kept: %u\n",
               KEPT(type, E_IP_SLA_DISTRIBUTIONS, ip_sla_distributions, 1));
    str_printf(out, "   Statistic distribution interval (milliseconds): %u\n",
               KEPT(type, E_IP_SLA_INTERVAL, ip_sla_interval, 20));
    str_printf(out, "Enhanced History:\nHistory Statistics:\n   Number of history Lives kept: %u\n",
               KEPT(type, E_IP_SLA_LIVES, ip_sla_lives, 0));
    str_printf(out, "   Number of history Buckets kept: %u\n",
               KEPT(type, E_IP_SLA_BUCKETS, ip_sla_buckets, 15));
    str_printf(out, "   History Filter Type: %s\n\n", filter(type));
}

static const struct cfg_node *type_of(const struct cfg_node *n, enum intent_sla_type type)
{
    static const uint16_t entry[] = {[SLA_ICMP_ECHO] = E_IP_SLA_ICMP,
                                     [SLA_UDP_ECHO] = E_IP_SLA_UDP,
                                     [SLA_TCP_CONNECT] = E_IP_SLA_TCP};
    return cfg_first(n, entry[type]);
}

static void config_ios(struct str *out, const struct cfg_tree *tree, const struct cfg_node *n,
                       const struct sla_view *v)
{
    const struct intent_sla *c = v->cfg;
    const struct cfg_node *type = type_of(n, c->type);
    if (!type)
        return;
    const struct cfg_node *owner = cfg_first(type, E_IP_SLA_OWNER);
    const struct cfg_node *tag = cfg_first(type, E_IP_SLA_TAG);
    const struct cfg_node *vrf = cfg_first(type, E_IP_SLA_VRF);
    str_printf(out, "Entry number: %u\n", (unsigned)c->number);
    str_printf(out, "Owner: %s\n", owner ? CFG_ARGS(owner, ip_sla_owner)->text : "");
    str_printf(out, "Tag: %s\n", tag ? CFG_ARGS(tag, ip_sla_tag)->text : "");
    str_printf(out, "Operation timeout (milliseconds): %u\n", (unsigned)c->timeout);
    str_printf(out, "Type of operation to perform: %s\n", type_text(v));
    target_lines(out, v);
    if (c->type != SLA_TCP_CONNECT)
        str_printf(out, "Request size (ARR data portion): %u\n", (unsigned)c->size);
    if (cfg_first(type, E_IP_SLA_PATTERN))
        str_printf(out, "Data pattern: 0x%08X\n", (unsigned)c->pattern);
    if (c->type != SLA_TCP_CONNECT)
        str_printf(out, "Verify data: %s\n", c->verify ? "Yes" : "No");
    if (c->type != SLA_ICMP_ECHO) /* nobody is asked to listen first */
        str_add(out, "Control Packets: disabled\n");
    str_printf(out, "Vrf Name: %s\nSchedule:\n", vrf ? CFG_ARGS(vrf, ip_sla_vrf)->name : "");
    str_printf(out,
               "   Operation frequency (seconds): %u  (not considered if randomly scheduled)\n",
               (unsigned)c->frequency);
    schedule_lines(out, tree, v, "   ");
    str_printf(out, "Threshold (milliseconds): %u\n", (unsigned)c->threshold);
    history_lines(out, type);
}

void render_sla_config(struct str *out, const struct cfg_tree *tree, const struct sla_view *v,
                       bool asa)
{
    cfg_each(tree->root, asa ? E_SLA_MONITOR : E_IP_SLA, n)
    {
        uint64_t id = asa ? CFG_ARGS(n, sla_monitor)->id : CFG_ARGS(n, ip_sla)->id;
        if (id != v->cfg->number)
            continue;
        if (asa)
            config_asa(out, tree, n, v);
        else
            config_ios(out, tree, n, v);
        return;
    }
}

/* --- show ip sla statistics, summary
 * ---------------------------------------------------------------
 */

void render_sla_statistics(struct str *out, const struct cfg_tree *tree, const struct sla_view *v,
                           bool details)
{
    str_printf(out, "IPSLA operation id: %u\n", (unsigned)v->cfg->number);
    if (measured(v))
        str_printf(out, "        Latest RTT: %u milliseconds\n", (unsigned)v->rtt);
    else
        str_add(out, "        Latest RTT: NoConnection/Busy/Timeout\n");
    clock_line(out, "Latest operation start time", tree, v->started, false,
               "*00:00:00.000 UTC Mon Jan 1 1900");
    str_printf(out, "Latest operation return code: %s\n", sla_code_text(v->code));
    if (details)
        str_printf(out, "Over thresholds occurred: %s\n", yes(v->over));
    str_printf(out, "Number of successes: %llu\nNumber of failures: %llu\n",
               (unsigned long long)v->successes, (unsigned long long)v->failures);
    if (v->life_left < 0)
        str_add(out, "Operation time to live: Forever\n");
    else
        str_printf(out, "Operation time to live: %lld sec\n", (long long)v->life_left);
    if (details) {
        str_printf(out, "Operational state of entry: %s\n", life_text(v));
        clock_line(out, "Last time this entry was reset", tree, v->reset, false, "Never");
    }
    str_add(out, "\n\n\n");
}

static void ago(char *buf, size_t cap, int64_t s)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } unit[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t i = 0, n = 0;
    while (i < 3 && s < unit[i].seconds)
        i++;
    for (size_t last = i == 3 ? 3 : i + 1; i <= last; i++) { /* the two largest */
        int64_t count = s / unit[i].seconds;
        s %= unit[i].seconds;
        n += (size_t)snprintf(buf + n, cap - n, "%s%lld %s%s", n ? ", " : "", (long long)count,
                              unit[i].name, count == 1 ? "" : "s");
    }
    snprintf(buf + n, cap - n, " ago");
}

void render_sla_summary(struct str *out, const struct sla_view *v, usec_t wall)
{
    static const char sign[] = {[SLA_PENDING] = '~', [SLA_ACTIVE] = '*', [SLA_INACTIVE] = '^'};
    char target[ADDR_STRLEN], stats[16] = "-", when[96] = "-";
    if (measured(v))
        snprintf(stats, sizeof stats, "RTT=%u", (unsigned)v->rtt);
    if (v->started)
        ago(when, sizeof when, wall > v->started ? (wall - v->started) / USEC_PER_SEC : 0);
    str_printf(out, "%c%-12u%-12s%-17s %-12s%-11s %s\n", sign[v->state], (unsigned)v->cfg->number,
               type_text(v), addr_print(&v->cfg->target, target, sizeof target), stats,
               sla_code_text(v->code), when);
}

/* --- hooks
 * ----------------------------------------------------------------------------------------
 */

enum what { STATE, CONFIG, STATISTICS, DETAILS, SUMMARY };

struct printing {
    struct cmd *c;
    enum what what;
    uint32_t only; /* 0: all */
    struct str out;
};

static bool print_one(void *ctx, const struct sla_view *v)
{
    struct printing *p = (struct printing *)ctx;
    if (p->only && v->cfg->number != p->only)
        return true;
    switch (p->what) {
    case STATE:
        render_sla_state(&p->out, p->c->tree, v);
        break;
    case CONFIG:
        render_sla_config(&p->out, p->c->tree, v, p->c->asa);
        break;
    case STATISTICS:
    case DETAILS:
        render_sla_statistics(&p->out, p->c->tree, v, p->what == DETAILS);
        break;
    case SUMMARY:
        render_sla_summary(&p->out, v, clock_wall(control_clock(p->c->control)));
        break;
    }
    cmd_puts(p->c, str_text(&p->out));
    str_clear(&p->out);
    return true;
}

static int print_all(struct cmd *c, enum what what, bool has_only, uint64_t only)
{
    struct printing p = {.c = c, .what = what, .only = has_only ? (uint32_t)only : 0};
    query_sla(c->control, print_one, &p);
    str_free(&p.out);
    return CMD_OK;
}

int show_sla_state(struct cmd *c, const struct a_show_sla_state *a)
{
    return print_all(c, STATE, a->has_entry, a->entry);
}

int show_sla_config(struct cmd *c, const struct a_show_sla_config *a)
{
    cmd_puts(c, c->asa ? "SA Agent, Infrastructure Engine-II\n"
                       : "IP SLAs Infrastructure Engine-III\n");
    return print_all(c, CONFIG, a->has_entry, a->entry);
}

int show_ip_sla_statistics(struct cmd *c, const struct a_show_ip_sla_statistics *a)
{
    cmd_puts(c, "IPSLAs Latest Operation Statistics\n\n");
    return print_all(c, a->details ? DETAILS : STATISTICS, a->has_entry, a->entry);
}

int show_ip_sla_summary(struct cmd *c, const struct a_show_ip_sla_summary *a)
{
    (void)a;
    cmd_puts(c, "IPSLAs Latest Operation Summary\n"
                "Codes: * active, ^ inactive, ~ pending\n"
                "All Stats are in milliseconds. Stats with u are in microseconds\n\n"
                "ID           Type        Destination       Stats       Return      Last\n"
                "                                            (ms)        Code        Run \n"
                "-----------------------------------------------------------------------\n");
    return print_all(c, SUMMARY, false, 0);
}

int ip_sla_restart(struct cmd *c, const struct a_ip_sla_restart *a)
{
    if (control_sla_restart(c->control, (uint32_t)a->id))
        return CMD_OK;
    cmd_puts(c, "%Entry not configured\n");
    return CMD_REFUSED;
}

static int take_away(struct txn *t, void *ctx)
{
    (void)ctx;
    for (const struct cfg_node *n; (n = cfg_first(t->tree->root, E_IP_SLA));)
        if (txn_remove(t, txn_node(t, n)) < 0)
            return -1;
    return 0;
}

int ip_sla_reset(struct cmd *c, const struct a_ip_sla_reset *a)
{
    (void)a;
    if (cli_config(c->session->cli, take_away, NULL) < 0)
        return CMD_REFUSED;
    cli_edited(c->session->cli, c->session);
    return CMD_OK;
}

/* --- debug
 * ----------------------------------------------------------------------------------------
 */

static int debug(struct cmd *c, bool error, uint32_t level)
{
    unsigned cls = CONTROL_DEBUG_SLA + (error ? SLA_TRACE_ERROR : SLA_TRACE_STEP);
    control_debug(c->control, cls, level);
    if (level)
        c->session->debugging = true;
    if (!c->asa)
        cmd_printf(c, "IP SLA %s debugging is %s\n", error ? "ERROR" : "TRACE",
                   level ? "on" : "off");
    return CMD_OK;
}

int debug_sla(struct cmd *c, const struct a_debug_sla *a)
{
    return debug(c, a->error, a->has_entry ? (uint32_t)a->entry : CONTROL_DEBUG_ALL);
}

int undebug_sla(struct cmd *c, const struct a_undebug_sla *a)
{
    return debug(c, a->error, 0);
}
