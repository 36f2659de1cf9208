/*
 * The helpers that EXEC hooks print and ask with. See cmd.h.
 */
#include "modes/internal.h"
#include <stdio.h>
#include <string.h>

#define FLUSH_AT ((size_t)128 * 1024)

void cmd_puts(struct cmd *c, const char *text)
{
    str_add(&c->session->out, text);
    if (c->session->out.len > FLUSH_AT)
        session_flush(c->session);
}

void cmd_printf(struct cmd *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str_vprintf(&c->session->out, fmt, ap);
    va_end(ap);
    if (c->session->out.len > FLUSH_AT)
        session_flush(c->session);
}

void cmd_flush(struct cmd *c)
{
    session_flush(c->session);
}

void cmd_done(struct cmd *c, int result)
{
    session_finish(c->session, result);
}

void cmd_ask(struct cmd *c, const char *question, unsigned char echo, bool single_char,
             void (*on_answer)(struct cmd *c, const char *text))
{
    struct cli_ask ask = {.echo = echo, .single_char = single_char};
    session_flush(c->session);
    c->on_answer = on_answer;
    ipc_send2(c->session->ipc, CLI_ASK, &ask, sizeof ask, question, strlen(question));
}

const char *cmd_hostname(const struct cmd *c)
{
    return cli_hostname(c->session->cli);
}

void cmd_age(char *buf, size_t cap, int64_t seconds)
{
    int64_t days = seconds / 86400;
    if (seconds < 0)
        str_copy(buf, cap, "never");
    else if (days < 1)
        snprintf(buf, cap, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                 (int)(seconds % 60));
    else if (days < 7)
        snprintf(buf, cap, "%dd%02dh", (int)days, (int)(seconds / 3600 % 24));
    else if (days < 365)
        snprintf(buf, cap, "%dw%dd", (int)(days / 7), (int)(days % 7));
    else
        snprintf(buf, cap, "%lldy%02dw", (long long)(days / 365), (int)(days % 365 / 7));
}
