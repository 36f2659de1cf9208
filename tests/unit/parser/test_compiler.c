/* What the grammar compiler refuses, and where it says the fault lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD "module m section 10\nwords\n  a \"A\"\n  b \"B\"\n  c \"C\"\n"

struct folder {
    char path[64];
    char cgc[PATH_MAX];
};

/* The compiler stands two folders above this program. */
static int set_up(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    char self[PATH_MAX - 32];
    *state = f;
    if (!f)
        return -1;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n < 0)
        return -1;
    self[n] = '\0';
    for (int i = 0; i < 3; i++)
        *strrchr(self, '/') = '\0';
    (void)snprintf(f->cgc, sizeof(f->cgc), "%s/cgc", self);
    (void)strcpy(f->path, "/tmp/cgc-test-XXXXXX");
    return mkdtemp(f->path) ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"g.cg",      "err",        "g_args.h",    "g_tables.c",
                                        "g_calls.c", "g_checks.c", "g_cases.inc", "commands.md"};
    struct folder *f = *state;
    char path[128];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", f->path, names[i]);
        (void)unlink(path);
    }
    int err = rmdir(f->path);
    free(f);
    return err;
}

/* Compiles a grammar; the exit status, and in said what came on stderr. */
static int compile(const struct folder *f, const char *grammar, char *said, size_t cap)
{
    char source[128], errors[128];
    int status;
    (void)snprintf(source, sizeof(source), "%s/g.cg", f->path);
    (void)snprintf(errors, sizeof(errors), "%s/err", f->path);
    FILE *out = fopen(source, "we");
    assert_non_null(out);
    assert_true(fputs(grammar, out) >= 0);
    assert_int_equal(fclose(out), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!freopen(errors, "w", stderr) || chdir(f->path) != 0)
            _exit(3);
        (void)execl(f->cgc, "cgc", "-o", f->path, "g.cg", (char *)NULL);
        _exit(4);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    FILE *in = fopen(errors, "re");
    assert_non_null(in);
    size_t n = fread(said, 1, cap - 1, in);
    said[n] = '\0';
    (void)fclose(in);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void refuses(void **state, const char *grammar, const char *first_line)
{
    struct folder *f = *state;
    char said[4096], path[128];
    int status = compile(f, grammar, said, sizeof(said));
    said[strcspn(said, "\n")] = '\0';
    assert_string_equal(said, first_line);
    assert_int_equal(status, 1);
    (void)snprintf(path, sizeof(path), "%s/g_args.h", f->path);
    assert_int_equal(access(path, F_OK), -1); /* nothing is written */
}

static void test_ambiguity(void **state)
{
    refuses(state,
            HEAD "leaf x order 1\n  arg v 1..9 \"V\"\n  form a {v}\n"
                 "leaf y order 2\n  arg w 5..20 \"W\"\n  form a {w} [b]\n",
            "g.cg:11: ambiguous: the line 'a {v}' is also 'x' (g.cg:8)");
    refuses(state,
            HEAD "enum e\n  b \"B\"\nflag x order 1\n  form a b\n"
                 "leaf y order 2\n  arg w e \"W\"\n  form a {w}\n",
            "g.cg:12: ambiguous: the line 'a b' is also 'x' (g.cg:9)");
    refuses(state,
            HEAD "leaf x order 1\n  arg v word<9> \"V\"\n  arg w word<9> \"W\"\n"
                 "  form a ( {v} b | {w} c )\n",
            "g.cg:9: ambiguous: two arms of a choice accept the same token");
    refuses(state,
            HEAD "leaf x order 1\n  arg v word<9> \"V\"\n  arg w word<9> \"W\"\n"
                 "  form a [{v}] [{w}]\n",
            "g.cg:9: ambiguous: the line 'a {v}' can be read in two ways");
    /* `no a` takes y away, and sets x. */
    refuses(state, HEAD "flag x order 1\n  form no a\nflag y order 2\n  form a\n",
            "g.cg:9: ambiguous: the line 'a' is also 'x' (g.cg:7)");
}

/* Things that look alike and are not. */
static void test_no_false_ambiguity(void **state)
{
    struct folder *f = *state;
    char said[4096];
    int status = compile(f,
                         HEAD "leaf x order 1\n  arg v 1..9 \"V\"\n  form a {v}\n"
                              "leaf y order 2\n  arg w 10..20 \"W\"\n  form a {w}\n"
                              "leaf z order 3\n  arg t word<9> \"T\"\n  form a {t} b\n"
                              "leaf u order 4\n  arg t word<9> \"T\"\n  form a {t} c @ios\n"
                              "leaf v order 5\n  arg t word<9> \"T\"\n  form a {t} c @asa\n",
                         said, sizeof(said));
    assert_string_equal(said, "");
    assert_int_equal(status, 0);
}

static void test_omissions(void **state)
{
    refuses(state, HEAD "flag x order 1\n  form a nohelp\n",
            "g.cg:7: no help for the keyword 'a nohelp'");
    refuses(state, HEAD "leaf x order 1\n  arg v 1..9\n  form a {v}\n",
            "g.cg:7: argument 'v' has no help");
    refuses(state, HEAD "enum e\n  k\n", "g.cg:7: keyword 'k' has no help");
    refuses(state, HEAD "flag x\n  form a\n", "g.cg:6: 'x' has no order");
    refuses(state, HEAD "flag x order 1\n", "g.cg:6: 'x' has no form");
    refuses(state, HEAD "exec x\n  form a\n", "g.cg:6: exec 'x' has no call");
    refuses(state, HEAD "leaf x order 1\n  arg v 1..9 \"V\"\n  form a\n",
            "g.cg:7: argument 'v' of 'x' is in no form");
    refuses(state, "flag x order 1\n", "g.cg:1: entry 'x' stands before the first module");
    refuses(state, HEAD "mode z under config prompt \"(z)\" title \"Z:\"\n",
            "g.cg:6: no object enters mode 'z'");
}

static void test_duplicates(void **state)
{
    refuses(state, HEAD "flag x order 1\n  form a\nflag y order 1\n  form b\n",
            "g.cg:8: order 1 belongs to 'x' already (g.cg:6)");
    refuses(state, HEAD "flag x order 1\n  form a\nflag x order 2\n  form b\n",
            "g.cg:8: entry 'x' is defined twice");
    refuses(state, HEAD "module n section 10\n",
            "g.cg:6: section 10 belongs to module 'm' already");
    refuses(state,
            HEAD "flag x order 1\n  form a\n  check h\nflag y order 2\n  form b\n  check h\n",
            "g.cg:9: hook 'h' belongs to 'x' already");
    refuses(state,
            HEAD "leaf x order 1\n  arg a-b 1..9 \"V\"\n  arg a_b 1..9 \"V\"\n"
                 "  form a {a-b} {a_b}\n",
            "g.cg:8: 'a-b' and 'a_b' are one name in C");
    refuses(state, HEAD "words\n  a \"Other\"\n",
            "g.cg:7: the help of 'a' stands at g.cg:3 already");
}

static void test_unknown(void **state)
{
    refuses(state, HEAD "leaf x order 1\n  arg v nosuch \"V\"\n  form a {v}\n",
            "g.cg:7: unknown type 'nosuch'");
    refuses(state, HEAD "flag x order 1\n  form a in nosuch\n", "g.cg:7: unknown mode 'nosuch'");
    refuses(state, HEAD "flag x of nosuch order 1\n  form a\n", "g.cg:6: unknown parent 'nosuch'");
    refuses(state, HEAD "leaf x order 1\n  form a @nosuch(p)\n",
            "g.cg:7: unknown fragment 'nosuch'");
    refuses(state, HEAD "leaf x order 1\n  arg v ref<nosuch> \"V\"\n  form a {v}\n",
            "g.cg:7: unknown entry 'nosuch' in ref<>");
    refuses(state, HEAD "flag x order 1\n  form a {v}\n",
            "g.cg:7: no argument and no key above is named 'v'");
    refuses(state, HEAD "flag x order 1 sortd\n  form a\n",
            "g.cg:6: 'sortd' is not understood here");
    refuses(state, "modul m\n", "g.cg:1: 'modul' opens no block");
}

static void test_shapes(void **state)
{
    refuses(state, HEAD "flag x order 1\n  form [a]\n", "g.cg:7: the form may be empty");
    refuses(state, HEAD "flag x order 1\n  form ( a | b\n", "g.cg:7: ')' is missing");
    refuses(state, HEAD "flag x order 1\n  form a [ ]\n", "g.cg:7: an empty part in a form");
    refuses(state, HEAD "flag x order 1\n  form a\n  unset \"no\n",
            "g.cg:8: a quoted text does not end");
    refuses(state, HEAD "leaf x order 1\n  arg v 9..1 \"V\"\n  form a {v}\n",
            "g.cg:7: the range 9..1 is empty");
    refuses(state, HEAD "leaf x order 1\n  arg v 1..9 \"V\"\n  form a {v}+\n",
            "g.cg:8: '+' stands in lists only");
    refuses(state, HEAD "leaf x order 1\n  arg v 1..9 \"V\"\n  form a {v}\n  default v=10\n",
            "g.cg:9: default 'v' is not a value of this entry");
    refuses(state, HEAD "leaf x order 1\n  arg int 1..9 \"V\"\n  form a {int}\n",
            "g.cg:7: 'int' is a word of C; choose another name");
    refuses(state,
            HEAD "object o order 1\n  key k 1..9 \"K\"\n  form a {k}\n"
                 "flag x of o order 1\n  form b\n",
            "g.cg:10: key 'k' of 'o' is not in the form");
    refuses(state,
            HEAD "mode z under config prompt \"(z)\" title \"Z:\"\n"
                 "object o order 1\n  form a -> z\nobject p order 2\n  form b\n"
                 "flag x of o|p order 1\n  form b\n",
            "g.cg:12: 'x' has several parents and can be typed in their modes alone");
    refuses(state,
            HEAD "object o order 1\n  form a\nobject p order 2\n  form b\n"
                 "object x of o|p order 1\n  form b\n",
            "g.cg:10: object 'x' has several parents");
    refuses(state, HEAD "object o of o order 1\n  form a\n",
            "g.cg:6: 'o' lies too deep, or above itself");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ambiguity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_false_ambiguity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_omissions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_duplicates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shapes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
