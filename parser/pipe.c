/*
 * Output filters behind `|`: which one, and its regular expression. The shell applies them.
 */
#include "parser/parse.h"

#include <string.h>

static const struct filter {
    const char *text, *help;
    uint8_t kind, dialect; /* listed in the help of these; accepted in both */
} filters[] = {
    {"begin", "Begin with the line that matches", CLI_BEGIN, G_BOTH},
    {"count", "Count number of lines which match regexp", CLI_COUNT, G_IOS},
    {"exclude", "Exclude lines that match", CLI_EXCLUDE, G_BOTH},
    {"grep", "Include/exclude lines that match", CLI_INCLUDE, G_ASA},
    {"include", "Include lines that match", CLI_INCLUDE, G_BOTH},
    {"section", "Filter a section of output", CLI_SECTION, G_IOS},
};
#define NFILTERS (sizeof(filters) / sizeof(filters[0]))

const char *pipe_word(unsigned i, bool asa, const char **help)
{
    for (unsigned k = 0; k < NFILTERS; k++) {
        if (!(filters[k].dialect & (asa ? G_ASA : G_IOS)) || i-- > 0)
            continue;
        *help = filters[k].help;
        return filters[k].text;
    }
    return NULL;
}

unsigned pipe_token(const struct tokens *tok)
{
    for (unsigned i = 0; i < tok->n; i++)
        if (tok->text[tok->t[i].at] == '|')
            return i;
    return tok->n;
}

static const struct filter *find(const char *t, size_t n)
{
    for (unsigned k = 0; k < NFILTERS; k++) /* first letters are all different */
        if (n && kw_match(filters[k].text, t, n) != KW_NO)
            return &filters[k];
    return NULL;
}

/* The next word in text[*at..end). */
static size_t word(const struct tokens *tok, size_t *at)
{
    size_t n = 0;
    while (*at < tok->end && (tok->text[*at] == ' ' || tok->text[*at] == '\t'))
        (*at)++;
    while (*at + n < tok->end && tok->text[*at + n] != ' ' && tok->text[*at + n] != '\t')
        n++;
    return n;
}

static void refuse(struct line_result *r, enum line_status s, size_t column)
{
    r->status = s;
    r->column = (unsigned)column;
}

void pipe_parse(const struct tokens *tok, unsigned first, bool asa, struct line_result *r)
{
    size_t at = (size_t)tok->t[first].at + 1;
    size_t n = word(tok, &at);
    (void)asa;
    if (n == 0) {
        refuse(r, LINE_INCOMPLETE, at);
        return;
    }
    const struct filter *f = find(tok->text + at, n);
    if (!f) {
        size_t best = 0;
        for (unsigned k = 0; k < NFILTERS; k++) {
            size_t c = kw_common(filters[k].text, tok->text + at, n);
            best = c > best ? c : best;
        }
        refuse(r, LINE_INVALID, at + best);
        return;
    }
    uint8_t kind = f->kind;
    at += n;
    n = word(tok, &at);
    if (f->kind == CLI_INCLUDE && f->text[0] == 'g' && n == 2 &&
        strncmp(tok->text + at, "-v", 2) == 0) {
        kind = CLI_EXCLUDE;
        at += n;
        n = word(tok, &at);
    } else if (f->kind == CLI_SECTION && n > 2) {
        size_t after = at + n, more = word(tok, &after);
        const struct filter *how = find(tok->text + at, n);
        if (more && how && (how->kind == CLI_INCLUDE || how->kind == CLI_EXCLUDE) &&
            how->text[0] != 'g') {
            kind = how->kind == CLI_EXCLUDE ? CLI_SECTION_EXCLUDE : CLI_SECTION;
            at = after;
            n = more;
        }
    }
    if (n == 0) {
        refuse(r, LINE_INCOMPLETE, at);
        return;
    }
    if (tok->end - at >= sizeof(r->filter_re)) {
        refuse(r, LINE_INVALID, at + sizeof(r->filter_re) - 1);
        return;
    }
    r->piped = true;
    r->filter.kind = kind;
    memcpy(r->filter_re, tok->text + at, tok->end - at);
    r->filter_re[tok->end - at] = '\0';
}
