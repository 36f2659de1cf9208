/*
 * One datapath process on real devices, with this program as its launcher and engine: SAs are
 * given by hand, so that packets can be looked at without IKE.
 *
 *   esp_node TUN LOCAL REMOTE MY-NET THEIR-NET WRAP SUITE SPI-IN SPI-OUT
 *       WRAP: native, udp, transport, or udp-transport. The nets are the /24 around these
 * addresses, in transport mode the addresses alone, which should be LOCAL and REMOTE then SUITE:
 * gcm, cbc, ah, or bundle, which is AH around CBC; its AH has the SPIs with their bit 16 changed
 *
 * Sockets are marked TANDEM_FWMARK. All bytes of a cipher's key are the last byte of the SPI, those
 * of an integrity key the one before it. Runs in the current network namespace, on IPv4 or IPv6 as
 * LOCAL has it. Prints "ready" when the TUN is there and the datapath
 * has its policy and inbound SA; the outbound SA follows the first ACQUIRE. A line "stats" on
 * standard input is answered by "out PACKETS in PACKETS drops N acquires N"; its end ends all.
 */
#include "dataplane/datapath.h"
#include "dataplane/dpstats.h"
#include "dataplane/sadb.h"
#include "dataplane/tun.h"
#include "lib/ipc.h"
#include "lib/launchproto.h"
#include "lib/transform.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOT_IN  1
#define SLOT_OUT 2
#define MTU      1500 /* of the link */

struct node {
    struct ipc *launch, *engine;
    struct addr local, remote;
    struct prefix mine, theirs;
    const char *suite;
    bool udp, transport;
    uint32_t spi_in, spi_out;
    struct dpstats *stats;
    unsigned acquires;
    bool has_out;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int tun_device(const char *name)
{
    struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    int hdr = TUN_HDR, fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    strncpy(r.ifr_name, name, IFNAMSIZ - 1);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &r) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &hdr) < 0 ||
        ioctl(fd, TUNSETOFFLOAD, 0L) < 0)
        die(name);
    return fd;
}

static void set(int fd, int level, int option, int value)
{
    if (fd < 0 || setsockopt(fd, level, option, &value, sizeof value))
        die("socket");
}

static int raw(const struct node *n, int protocol)
{
    bool v6 = n->local.family == AF_INET6;
    int fd = socket(n->local.family, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (v6)
        set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    else
        set(fd, IPPROTO_IP, IP_HDRINCL, 1);
    set(fd, SOL_SOCKET, SO_MARK, TANDEM_FWMARK);
    return fd;
}

static int natt(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(4500)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    set(fd, SOL_SOCKET, SO_MARK, TANDEM_FWMARK);
    if (bind(fd, (struct sockaddr *)&a, sizeof a))
        die("UDP 4500");
    return fd;
}

static void give(struct node *n, uint16_t type, const void *data, size_t len, int fd)
{
    if (ipc_send_fds(n->launch, type, data, len, &fd, 1))
        die("channel");
    close(fd);
}

static void give_socket(struct node *n, uint32_t kind, int fd)
{
    struct lm_socket s = {.kind = kind};
    give(n, LM_SOCKET, &s, sizeof s, fd);
}

static void set_suite(struct sadb_sa *m, const char *suite)
{
    bool ah = strcmp(suite, "ah") == 0, gcm = strcmp(suite, "gcm") == 0;
    m->proto = ah ? SADB_AH : SADB_ESP;
    if (!ah) {
        m->encr.id = gcm ? ENCR_AES_GCM16 : ENCR_AES_CBC;
        m->encr.key_len = gcm ? 36 : 32;
    }
    if (strcmp(suite, "bundle") == 0) {
        m->ah.id = INTEG_SHA1_96;
        m->ah.key_len = 20;
        m->ah_spi = m->spi ^ 0x10000;
    } else if (!gcm) {
        m->integ.id = INTEG_SHA256_128;
        m->integ.key_len = 32;
    }
}

static void add_sa(struct node *n, uint8_t dir)
{
    struct sadb_sa m;
    memset(&m, 0, sizeof m);
    m.sa = m.seq = dir;
    m.ifid = 1;
    m.policy = 10;
    m.slot = dir == SADB_IN ? SLOT_IN : SLOT_OUT;
    m.spi = dir == SADB_IN ? n->spi_in : n->spi_out;
    m.dir = dir;
    m.mode = n->transport ? SADB_TRANSPORT : SADB_TUNNEL;
    m.flags = n->udp ? SADB_F_UDP : 0;
    m.mtu = MTU;
    set_suite(&m, n->suite);
    /* both directions differ, as IKE would have it: from the SPI */
    memset(m.encr.key, (int)(m.spi & 0xff), sizeof m.encr.key);
    memset(m.integ.key, (int)(m.spi >> 8 & 0xff), sizeof m.integ.key);
    memset(m.ah.key, (int)(m.spi >> 8 & 0xff), sizeof m.ah.key);
    m.local = n->local;
    m.remote = n->remote;
    m.local_port = m.remote_port = 4500;
    m.replay_window = 1024;
    m.n_ts = 1;
    m.ts[0] = (struct selector){.local = prefix_range(&n->mine),
                                .remote = prefix_range(&n->theirs),
                                .lport = {0, 65535},
                                .rport = {0, 65535}};
    ipc_send(n->engine, SADB_ADD, &m, sizeof m);
}

static void on_msg(struct ipc *c, struct ipc_msg *m, void *ctx)
{
    struct node *n = ctx;
    struct sadb_ack a;
    if (c == n->engine && m->type == SADB_ACQUIRE) {
        n->acquires++;
        if (!n->has_out)
            add_sa(n, SADB_OUT);
        n->has_out = true;
    }
    if (c == n->engine && m->type == SADB_ACK && m->len == sizeof a) {
        memcpy(&a, m->data, sizeof a);
        if (a.err)
            fprintf(stderr, "request %u: %s\n", a.seq, strerror(-a.err));
    }
}

static void set_policy(struct node *n)
{
    struct {
        struct sadb_spd_set s;
        struct sadb_spd_entry e;
    } m;
    memset(&m, 0, sizeof m);
    m.s.ifid = 1;
    m.s.count = 1;
    m.e.policy = 10;
    m.e.action = SPD_PROTECT;
    m.e.slot = SADB_NO_SLOT;
    m.e.sel = (struct selector){.local = prefix_range(&n->mine),
                                .remote = prefix_range(&n->theirs),
                                .lport = {0, 65535},
                                .rport = {0, 65535}};
    ipc_send(n->engine, SADB_SPD_SET, &m, sizeof m.s + sizeof m.e);
    ipc_send(n->engine, SADB_GO, &(struct sadb_ref){.seq = 1}, sizeof(struct sadb_ref));
}

static void start(struct node *n, const char *tun)
{
    int launch[2], engine[2], fd;
    struct lm_tun t = {.ifid = 1, .kind = TUN_SHADOW};
    struct lm_peer p = {.role = ROLE_ENGINE};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, launch) ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, engine))
        die("socketpair");
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        close(launch[1]);
        close(engine[0]);
        close(engine[1]);
        close(STDIN_FILENO);
        _exit(datapath_main(launch[0]));
    }
    close(launch[0]);
    n->launch = ipc_new(NULL, launch[1], on_msg, NULL, n);
    n->engine = ipc_new(NULL, engine[1], on_msg, NULL, n);
    if (!n->launch || !n->engine)
        die("ipc");
    fd = memfd_create("stats", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, sizeof(struct dpstats)))
        die("memfd");
    n->stats = mmap(NULL, sizeof(struct dpstats), PROT_READ, MAP_SHARED, fd, 0);
    if (n->stats == MAP_FAILED)
        die("mmap");
    give_socket(n, SOCK_STATS, fd);
    if (n->local.family == AF_INET6) {
        give_socket(n, SOCK_ESP6, raw(n, IPPROTO_ESP));
        give_socket(n, SOCK_AH6, raw(n, IPPROTO_AH));
    } else {
        give_socket(n, SOCK_ESP4, raw(n, IPPROTO_ESP));
        give_socket(n, SOCK_AH4, raw(n, IPPROTO_AH));
        give_socket(n, SOCK_NATT4, natt());
    }
    strncpy(t.name, tun, sizeof t.name - 1);
    give(n, LM_TUN, &t, sizeof t, tun_device(tun));
    give(n, LM_PEER, &p, sizeof p, engine[0]);
    ipc_send(n->launch, LM_READY, NULL, 0);
    set_policy(n);
    add_sa(n, SADB_IN);
}

static void tell(const struct node *n)
{
    uint64_t drops = 0;
    for (int c = 0; c < DP_CAUSES; c++)
        drops += dp_read(&n->stats->total.drops[c]) + dp_read(&n->stats->slot[SLOT_IN].drops[c]) +
                 dp_read(&n->stats->slot[SLOT_OUT].drops[c]);
    printf("out %llu in %llu drops %llu acquires %u\n",
           (unsigned long long)dp_read(&n->stats->slot[SLOT_OUT].packets),
           (unsigned long long)dp_read(&n->stats->slot[SLOT_IN].packets), (unsigned long long)drops,
           n->acquires);
    fflush(stdout);
}

static void loop(struct node *n)
{
    char line[64];
    for (;;) {
        struct pollfd p[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                              {.fd = ipc_fd(n->engine), .events = POLLIN}};
        if (!ipc_ready(n->engine) && poll(p, 2, -1) < 0)
            die("poll");
        if ((p[1].revents || ipc_ready(n->engine)) && ipc_recv_blocking(n->engine) <= 0)
            return;
        if (!p[0].revents)
            continue;
        if (!fgets(line, sizeof line, stdin))
            return;
        tell(n);
    }
}

int main(int argc, char **argv)
{
    static struct node n;
    if (argc != 10) {
        fprintf(stderr, "usage: see the top of esp_node.c\n");
        return 2;
    }
    struct addr mine, theirs;
    if (addr_parse(argv[2], &n.local) || addr_parse(argv[3], &n.remote) ||
        addr_parse(argv[4], &mine) || addr_parse(argv[5], &theirs)) {
        fprintf(stderr, "not an address\n");
        return 2;
    }
    n.udp = strncmp(argv[6], "udp", 3) == 0;
    n.transport = strstr(argv[6], "transport") != NULL;
    n.mine = prefix_make(&mine, n.transport ? 8 * addr_size(&mine) : 24);
    n.theirs = prefix_make(&theirs, n.transport ? 8 * addr_size(&theirs) : 24);
    n.suite = argv[7];
    n.spi_in = (uint32_t)strtoul(argv[8], NULL, 0);
    n.spi_out = (uint32_t)strtoul(argv[9], NULL, 0);
    start(&n, argv[1]);
    printf("ready\n");
    fflush(stdout);
    loop(&n);
    ipc_free(n.launch);
    ipc_free(n.engine);
    wait(NULL);
    return 0;
}
