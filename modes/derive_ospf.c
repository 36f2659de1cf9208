/*
 * OSPF in the intent: the process, and which interfaces take part in which area. An interface has
 * one by its own line, or by the narrowest `network` line that meets its address.
 */
#include "modes/derive.h"
#include "lib/str.h"
#include <string.h>

static uint32_t area_of(bool has_area, uint64_t area, const struct addr *dotted)
{
    return has_area ? (uint32_t)area : addr_v4(dotted);
}

static bool meets(const struct a_ospf_network *n, const struct addr *a)
{
    return a->family == AF_INET && !((addr_v4(a) ^ addr_v4(&n->addr)) & ~addr_v4(&n->wild));
}

static const struct a_ospf_network *network_of(const struct cfg_node *ospf, const struct addr *a)
{
    const struct a_ospf_network *best = NULL;
    cfg_each(ospf, E_OSPF_NETWORK, n)
    {
        const struct a_ospf_network *w = CFG_ARGS(n, ospf_network);
        if (meets(w, a) && (!best || addr_v4(&w->wild) < addr_v4(&best->wild)))
            best = w;
    }
    return best;
}

static bool is_passive(const struct cfg_node *ospf, const char *name)
{
    cfg_each(ospf, E_OSPF_PASSIVE, p)
    {
        if (strcmp(CFG_ARGS(p, ospf_passive)->ifname, name) == 0)
            return !CFG_ARGS(p, ospf_passive)->active;
    }
    return cfg_first(ospf, E_OSPF_PASSIVE_DEFAULT) != NULL;
}

/* The lines of the interface, which count whether OSPF runs there or not. */
static void timers(const struct cfg_node *n, struct intent_ospf_if *o)
{
    const struct cfg_node *l;
    *o = (struct intent_ospf_if){.hello = OSPF_HELLO, .priority = OSPF_PRIORITY};
    if ((l = cfg_first(n, E_IF_OSPF_COST)))
        o->cost = (uint16_t)CFG_ARGS(l, if_ospf_cost)->cost;
    if ((l = cfg_first(n, E_IF_OSPF_NETWORK))) {
        o->has_kind = true;
        o->kind = (enum ospf_net_kind)CFG_ARGS(l, if_ospf_network)->kind;
    }
    if (o->has_kind && (o->kind == OSPF_NBMA || o->kind == OSPF_MULTIPOINT))
        o->hello = 3 * OSPF_HELLO;
    if ((l = cfg_first(n, E_IF_OSPF_HELLO)))
        o->hello = (uint16_t)CFG_ARGS(l, if_ospf_hello)->seconds;
    o->dead = o->hello > UINT16_MAX / 4 ? UINT16_MAX : (uint16_t)(4 * o->hello);
    if ((l = cfg_first(n, E_IF_OSPF_DEAD)))
        o->dead = (uint16_t)CFG_ARGS(l, if_ospf_dead)->seconds;
    if ((l = cfg_first(n, E_IF_OSPF_PRIORITY)))
        o->priority = (uint8_t)CFG_ARGS(l, if_ospf_priority)->priority;
    if ((l = cfg_first(n, E_IF_BANDWIDTH)))
        o->kbps = (uint32_t)CFG_ARGS(l, if_bandwidth)->kbits;
}

/* Its own line counts, else its area's. */
static void authentication(const struct cfg_node *ospf, const struct cfg_node *n,
                           struct intent_ospf_if *o)
{
    const struct cfg_node *l = cfg_first(n, E_IF_OSPF_AUTH);
    if (l) {
        const struct a_if_ospf_auth *a = CFG_ARGS(l, if_ospf_auth);
        o->auth = a->none ? OSPF_AUTH_NULL : a->digest ? OSPF_AUTH_DIGEST : OSPF_AUTH_SIMPLE;
    }
    const struct cfg_node *of_area = l ? NULL : cfg_find_number(ospf, E_OSPF_AREA_AUTH, o->area);
    if (of_area)
        o->auth = CFG_ARGS(of_area, ospf_area_auth)->digest ? OSPF_AUTH_DIGEST : OSPF_AUTH_SIMPLE;
    if ((l = cfg_first(n, E_IF_OSPF_AUTH_KEY)))
        str_copy(o->key, sizeof o->key, CFG_ARGS(l, if_ospf_auth_key)->key);
    cfg_each(n, E_IF_OSPF_DIGEST, k)
    {
        if (o->n_digest == OSPF_KEYS)
            break;
        o->digest_id[o->n_digest] = (uint8_t)CFG_ARGS(k, if_ospf_digest)->id;
        str_copy(o->digest[o->n_digest++], OSPF_KEY_SIZE, CFG_ARGS(k, if_ospf_digest)->key);
    }
}

static void one_interface(const struct cfg_node *ospf, uint16_t process, const struct cfg_node *n,
                          struct intent_if *f)
{
    struct intent_ospf_if *o = &f->ospf;
    const struct cfg_node *l = cfg_first(n, E_IF_OSPF_AREA);
    timers(n, o);
    if (!ospf || !addr_is_set(&f->addr.addr))
        return;
    const struct a_ospf_network *w = network_of(ospf, &f->addr.addr);
    if (l && CFG_ARGS(l, if_ospf_area)->process == process) {
        const struct a_if_ospf_area *a = CFG_ARGS(l, if_ospf_area);
        o->on = true;
        o->area = area_of(a->has_area, a->area, &a->dotted);
        o->addr2 = UINT32_MAX >> (32 - INTENT_ADDR2);
    } else if (w) {
        o->on = true;
        o->area = area_of(w->has_area, w->area, &w->dotted);
    }
    for (unsigned k = 0; o->on && k < f->n_addr2; k++) {
        w = network_of(ospf, &f->addr2[k].addr);
        if (w && area_of(w->has_area, w->area, &w->dotted) == o->area)
            o->addr2 |= UINT32_C(1) << k;
    }
    o->passive = is_passive(ospf, f->name);
    authentication(ospf, n, o);
}

static struct intent_ospf_external external(bool subnets, bool has_metric, uint64_t metric,
                                            bool has_type, int type)
{
    return (struct intent_ospf_external){.on = true,
                                         .subnets = subnets,
                                         .type =
                                             has_type && type == ENUM_OSPF_METRIC_TYPE_1 ? 1 : 2,
                                         .metric =
                                             has_metric ? (uint32_t)metric : OSPF_EXTERNAL_METRIC};
}

static void add_area(struct intent_ospf *o, uint64_t number, bool nssa, bool totally)
{
    if (o->n_area < OSPF_AREAS && number)
        o->area[o->n_area++] = (struct intent_ospf_area){(uint32_t)number, nssa, totally};
}

static void process_lines(const struct cfg_node *n, struct intent_ospf *o)
{
    const struct cfg_node *l = cfg_first(n, E_OSPF_ROUTER_ID);
    o->process = (uint16_t)CFG_ARGS(n, ospf)->process;
    if (l)
        o->id = CFG_ARGS(l, ospf_router_id)->id;
    o->silent = cfg_first(n, E_OSPF_LOG_NONE) != NULL;
    o->detail = cfg_first(n, E_OSPF_LOG_DETAIL) != NULL;
    cfg_each(n, E_OSPF_REDISTRIBUTE, r)
    {
        const struct a_ospf_redistribute *a = CFG_ARGS(r, ospf_redistribute);
        struct intent_ospf_external *e =
            a->source == ENUM_OSPF_SOURCE_STATIC ? &o->statics : &o->connected;
        *e = external(a->subnets, a->has_metric, a->metric, a->has_type, a->type);
        e->tag = a->has_tag ? (uint32_t)a->tag : 0;
    }
    if ((l = cfg_first(n, E_OSPF_DEFAULT))) {
        const struct a_ospf_default *a = CFG_ARGS(l, ospf_default);
        o->originate = external(true, true, a->has_metric ? a->metric : OSPF_DEFAULT_METRIC,
                                a->has_type, a->type);
        o->originate.always = a->always;
    }
    cfg_each(n, E_OSPF_STUB, s)
    {
        add_area(o, CFG_ARGS(s, ospf_stub)->area, false, CFG_ARGS(s, ospf_stub)->totally);
    }
    cfg_each(n, E_OSPF_NSSA, s)
    {
        add_area(o, CFG_ARGS(s, ospf_nssa)->area, true, CFG_ARGS(s, ospf_nssa)->totally);
    }
}

void derive_ospf(struct derive *d)
{
    const struct cfg_node *root = d->tree->root, *ospf = cfg_first(root, E_OSPF);
    uint32_t k = 0;
    if (ospf)
        process_lines(ospf, &d->out->ospf);
    cfg_each(root, E_INTERFACE, n)
    {
        if (k < d->out->n_if)
            one_interface(ospf, d->out->ospf.process, n, &d->out->ifs[k++]);
    }
}
