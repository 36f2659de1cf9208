/* The local terminal: a session on a real pty, and the terminal as it was afterwards. */
#include "shell/console.h"
#include "fake_engine.h"
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <utmp.h>
#include <cmocka.h>

#define PATIENCE_MS 100000

struct seat {
    int tty;
    int other_end; /* keeps the pty's settings alive when the session has ended */
    pid_t shell, engine;
    struct termios before;
};

static int shell_process(int engine)
{
    struct link l;
    struct cli_window w;
    console_window(STDOUT_FILENO, &w);
    struct cli_hello hello = {.kind = CLI_CONSOLE,
                              .interactive = 1,
                              .lines = w.lines,
                              .columns = w.columns};
    if (link_open(&l, engine) < 0)
        return 99;
    link_hello(&l, &hello, "");
    int status = console_run(&l, true);
    link_close(&l);
    return status;
}

static void sit_down(struct seat *s)
{
    struct winsize size = {.ws_row = 40, .ws_col = 100};
    int engine;
    s->engine = fake_start(&engine, false);
    assert_int_equal(openpty(&s->tty, &s->other_end, NULL, NULL, &size), 0);
    assert_int_equal(tcgetattr(s->other_end, &s->before), 0);
    s->shell = fork();
    if (s->shell == 0) {
        close(s->tty);
        login_tty(dup(s->other_end));
        _exit(shell_process(engine));
    }
    close(engine);
}

static void type(const struct seat *s, const char *keys)
{
    assert_int_equal(write(s->tty, keys, strlen(keys)), strlen(keys));
}

/* Reads up to and with the last byte of text, which must be all that came. */
static void expect(const struct seat *s, const char *text)
{
    struct str got = {0};
    char buf[512];
    while (got.len < strlen(text)) {
        struct pollfd f = {.fd = s->tty, .events = POLLIN};
        size_t want = strlen(text) - got.len;
        if (poll(&f, 1, PATIENCE_MS) != 1)
            break;
        ssize_t n = read(s->tty, buf, want < sizeof(buf) ? want : sizeof(buf));
        if (n <= 0)
            break;
        str_addn(&got, buf, (size_t)n);
    }
    assert_string_equal(str_text(&got), text);
    str_free(&got);
}

static void stand_up(struct seat *s, int status)
{
    struct termios after;
    int st = 0;
    assert_int_equal(waitpid(s->shell, &st, 0), s->shell);
    assert_true(WIFEXITED(st));
    assert_int_equal(WEXITSTATUS(st), status);
    assert_int_equal(tcgetattr(s->other_end, &after), 0);
    assert_int_equal(after.c_lflag, s->before.c_lflag);
    assert_int_equal(after.c_iflag, s->before.c_iflag);
    assert_int_equal(after.c_oflag, s->before.c_oflag);
    close(s->tty);
    close(s->other_end);
    waitpid(s->engine, NULL, 0);
}

static void session_on_a_terminal(void **state)
{
    (void)state;
    struct seat s;
    sit_down(&s);
    expect(&s, "R1#");
    type(&s, "size\r");
    expect(&s, "size\r\n100 by 40, 1\r\nR1#");
    type(&s, "lines 50\r"); /* --no-pager */
    struct str want = {0};
    str_add(&want, "lines 50\r\n");
    for (int i = 1; i <= 50; i++)
        str_printf(&want, "line %d\r\n", i);
    str_add(&want, "R1#");
    expect(&s, str_text(&want));
    str_free(&want);
    type(&s, "ping\r");
    expect(&s, "ping\r\n!");
    type(&s, "\x03"); /* a key, not a signal */
    expect(&s, "aborted\r\nR1#");
    type(&s, "exit\r");
    expect(&s, "exit\r\n\r\nLogoff\r\n\r\n");
    stand_up(&s, 0);
}

static void hangup_restores_the_terminal(void **state)
{
    (void)state;
    struct seat s;
    sit_down(&s);
    expect(&s, "R1#");
    kill(s.shell, SIGTERM);
    stand_up(&s, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_on_a_terminal),
        cmocka_unit_test(hangup_restores_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
