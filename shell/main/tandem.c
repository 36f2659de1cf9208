/*
 * tandem: the login program. A person at a terminal gets a session; lines from a file or a
 * pipe are run one after the other; --check looks at a configuration without any daemon.
 */
#include "shell/check.h"
#include "shell/console.h"
#include "shell/script.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOCKET_PATH  "/run/tandem/tandem.sock"
#define COMMANDS_MAX 256

struct options {
    const char *socket;
    const char *commands[COMMANDS_MAX];
    unsigned n_commands;
    bool no_pager, check, asa, personality_known;
};

static const char usage_text[] =
    "Usage: tandem [-s SOCKET] [-c COMMAND]... [FILE...]\n"
    "       tandem --check --personality ios|asa FILE...\n"
    "\n"
    "Without -c and FILE: a session at the terminal. \"-\" or a pipe: lines from the standard "
    "input.\n"
    "\n"
    "  -c, --command COMMAND   run a command, print its output (may be repeated)\n"
    "  -s, --socket SOCKET     the box to talk to (default $TANDEM_SOCKET, else\n"
    "                          " SOCKET_PATH ")\n"
    "      --no-pager          never stop at the end of a page\n"
    "      --check             say which lines would be refused; talks to no box\n"
    "      --personality NAME  for --check: ios or asa\n"
    "      --version           print the version\n"
    "      --help              print this text\n"
    "\n"
    "The exit status is 1 when a line was refused, 2 when something else was wrong.\n"
    "To paste a configuration: tandem -c 'configure terminal' FILE\n";

enum { OPT_NO_PAGER = 256, OPT_CHECK, OPT_PERSONALITY, OPT_VERSION, OPT_HELP };

static int bad_usage(const char *what)
{
    fprintf(stderr, "tandem: %s\nTry \"tandem --help\".\n", what);
    return 2;
}

static int set_personality(struct options *o, const char *name)
{
    o->asa = strcmp(name, "asa") == 0;
    o->personality_known = true;
    return o->asa || strcmp(name, "ios") == 0 ? -1 : bad_usage("--personality is ios or asa");
}

/* -1 to go on, otherwise the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"command", required_argument, NULL, 'c'},
        {"socket", required_argument, NULL, 's'},
        {"no-pager", no_argument, NULL, OPT_NO_PAGER},
        {"check", no_argument, NULL, OPT_CHECK},
        {"personality", required_argument, NULL, OPT_PERSONALITY},
        {"version", no_argument, NULL, OPT_VERSION},
        {"help", no_argument, NULL, OPT_HELP},
        {NULL, 0, NULL, 0},
    };
    int c, status = -1;
    while (status < 0 && (c = getopt_long(argc, argv, "s:c:h", longs, NULL)) != -1) {
        switch (c) {
        case 's':
            o->socket = optarg;
            break;
        case 'c':
            if (o->n_commands == COMMANDS_MAX)
                return bad_usage("too many commands; put them into a file");
            o->commands[o->n_commands++] = optarg;
            break;
        case OPT_NO_PAGER:
            o->no_pager = true;
            break;
        case OPT_CHECK:
            o->check = true;
            break;
        case OPT_PERSONALITY:
            status = set_personality(o, optarg);
            break;
        case OPT_VERSION:
            printf("tandem %s\n", TANDEM_VERSION);
            return 0;
        case 'h':
        case OPT_HELP:
            fputs(usage_text, stdout);
            return 0;
        default:
            fputs("Try \"tandem --help\".\n", stderr);
            return 2;
        }
    }
    return status;
}

static int connect_box(struct link *l, const char *path, bool interactive)
{
    int fd = ipc_connect(path);
    if (fd == -ENOENT || fd == -ECONNREFUSED) {
        fprintf(stderr,
                "tandem: no box answers at %s.\n"
                "Is tandemd running? Start it as root: \"tandemd\", or a lab with \"make run\"; "
                "another box's socket is chosen with -s.\n",
                path);
        return -1;
    }
    if (fd < 0) {
        fprintf(stderr, "tandem: %s: %s\n", path, strerror(-fd));
        return -1;
    }
    if (link_open(l, fd) < 0) {
        close(fd);
        fputs("tandem: out of memory\n", stderr);
        return -1;
    }
    struct cli_window w;
    console_window(STDOUT_FILENO, &w);
    struct cli_hello hello = {.kind = CLI_CONSOLE,
                              .interactive = interactive,
                              .lines = w.lines,
                              .columns = w.columns};
    link_hello(l, &hello, "");
    return 0;
}

static bool start_session(struct link *l)
{
    link_send(l, CLI_START, "");
    while (!l->idle && link_receive(l))
        continue;
    if (l->over)
        fprintf(stderr, "tandem: the box ended the session: %s\n", str_text(&l->out));
    str_clear(&l->out);
    return !l->over;
}

static bool run_commands(struct script *s, const struct options *o)
{
    for (unsigned i = 0; i < o->n_commands; i++) {
        size_t len = strlen(o->commands[i]);
        FILE *in = len ? fmemopen((void *)(uintptr_t)o->commands[i], len, "r") : NULL;
        bool whole = in && script_run(s, in, NULL);
        if (in)
            fclose(in);
        if (len && (!whole || (s->link->over && i + 1 < o->n_commands)))
            return false;
    }
    return true;
}

static bool run_file(struct script *s, const char *name, int *status)
{
    bool input = strcmp(name, "-") == 0;
    FILE *in = input ? stdin : fopen(name, "r");
    if (!in) {
        fprintf(stderr, "tandem: %s: %s\n", name, strerror(errno));
        *status = 2;
        return true;
    }
    bool whole = script_run(s, in, input ? "stdin" : name);
    if (!input)
        fclose(in);
    return whole;
}

static int run_script(struct link *l, const struct options *o, char **files, int n_files)
{
    if (!start_session(l))
        return 2;
    struct script s = {.link = l, .out = stdout};
    int status = 0;
    bool whole = run_commands(&s, o);
    bool refused = s.refused > 0;
    if (whole) /* the summary is about the files */
        s.lines = s.refused = 0;
    for (int i = 0; i < n_files && whole; i++)
        whole = run_file(&s, files[i], &status);
    if (!whole) {
        fprintf(stderr, "tandem: the session ended at line %lu; what follows was not run\n",
                s.lines);
        status = 2;
    }
    if (n_files)
        fprintf(stderr, "%lu lines: %lu accepted, %lu refused\n", s.lines, s.lines - s.refused,
                s.refused);
    return status ? status : refused || s.refused;
}

int main(int argc, char **argv)
{
    struct options o = {.socket = getenv("TANDEM_SOCKET")};
    int status = parse_options(argc, argv, &o);
    if (status >= 0)
        return status;
    if (!o.socket || !*o.socket)
        o.socket = SOCKET_PATH;
    char *standard_input[] = {(char[]){"-"}};
    char **files = argv + optind;
    int n_files = argc - optind;
    if (!n_files && !o.n_commands && !isatty(STDIN_FILENO)) {
        files = standard_input;
        n_files = 1;
    }
    if (o.check) {
        if (!o.personality_known || !n_files)
            return bad_usage("--check wants --personality ios|asa and a file");
        return check_files(o.asa, files, n_files, stdout);
    }
    bool interactive = !n_files && !o.n_commands;
    struct link link;
    signal(SIGPIPE, SIG_IGN);
    if (connect_box(&link, o.socket, interactive) < 0)
        return 2;
    status = interactive ? console_run(&link, o.no_pager) : run_script(&link, &o, files, n_files);
    link_close(&link);
    return status;
}
