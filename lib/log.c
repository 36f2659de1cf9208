/* Operator log. See log.h. */
#include "lib/log.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void log_init(struct log *l, const char *who, int fd, enum log_level level)
{
    *l = (struct log){.who = who, .level = level, .fd = fd};
}

/* A peer's text may be in the line: one event stays one line. */
static void flatten(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = ' ';
}

void log_line(struct log *l, enum log_level level, const char *area, const char *fmt, ...)
{
    static const char *const names[] = {"", "", "", "error", "warning", "notice", "info", "debug"};
    char text[800], line[1024];
    if (!l || level > l->level)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    flatten(text);
    if (l->sink)
        l->sink(l->ctx, level, area, text);
    int n = snprintf(line, sizeof(line), "tandemd %s %s: %s: %s\n", l->who, names[level & 7], area,
                     text);
    if (n > 0 && l->fd >= 0) {
        size_t len = (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1;
        /* A log that cannot be written must not stop the daemon. */
        ssize_t done = write(l->fd, line, len);
        (void)done;
    }
}

bool log_limit_pass(struct log_limit *l, usec_t now, usec_t interval, uint64_t *held)
{
    if (now < l->next) {
        l->held++;
        return false;
    }
    *held = l->held;
    l->held = 0;
    l->next = now + interval;
    return true;
}
