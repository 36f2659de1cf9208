/*
 * Policies of every interface: flattened, numbered, and sent to the datapath where they differ
 * from what it was told last. See spd.h and identity.h.
 */
#include "control/crypto/spd.h"
#include "control/crypto/dynamic.h"
#include "control/priv.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_PER_FRAME                                                                          \
    ((IPC_MAX_PAYLOAD - sizeof(struct sadb_spd_set)) / sizeof(struct sadb_spd_entry))

struct lines {
    struct spd_line *v;
    size_t n, cap;
};

static bool add(struct lines *l, const struct spd_line *line)
{
    if (!VEC_ROOM(l->v, l->cap, l->n + 1))
        return false;
    l->v[l->n++] = *line;
    return true;
}

static bool add_list(struct lines *l, const struct intent_map_entry *entry)
{
    bool quiet = entry->connection == CONN_ANSWER || !entry->n_peer ||
                 (!entry->n_proposal && !entry->n_transform);
    for (uint32_t i = 0; entry->acl && i < entry->acl->n; i++) {
        const struct intent_ace *a = &entry->acl->ace[i];
        const struct spd_line line = {.entry = entry,
                                      .ace = a,
                                      .action = a->permit ? SPD_PROTECT : SPD_SKIP,
                                      .accept_only = a->permit && quiet};
        if (!addr_is_set(&a->sel.local.lo) || a->sel.local.lo.family != a->sel.remote.lo.family)
            continue;
        if (!add(l, &line))
            return false;
    }
    return true;
}

int spd_flatten(const struct intent_map *m, const struct spd_line *got, size_t n_got,
                struct spd_line **out, size_t *n)
{
    struct lines l = {0};
    size_t at = 0;
    bool good = true;
    for (uint32_t e = 0; good && e < m->n; e++) {
        for (; good && at < n_got && got[at].entry == &m->entry[e]; at++)
            good = add(&l, &got[at]);
        good = good && add_list(&l, &m->entry[e]);
    }
    if (!good) {
        free(l.v);
        l = (struct lines){0};
    }
    *out = l.v;
    *n = l.n;
    return good ? 0 : -ENOMEM;
}

/* --- numbering
 * ------------------------------------------------------------------------------------- */

/* The identity of a permit line; NULL where an earlier line already is exactly this one. */
static struct identity *identify(struct control *c, const struct port *p, const struct spd_line *l)
{
    struct identities *ids = &c->ids;
    struct identity *id = identity_find(ids, p->ifid, l->entry->seq, &l->ace->sel);
    if (id && id->round == ids->round)
        return NULL;
    if (!id) {
        uint32_t policy = 0, slot = 0;
        bool known = adopt_numbers(c, p->ifid, l->entry->seq, &l->ace->sel, &policy, &slot);
        id = identity_add(ids, p->ifid, l->entry->seq, &l->ace->sel, policy, slot);
        if (!id)
            return NULL;
        id->counted = known;
        ids->lines++;
        walk_init(c, id);
        adopt_identity_new(c, id);
    }
    id->round = ids->round;
    id->ifp = p->ifp;
    id->map = p->ifp->map;
    id->entry = l->entry;
    id->ace = l->ace;
    return id;
}

static int number(struct control *c, const struct port *p, const struct spd_line *l, size_t n,
                  struct sadb_spd_entry **out, size_t *n_out)
{
    struct sadb_spd_entry *v = (struct sadb_spd_entry *)calloc(n ? n : 1, sizeof(*v));
    bool here = endpoint_here(c, p->ifp);
    size_t k = 0;
    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct identity *id = l[i].id;
        if (l[i].action == SPD_PROTECT && !id && (id = identify(c, p, &l[i])) == NULL)
            continue;
        struct sadb_spd_entry *e = &v[k++];
        e->policy = id ? id->policy : 0;
        e->slot = id ? id->slot : SADB_NO_SLOT;
        e->resume = id && id->counted;
        /* Not its number: the entries of a template share that, and a deny leaves one of them. */
        e->map_seq = (uint32_t)(l[i].entry - p->ifp->map->entry) + 1;
        e->action = l[i].action;
        e->accept_only = l[i].accept_only || !here;
        e->sel = l[i].ace->sel;
    }
    *out = v;
    *n_out = k;
    return 0;
}

/* --- telling
 * ----------------------------------------------------------------------------------------- */

static bool same_entries(const struct shadow *s, const struct sadb_spd_entry *v, size_t n)
{
    if (!s->spd_told || s->n_spd != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct sadb_spd_entry *a = &s->spd[i], *b = &v[i];
        if (a->policy != b->policy || a->map_seq != b->map_seq || a->action != b->action ||
            a->accept_only != b->accept_only || a->slot != b->slot ||
            selector_cmp(&a->sel, &b->sel) != 0)
            return false;
    }
    return true;
}

/* How packets of a tunnel interface are carried; zeroed for any other. */
static void encap_of(const struct port *p, struct sadb_encap *e)
{
    const struct intent_tunnel *t = &p->ifp->tunnel;
    memset(e, 0, sizeof(*e));
    if (t->mode != TUNNEL_GRE)
        return;
    e->gre = 1;
    e->local = t->source;
    e->remote = t->destination;
    e->has_key = t->has_key;
    e->key = t->key;
}

static bool same_encap(const struct sadb_encap *a, const struct sadb_encap *b)
{
    return a->gre == b->gre && a->has_key == b->has_key && a->key == b->key &&
           addr_eq(&a->local, &b->local) && addr_eq(&a->remote, &b->remote);
}

/* Before its policy, so that nothing leaves otherwise than it should. */
static bool tell_encap(struct control *c, uint32_t ifid, const struct sadb_encap *e)
{
    struct sadb_encap m = *e;
    m.seq = dp_seq(c);
    m.ifid = ifid;
    return dp_send(c, SADB_ENCAP, &m, sizeof(m), NULL, 0) == 0;
}

static bool tell(struct control *c, uint32_t ifid, const struct sadb_spd_entry *v, size_t n)
{
    size_t at = 0;
    if (!c->wanted.known)
        return false; /* SAs first: packets need not wait for what is there */
    if (!tell_encap(c, ifid, &c->shadow[ifid].encap))
        return false;
    do {
        size_t part = n - at < ENTRIES_PER_FRAME ? n - at : ENTRIES_PER_FRAME;
        struct sadb_spd_set set = {.seq = dp_seq(c),
                                   .ifid = ifid,
                                   .count = (uint32_t)part,
                                   .more = at + part < n};
        if (dp_send(c, SADB_SPD_SET, &set, sizeof(set), v + at, part * sizeof(*v)) < 0)
            return false;
        at += part;
    } while (at < n);
    for (size_t i = 0; i < n; i++) {
        struct identity *id = v[i].policy ? identity_by_policy(&c->ids, v[i].policy) : NULL;
        if (id)
            id->counted = true;
    }
    return true;
}

static void take_back(struct control *c, uint32_t ifid)
{
    struct shadow *s = &c->shadow[ifid];
    if (s->spd_told) {
        struct sadb_ref r = {.seq = dp_seq(c), .ifid = ifid};
        dp_send(c, SADB_SPD_FLUSH, &r, sizeof(r), NULL, 0);
    }
    free(s->spd);
    s->spd = NULL;
    s->n_spd = 0;
    s->spd_told = false;
}

static void apply_port(struct control *c, const struct port *p)
{
    struct shadow *s = &c->shadow[p->ifid];
    struct spd_line *lines, *got;
    struct sadb_spd_entry *v;
    size_t n, n_v, n_got;
    if (!s->wanted) {
        take_back(c, p->ifid);
        return;
    }
    if (dynamic_lines(c, p->ifid, &got, &n_got) < 0)
        return; /* what the datapath has still protects */
    int err = spd_flatten(p->ifp->map, got, n_got, &lines, &n);
    free(got);
    if (err)
        return;
    err = number(c, p, lines, n, &v, &n_v);
    free(lines);
    if (err)
        return;
    struct sadb_encap e;
    encap_of(p, &e);
    if (same_entries(s, v, n_v) && same_encap(&s->encap, &e)) {
        free(v);
        return;
    }
    free(s->spd);
    s->spd = v;
    s->n_spd = n_v;
    s->encap = e;
    s->spd_told = tell(c, p->ifid, v, n_v);
}

void spd_forget(struct control *c, struct identity *id)
{
    walk_end(c, id);
    drops_kept(c, id->slot);
    adopt_identity_gone(c, id);
    identity_remove(&c->ids, id);
}

void spd_apply(struct control *c)
{
    struct identities *ids = &c->ids;
    ids->round++;
    for (size_t i = 0; i < c->ports.n; i++)
        apply_port(c, c->ports.v[i]);
    for (size_t i = ids->n; i-- > 0;) {
        struct identity *id = ids->by_policy[i];
        if (id->round == ids->round || identity_is_dynamic(id))
            continue;
        ids->removed = true;
        spd_forget(c, id);
    }
}
