/* Fields of a record, written or read. See state_code.h. */
#include "control/ike/state_code.h"
#include "lib/mem.h"
#include <stdlib.h>

void code_check(struct coder *k, bool holds)
{
    if (code_reads(k) && !holds)
        k->r->bad = true;
}

bool code_good(const struct coder *k)
{
    return !k->no_memory && !(code_reads(k) ? k->r->bad : k->w->bad);
}

void code_u8(struct coder *k, uint8_t *v)
{
    if (code_reads(k))
        *v = rbuf_u8(k->r);
    else
        wbuf_u8(k->w, *v);
}

void code_u16(struct coder *k, uint16_t *v)
{
    if (code_reads(k))
        *v = rbuf_u16(k->r);
    else
        wbuf_u16(k->w, *v);
}

void code_u32(struct coder *k, uint32_t *v)
{
    if (code_reads(k))
        *v = rbuf_u32(k->r);
    else
        wbuf_u32(k->w, *v);
}

void code_u64(struct coder *k, uint64_t *v)
{
    if (code_reads(k))
        *v = rbuf_u64(k->r);
    else
        wbuf_u64(k->w, *v);
}

void code_bool(struct coder *k, bool *v)
{
    uint8_t b = code_reads(k) ? 0 : *v;

    code_u8(k, &b);
    code_check(k, b <= 1);
    *v = b == 1;
}

#define TIME_MOST (INT64_MAX / 8) /* room to add to it, and the difference of two clocks */

/* Instants stay as they are for the next process of this host, whose clock runs on. Those of
 * another box are made ours while they are read; none stays none. */
static usec_t of_our_clock(const struct coder *k, usec_t t)
{
    return t == 0 || t + k->shift != 0 ? t + (t ? k->shift : 0) : 1;
}

void code_time(struct coder *k, usec_t *v)
{
    code_since(k, v);
    if (code_reads(k) && k->shift && *v < 0)
        *v = 1; /* due already */
    code_check(k, *v >= 0);
}

void code_since(struct coder *k, usec_t *v)
{
    uint64_t t = code_reads(k) ? 0 : (uint64_t)*v;

    code_u64(k, &t);
    bool good = (int64_t)t >= -TIME_MOST && (int64_t)t <= TIME_MOST && k->shift <= TIME_MOST &&
                k->shift >= -TIME_MOST;
    code_check(k, good);
    *v = good ? of_our_clock(k, (usec_t)t) : 0;
}

void code_fixed(struct coder *k, uint8_t *p, size_t n)
{
    if (!code_reads(k)) {
        wbuf_bytes(k->w, p, n);
        return;
    }
    const uint8_t *from = rbuf_bytes(k->r, n);
    if (from)
        memcpy(p, from, n);
}

/* A length; 0 when it is more than what is left or allowed. */
static size_t code_len(struct coder *k, size_t n, size_t cap)
{
    uint16_t v = (uint16_t)n;

    code_u16(k, &v);
    code_check(k, v <= cap && (!code_reads(k) || v <= rbuf_left(k->r)));
    return code_good(k) ? v : 0;
}

void code_blob(struct coder *k, uint8_t *p, size_t *n, size_t cap)
{
    *n = code_len(k, *n, cap);
    code_fixed(k, p, *n);
}

void code_heap(struct coder *k, uint8_t **p, size_t *n, size_t cap)
{
    *n = code_len(k, *n, cap);
    if (code_reads(k) && *n > 0) {
        *p = malloc(*n);
        if (!*p) {
            k->no_memory = true;
            *n = 0;
        }
    }
    if (*n > 0)
        code_fixed(k, *p, *n);
}

void code_text(struct coder *k, char *p, size_t cap)
{
    size_t n = code_reads(k) ? 0 : strnlen(p, cap - 1);

    code_blob(k, (uint8_t *)p, &n, cap - 1);
    if (code_reads(k)) {
        p[n] = '\0';
        code_check(k, strlen(p) == n);
    }
}

void code_addr(struct coder *k, struct addr *a)
{
    uint8_t size = code_reads(k) ? 0 : (uint8_t)addr_size(a);

    code_u8(k, &size);
    code_check(k, size == 4 || size == 16);
    if (code_reads(k))
        *a = (struct addr){.family = size == 4 ? AF_INET : AF_INET6};
    if (code_good(k))
        code_fixed(k, a->b, size);
}

static void code_range(struct coder *k, struct addr_range *r)
{
    code_addr(k, &r->lo);
    code_addr(k, &r->hi);
    code_check(k, r->lo.family == r->hi.family && addr_cmp(&r->lo, &r->hi) <= 0);
}

void code_selector(struct coder *k, struct selector *s)
{
    code_range(k, &s->local);
    code_range(k, &s->remote);
    code_check(k, s->local.lo.family == s->remote.lo.family);
    code_u8(k, &s->proto);
    for (int i = 0; i < 2; i++) {
        code_u16(k, &s->lport[i]);
        code_u16(k, &s->rport[i]);
    }
}

void code_dh(struct coder *k, uint16_t group, struct ike_dh **dh)
{
    uint8_t pub[IKE_PUB_MAX], private[IKE_PUB_MAX];
    size_t n_pub = ike_dh_pub_len(group), n = 0;

    code_check(k, n_pub > 0);
    if (!code_reads(k) && (!*dh || ike_dh_pub(*dh, pub, sizeof pub) < 0 ||
                           ike_dh_private(*dh, private, sizeof private, &n) < 0))
        k->w->bad = true;
    if (!code_good(k))
        return;
    code_fixed(k, pub, n_pub);
    code_blob(k, private, &n, sizeof private);
    if (code_reads(k) && code_good(k)) {
        *dh = ike_dh_restore(k->c, group, pub, private, n);
        code_check(k, *dh != NULL);
    }
    mem_wipe(private, sizeof private);
}

/* --- what SAs of both versions have ----------------------------------------------------------- */

static void code_child_numbers(struct coder *k, struct ike_child_state *c)
{
    uint32_t *const number[] = {&c->policy,   &c->ifid,        &c->sa_in,   &c->sa_out,
                                &c->slot_in,  &c->slot_out,    &c->spi_in,  &c->spi_out,
                                &c->replaces, &c->replaced_by, &c->conn_id, &c->map_seq,
                                &c->n_ts,     &c->life_seconds};
    uint16_t *const half[] = {&c->encr, &c->encr_bits, &c->integ, &c->pfs_group};

    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        code_u32(k, number[i]);
    for (size_t i = 0; i < sizeof half / sizeof *half; i++)
        code_u16(k, half[i]);
    code_check(k, c->spi_in && c->spi_out && c->n_ts >= 1 && c->n_ts <= SADB_TS_MAX);
    code_check(k, transform_find(T_INTEG, c->integ, 0) &&
                      (c->pfs_group == DH_NONE || ike_dh_pub_len(c->pfs_group)));
}

void code_child(struct coder *k, struct ike_child_state *c, usec_t *rekey_at)
{
    code_child_numbers(k, c);
    code_u8(k, &c->mode);
    code_check(k, c->mode == SADB_TUNNEL || c->mode == SADB_TRANSPORT);
    code_bool(k, &c->esn);
    code_bool(k, &c->udp);
    code_bool(k, &c->initiator);
    code_u64(k, &c->life_kbytes);
    code_since(k, &c->created);
    code_time(k, &c->expires);
    code_time(k, rekey_at);
    code_u8(k, &c->leaving);
    code_text(k, c->map, sizeof c->map);
    for (uint32_t i = 0; i < c->n_ts && code_good(k); i++)
        code_selector(k, &c->ts[i]);
}

void code_identity(struct coder *k, struct ike_identity *id)
{
    size_t n = id->len;

    code_u8(k, &id->type);
    code_blob(k, id->data, &n, sizeof id->data);
    id->len = (uint8_t)n;
}

void code_suite(struct coder *k, struct ike_suite *s)
{
    uint16_t *const half[] = {&s->encr, &s->encr_bits, &s->integ, &s->prf, &s->group};

    for (size_t i = 0; i < sizeof half / sizeof *half; i++)
        code_u16(k, half[i]);
}

void code_path(struct coder *k, struct ike_path *p)
{
    code_addr(k, &p->local);
    code_addr(k, &p->remote);
    code_check(k, p->local.family == p->remote.family);
    code_u16(k, &p->lport);
    code_u16(k, &p->rport);
}
