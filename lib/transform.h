/*
 * IKEv2 transform IDs (IANA "Internet Key Exchange Version 2 (IKEv2) Parameters") and
 * what the shows call them. One table, used by IKE, the SADB and the show renderers.
 */
#ifndef TANDEM_LIB_TRANSFORM_H
#define TANDEM_LIB_TRANSFORM_H

#include <stddef.h>
#include <stdint.h>

enum { T_ENCR = 1, T_PRF = 2, T_INTEG = 3, T_DH = 4, T_ESN = 5 }; /* transform types */

enum {
    ENCR_DES = 2,
    ENCR_3DES = 3,
    ENCR_NULL = 11,
    ENCR_AES_CBC = 12,
    ENCR_AES_GCM16 = 20,
    ENCR_AES_GMAC = 21
};
enum { PRF_MD5 = 1, PRF_SHA1 = 2, PRF_SHA256 = 5, PRF_SHA384 = 6, PRF_SHA512 = 7 };
enum {
    INTEG_NONE = 0,
    INTEG_MD5_96 = 1,
    INTEG_SHA1_96 = 2,
    INTEG_SHA256_128 = 12,
    INTEG_SHA384_192 = 13,
    INTEG_SHA512_256 = 14
};
enum {
    DH_NONE = 0,
    DH_768 = 1,
    DH_1024 = 2,
    DH_1536 = 5,
    DH_2048 = 14,
    DH_3072 = 15,
    DH_4096 = 16,
    DH_ECP256 = 19,
    DH_ECP384 = 20,
    DH_ECP521 = 21,
    DH_2048_256 = 24,
    DH_X25519 = 31
};

struct transform {
    uint8_t type; /* T_ENCR … */
    uint16_t id;
    uint16_t keybits; /* encr: key length attribute where there are several, else 0 */
    uint8_t key_len;  /* bytes of key, GCM without the salt */
    uint8_t salt_len; /* bytes taken from KEYMAT after the key (RFC 4106 §8.1) */
    uint8_t iv_len;   /* bytes on the wire */
    uint8_t block;    /* padding granularity of the cipher */
    uint8_t icv_len;  /* integ and AEAD: bytes on the wire; prf: output length */
    uint16_t ke_len;  /* dh: bytes of the public value in a KE payload */
    const char *ossl; /* OpenSSL's name of cipher, digest or group; NULL for none and for the
                         groups 1 and 2 (BN_get_rfc2409_prime_768() and _1024()) */
    const char *ike;  /* "AES-CBC", "SHA256": as in show crypto ikev2 sa */
    const char *esp;  /* "esp-aes-256", "esp-sha-256-hmac": as in ASA show crypto ipsec sa */
    const char *ios;  /* "esp-256-aes", "esp-sha256-hmac": as in that of IOS; "" for none */
};

/* NULL when unknown. keybits only counts for T_ENCR transforms that have several sizes. */
const struct transform *transform_find(uint8_t type, uint16_t id, uint16_t keybits);
/* The i-th known transform, NULL past the end. */
const struct transform *transform_at(size_t i);

#endif
