/* Lines run without a person. See script.h. */
#include "shell/script.h"
#include "lib/mem.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define HELD_MAX  (64u * 1024) /* output held back until it is known whether it is an error */
#define SETTLE_MS 5

static void put(struct script *s, const char *text, size_t len)
{
    const char *nl;
    while (s->crlf && (nl = (const char *)memchr(text, '\n', len))) {
        fwrite(text, 1, (size_t)(nl - text), s->out);
        fwrite("\r\n", 1, 2, s->out);
        len -= (size_t)(nl - text) + 1;
        text = nl + 1;
    }
    fwrite(text, 1, len, s->out);
}

static void put_output(struct script *s)
{
    put(s, str_text(&s->link->out), s->link->out.len);
    str_clear(&s->link->out);
}

/* "      ^" counts from the beginning of the line (a session without a person has no prompt on
 * the screen): moved to where the line stands behind our label. */
static void put_error(struct script *s, const char *text, size_t label)
{
    while (*text) {
        size_t n = strcspn(text, "\n"), blanks = strspn(text, " ");
        if (blanks + 1 == n && text[blanks] == '^') {
            struct str caret = {0};
            str_pad(&caret, blanks + label);
            str_addc(&caret, '^');
            put(s, str_text(&caret), caret.len);
            str_free(&caret);
        } else {
            put(s, text, n);
        }
        put(s, "\n", 1);
        text += n + (text[n] == '\n');
    }
}

/* Takes a line without its end, of whatever system. NULL at the end of the text. */
static char *next_line(FILE *in, char **buf, size_t *cap)
{
    ssize_t n = getline(buf, cap, in);
    if (n < 0)
        return NULL;
    while (n > 0 && ((*buf)[n - 1] == '\n' || (*buf)[n - 1] == '\r'))
        (*buf)[--n] = '\0';
    return *buf;
}

/* The answer to a question is the next line of the text. At its end: a bare return, but nobody
 * confirmed what asks for a [confirm]. */
static void answer(struct script *s, FILE *in)
{
    char *buf = NULL;
    size_t cap = 0;
    const char *text = next_line(in, &buf, &cap), *end = s->link->ask.single_char ? "n" : "";
    s->link->asked = false;
    s->lines += text != NULL;
    s->number += text != NULL;
    link_send(s->link, CLI_ANSWER, text ? text : end);
    mem_wipe(buf, cap);
    free(buf);
}

static void wait_engine(struct script *s)
{
    if (!link_ready(s->link)) {
        struct pollfd p = {.fd = ipc_fd(s->link->ipc), .events = POLLIN};
        if (poll(&p, 1, SETTLE_MS) == 0)
            fflush(s->out);
    }
    link_receive(s->link);
    str_clear(&s->link->notices);
}

static void run_line(struct script *s, FILE *in, const char *name, const char *line)
{
    struct link *l = s->link;
    unsigned long number = s->number;
    bool held = name != NULL;
    link_send(l, CLI_EXEC, line);
    while (!l->idle && !l->over) {
        wait_engine(s);
        if (l->asked)
            answer(s, in);
        if (l->out.len > HELD_MAX)
            held = false;
        if (!held)
            put_output(s);
    }
    bool refused = l->idle && l->done.refused;
    s->refused += refused;
    if (held && refused) {
        struct str label = {0};
        str_printf(&label, "%s:%lu: ", name, number);
        size_t width = label.len;
        str_printf(&label, "%s\n", line);
        put(s, str_text(&label), label.len);
        put_error(s, str_text(&l->out), width);
        str_clear(&l->out);
        str_free(&label);
    }
    put_output(s);
}

bool script_run(struct script *s, FILE *in, const char *name)
{
    char *buf = NULL;
    size_t cap = 0;
    const char *line;
    bool whole = true;
    s->number = 0;
    while (whole && (line = next_line(in, &buf, &cap))) {
        s->lines++;
        s->number++;
        run_line(s, in, name, line);
        if (s->link->over) { /* fine where it was the last line: "exit" */
            int c = getc(in);
            whole = c == EOF && s->link->bye;
        }
    }
    if (!s->link->over && s->link->done.text) {
        s->refused++;
        fprintf(s->out, "%% A text has no end%s", s->crlf ? "\r\n" : "\n");
    }
    mem_wipe(buf, cap);
    free(buf);
    fflush(s->out);
    return whole;
}
