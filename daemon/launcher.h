/*
 * The launcher: root's only process. It opens, hands over, restarts and executes the broker's
 * requests; it parses nothing that came from a network peer.
 */
#ifndef TANDEM_DAEMON_LAUNCHER_H
#define TANDEM_DAEMON_LAUNCHER_H

#include "daemon/rights.h"
#include "lib/clock.h"
#include "lib/launchproto.h"
#include <stddef.h>

struct launcher_opts {
    const char *state_dir, *run_dir;
    const char *user;
    const char *ports; /* text of the ports file, "" = none */
    struct lm_box box; /* personality, SSH port and texts; `restarted` is set per child */
};

/* Runs the box until SIGTERM or SIGINT. Returns the exit status: 0, or 1 when it could not
 * start at all (it has then said why on stderr). */
int launcher_run(const struct launcher_opts *o);

/* How long to wait before the restart of a child that has died early `deaths` times in a row. */
usec_t launcher_backoff(unsigned deaths);

#endif
