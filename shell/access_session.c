/*
 * The process behind an SSH channel: a shell, or the commands of an exec request. It is forked
 * because readline serves one session per process; it keeps its terminal and its channel to
 * the engine and nothing of the connection.
 */
#include "shell/access_internal.h"
#include "lib/mem.h"
#include "shell/script.h"
#include "shell/session.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static enum session_control on_control(int fd, struct cli_window *w)
{
    ssize_t n = recv(fd, w, sizeof(*w), MSG_DONTWAIT);
    if (n == sizeof(*w))
        return CONTROL_WINDOW;
    return n == 0 ? CONTROL_HANGUP : CONTROL_NONE;
}

static int run_shell(struct chan *ch, struct link *l, int sock, int control)
{
    struct session_io io = {.in = sock,
                            .out = sock,
                            .crlf = true,
                            .by_result = !ch->pty,
                            .no_pager = !ch->pty,
                            .columns = ch->size.columns,
                            .control = control,
                            .on_control = on_control};
    return session_run(l, &io);
}

/* Plain LF for programs that read the output, CR LF where a terminal shows it. */
static int run_exec(struct chan *ch, struct link *l, int sock, const char *command)
{
    FILE *out = fdopen(sock, "w");
    FILE *in = *command ? fmemopen((void *)(uintptr_t)command, strlen(command), "r") : NULL;
    if (!out)
        return 255;
    link_send(l, CLI_START, "");
    while (!l->idle && link_receive(l))
        continue;
    str_clear(&l->out);
    struct script s = {.link = l, .out = out, .crlf = ch->pty};
    bool whole = !l->over && (!in || script_run(&s, in, NULL));
    fflush(out);
    if (!whole && !l->bye)
        return 255;
    return s.refused ? 1 : 0;
}

/* In the child: whatever belongs to the connection is let go. Only descriptors are closed;
 * libssh's memory is not touched, as its twin is in use. */
static void forget_connection(struct conn *c, const struct chan *own)
{
    signal(SIGTERM, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    close(c->fd);
    close(ipc_fd(c->access));
    for (int i = 0; i < CONN_CHANNELS; i++) {
        struct chan *ch = c->chans[i];
        if (!ch || ch == own)
            continue;
        if (ch->sock >= 0)
            close(ch->sock);
        if (ch->control >= 0)
            close(ch->control);
    }
    if (c->login_open)
        close(ipc_fd(c->login.ipc));
}

/* Forks the session; the link is its own from then on. */
static int start(struct chan *ch, struct link *l, const char *command)
{
    int terminal[2], control[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, terminal) < 0)
        return -errno;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0) {
        close(terminal[0]);
        close(terminal[1]);
        return -EMFILE;
    }
    pid_t pid = fork();
    if (pid == 0) {
        forget_connection(ch->conn, ch);
        close(terminal[0]);
        close(control[0]);
        ch->conn->confine(ACCESS_SESSION);
        int status = command ? run_exec(ch, l, terminal[1], command)
                             : run_shell(ch, l, terminal[1], control[1]);
        link_close(l);
        _exit(status);
    }
    close(terminal[1]);
    close(control[1]);
    if (pid < 0) {
        close(terminal[0]);
        close(control[0]);
        return -EAGAIN;
    }
    ch->pid = pid;
    ch->sock = terminal[0];
    ch->control = control[0];
    return 0;
}

/* A session of the user who logged in, as this channel needs it. */
static int open_link(struct chan *ch, struct link *l, bool interactive)
{
    struct conn *c = ch->conn;
    int pair[2];
    struct cli_hello hello = {.kind = CLI_SSH,
                              .must_auth = 1,
                              .interactive = interactive,
                              .lines = ch->size.lines,
                              .columns = ch->size.columns};
    if (!c->login_open)
        return -EACCES;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    int err = link_vouch(&c->login, pair[1]); /* fails when the engine that knows us is gone */
    close(pair[1]);
    if (!err)
        err = link_open(l, pair[0]);
    if (err) {
        close(pair[0]);
        return err;
    }
    link_hello(l, &hello, c->peer);
    return 0;
}

static int start_session(struct chan *ch, const char *command)
{
    struct link l;
    if (ch->sock >= 0)
        return -EBUSY;
    int err = open_link(ch, &l, !command);
    if (!err) {
        err = start(ch, &l, command);
        link_close(&l);
    }
    return err;
}

int chan_start_shell(struct chan *ch)
{
    return start_session(ch, NULL);
}

int chan_start_exec(struct chan *ch, const char *command)
{
    return start_session(ch, command);
}
