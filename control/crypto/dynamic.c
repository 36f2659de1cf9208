/* What peers get by templates. See dynamic.h. */
#include "control/crypto/dynamic.h"
#include "control/priv.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* So many, since each takes three counter slots of DPSTATS_SLOTS, and a line of the policies. */
#define DYNAMIC_MOST 8192
/* From the peer's proposal to the SA: IKEv1 has a message more in between. */
#define PENDING (60 * USEC_PER_SEC)

static void refresh(struct identity *id, const struct intent_if *ifp,
                    const struct intent_map_entry *e)
{
    id->ifp = ifp;
    id->map = ifp->map;
    id->entry = e;
    id->own = (struct intent_ace){.permit = true, .sel = id->sel};
    id->ace = &id->own;
}

static struct identity *make(struct control *c, uint32_t ifid, uint32_t seq,
                             const struct selector *sel, uint32_t policy, uint32_t slot)
{
    struct identity *id = c->ids.n_dynamic < DYNAMIC_MOST
                              ? identity_add(&c->ids, ifid, seq, sel, policy, slot)
                              : NULL;
    if (!id)
        return NULL;
    c->ids.n_dynamic++;
    walk_init(c, id);
    return id;
}

struct identity *dynamic_identity(struct control *c, const struct port *p,
                                  const struct intent_map_entry *e, const struct selector *sel)
{
    uint32_t seq = e->template << 16 | e->seq;
    struct identity *id = identity_find(&c->ids, p->ifid, seq, sel);
    if (!id && (id = make(c, p->ifid, seq, sel, 0, 0)) != NULL)
        adopt_identity_new(c, id);
    if (!id)
        return NULL;
    refresh(id, p->ifp, e);
    id->expires = clock_mono(&c->o.clock) + PENDING;
    return id;
}

void dynamic_up(struct control *c, struct identity *id)
{
    if (id->live)
        return;
    id->live = true;
    outbox_hold(c);
    control_kick(c);
}

void dynamic_down(struct control *c, struct identity *id)
{
    id->live = false;
    id->expires = 0;
    control_kick(c);
}

/* --- in a round ----------------------------------------------------------------------------------
 */

static const struct intent_map_entry *entry_of(const struct intent_map *m, uint32_t seq,
                                               const struct selector *sel)
{
    for (uint32_t i = 0; m && i < m->n; i++) {
        const struct intent_map_entry *e = &m->entry[i];
        if (e->dynamic && (e->template << 16 | e->seq) == seq && accept_allows(e, sel))
            return e;
    }
    return NULL;
}

void dynamic_apply(struct control *c)
{
    usec_t now = clock_mono(&c->o.clock);
    for (size_t i = c->ids.n; c->ids.n_dynamic && i-- > 0;) {
        struct identity *id = c->ids.by_policy[i];
        if (!identity_is_dynamic(id))
            continue;
        const struct port *p = ports_by_ifid(&c->ports, id->ifid);
        const struct intent_map_entry *e =
            p && p->ifp ? entry_of(p->ifp->map, id->seq, &id->sel) : NULL;
        if (e && (id->live || now < id->expires)) {
            refresh(id, p->ifp, e);
            continue;
        }
        c->ids.removed = c->ids.removed || id->live; /* its children end */
        c->ids.n_dynamic--;
        spd_forget(c, id);
    }
}

/* How many addresses, as far as it matters for telling which is narrower. */
static uint64_t width(const struct addr_range *r)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < sizeof(r->lo.b); i++) {
        if (n >> 48)
            return UINT64_MAX - i;
        n = n * 256 + r->hi.b[i] - r->lo.b[i];
    }
    return n;
}

/* By entry, the narrowest first: who asks for a wide network does not take what others have. */
static int by_place(const void *x, const void *y)
{
    const struct spd_line *a = (const struct spd_line *)x, *b = (const struct spd_line *)y;
    uint64_t wa = width(&a->ace->sel.remote), wb = width(&b->ace->sel.remote);
    if (a->entry != b->entry)
        return a->entry < b->entry ? -1 : 1;
    if (wa != wb)
        return wa < wb ? -1 : 1;
    return a->id->policy < b->id->policy ? -1 : a->id->policy > b->id->policy;
}

int dynamic_lines(const struct control *c, uint32_t ifid, struct spd_line **out, size_t *n)
{
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    for (size_t i = 0; c->ids.n_dynamic && i < c->ids.n; i++) {
        struct identity *id = c->ids.by_key[i];
        if (id->ifid != ifid || !identity_is_dynamic(id) || !id->live)
            continue;
        if (!VEC_ROOM(*out, cap, *n + 1)) {
            free(*out);
            return -ENOMEM;
        }
        (*out)[(*n)++] = (struct spd_line){.entry = id->entry,
                                           .ace = id->ace,
                                           .id = id,
                                           .action = SPD_PROTECT,
                                           .accept_only = true};
    }
    if (*n)
        qsort(*out, *n, sizeof(**out), by_place);
    return 0;
}

bool dynamic_ranges(const struct control *c, uint32_t ifid, bool remote,
                    bool (*add)(void *ctx, const struct addr_range *r), void *ctx)
{
    for (size_t i = 0; c->ids.n_dynamic && i < c->ids.n; i++) {
        const struct identity *id = c->ids.by_key[i];
        if (id->ifid == ifid && identity_is_dynamic(id) && id->live &&
            !add(ctx, remote ? &id->sel.remote : &id->sel.local))
            return false;
    }
    return true;
}

/* --- taking over ---------------------------------------------------------------------------------
 */

void dynamic_restore(struct control *c, uint32_t ifid, uint32_t seq, const struct selector *sel,
                     uint32_t policy, uint32_t slot)
{
    struct identity *id = make(c, ifid, seq, sel, policy, slot);
    if (!id)
        return;
    id->live = true;
    id->counted = true;
}

struct identity *dynamic_mirrored(struct control *c, const struct port *p, uint32_t seq,
                                  const struct selector *sel)
{
    const struct intent_map_entry *e = entry_of(p->ifp->map, seq, sel);
    struct identity *id = e ? identity_find(&c->ids, p->ifid, seq, sel) : NULL;
    if (e && !id)
        id = make(c, p->ifid, seq, sel, 0, 0);
    if (!id)
        return NULL;
    refresh(id, p->ifp, e);
    if (!id->live)
        control_kick(c);
    id->live = true;
    return id;
}

void dynamic_restored(struct control *c)
{
    for (size_t i = 0; c->ids.n_dynamic && i < c->ids.n; i++) {
        struct identity *id = c->ids.by_policy[i];
        if (identity_is_dynamic(id) && !id->sa_in)
            dynamic_down(c, id);
    }
}
