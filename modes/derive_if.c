/*
 * Interfaces and static routes of the intent.
 */
#include "modes/derive.h"
#include "lib/str.h"
#include "modes/internal.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct intent_if *derive_find_if(struct derive *d, const char *nameif)
{
    for (uint32_t i = 0; i < d->out->n_if; i++)
        if (d->out->ifs[i].nameif[0] && strcasecmp(d->out->ifs[i].nameif, nameif) == 0)
            return &d->out->ifs[i];
    return NULL;
}

/* What IOS has beyond the ASA. */
static void ios_interface(struct derive *d, const struct cfg_node *n, struct intent_if *f)
{
    const struct cfg_node *l;
    const char *digits = f->name + strcspn(f->name, "0123456789");
    f->shutdown = cfg_first(n, E_IF_SHUTDOWN_IOS) != NULL;
    f->kind = if_kind(f->name);
    if (f->kind == IF_LOOPBACK)
        f->number = (uint32_t)strtoul(digits, NULL, 10);
    if ((l = cfg_first(n, E_IF_VLAN)))
        f->vlan = (uint16_t)CFG_ARGS(l, if_vlan)->vlan;
    if ((l = cfg_first(n, E_IF_MTU_IOS)))
        f->mtu = (uint16_t)CFG_ARGS(l, if_mtu_ios)->bytes;
    if ((l = cfg_first(n, E_IF_LOAD_INTERVAL)))
        f->load_interval = (uint16_t)CFG_ARGS(l, if_load_interval)->seconds;
    cfg_each(n, E_IF_ADDRESS2, s)
    {
        const struct a_if_address2 *a = CFG_ARGS(s, if_address2);
        int len = addr_mask_to_len(&a->mask);
        if (len > 0 && f->n_addr2 < INTENT_ADDR2)
            f->addr2[f->n_addr2++] = (struct prefix){.addr = a->addr, .len = (uint8_t)len};
    }
    f->ikev1 = !cfg_first(d->tree->root, E_ISAKMP_OFF);
    f->ikev2 = true;
}

static void one_interface(struct derive *d, const struct cfg_node *n, struct intent_if *f)
{
    const struct cfg_node *l;
    str_copy(f->name, sizeof f->name, CFG_ARGS(n, interface)->name);
    if (!d->asa)
        ios_interface(d, n, f);
    else
        f->shutdown = cfg_first(n, E_IF_SHUTDOWN) != NULL;
    if (d->asa && (l = cfg_first(n, E_NAMEIF)))
        str_copy(f->nameif, sizeof f->nameif, CFG_ARGS(l, nameif)->name);
    if ((l = cfg_first(n, E_SECURITY_LEVEL)))
        f->security = (uint8_t)CFG_ARGS(l, security_level)->level;
    if ((l = cfg_first(n, E_IF_ADDRESS))) {
        const struct a_if_address *a = CFG_ARGS(l, if_address);
        int len = addr_mask_to_len(&a->mask);
        f->unnumbered = a->has_from;
        if (len > 0)
            f->addr = (struct prefix){.addr = a->addr, .len = (uint8_t)len};
    }
    cfg_each(n, E_IF_ADDRESS6, a)
    {
        if (f->n_addr6 < INTENT_ADDR6)
            f->addr6[f->n_addr6++] = CFG_ARGS(a, if_address6)->addr;
    }
    f->ipv6 = f->n_addr6 || cfg_first(n, E_IF_IPV6_ENABLE);
}

void derive_interfaces(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    out->ifs = arena_array(&out->arena, struct intent_if, cfg_count(root, E_INTERFACE) + SSO_ADDRS);
    if (!out->ifs)
        return;
    cfg_each(root, E_INTERFACE, n) one_interface(d, n, &out->ifs[out->n_if++]);
    cfg_each(root, E_MTU, m)
    {
        struct intent_if *f = derive_find_if(d, CFG_ARGS(m, mtu)->nameif);
        if (f)
            f->mtu = (uint16_t)CFG_ARGS(m, mtu)->bytes;
    }
    cfg_each(root, E_IKEV1_ENABLE, k)
    {
        struct intent_if *f = derive_find_if(d, CFG_ARGS(k, ikev1_enable)->nameif);
        if (f)
            f->ikev1 = true;
    }
    cfg_each(root, E_IKEV2_ENABLE, k)
    {
        struct intent_if *f = derive_find_if(d, CFG_ARGS(k, ikev2_enable)->nameif);
        if (f)
            f->ikev2 = true;
    }
}

static void one_route6(struct derive *d, const struct a_route6 *a)
{
    const struct intent_if *f = derive_find_if(d, a->nameif);
    if (!f)
        return;
    struct intent_route *r = &d->out->route[d->out->n_route++];
    str_copy(r->ifname, sizeof r->ifname, f->name);
    r->dst = a->dst;
    r->gateway = a->gateway;
    r->distance = a->has_metric ? (uint8_t)a->metric : 1;
    r->tunneled = a->tunneled;
}

static void ios_route(struct derive *d, const struct a_ip_route *a)
{
    int len = addr_mask_to_len(&a->mask);
    if (len < 0)
        return;
    struct intent_route *r = &d->out->route[d->out->n_route++];
    bool null =
        a->has_ifname && if_kind(a->ifname) == IF_OTHER && strncmp(a->ifname, "Null", 4) == 0;
    r->discard = null;
    if (a->has_ifname && !null)
        str_copy(r->ifname, sizeof r->ifname, a->ifname);
    r->dst = prefix_make(&a->dst, (unsigned)len);
    if (a->has_gateway && !null)
        r->gateway = a->gateway;
    r->recursive = !a->has_ifname;
    r->distance = a->has_distance ? (uint8_t)a->distance : 1;
    r->tag = a->has_tag ? (uint32_t)a->tag : 0;
    r->track = a->has_track ? (uint16_t)a->track : 0;
    r->permanent = a->permanent;
}

void derive_routes(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    out->route = arena_array(&out->arena, struct intent_route,
                             cfg_count(root, E_ROUTE) + cfg_count(root, E_ROUTE6) +
                                 cfg_count(root, E_IP_ROUTE) + SSO_ADDRS);
    if (!out->route)
        return;
    cfg_each(root, E_ROUTE, n)
    {
        const struct a_route *a = CFG_ARGS(n, route);
        const struct intent_if *f = derive_find_if(d, a->nameif);
        int len = addr_mask_to_len(&a->mask);
        if (!f || len < 0)
            continue;
        struct intent_route *r = &out->route[out->n_route++];
        str_copy(r->ifname, sizeof r->ifname, f->name);
        r->dst = prefix_make(&a->dst, (unsigned)len);
        r->gateway = a->gateway;
        r->distance = a->has_metric ? (uint8_t)a->metric : 1;
        r->track = a->has_track ? (uint16_t)a->track : 0;
        r->tunneled = a->tunneled;
    }
    cfg_each(root, E_ROUTE6, n) one_route6(d, CFG_ARGS(n, route6));
    cfg_each(root, E_IP_ROUTE, n) ios_route(d, CFG_ARGS(n, ip_route));
}
