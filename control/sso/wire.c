/* SSO messages. See wire.h. */
#include "control/sso/wire.h"
#include <errno.h>

#define AT_LENGTH 12          /* in the header */
#define IS_BYTES  0x80000000u /* of an SA's handle, which has 31 bits */

/* --- reading ------------------------------------------------------------------------------------
 */

static void read_name(struct rbuf *r, char *out, size_t cap)
{
    const uint8_t *p = rbuf_bytes(r, cap);
    if (!p)
        return;
    memcpy(out, p, cap);
    if (out[cap - 1] != '\0')
        r->bad = true;
    for (const char *c = out; *c; c++) /* it will be printed */
        if (*c < ' ' || *c > '~')
            r->bad = true;
}

static void read_state(struct rbuf *r, struct sso_hello *h)
{
    h->state = rbuf_u8(r);
    uint8_t holds = rbuf_u8(r);
    h->mono = (int64_t)rbuf_u64(r);
    h->holds = holds == 1;
    if (h->state < RF_DISABLED || h->state > RF_ACTIVE || holds > 1 || h->mono < 0)
        r->bad = true;
}

static void read_hello(struct rbuf *r, struct sso_hello *h)
{
    read_state(r, h);
    read_name(r, h->version, sizeof(h->version));
    h->boot = rbuf_u64(r);
    h->n_section = rbuf_u8(r);
    if (h->n_section > SSO_SECTIONS) {
        r->bad = true;
        return;
    }
    for (unsigned i = 0; i < h->n_section && !r->bad; i++) {
        read_name(r, h->section[i].name, sizeof(h->section[i].name));
        const uint8_t *p = rbuf_bytes(r, SSO_DIGEST);
        if (p)
            memcpy(h->section[i].digest, p, SSO_DIGEST);
    }
}

static void read_part(struct rbuf *r, struct sso_item *i)
{
    i->total = rbuf_u32(r);
    i->offset = rbuf_u32(r);
    i->len = rbuf_u32(r);
    if (!i->total || i->total > SSO_RECORD_MOST || !i->len || i->len > SSO_PART ||
        i->offset >= i->total || i->len > i->total - i->offset)
        r->bad = true;
    else
        i->p = rbuf_bytes(r, i->len);
}

bool sso_wire_item(struct rbuf *r, struct sso_item *i)
{
    *i = (struct sso_item){0};
    if (!rbuf_left(r))
        return false;
    uint8_t op = rbuf_u8(r), kind = rbuf_u8(r);
    i->op = (enum sso_op)op;
    i->kind = (enum sso_kind)kind;
    i->number = rbuf_u64(r);
    i->key = rbuf_u64(r);
    bool record = op == SSO_PUT || op == SSO_REMOVE;
    if (op < SSO_PUT || op > SSO_EXACT || kind >= SSO_KINDS || record != (kind != 0) ||
        !i->number || (!record && (!i->key || i->key > INT32_MAX)))
        r->bad = true;
    else if (op == SSO_PUT)
        read_part(r, i);
    else if (!record) {
        i->ceiling = rbuf_u64(r);
        i->limit = rbuf_u64(r);
    }
    return !r->bad;
}

bool sso_wire_moved(struct rbuf *r, struct sso_moved *m)
{
    *m = (struct sso_moved){0};
    if (!rbuf_left(r))
        return false;
    uint32_t sa = rbuf_u32(r);
    m->sa = sa & ~IS_BYTES;
    m->is_bytes = (sa & IS_BYTES) != 0;
    m->value = rbuf_u64(r);
    if (!m->sa || (m->is_bytes && m->value > SSO_BYTES_MOST))
        r->bad = true;
    return !r->bad;
}

/* Walks through all, so that nobody else has to look for errors. */
static void check_items(struct rbuf *r, enum sso_type type)
{
    struct rbuf walk = *r;
    struct sso_item item;
    struct sso_moved moved;
    while (type == SSO_RECORDS ? sso_wire_item(&walk, &item) : sso_wire_moved(&walk, &moved))
        ;
    if (walk.bad)
        r->bad = true;
}

static void read_body(struct rbuf *r, struct sso_message *m)
{
    switch (m->type) {
    case SSO_HELLO:
        read_hello(r, &m->hello);
        break;
    case SSO_STATE:
        read_state(r, &m->hello);
        break;
    case SSO_BULK_BEGIN:
    case SSO_BULK_END:
    case SSO_ACK:
        m->number = rbuf_u64(r);
        break;
    case SSO_RECORDS:
    case SSO_MOVED:
        check_items(r, m->type);
        m->items = *r;
        r->p = r->end;
        break;
    case SSO_SWITCH:
        m->step = rbuf_u8(r);
        if (!m->step || m->step >= SSO_SWITCH_STEPS)
            r->bad = true;
        break;
    case SSO_BYE:
        m->bye = rbuf_u8(r);
        if (m->bye >= SSO_BYES)
            r->bad = true;
        break;
    default:
        r->bad = true;
        break;
    }
}

int sso_wire_read(const uint8_t *p, size_t n, struct sso_message *m)
{
    struct rbuf r = rbuf_make(p, n);
    memset(m, 0, sizeof(*m));
    uint32_t magic = rbuf_u32(&r);
    uint8_t version = rbuf_u8(&r);
    m->type = (enum sso_type)rbuf_u8(&r);
    uint16_t zero = rbuf_u16(&r);
    m->epoch = rbuf_u32(&r);
    uint32_t length = rbuf_u32(&r);
    if (r.bad || magic != SSO_MAGIC)
        return -EPROTO;
    if (version != SSO_WIRE)
        return -EPROTONOSUPPORT;
    if (zero || length != rbuf_left(&r))
        return -EPROTO;
    read_body(&r, m);
    return r.bad || rbuf_left(&r) ? -EPROTO : 0;
}

/* --- writing ------------------------------------------------------------------------------------
 */

void sso_wire_begin(struct wbuf *w, enum sso_type type, uint32_t epoch)
{
    w->len = 0;
    w->bad = false;
    wbuf_u32(w, SSO_MAGIC);
    wbuf_u8(w, SSO_WIRE);
    wbuf_u8(w, (uint8_t)type);
    wbuf_u16(w, 0);
    wbuf_u32(w, epoch);
    wbuf_u32(w, 0);
}

void sso_wire_end(struct wbuf *w)
{
    if (!w->bad)
        wbuf_put_u32(w, AT_LENGTH, (uint32_t)(w->len - SSO_HEADER));
}

size_t sso_wire_item_size(const struct sso_item *i)
{
    return 18 + (i->op == SSO_PUT ? 12 + (size_t)i->len : i->op == SSO_REMOVE ? 0 : 16);
}

void sso_wire_add_item(struct wbuf *w, const struct sso_item *i)
{
    bool record = i->op == SSO_PUT || i->op == SSO_REMOVE;
    wbuf_u8(w, (uint8_t)i->op);
    wbuf_u8(w, record ? (uint8_t)i->kind : 0);
    wbuf_u64(w, i->number);
    wbuf_u64(w, i->key);
    if (i->op == SSO_PUT) {
        wbuf_u32(w, i->total);
        wbuf_u32(w, i->offset);
        wbuf_u32(w, i->len);
        wbuf_bytes(w, i->p, i->len);
    } else if (!record) {
        wbuf_u64(w, i->ceiling);
        wbuf_u64(w, i->limit);
    }
}

void sso_wire_add_moved(struct wbuf *w, const struct sso_moved *m)
{
    wbuf_u32(w, m->sa | (m->is_bytes ? IS_BYTES : 0));
    wbuf_u64(w, m->value);
}

static void write_state(struct wbuf *w, const struct sso_hello *h)
{
    wbuf_u8(w, h->state);
    wbuf_u8(w, h->holds);
    wbuf_u64(w, (uint64_t)h->mono);
}

static void write_hello(struct wbuf *w, const struct sso_hello *h)
{
    write_state(w, h);
    wbuf_bytes(w, h->version, sizeof(h->version));
    wbuf_u64(w, h->boot);
    wbuf_u8(w, h->n_section);
    for (unsigned i = 0; i < h->n_section; i++) {
        wbuf_bytes(w, h->section[i].name, sizeof(h->section[i].name));
        wbuf_bytes(w, h->section[i].digest, SSO_DIGEST);
    }
}

int sso_wire_write(struct wbuf *w, const struct sso_message *m)
{
    sso_wire_begin(w, m->type, m->epoch);
    if (m->type == SSO_HELLO)
        write_hello(w, &m->hello);
    else if (m->type == SSO_STATE)
        write_state(w, &m->hello);
    else if (m->type == SSO_SWITCH)
        wbuf_u8(w, m->step);
    else if (m->type == SSO_BYE)
        wbuf_u8(w, m->bye);
    else
        wbuf_u64(w, m->number);
    sso_wire_end(w);
    return w->bad ? -EMSGSIZE : 0;
}
