/*
 * The pager's arithmetic: how much text still fits on the page, and what a key at the
 * question means. Pure; the session writes and asks.
 */
#ifndef TANDEM_SHELL_PAGER_H
#define TANDEM_SHELL_PAGER_H

#include <stdbool.h>
#include <stddef.h>

struct pager {
    unsigned page;  /* rows of the terminal; 0 = no paging */
    unsigned width; /* columns; 0 = lines never wrap */
    bool asa;
    unsigned left;   /* rows that may still be shown before the question */
    unsigned column; /* in the row being shown */
    bool fresh;      /* nothing was shown since the last key */
};

enum pager_action {
    PAGER_MORE,   /* go on: `left` was renewed */
    PAGER_QUIT,   /* drop the rest; the key is used up */
    PAGER_UNKEY,  /* drop the rest; the key belongs to the next command */
    PAGER_SEARCH, /* ask for an expression and go on at the first match */
    PAGER_IGNORE  /* no key of ours: ask on */
};

/* For each command: a full page may be shown. */
void pager_start(struct pager *p, unsigned page, unsigned width, bool asa);
/* How many bytes of text may be shown now. Less than len: the question comes next. */
size_t pager_take(struct pager *p, const char *text, size_t len);
enum pager_action pager_key(struct pager *p, int key);

const char *pager_question(const struct pager *p);
/* What removes the question from the screen again (reference cli.md §6). */
const char *pager_erase(const struct pager *p);

#endif
