/*
 * Reading and writing of IKEv2 messages, RFC 7296 §3. Pure: bytes in, structs out, and back.
 *
 * A received message is never copied: decoded structs point into the caller's buffer. Every
 * count a peer chooses is bounded here, so that no handler has to think of it.
 */
#ifndef TANDEM_CONTROL_IKE_CODEC_H
#define TANDEM_CONTROL_IKE_CODEC_H

#include "control/ike/sa.h"
#include "control/ike/wire.h"
#include "lib/buf.h"

#define IKE_PAYLOADS_MAX 48
#define IKE_OFFER_PROPS  48
#define IKE_OFFER_XFORMS 640
#define IKE_TS_LIST      8

struct ike_header {
    uint64_t spi_i, spi_r;
    uint8_t next, version, exchange, flags;
    uint32_t mid, len;
};

struct ike_payload {
    uint8_t type;
    const uint8_t *p; /* after the generic header */
    size_t len;
};

struct ike_payloads {
    unsigned n;
    struct ike_payload v[IKE_PAYLOADS_MAX];
    uint64_t seen;    /* PL_BIT of every known type present */
    uint8_t sk_first; /* type of the first payload inside SK */
    uint8_t bad_type; /* which one was critical and unknown */
};

/* 0, or -EBADMSG where length and header do not agree. */
int ike_header_read(const uint8_t *msg, size_t len, struct ike_header *h);
/* The chain of payloads after a header, or inside an SK payload. 0, -EBADMSG, or -ENOTSUP for
 * an unknown payload with the critical bit (§2.5; its type in bad_type). */
int ike_payloads_read(uint8_t first, const uint8_t *p, size_t len, struct ike_payloads *out);
const struct ike_payload *ike_payload_find(const struct ike_payloads *l, uint8_t type);
const char *ike_payload_name(uint8_t type);
const char *ike_exchange_name(uint8_t exchange);
const char *ike_notify_name(uint16_t type);

/* SA payload, §3.3. Transforms of one proposal are x[first .. first+n-1]. */
struct ike_xform {
    uint8_t type;
    bool usable; /* false: carries an attribute we do not know */
    uint16_t id, keybits;
};
struct ike_prop {
    uint8_t num, proto, spi_len;
    uint64_t spi;
    uint16_t first, n;
};
struct ike_offer {
    unsigned n;
    struct ike_prop prop[IKE_OFFER_PROPS];
    unsigned n_x;
    struct ike_xform x[IKE_OFFER_XFORMS];
};
int ike_offer_read(const struct ike_payload *pl, struct ike_offer *out);

struct ike_notify_pl {
    uint8_t proto, spi_len;
    uint16_t type;
    uint32_t spi; /* of 4 bytes, else 0 */
    const uint8_t *data;
    size_t len;
};
int ike_notify_read(const struct ike_payload *pl, struct ike_notify_pl *out);
/* The first notify of this type; false when there is none. */
bool ike_notify_find(const struct ike_payloads *l, uint16_t type, struct ike_notify_pl *out);
/* The first error notify (type < 16384) that is well formed; 0 when there is none. */
uint16_t ike_notify_error(const struct ike_payloads *l, struct ike_notify_pl *out);

struct ike_ke {
    uint16_t group;
    const uint8_t *data;
    size_t len;
};
int ike_ke_read(const struct ike_payload *pl, struct ike_ke *out);
/* ID payload, §3.5; -EMSGSIZE where it is longer than IKE_ID_MAX. */
int ike_id_read(const struct ike_payload *pl, struct ike_identity *out);

struct ike_auth_pl {
    uint8_t method;
    const uint8_t *data;
    size_t len;
};
int ike_auth_read(const struct ike_payload *pl, struct ike_auth_pl *out);

struct ike_delete_pl {
    uint8_t proto;
    uint16_t n;
    const uint8_t *spis; /* n × 4 bytes for ESP and AH, none for IKE */
};
int ike_delete_read(const struct ike_payload *pl, struct ike_delete_pl *out);

/* One traffic selector, §3.13.1. */
struct ike_ts {
    uint8_t proto;
    uint16_t port[2];
    struct addr_range range;
};
struct ike_ts_list {
    unsigned n;
    struct ike_ts v[IKE_TS_LIST];
};
/* Keeps the first IKE_TS_LIST usable ones: §2.9 lets the responder narrow. */
int ike_ts_read(const struct ike_payload *pl, struct ike_ts_list *out);

/* Writes a chain of payloads. `first` is the type of the first one, for the header. */
struct ike_writer {
    struct wbuf w;
    uint8_t first;
    size_t next_at; /* where the type of the next payload goes; 0 = into `first` */
    size_t start;   /* of the open payload */
};
struct ike_writer ike_writer_make(void *buf, size_t cap);
/* Starts a clear message: the header, whose next and length ike_w_finish() fills in. */
void ike_w_header(struct ike_writer *w, const struct ike_header *h);
int ike_w_finish(struct ike_writer *w, size_t *len); /* 0 or -EMSGSIZE */
void ike_w_begin(struct ike_writer *w, uint8_t type);
void ike_w_end(struct ike_writer *w);
void ike_w_payload(struct ike_writer *w, uint8_t type, const void *data, size_t len);
void ike_w_notify(struct ike_writer *w, uint16_t type, const void *data, size_t len);
/* A notify about one SA (§3.10): protocol and 4-byte SPI. */
void ike_w_notify_spi(struct ike_writer *w, uint16_t type, uint8_t proto, uint32_t spi);
void ike_w_ke(struct ike_writer *w, uint16_t group, const uint8_t *pub, size_t len);
void ike_w_id(struct ike_writer *w, uint8_t type, const struct ike_identity *id);
void ike_w_auth(struct ike_writer *w, uint8_t method, const uint8_t *data, size_t len);
/* n = 0: the IKE SA itself; else ESP SPIs. */
void ike_w_delete(struct ike_writer *w, const uint32_t *spi, size_t n);

struct ike_xform_w {
    uint8_t type;
    uint16_t id, keybits; /* keybits 0: no attribute */
};
/* One proposal; last as §3.3.1 wants it. */
void ike_w_proposal(struct ike_writer *w, const struct ike_prop *p, const struct ike_xform_w *x,
                    size_t n, bool last);

/* --- ts.c: traffic selectors as struct selector ------------------------------------------- */
void ike_w_ts(struct ike_writer *w, uint8_t type, const struct selector *sel, size_t n, bool local);
/* Pairs of a local and a remote list whose protocols agree, at most max. */
size_t ike_ts_pairs(const struct ike_ts_list *local, const struct ike_ts_list *remote,
                    struct selector *out, size_t max);
bool ike_selector_covers(const struct selector *outer, const struct selector *inner);
/* Intersection, for a responder that narrows (§2.9). False when empty. */
bool ike_selector_narrow(const struct selector *a, const struct selector *b, struct selector *out);

#endif
