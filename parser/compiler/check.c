/*
 * What makes the build fail besides bad notation: duplicate orders and hooks, arguments that
 * no form uses, forms that cannot find their parents, and ambiguity.
 *
 * Ambiguity is looked for by running the automata of a mode against each other: starting from
 * all pairs of first positions, a pair steps to all pairs of followers that one token can
 * reach together. If two positions of different entries that may both end a line are reached,
 * one line means two things. The pairs that are really reached are few, because forms part
 * at their first different keyword.
 */
#include "parser/compiler/model.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- tokens that two positions both accept ------------------------------------------------- */

static bool has_word(const struct enum_def *en, const char *text)
{
    each (enum_word, w, en->words)
        if (strcasecmp(w->text, text) == 0)
            return true;
    return false;
}

static bool numeric(unsigned type)
{
    return type == GT_NUM || type == GT_PROTO || type == GT_PORT;
}

/* 1: may read an IPv4 address, 2: an IPv6 address */
static unsigned families(unsigned type)
{
    return type == GT_IP || type == GT_WILDCARD ? 1u
           : type == GT_IP6                     ? 2u
           : type == GT_ADDR                    ? 3u
                                                : 0;
}

/* Two typed values that stand equal in rank and share a value. */
static bool values_overlap(const struct arg *a, const struct arg *b)
{
    if (a->type == GT_ENUM || b->type == GT_ENUM || g_rank(a->type) != g_rank(b->type))
        return false;
    if (numeric(a->type) || numeric(b->type))
        return numeric(a->type) && numeric(b->type) && a->lo <= b->hi && b->lo <= a->hi;
    if (g_rank(a->type) == g_rank(GT_WORD))
        return true;
    if (a->type == b->type)
        return true;
    return families(a->type) & families(b->type);
}

static bool share_keyword(const struct expr *a, const struct expr *b)
{
    const struct enum_def *ea = a->kind == X_ARG ? a->arg->en : NULL;
    const struct enum_def *eb = b->kind == X_ARG ? b->arg->en : NULL;
    if (a->kind == X_WORD && b->kind == X_WORD)
        return strcasecmp(a->word, b->word) == 0;
    if (a->kind == X_WORD)
        return eb && has_word(eb, a->word);
    if (b->kind == X_WORD)
        return ea && has_word(ea, b->word);
    if (!ea || !eb)
        return false;
    each (enum_word, w, ea->words)
        if (has_word(eb, w->text))
            return true;
    return false;
}

static bool same_token(const struct expr *a, const struct expr *b)
{
    if (share_keyword(a, b))
        return true;
    return a->kind == X_ARG && b->kind == X_ARG && values_overlap(a->arg, b->arg);
}

/* --- one line, two meanings ----------------------------------------------------------------- */

struct pair {
    uint16_t p, q;
    bool parted; /* the two ways have differed */
    int from;
};
struct search {
    struct grammar *g;
    uint8_t *seen; /* bitmap over (p, q, parted) */
    struct pair *queue;
    size_t n, cap;
};

static void push(struct search *s, unsigned p, unsigned q, bool parted, int from)
{
    if (p > q) {
        unsigned t = p;
        p = q;
        q = t;
    }
    const struct pos *a = &s->g->pos[p], *b = &s->g->pos[q];
    if (p != q && !same_token(a->expr, b->expr))
        return;
    /* Two forms of one entry may overlap: they are synonyms. */
    if (a->form != b->form && a->form->entry == b->form->entry)
        return;
    size_t bit = (((size_t)p * s->g->npos + q) << 1) | parted;
    if (s->seen[bit >> 3] & (1u << (bit & 7)))
        return;
    s->seen[bit >> 3] |= (uint8_t)(1u << (bit & 7));
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 4096;
        struct pair *q2 = take(s->g, sizeof(*q2) * cap);
        if (s->n)
            memcpy(q2, s->queue, sizeof(*q2) * s->n);
        s->queue = q2;
        s->cap = cap;
    }
    s->queue[s->n++] = (struct pair){(uint16_t)p, (uint16_t)q, parted, from};
}

static void example(const struct search *s, int at, struct str *out)
{
    const struct pair *p = &s->queue[at];
    if (p->from >= 0)
        example(s, p->from, out);
    const struct expr *x = s->g->pos[p->p].expr, *y = s->g->pos[p->q].expr;
    if (out->len)
        str_addc(out, ' ');
    if (x->kind == X_WORD || y->kind == X_WORD)
        str_add(out, x->kind == X_WORD ? x->word : y->word);
    else
        str_printf(out, "{%s}", x->arg->name);
}

static void report(struct search *s, size_t at)
{
    const struct form *a = s->g->pos[s->queue[at].p].form, *b = s->g->pos[s->queue[at].q].form;
    struct str line = {0};
    example(s, (int)at, &line);
    if (a == b)
        fail_at(s->g, a->at, "ambiguous: the line '%s' can be read in two ways", str_text(&line));
    else
        fail_at(s->g, b->at, "ambiguous: the line '%s' is also '%s' (%s:%d)", str_text(&line),
                a->entry->name, a->at.file, a->at.line);
    str_free(&line);
}

static bool removing(const struct form *f)
{
    return f->flags & GF_NO && f->entry->kind != G_EXEC;
}

static void start_pairs(struct search *s, struct form **forms, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = i; k < n; k++)
            for (unsigned a = 0; a < forms[i]->first.n; a++)
                for (unsigned b = 0; b < forms[k]->first.n; b++) {
                    unsigned p = forms[i]->first.v[a], q = forms[k]->first.v[b];
                    push(s, p, q, p != q, -1);
                }
}

static void ambiguity(struct grammar *g, const struct mode *m, unsigned dialect)
{
    struct search s = {.g = g};
    struct form **forms = take(g, sizeof(struct form *) * (g->nforms + 1));
    size_t n = 0;
    each (entry, e, g->entries)
        each (form, f, e->forms)
            if (f->mode == m && (f->dialect & dialect) && !removing(f))
                forms[n++] = f;
    s.seen = take(g, ((size_t)g->npos * g->npos * 2) / 8 + 1);
    start_pairs(&s, forms, n);
    for (size_t i = 0; i < s.n; i++) {
        const struct pair now = s.queue[i];
        const struct pos *a = &g->pos[now.p], *b = &g->pos[now.q];
        if (now.parted && (a->flags & GP_ACCEPT) && (b->flags & GP_ACCEPT)) {
            report(&s, i);
            return; /* one message per mode: the rest usually follows from it */
        }
        for (unsigned x = 0; x < a->follow.n; x++)
            for (unsigned y = 0; y < b->follow.n; y++)
                push(&s, a->follow.v[x], b->follow.v[y],
                     now.parted || a->follow.v[x] != b->follow.v[y], (int)i);
    }
}

/* --- arms of a choice ------------------------------------------------------------------------ */

static bool first_words(struct grammar *g, const struct expr *x, struct set *out)
{
    bool empty = true;
    switch (x->kind) {
    case X_SEQ:
        each (expr, c, x->child)
            if (empty)
                empty = first_words(g, c, out);
        return empty;
    case X_OPT:
        (void)first_words(g, x->child, out);
        return true;
    case X_ALT:
        empty = false;
        each (expr, c, x->child)
            if (first_words(g, c, out))
                empty = true;
        return empty;
    case X_BLANK:
        return true;
    default:
        set_add(g, out, x->pos);
        return false;
    }
}

static void arms_differ(struct grammar *g, const struct form *f, const struct expr *x)
{
    each (expr, c, x->child)
        arms_differ(g, f, c);
    if (x->kind != X_ALT)
        return;
    each (expr, a, x->child) {
        struct set sa = {0};
        (void)first_words(g, a, &sa);
        each (expr, b, a->next) {
            struct set sb = {0};
            (void)first_words(g, b, &sb);
            for (unsigned i = 0; i < sa.n; i++)
                for (unsigned k = 0; k < sb.n; k++)
                    if (same_token(g->pos[sa.v[i]].expr, g->pos[sb.v[k]].expr)) {
                        fail_at(g, f->at, "ambiguous: two arms of a choice accept the same token");
                        return;
                    }
        }
    }
}

/* --- smaller rules ---------------------------------------------------------------------------- */

static bool siblings(const struct entry *a, const struct entry *b)
{
    bool are = below(b, a->parent);
    for (unsigned i = 0; i < ENTRY_ALSO && a->also[i]; i++)
        are = are || below(b, a->also[i]);
    return are;
}

static void orders(struct grammar *g)
{
    each (entry, e, g->entries)
        each (entry, o, e->next) {
            if (e->kind == G_EXEC || o->kind == G_EXEC)
                continue;
            if (siblings(e, o) && e->module == o->module && e->order == o->order)
                fail_at(g, o->at, "order %u belongs to '%s' already (%s:%d)", o->order, e->name,
                        e->at.file, e->at.line);
        }
}

static void hooks(struct grammar *g)
{
    each (entry, e, g->entries)
        each (entry, o, e->next) {
            const char *a[] = {e->check, e->call}, *b[] = {o->check, o->call};
            for (int i = 0; i < 2; i++)
                for (int k = 0; k < 2; k++)
                    if (a[i] && b[k] && strcmp(a[i], b[k]) == 0)
                        fail_at(g, o->at, "hook '%s' belongs to '%s' already", a[i], e->name);
        }
}

static bool used_in(const struct expr *x, const struct arg *a)
{
    if (x->arg == a)
        return true;
    each (expr, c, x->child)
        if (used_in(c, a))
            return true;
    return false;
}

static void arguments(struct grammar *g, const struct entry *e)
{
    each (arg, a, e->args) {
        bool used = false;
        each (form, f, e->forms)
            used = used || used_in(f->expr, a);
        if (!used && e->forms)
            fail_at(g, a->at, "argument '%s' of '%s' is in no form", a->name, e->name);
    }
}

/* The keys of e that a form names, and one that it lacks. */
static unsigned keys_in(const struct form *f, const struct entry *e, const struct arg **lacks)
{
    unsigned n = 0;
    *lacks = NULL;
    each (arg, a, e->args) {
        if (!(a->flags & GA_KEY))
            continue;
        if (used_in(f->expr, a))
            n++;
        else
            *lacks = a;
    }
    return n;
}

/* A form must name the keys of every ancestor that the mode does not stand in. */
static void parents(struct grammar *g, const struct form *f)
{
    const struct entry *top = f->mode ? f->mode->entry : NULL;
    const struct entry *e = f->entry->parent;
    if (f->entry->also[0]) {
        if (!top || !below(f->entry, top))
            fail_at(g, f->at, "'%s' has several parents and can be typed in their modes alone",
                    f->entry->name);
        return;
    }
    for (; e && e != top; e = e->parent) {
        const struct arg *lacks;
        unsigned n = keys_in(f, e, &lacks);
        if (lacks && !e->defaults && !(n && e->flags & GE_EITHER))
            fail_at(g, f->at, "key '%s' of '%s' is not in the form", lacks->name, e->name);
    }
    if (top && !e)
        fail_at(g, f->at, "mode '%s' is not of an object above '%s'", f->mode->name,
                f->entry->name);
}

void check_grammar(struct grammar *g)
{
    orders(g);
    hooks(g);
    check_c_names(g);
    each (entry, e, g->entries) {
        if (e->defaults)
            (void)default_fields(g, e);
        arguments(g, e);
        each (form, f, e->forms) {
            arms_differ(g, f, f->expr);
            if (e->kind != G_EXEC)
                parents(g, f);
        }
    }
    if (g->errors)
        return;
    each (mode, m, g->modes) {
        ambiguity(g, m, G_IOS);
        ambiguity(g, m, G_ASA);
    }
}
