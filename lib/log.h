/*
 * Operator log of a daemon: one line per event on stderr (the launcher's journal).
 * A `struct log` is part of a daemon's root context and handed down; nothing here is
 * global. Lines that a peer can provoke go through a rate limit kept by the caller.
 * Never pass a secret. The Cisco-style message catalogue sits above this (control/log).
 */
#ifndef TANDEM_LIB_LOG_H
#define TANDEM_LIB_LOG_H

#include "lib/clock.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOGL_ERROR = 3, LOGL_WARNING = 4, LOGL_NOTICE = 5, LOGL_INFO = 6, LOGL_DEBUG = 7 };

struct log {
    const char *who;      /* process: "engine", "datapath", ... */
    enum log_level level; /* lines above it are dropped */
    int fd;
    /* Copies every line passed (without newline) to a sink; may be NULL. */
    void (*sink)(void *ctx, enum log_level level, const char *area, const char *text);
    void *ctx;
};

void log_init(struct log *l, const char *who, int fd, enum log_level level);
/* area: short lower-case subsystem, "ike", "esp", "world". */
void log_line(struct log *l, enum log_level level, const char *area, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* At most one pass per interval; counts what it held back. */
struct log_limit {
    usec_t next;
    uint64_t held;
};
/* True when a line may go out now; *held is the number suppressed since the last. */
bool log_limit_pass(struct log_limit *l, usec_t now, usec_t interval, uint64_t *held);

#endif
