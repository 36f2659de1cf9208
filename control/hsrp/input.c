/* What a group hears. See group.h. */
#include "control/hsrp/internal.h"
#include <string.h>

#define TELL_EVERY (30 * USEC_PER_SEC)

static void tell(struct hsrp_group *g, enum hsrp_tell what, const struct hsrp_message *m,
                 const struct addr *from, const uint8_t *mac)
{
    uint64_t held;
    if (log_limit_pass(&g->told[what], clock_mono(g->host->clock), TELL_EVERY, &held))
        g->host->tell(g->host->ctx, g, what, m, from, mac);
}

static void heard_active(struct hsrp_group *g, const struct hsrp_heard *h, bool higher)
{
    const struct hsrp_peer p = {*h->from, h->m->priority};
    if (g->state != HSRP_ACTIVE || higher)
        hsrp_set_peer(g, &g->active, &p);
    if (addr_eq(&g->active.addr, h->from))
        memcpy(g->active_mac, h->mac, HSRP_MAC); /* it speaks as the virtual router */
    if (addr_eq(&g->standby.addr, h->from))
        hsrp_set_peer(g, &g->standby, &(struct hsrp_peer){0});
    if (addr_is_set(&g->cfg.vip) && addr_is_set(&h->m->vip) && !addr_eq(&g->cfg.vip, &h->m->vip))
        tell(g, HSRP_TELL_VIP, h->m, h->from, NULL);
    hsrp_event(g, higher ? HSRP_EV_ACTIVE_HIGHER : HSRP_EV_ACTIVE_LOWER, h);
}

static void heard_standby(struct hsrp_group *g, const struct hsrp_heard *h, bool higher)
{
    const struct hsrp_peer p = {*h->from, h->m->priority};
    if (g->state != HSRP_STANDBY || higher)
        hsrp_set_peer(g, &g->standby, &p);
    hsrp_event(g, higher ? HSRP_EV_STANDBY_HIGHER : HSRP_EV_STANDBY_LOWER, h);
}

static void heard_hello(struct hsrp_group *g, const struct hsrp_heard *h, bool higher)
{
    switch (h->m->state) {
    case HSRP_ACTIVE:
        heard_active(g, h, higher);
        break;
    case HSRP_STANDBY:
        heard_standby(g, h, higher);
        break;
    case HSRP_SPEAK:
        if (higher)
            hsrp_event(g, HSRP_EV_SPEAK_HIGHER, h);
        break;
    case HSRP_DISABLED:
    case HSRP_INIT:
    case HSRP_LEARN:
    case HSRP_LISTEN:
    case HSRP_STATES:
        break; /* who is there takes no part */
    }
}

static void heard_resign(struct hsrp_group *g, const struct hsrp_heard *h)
{
    if (h->m->state != HSRP_ACTIVE && !addr_eq(&g->active.addr, h->from))
        return;
    hsrp_event(g, HSRP_EV_RESIGN, h);
    if (addr_eq(&g->active.addr, h->from))
        hsrp_set_peer(g, &g->active, &(struct hsrp_peer){0});
}

/* Who hands over to us may have said once more that he is active before he heard of it. If we gave
 * way to that, as he does to us, nobody would be active. */
static bool is_taken(const struct hsrp_group *g)
{
    return g->state == HSRP_ACTIVE && clock_mono(g->host->clock) < g->taken_until;
}

bool hsrp_group_input(struct hsrp_group *g, const struct hsrp_message *m, const struct addr *from,
                      const uint8_t mac[HSRP_MAC], const uint8_t *p, size_t n)
{
    const struct hsrp_heard h = {m, from, mac};
    bool higher = g->yields || hsrp_is_higher(g, m->priority, from);
    g->in[m->op]++;
    hsrp_debug_packet(g, m->op, true, from, m->state, m->priority, &m->vip);
    if (!hsrp_group_authentic(g, m, p, n)) {
        hsrp_debug(g, HSRP_DBG_ERRORS, "Bad authentication");
        tell(g, HSRP_TELL_AUTH, m, from, NULL);
        return false;
    }
    if (m->op == HSRP_HELLO)
        heard_hello(g, &h, higher && !is_taken(g));
    else if (m->op == HSRP_COUP && higher)
        hsrp_event(g, HSRP_EV_COUP, &h);
    else if (m->op == HSRP_RESIGN)
        heard_resign(g, &h);
    return true;
}

static bool has_address(const struct hsrp_group *g, const struct addr *a)
{
    for (unsigned i = 0; i < g->cfg.n_second; i++)
        if (addr_eq(&g->cfg.second[i], a))
            return true;
    return addr_eq(&g->vip, a);
}

void hsrp_group_claim(struct hsrp_group *g, const struct addr *a, const uint8_t mac[HSRP_MAC])
{
    uint8_t own[HSRP_MAC];
    hsrp_group_mac(g, own);
    if (g->state == HSRP_ACTIVE && has_address(g, a) && memcmp(own, mac, HSRP_MAC) != 0 &&
        memcmp(g->link.mac, mac, HSRP_MAC) != 0)
        tell(g, HSRP_TELL_ADDRESS, NULL, a, mac);
}
