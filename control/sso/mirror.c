/* What an SA is on another box. See mirror.h. */
#include "control/sso/mirror.h"
#include "control/crypto/dynamic.h"
#include "control/crypto/pathmtu.h"
#include "control/journal.h"
#include "control/priv.h"
#include "control/sso/copy.h"
#include "control/sso/wire.h"
#include "lib/mem.h"
#include "lib/str.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Both boxes run one version of this (the hello says so), so that a record is a struct; who reads
 * it still checks every field. */
struct line { /* SSO_LINE */
    char group[HSRP_NAME];
    char ifname[INTENT_NAME]; /* tunnel interfaces of one group differ by it; others may have
                                 another */
    uint32_t seq;             /* as of struct identity: with that of the template */
    struct selector sel;
};

struct numbers { /* SSO_NUMBERS */
    uint32_t last_shared;
};

struct held {
    uint64_t key;
    uint32_t ours; /* of a line: its number here */
    enum sso_kind kind;
    uint32_t bytes; /* of IKE's */
    bool stale;     /* this bulk has not named it */
    bool doomed;    /* while it is looked at what the configuration here still has */
};

struct mirror {
    struct control *c;
    struct held *v; /* by kind and key */
    size_t n, cap;
    size_t ike_bytes;
    bool full;      /* something was refused for want of room, and the log says so */
    bool lacking;   /* something was refused, or went, for want of its line or key here … */
    uint32_t lines; /* … when so many lines had been given numbers */
    bool agreed;    /* … and both boxes have been configured alike since */
};

/* --- what is shared ----------------------------------------------------------------------------
 */

static bool has_group(const struct port *p)
{
    return p->ifp && p->ifp->map && p->ifp->stateful && p->ifp->redundancy[0];
}

/* Of the virtual address, whichever box has it now. A tunnel interface has one peer alone, and only
 * some of the others on one address. */
static const struct port *port_of(const struct control *c, const struct addr *local,
                                  const struct addr *remote)
{
    const struct port *found = NULL;
    for (size_t i = 0; i < c->ports.n; i++) {
        const struct port *p = c->ports.v[i];
        if (!has_group(p) || local->family != AF_INET)
            continue;
        struct addr vip = endpoint_addr(c, p->ifp, AF_INET);
        if (!addr_eq(&vip, local))
            continue;
        if (p->ifp->tunnel.mode && addr_eq(&p->ifp->tunnel.destination, remote))
            return p;
        if (!p->ifp->tunnel.mode)
            found = p;
    }
    return found;
}

bool mirror_shares(const struct control *c, const struct ike_path *path)
{
    return port_of(c, &path->local, &path->remote) != NULL;
}

/* --- the active's side --------------------------------------------------------------------------
 */

static bool line_of(const struct control *c, const struct identity *id, struct line *out)
{
    const struct port *p = ports_by_ifid(&c->ports, id->ifid);
    if (!p || !has_group(p))
        return false;
    memset(out, 0, sizeof(*out));
    str_copy(out->group, sizeof(out->group), p->ifp->redundancy);
    str_copy(out->ifname, sizeof(out->ifname), p->ifp->name);
    out->seq = id->seq;
    out->sel = id->sel;
    return true;
}

static struct numbers numbers_of(const struct control *c)
{
    struct numbers n;
    memset(&n, 0, sizeof(n));
    n.last_shared = c->ids.last_shared;
    return n;
}

void mirror_line(struct control *c, const struct identity *id, bool there)
{
    struct line l;
    if (!there)
        sso_record(c, SSO_LINE, id->policy, NULL, 0);
    else if (line_of(c, id, &l))
        sso_record(c, SSO_LINE, id->policy, &l, sizeof(l));
}

void mirror_numbers(struct control *c)
{
    struct numbers n = numbers_of(c);
    sso_record(c, SSO_NUMBERS, 0, &n, sizeof(n));
}

struct snapshot {
    struct control *c;
    enum sso_kind kind;
    void (*fn)(void *ctx, enum sso_kind kind, uint64_t key, const void *p, size_t n);
    void *ctx;
};

static void on_record(void *ctx, const struct ike_sa_state *sa, uint64_t key, const uint8_t *p,
                      size_t n)
{
    const struct snapshot *s = (const struct snapshot *)ctx;
    if (mirror_shares(s->c, &sa->path))
        s->fn(s->ctx, s->kind, key, p, n);
}

void mirror_each(struct control *c,
                 void (*fn)(void *ctx, enum sso_kind kind, uint64_t key, const void *p, size_t n),
                 void *ctx)
{
    struct snapshot s = {.c = c, .fn = fn, .ctx = ctx};
    struct numbers n = numbers_of(c);
    struct line l;
    fn(ctx, SSO_NUMBERS, 0, &n, sizeof(n));
    for (size_t i = 0; i < c->ids.n; i++)
        if (line_of(c, c->ids.by_policy[i], &l))
            fn(ctx, SSO_LINE, c->ids.by_policy[i]->policy, &l, sizeof(l));
    for (size_t i = 0; i < c->wanted.n; i++) {
        struct wanted_sa *w = c->wanted.v[i];
        struct sadb_sa m;
        if (!wanted_is_shared(w->m.sa) || w->passive)
            continue;
        position_snapshot(c, w, &m);
        fn(ctx, SSO_SA, m.sa, &m, wanted_size(&m));
        mem_wipe(&m, wanted_size(&m));
    }
    s.kind = SSO_IKE;
    ike_each_record(c->ike, on_record, &s);
    s.kind = SSO_ISAKMP;
    isakmp_each_record(c->isakmp, on_record, &s);
}

/* --- the table ----------------------------------------------------------------------------------
 */

static size_t place_of(const struct mirror *m, enum sso_kind kind, uint64_t key)
{
    size_t lo = 0, hi = m->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        const struct held *h = &m->v[mid];
        if (h->kind < kind || (h->kind == kind && h->key < key))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct held *find(const struct mirror *m, enum sso_kind kind, uint64_t key)
{
    size_t i = place_of(m, kind, key);
    return i < m->n && m->v[i].kind == kind && m->v[i].key == key ? &m->v[i] : NULL;
}

static struct held *hold(struct mirror *m, enum sso_kind kind, uint64_t key)
{
    struct held *h = find(m, kind, key);
    if (h || m->n >= MIRROR_RECORDS || !VEC_ROOM(m->v, m->cap, m->n + 1))
        return h;
    size_t at = place_of(m, kind, key);
    memmove(m->v + at + 1, m->v + at, (m->n - at) * sizeof(*m->v));
    m->n++;
    m->v[at] = (struct held){.kind = kind, .key = key};
    return &m->v[at];
}

/* --- what goes ----------------------------------------------------------------------------------
 */

static void line_gone(struct control *c, uint32_t policy)
{
    struct identity *id = identity_by_policy(&c->ids, policy);
    if (!id)
        return;
    id->passive_in = 0;
    if (identity_is_dynamic(id) && !id->sa_in)
        dynamic_down(c, id);
}

static void drop(struct mirror *m, enum sso_kind kind, uint64_t key)
{
    struct held *h = find(m, kind, key);
    if (!h)
        return;
    if (kind == SSO_IKE)
        ike_forget(m->c->ike, key);
    else if (kind == SSO_ISAKMP)
        isakmp_forget(m->c->isakmp, key);
    else if (kind == SSO_SA)
        copy_gone(m->c, (uint32_t)key);
    else
        line_gone(m->c, h->ours);
    m->ike_bytes -= h->bytes;
    m->n--;
    memmove(h, h + 1, (size_t)(m->v + m->n - h) * sizeof(*h));
}

/* --- lines --------------------------------------------------------------------------------------
 */

static const struct port *port_of_line(const struct control *c, const struct line *l)
{
    const struct port *found = NULL;
    for (size_t i = 0; i < c->ports.n; i++) {
        const struct port *p = c->ports.v[i];
        if (!has_group(p) || strcmp(p->ifp->redundancy, l->group) != 0)
            continue;
        if (strcmp(p->ifp->name, l->ifname) == 0)
            return p;
        if (!p->ifp->tunnel.mode)
            found = p;
    }
    return found;
}

static int take_line(struct mirror *m, uint64_t key, const uint8_t *p, size_t n)
{
    struct control *c = m->c;
    struct line l;
    if (n != sizeof(l) || key > UINT32_MAX)
        return -EPROTO;
    memcpy(&l, p, sizeof(l));
    if (!memchr(l.group, '\0', sizeof(l.group)) || !memchr(l.ifname, '\0', sizeof(l.ifname)))
        return -EINVAL;
    const struct port *port = port_of_line(c, &l);
    if (!port || !c->shadow[port->ifid].wanted)
        return -ENOENT;
    const struct identity *id = l.seq >> 16 ? dynamic_mirrored(c, port, l.seq, &l.sel)
                                            : identity_find(&c->ids, port->ifid, l.seq, &l.sel);
    if (!id)
        return -ENOENT;
    struct held *h = hold(m, SSO_LINE, key);
    if (!h)
        return -ENOSPC;
    if (h->ours && h->ours != id->policy)
        return -EINVAL; /* a number means one line as long as it is there */
    h->ours = id->policy;
    h->stale = false;
    return 0;
}

/* The line that a number of the active's means. */
static const struct identity *identity_of(const struct mirror *m, uint32_t policy)
{
    const struct held *h = find(m, SSO_LINE, policy);
    return h ? identity_by_policy(&m->c->ids, h->ours) : NULL;
}

/* --- SAs of the datapath ------------------------------------------------------------------------
 */

static int read_sa(const struct mirror *m, uint64_t key, const uint8_t *p, size_t n,
                   struct sadb_sa *out)
{
    memset(out, 0, sizeof(*out));
    if (n < offsetof(struct sadb_sa, ts) || n > sizeof(*out))
        return -EPROTO;
    memcpy(out, p, n);
    if (out->n_ts > SADB_TS_MAX || n != wanted_size(out))
        return -EPROTO;
    if (out->sa != key || !wanted_is_shared(out->sa) || out->sa > INT32_MAX ||
        (out->dir != SADB_IN && out->dir != SADB_OUT) || out->encr.key_len > SADB_KEY_MAX ||
        out->integ.key_len > SADB_KEY_MAX || out->ah.key_len > SADB_KEY_MAX ||
        out->local.family != out->remote.family || out->bytes_before > SSO_BYTES_MOST ||
        (!(out->flags & SADB_F_ESN) && out->seq_first > UINT32_MAX))
        return -EINVAL;
    const struct identity *id = identity_of(m, out->policy);
    if (!id)
        return -ENOENT;
    out->seq = 0;
    out->policy = id->policy;
    out->ifid = id->ifid;
    if (out->dir == SADB_OUT)
        out->seq_first = 1; /* a lease says from where */
    out->flags &= ~(SADB_F_RESUME | SADB_F_CEILING);
    if (out->dir == SADB_OUT) {
        struct path_policy path = path_policy(m->c, id);
        out->flags = (out->flags & ~SADB_F_PATH) | path.flags;
        out->mtu = path.mtu;
        out->pmtu_age = path.age;
    }
    return 0;
}

static int take_sa(struct mirror *m, uint64_t key, const uint8_t *p, size_t n)
{
    struct sadb_sa sa;
    int err = read_sa(m, key, p, n, &sa);
    struct held *h = err ? NULL : hold(m, SSO_SA, key);
    if (!err && !h)
        err = -ENOSPC;
    if (!err)
        err = copy_put(m->c, &sa);
    if (!err)
        h->stale = false;
    if (!err && sa.sa > m->c->ids.last_shared)
        m->c->ids.last_shared = sa.sa;
    mem_wipe(&sa, sizeof(sa));
    return err;
}

/* --- SAs of IKE ---------------------------------------------------------------------------------
 */

static int our_line(void *ctx, uint32_t *policy, uint32_t *ifid)
{
    const struct identity *id = identity_of((const struct mirror *)ctx, *policy);
    if (!id)
        return -ENOENT;
    *policy = id->policy;
    *ifid = id->ifid;
    return 0;
}

/* Without an SA in the datapath a child has no slot, and whoever takes over ends it. */
static uint32_t slot_of(const struct control *c, uint32_t sa)
{
    const struct wanted_sa *w = wanted_find(c, sa);
    return w && w->passive ? w->m.slot : SADB_NO_SLOT;
}

static int our_numbers(void *ctx, struct ike_sa_state *s)
{
    struct control *c = ((struct mirror *)ctx)->c;
    const struct port *p = port_of(c, &s->path.local, &s->path.remote);
    if (!p)
        return -ENOENT;
    s->ifid = p->ifid;
    for (uint32_t i = 0; i < s->n_children; i++) {
        struct ike_child_state *k = &s->child[i];
        if (!wanted_is_shared(k->sa_in) || !wanted_is_shared(k->sa_out) || k->sa_in > INT32_MAX ||
            k->sa_out > INT32_MAX)
            return -EINVAL;
        k->slot_in = slot_of(c, k->sa_in);
        k->slot_out = slot_of(c, k->sa_out);
        struct identity *id = identity_by_policy(&c->ids, k->policy);
        if (id && !k->leaving && k->sa_in > id->passive_in)
            id->passive_in = k->sa_in;
    }
    return 0;
}

static int take_ike(struct mirror *m, enum sso_kind kind, uint64_t key, const uint8_t *p, size_t n,
                    int64_t shift)
{
    const struct ike_import how = {.shift = shift,
                                   .line = our_line,
                                   .numbers = our_numbers,
                                   .ctx = m};
    struct held *h = hold(m, kind, key);
    if (!h || m->ike_bytes - h->bytes + n > MIRROR_IKE_BYTES)
        return -ENOSPC;
    m->ike_bytes += n - h->bytes;
    h->bytes = (uint32_t)n;
    h->stale = false;
    int err = kind == SSO_IKE ? ike_import(m->c->ike, key, p, n, &how)
                              : isakmp_import(m->c->isakmp, key, p, n, &how);
    return err == -EEXIST ? -EINVAL : err;
}

/* --- records ------------------------------------------------------------------------------------
 */

static int take_numbers(struct control *c, const uint8_t *p, size_t n)
{
    struct numbers k;
    if (n != sizeof(k))
        return -EPROTO;
    memcpy(&k, p, sizeof(k));
    if (k.last_shared > INT32_MAX)
        return -EINVAL;
    if (k.last_shared > c->ids.last_shared)
        c->ids.last_shared = k.last_shared;
    return 0;
}

static void lacks(struct mirror *m)
{
    if (m->lacking)
        return;
    m->lacking = true;
    m->lines = m->c->ids.lines;
    m->agreed = sso_agrees(m->c);
}

/* Whether what was missing may be here now: there are other lines, or the two configurations, which
 * differed, agree. */
static bool may_have_come(struct mirror *m)
{
    bool agree = m->lacking && sso_agrees(m->c);
    bool come = m->lacking && (m->lines != m->c->ids.lines || (agree && !m->agreed));
    m->agreed = m->agreed && agree;
    return come;
}

int mirror_take(struct mirror *m, enum sso_kind kind, uint64_t key, const uint8_t *p, size_t n,
                int64_t shift)
{
    int err = -EPROTO;
    if (n > 0 && kind == SSO_NUMBERS)
        return take_numbers(m->c, p, n);
    if (kind < SSO_LINE || kind > SSO_ISAKMP)
        return err;
    if (n > 0 && kind == SSO_LINE)
        err = take_line(m, key, p, n);
    else if (n > 0 && kind == SSO_SA)
        err = take_sa(m, key, p, n);
    else if (n > 0)
        err = take_ike(m, kind, key, p, n, shift);
    else
        err = 0;
    if (err || n == 0)
        drop(m, kind, key);
    if (err == -ENOENT)
        lacks(m);
    if (err == -ENOSPC && !m->full) {
        m->full = true;
        log_line(m->c->o.log, LOGL_WARNING, "sso", "the other box has more than there is room for");
    }
    return err;
}

void mirror_begin(struct mirror *m)
{
    for (size_t i = 0; i < m->n; i++)
        m->v[i].stale = true;
    m->lacking = m->full = false;
}

/* SAs of IKE first, lines last. */
static void drop_doomed(struct mirror *m)
{
    for (size_t i = m->n; i-- > 0;)
        if (m->v[i].doomed)
            drop(m, m->v[i].kind, m->v[i].key);
}

void mirror_end(struct mirror *m)
{
    for (size_t i = 0; i < m->n; i++)
        m->v[i].doomed = m->v[i].stale;
    drop_doomed(m);
}

void mirror_purge(struct mirror *m)
{
    for (size_t i = 0; i < m->n; i++)
        m->v[i].doomed = true;
    drop_doomed(m);
}

/* --- the configuration here ---------------------------------------------------------------------
 */

static bool stands(const struct mirror *m, uint32_t policy)
{
    const struct identity *id = identity_by_policy(&m->c->ids, policy);
    const struct port *p = id ? ports_by_ifid(&m->c->ports, id->ifid) : NULL;
    return p && has_group(p) && m->c->shadow[p->ifid].wanted;
}

static bool mark_sa(void *ctx, const struct ike_sa_state *sa)
{
    struct mirror *m = (struct mirror *)ctx;
    bool good = mirror_shares(m->c, &sa->path) && keyex_knows(m->c, sa->version, &sa->path);
    for (uint32_t i = 0; i < sa->n_children; i++)
        good = good && stands(m, sa->child[i].policy);
    struct held *h = !sa->passive || good ? NULL
                                          : find(m, sa->version == IKE_V1 ? SSO_ISAKMP : SSO_IKE,
                                                 sa->initiator ? sa->spi_i : sa->spi_r);
    if (h) {
        h->doomed = true;
        lacks(m);
    }
    return true;
}

void mirror_apply(struct control *c)
{
    struct mirror *m = c->mirror;
    if (m && may_have_come(m)) {
        m->lacking = false;
        sso_resync(c);
        m = c->mirror;
    }
    if (!m || m->n == 0)
        return;
    for (size_t i = 0; i < m->n; i++) {
        struct held *h = &m->v[i];
        const struct wanted_sa *w = h->kind == SSO_SA ? wanted_find(m->c, (uint32_t)h->key) : NULL;
        bool stays = h->kind == SSO_LINE ? stands(m, h->ours) : !w || stands(m, w->m.policy);
        h->doomed = !stays || (h->kind == SSO_SA && !w);
        if (!stays)
            lacks(m);
    }
    keyex_each(m->c, mark_sa, m);
    drop_doomed(m);
}

/* --- taking over --------------------------------------------------------------------------------
 */

/* Nothing was idle while it was another box's. */
static void own_line(struct control *c, struct identity *id)
{
    id->passive_in = 0;
    id->used = clock_mono(&c->o.clock);
    if (identity_is_dynamic(id))
        adopt_identity_new(c, id);
    else
        mirror_line(c, id, true);
}

/* Lines before SAs before IKE SAs, as another standby is to hear of them. */
void mirror_activate(struct mirror *m, bool split)
{
    struct control *c = m->c;
    (void)split;
    for (size_t i = 0; i < m->n; i++) {
        const struct held *h = &m->v[i];
        struct wanted_sa *w = h->kind == SSO_SA ? wanted_find(c, (uint32_t)h->key) : NULL;
        struct identity *id = h->kind == SSO_LINE ? identity_by_policy(&c->ids, h->ours) : NULL;
        if (w && w->passive)
            wanted_own(c, w);
        if (id)
            own_line(c, id);
    }
    m->n = 0;
    adopt_count(c);
    ike_activate(c->ike);
    isakmp_activate(c->isakmp);
    adopt_mirrored(c);
    control_kick(c);
}

/* --- life ---------------------------------------------------------------------------------------
 */

void mirror_count(const struct mirror *m, uint32_t n[SSO_KINDS])
{
    memset(n, 0, SSO_KINDS * sizeof(*n));
    for (size_t i = 0; i < m->n; i++)
        n[m->v[i].kind]++;
}

struct mirror *mirror_new(struct control *c)
{
    struct mirror *m = (struct mirror *)calloc(1, sizeof(*m));
    if (m) {
        m->c = c;
        c->mirror = m;
    }
    return m;
}

void mirror_free(struct mirror *m)
{
    if (!m)
        return;
    mirror_purge(m);
    m->c->mirror = NULL;
    free(m->v);
    free(m);
}
