/*
 * CLI sessions inside the engine: frames of lib/cliproto.h in, parser and hooks in the
 * middle, control below. One `struct cli` per box holds the running-config and the sessions.
 */
#ifndef TANDEM_MODES_SESSION_H
#define TANDEM_MODES_SESSION_H

#include "control/control.h"
#include "parser/tree.h"

struct cli;
struct event_base;

struct cli *cli_new(struct control *control, const struct lm_box *box);
void cli_free(struct cli *cli);
/* A shell's channel (accepted on the unix socket, or passed by access). Takes fd. trusted:
 * root on this host. */
int cli_attach(struct cli *cli, int fd, bool trusted);
/* The same for a peer on the unix socket of this uid: root is as good as the console, others
 * come in at level 1, some at a time, and need a password to enable. */
int cli_attach_local(struct cli *cli, int fd, uint32_t uid);
/* Loads startup-config text; refused lines go to the log. Then applies. */
void cli_load(struct cli *cli, const char *text, size_t len);
/* The same after an engine died: startup-config is what is saved, but in force is the
 * running-config that it left. Only that is applied. */
void cli_resume(struct cli *cli, const char *startup, size_t len, const char *running,
                size_t running_len);
/* The ports of the box have changed (control_set_ports): makes their `interface` nodes. */
void cli_ports_changed(struct cli *cli);
/* A message of the box, for people on the console and for those with `terminal monitor`. */
void cli_terminal(struct cli *cli, bool console, bool monitor, const char *line);
/* A line of debugging, for every session that debugs or has `terminal monitor`. */
void cli_notice(struct cli *cli, const char *line);
struct cfg_tree *cli_tree(struct cli *cli);

/* modes/derive.c: what the tree wants. Each feature file adds its part. */
void intent_from_tree(const struct cfg_tree *tree, bool asa, struct intent *out);

#endif
