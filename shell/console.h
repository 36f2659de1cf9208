/*
 * The local terminal: raw while the session runs, and as it was afterwards.
 */
#ifndef TANDEM_SHELL_CONSOLE_H
#define TANDEM_SHELL_CONSOLE_H

#include "shell/link.h"

/* The size of the terminal behind fd; zeros when it is none. */
void console_window(int fd, struct cli_window *w);
/* Runs an interactive session on stdin and stdout. Returns the exit status. */
int console_run(struct link *l, bool no_pager);

#endif
