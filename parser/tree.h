/*
 * The configuration tree: nodes of grammar entries with typed arguments.
 *
 * A node's arguments are the generated struct of its entry (g_args.h), so readers write
 *
 *     cfg_each(tree_root, E_ROUTE, n) {
 *         const struct a_route *a = CFG_ARGS(n, route);
 *
 * Strings in it belong to the node. Nodes are owned by their tree. Edits go through a
 * transaction (txn.h), never directly.
 */
#ifndef TANDEM_PARSER_TREE_H
#define TANDEM_PARSER_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cfg_node {
    uint16_t entry; /* E_… number; 0 = the root */
    void *args;     /* struct a_… of that entry, or NULL when it has none */
    struct cfg_node *parent;
    struct cfg_node *first, *last; /* children, in order of printing */
    struct cfg_node *prev, *next;
    uint64_t serial; /* changes when the node or anything below it changes */
};

struct cfg_tree {
    struct cfg_node *root;
    uint64_t serial;
};

#define CFG_ARGS(node, name) ((const struct a_##name *)(node)->args)
#define cfg_each(parent, entry_no, n)                                                              \
    for (const struct cfg_node *n = cfg_first((parent), (entry_no)); n; n = cfg_next(n))

struct cfg_tree *cfg_tree_new(void);
void cfg_tree_free(struct cfg_tree *t); /* wipes secrets */
struct cfg_tree *cfg_tree_copy(const struct cfg_tree *t);
bool cfg_tree_equal(const struct cfg_tree *a, const struct cfg_tree *b);

/* First child of this entry, and the next of the same entry; NULL when none. */
const struct cfg_node *cfg_first(const struct cfg_node *parent, uint16_t entry);
const struct cfg_node *cfg_next(const struct cfg_node *n);
/* The child object whose first key is this word (exact, case-sensitive), or NULL. */
const struct cfg_node *cfg_find_word(const struct cfg_node *parent, uint16_t entry,
                                     const char *key);
const struct cfg_node *cfg_find_number(const struct cfg_node *parent, uint16_t entry, uint64_t key);
size_t cfg_count(const struct cfg_node *parent, uint16_t entry);

#endif
