/*
 * show processes: what runs of this box, and with which rights. The engine may open no file, so
 * the launcher looks into /proc.
 */
#include "modes/internal.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
    struct cmd *cmd; /* NULL once its session is gone */
};

static const char *kind_name(uint32_t kind)
{
    switch (kind) {
    case PROCESS_LAUNCHER:
        return "launcher";
    case ROLE_ENGINE:
        return "engine";
    case ROLE_DATAPATH:
        return "datapath";
    case ROLE_ACCESS:
        return "access";
    case PROCESS_CONNECTION:
        return " connection";
    case PROCESS_SESSION:
        return "  session";
    case PROCESS_ZEBRA:
        return "zebra";
    case PROCESS_OSPFD:
        return "ospfd";
    default:
        return "?";
    }
}

/* capabilities(7), in the order of their numbers. */
static const char *const capability_names[] = {"chown",
                                               "dac_override",
                                               "dac_read_search",
                                               "fowner",
                                               "fsetid",
                                               "kill",
                                               "setgid",
                                               "setuid",
                                               "setpcap",
                                               "linux_immutable",
                                               "net_bind_service",
                                               "net_broadcast",
                                               "net_admin",
                                               "net_raw",
                                               "ipc_lock",
                                               "ipc_owner",
                                               "sys_module",
                                               "sys_rawio",
                                               "sys_chroot",
                                               "sys_ptrace",
                                               "sys_pacct",
                                               "sys_admin",
                                               "sys_boot",
                                               "sys_nice",
                                               "sys_resource",
                                               "sys_time",
                                               "sys_tty_config",
                                               "mknod",
                                               "lease",
                                               "audit_write",
                                               "audit_control",
                                               "setfcap",
                                               "mac_override",
                                               "mac_admin",
                                               "syslog",
                                               "wake_alarm",
                                               "block_suspend",
                                               "audit_read",
                                               "perfmon",
                                               "bpf",
                                               "checkpoint_restore"};
#define CAPABILITIES (sizeof capability_names / sizeof capability_names[0])

static void print_capabilities(struct cmd *c, uint64_t set)
{
    const char *comma = "";
    for (unsigned i = 0; i < 64; i++) {
        if (!(set >> i & 1))
            continue;
        if (i < CAPABILITIES)
            cmd_printf(c, "%s%s", comma, capability_names[i]);
        else
            cmd_printf(c, "%s%u", comma, i);
        comma = ",";
    }
    cmd_puts(c, set ? "\n" : "none\n");
}

static void print_process(struct cmd *c, const struct lm_process *p)
{
    static const char *const filters[] = {"none", "strict", "filter"};
    char user[24], age[32];
    memcpy(user, p->user, sizeof p->user);
    user[sizeof p->user] = 0;
    if (!user[0])
        snprintf(user, sizeof user, "%u", p->uid);
    cmd_age(age, sizeof age, p->uptime);
    cmd_printf(c, "%-12s %7d %6u %-10s %-10s %8u %8uK %-7s %-3s ", kind_name(p->kind), p->pid,
               p->uid, user, age, p->restarts, p->resident_kb,
               p->seccomp < 3 ? filters[p->seccomp] : "?", p->no_new_privs ? "yes" : "no");
    print_capabilities(c, p->capabilities);
}

static void on_list(void *ctx, int err)
{
    struct listing *l = (struct listing *)ctx;
    struct cmd *c = l->cmd;
    free(l);
    if (!c)
        return;
    c->state = NULL;
    c->on_abort = NULL;
    size_t n;
    const struct lm_process *p = query_processes(c->control, &n);
    if (err || !n) {
        cmd_printf(c, "%%The launcher does not tell: %s\n", strerror(err ? -err : EPROTO));
        cmd_done(c, CMD_REFUSED);
        return;
    }
    cmd_puts(c, "Process          PID    UID User       Uptime     Restarts  Resident Seccomp NNP "
                "Capabilities\n");
    for (size_t i = 0; i < n; i++)
        print_process(c, &p[i]);
    cmd_done(c, CMD_OK);
}

static void on_abort(struct cmd *c)
{
    ((struct listing *)c->state)->cmd = NULL; /* the answer still comes, for nobody */
    cmd_done(c, CMD_REFUSED);
}

int show_processes(struct cmd *c, const struct a_show_processes *a)
{
    (void)a;
    struct listing *l = (struct listing *)calloc(1, sizeof *l);
    if (!l)
        return CMD_REFUSED;
    l->cmd = c;
    c->state = l;
    c->on_abort = on_abort;
    int err = control_processes(c->control, on_list, l);
    if (err)
        on_list(l, err);
    return CMD_ASYNC;
}
