/*
 * The cryptography against published vectors, and where there are none against the same sums
 * done another way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/ike/crypto.h"
#include "control/ike/export.h"
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>

static struct ike_crypto *c;

static int set_up(void **state)
{
    (void)state;
    c = ike_crypto_new();
    return c ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ike_crypto_unref(c);
    return 0;
}

/* Hex to bytes; returns how many. */
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
    uint8_t b[600];
    size_t n = hex(want, b);
    assert_memory_equal(got, b, n);
}

/* RFC 4231 §4.2 (the same as RFC 4868 §2.7.1), RFC 2202 test case 1. */
static void prf_vectors(void **state)
{
    static const struct {
        uint16_t prf;
        size_t key;
        const char *out;
    } v[] = {
        {PRF_MD5, 16, "9294727a3638bb1c13f48ef8158bfc9d"},
        {PRF_SHA1, 20, "b617318655057264e28bc0b6fb378c8ef146be00"},
        {PRF_SHA256, 20, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {PRF_SHA384, 20,
         "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
         "faea9ea9076ede7f4af152e8b2fa9cb6"},
        {PRF_SHA512, 20,
         "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
         "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
    };
    uint8_t key[20], out[IKE_PRF_MAX];
    (void)state;

    memset(key, 0x0b, sizeof key);
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        struct bytes part[] = {{"Hi ", 3}, {"", 0}, {"There", 5}};
        assert_int_equal(ike_prf(c, v[i].prf, (struct bytes){key, v[i].key}, part, 3, out), 0);
        assert_hex(out, v[i].out);
        assert_int_equal(ike_prf_len(v[i].prf), strlen(v[i].out) / 2);
    }
    assert_int_equal(ike_prf(c, 99, (struct bytes){key, 20}, NULL, 0, out), -ENOTSUP);
}

/* prf+ is HKDF-Expand of RFC 5869: its appendix A.1 is a vector for it. */
static void prf_plus_vector(void **state)
{
    uint8_t prk[32], info[10], out[42];
    (void)state;

    hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5", prk);
    hex("f0f1f2f3f4f5f6f7f8f9", info);
    struct bytes part[] = {{info, 4}, {info + 4, 6}};
    assert_int_equal(ike_prf_plus(c, PRF_SHA256, (struct bytes){prk, 32}, part, 2, out, 42), 0);
    assert_hex(out, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                    "34007208d5b887185865");
    uint8_t *big = malloc(255 * 32 + 1);
    assert_int_equal(ike_prf_plus(c, PRF_SHA256, (struct bytes){prk, 32}, part, 2, big, 255 * 32),
                     0);
    assert_int_equal(ike_prf_plus(c, PRF_SHA256, (struct bytes){prk, 32}, part, 2, big,
                                  255 * 32 + 1),
                     -EINVAL);
    free(big);
}

static const EVP_MD *md_of(uint16_t prf)
{
    switch (prf) {
    case PRF_MD5:
        return EVP_md5();
    case PRF_SHA1:
        return EVP_sha1();
    case PRF_SHA256:
        return EVP_sha256();
    case PRF_SHA384:
        return EVP_sha384();
    default:
        return EVP_sha512();
    }
}

/* OpenSSL's HKDF, expansion only. */
static void expand(const EVP_MD *md, const uint8_t *key, size_t key_len, const uint8_t *info,
                   size_t info_len, uint8_t *out, size_t len)
{
    EVP_PKEY_CTX *x = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    assert_true(EVP_PKEY_derive_init(x) > 0);
    assert_true(EVP_PKEY_CTX_hkdf_mode(x, EVP_PKEY_HKDEF_MODE_EXPAND_ONLY) > 0);
    assert_true(EVP_PKEY_CTX_set_hkdf_md(x, md) > 0);
    assert_true(EVP_PKEY_CTX_set1_hkdf_key(x, key, (int)key_len) > 0);
    assert_true(EVP_PKEY_CTX_add1_hkdf_info(x, info, (int)info_len) > 0);
    assert_true(EVP_PKEY_derive(x, out, &len) > 0);
    EVP_PKEY_CTX_free(x);
}

static const uint16_t all_prf[] = {PRF_MD5, PRF_SHA1, PRF_SHA256, PRF_SHA384, PRF_SHA512};

/* SKEYSEED, SK_* and KEYMAT (§2.14, §2.17), done a second time with other functions. */
static void key_derivation(void **state)
{
    uint8_t ni[40], nr[24], secret[66], nonces[64], info[80], seed[64], stream[512], keymat[256];
    const uint64_t spi_i = UINT64_C(0x0123456789abcdef), spi_r = UINT64_C(0xfedcba9876543210);
    (void)state;

    for (size_t i = 0; i < sizeof secret; i++) {
        secret[i] = (uint8_t)(i * 7 + 1);
        if (i < sizeof ni)
            ni[i] = (uint8_t)(i + 0x40);
        if (i < sizeof nr)
            nr[i] = (uint8_t)(0xf0 - i);
    }
    memcpy(nonces, ni, 40);
    memcpy(nonces + 40, nr, 24);
    memcpy(info, nonces, 64);
    hex("0123456789abcdeffedcba9876543210", info + 64);
    for (size_t i = 0; i < sizeof all_prf / sizeof *all_prf; i++) {
        const EVP_MD *md = md_of(all_prf[i]);
        size_t p = (size_t)EVP_MD_get_size(md);
        struct ike_suite s = {ENCR_AES_CBC, 256, INTEG_SHA384_192, all_prf[i], DH_ECP521};
        struct ike_keys k = {0};
        unsigned len = 0;
        assert_int_equal(ike_derive_keys(c, &s, (struct bytes){ni, 40}, (struct bytes){nr, 24},
                                         (struct bytes){secret, 66}, spi_i, spi_r, &k),
                         0);
        assert_non_null(HMAC(md, nonces, 64, secret, 66, seed, &len));
        expand(md, seed, p, info, 80, stream, 3 * p + 2 * (48 + 32));
        const uint8_t *q = stream;
        const struct {
            const uint8_t *key;
            size_t n;
        } part[] = {{k.sk_d, p},   {k.sk_ai, 48}, {k.sk_ar, 48}, {k.sk_ei, 32},
                    {k.sk_er, 32}, {k.sk_pi, p},  {k.sk_pr, p}};
        for (size_t j = 0; j < 7; j++) {
            assert_memory_equal(part[j].key, q, part[j].n);
            q += part[j].n;
        }
        /* a child with PFS: prf+(SK_d, g^ir | Ni | Nr) */
        struct ike_child_state child = {.encr = ENCR_AES_GCM16,
                                        .encr_bits = 192,
                                        .integ = INTEG_NONE};
        struct sadb_alg encr[2], integ[2];
        uint8_t in[130];
        memcpy(in, secret, 66);
        memcpy(in + 66, nonces, 64);
        expand(md, k.sk_d, p, in, 130, keymat, 2 * 28);
        assert_int_equal(ike_derive_child(c, &s, &k, &child, (struct bytes){ni, 40},
                                          (struct bytes){nr, 24}, (struct bytes){secret, 66}, encr,
                                          integ),
                         0);
        assert_int_equal(encr[0].key_len, 28);
        assert_int_equal(integ[0].key_len, 0);
        assert_memory_equal(encr[0].key, keymat, 28);
        assert_memory_equal(encr[1].key, keymat + 28, 28);
        /* and one without, CBC and HMAC */
        child = (struct ike_child_state){.encr = ENCR_AES_CBC,
                                         .encr_bits = 128,
                                         .integ = INTEG_SHA256_128};
        expand(md, k.sk_d, p, nonces, 64, keymat, 2 * 48);
        assert_int_equal(ike_derive_child(c, &s, &k, &child, (struct bytes){ni, 40},
                                          (struct bytes){nr, 24}, (struct bytes){NULL, 0}, encr,
                                          integ),
                         0);
        assert_memory_equal(encr[0].key, keymat, 16);
        assert_memory_equal(integ[0].key, keymat + 16, 32);
        assert_memory_equal(encr[1].key, keymat + 48, 16);
        assert_memory_equal(integ[1].key, keymat + 64, 32);
    }
}

static void auth_data(void **state)
{
    struct ike_identity id = {.type = ID_IPV4, .len = 4, .data = {192, 0, 2, 1}};
    uint8_t sk_p[64], msg[100], nonce[32], octets[300], out[64], key[64], mac_id[64], want[64];
    (void)state;

    memset(sk_p, 0x5a, sizeof sk_p);
    memset(msg, 0x11, sizeof msg);
    memset(nonce, 0x22, sizeof nonce);
    for (size_t i = 0; i < sizeof all_prf / sizeof *all_prf; i++) {
        const EVP_MD *md = md_of(all_prf[i]);
        size_t p = (size_t)EVP_MD_get_size(md);
        uint8_t body[8] = {1, 0, 0, 0, 192, 0, 2, 1};
        unsigned len = 0;
        HMAC(md, "cisco", 5, (const uint8_t *)"Key Pad for IKEv2", 17, key, &len);
        HMAC(md, sk_p, (int)p, body, 8, mac_id, &len);
        memcpy(octets, msg, 100);
        memcpy(octets + 100, nonce, 32);
        memcpy(octets + 132, mac_id, p);
        HMAC(md, key, (int)p, octets, 132 + p, want, &len);
        assert_int_equal(ike_auth_psk(c, all_prf[i], (struct bytes){"cisco", 5},
                                      (struct bytes){msg, 100}, (struct bytes){nonce, 32}, sk_p,
                                      &id, out),
                         0);
        assert_memory_equal(out, want, p);
    }
}

/* MODP: the peer's half by plain modular exponentiation. */
static void modp_groups(void **state)
{
    static const uint16_t group[] = {DH_768,  DH_1024, DH_1536,    DH_2048,
                                     DH_3072, DH_4096, DH_2048_256};
    (void)state;

    for (size_t i = 0; i < sizeof group / sizeof *group; i++) {
        uint8_t pub[IKE_PUB_MAX], theirs[IKE_PUB_MAX], secret[IKE_SECRET_MAX], want[IKE_PUB_MAX];
        size_t len = ike_dh_pub_len(group[i]), n = 0;
        BN_CTX *x = BN_CTX_new();
        BIGNUM *p = NULL, *g = BN_new(), *priv = BN_new(), *y = BN_new(), *q = NULL, *ours = NULL;
        struct ike_dh *d = ike_dh_new(c, group[i]);
        assert_non_null(d);
        switch (group[i]) {
        case DH_768:
            p = BN_get_rfc2409_prime_768(NULL);
            break;
        case DH_1024:
            p = BN_get_rfc2409_prime_1024(NULL);
            break;
        case DH_1536:
            p = BN_get_rfc3526_prime_1536(NULL);
            break;
        case DH_2048:
            p = BN_get_rfc3526_prime_2048(NULL);
            break;
        case DH_3072:
            p = BN_get_rfc3526_prime_3072(NULL);
            break;
        case DH_4096:
            p = BN_get_rfc3526_prime_4096(NULL);
            break;
        default: { /* RFC 5114 §2.3: take p and g from OpenSSL's own object */
            EVP_PKEY_CTX *k = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
            OSSL_PARAM par[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                                 (char[]){"dh_2048_256"}, 0),
                                OSSL_PARAM_construct_end()};
            EVP_PKEY *key = NULL;
            EVP_PKEY_keygen_init(k);
            EVP_PKEY_CTX_set_params(k, par);
            EVP_PKEY_generate(k, &key);
            EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_P, &p);
            EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_G, &g);
            EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_Q, &q);
            EVP_PKEY_free(key);
            EVP_PKEY_CTX_free(k);
            break;
        }
        }
        if (group[i] != DH_2048_256)
            BN_set_word(g, 2);
        assert_int_equal(BN_num_bytes(p), (int)len);
        BN_set_word(priv, 0x1234567);
        BN_mod_exp(y, g, priv, p, x);
        BN_bn2binpad(y, theirs, (int)len);
        assert_int_equal(ike_dh_pub(d, pub, sizeof pub), 0);
        ours = BN_bin2bn(pub, (int)len, NULL);
        BN_mod_exp(y, ours, priv, p, x);
        BN_bn2binpad(y, want, (int)len);
        assert_int_equal(ike_dh_shared(d, theirs, len, secret, sizeof secret, &n), 0);
        assert_int_equal(n, len);
        assert_memory_equal(secret, want, len);
        /* RFC 6989: 0, 1, p-1, p are no public values */
        BIGNUM *bad = BN_dup(p);
        for (int k = 0; k < 4; k++) {
            if (k == 1)
                BN_sub_word(bad, 1);
            else if (k >= 2)
                BN_set_word(bad, (unsigned long)k - 2);
            BN_bn2binpad(bad, theirs, (int)len);
            assert_int_equal(ike_dh_shared(d, theirs, len, secret, sizeof secret, &n), -EBADMSG);
        }
        assert_int_equal(ike_dh_shared(d, theirs, len - 1, secret, sizeof secret, &n), -EBADMSG);
        /* RFC 6989 §2.2: those of RFC 5114 have small subgroups, which 2^q is in */
        if (group[i] == DH_2048_256) {
            BN_set_word(y, 2);
            BN_mod_exp(bad, y, q, p, x);
            BN_bn2binpad(bad, theirs, (int)len);
            assert_int_equal(ike_dh_shared(d, theirs, len, secret, sizeof secret, &n), -EBADMSG);
        }
        BN_free(bad);
        BN_free(q);
        BN_free(p);
        BN_free(g);
        BN_free(priv);
        BN_free(y);
        BN_free(ours);
        BN_CTX_free(x);
        ike_dh_free(d);
    }
    assert_null(ike_dh_new(c, 0));
    assert_null(ike_dh_new(c, 77));
}

/* ECP: the peer's private key is a fixed one (for 256 and 384 bits that of RFC 5903 §8, whose
 * public value must come out); the shared secret is checked by point multiplication. */
static void ecp_groups(void **state)
{
    static const struct {
        uint16_t group;
        int nid;
        const char *priv, *pub;
    } v[] = {
        {DH_ECP256, NID_X9_62_prime256v1,
         "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433",
         "DAD0B65394221CF9B051E1FECA5787D098DFE637FC90B9EF945D0C3772581180"
         "5271A0461CDB8252D61F1C456FA3E59AB1F45B33ACCF5F58389E0577B8990BB3"},
        {DH_ECP384, NID_secp384r1,
         "099F3C7034D4A2C699884D73A375A67F7624EF7C6B3C0F160647B67414DCE655"
         "E35B538041E649EE3FAEF896783AB194",
         "667842D7D180AC2CDE6F74F37551F55755C7645C20EF73E31634FE72B4C55EE6"
         "DE3AC808ACB4BDB4C88732AEE95F41AA9482ED1FC0EEB9CAFC4984625CCFC23F"
         "65032149E0E144ADA024181535A0F38EEB9FCFF3C2C947DAE69B4C634573A81C"},
        {DH_ECP521, NID_secp521r1,
         "0037ADE9319A89F4DABDB3EF411AACCCA5123C61ACAB57B5393DCE47608172A0"
         "95AA85A30FE1C2952C6771D937BA9777F5957B2639BAB072462F68C27A57382D4A52",
         NULL},
    };
    (void)state;

    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        uint8_t priv[80], pub[IKE_PUB_MAX], theirs[1 + IKE_PUB_MAX], secret[IKE_SECRET_MAX];
        uint8_t want[100];
        size_t n_priv = hex(v[i].priv, priv), len = ike_dh_pub_len(v[i].group), n = 0;
        EC_GROUP *g = EC_GROUP_new_by_curve_name(v[i].nid);
        EC_POINT *pt = EC_POINT_new(g);
        BIGNUM *k = BN_bin2bn(priv, (int)n_priv, NULL), *x = BN_new();
        struct ike_dh *d = ike_dh_new(c, v[i].group);
        assert_non_null(d);
        EC_POINT_mul(g, pt, k, NULL, NULL, NULL);
        assert_int_equal(EC_POINT_point2oct(g, pt, POINT_CONVERSION_UNCOMPRESSED, theirs,
                                            sizeof theirs, NULL),
                         len + 1);
        if (v[i].pub)
            assert_hex(theirs + 1, v[i].pub);
        assert_int_equal(ike_dh_pub(d, pub + 1, sizeof pub - 1), 0);
        pub[0] = 4;
        assert_true(EC_POINT_oct2point(g, pt, pub, len + 1, NULL));
        EC_POINT_mul(g, pt, NULL, pt, k, NULL);
        EC_POINT_get_affine_coordinates(g, pt, x, NULL, NULL);
        BN_bn2binpad(x, want, (int)(len / 2));
        assert_int_equal(ike_dh_shared(d, theirs + 1, len, secret, sizeof secret, &n), 0);
        assert_int_equal(n, len / 2);
        assert_memory_equal(secret, want, n);
        theirs[len] ^= 1; /* no longer on the curve */
        assert_int_equal(ike_dh_shared(d, theirs + 1, len, secret, sizeof secret, &n), -EBADMSG);
        memset(theirs, 0, sizeof theirs);
        assert_int_equal(ike_dh_shared(d, theirs + 1, len, secret, sizeof secret, &n), -EBADMSG);
        BN_free(k);
        BN_free(x);
        EC_POINT_free(pt);
        EC_GROUP_free(g);
        ike_dh_free(d);
    }
}

/* X25519: the peer is Alice of RFC 7748 §6.1. */
static void x25519(void **state)
{
    uint8_t priv[32], pub[32], alice[32], secret[64], want[32];
    size_t len = 32, n = 0;
    (void)state;

    hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", priv);
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv, 32);
    struct ike_dh *d = ike_dh_new(c, DH_X25519);
    assert_non_null(d);
    assert_true(EVP_PKEY_get_raw_public_key(key, alice, &len));
    assert_hex(alice, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    assert_int_equal(ike_dh_pub(d, pub, sizeof pub), 0);
    EVP_PKEY *ours = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, pub, 32);
    EVP_PKEY_CTX *x = EVP_PKEY_CTX_new(key, NULL);
    assert_true(EVP_PKEY_derive_init(x) > 0 && EVP_PKEY_derive_set_peer(x, ours) > 0);
    assert_true(EVP_PKEY_derive(x, want, &len) > 0);
    assert_int_equal(ike_dh_shared(d, alice, 32, secret, sizeof secret, &n), 0);
    assert_int_equal(n, 32);
    assert_memory_equal(secret, want, 32);
    memset(alice, 0, sizeof alice); /* RFC 7748 §6.1: an all-zero result is refused */
    assert_int_equal(ike_dh_shared(d, alice, 32, secret, sizeof secret, &n), -EBADMSG);
    EVP_PKEY_CTX_free(x);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ours);
    ike_dh_free(d);
}

/* --- SK payload --------------------------------------------------------------------------- */

static const struct {
    uint16_t encr, bits, integ;
} sk_suite[] = {
    {ENCR_AES_CBC, 256, INTEG_SHA256_128}, {ENCR_AES_CBC, 128, INTEG_SHA1_96},
    {ENCR_3DES, 0, INTEG_MD5_96},          {ENCR_DES, 0, INTEG_SHA512_256},
    {ENCR_NULL, 0, INTEG_SHA384_192},      {ENCR_AES_GCM16, 128, INTEG_NONE},
    {ENCR_AES_GCM16, 256, INTEG_NONE},
};

static void sk_round_trip(void **state)
{
    uint8_t ke[64], ka[64], iv[16], plain[300], out[500], back[500];
    struct ike_header h = {.spi_i = 1, .spi_r = 2, .version = 0x20, .exchange = X_AUTH, .mid = 9};
    (void)state;

    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i * 3);
    for (size_t i = 0; i < 64; i++) {
        ke[i] = (uint8_t)(i + 1);
        ka[i] = (uint8_t)(i + 101);
    }
    memset(iv, 0x77, sizeof iv);
    for (size_t i = 0; i < sizeof sk_suite / sizeof *sk_suite; i++) {
        struct ike_sk_key k = {sk_suite[i].encr, sk_suite[i].bits, sk_suite[i].integ, ke, ka};
        for (size_t n = 0; n < 40; n++) {
            struct ike_header got;
            struct ike_payloads pl;
            size_t len = 0, m = 0;
            assert_int_equal(ike_seal(c, &k, &h, PL_NOTIFY, plain, n, iv, out, sizeof out, &len),
                             0);
            assert_int_equal(ike_header_read(out, len, &got), 0);
            assert_int_equal(got.next, PL_SK);
            assert_int_equal(ike_payloads_read(PL_SK, out + 28, len - 28, &pl), 0);
            assert_int_equal(pl.sk_first, PL_NOTIFY);
            size_t at = (size_t)(pl.v[0].p - out);
            assert_int_equal(ike_open(c, &k, out, len, at, back, &m), 0);
            assert_int_equal(m, n);
            assert_memory_equal(back, plain, n);
            if (n != 17)
                continue;
            /* Any bit anywhere, header included, and any other length: refused. */
            for (size_t bit = 0; bit < len * 8; bit++) {
                out[bit / 8] ^= (uint8_t)(1 << bit % 8);
                assert_int_equal(ike_open(c, &k, out, len, at, back, &m), -EBADMSG);
                out[bit / 8] ^= (uint8_t)(1 << bit % 8);
            }
            for (size_t cut = 0; cut < len; cut++)
                assert_int_equal(ike_open(c, &k, out, cut, at, back, &m), -EBADMSG);
        }
        size_t len;
        assert_int_equal(ike_seal(c, &k, &h, PL_NOTIFY, plain, 300, iv, out, 300, &len), -EMSGSIZE);
    }
}

/* One CBC message taken apart by hand: what is encrypted and what is covered. */
static void sk_by_hand(void **state)
{
    uint8_t ke[32], ka[32], iv[16], out[200], mac[32], clear[64];
    struct ike_header h = {.spi_i = 1, .spi_r = 2, .version = 0x20, .exchange = X_AUTH, .mid = 1};
    struct ike_sk_key k = {ENCR_AES_CBC, 256, INTEG_SHA256_128, ke, ka};
    const uint8_t plain[20] = "nineteen characters";
    size_t len;
    unsigned n = 0;
    int m = 0, l = 0;
    (void)state;

    memset(ke, 3, sizeof ke);
    memset(ka, 4, sizeof ka);
    memset(iv, 5, sizeof iv);
    assert_int_equal(ike_seal(c, &k, &h, PL_IDI, plain, 20, iv, out, sizeof out, &len), 0);
    assert_int_equal(len, 28 + 4 + 16 + 32 + 16);
    HMAC(EVP_sha256(), ka, 32, out, len - 16, mac, &n);
    assert_memory_equal(out + len - 16, mac, 16);
    EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
    EVP_DecryptInit_ex(x, EVP_aes_256_cbc(), NULL, ke, iv);
    EVP_CIPHER_CTX_set_padding(x, 0);
    EVP_DecryptUpdate(x, clear, &m, out + 48, 32);
    EVP_DecryptFinal_ex(x, clear + m, &l);
    assert_memory_equal(clear, plain, 20);
    assert_int_equal(clear[31], 11); /* pad length */
    EVP_CIPHER_CTX_free(x);
}

/* §2.23: SHA-1 over SPIs, address, port. */
static void nat_hash(void **state)
{
    uint8_t got[20], want[20], in[22] = {0};
    struct addr a = addr_from_v4(0xc0000201);
    unsigned n = 0;
    (void)state;

    in[7] = 0x11;
    in[15] = 0x22;
    memcpy(in + 16, (const uint8_t[]){192, 0, 2, 1, 0x01, 0xf4}, 6);
    EVP_Digest(in, sizeof in, want, &n, EVP_sha1(), NULL);
    assert_int_equal(ike_nat_hash(c, 0x11, 0x22, &a, 500, got), 0);
    assert_memory_equal(got, want, 20);
}

static void exported_keys(void **state)
{
    struct ike_sa_state *s = calloc(1, sizeof *s);
    char buf[1024];
    (void)state;

    s->spi_i = 0x1122334455667788;
    s->spi_r = 0x99;
    s->suite = (struct ike_suite){ENCR_AES_CBC, 128, INTEG_SHA1_96, PRF_SHA1, DH_1024};
    memset(s->keys.sk_ei, 0xe1, 64);
    memset(s->keys.sk_er, 0xe2, 64);
    memset(s->keys.sk_ai, 0xa1, 64);
    memset(s->keys.sk_ar, 0xa2, 64);
    int n = ike_export_keys(s, buf, sizeof buf);
    assert_string_equal(buf, "1122334455667788,0000000000000099,"
                             "e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1,e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2,"
                             "\"AES-CBC-128 [RFC3602]\","
                             "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1,"
                             "a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2,"
                             "\"HMAC_SHA1_96 [RFC2404]\"\n");
    assert_int_equal(n, strlen(buf));
    for (size_t cap = 0; cap <= (size_t)n; cap++)
        assert_int_equal(ike_export_keys(s, buf, cap), -EMSGSIZE);
    assert_int_equal(ike_export_keys(s, buf, (size_t)n + 1), n);
    s->suite.encr = ENCR_DES; /* Wireshark has no name for it */
    assert_int_equal(ike_export_keys(s, buf, sizeof buf), -ENOTSUP);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prf_vectors),    cmocka_unit_test(prf_plus_vector),
        cmocka_unit_test(key_derivation), cmocka_unit_test(auth_data),
        cmocka_unit_test(modp_groups),    cmocka_unit_test(ecp_groups),
        cmocka_unit_test(x25519),         cmocka_unit_test(sk_round_trip),
        cmocka_unit_test(sk_by_hand),     cmocka_unit_test(nat_hash),
        cmocka_unit_test(exported_keys),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
