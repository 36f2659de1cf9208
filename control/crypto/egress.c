/* The interface that leads to a peer. See egress.h. */
#include "control/crypto/egress.h"
#include "control/priv.h"
#include <stdlib.h>

static const struct port *port_to(const struct control *c, const struct addr *peer)
{
    const struct query_route *q = rib_lookup(&c->rib, peer);
    return q && q->ifp ? ports_named(&c->ports, q->ifp->name) : NULL;
}

bool egress_elsewhere(const struct control *c, uint32_t ifid, const struct addr *peer)
{
    const struct port *p = c->ports.asa && ifid ? port_to(c, peer) : NULL;
    return p && p->ifid != ifid;
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
    uint64_t is = c->ports.asa ? c->rib.builds : c->routes_seen, was = c->routes_seen;
    c->routes_seen = is;
    if (is == was || !was)
        return;
    keyex_each(c, look, &m);
    for (size_t i = 0; i < m.n; i++)
        if (keyex_clear_version(c, m.sa[i].version, &m.sa[i].remote, m.sa[i].ifid))
            say(c, &m.sa[i].remote, m.sa[i].ifid);
    free(m.sa);
}
