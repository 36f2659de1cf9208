/*
 * Who is there: SSH's password and keyboard-interactive methods (RFC 4252 §8, RFC 4256),
 * answered by the engine. A wrong password costs a second and one of three tries.
 */
#include "shell/access_internal.h"
#include "lib/mem.h"
#include "lib/str.h"
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define USER_MAX     128
#define PASSWORD_MAX 512
#define METHODS      (SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_INTERACTIVE)

bool auth_ask(struct link *l, const char *user, const char *password)
{
    link_auth(l, user, password);
    while (!l->auth_known && link_receive(l))
        continue;
    return l->auth_known && l->auth.ok;
}

static bool open_login(struct conn *c)
{
    if (c->login_open && !c->login.over)
        return true;
    if (c->login_open)
        link_close(&c->login);
    c->login_open = conn_engine(c, &c->login) == 0;
    if (c->login_open) {
        struct cli_hello hello = {.kind = CLI_SSH, .must_auth = 1, .interactive = 1};
        link_hello(&c->login, &hello, c->peer);
    }
    return c->login_open;
}

/* RFC 4252 §5.4: before the password is asked for. */
void auth_banner(struct conn *c)
{
    if (!open_login(c))
        return;
    while (!c->login.banner_known && link_receive(&c->login))
        continue;
    const struct str *banner = &c->login.banner;
    ssh_string text = banner->len ? ssh_string_new(banner->len) : NULL;
    if (!text)
        return;
    if (ssh_string_fill(text, banner->s, banner->len) == 0)
        ssh_send_issue_banner(c->ssh, text);
    ssh_string_free(text);
}

/* Slows guessing down; this process has nothing else to do. */
static void penalty(void)
{
    struct timespec second = {.tv_sec = 1};
    nanosleep(&second, NULL);
}

static bool try_password(struct conn *c, const char *user, const char *password)
{
    if (c->authenticated || c->tries >= ACCESS_TRIES)
        return false;
    if (strlen(user) < USER_MAX && strlen(password) < PASSWORD_MAX && open_login(c) &&
        auth_ask(&c->login, user, password)) {
        c->authenticated = true;
        ipc_send(c->access, CONN_AUTHENTICATED, NULL, 0);
        alarm(0);
        return true;
    }
    penalty();
    if (++c->tries >= ACCESS_TRIES)
        c->give_up = true; /* once this answer is out */
    return false;
}

static int on_password(ssh_session ssh, const char *user, const char *password, void *ctx)
{
    (void)ssh;
    return try_password((struct conn *)ctx, user, password) ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
}

static int refuse(ssh_message m)
{
    ssh_message_auth_set_methods(m, METHODS);
    ssh_message_reply_default(m);
    return 0;
}

static int on_interactive(struct conn *c, ssh_message m)
{
    if (!ssh_message_auth_kbdint_is_response(m)) {
        const char *prompts[] = {"Password: "};
        char echo[] = {0};
        const char *user = ssh_message_auth_user(m);
        if (!user || !str_copy(c->kbdint_user, sizeof(c->kbdint_user), user))
            return refuse(m);
        ssh_message_auth_interactive_request(m, "", "", 1, prompts, echo);
        return 0;
    }
    const char *answer = NULL;
    if (ssh_userauth_kbdint_getnanswers(c->ssh) == 1)
        answer = ssh_userauth_kbdint_getanswer(c->ssh, 0);
    bool ok = answer && try_password(c, c->kbdint_user, answer);
    if (answer) /* libssh would keep it until the connection ends */
        mem_wipe((void *)(uintptr_t)answer, strlen(answer));
    if (!ok)
        return refuse(m);
    ssh_message_auth_reply_success(m, 0);
    return 0;
}

int auth_message(struct conn *c, ssh_message m)
{
    if (ssh_message_subtype(m) == SSH_AUTH_METHOD_INTERACTIVE)
        return on_interactive(c, m);
    return refuse(m);
}

void auth_setup(struct conn *c)
{
    c->callbacks.userdata = c;
    c->callbacks.auth_password_function = on_password;
    ssh_callbacks_init(&c->callbacks);
    ssh_set_server_callbacks(c->ssh, &c->callbacks);
    ssh_set_auth_methods(c->ssh, METHODS);
}
