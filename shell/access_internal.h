/*
 * What the files of the access process share. See access.h for the whole.
 */
#ifndef TANDEM_SHELL_ACCESS_INTERNAL_H
#define TANDEM_SHELL_ACCESS_INTERNAL_H

#include "lib/addr.h"
#include "shell/access.h"
#include "shell/link.h"
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <sys/types.h>

#define ACCESS_CONNECTIONS 32  /* at once */
#define ACCESS_SAME_PEER   20  /* of one address, not authenticated: it cannot lock others out */
#define ACCESS_LOGIN_SECS  30  /* to authenticate in */
#define ACCESS_IDLE_SECS   300 /* an authenticated connection without any channel */
#define ACCESS_TRIES       3
#define CONN_CHANNELS      8

/* connection → access, beside AM_SESSION */
enum {
    CONN_AUTHENTICATED = 112,
    CONN_FILTERED = 113, /* a session of it was killed by its system call filter */
};

struct conn;

/* One SSH channel and the session process behind it. */
struct chan {
    struct conn *conn;
    ssh_channel ssh;
    struct ssh_channel_callbacks_struct callbacks;
    bool pty;
    struct cli_window size;
    pid_t pid;    /* of the session; 0 = not started */
    int sock;     /* its terminal; -1 = none */
    int control;  /* its window sizes */
    short events; /* what sock is polled for; 0 = not in the loop */
    bool eof_passed;
    size_t at, len; /* in buf: what the session has not taken yet */
    char buf[8192];
};

/* One connection: the whole of its process. */
struct conn {
    int fd;
    access_confine_fn *confine; /* for its sessions */
    struct ipc *access;         /* asks the parent to pass channels to the engine */
    ssh_session ssh;
    ssh_event loop;
    struct ssh_server_callbacks_struct callbacks;
    char peer[ADDR_STRLEN];
    char kbdint_user[128];
    unsigned tries;
    bool authenticated;
    bool give_up;
    bool login_open;   /* `login` is in use */
    struct link login; /* checked the password; vouches for the sessions of the channels */
    struct chan *chans[CONN_CHANNELS];
};

/* access_conn.c: a connection from the first byte to its end. Never returns. */
_Noreturn void conn_main(int fd, int access_fd, ssh_key host_key, const char *peer,
                         access_confine_fn *confine);
/* A new channel to the engine. 0 or -errno. */
int conn_engine(struct conn *c, struct link *l);

/* access_auth.c */
void auth_setup(struct conn *c);
/* What the box says to who is about to log in. */
void auth_banner(struct conn *c);
/* Handles a message of the authentication; returns 0 when it did. */
int auth_message(struct conn *c, ssh_message m);
/* The engine's word on this user, over an open link. */
bool auth_ask(struct link *l, const char *user, const char *password);

/* access_chan.c */
struct chan *chan_new(struct conn *c, ssh_channel ssh);
/* Moves bytes both ways. False when the channel has ended and was freed. */
bool chan_pump(struct chan *ch);
void chan_free(struct chan *ch);

/* access_session.c: starts the process behind a channel. 0 or -errno. */
int chan_start_shell(struct chan *ch);
int chan_start_exec(struct chan *ch, const char *command);

#endif
