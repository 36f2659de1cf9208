/*
 * Taking over from an engine that is no more.
 *
 * The journal says which numbers it had given to which line of the configuration, which IKE SAs it
 * had and what it wanted the datapath to hold. A successor with the same configuration gives the
 * same numbers, goes on with the IKE SAs, and holds the rest against them: an SA of the datapath
 * that no child has goes, a child that lacks an SA ends. What the datapath holds as wanted is not
 * touched at all.
 */
#ifndef TANDEM_CONTROL_CRYPTO_ADOPT_H
#define TANDEM_CONTROL_CRYPTO_ADOPT_H

#include "dataplane/sadb.h"
#include "lib/launchproto.h"
#include <stdbool.h>
#include <stddef.h>

struct control;
struct identity;
struct remembered;

struct adopt {
    struct remembered *v; /* identities of the engine before, by their lines */
    size_t n, cap;
    bool mtu;                            /* adopt_mtu() has read */
    bool done;                           /* adopt_policies() */
    bool open;                           /* the first round with a configuration is not through */
    bool kept;                           /* there was something to read */
    bool had_policies[TANDEM_IFIDS + 1]; /* interfaces, in the datapath of the engine before */
};

/* Takes the journal's memory and reads it. */
void adopt_journal(struct control *c, int fd);
/* The first configuration is here: IKE's SAs first, so that nobody takes their numbers … */
void adopt_begin(struct control *c);
/* … then, when lines have their numbers again, what belongs together. */
void adopt_end(struct control *c);
/* The same for what another box had, whose SAs are ours now (sso/mirror.h). */
void adopt_mirrored(struct control *c);
/* Both sides hold the same SAs: policies that nobody wants go, too. Once. */
void adopt_policies(struct control *c);
void adopt_free(struct control *c);

/* MTUs of devices as they were before us: read once, written when they change. */
void adopt_mtu(struct control *c);

/* The numbers that a line had before; false: none. They are its own again. */
bool adopt_numbers(struct control *c, uint32_t ifid, uint32_t seq, const struct selector *sel,
                   uint32_t *policy, uint32_t *slot);
void adopt_identity_new(struct control *c, const struct identity *id);
void adopt_identity_gone(struct control *c, const struct identity *id);
/* Numbers were given out. */
void adopt_count(struct control *c);

#endif
