/*
 * The inside of the tree: what tree.c, txn.c and line.c know about a node beyond tree.h.
 *
 * A node keeps its children in one list, in order of printing, and an array of groups: the
 * first and last child of each entry. All nodes stand in two hash tables of the tree: by
 * parent, entry and keys (so that ten thousand routes are found in constant time), and by a
 * number that is never used again (so that a session's place notices that its node is gone).
 */
#ifndef TANDEM_PARSER_NODE_H
#define TANDEM_PARSER_NODE_H

#include "parser/grammar.h"
#include "parser/tree.h"

struct group {
    uint16_t entry;
    size_t count;
    struct node *first, *last;
};

struct node {
    struct cfg_node pub; /* first, so that both are one address */
    struct tree *tree;
    uint64_t id, hash;
    bool linked;
    struct node *hash_next, *id_next;
    struct group *groups; /* by rank of entry */
    unsigned ngroups, cap_groups;
};

struct tree {
    struct cfg_tree pub;
    struct node **by_key, **by_id;
    size_t buckets, count;
    uint64_t next_id;
};

struct tree *tree_of(const struct cfg_tree *t);
struct node *node_of(const struct cfg_node *n); /* NULL stays NULL */
const struct group *node_group(const struct node *parent, uint16_t entry);

/* A node that stands nowhere yet; takes args. NULL without memory (args stay the caller's). */
struct node *node_new(struct tree *t, uint16_t entry, void *args);
void node_free(struct node *n); /* with what is below it; must not stand among siblings */
/* Where a new node belongs: the sibling before it, or NULL for the front. at: 1-based place
 * among its kind, 0 = by the entry's rule. */
struct node *node_place(struct node *parent, const struct node *n, uint64_t at);
int node_link(struct node *parent, struct node *n, struct node *after);
void node_unlink(struct node *n); /* keeps n->pub.parent */
/* The child of the same identity as these arguments. */
struct node *node_same(const struct node *parent, uint16_t entry, const void *args);
struct node *node_by_id(const struct tree *t, uint64_t id); /* only one that stands in the tree */
void node_touch(struct node *n);                            /* serials from here up */
/* True for an implied object with neither children nor arguments beyond its keys: as good as
 * not there. */
bool node_is_nothing(const struct cfg_node *n);

#endif
