/*
 * Private to the parser: what a parsed line keeps besides its arguments, and the words that
 * belong to every configuration mode.
 */
#ifndef TANDEM_PARSER_PARSE_H
#define TANDEM_PARSER_PARSE_H

#include "lib/mem.h"
#include "parser/match.h"

#define LINE_KEYS 16

struct line_match {
    struct arena mem; /* strings of values */
    struct {
        uint16_t arg;
        struct value v;
    } key[LINE_KEYS]; /* keys of ancestors that the line named */
    unsigned nkey;
    bool whole;    /* a `no` line gave all of a form */
    uint16_t plus; /* the repeated argument, G_NONE: none */
    struct value *item;
    unsigned nitem;
};

enum builtin { B_NONE, B_NO, B_DEFAULT, B_DO, B_EXIT, B_END, B_HELP, B_AMBIGUOUS };
struct builtin_word {
    const char *text;
    enum builtin what;
    unsigned dialect;
    const char *help; /* NULL: the mode's */
};
extern const struct builtin_word line_builtins[];
extern const unsigned line_nbuiltins;
/* Which of them the first token is, in this configuration mode. */
enum builtin builtin_find(const struct line_place *p, const struct tokens *tok, struct str *among);
/* True for a comment of this personality. */
bool line_is_comment(bool asa, const char *text);

/* line_parse() of a text that goes on behind its first line, up to `end` (0: it does not). */
void line_parse_text(const struct line_place *p, const char *text, size_t end,
                     struct line_result *r);

/* True when a printed line, typed in its form's mode, is this entry with these arguments
 * again. */
bool line_reads_as(const struct g_form *f, bool asa, const char *text, const void *args);

/* pipe.c: the number of the token that starts a pipe, or tok->n. */
unsigned pipe_token(const struct tokens *tok);
/* Reads the filter behind it into r; sets status and column when it is refused. */
void pipe_parse(const struct tokens *tok, unsigned at, bool asa, struct line_result *r);
/* Names of filters for help: "include", …; NULL past the end. */
const char *pipe_word(unsigned i, bool asa, const char **help);

#endif
