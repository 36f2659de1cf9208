/* See support.h. */
#include "tests/unit/parser/support.h"

#include "parser/edit.h"

#include <string.h>

struct hook_log hook_log;

static void log_hook(const struct txn *t, const struct cfg_node *n, bool negate)
{
    hook_log.runs++;
    hook_log.negate = negate;
    hook_log.created = txn_created(t, n);
    hook_log.parent = n->parent;
}

int name_check(struct txn *t, struct cfg_node *n, const struct a_name *a, bool negate)
{
    log_hook(t, n, negate);
    if (!negate && strcmp(a->name, "wrong") == 0)
        return txn_refuse(t, "ERROR: %s is no name\n", a->name);
    if (!negate && strcmp(a->name, "odd") == 0)
        txn_note(t, "WARNING: %s is odd", a->name);
    return 0;
}

int address_check(struct txn *t, struct cfg_node *n, const struct a_address *a, bool negate)
{
    log_hook(t, n, negate);
    return a->has_addr && a->has_mask ? 0 : -1;
}

void box_init(struct box *b, bool asa)
{
    memset(b, 0, sizeof(*b));
    b->tree = cfg_tree_new();
    assert_non_null(b->tree);
    line_place_init(&b->place, asa, 15, b->tree);
    b->place.depth = 1;
}

void box_free(struct box *b)
{
    line_result_free(&b->r);
    cfg_tree_free(b->tree);
    line_text_drop(&b->more);
    str_free(&b->said);
}

const char *box_prompt(struct box *b)
{
    str_clear(&b->said);
    line_prompt(&b->place, "box", &b->said);
    return str_text(&b->said);
}

const char *box_type(struct box *b, const char *line)
{
    size_t width = strlen(box_prompt(b));
    str_clear(&b->said);
    line_result_free(&b->r);
    line_place_check(&b->place, b->tree);
    line_read(&b->more, &b->place, b->tree, line, &b->r);
    if (b->r.status != LINE_OK) {
        line_error(&b->place, &b->r, line, width, &b->said);
    } else if (line_is_exec(b->r.entry)) {
        str_printf(&b->said, "%s%s", b->r.negate ? "no " : "", line_entry_name(b->r.entry));
    } else {
        struct txn t;
        txn_begin(&t, b->tree, b->place.asa);
        t.checks = g_checks;
        if (line_edit(&b->place, &t, &b->r) == 0)
            txn_commit(&t);
        str_add(&b->said, str_text(&t.error));
        str_add(&b->said, str_text(&t.notes));
        txn_end(&t);
    }
    return str_text(&b->said);
}

void box_paste(struct box *b, const char *text)
{
    while (*text) {
        char line[600];
        size_t n = strcspn(text, "\n");
        assert_true(n < sizeof(line));
        memcpy(line, text, n);
        line[n] = '\0';
        const char *said = box_type(b, line);
        if (*said)
            fail_msg("'%s': %s", line, said);
        text += n + (text[n] == '\n');
    }
}

const char *box_help(struct box *b, const char *line)
{
    str_clear(&b->said);
    line_help(&b->place, b->tree, line, &b->said);
    return str_text(&b->said);
}

const char *box_tab(struct box *b, const char *line)
{
    str_clear(&b->said);
    line_complete(&b->place, b->tree, line, &b->said);
    return str_text(&b->said);
}

const char *box_show(struct box *b, unsigned flags)
{
    str_clear(&b->said);
    print_tree(b->tree, b->place.asa, flags, &b->said);
    return str_text(&b->said);
}
