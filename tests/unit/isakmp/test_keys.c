/*
 * Keys and hashes of IKEv1. RFC 2409 has no vectors: the numbers here are the formulas of its §5
 * and appendix B computed by another program (HMAC and hashes of Python, ciphers of the openssl
 * command) from the same inputs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/isakmp/isakmp.h"
#include "control/isakmp/keys.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct ike_crypto *c;
static uint8_t ni[20], nr[16], secret[64], gxi[32], gxr[32];
#define CKY_I UINT64_C(0x0102030405060708)
#define CKY_R UINT64_C(0x1112131415161718)
#define MID   0x481c1522u

static int set_up(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        secret[i] = (uint8_t)(7 * i + 3);
        if (i < 20)
            ni[i] = (uint8_t)(i + 1);
        if (i < 16)
            nr[i] = (uint8_t)(0x40 + i);
        if (i < 32) {
            gxi[i] = (uint8_t)(i * 5);
            gxr[i] = (uint8_t)(i * 11 + 1);
        }
    }
    c = ike_crypto_new();
    return c ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ike_crypto_unref(c);
    return 0;
}

static size_t hex(const char *text, uint8_t *out)
{
    size_t n = 0;
    for (; text[0] && text[1]; text += 2, n++) {
        char two[3] = {text[0], text[1], 0};
        out[n] = (uint8_t)strtoul(two, NULL, 16);
    }
    return n;
}

static void assert_hex(const uint8_t *got, const char *want)
{
    uint8_t b[128];
    size_t n = hex(want, b);
    assert_memory_equal(got, b, n);
}

/* The state after phase 1 with these algorithms. */
static struct ike_sa_state *phase1(uint16_t prf, uint16_t encr, uint16_t bits, uint8_t *skeyid)
{
    struct ike_sa_state *s = calloc(1, sizeof *s);
    s->suite = (struct ike_suite){.encr = encr, .encr_bits = bits, .prf = prf};
    assert_int_equal(isk_skeyid(c, prf, (struct bytes){"cisco123", 8}, (struct bytes){ni, 20},
                                (struct bytes){nr, 16}, skeyid),
                     0);
    assert_int_equal(isk_derive(c, &s->suite, skeyid, (struct bytes){secret, 64}, CKY_I, CKY_R,
                                &s->keys),
                     0);
    return s;
}

static void skeyids(void **state)
{
    static const struct {
        uint16_t prf, encr, bits;
        const char *skeyid, *d, *a, *key;
    } v[] = {
        {PRF_MD5, ENCR_DES, 0, "cf12774775ff1b09fd510bfc01d2bcbd",
         "fcf613971a1628ba3655a4121bb6535d", "fba711cd9dce54052843d6fc814986d9",
         "c2f717087f56184a"},
        {PRF_MD5, ENCR_3DES, 0, "cf12774775ff1b09fd510bfc01d2bcbd",
         "fcf613971a1628ba3655a4121bb6535d", "fba711cd9dce54052843d6fc814986d9",
         "6c1587f29a36b7adbe9355f4f0783112bf529b93811e3a71"},
        {PRF_SHA1, ENCR_AES_CBC, 256, "57423eb9ddd7a1c019f652d5a7c8a80ed45b1d8e",
         "cdcbe8668b9e0a3ecd1420c0716557cc568272ad", "831a572a23ccfa614cc8beb9458a781821f13457",
         "36ff10627d497b4cdb4294fa7b960c0cbb8dde93b8c4f9e1e03ab2341677cf90"},
        {PRF_SHA1, ENCR_3DES, 0, "57423eb9ddd7a1c019f652d5a7c8a80ed45b1d8e",
         "cdcbe8668b9e0a3ecd1420c0716557cc568272ad", "831a572a23ccfa614cc8beb9458a781821f13457",
         "36ff10627d497b4cdb4294fa7b960c0cbb8dde93b8c4f9e1"},
        {PRF_SHA256, ENCR_AES_CBC, 256,
         "739da737e86ebc73ee0f5ef55d72233ed770628070d092e883f19f5ab0461eda",
         "0fc2c3de3c4161aacd5c0df5db0c19b3335913188d5bc34fc57e86d06c62915e",
         "869df618184adbff925dcc252ce51cedaba48791b7655eaf529d45e1aed38be4",
         "48037ffc5a8a16e5ca308ce3361b33438ba9dd460a943de0cae30f1a1812eb6e"},
        {PRF_SHA384, ENCR_AES_CBC, 128,
         "b62f6899a6b0f8375a6d42f6d5b7fcc80328a01960523394fef22202152c2e56"
         "eb04b594008178e218e383eb45ed0c35",
         "c0aa002430773be7667d8b8cbd32f5bd7956e087f7b753318b6aeb7675ea9546"
         "b097a610997e66c9ef4aa709a01da976",
         "13397fd31b14428cfceecede078a3b92b6a3df43928114d5256aea72006bda6f"
         "5340f211a033202dacd0f5e64e9923e3",
         "db48a8652dfa3193126db14c46f439c1"},
        {PRF_SHA512, ENCR_AES_CBC, 192,
         "68b65ff9400c9059ec01d05825311a9a3c94ac999a8b042157c9aeb1db97d7ce"
         "ff150bf83aeb6e14ce1e1e06ca08de38f95ecb1e2a90399489ca4c94524f3081",
         "dd48dc40f60139cb735ee85d296bcdd6496842f8d4a41e6607e1415e2d201927"
         "961c8e0d190824ae953e6a34e5aebebc0354e73c73095b7aa629e8c93c8d2455",
         "c017923b2c575d3cae3e6f910e72857976644179ff032346358b91661bb63ae5"
         "e13664429659d8bfdd272f5a676c744306acc1af5c529b30ddfe270377f949db",
         "4b679f7997c6110b08724d7c3f52d8d80b435337f744b276"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        uint8_t skeyid[IKE_PRF_MAX];
        struct ike_sa_state *s = phase1(v[i].prf, v[i].encr, v[i].bits, skeyid);
        assert_hex(skeyid, v[i].skeyid);
        assert_hex(s->keys.sk_d, v[i].d);
        assert_hex(s->keys.sk_ai, v[i].a);
        assert_hex(s->keys.sk_ei, v[i].key);
        free(s);
    }
}

/* Ciphers that phase 1 does not have are refused, not used wrongly. */
static void no_aead(void **state)
{
    struct ike_suite s = {.encr = ENCR_AES_GCM16, .encr_bits = 128, .prf = PRF_SHA256};
    struct ike_keys k;
    uint8_t skeyid[IKE_PRF_MAX] = {0};
    (void)state;
    assert_int_equal(isk_derive(c, &s, skeyid, (struct bytes){secret, 64}, CKY_I, CKY_R, &k),
                     -ENOTSUP);
    s.encr = ENCR_NULL;
    assert_int_equal(isk_derive(c, &s, skeyid, (struct bytes){secret, 64}, CKY_I, CKY_R, &k),
                     -ENOTSUP);
    assert_int_equal(isk_block(&s), 0);
}

static void hashes(void **state)
{
    static const uint8_t id[] = {1, 17, 1, 0xf4, 192, 0, 2, 1};
    uint8_t skeyid[IKE_PRF_MAX], out[IKE_PRF_MAX];
    struct ike_sa_state *s = phase1(PRF_SHA256, ENCR_AES_CBC, 256, skeyid);
    struct isk_auth a = {.own = {gxi, 32},
                         .other = {gxr, 32},
                         .sa = {"SA payload body", 15},
                         .id = {id, sizeof id},
                         .cky_own = CKY_I,
                         .cky_other = CKY_R};
    (void)state;
    assert_int_equal(isk_hash_auth(c, PRF_SHA256, skeyid, &a, out), 0);
    assert_hex(out, "a1d9abf8de7dc8bd2edb81cd3d6cf73736fe74607078819c72e52267b08dd5f2");
    struct isk_auth r = {.own = a.other,
                         .other = a.own,
                         .sa = a.sa,
                         .id = a.id,
                         .cky_own = CKY_R,
                         .cky_other = CKY_I};
    assert_int_equal(isk_hash_auth(c, PRF_SHA256, skeyid, &r, out), 0);
    assert_hex(out, "08089515e79fe8bb24d9b42fc3ed494d1eab25f74e8250e5b01b947b22d64a6a");

    const struct bytes rest = {"rest", 4}, two[] = {{ni, 20}, rest}, both[] = {{ni, 20}, {nr, 16}};
    assert_int_equal(isk_hash_message(c, s, false, MID, &rest, 1, out), 0);
    assert_hex(out, "4c421c9b604700af8d336a6ed3081aa719fa48a7f4138866ac2845825cbaba7f");
    assert_int_equal(isk_hash_message(c, s, false, MID, two, 2, out), 0);
    assert_hex(out, "c8ccc1efa5a1e36046477845216fa6b6579512ea06776ebaa6cff8ff57823c20");
    assert_int_equal(isk_hash_message(c, s, true, MID, both, 2, out), 0);
    assert_hex(out, "56322e04dbe8af9677c0dc5a0a6177ec52c017715048330c8e5aeaffe0cb551e");
    free(s);
}

static void ivs(void **state)
{
    struct ike_suite s = {.encr = ENCR_AES_CBC, .encr_bits = 256, .prf = PRF_SHA256};
    uint8_t first[ISK_BLOCK_MAX], iv[ISK_BLOCK_MAX];
    (void)state;
    assert_int_equal(isk_iv_phase1(c, PRF_SHA256, (struct bytes){gxi, 32}, (struct bytes){gxr, 32},
                                   first),
                     0);
    assert_hex(first, "333c894166d9d5037aaffa31270e3d70");
    assert_int_equal(isk_iv_phase2(c, &s, first, MID, iv), 0);
    assert_hex(iv, "3b0954c0dd590e596218202de27f2719");
    s = (struct ike_suite){.encr = ENCR_3DES, .prf = PRF_SHA1}; /* blocks of eight bytes */
    assert_int_equal(isk_iv_phase2(c, &s, first, MID, iv), 0);
    assert_hex(iv, "b16b15ade374f8df616aaed9da322b73");
}

static void ciphers(void **state)
{
    static const char text[] = "IKEv1 needs a block of text, padded with zeros";
    static const struct {
        uint16_t encr, bits;
        size_t block;
        const char *out;
    } v[] = {
        {ENCR_AES_CBC, 256, 16,
         "553e05d4aad04deaaf0f9e5bb2c98c66b99dfca6f3c8ab012635d7a9c2b9bc82"
         "252a2f06d4f9a2cef7255f1cc48cf904"},
        {ENCR_AES_CBC, 128, 16,
         "40e4b68fa42684ee1109a5bef98af6290c402fc55880914fc464be8e883f6efd"
         "dd7a44ba775e1fe57d1b09b6935c1de9"},
        {ENCR_3DES, 0, 8,
         "83ab1ab3423bcc4d6d32f7b830005f4eb33ae8ed40ceb718b5b84b6ad8c18a26"
         "93024efa6cf1a2a9a147ede972da415f"},
        {ENCR_DES, 0, 8,
         "25f1d5774ea441940df201c6523ac87c45d214a03e02e71b0d9a4568d83ee4e3"
         "2338f2c9b346bca34e23053e4ec70a93"},
    };
    uint8_t key[32], iv[ISK_BLOCK_MAX], back[ISK_BLOCK_MAX], msg[128], plain[128];
    (void)state;

    for (unsigned i = 0; i < 32; i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        struct ike_suite s = {.encr = v[i].encr, .encr_bits = v[i].bits, .prf = PRF_SHA1};
        size_t len = ISK_HEADER_LEN + sizeof text - 1;
        for (unsigned k = 0; k < ISK_BLOCK_MAX; k++)
            iv[k] = back[k] = (uint8_t)(0xa0 + k);
        assert_int_equal(isk_block(&s), v[i].block);
        memset(msg, 0, sizeof msg);
        memcpy(msg + ISK_HEADER_LEN, text, sizeof text - 1);
        assert_int_equal(isk_encrypt(c, &s, key, iv, msg, &len, len), -EMSGSIZE);
        assert_int_equal(isk_encrypt(c, &s, key, iv, msg, &len, sizeof msg), 0);
        assert_int_equal(len, ISK_HEADER_LEN + 48);
        assert_int_equal(msg[27], len);
        assert_hex(msg + ISK_HEADER_LEN, v[i].out);
        assert_memory_equal(iv, msg + len - v[i].block, v[i].block);
        assert_int_equal(isk_decrypt(c, &s, key, back, msg + ISK_HEADER_LEN, 48, plain), 0);
        assert_memory_equal(plain, text, sizeof text - 1);
        assert_memory_equal(back, iv, v[i].block);
        assert_int_equal(isk_decrypt(c, &s, key, back, msg + ISK_HEADER_LEN, 47, plain), -EBADMSG);
        assert_int_equal(isk_decrypt(c, &s, key, back, msg + ISK_HEADER_LEN, 0, plain), -EBADMSG);
    }
}

static void children(void **state)
{
    uint8_t skeyid[IKE_PRF_MAX];
    struct ike_sa_state *s = phase1(PRF_SHA256, ENCR_AES_CBC, 256, skeyid);
    struct ike_child_state ch = {.proto = SADB_ESP,
                                 .encr = ENCR_AES_CBC,
                                 .encr_bits = 256,
                                 .integ = INTEG_SHA256_128,
                                 .spi_in = 0x2c3eb4ee,
                                 .spi_out = 0x74e1a91f};
    const struct bytes i = {ni, 20}, r = {nr, 16}, none = {NULL, 0}, g = {secret, 64};
    struct ike_child_keys k;
    (void)state;

    assert_int_equal(isk_derive_child(c, s, &ch, i, r, none, &k), 0);
    assert_int_equal(k.encr[0].key_len, 32);
    assert_int_equal(k.integ[1].key_len, 32);
    assert_int_equal(k.ah[0].id, INTEG_NONE);
    assert_hex(k.encr[0].key, "c59797fff798d5268216a416b778b154c8377e42cf525a27a18c9f58fff41d63");
    assert_hex(k.integ[0].key, "b56f31ea32c51d61703ef1b44718d6c7c3658c9597ac9b5e5db27e08ecab6188");
    assert_hex(k.encr[1].key, "1bcbf86a20dbbf0fdff93555d5b815f72164f9a5280d0771138ca98f2c2ce8cf");
    assert_hex(k.integ[1].key, "b16f370f661f11fc7c0a1bead1ab4f320e30dfd3aa2ca2668bd68f5bd823d19a");

    /* PFS, and the salt of GCM behind the key (RFC 4106 §8.1) */
    ch.encr = ENCR_AES_GCM16;
    ch.integ = INTEG_NONE;
    assert_int_equal(isk_derive_child(c, s, &ch, i, r, g, &k), 0);
    assert_int_equal(k.encr[0].key_len, 36);
    assert_int_equal(k.integ[0].key_len, 0);
    assert_hex(k.encr[0].key,
               "b14f701b18632b0c95a7341f888f41c9b2ee7b10f81e696d92c225b090cd81bd9eba1ffc");
    assert_hex(k.encr[1].key,
               "cf5a7298030367377b4274bbb1b6524aeb822e6a50bd6a63fb19fd1ce9ce7bcabb8e8613");
    free(s);

    /* AH alone: its number of protocol counts */
    s = phase1(PRF_SHA1, ENCR_AES_CBC, 256, skeyid);
    ch.proto = SADB_AH;
    ch.encr = 0;
    ch.encr_bits = 0;
    ch.integ = INTEG_SHA512_256;
    assert_int_equal(isk_derive_child(c, s, &ch, i, r, none, &k), 0);
    assert_int_equal(k.encr[0].key_len, 0);
    assert_hex(k.integ[0].key, "5257ba143c5b5b78ba635d9d89791a198e78b838fd93bdbaf81855cb8b6322e8"
                               "5bcbfbebb1e3f3359a965fb2a7818ed85f39454fa507b71d6a77cb310eebda1b");
    assert_hex(k.integ[1].key, "d9d20d82967c0ece767f946fb77b66addeed7f720acd4b92bc243abe887dca89"
                               "7299be6a5d15765084f1099af127894f24c3e312090c59300ee0cea9553a24c1");

    /* ESP and AH around it: a KEYMAT for each SPI */
    ch = (struct ike_child_state){.proto = SADB_ESP,
                                  .encr = ENCR_3DES,
                                  .integ = INTEG_SHA1_96,
                                  .ah_integ = INTEG_MD5_96,
                                  .spi_in = 0x100,
                                  .spi_out = 0x101,
                                  .ah_spi_in = 0x200,
                                  .ah_spi_out = 0x201};
    assert_int_equal(isk_derive_child(c, s, &ch, i, r, none, &k), 0);
    assert_hex(k.encr[0].key, "960868c033bc38f136c4835d91a4de18f5caf4dcbf367b9f");
    assert_hex(k.integ[0].key, "a79ebcca18a5ff121bdf42cf717f190fe5426f45");
    assert_int_equal(k.ah[0].key_len, 16);
    assert_hex(k.ah[0].key, "f1326270f0183ed74524f2fece30016d");
    assert_memory_not_equal(k.ah[0].key, k.ah[1].key, 16);
    ch.encr = 99;
    assert_int_equal(isk_derive_child(c, s, &ch, i, r, none, &k), -ENOTSUP);
    free(s);
}

static void exported(void **state)
{
    struct ike_sa_state *s = calloc(1, sizeof *s);
    char buf[128];
    (void)state;

    s->spi_i = 0x22334455667788;
    s->suite = (struct ike_suite){.encr = ENCR_AES_CBC, .encr_bits = 128, .prf = PRF_SHA1};
    memset(s->keys.sk_ei, 0xe1, 64);
    int n = isakmp_export_key(s, buf, sizeof buf);
    assert_string_equal(buf, "0022334455667788,e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1\n");
    assert_int_equal(n, strlen(buf));
    for (size_t cap = 0; cap <= (size_t)n; cap++)
        assert_int_equal(isakmp_export_key(s, buf, cap), -EMSGSIZE);
    assert_int_equal(isakmp_export_key(s, buf, (size_t)n + 1), n);
    s->suite = (struct ike_suite){.encr = ENCR_3DES};
    assert_int_equal(isakmp_export_key(s, buf, sizeof buf), 16 + 1 + 48 + 1);
    s->suite = (struct ike_suite){.encr = ENCR_AES_GCM16, .encr_bits = 256};
    assert_int_equal(isakmp_export_key(s, buf, sizeof buf), -ENOTSUP);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skeyids),  cmocka_unit_test(no_aead), cmocka_unit_test(hashes),
        cmocka_unit_test(ivs),      cmocka_unit_test(ciphers), cmocka_unit_test(children),
        cmocka_unit_test(exported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
