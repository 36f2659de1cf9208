/*
 * Messages in fragments, RFC 7383: an IKE message that would not fit a packet is cut before it is
 * encrypted, so that each piece can be verified by itself and IP never has to cut anything.
 *
 * What a peer may make us keep is bounded: one message per direction, IKE_FRAGMENTS_MAX pieces,
 * and no more bytes than a message may have. A piece that does not verify is never kept.
 */
#include "control/ike/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

#define NUMBERS 4 /* fragment number, total */

/* --- out ----------------------------------------------------------------------------------- */

bool ike_fragment_out(struct ike_sa *sa, const struct ike_sk_key *key, const struct ike_header *h,
                      const struct ike_writer *w, const uint8_t *iv, size_t *len, int *err)
{
    struct ike *ike = sa->ike;
    size_t limit = ike->fragment_size, room = ike_fragment_room(key, limit), n = w->w.len;
    uint8_t own_iv[16];

    /* Unfragmented it is four bytes shorter, no more: a message of `room` always fits. */
    if (!sa->s.peer_fragments || limit == 0 || room == 0 || n <= room)
        return false;
    size_t total = (n + room - 1) / room;
    if (total > IKE_FRAGMENTS_MAX)
        return false;
    memcpy(own_iv, iv, sizeof own_iv);
    *len = 0;
    *err = 0;
    for (size_t i = 0; i < total && *err == 0; i++) {
        struct ike_fragment f = {(uint16_t)(i + 1), (uint16_t)total};
        size_t take = n - i * room < room ? n - i * room : room, one = 0;
        /* CBC wants an IV nobody can foresee, an AEAD one that never comes twice (see seal()). */
        ike->host.random(ike->h, own_iv + 4, sizeof own_iv - 4);
        own_iv[4] = (uint8_t)f.num;
        *err = ike_seal_fragment(ike->c, key, h, w->first, &f, w->w.p + i * room, take, own_iv,
                                 ike->out + *len, sizeof ike->out - *len, &one);
        *len += one;
    }
    ike_debug_sa(sa, 5, "Sending in %zu fragments", total);
    return true;
}

/* --- in ------------------------------------------------------------------------------------ */

void ike_parts_free(struct ike_parts *p)
{
    if (!p)
        return;
    for (unsigned i = 0; i < IKE_FRAGMENTS_MAX; i++) {
        if (p->part[i].p)
            mem_wipe(p->part[i].p, p->part[i].len);
        free(p->part[i].p);
    }
    free(p);
}

/* The place for fragments of this message. §2.6: a peer that tries smaller ones begins anew, and
 * pieces of its earlier attempt are worth nothing. NULL: not to be kept. */
static struct ike_parts *parts_for(struct ike_sa *sa, const struct ike_rx *rx, uint16_t total)
{
    struct ike_parts **at = &sa->parts[rx->h.flags & IKE_F_RESPONSE ? 1 : 0], *p = *at;

    if (p && p->mid == rx->h.mid && p->exchange == rx->h.exchange) {
        if (p->total == total)
            return p;
        if (total < p->total)
            return NULL;
    }
    ike_parts_free(p);
    *at = p = calloc(1, sizeof *p);
    if (p) {
        p->mid = rx->h.mid;
        p->exchange = rx->h.exchange;
        p->total = total;
    }
    return p;
}

static bool keep(struct ike_parts *p, unsigned num, uint8_t first, const uint8_t *data, size_t n)
{
    if (p->part[num - 1].p)
        return true; /* came twice */
    if (n > IKE_IN_MAX - p->bytes)
        return false;
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        return false;
    memcpy(copy, data, n);
    p->part[num - 1].p = copy;
    p->part[num - 1].len = n;
    p->bytes += n;
    p->have++;
    if (num == 1)
        p->first = first;
    return true;
}

static void join(struct ike_sa *sa, struct ike_rx *rx, struct ike_parts *p, size_t *n)
{
    *n = 0;
    for (unsigned i = 0; i < p->total; i++) {
        memcpy(sa->ike->plain_in + *n, p->part[i].p, p->part[i].len);
        *n += p->part[i].len;
    }
    rx->pl.sk_first = p->first;
    sa->parts[rx->h.flags & IKE_F_RESPONSE ? 1 : 0] = NULL;
    ike_parts_free(p);
}

enum ike_drop ike_fragment_in(struct ike_sa *sa, struct ike_rx *rx, const struct ike_sk_key *key,
                              size_t *n)
{
    struct ike *ike = sa->ike;
    const struct ike_payload *skf = ike_payload_find(&rx->pl, PL_SKF);
    bool response = rx->h.flags & IKE_F_RESPONSE;

    if (!skf || !sa->s.peer_fragments)
        return IKE_DROP_PAYLOADS;
    struct rbuf r = rbuf_make(skf->p, skf->len);
    uint16_t num = rbuf_u16(&r), total = rbuf_u16(&r);
    if (num == 0 || num > total || total > IKE_FRAGMENTS_MAX)
        return IKE_DROP_PAYLOADS;
    if (ike_open(ike->c, key, rx->msg, rx->len, (size_t)(skf->p - rx->msg) + NUMBERS, ike->plain_in,
                 n) < 0)
        return IKE_DROP_INTEGRITY;
    /* §2.6.1: the first fragment stands for a request that is repeated. */
    if (!response && sa->resp.msg && rx->h.mid == sa->resp.mid)
        return num == 1 ? IKE_DROP_NONE : IKE_DROP_PART;
    struct ike_parts *p = parts_for(sa, rx, total);
    if (!p)
        return IKE_DROP_PART;
    bool kept = keep(p, num, rx->pl.sk_first, ike->plain_in, *n);
    mem_wipe(ike->plain_in, *n);
    if (!kept)
        return IKE_DROP_MEMORY;
    if (p->have < p->total)
        return IKE_DROP_PART;
    join(sa, rx, p, n);
    return IKE_DROP_NONE;
}
