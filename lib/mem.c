/* Wiping and arenas. See mem.h. */
#include "lib/mem.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void mem_wipe(void *p, size_t n)
{
    if (p && n)
        explicit_bzero(p, n);
}

bool mem_equal_ct(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = (const volatile uint8_t *)a;
    const volatile uint8_t *y = (const volatile uint8_t *)b;
    uint8_t diff = 0;
    for (size_t i = 0; i < n; i++)
        diff |= (uint8_t)(x[i] ^ y[i]);
    return diff == 0;
}

#define CHUNK_MIN 16384

struct arena_chunk {
    struct arena_chunk *next;
    size_t len, cap;
    _Alignas(max_align_t) unsigned char data[];
};

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    n = (n + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    if (a->limit && (n > a->limit || a->used > a->limit - n))
        return NULL;
    struct arena_chunk *c = a->head;
    if (!c || c->cap - c->len < n) {
        size_t cap = n > CHUNK_MIN ? n : CHUNK_MIN;
        c = (struct arena_chunk *)calloc(1, sizeof(*c) + cap);
        if (!c)
            return NULL;
        c->cap = cap;
        c->next = a->head;
        a->head = c;
    }
    void *p = c->data + c->len;
    c->len += n;
    a->used += n;
    return p;
}

void *arena_memdup(struct arena *a, const void *p, size_t n)
{
    void *q = arena_alloc(a, n ? n : 1);
    if (q && n)
        memcpy(q, p, n);
    return q;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return (char *)arena_memdup(a, s, strlen(s) + 1);
}

void arena_free(struct arena *a)
{
    while (a->head) {
        struct arena_chunk *c = a->head;
        a->head = c->next;
        mem_wipe(c->data, c->len);
        free(c);
    }
    a->used = 0;
}
