/*
 * The intel-ipsec-mb backend: AES-CBC, AES-GCM, GMAC, NULL with HMAC-SHA-1 and -2.
 *
 * A key is the expanded AES schedule (or GCM's table) and the two half-done HMAC states. A batch
 * is submitted job by job; the library fills its lanes and hands jobs back, in order, as they
 * finish; a flush drains the rest. Jobs point to their operation.
 */
#include "dataplane/crypto_priv.h"
#include "lib/mem.h"
#include <errno.h>
#include <intel-ipsec-mb.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define AES_SCHEDULE (16 * 15)

struct cbc_keys {
    uint8_t enc[AES_SCHEDULE] __attribute__((aligned(16)));
    uint8_t dec[AES_SCHEDULE] __attribute__((aligned(16)));
    uint8_t ipad[64] __attribute__((aligned(16)));
    uint8_t opad[64] __attribute__((aligned(16)));
};

struct mb_keys {
    IMB_CIPHER_MODE cipher;
    IMB_HASH_ALG hash;
    uint8_t unused[64 - sizeof(IMB_CIPHER_MODE) - sizeof(IMB_HASH_ALG)];
    union { /* last: how much of it there is depends on the cipher (room_of) */
        struct gcm_key_data gcm;
        struct cbc_keys cbc; /* and HMAC */
    } u __attribute__((aligned(64)));
};

static void *mb_open(void)
{
    IMB_MGR *m = alloc_mb_mgr(0);
    if (!m)
        return NULL;
    IMB_ARCH arch = IMB_ARCH_NONE;
    if (m->features & IMB_FEATURE_AESNI)
        init_mb_mgr_auto(m, &arch);
    if (arch >= IMB_ARCH_SSE && imb_get_errno(m) == 0)
        return m;
    free_mb_mgr(m);
    return NULL;
}

static void mb_close(void *self)
{
    free_mb_mgr(self);
}

/* Without the room for what other ciphers need, which would be most of the memory of an SA. */
static size_t room_of(IMB_CIPHER_MODE cipher)
{
    size_t n = offsetof(struct mb_keys, u) +
               (cipher == IMB_CIPHER_GCM ? sizeof(struct gcm_key_data) : sizeof(struct cbc_keys));
    return (n + 63) / 64 * 64;
}

static void mb_key_done(struct crypto_key *k)
{
    if (!k->keys)
        return;
    const struct mb_keys *s = k->keys;
    mem_wipe(k->keys, room_of(s->cipher));
    free(k->keys);
    k->keys = NULL;
}

/* RFC 2104: the digest states after key^ipad and key^opad. Keys are never longer than a block. */
static void hmac_states(IMB_MGR *m, struct mb_keys *s, const uint8_t *key, size_t len)
{
    bool big = s->hash == IMB_AUTH_HMAC_SHA_384 || s->hash == IMB_AUTH_HMAC_SHA_512;
    size_t block = big ? 128 : 64;
    uint8_t pad[128];
    for (int outer = 0; outer < 2; outer++) {
        uint8_t *out = outer ? s->u.cbc.opad : s->u.cbc.ipad;
        memset(pad, outer ? 0x5c : 0x36, block);
        for (size_t i = 0; i < len; i++)
            pad[i] ^= key[i];
        switch (s->hash) {
        case IMB_AUTH_HMAC_SHA_1:
            IMB_SHA1_ONE_BLOCK(m, pad, out);
            break;
        case IMB_AUTH_HMAC_SHA_256:
            IMB_SHA256_ONE_BLOCK(m, pad, out);
            break;
        case IMB_AUTH_HMAC_SHA_384:
            IMB_SHA384_ONE_BLOCK(m, pad, out);
            break;
        default:
            IMB_SHA512_ONE_BLOCK(m, pad, out);
            break;
        }
    }
    mem_wipe(pad, sizeof pad);
}

static void expand_aes(IMB_MGR *m, struct mb_keys *s, const uint8_t *key, unsigned len, bool gcm)
{
    if (gcm && len == 16)
        IMB_AES128_GCM_PRE(m, key, &s->u.gcm);
    else if (gcm && len == 24)
        IMB_AES192_GCM_PRE(m, key, &s->u.gcm);
    else if (gcm)
        IMB_AES256_GCM_PRE(m, key, &s->u.gcm);
    else if (len == 16)
        IMB_AES_KEYEXP_128(m, key, s->u.cbc.enc, s->u.cbc.dec);
    else if (len == 24)
        IMB_AES_KEYEXP_192(m, key, s->u.cbc.enc, s->u.cbc.dec);
    else
        IMB_AES_KEYEXP_256(m, key, s->u.cbc.enc, s->u.cbc.dec);
}

/* The library's names of the algorithms; false for what it is not used for. */
static bool mb_names(const struct crypto_key *k, IMB_CIPHER_MODE *cipher, IMB_HASH_ALG *hash)
{
    switch (k->encr->id) {
    case ENCR_NULL:
        *cipher = IMB_CIPHER_NULL;
        break;
    case ENCR_AES_CBC:
        *cipher = IMB_CIPHER_CBC;
        break;
    case ENCR_AES_GCM16:
    case ENCR_AES_GMAC:
        *cipher = IMB_CIPHER_GCM;
        *hash = IMB_AUTH_AES_GMAC;
        return true;
    default:
        return false;
    }
    switch (k->integ ? k->integ->id : INTEG_NONE) {
    case INTEG_NONE:
        *hash = IMB_AUTH_NULL;
        return *cipher != IMB_CIPHER_NULL;
    case INTEG_SHA1_96:
        *hash = IMB_AUTH_HMAC_SHA_1;
        return true;
    case INTEG_SHA256_128:
        *hash = IMB_AUTH_HMAC_SHA_256;
        return true;
    case INTEG_SHA384_192:
        *hash = IMB_AUTH_HMAC_SHA_384;
        return true;
    case INTEG_SHA512_256:
        *hash = IMB_AUTH_HMAC_SHA_512;
        return true;
    default:
        return false;
    }
}

static int mb_key_init(void *self, struct crypto_key *k, const struct crypto_spec *spec)
{
    IMB_MGR *m = self;
    IMB_CIPHER_MODE cipher;
    IMB_HASH_ALG hash;
    if (!mb_names(k, &cipher, &hash))
        return -EOPNOTSUPP;
    size_t room = room_of(cipher);
    struct mb_keys *s = aligned_alloc(64, room);
    if (!s)
        return -ENOMEM;
    memset(s, 0, room);
    s->cipher = cipher;
    s->hash = hash;
    if (cipher != IMB_CIPHER_NULL)
        expand_aes(m, s, spec->key, k->encr->key_len, cipher == IMB_CIPHER_GCM);
    if (k->integ)
        hmac_states(m, s, spec->ikey, spec->ikey_len);
    k->keys = s;
    return 0;
}

static void fill_gcm(IMB_JOB *j, struct mb_keys *s, struct crypto_op *op)
{
    crypto_make_nonce(op);
    j->enc_keys = j->dec_keys = &s->u.gcm;
    j->src = op->text;
    j->dst = op->text;
    j->cipher_start_src_offset_in_bytes = 0;
    j->hash_start_src_offset_in_bytes = 0;
    j->msg_len_to_hash_in_bytes = op->text_len;
    j->iv = op->nonce;
    j->iv_len_in_bytes = sizeof op->nonce;
    j->u.GCM.aad = op->auth;
    j->u.GCM.aad_len_in_bytes = op->auth_len;
}

static void fill_hmac(IMB_JOB *j, struct mb_keys *s, struct crypto_op *op)
{
    const struct crypto_key *k = op->key;
    const uint8_t *base = k->integ ? op->auth : op->text;
    j->enc_keys = s->u.cbc.enc;
    j->dec_keys = s->u.cbc.dec;
    j->src = base;
    j->dst = op->text;
    j->cipher_start_src_offset_in_bytes = (uint64_t)(op->text - base);
    j->hash_start_src_offset_in_bytes = 0;
    j->msg_len_to_hash_in_bytes = k->integ ? op->auth_len : 0;
    j->iv = op->iv;
    j->iv_len_in_bytes = k->iv_len;
    j->u.HMAC._hashed_auth_key_xor_ipad = s->u.cbc.ipad;
    j->u.HMAC._hashed_auth_key_xor_opad = s->u.cbc.opad;
}

static void fill(IMB_JOB *j, struct crypto_op *op)
{
    const struct crypto_key *k = op->key;
    struct mb_keys *s = k->keys;
    if (k->kind == CRYPTO_HMAC)
        fill_hmac(j, s, op);
    else
        fill_gcm(j, s, op);
    j->key_len_in_bytes = k->encr->key_len;
    j->msg_len_to_cipher_in_bytes = s->cipher == IMB_CIPHER_NULL ? 0 : op->text_len;
    j->cipher_mode = s->cipher;
    j->hash_alg = s->hash;
    j->cipher_direction = k->encrypt ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    j->chain_order = k->encrypt ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    j->auth_tag_output = op->tag;
    j->auth_tag_output_len_in_bytes = k->icv_len;
    j->user_data = op;
}

static void finished(IMB_JOB *j)
{
    struct crypto_op *op = j->user_data;
    if (j->status != IMB_STATUS_COMPLETED)
        return; /* stays CRYPTO_FAILED */
    op->status = CRYPTO_OK;
    crypto_finish_tag(op);
}

static void mb_run(void *self, struct crypto_op *ops, size_t n)
{
    IMB_MGR *m = self;
    IMB_JOB *j;
    for (size_t i = 0; i < n; i++) {
        if (ops[i].key->be != &crypto_mb)
            continue;
        fill(IMB_GET_NEXT_JOB(m), &ops[i]);
        for (j = IMB_SUBMIT_JOB(m); j; j = IMB_GET_COMPLETED_JOB(m))
            finished(j);
    }
    while ((j = IMB_FLUSH_JOB(m)))
        finished(j);
}

const struct crypto_backend crypto_mb = {
    .name = "intel-ipsec-mb",
    .open = mb_open,
    .close = mb_close,
    .key_init = mb_key_init,
    .key_done = mb_key_done,
    .run = mb_run,
};
