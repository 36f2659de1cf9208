/* Bounded byte cursors. See buf.h. */
#include "lib/buf.h"

const uint8_t *rbuf_bytes(struct rbuf *r, size_t n)
{
    if (r->bad || (size_t)(r->end - r->p) < n) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += n;
    return p;
}

static uint64_t read_int(struct rbuf *r, unsigned n)
{
    const uint8_t *p = rbuf_bytes(r, n);
    uint64_t v = 0;
    for (unsigned i = 0; p && i < n; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t rbuf_u8(struct rbuf *r)
{
    return (uint8_t)read_int(r, 1);
}
uint16_t rbuf_u16(struct rbuf *r)
{
    return (uint16_t)read_int(r, 2);
}
uint32_t rbuf_u32(struct rbuf *r)
{
    return (uint32_t)read_int(r, 4);
}
uint64_t rbuf_u64(struct rbuf *r)
{
    return read_int(r, 8);
}

struct rbuf rbuf_sub(struct rbuf *r, size_t n)
{
    const uint8_t *p = rbuf_bytes(r, n);
    if (!p)
        return (struct rbuf){.p = r->end, .end = r->end, .bad = true};
    return rbuf_make(p, n);
}

uint8_t *wbuf_room(struct wbuf *w, size_t n)
{
    if (w->bad || w->cap - w->len < n) {
        w->bad = true;
        return NULL;
    }
    uint8_t *p = w->p + w->len;
    w->len += n;
    return p;
}

void wbuf_bytes(struct wbuf *w, const void *src, size_t n)
{
    uint8_t *p = wbuf_room(w, n);
    if (p && n)
        memcpy(p, src, n);
}

static void store_int(uint8_t *p, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

static void write_int(struct wbuf *w, uint64_t v, unsigned n)
{
    uint8_t *p = wbuf_room(w, n);
    if (p)
        store_int(p, v, n);
}

void wbuf_u8(struct wbuf *w, uint8_t v)
{
    write_int(w, v, 1);
}
void wbuf_u16(struct wbuf *w, uint16_t v)
{
    write_int(w, v, 2);
}
void wbuf_u32(struct wbuf *w, uint32_t v)
{
    write_int(w, v, 4);
}
void wbuf_u64(struct wbuf *w, uint64_t v)
{
    write_int(w, v, 8);
}

void wbuf_put_u16(struct wbuf *w, size_t at, uint16_t v)
{
    if (at + 2 <= w->len)
        store_int(w->p + at, v, 2);
    else
        w->bad = true;
}

void wbuf_put_u32(struct wbuf *w, size_t at, uint32_t v)
{
    if (at + 4 <= w->len)
        store_int(w->p + at, v, 4);
    else
        w->bad = true;
}
