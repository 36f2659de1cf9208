/*
 * show logging, clear logging: who gets messages, how many went there, and the buffer.
 */
#include "modes/internal.h"

#define LLU(n) ((unsigned long long)(n))

static void buffered_line(void *ctx, const char *line)
{
    cmd_printf((struct cmd *)ctx, "%s\n", line);
}

/* --- ASA -----------------------------------------------------------------------------------------
 */

static const char *on(bool is)
{
    return is ? "enabled" : "disabled";
}

static void asa_sink(struct cmd *c, const char *name, enum syslog_sink sink)
{
    const struct syslog *log = control_syslog(c->control);
    const struct syslog_cfg *cfg = syslog_config(log);
    if (cfg->sink[sink].on)
        cmd_printf(c, "    %s logging: level %s, %llu messages logged\n", name,
                   syslog_level_name(cfg->sink[sink].level), LLU(syslog_count(log, sink)));
    else
        cmd_printf(c, "    %s logging: disabled\n", name);
}

static void asa_hosts(struct cmd *c)
{
    cfg_each(c->tree->root, E_LOGGING_HOST, n)
    {
        char addr[ADDR_STRLEN];
        const struct a_logging_host *a = CFG_ARGS(n, logging_host);
        cmd_printf(c, "        Logging to %s %s\n", a->nameif,
                   addr_print(&a->addr, addr, sizeof addr));
    }
}

static void device_id(struct cmd *c)
{
    const struct cfg_node *n = cfg_first(c->tree->root, E_LOGGING_DEVICE);
    const struct a_logging_device *a = n ? CFG_ARGS(n, logging_device) : NULL;
    if (!a)
        cmd_puts(c, "    Device ID: disabled\n");
    else if (a->hostname)
        cmd_printf(c, "    Device ID: hostname \"%s\"\n", cmd_hostname(c));
    else
        cmd_printf(c, "    Device ID: %s \"%s\"\n", a->has_text ? "string" : "interface",
                   a->has_text ? a->text : a->nameif);
}

static void show_asa(struct cmd *c)
{
    const struct cfg_node *root = c->tree->root;
    const struct syslog_cfg *cfg = syslog_config(control_syslog(c->control));
    cmd_printf(c, "Syslog logging: %s\n", on(cfg->on));
    cmd_printf(c, "    Facility: %u\n", cfg->facility);
    cmd_printf(c, "    Timestamp logging: %s\n", on(cfg->log.kind != STAMP_NONE));
    cmd_printf(c, "    Hide Username logging: %s\n", on(cfg_first(root, E_LOGGING_HIDE)));
    cmd_printf(c, "    Standby logging: %s\n", on(cfg_first(root, E_LOGGING_STANDBY)));
    cmd_puts(c, "    Debug-trace logging: disabled\n");
    asa_sink(c, "Console", SYSLOG_CONSOLE);
    asa_sink(c, "Monitor", SYSLOG_MONITOR);
    asa_sink(c, "Buffer", SYSLOG_BUFFER);
    asa_sink(c, "Trap", SYSLOG_TRAP);
    asa_hosts(c);
    cmd_puts(c, "    Permit-hostdown logging: disabled\n");
    cmd_puts(c, "    History logging: disabled\n");
    device_id(c);
    cmd_puts(c, "    Mail logging: disabled\n    ASDM logging: disabled\n");
    syslog_each(control_syslog(c->control), buffered_line, c);
}

/* --- IOS -----------------------------------------------------------------------------------------
 */

static void ios_sink(struct cmd *c, const char *name, enum syslog_sink sink, int indent)
{
    const struct syslog *log = control_syslog(c->control);
    const struct syslog_cfg *cfg = syslog_config(log);
    if (!cfg->sink[sink].on) {
        cmd_printf(c, "    %s disabled\n", name);
        return;
    }
    cmd_printf(c, "    %s level %s, %llu messages logged, xml disabled,\n%*sfiltering disabled\n",
               name, syslog_level_name(cfg->sink[sink].level), LLU(syslog_count(log, sink)), indent,
               "");
}

static void ios_host(struct cmd *c, unsigned i)
{
    const struct syslog *log = control_syslog(c->control);
    const struct syslog_cfg *cfg = syslog_config(log);
    char addr[ADDR_STRLEN];
    uint64_t dropped, n = syslog_host_count(log, i, &dropped);
    cmd_printf(c,
               "        Logging to %s  (udp port %u, audit disabled,\n              link up),\n"
               "              %llu message lines logged, \n"
               "              0 message lines rate-limited, \n"
               "              %llu message lines dropped-by-MD, \n"
               "              xml disabled, sequence number %s\n"
               "              filtering disabled\n",
               addr_print(&cfg->host[i].addr, addr, sizeof addr), cfg->host[i].port, LLU(n),
               LLU(dropped), on(cfg->sequence));
}

static void show_ios(struct cmd *c)
{
    const struct syslog *log = control_syslog(c->control);
    const struct syslog_cfg *cfg = syslog_config(log);
    cmd_printf(c,
               "Syslog logging: %s (0 messages dropped, 0 messages rate-limited,\n"
               "                0 flushes, 0 overruns, xml disabled, filtering disabled)\n\n"
               "No Active Message Discriminator.\n\n\n\nNo Inactive Message Discriminator.\n\n\n",
               on(cfg->on));
    ios_sink(c, "Console logging:", SYSLOG_CONSOLE, 21);
    ios_sink(c, "Monitor logging:", SYSLOG_MONITOR, 21);
    ios_sink(c, "Buffer logging: ", SYSLOG_BUFFER, 20);
    cmd_puts(c, "    Exception Logging: size (4096 bytes)\n"
                "    Count and timestamp logging messages: disabled\n"
                "    Persistent logging: disabled\n\nNo active filter modules.\n\n");
    if (cfg->sink[SYSLOG_TRAP].on)
        cmd_printf(c, "    Trap logging: level %s, %llu message lines logged\n",
                   syslog_level_name(cfg->sink[SYSLOG_TRAP].level),
                   LLU(syslog_count(log, SYSLOG_TRAP)));
    else
        cmd_puts(c, "    Trap logging: disabled\n");
    for (unsigned i = 0; i < cfg->n_host; i++)
        ios_host(c, i);
    if (cfg->n_host && cfg->host[0].source[0])
        cmd_printf(c, "        Logging Source-Interface:       VRF Name:\n        %s\n",
                   cfg->host[0].source);
    if (cfg->sink[SYSLOG_BUFFER].on)
        cmd_printf(c, "\nLog Buffer (%u bytes):\n\n", cfg->size);
    syslog_each(log, buffered_line, c);
}

int show_logging(struct cmd *c, const struct a_show_logging *a)
{
    (void)a;
    if (c->asa)
        show_asa(c);
    else
        show_ios(c);
    return CMD_OK;
}

static void clear_answer(struct cmd *c, const char *text)
{
    bool yes = !text[0] || text[0] == 'y' || text[0] == 'Y';
    cmd_puts(c, "\n");
    if (yes)
        syslog_clear(control_syslog(c->control));
    cmd_done(c, CMD_OK);
}

int clear_logging(struct cmd *c, const struct a_clear_logging *a)
{
    (void)a;
    if (c->asa) {
        syslog_clear(control_syslog(c->control));
        return CMD_OK;
    }
    cmd_ask(c, "Clear logging buffer [confirm]", 1, true, clear_answer);
    return CMD_ASYNC;
}
