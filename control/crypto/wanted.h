/*
 * What the datapath should hold: every SA direction as it was wanted last, with its keys.
 *
 * SAs go into the datapath and out of it here only, and into the journal first. So whichever of
 * the two processes dies, the other one or the memory between them knows what there was: a new
 * datapath gets all of it again, a new engine finds what its predecessor wanted. A channel begins
 * with a dump, which tells what is there; until it has been answered nothing else is sent.
 */
#ifndef TANDEM_CONTROL_CRYPTO_WANTED_H
#define TANDEM_CONTROL_CRYPTO_WANTED_H

#include "control/ike/sa.h"
#include "dataplane/sadb.h"
#include <stdbool.h>
#include <stddef.h>

struct control;

enum wanted_state {
    WANTED_NEW,    /* no datapath has heard of it */
    WANTED_SENT,   /* maybe one has */
    WANTED_SETTLED /* one has confirmed it: what its counter slot says is about this SA */
};

struct wanted_sa {
    struct sadb_sa m;
    enum wanted_state state;
    bool present; /* in the dump */
    bool claimed; /* a child of IKE's has it (adopt.c) */
    bool passive; /* another box's, kept in case (sso/mirror.h): no journal knows of it */
    /* position.c: where it stands was said by this engine, and the datapath is to hear of it */
    bool positioned, due;
    /* What another box knows: its record by this number, the last packet's number, and bytes, ahead
     * of those there were when they were looked at last. */
    uint64_t record, heard, charged, looked;
    uint64_t limit; /* position_limit() */
};

/* How packets of an outbound SA meet the size of the path (pathmtu.h). */
struct path_policy {
    uint32_t flags; /* of SADB_F_PATH */
    uint32_t mtu, age;
};

struct wanted_table {
    struct wanted_sa **v; /* by handle: in the order in which they were made */
    size_t n, cap;
    bool known;        /* the dump was answered: both sides hold the same */
    uint32_t dump_seq; /* of the dump under way */
};

/* SAs that another box has, too, or may get: their handles are the same there, since they are of a
 * range that nothing else gets numbers from (the upper half). */
#define WANTED_SHARED UINT32_C(0x40000000)
static inline bool wanted_is_shared(uint32_t sa)
{
    return (sa & WANTED_SHARED) != 0;
}
/* The handle behind this one, of the same range. 31 bits: the top one marks other requests
 * (datapath.c); 0 is nobody. */
static inline uint32_t wanted_next(uint32_t sa)
{
    uint32_t n = (sa + 1) & (WANTED_SHARED - 1);
    return (sa & WANTED_SHARED) | (n ? n : 1);
}
/* Bytes of m with the selectors that it has. */
size_t wanted_size(const struct sadb_sa *m);

struct wanted_sa *wanted_find(const struct control *c, uint32_t sa);
bool wanted_inbound(const struct control *c, uint32_t spi);
/* Takes what an engine before wanted, from a record of the journal. False: it is no good. */
bool wanted_load(struct control *c, const uint8_t *p, size_t n);
/* Installs an SA, at once or as soon as there is a datapath. 0 or -errno. */
int wanted_add(struct control *c, const struct sadb_sa *m);
/* The same for one of another box: it sends nothing before a position says from where. */
int wanted_add_passive(struct control *c, const struct sadb_sa *m);
void wanted_own(struct control *c, struct wanted_sa *w); /* a passive one is ours now */
void wanted_delete(struct control *c, uint32_t sa);
/* The peer's end is somewhere else now (NAT). */
void wanted_move(struct control *c, uint32_t sa, const struct ike_path *to);
/* Nothing is sent when it is so already. */
void wanted_path(struct control *c, struct wanted_sa *w, const struct path_policy *p);
void wanted_limit(struct control *c, struct wanted_sa *w, uint64_t limit);
void wanted_confirmed(struct control *c, uint32_t sa); /* SADB_ADD was answered well */
void wanted_lost(struct control *c, uint32_t sa);      /* the datapath cannot have it */
void wanted_free(struct control *c);                   /* the journal keeps them */

/* A new channel: asks what is there. */
void wanted_dump(struct control *c);
void wanted_seen(struct control *c, const struct sadb_sa *info);
/* The dump is complete (err: it failed). True: from now on both sides hold the same. */
void wanted_dumped(struct control *c, int err);

#endif
