/*
 * One SSH channel: its requests, and the bridge between it and the session process. Both
 * directions push back: the session's bytes are read as far as the client's window goes, the
 * client's bytes as far as the session takes them.
 */
#include "shell/access_internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- requests -------------------------------------------------------------------------------- */

static uint16_t clamp(int n)
{
    return (uint16_t)(n < 0 ? 0 : n > UINT16_MAX ? UINT16_MAX : n);
}

static int on_pty(ssh_session ssh, ssh_channel channel, const char *term, int width, int height,
                  int pxwidth, int pxheight, void *ctx)
{
    struct chan *ch = (struct chan *)ctx;
    (void)ssh, (void)channel, (void)term, (void)pxwidth, (void)pxheight;
    ch->pty = true;
    ch->size = (struct cli_window){.lines = clamp(height), .columns = clamp(width)};
    return 0;
}

static int on_window(ssh_session ssh, ssh_channel channel, int width, int height, int pxwidth,
                     int pxheight, void *ctx)
{
    struct chan *ch = (struct chan *)ctx;
    (void)ssh, (void)channel, (void)pxwidth, (void)pxheight;
    ch->size = (struct cli_window){.lines = clamp(height), .columns = clamp(width)};
    if (ch->control >= 0)
        send(ch->control, &ch->size, sizeof(ch->size), MSG_DONTWAIT | MSG_NOSIGNAL);
    return 0;
}

static int on_shell(ssh_session ssh, ssh_channel channel, void *ctx)
{
    (void)ssh, (void)channel;
    return chan_start_shell((struct chan *)ctx) == 0 ? 0 : 1;
}

static int on_exec(ssh_session ssh, ssh_channel channel, const char *command, void *ctx)
{
    (void)ssh, (void)channel;
    return chan_start_exec((struct chan *)ctx, command) == 0 ? 0 : 1;
}

static int on_env(ssh_session ssh, ssh_channel channel, const char *name, const char *value,
                  void *ctx)
{
    (void)ssh, (void)channel, (void)name, (void)value, (void)ctx;
    return 0; /* taken and forgotten: clients send their locale and mind a refusal */
}

/* To the session as far as it takes it. False when it takes no more for now. */
static bool pass_on(struct chan *ch)
{
    while (ch->at < ch->len) {
        ssize_t n = send(ch->sock, ch->buf + ch->at, ch->len - ch->at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return false;
        if (n < 0) /* the session is about to end: nobody reads any more */
            n = (ssize_t)(ch->len - ch->at);
        mem_wipe(ch->buf + ch->at, (size_t)n); /* people type passwords and keys */
        ch->at += (size_t)n;
    }
    ch->at = ch->len = 0;
    return true;
}

/* Bytes of the client as they come, in libssh's own buffer, which is wiped. What is not taken now
 * stays there for client_to_session(). */
static int on_data(ssh_session ssh, ssh_channel channel, void *data, uint32_t len, int is_stderr,
                   void *ctx)
{
    struct chan *ch = (struct chan *)ctx;
    (void)ssh, (void)channel, (void)is_stderr;
    if (ch->sock < 0 || !pass_on(ch))
        return 0;
    uint32_t n = len < sizeof(ch->buf) ? len : (uint32_t)sizeof(ch->buf);
    memcpy(ch->buf, data, n);
    mem_wipe(data, n);
    ch->len = n;
    pass_on(ch);
    return (int)n;
}

struct chan *chan_new(struct conn *c, ssh_channel ssh)
{
    struct chan *ch = (struct chan *)calloc(1, sizeof(*ch));
    if (!ch)
        return NULL;
    ch->conn = c;
    ch->ssh = ssh;
    ch->sock = ch->control = -1;
    ch->callbacks.userdata = ch;
    ch->callbacks.channel_data_function = on_data;
    ch->callbacks.channel_pty_request_function = on_pty;
    ch->callbacks.channel_pty_window_change_function = on_window;
    ch->callbacks.channel_shell_request_function = on_shell;
    ch->callbacks.channel_exec_request_function = on_exec;
    ch->callbacks.channel_env_request_function = on_env;
    ssh_callbacks_init(&ch->callbacks);
    ssh_set_channel_callbacks(ssh, &ch->callbacks);
    return ch;
}

/* --- the bridge ------------------------------------------------------------------------------ */

static int wake(socket_t fd, int revents, void *ctx)
{
    (void)fd, (void)revents, (void)ctx;
    return 0; /* the loop looks at every channel anyhow */
}

/* libssh's loop polls a descriptor for what it was added with. */
static void watch(struct chan *ch, short events)
{
    if (events == ch->events)
        return;
    if (ch->events)
        ssh_event_remove_fd(ch->conn->loop, ch->sock);
    ch->events = 0;
    if (events && ssh_event_add_fd(ch->conn->loop, ch->sock, events, wake, ch) == SSH_OK)
        ch->events = events;
}

static void client_to_session(struct chan *ch)
{
    for (;;) {
        if (!pass_on(ch))
            return;
        int n = ssh_channel_read_nonblocking(ch->ssh, ch->buf, sizeof(ch->buf), 0);
        if (n <= 0)
            break;
        ch->len = (size_t)n;
    }
    if (!ch->eof_passed && ssh_channel_is_eof(ch->ssh)) {
        shutdown(ch->sock, SHUT_WR);
        ch->eof_passed = true;
    }
}

static void end_session(struct chan *ch)
{
    int status = 0;
    bool ended = ch->pid > 0 && waitpid(ch->pid, &status, 0) == ch->pid;
    if (ended && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        ipc_send(ch->conn->access, CONN_FILTERED, NULL, 0);
    if (ended)
        ssh_channel_request_send_exit_status(ch->ssh,
                                             WIFEXITED(status) ? WEXITSTATUS(status) : 255);
    ch->pid = 0;
    ssh_channel_send_eof(ch->ssh);
    ssh_channel_close(ch->ssh);
}

/* False when the session has said its last. */
static bool session_to_client(struct chan *ch)
{
    char buf[16384];
    bool alive = true;
    size_t room, most = 0;
    while (alive && (room = ssh_channel_window_size(ch->ssh)) > 0) {
        ssize_t n = recv(ch->sock, buf, room < sizeof(buf) ? room : sizeof(buf), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            break;
        alive = n > 0 && ssh_channel_write(ch->ssh, buf, (uint32_t)n) == n;
        most = n > (ssize_t)most ? (size_t)n : most;
    }
    mem_wipe(buf, most); /* the echo of what was typed */
    return alive;
}

bool chan_pump(struct chan *ch)
{
    if (ssh_channel_is_closed(ch->ssh)) {
        chan_free(ch);
        return false;
    }
    if (ch->sock < 0) /* no shell, no command yet */
        return true;
    client_to_session(ch);
    if (!session_to_client(ch)) {
        end_session(ch);
        chan_free(ch);
        return false;
    }
    short events = ssh_channel_window_size(ch->ssh) ? POLLIN : 0;
    if (ch->at < ch->len)
        events |= POLLOUT;
    watch(ch, events);
    return true;
}

void chan_free(struct chan *ch)
{
    if (ch->sock >= 0) {
        watch(ch, 0);
        close(ch->sock);
    }
    if (ch->control >= 0)
        close(ch->control);
    if (ch->pid > 0) { /* the client went away: so does its session, whatever it runs */
        kill(ch->pid, SIGTERM);
        waitpid(ch->pid, NULL, 0);
    }
    ssh_remove_channel_callbacks(ch->ssh, &ch->callbacks);
    ssh_channel_free(ch->ssh);
    mem_wipe(ch->buf, sizeof(ch->buf));
    free(ch);
}
