/*
 * See password.h. Cisco's base64 for types 8 and 9 has the alphabet ./0-9A-Za-z and no padding.
 */
#include "modes/password.h"
#include "lib/mem.h"
#include "lib/str.h"
#include <crypt.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASA_ROUNDS 5000
#define ASA_BYTES  16
#define IOS_ROUNDS 20000
#define IOS_SALT   14
#define IOS_BYTES  32

static const char cisco64[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void cisco64_encode(const unsigned char *p, size_t n, char *out)
{
    size_t o = 0;
    for (size_t i = 0; i < n; i += 3) {
        unsigned v = (unsigned)p[i] << 16;
        size_t have = n - i < 3 ? n - i : 3;
        if (have > 1)
            v |= (unsigned)p[i + 1] << 8;
        if (have > 2)
            v |= p[i + 2];
        for (size_t k = 0; k < have + 1; k++)
            out[o++] = cisco64[v >> (18 - 6 * k) & 63];
    }
    out[o] = 0;
}

static int pbkdf2(const char *md, const char *password, const void *salt, int saltlen, int rounds,
                  unsigned char *out, int outlen)
{
    EVP_MD *m = EVP_MD_fetch(NULL, md, NULL);
    int ok = m && PKCS5_PBKDF2_HMAC(password, (int)strlen(password), (const unsigned char *)salt,
                                    saltlen, rounds, m, outlen, out);
    EVP_MD_free(m);
    return ok ? 0 : -1;
}

static int scrypt9(const char *password, const char *salt, unsigned char out[IOS_BYTES])
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    uint64_t n = 16384;
    uint32_t r = 1, p = 1;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD,
                                                             (void *)(uintptr_t)password,
                                                             strlen(password)),
                           OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
                                                             (void *)(uintptr_t)salt, strlen(salt)),
                           OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
                           OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
                           OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
                           OSSL_PARAM_construct_end()};
    int ok = ctx && EVP_KDF_derive(ctx, out, IOS_BYTES, params) > 0;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok ? 0 : -1;
}

static int asa_hash(const char *password, const unsigned char *salt, int saltlen, int rounds,
                    char *out, size_t cap)
{
    unsigned char key[ASA_BYTES];
    char key64[32], salt64[64];
    if (pbkdf2("SHA512", password, salt, saltlen, rounds, key, sizeof key) < 0)
        return -1;
    EVP_EncodeBlock((unsigned char *)key64, key, sizeof key);
    EVP_EncodeBlock((unsigned char *)salt64, salt, saltlen);
    int n = snprintf(out, cap, "$sha512$%d$%s$%s", rounds, salt64, key64);
    mem_wipe(key, sizeof key);
    return n > 0 && (size_t)n < cap ? 0 : -1;
}

int password_hash_asa(const char *password, char *out, size_t cap)
{
    unsigned char salt[ASA_BYTES];
    if (RAND_bytes(salt, sizeof salt) != 1)
        return -1;
    return asa_hash(password, salt, sizeof salt, ASA_ROUNDS, out, cap);
}

static int ios_hash(int type, const char *password, const char *salt, char *out, size_t cap)
{
    unsigned char key[IOS_BYTES];
    char key64[64];
    int rc = type == 9
                 ? scrypt9(password, salt, key)
                 : pbkdf2("SHA256", password, salt, (int)strlen(salt), IOS_ROUNDS, key, sizeof key);
    if (rc < 0)
        return -1;
    cisco64_encode(key, sizeof key, key64);
    int n = snprintf(out, cap, "$%d$%s$%s", type, salt, key64);
    mem_wipe(key, sizeof key);
    return n > 0 && (size_t)n < cap ? 0 : -1;
}

int password_hash_ios(const char *password, char *out, size_t cap)
{
    unsigned char raw[IOS_SALT];
    char salt[IOS_SALT + 1];
    if (RAND_bytes(raw, sizeof raw) != 1)
        return -1;
    for (size_t i = 0; i < sizeof raw; i++)
        salt[i] = cisco64[raw[i] & 63];
    salt[IOS_SALT] = 0;
    return ios_hash(9, password, salt, out, cap);
}

static bool same(const char *a, const char *b)
{
    size_t n = strlen(a);
    return n == strlen(b) && mem_equal_ct(a, b, n);
}

static bool verify_asa(const char *stored, const char *password)
{
    unsigned char salt[64];
    char salt64[64], out[PASSWORD_HASH_MAX];
    char *end;
    long rounds = strtol(stored + 8, &end, 10);
    const char *from = end + 1, *to = *end == '$' ? strchr(from, '$') : NULL;
    if (!to || rounds < 1 || rounds > 1000000 || to - from >= (long)sizeof salt64 || to == from)
        return false;
    memcpy(salt64, from, (size_t)(to - from));
    salt64[to - from] = 0;
    int n = EVP_DecodeBlock(salt, (const unsigned char *)salt64, (int)(to - from));
    for (const char *p = to - 1; n > 0 && p >= from && *p == '='; p--)
        n--; /* DecodeBlock counts the padding */
    if (n <= 0 || asa_hash(password, salt, n, (int)rounds, out, sizeof out) < 0)
        return false;
    return same(out, stored);
}

static bool verify_ios(int type, const char *stored, const char *password)
{
    char salt[64], out[PASSWORD_HASH_MAX];
    const char *from = stored + 3, *to = strchr(from, '$');
    if (!to || (size_t)(to - from) >= sizeof salt)
        return false;
    memcpy(salt, from, (size_t)(to - from));
    salt[to - from] = 0;
    return ios_hash(type, password, salt, out, sizeof out) == 0 && same(out, stored);
}

static bool verify_md5(const char *stored, const char *password)
{
    struct crypt_data *d = (struct crypt_data *)calloc(1, sizeof *d);
    if (!d)
        return false;
    const char *out = crypt_r(password, stored, d);
    bool ok = out && same(out, stored);
    mem_wipe(d, sizeof *d);
    free(d);
    return ok;
}

bool password_is_hash(const char *stored)
{
    return strncmp(stored, "$sha512$", 8) == 0 || strncmp(stored, "$8$", 3) == 0 ||
           strncmp(stored, "$9$", 3) == 0 || strncmp(stored, "$1$", 3) == 0;
}

bool password_verify(const char *stored, const char *password)
{
    if (strncmp(stored, "$sha512$", 8) == 0)
        return verify_asa(stored, password);
    if (strncmp(stored, "$8$", 3) == 0 || strncmp(stored, "$9$", 3) == 0)
        return verify_ios(stored[1] - '0', stored, password);
    if (strncmp(stored, "$1$", 3) == 0)
        return verify_md5(stored, password);
    return same(stored, password);
}

bool password_verify_nobody(const char *password)
{
    /* No password has this hash: the last character cannot come out of the encoder. */
    password_verify("$sha512$5000$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA=!", password);
    return false;
}

/* --- type 7 --------------------------------------------------------------------------------------
 */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int password_reveal(const char *hidden, char *out, size_t cap)
{
    /* The platform's own constant: what is hidden with it is hidden from nobody. */
    static const char pad[] = "dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87";
    size_t len = strlen(hidden), at, n = 0;
    if (len < 4 || len % 2 || hex_digit(hidden[0]) > 9 || hex_digit(hidden[1]) > 9 ||
        hex_digit(hidden[0]) < 0 || hex_digit(hidden[1]) < 0 || (len - 2) / 2 >= cap)
        return -1;
    at = (size_t)(hidden[0] - '0') * 10 + (size_t)(hidden[1] - '0');
    for (size_t i = 2; i < len; i += 2) {
        int hi = hex_digit(hidden[i]), lo = hex_digit(hidden[i + 1]);
        if (hi < 0 || lo < 0)
            return -1;
        out[n++] = (char)((hi << 4 | lo) ^ pad[at++ % (sizeof pad - 1)]);
    }
    out[n] = 0;
    return strlen(out) == n ? 0 : -1;
}
