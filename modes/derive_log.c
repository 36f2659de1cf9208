/*
 * Where messages go, as the intent has it.
 */
#include "modes/derive.h"
#include "modes/internal.h"
#include <stdlib.h>
#include <string.h>

#define FACILITY_LOCAL7 23

static uint8_t level_of(bool has_level, int level, bool has_number, uint64_t number)
{
    return (uint8_t)(has_level ? (unsigned)level : has_number ? (unsigned)number : 7u);
}

static void set_sink(struct syslog_cfg *c, enum syslog_sink sink, uint8_t level)
{
    c->sink[sink].on = true;
    c->sink[sink].level = level;
}

static struct syslog_host *add_host(struct syslog_cfg *c, const struct addr *a, const char *source)
{
    if (c->n_host == SYSLOG_HOSTS)
        return NULL;
    struct syslog_host *h = &c->host[c->n_host++];
    *h = (struct syslog_host){.addr = *a, .port = SYSLOG_PORT};
    str_copy(h->source, sizeof h->source, source);
    return h;
}

static const char *hostname(const struct cfg_node *root)
{
    const struct cfg_node *n = cfg_first(root, E_HOSTNAME);
    return n && CFG_ARGS(n, hostname)->name ? CFG_ARGS(n, hostname)->name : "";
}

/* --- ASA -----------------------------------------------------------------------------------------
 */

static void asa_sinks(const struct cfg_node *root, struct syslog_cfg *c)
{
    static const enum syslog_sink sink[] = {[ENUM_LOG_SINK_BUFFERED] = SYSLOG_BUFFER,
                                            [ENUM_LOG_SINK_CONSOLE] = SYSLOG_CONSOLE,
                                            [ENUM_LOG_SINK_MONITOR] = SYSLOG_MONITOR,
                                            [ENUM_LOG_SINK_TRAP] = SYSLOG_TRAP};
    cfg_each(root, E_LOGGING_SINK, n)
    {
        const struct a_logging_sink *a = CFG_ARGS(n, logging_sink);
        if (!a->has_list) /* there are no lists of messages */
            set_sink(c, sink[a->sink], level_of(a->has_level, a->level, a->has_number, a->number));
    }
}

/* "17/1514" or "udp/1514"; TCP is not spoken. */
static uint16_t udp_port(const char *proto)
{
    const char *slash = strchr(proto, '/');
    if (strncmp(proto, "17", 2) != 0 && strncmp(proto, "udp", 3) != 0)
        return 0;
    unsigned long port = slash ? strtoul(slash + 1, NULL, 10) : SYSLOG_PORT;
    return port && port <= UINT16_MAX ? (uint16_t)port : 0;
}

static void asa_hosts(struct derive *d, struct syslog_cfg *c)
{
    cfg_each(d->tree->root, E_LOGGING_HOST, n)
    {
        const struct a_logging_host *a = CFG_ARGS(n, logging_host);
        const struct intent_if *f = derive_find_if(d, a->nameif);
        uint16_t port = a->has_proto ? udp_port(a->proto) : SYSLOG_PORT;
        struct syslog_host *h = f && port ? add_host(c, &a->addr, f->name) : NULL;
        if (h)
            h->port = port;
    }
}

static void asa_origin(struct derive *d, struct syslog_cfg *c)
{
    const struct cfg_node *n = cfg_first(d->tree->root, E_LOGGING_DEVICE);
    const struct a_logging_device *a = n ? CFG_ARGS(n, logging_device) : NULL;
    char text[ADDR_STRLEN];
    if (!a)
        return;
    const struct intent_if *f = a->has_nameif ? derive_find_if(d, a->nameif) : NULL;
    if (a->hostname)
        str_copy(c->origin, sizeof c->origin, hostname(d->tree->root));
    else if (a->has_text)
        str_copy(c->origin, sizeof c->origin, a->text);
    else if (f && addr_is_set(&f->addr.addr))
        str_copy(c->origin, sizeof c->origin, addr_print(&f->addr.addr, text, sizeof text));
}

static void asa_log(struct derive *d, struct syslog_cfg *c)
{
    const struct cfg_node *root = d->tree->root;
    const struct cfg_node *n = cfg_first(root, E_LOGGING_FACILITY);
    c->on = cfg_first(root, E_LOGGING_ENABLE) != NULL;
    c->facility = n ? (uint8_t)CFG_ARGS(n, logging_facility)->n : 20;
    n = cfg_first(root, E_LOGGING_SIZE);
    c->size = n ? (uint32_t)CFG_ARGS(n, logging_size)->size : 4096;
    n = cfg_first(root, E_LOGGING_TIMESTAMP);
    if (n)
        c->log.kind = CFG_ARGS(n, logging_timestamp)->rfc5424 ? STAMP_RFC5424 : STAMP_ASA;
    c->log.zone = derive_zone(root);
    asa_sinks(root, c);
    asa_hosts(d, c);
    asa_origin(d, c);
    cfg_each(root, E_LOGGING_MESSAGE, m)
    {
        const struct a_logging_message *a = CFG_ARGS(m, logging_message);
        if ((!a->has_level && !a->has_number) || c->n_level == SYSLOG_LEVELS)
            continue;
        c->level[c->n_level].number = (uint32_t)a->id;
        c->level[c->n_level++].level = level_of(a->has_level, a->level, a->has_number, a->number);
    }
}

/* --- IOS -----------------------------------------------------------------------------------------
 */

static void ios_buffer(const struct cfg_node *root, struct syslog_cfg *c)
{
    const struct cfg_node *n = cfg_first(root, E_LOG_BUFFERED);
    const struct a_log_buffered *a = n ? CFG_ARGS(n, log_buffered) : NULL;
    c->size = a && a->has_size ? (uint32_t)a->size : 4096;
    if (!cfg_first(root, E_LOG_NOT_BUFFERED))
        set_sink(c, SYSLOG_BUFFER,
                 a ? level_of(a->has_level, a->level, a->has_number, a->number) : 7);
}

static void ios_sinks(const struct cfg_node *root, struct syslog_cfg *c)
{
    if (!cfg_first(root, E_LOG_NO_CONSOLE))
        set_sink(c, SYSLOG_CONSOLE, 7);
    if (!cfg_first(root, E_LOG_NO_MONITOR))
        set_sink(c, SYSLOG_MONITOR, 7);
    cfg_each(root, E_LOG_LEVEL_IOS, n)
    {
        const struct a_log_level_ios *a = CFG_ARGS(n, log_level_ios);
        set_sink(c, a->sink == ENUM_LOG_SINK_IOS_CONSOLE ? SYSLOG_CONSOLE : SYSLOG_MONITOR,
                 level_of(a->has_level, a->level, a->has_number, a->number));
    }
    const struct cfg_node *t = cfg_first(root, E_LOG_TRAP);
    const struct a_log_trap *a = t ? CFG_ARGS(t, log_trap) : NULL;
    if (!cfg_first(root, E_LOG_NO_TRAP))
        set_sink(c, SYSLOG_TRAP,
                 a ? level_of(a->has_level, a->level, a->has_number, a->number) : 6);
}

static void ios_hosts(struct derive *d, struct syslog_cfg *c)
{
    static const uint8_t code[] = {
        [ENUM_LOG_FACILITY_IOS_KERN] = 0,    [ENUM_LOG_FACILITY_IOS_USER] = 1,
        [ENUM_LOG_FACILITY_IOS_MAIL] = 2,    [ENUM_LOG_FACILITY_IOS_DAEMON] = 3,
        [ENUM_LOG_FACILITY_IOS_AUTH] = 4,    [ENUM_LOG_FACILITY_IOS_SYSLOG] = 5,
        [ENUM_LOG_FACILITY_IOS_LPR] = 6,     [ENUM_LOG_FACILITY_IOS_NEWS] = 7,
        [ENUM_LOG_FACILITY_IOS_UUCP] = 8,    [ENUM_LOG_FACILITY_IOS_CRON] = 9,
        [ENUM_LOG_FACILITY_IOS_LOCAL0] = 16, [ENUM_LOG_FACILITY_IOS_LOCAL1] = 17,
        [ENUM_LOG_FACILITY_IOS_LOCAL2] = 18, [ENUM_LOG_FACILITY_IOS_LOCAL3] = 19,
        [ENUM_LOG_FACILITY_IOS_LOCAL4] = 20, [ENUM_LOG_FACILITY_IOS_LOCAL5] = 21,
        [ENUM_LOG_FACILITY_IOS_LOCAL6] = 22, [ENUM_LOG_FACILITY_IOS_LOCAL7] = 23};
    const struct cfg_node *root = d->tree->root, *n = cfg_first(root, E_LOG_FACILITY_IOS);
    c->facility = n ? code[CFG_ARGS(n, log_facility_ios)->facility] : FACILITY_LOCAL7;
    n = cfg_first(root, E_LOG_SOURCE);
    const char *source = n ? CFG_ARGS(n, log_source)->name : "";
    cfg_each(root, E_LOG_HOST, k)
    {
        const struct a_log_host *a = CFG_ARGS(k, log_host);
        struct syslog_host *h = add_host(c, &a->addr, source);
        if (h && a->has_port)
            h->port = (uint16_t)a->port;
    }
}

/* The address that stands for the box is that of the source interface, or of the first one. */
static void ios_origin(struct derive *d, struct syslog_cfg *c)
{
    const struct cfg_node *n = cfg_first(d->tree->root, E_LOG_ORIGIN);
    const struct cfg_node *source = cfg_first(d->tree->root, E_LOG_SOURCE);
    const struct a_log_origin *a = n ? CFG_ARGS(n, log_origin) : NULL;
    char text[ADDR_STRLEN];
    if (!a)
        return;
    if (a->hostname)
        str_copy(c->origin, sizeof c->origin, hostname(d->tree->root));
    if (a->has_text)
        str_copy(c->origin, sizeof c->origin, a->text);
    for (uint32_t i = 0; a->ip && i < d->out->n_if && !c->origin[0]; i++) {
        const struct intent_if *f = &d->out->ifs[i];
        if (addr_is_set(&f->addr.addr) &&
            (!source || strcmp(CFG_ARGS(source, log_source)->name, f->name) == 0))
            str_copy(c->origin, sizeof c->origin, addr_print(&f->addr.addr, text, sizeof text));
    }
}

struct clock_zone derive_zone(const struct cfg_node *root)
{
    struct clock_zone z = {0};
    const struct cfg_node *n = cfg_first(root, E_CLOCK_TIMEZONE);
    if (!n)
        return z;
    const struct a_clock_timezone *a = CFG_ARGS(n, clock_timezone);
    int32_t minutes = a->has_minutes ? (int32_t)a->minutes : 0;
    str_copy(z.name, sizeof z.name, a->zone);
    z.minutes =
        (int32_t)strtol(a->hours, NULL, 10) * 60 + (a->hours[0] == '-' ? -minutes : minutes);
    return z;
}

static void ios_log(struct derive *d, struct syslog_cfg *c)
{
    const struct cfg_node *root = d->tree->root, *n;
    c->on = cfg_first(root, E_LOGGING_OFF) == NULL;
    c->sequence = cfg_first(root, E_SEQUENCE_NUMBERS) != NULL;
    if ((n = cfg_first(root, E_TIMESTAMPS_LOG))) {
        const struct a_timestamps_log *a = CFG_ARGS(n, timestamps_log);
        c->log = (struct stamp){.kind = a->uptime ? STAMP_UPTIME : STAMP_DATETIME,
                                .msec = a->msec,
                                .timezone = a->timezone,
                                .year = a->year};
        if (a->localtime)
            c->log.zone = derive_zone(root);
    }
    if ((n = cfg_first(root, E_TIMESTAMPS_DEBUG))) {
        const struct a_timestamps_debug *a = CFG_ARGS(n, timestamps_debug);
        c->debug = (struct stamp){.kind = a->uptime ? STAMP_UPTIME : STAMP_DATETIME,
                                  .msec = a->msec,
                                  .timezone = a->timezone,
                                  .year = a->year};
        if (a->localtime)
            c->debug.zone = derive_zone(root);
    }
    ios_buffer(root, c);
    ios_sinks(root, c);
    ios_hosts(d, c);
    ios_origin(d, c);
    d->out->log_session = cfg_first(root, E_CRYPTO_LOG_SESSION) != NULL;
    d->out->log_ikev2 = cfg_first(root, E_CRYPTO_LOG_IKEV2) != NULL;
}

void derive_log(struct derive *d)
{
    struct syslog_cfg *c = &d->out->log;
    c->asa = d->asa;
    if (d->asa)
        asa_log(d, c);
    else
        ios_log(d, c);
}
