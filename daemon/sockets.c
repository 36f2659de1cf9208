/*
 * Sockets of the box. See sockets.h.
 *
 * IKE, ESP and AH carry TANDEM_FWMARK, so that the crypto table never catches what protects others
 * (design §5). The box's own ping does not: a ping whose addresses a crypto map protects must go
 * through the tunnel like any host's packet, and one to a peer's outside address is in no crypto
 * route anyway.
 */
#include "daemon/sockets.h"
#include "control/journal.h"
#include "control/sla/probe.h"
#include "dataplane/dpstats.h"
#include "lib/ipc.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_sched.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BUFFER      (8 * 1024 * 1024)
#define IKE_PORT    500
#define NATT_PORT   4500 /* RFC 3948 */
#define SSH_BACKLOG 64

/* What a socket is called, and how it is opened. */
struct recipe {
    const char *name;
    int (*open)(const struct recipe *r, const struct socket_opts *o); /* fd or -errno */
    int family;
    uint16_t number; /* a port or a protocol */
    bool probes;
};

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Bursts of a whole batch must fit. Beyond rmem_max only root may go; less is no failure. */
static void big_buffers(int fd)
{
    if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER) < 0)
        set_int(fd, SOL_SOCKET, SO_RCVBUF, BUFFER);
    if (set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER) < 0)
        set_int(fd, SOL_SOCKET, SO_SNDBUF, BUFFER);
}

static int bind_any(int fd, int family, uint16_t port)
{
    struct sockaddr_storage ss;
    struct addr any = {.family = (uint8_t)family};
    int len = addr_to_sockaddr(&any, port, &ss);
    return bind(fd, (const struct sockaddr *)&ss, (socklen_t)len) < 0 ? -errno : 0;
}

static int fail(int fd, int err)
{
    close(fd);
    return err;
}

/* Packet information on; IPv6 for itself, since the twin has IPv4. */
static int set_family(int fd, int family)
{
    if (family == AF_INET)
        return set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
    int err = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    return err ? err : set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

/* IKE and ESP in UDP may be fragmented on the way: RFC 7296 §2 sends no DF. */
static int set_no_df(int fd, int family)
{
    return family == AF_INET ? set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
                             : set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
}

static int open_udp(const struct recipe *r, const struct socket_opts *o)
{
    int family = r->family;
    (void)o;
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int err = set_family(fd, family);
    if (!err)
        err = set_int(fd, SOL_SOCKET, SO_MARK, TANDEM_FWMARK);
    if (!err)
        err = set_no_df(fd, family);
    if (!err)
        err = bind_any(fd, family, r->number);
    if (err)
        return fail(fd, err);
    big_buffers(fd);
    return fd;
}

/* The kernel chooses its port and, unless a message names one, its address. */
static int open_plain(const struct recipe *r, const struct socket_opts *o)
{
    (void)o;
    int fd = socket(r->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -errno : fd;
}

/* Answers and errors; neighbour discovery is the kernel's. */
static int filter_icmp6(int fd)
{
    struct icmp6_filter f;
    ICMP6_FILTER_SETBLOCKALL(&f);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &f);
    ICMP6_FILTER_SETPASS(ICMP6_DST_UNREACH, &f);
    ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &f);
    ICMP6_FILTER_SETPASS(ICMP6_TIME_EXCEEDED, &f);
    ICMP6_FILTER_SETPASS(ICMP6_PARAM_PROB, &f);
    return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &f, sizeof(f)) < 0 ? -errno : 0;
}

/* ipsec: ESP or AH. */
static int open_raw(int protocol, bool ipsec)
{
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd < 0)
        return -errno;
    int err = set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (!err && ipsec)
        err = set_int(fd, IPPROTO_IP, IP_HDRINCL, 1);
    if (!err && ipsec)
        err = set_int(fd, SOL_SOCKET, SO_MARK, TANDEM_FWMARK);
    if (err)
        return fail(fd, err);
    big_buffers(fd);
    return fd;
}

/* IPv6 adds the header itself, from what comes with each packet: there is no routing of ours in
 * it, and the kernel cuts what is too long. */
static int open_raw6(int protocol, bool ipsec)
{
    int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd < 0)
        return -errno;
    int err = set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    if (!err && ipsec)
        err = set_int(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    if (!err && ipsec)
        err = set_int(fd, SOL_SOCKET, SO_MARK, TANDEM_FWMARK);
    if (!err && ipsec)
        err = set_no_df(fd, AF_INET6);
    if (!err && !ipsec)
        err = filter_icmp6(fd);
    if (err)
        return fail(fd, err);
    big_buffers(fd);
    return fd;
}

/* Each ICMP socket is given all answers that come: those to thousands of probes are not to wake the
 * box's ping, nor the other way round. Errors go to both. probes: answers whose identifier has
 * the probes' bit, else those without. */
static int filter_answers(int fd, int family, bool probes)
{
    const struct sock_filter after_ip = BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0);
    const struct sock_filter at_icmp = BPF_STMT(BPF_LDX | BPF_IMM, 0);
    struct sock_filter code[] = {
        family == AF_INET ? after_ip : at_icmp,
        BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                 family == AF_INET ? (uint32_t)ICMP_ECHOREPLY : (uint32_t)ICMP6_ECHO_REPLY, 0, 2),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROBE_ID_BIT, probes ? 0 : 1, probes ? 1 : 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog p = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p)) < 0 ? -errno : 0;
}

static int open_ipsec(const struct recipe *r, const struct socket_opts *o)
{
    (void)o;
    return r->family == AF_INET ? open_raw(r->number, true) : open_raw6(r->number, true);
}

static int open_ping(const struct recipe *r, const struct socket_opts *o)
{
    int family = r->family;
    (void)o;
    int fd = family == AF_INET ? open_raw(IPPROTO_ICMP, false) : open_raw6(IPPROTO_ICMPV6, false);
    int err = fd < 0 ? 0 : filter_answers(fd, family, r->probes);
    if (fd >= 0 && !err && r->probes)
        err = set_no_df(fd, family);
    return err ? fail(fd, err) : fd;
}

/* IPv6 for itself: the twin has IPv4. */
static int open_probe_udp(const struct recipe *r, const struct socket_opts *o)
{
    int fd = open_plain(r, o);
    int err = fd < 0 ? 0 : set_no_df(fd, r->family);
    if (fd >= 0 && !err && r->family == AF_INET6)
        err = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (fd < 0 || err)
        return err ? fail(fd, err) : fd;
    big_buffers(fd);
    return fd;
}

/* What comes in is read from the other one. */
static int open_probe_if(const struct recipe *r, const struct socket_opts *o)
{
    (void)r;
    (void)o;
    int fd = open_raw(IPPROTO_ICMP, false);
    if (fd < 0)
        return fd;
    int err = set_int(fd, SOL_RAW, ICMP_FILTER, -1); /* all types are filtered out */
    if (!err)
        err = set_int(fd, SOL_SOCKET, SO_MARK, TANDEM_PROBE_MARK);
    if (!err)
        err = set_no_df(fd, AF_INET);
    return err ? fail(fd, err) : fd;
}

/* It is there whether or not somebody hears it: the kernel says "protocol unreachable" where nobody
 * has a socket of SCTP. */
static int open_sctp(const struct recipe *r, const struct socket_opts *o)
{
    int family = r->family;
    (void)o;
    struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog f = {.len = 1, .filter = &nothing};
    int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_SCTP);
    if (fd < 0)
        return -errno;
    int err = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof(f)) < 0 ? -errno : 0;
    if (!err)
        err = family == AF_INET ? set_int(fd, IPPROTO_IP, IP_PKTINFO, 1)
                                : set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    if (!err)
        err = set_int(fd, SOL_SOCKET, SO_MARK, TANDEM_SCTP_MARK);
    if (!err)
        err = set_no_df(fd, family);
    if (err)
        return fail(fd, err);
    big_buffers(fd);
    return fd;
}

/* --- packet sockets -------------------------------------------------------------------------- */

#define HSRP_PORT    1985
#define HSRP_GROUP_1 0xe0000002 /* 224.0.0.2 */
#define HSRP_GROUP_2 0xe0000066

/* IPv4, UDP, no later fragment, to HSRP's port at one of its groups. */
static const struct sock_filter hears_hsrp[] = {
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 11),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 9),
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 7, 0),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 30),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HSRP_GROUP_1, 1, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HSRP_GROUP_2, 0, 4),
    BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14),
    BPF_STMT(BPF_LD | BPF_H | BPF_IND, 16),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HSRP_PORT, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 65535),
    BPF_STMT(BPF_RET | BPF_K, 0),
};

static const struct sock_filter hears_arp[] = {
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 65535),
    BPF_STMT(BPF_RET | BPF_K, 0),
};

/* Whoever gets it may bind it to a protocol, but hears no more than the filter lets through,
 * which he cannot take away. */
static int open_packet(const struct sock_filter *hears, size_t n)
{
    struct sock_fprog f = {.len = (unsigned short)n, .filter = (void *)(uintptr_t)hears};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int err = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof(f)) < 0 ? -errno : 0;
    if (!err)
        err = set_int(fd, SOL_SOCKET, SO_LOCK_FILTER, 1);
    if (!err) /* whether the UDP checksum is there yet */
        err = set_int(fd, SOL_PACKET, PACKET_AUXDATA, 1);
    if (!err) /* before other packets, where the device has queues that know of it */
        err = set_int(fd, SOL_SOCKET, SO_PRIORITY, TC_PRIO_CONTROL);
    return err ? fail(fd, err) : fd;
}

static int open_hsrp(const struct recipe *r, const struct socket_opts *o)
{
    (void)r;
    (void)o;
    return open_packet(hears_hsrp, sizeof(hears_hsrp) / sizeof(hears_hsrp[0]));
}

static int open_arp(const struct recipe *r, const struct socket_opts *o)
{
    (void)r;
    (void)o;
    return open_packet(hears_arp, sizeof(hears_arp) / sizeof(hears_arp[0]));
}

/* One listener for both families; for IPv4 alone where the host has no IPv6. */
static int open_ssh(const struct recipe *r, const struct socket_opts *o)
{
    (void)r;
    int family = AF_INET6;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 && errno == EAFNOSUPPORT) {
        family = AF_INET;
        fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    }
    if (fd < 0)
        return -errno;
    int err = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (!err && family == AF_INET6)
        err = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (!err)
        err = bind_any(fd, family, o->ssh_port);
    if (!err && listen(fd, SSH_BACKLOG) < 0)
        err = -errno;
    return err ? fail(fd, err) : fd;
}

static bool cli_path(const char *run_dir, char *path, size_t cap)
{
    return snprintf(path, cap, "%s/tandem.sock", run_dir) < (int)cap;
}

static int open_cli(const struct recipe *r, const struct socket_opts *o)
{
    char path[256];
    (void)r;
    if (!cli_path(o->run_dir, path, sizeof(path)))
        return -ENAMETOOLONG;
    /* Anybody may connect: the engine asks the kernel who it is. */
    return ipc_listen(path, 0666);
}

void socket_cli_remove(const char *run_dir)
{
    char path[256];
    if (cli_path(run_dir, path, sizeof(path)))
        unlink(path);
}

static int open_stats(const struct recipe *r, const struct socket_opts *o)
{
    (void)r;
    (void)o;
    int fd = memfd_create("tandem-stats", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    const uint32_t head[2] = {DPSTATS_MAGIC, DPSTATS_SLOTS};
    _Static_assert(offsetof(struct dpstats, slots) == 4, "magic and slots lead");
    if (ftruncate(fd, sizeof(struct dpstats)) < 0 ||
        pwrite(fd, head, sizeof(head), 0) != sizeof(head) ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return fail(fd, -errno);
    return fd;
}

/* The journal's memory: as large as it may get, and sparse. Its size is fixed, so that nobody's
 * mapping ends before what was measured. */
static int open_journal(const struct recipe *r, const struct socket_opts *o)
{
    (void)r;
    (void)o;
    int fd = memfd_create("tandem-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, JOURNAL_SIZE) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return fail(fd, -errno);
    return fd;
}

int stats_reader(int fd)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int ro = open(path, O_RDONLY | O_CLOEXEC);
    return ro < 0 ? -errno : ro;
}

static const struct recipe recipes[] = {
    [SOCK_IKE4] = {"UDP port 500", open_udp, AF_INET, IKE_PORT, false},
    [SOCK_NATT4] = {"UDP port 4500", open_udp, AF_INET, NATT_PORT, false},
    [SOCK_ESP4] = {"raw ESP socket", open_ipsec, AF_INET, IPPROTO_ESP, false},
    [SOCK_ICMP4] = {"raw ICMP socket", open_ping, AF_INET, 0, false},
    [SOCK_CLI] = {"CLI socket", open_cli, AF_UNIX, 0, false},
    [SOCK_SSH] = {"SSH port", open_ssh, AF_INET6, 0, false},
    [SOCK_STATS] = {"counter memory", open_stats, 0, 0, false},
    [SOCK_HOSTKEY] = {"SSH host key", NULL, 0, 0, false},
    [SOCK_PACKET4] = {"packet socket", NULL, 0, 0, false},
    [SOCK_JOURNAL] = {"journal memory", open_journal, 0, 0, false},
    [SOCK_IKE6] = {"UDP port 500 (IPv6)", open_udp, AF_INET6, IKE_PORT, false},
    [SOCK_NATT6] = {"UDP port 4500 (IPv6)", open_udp, AF_INET6, NATT_PORT, false},
    [SOCK_ESP6] = {"raw ESP socket (IPv6)", open_ipsec, AF_INET6, IPPROTO_ESP, false},
    [SOCK_ICMP6] = {"raw ICMP socket (IPv6)", open_ping, AF_INET6, 0, false},
    [SOCK_AH4] = {"raw AH socket", open_ipsec, AF_INET, IPPROTO_AH, false},
    [SOCK_AH6] = {"raw AH socket (IPv6)", open_ipsec, AF_INET6, IPPROTO_AH, false},
    [SOCK_SYSLOG4] = {"UDP socket of messages", open_plain, AF_INET, 0, false},
    [SOCK_SYSLOG6] = {"UDP socket of messages (IPv6)", open_plain, AF_INET6, 0, false},
    [SOCK_PROBE4] = {"ICMP socket of probes", open_ping, AF_INET, 0, true},
    [SOCK_PROBE6] = {"ICMP socket of probes (IPv6)", open_ping, AF_INET6, 0, true},
    [SOCK_PROBE_IF4] = {"ICMP socket of probes of an interface", open_probe_if, AF_INET, 0, true},
    [SOCK_PROBE_UDP4] = {"UDP socket of probes", open_probe_udp, AF_INET, 0, true},
    [SOCK_PROBE_UDP6] = {"UDP socket of probes (IPv6)", open_probe_udp, AF_INET6, 0, true},
    [SOCK_HSRP] = {"packet socket of HSRP", open_hsrp, AF_PACKET, 0, false},
    [SOCK_ARP] = {"packet socket of ARP", open_arp, AF_PACKET, 0, false},
    [SOCK_SCTP4] = {"raw SCTP socket", open_sctp, AF_INET, 0, false},
    [SOCK_SCTP6] = {"raw SCTP socket (IPv6)", open_sctp, AF_INET6, 0, false},
};

const char *socket_name(enum launch_socket kind)
{
    return recipes[kind].name;
}

static const char *advice(enum launch_socket kind, int err)
{
    if (err == -EADDRINUSE &&
        (kind == SOCK_IKE4 || kind == SOCK_NATT4 || kind == SOCK_IKE6 || kind == SOCK_NATT6))
        return "another program has it (see ss -ulnp); stop that one, strongSwan or libreswan "
               "for instance";
    if (err == -EADDRINUSE && kind == SOCK_SSH)
        return "another program has it (see ss -tlnp); stop that one or give --ssh-port";
    if (err == -EPERM || err == -EACCES)
        return "no permission; start tandemd as root, in a container with NET_ADMIN and "
               "NET_RAW";
    if (kind == SOCK_CLI)
        return "check the --run directory";
    return "tried again";
}

int socket_open(enum launch_socket kind, const struct socket_opts *o, char *why, size_t cap)
{
    const struct recipe *r = &recipes[kind];
    int fd = r->open ? r->open(r, o) : -EINVAL;
    if (fd < 0)
        snprintf(why, cap, "%s: %s: %s", r->name, strerror(-fd), advice(kind, fd));
    return fd;
}

int namespace_lock(void)
{
    /* An abstract unix address is per network namespace, and goes with its process. A user
     * without rights may squat it, so its owner is looked at. */
    static const char name[] = "\0tandemd-launcher";
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    socklen_t len = offsetof(struct sockaddr_un, sun_path) + sizeof(name) - 1;
    struct ucred who;
    socklen_t who_len = sizeof(who);
    memcpy(sun.sun_path, name, sizeof(name));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (const struct sockaddr *)&sun, len) == 0 && listen(fd, 1) == 0)
        return fd;
    if (connect(fd, (const struct sockaddr *)&sun, len) == 0 &&
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_len) == 0 && who.uid != 0)
        return fd;
    return fail(fd, -EADDRINUSE);
}
