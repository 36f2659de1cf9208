/*
 * Texts between two equal characters, which may go on over lines: `banner motd #text#`.
 */
#include "parser/parse.h"

#include <string.h>

bool text_span(const char *t, size_t n, size_t *from, size_t *len, char until[TEXT_UNTIL])
{
    memset(until, 0, TEXT_UNTIL);
    /* As a configuration is printed, ^C are two characters that stand for one. */
    size_t k = n >= 2 && t[0] == '^' && t[1] == 'C' ? 2 : n > 0;
    memcpy(until, t, k);
    *from = k;
    *len = n - k;
    for (size_t i = k; k && i + k <= n; i++) {
        if (memcmp(t + i, until, k) != 0)
            continue;
        *len = i - k;
        return true;
    }
    return false;
}

void text_print(const char *text, struct str *out)
{
    static const char other[] = "#%$@&*+=~|/\"';:.,!-_";
    char end[TEXT_UNTIL] = "^C";
    for (const char *p = other; *p && strstr(text, end); p++)
        end[0] = *p, end[1] = '\0';
    str_printf(out, "%s%s%s", end, text, end);
}

bool line_text_open(const struct line_text *more)
{
    return more->until[0] != '\0';
}

void line_text_drop(struct line_text *more)
{
    str_wipe(&more->whole);
    memset(more, 0, sizeof(*more));
}

static void begin(struct line_text *more, const char *text, const struct line_result *r)
{
    memcpy(more->until, r->until, sizeof(more->until));
    str_addn(&more->whole, text, strcspn(text, "\r\n"));
}

void line_read(struct line_text *more, const struct line_place *p, const struct cfg_tree *tree,
               const char *text, struct line_result *r)
{
    if (!line_text_open(more)) {
        line_parse(p, tree, text, r);
        if (r->status == LINE_OPEN)
            begin(more, text, r);
        return;
    }
    size_t n = strcspn(text, "\r\n");
    const char *end = strstr(text, more->until);
    bool ends = end && end < text + n;
    if (n > LINE_MAX_IOS || more->whole.len + n >= LINE_TEXT_MAX)
        more->too_long = true;
    memset(r, 0, sizeof(*r));
    r->status = LINE_OPEN;
    if (!more->too_long) {
        str_addc(&more->whole, '\n');
        str_addn(&more->whole, text, n);
    }
    if (!ends)
        return;
    if (!more->too_long && !more->whole.bad)
        line_parse_text(p, str_text(&more->whole), more->whole.len, r);
    if (r->status != LINE_OK) {
        r->status = LINE_TOO_LONG;
        memcpy(r->until, more->until, sizeof(r->until));
    }
    line_text_drop(more);
}
