/*
 * Wire I/O. See wire.h.
 *
 * The DF bit of an IPv4 UDP socket is a socket option, so a vector is sent as up to two groups
 * and the option changes only when the group does. On the raw IPv4 socket we write the whole
 * header, since the kernel would choose DF and identification itself; IPv6 has neither, so there
 * the kernel writes it.
 */
#include "dataplane/wire.h"
#include "dataplane/dgram.h"
#include "dataplane/errq.h"
#include "dataplane/esp.h"
#include "dataplane/frag.h"
#include "dataplane/ip.h"
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARKER 4 /* RFC 3948 §2.2: the non-ESP marker */

struct wire {
    struct {
        int fd;        /* -1 = none */
        uint32_t lost; /* as the kernel counts them */
    } sock[WIRE_SOCKETS];
    int pmtu; /* IP_MTU_DISCOVER as set on WIRE_NATT4 */
    uint16_t ip_id;
    wire_ike_fn *on_ike;
    void *ctx;
    struct dgrams g;
};

struct wire *wire_new(wire_ike_fn *on_ike, void *ctx)
{
    struct wire *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    for (unsigned k = 0; k < WIRE_SOCKETS; k++)
        w->sock[k].fd = -1;
    w->on_ike = on_ike;
    w->ctx = ctx;
    return w;
}

void wire_free(struct wire *w)
{
    if (!w)
        return;
    for (unsigned k = 0; k < WIRE_SOCKETS; k++)
        wire_set(w, (enum wire_socket)k, -1);
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
    uint64_t n = 0;
    for (unsigned k = 0; k < WIRE_SOCKETS; k++) {
        uint32_t now = lost_count(w->sock[k].fd);
        n += (uint32_t)(now - w->sock[k].lost);
        w->sock[k].lost = now;
    }
    return n;
}

static bool is_udp(enum wire_socket k)
{
    return k == WIRE_NATT4 || k == WIRE_NATT6;
}

static bool is_v6(enum wire_socket k)
{
    return k == WIRE_ESP6 || k == WIRE_NATT6 || k == WIRE_AH6;
}

/* The protocol of what follows IP, or UDP. */
static uint8_t proto_of(enum wire_socket k)
{
    return k == WIRE_AH4 || k == WIRE_AH6 ? NH_AH : NH_ESP;
}

/* None of these is worth failing for. */
static void ask_for(enum wire_socket k, int fd)
{
    int one = 1;
    errq_open(fd, is_v6(k));
    if (is_v6(k)) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &one, sizeof one);
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &one, sizeof one);
        if (!is_udp(k)) {
            setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPOPTS, &one, sizeof one);
            setsockopt(fd, IPPROTO_IPV6, IPV6_RECVDSTOPTS, &one, sizeof one);
            setsockopt(fd, IPPROTO_IPV6, IPV6_RECVRTHDR, &one, sizeof one);
        }
    } else if (is_udp(k)) {
        setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &one, sizeof one);
        setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &one, sizeof one);
    }
    if (k == WIRE_NATT4) /* RFC 3948 §2.1: the UDP checksum should be zero */
        setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &one, sizeof one);
}

void wire_set(struct wire *w, enum wire_socket k, int fd)
{
    if (w->sock[k].fd >= 0)
        close(w->sock[k].fd);
    w->sock[k].fd = fd;
    w->sock[k].lost = lost_count(fd);
    if (k == WIRE_NATT4)
        w->pmtu = -1;
    if (fd >= 0)
        ask_for(k, fd);
}

/* --- receiving ----------------------------------------------------------------------------- */

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
    uint8_t *h = p->data;
    if (p->len < IP4_HLEN || h[0] >> 4 != 4 || (h[9] != NH_ESP && h[9] != NH_AH))
        return -1;
    uint32_t hlen = (uint32_t)(h[0] & 15) * 4, total = (uint32_t)h[2] << 8 | h[3];
    if (hlen < IP4_HLEN || total < hlen || total > p->len)
        return -1;
    p->head = h;
    p->hlen = (uint8_t)hlen;
    p->proto = h[9];
    p->tos = h[1];
    p->ttl = h[8];
    p->remote.family = p->local.family = AF_INET;
    memcpy(p->remote.b, h + 12, 4);
    memcpy(p->local.b, h + 16, 4);
    p->data += hlen;
    p->len = total - hlen;
    return 0;
}

/* A raw socket gives IPv4 packets whole, IPv6 packets without their headers. */
static void take_raw(struct wire *w, struct pktvec *v, size_t i, enum wire_socket k)
{
    struct pkt *p = &v->p[i];
    p->rport = 0;
    p->proto = proto_of(k);
    if (is_v6(k) ? dgrams_header6(&w->g, i, p) : wire_strip_ip4(p) == 0)
        keep(v, i);
}

void wire_recv_errors(struct wire *w, wire_error_fn *fn, void *ctx)
{
    for (unsigned k = 0; k < WIRE_SOCKETS; k++)
        if (w->sock[k].fd >= 0)
            errq_read(w->sock[k].fd, k == WIRE_ESP4 || k == WIRE_AH4, proto_of((enum wire_socket)k),
                      fn, ctx);
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

static void take_datagram(struct wire *w, struct pktvec *v, size_t i)
{
    struct pkt *p = &v->p[i];
    p->udp = 1;
    p->proto = NH_ESP;
    p->lport = 4500;
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

int wire_recv(struct wire *w, enum wire_socket k, struct pktvec *v)
{
    int n = dgrams_receive(&w->g, w->sock[k].fd, v);
    for (int i = 0; i < n; i++) {
        if (!dgrams_read(&w->g, (size_t)i, &v->p[i]))
            continue;
        if (is_udp(k))
            take_datagram(w, v, (size_t)i);
        else
            take_raw(w, v, (size_t)i, k);
    }
    return n;
}

/* --- sending ------------------------------------------------------------------------------- */

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
        dgrams_to(&w->g, 0, NULL, 0, &p->remote, 0);
        w->g.mm[0].msg_hdr.msg_iov = iov;
        w->g.mm[0].msg_hdr.msg_iovlen = 2;
        dgrams_send(&w->g, w->sock[WIRE_ESP4].fd, &p, 1);
    }
}

/* Writes the headers, unless transport mode or AH has; packets up to the first that must be cut are
 * sent at once. */
static void send_native4(struct wire *w, int fd, struct pkt **p, size_t n)
{
    size_t first = 0;
    for (size_t i = 0; i < n; i++) {
        struct pkt *k = p[i];
        if (!k->head) {
            k->data -= IP4_HLEN;
            k->len += IP4_HLEN;
            ip4_build(k->data, &k->local, &k->remote, NH_ESP, (uint16_t)k->len, k->tos, k->df,
                      ++w->ip_id);
        }
        bool cut = !k->df && k->mtu && k->len > k->mtu;
        if (!cut) {
            dgrams_to(&w->g, i - first, k->data, k->len, &k->remote, 0);
            continue;
        }
        dgrams_send(&w->g, fd, p + first, i - first);
        send_pieces(w, k);
        first = i + 1;
    }
    dgrams_send(&w->g, fd, p + first, n - first);
}

/* Extension headers of transport mode: telling the kernel of them takes a capability, so this
 * packet goes with its header, and whole. */
static void send_whole6(struct wire *w, int fd, struct pkt *p)
{
    int on = 1, off = 0;
    if (setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof on)) {
        p->cause = DP_SEND_ERROR;
        return;
    }
    dgrams_to(&w->g, 0, p->data, p->len, &p->remote, 0);
    dgrams_send(&w->g, fd, &p, 1);
    setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &off, sizeof off);
}

/* Native and UDP alike: the kernel writes the headers. */
static void send_v6(struct wire *w, int fd, struct pkt **p, size_t n)
{
    size_t first = 0;
    for (size_t k = 0; k < n; k++) {
        size_t i = k - first;
        if (p[k]->head) {
            dgrams_send(&w->g, fd, p + first, i);
            send_whole6(w, fd, p[k]);
            first = k + 1;
            continue;
        }
        dgrams_to(&w->g, i, p[k]->data, p[k]->len, &p[k]->remote, p[k]->udp ? p[k]->rport : 0);
        dgrams_from(&w->g, i, &p[k]->local, &p[k]->tos);
        dgrams_hops(&w->g, i, p[k]);
        if (p[k]->df)
            dgrams_dont_fragment(&w->g, i);
    }
    dgrams_send(&w->g, fd, p + first, n - first);
}

static void allow_fragments(struct wire *w, int want)
{
    if (w->pmtu != want &&
        setsockopt(w->sock[WIRE_NATT4].fd, IPPROTO_IP, IP_MTU_DISCOVER, &want, sizeof want) == 0)
        w->pmtu = want;
}

static void send_udp4(struct wire *w, struct pkt **p, size_t n, bool df)
{
    if (n)
        allow_fragments(w, df ? IP_PMTUDISC_PROBE : IP_PMTUDISC_OMIT);
    for (size_t i = 0; i < n; i++) {
        dgrams_to(&w->g, i, p[i]->data, p[i]->len, &p[i]->remote, p[i]->rport);
        dgrams_from(&w->g, i, &p[i]->local, &p[i]->tos);
        dgrams_hops(&w->g, i, p[i]);
    }
    dgrams_send(&w->g, w->sock[WIRE_NATT4].fd, p, n);
}

static enum wire_socket udp_socket(const struct addr *to)
{
    return to->family == AF_INET6 ? WIRE_NATT6 : WIRE_NATT4;
}

static enum wire_socket socket_of(const struct pkt *p)
{
    bool v6 = p->remote.family == AF_INET6;
    if (p->udp)
        return udp_socket(&p->remote);
    if (p->proto == NH_AH)
        return v6 ? WIRE_AH6 : WIRE_AH4;
    return v6 ? WIRE_ESP6 : WIRE_ESP4;
}

static void send_group(struct wire *w, enum wire_socket k, bool df, struct pkt **p, size_t n)
{
    if (k == WIRE_ESP4 || k == WIRE_AH4)
        send_native4(w, w->sock[k].fd, p, n);
    else if (k == WIRE_NATT4)
        send_udp4(w, p, n, df);
    else
        send_v6(w, w->sock[k].fd, p, n);
}

/* Runs of packets that one socket sends in one way; nearly always that is all of them. */
void wire_send(struct wire *w, struct pkt **p, size_t n)
{
    struct pkt *run[PKT_BATCH];
    bool done[PKT_BATCH] = {false};
    for (size_t i = 0; i < n; i++) {
        if (done[i])
            continue;
        enum wire_socket k = socket_of(p[i]);
        size_t m = 0;
        for (size_t j = i; j < n; j++) {
            if (done[j] || socket_of(p[j]) != k || (k == WIRE_NATT4 && !p[j]->df != !p[i]->df))
                continue;
            done[j] = true;
            if (w->sock[k].fd < 0)
                p[j]->cause = DP_SEND_ERROR;
            else
                run[m++] = p[j];
        }
        if (m)
            send_group(w, k, p[i]->df, run, m);
    }
}

int wire_send_ike(struct wire *w, const struct sadb_ike *path, const uint8_t *msg, size_t len)
{
    static const uint8_t marker[MARKER], keepalive[1] = {0xff};
    struct iovec iov[2] = {{(void *)marker, MARKER}, {(void *)msg, len}};
    enum wire_socket k = udp_socket(&path->remote);
    if (w->sock[k].fd < 0)
        return -ENOTCONN;
    if (len == 0)
        iov[0] = (struct iovec){(void *)keepalive, 1};
    if (k == WIRE_NATT4)
        allow_fragments(w, IP_PMTUDISC_OMIT); /* IKE may be fragmented on its way */
    dgrams_to(&w->g, 0, NULL, 0, &path->remote, path->remote_port);
    dgrams_from(&w->g, 0, &path->local, NULL);
    w->g.mm[0].msg_hdr.msg_iov = iov;
    w->g.mm[0].msg_hdr.msg_iovlen = len ? 2 : 1;
    ssize_t done;
    do
        done = sendmsg(w->sock[k].fd, &w->g.mm[0].msg_hdr, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (done < 0 && errno == EINTR);
    return done < 0 ? -errno : 0;
}
