#include "control/sso/socket.h"
#include "control/priv.h"
#include "lib/pktinfo.h"
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST 4096 /* of a packet, with its IPv4 header; ours have 1,300 */

struct sso_sockets {
    struct event_base *base;
    const struct clock *clk;
    sso_packet_fn *fn;
    void *ctx;
    struct {
        int fd;
        struct event *ev;
    } of[FAMILIES];
    struct sso_cfg cfg;
    unsigned n; /* paths */
    uint8_t rx[LONGEST];
};

/* What the kernel gives to a socket: of one port to one other, or nothing. */
static int set_filter(int fd, unsigned family, bool on, uint16_t from, uint16_t to)
{
    const struct sock_filter after_ip = BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0);
    const struct sock_filter at_sctp = BPF_STMT(BPF_LDX | BPF_IMM, 0);
    struct sock_filter code[] = {
        family == FAMILY_4 ? after_ip : at_sctp,
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, from, 0, 3),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, to, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, on ? UINT32_MAX : 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog p = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p)) < 0 ? -errno : 0;
}

static bool has_family(const struct sso_sockets *s, unsigned family)
{
    for (unsigned i = 0; i < s->n; i++)
        if (family_index(s->cfg.local[i].family) == family)
            return true;
    return false;
}

/* As configured, and heard only then. */
static int set_family(struct sso_sockets *s, unsigned family)
{
    if (s->of[family].fd < 0)
        return 0;
    bool on = has_family(s, family);
    int err = set_filter(s->of[family].fd, family, on, s->cfg.remote_port, s->cfg.local_port);
    if (err || !on)
        event_del(s->of[family].ev);
    else if (event_add(s->of[family].ev, NULL) < 0)
        err = -ENOMEM;
    return err;
}

/* --- receiving ------------------------------------------------------------------------------- */

static int path_of(const struct sso_sockets *s, const struct addr *from, const struct addr *to)
{
    for (unsigned i = 0; i < s->n; i++)
        if (addr_eq(from, &s->cfg.remote[i]) && addr_eq(to, &s->cfg.local[i]))
            return (int)i;
    return -1;
}

/* False when there is nothing more. */
static bool receive(struct sso_sockets *s, int fd, unsigned family)
{
    union pktinfo ctl;
    struct sockaddr_storage from;
    struct iovec iov = {s->rx, sizeof(s->rx)};
    struct msghdr m = {.msg_name = &from,
                       .msg_namelen = sizeof(from),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &ctl,
                       .msg_controllen = sizeof(ctl)};
    struct addr src;
    uint16_t port;
    ssize_t got = recvmsg(fd, &m, MSG_DONTWAIT);
    if (got < 0)
        return errno == EINTR;
    size_t n = (size_t)got, head = 0;
    if (m.msg_flags & MSG_TRUNC ||
        addr_from_sockaddr((const struct sockaddr *)&from, &src, &port) < 0)
        return true;
    if (family == FAMILY_4) { /* the header comes with it */
        head = n ? (s->rx[0] & 15u) * 4u : 1;
        if (head > n)
            return true;
    }
    struct addr dst = pktinfo_to(&m);
    int path = path_of(s, &src, &dst);
    if (path >= 0)
        s->fn(s->ctx, (unsigned)path, pktinfo_ifindex(&m), s->rx + head, n - head);
    return true;
}

static void drain(struct sso_sockets *s, unsigned family)
{
    usec_t until = clock_mono(s->clk) + CONTROL_TURN;
    while (receive(s, s->of[family].fd, family) && clock_mono(s->clk) < until)
        ;
}

static void on_packets4(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    drain((struct sso_sockets *)arg, FAMILY_4);
}

static void on_packets6(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    drain((struct sso_sockets *)arg, FAMILY_6);
}

/* --- for the others ------------------------------------------------------------------------- */

struct sso_sockets *sso_sockets_new(struct event_base *base, const struct clock *clk,
                                    sso_packet_fn *fn, void *ctx)
{
    struct sso_sockets *s = (struct sso_sockets *)calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->base = base;
    s->clk = clk;
    s->fn = fn;
    s->ctx = ctx;
    for (unsigned i = 0; i < FAMILIES; i++)
        s->of[i].fd = -1;
    return s;
}

static void drop(struct sso_sockets *s, unsigned family)
{
    if (s->of[family].ev)
        event_free(s->of[family].ev);
    if (s->of[family].fd >= 0)
        close(s->of[family].fd);
    s->of[family].ev = NULL;
    s->of[family].fd = -1;
}

void sso_sockets_free(struct sso_sockets *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < FAMILIES; i++)
        drop(s, i);
    free(s);
}

void sso_sockets_take(struct sso_sockets *s, uint8_t family, int fd)
{
    unsigned i = family_index(family);
    drop(s, i);
    s->of[i].fd = fd;
    s->of[i].ev =
        event_new(s->base, fd, EV_READ | EV_PERSIST, i == FAMILY_4 ? on_packets4 : on_packets6, s);
    if (!s->of[i].ev || set_family(s, i) < 0)
        drop(s, i);
}

int sso_sockets_use(struct sso_sockets *s, const struct sso_cfg *cfg)
{
    static const struct sso_cfg nobody;
    s->cfg = cfg ? *cfg : nobody;
    s->n = s->cfg.n_local < s->cfg.n_remote ? s->cfg.n_local : s->cfg.n_remote;
    int err = set_family(s, FAMILY_4);
    return err ? err : set_family(s, FAMILY_6);
}

int sso_sockets_send(struct sso_sockets *s, unsigned path, const uint8_t *p, size_t n)
{
    if (path >= s->n)
        return -EINVAL;
    int fd = s->of[family_index(s->cfg.local[path].family)].fd;
    if (fd < 0)
        return -ENOTCONN;
    union pktinfo ctl;
    struct sockaddr_storage to;
    struct iovec iov = {(void *)(uintptr_t)p, n};
    int len = addr_to_sockaddr(&s->cfg.remote[path], 0, &to);
    struct msghdr m = {.msg_name = &to,
                       .msg_namelen = (socklen_t)len,
                       .msg_iov = &iov,
                       .msg_iovlen = 1};
    pktinfo_from(&m, &ctl, &s->cfg.local[path]);
    return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
