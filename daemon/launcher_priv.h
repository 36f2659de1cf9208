/* What the files of the launcher share. */
#ifndef TANDEM_DAEMON_LAUNCHER_PRIV_H
#define TANDEM_DAEMON_LAUNCHER_PRIV_H

#include "daemon/broker.h"
#include "daemon/build.h"
#include "daemon/launcher.h"
#include "daemon/prepare.h"
#include "daemon/probe.h"
#include "daemon/routing.h"
#include "lib/ipc.h"
#include "lib/log.h"
#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

#define RETRY_SOCKETS (3 * USEC_PER_SEC) /* how often handover_sockets() is to be called */
#define LAST_ROLE     ROLE_ACCESS
#define SOCKETS       (SOCK_SCTP6 + 1)

struct launcher;

struct child {
    struct launcher *l;
    enum launch_role role;
    pid_t pid; /* 0 = not running */
    struct ipc *ch;
    struct event *again; /* restart after a pause */
    usec_t born;
    unsigned suspicion, restarts;
    bool ran;      /* has run since the box came up */
    bool replaced; /* its end is our wish: a new build takes over */
};

enum phase { UP, RELOADING, STOPPING };

struct launcher {
    const struct launcher_opts *o;
    struct prepared p;
    struct event_base *base;
    struct log log;
    struct clock clock;
    struct broker *broker;
    struct routing *routing;
    struct child child[LAST_ROLE + 1];
    int sock[SOCKETS]; /* -1 = not open (yet) */
    int told[SOCKETS]; /* errno of the trouble that was reported */
    int running;       /* memfd with the running-config of the engine (LR_KEEP); -1 = none */
    struct build build;
    enum phase phase;
    struct event *ev_term, *ev_int, *ev_hup, *ev_child, *ev_sockets, *ev_kill;
    struct log_limit odd_requests;
    struct probe_budget probes;
};

/* handover.c: everything that a child which was just spawned needs. */
void hand_over(struct child *c);
/* A TUN of the broker's for the datapath; fd -1: it is gone. ctx: the launcher. */
void handover_tun(void *ctx, const struct lm_tun *t, int fd);
/* Opens what is not open yet, for who wants it. True when nothing is missing. */
bool handover_sockets(struct launcher *l);

#endif
