/*
 * Redisplay of the edited line without terminal codes. Pure.
 *
 * Only text, backspaces and blanks are written, so that a client which reads our stream
 * sees each character it typed echoed once, and a line of any length whole (reference
 * clients.md, 4 and 18). On a screen a long line wraps by itself. Where an edit would have
 * to move up into a row above, which takes terminal codes, the line is drawn anew on a row
 * of its own that scrolls sideways; '$' marks where it goes on.
 */
#ifndef TANDEM_SHELL_REDRAW_H
#define TANDEM_SHELL_REDRAW_H

#include "lib/str.h"

struct redraw {
    struct str shown; /* prompt and line as they stand on the screen */
    size_t cursor;    /* byte offset in shown */
    unsigned width;   /* columns of the screen; 0 = unlimited */
    bool sideways;    /* drawn on a scrolling row */
    size_t row_cols;  /* sideways: columns of that row in use */
};

void redraw_free(struct redraw *r);
/* The cursor stands in column 0 of a fresh row, nothing is shown yet. */
void redraw_start(struct redraw *r, unsigned width);
/* Adds to out what makes the screen show prompt and line, cursor at byte `point` of line. */
void redraw_update(struct redraw *r, const char *prompt, const char *line, size_t point,
                   struct str *out);

#endif
