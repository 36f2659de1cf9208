/*
 * Preloaded into a program that manages ESP SAs by XFRM netlink, where the kernel has no ESP: SAs
 * are taken here instead and acknowledged, everything else still goes to the kernel. The
 * program then negotiates on as if the kernel used them.
 *
 * What it is told is appended to the file $XFRM_SA_LOG, one line each:
 *   add SPI DESTINATION esp|ah tunnel|transport [crypt NAME KEY] [auth NAME KEY] [aead NAME KEY]
 *   del SPI
 * With $XFRM_POLICY_TAKEN set policies are taken as SAs are, and the kernel knows none: in
 * transport mode they would stop the packets of whoever stands in for it. With $XFRM_SA_REFUSE set
 * SAs are refused, as a kernel without ESP does.
 *
 * Requests are recognised in write(2), and their answers delivered by the next recvfrom(2) of the
 * same socket, as the program does both from one thread.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

struct answer {
    struct nlmsghdr h;
    union {
        struct nlmsgerr ack;
        struct xfrm_usersa_info sa;
    } u;
};

static struct {
    int fd; /* 0: no answer is due */
    struct answer answer;
} pending;

static bool is_xfrm(int fd)
{
    int domain = 0, protocol = 0;
    socklen_t n = sizeof domain;
    socklen_t m = sizeof protocol;
    return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) && domain == AF_NETLINK &&
           !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &m) && protocol == NETLINK_XFRM;
}

static void key(FILE *f, const char *what, const char *name, const char *bytes, unsigned bits)
{
    fprintf(f, " %s %s ", what, name);
    for (unsigned i = 0; i < bits / 8; i++)
        fprintf(f, "%02x", (unsigned char)bytes[i]);
}

/* The attributes of an SA that is added: its keys. */
static void keys(FILE *f, const struct nlmsghdr *h)
{
    size_t off = NLMSG_SPACE(sizeof(struct xfrm_usersa_info));
    const char *base = (const char *)h;
    while (off + sizeof(struct nlattr) <= h->nlmsg_len) {
        const struct nlattr *a = (const void *)(base + off);
        const void *p = base + off + NLA_HDRLEN;
        if (a->nla_len < NLA_HDRLEN || a->nla_len > h->nlmsg_len - off)
            return;
        const struct xfrm_algo *crypt = p;
        const struct xfrm_algo_auth *auth = p;
        const struct xfrm_algo_aead *aead = p;
        if (a->nla_type == XFRMA_ALG_CRYPT)
            key(f, "crypt", crypt->alg_name, crypt->alg_key, crypt->alg_key_len);
        else if (a->nla_type == XFRMA_ALG_AUTH_TRUNC)
            key(f, "auth", auth->alg_name, auth->alg_key, auth->alg_key_len);
        else if (a->nla_type == XFRMA_ALG_AEAD)
            key(f, "aead", aead->alg_name, aead->alg_key, aead->alg_key_len);
        off += NLA_ALIGN(a->nla_len);
    }
}

static void destination(FILE *f, const struct nlmsghdr *h)
{
    const struct xfrm_usersa_info *sa = NLMSG_DATA(h);
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(sa->family, &sa->id.daddr, text, sizeof text))
        fprintf(f, " %s %s %s", text, sa->id.proto == IPPROTO_AH ? "ah" : "esp",
                sa->mode == XFRM_MODE_TUNNEL ? "tunnel" : "transport");
}

static void record(const char *what, uint32_t spi, const struct nlmsghdr *added)
{
    const char *path = getenv("XFRM_SA_LOG");
    FILE *f = path ? fopen(path, "ae") : NULL;
    if (!f)
        return;
    fprintf(f, "%s %08x", what, ntohl(spi));
    if (added) {
        destination(f, added);
        keys(f, added);
    }
    fputc('\n', f);
    fclose(f);
}

static void acknowledge(struct answer *a, const struct nlmsghdr *h, int error)
{
    a->h.nlmsg_type = NLMSG_ERROR;
    a->h.nlmsg_len = NLMSG_LENGTH(sizeof a->u.ack);
    a->u.ack = (struct nlmsgerr){.error = error, .msg = *h};
}

static void tell(struct answer *a, const struct xfrm_id *id, uint16_t family)
{
    a->h.nlmsg_type = XFRM_MSG_NEWSA;
    a->h.nlmsg_len = NLMSG_LENGTH(sizeof a->u.sa);
    a->u.sa.id = *id;
    a->u.sa.family = family;
}

static bool about_policy(const struct nlmsghdr *h)
{
    return h->nlmsg_type == XFRM_MSG_NEWPOLICY || h->nlmsg_type == XFRM_MSG_UPDPOLICY ||
           h->nlmsg_type == XFRM_MSG_DELPOLICY;
}

/* True when this request is about an SA: its answer is in *a. */
static bool about_sa(const struct nlmsghdr *h, struct answer *a)
{
    const void *body = NLMSG_DATA(h);
    memset(a, 0, sizeof *a);
    a->h.nlmsg_seq = h->nlmsg_seq;
    if (h->nlmsg_type == XFRM_MSG_NEWSA || h->nlmsg_type == XFRM_MSG_UPDSA) {
        bool refused = getenv("XFRM_SA_REFUSE");
        if (!refused)
            record("add", ((const struct xfrm_usersa_info *)body)->id.spi, h);
        acknowledge(a, h, refused ? -EPROTONOSUPPORT : 0);
    } else if (h->nlmsg_type == XFRM_MSG_DELSA) {
        record("del", ((const struct xfrm_usersa_id *)body)->spi, NULL);
        acknowledge(a, h, 0);
    } else if (h->nlmsg_type == XFRM_MSG_GETSA) {
        const struct xfrm_usersa_id *of = body;
        struct xfrm_id id = {.daddr = of->daddr, .spi = of->spi, .proto = of->proto};
        tell(a, &id, of->family);
    } else if (h->nlmsg_type == XFRM_MSG_ALLOCSPI) {
        const struct xfrm_userspi_info *want = body;
        struct xfrm_id id = want->info.id;
        uint32_t any = 0;
        if (getrandom(&any, sizeof any, 0) != sizeof any)
            return false;
        id.spi = htonl(want->min + any % (want->max - want->min));
        tell(a, &id, want->info.family);
    } else if (about_policy(h) && getenv("XFRM_POLICY_TAKEN")) {
        acknowledge(a, h, 0);
    } else {
        return false;
    }
    return true;
}

ssize_t write(int fd, const void *p, size_t n)
{
    static ssize_t (*real)(int, const void *, size_t);
    struct answer answer;
    const struct nlmsghdr *h = p;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "write");
    if (n >= sizeof *h && h->nlmsg_len == n && is_xfrm(fd) && about_sa(h, &answer)) {
        pending.fd = fd;
        pending.answer = answer;
        return (ssize_t)n;
    }
    return real(fd, p, n);
}

ssize_t recvfrom(int fd, void *p, size_t cap, int flags, struct sockaddr *from, socklen_t *len)
{
    static ssize_t (*real)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "recvfrom");
    if (!pending.fd || fd != pending.fd)
        return real(fd, p, cap, flags, from, len);
    size_t n = pending.answer.h.nlmsg_len;
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    pending.fd = 0;
    if (cap < n || !from || *len < sizeof kernel) {
        errno = EMSGSIZE;
        return -1;
    }
    memcpy(p, &pending.answer, n);
    memcpy(from, &kernel, sizeof kernel);
    *len = sizeof kernel;
    return (ssize_t)n;
}
