/* Output filters. See filter.h. */
#include "shell/filter.h"
#include "lib/cliproto.h"
#include <regex.h>
#include <stdlib.h>
#include <string.h>

struct filter {
    unsigned kind;
    regex_t re;
    struct str line; /* a line whose end has not come yet */
    bool started;    /* begin: the first match was seen */
    bool inside;     /* section: below a line that matched */
    size_t indent;   /* section: of that line */
    unsigned long counted;
};

/* A bracket expression is copied as it stands: `_` is itself in there. Returns its length. */
static size_t bracket_length(const char *re, size_t len)
{
    size_t i = 1;
    if (i < len && re[i] == '^')
        i++;
    if (i < len && re[i] == ']') /* first in the set: an ordinary character */
        i++;
    while (i < len && re[i] != ']')
        i++;
    return i < len ? i + 1 : len;
}

void filter_translate(const char *re, size_t len, struct str *out)
{
    for (size_t i = 0; i < len; i++) {
        if (re[i] == '\\' && i + 1 < len) {
            str_addn(out, re + i, 2);
            i++;
        } else if (re[i] == '[') {
            size_t n = bracket_length(re + i, len - i);
            str_addn(out, re + i, n);
            i += n - 1;
        } else if (re[i] == '_') {
            /* a delimiter, and itself: names have it, and people search for them */
            str_add(out, "(^|$|[ ,{}()_])");
        } else {
            if (re[i] == '{' || re[i] == '}')
                str_addc(out, '\\');
            str_addc(out, re[i]);
        }
    }
}

struct filter *filter_new(unsigned kind, const char *re, size_t re_len)
{
    struct filter *f = (struct filter *)calloc(1, sizeof(*f));
    struct str posix = {0};
    filter_translate(re, re_len, &posix);
    if (!f || posix.bad || regcomp(&f->re, str_text(&posix), REG_EXTENDED | REG_NOSUB) != 0) {
        free(f);
        f = NULL;
    } else {
        f->kind = kind;
    }
    str_free(&posix);
    return f;
}

void filter_free(struct filter *f)
{
    if (!f)
        return;
    regfree(&f->re);
    str_wipe(&f->line);
    free(f);
}

/* `section`: a line that matches, at whatever depth it stands, with what is indented below
 * it (seed 003: "sh run | s crypto map" shows the map, and the interface's own line alone). */
static bool in_section(struct filter *f, const char *line, bool match)
{
    size_t indent = strspn(line, " ");
    if (match && !(f->inside && indent > f->indent)) {
        f->inside = true;
        f->indent = indent;
    } else if (!match && f->inside && indent <= f->indent) {
        f->inside = false;
    }
    return f->inside;
}

static bool wanted(struct filter *f, const char *line)
{
    bool match = regexec(&f->re, line, 0, NULL, 0) == 0;
    switch (f->kind) {
    case CLI_INCLUDE:
        return match;
    case CLI_EXCLUDE:
        return !match;
    case CLI_BEGIN:
        f->started |= match;
        return f->started;
    case CLI_SECTION:
        return in_section(f, line, match);
    case CLI_SECTION_EXCLUDE:
        return !in_section(f, line, match);
    case CLI_COUNT:
        f->counted += match;
        return false;
    default:
        return true;
    }
}

static void end_line(struct filter *f, filter_sink *sink, void *ctx)
{
    if (wanted(f, str_text(&f->line))) {
        str_addc(&f->line, '\n');
        sink(ctx, str_text(&f->line), f->line.len);
    }
    str_clear(&f->line);
}

void filter_feed(struct filter *f, const char *text, size_t len, filter_sink *sink, void *ctx)
{
    while (len) {
        const char *nl = (const char *)memchr(text, '\n', len);
        size_t n = nl ? (size_t)(nl - text) : len;
        size_t room = FILTER_LINE - f->line.len;
        str_addn(&f->line, text, n < room ? n : room);
        if (nl) {
            end_line(f, sink, ctx);
            n++;
        }
        text += n;
        len -= n;
    }
}

void filter_end(struct filter *f, filter_sink *sink, void *ctx)
{
    if (f->line.len)
        end_line(f, sink, ctx);
    if (f->kind == CLI_COUNT) {
        struct str s = {0};
        str_printf(&s, "Number of lines which match regexp = %lu\n", f->counted);
        sink(ctx, str_text(&s), s.len);
        str_free(&s);
    }
}
