/*
 * Memory: wiping secrets, and arenas for things that die together (one
 * configuration's intent, one IKE message).
 */
#ifndef TANDEM_LIB_MEM_H
#define TANDEM_LIB_MEM_H

#include <stdbool.h>
#include <stddef.h>

void mem_wipe(void *p, size_t n);                          /* not optimised away */
bool mem_equal_ct(const void *a, const void *b, size_t n); /* constant time */

struct arena_chunk;
struct arena {
    struct arena_chunk *head;
    size_t used;  /* bytes handed out, for bounds and counters */
    size_t limit; /* 0 = none; past it arena_alloc returns NULL */
};
/* Zeroed, aligned for any type; NULL on exhaustion. Lives until arena_free(). */
void *arena_alloc(struct arena *a, size_t n);
char *arena_strdup(struct arena *a, const char *s);
void *arena_memdup(struct arena *a, const void *p, size_t n);
void arena_free(struct arena *a); /* wipes and frees everything */

#define arena_new(a, type)      ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (size_t)(n)))

#endif
