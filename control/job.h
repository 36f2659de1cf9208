/*
 * Helper threads for slow computations (key agreement), so that no handshake delays the loop.
 * A job's work() runs on a helper, its done() on the loop.
 */
#ifndef TANDEM_CONTROL_JOB_H
#define TANDEM_CONTROL_JOB_H

#include "control/ike/ike.h"

struct event_base;
struct jobs;

/* NULL when threads or descriptors cannot be had; jobs_run() copes with NULL. */
struct jobs *jobs_new(struct event_base *base);
/* Finishes every job, with its done(), and ends the threads. */
void jobs_free(struct jobs *j);
void jobs_run(struct jobs *j, struct ike_job *job);

#endif
