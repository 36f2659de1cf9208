/* Packets and the size of the path. See pathmtu.h. */
#include "control/crypto/pathmtu.h"
#include "control/priv.h"
#include <inttypes.h>
#include <string.h>

#define MTU_USUAL 1500 /* of a tunnel whose source is nowhere yet */

static uint32_t flags_of(const struct intent_if *f, const struct intent_map_entry *e)
{
    uint32_t df = e->has_df ? e->df : f->path_flags & (SADB_DF_SET | SADB_DF_CLEAR);
    return df | (f->path_flags & SADB_F_FRAG_AFTER);
}

static const struct port *way_out(const struct control *c, const struct intent_if *f)
{
    if (!f->tunnel.mode)
        return ports_named(&c->ports, f->name);
    const struct hsrp_group *g = f->redundancy[0] ? hsrp_named(c, f->redundancy) : NULL;
    return g ? ports_named(&c->ports, g->link.name) : control_port_of(c, &f->tunnel.source);
}

uint32_t path_mtu(const struct control *c, const struct intent_if *f)
{
    const struct port *p = way_out(c, f);
    const struct world_link *l = p ? ports_link(p, &c->world) : NULL;
    if (p && p->ifp && p->ifp->mtu)
        return p->ifp->mtu;
    return l ? l->mtu : f->tunnel.mode ? MTU_USUAL : 0;
}

struct path_policy path_policy(const struct control *c, const struct identity *id)
{
    return (struct path_policy){.flags = flags_of(id->ifp, id->entry),
                                .age = c->intent.pmtu_age,
                                .mtu = path_mtu(c, id->ifp)};
}

void path_apply(struct control *c)
{
    for (size_t i = 0; i < c->wanted.n; i++) {
        struct wanted_sa *w = c->wanted.v[i];
        const struct identity *id = identity_by_policy(&c->ids, w->m.policy);
        if (!id || w->m.dir != SADB_OUT)
            continue;
        struct path_policy p = path_policy(c, id);
        wanted_path(c, w, &p);
    }
}

/* The texts are the platform's 602103 and 602101. */
void path_event(struct control *c, const struct sadb_event *e)
{
    char router[ADDR_STRLEN], local[ADDR_STRLEN], remote[ADDR_STRLEN];
    addr_print(&e->router, router, sizeof(router));
    addr_print(&e->path.local, local, sizeof(local));
    addr_print(&e->path.remote, remote, sizeof(remote));
    if (e->kind == EV_PMTU)
        log_line(c->o.log, LOGL_NOTICE, "pmtu",
                 "IPSEC: Received an ICMP Destination Unreachable from %s with suggested PMTU of "
                 "%" PRIu32 "; PMTU updated for SA with peer %s, SPI 0x%08" PRIX32
                 ", tunnel name %s, old PMTU %" PRIu32 ", new PMTU %" PRIu32 ".",
                 router, e->mtu, remote, e->spi, remote, e->was, e->mtu);
    else
        log_line(c->o.log, LOGL_NOTICE, "pmtu",
                 "PMTU-D packet %" PRIu32 " bytes greater than effective mtu %" PRIu32
                 ", dest_addr=%s, src_addr=%s, prot=%u",
                 e->was, e->mtu, remote, local, e->proto);
}
