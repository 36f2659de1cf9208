#include "control/sso/protect.h"
#include "control/priv.h"
#include <linux/rtnetlink.h>
#include <string.h>

/* The kernel has the route that leads to the peer by this TUN. */
static bool led(const struct control *c, const struct addr *remote, uint32_t tun)
{
    const struct prefix dst = prefix_make(remote, addr_bits(remote));
    for (size_t i = 0; i < c->world.n_route; i++) {
        const struct lr_route *r = &c->world.route[i].r;
        if (r->table == TANDEM_RT_TABLE && r->type == RT_UNICAST && r->oif == tun &&
            prefix_cmp(&r->dst, &dst) == 0)
            return true;
    }
    return false;
}

/* And the rule that leads to that table. */
static bool ruled(const struct control *c, uint8_t family)
{
    for (size_t i = 0; i < c->world.n_rule; i++)
        if (c->world.rule[i].table == TANDEM_RT_TABLE && c->world.rule[i].family == family)
            return true;
    return false;
}

void protect_look(const struct control *c, struct protect *p)
{
    const struct sso_cfg *cfg = &c->intent.sso;
    memset(p, 0, sizeof(*p));
    p->wanted = cfg->security[0] != '\0';
    for (unsigned i = 0; p->wanted && i < cfg->n_local && i < cfg->n_remote; i++) {
        char name[INTENT_NAME];
        protect_name(i, name, sizeof(name));
        const struct port *port = ports_named(&c->ports, name);
        const struct shadow *s = port && port->ifp ? &c->shadow[port->ifid] : NULL;
        uint32_t tun = s && s->wanted && s->spd_told ? shadow_ready(c, &s->out) : 0;
        if (tun && ruled(c, cfg->remote[i].family) && led(c, &cfg->remote[i], tun))
            p->path[i].tun = tun;
    }
}
