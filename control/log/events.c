/* What is told as a message. See events.h. */
#include "control/log/events.h"
#include "control/priv.h"
#include "lib/pktinfo.h"
#include <errno.h>
#include <sys/socket.h>

/* --- the ways out --------------------------------------------------------------------------------
 */

static void to_terminals(void *ctx, bool console, bool monitor, const char *line)
{
    const struct control *c = (const struct control *)ctx;
    if (c->o.terminal)
        c->o.terminal(c->o.ctx, console, monitor, line);
}

/* RFC 5426 §3: one message, one datagram. Nothing is repeated. */
static int to_server(void *ctx, const struct syslog_host *to, const char *packet, size_t len)
{
    struct control *c = (struct control *)ctx;
    const struct family_socket *sock = &c->log_sock[family_index(to->addr.family)];
    struct sockaddr_storage ss;
    union pktinfo ctl;
    struct iovec iov = {(void *)(uintptr_t)packet, len};
    struct msghdr m = {.msg_name = &ss, .msg_iov = &iov, .msg_iovlen = 1};
    m.msg_namelen = (socklen_t)addr_to_sockaddr(&to->addr, to->port, &ss);
    if (sock->fd < 0)
        return -ENOTCONN;
    const struct port *p = to->source[0] ? ports_named(&c->ports, to->source) : NULL;
    struct addr from = p && p->ifp ? intent_if_local(p->ifp, to->addr.family) : (struct addr){0};
    if (addr_is_set(&from))
        pktinfo_from(&m, &ctl, &from);
    return sendmsg(sock->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void on_link_news(struct timer *t, void *owner)
{
    (void)t;
    events_links((struct control *)owner);
}

int events_open(struct control *c)
{
    const struct syslog_out out = {.terminal = to_terminals, .send = to_server, .ctx = c};
    c->syslog = syslog_new(&c->o.clock, &out);
    timer_init(&c->link_news, on_link_news, c);
    return c->syslog ? 0 : -ENOMEM;
}

void events_close(struct control *c)
{
    timer_cancel(&c->timers, &c->link_news);
    syslog_free(c->syslog);
    c->syslog = NULL;
    for (unsigned i = 0; i < FAMILIES; i++)
        socket_drop(&c->log_sock[i]);
}

struct syslog *control_syslog(const struct control *c)
{
    return c->syslog;
}

void control_notice(struct control *c, const char *line)
{
    struct str shown = {0};
    syslog_debug(c->syslog, line, &shown);
    if (c->o.notice && !shown.bad)
        c->o.notice(c->o.ctx, str_text(&shown));
    str_free(&shown);
}

/* --- interfaces ----------------------------------------------------------------------------------
 */

/* Seed 003: IOS waits until a link has settled, and a little more for the protocol above it. */
#define IOS_LINK_AFTER  (2 * USEC_PER_SEC)
#define IOS_PROTO_AFTER (1 * USEC_PER_SEC)

static void link_changed(struct control *c, const struct port *p, bool shut_changed,
                         bool line_changed)
{
    if (shut_changed && p->told_shut)
        syslog_ios(c->syslog, "LINK", 5, "CHANGED",
                   "Interface %s, changed state to administratively down", p->name);
    else if (line_changed && !p->told_shut)
        syslog_ios(c->syslog, "LINK", 3, "UPDOWN", "Interface %s, changed state to %s", p->name,
                   p->told_line ? "up" : "down");
    if (shut_changed)
        syslog_asa(c->syslog, 4, p->told_shut ? 411003 : 411004,
                   "Interface %s, changed state to administratively %s", p->name,
                   p->told_shut ? "down" : "up");
}

static void proto_changed(struct control *c, const struct port *p)
{
    const char *to = p->told_proto ? "up" : "down";
    syslog_ios(c->syslog, "LINEPROTO", 5, "UPDOWN",
               "Line protocol on Interface %s, changed state to %s", p->name, to);
    syslog_asa(c->syslog, 4, p->told_proto ? 411001 : 411002,
               "Line protocol on Interface %s, changed state to %s", p->name, to);
}

/* Tells what is due of a port. Returns when it has more to tell, or -1. */
static usec_t link_news(struct control *c, struct port *p, bool shut, bool line, usec_t now)
{
    bool shut_changed = shut != p->told_shut, line_changed = line != p->told_line;
    if (!shut_changed && !line_changed) {
        p->link_at = 0;
    } else {
        if (!p->link_at)
            p->link_at = now + (c->ports.asa ? 0 : IOS_LINK_AFTER);
        if (now < p->link_at)
            return p->link_at;
        p->link_at = 0;
        p->told_shut = shut;
        p->told_line = line;
        link_changed(c, p, shut_changed, line_changed);
        p->proto_at = now + (c->ports.asa ? 0 : IOS_PROTO_AFTER);
    }
    if (p->told_proto == p->told_line)
        return -1;
    if (now < p->proto_at)
        return p->proto_at;
    p->told_proto = p->told_line;
    proto_changed(c, p);
    return -1;
}

void events_links(struct control *c)
{
    usec_t now = clock_mono(&c->o.clock), next = -1;
    for (size_t i = 0; i < c->ports.n; i++) {
        struct port *p = c->ports.v[i];
        const struct world_link *l = ports_link(p, &c->world);
        bool shut = p->ifp && p->ifp->shutdown;
        bool line = !shut && l && l->carrier;
        if (!p->ifp || ports_hidden(p) || (!l && !p->told_state)) {
            p->told_state = false;
            continue;
        }
        if (!p->told_state) { /* as it was found */
            p->told_state = true;
            p->told_shut = shut;
            p->told_line = p->told_proto = line;
            p->link_at = 0;
            continue;
        }
        usec_t at = link_news(c, p, shut, line, now);
        if (at >= 0 && (next < 0 || at < next))
            next = at;
    }
    if (next < 0)
        timer_cancel(&c->timers, &c->link_news);
    else
        timer_set(&c->timers, &c->link_news, next);
}

/* --- tunnels -------------------------------------------------------------------------------------
 */

static const char *address(const struct addr *a, char *buf)
{
    return addr_print(a, buf, ADDR_STRLEN);
}

/* The ASA tells of each SA of a pair. */
static void sa_of_asa(struct control *c, const char *way, uint32_t spi, const struct addr *local,
                      const struct addr *remote, bool made)
{
    char l[ADDR_STRLEN], r[ADDR_STRLEN];
    syslog_asa(c->syslog, 6, made ? 602303 : 602304,
               "IPSEC: An %s LAN-to-LAN SA (SPI= 0x%08X) between %s and %s (user= %s) has been %s.",
               way, spi, address(local, l), address(remote, r), r, made ? "created" : "deleted");
}

static void session(struct control *c, bool v2, const struct addr *remote, bool up)
{
    char r[ADDR_STRLEN];
    if (!(v2 ? c->intent.log_ikev2 : c->intent.log_session))
        return;
    address(remote, r);
    syslog_ios(c->syslog, "CRYPTO", 5, v2 ? "IKEV2_SESSION_STATUS" : "SESSION_STATUS",
               "Crypto tunnel %sis %s.  Peer %s:500       Id: %s", v2 ? "v2 " : "",
               up ? "UP" : "DOWN", r, r);
}

static void pair(struct control *c, const struct identity *id, const struct ike_child_state *child,
                 bool made)
{
    struct addr local = endpoint_addr(c, id->ifp, id->tried.family);
    sa_of_asa(c, "outbound", child->spi_out, &local, &id->tried, made);
    sa_of_asa(c, "inbound", child->spi_in, &id->tried, &local, made);
}

void events_child_up(struct control *c, const struct identity *id,
                     const struct ike_child_state *child, bool first)
{
    pair(c, id, child, true);
    if (first)
        session(c, id->version == IKE_V2, &id->tried, true);
}

void events_child_down(struct control *c, const struct identity *id,
                       const struct ike_child_state *child, bool last)
{
    pair(c, id, child, false);
    if (last)
        session(c, id->version == IKE_V2, &id->tried, false);
}

/* --- what a peer sends and we know nothing of ----------------------------------------------------
 */

#define STRAY_EVERY (60 * USEC_PER_SEC) /* anybody can send such packets */

void events_unknown_spi(struct control *c, const struct ike_path *p, uint8_t proto, uint32_t spi)
{
    char l[ADDR_STRLEN], r[ADDR_STRLEN];
    const struct port *in = control_port_of(c, &p->local);
    uint64_t held;
    if (!log_limit_pass(&c->told_spi, clock_mono(&c->o.clock), STRAY_EVERY, &held))
        return;
    syslog_ios(c->syslog, "CRYPTO", 4, "RECVD_PKT_INV_SPI",
               "decaps: rec'd IPSEC packet has invalid spi for destaddr=%s, prot=%u, spi=0x%X(%u), "
               "srcaddr=%s, input interface=%s",
               address(&p->local, l), proto, spi, spi, address(&p->remote, r),
               in ? in->name : "none");
}

void events_no_sa(struct control *c, const struct addr *from)
{
    char r[ADDR_STRLEN];
    uint64_t held;
    if (log_limit_pass(&c->told_no_sa, clock_mono(&c->o.clock), STRAY_EVERY, &held))
        syslog_ios(c->syslog, "CRYPTO", 4, "IKMP_NO_SA",
                   "IKE message from %s has no SA and is not an initialization offer",
                   address(from, r));
}
