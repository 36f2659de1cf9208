/*
 * One SSH connection: key exchange, authentication, channels, and the loop that serves them.
 * The process ends with the connection. Until authentication a timer ends it without mercy.
 */
#include "shell/access_internal.h"
#include "lib/launchproto.h"
#include "lib/mem.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int conn_engine(struct conn *c, struct link *l)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    int err = ipc_send_fds(c->access, AM_SESSION, NULL, 0, &pair[1], 1);
    close(pair[1]);
    if (!err)
        err = link_open(l, pair[0]);
    if (err)
        close(pair[0]);
    return err;
}

static int on_open(struct conn *c, ssh_message m)
{
    int free_slot = -1;
    for (int i = 0; i < CONN_CHANNELS; i++)
        if (!c->chans[i])
            free_slot = i;
    if (!c->authenticated || free_slot < 0 || ssh_message_subtype(m) != SSH_CHANNEL_SESSION)
        return 1;
    ssh_channel ssh = ssh_message_channel_request_open_reply_accept(m);
    if (!ssh)
        return 1;
    c->chans[free_slot] = chan_new(c, ssh);
    if (!c->chans[free_slot])
        ssh_channel_close(ssh);
    return 0;
}

/* What no other callback takes. 1 lets libssh refuse it, which also answers keepalives. */
static int on_message(ssh_session ssh, ssh_message m, void *ctx)
{
    struct conn *c = (struct conn *)ctx;
    (void)ssh;
    switch (ssh_message_type(m)) {
    case SSH_REQUEST_AUTH:
        return auth_message(c, m);
    case SSH_REQUEST_CHANNEL_OPEN:
        return on_open(c, m);
    case SSH_REQUEST_SERVICE:
        ssh_message_service_reply_success(m);
        if (!c->authenticated && !c->login_open)
            auth_banner(c);
        return 0;
    default:
        return 1;
    }
}

/* Old clients and their scripts still come with these: offered last, behind what libssh
 * prefers. Broken ones (group 1, 3DES, MD5) are not. */
static void offer_older(ssh_bind bind)
{
    static const struct {
        enum ssh_bind_options_e option;
        const char *list;
    } lists[] = {
        {SSH_BIND_OPTIONS_KEY_EXCHANGE,
         "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
         "ecdh-sha2-nistp521,diffie-hellman-group18-sha512,diffie-hellman-group16-sha512,"
         "diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha256,"
         "diffie-hellman-group14-sha1"},
        {SSH_BIND_OPTIONS_CIPHERS_C_S,
         "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,"
         "aes256-ctr,aes192-ctr,aes128-ctr,aes256-cbc,aes192-cbc,aes128-cbc"},
        {SSH_BIND_OPTIONS_CIPHERS_S_C,
         "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,"
         "aes256-ctr,aes192-ctr,aes128-ctr,aes256-cbc,aes192-cbc,aes128-cbc"},
        {SSH_BIND_OPTIONS_HMAC_C_S,
         "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,"
         "hmac-sha2-512,hmac-sha1"},
        {SSH_BIND_OPTIONS_HMAC_S_C,
         "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,"
         "hmac-sha2-512,hmac-sha1"},
    };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        ssh_bind_options_set(bind, lists[i].option, lists[i].list);
}

static int handshake(struct conn *c, ssh_key host_key)
{
    bool no = false;
    ssh_bind bind = ssh_bind_new();
    c->ssh = ssh_new();
    if (!bind || !c->ssh)
        return -ENOMEM;
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_BANNER, "Tandem");
    offer_older(bind);
    if (ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, host_key) != SSH_OK ||
        ssh_bind_accept_fd(bind, c->ssh, c->fd) != SSH_OK)
        return -EIO;
    ssh_set_message_callback(c->ssh, on_message, c);
    auth_setup(c);
    return ssh_handle_key_exchange(c->ssh) == SSH_OK ? 0 : -EIO;
}

static bool serve_channels(struct conn *c)
{
    bool any = false;
    for (int i = 0; i < CONN_CHANNELS; i++) {
        if (!c->chans[i])
            continue;
        if (chan_pump(c->chans[i]))
            any = true;
        else
            c->chans[i] = NULL;
    }
    return any;
}

static void serve(struct conn *c)
{
    c->loop = ssh_event_new();
    if (!c->loop || ssh_event_add_session(c->loop, c->ssh) != SSH_OK)
        return;
    bool busy = true; /* before authentication the alarm keeps the time */
    while (!c->give_up && ssh_is_connected(c->ssh)) {
        int rc = ssh_event_dopoll(c->loop, busy ? -1 : ACCESS_IDLE_SECS * 1000);
        if (rc == SSH_ERROR || (rc == SSH_AGAIN && !busy))
            break;
        busy = serve_channels(c) || !c->authenticated;
    }
}

_Noreturn void conn_main(int fd, int access_fd, ssh_key host_key, const char *peer,
                         access_confine_fn *confine)
{
    struct conn c = {.fd = fd, .confine = confine};
    str_copy(c.peer, sizeof(c.peer), peer);
    signal(SIGALRM, SIG_DFL);
    alarm(ACCESS_LOGIN_SECS);
    c.access = ipc_new(NULL, access_fd, NULL, NULL, NULL);
    if (c.access && handshake(&c, host_key) == 0)
        serve(&c);
    for (int i = 0; i < CONN_CHANNELS; i++)
        if (c.chans[i])
            chan_free(c.chans[i]);
    if (c.ssh)
        ssh_disconnect(c.ssh);
    _exit(0);
}
