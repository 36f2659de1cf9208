/*
 * Configuration lines, any bytes: parsed and edited into a tree in one personality, asked
 * for help and completion, copied and printed.
 *
 * The first byte chooses the personality; the lines follow, a NUL or newline after each.
 */
#include "parser/line.h"
#include "parser/print.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

struct box {
    struct cfg_tree *tree;
    struct line_place place;
    struct line_text more;
    struct line_result r;
};

static void box_init(struct box *b, bool asa)
{
    b->tree = cfg_tree_new();
    if (!b->tree)
        abort();
    line_place_init(&b->place, asa, 15, b->tree);
    b->place.depth = 1;
}

static bool type(struct box *b, const char *line)
{
    struct txn t;
    struct str error = {0};
    line_place_check(&b->place, b->tree);
    line_read(&b->more, &b->place, b->tree, line, &b->r);
    bool ok = b->r.status == LINE_OK || b->r.status == LINE_EMPTY || b->r.status == LINE_OPEN;
    if (line_text_open(&b->more) != (b->r.status == LINE_OPEN) || b->more.whole.len > LINE_TEXT_MAX)
        abort(); /* a text is collected up to its bound */
    line_error(&b->place, &b->r, line, 10, &error);
    if (ok == (error.len > 0) || b->r.column > strlen(line))
        abort(); /* a refused line says why, within the line */
    if (b->r.status == LINE_OK && !line_is_exec(b->r.entry)) {
        txn_begin(&t, b->tree, b->place.asa);
        if (line_edit(&b->place, &t, &b->r) == 0)
            txn_commit(&t);
        txn_end(&t);
    }
    line_result_free(&b->r);
    str_free(&error);
    if (b->place.depth == 0)
        b->place.depth = 1;
    return ok;
}

static void ask(struct box *b, const char *line)
{
    struct str out = {0};
    uint64_t serial = b->tree->serial;
    line_help(&b->place, b->tree, line, &out);
    if (!out.len)
        abort();
    line_complete(&b->place, b->tree, line, &out);
    if (b->tree->serial != serial)
        abort();
    str_free(&out);
}

/* Every tree prints and copies. (That it reads back is a property test: here a name may be
 * spelt like a keyword.) */
static void print_again(const struct box *b)
{
    struct str text = {0};
    print_tree(b->tree, b->place.asa, PRINT_SECRETS | PRINT_ALL, &text);
    str_clear(&text);
    print_tree(b->tree, b->place.asa, 0, &text);
    struct cfg_tree *copy = cfg_tree_copy(b->tree);
    if (!copy || !cfg_tree_equal(copy, b->tree))
        abort();
    cfg_tree_free(copy);
    str_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct box *b = calloc(1, sizeof(*b));
    char line[1024];
    if (!b || len < 2 || len > 16384) {
        free(b);
        return 0;
    }
    box_init(b, data[0] & 1);
    for (size_t at = 1; at < len;) {
        size_t n = 0;
        while (at + n < len && data[at + n] != '\0' && data[at + n] != '\n')
            n++;
        size_t take = n < sizeof(line) - 1 ? n : sizeof(line) - 1;
        memcpy(line, data + at, take);
        line[take] = '\0';
        if (data[0] & 2)
            ask(b, line);
        (void)type(b, line);
        at += n + 1;
    }
    print_again(b);
    line_text_drop(&b->more);
    cfg_tree_free(b->tree);
    free(b);
    return 0;
}
