/*
 * Ending what has lost its reason. After a change of the configuration an SA stays only where
 * everything it rests on is still there: the interface with its address and map, the key of the
 * peer, the peer in a list, the line of the access list, and the algorithms in a proposal.
 * Lifetimes, PFS and IKE policies count for the next negotiation, as on the platforms.
 */
#include "control/priv.h"
#include "lib/mem.h"
#include <stdlib.h>
#include <string.h>

/* --- interfaces
 * -------------------------------------------------------------------------------------- */

static bool same_addrs(const struct addr *a, size_t n, const struct addr *b, size_t m)
{
    for (size_t i = 0; n == m && i < n; i++)
        if (!addr_eq(&a[i], &b[i]))
            return false;
    return n == m;
}

static bool among(const struct addr *a, const struct addr *v, size_t n)
{
    size_t i = 0;
    while (i < n && !addr_eq(a, &v[i]))
        i++;
    return i < n;
}

/* An address that the map has not any more. As long as it is ours peers are told. Else everything
 * that was there goes without a word, also what no line of a map has made yet. */
static void leave(struct control *c, const struct port *p, const struct addr *local)
{
    bool ours = endpoint_stays(c, local);
    struct ike_which w = {.local = *local, .ifid = ours ? p->ifid : 0};
    keyex_clear_which(c, 0, &w, ours ? IKE_CLEAR_ALL : IKE_CLEAR_SILENT);
}

void tunnel_check_interface(struct control *c, const struct port *p)
{
    struct shadow *s = &c->shadow[p->ifid];
    struct addr there[INTENT_ADDRS];
    size_t n = p->ifp && !p->ifp->shutdown ? endpoint_addrs(c, p->ifp, there) : 0;
    size_t used = p->ifp && s->wanted && (p->ifp->ikev2 || p->ifp->ikev1) ? n : 0;
    if (same_addrs(there, used, s->local, s->n_local))
        return;
    for (size_t i = 0; i < s->n_local; i++)
        if (!among(&s->local[i], there, n))
            leave(c, p, &s->local[i]);
    if (s->n_local)
        keyex_interface_changed(c, p->ifid, there, n);
    if (s->n_local && !used)
        keyex_clear(c, NULL, p->ifid); /* the address is still there: peers can be told */
    memcpy(s->local, there, used * sizeof(*there));
    s->n_local = used;
}

/* --- peers
 * -------------------------------------------------------------------------------------------- */

static bool same_key(const uint8_t *a, uint16_t an, const uint8_t *b, uint16_t bn)
{
    return an == bn && (an == 0 || mem_equal_ct(a, b, an));
}

static bool same_peer(const struct ike_peer_cfg *a, const struct ike_peer_cfg *b)
{
    return same_key(a->local_psk, a->local_psk_len, b->local_psk, b->local_psk_len) &&
           same_key(a->remote_psk, a->remote_psk_len, b->remote_psk, b->remote_psk_len) &&
           a->local_id.type == b->local_id.type && a->local_id.len == b->local_id.len &&
           memcmp(a->local_id.data, b->local_id.data, a->local_id.len) == 0;
}

/* Keys may stand for many peers, so the question is put for each SA. */
struct keys {
    struct control *c;
    const struct intent *old;
    struct {
        struct addr remote;
        uint32_t ifid;
        enum ike_version version;
    } * gone;
    size_t n, cap;
};

static bool key_stays(const struct keys *k, const struct ike_sa_state *sa)
{
    const struct ike_identity *id = sa->remote_id.type ? &sa->remote_id : NULL;
    if (sa->version == IKE_V1) {
        const struct intent_key *was = control_key(k->old, &sa->path, id),
                                *is = control_key(&k->c->intent, &sa->path, id);
        return is &&
               (!was || same_key(was->cfg.psk, was->cfg.psk_len, is->cfg.psk, is->cfg.psk_len));
    }
    const struct intent_peer *was = control_peer(k->old, &sa->path, id),
                             *is = control_peer(&k->c->intent, &sa->path, id);
    return is && (!was || same_peer(&was->cfg, &is->cfg));
}

static bool check_key(void *ctx, const struct ike_sa_state *sa)
{
    struct keys *k = (struct keys *)ctx;
    if (!key_stays(k, sa) && VEC_ROOM(k->gone, k->cap, k->n + 1)) {
        k->gone[k->n].remote = sa->path.remote;
        k->gone[k->n].version = (enum ike_version)sa->version;
        k->gone[k->n++].ifid = sa->ifid;
    }
    return true;
}

static void check_keys(struct control *c, const struct intent *old)
{
    struct keys k = {.c = c, .old = old};
    keyex_each(c, check_key, &k);
    for (size_t i = 0; i < k.n; i++)
        keyex_clear_version(c, k.gone[i].version, &k.gone[i].remote, k.gone[i].ifid);
    free(k.gone);
}

/* --- SAs
 * ------------------------------------------------------------------------------------------------
 */

struct doomed {
    const struct control *c;
    struct {
        struct addr remote;
        uint32_t ifid;
    } * sa;
    uint32_t *child;
    size_t n_sa, cap_sa, n_child, cap_child;
};

static bool map_lists_peer(const struct intent_map *m, const struct addr *a)
{
    for (uint32_t i = 0; i < m->n; i++)
        if (intent_entry_takes(&m->entry[i], a))
            return true;
    return false;
}

/* Of a transform set that is AH alone, ah is what the child has as its only integrity. */
static bool proposed(const struct ike_esp_proposal *p, const struct ike_child_state *k)
{
    bool encr = false, integ = !k->integ;
    if (p->ah != (k->proto == SADB_AH ? k->integ : k->ah_integ))
        return false;
    if (k->proto == SADB_AH)
        return p->n_encr == 0;
    for (unsigned i = 0; i < p->n_encr; i++)
        encr = encr || (p->encr[i].id == k->encr &&
                        (!p->encr[i].keybits || p->encr[i].keybits == k->encr_bits));
    for (unsigned i = 0; i < p->n_integ; i++)
        integ = integ || p->integ[i] == k->integ;
    return encr && integ;
}

static bool child_stays(const struct control *c, const struct ike_sa_state *sa,
                        const struct ike_child_state *k)
{
    const struct identity *id = identity_by_policy(&c->ids, k->policy);
    if (!id || !intent_entry_takes(id->entry, &sa->path.remote) ||
        !control_entry_means(id->entry, &sa->remote_id))
        return false;
    /* A standby takes only what has handles of its own kind. */
    if (wanted_is_shared(k->sa_in) != id->ifp->stateful)
        return false;
    uint8_t n;
    const struct ike_esp_proposal *const *p = intent_entry_proposals(id->entry, sa->version, &n);
    for (uint8_t i = 0; i < n; i++)
        if (proposed(p[i], k))
            return true;
    return false;
}

static bool check_sa(void *ctx, const struct ike_sa_state *sa)
{
    struct doomed *d = (struct doomed *)ctx;
    const struct port *p = ports_by_ifid(&d->c->ports, sa->ifid);
    if (p && p->ifp && p->ifp->map && !map_lists_peer(p->ifp->map, &sa->path.remote) &&
        VEC_ROOM(d->sa, d->cap_sa, d->n_sa + 1)) {
        d->sa[d->n_sa].remote = sa->path.remote;
        d->sa[d->n_sa++].ifid = sa->ifid;
        return true;
    }
    for (uint32_t i = 0; i < sa->n_children; i++)
        if (!child_stays(d->c, sa, &sa->child[i]) &&
            VEC_ROOM(d->child, d->cap_child, d->n_child + 1))
            d->child[d->n_child++] = sa->child[i].sa_in;
    return true;
}

static void check_sas(struct control *c)
{
    struct doomed d = {.c = c};
    keyex_each(c, check_sa, &d);
    for (size_t i = 0; i < d.n_sa; i++)
        keyex_clear(c, &d.sa[i].remote, d.sa[i].ifid);
    for (size_t i = 0; i < d.n_child; i++)
        keyex_end_child(c, d.child[i], IKE_R_LOCAL_DELETE);
    free(d.sa);
    free(d.child);
}

void tunnel_prune(struct control *c, const struct intent *old)
{
    for (size_t i = 0; i < c->ports.n; i++)
        tunnel_check_interface(c, c->ports.v[i]);
    if (old)
        check_keys(c, old);
    if (old || c->ids.removed)
        check_sas(c);
    c->ids.removed = false;
}
