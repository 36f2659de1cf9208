/*
 * What the launcher and its children say to each other (frames of lib/ipc.h).
 *
 * The launcher is the only process with rights. It opens sockets and TUNs and hands the
 * descriptors over, writes the kernel's addresses, routes and rules on typed requests, and
 * saves files; it parses nothing that a peer sent. Each child is born with one channel to
 * the launcher on descriptor LAUNCH_FD; everything else arrives on it.
 */
#ifndef TANDEM_LIB_LAUNCHPROTO_H
#define TANDEM_LIB_LAUNCHPROTO_H

#include "lib/addr.h"
#include <stdbool.h>
#include <stdint.h>

/* To be raised when a message or the layout of dpstats.h changes: children of another version are
 * not started. */
#define LAUNCH_VERSION 11u

#define LAUNCH_FD     3
#define LAUNCH_IFNAME 16

/* Everything that is ours in the kernel carries these. */
#define TANDEM_RTPROT   0x75 /* routes and rules: protocol number 117 */
#define TANDEM_FWMARK   0x7a6d
#define TANDEM_RT_TABLE 0x7a6d /* the crypto table of design §5 */
/* Behind it one table per interface number (ifid 1 …): what arrives there and has to be looked at
 * (docs/control.md, "What arrives in clear"). */
#define TANDEM_IFIDS 512
/* Probes that leave by an interface of their own choice, and where they find their way
 * (docs/control.md, "Probes"). */
#define TANDEM_PROBE_MARK  0x7a6e
#define TANDEM_PROBE_TABLE (TANDEM_RT_TABLE + TANDEM_IFIDS + 1)

/* SCTP of ours, as the kernel's own does not bear it (docs/sso.md, "The link"). */
#define TANDEM_SCTP_MARK 0x7a6f

static inline bool rt_table_is_ours(uint32_t table)
{
    return table >= TANDEM_RT_TABLE && table <= TANDEM_PROBE_TABLE;
}

enum launch_role { ROLE_ENGINE = 1, ROLE_DATAPATH, ROLE_ACCESS };

/* launcher → child */
enum launch_msg {
    LM_PEER = 1,     /* struct lm_peer + fd: channel to another child (again after its restart) */
    LM_SOCKET = 2,   /* struct lm_socket + fd */
    LM_TUN = 3,      /* struct lm_tun + fd (datapath only; repeated after a restart) */
    LM_TUN_GONE = 4, /* struct lm_tun without fd */
    LM_CONFIG = 5,   /* + fd open for reading: startup-config; no fd where there is none */
    LM_RUNNING = 10, /* + fd: what LR_KEEP brought, before LM_CONFIG, after a crash only */
    LM_BOX = 6,      /* struct lm_box: what this box is */
    LM_REPLY = 7,    /* struct lm_reply, then a text for people when err != 0 */
    LM_READY = 8,    /* empty: all that was there at the start has been sent */
    LM_PORTS = 9,    /* text of the ports file (control_set_ports), before any LM_CONFIG; empty:
                        there is none (engine only) */
    LM_ROUTING = 18, /* two fds: a connection to ospfd's commands, and its log (engine only; again
                        after its restart) */
    /* struct lm_process × n, just before the LM_REPLY to LR_PROCESSES */
    LM_PROCESSES = 16,
    LM_PROBE = 17, /* struct lm_probe + fd, just before the LM_REPLY to LR_PROBE */
};

/* What runs of this box; the roles have their own numbers. */
enum process_kind {
    PROCESS_LAUNCHER = 0,
    PROCESS_CONNECTION = 16,
    PROCESS_SESSION,
    PROCESS_ZEBRA, /* FRR's */
    PROCESS_OSPFD
};
#define PROCESSES_MAX 512

struct lm_process {
    uint32_t kind; /* enum launch_role or enum process_kind */
    int32_t pid;
    uint32_t uid;
    uint32_t uptime;       /* seconds */
    uint32_t restarts;     /* since the box came up */
    uint32_t resident_kb;  /* memory that it really has */
    uint64_t capabilities; /* effective, as /proc/PID/status has them */
    uint8_t seccomp;       /* 0 none, 1 strict, 2 filter */
    uint8_t no_new_privs;
    char user[22]; /* "" where the uid has no name */
};

enum launch_socket {
    SOCK_IKE4 = 1, /* UDP 500, bound, marked, pktinfo on */
    SOCK_NATT4,    /* UDP 4500, the same: datapath */
    SOCK_ESP4,     /* raw protocol 50, marked, header included on send */
    SOCK_ICMP4,    /* raw ICMP for the box's own ping */
    SOCK_CLI,      /* listening unix socket of the shells */
    SOCK_SSH,      /* listening TCP socket of access */
    SOCK_STATS,    /* memfd of dataplane/dpstats.h: datapath writes, engine reads */
    SOCK_HOSTKEY,  /* file with the SSH host key, open for reading */
    SOCK_PACKET4,  /* AF_PACKET for plain ESP, when the launcher could open one */
    SOCK_JOURNAL,  /* memfd of control/journal.h: what a successor of the engine needs, keys among
                      it. Engine only; never on disk, and nobody else maps it */
    SOCK_IKE6,     /* IPv6 twins, absent where the host has no IPv6 */
    SOCK_NATT6,
    SOCK_ESP6,
    SOCK_ICMP6,
    SOCK_AH4, /* raw protocol 51, else as ESP's */
    SOCK_AH6,
    SOCK_SYSLOG4, /* UDP, neither bound nor marked: messages of the box to servers */
    SOCK_SYSLOG6,
    SOCK_PROBE4,     /* raw ICMP of probes: neither bound nor marked */
    SOCK_PROBE6,     /* IPv6 twin */
    SOCK_PROBE_IF4,  /* the same with TANDEM_PROBE_MARK, for sending only */
    SOCK_PROBE_UDP4, /* UDP of probes, on a port of the kernel's choice */
    SOCK_PROBE_UDP6,
    SOCK_HSRP,  /* AF_PACKET with Ethernet headers, bound to no protocol: sends frames; when the
                   engine binds it to IPv4 it hears HSRP and nothing else */
    SOCK_ARP,   /* the same for ARP, to hear only */
    SOCK_SCTP4, /* raw protocol 132 of stateful failover, with TANDEM_SCTP_MARK: not bound; hears
                   nothing until the engine says what */
    SOCK_SCTP6
};

struct lm_peer {
    uint32_t role; /* enum launch_role of the other end */
};
struct lm_socket {
    uint32_t kind; /* enum launch_socket */
};

enum tun_kind {
    TUN_SHADOW = 1,
    TUN_BYPASS = 2,
    TUN_TUNNEL = 3,
    TUN_INBOUND = 4, /* transit packets from the interface, on their way to a protected network */
    TUN_LOOPBACK = 5 /* interface LoopbackN: held open by the launcher, read by nobody */
};

struct lm_tun {
    uint32_t ifid; /* engine's number for the interface; 0 for the bypass TUN; TUN_LOOPBACK: N */
    uint32_t kind; /* enum tun_kind */
    uint32_t mtu;
    uint32_t ifindex;
    char name[LAUNCH_IFNAME];
};

struct lm_box {
    uint8_t asa;       /* personality: 1 = ASA, 0 = IOS */
    uint8_t restarted; /* 1 when the child replaces one that died */
    uint8_t lab;       /* 1: a lab box, keys may be shown for the packet decoder */
    uint8_t no_frr;    /* 1: FRR is not installed on this host */
    uint8_t verbose;   /* -v on the launcher's command line: 0, 1, 2 */
    uint16_t ssh_port;
    char model[32], serial[32], version[32];
    int64_t boot_wall_us;
};

/* access → engine, on their LM_PEER channel */
enum access_msg {
    AM_SESSION = 96, /* empty + fd: a new session's channel (lib/cliproto.h) */
};

/* child → launcher: every request has an id that comes back in its LM_REPLY. */
enum launch_req {
    LR_LINK = 64,    /* struct lr_link */
    LR_ADDR = 65,    /* struct lr_addr */
    LR_ROUTE = 66,   /* struct lr_route */
    LR_RULE = 67,    /* struct lr_rule */
    LR_TUN = 68,     /* struct lr_tun */
    LR_SAVE = 69,    /* struct lr_save + fd (memfd with the text) */
    LR_RELOAD = 70,  /* struct lr_reload: restart every child from startup-config */
    LR_KEEP = 71,    /* struct lr_keep + fd: the running-config, for an engine that has to follow
                        this one. Kept in memory only, and not looked into */
    LR_VLAN = 72,    /* struct lr_vlan */
    LR_VIP = 73,     /* struct lr_vip */
    LR_URGENT = 83,  /* struct lr_urgent */
    LR_ROUTING = 82, /* struct lr_routing: -ENOENT where FRR is not installed */
    /* struct lr_processes: what runs, from /proc; the engine opens no files */
    LR_PROCESSES = 80,
    LR_PROBE = 81, /* struct lr_probe: a socket that is connected, or about to be */
};

struct lm_reply {
    uint32_t id;
    int32_t err; /* 0 or -errno */
};

struct lr_link {
    uint32_t id;
    uint32_t ifindex;
    uint8_t set_up, up; /* set_up: change the admin state to `up` */
    uint16_t mtu;       /* 0 = leave */
};
struct lr_addr {
    uint32_t id;
    uint32_t ifindex;
    uint8_t add;
    struct prefix addr; /* address with its mask: host bits kept */
};

enum route_type { RT_UNICAST = 1, RT_THROW = 2, RT_UNREACHABLE = 3 };

#define LR_MORE 3 /* next hops beside the first */
struct lr_hop {
    uint32_t oif;
    struct addr gw;
};
struct lr_route {
    uint32_t id;
    uint8_t add;
    uint8_t type;   /* enum route_type */
    uint8_t n_more; /* of a unicast route */
    uint32_t table; /* main (254), or rt_table_is_ours(); others are refused */
    uint32_t oif;   /* 0 = none */
    uint32_t metric;
    struct prefix dst;
    struct addr gw, src; /* unset = none */
    struct lr_hop more[LR_MORE];
};
struct lr_rule {
    uint32_t id;
    uint8_t add;
    uint8_t family;   /* AF_INET or AF_INET6: each has rules of its own */
    uint8_t not_mark; /* match packets WITHOUT fwmark `mark` */
    uint32_t priority;
    uint32_t mark;  /* 0 = none */
    uint32_t table; /* 0 where goto_priority is used */
    uint32_t goto_priority;
    char iif[LAUNCH_IFNAME]; /* "" = any */
    /* Set: what the box itself sends to it of SCTP without any mark goes nowhere. Then nothing of
     * the above but id, add, family and priority. */
    struct addr no_sctp;
};
struct lr_tun {
    uint32_t id;
    uint8_t open; /* 1 = create and hand to the datapath, 0 = close */
    uint32_t ifid;
    uint32_t kind;
    uint32_t mtu;
    char name[LAUNCH_IFNAME];
};
struct lr_vlan {
    uint32_t id;
    uint8_t add;
    uint16_t vlan;
    uint32_t parent; /* ifindex of its port */
    char name[LAUNCH_IFNAME];
};
/* Addresses with a MAC address of their own on a port (HSRP): a macvlan device that answers ARP for
 * them. On: made if it is not there, up, with these addresses and no others. */
#define LAUNCH_VIPS     6
#define LAUNCH_VIP_NAME "tdh" /* their names begin so */
struct lr_vip {
    uint32_t id;
    uint32_t parent; /* ifindex of the port */
    uint32_t turn;   /* two requests with the same wish are two, when something was between them */
    uint8_t on, n;
    uint8_t mac[6];
    char name[LAUNCH_IFNAME];
    struct addr addr[LAUNCH_VIPS];
};
struct lr_save {
    uint32_t id;
    char name[32]; /* "startup-config"; no slash; others are refused */
    uint8_t erase; /* remove it instead */
};
struct lr_reload {
    uint32_t id;
};
struct lr_routing {
    uint32_t id;
    uint8_t ospf; /* FRR's zebra and ospfd run; 0: they end */
};
struct lr_processes {
    uint32_t id;
};
struct lr_probe {
    uint32_t id;
    uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
    uint8_t tos;
    uint16_t port, source_port; /* source_port 0: any */
    struct addr target, source; /* of one family; source unset: any */
};
struct lm_probe {
    uint32_t id; /* of the request */
};
/* A thread of the engine goes before other work, at the least real-time priority or, where it also
 * goes before the engine's other urgent threads, at the next one. */
struct lr_urgent {
    uint32_t id;
    int32_t tid;
    uint32_t first;
};
struct lr_keep {
    uint32_t id;
};

#endif
