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

int events_open(struct control *c)
{
    const struct syslog_out out = {.terminal = to_terminals, .send = to_server, .ctx = c};
    c->syslog = syslog_new(&c->o.clock, &out);
    return c->syslog ? 0 : -ENOMEM;
}

void events_close(struct control *c)
{
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

static void admin_changed(struct control *c, const struct port *p)
{
    if (p->told_shut)
        syslog_ios(c->syslog, "LINK", 5, "CHANGED",
                   "Interface %s, changed state to administratively down", p->name);
    syslog_asa(c->syslog, 4, p->told_shut ? 411003 : 411004,
               "Interface %s, changed state to administratively %s", p->name,
               p->told_shut ? "down" : "up");
}

static void line_changed(struct control *c, const struct port *p)
{
    const char *to = p->told_line ? "up" : "down";
    if (!p->told_shut) /* else LINK-5-CHANGED has said it */
        syslog_ios(c->syslog, "LINK", 3, "UPDOWN", "Interface %s, changed state to %s", p->name,
                   to);
    syslog_ios(c->syslog, "LINEPROTO", 5, "UPDOWN",
               "Line protocol on Interface %s, changed state to %s", p->name, to);
    syslog_asa(c->syslog, 4, p->told_line ? 411001 : 411002,
               "Line protocol on Interface %s, changed state to %s", p->name, to);
}

void events_links(struct control *c)
{
    for (size_t i = 0; i < c->ports.n; i++) {
        struct port *p = c->ports.v[i];
        const struct world_link *l = ports_link(p, &c->world);
        bool shut = p->ifp && p->ifp->shutdown, was = p->told_shut;
        bool line = !shut && l && l->carrier;
        if (!p->ifp || (!l && !p->told_state)) {
            p->told_state = false;
            continue;
        }
        if (!p->told_state) { /* as it was found */
            p->told_state = true;
            p->told_shut = shut;
            p->told_line = line;
            continue;
        }
        p->told_shut = shut;
        if (shut != was)
            admin_changed(c, p);
        if (line != p->told_line) {
            p->told_line = line;
            line_changed(c, p);
        }
    }
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
    struct addr local = intent_if_local(id->ifp, id->tried.family);
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
