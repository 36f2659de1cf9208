/*
 * `?` and Tab: both ask the matcher which positions may take the next word, and say so in the
 * platform's layout. Hidden commands and those above the session's privilege never show.
 */
#include "parser/node.h"
#include "parser/parse.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct option {
    struct str word;
    const char *help;
};

#define MOST_OPTIONS 1000u /* ten thousand names of objects are no help */

struct options {
    struct option *v;
    size_t n, cap;
    bool cr; /* the line may end here */
};

struct ask {
    const struct line_place *p;
    const struct cfg_tree *tree;
    struct tokens tok;   /* complete words before the one being typed */
    const char *partial; /* the word being typed, "" behind a blank */
    size_t partial_at;
    bool no;
    uint16_t mode;
    unsigned pipe; /* number of complete words behind `|`, with it; 0: none */
};

static void options_free(struct options *o)
{
    for (size_t i = 0; i < o->n; i++)
        str_free(&o->v[i].word);
    free(o->v);
    memset(o, 0, sizeof(*o));
}

static void add(struct options *o, const char *word, const char *help)
{
    if (o->n == MOST_OPTIONS)
        return;
    for (size_t i = 0; i < o->n; i++)
        if (strcmp(str_text(&o->v[i].word), word) == 0)
            return;
    if (o->n == o->cap) {
        size_t cap = o->cap ? o->cap * 2 : 32;
        struct option *v = realloc(o->v, cap * sizeof(*v));
        if (!v)
            return;
        o->v = v;
        o->cap = cap;
    }
    o->v[o->n] = (struct option){.help = help};
    str_add(&o->v[o->n++].word, word);
}

static int by_word(const void *a, const void *b)
{
    const struct option *x = a, *y = b;
    return strcmp(str_text(&x->word), str_text(&y->word));
}

/* --- what may come next ---------------------------------------------------------------------- */

/* What the live nodes of an entry have as this argument, NULL: as their first key (a leaf: as
 * what it says). */
static void add_live(struct options *o, const struct cfg_node *n, uint16_t entry,
                     const struct g_arg *arg, const char *partial, const char *help)
{
    const struct g_entry *e = &g_entries[entry];
    for (const struct cfg_node *c = n->first; c; c = c->next) {
        add_live(o, c, entry, arg, partial, help);
        if (c->entry != entry)
            continue;
        for (uint16_t i = 0; i < e->narg; i++) {
            const struct g_arg *a = &g_args[e->arg + i];
            struct value v;
            if ((arg ? a != arg : !(a->flags & GA_KEY) && e->kind != G_LEAF) ||
                !field_present(a, c->args))
                continue;
            struct str text = {0};
            field_load(a, c->args, &v);
            value_print(a, &v, true, &text);
            if (strncmp(str_text(&text), partial, strlen(partial)) == 0)
                add(o, str_text(&text), help);
            str_free(&text);
            break;
        }
    }
}

/* The canonical name of an interface node, or NULL for other nodes. */
static const char *port_name(const struct cfg_node *n)
{
    const struct g_entry *e = &g_entries[n->entry];
    for (uint16_t i = 0; i < e->narg; i++) {
        const struct g_arg *a = &g_args[e->arg + i];
        struct value v;
        if (!(a->flags & GA_KEY) || a->type != GT_IFNAME || !field_present(a, n->args))
            continue;
        field_load(a, n->args, &v);
        return v.str;
    }
    return NULL;
}

/* The interfaces of this box: their types first, and numbers once a type is there. Returns
 * false when none fits. */
static bool add_ports(const struct ask *q, struct options *o, const struct candidate *c,
                      const char *about)
{
    size_t before = o->n, n = strlen(q->partial), letters = 0, nl;
    const struct token *last = q->tok.n ? &q->tok.t[q->tok.n - 1] : NULL;
    const char *typed = NULL, *help = NULL;
    if (c->half == H_SECOND && last)
        typed = ifname_type(q->tok.text + last->at, last->n, &nl, &help);
    else
        typed = ifname_type(q->partial, n, &letters, &help);
    for (const struct cfg_node *p = q->tree->root->first; p; p = p->next) {
        const char *name = port_name(p);
        const char *type = name ? ifname_type(name, strlen(name), &nl, &help) : NULL;
        if (!type)
            continue;
        if (c->half == H_SECOND) {
            if (type == typed && strncmp(name + nl, q->partial, n) == 0)
                add(o, name + nl, about);
        } else if (letters == n) {
            if (kw_match(type, q->partial, n) != KW_NO)
                add(o, type, help);
        } else if (type == typed && strncmp(name + nl, q->partial + letters, n - letters) == 0) {
            add(o, name, about);
        }
    }
    return o->n > before;
}

static void add_position(const struct ask *q, struct options *o, const struct candidate *c,
                         bool words_only)
{
    const struct g_pos *p = &g_positions[c->pos];
    size_t n = strlen(q->partial);
    if (g_entries[g_forms[p->form].entry].flags & GE_HIDDEN)
        return;
    if (p->word) {
        if (kw_match(p->word, q->partial, n) != KW_NO)
            add(o, p->word, p->help);
        return;
    }
    const struct g_arg *a = &g_args[p->arg];
    const struct g_enum *e = value_keywords(a);
    for (uint16_t i = 0; e && i < e->count; i++)
        if (kw_match(g_words[e->first + i].text, q->partial, n) != KW_NO)
            add(o, g_words[e->first + i].text, g_words[e->first + i].help);
    /* Names of what is there already: what a reference may mean, and keys. */
    if (a->type == GT_REF)
        add_live(o, q->tree->root, a->ref, NULL, q->partial, a->help);
    else if (a->type == GT_WORD && (a->flags & (GA_KEY | GA_SECRET)) == GA_KEY)
        add_live(o, q->tree->root, a->entry, a, q->partial, a->help);
    else if (a->type == GT_IFNAME && add_ports(q, o, c, a->help))
        return;
    if (a->type == GT_ENUM || words_only)
        return;
    if (n && c->half == H_WHOLE && !value_begins(a, q->partial, n))
        return;
    struct str hint = {0};
    value_hint(a, &hint);
    add(o, str_text(&hint), a->help);
    str_free(&hint);
}

/* Options for the next word in one mode. LINE_OK, or why the words before it are refused. */
static enum line_status options_in(const struct ask *q, uint16_t mode, bool no, bool words_only,
                                   struct options *o)
{
    struct matcher m;
    uint32_t thread;
    bool negate;
    match_init(&m, &q->tok, mode, q->p->asa, q->p->privilege, no);
    enum line_status s = match_run(&m, q->tok.n);
    if (s == LINE_OK) {
        for (size_t i = 0; i < m.ncand; i++)
            add_position(q, o, &m.cand[i], words_only);
        if (m.steps && m.th[m.nth - 1].half == H_REST && !words_only)
            add(o, "LINE", g_args[g_positions[m.th[m.nth - 1].pos].arg].help);
        if (match_end(&m, &thread, &negate)) {
            const struct g_form *f = &g_forms[g_positions[m.th[thread].pos].form];
            o->cr = true;
            if ((g_entries[f->entry].flags & GE_PIPE) && !*q->partial && !words_only)
                add(o, "|", "Output modifiers");
        }
    }
    match_free(&m);
    return s;
}

static void add_builtins(const struct ask *q, struct options *o)
{
    const struct g_mode *mode = &g_modes[q->mode];
    for (unsigned i = 0; i < line_nbuiltins; i++) {
        const struct builtin_word *b = &line_builtins[i];
        if (!(b->dialect & (q->p->asa ? G_ASA : G_IOS)) ||
            kw_match(b->text, q->partial, strlen(q->partial)) == KW_NO)
            continue;
        add(o, b->text,
            b->help      ? b->help
            : mode->exit ? mode->exit
                         : "Exit from this configuration mode");
    }
}

static void add_pipe_options(const struct ask *q, struct options *o)
{
    const char *word, *help;
    if (q->pipe > 1) {
        add(o, "LINE", "Regular Expression");
        return;
    }
    for (unsigned i = 0; (word = pipe_word(i, q->p->asa, &help)) != NULL; i++)
        if (kw_match(word, q->partial, strlen(q->partial)) != KW_NO)
            add(o, word, help);
}

/* A `|` behind words of the mode's own, as in a description, filters nothing. */
static bool understood(const struct ask *q, unsigned words)
{
    struct matcher m;
    match_init(&m, &q->tok, q->mode, q->p->asa, q->p->privilege, q->no);
    bool ok = match_run(&m, words) == LINE_OK;
    match_free(&m);
    return ok;
}

/* Splits the text and takes `no`, `default`, `do` and a pipe off. */
static enum line_status ask_init(struct ask *q, const struct line_place *p,
                                 const struct cfg_tree *tree, const char *text)
{
    struct str among = {0};
    size_t n = strlen(text), at = n;
    while (at && text[at - 1] != ' ' && text[at - 1] != '\t')
        at--;
    *q = (struct ask){.p = p,
                      .tree = tree,
                      .partial = text + at,
                      .partial_at = at,
                      .mode = p->stack[p->depth].mode};
    if (n > (p->asa ? LINE_MAX_ASA : LINE_MAX_IOS) || tokens_split(&q->tok, text, 0, at) != 0)
        return LINE_TOO_LONG;
    unsigned pipe = pipe_token(&q->tok);
    enum builtin b = p->depth && q->tok.n ? builtin_find(p, &q->tok, &among) : B_NONE;
    str_free(&among);
    if (b == B_AMBIGUOUS)
        return LINE_AMBIGUOUS;
    if (b == B_NO || b == B_DEFAULT || b == B_DO) {
        q->tok.n--;
        pipe--;
        memmove(&q->tok.t[0], &q->tok.t[1], q->tok.n * sizeof(q->tok.t[0]));
        q->no = b != B_DO;
        if (b == B_DO)
            q->mode = G_MODE_EXEC;
    }
    if (pipe < q->tok.n && (q->mode == G_MODE_EXEC || (p->asa && !understood(q, pipe)))) {
        q->pipe = q->tok.n - pipe;
        q->tok.n = pipe;
        q->tok.end = pipe ? (size_t)q->tok.t[pipe - 1].at + q->tok.t[pipe - 1].n : 0;
        q->mode = G_MODE_EXEC;
    }
    return LINE_OK;
}

/* --- layouts --------------------------------------------------------------------------------- */

static void put_list(const struct options *o, const char *title, struct str *out)
{
    size_t width = 0;
    const struct option *pipe = NULL;
    for (size_t i = 0; i < o->n; i++)
        width = o->v[i].word.len > width ? o->v[i].word.len : width;
    if (title)
        str_printf(out, "%s\n", title);
    for (size_t i = 0; i < o->n; i++) {
        const struct option *v = &o->v[i];
        if (v->word.s[0] == '|') {
            pipe = v;
            continue;
        }
        str_printf(out, "  %-*s  %s\n", (int)width, str_text(&v->word), v->help ? v->help : "");
    }
    if (pipe)
        str_printf(out, "  %-*s  %s\n", (int)width, "|", pipe->help);
    if (o->cr)
        str_add(out, "  <cr>\n");
}

static void put_words(const struct options *o, struct str *out)
{
    size_t width = 0, column = 0;
    for (size_t i = 0; i < o->n; i++)
        width = o->v[i].word.len > width ? o->v[i].word.len : width;
    for (size_t i = 0; i < o->n; i++) {
        if (column && column + width > 78) {
            str_addc(out, '\n');
            column = 0;
        }
        if (column)
            str_pad(out, column);
        str_add(out, str_text(&o->v[i].word));
        column += width + 2;
    }
    str_add(out, "\n\n");
}

static void unrecognised(const struct line_place *p, enum line_status s, const char *text,
                         struct str *out)
{
    str_add(out, p->asa ? "ERROR: " : "");
    if (s == LINE_AMBIGUOUS)
        str_printf(out, "%% Ambiguous command:  \"%s\"\n", text);
    else
        str_add(out, "% Unrecognized command\n");
}

static void sort(struct options *o)
{
    if (o->n)
        qsort(o->v, o->n, sizeof(o->v[0]), by_word);
}

/* The ASA heads each part with its mode; the list of a submode's first words has its title. */
static const char *asa_title(const struct ask *q, bool exec, bool first)
{
    if (exec)
        return "exec mode commands/options:";
    if (first && q->p->depth > 1)
        return g_modes[q->mode].title;
    return "configure mode commands/options:";
}

static void help_here(const struct ask *q, struct options *own, struct options *exec, bool first,
                      struct str *out)
{
    sort(own);
    sort(exec);
    if (*q->partial) {
        struct options *o = own->n ? own : exec;
        put_words(o, out);
        return;
    }
    if (!q->p->asa) {
        put_list(own, first ? g_modes[q->mode].title : NULL, out);
    } else {
        if (own->n || own->cr)
            put_list(own, asa_title(q, q->mode == G_MODE_EXEC, first), out);
        if (exec->n || exec->cr)
            put_list(exec, asa_title(q, true, first), out);
    }
    str_addc(out, '\n');
}

/* Fills own (this mode's options) and exec (the ASA's EXEC commands in configuration). */
static enum line_status collect(const struct ask *q, bool words_only, struct options *own,
                                struct options *exec)
{
    enum line_status s;
    bool first = q->tok.n == 0;
    if (q->pipe) {
        add_pipe_options(q, own);
        return LINE_OK;
    }
    s = options_in(q, q->mode, q->no, words_only, own);
    if (first && q->p->depth && !q->no && q->mode != G_MODE_EXEC)
        add_builtins(q, own);
    bool both = q->p->asa && q->p->depth && !q->no && q->mode != G_MODE_EXEC;
    if (both && (!first || (*q->partial && !own->n))) {
        enum line_status x = options_in(q, G_MODE_EXEC, false, words_only, exec);
        if (x == LINE_OK)
            s = LINE_OK;
    }
    /* Words of `config` work in a submode; they complete, though they are not listed. */
    for (unsigned level = q->p->depth; s == LINE_INVALID && level > 1 && q->mode != G_MODE_EXEC;)
        s = options_in(q, q->p->stack[--level].mode, q->no, words_only, own);
    return s;
}

void line_help(const struct line_place *p, const struct cfg_tree *tree, const char *text,
               struct str *out)
{
    struct ask q;
    struct options own = {0}, exec = {0};
    enum line_status s = ask_init(&q, p, tree, text);
    if (s == LINE_OK)
        s = collect(&q, false, &own, &exec);
    if (s != LINE_OK || (!own.n && !own.cr && !exec.n && !exec.cr) ||
        (*q.partial && !own.n && !exec.n))
        unrecognised(p, s, text, out);
    else
        help_here(&q, &own, &exec, q.tok.n == 0 && !q.no && !q.pipe, out);
    options_free(&own);
    options_free(&exec);
}

void line_complete(const struct line_place *p, const struct cfg_tree *tree, const char *text,
                   struct str *out)
{
    struct ask q;
    struct options own = {0}, exec = {0};
    size_t n;
    if (ask_init(&q, p, tree, text) != LINE_OK || !*q.partial ||
        collect(&q, true, &own, &exec) != LINE_OK)
        goto out;
    for (size_t i = 0; i < exec.n; i++)
        add(&own, str_text(&exec.v[i].word), NULL);
    n = strlen(q.partial);
    const struct option *hit = own.n == 1 ? &own.v[0] : NULL;
    for (size_t i = 0; i < own.n; i++) /* an exact word wins over longer ones */
        if (own.v[i].word.len == n)
            hit = &own.v[i];
    if (hit) {
        str_addn(out, text, q.partial_at);
        str_add(out, str_text(&hit->word));
        str_addc(out, ' ');
    }
out:
    options_free(&own);
    options_free(&exec);
}
