/*
 * g_tables.c: the tables of parser/grammar.h.
 */
#include "parser/compiler/model.h"

#include <stdlib.h>
#include <string.h>

struct out {
    struct grammar *g;
    FILE *f;
    uint16_t *follow; /* g_follow as it grows */
    size_t nfollow, cap;
};

static unsigned add_follow(struct out *o, const struct set *s)
{
    size_t at = o->nfollow;
    if (o->nfollow + s->n > o->cap) {
        size_t cap = (o->cap ? o->cap * 2 : 4096) + s->n;
        uint16_t *v = take(o->g, sizeof(*v) * cap);
        if (o->nfollow)
            memcpy(v, o->follow, sizeof(*v) * o->nfollow);
        o->follow = v;
        o->cap = cap;
    }
    if (s->n)
        memcpy(o->follow + o->nfollow, s->v, sizeof(uint16_t) * s->n);
    o->nfollow += s->n;
    if (o->nfollow >= G_NONE)
        fail_at(o->g, (struct where){0}, "too many followers for 16-bit indices");
    return (unsigned)at;
}

static void enums(struct out *o)
{
    (void)fputs("const struct g_word g_words[] = {\n", o->f);
    each (enum_def, e, o->g->enums)
        each (enum_word, w, e->words) {
            (void)fputs("    {", o->f);
            c_string(o->f, w->text);
            (void)fputs(", ", o->f);
            c_string(o->f, w->help);
            (void)fprintf(o->f, ", %u, %u},\n", w->value, w->dialect);
        }
    (void)fputs("    {0, 0, 0, 0}};\nconst struct g_enum g_enums[] = {\n", o->f);
    each (enum_def, e, o->g->enums)
        (void)fprintf(o->f, "    {\"%s\", %u, %u},\n", e->name, e->first, e->count);
    (void)fputs("    {0, 0, 0}};\n", o->f);
}

static void args(struct out *o)
{
    (void)fputs("const struct g_arg g_args[] = {\n", o->f);
    each (entry, e, o->g->entries)
        each (arg, a, e->args) {
            const char *s = c_lower(o->g, e->name), *n = c_lower(o->g, a->name);
            unsigned ref = a->en ? a->en->index : a->ref ? a->ref->index : G_NONE;
            (void)fprintf(o->f, "    {.name = \"%s\", .help = ", a->name);
            c_string(o->f, a->help);
            (void)fprintf(o->f,
                          ", .lo = UINT64_C(%llu), .hi = UINT64_C(%llu), .entry = %u, .ref = %u, "
                          ".offset = offsetof(struct a_%s, %s), ",
                          a->lo, a->hi, e->index, ref, s, n);
            if (a->type == GT_FLAG)
                (void)fprintf(o->f, ".has = %u, ", G_NONE);
            else
                (void)fprintf(o->f, ".has = offsetof(struct a_%s, has_%s), ", s, n);
            (void)fprintf(o->f, ".type = %u, .flags = %u},\n", a->type, a->flags);
        }
    (void)fputs("    {0}};\n", o->f);
}

static void positions(struct out *o)
{
    struct grammar *g = o->g;
    (void)fputs("const struct g_pos g_positions[] = {\n", o->f);
    for (unsigned i = 0; i < g->npos; i++) {
        const struct pos *p = &g->pos[i];
        (void)fputs("    {", o->f);
        c_string(o->f, p->expr->kind == X_WORD ? p->expr->word : NULL);
        (void)fputs(", ", o->f);
        c_string(o->f, p->help);
        (void)fprintf(o->f, ", %u, %u, %u, %u, %u},\n", p->expr->arg ? p->expr->arg->index : G_NONE,
                      p->form->index, add_follow(o, &p->follow), p->follow.n, p->flags);
    }
    (void)fputs("    {0}};\n", o->f);
}

static void number_exprs(struct expr *x, unsigned *next)
{
    x->index = (*next)++;
    each (expr, c, x->child)
        number_exprs(c, next);
}

static void write_expr(struct out *o, const struct expr *x)
{
    static const unsigned kinds[] = {[X_SEQ] = GX_SEQ,  [X_OPT] = GX_OPT, [X_ALT] = GX_ALT,
                                     [X_WORD] = GX_POS, [X_ARG] = GX_POS, [X_BLANK] = GX_BLANK};
    bool leaf = x->kind == X_WORD || x->kind == X_ARG;
    (void)fprintf(o->f, "    {%u, %u, %u, %u},\n", kinds[x->kind], leaf ? x->pos : G_NONE,
                  x->child ? x->child->index : G_NONE, x->next ? x->next->index : G_NONE);
    each (expr, c, x->child)
        write_expr(o, c);
}

static void forms(struct out *o)
{
    unsigned n = 0;
    each (entry, e, o->g->entries)
        each (form, f, e->forms)
            number_exprs(f->expr, &n);
    if (n >= G_NONE)
        fail_at(o->g, (struct where){0}, "too many expressions for 16-bit indices");
    (void)fputs("const struct g_expr g_exprs[] = {\n", o->f);
    each (entry, e, o->g->entries)
        each (form, f, e->forms)
            write_expr(o, f->expr);
    (void)fputs("    {0, 0, 0, 0}};\nconst struct g_form g_forms[] = {\n", o->f);
    each (entry, e, o->g->entries)
        each (form, f, e->forms) {
            (void)fprintf(o->f,
                          "    {.entry = %u, .mode = %u, .enter = %u, .dialect = %u, .flags = %u, "
                          ".first = %u, .nfirst = %u, .expr = %u},\n",
                          e->index, f->mode->index, f->enter ? f->enter->index : 0, f->dialect,
                          f->flags, add_follow(o, &f->first), f->first.n, f->expr->index);
        }
    (void)fputs("    {0}};\n", o->f);
}

static void mode_forms(struct out *o)
{
    unsigned at = 0;
    (void)fputs("const uint16_t g_mode_forms[] = {\n", o->f);
    each (mode, m, o->g->modes) {
        each (entry, e, o->g->entries)
            each (form, f, e->forms)
                if (f->mode == m)
                    (void)fprintf(o->f, "%u,", f->index);
        (void)fputc('\n', o->f);
    }
    (void)fputs("    0};\nconst struct g_mode g_modes[] = {\n    {0},\n", o->f);
    each (mode, m, o->g->modes) {
        unsigned n = 0;
        each (entry, e, o->g->entries)
            each (form, f, e->forms)
                n += f->mode == m;
        (void)fprintf(o->f, "    {\"%s\", ", m->name);
        c_string(o->f, m->prompt);
        (void)fputs(", ", o->f);
        c_string(o->f, m->title);
        (void)fputs(", ", o->f);
        c_string(o->f, m->exit);
        (void)fprintf(o->f, ", %u, %u, %u, %u, %u, %u},\n", m->parent ? m->parent->index : 0,
                      m->entry ? m->entry->index : 0, m->dialect, at, n, m->indent);
        at += n;
    }
    (void)fputs("    {0}};\n", o->f);
}

/* `a=1 b=2` as the fields of a const struct d_ENTRY. */
static void defaults(struct out *o, const struct entry *e)
{
    (void)fprintf(o->f, "static const struct a_%s d_%u = {%s};\n", c_lower(o->g, e->name), e->index,
                  default_fields(o->g, e));
}

static int by_rank(const void *a, const void *b)
{
    const struct entry *const *x = a, *const *y = b;
    return (*x)->rank < (*y)->rank ? -1 : (*x)->rank > (*y)->rank;
}

/* The children of one entry (NULL: the root) in order of printing. Returns how many. */
static unsigned children(struct out *o, const struct entry *parent)
{
    struct entry **list = take(o->g, sizeof(struct entry *) * (o->g->nentries + 1));
    unsigned n = 0;
    each (entry, e, o->g->entries)
        if (below(e, parent) && e->kind != G_EXEC)
            list[n++] = e;
    qsort(list, n, sizeof(list[0]), by_rank);
    for (unsigned i = 0; i < n; i++)
        (void)fprintf(o->f, "%u,", list[i]->index);
    (void)fputc('\n', o->f);
    return n;
}

static void entry_row(struct out *o, const struct entry *e, unsigned child, unsigned nchild)
{
    (void)fprintf(o->f, "    {.name = \"%s\", .unset = ", e->name);
    c_string(o->f, e->unset);
    if (e->defaults)
        (void)fprintf(o->f, ", .defaults = &d_%u", e->index);
    if (e->args)
        (void)fprintf(o->f, ", .size = sizeof(struct a_%s)", c_lower(o->g, e->name));
    (void)fprintf(o->f,
                  ", .kind = %u, .parent = %u, .module = %u, .rank = %u, .arg = %u, .narg = %u, "
                  ".form = %u, .nform = %u, .child = %u, .nchild = %u, .flags = %u, .priv = %u},\n",
                  e->kind, e->parent ? e->parent->index : 0, e->module->index, e->rank,
                  e->first_arg, e->narg, e->first_form, e->nform, child, nchild, e->flags, e->priv);
}

static void entries(struct out *o)
{
    struct grammar *g = o->g;
    unsigned *count = take(g, sizeof(unsigned) * (g->nentries + 2)), at;
    each (entry, e, g->entries)
        if (e->defaults)
            defaults(o, e);
    (void)fputs("const uint16_t g_children[] = {\n", o->f);
    count[0] = children(o, NULL);
    each (entry, e, g->entries)
        count[e->index] = children(o, e);
    (void)fprintf(o->f,
                  "    0};\nconst struct g_entry g_entries[] = {\n"
                  "    {.name = \"\", .nchild = %u},\n",
                  count[0]);
    at = count[0];
    each (entry, e, g->entries) {
        entry_row(o, e, at, count[e->index]);
        at += count[e->index];
    }
    (void)fputs("};\nconst struct g_module g_modules[] = {\n", o->f);
    each (module, m, g->modules)
        (void)fprintf(o->f, "    {\"%s\", %u},\n", m->name, m->section);
    (void)fputs("    {0, 0}};\n", o->f);
}

void write_tables(struct grammar *g, FILE *f)
{
    struct out o = {.g = g, .f = f};
    unsigned modules = 0;
    each (module, m, g->modules)
        modules++;
    (void)fputs("/* Written by cgc from grammars/; do not edit. */\n"
                "#include \"g_args.h\"\n#include \"parser/grammar.h\"\n#include \"parser/line.h\"\n"
                "\n#include <stddef.h>\n\n",
                f);
    each (entry, e, g->entries)
        (void)fprintf(f, "_Static_assert(sizeof(struct a_%s) <= LINE_ARGS_SIZE, \"too large\");\n",
                      c_lower(g, e->name));
    enums(&o);
    args(&o);
    positions(&o);
    forms(&o);
    mode_forms(&o);
    entries(&o);
    (void)fputs("const uint16_t g_follow[] = {\n", f);
    for (size_t i = 0; i < o.nfollow; i++)
        (void)fprintf(f, "%u,%s", o.follow[i], i % 24 == 23 ? "\n" : "");
    (void)fprintf(f,
                  "0};\nconst uint16_t g_nentries = %u, g_nforms = %u, g_npositions = %u, "
                  "g_nmodes = %u, g_nargs = %u, g_nmodules = %u;\n",
                  g->nentries + 1, g->nforms, g->npos, g->nmodes + 1, g->nargs, modules);
}
