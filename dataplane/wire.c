/*
 * Wire I/O. See wire.h.
 *
 * UDP packets get their source address and TOS by control messages. The DF bit of a UDP socket
 * is a socket option, so a vector is sent as up to two groups and the option changes only when
 * the group does. On the raw socket we write the whole IPv4 header.
 */
#include "dataplane/wire.h"
#include "dataplane/errq.h"
#include "dataplane/esp.h"
#include "dataplane/frag.h"
#include "dataplane/ip.h"
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define MARKER 4 /* RFC 3948 §2.2: the non-ESP marker */

union control {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

struct wire {
    int esp4, natt4;
    uint32_t esp4_lost, natt4_lost; /* as the kernel counts them */
    int pmtu;                       /* IP_MTU_DISCOVER as set on natt4 */
    uint16_t ip_id;
    wire_ike_fn *on_ike;
    void *ctx;
    struct mmsghdr mm[PKT_BATCH];
    struct iovec iov[PKT_BATCH];
    struct sockaddr_in name[PKT_BATCH];
    union control ctl[PKT_BATCH];
};

struct wire *wire_new(wire_ike_fn *on_ike, void *ctx)
{
    struct wire *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->esp4 = w->natt4 = -1;
    w->pmtu = -1;
    w->on_ike = on_ike;
    w->ctx = ctx;
    return w;
}

void wire_free(struct wire *w)
{
    if (!w)
        return;
    wire_set_esp4(w, -1);
    wire_set_natt4(w, -1);
    free(w);
}

static uint32_t lost_count(int fd)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof info;
    return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0
               ? info[SK_MEMINFO_DROPS]
               : 0;
}

uint64_t wire_lost(struct wire *w)
{
    uint32_t esp4 = lost_count(w->esp4), natt4 = lost_count(w->natt4);
    uint64_t n = (uint64_t)(esp4 - w->esp4_lost) + (natt4 - w->natt4_lost);
    w->esp4_lost = esp4;
    w->natt4_lost = natt4;
    return n;
}

void wire_set_esp4(struct wire *w, int fd)
{
    if (w->esp4 >= 0)
        close(w->esp4);
    w->esp4 = fd;
    w->esp4_lost = lost_count(fd);
    if (fd >= 0)
        errq_open(fd);
}

void wire_set_natt4(struct wire *w, int fd)
{
    int one = 1;
    if (w->natt4 >= 0)
        close(w->natt4);
    w->natt4 = fd;
    w->natt4_lost = lost_count(fd);
    w->pmtu = -1;
    if (fd < 0)
        return;
    errq_open(fd);
    /* RFC 3948 §2.1: the UDP checksum should be zero. Only a saving, so no error counts. */
    setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &one, sizeof one);
    setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &one, sizeof one);
}

/* --- receiving ----------------------------------------------------------------------------- */

static int receive(struct wire *w, int fd, struct pktvec *v)
{
    memset(w->mm, 0, sizeof w->mm);
    for (size_t i = 0; i < PKT_BATCH; i++) {
        struct msghdr *m = &w->mm[i].msg_hdr;
        pkt_reset(&v->p[i]);
        w->iov[i] = (struct iovec){.iov_base = v->p[i].data, .iov_len = PKT_DATA};
        m->msg_iov = &w->iov[i];
        m->msg_iovlen = 1;
        m->msg_name = &w->name[i];
        m->msg_namelen = sizeof w->name[i];
        m->msg_control = &w->ctl[i];
        m->msg_controllen = sizeof w->ctl[i];
    }
    v->n = 0;
    int n;
    do
        n = recvmmsg(fd, w->mm, PKT_BATCH, MSG_DONTWAIT, NULL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -errno;
    return n;
}

/* Packets are kept in their buffers; the survivors of a vector move to its front. */
static void keep(struct pktvec *v, size_t i)
{
    struct pkt tmp = v->p[v->n];
    v->p[v->n] = v->p[i];
    v->p[i] = tmp;
    v->n++;
}

int wire_strip_ip4(struct pkt *p)
{
    const uint8_t *h = p->data;
    if (p->len < IP4_HLEN || h[0] >> 4 != 4 || h[9] != NH_ESP)
        return -1;
    uint32_t hlen = (uint32_t)(h[0] & 15) * 4, total = (uint32_t)h[2] << 8 | h[3];
    if (hlen < IP4_HLEN || total < hlen || total > p->len)
        return -1;
    p->tos = h[1];
    p->remote.family = p->local.family = AF_INET;
    memcpy(p->remote.b, h + 12, 4);
    memcpy(p->local.b, h + 16, 4);
    p->data += hlen;
    p->len = total - hlen;
    return 0;
}

int wire_recv_esp4(struct wire *w, struct pktvec *v)
{
    int n = receive(w, w->esp4, v);
    for (int i = 0; i < n; i++) {
        v->p[i].len = w->mm[i].msg_len;
        if (!(w->mm[i].msg_hdr.msg_flags & MSG_TRUNC) && wire_strip_ip4(&v->p[i]) == 0)
            keep(v, (size_t)i);
    }
    return n;
}

void wire_recv_errors(struct wire *w, wire_error_fn *fn, void *ctx)
{
    if (w->esp4 >= 0)
        errq_read(w->esp4, false, fn, ctx);
    if (w->natt4 >= 0)
        errq_read(w->natt4, true, fn, ctx);
}

enum wire_kind wire_classify(const uint8_t *data, size_t len)
{
    static const uint8_t marker[MARKER];
    if (len == 1 && data[0] == 0xff)
        return WIRE_KEEPALIVE;
    if (len < MARKER)
        return WIRE_BAD;
    return memcmp(data, marker, MARKER) == 0 ? WIRE_IKE : WIRE_ESP;
}

static void read_control(struct msghdr *m, struct pkt *p)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != IPPROTO_IP)
            continue;
        if (c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            p->local = addr_from_v4(ntohl(info.ipi_addr.s_addr));
        } else if (c->cmsg_type == IP_TOS) {
            p->tos = *CMSG_DATA(c);
        }
    }
}

static void take_datagram(struct wire *w, struct pktvec *v, size_t i)
{
    struct pkt *p = &v->p[i];
    const struct sockaddr_in *from = &w->name[i];
    p->len = w->mm[i].msg_len;
    p->udp = 1;
    p->remote = addr_from_v4(ntohl(from->sin_addr.s_addr));
    p->rport = ntohs(from->sin_port);
    p->lport = 4500;
    read_control(&w->mm[i].msg_hdr, p);
    switch (wire_classify(p->data, p->len)) {
    case WIRE_ESP:
    case WIRE_BAD: /* too short for an SPI: counted as a bad length by the path */
        keep(v, i);
        break;
    case WIRE_IKE: {
        struct sadb_ike path;
        memset(&path, 0, sizeof path);
        path.local = p->local;
        path.remote = p->remote;
        path.local_port = p->lport;
        path.remote_port = p->rport;
        w->on_ike(w->ctx, &path, p->data + MARKER, p->len - MARKER);
        break;
    }
    case WIRE_KEEPALIVE: /* RFC 3948 §2.3 */
        break;
    }
}

int wire_recv_natt4(struct wire *w, struct pktvec *v)
{
    int n = receive(w, w->natt4, v);
    for (int i = 0; i < n; i++)
        if (!(w->mm[i].msg_hdr.msg_flags & MSG_TRUNC))
            take_datagram(w, v, (size_t)i);
    return n;
}

/* --- sending ------------------------------------------------------------------------------- */

static uint8_t send_cause(int err)
{
    return err == EMSGSIZE ? DP_TOO_BIG : DP_SEND_ERROR;
}

/* Sends n prepared messages. An error concerns the first message only, and maybe not even that:
 * one that came by ICMP about an earlier packet is told to whoever sends next. So the message is
 * tried twice; then the rest, unless the socket is full. */
static void send_all(struct wire *w, int fd, struct pkt **p, size_t n)
{
    bool again = false;
    for (size_t i = 0; i < n;) {
        int done = sendmmsg(fd, w->mm + i, (unsigned)(n - i), MSG_DONTWAIT | MSG_NOSIGNAL);
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

static void put_name(struct wire *w, size_t i, const struct addr *to, uint16_t port)
{
    struct sockaddr_in *s = &w->name[i];
    memset(s, 0, sizeof *s);
    s->sin_family = AF_INET;
    s->sin_port = htons(port);
    s->sin_addr.s_addr = htonl(addr_v4(to));
    struct msghdr *m = &w->mm[i].msg_hdr;
    memset(&w->mm[i], 0, sizeof w->mm[i]);
    m->msg_name = s;
    m->msg_namelen = sizeof *s;
    m->msg_iov = &w->iov[i];
    m->msg_iovlen = 1;
}

static void put_control(struct wire *w, size_t i, const struct addr *from, const uint8_t *tos)
{
    struct msghdr *m = &w->mm[i].msg_hdr;
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(addr_v4(from))};
    memset(&w->ctl[i], 0, sizeof w->ctl[i]);
    m->msg_control = &w->ctl[i];
    m->msg_controllen = sizeof w->ctl[i];
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(c), &info, sizeof info);
    m->msg_controllen = CMSG_SPACE(sizeof info);
    if (!tos)
        return;
    int value = *tos;
    c = (struct cmsghdr *)((char *)c + CMSG_SPACE(sizeof info));
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_TOS;
    c->cmsg_len = CMSG_LEN(sizeof value);
    memcpy(CMSG_DATA(c), &value, sizeof value);
    m->msg_controllen += CMSG_SPACE(sizeof value);
}

/* The kernel does not cut what has its header already. */
static void send_pieces(struct wire *w, struct pkt *p)
{
    struct frag f;
    const uint8_t *data;
    if (!frag_begin(&f, p->data, p->len, p->mtu)) {
        p->cause = DP_TOO_BIG;
        return;
    }
    for (uint32_t len; p->cause == PKT_OK && (len = frag_next(&f, &data));) {
        struct iovec iov[2] = {{f.header, f.hlen}, {(void *)data, len}};
        put_name(w, 0, &p->remote, 0);
        w->mm[0].msg_hdr.msg_iov = iov;
        w->mm[0].msg_hdr.msg_iovlen = 2;
        send_all(w, w->esp4, &p, 1);
    }
}

/* Writes the headers; packets up to the first that must be cut are sent at once. */
static void send_native(struct wire *w, struct pkt **p, size_t n)
{
    size_t first = 0;
    for (size_t i = 0; i < n; i++) {
        struct pkt *k = p[i];
        k->data -= IP4_HLEN;
        k->len += IP4_HLEN;
        ip4_build(k->data, &k->local, &k->remote, NH_ESP, (uint16_t)k->len, k->tos, k->df,
                  ++w->ip_id);
        bool cut = !k->df && k->mtu && k->len > k->mtu;
        if (!cut) {
            w->iov[i - first] = (struct iovec){.iov_base = k->data, .iov_len = k->len};
            put_name(w, i - first, &k->remote, 0);
            continue;
        }
        send_all(w, w->esp4, p + first, i - first);
        send_pieces(w, k);
        first = i + 1;
    }
    send_all(w, w->esp4, p + first, n - first);
}

static void send_udp(struct wire *w, struct pkt **p, size_t n, bool df)
{
    int want = df ? IP_PMTUDISC_PROBE : IP_PMTUDISC_OMIT;
    if (n && w->pmtu != want &&
        setsockopt(w->natt4, IPPROTO_IP, IP_MTU_DISCOVER, &want, sizeof want) == 0)
        w->pmtu = want;
    for (size_t i = 0; i < n; i++) {
        w->iov[i] = (struct iovec){.iov_base = p[i]->data, .iov_len = p[i]->len};
        put_name(w, i, &p[i]->remote, p[i]->rport);
        put_control(w, i, &p[i]->local, &p[i]->tos);
    }
    send_all(w, w->natt4, p, n);
}

void wire_send(struct wire *w, struct pkt **p, size_t n)
{
    struct pkt *native[PKT_BATCH], *udp[2][PKT_BATCH];
    size_t n_native = 0, n_udp[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        if ((p[i]->udp ? w->natt4 : w->esp4) < 0)
            p[i]->cause = DP_SEND_ERROR;
        else if (!p[i]->udp)
            native[n_native++] = p[i];
        else
            udp[p[i]->df != 0][n_udp[p[i]->df != 0]++] = p[i];
    }
    if (n_native)
        send_native(w, native, n_native);
    for (int df = 0; df < 2; df++)
        if (n_udp[df])
            send_udp(w, udp[df], n_udp[df], df);
}

int wire_send_ike(struct wire *w, const struct sadb_ike *path, const uint8_t *msg, size_t len)
{
    static const uint8_t marker[MARKER], keepalive[1] = {0xff};
    struct iovec iov[2] = {{(void *)marker, MARKER}, {(void *)msg, len}};
    if (w->natt4 < 0)
        return -ENOTCONN;
    if (len == 0)
        iov[0] = (struct iovec){(void *)keepalive, 1};
    int dont = IP_PMTUDISC_OMIT; /* IKE may be fragmented on its way */
    if (w->pmtu != dont &&
        setsockopt(w->natt4, IPPROTO_IP, IP_MTU_DISCOVER, &dont, sizeof dont) == 0)
        w->pmtu = dont;
    put_name(w, 0, &path->remote, path->remote_port);
    put_control(w, 0, &path->local, NULL);
    w->mm[0].msg_hdr.msg_iov = iov;
    w->mm[0].msg_hdr.msg_iovlen = len ? 2 : 1;
    ssize_t done;
    do
        done = sendmsg(w->natt4, &w->mm[0].msg_hdr, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (done < 0 && errno == EINTR);
    return done < 0 ? -errno : 0;
}
