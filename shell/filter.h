/*
 * Output filters: `| include RE` and its relatives, line by line. Pure.
 *
 * The platform's regular expressions are POSIX extended ones, with two differences: `_`
 * stands for a delimiter (comma, brace, parenthesis, blank, begin or end of the line),
 * and braces are ordinary characters.
 */
#ifndef TANDEM_SHELL_FILTER_H
#define TANDEM_SHELL_FILTER_H

#include "lib/str.h"

#define FILTER_LINE (64u * 1024) /* a longer line is cut there */

struct filter;
typedef void filter_sink(void *ctx, const char *text, size_t len);

/* kind: enum cli_filter_kind. NULL when the expression is not one (or memory is out). */
struct filter *filter_new(unsigned kind, const char *re, size_t re_len);
void filter_free(struct filter *f); /* NULL is fine */
/* Passes on what belongs to the output, in complete lines. */
void filter_feed(struct filter *f, const char *text, size_t len, filter_sink *sink, void *ctx);
/* The command has ended: an unfinished line, and the result of `count`. */
void filter_end(struct filter *f, filter_sink *sink, void *ctx);

/* The platform's expression as a POSIX extended one. */
void filter_translate(const char *re, size_t len, struct str *out);

#endif
