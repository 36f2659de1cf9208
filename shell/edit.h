/*
 * Line editing: GNU readline with the platform's keys and our own redisplay.
 *
 * readline keeps its state in process-wide variables, so there is one editor per process
 * (one session per process) and these functions take no handle. readline edits and keeps
 * the history; it neither reads the terminal (keys come from the session, which watches the
 * engine meanwhile) nor writes to it (redraw.c does, without terminal codes).
 */
#ifndef TANDEM_SHELL_EDIT_H
#define TANDEM_SHELL_EDIT_H

#include "lib/str.h"
#include "shell/term.h"

#define EDIT_LINE_MAX 4096 /* keys beyond it are not taken; the parser's own limit is lower */

enum edit_end {
    EDIT_ENTER, /* Enter */
    EDIT_LEAVE, /* Ctrl-Z: run the line, then leave configuration */
    EDIT_ABORT, /* Ctrl-C: forget the line */
    EDIT_EOF    /* no more keys will come */
};

/* What the session does for the editor. */
struct edit_hooks {
    int (*key)(void *ctx); /* waits for the next key; -1 when there will be none */
    /* `?` at the end of text: prints the help. */
    void (*help)(void *ctx, const char *text);
    /* Tab: puts the completed line in out; empty when there is no unique completion. */
    void (*complete)(void *ctx, const char *text, struct str *out);
    void *ctx;
};

/* hooks and term must outlive the editor. */
void edit_open(struct term *term, const struct edit_hooks *hooks);
void edit_close(void);
void edit_screen(unsigned width); /* columns; 0 = unlimited */
void edit_history(unsigned lines);

/* Reads one line behind the prompt. *line is malloc'd (NULL for EDIT_EOF). text: it is no
 * command, so `?` and Tab are characters like others. */
enum edit_end edit_read(const char *prompt, bool text, char **line);
/* A line that was run: the newest of the history, and there but once. */
void edit_remember(const char *line);
/* Prompt and line again; the cursor stands on a fresh row. Only from the key hook. */
void edit_again(void);

#endif
