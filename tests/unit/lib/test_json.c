/* JSON: what is read, what is refused, and that nothing is read beyond the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/json.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int parse(struct json *j, const char *text)
{
    return json_parse(j, text, strlen(text), 1000);
}

static void values_of_all_kinds(void **state)
{
    struct json j;
    char buf[16];
    (void)state;
    assert_int_equal(parse(&j, " {\"a\": [1, 22, {\"b\":\"x\\/y\"}], \"t\":true,\"f\" : false,"
                               "\"n\":null, \"s\":\"\", \"o\":{}, \"neg\":-5} "),
                     0);
    const struct json_node *r = json_root(&j), *a = json_get(&j, r, "a");
    assert_int_equal(r->kind, JSON_OBJECT);
    assert_int_equal(a->kind, JSON_ARRAY);
    const struct json_node *n = json_first(&j, a);
    assert_int_equal(json_number(n), 1);
    n = json_next(&j, n);
    assert_int_equal(json_number(n), 22);
    n = json_next(&j, n);
    assert_string_equal(json_text(json_get(&j, n, "b"), buf, sizeof(buf)), "x/y");
    assert_null(json_next(&j, n));
    assert_true(json_true(json_get(&j, r, "t")));
    assert_false(json_true(json_get(&j, r, "f")));
    assert_int_equal(json_get(&j, r, "n")->kind, JSON_NULL);
    assert_null(json_first(&j, json_get(&j, r, "o")));
    assert_int_equal(json_number(json_get(&j, r, "neg")), 0);
    assert_null(json_get(&j, r, "missing"));
    assert_string_equal(json_text(NULL, buf, sizeof(buf)), "");
    assert_string_equal(json_key(a, buf, sizeof(buf)), "a");
    json_free(&j);
}

static void texts_are_cut_to_fit(void **state)
{
    struct json j;
    char buf[4];
    (void)state;
    assert_int_equal(parse(&j, "\"abcdef\""), 0);
    assert_string_equal(json_text(json_root(&j), buf, sizeof(buf)), "abc");
    assert_true(json_is(json_root(&j), "abcdef"));
    json_free(&j);
}

static void what_is_no_json_is_refused(void **state)
{
    static const char *const bad[] = {"",      "{",     "[1,]",   "{\"a\"}",    "{\"a\":}",
                                      "[1 2]", "{a:1}", "\"open", "[1]x",       "nul",
                                      "{,}",   "[,1]",  "\"a\\",  "{\"a\":1,}", "]"};
    struct json j;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        /* in memory of just its length, so that a sanitizer sees a read beyond it */
        size_t n = strlen(bad[i]);
        char *exact = (char *)malloc(n ? n : 1);
        memcpy(exact, bad[i], n);
        assert_int_equal(json_parse(&j, exact, n, 1000), -EINVAL);
        assert_null(j.v);
        free(exact);
    }
}

static void depth_and_size_have_an_end(void **state)
{
    struct json j;
    char deep[3 * JSON_DEPTH] = "";
    (void)state;
    memset(deep, '[', JSON_DEPTH);
    memset(deep + JSON_DEPTH, ']', JSON_DEPTH);
    assert_int_equal(parse(&j, deep), 0);
    json_free(&j);
    memset(deep, '[', JSON_DEPTH + 1);
    memset(deep + JSON_DEPTH + 1, ']', JSON_DEPTH + 1);
    assert_int_equal(parse(&j, deep), -EINVAL);
    assert_int_equal(json_parse(&j, "[1,2,3]", 7, 4), 0);
    json_free(&j);
    assert_int_equal(json_parse(&j, "[1,2,3]", 7, 3), -E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_all_kinds),
        cmocka_unit_test(texts_are_cut_to_fit),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(depth_and_size_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
