/*
 * Random lines and trees, made from the grammar's tables alone, so that a new entry is under
 * test as soon as it is written. Everything follows from a seed.
 */
#ifndef TANDEM_TESTS_PROPERTY_RANDOM_H
#define TANDEM_TESTS_PROPERTY_RANDOM_H

#include "lib/str.h"
#include "parser/grammar.h"
#include "parser/line.h"
#include "parser/txn.h"
#include "parser/value.h"

struct rnd {
    uint64_t s;
};
uint64_t rnd_next(struct rnd *r);
unsigned rnd_below(struct rnd *r, unsigned n); /* 0 … n-1 */

/* The text of a random value; words begin with 'Z', which no keyword does. */
void random_value(struct rnd *r, const struct g_arg *a, struct str *out);
/* A random line of this form, `no` of an inverted form included. */
void random_line(struct rnd *r, uint16_t form, struct str *out);
/* A tree with many entries of a dialect. */
struct cfg_tree *random_tree(struct rnd *r, bool asa);

/* Types lines: from `config`, or wherever the place stands. What went wrong, or OK. */
enum line_status type_line(struct line_place *p, struct cfg_tree *t, const char *text);
/* All lines of a text; the number of those that were refused, the first one in bad. */
unsigned type_text(struct line_place *p, struct cfg_tree *t, const char *text, struct str *bad);
/* Moves the place into a mode by typing lines of the objects that enter it. */
bool enter_mode(struct rnd *r, struct line_place *p, struct cfg_tree *t, uint16_t mode);

#endif
