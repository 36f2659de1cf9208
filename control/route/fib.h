/* What the kernel's routing must hold because of us, between the two files that make it so. */
#ifndef TANDEM_CONTROL_ROUTE_FIB_H
#define TANDEM_CONTROL_ROUTE_FIB_H

#include "control/crypto/table.h"
#include "lib/launchproto.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control;

/* What maps protect by their lists, sorted: made once per configuration and set of shadows. */
struct fib {
    struct table_in *prot;
    size_t n_prot, cap_prot;
    uint64_t stamp; /* of what it was made from; 0: nothing yet */
};

struct fib_wanted {
    struct lr_route *v; /* as world_route_cmp() orders them */
    size_t n, cap;
    bool bad; /* out of memory: do not remove anything on this picture */
};

/* fib_diff.c: asks for what is different. */
void fib_compare(struct control *c, const struct fib_wanted *w);

#endif
