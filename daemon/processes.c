/* Processes of the box. See processes.h. */
#include "daemon/processes.h"
#include "lib/str.h"
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static FILE *proc_open(pid_t pid, const char *file)
{
    char path[96];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    return fopen(path, "re");
}

static void take_line(struct lm_process *p, const char *line)
{
    uint64_t n;
    if (sscanf(line, "Uid:\t%*u\t%" SCNu64, &n) == 1)
        p->uid = (uint32_t)n;
    else if (sscanf(line, "VmRSS: %" SCNu64, &n) == 1)
        p->resident_kb = (uint32_t)n;
    else if (sscanf(line, "CapEff: %" SCNx64, &n) == 1)
        p->capabilities = n;
    else if (sscanf(line, "NoNewPrivs: %" SCNu64, &n) == 1)
        p->no_new_privs = (uint8_t)n;
    else if (sscanf(line, "Seccomp: %" SCNu64, &n) == 1)
        p->seccomp = (uint8_t)n;
}

/* Field 22 of stat: when it began, in ticks since the machine did. Its name may hold anything, so
 * it is counted from the last parenthesis (state is 3). */
static void take_age(struct lm_process *p, FILE *f)
{
    char line[1024];
    uint64_t ticks = 0;
    struct timespec up;
    long hz = sysconf(_SC_CLK_TCK);
    const char *at = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
    for (unsigned field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (!at || hz <= 0 || sscanf(at, " %" SCNu64, &ticks) != 1)
        return;
    clock_gettime(CLOCK_BOOTTIME, &up);
    uint64_t now = (uint64_t)up.tv_sec, born = ticks / (uint64_t)hz;
    p->uptime = (uint32_t)(now > born ? now - born : 0);
}

static bool describe(const struct process_root *r, struct lm_process *p)
{
    char line[256];
    *p = (struct lm_process){.kind = r->kind, .pid = r->pid, .restarts = r->restarts};
    FILE *f = proc_open(r->pid, "status");
    if (!f)
        return false;
    while (fgets(line, sizeof(line), f))
        take_line(p, line);
    fclose(f);
    f = proc_open(r->pid, "stat");
    if (f)
        take_age(p, f);
    if (f)
        fclose(f);
    const struct passwd *who = getpwuid(p->uid);
    if (who)
        str_copy(p->user, sizeof(p->user), who->pw_name);
    return true;
}

/* Access forks connections, those fork sessions. */
static size_t add(const struct process_root *r, struct lm_process *out, size_t cap)
{
    char file[64];
    int pid;
    if (!cap || !describe(r, out))
        return 0;
    size_t n = 1;
    if (r->kind != ROLE_ACCESS && r->kind != PROCESS_CONNECTION)
        return n;
    snprintf(file, sizeof(file), "task/%d/children", (int)r->pid);
    FILE *f = proc_open(r->pid, file); /* absent in kernels without CONFIG_PROC_CHILDREN */
    while (f && n < cap && fscanf(f, "%d", &pid) == 1) {
        struct process_root child = {.kind = r->kind == ROLE_ACCESS ? PROCESS_CONNECTION
                                                                    : PROCESS_SESSION,
                                     .pid = pid};
        n += add(&child, out + n, cap - n);
    }
    if (f)
        fclose(f);
    return n;
}

size_t processes_list(const struct process_root *roots, size_t n, struct lm_process *out,
                      size_t cap)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += add(&roots[i], out + found, cap - found);
    return found;
}
