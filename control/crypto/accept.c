/*
 * The responder's choice: which line of our configuration does a peer's proposal mean?
 *
 * Entries are tried by sequence number, among those that list the peer; within an entry its
 * access list from the top. RFC 7296 §2.9 lets a responder narrow: what is accepted is the
 * intersection of a permit line and one offered pair of selectors. The line that the offer
 * mirrors best wins: one that the offer covers whole (so the SA is the line itself, as the shows
 * have it), else one that covers the offer, else the first that overlaps. A deny line that covers
 * the offer ends the entry, as it does for outbound packets. IKEv1 cannot narrow: there a line has
 * to cover the offer.
 */
#include "control/crypto/by_addr.h"
#include "control/crypto/dynamic.h"
#include "control/priv.h"
#include <errno.h>
#include <string.h>

enum merit { NO_MATCH, OVERLAPS, COVERS_OFFER, COVERED_BY_OFFER };

static bool ports_meet(const uint16_t a[2], const uint16_t b[2], uint16_t out[2])
{
    out[0] = a[0] > b[0] ? a[0] : b[0];
    out[1] = a[1] < b[1] ? a[1] : b[1];
    return out[0] <= out[1];
}

static bool meet(const struct selector *a, const struct selector *b, struct selector *out)
{
    if (a->proto && b->proto && a->proto != b->proto)
        return false;
    memset(out, 0, sizeof(*out));
    out->proto = a->proto ? a->proto : b->proto;
    return range_intersect(&a->local, &b->local, &out->local) &&
           range_intersect(&a->remote, &b->remote, &out->remote) &&
           ports_meet(a->lport, b->lport, out->lport) && ports_meet(a->rport, b->rport, out->rport);
}

static enum merit judge(const struct selector *line, const struct selector *offered,
                        struct selector *out)
{
    if (!meet(line, offered, out))
        return NO_MATCH;
    if (selector_cmp(out, line) == 0)
        return COVERED_BY_OFFER;
    return selector_cmp(out, offered) == 0 ? COVERS_OFFER : OVERLAPS;
}

/* The first pair may be the packet that asked (RFC 7296 §2.9): single addresses, and more pairs
 * after it. Then the line must carry that packet. */
static bool starts_with_packet(const struct selector *offered, size_t n)
{
    return n > 1 && addr_eq(&offered[0].local.lo, &offered[0].local.hi) &&
           addr_eq(&offered[0].remote.lo, &offered[0].remote.hi);
}

static enum merit best_pair(const struct selector *line, const struct selector *offered, size_t n,
                            struct selector *out)
{
    enum merit best = NO_MATCH;
    struct selector s;
    bool packet = starts_with_packet(offered, n);
    if (packet && judge(line, &offered[0], &s) < COVERS_OFFER)
        return NO_MATCH;
    for (size_t i = packet; i < n; i++) {
        enum merit m = judge(line, &offered[i], &s);
        if (m > best) {
            best = m;
            *out = s;
        }
    }
    if (best == NO_MATCH && packet) {
        *out = offered[0];
        best = COVERS_OFFER;
    }
    return best;
}

static bool all_denied(const struct selector *line, const struct selector *offered, size_t n)
{
    struct selector s;
    for (size_t i = 0; i < n; i++)
        if (!meet(line, &offered[i], &s) || selector_cmp(&s, &offered[i]) != 0)
            return false;
    return true;
}

/* whole: nothing less than the (one) offered pair will do, and the line stands for what IKEv1 can
 * say of it: a range of ports is said as all. */
static const struct intent_ace *choose(const struct intent_acl *acl, const struct selector *offered,
                                       size_t n, bool whole, struct selector *out)
{
    const struct intent_ace *found = NULL;
    enum merit best = NO_MATCH;
    for (uint32_t i = 0; i < acl->n; i++) {
        const struct intent_ace *a = &acl->ace[i];
        const struct selector line = whole && a->permit ? isakmp_selector(&a->sel) : a->sel;
        struct selector s;
        if (!a->permit) {
            if (all_denied(&a->sel, offered, n))
                break;
            continue;
        }
        enum merit m = best_pair(&line, offered, n, &s);
        if (m > best && (!whole || selector_cmp(&s, &offered[0]) == 0)) {
            best = m;
            found = a;
            *out = s;
        }
    }
    return found;
}

/* A template without an access list stands for one that permits everything. */
static bool fits_any(const struct selector *offered, size_t n, bool whole, struct selector *out)
{
    static const struct prefix all[] = {{.addr = {.family = AF_INET}},
                                        {.addr = {.family = AF_INET6}}};
    struct intent_ace open[2] = {{.permit = true}, {.permit = true}};
    const struct intent_acl acl = {.n = 2, .ace = open};
    for (unsigned i = 0; i < 2; i++) {
        struct selector *s = &open[i].sel;
        s->local = s->remote = prefix_range(&all[i]);
        s->lport[1] = s->rport[1] = UINT16_MAX;
    }
    return choose(&acl, offered, n, whole, out) != NULL;
}

static bool fits(const struct intent_map_entry *e, const struct selector *offered, size_t n,
                 bool whole, const struct intent_ace **ace, struct selector *out)
{
    *ace = NULL;
    if (e->any)
        return fits_any(offered, n, whole, out);
    if (e->acl)
        *ace = choose(e->acl, offered, n, whole, out);
    return *ace != NULL;
}

bool accept_allows(const struct intent_map_entry *e, const struct selector *sel)
{
    const struct intent_ace *a;
    struct selector out;
    return fits(e, sel, 1, true, &a, &out);
}

/* `set ikev2-profile`, `set isakmp-profile`: only peers with this profile. */
static bool meets_profile(const struct control *c, const struct intent_map_entry *e,
                          const struct ike_sa_state *sa)
{
    const struct ike_identity *id = sa->remote_id.type ? &sa->remote_id : NULL;
    if (!(sa->version == IKE_V1 ? e->isakmp_profile : e->profile))
        return true;
    if (sa->version == IKE_V1) {
        const struct intent_key *k = control_key(&c->intent, &sa->path, id);
        return k && k->profile && strcmp(k->profile, e->isakmp_profile) == 0;
    }
    const struct intent_peer *p = control_peer(&c->intent, &sa->path, id);
    return p && (!p->profile || strcmp(p->profile, e->profile) == 0);
}

static bool answers(const struct control *c, const struct intent_map_entry *e,
                    const struct ike_sa_state *sa)
{
    return intent_entry_speaks(e, sa->version) && e->connection != CONN_ORIGINATE &&
           intent_entry_takes(e, &sa->path.remote) && meets_profile(c, e, sa) &&
           control_entry_means(e, &sa->remote_id);
}

int accept_child(struct control *c, const struct ike_sa_state *sa, const struct selector *offered,
                 size_t n, struct ike_child_cfg *cfg)
{
    const struct port *p = endpoint_port(c, &sa->path);
    const struct intent_map *m = p && intent_if_speaks(p->ifp, sa->version) ? p->ifp->map : NULL;
    if (!m)
        return -ENOENT;
    struct by_addr_walk w = by_addr_walk(m->peers, m->n, &sa->path.remote);
    while (by_addr_next(&w)) {
        const struct intent_map_entry *e = &m->entry[w.at];
        const struct intent_ace *a;
        struct selector narrowed;
        /* Quick mode agrees on what was offered or on nothing (RFC 2409 §5.5). */
        if (!answers(c, e, sa) || !fits(e, offered, n, sa->version == IKE_V1, &a, &narrowed))
            continue;
        const struct identity *id = e->dynamic ? dynamic_identity(c, p, e, &narrowed)
                                               : identity_find(&c->ids, p->ifid, e->seq, &a->sel);
        if (!id)
            continue;
        tunnel_child_cfg(id, sa->version, cfg);
        cfg->sel = narrowed;
        return 0;
    }
    return -ENOENT;
}
