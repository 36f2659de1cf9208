/*
 * The parser of IKEv1 payloads. As in IKEv2 reading has two levels: the chain of generic headers,
 * then one payload each. Anything that lies about a length is -EBADMSG.
 */
#include "control/isakmp/codec.h"
#include <errno.h>

static const struct payload_rule {
    uint8_t type, known_as;
    uint8_t min; /* bytes after the generic header */
} rules[] = {
    {ISP_SA, ISP_SA, 8},
    {ISP_KE, ISP_KE, 1},
    {ISP_ID, ISP_ID, 4},
    {ISP_CERT, ISP_CERT, 1},
    {ISP_CERTREQ, ISP_CERTREQ, 1},
    {ISP_HASH, ISP_HASH, 1},
    {ISP_SIG, ISP_SIG, 1},
    {ISP_NONCE, ISP_NONCE, ISK_NONCE_MIN},
    {ISP_NOTIFY, ISP_NOTIFY, 8},
    {ISP_DELETE, ISP_DELETE, 8},
    {ISP_VENDOR, ISP_VENDOR, 0},
    {ISP_NATD, ISP_NATD, 1},
    {ISP_NATOA, ISP_NATOA, 8},
    {ISP_NATD_07, ISP_NATD, 1},
    {ISP_NATOA_07, ISP_NATOA, 8},
    {ISP_NATD_DRAFT, ISP_NATD, 1},
    {ISP_NATOA_DRAFT, ISP_NATOA, 8},
};

static const struct payload_rule *rule_of(uint8_t type)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].type == type)
            return &rules[i];
    return NULL;
}

const char *isk_exchange_name(uint8_t exchange)
{
    switch (exchange) {
    case ISX_MAIN:
        return "MAIN";
    case ISX_AGGRESSIVE:
        return "AGGRESSIVE";
    case ISX_INFO:
        return "INFORMATIONAL";
    case ISX_QUICK:
        return "QUICK";
    default:
        return "UNKNOWN";
    }
}

const char *isk_notify_name(uint16_t type)
{
    static const struct {
        uint16_t type;
        const char *name;
    } names[] = {
        {ISN_INVALID_PAYLOAD_TYPE, "INVALID_PAYLOAD_TYPE"},
        {ISN_INVALID_COOKIE, "INVALID_COOKIE"},
        {ISN_INVALID_SPI, "INVALID_SPI"},
        {ISN_NO_PROPOSAL_CHOSEN, "PROPOSAL_NOT_CHOSEN"},
        {ISN_BAD_PROPOSAL_SYNTAX, "BAD_PROPOSAL_SYNTAX"},
        {ISN_PAYLOAD_MALFORMED, "PAYLOAD_MALFORMED"},
        {ISN_INVALID_KEY_INFORMATION, "INVALID_KEY_INFO"},
        {ISN_INVALID_ID_INFORMATION, "INVALID_ID_INFO"},
        {ISN_AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED"},
        {ISN_RESPONDER_LIFETIME, "RESPONDER_LIFETIME"},
        {ISN_REPLAY_STATUS, "REPLAY_STATUS"},
        {ISN_INITIAL_CONTACT, "INITIAL_CONTACT"},
        {ISN_R_U_THERE, "DPD/R_U_THERE"},
        {ISN_R_U_THERE_ACK, "DPD/R_U_THERE_ACK"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].type == type)
            return names[i].name;
    return "UNKNOWN";
}

int isk_header_read(const uint8_t *msg, size_t len, struct ike_header *h)
{
    /* RFC 2408 §3.1: the initiator's cookie is never zero; the form is that of IKEv2. No hash
     * covers the flags, so what makes no sense there is looked for here (§5.2). */
    if (ike_header_read(msg, len, h) < 0 || h->spi_i == 0 || (h->flags & ~ISK_F_KNOWN))
        return -EBADMSG;
    return 0;
}

int isk_payloads_read(uint8_t first, const uint8_t *p, size_t len, bool padded,
                      struct isk_payloads *out)
{
    struct rbuf r = rbuf_make(p, len);
    uint8_t type = first;

    out->n = 0;
    out->seen = 0;
    while (type != ISP_NONE) {
        const struct payload_rule *rule = rule_of(type);
        uint8_t next = rbuf_u8(&r), reserved = rbuf_u8(&r);
        uint16_t size = rbuf_u16(&r);
        if (r.bad || reserved != 0 || size < 4)
            return -EBADMSG;
        const uint8_t *body = rbuf_bytes(&r, size - 4u);
        if (r.bad || (rule && size - 4u < rule->min) || (!rule && type < 128) ||
            out->n == ISK_PAYLOADS_MAX)
            return -EBADMSG;
        /* Private payload types (RFC 2408 §3.1) that we do not know are skipped. */
        if (rule) {
            out->v[out->n++] = (struct ike_payload){rule->known_as, body, size - 4u};
            out->seen |= ISP_BIT(rule->known_as);
        }
        type = next;
    }
    out->used = len - rbuf_left(&r);
    return !padded && rbuf_left(&r) > 0 ? -EBADMSG : 0;
}

const struct ike_payload *isk_payload_find(const struct isk_payloads *l, uint8_t type, unsigned i)
{
    for (unsigned k = 0; k < l->n; k++)
        if (l->v[k].type == type && i-- == 0)
            return &l->v[k];
    return NULL;
}

/* --- the SA payload ------------------------------------------------------------------------- */

static int attrs_read(struct rbuf r, struct isk_xform *x)
{
    x->n_attr = 0;
    x->raw = r.p;
    x->raw_len = rbuf_left(&r);
    while (rbuf_left(&r) > 0) {
        uint16_t type = rbuf_u16(&r);
        struct isk_attr a = {.type = type & 0x7fffu, .basic = type & 0x8000u, .len = 2};
        if (!a.basic)
            a.len = rbuf_u16(&r);
        a.p = rbuf_bytes(&r, a.len);
        if (r.bad)
            return -EBADMSG;
        for (unsigned i = 0; a.len <= 8 && i < a.len; i++)
            a.value = a.value << 8 | a.p[i];
        if (x->n_attr == ISK_ATTRS)
            return -EBADMSG; /* one that we do not look at could change its meaning */
        x->attr[x->n_attr++] = a;
    }
    return 0;
}

int isk_attrs_read(const uint8_t *p, size_t len, struct isk_xform *out)
{
    *out = (struct isk_xform){0};
    return attrs_read(rbuf_make(p, len), out);
}

static int xforms_read(struct rbuf *r, unsigned count, struct isk_prop *p, struct isk_offer *out)
{
    p->first = (uint16_t)out->n_x;
    p->n = 0;
    for (unsigned i = 0; i < count; i++) {
        uint8_t next = rbuf_u8(r), reserved = rbuf_u8(r);
        uint16_t size = rbuf_u16(r);
        struct isk_xform x = {.num = rbuf_u8(r), .id = rbuf_u8(r)};
        uint16_t reserved2 = rbuf_u16(r);
        if (r->bad || size < 8 || reserved || reserved2 || next != (i + 1 < count ? 3 : 0))
            return -EBADMSG;
        struct rbuf body = rbuf_sub(r, size - 8u);
        if (r->bad || attrs_read(body, &x) < 0)
            return -EBADMSG;
        if (out->n_x < ISK_OFFER_XFORMS) {
            out->x[out->n_x++] = x;
            p->n++;
        }
    }
    return rbuf_left(r) > 0 ? -EBADMSG : 0;
}

int isk_offer_read(const struct ike_payload *pl, struct isk_offer *out)
{
    struct rbuf r = rbuf_make(pl->p, pl->len);
    uint32_t doi = rbuf_u32(&r), situation = rbuf_u32(&r);
    uint8_t next;

    out->n = out->n_x = 0;
    if (r.bad)
        return -EBADMSG;
    /* RFC 2408 §3.4: DOI 0 is the generic one, which some send in phase 1. */
    if (doi > ISK_DOI_IPSEC || situation != ISK_SIT_IDENTITY)
        return -ENOTSUP;
    do {
        next = rbuf_u8(&r);
        uint8_t reserved = rbuf_u8(&r);
        uint16_t size = rbuf_u16(&r);
        if (r.bad || reserved || size < 8 || (next != 0 && next != 2))
            return -EBADMSG;
        struct rbuf body = rbuf_sub(&r, size - 4u);
        struct isk_prop p = {.num = rbuf_u8(&body), .proto = rbuf_u8(&body)};
        p.spi_len = rbuf_u8(&body);
        unsigned count = rbuf_u8(&body);
        const uint8_t *spi = rbuf_bytes(&body, p.spi_len);
        if (r.bad || body.bad || count == 0)
            return -EBADMSG;
        if (p.spi_len == ESP_SPI_LEN)
            p.spi =
                (uint32_t)spi[0] << 24 | (uint32_t)spi[1] << 16 | (uint32_t)spi[2] << 8 | spi[3];
        if (xforms_read(&body, count, &p, out) < 0)
            return -EBADMSG;
        if (out->n < ISK_OFFER_PROPS && p.n > 0)
            out->prop[out->n++] = p;
    } while (next != 0);
    return rbuf_left(&r) > 0 || out->n == 0 ? -EBADMSG : 0;
}

const struct isk_attr *isk_attr_find(const struct isk_xform *x, uint16_t type)
{
    for (unsigned i = 0; i < x->n_attr; i++)
        if (x->attr[i].type == type)
            return &x->attr[i];
    return NULL;
}

/* --- the others ----------------------------------------------------------------------------- */

int isk_notify_read(const struct ike_payload *pl, struct isk_notify_pl *out)
{
    struct rbuf r = rbuf_make(pl->p, pl->len);

    (void)rbuf_u32(&r); /* the DOI: some send 0 */
    out->proto = rbuf_u8(&r);
    out->spi_len = rbuf_u8(&r);
    out->type = rbuf_u16(&r);
    out->spi = rbuf_bytes(&r, out->spi_len);
    out->len = rbuf_left(&r);
    out->data = rbuf_bytes(&r, out->len);
    return r.bad ? -EBADMSG : 0;
}

bool isk_notify_find(const struct isk_payloads *l, uint16_t type, struct isk_notify_pl *out)
{
    for (unsigned i = 0; i < l->n; i++)
        if (l->v[i].type == ISP_NOTIFY && isk_notify_read(&l->v[i], out) == 0 && out->type == type)
            return true;
    return false;
}

int isk_delete_read(const struct ike_payload *pl, struct isk_delete_pl *out)
{
    struct rbuf r = rbuf_make(pl->p, pl->len);

    (void)rbuf_u32(&r);
    out->proto = rbuf_u8(&r);
    out->spi_len = rbuf_u8(&r);
    out->n = rbuf_u16(&r);
    size_t right = out->proto == ISPROTO_ISAKMP ? ISK_COOKIES_LEN : ESP_SPI_LEN;
    out->spis = rbuf_bytes(&r, (size_t)out->n * out->spi_len);
    if (r.bad || rbuf_left(&r) > 0 || out->spi_len != right || out->n == 0 ||
        out->n > ISK_DELETE_MAX)
        return -EBADMSG;
    return 0;
}

int isk_id_read(const struct ike_payload *pl, struct isk_id *out)
{
    struct rbuf r = rbuf_make(pl->p, pl->len);

    out->type = rbuf_u8(&r);
    out->proto = rbuf_u8(&r);
    out->port = rbuf_u16(&r);
    out->len = rbuf_left(&r);
    out->data = rbuf_bytes(&r, out->len);
    return r.bad ? -EBADMSG : 0;
}

static struct addr addr_of(uint8_t family, const uint8_t *p)
{
    struct addr a = {.family = family};
    memcpy(a.b, p, addr_size(&a));
    return a;
}

bool isk_id_range(const struct isk_id *id, struct addr_range *out)
{
    bool six = id->type == ISID_IPV6 || id->type == ISID_IPV6_SUBNET || id->type == ISID_IPV6_RANGE;
    uint8_t family = six ? AF_INET6 : AF_INET;
    size_t size = six ? 16 : 4;
    struct addr second;

    switch (id->type) {
    case ISID_IPV4:
    case ISID_IPV6:
        if (id->len != size)
            return false;
        out->lo = out->hi = addr_of(family, id->data);
        return true;
    case ISID_IPV4_SUBNET:
    case ISID_IPV6_SUBNET: {
        if (id->len != 2 * size)
            return false;
        struct addr first = addr_of(family, id->data);
        second = addr_of(family, id->data + size);
        int len = addr_mask_to_len(&second);
        if (len < 0)
            return false;
        struct prefix p = prefix_make(&first, (unsigned)len);
        *out = prefix_range(&p);
        return true;
    }
    case ISID_IPV4_RANGE:
    case ISID_IPV6_RANGE:
        if (id->len != 2 * size)
            return false;
        out->lo = addr_of(family, id->data);
        out->hi = addr_of(family, id->data + size);
        return addr_cmp(&out->lo, &out->hi) <= 0;
    default:
        return false;
    }
}

bool isk_id_identity(const struct isk_id *id, struct ike_identity *out)
{
    if (id->len > IKE_ID_MAX)
        return false;
    *out = (struct ike_identity){.type = id->type, .len = (uint8_t)id->len};
    memcpy(out->data, id->data, id->len);
    return true;
}

bool isk_natoa_read(const struct ike_payload *pl, struct addr *out)
{
    struct isk_id id;
    struct addr_range r;

    if (isk_id_read(pl, &id) < 0 || (id.type != ISID_IPV4 && id.type != ISID_IPV6) ||
        !isk_id_range(&id, &r))
        return false;
    *out = r.lo;
    return true;
}
