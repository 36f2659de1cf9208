/* Reassembly. See reasm.h. */
#include "dataplane/reasm.h"
#include "dataplane/ip.h"
#include "lib/buf.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define IP4_MORE   0x2000u
#define IP4_OFFSET 0x1fffu
#define IP6_FRAG   8      /* the fragment header */
#define MOST       65535u /* of an IP packet */

/* What RFC 791 §2.3 and RFC 8200 §4.5 know a packet by: addresses, identification, protocol. */
struct key {
    uint8_t b[37];
};

struct slot {
    bool used;
    struct key key;
    usec_t since;
    uint32_t hlen, len; /* with the header */
    unsigned n;         /* pieces so far */
    uint8_t *packet;    /* PKT_DATA bytes, made when first needed */
};

struct reasm {
    struct slot slot[REASM_SLOTS];
    unsigned lost; /* pieces, since somebody asked */
};

/* One piece, read. */
struct piece {
    struct key key;
    uint32_t hlen, offset, len;
    const uint8_t *data;
    uint8_t proto;
    bool more;
};

struct reasm *reasm_new(void)
{
    return calloc(1, sizeof(struct reasm));
}

void reasm_free(struct reasm *r)
{
    if (!r)
        return;
    for (unsigned i = 0; i < REASM_SLOTS; i++)
        free(r->slot[i].packet);
    free(r);
}

bool reasm_is_piece(const uint8_t *p)
{
    if (p[0] >> 4 == 6)
        return p[6] == IPPROTO_FRAGMENT;
    return ((p[6] << 8 | p[7]) & (IP4_MORE | IP4_OFFSET)) != 0;
}

static bool read4(const struct pkt *p, struct piece *o)
{
    const uint8_t *h = p->data;
    uint32_t word = (uint32_t)h[6] << 8 | h[7];
    o->hlen = (h[0] & 15u) * 4;
    o->offset = (word & IP4_OFFSET) * 8;
    o->more = (word & IP4_MORE) != 0;
    o->proto = h[9];
    memcpy(o->key.b, h + 12, 8);
    memcpy(o->key.b + 8, h + 4, 2);
    o->key.b[36] = h[9];
    o->data = h + o->hlen;
    o->len = p->len - o->hlen;
    return true;
}

static bool read6(const struct pkt *p, struct piece *o)
{
    struct rbuf r = rbuf_make(p->data + IP6_HLEN, p->len - IP6_HLEN);
    o->hlen = IP6_HLEN;
    o->proto = rbuf_u8(&r);
    rbuf_u8(&r);
    uint32_t word = rbuf_u16(&r);
    const uint8_t *id = rbuf_bytes(&r, 4);
    if (!id)
        return false;
    o->offset = word & ~7u;
    o->more = word & 1;
    memcpy(o->key.b, p->data + 8, 32);
    memcpy(o->key.b + 32, id, 4);
    o->data = p->data + IP6_HLEN + IP6_FRAG;
    o->len = p->len - IP6_HLEN - IP6_FRAG;
    return true;
}

static struct slot *find(struct reasm *r, const struct key *k)
{
    for (unsigned i = 0; i < REASM_SLOTS; i++)
        if (r->slot[i].used && memcmp(&r->slot[i].key, k, sizeof *k) == 0)
            return &r->slot[i];
    return NULL;
}

static void give_up(struct reasm *r, struct slot *s)
{
    s->used = false;
    r->lost += s->n;
}

/* A slot for a new packet: a free one, or the oldest. NULL without memory. */
static struct slot *fresh(struct reasm *r)
{
    struct slot *s = &r->slot[0];
    for (unsigned i = 0; i < REASM_SLOTS && s->used; i++)
        if (!r->slot[i].used || r->slot[i].since < s->since)
            s = &r->slot[i];
    if (s->used)
        give_up(r, s);
    if (!s->packet)
        s->packet = malloc(PKT_DATA);
    return s->packet ? s : NULL;
}

static struct slot *start(struct reasm *r, const struct pkt *p, const struct piece *o, usec_t now)
{
    struct slot *s = fresh(r);
    if (!s)
        return NULL;
    s->used = true;
    s->key = o->key;
    s->since = now;
    s->hlen = s->len = o->hlen;
    s->n = 0;
    memcpy(s->packet, p->data, o->hlen);
    return s;
}

bool reasm_add(struct reasm *r, struct pkt *p, usec_t now)
{
    struct piece o;
    memset(&o, 0, sizeof o);
    if (!(p->data[0] >> 4 == 6 ? read6(p, &o) : read4(p, &o)))
        return false;
    struct slot *s = find(r, &o.key);
    if (s && (o.offset != s->len - s->hlen || o.len > MOST - s->len)) {
        give_up(r, s);
        s = NULL;
    }
    if (!s && o.offset == 0)
        s = start(r, p, &o, now);
    if (!s) {
        r->lost++;
        return false;
    }
    memcpy(s->packet + s->len, o.data, o.len);
    s->len += o.len;
    s->n++;
    if (o.more)
        return false;
    s->used = false;
    ip_retitle(s->packet, s->hlen, o.proto, s->len);
    memcpy(p->data, s->packet, s->len);
    p->len = s->len;
    return true;
}

unsigned reasm_expire(struct reasm *r, usec_t now)
{
    for (unsigned i = 0; i < REASM_SLOTS; i++)
        if (r->slot[i].used && now - r->slot[i].since >= REASM_AGE)
            give_up(r, &r->slot[i]);
    unsigned n = r->lost;
    r->lost = 0;
    return n;
}
