/*
 * Reading and writing vectors of packets on a TUN that was opened with IFF_NO_PI and
 * IFF_VNET_HDR: each packet has a struct virtio_net_hdr of ten bytes before it.
 */
#ifndef TANDEM_DATAPLANE_TUN_H
#define TANDEM_DATAPLANE_TUN_H

#include "dataplane/pkt.h"

#define TUN_HDR 10

/* Fills v with what is there, at most PKT_BATCH packets. Returns 0, or -errno when the device
 * is gone; *bad counts packets with a header that was not asked for. */
int tun_read(int fd, struct pktvec *v, unsigned *bad);
/* Needs TUN_HDR bytes of room before the data. A packet that was not taken gets its cause. */
void tun_write(int fd, struct pkt **p, size_t n);

#endif
