/*
 * What a hostile engine may ask of the launcher: any request, with a kernel that only watches.
 *
 * Input: steps of a type byte, a length byte and so many bytes, which are put over a request
 * of the right length. Nothing may reach the kernel that is beyond the broker's limits, and no file
 * is touched whose name is not ours.
 */
#include "daemon/broker.h"
#include "daemon/kernel.h"
#include "daemon/tun.h"
#include "tests/fuzz/fuzz.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOPBACK 1

struct kernel {
    int nothing;
};

static int maybe(uint32_t n)
{
    return n % 7 == 6 ? -EBUSY : 0; /* a kernel refuses now and then */
}

struct kernel *kernel_open(void)
{
    return calloc(1, sizeof(struct kernel));
}

void kernel_close(struct kernel *k)
{
    free(k);
}

const char *kernel_why(const struct kernel *k)
{
    (void)k;
    return "";
}

int kernel_link_get(struct kernel *k, uint32_t ifindex, struct kernel_link *out)
{
    (void)k;
    if (ifindex == 0 || ifindex > 1000)
        return -ENODEV;
    *out = (struct kernel_link){.ifindex = ifindex,
                                .up = ifindex & 2,
                                .loopback = ifindex == LOOPBACK,
                                .mtu = 1500};
    snprintf(out->name, sizeof out->name, "eth%u", ifindex);
    return 0;
}

int kernel_link_set(struct kernel *k, uint32_t ifindex, int up, uint32_t mtu, uint32_t txqlen)
{
    (void)k;
    (void)txqlen;
    if (ifindex == LOOPBACK || up > 1 || up < -1 || (mtu && mtu < 68))
        abort();
    return maybe(mtu);
}

static void unicast(const struct prefix *p)
{
    const uint8_t *b = p->addr.b;
    if (p->len > addr_bits(&p->addr))
        abort();
    if (p->addr.family == AF_INET && (b[0] == 0 || b[0] == 127 || b[0] >= 224))
        abort();
}

int kernel_addr_add(struct kernel *k, uint32_t ifindex, const struct prefix *p)
{
    (void)k;
    unicast(p);
    if (ifindex == LOOPBACK)
        abort();
    return p->addr.b[3] % 5 == 4 ? -EEXIST : maybe(p->addr.b[3]);
}

int kernel_addr_del(struct kernel *k, uint32_t ifindex, const struct prefix *p)
{
    (void)k;
    (void)ifindex;
    unicast(p);
    return maybe(p->len);
}

int kernel_addr_keep(struct kernel *k, uint32_t ifindex, const struct prefix *v, size_t n)
{
    (void)k;
    if (ifindex == 0 || ifindex == LOOPBACK || n > LAUNCH_VIPS)
        abort();
    for (size_t i = 0; i < n; i++)
        unicast(&v[i]);
    return maybe((unsigned)n);
}

int kernel_addr_is_ours(struct kernel *k, uint32_t ifindex, const struct prefix *p)
{
    (void)k;
    (void)ifindex;
    return p->addr.b[2] & 1;
}

static bool table(uint32_t t)
{
    return t == 254 || rt_table_is_ours(t);
}

int kernel_route_add(struct kernel *k, const struct lr_route *r)
{
    (void)k;
    if (!table(r->table) || r->dst.len > addr_bits(&r->dst.addr))
        abort();
    return maybe(r->metric);
}

int kernel_route_del(struct kernel *k, const struct lr_route *r)
{
    return kernel_route_add(k, r);
}

int kernel_rule(struct kernel *k, const struct lr_rule *r)
{
    (void)k;
    if (r->priority == 0 || r->priority > 32765 || !memchr(r->iif, 0, sizeof r->iif) ||
        (r->table && !table(r->table)) ||
        (addr_is_set(&r->no_sctp) && (r->no_sctp.family != r->family || r->table || r->iif[0])))
        abort();
    return maybe(r->priority);
}

int kernel_sweep(struct kernel *k)
{
    (void)k;
    return 0;
}

static void device(const char *name);

int kernel_vlan_add(struct kernel *k, const char *name, uint32_t parent, uint16_t vlan)
{
    (void)k;
    device(name);
    if (parent == 0 || parent > 1000 || vlan < 1 || vlan > 4094)
        abort();
    return vlan == 7 ? -EOPNOTSUPP : maybe(vlan);
}

int kernel_macvlan_add(struct kernel *k, const char *name, uint32_t parent, const uint8_t mac[6])
{
    (void)k;
    device(name);
    if (parent == 0 || parent > 1000 || parent == LOOPBACK || mac[0] & 1)
        abort();
    return mac[5] == 7 ? -EOPNOTSUPP : maybe(mac[5]);
}

int kernel_vlan_find(struct kernel *k, const char *name)
{
    (void)k;
    device(name);
    return name[strlen(name) - 1] & 1 ? 77 : -ENODEV;
}

int kernel_link_del(struct kernel *k, uint32_t ifindex)
{
    (void)k;
    if (ifindex != 77) /* only what is known to be ours */
        abort();
    return 0;
}

static void device(const char *name)
{
    if (!memchr(name, 0, LAUNCH_IFNAME) || !*name || strchr(name, '/') || strchr(name, '%') ||
        name[0] == '.')
        abort();
}

int tun_open(const char *name)
{
    device(name);
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int tun_tame(const char *name)
{
    device(name);
    return 0;
}

int sysctl_net_write(const char *path, const char *value)
{
    (void)value;
    return strstr(path, "/.") ? abort(), -1 : 0;
}

int sysctl_net_read(const char *path, char *value, size_t cap)
{
    snprintf(value, cap, "0");
    return strstr(path, "/.") ? abort(), -1 : 0;
}

static void on_tun(void *ctx, const struct lm_tun *t, int fd)
{
    (void)ctx;
    (void)fd;
    device(t->name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const size_t size[] = {sizeof(struct lr_link),   sizeof(struct lr_addr),
                                  sizeof(struct lr_route),  sizeof(struct lr_rule),
                                  sizeof(struct lr_tun),    sizeof(struct lr_save),
                                  sizeof(struct lr_reload), 0,
                                  sizeof(struct lr_vlan),   sizeof(struct lr_vip)};
    struct log log = {.who = "fuzz", .level = LOGL_ERROR, .fd = -1};
    struct broker_opts o = {.state_dir = -1, .log = &log, .tun = on_tun}; /* no folder: no file */
    char text[BROKER_TEXT];
    struct broker *b = len <= 4096 ? broker_new(&o, text, sizeof text) : NULL;
    if (!b)
        return 0;
    while (len >= 2) {
        unsigned type = data[0] % 11, n = data[1];
        size_t want = type < sizeof size / sizeof *size ? size[type] : n;
        data += 2;
        len -= 2;
        n = n < len ? n : (unsigned)len;
        uint8_t *m = calloc(1, want ? want : 1);
        memcpy(m, data, n < want ? n : want);
        struct lr_save save;
        struct lm_reply r = {0};
        int err = broker_request(b, (uint16_t)(LR_LINK + type), m, want, -1, &r, text, sizeof text);
        if (err == 0 && type == LR_SAVE - LR_LINK) {
            memcpy(&save, m, sizeof save);
            if (r.err == 0 || !memchr(text, 0, sizeof text))
                abort(); /* there is nowhere to write: a name that leads elsewhere got through */
        }
        free(m);
        data += n;
        len -= n;
    }
    broker_reset(b);
    broker_free(b);
    return 0;
}
