/*
 * SSH end to end: the access process with a launcher and an engine made of a few lines, on a
 * port of the loopback, and the OpenSSH client in front of it.
 */
#include "shell/access.h"
#include "shell/access_internal.h"
#include "lib/launchproto.h"
#include "fake_engine.h"
#include <arpa/inet.h>
#include <libssh/libssh.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <time.h>
#include <cmocka.h>

struct box {
    pid_t access, engine;
    struct ipc *launcher;
    unsigned port;
};

/* The engine's end of the channel to access: each descriptor is a session. */
static void on_session(struct ipc *c, struct ipc_msg *m, void *ctx)
{
    (void)ctx;
    if (m->type != AM_SESSION || m->nfds != 1)
        return;
    int fd = m->fds[0];
    if (fork() == 0) {
        close(ipc_fd(c));
        fake_serve(fd, false);
        _exit(0);
    }
}

static pid_t start_engine(int *access_end)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(pair[0]);
        signal(SIGCHLD, SIG_IGN);
        struct ipc *c = ipc_new(NULL, pair[1], on_session, NULL, NULL);
        while (c && ipc_recv_blocking(c) > 0)
            continue;
        _exit(0);
    }
    close(pair[1]);
    *access_end = pair[0];
    return pid;
}

static int host_key_file(void)
{
    ssh_key key = NULL;
    char *text = NULL;
    int fd = memfd_create("key", MFD_CLOEXEC);
    assert_int_equal(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key), SSH_OK);
    assert_int_equal(ssh_pki_export_privkey_base64(key, NULL, NULL, NULL, &text), SSH_OK);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    ssh_string_free_char(text);
    ssh_key_free(key);
    return fd;
}

/* One listener for both families, as the launcher opens it. */
static int listen_somewhere(unsigned *port)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), off = 0;
    assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    *port = ntohs(in.sin6_port);
    return fd;
}

static void hand_over(struct ipc *c, uint16_t type, uint32_t kind, int fd)
{
    assert_int_equal(ipc_send_fds(c, type, &kind, sizeof(kind), &fd, 1), 0);
    close(fd);
}

/* Filters are daemon/'s matter. */
static void unconfined(enum access_process p)
{
    (void)p;
}

static int switch_on(void **state)
{
    static struct box b;
    int pair[2], engine;
    b.engine = start_engine(&engine); /* first: it must not hold an end of access's channel */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    fflush(NULL);
    b.access = fork();
    if (b.access == 0) {
        close(pair[0]);
        close(engine);
        _exit(access_main(pair[1], unconfined));
    }
    close(pair[1]);
    b.launcher = ipc_new(NULL, pair[0], NULL, NULL, NULL);
    hand_over(b.launcher, LM_SOCKET, SOCK_SSH, listen_somewhere(&b.port));
    hand_over(b.launcher, LM_SOCKET, SOCK_HOSTKEY, host_key_file());
    hand_over(b.launcher, LM_PEER, ROLE_ENGINE, engine);
    *state = &b;
    return 0;
}

static int switch_off(void **state)
{
    struct box *b = (struct box *)*state;
    int st = -1;
    ipc_free(b->launcher); /* access ends when its launcher does */
    assert_int_equal(waitpid(b->access, &st, 0), b->access);
    assert_true(WIFEXITED(st) && WEXITSTATUS(st) == 0);
    assert_int_equal(waitpid(b->engine, &st, 0), b->engine);
    return 0;
}

#define SSH                                                                                        \
    "sshpass -p %s ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "       \
    "%s -o LogLevel=ERROR -o ConnectTimeout=200 -p %u admin@127.0.0.1 %s"

/* Runs ssh with this input; what it printed comes back in out. Returns its exit status. */
static int ssh_run(const struct box *b, const char *password, const char *options,
                   const char *command, const char *input, struct str *out)
{
    char line[1024], buf[4096];
    char name[] = "/tmp/tandem-ssh-XXXXXX";
    int in = mkstemp(name);
    assert_true(in >= 0);
    unlink(name);
    for (size_t at = 0, len = strlen(input); at < len;) {
        ssize_t n = write(in, input + at, len - at);
        assert_true(n > 0);
        at += (size_t)n;
    }
    lseek(in, 0, SEEK_SET);
    snprintf(line, sizeof(line), SSH " <&%d", password, options, b->port, command, in);
    FILE *f = popen(line, "r");
    assert_non_null(f);
    size_t n;
    while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
        str_addn(out, buf, n);
    close(in);
    int st = pclose(f);
    return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

static void check_ssh(void **state, const char *options, const char *command, const char *input,
                      const char *want, int status)
{
    struct str out = {0};
    int got = ssh_run((const struct box *)*state, "secret", options, command, input, &out);
    assert_string_equal(str_text(&out), want);
    assert_int_equal(got, status);
    str_free(&out);
}

static void exec_prints_output_only(void **state)
{
    check_ssh(state, "", "'say hello'", "", "hello\n", 0);
    check_ssh(state, "", "'lines 3'", "", "line 1\nline 2\nline 3\n", 0);
    check_ssh(state, "", "size", "", "0 by 0, 0\n", 0);
}

/* Before the password; ssh prints it where it says what went wrong. */
static void banner_comes_before_the_password(void **state)
{
    struct str out = {0};
    assert_int_equal(ssh_run((const struct box *)*state, "secret", "-o LogLevel=INFO",
                             "'say hello' 2>&1", "", &out),
                     0);
    assert_non_null(strstr(str_text(&out), FAKE_BANNER));
    assert_non_null(strstr(str_text(&out), "hello\n"));
    str_clear(&out);
    assert_int_equal(ssh_run((const struct box *)*state, "wrong", "-o LogLevel=INFO",
                             "'say no' 2>&1", "", &out),
                     5); /* sshpass: a wrong password */
    assert_non_null(strstr(str_text(&out), FAKE_BANNER));
    str_free(&out);
}

/* The engine is told who it is. */
static void either_family_comes_in(void **state)
{
    check_ssh(state, "-4", "peer", "", "127.0.0.1\n", 0);
    check_ssh(state, "-6 -o HostName=::1", "peer", "", "::1\n", 0);
}

static void exec_with_several_commands(void **state)
{
    check_ssh(state, "", "'say one\nconf\nsay two'", "", "one\ntwo\n", 0);
}

static void exec_tells_of_a_refusal(void **state)
{
    check_ssh(state, "", "bad", "", "   ^\n% Invalid input detected at '^' marker.\n\n", 1);
}

static void exec_answers_questions_with_the_next_line(void **state)
{
    check_ssh(state, "", "'copy\nfile'", "", "copy was answered \"file\"\n", 0);
    check_ssh(state, "", "'copy'", "", "copy was answered \"\"\n", 0);
}

static void shell_with_a_terminal(void **state)
{
    check_ssh(state, "-tt", "", "say one\nsh?\x15size\nexit\n",
              "R1#say one\r\none\r\nR1#sh?\r\nshow\r\n\r\nR1#sh\b\b  \b\bsize\r\n"
              "0 by 0, 1\r\nR1#exit\r\n\r\nLogoff\r\n\r\n",
              0);
}

static void shell_without_a_terminal_runs_what_comes(void **state)
{
    check_ssh(state, "-T", "", "page 2\nlines 4\nbad",
              "R1#page 2\r\nR1#lines 4\r\nline 1\r\nline 2\r\nline 3\r\nline 4\r\nR1#bad\r\n"
              "   ^\r\n% Invalid input detected at '^' marker.\r\n\r\nR1#",
              1);
}

static void keyboard_interactive(void **state)
{
    check_ssh(state, "-o PreferredAuthentications=keyboard-interactive", "'say hello'", "",
              "hello\n", 0);
}

static void older_algorithms(void **state)
{
    check_ssh(state,
              "-o KexAlgorithms=diffie-hellman-group14-sha1 -o Ciphers=aes128-cbc "
              "-o MACs=hmac-sha1",
              "'say hello'", "", "hello\n", 0);
}

static void wrong_password_is_refused(void **state)
{
    struct str out = {0};
    int status = ssh_run((const struct box *)*state, "guess", "-o NumberOfPasswordPrompts=1",
                         "'say hello'", "", &out);
    assert_int_equal(out.len, 0);
    assert_int_not_equal(status, 0);
    str_free(&out);
}

static int connect_box(const struct box *b)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)b->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    return fd;
}

/* True when the server speaks, false when it hangs up. */
static bool greeted(int fd)
{
    char c = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 100000), 1);
    return read(fd, &c, 1) == 1 && c == 'S';
}

static void one_address_cannot_take_every_place(void **state)
{
    const struct box *b = (const struct box *)*state;
    int fds[ACCESS_SAME_PEER + 5], spoken = 0;
    for (int i = 0; i < ACCESS_SAME_PEER + 5; i++)
        fds[i] = connect_box(b);
    for (int i = 0; i < ACCESS_SAME_PEER + 5; i++)
        spoken += greeted(fds[i]);
    for (int i = 0; i < ACCESS_SAME_PEER + 5; i++)
        close(fds[i]);
    assert_int_equal(spoken, ACCESS_SAME_PEER);
    /* Their processes are gone in a moment; each try takes a while of its own. */
    struct str out = {0};
    for (int i = 0; i < 50 && !out.len; i++)
        ssh_run(b, "secret", "", "'say hello'", "", &out);
    assert_string_equal(str_text(&out), "hello\n");
    str_free(&out);
}

static void nonsense_instead_of_ssh_is_hung_up_on(void **state)
{
    const struct box *b = (const struct box *)*state;
    static const char nonsense[] = "GET / HTTP/1.1\r\nHost: box\r\n\r\n";
    char buf[512];
    int fd = connect_box(b);
    assert_true(greeted(fd));
    assert_true(send(fd, nonsense, sizeof(nonsense), MSG_NOSIGNAL) > 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t n = 1;
    while (n > 0 && poll(&p, 1, 100000) == 1)
        n = read(fd, buf, sizeof(buf));
    assert_true(n <= 0);
    close(fd);
}

/* None is lost, each is echoed and answered. The issue's number is 10 s, and an idle machine needs
 * less than 2; a slow one is allowed more, but not a wait of any kind for each line. */
static void ten_thousand_lines(void **state)
{
    struct str in = {0}, want = {0}, out = {0};
    struct timespec t0, t1;
    for (int i = 0; i < 10000; i++) {
        str_printf(&in, "access-list OUTSIDE extended permit tcp host 10.0.0.%d any\n", i % 250);
        str_printf(&want, "R1#access-list OUTSIDE extended permit tcp host 10.0.0.%d any\r\n",
                   i % 250);
    }
    str_add(&in, "count\nexit\n");
    str_add(&want, "R1#count\r\n10001 commands\r\nR1#exit\r\n\r\nLogoff\r\n\r\n");
    clock_gettime(CLOCK_MONOTONIC, &t0);
    int status = ssh_run((const struct box *)*state, "secret", "-tt", "", in.s, &out);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    double seconds = (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9;
    print_message("10,000 lines in %.1f s\n", seconds);
    assert_int_equal(status, 0);
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.s, want.s, want.len);
    assert_true(seconds < 100);
    str_free(&in);
    str_free(&want);
    str_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exec_prints_output_only),
        cmocka_unit_test(exec_with_several_commands),
        cmocka_unit_test(banner_comes_before_the_password),
        cmocka_unit_test(either_family_comes_in),
        cmocka_unit_test(exec_tells_of_a_refusal),
        cmocka_unit_test(exec_answers_questions_with_the_next_line),
        cmocka_unit_test(shell_with_a_terminal),
        cmocka_unit_test(shell_without_a_terminal_runs_what_comes),
        cmocka_unit_test(keyboard_interactive),
        cmocka_unit_test(older_algorithms),
        cmocka_unit_test(wrong_password_is_refused),
        cmocka_unit_test(one_address_cannot_take_every_place),
        cmocka_unit_test(nonsense_instead_of_ssh_is_hung_up_on),
        cmocka_unit_test(ten_thousand_lines),
    };
    return cmocka_run_group_tests(tests, switch_on, switch_off);
}
