/*
 * For laboratories: what a packet analyser needs to read an IKE SA, and an SA as text.
 */
#ifndef TANDEM_CONTROL_IKE_EXPORT_H
#define TANDEM_CONTROL_IKE_EXPORT_H

#include "control/ike/sa.h"
#include <stddef.h>

/* One line of Wireshark's ikev2_decryption_table, with its newline. It holds every key of the
 * SA: for lab boxes only. Returns the length, or -EMSGSIZE, or -ENOTSUP where Wireshark has no
 * name for the suite. */
int ike_export_keys(const struct ike_sa_state *s, char *buf, size_t cap);

/* An SA as lines of text: who, how, which numbers, its children. No key and no nonce. Returns
 * what snprintf() would: the full length, cut at cap. */
int ike_describe(const struct ike_sa_state *s, char *buf, size_t cap);

#endif
