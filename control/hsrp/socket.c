/*
 * Frames in and out, by packet sockets: HSRP is heard whoever it comes from (the kernel would drop
 * what pretends to be from us, and we want to tell of that), and what the active router sends has
 * the virtual MAC address.
 */
#include "control/hsrp/host_priv.h"
#include <event2/event.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AT_ONCE  64 /* frames in one turn of the loop */
#define LONGEST  2048
#define NO_GROUP "unknown"

struct heard_frame {
    uint8_t data[LONGEST];
    size_t n;
    uint32_t ifindex;
    bool unsummed;
};

/* False: nothing more is there, or it is our own on its way out. */
static bool receive(int fd, struct heard_frame *f, bool *more)
{
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
    } ctl;
    struct sockaddr_ll from = {0};
    struct iovec iov = {f->data, sizeof(f->data)};
    struct msghdr m = {.msg_name = &from,
                       .msg_namelen = sizeof(from),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &ctl,
                       .msg_controllen = sizeof(ctl)};
    ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
    *more = n >= 0;
    if (n < 0 || m.msg_flags & MSG_TRUNC || from.sll_pkttype == PACKET_OUTGOING)
        return false;
    f->n = (size_t)n;
    f->ifindex = (uint32_t)from.sll_ifindex;
    f->unsummed = false;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        struct tpacket_auxdata aux;
        if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
            continue;
        memcpy(&aux, CMSG_DATA(c), sizeof(aux));
        f->unsummed = aux.tp_status & TP_STATUS_CSUMNOTREADY;
    }
    return true;
}

/* --- HSRP ------------------------------------------------------------------------------------ */

static enum hsrp_bad deliver(struct hsrp *h, const struct hsrp_datagram *d, uint32_t ifindex)
{
    struct hsrp_message msg;
    struct hsrp_member *to = NULL;
    bool other_version = false;
    enum hsrp_bad why = hsrp_parse(d->version, d->p, d->n, &msg);
    for (unsigned i = 0; i < h->n; i++) {
        struct hsrp_member *m = h->member[i];
        if (!m || m->ifindex != ifindex)
            continue;
        if (addr_eq(&m->g.link.addr, &d->src)) {
            hsrp_tell_own(h, &m->g, d);
            return HSRP_BAD_SOURCE;
        }
        if (m->g.cfg.version != d->version)
            other_version = true;
        else if (m->g.cfg.number == msg.group && m->g.cfg.ip)
            to = m;
    }
    if (why || msg.op == HSRP_ADVERTISE)
        return why;
    if (!to)
        return other_version ? HSRP_BAD_VERSION : HSRP_NO_GROUP;
    if (!hsrp_group_input(&to->g, &msg, &d->src, d->mac, d->p, d->n))
        return HSRP_BAD_AUTH;
    return HSRP_GOOD;
}

static const char *name_of(const struct hsrp *h, uint32_t ifindex)
{
    for (unsigned i = 0; i < h->n; i++)
        if (h->member[i] && h->member[i]->ifindex == ifindex)
            return h->member[i]->g.link.shortname;
    return NULL;
}

static void read_hsrp(struct hsrp *h)
{
    struct heard_frame f;
    struct hsrp_datagram d;
    bool more = h->hears >= 0;
    for (unsigned i = 0; i < AT_ONCE && more; i++) {
        if (!receive(h->hears, &f, &more) || !hsrp_unframe(f.data, f.n, f.unsummed, &d))
            continue;
        const char *ifname = name_of(h, f.ifindex);
        if (!ifname)
            continue; /* an interface without a group, or what carries our own addresses */
        enum hsrp_bad why = deliver(h, &d, f.ifindex);
        h->bad[why]++;
        if (why)
            hsrp_debug_bad(h, &d, ifname, why);
    }
}

static void on_hsrp(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    read_hsrp((struct hsrp *)arg);
}

void hsrp_drain(void *ctx)
{
    read_hsrp((struct hsrp *)ctx);
}

/* --- ARP ------------------------------------------------------------------------------------- */

static void on_arp(evutil_socket_t fd, short what, void *arg)
{
    struct hsrp *h = (struct hsrp *)arg;
    struct heard_frame f;
    struct addr a;
    uint8_t mac[HSRP_MAC];
    bool more = true;
    (void)what;
    for (unsigned i = 0; i < AT_ONCE && more; i++) {
        if (!receive((int)fd, &f, &more) || !arp_claim(f.data, f.n, mac, &a))
            continue;
        for (unsigned k = 0; k < h->n; k++)
            if (h->member[k] && h->member[k]->ifindex == f.ifindex)
                hsrp_group_claim(&h->member[k]->g, &a, mac);
    }
}

/* --- sockets --------------------------------------------------------------------------------- */

static void drop(int *fd, struct event **ev)
{
    if (*ev)
        event_free(*ev);
    *ev = NULL;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void hsrp_socket_open(struct hsrp *h, enum launch_socket kind, int fd)
{
    bool arp = kind == SOCK_ARP;
    struct event **ev = arp ? &h->ev_arp : &h->ev_hears;
    if (!arp)
        pacer_socket(h->pacer, fd);
    drop(arp ? &h->arp : &h->hears, ev);
    *(arp ? &h->arp : &h->hears) = fd;
    *ev = event_new(h->c->o.base, fd, EV_READ | EV_PERSIST, arp ? on_arp : on_hsrp, h);
    if (!*ev || event_add(*ev, NULL) < 0)
        log_line(h->c->o.log, LOGL_ERROR, "hsrp", "no memory to hear anything");
    h->bound = false;
}

void hsrp_socket_close(struct hsrp *h)
{
    drop(&h->hears, &h->ev_hears);
    drop(&h->arp, &h->ev_arp);
}

static bool bind_to(int fd, uint16_t protocol)
{
    struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol)};
    return fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
}

void hsrp_socket_bind(struct hsrp *h)
{
    if (h->bound || h->hears < 0)
        return;
    h->bound = true;
    if (!bind_to(h->hears, ETH_P_IP) || !bind_to(h->arp, ETH_P_ARP))
        log_line(h->c->o.log, LOGL_ERROR, "hsrp", "the sockets cannot be bound: nothing is heard");
}

void hsrp_send(void *ctx, const struct hsrp_group *g, const uint8_t *frame, size_t n)
{
    const struct hsrp *h = (const struct hsrp *)ctx;
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(n == ARP_FRAME ? ETH_P_ARP : ETH_P_IP),
                             .sll_ifindex = (int)hsrp_member_of(g)->ifindex};
    if (h->hears >= 0 && to.sll_ifindex)
        sendto(h->hears, frame, n, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&to,
               sizeof(to));
}

static void membership(int fd, uint32_t ifindex, unsigned version, int option)
{
    struct addr a = hsrp_group_address(version);
    struct packet_mreq r = {.mr_ifindex = (int)ifindex,
                            .mr_type = PACKET_MR_MULTICAST,
                            .mr_alen = HSRP_MAC,
                            .mr_address = {1, 0, 0x5e, a.b[1], a.b[2], a.b[3]}};
    setsockopt(fd, SOL_PACKET, option, &r, sizeof(r));
}

void hsrp_join(struct hsrp *h, struct hsrp_member *m)
{
    uint8_t version = m->g.cfg.version;
    if (h->hears < 0 || (m->joined == m->ifindex && m->joined_version == version))
        return;
    if (m->joined)
        membership(h->hears, m->joined, m->joined_version, PACKET_DROP_MEMBERSHIP);
    if (m->ifindex)
        membership(h->hears, m->ifindex, version, PACKET_ADD_MEMBERSHIP);
    m->joined = m->ifindex;
    m->joined_version = version;
}
