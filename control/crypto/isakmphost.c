/*
 * What IKEv1 asks of its host (control/isakmp/isakmp.h) beyond what both versions ask
 * (ikehost.c): policies and keys of its own, debug classes of its own, another kind of record.
 */
#include "control/ike/wire.h"
#include "control/journal.h"
#include "control/priv.h"
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
        if (strlen(i->key[k].host) == id->len && memcmp(i->key[k].host, id->data, id->len) == 0)
            return &i->key[k];
    return NULL;
}

/* The map entry for this peer may say how phase 1 begins. */
static bool aggressive_with(const struct control *c, const struct ike_path *p)
{
    const struct port *port = control_port_of(c, &p->local);
    const struct intent_map *m = port ? port->ifp->map : NULL;
    for (uint32_t e = 0; m && e < m->n; e++)
        for (uint8_t i = 0; i < m->entry[e].n_peer; i++)
            if (addr_eq(&m->entry[e].peer[i], &p->remote))
                return m->entry[e].aggressive;
    return false;
}

static bool host_peer(void *h, const struct ike_path *p, const struct ike_identity *id,
                      struct isakmp_peer_cfg *out)
{
    const struct control *c = (const struct control *)h;
    const struct intent_key *key = key_of_name(&c->intent, id);
    if (!key)
        key = control_key(&c->intent, p);
    if (!key)
        return false;
    *out = key->cfg;
    out->aggressive = out->aggressive || aggressive_with(c, p);
    return true;
}

static void host_initiate_failed(void *h, uint32_t policy, const struct ike_path *p,
                                 enum ike_reason why)
{
    tunnel_initiate_failed((struct control *)h, IKE_V1, policy, p, why);
}

static void host_save(void *h, uint64_t key, const uint8_t *p, size_t n)
{
    keyex_save((struct control *)h, JOURNAL_ISAKMP, key, p, n);
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

struct isakmp_host isakmp_host_of_control(void)
{
    struct isakmp_host h = {.base = control_ike_host,
                            .policies = host_policies,
                            .peer = host_peer,
                            .debug_on = host_debug_on,
                            .debug = host_debug};
    h.base.save = host_save;
    h.base.initiate_failed = host_initiate_failed;
    return h;
}
