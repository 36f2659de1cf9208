/*
 * The sockets of UDP 500, one for each family. They arrive bound, marked (so that our own table
 * does not catch IKE) and with packet information on: the address a message came to is the
 * address of the answer.
 *
 * Anybody can fill them. Reading a datagram is cheap and answering a first message is not: when
 * they come faster than they can be answered and the buffer fills, the kernel is told to let in
 * fewer of them (shed.h), and of those in the buffer a turn of the loop reads many but answers few,
 * so that what belongs to an SA gets through. Timers, the datapath and the CLI have their turn
 * after at most TURN datagrams, or CONTROL_TURN of them. What the kernel dropped is counted, too.
 */
#include "control/crypto/shed.h"
#include "control/priv.h"
#include "lib/pktinfo.h"
#include <errno.h>
#include <event2/event.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX 65535
#define BATCH       8
#define TURN        128                 /* datagrams */
#define TURN_FIRST  16                  /* of them IKE_SA_INIT requests while we are behind */
#define SHED_LOOK   (USEC_PER_SEC / 10) /* while a filter is on, also when nothing comes */

struct udp_rx {
    struct udp_queue {
        uint32_t lost; /* as the kernel counts, since the socket was made */
        struct shed shed;
    } queue[FAMILIES];
    struct timer look;
    unsigned n_first; /* in this turn */
    bool behind;
    struct mmsghdr mm[BATCH];
    struct iovec iov[BATCH];
    struct sockaddr_storage from[BATCH];
    char ctl[BATCH][128];
    uint8_t msg[BATCH][MESSAGE_MAX];
};

/* --- how full the buffer is --------------------------------------------------------------------
 */

static void set_filter(struct control *c, unsigned family)
{
    struct addr *peers = (struct addr *)calloc(c->intent.n_peer + 1, sizeof(*peers));
    uint32_t n = 0;
    for (uint32_t i = 0; peers && i < c->intent.n_peer; i++) {
        const struct prefix *r = &c->intent.peer[i].remote;
        if (addr_is_set(&r->addr) && r->len == addr_bits(&r->addr))
            peers[n++] = r->addr;
    }
    /* Without a filter things are as they were: many are read and few answered. */
    shed_attach(c->ike_sock[family].fd, family == FAMILY_6 ? AF_INET6 : AF_INET,
                c->ike_rx->queue[family].shed.level, peers, n);
    free(peers);
}

static bool read_meminfo(int fd, uint32_t info[SK_MEMINFO_VARS])
{
    socklen_t len = SK_MEMINFO_VARS * sizeof(*info);
    return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0 &&
           len == SK_MEMINFO_VARS * sizeof(*info);
}

static void look_at_buffer(struct control *c, unsigned family)
{
    struct udp_rx *rx = c->ike_rx;
    struct udp_queue *q = &rx->queue[family];
    uint32_t info[SK_MEMINFO_VARS];
    usec_t now = clock_mono(&c->o.clock);
    if (!read_meminfo(c->ike_sock[family].fd, info))
        return;
    uint32_t used = info[SK_MEMINFO_RMEM_ALLOC], size = info[SK_MEMINFO_RCVBUF];
    uint32_t lost = info[SK_MEMINFO_DROPS] - q->lost;
    if (lost)
        keyex_overloaded(c, lost);
    q->lost = info[SK_MEMINFO_DROPS];
    rx->behind = used > size / 4;
    if (shed_step(&q->shed, now, used, size))
        set_filter(c, family);
    if (q->shed.level && !timer_armed(&rx->look))
        timer_set(&c->timers, &rx->look, now + SHED_LOOK);
}

static void on_look(struct timer *t, void *owner)
{
    struct control *c = (struct control *)owner;
    (void)t;
    for (unsigned i = 0; i < FAMILIES; i++)
        if (c->ike_sock[i].fd >= 0)
            look_at_buffer(c, i);
}

/* --- messages ----------------------------------------------------------------------------------
 */

static int receive(struct udp_rx *rx, int fd)
{
    memset(rx->mm, 0, sizeof(rx->mm));
    for (size_t i = 0; i < BATCH; i++) {
        rx->iov[i] = (struct iovec){.iov_base = rx->msg[i], .iov_len = MESSAGE_MAX};
        rx->mm[i].msg_hdr = (struct msghdr){.msg_name = &rx->from[i],
                                            .msg_namelen = sizeof(rx->from[i]),
                                            .msg_iov = &rx->iov[i],
                                            .msg_iovlen = 1,
                                            .msg_control = rx->ctl[i],
                                            .msg_controllen = sizeof(rx->ctl[i])};
    }
    return recvmmsg(fd, rx->mm, BATCH, MSG_DONTWAIT, NULL);
}

static void take(struct control *c, size_t i)
{
    struct udp_rx *rx = c->ike_rx;
    size_t len = rx->mm[i].msg_len;
    struct ike_path p = {.local = pktinfo_to(&rx->mm[i].msg_hdr), .lport = PORT_IKE};
    if (addr_from_sockaddr((const struct sockaddr *)&rx->from[i], &p.remote, &p.rport) < 0 ||
        !addr_is_set(&p.local) || !c->applied)
        return; /* before the first configuration nobody knows who it is: it will be said again */
    if (rx->behind && keyex_is_first(rx->msg[i], len) && rx->n_first++ >= TURN_FIRST)
        keyex_overloaded(c, 1);
    else
        keyex_input(c, &p, rx->msg[i], len);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct control *c = (struct control *)arg;
    struct udp_rx *rx = c->ike_rx;
    (void)what;
    look_at_buffer(c, fd == c->ike_sock[FAMILY_6].fd ? FAMILY_6 : FAMILY_4);
    rx->n_first = 0;
    usec_t begin = clock_mono(&c->o.clock);
    for (int done = 0; done < TURN; done += BATCH) {
        int n = receive(rx, fd);
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            continue; /* an ICMP error of an earlier send; IKE has its own timers */
        for (int i = 0; i < n; i++)
            take(c, (size_t)i);
        if (n < BATCH || clock_mono(&c->o.clock) - begin > CONTROL_TURN)
            return;
    }
}

void udp_close(struct control *c)
{
    for (unsigned i = 0; i < FAMILIES; i++)
        socket_drop(&c->ike_sock[i]);
    if (c->ike_rx)
        timer_cancel(&c->timers, &c->ike_rx->look);
    free(c->ike_rx);
    c->ike_rx = NULL;
}

static struct udp_rx *make_rx(struct control *c)
{
    struct udp_rx *rx = (struct udp_rx *)calloc(1, sizeof(*rx));
    if (rx)
        timer_init(&rx->look, on_look, c);
    return rx;
}

void udp_open(struct control *c, unsigned family, int fd)
{
    struct family_socket *s = &c->ike_sock[family];
    if (!c->ike_rx)
        c->ike_rx = make_rx(c);
    if (!c->ike_rx)
        close(fd);
    if (!c->ike_rx || socket_watch(c, s, fd, on_readable) < 0) {
        log_line(c->o.log, LOGL_ERROR, "ike", "no memory to listen on UDP 500");
        return;
    }
    /* What is left from an engine before is not ours. */
    struct udp_queue *q = &c->ike_rx->queue[family];
    *q = (struct udp_queue){.lost = 0};
    set_filter(c, family);
    uint32_t info[SK_MEMINFO_VARS];
    if (read_meminfo(fd, info))
        q->lost = info[SK_MEMINFO_DROPS];
}

int udp_send(struct control *c, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    union pktinfo ctl;
    struct sockaddr_storage to;
    int fd = c->ike_sock[family_index(p->local.family)].fd;
    int to_len = addr_to_sockaddr(&p->remote, p->rport, &to);
    if (fd < 0 || to_len < 0 || !addr_is_set(&p->local))
        return -ENOTCONN;
    struct iovec iov = {.iov_base = (void *)(uintptr_t)msg, .iov_len = len};
    struct msghdr m = {.msg_name = &to,
                       .msg_namelen = (socklen_t)to_len,
                       .msg_iov = &iov,
                       .msg_iovlen = 1};
    pktinfo_from(&m, &ctl, &p->local);
    return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
