/*
 * Tunnels: what a child SA is made from, SAs into the datapath and out of it again. How a peer is
 * found to make one with is walk.c's.
 */
#include "control/crypto/dynamic.h"
#include "control/crypto/idle.h"
#include "control/crypto/pathmtu.h"
#include "control/priv.h"
#include "lib/mem.h"
#include "lib/str.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_PER_KB 1024u

/* --- what a child is made from
 * ---------------------------------------------------------------------- */

void tunnel_child_cfg(const struct identity *id, uint8_t version, struct ike_child_cfg *cfg)
{
    const struct intent_map_entry *e = id->entry;
    memset(cfg, 0, sizeof(*cfg));
    cfg->policy = id->policy;
    cfg->ifid = id->ifid;
    str_copy(cfg->map, sizeof(cfg->map), id->map->name);
    cfg->map_seq = e->seq;
    cfg->sel = id->sel;
    const struct ike_esp_proposal *const *p = intent_entry_proposals(e, version, &cfg->n_proposal);
    memcpy(cfg->proposal, p, sizeof(cfg->proposal));
    cfg->pfs_group = e->pfs_group;
    cfg->mode = cfg->n_proposal && p[0]->mode ? p[0]->mode : SADB_TUNNEL;
    cfg->life_seconds = e->life_seconds;
    cfg->life_kbytes = e->life_kbytes;
    cfg->replay_window = e->replay_window;
}

/* --- SAs into the datapath
 * ---------------------------------------------------------------------------- */

static uint32_t flags_of(const struct ike_sa_state *sa, const struct ike_child_state *k,
                         const struct ike_child_cfg *cfg, bool in)
{
    uint32_t f = cfg->flags | (k->esn ? SADB_F_ESN : 0) | (k->udp ? SADB_F_UDP : 0) |
                 (cfg->replay_window ? 0 : SADB_F_NOREPLAY);
    if (!in && k->udp && sa->nat_local)
        f |= SADB_F_KEEPALIVE; /* RFC 3948 §4: the one behind the NAT keeps its mapping */
    /* RFC 7296 §2.8: the peer who replaces a child may receive on the new one only once it has
     * our answer; it then deletes the old one, on which we send until then. */
    if (!in && k->replaces && !k->initiator)
        f |= SADB_F_STANDBY;
    return f;
}

/* As with time (control/ike/life.c): who created the SA replaces it first, and not to the byte
 * where another does. An SPI is as good as random. */
static uint64_t soft_bytes(const struct ike_child_state *k, uint64_t hard)
{
    if (!k->initiator)
        return hard - hard / 40;
    return hard - hard / 20 - (hard >= 40 ? k->spi_in % (hard / 40) : 0);
}

/* Seconds without traffic after which the mapping of a NAT in front of us is kept alive. */
static uint32_t nat_keepalive(const struct control *c, const struct ike_sa_state *sa)
{
    const struct ike_identity *id = sa->remote_id.type ? &sa->remote_id : NULL;
    const struct intent_key *k =
        sa->version == IKE_V1 ? control_key(&c->intent, &sa->path, id) : NULL;
    const struct intent_peer *p =
        sa->version == IKE_V2 ? control_peer(&c->intent, &sa->path, id) : NULL;
    return k ? k->cfg.nat_keepalive : p ? p->nat_keepalive : 0;
}

static int install(struct control *c, const struct identity *id, const struct ike_sa_state *sa,
                   const struct ike_child_state *k, const struct ike_child_cfg *cfg, uint8_t dir,
                   const struct ike_child_keys *keys)
{
    struct path_policy path = path_policy(c, id);
    bool in = dir == SADB_IN;
    struct sadb_sa m;
    memset(&m, 0, sizeof(m));
    m.sa = in ? k->sa_in : k->sa_out;
    m.ifid = k->ifid;
    m.policy = k->policy;
    m.slot = in ? k->slot_in : k->slot_out;
    m.spi = in ? k->spi_in : k->spi_out;
    m.proto = k->proto;
    m.ah_spi = in ? k->ah_spi_in : k->ah_spi_out;
    m.dir = dir;
    m.mode = k->mode;
    m.flags = flags_of(sa, k, cfg, in) | (in ? 0 : path.flags);
    m.mtu = path.mtu;
    m.pmtu_age = path.age;
    m.encr = keys->encr[in ? 0 : 1];
    m.integ = keys->integ[in ? 0 : 1];
    m.ah = keys->ah[in ? 0 : 1];
    m.local = sa->path.local;
    m.remote = sa->path.remote;
    m.local_port = k->udp ? sa->path.lport : 0;
    m.remote_port = k->udp ? sa->path.rport : 0;
    m.replay_window = cfg->replay_window;
    m.hard_bytes = k->life_kbytes * BYTES_PER_KB;
    m.soft_bytes = soft_bytes(k, m.hard_bytes);
    m.nat_keepalive = (m.flags & SADB_F_KEEPALIVE) ? nat_keepalive(c, sa) : 0;
    m.seq_first = 1;
    m.n_ts = k->n_ts;
    memcpy(m.ts, k->ts, sizeof(m.ts));
    int err = wanted_add(c, &m);
    if (!err && c->lab)
        lab_esp(c->lab, &m);
    mem_wipe(&m, sizeof(m));
    return err;
}

static void uninstall(struct control *c, uint32_t sa, uint32_t slot)
{
    wanted_delete(c, sa);
    drops_kept(c, slot);
    slot_give(&c->ids, slot); /* the datapath is done with it before it sees another SA there */
}

/* A new tunnel for the same traffic from another peer takes it over (semantics.md §1.2). Each
 * engine sees to that among its own SAs; the peer before may have spoken the other version. */
struct replaced {
    const struct ike_sa_state *sa;
    uint32_t policy;
    uint32_t *gone;
    size_t n, cap;
};

static bool look_for_replaced(void *ctx, const struct ike_sa_state *sa)
{
    struct replaced *r = (struct replaced *)ctx;
    if (sa->version == r->sa->version || addr_eq(&sa->path.remote, &r->sa->path.remote))
        return true;
    for (uint32_t i = 0; i < sa->n_children; i++)
        if (sa->child[i].policy == r->policy && VEC_ROOM(r->gone, r->cap, r->n + 1))
            r->gone[r->n++] = sa->child[i].sa_in;
    return true;
}

static void replace_other_version(struct control *c, const struct ike_sa_state *sa,
                                  const struct ike_child_state *child)
{
    struct replaced r = {.sa = sa, .policy = child->policy};
    keyex_each_of(c, child->policy, look_for_replaced, &r);
    for (size_t i = 0; i < r.n; i++)
        keyex_end_child(c, r.gone[i], IKE_R_REPLACED);
    free(r.gone);
}

int tunnel_child_up(struct control *c, const struct ike_sa_state *sa,
                    const struct ike_child_state *child, const struct ike_child_keys *keys,
                    const struct ike_child_cfg *cfg)
{
    struct identity *id = identity_by_policy(&c->ids, child->policy);
    if (!id)
        return -ENOENT; /* its line went while IKE was at work */
    if (!control_entry_means(id->entry, &sa->remote_id))
        return -EACCES; /* we began, and it is somebody else */
    /* Inbound first: the peer may send as soon as it sees our answer. */
    int err = install(c, id, sa, child, cfg, SADB_IN, keys);
    if (!err)
        err = install(c, id, sa, child, cfg, SADB_OUT, keys);
    if (err)
        return err;
    bool first = !id->sa_in;
    idle_child_up(c, id);
    walk_arrived(c, id, &sa->path.remote);
    id->sa_in = child->sa_in;
    id->sa_out = child->sa_out;
    id->version = (uint8_t)sa->version;
    if (identity_is_dynamic(id))
        dynamic_up(c, id);
    rri_changed(c, child->policy);
    events_child_up(c, id, child, first);
    replace_other_version(c, sa, child);
    return 0;
}

int tunnel_rekey_cfg(const struct control *c, uint8_t version, const struct ike_child_state *child,
                     struct ike_child_cfg *cfg)
{
    const struct identity *id = identity_by_policy(&c->ids, child->policy);
    if (!id)
        return -ENOENT;
    tunnel_child_cfg(id, version, cfg);
    if (child->n_ts == 1)
        cfg->sel = child->ts[0]; /* what the peer has agreed to before (§2.9.2) */
    return 0;
}

/* Its successor is in place: outbound goes, inbound and the counters stay. */
void tunnel_child_retired(struct control *c, const struct ike_child_state *child)
{
    wanted_delete(c, child->sa_out);
}

/* The child that serves an identity when its newest has gone. */
struct search {
    uint32_t policy;
    const struct ike_child_state *found;
};

static bool look_for_child(void *ctx, const struct ike_sa_state *sa)
{
    struct search *s = (struct search *)ctx;
    for (uint32_t i = 0; i < sa->n_children; i++)
        if (sa->child[i].policy == s->policy && !sa->child[i].leaving &&
            (!s->found || sa->child[i].conn_id > s->found->conn_id))
            s->found = &sa->child[i];
    return true;
}

void tunnel_child_down(struct control *c, const struct ike_child_state *child, enum ike_reason why)
{
    struct identity *id = identity_by_policy(&c->ids, child->policy);
    struct search s = {.policy = child->policy};
    if (child->leaving)
        slot_give(&c->ids, child->slot_out); /* tunnel_child_retired() has taken it out */
    else
        uninstall(c, child->sa_out, child->slot_out);
    if (why != IKE_R_REKEYED || !grace_take(c, child->sa_in, child->slot_in))
        uninstall(c, child->sa_in, child->slot_in);
    bool current = id && id->sa_in == child->sa_in;
    if (current)
        keyex_each_of(c, child->policy, look_for_child, &s);
    if (id)
        events_child_down(c, id, child, current && !s.found);
    if (!current)
        return;
    id->sa_in = s.found ? s.found->sa_in : 0;
    id->sa_out = s.found ? s.found->sa_out : 0;
    if (!s.found)
        walk_lost(id, why);
    if (!s.found && identity_is_dynamic(id))
        dynamic_down(c, id);
    rri_changed(c, child->policy);
}

/* The newest child of a line serves it; handles are given in order. */
void tunnel_child_adopted(struct control *c, const struct ike_sa_state *sa,
                          const struct ike_child_state *child)
{
    struct identity *id = identity_by_policy(&c->ids, child->policy);
    if (!id || child->leaving || child->sa_in < id->sa_in)
        return;
    id->sa_in = child->sa_in;
    id->sa_out = child->sa_out;
    id->version = (uint8_t)sa->version;
    idle_child_up(c, id);
    id->tried = id->current = sa->path.remote;
}
