/*
 * Policies of every interface: flattened, numbered, and sent to the datapath where they differ
 * from what it was told last. See spd.h and identity.h.
 */
#include "control/crypto/spd.h"
#include "control/priv.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_PER_FRAME                                                                          \
    ((IPC_MAX_PAYLOAD - sizeof(struct sadb_spd_set)) / sizeof(struct sadb_spd_entry))

int spd_flatten(const struct intent_map *m, struct spd_line **out, size_t *n)
{
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    for (uint32_t e = 0; e < m->n; e++) {
        const struct intent_map_entry *entry = &m->entry[e];
        bool quiet = entry->connection == CONN_ANSWER || !entry->n_peer ||
                     (!entry->n_proposal && !entry->n_transform);
        for (uint32_t i = 0; entry->acl && i < entry->acl->n; i++) {
            const struct intent_ace *a = &entry->acl->ace[i];
            if (!addr_is_set(&a->sel.local.lo) || a->sel.local.lo.family != a->sel.remote.lo.family)
                continue;
            if (!VEC_ROOM(*out, cap, *n + 1)) {
                free(*out);
                *out = NULL;
                *n = 0;
                return -ENOMEM;
            }
            (*out)[(*n)++] = (struct spd_line){.entry = entry,
                                               .ace = a,
                                               .action = a->permit ? SPD_PROTECT : SPD_SKIP,
                                               .accept_only = a->permit && quiet};
        }
    }
    return 0;
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
        tunnel_identity_new(c, id);
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
    size_t k = 0;
    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct identity *id = NULL;
        if (l[i].action == SPD_PROTECT && (id = identify(c, p, &l[i])) == NULL)
            continue;
        struct sadb_spd_entry *e = &v[k++];
        e->policy = id ? id->policy : 0;
        e->slot = id ? id->slot : SADB_NO_SLOT;
        e->resume = id && id->counted;
        e->map_seq = l[i].entry->seq;
        e->action = l[i].action;
        e->accept_only = l[i].accept_only;
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

static bool tell(struct control *c, uint32_t ifid, const struct sadb_spd_entry *v, size_t n)
{
    size_t at = 0;
    if (!c->wanted.known)
        return false; /* SAs first: packets need not wait for what is there */
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
    struct spd_line *lines;
    struct sadb_spd_entry *v;
    size_t n, n_v;
    if (!s->wanted) {
        take_back(c, p->ifid);
        return;
    }
    if (spd_flatten(p->ifp->map, &lines, &n) < 0)
        return; /* what the datapath has still protects */
    int err = number(c, p, lines, n, &v, &n_v);
    free(lines);
    if (err)
        return;
    if (same_entries(s, v, n_v)) {
        free(v);
        return;
    }
    free(s->spd);
    s->spd = v;
    s->n_spd = n_v;
    s->spd_told = tell(c, p->ifid, v, n_v);
}

void spd_apply(struct control *c)
{
    struct identities *ids = &c->ids;
    ids->round++;
    for (size_t i = 0; i < c->ports.n; i++)
        apply_port(c, c->ports.v[i]);
    for (size_t i = ids->n; i-- > 0;) {
        struct identity *id = ids->by_policy[i];
        if (id->round == ids->round)
            continue;
        ids->removed = true;
        tunnel_identity_gone(c, id);
        drops_kept(c, id->slot);
        adopt_identity_gone(c, id);
        identity_remove(ids, id);
    }
}
