/*
 * Netlink writes: links and addresses; for routes and rules see kernel_route.c. See kernel.h.
 *
 * Messages are built by hand from libnl's message helpers: libnl-route 3.7 knows neither
 * IFA_PROTO nor inverted rules, and we need no object cache. The kernel's errno and its text
 * (extended ACK) are kept as they come, because people read them.
 */
#include "daemon/kernel.h"
#include "daemon/kernel_priv.h"
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- transport ----------------------------------------------------------------------------- */

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
    struct kernel *k = (struct kernel *)arg;
    const struct nlmsghdr *h = (const struct nlmsghdr *)((const char *)e - NLMSG_HDRLEN);
    (void)from;
    k->err = e->error;
    if ((h->nlmsg_flags & NLM_F_ACK_TLVS) && (h->nlmsg_flags & NLM_F_CAPPED)) {
        struct nlattr *tlv = (struct nlattr *)(e + 1);
        int len = (int)h->nlmsg_len - NLMSG_HDRLEN - (int)sizeof(*e);
        struct nlattr *text = len > 0 ? nla_find(tlv, len, NLMSGERR_ATTR_MSG) : NULL;
        if (text)
            nla_strlcpy(k->why, text, sizeof(k->why));
    }
    return NL_STOP;
}

struct kernel *kernel_open(void)
{
    struct kernel *k = (struct kernel *)calloc(1, sizeof(*k));
    if (!k)
        return NULL;
    int on = 1, err = ENOMEM;
    k->sk = nl_socket_alloc();
    if (!k->sk)
        goto fail;
    nl_socket_disable_auto_ack(k->sk); /* kernel_message() asks for one where we wait for it */
    if (nl_connect(k->sk, NETLINK_ROUTE) < 0) {
        err = errno ? errno : EPROTO;
        goto fail;
    }
    nl_socket_modify_err_cb(k->sk, NL_CB_CUSTOM, on_error, k);
    int fd = nl_socket_get_fd(k->sk);
    /* Only words for people depend on these two: an old kernel may refuse them. */
    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
    return k;
fail:
    if (k->sk)
        nl_socket_free(k->sk);
    free(k);
    errno = err;
    return NULL;
}

void kernel_close(struct kernel *k)
{
    if (!k)
        return;
    nl_socket_free(k->sk);
    free(k);
}

const char *kernel_why(const struct kernel *k)
{
    return k->why;
}

int kernel_request(struct kernel *k, struct nl_msg *msg)
{
    k->err = 0;
    k->why[0] = '\0';
    int n = nl_send_auto(k->sk, msg);
    nlmsg_free(msg);
    if (n < 0)
        return -EIO;
    n = nl_wait_for_ack(k->sk);
    if (k->err)
        return k->err;
    return n < 0 ? -EIO : 0;
}

/* Asks a question (NLM_F_DUMP: about all there are) and hands each message of the answer to fn. */
static int query(struct kernel *k, int type, int flags, const void *head, size_t len,
                 nl_recvmsg_msg_cb_t fn, void *ctx)
{
    k->err = 0;
    k->why[0] = '\0';
    struct nl_msg *m = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);
    if (!m || nlmsg_append(m, (void *)(uintptr_t)head, len, NLMSG_ALIGNTO) < 0) {
        nlmsg_free(m);
        return -ENOMEM;
    }
    int n = nl_send_auto(k->sk, m);
    nlmsg_free(m);
    if (n < 0)
        return -EIO;
    struct nl_cb *orig = nl_socket_get_cb(k->sk), *cb = nl_cb_clone(orig);
    nl_cb_put(orig);
    if (!cb)
        return -ENOMEM;
    nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, fn, ctx);
    nl_cb_err(cb, NL_CB_CUSTOM, on_error, k);
    n = nl_recvmsgs(k->sk, cb);
    nl_cb_put(cb);
    if (k->err)
        return k->err;
    return n < 0 ? -EIO : 0;
}

struct nl_msg *kernel_message(int type, int flags, const void *head, size_t len)
{
    struct nl_msg *m = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK | flags);
    if (m && nlmsg_append(m, (void *)(uintptr_t)head, len, NLMSG_ALIGNTO) < 0) {
        nlmsg_free(m);
        m = NULL;
    }
    return m;
}

void kernel_put_addr(struct nl_msg *m, int attr, const struct addr *a)
{
    nla_put(m, attr, (int)addr_size(a), a->b);
}

struct addr kernel_attr_addr(const struct nlattr *a, uint8_t family)
{
    struct addr out = {.family = family};
    if (a)
        nla_memcpy(out.b, a, (int)addr_size(&out));
    return out;
}

/* --- links --------------------------------------------------------------------------------- */

static int on_link(struct nl_msg *msg, void *arg)
{
    struct kernel_link *l = (struct kernel_link *)arg;
    const struct nlmsghdr *h = nlmsg_hdr(msg);
    struct nlattr *tb[IFLA_MAX + 1];
    if (h->nlmsg_type != RTM_NEWLINK ||
        nlmsg_parse(nlmsg_hdr(msg), sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) < 0)
        return NL_SKIP;
    const struct ifinfomsg *i = (const struct ifinfomsg *)nlmsg_data(h);
    l->ifindex = (uint32_t)i->ifi_index;
    l->up = i->ifi_flags & IFF_UP;
    l->loopback = i->ifi_flags & IFF_LOOPBACK;
    l->mtu = tb[IFLA_MTU] ? nla_get_u32(tb[IFLA_MTU]) : 0;
    if (tb[IFLA_IFNAME])
        nla_strlcpy(l->name, tb[IFLA_IFNAME], sizeof(l->name));
    if (tb[IFLA_ADDRESS])
        nla_memcpy(l->mac, tb[IFLA_ADDRESS], sizeof(l->mac));
    return NL_OK;
}

int kernel_link_get(struct kernel *k, uint32_t ifindex, struct kernel_link *out)
{
    struct ifinfomsg i = {.ifi_index = (int)ifindex};
    memset(out, 0, sizeof(*out));
    if (!ifindex)
        return -ENODEV;
    int err = query(k, RTM_GETLINK, 0, &i, sizeof(i), on_link, out);
    if (err)
        return err;
    return out->ifindex == ifindex ? 0 : -ENODEV;
}

int kernel_link_set(struct kernel *k, uint32_t ifindex, int up, uint32_t mtu, uint32_t txqlen)
{
    struct ifinfomsg i = {.ifi_index = (int)ifindex};
    if (up >= 0) {
        i.ifi_change = IFF_UP;
        i.ifi_flags = up ? IFF_UP : 0;
    }
    struct nl_msg *m = kernel_message(RTM_SETLINK, 0, &i, sizeof(i));
    if (!m)
        return -ENOMEM;
    if (mtu)
        nla_put_u32(m, IFLA_MTU, mtu);
    if (txqlen)
        nla_put_u32(m, IFLA_TXQLEN, txqlen);
    return kernel_request(k, m);
}

/* --- walks ----------------------------------------------------------------------------------- */

void *kernel_found_add(struct found *f)
{
    if (f->n == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 64;
        char *p = (char *)realloc(f->items, cap * f->size);
        if (!p) {
            f->bad = true;
            return NULL;
        }
        f->items = p;
        f->cap = cap;
    }
    return f->items + f->size * f->n++;
}

int kernel_find_all(struct kernel *k, int type, void *head, size_t len, uint8_t *family,
                    nl_recvmsg_msg_cb_t fn, struct found *f)
{
    *family = AF_INET;
    int err = query(k, type, NLM_F_DUMP, head, len, fn, f);
    *family = AF_INET6;
    if (!err) {
        err = query(k, type, NLM_F_DUMP, head, len, fn, f);
        err = err == -EOPNOTSUPP || err == -EAFNOSUPPORT ? 0 : err;
    }
    return err ? err : f->bad ? -ENOMEM : 0;
}

/* --- VLAN and macvlan devices ---------------------------------------------------------------- */

#define OUR_ALIAS "tandem"

static struct nl_msg *device_message(const char *name, uint32_t parent)
{
    struct ifinfomsg i = {.ifi_family = AF_UNSPEC};
    struct nl_msg *m = kernel_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &i, sizeof(i));
    if (!m)
        return NULL;
    nla_put_string(m, IFLA_IFNAME, name);
    nla_put_u32(m, IFLA_LINK, parent);
    return m;
}

/* Makes the device, and marks it: the kernel takes no alias for one that is not there yet. */
static int make_device(struct kernel *k, struct nl_msg *m, const char *name)
{
    int err = kernel_request(k, m);
    if (err)
        return err;
    struct ifinfomsg i = {.ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(name)};
    m = kernel_message(RTM_SETLINK, 0, &i, sizeof(i));
    if (m)
        nla_put_string(m, IFLA_IFALIAS, OUR_ALIAS);
    err = m ? kernel_request(k, m) : -ENOMEM;
    if (err)
        kernel_link_del(k, (uint32_t)i.ifi_index);
    return err;
}

/* In mode bridge a frame whose source is the device's own MAC address (two routers that both think
 * they are active) reaches the parent; in mode private only the device would see it. */
int kernel_macvlan_add(struct kernel *k, const char *name, uint32_t parent, const uint8_t mac[6])
{
    struct nl_msg *m = device_message(name, parent);
    if (!m)
        return -ENOMEM;
    nla_put(m, IFLA_ADDRESS, 6, mac);
    struct nlattr *info = nla_nest_start(m, IFLA_LINKINFO);
    nla_put_string(m, IFLA_INFO_KIND, "macvlan");
    struct nlattr *data = nla_nest_start(m, IFLA_INFO_DATA);
    nla_put_u32(m, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
    nla_nest_end(m, data);
    nla_nest_end(m, info);
    return make_device(k, m, name);
}

int kernel_vlan_add(struct kernel *k, const char *name, uint32_t parent, uint16_t vlan)
{
    struct nl_msg *m = device_message(name, parent);
    if (!m)
        return -ENOMEM;
    struct nlattr *info = nla_nest_start(m, IFLA_LINKINFO);
    nla_put_string(m, IFLA_INFO_KIND, "vlan");
    struct nlattr *data = nla_nest_start(m, IFLA_INFO_DATA);
    nla_put_u16(m, IFLA_VLAN_ID, vlan);
    nla_nest_end(m, data);
    nla_nest_end(m, info);
    return make_device(k, m, name);
}

int kernel_link_del(struct kernel *k, uint32_t ifindex)
{
    struct ifinfomsg i = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
    struct nl_msg *m = kernel_message(RTM_DELLINK, 0, &i, sizeof(i));
    return m ? kernel_request(k, m) : -ENOMEM;
}

struct found_vlan {
    uint32_t ifindex;
    char name[LAUNCH_IFNAME];
};

static int on_vlan(struct nl_msg *msg, void *arg)
{
    struct found *f = (struct found *)arg;
    const struct nlmsghdr *h = nlmsg_hdr(msg);
    struct nlattr *tb[IFLA_MAX + 1];
    if (h->nlmsg_type != RTM_NEWLINK ||
        nlmsg_parse(nlmsg_hdr(msg), sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) < 0)
        return NL_SKIP;
    if (!tb[IFLA_IFALIAS] || nla_strcmp(tb[IFLA_IFALIAS], OUR_ALIAS) != 0 || !tb[IFLA_IFNAME])
        return NL_SKIP;
    struct found_vlan *x = (struct found_vlan *)kernel_found_add(f);
    if (x) {
        x->ifindex = (uint32_t)((const struct ifinfomsg *)nlmsg_data(h))->ifi_index;
        nla_strlcpy(x->name, tb[IFLA_IFNAME], sizeof(x->name));
    }
    return NL_OK;
}

static int find_vlans(struct kernel *k, struct found *f)
{
    struct ifinfomsg i = {.ifi_family = AF_UNSPEC};
    *f = (struct found){.size = sizeof(struct found_vlan)};
    int err = query(k, RTM_GETLINK, NLM_F_DUMP, &i, sizeof(i), on_vlan, f);
    return err ? err : f->bad ? -ENOMEM : 0;
}

int kernel_vlan_find(struct kernel *k, const char *name)
{
    struct found f;
    int err = find_vlans(k, &f), index = -ENODEV;
    const struct found_vlan *x = (const struct found_vlan *)f.items;
    for (size_t i = 0; i < f.n; i++)
        if (strcmp(x[i].name, name) == 0)
            index = (int)x[i].ifindex;
    free(f.items);
    return err ? err : index;
}

static int sweep_vlans(struct kernel *k)
{
    struct found f;
    int err = find_vlans(k, &f), n = 0;
    const struct found_vlan *x = (const struct found_vlan *)f.items;
    for (size_t i = 0; !err && i < f.n; i++)
        n += kernel_link_del(k, x[i].ifindex) == 0;
    free(f.items);
    return err ? err : n;
}

/* --- addresses ----------------------------------------------------------------------------- */

static struct nl_msg *addr_message(int type, int flags, uint32_t ifindex, const struct prefix *p)
{
    struct ifaddrmsg a = {.ifa_family = p->addr.family,
                          /* usable at once: a gateway's peers wait for it */
                          .ifa_flags = p->addr.family == AF_INET6 ? IFA_F_NODAD : 0,
                          .ifa_prefixlen = p->len,
                          .ifa_index = ifindex};
    struct nl_msg *m = kernel_message(type, flags, &a, sizeof(a));
    if (!m)
        return NULL;
    kernel_put_addr(m, IFA_LOCAL, &p->addr);
    kernel_put_addr(m, IFA_ADDRESS, &p->addr);
    return m;
}

int kernel_addr_add(struct kernel *k, uint32_t ifindex, const struct prefix *p)
{
    struct nl_msg *m = addr_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, p);
    if (!m)
        return -ENOMEM;
    if (p->addr.family == AF_INET && p->len < 31) { /* RFC 3021: a /31 has no broadcast address */
        struct addr_range all = prefix_range(
            &(struct prefix){.addr = prefix_make(&p->addr, p->len).addr, .len = p->len});
        kernel_put_addr(m, IFA_BROADCAST, &all.hi);
    }
    nla_put_u8(m, IFA_PROTO, TANDEM_RTPROT);
    return kernel_request(k, m);
}

int kernel_addr_del(struct kernel *k, uint32_t ifindex, const struct prefix *p)
{
    struct nl_msg *m = addr_message(RTM_DELADDR, 0, ifindex, p);
    return m ? kernel_request(k, m) : -ENOMEM;
}

struct found_addr {
    uint32_t ifindex;
    struct prefix p;
};

static int on_addr(struct nl_msg *msg, void *arg)
{
    struct found *f = (struct found *)arg;
    const struct nlmsghdr *h = nlmsg_hdr(msg);
    struct nlattr *tb[IFA_PROTO + 1];
    if (h->nlmsg_type != RTM_NEWADDR ||
        nlmsg_parse(nlmsg_hdr(msg), sizeof(struct ifaddrmsg), tb, IFA_PROTO, NULL) < 0)
        return NL_SKIP;
    const struct ifaddrmsg *a = (const struct ifaddrmsg *)nlmsg_data(h);
    struct nlattr *at = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS]; /* IPv6 has the latter */
    if (!tb[IFA_PROTO] || nla_get_u8(tb[IFA_PROTO]) != TANDEM_RTPROT || !at)
        return NL_SKIP;
    struct found_addr *x = (struct found_addr *)kernel_found_add(f);
    if (x)
        *x = (struct found_addr){.ifindex = a->ifa_index,
                                 .p = {.addr = kernel_attr_addr(at, a->ifa_family),
                                       .len = a->ifa_prefixlen}};
    return NL_OK;
}

static int find_addrs(struct kernel *k, struct found *f)
{
    struct ifaddrmsg a = {0};
    *f = (struct found){.size = sizeof(struct found_addr)};
    return kernel_find_all(k, RTM_GETADDR, &a, sizeof(a), &a.ifa_family, on_addr, f);
}

int kernel_addr_is_ours(struct kernel *k, uint32_t ifindex, const struct prefix *p)
{
    struct found f;
    int err = find_addrs(k, &f), yes = 0;
    const struct found_addr *x = (const struct found_addr *)f.items;
    for (size_t i = 0; i < f.n; i++)
        yes |= x[i].ifindex == ifindex && x[i].p.len == p->len && addr_eq(&x[i].p.addr, &p->addr);
    free(f.items);
    return err ? err : yes;
}

int kernel_addr_keep(struct kernel *k, uint32_t ifindex, const struct prefix *v, size_t n)
{
    struct found f;
    int err = find_addrs(k, &f);
    const struct found_addr *x = (const struct found_addr *)f.items;
    for (size_t i = 0; i < f.n && !err; i++) {
        size_t j = 0;
        while (j < n && (x[i].p.len != v[j].len || !addr_eq(&x[i].p.addr, &v[j].addr)))
            j++;
        if (x[i].ifindex == ifindex && j == n)
            err = kernel_addr_del(k, ifindex, &x[i].p);
    }
    free(f.items);
    return err;
}

static int sweep_addrs(struct kernel *k)
{
    struct found f;
    int err = find_addrs(k, &f), n = 0;
    const struct found_addr *x = (const struct found_addr *)f.items;
    for (size_t i = 0; !err && i < f.n; i++)
        n += kernel_addr_del(k, x[i].ifindex, &x[i].p) == 0;
    free(f.items);
    return err ? err : n;
}

/* --- all of ours ---------------------------------------------------------------------------- */

int kernel_sweep(struct kernel *k)
{
    /* The crypto table's rules last: as long as main leads anywhere, they decide. */
    int addrs = sweep_addrs(k);
    int routes = kernel_sweep_routes(k);
    int rules = kernel_sweep_rules(k);
    int vlans = sweep_vlans(k);
    if (rules < 0 || routes < 0 || addrs < 0 || vlans < 0)
        return rules < 0 ? rules : routes < 0 ? routes : addrs < 0 ? addrs : vlans;
    return rules + routes + addrs + vlans;
}
