/*
 * Lines run without a person: `tandem FILE`, `tandem -c`, and ssh's exec channel. Every line
 * runs in its order, the output follows, and refused lines are counted.
 */
#ifndef TANDEM_SHELL_SCRIPT_H
#define TANDEM_SHELL_SCRIPT_H

#include "shell/link.h"
#include <stdio.h>

struct script {
    struct link *link;
    FILE *out;
    bool crlf;                    /* LF goes out as CR LF */
    unsigned long lines, refused; /* in all; the owner may reset them */
    unsigned long number;         /* of the line in the text that is running */
};

/* Runs the lines of `in`. name: with it, the text of a refused line is shown as
 * "name:line: text", the error below it; NULL: the output alone. A question takes the next
 * line as its answer; behind the last line a [confirm] is not given. False when the session ended
 * before the lines did. */
bool script_run(struct script *s, FILE *in, const char *name);

#endif
