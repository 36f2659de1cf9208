/*
 * Tunnel interfaces of IOS in the intent: what carries their packets, and the map of one entry that
 * protects them, made of the profile (`tunnel protection ipsec profile`).
 */
#include "control/ike/wire.h"
#include "lib/str.h"
#include "modes/derive.h"
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* The platform calls the map of Tunnel5 so, and numbers its entry in this way. */
#define MAP_NAME "%.50s-head-0"
#define MAP_SEQ  65535u

static struct addr source_of(const struct derive *d, const struct cfg_node *n)
{
    const struct cfg_node *l = cfg_first(n, E_TUNNEL_SOURCE);
    const struct a_tunnel_source *a = l ? CFG_ARGS(l, tunnel_source) : NULL;
    if (!a)
        return (struct addr){0};
    return a->has_addr ? a->addr : derive_if_address(d, a->name);
}

static void ends_of(const struct derive *d, const struct cfg_node *n, struct intent_tunnel *t)
{
    const struct cfg_node *l = cfg_first(n, E_TUNNEL_DESTINATION);
    t->source = source_of(d, n);
    if (!l || !host_address(d->tree->root, CFG_ARGS(l, tunnel_destination)->host, &t->destination))
        t->destination = (struct addr){0};
    if ((l = cfg_first(n, E_TUNNEL_KEY))) {
        t->has_key = true;
        t->key = (uint32_t)CFG_ARGS(l, tunnel_key)->key;
    }
}

static enum intent_tunnel_mode mode_of(const struct cfg_node *n)
{
    const struct cfg_node *l = cfg_first(n, E_TUNNEL_MODE);
    const struct a_tunnel_mode *a = l ? CFG_ARGS(l, tunnel_mode) : NULL;
    if (a && (a->multipoint || a->ipip))
        return TUNNEL_OFF;
    return a && a->ipsec ? TUNNEL_IPSEC : TUNNEL_GRE;
}

/* Everything that is routed into the interface, or GRE between the two ends. */
static struct selector selector_of(const struct intent_tunnel *t)
{
    static const struct prefix any = {.addr = {.family = AF_INET}};
    struct selector s = {.lport = {0, UINT16_MAX}, .rport = {0, UINT16_MAX}};
    s.local = s.remote = prefix_range(&any);
    if (t->mode == TUNNEL_GRE) {
        s.proto = IPPROTO_GRE;
        s.local = (struct addr_range){t->source, t->source};
        s.remote = (struct addr_range){t->destination, t->destination};
    }
    return s;
}

static const struct intent_acl *list_of(struct derive *d, const struct intent_if *f)
{
    struct arena *arena = &d->out->arena;
    struct intent_acl *acl = arena_array(arena, struct intent_acl, 1);
    struct intent_ace *ace = arena_array(arena, struct intent_ace, 1);
    if (!acl || !ace)
        return NULL;
    *ace = (struct intent_ace){.permit = true, .line = 1, .sel = selector_of(&f->tunnel)};
    *acl = (struct intent_acl){.n = 1, .ace = ace};
    snprintf(acl->name, sizeof acl->name, MAP_NAME, f->name);
    return acl;
}

static void redundancy_of(const struct derive *d, const char *profile, struct intent_if *f)
{
    const struct cfg_node *p = cfg_find_word(d->tree->root, E_IPSEC_PROFILE, profile);
    const struct cfg_node *l = p ? cfg_first(p, E_PROFILE_REDUNDANCY) : NULL;
    if (!l)
        return;
    str_copy(f->redundancy, sizeof f->redundancy, CFG_ARGS(l, profile_redundancy)->group);
    f->stateful = true; /* there is no other form */
    f->vip = f->tunnel.source;
}

static void one_tunnel(struct derive *d, const struct cfg_node *n, struct intent_if *f)
{
    const struct cfg_node *l = cfg_first(n, E_TUNNEL_PROTECTION);
    const char *profile = l ? CFG_ARGS(l, tunnel_protection)->profile : NULL;
    struct arena *arena = &d->out->arena;
    struct intent_map *m = profile ? arena_array(arena, struct intent_map, 1) : NULL;
    struct intent_map_entry *e = m ? arena_array(arena, struct intent_map_entry, 1) : NULL;
    ends_of(d, n, &f->tunnel);
    if (!e || f->tunnel.source.family != AF_INET || f->tunnel.destination.family != AF_INET ||
        !derive_profile_entry(d, profile, e))
        return;
    f->tunnel.mode = mode_of(n);
    if (f->tunnel.mode == TUNNEL_OFF)
        return;
    e->seq = MAP_SEQ;
    e->peer[0] = f->tunnel.destination;
    e->n_peer = 1;
    e->acl = list_of(d, f);
    snprintf(m->name, sizeof m->name, MAP_NAME, f->name);
    m->entry = e;
    m->n = 1;
    m->replay_in = DERIVE_REPLAY_IN;
    m->replay_out = DERIVE_REPLAY_OUT;
    f->map = m;
    redundancy_of(d, profile, f);
}

void derive_tunnels(struct derive *d)
{
    cfg_each(d->tree->root, E_INTERFACE, n)
    {
        struct intent_if *f = derive_find_if_name(d, CFG_ARGS(n, interface)->name);
        if (f && f->kind == IF_TUNNEL)
            one_tunnel(d, n, f);
    }
}
