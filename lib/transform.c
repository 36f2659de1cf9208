/*
 * The transform table: one row per algorithm of lib/transform.h.
 *
 * Lengths: AES-CBC RFC 3602, AES-GCM RFC 4106, GMAC RFC 4543, HMAC-SHA-2 RFC 4868,
 * HMAC-SHA-1-96 RFC 2404, HMAC-MD5-96 RFC 2403, DES RFC 2405, 3DES RFC 2451, NULL RFC 2410;
 * groups RFC 2409 §6, RFC 3526, RFC 5903, RFC 5114, RFC 8031.
 */
#include "lib/transform.h"

/* ENCR: id, attribute, key, salt, IV, block, ICV */
#define E(i, bits, key, salt, iv, blk, icv, o, n, e, c)                                            \
    {                                                                                              \
        .type = T_ENCR, .id = i, .keybits = bits, .key_len = key, .salt_len = salt, .iv_len = iv,  \
        .block = blk, .icv_len = icv, .ossl = o, .ike = n, .esp = e, .ios = c                      \
    }
#define P(i, len, o, n)                                                                            \
    {                                                                                              \
        .type = T_PRF, .id = i, .key_len = len, .icv_len = len, .ossl = o, .ike = n, .esp = "",    \
        .ios = ""                                                                                  \
    }
#define I(i, key, icv, o, n, e, c)                                                                 \
    {                                                                                              \
        .type = T_INTEG, .id = i, .key_len = key, .icv_len = icv, .ossl = o, .ike = n, .esp = e,   \
        .ios = c                                                                                   \
    }
#define D(i, len, o, n)                                                                            \
    {                                                                                              \
        .type = T_DH, .id = i, .ke_len = len, .ossl = o, .ike = n, .esp = "", .ios = ""            \
    }
#define S(i, n)                                                                                    \
    {                                                                                              \
        .type = T_ESN, .id = i, .ike = n, .esp = "", .ios = ""                                     \
    }

static const struct transform table[] = {
    E(ENCR_DES, 0, 8, 0, 8, 8, 0, "DES-CBC", "DES", "esp-des", "esp-des"),
    E(ENCR_3DES, 0, 24, 0, 8, 8, 0, "DES-EDE3-CBC", "3DES", "esp-3des", "esp-3des"),
    E(ENCR_NULL, 0, 0, 0, 0, 1, 0, "NULL", "NULL", "esp-null", "esp-null"),
    E(ENCR_AES_CBC, 128, 16, 0, 16, 16, 0, "AES-128-CBC", "AES-CBC", "esp-aes", "esp-aes"),
    E(ENCR_AES_CBC, 192, 24, 0, 16, 16, 0, "AES-192-CBC", "AES-CBC", "esp-aes-192", "esp-192-aes"),
    E(ENCR_AES_CBC, 256, 32, 0, 16, 16, 0, "AES-256-CBC", "AES-CBC", "esp-aes-256", "esp-256-aes"),
    E(ENCR_AES_GCM16, 128, 16, 4, 8, 1, 16, "AES-128-GCM", "AES-GCM", "esp-aes-gcm", "esp-gcm"),
    E(ENCR_AES_GCM16, 192, 24, 4, 8, 1, 16, "AES-192-GCM", "AES-GCM", "esp-aes-gcm-192",
      "esp-gcm 192"),
    E(ENCR_AES_GCM16, 256, 32, 4, 8, 1, 16, "AES-256-GCM", "AES-GCM", "esp-aes-gcm-256",
      "esp-gcm 256"),
    E(ENCR_AES_GMAC, 128, 16, 4, 8, 1, 16, "AES-128-GCM", "AES-GMAC", "esp-aes-gmac", "esp-gmac"),
    E(ENCR_AES_GMAC, 192, 24, 4, 8, 1, 16, "AES-192-GCM", "AES-GMAC", "esp-aes-gmac-192",
      "esp-gmac 192"),
    E(ENCR_AES_GMAC, 256, 32, 4, 8, 1, 16, "AES-256-GCM", "AES-GMAC", "esp-aes-gmac-256",
      "esp-gmac 256"),

    P(PRF_MD5, 16, "MD5", "MD5"),
    P(PRF_SHA1, 20, "SHA1", "SHA1"),
    P(PRF_SHA256, 32, "SHA256", "SHA256"),
    P(PRF_SHA384, 48, "SHA384", "SHA384"),
    P(PRF_SHA512, 64, "SHA512", "SHA512"),

    I(INTEG_NONE, 0, 0, NULL, "None", "esp-null-hmac", ""),
    I(INTEG_MD5_96, 16, 12, "MD5", "MD596", "esp-md5-hmac", "esp-md5-hmac"),
    I(INTEG_SHA1_96, 20, 12, "SHA1", "SHA96", "esp-sha-hmac", "esp-sha-hmac"),
    I(INTEG_SHA256_128, 32, 16, "SHA256", "SHA256", "esp-sha-256-hmac", "esp-sha256-hmac"),
    I(INTEG_SHA384_192, 48, 24, "SHA384", "SHA384", "esp-sha-384-hmac", "esp-sha384-hmac"),
    I(INTEG_SHA512_256, 64, 32, "SHA512", "SHA512", "esp-sha-512-hmac", "esp-sha512-hmac"),

    /* The two groups of RFC 2409 have no name in OpenSSL, only their primes. */
    D(DH_768, 96, NULL, "DH_GROUP_768_MODP"),
    D(DH_1024, 128, NULL, "DH_GROUP_1024_MODP"),
    D(DH_1536, 192, "modp_1536", "DH_GROUP_1536_MODP"),
    D(DH_2048, 256, "modp_2048", "DH_GROUP_2048_MODP"),
    D(DH_3072, 384, "modp_3072", "DH_GROUP_3072_MODP"),
    D(DH_4096, 512, "modp_4096", "DH_GROUP_4096_MODP"),
    D(DH_ECP256, 64, "P-256", "DH_GROUP_256_ECP"),
    D(DH_ECP384, 96, "P-384", "DH_GROUP_384_ECP"),
    D(DH_ECP521, 132, "P-521", "DH_GROUP_521_ECP"),
    D(DH_2048_256, 256, "dh_2048_256", "DH_GROUP_2048_256_MODP"),
    D(DH_X25519, 32, "X25519", "DH_GROUP_X25519"),

    S(0, "No ESN"),
    S(1, "ESN"),
};

const struct transform *transform_at(size_t i)
{
    return i < sizeof table / sizeof table[0] ? &table[i] : NULL;
}

const struct transform *transform_find(uint8_t type, uint16_t id, uint16_t keybits)
{
    const struct transform *t;
    for (size_t i = 0; (t = transform_at(i)) != NULL; i++)
        if (t->type == type && t->id == id && (t->keybits == 0 || t->keybits == keybits))
            return t;
    return NULL;
}
