/*
 * Messages in pieces, Cisco's extension ("FRAGMENTATION" among the vendor IDs): a message that is
 * too long is cut as it is, encrypted or not, and each piece travels behind a header of its own as
 * the one payload: a number of the message, of the piece, and a flag on the last.
 *
 * Pieces are not authenticated, only the whole is. So there is one message in the making per SA,
 * only from where its peer is, and it is bounded.
 */
#include "control/isakmp/internal.h"
#include "lib/mem.h"
#include <stdlib.h>

#define PARTS_MAX 32
#define WHOLE_MAX 16384
#define HEAD      8u /* of a piece: generic header, numbers, flags */
#define LAST      1u

struct isk_parts {
    uint16_t id;
    unsigned total; /* 0: the last one is not here yet */
    size_t bytes;
    struct isk_msg part[PARTS_MAX];
};

void isk_parts_free(struct isk_parts *p)
{
    if (!p)
        return;
    for (unsigned i = 0; i < PARTS_MAX; i++)
        isk_msg_free(&p->part[i]);
    free(p);
}

/* --- sending -------------------------------------------------------------------------------------
 */

/* As others do: the header of a piece has message ID 0 and phase 1's exchange, whatever the whole
 * is. */
static void send_part(struct isk_sa *sa, const struct ike_path *p, uint16_t id, unsigned num,
                      bool last, const uint8_t *data, size_t len)
{
    uint8_t buf[ISK_FRAGMENT_SIZE];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    struct ike_header h = {.spi_i = sa->s.spi_i,
                           .spi_r = sa->s.spi_r,
                           .version = ISK_VERSION,
                           .exchange = sa->s.aggressive ? ISX_AGGRESSIVE : ISX_MAIN};
    size_t n;

    ike_w_header(&w, &h);
    ike_w_begin(&w, ISP_FRAGMENT);
    wbuf_u16(&w.w, id);
    wbuf_u8(&w.w, (uint8_t)num);
    wbuf_u8(&w.w, last ? LAST : 0);
    wbuf_bytes(&w.w, data, len);
    ike_w_end(&w);
    if (ike_w_finish(&w, &n) == 0)
        ike_outq_add(&sa->k->queue, p, buf, n);
}

bool isk_fragment_out(struct isk_sa *sa, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    const size_t room = ISK_FRAGMENT_SIZE - ISK_HEADER_LEN - HEAD;

    if (!sa->fragments || !sa->s.peer_fragments || len <= ISK_FRAGMENT_SIZE ||
        len > room * PARTS_MAX)
        return false;
    sa->fragment_id++;
    for (unsigned num = 1; len > 0; num++) {
        size_t n = len < room ? len : room;
        send_part(sa, p, sa->fragment_id, num, n == len, msg, n);
        msg += n;
        len -= n;
    }
    return true;
}

/* --- receiving -----------------------------------------------------------------------------------
 */

bool isk_is_fragment(const uint8_t *msg, size_t len)
{
    return len >= ISK_HEADER_LEN && msg[16] == ISP_FRAGMENT;
}

/* The one payload of a piece. */
static bool read_part(const uint8_t *msg, size_t len, struct ike_header *h, uint16_t *id,
                      unsigned *num, bool *last, struct bytes *data)
{
    struct rbuf r = rbuf_make(msg, len);

    if (isk_header_read(msg, len, h) < 0)
        return false;
    (void)rbuf_bytes(&r, ISK_HEADER_LEN + 2);
    uint16_t size = rbuf_u16(&r);
    *id = rbuf_u16(&r);
    *num = rbuf_u8(&r);
    *last = rbuf_u8(&r) & LAST;
    if (r.bad || size <= HEAD || size - HEAD > rbuf_left(&r) || *num == 0 || *num > PARTS_MAX)
        return false;
    data->n = size - HEAD;
    data->p = rbuf_bytes(&r, data->n);
    return true;
}

/* The message that this piece belongs to; another number begins another one. */
static struct isk_parts *parts_of(struct isk_sa *sa, uint16_t id)
{
    if (sa->parts && sa->parts->id != id) {
        isk_parts_free(sa->parts);
        sa->parts = NULL;
    }
    if (!sa->parts) {
        sa->parts = calloc(1, sizeof *sa->parts);
        if (sa->parts)
            sa->parts->id = id;
    }
    return sa->parts;
}

/* Counting does not do: a forged piece may stand behind the one that says to be the last. */
static bool complete(const struct isk_parts *p)
{
    unsigned n = 0;
    while (n < p->total && p->part[n].p)
        n++;
    return p->total && n == p->total;
}

static uint8_t *join(const struct isk_parts *p, size_t *len)
{
    uint8_t *whole = malloc(p->bytes ? p->bytes : 1);

    *len = 0;
    for (unsigned i = 0; whole && i < p->total; i++) {
        memcpy(whole + *len, p->part[i].p, p->part[i].len);
        *len += p->part[i].len;
    }
    return whole;
}

void isk_fragment_in(struct isakmp *k, const struct ike_path *p, const uint8_t *msg, size_t len,
                     void (*whole)(struct isakmp *k, const struct ike_path *p, const uint8_t *msg,
                                   size_t len))
{
    struct ike_header h;
    struct bytes data;
    uint16_t id;
    unsigned num;
    bool last;

    if (!read_part(msg, len, &h, &id, &num, &last, &data)) {
        isk_dropped(k, NULL, ISK_DROP_PAYLOADS);
        return;
    }
    struct isk_sa *sa = isk_sa_find(k, h.spi_i, h.spi_r);
    if (!sa || !sa->fragments || !addr_eq(&sa->s.path.remote, &p->remote)) {
        isk_dropped(k, sa, sa ? ISK_DROP_UNEXPECTED : ISK_DROP_UNKNOWN_SA);
        return;
    }
    struct isk_parts *parts = parts_of(sa, id);
    if (!parts || parts->bytes + data.n > WHOLE_MAX) {
        isk_dropped(k, sa, parts ? ISK_DROP_LIMIT : ISK_DROP_MEMORY);
        return;
    }
    if (parts->part[num - 1].p || isk_keep(&parts->part[num - 1], data.p, data.n) < 0)
        return;
    parts->bytes += data.n;
    if (last)
        parts->total = num;
    k->stats.dropped[ISK_DROP_PART]++; /* not a drop */
    if (!complete(parts))
        return;
    size_t n = 0;
    uint8_t *all = join(parts, &n);
    isk_parts_free(parts);
    sa->parts = NULL;
    if (all)
        whole(k, p, all, n);
    free(all);
}
