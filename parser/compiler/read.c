/*
 * Files to blocks. A line in column 0 opens a block; indented lines belong to it. Only the
 * shape is checked here; names are resolved in form.c when every file has been read, so
 * that the order of files does not matter.
 */
#include "parser/compiler/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct grammar *g;
    struct where at;
    const char *p; /* rest of the current line */
    struct module *module;
    enum { B_NONE, B_WORDS, B_ENUM, B_FRAGMENT, B_ENTRY } block;
    struct enum_def *en;
    struct fragment *fragment;
    struct entry *entry;
};

/* The next word of the line, or NULL. A quoted text comes without its quotes. */
static const char *token(struct reader *r, bool *quoted)
{
    while (*r->p == ' ' || *r->p == '\t')
        r->p++;
    if (quoted)
        *quoted = *r->p == '"';
    if (*r->p == '\0')
        return NULL;
    if (*r->p == '"') {
        const char *from = ++r->p;
        while (*r->p && *r->p != '"')
            r->p++;
        if (*r->p == '\0')
            fail_at(r->g, r->at, "a quoted text does not end");
        char *t = take_text(r->g, from, (size_t)(r->p - from));
        if (*r->p == '"')
            r->p++;
        return t;
    }
    const char *from = r->p;
    while (*r->p && *r->p != ' ' && *r->p != '\t')
        r->p++;
    return take_text(r->g, from, (size_t)(r->p - from));
}

static const char *need(struct reader *r, const char *what)
{
    const char *t = token(r, NULL);
    if (!t)
        fail_at(r->g, r->at, "%s is missing", what);
    return t ? t : "?";
}

static unsigned long long number(struct reader *r, const char *t, unsigned long long max)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(t, &end, 10);
    if (errno || *end || end == t || v > max) {
        fail_at(r->g, r->at, "'%s' is not a number up to %llu", t, max);
        return 0;
    }
    return v;
}

static unsigned dialect(struct reader *r, const char *t)
{
    if (strcmp(t, "ios") == 0)
        return G_IOS;
    if (strcmp(t, "asa") == 0)
        return G_ASA;
    fail_at(r->g, r->at, "'%s' is not a dialect", t);
    return G_BOTH;
}

static void no_more(struct reader *r)
{
    const char *t = token(r, NULL);
    if (t)
        fail_at(r->g, r->at, "'%s' is not understood here", t);
}

/* --- blocks ------------------------------------------------------------------------------ */

static void open_module(struct reader *r)
{
    struct module *m = take(r->g, sizeof(*m));
    m->at = r->at;
    m->name = need(r, "the module's name");
    const char *t = need(r, "'section'");
    if (strcmp(t, "section") == 0)
        m->section = (unsigned)number(r, need(r, "the section's number"), 9999);
    else
        fail_at(r->g, r->at, "'section' is missing");
    no_more(r);
    struct module **tail = &r->g->modules;
    for (; *tail; tail = &(*tail)->next) {
        if (strcmp((*tail)->name, m->name) == 0)
            fail_at(r->g, r->at, "module '%s' stands at %s:%d already", m->name, (*tail)->at.file,
                    (*tail)->at.line);
        else if ((*tail)->section == m->section)
            fail_at(r->g, r->at, "section %u belongs to module '%s' already", m->section,
                    (*tail)->name);
    }
    *tail = m;
    r->module = m;
    r->block = B_NONE;
}

static void open_enum(struct reader *r)
{
    struct enum_def *e = take(r->g, sizeof(*e));
    e->at = r->at;
    e->name = need(r, "the type's name");
    no_more(r);
    if (find_enum(r->g, e->name))
        fail_at(r->g, r->at, "type '%s' is defined twice", e->name);
    struct enum_def **tail = &r->g->enums;
    while (*tail)
        tail = &(*tail)->next;
    *tail = e;
    r->en = e;
    r->block = B_ENUM;
}

static void open_mode(struct reader *r)
{
    const char *name = need(r, "the mode's name"), *t;
    struct mode *m = find_mode(r->g, name);
    if (m && m->under)
        fail_at(r->g, r->at, "mode '%s' is defined twice", name);
    if (!m) {
        m = take(r->g, sizeof(*m));
        m->name = name;
        m->dialect = G_BOTH;
        m->indent = 1;
        struct mode **tail = &r->g->modes;
        while (*tail)
            tail = &(*tail)->next;
        *tail = m;
    }
    m->at = r->at;
    while ((t = token(r, NULL)) != NULL) {
        if (strcmp(t, "under") == 0)
            m->under = need(r, "the mode above");
        else if (strcmp(t, "dialect") == 0)
            m->dialect = dialect(r, need(r, "the dialect"));
        else if (strcmp(t, "prompt") == 0)
            m->prompt = need(r, "the prompt");
        else if (strcmp(t, "title") == 0)
            m->title = need(r, "the title");
        else if (strcmp(t, "level") == 0)
            m->indent = 0;
        else if (strcmp(t, "indent") == 0)
            m->indent = (unsigned)number(r, need(r, "how deep its lines stand"), 8);
        else if (strcmp(t, "exit") == 0)
            m->exit = need(r, "the help of exit");
        else
            fail_at(r->g, r->at, "'%s' is not understood here", t);
    }
    r->block = B_NONE;
}

static void open_fragment(struct reader *r)
{
    struct fragment *f = take(r->g, sizeof(*f));
    f->at = r->at;
    f->name = need(r, "the fragment's name");
    no_more(r);
    each (fragment, o, r->g->fragments)
        if (strcmp(o->name, f->name) == 0)
            fail_at(r->g, r->at, "fragment '%s' is defined twice", f->name);
    f->next = r->g->fragments;
    r->g->fragments = f;
    r->fragment = f;
    r->block = B_FRAGMENT;
}

/* --- lines inside blocks ----------------------------------------------------------------- */

static void words_line(struct reader *r)
{
    struct str path = {0};
    const char *t, *help = NULL;
    bool quoted;
    while ((t = token(r, &quoted)) != NULL) {
        if (quoted) {
            help = t;
            break;
        }
        if (path.len)
            str_addc(&path, ' ');
        str_add(&path, t);
    }
    no_more(r);
    if (!help || !*help || !path.len) {
        fail_at(r->g, r->at, "words and their help in quotes are expected");
        str_free(&path);
        return;
    }
    struct words *w = take(r->g, sizeof(*w));
    w->path = take_text(r->g, path.s, path.len);
    w->help = help;
    w->module = r->module;
    w->at = r->at;
    w->next = r->g->words;
    r->g->words = w;
    str_free(&path);
}

static void enum_line(struct reader *r)
{
    bool quoted;
    struct enum_word *w = take(r->g, sizeof(*w));
    w->text = need(r, "the keyword");
    w->help = token(r, &quoted);
    w->dialect = G_BOTH;
    if (!w->help || !quoted || !*w->help)
        fail_at(r->g, r->at, "keyword '%s' has no help", w->text);
    no_more(r);
    struct enum_word **tail = &r->en->words;
    for (; *tail; tail = &(*tail)->next)
        if (strcmp((*tail)->text, w->text) == 0)
            fail_at(r->g, r->at, "keyword '%s' stands twice", w->text);
    *tail = w;
    w->value = r->en->count++;
}

static unsigned long long in_brackets(struct reader *r, const char *t, unsigned long long normal)
{
    const char *open = strchr(t, '<');
    if (!open)
        return normal;
    size_t n = strlen(open);
    if (n < 3 || open[n - 1] != '>') {
        fail_at(r->g, r->at, "'%s' does not end in '>'", t);
        return normal;
    }
    return number(r, take_text(r->g, open + 1, n - 2), 3000);
}

static void arg_type(struct reader *r, struct arg *a, const char *t)
{
    static const struct {
        const char *name;
        unsigned type;
    } simple[] = {{"ip", GT_IP},     {"mask", GT_MASK},     {"wildcard", GT_WILDCARD},
                  {"ip6", GT_IP6},   {"addr", GT_ADDR},     {"prefix6", GT_PREFIX6},
                  {"host", GT_HOST}, {"ifname", GT_IFNAME}, {"proto", GT_PROTO},
                  {"port", GT_PORT}, {"time", GT_TIME}};
    const char *dots = strstr(t, "..");
    size_t base = strcspn(t, "<");
    if (dots && t[0] >= '0' && t[0] <= '9') {
        a->type = GT_NUM;
        a->lo = number(r, take_text(r->g, t, (size_t)(dots - t)), UINT64_MAX);
        a->hi = number(r, dots + 2, UINT64_MAX);
        if (a->lo > a->hi)
            fail_at(r->g, r->at, "the range %s is empty", t);
        return;
    }
    for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++) {
        if (strcmp(t, simple[i].name) == 0) {
            a->type = simple[i].type;
            a->hi = 253;
            if (a->type == GT_PROTO || a->type == GT_PORT)
                a->type_name = t, a->hi = a->type == GT_PROTO ? 255 : 65535;
            return;
        }
    }
    if (base == 4 && strncmp(t, "word", 4) == 0) {
        a->type = GT_WORD;
        a->hi = in_brackets(r, t, 127);
    } else if (base == 4 && strncmp(t, "rest", 4) == 0) {
        a->type = GT_REST;
        a->hi = in_brackets(r, t, 254);
    } else if (base == 4 && strncmp(t, "text", 4) == 0) {
        a->type = GT_TEXT;
        a->hi = in_brackets(r, t, 3000);
    } else if (base == 3 && strncmp(t, "hex", 3) == 0) {
        a->type = GT_HEX;
        a->hi = in_brackets(r, t, 64);
    } else if (base == 3 && strncmp(t, "ref<", 4) == 0) {
        size_t n = strlen(t);
        a->type = GT_REF;
        a->hi = 127;
        if (t[n - 1] != '>')
            fail_at(r->g, r->at, "'%s' does not end in '>'", t);
        a->type_name = take_text(r->g, t + 4, n > 5 ? n - 5 : 0);
    } else {
        a->type = GT_ENUM;
        a->type_name = t;
    }
}

static void arg_line(struct reader *r, struct arg **list, unsigned flags)
{
    bool quoted;
    struct arg *a = take(r->g, sizeof(*a));
    a->at = r->at;
    a->name = need(r, "the argument's name");
    a->flags = flags;
    arg_type(r, a, need(r, "the argument's type"));
    a->help = token(r, &quoted);
    if (!a->help || !quoted || !*a->help)
        fail_at(r->g, r->at, "argument '%s' has no help", a->name);
    no_more(r);
    for (; *list; list = &(*list)->next)
        if (strcmp((*list)->name, a->name) == 0)
            fail_at(r->g, r->at, "argument '%s' is declared twice", a->name);
    *list = a;
}

/* Takes "@ios", "in MODE" and "-> MODE" off the end of a form's text. */
static void form_suffixes(struct reader *r, struct form *f, char *text)
{
    bool seen_in = false, seen_to = false, seen_dialect = false;
    for (;;) {
        size_t n = strlen(text);
        while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
            text[--n] = '\0';
        size_t last = n, before;
        while (last && text[last - 1] != ' ' && text[last - 1] != '\t')
            last--;
        const char *word = text + last;
        if (!seen_dialect && (strcmp(word, "@ios") == 0 || strcmp(word, "@asa") == 0)) {
            f->dialect = dialect(r, word + 1);
            seen_dialect = true;
            text[last] = '\0';
            continue;
        }
        before = last;
        while (before && (text[before - 1] == ' ' || text[before - 1] == '\t'))
            before--;
        if (!seen_in && before >= 3 && strncmp(text + before - 2, "in", 2) == 0 &&
            (text[before - 3] == ' ' || text[before - 3] == '\t')) {
            f->mode_name = take_text(r->g, word, strlen(word));
            seen_in = true;
            text[before - 2] = '\0';
            continue;
        }
        if (!seen_to && before >= 3 && strncmp(text + before - 2, "->", 2) == 0) {
            f->enter_name = take_text(r->g, word, strlen(word));
            seen_to = true;
            text[before - 2] = '\0';
            continue;
        }
        break;
    }
}

/* `in A|B` is a form in each of these modes. */
static void append_forms(struct reader *r, const struct form *f)
{
    const char *modes = f->mode_name ? f->mode_name : "";
    struct form **tail = &r->entry->forms;
    while (*tail)
        tail = &(*tail)->next;
    do {
        size_t n = strcspn(modes, "|");
        struct form *one = take(r->g, sizeof(*one));
        *one = *f;
        if (f->mode_name)
            one->mode_name = take_text(r->g, modes, n);
        *tail = one;
        tail = &one->next;
        modes += n + (modes[n] == '|');
    } while (*modes);
}

static void form_line(struct reader *r, unsigned flags)
{
    if (r->block == B_FRAGMENT) {
        if (r->fragment->form)
            fail_at(r->g, r->at, "a fragment has one form");
        r->fragment->form = take_text(r->g, r->p, strlen(r->p));
        r->fragment->form_at = r->at;
        return;
    }
    struct form f = {.entry = r->entry, .at = r->at, .dialect = G_BOTH, .flags = flags};
    char *text = take_text(r->g, r->p, strlen(r->p));
    form_suffixes(r, &f, text);
    while (*text == ' ' || *text == '\t')
        text++;
    f.text = text;
    if (!*text)
        fail_at(r->g, r->at, "the form is empty");
    append_forms(r, &f);
}

/* The names of several lines of one attribute, with blanks between. */
static const char *one_more(struct reader *r, const char *names)
{
    const char *name = need(r, "the argument's name");
    struct str s = {0};
    if (names)
        str_printf(&s, "%s ", names);
    str_add(&s, name);
    const char *all = take_text(r->g, str_text(&s), s.len);
    str_free(&s);
    return all;
}

/* True when the word was an attribute (and its values have been read). */
static bool attribute(struct reader *r, struct entry *e, const char *t)
{
    static const struct {
        const char *name;
        unsigned flag;
    } flags[] = {{"always", GE_ALWAYS},   {"sorted", GE_SORTED}, {"replace", GE_REPLACE},
                 {"implied", GE_IMPLIED}, {"fixed", GE_FIXED},   {"bang", GE_BANG},
                 {"hidden", GE_HIDDEN},   {"pipe", GE_PIPE},     {"repeats", GE_REPEATS},
                 {"either", GE_EITHER}};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(t, flags[i].name) == 0) {
            e->flags |= flags[i].flag;
            return true;
        }
    }
    if (strcmp(t, "order") == 0) {
        e->order = (unsigned)number(r, need(r, "the order"), 9999);
        e->has_order = true;
    } else if (strcmp(t, "priv") == 0) {
        e->priv = (unsigned)number(r, need(r, "the privilege level"), 15);
        e->has_priv = true;
    } else if (strcmp(t, "status") == 0) {
        if (strcmp(need(r, "the status"), "accepted") != 0)
            fail_at(r->g, r->at, "the only status is 'accepted'");
        e->flags |= GE_ACCEPTED;
    } else if (strcmp(t, "unset") == 0) {
        e->unset = need(r, "the text");
    } else if (strcmp(t, "secret") == 0) {
        e->secrets = one_more(r, e->secrets);
    } else if (strcmp(t, "accepted") == 0) {
        e->accepted = one_more(r, e->accepted);
    } else if (strcmp(t, "insert-at") == 0) {
        e->insert_at = need(r, "the argument's name");
    } else if (strcmp(t, "number") == 0) {
        e->number = need(r, "the argument's name");
    } else if (strcmp(t, "check") == 0) {
        e->check = need(r, "the hook");
    } else if (strcmp(t, "call") == 0) {
        e->call = need(r, "the hook");
    } else {
        return false;
    }
    return true;
}

static void attribute_line(struct reader *r, const char *t)
{
    struct entry *e = r->entry;
    if (strcmp(t, "default") == 0) {
        while (*r->p == ' ' || *r->p == '\t')
            r->p++;
        e->defaults = take_text(r->g, r->p, strlen(r->p));
        e->defaults_at = r->at;
        return;
    }
    for (; t; t = token(r, NULL)) {
        if (!attribute(r, e, t)) {
            fail_at(r->g, r->at, "'%s' is not understood here", t);
            return;
        }
    }
}

static void open_entry(struct reader *r, unsigned kind)
{
    struct entry *e = take(r->g, sizeof(*e));
    const char *t;
    e->kind = kind;
    e->at = r->at;
    e->name = need(r, "the entry's name");
    e->module = r->module;
    if (!r->module)
        fail_at(r->g, r->at, "entry '%s' stands before the first module", e->name);
    if (find_entry(r->g, e->name))
        fail_at(r->g, r->at, "entry '%s' is defined twice", e->name);
    while ((t = token(r, NULL)) != NULL) {
        if (strcmp(t, "of") == 0)
            e->parent_name = need(r, "the entry above");
        else if (!attribute(r, e, t))
            fail_at(r->g, r->at, "'%s' is not understood here", t);
    }
    struct entry **tail = &r->g->entries;
    while (*tail)
        tail = &(*tail)->next;
    *tail = e;
    r->entry = e;
    r->block = B_ENTRY;
}

static void top_line(struct reader *r)
{
    static const struct {
        const char *name;
        unsigned kind;
    } kinds[] = {{"object", G_OBJECT},
                 {"list", G_LIST},
                 {"leaf", G_LEAF},
                 {"flag", G_FLAG},
                 {"exec", G_EXEC}};
    const char *t = token(r, NULL);
    if (!t)
        return;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(t, kinds[i].name) == 0) {
            open_entry(r, kinds[i].kind);
            return;
        }
    }
    r->block = B_NONE;
    if (strcmp(t, "module") == 0)
        open_module(r);
    else if (strcmp(t, "enum") == 0)
        open_enum(r);
    else if (strcmp(t, "mode") == 0)
        open_mode(r);
    else if (strcmp(t, "fragment") == 0)
        open_fragment(r);
    else if (strcmp(t, "words") == 0) {
        no_more(r);
        r->block = B_WORDS;
    } else
        fail_at(r->g, r->at, "'%s' opens no block", t);
}

static void inner_line(struct reader *r)
{
    if (r->block == B_WORDS) {
        words_line(r);
        return;
    }
    if (r->block == B_ENUM) {
        enum_line(r);
        return;
    }
    const char *t = token(r, NULL);
    struct arg **args = r->block == B_ENTRY ? &r->entry->args : NULL;
    if (r->block == B_FRAGMENT)
        args = &r->fragment->args;
    if (!args)
        fail_at(r->g, r->at, "the line belongs to no block");
    else if (strcmp(t, "arg") == 0)
        arg_line(r, args, 0);
    else if (strcmp(t, "key") == 0 && r->block == B_ENTRY)
        arg_line(r, args, GA_KEY);
    else if (strcmp(t, "form") == 0)
        form_line(r, 0);
    else if (r->block == B_FRAGMENT)
        fail_at(r->g, r->at, "'%s' is not understood in a fragment", t);
    else if (strcmp(t, "no") == 0)
        form_line(r, GF_NO);
    else if (strcmp(t, "alias") == 0)
        form_line(r, GF_ALIAS);
    else
        attribute_line(r, t);
}

/* Cuts a comment: a '#' outside of quotes. */
static void cut_comment(char *line)
{
    bool quoted = false;
    for (char *p = line; *p; p++) {
        if (*p == '"')
            quoted = !quoted;
        if (*p == '#' && !quoted) {
            *p = '\0';
            return;
        }
    }
}

void read_file(struct grammar *g, const char *path)
{
    struct reader r = {.g = g, .at = {path, 0}};
    FILE *f = fopen(path, "re");
    if (!f) {
        fail_at(g, r.at, "%s", strerror(errno));
        return;
    }
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, f)) >= 0) {
        r.at.line++;
        if (n && line[n - 1] == '\n')
            line[--n] = '\0';
        cut_comment(line);
        r.p = line;
        if (line[strspn(line, " \t")] == '\0')
            continue;
        if (line[0] == ' ' || line[0] == '\t')
            inner_line(&r);
        else
            top_line(&r);
    }
    free(line);
    (void)fclose(f);
}
