/* What the files that write to the kernel share. */
#ifndef TANDEM_DAEMON_KERNEL_PRIV_H
#define TANDEM_DAEMON_KERNEL_PRIV_H

#include "daemon/kernel.h"
#include <netlink/netlink.h>

struct kernel {
    struct nl_sock *sk;
    int err; /* of the request under way */
    char why[160];
};

/* What the walkers below carry: found items wait until the dump is over, because a socket
 * cannot send while it receives one. */
struct found {
    size_t n, cap, size;
    char *items;
    bool bad;
};

/* A message with its fixed header, or NULL. */
struct nl_msg *kernel_message(int type, int flags, const void *head, size_t len);
void kernel_put_addr(struct nl_msg *m, int attr, const struct addr *a);
struct addr kernel_attr_addr(const struct nlattr *a, uint8_t family);
/* Sends (and frees) msg and waits for the kernel's answer. */
int kernel_request(struct kernel *k, struct nl_msg *msg);
/* Room for one more; NULL: no memory. */
void *kernel_found_add(struct found *f);
/* Asks for all of a kind there are, of both families (`family` stands in head). A kernel without
 * IPv6 answers about IPv4. */
int kernel_find_all(struct kernel *k, int type, void *head, size_t len, uint8_t *family,
                    nl_recvmsg_msg_cb_t fn, struct found *f);

/* Remove what carries our tag. How many, or -errno. */
int kernel_sweep_routes(struct kernel *k);
int kernel_sweep_rules(struct kernel *k);

#endif
