/*
 * line_edit: what a configuration line does to the tree, by the kind of its entry. Parents
 * that the mode does not give are found, or made, from the keys that the line named.
 */
#include "parser/edit.h"

#include "parser/node.h"
#include "parser/parse.h"

#include <string.h>

struct edit {
    struct txn *t;
    const struct line_place *place;
    const struct line_result *r;
    const struct g_entry *e;
    struct cfg_node *parent; /* of the entry's node */
    struct cfg_node *node;   /* the object, for entering its mode */
};

static int run_check(struct edit *d, struct cfg_node *n, const void *args, bool negate)
{
    static const _Alignas(16) unsigned char none[LINE_ARGS_SIZE];
    cfg_check_fn *const *checks = d->t->checks;
    cfg_check_fn *fn = checks ? checks[d->r->entry] : NULL;
    if (!fn)
        return 0;
    if (fn(d->t, n, args ? args : none, negate) == 0)
        return 0;
    if (!d->t->error.len)
        (void)txn_refuse(d->t, "%% Command rejected");
    return -1;
}

/* --- parents --------------------------------------------------------------------------------- */

static bool above(uint16_t entry, uint16_t ancestor)
{
    for (; entry; entry = g_entries[entry].parent)
        if (g_entries[entry].parent == ancestor)
            return true;
    return ancestor == 0;
}

/* A key that the line leaves out is the object's default. */
static void ancestor_args(const struct line_match *k, uint16_t entry, void *args)
{
    const struct g_entry *e = &g_entries[entry];
    memset(args, 0, LINE_ARGS_SIZE);
    if (e->kind == G_OBJECT && e->defaults)
        memcpy(args, e->defaults, e->size);
    for (unsigned i = 0; i < k->nkey; i++)
        if (g_args[k->key[i].arg].entry == entry)
            field_store(&g_args[k->key[i].arg], args, &k->key[i].v);
}

/* The node of `entry` above the edited one. NULL: not there (when taking away), or no memory. */
static struct cfg_node *find_parent(struct edit *d, struct cfg_node *base, uint16_t entry)
{
    _Alignas(16) unsigned char args[LINE_ARGS_SIZE];
    if (entry == base->entry)
        return base;
    struct cfg_node *up = find_parent(d, base, g_entries[entry].parent);
    if (!up)
        return NULL;
    ancestor_args(d->r->match, entry, args);
    struct node *n = node_same(node_of(up), entry, args);
    if (n)
        return &n->pub;
    return d->r->negate ? NULL : txn_set(d->t, up, entry, args);
}

/* Of several parents the mode tells which is meant. */
static bool child_of(uint16_t entry, uint16_t parent)
{
    const struct g_entry *p = &g_entries[parent];
    for (uint16_t i = 0; i < p->nchild; i++)
        if (g_children[p->child + i] == entry)
            return true;
    return false;
}

static struct cfg_node *locate(struct edit *d)
{
    struct cfg_node *base = d->place->stack[d->place->depth - d->r->pop].node;
    if (base->entry && child_of(d->r->entry, base->entry))
        return base;
    while (base->parent && !above(d->r->entry, base->entry))
        base = base->parent;
    return find_parent(d, base, d->e->parent);
}

/* An implied object goes with its last child, unless the session stands in it. */
static int drop_implied(struct edit *d, struct cfg_node *n)
{
    while (n->parent && (g_entries[n->entry].flags & GE_IMPLIED) && !n->first &&
           !args_beyond_keys(n->entry, n->args)) {
        struct cfg_node *up = n->parent;
        for (unsigned i = 2; i <= d->place->depth; i++)
            if (d->place->stack[i].node == n)
                return 0;
        if (txn_remove(d->t, n) != 0)
            return -1;
        n = up;
    }
    return 0;
}

/* --- kinds ----------------------------------------------------------------------------------- */

static int take_away(struct edit *d, struct cfg_node *n)
{
    if (d->e->flags & GE_FIXED)
        txn_clear_children(d->t, n);
    else if (txn_remove(d->t, n) != 0)
        return -1;
    return run_check(d, n, n->args, true);
}

static int edit_object(struct edit *d)
{
    struct node *old = node_same(node_of(d->parent), d->r->entry, d->r->args);
    if (d->r->negate)
        return old ? take_away(d, &old->pub) : 0;
    /* A line that only names an object does not take its other arguments away. */
    if (old && !args_beyond_keys(d->r->entry, d->r->args))
        d->node = &old->pub;
    else
        d->node = txn_set(d->t, d->parent, d->r->entry, d->r->args);
    if (!d->node)
        return -1;
    return run_check(d, d->node, d->node->args, false);
}

static int edit_leaf(struct edit *d)
{
    const struct cfg_node *first = cfg_first(d->parent, d->r->entry);
    struct cfg_node *old = txn_node(d->t, first);
    bool at_default = d->e->defaults && args_equal(d->r->entry, d->r->args, d->e->defaults);
    if (d->r->negate || at_default)
        return old ? take_away(d, old) : 0;
    struct cfg_node *n = txn_set(d->t, d->parent, d->r->entry, d->r->args);
    return n ? run_check(d, n, n->args, false) : -1;
}

/* Everything that the line gave stands in the node too. */
static bool item_matches(const struct edit *d, const struct cfg_node *n, const void *args)
{
    /* Without keys an item is told by all it has, unless a `no FORM` says otherwise. */
    bool all = !(d->e->flags & GE_KEYED) && !(g_forms[d->r->form].flags & GF_NO);
    if (all)
        return args_equal(d->r->entry, n->args, args);
    for (uint16_t i = 0; i < d->e->narg; i++) {
        const struct g_arg *a = &g_args[d->e->arg + i];
        if (!(a->flags & GA_INSERT_AT) && field_present(a, args) && !field_equal(a, n->args, args))
            return false;
    }
    return true;
}

/* The item of these keys; of equal ones the first. */
static struct node *find_item(const struct edit *d, const void *args)
{
    if (!(d->e->flags & GE_REPEATS))
        return node_same(node_of(d->parent), d->r->entry, args);
    for (const struct cfg_node *n = cfg_first(d->parent, d->r->entry); n; n = cfg_next(n))
        if (args_same(d->r->entry, n->args, args))
            return node_of(n);
    return NULL;
}

static int remove_items(struct edit *d, const void *args)
{
    struct node *one = find_item(d, args);
    if (one && item_matches(d, &one->pub, args))
        return take_away(d, &one->pub);
    if (!(g_forms[d->r->form].flags & GF_NO))
        return 0;
    const struct cfg_node *n = cfg_first(d->parent, d->r->entry), *next;
    for (; n; n = next) {
        next = cfg_next(n);
        if (item_matches(d, n, args) && take_away(d, txn_node(d->t, n)) != 0)
            return -1;
    }
    return 0;
}

static int set_item(struct edit *d, const void *args)
{
    struct cfg_node *n = txn_set(d->t, d->parent, d->r->entry, args);
    /* An inserted item's hook sees the place that was asked for. */
    return n ? run_check(d, n, d->e->flags & GE_INSERT ? args : n->args, false) : -1;
}

static int edit_list(struct edit *d)
{
    const struct line_match *k = d->r->match;
    if (!d->r->negate && (d->e->flags & GE_REPLACE)) {
        const struct cfg_node *n;
        while ((n = cfg_first(d->parent, d->r->entry)) != NULL)
            if (txn_remove(d->t, txn_node(d->t, n)) != 0)
                return -1;
    }
    if (k->plus == G_NONE)
        return d->r->negate ? remove_items(d, d->r->args) : set_item(d, d->r->args);
    for (unsigned i = 0; i < k->nitem; i++) {
        _Alignas(16) unsigned char args[LINE_ARGS_SIZE];
        memcpy(args, d->r->args, sizeof(args));
        field_store(&g_args[k->plus], args, &k->item[i]);
        if ((d->r->negate ? remove_items(d, args) : set_item(d, args)) != 0)
            return -1;
    }
    return 0;
}

static int apply(struct edit *d)
{
    int err;
    d->parent = locate(d);
    if (!d->parent)
        return d->r->negate ? 0 : -1;
    if (d->e->kind == G_OBJECT)
        err = edit_object(d);
    else if (d->e->kind == G_LIST)
        err = edit_list(d);
    else
        err = edit_leaf(d);
    if (err == 0)
        err = drop_implied(d, d->parent);
    return err;
}

/* --- the place ------------------------------------------------------------------------------- */

static void move(struct line_place *p, const struct line_result *r, struct cfg_node *node)
{
    p->depth -= r->pop;
    if (r->enter == G_MODE_NONE || !node)
        return;
    p->depth++;
    p->stack[p->depth].mode = r->enter;
    p->stack[p->depth].node = node;
    p->stack[p->depth].id = node_of(node)->id;
}

int line_edit(struct line_place *p, struct txn *t, const struct line_result *r)
{
    struct edit d = {.t = t, .place = p, .r = r, .e = &g_entries[r->entry]};
    size_t mark = txn_mark(t);
    t->to_default = r->to_default;
    if (r->status != LINE_OK || r->pop > p->depth || line_is_exec(r->entry))
        return txn_refuse(t, "%% Not a configuration line");
    if (r->entry == 0) {
        p->depth -= r->pop;
        return 0;
    }
    if (r->enter && p->depth - r->pop + 1 >= LINE_DEPTH)
        return txn_refuse(t, "%% Too many nested modes");
    t->said = r->args;
    int err = apply(&d);
    t->said = NULL;
    if (err != 0) {
        txn_rollback_to(t, mark);
        if (!t->error.len)
            (void)txn_refuse(t, "%% Command rejected");
        return -1;
    }
    move(p, r, d.node);
    line_place_check(p, t->tree);
    return 0;
}
