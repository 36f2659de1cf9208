/*
 * What the two boxes say to each other so that the standby could go on at any instant: hello, all
 * that there is, then each change, acknowledged; leases of numbers; leaving and taking over.
 *
 * No I/O, no thread, no knowledge of IKE or of the datapath: the host below sends, holds the
 * records and does to SAs what it is told. Two of these and a clock are all that a test needs.
 *
 * Numbers. A lease says up to which sequence number (the ceiling) an outbound SA of the active may
 * go; the copy at the standby begins behind it. Each box owns:
 *
 *     active, with a standby    up to the ceiling that the standby has acknowledged
 *     standby that takes over   the SSO_SPLIT numbers behind the highest ceiling that it was told
 *     active that lost it       the same as before, and what is behind those SSO_SPLIT, up to the
 * limit
 *
 * The limit is the last number of the SA, or less when another box that nobody has heard of since
 * may own what is behind. An SA that comes near a limit of that kind is replaced.
 */
#ifndef TANDEM_CONTROL_SSO_SYNC_H
#define TANDEM_CONTROL_SSO_SYNC_H

#include "control/sso/link.h"
#include "control/sso/wire.h"

/* 64 million: a minute at a million packets a second, and 63 of these fit into 32 bits. */
#define SSO_SPLIT   (UINT64_C(1) << 26)
#define SSO_LEASES  32768u     /* of a standby: an engine counts the packets of so many SAs */
#define SSO_NO_LAST UINT64_MAX /* an SA with 64-bit numbers; also: no ceiling */

enum sso_sync_event {
    SSO_SYNC_PEER,    /* its hello or its state; it is there, from the first of them on */
    SSO_SYNC_DIFFERS, /* its configuration is another one in some sections, or is the same again;
                         at most every ten seconds, and then what is true */
    SSO_SYNC_HOT,     /* active: the standby has everything */
    SSO_SYNC_LOST,    /* active: it has not any more; nothing waits for it */
    SSO_SYNC_BULK,    /* standby: the active begins to tell */
    SSO_SYNC_END,     /* standby: we have everything */
    SSO_SYNC_BYE,     /* the peer leaves and keeps nothing */
    SSO_SYNC_BAD      /* it sent what is no message; at most every ten seconds */
};

struct sso_sync_host {
    struct timerq *timers;
    const struct clock *clock;
    /* 0, -EAGAIN (sso_sync_writable() comes), -ENOTCONN, -EMSGSIZE. */
    int (*send)(void *ctx, enum sso_stream s, const uint8_t *p, size_t n);
    /* The link is to be made anew, from sso_sync_down() on. Not called from there. */
    void (*restart)(void *ctx, const char *why);
    void (*event)(void *ctx, enum sso_sync_event e);
    void (*safe)(void *ctx);                            /* sso_sync_safe() may have risen */
    void (*step)(void *ctx, enum sso_switch_step step); /* of a planned switchover */

    /* Active. */
    void (*bulk)(void *ctx); /* sso_sync_put() for every record */
    /* sso_sync_inbound() for each SA that has moved by `least`, or as far as its box says;
     * sso_sync_bytes() where it is due */
    void (*moved)(void *ctx, uint64_t least);
    uint64_t (*used)(void *ctx, uint32_t sa);  /* no number above this one was used yet */
    uint32_t (*block)(void *ctx, uint32_t sa); /* numbers from one lease to the next */
    void (*leased)(void *ctx, bool on);        /* from now on SAs begin with a ceiling of 0 */
    /* Go on at `next` (0: where it is), never above `ceiling`; sso_sync_low() when half of `block`
     * (0: never) is left. */
    void (*ceiling)(void *ctx, uint32_t sa, uint64_t next, uint64_t ceiling, uint32_t block);
    void (*barrier)(void *ctx); /* sso_sync_barrier() when all ceilings so far are in force */
    void (*limited)(void *ctx, uint32_t sa, uint64_t limit); /* for a successor of this engine */
    void (*replace)(void *ctx, uint32_t sa);

    /* Standby. */
    void (*begin)(void *ctx);
    void (*end)(void *ctx);
    int (*take)(void *ctx, enum sso_kind kind, uint64_t key, const uint8_t *p, size_t n,
                int64_t shift);
    void (*position)(void *ctx, uint32_t sa, uint64_t next, uint64_t ceiling);
    void (*volume)(void *ctx, uint32_t sa, uint64_t bytes);
    void (*purge)(void *ctx); /* what we hold is worth nothing */
    void *ctx;
};

struct sso_sync;
struct sso_sync *sso_sync_new(const struct sso_sync_host *h, uint64_t boot); /* NULL: no memory */
void sso_sync_free(struct sso_sync *s);
/* What the hello says of us; `patience`: so long a standby may be silent about a record. */
void sso_sync_configure(struct sso_sync *s, const char *version, const struct sso_section *section,
                        unsigned n, usec_t patience);
void sso_sync_state(struct sso_sync *s, enum rf_state mine); /* the peer is told */

/* The link. */
void sso_sync_up(struct sso_sync *s);
void sso_sync_down(struct sso_sync *s);
void sso_sync_input(struct sso_sync *s, enum sso_stream stream, const uint8_t *p, size_t n);
void sso_sync_writable(struct sso_sync *s);

/* The role. Who gives it up has fenced before: nothing of what it holds is used any more. Who takes
 * it gets true when it goes on with what the peer had, *split: nobody has handed it over. */
bool sso_sync_activate(struct sso_sync *s, bool *split);
void sso_sync_exact(struct sso_sync *s); /* fenced: SAs stand where they are told to be now */
void sso_sync_deactivate(struct sso_sync *s);
bool sso_sync_is_active(const struct sso_sync *s);
void sso_sync_forget(struct sso_sync *s); /* standby: what we hold goes, and all is told anew */
/* A step of a planned switchover is told; what is lost the host's own time limit finds. */
void sso_sync_switch(struct sso_sync *s, enum sso_switch_step step);
void sso_sync_bye(struct sso_sync *s); /* this box goes down, or wants no peer any more */

/* Active: records. */
void sso_sync_put(struct sso_sync *s, enum sso_kind kind, uint64_t key, const void *p, size_t n);
uint64_t sso_sync_number(const struct sso_sync *s); /* of the last record */
uint64_t sso_sync_safe(const struct sso_sync *s);   /* see sso_safe() */
/* False: not now, so it is to be said again. */
bool sso_sync_inbound(struct sso_sync *s, uint32_t sa, uint64_t next);
bool sso_sync_bytes(struct sso_sync *s, uint32_t sa, uint64_t bytes);

/* Active: outbound SAs. `last` number of its kind; before its record is put. */
void sso_sync_sa(struct sso_sync *s, uint32_t sa, uint64_t last);
/* One of an engine before: with this ceiling and block in the datapath, and this limit. */
void sso_sync_adopt(struct sso_sync *s, uint32_t sa, uint64_t ceiling, uint32_t block,
                    uint64_t limit);
bool sso_sync_has(const struct sso_sync *s, uint32_t sa); /* it has a lease */
void sso_sync_sa_gone(struct sso_sync *s, uint32_t sa);
void sso_sync_low(struct sso_sync *s, uint32_t sa);
void sso_sync_barrier(struct sso_sync *s);

/* For shows. */
struct sso_sync_info {
    bool up, ready; /* the link; the peer's hello was read */
    bool hot;       /* active: the standby has everything; standby: we have */
    bool holds;     /* standby: we could go on */
    uint32_t epoch, peer_epoch;
    struct sso_hello peer; /* the last one */
    uint64_t tx, rx, tx_bytes, rx_bytes, bad, ignored, records_tx, records_rx, refused;
    uint64_t acked; /* active: the highest number that the standby has */
    uint64_t have;  /* standby: the highest number that we have */
    uint64_t bulks;
    usec_t bulk_took;
    uint8_t n_differ;
    char differ[SSO_SECTIONS * 2][32];
};
void sso_sync_info(const struct sso_sync *s, struct sso_sync_info *out);

#endif
