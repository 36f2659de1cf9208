/*
 * Protected proxy identities: one per permit line of a crypto map's access list and interface.
 *
 * An identity keeps its policy number and its counters as long as its line (interface, sequence
 * number, selectors) exists in the configuration, however often that is applied. Everything a
 * tunnel is about hangs here: where the walk through the peer list stands and which SA serves
 * the identity now. Pointers into the intent are refreshed with every round.
 *
 * What a peer got by an entry of a template has an identity of its own, which stays as long as its
 * SA (crypto/dynamic.h).
 */
#ifndef TANDEM_CONTROL_CRYPTO_IDENTITY_H
#define TANDEM_CONTROL_CRYPTO_IDENTITY_H

#include "control/intent.h"
#include "dataplane/dpstats.h"
#include "dataplane/sadb.h"
#include "lib/timer.h"

struct control;

struct identity {
    struct control *control;
    uint32_t policy, ifid, slot;
    uint32_t
        seq; /* of the map entry; above it (<< 16) that of the template's, for what peers got */
    struct selector sel;
    uint32_t round; /* the last one whose configuration had it */
    const struct intent_if *ifp;
    const struct intent_map *map;
    const struct intent_map_entry *entry;
    const struct intent_ace *ace;
    /* the walk through the peer list */
    bool walking;
    unsigned first, at;  /* place of the peer that it began with; the try under way, counted from
                            there: each peer with IKEv2, then with IKEv1 */
    struct addr current; /* IOS: with which the next walk begins; unset: the first */
    struct addr tried;
    uint8_t tried_version;
    struct timer step;
    bool counted; /* its slot's counters are its own, whichever datapath comes */
    /* the SA in force */
    uint32_t sa_in, sa_out; /* 0: none */
    uint32_t passive_in;    /* of the other box's newest child that came to be known; 0: none */
    struct timer idle;      /* crypto/idle.h */
    usec_t probed;          /* crypto/dead.h: when its silence was last looked into */
    usec_t used;            /* when a packet passed them, as far as was looked */
    uint8_t version;        /* of IKE, of the newest one */
    /* of a template */
    bool live;             /* has an SA: packets meet it */
    usec_t expires;        /* while not live */
    struct intent_ace own; /* the line it would be */
};

static inline bool identity_is_dynamic(const struct identity *id)
{
    return id->seq >> 16 != 0;
}

struct identities {
    struct identity **by_key, **by_policy; /* the same objects in two orders */
    size_t n, cap_key, cap_policy;
    size_t n_dynamic; /* of templates */
    uint32_t last_policy, last_sa, round;
    uint32_t last_shared; /* the last handle of those that two boxes share (wanted.h) */
    uint32_t lines;       /* of lists, that were given numbers so far */
    bool removed;         /* some went in this round */
    uint64_t slots[DPSTATS_SLOTS / 64]; /* taken ones */
    uint32_t slot_hint;
    uint64_t ended_drops[DP_CAUSES]; /* of slots that were given back */
    struct dp_counters *baseline;    /* per slot, once counters were cleared; NULL before */
};

struct identity *identity_by_policy(const struct identities *ids, uint32_t policy);
struct identity *identity_find(const struct identities *ids, uint32_t ifid, uint32_t seq,
                               const struct selector *sel);
/* A new one; with numbers of its own when policy is 0. NULL when out of memory. */
struct identity *identity_add(struct identities *ids, uint32_t ifid, uint32_t seq,
                              const struct selector *sel, uint32_t policy, uint32_t slot);
void identity_remove(struct identities *ids, struct identity *id); /* frees it */
void identities_free(struct identities *ids);

/* Counter slots; SADB_NO_SLOT when all are taken. */
uint32_t slot_take(struct identities *ids);
void slot_give(struct identities *ids, uint32_t slot);
bool slot_reserve(struct identities *ids, uint32_t slot); /* this one; false: it is taken */

int selector_cmp(const struct selector *a, const struct selector *b);

#endif
