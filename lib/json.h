/*
 * Reading JSON (RFC 8259), as other programs print their state. Pure and bounded: a text becomes
 * one array of nodes that point into it. Nothing is copied, so the text must stay.
 */
#ifndef TANDEM_LIB_JSON_H
#define TANDEM_LIB_JSON_H

#include "lib/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH 32

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_node {
    enum json_kind kind;
    const char *key, *text; /* without quotes, escapes as they are; key NULL outside of objects */
    uint32_t key_len, len;
    uint32_t next;  /* the sibling behind it; 0 = none */
    uint32_t first; /* of an array or object; 0 = empty */
};

struct json {
    struct json_node *v; /* v[0] is the whole */
    size_t n, cap;
};

/* 0, -EINVAL (not JSON, or deeper than JSON_DEPTH), -E2BIG (more than `most` nodes) or -ENOMEM;
 * what was made is freed then. */
int json_parse(struct json *j, const char *text, size_t len, size_t most);
void json_free(struct json *j);

/* All of these take NULL nodes, and have an answer for them. */
const struct json_node *json_root(const struct json *j);
const struct json_node *json_first(const struct json *j, const struct json_node *n);
const struct json_node *json_next(const struct json *j, const struct json_node *n);
const struct json_node *json_get(const struct json *j, const struct json_node *n, const char *key);
/* The text of a string or number, with the usual escapes undone, cut to fit. Returns buf; "" where
 * it is neither. */
char *json_text(const struct json_node *n, char *buf, size_t cap);
char *json_key(const struct json_node *n, char *buf, size_t cap);
/* 0 where it is no number from 0 to UINT64_MAX. */
uint64_t json_number(const struct json_node *n);
bool json_true(const struct json_node *n);
bool json_is(const struct json_node *n, const char *text); /* a string that is just this */
bool json_addr(const struct json_node *n, struct addr *out);
#endif
