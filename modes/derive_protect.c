/*
 * `redundancy inter-device`, `security ipsec PROFILE`: what protects stateful failover, made by
 * itself as the platform makes it (seed 002, "Protecting SSO Traffic"). For each pair of local-ip
 * and remote-ip: a crypto map with one entry of the profile for SCTP between the two, shown on the
 * interface that has local-ip, and a host route to remote-ip by that interface.
 */
#include "control/sso/protect.h"
#include "modes/derive.h"
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define MAP_NAME "%.50s-head-0" /* as the maps of tunnel interfaces are called */
#define MAP_SEQ  65535u

static const struct intent_if *owner_of(const struct intent *in, const struct addr *a)
{
    struct addr v[INTENT_ADDRS];
    for (uint32_t i = 0; i < in->n_if; i++)
        for (size_t n = intent_if_addrs(&in->ifs[i], v); n--;)
            if (addr_eq(&v[n], a))
                return &in->ifs[i];
    return NULL;
}

static const struct intent_acl *list_of(struct arena *arena, const struct addr *local,
                                        const struct addr *remote, const char *name)
{
    struct intent_acl *acl = arena_array(arena, struct intent_acl, 1);
    struct intent_ace *ace = arena_array(arena, struct intent_ace, 1);
    if (!acl || !ace)
        return NULL;
    *ace = (struct intent_ace){.permit = true,
                               .line = 1,
                               .sel = {.local = {*local, *local},
                                       .remote = {*remote, *remote},
                                       .proto = IPPROTO_SCTP,
                                       .lport = {0, UINT16_MAX},
                                       .rport = {0, UINT16_MAX}}};
    *acl = (struct intent_acl){.n = 1, .ace = ace};
    snprintf(acl->name, sizeof acl->name, "%s", name);
    return acl;
}

static void add_route(struct intent *out, const struct intent_if *owner, const struct addr *remote)
{
    struct intent_route *r = &out->route[out->n_route++];
    *r = (struct intent_route){.dst = prefix_make(remote, addr_bits(remote)), .distance = 1};
    str_copy(r->ifname, sizeof r->ifname, owner->name);
}

static void one_path(struct derive *d, unsigned i)
{
    struct intent *out = d->out;
    const struct addr *local = &out->sso.local[i], *remote = &out->sso.remote[i];
    const struct intent_if *owner = owner_of(out, local);
    struct intent_map *m = &out->map[out->n_map];
    struct intent_map_entry *e = arena_array(&out->arena, struct intent_map_entry, 1);
    if (!owner || !e || !derive_profile_entry(d, out->sso.security, e))
        return; /* then nothing is sent (sso/protect.h) */
    struct intent_if *f = &out->ifs[out->n_if];
    protect_name(i, f->name, sizeof f->name);
    snprintf(m->name, sizeof m->name, MAP_NAME, f->name);
    e->seq = MAP_SEQ;
    e->peer[0] = *remote;
    e->n_peer = 1;
    e->acl = list_of(&out->arena, local, remote, m->name);
    m->entry = e;
    m->n = 1;
    f->kind = IF_PEER;
    f->of = owner;
    f->unnumbered = true;
    f->tunnel = (struct intent_tunnel){TUNNEL_IPSEC, *local, *remote, false, 0};
    f->shutdown = owner->shutdown;
    f->ikev1 = owner->ikev1;
    f->ikev2 = owner->ikev2;
    f->policy = owner->policy;
    f->n_policy = owner->n_policy;
    f->path_flags = owner->path_flags;
    f->map = m;
    out->n_if++;
    out->n_map++;
    add_route(out, owner, remote);
}

void derive_protect(struct derive *d)
{
    const struct sso_cfg *c = &d->out->sso;
    if (!c->inter_device || !c->association || !c->security[0] || !d->out->ifs || !d->out->map ||
        !d->out->route)
        return;
    for (unsigned i = 0; i < c->n_local && i < c->n_remote; i++)
        one_path(d, i);
}
