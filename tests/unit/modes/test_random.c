/*
 * Random sessions: lines of every form (g_cases.inc) in random order, with `no` and shows in
 * between, typed at a box whose checks and derivation run. After each round the configuration
 * that the box would save is loaded into a second box, which must then say the same. Repeatable:
 * everything follows from the seed.
 */
#include "fake_shell.h"
#include "modes/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define ROUNDS 12
#define LINES  1500

static const struct {
    uint16_t entry, form, mode, dialect, flags;
    const char *line;
} cases[] = {
#define G_CASE(entry, form, mode, dialect, flags, line) {entry, form, mode, dialect, flags, line},
#include "g_cases.inc"
#undef G_CASE
};

static uint64_t next(uint64_t *s)
{
    *s ^= *s << 13; /* xorshift64 */
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* What ends a session, asks for a person, or hashes a password (slow). */
static bool unsuitable(uint16_t entry)
{
    static const uint16_t not_here[] = {E_EXIT,          E_LOGOUT,       E_LOGIN,
                                        E_ENABLE,        E_DISABLE,      E_RELOAD,
                                        E_PING,          E_WRITE_ERASE,  E_CLEAR_CONFIGURE,
                                        E_ENABLE_SECRET, E_USERNAME_IOS, E_HOSTNAME,
                                        E_LINE_LOGIN};
    for (size_t i = 0; i < sizeof not_here / sizeof *not_here; i++)
        if (entry == not_here[i])
            return true;
    return false;
}

struct box {
    struct control *c;
    struct cli *cli;
    struct shell s;
};

static struct box open_box(bool asa, const char *text)
{
    struct box b = {.c = fake_new()};
    struct lm_box box = {.asa = asa, .lab = 1, .version = "9.16(2)"};
    fake_tunnel(b.c);
    b.cli = cli_new(b.c, &box);
    cli_load(b.cli, text, strlen(text));
    return b;
}

static void close_box(struct box *b)
{
    cli_free(b->cli);
    fake_free(b->c);
}

static void lines_only(struct box *b, struct str *out)
{
    str_clear(out);
    print_tree(cli_tree(b->cli), b->cli->box.asa, PRINT_SECRETS, out);
}

static void check_reload(struct box *b, uint64_t seed)
{
    struct str saved = {0}, first = {0}, second = {0};
    config_text(b->cli, TEXT_STARTUP | TEXT_SECRETS, &saved);
    struct box again = open_box(b->cli->box.asa, str_text(&saved));
    lines_only(b, &first);
    lines_only(&again, &second);
    if (strcmp(str_text(&first), str_text(&second)) != 0) {
        size_t i = 0;
        while (first.s[i] == second.s[i])
            i++;
        fail_msg("seed %llu: loaded again, the configuration differs at\n%.200s\n--- is\n%.200s",
                 (unsigned long long)seed, first.s + i, second.s + i);
    }
    str_free(&saved);
    str_free(&first);
    str_free(&second);
    close_box(&again);
}

static void one_line(struct box *b, uint64_t *rnd)
{
    static const char *const frame[] = {"interface GigabitEthernet0/0",
                                        "nameif Zx",
                                        "ip address 10.1.9.9 255.255.255.0",
                                        "object network Zx",
                                        "host 10.9.9.9",
                                        "object-group network Zx",
                                        "network-object object Zx",
                                        "crypto ipsec ikev2 ipsec-proposal Zx",
                                        "no interface GigabitEthernet0/0",
                                        "no nameif",
                                        "tunnel-group 192.0.2.1 type ipsec-l2l",
                                        "interface GigabitEthernet0/1"};
    char text[600];
    size_t n = sizeof cases / sizeof *cases;
    uint64_t r = next(rnd);
    if (r % 4 == 0) {
        str_copy(text, sizeof text, frame[(r >> 8) % (sizeof frame / sizeof *frame)]);
    } else {
        size_t i = (size_t)((r >> 8) % n);
        if (unsuitable(cases[i].entry))
            return;
        if ((cases[i].entry == E_USERNAME || cases[i].entry == E_ENABLE_PASSWORD) && r >> 60)
            return;
        snprintf(text, sizeof text, "%s%s", r % 16 == 1 ? "no " : "", cases[i].line);
    }
    str_clear(&b->s.out);
    shell_do(&b->s, CLI_EXEC, text);
    if (b->s.got_ask) { /* a question: take the default */
        shell_do(&b->s, CLI_ANSWER, "");
    }
    assert_true(b->s.got_done);
    if (b->s.prompt.len && !strstr(b->s.prompt.s, "(config"))
        shell_do(&b->s, CLI_EXEC, "configure terminal");
}

static void session(bool asa, uint64_t seed)
{
    struct box b = open_box(asa, "");
    uint64_t rnd = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    shell_open(&b.s, b.c, b.cli, true, false, "");
    shell_do(&b.s, CLI_START, "");
    shell_do(&b.s, CLI_EXEC, "configure terminal");
    for (unsigned i = 0; i < LINES; i++)
        one_line(&b, &rnd);
    check_reload(&b, seed);
    shell_close(&b.s);
    close_box(&b);
}

static void test_asa(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++)
        session(true, seed);
}

static void test_ios(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++)
        session(false, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asa),
        cmocka_unit_test(test_ios),
    };
    return cmocka_run_group_tests_name("random sessions", tests, NULL, NULL);
}
