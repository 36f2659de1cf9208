/*
 * Children: pairs of SAs that quick mode made. They hang on the newest SA of phase 1 with their
 * peer, and move with it.
 */
#include "control/isakmp/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

void isk_child_from_cfg(const struct isk_sa *sa, struct isk_node *n,
                        const struct ike_child_cfg *cfg)
{
    struct ike_child_state *c = &n->child;

    c->policy = cfg->policy;
    c->ifid = cfg->ifid;
    c->life_seconds = cfg->life_seconds;
    c->life_kbytes = cfg->life_kbytes;
    c->map_seq = cfg->map_seq;
    memcpy(c->map, cfg->map, sizeof c->map);
    c->map[sizeof c->map - 1] = '\0';
    c->udp = sa->s.nat_local || sa->s.nat_remote;
}

int isk_child_by_spi(const struct isk_sa *sa, uint32_t spi_in)
{
    for (unsigned i = 0; i < sa->s.n_children; i++)
        if (sa->s.child[i].spi_in == spi_in)
            return (int)i;
    return -1;
}

/* A peer names a child by any of its SPIs. */
static bool has_spi(const struct ike_child_state *c, uint32_t in, uint32_t out)
{
    return (in && (c->spi_in == in || c->ah_spi_in == in)) ||
           (out && (c->spi_out == out || c->ah_spi_out == out));
}

bool isk_child_find(struct isakmp *k, const struct ike_path *p, uint32_t spi_in, uint32_t spi_out,
                    struct isk_sa **sa, unsigned *i)
{
    for (struct isk_sa *o = isk_peer_first(k, p); o; o = o->peer_next)
        for (unsigned c = 0; isk_same_peer(o, p) && c < o->s.n_children; c++)
            if (has_spi(&o->s.child[c], spi_in, spi_out)) {
                *sa = o;
                *i = c;
                return true;
            }
    return false;
}

bool isk_child_replaced(const struct isk_sa *sa, const struct ike_child_state *c)
{
    struct isk_sa *o;
    unsigned i;
    return c->replaced_by && isk_child_find(sa->k, &sa->s.path, c->replaced_by, 0, &o, &i);
}

/* --- birth ----------------------------------------------------------------------------------- */

/* Neither children nor anything that would become one. */
static bool alone(const struct isk_sa *sa)
{
    for (const struct isk_node *n = sa->nodes; n; n = n->next)
        if (n->state < NODE_DONE)
            return false;
    return sa->s.n_children == 0 && !sa->wants;
}

void isk_child_taken(struct isk_sa *sa, unsigned i)
{
    isk_child_remove(sa, i, IKE_R_REPLACED, true);
    if (sa->k->end_alone && isk_sa_alive(sa) && isk_up(sa) && alone(sa))
        isk_sa_end(sa, IKE_R_REPLACED, true);
}

/* A new tunnel for the same traffic from another peer takes it over; the old peer is told
 * (semantics.md §1.2). */
void isk_replace_others(struct isk_sa *sa, uint32_t policy)
{
    struct isk_sa *o;
    uint32_t at = 0;

    while ((o = ike_index_next(&sa->k->index, IKE_BY_POLICY, policy, &at)) != NULL) {
        unsigned i = 0;
        while (i < o->s.n_children && o->s.child[i].policy != policy)
            i++;
        if (i == o->s.n_children || addr_eq(&o->s.path.remote, &sa->s.path.remote))
            continue;
        isk_child_taken(o, i);
        at = 0; /* the index has changed */
    }
}

static void begin_life(struct isakmp *k, struct ike_child_state *c)
{
    usec_t life = (usec_t)c->life_seconds * USEC_PER_SEC;

    c->created = isk_now(k);
    c->expires = life ? c->created + life : 0;
    c->rekey_at =
        life ? isk_rekey_time(k, c->initiator, c->created, c->expires, ISK_MARGIN_CHILD) : 0;
    c->conn_id = ++k->conn;
}

int isk_child_install(struct isk_node *n, bool initiator, struct bytes secret,
                      const struct ike_child_cfg *cfg)
{
    struct isk_sa *sa = n->sa;
    struct isakmp *k = sa->k;
    struct ike_child_state *c = &n->child;
    struct ike_child_keys keys;
    uint32_t policy = c->policy, spi = c->spi_in;

    if (sa->s.n_children >= (n->old_spi ? IKE_CHILDREN_ALL : IKE_CHILDREN_MAX))
        return -ENOSPC;
    c->initiator = initiator;
    c->replaces = n->old_spi;
    int err = isk_derive_child(k->c, &sa->s, c, (struct bytes){n->ni, n->ni_len},
                               (struct bytes){n->nr, n->nr_len}, secret, &keys);
    if (err < 0)
        return err;
    begin_life(k, c);
    err = ike_child_room(&sa->s);
    if (err == 0)
        err = ike_index_room(&k->index, IKE_INDEX_OF_CHILD);
    if (err == 0)
        err = k->host.base.child_alloc(k->h, c);
    if (err == 0) {
        /* In the list first, so that the host finds it there whatever it looks at. */
        struct isk_sa *o;
        unsigned i;
        if (isk_child_find(k, &sa->s.path, n->old_spi, 0, &o, &i)) {
            o->s.child[i].replaced_by = spi;
            isk_sa_changed(o);
        }
        sa->s.child[sa->s.n_children++] = *c;
        ike_index_child(&k->index, c, sa);
        isk_sa_changed(sa);
        err = k->host.base.child_up(k->h, &sa->s, &sa->s.child[sa->s.n_children - 1], &keys, cfg);
    }
    mem_wipe(&keys, sizeof keys);
    /* The callback may have ended the SA, and with it this child. */
    int at = isk_child_by_spi(sa, spi);
    if (err == 0 && at < 0)
        err = -EPIPE;
    else if (err < 0 && at >= 0)
        isk_child_remove(sa, (unsigned)at, IKE_R_INTERNAL, false);
    if (err == 0) {
        isk_event(sa, IKE_EV_CHILD_UP, "0x%x/0x%x", sa->s.child[at].spi_in,
                  sa->s.child[at].spi_out);
    }
    if (err == 0 && isk_sa_alive(sa)) {
        isk_arm_life(sa);
        if (policy)
            isk_replace_others(sa, policy);
    }
    return err;
}

/* --- end ------------------------------------------------------------------------------------- */

/* What it was to replace has no successor any more and needs another one. */
static void successor_gone(struct isakmp *k, const struct ike_child_state *gone)
{
    struct isk_sa *o;
    uint32_t at = 0;

    /* It was for the same line. */
    while ((o = ike_index_next(&k->index, IKE_BY_POLICY, gone->policy, &at)) != NULL)
        for (unsigned i = 0; i < o->s.n_children; i++) {
            struct ike_child_state *c = &o->s.child[i];
            if (c->replaced_by != gone->spi_in || c->leaving)
                continue;
            c->replaced_by = 0;
            c->rekey_at = isk_now(k) + USEC_PER_SEC + isk_below(k, 2 * USEC_PER_SEC);
            isk_sa_changed(o);
            isk_arm_life(o);
        }
}

void isk_child_remove(struct isk_sa *sa, unsigned i, enum ike_reason why, bool tell)
{
    struct isakmp *k = sa->k;
    struct ike_child_state c = sa->s.child[i];

    isk_sa_changed(sa);
    if (tell)
        isk_tell_child(sa, &c);
    sa->s.n_children--;
    memmove(&sa->s.child[i], &sa->s.child[i + 1], (sa->s.n_children - i) * sizeof sa->s.child[0]);
    ike_index_no_child(&k->index, &c, sa);
    successor_gone(k, &c);
    k->host.base.child_down(k->h, &sa->s, &c, why);
    isk_event(sa, IKE_EV_CHILD_DOWN, "0x%x/0x%x: %s", c.spi_in, c.spi_out, ike_reason_text(why));
    if (sa->s.state == IKE_IDLE && sa->s.n_children == 0)
        isk_sa_end(sa, why, false); /* an empty shell */
    else if (isk_sa_alive(sa))
        isk_arm_life(sa);
}

void isk_child_leave(struct isk_sa *sa, unsigned i, usec_t after)
{
    struct ike_child_state *c = &sa->s.child[i];
    usec_t end = isk_now(sa->k) + after;

    if (c->leaving)
        return;
    c->leaving = IKE_LEAVING;
    c->rekey_at = 0;
    if (!c->expires || c->expires > end)
        c->expires = end;
    isk_sa_changed(sa);
    if (sa->k->host.base.child_retired)
        sa->k->host.base.child_retired(sa->k->h, &sa->s, c);
    if (isk_sa_alive(sa))
        isk_arm_life(sa);
}

void isk_children_move(struct isk_sa *from, struct isk_sa *to)
{
    if (from->s.n_children == 0)
        return;
    isk_sa_changed(from);
    isk_sa_changed(to);
    if (!to->s.ifid)
        to->s.ifid = from->s.ifid;
    while (from->s.n_children > 0) {
        struct ike_child_state *c = &from->s.child[0];
        if (to->s.n_children >= IKE_CHILDREN_ALL || ike_child_room(&to->s) < 0)
            return; /* the rest stays where it is */
        to->s.child[to->s.n_children++] = *c;
        ike_index_no_child(&from->k->index, c, from);
        ike_index_child(&from->k->index, c, to); /* there is room: as many went out */
        from->s.n_children--;
        memmove(&from->s.child[0], &from->s.child[1], from->s.n_children * sizeof from->s.child[0]);
    }
    isk_arm_life(to);
}
