/* TUN devices and the per-interface switches of /proc/sys that they need. */
#ifndef TANDEM_DAEMON_TUN_H
#define TANDEM_DAEMON_TUN_H

#include <stdbool.h>
#include <stddef.h>

#define TUN_VNET_HDR 10 /* bytes before each packet: struct virtio_net_hdr */

/* Creates the TUN `name` (never attaches to one that exists), non-blocking, every packet led by
 * TUN_VNET_HDR bytes, all offloads off. The device goes when the last fd of it is closed.
 * Returns the fd or -errno. */
int tun_open(const char *name);
/* What a TUN of ours needs whatever it carries: see tun.c. Returns 0 or the first -errno. */
int tun_tame(const char *name);

/* Writes `value` to /proc/sys/net/PATH; 0 or -errno. */
int sysctl_net_write(const char *path, const char *value);
/* Reads its first line. 0 or -errno. */
int sysctl_net_read(const char *path, char *value, size_t cap);

#endif
