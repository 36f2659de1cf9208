/*
 * Password hashes against values made elsewhere: hashcat's published examples for the IOS types,
 * Python's hashlib for the ASA's.
 */
#include "modes/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char ios8[] = "$8$TnGX/fE4KGHOVU$pEhnEvxrvaynpi8j4f.EMHr6M.FzU8xnZnBr/tJdFWk";
static const char ios9[] = "$9$2MJBozw/9R3UsU$2lFhcKvpghcyw8deP25GOfyZaagyUOGBymkryvOdfo6";
static const char ios5[] = "$1$28772684$iEwNOgGugqO9.bIz5sk8k/";
static const char asa[] = "$sha512$5000$AAECAwQFBgcICQoLDA0ODw==$zZJIwWsAl5/cjF6C0UH2Mg==";

static void test_known(void **state)
{
    (void)state;
    assert_true(password_verify(ios8, "hashcat"));
    assert_true(password_verify(ios9, "hashcat"));
    assert_true(password_verify(ios5, "hashcat"));
    assert_true(password_verify(asa, "cisco123"));
    assert_false(password_verify(ios8, "Hashcat"));
    assert_false(password_verify(ios9, ""));
    assert_false(password_verify(ios5, "hashcat "));
    assert_false(password_verify(asa, "cisco12"));
}

static void test_round_trip(void **state)
{
    char a[PASSWORD_HASH_MAX], b[PASSWORD_HASH_MAX];
    (void)state;
    assert_int_equal(password_hash_asa("secret", a, sizeof a), 0);
    assert_int_equal(password_hash_asa("secret", b, sizeof b), 0);
    assert_string_not_equal(a, b); /* salted */
    assert_true(password_verify(a, "secret"));
    assert_true(password_verify(b, "secret"));
    assert_false(password_verify(a, "other"));
    assert_int_equal(password_hash_ios("secret", a, sizeof a), 0);
    assert_memory_equal(a, "$9$", 3);
    assert_int_equal(strlen(a), 3 + 14 + 1 + 43);
    assert_true(password_verify(a, "secret"));
    assert_false(password_verify(a, "secreT"));
    assert_int_equal(password_hash_asa("secret", a, 20), -1); /* no room: not cut */
}

/* Stored text that is no hash, or a broken one, never verifies and never reads past its end. */
static void test_broken(void **state)
{
    static const char *const bad[] = {"$sha512$",
                                      "$sha512$5000",
                                      "$sha512$5000$",
                                      "$sha512$5000$$",
                                      "$sha512$-1$AAAA$AAAA",
                                      "$sha512$99999999999999999999$AAAA$AAAA",
                                      "$sha512$5000$!!!!$AAAA",
                                      "$8$",
                                      "$8$salt",
                                      "$9$salt$",
                                      "$9$",
                                      "$1$",
                                      "$1$salt"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(password_is_hash(bad[i]));
        assert_false(password_verify(bad[i], ""));
        assert_false(password_verify(bad[i], "x"));
    }
    assert_false(password_is_hash("cisco"));
    assert_true(password_verify("cisco", "cisco")); /* IOS `password`: kept in clear */
    assert_false(password_verify("cisco", "cisc"));
    assert_false(password_verify("*****", "cisco"));
    assert_false(password_verify_nobody("anything"));
}

static void test_type_7(void **state)
{
    static const char *const bad[] = {
        "", "08", "082", "0822455D0A1", "A822455D0A16", "0822455D0AX6"};
    char out[64], small[5];
    (void)state;
    assert_int_equal(password_reveal("0822455D0A16", out, sizeof out), 0);
    assert_string_equal(out, "cisco");
    assert_int_equal(password_reveal("094F471A1A0A", out, sizeof out), 0);
    assert_string_equal(out, "cisco");
    assert_int_equal(password_reveal("0822455D0A16", small, sizeof small), -1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(password_reveal(bad[i], out, sizeof out), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_type_7),
    };
    return cmocka_run_group_tests_name("password", tests, NULL, NULL);
}
