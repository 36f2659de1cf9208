/* From one configuration of FRR to another. See config.h. */
#include "control/ospf/config.h"
#include "lib/vec.h"
#include <stdlib.h>
#include <string.h>

/* A line, with the block that it stands in. */
struct line {
    const char *head, *text; /* head: NULL outside of blocks */
    size_t head_len, len;
    size_t place;
};

struct lines {
    struct line *v;
    size_t n, cap;
    bool bad;
};

static void split(const char *text, struct lines *out)
{
    const char *head = NULL;
    size_t head_len = 0;
    while (*text) {
        size_t len = strcspn(text, "\n");
        bool inner = text[0] == ' ';
        if (!VEC_ROOM(out->v, out->cap, out->n + 1)) {
            out->bad = true;
            return;
        }
        if (!inner) {
            head = text;
            head_len = len;
        }
        out->v[out->n] = (struct line){.head = inner ? head : NULL,
                                       .text = text + inner,
                                       .head_len = inner ? head_len : 0,
                                       .len = len - inner,
                                       .place = out->n};
        out->n++;
        text += len + (text[len] == '\n');
    }
}

static int compare(const char *a, size_t na, const char *b, size_t nb)
{
    int c = na && nb ? memcmp(a, b, na < nb ? na : nb) : 0;
    return c ? c : na < nb ? -1 : na > nb;
}

static int by_text(const void *x, const void *y)
{
    const struct line *a = (const struct line *)x, *b = (const struct line *)y;
    int c = compare(a->head, a->head_len, b->head, b->head_len);
    return c ? c : compare(a->text, a->len, b->text, b->len);
}

static int by_place(const void *x, const void *y)
{
    const struct line *a = (const struct line *)x, *b = (const struct line *)y;
    return a->place < b->place ? -1 : a->place > b->place;
}

static void sort(struct lines *l, int (*order)(const void *, const void *))
{
    if (l->n)
        qsort(l->v, l->n, sizeof(*l->v), order);
}

/* Takes out what is in both. */
static void only_different(struct lines *a, struct lines *b)
{
    size_t i = 0, k = 0, na = 0, nb = 0;
    sort(a, by_text);
    sort(b, by_text);
    while (i < a->n || k < b->n) {
        int c = i == a->n ? 1 : k == b->n ? -1 : by_text(&a->v[i], &b->v[k]);
        if (c == 0) {
            i++;
            k++;
        } else if (c < 0) {
            a->v[na++] = a->v[i++];
        } else {
            b->v[nb++] = b->v[k++];
        }
    }
    a->n = na;
    b->n = nb;
    sort(a, by_place);
    sort(b, by_place);
}

static bool begins(const struct line *l, const char *with)
{
    size_t n = strlen(with);
    return l->len >= n && memcmp(l->text, with, n) == 0;
}

/* Settings that a line of the same kind replaces. Taken away first they would fall back to the
 * default for a moment, which neighbours would see. Of several that fit the last one counts. */
static const char *const replaced[] = {"ip ospf network ",           "ip ospf cost ",
                                       "ip ospf hello-interval ",    "ip ospf priority ",
                                       "ip ospf dead-interval ",     "ospf router-id ",
                                       "timers throttle ",           "redistribute connected ",
                                       "redistribute kernel ",       "set tag ",
                                       "default-information ",       "ip ospf authentication",
                                       "ip ospf authentication-key "};

static bool is_replaced(const struct line *l, const struct lines *by)
{
    const char *kind = NULL;
    for (size_t i = 0; i < sizeof(replaced) / sizeof(replaced[0]); i++)
        if (begins(l, replaced[i]))
            kind = replaced[i];
    for (size_t i = 0; kind && i < by->n; i++)
        if (begins(&by->v[i], kind) &&
            compare(l->head, l->head_len, by->v[i].head, by->v[i].head_len) == 0)
            return true;
    return false;
}

static bool is_head(const struct line *l)
{
    return !l->head && (begins(l, "interface ") || begins(l, "router ") || begins(l, "route-map "));
}

/* Goes into the block of a line; `in` is the one that was entered last. */
static void enter(struct str *out, const struct line *l, struct line *in)
{
    if (compare(l->head, l->head_len, in->head, in->head_len) == 0)
        return;
    if (in->head)
        str_add(out, "exit\n");
    if (l->head) {
        str_addn(out, l->head, l->head_len);
        str_addc(out, '\n');
    }
    in->head = l->head;
    in->head_len = l->head_len;
}

static bool listed(const struct lines *l, const char *text, size_t len)
{
    for (size_t i = 0; i < l->n; i++)
        if (!l->v[i].head && compare(l->v[i].text, l->v[i].len, text, len) == 0)
            return true;
    return false;
}

static void remove_lines(struct str *out, const struct lines *gone, const struct lines *come)
{
    struct line in = {0};
    for (size_t i = 0; i < gone->n; i++) {
        const struct line *l = &gone->v[i];
        bool block = is_head(l);
        if (block && begins(l, "interface "))
            continue; /* the kernel's: only its lines go */
        if (is_replaced(l, come) || (l->head && strncmp(l->head, "interface ", 10) != 0 &&
                                     listed(gone, l->head, l->head_len)))
            continue; /* it goes with its block */
        enter(out, l, &in);
        str_add(out, "no ");
        str_addn(out, l->text, l->len);
        str_addc(out, '\n');
    }
    enter(out, &(struct line){0}, &in);
}

static void add_lines(struct str *out, const struct lines *come)
{
    struct line in = {0};
    for (size_t i = 0; i < come->n; i++) {
        const struct line *l = &come->v[i];
        if (is_head(l)) {
            enter(out, &(struct line){.head = l->text, .head_len = l->len}, &in);
            continue;
        }
        enter(out, l, &in);
        str_addn(out, l->text, l->len);
        str_addc(out, '\n');
    }
    enter(out, &(struct line){0}, &in);
}

void ospf_diff(const char *old, const char *new, struct str *out)
{
    struct lines gone = {0}, come = {0};
    split(old, &gone);
    split(new, &come);
    only_different(&gone, &come);
    if (gone.bad || come.bad) {
        out->bad = true;
    } else {
        remove_lines(out, &gone, &come);
        add_lines(out, &come);
    }
    free(gone.v);
    free(come.v);
}
