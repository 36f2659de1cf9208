/* The build that children are made of, and the one that may take its place (SIGHUP). */
#ifndef TANDEM_DAEMON_BUILD_H
#define TANDEM_DAEMON_BUILD_H

#include "daemon/spawn.h"
#include "lib/log.h"
#include <stdbool.h>

struct build {
    int fd;          /* -1 = none */
    char path[4096]; /* where it was found, and where the next one will be */
    struct protocols speaks;
};

/* The binary that this process is, before anybody puts another one in its place. 0, or -1 with a
 * line in the log. */
int build_running(struct build *b, struct log *log);
/* Takes the build on disk instead, when it runs here and can talk to this launcher. *other_sadb:
 * its engine and the present datapath do not understand each other. 0, or -1 with a line. */
int build_next(struct build *b, struct log *log, bool *other_sadb);
void build_close(struct build *b);

#endif
