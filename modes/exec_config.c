/*
 * Showing, saving and erasing the configuration, and starting again.
 *
 * Saving is asynchronous: control hands the text to the launcher, which writes, syncs and
 * renames. The file holds secrets in clear where the platform's does; the copy that
 * `show startup-config` prints is a second, masked text.
 */
#include "modes/internal.h"
#include "lib/mem.h"
#include "parser/grammar.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- showing ------------------------------------------------------------------------------- */

static void put_config(struct cmd *c, unsigned flags)
{
    struct str text = {0};
    config_text(c->session->cli, flags, &text);
    cmd_puts(c, str_text(&text));
    str_wipe(&text);
}

static void put_section(struct cmd *c, unsigned flags, const char *words)
{
    struct str text = {0}, part = {0};
    print_tree(c->tree, c->asa, flags | (c->asa ? 0 : PRINT_SECRETS), &text);
    config_section(str_text(&text), words, &part);
    if (!c->asa && part.len >= 2 && memcmp(part.s + part.len - 2, "!\n", 2) == 0)
        part.s[part.len -= 2] = 0; /* IOS: `end` follows the block */
    if (!c->asa)
        cmd_printf(c,
                   "Building configuration...\n\nCurrent configuration : %zu bytes\n!\n%send\n\n",
                   part.len + 6, str_text(&part));
    else
        cmd_puts(c, str_text(&part));
    str_wipe(&text);
    str_wipe(&part);
}

/* Where a line of the configuration can begin with this word: how much of it is right. */
static size_t known_start(bool asa, const char *word, size_t len)
{
    size_t best = 0;
    for (unsigned i = 0; i < g_nforms; i++) {
        const struct g_form *f = &g_forms[i];
        if (f->mode != G_MODE_CONFIG || !(f->dialect & (asa ? G_ASA : G_IOS)) ||
            g_entries[f->entry].kind == G_EXEC)
            continue;
        for (unsigned k = 0; k < f->nfirst; k++) {
            const char *w = g_positions[g_follow[f->first + k]].word;
            size_t n = 0;
            while (w && n < len && tolower((unsigned char)w[n]) == tolower((unsigned char)word[n]))
                n++;
            if (n > best)
                best = n;
        }
    }
    return best;
}

/* A section that no line can begin with is a typing error, and is shown as one: the caret under
 * the first character that leads nowhere (cli.md §3.1). */
static bool refuse_section(struct cmd *c, const struct a_show_running *a)
{
    struct session *s = c->session;
    const char *line = s->n_typed ? s->typed[s->n_typed - 1] : "";
    size_t len = strcspn(a->section, " "), good = known_start(c->asa, a->section, len), at = 0;
    if (good == len)
        return false;
    struct line_result r = {.status = LINE_INVALID};
    struct str prompt = {0}, out = {0};
    for (unsigned word = 0; word < (a->all ? 3u : 2u); word++) {
        at += strspn(line + at, " ");
        at += strcspn(line + at, " ");
    }
    r.column = (unsigned)(at + strspn(line + at, " ") + good);
    line_prompt(&s->place, cmd_hostname(c), &prompt);
    line_error(&s->place, &r, line, s->hello.interactive ? prompt.len : 0, &out);
    cmd_puts(c, str_text(&out));
    str_free(&prompt);
    str_free(&out);
    return true;
}

int show_running(struct cmd *c, const struct a_show_running *a)
{
    if (a->has_section && refuse_section(c, a))
        return CMD_REFUSED;
    if (a->has_section)
        put_section(c, a->all ? PRINT_ALL : 0, a->section);
    else
        put_config(c, a->all ? TEXT_ALL : 0);
    return CMD_OK;
}

int exec_write_terminal(struct cmd *c, const struct a_write_terminal *a)
{
    (void)a;
    put_config(c, 0);
    return CMD_OK;
}

int exec_more_running(struct cmd *c, const struct a_more_running *a)
{
    (void)a;
    put_config(c, TEXT_SECRETS);
    return CMD_OK;
}

int show_startup(struct cmd *c, const struct a_show_startup *a)
{
    const struct cli *cli = c->session->cli;
    (void)a;
    if (!cli->has_startup) {
        cmd_puts(c, c->asa ? "No Configuration\n" : "startup-config is not present\n");
        return CMD_OK;
    }
    if (!c->asa)
        cmd_printf(c, "Using %zu out of 262144 bytes\n", cli->startup.len);
    cmd_puts(c, str_text(&cli->startup));
    return CMD_OK;
}

/* --- saving -------------------------------------------------------------------------------- */

struct save {
    struct cmd *cmd; /* NULL once its session is gone */
    struct cli *cli;
    void (*then)(struct cmd *c, int err);
    struct str masked;
    size_t bytes;
    usec_t begin;
    uint64_t serial;
    unsigned char sum[16];
};

static void save_abort(struct cmd *c)
{
    ((struct save *)c->state)->cmd = NULL; /* the launcher goes on; nobody waits for it */
    cmd_done(c, CMD_REFUSED);
}

static void save_answer(struct cmd *c, const struct save *s)
{
    double took = (double)(clock_mono(control_clock(c->control)) - s->begin) / USEC_PER_SEC;
    if (!c->asa) {
        cmd_puts(c, "[OK]\n");
        return;
    }
    cmd_puts(c, "Cryptochecksum: ");
    for (unsigned i = 0; i < 16; i++)
        cmd_printf(c, "%02x%s", s->sum[i], i % 4 == 3 ? " " : "");
    cmd_printf(c, "\n\n%zu bytes copied in %.3f secs", s->bytes, took);
    if (took >= 1)
        cmd_printf(c, " (%.0f bytes/sec)", (double)s->bytes / took);
    cmd_puts(c, "\n[OK]\n");
}

static void on_saved(void *ctx, int err)
{
    struct save *s = (struct save *)ctx;
    if (!err) {
        str_wipe(&s->cli->startup);
        s->cli->startup = s->masked;
        s->masked = (struct str){0};
        s->cli->has_startup = true;
        s->cli->saved_serial = s->serial;
    }
    struct cmd *c = s->cmd;
    if (c) {
        if (err)
            cmd_printf(c, "%%Error writing startup-config (%s)\n", strerror(-err));
        else
            save_answer(c, s);
        void (*then)(struct cmd *, int) = s->then;
        c->state = NULL;
        c->on_abort = NULL;
        if (then)
            then(c, err);
        else
            cmd_done(c, err ? CMD_REFUSED : CMD_OK);
    }
    str_wipe(&s->masked);
    free(s);
}

/* Saves and then calls `then`, or ends the command. The command must be CMD_ASYNC. */
static void save_config(struct cmd *c, void (*then)(struct cmd *c, int err))
{
    struct cli *cli = c->session->cli;
    struct str text = {0};
    struct save *s = (struct save *)calloc(1, sizeof *s);
    if (!s) {
        cmd_done(c, CMD_REFUSED);
        return;
    }
    cmd_puts(c, "Building configuration...\n");
    *s = (struct save){.cmd = c, .cli = cli, .then = then, .serial = cli->tree->serial};
    s->begin = clock_mono(control_clock(c->control));
    config_written_by(cli, c->session->user);
    config_text(cli, TEXT_STARTUP | TEXT_SECRETS, &text);
    config_text(cli, TEXT_STARTUP, &s->masked);
    config_checksum(cli, s->sum);
    s->bytes = text.len;
    c->state = s;
    c->on_abort = save_abort;
    int rc = control_save(c->control, "startup-config", str_text(&text), text.len, on_saved, s);
    str_wipe(&text);
    if (rc < 0)
        on_saved(s, rc);
}

int exec_write_memory(struct cmd *c, const struct a_write_memory *a)
{
    (void)a;
    save_config(c, NULL);
    return CMD_ASYNC;
}

static void on_destination(struct cmd *c, const char *text)
{
    if (*text && strcmp(text, c->asa ? "running-config" : "startup-config") != 0) {
        cmd_puts(c, "%Error: only startup-config can be written\n");
        cmd_done(c, CMD_REFUSED);
        return;
    }
    save_config(c, NULL);
}

int exec_copy_running(struct cmd *c, const struct a_copy_running *a)
{
    if (a->noconfirm || !c->session->hello.interactive)
        save_config(c, NULL);
    else
        cmd_ask(c,
                c->asa ? "Source filename [running-config]? "
                       : "Destination filename [startup-config]? ",
                1, false, on_destination);
    return CMD_ASYNC;
}

/* --- erasing ------------------------------------------------------------------------------- */

static void erase_abort(struct cmd *c)
{
    *(struct cmd **)c->state = NULL;
    cmd_done(c, CMD_REFUSED);
}

static void on_erased(void *ctx, int err)
{
    struct cmd **slot = (struct cmd **)ctx;
    struct cmd *c = *slot;
    free(slot);
    if (!c)
        return;
    struct cli *cli = c->session->cli;
    c->on_abort = NULL;
    if (err) {
        cmd_printf(c, "%%Error erasing startup-config (%s)\n", strerror(-err));
    } else {
        cli->has_startup = false;
        str_wipe(&cli->startup);
        cli->saved_serial = 0;
        cmd_puts(c, c->asa ? "[OK]\n" : "[OK]\nErase of nvram: complete\n");
    }
    cmd_done(c, err ? CMD_REFUSED : CMD_OK);
}

/* [confirm]: Enter or y. */
static bool confirmed(const char *text)
{
    return *text == 0 || *text == '\r' || *text == '\n' || *text == 'y' || *text == 'Y';
}

static void on_erase_confirm(struct cmd *c, const char *text)
{
    struct cmd **slot = confirmed(text) ? (struct cmd **)malloc(sizeof *slot) : NULL;
    if (!slot) {
        cmd_done(c, CMD_REFUSED);
        return;
    }
    *slot = c;
    c->state = slot;
    c->on_abort = erase_abort;
    int rc = control_erase(c->control, "startup-config", on_erased, slot);
    if (rc < 0)
        on_erased(slot, rc);
}

int exec_write_erase(struct cmd *c, const struct a_write_erase *a)
{
    (void)a;
    cmd_ask(c,
            c->asa ? "Erase configuration in flash memory? [confirm]"
                   : "Erasing the nvram filesystem will remove all configuration files! "
                     "Continue? [confirm]",
            1, true, on_erase_confirm);
    return CMD_ASYNC;
}

/* --- clear configure ------------------------------------------------------------------------- */

struct clear {
    const char *words;
    bool asa;
    unsigned removed;
};

/* How much of a node's text the words choose: nothing, some of it, all. */
static int chosen(const struct clear *c, const struct cfg_node *n)
{
    struct str text = {0}, part = {0};
    print_node(n, c->asa, PRINT_SECRETS, &text);
    config_section(str_text(&text), c->words, &part);
    int how = part.len == 0 ? 0 : (part.len < text.len ? 1 : 2);
    if (strcmp(c->words, "all") == 0)
        how = 2;
    str_wipe(&text);
    str_wipe(&part);
    return how;
}

static int clear_below(struct txn *t, struct cfg_node *parent, struct clear *c)
{
    struct cfg_node *next;
    for (struct cfg_node *n = parent->first; n; n = next) {
        next = n->next;
        int how = chosen(c, n);
        if (how == 0 || n->entry == E_HOSTNAME)
            continue;
        c->removed++;
        if (n->entry == E_INTERFACE)
            txn_clear_children(t, n); /* the port stays */
        else if (how == 1)
            clear_below(t, n, c);
        else if (txn_remove(t, n) < 0)
            return -1;
    }
    return 0;
}

static int clear_root(struct txn *t, void *ctx)
{
    if (clear_below(t, t->tree->root, (struct clear *)ctx) < 0)
        return -1;
    return if_forget_names(t);
}

int exec_clear_configure(struct cmd *c, const struct a_clear_configure *a)
{
    struct clear clear = {.words = a->section, .asa = c->asa};
    if (cli_config(c->session->cli, clear_root, &clear) < 0)
        return CMD_REFUSED;
    if (clear.removed)
        cli_edited(c->session->cli, c->session);
    return CMD_OK;
}

/* --- starting again ------------------------------------------------------------------------ */

static void reload_now(struct cmd *c)
{
    if (c->asa)
        cmd_puts(c, "\n\n***\n*** --- START GRACEFUL SHUTDOWN ---\nShutting down isakmp\n"
                    "Shutting down File system\n\n\n\n***\n*** --- SHUTDOWN NOW ---\n");
    struct control *control = c->control;
    syslog_ios(control_syslog(control), "SYS", 5, "RELOAD",
               "Reload requested by %s. Reload Reason: Reload Command.",
               c->session->login[0] ? c->session->login : "console");
    cmd_done(c, CMD_OK);
    control_reload(control);
}

static void on_reload_confirm(struct cmd *c, const char *text)
{
    if (confirmed(text))
        reload_now(c);
    else
        cmd_done(c, CMD_REFUSED);
}

static void ask_reload(struct cmd *c)
{
    cmd_ask(c, "Proceed with reload? [confirm]", 1, true, on_reload_confirm);
}

static void reload_saved(struct cmd *c, int err)
{
    if (err)
        cmd_done(c, CMD_REFUSED);
    else
        ask_reload(c);
}

static void on_reload_save(struct cmd *c, const char *text)
{
    if (*text == 'y' || *text == 'Y')
        save_config(c, reload_saved);
    else if (*text == 'n' || *text == 'N')
        ask_reload(c);
    else
        cmd_done(c, CMD_REFUSED);
}

int exec_reload(struct cmd *c, const struct a_reload *a)
{
    if (a->cancel) {
        cmd_puts(c, c->asa ? "No reload is scheduled.\n" : "%No reload is scheduled.\n");
        return CMD_REFUSED;
    }
    if (a->noconfirm || !c->session->hello.interactive) {
        reload_now(c);
        return CMD_ASYNC;
    }
    if (c->tree->serial != c->session->cli->saved_serial)
        cmd_ask(c,
                c->asa ? "System config has been modified. Save? [Y]es/[N]o:"
                       : "System configuration has been modified. Save? [yes/no]: ",
                1, false, on_reload_save);
    else
        ask_reload(c);
    return CMD_ASYNC;
}
