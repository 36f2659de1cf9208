/* A network namespace of the test's own, and small looks into it. */
#ifndef TANDEM_TESTS_DAEMON_NS_H
#define TANDEM_TESTS_DAEMON_NS_H

#include "lib/addr.h"
#include "lib/launchproto.h"
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Moves this process into an empty namespace with a veth pair p0/p1 and lo up. 0 or -1. */
static inline int ns_enter(void)
{
    if (unshare(CLONE_NEWNET) < 0) {
        perror("these tests run as root: unshare");
        return -1;
    }
    return system("ip link set lo up && ip link add p0 type veth peer name p1 && "
                  "ip link set p1 up") == 0
               ? 0
               : -1;
}

/* What a command prints, into out. Returns its exit status; more than cap says so and aborts:
 * a look that missed the rest must not pass for one that saw it all. */
static inline int ns_output(const char *command, char *out, size_t cap)
{
    FILE *f = popen(command, "r");
    if (!f)
        return -1;
    size_t n = fread(out, 1, cap - 1, f);
    out[n] = '\0';
    if (n == cap - 1 && fgetc(f) != EOF) {
        fprintf(stderr, "%s: prints more than the %zu bytes there is room for\n", command, cap);
        abort();
    }
    return pclose(f);
}

/* Whether `text` is in what the command prints. */
static inline bool ns_shows(const char *command, const char *text)
{
    char out[16384];
    return ns_output(command, out, sizeof(out)) == 0 && strstr(out, text) != NULL;
}

static inline struct prefix ns_prefix(const char *addr, unsigned len)
{
    struct prefix p = {.len = (uint8_t)len};
    if (addr_parse(addr, &p.addr) < 0)
        abort();
    return p;
}

#endif
