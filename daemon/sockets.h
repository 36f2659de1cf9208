/* Opening what only root may open. See sockets.c for what each socket is set to. */
#ifndef TANDEM_DAEMON_SOCKETS_H
#define TANDEM_DAEMON_SOCKETS_H

#include "lib/launchproto.h"
#include <stddef.h>

struct socket_opts {
    const char *run_dir; /* the CLI's socket is run_dir/tandem.sock */
    uint16_t ssh_port;
};

/* Opens a socket of SOCK_IKE4 … SOCK_SSH or the counters of SOCK_STATS. fd, or -errno and in
 * `why` a sentence that says what to do about it. */
int socket_open(enum launch_socket kind, const struct socket_opts *o, char *why, size_t cap);
void socket_cli_remove(const char *run_dir); /* the file in the way of nobody any more */
const char *socket_name(enum launch_socket kind);
/* The same counters for one who may only read. fd or -errno. */
int stats_reader(int fd);

/* One launcher per network namespace: two would remove each other's routes. Holds as long as the
 * fd is open. fd, or -EADDRINUSE when root already has one here, or -errno. */
int namespace_lock(void);

#endif
