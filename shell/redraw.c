/* Redisplay of the edited line. See redraw.h. */
#include "shell/redraw.h"
#include <string.h>

void redraw_free(struct redraw *r)
{
    str_wipe(&r->shown);
}

void redraw_start(struct redraw *r, unsigned width)
{
    str_clear(&r->shown);
    r->cursor = 0;
    r->width = width;
    r->sideways = false;
    r->row_cols = 0;
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Columns of n bytes of UTF-8: one per character. */
static size_t columns(const char *s, size_t n)
{
    size_t cols = 0;
    for (size_t i = 0; i < n; i++)
        cols += !continues(s[i]);
    return cols;
}

static void repeat(struct str *out, char c, size_t n)
{
    while (n--)
        str_addc(out, c);
}

/* What the screen is to show; control characters stand as ^X. Returns the cursor's offset. */
static size_t compose(struct str *d, const char *prompt, const char *line, size_t point)
{
    size_t cursor = 0;
    str_add(d, prompt);
    for (size_t i = 0;; i++) {
        if (i == point)
            cursor = d->len;
        if (!line[i])
            break;
        unsigned char c = (unsigned char)line[i];
        if (c < 0x20 || c == 0x7f) {
            str_addc(d, '^');
            str_addc(d, (char)(c ^ 0x40));
        } else {
            str_addc(d, (char)c);
        }
    }
    return cursor;
}

static size_t common_prefix(const struct str *a, const struct str *b)
{
    size_t n = 0;
    while (n < a->len && n < b->len && a->s[n] == b->s[n])
        n++;
    /* not inside a character */
    while (n > 0 && ((n < b->len && continues(b->s[n])) || (n < a->len && continues(a->s[n]))))
        n--;
    return n;
}

/* Backspaces lead from column `from` to `to` only within one row of the screen. */
static bool can_back(const struct redraw *r, size_t from, size_t to)
{
    return from <= to || !r->width || from / r->width == to / r->width;
}

/* Draws by adding and backspacing; false when that cannot reach the place. */
static bool draw_in_place(struct redraw *r, const struct str *d, size_t cursor, struct str *out)
{
    const char *old = str_text(&r->shown), *now = str_text(d);
    size_t same = common_prefix(&r->shown, d);
    bool equal = same == r->shown.len && same == d->len;
    /* When the text stays, only the cursor moves. */
    size_t from = equal ? cursor : same;
    size_t end = equal ? from : d->len;
    size_t col = columns(old, r->cursor), col_from = columns(now, from);
    size_t col_end = columns(now, end), col_old = columns(old, r->shown.len);
    size_t rubbed = !equal && col_old > col_end ? col_old - col_end : 0;
    size_t col_cursor = columns(now, cursor);
    if (!can_back(r, col, col_from) || !can_back(r, col_end + rubbed, col_cursor))
        return false;
    if (col > col_from)
        repeat(out, '\b', col - col_from);
    else if (r->cursor < from)
        str_addn(out, now + r->cursor, from - r->cursor);
    str_addn(out, now + from, end - from);
    repeat(out, ' ', rubbed);
    repeat(out, '\b', col_end + rubbed - col_cursor);
    return true;
}

/* Byte offset of the character in column col. */
static size_t offset_of(const struct str *d, size_t col)
{
    size_t i = 0;
    for (; i < d->len; i++)
        if (!continues(d->s[i]) && col-- == 0)
            break;
    return i;
}

/* One row with the cursor in sight; the last column stays free, so that nothing wraps. */
static void draw_sideways(struct redraw *r, const struct str *d, size_t cursor, struct str *out)
{
    size_t room = r->width > 9 ? r->width - 1 : 8;
    size_t all = columns(str_text(d), d->len), at = columns(str_text(d), cursor);
    size_t first = at + 1 < room ? 0 : at - room * 2 / 3;
    size_t last = first + room < all ? first + room : all;
    str_add(out, r->sideways ? "\r" : "\n");
    size_t from = offset_of(d, first + (first > 0)), to = offset_of(d, last - (last < all));
    if (first > 0)
        str_addc(out, '$');
    str_addn(out, str_text(d) + from, to - from);
    if (last < all)
        str_addc(out, '$');
    size_t used = last - first;
    size_t rubbed = r->row_cols > used ? r->row_cols - used : 0;
    repeat(out, ' ', rubbed);
    repeat(out, '\b', used + rubbed - (at - first));
    r->sideways = true;
    r->row_cols = used;
}

void redraw_update(struct redraw *r, const char *prompt, const char *line, size_t point,
                   struct str *out)
{
    struct str d = {0};
    size_t cursor = compose(&d, prompt, line, point);
    if (r->sideways || !draw_in_place(r, &d, cursor, out))
        draw_sideways(r, &d, cursor, out);
    str_wipe(&r->shown);
    r->shown = d;
    r->cursor = cursor;
}
