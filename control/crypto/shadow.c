/* Shadow TUNs and rules. See shadow.h. */
#include "control/crypto/shadow.h"
#include "control/priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_PREFIX "tds"
#define NAME_BYPASS "tdbypass"

/* Bypassed packets jump over our table to where the kernel keeps the rule for `main`. */
#define RULE_BYPASS 32000
#define RULE_CRYPTO 32001
#define RULE_MAIN   32766

#define MTU_LEAST  576
#define MTU_BYPASS 65535

void shadow_name(uint32_t ifid, char *buf, size_t cap)
{
    if (ifid)
        snprintf(buf, cap, NAME_PREFIX "%u", ifid);
    else
        snprintf(buf, cap, NAME_BYPASS);
}

/* --- MTU
 * ------------------------------------------------------------------------------------------ */

/* What is left of mtu in tunnel mode. Outer IPv4 header 20, UDP 8 (a NAT may turn up at any
 * time), ESP SPI and sequence number 8; then IV, ciphertext in whole blocks with the 2 bytes of
 * trailer inside (RFC 4303 §2.4: at least 4-byte alignment), ICV. */
static uint32_t room(const struct transform *encr, unsigned icv, uint32_t mtu)
{
    uint32_t fixed = 20 + 8 + 8 + encr->iv_len + icv;
    uint32_t block = encr->block > 4 ? encr->block : 4;
    return mtu > fixed + block ? (mtu - fixed) / block * block - 2 : 0;
}

static unsigned widest_icv(const struct ike_esp_proposal *p)
{
    unsigned most = 0;
    for (unsigned i = 0; i < p->n_integ; i++) {
        const struct transform *t = transform_find(T_INTEG, p->integ[i], 0);
        if (t && t->icv_len > most)
            most = t->icv_len;
    }
    return most;
}

uint32_t shadow_mtu(const struct intent_map *m, uint32_t mtu)
{
    uint32_t least = mtu;
    for (uint32_t e = 0; e < m->n; e++) {
        const struct intent_map_entry *entry = &m->entry[e];
        for (unsigned k = 0; k < entry->n_proposal; k++) {
            const struct ike_esp_proposal *p = entry->proposal[k];
            for (unsigned i = 0; i < p->n_encr; i++) {
                const struct transform *t =
                    transform_find(T_ENCR, p->encr[i].id, p->encr[i].keybits);
                uint32_t fits = t ? room(t, t->icv_len ? t->icv_len : widest_icv(p), mtu) : mtu;
                least = fits < least ? fits : least;
            }
        }
    }
    return least < MTU_LEAST ? MTU_LEAST : least;
}

/* --- TUNs
 * ------------------------------------------------------------------------------------------ */

static void want_tun(struct control *c, uint32_t ifid, uint32_t mtu, bool open)
{
    struct shadow *s = &c->shadow[ifid];
    struct lr_tun t;
    memset(&t, 0, sizeof(t));
    t.open = open;
    t.ifid = ifid;
    t.kind = ifid ? TUN_SHADOW : TUN_BYPASS;
    t.mtu = open ? mtu : 0;
    shadow_name(ifid, t.name, sizeof(t.name));
    const struct launch_op *op = launch_want(&c->launch, LR_TUN, &t, sizeof(t));
    if (op && op->state == OP_DONE)
        s->open = open;
    struct port *p = ports_by_ifid(&c->ports, ifid);
    if (p)
        ports_trouble(p, "crypto map", op);
}

static void apply_tun(struct control *c, uint32_t ifid)
{
    struct shadow *s = &c->shadow[ifid];
    char name[LAUNCH_IFNAME];
    shadow_name(ifid, name, sizeof(name));
    const struct world_link *l = world_link_named(&c->world, name);
    s->ifindex = l ? l->ifindex : 0;
    if (!s->wanted) {
        if (s->open || l)
            want_tun(c, ifid, 0, false);
        if (!l)
            s->open = false;
        return;
    }
    /* Opening again is how a TUN is handed over anew, set up, or given another MTU. */
    if (!s->open || !l || !l->up || l->mtu != s->mtu)
        want_tun(c, ifid, s->mtu, true);
}

/* --- rules
 * ------------------------------------------------------------------------------------------ */

static bool rule_there(const struct world *w, const struct lr_rule *r)
{
    for (size_t i = 0; i < w->n_rule; i++) {
        const struct lr_rule *x = &w->rule[i];
        if (x->priority == r->priority && x->mark == r->mark && x->not_mark == r->not_mark &&
            x->table == r->table && x->goto_priority == r->goto_priority &&
            strcmp(x->iif, r->iif) == 0)
            return true;
    }
    return false;
}

static void wanted_rules(struct lr_rule r[2])
{
    memset(r, 0, 2 * sizeof(*r));
    r[0].priority = RULE_BYPASS;
    r[0].goto_priority = RULE_MAIN;
    shadow_name(0, r[0].iif, sizeof(r[0].iif));
    r[1].priority = RULE_CRYPTO;
    r[1].not_mark = 1;
    r[1].mark = TANDEM_FWMARK;
    r[1].table = TANDEM_RT_TABLE;
}

static void apply_rules(struct control *c, bool wanted)
{
    struct lr_rule r[2];
    wanted_rules(r);
    for (size_t i = 0; i < c->world.n_rule; i++) {
        struct lr_rule have = c->world.rule[i];
        bool keep = false;
        for (size_t k = 0; wanted && k < 2; k++)
            keep = keep || (have.priority == r[k].priority && rule_there(&c->world, &r[k]));
        have.add = 0;
        if (!keep)
            launch_want(&c->launch, LR_RULE, &have, sizeof(have));
    }
    for (size_t k = 0; wanted && k < 2; k++) {
        r[k].add = 1;
        if (!rule_there(&c->world, &r[k]))
            launch_want(&c->launch, LR_RULE, &r[k], sizeof(r[k]));
    }
}

void shadow_apply(struct control *c)
{
    bool any = false;
    for (size_t i = 0; i < c->ports.n; i++) {
        const struct port *p = c->ports.v[i];
        const struct world_link *l = ports_link(p, &c->world);
        struct shadow *s = &c->shadow[p->ifid];
        s->wanted = l && p->ifp && p->ifp->map && ports_active(&c->ports, p);
        if (s->wanted)
            s->mtu = shadow_mtu(p->ifp->map, p->ifp->mtu ? p->ifp->mtu : l->mtu);
        any = any || s->wanted;
    }
    c->shadow[0].wanted = any;
    c->shadow[0].mtu = MTU_BYPASS;
    for (uint32_t id = 0; id <= c->ports.n; id++)
        apply_tun(c, id);
    apply_rules(c, any);
}
