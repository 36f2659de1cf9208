/* Open addressing with linear probing; what is taken out leaves no mark. See index.h. */
#include "control/ike/index.h"
#include <errno.h>
#include <stdlib.h>

#define FIRST_SIZE 64

static uint64_t key_of(enum ike_index_kind kind, uint64_t number)
{
    return (uint64_t)kind << 56 | (number & UINT64_MAX >> 8);
}

static uint32_t home_of(const struct ike_index *x, uint64_t key)
{
    return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (x->size - 1);
}

static void put(struct ike_index *x, uint64_t key, void *what)
{
    uint32_t i = home_of(x, key);

    while (x->slot[i].what)
        i = (i + 1) & (x->size - 1);
    x->slot[i] = (struct ike_index_slot){key, what};
}

void ike_index_free(struct ike_index *x)
{
    free(x->slot);
    *x = (struct ike_index){0};
}

int ike_index_room(struct ike_index *x, unsigned n)
{
    struct ike_index bigger = {.n = x->n, .size = x->size ? x->size : FIRST_SIZE};

    while ((uint64_t)(x->n + n) * 4 > (uint64_t)bigger.size * 3)
        bigger.size *= 2;
    if (bigger.size == x->size)
        return 0;
    bigger.slot = calloc(bigger.size, sizeof *bigger.slot);
    if (!bigger.slot)
        return -ENOMEM;
    for (uint32_t i = 0; i < x->size; i++)
        if (x->slot[i].what)
            put(&bigger, x->slot[i].key, x->slot[i].what);
    free(x->slot);
    *x = bigger;
    return 0;
}

int ike_index_add(struct ike_index *x, enum ike_index_kind kind, uint64_t number, void *what)
{
    int err = ike_index_room(x, 1);

    if (err < 0)
        return err;
    put(x, key_of(kind, number), what);
    x->n++;
    return 0;
}

/* What stands behind the gap and would not be found from its home any more fills it, until one
 * opens where nothing follows. */
static void close_gap(struct ike_index *x, uint32_t gap)
{
    uint32_t mask = x->size - 1;

    for (uint32_t i = (gap + 1) & mask; x->slot[i].what; i = (i + 1) & mask)
        if (((i - home_of(x, x->slot[i].key)) & mask) >= ((i - gap) & mask)) {
            x->slot[gap] = x->slot[i];
            gap = i;
        }
    x->slot[gap] = (struct ike_index_slot){0};
}

void ike_index_remove(struct ike_index *x, enum ike_index_kind kind, uint64_t number,
                      const void *what)
{
    uint64_t key = key_of(kind, number);

    if (x->n == 0)
        return;
    uint32_t i = home_of(x, key);
    while (x->slot[i].what && (x->slot[i].key != key || x->slot[i].what != what))
        i = (i + 1) & (x->size - 1);
    if (!x->slot[i].what)
        return;
    close_gap(x, i);
    if (--x->n == 0)
        ike_index_free(x);
}

void *ike_index_next(const struct ike_index *x, enum ike_index_kind kind, uint64_t number,
                     uint32_t *at)
{
    uint64_t key = key_of(kind, number);

    if (x->n == 0)
        return NULL;
    for (;;) { /* one slot in four is free */
        const struct ike_index_slot *s = &x->slot[(home_of(x, key) + *at) & (x->size - 1)];
        if (!s->what)
            return NULL;
        ++*at;
        if (s->key == key)
            return s->what;
    }
}

void ike_index_child(struct ike_index *x, const struct ike_child_state *c, void *sa)
{
    ike_index_add(x, IKE_BY_HANDLE, c->sa_in, sa);
    ike_index_add(x, IKE_BY_HANDLE, c->sa_out, sa);
    ike_index_add(x, IKE_BY_POLICY, c->policy, sa);
    ike_index_add(x, IKE_BY_SPI, c->spi_in, sa);
}

void ike_index_no_child(struct ike_index *x, const struct ike_child_state *c, const void *sa)
{
    ike_index_remove(x, IKE_BY_HANDLE, c->sa_in, sa);
    ike_index_remove(x, IKE_BY_HANDLE, c->sa_out, sa);
    ike_index_remove(x, IKE_BY_POLICY, c->policy, sa);
    ike_index_remove(x, IKE_BY_SPI, c->spi_in, sa);
}

int ike_index_children(struct ike_index *x, const struct ike_sa_state *s, void *sa)
{
    if (ike_index_room(x, s->n_children * IKE_INDEX_OF_CHILD) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < s->n_children; i++)
        ike_index_child(x, &s->child[i], sa);
    return 0;
}

void ike_index_no_children(struct ike_index *x, const struct ike_sa_state *s, const void *sa)
{
    for (uint32_t i = 0; i < s->n_children; i++)
        ike_index_no_child(x, &s->child[i], sa);
}

int ike_index_passive(struct ike_index *x, uint64_t key, const struct ike_sa_state *s, void *sa)
{
    if (ike_index_room(x, s->n_children + 2) < 0)
        return -ENOMEM;
    ike_index_add(x, IKE_BY_RECORD, key, sa);
    ike_index_add(x, IKE_BY_TUNNEL, s->tunnel_id, sa);
    for (uint32_t i = 0; i < s->n_children; i++)
        ike_index_add(x, IKE_BY_SPI, s->child[i].spi_in, sa);
    return 0;
}

void ike_index_no_passive(struct ike_index *x, uint64_t key, const struct ike_sa_state *s,
                          const void *sa)
{
    ike_index_remove(x, IKE_BY_RECORD, key, sa);
    ike_index_remove(x, IKE_BY_TUNNEL, s->tunnel_id, sa);
    for (uint32_t i = 0; i < s->n_children; i++)
        ike_index_remove(x, IKE_BY_SPI, s->child[i].spi_in, sa);
}
