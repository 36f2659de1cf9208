/*
 * What IKEv1 asks of its host (control/isakmp/isakmp.h) beyond what both versions ask
 * (ikehost.c): policies and keys of its own, debug classes of its own, another kind of record.
 */
#include "control/crypto/by_addr.h"
#include "control/ike/wire.h"
#include "control/journal.h"
#include "control/priv.h"
#include <stdio.h>
#include <string.h>

static const struct isakmp_policy *host_policies(void *h, const struct addr *local, size_t *n)
{
    const struct control *c = (const struct control *)h;
    const struct port *p = control_port_of(c, local);
    *n = 0;
    if (!p || !p->ifp->ikev1)
        return NULL;
    *n = c->intent.n_isakmp;
    return c->intent.isakmp;
}

/* In aggressive mode a peer may be known by the name it gives (RFC 2409 §5.4). */
static const struct intent_key *key_of_name(const struct intent *i, const struct ike_identity *id)
{
    for (uint32_t k = 0; id && id->type == ID_FQDN && k < i->n_key; k++)
        if (strlen(i->key[k].host) == id->len && memcmp(i->key[k].host, id->data, id->len) == 0 &&
            control_key_fits(&i->key[k], id))
            return &i->key[k];
    return NULL;
}

/* The map entry for this peer may say how phase 1 begins. */
static bool aggressive_with(const struct control *c, const struct ike_path *p)
{
    const struct port *port = endpoint_port(c, p);
    const struct intent_map *m = port ? port->ifp->map : NULL;
    if (!m)
        return false;
    struct by_addr_walk w = by_addr_walk(m->peers, m->n, &p->remote);
    while (by_addr_next(&w))
        if (intent_entry_lists(&m->entry[w.at], &p->remote))
            return m->entry[w.at].aggressive;
    return false;
}

static bool host_peer(void *h, const struct ike_path *p, const struct ike_identity *id,
                      struct isakmp_peer_cfg *out)
{
    const struct control *c = (const struct control *)h;
    const struct intent_key *key = key_of_name(&c->intent, id);
    if (!key)
        key = control_key(&c->intent, p, id);
    if (!key)
        return false;
    *out = key->cfg;
    out->aggressive = out->aggressive || aggressive_with(c, p);
    out->listed = !key->host[0] && addr_eq(&key->remote.addr, &p->remote) &&
                  key->remote.len == addr_bits(&key->remote.addr);
    return true;
}

static void host_initiate_failed(void *h, uint32_t policy, const struct ike_path *p,
                                 enum ike_reason why)
{
    tunnel_initiate_failed((struct control *)h, IKE_V1, policy, p, why);
}

static void host_save(void *h, const struct ike_sa_state *sa, uint64_t key, const uint8_t *p,
                      size_t n)
{
    keyex_save((struct control *)h, JOURNAL_ISAKMP, sa, key, p, n);
}

static bool host_debug_on(void *h, enum isakmp_debug cls)
{
    return control_debug_level((const struct control *)h, CONTROL_DEBUG_V1 + (unsigned)cls) > 0;
}

static void host_debug(void *h, enum isakmp_debug cls, const char *text)
{
    (void)cls;
    control_notice((struct control *)h, text);
}

/* The child's line of a map, where its SAs make routes. */
static const struct identity *with_routes(const struct control *c, const struct ike_child_state *k)
{
    const struct identity *id = identity_by_policy(&c->ids, k->policy);
    return id && id->entry->rri.on && !id->entry->rri.always ? id : NULL;
}

static void say_route(void *h, const struct identity *id, const struct ike_sa_state *sa,
                      const struct ike_child_state *k, bool added)
{
    const struct intent_rri *rri = &id->entry->rri;
    char peer[ADDR_STRLEN], dst[ADDR_STRLEN], mask[ADDR_STRLEN], text[256];
    struct prefix p;
    if (!range_to_prefix(&k->ts[0].remote, &p))
        return;
    const struct addr m = addr_len_to_mask(p.addr.family, p.len);
    snprintf(text, sizeof(text), "IPSEC(rte_mgr): VPN Route Refcount %d %s\n", added,
             id->ifp->name);
    host_debug(h, ISAKMP_DBG_IPSEC, text);
    snprintf(
        text, sizeof(text),
        "IPSEC(rte_mgr): VPN Route %s %s %s via %s in IP DEFAULT TABLE with tag %u distance %u",
        added ? "Added" : "Removed", addr_print(&p.addr, dst, sizeof(dst)),
        addr_print(&m, mask, sizeof(mask)),
        addr_print(addr_is_set(&rri->gateway) ? &rri->gateway : &sa->path.remote, peer,
                   sizeof(peer)),
        rri->tag, rri->distance ? rri->distance : 1u);
    host_debug(h, ISAKMP_DBG_IPSEC, text);
}

static void host_debug_routes(void *h, const struct ike_sa_state *sa,
                              const struct ike_child_state *k)
{
    const struct identity *id = with_routes((const struct control *)h, k);
    char peer[ADDR_STRLEN], dst[ADDR_STRLEN], text[256];
    if (!id)
        return;
    addr_print(&sa->path.remote, peer, sizeof(peer));
    snprintf(text, sizeof(text),
             "IPSEC(rte_mgr): VPN Route Event create SA based on crypto ACL in real time for %s",
             peer);
    host_debug(h, ISAKMP_DBG_IPSEC, text);
    snprintf(text, sizeof(text),
             " IPSEC(rte_mgr): Route add Peer %s , Destination %s, Nexthop 0.0.0.0, RT type 1",
             peer, addr_print(&k->ts[0].remote.lo, dst, sizeof(dst)));
    host_debug(h, ISAKMP_DBG_IPSEC, text);
    say_route(h, id, sa, k, true);
}

static void host_stray(void *h, const struct ike_path *p)
{
    events_no_sa((struct control *)h, &p->remote);
}

static void host_child_down(void *h, const struct ike_sa_state *sa, const struct ike_child_state *k,
                            enum ike_reason why)
{
    const struct identity *id = with_routes((const struct control *)h, k);
    if (id && !k->replaced_by && host_debug_on(h, ISAKMP_DBG_IPSEC))
        say_route(h, id, sa, k, false);
    control_ike_host.child_down(h, sa, k, why);
}

struct isakmp_host isakmp_host_of_control(void)
{
    struct isakmp_host h = {.base = control_ike_host,
                            .policies = host_policies,
                            .peer = host_peer,
                            .debug_on = host_debug_on,
                            .debug = host_debug,
                            .stray = host_stray,
                            .debug_routes = host_debug_routes};
    h.base.save = host_save;
    h.base.child_down = host_child_down;
    h.base.initiate_failed = host_initiate_failed;
    return h;
}
