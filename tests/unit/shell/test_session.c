/*
 * Interactive sessions, byte for byte: the test is the terminal on one side, a small engine
 * stands on the other. Each session runs in a process of its own, as readline demands.
 */
#include "shell/session.h"
#include "fake_engine.h"
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define PATIENCE_MS 100000

struct person {
    int fd, control;
    pid_t shell, engine;
};

static enum session_control on_control(int fd, struct cli_window *w)
{
    return recv(fd, w, sizeof(*w), 0) == sizeof(*w) ? CONTROL_WINDOW : CONTROL_HANGUP;
}

static int shell_process(int engine, int sock, int control, unsigned columns)
{
    struct link l;
    struct cli_hello hello = {.kind = CLI_SSH, .interactive = 1};
    struct session_io io = {.in = sock,
                            .out = sock,
                            .crlf = true,
                            .by_result = true,
                            .columns = columns,
                            .control = control,
                            .on_control = on_control};
    if (link_open(&l, engine) < 0)
        return 99;
    link_hello(&l, &hello, "192.0.2.1");
    int status = session_run(&l, &io);
    link_close(&l);
    return status;
}

static struct person sit_down(bool asa, unsigned columns)
{
    struct person p;
    int engine, pair[2], control[2];
    p.engine = fake_start(&engine, asa);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, control), 0);
    p.shell = fork();
    if (p.shell == 0) {
        close(pair[0]);
        close(control[0]);
        _exit(shell_process(engine, pair[1], control[1], columns));
    }
    close(engine);
    close(pair[1]);
    close(control[1]);
    p.fd = pair[0];
    p.control = control[0];
    return p;
}

static void type_bytes(const struct person *p, const char *keys, size_t len)
{
    while (len) {
        ssize_t n = send(p->fd, keys, len, MSG_NOSIGNAL);
        assert_true(n > 0);
        keys += n;
        len -= (size_t)n;
    }
}

static void type(const struct person *p, const char *keys)
{
    type_bytes(p, keys, strlen(keys));
}

/* Reads until `want` bytes (0: until the end) have come. */
static void read_screen(const struct person *p, size_t want, struct str *got)
{
    char buf[4096];
    while (!want || got->len < want) {
        struct pollfd f = {.fd = p->fd, .events = POLLIN};
        size_t room = want && want - got->len < sizeof(buf) ? want - got->len : sizeof(buf);
        if (poll(&f, 1, PATIENCE_MS) != 1)
            break;
        ssize_t n = read(p->fd, buf, room);
        if (n <= 0)
            break;
        str_addn(got, buf, (size_t)n);
    }
}

static void expect(const struct person *p, const char *text)
{
    struct str got = {0};
    read_screen(p, strlen(text), &got);
    assert_string_equal(str_text(&got), text);
    str_free(&got);
}

/* The rest of the stream is exactly this, and the session ends with this status. */
static void expect_end(const struct person *p, const char *text, int status)
{
    struct str got = {0};
    int st = 0;
    read_screen(p, 0, &got);
    assert_string_equal(str_text(&got), text);
    str_free(&got);
    close(p->fd);
    close(p->control);
    assert_int_equal(waitpid(p->shell, &st, 0), p->shell);
    assert_true(WIFEXITED(st));
    assert_int_equal(WEXITSTATUS(st), status);
    waitpid(p->engine, NULL, 0);
}

#define LOGOFF "exit\r\n\r\nLogoff\r\n\r\n"

/* --- lines ----------------------------------------------------------------------------------- */

static void lines_are_echoed_once_and_answered_in_order(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "say one\nsay two\r\nbad\r  \nsay three\nexit\n");
    expect_end(&p,
               "R1#say one\r\none\r\nR1#say two\r\ntwo\r\n"
               "R1#bad\r\n   ^\r\n% Invalid input detected at '^' marker.\r\n\r\n"
               "R1#  \r\nR1#say three\r\nthree\r\nR1#" LOGOFF,
               1);
}

static void asa_prompt_has_its_blank(void **state)
{
    (void)state;
    struct person p = sit_down(true, 80);
    type(&p, "conf\rend\rexit\r");
    expect_end(&p, "fw# conf\r\nfw(config)# end\r\nfw# " LOGOFF, 0);
}

/* In a text over several lines nothing but its end means anything. */
static void text_is_taken_as_it_is(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "conf\ntext\nsay what?\n\nexit\n#\nsay done\n\x10\x10\x10\n#\n");
    expect(&p, "R1#conf\r\nR1(config)#text\r\n<text>\r\nsay what?\r\n<say what?>\r\n"
               "\r\n<>\r\nexit\r\n<exit>\r\n#\r\n<#>\r\nR1(config)#say done\r\ndone\r\n");
    /* Nothing of it is in the history. */
    expect(&p, "R1(config)#say done\b\b\b\b\b\b\b\btext    \b\b\b\b\b\b\b\bconf\r\n");
    close(p.fd);
    close(p.control);
    waitpid(p.shell, NULL, 0);
    waitpid(p.engine, NULL, 0);
}

static void text_is_taken_back_by_the_abort_keys(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "conf\ntext\nof no use");
    expect(&p, "R1#conf\r\nR1(config)#text\r\n<text>\r\nof no use");
    type(&p, "\x03");
    expect(&p, "^C\r\naborted\r\nR1(config)#");
    type(&p, "text\n\x1a");
    expect(&p, "text\r\n<text>\r\n^Z\r\naborted\r\nR1(config)#");
    type(&p, "exit\n");
    expect_end(&p, LOGOFF, 0);
}

static void hundred_lines_at_once(void **state)
{
    (void)state;
    struct str in = {0}, out = {0};
    for (int i = 0; i < 100; i++) {
        str_printf(&in, "say this is number %d\n", i);
        str_printf(&out, "R1#say this is number %d\r\nthis is number %d\r\n", i, i);
    }
    str_add(&in, "count\nexit\n");
    str_add(&out, "R1#count\r\n101 commands\r\nR1#" LOGOFF);
    struct person p = sit_down(false, 80);
    type_bytes(&p, in.s, in.len);
    expect_end(&p, out.s, 0);
    str_free(&in);
    str_free(&out);
}

static void long_line_is_echoed_whole(void **state)
{
    (void)state;
    struct str in = {0}, out = {0};
    str_add(&in, "say ");
    for (int i = 0; i < 500; i++)
        str_addc(&in, (char)('a' + i % 26));
    str_printf(&out, "R1#%s\r\n%s\r\nR1#" LOGOFF, in.s, in.s + 4);
    str_add(&in, "\nexit\n");
    struct person p = sit_down(false, 80);
    type_bytes(&p, in.s, in.len);
    expect_end(&p, out.s, 0);
    str_free(&in);
    str_free(&out);
}

static void the_end_of_input_ends_the_line_and_the_session(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "say one\nsay last");
    shutdown(p.fd, SHUT_WR);
    expect_end(&p, "R1#say one\r\none\r\nR1#say last\r\nlast\r\nR1#", 0);
}

static void text_beyond_ascii_passes(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "say Z\xc3\xbcrich\x7f\x7f\x7f\x7f\x7fug\nexit\n");
    expect(&p, "R1#say Z");
    struct str got = {0};
    read_screen(&p, 0, &got);
    assert_non_null(strstr(got.s, "\r\nZug\r\n"));
    str_free(&got);
    expect_end(&p, "", 0);
}

/* --- keys ------------------------------------------------------------------------------------ */

static void question_mark_helps_without_enter(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "sh?ow ?x\nexit\n");
    expect_end(&p,
               "R1#sh?\r\nshow\r\n\r\nR1#show ?\r\n  show  Show things\r\n\r\nR1#show x\r\n"
               "R1#" LOGOFF,
               0);
}

static void quoted_question_mark_is_text(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "say a\x16?b\nexit\n");
    expect_end(&p, "R1#say a?b\r\na?b\r\nR1#" LOGOFF, 0);
}

static void tab_completes_on_a_new_row(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    expect(&p, "R1#");
    type(&p, "sh\t");
    expect(&p, "sh\r\nR1#show ");
    type(&p, "\x15xy\t"); /* the line is deleted; nothing begins with xy */
    expect(&p, "\b\b\b\b\b     \b\b\b\b\bxy\a");
    type(&p, "\nexit\n");
    expect_end(&p, "\r\nR1#" LOGOFF, 0);
}

static void pasted_tab_is_a_blank(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "\tsay a\tb\nexit\n");
    expect_end(&p, "R1#say a b\r\na b\r\nR1#" LOGOFF, 0);
}

static void editing_in_the_middle(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    expect(&p, "R1#");
    type(&p, "sy x");
    expect(&p, "sy x");
    type(&p, "\x01\x06"); /* begin, one forward */
    expect(&p, "\b\b\b\bs");
    type(&p, "a");
    expect(&p, "ay x\b\b\b");
    type(&p, "\nexit\n");
    expect_end(&p, "y x\r\nx\r\nR1#" LOGOFF, 0);
}

static void history_has_no_duplicates_and_a_size(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "say a\nsay b\nsay c\nsay a\n");
    expect(&p, "R1#say a\r\na\r\nR1#say b\r\nb\r\nR1#say c\r\nc\r\nR1#say a\r\na\r\nR1#");
    type(&p, "\x10"); /* the last */
    expect(&p, "say a");
    type(&p, "\033[A"); /* c, as the first a is gone */
    expect(&p, "\bc");
    type(&p, "\x10");
    expect(&p, "\bb");
    type(&p, "\x10\x10"); /* three lines are kept: there is nothing above b */
    type(&p, "\nexit\n");
    expect_end(&p, "\r\nb\r\nR1#" LOGOFF, 0);
}

static void lines_with_secrets_are_not_in_the_history(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "say a\nkey S3cret\nkey S3cret\n");
    expect(&p, "R1#say a\r\na\r\nR1#key S3cret\r\nR1#key S3cret\r\nR1#");
    type(&p, "\x10"); /* the last but those */
    expect(&p, "say a");
    type(&p, "\nexit\n");
    expect_end(&p, "\r\na\r\nR1#" LOGOFF, 0);
}

static void control_z_and_control_c_leave_configuration(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "conf\nsay x\x1a"
             "conf\nrubbish\x03"
             "say y\x1a\x03"
             "exit\n");
    expect_end(&p,
               "R1#conf\r\nR1(config)#say x^Z\r\nx\r\nR1#conf\r\nR1(config)#rubbish^C\r\n"
               "R1#say y^Z\r\ny\r\nR1#^C\r\nR1#" LOGOFF,
               0);
}

static void long_line_edited_in_an_upper_row_scrolls_sideways(void **state)
{
    (void)state;
    struct person p = sit_down(false, 20);
    expect(&p, "R1#");
    type(&p, "say abcdefghijklmnopqrstuvwxyz");
    expect(&p, "say abcdefghijklmnopqrstuvwxyz");
    type(&p, "\x01"); /* two rows up: drawn on a row of its own */
    expect(&p, "\r\nR1#say abcdefghijk$\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b");
    type(&p, "\nexit\n");
    struct str got = {0};
    read_screen(&p, 0, &got);
    assert_non_null(strstr(got.s, "\r\nabcdefghijklmnopqrstuvwxyz\r\nR1#" LOGOFF));
    str_free(&got);
    expect_end(&p, "", 0);
}

static void end_of_file_key_does_nothing_on_an_empty_line(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "\x04\x04say x\nexit\n");
    expect_end(&p, "R1#say x\r\nx\r\nR1#" LOGOFF, 0);
}

/* --- pager ----------------------------------------------------------------------------------- */

#define MORE_IOS  " --More-- "
#define ERASE_IOS "\b\b\b\b\b\b\b\b\b         \b\b\b\b\b\b\b\b\b\b"
#define MORE_ASA  "<--- More --->"
#define ERASE_ASA "\r              \r"

static void pager_pages_lines_and_quits(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "page 3\nlines 9\n");
    expect(&p, "R1#page 3\r\nR1#lines 9\r\nline 1\r\nline 2\r\n" MORE_IOS);
    type(&p, " ");
    expect(&p, ERASE_IOS "line 3\r\nline 4\r\n" MORE_IOS);
    type(&p, "\r");
    expect(&p, ERASE_IOS "line 5\r\n" MORE_IOS);
    type(&p, "q");
    expect(&p, ERASE_IOS "R1#");
    type(&p, "lines 2\nexit\n"); /* just fits: no question */
    expect_end(&p, "lines 2\r\nline 1\r\nline 2\r\nR1#" LOGOFF, 0);
}

static void asa_pager(void **state)
{
    (void)state;
    struct person p = sit_down(true, 80);
    type(&p, "page 3\nlines 4\n");
    expect(&p, "fw# page 3\r\nfw# lines 4\r\nline 1\r\nline 2\r\n" MORE_ASA);
    type(&p, " ");
    expect(&p, ERASE_ASA "line 3\r\nline 4\r\nfw# ");
    type(&p, "page 0\nlines 4\nexit\n");
    expect_end(&p, "page 0\r\nfw# lines 4\r\nline 1\r\nline 2\r\nline 3\r\nline 4\r\nfw# " LOGOFF,
               0);
}

static void command_typed_ahead_leaves_the_pager_whole(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "page 3\nlines 9\nsay x\nexit\n");
    expect_end(&p,
               "R1#page 3\r\nR1#lines 9\r\nline 1\r\nline 2\r\n" MORE_IOS ERASE_IOS
               "R1#say x\r\nx\r\nR1#" LOGOFF,
               0);
}

static void pager_searches(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "page 3\nlines 9\n/8$\n");
    expect(&p, "R1#page 3\r\nR1#lines 9\r\nline 1\r\nline 2\r\n" MORE_IOS ERASE_IOS
               "/8$\r\nfiltering...\r\nline 8\r\nline 9\r\nR1#");
    type(&p, "exit\n");
    expect_end(&p, LOGOFF, 0);
}

/* --- questions, aborts, notices, filters ------------------------------------------------------ */

static void questions_echo_as_they_should(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "secret\nhidden\nstars\nab\x7f"
             "c\ncopy\n\ncopy\nfile\nreload\n\nreload\nnexit\n");
    expect_end(&p,
               "R1#secret\r\nPassword: \r\nsecret was answered \"hidden\"\r\n"
               "R1#stars\r\nPassword: **\b \b*\r\nstars was answered \"ac\"\r\n"
               "R1#copy\r\nDestination filename [startup-config]? \r\n"
               "copy was answered \"\"\r\n"
               "R1#copy\r\nDestination filename [startup-config]? file\r\n"
               "copy was answered \"file\"\r\n"
               "R1#reload\r\nProceed with reload? [confirm]\r\nreload was answered \"\"\r\n"
               "R1#reload\r\nProceed with reload? [confirm]n\r\nreload was answered \"n\"\r\n"
               "R1#" LOGOFF,
               0);
}

static void control_c_takes_a_question_back(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "copy\n\x03"
             "exit\n");
    expect_end(&p, "R1#copy\r\nDestination filename [startup-config]? \r\naborted\r\nR1#" LOGOFF,
               1);
}

static void running_command_is_aborted(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "ping\n");
    expect(&p, "R1#ping\r\n!");
    type(&p, "\x1e");
    expect(&p, "aborted\r\nR1#");
    type(&p, "ping\n");
    expect(&p, "ping\r\n!");
    type(&p, "say x\n\x03"); /* what was typed ahead is not lost */
    expect(&p, "aborted\r\nR1#say x\r\nx\r\nR1#^C\r\nR1#");
    type(&p, "exit\n");
    expect_end(&p, LOGOFF, 1);
}

static void notice_at_the_prompt(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "notice\n");
    expect(&p, "R1#notice\r\nR1#\r\n%LINK-3-UPDOWN: up\r\nR1#");
    type(&p, "exit\n");
    expect_end(&p, LOGOFF, 0);
}

static void output_is_filtered(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    type(&p, "include _2$\ninclude (\nexit\n");
    expect_end(&p,
               "R1#include _2$\r\nline 2\r\nR1#include (\r\n"
               "% Failed to compile regular expression.\r\nR1#" LOGOFF,
               1);
}

static void new_window_size_reaches_the_engine(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    struct cli_window w = {.lines = 50, .columns = 132};
    expect(&p, "R1#");
    assert_int_equal(send(p.control, &w, sizeof(w), 0), sizeof(w));
    type(&p, "say\b\b\b"); /* the size is taken before or between these keys */
    expect(&p, "say\b \b\b \b\b \b");
    type(&p, "size\nexit\n");
    expect_end(&p, "size\r\n132 by 50, 1\r\nR1#" LOGOFF, 0);
}

static void lost_engine_ends_the_session(void **state)
{
    (void)state;
    struct person p = sit_down(false, 80);
    expect(&p, "R1#");
    kill(p.engine, SIGKILL);
    expect_end(&p, "\r\n% The session was closed: the engine went away\r\n", 0);
}

static void rubbish_does_no_harm(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int round = 0; round < 20; round++) {
        struct person p = sit_down(round & 1, round % 3 ? 30 : 0);
        struct str keys = {0}, got = {0};
        int st = 0;
        for (int i = 0; i < 1500; i++) {
            seed = seed * 1103515245u + 12345u;
            /* many keys that do something, some of any kind */
            unsigned pick = (seed >> 16) % 160;
            str_addc(&keys, (char)(pick < 128 ? pick : (seed >> 24)));
        }
        str_add(&keys, "\n\npage 2\nlines 9\ncopy\n");
        type_bytes(&p, keys.s, keys.len);
        shutdown(p.fd, SHUT_WR);
        read_screen(&p, 0, &got);
        assert_int_equal(waitpid(p.shell, &st, 0), p.shell);
        assert_true(WIFEXITED(st) && WEXITSTATUS(st) <= 1);
        assert_null(memchr(got.s, 0x1b, got.len)); /* never a terminal code */
        close(p.fd);
        close(p.control);
        waitpid(p.engine, NULL, 0);
        str_free(&keys);
        str_free(&got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_echoed_once_and_answered_in_order),
        cmocka_unit_test(asa_prompt_has_its_blank),
        cmocka_unit_test(text_is_taken_as_it_is),
        cmocka_unit_test(text_is_taken_back_by_the_abort_keys),
        cmocka_unit_test(hundred_lines_at_once),
        cmocka_unit_test(long_line_is_echoed_whole),
        cmocka_unit_test(the_end_of_input_ends_the_line_and_the_session),
        cmocka_unit_test(text_beyond_ascii_passes),
        cmocka_unit_test(question_mark_helps_without_enter),
        cmocka_unit_test(quoted_question_mark_is_text),
        cmocka_unit_test(tab_completes_on_a_new_row),
        cmocka_unit_test(pasted_tab_is_a_blank),
        cmocka_unit_test(editing_in_the_middle),
        cmocka_unit_test(history_has_no_duplicates_and_a_size),
        cmocka_unit_test(lines_with_secrets_are_not_in_the_history),
        cmocka_unit_test(control_z_and_control_c_leave_configuration),
        cmocka_unit_test(long_line_edited_in_an_upper_row_scrolls_sideways),
        cmocka_unit_test(end_of_file_key_does_nothing_on_an_empty_line),
        cmocka_unit_test(pager_pages_lines_and_quits),
        cmocka_unit_test(asa_pager),
        cmocka_unit_test(command_typed_ahead_leaves_the_pager_whole),
        cmocka_unit_test(pager_searches),
        cmocka_unit_test(questions_echo_as_they_should),
        cmocka_unit_test(control_c_takes_a_question_back),
        cmocka_unit_test(running_command_is_aborted),
        cmocka_unit_test(notice_at_the_prompt),
        cmocka_unit_test(output_is_filtered),
        cmocka_unit_test(new_window_size_reaches_the_engine),
        cmocka_unit_test(rubbish_does_no_harm),
        cmocka_unit_test(lost_engine_ends_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
