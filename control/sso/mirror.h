/*
 * What crosses between the boxes, in and out of control/ (docs/sso.md, "What crosses").
 *
 * Active: mirror_each() walks through all that a standby needs, lines before SAs before IKE SAs.
 * Changes come by sso_record() where the journal is written.
 * Standby: mirror_take() makes passive SAs of records, in IKE and in the datapath, under our own
 * policy numbers, interfaces and slots; mirror_activate() lets them act.
 */
#ifndef TANDEM_CONTROL_SSO_MIRROR_H
#define TANDEM_CONTROL_SSO_MIRROR_H

#include "control/sso/sso.h"
#include "dataplane/dpstats.h"

/* A peer that lies fills no memory: so many records, of which those of IKE have so many bytes. */
#define MIRROR_RECORDS   (3 * DPSTATS_SLOTS)
#define MIRROR_IKE_BYTES (256u << 20)

struct mirror;
struct identity;
struct ike_path;
struct mirror *mirror_new(struct control *c); /* one at a time; NULL: no memory */
void mirror_free(struct mirror *m);           /* what is passive goes, silently */

/* The active's side. */
void mirror_each(struct control *c,
                 void (*fn)(void *ctx, enum sso_kind kind, uint64_t key, const void *p, size_t n),
                 void *ctx);

/* The standby's side. A bulk begins: what it does not bring until its end goes. */
void mirror_begin(struct mirror *m);
void mirror_end(struct mirror *m);
/* Puts or removes (n 0) a record. shift: our monotonic clock minus the sender's, in microseconds.
 * 0, -ENOENT (no such line here: the configurations differ), -EPROTO, -EINVAL, -ENOMEM, -ENOSPC. */
int mirror_take(struct mirror *m, enum sso_kind kind, uint64_t key, const uint8_t *p, size_t n,
                int64_t shift);
/* They are ours now: into the journal, timers run. split: without a hand-over, so outbound SAs are
 * replaced before the numbers that are ours for sure end. */
void mirror_activate(struct mirror *m, bool split);
void mirror_purge(struct mirror *m); /* the standby gives them up, silently */
/* A step of a round, behind the lines: what has lost its line, address or key here goes. */
void mirror_apply(struct control *c);
/* Records held by kind, for shows. */
void mirror_count(const struct mirror *m, uint32_t n[SSO_KINDS]);

/* --- for those who write the journal: what a standby has to hear, too ----------------------- */

/* Its end here is a virtual address whose tunnels both boxes know of. */
bool mirror_shares(const struct control *c, const struct ike_path *path);
void mirror_line(struct control *c, const struct identity *id, bool there);
void mirror_numbers(struct control *c); /* some were given out */

#endif
