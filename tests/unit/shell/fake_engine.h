/*
 * An engine of a few commands for the shell's tests: it speaks lib/cliproto.h over one channel,
 * in a process of its own. What it is asked is simple; how the shell shows it is the test.
 */
#ifndef TESTS_FAKE_ENGINE_H
#define TESTS_FAKE_ENGINE_H

#include "lib/cliproto.h"
#include "lib/ipc.h"
#include "lib/str.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAKE_BANNER "Keep out.\n"

struct fake {
    struct ipc *ipc;
    struct cli_hello hello;
    bool asa, admitted, config, waiting, key, text;
    unsigned page, commands, width;
    char asked[32], peer[64];
};

static inline void fake_out(struct fake *f, const char *text)
{
    ipc_send(f->ipc, CLI_OUT, text, strlen(text));
}

static inline void fake_done(struct fake *f, bool refused)
{
    struct cli_done d = {.refused = refused,
                         .asa = f->asa,
                         .secret = f->key,
                         .page_lines = (uint16_t)f->page,
                         .width = 80,
                         .history = 3,
                         .text = f->text};
    const char *prompt =
        f->asa ? (f->config ? "fw(config)# " : "fw# ") : (f->config ? "R1(config)#" : "R1#");
    ipc_send2(f->ipc, CLI_DONE, &d, sizeof(d), prompt, f->text ? 0 : strlen(prompt));
}

static inline void fake_ask(struct fake *f, const char *name, const char *question, uint8_t echo,
                            uint8_t single)
{
    struct cli_ask ask = {.echo = echo, .single_char = single};
    str_copy(f->asked, sizeof(f->asked), name);
    ipc_send2(f->ipc, CLI_ASK, &ask, sizeof(ask), question, strlen(question));
}

static inline void fake_lines(struct fake *f, unsigned n)
{
    struct str s = {0};
    for (unsigned i = 1; i <= n; i++)
        str_printf(&s, "line %u\n", i);
    ipc_send(f->ipc, CLI_OUT, str_text(&s), s.len);
    str_free(&s);
}

static inline void fake_filter(struct fake *f, uint8_t kind, const char *re)
{
    struct cli_filter filter = {.kind = kind};
    ipc_send2(f->ipc, CLI_FILTER, &filter, sizeof(filter), re, strlen(re));
}

/* Commands that do not end at once return false. */
static inline bool fake_command(struct fake *f, const char *line)
{
    unsigned n;
    if (f->text || strcmp(line, "text") == 0) { /* a text ends with a line of its own */
        f->text = strcmp(line, "#") != 0;
        fake_out(f, "<");
        fake_out(f, line);
        fake_out(f, ">\n");
        return true;
    }
    if (sscanf(line, "lines %u", &n) == 1) {
        fake_lines(f, n);
    } else if (sscanf(line, "page %u", &n) == 1) {
        f->page = n;
    } else if (strcmp(line, "conf") == 0) {
        f->config = true;
    } else if (strcmp(line, "end") == 0) {
        f->config = false;
    } else if (strncmp(line, "include ", 8) == 0) {
        fake_filter(f, CLI_INCLUDE, line + 8);
        fake_lines(f, 20);
    } else if (strcmp(line, "secret") == 0) {
        fake_ask(f, "secret", "Password: ", 0, 0);
        return false;
    } else if (strcmp(line, "stars") == 0) {
        fake_ask(f, "stars", "Password: ", '*', 0);
        return false;
    } else if (strcmp(line, "copy") == 0) {
        fake_ask(f, "copy", "Destination filename [startup-config]? ", 1, 0);
        return false;
    } else if (strcmp(line, "reload") == 0) {
        fake_ask(f, "reload", "Proceed with reload? [confirm]", 1, 1);
        return false;
    } else if (strcmp(line, "ping") == 0) {
        fake_out(f, "!");
        f->waiting = true;
        return false;
    } else if (strcmp(line, "notice") == 0) {
        fake_done(f, false);
        ipc_send(f->ipc, CLI_NOTICE, "%LINK-3-UPDOWN: up\n", 19);
        return false;
    } else if (strcmp(line, "size") == 0) {
        struct str s = {0};
        str_printf(&s, "%u by %u, %u\n", f->hello.columns, f->hello.lines, f->hello.interactive);
        fake_out(f, str_text(&s));
        str_free(&s);
    } else if (strcmp(line, "peer") == 0) {
        fake_out(f, f->peer);
    } else if (strcmp(line, "count") == 0) {
        struct str s = {0};
        str_printf(&s, "%u commands\n", f->commands);
        fake_out(f, str_text(&s));
        str_free(&s);
    } else if (strncmp(line, "bad", 3) == 0) {
        fake_out(f, f->asa ? "   ^\nERROR: % Invalid input detected at '^' marker.\n"
                           : "   ^\n% Invalid input detected at '^' marker.\n\n");
        fake_done(f, true);
        return false;
    } else if (strncmp(line, "say ", 4) == 0) {
        fake_out(f, line + 4);
        fake_out(f, "\n");
    }
    return true;
}

static inline void fake_answer(struct fake *f, const char *text)
{
    struct str s = {0};
    str_printf(&s, "%s was answered \"%s\"\n", f->asked, text);
    fake_out(f, str_text(&s));
    str_free(&s);
    fake_done(f, false);
}

static inline void fake_hello(struct fake *f, const struct ipc_msg *m)
{
    memcpy(&f->hello, m->data, sizeof(f->hello));
    snprintf(f->peer, sizeof(f->peer), "%.*s\n", (int)(m->len - sizeof(f->hello)),
             (const char *)m->data + sizeof(f->hello));
    f->admitted |= !f->hello.must_auth;
    if (f->hello.must_auth)
        ipc_send(f->ipc, CLI_BANNER, FAKE_BANNER, strlen(FAKE_BANNER));
    if (!f->hello.interactive)
        f->page = 0;
}

static inline void fake_auth(struct fake *f, const struct ipc_msg *m)
{
    struct cli_auth_result r = {.ok = m->len == 12 && memcmp(m->data, "admin\0secret", 12) == 0,
                                .privilege = 15};
    f->admitted |= r.ok;
    ipc_send(f->ipc, CLI_AUTH_RESULT, &r, sizeof(r));
}

static inline void fake_serve_vouched(int fd, bool asa, bool vouched);

/* One more session, in a process of its own; only for who has proved who he is. */
static inline void fake_vouch(struct fake *f, const struct ipc_msg *m)
{
    if (!f->admitted || m->nfds != 1 || fork() != 0)
        return;
    close(ipc_fd(f->ipc));
    fake_serve_vouched(m->fds[0], f->asa, true);
    _exit(0);
}

static inline void fake_frame(struct ipc *c, struct ipc_msg *m, void *ctx)
{
    struct fake *f = (struct fake *)ctx;
    char *text = strndup((const char *)m->data, m->len);
    (void)c;
    if (m->type == CLI_HELLO) {
        fake_hello(f, m);
    } else if (m->type == CLI_AUTH) {
        fake_auth(f, m);
    } else if (m->type == CLI_VOUCH) {
        fake_vouch(f, m);
    } else if (m->type == CLI_WINDOW) {
        memcpy(&f->hello.lines, m->data, sizeof(struct cli_window));
    } else if (!f->admitted) {
        ipc_send(f->ipc, CLI_BYE, "", 0);
    } else if (m->type == CLI_START) {
        fake_done(f, false);
    } else if (m->type == CLI_EXEC) {
        f->commands++;
        f->key = strncmp(text, "key ", 4) == 0;
        if (strcmp(text, "exit") == 0 && !f->text)
            ipc_send(f->ipc, CLI_BYE, "\nLogoff\n\n", 9);
        else if (fake_command(f, text))
            fake_done(f, false);
    } else if (m->type == CLI_HELP) {
        fake_out(f, strcmp(text, "sh") == 0 ? "show\n\n" : "  show  Show things\n\n");
        fake_done(f, false);
    } else if (m->type == CLI_COMPLETE) {
        const char *whole = strcmp(text, "sh") == 0 ? "show " : "";
        ipc_send(f->ipc, CLI_COMPLETION, whole, strlen(whole));
    } else if (m->type == CLI_ANSWER) {
        fake_answer(f, text);
    } else if (m->type == CLI_ABORT && (f->waiting || f->asked[0] || f->text)) {
        f->waiting = f->text = false;
        f->asked[0] = 0;
        fake_out(f, "aborted\n");
        fake_done(f, true);
    }
    free(text);
}

static inline void fake_serve_vouched(int fd, bool asa, bool vouched)
{
    struct fake f = {.asa = asa, .admitted = vouched};
    f.ipc = ipc_new(NULL, fd, fake_frame, NULL, &f);
    while (f.ipc && ipc_recv_blocking(f.ipc) > 0)
        continue;
    ipc_free(f.ipc);
}

/* Serves one session until its channel closes. */
static inline void fake_serve(int fd, bool asa)
{
    fake_serve_vouched(fd, asa, false);
}

/* Forks one; *fd is the shell's end of the channel. */
static inline pid_t fake_start(int *fd, bool asa)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        abort();
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(pair[0]);
        fake_serve(pair[1], asa);
        _exit(0);
    }
    close(pair[1]);
    *fd = pair[0];
    return pid;
}

#endif
