/*
 * A configuration as a text: the platform's header, what the tree prints, the trailer. And the
 * other way for `show running-config WORDS`: the blocks of such a text that begin with words.
 */
#include "modes/internal.h"
#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static unsigned print_flags(unsigned flags)
{
    return (flags & TEXT_SECRETS ? PRINT_SECRETS : 0) | (flags & TEXT_ALL ? PRINT_ALL : 0);
}

static bool starts(const char *line, const char *words)
{
    return strncmp(line, words, strlen(words)) == 0;
}

/* The first line of a part that the ASA sets off with a `!`; done: the parts seen so far. */
static bool opens_part(const char *line, unsigned *done)
{
    static const struct {
        const char *words;
        unsigned part;
    } first[] = {
        {"interface ", 1}, {"track ", 2}, {"prompt ", 4}, {"call-home ", 4}, {"no call-home ", 4}};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        if (!starts(line, first[i].words) || (*done & first[i].part))
            continue;
        *done |= first[i].part;
        return true;
    }
    return false;
}

/* The tree's text with the ASA's few `!` lines: before the interfaces, around what stands from
 * the tracked objects to the console's timeout, and before the last lines. */
static void asa_body(const struct cli *cli, unsigned flags, struct str *out)
{
    struct str body = {0};
    unsigned done = 0;
    bool bang = false;
    print_tree(cli->tree, true, print_flags(flags), &body);
    for (const char *p = str_text(&body); *p;) {
        size_t n = strcspn(p, "\n");
        n += p[n] == '\n';
        if (opens_part(p, &done) && !bang)
            str_add(out, "!\n");
        str_addn(out, p, n);
        bang = *p == '!' || starts(p, "console timeout ");
        if (bang && *p != '!')
            str_add(out, "!\n");
        p += n;
    }
    str_wipe(&body);
}

/* Over the lines as they are stored, so that masking does not change it. */
void config_checksum(const struct cli *cli, unsigned char sum[16])
{
    struct str body = {0};
    unsigned n = 16;
    memset(sum, 0, 16);
    print_tree(cli->tree, cli->box.asa, PRINT_SECRETS, &body);
    /* MD5 because the platform's is one; it protects nothing here. */
    EVP_Digest(str_text(&body), body.len, sum, &n, EVP_md5(), NULL);
    str_wipe(&body);
}

void config_written_by(struct cli *cli, const char *user)
{
    char when[64];
    time_clock(when, sizeof when, cli->tree, clock_wall(control_clock(cli->control)), true);
    snprintf(cli->written, sizeof cli->written, ": Written by %s at %s", user, when);
}

static void asa_text(const struct cli *cli, unsigned flags, struct str *out)
{
    str_add(out, flags & TEXT_STARTUP ? ": Saved\n:\n" : ": Saved\n\n:\n");
    str_printf(out, ": Serial Number: %s\n: Hardware:   %s\n", cli->box.serial, cli->hardware);
    if (flags & TEXT_STARTUP)
        str_printf(out, "%s\n!\n", cli->written);
    else
        str_add(out, ":\n");
    str_printf(out, "ASA Version %s \n!\n", cli->box.version);
    asa_body(cli, flags, out);
    unsigned char sum[16];
    config_checksum(cli, sum);
    str_add(out, "Cryptochecksum:");
    str_hex(out, sum, sizeof(sum));
    str_add(out, "\n: end\n");
}

/* "15.9" of "15.9(3)M4" */
static void short_version(const struct cli *cli, char *buf, size_t cap)
{
    str_copy(buf, cap, cli->box.version);
    buf[strcspn(buf, "(")] = 0;
}

static void ios_text(const struct cli *cli, unsigned flags, struct str *out)
{
    struct str body = {0};
    char version[32], when[64];
    short_version(cli, version, sizeof version);
    str_add(&body, "!\n");
    if (cli->changed_wall) {
        time_clock(when, sizeof when, cli->tree, cli->changed_wall, false);
        str_printf(&body, "! Last configuration change at %s by %s\n!\n", when, cli->changed_by);
    }
    str_printf(&body, "version %s\n", version);
    /* IOS prints hashes, and what was typed as `password`, as they are. */
    print_tree(cli->tree, false, print_flags(flags | TEXT_SECRETS) | PRINT_BANGS, &body);
    if (body.len < 2 || strcmp(body.s + body.len - 2, "!\n") != 0)
        str_add(&body, "!\n");
    str_add(&body, "end\n");
    if (!(flags & TEXT_STARTUP))
        str_printf(out, "Building configuration...\n\nCurrent configuration : %zu bytes\n",
                   body.len);
    str_addn(out, str_text(&body), body.len);
    if (!(flags & TEXT_STARTUP))
        str_addc(out, '\n');
    str_wipe(&body);
}

void config_text(const struct cli *cli, unsigned flags, struct str *out)
{
    if (cli->box.asa)
        asa_text(cli, flags, out);
    else
        ios_text(cli, flags, out);
}

/* --- sections ------------------------------------------------------------------------------ */

#define SECTION_WORDS 12

struct section_words {
    unsigned n;
    char text[256];
    char *w[SECTION_WORDS];
};

/* "interface tunnel 1": the number belongs to the type. */
static void join_ifname(struct section_words *s)
{
    if (s->n < 3 || strncasecmp("interface", s->w[0], strlen(s->w[0])) != 0 ||
        !isalpha((unsigned char)s->w[1][0]) || !isdigit((unsigned char)s->w[2][0]))
        return;
    memmove(s->w[1] + strlen(s->w[1]), s->w[2], strlen(s->w[2]) + 1);
    s->n--;
    memmove(&s->w[2], &s->w[3], (s->n - 2) * sizeof *s->w);
}

static void split_words(const char *words, struct section_words *s)
{
    char *save = NULL;
    s->n = 0;
    str_copy(s->text, sizeof s->text, words);
    for (char *w = strtok_r(s->text, " \t", &save); w && s->n < SECTION_WORDS;
         w = strtok_r(NULL, " \t", &save))
        s->w[s->n++] = w;
    join_ifname(s);
}

/* The i-th word of the line at p, and its length; NULL past the last. A leading `no` does not
 * count: `show running-config failover` shows `no failover`. */
static const char *line_word(const char *p, unsigned i, size_t *len)
{
    if (strncmp(p, "no ", 3) == 0)
        p += 3;
    for (;; i--) {
        p += strspn(p, " ");
        *len = strcspn(p, " \n");
        if (*len == 0)
            return NULL;
        if (i == 0)
            return p;
        p += *len;
    }
}

enum { MATCH_NO, MATCH_ABBREVIATED, MATCH_EXACT };

/* "g0/0" for "GigabitEthernet0/0": the letters may be cut, the number may not. */
static bool match_ifname(const char *w, const char *l, size_t len)
{
    size_t wa = strcspn(w, "0123456789"), la = 0;
    while (la < len && !isdigit((unsigned char)l[la]))
        la++;
    return wa && wa <= la && w[wa] && strncasecmp(w, l, wa) == 0 && strlen(w + wa) == len - la &&
           strncmp(w + wa, l + la, len - la) == 0;
}

static int match_word(const char *w, const char *l, size_t len)
{
    size_t n = strlen(w);
    if (n == len && strncasecmp(w, l, n) == 0)
        return MATCH_EXACT;
    if (match_ifname(w, l, len))
        return MATCH_ABBREVIATED;
    if (strcspn(w, "0123456789") < n) /* numbers are never cut */
        return MATCH_NO;
    return n < len && strncasecmp(w, l, n) == 0 ? MATCH_ABBREVIATED : MATCH_NO;
}

/* Keeps the lines whose i-th word fits; where some fit exactly, only those. */
static size_t narrow(const char **line, size_t n, const char *w, unsigned i)
{
    bool exact = false;
    for (size_t k = 0; k < n && !exact; k++) {
        size_t len;
        const char *l = line_word(line[k], i, &len);
        exact = l && match_word(w, l, len) == MATCH_EXACT;
    }
    size_t kept = 0;
    for (size_t k = 0; k < n; k++) {
        size_t len;
        const char *l = line_word(line[k], i, &len);
        int m = l ? match_word(w, l, len) : MATCH_NO;
        if (m == MATCH_EXACT || (!exact && m == MATCH_ABBREVIATED))
            line[kept++] = line[k];
    }
    return kept;
}

static const char *next_line(const char *p)
{
    p = strchr(p, '\n');
    return p && p[1] ? p + 1 : NULL;
}

/* The same behind a text over several lines, `banner motd ^C…^C`: those belong to its first. */
static const char *next_whole(const char *p)
{
    const char *end = strchr(p, '\n');
    bool open = false;
    if (strncmp(p + strspn(p, " "), "banner ", 7) != 0)
        return next_line(p);
    for (const char *mark = strstr(p, "^C"); mark && (open || mark < end);
         mark = strstr(mark + 2, "^C")) {
        open = !open;
        end = strchr(mark, '\n');
    }
    return end && end[1] ? end + 1 : NULL;
}

void config_section(const char *text, const char *words, struct str *out)
{
    struct section_words s;
    size_t n = 0, cap = 0;
    split_words(words, &s);
    for (const char *p = *text ? text : NULL; p; p = next_whole(p))
        cap++;
    const char **line = (const char **)calloc(cap ? cap : 1, sizeof *line);
    if (!line)
        return;
    for (const char *p = *text ? text : NULL; p; p = next_whole(p))
        if (*p != ' ' && *p != '!' && *p != ':')
            line[n++] = p;
    for (unsigned i = 0; i < s.n; i++)
        n = narrow(line, n, s.w[i], i);
    for (size_t k = 0; k < n; k++) {
        const char *p = line[k], *end = p;
        do
            end = next_whole(end);
        while (end && *end == ' ');
        if (end && end[0] == '!' && next_whole(p) != end)
            end = next_whole(end);
        str_addn(out, p, end ? (size_t)(end - p) : strlen(p));
    }
    free(line);
}
