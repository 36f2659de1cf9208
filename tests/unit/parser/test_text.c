/* Texts between two equal characters, over one line and over several. */
#include "tests/unit/parser/support.h"
#include <string.h>

static void lines(struct box *b, const char *text)
{
    while (*text) {
        char line[512];
        size_t n = strcspn(text, "\n");
        assert_true(n < sizeof(line));
        memcpy(line, text, n);
        line[n] = '\0';
        assert_string_equal(box_type(b, line), "");
        text += n + (text[n] == '\n');
    }
}

static void test_in_one_line(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    assert_says(&b, "greeting #hello  you# and nobody reads this", "");
    assert_prints(&b, "greeting ^Chello  you^C\n");
    assert_says(&b, "greeting ^CNo. 1#^C", "");
    assert_prints(&b, "greeting ^CNo. 1#^C\n");
    assert_says(&b, "greeting \003with the character itself\003", "");
    assert_prints(&b, "greeting ^Cwith the character itself^C\n");
    assert_says(&b, "greeting ##", "");
    assert_prints(&b, "greeting ^C^C\n");
    assert_says(&b, "no greeting", "");
    assert_prints(&b, "");
    assert_says(&b, "greeting", "% Incomplete command.\n\n");
    box_free(&b);
}

static void test_over_lines(void **state)
{
    (void)state;
    static const char text[] = "greeting ^C\n ! none of these\n\nis ?\na command^C\n";
    struct box b;
    box_init(&b, false);
    assert_says(&b, "greeting #", "");
    assert_int_equal(b.r.status, LINE_OPEN);
    assert_true(line_text_open(&b.more));
    lines(&b, " ! none of these\n\nis ?\na command# end\n");
    assert_int_equal(b.r.status, LINE_OK);
    assert_false(line_text_open(&b.more));
    assert_prints(&b, text);
    lines(&b, "no greeting\nname X\n"); /* the next line is a command again */
    lines(&b, text);
    lines(&b, "name Y\n");
    assert_non_null(strstr(box_show(&b, 0), text));
    assert_non_null(strstr(box_show(&b, 0), "name Y\n"));
    box_free(&b);
}

/* What ends the printed text does not stand in it. */
static void test_holds_the_mark(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    lines(&b, "greeting @a ^C b\n^C # c@\n");
    assert_prints(&b, "greeting %a ^C b\n^C # c%\n");
    lines(&b, "greeting %a ^C b\n^C # c%\n");
    assert_prints(&b, "greeting %a ^C b\n^C # c%\n");
    box_free(&b);
}

/* Too much is read to its end and refused; what follows is commands. */
static void test_bounds(void **state)
{
    (void)state;
    struct box b;
    char wide[300];
    box_init(&b, false);
    assert_says(&b, "greeting #0123456789012345678901234567890123456789#", "");
    assert_says(&b, "greeting #01234567890123456789012345678901234567890#",
                "                                                             ^\n% Invalid input "
                "detected at '^' marker.\n\n");
    lines(&b, "greeting #01234567890123456789\n01234567890123456789\n");
    assert_says(&b, "#", "% The text has too many characters\n\n");
    lines(&b, "greeting #\n");
    for (unsigned i = 0; i < 2000; i++)
        assert_says(&b, "a line of a text that is too long", "");
    assert_true(b.more.whole.len <= LINE_TEXT_MAX);
    assert_says(&b, "#", "% The text has too many characters\n\n");
    lines(&b, "greeting #\n");
    memset(wide, 'x', sizeof(wide) - 1);
    wide[sizeof(wide) - 1] = '\0';
    assert_says(&b, wide, "");
    assert_says(&b, "#", "% The text has too many characters\n\n");
    assert_says(&b, "name Z", "");
    assert_non_null(
        strstr(box_show(&b, 0), "greeting ^C0123456789012345678901234567890123456789^C"));
    box_free(&b);
}

static void add_report(void *ctx, const char *report)
{
    str_add((struct str *)ctx, report);
}

static void test_offline_check(void **state)
{
    (void)state;
    static const char text[] = "greeting #\nname\n#\nname A\ngreeting #\nname B\n";
    struct str out = {0};
    struct check_counts n = {0};
    check_text(false, "f", text, sizeof(text) - 1, add_report, &out, &n);
    assert_int_equal(n.act, 2);
    assert_int_equal(n.refused, 1);
    assert_string_equal(str_text(&out), "f:6: \n% A text has no end\n");
    str_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_one_line),    cmocka_unit_test(test_over_lines),
        cmocka_unit_test(test_holds_the_mark), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_offline_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
