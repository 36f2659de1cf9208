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

static bool ios(const struct ike *ike)
{
    return ike->host.debug_ios && ike->host.debug_ios(ike->h);
}

void ike_debug_head(const struct ike *ike, const struct ike_sa *sa, const char *cls, unsigned level,
                    char *buf, size_t cap)
{
    if (!ios(ike))
        snprintf(buf, cap, "IKEv2-%s-%u: (%" PRIu32 "): ", cls, level, sa ? sa->s.session_id : 0);
    else if (sa)
        snprintf(buf, cap,
                 "IKEv2:(SESSION ID = %" PRIu32 ",SA ID = %" PRIu32 "):", sa->s.session_id,
                 sa->s.tunnel_id);
    else
        snprintf(buf, cap, "IKEv2:");
}

void ike_debug_plat(struct ike *ike, unsigned level, const char *fmt, ...)
{
    char text[LINE];
    va_list ap;

    if (!ike_debugging(ike, IKE_DBG_PLATFORM, level))
        return;
    int n = ios(ike) ? snprintf(text, sizeof text, "IKEv2:")
                     : snprintf(text, sizeof text, "IKEv2-PLAT-%u: ", level);
    va_start(ap, fmt);
    vsnprintf(text + n, sizeof text - (size_t)n, fmt, ap);
    va_end(ap);
    ike->host.debug(ike->h, IKE_DBG_PLATFORM, level, text);
}

static void say(const struct ike_sa *sa, enum ike_debug cls, unsigned level, const char *fmt,
                va_list ap) __attribute__((format(printf, 4, 0)));
static void say(const struct ike_sa *sa, enum ike_debug cls, unsigned level, const char *fmt,
                va_list ap)
{
    const struct ike *ike = sa->ike;
    char text[LINE];

    if (!ike_debugging(ike, cls, level))
        return;
    ike_debug_head(ike, sa, "PROTO", level, text, sizeof text);
    size_t n = strlen(text);
    vsnprintf(text + n, sizeof text - n, fmt, ap);
    ike->host.debug(ike->h, cls, level, text);
}

void ike_debug_sa(const struct ike_sa *sa, unsigned level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(sa, IKE_DBG_PROTOCOL, level, fmt, ap);
    va_end(ap);
}

void ike_debug_error(const struct ike_sa *sa, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(sa, IKE_DBG_ERROR, 4, fmt, ap);
    va_end(ap);
}

/* --- packets -----------------------------------------------------------------------------------
 */

/* " SA KE N NOTIFY(…)": names of payloads, a blank before each */
static void contents(const struct ike_payloads *l, char *text, size_t cap)
{
    size_t n = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < l->n && n < cap - 64; i++) {
        struct ike_notify_pl notify;
        const char *name = ike_payload_name(l->v[i].type);
        if (l->v[i].type == PL_NOTIFY && ike_notify_read(&l->v[i], &notify) == 0)
            n += (size_t)snprintf(text + n, cap - n, " NOTIFY(%s)", ike_notify_name(notify.type));
        else
            n += (size_t)snprintf(text + n, cap - n, " %s", name);
    }
}

static void packet_ios(struct ike *ike, const struct ike_sa *sa, bool received,
                       const struct ike_path *p, const struct ike_header *h, const char *payloads)
{
    char text[2 * LINE], local[ADDR_STRLEN], remote[ADDR_STRLEN];

    ike_debug_head(ike, sa, "", 1, text, sizeof text);
    size_t n = strlen(text);
    addr_print(&p->local, local, sizeof local);
    addr_print(&p->remote, remote, sizeof remote);
    snprintf(text + n, sizeof text - n,
             "%s Packet [%s %s:%u/%s %s:%u/VRF i0:f0] \nInitiator SPI : %016" PRIX64
             " - Responder SPI : %016" PRIX64 " Message id: %" PRIu32 "\nIKEv2 %s Exchange %s \n"
             "Payload contents: \n%s \n",
             received ? "Received" : "Sending", received ? "From" : "To", remote, p->rport,
             received ? "To" : "From", local, p->lport, h->spi_i, h->spi_r, h->mid,
             ike_exchange_name(h->exchange), h->flags & IKE_F_RESPONSE ? "RESPONSE" : "REQUEST",
             payloads);
    ike->host.debug(ike->h, IKE_DBG_PACKET, 1, text);
}

/* In IOS's layout a message that comes is told when it could be read, by ike_debug_received(). */
static void sent_ios(struct ike *ike, const struct ike_path *p, const struct ike_header *h,
                     const uint8_t *msg, size_t len)
{
    const struct ike_sa *sa = ike_sa_find(ike, h->spi_i, h->spi_r, h->flags & IKE_F_INITIATOR);
    struct ike_payloads l;
    char text[LINE] = " ENCR";

    if (h->next != PL_SK && h->next != PL_SKF &&
        ike_payloads_read(h->next, msg + IKE_HEADER_LEN, len - IKE_HEADER_LEN, &l) == 0)
        contents(&l, text, sizeof text);
    packet_ios(ike, sa, false, p, h, text);
}

void ike_debug_packet(struct ike *ike, const char *what, const struct ike_path *p,
                      const uint8_t *msg, size_t len)
{
    char local[ADDR_STRLEN], remote[ADDR_STRLEN], text[LINE];
    struct ike_header h;
    bool received = what[0] == 'R';

    if (!ike_debugging(ike, IKE_DBG_PACKET, 4) || ike_header_read(msg, len, &h) < 0)
        return;
    if (ios(ike)) {
        if (!received)
            sent_ios(ike, p, &h, msg, len);
        return;
    }
    addr_print(&p->local, local, sizeof local);
    addr_print(&p->remote, remote, sizeof remote);
    snprintf(text, sizeof text,
             "IKEv2-PLAT-4: %s PKT [%s] [%s]:%u->[%s]:%u InitSPI=0x%016" PRIx64
             " RespSPI=0x%016" PRIx64 " MID=%08" PRIx32,
             what, ike_exchange_name(h.exchange), received ? remote : local,
             received ? p->rport : p->lport, received ? local : remote,
             received ? p->lport : p->rport, h.spi_i, h.spi_r, h.mid);
    ike->host.debug(ike->h, IKE_DBG_PACKET, 4, text);
}

void ike_debug_received(struct ike *ike, const struct ike_sa *sa, const struct ike_rx *rx)
{
    char text[LINE];
    bool layout = ios(ike);

    if (layout ? !ike_debugging(ike, IKE_DBG_PACKET, 4)
               : !sa || !ike_debugging(ike, IKE_DBG_PROTOCOL, 4))
        return;
    contents(&rx->pl, text, sizeof text);
    if (layout)
        packet_ios(ike, sa, true, rx->path, &rx->h, text);
    else
        ike_debug_sa(sa, 4, "Received Payload contents:%s", text);
}

/* --- events ------------------------------------------------------------------------------------
 */

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
        ike_debug_error(sa, "Message dropped: %s", ike_drop_text(why));
    else
        ike_debug_plat(ike, 5, "Message dropped: %s", ike_drop_text(why));
    if (ike->host.event)
        ike->host.event(ike->h, IKE_EV_DROPPED, sa ? &sa->s : NULL, ike_drop_text(why));
}
