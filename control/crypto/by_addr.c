/* Lists by address. See by_addr.h. */
#include "control/crypto/by_addr.h"
#include "control/intent.h"
#include <stdlib.h>
#include <string.h>

struct note {
    struct addr addr;
    uint32_t at;
};

struct by_addr {
    struct note *own; /* by address, then by number */
    uint32_t *other;  /* those of any address, by number */
    uint32_t n_own, n_other, most;
};

struct by_addr *by_addr_new(struct arena *a, uint32_t most)
{
    struct by_addr *x = arena_new(a, struct by_addr);
    if (!x)
        return NULL;
    *x = (struct by_addr){.own = arena_array(a, struct note, most + 1),
                          .other = arena_array(a, uint32_t, most + 1),
                          .most = most};
    return x->own && x->other ? x : NULL;
}

void by_addr_note(struct by_addr *x, const struct addr *addr, uint32_t at)
{
    if (addr && x->n_own < x->most)
        x->own[x->n_own++] = (struct note){.addr = *addr, .at = at};
    else if (!addr && x->n_other < x->most)
        x->other[x->n_other++] = at;
}

static int compare(const void *a, const void *b)
{
    const struct note *x = (const struct note *)a, *y = (const struct note *)b;
    int c = addr_cmp(&x->addr, &y->addr);
    return c ? c : x->at < y->at ? -1 : x->at > y->at;
}

void by_addr_sort(struct by_addr *x)
{
    if (x->n_own)
        qsort(x->own, x->n_own, sizeof(*x->own), compare);
}

struct by_addr_walk by_addr_walk(const struct by_addr *x, uint32_t n, const struct addr *addr)
{
    struct by_addr_walk w = {.x = x, .addr = addr, .n = n};
    uint32_t lo = 0, hi = x ? x->n_own : 0;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (addr_cmp(&x->own[mid].addr, addr) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    w.own = lo;
    return w;
}

/* The next one of either kind, whichever stands first in the list. */
static bool next_noted(struct by_addr_walk *w)
{
    const struct by_addr *x = w->x;
    bool own = w->own < x->n_own && addr_eq(&x->own[w->own].addr, w->addr);
    bool other = w->other < x->n_other;
    if (own && (!other || x->own[w->own].at < x->other[w->other]))
        w->at = x->own[w->own++].at;
    else if (other)
        w->at = x->other[w->other++];
    return own || other;
}

bool by_addr_next(struct by_addr_walk *w)
{
    if (w->x)
        return next_noted(w);
    w->at += w->begun;
    w->begun = true;
    return w->at < w->n;
}

/* --- a configuration ----------------------------------------------------------------------------
 */

static void note_prefix(struct by_addr *x, const struct prefix *p, uint32_t at)
{
    bool one = addr_is_set(&p->addr) && p->len == addr_bits(&p->addr);
    by_addr_note(x, one ? &p->addr : NULL, at);
}

static struct by_addr *index_map(struct arena *a, const struct intent_map *m)
{
    uint32_t most = 0;
    for (uint32_t k = 0; k < m->n; k++)
        most += m->entry[k].n_peer + 1u;
    struct by_addr *x = by_addr_new(a, most);
    for (uint32_t k = 0; x && k < m->n; k++) {
        const struct intent_map_entry *e = &m->entry[k];
        bool any = e->dynamic && !e->n_peer; /* intent_entry_takes() */
        if (any)
            by_addr_note(x, NULL, k);
        for (uint8_t n = 0; n < e->n_peer; n++)
            by_addr_note(x, &e->peer[n], k);
    }
    if (x)
        by_addr_sort(x);
    return x;
}

void by_addr_index(struct intent *i)
{
    struct by_addr *x = by_addr_new(&i->arena, i->n_peer);
    for (uint32_t k = 0; x && k < i->n_peer; k++)
        note_prefix(x, &i->peer[k].remote, k);
    if (x)
        by_addr_sort(x);
    i->peers = x;
    x = by_addr_new(&i->arena, i->n_key);
    for (uint32_t k = 0; x && k < i->n_key; k++)
        note_prefix(x, &i->key[k].remote, k);
    if (x)
        by_addr_sort(x);
    i->keys = x;
    for (uint32_t k = 0; k < i->n_map; k++)
        i->map[k].peers = index_map(&i->arena, &i->map[k]);
}
