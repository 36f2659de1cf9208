/*
 * IKEv1 messages as bytes and as structs: RFC 2408 §3, RFC 2407 §4, RFC 3947. Pure and bounded: a
 * reader gives what fits its arrays or an error. Generic payload headers are written by the writer
 * of IKEv2 (ike_w_begin() and friends), which has the same form.
 */
#ifndef TANDEM_CONTROL_ISAKMP_CODEC_H
#define TANDEM_CONTROL_ISAKMP_CODEC_H

#include "control/ike/codec.h"
#include "control/isakmp/wire.h"

#define ISK_PAYLOADS_MAX 48
#define ISK_OFFER_PROPS  32
#define ISK_OFFER_XFORMS 256
#define ISK_ATTRS        16 /* of one transform */
#define ISK_DELETE_MAX   128

struct isk_payloads {
    unsigned n;
    struct ike_payload v[ISK_PAYLOADS_MAX];
    uint64_t seen; /* ISP_BIT of every known type present */
    size_t used;   /* bytes of the chain; behind them is padding */
};
/* Draft numbers of NAT traversal count as their later ones. */
#define ISP_BIT(t) (UINT64_C(1) << (t))

/* 0, or -EBADMSG where length, cookies and header do not agree. */
int isk_header_read(const uint8_t *msg, size_t len, struct ike_header *h);
/* The chain of payloads. padded: what follows the last one is padding of a cipher (RFC 2409
 * appendix B). -EBADMSG for lengths that lie, a reserved byte that is not zero (what a wrong key
 * makes), a payload of no known type. */
int isk_payloads_read(uint8_t first, const uint8_t *p, size_t len, bool padded,
                      struct isk_payloads *out);
/* The i-th payload of this type, NULL when there are not as many. */
const struct ike_payload *isk_payload_find(const struct isk_payloads *l, uint8_t type, unsigned i);
const char *isk_exchange_name(uint8_t exchange);
const char *isk_notify_name(uint16_t type);

/* One attribute, RFC 2408 §3.3: basic (two bytes) or with a length of its own. */
struct isk_attr {
    uint16_t type;
    bool basic;
    const uint8_t *p; /* its bytes, also of a basic one */
    uint16_t len;
    uint64_t value; /* of at most eight bytes, else 0 with `len` telling */
};

struct isk_xform {
    uint8_t num, id, n_attr;
    struct isk_attr attr[ISK_ATTRS];
    const uint8_t *raw; /* attributes as they came */
    size_t raw_len;
};
struct isk_prop {
    uint8_t num, proto, spi_len;
    uint32_t spi; /* of four bytes, else 0 */
    uint16_t first, n;
};
/* An SA payload: proposals with the same number belong together (RFC 2408 §4.2). */
struct isk_offer {
    unsigned n, n_x;
    struct isk_prop prop[ISK_OFFER_PROPS];
    struct isk_xform x[ISK_OFFER_XFORMS];
};
/* -EBADMSG; -ENOTSUP for another DOI or situation. What is behind the bounds is left out. */
int isk_offer_read(const struct ike_payload *pl, struct isk_offer *out);
/* Attributes alone, as a notify about a lifetime has them. -EBADMSG. */
int isk_attrs_read(const uint8_t *p, size_t len, struct isk_xform *out);
/* The first attribute of this type; NULL when it is not there. */
const struct isk_attr *isk_attr_find(const struct isk_xform *x, uint16_t type);

struct isk_notify_pl {
    uint8_t proto, spi_len;
    uint16_t type;
    const uint8_t *spi, *data;
    size_t len;
};
int isk_notify_read(const struct ike_payload *pl, struct isk_notify_pl *out);
/* The first notify of this type. */
bool isk_notify_find(const struct isk_payloads *l, uint16_t type, struct isk_notify_pl *out);

struct isk_delete_pl {
    uint8_t proto, spi_len;
    uint16_t n;
    const uint8_t *spis;
};
int isk_delete_read(const struct ike_payload *pl, struct isk_delete_pl *out);

/* Identity of phase 1 or of a quick mode, RFC 2407 §4.6.2. */
struct isk_id {
    uint8_t type, proto;
    uint16_t port;
    const uint8_t *data;
    size_t len;
};
int isk_id_read(const struct ike_payload *pl, struct isk_id *out);
/* As range of addresses. False for a type that names none, or a length that is not its own. */
bool isk_id_range(const struct isk_id *id, struct addr_range *out);
/* As identity of phase 1; false when it is too long. */
bool isk_id_identity(const struct isk_id *id, struct ike_identity *out);
/* An address of the types ISID_IPV4 and ISID_IPV6, RFC 3947 §5.2. */
bool isk_natoa_read(const struct ike_payload *pl, struct addr *out);

/* --- writing ------------------------------------------------------------------------------ */
void isk_w_id(struct ike_writer *w, const struct ike_identity *id, uint8_t proto, uint16_t port);
/* One side of a selector. Ports that are neither all nor one cannot be said: then all. */
void isk_w_id_selector(struct ike_writer *w, const struct selector *s, bool local);
void isk_w_notify(struct ike_writer *w, uint16_t type, uint8_t proto, const void *spi,
                  size_t spi_len, const void *data, size_t len);
/* proto ISPROTO_ISAKMP: spis are n times both cookies; else n SPIs of four bytes. */
void isk_w_delete(struct ike_writer *w, uint8_t proto, const void *spis, size_t n);

/* An SA payload in the making. Sub-payloads know their length when they end. */
struct isk_sa_w {
    struct ike_writer *w;
    size_t prop, xform; /* where the open ones began */
    size_t last_prop;   /* to be told that another follows; SIZE_MAX = none */
    size_t last_xform;
    uint8_t n_x;
};
struct isk_sa_w isk_w_sa_begin(struct ike_writer *w);
void isk_w_prop_begin(struct isk_sa_w *s, uint8_t num, uint8_t proto, const uint32_t *spi);
void isk_w_xform_begin(struct isk_sa_w *s, uint8_t num, uint8_t id);
void isk_w_attr(struct isk_sa_w *s, uint16_t type, uint16_t value);
/* A number: basic when it fits two bytes and basic is allowed, else four bytes. */
void isk_w_attr_long(struct isk_sa_w *s, uint16_t type, uint32_t value, bool basic);
void isk_w_xform_end(struct isk_sa_w *s);
void isk_w_prop_end(struct isk_sa_w *s);
void isk_w_sa_end(struct isk_sa_w *s);

#endif
