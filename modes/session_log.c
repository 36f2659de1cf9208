/*
 * What sessions do, as messages of the box: who configured it, who came and went. A line that
 * holds a secret is told by its first word alone.
 */
#include "modes/internal.h"
#include "parser/grammar.h"
#include <string.h>

/* Which of the lines for sessions from outside this one is: older ones have the lower numbers. */
static unsigned vty(const struct session *s)
{
    unsigned n = 0;
    for (const struct session *o = s->next; o; o = o->next)
        n += !o->trusted && o->started;
    return n;
}

static struct syslog *log_of(const struct session *s)
{
    return control_syslog(s->cli->control);
}

void session_log_left_config(const struct session *s)
{
    cli_apply_now(s->cli); /* as lines do on the platform: before anything is said of them */
    if (s->trusted)
        syslog_ios(log_of(s), "SYS", 5, "CONFIG_I", "Configured from console by %s",
                   s->login[0] ? s->login : "console");
    else
        syslog_ios(log_of(s), "SYS", 5, "CONFIG_I", "Configured from console by %s on vty%u (%s)",
                   s->login, vty(s), s->peer);
}

void session_log_command(const struct session *s, const char *text, bool config)
{
    bool secret = s->line.entry && line_has_secret(s->line.entry);
    const char *line = text + strspn(text, " \t");
    int len = (int)(secret ? strcspn(line, " \t") : strlen(line));
    const char *hidden = secret ? " *****" : "", *from = s->trusted ? "console" : s->peer;
    if (!config) {
        syslog_asa(log_of(s), 7, 111009, "User '%s' executed cmd: %.*s%s", s->user, len, line,
                   hidden);
        return;
    }
    syslog_asa(log_of(s), 5, 111008, "User '%s' executed the '%.*s%s' command.", s->user, len, line,
               hidden);
    syslog_asa(log_of(s), 5, 111010, "User '%s', running 'CLI' from IP %s, executed '%.*s%s'",
               s->user, s->trusted ? "0.0.0.0" : from, len, line, hidden);
}

void session_log_auth(const struct session *s, const char *user, int len, bool ok)
{
    syslog_asa(log_of(s), 6, ok ? 611101 : 611102,
               "User authentication %s: IP address: %s, Uname: %.*s", ok ? "succeeded" : "failed",
               s->peer, len, user);
}

void session_log_gone(const struct session *s)
{
    if (!s->started || !s->login[0])
        return;
    syslog_ios(log_of(s), "SYS", 6, "LOGOUT", "User %s has exited tty session %u(%s)", s->login,
               vty(s), s->peer);
    syslog_asa(log_of(s), 5, 611103, "User logged out: Uname: %s", s->login);
}
