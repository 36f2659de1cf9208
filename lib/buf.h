/*
 * Bounded cursors over bytes, for every codec.
 *
 * A reader or writer that runs past its end sets `bad` and from then on yields
 * zeros or writes nothing; the codec checks `bad` once, at its end. Integers are
 * in network order.
 */
#ifndef TANDEM_LIB_BUF_H
#define TANDEM_LIB_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rbuf {
    const uint8_t *p, *end;
    bool bad;
};

static inline struct rbuf rbuf_make(const void *data, size_t len)
{
    static const uint8_t nothing[1]; /* an empty reader must not do arithmetic on NULL */
    const uint8_t *p = data ? (const uint8_t *)data : nothing;
    return (struct rbuf){.p = p, .end = p + len, .bad = false};
}
static inline size_t rbuf_left(const struct rbuf *r)
{
    return r->bad ? 0 : (size_t)(r->end - r->p);
}
/* Points into the buffer, or NULL (and bad) when fewer than n bytes are left. */
const uint8_t *rbuf_bytes(struct rbuf *r, size_t n);
uint8_t rbuf_u8(struct rbuf *r);
uint16_t rbuf_u16(struct rbuf *r);
uint32_t rbuf_u32(struct rbuf *r);
uint64_t rbuf_u64(struct rbuf *r);
/* A reader over the next n bytes, which are skipped in r. */
struct rbuf rbuf_sub(struct rbuf *r, size_t n);

struct wbuf {
    uint8_t *p;
    size_t len, cap;
    bool bad;
};

static inline struct wbuf wbuf_make(void *data, size_t cap)
{
    return (struct wbuf){.p = (uint8_t *)data, .len = 0, .cap = cap, .bad = false};
}
/* Room for n bytes, or NULL (and bad). */
uint8_t *wbuf_room(struct wbuf *w, size_t n);
void wbuf_bytes(struct wbuf *w, const void *src, size_t n);
void wbuf_u8(struct wbuf *w, uint8_t v);
void wbuf_u16(struct wbuf *w, uint16_t v);
void wbuf_u32(struct wbuf *w, uint32_t v);
void wbuf_u64(struct wbuf *w, uint64_t v);
/* Overwrites two bytes at an offset already written (length fields). */
void wbuf_put_u16(struct wbuf *w, size_t at, uint16_t v);
void wbuf_put_u32(struct wbuf *w, size_t at, uint32_t v);

#endif
