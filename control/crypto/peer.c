/*
 * Whose configuration a peer has: by its address, and by what it calls itself once that is known.
 */
#include "control/crypto/by_addr.h"
#include "control/ike/wire.h"
#include "control/priv.h"
#include <string.h>
#include <strings.h>

/* Names of hosts and mail domains know no case. */
static bool name_fits(const struct intent_id *m, const struct ike_identity *id)
{
    size_t n = strlen(m->name);
    if (id->len < n + m->domain || (!m->domain && id->len != n))
        return false;
    const char *tail = (const char *)id->data + id->len - n;
    if (m->domain && tail[-1] != (id->type == ID_RFC822 ? '@' : '.'))
        return false;
    return id->type == ID_KEY ? memcmp(tail, m->name, n) == 0 : strncasecmp(tail, m->name, n) == 0;
}

static bool id_fits(const struct intent_id *m, const struct ike_identity *id)
{
    struct addr a;
    if (!m->type || !id)
        return true;
    if (m->type != id->type)
        return false;
    if (id->type != ID_IPV4 && id->type != ID_IPV6)
        return name_fits(m, id);
    memset(&a, 0, sizeof(a));
    a.family = id->type == ID_IPV4 ? AF_INET : AF_INET6;
    if (id->len != addr_size(&a))
        return false;
    memcpy(a.b, id->data, id->len);
    return prefix_contains(&m->net, &a);
}

/* A virtual address that is learnt could be any. */
static bool ends_at(const struct intent_if *ifp, const struct addr *local)
{
    struct addr a = intent_if_endpoint(ifp, local->family);
    return addr_eq(&a, local) || (ifp->redundancy[0] && !addr_is_set(&ifp->vip));
}

/* The profile of the map entry that means this peer; NULL: it does not matter. */
static const char *wanted_profile(const struct intent *i, const struct ike_path *p, bool v1)
{
    for (uint32_t f = 0; f < i->n_if; f++) {
        const struct intent_if *ifp = &i->ifs[f];
        if (!ifp->map || !ends_at(ifp, &p->local))
            continue;
        struct by_addr_walk w = by_addr_walk(ifp->map->peers, ifp->map->n, &p->remote);
        while (by_addr_next(&w)) {
            const struct intent_map_entry *e = &ifp->map->entry[w.at];
            const char *profile = v1 ? e->isakmp_profile : e->profile;
            if (profile && intent_entry_lists(e, &p->remote))
                return profile;
        }
    }
    return NULL;
}

static bool peer_fits(const struct intent_peer *k, const struct ike_path *p,
                      const struct ike_identity *id, const char *profile)
{
    if (addr_is_set(&k->remote.addr) ? !prefix_contains(&k->remote, &p->remote) : !id && k->by_id)
        return false;
    if (addr_is_set(&k->local) && !addr_eq(&k->local, &p->local))
        return false;
    return id_fits(&k->id, id) && (!profile || !k->profile || strcmp(profile, k->profile) == 0);
}

const struct intent_peer *control_peer(const struct intent *i, const struct ike_path *p,
                                       const struct ike_identity *id)
{
    const char *profile = i->n_peer && i->peer[0].profile ? wanted_profile(i, p, false) : NULL;
    const struct intent_peer *best = NULL;
    int most = -1;
    struct by_addr_walk w = by_addr_walk(i->peers, i->n_peer, &p->remote);
    while (by_addr_next(&w)) {
        const struct intent_peer *k = &i->peer[w.at];
        int len = addr_is_set(&k->remote.addr) ? k->remote.len : 0;
        if (len > most && peer_fits(k, p, id, profile)) {
            best = k;
            most = len;
        }
    }
    return best;
}

bool control_entry_means(const struct intent_map_entry *e, const struct ike_identity *id)
{
    bool fits = !e->has_who;
    for (uint32_t n = 0; !fits && n < e->n_who; n++)
        fits = id_fits(&e->who[n], id);
    return fits;
}

bool control_key_fits(const struct intent_key *k, const struct ike_identity *id)
{
    bool fits = !id || !k->n_id;
    for (uint32_t n = 0; !fits && n < k->n_id; n++)
        fits = id_fits(&k->id[n], id);
    return fits;
}

const struct intent_key *control_key(const struct intent *i, const struct ike_path *p,
                                     const struct ike_identity *id)
{
    const char *profile = i->n_key ? wanted_profile(i, p, true) : NULL;
    const struct intent_key *best = NULL;
    struct by_addr_walk w = by_addr_walk(i->keys, i->n_key, &p->remote);
    while (by_addr_next(&w)) {
        const struct intent_key *key = &i->key[w.at];
        if (profile && (!key->profile || strcmp(profile, key->profile) != 0))
            continue;
        if (key->host[0] || !prefix_contains(&key->remote, &p->remote) ||
            (addr_is_set(&key->local) && !addr_eq(&key->local, &p->local)) ||
            !control_key_fits(key, id))
            continue;
        if (!best || key->remote.len > best->remote.len)
            best = key;
    }
    return best;
}
