/* Filters and pager: pure text in, text out. */
#include "shell/filter.h"
#include "lib/cliproto.h"
#include "shell/pager.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void collect(void *ctx, const char *text, size_t len)
{
    str_addn((struct str *)ctx, text, len);
}

/* Feeds in pieces of `step` bytes: where the frames are cut must not matter. */
static void check_filter_in_steps(unsigned kind, const char *re, const char *text, const char *want,
                                  size_t step)
{
    struct str got = {0};
    struct filter *f = filter_new(kind, re, strlen(re));
    assert_non_null(f);
    for (size_t at = 0, len = strlen(text); at < len; at += step)
        filter_feed(f, text + at, len - at < step ? len - at : step, collect, &got);
    filter_end(f, collect, &got);
    assert_string_equal(str_text(&got), want);
    filter_free(f);
    str_free(&got);
}

static void check_filter(unsigned kind, const char *re, const char *text, const char *want)
{
    check_filter_in_steps(kind, re, text, want, 1000);
    check_filter_in_steps(kind, re, text, want, 1);
    check_filter_in_steps(kind, re, text, want, 7);
}

static const char config[] = "hostname R3\n"
                             "crypto map MAPA 10 ipsec-isakmp\n"
                             " set peer 10.1.0.5\n"
                             " match address 101\n"
                             "!\n"
                             "interface FastEthernet0/0\n"
                             " ip address 10.1.0.3 255.255.255.0\n"
                             " crypto map MAPA redundancy VPN\n"
                             "!\n"
                             "end\n";

static void include_and_exclude(void **state)
{
    (void)state;
    check_filter(CLI_INCLUDE, "^ ?crypto", config,
                 "crypto map MAPA 10 ipsec-isakmp\n crypto map MAPA redundancy VPN\n");
    check_filter(CLI_EXCLUDE, "a|!|t", config, "end\n");
    check_filter(CLI_INCLUDE, "nothing", config, "");
}

static void begin(void **state)
{
    (void)state;
    check_filter(CLI_BEGIN, "VPN", config, " crypto map MAPA redundancy VPN\n!\nend\n");
}

static void count(void **state)
{
    (void)state;
    check_filter(CLI_COUNT, "10\\.1\\.", config, "Number of lines which match regexp = 2\n");
}

/* Seed 003: "sh run | s crypto map" */
static void section_of_the_seed(void **state)
{
    (void)state;
    check_filter(CLI_SECTION, "crypto map", config,
                 "crypto map MAPA 10 ipsec-isakmp\n set peer 10.1.0.5\n match address 101\n"
                 " crypto map MAPA redundancy VPN\n");
    check_filter(CLI_SECTION_EXCLUDE, "crypto map", config,
                 "hostname R3\n!\ninterface FastEthernet0/0\n"
                 " ip address 10.1.0.3 255.255.255.0\n!\nend\n");
}

static void section_with_deeper_levels(void **state)
{
    (void)state;
    static const char ipc[] = "ipc zone default\n association 1\n  no shutdown\n  protocol sctp\n"
                              "   local-port 5000\n    local-ip 10.0.0.1\n   remote-port 5000\n"
                              "!\nend\n";
    check_filter(CLI_SECTION, "protocol", ipc,
                 "  protocol sctp\n   local-port 5000\n    local-ip 10.0.0.1\n"
                 "   remote-port 5000\n");
    check_filter(CLI_SECTION, "5000", ipc,
                 "   local-port 5000\n    local-ip 10.0.0.1\n   remote-port 5000\n");
}

static void underscore_is_a_delimiter(void **state)
{
    (void)state;
    check_filter(CLI_INCLUDE, "current_peer", "current_peer: 10.0.0.1\ncurrentpeer\n",
                 "current_peer: 10.0.0.1\n");
    check_filter(CLI_INCLUDE, "_10_", "10\na 10\n10,b\n(10)\n{10}\n100\n210\na10b\n",
                 "10\na 10\n10,b\n(10)\n{10}\n");
    check_filter(CLI_INCLUDE, "a[_]b", "a_b\na b\n", "a_b\n");
    check_filter(CLI_INCLUDE, "a\\_b", "a_b\na b\n", "a_b\n");
    check_filter(CLI_INCLUDE, "[]_]", "a]b\na_b\na b\n", "a]b\na_b\n");
}

static void braces_are_text(void **state)
{
    (void)state;
    check_filter(CLI_INCLUDE, "a{2}", "aa\na{2}\n", "a{2}\n");
}

static void bad_expression_is_refused(void **state)
{
    (void)state;
    assert_null(filter_new(CLI_INCLUDE, "(", 1));
    assert_null(filter_new(CLI_INCLUDE, "[a", 2));
    assert_null(filter_new(CLI_INCLUDE, "a\\", 2));
}

static void last_line_without_its_end(void **state)
{
    (void)state;
    check_filter(CLI_INCLUDE, "b", "a\nb", "b\n");
}

static void overlong_line_is_cut(void **state)
{
    (void)state;
    struct str in = {0}, got = {0};
    for (size_t i = 0; i < FILTER_LINE + 1000; i++)
        str_addc(&in, 'x');
    str_add(&in, "\ny\n");
    struct filter *f = filter_new(CLI_INCLUDE, ".", 1);
    filter_feed(f, in.s, in.len, collect, &got);
    filter_end(f, collect, &got);
    assert_int_equal(got.len, FILTER_LINE + 1 + 2);
    filter_free(f);
    str_free(&in);
    str_free(&got);
}

/* --- pager ----------------------------------------------------------------------------------- */

static void page_leaves_a_row_for_the_question(void **state)
{
    (void)state;
    struct pager p;
    pager_start(&p, 3, 80, false);
    assert_int_equal(pager_take(&p, "a\nb\nc\n", 6), 4);
    assert_int_equal(pager_key(&p, ' '), PAGER_MORE);
    assert_int_equal(pager_take(&p, "c\n", 2), 2);
    assert_int_equal(pager_take(&p, "d\n", 2), 2);
    assert_int_equal(pager_take(&p, "e", 1), 0);
    assert_int_equal(pager_key(&p, '\n'), PAGER_MORE);
    assert_int_equal(pager_take(&p, "e\nf\n", 4), 2);
}

static void exact_page_asks_nothing(void **state)
{
    (void)state;
    struct pager p;
    pager_start(&p, 3, 80, false);
    assert_int_equal(pager_take(&p, "a\nb\n", 4), 4);
}

static void wrapped_line_takes_its_rows(void **state)
{
    (void)state;
    struct pager p;
    pager_start(&p, 4, 10, false);
    /* 25 columns: three rows */
    assert_int_equal(pager_take(&p, "1234567890123456789012345\nx\n", 28), 26);
    pager_start(&p, 4, 10, false);
    /* exactly ten columns: one row */
    assert_int_equal(pager_take(&p, "1234567890\n1234567890\n1\n2\n", 26), 24);
}

static void wrapped_line_is_not_torn_apart(void **state)
{
    (void)state;
    struct pager p;
    const char text[] = "1\n2\n1234567890123456789012345\nx\n";
    pager_start(&p, 5, 10, false);
    assert_int_equal(pager_take(&p, text, 32), 4); /* three rows do not fit behind two */
    assert_int_equal(pager_key(&p, '\n'), PAGER_MORE);
    assert_int_equal(pager_take(&p, text + 4, 28), 26); /* "one line" is the whole line */
    pager_start(&p, 3, 10, false);                      /* longer than a page: it has to be */
    assert_int_equal(pager_take(&p, text + 4, 28), 20);
    assert_int_equal(pager_key(&p, ' '), PAGER_MORE);
    assert_int_equal(pager_take(&p, text + 24, 8), 8);
}

static void page_of_zero_is_no_pager(void **state)
{
    (void)state;
    struct pager p;
    pager_start(&p, 0, 80, false);
    assert_int_equal(pager_take(&p, "a\nb\nc\n", 6), 6);
}

static void keys_of_the_pager(void **state)
{
    (void)state;
    struct pager p;
    pager_start(&p, 3, 80, false);
    assert_int_equal(pager_key(&p, 'q'), PAGER_QUIT);
    assert_int_equal(pager_key(&p, 3), PAGER_QUIT);
    assert_int_equal(pager_key(&p, 's'), PAGER_UNKEY);
    assert_int_equal(pager_key(&p, '/'), PAGER_SEARCH);
    pager_start(&p, 3, 80, true);
    assert_int_equal(pager_key(&p, '/'), PAGER_IGNORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(include_and_exclude),
        cmocka_unit_test(begin),
        cmocka_unit_test(count),
        cmocka_unit_test(section_of_the_seed),
        cmocka_unit_test(section_with_deeper_levels),
        cmocka_unit_test(underscore_is_a_delimiter),
        cmocka_unit_test(braces_are_text),
        cmocka_unit_test(bad_expression_is_refused),
        cmocka_unit_test(last_line_without_its_end),
        cmocka_unit_test(overlong_line_is_cut),
        cmocka_unit_test(page_leaves_a_row_for_the_question),
        cmocka_unit_test(exact_page_asks_nothing),
        cmocka_unit_test(wrapped_line_takes_its_rows),
        cmocka_unit_test(wrapped_line_is_not_torn_apart),
        cmocka_unit_test(page_of_zero_is_no_pager),
        cmocka_unit_test(keys_of_the_pager),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
