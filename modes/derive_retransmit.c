/*
 * When a peer counts as dead: how often and how long IKE repeats a message. Each platform has
 * its own way (semantics.md §1.1); a line of the configuration changes number and interval.
 */
#include "modes/derive.h"

/* `most` limits a wait that doubles; 0: all waits are alike. */
static struct ike_schedule schedule(int64_t tries, usec_t wait, usec_t most)
{
    struct ike_schedule s = {0};
    size_t room = sizeof s.wait / sizeof *s.wait;
    if (most && most < wait)
        most = wait;
    for (; s.n <= tries && s.n < room; s.n++) {
        s.wait[s.n] = wait;
        if (most)
            wait = 2 * wait < most ? 2 * wait : most;
    }
    return s;
}

/* The first wait of a line; 0: it names none. */
#define FIRST(a)                                                                                   \
    ((a)->has_ms        ? (usec_t)(a)->ms * 1000                                                   \
     : (a)->has_seconds ? (usec_t)(a)->seconds * USEC_PER_SEC                                      \
                        : 0)

void derive_retransmit(struct derive *d)
{
    const struct cfg_node *root = d->tree->root, *n;
    struct intent *out = d->out;
    const usec_t most = (d->asa ? 64 : 32) * USEC_PER_SEC;
    int64_t tries1 = d->asa ? 3 : 5, tries2 = 5;
    usec_t wait1 = 0, wait2 = 0;
    if (d->asa && (n = cfg_first(root, E_IKEV1_RETRANSMIT))) {
        tries1 = CFG_ARGS(n, ikev1_retransmit)->tries;
        wait1 = FIRST(CFG_ARGS(n, ikev1_retransmit));
    } else if (!d->asa && (n = cfg_first(root, E_ISAKMP_RETRANSMIT))) {
        tries1 = CFG_ARGS(n, isakmp_retransmit)->tries;
        wait1 = FIRST(CFG_ARGS(n, isakmp_retransmit));
    }
    if (d->asa && (n = cfg_first(root, E_IKEV2_RETRANSMIT))) {
        tries2 = CFG_ARGS(n, ikev2_retransmit)->tries;
        wait2 = FIRST(CFG_ARGS(n, ikev2_retransmit));
    } else if (!d->asa && (n = cfg_first(root, E_IOS2_RETRANSMIT))) {
        tries2 = CFG_ARGS(n, ios2_retransmit)->tries;
        wait2 = FIRST(CFG_ARGS(n, ios2_retransmit));
    }
    out->skip_dead = cfg_first(root, d->asa ? E_SKIP_DEAD : E_SKIP_DEAD_IOS) != NULL;
    if (!wait1)
        wait1 = (d->asa ? 8 : 10) * USEC_PER_SEC;
    if (!wait2)
        wait2 = 2 * USEC_PER_SEC;
    out->retransmit1 = schedule(tries1, wait1, 0);
    out->retransmit2 = schedule(tries2, wait2, most);
}
