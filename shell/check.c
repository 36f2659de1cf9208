/* The offline check. See check.h. */
#include "shell/check.h"
#include "parser/line.h"
#include <errno.h>
#include <string.h>

#define FILE_MAX (64u * 1024 * 1024)

static void print_report(void *ctx, const char *lines)
{
    fputs(lines, (FILE *)ctx);
}

static int read_all(FILE *f, struct str *text)
{
    char buf[16384];
    size_t n;
    while ((n = fread(buf, 1, sizeof(buf), f)) > 0) {
        str_addn(text, buf, n);
        if (text->len > FILE_MAX || text->bad)
            return -EFBIG;
    }
    return ferror(f) ? -EIO : 0;
}

static int check_file(bool asa, const char *name, FILE *out, struct check_counts *n)
{
    bool input = strcmp(name, "-") == 0;
    FILE *f = input ? stdin : fopen(name, "r");
    if (!f) {
        fprintf(stderr, "tandem: %s: %s\n", name, strerror(errno));
        return -1;
    }
    struct str text = {0};
    int err = read_all(f, &text);
    if (!input)
        fclose(f);
    if (err < 0) {
        fprintf(stderr, "tandem: %s: %s\n", name, strerror(-err));
    } else {
        struct check_counts one = {0};
        check_text(asa, input ? "stdin" : name, str_text(&text), text.len, print_report, out, &one);
        n->lines += one.lines;
        n->act += one.act;
        n->accepted += one.accepted;
        n->refused += one.refused;
    }
    str_wipe(&text);
    return err;
}

int check_files(bool asa, char *const *names, int count, FILE *out)
{
    struct check_counts n = {0};
    int status = 0;
    for (int i = 0; i < count; i++)
        if (check_file(asa, names[i], out, &n) < 0)
            status = 2;
    fprintf(out, "%lu lines: %lu act, %lu accepted without effect, %lu refused\n", n.lines, n.act,
            n.accepted, n.refused);
    if (!status && n.refused)
        status = 1;
    return status;
}
