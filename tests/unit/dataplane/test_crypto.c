/* Both crypto backends against published vectors, and against each other. */
#include <stdio.h>
#include "support.h"
#include <errno.h>

struct vector {
    const char *source;
    uint32_t encr, integ;
    const char *key, *ikey, *iv, *aad, *plain, *cipher, *icv;
    bool mb;
};

#define HI  "4869205468657265" /* "Hi There" */
#define B16 "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
#define GP                                                                                         \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6" \
    "b525b16aedf5aa0de657ba637b39"
#define GA "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GK "feffe9928665731c6d6a8f9467308308"

/* For HMAC the vector's text is what NULL encryption sends: the ICV is over it alone. */
static const struct vector vectors[] = {
    {"GCM test case 4", ENCR_AES_GCM16, 0, GK "cafebabe", "", "facedbaddecaf888", GA, GP,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84"
     "aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47", true},
    {"GCM test case 10", ENCR_AES_GCM16, 0, GK "feffe9928665731ccafebabe", "", "facedbaddecaf888",
     GA, GP,
     "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18c84a"
     "3f4718e2448b2fe324d9ccda2710",
     "2519498e80f1478f37ba55bd6d27618c", true},
    {"GCM test case 16", ENCR_AES_GCM16, 0, GK GK "cafebabe", "", "facedbaddecaf888", GA, GP,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b105682"
     "8838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b", true},
    {"RFC 3602 case 1", ENCR_AES_CBC, 0, "06a9214036b8a15b512e03d534120006", "",
     "3dafba429d9eb430b422da802c9fac41", "", "53696e676c6520626c6f636b206d7367",
     "e353779c1079aeb82708942dbe77181a", "", true},
    {"RFC 3602 case 2", ENCR_AES_CBC, 0, "c286696d887c9aa0611bbb3e2025a45a", "",
     "562e17996d093d28ddb3ba695a2e6f58", "",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1", "", true},
    {"RFC 3602 case 3", ENCR_AES_CBC, 0, "6c3ea0477630ce21a2ce334aa746c2cd", "",
     "c782dc4c098c66cbd9cd27d825682c81", "",
     "5468697320697320612034382d62797465206d657373616765202865786163746c7920332041455320626c6f636b7"
     "3"
     "29",
     "d0a02b3836451753d493665d33f0e8862dea54cdb293abc7506939276772f8d5021c19216bad525c8579695d83ba"
     "2684",
     "", true},
    {"SP 800-38A F.2.3", ENCR_AES_CBC, 0, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "",
     "000102030405060708090a0b0c0d0e0f", "", "6bc1bee22e409f96e93d7e117393172a",
     "4f021db243bc633d7178183a9fa071e8", "", true},
    {"SP 800-38A F.2.5", ENCR_AES_CBC, 0,
     "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "",
     "000102030405060708090a0b0c0d0e0f", "", "6bc1bee22e409f96e93d7e117393172a",
     "f58c4c04d6e5f1ba779eabfb5f7bfbd6", "", true},
    {"RFC 2202/2404 SHA-1 case 1", ENCR_NULL, INTEG_SHA1_96, "", B16 "0b0b0b0b", "", "", HI, HI,
     "b617318655057264e28bc0b6", true},
    {"RFC 4868 AUTH256-1", ENCR_NULL, INTEG_SHA256_128, "", B16 B16, "", "", HI, HI,
     "198a607eb44bfbc69903a0f1cf2bbdc5", true},
    {"RFC 4868 AUTH384-1", ENCR_NULL, INTEG_SHA384_192, "", B16 B16 B16, "", "", HI, HI,
     "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee973", true},
    {"RFC 4868 AUTH512-1", ENCR_NULL, INTEG_SHA512_256, "", B16 B16 B16 B16, "", "", HI, HI,
     "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8", true},
    {"RFC 2202/2403 MD5 case 1", ENCR_NULL, INTEG_MD5_96, "", B16, "", "", HI, HI,
     "9294727a3638bb1c13f48ef8", false},
    {"FIPS 81 DES-CBC", ENCR_DES, 0, "0123456789abcdef", "", "1234567890abcdef", "",
     "4e6f77206973207468652074696d6520666f7220616c6c20",
     "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6", "", false},
    {"DES-CBC as 3DES", ENCR_3DES, 0, "0123456789abcdef0123456789abcdef0123456789abcdef", "",
     "1234567890abcdef", "", "4e6f77206973207468652074696d6520666f7220616c6c20",
     "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6", "", false},
};

static const enum crypto_want both[] = {CRYPTO_OSSL, CRYPTO_MB};

static struct crypto_key *key_of(struct crypto *c, const struct vector *v, bool encrypt)
{
    uint8_t key[64], ikey[64];
    int err = 0;
    struct crypto_spec s = {
        .encrypt = encrypt, .encr = v->encr, .integ = v->integ, .key = key, .ikey = ikey};
    s.key_len = hex(v->key, key);
    s.ikey_len = hex(v->ikey, ikey);
    struct crypto_key *k = crypto_key_new(c, &s, &err);
    if (!k)
        fail_msg("%s: %d", v->source, err);
    return k;
}

static void check_vector(struct crypto *c, const struct vector *v)
{
    uint8_t text[128], iv[16], aad[32], want[128], plain[128], icv[64], want_icv[64];
    size_t n = hex(v->plain, plain), n_icv = hex(v->icv, want_icv);
    memcpy(text, plain, n);
    hex(v->iv, iv);
    hex(v->cipher, want);
    struct crypto_op op = {.text = text, .text_len = n, .iv = iv, .auth = aad, .icv = icv};
    op.auth_len = hex(v->aad, aad);
    if (v->integ) {
        op.auth = text;
        op.auth_len = n;
    }
    struct crypto_key *k = op.key = key_of(c, v, true);
    assert_int_equal(crypto_key_icv_len(k), n_icv);
    assert_int_equal(crypto_run(c, &op, 1), 0);
    assert_memory_equal(text, want, n);
    assert_memory_equal(icv, want_icv, n_icv);
    crypto_key_free(k);

    k = op.key = key_of(c, v, false);
    assert_int_equal(crypto_run(c, &op, 1), 0);
    assert_memory_equal(text, plain, n);
    if (n_icv) { /* a wrong ICV is found */
        memcpy(text, want, n);
        icv[n_icv - 1] ^= 1;
        assert_int_equal(crypto_run(c, &op, 1), 1);
        assert_int_equal(op.status, CRYPTO_BAD_ICV);
    }
    crypto_key_free(k);
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t b = 0; b < 2; b++) {
        struct crypto *c = crypto_new(both[b]);
        if (!c && both[b] == CRYPTO_MB)
            continue; /* this CPU has no AES-NI */
        assert_non_null(c);
        for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
            struct crypto_key *k = key_of(c, &vectors[i], true);
            bool mb = both[b] == CRYPTO_MB && vectors[i].mb;
            assert_string_equal(crypto_key_backend(k), mb ? "intel-ipsec-mb" : "OpenSSL");
            crypto_key_free(k);
            check_vector(c, &vectors[i]);
        }
        crypto_free(c);
    }
}

#define OPS  48
#define SIZE 2048

struct job {
    uint8_t buf[SIZE], iv[16], aad[8], icv[64];
    size_t len;
};

/* The same random batch, all algorithms mixed, through one backend. */
static void run_batch(struct crypto *c, struct crypto_key **keys, const size_t *which,
                      struct job *jobs, bool encrypt)
{
    static struct crypto_op ops[OPS];
    memset(ops, 0, sizeof ops);
    for (size_t i = 0; i < OPS; i++) {
        struct job *j = &jobs[i];
        struct crypto_op *o = &ops[i];
        o->key = keys[which[i]];
        o->iv = j->iv;
        o->icv = j->icv;
        o->text = j->buf + 24;
        o->text_len = j->len;
        o->auth = j->buf;
        switch (crypto_key_kind(o->key)) {
        case CRYPTO_HMAC:
            o->auth_len = 24 + j->len;
            break;
        case CRYPTO_GCM:
            o->auth = j->aad;
            o->auth_len = 8;
            break;
        case CRYPTO_GMAC:
            o->auth_len = 24 + j->len;
            o->text_len = 0;
            break;
        }
    }
    assert_int_equal(crypto_run(c, ops, OPS), 0);
    (void)encrypt;
}

static void make_keys(struct crypto *c, bool encrypt, struct crypto_key **keys)
{
    for (size_t i = 0; i < N_COMBOS; i++) {
        struct sadb_sa m = make_sa(&combos[i], SADB_OUT, true, 4096);
        int err = 0;
        struct crypto_spec s = {.encrypt = encrypt,
                                .encr = combos[i].encr,
                                .integ = combos[i].integ,
                                .key = m.encr.key,
                                .key_len = m.encr.key_len,
                                .ikey = m.integ.key,
                                .ikey_len = m.integ.key_len};
        keys[i] = crypto_key_new(c, &s, &err);
        assert_non_null(keys[i]);
    }
}

/* Random messages of every length class: both backends write the same bytes, and each opens
 * what the other sealed. */
static void test_against_each_other(void **state)
{
    (void)state;
    struct crypto *c[2] = {crypto_new(CRYPTO_OSSL), crypto_new(CRYPTO_MB)};
    struct crypto_key *enc[2][N_COMBOS], *dec[2][N_COMBOS];
    static struct job plain[OPS], out[2][OPS];
    uint64_t seed = 4303;
    assert_non_null(c[0]);
    const int n = c[1] ? 2 : 1;
    if (n == 1)
        print_message("this machine has no intel-ipsec-mb: OpenSSL opens what it seals\n");
    for (int b = 0; b < n; b++) {
        make_keys(c[b], true, enc[b]);
        make_keys(c[b], false, dec[b]);
    }
    for (int round = 0; round < 40; round++) {
        size_t which[OPS];
        for (size_t i = 0; i < OPS; i++) {
            which[i] = rnd(&seed) % N_COMBOS;
            rnd_fill(&seed, (uint8_t *)&plain[i], sizeof plain[i]);
            plain[i].len = (1 + rnd(&seed) % (round % 2 ? 120 : 6)) * 16;
        }
        for (int b = 0; b < n; b++) {
            memcpy(out[b], plain, sizeof plain);
            run_batch(c[b], enc[b], which, out[b], true);
        }
        if (n == 2)
            assert_memory_equal(out[0], out[1], sizeof out[0]);
        for (int b = 0; b < n; b++)
            run_batch(c[b], dec[b], which, out[b], false);
        for (size_t i = 0; i < n * (size_t)OPS; i++)
            assert_memory_equal(out[i / OPS][i % OPS].buf, plain[i % OPS].buf, SIZE);
    }
    for (int b = 0; b < n; b++) {
        for (size_t i = 0; i < N_COMBOS; i++) {
            crypto_key_free(enc[b][i]);
            crypto_key_free(dec[b][i]);
        }
        crypto_free(c[b]);
    }
}

static void refused(struct crypto *c, struct crypto_spec s, int want)
{
    static const uint8_t key[64];
    int err = 0;
    s.key = s.ikey = key;
    assert_null(crypto_key_new(c, &s, &err));
    assert_int_equal(err, want);
}

static void test_refused_keys(void **state)
{
    (void)state;
    for (size_t b = 0; b < 2; b++) {
        struct crypto *c = crypto_new(both[b]);
        if (!c)
            continue;
        refused(c, (struct crypto_spec){.encr = 999, .key_len = 16}, -EOPNOTSUPP);
        refused(c, (struct crypto_spec){.encr = ENCR_AES_CBC, .key_len = 15}, -EOPNOTSUPP);
        refused(c, (struct crypto_spec){.encr = ENCR_AES_GCM16, .key_len = 3}, -EINVAL);
        refused(c, (struct crypto_spec){.encr = ENCR_AES_GCM16, .key_len = 16}, -EOPNOTSUPP);
        refused(c, (struct crypto_spec){.encr = ENCR_DES, .key_len = 7}, -EINVAL);
        refused(c, (struct crypto_spec){.encr = ENCR_NULL}, -EINVAL);
        refused(c,
                (struct crypto_spec){
                    .encr = ENCR_AES_GCM16, .key_len = 20, .integ = INTEG_SHA1_96, .ikey_len = 20},
                -EINVAL);
        refused(c,
                (struct crypto_spec){
                    .encr = ENCR_AES_CBC, .key_len = 16, .integ = INTEG_SHA1_96, .ikey_len = 19},
                -EINVAL);
        refused(
            c,
            (struct crypto_spec){.encr = ENCR_AES_CBC, .key_len = 16, .integ = 77, .ikey_len = 20},
            -EOPNOTSUPP);
        crypto_free(c);
    }
}

static void test_random(void **state)
{
    (void)state;
    struct crypto *c = crypto_new(CRYPTO_OSSL);
    uint8_t seen[600][16];
    for (size_t i = 0; i < 600; i++) { /* more than one pool */
        assert_int_equal(crypto_random(c, seen[i], 16), 0);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(seen[k], seen[i], 16);
    }
    crypto_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_against_each_other),
        cmocka_unit_test(test_refused_keys),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
