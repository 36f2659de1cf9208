/*
 * The other end of a CLI session: sends frames over a socketpair and turns the loop until the
 * engine has answered.
 */
#ifndef TANDEM_TESTS_FAKE_SHELL_H
#define TANDEM_TESTS_FAKE_SHELL_H

#include "fake_control.h"
#include "lib/cliproto.h"
#include "modes/session.h"
#include <sys/socket.h>

struct shell {
    struct control *c;
    struct ipc *ipc;
    struct str out, prompt, ask, completion, notice;
    struct cli_done done;
    struct cli_filter filter;
    char filter_re[256];
    struct cli_auth_result auth;
    bool got_done, got_ask, got_auth, got_completion, bye, closed, filtered;
    bool ask_echo, ask_single;
};

static void shell_msg(struct ipc *i, struct ipc_msg *m, void *ctx)
{
    struct shell *s = (struct shell *)ctx;
    const char *text = (const char *)m->data;
    (void)i;
    if (m->type == CLI_OUT) {
        str_addn(&s->out, text, m->len);
    } else if (m->type == CLI_DONE && m->len >= sizeof s->done) {
        memcpy(&s->done, m->data, sizeof s->done);
        str_clear(&s->prompt);
        str_addn(&s->prompt, text + sizeof s->done, m->len - sizeof s->done);
        s->got_done = true;
    } else if (m->type == CLI_ASK && m->len >= sizeof(struct cli_ask)) {
        struct cli_ask a;
        memcpy(&a, m->data, sizeof a);
        s->ask_echo = a.echo;
        s->ask_single = a.single_char;
        str_clear(&s->ask);
        str_addn(&s->ask, text + sizeof a, m->len - sizeof a);
        s->got_ask = true;
    } else if (m->type == CLI_FILTER) {
        memcpy(&s->filter, m->data, sizeof s->filter);
        size_t n = m->len - sizeof s->filter;
        memcpy(s->filter_re, text + sizeof s->filter, n);
        s->filter_re[n] = 0;
        s->filtered = true;
    } else if (m->type == CLI_AUTH_RESULT) {
        memcpy(&s->auth, m->data, sizeof s->auth);
        s->got_auth = true;
    } else if (m->type == CLI_COMPLETION) {
        str_clear(&s->completion);
        str_addn(&s->completion, text, m->len);
        s->got_completion = true;
    } else if (m->type == CLI_NOTICE) {
        str_addn(&s->notice, text, m->len);
    } else if (m->type == CLI_BYE) {
        str_addn(&s->out, text, m->len);
        s->bye = true;
    }
}

static void shell_closed(struct ipc *i, void *ctx)
{
    (void)i;
    ((struct shell *)ctx)->closed = true;
}

static inline void shell_wait(struct shell *s)
{
    while (!s->got_done && !s->got_ask && !s->got_auth && !s->got_completion && !s->bye &&
           !s->closed)
        event_base_loop(s->c->base, EVLOOP_ONCE);
}

static inline void shell_send(struct shell *s, uint16_t type, const void *data, size_t len)
{
    s->got_done = s->got_ask = s->got_auth = s->got_completion = false;
    ipc_send(s->ipc, type, data, len);
}

/* Sends a text and waits for what ends it. */
static inline void shell_do(struct shell *s, uint16_t type, const char *text)
{
    shell_send(s, type, text, strlen(text));
    shell_wait(s);
}

/* The output of one line, in s->out. */
static inline const char *shell_line(struct shell *s, const char *line)
{
    str_clear(&s->out);
    shell_do(s, CLI_EXEC, line);
    return str_text(&s->out);
}

static inline void shell_open(struct shell *s, struct control *c, struct cli *cli, bool trusted,
                              bool interactive, const char *peer)
{
    int fd[2];
    *s = (struct shell){.c = c};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) < 0)
        abort();
    s->ipc = ipc_new(c->base, fd[1], shell_msg, shell_closed, s);
    if (cli_attach(cli, fd[0], trusted) < 0)
        abort();
    struct cli_hello h = {.kind = trusted ? CLI_CONSOLE : CLI_SSH,
                          .must_auth = !trusted,
                          .interactive = interactive,
                          .lines = 24,
                          .columns = 80};
    ipc_send2(s->ipc, CLI_HELLO, &h, sizeof h, peer, strlen(peer));
}

static inline bool shell_login(struct shell *s, const char *user, const char *password)
{
    char text[256];
    size_t n = strlen(user) + 1;
    memcpy(text, user, n);
    str_copy(text + n, sizeof text - n, password);
    shell_send(s, CLI_AUTH, text, n + strlen(password));
    shell_wait(s);
    return s->auth.ok;
}

static inline void shell_close(struct shell *s)
{
    ipc_free(s->ipc);
    str_free(&s->out);
    str_free(&s->prompt);
    str_free(&s->ask);
    str_free(&s->completion);
    str_free(&s->notice);
    event_base_loop(s->c->base, EVLOOP_NONBLOCK);
    event_base_loop(s->c->base, EVLOOP_NONBLOCK);
}

#endif
