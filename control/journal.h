/*
 * What a successor of this process needs to go on, in memory that outlives it.
 *
 * A journal is a set of records, each under a kind and a key, in a memfd that the launcher
 * keeps open and never looks into. Putting a record replaces the one before as a whole: whoever
 * opens the memory after a kill -9 at any instruction finds the old bytes or the new ones. Records
 * hold keys; room that a record leaves is wiped. There is no other format check than length and
 * version: what opens with another JOURNAL_VERSION starts empty, and tunnels negotiate again.
 */
#ifndef TANDEM_CONTROL_JOURNAL_H
#define TANDEM_CONTROL_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

enum journal_kind {
    JOURNAL_IDENTITY = 1, /* key: policy number (crypto/identity.h) */
    JOURNAL_SA,           /* key: SADB handle; struct sadb_sa as last wanted, with keys */
    JOURNAL_IKE,          /* key: our SPI; what ike_host.save() brought */
    JOURNAL_ISAKMP,       /* the same of IKEv1 */
    JOURNAL_NUMBERS,      /* key 0: the last numbers given out */
    JOURNAL_MTU,          /* key: ifindex; the MTU of a device before we changed it */
    JOURNAL_SLA,          /* key: number of a measurement; its latest result */
    JOURNAL_HSRP          /* key: interface and group; struct hsrp_saved */
};

/* To be raised when a record changes its meaning; those of IKE carry a version of their own. */
#define JOURNAL_VERSION 7
#define JOURNAL_SIZE    (256u << 20) /* the memory at most; what is not used takes no room */
#define JOURNAL_RECORD  (1u << 20)   /* one record at most */

enum journal_found { JOURNAL_NEW, JOURNAL_KEPT, JOURNAL_FOREIGN /* another version, or rubbish */ };

struct journal;
/* Maps and checks the memory. Takes fd in any case. NULL: no memory. */
struct journal *journal_open(int fd);
enum journal_found journal_found(const struct journal *j); /* what was there when it was opened */
void journal_close(struct journal *j);                     /* the records stay; NULL is fine */
/* 0, -ENOSPC, -EMSGSIZE. A failed put leaves the record before. */
int journal_put(struct journal *j, enum journal_kind kind, uint64_t key, const void *p, size_t n);
void journal_remove(struct journal *j, enum journal_kind kind, uint64_t key);
/* Visits each record of a kind, in no order. fn may remove the record it is shown. */
void journal_each(struct journal *j, enum journal_kind kind,
                  void (*fn)(void *ctx, uint64_t key, const uint8_t *p, size_t n), void *ctx);

#endif
