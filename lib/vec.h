/*
 * Growing an array by doubling, where it is a plain pointer with a count and a capacity.
 */
#ifndef TANDEM_LIB_VEC_H
#define TANDEM_LIB_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* Makes sure that *v (of elements of `size` bytes) has room for n. False when out of memory; the
 * array stays as it was. */
static inline bool vec_room(void **v, size_t *cap, size_t n, size_t size)
{
    if (n <= *cap)
        return true;
    size_t want = *cap ? *cap : 16;
    while (want < n)
        want *= 2;
    void *p = realloc(*v, want * size);
    if (!p)
        return false;
    *v = p;
    *cap = want;
    return true;
}
#define VEC_ROOM(v, cap, n) vec_room((void **)&(v), &(cap), (n), sizeof(*(v)))

#endif
