/* What is told of groups: messages of the box, and lines of debugging. */
#include "control/hsrp/host_priv.h"
#include <stdio.h>

#define OWN_EVERY (30 * USEC_PER_SEC)

static bool matters(enum hsrp_state s)
{
    return s == HSRP_ACTIVE || s == HSRP_STANDBY;
}

void hsrp_tell_change(struct hsrp *h, const struct hsrp_group *g, enum hsrp_state was)
{
    if (matters(was) || matters(g->state))
        syslog_ios(h->c->syslog, "HSRP", 5, "STATECHANGE", "%s Grp %u state %s -> %s", g->link.name,
                   g->cfg.number, hsrp_state_name(was), hsrp_state_name(g->state));
}

static void tell_duplicate(struct hsrp *h, const struct hsrp_group *g, const struct addr *a,
                           const uint8_t *mac)
{
    char text[ADDR_STRLEN];
    syslog_ios(h->c->syslog, "HSRP", 4, "DUPADDR",
               "Duplicate address %s on %s, sourced by %02x%02x.%02x%02x.%02x%02x",
               addr_print(a, text, sizeof(text)), g->link.shortname, mac[0], mac[1], mac[2], mac[3],
               mac[4], mac[5]);
}

void hsrp_tell(void *ctx, const struct hsrp_group *g, enum hsrp_tell what,
               const struct hsrp_message *m, const struct addr *from, const uint8_t *mac)
{
    struct hsrp *h = (struct hsrp *)ctx;
    char a[ADDR_STRLEN], own[ADDR_STRLEN];
    addr_print(from, a, sizeof(a));
    switch (what) {
    case HSRP_TELL_AUTH:
        syslog_ios(h->c->syslog, "HSRP", 4, "BADAUTH",
                   "Bad authentication from %s, group %u, remote state %s", a, g->cfg.number,
                   hsrp_state_name(m->state));
        break;
    case HSRP_TELL_VIP:
        syslog_ios(h->c->syslog, "HSRP", 4, "DIFFVIP1",
                   "%s Grp %u active routers virtual IP address %s is different to the locally "
                   "configured address %s",
                   g->link.name, g->cfg.number, addr_print(&m->vip, a, sizeof(a)),
                   addr_print(&g->cfg.vip, own, sizeof(own)));
        break;
    case HSRP_TELL_ADDRESS:
        tell_duplicate(h, g, from, mac);
        break;
    case HSRP_TELLS:
        break;
    }
}

void hsrp_tell_own(struct hsrp *h, const struct hsrp_group *g, const struct hsrp_datagram *d)
{
    uint64_t held;
    if (log_limit_pass(&h->own, clock_mono(&h->c->o.clock), OWN_EVERY, &held))
        tell_duplicate(h, g, &d->src, d->mac);
}

bool hsrp_debugs(void *ctx, enum hsrp_debug cls)
{
    const struct hsrp *h = (const struct hsrp *)ctx;
    return h->c->debug[CONTROL_DEBUG_HSRP + cls];
}

void hsrp_debug_line(void *ctx, const char *line)
{
    control_notice(((struct hsrp *)ctx)->c, line);
}

void hsrp_debug_bad(struct hsrp *h, const struct hsrp_datagram *d, const char *ifname,
                    enum hsrp_bad why)
{
    char line[128], a[ADDR_STRLEN];
    if (!hsrp_debugs(h, HSRP_DBG_ERRORS))
        return;
    snprintf(line, sizeof(line), "HSRP: %s message from %s ignored: %s", ifname,
             addr_print(&d->src, a, sizeof(a)), hsrp_bad_name(why));
    control_notice(h->c, line);
}
