/* Identities and slots. See identity.h. */
#include "control/crypto/identity.h"
#include "lib/vec.h"
#include <stdlib.h>
#include <string.h>

static int cmp_u32(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

static int range_cmp(const struct addr_range *a, const struct addr_range *b)
{
    int c = addr_cmp(&a->lo, &b->lo);
    return c ? c : addr_cmp(&a->hi, &b->hi);
}

int selector_cmp(const struct selector *a, const struct selector *b)
{
    int c = range_cmp(&a->local, &b->local);
    if (!c)
        c = range_cmp(&a->remote, &b->remote);
    if (!c)
        c = cmp_u32(a->proto, b->proto);
    for (int i = 0; !c && i < 2; i++) {
        c = cmp_u32(a->lport[i], b->lport[i]);
        if (!c)
            c = cmp_u32(a->rport[i], b->rport[i]);
    }
    return c;
}

static int key_cmp(const struct identity *id, uint32_t ifid, uint32_t seq,
                   const struct selector *sel)
{
    int c = cmp_u32(id->ifid, ifid);
    if (!c)
        c = cmp_u32(id->seq, seq);
    return c ? c : selector_cmp(&id->sel, sel);
}

/* The first place whose key is not less. */
static size_t key_place(const struct identities *ids, uint32_t ifid, uint32_t seq,
                        const struct selector *sel)
{
    size_t lo = 0, hi = ids->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (key_cmp(ids->by_key[mid], ifid, seq, sel) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static size_t policy_place(const struct identities *ids, uint32_t policy)
{
    size_t lo = 0, hi = ids->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (ids->by_policy[mid]->policy < policy)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct identity *identity_by_policy(const struct identities *ids, uint32_t policy)
{
    size_t i = policy_place(ids, policy);
    return i < ids->n && ids->by_policy[i]->policy == policy ? ids->by_policy[i] : NULL;
}

struct identity *identity_find(const struct identities *ids, uint32_t ifid, uint32_t seq,
                               const struct selector *sel)
{
    size_t i = key_place(ids, ifid, seq, sel);
    return i < ids->n && key_cmp(ids->by_key[i], ifid, seq, sel) == 0 ? ids->by_key[i] : NULL;
}

static void insert(struct identity **v, size_t n, size_t at, struct identity *id)
{
    memmove(v + at + 1, v + at, (n - at) * sizeof(struct identity *));
    v[at] = id;
}

static void cut(struct identity **v, size_t n, size_t at)
{
    memmove(v + at, v + at + 1, (n - at - 1) * sizeof(struct identity *));
}

struct identity *identity_add(struct identities *ids, uint32_t ifid, uint32_t seq,
                              const struct selector *sel, uint32_t policy, uint32_t slot)
{
    if (!VEC_ROOM(ids->by_key, ids->cap_key, ids->n + 1) ||
        !VEC_ROOM(ids->by_policy, ids->cap_policy, ids->n + 1))
        return NULL;
    struct identity *id = (struct identity *)calloc(1, sizeof(*id));
    if (!id)
        return NULL;
    id->policy = policy ? policy : ++ids->last_policy;
    id->ifid = ifid;
    id->seq = seq;
    id->sel = *sel;
    id->slot = policy ? slot : slot_take(ids);
    insert(ids->by_key, ids->n, key_place(ids, ifid, seq, sel), id);
    insert(ids->by_policy, ids->n, policy_place(ids, id->policy), id);
    ids->n++;
    return id;
}

void identity_remove(struct identities *ids, struct identity *id)
{
    slot_give(ids, id->slot);
    cut(ids->by_key, ids->n, key_place(ids, id->ifid, id->seq, &id->sel));
    cut(ids->by_policy, ids->n, policy_place(ids, id->policy));
    ids->n--;
    free(id);
}

void identities_free(struct identities *ids)
{
    for (size_t i = 0; i < ids->n; i++)
        free(ids->by_key[i]);
    free(ids->baseline);
    free(ids->by_key);
    free(ids->by_policy);
    memset(ids, 0, sizeof(*ids));
}

uint32_t slot_take(struct identities *ids)
{
    const uint32_t words = DPSTATS_SLOTS / 64;
    for (uint32_t i = 0; i < words; i++) {
        uint32_t w = (ids->slot_hint + i) % words;
        if (ids->slots[w] == UINT64_MAX)
            continue;
        uint32_t bit = (uint32_t)__builtin_ctzll(~ids->slots[w]);
        ids->slots[w] |= UINT64_C(1) << bit;
        ids->slot_hint = w;
        if (ids->baseline) /* the datapath starts a slot from zero */
            memset((void *)&ids->baseline[w * 64 + bit], 0, sizeof(*ids->baseline));
        return w * 64 + bit;
    }
    return SADB_NO_SLOT;
}

void slot_give(struct identities *ids, uint32_t slot)
{
    if (slot < DPSTATS_SLOTS)
        ids->slots[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

bool slot_reserve(struct identities *ids, uint32_t slot)
{
    uint64_t bit = UINT64_C(1) << slot % 64;
    if (slot >= DPSTATS_SLOTS || ids->slots[slot / 64] & bit)
        return false;
    ids->slots[slot / 64] |= bit;
    return true;
}
