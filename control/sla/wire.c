/* How probes of this box leave and come in: the host of sla.h. */
#include "control/sla/wire.h"
#include "control/priv.h"
#include "lib/pktinfo.h"
#include <errno.h>
#include <sys/random.h>
#include <sys/socket.h>

/* The address to send from; unset: the kernel's choice. -ENODEV: the interface is not there. */
static int source_of(const struct control *c, const struct intent_sla *op, struct addr *from)
{
    *from = op->source;
    if (!op->ifname[0])
        return op->bound ? -ENODEV : 0;
    const struct port *p = ports_named(&c->ports, op->ifname);
    if (!p || !p->ifp)
        return -ENODEV;
    if (!addr_is_set(from))
        *from = intent_if_local(p->ifp, op->target.family);
    return 0;
}

static int send_probe(void *ctx, const struct intent_sla *op, uint32_t key, const uint8_t *msg,
                      size_t len)
{
    struct control *c = (struct control *)ctx;
    const struct family_socket *sock = &c->icmp_sock[family_index(op->target.family)];
    struct sockaddr_storage ss;
    union pktinfo ctl;
    struct addr from;
    struct iovec iov = {(void *)(uintptr_t)msg, len};
    struct msghdr m = {.msg_name = &ss, .msg_iov = &iov, .msg_iovlen = 1};
    (void)key;
    int err = source_of(c, op, &from);
    if (err)
        return err;
    if (op->type != SLA_ICMP_ECHO || sock->fd < 0)
        return -ENOTCONN;
    m.msg_namelen = (socklen_t)addr_to_sockaddr(&op->target, 0, &ss);
    if (from.family == op->target.family)
        pktinfo_from(&m, &ctl, &from);
    return sendmsg(sock->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int connect_probe(void *ctx, const struct intent_sla *op, uint32_t key)
{
    (void)ctx;
    (void)op;
    (void)key;
    return -EOPNOTSUPP;
}

static void disconnect_probe(void *ctx, uint32_t key)
{
    (void)ctx;
    (void)key;
}

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
                                  .ctx = c};
    c->sla = sla_new(&host);
    return c->sla ? 0 : -ENOMEM;
}

void sla_close(struct control *c)
{
    sla_free(c->sla);
    c->sla = NULL;
}
