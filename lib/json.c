/* Reading JSON. See json.h. */
#include "lib/json.h"
#include "lib/vec.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct json *j;
    const char *p, *end;
    size_t most;
    int err;
};

static void blanks(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static bool fail(struct reader *r, int err)
{
    r->err = err;
    return false;
}

static bool take(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return fail(r, -EINVAL);
    r->p++;
    return true;
}

/* What stands between two quotes. */
static bool string(struct reader *r, const char **text, uint32_t *len)
{
    if (!take(r, '"'))
        return false;
    *text = r->p;
    while (r->p < r->end && *r->p != '"') {
        if ((unsigned char)*r->p < 0x20)
            return fail(r, -EINVAL);
        r->p += *r->p == '\\' && r->p + 1 < r->end ? 2 : 1;
    }
    *len = (uint32_t)(r->p - *text);
    return take(r, '"');
}

static bool is_number_byte(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static bool word(struct reader *r, struct json_node *n)
{
    static const struct {
        const char *text;
        enum json_kind kind;
    } words[] = {{"null", JSON_NULL}, {"true", JSON_BOOL}, {"false", JSON_BOOL}};
    size_t left = (size_t)(r->end - r->p);
    n->text = r->p;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t len = strlen(words[i].text);
        if (left < len || memcmp(r->p, words[i].text, len) != 0)
            continue;
        n->kind = words[i].kind;
        n->len = (uint32_t)len;
        r->p += len;
        return true;
    }
    n->kind = JSON_NUMBER;
    while (r->p < r->end && is_number_byte(*r->p))
        r->p++;
    n->len = (uint32_t)(r->p - n->text);
    return n->len ? true : fail(r, -EINVAL);
}

/* The number of a new node, or 0 for none (the first is never asked for by this). */
static uint32_t add(struct reader *r)
{
    struct json *j = r->j;
    if (j->n >= r->most) {
        fail(r, -E2BIG);
        return 0;
    }
    if (!VEC_ROOM(j->v, j->cap, j->n + 1)) {
        fail(r, -ENOMEM);
        return 0;
    }
    j->v[j->n] = (struct json_node){0};
    return (uint32_t)j->n++;
}

/* Where the reader stands: inside `of` (an array or object), behind its child `last`. */
struct level {
    uint32_t of, last;
};

static bool is_open(const struct reader *r, const struct level *l)
{
    return r->j->v[l->of].kind == JSON_OBJECT || r->j->v[l->of].kind == JSON_ARRAY;
}

/* One value into the node; an array or object is only begun. */
static bool value(struct reader *r, uint32_t at)
{
    struct json_node *n = &r->j->v[at];
    if (r->p == r->end)
        return fail(r, -EINVAL);
    switch (*r->p) {
    case '{':
    case '[':
        n->kind = *r->p++ == '{' ? JSON_OBJECT : JSON_ARRAY;
        return true;
    case '"':
        n->kind = JSON_STRING;
        return string(r, &n->text, &n->len);
    default:
        return word(r, n);
    }
}

/* The next child of a level, with its key. */
static uint32_t child(struct reader *r, struct level *l)
{
    bool object = r->j->v[l->of].kind == JSON_OBJECT;
    const char *key = NULL;
    uint32_t len = 0;
    if (l->last) {
        if (!take(r, ','))
            return 0;
        blanks(r);
    }
    if (object) {
        if (!string(r, &key, &len))
            return 0;
        blanks(r);
        if (!take(r, ':'))
            return 0;
        blanks(r);
    }
    uint32_t at = add(r);
    if (!at)
        return 0;
    r->j->v[at].key = key;
    r->j->v[at].key_len = len;
    if (l->last)
        r->j->v[l->last].next = at;
    else
        r->j->v[l->of].first = at;
    l->last = at;
    return at;
}

static bool ends(struct reader *r, const struct level *l)
{
    char close = r->j->v[l->of].kind == JSON_OBJECT ? '}' : ']';
    if (r->p == r->end || *r->p != close)
        return false;
    r->p++;
    return true;
}

static void read_all(struct reader *r)
{
    struct level at[JSON_DEPTH] = {{0}};
    size_t depth = 0;
    add(r);
    blanks(r);
    if (r->err || !value(r, 0))
        return;
    for (depth = is_open(r, &at[0]); depth && !r->err;) {
        struct level *l = &at[depth - 1];
        blanks(r);
        if (ends(r, l)) {
            depth--;
            continue;
        }
        uint32_t c = child(r, l);
        if (!c || !value(r, c))
            return;
        struct level in = {.of = c};
        if (!is_open(r, &in))
            continue;
        if (depth == JSON_DEPTH) {
            fail(r, -EINVAL);
            return;
        }
        at[depth++] = in;
    }
    blanks(r);
    if (!r->err && r->p != r->end)
        fail(r, -EINVAL);
}

int json_parse(struct json *j, const char *text, size_t len, size_t most)
{
    struct reader r = {.j = j, .p = text, .end = text + len, .most = most};
    *j = (struct json){0};
    if (len > UINT32_MAX)
        return -E2BIG;
    read_all(&r);
    if (r.err)
        json_free(j);
    return r.err;
}

void json_free(struct json *j)
{
    free(j->v);
    *j = (struct json){0};
}

const struct json_node *json_root(const struct json *j)
{
    return j->n ? &j->v[0] : NULL;
}

const struct json_node *json_first(const struct json *j, const struct json_node *n)
{
    return n && n->first ? &j->v[n->first] : NULL;
}

const struct json_node *json_next(const struct json *j, const struct json_node *n)
{
    return n && n->next ? &j->v[n->next] : NULL;
}

const struct json_node *json_get(const struct json *j, const struct json_node *n, const char *key)
{
    size_t len = strlen(key);
    for (n = json_first(j, n); n; n = json_next(j, n))
        if (n->key && n->key_len == len && memcmp(n->key, key, len) == 0)
            return n;
    return NULL;
}

static char *plain(const char *text, size_t len, char *buf, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < cap; i++) {
        if (text[i] == '\\' && i + 1 < len)
            i++; /* "\/" is all that is met */
        buf[n++] = text[i];
    }
    if (cap)
        buf[n] = '\0';
    return buf;
}

char *json_text(const struct json_node *n, char *buf, size_t cap)
{
    bool has = n && (n->kind == JSON_STRING || n->kind == JSON_NUMBER);
    return plain(has ? n->text : "", has ? n->len : 0, buf, cap);
}

char *json_key(const struct json_node *n, char *buf, size_t cap)
{
    bool has = n && n->key;
    return plain(has ? n->key : "", has ? n->key_len : 0, buf, cap);
}

uint64_t json_number(const struct json_node *n)
{
    uint64_t v = 0;
    if (!n || n->kind != JSON_NUMBER)
        return 0;
    for (uint32_t i = 0; i < n->len; i++) {
        unsigned digit = (unsigned)(n->text[i] - '0');
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return 0;
        v = v * 10 + digit;
    }
    return v;
}

bool json_true(const struct json_node *n)
{
    return n && n->kind == JSON_BOOL && n->text[0] == 't';
}

bool json_is(const struct json_node *n, const char *text)
{
    return n && n->kind == JSON_STRING && n->len == strlen(text) &&
           memcmp(n->text, text, n->len) == 0;
}

bool json_addr(const struct json_node *n, struct addr *out)
{
    char text[ADDR_STRLEN];
    return addr_parse(json_text(n, text, sizeof(text)), out) == 0;
}
