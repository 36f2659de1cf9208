/* The broker against a real kernel, in a network namespace of its own. */
#include "daemon/broker.h"
#include "daemon/kernel.h"
#include "daemon/tun.h"
#include "tests/unit/daemon/ns.h"
#include "lib/str.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <cmocka.h>

struct box {
    struct broker *b;
    struct log log;
    char dir_name[32];
    int dir;
    int tuns, gone, reloads;
    int tun_fd;
    struct lm_tun tun;
    char text[BROKER_TEXT];
};

static void on_tun(void *ctx, const struct lm_tun *t, int fd)
{
    struct box *x = (struct box *)ctx;
    x->tun = *t;
    if (fd >= 0) {
        x->tuns++;
        x->tun_fd = fd;
    } else {
        x->gone++;
    }
}

static void on_reload(void *ctx)
{
    ((struct box *)ctx)->reloads++;
}

static struct broker *make(struct box *x)
{
    char why[160];
    struct broker_opts o = {
        .state_dir = x->dir, .log = &x->log, .tun = on_tun, .reload = on_reload, .ctx = x};
    struct broker *b = broker_new(&o, why, sizeof(why));
    if (!b)
        fprintf(stderr, "%s\n", why);
    return b;
}

static int setup(void **state)
{
    struct box *x = (struct box *)calloc(1, sizeof(*x));
    strcpy(x->dir_name, "/tmp/tandem-broker-XXXXXX");
    if (ns_enter() < 0 || !mkdtemp(x->dir_name))
        return -1;
    x->dir = open(x->dir_name, O_RDONLY | O_DIRECTORY);
    log_init(&x->log, "test", -1, LOGL_ERROR);
    x->b = make(x);
    *state = x;
    return x->b ? 0 : -1;
}

static int teardown(void **state)
{
    struct box *x = (struct box *)*state;
    broker_free(x->b);
    unlinkat(x->dir, "startup-config", 0);
    close(x->dir);
    int err = rmdir(x->dir_name);
    free(x);
    return err;
}

/* Sends a request; returns the answer's err, with its text in x->text. */
static int ask_fd(struct box *x, uint16_t type, const void *req, size_t len, int fd)
{
    static uint32_t id;
    struct lm_reply reply = {0};
    char copy[512];
    assert_true(len <= sizeof(copy));
    memcpy(copy, req, len);
    id++;
    memcpy(copy, &id, sizeof(id));
    assert_int_equal(broker_request(x->b, type, copy, len, fd, &reply, x->text, sizeof(x->text)),
                     0);
    assert_int_equal(reply.id, id);
    assert_int_equal(reply.err != 0, x->text[0] != '\0'); /* every refusal says why */
    return reply.err;
}

#define ASK(x, type, req) ask_fd((x), (type), &(req), sizeof(req), -1)

static int ask_addr(struct box *x, const char *dev, const char *addr, unsigned len, bool add)
{
    struct lr_addr r = {.ifindex = if_nametoindex(dev), .add = add, .addr = ns_prefix(addr, len)};
    return ASK(x, LR_ADDR, r);
}

static struct lr_route route(uint32_t table, const char *dst, unsigned len, const char *gw,
                             const char *dev)
{
    struct lr_route r = {.add = 1, .type = RT_UNICAST, .table = table, .dst = ns_prefix(dst, len)};
    if (gw)
        r.gw = ns_prefix(gw, 32).addr;
    if (dev)
        r.oif = if_nametoindex(dev);
    return r;
}

static void links(void **state)
{
    struct box *x = (struct box *)*state;
    struct lr_link r = {.ifindex = if_nametoindex("p0"), .set_up = 1, .up = 1, .mtu = 1400};
    assert_int_equal(ASK(x, LR_LINK, r), 0);
    assert_true(ns_shows("ip link show dev p0", "mtu 1400"));
    assert_true(ns_shows("ip link show dev p0", ",UP"));
    r = (struct lr_link){.ifindex = if_nametoindex("p0"), .set_up = 0, .mtu = 1300};
    assert_int_equal(ASK(x, LR_LINK, r), 0);
    assert_true(ns_shows("ip link show dev p0", ",UP"));
    r = (struct lr_link){.ifindex = if_nametoindex("lo"), .set_up = 1, .up = 0};
    assert_int_equal(ASK(x, LR_LINK, r), -EPERM);
    r = (struct lr_link){.ifindex = 4711, .set_up = 1, .up = 1};
    assert_int_equal(ASK(x, LR_LINK, r), -ENODEV);
    r = (struct lr_link){.ifindex = if_nametoindex("p0"), .mtu = 20};
    assert_int_equal(ASK(x, LR_LINK, r), -EPERM);
    broker_reset(x->b); /* the MTU as it was; others may use it by now: it stays up */
    assert_true(ns_shows("ip link show dev p0", "mtu 1500"));
    assert_true(ns_shows("ip link show dev p0", ",UP"));
    r = (struct lr_link){.ifindex = if_nametoindex("p1"), .set_up = 1, .up = 0};
    assert_int_equal(ASK(x, LR_LINK, r), 0);
    assert_false(ns_shows("ip link show dev p1", ",UP"));
    broker_reset(x->b); /* p1 was up */
    assert_true(ns_shows("ip link show dev p1", ",UP"));
}

static void addresses_are_tagged_and_removed(void **state)
{
    struct box *x = (struct box *)*state;
    assert_int_equal(system("ip addr add 10.9.9.1/24 dev p1"), 0);
    assert_int_equal(ask_addr(x, "p1", "10.1.1.1", 24, true), 0);
    assert_int_equal(ask_addr(x, "p1", "10.1.1.1", 24, true), 0); /* again is fine */
    assert_true(ns_shows("ip -d addr show dev p1", "10.1.1.1/24 brd 10.1.1.255"));
    struct kernel *k = kernel_open(); /* iproute2 6.1 does not show IFA_PROTO */
    struct prefix ours = ns_prefix("10.1.1.1", 24), theirs = ns_prefix("10.9.9.1", 24);
    assert_non_null(k);
    assert_int_equal(kernel_addr_is_ours(k, if_nametoindex("p1"), &ours), 1);
    assert_int_equal(kernel_addr_is_ours(k, if_nametoindex("p1"), &theirs), 0);
    kernel_close(k);
    /* somebody else's: used, and left when we go */
    assert_int_equal(ask_addr(x, "p1", "10.9.9.1", 24, true), 0);
    assert_int_equal(ask_addr(x, "p1", "10.9.9.1", 24, false), 0);
    assert_true(ns_shows("ip addr show dev p1", "10.9.9.1/24"));
    /* one that we never set */
    assert_int_equal(system("ip addr add 10.8.8.1/24 dev p1"), 0);
    assert_int_equal(ask_addr(x, "p1", "10.8.8.1", 24, false), -EPERM);
    assert_int_equal(ask_addr(x, "p1", "127.0.0.9", 8, true), -EPERM);
    assert_int_equal(ask_addr(x, "p1", "224.0.0.5", 32, true), -EPERM);
    assert_int_equal(ask_addr(x, "p1", "0.0.0.0", 0, true), -EPERM);
    assert_int_equal(ask_addr(x, "p1", "10.1.1.1", 24, false), 0);
    assert_false(ns_shows("ip addr show dev p1", "10.1.1.1/24"));
    assert_int_equal(ask_addr(x, "p1", "10.1.1.2", 30, true), 0);
    broker_reset(x->b);
    assert_false(ns_shows("ip addr show dev p1", "10.1.1.2"));
    assert_true(ns_shows("ip addr show dev p1", "10.9.9.1/24"));
    assert_true(ns_shows("ip addr show dev p1", "10.8.8.1/24"));
    assert_int_equal(system("ip addr flush dev p1"), 0);
}

/* A foreign address in the same subnet as our first one stays when ours goes. */
static void a_neighbour_address_survives(void **state)
{
    struct box *x = (struct box *)*state;
    assert_int_equal(ask_addr(x, "p1", "10.1.1.1", 24, true), 0);
    assert_int_equal(system("ip addr add 10.1.1.7/24 dev p1"), 0);
    assert_int_equal(ask_addr(x, "p1", "10.1.1.1", 24, false), 0);
    assert_true(ns_shows("ip addr show dev p1", "10.1.1.7/24"));
    assert_int_equal(system("ip addr flush dev p1"), 0);
}

static void routes_of_others_are_left_alone(void **state)
{
    struct box *x = (struct box *)*state;
    assert_int_equal(ask_addr(x, "p1", "10.1.1.1", 24, true), 0);
    assert_int_equal(system("ip link set p0 up && ip addr add 10.9.9.1/24 dev p1 && "
                            "ip route add 10.50.0.0/16 via 10.9.9.9"),
                     0);
    struct lr_route r = route(254, "10.40.0.0", 16, "10.1.1.2", "p1");
    assert_int_equal(ASK(x, LR_ROUTE, r), 0);
    r.gw = ns_prefix("10.1.1.3", 32).addr; /* the gateway moves: replaced */
    assert_int_equal(ASK(x, LR_ROUTE, r), 0);
    assert_true(ns_shows("ip route show 10.40.0.0/16", "via 10.1.1.3 dev p1 proto 117"));
    r = route(254, "10.50.0.0", 16, "10.1.1.3", "p1");
    assert_int_equal(ASK(x, LR_ROUTE, r), -EEXIST);
    assert_true(ns_shows("ip route show 10.50.0.0/16", "via 10.9.9.9"));
    r = route(254, "10.50.0.0", 16, "10.9.9.9", "p1");
    r.add = 0; /* looks like theirs, but nothing of ours is there: fine, and theirs stays */
    assert_int_equal(ASK(x, LR_ROUTE, r), 0);
    assert_true(ns_shows("ip route show 10.50.0.0/16", "via 10.9.9.9"));
    r = route(254, "10.60.0.0", 16, "192.0.2.1", "p1");
    assert_int_equal(ASK(x, LR_ROUTE, r), -ENETUNREACH);
    assert_non_null(strstr(x->text, "10.60.0.0/16"));
    r = route(255, "10.60.0.0", 16, "10.1.1.3", "p1");
    assert_int_equal(ASK(x, LR_ROUTE, r), -EPERM);
    r = route(254, "10.60.0.0", 16, NULL, NULL);
    assert_int_equal(ASK(x, LR_ROUTE, r), -EPERM);
    r = route(TANDEM_RT_TABLE, "10.60.0.0", 16, NULL, NULL);
    r.type = RT_THROW;
    assert_int_equal(ASK(x, LR_ROUTE, r), 0);
    assert_true(ns_shows("ip route show table 31341", "throw 10.60.0.0/16 proto 117"));
    r = route(TANDEM_RT_TABLE, "0.0.0.0", 0, NULL, "p1");
    r.src = ns_prefix("10.1.1.1", 32).addr;
    assert_int_equal(ASK(x, LR_ROUTE, r), 0);
    assert_true(ns_shows("ip route show table 31341", "default dev p1 proto 117"));
    broker_reset(x->b);
    assert_false(ns_shows("ip route show table all", "proto 117"));
    assert_true(ns_shows("ip route show", "10.50.0.0/16"));
    assert_int_equal(system("ip addr flush dev p1"), 0);
}

/* Equal ways of one route are one route of the kernel: added, replaced, taken away as a whole. */
static void several_ways(void **state)
{
    struct box *x = (struct box *)*state;
    assert_int_equal(ask_addr(x, "p1", "10.1.1.1", 24, true), 0);
    assert_int_equal(ask_addr(x, "p1", "2001:db8::1", 64, true), 0);
    struct lr_route r = route(254, "10.40.0.0", 16, "10.1.1.2", "p1");
    struct lr_route r6 = route(254, "2001:db8:5::", 48, "2001:db8::2", "p1");
    r.metric = r6.metric = 1;
    r.n_more = 2;
    r6.n_more = 1;
    r.more[0].oif = r.more[1].oif = r6.more[0].oif = r.oif;
    r.more[0].gw = ns_prefix("10.1.1.3", 32).addr;
    r.more[1].gw = ns_prefix("10.1.1.4", 32).addr;
    r6.more[0].gw = ns_prefix("2001:db8::3", 128).addr;
    assert_int_equal(ASK(x, LR_ROUTE, r), 0);
    assert_int_equal(ASK(x, LR_ROUTE, r6), 0);
    assert_true(ns_shows("ip route show 10.40.0.0/16", "nexthop via 10.1.1.2 dev p1"));
    assert_true(ns_shows("ip route show 10.40.0.0/16", "nexthop via 10.1.1.4 dev p1"));
    assert_true(ns_shows("ip -6 route show 2001:db8:5::/48", "nexthop via 2001:db8::3 dev p1"));
    r.n_more = 1; /* one way less, and then one alone */
    assert_int_equal(ASK(x, LR_ROUTE, r), 0);
    assert_true(ns_shows("ip route show 10.40.0.0/16", "10.1.1.3"));
    assert_false(ns_shows("ip route show 10.40.0.0/16", "10.1.1.4"));
    struct lr_route one = r6;
    one.n_more = 0;
    assert_int_equal(ASK(x, LR_ROUTE, one), 0);
    assert_false(ns_shows("ip -6 route", "2001:db8::3"));
    assert_int_equal(ASK(x, LR_ROUTE, r6), 0);
    struct lr_route bad = r;
    bad.n_more = LR_MORE + 1;
    assert_int_equal(ASK(x, LR_ROUTE, bad), -EPERM);
    bad.n_more = 3; /* a way without interface and gateway */
    bad.more[2] = (struct lr_hop){0};
    assert_int_equal(ASK(x, LR_ROUTE, bad), -EPERM);
    bad.more[2].gw = ns_prefix("2001:db8::9", 128).addr;
    assert_int_equal(ASK(x, LR_ROUTE, bad), -EPERM);
    r.add = r6.add = 0;
    assert_int_equal(ASK(x, LR_ROUTE, r), 0);
    assert_int_equal(ASK(x, LR_ROUTE, r6), 0);
    assert_false(ns_shows("ip route show table all", "10.40.0.0/16"));
    assert_false(ns_shows("ip -6 route show table all", "2001:db8:5::"));
    broker_reset(x->b);
    assert_int_equal(system("ip addr flush dev p1"), 0);
}

/* The reconciler adds what is new and then removes what is old: the removal must not hit the
 * route that took the old one's place. */
static void a_replaced_route_is_not_removed_with_its_old_self(void **state)
{
    struct box *x = (struct box *)*state;
    assert_int_equal(ask_addr(x, "p1", "10.1.1.1", 24, true), 0);
    assert_int_equal(ask_addr(x, "p1", "10.2.2.2", 24, true), 0);
    struct lr_route old = route(TANDEM_RT_TABLE, "10.40.0.0", 16, NULL, "p1"), new = old;
    old.metric = new.metric = 1;
    old.src = ns_prefix("10.1.1.1", 32).addr;
    new.src = ns_prefix("10.2.2.2", 32).addr;
    assert_int_equal(ASK(x, LR_ROUTE, old), 0);
    assert_int_equal(ASK(x, LR_ROUTE, new), 0);
    old.add = 0;
    assert_int_equal(ASK(x, LR_ROUTE, old), 0);
    assert_true(ns_shows("ip route show table 31341", "src 10.2.2.2"));
    struct lr_route none = new; /* and the same between types */
    none.type = RT_UNREACHABLE;
    none.oif = 0;
    none.src = (struct addr){0};
    assert_int_equal(ASK(x, LR_ROUTE, none), 0);
    new.add = 0;
    assert_int_equal(ASK(x, LR_ROUTE, new), 0);
    assert_true(ns_shows("ip route show table 31341", "unreachable 10.40.0.0/16"));
    broker_reset(x->b);
    assert_false(ns_shows("ip route show", "proto 117"));
    assert_false(ns_shows("ip route show table all", "proto 117"));
    assert_int_equal(system("ip addr flush dev p1"), 0);
}

static void rules(void **state)
{
    struct box *x = (struct box *)*state;
    assert_int_equal(system("ip rule add prio 90 from 1.2.3.4 lookup main"), 0);
    struct lr_rule r = {.family = AF_INET,
                        .add = 1,
                        .not_mark = 1,
                        .priority = 100,
                        .mark = TANDEM_FWMARK,
                        .table = TANDEM_RT_TABLE};
    assert_int_equal(ASK(x, LR_RULE, r), 0);
    assert_int_equal(ASK(x, LR_RULE, r), 0);
    assert_true(ns_shows("ip rule show prio 100", "not from all fwmark 0x7a6d lookup 31341"));
    struct lr_rule iif = {
        .family = AF_INET, .add = 1, .priority = 50, .goto_priority = 32766, .iif = "tdm0"};
    assert_int_equal(ASK(x, LR_RULE, iif), 0);
    assert_true(ns_shows("ip rule show prio 50", "iif tdm0 [detached] goto 32766"));
    struct lr_rule bad = r;
    bad.table = 255;
    assert_int_equal(ASK(x, LR_RULE, bad), -EPERM);
    bad = r;
    bad.priority = 32766;
    assert_int_equal(ASK(x, LR_RULE, bad), -EPERM);
    bad = iif;
    bad.goto_priority = 50; /* to itself */
    assert_int_equal(ASK(x, LR_RULE, bad), -EPERM);
    bad = r;
    bad.add = 0;
    bad.priority = 90; /* theirs */
    bad.not_mark = 0;
    bad.mark = 0;
    bad.table = 254;
    assert_int_equal(ASK(x, LR_RULE, bad), 0);
    assert_true(ns_shows("ip rule show prio 90", "from 1.2.3.4"));
    r.add = 0;
    assert_int_equal(ASK(x, LR_RULE, r), 0);
    assert_false(ns_shows("ip rule show", "31341"));
    broker_reset(x->b);
    assert_false(ns_shows("ip rule show", "tdm0"));
    assert_true(ns_shows("ip rule show prio 90", "from 1.2.3.4"));
    assert_int_equal(system("ip rule del prio 90"), 0);
}

/* One datagram of SCTP: what comes of it. */
static int sctp(uint32_t mark, const char *to)
{
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_SCTP), err = 0;
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(to)};
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
    if (sendto(fd, "0123456789ab", 12, 0, (struct sockaddr *)&sin, sizeof(sin)) < 0)
        err = -errno;
    close(fd);
    return err;
}

/* What the kernel's own SCTP would answer finds no way to the other box: its packets are looked up
 * like these, which stand in for them. */
static void sctp_of_others_is_dropped(void **state)
{
    struct box *x = (struct box *)*state;
    struct lr_rule r = {.family = AF_INET,
                        .add = 1,
                        .priority = 31997,
                        .no_sctp = ns_prefix("10.1.1.2", 32).addr};
    struct lr_rule second = r;
    second.no_sctp = ns_prefix("10.1.1.3", 32).addr;
    assert_int_equal(ask_addr(x, "p1", "10.1.1.1", 24, true), 0);
    assert_int_equal(sctp(0, "10.1.1.2"), 0);
    assert_int_equal(ASK(x, LR_RULE, r), 0);
    assert_int_equal(ASK(x, LR_RULE, r), 0);
    assert_int_equal(ASK(x, LR_RULE, second), 0);
    assert_int_equal(sctp(0, "10.1.1.2"), -EINVAL);
    assert_int_equal(sctp(0, "10.1.1.3"), -EINVAL);
    assert_int_equal(sctp(0, "10.1.1.4"), 0);
    assert_int_equal(sctp(TANDEM_SCTP_MARK, "10.1.1.2"), 0);
    int u = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in sin = {.sin_family = AF_INET,
                              .sin_port = htons(9),
                              .sin_addr.s_addr = inet_addr("10.1.1.2")};
    assert_int_equal(sendto(u, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin)), 1);
    close(u);
    second.add = 0;
    assert_int_equal(ASK(x, LR_RULE, second), 0);
    assert_int_equal(sctp(0, "10.1.1.3"), 0);
    assert_int_equal(sctp(0, "10.1.1.2"), -EINVAL);
    struct lr_rule bad = r; /* the one that drops says nothing else */
    bad.table = TANDEM_RT_TABLE;
    assert_int_equal(ASK(x, LR_RULE, bad), -EPERM);
    bad = r;
    bad.mark = 1;
    assert_int_equal(ASK(x, LR_RULE, bad), -EPERM);
    bad = r;
    bad.family = AF_INET6;
    assert_int_equal(ASK(x, LR_RULE, bad), -EPERM);
    assert_true(ns_shows("ip rule show prio 31997", "ipproto sctp"));
    broker_reset(x->b);
    assert_false(ns_shows("ip rule show", "ipproto sctp"));
    assert_int_equal(system("ip addr flush dev p1"), 0);
}

/* One table and one rule per interface; the rules share a priority. */
static void inbound_tables(void **state)
{
    struct box *x = (struct box *)*state;
    struct lr_rule a = {.family = AF_INET,
                        .add = 1,
                        .priority = 100,
                        .table = TANDEM_RT_TABLE + 1,
                        .iif = "p0"},
                   b = {.family = AF_INET,
                        .add = 1,
                        .priority = 100,
                        .table = TANDEM_RT_TABLE + 2,
                        .iif = "p1"};
    struct lr_route r = route(TANDEM_RT_TABLE + 2, "10.60.0.0", 16, NULL, NULL);
    r.type = RT_UNREACHABLE;
    assert_int_equal(ASK(x, LR_RULE, a), 0);
    assert_int_equal(ASK(x, LR_RULE, b), 0);
    assert_int_equal(ASK(x, LR_RULE, b), 0);
    assert_int_equal(ASK(x, LR_ROUTE, r), 0);
    assert_true(ns_shows("ip rule show prio 100", "iif p0 lookup 31342"));
    assert_true(ns_shows("ip rule show prio 100", "iif p1 lookup 31343"));
    assert_true(ns_shows("ip route show table 31343", "unreachable 10.60.0.0/16 proto 117"));
    a.add = 0;
    assert_int_equal(ASK(x, LR_RULE, a), 0);
    assert_false(ns_shows("ip rule show", "iif p0"));
    assert_true(ns_shows("ip rule show", "iif p1"));
    b.table = r.table = TANDEM_PROBE_TABLE + 1;
    assert_int_equal(ASK(x, LR_RULE, b), -EPERM);
    assert_int_equal(ASK(x, LR_ROUTE, r), -EPERM);
    b.table = TANDEM_RT_TABLE - 1;
    assert_int_equal(ASK(x, LR_RULE, b), -EPERM);
    broker_reset(x->b);
    assert_false(ns_shows("ip rule show", "iif p1"));
    assert_false(ns_shows("ip route show table all", "table 31343"));
}

/* A ping through the TUN comes out of its descriptor behind a vnet header. */
static void tun_carries_packets(void **state)
{
    struct box *x = (struct box *)*state;
    struct lr_tun r = {.open = 1, .ifid = 7, .kind = TUN_SHADOW, .mtu = 1390, .name = "tdm7"};
    int tuns = x->tuns, gone = x->gone;
    assert_int_equal(ASK(x, LR_TUN, r), 0);
    assert_int_equal(x->tuns, tuns + 1);
    assert_int_equal(x->tun.ifindex, if_nametoindex("tdm7"));
    assert_true(ns_shows("ip link show dev tdm7", "mtu 1390"));
    assert_true(ns_shows("ip link show dev tdm7", ",UP"));
    char v[16];
    assert_int_equal(sysctl_net_read("ipv4/conf/tdm7/rp_filter", v, sizeof(v)), 0);
    assert_string_equal(v, "0");
    assert_int_equal(sysctl_net_read("ipv4/conf/tdm7/accept_local", v, sizeof(v)), 0);
    assert_string_equal(v, "1");
    assert_true(fcntl(x->tun_fd, F_GETFL) & O_NONBLOCK);

    assert_int_equal(ask_addr(x, "p1", "10.1.1.1", 24, true), 0);
    struct lr_route to = route(TANDEM_RT_TABLE, "10.70.0.0", 16, NULL, "tdm7");
    struct lr_rule rule = {.family = AF_INET,
                           .add = 1,
                           .not_mark = 1,
                           .priority = 100,
                           .mark = TANDEM_FWMARK,
                           .table = TANDEM_RT_TABLE};
    to.src = ns_prefix("10.1.1.1", 32).addr;
    assert_int_equal(ASK(x, LR_ROUTE, to), 0);
    assert_int_equal(ASK(x, LR_RULE, rule), 0);
    int u = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in sin = {.sin_family = AF_INET,
                              .sin_port = htons(9),
                              .sin_addr.s_addr = htonl(0x0a460001)};
    assert_int_equal(sendto(u, "hello", 5, 0, (struct sockaddr *)&sin, sizeof(sin)), 5);
    close(u);
    struct pollfd p = {.fd = x->tun_fd, .events = POLLIN};
    uint8_t pkt[2048];
    ssize_t n;
    do { /* among what the kernel says to IPv6's groups of its own accord */
        assert_int_equal(poll(&p, 1, 100000), 1);
        n = read(x->tun_fd, pkt, sizeof(pkt));
        assert_true(n > TUN_VNET_HDR);
    } while (pkt[TUN_VNET_HDR] >> 4 == 6);
    assert_int_equal(n, TUN_VNET_HDR + 20 + 8 + 5);
    struct ip ip;
    memcpy(&ip, pkt + TUN_VNET_HDR, sizeof(ip));
    assert_int_equal(ip.ip_v, 4);
    assert_int_equal(ntohl(ip.ip_src.s_addr), 0x0a010101);
    assert_int_equal(ntohl(ip.ip_dst.s_addr), 0x0a460001);

    /* asked again: the same device, handed again; a new MTU takes effect */
    uint32_t index = x->tun.ifindex;
    r.mtu = 1380;
    assert_int_equal(ASK(x, LR_TUN, r), 0);
    assert_int_equal(x->tun.ifindex, index);
    assert_int_equal(x->tun.mtu, 1380);
    assert_true(ns_shows("ip link show dev tdm7", "mtu 1380"));
    r.open = 0;
    assert_int_equal(ASK(x, LR_TUN, r), 0);
    assert_int_equal(x->gone, gone + 1);
    assert_int_equal(if_nametoindex("tdm7"), 0);
    assert_int_equal(ASK(x, LR_TUN, r), 0); /* gone is gone */
    broker_reset(x->b);
}

static void tun_limits(void **state)
{
    struct box *x = (struct box *)*state;
    struct lr_tun r = {.open = 1, .ifid = 1, .kind = TUN_SHADOW, .mtu = 1400, .name = "p0"};
    assert_int_equal(ASK(x, LR_TUN, r), -EEXIST);
    /* a TUN of somebody else's that waits for its user is not taken over */
    assert_int_equal(system("ip tuntap add dev theirs mode tun"), 0);
    strcpy(r.name, "theirs");
    assert_int_equal(ASK(x, LR_TUN, r), -EEXIST);
    strcpy(r.name, "../x");
    assert_int_equal(ASK(x, LR_TUN, r), -EPERM);
    strcpy(r.name, "t%d");
    assert_int_equal(ASK(x, LR_TUN, r), -EPERM);
    r.name[0] = '\0';
    assert_int_equal(ASK(x, LR_TUN, r), -EPERM);
    memset(r.name, 'a', sizeof(r.name)); /* no NUL */
    assert_int_equal(ASK(x, LR_TUN, r), -EPERM);
    strcpy(r.name, "tdm1");
    r.kind = 9;
    assert_int_equal(ASK(x, LR_TUN, r), -EPERM);
    r.kind = TUN_BYPASS;
    r.mtu = 10;
    assert_int_equal(ASK(x, LR_TUN, r), -EPERM);
    r.mtu = 65535;
    assert_int_equal(ASK(x, LR_TUN, r), 0);
    strcpy(r.name, "tdm2"); /* the place is taken under another name */
    assert_int_equal(ASK(x, LR_TUN, r), -EEXIST);
    broker_reset(x->b);
    assert_int_equal(if_nametoindex("tdm1"), 0);
    assert_int_equal(system("ip tuntap del dev theirs mode tun"), 0);
}

/* A loopback is a TUN that stays here: up, with carrier, and the datapath hears nothing of it. */
static void loopback(void **state)
{
    struct box *x = (struct box *)*state;
    struct lr_tun r = {.open = 1, .ifid = 5, .kind = TUN_LOOPBACK, .mtu = 1500, .name = "tdl5"};
    int tuns = x->tuns, gone = x->gone;
    assert_int_equal(ASK(x, LR_TUN, r), 0);
    assert_int_equal(x->tuns, tuns);
    assert_true(ns_shows("ip link show dev tdl5", "LOWER_UP"));
    assert_int_equal(ask_addr(x, "tdl5", "10.9.9.9", 32, true), 0);
    assert_true(ns_shows("ip route get 10.9.9.9", "local 10.9.9.9"));
    r.open = 0;
    assert_int_equal(ASK(x, LR_TUN, r), 0);
    assert_int_equal(x->gone, gone);
    assert_int_equal(if_nametoindex("tdl5"), 0);
    broker_reset(x->b);
}

/* Whether this kernel can make VLANs is its own affair; either answer is told as it is. */
static void vlans(void **state)
{
    struct box *x = (struct box *)*state;
    struct lr_vlan r = {.add = 1, .parent = if_nametoindex("p0"), .vlan = 30, .name = "tdv3.30"};
    bool can = system("ip link add link p1 name try type vlan id 3 2>/dev/null && "
                      "ip link del try") == 0;
    int err = ASK(x, LR_VLAN, r);
    if (can) {
        assert_int_equal(err, 0);
        assert_true(ns_shows("ip -d link show dev tdv3.30", "vlan protocol 802.1Q id 30"));
        assert_int_equal(ASK(x, LR_VLAN, r), 0); /* asked again */
        broker_reset(x->b);
        assert_int_equal(if_nametoindex("tdv3.30"), 0);
        assert_int_equal(ASK(x, LR_VLAN, r), 0);
    } else {
        assert_int_equal(err, -EOPNOTSUPP);
        assert_non_null(strstr(x->text, "VLAN 30 on p0: this kernel has no VLANs"));
    }
    r.add = 0;
    assert_int_equal(ASK(x, LR_VLAN, r), 0);
    assert_int_equal(if_nametoindex("tdv3.30"), 0);
    strcpy(r.name, "p1"); /* not ours: nothing is removed */
    assert_int_equal(ASK(x, LR_VLAN, r), 0);
    assert_true(if_nametoindex("p1") > 0);
    r.add = 1;
    assert_true(ASK(x, LR_VLAN, r) < 0);
    r.vlan = 4095;
    assert_int_equal(ASK(x, LR_VLAN, r), -EPERM);
    r.vlan = 30;
    r.parent = 4711;
    assert_int_equal(ASK(x, LR_VLAN, r), -ENODEV);
    strcpy(r.name, "a/b");
    assert_int_equal(ASK(x, LR_VLAN, r), -EPERM);
}

/* The device of virtual addresses: made as a whole, changed as a whole, gone as a whole. */
static void virtual_addresses(void **state)
{
    struct box *x = (struct box *)*state;
    struct lr_vip r = {.parent = if_nametoindex("p0"),
                       .on = 1,
                       .n = 2,
                       .mac = {0, 0, 0x0c, 0x07, 0xac, 0x0a},
                       .name = "tdh3.10",
                       .addr = {ns_prefix("10.9.0.100", 32).addr,
                                ns_prefix("10.9.0.101", 32).addr}};
    assert_int_equal(ASK(x, LR_VIP, r), 0);
    assert_true(ns_shows("ip link show dev tdh3.10", "link/ether 00:00:0c:07:ac:0a"));
    assert_true(ns_shows("ip addr show dev tdh3.10", "10.9.0.100/32"));
    assert_true(ns_shows("ip addr show dev tdh3.10", "10.9.0.101/32"));
    assert_true(ns_shows("cat /proc/sys/net/ipv4/conf/p0/arp_ignore", "1"));
    assert_true(ns_shows("cat /proc/sys/net/ipv4/conf/tdh3.10/arp_announce", "2"));
    unsigned was = if_nametoindex("tdh3.10");
    r.n = 1;
    assert_int_equal(ASK(x, LR_VIP, r), 0); /* one address less, the same device */
    assert_false(ns_shows("ip addr show dev tdh3.10", "10.9.0.101/32"));
    assert_int_equal(if_nametoindex("tdh3.10"), was);
    r.mac[5] = 0x0b;
    assert_int_equal(ASK(x, LR_VIP, r), 0);
    assert_true(ns_shows("ip link show dev tdh3.10", "link/ether 00:00:0c:07:ac:0b"));
    r.on = 0;
    assert_int_equal(ASK(x, LR_VIP, r), 0);
    assert_int_equal(if_nametoindex("tdh3.10"), 0);
    r.on = 1;
    assert_int_equal(ASK(x, LR_VIP, r), 0);
    broker_reset(x->b);
    assert_int_equal(if_nametoindex("tdh3.10"), 0);
    assert_true(ns_shows("cat /proc/sys/net/ipv4/conf/p0/arp_ignore", "0"));
    r.mac[0] = 1; /* a group of stations */
    assert_int_equal(ASK(x, LR_VIP, r), -EPERM);
    r.mac[0] = 0;
    r.n = LAUNCH_VIPS + 1;
    assert_int_equal(ASK(x, LR_VIP, r), -EPERM);
    r.n = 1;
    r.addr[0] = ns_prefix("224.0.0.2", 32).addr;
    assert_int_equal(ASK(x, LR_VIP, r), -EPERM);
    strcpy(r.name, "p1"); /* not ours: nothing is removed */
    r.on = 0;
    assert_int_equal(ASK(x, LR_VIP, r), -EPERM);
    assert_true(if_nametoindex("p1") > 0);
}

static void saving_and_reload(void **state)
{
    struct box *x = (struct box *)*state;
    struct lr_save r = {.name = "startup-config"};
    int fd = memfd_create("text", MFD_CLOEXEC);
    assert_int_equal(write(fd, "end\n", 4), 4);
    assert_int_equal(ask_fd(x, LR_SAVE, &r, sizeof(r), fd), 0);
    assert_int_equal(faccessat(x->dir, "startup-config", R_OK, 0), 0);
    assert_int_equal(ask_fd(x, LR_SAVE, &r, sizeof(r), -1), -EINVAL);
    strcpy(r.name, "../../etc/passwd");
    assert_int_equal(ask_fd(x, LR_SAVE, &r, sizeof(r), fd), -EPERM);
    close(fd);
    r = (struct lr_save){.name = "startup-config", .erase = 1};
    assert_int_equal(ASK(x, LR_SAVE, r), 0);
    assert_int_equal(faccessat(x->dir, "startup-config", R_OK, 0), -1);
    struct lr_reload reload = {0};
    assert_int_equal(ASK(x, LR_RELOAD, reload), 0);
    assert_int_equal(x->reloads, 1);
}

static void odd_frames(void **state)
{
    struct box *x = (struct box *)*state;
    char zeros[512] = {0};
    struct lm_reply reply;
    for (unsigned type = 0; type < 80; type++)
        assert_int_equal(broker_request(x->b, (uint16_t)type, zeros, 3, -1, &reply, x->text,
                                        sizeof(x->text)),
                         -EPROTO);
    assert_int_equal(broker_request(x->b, LR_ADDR, zeros, sizeof(struct lr_addr) + 1, -1, &reply,
                                    x->text, sizeof(x->text)),
                     -EPROTO);
    /* all zeros is in no request an allowed wish, but for closing a TUN that is not there */
    assert_int_equal(ask_fd(x, LR_LINK, zeros, sizeof(struct lr_link), -1), -ENODEV);
    assert_int_equal(ask_fd(x, LR_ADDR, zeros, sizeof(struct lr_addr), -1), -EPERM);
    assert_int_equal(ask_fd(x, LR_ROUTE, zeros, sizeof(struct lr_route), -1), -EPERM);
    assert_int_equal(ask_fd(x, LR_RULE, zeros, sizeof(struct lr_rule), -1), -EPERM);
    assert_int_equal(ask_fd(x, LR_TUN, zeros, sizeof(struct lr_tun), -1), -EPERM);
    assert_int_equal(ask_fd(x, LR_SAVE, zeros, sizeof(struct lr_save), -1), -EPERM);
}

static unsigned dice(uint64_t *seed, unsigned n)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % n;
}

static bool one_random_request(struct box *x, uint64_t *seed)
{
    static const char *const names[] = {"tdm1", "tdm2", "p0", "lo", "../x"};
    static const char *const dst[] = {"10.50.0.0", "10.9.9.0", "10.9.9.1", "0.0.0.0", "10.40.0.0"};
    static const uint32_t tables[] = {
        0, 253, 254, 255, TANDEM_RT_TABLE, TANDEM_RT_TABLE + TANDEM_IFIDS, TANDEM_PROBE_TABLE + 1};
    const char *where = dst[dice(seed, 5)];
    unsigned len = dice(seed, 2) ? 16 : dice(seed, 34);
    bool add = dice(seed, 2);
    uint32_t ifindex = dice(seed, 6), table = tables[dice(seed, 7)];
    unsigned small = dice(seed, 5), big = dice(seed, 33000);
    struct lr_addr addr = {.ifindex = ifindex, .add = add, .addr = ns_prefix(where, len)};
    struct lr_route r = {.add = add,
                         .type = (uint8_t)small,
                         .table = table,
                         .oif = ifindex,
                         .metric = big % 3,
                         .dst = ns_prefix(where, len)};
    struct lr_rule rule = {.family = AF_INET,
                           .add = add,
                           .not_mark = big & 1,
                           .priority = small ? big : 90,
                           .table = table,
                           .goto_priority = len == 16 ? 0 : 2 * big};
    struct lr_link link = {.ifindex = ifindex, .set_up = 1, .up = 1, .mtu = (uint16_t)(big % 3000)};
    struct lr_tun tun = {.open = add, .ifid = ifindex, .kind = small, .mtu = big};
    str_copy(tun.name, sizeof tun.name, names[dice(seed, 5)]);
    switch (dice(seed, 5)) {
    case 0:
        return ASK(x, LR_ADDR, addr) == 0;
    case 1:
        return ASK(x, LR_ROUTE, r) == 0;
    case 2:
        return ASK(x, LR_RULE, rule) == 0;
    case 3:
        return ASK(x, LR_LINK, link) == 0;
    default:
        return ASK(x, LR_TUN, tun) == 0;
    }
}

/* Whatever an engine asks that somebody has taken over: what is not ours stays as it is. */
static void random_requests_touch_nothing_foreign(void **state)
{
    struct box *x = (struct box *)*state;
    uint64_t seed = 20261120;
    unsigned done = 0;
    assert_int_equal(system("ip addr add 10.9.9.1/24 dev p1 && "
                            "ip route add blackhole 10.50.0.0/16 && "
                            "ip rule add prio 90 from 10.50.0.0/16 lookup main"),
                     0);
    for (int i = 0; i < 6000; i++)
        done += one_random_request(x, &seed);
    assert_true(done > 500); /* it was not all refused */
    broker_reset(x->b);
    assert_true(ns_shows("ip addr show dev p1", "10.9.9.1/24"));
    assert_true(ns_shows("ip route show", "blackhole 10.50.0.0/16"));
    assert_true(ns_shows("ip rule show prio 90", "from 10.50.0.0/16 lookup main"));
    assert_true(ns_shows("ip link show dev lo", ",UP"));
    assert_true(ns_shows("ip link show dev p0", "mtu 1500"));
    assert_false(ns_shows("ip route show table all", "proto 117"));
    assert_false(ns_shows("ip rule show", "proto 117"));
    assert_int_equal(if_nametoindex("tdm1") + if_nametoindex("tdm2"), 0);
    assert_int_equal(system("ip addr flush dev p1; ip rule del prio 90; ip route del 10.50.0.0/16"),
                     0);
}

/* A launcher that was killed left its things behind; the next one takes them away, and only
 * them. */
static void left_overs_of_a_killed_run(void **state)
{
    struct box *x = (struct box *)*state;
    int pipefd[2], status;
    assert_int_equal(pipe(pipefd), 0);
    assert_int_equal(system("ip link set p0 up && ip addr add 10.9.9.1/24 dev p1 && "
                            "ip route add 10.50.0.0/16 via 10.9.9.2 && "
                            "ip rule add prio 90 from 1.2.3.4 lookup main"),
                     0);
    pid_t pid = fork();
    if (pid == 0) {
        struct box y = {.dir = x->dir};
        log_init(&y.log, "test", -1, LOGL_ERROR);
        y.b = make(&y);
        struct lr_route r = route(254, "10.40.0.0", 16, "10.1.1.2", "p1");
        struct lr_rule rule = {.family = AF_INET,
                               .add = 1,
                               .priority = 100,
                               .table = TANDEM_RT_TABLE};
        struct lr_rule in = {
            .family = AF_INET, .add = 1, .priority = 99, .table = TANDEM_RT_TABLE + 1, .iif = "p1"};
        struct lr_route wall = route(TANDEM_RT_TABLE + 1, "10.40.0.0", 16, NULL, NULL);
        wall.type = RT_UNREACHABLE;
        bool ok = y.b && ask_addr(&y, "p1", "10.1.1.1", 24, true) == 0 &&
                  ASK(&y, LR_ROUTE, r) == 0 && ASK(&y, LR_RULE, rule) == 0 &&
                  ASK(&y, LR_ROUTE, wall) == 0 && ASK(&y, LR_RULE, in) == 0;
        ok = write(pipefd[1], ok ? "y" : "n", 1) == 1 && ok;
        for (;;)
            pause();
    }
    char ok;
    assert_int_equal(read(pipefd[0], &ok, 1), 1);
    assert_int_equal(ok, 'y');
    assert_true(ns_shows("ip route show", "proto 117"));
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(pipefd[0]);
    close(pipefd[1]);
    broker_free(x->b);
    x->b = make(x);
    assert_non_null(x->b);
    assert_false(ns_shows("ip route show", "proto 117"));
    assert_false(ns_shows("ip addr show dev p1", "10.1.1.1"));
    assert_false(ns_shows("ip rule show", "3134"));
    assert_false(ns_shows("ip route show table all", "table 31342"));
    assert_true(ns_shows("ip addr show dev p1", "10.9.9.1/24"));
    assert_true(ns_shows("ip route show", "10.50.0.0/16 via 10.9.9.2"));
    assert_true(ns_shows("ip rule show", "from 1.2.3.4"));
    assert_int_equal(system("ip addr flush dev p1; ip rule del prio 90"), 0);
}

static void sysctls_are_put_back(void **state)
{
    struct box *x = (struct box *)*state;
    char v[16];
    assert_int_equal(sysctl_net_read("ipv4/ip_forward", v, sizeof(v)), 0);
    assert_string_equal(v, "1");
    broker_free(x->b);
    assert_int_equal(sysctl_net_write("ipv4/ip_forward", "0"), 0);
    assert_int_equal(sysctl_net_write("ipv4/conf/all/rp_filter", "2"), 0);
    x->b = make(x);
    assert_non_null(x->b);
    assert_int_equal(sysctl_net_read("ipv4/conf/all/rp_filter", v, sizeof(v)), 0);
    assert_string_equal(v, "0");
    broker_free(x->b);
    assert_int_equal(sysctl_net_read("ipv4/ip_forward", v, sizeof(v)), 0);
    assert_string_equal(v, "0");
    assert_int_equal(sysctl_net_read("ipv4/conf/all/rp_filter", v, sizeof(v)), 0);
    assert_string_equal(v, "2");
    x->b = make(x);
    assert_non_null(x->b);
}

static void ipv6(void **state)
{
    struct box *x = (struct box *)*state;
    assert_true(ns_shows("cat /proc/sys/net/ipv6/conf/all/forwarding", "1"));
    /* turned off on the device: our address turns it on, and it is off again when we go */
    assert_int_equal(system("echo 1 >/proc/sys/net/ipv6/conf/p1/disable_ipv6"), 0);
    assert_int_equal(ask_addr(x, "p1", "2001:db8::1", 64, true), 0);
    assert_true(ns_shows("ip -6 addr show dev p1", "2001:db8::1/64 scope global nodad"));
    assert_int_equal(ask_addr(x, "p1", "fe80::1", 64, true), -EPERM);
    assert_int_equal(ask_addr(x, "p1", "ff02::1", 16, true), -EPERM);
    assert_int_equal(ask_addr(x, "p1", "::1", 128, true), -EPERM);
    struct lr_route r = route(254, "2001:db8:5::", 48, "2001:db8::2", "p1");
    r.metric = 5; /* the kernel makes 1024 of none */
    struct lr_route wall = r, mixed = r;
    assert_int_equal(ASK(x, LR_ROUTE, r), 0);
    assert_true(ns_shows("ip -6 route", "2001:db8:5::/48 via 2001:db8::2 dev p1 proto 117"));
    r.gw = ns_prefix("2001:db8::3", 128).addr; /* the gateway moves: replaced */
    assert_int_equal(ASK(x, LR_ROUTE, r), 0);
    assert_false(ns_shows("ip -6 route", "2001:db8::2"));
    wall = (struct lr_route){
        .add = 1, .type = RT_UNREACHABLE, .table = TANDEM_RT_TABLE, .metric = 2, .dst = wall.dst};
    assert_int_equal(ASK(x, LR_ROUTE, wall), 0);
    mixed.gw = ns_prefix("10.0.0.1", 32).addr;
    assert_int_equal(ASK(x, LR_ROUTE, mixed), -EPERM);
    struct lr_rule rule = {
        .family = AF_INET6, .add = 1, .priority = 100, .table = TANDEM_RT_TABLE, .iif = "p1"};
    assert_int_equal(ASK(x, LR_RULE, rule), 0);
    assert_int_equal(ASK(x, LR_RULE, rule), 0);
    assert_true(ns_shows("ip -6 rule", "iif p1 lookup 31341 proto 117"));
    assert_false(ns_shows("ip -4 rule", "lookup 31341"));
    struct lr_rule drop = {.family = AF_INET6,
                           .add = 1,
                           .priority = 31997,
                           .no_sctp = ns_prefix("2001:db8::2", 128).addr};
    assert_int_equal(ASK(x, LR_RULE, drop), 0);
    assert_true(ns_shows("ip -6 rule", "to 2001:db8::2 fwmark 0 iif lo ipproto sctp blackhole"));
    rule.family = 0;
    assert_int_equal(ASK(x, LR_RULE, rule), -EPERM);
    broker_reset(x->b);
    assert_false(ns_shows("ip -6 rule", "proto 117"));
    assert_false(ns_shows("ip -6 route show table all", "proto 117"));
    assert_false(ns_shows("ip -6 addr show dev p1", "2001:db8"));
    assert_true(ns_shows("cat /proc/sys/net/ipv6/conf/p1/disable_ipv6", "1"));
    assert_int_equal(system("echo 0 >/proc/sys/net/ipv6/conf/p1/disable_ipv6"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links),
        cmocka_unit_test(addresses_are_tagged_and_removed),
        cmocka_unit_test(a_neighbour_address_survives),
        cmocka_unit_test(routes_of_others_are_left_alone),
        cmocka_unit_test(several_ways),
        cmocka_unit_test(a_replaced_route_is_not_removed_with_its_old_self),
        cmocka_unit_test(rules),
        cmocka_unit_test(sctp_of_others_is_dropped),
        cmocka_unit_test(inbound_tables),
        cmocka_unit_test(ipv6),
        cmocka_unit_test(tun_carries_packets),
        cmocka_unit_test(tun_limits),
        cmocka_unit_test(loopback),
        cmocka_unit_test(vlans),
        cmocka_unit_test(virtual_addresses),
        cmocka_unit_test(saving_and_reload),
        cmocka_unit_test(odd_frames),
        cmocka_unit_test(random_requests_touch_nothing_foreign),
        cmocka_unit_test(left_overs_of_a_killed_run),
        cmocka_unit_test(sysctls_are_put_back),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
