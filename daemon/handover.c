/*
 * The launcher's descriptors, and what each of its children gets of them: at its birth and at every
 * rebirth alike, on the one channel that it is born with (LAUNCH_FD).
 *
 * Two children that talk to each other get the ends of a fresh socket pair whenever one of
 * them is new. What cannot be opened at the start (an occupied port) is said once; the child that
 * waits for it gets it as soon as it is there.
 */
#include "daemon/hostkey.h"
#include "daemon/launcher_priv.h"
#include "daemon/sockets.h"
#include "daemon/spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Which child gets which socket; the counters go to two. */
static const struct {
    enum launch_socket kind;
    enum launch_role role;
} wants[] = {
    {SOCK_IKE4, ROLE_ENGINE},       {SOCK_ICMP4, ROLE_ENGINE},      {SOCK_STATS, ROLE_ENGINE},
    {SOCK_CLI, ROLE_ENGINE},        {SOCK_JOURNAL, ROLE_ENGINE},    {SOCK_NATT4, ROLE_DATAPATH},
    {SOCK_ESP4, ROLE_DATAPATH},     {SOCK_STATS, ROLE_DATAPATH},    {SOCK_SSH, ROLE_ACCESS},
    {SOCK_HOSTKEY, ROLE_ACCESS},    {SOCK_IKE6, ROLE_ENGINE},       {SOCK_ICMP6, ROLE_ENGINE},
    {SOCK_NATT6, ROLE_DATAPATH},    {SOCK_ESP6, ROLE_DATAPATH},     {SOCK_AH4, ROLE_DATAPATH},
    {SOCK_AH6, ROLE_DATAPATH},      {SOCK_SYSLOG4, ROLE_ENGINE},    {SOCK_SYSLOG6, ROLE_ENGINE},
    {SOCK_PROBE4, ROLE_ENGINE},     {SOCK_PROBE6, ROLE_ENGINE},     {SOCK_PROBE_IF4, ROLE_ENGINE},
    {SOCK_PROBE_UDP4, ROLE_ENGINE}, {SOCK_PROBE_UDP6, ROLE_ENGINE}, {SOCK_HSRP, ROLE_ENGINE},
    {SOCK_ARP, ROLE_ENGINE},        {SOCK_SCTP4, ROLE_ENGINE},      {SOCK_SCTP6, ROLE_ENGINE},
};
#define WANTS (sizeof(wants) / sizeof(wants[0]))

static const struct {
    enum launch_role a, b;
} pairs[] = {{ROLE_ENGINE, ROLE_DATAPATH}, {ROLE_ENGINE, ROLE_ACCESS}};
#define PAIRS (sizeof(pairs) / sizeof(pairs[0]))

/* A child that takes nothing any more is stuck; it ends, and its successor gets everything. */
static void give(struct child *c, uint16_t type, const void *data, size_t len, int fd)
{
    int err = !c->ch ? 0 : ipc_send_fds(c->ch, type, data, len, &fd, fd >= 0 ? 1 : 0);
    if (!err || !c->pid)
        return;
    log_line(&c->l->log, LOGL_ERROR, "launcher", "%s does not take its messages: %s; restarting it",
             role_name(c->role), strerror(-err));
    kill(c->pid, SIGKILL);
}

static void give_socket(struct child *c, enum launch_socket kind, int fd)
{
    struct lm_socket s = {.kind = kind};
    if (kind == SOCK_STATS && c->role == ROLE_ENGINE) {
        fd = stats_reader(fd);
        if (fd < 0) {
            log_line(&c->l->log, LOGL_ERROR, "launcher",
                     "cannot open the counters for reading: %s; is /proc mounted?", strerror(-fd));
            return;
        }
        give(c, LM_SOCKET, &s, sizeof(s), fd);
        close(fd);
        return;
    }
    give(c, LM_SOCKET, &s, sizeof(s), fd);
}

void handover_tun(void *ctx, const struct lm_tun *t, int fd)
{
    struct launcher *l = (struct launcher *)ctx;
    give(&l->child[ROLE_DATAPATH], fd >= 0 ? LM_TUN : LM_TUN_GONE, t, sizeof(*t), fd);
}

static void give_config(struct child *c)
{
    struct launcher *l = c->l;
    /* The engine reads from the descriptor's one offset, which its predecessor moved. */
    if (l->running >= 0 && lseek(l->running, 0, SEEK_SET) == 0)
        give(c, LM_RUNNING, NULL, 0, l->running);
    int fd = openat(l->p.state_dir, "startup-config", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno != ENOENT)
        log_line(&l->log, LOGL_ERROR, "launcher", "cannot read %s/startup-config: %s",
                 l->o->state_dir, strerror(errno));
    give(c, LM_CONFIG, NULL, 0, fd);
    if (fd >= 0)
        close(fd);
}

/* Both ends of a fresh channel to the children a and b, when both run. */
static void join(struct launcher *l, enum launch_role a, enum launch_role b)
{
    struct child *ca = &l->child[a], *cb = &l->child[b];
    int sv[2];
    if (!ca->ch || !cb->ch)
        return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0) {
        log_line(&l->log, LOGL_ERROR, "launcher", "no channel between %s and %s: %s", role_name(a),
                 role_name(b), strerror(errno));
        return;
    }
    give(ca, LM_PEER, &(struct lm_peer){.role = b}, sizeof(struct lm_peer), sv[0]);
    give(cb, LM_PEER, &(struct lm_peer){.role = a}, sizeof(struct lm_peer), sv[1]);
    close(sv[0]);
    close(sv[1]);
}

static void hand_over_first(struct child *c)
{
    struct launcher *l = c->l;
    struct lm_box box = l->p.box;
    box.restarted = c->ran;
    box.no_frr = !routing_installed();
    c->ran = true;
    give(c, LM_BOX, &box, sizeof(box), -1);
    if (c->role == ROLE_ENGINE)
        give(c, LM_PORTS, l->o->ports, strlen(l->o->ports), -1);
    for (size_t i = 0; i < WANTS; i++)
        if (wants[i].role == c->role && l->sock[wants[i].kind] >= 0)
            give_socket(c, wants[i].kind, l->sock[wants[i].kind]);
    if (c->role == ROLE_DATAPATH)
        broker_each_tun(l->broker, handover_tun, l);
}

static void hand_over_last(struct child *c)
{
    if (c->role == ROLE_ENGINE)
        give_config(c);
    give(c, LM_READY, NULL, 0, -1);
}

/* --- sockets that may come late ----------------------------------------------------------------
 */

static int open_one(struct launcher *l, enum launch_socket kind, char *why, size_t cap)
{
    struct socket_opts so = {.run_dir = l->o->run_dir, .ssh_port = l->o->box.ssh_port};
    int made = 0;
    if (kind != SOCK_HOSTKEY)
        return socket_open(kind, &so, why, cap);
    int fd = hostkey_open(l->p.state_dir, &made);
    if (fd < 0)
        snprintf(why, cap, "%s/%s: %s; there is no SSH without it", l->o->state_dir, HOSTKEY_FILE,
                 strerror(-fd));
    else if (made)
        log_line(&l->log, LOGL_NOTICE, "launcher", "made the SSH host key %s/%s", l->o->state_dir,
                 HOSTKEY_FILE);
    return fd;
}

/* Opens what is not open yet. True when nothing is missing. */
bool handover_sockets(struct launcher *l)
{
    bool all = true;
    for (size_t i = 0; i < WANTS; i++) {
        enum launch_socket kind = wants[i].kind;
        char why[256];
        if (l->sock[kind] >= 0)
            continue;
        int fd = open_one(l, kind, why, sizeof(why));
        if (fd == -EAFNOSUPPORT)
            continue; /* this host has no IPv6 */
        if (fd < 0) {
            all = false;
            if (l->told[kind] != fd)
                log_line(&l->log, LOGL_ERROR, "launcher", "%s (tried again every %d s)", why,
                         (int)(RETRY_SOCKETS / USEC_PER_SEC));
            l->told[kind] = fd;
            continue;
        }
        if (l->told[kind])
            log_line(&l->log, LOGL_NOTICE, "launcher", "%s: ours now", socket_name(kind));
        l->told[kind] = 0;
        l->sock[kind] = fd;
        for (size_t j = 0; j < WANTS; j++)
            if (wants[j].kind == kind)
                give_socket(&l->child[wants[j].role], kind, fd);
    }
    return all;
}

void hand_over(struct child *c)
{
    struct launcher *l = c->l;
    hand_over_first(c);
    for (size_t i = 0; i < PAIRS; i++)
        if (pairs[i].a == c->role || pairs[i].b == c->role)
            join(l, pairs[i].a, pairs[i].b);
    hand_over_last(c);
}
