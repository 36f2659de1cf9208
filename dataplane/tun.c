/*
 * TUN I/O. See tun.h.
 *
 * The kernel gives one packet per read, so a vector is as many reads as there are packets; what
 * one wakeup costs is shared by them. Offloads are off (TUNSETOFFLOAD 0): a header that speaks
 * of segmentation is not expected and its packet dropped; a checksum left to us is completed.
 */
#include "dataplane/tun.h"
#include "dataplane/ip.h"
#include <errno.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(struct virtio_net_hdr) == TUN_HDR, "TUNSETVNETHDRSZ 10");

/* Finishes a checksum of which the kernel left only the pseudo header's part. */
static int complete_checksum(struct pkt *p, const struct virtio_net_hdr *h)
{
    size_t start = h->csum_start, at = start + h->csum_offset;
    if (at + 2 > p->len)
        return -1;
    uint16_t sum = ip_checksum(p->data + start, p->len - start, 0);
    if (sum == 0) /* RFC 768: zero would say "none" */
        sum = 0xffff;
    p->data[at] = (uint8_t)(sum >> 8);
    p->data[at + 1] = (uint8_t)sum;
    return 0;
}

static int check_header(struct pkt *p)
{
    struct virtio_net_hdr h;
    memcpy(&h, p->data - TUN_HDR, sizeof h);
    if (h.gso_type != VIRTIO_NET_HDR_GSO_NONE)
        return -1;
    return h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM ? complete_checksum(p, &h) : 0;
}

int tun_read(int fd, struct pktvec *v, unsigned *bad)
{
    v->n = 0;
    for (unsigned tries = 0; tries < PKT_BATCH; tries++) {
        struct pkt *p = &v->p[v->n];
        pkt_reset(p);
        ssize_t n = read(fd, p->data - TUN_HDR, PKT_DATA + TUN_HDR);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR || errno == ENOMEM ? 0 : -errno;
        if (n == 0)
            return -ENODEV;
        p->len = n > TUN_HDR ? (uint32_t)n - TUN_HDR : 0;
        if (p->len == 0 || check_header(p))
            ++*bad;
        else
            v->n++;
    }
    return 0;
}

void tun_write(int fd, struct pkt **p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t *at = p[i]->data - TUN_HDR;
        size_t len = p[i]->len + TUN_HDR;
        memset(at, 0, TUN_HDR);
        ssize_t done;
        do
            done = write(fd, at, len);
        while (done < 0 && errno == EINTR);
        if (done != (ssize_t)len)
            p[i]->cause = DP_TUN_ERROR;
    }
}
