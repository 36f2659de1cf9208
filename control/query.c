/* Reading state. See query.h. */
#include "control/query.h"
#include "control/priv.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void query_ike_sas(const struct control *c, bool (*fn)(void *ctx, const struct ike_sa_state *sa),
                   void *ctx)
{
    keyex_each(c, fn, ctx);
}

const struct ike_stats *query_ike_stats(const struct control *c)
{
    return ike_stats(c->ike);
}

const struct isakmp_stats *query_isakmp_stats(const struct control *c)
{
    return isakmp_stats(c->isakmp);
}

const struct intent *query_intent(const struct control *c)
{
    return &c->intent;
}

usec_t query_booted(const struct control *c)
{
    return c->booted;
}

void query_sla(const struct control *c, bool (*fn)(void *ctx, const struct sla_view *v), void *ctx)
{
    sla_each(c->sla, fn, ctx);
}

bool query_sla_one(const struct control *c, uint32_t number, struct sla_view *v)
{
    return sla_view(c->sla, number, v);
}

const struct track *query_tracks(const struct control *c)
{
    return c->track;
}

/* --- counters
 * --------------------------------------------------------------------------------------- */

/* Counters that `clear` sets to zero, beside the drops. */
static const size_t cleared[] = {
    offsetof(struct dp_counters, packets),   offsetof(struct dp_counters, bytes),
    offsetof(struct dp_counters, cut),       offsetof(struct dp_counters, cut_failed),
    offsetof(struct dp_counters, pieces),    offsetof(struct dp_counters, pmtu_sent),
    offsetof(struct dp_counters, pmtu_rcvd),
};
#define N_CLEARED (sizeof(cleared) / sizeof(*cleared))

static _Atomic uint64_t *counter_at(struct dp_counters *k, size_t offset)
{
    return (_Atomic uint64_t *)((char *)k + offset);
}

static uint64_t counter_read(const struct dp_counters *k, size_t offset)
{
    return dp_read((const _Atomic uint64_t *)((const char *)k + offset));
}

static void copy_counters(struct dp_counters *to, const struct dp_counters *from)
{
    memset((void *)to, 0, sizeof(*to));
    for (size_t i = 0; i < N_CLEARED; i++)
        atomic_store_explicit(counter_at(to, cleared[i]), counter_read(from, cleared[i]),
                              memory_order_relaxed);
    for (unsigned i = 0; i < DP_CAUSES; i++)
        atomic_store_explicit(&to->drops[i], dp_read(&from->drops[i]), memory_order_relaxed);
}

static void subtract(_Atomic uint64_t *a, uint64_t y)
{
    uint64_t x = dp_read(a);
    atomic_store_explicit(a, x > y ? x - y : 0, memory_order_relaxed);
}

/* After `clear … counters` shows read a copy less what stood there then. Copies live in a ring
 * long enough for any one screenful of a renderer. */
static const struct dp_counters *less_baseline(const struct control *c, uint32_t slot)
{
    struct counter_ring *ring = c->ring;
    struct dp_counters *out = &ring->v[ring->next++ % COUNTER_RING];
    const struct dp_counters *base = &c->ids.baseline[slot], *is = &c->stats->slot[slot];
    memcpy((void *)out, (const void *)is, sizeof(*out));
    for (size_t i = 0; i < N_CLEARED; i++)
        subtract(counter_at(out, cleared[i]), counter_read(base, cleared[i]));
    for (unsigned i = 0; i < DP_CAUSES; i++)
        subtract(&out->drops[i], dp_read(&base->drops[i]));
    return out;
}

const struct dp_counters *query_counters(const struct control *c, uint32_t slot)
{
    if (!c->stats || slot >= DPSTATS_SLOTS)
        return NULL;
    return c->ids.baseline ? less_baseline(c, slot) : &c->stats->slot[slot];
}

const struct dp_counters *query_total(const struct control *c)
{
    return c->stats ? &c->stats->total : NULL;
}

static void add_drops(uint64_t drops[DP_CAUSES], const struct dp_counters *k)
{
    for (unsigned i = 0; i < DP_CAUSES; i++)
        drops[i] += dp_read(&k->drops[i]);
}

void drops_kept(struct control *c, uint32_t slot)
{
    if (c->stats && slot < DPSTATS_SLOTS)
        add_drops(c->ids.ended_drops, &c->stats->slot[slot]);
    adopt_count(c);
}

bool query_drops(const struct control *c, uint64_t drops[DP_CAUSES])
{
    memcpy(drops, c->ids.ended_drops, sizeof(c->ids.ended_drops));
    if (!c->stats)
        return false;
    add_drops(drops, &c->stats->total);
    for (uint32_t i = 0; i < DPSTATS_SLOTS; i++)
        if (c->ids.slots[i / 64] >> i % 64 & 1)
            add_drops(drops, &c->stats->slot[i]);
    return true;
}

size_t control_clear_ipsec_counters(struct control *c)
{
    size_t n = 0;
    if (!c->stats)
        return 0;
    if (!c->ring)
        c->ring = (struct counter_ring *)calloc(1, sizeof(*c->ring));
    if (c->ring && !c->ids.baseline)
        c->ids.baseline = (struct dp_counters *)calloc(DPSTATS_SLOTS, sizeof(*c->ids.baseline));
    if (!c->ids.baseline)
        return 0;
    for (uint32_t i = 0; i < DPSTATS_SLOTS; i++) {
        if (!(c->ids.slots[i / 64] >> i % 64 & 1))
            continue;
        copy_counters(&c->ids.baseline[i], &c->stats->slot[i]);
        n++;
    }
    return n;
}

/* --- identities
 * -------------------------------------------------------------------------------------- */

struct child_ref {
    const struct ike_sa_state *sa;
    const struct ike_child_state *child;
};

struct child_index {
    struct child_ref *v;
    size_t n, cap;
};

static bool index_sa(void *ctx, const struct ike_sa_state *sa)
{
    struct child_index *x = (struct child_index *)ctx;
    for (uint32_t i = 0; i < sa->n_children; i++) {
        if (!VEC_ROOM(x->v, x->cap, x->n + 1))
            return false;
        x->v[x->n++] = (struct child_ref){.sa = sa, .child = &sa->child[i]};
    }
    return true;
}

static int by_handle(const void *a, const void *b)
{
    uint32_t x = ((const struct child_ref *)a)->child->sa_in;
    uint32_t y = ((const struct child_ref *)b)->child->sa_in;
    return x < y ? -1 : x > y;
}

static const struct child_ref *find_child(const struct child_index *x, uint32_t sa_in)
{
    const struct ike_child_state k = {.sa_in = sa_in};
    const struct child_ref key = {.child = &k};
    if (!sa_in || !x->n)
        return NULL;
    return (const struct child_ref *)bsearch(&key, x->v, x->n, sizeof(*x->v), by_handle);
}

static int by_line(const void *a, const void *b)
{
    const struct identity *x = *(const struct identity *const *)a;
    const struct identity *y = *(const struct identity *const *)b;
    if (x->ifid != y->ifid)
        return x->ifid < y->ifid ? -1 : 1;
    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    if (identity_is_dynamic(x)) /* and so is y */
        return x->policy < y->policy ? -1 : x->policy > y->policy;
    return x->ace < y->ace ? -1 : x->ace > y->ace; /* of one array: the list's own order */
}

/* Where the tunnel ends here, or would. */
static struct addr local_of(const struct control *c, const struct identity *id,
                            const struct ike_sa_state *sa)
{
    if (sa)
        return sa->path.local;
    return endpoint_addr(c, id->ifp, id->entry->n_peer ? id->entry->peer[0].family : AF_INET);
}

void query_identities(const struct control *c,
                      bool (*fn)(void *ctx, const struct query_identity *q), void *ctx)
{
    struct child_index x = {0};
    size_t n = c->ids.n;
    const struct identity **v = (const struct identity **)calloc(n ? n : 1, sizeof(*v));
    if (!v)
        return;
    keyex_each(c, index_sa, &x);
    if (x.n)
        qsort(x.v, x.n, sizeof(*x.v), by_handle);
    for (size_t i = 0; i < n; i++)
        v[i] = c->ids.by_policy[i];
    qsort(v, n, sizeof(*v), by_line);
    for (size_t i = 0; i < n; i++) {
        const struct identity *id = v[i];
        const struct child_ref *k = find_child(&x, id->sa_in ? id->sa_in : id->passive_in);
        if (id->entry->dynamic && !k)
            continue; /* a template is nobody's before a peer comes */
        struct query_identity q = {.policy = id->policy,
                                   .ifid = id->ifid,
                                   .slot = id->slot,
                                   .ifp = id->ifp,
                                   .map = id->map,
                                   .entry = id->entry,
                                   .ace = id->ace,
                                   .local = local_of(c, id, k ? k->sa : NULL),
                                   .current_peer = id->tried,
                                   .sa = k ? k->sa : NULL,
                                   .child = k ? k->child : NULL};
        if (!fn(ctx, &q))
            break;
    }
    free(v);
    free(x.v);
}

uint64_t query_acl_hits(const struct control *c, const char *acl, uint32_t line)
{
    uint64_t hits = 0;
    for (size_t i = 0; i < c->ids.n; i++) {
        const struct identity *id = c->ids.by_policy[i];
        if (identity_is_dynamic(id) || id->ace->line != line ||
            strcmp(id->entry->acl->name, acl) != 0)
            continue;
        const struct dp_counters *k = query_counters(c, id->slot);
        hits += k ? dp_read(&k->packets) : 0;
    }
    return hits;
}

/* --- routes and ports
 * ----------------------------------------------------------------------------------- */

void query_routes(const struct control *c, bool (*fn)(void *ctx, const struct query_route *r),
                  void *ctx)
{
    for (size_t i = 0; i < c->rib.n; i++)
        if (!fn(ctx, &c->rib.v[i]))
            return;
}

/* "GigabitEthernet0/10" after "GigabitEthernet0/9": runs of digits compare as numbers. */
static int by_name(const void *x, const void *y)
{
    const char *a = (*(const struct port *const *)x)->name;
    const char *b = (*(const struct port *const *)y)->name;
    while (*a && *b) {
        char *ea, *eb;
        if (*a >= '0' && *a <= '9' && *b >= '0' && *b <= '9') {
            unsigned long na = strtoul(a, &ea, 10), nb = strtoul(b, &eb, 10);
            if (na != nb)
                return na < nb ? -1 : 1;
            a = ea;
            b = eb;
            continue;
        }
        if (*a != *b)
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

/* The address to show: the wanted one where it stands, else the first of the device. */
static struct prefix address_of(const struct control *c, const struct port *p,
                                const struct world_link *l)
{
    if (p->has_addr)
        return p->ifp->addr;
    for (size_t i = 0; l && i < c->world.n_addr; i++)
        if (c->world.addr[i].ifindex == l->ifindex && c->world.addr[i].addr.addr.family == AF_INET)
            return c->world.addr[i].addr;
    return (struct prefix){0};
}

static struct addr link_address(const struct control *c, const struct world_link *l)
{
    for (size_t i = 0; l && i < c->world.n_addr; i++) {
        const struct addr *a = &c->world.addr[i].addr.addr;
        if (c->world.addr[i].ifindex == l->ifindex && addr_is_link_local(a))
            return *a;
    }
    return (struct addr){0};
}

void query_ports(const struct control *c, bool (*fn)(void *ctx, const struct query_port *p),
                 void *ctx)
{
    const struct port *v[PORTS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < c->ports.n; i++)
        if ((c->ports.v[i]->netdev[0] || c->ports.v[i]->ifp) && !ports_hidden(c->ports.v[i]))
            v[n++] = c->ports.v[i];
    if (n)
        qsort(v, n, sizeof(*v), by_name);
    for (size_t i = 0; i < n; i++) {
        const struct world_link *l = ports_link(v[i], &c->world);
        struct query_port q = {.name = v[i]->name,
                               .netdev = l ? l->name : "",
                               .ifp = v[i]->ifp,
                               .admin_up = l && l->up,
                               .carrier = l && l->carrier,
                               .mtu = l ? l->mtu : 0,
                               .addr = address_of(c, v[i], l),
                               .link6 = link_address(c, l),
                               .rate = l ? &v[i]->rate : NULL,
                               .trouble = v[i]->trouble};
        if (l) {
            memcpy(q.mac, l->mac, sizeof(q.mac));
            q.counted = world_traffic(&c->world, l->ifindex, &q.traffic) == 0;
        }
        if (!fn(ctx, &q))
            return;
    }
}

/* --- lab
 * -------------------------------------------------------------------------------------------------
 */

const struct lm_process *query_processes(const struct control *c, size_t *n)
{
    *n = c->n_processes;
    return c->processes;
}

void query_lab_keys(const struct control *c, void (*fn)(void *ctx, const char *line), void *ctx)
{
    if (c->lab)
        lab_each(c->lab, fn, ctx);
}
