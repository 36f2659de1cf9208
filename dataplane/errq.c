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
#define ICMP6_TOO_BIG     2 /* RFC 4443 §3.2 */

void errq_open(int fd, bool v6)
{
    /* Routers do not cut IPv6: the kernel has to, to the path that it learns with us. And with
     * _OMIT a UDP socket would not hear of it. */
    int one = 1, probe = v6 ? IPV6_PMTUDISC_DONT : IP_PMTUDISC_PROBE;
    int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
    /* Without it nothing is learned, and packets with DF that do not fit are lost as they were. */
    setsockopt(fd, level, v6 ? IPV6_RECVERR : IP_RECVERR, &one, sizeof one);
    setsockopt(fd, level, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &probe, sizeof probe);
}

/* The header that a raw socket's error quotes. Returns its length, or 0. */
static size_t quoted_header(const uint8_t *p, size_t len, uint8_t proto, struct addr *to)
{
    if (len >= IP6_HLEN && p[0] >> 4 == 6 && p[6] == proto) {
        to->family = AF_INET6;
        memcpy(to->b, p + 24, 16);
        return IP6_HLEN;
    }
    size_t hlen = len ? (size_t)(p[0] & 15) * 4 : 0;
    if (hlen < IP4_HLEN || len < hlen || p[0] >> 4 != 4 || p[9] != proto)
        return 0;
    to->family = AF_INET;
    memcpy(to->b, p + 16, 4);
    return hlen;
}

bool errq_quote(const uint8_t *p, size_t len, bool raw, uint8_t proto, struct pmtu_error *e)
{
    if (raw) {
        size_t hlen = quoted_header(p, len, proto, &e->remote);
        if (!hlen)
            return false;
        p += hlen;
        len -= hlen;
    }
    if (proto == NH_AH && len >= 4) { /* RFC 4302 §2: the SPI is the second word */
        p += 4;
        len -= 4;
    }
    if (len < 4)
        return false;
    e->proto = proto;
    e->spi = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    return true;
}

static const struct cmsghdr *find(struct msghdr *m)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    while (c && !(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
           !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
        c = CMSG_NXTHDR(m, c);
    return c;
}

/* True when the message is a router's "fragmentation needed", or "packet too big". */
static bool too_big(struct msghdr *m, struct pmtu_error *e)
{
    struct {
        struct sock_extended_err err;
        struct sockaddr_in6 router; /* or a sockaddr_in */
    } said;
    const struct cmsghdr *c = find(m);
    memset(&said, 0, sizeof said);
    if (!c || c->cmsg_len < CMSG_LEN(sizeof said.err + sizeof(struct sockaddr_in)))
        return false;
    size_t have = c->cmsg_len - CMSG_LEN(0);
    memcpy(&said, CMSG_DATA(c), have < sizeof said ? have : sizeof said);
    const struct sock_extended_err *err = &said.err;
    if (!(err->ee_origin == SO_EE_ORIGIN_ICMP && err->ee_type == ICMP4_UNREACH &&
          err->ee_code == ICMP4_FRAG_NEEDED) &&
        !(err->ee_origin == SO_EE_ORIGIN_ICMP6 && err->ee_type == ICMP6_TOO_BIG))
        return false;
    e->mtu = err->ee_info;
    addr_from_sockaddr((const struct sockaddr *)&said.router, &e->router, NULL);
    return true;
}

void errq_read(int fd, bool header, uint8_t proto, errq_fn *fn, void *ctx)
{
    for (unsigned i = 0; i < ERRQ_MOST; i++) {
        uint8_t quote[ERRQ_QUOTE];
        union {
            struct cmsghdr align;
            char room[256];
        } control;
        struct sockaddr_storage to;
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
        addr_from_sockaddr((const struct sockaddr *)&to, &e.remote, NULL);
        if (too_big(&m, &e) && errq_quote(quote, (size_t)n, header, proto, &e))
            fn(ctx, &e);
    }
}
