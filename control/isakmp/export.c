/*
 * Export of a phase 1 SA's key in the form of Wireshark's ikev1_decryption_table: everything else
 * (cipher, hash, first IV) it learns from the messages in clear.
 */
#include "control/isakmp/isakmp.h"
#include "control/isakmp/keys.h"
#include "lib/str.h"
#include "lib/transform.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

int isakmp_export_key(const struct ike_sa_state *s, char *buf, size_t cap)
{
    const struct transform *e = transform_find(T_ENCR, s->suite.encr, s->suite.encr_bits);
    size_t len = 16 + 1, digits = e ? 2 * (size_t)e->key_len : 0;

    if (!e || !isk_block(&s->suite))
        return -ENOTSUP;
    if (cap < len + digits + sizeof "\n")
        return -EMSGSIZE;
    snprintf(buf, cap, "%016" PRIx64 ",", s->spi_i);
    hex_write(buf + len, s->keys.sk_ei, e->key_len);
    len += digits;
    buf[len++] = '\n';
    buf[len] = '\0';
    return (int)len;
}
