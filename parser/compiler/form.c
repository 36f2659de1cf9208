/*
 * Names to things, and the text of forms to expression trees. A fragment is expanded in
 * place; its arguments become the entry's own, with the prefix given at the place of use.
 */
#include "parser/compiler/model.h"

#include <ctype.h>
#include <string.h>

struct scan {
    struct grammar *g;
    struct form *form;
    struct where at;
    const char *p;
    const char *prefix;        /* of the fragment being expanded, or "" */
    struct fragment *fragment; /* its arguments, or NULL in the form itself */
};

static struct expr *sequence(struct scan *s);

static struct expr *new_expr(struct scan *s, enum x_kind kind)
{
    struct expr *x = take(s->g, sizeof(*x));
    x->kind = kind;
    return x;
}

static void blanks(struct scan *s)
{
    while (*s->p == ' ' || *s->p == '\t')
        s->p++;
}

static struct arg *own_arg(struct entry *e, const char *name)
{
    each (arg, a, e->args)
        if (strcmp(a->name, name) == 0)
            return a;
    return NULL;
}

static struct arg *append_arg(struct entry *e, struct arg *a)
{
    struct arg **tail = &e->args;
    while (*tail)
        tail = &(*tail)->next;
    a->next = NULL;
    a->entry = e;
    *tail = a;
    return a;
}

static const char *prefixed(struct scan *s, const char *name)
{
    if (!*s->prefix)
        return name;
    struct str t = {0};
    str_printf(&t, "%s-%s", s->prefix, name);
    const char *r = take_text(s->g, t.s, t.len);
    str_free(&t);
    return r;
}

/* The arguments of a fragment become arguments of the entry, once per prefix. */
static void adopt_args(struct scan *s)
{
    each (arg, a, s->fragment->args) {
        const char *name = prefixed(s, a->name);
        struct arg *old = own_arg(s->form->entry, name);
        if (old) {
            if (old->at.file != a->at.file || old->at.line != a->at.line)
                fail_at(s->g, s->at, "fragment '%s' brings '%s', which exists already",
                        s->fragment->name, name);
            continue;
        }
        struct arg *copy = take(s->g, sizeof(*copy));
        *copy = *a;
        copy->name = name;
        append_arg(s->form->entry, copy);
    }
}

/* `{name}` or `{entry.name}`: the entry's own argument, or a key of the nearest ancestor. */
static struct arg *lookup_arg(struct scan *s, const char *name)
{
    const char *dot = strchr(name, '.');
    if (!dot) {
        struct arg *a = own_arg(s->form->entry, prefixed(s, name));
        if (a)
            return a;
    }
    for (struct entry *e = s->form->entry->parent; e; e = e->parent) {
        const char *key = name;
        if (dot) {
            if (strlen(e->name) != (size_t)(dot - name) ||
                strncmp(e->name, name, (size_t)(dot - name)) != 0)
                continue;
            key = dot + 1;
        }
        struct arg *a = own_arg(e, key);
        if (a && (a->flags & GA_KEY))
            return a;
    }
    return NULL;
}

static struct expr *argument(struct scan *s)
{
    const char *from = ++s->p;
    while (*s->p && *s->p != '}')
        s->p++;
    const char *name = take_text(s->g, from, (size_t)(s->p - from));
    struct expr *x = new_expr(s, X_ARG);
    if (*s->p != '}')
        fail_at(s->g, s->at, "'{%s' does not end in '}'", name);
    else
        s->p++;
    x->arg = lookup_arg(s, name);
    if (!x->arg || x->arg->type == GT_FLAG) {
        fail_at(s->g, s->at, "no argument and no key above is named '%s'", name);
        return NULL;
    }
    if (*s->p == '+') {
        s->p++;
        x->plus = true;
    }
    return x;
}

static struct expr *fragment(struct scan *s)
{
    const char *from = ++s->p;
    while (*s->p && !strchr(" \t()[]|", *s->p))
        s->p++;
    const char *name = take_text(s->g, from, (size_t)(s->p - from));
    const char *prefix = "";
    if (*s->p == '(') {
        const char *open = ++s->p;
        while (*s->p && *s->p != ')')
            s->p++;
        prefix = take_text(s->g, open, (size_t)(s->p - open));
        if (*s->p == ')')
            s->p++;
    }
    struct fragment *f = s->g->fragments;
    while (f && strcmp(f->name, name) != 0)
        f = f->next;
    if (!f || f->busy || !f->form) {
        fail_at(s->g, s->at, f ? "fragment '%s' cannot be used here" : "unknown fragment '%s'",
                name);
        return NULL;
    }
    struct scan inner = *s;
    inner.p = f->form;
    inner.fragment = f;
    inner.prefix = *prefix ? prefixed(s, prefix) : s->prefix;
    inner.at = s->at;
    f->busy = true;
    adopt_args(&inner);
    struct expr *x = sequence(&inner);
    f->busy = false;
    if (*inner.p)
        fail_at(s->g, f->form_at, "'%s' is not understood", inner.p);
    return x;
}

/* word, "word" or word=flag */
static struct expr *keyword(struct scan *s)
{
    struct expr *x = new_expr(s, X_WORD);
    const char *from = s->p, *flag = NULL;
    if (*s->p == '"') {
        from = ++s->p;
        while (*s->p && *s->p != '"')
            s->p++;
        x->word = take_text(s->g, from, (size_t)(s->p - from));
        if (*s->p)
            s->p++;
        return x;
    }
    while (*s->p && !strchr(" \t()[]|{}", *s->p)) {
        if (*s->p == '=' && !flag && s->p > from)
            flag = s->p;
        s->p++;
    }
    if (!flag) {
        x->word = take_text(s->g, from, (size_t)(s->p - from));
        return x;
    }
    x->word = take_text(s->g, from, (size_t)(flag - from));
    const char *name = prefixed(s, take_text(s->g, flag + 1, (size_t)(s->p - flag - 1)));
    x->arg = own_arg(s->form->entry, name);
    if (x->arg && x->arg->type != GT_FLAG)
        fail_at(s->g, s->at, "'%s' is an argument and a flag", name);
    if (!x->arg) {
        struct arg *a = take(s->g, sizeof(*a));
        *a = (struct arg){.name = name, .help = "", .at = s->at, .type = GT_FLAG};
        x->arg = append_arg(s->form->entry, a);
    }
    return x;
}

/* ( a | b ) and [ a | b ], behind the opening bracket */
static struct expr *group(struct scan *s, char close)
{
    struct expr *alt = new_expr(s, X_ALT), **tail = &alt->child;
    for (;;) {
        *tail = sequence(s);
        tail = &(*tail)->next;
        if (*s->p != '|')
            break;
        s->p++;
    }
    if (*s->p != close)
        fail_at(s->g, s->at, "'%c' is missing", close);
    else
        s->p++;
    return alt->child->next ? alt : alt->child;
}

static struct expr *item(struct scan *s)
{
    struct expr *x;
    switch (*s->p) {
    case '{':
        return argument(s);
    case '(':
        s->p++;
        return group(s, ')');
    case '[':
        s->p++;
        x = new_expr(s, X_OPT);
        x->child = group(s, ']');
        return x;
    case '@':
        return fragment(s);
    case '}':
        fail_at(s->g, s->at, "'}' without '{'");
        s->p++;
        return NULL;
    default:
        if (s->p[0] == '_' && (s->p[1] == '\0' || strchr(" \t)]|", s->p[1]))) {
            s->p++;
            return new_expr(s, X_BLANK);
        }
        return keyword(s);
    }
}

static struct expr *sequence(struct scan *s)
{
    struct expr *seq = new_expr(s, X_SEQ), **tail = &seq->child;
    for (blanks(s); *s->p && !strchr(")]|", *s->p); blanks(s)) {
        struct expr *x = item(s);
        if (!x)
            continue;
        *tail = x;
        tail = &x->next;
    }
    if (!seq->child)
        fail_at(s->g, s->at, "an empty part in a form");
    return seq;
}

static void parse_form(struct grammar *g, struct form *f)
{
    struct scan s = {.g = g, .form = f, .at = f->at, .p = f->text, .prefix = ""};
    f->expr = sequence(&s);
    if (*s.p)
        fail_at(g, f->at, "'%s' is not understood", s.p);
    struct expr *first = f->expr->child;
    /* An EXEC `no` is an action of its own; in configuration it inverts the form. */
    if (f->entry->kind != G_EXEC && first && first->kind == X_WORD && !first->arg &&
        strcmp(first->word, "no") == 0 && !(f->flags & GF_NO)) {
        f->flags |= GF_INVERTED;
        f->expr->child = first->next;
    }
    if (f->entry->kind == G_EXEC && (f->flags & GF_NO)) {
        struct expr *no = take(g, sizeof(*no));
        *no = (struct expr){.kind = X_WORD, .word = "no", .next = first};
        f->expr->child = no;
    }
}

static void resolve_form(struct grammar *g, struct form *f)
{
    const char *normal = f->entry->kind == G_EXEC ? "exec" : "config";
    f->mode = find_mode(g, f->mode_name ? f->mode_name : normal);
    if (!f->mode)
        fail_at(g, f->at, "unknown mode '%s'", f->mode_name ? f->mode_name : normal);
    if (f->enter_name) {
        f->enter = find_mode(g, f->enter_name);
        if (!f->enter)
            fail_at(g, f->at, "unknown mode '%s'", f->enter_name);
        else if (f->entry->kind != G_OBJECT)
            fail_at(g, f->at, "only an object has a mode");
        else if (f->enter->entry && f->enter->entry != f->entry)
            fail_at(g, f->at, "mode '%s' belongs to '%s'", f->enter_name, f->enter->entry->name);
        else
            f->enter->entry = f->entry;
    }
    if (f->mode && f->mode->dialect != G_BOTH)
        f->dialect &= f->mode->dialect;
    if (f->dialect == 0)
        fail_at(g, f->at, "the mode does not exist in this dialect");
    parse_form(g, f);
}

static void resolve_arg(struct grammar *g, struct entry *e, struct arg *a)
{
    a->entry = e;
    if (a->type == GT_ENUM || a->type == GT_PROTO || a->type == GT_PORT) {
        a->en = find_enum(g, a->type_name);
        if (!a->en)
            fail_at(g, a->at, "unknown type '%s'", a->type_name);
    }
    if (a->type == GT_REF) {
        a->ref = find_entry(g, a->type_name);
        if (!a->ref)
            fail_at(g, a->at, "unknown entry '%s' in ref<>", a->type_name);
    }
}

/* `insert-at` and `number` name an argument of a list. */
static void place_argument(struct grammar *g, struct entry *e, const char *what, const char *name,
                           unsigned arg_flag, unsigned entry_flag)
{
    struct arg *a = name ? own_arg(e, name) : NULL;
    if (!name)
        return;
    if (!a || a->type != GT_NUM || e->kind != G_LIST || (a->flags & GA_KEY)) {
        fail_at(g, e->at, "%s '%s' is no number of this list", what, name);
        return;
    }
    a->flags |= arg_flag;
    e->flags |= entry_flag;
}

/* `secret` and `accepted` name arguments. */
static void mark_arguments(struct grammar *g, struct entry *e, const char *what, const char *names,
                           unsigned flag)
{
    while (names && *names) {
        size_t n = strcspn(names, " ");
        const char *name = take_text(g, names, n);
        struct arg *a = own_arg(e, name);
        if (a)
            a->flags |= flag;
        else
            fail_at(g, e->at, "%s '%s' is no argument", what, name);
        names += n + (names[n] == ' ');
    }
}

static void resolve_attributes(struct grammar *g, struct entry *e)
{
    mark_arguments(g, e, "secret", e->secrets, GA_SECRET);
    mark_arguments(g, e, "accepted", e->accepted, GA_ACCEPTED);
    place_argument(g, e, "insert-at", e->insert_at, GA_INSERT_AT, GE_INSERT);
    place_argument(g, e, "number", e->number, GA_NUMBER, GE_NUMBERED);
    each (arg, a, e->args)
        if (a->flags & GA_KEY)
            e->flags |= GE_KEYED;
    if (e->kind == G_FLAG && e->args)
        fail_at(g, e->at, "a flag has no arguments");
    if ((e->flags & GE_KEYED) && e->kind != G_OBJECT && e->kind != G_LIST)
        fail_at(g, e->at, "only objects and lists have keys");
    if (e->kind == G_LIST && !e->args)
        fail_at(g, e->at, "a list without arguments");
    if (e->kind == G_EXEC && !e->call)
        fail_at(g, e->at, "exec '%s' has no call", e->name);
    if (e->kind != G_EXEC && e->call)
        fail_at(g, e->at, "only exec entries have a call");
    if (e->kind != G_EXEC && !e->has_order)
        fail_at(g, e->at, "'%s' has no order", e->name);
    if (!e->has_priv)
        e->priv = e->kind == G_EXEC ? 1 : 15;
}

/* "Interface configuration commands:" → "Exit from interface configuration mode" */
static const char *exit_help(struct grammar *g, const char *title)
{
    const char *end = strstr(title, " commands");
    struct str s = {0};
    str_add(&s, "Exit from ");
    size_t from = s.len;
    str_addn(&s, title, end ? (size_t)(end - title) : strcspn(title, ":"));
    if (s.len > from + 1 && islower((unsigned char)s.s[from + 1]))
        s.s[from] = (char)tolower((unsigned char)s.s[from]);
    str_add(&s, " mode");
    const char *t = take_text(g, s.s, s.len);
    str_free(&s);
    return t;
}

static struct entry *resolve_parent(struct grammar *g, const struct entry *e, const char *name)
{
    struct entry *p = find_entry(g, name);
    if (!p)
        fail_at(g, e->at, "unknown parent '%s'", name);
    else if (p->kind != G_OBJECT)
        fail_at(g, e->at, "parent '%s' is not an object", name);
    return p;
}

/* `of A`, or `of A|B`: the same lines in the blocks of several objects. */
static void resolve_parents(struct grammar *g, struct entry *e)
{
    char *names = take_text(g, e->parent_name, strlen(e->parent_name)), *save = NULL;
    unsigned n = 0;
    for (char *t = strtok_r(names, "|", &save); t; t = strtok_r(NULL, "|", &save), n++) {
        struct entry *p = resolve_parent(g, e, t);
        if (n == 0)
            e->parent = p;
        else if (n <= ENTRY_ALSO)
            e->also[n - 1] = p;
        else
            fail_at(g, e->at, "'%s' has too many parents", e->name);
    }
    if (n > 1 && e->kind == G_OBJECT)
        fail_at(g, e->at, "object '%s' has several parents", e->name);
}

bool below(const struct entry *e, const struct entry *parent)
{
    bool is = e->parent == parent;
    for (unsigned i = 0; i < ENTRY_ALSO && e->also[i]; i++)
        is = is || e->also[i] == parent;
    return is;
}

void resolve(struct grammar *g)
{
    each (mode, m, g->modes) {
        if (!m->under) {
            if (strcmp(m->name, "exec") != 0 && strcmp(m->name, "config") != 0)
                fail_at(g, m->at, "mode '%s' says not what it is under", m->name);
            continue;
        }
        m->parent = find_mode(g, m->under);
        if (!m->parent)
            fail_at(g, m->at, "unknown mode '%s'", m->under);
        if (!m->prompt || !m->title)
            fail_at(g, m->at, "mode '%s' needs a prompt and a title", m->name);
        else if (!m->exit)
            m->exit = exit_help(g, m->title);
    }
    each (entry, e, g->entries) {
        e->index = ++g->nentries;
        if (!e->parent_name)
            continue;
        resolve_parents(g, e);
    }
    each (entry, e, g->entries) {
        unsigned depth = 0;
        for (struct entry *p = e; p && depth < 9; p = p->parent)
            depth++;
        if (depth == 9) {
            fail_at(g, e->at, "'%s' lies too deep, or above itself", e->name);
            return;
        }
    }
    each (entry, e, g->entries)
        each (form, f, e->forms)
            resolve_form(g, f);
    each (entry, e, g->entries) {
        each (arg, a, e->args)
            resolve_arg(g, e, a);
        resolve_attributes(g, e);
        if (!e->forms && !(e->flags & GE_IMPLIED) && e->kind != G_OBJECT)
            fail_at(g, e->at, "'%s' has no form", e->name);
    }
    each (mode, m, g->modes)
        if (m->under && !m->entry)
            fail_at(g, m->at, "no object enters mode '%s'", m->name);
}
