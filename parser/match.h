/*
 * The matcher: all forms of a mode run side by side over the tokens of a line. Private to
 * the parser.
 *
 * A thread is a position that accepted the token of its step, and the thread of the step
 * before from which it came; the values are read afterwards by walking back from the thread
 * that ended well. A position has at most one thread per step, so the work of a step is
 * bounded by the number of positions, whatever is typed.
 */
#ifndef TANDEM_PARSER_MATCH_H
#define TANDEM_PARSER_MATCH_H

#include "parser/line.h"
#include "parser/value.h"

#define MATCH_TOKENS 260 /* a line of LINE_MAX_ASA characters has at most 256 */

struct token {
    uint16_t at, n;
};

struct tokens {
    const char *text;
    struct token t[MATCH_TOKENS];
    unsigned n;
    size_t end; /* where the text ends, for rest-of-line values */
};
/* Tokens of text[from..to). Returns -1 when there are too many. */
int tokens_split(struct tokens *out, const char *text, size_t from, size_t to);

enum half { H_WHOLE = 0, H_FIRST, H_SECOND, H_REST }; /* of an interface name; rest of line */

struct thread {
    uint16_t pos;
    uint8_t half;
    uint32_t from; /* thread of the step before */
};

/* A position that may take the next token. */
struct candidate {
    uint16_t pos;
    uint8_t half; /* H_SECOND: the number of an interface name is due */
    uint32_t from;
};

struct matcher {
    const struct tokens *tok;
    uint16_t mode;
    unsigned dialect, priv;
    bool typed_no;      /* the line had `no` or `default`, which is not in tok */
    unsigned spelt_out; /* so many words must not be abbreviations */
    struct thread *th;  /* of all steps */
    size_t nth, cap;
    uint32_t step[MATCH_TOKENS + 1]; /* first thread of each step */
    unsigned steps;
    struct candidate *cand; /* for the next token */
    size_t ncand, cap_cand;
    uint8_t *seen;
    /* when a token was refused */
    unsigned bad;     /* its number */
    size_t column;    /* in the text */
    struct str among; /* ambiguous: the keywords it could be */
};

void match_init(struct matcher *m, const struct tokens *tok, uint16_t mode, bool asa, unsigned priv,
                bool typed_no);
void match_free(struct matcher *m);
/* Runs the first `upto` tokens. LINE_OK: threads stand behind them; else LINE_AMBIGUOUS or
 * LINE_INVALID (also for exhausted memory). Candidates for the next token are then in cand. */
enum line_status match_run(struct matcher *m, unsigned upto);
/* The best thread that may end here; false when none may. */
bool match_end(const struct matcher *m, uint32_t *thread, bool *negate);
/* Whether a form, as typed, takes away. */
bool match_negates(const struct matcher *m, const struct g_form *f);

#endif
