/* The broker: routes, rules, TUNs, files. See broker.h; for interfaces see broker_link.c. */
#include "daemon/broker.h"
#include "daemon/broker_priv.h"
#include "daemon/save.h"
#include "daemon/tun.h"
#include "lib/str.h"
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TABLE_MAIN     254u
#define RULE_LAST      32765u /* main's own rule stands at 32766 */
#define TUNS           4096
#define TUN_QUEUE_LEN  10000
#define LOOPBACK_QUEUE 1 /* nobody reads: what is routed into a loopback's network is dropped */
#define KERNEL_SCTP    "/proc/net/sctp" /* a folder, where its module is loaded */
#define FORWARD        "ipv4/ip_forward"
#define FORWARD6       "ipv6/conf/all/forwarding"

int broker_refuse(struct answer *a, int err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(a->text, a->cap, fmt, ap);
    va_end(ap);
    return err;
}

/* The kernel said no: its words, with what was tried. */
int broker_kernel_said(struct answer *a, int err, const char *what)
{
    const char *why = kernel_why(a->b->k);
    if (!err)
        return 0;
    return broker_refuse(a, err, "%s: %s%s%s", what, strerror(-err), *why ? " - " : "", why);
}

/* --- routes and rules ------------------------------------------------------------------------- */

static bool table_ok(uint32_t table)
{
    return table == TABLE_MAIN || rt_table_is_ours(table);
}

static bool is_or_unset(const struct addr *a, uint8_t family)
{
    return !addr_is_set(a) || a->family == family;
}

static bool one_family(const struct lr_route *r)
{
    uint8_t family = r->dst.addr.family;
    for (unsigned i = 0; i < r->n_more && i < LR_MORE; i++)
        if (!is_or_unset(&r->more[i].gw, family))
            return false;
    return (family == AF_INET || family == AF_INET6) && r->dst.len <= addr_bits(&r->dst.addr) &&
           is_or_unset(&r->gw, family) && is_or_unset(&r->src, family);
}

/* Each way of a route leaves by an interface, or has a gateway. */
static bool ways_ok(const struct lr_route *r)
{
    if (r->n_more > LR_MORE || (r->n_more && r->type != RT_UNICAST))
        return false;
    for (unsigned i = 0; i < r->n_more; i++)
        if (!r->more[i].oif && !addr_is_set(&r->more[i].gw))
            return false;
    return r->type != RT_UNICAST || !r->add || r->oif || addr_is_set(&r->gw);
}

static int do_route(struct answer *a, const struct lr_route *in)
{
    struct lr_route r = *in;
    char p[PREFIX_STRLEN], what[PREFIX_STRLEN + 16];
    if (!table_ok(r.table))
        return broker_refuse(a, -EPERM, "routing table %u is not ours", r.table);
    if (!one_family(&r))
        return broker_refuse(a, -EPERM, "not a route of one family");
    if (r.type < RT_UNICAST || r.type > RT_UNREACHABLE)
        return broker_refuse(a, -EPERM, "route type %u is not known", r.type);
    if (!ways_ok(&r))
        return broker_refuse(a, -EPERM, "a route needs an interface or a gateway");
    r.dst = prefix_make(&r.dst.addr, r.dst.len);
    prefix_print(&r.dst, p, sizeof(p));
    snprintf(what, sizeof(what), "route %s", p);
    if (!r.add) {
        int err = kernel_route_del(a->b->k, &r);
        /* The kernel drops routes by itself when their interface goes down. */
        return err == -ESRCH || err == -ENODEV ? 0 : broker_kernel_said(a, err, what);
    }
    int err = kernel_route_add(a->b->k, &r);
    if (err == -EEXIST)
        return broker_refuse(a, err,
                             "%s: the host has one of its own with metric %u; it is left alone",
                             what, r.metric);
    return broker_kernel_said(a, err, what);
}

/* Of the one kind of rule that drops nothing else may be said. */
static bool drops_well(const struct lr_rule *r)
{
    return r->no_sctp.family == r->family && !r->not_mark && !r->mark && !r->table &&
           !r->goto_priority && !r->iif[0];
}

static int do_rule(struct answer *a, const struct lr_rule *r)
{
    char what[48];
    bool drops = addr_is_set(&r->no_sctp);
    if (r->family != AF_INET && r->family != AF_INET6)
        return broker_refuse(a, -EPERM, "a rule is of IPv4 or of IPv6");
    if (!r->priority || r->priority > RULE_LAST)
        return broker_refuse(a, -EPERM, "rule priority %u is outside of 1..%u", r->priority,
                             RULE_LAST);
    if (drops && !drops_well(r))
        return broker_refuse(a, -EPERM, "a rule of ours drops SCTP to one address, and all of it");
    if (!drops &&
        (r->goto_priority ? r->table != 0 || r->goto_priority <= r->priority : !table_ok(r->table)))
        return broker_refuse(a, -EPERM,
                             "a rule of ours points to table %u, %u..%u, or to a later rule",
                             TABLE_MAIN, TANDEM_RT_TABLE, TANDEM_PROBE_TABLE);
    if (memchr(r->iif, 0, sizeof(r->iif)) == NULL)
        return broker_refuse(a, -EPERM, "interface name without an end");
    snprintf(what, sizeof(what), "rule %u", r->priority);
    int err = kernel_rule(a->b->k, r);
    if (drops && r->add && !err && access(KERNEL_SCTP, F_OK) == 0)
        log_line(a->b->o.log, LOGL_NOTICE, "broker",
                 "the kernel speaks SCTP itself; what it would answer to the other box is dropped");
    if (r->add ? err == -EEXIST : err == -ENOENT)
        return 0; /* it is as wanted */
    return broker_kernel_said(a, err, what);
}

/* --- TUNs ------------------------------------------------------------------------------------ */

static struct tun **tun_find(struct broker *b, uint32_t kind, uint32_t ifid)
{
    struct tun **t = &b->tuns;
    while (*t && ((*t)->t.kind != kind || (*t)->t.ifid != ifid))
        t = &(*t)->next;
    return t;
}

static void tun_drop(struct broker *b, struct tun **at)
{
    struct tun *t = *at;
    *at = t->next;
    b->n_tuns--;
    if (b->o.tun && t->t.kind != TUN_LOOPBACK)
        b->o.tun(b->o.ctx, &t->t, -1);
    close(t->fd);
    free(t);
}

/* Lower-case letters, digits, '-', '_' and '.': nothing that means something in a path. */
bool broker_ifname_ok(const char *name)
{
    size_t n = strnlen(name, LAUNCH_IFNAME);
    return n > 0 && n < LAUNCH_IFNAME && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

static int tun_failed(struct answer *a, const char *name, int err)
{
    if (err == -ENOENT || err == -ENODEV || err == -ENXIO)
        return broker_refuse(
            a, err,
            "TUN %s: /dev/net/tun is missing; load the module (modprobe tun), or give "
            "the container the device",
            name);
    if (err == -EBUSY || err == -EEXIST)
        return broker_refuse(a, -EEXIST, "TUN %s: the host has an interface of that name", name);
    return broker_refuse(a, err, "TUN %s: %s", name, strerror(-err));
}

static int tun_create(struct answer *a, const struct lr_tun *r, struct tun **out)
{
    struct broker *b = a->b;
    struct tun *t = b->n_tuns < TUNS ? (struct tun *)calloc(1, sizeof(*t)) : NULL;
    if (!t)
        return broker_refuse(a, -ENOMEM, "too many TUNs");
    *t = (struct tun){.t = {.ifid = r->ifid, .kind = r->kind, .mtu = r->mtu}};
    str_copy(t->t.name, sizeof(t->t.name), r->name);
    t->fd = tun_open(r->name);
    if (t->fd < 0) {
        int err = tun_failed(a, r->name, t->fd);
        free(t);
        return err;
    }
    t->t.ifindex = if_nametoindex(r->name);
    int err = tun_tame(r->name);
    if (err)
        err = broker_refuse(a, err, "TUN %s: settings below /proc/sys/net: %s", r->name,
                            strerror(-err));
    else
        err = broker_kernel_said(a,
                                 kernel_link_set(b->k, t->t.ifindex, 1, r->mtu,
                                                 r->kind == TUN_LOOPBACK ? LOOPBACK_QUEUE
                                                                         : TUN_QUEUE_LEN),
                                 "TUN up");
    if (err) {
        close(t->fd);
        free(t);
        return err;
    }
    t->next = b->tuns;
    b->tuns = t;
    b->n_tuns++;
    *out = t;
    return 0;
}

static int do_tun(struct answer *a, const struct lr_tun *r)
{
    struct broker *b = a->b;
    if (!broker_ifname_ok(r->name))
        return broker_refuse(a, -EPERM, "not an interface name");
    if (r->kind < TUN_SHADOW || r->kind > TUN_LOOPBACK)
        return broker_refuse(a, -EPERM, "TUN kind %u is not known", r->kind);
    struct tun **at = tun_find(b, r->kind, r->ifid), *t = *at;
    if (!r->open) {
        if (t)
            tun_drop(b, at);
        return 0;
    }
    if (r->mtu < MTU_MIN || r->mtu > 65535)
        return broker_refuse(a, -EPERM, "MTU %u is outside of %u..65535", r->mtu, MTU_MIN);
    if (t && strcmp(t->t.name, r->name) != 0)
        return broker_refuse(a, -EEXIST, "TUN %s already serves that interface", t->t.name);
    if (t) { /* a new engine asks again, or the MTU changes */
        int err =
            broker_kernel_said(a, kernel_link_set(b->k, t->t.ifindex, 1, r->mtu, 0), "TUN MTU");
        if (!err) /* below 1280 the kernel forgets what it knew of IPv6 there */
            err = tun_tame(r->name);
        if (err)
            return err;
        t->t.mtu = r->mtu;
    } else {
        int err = tun_create(a, r, &t);
        if (err || !t)
            return err;
    }
    if (b->o.tun && r->kind != TUN_LOOPBACK)
        b->o.tun(b->o.ctx, &t->t, t->fd);
    return 0;
}

void broker_each_tun(const struct broker *b, void (*fn)(void *ctx, const struct lm_tun *t, int fd),
                     void *ctx)
{
    for (const struct tun *t = b->tuns; t; t = t->next)
        if (t->t.kind != TUN_LOOPBACK)
            fn(ctx, &t->t, t->fd);
}

/* --- files ----------------------------------------------------------------------------------- */

static int do_save(struct answer *a, const struct lr_save *r, int fd)
{
    if (!save_name_ok(r->name, sizeof(r->name)))
        return broker_refuse(a, -EPERM, "a file of that name is not ours to write");
    if (!r->erase && fd < 0)
        return broker_refuse(a, -EINVAL, "%s: no text came with the request", r->name);
    int err =
        r->erase ? save_erase(a->b->o.state_dir, r->name) : save_fd(a->b->o.state_dir, r->name, fd);
    return err ? broker_refuse(a, err, "%s: %s", r->name, strerror(-err)) : 0;
}

static int do_reload(struct answer *a)
{
    if (!a->b->o.reload)
        return broker_refuse(a, -EOPNOTSUPP, "reload is not possible here");
    a->b->o.reload(a->b->o.ctx);
    return 0;
}

/* --- requests --------------------------------------------------------------------------------- */

union request {  /* the payload need not be aligned where it arrived */
    uint32_t id; /* first in each */
    struct lr_link link;
    struct lr_addr addr;
    struct lr_route route;
    struct lr_rule rule;
    struct lr_tun tun;
    struct lr_save save;
    struct lr_vlan vlan;
    struct lr_vip vip;
};

static int carry_out(struct answer *a, enum launch_req type, const union request *r, int fd)
{
    switch (type) {
    case LR_LINK:
        return broker_do_link(a, &r->link);
    case LR_ADDR:
        return broker_do_addr(a, &r->addr);
    case LR_ROUTE:
        return do_route(a, &r->route);
    case LR_RULE:
        return do_rule(a, &r->rule);
    case LR_TUN:
        return do_tun(a, &r->tun);
    case LR_SAVE:
        return do_save(a, &r->save, fd);
    case LR_RELOAD:
        return do_reload(a);
    case LR_VLAN:
        return broker_do_vlan(a, &r->vlan);
    case LR_VIP:
        return broker_do_vip(a, &r->vip);
    case LR_KEEP: /* the launcher's own: nothing of the kernel's is asked for */
    case LR_URGENT:
    case LR_PROCESSES:
    case LR_PROBE:
    case LR_ROUTING:
        break;
    }
    return -EPROTO;
}

int broker_request(struct broker *b, uint16_t type, const void *data, size_t len, int fd,
                   struct lm_reply *reply, char *text, size_t cap)
{
    /* Those that are not here are no requests to the broker. */
    static const size_t size[] = {
        [LR_LINK - LR_LINK] = sizeof(struct lr_link),
        [LR_ADDR - LR_LINK] = sizeof(struct lr_addr),
        [LR_ROUTE - LR_LINK] = sizeof(struct lr_route),
        [LR_RULE - LR_LINK] = sizeof(struct lr_rule),
        [LR_TUN - LR_LINK] = sizeof(struct lr_tun),
        [LR_SAVE - LR_LINK] = sizeof(struct lr_save),
        [LR_RELOAD - LR_LINK] = sizeof(struct lr_reload),
        [LR_VLAN - LR_LINK] = sizeof(struct lr_vlan),
        [LR_VIP - LR_LINK] = sizeof(struct lr_vip),
    };
    union request r;
    struct answer a = {.b = b, .text = text, .cap = cap};
    text[0] = '\0';
    if (type < LR_LINK || type > LR_VIP || !len || len != size[type - LR_LINK])
        return -EPROTO;
    memcpy(&r, data, len);
    int err = carry_out(&a, (enum launch_req)type, &r, fd);
    *reply = (struct lm_reply){.id = r.id, .err = err};
    return 0;
}

/* --- life ------------------------------------------------------------------------------------ */

static void sysctls_set(struct broker *b)
{
    static const struct sysctl want[] = {
        {.path = FORWARD, .value = "1"},
        {.path = FORWARD6, .value = "1", .may_lack = true},
        /* The strictest of `all` and the interface counts: 0 here lets ours decide. */
        {.path = "ipv4/conf/all/rp_filter", .value = "0"},
        /* Taking an address of ours away must not take others of its subnet along. */
        {.path = "ipv4/conf/all/promote_secondaries", .value = "1"},
    };
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        struct sysctl *s = &b->ctl[i];
        *s = want[i];
        int err = sysctl_net_read(s->path, s->before, sizeof(s->before));
        if (!err && strcmp(s->before, s->value) == 0)
            continue;
        if (!err)
            err = sysctl_net_write(s->path, s->value);
        s->changed = err == 0;
        if (err && !(s->may_lack && err == -ENOENT))
            log_line(b->o.log, LOGL_ERROR, "broker",
                     "cannot set net/%s to %s: %s; packets may not be forwarded until that is done "
                     "by hand",
                     s->path, s->value, strerror(-err));
    }
}

static void sysctls_restore(struct broker *b)
{
    for (size_t i = 0; i < sizeof(b->ctl) / sizeof(b->ctl[0]); i++)
        if (b->ctl[i].changed)
            sysctl_net_write(b->ctl[i].path, b->ctl[i].before);
}

struct broker *broker_new(const struct broker_opts *o, char *why, size_t cap)
{
    struct broker *b = (struct broker *)calloc(1, sizeof(*b));
    if (!b) {
        snprintf(why, cap, "no memory");
        return NULL;
    }
    b->o = *o;
    b->k = kernel_open();
    if (!b->k) {
        snprintf(why, cap, "cannot talk to the kernel (netlink): %s", strerror(errno));
        free(b);
        return NULL;
    }
    int n = kernel_sweep(b->k);
    if (n)
        log_line(o->log, LOGL_NOTICE, "broker",
                 n > 0 ? "removed %d rules, routes and addresses that an earlier run left"
                       : "cannot look for left-overs of an earlier run: %d",
                 n);
    sysctls_set(b);
    return b;
}

void broker_reset(struct broker *b)
{
    /* While routes go one by one, a packet that a tunnel protects could find a way in clear:
     * nothing is forwarded meanwhile. */
    char before[32] = "1", before6[32] = "1";
    int err = sysctl_net_read(FORWARD, before, sizeof(before));
    int err6 = sysctl_net_read(FORWARD6, before6, sizeof(before6));
    sysctl_net_write(FORWARD, "0");
    sysctl_net_write(FORWARD6, "0");
    kernel_sweep(b->k);
    broker_forget_addrs(b);
    while (b->tuns)
        tun_drop(b, &b->tuns);
    broker_restore_links(b);
    if (!err)
        sysctl_net_write(FORWARD, before);
    if (!err6)
        sysctl_net_write(FORWARD6, before6);
}

void broker_free(struct broker *b)
{
    if (!b)
        return;
    broker_reset(b);
    sysctls_restore(b);
    kernel_close(b->k);
    free(b);
}
