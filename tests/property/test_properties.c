/*
 * The properties of the grammar (docs/grammar.md), for every entry, driven by the tables. The
 * sixth, that the labs' configurations are accepted, stands in test_samples.c.
 *
 * A failure prints the seed; TANDEM_SEED runs it again, TANDEM_ROUNDS runs more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "parser/match.h"
#include "parser/parse.h"
#include "parser/print.h"
#include "tests/property/random.h"

static uint64_t seed_of_run(void)
{
    const char *s = getenv("TANDEM_SEED");
    return s ? strtoull(s, NULL, 10) : 20261120;
}

static unsigned rounds(unsigned normal)
{
    const char *s = getenv("TANDEM_ROUNDS");
    return s ? (unsigned)strtoul(s, NULL, 10) : normal;
}

static bool in_dialect(const struct g_form *f, bool asa)
{
    return f->dialect & (asa ? G_ASA : G_IOS);
}

static bool is_config(const struct g_form *f)
{
    return g_entries[f->entry].kind != G_EXEC;
}

/* The forms whose lines set something, in this dialect. */
static bool sets(const struct g_form *f, bool asa)
{
    return is_config(f) && in_dialect(f, asa) && !(f->flags & GF_NO);
}

/* --- 0: the compiler's own examples ------------------------------------------------------------
 */

static const struct {
    uint16_t entry, form, mode, dialect, flags;
    const char *line;
} cases[] = {
#define G_CASE(entry, form, mode, dialect, flags, line) {entry, form, mode, dialect, flags, line},
#include "g_cases.inc"
#undef G_CASE
};

static void test_generated_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int asa = 0; asa < 2; asa++) {
            struct cfg_tree *t = cfg_tree_new();
            struct line_place p;
            struct line_result *r = calloc(1, sizeof(*r));
            struct rnd rnd = {seed_of_run()};
            if (!(cases[i].dialect & (asa ? G_ASA : G_IOS))) {
                cfg_tree_free(t);
                free(r);
                continue;
            }
            struct str line = {0};
            bool taking = (cases[i].flags & GF_NO) && g_entries[cases[i].entry].kind != G_EXEC;
            line_place_init(&p, asa, 15, t);
            assert_true(enter_mode(&rnd, &p, t, cases[i].mode));
            str_printf(&line, "%s%s", taking ? "no " : "", cases[i].line);
            line_parse(&p, t, str_text(&line), r);
            if (r->status != LINE_OK || r->entry != cases[i].entry)
                fail_msg("'%s' in %s: status %d, entry %s instead of %s", str_text(&line),
                         g_modes[cases[i].mode].name, r->status, line_entry_name(r->entry),
                         line_entry_name(cases[i].entry));
            line_result_free(r);
            free(r);
            str_free(&line);
            cfg_tree_free(t);
        }
    }
}

/* --- 1 and 2: printing and reading again --------------------------------------------------------
 */

/* A banner's lines add up on the platform too: typing them again is not free. */
static bool has_repeats(const struct cfg_tree *t)
{
    for (const struct cfg_node *n = t->root->first; n; n = n->next)
        if (g_entries[n->entry].flags & GE_REPEATS)
            return true;
    return false;
}

/* Ends the test with the first line that differs. */
static void differ(uint64_t seed, bool asa, const char *first, const char *second)
{
    size_t at = 0, same = 0;
    for (; first[same] && first[same] == second[same]; same++)
        at = first[same] == '\n' ? same + 1 : at;
    fail_msg("seed %" PRIu64 " (%s): printed '%.*s', then '%.*s'", seed, asa ? "asa" : "ios",
             (int)strcspn(first + at, "\n"), first + at, (int)strcspn(second + at, "\n"),
             second + at);
}

static void one_round_trip(uint64_t seed, bool asa)
{
    struct rnd rnd = {seed};
    struct cfg_tree *t = random_tree(&rnd, asa), *again = cfg_tree_new();
    struct cfg_tree *copy = cfg_tree_copy(t);
    struct str first = {0}, second = {0}, bad = {0};
    struct line_place p;
    line_place_init(&p, asa, 15, again);
    p.depth = 1;
    print_tree(t, asa, PRINT_SECRETS, &first);
    if (type_text(&p, again, str_text(&first), &bad))
        fail_msg("seed %" PRIu64 " (%s): refused '%s' of\n%s", seed, asa ? "asa" : "ios",
                 str_text(&bad), str_text(&first));
    print_tree(again, asa, PRINT_SECRETS, &second);
    if (strcmp(str_text(&first), str_text(&second)) != 0)
        differ(seed, asa, str_text(&first), str_text(&second));
    if (!cfg_tree_equal(t, again))
        fail_msg("seed %" PRIu64 " (%s): not the same tree after\n%s", seed, asa ? "asa" : "ios",
                 str_text(&first));
    assert_true(cfg_tree_equal(t, copy));
    /* Typed again on top of itself, nothing changes. */
    p.depth = 1;
    assert_int_equal(type_text(&p, again, str_text(&first), &bad), 0);
    assert_true(has_repeats(t) || cfg_tree_equal(t, again));
    str_free(&first);
    str_free(&second);
    str_free(&bad);
    cfg_tree_free(t);
    cfg_tree_free(copy);
    cfg_tree_free(again);
}

static void test_round_trip(void **state)
{
    (void)state;
    unsigned n = rounds(1500);
    for (unsigned i = 0; i < n; i++) {
        one_round_trip(seed_of_run() + i, true);
        one_round_trip(seed_of_run() + i, false);
    }
}

/* Every entry, alone, so that none hides behind another: set, print, read. */
static void test_every_form_round_trips(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < g_nforms; i++) {
        for (unsigned k = 0; k < 24; k++) {
            const struct g_form *f = &g_forms[i];
            bool asa = k & 1;
            struct rnd rnd = {seed_of_run() + i * 977u + k};
            struct cfg_tree *t = cfg_tree_new(), *again = cfg_tree_new();
            struct line_place p, q;
            struct str line = {0}, text = {0}, bad = {0};
            line_place_init(&p, asa, 15, t);
            line_place_init(&q, asa, 15, again);
            q.depth = 1;
            if (sets(f, asa) && enter_mode(&rnd, &p, t, f->mode)) {
                random_line(&rnd, i, &line);
                if (type_line(&p, t, str_text(&line)) != LINE_OK)
                    fail_msg("refused '%s'", str_text(&line));
                print_tree(t, asa, PRINT_SECRETS, &text);
                if (type_text(&q, again, str_text(&text), &bad) || !cfg_tree_equal(t, again))
                    fail_msg("'%s' (%s) prints as\n%s(refused: '%s')", str_text(&line),
                             asa ? "asa" : "ios", str_text(&text), str_text(&bad));
            }
            str_free(&line);
            str_free(&text);
            str_free(&bad);
            cfg_tree_free(t);
            cfg_tree_free(again);
        }
    }
}

/* --- 3: a command and its `no` ------------------------------------------------------------------
 */

static void type_and_undo(struct line_place *p, struct cfg_tree *t, const char *line, bool inverted)
{
    struct line_place there = *p;
    struct str no = {0};
    if (type_line(&there, t, line) != LINE_OK)
        fail_msg("refused '%s'", line);
    there = *p;
    str_printf(&no, "%s%s", inverted ? "" : "no ", inverted ? line + strlen("no ") : line);
    if (type_line(&there, t, str_text(&no)) != LINE_OK)
        fail_msg("refused '%s'", str_text(&no));
    str_free(&no);
}

/* With a form for either wish `no` is a wish, too: passive-interface. What it leaves is then the
 * check's matter. */
static bool has_both(uint16_t entry)
{
    bool plain = false, inverted = false;
    for (uint16_t i = 0; i < g_nforms; i++)
        if (g_forms[i].entry == entry && !(g_forms[i].flags & GF_NO))
            *(g_forms[i].flags & GF_INVERTED ? &inverted : &plain) = true;
    return plain && inverted;
}

static void test_no_restores(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < g_nforms; i++) {
        for (unsigned k = 0; k < 24; k++) {
            const struct g_form *f = &g_forms[i];
            bool asa = k & 1;
            struct rnd rnd = {seed_of_run() + i * 131u + k};
            struct cfg_tree *t = cfg_tree_new();
            struct line_place p;
            struct str line = {0};
            line_place_init(&p, asa, 15, t);
            if (sets(f, asa) && enter_mode(&rnd, &p, t, f->mode)) {
                random_line(&rnd, i, &line);
                /* Once before, so that parents and the box's own ports are there. */
                type_and_undo(&p, t, str_text(&line), f->flags & GF_INVERTED);
                struct cfg_tree *before = cfg_tree_copy(t);
                type_and_undo(&p, t, str_text(&line), f->flags & GF_INVERTED);
                if (!cfg_tree_equal(before, t))
                    fail_msg("'no %s' (%s) does not restore", str_text(&line), asa ? "asa" : "ios");
                if (!(g_entries[f->entry].flags & GE_FIXED) && !has_both(f->entry))
                    assert_int_equal(cfg_count(p.stack[p.depth].node, f->entry), 0);
                cfg_tree_free(before);
            }
            str_free(&line);
            cfg_tree_free(t);
        }
    }
}

/* --- 4: abbreviations ----------------------------------------------------------------------------
 */

/* What a prefix must mean, counted plainly over the words that are possible there. */
struct meaning {
    struct str among; /* keywords that it begins, each once, blanks around */
    unsigned count;
    bool exact, typed;
};

static void count_word(struct meaning *m, const char *word, const char *prefix, size_t n)
{
    struct str probe = {0};
    if (strncasecmp(word, prefix, n) != 0)
        return;
    m->exact = m->exact || strlen(word) == n;
    str_printf(&probe, " %s ", word);
    if (!strstr(str_text(&m->among), str_text(&probe))) {
        str_add(&m->among, str_text(&probe));
        m->count++;
    }
    str_free(&probe);
}

static struct meaning meaning_of(const struct matcher *m, const struct line_place *p, bool first,
                                 const char *prefix, size_t n)
{
    struct meaning k = {0};
    for (size_t i = 0; i < m->ncand; i++) {
        const struct g_pos *g = &g_positions[m->cand[i].pos];
        bool hidden = g_entries[g_forms[g->form].entry].flags & GE_HIDDEN;
        if (g->word) {
            if (!hidden || strlen(g->word) == n)
                count_word(&k, g->word, prefix, n);
            continue;
        }
        const struct g_enum *e = value_keywords(&g_args[g->arg]);
        for (uint16_t w = 0; e && w < e->count && !hidden; w++)
            count_word(&k, g_words[e->first + w].text, prefix, n);
        k.typed = k.typed || value_accepts(&g_args[g->arg], prefix, n);
    }
    for (unsigned i = 0; first && p->depth && i < line_nbuiltins; i++) {
        /* What is not listed in this dialect must be spelt out. */
        bool listed = line_builtins[i].dialect & (p->asa ? G_ASA : G_IOS);
        if (listed || strlen(line_builtins[i].text) == n)
            count_word(&k, line_builtins[i].text, prefix, n);
    }
    return k;
}

static void same_line(const struct line_place *p, struct cfg_tree *t, const char *full,
                      const char *abbreviated)
{
    struct line_result *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
    line_parse(p, t, full, a);
    line_parse(p, t, abbreviated, b);
    if (b->status != LINE_OK || a->entry != b->entry || a->form != b->form ||
        !args_equal(a->entry, a->args, b->args))
        fail_msg("'%s' is not '%s' (status %d)", abbreviated, full, b->status);
    line_result_free(a);
    line_result_free(b);
    free(a);
    free(b);
}

static void reported(const struct line_place *p, struct cfg_tree *t, const char *line,
                     const struct meaning *k, unsigned column)
{
    struct line_result *r = calloc(1, sizeof(*r));
    struct str error = {0};
    line_parse(p, t, line, r);
    if (r->status != LINE_AMBIGUOUS || r->column != column)
        fail_msg("'%s': status %d column %u, but it could be%s", line, r->status, r->column,
                 str_text(&k->among));
    char *save = NULL;
    unsigned n = 0;
    for (char *w = strtok_r(r->among, " ", &save); w; w = strtok_r(NULL, " ", &save), n++) {
        struct str probe = {0};
        str_printf(&probe, " %s ", w);
        assert_non_null(strcasestr(str_text(&k->among), str_text(&probe)));
        str_free(&probe);
    }
    assert_true(n == k->count || strlen(r->among) + 1 == sizeof(r->among));
    line_error(p, r, line, 0, &error);
    assert_non_null(strstr(str_text(&error), "% Ambiguous command:  \""));
    assert_non_null(strstr(str_text(&error), line));
    str_free(&error);
    line_result_free(r);
    free(r);
}

static void abbreviate(const struct line_place *p, struct cfg_tree *t, const char *line)
{
    struct tokens tok;
    assert_int_equal(tokens_split(&tok, line, 0, strlen(line)), 0);
    for (unsigned i = 0; i < tok.n; i++) {
        struct matcher m;
        match_init(&m, &tok, p->stack[p->depth].mode, p->asa, 15, false);
        if (match_run(&m, i) != LINE_OK || m.ncand == 0) {
            match_free(&m);
            return; /* inside a rest of line */
        }
        for (size_t n = 1; n < tok.t[i].n; n++) {
            const char *word = line + tok.t[i].at;
            struct meaning k = meaning_of(&m, p, i == 0, word, n);
            struct str shorter = {0};
            str_addn(&shorter, line, tok.t[i].at + n);
            str_add(&shorter, word + tok.t[i].n);
            if (k.count == 1 && !k.exact && strstr(str_text(&k.among), word) == NULL &&
                strncasecmp(str_text(&k.among) + 1, word, tok.t[i].n) == 0)
                same_line(p, t, line, str_text(&shorter));
            else if (k.count > 1 && !k.exact && !k.typed)
                reported(p, t, str_text(&shorter), &k, tok.t[i].at);
            str_free(&shorter);
            str_free(&k.among);
        }
        match_free(&m);
    }
}

static void test_abbreviations(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < g_nforms; i++) {
        const struct g_form *f = &g_forms[i];
        bool hidden = g_entries[f->entry].flags & GE_HIDDEN;
        for (unsigned k = 0; k < 8; k++) {
            bool asa = k & 1;
            struct rnd rnd = {seed_of_run() + i * 31u + k};
            struct cfg_tree *t = cfg_tree_new();
            struct line_place p;
            struct str line = {0};
            line_place_init(&p, asa, 15, t);
            if (in_dialect(f, asa) && !hidden && !(f->flags & (GF_NO | GF_INVERTED)) &&
                enter_mode(&rnd, &p, t, f->mode)) {
                random_line(&rnd, i, &line);
                abbreviate(&p, t, str_text(&line));
            }
            str_free(&line);
            cfg_tree_free(t);
        }
    }
}

/* --- 5: help and completion
 * ------------------------------------------------------------------------ */

static double cpu_seconds(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void complete_prefixes(const struct line_place *p, const struct cfg_tree *t,
                              const char *line)
{
    struct line_place before = *p;
    uint64_t serial = t->serial;
    for (size_t n = 0; n <= strlen(line); n++) {
        struct str part = {0}, help = {0}, done = {0};
        double took = 1;
        str_addn(&part, line, n);
        for (int tries = 0; took > 0.2; tries++) { /* a virtual machine may be stopped meanwhile */
            if (tries == 5)
                fail_msg("help and completion of '%s' took too long", str_text(&part));
            str_free(&help);
            str_free(&done);
            double begin = cpu_seconds();
            line_help(p, t, str_text(&part), &help);
            line_complete(p, t, str_text(&part), &done);
            took = cpu_seconds() - begin;
        }
        assert_true(help.len > 0);
        /* What is completed keeps what was typed before the last word. */
        const char *blank = strrchr(str_text(&part), ' ');
        size_t kept = blank ? (size_t)(blank - str_text(&part)) + 1 : 0;
        if (done.len)
            assert_true(done.len >= n && strncmp(str_text(&done), line, kept) == 0);
        str_free(&part);
        str_free(&help);
        str_free(&done);
    }
    assert_int_equal(t->serial, serial);
    assert_memory_equal(&before, p, sizeof(before));
}

/* A word that Tab completes is one that the line may go on with. */
static void test_prefixes_complete(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < g_nforms; i++) {
        const struct g_form *f = &g_forms[i];
        for (int asa = 0; asa < 2; asa++) {
            struct rnd rnd = {seed_of_run() + i};
            struct cfg_tree *t = cfg_tree_new();
            struct line_place p;
            struct str line = {0};
            line_place_init(&p, asa, 15, t);
            if (in_dialect(f, asa) && enter_mode(&rnd, &p, t, f->mode)) {
                random_line(&rnd, i, &line);
                complete_prefixes(&p, t, str_text(&line));
                str_clear(&line);
                str_add(&line, "no ");
                random_line(&rnd, i, &line);
                complete_prefixes(&p, t, str_text(&line));
            }
            str_free(&line);
            cfg_tree_free(t);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generated_cases), cmocka_unit_test(test_every_form_round_trips),
        cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_no_restores),
        cmocka_unit_test(test_abbreviations),   cmocka_unit_test(test_prefixes_complete),

    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
