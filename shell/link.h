/*
 * The shell's end of lib/cliproto.h: one session of the engine over one channel.
 *
 * link_receive() takes one frame and turns it into fields; the owner looks at them between
 * frames, shows what is to be shown and empties it. Nothing here touches a terminal.
 */
#ifndef TANDEM_SHELL_LINK_H
#define TANDEM_SHELL_LINK_H

#include "lib/cliproto.h"
#include "lib/ipc.h"
#include "lib/str.h"
#include "shell/filter.h"

#define LINK_PROMPT 256

struct link {
    struct ipc *ipc;
    struct cli_done done; /* of the last command */
    char prompt[LINK_PROMPT];
    bool idle;         /* the last command has ended */
    bool over;         /* the engine ended the session, or went away */
    bool bye;          /* it said so */
    bool completed;    /* COMPLETION came */
    bool asked;        /* ASK came: `ask` and `question` hold it */
    bool bad_filter;   /* the command's expression was not one */
    bool auth_known;   /* AUTH_RESULT came */
    bool banner_known; /* BANNER came */
    struct cli_auth_result auth;
    struct cli_ask ask;
    struct filter *filter; /* of the running command */
    struct str out;        /* output, filtered */
    struct str notices, question, completion, banner;
};

/* Takes fd. 0, or -errno. */
int link_open(struct link *l, int fd);
void link_close(struct link *l);
/* The first frame of a session. */
void link_hello(struct link *l, const struct cli_hello *hello, const char *peer);
/* After auth: fd is the other end of a further session's channel, which needs no auth of its
 * own. The caller keeps fd. 0 or -errno. */
int link_vouch(struct link *l, int fd);
void link_auth(struct link *l, const char *user, const char *password);
/* Sends a frame; EXEC, START and HELP begin a command, whose end link.idle tells. */
void link_send(struct link *l, unsigned type, const char *text);
void link_window(struct link *l, const struct cli_window *w);
/* Waits for one frame and takes it. False when the session is over. */
bool link_receive(struct link *l);
/* True when link_receive() will not wait, or the channel itself must be polled. */
bool link_ready(const struct link *l);
/* The prompt's mode is configuration: Ctrl-C and Ctrl-Z leave it. */
bool link_in_config(const struct link *l);

#endif
