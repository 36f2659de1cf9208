/*
 * show logging: what the logging lines of the configuration ask for. Messages are not kept yet
 * (the lines are `status accepted`), so every count is what it is: none.
 */
#include "modes/internal.h"

static const char *const levels[] = {"emergencies", "alerts",        "critical",      "errors",
                                     "warnings",    "notifications", "informational", "debugging"};

static const char *on(bool is)
{
    return is ? "enabled" : "disabled";
}

static void sink(struct cmd *c, const char *name, int kind)
{
    const struct a_logging_sink *found = NULL;
    cfg_each(c->tree->root, E_LOGGING_SINK, n)
    {
        if (CFG_ARGS(n, logging_sink)->sink == kind)
            found = CFG_ARGS(n, logging_sink);
    }
    if (!found) {
        cmd_printf(c, "    %s logging: disabled\n", name);
        return;
    }
    const char *what = found->has_list ? found->list : "";
    unsigned level = found->has_level ? (unsigned)found->level : (unsigned)found->number;
    if (!found->has_list && level < sizeof levels / sizeof *levels)
        what = levels[level];
    cmd_printf(c, "    %s logging: %s %s, 0 messages logged\n", name,
               found->has_list ? "list" : "level", what);
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

int show_logging(struct cmd *c, const struct a_show_logging *a)
{
    const struct cfg_node *root = c->tree->root;
    const struct cfg_node *f = cfg_first(root, E_LOGGING_FACILITY);
    (void)a;
    cmd_printf(c, "Syslog logging: %s\n", on(cfg_first(root, E_LOGGING_ENABLE)));
    cmd_printf(c, "    Facility: %u\n", f ? (unsigned)CFG_ARGS(f, logging_facility)->n : 20);
    cmd_printf(c, "    Timestamp logging: %s\n", on(cfg_first(root, E_LOGGING_TIMESTAMP)));
    cmd_printf(c, "    Hide Username logging: %s\n", on(cfg_first(root, E_LOGGING_HIDE)));
    cmd_printf(c, "    Standby logging: %s\n", on(cfg_first(root, E_LOGGING_STANDBY)));
    cmd_puts(c, "    Debug-trace logging: disabled\n");
    sink(c, "Console", ENUM_LOG_SINK_CONSOLE);
    sink(c, "Monitor", ENUM_LOG_SINK_MONITOR);
    sink(c, "Buffer", ENUM_LOG_SINK_BUFFERED);
    sink(c, "Trap", ENUM_LOG_SINK_TRAP);
    cmd_puts(c, "    Permit-hostdown logging: disabled\n");
    sink(c, "History", ENUM_LOG_SINK_HISTORY);
    device_id(c);
    sink(c, "Mail", ENUM_LOG_SINK_MAIL);
    sink(c, "ASDM", ENUM_LOG_SINK_ASDM);
    return CMD_OK;
}
