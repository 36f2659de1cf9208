/*
 * The datapath as a process: events, descriptors from the launcher, the engine's channel.
 *
 * daemon/ calls datapath_main() after it has dropped its rights, or datapath_new(), then
 * whatever narrows the system calls, then datapath_run(). datapath_new() loads OpenSSL's
 * providers and asks the CPU; after it no file is opened.
 */
#ifndef TANDEM_DATAPLANE_DATAPATH_H
#define TANDEM_DATAPLANE_DATAPATH_H

#include "dataplane/crypto.h"

struct datapath;

/* NULL when something essential is missing; a log line says what. Takes launch_fd. */
struct datapath *datapath_new(int launch_fd, enum crypto_want want);
/* Until the launcher goes away. Returns an exit status. */
int datapath_run(struct datapath *d);
void datapath_free(struct datapath *d);

/* All three. The environment's TANDEM_CRYPTO=mb|openssl chooses the crypto backend. */
int datapath_main(int launch_fd);

#endif
