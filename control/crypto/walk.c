/*
 * The walk of an identity through the peer list of its map entry (semantics.md §1.1).
 *
 * Traffic begins it (SADB_ACQUIRE), one peer at a time is tried, the next when IKE gives up, each
 * peer once; after the last one the datapath is told, so that the next packet begins anew. Only the
 * initiator walks. Where it begins is the platform's: the ASA at the first peer, IOS at the peer
 * marked `default`, or else at the one that it used last, or behind it when that one died.
 *
 * A step always runs from its timer, never inside a callback of IKE.
 */
#include "control/crypto/egress.h"
#include "control/crypto/idle.h"
#include "control/priv.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static unsigned place_of(const struct intent_map_entry *e, const struct addr *peer)
{
    unsigned i = 0;
    while (i < e->n_peer && !addr_eq(&e->peer[i], peer))
        i++;
    return i;
}

static unsigned first_place(const struct identity *id)
{
    unsigned i = id->entry->follow ? place_of(id->entry, &id->current) : 0;
    return i < id->entry->n_peer ? i : 0;
}

/* The peer and the version of a try. False: the version is not configured for this entry, or the
 * peer is known to be dead. */
static bool select_try(struct identity *id)
{
    static const uint8_t version[] = {IKE_V2, IKE_V1};
    id->tried = id->entry->peer[(id->first + id->at / 2) % id->entry->n_peer];
    id->tried_version = version[id->at % 2];
    return intent_entry_speaks(id->entry, id->tried_version) &&
           !dead_skip(id->control, id->entry, &id->tried);
}

static unsigned tries(const struct identity *id)
{
    return 2u * id->entry->n_peer;
}

/* 0 when IKE is at work, or -errno: this peer cannot even be tried. */
static int try_peer(struct identity *id)
{
    struct control *c = id->control;
    const struct port *p = ports_by_ifid(&c->ports, id->ifid);
    struct ike_child_cfg cfg;
    struct ike_path path = {.local = endpoint_addr(c, id->ifp, id->tried.family),
                            .remote = id->tried,
                            .lport = PORT_IKE,
                            .rport = PORT_IKE};
    if (!p || !ports_up(&c->ports, p, &c->world))
        return -ENETDOWN;
    if (!addr_is_set(&path.local))
        return -EAFNOSUPPORT;
    if (!intent_if_speaks(id->ifp, id->tried_version) ||
        !(id->tried_version == IKE_V1 ? c->intent.n_isakmp
                                      : c->intent.n_policy + id->ifp->n_policy))
        return -EPROTONOSUPPORT;
    if (!keyex_knows(c, id->tried_version, &path))
        return -ENOKEY;
    if (egress_elsewhere(c, id->ifid, &path.remote))
        return -ENETUNREACH;
    tunnel_child_cfg(id, id->tried_version, &cfg);
    return keyex_initiate(c, id->tried_version, &path, &cfg);
}

static const char *try_text(int err)
{
    switch (err) {
    case -ENOKEY:
        return "no key for it";
    case -EPROTONOSUPPORT:
        return "its version of IKE is not enabled on the interface or has no policy";
    case -EAFNOSUPPORT:
        return "the interface has no address of its family";
    case -ENETUNREACH:
        return "the route to it leaves by another interface";
    default:
        return strerror(-err);
    }
}

static void say_next(struct identity *id, const struct addr *before)
{
    struct control *c = id->control;
    char a[ADDR_STRLEN], b[ADDR_STRLEN], line[256];
    snprintf(line, sizeof(line),
             "[IKE COMMON DEBUG]Failed to initiate ikev2 SA with peer %s, initiating to next peer "
             "%s configured in the multiple peer list of the crypto map.",
             addr_print(before, a, sizeof(a)), addr_print(&id->tried, b, sizeof(b)));
    log_line(c->o.log, LOGL_NOTICE, "tunnel", "%s", line);
    if (c->debug[IKE_DBG_PLATFORM])
        control_notice(c, line);
}

static void give_up(struct identity *id)
{
    struct control *c = id->control;
    struct sadb_ref r = {.seq = dp_seq(c), .policy = id->policy};
    id->walking = false;
    dp_send(c, SADB_ACQUIRE_FAILED, &r, sizeof(r), NULL, 0);
}

static void on_step(struct timer *t, void *owner)
{
    struct identity *id = (struct identity *)owner;
    struct control *c = id->control;
    struct addr before = id->tried;
    bool any = id->at > 0; /* `before` has failed */
    (void)t;
    for (; id->walking && id->at < tries(id); id->at++) {
        char a[ADDR_STRLEN];
        if (!select_try(id))
            continue;
        if (any && !addr_eq(&before, &id->tried))
            say_next(id, &before);
        int err = try_peer(id);
        if (!err)
            return;
        log_line(c->o.log, LOGL_NOTICE, "tunnel", "map %s %u, peer %s: %s", id->map->name, id->seq,
                 addr_print(&id->tried, a, sizeof(a)), try_text(err));
        before = id->tried;
        any = true;
    }
    if (id->walking)
        give_up(id);
}

static void step_soon(struct identity *id)
{
    struct control *c = id->control;
    timer_set(&c->timers, &id->step, clock_mono(&c->o.clock));
}

void tunnel_acquire(struct control *c, const struct sadb_acquire *a)
{
    struct identity *id = identity_by_policy(&c->ids, a->policy);
    if (!id || id->walking)
        return;
    id->walking = true;
    id->at = 0;
    id->first = first_place(id);
    if (id->entry->connection == CONN_ANSWER || !endpoint_here(c, id->ifp))
        give_up(id);
    else
        step_soon(id);
}

void walk_recover(struct control *c, const struct ike_path *p)
{
    for (size_t i = 0; i < c->ids.n; i++) {
        struct identity *id = c->ids.by_policy[i];
        struct addr local = endpoint_addr(c, id->ifp, p->remote.family);
        unsigned at = place_of(id->entry, &p->remote);
        if (id->sa_in || at == id->entry->n_peer || !intent_entry_speaks(id->entry, IKE_V2) ||
            !addr_eq(&local, &p->local) || id->entry->connection == CONN_ANSWER ||
            !endpoint_here(c, id->ifp))
            continue;
        if (!id->walking) {
            id->walking = true;
            id->at = 0;
            id->first = at;
            step_soon(id);
        }
        return; /* one is enough */
    }
}

void tunnel_initiate_failed(struct control *c, uint8_t version, uint32_t policy,
                            const struct ike_path *p, enum ike_reason why)
{
    struct identity *id = identity_by_policy(&c->ids, policy);
    char a[ADDR_STRLEN];
    log_line(c->o.log, LOGL_NOTICE, "tunnel", "no SA with peer %s: %s",
             addr_print(&p->remote, a, sizeof(a)), ike_reason_text(why));
    dead_given_up(c, &p->remote, why);
    if (!id || !id->walking || version != id->tried_version || !addr_eq(&id->tried, &p->remote))
        return;
    id->at++;
    step_soon(id);
}

void walk_arrived(struct control *c, struct identity *id, const struct addr *peer)
{
    id->walking = false;
    timer_cancel(&c->timers, &id->step);
    id->tried = id->current = *peer;
    dead_alive(c, peer);
}

void walk_lost(struct identity *id, enum ike_reason why)
{
    dead_given_up(id->control, &id->tried, why);
    unsigned at = place_of(id->entry, &id->current);
    if ((why == IKE_R_DPD || why == IKE_R_RETRANSMIT) && at < id->entry->n_peer)
        id->current = id->entry->peer[(at + 1) % id->entry->n_peer];
}

void walk_stop(struct control *c, uint32_t ifid)
{
    for (size_t i = 0; i < c->ids.n; i++) {
        struct identity *id = c->ids.by_policy[i];
        if (id->ifid != ifid || !id->walking)
            continue;
        timer_cancel(&c->timers, &id->step);
        give_up(id);
    }
}

void walk_init(struct control *c, struct identity *id)
{
    id->control = c;
    timer_init(&id->step, on_step, id);
    idle_init(id);
}

void walk_end(struct control *c, struct identity *id)
{
    timer_cancel(&c->timers, &id->step);
    idle_end(c, id);
}
