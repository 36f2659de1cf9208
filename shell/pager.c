/* The pager's arithmetic. See pager.h. */
#include "shell/pager.h"

/* The question takes a row itself. */
static unsigned rows_per_page(const struct pager *p)
{
    return p->page > 1 ? p->page - 1 : 1;
}

void pager_start(struct pager *p, unsigned page, unsigned width, bool asa)
{
    *p = (struct pager){.page = page, .width = width, .asa = asa};
    p->left = rows_per_page(p);
    p->fresh = true;
}

/* Rows that the line at the beginning of text takes on the screen. */
static unsigned rows_of_line(const struct pager *p, const char *text, size_t len)
{
    size_t cols = 0;
    for (size_t i = 0; i < len && text[i] != '\n'; i++)
        cols += ((unsigned char)text[i] & 0xc0) != 0x80;
    return p->width && cols ? (unsigned)((cols + p->width - 1) / p->width) : 1;
}

/* At the beginning of a line: it is not torn apart by the question unless it is longer than a
 * page. True when the question comes first. */
static bool line_must_wait(struct pager *p, const char *text, size_t len)
{
    unsigned rows = rows_of_line(p, text, len);
    if (rows <= p->left || rows > rows_per_page(p))
        return !p->left;
    if (!p->fresh)
        return true;
    p->left = rows;
    return false;
}

size_t pager_take(struct pager *p, const char *text, size_t len)
{
    if (!p->page)
        return len;
    for (size_t i = 0; i < len; i++) {
        bool wraps = p->width && p->column == p->width && text[i] != '\n';
        if (wraps) {
            p->left -= p->left > 0;
            p->column = 0;
        }
        /* Asked only when there is text for one more row. */
        bool begins = p->column == 0 && !wraps;
        if (begins ? line_must_wait(p, text + i, len - i) : !p->left)
            return i;
        p->fresh = false;
        if (text[i] == '\n') {
            p->left--;
            p->column = 0;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            p->column++;
        }
    }
    return len;
}

enum pager_action pager_key(struct pager *p, int key)
{
    switch (key) {
    case ' ':
        p->left = rows_per_page(p);
        p->fresh = true;
        return PAGER_MORE;
    case '\n':
        p->left = 1;
        p->fresh = true;
        return PAGER_MORE;
    case '/':
        return p->asa ? PAGER_IGNORE : PAGER_SEARCH;
    case 'q':
    case 'Q':
    case 0x03: /* Ctrl-C */
    case 0x1a: /* Ctrl-Z */
    case 0x1b: /* Escape */
    case 0x1e: /* Ctrl-Shift-6 */
        return PAGER_QUIT;
    default:
        /* On the platforms any other key stops the output; one that could begin a
         * command typed ahead must not be lost with it. */
        return key > ' ' && key < 0x7f ? PAGER_UNKEY : PAGER_QUIT;
    }
}

const char *pager_question(const struct pager *p)
{
    return p->asa ? "<--- More --->" : " --More-- ";
}

const char *pager_erase(const struct pager *p)
{
    /* IOS: nine backspaces, blanks, backspaces; the tenth backspace at the end brings the
     * cursor from the question's second column to the first. */
    return p->asa ? "\r              \r" : "\b\b\b\b\b\b\b\b\b         \b\b\b\b\b\b\b\b\b\b";
}
