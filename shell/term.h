/*
 * The terminal's two byte streams, buffered. No terminal codes: what is written is text,
 * blanks, backspaces, CR, LF and BEL.
 *
 * Writing collects in a buffer until it is full or the owner flushes, so that a pasted
 * configuration costs a few writes and not one per character. LF leaves as CR LF where
 * nothing behind us adds the CR (an SSH channel, a tty in raw mode). Reading gives keys:
 * CR, CR LF and LF all are '\n'; NUL is nothing.
 */
#ifndef TANDEM_SHELL_TERM_H
#define TANDEM_SHELL_TERM_H

#include <stdbool.h>
#include <stddef.h>

#define TERM_IN  (16u * 1024)
#define TERM_OUT (8u * 1024)

struct term {
    int in, out;
    bool crlf;
    bool eof;        /* the input has ended; buffered keys may be left */
    bool broken;     /* writing failed: nobody is there any more */
    unsigned column; /* of the cursor, from what was written */
    size_t in_head, in_tail, out_len;
    unsigned char in_buf[TERM_IN];
    char out_buf[TERM_OUT];
};

void term_init(struct term *t, int in, int out, bool crlf);

void term_put(struct term *t, const char *text, size_t len);
void term_puts(struct term *t, const char *text);
void term_fresh_line(struct term *t); /* a newline unless the cursor is in column 0 */
void term_flush(struct term *t);

/* Takes a buffered key; -1 when there is none. */
int term_key(struct term *t);
void term_unkey(struct term *t, int key); /* gives one back, to be the next */
static inline bool term_key_waiting(const struct term *t)
{
    return t->in_head != t->in_tail;
}
/* Reads once from the input, which poll() said is readable. False when nothing came. */
bool term_fill(struct term *t);
bool term_full(const struct term *t);
/* Looks for an abort key (Ctrl-C, Ctrl-Shift-6) in what arrived behind `mark` buffered
 * bytes. It is used up when it is the next key; behind type-ahead it stays and acts in its
 * turn too, so that lines sent in one piece mean the same at whatever speed they arrive. */
bool term_take_abort(struct term *t, size_t mark);
static inline size_t term_buffered(const struct term *t)
{
    return t->in_tail - t->in_head;
}

#endif
