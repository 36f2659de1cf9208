/*
 * From the tree to text: running-config and parts of it.
 */
#ifndef TANDEM_PARSER_PRINT_H
#define TANDEM_PARSER_PRINT_H

#include "lib/str.h"
#include "parser/tree.h"

#define PRINT_ALL     0x1u /* defaults too */
#define PRINT_SECRETS 0x2u /* unmasked */
#define PRINT_BANGS   0x4u /* print_tree: a `!` line behind the lines of each module */

/* The whole configuration without the platform's header and trailer. */
void print_tree(const struct cfg_tree *t, bool asa, unsigned flags, struct str *out);
/* One node with what is below it, as it stands in the whole (indentation included). */
void print_node(const struct cfg_node *n, bool asa, unsigned flags, struct str *out);
/* What a node says, without what is below it: the name of its entry, then name and value of each
 * argument, a line each. Of the same grammar the same text means the same, in either dialect; it is
 * no line of a configuration, which takes far longer. Secrets in clear: wipe it. */
void print_plain(const struct cfg_node *n, struct str *out);
/* All children of parent that are of this entry. */
void print_entries(const struct cfg_node *parent, uint16_t entry, bool asa, unsigned flags,
                   struct str *out);
/* Only the lines and blocks of one module, by its name in the grammar. */
int print_module(const struct cfg_tree *t, const char *module, bool asa, unsigned flags,
                 struct str *out);
/* The lines that begin with these words, blocks whole: show running-config crypto map. */
void print_matching(const struct cfg_tree *t, const char *prefix, bool asa, unsigned flags,
                    struct str *out);

#endif
