/*
 * Floods a box of a lab with what an attacker on the way may send, at a rate of our choosing.
 *
 *     flood DEVICE FROM TO RATE SECONDS KIND [PCAP]
 *
 * Frames leave DEVICE for the neighbour TO (its MAC address is in the ARP table, as traffic has
 * passed). FROM is the peer's address, used where the box must not know at once that a packet is
 * none of its peer's, or the host's; the other kinds come from random addresses and ports. We stand
 * for machines elsewhere: where it may be, we have the priority that they would have over a box
 * that has a processor of its own.
 *
 *   init     IKE_SA_INIT, each whole and acceptable (AES-256, SHA-256, group 21): without cookies
 *            it costs a key agreement
 *   garbage  noise to UDP 500
 *   auth     IKE_AUTH with random SPIs and an SK payload of noise
 *   natt     noise to UDP 4500, half of it marked as IKE
 *   esp      ESP with random SPIs
 *   icv      the first ESP packet of PCAP towards TO, with other bytes and later numbers
 *   replay   the ESP packets of PCAP towards TO as they were
 *   flows    UDP of the host FROM, by the gateway TO, to random ports and addresses in
 *            198.18.0.0/16: each a flow of its own
 *
 * Ends after SECONDS, or by SIGINT, and prints how many were sent, in which time, and how many the
 * device refused.
 */
#include "control/ike/codec.h"
#include "control/ike/crypto.h"
#include "control/ike/proposal.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH   32
#define FRAME   2048
#define ETH     14
#define IP      20
#define UDP     8
#define RECORDS 4096 /* of a capture, at most */

struct frame {
    uint8_t b[FRAME];
    size_t len;
};

struct flood {
    int fd;
    struct sockaddr_ll to;
    uint8_t eth[ETH];
    uint32_t from_addr, to_addr; /* network order */
    uint64_t random;
    struct frame *seen; /* of the capture */
    size_t n_seen, next;
    uint32_t number;
    void (*vary)(struct flood *f, struct frame *x);
    struct frame frame[BATCH];
    struct iovec iov[BATCH];
    struct mmsghdr mm[BATCH];
};

static void die(const char *what)
{
    fprintf(stderr, "flood: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static uint64_t rnd(struct flood *f)
{
    uint64_t x = f->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return f->random = x;
}

static void noise(struct flood *f, uint8_t *p, size_t n)
{
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t x = rnd(f);
        memcpy(p, &x, 8);
    }
    uint64_t x = rnd(f);
    memcpy(p, &x, n);
}

/* --- headers ------------------------------------------------------------------------------- */

static void put16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void checksum(uint8_t *ip)
{
    uint32_t sum = 0;
    put16(ip + 10, 0);
    for (int i = 0; i < IP; i += 2)
        sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    put16(ip + 10, ~sum & 0xffff);
}

/* Ethernet and IP around what lies at x->b + ETH + IP. */
static void wrap(const struct flood *f, struct frame *x, uint8_t proto, size_t payload)
{
    uint8_t *ip = x->b + ETH;
    memcpy(x->b, f->eth, ETH);
    memset(ip, 0, IP);
    ip[0] = 0x45;
    put16(ip + 2, IP + payload);
    ip[8] = 60;
    ip[9] = proto;
    memcpy(ip + 12, &f->from_addr, 4);
    memcpy(ip + 16, &f->to_addr, 4);
    checksum(ip);
    x->len = ETH + IP + payload;
}

static uint8_t *wrap_udp(const struct flood *f, struct frame *x, unsigned port, size_t payload)
{
    uint8_t *udp = x->b + ETH + IP;
    put16(udp, port);
    put16(udp + 2, port);
    put16(udp + 4, UDP + payload);
    put16(udp + 6, 0); /* no checksum: IPv4 allows it */
    wrap(f, x, IPPROTO_UDP, UDP + payload);
    return udp + UDP;
}

/* Some address between 11.0.0.0 and 126.255.255.255. */
static void spoof(struct flood *f, struct frame *x)
{
    uint64_t v = rnd(f);
    uint8_t *ip = x->b + ETH;
    ip[12] = (uint8_t)(11 + (v & 0xff) % 116);
    ip[13] = (uint8_t)(v >> 8);
    ip[14] = (uint8_t)(v >> 16);
    ip[15] = (uint8_t)(v >> 24 | 1);
    checksum(ip);
}

/* --- kinds --------------------------------------------------------------------------------- */

static void vary_init(struct flood *f, struct frame *x)
{
    spoof(f, x);
    noise(f, x->b + ETH + IP + UDP, 8); /* SPI */
    noise(f, x->b + x->len - 16, 16);   /* of the nonce, which comes last */
    put16(x->b + ETH + IP, 1024 + rnd(f) % 60000);
}

static void make_init(struct flood *f, struct frame *x)
{
    const struct ike_policy policy = {.priority = 1,
                                      .encr = {{ENCR_AES_CBC, 256}},
                                      .integ = {INTEG_SHA256_128},
                                      .prf = {PRF_SHA256},
                                      .group = {DH_ECP521},
                                      .n_encr = 1,
                                      .n_integ = 1,
                                      .n_prf = 1,
                                      .n_group = 1};
    const struct ike_header h = {.spi_i = 1,
                                 .version = 0x20,
                                 .exchange = X_SA_INIT,
                                 .flags = IKE_F_INITIATOR};
    uint8_t msg[1024], pub[512], nonce[32];
    struct ike_writer w = ike_writer_make(msg, sizeof msg);
    struct ike_offer_origin origin;
    struct ike_crypto *c = ike_crypto_new();
    struct ike_dh *dh = c ? ike_dh_new(c, DH_ECP521) : NULL;
    size_t len;
    noise(f, nonce, sizeof nonce);
    if (!dh || ike_dh_pub(dh, pub, sizeof pub))
        die("no key pair");
    ike_w_header(&w, &h);
    ike_w_sa_ike(&w, c, &policy, 1, 0, &origin);
    ike_w_ke(&w, DH_ECP521, pub, ike_dh_pub_len(DH_ECP521));
    ike_w_payload(&w, PL_NONCE, nonce, sizeof nonce);
    if (ike_w_finish(&w, &len))
        die("the message does not fit");
    memcpy(wrap_udp(f, x, 500, len), msg, len);
    ike_dh_free(dh);
    ike_crypto_unref(c);
    f->vary = vary_init;
}

static void vary_noise(struct flood *f, struct frame *x)
{
    spoof(f, x);
    noise(f, x->b + ETH + IP + UDP, 64);
}

static void make_garbage(struct flood *f, struct frame *x)
{
    noise(f, wrap_udp(f, x, 500, 200), 200);
    f->vary = vary_noise;
}

static void vary_auth(struct flood *f, struct frame *x)
{
    spoof(f, x);
    noise(f, x->b + ETH + IP + UDP, 16);
}

static void make_auth(struct flood *f, struct frame *x)
{
    const struct ike_header h = {.spi_i = 1,
                                 .spi_r = 1,
                                 .version = 0x20,
                                 .exchange = X_AUTH,
                                 .flags = IKE_F_INITIATOR,
                                 .mid = 1};
    uint8_t msg[512], sk[208];
    struct ike_writer w = ike_writer_make(msg, sizeof msg);
    size_t len;
    noise(f, sk, sizeof sk);
    ike_w_header(&w, &h);
    ike_w_payload(&w, PL_SK, sk, sizeof sk);
    if (ike_w_finish(&w, &len))
        die("the message does not fit");
    memcpy(wrap_udp(f, x, 500, len), msg, len);
    f->vary = vary_auth;
}

static void vary_natt(struct flood *f, struct frame *x)
{
    vary_noise(f, x);
    if (f->number++ & 1)
        memset(x->b + ETH + IP + UDP, 0, 4); /* RFC 3948 §2.2: an IKE message follows */
}

static void make_natt(struct flood *f, struct frame *x)
{
    noise(f, wrap_udp(f, x, 4500, 200), 200);
    f->vary = vary_natt;
}

static void vary_esp(struct flood *f, struct frame *x)
{
    spoof(f, x);
    noise(f, x->b + ETH + IP, 64);
}

static void make_esp(struct flood *f, struct frame *x)
{
    noise(f, x->b + ETH + IP, 152);
    wrap(f, x, IPPROTO_ESP, 152);
    f->vary = vary_esp;
}

static void vary_icv(struct flood *f, struct frame *x)
{
    uint32_t number = htonl(++f->number);
    memcpy(x->b + ETH + IP + 4, &number, 4);
    noise(f, x->b + ETH + IP + 8, 16);
}

/* The first of the capture: SPI and addresses are right, nothing else. */
static void make_icv(struct flood *f, struct frame *x)
{
    *x = f->seen[0];
    memcpy(x->b, f->eth, ETH);
    memcpy(&f->number, x->b + ETH + IP + 4, 4);
    f->number = ntohl(f->number) + 1000;
    f->vary = vary_icv;
}

static void vary_replay(struct flood *f, struct frame *x)
{
    *x = f->seen[f->next++ % f->n_seen];
    memcpy(x->b, f->eth, ETH);
}

static void make_replay(struct flood *f, struct frame *x)
{
    vary_replay(f, x);
    f->vary = vary_replay;
}

static void vary_flow(struct flood *f, struct frame *x)
{
    uint64_t v = rnd(f);
    uint8_t *ip = x->b + ETH;
    ip[16] = 198; /* RFC 2544: nobody's but a laboratory's */
    ip[17] = 18;
    ip[18] = (uint8_t)v;
    ip[19] = (uint8_t)(v >> 8);
    checksum(ip);
    put16(ip + IP, 1024 + (v >> 16) % 60000);
    put16(ip + IP + 2, 1024 + (v >> 40) % 60000);
}

static void make_flow(struct flood *f, struct frame *x)
{
    noise(f, wrap_udp(f, x, 1024, 64), 64);
    f->vary = vary_flow;
}

static const struct kind {
    const char *name;
    void (*make)(struct flood *f, struct frame *x);
    bool capture;
} kinds[] = {{"init", make_init, false},    {"garbage", make_garbage, false},
             {"auth", make_auth, false},    {"natt", make_natt, false},
             {"esp", make_esp, false},      {"icv", make_icv, true},
             {"replay", make_replay, true}, {"flows", make_flow, false}};

/* --- the way out --------------------------------------------------------------------------- */

/* ESP frames towards TO, without IP options. */
static void read_capture(struct flood *f, const char *path)
{
    FILE *in = fopen(path, "rb");
    uint32_t head[6], record[4];
    if (!in || fread(head, sizeof head, 1, in) != 1)
        die(path);
    f->seen = calloc(RECORDS, sizeof *f->seen);
    while (f->seen && f->n_seen < RECORDS && fread(record, sizeof record, 1, in) == 1) {
        struct frame *x = &f->seen[f->n_seen];
        x->len = record[2];
        if (x->len > FRAME || fread(x->b, 1, x->len, in) != x->len)
            break;
        f->n_seen += x->len > ETH + IP + 24 && x->b[12] == 8 && x->b[13] == 0 &&
                     x->b[ETH] == 0x45 && x->b[ETH + 9] == IPPROTO_ESP &&
                     memcmp(x->b + ETH + 16, &f->to_addr, 4) == 0;
    }
    fclose(in);
    errno = 0;
    if (!f->n_seen)
        die("no ESP in the capture");
}

/* The neighbour's MAC address, from the kernel's table. */
static void find_mac(struct flood *f, const char *device, const char *to)
{
    char line[256], ip[64], mac[64], dev[64];
    FILE *arp = fopen("/proc/net/arp", "r");
    unsigned m[6];
    while (arp && fgets(line, sizeof line, arp))
        if (sscanf(line, "%63s %*s %*s %63s %*s %63s", ip, mac, dev) == 3 && !strcmp(ip, to) &&
            !strcmp(dev, device) &&
            sscanf(mac, "%x:%x:%x:%x:%x:%x", m, m + 1, m + 2, m + 3, m + 4, m + 5) == 6) {
            for (int i = 0; i < 6; i++)
                f->eth[i] = (uint8_t)m[i];
            f->eth[6] = 2; /* ours is of no matter; locally administered */
            put16(f->eth + 12, ETHERTYPE_IP);
            fclose(arp);
            return;
        }
    errno = 0;
    die("the neighbour is not in the ARP table");
}

static void open_device(struct flood *f, const char *device)
{
    int one = 1;
    f->fd = socket(AF_PACKET, SOCK_RAW, 0); /* protocol 0: receives nothing */
    f->to =
        (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(device)};
    if (f->fd < 0 || bind(f->fd, (struct sockaddr *)&f->to, sizeof f->to))
        die(device);
    setsockopt(f->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void wait_until(double when)
{
    double left = when - now();
    if (left <= 0)
        return;
    struct timespec t = {.tv_sec = (time_t)left, .tv_nsec = (long)((left - (time_t)left) * 1e9)};
    nanosleep(&t, NULL);
}

static unsigned send_batch(struct flood *f, uint64_t *refused)
{
    for (int i = 0; i < BATCH; i++) {
        f->vary(f, &f->frame[i]);
        f->iov[i].iov_len = f->frame[i].len;
    }
    int n = sendmmsg(f->fd, f->mm, BATCH, MSG_DONTWAIT);
    if (n < 0 && errno != ENOBUFS && errno != EAGAIN)
        die("sending");
    *refused += (uint64_t)(BATCH - (n < 0 ? 0 : n));
    return n < 0 ? 0 : (unsigned)n;
}

/* SIGINT, which is blocked, says that it was long enough. */
static bool asked_to_end(void)
{
    static const struct timespec at_once;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    return sigtimedwait(&set, NULL, &at_once) == SIGINT;
}

static void run(struct flood *f, double rate, double seconds, const char *kind)
{
    uint64_t sent = 0, refused = 0;
    double begin = now();
    for (int i = 0; i < BATCH; i++) {
        f->iov[i].iov_base = f->frame[i].b;
        f->mm[i].msg_hdr = (struct msghdr){.msg_iov = &f->iov[i], .msg_iovlen = 1};
    }
    while (now() - begin < seconds && !asked_to_end()) {
        wait_until(begin + (double)(sent + refused) / rate);
        sent += send_batch(f, &refused);
    }
    double took = now() - begin;
    printf("%s: sent %llu in %.1f s, %.0f per second, %llu refused\n", kind,
           (unsigned long long)sent, took, (double)sent / took, (unsigned long long)refused);
}

int main(int argc, char **argv)
{
    static struct flood f = {.random = 0x9e3779b97f4a7c15};
    const struct kind *k = NULL;
    for (size_t i = 0; argc >= 7 && i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].name, argv[6]))
            k = &kinds[i];
    if (!k || (k->capture && argc < 8) || inet_pton(AF_INET, argv[2], &f.from_addr) != 1 ||
        inet_pton(AF_INET, argv[3], &f.to_addr) != 1 || atof(argv[4]) <= 0)
        die("usage: flood DEVICE FROM TO RATE SECONDS KIND [PCAP]");
    (void)setpriority(PRIO_PROCESS, 0, -20);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    f.random ^= (uint64_t)getpid() << 32 ^ (uint64_t)time(NULL);
    find_mac(&f, argv[1], argv[3]);
    open_device(&f, argv[1]);
    if (k->capture)
        read_capture(&f, argv[7]);
    for (int i = 0; i < BATCH; i++)
        k->make(&f, &f.frame[i]);
    run(&f, atof(argv[4]), atof(argv[5]), k->name);
    return 0;
}
