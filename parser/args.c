/*
 * The generated structs seen through their tables: presence, copying, comparing. Only this
 * file turns an offset into a field.
 */
#include "lib/mem.h"
#include "parser/value.h"

#include <stdlib.h>
#include <string.h>

static const void *at(const void *args, uint16_t offset)
{
    return (const unsigned char *)args + offset;
}

static void *at_mut(void *args, uint16_t offset)
{
    return (unsigned char *)args + offset;
}

bool field_present(const struct g_arg *a, const void *args)
{
    bool b;
    memcpy(&b, at(args, a->has == G_NONE ? a->offset : a->has), sizeof(b));
    return b;
}

void field_load(const struct g_arg *a, const void *args, struct value *v)
{
    const void *p = at(args, a->offset);
    int i;
    bool b;
    memset(v, 0, sizeof(*v));
    switch (g_store(a->type)) {
    case GS_U64:
        memcpy(&v->num, p, sizeof(v->num));
        break;
    case GS_INT:
        memcpy(&i, p, sizeof(i));
        v->num = (uint64_t)i;
        break;
    case GS_BOOL:
        memcpy(&b, p, sizeof(b));
        v->num = b;
        break;
    case GS_ADDR:
        memcpy(&v->addr, p, sizeof(v->addr));
        break;
    case GS_PREFIX:
        memcpy(&v->prefix, p, sizeof(v->prefix));
        break;
    default:
        memcpy(&v->str, p, sizeof(v->str));
        break;
    }
}

void field_store(const struct g_arg *a, void *args, const struct value *v)
{
    void *p = at_mut(args, a->offset);
    int i = (int)v->num;
    bool b = true;
    switch (g_store(a->type)) {
    case GS_U64:
        memcpy(p, &v->num, sizeof(v->num));
        break;
    case GS_INT:
        memcpy(p, &i, sizeof(i));
        break;
    case GS_BOOL:
        memcpy(p, &b, sizeof(b));
        return;
    case GS_ADDR:
        memcpy(p, &v->addr, sizeof(v->addr));
        break;
    case GS_PREFIX:
        memcpy(p, &v->prefix, sizeof(v->prefix));
        break;
    default:
        memcpy(p, &v->str, sizeof(v->str));
        break;
    }
    memcpy(at_mut(args, a->has), &b, sizeof(b));
}

void field_clear(const struct g_arg *a, void *args)
{
    struct value none = {0};
    bool b = false;
    if (a->has == G_NONE) {
        memcpy(at_mut(args, a->offset), &b, sizeof(b));
        return;
    }
    field_store(a, args, &none);
    memcpy(at_mut(args, a->has), &b, sizeof(b));
}

int field_cmp(const struct g_arg *a, const void *x, const void *y)
{
    bool px = field_present(a, x), py = field_present(a, y);
    struct value vx, vy;
    if (!px || !py)
        return (int)px - (int)py;
    field_load(a, x, &vx);
    field_load(a, y, &vy);
    switch (g_store(a->type)) {
    case GS_ADDR:
        return addr_cmp(&vx.addr, &vy.addr);
    case GS_PREFIX:
        return prefix_cmp(&vx.prefix, &vy.prefix);
    case GS_STR:
        return strcmp(vx.str ? vx.str : "", vy.str ? vy.str : "");
    default:
        return vx.num < vy.num ? -1 : vx.num > vy.num;
    }
}

bool field_equal(const struct g_arg *a, const void *x, const void *y)
{
    return field_cmp(a, x, y) == 0;
}

static bool is_text(const struct g_arg *a)
{
    return g_store(a->type) == GS_STR;
}

void *args_copy(uint16_t entry, const void *args)
{
    const struct g_entry *e = &g_entries[entry];
    if (!e->size || !args)
        return NULL;
    void *copy = malloc(e->size);
    if (!copy)
        return NULL;
    memcpy(copy, args, e->size);
    bool bad = false;
    for (uint16_t i = 0; i < e->narg; i++) {
        const struct g_arg *a = &g_args[e->arg + i];
        struct value v;
        if (!is_text(a) || !field_present(a, args))
            continue;
        field_load(a, args, &v);
        v.str = bad ? NULL : strdup(v.str ? v.str : "");
        bad = bad || !v.str;
        field_store(a, copy, &v); /* the copy owns it */
    }
    if (bad) { // NOLINT(clang-analyzer-unix.Malloc): does not see through field_store
        args_free(entry, copy);
        return NULL;
    }
    return copy;
}

void args_free(uint16_t entry, void *args)
{
    const struct g_entry *e = &g_entries[entry];
    if (!args)
        return;
    for (uint16_t i = 0; i < e->narg; i++) {
        const struct g_arg *a = &g_args[e->arg + i];
        char *text;
        if (!is_text(a) || !field_present(a, args))
            continue;
        memcpy(&text, at(args, a->offset), sizeof(text));
        if (text)
            mem_wipe(text, strlen(text));
        free(text);
    }
    mem_wipe(args, e->size);
    free(args);
}

bool args_equal(uint16_t entry, const void *x, const void *y)
{
    const struct g_entry *e = &g_entries[entry];
    if (!x || !y)
        return x == y;
    for (uint16_t i = 0; i < e->narg; i++) {
        const struct g_arg *a = &g_args[e->arg + i];
        if (!(a->flags & (GA_INSERT_AT | GA_NUMBER)) && !field_equal(a, x, y))
            return false;
    }
    return true;
}

static bool identifies(const struct g_entry *e, const struct g_arg *a)
{
    if (a->flags & (GA_INSERT_AT | GA_NUMBER))
        return false;
    if (e->flags & GE_KEYED)
        return a->flags & GA_KEY;
    return e->kind == G_LIST;
}

bool args_beyond_keys(uint16_t entry, const void *args)
{
    const struct g_entry *e = &g_entries[entry];
    for (uint16_t i = 0; args && i < e->narg; i++)
        if (!(g_args[e->arg + i].flags & GA_KEY) && field_present(&g_args[e->arg + i], args))
            return true;
    return false;
}

bool args_same(uint16_t entry, const void *x, const void *y)
{
    return args_order(entry, x, y) == 0;
}

int args_order(uint16_t entry, const void *x, const void *y)
{
    const struct g_entry *e = &g_entries[entry];
    if (!x || !y)
        return 0;
    for (uint16_t i = 0; i < e->narg; i++) {
        const struct g_arg *a = &g_args[e->arg + i];
        int c = identifies(e, a) ? field_cmp(a, x, y) : 0;
        if (c)
            return c;
    }
    return 0;
}

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const unsigned char *b = p; /* FNV-1a: the keys are few and short */
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * UINT64_C(0x100000001b3);
    return h;
}

uint64_t args_hash(uint16_t entry, const void *args)
{
    const struct g_entry *e = &g_entries[entry];
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ entry;
    for (uint16_t i = 0; args && i < e->narg; i++) {
        const struct g_arg *a = &g_args[e->arg + i];
        struct value v;
        if (!identifies(e, a) || !field_present(a, args))
            continue;
        field_load(a, args, &v);
        h = mix(h, &i, sizeof(i));
        if (g_store(a->type) == GS_STR)
            h = v.str ? mix(h, v.str, strlen(v.str)) : h;
        else if (g_store(a->type) == GS_ADDR)
            h = mix(h, v.addr.b, sizeof(v.addr.b));
        else if (g_store(a->type) == GS_PREFIX)
            h = mix(mix(h, v.prefix.addr.b, sizeof(v.prefix.addr.b)), &v.prefix.len, 1);
        else
            h = mix(h, &v.num, sizeof(v.num));
    }
    return h;
}
