/*
 * The offline check of a whole configuration: the parser and the tree alone, no hooks.
 */
#include "parser/parse.h"
#include "parser/tree.h"

#include <string.h>

struct check {
    bool asa;
    const char *name;
    unsigned long number;
    void (*report)(void *ctx, const char *lines);
    void *ctx;
    struct check_counts *counts;
    struct cfg_tree *tree;
    struct line_place place;
    struct line_text more;
    struct line_result r;
};

static void refuse(struct check *c, const char *text, const char *reason)
{
    struct str out = {0};
    c->counts->refused++;
    str_printf(&out, "%s:%lu: ", c->name, c->number);
    size_t width = out.len;
    str_add(&out, text);
    str_addc(&out, '\n');
    if (reason)
        str_printf(&out, "%s\n", reason);
    else
        line_error(&c->place, &c->r, text, width, &out);
    while (out.len > 1 && out.s[out.len - 1] == '\n' && out.s[out.len - 2] == '\n')
        out.s[--out.len] = '\0';
    c->report(c->ctx, str_text(&out));
    str_wipe(&out);
    str_free(&out);
}

static void understood(struct check *c, const char *text)
{
    if (!line_accepted_only(&c->r)) {
        c->counts->act++;
        return;
    }
    struct str out = {0};
    c->counts->accepted++;
    while (*text == ' ')
        text++;
    str_printf(&out, "%s:%lu: accepted without effect: %s\n", c->name, c->number,
               line_has_secret(c->r.entry) ? "(a line with a secret)" : text);
    c->report(c->ctx, str_text(&out));
    str_wipe(&out);
    str_free(&out);
}

static void edit(struct check *c, const char *text)
{
    struct txn t;
    txn_begin(&t, c->tree, c->asa);
    t.loading = true;
    if (line_edit(&c->place, &t, &c->r) != 0)
        refuse(c, text, str_text(&t.error));
    else
        understood(c, text);
    txn_commit(&t);
    txn_end(&t);
}

static void check_line(struct check *c, const char *text)
{
    line_read(&c->more, &c->place, c->tree, text, &c->r);
    if (c->r.status == LINE_OPEN) {
        line_result_free(&c->r);
        return;
    }
    if (c->r.status != LINE_EMPTY)
        c->counts->lines++;
    if (c->r.status == LINE_OK && line_is_exec(c->r.entry)) {
        understood(c, text);
    } else if (c->r.status == LINE_OK) {
        edit(c, text);
    } else if (c->r.status != LINE_EMPTY) {
        refuse(c, text, NULL);
    }
    line_result_free(&c->r);
    /* A configuration may go on behind `end`, as two pasted ones do. */
    if (c->place.depth == 0)
        c->place.depth = 1;
}

void check_text(bool asa, const char *name, const char *text, size_t len,
                void (*report)(void *ctx, const char *lines), void *ctx, struct check_counts *n)
{
    struct check c = {.asa = asa, .name = name, .report = report, .ctx = ctx, .counts = n};
    struct str line = {0};
    c.tree = cfg_tree_new();
    if (!c.tree) {
        report(ctx, "Out of memory\n");
        n->refused++;
        return;
    }
    line_place_init(&c.place, asa, 15, c.tree);
    c.place.depth = 1;
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t k = end ? (size_t)(end - (text + at)) : len - at;
        size_t take = k && text[at + k - 1] == '\r' ? k - 1 : k;
        c.number++;
        str_clear(&line);
        str_addn(&line, text + at, take);
        if (take)
            line_blanks(line.s);
        check_line(&c, str_text(&line));
        at += k + 1;
    }
    if (line_text_open(&c.more))
        refuse(&c, "", "% A text has no end");
    line_text_drop(&c.more);
    str_wipe(&line);
    str_free(&line);
    cfg_tree_free(c.tree);
}
