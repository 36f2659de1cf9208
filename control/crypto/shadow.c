/* TUNs and rules. See shadow.h. */
#include "control/crypto/shadow.h"
#include "control/crypto/pathmtu.h"
#include "control/world/logical.h"
#include "control/priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_PREFIX  LOGICAL_PEER
#define NAME_INBOUND "tdi"
#define NAME_TUNNEL  LOGICAL_TUNNEL
#define NAME_BYPASS  "tdbypass"

/* Bypassed packets jump over our tables to where the kernel keeps the rule for `main`. Then what
 * came in by an interface with a map is looked at; then what leaves. */
#define RULE_SCTP    31997 /* the kernel does not answer SCTP in our place */
#define RULE_PROBE   31998 /* probes of an interface: their own routes, then main */
#define RULE_PROBED  31999
#define RULE_BYPASS  32000
#define RULE_INBOUND 32001
#define RULE_CRYPTO  32002
#define RULE_MAIN    32766

#define MTU_LEAST6 1280  /* RFC 8200 §5; below it the kernel speaks no IPv6 on a device */
#define GRE_ROOM   100   /* of 1,500 bytes it leaves the usual 1,400 */
#define MTU_MOST   65535 /* nothing is added to what passes: no TUN of ours is the bottleneck */

static void tun_name(uint32_t ifid, bool in, bool tunnel, char *buf, size_t cap)
{
    if (ifid)
        snprintf(buf, cap, "%s%u", in ? NAME_INBOUND : tunnel ? NAME_TUNNEL : NAME_PREFIX, ifid);
    else
        snprintf(buf, cap, NAME_BYPASS);
}

void shadow_name(uint32_t ifid, bool in, char *buf, size_t cap)
{
    tun_name(ifid, in, false, buf, cap);
}

uint32_t shadow_ready(const struct control *c, const struct shadow_tun *t)
{
    const struct world_link *l = t->ifindex ? world_link_at(&c->world, t->ifindex) : NULL;
    return l && l->up ? t->ifindex : 0;
}

/* --- MTU
 * ------------------------------------------------------------------------------------------ */

static bool protects6(const struct intent_map *m)
{
    for (uint32_t e = 0; e < m->n; e++) {
        const struct intent_acl *acl = m->entry[e].acl;
        for (uint32_t i = 0; acl && i < acl->n; i++)
            if (acl->ace[i].permit && acl->ace[i].sel.local.lo.family == AF_INET6)
                return true;
    }
    return false;
}

/* The interface's: what is too long once it is sealed is the datapath's matter, which knows each
 * SA's room, cuts or tells the sender, and counts it. */
static uint32_t shadow_mtu(const struct control *c, const struct intent_if *f, uint32_t mtu)
{
    return mtu < MTU_LEAST6 && shadow_ipv6(c) && protects6(f->map) ? MTU_LEAST6 : mtu;
}

/* What a tunnel interface takes, unless it is told: what is carried in GRE has to fit its SA whole,
 * as a tunnel that gets pieces of it cannot read them. Room is left for the largest of transforms
 * in tunnel mode and in UDP. ESP by itself is cut or not by the datapath like other packets. */
static uint32_t tunnel_mtu(const struct control *c, const struct intent_if *f)
{
    uint32_t mtu = path_mtu(c, f);
    if (f->mtu)
        return f->mtu;
    return f->tunnel.mode == TUNNEL_GRE && mtu > MTU_LEAST6 ? mtu - GRE_ROOM : mtu;
}

/* --- TUNs
 * ------------------------------------------------------------------------------------------ */

static void want_tun(struct control *c, uint32_t ifid, bool in, bool tunnel, bool open)
{
    struct shadow_tun *s = in ? &c->shadow[ifid].in : &c->shadow[ifid].out;
    struct lr_tun t;
    memset(&t, 0, sizeof(t));
    t.open = open;
    t.ifid = ifid;
    t.kind = in ? TUN_INBOUND : !ifid ? TUN_BYPASS : tunnel ? TUN_TUNNEL : TUN_SHADOW;
    t.mtu = open ? s->mtu : 0;
    tun_name(ifid, in, tunnel, t.name, sizeof(t.name));
    const struct launch_op *op = launch_want(&c->launch, LR_TUN, &t, sizeof(t));
    if (op && op->state == OP_DONE)
        s->open = open;
    struct port *p = ports_by_ifid(&c->ports, ifid);
    if (p)
        ports_trouble(p, tunnel ? "tunnel" : "crypto map", op);
}

static const struct world_link *link_of(const struct control *c, uint32_t ifid, bool in,
                                        bool tunnel)
{
    char name[LAUNCH_IFNAME];
    tun_name(ifid, in, tunnel, name, sizeof(name));
    return world_link_named(&c->world, name);
}

static void apply_tun(struct control *c, uint32_t ifid, bool in)
{
    struct shadow *sh = &c->shadow[ifid];
    struct shadow_tun *s = in ? &sh->in : &sh->out;
    const struct world_link *l = link_of(c, ifid, in, sh->tunnel);
    s->ifindex = l ? l->ifindex : 0;
    if (!sh->wanted || (in && sh->lone)) {
        if (s->open || l)
            want_tun(c, ifid, in, sh->tunnel, false);
        if (!l)
            s->open = false;
        return;
    }
    /* Opening again is how a TUN is handed over anew, set up, or given another MTU. */
    if (!s->open || !l || !l->up || l->mtu != s->mtu)
        want_tun(c, ifid, in, sh->tunnel, true);
}

/* The number was one of the other kind before. */
static void close_other(struct control *c, uint32_t ifid)
{
    bool other = !c->shadow[ifid].tunnel;
    if (link_of(c, ifid, false, other))
        want_tun(c, ifid, false, other, false);
}

/* --- rules
 * ------------------------------------------------------------------------------------------ */

static bool among(const struct lr_rule *r, const struct lr_rule *v, size_t n)
{
    size_t i = 0;
    while (i < n && !world_same_rule(r, &v[i]))
        i++;
    return i < n;
}

bool shadow_ipv6(const struct control *c)
{
    for (uint32_t i = 0; c->world.ipv6 && i < c->intent.n_if; i++)
        if (c->intent.ifs[i].ipv6)
            return true;
    return false;
}

/* Rules for what comes in by a port with a map, or by what carries its virtual addresses. */
static size_t inbound_rules(const struct control *c, const struct port *p, struct lr_rule *v)
{
    char name[HSRP_GROUPS][LAUNCH_IFNAME];
    size_t n = hsrp_devices(c, p, name, HSRP_GROUPS);
    memcpy(v[0].iif, p->netdev, sizeof(v[0].iif));
    for (size_t i = 0; i < n; i++)
        memcpy(v[1 + i].iif, name[i], sizeof(v[0].iif));
    for (size_t i = 0; i <= n; i++) {
        v[i].priority = RULE_INBOUND;
        v[i].table = TANDEM_RT_TABLE + p->ifid;
    }
    return 1 + n;
}

/* How many wanted_rules() may return. */
static size_t most_rules(const struct control *c)
{
    return 2 + c->ports.n + HSRP_GROUPS;
}

/* v is zeroed. */
static size_t wanted_rules(const struct control *c, uint8_t family, struct lr_rule *v)
{
    size_t n = 0;
    if (!c->shadow[0].wanted)
        return 0;
    v[n].priority = RULE_BYPASS;
    v[n].goto_priority = RULE_MAIN;
    shadow_name(0, false, v[n].iif, sizeof(v[n].iif));
    n++;
    v[n].priority = RULE_CRYPTO;
    v[n].not_mark = 1;
    v[n].mark = TANDEM_FWMARK;
    v[n].table = TANDEM_RT_TABLE;
    n++;
    for (size_t i = 0; i < c->ports.n; i++) {
        const struct port *p = c->ports.v[i];
        if (!c->shadow[p->ifid].wanted || c->shadow[p->ifid].lone)
            continue;
        n += inbound_rules(c, p, v + n);
    }
    for (size_t i = 0; i < n; i++)
        v[i].family = family;
    return n;
}

static size_t probe_rules(const struct control *c, struct lr_rule *v)
{
    if (!c->sla_paths.bound)
        return 0;
    v[0].family = v[1].family = AF_INET;
    v[0].mark = v[1].mark = TANDEM_PROBE_MARK;
    v[0].priority = RULE_PROBE;
    v[0].table = TANDEM_PROBE_TABLE;
    v[1].priority = RULE_PROBED;
    v[1].goto_priority = RULE_MAIN;
    return 2;
}

/* Where the kernel speaks SCTP, too, it knows nothing of our association and would ABORT it (RFC
 * 9260 §8.4). What it sends finds no way; ours bears a mark. */
static size_t sctp_rules(const struct control *c, struct lr_rule *v)
{
    const struct sso_cfg *cfg = &c->intent.sso;
    size_t n = 0;
    for (unsigned i = 0; cfg->inter_device && cfg->association && i < cfg->n_remote; i++) {
        if (cfg->remote[i].family == AF_INET6 && !c->world.ipv6)
            continue;
        v[n].family = cfg->remote[i].family;
        v[n].priority = RULE_SCTP;
        v[n++].no_sctp = cfg->remote[i];
    }
    return n;
}

static void apply_rules(struct control *c)
{
    const struct world *w = &c->world;
    struct lr_rule *want =
        (struct lr_rule *)calloc(2 * most_rules(c) + 2 + SSO_ADDRS, sizeof(*want));
    if (!want)
        return;
    size_t n = wanted_rules(c, AF_INET, want);
    if (shadow_ipv6(c))
        n += wanted_rules(c, AF_INET6, want + n);
    n += probe_rules(c, want + n);
    n += sctp_rules(c, want + n);
    for (size_t i = 0; i < w->n_rule; i++) {
        struct lr_rule have;
        memset(&have, 0, sizeof(have));
        have.family = w->rule[i].family;
        have.not_mark = w->rule[i].not_mark;
        have.priority = w->rule[i].priority;
        have.mark = w->rule[i].mark;
        have.table = w->rule[i].table;
        have.goto_priority = w->rule[i].goto_priority;
        memcpy(have.iif, w->rule[i].iif, sizeof(have.iif));
        have.no_sctp = w->rule[i].no_sctp;
        if (!among(&have, want, n))
            launch_want(&c->launch, LR_RULE, &have, sizeof(have));
    }
    for (size_t k = 0; k < n; k++) {
        want[k].add = 1;
        if (!among(&want[k], w->rule, w->n_rule))
            launch_want(&c->launch, LR_RULE, &want[k], sizeof(want[k]));
    }
    free(want);
}

void shadow_apply(struct control *c)
{
    bool any = false;
    for (size_t i = 0; i < c->ports.n; i++) {
        const struct port *p = c->ports.v[i];
        const struct world_link *l = ports_link(p, &c->world);
        struct shadow *s = &c->shadow[p->ifid];
        s->tunnel = p->ifp ? p->ifp->kind == IF_TUNNEL : s->tunnel;
        s->lone = s->tunnel || ports_hidden(p);
        s->wanted = (l || s->lone) && p->ifp && p->ifp->map && ports_active(&c->ports, p);
        if (s->wanted)
            s->out.mtu =
                s->tunnel ? tunnel_mtu(c, p->ifp) : shadow_mtu(c, p->ifp, path_mtu(c, p->ifp));
        s->in.mtu = MTU_MOST;
        any = any || (s->wanted && !s->tunnel);
    }
    c->shadow[0].wanted = any;
    c->shadow[0].out.mtu = MTU_MOST;
    for (uint32_t id = 0; id <= c->ports.n; id++) {
        apply_tun(c, id, false);
        if (!id)
            continue;
        apply_tun(c, id, true);
        close_other(c, id);
    }
    apply_rules(c);
}
