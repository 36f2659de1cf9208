/*
 * Values that the grammar itself contains (`default arg=value`), as C initialisers.
 */
#include "lib/addr.h"
#include "parser/compiler/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *print(struct grammar *g, struct str *s)
{
    const char *t = take_text(g, str_text(s), s->len);
    str_free(s);
    return t;
}

static const char *number(struct grammar *g, const struct arg *a, const char *text)
{
    struct str s = {0};
    char *end;
    if (a->en) {
        each (enum_word, w, a->en->words) {
            if (strcmp(w->text, text) == 0) {
                str_printf(&s, "%u", w->value);
                return print(g, &s);
            }
        }
        if (!a->en->builtin)
            return NULL;
    }
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (errno || *end || end == text || v < a->lo || v > a->hi)
        return NULL;
    str_printf(&s, "UINT64_C(%llu)", v);
    return print(g, &s);
}

static const char *address(struct grammar *g, const char *text)
{
    struct addr a;
    struct str s = {0};
    if (addr_parse(text, &a) != 0)
        return NULL;
    str_printf(&s, "{.family = %u, .b = {", a.family);
    for (unsigned i = 0; i < addr_size(&a); i++)
        str_printf(&s, "%u,", a.b[i]);
    str_add(&s, "}}");
    return print(g, &s);
}

static const char *string(struct grammar *g, const struct arg *a, const char *text)
{
    struct str s = {0};
    if (strlen(text) > a->hi || strpbrk(text, "\"\\"))
        return NULL;
    str_printf(&s, "(char *)\"%s\"", text);
    return print(g, &s);
}

static const char *value_initialiser(struct grammar *g, const struct arg *a, const char *text)
{
    switch (g_store(a->type)) {
    case GS_U64:
    case GS_INT:
        return a->type == GT_TIME ? NULL : number(g, a, text);
    case GS_ADDR:
        return address(g, text);
    case GS_PREFIX:
        return NULL;
    case GS_STR:
        return string(g, a, text);
    default:
        return strcmp(text, "on") == 0 ? "true" : NULL;
    }
}

const char *default_fields(struct grammar *g, const struct entry *e)
{
    struct str s = {0};
    char *p = take_text(g, e->defaults, strlen(e->defaults)), *save = NULL;
    for (char *t = strtok_r(p, " \t", &save); t; t = strtok_r(NULL, " \t", &save)) {
        char *eq = strchr(t, '=');
        if (eq)
            *eq = '\0';
        const struct arg *a = e->args;
        while (a && strcmp(a->name, t) != 0)
            a = a->next;
        const char *v = a && eq ? value_initialiser(g, a, eq + 1) : NULL;
        if (!v) {
            fail_at(g, e->defaults_at, "default '%s' is not a value of this entry", t);
            continue;
        }
        const char *name = c_lower(g, a->name);
        if (a->type != GT_FLAG)
            str_printf(&s, ".has_%s = true, ", name);
        str_printf(&s, ".%s = %s, ", name, v);
    }
    if (e->kind != G_LEAF && e->kind != G_OBJECT)
        fail_at(g, e->defaults_at, "only a leaf has a default, or an object for its keys");
    return print(g, &s);
}
