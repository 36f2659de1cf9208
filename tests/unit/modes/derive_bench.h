/*
 * A box without kernel or peers whose configuration becomes the intent.
 */
#ifndef TANDEM_TESTS_DERIVE_BENCH_H
#define TANDEM_TESTS_DERIVE_BENCH_H

#include "fake_shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

struct box {
    struct control *c;
    struct cli *cli;
};

static inline struct box box_of(bool asa, const char *text)
{
    struct box b = {.c = fake_new()};
    static const struct lm_box firewall = {.asa = 1, .version = "9.16(2)"};
    static const struct lm_box router = {.asa = 0, .version = "15.9(3)M4"};
    b.cli = cli_new(b.c, asa ? &firewall : &router);
    cli_load(b.cli, text, strlen(text));
    return b;
}

static inline void drop(struct box *b)
{
    cli_free(b->cli);
    fake_free(b->c);
}

static inline void is_addr(const struct addr *a, const char *text)
{
    char got[ADDR_STRLEN];
    assert_string_equal(addr_print(a, got, sizeof got), text);
}

#endif
