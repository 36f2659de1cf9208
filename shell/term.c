/* The terminal's byte streams. See term.h. */
#include "shell/term.h"
#include "lib/mem.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define KEY_ABORT  0x03 /* Ctrl-C */
#define KEY_ESCAPE 0x1e /* Ctrl-Shift-6 */

void term_init(struct term *t, int in, int out, bool crlf)
{
    memset(t, 0, sizeof(*t));
    t->in = in;
    t->out = out;
    t->crlf = crlf;
}

void term_flush(struct term *t)
{
    size_t at = 0;
    while (at < t->out_len && !t->broken) {
        ssize_t n = write(t->out, t->out_buf + at, t->out_len - at);
        if (n >= 0) {
            at += (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd p = {.fd = t->out, .events = POLLOUT};
            poll(&p, 1, -1);
        } else if (errno != EINTR) {
            t->broken = true;
        }
    }
    mem_wipe(t->out_buf, t->out_len); /* an echo may be of a key */
    t->out_len = 0;
}

static void put_byte(struct term *t, char c)
{
    if (t->out_len == sizeof(t->out_buf))
        term_flush(t);
    t->out_buf[t->out_len++] = c;
}

void term_put(struct term *t, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '\n' && t->crlf)
            put_byte(t, '\r');
        put_byte(t, c);
        if (c == '\n' || c == '\r')
            t->column = 0;
        else if (c == '\b')
            t->column -= t->column > 0;
        else if (c != '\a' && ((unsigned char)c & 0xc0) != 0x80) /* not inside a character */
            t->column++;
    }
}

void term_puts(struct term *t, const char *text)
{
    term_put(t, text, strlen(text));
}

void term_fresh_line(struct term *t)
{
    if (t->column)
        term_put(t, "\n", 1);
}

bool term_full(const struct term *t)
{
    return term_buffered(t) >= sizeof(t->in_buf) - 1;
}

bool term_fill(struct term *t)
{
    if (term_full(t))
        return false;
    if (t->in_head) { /* one byte in front stays free for term_unkey() */
        size_t was = t->in_tail;
        memmove(t->in_buf + 1, t->in_buf + t->in_head, term_buffered(t));
        t->in_tail = 1 + t->in_tail - t->in_head;
        t->in_head = 1;
        if (was > t->in_tail)
            mem_wipe(t->in_buf + t->in_tail, was - t->in_tail);
    } else {
        memmove(t->in_buf + 1, t->in_buf, t->in_tail);
        t->in_head = 1;
        t->in_tail++;
    }
    ssize_t n = read(t->in, t->in_buf + t->in_tail, sizeof(t->in_buf) - t->in_tail);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return false;
    if (n <= 0) {
        t->eof = true;
        return false;
    }
    t->in_tail += (size_t)n;
    return true;
}

/* The LF of a CR LF that was cut apart by the reads' borders. */
static void fetch_line_feed(struct term *t)
{
    struct pollfd p = {.fd = t->in, .events = POLLIN};
    if (!t->eof && poll(&p, 1, 0) == 1)
        term_fill(t);
}

int term_key(struct term *t)
{
    while (term_key_waiting(t)) {
        int c = t->in_buf[t->in_head];
        t->in_buf[t->in_head++] = 0; /* it may be of a password */
        if (c == '\r') {
            if (!term_key_waiting(t))
                fetch_line_feed(t);
            if (term_key_waiting(t) && t->in_buf[t->in_head] == '\n')
                t->in_head++;
            return '\n';
        }
        if (c != '\0')
            return c;
    }
    return -1;
}

void term_unkey(struct term *t, int key)
{
    if (t->in_head > 0)
        t->in_buf[--t->in_head] = (unsigned char)key;
}

bool term_take_abort(struct term *t, size_t mark)
{
    for (size_t i = t->in_head + mark; i < t->in_tail; i++)
        if (t->in_buf[i] == KEY_ABORT || t->in_buf[i] == KEY_ESCAPE) {
            if (i == t->in_head)
                t->in_head++;
            return true;
        }
    return false;
}
