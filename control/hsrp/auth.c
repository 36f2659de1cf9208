/* MD5 authentication. See auth.h. */
#include "control/hsrp/auth.h"
#include "lib/mem.h"
#include <openssl/evp.h>
#include <string.h>

#define BLOCK 64

/* RFC 1321 §3.1, §3.2: a bit, zeros, the length in bits. Returns how many bytes that makes. */
static size_t fill(const uint8_t *key, size_t len, uint8_t out[2 * BLOCK])
{
    size_t n = len < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    memset(out, 0, n);
    memcpy(out, key, len);
    out[len] = 0x80;
    out[n - 8] = (uint8_t)(len * 8);
    out[n - 7] = (uint8_t)(len * 8 >> 8);
    return n;
}

int hsrp_digest(const uint8_t *key, size_t key_len, const uint8_t *message, size_t n,
                uint8_t out[HSRP_MD5])
{
    static const uint8_t zero[HSRP_MD5];
    uint8_t filled[2 * BLOCK];
    if (key_len > HSRP_KEY || n < HSRP_MD5)
        return -1;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    size_t n_filled = fill(key, key_len, filled);
    bool ok = c && EVP_DigestInit_ex(c, EVP_md5(), NULL) == 1 &&
              EVP_DigestUpdate(c, filled, n_filled) == 1 &&
              EVP_DigestUpdate(c, message, hsrp_digest_at(n)) == 1 &&
              EVP_DigestUpdate(c, zero, HSRP_MD5) == 1 && EVP_DigestUpdate(c, key, key_len) == 1 &&
              EVP_DigestFinal_ex(c, out, NULL) == 1;
    EVP_MD_CTX_free(c);
    mem_wipe(filled, sizeof(filled));
    return ok ? 0 : -1;
}
