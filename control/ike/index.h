/*
 * Who has what: SAs and wishes by the numbers they go by, so that nothing has to walk through all
 * SAs of a box with thousands. A number may stand for several, and one may stand there under
 * several numbers. What is found is looked at again by who asks: it tells whom to look at, not
 * what is true of them.
 */
#ifndef TANDEM_CONTROL_IKE_INDEX_H
#define TANDEM_CONTROL_IKE_INDEX_H

#include "control/ike/sa.h"

enum ike_index_kind {
    IKE_BY_HANDLE,   /* of the datapath: the SA with this child */
    IKE_BY_POLICY,   /* SAs with a child of this line */
    IKE_BY_WISH,     /* wishes for a child of this line */
    IKE_BY_IDENTITY, /* SAs that are up, by a hash of what the peer calls itself */
    IKE_BY_SESSION,  /* SAs that have been replaced and are still here */
    IKE_BY_SPI,      /* SAs with a child that receives on this SPI */
    IKE_BY_RECORD,   /* passive SAs, by what they are saved under … */
    IKE_BY_TUNNEL    /* … and by tunnel_id */
};

struct ike_index_slot {
    uint64_t key;
    void *what; /* NULL: free */
};
struct ike_index {
    struct ike_index_slot *slot; /* a power of two of them, at most three in four taken */
    uint32_t n, size;
};

void ike_index_free(struct ike_index *x);
/* Makes sure that n more have room: 0 or -ENOMEM. */
int ike_index_room(struct ike_index *x, unsigned n);
/* 0, or -ENOMEM, which cannot come where room was made before. */
int ike_index_add(struct ike_index *x, enum ike_index_kind kind, uint64_t number, void *what);
/* Once, if it is there. */
void ike_index_remove(struct ike_index *x, enum ike_index_kind kind, uint64_t number,
                      const void *what);
/* The next one of this number, *at being 0 for the first; NULL: no more. After any change of the
 * index *at is to be 0 again. */
void *ike_index_next(const struct ike_index *x, enum ike_index_kind kind, uint64_t number,
                     uint32_t *at);

/* A child under its handles, its line and its SPI. Room for so many comes first. */
#define IKE_INDEX_OF_CHILD 4
void ike_index_child(struct ike_index *x, const struct ike_child_state *c, void *sa);
void ike_index_no_child(struct ike_index *x, const struct ike_child_state *c, const void *sa);
/* The same for all children of s; -ENOMEM: for none. */
int ike_index_children(struct ike_index *x, const struct ike_sa_state *s, void *sa);
void ike_index_no_children(struct ike_index *x, const struct ike_sa_state *s, const void *sa);
/* A passive SA under the key of its record, its tunnel_id and its children's SPIs: 0 or -ENOMEM. */
int ike_index_passive(struct ike_index *x, uint64_t key, const struct ike_sa_state *s, void *sa);
void ike_index_no_passive(struct ike_index *x, uint64_t key, const struct ike_sa_state *s,
                          const void *sa);

#endif
