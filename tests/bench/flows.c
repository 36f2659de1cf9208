/*
 * A steady flow of packets through many tunnels, and how long each of them was silent.
 *
 *     flows send BOXES PORTS RATE SIZE   RATE packets a second through each of BOXES * PORTS
 * tunnels: UDP of SIZE bytes from 21.BOX.PORT.1 to 22.BOX.PORT.1 flows echo sends them back,
 * whichever address they were sent to
 *
 * Both say "ready" and end with their standard input. Lines of it tell the sender: "begin" forgets
 * what was counted, and what was sent before; "stop" sends nothing more until then; "report" prints
 * a line "SENT ANSWERED SILENT" of each tunnel since it has begun, and a dot. SILENT is the longest
 * time without an answer, in microseconds. The tunnels take turns, so that the packets of all are
 * spread evenly; what a busy machine has missed is not made up for.
 *
 * The addresses need not be on a port: `ip route add local 21.0.0.0/8 dev lo` makes them the
 * host's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT   9000
#define BATCH  64
#define ROOM   2048
#define MAGIC  0x54666c77u
#define BUFFER (64 << 20)
#define USEC   1000000
#define LATE   (100 * 1000) /* µs; what was to be sent before is given up */

struct payload {
    uint32_t magic, tunnel;
    uint32_t turn; /* how often it has begun */
};

struct tunnel {
    uint64_t sent, answered;
    int64_t last, silent; /* µs */
};

union control {
    struct cmsghdr align;
    uint8_t room[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

struct batch {
    struct mmsghdr mm[BATCH];
    struct iovec iov[BATCH];
    struct sockaddr_in peer[BATCH];
    union control control[BATCH];
    uint8_t bytes[BATCH][ROOM];
};

struct sender {
    int fd;
    unsigned boxes, ports, n;
    double per_us; /* packets of all tunnels together */
    size_t size;
    int64_t began; /* µs; since then `sent` packets were due */
    uint64_t sent;
    unsigned next; /* tunnel */
    uint32_t turn;
    bool stopped;
    struct tunnel *tunnel;
    struct batch out, in;
};

static void die(const char *what)
{
    fprintf(stderr, "flows: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * USEC + t.tv_nsec / 1000;
}

static int open_socket(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), one = 1, room = BUFFER;
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0 ||
        bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
        die("socket");
    return fd;
}

/* Room for everything of each message again. */
static void prepare(struct batch *b, size_t size)
{
    for (unsigned i = 0; i < BATCH; i++) {
        b->iov[i] = (struct iovec){.iov_base = b->bytes[i], .iov_len = size};
        b->mm[i].msg_hdr = (struct msghdr){.msg_name = &b->peer[i],
                                           .msg_namelen = sizeof(b->peer[i]),
                                           .msg_iov = &b->iov[i],
                                           .msg_iovlen = 1,
                                           .msg_control = &b->control[i],
                                           .msg_controllen = sizeof(b->control[i])};
    }
}

/* What does not go now is lost, as on a wire. */
static void send_batch(int fd, struct batch *b, unsigned n)
{
    for (unsigned i = 0; i < n;) {
        int r = sendmmsg(fd, b->mm + i, n - i, 0);
        i += r > 0 ? (unsigned)r : 1;
    }
}

static unsigned receive(int fd, struct batch *b)
{
    prepare(b, ROOM);
    int n = recvmmsg(fd, b->mm, BATCH, MSG_DONTWAIT, NULL);
    return n > 0 ? (unsigned)n : 0;
}

static void set_source(struct batch *b, unsigned i, struct in_addr from)
{
    const struct in_pktinfo info = {.ipi_spec_dst = from};
    struct cmsghdr *c = &b->control[i].align;
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(info));
    memcpy(CMSG_DATA(c), &info, sizeof(info));
    b->mm[i].msg_hdr.msg_controllen = sizeof(b->control[i]);
}

/* --- echo ---------------------------------------------------------------------------------------
 */

static bool sent_to(const struct batch *b, unsigned i, struct in_addr *to)
{
    const struct msghdr *h = &b->mm[i].msg_hdr;
    const struct cmsghdr *c = CMSG_FIRSTHDR(h);
    struct in_pktinfo info;
    if (!c || c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO)
        return false;
    memcpy(&info, CMSG_DATA(c), sizeof(info));
    *to = info.ipi_addr;
    return true;
}

static void echo_all(int fd, struct batch *b)
{
    for (unsigned n; (n = receive(fd, b)) > 0;) {
        for (unsigned i = 0; i < n; i++) {
            struct in_addr me = {0};
            if (!sent_to(b, i, &me))
                die("no address");
            b->iov[i].iov_len = b->mm[i].msg_len;
            set_source(b, i, me);
        }
        send_batch(fd, b, n);
    }
}

static int echo(void)
{
    static struct batch b;
    struct pollfd p[2] = {{.fd = open_socket(), .events = POLLIN},
                          {.fd = STDIN_FILENO, .events = POLLIN}};
    puts("ready");
    fflush(stdout);
    while (poll(p, 2, -1) >= 0 && !p[1].revents)
        echo_all(p[0].fd, &b);
    return 0;
}

/* --- send ---------------------------------------------------------------------------------------
 */

static struct in_addr address(const struct sender *s, unsigned net, unsigned tunnel)
{
    unsigned box = tunnel / s->ports, port = tunnel % s->ports;
    return (struct in_addr){.s_addr = htonl(net << 24 | box << 16 | port << 8 | 1)};
}

static void send_some(struct sender *s, unsigned n)
{
    prepare(&s->out, s->size);
    for (unsigned i = 0; i < n; i++, s->next = (s->next + 1) % s->n) {
        const struct payload p = {MAGIC, s->next, s->turn};
        memcpy(s->out.bytes[i], &p, sizeof(p));
        s->out.peer[i] = (struct sockaddr_in){.sin_family = AF_INET,
                                              .sin_port = htons(PORT),
                                              .sin_addr = address(s, 22, s->next)};
        set_source(&s->out, i, address(s, 21, s->next));
        s->tunnel[s->next].sent++;
    }
    send_batch(s->fd, &s->out, n);
    s->sent += n;
}

static void send_due(struct sender *s)
{
    uint64_t due = (uint64_t)((double)(now_us() - s->began) * s->per_us);
    uint64_t most = (uint64_t)(LATE * s->per_us) + 1;
    if (due > s->sent + most)
        s->sent = due - most;
    while (s->sent < due)
        send_some(s, due - s->sent < BATCH ? (unsigned)(due - s->sent) : BATCH);
}

static void heard(struct tunnel *t, int64_t now)
{
    if (now - t->last > t->silent)
        t->silent = now - t->last;
    t->last = now;
}

static void take_answers(struct sender *s)
{
    for (unsigned n; (n = receive(s->fd, &s->in)) > 0;) {
        int64_t now = now_us();
        for (unsigned i = 0; i < n; i++) {
            struct payload p;
            memcpy(&p, s->in.bytes[i], sizeof(p));
            if (s->in.mm[i].msg_len != s->size || p.magic != MAGIC || p.turn != s->turn ||
                p.tunnel >= s->n)
                continue;
            s->tunnel[p.tunnel].answered++;
            heard(&s->tunnel[p.tunnel], now);
        }
    }
}

static void begin(struct sender *s)
{
    int64_t now = now_us();
    s->turn++;
    s->began = now;
    s->sent = 0;
    s->stopped = false;
    for (unsigned i = 0; i < s->n; i++)
        s->tunnel[i] = (struct tunnel){.last = now};
}

static void report(struct sender *s)
{
    int64_t now = now_us();
    for (unsigned i = 0; i < s->n; i++) {
        struct tunnel t = s->tunnel[i]; /* the silence that goes on counts, too */
        heard(&t, now);
        printf("%llu %llu %lld\n", (unsigned long long)t.sent, (unsigned long long)t.answered,
               (long long)t.silent);
    }
    puts(".");
    fflush(stdout);
}

/* False: standard input has ended. */
static bool obey(struct sender *s)
{
    char line[64];
    ssize_t n = read(STDIN_FILENO, line, sizeof(line));
    if (n > 0 && line[0] == 'b')
        begin(s);
    else if (n > 0 && line[0] == 's')
        s->stopped = true;
    else if (n > 0)
        report(s);
    return n > 0;
}

static int run(struct sender *s)
{
    struct pollfd p[2] = {{.fd = s->fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    bool more = true;
    begin(s);
    puts("ready");
    fflush(stdout);
    while (more && poll(p, 2, 1) >= 0) {
        take_answers(s);
        if (!s->stopped)
            send_due(s);
        if (p[1].revents)
            more = obey(s);
    }
    return 0;
}

static unsigned number(const char *text, unsigned most)
{
    unsigned long n = strtoul(text, NULL, 10);
    if (n == 0 || n > most)
        die(text);
    return (unsigned)n;
}

int main(int argc, char **argv)
{
    static struct sender s;
    if (argc == 2 && strcmp(argv[1], "echo") == 0)
        return echo();
    if (argc != 6 || strcmp(argv[1], "send") != 0) {
        fprintf(stderr, "flows: send BOXES PORTS RATE SIZE, or echo\n");
        return 2;
    }
    s.boxes = number(argv[2], 255);
    s.ports = number(argv[3], 255);
    s.n = s.boxes * s.ports;
    s.per_us = number(argv[4], 1000) * (double)s.n / USEC;
    s.size = number(argv[5], ROOM);
    if (s.size < sizeof(struct payload))
        die("too short");
    s.tunnel = calloc(s.n, sizeof(*s.tunnel));
    if (!s.tunnel)
        die("memory");
    s.fd = open_socket();
    return run(&s);
}
