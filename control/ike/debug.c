/*
 * Text for people: debug lines in the form of the ASA, events, names. Only numbers that are
 * visible on the wire appear here, never a key or a nonce.
 */
#include "control/ike/internal.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define LINE 512

const char *ike_state_name(enum ike_state s)
{
    if (s == IKE_ESTABLISHED)
        return "READY";
    return s == IKE_REKEYED || s == IKE_DELETING || s == IKE_DEAD ? "DELETE" : "IN-NEG";
}

const char *ike_reason_text(enum ike_reason r)
{
    static const char *const text[IKE_REASONS] = {
        "none",
        "Maximum number of retransmissions reached",
        "No proposal chosen",
        "Authentication failed",
        "Traffic selectors unacceptable",
        "No policy for this peer",
        "Deleted by the peer",
        "Deleted locally",
        "Peer did not answer liveness checks",
        "Lifetime expired",
        "Malformed message",
        "Limit reached",
        "Internal error",
        "Replaced by a newer SA",
        "Rekeyed",
    };
    return r < IKE_REASONS ? text[r] : "unknown";
}

bool ike_debugging(const struct ike *ike, enum ike_debug cls, unsigned level)
{
    return ike->host.debug && ike->host.debug_on && ike->host.debug_on(ike->h, cls, level);
}

void ike_debug_plat(struct ike *ike, unsigned level, const char *fmt, ...)
{
    char text[LINE];
    va_list ap;

    if (!ike_debugging(ike, IKE_DBG_PLATFORM, level))
        return;
    int n = snprintf(text, sizeof text, "IKEv2-PLAT-%u: ", level);
    va_start(ap, fmt);
    vsnprintf(text + n, sizeof text - (size_t)n, fmt, ap);
    va_end(ap);
    ike->host.debug(ike->h, IKE_DBG_PLATFORM, level, text);
}

void ike_debug_sa(const struct ike_sa *sa, unsigned level, const char *fmt, ...)
{
    const struct ike *ike = sa->ike;
    char text[LINE];
    va_list ap;

    if (!ike_debugging(ike, IKE_DBG_PROTOCOL, level))
        return;
    int n = snprintf(text, sizeof text, "IKEv2-PROTO-%u: (%" PRIu32 "): ", level, sa->s.session_id);
    va_start(ap, fmt);
    vsnprintf(text + n, sizeof text - (size_t)n, fmt, ap);
    va_end(ap);
    ike->host.debug(ike->h, IKE_DBG_PROTOCOL, level, text);
}

void ike_debug_packet(struct ike *ike, const char *what, const struct ike_path *p,
                      const uint8_t *msg, size_t len)
{
    char local[ADDR_STRLEN], remote[ADDR_STRLEN];
    struct ike_header h;
    bool received = what[0] == 'R';

    if (!ike_debugging(ike, IKE_DBG_PLATFORM, 4) || ike_header_read(msg, len, &h) < 0)
        return;
    addr_print(&p->local, local, sizeof local);
    addr_print(&p->remote, remote, sizeof remote);
    ike_debug_plat(ike, 4,
                   "%s PKT [%s] [%s]:%u->[%s]:%u InitSPI=0x%016" PRIx64 " RespSPI=0x%016" PRIx64
                   " MID=%08" PRIx32,
                   what, ike_exchange_name(h.exchange), received ? remote : local,
                   received ? p->rport : p->lport, received ? local : remote,
                   received ? p->lport : p->rport, h.spi_i, h.spi_r, h.mid);
}

void ike_debug_payloads(const struct ike_sa *sa, const char *what, const struct ike_payloads *l)
{
    char text[LINE];
    size_t n = 0;

    if (!ike_debugging(sa->ike, IKE_DBG_PROTOCOL, 4))
        return;
    text[0] = '\0';
    for (unsigned i = 0; i < l->n && n < sizeof text - 64; i++) {
        struct ike_notify_pl notify;
        const char *name = ike_payload_name(l->v[i].type);
        if (l->v[i].type == PL_NOTIFY && ike_notify_read(&l->v[i], &notify) == 0)
            n += (size_t)snprintf(text + n, sizeof text - n, " NOTIFY(%s)",
                                  ike_notify_name(notify.type));
        else
            n += (size_t)snprintf(text + n, sizeof text - n, " %s", name);
    }
    ike_debug_sa(sa, 4, "%s Payload contents:%s", what, text);
}

void ike_event(struct ike_sa *sa, enum ike_event ev, const char *fmt, ...)
{
    char text[LINE];
    va_list ap;

    if (!sa->ike->host.event)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    sa->ike->host.event(sa->ike->h, ev, &sa->s, text);
}

void ike_dropped(struct ike *ike, const struct ike_sa *sa, enum ike_drop why)
{
    ike->stats.dropped[why]++;
    if (sa)
        ike_debug_sa(sa, 5, "Message dropped: %s", ike_drop_text(why));
    else
        ike_debug_plat(ike, 5, "Message dropped: %s", ike_drop_text(why));
    if (ike->host.event)
        ike->host.event(ike->h, IKE_EV_DROPPED, sa ? &sa->s : NULL, ike_drop_text(why));
}
