/*
 * MD5 authentication of HSRP messages: keyed MD5 as in RFC 1828 §3, over the message with its
 * digest zeroed: MD5(key, fill to whole blocks, message, key). The fill is MD5's own.
 */
#ifndef TANDEM_CONTROL_HSRP_AUTH_H
#define TANDEM_CONTROL_HSRP_AUTH_H

#include "control/hsrp/codec.h"

#define HSRP_KEY 64 /* bytes of a key at most */

/* 0, or -1 where there is no MD5. */
int hsrp_digest(const uint8_t *key, size_t key_len, const uint8_t *message, size_t n,
                uint8_t out[HSRP_MD5]);

#endif
