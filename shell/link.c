/* The shell's end of the CLI protocol. See link.h. */
#include "shell/link.h"
#include "lib/mem.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static void to_out(void *ctx, const char *text, size_t len)
{
    struct link *l = (struct link *)ctx;
    str_addn(&l->out, text, len);
}

/* Output of the running command. Where its filter is unusable nothing is shown: the whole
 * text would be just what was not asked for. */
static void on_out(struct link *l, const char *text, size_t len)
{
    if (l->bad_filter)
        return;
    if (l->filter)
        filter_feed(l->filter, text, len, to_out, l);
    else
        to_out(l, text, len);
}

static void on_filter(struct link *l, const struct ipc_msg *m)
{
    struct cli_filter f;
    if (m->len < sizeof(f))
        return;
    memcpy(&f, m->data, sizeof(f));
    filter_free(l->filter);
    l->filter = filter_new(f.kind, (const char *)m->data + sizeof(f), m->len - sizeof(f));
    l->bad_filter = !l->filter;
}

static void end_command(struct link *l)
{
    if (l->filter)
        filter_end(l->filter, to_out, l);
    filter_free(l->filter);
    l->filter = NULL;
    if (l->bad_filter) {
        l->done.refused = 1;
        str_add(&l->out, l->done.asa ? "ERROR: % Failed to compile regular expression.\n"
                                     : "% Failed to compile regular expression.\n");
    }
    l->bad_filter = false;
    l->idle = true;
}

static void on_done(struct link *l, const struct ipc_msg *m)
{
    if (m->len < sizeof(l->done))
        return;
    memcpy(&l->done, m->data, sizeof(l->done));
    size_t n = m->len - sizeof(l->done);
    if (n >= sizeof(l->prompt))
        n = sizeof(l->prompt) - 1;
    memcpy(l->prompt, m->data + sizeof(l->done), n);
    l->prompt[n] = '\0';
    end_command(l);
}

static void on_ask(struct link *l, const struct ipc_msg *m)
{
    if (m->len < sizeof(l->ask))
        return;
    memcpy(&l->ask, m->data, sizeof(l->ask));
    str_clear(&l->question);
    str_addn(&l->question, (const char *)m->data + sizeof(l->ask), m->len - sizeof(l->ask));
    l->asked = true;
}

static void on_frame(struct ipc *c, struct ipc_msg *m, void *ctx)
{
    struct link *l = (struct link *)ctx;
    const char *text = (const char *)m->data;
    (void)c;
    switch (m->type) {
    case CLI_AUTH_RESULT:
        if (m->len >= sizeof(l->auth)) {
            memcpy(&l->auth, m->data, sizeof(l->auth));
            l->auth_known = true;
        }
        break;
    case CLI_OUT:
        on_out(l, text, m->len);
        break;
    case CLI_FILTER:
        on_filter(l, m);
        break;
    case CLI_ASK:
        on_ask(l, m);
        break;
    case CLI_DONE:
        on_done(l, m);
        break;
    case CLI_COMPLETION:
        str_clear(&l->completion);
        str_addn(&l->completion, text, m->len);
        l->completed = true;
        break;
    case CLI_BANNER:
        str_clear(&l->banner);
        str_addn(&l->banner, text, m->len);
        l->banner_known = true;
        break;
    case CLI_NOTICE:
        str_addn(&l->notices, text, m->len);
        break;
    case CLI_BYE:
        end_command(l);
        str_addn(&l->out, text, m->len);
        l->over = l->bye = true;
        break;
    default: /* a newer engine's: nothing we could do with it */
        break;
    }
}

int link_open(struct link *l, int fd)
{
    memset(l, 0, sizeof(*l));
    l->ipc = ipc_new(NULL, fd, on_frame, NULL, l);
    return l->ipc ? 0 : -ENOMEM;
}

void link_close(struct link *l)
{
    ipc_free(l->ipc);
    filter_free(l->filter);
    str_wipe(&l->out);
    str_wipe(&l->notices);
    str_wipe(&l->question);
    str_wipe(&l->completion);
    str_free(&l->banner);
    memset(l, 0, sizeof(*l));
}

static void checked(struct link *l, int err)
{
    if (err < 0)
        l->over = true;
}

void link_hello(struct link *l, const struct cli_hello *hello, const char *peer)
{
    checked(l, ipc_send2(l->ipc, CLI_HELLO, hello, sizeof(*hello), peer, strlen(peer)));
}

int link_vouch(struct link *l, int fd)
{
    return ipc_send_fds(l->ipc, CLI_VOUCH, NULL, 0, &fd, 1);
}

void link_auth(struct link *l, const char *user, const char *password)
{
    l->auth_known = false;
    checked(l, ipc_send2(l->ipc, CLI_AUTH, user, strlen(user) + 1, password, strlen(password)));
}

void link_send(struct link *l, unsigned type, const char *text)
{
    bool takes_back = type == CLI_ABORT && l->idle && l->done.text;
    if (type == CLI_EXEC || type == CLI_START || type == CLI_HELP || takes_back) {
        l->idle = false;
        l->done.refused = 0; /* BYE ends a command too, without a DONE */
    }
    if (type == CLI_COMPLETE)
        l->completed = false;
    checked(l, ipc_send(l->ipc, (uint16_t)type, text, strlen(text)));
}

void link_window(struct link *l, const struct cli_window *w)
{
    checked(l, ipc_send(l->ipc, CLI_WINDOW, w, sizeof(*w)));
}

bool link_receive(struct link *l)
{
    if (l->over)
        return false;
    int n = ipc_recv_blocking(l->ipc);
    if (n == -EINTR)
        return true;
    if (n <= 0)
        l->over = true;
    return !l->over;
}

bool link_ready(const struct link *l)
{
    return l->over || ipc_ready(l->ipc);
}

bool link_in_config(const struct link *l)
{
    /* "R1(config-if)#", "asa(config)# ", "R1(ipsec-profile)#": a parenthesis before the mark */
    size_t n = strlen(l->prompt);
    while (n && l->prompt[n - 1] == ' ')
        n--;
    return n >= 2 && l->prompt[n - 1] == '#' && l->prompt[n - 2] == ')';
}
