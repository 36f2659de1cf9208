/*
 * The configuration tree. Reading only; edits go through txn.c, which uses node.h.
 */
#include "parser/tree.h"

#include "parser/line.h"
#include "parser/node.h"
#include "parser/value.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 256u

struct tree *tree_of(const struct cfg_tree *t)
{
    return (struct tree *)(uintptr_t)t;
}

struct node *node_of(const struct cfg_node *n)
{
    return (struct node *)(uintptr_t)n;
}

static uint64_t key_hash(const struct node *parent, uint16_t entry, const void *args)
{
    uint64_t h = args_hash(entry, args) ^ (parent->id * UINT64_C(0x9e3779b97f4a7c15));
    return h ^ (h >> 29);
}

/* --- hash tables --------------------------------------------------------------------------- */

static void hash_add(struct tree *t, struct node *n)
{
    struct node **b = &t->by_key[n->hash & (t->buckets - 1)];
    n->hash_next = *b;
    *b = n;
}

static void hash_remove(struct tree *t, struct node *n)
{
    struct node **b = &t->by_key[n->hash & (t->buckets - 1)];
    while (*b && *b != n)
        b = &(*b)->hash_next;
    if (*b)
        *b = n->hash_next;
}

static int grow(struct tree *t)
{
    if (t->count < t->buckets)
        return 0;
    size_t buckets = t->buckets ? t->buckets * 4 : FIRST_BUCKETS;
    struct node **keys = calloc(buckets, sizeof(struct node *));
    struct node **ids = calloc(buckets, sizeof(struct node *));
    if (!keys || !ids) {
        free(keys);
        free(ids);
        return t->buckets ? 0 : -1; /* longer chains, still right */
    }
    for (size_t i = 0; i < t->buckets; i++) {
        for (struct node *n = t->by_key[i], *next; n; n = next) {
            next = n->hash_next;
            n->hash_next = keys[n->hash & (buckets - 1)];
            keys[n->hash & (buckets - 1)] = n;
        }
        for (struct node *n = t->by_id[i], *next; n; n = next) {
            next = n->id_next;
            n->id_next = ids[n->id & (buckets - 1)];
            ids[n->id & (buckets - 1)] = n;
        }
    }
    free(t->by_key);
    free(t->by_id);
    t->by_key = keys;
    t->by_id = ids;
    t->buckets = buckets;
    return 0;
}

/* --- nodes --------------------------------------------------------------------------------- */

struct node *node_new(struct tree *t, uint16_t entry, void *args)
{
    if (grow(t) != 0)
        return NULL;
    struct node *n = calloc(1, sizeof(*n));
    if (!n)
        return NULL;
    n->pub.entry = entry;
    n->pub.args = args;
    n->tree = t;
    n->id = t->next_id++;
    n->id_next = t->by_id[n->id & (t->buckets - 1)];
    t->by_id[n->id & (t->buckets - 1)] = n;
    t->count++;
    return n;
}

void node_free(struct node *n)
{
    struct tree *t = n->tree;
    /* All goes: the children need not be unlinked from each other. */
    for (struct cfg_node *c = n->pub.first, *next; c; c = next) {
        next = c->next;
        node_free(node_of(c));
    }
    if (n->linked)
        hash_remove(t, n);
    struct node **b = &t->by_id[n->id & (t->buckets - 1)];
    while (*b && *b != n)
        b = &(*b)->id_next;
    if (*b)
        *b = n->id_next;
    t->count--;
    args_free(n->pub.entry, n->pub.args);
    free(n->groups);
    free(n);
}

/* The index of an entry's group, or of the place where it belongs. */
static unsigned group_index(const struct node *parent, uint16_t entry, bool *found)
{
    unsigned lo = 0, hi = parent->ngroups;
    uint16_t rank = g_entries[entry].rank;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (g_entries[parent->groups[mid].entry].rank < rank)
            lo = mid + 1;
        else
            hi = mid;
    }
    while (lo < parent->ngroups && parent->groups[lo].entry != entry &&
           g_entries[parent->groups[lo].entry].rank == rank)
        lo++;
    *found = lo < parent->ngroups && parent->groups[lo].entry == entry;
    return lo;
}

const struct group *node_group(const struct node *parent, uint16_t entry)
{
    bool found;
    unsigned i = group_index(parent, entry, &found);
    return found ? &parent->groups[i] : NULL;
}

/* At the end, unless an item with a greater number stands there already: then behind the last one
 * whose number is not greater. Items without a number stay with what follows them. */
static struct node *place_by_number(const struct group *g, const struct node *n)
{
    const struct g_entry *e = &g_entries[n->pub.entry];
    const struct g_arg *a = &g_args[e->arg];
    struct node *after = g->last;
    bool greater = false;
    while (!(a->flags & GA_NUMBER))
        a++;
    if (!field_present(a, n->pub.args))
        return g->last;
    for (; after && after->pub.entry == n->pub.entry; after = node_of(after->pub.prev)) {
        if (!field_present(a, after->pub.args))
            continue;
        if (field_cmp(a, after->pub.args, n->pub.args) <= 0)
            break;
        greater = true;
    }
    if (!greater)
        return g->last;
    return after && after->pub.entry == n->pub.entry ? after : node_of(g->first->pub.prev);
}

struct node *node_place(struct node *parent, const struct node *n, uint64_t at)
{
    bool found;
    unsigned i = group_index(parent, n->pub.entry, &found);
    if (!found)
        return i ? parent->groups[i - 1].last : NULL;
    struct group *g = &parent->groups[i];
    struct node *after = g->last;
    if (at && at <= g->count) {
        after = g->first;
        for (uint64_t k = 1; k < at; k++)
            after = node_of(after->pub.next);
        return node_of(after->pub.prev);
    }
    if (g_entries[n->pub.entry].flags & GE_NUMBERED)
        return place_by_number(g, n);
    if (g_entries[n->pub.entry].flags & GE_SORTED) {
        if (args_order(n->pub.entry, n->pub.args, g->first->pub.args) < 0)
            return node_of(g->first->pub.prev); /* often pasted in falling order */
        while (after && after->pub.entry == n->pub.entry &&
               args_order(n->pub.entry, n->pub.args, after->pub.args) < 0)
            after = node_of(after->pub.prev);
    }
    return after;
}

static struct group *group_make(struct node *parent, uint16_t entry)
{
    bool found;
    unsigned i = group_index(parent, entry, &found);
    if (found)
        return &parent->groups[i];
    if (parent->ngroups == parent->cap_groups) {
        unsigned cap = parent->cap_groups ? parent->cap_groups * 2 : 4;
        struct group *g = realloc(parent->groups, cap * sizeof(*g));
        if (!g)
            return NULL;
        parent->groups = g;
        parent->cap_groups = cap;
    }
    memmove(&parent->groups[i + 1], &parent->groups[i],
            (parent->ngroups - i) * sizeof(struct group));
    parent->groups[i] = (struct group){.entry = entry};
    parent->ngroups++;
    return &parent->groups[i];
}

int node_link(struct node *parent, struct node *n, struct node *after)
{
    struct group *g = group_make(parent, n->pub.entry);
    if (!g)
        return -1;
    struct cfg_node *next = after ? after->pub.next : parent->pub.first;
    n->pub.parent = &parent->pub;
    n->pub.prev = after ? &after->pub : NULL;
    n->pub.next = next;
    if (after)
        after->pub.next = &n->pub;
    else
        parent->pub.first = &n->pub;
    if (next)
        next->prev = &n->pub;
    else
        parent->pub.last = &n->pub;
    if (g->count == 0)
        g->first = g->last = n;
    else if (after == g->last)
        g->last = n;
    else if (!after || after->pub.entry != n->pub.entry)
        g->first = n;
    g->count++;
    n->hash = key_hash(parent, n->pub.entry, n->pub.args);
    hash_add(n->tree, n);
    n->linked = true;
    return 0;
}

void node_unlink(struct node *n)
{
    struct node *parent = node_of(n->pub.parent);
    bool found;
    unsigned i = group_index(parent, n->pub.entry, &found);
    struct group *g = &parent->groups[i];
    if (--g->count == 0) {
        memmove(g, g + 1, (parent->ngroups - i - 1) * sizeof(*g));
        parent->ngroups--;
    } else {
        if (g->first == n)
            g->first = node_of(n->pub.next);
        if (g->last == n)
            g->last = node_of(n->pub.prev);
    }
    if (n->pub.prev)
        n->pub.prev->next = n->pub.next;
    else
        parent->pub.first = n->pub.next;
    if (n->pub.next)
        n->pub.next->prev = n->pub.prev;
    else
        parent->pub.last = n->pub.prev;
    n->pub.prev = n->pub.next = NULL;
    hash_remove(n->tree, n);
    n->linked = false;
}

struct node *node_same(const struct node *parent, uint16_t entry, const void *args)
{
    uint64_t hash = key_hash(parent, entry, args);
    const struct tree *t = parent->tree;
    for (struct node *n = t->by_key[hash & (t->buckets - 1)]; n; n = n->hash_next) {
        if (n->hash == hash && n->pub.parent == &parent->pub && n->pub.entry == entry &&
            args_same(entry, n->pub.args, args))
            return n;
    }
    return NULL;
}

struct node *node_by_id(const struct tree *t, uint64_t id)
{
    struct node *n = t->by_id[id & (t->buckets - 1)];
    while (n && n->id != id)
        n = n->id_next;
    for (const struct node *p = n; p && p->pub.entry; p = node_of(p->pub.parent))
        if (!p->linked)
            return NULL;
    return n;
}

void node_touch(struct node *n)
{
    uint64_t serial = ++n->tree->pub.serial;
    for (struct cfg_node *p = &n->pub; p; p = p->parent)
        p->serial = serial;
}

bool node_is_nothing(const struct cfg_node *n)
{
    if (!(g_entries[n->entry].flags & GE_IMPLIED) || args_beyond_keys(n->entry, n->args))
        return false;
    for (const struct cfg_node *c = n->first; c; c = c->next)
        if (!node_is_nothing(c))
            return false;
    return true;
}

/* --- the tree ------------------------------------------------------------------------------ */

struct cfg_tree *cfg_tree_new(void)
{
    struct tree *t = calloc(1, sizeof(*t));
    struct node *root = t ? node_new(t, 0, NULL) : NULL;
    if (!root) {
        free(t);
        return NULL;
    }
    root->linked = true;
    t->pub.root = &root->pub;
    return &t->pub;
}

void cfg_tree_free(struct cfg_tree *tree)
{
    if (!tree)
        return;
    struct tree *t = tree_of(tree);
    node_free(node_of(tree->root));
    free(t->by_key);
    free(t->by_id);
    free(t);
}

static int copy_children(struct tree *t, struct node *to, const struct cfg_node *from)
{
    for (const struct cfg_node *c = from->first; c; c = c->next) {
        void *args = args_copy(c->entry, c->args);
        if (c->args && !args)
            return -1;
        struct node *n = node_new(t, c->entry, args);
        if (!n) {
            args_free(c->entry, args);
            return -1;
        }
        n->pub.serial = c->serial;
        if (node_link(to, n, node_of(to->pub.last)) != 0) {
            node_free(n);
            return -1;
        }
        if (copy_children(t, n, c) != 0)
            return -1;
    }
    return 0;
}

struct cfg_tree *cfg_tree_copy(const struct cfg_tree *t)
{
    struct cfg_tree *copy = cfg_tree_new();
    if (!copy)
        return NULL;
    copy->serial = t->serial;
    if (copy_children(tree_of(copy), node_of(copy->root), t->root) != 0) {
        cfg_tree_free(copy);
        return NULL;
    }
    return copy;
}

static const struct cfg_node *something(const struct cfg_node *n)
{
    while (n && node_is_nothing(n))
        n = n->next;
    return n;
}

static bool equal_below(const struct cfg_node *a, const struct cfg_node *b)
{
    const struct cfg_node *x = something(a->first), *y = something(b->first);
    while (x && y) {
        if (x->entry != y->entry || !args_equal(x->entry, x->args, y->args) || !equal_below(x, y))
            return false;
        x = something(x->next);
        y = something(y->next);
    }
    return !x && !y;
}

bool cfg_tree_equal(const struct cfg_tree *a, const struct cfg_tree *b)
{
    return equal_below(a->root, b->root);
}

const struct cfg_node *cfg_first(const struct cfg_node *parent, uint16_t entry)
{
    const struct group *g = parent ? node_group(node_of(parent), entry) : NULL;
    return g ? &g->first->pub : NULL;
}

const struct cfg_node *cfg_next(const struct cfg_node *n)
{
    return n->next && n->next->entry == n->entry ? n->next : NULL;
}

/* The first key of an entry; *only: it has no other. */
static const struct g_arg *first_key(uint16_t entry, bool *only)
{
    const struct g_entry *e = &g_entries[entry];
    const struct g_arg *key = NULL;
    *only = true;
    for (uint16_t i = 0; i < e->narg; i++) {
        if (!(g_args[e->arg + i].flags & GA_KEY))
            continue;
        *only = !key;
        key = key ? key : &g_args[e->arg + i];
    }
    return key;
}

static const struct cfg_node *find(const struct cfg_node *parent, uint16_t entry,
                                   const struct g_arg *key, bool only, const struct value *v)
{
    _Alignas(16) unsigned char args[LINE_ARGS_SIZE] = {0};
    field_store(key, args, v);
    if (only) {
        struct node *n = parent ? node_same(node_of(parent), entry, args) : NULL;
        return n ? &n->pub : NULL;
    }
    for (const struct cfg_node *n = cfg_first(parent, entry); n; n = cfg_next(n))
        if (field_equal(key, n->args, args))
            return n;
    return NULL;
}

const struct cfg_node *cfg_find_word(const struct cfg_node *parent, uint16_t entry, const char *key)
{
    bool only;
    const struct g_arg *a = first_key(entry, &only);
    const struct value v = {.str = key};
    return a && g_store(a->type) == GS_STR ? find(parent, entry, a, only, &v) : NULL;
}

const struct cfg_node *cfg_find_number(const struct cfg_node *parent, uint16_t entry, uint64_t key)
{
    bool only;
    const struct g_arg *a = first_key(entry, &only);
    const struct value v = {.num = key};
    if (!a || (g_store(a->type) != GS_U64 && g_store(a->type) != GS_INT))
        return NULL;
    return find(parent, entry, a, only, &v);
}

size_t cfg_count(const struct cfg_node *parent, uint16_t entry)
{
    const struct group *g = parent ? node_group(node_of(parent), entry) : NULL;
    return g ? g->count : 0;
}
