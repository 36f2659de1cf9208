/* Stateful failover for people: messages of the box, the engine's log, debugging. */
#include "control/sso/sso_priv.h"
#include <stdio.h>

void sso_debug(const struct sso *s, enum sso_debug cls, const char *fmt, ...)
{
    char line[256];
    va_list ap;
    if (!s->c->debug[CONTROL_DEBUG_SSO + cls])
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    control_notice(s->c, line);
}

void sso_tell_peer(struct sso *s, bool there)
{
    usec_t now = clock_mono(&s->c->o.clock);
    char text[48];
    snprintf(text, sizeof(text), "RF_STATUS_PEER_PRESENCE(400) op=%d", there);
    rf_note(&s->rf, SSO_EV_LINK, text, now);
    sso_debug(s, SSO_DBG_STATUS, "RF: %s", text);
    snprintf(text, sizeof(text), "RF_STATUS_PEER_COMM(401) op=%d", there);
    rf_note(&s->rf, SSO_EV_LINK, text, now);
    sso_debug(s, SSO_DBG_STATUS, "RF: %s", text);
}

void sso_tell_differ(const struct sso *s)
{
    struct sso_sync_info f;
    char names[256] = "";
    size_t at = 0;
    sso_sync_info(s->sync, &f);
    if (!f.n_differ) {
        log_line(s->c->o.log, LOGL_NOTICE, "sso", "the configurations of both boxes agree again");
        return;
    }
    for (unsigned i = 0; i < f.n_differ && at < sizeof(names); i++)
        at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", i ? ", " : "", f.differ[i]);
    syslog_ios(s->c->syslog, "CRYPTO", 4, "SSO_CONFIG_MISMATCH",
               "Configuration differs from that of the peer in: %s", names);
    log_line(s->c->o.log, LOGL_WARNING, "sso", "the other box is configured differently in: %s",
             names);
}

/* Each virtual address once. */
static bool first_with(const struct sso *s, size_t at, const struct addr *vip)
{
    for (size_t i = 0; i < at; i++) {
        const struct port *p = s->c->ports.v[i];
        struct addr a = sso_shares(p) ? endpoint_addr(s->c, p->ifp, AF_INET) : (struct addr){0};
        if (addr_eq(&a, vip))
            return false;
    }
    return true;
}

static void takeover_of(const struct sso *s, bool ike)
{
    char text[ADDR_STRLEN];
    for (size_t i = 0; i < s->c->ports.n; i++) {
        const struct port *p = s->c->ports.v[i];
        if (!sso_shares(p))
            continue;
        struct addr vip = endpoint_addr(s->c, p->ifp, AF_INET);
        if (!first_with(s, i, &vip))
            continue;
        addr_print(&vip, text, sizeof(text));
        if (ike)
            syslog_ios(s->c->syslog, "CRYPTO", 5, "IKE_SA_HA_STATUS",
                       "IKE sa's if any, for vip  %s will change from STANDBY to ACTIVE", text);
        else
            syslog_ios(s->c->syslog, "CRYPTO", 5, "IPSEC_SA_HA_STATUS",
                       "IPSec sa's if any, for vip  %s will change from STANDBY to ACTIVE", text);
    }
}

void sso_tell_takeover(const struct sso *s)
{
    takeover_of(s, true);
    takeover_of(s, false);
}

void sso_tell_reload(const struct sso *s)
{
    syslog_ios(s->c->syslog, "RF", 5, "RF_RELOAD",
               "Self reload. Reason: Not in correct state for becoming Standby");
    syslog_ios(s->c->syslog, "RF_INTERDEV", 4, "RELOAD",
               "%% RF induced self-reload. my state = %s peer state = %s", rf_name(RF_ACTIVE),
               rf_name(RF_STANDBY_HOT));
}
