/* tandemd: command line of the launcher, and the door to the other roles. */
#include "daemon/launcher.h"
#include "daemon/roles.h"
#include "daemon/spawn.h"
#include "dataplane/sadb.h"
#include "lib/str.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PORTS_MAX (200u * 1024) /* below IPC_MAX_PAYLOAD */

static const char usage[] =
    "usage: tandemd --personality asa|ios [options]\n"
    "  --state DIR     startup-config and host key (default /var/lib/tandem)\n"
    "  --run DIR       the CLI's socket tandem.sock (default /run/tandem)\n"
    "  --ssh-port N    where ssh is answered (default 22)\n"
    "  --ports FILE    a line per port: \"GigabitEthernet0/0 eth0\" (default: in order)\n"
    "  --user NAME     whom the unprivileged processes run as (default tandem)\n"
    "  --model TEXT, --version TEXT   what show version says\n"
    "  --serial TEXT   the same (default: made at the first start and kept)\n"
    "  --lab           a box of a lab: keys may be exported for the packet decoder\n"
    "  -v              say more on stderr; twice: much more\n";

enum {
    O_PERSONALITY = 256,
    O_STATE,
    O_RUN,
    O_SSH,
    O_PORTS,
    O_USER,
    O_MODEL,
    O_SERIAL,
    O_VERSION,
    O_LAB,
    O_ROLE,
    O_DROP,
    O_ROOT,
    O_PROTOCOLS,
    O_HELP
};

static const struct option options[] = {
    {"personality", required_argument, NULL, O_PERSONALITY},
    {"state", required_argument, NULL, O_STATE},
    {"run", required_argument, NULL, O_RUN},
    {"ssh-port", required_argument, NULL, O_SSH},
    {"ports", required_argument, NULL, O_PORTS},
    {"user", required_argument, NULL, O_USER},
    {"model", required_argument, NULL, O_MODEL},
    {"serial", required_argument, NULL, O_SERIAL},
    {"version", required_argument, NULL, O_VERSION},
    {"lab", no_argument, NULL, O_LAB},
    {"help", no_argument, NULL, O_HELP},
    /* between launcher and children */
    {"role", required_argument, NULL, O_ROLE},
    {"drop", required_argument, NULL, O_DROP},
    {"root", required_argument, NULL, O_ROOT},
    {"protocols", no_argument, NULL, O_PROTOCOLS},
    {NULL, 0, NULL, 0},
};

struct command_line {
    struct launcher_opts o;
    const char *ports_file;
    enum launch_role role; /* 0: the launcher */
    struct rights rights;
    bool dropped; /* --drop was given */
    bool have_personality, help, protocols;
};

/* A number from lo to hi that is the whole text, or -1. */
static long number(const char *text, char **end, long lo, long hi)
{
    errno = 0;
    long n = strtol(text, end, 10);
    return errno || *end == text || n < lo || n > hi ? -1 : n;
}

static bool take_ids(const char *text, struct rights *r)
{
    char *end;
    long uid = number(text, &end, 1, INT32_MAX);
    long gid = uid > 0 && *end == ':' ? number(end + 1, &end, 0, INT32_MAX) : -1;
    if (gid < 0 || *end)
        return false;
    r->uid = (uid_t)uid;
    r->gid = (gid_t)gid;
    return true;
}

static bool take_personality(const char *text, struct command_line *c)
{
    c->o.box.asa = strcmp(text, "asa") == 0;
    c->have_personality = c->o.box.asa || strcmp(text, "ios") == 0;
    return c->have_personality;
}

static bool take_ssh_port(const char *text, struct command_line *c)
{
    char *end;
    long n = number(text, &end, 1, 65535);
    c->o.box.ssh_port = (uint16_t)n;
    return n > 0 && !*end;
}

#define TEXT(field) str_copy(field, sizeof(field), optarg)

static bool take(int option, struct command_line *c)
{
    switch (option) {
    case O_PERSONALITY:
        return take_personality(optarg, c);
    case O_STATE:
        c->o.state_dir = optarg;
        return true;
    case O_RUN:
        c->o.run_dir = optarg;
        return true;
    case O_SSH:
        return take_ssh_port(optarg, c);
    case O_PORTS:
        c->ports_file = optarg;
        return true;
    case O_USER:
        c->o.user = optarg;
        return true;
    case O_MODEL:
        return TEXT(c->o.box.model);
    case O_SERIAL:
        return TEXT(c->o.box.serial);
    case O_VERSION:
        return TEXT(c->o.box.version);
    case O_LAB:
        c->o.box.lab = 1;
        return true;
    case O_ROLE:
        c->role = role_by_name(optarg);
        return c->role != 0;
    case O_DROP:
        c->dropped = take_ids(optarg, &c->rights);
        return c->dropped;
    case O_ROOT:
        c->rights.root = optarg;
        return true;
    case O_HELP:
        c->help = true;
        return true;
    case O_PROTOCOLS:
        c->protocols = true;
        return true;
    case 'v':
        c->o.box.verbose++;
        return true;
    default:
        return false;
    }
}

/* Reads the ports file whole. NULL with a message when it cannot. */
static char *read_ports(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = NULL;
    if (fd < 0 || fstat(fd, &st) < 0) {
        fprintf(stderr, "tandemd: ports file %s: %s\n", path, strerror(errno));
    } else if (st.st_size > (off_t)PORTS_MAX) {
        fprintf(stderr, "tandemd: ports file %s is too long\n", path);
    } else if ((text = (char *)calloc(1, (size_t)st.st_size + 1)) != NULL) {
        ssize_t n = read(fd, text, (size_t)st.st_size);
        text[n > 0 ? n : 0] = '\0';
    }
    if (fd >= 0)
        close(fd);
    return text;
}

/* Descriptors 0 to 2 exist from here on, so that no socket lands on them. */
static void standard_fds(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= 2 && fcntl(fd, F_SETFD, 0) == 0);
    if (fd > 2)
        close(fd);
}

static int run_launcher(struct command_line *c)
{
    char *ports = NULL;
    if (c->ports_file) {
        ports = read_ports(c->ports_file);
        if (!ports)
            return 2;
        c->o.ports = ports;
    }
    int status = launcher_run(&c->o);
    free(ports);
    return status;
}

int main(int argc, char **argv)
{
    struct command_line c = {.o = {.state_dir = "/var/lib/tandem",
                                   .run_dir = "/run/tandem",
                                   .user = "tandem",
                                   .ports = "",
                                   .box = {.ssh_port = 22}}};
    int option;
    standard_fds();
    while ((option = getopt_long(argc, argv, "v", options, NULL)) != -1)
        if (!take(option, &c)) {
            if (option != '?')
                fprintf(stderr, "tandemd: this value is not acceptable: %s\n", optarg);
            fputs(usage, stderr);
            return 2;
        }
    if (c.help) {
        fputs(usage, stdout);
        return 0;
    }
    if (c.protocols)
        return printf("launch %u sadb %u\n", LAUNCH_VERSION, SADB_VERSION) < 0;
    if (c.role && c.dropped)
        return role_run(c.role, &c.rights);
    if (c.role || !c.have_personality || optind != argc) {
        fputs(usage, stderr);
        return 2;
    }
    return run_launcher(&c);
}
