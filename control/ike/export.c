/*
 * Export of keys in the form of Wireshark's ikev2_decryption_table (names as in release 4.0).
 */
#include "control/ike/export.h"
#include "lib/transform.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const struct {
    uint16_t id, bits;
    const char *name;
} encr_names[] = {
    {ENCR_3DES, 0, "3DES [RFC2451]"},
    {ENCR_NULL, 0, "NULL [RFC2410]"},
    {ENCR_AES_CBC, 128, "AES-CBC-128 [RFC3602]"},
    {ENCR_AES_CBC, 192, "AES-CBC-192 [RFC3602]"},
    {ENCR_AES_CBC, 256, "AES-CBC-256 [RFC3602]"},
    {ENCR_AES_GCM16, 128, "AES-GCM-128 with 16 octet ICV [RFC5282]"},
    {ENCR_AES_GCM16, 192, "AES-GCM-192 with 16 octet ICV [RFC5282]"},
    {ENCR_AES_GCM16, 256, "AES-GCM-256 with 16 octet ICV [RFC5282]"},
};

static const struct {
    uint16_t id;
    const char *name;
} integ_names[] = {
    {INTEG_NONE, "NONE [RFC4306]"},
    {INTEG_MD5_96, "HMAC_MD5_96 [RFC2403]"},
    {INTEG_SHA1_96, "HMAC_SHA1_96 [RFC2404]"},
    {INTEG_SHA256_128, "HMAC_SHA2_256_128 [RFC4868]"},
    {INTEG_SHA384_192, "HMAC_SHA2_384_192 [RFC4868]"},
    {INTEG_SHA512_256, "HMAC_SHA2_512_256 [RFC4868]"},
};

struct out {
    char *p;
    size_t len, cap;
};

static void put(struct out *o, const char *text)
{
    while (*text && o->len + 1 < o->cap)
        o->p[o->len++] = *text++;
    if (*text)
        o->cap = 0; /* cut: reported at the end */
}

static void put_hex(struct out *o, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char two[3];
        snprintf(two, sizeof two, "%02x", p[i]);
        put(o, two);
    }
}

static void put_spi(struct out *o, uint64_t spi)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, spi);
    put(o, text);
}

static const char *encr_name(const struct ike_suite *s)
{
    for (size_t i = 0; i < sizeof encr_names / sizeof *encr_names; i++)
        if (encr_names[i].id == s->encr && encr_names[i].bits == s->encr_bits)
            return encr_names[i].name;
    return NULL;
}

static const char *integ_name(const struct ike_suite *s)
{
    for (size_t i = 0; i < sizeof integ_names / sizeof *integ_names; i++)
        if (integ_names[i].id == s->integ)
            return integ_names[i].name;
    return NULL;
}

int ike_export_keys(const struct ike_sa_state *s, char *buf, size_t cap)
{
    const struct transform *e = transform_find(T_ENCR, s->suite.encr, s->suite.encr_bits);
    const struct transform *a = transform_find(T_INTEG, s->suite.integ, 0);
    const char *en = encr_name(&s->suite), *an = integ_name(&s->suite);
    struct out o = {buf, 0, cap};

    if (!e || !a || !en || !an)
        return -ENOTSUP;
    size_t el = (size_t)e->key_len + e->salt_len, al = e->icv_len ? 0 : a->key_len;
    put_spi(&o, s->spi_i);
    put(&o, ",");
    put_spi(&o, s->spi_r);
    put(&o, ",");
    put_hex(&o, s->keys.sk_ei, el);
    put(&o, ",");
    put_hex(&o, s->keys.sk_er, el);
    put(&o, ",\"");
    put(&o, en);
    put(&o, "\",");
    put_hex(&o, s->keys.sk_ai, al);
    put(&o, ",");
    put_hex(&o, s->keys.sk_ar, al);
    put(&o, ",\"");
    put(&o, an);
    put(&o, "\"\n");
    if (o.cap == 0 || cap == 0)
        return -EMSGSIZE;
    buf[o.len] = '\0';
    return (int)o.len;
}
