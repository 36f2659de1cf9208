/*
 * Transactions: a journal of edits that can be walked backwards. A removed node keeps
 * standing beside the tree, with its parent, until the transaction is committed, so that
 * taking it back is one link.
 */
#include "parser/txn.h"

#include "parser/edit.h"
#include "parser/node.h"
#include "parser/value.h"

#include <stdlib.h>
#include <string.h>

enum undo_kind { U_CREATED, U_REMOVED, U_ARGS };

struct undo {
    enum undo_kind kind;
    struct node *node;
    struct node *after; /* U_REMOVED: the sibling before it */
    void *args;         /* U_ARGS: as they were */
};

struct txn_undo {
    struct undo *log;
    size_t n, cap;
};

void txn_begin(struct txn *t, struct cfg_tree *tree, bool asa)
{
    memset(t, 0, sizeof(*t));
    t->tree = tree;
    t->asa = asa;
}

/* Room for one more record, before the edit is made. */
static struct undo *journal(struct txn *t)
{
    if (!t->undo)
        t->undo = calloc(1, sizeof(*t->undo));
    if (!t->undo)
        return NULL;
    struct txn_undo *u = t->undo;
    if (u->n == u->cap) {
        size_t cap = u->cap ? u->cap * 2 : 8;
        struct undo *log = realloc(u->log, cap * sizeof(*log));
        if (!log)
            return NULL;
        u->log = log;
        u->cap = cap;
    }
    return &u->log[u->n];
}

void txn_commit(struct txn *t)
{
    struct txn_undo *u = t->undo;
    /* In the order of the edits: what was changed and then removed is there until its removal. */
    for (size_t i = 0; u && i < u->n; i++) {
        struct undo *r = &u->log[i];
        if (r->kind == U_ARGS)
            args_free(r->node->pub.entry, r->args);
        else if (r->kind == U_REMOVED)
            node_free(r->node);
    }
    if (u)
        u->n = 0;
}

size_t txn_mark(const struct txn *t)
{
    return t->undo ? t->undo->n : 0;
}

void txn_rollback_to(struct txn *t, size_t mark)
{
    struct txn_undo *u = t->undo;
    while (u && u->n > mark) {
        struct undo *r = &u->log[--u->n];
        struct node *parent = node_of(r->node->pub.parent);
        switch (r->kind) {
        case U_CREATED:
            node_unlink(r->node);
            node_touch(parent);
            node_free(r->node);
            break;
        case U_REMOVED:
            /* Its group's memory was there before, so this cannot fail. */
            (void)node_link(parent, r->node, r->after);
            node_touch(r->node);
            break;
        default:
            args_free(r->node->pub.entry, r->node->pub.args);
            r->node->pub.args = r->args;
            node_touch(r->node);
            break;
        }
    }
}

void txn_rollback(struct txn *t)
{
    txn_rollback_to(t, 0);
}

void txn_end(struct txn *t)
{
    txn_rollback(t);
    if (t->undo)
        free(t->undo->log);
    free(t->undo);
    t->undo = NULL;
    str_free(&t->notes);
    str_free(&t->error);
}

int txn_refuse(struct txn *t, const char *fmt, ...)
{
    va_list ap;
    str_clear(&t->error);
    va_start(ap, fmt);
    str_vprintf(&t->error, fmt, ap);
    va_end(ap);
    return -1;
}

void txn_note(struct txn *t, const char *fmt, ...)
{
    va_list ap;
    if (t->loading)
        return;
    va_start(ap, fmt);
    str_vprintf(&t->notes, fmt, ap);
    va_end(ap);
    if (t->notes.len && t->notes.s[t->notes.len - 1] != '\n')
        str_addc(&t->notes, '\n');
}

bool txn_created(const struct txn *t, const struct cfg_node *n)
{
    for (size_t i = 0; t->undo && i < t->undo->n; i++)
        if (t->undo->log[i].kind == U_CREATED && &t->undo->log[i].node->pub == n)
            return true;
    return false;
}

const void *txn_before(const struct txn *t, uint16_t entry, size_t i)
{
    for (size_t k = 0; t->undo && k < t->undo->n; k++) {
        const struct undo *u = &t->undo->log[k];
        if (u->kind == U_CREATED || u->node->pub.entry != entry)
            continue;
        if (i-- == 0)
            return u->kind == U_ARGS ? u->args : u->node->pub.args;
    }
    return NULL;
}

/* What is kept of the arguments: the place asked for is not. */
static void *kept_args(uint16_t entry, const void *args)
{
    const struct g_entry *e = &g_entries[entry];
    void *copy = args_copy(entry, args);
    for (uint16_t i = 0; copy && (e->flags & GE_INSERT) && i < e->narg; i++)
        if (g_args[e->arg + i].flags & GA_INSERT_AT)
            field_clear(&g_args[e->arg + i], copy);
    return copy;
}

static uint64_t wanted_place(uint16_t entry, const void *args)
{
    const struct g_entry *e = &g_entries[entry];
    struct value v;
    for (uint16_t i = 0; (e->flags & GE_INSERT) && i < e->narg; i++) {
        const struct g_arg *a = &g_args[e->arg + i];
        if (!(a->flags & GA_INSERT_AT) || !field_present(a, args))
            continue;
        field_load(a, args, &v);
        return v.num;
    }
    return 0;
}

static struct cfg_node *create(struct txn *t, struct node *parent, uint16_t entry, void *copy,
                               uint64_t at)
{
    struct undo *u = journal(t);
    struct node *n = u ? node_new(parent->tree, entry, copy) : NULL;
    if (!n) {
        args_free(entry, copy);
        return NULL;
    }
    if (node_link(parent, n, node_place(parent, n, at)) != 0) {
        node_free(n);
        return NULL;
    }
    *u = (struct undo){.kind = U_CREATED, .node = n};
    t->undo->n++;
    node_touch(n);
    return &n->pub;
}

struct cfg_node *txn_set(struct txn *t, struct cfg_node *parent, uint16_t entry, const void *args)
{
    struct node *p = node_of(parent);
    const struct g_entry *e = &g_entries[entry];
    struct node *old = e->flags & GE_REPEATS ? NULL : node_same(p, entry, args);
    if (old && (!e->size || args_equal(entry, old->pub.args, args)))
        return &old->pub;
    void *copy = kept_args(entry, args);
    if (e->size && !copy) {
        (void)txn_refuse(t, "%% Out of memory");
        return NULL;
    }
    struct cfg_node *n = NULL;
    if (old) {
        struct undo *u = journal(t);
        if (u) {
            *u = (struct undo){.kind = U_ARGS, .node = old, .args = old->pub.args};
            t->undo->n++;
            old->pub.args = copy;
            node_touch(old);
            n = &old->pub;
        } else {
            args_free(entry, copy);
        }
    } else {
        n = create(t, p, entry, copy, wanted_place(entry, args));
    }
    if (!n)
        (void)txn_refuse(t, "%% Out of memory");
    return n;
}

int txn_remove(struct txn *t, struct cfg_node *node)
{
    struct undo *u = journal(t);
    struct node *n = node_of(node), *parent = node_of(node->parent);
    if (!u)
        return txn_refuse(t, "%% Out of memory");
    *u = (struct undo){.kind = U_REMOVED, .node = n, .after = node_of(node->prev)};
    t->undo->n++;
    node_unlink(n);
    node_touch(parent);
    return 0;
}

void txn_clear_children(struct txn *t, struct cfg_node *n)
{
    while (n->first)
        if (txn_remove(t, n->first) != 0)
            return;
}

struct cfg_node *txn_node(struct txn *t, const struct cfg_node *n)
{
    return n && node_of(n)->tree == tree_of(t->tree) ? &node_of(n)->pub : NULL;
}
