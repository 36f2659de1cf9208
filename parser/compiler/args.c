/*
 * g_args.h: numbers of entries, modes and keywords, one struct per entry, and prototypes of
 * the hooks. g_calls.c and g_checks.c: the hooks by entry number, each behind a small
 * function that gives the arguments their type, so that no function pointer is cast.
 */
#include "parser/compiler/model.h"

#include <string.h>

static bool c_keyword(const char *name)
{
    static const char *const words[] = {"auto",     "break",   "case",     "char",    "const",
                                        "continue", "default", "do",       "double",  "else",
                                        "enum",     "extern",  "float",    "for",     "goto",
                                        "if",       "inline",  "int",      "long",    "register",
                                        "restrict", "return",  "short",    "signed",  "sizeof",
                                        "static",   "struct",  "switch",   "typedef", "union",
                                        "unsigned", "void",    "volatile", "while",   "bool",
                                        "true",     "false"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(name, words[i]) == 0)
            return true;
    return false;
}

static const char *field_type(const struct arg *a)
{
    switch (g_store(a->type)) {
    case GS_U64:
        return "uint64_t ";
    case GS_INT:
        return "int ";
    case GS_ADDR:
        return "struct addr ";
    case GS_PREFIX:
        return "struct prefix ";
    case GS_BOOL:
        return "bool ";
    default:
        return "char *";
    }
}

static void check_fields(struct grammar *g, const struct entry *e)
{
    each (arg, a, e->args) {
        const char *name = c_lower(g, a->name);
        if (c_keyword(name))
            fail_at(g, a->at, "'%s' is a word of C; choose another name", name);
        each (arg, o, a->next) {
            if (strcmp(name, c_lower(g, o->name)) == 0)
                fail_at(g, o->at, "'%s' and '%s' are one name in C", a->name, o->name);
        }
    }
}

void check_c_names(struct grammar *g)
{
    each (entry, e, g->entries) {
        check_fields(g, e);
        each (entry, o, e->next)
            if (strcmp(c_upper(g, e->name), c_upper(g, o->name)) == 0)
                fail_at(g, o->at, "'%s' and '%s' are one name in C", e->name, o->name);
    }
    each (enum_def, d, g->enums) {
        each (enum_word, w, d->words)
            each (enum_word, o, w->next) {
                if (!d->builtin && strcmp(c_upper(g, w->text), c_upper(g, o->text)) == 0)
                    fail_at(g, d->at, "'%s' and '%s' are one name in C", w->text, o->text);
            }
    }
}

static void write_struct(struct grammar *g, FILE *f, const struct entry *e)
{
    (void)fprintf(f, "struct a_%s {", c_lower(g, e->name));
    if (!e->args)
        (void)fputs(" char unused_;", f);
    (void)fputs("\n", f);
    each (arg, a, e->args) {
        const char *name = c_lower(g, a->name);
        if (a->type != GT_FLAG)
            (void)fprintf(f, "    bool has_%s;\n", name);
        (void)fprintf(f, "    %s%s;\n", field_type(a), name);
    }
    (void)fputs("};\n", f);
}

static void write_numbers(struct grammar *g, FILE *f)
{
    (void)fputs("enum g_entry_number {\n    E_ROOT = 0,\n", f);
    each (entry, e, g->entries) {
        (void)fprintf(f, "    E_%s = %u,\n", c_upper(g, e->name), e->index);
    }
    (void)fprintf(f, "    G_ENTRIES = %u\n};\n\nenum g_mode_number {\n    MODE_NONE = 0,\n",
                  g->nentries + 1);
    each (mode, m, g->modes)
        (void)fprintf(f, "    MODE_%s = %u,\n", c_upper(g, m->name), m->index);
    (void)fputs("};\n\n", f);
    each (enum_def, e, g->enums) {
        if (e->builtin)
            continue;
        (void)fprintf(f, "enum g_enum_%s {\n", c_lower(g, e->name));
        each (enum_word, w, e->words)
            (void)fprintf(f, "    ENUM_%s_%s = %u,\n", c_upper(g, e->name), c_upper(g, w->text),
                          w->value);
        (void)fputs("};\n", f);
    }
}

void write_args(struct grammar *g, FILE *f)
{
    (void)fputs("/* Written by cgc from grammars/; do not edit. */\n#ifndef G_ARGS_H\n"
                "#define G_ARGS_H\n\n#include \"lib/addr.h\"\n#include \"parser/txn.h\"\n\n"
                "#include <stdbool.h>\n#include <stdint.h>\n\nstruct cmd;\n\n",
                f);
    write_numbers(g, f);
    (void)fputc('\n', f);
    each (entry, e, g->entries)
        write_struct(g, f, e);
    (void)fputs("\n/* Hooks: bodies stand in modes/. */\n", f);
    each (entry, e, g->entries) {
        const char *name = c_lower(g, e->name);
        if (e->call)
            (void)fprintf(f, "int %s(struct cmd *c, const struct a_%s *a);\n", e->call, name);
        if (e->check)
            (void)fprintf(f,
                          "int %s(struct txn *t, struct cfg_node *n, const struct a_%s *a, "
                          "bool negate);\n",
                          e->check, name);
    }
    (void)fputs("\ntypedef int cmd_call_fn(struct cmd *c, const void *args);\n"
                "extern cmd_call_fn *const g_calls[G_ENTRIES];   /* by entry, or NULL */\n"
                "extern cfg_check_fn *const g_checks[G_ENTRIES]; /* by entry, or NULL */\n\n"
                "#endif\n",
                f);
}

void write_calls(struct grammar *g, FILE *f)
{
    (void)fputs("/* Written by cgc from grammars/; do not edit. */\n#include \"g_args.h\"\n\n", f);
    each (entry, e, g->entries)
        if (e->call)
            (void)fprintf(f,
                          "static int call_%u(struct cmd *c, const void *args)\n{\n"
                          "    const struct a_%s *a = args;\n    return %s(c, a);\n}\n",
                          e->index, c_lower(g, e->name), e->call);
    (void)fputs("\ncmd_call_fn *const g_calls[G_ENTRIES] = {\n    0,\n", f);
    each (entry, e, g->entries) {
        if (e->call)
            (void)fprintf(f, "    [E_%s] = call_%u,\n", c_upper(g, e->name), e->index);
    }
    (void)fputs("};\n", f);
}

void write_checks(struct grammar *g, FILE *f)
{
    (void)fputs("/* Written by cgc from grammars/; do not edit. */\n#include \"g_args.h\"\n\n", f);
    each (entry, e, g->entries)
        if (e->check)
            (void)
                fprintf(f,
                        "static int check_%u(struct txn *t, struct cfg_node *n, const void *args, "
                        "bool negate)\n{\n    const struct a_%s *a = args;\n"
                        "    return %s(t, n, a, negate);\n}\n",
                        e->index, c_lower(g, e->name), e->check);
    (void)fputs("\ncfg_check_fn *const g_checks[G_ENTRIES] = {\n    0,\n", f);
    each (entry, e, g->entries) {
        if (e->check)
            (void)fprintf(f, "    [E_%s] = check_%u,\n", c_upper(g, e->name), e->index);
    }
    (void)fputs("};\n", f);
}
