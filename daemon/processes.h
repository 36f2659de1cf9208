/* What runs of this box, read from /proc. */
#ifndef TANDEM_DAEMON_PROCESSES_H
#define TANDEM_DAEMON_PROCESSES_H

#include "lib/launchproto.h"
#include <stddef.h>
#include <sys/types.h>

struct process_root {
    uint32_t kind;
    pid_t pid;
    uint32_t restarts;
};

/* Describes each root, and behind access the connections and sessions that it forked. Returns how
 * many, at most cap; a process that ended meanwhile is left out. */
size_t processes_list(const struct process_root *roots, size_t n, struct lm_process *out,
                      size_t cap);

#endif
