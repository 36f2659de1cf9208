/*
 * Positions and what may follow them (Glushkov's construction): every word and argument of a
 * form is one position; an expression has a set of positions it may begin with, a set it may
 * end with, and may be empty or not. No empty moves are needed, so matching a token is one
 * step from a set of positions to the next.
 *
 * Here also stands which positions may be the last after `no` (docs/grammar.md, "Forms").
 */
#include "parser/compiler/model.h"

#include <string.h>

struct ends {
    struct set first, last;
    bool empty; /* may match nothing */
};

void set_add(struct grammar *g, struct set *s, unsigned v)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->v[i] == v)
            return;
    if ((s->n & (s->n - 1)) == 0) { /* full: 0, 1, 2, 4, … */
        uint16_t *v2 = take(g, sizeof(uint16_t) * (s->n ? s->n * 2 : 1));
        if (s->n)
            memcpy(v2, s->v, sizeof(uint16_t) * s->n);
        s->v = v2;
    }
    s->v[s->n++] = (uint16_t)v;
}

static void set_join(struct grammar *g, struct set *to, const struct set *from)
{
    for (unsigned i = 0; i < from->n; i++)
        set_add(g, to, from->v[i]);
}

static unsigned new_pos(struct grammar *g, struct form *f, struct expr *x)
{
    if (g->npos == g->cap_pos) {
        unsigned cap = g->cap_pos ? g->cap_pos * 2 : 512;
        struct pos *p = take(g, sizeof(*p) * cap);
        if (g->npos)
            memcpy(p, g->pos, sizeof(*p) * g->npos);
        g->pos = p;
        g->cap_pos = cap;
    }
    if (g->npos >= G_NONE)
        fail_at(g, f->at, "too many positions for 16-bit indices");
    g->pos[g->npos] = (struct pos){.form = f, .expr = x};
    x->pos = g->npos;
    return g->npos++;
}

static void follow_all(struct grammar *g, const struct set *from, const struct set *to)
{
    for (unsigned i = 0; i < from->n; i++)
        set_join(g, &g->pos[from->v[i]].follow, to);
}

static struct ends walk(struct grammar *g, struct form *f, struct expr *x);

static struct ends walk_sequence(struct grammar *g, struct form *f, struct expr *x)
{
    struct ends all = {.empty = true};
    each (expr, c, x->child) {
        struct ends e = walk(g, f, c);
        follow_all(g, &all.last, &e.first);
        if (all.empty)
            set_join(g, &all.first, &e.first);
        if (!e.empty)
            all.last = (struct set){0};
        set_join(g, &all.last, &e.last);
        all.empty = all.empty && e.empty;
    }
    return all;
}

static struct ends walk(struct grammar *g, struct form *f, struct expr *x)
{
    struct ends all = {0};
    switch (x->kind) {
    case X_SEQ:
        return walk_sequence(g, f, x);
    case X_OPT:
        all = walk(g, f, x->child);
        all.empty = true;
        return all;
    case X_ALT:
        each (expr, c, x->child) {
            struct ends e = walk(g, f, c);
            set_join(g, &all.first, &e.first);
            set_join(g, &all.last, &e.last);
            all.empty = all.empty || e.empty;
        }
        return all;
    case X_BLANK:
        all.empty = true;
        return all;
    default:
        break;
    }
    unsigned p = new_pos(g, f, x);
    set_add(g, &all.first, p);
    set_add(g, &all.last, p);
    if (x->plus) {
        set_add(g, &g->pos[p].follow, p);
        g->pos[p].flags |= GP_PLUS;
        f->entry->flags |= GE_PLUS;
        if (f->entry->kind != G_LIST)
            fail_at(g, f->at, "'+' stands in lists only");
    }
    return all;
}

static bool binds_own(const struct pos *p)
{
    return p->expr->arg && p->expr->arg->entry == p->form->entry;
}

static bool binds_key(const struct pos *p)
{
    return binds_own(p) && ((p->expr->arg->flags & GA_KEY) || !(p->form->entry->flags & GE_KEYED));
}

/* Marks everything that can follow what is marked. */
static void reach(struct grammar *g, const struct form *f, bool *mark)
{
    for (bool more = true; more;) {
        more = false;
        for (unsigned i = 0; i < f->npos; i++) {
            const struct set *s = &g->pos[f->pos + i].follow;
            for (unsigned k = 0; mark[i] && k < s->n; k++) {
                more = more || !mark[s->v[k] - f->pos];
                mark[s->v[k] - f->pos] = true;
            }
        }
    }
}

/* Leaf, flag, object without keys: all behind the last word before an own argument. */
static void loose_no(struct grammar *g, struct form *f)
{
    bool *after = take(g, f->npos + 1);
    for (unsigned i = 0; i < f->npos; i++) {
        struct pos *p = &g->pos[f->pos + i];
        after[i] = binds_own(p);
        for (unsigned k = 0; k < p->follow.n; k++)
            after[i] = after[i] || binds_own(&g->pos[p->follow.v[k]]);
    }
    reach(g, f, after);
    for (unsigned i = 0; i < f->npos; i++)
        if (after[i])
            g->pos[f->pos + i].flags |= GP_NO;
}

/* Keyed: nothing of the keys, everything after them. */
static void keyed_no(struct grammar *g, struct form *f)
{
    bool *seen = take(g, f->npos + 1), *done = take(g, f->npos + 1);
    for (unsigned i = 0; i < f->npos; i++) {
        seen[i] = binds_key(&g->pos[f->pos + i]);
        done[i] = g->pos[f->pos + i].flags & GP_ACCEPT;
    }
    reach(g, f, seen);
    for (bool more = true; more;) { /* done: some way to the end crosses no key */
        more = false;
        for (unsigned i = 0; i < f->npos; i++) {
            const struct set *s = &g->pos[f->pos + i].follow;
            for (unsigned k = 0; !done[i] && k < s->n; k++) {
                if (done[s->v[k] - f->pos] && !binds_key(&g->pos[s->v[k]]))
                    more = done[i] = true;
            }
        }
    }
    for (unsigned i = 0; i < f->npos; i++)
        if (seen[i] && done[i])
            g->pos[f->pos + i].flags |= GP_NO;
}

static void build_form(struct grammar *g, struct form *f)
{
    f->pos = g->npos;
    struct ends e = walk(g, f, f->expr);
    f->npos = g->npos - f->pos;
    f->first = e.first;
    if (e.empty || !f->npos) {
        fail_at(g, f->at, "the form may be empty");
        return;
    }
    for (unsigned i = 0; i < e.last.n; i++)
        g->pos[e.last.v[i]].flags |= GP_ACCEPT | GP_NO;
    for (unsigned i = 0; i < f->npos; i++)
        if (binds_own(&g->pos[f->pos + i]))
            g->pos[f->pos + i].flags |= GP_OWN;
    if (f->entry->kind == G_EXEC || (f->flags & GF_NO))
        return;
    bool keyed = f->entry->kind == G_LIST || (f->entry->flags & GE_KEYED);
    if (keyed)
        keyed_no(g, f);
    else
        loose_no(g, f);
}

static void number_things(struct grammar *g)
{
    unsigned forms = 0, args = 0;
    each (entry, e, g->entries) {
        e->first_form = forms;
        e->first_arg = args;
        each (form, f, e->forms)
            f->index = forms++;
        each (arg, a, e->args)
            a->index = args++;
        e->nform = forms - e->first_form;
        e->narg = args - e->first_arg;
    }
    g->nforms = forms;
    g->nargs = args;
    unsigned enums = 0, words = 0;
    each (enum_def, e, g->enums) {
        e->index = enums++;
        e->first = words;
        words += e->count;
    }
    each (mode, m, g->modes)
        m->index = ++g->nmodes;
    unsigned modules = 0;
    each (module, m, g->modules)
        m->index = modules++;
    /* A rank is a place among all entries: by section, then order. */
    each (entry, e, g->entries) {
        unsigned rank = 0;
        each (entry, o, g->entries) {
            if (!o->module || !e->module)
                continue;
            if (o->module->section < e->module->section ||
                (o->module == e->module &&
                 (o->order < e->order || (o->order == e->order && o->index < e->index))))
                rank++;
        }
        e->rank = rank;
    }
}

void build_automata(struct grammar *g)
{
    each (entry, e, g->entries)
        each (form, f, e->forms)
            build_form(g, f);
    number_things(g);
}
