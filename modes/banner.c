/*
 * What a session begins with: banners, as texts (IOS) or line by line (ASA).
 */
#include "modes/internal.h"
#include <string.h>

/* What stands for "$(hostname)" and its like; NULL: it stays as it is. */
static const char *token_text(const struct cli *cli, const char *name, size_t n)
{
    const struct cfg_node *domain = cfg_first(cli->tree->root, E_DOMAIN_NAME_IOS);
    if (n == 8 && strncmp(name, "hostname", n) == 0)
        return cli_hostname(cli);
    if (n == 6 && strncmp(name, "domain", n) == 0)
        return domain ? CFG_ARGS(domain, domain_name_ios)->name : "";
    return NULL;
}

static void put_text(const struct cli *cli, const char *text, struct str *out)
{
    while (*text) {
        size_t n = strcspn(text, "$"), k = 0;
        str_addn(out, text, n);
        text += n;
        if (text[0] == '$' && text[1] == '(')
            k = strcspn(text + 2, ")\n");
        const char *put = k && text[2 + k] == ')' ? token_text(cli, text + 2, k) : NULL;
        if (put) {
            str_add(out, put);
            text += k + 3;
        } else if (*text) {
            str_addc(out, *text++);
        }
    }
}

static void put(const struct cli *cli, uint16_t entry, struct str *out)
{
    const struct cfg_node *n = cfg_first(cli->tree->root, entry);
    if (!n)
        return;
    /* Their arguments are alike. */
    put_text(cli, CFG_ARGS(n, banner_motd)->text, out);
    if (out->len && out->s[out->len - 1] != '\n')
        str_addc(out, '\n');
}

void banner_greet(struct session *s)
{
    if (!s->hello.interactive)
        return;
    if (!s->cli->box.asa) {
        put(s->cli, E_BANNER_MOTD, &s->out);
        put(s->cli, E_BANNER_EXEC, &s->out);
        return;
    }
    cfg_each(s->cli->tree->root, E_BANNER, n)
    {
        const struct a_banner *b = CFG_ARGS(n, banner);
        if (b->kind == ENUM_BANNER_KIND_MOTD || b->kind == ENUM_BANNER_KIND_EXEC)
            str_printf(&s->out, "%s\n", b->text);
    }
    if (s->hello.must_auth)
        str_printf(&s->out, "User %s logged in to %s\n", s->user, cli_hostname(s->cli));
    str_add(&s->out, "Type help or '?' for a list of available commands.\n");
}

/* What is said before the password (IOS: `banner login`). */
void banner_send(struct session *s)
{
    struct str text = {0};
    if (!s->cli->box.asa)
        put(s->cli, E_BANNER_LOGIN, &text);
    ipc_send(s->ipc, CLI_BANNER, str_text(&text), text.len);
    str_free(&text);
}
