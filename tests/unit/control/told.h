/* What the box's own messages say. Included by tests behind bench.h. */
#ifndef TESTS_CONTROL_TOLD_H
#define TESTS_CONTROL_TOLD_H

#include "lib/str.h"

static inline void keep_line(void *ctx, const char *line)
{
    struct str *s = (struct str *)ctx;
    str_printf(s, "%s\n", line);
}

/* How often the buffer has this text. */
static inline unsigned told(struct bench *b, const char *text)
{
    struct str s = {0};
    unsigned n = 0;
    syslog_each(b->c->syslog, keep_line, &s);
    for (const char *p = str_text(&s); (p = strstr(p, text)) != NULL; p++)
        n++;
    str_free(&s);
    return n;
}

#endif
