/* Lines without a person: what a paste prints, and terminal bytes. */
#include "shell/script.h"
#include "shell/term.h"
#include "fake_engine.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct run {
    struct script script;
    bool whole;
    char *out;
    size_t len;
};

/* Runs text as the lines of a file (name) or as commands (NULL). */
static void run_text(struct run *r, bool asa, bool crlf, const char *text, const char *name)
{
    struct link l;
    struct cli_hello hello = {.kind = CLI_CONSOLE};
    int fd;
    pid_t engine = fake_start(&fd, asa);
    assert_int_equal(link_open(&l, fd), 0);
    link_hello(&l, &hello, "");
    link_send(&l, CLI_START, "");
    while (!l.idle)
        assert_true(link_receive(&l));
    FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    FILE *out = open_memstream(&r->out, &r->len);
    r->script = (struct script){.link = &l, .out = out, .crlf = crlf};
    r->whole = script_run(&r->script, in, name);
    fclose(in);
    fclose(out);
    link_close(&l);
    waitpid(engine, NULL, 0);
}

static void check_run(bool asa, const char *text, const char *name, const char *want,
                      unsigned long lines, unsigned long refused)
{
    struct run r = {0};
    run_text(&r, asa, false, text, name);
    assert_true(r.whole);
    assert_string_equal(r.out, want);
    assert_int_equal(r.script.lines, lines);
    assert_int_equal(r.script.refused, refused);
    free(r.out);
}

static void good_lines_print_nothing(void **state)
{
    (void)state;
    check_run(true, "conf\ninterface x\n!\n\nend\n", "a.cfg", "", 5, 0);
}

static void refused_line_is_found_by_name_and_number(void **state)
{
    (void)state;
    check_run(true, "conf\nbad line here\r\nsay good\nbad 2", "a.cfg",
              "a.cfg:2: bad line here\n            ^\nERROR: % Invalid input detected at '^' "
              "marker.\ngood\na.cfg:4: bad 2\n            ^\nERROR: % Invalid input detected at "
              "'^' marker.\n",
              4, 2);
}

static void numbers_begin_anew_with_each_text(void **state)
{
    (void)state;
    struct link l;
    int fd;
    char *text = NULL;
    size_t len = 0;
    pid_t engine = fake_start(&fd, true);
    assert_int_equal(link_open(&l, fd), 0);
    link_hello(&l, &(struct cli_hello){.kind = CLI_CONSOLE}, "");
    FILE *out = open_memstream(&text, &len);
    struct script s = {.link = &l, .out = out};
    static const char *const texts[] = {"conf\n", "say x\nbad a\n", "copy\nz\nbad b\n"};
    for (int i = 0; i < 3; i++) {
        FILE *in = fmemopen((void *)(uintptr_t)texts[i], strlen(texts[i]), "r");
        assert_true(script_run(&s, in, i ? "f" : NULL));
        fclose(in);
    }
    fclose(out);
    assert_non_null(strstr(text, "f:2: bad a\n"));
    assert_non_null(strstr(text, "f:3: bad b\n"));
    assert_int_equal(s.lines, 6);
    free(text);
    link_close(&l);
    waitpid(engine, NULL, 0);
}

static void commands_print_their_output_alone(void **state)
{
    (void)state;
    check_run(false, "say a\nbad", NULL, "a\n   ^\n% Invalid input detected at '^' marker.\n\n", 2,
              1);
}

static void question_takes_the_next_line(void **state)
{
    (void)state;
    check_run(false, "copy\n\nreload\ny\nsay on\ncopy", "a.cfg",
              "copy was answered \"\"\nreload was answered \"y\"\non\ncopy was answered \"\"\n", 6,
              0);
}

static void text_may_go_on_over_lines(void **state)
{
    (void)state;
    check_run(false, "conf\ntext\n  bad\n#\nsay on", NULL, "<text>\n<  bad>\n<#>\non\n", 5, 0);
    check_run(false, "text\nbad\n", NULL, "<text>\n<bad>\n% A text has no end\n", 2, 1);
}

static void what_nobody_confirms_is_not_done(void **state)
{
    (void)state;
    check_run(false, "reload", NULL, "reload was answered \"n\"\n", 1, 0);
    check_run(false, "copy", NULL, "copy was answered \"\"\n", 1, 0);
}

static void large_output_is_not_held_back(void **state)
{
    (void)state;
    struct run r = {0};
    run_text(&r, false, false, "lines 9999\n", "a.cfg");
    assert_true(r.whole);
    assert_true(r.len > 64 * 1024);
    assert_memory_equal(r.out, "line 1\n", 7);
    assert_string_equal(r.out + r.len - 10, "line 9999\n");
    free(r.out);
}

static void lines_behind_the_end_are_reported(void **state)
{
    (void)state;
    struct run r = {0};
    run_text(&r, false, false, "say a\nexit\nsay b\n", "a.cfg");
    assert_false(r.whole);
    assert_int_equal(r.script.lines, 2);
    free(r.out);
    memset(&r, 0, sizeof(r));
    run_text(&r, false, false, "say a\nexit\n", "a.cfg");
    assert_true(r.whole);
    free(r.out);
}

static void terminal_wants_carriage_returns(void **state)
{
    (void)state;
    struct run r = {0};
    run_text(&r, false, true, "lines 2\n", NULL);
    assert_string_equal(r.out, "line 1\r\nline 2\r\n");
    free(r.out);
}

/* --- term --------------------------------------------------------------------------------------
 */

static void line_ends_are_one_key(void **state)
{
    (void)state;
    static const char in[] = "a\rb\nc\r\nd\0e\r";
    static const char want[] = "a\nb\nc\nde\n";
    int p[2];
    struct term t;
    assert_int_equal(pipe(p), 0);
    term_init(&t, p[0], -1, true);
    assert_int_equal(write(p[1], in, sizeof(in) - 1), sizeof(in) - 1);
    assert_true(term_fill(&t));
    for (size_t i = 0; want[i]; i++)
        assert_int_equal(term_key(&t), want[i]);
    assert_int_equal(term_key(&t), -1);
    close(p[1]);
    assert_false(term_fill(&t));
    assert_true(t.eof);
    close(p[0]);
}

static void line_end_cut_by_the_buffer_is_one_key(void **state)
{
    (void)state;
    char buf[TERM_IN + 1];
    int p[2];
    struct term t;
    memset(buf, 'x', sizeof(buf));
    assert_int_equal(pipe(p), 0);
    term_init(&t, p[0], -1, true);
    buf[TERM_IN - 2] = '\r'; /* the last byte that fits */
    buf[TERM_IN - 1] = '\n';
    assert_int_equal(write(p[1], buf, TERM_IN), TERM_IN);
    assert_true(term_fill(&t));
    assert_true(term_full(&t));
    for (unsigned i = 0; i < TERM_IN - 2; i++)
        assert_int_equal(term_key(&t), 'x');
    assert_int_equal(term_key(&t), '\n');
    assert_int_equal(term_key(&t), -1);
    close(p[0]);
    close(p[1]);
}

static void given_back_key_comes_next(void **state)
{
    (void)state;
    int p[2];
    struct term t;
    assert_int_equal(pipe(p), 0);
    term_init(&t, p[0], -1, true);
    assert_int_equal(write(p[1], "ab", 2), 2);
    assert_true(term_fill(&t));
    assert_int_equal(term_key(&t), 'a');
    term_unkey(&t, 'z');
    assert_int_equal(write(p[1], "c", 1), 1);
    assert_true(term_fill(&t));
    assert_int_equal(term_key(&t), 'z');
    assert_int_equal(term_key(&t), 'b');
    assert_int_equal(term_key(&t), 'c');
    close(p[0]);
    close(p[1]);
}

static void abort_key_is_seen_behind_type_ahead(void **state)
{
    (void)state;
    int p[2];
    struct term t;
    assert_int_equal(pipe(p), 0);
    term_init(&t, p[0], -1, true);
    assert_int_equal(write(p[1], "a", 1), 1);
    assert_true(term_fill(&t));
    assert_false(term_take_abort(&t, 0));
    assert_int_equal(write(p[1], "\x03", 1), 1);
    assert_true(term_fill(&t));
    assert_false(term_take_abort(&t, 2)); /* only what is new counts */
    assert_true(term_take_abort(&t, 1));
    assert_int_equal(term_key(&t), 'a');
    assert_int_equal(term_key(&t), 3);
    assert_int_equal(write(p[1], "\x1e", 1), 1);
    assert_true(term_fill(&t));
    assert_true(term_take_abort(&t, 0)); /* alone: it is used up */
    assert_int_equal(term_key(&t), -1);
    close(p[0]);
    close(p[1]);
}

static void column_follows_what_is_written(void **state)
{
    (void)state;
    int p[2];
    char got[32];
    struct term t;
    assert_int_equal(pipe(p), 0);
    term_init(&t, -1, p[1], true);
    term_puts(&t, "ab\xc3\xbc");
    assert_int_equal(t.column, 3);
    term_fresh_line(&t);
    term_fresh_line(&t);
    assert_int_equal(t.column, 0);
    term_puts(&t, "x\b\b\a");
    assert_int_equal(t.column, 0);
    term_flush(&t);
    assert_int_equal(read(p[0], got, sizeof(got)), 10);
    assert_memory_equal(got, "ab\xc3\xbc\r\nx\b\b\a", 10);
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines_print_nothing),
        cmocka_unit_test(refused_line_is_found_by_name_and_number),
        cmocka_unit_test(numbers_begin_anew_with_each_text),
        cmocka_unit_test(commands_print_their_output_alone),
        cmocka_unit_test(question_takes_the_next_line),
        cmocka_unit_test(text_may_go_on_over_lines),
        cmocka_unit_test(what_nobody_confirms_is_not_done),
        cmocka_unit_test(large_output_is_not_held_back),
        cmocka_unit_test(lines_behind_the_end_are_reported),
        cmocka_unit_test(terminal_wants_carriage_returns),
        cmocka_unit_test(line_ends_are_one_key),
        cmocka_unit_test(line_end_cut_by_the_buffer_is_one_key),
        cmocka_unit_test(given_back_key_comes_next),
        cmocka_unit_test(abort_key_is_seen_behind_type_ahead),
        cmocka_unit_test(column_follows_what_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
