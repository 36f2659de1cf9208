/*
 * One typed line, in the place where it was typed: matching, implicit exit from submodes,
 * `no`, `default`, `do`, comments, help and completion. Pure: no I/O, no clock, no globals;
 * what a line means is left to the caller (edit it into a tree with line_edit, or run the
 * entry's hook).
 */
#ifndef TANDEM_PARSER_LINE_H
#define TANDEM_PARSER_LINE_H

#include "lib/cliproto.h"
#include "lib/str.h"
#include "parser/tree.h"
#include "parser/txn.h"

#define LINE_DEPTH     8
#define LINE_MAX_IOS   254
#define LINE_MAX_ASA   510
#define LINE_ARGS_SIZE 2048 /* largest generated struct; checked by the compiler */

/* Where the session is: stack[0] is exec, stack[1] config, then submodes. An EXEC hook may
 * move between the two by setting depth. line_place_check notices when another session has
 * removed the node of a mode. */
struct line_place {
    bool asa;
    unsigned privilege;
    unsigned depth; /* index of the current mode */
    struct {
        uint16_t mode; /* MODE_… number */
        struct cfg_node *node;
        uint64_t id; /* of the node; numbers are not used again */
    } stack[LINE_DEPTH];
};
void line_place_init(struct line_place *p, bool asa, unsigned privilege, struct cfg_tree *tree);
/* "hostname(config-if)#" with the platform's trailing blank and cuts. */
void line_prompt(const struct line_place *p, const char *hostname, struct str *out);
/* Drops stack entries whose node no longer stands in the tree. Call before each line. */
void line_place_check(struct line_place *p, const struct cfg_tree *tree);

enum line_status {
    LINE_OK,
    LINE_EMPTY, /* nothing to do: blank or comment */
    LINE_INCOMPLETE,
    LINE_AMBIGUOUS,
    LINE_INVALID,
    LINE_TOO_LONG,
    LINE_OPEN /* a text begins that the line does not end: see line_read() */
};

struct line_result {
    enum line_status status;
    uint16_t entry; /* E_… of the winner; 0: `exit` or `end`, which only line_edit moves by pop */
    uint16_t form;
    bool negate;     /* `no` */
    bool to_default; /* `default` */
    unsigned pop;    /* how many submodes the line leaves first */
    uint16_t enter;  /* MODE_… to enter afterwards, 0 = none */
    bool piped;
    bool abbreviated; /* the winner's first word is one that the line shortens */
    struct cli_filter filter;
    char filter_re[256];
    unsigned column; /* 0-based, in the line: the caret of LINE_INVALID, the word that is
                        LINE_AMBIGUOUS */
    char until[3];   /* LINE_OPEN: what ends the text; LINE_TOO_LONG: of such a text */
    char among[256]; /* LINE_AMBIGUOUS: the keywords it could be, blanks between (may be cut) */
    /* The winner's arguments; strings in it live until line_result_free. */
    _Alignas(16) unsigned char args[LINE_ARGS_SIZE];
    struct line_match *match; /* private */
};

/* Documents on the web have U+00A0 for blanks, and it comes along when they are pasted: each
 * becomes a blank. In place. */
void line_blanks(char *text);
void line_parse(const struct line_place *p, const struct cfg_tree *tree, const char *text,
                struct line_result *r);
/* The same for one line of many, where a text between two equal characters may go on: such a
 * line is LINE_OPEN, and so are the next ones, up to the one that ends the text, which gives the
 * result of the whole. Zeroed at first; the caller's, freed by line_text_drop(). */
#define LINE_TEXT_MAX 3200 /* of the whole; what comes then is read to its end and refused */
struct line_text {
    struct str whole;
    char until[3]; /* "": none is open */
    bool too_long;
};
void line_read(struct line_text *more, const struct line_place *p, const struct cfg_tree *tree,
               const char *text, struct line_result *r);
bool line_text_open(const struct line_text *more);
void line_text_drop(struct line_text *more);  /* an open text is forgotten */
void line_result_free(struct line_result *r); /* wipes; safe on a zeroed struct */

/* The platform's words for a refused line, with the caret under the column behind a prompt
 * of that width. Complete lines. */
void line_error(const struct line_place *p, const struct line_result *r, const char *text,
                size_t prompt_width, struct str *out);

/* Applies a config line to the tree inside t (check hooks are run when t->checks is set) and
 * moves the place (pop, enter). 0, or -1 with t->error set, the line's edits taken back and
 * the place unmoved. EXEC entries (line_is_exec) are the caller's: it runs their hook. */
int line_edit(struct line_place *p, struct txn *t, const struct line_result *r);

/* `?` with the cursor at the end of text, and Tab. Empty *out = nothing unique to complete. */
void line_help(const struct line_place *p, const struct cfg_tree *tree, const char *text,
               struct str *out);
void line_complete(const struct line_place *p, const struct cfg_tree *tree, const char *text,
                   struct str *out);

/* What the line's entry is. */
bool line_is_exec(uint16_t entry);
bool line_has_secret(uint16_t entry); /* one of its arguments is a password or a key */
unsigned line_priv(uint16_t entry);
/* Parsed and kept, but nothing acts on it (status accepted, or an argument that is `accepted`). */
bool line_accepted_only(const struct line_result *r);
const char *line_entry_name(uint16_t entry);

/* The offline check of a whole text (tandem --check). report gets one text per line that
 * is refused or without effect. */
struct check_counts {
    unsigned long lines, act, accepted, refused;
};
void check_text(bool asa, const char *name, const char *text, size_t len,
                void (*report)(void *ctx, const char *lines), void *ctx, struct check_counts *n);

#endif
