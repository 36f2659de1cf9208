/*
 * Socket error queues. See errq.h.
 */
#include "dataplane/errq.h"
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define ERRQ_MOST         64 /* in one go: others want their turn, and what is left wakes us again */
#define ERRQ_QUOTE        128
#define ICMP4_UNREACH     3
#define ICMP4_FRAG_NEEDED 4

void errq_open(int fd)
{
    int one = 1, probe = IP_PMTUDISC_PROBE;
    /* Without it nothing is learned, and packets with DF that do not fit are lost as they were. */
    setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof one);
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
}

bool errq_quote(const uint8_t *p, size_t len, bool raw, struct pmtu_error *e)
{
    if (raw) {
        size_t hlen = len ? (size_t)(p[0] & 15) * 4 : 0;
        if (hlen < IP4_HLEN || len < hlen || p[0] >> 4 != 4 || p[9] != NH_ESP)
            return false;
        e->remote.family = AF_INET;
        memcpy(e->remote.b, p + 16, 4);
        p += hlen;
        len -= hlen;
    }
    if (len < 4)
        return false;
    e->spi = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    return true;
}

static void set_addr(struct addr *a, const struct sockaddr_in *s)
{
    if (s->sin_family == AF_INET)
        *a = addr_from_v4(ntohl(s->sin_addr.s_addr));
}

static const struct cmsghdr *find(struct msghdr *m)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    while (c && (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR))
        c = CMSG_NXTHDR(m, c);
    return c;
}

/* True when the message is a router's "fragmentation needed". */
static bool too_big(struct msghdr *m, struct pmtu_error *e)
{
    struct {
        struct sock_extended_err err;
        struct sockaddr_in router;
    } said;
    const struct cmsghdr *c = find(m);
    if (!c || c->cmsg_len < CMSG_LEN(sizeof said))
        return false;
    memcpy(&said, CMSG_DATA(c), sizeof said);
    if (said.err.ee_origin != SO_EE_ORIGIN_ICMP || said.err.ee_type != ICMP4_UNREACH ||
        said.err.ee_code != ICMP4_FRAG_NEEDED)
        return false;
    e->mtu = said.err.ee_info;
    set_addr(&e->router, &said.router);
    return true;
}

void errq_read(int fd, bool udp, errq_fn *fn, void *ctx)
{
    for (unsigned i = 0; i < ERRQ_MOST; i++) {
        uint8_t quote[ERRQ_QUOTE];
        union {
            struct cmsghdr align;
            char room[256];
        } control;
        struct sockaddr_in to;
        struct iovec iov = {.iov_base = quote, .iov_len = sizeof quote};
        struct msghdr m = {.msg_name = &to,
                           .msg_namelen = sizeof to,
                           .msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
        memset(&to, 0, sizeof to);
        ssize_t n = recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return;
        struct pmtu_error e;
        memset(&e, 0, sizeof e);
        set_addr(&e.remote, &to);
        if (too_big(&m, &e) && errq_quote(quote, (size_t)n, !udp, &e))
            fn(ctx, &e);
    }
}
