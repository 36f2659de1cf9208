/* The interface that leads to a peer. See egress.h. */
#include "control/crypto/egress.h"
#include "control/priv.h"
#include <stdlib.h>
#include <string.h>

static int by_prefix(const void *key, const void *entry)
{
    return prefix_cmp((const struct prefix *)key, &((const struct query_route *)entry)->dst);
}

/* Routes that an SA brought lead to what it protects, not to peers (as in rib.c). */
static bool counts(const struct query_route *q)
{
    return !q->tunneled && q->source != RIB_VPN;
}

/* The normal route stands before a tunneled one; the search may have met either. */
static const struct query_route *normal(const struct rib *r, const struct query_route *q)
{
    while (q && q > r->v && prefix_cmp(&q[-1].dst, &q->dst) == 0)
        q--;
    return q && counts(q) ? q : NULL;
}

/* The longest prefix that holds the address; one search per length (RFC 1812 §5.2.4.3). */
static const struct query_route *way_to(const struct rib *r, const struct addr *a)
{
    for (int len = (int)addr_bits(a); r->n && len >= 0; len--) {
        struct prefix p = prefix_make(a, (uint8_t)len);
        const struct query_route *q =
            (const struct query_route *)bsearch(&p, r->v, r->n, sizeof(*r->v), by_prefix);
        q = normal(r, q);
        if (q)
            return q;
    }
    return NULL;
}

static const struct port *port_to(const struct control *c, const struct addr *peer)
{
    const struct query_route *q = way_to(&c->rib, peer);
    return q && q->ifp ? ports_named(&c->ports, q->ifp->name) : NULL;
}

bool egress_elsewhere(const struct control *c, uint32_t ifid, const struct addr *peer)
{
    const struct port *p = c->ports.asa && ifid ? port_to(c, peer) : NULL;
    return p && p->ifid != ifid;
}

/* What the question depends on, as a number: prefixes and the interfaces they lead to. */
static uint64_t fingerprint(const struct rib *r)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < r->n; i++) {
        const struct query_route *q = &r->v[i];
        uint64_t word[2];
        if (!counts(q))
            continue;
        memcpy(word, q->dst.addr.b, sizeof(word));
        h = (h ^ word[0]) * UINT64_C(0x100000001b3);
        h = (h ^ word[1]) * UINT64_C(0x100000001b3);
        h = (h ^ (uint64_t)(q->dst.len << 8 | q->dst.addr.family)) * UINT64_C(0x100000001b3);
        for (const char *s = q->ifp ? q->ifp->name : ""; *s; s++)
            h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
    }
    return h | 1;
}

struct moved {
    const struct control *c;
    struct {
        struct addr remote;
        uint32_t ifid;
        enum ike_version version;
    } * sa;
    size_t n, cap;
};

static bool look(void *ctx, const struct ike_sa_state *sa)
{
    struct moved *m = (struct moved *)ctx;
    if (egress_elsewhere(m->c, sa->ifid, &sa->path.remote) && VEC_ROOM(m->sa, m->cap, m->n + 1)) {
        m->sa[m->n].remote = sa->path.remote;
        m->sa[m->n].ifid = sa->ifid;
        m->sa[m->n++].version = (enum ike_version)sa->version;
    }
    return true;
}

static void say(struct control *c, const struct addr *peer, uint32_t ifid)
{
    const struct port *to = port_to(c, peer), *from = ports_by_ifid(&c->ports, ifid);
    char a[ADDR_STRLEN];
    if (to && to->ifp && from && from->ifp)
        syslog_asa(c->syslog, 3, 713258,
                   "IP = %s, Attempting to establish a phase2 tunnel on %s interface but phase1 "
                   "tunnel is on %s interface. Tearing down old phase1 tunnel due to a potential "
                   "routing change.",
                   addr_print(peer, a, sizeof(a)), to->ifp->nameif, from->ifp->nameif);
}

/* The first routes of an engine are only taken note of: an SA that it has taken over came about by
 * others, and those may depend on what is not known yet (tracked routes). */
void egress_apply(struct control *c)
{
    struct moved m = {.c = c};
    uint64_t is = c->ports.asa ? fingerprint(&c->rib) : c->routes_seen, was = c->routes_seen;
    c->routes_seen = is;
    if (is == was || !was)
        return;
    keyex_each(c, look, &m);
    for (size_t i = 0; i < m.n; i++)
        if (keyex_clear_version(c, m.sa[i].version, &m.sa[i].remote, m.sa[i].ifid))
            say(c, &m.sa[i].remote, m.sa[i].ifid);
    free(m.sa);
}
