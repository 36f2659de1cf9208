/*
 * Plays the files of tests/transcripts against a CLI in this process and compares every byte.
 *
 * A transcript is what stands on a terminal: prompt and typed line, output, next prompt. Lines
 * that begin with '#' at the top set the scene:
 *
 *     # personality asa|ios
 *     # session console | script | ssh USER PASSWORD ADDRESS
 *     # state tunnel              an SA as in seed 000 is up
 *     # state standby             the peer has an SA as in seed 003, this box stands by
 *     # state taken-over          … and has gone on with it,
 *     # state active              … and has a standby now
 *     # state reluctant           no switchover succeeds, each time for another reason
 *     # state silent              pings and probes get no answer
 *     # state without-frr         FRR is not installed
 *     # state probed              probes get answers
 *     #+ LINE                     a line of the startup-config
 *
 * {*} in expected output stands for anything up to the character behind it (hashes, hardware).
 * A typed line that ends in '?' asks for help, one that ends in <TAB> for completion; in a text
 * over several lines neither does, and <ABORT> alone is Ctrl-C. With
 * `test_transcripts --record FILE` the file holds one typed line per line behind the scene, and
 * the transcript is printed: look at it closely before it becomes a test.
 */
#include "fake_shell.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

struct play {
    const char *file;
    char *text;    /* the whole file */
    const char *p; /* where we are in it */
    bool record;
    struct control *c;
    struct cli *cli;
    struct shell shell;
    bool asa;
    char session[160];
};

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct str s = {0};
    char buf[4096];
    size_t n;
    assert_non_null(f);
    while ((n = fread(buf, 1, sizeof buf, f)) > 0)
        str_addn(&s, buf, n);
    fclose(f);
    str_addc(&s, 0);
    return s.s;
}

static void wrong(const struct play *p, const char *got)
{
    unsigned line = 1;
    for (const char *q = p->text; q < p->p; q++)
        line += *q == '\n';
    fail_msg("%s:%u: expected\n%.*s\n--- got\n%.400s", p->file, line, 400, p->p, got);
}

/* The next bytes of the transcript must be these. */
static void expect(struct play *p, const char *got)
{
    if (p->record) {
        fputs(got, stdout);
        return;
    }
    const char *want = p->p, *g = got;
    while (*g) {
        if (strncmp(want, "{*}", 3) == 0) {
            want += 3;
            while (*g && *g != *want && *g != '\n')
                g++;
            continue;
        }
        if (*want != *g) {
            wrong(p, got);
            return;
        }
        want++;
        g++;
    }
    p->p = want;
}

/* The rest of the transcript's line: what the person typed. */
static void typed(struct play *p, char *buf, size_t cap)
{
    size_t n = strcspn(p->p, "\n");
    assert_true(n < cap);
    memcpy(buf, p->p, n);
    buf[n] = 0;
    p->p += n + (p->p[n] == '\n');
    if (p->record)
        printf("%s\n", buf);
}

static void scene_line(struct play *p, const char *line, struct str *startup)
{
    char word[32] = "", rest[160] = "";
    if (line[1] == '+') {
        str_printf(startup, "%s\n", line[2] ? line + 3 : "");
        return;
    }
    sscanf(line, "# %31s %159[^\n]", word, rest);
    if (strcmp(word, "personality") == 0)
        p->asa = strcmp(rest, "asa") == 0;
    else if (strcmp(word, "session") == 0)
        str_copy(p->session, sizeof p->session, rest);
    else if (strcmp(word, "state") == 0 && strcmp(rest, "tunnel") == 0)
        fake_tunnel(p->c);
    else if (strcmp(word, "state") == 0 && strcmp(rest, "standby") == 0)
        fake_stateful(p->c, false, true);
    else if (strcmp(word, "state") == 0 && strcmp(rest, "taken-over") == 0)
        fake_stateful(p->c, true, false);
    else if (strcmp(word, "state") == 0 && strcmp(rest, "active") == 0)
        fake_stateful(p->c, true, true);
    else if (strcmp(word, "state") == 0 && strcmp(rest, "reluctant") == 0)
        p->c->reluctant = true;
    else if (strcmp(word, "state") == 0 && strcmp(rest, "silent") == 0)
        p->c->silent = true;
    else if (strcmp(word, "state") == 0 && strcmp(rest, "without-frr") == 0)
        p->c->no_frr = true;
    else if (strcmp(word, "state") == 0 && strcmp(rest, "probed") == 0)
        p->c->probed = true;
}

static void set_scene(struct play *p)
{
    struct str startup = {0};
    p->asa = true;
    str_copy(p->session, sizeof p->session, "console");
    while (*p->p == '#') {
        size_t n = strcspn(p->p, "\n");
        char line[512];
        assert_true(n < sizeof line);
        memcpy(line, p->p, n);
        line[n] = 0;
        scene_line(p, line, &startup);
        if (p->record)
            printf("%s\n", line);
        p->p += n + 1;
    }
    struct lm_box box = {.asa = p->asa, .lab = 1};
    str_copy(box.model, sizeof box.model, p->asa ? "ASAv" : "CSR");
    str_copy(box.serial, sizeof box.serial, "9AAAAAAAAAA");
    str_copy(box.version, sizeof box.version, p->asa ? "9.16(2)" : "15.9(3)M4");
    p->cli = cli_new(p->c, &box);
    assert_non_null(p->cli);
    cli_load(p->cli, str_text(&startup), startup.len);
    str_free(&startup);
}

static void open_session(struct play *p)
{
    char user[64] = "", password[64] = "", address[64] = "";
    bool ssh = strncmp(p->session, "ssh", 3) == 0;
    if (ssh)
        assert_int_equal(sscanf(p->session, "ssh %63s %63s %63s", user, password, address), 3);
    shell_open(&p->shell, p->c, p->cli, !ssh, strcmp(p->session, "script") != 0, address);
    if (ssh)
        assert_true(shell_login(&p->shell, user, password));
    shell_do(&p->shell, CLI_START, "");
}

static void send_typed(struct play *p, char *line)
{
    struct shell *s = &p->shell;
    size_t n = strlen(line);
    if (s->done.text && strcmp(line, "<ABORT>") == 0) {
        shell_do(s, CLI_ABORT, "");
    } else if (s->done.text) {
        shell_do(s, CLI_EXEC, line);
    } else if (n && line[n - 1] == '?') {
        line[n - 1] = 0;
        shell_do(s, CLI_HELP, line);
    } else if (n >= 5 && strcmp(line + n - 5, "<TAB>") == 0) {
        line[n - 5] = 0;
        shell_do(s, CLI_COMPLETE, line);
    } else {
        shell_do(s, CLI_EXEC, line);
    }
}

static void show_filter(struct shell *s, struct play *p)
{
    static const char *const kind[] = {"",        "include",         "exclude", "begin",
                                       "section", "section exclude", "count"};
    char text[320];
    if (!s->filtered)
        return;
    snprintf(text, sizeof text, "(filter %s %s)\n", kind[s->filter.kind], s->filter_re);
    expect(p, text);
    s->filtered = false;
}

static void run(struct play *p)
{
    struct shell *s = &p->shell;
    char line[1024];
    for (;;) {
        show_filter(s, p);
        expect(p, str_text(&s->out));
        str_clear(&s->out);
        if (s->bye || s->closed)
            return;
        if (s->got_completion) {
            expect(p, str_text(&s->completion));
            expect(p, "\n");
            s->got_completion = false;
            s->got_done = true;
        }
        expect(p, str_text(s->got_ask ? &s->ask : &s->prompt));
        if (!*p->p)
            return;
        typed(p, line, sizeof line);
        if (s->got_ask)
            shell_do(s, CLI_ANSWER, line);
        else
            send_typed(p, line);
    }
}

static void play(const char *file, bool record)
{
    struct play p = {.file = file, .record = record};
    p.text = read_file(file);
    p.p = p.text;
    p.c = fake_new();
    set_scene(&p);
    open_session(&p);
    run(&p);
    if (!record && *p.p)
        wrong(&p, "(the end)");
    shell_close(&p.shell);
    cli_free(p.cli);
    fake_free(p.c);
    free(p.text);
}

static void one_transcript(void **state)
{
    play((const char *)*state, false);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--record") == 0) {
        play(argv[2], true);
        return 0;
    }
    glob_t g;
    if (glob("tests/transcripts/*.txt", 0, NULL, &g) != 0) {
        fprintf(stderr, "no tests/transcripts/*.txt here\n");
        return 1;
    }
    struct CMUnitTest *t = (struct CMUnitTest *)calloc(g.gl_pathc, sizeof *t);
    for (size_t i = 0; i < g.gl_pathc; i++)
        t[i] = (struct CMUnitTest){.name = g.gl_pathv[i],
                                   .test_func = one_transcript,
                                   .initial_state = g.gl_pathv[i]};
    int failed = _cmocka_run_group_tests("transcripts", t, g.gl_pathc, NULL, NULL);
    free(t);
    globfree(&g);
    return failed;
}
