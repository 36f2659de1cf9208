/*
 * The parser and the writer of IKEv2 payloads.
 *
 * Reading has two levels. ike_payloads_read() walks the chain of generic headers and checks
 * what can be known without looking inside: lengths, repetition, the critical bit. The
 * *_read() functions then open one payload each. Anything that lies about a length is
 * -EBADMSG; there is no partial success.
 */
#include "control/ike/codec.h"
#include "lib/transform.h"
#include <errno.h>

/* What is true of a payload whatever exchange it is in. */
static const struct payload_rule {
    uint8_t type;
    uint8_t min; /* bytes after the generic header */
    bool repeat; /* may stand more than once */
    const char *name;
} rules[] = {
    {PL_SA, 8, false, "SA"},         {PL_KE, 5, false, "KE"},
    {PL_IDI, 4, false, "IDi"},       {PL_IDR, 4, false, "IDr"},
    {PL_CERT, 1, true, "CERT"},      {PL_CERTREQ, 1, true, "CERTREQ"},
    {PL_AUTH, 5, false, "AUTH"},     {PL_NONCE, IKE_NONCE_MIN, false, "N"},
    {PL_NOTIFY, 4, true, "NOTIFY"},  {PL_DELETE, 4, true, "DELETE"},
    {PL_VENDOR, 0, true, "VID"},     {PL_TSI, 4, false, "TSi"},
    {PL_TSR, 4, false, "TSr"},       {PL_SK, 1, false, "ENCR"},
    {PL_CP, 4, true, "CFG"},         {PL_EAP, 4, false, "EAP"},
    {PL_SKF, 5, false, "ENCR_FRAG"},
};

static const struct payload_rule *rule_of(uint8_t type)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].type == type)
            return &rules[i];
    return NULL;
}

const char *ike_payload_name(uint8_t type)
{
    const struct payload_rule *r = rule_of(type);
    return r ? r->name : "UNKNOWN";
}

const char *ike_exchange_name(uint8_t exchange)
{
    static const char *const name[] = {"IKE_SA_INIT", "IKE_AUTH", "CREATE_CHILD_SA",
                                       "INFORMATIONAL"};
    if (exchange < X_SA_INIT || exchange > X_INFORMATIONAL)
        return "UNKNOWN";
    return name[exchange - X_SA_INIT];
}

const char *ike_notify_name(uint16_t type)
{
    static const struct {
        uint16_t type;
        const char *name;
    } names[] = {
        {N_UNSUPPORTED_CRITICAL, "UNSUPPORTED_CRITICAL_PAYLOAD"},
        {N_INVALID_IKE_SPI, "INVALID_IKE_SPI"},
        {N_INVALID_MAJOR_VERSION, "INVALID_MAJOR_VERSION"},
        {N_INVALID_SYNTAX, "INVALID_SYNTAX"},
        {N_INVALID_MESSAGE_ID, "INVALID_MESSAGE_ID"},
        {N_INVALID_SPI, "INVALID_SPI"},
        {N_NO_PROPOSAL_CHOSEN, "NO_PROPOSAL_CHOSEN"},
        {N_INVALID_KE_PAYLOAD, "INVALID_KE_PAYLOAD"},
        {N_AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED"},
        {N_SINGLE_PAIR_REQUIRED, "SINGLE_PAIR_REQUIRED"},
        {N_NO_ADDITIONAL_SAS, "NO_ADDITIONAL_SAS"},
        {N_INTERNAL_ADDRESS_FAILURE, "INTERNAL_ADDRESS_FAILURE"},
        {N_FAILED_CP_REQUIRED, "FAILED_CP_REQUIRED"},
        {N_TS_UNACCEPTABLE, "TS_UNACCEPTABLE"},
        {N_INVALID_SELECTORS, "INVALID_SELECTORS"},
        {N_TEMPORARY_FAILURE, "TEMPORARY_FAILURE"},
        {N_CHILD_SA_NOT_FOUND, "CHILD_SA_NOT_FOUND"},
        {N_INITIAL_CONTACT, "INITIAL_CONTACT"},
        {N_SET_WINDOW_SIZE, "SET_WINDOW_SIZE"},
        {N_ADDITIONAL_TS_POSSIBLE, "ADDITIONAL_TS_POSSIBLE"},
        {N_NAT_SOURCE, "NAT_DETECTION_SOURCE_IP"},
        {N_NAT_DESTINATION, "NAT_DETECTION_DESTINATION_IP"},
        {N_COOKIE, "COOKIE"},
        {N_USE_TRANSPORT_MODE, "USE_TRANSPORT_MODE"},
        {N_REKEY_SA, "REKEY_SA"},
        {N_ESP_TFC_NOT_SUPPORTED, "ESP_TFC_PADDING_NOT_SUPPORTED"},
        {N_MESSAGE_ID_SYNC_SUPPORTED, "IKEV2_MESSAGE_ID_SYNC_SUPPORTED"},
        {N_MESSAGE_ID_SYNC, "IKEV2_MESSAGE_ID_SYNC"},
        {N_FRAGMENTATION, "IKEV2_FRAGMENTATION_SUPPORTED"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].type == type)
            return names[i].name;
    return "UNKNOWN";
}

/* --- reading ----------------------------------------------------------------------------- */

int ike_header_read(const uint8_t *msg, size_t len, struct ike_header *h)
{
    struct rbuf r = rbuf_make(msg, len);

    h->spi_i = rbuf_u64(&r);
    h->spi_r = rbuf_u64(&r);
    h->next = rbuf_u8(&r);
    h->version = rbuf_u8(&r);
    h->exchange = rbuf_u8(&r);
    h->flags = rbuf_u8(&r);
    h->mid = rbuf_u32(&r);
    h->len = rbuf_u32(&r);
    /* §1.5: only a message of no SA may come without SPIs. */
    if (r.bad || h->len != len || (h->spi_i == 0 && h->exchange != X_INFORMATIONAL))
        return -EBADMSG;
    return 0;
}

int ike_payloads_read(uint8_t first, const uint8_t *p, size_t len, struct ike_payloads *out)
{
    struct rbuf r = rbuf_make(p, len);
    uint8_t type = first;

    out->n = 0;
    out->seen = 0;
    out->sk_first = PL_NONE;
    out->bad_type = 0;
    while (type != PL_NONE) {
        uint8_t next = rbuf_u8(&r);
        bool critical = rbuf_u8(&r) & 0x80;
        uint16_t size = rbuf_u16(&r);

        if (r.bad || size < 4)
            return -EBADMSG;
        const uint8_t *body = rbuf_bytes(&r, size - 4u);
        if (r.bad)
            return -EBADMSG;
        const struct payload_rule *rule = rule_of(type);
        if (!rule) {
            /* §2.5: an unknown payload counts only when it says that it is critical. */
            if (critical) {
                out->bad_type = type;
                return -ENOTSUP;
            }
            type = next;
            continue;
        }
        if (size - 4u < rule->min || (!rule->repeat && (out->seen & PL_BIT(type))) ||
            out->n == IKE_PAYLOADS_MAX)
            return -EBADMSG;
        out->seen |= PL_BIT(type);
        out->v[out->n++] = (struct ike_payload){type, body, size - 4u};
        if (type == PL_SK || type == PL_SKF) {
            /* §3.14: always the last one; its "next" names the first one inside. */
            out->sk_first = next;
            next = PL_NONE;
        }
        type = next;
    }
    return rbuf_left(&r) == 0 ? 0 : -EBADMSG;
}

const struct ike_payload *ike_payload_find(const struct ike_payloads *l, uint8_t type)
{
    for (unsigned i = 0; i < l->n; i++)
        if (l->v[i].type == type)
            return &l->v[i];
    return NULL;
}

/* Attributes of one transform, §3.3.5: only Key Length is known. */
static void attributes_read(struct rbuf *r, struct ike_xform *x)
{
    while (rbuf_left(r) > 0) {
        uint16_t type = rbuf_u16(r);
        uint16_t value = rbuf_u16(r);
        if (type == (IKE_ATTR_TV | IKE_ATTR_KEY_LENGTH)) {
            x->keybits = value;
        } else {
            x->usable = false; /* §3.3.6: unknown attribute, do not choose this one */
            if (!(type & IKE_ATTR_TV))
                rbuf_bytes(r, value);
        }
    }
}

static int transforms_read(struct rbuf *r, unsigned count, struct ike_offer *o, struct ike_prop *p)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t more = rbuf_u8(r);
        rbuf_u8(r);
        uint16_t size = rbuf_u16(r);
        if (r->bad || size < 8 || more != (i + 1 < count ? 3 : 0) || o->n_x == IKE_OFFER_XFORMS)
            return -EBADMSG;
        struct rbuf t = rbuf_sub(r, size - 4u);
        struct ike_xform x = {.usable = true};
        x.type = rbuf_u8(&t);
        rbuf_u8(&t);
        x.id = rbuf_u16(&t);
        attributes_read(&t, &x);
        if (t.bad || r->bad)
            return -EBADMSG;
        o->x[o->n_x++] = x;
        p->n++;
    }
    return rbuf_left(r) == 0 ? 0 : -EBADMSG;
}

int ike_offer_read(const struct ike_payload *pl, struct ike_offer *out)
{
    struct rbuf r = rbuf_make(pl->p, pl->len);
    bool last = false;

    out->n = 0;
    out->n_x = 0;
    while (rbuf_left(&r) > 0) {
        uint8_t more = rbuf_u8(&r);
        rbuf_u8(&r);
        uint16_t size = rbuf_u16(&r);
        if (r.bad || last || size < 8 || (more != 0 && more != 2) || out->n == IKE_OFFER_PROPS)
            return -EBADMSG;
        last = more == 0;
        struct rbuf b = rbuf_sub(&r, size - 4u);
        struct ike_prop *p = &out->prop[out->n++];
        p->num = rbuf_u8(&b);
        p->proto = rbuf_u8(&b);
        p->spi_len = rbuf_u8(&b);
        unsigned count = rbuf_u8(&b);
        p->first = (uint16_t)out->n_x;
        p->n = 0;
        p->spi = 0;
        if (p->spi_len > IKE_SPI_LEN)
            return -EBADMSG;
        for (unsigned i = 0; i < p->spi_len; i++)
            p->spi = p->spi << 8 | rbuf_u8(&b);
        if (b.bad || r.bad || transforms_read(&b, count, out, p) < 0)
            return -EBADMSG;
    }
    return last ? 0 : -EBADMSG;
}

int ike_notify_read(const struct ike_payload *pl, struct ike_notify_pl *out)
{
    struct rbuf r = rbuf_make(pl->p, pl->len);

    out->proto = rbuf_u8(&r);
    out->spi_len = rbuf_u8(&r);
    out->type = rbuf_u16(&r);
    const uint8_t *spi = rbuf_bytes(&r, out->spi_len);
    out->len = rbuf_left(&r);
    out->data = r.p;
    out->spi = 0;
    if (r.bad)
        return -EBADMSG;
    if (out->spi_len == ESP_SPI_LEN) {
        struct rbuf s = rbuf_make(spi, ESP_SPI_LEN);
        out->spi = rbuf_u32(&s);
    }
    return 0;
}

bool ike_notify_find(const struct ike_payloads *l, uint16_t type, struct ike_notify_pl *out)
{
    for (unsigned i = 0; i < l->n; i++)
        if (l->v[i].type == PL_NOTIFY && ike_notify_read(&l->v[i], out) == 0 && out->type == type)
            return true;
    return false;
}

uint16_t ike_notify_error(const struct ike_payloads *l, struct ike_notify_pl *out)
{
    for (unsigned i = 0; i < l->n; i++)
        if (l->v[i].type == PL_NOTIFY && ike_notify_read(&l->v[i], out) == 0 && out->type != 0 &&
            out->type < N_ERROR_LIMIT)
            return out->type;
    return 0;
}

int ike_ke_read(const struct ike_payload *pl, struct ike_ke *out)
{
    struct rbuf r = rbuf_make(pl->p, pl->len);

    out->group = rbuf_u16(&r);
    rbuf_u16(&r);
    out->len = rbuf_left(&r);
    out->data = r.p;
    return r.bad || out->len == 0 ? -EBADMSG : 0;
}

int ike_id_read(const struct ike_payload *pl, struct ike_identity *out)
{
    struct rbuf r = rbuf_make(pl->p, pl->len);

    *out = (struct ike_identity){0};
    out->type = rbuf_u8(&r);
    rbuf_bytes(&r, 3);
    size_t n = rbuf_left(&r);
    if (r.bad || n == 0)
        return -EBADMSG;
    if ((out->type == ID_IPV4 && n != 4) || (out->type == ID_IPV6 && n != 16))
        return -EBADMSG;
    if (n > sizeof out->data)
        return -EMSGSIZE;
    memcpy(out->data, r.p, n);
    out->len = (uint8_t)n;
    return 0;
}

int ike_auth_read(const struct ike_payload *pl, struct ike_auth_pl *out)
{
    struct rbuf r = rbuf_make(pl->p, pl->len);

    out->method = rbuf_u8(&r);
    rbuf_bytes(&r, 3);
    out->len = rbuf_left(&r);
    out->data = r.p;
    return r.bad || out->len == 0 ? -EBADMSG : 0;
}

int ike_delete_read(const struct ike_payload *pl, struct ike_delete_pl *out)
{
    struct rbuf r = rbuf_make(pl->p, pl->len);

    out->proto = rbuf_u8(&r);
    uint8_t spi_len = rbuf_u8(&r);
    out->n = rbuf_u16(&r);
    /* §3.11: no SPI for IKE, four bytes each for AH and ESP */
    if (spi_len != (out->proto == PROTO_IKE ? 0 : ESP_SPI_LEN))
        return -EBADMSG;
    if (out->proto == PROTO_IKE && out->n != 0)
        return -EBADMSG;
    out->spis = rbuf_bytes(&r, (size_t)out->n * spi_len);
    return r.bad || rbuf_left(&r) != 0 ? -EBADMSG : 0;
}

/* The body of one selector; *r holds exactly what is after its length field. */
static int ts_one_read(uint8_t type, uint8_t proto, struct rbuf *r, struct ike_ts_list *out)
{
    struct ike_ts t = {.proto = proto};
    uint8_t family = type == TS_IPV4_RANGE ? AF_INET : AF_INET6;
    size_t n = family == AF_INET ? 4 : 16;

    t.port[0] = rbuf_u16(r);
    t.port[1] = rbuf_u16(r);
    const uint8_t *lo = rbuf_bytes(r, n);
    const uint8_t *hi = rbuf_bytes(r, n);
    if (r->bad || rbuf_left(r) != 0)
        return -EBADMSG;
    t.range.lo.family = t.range.hi.family = family;
    memcpy(t.range.lo.b, lo, n);
    memcpy(t.range.hi.b, hi, n);
    /* 65535..0 is OPAQUE (RFC 4301 §4.4.1.1), which no entry of ours can mean. */
    if (t.port[0] <= t.port[1] && memcmp(lo, hi, n) <= 0 && out->n < IKE_TS_LIST)
        out->v[out->n++] = t;
    return 0;
}

int ike_ts_read(const struct ike_payload *pl, struct ike_ts_list *out)
{
    struct rbuf r = rbuf_make(pl->p, pl->len);
    unsigned count = rbuf_u8(&r);

    rbuf_bytes(&r, 3);
    out->n = 0;
    if (count == 0)
        return -EBADMSG;
    for (unsigned i = 0; i < count; i++) {
        uint8_t type = rbuf_u8(&r);
        uint8_t proto = rbuf_u8(&r);
        uint16_t size = rbuf_u16(&r);
        if (r.bad || size < 4)
            return -EBADMSG;
        struct rbuf t = rbuf_sub(&r, size - 4u);
        if (r.bad)
            return -EBADMSG;
        /* §3.13: a selector of an unknown type is passed over */
        if ((type == TS_IPV4_RANGE || type == TS_IPV6_RANGE) &&
            ts_one_read(type, proto, &t, out) < 0)
            return -EBADMSG;
    }
    return r.bad || rbuf_left(&r) != 0 ? -EBADMSG : 0;
}

/* --- writing ----------------------------------------------------------------------------- */

struct ike_writer ike_writer_make(void *buf, size_t cap)
{
    return (struct ike_writer){.w = wbuf_make(buf, cap)};
}

void ike_w_header(struct ike_writer *w, const struct ike_header *h)
{
    wbuf_u64(&w->w, h->spi_i);
    wbuf_u64(&w->w, h->spi_r);
    wbuf_u8(&w->w, h->next);
    wbuf_u8(&w->w, h->version);
    wbuf_u8(&w->w, h->exchange);
    wbuf_u8(&w->w, h->flags);
    wbuf_u32(&w->w, h->mid);
    wbuf_u32(&w->w, h->len);
}

int ike_w_finish(struct ike_writer *w, size_t *len)
{
    if (w->w.bad || w->w.len < IKE_HEADER_LEN)
        return -EMSGSIZE;
    w->w.p[16] = w->first;
    wbuf_put_u32(&w->w, 24, (uint32_t)w->w.len);
    *len = w->w.len;
    return 0;
}

void ike_w_begin(struct ike_writer *w, uint8_t type)
{
    if (w->next_at == 0)
        w->first = type;
    else if (!w->w.bad)
        w->w.p[w->next_at - 1] = type;
    w->start = w->w.len;
    wbuf_u8(&w->w, PL_NONE);
    wbuf_u8(&w->w, 0); /* §3.2: the critical bit is 0 for the payloads of the RFC */
    wbuf_u16(&w->w, 0);
    w->next_at = w->start + 1; /* one more than the offset, so that 0 means "none" */
}

void ike_w_end(struct ike_writer *w)
{
    size_t n = w->w.len - w->start;

    if (w->w.bad)
        return;
    if (n > UINT16_MAX)
        w->w.bad = true;
    else
        wbuf_put_u16(&w->w, w->start + 2, (uint16_t)n);
}

void ike_w_payload(struct ike_writer *w, uint8_t type, const void *data, size_t len)
{
    ike_w_begin(w, type);
    wbuf_bytes(&w->w, data, len);
    ike_w_end(w);
}

void ike_w_notify(struct ike_writer *w, uint16_t type, const void *data, size_t len)
{
    ike_w_begin(w, PL_NOTIFY);
    wbuf_u8(&w->w, PROTO_NONE);
    wbuf_u8(&w->w, 0);
    wbuf_u16(&w->w, type);
    if (len > 0)
        wbuf_bytes(&w->w, data, len);
    ike_w_end(w);
}

void ike_w_notify_spi(struct ike_writer *w, uint16_t type, uint8_t proto, uint32_t spi)
{
    ike_w_begin(w, PL_NOTIFY);
    wbuf_u8(&w->w, proto);
    wbuf_u8(&w->w, ESP_SPI_LEN);
    wbuf_u16(&w->w, type);
    wbuf_u32(&w->w, spi);
    ike_w_end(w);
}

void ike_w_ke(struct ike_writer *w, uint16_t group, const uint8_t *pub, size_t len)
{
    ike_w_begin(w, PL_KE);
    wbuf_u16(&w->w, group);
    wbuf_u16(&w->w, 0);
    wbuf_bytes(&w->w, pub, len);
    ike_w_end(w);
}

void ike_w_id(struct ike_writer *w, uint8_t type, const struct ike_identity *id)
{
    ike_w_begin(w, type);
    wbuf_u8(&w->w, id->type);
    wbuf_u8(&w->w, 0);
    wbuf_u16(&w->w, 0);
    wbuf_bytes(&w->w, id->data, id->len);
    ike_w_end(w);
}

void ike_w_auth(struct ike_writer *w, uint8_t method, const uint8_t *data, size_t len)
{
    ike_w_begin(w, PL_AUTH);
    wbuf_u8(&w->w, method);
    wbuf_u8(&w->w, 0);
    wbuf_u16(&w->w, 0);
    wbuf_bytes(&w->w, data, len);
    ike_w_end(w);
}

void ike_w_delete(struct ike_writer *w, const uint32_t *spi, size_t n)
{
    ike_w_begin(w, PL_DELETE);
    wbuf_u8(&w->w, n ? PROTO_ESP : PROTO_IKE);
    wbuf_u8(&w->w, n ? ESP_SPI_LEN : 0);
    wbuf_u16(&w->w, (uint16_t)n);
    for (size_t i = 0; i < n; i++)
        wbuf_u32(&w->w, spi[i]);
    ike_w_end(w);
}

void ike_w_proposal(struct ike_writer *w, const struct ike_prop *p, const struct ike_xform_w *x,
                    size_t n, bool last)
{
    struct wbuf *b = &w->w;
    size_t start = b->len;

    wbuf_u8(b, last ? 0 : 2);
    wbuf_u8(b, 0);
    wbuf_u16(b, 0);
    wbuf_u8(b, p->num);
    wbuf_u8(b, p->proto);
    wbuf_u8(b, p->spi_len);
    wbuf_u8(b, (uint8_t)n);
    for (unsigned i = p->spi_len; i-- > 0;)
        wbuf_u8(b, (uint8_t)(p->spi >> (8 * i)));
    for (size_t i = 0; i < n; i++) {
        wbuf_u8(b, i + 1 < n ? 3 : 0);
        wbuf_u8(b, 0);
        wbuf_u16(b, x[i].keybits ? 12 : 8);
        wbuf_u8(b, x[i].type);
        wbuf_u8(b, 0);
        wbuf_u16(b, x[i].id);
        if (x[i].keybits) {
            wbuf_u16(b, IKE_ATTR_TV | IKE_ATTR_KEY_LENGTH);
            wbuf_u16(b, x[i].keybits);
        }
    }
    if (!b->bad)
        wbuf_put_u16(b, start + 2, (uint16_t)(b->len - start));
}
