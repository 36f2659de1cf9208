/*
 * cgc -o DIR FILE…: the grammar compiler (docs/grammar.md). Built and run first by make.
 * On any complaint nothing is written and the exit status is 1.
 */
#include "parser/compiler/model.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void fail_at(struct grammar *g, struct where at, const char *fmt, ...)
{
    struct str text = {0};
    va_list ap;
    va_start(ap, fmt);
    str_vprintf(&text, fmt, ap);
    va_end(ap);
    (void)fprintf(stderr, "%s:%d: %s\n", at.file ? at.file : "built-in", at.line, str_text(&text));
    str_free(&text);
    g->errors++;
}

void *take(struct grammar *g, size_t n)
{
    void *p = arena_alloc(&g->mem, n);
    if (!p) {
        (void)fputs("cgc: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

char *take_text(struct grammar *g, const char *s, size_t n)
{
    char *t = take(g, n + 1);
    if (n)
        memcpy(t, s, n);
    return t;
}

static const char *c_name(struct grammar *g, const char *name, int (*letter)(int))
{
    char *t = take_text(g, name, strlen(name));
    for (char *p = t; *p; p++)
        *p = isalnum((unsigned char)*p) ? (char)letter((unsigned char)*p) : '_';
    return t;
}

const char *c_lower(struct grammar *g, const char *name)
{
    return c_name(g, name, tolower);
}

const char *c_upper(struct grammar *g, const char *name)
{
    return c_name(g, name, toupper);
}

void c_string(FILE *f, const char *s)
{
    if (!s) {
        (void)fputs("0", f);
        return;
    }
    (void)fputc('"', f);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            (void)fputc('\\', f);
        (void)fputc(*s, f);
    }
    (void)fputc('"', f);
}

struct entry *find_entry(struct grammar *g, const char *name)
{
    each (entry, e, g->entries)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}

struct mode *find_mode(struct grammar *g, const char *name)
{
    each (mode, m, g->modes)
        if (strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

struct enum_def *find_enum(struct grammar *g, const char *name)
{
    each (enum_def, e, g->enums)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}

static void builtin_modes(struct grammar *g)
{
    struct mode *config = take(g, sizeof(*config)), *exec = take(g, sizeof(*exec));
    *config = (struct mode){.name = "config",
                            .prompt = "(config)",
                            .title = "Configure commands:",
                            .exit = "Exit from configure mode",
                            .dialect = G_BOTH,
                            .indent = 1};
    *exec = (struct mode){.name = "exec",
                          .prompt = "",
                          .title = "Exec commands:",
                          .exit = "Exit from the EXEC",
                          .dialect = G_BOTH,
                          .indent = 1,
                          .next = config};
    config->parent = exec;
    g->modes = exec;
}

typedef void writer(struct grammar *g, FILE *f);

static void write_file(struct grammar *g, const char *dir, const char *name, writer *w)
{
    struct str path = {0};
    str_printf(&path, "%s/%s", dir, name);
    FILE *f = fopen(str_text(&path), "we");
    if (f)
        w(g, f);
    if (!f || ferror(f) || fclose(f) != 0)
        fail_at(g, (struct where){str_text(&path), 0}, "%s", strerror(errno));
    str_free(&path);
}

int main(int argc, char **argv)
{
    struct grammar g = {0};
    if (argc < 4 || strcmp(argv[1], "-o") != 0) {
        (void)fputs("usage: cgc -o DIR FILE...\n", stderr);
        return 2;
    }
    add_builtin_names(&g);
    builtin_modes(&g);
    for (int i = 3; i < argc; i++)
        read_file(&g, argv[i]);
    if (!g.errors)
        resolve(&g);
    if (!g.errors)
        build_automata(&g);
    if (!g.errors) {
        find_help(&g);
        check_grammar(&g);
    }
    if (!g.errors) {
        write_file(&g, argv[2], "g_args.h", write_args);
        write_file(&g, argv[2], "g_tables.c", write_tables);
        write_file(&g, argv[2], "g_calls.c", write_calls);
        write_file(&g, argv[2], "g_checks.c", write_checks);
        write_file(&g, argv[2], "g_cases.inc", write_cases);
        write_file(&g, argv[2], "commands.md", write_docs);
    }
    int status = g.errors ? 1 : 0;
    arena_free(&g.mem);
    return status;
}
