/*
 * The security policy database. See spd.h.
 *
 * A later fragment has no ports. As in an IOS access list, it is taken by a permit line whose
 * addresses and protocol fit, so that no part of a protected packet leaves in clear, and it
 * passes a deny line that asks for ports.
 */
#include "dataplane/spd.h"
#include "dataplane/ip.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool wants_ports(const struct selector *s)
{
    return s->lport[0] != 0 || s->lport[1] != UINT16_MAX || s->rport[0] != 0 ||
           s->rport[1] != UINT16_MAX;
}

static bool acceptable(const struct sadb_spd_entry *e, const struct sadb_spd_entry *before)
{
    const struct selector *s = &e->sel;
    if (e->action != SPD_PROTECT && e->action != SPD_SKIP)
        return false;
    if (!addr_size(&s->local.lo) || s->local.lo.family != s->local.hi.family)
        return false;
    if (!addr_size(&s->remote.lo) || s->remote.lo.family != s->remote.hi.family)
        return false;
    if (addr_cmp(&s->local.lo, &s->local.hi) > 0 || addr_cmp(&s->remote.lo, &s->remote.hi) > 0)
        return false;
    return !before || before->map_seq <= e->map_seq;
}

void spd_forget_pending(struct spd_table *t)
{
    free(t->pending.entries);
    memset(&t->pending, 0, sizeof t->pending);
}

static int grow(struct spd_pending *p, uint32_t n)
{
    if (n > SPD_ENTRIES_MAX || p->n > SPD_ENTRIES_MAX - n)
        return -ENOSPC;
    if (p->n + n <= p->cap)
        return 0;
    uint32_t cap = (p->n + n) * 2;
    struct sadb_spd_entry *e = realloc(p->entries, cap * sizeof *e);
    if (!e)
        return -ENOMEM;
    p->entries = e;
    p->cap = cap;
    return 0;
}

int spd_collect(struct spd_table *t, uint32_t ifid, const struct sadb_spd_entry *e, uint32_t n)
{
    struct spd_pending *p = &t->pending;
    if (p->ifid != ifid)
        spd_forget_pending(t);
    p->ifid = ifid;
    int err = grow(p, n);
    for (uint32_t i = 0; !err && i < n; i++) {
        if (!acceptable(&e[i], p->n ? &p->entries[p->n - 1] : NULL))
            err = -EINVAL;
        else
            p->entries[p->n++] = e[i];
    }
    if (err)
        spd_forget_pending(t);
    return err;
}

static void spd_free(struct spd *s)
{
    if (!s)
        return;
    free(s->cache);
    free(s->lines);
    free(s);
}

static struct spd *spd_new(uint32_t ifid, uint32_t n)
{
    struct spd *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->ifid = ifid;
    s->n = n;
    s->cache = calloc(SPD_CACHE, sizeof *s->cache);
    s->lines = calloc(n ? n : 1, sizeof *s->lines);
    if (s->cache && s->lines)
        return s;
    spd_free(s);
    return NULL;
}

/* Makes the lines of the new list. A policy keeps its queue from one set to the next. */
static int fill(struct spd_table *t, struct policies *ps, struct spd *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        const struct sadb_spd_entry *e = &t->pending.entries[i];
        struct spd_line *l = &s->lines[i];
        l->sel = e->sel;
        l->map_seq = e->map_seq;
        l->action = e->action;
        if (e->action != SPD_PROTECT)
            continue;
        l->policy = policy_get(ps, e->policy, s->ifid);
        if (!l->policy)
            return -ENOSPC;
        if (l->policy->ifid != s->ifid)
            return -EINVAL; /* another interface's */
    }
    return 0;
}

static void settle(struct spd_table *t, struct spd *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        struct policy *p = s->lines[i].policy;
        if (!p)
            continue;
        p->generation = t->generation;
        p->accept_only = t->pending.entries[i].accept_only != 0;
        p->resume = t->pending.entries[i].resume != 0;
        if (!p->ctr || p->slot != t->pending.entries[i].slot)
            p->ctr = NULL; /* the caller gives it counters again */
        p->slot = t->pending.entries[i].slot;
    }
}

static struct spd **place(struct spd_table *t, uint32_t ifid)
{
    struct spd **at = &t->list;
    while (*at && (*at)->ifid != ifid)
        at = &(*at)->next;
    return at;
}

int spd_commit(struct spd_table *t, struct policies *ps, uint32_t ifid)
{
    if (t->pending.ifid != ifid)
        spd_forget_pending(t);
    struct spd **at = place(t, ifid), *old = *at;
    int err = !old && t->n >= SPD_INTERFACES ? -ENOSPC : 0;
    struct spd *s = err ? NULL : spd_new(ifid, t->pending.n);
    if (!err && !s)
        err = -ENOMEM;
    if (!err)
        err = fill(t, ps, s);
    if (err) {
        /* policies that only the refused set names */
        policies_sweep(ps, ifid, old ? old->generation : UINT32_MAX);
        spd_free(s);
        spd_forget_pending(t);
        return err;
    }
    s->generation = ++t->generation;
    settle(t, s);
    s->next = old ? old->next : NULL;
    *at = s;
    t->n += !old;
    spd_free(old);
    policies_sweep(ps, ifid, t->generation);
    spd_forget_pending(t);
    return 0;
}

void spd_flush(struct spd_table *t, struct policies *ps, uint32_t ifid)
{
    for (struct spd **at = &t->list, *s; (s = *at);) {
        if (ifid && s->ifid != ifid) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        spd_free(s);
        t->n--;
    }
    policies_sweep(ps, ifid, ++t->generation);
}

struct spd *spd_find(const struct spd_table *t, uint32_t ifid)
{
    struct spd *s = t->list;
    while (s && s->ifid != ifid)
        s = s->next;
    return s;
}

static struct policy *walk(const struct spd *s, const struct flow *f)
{
    for (uint32_t i = 0; i < s->n; i++) {
        const struct spd_line *l = &s->lines[i];
        if (!selector_match(&l->sel, f))
            continue;
        if (l->action == SPD_PROTECT)
            return l->policy;
        if ((f->flags & FLOW_NO_PORTS) && wants_ports(&l->sel))
            continue;
        while (i + 1 < s->n && s->lines[i + 1].map_seq == l->map_seq)
            i++; /* the rest of this crypto map entry */
    }
    return NULL;
}

static uint32_t hash_flow(const struct flow *f)
{
    const uint8_t *p = (const uint8_t *)f;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < sizeof *f; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        h = (h ^ w) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    return (uint32_t)(h >> 32);
}
_Static_assert(sizeof(struct flow) % 8 == 0, "hash_flow reads whole words");

struct policy *spd_lookup(struct spd *s, const struct flow *f)
{
    struct spd_cached *c = &s->cache[hash_flow(f) % SPD_CACHE];
    if (memcmp(&c->flow, f, sizeof *f) != 0) {
        c->policy = walk(s, f);
        c->flow = *f;
    }
    return c->policy;
}
