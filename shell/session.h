/*
 * One interactive session: the terminal on one side, the engine's session on the other.
 *
 * The prompt, the meaning of every line, help, completion and questions are the engine's;
 * editing, history, pager and the moment at which things are shown are ours. One process
 * runs one session (see edit.h) in a plain blocking loop over three descriptors: keys, the
 * engine's channel, and the owner's control descriptor.
 *
 *   at the prompt     keys → readline; notices are printed and the line drawn again
 *   command running   output → filter → pager; arriving Ctrl-C or Ctrl-Shift-6 abort it, all
 *                     other keys wait: several lines sent at once are answered in order
 *   at a question     keys → the answer
 *   at --More--       keys → the pager; the engine is not read, so it is pushed back
 */
#ifndef TANDEM_SHELL_SESSION_H
#define TANDEM_SHELL_SESSION_H

#include "shell/link.h"

enum session_control { CONTROL_NONE, CONTROL_WINDOW, CONTROL_HANGUP };

struct session_io {
    int in, out;
    bool crlf;      /* we must add the CR to each LF */
    bool by_result; /* no person there: the exit status tells whether a line was refused */
    bool no_pager;
    unsigned columns; /* of the screen; 0 = unknown */
    int control;      /* polled too; -1 = none */
    /* Reads what came on `control`. */
    enum session_control (*on_control)(int fd, struct cli_window *w);
};

/* Runs the session from START (HELLO and authentication are done) to its end. Returns the
 * exit status. */
int session_run(struct link *l, const struct session_io *io);

#endif
