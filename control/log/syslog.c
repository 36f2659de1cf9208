/* The messages of the box. See syslog.h. */
#include "control/log/syslog.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_MOST ((size_t)16 * 1024 * 1024) /* whatever is configured */

struct kept {
    struct kept *next;
    size_t len;
    char text[];
};

struct syslog {
    const struct clock *clock;
    struct syslog_out out;
    struct syslog_cfg cfg;
    bool configured, sending;
    usec_t booted; /* monotonic */
    uint32_t sequence;
    uint64_t count[SYSLOG_SINKS];
    uint64_t host_count[SYSLOG_HOSTS], host_dropped[SYSLOG_HOSTS];
    struct kept *first, *last;
    size_t bytes;
};

struct syslog *syslog_new(const struct clock *clock, const struct syslog_out *out)
{
    struct syslog *s = (struct syslog *)calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->clock = clock;
    s->out = *out;
    s->booted = clock_mono(clock);
    return s;
}

void syslog_set_booted(struct syslog *s, usec_t mono)
{
    s->booted = mono;
}

/* --- the buffer: whole messages, the oldest go first ---------------------------------------------
 */

static void forget_first(struct syslog *s)
{
    struct kept *k = s->first;
    s->first = k->next;
    if (!s->first)
        s->last = NULL;
    s->bytes -= k->len + 1;
    free(k);
}

static void shrink(struct syslog *s, size_t room)
{
    size_t size = s->cfg.size < BUFFER_MOST ? s->cfg.size : BUFFER_MOST;
    while (s->first && s->bytes + room > size)
        forget_first(s);
}

static void keep(struct syslog *s, const char *line)
{
    size_t len = strlen(line);
    shrink(s, len + 1);
    struct kept *k = (struct kept *)malloc(sizeof(*k) + len + 1);
    if (!k)
        return;
    k->next = NULL;
    k->len = len;
    memcpy(k->text, line, len + 1);
    if (s->last)
        s->last->next = k;
    else
        s->first = k;
    s->last = k;
    s->bytes += len + 1;
}

void syslog_clear(struct syslog *s)
{
    while (s->first)
        forget_first(s);
}

void syslog_free(struct syslog *s)
{
    if (!s)
        return;
    syslog_clear(s);
    free(s);
}

/* --- who gets a message --------------------------------------------------------------------------
 */

/* Without `logging on` a router writes to its console alone. */
static bool wants(const struct syslog *s, enum syslog_sink sink, unsigned severity)
{
    if (!s->cfg.on && sink != SYSLOG_CONSOLE)
        return false;
    return s->cfg.sink[sink].on && severity <= s->cfg.sink[sink].level;
}

static void to_hosts(struct syslog *s, unsigned severity, const char *line)
{
    struct str packet = {0};
    line_packet(&packet, s->cfg.facility, severity, s->cfg.asa ? "" : s->cfg.origin, line);
    for (unsigned i = 0; i < s->cfg.n_host && !packet.bad; i++) {
        if (s->out.send(s->out.ctx, &s->cfg.host[i], packet.s, packet.len) == 0)
            s->host_count[i]++;
        else
            s->host_dropped[i]++;
    }
    if (s->cfg.n_host)
        s->count[SYSLOG_TRAP]++;
    str_free(&packet);
}

static void deliver(struct syslog *s, unsigned severity, const char *line, bool terminals)
{
    bool console = terminals && wants(s, SYSLOG_CONSOLE, severity);
    bool monitor = terminals && wants(s, SYSLOG_MONITOR, severity);
    if (wants(s, SYSLOG_BUFFER, severity)) {
        s->count[SYSLOG_BUFFER]++;
        keep(s, line);
    }
    s->count[SYSLOG_CONSOLE] += console;
    s->count[SYSLOG_MONITOR] += monitor;
    if (console || monitor)
        s->out.terminal(s->out.ctx, console, monitor, line);
    if (wants(s, SYSLOG_TRAP, severity))
        to_hosts(s, severity, line);
}

/* One event stays one line, whatever a peer's text brings along; ours may have several lines. */
static void flatten(char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\n') || *text == 0x7f)
            *text = ' ';
}

static void message(struct syslog *s, struct line_head *h, const char *fmt, va_list ap)
{
    char text[SYSLOG_TEXT];
    struct str line = {0};
    /* What is logged while a message goes out (a server that cannot be reached) is not. */
    if (!s->configured || s->sending || h->asa != s->cfg.asa || (h->asa && !s->cfg.on))
        return;
    vsnprintf(text, sizeof(text), fmt, ap);
    flatten(text);
    for (unsigned i = 0; h->asa && i < s->cfg.n_level; i++)
        if (s->cfg.level[i].number == h->number)
            h->severity = s->cfg.level[i].level;
    s->sequence++;
    h->sequence = s->cfg.sequence ? s->sequence : 0;
    h->origin = s->cfg.origin;
    h->wall = clock_wall(s->clock);
    h->up = clock_mono(s->clock) - s->booted;
    line_format(&line, h, &s->cfg.log, text);
    s->sending = true;
    if (!line.bad)
        deliver(s, h->severity, line.s, true);
    s->sending = false;
    str_free(&line);
}

void syslog_ios(struct syslog *s, const char *facility, unsigned severity, const char *mnemonic,
                const char *fmt, ...)
{
    struct line_head h = {.facility = facility, .severity = severity, .mnemonic = mnemonic};
    va_list ap;
    va_start(ap, fmt);
    message(s, &h, fmt, ap);
    va_end(ap);
}

void syslog_asa(struct syslog *s, unsigned severity, uint32_t number, const char *fmt, ...)
{
    struct line_head h = {.asa = true, .severity = severity, .number = number};
    va_list ap;
    va_start(ap, fmt);
    message(s, &h, fmt, ap);
    va_end(ap);
}

void syslog_debug(struct syslog *s, const char *text, struct str *shown)
{
    struct line_head h = {.severity = 7};
    /* A line that goes on from the one before, and the ASA's, have nothing in front. */
    if (!s->configured || s->cfg.asa || s->sending || text[0] == ' ' || text[0] == '\t' || !*text) {
        str_add(shown, text);
        return;
    }
    s->sequence++;
    h.sequence = s->cfg.sequence ? s->sequence : 0;
    h.wall = clock_wall(s->clock);
    h.up = clock_mono(s->clock) - s->booted;
    line_format(shown, &h, &s->cfg.debug, text);
    s->sending = true;
    if (!shown->bad)
        deliver(s, 7, shown->s, false);
    s->sending = false;
}

/* --- configuration -------------------------------------------------------------------------------
 */

static const struct syslog_host *find_host(const struct syslog_cfg *c, const struct syslog_host *h,
                                           unsigned *at)
{
    for (*at = 0; *at < c->n_host; ++*at)
        if (addr_eq(&c->host[*at].addr, &h->addr) && c->host[*at].port == h->port)
            return &c->host[*at];
    return NULL;
}

static void tell_host(struct syslog *s, const struct syslog_host *h, const char *what)
{
    char addr[ADDR_STRLEN];
    syslog_ios(s, "SYS", 6, "LOGGINGHOST_STARTSTOP",
               "Logging to host %s port %u %s - CLI initiated",
               addr_print(&h->addr, addr, sizeof(addr)), h->port, what);
}

void syslog_configure(struct syslog *s, const struct syslog_cfg *cfg)
{
    struct syslog_cfg was = s->cfg;
    uint64_t count[SYSLOG_HOSTS] = {0}, dropped[SYSLOG_HOSTS] = {0};
    unsigned at;
    for (unsigned i = 0; i < was.n_host; i++)
        if (!find_host(cfg, &was.host[i], &at))
            tell_host(s, &was.host[i], "stopped");
    for (unsigned i = 0; i < cfg->n_host; i++)
        if (find_host(&was, &cfg->host[i], &at)) {
            count[i] = s->host_count[at];
            dropped[i] = s->host_dropped[at];
        }
    s->cfg = *cfg;
    s->configured = true;
    memcpy(s->host_count, count, sizeof(count));
    memcpy(s->host_dropped, dropped, sizeof(dropped));
    shrink(s, 0);
    for (unsigned i = 0; i < cfg->n_host; i++)
        if (!find_host(&was, &cfg->host[i], &at))
            tell_host(s, &cfg->host[i], "started");
}

/* --- reading -------------------------------------------------------------------------------------
 */

const struct syslog_cfg *syslog_config(const struct syslog *s)
{
    return &s->cfg;
}

uint64_t syslog_count(const struct syslog *s, enum syslog_sink sink)
{
    return s->count[sink];
}

uint64_t syslog_host_count(const struct syslog *s, unsigned host, uint64_t *dropped)
{
    *dropped = host < SYSLOG_HOSTS ? s->host_dropped[host] : 0;
    return host < SYSLOG_HOSTS ? s->host_count[host] : 0;
}

void syslog_each(const struct syslog *s, void (*fn)(void *ctx, const char *line), void *ctx)
{
    for (const struct kept *k = s->first; k; k = k->next)
        fn(ctx, k->text);
}

const char *syslog_level_name(unsigned level)
{
    static const char *const names[] = {"emergencies",   "alerts",   "critical",
                                        "errors",        "warnings", "notifications",
                                        "informational", "debugging"};
    return names[level & 7];
}
