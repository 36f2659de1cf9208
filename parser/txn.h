/*
 * A transaction on the tree: one line of input, or one action that edits. Every edit is
 * undone when a check refuses. Diagnostics for the person at the keyboard collect here.
 */
#ifndef TANDEM_PARSER_TXN_H
#define TANDEM_PARSER_TXN_H

#include "lib/str.h"
#include "parser/tree.h"

struct txn;
/* Check hook of an entry, as g_checks.c lists them: args is its generated struct. It runs
 * after the edit. negate: n has been removed (a fixed object: cleared); it no longer stands
 * among its siblings, but n->parent and its arguments are still there to read; what the line said
 * is in t->said. */
typedef int cfg_check_fn(struct txn *t, struct cfg_node *n, const void *args, bool negate);

struct txn {
    struct cfg_tree *tree;
    cfg_check_fn *const *checks; /* by entry number; NULL: none are run (offline) */
    bool asa;                    /* personality */
    bool loading;                /* from startup-config: notes to the typist are dropped */
    bool to_default;             /* the line is a `default …`, not a `no …` */
    struct str notes;            /* complete lines: "INFO: …", "WARNING: …", "% NOTE: …" */
    struct str error;            /* set by txn_refuse */
    const void *said; /* arguments of the line: a `no` may say others than the node has */
    struct txn_undo *undo;
};

void txn_begin(struct txn *t, struct cfg_tree *tree, bool asa);
void txn_commit(struct txn *t);   /* keeps the edits; notes stay until txn_end */
void txn_rollback(struct txn *t); /* takes every edit back */
void txn_end(struct txn *t);      /* frees; rolls back what was not committed */

/* For check hooks. txn_refuse always returns -1: `return txn_refuse(t, "ERROR: …");` */
int txn_refuse(struct txn *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void txn_note(struct txn *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Edits. args is a struct a_… of the entry; strings in it are copied. */
struct cfg_node *txn_set(struct txn *t, struct cfg_node *parent, uint16_t entry, const void *args);
int txn_remove(struct txn *t, struct cfg_node *n);
void txn_clear_children(struct txn *t, struct cfg_node *n);
/* True when this transaction made the node: for notes about new things. */
bool txn_created(const struct txn *t, const struct cfg_node *n);
/* For hooks that must know what stood there before: the arguments that the i-th node of this
 * entry had which this transaction removed or changed. NULL past the last. */
const void *txn_before(const struct txn *t, uint16_t entry, size_t i);
/* The same node, writable: for hooks that hold a const view from cfg_first(). */
struct cfg_node *txn_node(struct txn *t, const struct cfg_node *n);

#endif
