/* The writer of IKEv1 payloads. Numbers and forms: RFC 2408 §3, RFC 2407 §4.6. */
#include "control/isakmp/codec.h"

static void id_head(struct ike_writer *w, uint8_t type, uint8_t proto, uint16_t port)
{
    ike_w_begin(w, ISP_ID);
    wbuf_u8(&w->w, type);
    wbuf_u8(&w->w, proto);
    wbuf_u16(&w->w, port);
}

void isk_w_id(struct ike_writer *w, const struct ike_identity *id, uint8_t proto, uint16_t port)
{
    id_head(w, id->type, proto, port);
    wbuf_bytes(&w->w, id->data, id->len);
    ike_w_end(w);
}

void isk_w_id_selector(struct ike_writer *w, const struct selector *s, bool local)
{
    const struct addr_range *r = local ? &s->local : &s->remote;
    const uint16_t *ports = local ? s->lport : s->rport;
    uint16_t port = ports[0] == ports[1] ? ports[0] : 0;
    bool six = r->lo.family == AF_INET6;
    size_t size = addr_size(&r->lo);
    struct prefix p;

    if (addr_eq(&r->lo, &r->hi)) {
        id_head(w, six ? ISID_IPV6 : ISID_IPV4, s->proto, port);
        wbuf_bytes(&w->w, r->lo.b, size);
    } else if (range_to_prefix(r, &p)) {
        struct addr mask = addr_len_to_mask(p.addr.family, p.len);
        id_head(w, six ? ISID_IPV6_SUBNET : ISID_IPV4_SUBNET, s->proto, port);
        wbuf_bytes(&w->w, p.addr.b, size);
        wbuf_bytes(&w->w, mask.b, size);
    } else {
        id_head(w, six ? ISID_IPV6_RANGE : ISID_IPV4_RANGE, s->proto, port);
        wbuf_bytes(&w->w, r->lo.b, size);
        wbuf_bytes(&w->w, r->hi.b, size);
    }
    ike_w_end(w);
}

void isk_w_notify(struct ike_writer *w, uint16_t type, uint8_t proto, const void *spi,
                  size_t spi_len, const void *data, size_t len)
{
    ike_w_begin(w, ISP_NOTIFY);
    wbuf_u32(&w->w, ISK_DOI_IPSEC);
    wbuf_u8(&w->w, proto);
    wbuf_u8(&w->w, (uint8_t)spi_len);
    wbuf_u16(&w->w, type);
    if (spi_len > 0)
        wbuf_bytes(&w->w, spi, spi_len);
    if (len > 0)
        wbuf_bytes(&w->w, data, len);
    ike_w_end(w);
}

void isk_w_delete(struct ike_writer *w, uint8_t proto, const void *spis, size_t n)
{
    size_t one = proto == ISPROTO_ISAKMP ? ISK_COOKIES_LEN : ESP_SPI_LEN;

    ike_w_begin(w, ISP_DELETE);
    wbuf_u32(&w->w, ISK_DOI_IPSEC);
    wbuf_u8(&w->w, proto);
    wbuf_u8(&w->w, (uint8_t)one);
    wbuf_u16(&w->w, (uint16_t)n);
    wbuf_bytes(&w->w, spis, n * one);
    ike_w_end(w);
}

/* --- the SA payload ------------------------------------------------------------------------- */

#define NONE SIZE_MAX

struct isk_sa_w isk_w_sa_begin(struct ike_writer *w)
{
    ike_w_begin(w, ISP_SA);
    wbuf_u32(&w->w, ISK_DOI_IPSEC);
    wbuf_u32(&w->w, ISK_SIT_IDENTITY);
    return (struct isk_sa_w){.w = w, .last_prop = NONE};
}

static void set_u8(struct isk_sa_w *s, size_t at, uint8_t v)
{
    if (!s->w->w.bad)
        s->w->w.p[at] = v;
}

void isk_w_prop_begin(struct isk_sa_w *s, uint8_t num, uint8_t proto, const uint32_t *spi)
{
    struct wbuf *b = &s->w->w;

    if (s->last_prop != NONE)
        set_u8(s, s->last_prop, 2); /* "more proposals" */
    s->prop = s->last_prop = b->len;
    s->last_xform = NONE;
    s->n_x = 0;
    wbuf_u8(b, 0);
    wbuf_u8(b, 0);
    wbuf_u16(b, 0);
    wbuf_u8(b, num);
    wbuf_u8(b, proto);
    wbuf_u8(b, spi ? ESP_SPI_LEN : 0);
    wbuf_u8(b, 0);
    if (spi)
        wbuf_u32(b, *spi);
}

void isk_w_xform_begin(struct isk_sa_w *s, uint8_t num, uint8_t id)
{
    struct wbuf *b = &s->w->w;

    if (s->last_xform != NONE)
        set_u8(s, s->last_xform, 3);
    s->xform = s->last_xform = b->len;
    s->n_x++;
    wbuf_u8(b, 0);
    wbuf_u8(b, 0);
    wbuf_u16(b, 0);
    wbuf_u8(b, num);
    wbuf_u8(b, id);
    wbuf_u16(b, 0);
}

void isk_w_attr(struct isk_sa_w *s, uint16_t type, uint16_t value)
{
    wbuf_u16(&s->w->w, IKE_ATTR_TV | type);
    wbuf_u16(&s->w->w, value);
}

void isk_w_attr_long(struct isk_sa_w *s, uint16_t type, uint32_t value, bool basic)
{
    if (basic && value <= UINT16_MAX) {
        isk_w_attr(s, type, (uint16_t)value);
        return;
    }
    wbuf_u16(&s->w->w, type);
    wbuf_u16(&s->w->w, 4);
    wbuf_u32(&s->w->w, value);
}

static void end_at(struct isk_sa_w *s, size_t start)
{
    if (!s->w->w.bad)
        wbuf_put_u16(&s->w->w, start + 2, (uint16_t)(s->w->w.len - start));
}

void isk_w_xform_end(struct isk_sa_w *s)
{
    end_at(s, s->xform);
}

void isk_w_prop_end(struct isk_sa_w *s)
{
    set_u8(s, s->prop + 7, s->n_x);
    end_at(s, s->prop);
}

void isk_w_sa_end(struct isk_sa_w *s)
{
    ike_w_end(s->w);
}
