/* What the files of sync.h share. */
#ifndef TANDEM_CONTROL_SSO_SYNC_PRIV_H
#define TANDEM_CONTROL_SSO_SYNC_PRIV_H

#include "control/sso/sync.h"

/* One message of records at most, so that a peer that reads slowly is noticed early. */
#define SSO_BATCH 32768u
/* Bytes that may wait for the standby beyond what one bulk is. */
#define SSO_QUEUE_MOST (32u << 20)

enum sso_phase {
    SSO_SOLO,   /* active: there is no standby */
    SSO_BULK,   /* active: it is told everything, ceilings are put on SAs; standby: we are told */
    SSO_ENDING, /* active: it was told that this was all, from when on it may take over */
    SSO_HOT
};

struct sso_lease {
    uint32_t sa;
    uint64_t ceiling; /* active: in force; standby: our copy begins behind it */
    uint64_t told;    /* active: a standby may know of this one; 0: of none */
    uint64_t limit;   /* the last number that is anybody's in this pair */
    uint64_t whole;   /* the limit before a take-over without a hand-over; 0: there was none */
    uint64_t number;  /* of the record that told */
    bool lowering;    /* active: the ceiling is not in force yet */
    bool replaced;    /* the host was asked to */
    bool stale;       /* standby: this bulk has not named it */
};

/* Waits for the link: an item of a RECORDS message, or a message. */
struct sso_queued {
    struct sso_queued *next;
    bool item;
    size_t len;
    uint8_t bytes[];
};

struct sso_part { /* a record that comes in parts */
    struct sso_item of;
    uint8_t *bytes; /* NULL: none */
    uint32_t have;
};

struct sso_sync {
    struct sso_sync_host h;
    struct sso_hello me;
    bool active, up, ready;
    bool began, holds; /* standby: something of a bulk is here, all of one */
    enum sso_phase phase;
    uint32_t epoch, peer_epoch;
    struct sso_hello peer;
    int64_t shift;
    bool handed; /* standby: the active has fenced and gone */
    usec_t patience;

    uint64_t put, acked, end; /* active: numbers; end: that of the bulk's end */
    uint64_t have;            /* standby */
    unsigned owes;            /* control messages to be sent */
    bool blocked, overflow;
    enum sso_bye bye; /* what our BYE says */
    struct sso_queued *head, **tail;
    size_t queued, bulk_size; /* bytes; of the bulk when it was whole */
    uint8_t out[SSO_BATCH + SSO_PART + 64];
    size_t out_len; /* a message that did not fit yet */
    uint8_t in[8192];
    struct wbuf counters;     /* MOVED, in the making, in `in` … */
    enum sso_stream moved_by; /* … and where it goes */
    struct timer flush, wait, moved, differs;
    unsigned moves;
    struct sso_lease *lease; /* by SA */
    size_t n_lease, cap_lease;
    struct sso_part part;
    usec_t bulk_began, bad_told, differs_told;
    struct sso_sync_info info;
};

/* sync.c */
void sso_sync_gone(struct sso_sync *s, const char *why); /* and the link is made anew */
void sso_sync_unacked(struct sso_sync *s);               /* s->put rose */

/* standby.c */
bool sso_standby_input(struct sso_sync *s, struct sso_message *m); /* false: not for a standby */
void sso_standby_forget(struct sso_sync *s);
void sso_standby_drop_part(struct sso_sync *s);

/* queue.c: towards the peer */
/* In this order: who hears that we leave and then how we are now may tell us all anew. */
enum { SSO_OWES_HELLO = 1, SSO_OWES_BYE = 2, SSO_OWES_STATE = 4, SSO_OWES_ACK = 8 };
void sso_queue_init(struct sso_sync *s);
void sso_queue_clear(struct sso_sync *s); /* nothing waits any more */
void sso_queue_owe(struct sso_sync *s, unsigned what);
void sso_queue_item(struct sso_sync *s, const struct sso_item *i);
void sso_queue_message(struct sso_sync *s, const struct sso_message *m); /* behind the items */
void sso_queue_flush(struct sso_sync *s);
void sso_queue_counters(struct sso_sync *s, enum sso_stream by, uint64_t least);

/* lease.c */
struct sso_lease *sso_lease_find(const struct sso_sync *s, uint32_t sa);
struct sso_lease *sso_lease_make(struct sso_sync *s, uint32_t sa); /* NULL: no memory */
void sso_lease_lower(struct sso_sync *s);                          /* a bulk: ceilings for all */
void sso_lease_acked(struct sso_sync *s);                          /* s->acked rose */
void sso_lease_alone(struct sso_sync *s, bool split);              /* no standby any more */
void sso_lease_take_over(struct sso_sync *s, bool split);
void sso_lease_whole(struct sso_sync *s); /* whom we took over from uses nothing any more */
void sso_lease_told(struct sso_sync *s, const struct sso_item *i); /* standby */
void sso_lease_record(struct sso_sync *s, uint64_t key);           /* standby: an SA was put */
void sso_lease_begin(struct sso_sync *s);
void sso_lease_end(struct sso_sync *s);

#endif
