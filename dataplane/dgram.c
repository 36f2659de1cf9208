/* Vectors of datagrams. See dgram.h. */
#include "dataplane/dgram.h"
#include <errno.h>
#include <string.h>

/* --- receiving ----------------------------------------------------------------------------- */

int dgrams_receive(struct dgrams *g, int fd, struct pktvec *v)
{
    memset(g->mm, 0, sizeof g->mm);
    for (size_t i = 0; i < PKT_BATCH; i++) {
        struct msghdr *m = &g->mm[i].msg_hdr;
        pkt_reset(&v->p[i]);
        g->iov[i] = (struct iovec){.iov_base = v->p[i].data, .iov_len = PKT_DATA};
        m->msg_iov = &g->iov[i];
        m->msg_iovlen = 1;
        m->msg_name = &g->name[i];
        m->msg_namelen = sizeof g->name[i];
        m->msg_control = &g->ctl[i];
        m->msg_controllen = sizeof g->ctl[i];
    }
    v->n = 0;
    int n;
    do
        n = recvmmsg(fd, g->mm, PKT_BATCH, MSG_DONTWAIT, NULL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -errno;
    return n;
}

static int read_int(const struct cmsghdr *c)
{
    int value;
    memcpy(&value, CMSG_DATA(c), sizeof value);
    return value;
}

static void read_control4(const struct cmsghdr *c, struct pkt *p)
{
    if (c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        p->local = addr_from_v4(ntohl(info.ipi_addr.s_addr));
    } else if (c->cmsg_type == IP_TOS) {
        p->tos = *CMSG_DATA(c);
    } else if (c->cmsg_type == IP_TTL) {
        p->ttl = (uint8_t)read_int(c);
    }
}

static void read_control6(const struct cmsghdr *c, struct pkt *p)
{
    if (c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        p->local.family = AF_INET6;
        memcpy(p->local.b, &info.ipi6_addr, 16);
    } else if (c->cmsg_type == IPV6_TCLASS) {
        p->tos = (uint8_t)read_int(c);
    } else if (c->cmsg_type == IPV6_HOPLIMIT) {
        p->ttl = (uint8_t)read_int(c);
    }
}

bool dgrams_read(struct dgrams *g, size_t i, struct pkt *p)
{
    struct msghdr *m = &g->mm[i].msg_hdr;
    p->len = g->mm[i].msg_len;
    addr_from_sockaddr((const struct sockaddr *)&g->name[i], &p->remote, &p->rport);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == IPPROTO_IP)
            read_control4(c, p);
        else if (c->cmsg_level == IPPROTO_IPV6)
            read_control6(c, p);
    return !(m->msg_flags & MSG_TRUNC);
}

static uint8_t extension(const struct cmsghdr *c)
{
    switch (c->cmsg_level == IPPROTO_IPV6 ? c->cmsg_type : 0) {
    case IPV6_DSTOPTS:
        return IPPROTO_DSTOPTS;
    case IPV6_RTHDR:
        return IPPROTO_ROUTING;
    default: /* IPV6_HOPOPTS: it is the first if it is there */
        return IPPROTO_HOPOPTS;
    }
}

static bool is_extension(const struct cmsghdr *c)
{
    return c->cmsg_level == IPPROTO_IPV6 &&
           (c->cmsg_type == IPV6_HOPOPTS || c->cmsg_type == IPV6_DSTOPTS ||
            c->cmsg_type == IPV6_RTHDR);
}

/* The kernel tells them in the order in which they stand in the packet. */
bool dgrams_header6(struct dgrams *g, size_t i, struct pkt *p)
{
    struct msghdr *m = &g->mm[i].msg_hdr;
    uint8_t ext[IP6_EXT_MOST], first = p->proto;
    unsigned n = 0;
    if (p->len > UINT16_MAX - IP6_EXT_MOST || (m->msg_flags & MSG_CTRUNC))
        return false;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        size_t len = c->cmsg_len - CMSG_LEN(0);
        if (!is_extension(c))
            continue;
        if (len < 8 || len % 8 || len > sizeof ext - n)
            return false;
        if (n == 0)
            first = extension(c);
        memcpy(ext + n, CMSG_DATA(c), len);
        n += (unsigned)len;
    }
    p->hlen = (uint8_t)(IP6_HLEN + n);
    p->head = p->data - p->hlen;
    ip6_build(p->head, &p->remote, &p->local, first, (uint16_t)(n + p->len), p->tos,
              p->ttl ? p->ttl : IP_OUTER_TTL);
    memcpy(p->head + IP6_HLEN, ext, n);
    return true;
}

/* --- sending ------------------------------------------------------------------------------- */

void dgrams_to(struct dgrams *g, size_t i, const void *data, size_t len, const struct addr *to,
               uint16_t port)
{
    struct msghdr *m = &g->mm[i].msg_hdr;
    int n = addr_to_sockaddr(to, port, &g->name[i]);
    memset(&g->mm[i], 0, sizeof g->mm[i]);
    g->iov[i] = (struct iovec){.iov_base = (void *)data, .iov_len = len};
    m->msg_name = &g->name[i];
    m->msg_namelen = n < 0 ? 0 : (socklen_t)n;
    m->msg_iov = &g->iov[i];
    m->msg_iovlen = 1;
    m->msg_control = &g->ctl[i];
    m->msg_controllen = 0;
}

static void add_control(struct dgrams *g, size_t i, int level, int type, const void *data,
                        size_t len)
{
    struct msghdr *m = &g->mm[i].msg_hdr;
    struct cmsghdr *c = (struct cmsghdr *)(g->ctl[i].room + m->msg_controllen);
    memset(c, 0, CMSG_SPACE(len));
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), data, len);
    m->msg_controllen += CMSG_SPACE(len);
}

void dgrams_from(struct dgrams *g, size_t i, const struct addr *from, const uint8_t *tos)
{
    bool v6 = from->family == AF_INET6;
    struct in_pktinfo info4 = {.ipi_spec_dst.s_addr = htonl(addr_v4(from))};
    struct in6_pktinfo info6 = {.ipi6_ifindex = 0};
    int value = tos ? *tos : 0;
    memcpy(&info6.ipi6_addr, from->b, 16);
    if (v6)
        add_control(g, i, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof info6);
    else
        add_control(g, i, IPPROTO_IP, IP_PKTINFO, &info4, sizeof info4);
    if (tos)
        add_control(g, i, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &value,
                    sizeof value);
}

void dgrams_hops(struct dgrams *g, size_t i, const struct pkt *p)
{
    int value = p->ttl;
    if (!value)
        return;
    if (p->remote.family == AF_INET6)
        add_control(g, i, IPPROTO_IPV6, IPV6_HOPLIMIT, &value, sizeof value);
    else
        add_control(g, i, IPPROTO_IP, IP_TTL, &value, sizeof value);
}

void dgrams_dont_fragment(struct dgrams *g, size_t i)
{
    int one = 1;
    add_control(g, i, IPPROTO_IPV6, IPV6_DONTFRAG, &one, sizeof one);
}

static uint8_t send_cause(int err)
{
    return err == EMSGSIZE ? DP_TOO_BIG : DP_SEND_ERROR;
}

/* An error concerns the first message only, and maybe not even that: one that came by ICMP about
 * an earlier packet is told to whoever sends next. So the message is tried twice; then the rest,
 * unless the socket is full. */
void dgrams_send(struct dgrams *g, int fd, struct pkt **p, size_t n)
{
    bool again = false;
    for (size_t i = 0; i < n;) {
        int done = sendmmsg(fd, g->mm + i, (unsigned)(n - i), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done > 0) {
            i += (size_t)done;
            again = false;
            continue;
        }
        int err = errno;
        if (err == EINTR)
            continue;
        if (err == EAGAIN || err == ENOBUFS) {
            while (i < n)
                p[i++]->cause = DP_SEND_ERROR;
            return;
        }
        again = !again;
        if (!again)
            p[i++]->cause = send_cause(err);
    }
}
