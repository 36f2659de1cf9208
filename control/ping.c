/*
 * The box's own ping: ICMP echo over one raw socket of each family, any number of pings at a time,
 * each with an identifier of its own.
 *
 * One request is out at a time; the next follows its answer or its timeout, as on the platforms.
 * Packets are not marked, so that a protected destination is reached through its tunnel. Local
 * refusals count as answers too: no route is 'N', no neighbour 'H', too big with DF 'M'.
 */
#include "control/echo.h"
#include "control/priv.h"
#include "lib/pktinfo.h"
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define IP_HEADER     20
#define IP6_HEADER    40
#define SIZE_MAX_IP   65535
#define READS_AT_ONCE 32
/* After an answer the next request waits a moment, so that marks come out in steps. */
#define NEXT_AFTER (1 * USEC_PER_MSEC)

struct ping {
    struct control *control;
    struct ping *next;
    struct ping_opts o;
    void (*result)(void *ctx, char mark, unsigned rtt_us);
    void (*done)(void *ctx);
    void *ctx;
    uint16_t id, seq;
    uint32_t sent;
    usec_t sent_at;
    bool waiting; /* for an answer; else for the next turn */
    struct timer timer;
};

static usec_t now(const struct ping *p)
{
    return clock_mono(&p->control->o.clock);
}

static void unlink_ping(struct ping *p)
{
    struct control *c = p->control;
    timer_cancel(&c->timers, &p->timer);
    for (struct ping **at = &c->pings; *at; at = &(*at)->next)
        if (*at == p) {
            *at = p->next;
            return;
        }
}

/* --- sending
 * ---------------------------------------------------------------------------------------- */

static bool is6(const struct ping *p)
{
    return p->o.dst.family == AF_INET6;
}

static size_t header(const struct ping *p)
{
    return is6(p) ? IP6_HEADER : IP_HEADER;
}

static size_t build(const struct ping *p, uint8_t *out)
{
    size_t n = p->o.size - header(p);
    for (size_t i = 0; i < n - ECHO_HEADER; i++)
        out[ECHO_HEADER + i] = (i & 1) ? 0xcd : 0xab; /* the platforms' pattern */
    return echo_write(out, p->o.dst.family, p->id, p->seq, n - ECHO_HEADER);
}

static void set_df(int fd, const struct ping *p)
{
    int df4 = p->o.df ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT;
    int df6 = p->o.df ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT;
    if (is6(p))
        setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &df6, sizeof(df6));
    else
        setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &df4, sizeof(df4));
}

static int transmit(const struct ping *p)
{
    union pktinfo ctl;
    uint8_t packet[SIZE_MAX_IP];
    struct sockaddr_storage to;
    int fd = p->control->icmp_sock[family_index(p->o.dst.family)].fd;
    int to_len = addr_to_sockaddr(&p->o.dst, 0, &to);
    struct iovec iov = {.iov_base = packet, .iov_len = build(p, packet)};
    struct msghdr m = {.msg_name = &to,
                       .msg_namelen = (socklen_t)to_len,
                       .msg_iov = &iov,
                       .msg_iovlen = 1};
    if (p->o.src.family == p->o.dst.family)
        pktinfo_from(&m, &ctl, &p->o.src);
    set_df(fd, p);
    return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Says what came of the request under way and arms the next turn. result() may abort the ping:
 * nothing may touch it afterwards, so it is called last. */
static void settle(struct ping *p, char mark, unsigned rtt_us)
{
    p->waiting = false;
    timer_set(&p->control->timers, &p->timer, now(p) + NEXT_AFTER);
    p->result(p->ctx, mark, rtt_us);
}

static char mark_of(int err)
{
    switch (err) {
    case -EMSGSIZE:
        return 'M';
    case -ENETUNREACH:
        return 'N';
    case -EHOSTUNREACH:
        return 'H';
    default:
        return '.';
    }
}

static void on_timer(struct timer *t, void *owner)
{
    struct ping *p = (struct ping *)owner;
    (void)t;
    if (p->waiting) {
        settle(p, '.', 0);
        return;
    }
    if (p->sent == p->o.count) {
        void (*done)(void *) = p->done;
        void *ctx = p->ctx;
        unlink_ping(p);
        free(p);
        done(ctx);
        return;
    }
    p->sent++;
    p->seq++;
    p->sent_at = now(p);
    int err = transmit(p);
    if (err) {
        settle(p, mark_of(err), 0);
        return;
    }
    p->waiting = true;
    timer_set(&p->control->timers, &p->timer, p->sent_at + (usec_t)p->o.timeout_ms * USEC_PER_MSEC);
}

struct ping *control_ping(struct control *c, const struct ping_opts *o,
                          void (*result)(void *ctx, char mark, unsigned rtt_us),
                          void (*done)(void *ctx), void *ctx)
{
    struct ping *p = c->icmp_sock[family_index(o->dst.family)].fd >= 0
                         ? (struct ping *)calloc(1, sizeof(*p))
                         : NULL;
    if (!p)
        return NULL;
    *p = (struct ping){.control = c, .o = *o, .result = result, .done = done, .ctx = ctx};
    p->id = ++c->ping_id;
    if (p->o.size < header(p) + ECHO_HEADER)
        p->o.size = (uint32_t)header(p) + ECHO_HEADER;
    if (p->o.size > SIZE_MAX_IP)
        p->o.size = SIZE_MAX_IP;
    timer_init(&p->timer, on_timer, p);
    if (timer_set(&c->timers, &p->timer, now(p)) < 0) {
        free(p);
        return NULL;
    }
    p->next = c->pings;
    c->pings = p;
    return p;
}

void control_ping_abort(struct ping *p)
{
    unlink_ping(p);
    free(p);
}

/* --- receiving
 * -------------------------------------------------------------------------------------- */

static struct ping *find(struct control *c, uint16_t id, uint16_t seq)
{
    for (struct ping *p = c->pings; p; p = p->next)
        if (p->id == id && p->seq == seq && p->waiting)
            return p;
    return NULL;
}

static char mark4(const struct echo_answer *a)
{
    switch (a->type) {
    case ICMP_DEST_UNREACH:
        return a->code == ICMP_FRAG_NEEDED ? 'M' : 'U';
    case ICMP_TIME_EXCEEDED:
        return '&';
    default:
        return '?';
    }
}

static char mark6(const struct echo_answer *a)
{
    switch (a->type) {
    case ICMP6_PACKET_TOO_BIG:
        return 'M';
    case ICMP6_DST_UNREACH:
        return 'U';
    case ICMP6_TIME_EXCEEDED:
        return '&';
    default:
        return '?';
    }
}

static void on_answer(struct control *c, const struct addr *from, const struct echo_answer *a)
{
    struct ping *p = find(c, a->id, a->seq);
    if (!p || !addr_eq(a->error ? &a->about : from, &p->o.dst))
        return;
    if (a->error) {
        settle(p, is6(p) ? mark6(a) : mark4(a), 0);
        return;
    }
    usec_t rtt = now(p) - p->sent_at;
    settle(p, '!', rtt > 0 ? (unsigned)rtt : 0);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct control *c = (struct control *)arg;
    uint8_t packet[SIZE_MAX_IP];
    (void)what;
    for (int i = 0; i < READS_AT_ONCE; i++) {
        struct sockaddr_storage ss;
        socklen_t ss_len = sizeof(ss);
        struct addr from;
        struct echo_answer a;
        if (c->icmp_sock[FAMILY_4].fd != fd && c->icmp_sock[FAMILY_6].fd != fd)
            return; /* closed by what the last answer led to */
        ssize_t n =
            recvfrom(fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&ss, &ss_len);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0 || addr_from_sockaddr((const struct sockaddr *)&ss, &from, NULL) < 0)
            continue;
        if (from.family == AF_INET6 ? echo_read6(packet, (size_t)n, &a)
                                    : echo_read4(packet, (size_t)n, &a))
            on_answer(c, &from, &a);
    }
}

void ping_close(struct control *c)
{
    while (c->pings) {
        struct ping *p = c->pings;
        c->pings = p->next;
        timer_cancel(&c->timers, &p->timer);
        free(p);
    }
    for (unsigned i = 0; i < FAMILIES; i++)
        socket_drop(&c->icmp_sock[i]);
}

void ping_open(struct control *c, unsigned family, int fd)
{
    if (socket_watch(c, &c->icmp_sock[family], fd, on_readable) < 0)
        log_line(c->o.log, LOGL_ERROR, "control", "no memory for the ICMP socket");
}
