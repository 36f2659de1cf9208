/*
 * A box without an engine: a tree, a place, and what typing a line answers. The grammar is
 * test.cg.
 */
#ifndef TANDEM_TESTS_PARSER_SUPPORT_H
#define TANDEM_TESTS_PARSER_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "g_args.h"
#include "parser/grammar.h"
#include "parser/line.h"
#include "parser/print.h"
#include "parser/txn.h"

struct box {
    struct cfg_tree *tree;
    struct line_place place;
    struct line_text more;
    struct str said; /* the answer to the last line */
    struct line_result r;
};

void box_init(struct box *b, bool asa); /* in configuration, privilege 15 */
void box_free(struct box *b);
/* Types one line; the answer: an error with its caret under "box…#", notes, or "". */
const char *box_type(struct box *b, const char *line);
/* Several lines, none of which may be refused. */
void box_paste(struct box *b, const char *text);
const char *box_help(struct box *b, const char *line);
const char *box_tab(struct box *b, const char *line);
const char *box_prompt(struct box *b);
const char *box_show(struct box *b, unsigned flags); /* the whole configuration */

/* What the check hooks saw last. */
struct hook_log {
    unsigned runs;
    bool negate;
    bool created;
    const struct cfg_node *parent;
};
extern struct hook_log hook_log;

#define assert_says(b, line, text) assert_string_equal(box_type((b), (line)), (text))
#define assert_prints(b, text)     assert_string_equal(box_show((b), PRINT_SECRETS), (text))

#endif
