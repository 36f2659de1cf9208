/* The transform table: found by number, with lengths that OpenSSL agrees on. */
#include <stdio.h>
#include "support.h"
#include <openssl/evp.h>
#include <openssl/provider.h>

static void test_found_by_number(void **state)
{
    (void)state;
    size_t n = 0;
    for (const struct transform *t; (t = transform_at(n)) != NULL; n++) {
        assert_ptr_equal(transform_find(t->type, t->id, t->keybits), t);
        assert_non_null(t->ike);
        assert_true(t->type >= T_ENCR && t->type <= T_ESN);
    }
    assert_true(n > 30);
    assert_null(transform_find(T_ENCR, ENCR_AES_CBC, 100));
    assert_null(transform_find(T_ENCR, ENCR_AES_CBC, 0));
    assert_non_null(transform_find(T_ENCR, ENCR_3DES, 192)); /* has one size: not looked at */
    assert_null(transform_find(T_INTEG, 99, 0));
    assert_null(transform_find(9, 1, 0));
}

static void check_cipher(OSSL_LIB_CTX *lib, const struct transform *t)
{
    EVP_CIPHER *c = EVP_CIPHER_fetch(lib, t->ossl, NULL);
    if (!c)
        fail_msg("OpenSSL has no %s", t->ossl);
    assert_int_equal(EVP_CIPHER_get_key_length(c), t->key_len);
    if (t->keybits)
        assert_int_equal(t->key_len * 8, t->keybits);
    if (t->salt_len) /* RFC 4106 §4: the nonce is salt and IV */
        assert_int_equal(EVP_CIPHER_get_iv_length(c), t->salt_len + t->iv_len);
    else
        assert_int_equal(EVP_CIPHER_get_iv_length(c), t->iv_len);
    assert_int_equal(EVP_CIPHER_get_block_size(c), t->block);
    EVP_CIPHER_free(c);
}

static void test_lengths(void **state)
{
    (void)state;
    OSSL_LIB_CTX *lib = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *def = OSSL_PROVIDER_load(lib, "default");
    OSSL_PROVIDER *legacy = OSSL_PROVIDER_load(lib, "legacy");
    assert_true(def && legacy);
    for (size_t i = 0; transform_at(i); i++) {
        const struct transform *t = transform_at(i);
        if (t->type == T_ENCR && t->id != ENCR_NULL)
            check_cipher(lib, t);
        if ((t->type != T_PRF && t->type != T_INTEG) || !t->ossl)
            continue;
        EVP_MD *m = EVP_MD_fetch(lib, t->ossl, NULL);
        assert_non_null(m);
        assert_int_equal(EVP_MD_get_size(m), t->key_len); /* RFC 4868 §2.1.1 */
        if (t->type == T_PRF)
            assert_int_equal(t->icv_len, t->key_len);
        else
            assert_true(t->icv_len == 12 || t->icv_len * 2 == t->key_len);
        EVP_MD_free(m);
    }
    OSSL_PROVIDER_unload(legacy);
    OSSL_PROVIDER_unload(def);
    OSSL_LIB_CTX_free(lib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_by_number),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
