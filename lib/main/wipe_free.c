/*
 * What is freed is wiped, in both programs.
 *
 * Our own code wipes its secrets; but readline, libssh, OpenSSL and stdio make copies of what
 * passes through them, and free those as they are. So that no key outlives its use in a heap that
 * somebody may read one day, free() clears the block, and realloc() leaves no old one behind. The C
 * library allows a program to replace both; its own allocator still does the work.
 *
 * Linked into the programs only: tests run with the allocator of their build.
 */
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

#if !defined(__SANITIZE_ADDRESS__) && !defined(SANITIZED)

void __libc_free(void *p); // NOLINT: glibc's own name for its free()

void free(void *p)
{
    int was = errno; /* POSIX: free() preserves it */
    if (p)
        explicit_bzero(p, malloc_usable_size(p));
    __libc_free(p);
    errno = was;
}

void *realloc(void *p, size_t n)
{
    if (!p)
        return malloc(n);
    size_t have = malloc_usable_size(p);
    if (n <= have && n >= have / 2) {
        explicit_bzero((char *)p + n, have - n);
        return p;
    }
    void *q = n ? malloc(n) : NULL;
    if (!q && n)
        return NULL;
    if (q)
        memcpy(q, p, n < have ? n : have);
    free(p);
    return q;
}

#endif
