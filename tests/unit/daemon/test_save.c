/* Files that are replaced as a whole or not at all; the host key. */
#include "daemon/hostkey.h"
#include "daemon/save.h"
#include "daemon/serial.h"
#include <errno.h>
#include <fcntl.h>
#include <libssh/libssh.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char dir_name[] = "/tmp/tandem-save-XXXXXX";
static int dir;

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir_name))
        return -1;
    dir = open(dir_name, O_RDONLY | O_DIRECTORY);
    return dir < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    unlinkat(dir, "startup-config", 0);
    unlinkat(dir, HOSTKEY_FILE, 0);
    unlinkat(dir, SERIAL_FILE, 0);
    close(dir);
    return rmdir(dir_name); /* fails when anything was left behind */
}

static int memfd_with(const char *text, size_t len)
{
    int fd = memfd_create("text", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    return fd;
}

/* The file's text; it must fit. */
static size_t slurp(const char *name, char *buf, size_t cap)
{
    int fd = openat(dir, name, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, buf, cap);
    assert_true(n >= 0);
    close(fd);
    return (size_t)n;
}

static void only_known_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      ".",
                                      "..",
                                      "../startup-config",
                                      "/etc/shadow",
                                      "startup-config/",
                                      HOSTKEY_FILE,
                                      ".startup-config.new",
                                      "startup-config2"};
    assert_true(save_name_ok("startup-config", 32));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(save_name_ok(bad[i], 32));
    char endless[14] = "startup-config"; /* fills its field, no NUL */
    assert_false(save_name_ok(endless, sizeof(endless)));
}

static void writes_replaces_erases(void **state)
{
    (void)state;
    char buf[256];
    struct stat st;
    int fd = memfd_with("hostname a\n", 11);
    assert_int_equal(save_fd(dir, "startup-config", fd), 0);
    close(fd);
    assert_int_equal(slurp("startup-config", buf, sizeof(buf)), 11);
    assert_memory_equal(buf, "hostname a\n", 11);
    assert_int_equal(fstatat(dir, "startup-config", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);

    /* the offset of the descriptor does not matter, nor a temporary file of a crash */
    int old = openat(dir, ".startup-config.new", O_CREAT | O_WRONLY, 0644);
    assert_true(old >= 0 && write(old, "half", 4) == 4);
    close(old);
    fd = memfd_with("second\n", 7);
    assert_int_equal(save_fd(dir, "startup-config", fd), 0);
    close(fd);
    assert_int_equal(slurp("startup-config", buf, sizeof(buf)), 7);
    assert_int_equal(faccessat(dir, ".startup-config.new", F_OK, 0), -1);

    assert_int_equal(save_erase(dir, "startup-config"), 0);
    assert_int_equal(save_erase(dir, "startup-config"), 0);
    assert_int_equal(faccessat(dir, "startup-config", F_OK, 0), -1);
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    int p[2];
    assert_int_equal(pipe(p), 0);
    assert_int_equal(save_fd(dir, "startup-config", p[0]), -EINVAL);
    close(p[0]);
    close(p[1]);
    int fd = memfd_create("big", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, (off_t)SAVE_MAX + 1), 0);
    assert_int_equal(save_fd(dir, "startup-config", fd), -EFBIG);
    close(fd);
    assert_int_equal(faccessat(dir, "startup-config", F_OK, 0), -1);
}

/* The disk is full (here: the file size limit) in the middle of a save: the old text stays. */
static void a_failed_save_keeps_the_old(void **state)
{
    (void)state;
    static char big[200000];
    char buf[256];
    memset(big, 'x', sizeof(big));
    assert_int_equal(save_bytes(dir, "startup-config", "old\n", 4), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit small = {65536, 65536};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &small);
        _exit(save_bytes(dir, "startup-config", big, sizeof(big)) == -EFBIG ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(slurp("startup-config", buf, sizeof(buf)), 4);
    assert_memory_equal(buf, "old\n", 4);
    assert_int_equal(faccessat(dir, ".startup-config.new", F_OK, 0), -1);
}

/* Killed at random moments while it saves one of two texts: always a whole one is there. */
static void a_killed_save_is_whole(void **state)
{
    (void)state;
    static char text[2][60000], buf[2 * 60000];
    memset(text[0], 'a', sizeof(text[0]));
    memset(text[1], 'b', sizeof(text[1]));
    assert_int_equal(save_bytes(dir, "startup-config", text[0], sizeof(text[0])), 0);
    for (int round = 0; round < 30; round++) {
        int p[2];
        char go;
        assert_int_equal(pipe(p), 0);
        pid_t pid = fork();
        if (pid == 0) {
            for (unsigned i = 0;; i++) {
                if (save_bytes(dir, "startup-config", text[i & 1], sizeof(text[0])) < 0)
                    _exit(1);
                if (write(p[1], "x", 1) != 1)
                    _exit(1);
            }
        }
        for (int saves = 0; saves <= round % 3; saves++) /* it is in the next one now */
            assert_int_equal(read(p[0], &go, 1), 1);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        close(p[0]);
        close(p[1]);
        assert_int_equal(slurp("startup-config", buf, sizeof(buf)), sizeof(text[0]));
        assert_memory_equal(buf, text[buf[0] == 'b'], sizeof(text[0]));
    }
    assert_int_equal(save_bytes(dir, "startup-config", "", 0), 0); /* takes the left-over away */
}

static void host_key_is_made_once_and_libssh_reads_it(void **state)
{
    (void)state;
    char first[4096], again[4096];
    struct stat st;
    int made;
    int fd = hostkey_open(dir, &made);
    assert_true(fd >= 0);
    assert_int_equal(made, 1);
    close(fd);
    size_t n = slurp(HOSTKEY_FILE, first, sizeof(first) - 1);
    first[n] = '\0';
    assert_int_equal(fstatat(dir, HOSTKEY_FILE, &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    ssh_key key = NULL;
    assert_int_equal(ssh_pki_import_privkey_base64(first, NULL, NULL, NULL, &key), SSH_OK);
    assert_int_equal(ssh_key_type(key), SSH_KEYTYPE_ECDSA_P256);
    assert_true(ssh_key_is_private(key));
    char *pub = NULL; /* what a server shows: libssh must have read that part as well */
    assert_int_equal(ssh_pki_export_pubkey_base64(key, &pub), SSH_OK);
    assert_true(strlen(pub) > 100);
    ssh_string_free_char(pub);
    ssh_key_free(key);
    fd = hostkey_open(dir, &made);
    assert_true(fd >= 0);
    assert_int_equal(made, 0);
    close(fd);
    assert_int_equal(slurp(HOSTKEY_FILE, again, sizeof(again) - 1), n);
    assert_memory_equal(first, again, n);
}

static void serial_number_is_kept(void **state)
{
    (void)state;
    char first[32], again[32];
    assert_int_equal(serial_get(dir, first, sizeof(first)), 0);
    assert_int_equal(strlen(first), 11);
    assert_int_equal(serial_get(dir, again, sizeof(again)), 0);
    assert_string_equal(first, again);
    assert_int_equal(save_bytes(dir, SERIAL_FILE, "\x1b[2Jnonsense", 11), 0); /* replaced */
    assert_int_equal(serial_get(dir, again, sizeof(again)), 0);
    assert_int_equal(strspn(again, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 11);
    assert_true(serial_get(dir, again, 5) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_known_names),
        cmocka_unit_test(writes_replaces_erases),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(a_failed_save_keeps_the_old),
        cmocka_unit_test(a_killed_save_is_whole),
        cmocka_unit_test(host_key_is_made_once_and_libssh_reads_it),
        cmocka_unit_test(serial_number_is_kept),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
