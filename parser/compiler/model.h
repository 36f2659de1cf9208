/*
 * The grammar in memory while it is compiled.
 *
 * The compiler works in passes, each in its own file: read.c turns files into blocks, forms
 * stay text; form.c parses the forms once all names are known; automaton.c numbers their
 * positions and what follows what; check.c looks for ambiguity and omissions; args.c,
 * tables.c, docs.c and cases.c write. All memory comes from one arena and goes when the program
 * ends.
 */
#ifndef TANDEM_COMPILER_MODEL_H
#define TANDEM_COMPILER_MODEL_H

#include "lib/mem.h"
#include "lib/str.h"
#include "parser/grammar.h"

#include <stdio.h>

struct where {
    const char *file;
    int line;
};

struct module {
    const char *name;
    unsigned section;
    struct where at;
    unsigned index;
    struct module *next;
};

struct words { /* one line of a `words` block */
    const char *path;
    const char *help;
    struct module *module;
    struct where at;
    struct words *next;
};

struct enum_word {
    const char *text, *help;
    unsigned value, dialect;
    struct enum_word *next;
};
struct enum_def {
    const char *name;
    struct where at;
    bool builtin; /* proto, port: values are numbers, names may repeat them */
    struct enum_word *words;
    unsigned count, index, first;
    struct enum_def *next;
};

struct arg {
    const char *name; /* with the fragment's prefix */
    const char *help;
    struct where at;
    unsigned type; /* enum g_type_kind */
    unsigned long long lo, hi;
    const char *type_name; /* of an enum or the entry of a ref<> */
    struct enum_def *en;
    struct entry *ref;
    struct entry *entry;
    unsigned flags; /* GA_… */
    unsigned index;
    struct arg *next;
};

struct fragment {
    const char *name;
    struct where at;
    struct arg *args;
    const char *form;
    struct where form_at;
    bool busy; /* being expanded: catches a fragment inside itself */
    struct fragment *next;
};

struct mode {
    const char *name, *under;
    const char *prompt, *title, *exit;
    unsigned dialect;
    unsigned indent;
    struct where at;
    struct mode *parent;
    struct entry *entry; /* the object that enters it */
    unsigned index;
    struct mode *next;
};

enum x_kind { X_SEQ, X_OPT, X_ALT, X_WORD, X_ARG, X_BLANK };
struct expr {
    enum x_kind kind;
    struct expr *child, *next;
    const char *word;
    struct arg *arg; /* of X_ARG, or the flag of an X_WORD */
    bool plus;
    unsigned pos;
    unsigned index;
};

struct set { /* of position numbers */
    uint16_t *v;
    unsigned n;
};

struct form {
    struct entry *entry;
    const char *text; /* as written, without the suffixes */
    struct where at;
    const char *mode_name, *enter_name;
    struct mode *mode, *enter;
    unsigned dialect;
    unsigned flags; /* GF_… */
    struct expr *expr;
    struct set first;
    unsigned pos, npos; /* its positions */
    unsigned index;
    struct form *next;
};

struct pos {
    struct form *form;
    struct expr *expr;
    const char *help;
    const char *path; /* keywords up to here, for help */
    struct set follow;
    unsigned flags; /* GP_… */
};

#define ENTRY_ALSO 3

struct entry {
    const char *name;
    struct where at;
    unsigned kind;
    const char *parent_name;
    struct entry *parent;           /* NULL: the root */
    struct entry *also[ENTRY_ALSO]; /* further ones (`of A|B`), then NULL */
    struct module *module;
    bool has_order;
    unsigned order, priv, flags, rank;
    bool has_priv;
    const char *unset, *check, *call;
    const char *defaults; /* "a=1 b=2" */
    struct where defaults_at;
    const char *secrets, *accepted; /* names, blanks between */
    const char *insert_at, *number;
    struct arg *args;
    struct form *forms;
    unsigned index; /* E_… */
    unsigned first_arg, narg, first_form, nform;
    struct entry *next;
};

struct grammar {
    struct arena mem;
    struct module *modules;
    struct words *words;
    struct enum_def *enums;
    struct fragment *fragments;
    struct mode *modes;
    struct entry *entries;
    struct pos *pos;
    unsigned npos, cap_pos;
    unsigned nentries, nmodes, nforms, nargs;
    unsigned errors;
};

/* One message FILE:LINE: on stderr; the build fails. */
void fail_at(struct grammar *g, struct where at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void *take(struct grammar *g, size_t n); /* zeroed; ends the program on exhaustion */
char *take_text(struct grammar *g, const char *s, size_t n);

/* read.c */
void read_file(struct grammar *g, const char *path);
/* names.c: service and protocol names as enums. */
void add_builtin_names(struct grammar *g);
/* form.c: resolves names, parses forms. */
void resolve(struct grammar *g);
/* automaton.c */
void build_automata(struct grammar *g);
void set_add(struct grammar *g, struct set *s, unsigned v);
/* check.c */
void check_grammar(struct grammar *g);
/* words.c: help for every keyword position. */
void find_help(struct grammar *g);
/* values.c: `default` as the fields of a C initialiser. */
const char *default_fields(struct grammar *g, const struct entry *e);
/* args.c: names that are no names in C, or the same there. */
void check_c_names(struct grammar *g);

/* writers */
void write_args(struct grammar *g, FILE *f);
void write_tables(struct grammar *g, FILE *f);
void write_calls(struct grammar *g, FILE *f);
void write_checks(struct grammar *g, FILE *f);
void write_cases(struct grammar *g, FILE *f);
void write_docs(struct grammar *g, FILE *f);

/* C spellings. Each returns memory of the grammar. */
const char *c_lower(struct grammar *g, const char *name);
const char *c_upper(struct grammar *g, const char *name);
void c_string(FILE *f, const char *s); /* quoted, or NULL */

/* Does e stand below this object (NULL: the root)? */
bool below(const struct entry *e, const struct entry *parent);
struct entry *find_entry(struct grammar *g, const char *name);
struct mode *find_mode(struct grammar *g, const char *name);
struct enum_def *find_enum(struct grammar *g, const char *name);

#define each(type, v, list) for (struct type *v = (list); v; v = v->next)

#endif
