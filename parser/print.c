/*
 * From the tree to text. A node is printed by the first form of the dialect whose arguments
 * are exactly those present; the form's tree of expressions is walked with the values.
 *
 * Children whose form is in the mode that an object's line enters stand in its block, one blank
 * further in. Children that have flat forms follow behind the block. A list with a repeated
 * argument takes neighbours together on one line.
 */
#include "parser/print.h"

#include "parser/line.h"
#include "parser/node.h"
#include "parser/parse.h"
#include "parser/value.h"

#include <string.h>

#define SPLIT_IOS 200u /* longer lists go on in a new line, within what a line may have */
#define SPLIT_ASA 450u

struct out {
    bool asa;
    unsigned flags;
    struct str *s;
};

/* What one form is printed with. */
struct spell {
    const struct out *o;
    uint16_t entry;
    const void *args;
    const struct cfg_node *parent; /* for the keys of ancestors */
    const struct cfg_node **rest;  /* list with '+': the next neighbour, moved on */
    size_t line_start;
};

/* --- forms ----------------------------------------------------------------------------------- */

static bool own(const struct spell *sp, const struct g_arg *a)
{
    return a->entry == sp->entry;
}

static bool present(const struct spell *sp, const struct g_arg *a)
{
    return sp->args && !(a->flags & (GA_INSERT_AT | GA_NUMBER)) && field_present(a, sp->args);
}

static const void *ancestor(const struct spell *sp, uint16_t entry)
{
    const struct cfg_node *n = sp->parent;
    while (n && n->entry != entry)
        n = n->parent;
    return n ? n->args : NULL;
}

/* The key of an ancestor counts for nothing, but it must be there (`either`). */
static int score_ancestor(const struct spell *sp, const struct g_arg *a)
{
    const void *args = ancestor(sp, a->entry);
    return args && !field_present(a, args) ? -1 : 0;
}

/* How many of the present arguments an expression prints; -1 when it needs one that is absent. */
static int score(const struct spell *sp, uint16_t x)
{
    const struct g_expr *e = &g_exprs[x];
    int sum = 0, best = -1, s;
    switch (e->kind) {
    case GX_BLANK:
        return 0;
    case GX_POS: {
        const struct g_pos *p = &g_positions[e->pos];
        if (p->arg == G_NONE)
            return 0;
        if (!own(sp, &g_args[p->arg]))
            return score_ancestor(sp, &g_args[p->arg]);
        return present(sp, &g_args[p->arg]) ? 1 : -1;
    }
    case GX_OPT:
        s = score(sp, e->child);
        return s > 0 ? s : 0;
    case GX_ALT:
        for (uint16_t c = e->child; c != G_NONE; c = g_exprs[c].next) {
            s = score(sp, c);
            best = s > best ? s : best;
        }
        return best;
    default:
        for (uint16_t c = e->child; c != G_NONE; c = g_exprs[c].next) {
            s = score(sp, c);
            if (s < 0)
                return -1;
            sum += s;
        }
        return sum;
    }
}

static bool form_fits(const struct spell *sp, const struct g_form *f)
{
    const struct g_entry *e = &g_entries[sp->entry];
    int have = 0;
    if (!(f->dialect & (sp->o->asa ? G_ASA : G_IOS)) || (f->flags & (GF_NO | GF_ALIAS)))
        return false;
    for (uint16_t i = 0; i < e->narg; i++)
        have += present(sp, &g_args[e->arg + i]);
    return score(sp, f->expr) == have;
}

static void put_word(const struct spell *sp, const char *text)
{
    struct str *s = sp->o->s;
    if (s->len > sp->line_start && s->s[s->len - 1] != ' ')
        str_addc(s, ' ');
    str_add(s, text);
}

static void put_value(const struct spell *sp, const struct g_arg *a, const void *args)
{
    struct value v;
    put_word(sp, "");
    if ((a->flags & GA_SECRET) && !(sp->o->flags & PRINT_SECRETS)) {
        str_add(sp->o->s, "*****");
        return;
    }
    field_load(a, args, &v);
    value_print(a, &v, sp->o->asa, sp->o->s);
}

/* Neighbours that differ in the repeated argument alone. */
static bool joins(const struct cfg_node *a, const struct cfg_node *b, uint16_t plus)
{
    const struct g_entry *e = &g_entries[a->entry];
    for (uint16_t i = 0; i < e->narg; i++)
        if (e->arg + i != plus && !field_equal(&g_args[e->arg + i], a->args, b->args))
            return false;
    return true;
}

static void put_items(const struct spell *sp, const struct g_pos *p)
{
    const struct cfg_node *n = sp->rest ? *sp->rest : NULL;
    bool may_split = !(g_entries[sp->entry].flags & GE_REPLACE);
    size_t most = sp->o->asa ? SPLIT_ASA : SPLIT_IOS;
    put_value(sp, &g_args[p->arg], sp->args);
    for (; n && cfg_next(n) && joins(n, cfg_next(n), p->arg); n = *sp->rest) {
        if (may_split && sp->o->s->len - sp->line_start > most)
            return;
        *sp->rest = cfg_next(n);
        put_value(sp, &g_args[p->arg], (*sp->rest)->args);
    }
}

static void put(const struct spell *sp, uint16_t x)
{
    const struct g_expr *e = &g_exprs[x];
    uint16_t best;
    switch (e->kind) {
    case GX_BLANK:
        str_addc(sp->o->s, ' ');
        return;
    case GX_POS: {
        const struct g_pos *p = &g_positions[e->pos];
        if (p->word)
            put_word(sp, p->word);
        else if (p->flags & GP_PLUS)
            put_items(sp, p);
        else if (own(sp, &g_args[p->arg]))
            put_value(sp, &g_args[p->arg], sp->args);
        else if (ancestor(sp, g_args[p->arg].entry))
            put_value(sp, &g_args[p->arg], ancestor(sp, g_args[p->arg].entry));
        return;
    }
    case GX_OPT:
        if (score(sp, e->child) > 0)
            put(sp, e->child);
        return;
    case GX_ALT:
        best = e->child;
        for (uint16_t c = e->child; c != G_NONE; c = g_exprs[c].next)
            if (score(sp, c) > score(sp, best))
                best = c;
        put(sp, best);
        return;
    default:
        for (uint16_t c = e->child; c != G_NONE; c = g_exprs[c].next)
            put(sp, c);
        return;
    }
}

static void indent(const struct out *o, unsigned n)
{
    while (n--)
        str_addc(o->s, ' ');
}

static void put_form(struct spell *sp, const struct g_form *f, unsigned depth)
{
    indent(sp->o, depth);
    sp->line_start = sp->o->s->len;
    if (f->flags & GF_INVERTED)
        put_word(sp, "no");
    put(sp, f->expr);
    str_addc(sp->o->s, '\n');
}

/* --- where a form stands --------------------------------------------------------------------- */

/* Where lines are being printed: the block of an object, or behind it in an outer mode. */
struct context {
    uint16_t block; /* entry of the object whose block this is; G_NONE: none */
    uint16_t mode;
};

static bool fits_context(const struct context *c, const struct g_form *f)
{
    return c->block != G_NONE ? g_modes[f->mode].entry == c->block : f->mode == c->mode;
}

/* A value may be spelt like a keyword: a key that is "0" must be printed with the `0` that
 * says that a key in clear follows. Does this form's line read as what it was made from? */
static bool reads_back(const struct spell *sp, const struct g_form *f)
{
    struct str text = {0};
    struct out o = {.asa = sp->o->asa, .flags = PRINT_SECRETS, .s = &text};
    struct spell plain = *sp;
    if (g_entries[sp->entry].flags & GE_PLUS)
        return true;
    plain.o = &o;
    put_form(&plain, f, 0);
    if (text.len)
        text.s[text.len - 1] = '\0';
    bool same = line_reads_as(f, o.asa, str_text(&text), sp->args);
    str_wipe(&text);
    return same;
}

/* The first form that fits; where several do, the first of them that reads back. */
static const struct g_form *choose(const struct spell *sp, const struct context *c)
{
    const struct g_entry *e = &g_entries[sp->entry];
    const struct g_form *first = NULL;
    bool checked = false;
    for (uint16_t i = 0; i < e->nform; i++) {
        const struct g_form *f = &g_forms[e->form + i];
        if (!fits_context(c, f) || !form_fits(sp, f))
            continue;
        if (!first) {
            first = f;
            continue;
        }
        if (!checked && reads_back(sp, first))
            return first;
        checked = true;
        if (reads_back(sp, f))
            return f;
    }
    return first;
}

static struct spell spell_of(const struct out *o, const struct cfg_node *n)
{
    return (struct spell){.o = o, .entry = n->entry, .args = n->args, .parent = n->parent};
}

/* --- blocks ---------------------------------------------------------------------------------- */

static void print_children(const struct out *o, const struct cfg_node *n, const struct context *c,
                           const struct context *not_in, unsigned depth);

/* An object: its line, its block, and what follows the block. */
static void print_object(const struct out *o, const struct cfg_node *n, const struct g_form *f,
                         const struct context *c, unsigned depth)
{
    struct spell sp = spell_of(o, n);
    struct context block = {.block = n->entry, .mode = f->enter};
    struct context outer = {.block = G_NONE, .mode = c->mode};
    bool has_block = f->enter != G_MODE_NONE;
    if (node_is_nothing(n))
        return;
    put_form(&sp, f, depth);
    if (has_block)
        print_children(o, n, &block, NULL, depth + g_modes[f->enter].indent);
    if (g_entries[n->entry].flags & GE_BANG) {
        indent(o, depth);
        str_add(o->s, "!\n");
    }
    print_children(o, n, has_block ? &outer : c, has_block ? &block : NULL, depth);
}

/* A leaf that is not there: its default, or the text for that. */
static void print_absent(const struct out *o, const struct cfg_node *parent, uint16_t entry,
                         const struct context *c, unsigned depth)
{
    const struct g_entry *e = &g_entries[entry];
    if (e->kind == G_LEAF && e->defaults && ((e->flags & GE_ALWAYS) || (o->flags & PRINT_ALL))) {
        struct spell sp = {.o = o, .entry = entry, .args = e->defaults, .parent = parent};
        const struct g_form *f = choose(&sp, c);
        if (f)
            put_form(&sp, f, depth);
        return;
    }
    for (uint16_t i = 0; e->unset && i < e->nform; i++) {
        const struct g_form *f = &g_forms[e->form + i];
        if (!(f->dialect & (o->asa ? G_ASA : G_IOS)) || !fits_context(c, f))
            continue;
        indent(o, depth);
        str_add(o->s, e->unset);
        str_addc(o->s, '\n');
        return;
    }
}

/* An object that has its line in another context than this one. */
static bool elsewhere(const struct spell *sp)
{
    const struct g_entry *e = &g_entries[sp->entry];
    for (uint16_t i = 0; i < e->nform; i++)
        if (form_fits(sp, &g_forms[e->form + i]))
            return true;
    return false;
}

static void print_lines(const struct out *o, const struct cfg_node *first, const struct context *c,
                        const struct context *not_in, unsigned depth)
{
    for (const struct cfg_node *n = first; n; n = cfg_next(n)) {
        struct spell sp = spell_of(o, n);
        const struct g_form *f;
        if (not_in && choose(&sp, not_in))
            continue;
        f = choose(&sp, c);
        if (g_entries[n->entry].kind == G_OBJECT) {
            if (f)
                print_object(o, n, f, c, depth);
            else if (c->block == G_NONE || !elsewhere(&sp))
                print_children(o, n, c, not_in, depth);
        } else if (f) {
            sp.rest = &n;
            put_form(&sp, f, depth);
        }
    }
}

static bool has_form_in(uint16_t entry, const struct context *c)
{
    for (uint16_t i = 0; i < g_entries[entry].nform; i++)
        if (fits_context(c, &g_forms[g_entries[entry].form + i]))
            return true;
    return false;
}

static void print_children(const struct out *o, const struct cfg_node *n, const struct context *c,
                           const struct context *not_in, unsigned depth)
{
    const struct g_entry *e = &g_entries[n->entry];
    for (uint16_t i = 0; i < e->nchild; i++) {
        uint16_t child = g_children[e->child + i];
        const struct cfg_node *first = cfg_first(n, child);
        if (first)
            print_lines(o, first, c, not_in, depth);
        else if (!not_in || !has_form_in(child, not_in))
            print_absent(o, n, child, c, depth);
    }
}

static const struct context top = {.block = G_NONE, .mode = G_MODE_CONFIG};

/* The children of the root from the i-th on that are of one module; returns the next one. */
static uint16_t print_run(const struct out *o, const struct cfg_node *root, uint16_t i)
{
    const struct g_entry *e = &g_entries[root->entry];
    uint16_t module = g_entries[g_children[e->child + i]].module;
    for (; i < e->nchild && g_entries[g_children[e->child + i]].module == module; i++) {
        uint16_t child = g_children[e->child + i];
        const struct cfg_node *first = cfg_first(root, child);
        if (first)
            print_lines(o, first, &top, NULL, 0);
        else
            print_absent(o, root, child, &top, 0);
    }
    return i;
}

void print_tree(const struct cfg_tree *t, bool asa, unsigned flags, struct str *out)
{
    struct out o = {asa, flags, out};
    for (uint16_t i = 0; i < g_entries[t->root->entry].nchild;) {
        size_t before = out->len;
        i = print_run(&o, t->root, i);
        bool closed = out->len >= 2 && memcmp(out->s + out->len - 2, "!\n", 2) == 0;
        if ((flags & PRINT_BANGS) && out->len > before && !closed)
            str_add(out, "!\n");
    }
}

/* --- parts ----------------------------------------------------------------------------------- */

/* Where the children of n are printed in the whole. */
static unsigned context_below(const struct out *o, const struct cfg_node *n, struct context *c)
{
    if (!n->parent) {
        *c = top;
        return 0;
    }
    unsigned depth = context_below(o, n->parent, c);
    struct spell sp = spell_of(o, n);
    const struct g_form *f = choose(&sp, c);
    if (!f || f->enter == G_MODE_NONE)
        return depth;
    *c = (struct context){.block = n->entry, .mode = f->enter};
    return depth + g_modes[f->enter].indent;
}

/* One run of siblings where it stands: in the block above it, or flat. */
static void print_at(const struct out *o, const struct cfg_node *n, bool all)
{
    struct context c;
    unsigned depth = context_below(o, n->parent, &c);
    struct spell sp = spell_of(o, n);
    if (!choose(&sp, &c) && c.block != G_NONE && choose(&sp, &top)) {
        c = top;
        depth = 0;
    }
    const struct g_form *f = choose(&sp, &c);
    if (all)
        print_lines(o, n, &c, NULL, depth);
    else if (g_entries[n->entry].kind != G_OBJECT && f)
        put_form(&sp, f, depth);
    else if (f)
        print_object(o, n, f, &c, depth);
    else
        print_children(o, n, &c, NULL, depth);
}

void print_node(const struct cfg_node *n, bool asa, unsigned flags, struct str *out)
{
    struct out o = {asa, flags, out};
    if (n->parent)
        print_at(&o, n, false);
    else
        print_children(&o, n, &top, NULL, 0);
}

void print_plain(const struct cfg_node *n, struct str *out)
{
    const struct g_entry *e = &g_entries[n->entry];
    str_printf(out, "%s\n", e->name);
    for (uint16_t i = 0; n->args && i < e->narg; i++) {
        const struct g_arg *a = &g_args[e->arg + i];
        struct value v;
        if (a->flags & (GA_INSERT_AT | GA_NUMBER) || !field_present(a, n->args))
            continue;
        str_add(out, a->name);
        if (a->has != G_NONE) {
            field_load(a, n->args, &v);
            str_addc(out, ' ');
            value_print(a, &v, false, out);
        }
        str_addc(out, '\n');
    }
}

void print_entries(const struct cfg_node *parent, uint16_t entry, bool asa, unsigned flags,
                   struct str *out)
{
    struct out o = {asa, flags, out};
    const struct cfg_node *first = cfg_first(parent, entry);
    if (first)
        print_at(&o, first, true);
}

int print_module(const struct cfg_tree *t, const char *module, bool asa, unsigned flags,
                 struct str *out)
{
    struct out o = {asa, flags, out};
    uint16_t m = 0;
    while (m < g_nmodules && strcmp(g_modules[m].name, module) != 0)
        m++;
    if (m == g_nmodules)
        return -1;
    for (uint16_t i = 0; i < g_entries[0].nchild; i++) {
        uint16_t child = g_children[g_entries[0].child + i];
        const struct cfg_node *first = cfg_first(t->root, child);
        if (g_entries[child].module != m)
            continue;
        if (first)
            print_lines(&o, first, &top, NULL, 0);
        else
            print_absent(&o, t->root, child, &top, 0);
    }
    return 0;
}

/* Does the line begin with these words, blanks between them counting as one? */
static bool begins_with(const char *line, const char *prefix)
{
    for (;;) {
        prefix += strspn(prefix, " \t");
        if (!*prefix)
            return true;
        line += strspn(line, " ");
        size_t n = strcspn(prefix, " \t");
        if (strncmp(line, prefix, n) != 0 || !strchr(" \n", line[n]))
            return false;
        line += n;
        prefix += n;
    }
}

void print_matching(const struct cfg_tree *t, const char *prefix, bool asa, unsigned flags,
                    struct str *out)
{
    struct str whole = {0};
    bool wanted = false;
    print_tree(t, asa, flags, &whole);
    for (const char *p = str_text(&whole); *p;) {
        size_t n = strcspn(p, "\n");
        n += p[n] == '\n';
        if (*p != ' ' && *p != '!')
            wanted = begins_with(p, prefix);
        if (wanted)
            str_addn(out, p, n);
        if (*p == '!')
            wanted = false;
        p += n;
    }
    str_wipe(&whole);
    str_free(&whole);
}
