/*
 * Commands of a session: leaving and entering modes, levels, the terminal.
 */
#include "modes/internal.h"
#include "modes/password.h"
#include "lib/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENABLE_TRIES 3

int config_version(struct cmd *c, const struct a_config_version *a)
{
    (void)c;
    (void)a;
    return CMD_OK;
}

int config_marker(struct cmd *c, const struct a_config_marker *a)
{
    (void)c;
    (void)a;
    return CMD_OK;
}

int exec_help(struct cmd *c, const struct a_help *a)
{
    (void)a;
    cmd_puts(c, "Type a question mark '?' at any point of a command for help. When nothing\n"
                "fits what stands before it, go back until '?' shows what may follow.\n"
                "There are two kinds of help:\n"
                "1. Behind a blank, '?' lists and explains all that may come next\n"
                "   (for example 'show ?').\n"
                "2. Right behind the first letters of a word, '?' lists the words that\n"
                "   begin with them (for example 'show cl?').\n"
                "The Tab key completes a word that its first letters leave no doubt about.\n\n");
    return CMD_OK;
}

/* --- modes --------------------------------------------------------------------------------- */

static void leave(struct session *s)
{
    session_bye(s, s->cli->box.asa ? "\nLogoff\n\n" : "");
}

int exec_exit(struct cmd *c, const struct a_exit *a)
{
    struct session *s = c->session;
    (void)a;
    if (s->place.depth == 0)
        leave(s);
    else
        s->place.depth--;
    return CMD_OK;
}

int exec_logout(struct cmd *c, const struct a_logout *a)
{
    (void)a;
    leave(c->session);
    return CMD_OK;
}

static void enter_config(struct cmd *c)
{
    c->session->place.depth = 1;
    if (!c->asa)
        cmd_puts(c, "Enter configuration commands, one per line.  End with CNTL/Z.\n");
}

static void on_configure_from(struct cmd *c, const char *text)
{
    size_t n = strlen(text);
    if (n && strncmp("terminal", text, n) != 0) {
        cmd_puts(c, "?Must be \"terminal\", \"memory\" or \"network\"\n");
        cmd_done(c, CMD_REFUSED);
        return;
    }
    enter_config(c);
    cmd_done(c, CMD_OK);
}

int exec_configure(struct cmd *c, const struct a_configure *a)
{
    if (!c->asa && !a->terminal) {
        cmd_ask(c, "Configuring from terminal, memory, or network [terminal]? ", 1, false,
                on_configure_from);
        return CMD_ASYNC;
    }
    enter_config(c);
    return CMD_OK;
}

/* --- levels -------------------------------------------------------------------------------- */

struct level_state {
    unsigned level;
    unsigned tries;
    char user[SESSION_USER];
    char first[128]; /* a new enable password, until it is repeated */
};

static void level_free(struct cmd *c)
{
    if (c->state)
        mem_wipe(c->state, sizeof(struct level_state));
    free(c->state);
    c->state = NULL;
}

static void level_done(struct cmd *c, int result)
{
    level_free(c);
    cmd_done(c, result);
}

static void level_abort(struct cmd *c)
{
    level_done(c, CMD_REFUSED);
}

static struct level_state *level_new(struct cmd *c, unsigned level)
{
    struct level_state *l = (struct level_state *)calloc(1, sizeof *l);
    if (l) {
        l->level = level;
        c->state = l;
        c->on_abort = level_abort;
    }
    return l;
}

static void set_level(struct cmd *c, unsigned level)
{
    struct line_place *p = &c->session->place;
    p->privilege = level;
    if (level < 15)
        p->depth = 0;
}

/* Who enables with the common password is known by the level only. */
static void name_by_level(struct cmd *c, unsigned level)
{
    if (c->asa)
        snprintf(c->session->user, sizeof c->session->user, "enable_%u", level);
}

/* What protects privileged mode: a hash or a clear text, or NULL when nothing is set. */
static const char *enable_secret(const struct cmd *c)
{
    const struct cfg_node *root = c->tree->root, *n;
    if (c->asa) {
        n = cfg_first(root, E_ENABLE_PASSWORD);
        return n ? CFG_ARGS(n, enable_password)->password : NULL;
    }
    n = cfg_first(root, E_ENABLE_SECRET);
    if (n)
        return CFG_ARGS(n, enable_secret)->secret;
    n = cfg_first(root, E_ENABLE_PASSWORD_IOS);
    return n ? CFG_ARGS(n, enable_password_ios)->password : NULL;
}

/* `aaa authentication enable console LOCAL`: users enable with their own password. */
static bool enable_by_user(const struct cmd *c)
{
    if (!c->asa)
        return false;
    cfg_each(c->tree->root, E_AAA_AUTHENTICATION, n)
    {
        const struct a_aaa_authentication *a = CFG_ARGS(n, aaa_authentication);
        if (a->service == ENUM_AAA_SERVICE_ENABLE && strcmp(a->server, "LOCAL") == 0)
            return true;
    }
    return false;
}

static unsigned char password_echo(const struct cmd *c)
{
    return c->asa ? '*' : 0;
}

static void on_enable_password(struct cmd *c, const char *text)
{
    struct level_state *l = (struct level_state *)c->state;
    struct session *s = c->session;
    const char *secret = enable_secret(c);
    unsigned level = 0;
    bool ok, by_user = enable_by_user(c) && s->hello.must_auth;
    if (by_user) {
        ok = cli_login(s->cli, s->login, text, &level);
        if (ok && level < l->level)
            l->level = level;
    } else {
        ok = secret && password_verify(secret, text);
    }
    if (ok) {
        if (!by_user)
            name_by_level(c, l->level);
        set_level(c, l->level);
        level_done(c, CMD_OK);
        return;
    }
    if (c->asa)
        cmd_puts(c, "Invalid password\n");
    if (++l->tries < ENABLE_TRIES) {
        cmd_ask(c, "Password: ", password_echo(c), false, on_enable_password);
        return;
    }
    bool hashed = secret && password_is_hash(secret);
    cmd_puts(c,
             c->asa ? "Access denied.\n" : (hashed ? "% Bad secrets\n\n" : "% Bad passwords\n\n"));
    level_done(c, CMD_REFUSED);
}

/* An ASA without an enable password has its first user set one (9.12 and later). */
static int store_enable(struct txn *t, void *ctx)
{
    char *hash = (char *)ctx;
    struct a_enable_password a = {.has_password = true, .password = hash, .pbkdf2 = true};
    return txn_set(t, t->tree->root, E_ENABLE_PASSWORD, &a) ? 0 : -1;
}

static void on_enable_repeat(struct cmd *c, const char *text)
{
    struct level_state *l = (struct level_state *)c->state;
    char hash[PASSWORD_HASH_MAX];
    if (strcmp(l->first, text) != 0) {
        cmd_puts(c, "Passwords do not match.\n");
        level_done(c, CMD_REFUSED);
        return;
    }
    if (password_hash_asa(text, hash, sizeof hash) < 0 ||
        cli_config(c->session->cli, store_enable, hash) < 0) {
        level_done(c, CMD_REFUSED);
        return;
    }
    cli_edited(c->session->cli, c->session);
    cmd_puts(c, "Note: Save your configuration so that the password persists across reboots\n"
                "(\"write memory\" or \"copy running-config startup-config\").\n");
    set_level(c, l->level);
    level_done(c, CMD_OK);
}

static void on_enable_first(struct cmd *c, const char *text)
{
    struct level_state *l = (struct level_state *)c->state;
    size_t n = strlen(text);
    if (n < 3 || n >= sizeof l->first) {
        cmd_puts(c, "Password must be at least 3 and at most 127 characters long.\n");
        level_done(c, CMD_REFUSED);
        return;
    }
    str_copy(l->first, sizeof l->first, text);
    cmd_ask(c, "Repeat Password: ", password_echo(c), false, on_enable_repeat);
}

int exec_enable(struct cmd *c, const struct a_enable *a)
{
    struct session *s = c->session;
    unsigned level = a->has_level ? (unsigned)a->level : 15;
    bool console = session_is_root(s) && !s->hello.must_auth;
    bool by_user = enable_by_user(c) && s->hello.must_auth;
    if (level <= s->place.privilege || (console && !enable_secret(c))) {
        if (console)
            name_by_level(c, level);
        set_level(c, level);
        return CMD_OK;
    }
    if (!enable_secret(c) && !by_user && !c->asa) {
        cmd_puts(c, "% No password set\n");
        return CMD_REFUSED;
    }
    if (!enable_secret(c) && !by_user && s->trusted) { /* a user of this host sets no passwords */
        cmd_puts(c, "Access denied.\n");
        return CMD_REFUSED;
    }
    if (!level_new(c, level))
        return CMD_REFUSED;
    if (enable_secret(c) || by_user) {
        cmd_ask(c, "Password: ", password_echo(c), false, on_enable_password);
    } else {
        cmd_puts(c, "The enable password is not set.  Please set it now.\n");
        cmd_ask(c, "Enter  Password: ", password_echo(c), false, on_enable_first);
    }
    return CMD_ASYNC;
}

int exec_disable(struct cmd *c, const struct a_disable *a)
{
    (void)a;
    set_level(c, 1);
    return CMD_OK;
}

static void on_login_password(struct cmd *c, const char *text)
{
    struct level_state *l = (struct level_state *)c->state;
    unsigned level = 0;
    if (!cli_login(c->session->cli, l->user, text, &level)) {
        cmd_puts(c, c->asa ? "Login failed.\n" : "% Login invalid\n\n");
        level_done(c, CMD_REFUSED);
        return;
    }
    str_copy(c->session->user, sizeof c->session->user, l->user);
    str_copy(c->session->login, sizeof c->session->login, l->user);
    c->session->user_level = level;
    set_level(c, level);
    level_done(c, CMD_OK);
}

static void on_login_user(struct cmd *c, const char *text)
{
    struct level_state *l = (struct level_state *)c->state;
    str_copy(l->user, sizeof l->user, text);
    cmd_ask(c, "Password: ", password_echo(c), false, on_login_password);
}

int exec_login(struct cmd *c, const struct a_login *a)
{
    (void)a;
    if (!level_new(c, 1))
        return CMD_REFUSED;
    cmd_ask(c, "Username: ", 1, false, on_login_user);
    return CMD_ASYNC;
}

/* --- the terminal -------------------------------------------------------------------------- */

static void set_length(struct cmd *c, uint64_t lines)
{
    c->session->own_length = true;
    c->session->length = (uint16_t)(lines > UINT16_MAX ? UINT16_MAX : lines);
}

int exec_terminal_length(struct cmd *c, const struct a_terminal_length *a)
{
    set_length(c, a->lines);
    return CMD_OK;
}

int exec_terminal_pager(struct cmd *c, const struct a_terminal_pager *a)
{
    set_length(c, a->lines);
    return CMD_OK;
}

int exec_terminal_no_pager(struct cmd *c, const struct a_terminal_no_pager *a)
{
    (void)a;
    set_length(c, 0);
    return CMD_OK;
}

int exec_terminal_width(struct cmd *c, const struct a_terminal_width *a)
{
    c->session->own_width = true;
    c->session->width = (uint16_t)a->columns;
    return CMD_OK;
}

int exec_terminal_monitor(struct cmd *c, const struct a_terminal_monitor *a)
{
    c->session->monitor = !a->off;
    return CMD_OK;
}

int exec_terminal_history(struct cmd *c, const struct a_terminal_history *a)
{
    c->session->history = (uint16_t)a->lines;
    return CMD_OK;
}

/* --- what the session is ------------------------------------------------------------------- */

int show_history(struct cmd *c, const struct a_show_history *a)
{
    (void)a;
    for (unsigned i = 0; i < c->session->n_typed; i++)
        cmd_printf(c, "  %s\n", c->session->typed[i]);
    return CMD_OK;
}

int show_hostname(struct cmd *c, const struct a_show_hostname *a)
{
    const struct cfg_node *n = cfg_first(c->tree->root, E_DOMAIN_NAME);
    if (a->fqdn && n)
        cmd_printf(c, "%s.%s\n", cmd_hostname(c), CFG_ARGS(n, domain_name)->name);
    else
        cmd_printf(c, "%s\n", cmd_hostname(c));
    return CMD_OK;
}

int show_pager(struct cmd *c, const struct a_show_pager *a)
{
    unsigned lines = session_page_lines(c->session);
    (void)a;
    if (lines)
        cmd_printf(c, "pager lines %u\n", lines);
    else
        cmd_puts(c, "no pager\n");
    return CMD_OK;
}

int show_terminal(struct cmd *c, const struct a_show_terminal *a)
{
    const struct session *s = c->session;
    (void)a;
    if (c->asa) {
        cmd_printf(c, "Width = %u, %smonitor\n", session_width(s), s->monitor ? "" : "no ");
        cmd_puts(c, "terminal interactive\n");
        return CMD_OK;
    }
    cmd_printf(c, "Length: %u lines, Width: %u columns\n", session_page_lines(s), session_width(s));
    cmd_printf(c, "Editing is enabled.\nHistory is enabled, history size is %u.\n", s->history);
    return CMD_OK;
}

int show_privilege(struct cmd *c, const struct a_show_privilege *a)
{
    (void)a;
    cmd_printf(c, "Current privilege level is %u\n", c->session->place.privilege);
    return CMD_OK;
}

int show_curpriv(struct cmd *c, const struct a_show_curpriv *a)
{
    const struct line_place *p = &c->session->place;
    (void)a;
    cmd_printf(c, "Username : %s\n", c->session->user);
    cmd_printf(c, "Current privilege level : %u\n", p->privilege);
    cmd_printf(c, "Current Mode/s : %s%s\n", p->privilege > 1 ? "P_PRIV" : "P_UNPR",
               p->depth ? " P_CONF" : "");
    return CMD_OK;
}
