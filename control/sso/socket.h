/*
 * SCTP on the wire: raw sockets of protocol 132, one of each family, that the launcher opened. They
 * bear no mark, so a crypto map protects what they send like any packet of the box.
 *
 * A path is a pair of addresses of the configuration. What comes from elsewhere, to elsewhere, or
 * with other ports is dropped, most of it in the kernel.
 */
#ifndef TANDEM_CONTROL_SSO_SOCKET_H
#define TANDEM_CONTROL_SSO_SOCKET_H

#include "control/sso/sso.h"
#include <event2/event.h>

/* A packet came by a path, from the SCTP header on. ifindex: the device that it came in by; what
 * was decrypted comes from a shadow TUN. */
typedef void sso_packet_fn(void *ctx, unsigned path, uint32_t ifindex, const uint8_t *p, size_t n);

struct sso_sockets;
struct sso_sockets *sso_sockets_new(struct event_base *base, const struct clock *clk,
                                    sso_packet_fn *fn, void *ctx); /* NULL: no memory */
void sso_sockets_free(struct sso_sockets *s);
/* Takes fd in the place of the one of this family. */
void sso_sockets_take(struct sso_sockets *s, uint8_t family, int fd);
/* Hears the peer of this configuration. NULL: nobody. 0 or -errno. */
int sso_sockets_use(struct sso_sockets *s, const struct sso_cfg *cfg);
/* 0, or -errno: SCTP sends again what is lost. */
int sso_sockets_send(struct sso_sockets *s, unsigned path, const uint8_t *p, size_t n);

#endif
