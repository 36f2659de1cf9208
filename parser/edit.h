/*
 * Private to the parser: what editing needs of a transaction beyond txn.h.
 */
#ifndef TANDEM_PARSER_EDIT_H
#define TANDEM_PARSER_EDIT_H

#include "parser/txn.h"

size_t txn_mark(const struct txn *t);
void txn_rollback_to(struct txn *t, size_t mark);

#endif
