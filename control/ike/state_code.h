/*
 * One description of a record for both directions: each function below writes a field, or reads
 * and checks it. What is read is not believed: a value that cannot be marks the reader bad.
 */
#ifndef TANDEM_CONTROL_IKE_STATE_CODE_H
#define TANDEM_CONTROL_IKE_STATE_CODE_H

#include "control/ike/internal.h"

struct coder {
    struct wbuf *w; /* NULL: reading */
    struct rbuf *r;
    const struct ike_crypto *c;
    usec_t shift; /* reading: our clock less the one of the instants */
    bool no_memory;
};

static inline bool code_reads(const struct coder *k)
{
    return k->w == NULL;
}
/* While reading: this must hold. */
void code_check(struct coder *k, bool holds);
bool code_good(const struct coder *k);

void code_u8(struct coder *k, uint8_t *v);
void code_u16(struct coder *k, uint16_t *v);
void code_u32(struct coder *k, uint32_t *v);
void code_u64(struct coder *k, uint64_t *v);
void code_bool(struct coder *k, bool *v);
/* Instants of CLOCK_MONOTONIC, 0 for none. When something is due … */
void code_time(struct coder *k, usec_t *v);
/* … and since when it is so: what came from another box may be older than our clock, and below 0.
 */
void code_since(struct coder *k, usec_t *v);
/* Bytes whose number is known. */
void code_fixed(struct coder *k, uint8_t *p, size_t n);
/* Bytes with their number, at most cap. */
void code_blob(struct coder *k, uint8_t *p, size_t *n, size_t cap);
/* The same in memory of its own; none is NULL. */
void code_heap(struct coder *k, uint8_t **p, size_t *n, size_t cap);
/* A string in an array of cap bytes. */
void code_text(struct coder *k, char *p, size_t cap);
void code_addr(struct coder *k, struct addr *a); /* never unset */
void code_selector(struct coder *k, struct selector *s);
void code_path(struct coder *k, struct ike_path *p);
void code_identity(struct coder *k, struct ike_identity *id);
void code_suite(struct coder *k, struct ike_suite *s);
/* But for proto; what rekey_at means is the caller's, and so are the bounds of encr and leaving. */
void code_child(struct coder *k, struct ike_child_state *c, usec_t *rekey_at);
/* A key pair of this group. */
void code_dh(struct coder *k, uint16_t group, struct ike_dh **dh);

#endif
