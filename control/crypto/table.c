/*
 * The crypto table. See table.h.
 *
 * Why one pass is enough. Let D be protected destinations and P the RIB. The table needs the
 * prefixes D∩P, and since prefixes nest, each is simply the longer of a D and a P that covers it
 * or is covered by it. For such a prefix Q the packet leaves by the egress I of the longest P
 * that covers Q, and it goes to the shadow of I exactly if some D of I's map covers Q. Sorted by
 * address and length, every prefix comes after all that cover it, so a stack of the prefixes
 * around the current one answers both questions: the nearest P on it, and how many D of each
 * interface lie on it. Entries that say the same as the nearest entry around them are left out.
 */
#include "control/crypto/table.h"
#include "lib/vec.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NODE_ROUTE, NODE_PROTECT };

struct node {
    struct prefix dst;
    uint32_t ifid, order;
    uint8_t kind;
};

/* What holds inside the prefix on top of the stack. */
struct level {
    struct prefix dst;
    size_t first, last;        /* nodes of this prefix, for taking their counts back */
    size_t routes, routes_end; /* the nearest P that covers it: one node per way */
    bool said;                 /* an entry covers it */
    uint32_t entry;
};

struct walk {
    const struct node *node;
    uint32_t *around; /* per ifid: how many D cover the current prefix */
    size_t covers;    /* all of them */
    struct level stack[132];
    size_t depth;
    struct table_entry *out;
    size_t n, cap;
};

static int by_prefix(const void *x, const void *y)
{
    const struct node *a = (const struct node *)x;
    const struct node *b = (const struct node *)y;
    int c = prefix_cmp(&a->dst, &b->dst);
    if (!c)
        c = (int)a->kind - (int)b->kind;
    return c ? c : a->order < b->order ? -1 : a->order > b->order;
}

static void count(struct walk *w, const struct level *l, bool in)
{
    for (size_t i = l->first; i < l->last; i++) {
        if (w->node[i].kind != NODE_PROTECT)
            continue;
        w->around[w->node[i].ifid] += in ? 1 : UINT32_MAX;
        w->covers += in ? 1 : SIZE_MAX;
    }
}

/* Leaves every prefix that does not cover dst. */
static void leave(struct walk *w, const struct prefix *dst)
{
    while (w->depth && !prefix_covers(&w->stack[w->depth - 1].dst, dst))
        count(w, &w->stack[--w->depth], false);
}

/* The interface whose shadow takes packets of this level, 0: none. */
static uint32_t verdict_of(const struct walk *w, const struct level *l)
{
    for (size_t i = l->routes; i < l->routes_end; i++)
        if (w->around[w->node[i].ifid])
            return w->node[i].ifid;
    return 0;
}

/* Enters the prefix of nodes first..last-1 and says what is to be said about it. */
static int enter(struct walk *w, size_t first, size_t last)
{
    struct level l = w->depth ? w->stack[w->depth - 1] : (struct level){0};
    l.dst = w->node[first].dst;
    l.first = first;
    l.last = last;
    if (w->node[first].kind == NODE_ROUTE) {
        l.routes = l.routes_end = first;
        while (l.routes_end < last && w->node[l.routes_end].kind == NODE_ROUTE)
            l.routes_end++;
    }
    count(w, &l, true);
    uint32_t verdict = verdict_of(w, &l);
    bool needed = l.routes_end && w->covers && (l.said ? verdict != l.entry : verdict != 0);
    if (needed) {
        if (!VEC_ROOM(w->out, w->cap, w->n + 1))
            return -ENOMEM;
        w->out[w->n++] = (struct table_entry){.dst = l.dst, .ifid = verdict};
        l.said = true;
        l.entry = verdict;
    }
    w->stack[w->depth++] = l;
    return 0;
}

static size_t gather(struct node *to, const struct table_in *from, size_t n, uint8_t kind,
                     uint32_t max_ifid)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++)
        if (from[i].ifid <= max_ifid && addr_is_set(&from[i].dst.addr))
            to[out++] = (struct node){.dst = prefix_make(&from[i].dst.addr, from[i].dst.len),
                                      .ifid = from[i].ifid,
                                      .order = (uint32_t)i,
                                      .kind = kind};
    for (size_t i = 1; i < out; i++)
        if (by_prefix(&to[i - 1], &to[i]) > 0) {
            qsort(to, out, sizeof(*to), by_prefix);
            break;
        }
    return out;
}

/* The nodes of both lists in their order; to be freed. NULL: out of memory. */
static struct node *merge(const struct table_in *rib, size_t n_rib, const struct table_in *prot,
                          size_t n_prot, uint32_t max_ifid, size_t *n)
{
    struct node *to = (struct node *)calloc(n_rib + n_prot, sizeof(*to));
    struct node *from = (struct node *)calloc(n_rib + n_prot, sizeof(*from));
    size_t i = 0, k = n_rib, out = 0;
    if (to && from) {
        size_t i_end = gather(from, rib, n_rib, NODE_ROUTE, max_ifid);
        size_t k_end = k + gather(from + k, prot, n_prot, NODE_PROTECT, max_ifid);
        while (i < i_end || k < k_end)
            to[out++] = k == k_end || (i < i_end && by_prefix(&from[i], &from[k]) < 0) ? from[i++]
                                                                                       : from[k++];
        *n = out;
    } else {
        free(to);
        to = NULL;
    }
    free(from);
    return to;
}

int table_compute(const struct table_in *rib, size_t n_rib, const struct table_in *prot,
                  size_t n_prot, uint32_t max_ifid, struct table_entry **out, size_t *n_out)
{
    *out = NULL;
    *n_out = 0;
    if (!n_prot || !n_rib)
        return 0;
    size_t n = 0;
    struct node *node = merge(rib, n_rib, prot, n_prot, max_ifid, &n);
    struct walk w = {.node = node,
                     .around = (uint32_t *)calloc((size_t)max_ifid + 1, sizeof(uint32_t))};
    int err = node && w.around ? 0 : -ENOMEM;
    for (size_t i = 0, end; !err && i < n; i = end) {
        for (end = i + 1; end < n && prefix_cmp(&node[end].dst, &node[i].dst) == 0;)
            end++;
        leave(&w, &node[i].dst);
        err = enter(&w, i, end);
    }
    free(node);
    free(w.around);
    if (err) {
        free(w.out);
        return err;
    }
    *out = w.out;
    *n_out = w.n;
    return 0;
}

/* --- ranges ------------------------------------------------------------------------------------
 */

static bool increment(struct addr *a)
{
    for (unsigned i = addr_size(a); i-- > 0;)
        if (++a->b[i])
            return true;
    return false; /* wrapped: that was the last address */
}

bool table_add_range(struct table_in **v, size_t *n, size_t *cap, const struct addr_range *r,
                     uint32_t ifid)
{
    struct addr lo = r->lo;
    while (addr_size(&lo) && addr_cmp(&lo, &r->hi) <= 0) {
        /* The shortest prefix that starts at lo and does not reach past hi. */
        unsigned len = addr_bits(&lo);
        struct addr_range most = {.lo = lo, .hi = lo};
        while (len > 0) {
            struct prefix p = prefix_make(&lo, len - 1);
            struct addr_range wider = prefix_range(&p);
            if (!addr_eq(&wider.lo, &lo) || addr_cmp(&wider.hi, &r->hi) > 0)
                break;
            most = wider;
            len--;
        }
        if (!vec_room((void **)v, cap, *n + 1, sizeof(**v)))
            return false;
        (*v)[(*n)++] = (struct table_in){.dst = prefix_make(&lo, len), .ifid = ifid};
        lo = most.hi;
        if (!increment(&lo))
            break;
    }
    return true;
}
