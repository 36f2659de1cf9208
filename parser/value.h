/*
 * Typed values: how each type of docs/grammar.md reads a token, prints, and is kept in the
 * generated structs. Private to the parser, and shared with its tests.
 */
#ifndef TANDEM_PARSER_VALUE_H
#define TANDEM_PARSER_VALUE_H

#include "lib/addr.h"
#include "lib/str.h"
#include "parser/grammar.h"

#include <stddef.h>

#define VALUE_TEXT 3072 /* longest text of a value, with its NUL */

struct value {
    uint64_t num; /* numbers, enum values, flags */
    struct addr addr;
    struct prefix prefix;
    const char *str; /* where the caller says it lives */
};

/* True when the token, taken as a typed value (not as a keyword), is one. */
bool value_accepts(const struct g_arg *a, const char *t, size_t n);
/* How many of its first characters could still become a value: for the caret. */
size_t value_viable(const struct g_arg *a, const char *t, size_t n);
/* True when more characters can make it a value, or it is one: for `?` behind a part. */
bool value_begins(const struct g_arg *a, const char *t, size_t n);
/* The keyword list of an enum, of proto and port; NULL for other types. */
const struct g_enum *value_keywords(const struct g_arg *a);
/* Reads a token that was accepted, keywords and their unique prefixes included. A text goes
 * to buf (VALUE_TEXT bytes), which v->str then points to. Returns 0 or -1. */
int value_read(const struct g_arg *a, const char *t, size_t n, struct value *v, char *buf);
void value_print(const struct g_arg *a, const struct value *v, bool asa, struct str *out);
/* "<1-65535>", "WORD": what `?` shows for a slot. */
void value_hint(const struct g_arg *a, struct str *out);

/* A keyword against a token, ignoring case. */
enum kw_match { KW_NO, KW_PREFIX, KW_EXACT };
enum kw_match kw_match(const char *keyword, const char *t, size_t n);
/* How many first characters of the token are a prefix of the keyword. */
size_t kw_common(const char *keyword, const char *t, size_t n);

/* A text between two equal characters (or between two ^C): where it stands in t[0..n), and what
 * ends it, which is not there yet when false is returned. What follows its end counts for nothing.
 */
#define TEXT_UNTIL 3
bool text_span(const char *t, size_t n, size_t *from, size_t *len, char until[TEXT_UNTIL]);
/* ^C before it and behind it; another character where the text holds that. */
void text_print(const char *text, struct str *out);

/* Interface names: "gi0/1" → "GigabitEthernet0/1". cap at least 64. 0, or -1. */
int ifname_read(const char *t, size_t n, char *out, size_t cap);
/* True when the token is a type alone ("Ethernet"), whose number may be the next token. */
bool ifname_is_type(const char *t, size_t n);
/* The type that the text's letters name, in full, with its help; NULL when they name none. */
const char *ifname_type(const char *t, size_t n, size_t *letters, const char **help);
size_t ifname_viable(const char *t, size_t n);

/* The fields of a generated struct. */
bool field_present(const struct g_arg *a, const void *args);
void field_load(const struct g_arg *a, const void *args, struct value *v);
void field_store(const struct g_arg *a, void *args, const struct value *v); /* keeps v->str */
void field_clear(const struct g_arg *a, void *args);
bool field_equal(const struct g_arg *a, const void *x, const void *y);
int field_cmp(const struct g_arg *a, const void *x, const void *y);

/* Whole structs. Copies own their strings. */
void *args_copy(uint16_t entry, const void *args); /* NULL: no arguments, or no memory */
void args_free(uint16_t entry, void *args);        /* wipes */
bool args_equal(uint16_t entry, const void *x, const void *y); /* all but insert-at */
/* Same identity: keys; of a list without keys everything. */
bool args_same(uint16_t entry, const void *x, const void *y);
bool args_beyond_keys(uint16_t entry, const void *args);      /* any argument that is no key? */
int args_order(uint16_t entry, const void *x, const void *y); /* by keys, for `sorted` */
uint64_t args_hash(uint16_t entry, const void *args);         /* of the identity */

#endif
