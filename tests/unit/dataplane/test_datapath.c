/* The whole process: two datapaths in children, with this test as their launcher and engines.
 * TUNs are socket pairs, the wire is UDP on loopback. */
#include <stdio.h>
#include "support.h"
#include "dataplane/datapath.h"
#include "dataplane/tun.h"
#include "lib/ipc.h"
#include "lib/launchproto.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct combo gcm = {"gcm256", ENCR_AES_GCM16, 36, INTEG_NONE, 0, true};

struct node {
    pid_t pid;
    struct ipc *launch, *engine;
    int shadow, bypass, inbound; /* our ends of its TUNs */
    uint16_t port;
    struct addr addr;
    struct dpstats *stats;
    /* the last message of each kind that its engine got */
    unsigned n[128];
    uint8_t last[128][2048];
    size_t len[128];
};

static void on_msg(struct ipc *c, struct ipc_msg *m, void *ctx)
{
    struct node *n = ctx;
    (void)c;
    assert_true(m->type < 128 && m->len <= sizeof n->last[0]);
    n->n[m->type]++;
    n->len[m->type] = m->len;
    if (m->len)
        memcpy(n->last[m->type], m->data, m->len);
}

static void readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 100000), 1);
}

/* Waits until its engine has got `count` messages of a type. */
static void hear(struct node *n, uint16_t type, unsigned count)
{
    while (n->n[type] < count) {
        if (!ipc_ready(n->engine))
            readable(ipc_fd(n->engine));
        assert_int_equal(ipc_recv_blocking(n->engine), 1);
    }
}

static void give(struct node *n, uint16_t type, const void *data, size_t len, int fd)
{
    assert_int_equal(ipc_send_fds(n->launch, type, data, len, &fd, 1), 0);
    close(fd);
}

static int give_tun(struct node *n, uint32_t ifid, uint32_t kind)
{
    int fd[2];
    struct lm_tun t = {.ifid = ifid, .kind = kind, .mtu = 1400, .name = "test"};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
    give(n, LM_TUN, &t, sizeof t, fd[0]);
    return fd[1];
}

static void give_engine(struct node *n)
{
    int fd[2];
    struct lm_peer p = {.role = ROLE_ENGINE};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    give(n, LM_PEER, &p, sizeof p, fd[0]);
    ipc_free(n->engine);
    n->engine = ipc_new(NULL, fd[1], on_msg, NULL, n);
    assert_non_null(n->engine);
}

static int udp(struct node *n, const char *address)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof a;
    int one = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    n->addr = ip4(address);
    a.sin_addr.s_addr = htonl(addr_v4(&n->addr));
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    n->port = ntohs(a.sin_port);
    return fd;
}

static void give_stats(struct node *n)
{
    struct lm_socket s = {.kind = SOCK_STATS};
    int fd = memfd_create("stats", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, sizeof(struct dpstats)), 0);
    n->stats = mmap(NULL, sizeof(struct dpstats), PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(n->stats, MAP_FAILED);
    give(n, LM_SOCKET, &s, sizeof s, fd);
}

/* A datapath that has everything but a word from its engine. */
static struct node *node_silent(const char *address)
{
    struct node *n = calloc(1, sizeof *n);
    int fd[2];
    assert_non_null(n);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    n->pid = fork();
    assert_true(n->pid >= 0);
    if (n->pid == 0) {
        /* nothing of another node's may live on here */
        if (dup2(fd[0], LAUNCH_FD) != LAUNCH_FD || close_range(LAUNCH_FD + 1, ~0u, 0))
            _exit(2);
        _exit(datapath_main(LAUNCH_FD));
    }
    close(fd[0]);
    n->launch = ipc_new(NULL, fd[1], on_msg, NULL, n);
    give_stats(n);
    struct lm_socket s = {.kind = SOCK_NATT4};
    give(n, LM_SOCKET, &s, sizeof s, udp(n, address));
    n->shadow = give_tun(n, 1, TUN_SHADOW);
    n->inbound = give_tun(n, 1, TUN_INBOUND);
    n->bypass = give_tun(n, 0, TUN_BYPASS);
    give_engine(n);
    assert_int_equal(ipc_send(n->launch, LM_READY, NULL, 0), 0);
    return n;
}

static void ask(struct node *n, uint16_t type, const void *data, size_t len);

static void go(struct node *n)
{
    const struct sadb_ref r = {.seq = 1};
    ask(n, SADB_GO, &r, sizeof r);
}

static struct node *node_new(const char *address)
{
    struct node *n = node_silent(address);
    go(n);
    return n;
}

/* Its launcher goes: it ends by itself, and well. */
static void node_free(struct node *n)
{
    int status;
    ipc_free(n->launch);
    assert_int_equal(waitpid(n->pid, &status, 0), n->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    ipc_free(n->engine);
    close(n->shadow);
    close(n->bypass);
    close(n->inbound);
    munmap(n->stats, sizeof(struct dpstats));
    free(n);
}

static void ask(struct node *n, uint16_t type, const void *data, size_t len)
{
    struct sadb_ack a;
    unsigned before = n->n[SADB_ACK];
    assert_int_equal(ipc_send(n->engine, type, data, len), 0);
    hear(n, SADB_ACK, before + 1);
    memcpy(&a, n->last[SADB_ACK], sizeof a);
    assert_int_equal(a.err, 0);
}

static void set_policy(struct node *n, const char *local, const char *remote)
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
    m.e.slot = 5;
    m.e.sel = sel(local, 24, remote, 24, 0);
    ask(n, SADB_SPD_SET, &m, sizeof m.s + sizeof m.e);
}

static struct sadb_sa sa_of(const struct node *n, const struct node *peer, uint8_t dir, bool left,
                            uint32_t spi)
{
    struct sadb_sa m = make_sa(&gcm, dir, left, spi);
    m.flags = SADB_F_UDP | SADB_F_ESN;
    m.local = n->addr;
    m.remote = peer->addr;
    m.local_port = n->port;
    m.remote_port = peer->port;
    m.slot = dir;
    return m;
}

static void say(int tun, const char *src, const char *dst, uint16_t port)
{
    uint8_t p[TUN_HDR + 300] = {0};
    make_ip4(p + TUN_HDR, src, dst, IPPROTO_UDP, port, 7, 300);
    assert_int_equal(write(tun, p, sizeof p), sizeof p);
}

static void listen_for(int tun, const char *src, const char *dst, uint16_t port, uint8_t ttl)
{
    uint8_t p[2048], want[300];
    make_ip4(want, src, dst, IPPROTO_UDP, port, 7, 300);
    readable(tun);
    assert_int_equal(read(tun, p, sizeof p), TUN_HDR + 300);
    assert_int_equal(p[TUN_HDR + 8], ttl);
    assert_memory_equal(p + TUN_HDR, want, 8);
    assert_memory_equal(p + TUN_HDR + 12, want + 12, 288);
}

#define LEFT  "10.10.10.1"
#define RIGHT "192.168.10.1"

static void test_process(void **state)
{
    (void)state;
    struct node *a = node_new("127.0.0.1"), *b = node_new("127.0.0.2");
    set_policy(a, LEFT, RIGHT);
    set_policy(b, RIGHT, LEFT);

    /* the first packet asks for an SA and is the first to use it */
    say(a->shadow, LEFT, RIGHT, 1);
    hear(a, SADB_ACQUIRE, 1);
    struct sadb_sa m = sa_of(b, a, SADB_IN, false, 5000);
    ask(b, SADB_ADD, &m, sizeof m);
    m = sa_of(b, a, SADB_OUT, false, 6000);
    ask(b, SADB_ADD, &m, sizeof m);
    m = sa_of(a, b, SADB_IN, true, 6000);
    ask(a, SADB_ADD, &m, sizeof m);
    m = sa_of(a, b, SADB_OUT, true, 5000);
    ask(a, SADB_ADD, &m, sizeof m);
    listen_for(b->shadow, LEFT, RIGHT, 1, IP_OUTER_TTL);
    for (uint16_t i = 2; i < 40; i++) {
        say(a->shadow, LEFT, RIGHT, i);
        say(b->shadow, RIGHT, LEFT, i);
    }
    for (uint16_t i = 2; i < 40; i++) {
        listen_for(b->shadow, LEFT, RIGHT, i, IP_OUTER_TTL);
        listen_for(a->shadow, RIGHT, LEFT, i, IP_OUTER_TTL);
    }
    assert_int_equal(a->stats->magic, DPSTATS_MAGIC);
    assert_int_equal(dp_read(&b->stats->slot[SADB_IN].packets), 39);
    assert_int_equal(dp_read(&a->stats->slot[SADB_OUT].seq), 39);

    /* what no policy wants goes on through the bypass TUN */
    say(a->shadow, LEFT, "203.0.113.1", 3);
    listen_for(a->bypass, LEFT, "203.0.113.1", 3, IP_OUTER_TTL + 1);

    /* what came in clear and should not have; the next one goes back where it came from */
    say(a->inbound, RIGHT, LEFT, 4);
    say(a->inbound, "203.0.113.1", LEFT, 5);
    listen_for(a->inbound, "203.0.113.1", LEFT, 5, IP_OUTER_TTL + 1);
    assert_int_equal(dp_read(&a->stats->slot[5].drops[DP_CLEAR_INBOUND]), 1);

    /* IKE beside ESP on the same port */
    struct {
        struct sadb_ike path;
        char text[20];
    } ike;
    memset(&ike, 0, sizeof ike);
    ike.path = (struct sadb_ike){.local = a->addr, .remote = b->addr, .remote_port = b->port};
    strcpy(ike.text, "an IKE message");
    assert_int_equal(ipc_send(a->engine, SADB_IKE_SEND, &ike, sizeof ike.path + 14), 0);
    hear(b, SADB_IKE_RECV, 1);
    assert_int_equal(b->len[SADB_IKE_RECV], sizeof ike.path + 14);
    assert_memory_equal(b->last[SADB_IKE_RECV] + sizeof ike.path, "an IKE message", 14);

    /* a new engine finds the SAs, and traffic never stopped */
    ipc_free(a->engine);
    a->engine = NULL;
    say(a->shadow, LEFT, RIGHT, 50);
    listen_for(b->shadow, LEFT, RIGHT, 50, IP_OUTER_TTL);
    give_engine(a);
    struct sadb_ref all = {.seq = 1};
    ask(a, SADB_DUMP, &all, sizeof all);
    assert_int_equal(a->n[SADB_SA_INFO], 2);

    /* a TUN that goes and comes back */
    struct lm_tun gone = {.ifid = 1, .kind = TUN_SHADOW};
    assert_int_equal(ipc_send(b->launch, LM_TUN_GONE, &gone, sizeof gone), 0);
    close(b->shadow);
    b->shadow = give_tun(b, 1, TUN_SHADOW);
    ask(b, SADB_DUMP, &all, sizeof all);
    say(b->shadow, RIGHT, LEFT, 60); /* is read, so the launcher's messages were */
    listen_for(a->shadow, RIGHT, LEFT, 60, IP_OUTER_TTL);
    say(a->shadow, LEFT, RIGHT, 61);
    listen_for(b->shadow, LEFT, RIGHT, 61, IP_OUTER_TTL);
    node_free(a);
    node_free(b);
}

/* What comes before SAs and policies are there waits outside. */
static void test_nothing_is_read_before_go(void **state)
{
    (void)state;
    struct node *a = node_silent("127.0.0.1");
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(a->port),
                             .sin_addr.s_addr = htonl(addr_v4(&a->addr))};
    static uint8_t esp[100] = {0, 0, 6000 >> 8, 6000 & 0xff, 0, 0, 0, 1}; /* SPI, number */
    const struct sadb_ref none = {.seq = 1};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(sendto(fd, esp, sizeof esp, 0, (struct sockaddr *)&to, sizeof to), sizeof esp);
    say(a->shadow, LEFT, RIGHT, 1);
    for (int i = 0; i < 20; i++) /* turns of its loop */
        ask(a, SADB_FLUSH, &none, sizeof none);
    struct sadb_sa m = sa_of(a, a, SADB_IN, true, 6000);
    ask(a, SADB_ADD, &m, sizeof m);
    set_policy(a, LEFT, RIGHT);
    assert_int_equal(a->n[SADB_ACQUIRE], 0);
    go(a);
    go(a); /* each engine says it */
    hear(a, SADB_ACQUIRE, 1);
    while (!dp_read(&a->stats->slot[SADB_IN].drops[DP_BAD_ICV]))
        ask(a, SADB_FLUSH, &(struct sadb_ref){.seq = 2, .ifid = 99}, sizeof none);
    assert_int_equal(dp_read(&a->stats->total.drops[DP_UNKNOWN_SPI]), 0);
    assert_int_equal(dp_read(&a->stats->total.drops[DP_NO_SA]), 0);
    close(fd);
    node_free(a);
}

/* Messages of the launcher that are not as they should be change nothing. */
static void test_odd_messages(void **state)
{
    (void)state;
    struct node *a = node_new("127.0.0.1");
    struct lm_tun t = {.ifid = 0, .kind = TUN_SHADOW};
    struct lm_socket s = {.kind = SOCK_STATS};
    give(a, LM_TUN, &t, sizeof t, dup(1)); /* an interface without a number */
    give(a, LM_TUN, &t, sizeof t - 1, dup(1));
    give(a, LM_SOCKET, &s, sizeof s, memfd_create("small", 0));
    give(a, LM_SOCKET, &s, 1, dup(1));
    assert_int_equal(ipc_send(a->launch, LM_SOCKET, &s, sizeof s), 0);
    assert_int_equal(ipc_send(a->launch, LM_PEER, &s, sizeof s), 0);
    assert_int_equal(ipc_send(a->launch, LM_TUN, &t, 0), 0);
    assert_int_equal(ipc_send(a->launch, 999, &t, sizeof t), 0);
    set_policy(a, LEFT, RIGHT);
    say(a->shadow, LEFT, RIGHT, 1);
    hear(a, SADB_ACQUIRE, 1);
    node_free(a);
}

/* An engine that does not read, and IKE messages from outside: they are dropped, counted, and leave
 * room for what only we say. */
static void test_ike_goes_first(void **state)
{
    (void)state;
    struct node *a = node_new("127.0.0.1");
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(a->port),
                             .sin_addr.s_addr = htonl(addr_v4(&a->addr))};
    static const uint8_t ike[1500]; /* with the non-ESP marker */
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ask(a, SADB_SPD_FLUSH, &(struct sadb_ref){.seq = 1}, sizeof(struct sadb_ref));
    unsigned sent = 0;
    while (dp_read(&a->stats->total.drops[DP_IKE_BUSY]) < 1000) {
        assert_int_equal(sendto(fd, ike, sizeof ike, 0, (struct sockaddr *)&to, sizeof to),
                         sizeof ike);
        if (++sent % 64 == 0) /* not more than its socket takes, if it has the time to read it */
            usleep(1000);
        assert_true(sent < 64 * 100000);
    }
    ask(a, SADB_FLUSH, &(struct sadb_ref){.seq = 2}, sizeof(struct sadb_ref));
    /* what waited is half a megabyte, and what fits into the socket */
    assert_in_range(a->n[SADB_IKE_RECV], 1, (2u << 20) / sizeof ike);
    close(fd);
    node_free(a);
}

static void set_role(struct node *n, uint8_t role)
{
    struct sadb_role_set r;
    memset(&r, 0, sizeof r);
    r.seq = 1;
    r.ifid = 1;
    r.role = role;
    ask(n, SADB_ROLE, &r, sizeof r);
}

/* Turns of its loop. */
static void turns(struct node *n)
{
    for (int i = 0; i < 20; i++)
        ask(n, SADB_FLUSH, &(struct sadb_ref){.seq = 2, .ifid = 99}, sizeof(struct sadb_ref));
}

/* Packets both ways while b is in a hold. False: the machine was so slow that it ended by itself.
 */
static bool held(struct node *a, struct node *b, uint16_t n)
{
    set_role(b, SADB_ROLE_HOLD);
    for (uint16_t i = 0; i < n; i++) {
        say(a->shadow, LEFT, RIGHT, i);
        say(b->shadow, RIGHT, LEFT, i);
    }
    while (dp_read(&a->stats->slot[SADB_OUT].seq) < n)
        turns(a);
    turns(b);
    uint64_t in = dp_read(&b->stats->slot[SADB_IN].seq);
    uint64_t out = dp_read(&b->stats->slot[SADB_OUT].seq);
    uint64_t dropped = dp_read(&b->stats->slot[SADB_IN].drops[DP_PASSIVE]) +
                       dp_read(&b->stats->slot[5].drops[DP_PASSIVE]);
    assert_int_equal(in + out, 0);
    set_role(b, SADB_ROLE_ACTIVE);
    return dropped == 0;
}

/* What comes while the interface is about to be ours waits in the kernel, and nothing is lost. */
static void test_a_hold_loses_nothing(void **state)
{
    (void)state;
    const uint16_t n = 40;
    for (bool done = false; !done;) {
        struct node *a = node_new("127.0.0.1"), *b = node_new("127.0.0.2");
        set_policy(a, LEFT, RIGHT);
        set_policy(b, RIGHT, LEFT);
        struct sadb_sa m = sa_of(b, a, SADB_IN, false, 5000);
        ask(b, SADB_ADD, &m, sizeof m);
        m = sa_of(b, a, SADB_OUT, false, 6000);
        ask(b, SADB_ADD, &m, sizeof m);
        m = sa_of(a, b, SADB_IN, true, 6000);
        ask(a, SADB_ADD, &m, sizeof m);
        m = sa_of(a, b, SADB_OUT, true, 5000);
        ask(a, SADB_ADD, &m, sizeof m);
        done = held(a, b, n);
        for (uint16_t i = 0; done && i < n; i++) {
            listen_for(b->shadow, LEFT, RIGHT, i, IP_OUTER_TTL);
            listen_for(a->shadow, RIGHT, LEFT, i, IP_OUTER_TTL);
        }
        node_free(a);
        node_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_process),
        cmocka_unit_test(test_nothing_is_read_before_go),
        cmocka_unit_test(test_a_hold_loses_nothing),
        cmocka_unit_test(test_odd_messages),
        cmocka_unit_test(test_ike_goes_first),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
