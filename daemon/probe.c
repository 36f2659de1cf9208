/* Sockets of probes. See probe.h. */
#include "daemon/probe.h"
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool spend(struct probe_budget *b, usec_t now)
{
    usec_t since = now - b->at;
    if (!b->at || since >= USEC_PER_SEC) {
        *b = (struct probe_budget){.at = now, .left = PROBE_RATE};
    } else {
        usec_t more = since * PROBE_RATE / USEC_PER_SEC;
        usec_t sum = (usec_t)b->left + more;
        b->left = sum < PROBE_RATE ? (uint32_t)sum : PROBE_RATE;
        b->at += more * USEC_PER_SEC / PROBE_RATE;
    }
    if (!b->left)
        return false;
    b->left--;
    return true;
}

static bool unicast(const struct addr *a)
{
    if (a->family == AF_INET)
        return !addr_is_any(a) && a->b[0] < 224;
    return a->family == AF_INET6 && !addr_is_any(a) && a->b[0] != 0xff;
}

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int bind_source(int fd, const struct lr_probe *r)
{
    struct sockaddr_storage ss;
    struct addr any = {.family = r->target.family};
    if (!addr_is_set(&r->source) && !r->source_port)
        return 0;
    int err = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    int len = addr_to_sockaddr(addr_is_set(&r->source) ? &r->source : &any, r->source_port, &ss);
    if (!err && bind(fd, (const struct sockaddr *)&ss, (socklen_t)len) < 0)
        err = -errno;
    return err;
}

static int prepare(int fd, const struct lr_probe *r)
{
    /* One port serves again at once: nothing of the connection before may linger. */
    const struct linger none = {.l_onoff = 1, .l_linger = 0};
    int err = r->target.family == AF_INET ? set_int(fd, IPPROTO_IP, IP_TOS, r->tos)
                                          : set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, r->tos);
    if (!err && r->source_port && r->protocol == IPPROTO_TCP &&
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)) < 0)
        err = -errno;
    return err ? err : bind_source(fd, r);
}

int probe_socket(struct probe_budget *b, usec_t now, const struct lr_probe *r)
{
    struct sockaddr_storage ss;
    bool tcp = r->protocol == IPPROTO_TCP;
    if ((!tcp && r->protocol != IPPROTO_UDP) || !unicast(&r->target) || !r->port ||
        (addr_is_set(&r->source) && r->source.family != r->target.family))
        return -EPERM;
    if (!spend(b, now))
        return -EAGAIN;
    int fd = socket(r->target.family,
                    (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int err = prepare(fd, r);
    int len = addr_to_sockaddr(&r->target, r->port, &ss);
    if (!err && connect(fd, (const struct sockaddr *)&ss, (socklen_t)len) < 0 &&
        errno != EINPROGRESS)
        err = -errno;
    if (!err)
        return fd;
    close(fd);
    return err;
}
