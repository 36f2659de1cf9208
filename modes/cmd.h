/*
 * What an EXEC hook may use. A hook prints, reads state (control/query.h) and the tree, and
 * returns CMD_OK or CMD_REFUSED; one that needs time returns CMD_ASYNC and ends with
 * cmd_done(). It never sees a file descriptor or a frame.
 */
#ifndef TANDEM_MODES_CMD_H
#define TANDEM_MODES_CMD_H

#include "control/query.h"
#include "lib/str.h"
#include "parser/line.h"

enum { CMD_OK = 0, CMD_REFUSED = 1, CMD_ASYNC = 2 };

struct session; /* session.h */

struct cmd {
    struct session *session;
    struct control *control;
    struct cfg_tree *tree; /* running-config; read it, edit through cli_config() of internal.h */
    const struct line_result *line;
    bool asa;
    void *state;                     /* a hook's own, while CMD_ASYNC */
    void (*on_abort)(struct cmd *c); /* Ctrl-C: stop and call cmd_done() */
    void (*on_answer)(struct cmd *c, const char *text);
};

void cmd_printf(struct cmd *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cmd_puts(struct cmd *c, const char *text); /* as it is */
void cmd_flush(struct cmd *c);                  /* sends what was printed so far (ping marks) */
void cmd_done(struct cmd *c, int result);       /* ends a CMD_ASYNC command */
/* Asks a question; the answer comes to on_answer. Return CMD_ASYNC after it. */
void cmd_ask(struct cmd *c, const char *question, unsigned char echo, bool single_char,
             void (*on_answer)(struct cmd *c, const char *text));
const char *cmd_hostname(const struct cmd *c);

/* Seconds as the shows print ages: "00:12:40", "1d02h", "3w2d", "1y47w". */
void cmd_age(char *buf, size_t cap, int64_t seconds);

#endif
