/*
 * Traffic selectors, RFC 7296 §2.9 and §3.13: on the wire two lists (TSi, TSr), in this box
 * pairs of a local and a remote side.
 */
#include "control/ike/codec.h"

void ike_w_ts(struct ike_writer *w, uint8_t type, const struct selector *sel, size_t n, bool local)
{
    struct wbuf *b = &w->w;

    ike_w_begin(w, type);
    wbuf_u8(b, (uint8_t)n);
    wbuf_u8(b, 0);
    wbuf_u16(b, 0);
    for (size_t i = 0; i < n; i++) {
        const struct addr_range *r = local ? &sel[i].local : &sel[i].remote;
        const uint16_t *port = local ? sel[i].lport : sel[i].rport;
        unsigned size = addr_size(&r->lo);
        wbuf_u8(b, size == 4 ? TS_IPV4_RANGE : TS_IPV6_RANGE);
        wbuf_u8(b, sel[i].proto);
        wbuf_u16(b, (uint16_t)(8 + 2 * size));
        wbuf_u16(b, port[0]);
        wbuf_u16(b, port[1]);
        wbuf_bytes(b, r->lo.b, size);
        wbuf_bytes(b, r->hi.b, size);
    }
    ike_w_end(w);
}

size_t ike_ts_pairs(const struct ike_ts_list *local, const struct ike_ts_list *remote,
                    struct selector *out, size_t max)
{
    size_t n = 0;

    for (unsigned i = 0; i < local->n; i++) {
        for (unsigned k = 0; k < remote->n && n < max; k++) {
            const struct ike_ts *l = &local->v[i], *r = &remote->v[k];
            if ((l->proto && r->proto && l->proto != r->proto) ||
                l->range.lo.family != r->range.lo.family)
                continue;
            out[n++] = (struct selector){.local = l->range,
                                         .remote = r->range,
                                         .proto = l->proto ? l->proto : r->proto,
                                         .lport = {l->port[0], l->port[1]},
                                         .rport = {r->port[0], r->port[1]}};
        }
    }
    return n;
}

static bool ports_cover(const uint16_t outer[2], const uint16_t inner[2])
{
    return outer[0] <= inner[0] && inner[1] <= outer[1];
}

bool ike_selector_covers(const struct selector *outer, const struct selector *inner)
{
    return (outer->proto == 0 || outer->proto == inner->proto) &&
           range_covers(&outer->local, &inner->local) &&
           range_covers(&outer->remote, &inner->remote) &&
           ports_cover(outer->lport, inner->lport) && ports_cover(outer->rport, inner->rport);
}

static bool ports_meet(const uint16_t a[2], const uint16_t b[2], uint16_t out[2])
{
    out[0] = a[0] > b[0] ? a[0] : b[0];
    out[1] = a[1] < b[1] ? a[1] : b[1];
    return out[0] <= out[1];
}

bool ike_selector_narrow(const struct selector *a, const struct selector *b, struct selector *out)
{
    struct selector s = {.proto = a->proto ? a->proto : b->proto};

    if (a->proto && b->proto && a->proto != b->proto)
        return false;
    if (!range_intersect(&a->local, &b->local, &s.local) ||
        !range_intersect(&a->remote, &b->remote, &s.remote) ||
        !ports_meet(a->lport, b->lport, s.lport) || !ports_meet(a->rport, b->rport, s.rport))
        return false;
    *out = s;
    return true;
}
