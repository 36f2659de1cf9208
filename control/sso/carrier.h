/*
 * The link to the other box as it is configured: its sockets, the association, and what protects
 * it. It follows the intent, round by round, and never sends in clear what is to be protected.
 */
#ifndef TANDEM_CONTROL_SSO_CARRIER_H
#define TANDEM_CONTROL_SSO_CARRIER_H

#include "control/sso/link.h"

struct sso_carrier;
/* Of ops, transmit is not used. down() is told also when the configuration ends a link that was up.
 */
struct sso_carrier *sso_carrier_new(struct control *c, const struct sso_link_ops *ops, void *ctx);
void sso_carrier_free(struct sso_carrier *k);                           /* silently */
void sso_carrier_socket(struct sso_carrier *k, uint8_t family, int fd); /* takes fd */
void sso_carrier_apply(struct sso_carrier *k); /* as in the intent; not from within ops */
/* 0, -EAGAIN, -ENOTCONN, -EMSGSIZE, as sso_link_send(). */
int sso_carrier_send(struct sso_carrier *k, enum sso_stream s, const uint8_t *p, size_t n);
/* Ends the association, down() included, and calls again. */
void sso_carrier_restart(struct sso_carrier *k, const char *why);
bool sso_carrier_is_up(const struct sso_carrier *k);
void sso_carrier_paths(const struct sso_carrier *k, struct sso_path out[SSO_ADDRS], uint8_t *n);

#endif
