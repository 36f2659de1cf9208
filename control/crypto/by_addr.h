/*
 * Which things of a list may mean an address: those that were noted with it, and those that may
 * mean any. With a thousand peers a set-up looks at its own. The order of the list is kept.
 */
#ifndef TANDEM_CONTROL_CRYPTO_BY_ADDR_H
#define TANDEM_CONTROL_CRYPTO_BY_ADDR_H

#include "lib/addr.h"
#include "lib/mem.h"
#include <stdbool.h>
#include <stdint.h>

struct by_addr; /* NULL: none was made; then everything of the list may mean any address */
struct intent;

/* Room for so many notes; NULL: no memory. */
struct by_addr *by_addr_new(struct arena *a, uint32_t most);
/* Notes number `at` with an address, or NULL for any. In the order of `at`. */
void by_addr_note(struct by_addr *x, const struct addr *addr, uint32_t at);
void by_addr_sort(struct by_addr *x); /* after the last note */

/* for (struct by_addr_walk w = by_addr_walk(x, n, addr); by_addr_next(&w);) … w.at … */
struct by_addr_walk {
    const struct by_addr *x;
    const struct addr *addr;
    uint32_t at, n;      /* the present number; of the list */
    uint32_t own, other; /* the next of either kind */
    bool begun;
};
struct by_addr_walk by_addr_walk(const struct by_addr *x, uint32_t n, const struct addr *addr);
bool by_addr_next(struct by_addr_walk *w);

/* Peers, keys and map entries of a configuration. Without memory they are walked as they are. */
void by_addr_index(struct intent *i);

#endif
