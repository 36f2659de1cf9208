/*
 * The socket of UDP 500. It arrives bound, marked (so that our own table does not catch it) and
 * with packet information on: the address a message came to is the address of the answer.
 */
#include "control/priv.h"
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX   65535
#define READS_AT_ONCE 32
#define PORT_IKE      500

/* Where a datagram was sent to. */
static struct addr destination(struct msghdr *m)
{
    struct addr a = {0};
    for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
        if (h->cmsg_level != IPPROTO_IP || h->cmsg_type != IP_PKTINFO)
            continue;
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(h), sizeof(info));
        a.family = AF_INET;
        memcpy(a.b, &info.ipi_addr, 4);
    }
    return a;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct control *c = (struct control *)arg;
    uint8_t msg[MESSAGE_MAX];
    (void)what;
    for (int i = 0; i < READS_AT_ONCE && c->ike_fd == fd; i++) {
        char room[256];
        struct sockaddr_storage from;
        struct iovec iov = {.iov_base = msg, .iov_len = sizeof(msg)};
        struct msghdr m = {.msg_name = &from,
                           .msg_namelen = sizeof(from),
                           .msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = room,
                           .msg_controllen = sizeof(room)};
        ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            continue; /* an ICMP error of an earlier send; IKE has its own timers */
        if (n < 0)
            return;
        struct ike_path p = {.local = destination(&m), .lport = PORT_IKE};
        if (addr_from_sockaddr((const struct sockaddr *)&from, &p.remote, &p.rport) == 0 &&
            addr_is_set(&p.local))
            ike_input(c->ike, &p, msg, (size_t)n);
    }
}

void udp_close(struct control *c)
{
    if (c->ike_ev)
        event_free(c->ike_ev);
    if (c->ike_fd >= 0)
        close(c->ike_fd);
    c->ike_ev = NULL;
    c->ike_fd = -1;
}

void udp_open(struct control *c, int fd)
{
    udp_close(c);
    c->ike_fd = fd;
    c->ike_ev = event_new(c->o.base, fd, EV_READ | EV_PERSIST, on_readable, c);
    if (!c->ike_ev || event_add(c->ike_ev, NULL) < 0) {
        log_line(c->o.log, LOGL_ERROR, "ike", "no memory to listen on UDP 500");
        udp_close(c);
    }
}

int udp_send(struct control *c, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } ctl;
    struct sockaddr_storage to;
    int to_len = addr_to_sockaddr(&p->remote, p->rport, &to);
    if (c->ike_fd < 0 || to_len < 0 || p->local.family != AF_INET)
        return -ENOTCONN;
    struct iovec iov = {.iov_base = (void *)(uintptr_t)msg, .iov_len = len};
    struct msghdr m = {.msg_name = &to,
                       .msg_namelen = (socklen_t)to_len,
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = ctl.room,
                       .msg_controllen = sizeof(ctl.room)};
    struct in_pktinfo info = {0};
    memset(&ctl, 0, sizeof(ctl));
    memcpy(&info.ipi_spec_dst, p->local.b, 4);
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = IPPROTO_IP;
    h->cmsg_type = IP_PKTINFO;
    h->cmsg_len = CMSG_LEN(sizeof(info));
    memcpy(CMSG_DATA(h), &info, sizeof(info));
    return sendmsg(c->ike_fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
