/*
 * Keys for the packet decoder, on lab boxes only: copies of what was negotiated, as lines of
 * tshark's tables. A bounded memory of the latest; wiped when it is freed.
 */
#ifndef TANDEM_CONTROL_LAB_H
#define TANDEM_CONTROL_LAB_H

#include "control/ike/sa.h"

struct lab;

struct lab *lab_new(void);
void lab_free(struct lab *l); /* NULL is fine */
void lab_esp(struct lab *l, const struct sadb_sa *sa);
void lab_ike(struct lab *l, const struct ike_sa_state *sa);
void lab_each(const struct lab *l, void (*fn)(void *ctx, const char *line), void *ctx);

#endif
