/*
 * The security association database. See sad.h.
 *
 * Three fixed hash tables with chains; the number of SAs is bounded, so are the chains. SPIs
 * inbound are chosen by our own engine, so nobody outside can aim at one chain.
 */
#include "dataplane/sad.h"
#include "dataplane/ip.h"
#include "lib/mem.h"
#include "lib/transform.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SPI_RESERVED 256u /* RFC 4303 §2.1 */

static uint32_t bucket(uint32_t v)
{
    return v * 2654435761u >> 19; /* Knuth's multiplicative hash: the top 13 bits */
}
_Static_assert(SAD_BUCKETS == 1u << 13, "bucket() makes 13 bits");

static struct sa **key_chain(struct sad *s, const struct sa *sa)
{
    return sa->dir == SADB_IN ? &s->spis[bucket(sa->first)] : &s->policies[bucket(sa->policy)];
}

struct sa *sad_find(const struct sad *s, uint32_t id)
{
    struct sa *sa = s->ids[bucket(id)];
    while (sa && sa->id != id)
        sa = sa->by_id;
    return sa;
}

struct sa *sad_inbound(const struct sad *s, uint8_t proto, uint32_t spi)
{
    struct sa *sa = s->spis[bucket(spi)];
    while (sa && (sa->first != spi || sa->proto != proto))
        sa = sa->by_key;
    return sa;
}

bool sa_covers(const struct sa *sa, const struct flow *f)
{
    for (uint32_t i = 0; i < sa->n_ts; i++)
        if (selector_match(&sa->ts[i], f))
            return true;
    return sa->n_ts == 0;
}

struct sa *sad_outbound(const struct sad *s, uint32_t policy, const struct flow *f)
{
    struct sa *worn = NULL;
    for (struct sa *sa = s->policies[bucket(policy)]; sa; sa = sa->by_key) {
        if (sa->policy != policy || !sa_covers(sa, f))
            continue;
        if (sa->seq < sa->limit && (!sa->hard_bytes || sa->bytes < sa->hard_bytes))
            return sa;
        if (!worn)
            worn = sa;
    }
    return worn;
}

const struct sa *sad_older(const struct sad *s, const struct sa *sa)
{
    const struct sa *o = s->policies[bucket(sa->policy)];
    while (o && (o == sa || o->policy != sa->policy || !addr_eq(&o->remote, &sa->remote)))
        o = o->by_key;
    return o;
}

/* Where a new SA goes in its chain: first, or on standby behind all of its policy. */
static struct sa **key_place(struct sad *s, const struct sa *sa)
{
    struct sa **at = key_chain(s, sa), **place = at;
    if (sa->dir != SADB_OUT || !(sa->flags & SADB_F_STANDBY))
        return place;
    for (; *at; at = &(*at)->by_key)
        if ((*at)->policy == sa->policy)
            place = &(*at)->by_key;
    return place;
}

static int check_range(const struct addr_range *r)
{
    unsigned n = addr_size(&r->lo);
    if (!n || r->lo.family != r->hi.family || memcmp(r->lo.b, r->hi.b, n) > 0)
        return -EINVAL;
    return 0;
}

static int check_selectors(const struct sadb_sa *m)
{
    if (m->n_ts > SADB_TS_MAX)
        return -EINVAL;
    for (uint32_t i = 0; i < m->n_ts; i++)
        if (check_range(&m->ts[i].local) || check_range(&m->ts[i].remote))
            return -EINVAL;
    return 0;
}

static bool has_ah(const struct sadb_sa *m)
{
    return m->proto == SADB_AH || m->ah.id != INTEG_NONE;
}

/* AH, alone or around ESP. It covers the addresses, so it cannot pass a NAT (RFC 3715 §2.1). The
 * two numbers of a bundle have 32 bits, as IKEv1 negotiates it. */
static int check_ah(const struct sadb_sa *m)
{
    if (m->flags & SADB_F_UDP)
        return -EINVAL;
    if (m->proto == SADB_AH)
        return m->integ.id == INTEG_NONE || m->encr.id || m->ah.id != INTEG_NONE ? -EINVAL : 0;
    return m->ah_spi < SPI_RESERVED || (m->flags & SADB_F_ESN) ? -EINVAL : 0;
}

static bool keys_fit(const struct sadb_sa *m)
{
    return m->encr.key_len <= SADB_KEY_MAX && m->integ.key_len <= SADB_KEY_MAX &&
           m->ah.key_len <= SADB_KEY_MAX;
}

static uint32_t first_spi(const struct sadb_sa *m)
{
    return m->proto == SADB_ESP && has_ah(m) ? m->ah_spi : m->spi;
}

static int check(const struct sad *s, const struct sadb_sa *m)
{
    if (m->proto != SADB_ESP && m->proto != SADB_AH)
        return -EPROTONOSUPPORT;
    if (m->mode != SADB_TUNNEL && m->mode != SADB_TRANSPORT)
        return -EOPNOTSUPP;
    if ((m->dir != SADB_IN && m->dir != SADB_OUT) || m->spi < SPI_RESERVED)
        return -EINVAL;
    if (!keys_fit(m) || check_selectors(m) || (has_ah(m) && check_ah(m)))
        return -EINVAL;
    if (!addr_size(&m->local) || m->local.family != m->remote.family)
        return -EAFNOSUPPORT;
    if ((m->flags & SADB_F_UDP) && (m->local_port == 0 || m->remote_port == 0))
        return -EINVAL;
    if (sad_find(s, m->sa) ||
        (m->dir == SADB_IN && sad_inbound(s, has_ah(m) ? SADB_AH : SADB_ESP, first_spi(m))))
        return -EEXIST;
    return s->n >= SAD_MAX ? -ENOSPC : 0;
}

static size_t size_of(uint32_t n_ts)
{
    return sizeof(struct sa) + n_ts * sizeof(struct selector);
}

static void sa_free(struct sa *sa)
{
    crypto_key_free(sa->key);
    crypto_key_free(sa->ah);
    replay_free(&sa->replay);
    free(sa->own);
    mem_wipe(sa, size_of(sa->n_ts));
    free(sa);
}

static void fill(struct sa *sa, const struct sadb_sa *m)
{
    sa->id = m->sa;
    sa->ifid = m->ifid;
    sa->policy = m->policy;
    sa->slot = m->slot;
    sa->spi = m->spi;
    sa->first = first_spi(m);
    sa->proto = has_ah(m) ? SADB_AH : SADB_ESP;
    sa->dir = m->dir;
    sa->mode = m->mode;
    sa->flags = m->flags;
    sa->local = m->local;
    sa->remote = m->remote;
    sa->local_port = m->local_port;
    sa->remote_port = m->remote_port;
    sa->soft_bytes = m->soft_bytes;
    sa->hard_bytes = m->hard_bytes;
    sa->mtu = m->mtu;
    sa->pmtu_age = m->pmtu_age;
    sa->keepalive = m->nat_keepalive ? m->nat_keepalive * USEC_PER_SEC : SAD_KEEPALIVE;
    sa->n_ts = m->n_ts;
    memcpy(sa->ts, m->ts, m->n_ts * sizeof *sa->ts);
    sa->encr_id = m->encr.id;
    sa->integ_id = m->integ.id;
    sa->ah_id = m->ah.id;
}

/* The last number that may have been used, by what the memory of an earlier datapath says. */
static uint64_t left_off(const struct sa *sa)
{
    return dp_read(sa->dir == SADB_OUT ? &sa->ctr->lease : &sa->ctr->seq);
}

static void set_ceiling(struct sa *sa, uint64_t ceiling, uint32_t block)
{
    sa->ceiling = ceiling;
    sa->block = block;
    sa->limit = ceiling < sa->seq_max ? ceiling : sa->seq_max;
    sa_ask_again(sa);
}

/* Where counting starts: 1, or where a predecessor of this SA's state left off; whatever the
 * engine believes, never at a number that this memory knows as used. */
static int start_numbers(struct sa *sa, const struct sadb_sa *m)
{
    uint64_t before = m->seq_first ? m->seq_first - 1 : 0;
    sa->seq_max = m->flags & SADB_F_ESN ? UINT64_MAX : UINT32_MAX;
    if ((m->flags & SADB_F_RESUME) && before < left_off(sa))
        before = left_off(sa);
    if (before > sa->seq_max)
        return -EINVAL;
    sa->seq = sa->lease = before;
    set_ceiling(sa, m->flags & SADB_F_CEILING ? m->ceiling : SADB_NO_CEILING, m->block);
    if (sa->dir == SADB_IN) {
        /* RFC 4303 §3.4.3: without integrity there is nothing to protect the numbers */
        bool on = !(m->flags & SADB_F_NOREPLAY) && (sa->ah || sa->icv_len);
        return replay_init(&sa->replay, on ? m->replay_window : 0, before);
    }
    return 0;
}

/* What another box has counted, as far as anybody knows. */
static void raise_bytes(struct sa *sa, uint64_t before)
{
    uint64_t was = dp_read(&sa->ctr->before);
    if (before <= was)
        return;
    sa->bytes += before - was;
    atomic_store_explicit(&sa->ctr->before, before, memory_order_relaxed);
}

static void start_counters(struct sa *sa, const struct sadb_sa *m)
{
    if (m->flags & SADB_F_RESUME)
        sa->bytes = dp_read(&sa->ctr->bytes) + dp_read(&sa->ctr->before);
    else
        memset((void *)sa->ctr, 0, sizeof *sa->ctr);
    raise_bytes(sa, m->bytes_before);
    atomic_store_explicit(&sa->ctr->seq, sa->seq, memory_order_relaxed);
    atomic_store_explicit(&sa->ctr->lease, sa->lease, memory_order_release);
    atomic_store_explicit(&sa->ctr->ceiling, sa->ceiling, memory_order_relaxed);
    atomic_store_explicit(&sa->ctr->flags, sa->flags, memory_order_relaxed);
    atomic_store_explicit(&sa->ctr->replay_window, sa->replay.window, memory_order_relaxed);
}

static void measure_keys(struct sa *sa)
{
    if (sa->key) {
        unsigned block = crypto_key_block(sa->key);
        sa->align = (uint8_t)(block < 4 ? 4 : block);
        sa->iv_len = (uint8_t)crypto_key_iv_len(sa->key);
        sa->icv_len = (uint8_t)crypto_key_icv_len(sa->key);
        sa->kind = crypto_key_kind(sa->key);
    }
    if (sa->ah)
        sa->ah_icv_len = (uint8_t)crypto_key_icv_len(sa->ah);
}

static int make_keys(struct sa *sa, struct crypto *c, const struct sadb_sa *m)
{
    const struct sadb_alg *ah = m->proto == SADB_AH ? &m->integ : &m->ah;
    struct crypto_spec esp = {.encrypt = m->dir == SADB_OUT,
                              .encr = m->encr.id,
                              .integ = m->integ.id,
                              .key = m->encr.key,
                              .key_len = m->encr.key_len,
                              .ikey = m->integ.key,
                              .ikey_len = m->integ.key_len,
                              .bare = has_ah(m)};
    struct crypto_spec auth = {.encrypt = m->dir == SADB_OUT,
                               .encr = ENCR_NULL,
                               .integ = ah->id,
                               .ikey = ah->key,
                               .ikey_len = ah->key_len};
    int err = 0;
    if (m->proto == SADB_ESP)
        sa->key = crypto_key_new(c, &esp, &err);
    if (!err && has_ah(m))
        sa->ah = crypto_key_new(c, &auth, &err);
    measure_keys(sa);
    return err;
}

int sad_add(struct sad *s, struct crypto *c, const struct sadb_sa *m, struct dp_counters *ctr,
            struct sa **out)
{
    int err = check(s, m);
    if (err)
        return err;
    struct sa *sa = calloc(1, size_of(m->n_ts));
    if (!sa)
        return -ENOMEM;
    fill(sa, m);
    if (!ctr)
        ctr = sa->own = calloc(1, sizeof *sa->own);
    sa->ctr = ctr;
    err = ctr ? make_keys(sa, c, m) : -ENOMEM;
    if (!err)
        err = start_numbers(sa, m);
    if (err) {
        sa_free(sa);
        return err;
    }
    start_counters(sa, m);
    struct sa **id = &s->ids[bucket(sa->id)], **key = key_place(s, sa);
    sa->by_id = *id;
    *id = sa;
    sa->by_key = *key;
    *key = sa;
    s->n++;
    *out = sa;
    return 0;
}

int sad_update(struct sad *s, const struct sadb_update *m)
{
    struct sa *sa = sad_find(s, m->sa);
    if (!sa)
        return -ENOENT;
    if ((addr_is_set(&m->local) && m->local.family != sa->local.family) ||
        (addr_is_set(&m->remote) && m->remote.family != sa->remote.family))
        return -EAFNOSUPPORT;
    if (addr_is_set(&m->local))
        sa->local = m->local;
    if (addr_is_set(&m->remote))
        sa->remote = m->remote;
    if (m->local_port)
        sa->local_port = m->local_port;
    if (m->remote_port)
        sa->remote_port = m->remote_port;
    if (m->soft_bytes) {
        sa->soft_bytes = m->soft_bytes;
        sa->soft_sent = false;
    }
    if (m->hard_bytes) {
        sa->hard_bytes = m->hard_bytes;
        sa->hard_sent = false;
    }
    return 0;
}

int sad_delete(struct sad *s, uint32_t id)
{
    struct sa **at = &s->ids[bucket(id)];
    while (*at && (*at)->id != id)
        at = &(*at)->by_id;
    struct sa *sa = *at;
    if (!sa)
        return -ENOENT;
    *at = sa->by_id;
    at = key_chain(s, sa);
    while (*at != sa)
        at = &(*at)->by_key;
    *at = sa->by_key;
    s->n--;
    sa_free(sa);
    return 0;
}

void sad_flush(struct sad *s, uint32_t ifid)
{
    for (uint32_t b = 0; b < SAD_BUCKETS; b++)
        for (struct sa *sa = s->ids[b], *next; sa; sa = next) {
            next = sa->by_id;
            if (ifid == 0 || sa->ifid == ifid)
                sad_delete(s, sa->id);
        }
}

void sad_describe(const struct sa *sa, struct sadb_sa *out)
{
    memset(out, 0, sizeof *out);
    out->sa = sa->id;
    out->ifid = sa->ifid;
    out->policy = sa->policy;
    out->slot = sa->slot;
    out->spi = sa->spi;
    out->proto = sa->key ? SADB_ESP : SADB_AH;
    out->dir = sa->dir;
    out->mode = sa->mode;
    out->flags = sa->flags;
    out->encr.id = sa->encr_id;
    out->integ.id = sa->integ_id;
    out->ah.id = sa->ah_id;
    out->ah_spi = sa->key && sa->ah ? sa->first : 0;
    out->local = sa->local;
    out->remote = sa->remote;
    out->local_port = sa->local_port;
    out->remote_port = sa->remote_port;
    out->replay_window = sa->replay.window;
    out->soft_bytes = sa->soft_bytes;
    out->hard_bytes = sa->hard_bytes;
    out->bytes_before = dp_read(&sa->ctr->before);
    out->mtu = sa->mtu;
    out->pmtu_age = sa->pmtu_age;
    out->nat_keepalive = (uint32_t)(sa->keepalive / USEC_PER_SEC);
    out->ceiling = sa->ceiling;
    out->block = sa->block;
    out->seq_first = (sa->dir == SADB_OUT ? sa->seq : sa->replay.top) + 1;
    out->n_ts = sa->n_ts;
    memcpy(out->ts, sa->ts, sa->n_ts * sizeof *sa->ts);
}

/* Before any of them is used: a kill between the two must not bring one back. */
static void lease(struct sa *sa, uint64_t to)
{
    sa->lease = to;
    atomic_store_explicit(&sa->ctr->lease, to, memory_order_release);
}

uint64_t sa_next_seq(struct sa *sa)
{
    if (++sa->seq > sa->lease) {
        uint64_t left = sa->limit - sa->seq, step = sa->block ? sa->block / 8 : SAD_LEASE;
        if (step > SAD_LEASE)
            step = SAD_LEASE;
        lease(sa, sa->seq + (left < step ? left : step));
    }
    return sa->seq;
}

void sa_ask_again(struct sa *sa)
{
    bool never = sa->ceiling == SADB_NO_CEILING || !sa->block;
    uint64_t half = sa->block / 2;
    sa->ask = never ? UINT64_MAX : sa->ceiling > half ? sa->ceiling - half : 0;
}

void sa_position(struct sa *sa, const struct sadb_position *m)
{
    uint64_t before = m->next ? m->next - 1 : 0;
    if (before > sa->seq_max)
        before = sa->seq_max;
    raise_bytes(sa, m->before);
    if (sa->dir == SADB_IN) {
        replay_raise(&sa->replay, before);
        sa_publish_in(sa);
        return;
    }
    if (before > sa->lease)
        lease(sa, before);
    if (before > sa->seq) {
        sa->seq = before;
        atomic_store_explicit(&sa->ctr->seq, before, memory_order_relaxed);
    }
    set_ceiling(sa, m->ceiling, m->block);
    atomic_store_explicit(&sa->ctr->ceiling, sa->ceiling, memory_order_relaxed);
}

void sa_publish_in(struct sa *sa)
{
    uint64_t w[16];
    replay_export(&sa->replay, w);
    for (int k = 0; k < 16; k++)
        atomic_store_explicit(&sa->ctr->window[k], w[k], memory_order_relaxed);
    atomic_store_explicit(&sa->ctr->seq, sa->replay.top, memory_order_relaxed);
}
