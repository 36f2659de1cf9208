/*
 * Sessions as a protocol: who may come in, lines sent ahead, questions, Ctrl-C, notices, and
 * shells that do not follow the rules.
 */
#include "fake_shell.h"
#include "modes/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct box {
    struct control *c;
    struct cli *cli;
};

static struct box make(bool asa, const char *text)
{
    struct box b = {.c = fake_new()};
    struct lm_box box = {.asa = asa, .version = "9.16(2)"};
    b.cli = cli_new(b.c, &box);
    cli_load(b.cli, text, strlen(text));
    return b;
}

static void drop(struct box *b)
{
    cli_free(b->cli);
    fake_free(b->c);
}

static void turn(struct box *b)
{
    for (int i = 0; i < 4; i++)
        event_base_loop(b->c->base, EVLOOP_NONBLOCK);
}

static const char users[] = "interface g0/0\n nameif inside\n ip address 10.0.0.1 255.0.0.0\n"
                            "username admin password secret1 privilege 15\n"
                            "username guest password secret2\n"
                            "ssh 10.0.0.0 255.255.0.0 inside\n";

/* An engine that follows a crash: in force is what ran, saved is what was saved. */
static void test_resume(void **state)
{
    (void)state;
    struct box b = make(true, users);
    struct shell s;
    shell_open(&s, b.c, b.cli, true, false, "");
    shell_do(&s, CLI_START, "");
    shell_do(&s, CLI_EXEC, "configure terminal");
    shell_do(&s, CLI_EXEC, "domain-name kept.example");
    shell_do(&s, CLI_EXEC, "no username guest");
    for (int i = 0; i < 100 && !strstr(str_text(&b.c->kept), "kept.example"); i++)
        event_base_loop(b.c->base, EVLOOP_ONCE);
    char *left = strdup(str_text(&b.c->kept));
    shell_close(&s);
    drop(&b);
    assert_non_null(strstr(left, "domain-name kept.example"));
    assert_non_null(strstr(left, "username admin password $sha512$")); /* not masked */

    b.c = fake_new();
    b.cli = cli_new(b.c, &(struct lm_box){.asa = true, .version = "9.16(2)"});
    cli_resume(b.cli, users, strlen(users), left, strlen(left));
    assert_int_equal(b.c->applied, 1); /* the saved one is never made true in between */
    assert_string_equal(str_text(&b.c->kept), left);
    shell_open(&s, b.c, b.cli, true, false, "");
    shell_do(&s, CLI_START, "");
    shell_do(&s, CLI_EXEC, "show running-config");
    assert_non_null(strstr(str_text(&s.out), "domain-name kept.example"));
    assert_null(strstr(str_text(&s.out), "guest"));
    str_clear(&s.out);
    shell_do(&s, CLI_EXEC, "show startup-config");
    assert_null(strstr(str_text(&s.out), "kept.example"));
    assert_non_null(strstr(str_text(&s.out), "guest"));
    shell_close(&s);
    drop(&b);
    free(left);
}

struct log_text {
    unsigned n;
    char last[200];
};

static void log_text(void *ctx, enum log_level level, const char *area, const char *text)
{
    struct log_text *l = (struct log_text *)ctx;
    (void)level;
    assert_string_equal(area, "login");
    l->n++;
    str_copy(l->last, sizeof l->last, text);
}

/* A session may be there before the configuration is: it makes nothing true, and waits. */
static void test_not_before_the_configuration(void **state)
{
    static const struct lm_box box = {.asa = 1, .version = "9.16(2)", .restarted = 1};
    struct control *c = fake_new();
    struct cli *cli = cli_new(c, &box);
    (void)state;
    cli_ports_changed(cli);
    cli_apply_now(cli);
    assert_int_equal(c->applied, 0);
    struct shell s;
    shell_open(&s, c, cli, true, false, "");
    shell_send(&s, CLI_START, "", 0);
    for (int i = 0; i < 5; i++)
        event_base_loop(c->base, EVLOOP_NONBLOCK);
    assert_false(s.got_done);
    cli_load(cli, "hostname A\n", 11);
    assert_int_equal(c->applied, 1);
    shell_wait(&s);
    assert_non_null(strstr(shell_line(&s, "show running-config hostname"), "hostname A"));
    shell_close(&s);
    cli_free(cli);
    fake_free(c);
}

static void test_login(void **state)
{
    struct box b = make(true, users);
    struct shell s;
    (void)state;
    shell_open(&s, b.c, b.cli, false, false, "10.0.3.4");
    struct log_text seen = {0};
    b.c->log.level = LOGL_WARNING;
    b.c->log.sink = log_text;
    b.c->log.ctx = &seen;
    assert_false(shell_login(&s, "admin", "secret2"));
    assert_string_equal(seen.last,
                        "refused: user admin from 10.0.3.4 (0 more since the last line)");
    assert_false(shell_login(&s, "nobody", "secret1"));
    assert_int_equal(seen.n, 1); /* one a second */
    b.c->log.sink = NULL;
    assert_true(shell_login(&s, "admin", "secret1"));
    assert_int_equal(s.auth.privilege, 15);
    shell_do(&s, CLI_START, "");
    assert_string_equal(str_text(&s.prompt), "ciscoasa# "); /* a script: full privilege */
    assert_int_equal(s.done.page_lines, 0);
    shell_close(&s);
    /* a frame that ends with the user's name has no password */
    shell_open(&s, b.c, b.cli, false, true, "10.0.3.4");
    shell_do(&s, CLI_AUTH, "admin");
    assert_false(s.auth.ok);
    shell_close(&s);
    /* three failures are enough, the right password comes too late */
    shell_open(&s, b.c, b.cli, false, true, "10.0.3.4");
    for (int i = 0; i < 3; i++)
        assert_false(shell_login(&s, "admin", "wrong"));
    assert_false(shell_login(&s, "admin", "secret1"));
    shell_close(&s);
    /* an address that no `ssh` line names */
    shell_open(&s, b.c, b.cli, false, true, "10.1.3.4");
    assert_false(shell_login(&s, "admin", "secret1"));
    shell_close(&s);
    shell_open(&s, b.c, b.cli, false, true, "");
    assert_false(shell_login(&s, "admin", "secret1"));
    shell_close(&s);
    /* level 2 sees no configuration */
    shell_open(&s, b.c, b.cli, false, false, "10.0.3.4");
    assert_true(shell_login(&s, "guest", "secret2"));
    shell_do(&s, CLI_START, "");
    assert_non_null(strstr(shell_line(&s, "show running-config"), "Invalid input"));
    assert_true(s.done.refused);
    shell_close(&s);
    drop(&b);
}

static void test_auto_enable(void **state)
{
    struct box b = make(true, users);
    struct shell s;
    (void)state;
    shell_open(&s, b.c, b.cli, false, true, "10.0.3.4");
    assert_true(shell_login(&s, "admin", "secret1"));
    shell_do(&s, CLI_START, "");
    assert_string_equal(str_text(&s.prompt), "ciscoasa> ");
    shell_close(&s);
    drop(&b);
    struct str more = {0};
    str_printf(&more, "%saaa authorization exec LOCAL auto-enable\n", users);
    b = make(true, more.s);
    str_free(&more);
    shell_open(&s, b.c, b.cli, false, true, "10.0.3.4");
    assert_true(shell_login(&s, "admin", "secret1"));
    shell_do(&s, CLI_START, "");
    assert_string_equal(str_text(&s.prompt), "ciscoasa# ");
    shell_close(&s);
    drop(&b);
}

/* Nothing is obeyed before the session was admitted and started. */
static void test_rules(void **state)
{
    static const uint16_t early[] = {CLI_START, CLI_EXEC, CLI_HELP, CLI_COMPLETE};
    struct box b = make(true, users);
    struct shell s;
    (void)state;
    for (size_t i = 0; i < sizeof early / sizeof *early; i++) {
        shell_open(&s, b.c, b.cli, false, true, "10.0.3.4");
        shell_do(&s, early[i], "show version");
        assert_true(s.bye);
        assert_string_equal(str_text(&s.out), "");
        turn(&b);
        assert_true(s.closed); /* and the engine hangs up */
        shell_close(&s);
    }
    /* a HELLO that is too short, one that comes twice */
    shell_open(&s, b.c, b.cli, true, true, "");
    shell_do(&s, CLI_HELLO, "x");
    assert_true(s.bye);
    shell_close(&s);
    /* frames of the other direction and unknown ones are ignored */
    shell_open(&s, b.c, b.cli, true, false, "");
    shell_do(&s, CLI_START, "");
    shell_send(&s, CLI_OUT, "x", 1);
    shell_send(&s, 999, NULL, 0);
    shell_send(&s, CLI_ABORT, NULL, 0);
    shell_send(&s, CLI_ANSWER, "x", 1);
    shell_send(&s, CLI_WINDOW, "x", 1);
    assert_string_equal(shell_line(&s, "show hostname"), "ciscoasa\n");
    shell_close(&s);
    drop(&b);
}

/* A console that must authenticate gets no privilege for being local. */
static void test_must_auth(void **state)
{
    struct box b = make(true, users);
    struct shell s;
    struct cli_hello h = {.kind = CLI_SSH, .must_auth = 1};
    int fd[2];
    (void)state;
    s = (struct shell){.c = b.c};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    s.ipc = ipc_new(b.c->base, fd[1], shell_msg, shell_closed, &s);
    assert_int_equal(cli_attach(b.cli, fd[0], true), 0);
    ipc_send(s.ipc, CLI_HELLO, &h, sizeof h);
    shell_do(&s, CLI_START, "");
    assert_true(s.bye);
    shell_close(&s);
    drop(&b);
}

/* One more channel of who has logged in: the shell at its other end. */
static void vouch(struct box *b, struct shell *by, struct shell *s)
{
    static const struct cli_hello h = {.kind = CLI_SSH, .must_auth = 1};
    int fd[2];
    *s = (struct shell){.c = b->c};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    s->ipc = ipc_new(b->c->base, fd[1], shell_msg, shell_closed, s);
    ipc_send_fds(by->ipc, CLI_VOUCH, NULL, 0, &fd[0], 1);
    close(fd[0]);
    ipc_send(s->ipc, CLI_HELLO, &h, sizeof h);
    shell_do(s, CLI_START, "");
}

/* Who has proved who he is brings further channels, without another password. */
static void test_vouched(void **state)
{
    struct box b = make(true, users);
    struct shell login, root, s;
    (void)state;
    shell_open(&login, b.c, b.cli, false, true, "10.0.3.4");
    vouch(&b, &login, &s);
    assert_true(s.closed); /* not yet */
    shell_close(&s);
    assert_true(shell_login(&login, "admin", "secret1"));
    vouch(&b, &login, &s);
    assert_false(s.closed || s.bye);
    assert_string_equal(str_text(&s.prompt), "ciscoasa# ");
    assert_non_null(strstr(shell_line(&s, "show curpriv"), "admin"));
    shell_line(&s, "configure terminal");
    shell_line(&s, "no username admin"); /* it ends no session, but there will be no other */
    shell_close(&s);
    vouch(&b, &login, &s);
    assert_true(s.closed);
    shell_close(&s);
    shell_close(&login);
    shell_open(&root, b.c, b.cli, true, true, "");
    vouch(&b, &root, &s); /* the console has no name to give */
    assert_true(s.closed);
    shell_close(&s);
    shell_close(&root);
    drop(&b);
}

/* The shell is told which lines are not for its history. */
static void test_secret_lines(void **state)
{
    struct box b = make(true, "");
    struct shell s;
    (void)state;
    shell_open(&s, b.c, b.cli, true, false, "");
    shell_do(&s, CLI_START, "");
    shell_line(&s, "configure terminal");
    static const struct {
        const char *line;
        bool secret;
    } lines[] = {
        {"enable password S3cret", true},
        {"username bob password S3cret", true},
        {"tunnel-group 10.9.9.9 type ipsec-l2l", false},
        {"tunnel-group 10.9.9.9 ipsec-attributes", false},
        {"ikev2 local-authentication pre-shared-key S3cret", true},
        {"no ikev2 local-authentication pre-shared-key S3cret", true},
        {"hostname x", false},
        {"! S3cret", false},
        {"show clock", false},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        shell_line(&s, lines[i].line);
        if (s.done.secret != lines[i].secret)
            fail_msg("%s", lines[i].line);
    }
    assert_null(strstr(shell_line(&s, "show history"), "S3cret"));
    shell_close(&s);
    drop(&b);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Ten thousand lines in one go: all arrive, in order, and the intent is derived every 5 ms at most.
 */
static void test_paste(void **state)
{
    struct box b = make(true, "");
    struct shell s;
    char line[128];
    unsigned dones = 0;
    (void)state;
    shell_open(&s, b.c, b.cli, true, false, "");
    shell_do(&s, CLI_START, "");
    shell_line(&s, "configure terminal");
    unsigned before = b.c->applied;
    double begin = seconds();
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(line, sizeof line, "access-list A%u extended permit ip host 10.0.%u.%u any",
                 i / 100, i / 250, i % 250);
        shell_send(&s, CLI_EXEC, line, strlen(line));
        if (i % 1000 == 999)
            turn(&b);
    }
    shell_send(&s, CLI_EXEC, "hostname LAST", 13);
    while (strcmp(str_text(&s.prompt), "LAST(config)# ") != 0 && dones++ < 100000)
        event_base_loop(b.c->base, EVLOOP_ONCE);
    assert_string_equal(str_text(&s.prompt), "LAST(config)# ");
    shell_line(&s, "show hostname"); /* reads state: what was pasted is in force */
    assert_int_equal(b.c->intent.n_acl, 100);
    uint32_t aces = 0;
    for (uint32_t i = 0; i < b.c->intent.n_acl; i++)
        aces += b.c->intent.acl[i].n;
    assert_int_equal(aces, 10000);
    /* one of them for the show, and none for a line alone */
    assert_in_range(b.c->applied - before, 1, 2 + (unsigned)((seconds() - begin) / 0.005));
    shell_close(&s);
    drop(&b);
}

static void test_typed_ahead(void **state)
{
    struct box b = make(true, "");
    struct shell s;
    (void)state;
    shell_open(&s, b.c, b.cli, true, false, "");
    shell_do(&s, CLI_START, "");
    str_clear(&s.out);
    /* the ping runs on the loop; what follows waits for it */
    shell_send(&s, CLI_EXEC, "ping 10.0.0.9 repeat 3", 22);
    shell_send(&s, CLI_EXEC, "show hostname", 13);
    shell_send(&s, CLI_EXEC, "show privilege", 14);
    while (!strstr(str_text(&s.out), "privilege level"))
        event_base_loop(b.c->base, EVLOOP_ONCE);
    const char *out = str_text(&s.out);
    const char *first = strstr(out, "Success rate is 66 percent (2/3)");
    const char *second = strstr(out, "ciscoasa\n");
    assert_non_null(first);
    assert_non_null(second);
    assert_true(first < second);
    shell_close(&s);
    drop(&b);
}

static void test_abort(void **state)
{
    struct box b = make(true, "");
    struct shell s;
    (void)state;
    b.c->silent = true;
    shell_open(&s, b.c, b.cli, true, true, "");
    shell_do(&s, CLI_START, "");
    shell_line(&s, "enable");
    str_clear(&s.out);
    shell_send(&s, CLI_EXEC, "ping 10.0.0.9 repeat 1000000", 28);
    while (s.out.len < 150)
        event_base_loop(b.c->base, EVLOOP_ONCE);
    shell_send(&s, CLI_ABORT, NULL, 0);
    shell_wait(&s);
    assert_true(s.got_done);
    assert_non_null(strstr(str_text(&s.out), "Success rate is 0 percent (0/"));
    assert_string_equal(shell_line(&s, "show hostname"), "ciscoasa\n");
    /* at a question, Ctrl-C takes the command back */
    shell_do(&s, CLI_EXEC, "write erase");
    assert_true(s.got_ask);
    assert_true(s.ask_single);
    shell_send(&s, CLI_ABORT, NULL, 0);
    shell_wait(&s);
    assert_true(s.got_done);
    assert_false(b.c->erased);
    shell_close(&s);
    drop(&b);
}

/* The shell goes away while a ping runs, while a question waits, while a file is saved. */
static void test_gone(void **state)
{
    struct box b = make(true, "");
    struct shell s;
    (void)state;
    static const char *const line[] = {"ping 10.0.0.9 repeat 1000000", "reload", "write memory"};
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        shell_open(&s, b.c, b.cli, true, true, "");
        shell_do(&s, CLI_START, "");
        shell_line(&s, "enable");
        shell_send(&s, CLI_EXEC, line[i], strlen(line[i]));
        event_base_loop(b.c->base, EVLOOP_ONCE);
        shell_close(&s);
        turn(&b);
    }
    assert_non_null(strstr(str_text(&b.c->saved), "hostname ciscoasa"));
    assert_false(b.c->reloaded);
    drop(&b);
}

static void test_echo(void **state)
{
    struct box b = make(true, "enable password secret\n"), i = make(false, "enable secret x\n");
    struct shell s;
    (void)state;
    shell_open(&s, b.c, b.cli, true, true, "");
    shell_do(&s, CLI_START, "");
    shell_do(&s, CLI_EXEC, "enable");
    assert_true(s.got_ask);
    assert_int_equal(s.ask_echo, true); /* stars */
    shell_close(&s);
    drop(&b);
    shell_open(&s, i.c, i.cli, true, true, "");
    shell_do(&s, CLI_START, "");
    shell_do(&s, CLI_EXEC, "enable");
    assert_int_equal(s.ask_echo, false);
    shell_close(&s);
    drop(&i);
}

static void test_notices(void **state)
{
    struct box b = make(true, "");
    struct shell s, quiet;
    (void)state;
    shell_open(&s, b.c, b.cli, true, false, "");
    shell_open(&quiet, b.c, b.cli, true, false, "");
    shell_do(&s, CLI_START, "");
    shell_do(&quiet, CLI_START, "");
    cli_notice(b.cli, "before");
    shell_line(&s, "debug crypto ikev2 protocol 5");
    cli_notice(b.cli, "IKEv2-PROTO-5: one");
    turn(&b);
    assert_string_equal(str_text(&s.notice), "IKEv2-PROTO-5: one\n");
    assert_string_equal(str_text(&quiet.notice), "");
    shell_line(&quiet, "terminal monitor");
    shell_line(&s, "undebug all");
    cli_notice(b.cli, "two");
    turn(&b);
    assert_string_equal(str_text(&s.notice), "IKEv2-PROTO-5: one\n");
    assert_string_equal(str_text(&quiet.notice), "two\n");
    shell_close(&s);
    shell_close(&quiet);
    drop(&b);
}

static void add_message(void *ctx, const char *line)
{
    str_printf((struct str *)ctx, "%s\n", line);
}

/* Messages of the box come to people on the console, and to those outside who ask for them. */
static void test_terminals(void **state)
{
    struct box b = make(false, "username admin privilege 15 secret cisco\n");
    struct shell console, script, outside;
    (void)state;
    shell_open(&console, b.c, b.cli, true, true, "");
    shell_open(&script, b.c, b.cli, true, false, "");
    shell_open(&outside, b.c, b.cli, false, true, "10.0.0.5");
    assert_true(shell_login(&outside, "admin", "cisco"));
    shell_do(&console, CLI_START, "");
    shell_do(&script, CLI_START, "");
    shell_do(&outside, CLI_START, "");
    cli_terminal(b.cli, true, true, "one");
    turn(&b);
    assert_string_equal(str_text(&console.notice), "one\n");
    assert_string_equal(str_text(&script.notice), "");
    assert_string_equal(str_text(&outside.notice), "");
    shell_line(&outside, "terminal monitor");
    cli_terminal(b.cli, false, true, "two");
    cli_terminal(b.cli, true, false, "three");
    shell_line(&outside, "terminal no monitor");
    cli_terminal(b.cli, false, true, "four");
    turn(&b);
    assert_string_equal(str_text(&console.notice), "one\nthree\n");
    assert_string_equal(str_text(&script.notice), "");
    assert_string_equal(str_text(&outside.notice), "two\n");
    shell_line(&outside, "configure terminal");
    shell_line(&outside, "end");
    struct str lines = {0};
    syslog_each(control_syslog(b.c), add_message, &lines);
    assert_non_null(strstr(str_text(&lines),
                           "%SYS-5-CONFIG_I: Configured from console by admin on vty0 (10.0.0.5)"));
    str_free(&lines);
    shell_close(&console);
    shell_close(&script);
    shell_close(&outside);
    drop(&b);
}

static void test_debug_ends(void **state)
{
    struct box b = make(true, "");
    struct shell s, other;
    (void)state;
    shell_open(&s, b.c, b.cli, true, false, "");
    shell_open(&other, b.c, b.cli, true, false, "");
    shell_do(&s, CLI_START, "");
    shell_do(&other, CLI_START, "");
    shell_line(&s, "debug crypto ikev2 platform 7");
    shell_line(&other, "debug crypto ikev2 protocol 9");
    shell_close(&s);
    assert_int_equal(b.c->debug[IKE_DBG_PLATFORM], 7); /* the other one still watches */
    shell_close(&other);
    assert_int_equal(b.c->debug[IKE_DBG_PLATFORM], 0);
    assert_int_equal(b.c->debug[IKE_DBG_PROTOCOL], 0);
    drop(&b);
}

/* Much text sent ahead while a command runs is pushed back, and all of it is answered. */
static void test_pushed_back(void **state)
{
    struct box b = make(true, "");
    struct shell s;
    char line[400];
    (void)state;
    shell_open(&s, b.c, b.cli, true, false, "");
    shell_do(&s, CLI_START, "");
    str_clear(&s.out);
    shell_send(&s, CLI_EXEC, "ping 10.0.0.9 repeat 40", 23);
    memset(line, 'x', sizeof line);
    line[0] = '!';
    for (unsigned i = 0; i < 3000; i++)
        shell_send(&s, CLI_EXEC, line, sizeof line);
    shell_send(&s, CLI_EXEC, "show hostname", 13);
    while (!strstr(str_text(&s.out), "ciscoasa\n"))
        event_base_loop(b.c->base, EVLOOP_ONCE);
    assert_non_null(strstr(str_text(&s.out), "(39/40)"));
    shell_close(&s);
    drop(&b);
}

/* Sessions from outside leave room for the console. */
static void test_room_for_console(void **state)
{
    struct box b = make(true, "");
    int fd[SESSIONS_MAX + 1][2], n = 0;
    (void)state;
    for (;; n++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd[n]), 0);
        if (cli_attach(b.cli, fd[n][0], false) < 0)
            break;
    }
    assert_int_equal(n, SESSIONS_MAX - SESSIONS_KEPT);
    struct shell s;
    shell_open(&s, b.c, b.cli, true, false, "");
    shell_do(&s, CLI_START, "");
    assert_string_equal(str_text(&s.prompt), "ciscoasa# ");
    shell_close(&s);
    for (int i = 0; i <= n; i++)
        close(fd[i][1]);
    turn(&b);
    drop(&b);
}

/* A second session takes away the object whose mode the first one is in. */
static void test_two_sessions(void **state)
{
    struct box b = make(true, "object network A\n host 10.0.0.1\n");
    struct shell one, two;
    (void)state;
    shell_open(&one, b.c, b.cli, true, false, "");
    shell_open(&two, b.c, b.cli, true, false, "");
    shell_do(&one, CLI_START, "");
    shell_do(&two, CLI_START, "");
    shell_line(&one, "configure terminal");
    shell_line(&two, "configure terminal");
    shell_line(&one, "object network A");
    assert_string_equal(str_text(&one.prompt), "ciscoasa(config-network-object)# ");
    shell_line(&two, "no object network A");
    assert_non_null(strstr(shell_line(&one, "fqdn a.example.com"), "ERROR"));
    assert_string_equal(str_text(&one.prompt), "ciscoasa(config)# ");
    shell_close(&one);
    shell_close(&two);
    drop(&b);
}

static void test_limit(void **state)
{
    struct box b = make(true, "");
    int fd[SESSIONS_MAX + 1][2], n = 0;
    (void)state;
    for (; n <= SESSIONS_MAX; n++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd[n]), 0);
        if (cli_attach(b.cli, fd[n][0], true) < 0)
            break;
    }
    assert_int_equal(n, SESSIONS_MAX); /* and the one too many was closed */
    for (int i = 0; i <= n; i++)
        close(fd[i][1]);
    turn(&b);
    drop(&b);
}

/* One more line to the engine, as a user of this host. */
static void open_local(struct box *b, struct shell *s, uint32_t uid, bool interactive)
{
    int fd[2];
    struct cli_hello h = {.kind = CLI_CONSOLE, .interactive = interactive, .lines = 24};
    *s = (struct shell){.c = b->c};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    s->ipc = ipc_new(b->c->base, fd[1], shell_msg, shell_closed, s);
    (void)cli_attach_local(b->cli, fd[0], uid);
    ipc_send(s->ipc, CLI_HELLO, &h, sizeof h);
}

/* A user of the host who is not root comes in, but no further than a password lets them. */
static void test_not_root(void **state)
{
    (void)state;
    for (unsigned asa = 0; asa < 2; asa++) {
        struct box b = make(asa, "");
        struct shell s;
        for (unsigned interactive = 0; interactive < 2; interactive++) {
            open_local(&b, &s, 1000, interactive);
            shell_do(&s, CLI_START, "");
            assert_string_equal(str_text(&s.prompt), asa ? "ciscoasa> " : "Router>");
            assert_string_equal(shell_line(&s, "enable"),
                                asa ? "Access denied.\n" : "% No password set\n");
            assert_true(s.done.refused);
            assert_string_equal(str_text(&s.prompt), asa ? "ciscoasa> " : "Router>");
            shell_close(&s);
        }
        open_local(&b, &s, 0, false);
        shell_do(&s, CLI_START, "");
        assert_string_equal(str_text(&s.prompt), asa ? "ciscoasa# " : "Router#");
        shell_close(&s);
        drop(&b);
    }
    struct box b = make(true, "enable password secret1\n");
    struct shell s;
    open_local(&b, &s, 1000, true);
    shell_do(&s, CLI_START, "");
    shell_do(&s, CLI_EXEC, "enable");
    assert_true(s.got_ask);
    shell_do(&s, CLI_ANSWER, "secret1");
    assert_string_equal(str_text(&s.prompt), "ciscoasa# ");
    shell_close(&s);
    drop(&b);
}

/* One user of the host cannot take all the lines; who comes too late is told so. */
static void test_lines_in_use(void **state)
{
    static const char full[] = "% All console lines are in use, try again later.\n";
    struct box b = make(true, "");
    struct shell s[SESSIONS_PER_UID + 1], other, root[SESSIONS_MAX + 1];
    unsigned n = 0;
    (void)state;
    for (unsigned i = 0; i <= SESSIONS_PER_UID; i++) {
        open_local(&b, &s[i], 1000, true);
        shell_do(&s[i], CLI_START, "");
        assert_int_equal(s[i].bye, i == SESSIONS_PER_UID);
    }
    assert_string_equal(str_text(&s[SESSIONS_PER_UID].out), full);
    open_local(&b, &other, 1001, true);
    shell_do(&other, CLI_START, "");
    assert_false(other.bye);
    do {
        open_local(&b, &root[n], 0, true);
        shell_do(&root[n], CLI_START, "");
    } while (!root[n].bye && ++n <= SESSIONS_MAX);
    assert_int_equal(n, SESSIONS_MAX - SESSIONS_PER_UID - 1);
    assert_string_equal(str_text(&root[n].out), full);
    for (unsigned i = 0; i <= n; i++)
        shell_close(&root[i]);
    for (unsigned i = 0; i <= SESSIONS_PER_UID; i++)
        shell_close(&s[i]);
    shell_close(&other);
    drop(&b);
}

/* A channel on which nothing is said is closed; one with a session stays. */
static void test_silence(void **state)
{
    struct box b = make(true, "");
    struct shell s, talks;
    (void)state;
    int fd[2];
    open_local(&b, &talks, 0, true);
    shell_do(&talks, CLI_START, "");
    s = (struct shell){.c = b.c};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    s.ipc = ipc_new(b.c->base, fd[1], shell_msg, shell_closed, &s);
    assert_int_equal(cli_attach_local(b.cli, fd[0], 0), 0);
    turn(&b);
    assert_false(s.bye);
    for (struct session *x = b.cli->sessions; x; x = x->next) {
        struct timeval left;
        assert_true(evtimer_pending(x->silence, &left)); /* as after ten seconds: */
        event_active(x->silence, EV_TIMEOUT, 0);
    }
    shell_wait(&s);
    assert_true(s.bye);
    assert_non_null(strstr(shell_line(&talks, "show hostname"), "ciscoasa"));
    shell_close(&s);
    shell_close(&talks);
    assert_int_equal(b.cli->n_sessions, 0);
    drop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_before_the_configuration),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_auto_enable),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_must_auth),
        cmocka_unit_test(test_vouched),
        cmocka_unit_test(test_secret_lines),
        cmocka_unit_test(test_paste),
        cmocka_unit_test(test_typed_ahead),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_notices),
        cmocka_unit_test(test_terminals),
        cmocka_unit_test(test_two_sessions),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_not_root),
        cmocka_unit_test(test_lines_in_use),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_debug_ends),
        cmocka_unit_test(test_pushed_back),
        cmocka_unit_test(test_room_for_console),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
