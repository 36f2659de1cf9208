/*
 * Messages between the two boxes as bytes, there and back. Pure, bounded; integers are in network
 * order, and no struct goes as it is but those inside of records.
 *
 * A message is a header and a body: magic, version of this format, type, two zero bytes, epoch of
 * the sender, length of the body. SCTP keeps the borders of messages, so the length is a check.
 * What wire_read() has taken can be walked through without any further check.
 */
#ifndef TANDEM_CONTROL_SSO_WIRE_H
#define TANDEM_CONTROL_SSO_WIRE_H

#include "control/sso/sso.h"
#include "lib/buf.h"

#define SSO_MAGIC       0x5453534fu /* "TSSO" */
#define SSO_WIRE        3           /* version; another one is not spoken with */
#define SSO_HEADER      16
#define SSO_PART        16384u     /* bytes of a record in one item; longer ones come in parts */
#define SSO_RECORD_MOST (1u << 20) /* as in the journal */

enum sso_type {
    SSO_HELLO = 1,  /* the first in each direction, and again when it changes */
    SSO_STATE,      /* of the sender's redundancy facility */
    SSO_BULK_BEGIN, /* active: all that there is follows */
    SSO_BULK_END,   /* … and that was all: with this the standby is hot */
    SSO_RECORDS,    /* active: struct sso_item … */
    SSO_ACK,        /* standby: I have everything up to this number */
    SSO_MOVED,      /* active: how far SAs are; struct sso_moved … */
    SSO_SWITCH,     /* one step of a planned switchover */
    SSO_BYE,        /* I leave and keep nothing */
    SSO_TYPES
};

enum sso_switch_step {
    SSO_SWITCH_PREPARE = 1, /* active: take over, please */
    SSO_SWITCH_TAKEN,       /* standby: the addresses are mine */
    SSO_SWITCH_EMPTY,       /* standby: I cannot, as I do not have everything */
    SSO_SWITCH_NO_HSRP,     /* … as I am not standby in each group of HSRP */
    SSO_SWITCH_LATE,        /* … as addresses or packets do not stand still in time */
    SSO_SWITCH_STEPS
};

enum sso_bye {
    SSO_BYE_UNUSED, /* it was standby, and has used nothing */
    SSO_BYE_FENCED, /* it was active with the receiver as its standby; nothing behind the ceilings
                     */
    SSO_BYE_ACTIVE, /* it was active without one */
    SSO_BYES
};

struct sso_hello {
    char version[32]; /* of the software */
    uint64_t boot;    /* differs each time the engine starts */
    uint8_t state;    /* enum rf_state */
    bool holds;       /* it could take over with what it has */
    int64_t mono;     /* the sender's clock, microseconds */
    uint8_t n_section;
    struct sso_section section[SSO_SECTIONS];
};

enum sso_op {
    SSO_PUT = 1, /* a record, or a part of one */
    SSO_REMOVE,
    SSO_LEASE, /* key: an outbound SA; its numbers up to `ceiling` are the active's */
    SSO_EXACT  /* the same at a hand-over: it goes on behind `ceiling`, and nobody is before it */
};

struct sso_item {
    enum sso_op op;
    enum sso_kind kind; /* PUT, REMOVE */
    uint64_t number, key;
    uint32_t total, offset, len; /* PUT: this part of so many bytes */
    const uint8_t *p;
    uint64_t ceiling, limit; /* LEASE, EXACT; nobody may use a number above limit */
};

/* How far an SA is: inbound the next number, or any SA's bytes that count against its lifetimes. */
struct sso_moved {
    uint32_t sa;
    bool is_bytes;
    uint64_t value;
};
#define SSO_BYTES_MOST INT64_MAX

struct sso_message {
    enum sso_type type;
    uint32_t epoch;
    struct sso_hello hello; /* STATE: state, holds and mono of it */
    uint64_t number;        /* BULK_BEGIN: the last one before; BULK_END, ACK */
    uint8_t step;           /* SWITCH */
    uint8_t bye;            /* BYE */
    struct rbuf items;      /* RECORDS, MOVED */
};

/* 0, -EPROTONOSUPPORT (another version of this format), -EPROTO (no such message). */
int sso_wire_read(const uint8_t *p, size_t n, struct sso_message *out);
/* The next one of a message that was read well; false after the last. */
bool sso_wire_item(struct rbuf *items, struct sso_item *out);
bool sso_wire_moved(struct rbuf *items, struct sso_moved *out);

/* Everything but RECORDS and MOVED, whole. 0 or -EMSGSIZE. */
int sso_wire_write(struct wbuf *w, const struct sso_message *m);
/* Those: a begin, items as they fit, an end. */
void sso_wire_begin(struct wbuf *w, enum sso_type type, uint32_t epoch);
void sso_wire_add_item(struct wbuf *w, const struct sso_item *i);
void sso_wire_add_moved(struct wbuf *w, const struct sso_moved *m);
void sso_wire_end(struct wbuf *w);
size_t sso_wire_item_size(const struct sso_item *i);

#endif
