/*
 * FRR's daemons as children of the launcher: zebra, which has no rights at all and changes nothing
 * in the kernel, and ospfd, which may open raw sockets. They run while the engine wants it, with a
 * folder of their own below the run directory.
 */
#ifndef TANDEM_DAEMON_ROUTING_H
#define TANDEM_DAEMON_ROUTING_H

#include "lib/launchproto.h"
#include <stdbool.h>
#include <stddef.h>

struct launcher;
struct routing;
struct process_root;

struct routing *routing_new(struct launcher *l); /* NULL without memory */
void routing_free(struct routing *r);
/* Are FRR's programs and its user here? */
bool routing_installed(void);
/* The engine's wish. 0, then LM_ROUTING follows; or -errno, -ENOENT: FRR is not installed. */
int routing_want(struct routing *r, bool on);
/* Notices children that ended; true while one runs. */
bool routing_reap(struct routing *r);
bool routing_running(const struct routing *r);
/* No restarts from here on; those that run get the signal. */
void routing_stop(struct routing *r, int sig);
/* Those that run, for show processes. */
size_t routing_roots(const struct routing *r, struct process_root *out); /* at most 2 */

#endif
