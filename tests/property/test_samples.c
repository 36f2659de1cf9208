/*
 * The configurations of the labs: every line is accepted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "parser/line.h"

static void print_refused(void *ctx, const char *lines)
{
    (void)ctx;
    if (!strstr(lines, ": accepted without effect: "))
        print_message("%s", lines);
}

/* box NAME asa|ios in the topology beside the file. */
static bool is_asa(const char *path)
{
    char folder[512], line[512], name[128], dialect[16];
    bool asa = true;
    const char *slash = strrchr(path, '/');
    (void)snprintf(folder, sizeof(folder), "%.*s/topology", (int)(slash - path), path);
    FILE *f = fopen(folder, "re");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "box %127s %15s", name, dialect) == 2 &&
            strncmp(name, slash + 1, strlen(name)) == 0 && slash[1 + strlen(name)] == '.')
            asa = strcmp(dialect, "asa") == 0;
    }
    (void)fclose(f);
    return asa;
}

static void test_sample_configs(void **state)
{
    (void)state;
    static const char *const patterns[] = {"sample-configs/*/*.cfg", "sample-configs/*/*.day0"};
    size_t files = 0;
    for (size_t k = 0; k < 2; k++) {
        glob_t g;
        if (glob(patterns[k], 0, NULL, &g) != 0)
            continue;
        for (size_t i = 0; i < g.gl_pathc; i++) {
            struct check_counts n = {0};
            struct str text = {0};
            char buf[4096];
            size_t got;
            FILE *f = fopen(g.gl_pathv[i], "re");
            assert_non_null(f);
            while ((got = fread(buf, 1, sizeof(buf), f)) > 0)
                str_addn(&text, buf, got);
            (void)fclose(f);
            check_text(is_asa(g.gl_pathv[i]), g.gl_pathv[i], str_text(&text), text.len,
                       print_refused, NULL, &n);
            assert_int_equal(n.refused, 0);
            assert_int_equal(n.lines, n.act + n.accepted);
            assert_true(n.lines > 0);
            str_free(&text);
            files++;
        }
        globfree(&g);
    }
    assert_true(files > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sample_configs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
