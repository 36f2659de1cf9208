/* How probes of this box leave and come in: the host of sla.h. See wire.h. */
#include "control/sla/wire.h"
#include "control/journal.h"
#include "control/priv.h"
#include "control/sla/probe.h"
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define READS_AT_ONCE 64
#define DATAGRAM      (PROBE_BYTES + 128) /* with any IP header; longer ones are not ours */
#define BUCKETS       1024                /* power of two */

/* A socket of one operation (sla_host.connect). */
struct own {
    struct own *next;
    struct control *control;
    uint32_t key;
    bool tcp, asked, dropped; /* asked: the launcher owes an answer */
    int fd;                   /* -1: none yet */
    struct event *ev;
    struct addr target;
    uint16_t port;
};

struct sla_wire {
    struct family_socket icmp[FAMILIES], udp[FAMILIES], bound;
    struct own *own[BUCKETS];
    int given; /* what the launcher's next reply is about; -1: nothing */
};

/* --- where from ----------------------------------------------------------------------------------
 */

struct source {
    struct addr addr; /* unset: the kernel's choice */
    uint32_t ifindex; /* 0: as the routing says */
};

static int source_of(const struct control *c, const struct intent_sla *op, struct source *s)
{
    *s = (struct source){.addr = op->source};
    if (!op->ifname[0])
        return op->bound ? -ENODEV : 0;
    const struct port *p = ports_named(&c->ports, op->ifname);
    const struct world_link *l = p && p->ifp ? ports_link(p, &c->world) : NULL;
    if (!l)
        return -ENODEV;
    if (!addr_is_set(&s->addr))
        s->addr = intent_if_local(p->ifp, op->target.family);
    if (op->bound && !addr_is_set(&s->addr))
        return -EADDRNOTAVAIL;
    s->ifindex = op->bound ? l->ifindex : 0;
    return 0;
}

/* Control messages: source and interface, type of service. */
union control_room {
    struct cmsghdr h;
    char room[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

static void put(struct msghdr *m, int level, int type, const void *data, size_t len)
{
    char *at = (char *)m->msg_control + m->msg_controllen;
    struct cmsghdr h = {.cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type};
    memcpy(at, &h, sizeof(h));
    memcpy(at + CMSG_LEN(0), data, len);
    m->msg_controllen += CMSG_SPACE(len);
}

static void put_source(struct msghdr *m, uint8_t family, const struct source *s)
{
    struct in_pktinfo v4 = {.ipi_ifindex = (int)s->ifindex};
    struct in6_pktinfo v6 = {.ipi6_ifindex = s->ifindex};
    if (!s->ifindex && s->addr.family != family)
        return;
    memcpy(&v4.ipi_spec_dst, s->addr.b, 4);
    memcpy(&v6.ipi6_addr, s->addr.b, 16);
    if (family == AF_INET6)
        put(m, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
    else
        put(m, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
}

static void put_tos(struct msghdr *m, uint8_t family, int tos)
{
    if (tos && family == AF_INET6)
        put(m, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
    else if (tos)
        put(m, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
}

/* --- sockets of their own ------------------------------------------------------------------------
 */

static struct own **bucket(struct control *c, uint32_t key)
{
    /* The upper half tells the operation, the lower which of its turns. */
    return &c->sla_wire->own[((key >> 16) ^ key) % BUCKETS];
}

static struct own **find_own(struct control *c, uint32_t key)
{
    struct own **at = bucket(c, key);
    while (*at && (*at)->key != key)
        at = &(*at)->next;
    return at;
}

static void free_own(struct own *o)
{
    if (o->ev)
        event_free(o->ev);
    if (o->fd >= 0)
        close(o->fd);
    free(o);
}

/* Out of its bucket. */
static void drop_own(struct own **at)
{
    struct own *o = *at;
    *at = o->next;
    o->dropped = true;
    if (!o->asked)
        free_own(o);
}

static void disconnect_probe(void *ctx, uint32_t key)
{
    struct own **at = find_own((struct control *)ctx, key);
    if (*at)
        drop_own(at);
}

/* Connected, or not. The operation then gives the socket back: nothing may touch it any more. */
static void on_connected(evutil_socket_t fd, short what, void *arg)
{
    struct own *o = (struct own *)arg;
    int err = 0;
    socklen_t len = sizeof(err);
    (void)what;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
        err = errno;
    sla_connected(o->control->sla, o->key, -err);
}

static void on_datagram(evutil_socket_t fd, short what, void *arg)
{
    struct own *o = (struct own *)arg;
    uint8_t p[DATAGRAM];
    (void)what;
    ssize_t n = recv(fd, p, sizeof(p), MSG_DONTWAIT);
    if (n >= 0) /* an error says that nobody listens; the time that is left is waited for */
        sla_udp(o->control->sla, &o->target, o->port, p, (size_t)n);
}

static void on_given(void *ctx, int err)
{
    struct own *o = (struct own *)ctx;
    struct sla_wire *w = o->control->sla_wire;
    o->asked = false;
    if (w) {
        o->fd = w->given;
        w->given = -1;
    }
    if (o->dropped) {
        free_own(o);
        return;
    }
    if (!err && o->fd < 0)
        err = -EBADF;
    if (!err) {
        o->ev = event_new(o->control->o.base, o->fd, o->tcp ? EV_WRITE : EV_READ | EV_PERSIST,
                          o->tcp ? on_connected : on_datagram, o);
        err = o->ev && event_add(o->ev, NULL) == 0 ? 0 : -ENOMEM;
    }
    if (err || !o->tcp)
        sla_connected(o->control->sla, o->key, err);
}

static int connect_probe(void *ctx, const struct intent_sla *op, uint32_t key)
{
    struct control *c = (struct control *)ctx;
    struct source from;
    struct lr_probe r;
    int err = source_of(c, op, &from);
    if (err)
        return err;
    struct own *o = (struct own *)calloc(1, sizeof(*o));
    if (!o)
        return -ENOMEM;
    *o = (struct own){.control = c,
                      .key = key,
                      .tcp = op->type == SLA_TCP_CONNECT,
                      .asked = true,
                      .fd = -1,
                      .target = op->target,
                      .port = op->port};
    memset(&r, 0, sizeof(r));
    r.protocol = o->tcp ? IPPROTO_TCP : IPPROTO_UDP;
    r.tos = op->tos;
    r.port = op->port;
    r.source_port = op->source_port;
    r.target = op->target;
    if (from.addr.family == op->target.family)
        r.source = from.addr;
    err = launch_call(&c->launch, LR_PROBE, &r, sizeof(r), -1, on_given, o);
    if (err) {
        free(o);
        return err;
    }
    o->next = *bucket(c, key);
    *bucket(c, key) = o;
    return 0;
}

void control_launcher_probe(struct control *c, int fd)
{
    if (c->sla_wire->given >= 0)
        close(c->sla_wire->given);
    c->sla_wire->given = fd;
}

/* --- sending -------------------------------------------------------------------------------------
 */

static int socket_of(struct control *c, const struct intent_sla *op, uint32_t key)
{
    const struct sla_wire *w = c->sla_wire;
    unsigned family = family_index(op->target.family);
    if (key) {
        const struct own *o = *find_own(c, key);
        return o ? o->fd : -1;
    }
    if (op->type == SLA_UDP_ECHO)
        return w->udp[family].fd;
    if (!op->bound)
        return w->icmp[family].fd;
    return family == FAMILY_4 ? w->bound.fd : -1;
}

static int send_probe(void *ctx, const struct intent_sla *op, uint32_t key, const uint8_t *msg,
                      size_t len)
{
    struct control *c = (struct control *)ctx;
    int fd = socket_of(c, op, key);
    struct sockaddr_storage to;
    union control_room room;
    struct source from;
    struct iovec iov = {(void *)(uintptr_t)msg, len};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = room.room};
    if (fd < 0)
        return -ENOTCONN;
    if (!key) {
        int err = source_of(c, op, &from);
        if (err)
            return err;
        memset(&room, 0, sizeof(room));
        put_source(&m, op->target.family, &from);
        put_tos(&m, op->target.family, op->tos);
        m.msg_name = &to;
        m.msg_namelen = (socklen_t)addr_to_sockaddr(&op->target, op->port, &to);
    }
    if (!m.msg_controllen)
        m.msg_control = NULL;
    return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* --- receiving -----------------------------------------------------------------------------------
 */

/* One datagram. false: there is none now. */
static bool receive(evutil_socket_t fd, uint8_t *p, size_t cap, size_t *n, struct addr *from,
                    uint16_t *port)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    ssize_t got = recvfrom(fd, p, cap, MSG_DONTWAIT, (struct sockaddr *)&ss, &len);
    *n = got > 0 ? (size_t)got : 0;
    if (got < 0)
        return errno != EAGAIN && errno != EWOULDBLOCK;
    if (addr_from_sockaddr((const struct sockaddr *)&ss, from, port) < 0)
        *n = 0;
    return true;
}

static void on_icmp(evutil_socket_t fd, short what, void *arg)
{
    struct control *c = (struct control *)arg;
    uint8_t p[DATAGRAM];
    struct addr from;
    size_t n;
    (void)what;
    for (int i = 0; i < READS_AT_ONCE && receive(fd, p, sizeof(p), &n, &from, NULL); i++) {
        if (!n)
            continue;
        if (from.family == AF_INET6)
            sla_icmp6(c->sla, &from, p, n);
        else
            sla_icmp4(c->sla, p, n);
    }
}

static void on_udp(evutil_socket_t fd, short what, void *arg)
{
    struct control *c = (struct control *)arg;
    uint8_t p[DATAGRAM];
    struct addr from;
    uint16_t port = 0;
    size_t n;
    (void)what;
    for (int i = 0; i < READS_AT_ONCE && receive(fd, p, sizeof(p), &n, &from, &port); i++)
        if (n)
            sla_udp(c->sla, &from, port, p, n);
}

void sla_set_socket(struct control *c, enum launch_socket kind, int fd)
{
    struct sla_wire *w = c->sla_wire;
    int err = 0;
    switch (kind) {
    case SOCK_PROBE4:
        err = socket_watch(c, &w->icmp[FAMILY_4], fd, on_icmp);
        break;
    case SOCK_PROBE6:
        err = socket_watch(c, &w->icmp[FAMILY_6], fd, on_icmp);
        break;
    case SOCK_PROBE_UDP4:
        err = socket_watch(c, &w->udp[FAMILY_4], fd, on_udp);
        break;
    case SOCK_PROBE_UDP6:
        err = socket_watch(c, &w->udp[FAMILY_6], fd, on_udp);
        break;
    case SOCK_PROBE_IF4:
        socket_drop(&w->bound);
        w->bound.fd = fd;
        break;
    default:
        close(fd);
        break;
    }
    if (err)
        log_line(c->o.log, LOGL_ERROR, "sla", "no memory for a socket of probes");
}

/* --- what survives
 */

struct result_record { /* JOURNAL_SLA */
    uint64_t config;
    uint32_t code;
    uint32_t zero;
};

static void save_result(void *ctx, uint32_t number, enum sla_code code, uint64_t config)
{
    const struct control *c = (const struct control *)ctx;
    const struct result_record r = {.config = config, .code = (uint32_t)code};
    if (c->journal && code == SLA_NONE)
        journal_remove(c->journal, JOURNAL_SLA, number);
    else if (c->journal)
        journal_put(c->journal, JOURNAL_SLA, number, &r, sizeof(r));
}

static void on_result(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    struct control *c = (struct control *)ctx;
    struct result_record r;
    memcpy(&r, p, n < sizeof(r) ? n : sizeof(r));
    if (n == sizeof(r) && r.code > SLA_NONE && r.code <= SLA_ERROR && key <= UINT32_MAX)
        sla_remember(c->sla, (uint32_t)key, (enum sla_code)r.code, r.config);
    else
        journal_remove(c->journal, JOURNAL_SLA, key);
}

void sla_adopt(struct control *c)
{
    if (c->journal)
        journal_each(c->journal, JOURNAL_SLA, on_result, c);
}

/* --- debug ---------------------------------------------------------------------------------------
 */

static bool traced(void *ctx, enum sla_trace what, uint32_t number)
{
    const struct control *c = (const struct control *)ctx;
    unsigned level = c->debug[CONTROL_DEBUG_SLA + what];
    return level && (level == CONTROL_DEBUG_ALL || level == number);
}

static void trace(void *ctx, enum sla_trace what, const struct intent_sla *op, const char *text)
{
    struct control *c = (struct control *)ctx;
    char line[224];
    (void)what;
    snprintf(line, sizeof(line), c->ports.asa ? "IP SLA Monitor(%u) %s" : "IP SLAs(%u) %s",
             (unsigned)op->number, text);
    control_notice(c, line);
}

bool control_sla_restart(struct control *c, uint32_t number)
{
    return sla_restart(c->sla, number);
}

/* --- life ----------------------------------------------------------------------------------------
 */

static uint64_t secret(void *ctx)
{
    uint64_t v = 0;
    (void)ctx;
    (void)getrandom(&v, sizeof(v), 0);
    return v;
}

int sla_open(struct control *c)
{
    const struct sla_host host = {.timers = &c->timers,
                                  .clock = &c->o.clock,
                                  .send = send_probe,
                                  .connect = connect_probe,
                                  .disconnect = disconnect_probe,
                                  .random = secret,
                                  .save = save_result,
                                  .traced = traced,
                                  .trace = trace,
                                  .ctx = c};
    c->sla_wire = (struct sla_wire *)calloc(1, sizeof(*c->sla_wire));
    c->sla = sla_new(&host);
    if (!c->sla_wire || !c->sla)
        return -ENOMEM;
    for (unsigned i = 0; i < FAMILIES; i++)
        c->sla_wire->icmp[i].fd = c->sla_wire->udp[i].fd = -1;
    c->sla_wire->bound.fd = c->sla_wire->given = -1;
    return 0;
}

void sla_close(struct control *c)
{
    struct sla_wire *w = c->sla_wire;
    if (c->sla && w)
        sla_free(c->sla); /* its operations give their sockets back */
    c->sla = NULL;
    c->sla_wire = NULL;
    free(c->sla_paths.v);
    c->sla_paths = (struct sla_paths){0};
    if (!w)
        return;
    for (unsigned i = 0; i < FAMILIES; i++) {
        socket_drop(&w->icmp[i]);
        socket_drop(&w->udp[i]);
    }
    socket_drop(&w->bound);
    if (w->given >= 0)
        close(w->given);
    free(w);
}
