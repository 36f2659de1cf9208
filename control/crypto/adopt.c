/* Taking over. See adopt.h. */
#include "control/crypto/adopt.h"
#include "control/crypto/dynamic.h"
#include "control/journal.h"
#include "control/priv.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct remembered { /* JOURNAL_IDENTITY */
    uint32_t policy, slot, ifid, seq;
    struct selector sel;
    uint32_t claimed; /* not kept */
};

struct numbers { /* JOURNAL_NUMBERS */
    uint32_t last_policy, last_sa, last_shared;
    uint64_t ended_drops[DP_CAUSES];
};

/* --- writing ------------------------------------------------------------------------------------
 */

void adopt_count(struct control *c)
{
    struct numbers k;
    mirror_numbers(c);
    if (!c->journal)
        return;
    memset(&k, 0, sizeof(k));
    k.last_policy = c->ids.last_policy;
    k.last_sa = c->ids.last_sa;
    k.last_shared = c->ids.last_shared;
    memcpy(k.ended_drops, c->ids.ended_drops, sizeof(k.ended_drops));
    journal_put(c->journal, JOURNAL_NUMBERS, 0, &k, sizeof(k));
}

void adopt_identity_new(struct control *c, const struct identity *id)
{
    struct remembered r;
    mirror_line(c, id, true);
    if (!c->journal)
        return;
    memset(&r, 0, sizeof(r));
    r.policy = id->policy;
    r.slot = id->slot;
    r.ifid = id->ifid;
    r.seq = id->seq;
    r.sel = id->sel;
    journal_put(c->journal, JOURNAL_IDENTITY, id->policy, &r, sizeof(r));
    adopt_count(c);
}

void adopt_identity_gone(struct control *c, const struct identity *id)
{
    mirror_line(c, id, false);
    if (c->journal)
        journal_remove(c->journal, JOURNAL_IDENTITY, id->policy);
}

/* --- reading ------------------------------------------------------------------------------------
 */

/* Of a record without meaning nothing is left, or it would be met again and again. */
static void forget(struct control *c, enum journal_kind kind, uint64_t key)
{
    journal_remove(c->journal, kind, key);
}

static void on_numbers(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    struct control *c = (struct control *)ctx;
    struct numbers k;
    (void)key;
    if (n != sizeof(k))
        return;
    memcpy(&k, p, sizeof(k));
    c->ids.last_policy = k.last_policy;
    c->ids.last_sa = k.last_sa;
    c->ids.last_shared = k.last_shared;
    memcpy(c->ids.ended_drops, k.ended_drops, sizeof(k.ended_drops));
}

static void on_sa(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    struct control *c = (struct control *)ctx;
    const struct wanted_sa *w = wanted_load(c, p, n) ? wanted_find(c, (uint32_t)key) : NULL;
    if (!w || !slot_reserve(&c->ids, w->m.slot))
        forget(c, JOURNAL_SA, key);
    else if (c->lab)
        lab_esp(c->lab, &w->m);
}

static void on_identity(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    struct control *c = (struct control *)ctx;
    struct adopt *a = &c->adopt;
    struct remembered r;
    bool good = n == sizeof(r) && VEC_ROOM(a->v, a->cap, a->n + 1);
    if (good) {
        memcpy(&r, p, sizeof(r));
        good = r.policy == key && r.policy && r.policy <= c->ids.last_policy &&
               r.ifid <= TANDEM_IFIDS && (r.slot == SADB_NO_SLOT || slot_reserve(&c->ids, r.slot));
    }
    if (good) {
        a->v[a->n++] = r;
        a->had_policies[r.ifid] = true;
    } else
        forget(c, JOURNAL_IDENTITY, key);
}

static int by_line(const void *x, const void *y)
{
    const struct remembered *a = (const struct remembered *)x, *b = (const struct remembered *)y;
    if (a->ifid != b->ifid)
        return a->ifid < b->ifid ? -1 : 1;
    if (a->seq != b->seq)
        return a->seq < b->seq ? -1 : 1;
    return selector_cmp(&a->sel, &b->sel);
}

void adopt_journal(struct control *c, int fd)
{
    struct adopt *a = &c->adopt;
    if (c->journal || c->applied) {
        close(fd);
        return;
    }
    c->journal = journal_open(fd);
    if (!c->journal) {
        log_line(c->o.log, LOGL_ERROR, "journal",
                 "cannot be used: a crash of this engine will end its tunnels");
        return;
    }
    if (journal_found(c->journal) == JOURNAL_FOREIGN)
        log_line(c->o.log, LOGL_WARNING, "journal",
                 "the engine before kept it otherwise: tunnels are negotiated anew");
    if (journal_found(c->journal) != JOURNAL_KEPT)
        return;
    a->kept = true;
    journal_each(c->journal, JOURNAL_NUMBERS, on_numbers, c);
    journal_each(c->journal, JOURNAL_IDENTITY, on_identity, c);
    journal_each(c->journal, JOURNAL_SA, on_sa, c);
    if (a->n)
        qsort(a->v, a->n, sizeof(*a->v), by_line);
}

bool adopt_numbers(struct control *c, uint32_t ifid, uint32_t seq, const struct selector *sel,
                   uint32_t *policy, uint32_t *slot)
{
    struct adopt *a = &c->adopt;
    const struct remembered key = {.ifid = ifid, .seq = seq, .sel = *sel};
    struct remembered *r =
        a->n ? (struct remembered *)bsearch(&key, a->v, a->n, sizeof(key), by_line) : NULL;
    if (!r || r->claimed)
        return false;
    r->claimed = 1;
    *policy = r->policy;
    *slot = r->slot;
    return true;
}

/* --- the first round ----------------------------------------------------------------------------
 */

/* SAs in the datapath have theirs reserved already. */
static bool reserve_slots(void *ctx, const struct ike_sa_state *sa)
{
    struct control *c = (struct control *)ctx;
    for (uint32_t i = 0; i < sa->n_children; i++) {
        slot_reserve(&c->ids, sa->child[i].slot_in);
        slot_reserve(&c->ids, sa->child[i].slot_out);
    }
    if (c->lab)
        lab_ike(c->lab, sa);
    return true;
}

void adopt_begin(struct control *c)
{
    c->adopt.open = true;
    if (!c->journal)
        return;
    keyex_restore(c);
    keyex_each(c, reserve_slots, c);
    for (size_t i = 0; i < c->adopt.n; i++) {
        struct remembered *r = &c->adopt.v[i];
        if (r->seq >> 16 == 0)
            continue;
        dynamic_restore(c, r->ifid, r->seq, &r->sel, r->policy, r->slot); /* no list has its line */
        r->claimed = 1;
    }
}

struct taking {
    struct control *c;
    bool mirrored;  /* of the other box, not of an engine before */
    uint32_t *lost; /* children that lack an SA */
    struct {
        struct addr remote;
        uint32_t ifid;
    } * stray; /* IKE SAs that the configuration does not know */
    size_t n_lost, cap_lost, n_stray, cap_stray;
    unsigned sas, children;
};

static bool claim(struct control *c, uint32_t sa, uint32_t spi, uint32_t slot)
{
    struct wanted_sa *w = wanted_find(c, sa);
    if (!w || w->claimed || w->m.spi != spi || w->m.slot != slot)
        return false;
    w->claimed = true;
    return true;
}

/* A child that was replaced has no outbound SA any more. */
static bool claim_child(struct control *c, const struct ike_child_state *k)
{
    return claim(c, k->sa_in, k->spi_in, k->slot_in) &&
           (k->leaving || claim(c, k->sa_out, k->spi_out, k->slot_out));
}

static bool at_home(const struct control *c, const struct ike_sa_state *sa)
{
    const struct port *p = endpoint_port(c, &sa->path);
    return p && p->ifid == sa->ifid && intent_if_speaks(p->ifp, sa->version) &&
           c->shadow[p->ifid].wanted && keyex_knows(c, sa->version, &sa->path);
}

/* The address of another box may be on its way to this one still. */
static bool is_known(const struct taking *t, const struct ike_sa_state *sa)
{
    return t->mirrored ? keyex_knows(t->c, sa->version, &sa->path) : at_home(t->c, sa);
}

static bool take_sa(void *ctx, const struct ike_sa_state *sa)
{
    struct taking *t = (struct taking *)ctx;
    if (sa->passive || (t->mirrored && !mirror_shares(t->c, &sa->path)))
        return true;
    t->sas++;
    if (!is_known(t, sa) && VEC_ROOM(t->stray, t->cap_stray, t->n_stray + 1)) {
        t->stray[t->n_stray].remote = sa->path.remote;
        t->stray[t->n_stray++].ifid = sa->ifid;
    }
    for (uint32_t i = 0; i < sa->n_children; i++) {
        const struct ike_child_state *k = &sa->child[i];
        t->children++;
        if (!claim_child(t->c, k) && VEC_ROOM(t->lost, t->cap_lost, t->n_lost + 1))
            t->lost[t->n_lost++] = k->sa_in;
        tunnel_child_adopted(t->c, sa, k);
    }
    return true;
}

/* What the engine before had and nobody has now. The datapath's dump takes care of its side. */
static void drop_unclaimed(struct control *c, bool mirrored)
{
    for (size_t i = c->wanted.n; i-- > 0;) {
        const struct wanted_sa *w = c->wanted.v[i];
        uint32_t slot = w->m.slot;
        if (w->claimed || w->passive || (mirrored && !wanted_is_shared(w->m.sa)))
            continue;
        wanted_delete(c, w->m.sa);
        drops_kept(c, slot);
        slot_give(&c->ids, slot);
    }
}

static void drop_lines(struct control *c)
{
    struct adopt *a = &c->adopt;
    for (size_t i = 0; i < a->n; i++) {
        if (a->v[i].claimed)
            continue;
        forget(c, JOURNAL_IDENTITY, a->v[i].policy);
        slot_give(&c->ids, a->v[i].slot);
    }
}

static void end_rest(struct taking *t)
{
    struct control *c = t->c;
    for (size_t i = 0; i < t->n_lost; i++)
        keyex_end_child(c, t->lost[i], IKE_R_INTERNAL);
    for (size_t i = 0; i < t->n_stray; i++)
        keyex_clear(c, &t->stray[i].remote, t->stray[i].ifid);
    if (t->sas)
        log_line(c->o.log, LOGL_NOTICE, "journal",
                 "%u IKE SAs with %u children go on from the %s before", t->sas, t->children,
                 t->mirrored ? "box" : "engine");
    free(t->lost);
    free(t->stray);
}

void adopt_mirrored(struct control *c)
{
    struct taking t = {.c = c, .mirrored = true};
    keyex_each(c, take_sa, &t);
    dynamic_restored(c);
    drop_unclaimed(c, true);
    end_rest(&t);
}

void adopt_end(struct control *c)
{
    struct taking t = {.c = c};
    if (!c->adopt.open)
        return;
    c->adopt.open = false;
    keyex_each(c, take_sa, &t);
    dynamic_restored(c);
    drop_unclaimed(c, false);
    drop_lines(c);
    end_rest(&t);
    adopt_free(c);
    if (c->dp)
        wanted_dump(c);
}

static void flush_policies(struct control *c, uint32_t ifid)
{
    struct sadb_ref r = {.seq = dp_seq(c), .ifid = ifid};
    dp_send(c, SADB_SPD_FLUSH, &r, sizeof(r), NULL, 0);
}

void adopt_policies(struct control *c)
{
    struct adopt *a = &c->adopt;
    if (a->done)
        return;
    a->done = true;
    if (!a->kept)
        flush_policies(c, 0); /* their numbers mean nothing to us */
    for (uint32_t i = 1; i <= TANDEM_IFIDS; i++)
        if (a->had_policies[i] && !c->shadow[i].wanted)
            flush_policies(c, i);
}

void adopt_free(struct control *c)
{
    free(c->adopt.v);
    c->adopt.v = NULL;
    c->adopt.n = c->adopt.cap = 0;
}

/* --- devices ------------------------------------------------------------------------------------
 */

static void on_mtu(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    struct control *c = (struct control *)ctx;
    uint32_t mtu;
    for (size_t i = 0; n == sizeof(mtu) && i < c->ports.n; i++) {
        struct port *port = c->ports.v[i];
        const struct world_link *l = ports_link(port, &c->world);
        if (!l || l->ifindex != key)
            continue;
        memcpy(&mtu, p, sizeof(mtu));
        port->mtu_was = port->mtu_kept = mtu;
        port->mtu_index = l->ifindex;
        port->managed = true; /* by the engine before */
        return;
    }
    forget(c, JOURNAL_MTU, key);
}

void adopt_mtu(struct control *c)
{
    if (!c->journal)
        return;
    if (!c->adopt.mtu)
        journal_each(c->journal, JOURNAL_MTU, on_mtu, c);
    c->adopt.mtu = true;
    ports_keep_mtu(&c->ports, &c->world);
    for (size_t i = 0; i < c->ports.n; i++) {
        struct port *port = c->ports.v[i];
        const struct world_link *l = ports_link(port, &c->world);
        if (port->mtu_kept == port->mtu_was)
            continue;
        if (port->mtu_kept)
            forget(c, JOURNAL_MTU, port->mtu_index);
        port->mtu_kept = port->mtu_was;
        port->mtu_index = l ? l->ifindex : 0;
        if (port->mtu_was)
            journal_put(c->journal, JOURNAL_MTU, port->mtu_index, &port->mtu_was,
                        sizeof(port->mtu_was));
    }
}
