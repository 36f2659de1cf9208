/* What the files of the broker share. */
#ifndef TANDEM_DAEMON_BROKER_PRIV_H
#define TANDEM_DAEMON_BROKER_PRIV_H

#include "daemon/broker.h"
#include "daemon/kernel.h"

#define MTU_MIN 68 /* RFC 791 */

struct tun {
    struct tun *next;
    struct lm_tun t;
    int fd;
};

#define BROKER_ARP 2

/* How a link was before we first touched it. */
struct was {
    struct was *next;
    struct kernel_link link;
    bool ipv6_off; /* and we turned it on */
    struct {
        bool changed;
        char before[8];
    } arp[BROKER_ARP]; /* settings of ARP that virtual addresses need; see broker_vip.c */
};

/* An address we were asked for. Foreign: somebody else had put it there before. */
struct held {
    struct held *next;
    uint32_t ifindex;
    struct prefix p;
    bool foreign;
};

struct sysctl {
    const char *path, *value;
    bool may_lack; /* a kernel without IPv6 has none */
    char before[32];
    bool changed;
};

struct broker {
    struct broker_opts o;
    struct kernel *k;
    struct tun *tuns;
    struct was *links;
    struct held *addrs;
    unsigned n_tuns, n_links, n_addrs;
    struct sysctl ctl[4];
};

/* The answer under construction. */
struct answer {
    struct broker *b;
    char *text;
    size_t cap;
};

/* broker.c: err, with words of ours, or with the kernel's and what was tried. */
__attribute__((format(printf, 3, 4))) int broker_refuse(struct answer *a, int err, const char *fmt,
                                                        ...);
int broker_kernel_said(struct answer *a, int err, const char *what);
bool broker_ifname_ok(const char *name);

/* broker_vip.c: virtual addresses on it. */
int broker_do_vip(struct answer *a, const struct lr_vip *r);
void broker_arp_restore(struct was *w);

/* broker_link.c: the host's interfaces and their addresses. */
/* How it was, kept since we first touched it; NULL: too many. */
struct was *broker_remember_link(struct broker *b, const struct kernel_link *l);
bool broker_addr_usable(const struct prefix *p);
int broker_do_vlan(struct answer *a, const struct lr_vlan *r);
int broker_do_link(struct answer *a, const struct lr_link *r);
int broker_do_addr(struct answer *a, const struct lr_addr *r);
void broker_forget_addrs(struct broker *b);
void broker_restore_links(struct broker *b);

#endif
